#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run.sh QACCEL EVAL_FILES: qaccel eval, on classifiers whose predictions are known.
set -eu

qaccel=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"$2" "$dir"
cd "$dir"
gzip -k images labels
printf 'zero\none\ntwo\n' >names

fail() { echo "$*" >&2; exit 1; }

# predicts ARGUMENTS: those with which the expected comes out.
predicts() {
	rm -f got
	"$qaccel" eval "$@" --device cpu --predictions got >text || fail "eval $*"
	cmp expected got || fail "eval $*: wrong predictions"
	grep -q ' 82 of 103 correct, accuracy 79.61 %' text ||
		fail "eval $*: $(tail -n 1 text)"
}

for model in int8 uint8 real batch large_batch rows; do
	predicts $model.tflite --images images --labels labels
done
for threads in 1 2 7; do
	predicts int8.tflite --images images --labels labels --threads $threads
	predicts batch.tflite --images images --labels labels --threads $threads
done
predicts int8.tflite --images images.gz --labels labels.gz
predicts int8.tflite --images images4 --labels labels --names names --isa ref

# The table: each label's row has its count, and the sum is all.
awk '$1 ~ /^[0-2]$/ && NF == 7 { n++; for (i = 2; i < 5; i++) sum += $i
	right += $($1 + 2) }
	END { exit !(n == 3 && sum == 103 && right == 82) }' text ||
	fail "the table: $(cat text)"
grep -q 'two$' text || fail "names are missing"

"$qaccel" eval batch.tflite --images images --labels labels --device cpu \
	--count 10 --predictions got --json >json
head -n 10 expected | cmp - got
tr -d ' \t\n' <json >flat
grep -q '"pictures":10,"correct":8,"accuracy":0.8,' flat || fail "$(cat json)"
grep -q '"confusion":\[\[' flat || fail "$(cat json)"

# refuses TEXT ARGUMENTS: fails, with the text on the standard error.
refuses() {
	text=$1
	shift
	status=0
	"$qaccel" eval "$@" --device cpu >out 2>err || status=$?
	[ $status = 2 ] || fail "eval $*: status $status"
	[ ! -s out ] || fail "eval $*: output"
	grep -q "$text" err || fail "eval $*: $(cat err)"
}
refuses 'needs a MODEL' --images images --labels labels
refuses 'needs --images' int8.tflite --labels labels
refuses 'needs --images' int8.tflite --images images
refuses 'nowhere: No such' int8.tflite --images nowhere --labels labels
refuses 'not an idx file' int8.tflite --images expected --labels labels
refuses 'rank 1; pictures' int8.tflite --images labels --labels labels
refuses 'rank 3; labels' int8.tflite --images images --labels images
refuses '103 pictures, but 102 labels' int8.tflite --images images --labels fewer
refuses '103 pictures, not 104' int8.tflite --images images --labels labels --count 104
refuses 'pictures of \[1, 4, 5, 1\], not of 5 x 4 x 1' int8.tflite --images turned --labels labels
refuses 'not of 4 x 5 x 3' int8.tflite --images colour --labels one
refuses 'not of 4 x 5 x 3' rows.tflite --images colour --labels one
refuses 'label 77 is 3, but the model has 3' int8.tflite --images images --labels wrong
refuses 'nowhere/got' int8.tflite --images images --labels labels --predictions nowhere/got
head -c 60 images.gz >cut.gz
refuses 'cut off' int8.tflite --images cut.gz --labels labels
echo "eval: fine"
