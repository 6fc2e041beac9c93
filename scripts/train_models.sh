#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Trains the project's networks on Fashion-MNIST and measures what
# docs/training.md tells, a line for each result: its name, the accuracy on the
# test pictures in float (with the integers simulated, but for *-float-*), and
# that of the integer network on the CPU where one is made.
#
#   scripts/train_models.sh [DIR]    networks, logs and results (default: trained)
#   JOBS=N                           trainings side by side, of a thread each (2)
#   QACCEL=PROGRAM                   build/bin/qaccel
#   DATA=DIR                         /usr/share/datasets/fashion-mnist
#   PLAN=1                           only says what would be run
#
# What is in DIR already is not done again, and a training that was interrupted
# goes on from its last epoch: the same networks result, to the bit.
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
dir=${1:-trained}
jobs=${JOBS:-2}
qaccel=${QACCEL:-$top/build/bin/qaccel}
data=${DATA:-/usr/share/datasets/fashion-mnist}
seeds='1 2 3'
epochs=8

learn="--images $data/train-images-idx3-ubyte.gz --labels $data/train-labels-idx1-ubyte.gz"
test="--test-images $data/t10k-images-idx3-ubyte.gz --test-labels $data/t10k-labels-idx1-ubyte.gz"
change='--flip --shift 1'
aware='--lr 0.01 --quant-delay 200 --bn-momentum 0.99'

# train NAME ARGS...: NAME.ckpt, with a log and a curve beside it.
train() {
	name=$1
	shift
	if [ -e "$dir/$name.part" ]; then
		set -- --resume "$dir/$name.part"
	else
		# shellcheck disable=SC2086 # words
		set -- "$@" $change
	fi
	# shellcheck disable=SC2086
	"$qaccel" train "$@" $learn $test --threads 1 \
		--checkpoint "$dir/$name.part" --log "$dir/$name.csv" \
		--curve "$dir/$name.svg" -o "$dir/$name.new" >>"$dir/$name.log"
	mv "$dir/$name.new" "$dir/$name.ckpt"
	rm "$dir/$name.part"
}

# result NAME ARGS...: the accuracy that --evaluate tells, into NAME.sum.
result() {
	name=$1
	shift
	# shellcheck disable=SC2086
	"$qaccel" train --evaluate "$@" $learn $test --threads 1 >"$dir/$name.txt"
	sed -n 's/^accuracy [^(]*(\([0-9]*\) of \([0-9]*\)).*/\1 \2/p' \
		"$dir/$name.txt" | awk '{ printf "%.2f\n", 100 * $1 / $2 }' \
		>"$dir/$name.new"
	[ -s "$dir/$name.new" ] || { cat "$dir/$name.txt" >&2; return 1; }
	mv "$dir/$name.new" "$dir/$name.sum"
	rm "$dir/$name.txt"
}

# integers NAME CHECKPOINT ARGS...: NAME.tflite; its accuracy joins NAME.sum.
integers() {
	name=$1 net=$2
	shift 2
	QACCEL_THREADS=1 "$qaccel" quantize "$net" "$@" --images "$data/train-images-idx3-ubyte.gz" \
		--count 1000 --pixels 0,1 --quiet -o "$dir/$name.new.tflite" \
		>>"$dir/$name.log" 2>&1
	"$qaccel" eval "$dir/$name.new.tflite" --device cpu --threads 1 --json \
		--images "$data/t10k-images-idx3-ubyte.gz" \
		--labels "$data/t10k-labels-idx1-ubyte.gz" >"$dir/$name.json" \
		2>>"$dir/$name.log"
	correct=$(sed -n 's/.*"correct":[^0-9]*\([0-9]*\).*/\1/p' "$dir/$name.json" |
		head -1)
	echo "$(cat "$dir/$name.sum"),$(echo "$correct" | awk '{ printf "%.2f", $1 / 100 }')" \
		>"$dir/$name.new"
	mv "$dir/$name.new.tflite" "$dir/$name.tflite"
	mv "$dir/$name.new" "$dir/$name.sum"
}

