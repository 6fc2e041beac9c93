// SPDX-License-Identifier: MIT
/* The command line of qaccel train: a table of options, and what fits together. */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "train_tool.h"

const char train_usage[] =
"usage: qaccel train ARCH --images F --labels F [OPTION...] -o CHECKPOINT\n"
"       qaccel train --init CHECKPOINT --images F --labels F [OPTION...] -o ...\n"
"       qaccel train --resume CHECKPOINT --images F --labels F [OPTION...]\n"
"       qaccel train --evaluate CHECKPOINT --test-images F --test-labels F\n"
"\n"
"ARCH is a text file with a layer a line; pictures and labels are idx files,\n"
"plain or gzip. docs/training.md describes both, and the method.\n"
"\n"
"data\n"
"  --images F, --labels F            to learn from\n"
"  --test-images F, --test-labels F  to test with after each epoch\n"
"  --holdout N         test with the last N of the training pictures instead\n"
"files\n"
"  -o, --output F      the trained network, for qaccel quantize\n"
"  --checkpoint F      after each epoch, for --resume\n"
"  --init F            start with this network's weights\n"
"  --resume F          go on from a --checkpoint, with its options\n"
"  --log F, --curve F  loss and accuracy of each epoch, as CSV and as SVG\n"
"training (defaults)\n"
"  --epochs N (10), --batch N (64), --seed N (1), --threads N (all cores)\n"
"  --optimizer sgd|adam (sgd), --lr X (0.1; adam: 0.002)\n"
"  --momentum X (0.9), --no-nesterov, --weight-decay X (0.0005; adam: 0.01)\n"
"  --schedule constant|step|cosine|one-cycle (one-cycle), --warm-up X (0.25)\n"
"  --shift N (0), --flip, --erase N (0)   how pictures are changed\n"
"  --bn-momentum X (0.97), --range-momentum X (0.99)   averages, per step\n"
"quantization\n"
"  --qat               train with simulated quantization: 8 bits, per channel\n"
"  --weight-bits N, --activation-bits N   2 to 8; 0: float\n"
"  --per-tensor        one scale for each layer's weights\n"
"  --asymmetric        weights with a zero point; implies --per-tensor\n"
"  --quant-delay N     steps before activations are quantized (0)\n"
"  --freeze-bn N       steps after which batch norm's statistics stay (never)\n"
"  --evaluate F        no training: F's accuracy, as it was trained or as these\n"
"                      options say\n"
"  --calibrate N       with it: ranges from N training pictures\n"
"  --observer min-max|percentile|mse   and how (min-max)\n"
"others\n"
"  --quiet             no progress\n"
"  --help              this text\n"
"\n"
"Exit status: 0 fine, 2 it could not be done.\n"
"See qaccel-train(1).\n";

/* ------------------------------------------------------------------ table -- */

enum kind { STRING, NUMBER, NUMBER64, REAL, CHOICE, FLAG };

static const char *const optimizers[] = {"sgd", "adam", NULL};
static const char *const schedules[] = {
	"constant", "step", "cosine", "one-cycle", NULL,
};
/* In the order of enum qaccel_observer_kind; the second makes no sense here. */
static const char *const observers[] = {
	"min-max", "", "percentile", "mse", NULL,
};

#define CLI(field)	offsetof(struct train_cli, field)
#define OPTION(field)	offsetof(struct train_cli, options.field)

