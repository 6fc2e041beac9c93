#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Boots the VM once and runs the kernel selftests (build/selftests) in it.
#
#   tests/vm/run-selftests.sh small|debug [NAME...]
#
# Shows their TAP. Fails on `not ok`, a test that exits with an error or without
# its whole plan, a module that cannot be unloaded and loaded again, and on
# anything in the kernel log that tests/vm/check-log.sh takes for a kernel bug.
# On the debug kernel it also asks kmemleak, with the module unloaded.
#
#   DEVICE_ARGS=  properties of the device, as for vm.sh; by default those that
#                 switch on its fault knobs, tests/selftests/device-args
#   TEST_TIMEOUT= seconds for one test program (300)
#   VM_TIMEOUT=   for all of them (1800)
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$(realpath "$0")")/lib.sh"

build=${BUILD:-$top/build}

# What runs in the VM. Lines with ### are for the judge below.
guest_script() {
	cat <<-END
		kernel=$1 names='$2' limit=${TEST_TIMEOUT:-300}
	END
	cat <<-'END'
		cd /usr/libexec/qaccel/tests
		for t in ${names:-*}; do
			echo "### test $t"
			timeout -k 5 $limit ./$t 2>&1
			echo "### exit $?"
		done
		cd /
		n=0
		while [ $n -lt 3 ]; do
			rmmod qaccel 2>&1 || { echo "### broken rmmod"; exit 1; }
			insmod /lib/modules/*-qaccel.ko $(cat /lib/modules/*-qaccel.ko.args) 2>&1 ||
				{ echo "### broken insmod"; exit 1; }
			n=$((n + 1))
		done
		sleep 1
		[ -e /dev/accel/accel0 ] || { echo "### broken: no node after insmod"; exit 1; }
		echo "### cycle"
		if [ $kernel = debug ]; then
			rmmod qaccel 2>&1 || { echo "### broken rmmod"; exit 1; }
			# kmemleak leaves objects younger than five seconds alone.
			sleep 6
			echo scan > /sys/kernel/debug/kmemleak
			sleep 6
			echo scan > /sys/kernel/debug/kmemleak
			cat /sys/kernel/debug/kmemleak
			echo "### kmemleak"
		fi
		exit 0
	END
}

# Reads the output of guest_script; exit status 1 and the reasons, if any. A
# test of the kselftest harness says SKIP with exit status 4.
judge() {
	awk -v kernel="$1" '
	function bad(why) { print "  " name ": " why; failed = 1 }
	/^### test / { name = $3; plan = -1; seen = 0; tests++; next }
	/^### exit / {
		if ($3 != 0 && $3 != 4) bad("exit status " $3)
		if (plan < 0 && $3 != 4) bad("no plan")
		else if (plan >= 0 && seen != plan) bad("planned " plan " tests, ran " seen)
		ended++
		name = "module"
		next
	}
	/^### broken/ { bad($0); next }
	/^### cycle/ { cycled = 1; next }
	/^### kmemleak/ { asked = 1; next }
	/^1\.\.[0-9]+/ { plan = substr($1, 4) + 0 }
	/^ok / { seen++; if (/# SKIP/) skipped++; else passed++ }
	/^not ok / { seen++; bad($0) }
	/^Bail out!/ { bad($0) }
	/^unreferenced object/ { name = "kmemleak"; bad($0) }
	END {
		name = "run"
		if (!tests) bad("no test ran")
		if (tests != ended) bad("a test did not end")
		if (!cycled) bad("the module was not loaded again")
		if (kernel == "debug" && !asked) bad("kmemleak was not asked")
		printf "%d programs: %d passed, %d skipped\n", tests, passed, skipped
		exit failed
	}' "$2"
}

kernel=${1:-}
case $kernel in
small | debug) shift ;;
*) sed -n '5,17s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
ls "$build"/selftests/* >/dev/null 2>&1 || die "no tests in $build/selftests"
work=$(mktemp -d "${TMPDIR:-/tmp}/qaccel-selftests.XXXXXX")
trap 'rm -rf "$work"' EXIT
: "${DEVICE_ARGS=$(cat "$top/tests/selftests/device-args")}"
export DEVICE_ARGS KERNEL=$kernel VM_TIMEOUT=${VM_TIMEOUT:-1800}
export VM_LOG=${VM_LOG:-$build/vm/selftests-$kernel.log}

status=0
"$vm_dir/vm.sh" "$(guest_script "$kernel" "$*")" | tee "$work/output" || status=$?
echo "== $kernel kernel"
judge "$kernel" "$work/output" || status=1
"$vm_dir/check-log.sh" "$VM_LOG" || status=1
[[ $status == 0 ]] || echo "selftests FAILED on the $kernel kernel; log: $VM_LOG" >&2
exit $status
