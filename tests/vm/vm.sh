#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Boots the test VM and runs a command in it, or a shell.
#
#   tests/vm/vm.sh [COMMAND]
#
# COMMAND goes to /bin/sh -c; its standard output and error are this script's,
# byte for byte, and so is its exit status. Without COMMAND: a shell when stdin
# is a terminal, otherwise the commands come from stdin.
#
#   KERNEL=small|debug     kernel to boot (small)
#   SHARE=DIR              mounted at /mnt, writable
#   DEVICE_ARGS=a=1,b=2    more properties of the qaccel device
#   QEMU_ARGS='...'        more arguments for QEMU
#   MODULE_ARGS='a=1'      parameters of qaccel.ko
#   VM_TIMEOUT=SECONDS     then the VM is stopped (600; 0 is never, as for a shell)
#   VM_DEVICE=none         boots without the device; the module is loaded all the same
#   VM_KVM=1               KVM instead of TCG
#   VM_RUNDIR=DIR          keeps the files of this run: boot.log, qmp.sock
#   VM_LOG=FILE            where boot.log goes (build/vm/boot.log, or VM_RUNDIR)
#   VM_IMAGE=FILE          another kernel, and with it
#   VM_MODULES='a.ko b.ko' the modules it needs, in order, qaccel.ko being one; or none
#
# In the VM: the node is /dev/accel/accel0, the device's QEMU id is qaccel0, and
# the root port slot1 is free for a hotplugged one. Exit status 124 is a timeout,
# 125 a VM that did not boot or that died; both say so and where the log is.
# shellcheck disable=SC2054 # QEMU's arguments have commas
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$(realpath "$0")")/lib.sh"

build=${BUILD:-$top/build}
kernel=${KERNEL:-small}
timeout=${VM_TIMEOUT:-}
qemu=$build/bin/qemu-system-x86_64
status_timeout=124
status_dead=125

need() { [[ -e $1 ]] || die "no $1; run '$2' first"; }

# copy_program FILE DESTINATION: with the shared libraries it names, at the paths
# where the loader looks for them.
copy_program() {
	local lib
	install -D "$1" "$root/$2"
	while read -r lib; do
		[[ -e $root/$lib ]] || install -D "$lib" "$root/$lib"
	done < <(ldd "$1" 2>/dev/null | grep -o '/[^ ]*')
}

make_initramfs() {
	local m n=10 t modules=${VM_MODULES:-"$build/kmod/$kernel/qaccel.ko"}
	[[ $modules != none ]] || modules=
	root=$run/root
	mkdir -p "$root"/{bin,dev,etc,lib/modules,run}
	install "$(command -v busybox)" "$root/bin/busybox"
	install "$vm_dir/init" "$root/init"
	printf 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/tmp:/bin/sh\n' >"$root/etc/passwd"
	printf 'root:x:0:\nrender:x:105:\nuser:x:1000:\n' >"$root/etc/group"
	for m in $modules; do
		need "$m" "make kmod KERNEL=$kernel"
		# In order, which is that of their names for init.
		cp "$m" "$root/lib/modules/$n-${m##*/}"
		[[ $m != */qaccel.ko ]] ||
			echo "${MODULE_ARGS:-}" >"$root/lib/modules/$n-${m##*/}.args"
		n=$((n + 1))
	done
	[[ ! -e $build/bin/qaccel ]] || copy_program "$build/bin/qaccel" /usr/bin/qaccel
	for t in "$build"/selftests/*; do
		[[ ! -f $t || ! -x $t ]] || copy_program "$t" "/usr/libexec/qaccel/tests/${t##*/}"
	done
	( cd "$root" && find . | cpio --quiet -o -H newc --owner=0:0 ) >"$run/initramfs"
	rm -rf "$root"
}

machine_args() {
	local accel=tcg,thread=multi
	[[ -z ${VM_KVM:-} ]] || accel=kvm
	# no_timer_check: on a busy machine the timer may be late for the kernel's test.
	args=(-M q35 -accel "$accel" -cpu max -smp 2 -m 1G -nodefaults -display none -no-reboot
		-kernel "$image" -initrd "$run/initramfs"
		-append "console=ttyS0 panic=-1 oops=panic no_timer_check"
		-chardev "file,id=log,path=$run/boot.log" -serial chardev:log
		-fsdev "local,id=vm,path=$run/ctl,security_model=none"
		-device virtio-9p-pci,fsdev=vm,mount_tag=vm
		-device virtio-serial-pci
		-device pcie-root-port,id=slot0,chassis=1,slot=1
		-device pcie-root-port,id=slot1,chassis=2,slot=2)
	[[ ${VM_DEVICE:-} == none ]] ||
		args+=(-device "qaccel,id=qaccel0,bus=slot0${DEVICE_ARGS:+,$DEVICE_ARGS}")
	[[ -z ${VM_RUNDIR:-} ]] || args+=(-qmp "unix:$run/qmp.sock,server=on,wait=off")
}

