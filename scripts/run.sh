#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Runs one network on one picture, on the device in the VM and on this machine's
# CPU, shows both and compares the output tensors byte by byte.
#
#   MODEL= IMAGE= LABELS=   own files; otherwise a model of the repository or of
#                           QACCEL_MODELS
set -euo pipefail

top=$(realpath "$(dirname "$(realpath "$0")")/..")
build=${BUILD:-$top/build}
qaccel=$build/bin/qaccel
default_model=mobilenet_v2_uint8

die() { echo "run: $*" >&2; exit 1; }

first_of() {
	local f
	for f in "$@"; do
		[[ -e $f ]] && echo "$f" && return
	done
	return 1
}

# A model of the repository comes first, as everybody has it.
find_files() {
	local dir
	[[ -z ${MODEL:-} || -z ${IMAGE:-} || -z ${LABELS:-} ]] || return 0
	if [[ -z ${MODEL:-} ]]; then
		MODEL=$(first_of "$top"/models/*.tflite "$top"/models/*/model.tflite) || MODEL=
	fi
	dir=$("$top/tests/models.sh" --dir 2>/dev/null) || dir=$top/models
	[[ -n $MODEL ]] || MODEL=$dir/$default_model/model.tflite
	: "${IMAGE:=$(first_of "$top"/models/*.png "$dir/pictures/grace_hopper.png" || :)}"
	: "${LABELS:=$(first_of "$top"/models/*labels*.txt "$dir/imagenet_labels.txt" || :)}"
}

check_files() {
	local hint="give MODEL=FILE.tflite IMAGE=FILE LABELS=FILE, or set QACCEL_MODELS to a folder of models"
	[[ -e $MODEL ]] || die "no model ${MODEL:+($MODEL) }to run; $hint"
	[[ -e $IMAGE ]] || die "no picture ${IMAGE:+($IMAGE) }to run it on; $hint"
	[[ -e $LABELS ]] || die "no labels ${LABELS:+($LABELS) }; $hint"
}

# Fixed names in the share: those of the user may hold anything.
collect() {
	cp "$MODEL" "$work/model.tflite"
	cp "$IMAGE" "$work/image.${IMAGE##*.}"
	cp "$LABELS" "$work/labels.txt"
}

# run_command DIR DEVICE OUTPUT
run_command() {
	echo "run $1/model.tflite --image $1/image.${IMAGE##*.} --labels $1/labels.txt" \
		"--top 5 --device $2 --output $1/$3"
}

find_files
check_files
[[ -x $qaccel ]] || die "no $qaccel; run 'make' first"
work=$(mktemp -d "${TMPDIR:-/tmp}/qaccel-run.XXXXXX")
trap 'rm -rf "$work"' EXIT
collect

echo "$MODEL on $IMAGE"
echo
echo "On the device, in the VM:"
SHARE=$work "$top/tests/vm/vm.sh" "qaccel $(run_command /mnt /dev/accel/accel0 device.out)"
echo
echo "On this CPU:"
# shellcheck disable=SC2046 # words; there are no blanks in $work
"$qaccel" $(run_command "$work" cpu cpu.out)
echo
cmp "$work/device.out" "$work/cpu.out" || die "the outputs differ"
echo "The outputs are equal in all $(stat -c %s "$work/cpu.out") bytes."
