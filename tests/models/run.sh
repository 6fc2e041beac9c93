#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run.sh PROGRAM    runs the test of whole models; 77 (skipped) without models
set -eu

models=$("$(dirname "$0")"/../models.sh --dir) || exit 77
exec "$1" "$models"
