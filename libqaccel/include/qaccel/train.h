/* SPDX-License-Identifier: MIT */
/*
 * libqaccel-train: training networks for integer arithmetic
 *
 * A network is made from an architecture text, trained on a data set of
 * pictures with labels, in float or with simulated quantization (Jacob et al.
 * 2017, section 3), and kept in a checkpoint. docs/training.md describes the
 * text, the checkpoint and the method.
 *
 *     struct qaccel_train_options options;
 *     struct qaccel_dataset *data;
 *     struct qaccel_net *net;
 *     struct qaccel_trainer *trainer;
 *
 *     qaccel_train_defaults(&options);
 *     options.epochs = 5;
 *     if (qaccel_dataset_load("images.gz", "labels.gz", &data) ||
 *         qaccel_net_create_file("small.net", &net) ||
 *         qaccel_trainer_create(net, data, &options, &trainer))
 *             return fail(qaccel_last_error());
 *     while (!qaccel_trainer_finished(trainer))
 *             if (qaccel_trainer_epoch(trainer, NULL, NULL, NULL))
 *                     return fail(qaccel_last_error());
 *     if (qaccel_trainer_save(trainer, "small.ckpt"))
 *             return fail(qaccel_last_error());
 *     qaccel_trainer_destroy(trainer);
 *     qaccel_net_destroy(net);
 *     qaccel_dataset_destroy(data);
 *
 * Rules
 * -----
 * As in qaccel.h; moreover:
 * - The same options, data and network give the same bits on the same machine,
 *   whatever the number of threads, and whether or not training was interrupted
 *   and resumed from a checkpoint.
 * - A trainer uses its network and its data set, which have to outlive it; in
 *   that time nobody else may use the network. Data sets never change: threads
 *   may share them. Everything else is used by one thread at a time.
 * - This library is apart from libqaccel, which it uses; running a model does
 *   not need it.
 */
#ifndef QACCEL_TRAIN_H
#define QACCEL_TRAIN_H

#include <qaccel/observer.h>
#include <qaccel/qaccel.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ----------------------------------------------------------- data sets -- */

struct qaccel_dataset;

/*
 * Pictures and labels from a pair of idx files, plain or compressed by gzip:
 * bytes, N x H x W or N x H x W x C, and N.
 * -ENOENT, -EACCES, -EIO ...: a file can't be read. -EBADMSG: not such a file.
 * -EINVAL: the two don't belong together, or there are no pictures.
 */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_dataset_load(const char *images, const char *labels,
		    struct qaccel_dataset **dataset);
/* From memory, which is copied. -EINVAL: a size is zero or too large. */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_dataset_create(const uint8_t *images, const uint8_t *labels,
		      size_t count, uint32_t height, uint32_t width,
		      uint32_t channels, struct qaccel_dataset **dataset);
/*
 * A part of a data set as one of its own. The whole may be destroyed before.
 * -ERANGE: it reaches beyond the end, or is empty.
 */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_dataset_slice(const struct qaccel_dataset *whole, size_t first,
		     size_t count, struct qaccel_dataset **dataset);
QACCEL_API void qaccel_dataset_destroy(struct qaccel_dataset *dataset);
QACCEL_API size_t qaccel_dataset_count(const struct qaccel_dataset *dataset);

/* ------------------------------------------------------------ networks -- */

struct qaccel_net;

/*
 * From an architecture's text; weights are initialised by a trainer.
 * -EINVAL: the message names file, line and reason. name: for messages.
 */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_net_create(const char *name, const char *text, size_t size,
		  struct qaccel_net **net);
/* -ENOENT, -EACCES, -EIO ... too. */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_net_create_file(const char *path, struct qaccel_net **net);
/*
 * From a checkpoint. -EBADMSG: not a checkpoint, or a damaged one.
 */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_net_load(const char *path, struct qaccel_net **net);
/* Without a trainer's state: good for use, not for resuming. -EIO, -ENOSPC ... */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_net_save(const struct qaccel_net *net, const char *path);
QACCEL_API void qaccel_net_destroy(struct qaccel_net *net);

