#!/bin/sh
# SPDX-License-Identifier: MIT
#
# TensorFlow Lite itself, to compare with; it is no part of the repository.
#
#   tests/oracle.sh DIR    prints the program, made in DIR if need be; 1: there is none
#
# QACCEL_ORACLE names it; otherwise a folder beside the repository has a script
# that makes it. PROGRAM MODEL OUTDIR --ref INPUT... runs a model with the
# reference kernels and writes each tensor as OUTDIR/t<i>.bin.
set -eu

dir=${1:?usage: $0 DIR}
top=$(dirname "$(dirname "$(realpath "$0")")")
if [ -n "${QACCEL_ORACLE:-}" ]; then
	[ -x "$QACCEL_ORACLE" ] || { echo "no program $QACCEL_ORACLE" >&2; exit 1; }
	realpath "$QACCEL_ORACLE"
	exit
fi
setup=$top/../shared/oracle/setup.sh
if [ ! -x "$dir/tflite_oracle" ] && [ -x "$setup" ]; then
	"$setup" "$dir" >"$dir.log" 2>&1 || { tail -3 "$dir.log" >&2; exit 1; }
fi
[ -x "$dir/tflite_oracle" ] ||
	{ echo "no TensorFlow Lite: set QACCEL_ORACLE to a program (see $0)" >&2; exit 1; }
realpath "$dir/tflite_oracle"
