#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Finds out what the kernel's headers offer, by compiling snippets with the
# flags of the kernel itself.
#
#   conftest.sh OUTPUT COMPILER FLAGS...
#
# Writes "#define HAVE_X 1" lines to OUTPUT. Runs as part of the build.
set -eu

output=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# compile COMPILER FLAGS...: checks test.c. Dependency files are not wanted, and
# warnings must not decide, but for those that are errors in newer compilers.
compile() {
	for arg; do
		shift
		case $arg in
		-Wp,-M* | -Werror | -Werror=*) ;;
		*) set -- "$@" "$arg" ;;
		esac
	done
	"$@" -Werror=implicit-function-declaration -Werror=implicit-int \
		-DKBUILD_MODNAME='"conftest"' -DKBUILD_BASENAME='"conftest"' \
		-fsyntax-only -x c "$work/test.c" >"$work/log" 2>&1
}

# test_for NAME FLAGS...; the snippet is on stdin
test_for() {
	name=$1
	shift
	cat >"$work/test.c"
	if compile "$@"; then
		echo "#define HAVE_$name 1"
	else
		echo "/* HAVE_$name is not set */"
	fi
}

{
	echo "/* Made by conftest.sh */"

	# A header set that cannot compile at all must not look like an old kernel.
	printf '#include <drm/gpu_scheduler.h>\n#include <drm/drm_drv.h>\n' >"$work/test.c"
	if ! compile "$@"; then
		cat "$work/log" >&2
		echo "conftest: the kernel's DRM headers do not compile" >&2
		exit 1
	fi

	test_for DRM_SCHED_INIT_ARGS "$@" <<-'END'
	#include <drm/gpu_scheduler.h>
	int test(struct drm_gpu_scheduler *s, const struct drm_sched_init_args *a)
	{
		return drm_sched_init(s, a);
	}
	END

	# Quoted, the old form compiles too, but names no namespace.
	test_for MODULE_IMPORT_NS_TOKEN "$@" <<-'END'
	#include <linux/module.h>
	MODULE_IMPORT_NS(DMA_BUF);
	END

	test_for DRM_GPU_SCHED_STAT_NO_HANG "$@" <<-'END'
	#include <drm/gpu_scheduler.h>
	int test = DRM_GPU_SCHED_STAT_NO_HANG;
	END

	test_for DRM_DEV_WEDGED_EVENT_INFO "$@" <<-'END'
	#include <drm/drm_device.h>
	#include <drm/drm_drv.h>
	int test(struct drm_device *d)
	{
		return drm_dev_wedged_event(d, DRM_WEDGE_RECOVERY_REBIND, 0);
	}
	END

	test_for DRM_DEV_WEDGED_EVENT "$@" <<-'END'
	#include <drm/drm_device.h>
	#include <drm/drm_drv.h>
	int test(struct drm_device *d)
	{
		return drm_dev_wedged_event(d, DRM_WEDGE_RECOVERY_REBIND);
	}
	END

	# The mount that makes shmem buffers take huge pages.
	test_for DRM_GEM_HUGE_MNT "$@" <<-'END'
	#include <drm/drm_gem.h>
	int test(struct drm_device *d)
	{
		return drm_gem_huge_mnt_create(d, "within_size");
	}
	END
} >"$work/out"
mv "$work/out" "$output"
