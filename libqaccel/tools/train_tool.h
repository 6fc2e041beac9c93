/* SPDX-License-Identifier: MIT */
/* What the parts of the qaccel-train command share. */
#ifndef QACCEL_TRAIN_TOOL_H
#define QACCEL_TRAIN_TOOL_H

#include <qaccel/train.h>

#include "tool.h"

/* Each parses its own options; argv[0] is the command's name. */
int cmd_train(int argc, char **argv);
int cmd_quantize(int argc, char **argv);

/* struct train_cli - the command line of qaccel train */
struct train_cli {
	const char *architecture;
	const char *images, *labels;
	const char *test_images, *test_labels;
	const char *init, *resume, *evaluate;
	const char *checkpoint, *output;
	const char *curve, *log;
	uint32_t holdout;		/* pictures of the training set to test with */
	uint32_t calibrate;		/* pictures for ranges */
	uint32_t observer;		/* enum qaccel_observer_kind */
	uint32_t optimizer, schedule;	/* the enums */
	uint32_t weight_bits, activation_bits;
	bool qat, per_tensor, asymmetric, no_nesterov, quiet, help;
	bool simulation_given;		/* one of the above about bits */
	struct qaccel_train_options options;
};

/* train_options.c: TOOL_FAILED with the reason printed. */
int train_parse(int argc, char **argv, struct train_cli *cli);
extern const char train_usage[];

/* train_report.c: what is shown while training, and the files about it. */
struct train_report {
	const struct train_cli *cli;
	uint32_t batch;
	double start, epoch_start, shown;	/* seconds */
	uint64_t steps;			/* taken since the start */
	bool bar;			/* a terminal is there */
};

void train_report_start(struct train_report *report,
			const struct train_cli *cli, uint32_t batch);
bool train_report_step(void *report, const struct qaccel_train_status *status);
/* Prints the last epoch, and writes --log and --curve anew. */
int train_report_epoch(struct train_report *report,
		       const struct qaccel_trainer *trainer);

#endif /* QACCEL_TRAIN_TOOL_H */
