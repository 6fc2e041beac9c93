#!/bin/sh
# SPDX-License-Identifier: MIT
#
#   check.sh TOP    compiles layout.c for 64 and 32 bits; nothing is linked
set -eu
dir=$(dirname "$0")
# Headers of others, without their warnings; asm/ is where the compiler's own
# architecture has it, the same for both.
system=$(pkg-config --cflags-only-I libdrm | sed 's/-I/-isystem /g')
system="$system -isystem /usr/include/$(${CC:-cc} -print-multiarch)"
status=0
for bits in 64 32; do
	# shellcheck disable=SC2086 # words are arguments
	if ${CC:-cc} -m$bits -std=c11 -Wall -Wextra -Wpadded -Werror -fsyntax-only \
		-I"$1/uapi" $system "$dir/layout.c"; then
		echo "$bits bits: every size and offset is as written down"
	else
		status=1
	fi
done
exit $status