static const struct rule {
	const char *name;
	enum kind kind;
	size_t offset;
	uint32_t max;				/* NUMBER */
	const char *const *choices;
} rules[] = {
	{"images", STRING, CLI(images), 0, NULL},
	{"labels", STRING, CLI(labels), 0, NULL},
	{"test-images", STRING, CLI(test_images), 0, NULL},
	{"test-labels", STRING, CLI(test_labels), 0, NULL},
	{"holdout", NUMBER, CLI(holdout), UINT32_MAX, NULL},
	{"output", STRING, CLI(output), 0, NULL},
	{"checkpoint", STRING, CLI(checkpoint), 0, NULL},
	{"init", STRING, CLI(init), 0, NULL},
	{"resume", STRING, CLI(resume), 0, NULL},
	{"log", STRING, CLI(log), 0, NULL},
	{"curve", STRING, CLI(curve), 0, NULL},
	{"epochs", NUMBER, OPTION(epochs), UINT32_MAX, NULL},
	{"batch", NUMBER, OPTION(batch), UINT32_MAX, NULL},
	{"seed", NUMBER64, OPTION(seed), 0, NULL},
	{"threads", NUMBER, OPTION(threads), 256, NULL},
	{"optimizer", CHOICE, CLI(optimizer), 0, optimizers},
	{"lr", REAL, OPTION(learning_rate), 0, NULL},
	{"momentum", REAL, OPTION(momentum), 0, NULL},
	{"no-nesterov", FLAG, CLI(no_nesterov), 0, NULL},
	{"weight-decay", REAL, OPTION(weight_decay), 0, NULL},
	{"schedule", CHOICE, CLI(schedule), 0, schedules},
	{"warm-up", REAL, OPTION(warm_up), 0, NULL},
	{"shift", NUMBER, OPTION(shift), UINT32_MAX, NULL},
	{"flip", FLAG, OPTION(horizontal_flip), 0, NULL},
	{"erase", NUMBER, OPTION(erase), UINT32_MAX, NULL},
	{"bn-momentum", REAL, OPTION(bn_momentum), 0, NULL},
	{"range-momentum", REAL, OPTION(range_momentum), 0, NULL},
	{"qat", FLAG, CLI(qat), 0, NULL},
	{"weight-bits", NUMBER, CLI(weight_bits), 8, NULL},
	{"activation-bits", NUMBER, CLI(activation_bits), 8, NULL},
	{"per-tensor", FLAG, CLI(per_tensor), 0, NULL},
	{"asymmetric", FLAG, CLI(asymmetric), 0, NULL},
	{"quant-delay", NUMBER, OPTION(quant_delay), UINT32_MAX, NULL},
	{"freeze-bn", NUMBER, OPTION(freeze_bn), UINT32_MAX, NULL},
	{"evaluate", STRING, CLI(evaluate), 0, NULL},
	{"calibrate", NUMBER, CLI(calibrate), UINT32_MAX, NULL},
	{"observer", CHOICE, CLI(observer), 0, observers},
	{"quiet", FLAG, CLI(quiet), 0, NULL},
	{"help", FLAG, CLI(help), 0, NULL},
};

#define NUM_RULES	(sizeof(rules) / sizeof(*rules))
#define FIRST_RULE	256
#define NO_BITS		UINT32_MAX

static int take_number(const struct rule *rule, const char *text,
		       uint64_t max, uint64_t *value)
{
	unsigned long long number;
	char *end;

	errno = 0;
	number = strtoull(text, &end, 10);
	/* strtoull() takes signs and spaces too. */
	if (errno || *end || *text < '0' || *text > '9' || number > max)
		return tool_error("--%s takes a number from 0 to %llu, not '%s'",
				  rule->name, (unsigned long long)max, text);
	*value = number;
	return TOOL_OK;
}

static int take_real(const struct rule *rule, const char *text, float *value)
{
	char *end;
	float number;

	errno = 0;
	number = strtof(text, &end);
	if (errno || *end || end == text || !isfinite(number))
		return tool_error("--%s takes a number, not '%s'", rule->name,
				  text);
	*value = number;
	return TOOL_OK;
}

static int take_choice(const struct rule *rule, const char *text,
		       uint32_t *value)
{
	for (uint32_t i = 0; *text && rule->choices[i]; i++)
		if (!strcmp(text, rule->choices[i])) {
			*value = i;
			return TOOL_OK;
		}
	return tool_error("--%s does not know '%s'; try 'qaccel train --help'",
			  rule->name, text);
}

static int take_option(const struct rule *rule, const char *text,
		       struct train_cli *cli)
{
	void *field = (char *)cli + rule->offset;
	uint64_t number = 0;
	int ret = TOOL_OK;

	switch (rule->kind) {
	case STRING:
		*(const char **)field = text;
		break;
	case NUMBER:
		ret = take_number(rule, text, rule->max, &number);
		*(uint32_t *)field = (uint32_t)number;
		break;
	case NUMBER64:
		ret = take_number(rule, text, UINT64_MAX, field);
		break;
	case REAL:
		ret = take_real(rule, text, field);
		break;
	case CHOICE:
		ret = take_choice(rule, text, field);
		break;
	case FLAG:
		*(bool *)field = true;
		break;
	}
	return ret;
}

/* ------------------------------------------------------------ consistency -- */

static int check_data(const struct train_cli *cli)
{
	bool learns = !cli->evaluate || cli->calibrate;

	if (!cli->images != !cli->labels || !cli->test_images != !cli->test_labels)
		return tool_error("pictures without labels, or labels without pictures");
	if (learns && !cli->images)
		return tool_error("--images and --labels are needed");
	if (cli->holdout && (cli->test_images || !cli->images))
		return tool_error("--holdout takes the test pictures from --images, not --test-images");
	if (cli->evaluate && !cli->test_images && !cli->holdout)
		return tool_error("--evaluate needs --test-images and --test-labels, or --holdout");
	return TOOL_OK;
}