share_args() {
	[[ -n ${SHARE:-} ]] || return 0
	[[ -d $SHARE ]] || die "SHARE=$SHARE is no directory"
	args+=(-fsdev "local,id=share,path=$(realpath "$SHARE"),security_model=none"
		-device virtio-9p-pci,fsdev=share,mount_tag=share)
	touch "$run/ctl/share"
}

# A file a stream, which never blocks QEMU: a slow reader of our stdout must not
# lose what the VM wrote last.
command_args() {
	local s
	printf '%s' "$command" >"$run/ctl/cmd"
	for s in stdout stderr; do
		: >"$run/$s"
		args+=(-chardev "file,id=$s,path=$run/$s" -device "virtserialport,chardev=$s,name=$s")
	done
}

shell_args() {
	local size
	size=$(stty size)
	printf 'ROWS=%s COLS=%s TERM=%s\n' "${size% *}" "${size#* }" "${TERM:-linux}" \
		>"$run/ctl/terminal"
	args+=(-chardev stdio,id=con,signal=off -device virtconsole,chardev=con)
}

# The log is short, and a panic or the last words of init are near its end.
explain() {
	local log=$1 why=${2:-}
	if [[ -s $run/ctl/failed ]]; then
		why=$(<"$run/ctl/failed")
	elif [[ -z $why ]] && grep -q 'Kernel panic' "$log" 2>/dev/null; then
		why="kernel panic"
	fi
	echo "vm: ${why:-the VM stopped before the command ended}; the log is $log:" >&2
	tail -n 25 "$log" 2>/dev/null | sed 's/\r$//; s/^/  | /' >&2
}

keep_log() {
	log=${VM_LOG:-${VM_RUNDIR:-$build/vm}/boot.log}
	[[ ! -e $run/boot.log || $log -ef $run/boot.log ]] && return
	mkdir -p "$(dirname "$log")"
	mv -f "$run/boot.log" "$log"
}

cleanup() {
	[[ -z ${qemu_pid:-} ]] || kill "$qemu_pid" 2>/dev/null || :
	[[ -z ${tty:-} ]] || stty "$tty" || :
	[[ -n ${VM_RUNDIR:-} ]] || rm -rf "$run"
}

# The readers end by themselves when QEMU is gone and all is shown.
stream() {
	local s
	for s in stdout stderr; do
		[[ ! -e $run/$s ]] || tail -qs 0.05 -c +1 -f --pid="$qemu_pid" "$run/$s" >&"$1" &
		shift
	done
}

boot() {
	local status=0
	timeout --foreground -k 5 "$timeout" "$qemu" "${args[@]}" "${extra[@]}" \
		<&0 2>"$run/qemu.err" &
	qemu_pid=$!
	stream 1 2
	wait "$qemu_pid" || status=$?
	qemu_pid=
	wait
	keep_log
	if [[ -s $run/ctl/status ]]; then
		return "$(<"$run/ctl/status")"
	elif [[ $status == 124 || $status == 137 ]]; then
		explain "$log" "no end after $timeout s, VM stopped"
		return $status_timeout
	fi
	sed 's/^/qemu: /' "$run/qemu.err" >&2
	explain "$log"
	return $status_dead
}

case ${1:-} in
-h | --help) sed -n '5,30s/^# \{0,1\}//p' "$0"; exit ;;
esac
command=${1-}
interactive=
if [[ $# == 0 && -t 0 ]]; then
	interactive=1
	tty=$(stty -g)
elif [[ $# == 0 ]]; then
	command=$(cat)
fi
[[ -n $timeout ]] || timeout=${interactive:+0}
timeout=${timeout:-600}

need "$qemu" make
image=${VM_IMAGE:-$("$vm_dir/kernel.sh" "$kernel" --image)}
if [[ -n ${VM_RUNDIR:-} ]]; then
	mkdir -p "$VM_RUNDIR"
	run=$(realpath "$VM_RUNDIR")
	rm -rf "$run"/{ctl,root,stdout,stderr,boot.log,qmp.sock}
else
	run=$(mktemp -d "${TMPDIR:-/tmp}/qaccel-vm.XXXXXX")
fi
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
mkdir "$run/ctl"
make_initramfs
machine_args
share_args
if [[ -n $interactive ]]; then shell_args; else command_args; fi
extra=()
eval "extra=(${QEMU_ARGS:-})"
boot
