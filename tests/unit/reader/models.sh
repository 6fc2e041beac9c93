#!/bin/sh
# SPDX-License-Identifier: MIT
#
# models.sh MODELS_SH TEST_REAL: all real models, where there are any.
set -eu

dir=$("$1" --dir) || exit 77
exec "$2" "$dir"/*/model.tflite
