#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Where the real models for the tests are; they are not part of the repository.
#
#   tests/models.sh --dir    print the folder; status 1 when there is none
#
# QACCEL_MODELS names it; otherwise a folder beside the repository.
set -eu

[ "${1:-}" = --dir ] || { echo "usage: $0 --dir" >&2; exit 2; }
top=$(dirname "$(dirname "$(realpath "$0")")")
for dir in "${QACCEL_MODELS:-}" "$top/../shared/models"; do
	[ -n "$dir" ] && [ -d "$dir" ] && realpath "$dir" && exit
done
echo "no models: set QACCEL_MODELS to a folder that holds NAME/model.tflite" >&2
exit 1
