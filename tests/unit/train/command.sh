#!/bin/sh
# SPDX-License-Identifier: MIT
#
# command.sh QACCEL QACCEL_TRAIN: qaccel train as a user has it.
set -eu

qaccel=$1 program=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export LC_ALL=C
mkdir "$dir/bin"
cp "$qaccel" "$program" "$dir/bin"
PATH=$dir/bin:$PATH

fail() { echo "FAIL: $*" >&2; cat "$dir/out" "$dir/err" >&2; exit 1; }
# Status 0.
good() {
	"$@" >"$dir/out" 2>"$dir/err" || fail "status $? of: $*"
}
# Status 2, and a message with these words.
bad() {
	words=$1
	shift
	status=0
	"$@" >"$dir/out" 2>"$dir/err" || status=$?
	[ $status = 2 ] || fail "status $status of: $*"
	grep -q -e "$words" "$dir/err" || fail "no '$words' from: $*"
}

# Pixels are what comes along, labels 1, 2, 3, 1, ...
cd "$dir"
{ printf '\000\000\010\003\000\000\000\226\000\000\000\010\000\000\000\010'
	head -c 9600 bin/qaccel-train; } >images
{ printf '\000\000\010\001\000\000\000\226'
	awk 'BEGIN { for (i = 0; i < 150; i++) printf "%c", i % 3 + 1 }'; } >labels
cat >small.net <<'END'
input 8 8 1
conv a filters=4 size=3 bn relu
fc logits filters=4
END
data='--images images --labels labels --threads 1'

# shellcheck disable=SC2086 # words
train() { qaccel train "$@" $data; }

good train small.net --epochs 2 -o whole --holdout 30 --log log --curve curve.svg
[ "$(grep -c '^epoch [12]/2  loss' out)" = 2 ] || fail "two epochs"
grep -q '^accuracy [0-9.]* % ([0-9]* of 30), loss [0-9.]*$' out || fail "a verdict"
[ "$(wc -l <log)" = 3 ] || fail "a log of two epochs"
[ "$(tail -n 1 log | tr -cd , | wc -c)" = 5 ] || fail "six columns"
grep -q '</svg>' curve.svg || fail "a curve"
grep -q '>curve</text>' curve.svg || fail "a title"
accuracy=$(tail -n 1 out)
good qaccel train --evaluate whole --test-images images --test-labels labels
good train --evaluate whole --holdout 30
[ "$accuracy" = "$(cat out)" ] || fail "another accuracy"

# Interrupted and resumed: the same file.
good train small.net --epochs 3 --checkpoint one -o done1 --qat --quant-delay 3
good train small.net --epochs 3 --checkpoint two -o done2 --qat --quant-delay 3
cmp -s one two || fail "the same command, another checkpoint"
cmp -s done1 done2 || fail "the same command, another network"
good train --resume one -o done3
cmp -s done1 done3 || fail "resumed at the end, another network"
# Stopped after an epoch or two, whichever it is.
# shellcheck disable=SC2086
qaccel train small.net --epochs 4000 --checkpoint cut $data --quiet &
pid=$!
until [ -s cut ]; do sleep 0.1; done
kill $pid
wait $pid || :
good qaccel train --evaluate cut --test-images images --test-labels labels

good train --init done1 --epochs 1 --lr 0.001 -o again
good train --evaluate whole --holdout 30 --weight-bits 4 --activation-bits 8 \
	--calibrate 20 --observer mse
bad 'range of layer' train --evaluate whole --holdout 30 --activation-bits 8
good qaccel train --help
grep -q '^usage: qaccel train' out || fail "--help"

bad 'is needed' train small.net
bad 'one of ARCH' train -o x
bad 'one of ARCH' train small.net --init whole -o x
bad 'one argument too many' train small.net other -o x
bad 'labels without pictures' qaccel train small.net --images images -o x
bad 'images and --labels are needed' qaccel train small.net -o x
bad 'nowhere: No such file' train nowhere -o x
bad 'small.net: not a checkpoint' train --init small.net -o x
bad 'state of its training' train --resume whole -o x
bad 'options of the checkpoint' train --resume one --lr 1 -o x
bad 'other data' train --resume one --holdout 10 -o x
bad 'takes a number' train small.net --epochs 1x -o x
bad 'takes a number' train small.net --lr nan -o x
bad 'epochs of 0' train small.net --epochs 0 -o x
bad '1 bits of weights' train small.net --weight-bits 1 -o x
bad 'does not know' train small.net --optimizer adagrad -o x
bad 'qaccel train --help' train small.net --no-such-option -o x
bad 'holdout 150 of 150' train small.net --holdout 150 -o x
echo 'conv b size=3' >bad.net
bad 'bad.net:1: a layer before' train bad.net -o x
echo 'input 9 9 1
fc a filters=4' >bad.net
bad 'pictures of 8 x 8 x 1 for a network of 9 x 9 x 1' train bad.net -o x
bad '/nowhere/x' train small.net --epochs 1 -o /nowhere/x
[ ! -e x ] || fail "a file in spite of an error"

# Without the other program there is a message, not a riddle.
rm bin/qaccel-train
bad 'done by the program qaccel-train' "$dir/bin/qaccel" train small.net
echo "qaccel train: as documented"
