#!/bin/sh
# SPDX-License-Identifier: MIT
#
# symbols.sh NM INCLUDE LIST... -- [SHARED STATIC LIST PRIVATE]...: the lists
# together are what the headers declare, each name in one of them. Each shared
# library exports what its list names, no more and no less, with a version, and
# for its sister only what its private list (or -) names; the static ones have no global
# name that could be somebody else's.
set -eu
export LC_ALL=C

nm=$1 include=$2
shift 2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
status=0

complain() {
	echo "$*" >&2
	status=1
}

names() {
	grep '^[a-z]' "$1"
}

# exported SHARED NODE: what of it has that version.
exported() {
	"$nm" -D --defined-only "$1" | awk '$2 != "A" { print $3 }' |
		grep "@@$2\$" | sed 's/@@.*//' | sort
}

# same LIST SHARED NODE
same() {
	names "$1" >"$dir/list"
	sort -u "$dir/list" | cmp -s - "$dir/list" || complain "$1 is not sorted"
	exported "$2" "$3" | diff -u "$dir/list" - >&2 ||
		complain "$1 and what $(basename "$2") exports differ"
}

: >"$dir/all"
while [ "$1" != -- ]; do
	names "$1" >>"$dir/all"
	shift
done
shift
cat "$include"/qaccel/*.h | tr '\n' ' ' | grep -o 'QACCEL_API[^;]*;' |
	grep -o 'qaccel_[a-z0-9_]*(' | tr -d '(' | sort -u >"$dir/headers"
# A name that two lists have is one too many here.
sort "$dir/all" | diff -u - "$dir/headers" >&2 ||
	complain "the lists and the headers differ"

while [ $# != 0 ]; do
	shared=$1 static=$2 list=$3 private=$4
	shift 4
	same "$list" "$shared" 'QACCEL_\(TRAIN_\)\?[0-9.]*'
	[ "$private" = - ] || same "$private" "$shared" QACCEL_PRIVATE
	# Nothing without a version, nor with another one.
	"$nm" -D --defined-only "$shared" | awk '$2 != "A" { print $3 }' |
		grep -v '@@QACCEL_\(TRAIN_\)\?[0-9.]*$' |
		{ [ "$private" = - ] && cat || grep -v '@@QACCEL_PRIVATE$'; } \
			>"$dir/other" || true
	"$nm" -g --defined-only "$static" |
		awk 'NF == 3 && $3 !~ /^(qaccel|qk)_/ { print $3 }' |
		sort -u >"$dir/foreign"
	for what in other foreign; do
		[ ! -s "$dir/$what" ] || {
			cat "$dir/$what" >&2
			complain "names in $shared or $static that must not be seen"
		}
	done
done
[ $status != 0 ] || echo "$(wc -l <"$dir/all") symbols"
exit $status
