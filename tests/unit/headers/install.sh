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

cat >"$dir/train.c" <<'END'
#include <stdio.h>
#include <qaccel/observer.h>

int main(void)
{
	const float values[] = { -1, 2 };
	struct qaccel_observer *observer;
	float min, max;

	/* An error's text comes from the other library. */
	if (!qaccel_observer_create(&(struct qaccel_observer_options){ .bits = 9 },
				    &observer) || !*qaccel_last_error())
		return 1;
	if (qaccel_observer_create(NULL, &observer) ||
	    qaccel_observer_update(observer, values, 2) ||
	    qaccel_observer_range(observer, &min, &max)) {
		fprintf(stderr, "%s\n", qaccel_last_error());
		return 1;
	}
	qaccel_observer_destroy(observer);
	return min != -1 || max != 2;
}
END

pkg() {
	PKG_CONFIG_PATH=$lib/pkgconfig pkg-config "$@"
}
# shellcheck disable=SC2046 # words
"$cc" "$dir/main.c" -o "$dir/shared" $(pkg --cflags --libs qaccel)
LD_LIBRARY_PATH=$lib "$dir/shared"
# shellcheck disable=SC2046
"$cc" "$dir/main.c" -o "$dir/static" $(pkg --cflags qaccel) "$lib/libqaccel.a" \
	$(pkg --static --libs qaccel | tr ' ' '\n' | grep -v -e '^-L' -e '^-lqaccel')
"$dir/static"
if [ -e "$lib/libqaccel-train.so" ]; then
	# shellcheck disable=SC2046
	"$cc" "$dir/train.c" -o "$dir/train" $(pkg --cflags --libs qaccel-train)
	LD_LIBRARY_PATH=$lib "$dir/train"
	# shellcheck disable=SC2046
	"$cc" "$dir/train.c" -o "$dir/train_static" $(pkg --cflags qaccel-train) \
		"$lib/libqaccel-train.a" "$lib/libqaccel.a" \
		$(pkg --static --libs qaccel-train | tr ' ' '\n' |
			grep -v -e "^-L$lib" -e '^-lqaccel')
	"$dir/train_static"
fi

mkdir "$dir/user"
cp "$dir/main.c" "$dir/train.c" "$dir/user"
cat >"$dir/user/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.25)
project(user LANGUAGES C)
find_package(qaccel 0.1 REQUIRED)
foreach(kind qaccel qaccel_static)
  add_executable(user_${kind} main.c)
  target_link_libraries(user_${kind} PRIVATE qaccel::${kind})
  if(TARGET qaccel::qaccel_train)
    string(REPLACE qaccel qaccel_train train ${kind})
    add_executable(user_${train} train.c)
    target_link_libraries(user_${train} PRIVATE qaccel::${train})
  endif()
endforeach()
END
{ "$cmake" -S "$dir/user" -B "$dir/user/build" -DCMAKE_C_COMPILER="$cc" \
	-DCMAKE_PREFIX_PATH="$dir/prefix" &&
	"$cmake" --build "$dir/user/build"; } >"$dir/log" 2>&1 ||
	{ cat "$dir/log" >&2; exit 1; }
for program in "$dir"/user/build/user_*; do
	"$program"
done
echo "pkg-config and CMake, shared and static"
