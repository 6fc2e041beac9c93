#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Measures qaccel and, in the same run, the libraries it is compared with.
#
#   bench/run.sh            all, some 15 minutes; make bench calls this
#   bench/run.sh --quick    one round, one thread, no peers in float: 4 minutes
#
# Results are in $BUILD/bench: results.csv (every row), summary.csv (the best
# of the rounds), checks.csv, machine.csv, models.csv, two charts and
# performance.md. Variables:
#
#   UPDATE_DOCS=1     copy performance.md and the charts to docs/
#   ROUNDS=2 THREADS="1 2" SETS="mv1 rn50 mv2 gemm" BUDGET=0.08
#   PEER_CSV="FILE ..."    rows of other programs, measured elsewhere
#   PEER_CMD=COMMAND       a shell command that prints rows of other programs;
#                          called in turn with ours, with $SET and $THREAD_COUNT
#   ARM64=1                count instructions on 64-bit Arm too: see arm.sh
#   QACCEL_TFLITE=PROGRAM  runs TensorFlow Lite's optimized kernels: see models.sh
#   QACCEL_MODELS=DIR      NAME/model.tflite: see tests/models.sh
set -euo pipefail

top=$(dirname "$(dirname "$(realpath "$0")")")
build=${BUILD:-$top/build}
out=$build/bench
bin=$build/bin
rounds=${ROUNDS:-2}
threads=${THREADS:-1 2}
sets=${SETS:-mv1 rn50 mv2 gemm}
budget=${BUDGET:-0.08}
quick=

case ${1:-} in
'') ;;
--quick) quick=1 rounds=1 threads=1 ;;
*) sed -n '4,/^set /s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

say() { echo "[bench] $*" >&2; }

# Peers are a bonus: what can't be built is left out. CMake looks again for
# libraries that were not there last time.
build_all() {
	cmake "$build" >/dev/null
	cmake --build "$build" --target qaccel-bench bench-plot qaccel_command -- --quiet
	cmake --build "$build" --target bench-peers -- -k 0 --quiet >&2 ||
		say "not all peers could be built"
}

# One thread stays on one core: the last, as the first has the interrupts.
pin() {
	if [ "$THREAD_COUNT" = 1 ] &&
	   taskset -c $(($(nproc) - 1)) true 2>/dev/null; then
		taskset -c $(($(nproc) - 1)) "$@"
	else
		"$@"
	fi
}

# Rows to results.csv, lines of checks to checks.csv.
collect() {
	awk -F, -v checks="$out/checks.csv" -v threads="$THREAD_COUNT" '
		$1 == "check" { print $0 "," threads >> checks; next }
		NF == 8 && $1 != "peer"' >> "$out/results.csv"
}

qaccel() {
	pin "$bin/qaccel-bench" --threads "$THREAD_COUNT" --set "$SET" \
		--budget "$budget" "$@" | collect
}

# PROGRAM OP
peer() {
	[ -x "$bin/bench-$1" ] || return 0
	pin "$bin/bench-$1" --threads "$THREAD_COUNT" --set "$SET" \
		--budget "$budget" --op "$2" | collect || say "$1 $2: failed"
}

# All programs, one after the other, on one set: what disturbs the machine for
# minutes hits all of them. Checks and slower company only in the first round:
# the scalar reference takes longest of all.
one_set() {
	local round=$1 check=() isa

	[ "$round" != 1 ] || check=(--check)
	qaccel "${check[@]}"
	peer onednn s8s8s8_zp
	peer xnnpack qs8_qc8w
	peer onednn u8s8u8_nozp
	qaccel --uint8 "${check[@]}"
	peer xnnpack qu8
	if [ -n "${PEER_CMD:-}" ]; then
		sh -c "$PEER_CMD" | collect || say "PEER_CMD: failed"
	fi
	if [ "$round$THREAD_COUNT" != 11 ]; then
		for isa in $less; do
			qaccel --isa "$isa"
		done
		return
	fi
	for isa in $less; do
		qaccel --isa "$isa" --check
		qaccel --isa "$isa" --uint8 --check
	done
	if [ -z "$quick" ]; then
		peer onednn f32
		peer xnnpack f32
	fi
}

# The fastest round of each program and shape: disturbances only slow down.
summarize() {
	# shellcheck disable=SC2086 # a list of files
	awk -F, -v OFS=, 'NF == 8 && $1 != "peer" {
		key = $1 OFS $2 OFS $3 OFS $4 OFS $5
		if (!(key in least)) order[++n] = key
		if (!(key in least) || $6 + 0 < least[key]) {
			least[key] = $6 + 0
			row[key] = $0
		}
	} END { for (i = 1; i <= n; i++) print row[order[i]] }' \
		"$out/results.csv" ${PEER_CSV:-} > "$out/summary.csv"
}

mkdir -p "$out"
build_all
header=peer,version,op,shape,threads,us,GOPS,fraction_of_peak
echo "$header" > "$out/results.csv"
: > "$out/checks.csv"
THREAD_COUNT=1 pin "$bin/qaccel-bench" --machine > "$out/machine.csv"
"$bin/qaccel-bench" --list > "$out/layers.csv"
: > "$out/models.csv"
: > "$out/arm64.csv"
uptime > "$out/load.txt"
less=
! grep -q '^peak,avx512vnni' "$out/machine.csv" || less=avx2

for round in $(seq "$rounds"); do
	for THREAD_COUNT in $threads; do
		for SET in $sets; do
			say "round $round of $rounds, threads $THREAD_COUNT, $SET"
			export SET THREAD_COUNT
			one_set "$round"
		done
	done
done
"$top/bench/models.sh" "$bin" > "$out/models.csv" || say "models: failed"
uptime >> "$out/load.txt"
if [ -n "${ARM64:-}" ]; then
	BUILD=$build "$top/bench/arm.sh" > "$out/arm64.csv" || say "arm64: failed"
fi

summarize
"$bin/bench-plot" "$out"
ROUNDS=$rounds BUDGET=$budget "$top/bench/report.sh" "$out" > "$out/performance.md"
say "see $out/performance.md"
if [ -n "${UPDATE_DOCS:-}" ]; then
	cp "$out/performance.md" "$out"/performance-*.svg "$top/docs/"
	say "copied to docs/"
fi
if grep -q DIFFERS "$out/checks.csv"; then
	say "results differ from the reference: see $out/checks.csv"
	exit 1
fi
