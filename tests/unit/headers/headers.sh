#!/bin/sh
# SPDX-License-Identifier: MIT
#
# headers.sh INCLUDE CC [CXX]: each public header compiles alone, twice, with
# every warning, as C11 and as C++17.
set -eu

include=$1 cc=$2 cxx=${3:-}
warnings='-Wall -Wextra -Wpedantic -Wundef -Wshadow -Werror'
[ -n "$cxx" ] || echo "no C++ compiler: C only"
for header in "$include"/qaccel/*.h; do
	name=qaccel/$(basename "$header")
	source="#include <$name>
#include <$name>
int main(void) { return 0; }"
	# shellcheck disable=SC2086 # words
	printf '%s\n' "$source" |
		"$cc" -std=c11 $warnings -Wstrict-prototypes -I"$include" \
			-fsyntax-only -x c -
	# shellcheck disable=SC2086
	[ -z "$cxx" ] || printf '%s\n' "$source" |
		"$cxx" -std=c++17 $warnings -I"$include" -fsyntax-only -x c++ -
	echo "$name"
done
