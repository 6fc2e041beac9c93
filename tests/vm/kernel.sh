#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Builds the kernels the tests boot.
#
#   tests/vm/kernel.sh small|debug [--kdir|--image|--srctree|--headers]
#
# Without an option the kernel is built when it is missing. With one, its path
# is printed too, and nothing else goes to stdout:
#   --kdir      build tree, good as KDIR for out-of-tree modules
#   --image     vmlinux, which QEMU boots through its PVH note: no decompression
#   --srctree   the source tree, for example for its kselftest headers
#   --headers   the exported user space headers (headers_install)
# --srctree and --headers need only the source, not a built kernel.
#
# The source is linux-source-6.12 of Debian 13, on every host: the longterm
# series the driver supports. All results live in the cache, and a kernel is
# built again when its configuration, this script or the source changes.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$(realpath "$0")")/lib.sh"

package=linux-source-6.12
suite=trixie

usage() { sed -n '5,15s/^# \{0,1\}//p' "$0" >&2; exit 2; }

# Newest complete source tree in the cache.
cached_source() {
	local stamp
	stamp=$(find "$cache" -maxdepth 2 -path "$cache/linux-6.12*/.complete" 2>/dev/null |
		sort -V | tail -n 1)
	[[ -n $stamp ]] && dirname "$stamp"
}

fetch_source() {
	local work=$cache/fetch-linux deb version
	cached_source >/dev/null && return
	say "downloading $package, about 150 MB"
	rm -rf "$work"
	private_apt "$work/apt" deb "$suite"
	( cd "$work" && apt-get "${apt[@]}" -qq download "$package" ) >&2 ||
		die "cannot download $package"
	deb=$(echo "$work"/*.deb)
	say "unpacking, about 30 s"
	dpkg -x "$deb" "$work/deb"
	mkdir "$work/tree"
	tar -C "$work/tree" --strip-components=1 -xf "$work/deb/usr/src/$package.tar.xz"
	version=$(make -s -C "$work/tree" kernelversion)
	touch "$work/tree/.complete"
	rm -rf "${cache:?}/linux-$version"
	mv "$work/tree" "$cache/linux-$version"
	rm -rf "$work"
}

install_headers() {
	local out=$1.tmp
	[[ -d $1 ]] && return
	say "exporting the user space headers"
	rm -rf "$out"
	make -s -C "$src" O="$out/build" ARCH=x86_64 INSTALL_HDR_PATH="$out" headers_install >&2
	rm -rf "$out/build"
	mv "$out" "$1"
}

# merge_config silently drops what Kconfig does not accept; a kernel that lacks
# lockdep would find no lock error. For each symbol the last fragment counts.
lost_symbols() {
	awk '
	function name(line) { match(line, /CONFIG_[A-Za-z0-9_]+/); return substr(line, RSTART, RLENGTH) }
	/^CONFIG_/ || /^# CONFIG_.* is not set/ {
		n = name($0)
		v = /^#/ ? "n" : substr($0, index($0, "=") + 1)
		if (FILENAME == config) have[n] = v; else want[n] = v
	}
	END {
		for (n in want) {
			is = n in have ? have[n] : "n"
			if (is != want[n]) print "  " n ": wanted " want[n] ", got " is
		}
	}' config="$out/.config" "${fragments[@]}" "$out/.config"
}

configure() {
	local lost
	make -s -C "$src" O="$out" ARCH=x86_64 tinyconfig
	( cd "$out" && "$src/scripts/kconfig/merge_config.sh" -m -O . .config "${fragments[@]}" ) >/dev/null
	make -s -C "$src" O="$out" ARCH=x86_64 olddefconfig
	lost=$(lost_symbols)
	[[ -z $lost ]] || die $'Kconfig did not take:\n'"$lost"
}

count_objects() {
	echo "$(find "$out" -name '*.o' | wc -l) of about $objects objects"
}

build() {
	[[ -e $out/.complete ]] && return
	say "building the $kernel kernel $(basename "$src"), about $minutes min on 2 cores"
	rm -rf "$out"
	mkdir -p "$out"
	configure >&2
	logged "$out/build.log" count_objects \
		make -s -C "$src" O="$out" ARCH=x86_64 -j"$(nproc)" bzImage modules
	touch "$out/.complete"
	say "done: $out/vmlinux"
}

kernel=${1:-}
want=${2:-}
fragments=("$vm_dir/small.config")
case $kernel in
small) minutes=6 objects=1450 ;;
debug) minutes=10 objects=1500; fragments+=("$vm_dir/debug.config") ;;
*) usage ;;
esac

src=$(cached_source) || { with_lock linux fetch_source; src=$(cached_source); }
# The functions that build are part of the key, without their comments.
key=$({ declare -f configure build; cat "${fragments[@]}"; gcc -dumpfullversion; } |
	sha256sum | cut -c1-12)
version=${src##*/linux-}
out=$cache/kernel-$kernel-$version-$key
headers=$cache/headers-$version

case $want in
--srctree) echo "$src"; exit ;;
--headers) with_lock headers install_headers "$headers"; echo "$headers"; exit ;;
esac

[[ -e $out/.complete ]] || with_lock "kernel-$kernel" build
case $want in
'') ;;
--kdir) echo "$out" ;;
--image) echo "$out/vmlinux" ;;
*) usage ;;
esac
