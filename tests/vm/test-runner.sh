#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Holds the VM runner to what vm.sh promises. TAP; needs QEMU and the small
# kernel, not the device.
# shellcheck disable=SC2317,SC2016 # called by check; the $ is for the VM
set -uo pipefail

here=$(dirname "$(realpath "$0")")
work=$(mktemp -d "${TMPDIR:-/tmp}/qaccel-runner.XXXXXX")
trap 'rm -rf "$work"' EXIT
export VM_MODULES=none VM_DEVICE=none VM_LOG=$work/log
count=0
failed=0

vm() { "$here/vm.sh" "$@" </dev/null; }

result() {
	local ok="not ok"
	count=$((count + 1))
	if [[ $1 == 0 ]]; then ok=ok; else failed=1; fi
	echo "$ok $count $2"
}

check() {
	local name=$1
	shift
	"$@"
	result $? "$name"
}

status() { vm 'exit 42'; [[ $? == 42 ]]; }

streams() {
	vm 'echo out; echo err >&2' >"$work/out" 2>"$work/err" &&
		[[ $(<"$work/out") == out && $(<"$work/err") == err ]]
}

streams_opened_again() {
	vm 'echo a; echo b >/dev/stdout; echo c >/dev/stderr' >"$work/out" 2>"$work/err" &&
		[[ $(<"$work/out") == a$'\n'b && $(<"$work/err") == c ]]
}

left_running() { [[ $(VM_TIMEOUT=60 vm 'sleep 1000 & echo end') == end ]]; }

terminated() {
	"$here/vm.sh" 'sleep 1000' </dev/null 2>/dev/null &
	local pid=$!
	sleep 3
	kill "$pid"
	wait "$pid"
	[[ $? == 143 ]]
}

no_boot() {
	head -c 100000 /dev/zero >"$work/image"
	VM_IMAGE=$work/image vm true 2>"$work/err"
	[[ $? == 125 ]] && grep -q '^vm: ' "$work/err"
}

quoting() {
	[[ $(vm 'a="x  y"; echo "$a" '\''$b'\') == 'x  y $b' ]]
}

# The end of it is still in flight when the command is done, and the reader slow.
binary() {
	head -c 3000000 /dev/urandom >"$work/random"
	SHARE=$work vm 'cat /mnt/random' | { sleep 4; cat; } | cmp - "$work/random"
}

share_writable() {
	mkdir "$work/share"
	SHARE=$work/share vm 'echo hello > /mnt/file' && [[ $(<"$work/share/file") == hello ]]
}

stdin_commands() { [[ $(echo 'echo $((6 * 7))' | "$here/vm.sh") == 42 ]]; }

timeout_told() {
	VM_TIMEOUT=5 vm 'sleep 60' 2>"$work/err"
	[[ $? == 124 ]] && grep -q 'no end after 5 s' "$work/err"
}

panic_told() {
	vm 'echo c > /proc/sysrq-trigger' 2>"$work/err"
	[[ $? == 125 ]] && grep -q 'kernel panic' "$work/err" && grep -q sysrq "$work/log"
}

log_checked() {
	vm 'true' && "$here/check-log.sh" "$work/log" &&
		vm 'echo "<4>WARNING: CPU: 0 PID: 1 at test" > /dev/kmsg' &&
		! "$here/check-log.sh" "$work/log" 2>/dev/null
}

side_by_side() {
	local a b
	VM_LOG=$work/log.a vm 'sleep 2; echo a' >"$work/a" & a=$!
	VM_LOG=$work/log.b vm 'sleep 2; echo b' >"$work/b" & b=$!
	wait "$a" && wait "$b" && [[ $(<"$work/a") == a && $(<"$work/b") == b ]]
}

qmp() {
	VM_LOG='' VM_RUNDIR=$work/run vm 'test -e /run/vm/cmd && while ! [ -e /run/vm/go ]; do usleep 100000; done' &
	local pid=$!
	while [[ ! -S $work/run/qmp.sock ]]; do sleep 0.1; done
	python3 - "$work/run/qmp.sock" <<-'END'
		import json, socket, sys
		s = socket.socket(socket.AF_UNIX)
		s.connect(sys.argv[1])
		f = s.makefile("rw")
		f.readline()
		for c in "qmp_capabilities", "query-status":
		    f.write(json.dumps({"execute": c})); f.flush()
		    answer = json.loads(f.readline())
		assert answer["return"]["running"], answer
	END
	local asked=$?
	touch "$work/run/ctl/go"
	wait "$pid" && [[ $asked == 0 && -s $work/run/boot.log ]]
}

echo 1..15
check "the exit status of the command" status
check "stdout and stderr apart" streams
check "stdout and stderr opened by name" streams_opened_again
check "a command that leaves a process" left_running
check "quotes and dollars arrive" quoting
check "three megabytes of noise to a slow reader" binary
check "a writable share" share_writable
check "commands from stdin" stdin_commands
check "a timeout is told" timeout_told
check "a signal stops the VM" terminated
check "a VM that does not boot is told" no_boot
check "a panic is told" panic_told
check "the kernel log is kept and judged" log_checked
check "two VMs at once" side_by_side
check "a QMP socket" qmp
exit $failed
