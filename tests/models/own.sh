#!/bin/sh
# SPDX-License-Identifier: MIT
#
# own.sh QACCEL: the project's own networks (models/): every tensor of some
# pictures, and the class of every test picture, against TensorFlow Lite's. 77
# (skipped) where there are none.
#
#   FASHION_MNIST=DIR    where the test pictures are
set -eu

qaccel=$1
top=$(realpath "$(dirname "$0")/../..")
data=${FASHION_MNIST:-/usr/share/datasets/fashion-mnist}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
bad=0

complain() { echo "$*"; bad=$((bad + 1)); }

verify() {
	for expect in "$top/models/expect/$1"/*.json; do
		image=$top/models/pictures/$(basename "$expect" .json).png
		for how in '' '--isa ref' '--threads 2'; do
			# shellcheck disable=SC2086 # words
			"$qaccel" verify "$top/models/$1.tflite" --image "$image" \
				--expect "$expect" --device cpu $how >"$dir/out" 2>&1 ||
				complain "$1, $(basename "$expect") $how: $(cat "$dir/out")"
		done
	done
}

evaluate() {
	"$qaccel" eval "$top/models/$1.tflite" --device cpu \
		--images "$data/t10k-images-idx3-ubyte.gz" \
		--labels "$data/t10k-labels-idx1-ubyte.gz" \
		--predictions "$dir/predictions" >"$dir/out" 2>&1 ||
		complain "$1: $(cat "$dir/out")"
	tail -n 1 "$dir/out"
	cmp "$top/models/expect/$1/predictions.txt" "$dir/predictions" ||
		complain "$1: not TensorFlow Lite's predictions"
}

seen=0
for model in "$top"/models/*.tflite; do
	[ -e "$model" ] || { echo "models/ holds no network yet"; exit 77; }
	name=$(basename "$model" .tflite)
	verify "$name"
	if [ -d "$data" ]; then
		evaluate "$name"
	else
		echo "no $data (dataset-fashion-mnist): $name without its test pictures"
	fi
	seen=$((seen + 1))
done
echo "$seen networks, $bad complaints"
[ "$bad" = 0 ]
