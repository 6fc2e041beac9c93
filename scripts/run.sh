#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Runs one network on one picture, on the device in the VM and on this machine's
# CPU, shows the picture and both results, and compares the output tensors byte by
# byte.
#
#   MODEL= IMAGE= LABELS=   own files; otherwise those of models/, or of
#                           QACCEL_MODELS where that has none
set -euo pipefail

top=$(realpath "$(dirname "$(realpath "$0")")/..")
build=${BUILD:-$top/build}
qaccel=$build/bin/qaccel
own=$top/models
default_image=ankle_boot
default_foreign=mobilenet_v2_uint8
# What this terminal can show; the VM's command can't know.
form=text
[[ ! -t 1 || $(locale charmap 2>/dev/null) != UTF-8 ]] || form=blocks

die() { echo "run: $*" >&2; exit 1; }

first_of() {
	local f
	for f in "$@"; do
		[[ -e $f ]] && echo "$f" && return
	done
	return 1
}

# A network of the repository comes first, as everybody has it. Its pictures and
# labels are for it alone.
find_files() {
	local dir
	dir=$("$top/tests/models.sh" --dir 2>/dev/null) || dir=
	[[ -n ${MODEL:-} ]] || MODEL=$(first_of "$own"/*.tflite) ||
		MODEL=${dir:+$dir/$default_foreign/model.tflite}
	if [[ -n $MODEL && $(realpath -m "$MODEL") == "$own"/* ]]; then
		: "${IMAGE:=$own/pictures/$default_image.png}" "${LABELS:=$own/labels.txt}"
	elif [[ -n $dir ]]; then
		: "${IMAGE:=$dir/pictures/grace_hopper.png}" "${LABELS:=$dir/imagenet_labels.txt}"
	fi
}

check_files() {
	local hint="give MODEL=FILE.tflite IMAGE=FILE LABELS=FILE, or set QACCEL_MODELS to a folder of models"
	[[ -n $MODEL ]] || die "models/ holds no network yet; $hint"
	[[ -e $MODEL ]] || die "no model $MODEL; $hint"
	[[ -e ${IMAGE:-} ]] || die "no picture ${IMAGE:+($IMAGE) }to run it on; $hint"
	[[ -e ${LABELS:-} ]] || die "no labels ${LABELS:+($LABELS) }; $hint"
}

# Fixed names in the share: those of the user may hold anything.
collect() {
	cp "$MODEL" "$work/model.tflite"
	cp "$IMAGE" "$work/image.${IMAGE##*.}"
	cp "$LABELS" "$work/labels.txt"
}

# run_command DIR DEVICE OUTPUT [OPTION...]
run_command() {
	echo "run $1/model.tflite --image $1/image.${IMAGE##*.} --labels $1/labels.txt" \
		"--top 5 --device $2 --output $1/$3" "${@:4}"
}

# verdict FILE: the class of the first, largest, value: a number, a number, a name.
verdict() {
	sed -nE '/^ +[0-9.]+ +[0-9]+  ./{s/^ +[0-9.]+ +[0-9]+  //p;q}' "$1"
}

find_files
check_files
[[ -x $qaccel ]] || die "no $qaccel; run 'make' first"
work=$(mktemp -d "${TMPDIR:-/tmp}/qaccel-run.XXXXXX")
trap 'rm -rf "$work"' EXIT
collect

echo "${MODEL#"$top/"} on ${IMAGE#"$top/"}"
echo
echo "On the device, in the VM:"
SHARE=$work "$top/tests/vm/vm.sh" \
	"qaccel $(run_command /mnt /dev/accel/accel0 device.out "--show=$form")" |
	tee "$work/text"
echo
echo "On this CPU:"
# shellcheck disable=SC2046 # words; there are no blanks in $work
"$qaccel" $(run_command "$work" cpu cpu.out)
echo
cmp "$work/device.out" "$work/cpu.out" || die "the outputs differ"
echo "The outputs are equal in all $(stat -c %s "$work/cpu.out") bytes."
echo "Verdict: $(verdict "$work/text")"
