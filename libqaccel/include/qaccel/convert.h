/* SPDX-License-Identifier: MIT */
/*
 * libqaccel-train: from float models to integer ones
 *
 * A float model is a .tflite file, or one that was built, whose tensors are
 * FLOAT32. It has the handle of all models, and qaccel_model_*() tell what is in
 * it, but no session can run it: it is made an integer model first. For that
 * the range of each tensor has to be known, from runs on examples (section 3 of
 * Jacob et al. 2017, without the training) or from training.
 *
 *     struct qaccel_model *real, *model;
 *     struct qaccel_calibrator *c;
 *     struct qaccel_range *ranges;
 *
 *     if (qaccel_float_model_load_file(NULL, "float.tflite", &real) ||
 *         qaccel_calibrator_create(real, NULL, &c))
 *             return fail(qaccel_last_error());
 *     for (size_t i = 0; i < count; i++)
 *             if (qaccel_calibrator_run(c, &pictures[i]))
 *                     return fail(qaccel_last_error());
 *     ranges = calloc(qaccel_model_num_tensors(real), sizeof(*ranges));
 *     qaccel_calibrator_ranges(c, ranges);
 *     if (qaccel_convert(real, ranges, NULL, &model) ||
 *         qaccel_model_write(model, "int8.tflite"))
 *             return fail(qaccel_last_error());
 *
 * Rules
 * -----
 * As in qaccel.h. Operators are those of graph.h, and rules for shapes and
 * options are the same; the numbers of tensors stay when a model is converted.
 */
#ifndef QACCEL_CONVERT_H
#define QACCEL_CONVERT_H

#include <qaccel/graph.h>
#include <qaccel/observer.h>
#include <qaccel/qaccel.h>

#ifdef __cplusplus
extern "C" {
#endif

/* -------------------------------------------------------- float models -- */

/*
 * As qaccel_model_load_file() and qaccel_model_load_memory(), for a float model:
 * what an operator computes, its weights and its bias have to be FLOAT32.
 * -EOPNOTSUPP: also if they are not.
 */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_float_model_load_file(const struct qaccel_load_options *options,
			     const char *path, struct qaccel_model **model);
QACCEL_API QACCEL_MUST_CHECK int
qaccel_float_model_load_memory(const struct qaccel_load_options *options,
			       const void *data, size_t size,
			       struct qaccel_model **model);
/* As qaccel_builder_finish(), of tensors that are FLOAT32. */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_float_model_finish(struct qaccel_builder *builder,
			  struct qaccel_model **model);

struct qaccel_net;
struct qaccel_range;

/*
 * A network of train.h as a float model, batch norm folded: input "input", an
 * output for each layer, by its name, and softmax at the end ("probabilities")
 * if asked for. ranges: what training or qaccel_net_calibrate() found, one for
 * each tensor of the model, 0 to 1 for the input; free() it. NULL: not wanted.
 * -EINVAL: statistics that can't be folded.
 */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_float_model_from_net(const struct qaccel_net *net, bool softmax,
			    struct qaccel_model **model,
			    struct qaccel_range **ranges);

/*
 * Runs a float model: inputs and outputs are one array for each of the model's.
 * In float, slowly, and not as TensorFlow Lite to the last bit. -EINVAL: not a
 * float model.
 */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_float_model_run(const struct qaccel_model *model,
		       const float *const *inputs, float *const *outputs);

/* -------------------------------------------------------------- ranges -- */

/* Of a tensor. min > max: there is none, or it needs none (constants). */
struct qaccel_range {
	float min, max;
};

/* Runs a float model on examples and has an observer at each tensor. */
struct qaccel_calibrator;

/* options: of all observers; NULL: min-max. -EINVAL: not a float model. */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_calibrator_create(const struct qaccel_model *model,
			 const struct qaccel_observer_options *options,
			 struct qaccel_calibrator **calibrator);
QACCEL_API void qaccel_calibrator_destroy(struct qaccel_calibrator *calibrator);
/*
 * One example: inputs is one array for each input. -EDOM: a tensor, named in the
 * message, has a NaN or an infinity.
 */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_calibrator_run(struct qaccel_calibrator *calibrator,
		      const float *const *inputs);
/* One for each tensor of the model. -ENODATA: there was no example. */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_calibrator_ranges(const struct qaccel_calibrator *calibrator,
			 struct qaccel_range *ranges);

/* ---------------------------------------------------------- conversion -- */

enum qaccel_scheme {
	/*
	 * TensorFlow Lite's: INT8; weights without a zero point, with a scale for
	 * each output channel.
	 */
	QACCEL_SCHEME_INT8 = 0,
	/* The same with one scale for all weights of a layer. */
	QACCEL_SCHEME_INT8_PER_TENSOR = 1,
	/* The paper's: UINT8, one scale and one zero point, weights too. */
	QACCEL_SCHEME_UINT8 = 2,
};

/* struct qaccel_convert_options - NULL means the defaults; zero what you do not set */
struct qaccel_convert_options {
	enum qaccel_scheme scheme;
	/* Inputs and outputs stay FLOAT32, converted inside of the model. */
	bool float_io;
	bool pad[3];			/* zero */
	uint64_t reserved[4];		/* zero */
};

/*
 * The integer model. Tensors keep their numbers; some may be added at the end.
 * Outputs of pools, PAD, RESHAPE and SQUEEZE have the parameters of their input,
 * those of SOFTMAX fixed ones, constants those of their own values: only the
 * ranges of other tensors are used. A scale of weights is made larger where a
 * bias would not fit into 32 bits otherwise.
 *
 * -EINVAL: not a float model, or an option that is not known. -ENODATA: a range
 * is missing. -EDOM: a weight, bias, constant or range is NaN or infinite.
 * -EOPNOTSUPP: what would come out is not supported. Messages name the operator
 * or the tensor.
 */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_convert(const struct qaccel_model *model,
	       const struct qaccel_range *ranges,
	       const struct qaccel_convert_options *options,
	       struct qaccel_model **result);

/* ---------------------------------------------------------- comparison -- */

/* Runs a float model and what was made of it on the same examples. */
struct qaccel_comparison;

/*
 * device: where the integer model runs. -EINVAL: the first is not a float model,
 * or the second was not made of it. Else as qaccel_session_create().
 */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_comparison_create(struct qaccel_device *device,
			 const struct qaccel_model *real,
			 const struct qaccel_model *model,
			 struct qaccel_comparison **comparison);
QACCEL_API void
qaccel_comparison_destroy(struct qaccel_comparison *comparison);
/* One example, as for a calibrator. Else as qaccel_session_run(). */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_comparison_run(struct qaccel_comparison *comparison,
		      const float *const *inputs);

/* struct qaccel_difference - of a tensor, over all examples */
struct qaccel_difference {
	double signal;			/* mean square of the float values */
	double noise;			/* mean square of the differences */
	double sqnr;			/* of the two, in dB; infinite without noise */
	double max_error;		/* the largest difference */
	uint64_t examples;
	/* Examples in which the same element is the largest: the verdict. */
	uint64_t same_largest;
	uint64_t reserved[2];
};

/* -ERANGE: no such tensor, or nothing computes it. -ENODATA: no example. */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_comparison_tensor(const struct qaccel_comparison *comparison,
			 uint32_t index, struct qaccel_difference *difference);

#ifdef __cplusplus
}
#endif

#endif /* QACCEL_CONVERT_H */
