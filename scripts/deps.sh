#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Installs what building and testing qaccel needs on Debian 12 and 13.
#
#   scripts/deps.sh            install what is missing (root, or sudo)
#   scripts/deps.sh --check    only say what is missing; status 1 if anything is
#   scripts/deps.sh --arm64    the cross compiler and emulator of the arm64 tests too
#
# A complete machine is left alone without asking apt, so this may run before
# every build.
set -eu

toolchain='build-essential cmake ninja-build pkg-config git'
library='libdrm-dev libpng-dev libjpeg-dev libcjson-dev nettle-dev libcmocka-dev libpthreadpool-dev
	libopenblas-dev zlib1g-dev'
# The pictures that the project's own networks are trained and tested on.
data='dataset-fashion-mnist'
kernel='bc bison flex libelf-dev libssl-dev lz4 cpio kmod rsync xz-utils'
qemu='dpkg-dev meson python3 python3-venv libglib2.0-dev libpixman-1-dev
	libattr1-dev libcap-ng-dev libfdt-dev seabios qemu-system-data'
vm='busybox-static procps'
arm64='gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static'

die() { echo "deps: $*" >&2; exit 1; }

# The sanitizer and fuzzer runtime is packaged per compiler release and clang
# itself only recommends it.
clang_packages() {
	case $1 in
	12) echo clang libclang-rt-14-dev ;;
	13) echo clang libclang-rt-19-dev ;;
	*) echo clang ;;
	esac
}

debian_version() {
	# shellcheck source=/dev/null
	[ ! -r /etc/os-release ] || . /etc/os-release
	echo "${VERSION_ID:-}"
}

missing() {
	for p in "$@"; do
		status=$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null) || status=
		[ "$status" = installed ] || echo "$p"
	done
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "not root and no sudo; as root run: $*"
	fi
}

install() {
	echo "[deps] installing: $*"
	as_root apt-get -q update || die "apt-get update failed"
	as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get -q install -y --no-install-recommends "$@" ||
		die "apt-get could not install: $*"
}

check_only=
wanted="$toolchain $library $data $kernel $qemu $vm"
for arg in "$@"; do
	case $arg in
	--check) check_only=1 ;;
	--arm64) wanted="$wanted $arm64" ;;
	*) die "unknown argument $arg" ;;
	esac
done

command -v dpkg-query >/dev/null ||
	die "this is not Debian; install the equivalents of: $wanted"
# shellcheck disable=SC2086,SC2046 # lists of words
lacking=$(missing $wanted $(clang_packages "$(debian_version)"))
if [ -z "$lacking" ]; then
	echo "[deps] complete"
elif [ -n "$check_only" ]; then
	# shellcheck disable=SC2086
	echo "deps: missing:" $lacking >&2
	exit 1
else
	# shellcheck disable=SC2086
	install $lacking
fi
