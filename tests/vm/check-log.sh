#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Fails, and shows the lines, when a kernel log tells of a kernel bug.
#
#   tests/vm/check-log.sh LOG...
set -eu

[ $# -gt 0 ] || { echo "usage: $0 LOG..." >&2; exit 2; }
pattern='BUG:|WARNING:|KASAN|KCSAN|UBSAN|Oops|Call Trace|Kernel panic'
pattern="$pattern|general protection|possible (circular|recursive) locking|inconsistent lock state"
pattern="$pattern|suspicious RCU|DMA-API:|unreferenced object|blocked for more than"
pattern="$pattern|soft lockup|hard LOCKUP|refcount_t:|ODEBUG:|list_(add|del) corruption|scheduling while atomic"
# The checkers also announce themselves at boot.
harmless='KernelAddressSanitizer initialized|DMA-API: (preallocated|debugging enabled)'

for log in "$@"; do
	[ -r "$log" ] || { echo "check-log: cannot read $log" >&2; exit 2; }
done
found=$(grep -HnaE "$pattern" "$@" | grep -vE "$harmless") || exit 0
echo "kernel bugs in the log:" >&2
echo "$found" | head -n 40 >&2
exit 1