/* struct qaccel_net_info */
struct qaccel_net_info {
	uint32_t height, width, channels;	/* of the pictures */
	uint32_t classes;
	uint32_t layers;
	uint32_t pad;
	uint64_t parameters;			/* trained values */
	uint64_t macs;				/* for one picture */
	uint64_t reserved[4];
};

QACCEL_API void qaccel_net_get_info(const struct qaccel_net *net,
				    struct qaccel_net_info *info);
/* The canonical text; lives as long as the network. */
QACCEL_API const char *qaccel_net_architecture(const struct qaccel_net *net);

/*
 * struct qaccel_simulation - how a network's integers are simulated (eq. 12)
 *
 * Zero what you do not set; all zero is float. Layers marked float in the
 * architecture stay so.
 */
struct qaccel_simulation {
	uint32_t weight_bits;		/* 2 to 8; 0: weights stay float */
	uint32_t activation_bits;	/* 2 to 8; 0: activations stay float */
	bool per_channel;		/* a scale for each filter, symmetric */
	bool asymmetric;		/* weights have a zero point: not per channel */
	bool pad[6];			/* zero */
	uint64_t reserved[2];		/* zero */
};

/*
 * What the network is evaluated with from now on, and what a checkpoint says it
 * was made for. A trainer sets it from its options. -EINVAL: a value out of
 * range.
 */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_net_simulate(struct qaccel_net *net,
		    const struct qaccel_simulation *simulation);
QACCEL_API void qaccel_net_get_simulation(const struct qaccel_net *net,
					  struct qaccel_simulation *simulation);

/*
 * Post-training ranges: runs the first count pictures through the float network
 * and sets the range of each layer's output to what an observer proposes.
 * options NULL: min-max. -EINVAL: pictures of another shape, or none.
 */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_net_calibrate(struct qaccel_net *net,
		     const struct qaccel_dataset *dataset, size_t count,
		     const struct qaccel_observer_options *options,
		     uint32_t threads);

/* struct qaccel_evaluation - a network's verdict on a data set */
struct qaccel_evaluation {
	uint64_t count, correct;
	double loss;			/* mean cross-entropy */
	uint64_t reserved[4];
};

/*
 * threads 0: all cores. -EINVAL: pictures of another shape or labels that the
 * network doesn't have. -ENODATA: activations are to be quantized, but a range
 * is not known: neither trained nor calibrated.
 */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_net_evaluate(struct qaccel_net *net, const struct qaccel_dataset *dataset,
		    uint32_t threads, struct qaccel_evaluation *evaluation);

/* ------------------------------------------------------------- training -- */

enum qaccel_optimizer {
	QACCEL_OPTIMIZER_SGD = 0,	/* with momentum */
	QACCEL_OPTIMIZER_ADAM = 1,	/* weight decay decoupled: AdamW */
};

/* The learning rate over the steps of a whole training, of learning_rate. */
enum qaccel_schedule {
	QACCEL_SCHEDULE_CONSTANT = 0,
	QACCEL_SCHEDULE_STEP = 1,	/* a tenth at 1/2, a hundredth at 3/4 */
	QACCEL_SCHEDULE_COSINE = 2,	/* half a cosine, down to nothing */
	QACCEL_SCHEDULE_ONE_CYCLE = 3,	/* up linearly from a 25th, then cosine */
};

/*
 * struct qaccel_train_options - set up by qaccel_train_defaults()
 *
 * Everything but threads decides about the result.
 */
struct qaccel_train_options {
	uint64_t seed;			/* weights, order, augmentation (1) */
	uint32_t epochs;		/* 1 to 10000 (10) */
	uint32_t batch;			/* pictures per step, up to 4096 (64) */
	uint32_t threads;		/* 0: all cores (0) */

	enum qaccel_optimizer optimizer;	/* (SGD) */
	float learning_rate;		/* positive; the schedule's highest (0.1) */
	float momentum;			/* SGD, [0, 1) (0.9) */
	bool nesterov;			/* SGD (true) */
	bool initialised;		/* keep the network's weights (false) */
	bool horizontal_flip;		/* half of the pictures (false) */
	bool pad[5];			/* zero */
	float beta1, beta2, epsilon;	/* Adam (0.9, 0.999, 1e-8) */
	float weight_decay;		/* of filters (0.0005) */
	enum qaccel_schedule schedule;	/* (one-cycle) */
	float warm_up;			/* one-cycle: share of the steps (0.25) */

