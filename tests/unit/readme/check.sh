#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Fails when the C program in README.md is not examples/run_model.c without its
# first two lines, or when a link of a document leads nowhere.
set -eu
cd "$1"
status=0

sed -n '/^```c$/,/^```$/p' README.md | sed '1d;$d' >"${TMPDIR:-/tmp}/readme.$$"
tail -n +3 examples/run_model.c | diff -u - "${TMPDIR:-/tmp}/readme.$$" || status=1
rm -f "${TMPDIR:-/tmp}/readme.$$"

for doc in *.md docs/*.md; do
	for link in $(grep -o '](\([^)#]*\)' "$doc" | sed 's/^](//' | grep -v '://'); do
		[ -e "$(dirname "$doc")/$link" ] || { echo "$doc: no $link"; status=1; }
	done
done
exit $status
