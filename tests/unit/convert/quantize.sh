#!/bin/sh
# SPDX-License-Identifier: MIT
#
# quantize.sh BIN    the command qaccel quantize, from files to files
set -eu

bin=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/examples" "$dir/empty" "$dir/pictures"
"$bin/make_convert_files" "$dir"
cd "$dir"
status=0

complain() {
	echo "$*" >&2
	status=1
}

# says TEXT ARGS...: the command succeeds and says it.
says() {
	text=$1
	shift
	"$bin/qaccel" quantize "$@" >out 2>err || complain "$*: $(cat err)"
	grep -q -- "$text" out || complain "$*: no '$text' in: $(cat out)"
}

# refuses TEXT ARGS...: it fails with status 2, a line with the text, and no file.
refuses() {
	text=$1
	shift
	rm -f no.tflite
	code=0
	"$bin/qaccel" quantize "$@" -o no.tflite >out 2>err || code=$?
	[ "$code" = 2 ] || complain "$*: status $code"
	[ ! -e no.tflite ] || complain "$*: wrote a file"
	[ "$(wc -l <err)" = 1 ] || complain "$*: $(cat err)"
	grep -q -- "$text" err || complain "$*: no '$text' in: $(cat err)"
}

# The same examples, however they come, give the same model.
says "in 6 of 6 examples" float.tflite --calibrate examples -o a.tflite
says "ranges of 6 examples (min-max)" float.tflite --calibrate examples.bin -o b.tflite
says "SQNR" float.tflite --calibrate examples/0.bin examples/1.bin examples/2.bin \
	examples/3.bin examples/4.bin examples/5.bin -o c.tflite
cmp a.tflite b.tflite && cmp a.tflite c.tflite || complain "the models differ"
"$bin/qaccel" info a.tflite | grep -q INT8 || complain "no INT8"
says "ranges of 2 examples (mse)" float.tflite --calibrate examples --count 2 \
	--observer mse --scheme uint8 -o u.tflite
"$bin/qaccel" info u.tflite | grep -q UINT8 || complain "no UINT8"
says "ranges of 5 examples (percentile)" float.tflite --images images --count 5 \
	--pixels 0,1 --observer percentile --percentile 99 --float-io -o f.tflite
"$bin/qaccel" run f.tflite --input examples/0.bin >/dev/null ||
	complain "f.tflite doesn't run on floats"
says "ranges of 3 examples (min-max)" float.tflite --calibrate pictures examples/0.bin \
	-o p.tflite
says "usage" --help

# Trained with rounding: no examples needed, but taken for the report.
cat >small.net <<END
input 12 10 3
conv one filters=4 size=3 stride=2 bn relu6
dwconv two size=3 bn relu
avgpool pool
fc logits filters=2
END
train="$bin/qaccel train small.net --images images --labels labels --epochs 3 --batch 16 --quiet"
$train --qat -o qat.ckpt >/dev/null
$train --qat --asymmetric -o asymmetric.ckpt >/dev/null
$train -o float.ckpt >/dev/null
says "q.tflite: int8, 5 operators; ranges from training" qat.ckpt -o q.tflite
says "probabilities: SQNR" qat.ckpt --images images -o r.tflite
cmp q.tflite r.tflite || complain "examples changed what was trained"
says "uint8, 4 operators" asymmetric.ckpt --logits -o s.tflite
says "ranges of 64 examples" float.ckpt --images images -o t.tflite
"$bin/qaccel" eval q.tflite --images images --labels labels >/dev/null ||
	complain "q.tflite can't be evaluated"

refuses "its range is not known: --calibrate" float.tflite
refuses "its range is not known: --calibrate" float.ckpt
refuses "this is no float model" integer.tflite --calibrate examples
refuses "short.bin: no picture" float.tflite --calibrate short.bin
refuses "empty: no examples" float.tflite --calibrate empty
refuses "no/such: No such file" float.tflite --calibrate no/such
refuses "takes a number" float.tflite --calibrate examples --count 0
refuses "does not know 'int4'" float.tflite --calibrate examples --scheme int4
refuses "lower value first" float.tflite --images images --pixels 1,0
refuses "not a checkpoint" examples.bin --calibrate examples
[ "$status" = 0 ] && echo "qaccel quantize: fine"
exit "$status"