static int check_files(const struct train_cli *cli)
{
	int sources = !!cli->architecture + !!cli->init + !!cli->resume +
		      !!cli->evaluate;

	if (sources != 1)
		return tool_error("one of ARCH, --init, --resume and --evaluate is needed; try 'qaccel train --help'");
	if (!cli->evaluate && !cli->output && !cli->checkpoint)
		return tool_error("-o CHECKPOINT is needed: where should the network go?");
	if (cli->evaluate && (cli->output || cli->checkpoint || cli->log ||
			      cli->curve))
		return tool_error("--evaluate writes no files");
	if (cli->calibrate && !cli->evaluate)
		return tool_error("--calibrate goes with --evaluate: training finds ranges itself");
	return TOOL_OK;
}

/* What the options together mean for the library. */
static void conclude(struct train_cli *cli)
{
	struct qaccel_simulation *s = &cli->options.simulation;
	uint32_t bits = cli->qat ? 8 : 0;

	cli->simulation_given = cli->qat || cli->weight_bits != NO_BITS ||
				cli->activation_bits != NO_BITS;
	s->weight_bits = cli->weight_bits == NO_BITS ? bits : cli->weight_bits;
	s->activation_bits = cli->activation_bits == NO_BITS ? bits :
			     cli->activation_bits;
	s->asymmetric = cli->asymmetric;
	s->per_channel = s->weight_bits && !cli->per_tensor && !cli->asymmetric;
	cli->options.optimizer = (enum qaccel_optimizer)cli->optimizer;
	cli->options.schedule = (enum qaccel_schedule)cli->schedule;
	cli->options.nesterov = !cli->no_nesterov;
	cli->options.initialised = cli->init != NULL;
	if (isnan(cli->options.learning_rate))
		cli->options.learning_rate = cli->optimizer ? 0.002f : 0.1f;
	if (isnan(cli->options.weight_decay))
		cli->options.weight_decay = cli->optimizer ? 0.01f : 5e-4f;
}

/* A checkpoint has its options: another one here would be without effect. */
static bool resume_takes(const struct rule *rule)
{
	static const char *const names[] = {
		"images", "labels", "test-images", "test-labels", "holdout",
		"output", "checkpoint", "resume", "log", "curve", "threads",
		"quiet", "help",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(rule->name, names[i]))
			return true;
	return false;
}

static int parse(int argc, char **argv, struct train_cli *cli)
{
	struct option longs[NUM_RULES + 1] = {{0}};
	const struct rule *not_resumed = NULL;
	int option, ret = TOOL_OK;

	for (size_t i = 0; i < NUM_RULES; i++)
		longs[i] = (struct option){
			.name = rules[i].name,
			.has_arg = rules[i].kind == FLAG ? no_argument :
				   required_argument,
			.val = FIRST_RULE + (int)i,
		};
	while (!ret && (option = getopt_long(argc, argv, "o:", longs,
					     NULL)) != -1) {
		if (option == 'o') {
			cli->output = optarg;
		} else if (option >= FIRST_RULE) {
			const struct rule *rule = &rules[option - FIRST_RULE];

			if (!resume_takes(rule))
				not_resumed = rule;
			ret = take_option(rule, optarg, cli);
		} else {
			ret = tool_error("try 'qaccel train --help'");
		}
	}
	if (!ret && cli->resume && not_resumed)
		ret = tool_error("--%s: --resume goes on with the options of the checkpoint",
				 not_resumed->name);
	return ret;
}

int train_parse(int argc, char **argv, struct train_cli *cli)
{
	int ret;

	*cli = (struct train_cli){
		.weight_bits = NO_BITS,
		.activation_bits = NO_BITS,
		.schedule = QACCEL_SCHEDULE_ONE_CYCLE,
	};
	qaccel_train_defaults(&cli->options);
	cli->options.learning_rate = NAN;
	cli->options.weight_decay = NAN;
	ret = parse(argc, argv, cli);
	if (ret || cli->help)
		return ret;
	if (optind < argc)
		cli->architecture = argv[optind++];
	if (optind < argc)
		return tool_error("'%s' is one argument too many; try 'qaccel train --help'",
				  argv[optind]);
	conclude(cli);
	ret = check_files(cli);
	return ret ? ret : check_data(cli);
}
