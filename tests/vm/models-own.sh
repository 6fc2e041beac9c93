#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The project's own networks (models/) on the device in the VM: every tensor of
# some pictures, and the class of each of the 10,000 test pictures, as TensorFlow
# Lite has them (models/expect) and as this CPU has them; and some pictures on the
# CPU of the VM, which has fewer instructions than most. 77 (skipped) where there
# are no networks.
#
#   KERNEL=small|debug     as for vm.sh
#   FASHION_MNIST=DIR      where the test pictures are
#   COUNT=N                the first N of them only
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$(realpath "$0")")/lib.sh"

data=${FASHION_MNIST:-/usr/share/datasets/fashion-mnist}
count=${COUNT:-10000}
qaccel=${BUILD:-$top/build}/bin/qaccel
# Few enough for an emulated CPU.
cpu_count=20

collect() {
	local pictures=$data/t10k-images-idx3-ubyte.gz
	cp -r "$top"/models/{expect,pictures} "$top"/models/*.tflite "$share"
	[[ -e $pictures ]] || { say "no $pictures (dataset-fashion-mnist): only expected tensors"; return; }
	cp "$pictures" "$share/images.gz"
	cp "$data/t10k-labels-idx1-ubyte.gz" "$share/labels.gz"
}

in_vm() {
	# shellcheck disable=SC2016 # the $ are for the VM
	SHARE=$share "$vm_dir/vm.sh" "cd /mnt; count=$count cpu_count=$cpu_count
		device=/dev/accel/accel0 bad=0"'
		for model in *.tflite; do
			name=${model%.tflite}
			for expect in expect/$name/*.json; do
				image=pictures/$(basename $expect .json).png
				printf "%s, %s: " $name $image
				qaccel verify $model --image $image --expect $expect \
					--device $device || bad=$((bad + 1))
			done
			[ -e images.gz ] || continue
			set -- eval $model --images images.gz --labels labels.gz
			qaccel "$@" --count $count --device $device \
				--predictions $name.device | tail -n 1
			qaccel "$@" --count $cpu_count --device cpu \
				--predictions $name.vm | tail -n 1
		done
		[ $bad = 0 ]'
}

# same NAME FILE COUNT: as many of TensorFlow Lite's predictions, and of this CPU's.
same() {
	[[ -e $share/$2 && $(wc -l <"$share/$2") == "$3" ]] || { say "$2: no $3 predictions"; return 1; }
	head -n "$3" "$share/expect/$1/predictions.txt" | cmp - "$share/$2" &&
		head -n "$3" "$share/$1.cpu" | cmp - "$share/$2"
}

compare() {
	local model name
	for model in "$share"/*.tflite; do
		name=$(basename "$model" .tflite)
		"$qaccel" eval "$model" --images "$share/images.gz" --labels "$share/labels.gz" \
			--device cpu --predictions "$share/$name.cpu" | tail -n 1
		same "$name" "$name.device" "$count" || die "$name: the device's predictions differ"
		same "$name" "$name.vm" "$cpu_count" || die "$name: those of the VM's CPU differ"
		echo "$name: the same $count predictions on the device, on both CPUs and in TensorFlow Lite"
	done
}

compgen -G "$top/models/*.tflite" >/dev/null || { echo "models/ holds no network yet"; exit 77; }
# A busy machine may need ten times as long as an idle one, a minute.
export VM_TIMEOUT=${VM_TIMEOUT:-1700}
export VM_LOG=${VM_LOG:-${BUILD:-$top/build}/vm/models-own.log}
share=$(mktemp -d "${TMPDIR:-/tmp}/qaccel-models.XXXXXX")
trap 'rm -rf "$share"' EXIT
collect
in_vm
"$vm_dir/check-log.sh" "$VM_LOG"
[[ ! -e $share/images.gz ]] || compare
