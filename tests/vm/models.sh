#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Runs every model on the device in the VM, and compares each tensor with what
# TensorFlow Lite computed: the golden ones of the repository, and the real ones
# where they are (tests/models.sh).
#
#   KERNEL=small|debug     as for vm.sh
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$(realpath "$0")")/lib.sh"

# verify_all DIR: NAME/model.tflite with NAME/expect*.json.
verify_all() {
	SHARE=$1 "$vm_dir/vm.sh" '
		cd /mnt
		bad=0 seen=0
		for expect in */expect*.json; do
			printf "%s: " "$expect"
			qaccel verify "${expect%/*}/model.tflite" --expect "$expect" \
				--device /dev/accel/accel0 || bad=$((bad + 1))
			seen=$((seen + 1))
		done
		echo "$seen cases, $bad not equal"
		[ $seen -gt 0 ] && [ $bad = 0 ]'
}

export VM_LOG=${VM_LOG:-${BUILD:-$top/build}/vm/models.log}
verify_all "$top/tests/golden"
"$vm_dir/check-log.sh" "$VM_LOG"
dir=$("$top/tests/models.sh" --dir) || { echo "only the golden models"; exit 0; }
verify_all "$dir"
"$vm_dir/check-log.sh" "$VM_LOG"
