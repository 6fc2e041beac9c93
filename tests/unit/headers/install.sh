#!/bin/sh
# SPDX-License-Identifier: MIT
#
# install.sh CMAKE BUILD CC: installs, and builds and runs a program against
# that, by pkg-config and by CMake, shared and static.
set -eu

cmake=$1 build=$2 cc=$3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

"$cmake" --install "$build" --prefix "$dir/prefix" >"$dir/log" ||
	{ cat "$dir/log" >&2; exit 1; }
lib=$(dirname "$(find "$dir/prefix" -name libqaccel.so)")

cat >"$dir/main.c" <<'END'
#include <stdio.h>
#include <qaccel/graph.h>
#include <qaccel/qaccel.h>
#include <qaccel/quantize.h>

int main(void)
{
	struct qaccel_device *device;

	if (qaccel_device_open(NULL, "cpu", &device)) {
		fprintf(stderr, "%s\n", qaccel_last_error());
		return 1;
	}
	qaccel_device_close(device);
	return qaccel_version() >> 16 != QACCEL_VERSION_MAJOR;
}
END

pkg() {
	PKG_CONFIG_PATH=$lib/pkgconfig pkg-config "$@" qaccel
}
# shellcheck disable=SC2046 # words
"$cc" "$dir/main.c" -o "$dir/shared" $(pkg --cflags --libs)
LD_LIBRARY_PATH=$lib "$dir/shared"
# shellcheck disable=SC2046
"$cc" "$dir/main.c" -o "$dir/static" $(pkg --cflags) "$lib/libqaccel.a" \
	$(pkg --static --libs | tr ' ' '\n' | grep -v -e '^-L' -e '^-lqaccel')
"$dir/static"

mkdir "$dir/user"
cp "$dir/main.c" "$dir/user"
cat >"$dir/user/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.25)
project(user LANGUAGES C)
find_package(qaccel 0.1 REQUIRED)
foreach(kind qaccel qaccel_static)
  add_executable(user_${kind} main.c)
  target_link_libraries(user_${kind} PRIVATE qaccel::${kind})
endforeach()
END
{ "$cmake" -S "$dir/user" -B "$dir/user/build" -DCMAKE_C_COMPILER="$cc" \
	-DCMAKE_PREFIX_PATH="$dir/prefix" &&
	"$cmake" --build "$dir/user/build"; } >"$dir/log" 2>&1 ||
	{ cat "$dir/log" >&2; exit 1; }
"$dir/user/build/user_qaccel"
"$dir/user/build/user_qaccel_static"
echo "pkg-config and CMake, shared and static"
