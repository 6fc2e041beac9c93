#!/bin/sh
# SPDX-License-Identifier: MIT
#
# oracle.sh DIR PROGRAM...    runs PROGRAM with QACCEL_ORACLE set; 77 (skipped)
# where there is no TensorFlow Lite
set -eu

QACCEL_ORACLE=$("$(dirname "$0")/../../oracle.sh" "$1") || exit 77
export QACCEL_ORACLE
shift
exec "$@"
