// SPDX-License-Identifier: MIT
/*
 * Where everything stands in the structures that driver, device and library
 * share. Written down once more on purpose: a change of layout must not pass
 * unnoticed. check.sh compiles this for 64 and for 32 bits.
 */
#include <stddef.h>

#include "drm/qaccel_accel.h"
#include "qaccel_hw.h"

#define SIZE(type, size) \
	_Static_assert(sizeof(type) == (size), #type)
#define OFFSET(type, member, offset) \
	_Static_assert(offsetof(type, member) == (offset), #type "." #member)

SIZE(struct qaccel_ring_entry, 64);
OFFSET(struct qaccel_ring_entry, root, 0);
OFFSET(struct qaccel_ring_entry, stream_va, 8);
OFFSET(struct qaccel_ring_entry, seqno, 16);
OFFSET(struct qaccel_ring_entry, perf_va, 24);
OFFSET(struct qaccel_ring_entry, stream_size, 32);
OFFSET(struct qaccel_ring_entry, flags, 36);
OFFSET(struct qaccel_ring_entry, reserved, 40);

SIZE(struct qaccel_result, 64);
OFFSET(struct qaccel_result, seqno, 0);
OFFSET(struct qaccel_result, status, 8);
OFFSET(struct qaccel_result, cmd_index, 12);
OFFSET(struct qaccel_result, fault_va, 16);
OFFSET(struct qaccel_result, fault_access, 24);
OFFSET(struct qaccel_result, engine, 28);
OFFSET(struct qaccel_result, cycles, 32);
OFFSET(struct qaccel_result, macs, 40);
OFFSET(struct qaccel_result, bytes_read, 48);
OFFSET(struct qaccel_result, bytes_written, 56);

SIZE(struct qaccel_perf, 64);
OFFSET(struct qaccel_perf, cmd_index, 0);
OFFSET(struct qaccel_perf, opcode, 4);
OFFSET(struct qaccel_perf, engine, 6);
OFFSET(struct qaccel_perf, tag, 8);
OFFSET(struct qaccel_perf, reserved, 12);
OFFSET(struct qaccel_perf, cycles, 16);
OFFSET(struct qaccel_perf, compute_cycles, 24);
OFFSET(struct qaccel_perf, dma_cycles, 32);
OFFSET(struct qaccel_perf, macs, 40);
OFFSET(struct qaccel_perf, bytes_read, 48);
OFFSET(struct qaccel_perf, bytes_written, 56);

SIZE(struct qaccel_tensor, 32);
OFFSET(struct qaccel_tensor, va, 0);
OFFSET(struct qaccel_tensor, n, 8);
OFFSET(struct qaccel_tensor, h, 12);
OFFSET(struct qaccel_tensor, w, 16);
OFFSET(struct qaccel_tensor, c, 20);
OFFSET(struct qaccel_tensor, zero_point, 24);
OFFSET(struct qaccel_tensor, dtype, 28);
OFFSET(struct qaccel_tensor, reserved, 29);

SIZE(struct qaccel_cmd_header, 16);
OFFSET(struct qaccel_cmd_header, opcode, 0);
OFFSET(struct qaccel_cmd_header, version, 2);
OFFSET(struct qaccel_cmd_header, flags, 3);
OFFSET(struct qaccel_cmd_header, tag, 4);
OFFSET(struct qaccel_cmd_header, reserved, 8);

SIZE(struct qaccel_cmd_end, 256);
OFFSET(struct qaccel_cmd_end, hdr, 0);
OFFSET(struct qaccel_cmd_end, reserved, 16);

SIZE(struct qaccel_channel, 16);
OFFSET(struct qaccel_channel, bias, 0);
OFFSET(struct qaccel_channel, multiplier, 4);
OFFSET(struct qaccel_channel, shift, 8);
OFFSET(struct qaccel_channel, weight_sum, 12);

SIZE(struct qaccel_cmd_conv, 256);
OFFSET(struct qaccel_cmd_conv, hdr, 0);
OFFSET(struct qaccel_cmd_conv, in, 16);
OFFSET(struct qaccel_cmd_conv, out, 48);
OFFSET(struct qaccel_cmd_conv, weights_va, 80);
OFFSET(struct qaccel_cmd_conv, channels_va, 88);
OFFSET(struct qaccel_cmd_conv, weights_size, 96);
OFFSET(struct qaccel_cmd_conv, weight_zero_point, 100);
OFFSET(struct qaccel_cmd_conv, act_min, 104);
OFFSET(struct qaccel_cmd_conv, act_max, 108);
OFFSET(struct qaccel_cmd_conv, kh, 112);
OFFSET(struct qaccel_cmd_conv, kw, 114);
OFFSET(struct qaccel_cmd_conv, stride_h, 116);
OFFSET(struct qaccel_cmd_conv, stride_w, 118);
OFFSET(struct qaccel_cmd_conv, dilation_h, 120);
OFFSET(struct qaccel_cmd_conv, dilation_w, 122);
OFFSET(struct qaccel_cmd_conv, pad_top, 124);
OFFSET(struct qaccel_cmd_conv, pad_left, 126);
OFFSET(struct qaccel_cmd_conv, depth_multiplier, 128);
OFFSET(struct qaccel_cmd_conv, layout, 130);
OFFSET(struct qaccel_cmd_conv, reserved0, 131);
OFFSET(struct qaccel_cmd_conv, reserved1, 132);
OFFSET(struct qaccel_cmd_conv, reserved, 136);

SIZE(struct qaccel_cmd_binary, 256);
OFFSET(struct qaccel_cmd_binary, hdr, 0);
OFFSET(struct qaccel_cmd_binary, in0, 16);
OFFSET(struct qaccel_cmd_binary, in1, 48);
OFFSET(struct qaccel_cmd_binary, out, 80);
OFFSET(struct qaccel_cmd_binary, in0_multiplier, 112);
OFFSET(struct qaccel_cmd_binary, in0_shift, 116);
OFFSET(struct qaccel_cmd_binary, in1_multiplier, 120);
OFFSET(struct qaccel_cmd_binary, in1_shift, 124);
OFFSET(struct qaccel_cmd_binary, out_multiplier, 128);
OFFSET(struct qaccel_cmd_binary, out_shift, 132);
OFFSET(struct qaccel_cmd_binary, left_shift, 136);
OFFSET(struct qaccel_cmd_binary, act_min, 140);
OFFSET(struct qaccel_cmd_binary, act_max, 144);
OFFSET(struct qaccel_cmd_binary, reserved, 148);

SIZE(struct qaccel_cmd_pool, 256);
OFFSET(struct qaccel_cmd_pool, hdr, 0);
OFFSET(struct qaccel_cmd_pool, in, 16);
OFFSET(struct qaccel_cmd_pool, out, 48);
OFFSET(struct qaccel_cmd_pool, kh, 80);
OFFSET(struct qaccel_cmd_pool, kw, 82);
OFFSET(struct qaccel_cmd_pool, stride_h, 84);
OFFSET(struct qaccel_cmd_pool, stride_w, 86);
OFFSET(struct qaccel_cmd_pool, pad_top, 88);
OFFSET(struct qaccel_cmd_pool, pad_left, 90);
OFFSET(struct qaccel_cmd_pool, reserved0, 92);
OFFSET(struct qaccel_cmd_pool, act_min, 96);
OFFSET(struct qaccel_cmd_pool, act_max, 100);
OFFSET(struct qaccel_cmd_pool, reserved, 104);

SIZE(struct qaccel_cmd_mean, 256);
OFFSET(struct qaccel_cmd_mean, hdr, 0);
OFFSET(struct qaccel_cmd_mean, in, 16);
OFFSET(struct qaccel_cmd_mean, out, 48);
OFFSET(struct qaccel_cmd_mean, multiplier, 80);
OFFSET(struct qaccel_cmd_mean, shift, 84);
OFFSET(struct qaccel_cmd_mean, act_min, 88);
OFFSET(struct qaccel_cmd_mean, act_max, 92);
OFFSET(struct qaccel_cmd_mean, mode, 96);
OFFSET(struct qaccel_cmd_mean, reserved, 100);

SIZE(struct qaccel_cmd_pad, 256);
OFFSET(struct qaccel_cmd_pad, hdr, 0);
OFFSET(struct qaccel_cmd_pad, in, 16);
OFFSET(struct qaccel_cmd_pad, out, 48);
OFFSET(struct qaccel_cmd_pad, before, 80);
OFFSET(struct qaccel_cmd_pad, value, 96);
OFFSET(struct qaccel_cmd_pad, reserved, 100);

SIZE(struct qaccel_cmd_copy, 256);
OFFSET(struct qaccel_cmd_copy, hdr, 0);
OFFSET(struct qaccel_cmd_copy, src_va, 16);
OFFSET(struct qaccel_cmd_copy, dst_va, 24);
OFFSET(struct qaccel_cmd_copy, rows, 32);
OFFSET(struct qaccel_cmd_copy, row_bytes, 36);
OFFSET(struct qaccel_cmd_copy, src_stride, 40);
OFFSET(struct qaccel_cmd_copy, dst_stride, 44);
OFFSET(struct qaccel_cmd_copy, reserved, 48);

SIZE(struct qaccel_cmd_lut, 256);
OFFSET(struct qaccel_cmd_lut, hdr, 0);
OFFSET(struct qaccel_cmd_lut, in, 16);
OFFSET(struct qaccel_cmd_lut, out, 48);
OFFSET(struct qaccel_cmd_lut, table_va, 80);
OFFSET(struct qaccel_cmd_lut, reserved, 88);

SIZE(struct qaccel_cmd_softmax, 256);
OFFSET(struct qaccel_cmd_softmax, hdr, 0);
OFFSET(struct qaccel_cmd_softmax, in, 16);
OFFSET(struct qaccel_cmd_softmax, out, 48);
OFFSET(struct qaccel_cmd_softmax, multiplier, 80);
OFFSET(struct qaccel_cmd_softmax, left_shift, 84);
OFFSET(struct qaccel_cmd_softmax, diff_min, 88);
OFFSET(struct qaccel_cmd_softmax, reserved, 92);

SIZE(struct qaccel_cmd_requantize, 256);
OFFSET(struct qaccel_cmd_requantize, hdr, 0);
OFFSET(struct qaccel_cmd_requantize, in, 16);
OFFSET(struct qaccel_cmd_requantize, out, 48);
OFFSET(struct qaccel_cmd_requantize, multiplier, 80);
OFFSET(struct qaccel_cmd_requantize, shift, 84);
OFFSET(struct qaccel_cmd_requantize, act_min, 88);
OFFSET(struct qaccel_cmd_requantize, act_max, 92);
OFFSET(struct qaccel_cmd_requantize, reserved, 96);

SIZE(struct qaccel_cmd_quantize, 256);
OFFSET(struct qaccel_cmd_quantize, hdr, 0);
OFFSET(struct qaccel_cmd_quantize, in, 16);
OFFSET(struct qaccel_cmd_quantize, out, 48);
OFFSET(struct qaccel_cmd_quantize, scale, 80);
OFFSET(struct qaccel_cmd_quantize, reserved, 84);

SIZE(union qaccel_cmd, 256);

SIZE(struct drm_qaccel_obj_array, 16);
OFFSET(struct drm_qaccel_obj_array, stride, 0);
OFFSET(struct drm_qaccel_obj_array, count, 4);
OFFSET(struct drm_qaccel_obj_array, array, 8);

SIZE(struct drm_qaccel_dev_query, 16);
OFFSET(struct drm_qaccel_dev_query, type, 0);
OFFSET(struct drm_qaccel_dev_query, size, 4);
OFFSET(struct drm_qaccel_dev_query, pointer, 8);

SIZE(struct drm_qaccel_dev_info, 88);
OFFSET(struct drm_qaccel_dev_info, hw_version, 0);
OFFSET(struct drm_qaccel_dev_info, num_engines, 4);
OFFSET(struct drm_qaccel_dev_info, opcodes, 8);
OFFSET(struct drm_qaccel_dev_info, layouts, 16);
OFFSET(struct drm_qaccel_dev_info, layout_preferred, 20);
OFFSET(struct drm_qaccel_dev_info, va_start, 24);
OFFSET(struct drm_qaccel_dev_info, va_end, 32);
OFFSET(struct drm_qaccel_dev_info, local_mem, 40);
OFFSET(struct drm_qaccel_dev_info, max_stream, 48);
OFFSET(struct drm_qaccel_dev_info, page_size, 52);
OFFSET(struct drm_qaccel_dev_info, mac_rows, 56);
OFFSET(struct drm_qaccel_dev_info, mac_columns, 60);
OFFSET(struct drm_qaccel_dev_info, clock_khz, 64);
OFFSET(struct drm_qaccel_dev_info, dma_bytes_per_cycle, 68);
OFFSET(struct drm_qaccel_dev_info, job_timeout_ms, 72);
OFFSET(struct drm_qaccel_dev_info, max_jobs, 76);
OFFSET(struct drm_qaccel_dev_info, max_syncs, 80);
OFFSET(struct drm_qaccel_dev_info, max_bind_ops, 84);

SIZE(struct drm_qaccel_dev_counters, 104);
OFFSET(struct drm_qaccel_dev_counters, submits, 0);
OFFSET(struct drm_qaccel_dev_counters, resets, 8);
OFFSET(struct drm_qaccel_dev_counters, doorbells, 16);
OFFSET(struct drm_qaccel_dev_counters, jobs, 24);
OFFSET(struct drm_qaccel_dev_counters, commands, 32);
OFFSET(struct drm_qaccel_dev_counters, faults, 40);
OFFSET(struct drm_qaccel_dev_counters, irqs, 48);
OFFSET(struct drm_qaccel_dev_counters, cycles, 56);
OFFSET(struct drm_qaccel_dev_counters, macs, 64);
OFFSET(struct drm_qaccel_dev_counters, bytes_read, 72);
OFFSET(struct drm_qaccel_dev_counters, bytes_written, 80);
OFFSET(struct drm_qaccel_dev_counters, tlb_hits, 88);
OFFSET(struct drm_qaccel_dev_counters, tlb_misses, 96);

SIZE(struct drm_qaccel_bo_create, 24);
OFFSET(struct drm_qaccel_bo_create, size, 0);
OFFSET(struct drm_qaccel_bo_create, flags, 8);
OFFSET(struct drm_qaccel_bo_create, vm_id, 12);
OFFSET(struct drm_qaccel_bo_create, handle, 16);
OFFSET(struct drm_qaccel_bo_create, pad, 20);

SIZE(struct drm_qaccel_bo_mmap_offset, 16);
OFFSET(struct drm_qaccel_bo_mmap_offset, handle, 0);
OFFSET(struct drm_qaccel_bo_mmap_offset, pad, 4);
OFFSET(struct drm_qaccel_bo_mmap_offset, offset, 8);

SIZE(struct drm_qaccel_bo_wait, 16);
OFFSET(struct drm_qaccel_bo_wait, handle, 0);
OFFSET(struct drm_qaccel_bo_wait, pad, 4);
OFFSET(struct drm_qaccel_bo_wait, timeout_ns, 8);

SIZE(struct drm_qaccel_vm_create, 8);
OFFSET(struct drm_qaccel_vm_create, flags, 0);
OFFSET(struct drm_qaccel_vm_create, id, 4);

SIZE(struct drm_qaccel_vm_destroy, 8);
OFFSET(struct drm_qaccel_vm_destroy, id, 0);
OFFSET(struct drm_qaccel_vm_destroy, pad, 4);

SIZE(struct drm_qaccel_vm_bind_op, 32);
OFFSET(struct drm_qaccel_vm_bind_op, flags, 0);
OFFSET(struct drm_qaccel_vm_bind_op, bo_handle, 4);
OFFSET(struct drm_qaccel_vm_bind_op, bo_offset, 8);
OFFSET(struct drm_qaccel_vm_bind_op, va, 16);
OFFSET(struct drm_qaccel_vm_bind_op, size, 24);

SIZE(struct drm_qaccel_vm_bind, 24);
OFFSET(struct drm_qaccel_vm_bind, vm_id, 0);
OFFSET(struct drm_qaccel_vm_bind, flags, 4);
OFFSET(struct drm_qaccel_vm_bind, ops, 8);

SIZE(struct drm_qaccel_queue_create, 16);
OFFSET(struct drm_qaccel_queue_create, vm_id, 0);
OFFSET(struct drm_qaccel_queue_create, priority, 4);
OFFSET(struct drm_qaccel_queue_create, flags, 8);
OFFSET(struct drm_qaccel_queue_create, id, 12);

SIZE(struct drm_qaccel_queue_destroy, 8);
OFFSET(struct drm_qaccel_queue_destroy, id, 0);
OFFSET(struct drm_qaccel_queue_destroy, pad, 4);

SIZE(struct drm_qaccel_job, 24);
OFFSET(struct drm_qaccel_job, stream_va, 0);
OFFSET(struct drm_qaccel_job, stream_size, 8);
OFFSET(struct drm_qaccel_job, flags, 12);
OFFSET(struct drm_qaccel_job, perf_va, 16);

SIZE(struct drm_qaccel_sync, 16);
OFFSET(struct drm_qaccel_sync, flags, 0);
OFFSET(struct drm_qaccel_sync, handle, 4);
OFFSET(struct drm_qaccel_sync, timeline_value, 8);

SIZE(struct drm_qaccel_submit, 40);
OFFSET(struct drm_qaccel_submit, queue_id, 0);
OFFSET(struct drm_qaccel_submit, flags, 4);
OFFSET(struct drm_qaccel_submit, jobs, 8);
OFFSET(struct drm_qaccel_submit, syncs, 24);

SIZE(struct drm_qaccel_queue_get_state, 88);
OFFSET(struct drm_qaccel_queue_get_state, queue_id, 0);
OFFSET(struct drm_qaccel_queue_get_state, state, 4);
OFFSET(struct drm_qaccel_queue_get_state, fault_status, 8);
OFFSET(struct drm_qaccel_queue_get_state, fault_access, 12);
OFFSET(struct drm_qaccel_queue_get_state, fault_va, 16);
OFFSET(struct drm_qaccel_queue_get_state, fault_job, 24);
OFFSET(struct drm_qaccel_queue_get_state, fault_cmd, 32);
OFFSET(struct drm_qaccel_queue_get_state, pad, 36);
OFFSET(struct drm_qaccel_queue_get_state, jobs_submitted, 40);
OFFSET(struct drm_qaccel_queue_get_state, jobs_completed, 48);
OFFSET(struct drm_qaccel_queue_get_state, cycles, 56);
OFFSET(struct drm_qaccel_queue_get_state, macs, 64);
OFFSET(struct drm_qaccel_queue_get_state, bytes_read, 72);
OFFSET(struct drm_qaccel_queue_get_state, bytes_written, 80);

/* Ioctl numbers hold direction, size and place in the enum. */
#define IOCTL(id, number, dir, type) \
	_Static_assert(DRM_IOCTL_QACCEL_##id == \
		       DRM_IO##dir(0x40 + number, struct drm_qaccel_##type), #id)

IOCTL(DEV_QUERY, 0, WR, dev_query);
IOCTL(BO_CREATE, 1, WR, bo_create);
IOCTL(BO_MMAP_OFFSET, 2, WR, bo_mmap_offset);
IOCTL(BO_WAIT, 3, W, bo_wait);
IOCTL(VM_CREATE, 4, WR, vm_create);
IOCTL(VM_DESTROY, 5, W, vm_destroy);
IOCTL(VM_BIND, 6, WR, vm_bind);
IOCTL(QUEUE_CREATE, 7, WR, queue_create);
IOCTL(QUEUE_DESTROY, 8, W, queue_destroy);
IOCTL(SUBMIT, 9, W, submit);
IOCTL(QUEUE_GET_STATE, 10, WR, queue_get_state);
