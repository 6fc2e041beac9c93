#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Builds QEMU with the qaccel device in it: build/bin/qemu-system-x86_64.
#
#   tests/vm/qemu.sh           build or bring up to date
#   tests/vm/qemu.sh --tree    print the source tree in the cache, fetched if missing
#
# The source is the distribution's own package (7.2 on Debian 12, 10.0 on 13).
# It is configured once, in the cache. The device is grafted into that tree and
# compiled by the same ninja, so a change of the device costs seconds:
#
#   hw/misc/qaccel         symlink to firmware_model/qemu of this repository
#   hw/misc/qaccel-config  meson.build written here. It sets, for the device's
#                          meson.build, which comes after it:
#                            qaccel_libdir   directory of libqaccel_device.a
#                            qaccel_incdirs  list of absolute include directories
#   hw/misc/Kconfig, hw/misc/meson.build and trace_events_subdirs in meson.build
#                          one line more each; appended, as a patch would break
#                          with the next version
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$(realpath "$0")")/lib.sh"

build=${BUILD:-$top/build}
device=$top/firmware_model/qemu

fetch() {
	local work=$cache/fetch-qemu version dir
	[[ -e $(tree)/.unpacked ]] && return
	say "downloading the QEMU source package, about 20 MB"
	rm -rf "$work"
	private_apt "$work/apt" deb-src "$VERSION_CODENAME"
	( cd "$work" && apt-get "${apt[@]}" -qq source --download-only qemu ) >&2 ||
		die "cannot download the source of qemu"
	dpkg-source --no-check -x "$work"/qemu_*.dsc "$work/src" >/dev/null
	version=$(cut -d. -f1,2 "$work/src/VERSION")
	dir=$cache/qemu-$version-$key
	mkdir -p "$dir"
	rm -rf "$dir/src"
	mv "$work/src" "$dir/src"
	touch "$dir/.unpacked"
	rm -rf "$work"
}

# write_if_new FILE: stdin goes to FILE unless it says that already; ninja goes
# by the time of a file.
write_if_new() {
	local text
	text=$(cat)
	[[ -e $1 && $(<"$1") == "$text" ]] || echo "$text" >"$1"
}

append_once() { grep -qxF "$2" "$1" || echo "$2" >>"$1"; }

meson_list() { printf "'%s', " "$@"; }

graft() {
	# Just there: builds with sanitizers have one too, below the same folder.
	local misc=$src/hw/misc libdir=$build/lib
	[[ -e $device/meson.build ]] || { say "no $device yet: QEMU without the device"; return; }
	[[ -e $libdir/libqaccel_device.a ]] ||
		die "no $libdir/libqaccel_device.a; 'make' builds it first"
	mkdir -p "$misc/qaccel-config"
	write_if_new "$misc/qaccel-config/meson.build" <<-END
		# Written by tests/vm/qemu.sh
		qaccel_libdir = '$libdir'
		qaccel_incdirs = [$(meson_list "$top/uapi" "$top/kernels/include" \
			"$top/firmware_model/core/include")]
	END
	[[ $(readlink "$misc/qaccel") == "$device" ]] || ln -sfn "$device" "$misc/qaccel"
	append_once "$misc/Kconfig" "source qaccel/Kconfig"
	append_once "$misc/meson.build" "subdir('qaccel-config')"
	append_once "$misc/meson.build" "subdir('qaccel')"
	grep -q "'hw/misc/qaccel'," "$src/meson.build" ||
		sed -i "s|^    'hw/misc',\$|&\n    'hw/misc/qaccel',|" "$src/meson.build"
}

configure() {
	local offline=
	[[ -e $dir/.configured ]] && return
	say "configuring $(basename "$dir"), about 20 s"
	rm -rf "$dir/build"
	mkdir "$dir/build"
	cp "$vm_dir/qemu.mak" "$src/configs/devices/x86_64-softmmu/qaccel.mak"
	# Newer versions would fetch what is missing, 7.2 does not know the option.
	! "$src/configure" --help | grep -q download || offline=--disable-download
	# The source package has no firmware blobs; they are those of
	# qemu-system-data and seabios.
	# PATH: Debian's meson needs Debian's python.
	( cd "$dir/build" && PATH=/usr/bin:$PATH logged "$dir/configure.log" true \
		"$src/configure" --target-list=x86_64-softmmu \
		--without-default-features --enable-tcg --enable-kvm --enable-fdt=system \
		--enable-virtfs --enable-attr --enable-cap-ng --enable-trace-backends=log \
		--without-default-devices --with-devices-x86_64=qaccel \
		--disable-docs --disable-tools --disable-guest-agent $offline \
		--disable-install-blobs --firmwarepath=/usr/share/qemu:/usr/share/seabios )
	touch "$dir/.configured"
}

# qemu.mak is without the device, so that the base tree can be built before it;
# ninja configures again when the list changes.
enable_device() {
	[[ ! -e $device/meson.build ]] ||
		append_once "$src/configs/devices/x86_64-softmmu/qaccel.mak" CONFIG_QACCEL=y
}

steps_done() { grep -ao '^\[[0-9]*/[0-9]*\]' "$dir/build.log" | tail -n 1; }

compile() {
	[[ -e $dir/build/qemu-system-x86_64 ]] || say "building QEMU, about 4 min on 2 cores"
	logged "$dir/build.log" steps_done \
		ninja -C "$dir/build" qemu-system-x86_64
	[[ ! -e $device/meson.build ]] ||
		"$dir/build/qemu-system-x86_64" -device help | grep -q '"qaccel"' ||
		die "the QEMU just built has no qaccel device; see $dir/build.log"
}

# A copy, as another checkout may build its own device in the same tree.
publish() {
	local bin=$build/bin/qemu-system-x86_64
	mkdir -p "$build/bin"
	[[ $bin -nt $dir/build/qemu-system-x86_64 ]] && cmp -s "$bin" "$dir/build/qemu-system-x86_64" && return
	cp "$dir/build/qemu-system-x86_64" "$bin.new"
	mv "$bin.new" "$bin"
	say "done: $bin"
}

build_all() {
	fetch
	dir=$(tree)
	src=$dir/src
	[[ -z $only_tree ]] || return 0
	cd "$dir" # where QEMU's configure may leave its droppings
	graft
	configure
	enable_device
	compile
	publish
}

# shellcheck source=/dev/null
. /etc/os-release
key=$({ declare -f configure; cat "$vm_dir/qemu.mak"; echo "$VERSION_CODENAME"; } |
	sha256sum | cut -c1-12)
tree() { find "$cache" -maxdepth 1 -name "qemu-[0-9]*-$key" | sort -V | tail -n 1; }

only_tree=
case ${1:-} in
'') ;;
--tree) only_tree=1 ;;
*) sed -n '5,7s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
with_lock qemu build_all
[[ -z $only_tree ]] || echo "$(tree)/src"
