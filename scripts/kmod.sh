#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Builds the kernel module: build/kmod/NAME/qaccel.ko.
#
#   scripts/kmod.sh [TARGET]     TARGET is modules, or install
#
#   KERNEL=small|debug   a test kernel, built when missing; NAME is the same (small)
#   KDIR=DIR             any kernel build tree or headers package instead; NAME is
#                        its release
#   W= C= CC= LLVM= V=   as for the kernel's own build
#
# The build happens in a tree of links: older kernels write the products beside
# the sources, and kmod/ is to stay clean and serve several kernels.
set -euo pipefail

top=$(realpath "$(dirname "$(realpath "$0")")/..")
build=${BUILD:-$top/build}
# What was given to the front door for the VM is not for kbuild.
unset MAKEFLAGS MFLAGS MAKELEVEL

die() { echo "kmod: $*" >&2; exit 1; }

find_kernel() {
	name=${KERNEL:-small}
	if [[ -n ${KDIR:-} ]]; then
		[[ -e $KDIR/Makefile ]] || die "KDIR=$KDIR is no kernel build tree"
		KDIR=$(realpath "$KDIR")
		name=$(cat "$KDIR/include/config/kernel.release" 2>/dev/null) ||
			die "KDIR=$KDIR is not configured; make modules_prepare there"
	else
		KDIR=$("$top/tests/vm/kernel.sh" "$name" --kdir)
	fi
}

link_sources() {
	mkdir -p "$work"
	cp -rsf "$top/kmod/." "$work/"
	# sources that are gone
	find "$work" -xtype l -delete
}

kbuild() {
	local args=() v
	for v in W C CC LLVM V CF; do
		[[ -z ${!v:-} ]] || args+=("$v=${!v}")
	done
	make -s -C "$KDIR" -j"$(nproc)" M="$work" QACCEL_UAPI="$top/uapi" "${args[@]}" "$@"
}

case ${1:-modules} in
modules | install) ;;
*) die "unknown target $1" ;;
esac
[[ -e $top/kmod/Kbuild ]] || die "no kmod/Kbuild"
find_kernel
work=$build/kmod/$name
link_sources
kbuild modules
[[ ${1:-} != install ]] || kbuild modules_install
