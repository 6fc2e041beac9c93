/* SPDX-License-Identifier: MIT */
/*
 * libqaccel: exact int8 inference, on a qaccel device or on the CPU
 *
 * Introduction
 * ------------
 * A model is loaded from a .tflite file or built with graph.h, compiled once
 * for a device into a command stream and a memory image, and run any number of
 * times. "Device" is either an accelerator behind /dev/accel/accelN or the
 * CPU; both run the same stream and give the same bytes: those of TensorFlow
 * Lite's reference kernels.
 *
 *     struct qaccel_device *dev;
 *     struct qaccel_model *model;
 *     struct qaccel_session *session;
 *
 *     if (qaccel_device_open(NULL, "auto", &dev) ||
 *         qaccel_model_load_file(NULL, "model.tflite", &model) ||
 *         qaccel_session_create(dev, model, NULL, &session))
 *             return fail(qaccel_last_error());
 *     memcpy(qaccel_session_input(session, 0), pixels, size);
 *     if (qaccel_session_run(session))
 *             return fail(qaccel_last_error());
 *     use(qaccel_session_output(session, 0));
 *     qaccel_session_destroy(session);
 *     qaccel_model_destroy(model);
 *     qaccel_device_close(dev);
 *
 * Rules
 * -----
 * - Functions that can fail return 0 or a negative errno value; the codes that
 *   each can return are listed, -ENOMEM goes without saying. The text of the
 *   calling thread's last failure is qaccel_last_error(). Outputs are written
 *   on success only.
 * - Devices and models may be shared by threads; a session is used by one
 *   thread at a time. Destroy functions take NULL.
 * - The library never prints, aborts, exits, or changes signal handlers, and
 *   keeps no state outside of its handles but the last-error text.
 */
#ifndef QACCEL_QACCEL_H
#define QACCEL_QACCEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <qaccel/version.h>

#if defined(__GNUC__)
#define QACCEL_API	__attribute__((visibility("default")))
#define QACCEL_MUST_CHECK __attribute__((warn_unused_result))
#else
#define QACCEL_API
#define QACCEL_MUST_CHECK
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------ version -- */

/* QACCEL_VERSION_* of the library at run time, major << 16 | minor << 8 | patch. */
QACCEL_API uint32_t qaccel_version(void);

/* ------------------------------------------------------------- errors -- */

/*
 * What went wrong in the calling thread's last failed call, one line without a
 * newline, such as "model.tflite: operator 12 (RESIZE_BILINEAR) is not
 * supported". Never NULL; valid until the thread's next failed call.
 */
QACCEL_API const char *qaccel_last_error(void);

/* ------------------------------------------------------------ tensors -- */

/* Element types; values are part of the ABI. */
enum qaccel_type {
	QACCEL_TYPE_UINT8 = 1,
	QACCEL_TYPE_INT8 = 2,
	QACCEL_TYPE_INT16 = 3,
	QACCEL_TYPE_INT32 = 4,
	QACCEL_TYPE_FLOAT32 = 5,
};

/* Bytes of one element; 0 for an unknown type. */
QACCEL_API size_t qaccel_type_size(enum qaccel_type type);
/* "UINT8", ...; "?" for an unknown type. */
QACCEL_API const char *qaccel_type_name(enum qaccel_type type);

#define QACCEL_MAX_RANK 6

/*
 * struct qaccel_tensor_info - a tensor of a model
 *
 * Quantized values follow r = scale * (q - zero_point) (Jacob et al. 2017,
 * eq. 1). Pointers belong to the model and live as long as it.
 */
struct qaccel_tensor_info {
	uint32_t index;			/* of the tensor in the model */
	const char *name;		/* as in the file, "" if it has none */
	enum qaccel_type type;
	uint32_t rank;			/* 0 (a scalar) to QACCEL_MAX_RANK */
	int32_t dims[QACCEL_MAX_RANK];	/* NHWC for pictures, OHWI for filters */
	size_t size;			/* bytes */
	bool constant;			/* weights, biases, shapes */
	uint32_t num_scales;		/* 0: not quantized, 1: per tensor, else per channel */
	int32_t quantized_dim;		/* dimension that the scales go along */
	const float *scales;
	const int32_t *zero_points;	/* as many as scales */
};

/* ------------------------------------------------------------- models -- */

struct qaccel_model;

/* struct qaccel_load_options - NULL means the defaults; zero what you do not set */
struct qaccel_load_options {
	/*
	 * Largest file, and sum of all its tensors and of what is kept about
	 * them, in bytes; 0: 1 GiB.
	 */
	uint64_t max_memory;
	uint64_t reserved[7];		/* zero */
};

/*
 * Loads a .tflite file. The whole file is verified before it is used.
 *
 * -ENOENT, -EACCES, -EIO ...: the file cannot be read. -EBADMSG: it is not a
 * valid .tflite file. -EOPNOTSUPP: valid, but holds an operator, type or option
 * that is not supported (the message names the operator and its index).
 * -EFBIG: over max_memory. -EINVAL: a reserved option is not zero.
 */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_model_load_file(const struct qaccel_load_options *options,
		       const char *path, struct qaccel_model **model);
