#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Builds with CMake what runs on this machine: the library, the commands, the
# device model and the tests. CMAKE_ARGS is for the first time.
set -eu

top=$(dirname "$(dirname "$(realpath "$0")")")
build=${BUILD:-$top/build}
# Those of make are not for ninja.
unset MAKEFLAGS MFLAGS MAKELEVEL

# shellcheck disable=SC2086 # words
[ -e "$build/build.ninja" ] || cmake -S "$top" -B "$build" -G Ninja ${CMAKE_ARGS:-}
cmake --build "$build" -- --quiet