# --------------------------------------------------------------------- jobs --
# A job is a line: NAME KIND ARGS...; each makes one NAME.acc.

# The long ones first, so that all end at the same time.
float_jobs() {
	for net in resnet mobilenet; do
		for seed in $seeds; do
			echo "$net-float-$seed float $net $seed"
		done
	done
}

# What needs a trained float network.
other_jobs() {
	for net in resnet mobilenet; do
		for seed in $seeds; do
			echo "$net-qat-$seed qat $net $seed 8 8 2"
		done
	done
	echo "mobilenet-uint8-1 qat mobilenet 1 8 8 2 --asymmetric"
	for net in mobilenet resnet; do
		for seed in $seeds; do
			echo "$net-ptq-channel-$seed ptq $net $seed int8 --calibrate 1000"
			echo "$net-ptq-tensor-$seed ptq $net $seed int8-per-tensor --calibrate 1000 --per-tensor"
		done
	done
	for weights in 8 7 6 5 4; do
		for activations in 8 7 6 5 4; do
			echo "ablation-w$weights-a$activations qat mobilenet 1 $weights $activations 1"
		done
	done
}

run_job() {
	name=$1 kind=$2 net=$3 seed=$4
	shift 4
	[ ! -e "$dir/$name.acc" ] || return 0
	case $kind in
	float)
		[ -e "$dir/$name.ckpt" ] || train "$name" \
			"$top/models/fashion_$net.net" --seed "$seed" \
			--epochs $epochs
		result "$name" "$dir/$name.ckpt" ;;
	qat)
		weights=$1 activations=$2 passes=$3
		shift 3
		# shellcheck disable=SC2086
		[ -e "$dir/$name.ckpt" ] || train "$name" \
			--init "$dir/$net-float-$seed.ckpt" --seed "$seed" \
			--qat --weight-bits "$weights" --activation-bits "$activations" \
			--epochs "$passes" --freeze-bn $((3 * 937 * passes / 4)) \
			$aware "$@"
		result "$name" "$dir/$name.ckpt"
		case $name in ablation-*) ;; *)
			integers "$name" "$dir/$name.ckpt" ;;
		esac ;;
	ptq)
		scheme=$1
		shift
		result "$name" "$dir/$net-float-$seed.ckpt" --weight-bits 8 \
			--activation-bits 8 "$@"
		integers "$name" "$dir/$net-float-$seed.ckpt" --scheme "$scheme" ;;
	esac
	mv "$dir/$name.sum" "$dir/$name.acc"
	echo "$name,$(cat "$dir/$name.acc")"
}

# The script is its own worker: one job of the list is one call.
if [ "${TRAIN_MODELS_JOB:-}" ]; then
	# shellcheck disable=SC2086
	run_job $TRAIN_MODELS_JOB
	exit
fi

run_all() {
	# shellcheck disable=SC2016 # it is for the other shell
	TOP_JOB=$0 DIR=$dir xargs -P "$jobs" -I '{}' sh -c \
		'TRAIN_MODELS_JOB="{}" exec "$TOP_JOB" "$DIR"'
}

if [ "${PLAN:-}" ]; then
	float_jobs
	other_jobs
	exit
fi
[ -x "$qaccel" ] || { echo "no $qaccel: make host" >&2; exit 1; }
[ -e "$data/train-images-idx3-ubyte.gz" ] || {
	echo "no Fashion-MNIST in $data: apt install dataset-fashion-mnist" >&2
	exit 1; }
mkdir -p "$dir"
# Those that are done are told of again, so that the output is whole.
{ float_jobs; other_jobs; } | while read -r name rest; do
	[ ! -e "$dir/$name.acc" ] || echo "$name,$(cat "$dir/$name.acc")"
done
float_jobs | run_all
other_jobs | run_all
