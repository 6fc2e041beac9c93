#!/bin/sh
# SPDX-License-Identifier: MIT
#
#   run.sh TOP BUILD    builds TOP in BUILD with ASan and UBSan, and runs the
#                       tests of the host there
#
# Not again: what boots machines or emulates them, TensorFlow Lite, real models (the golden ones
# have every operator and are small), the fuzzers, which have
# sanitizers anyway, and what looks at files rather than at code.
set -eu
top=$1 build=$2
skip='^models|^reader_models|^fuzz|^qtest|^vm-|^selftests|^checkkern.arm64|^install|^symbols|^headers|^docs|^readme|^uapi|_oracle$'

printf 'int main(void) { return 0; }\n' >"${TMPDIR:-/tmp}/sanitize.$$.c"
if ! cc -fsanitize=address,undefined -o "${TMPDIR:-/tmp}/sanitize.$$" \
	"${TMPDIR:-/tmp}/sanitize.$$.c" 2>/dev/null; then
	echo "the compiler has no sanitizers"
	status=77
fi
rm -f "${TMPDIR:-/tmp}/sanitize.$$" "${TMPDIR:-/tmp}/sanitize.$$.c"
[ -z "${status:-}" ] || exit "$status"

cmake -S "$top" -B "$build" -G Ninja -DQACCEL_SANITIZE=address,undefined >/dev/null
echo "[sanitized] building"
ninja -C "$build" >"$build/ninja.log" 2>&1 || { cat "$build/ninja.log"; exit 1; }
ctest --test-dir "$build" -E "$skip" --output-on-failure -j2
