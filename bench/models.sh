#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Times whole networks: CSV of model,program,threads,ms.
#
#   bench/models.sh BINDIR        BINDIR has the qaccel command
#
# Networks: $QACCEL_MODELS or what tests/models.sh finds. When QACCEL_TFLITE
# names a program, TensorFlow Lite's optimized kernels run on them as well:
#   PROGRAM MODEL OUTDIR --opt --threads=N --reps=N INPUT...
# which says "best invoke X ms" on stderr.
set -euo pipefail

[ $# = 1 ] || { sed -n '4,/^set /s/^# \{0,1\}//p' "$0" >&2; exit 2; }
bin=$1
top=$(dirname "$(dirname "$(realpath "$0")")")
models=$("$top/tests/models.sh" --dir) || exit 0
# Quick networks are over in microseconds; more runs find a quiet moment.
runs=${RUNS:-200}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

pin() {
	if [ "$threads" = 1 ] && taskset -c $(($(nproc) - 1)) true 2>/dev/null
	then
		taskset -c $(($(nproc) - 1)) "$@"
	else
		"$@"
	fi
}

tflite() {
	local inputs=("$(dirname "$model")"/in0.*.bin)

	[ -n "${QACCEL_TFLITE:-}" ] && [ -e "${inputs[0]}" ] || return 0
	pin "$QACCEL_TFLITE" "$model" "$scratch/out" --opt "--threads=$threads" \
		--reps=20 "${inputs[@]}" 2>&1 >/dev/null |
		sed -n 's/.*best invoke \([0-9.]*\) ms.*/\1/p' |
		while read -r ms; do
			echo "$name,tflite_opt,$threads,$ms"
		done
}

qaccel() {
	pin "$bin/qaccel" bench "$model" --device cpu --threads "$threads" \
		--runs "$runs" --json | tr -d '\t ",' |
		sed -n "s/^min_ms:/$name,qaccel,$threads,/p"
}

echo model,program,threads,ms
for model in "$models"/*/model.tflite; do
	name=$(basename "$(dirname "$model")")
	for threads in 1 2; do
		qaccel
		tflite
	done
done
