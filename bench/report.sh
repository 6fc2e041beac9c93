#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Prints docs/performance.md from the results of bench/run.sh.
#
#   bench/report.sh DIR       DIR: build/bench; ROUNDS, BUDGET: as they were
set -euo pipefail

[ $# = 1 ] || { sed -n '4,/^set /s/^# \{0,1\}//p' "$0" >&2; exit 2; }
dir=$1
here=$(dirname "$(realpath "$0")")

table() {
	awk -F, -v table="$1" -f "$here/report.awk" "$dir/layers.csv" \
		"$dir/checks.csv" "$dir/models.csv" "$dir/summary.csv"
}

has() { grep -q "$1" "$dir/$2"; }

cpu() { sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1; }

# CPUs in clouds are called by their family; the numbers say which it is.
cpu_numbers() {
	awk -F': ' '/^cpu family/ { f = $2 } /^model\t/ { m = $2 }
		/^stepping/ { s = $2 }
		END { printf "family %s, model %s, stepping %s", f, m, s }' \
		/proc/cpuinfo
}

features() {
	awk '/^flags/ { for (i = 3; i <= NF; i++)
		if ($i ~ /^(avx2|avx_vnni|avx512f|avx512_vnni|amx_int8)$/)
			list = list (list ? ", " : "") $i
		print list; exit }' /proc/cpuinfo
}

compiler() {
	local cc
	cc=$(sed -n 's/^CMAKE_C_COMPILER:[^=]*=//p' "$dir/../CMakeCache.txt")
	"$cc" --version | head -1
}

commit() {
	git -C "$here" describe --always --dirty --abbrev=12 --exclude '*' \
		2>/dev/null || echo unknown
}

value() { awk -F, -v name="$1" '$2 == name { print $3 }' "$dir/machine.csv"; }
peak() { awk -F, '$1 == "peak" { print $3 }' "$dir/machine.csv"; }
load() { sed 's/.*load average: //' "$dir/load.txt" | paste -sd ';' | sed 's/;/; after: /'; }

# More to do than cores: threads wait for each other while none of them runs.
busy() {
	sed 's/.*load average: \([0-9.]*\).*/\1/' "$dir/load.txt" |
		awk -v cores="$(nproc)" '$1 > cores { busy = 1 } END { exit !busy }'
}

cat <<END
<!-- SPDX-License-Identifier: MIT -->
# Performance

Written by \`make bench UPDATE_DOCS=1\`; every figure is of one and the same run.

| | |
|---|---|
| CPU | $(cpu) ($(cpu_numbers)), $(nproc) cores, $(features) |
| kernel | $(uname -sr) |
| compiler | $(compiler) |
| commit | $(commit) |
| date | $(date -u +%Y-%m-%d) |
| load average before | $(load) |
| best instruction, one core | $(peak) GOPS |
| reading, one core | L2 $(value L2), L3 $(value L3), memory $(value memory) GB/s |

## Networks, one thread

Milliseconds. *Sum*: the layers' times added up, each measured alone, again and
again, so that all it reads is in a cache. *In order*: all layers one after the
other, each with weights and buffers of its own, so that all of them come from
outside of the second-level cache, as a network's weights do; this is the figure
that counts. Each layer is a session here. qaccel notices when another session ran
in between, and its depthwise kernels then fetch what they come to; within one
session, whose activations are still in the cache, they do not, as it would cost 1
to 2 %.

$(table totals1)

![Totals of the networks](performance-totals.svg)

*Equal to the reference*: so many bytes of output were compared with those of
the scalar reference kernels in the same run, and all were the same. Other
libraries round differently and promise no particular result; they are not
compared. Names of programs: library, version, types. \`s8\`: int8 with zero
points and weights per channel. \`u8\` and \`qu8\`: uint8, per tensor, both
operands with zero points. \`u8s8u8_nozp\`: oneDNN's fastest form, uint8 times
int8 without any zero point, which computes less than ours does. \`f32\`: float,
for comparison.

## Against the best of the others

$(table ratios)

The others in this table and below: the fastest int8 or uint8 program for that
very row, whatever its zero points. Below 1, qaccel is faster.

## By kind of layer, one thread

$(table kinds)

## Each layer, one thread

*Of peak*: of the best instruction's rate above (vpdpbusd with AVX512-VNNI;
vpmaddwd, the fastest that is exact, with AVX2). A multiply-accumulate is two
operations; taps that fall on padding count, so a program that skips them may
pass 100 %. \`pw\` and \`1x1\`: pointwise, \`dw\`: depthwise, \`s2\`: stride 2; then
rows, input and output channels. *AVX2*: qaccel on CPUs without AVX512.

$(table layers)

![Roofline](performance-roofline.svg)

END

if has 'TOTAL_seq,2' summary.csv; then
	cat <<END
## Networks, two threads

$(! busy || echo 'The machine had other work than this during the run (see the
load average): figures with two threads are those of a lucky moment, or of none.')

$(table totals2)

END
fi

if has ',qaccel,' models.csv; then
	cat <<END
## Whole networks

Milliseconds of the fastest of many runs, wall clock, with all operators and
not only convolutions.$(! has tflite_opt models.csv || echo ' TensorFlow Lite: its
optimized kernels (built-in operator resolver, without XNNPACK). They do not
give the results of its reference kernels; qaccel does.')

$(table models)

END
fi

if [ -s "$dir/arm64.csv" ]; then
	cat <<END
## 64-bit Arm

Thousands of instructions of one run, not time: the programs run in QEMU's user
emulation, on processors with NEON alone, with the dot product (dotprod) and with
matrix products (i8mm). XNNPACK is that of Debian's arm64 package, and chooses
its kernels itself. Totals count each layer as often as the network has it.

$(awk -F, -f "$here/arm.awk" "$dir/arm64.csv")

END
fi

cat <<END
## Method

- Programs take turns, set by set, so that what disturbs the machine hits all of
  them. Rounds: ${ROUNDS:-2}; the fastest counts.
- Programs get the same layers and the same data, and are timed by the same code
  (\`bench/sets.c\`, \`bench/timer.c\`); those that join with \`PEER_CMD\` bring
  their own. Weights are packed beforehand where a library can. A time is the
  10th percentile of samples over ${BUDGET:-0.08} s, a network's over 12 times
  that; not the minimum, because on virtual machines single samples come out
  impossibly fast.
END
cat <<'END'
- One thread: the thread's CPU time, on one pinned core. Two: wall time. Other
  load still costs caches and memory bandwidth; a few per cent are noise, single
  rows more.
- Half of the channels have scales that are powers of two, so that results fall
  between two integers often: the hard case for exactness.
- Memory rates are those of reading a buffer of 512 KiB, 8 MiB and 256 MiB.

## Again

    make bench                  # 15 minutes; build/bench/performance.md
    bench/run.sh --quick        # 4 minutes, one thread
    make bench UPDATE_DOCS=1    # and copy it here
    bench/arm.sh                # instructions on 64-bit Arm; make bench ARM64=1

XNNPACK and oneDNN take part when `libxnnpack-dev` and `libdnnl-dev` are
installed. Other programs join with `PEER_CMD` or `PEER_CSV`, whole networks with
`QACCEL_MODELS`, TensorFlow Lite with `QACCEL_TFLITE`: see `bench/run.sh`. One
layer set at a time: `build/bin/qaccel-bench --set mv1 --check`.
END
