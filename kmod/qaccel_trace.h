/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM qaccel

#if !defined(_QACCEL_TRACE_H_) || defined(TRACE_HEADER_MULTI_READ)
#define _QACCEL_TRACE_H_

#include <linux/tracepoint.h>

#include "qaccel_device.h"
#include "qaccel_job.h"
#include "qaccel_queue.h"

/* Queues are told apart by the fence context, as in the scheduler's events. */
DECLARE_EVENT_CLASS(qaccel_job,
	TP_PROTO(struct qaccel_job *job),
	TP_ARGS(job),
	TP_STRUCT__entry(
		__field(u64, context)
		__field(u64, number)
		__field(u64, stream_va)
		__field(u32, stream_size)
	),
	TP_fast_assign(
		__entry->context = job->queue->entity.fence_context;
		__entry->number = job->number;
		__entry->stream_va = job->desc.stream_va;
		__entry->stream_size = job->desc.stream_size;
	),
	TP_printk("context=%llu job=%llu stream=0x%llx size=%u", __entry->context,
		  __entry->number, __entry->stream_va, __entry->stream_size)
);

DEFINE_EVENT(qaccel_job, qaccel_job_submit,
	TP_PROTO(struct qaccel_job *job),
	TP_ARGS(job)
);

TRACE_EVENT(qaccel_job_run,
	TP_PROTO(struct qaccel_job *job, struct qaccel_ring *ring),
	TP_ARGS(job, ring),
	TP_STRUCT__entry(
		__field(u64, context)
		__field(u64, number)
		__field(u64, seqno)
		__field(u32, engine)
	),
	TP_fast_assign(
		__entry->context = job->queue->entity.fence_context;
		__entry->number = job->number;
		__entry->seqno = job->seqno;
		__entry->engine = ring->id;
	),
	TP_printk("context=%llu job=%llu engine=%u seqno=%llu", __entry->context,
		  __entry->number, __entry->engine, __entry->seqno)
);

TRACE_EVENT(qaccel_job_done,
	TP_PROTO(struct qaccel_job *job, int err),
	TP_ARGS(job, err),
	TP_STRUCT__entry(
		__field(u64, context)
		__field(u64, number)
		__field(u64, seqno)
		__field(int, err)
	),
	TP_fast_assign(
		__entry->context = job->queue->entity.fence_context;
		__entry->number = job->number;
		__entry->seqno = job->seqno;
		__entry->err = err;
	),
	TP_printk("context=%llu job=%llu seqno=%llu error=%d", __entry->context,
		  __entry->number, __entry->seqno, __entry->err)
);

TRACE_EVENT(qaccel_job_fault,
	TP_PROTO(struct qaccel_job *job, const struct qaccel_result *result),
	TP_ARGS(job, result),
	TP_STRUCT__entry(
		__field(u64, context)
		__field(u64, number)
		__field(u64, va)
		__field(u32, status)
		__field(u32, access)
		__field(u32, command)
	),
	TP_fast_assign(
		__entry->context = job->queue->entity.fence_context;
		__entry->number = job->number;
		__entry->va = result->fault_va;
		__entry->status = result->status;
		__entry->access = result->fault_access;
		__entry->command = result->cmd_index;
	),
	TP_printk("context=%llu job=%llu status=%u va=0x%llx access=%u command=%u",
		  __entry->context, __entry->number, __entry->status, __entry->va,
		  __entry->access, __entry->command)
);

/* engine: -1 for the whole device */
TRACE_EVENT(qaccel_reset,
	TP_PROTO(struct qaccel_device *qdev, int engine, const char *why),
	TP_ARGS(qdev, engine, why),
	TP_STRUCT__entry(
		__field(int, engine)
		__string(why, why)
	),
	TP_fast_assign(
		__entry->engine = engine;
		__assign_str(why);
	),
	TP_printk("engine=%d %s", __entry->engine, __get_str(why))
);

TRACE_EVENT(qaccel_vm_bind,
	TP_PROTO(u64 root, u32 flags, u64 va, u64 size, int ret),
	TP_ARGS(root, flags, va, size, ret),
	TP_STRUCT__entry(
		__field(u64, root)
		__field(u32, flags)
		__field(u64, va)
		__field(u64, size)
		__field(int, ret)
	),
	TP_fast_assign(
		__entry->root = root;
		__entry->flags = flags;
		__entry->va = va;
		__entry->size = size;
		__entry->ret = ret;
	),
	TP_printk("root=0x%llx %s va=0x%llx size=0x%llx ret=%d", __entry->root,
		  __entry->flags & DRM_QACCEL_VM_BIND_OP_UNMAP ? "unmap" :
		  __entry->flags & DRM_QACCEL_VM_BIND_OP_READONLY ? "map-ro" : "map",
		  __entry->va, __entry->size, __entry->ret)
);

#endif /* _QACCEL_TRACE_H_ */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE qaccel_trace
#include <trace/define_trace.h>
