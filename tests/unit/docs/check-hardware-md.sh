#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Holds docs/hardware.md against uapi/qaccel_hw.h, in both directions.
#
#   check-hardware-md.sh [TOP]    TOP: of the source tree
#
# Tables of the document become static assertions on the header: a row that
# begins with a number and a `QACCEL_NAME` is the name's value; rows below
# "Layout of `struct X`" are offset, size and field, without gaps. And each name
# of the header has to stand in such a row, or for macros with arguments
# anywhere.
set -eu
top=${1:-$(dirname "$0")/../../..}
document=$top/docs/hardware.md
header=$top/uapi/qaccel_hw.h
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# Lines of C, each with the document's line number in its message.
awk -F'|' '
function trim(s) { gsub(/^[ \t]+|[ \t]+$/, "", s); return s }
function number(s) { return s ~ /^-?(0x[0-9a-f]+|[0-9]+)$/ }
function plain(s) { gsub(/`/, "", s); return trim(s) }
function assert(c) {
	printf "_Static_assert(%s, \"docs/hardware.md:%d\");\n", c, NR
}
function end_struct() {
	if (struct != "")
		assert("sizeof(" struct ") == " end)
	struct = ""
}
BEGIN { print "#include <stddef.h>\n#include \"qaccel_hw.h\"" }
/^Layout of `struct / {
	end_struct()
	split($0, part, "`")
	struct = part[2]
	end = "0"
	next
}
!/^\|/ && struct != "" && end != "0" { end_struct() }
/^\|/ {
	first = trim($2)
	if (!number(first))
		next
	if (struct != "") {
		field = plain($4)
		assert("offsetof(" struct ", " field ") == " first " && " \
		       "sizeof(((" struct " *)0)->" field ") == " trim($3))
		assert("(" end ") == " first)
		end = first " + " trim($3)
	} else if (trim($3) ~ /^`QACCEL_[A-Z0-9_]+(\(0\))?`/) {
		split($3, part, "`")
		assert("(unsigned long long)(" part[2] ") == (unsigned long long)(" \
		       first (length(first) > 10 ? "ull" : "") ")")
		print part[2] > names
	}
}
END { end_struct() }
' names="$tmp/documented" "$document" >"$tmp/check.c"

${CC:-cc} -std=gnu11 -fsyntax-only -I"$top/uapi" "$tmp/check.c"

# Names with a value: macros without arguments, and enumerators.
{
	sed -n 's/^#define[ \t]\{1,\}\(QACCEL_[A-Z0-9_]*\)[ \t].*/\1/p' "$header"
	sed -n 's/^\t\(QACCEL_[A-Z0-9_]*\) = .*/\1/p' "$header"
	sed -n 's/^#define[ \t]\{1,\}\(QACCEL_[A-Z0-9_]*\)(.*/\1()/p' "$header"
} | sort -u >"$tmp/names"

status=0
while read -r name; do
	case $name in
	*'()') grep -qF "\`${name%)}" "$document" ;;
	*) grep -qxF "$name" "$tmp/documented" ;;
	esac || {
		echo "docs/hardware.md: $name of uapi/qaccel_hw.h is missing" >&2
		status=1
	}
done <"$tmp/names"
[ "$status" != 0 ] ||
	echo "docs/hardware.md agrees with $(wc -l <"$tmp/names") names and $(grep -c _Static_assert "$tmp/check.c") assertions"
exit $status
