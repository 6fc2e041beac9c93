/* SPDX-License-Identifier: MIT */
/*
 * The timing model
 *
 * A weight-stationary array of R rows (reduction lanes) by C columns (output
 * channels) of multiply-accumulators, and a DMA engine that moves B bytes per
 * cycle while the array works. Per command:
 *
 *   CONV2D                 n * oh * ow * ceil(kh * kw * IC / R) * ceil(OC / C)
 *   DWCONV2D               n * oh * ow * ceil(kh * kw / R) * ceil(OC / C)
 *   AVGPOOL, MAXPOOL       n * oh * ow * kh * kw * ceil(c / C)
 *   MEAN                   n * h * w * ceil(c / C), h and w of the input
 *   SOFTMAX                3 * n * h * w * ceil(c / C): maximum, sum, scale
 *   ADD, MUL, LUT, (DE/RE)QUANTIZE    ceil(elements of the output / C)
 *   COPY, PAD, END         0
 *
 *   dma_cycles = ceil((bytes_read + bytes_written) / B)
 *   cycles     = max(compute_cycles, dma_cycles) + QACCEL_TIMING_COMMAND
 *
 * bytes_read counts every input operand once and the command itself,
 * bytes_written the output; the gaps of a strided COPY are not moved. MACs are
 * those of convolutions, padding taps included; channels past OC are not. A job
 * takes the sum of its commands. All sums saturate.
 */
#ifndef QACCEL_TIMING_H
#define QACCEL_TIMING_H

/* Cycles to fetch and set up a command. */
#define QACCEL_TIMING_COMMAND	64

#endif /* QACCEL_TIMING_H */