/* The same from memory, which is copied. Errors: as above, without the file's. */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_model_load_memory(const struct qaccel_load_options *options,
			 const void *data, size_t size,
			 struct qaccel_model **model);
/* Sessions keep what they need: a model may go before its sessions. */
QACCEL_API void qaccel_model_destroy(struct qaccel_model *model);

/* The description in the file; "" if there is none. */
QACCEL_API const char *qaccel_model_description(const struct qaccel_model *model);
QACCEL_API uint32_t qaccel_model_num_tensors(const struct qaccel_model *model);
QACCEL_API uint32_t qaccel_model_num_inputs(const struct qaccel_model *model);
QACCEL_API uint32_t qaccel_model_num_outputs(const struct qaccel_model *model);
/* -ERANGE: no such tensor, input or output. */
QACCEL_API int qaccel_model_tensor(const struct qaccel_model *model,
				   uint32_t index,
				   struct qaccel_tensor_info *info);
QACCEL_API int qaccel_model_input(const struct qaccel_model *model, uint32_t i,
				  struct qaccel_tensor_info *info);
QACCEL_API int qaccel_model_output(const struct qaccel_model *model, uint32_t i,
				   struct qaccel_tensor_info *info);

/* struct qaccel_op_info - an operator of a model; pointers live as long as it */
struct qaccel_op_info {
	uint32_t index;
	const char *name;		/* TFLite's: "CONV_2D", ... */
	uint32_t num_inputs;
	const int32_t *inputs;		/* tensor indices, -1: left out */
	uint32_t num_outputs;
	const int32_t *outputs;
	uint64_t macs;			/* multiply-accumulates, padding taps included */
};

QACCEL_API uint32_t qaccel_model_num_ops(const struct qaccel_model *model);
/* -ERANGE: no such operator. */
QACCEL_API int qaccel_model_op(const struct qaccel_model *model, uint32_t index,
			       struct qaccel_op_info *info);

/* ------------------------------------------------------------ devices -- */

struct qaccel_device;

/* struct qaccel_device_options - NULL means the defaults; zero what you do not set */
struct qaccel_device_options {
	/* CPU: threads; 0: QACCEL_THREADS from the environment, else all cores. */
	uint32_t threads;
	uint32_t pad;			/* zero */
	/* CPU: "ref", "avx2", ...; NULL: QACCEL_ISA, else the best. */
	const char *isa;
	uint64_t reserved[6];		/* zero */
};

/*
 * Opens a device: "cpu", a node such as "/dev/accel/accel0", or "auto" (also
 * NULL): QACCEL_DEVICE from the environment, else the first qaccel node that
 * this process may open, else the CPU.
 *
 * -ENOENT: no such node. -EACCES: no permission. -ENODEV: the node is not a
 * qaccel device, or it is gone. -EPROTO: its hardware or driver version is not
 * one that this library speaks. -EINVAL: unknown ISA, or this CPU lacks it.
 */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_device_open(const struct qaccel_device_options *options,
		   const char *name, struct qaccel_device **device);
/* Sessions keep what they need: a device may be closed before they are destroyed. */
QACCEL_API void qaccel_device_close(struct qaccel_device *device);

/* struct qaccel_device_info */
struct qaccel_device_info {
	char name[64];			/* "cpu" or the node's path */
	bool is_cpu;
	char isa[32];			/* CPU: name of the kernels' ISA; else "" */
	uint32_t threads;		/* CPU; else 0 */
	uint32_t engines;		/* jobs that run side by side */
	uint32_t hw_version;		/* major << 16 | minor */
	uint32_t mac_rows, mac_columns;	/* timing model; 0 for the CPU */
	uint32_t clock_khz;		/* timing model; 0 for the CPU */
	uint32_t dma_bytes_per_cycle;	/* timing model; 0 for the CPU */
	uint64_t local_mem;		/* bytes that one command's operands may hold */
};

QACCEL_API void qaccel_device_get_info(const struct qaccel_device *device,
				       struct qaccel_device_info *info);

/*
 * struct qaccel_counters - since the device was reset, all users together; the
 * CPU counts those of its handle and has no doorbells or interrupts
 */
struct qaccel_counters {
	uint64_t submits;		/* SUBMIT calls' jobs accepted by the driver */
	uint64_t doorbells;
	uint64_t interrupts;
	uint64_t jobs;
	uint64_t commands;
	uint64_t faults;
	uint64_t cycles;		/* timing model */
	uint64_t macs;
	uint64_t bytes_read;
	uint64_t bytes_written;
};

/* -ENODEV: the device is gone. */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_device_get_counters(struct qaccel_device *device,
			   struct qaccel_counters *counters);

/* ----------------------------------------------------------- sessions -- */

/*
 * A session is a compiled model with memory of its own on one device. Creating
 * one plans the model (fusion, one arena shared by lifetime), packs the weights
 * and uploads them; running allocates nothing but, once, what the CPU's kernels
 * work in.
 */
