#!/bin/sh
# SPDX-License-Identifier: MIT
#
# symbols.sh NM SHARED STATIC SYMBOLS INCLUDE: the shared library exports what
# the list names and the headers declare, no more and no less, with a version;
# the static one has no global name that could be somebody else's.
set -eu

nm=$1 shared=$2 static=$3 list=$4 include=$5
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export LC_ALL=C

grep '^[a-z]' "$list" >"$dir/list"
sort -u "$dir/list" | cmp -s - "$dir/list" ||
	{ echo "$list is not sorted" >&2; exit 1; }
cat "$include"/qaccel/*.h | tr '\n' ' ' | grep -o 'QACCEL_API[^;]*;' |
	grep -o 'qaccel_[a-z0-9_]*(' | tr -d '(' | sort -u >"$dir/headers"
"$nm" -D --defined-only "$shared" | awk '$2 != "A" { print $3 }' |
	sort >"$dir/versioned"
sed 's/@@QACCEL_[0-9.]*$//' "$dir/versioned" | sort >"$dir/exported"
"$nm" -g --defined-only "$static" |
	awk 'NF == 3 && $3 !~ /^(qaccel|qk)_/ { print $3 }' | sort -u >"$dir/foreign"

status=0
diff -u "$dir/list" "$dir/headers" >&2 || {
	echo "the list and the headers differ" >&2; status=1; }
diff -u "$dir/list" "$dir/exported" >&2 || {
	echo "the list and the library differ" >&2; status=1; }
if [ -s "$dir/foreign" ]; then
	echo "global names without a prefix:" >&2
	cat "$dir/foreign" >&2
	status=1
fi
[ $status != 0 ] || echo "$(wc -l <"$dir/list") symbols"
exit $status
