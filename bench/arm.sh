#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Counts the instructions of one run of each layer on 64-bit Arm, beside
# XNNPACK of Debian's arm64 package, in QEMU's user emulation. No Arm machine
# is needed, and what else runs on this one has no influence.
#
#   bench/arm.sh             MobileNet V1; a minute once all is fetched
#   bench/arm.sh mv2 rn50    other sets of layers
#
# Prints CSV: peer,version,isa,op,shape,instructions; checks and a summary of
# the totals go to stderr. qaccel and XNNPACK both choose their kernels by what
# the emulated processor says it has. Status 1 if a byte differs from the scalar
# reference. Variables:
#
#   CHECK=        leave out the comparison with the reference
#   SUITE=trixie  release of Debian that XNNPACK comes from
#
# Needs gcc-aarch64-linux-gnu and libglib2.0-dev (scripts/deps.sh --arm64). The
# emulator is fetched into the cache, as the static one cannot load plugins.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../tests/vm/lib.sh
. "$(dirname "$(realpath "$0")")/../tests/vm/lib.sh"

suite=${SUITE:-trixie}
build=${BUILD:-$top/build}/bench-arm64
store=$cache/arm64-$suite
root=$store/root
libs=$root/usr/lib/aarch64-linux-gnu
check=${CHECK-1}
sets=$(IFS=,; echo "${*:-mv1}")

# fetch DIR SUITE PACKAGE...: unpacks them with all they need into DIR/root.
fetch() {
	local dir=$1 suite=$2
	shift 2
	[[ -e $dir/.complete ]] && return
	say "downloading $* of $suite"
	private_apt "$dir" deb "$suite"
	apt-get "${apt[@]}" -qq -y --no-install-recommends --download-only \
		install "$@" >&2 || die "cannot download $*"
	mkdir -p "$dir/root"
	for deb in "$dir"/archives/*.deb; do
		dpkg -x "$deb" "$dir/root"
	done
	rm -r "$dir/archives"
	touch "$dir/.complete"
}

fetch_target() {
	# What the machine knows of its mirrors goes by architecture.
	QACCEL_MIRROR=$(mirror)
	export QACCEL_MIRROR
	mkdir -p "$store"
	echo 'APT::Architecture "arm64"; APT::Architectures { "arm64"; };' \
		>"$store/apt.conf"
	APT_CONFIG=$store/apt.conf fetch "$store" "$suite" libxnnpack-dev \
		libpthreadpool-dev libcpuinfo-dev libdrm-dev libpng-dev \
		libjpeg-dev libcjson-dev nettle-dev libc6-dev
	# Older and newer packages differ in whether files are below /usr.
	[[ -e $root/lib ]] || ln -s usr/lib "$root/lib"
}

# The release of this machine's tools, so that its libraries fit.
fetch_emulator() {
	# shellcheck source=/dev/null
	. /etc/os-release
	emulator=$cache/qemu-user-$VERSION_CODENAME
	fetch "$emulator" "$VERSION_CODENAME" qemu-user
}

xnnpack_version() {
	basename "$libs"/libXNNPACK.so.*.* | sed 's/.*\.so\.0\.//'
}

# Libraries of the target are newer than the cross compiler's own libc.
build_all() {
	export PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_LIBDIR=$libs/pkgconfig
	cmake -S "$top" -B "$build" -DQACCEL_TESTS=OFF \
		-DCMAKE_TOOLCHAIN_FILE="$top/cmake/aarch64.cmake" \
		-DCMAKE_SYSROOT="$root" \
		-DCMAKE_LIBRARY_ARCHITECTURE=aarch64-linux-gnu \
		-DCMAKE_EXE_LINKER_FLAGS=-Wl,--allow-shlib-undefined \
		-DXNN_VERSION="$(xnnpack_version)" >/dev/null
	cmake --build "$build" -j "$(nproc)" --target qaccel-bench \
		--target bench-xnnpack -- --quiet >&2
	unset PKG_CONFIG_SYSROOT_DIR PKG_CONFIG_LIBDIR
	# shellcheck disable=SC2046 # flags
	cc -O2 -shared -fPIC -o "$build/count.so" "$top/bench/arm/count.c" \
		-I "$(QUIET=1 "$vm_dir/qemu.sh" --tree)/include/qemu" \
		$(pkg-config --cflags glib-2.0)
}

# count ISA CPU PROGRAM ARGUMENT...: a row for each layer, and the total.
count() {
	local isa=$1 cpu=$2 emulated=$emulator/root/usr
	shift 2
	LD_LIBRARY_PATH=$emulated/lib/$(uname -m)-linux-gnu nice -n 19 \
		"$emulated/bin/qemu-aarch64" -L "$root" -cpu "$cpu" \
		-plugin "$build/count.so" -d plugin -D "$build/counts" \
		"$@" --set "$sets" --count >"$build/rows"
	grep '^check,' "$build/rows" >>"$build/checks.csv" || true
	grep -v -e '^check,' -e '^peer,' "$build/rows" |
		paste -d '' - "$build/counts" | awk -F, -v OFS=, -v isa="$isa" '
		function total() {
			if (set)
				print $1, $2, isa, $3, set "/TOTAL", sum
			sum = 0
		}
		{
			split($4, part, "/")
			if (part[1] != set)
				total()
			set = part[1]
			print $1, $2, isa, $3, $4, $6
			sum += $5 * $6
		}
		END { total() }' | tee -a "$build/counts.csv"
}

both() {
	count "$@" "$build/bin/qaccel-bench" ${check:+--check}
	count "$@" "$build/bin/bench-xnnpack" --op qs8_qc8w
}

summary() {
	awk -F, -v OFS=, '/TOTAL/ {
		key = $3 " " $5
		if ($1 == "qaccel")
			ours[key] = $6
		else
			printf "%s: %d, XNNPACK %d, ratio %.3f\n", key, ours[key],
				$6, ours[key] / $6
	}' "$build/counts.csv" >&2
}

fetch_target
fetch_emulator
mkdir -p "$build"
build_all
: >"$build/checks.csv"
: >"$build/counts.csv"
echo peer,version,isa,op,shape,instructions
both neon cortex-a53
both dotprod cortex-a76
# The first processor with i8mm that every version of QEMU has; no XNNPACK
# kernel for int8 uses SVE.
both i8mm max,sve=off,sme=off
summary
[[ -z $check ]] ||
	say "$(grep -c ',equal$' "$build/checks.csv" || true) layers equal to the reference"
! grep DIFFERS "$build/checks.csv" >&2