struct qaccel_session;

/* struct qaccel_session_options - NULL means the defaults; zero what you do not set */
struct qaccel_session_options {
	/*
	 * Keep every tensor that an operator produces: no fusion, no shared
	 * memory, qaccel_session_tensor() works for all. Slower.
	 */
	bool keep_tensors;
	/* Collect counters for each operator: qaccel_session_op_stats(). */
	bool profile;
	bool pad[6];			/* zero */
	uint64_t reserved[7];		/* zero */
};

/*
 * -EOPNOTSUPP: the device cannot run an operator at these sizes (named in the
 * message). -EOVERFLOW: a reduction so long that an accumulator could overflow.
 * -ENODEV: the device is gone.
 */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_session_create(struct qaccel_device *device,
		      const struct qaccel_model *model,
		      const struct qaccel_session_options *options,
		      struct qaccel_session **session);
/* Waits for a run that is under way. */
QACCEL_API void qaccel_session_destroy(struct qaccel_session *session);

/*
 * Memory of input and output i, to be filled before and read after a run, in
 * place; NULL if there is no such one. Valid as long as the session; contents
 * of inputs stay as they are between runs. Not to be touched while a run is
 * under way.
 */
QACCEL_API void *qaccel_session_input(struct qaccel_session *session, uint32_t i);
QACCEL_API const void *qaccel_session_output(struct qaccel_session *session,
					     uint32_t i);
/* Tensor by index: inputs, outputs, and with keep_tensors all; else NULL. */
QACCEL_API const void *qaccel_session_tensor(struct qaccel_session *session,
					     uint32_t index);

/*
 * Runs the model once and waits for the end.
 *
 * -EIO: the device reported an error (named in the message: which, address,
 * operator). -ETIME: it made no progress and was reset. -ECANCELED: the session
 * failed before; create a new one. -ENODEV: the device is gone.
 */
QACCEL_API QACCEL_MUST_CHECK int qaccel_session_run(struct qaccel_session *session);

/*
 * The same in two steps: start, then wait until the run has ended or timeout_ns
 * (relative; negative: for ever) is over. On the CPU, start may do the whole
 * work. -EBUSY: start while a run is under way. -EAGAIN from wait: not yet
 * over. -EINVAL from wait: nothing was started. Others: as run.
 */
QACCEL_API QACCEL_MUST_CHECK int qaccel_session_start(struct qaccel_session *session);
QACCEL_API QACCEL_MUST_CHECK int qaccel_session_wait(struct qaccel_session *session,
						     int64_t timeout_ns);
/*
 * A sync_file descriptor that becomes readable (POLLIN) when the started run
 * has ended; the caller closes it. -EOPNOTSUPP on the CPU.
 */
QACCEL_API QACCEL_MUST_CHECK int qaccel_session_fence(struct qaccel_session *session,
						      int *fd);

/* struct qaccel_run_stats - of a session's last ended run */
struct qaccel_run_stats {
	uint64_t elapsed_ns;		/* wall time from start to end */
	uint64_t cycles;		/* busy cycles by the timing model */
	uint64_t compute_cycles;	/* 0 unless profile is on */
	uint64_t dma_cycles;		/* 0 unless profile is on */
	uint64_t macs;
	uint64_t bytes_read;
	uint64_t bytes_written;
	uint32_t commands;
	uint32_t pad;
	double utilization;		/* macs / (cycles * MAC array), 0 to 1 */
};

QACCEL_API void qaccel_session_stats(const struct qaccel_session *session,
				     struct qaccel_run_stats *stats);

/* struct qaccel_op_stats - of one command of the last run, with profile */
struct qaccel_op_stats {
	uint32_t op;			/* operator of the model that it came from */
	uint32_t pad;
	const char *command;		/* "CONV2D", ...; constant */
	uint64_t elapsed_ns;		/* CPU only; else 0 */
	uint64_t cycles;
	uint64_t macs;
	uint64_t bytes_read;
	uint64_t bytes_written;
};

QACCEL_API uint32_t qaccel_session_num_commands(const struct qaccel_session *session);
/* -ERANGE: no such command. -EINVAL: the session has no profile, or has not run. */
QACCEL_API int qaccel_session_op_stats(const struct qaccel_session *session,
				       uint32_t command,
				       struct qaccel_op_stats *stats);

/* struct qaccel_session_info - what the plan came to, in bytes */
struct qaccel_session_info {
	uint64_t weights;		/* packed weights, channel records, tables */
	uint64_t arena;			/* activations, shared by lifetime */
	uint64_t arena_unshared;	/* what they would take without sharing */
	uint64_t stream;		/* command stream */
	uint32_t commands;		/* in the stream, END included */
	uint32_t pad;
};

QACCEL_API void qaccel_session_get_info(const struct qaccel_session *session,
					struct qaccel_session_info *info);

#ifdef __cplusplus
}
#endif

#endif /* QACCEL_QACCEL_H */
