#!/bin/sh
# SPDX-License-Identifier: MIT
#
#   run.sh CMAKE ROOT BUILD
#
# Builds checkkern for arm64 in BUILD and runs it under QEMU's user emulation:
# with every extension, and the lower levels on processors that have no more,
# where an instruction too many is a SIGILL. Status 77: a tool is missing.
set -eu
cmake=$1 root=$2 build=$3
qemu='qemu-aarch64-static'

for tool in aarch64-linux-gnu-gcc "$qemu"; do
	command -v "$tool" >/dev/null || {
		echo "skip: no $tool; scripts/deps.sh --arm64 installs it"
		exit 77
	}
done

"$cmake" -S "$root/tests/unit/checkkern-arm64/cross" -B "$build" \
	-DCMAKE_TOOLCHAIN_FILE="$root/cmake/aarch64.cmake"
"$cmake" --build "$build" --target checkkern

echo "== every extension"
"$qemu" -cpu max "$build/bin/checkkern"
for func in conv2d dwconv2d; do
	echo "== no extension"
	"$qemu" -cpu cortex-a53 "$build/bin/checkkern" --isa neon --func $func
	echo "== dot product"
	"$qemu" -cpu cortex-a76 "$build/bin/checkkern" --isa dotprod \
		--func $func
done