	uint32_t shift;			/* pictures move by up to so many pixels (0) */
	uint32_t erase;			/* side of a square that is blanked (0) */
	float bn_momentum;		/* of the statistics, per step (0.97) */
	float range_momentum;		/* of activations' ranges, per step (0.99) */

	/* Quantization-aware training; all zero: float. */
	struct qaccel_simulation simulation;
	uint32_t quant_delay;		/* steps before activations' (0) */
	uint32_t freeze_bn;		/* steps; statistics stay then; 0: never (0) */
	uint64_t reserved[8];		/* zero */
};

QACCEL_API void qaccel_train_defaults(struct qaccel_train_options *options);

struct qaccel_trainer;

/* options NULL: the defaults. -EINVAL: an option, or data that don't fit. */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_trainer_create(struct qaccel_net *net,
		      const struct qaccel_dataset *dataset,
		      const struct qaccel_train_options *options,
		      struct qaccel_trainer **trainer);
/*
 * Goes on where a checkpoint stands, with its options: the network and its
 * trainer, both to be destroyed by the caller. -EINVAL: other data than before.
 * -ENODATA: a finished network, without a trainer's state. -EBADMSG: damaged.
 */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_trainer_resume(const char *path, const struct qaccel_dataset *dataset,
		      uint32_t threads, struct qaccel_net **net,
		      struct qaccel_trainer **trainer);
QACCEL_API void qaccel_trainer_destroy(struct qaccel_trainer *trainer);

QACCEL_API void
qaccel_trainer_get_options(const struct qaccel_trainer *trainer,
			   struct qaccel_train_options *options);

/* struct qaccel_epoch - what an epoch came to; tests: see the function below */
struct qaccel_epoch {
	uint32_t epoch;			/* from 1 */
	uint32_t pad;
	double learning_rate;		/* of its last step */
	double loss, accuracy;		/* of its batches, augmented, while learning */
	double test_loss, test_accuracy;	/* NaN: not evaluated */
	uint64_t reserved[4];
};

/* struct qaccel_train_status - within an epoch */
struct qaccel_train_status {
	uint32_t epoch, epochs;		/* from 1 */
	uint32_t step, steps;		/* of this epoch, done */
	double loss, accuracy;		/* of this epoch so far */
	double learning_rate;		/* of the step */
	uint64_t reserved[4];
};

/* After each step. false: stop. */
typedef bool qaccel_train_progress(void *context,
				   const struct qaccel_train_status *status);

/* One step: a batch. -EDOM: the loss is no longer a number. -ECANCELED: all done. */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_trainer_step(struct qaccel_trainer *trainer,
		    struct qaccel_train_status *status);
/*
 * What is left of the current epoch, and then an evaluation on test, if it is
 * not NULL, as part of the history. -ECANCELED: progress said stop, or there are
 * no epochs left. -EDOM as above.
 */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_trainer_epoch(struct qaccel_trainer *trainer,
		     const struct qaccel_dataset *test,
		     qaccel_train_progress *progress, void *context);
QACCEL_API bool qaccel_trainer_finished(const struct qaccel_trainer *trainer);
/* Finished epochs, and one of them. -ERANGE: no such. */
QACCEL_API uint32_t qaccel_trainer_num_epochs(const struct qaccel_trainer *trainer);
QACCEL_API int qaccel_trainer_history(const struct qaccel_trainer *trainer,
				      uint32_t index, struct qaccel_epoch *epoch);
/*
 * A checkpoint, at any step: written aside and renamed, so that the file is
 * always a whole one. -EIO, -ENOSPC, ...
 */
QACCEL_API QACCEL_MUST_CHECK int
qaccel_trainer_save(const struct qaccel_trainer *trainer, const char *path);

#ifdef __cplusplus
}
#endif

#endif /* QACCEL_TRAIN_H */
