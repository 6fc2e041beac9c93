// SPDX-License-Identifier: MIT
/* qaccel quantize: a float model or a trained network as an integer model. */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <qaccel/convert.h>

#include "examples.h"
#include "train_tool.h"

#define DEFAULT_COUNT	1000
#define MAX_COUNT	1000000

static const char usage[] =
"usage: qaccel quantize INPUT [--calibrate DIR|FILE...] [OPTION...] -o OUT.tflite\n"
"\n"
"INPUT is a float .tflite file, or what qaccel train wrote. Examples of the input\n"
"are needed unless training found the ranges: pictures (PNG, JPEG, BMP), idx\n"
"files, or files of as many float32 as the input has.\n"
"\n"
"  --calibrate F...  examples: files, or folders of them\n"
"  --images F        the same, for one idx file\n"
"  --count N         of the examples, the first N (1000)\n"
"  --pixels LOW,HIGH what bytes 0 and 255 stand for (-1,1; networks: 0,1)\n"
"  --observer min-max|ema|percentile|mse   how ranges are found (min-max)\n"
"  --percentile X    what percentile keeps (99.99)\n"
"  --scheme int8|int8-per-tensor|uint8     (as trained, else int8)\n"
"  --float-io        inputs and outputs stay float\n"
"  --logits          networks: without softmax at the end\n"
"  --quiet           no report\n"
"  -o, --output F    the integer model\n"
"  --help            this text\n"
"\n"
"Exit status: 0 fine, 2 it could not be done.\n"
"See qaccel-train(1).\n";

/* struct quantize_cli - the command line */
struct quantize_cli {
	const char *input, *output;
	const char **paths;
	struct examples examples;
	struct qaccel_observer_options observer;
	struct qaccel_convert_options convert;
	bool pixels_given, scheme_given;
	bool logits, quiet, help;
};

/* ---------------------------------------------------------- command line -- */

static const char *const observers[] = { "min-max", "ema", "percentile", "mse" };
static const char *const schemes[] = { "int8", "int8-per-tensor", "uint8" };

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

enum {
	OPT_CALIBRATE = 256, OPT_IMAGES, OPT_COUNT, OPT_PIXELS, OPT_OBSERVER,
	OPT_PERCENTILE, OPT_SCHEME, OPT_FLOAT_IO, OPT_LOGITS, OPT_QUIET,
	OPT_HELP
};

static const struct option long_options[] = {
	{"calibrate", required_argument, NULL, OPT_CALIBRATE},
	{"images", required_argument, NULL, OPT_IMAGES},
	{"count", required_argument, NULL, OPT_COUNT},
	{"pixels", required_argument, NULL, OPT_PIXELS},
	{"observer", required_argument, NULL, OPT_OBSERVER},
	{"percentile", required_argument, NULL, OPT_PERCENTILE},
	{"scheme", required_argument, NULL, OPT_SCHEME},
	{"float-io", no_argument, NULL, OPT_FLOAT_IO},
	{"logits", no_argument, NULL, OPT_LOGITS},
	{"quiet", no_argument, NULL, OPT_QUIET},
	{"output", required_argument, NULL, 'o'},
	{"help", no_argument, NULL, OPT_HELP},
	{NULL, 0, NULL, 0},
};

static int take_choice(const char *option, const char *text,
		       const char *const *choices, unsigned int count,
		       unsigned int *choice)
{
	for (*choice = 0; *choice < count; ++*choice)
		if (!strcmp(text, choices[*choice]))
			return TOOL_OK;
	return tool_error("--%s does not know '%s'; try 'qaccel quantize --help'",
			  option, text);
}

static int take_count(const char *text, uint32_t *value)
{
	unsigned long number;
	char *end;

	errno = 0;
	number = strtoul(text, &end, 10);
	if (errno || *end || *text < '0' || *text > '9' || !number ||
	    number > MAX_COUNT)
		return tool_error("--count takes a number from 1 to %d, not '%s'",
				  MAX_COUNT, text);
	*value = (uint32_t)number;
	return TOOL_OK;
}

static int take_real(const char *option, const char *text, const char *after,
		     float *value, const char **rest)
{
	char *end;

	*value = strtof(text, &end);
	if (end == text || !isfinite(*value) || !strchr(after, *end))
		return tool_error("--%s: '%s' is no number", option, text);
	*rest = end;
	return TOOL_OK;
}

static int take_pixels(const char *text, struct quantize_cli *cli)
{
	struct examples *e = &cli->examples;
	const char *rest = text;

	cli->pixels_given = true;
	if (take_real("pixels", text, ",", &e->low, &rest) || *rest != ',' ||
	    take_real("pixels", rest + 1, "", &e->high, &rest))
		return TOOL_FAILED;
	if (!(e->low < e->high))
		return tool_error("--pixels takes the lower value first");
	return TOOL_OK;
}

static void add_path(struct quantize_cli *cli, const char *path)
{
	cli->paths[cli->examples.num_paths++] = path;
}

/* --calibrate a b c takes all that follows up to the next option. */
static void take_paths(int argc, char **argv, struct quantize_cli *cli)
{
	add_path(cli, optarg);
	while (optind < argc && argv[optind][0] != '-')
		add_path(cli, argv[optind++]);
}

static int take_option(int option, int argc, char **argv,
		       struct quantize_cli *cli)
{
	unsigned int choice = 0;
	const char *rest;
	int ret = TOOL_OK;

	switch (option) {
	case OPT_CALIBRATE:
		take_paths(argc, argv, cli);
		break;
	case OPT_IMAGES:
		add_path(cli, optarg);
		break;
	case OPT_COUNT:
		return take_count(optarg, &cli->examples.max);
	case OPT_PIXELS:
		return take_pixels(optarg, cli);
	case OPT_OBSERVER:
		ret = take_choice("observer", optarg, observers,
				  COUNT(observers), &choice);
		cli->observer.kind = (enum qaccel_observer_kind)choice;
		break;
	case OPT_PERCENTILE:
		return take_real("percentile", optarg, "",
				 &cli->observer.percentile, &rest);
	case OPT_SCHEME:
		ret = take_choice("scheme", optarg, schemes, COUNT(schemes),
				  &choice);
		cli->convert.scheme = (enum qaccel_scheme)choice;
		cli->scheme_given = true;
		break;
	case OPT_FLOAT_IO:
		cli->convert.float_io = true;
		break;
	case OPT_LOGITS:
		cli->logits = true;
		break;
	case OPT_QUIET:
		cli->quiet = true;
		break;
	case OPT_HELP:
		cli->help = true;
		break;
	case 'o':
		cli->output = optarg;
		break;
	default:
		return tool_error("try 'qaccel quantize --help'");
	}
	return ret;
}

static int parse(int argc, char **argv, struct quantize_cli *cli)
{
	int option, ret = TOOL_OK;

	while (!ret && (option = getopt_long(argc, argv, "o:", long_options,
					     NULL)) != -1)
		ret = take_option(option, argc, argv, cli);
	if (ret || cli->help)
		return ret;
	if (optind < argc)
		cli->input = argv[optind++];
	if (optind < argc)
		return tool_error("'%s' is one argument too many; try 'qaccel quantize --help'",
				  argv[optind]);
	if (!cli->input || !cli->output)
		return tool_error("qaccel quantize needs an INPUT and -o; try 'qaccel quantize --help'");
	return TOOL_OK;
}

/* ---------------------------------------------------------------- models -- */

/* struct work - what is converted, and what came of it */
struct work {
	const struct quantize_cli *cli;
	struct qaccel_model *real, *model;
	struct qaccel_tensor_info input;
	struct qaccel_range *ranges;
	bool network;			/* pixels are from 0 to 1 */
	bool trained;			/* its ranges are learned */
	uint32_t count;			/* examples */
};

static bool is_tflite(const char *path)
{
	char start[8] = { 0 };
	FILE *file = fopen(path, "rb");
	bool is = file && fread(start, 1, sizeof(start), file) == 8 &&
		  !memcmp(start + 4, "TFL3", 4);

	if (file)
		fclose(file);
	return is;
}

static int open_tflite(struct work *w)
{
	uint32_t count;

	if (qaccel_float_model_load_file(NULL, w->cli->input, &w->real))
		return tool_library_error();
	count = qaccel_model_num_tensors(w->real);
	w->ranges = malloc(count * sizeof(*w->ranges));
	if (!w->ranges)
		return tool_error("out of memory");
	for (uint32_t i = 0; i < count; i++)
		w->ranges[i] = (struct qaccel_range){ 1, -1 };
	return TOOL_OK;
}

/* What simulation a network was trained with says how it is to be converted. */
static enum qaccel_scheme trained_scheme(const struct qaccel_simulation *s)
{
	if (s->asymmetric)
		return QACCEL_SCHEME_UINT8;
	return s->weight_bits && !s->per_channel ? QACCEL_SCHEME_INT8_PER_TENSOR
						 : QACCEL_SCHEME_INT8;
}

static int open_network(struct quantize_cli *cli, struct work *w)
{
	struct qaccel_simulation simulation;
	struct qaccel_net *net;
	int ret = TOOL_OK;

	if (qaccel_net_load(cli->input, &net))
		return tool_library_error();
	qaccel_net_get_simulation(net, &simulation);
	if (!cli->scheme_given)
		cli->convert.scheme = trained_scheme(&simulation);
	if (!cli->pixels_given) {
		cli->examples.low = 0;
		cli->examples.high = 1;
	}
	w->network = true;
	w->trained = simulation.activation_bits != 0;
	if (qaccel_float_model_from_net(net, !cli->logits, &w->real, &w->ranges))
		ret = tool_library_error();
	qaccel_net_destroy(net);
	return ret;
}

static int open_input(struct quantize_cli *cli, struct work *w)
{
	int ret = is_tflite(cli->input) ? open_tflite(w) : open_network(cli, w);

	if (ret)
		return ret;
	if (qaccel_model_num_inputs(w->real) != 1)
		return tool_error("%s: a model of %u inputs; one is supported",
				  cli->input, qaccel_model_num_inputs(w->real));
	return qaccel_model_input(w->real, 0, &w->input) ? tool_library_error()
							 : TOOL_OK;
}

/* ----------------------------------------------------------- calibration -- */

static int calibrate_one(void *calibrator, const float *values)
{
	return qaccel_calibrator_run(calibrator, &values) ? tool_library_error()
							  : TOOL_OK;
}

static int calibrate(struct work *w)
{
	struct qaccel_range pixels = w->ranges[w->input.index];
	struct qaccel_calibrator *c;
	int ret;

	if (qaccel_calibrator_create(w->real, &w->cli->observer, &c))
		return tool_library_error();
	ret = examples_read(&w->cli->examples, &w->input, calibrate_one, c,
			    &w->count);
	if (!ret && qaccel_calibrator_ranges(c, w->ranges))
		ret = tool_library_error();
	/* All that a byte can say, not only what it said in the examples. */
	if (w->network)
		w->ranges[w->input.index] = pixels;
	qaccel_calibrator_destroy(c);
	return ret;
}

/* ---------------------------------------------------------------- report -- */

static int compare_one(void *comparison, const float *values)
{
	return qaccel_comparison_run(comparison, &values) ? tool_library_error()
							  : TOOL_OK;
}

static void print_tensor(const struct work *w, uint32_t index)
{
	const struct qaccel_range *r = &w->ranges[index];
	struct qaccel_tensor_info info;

	if (qaccel_model_tensor(w->model, index, &info) || info.num_scales != 1)
		return;
	if (r->min <= r->max)
		printf(" %9.4g %9.4g", (double)r->min, (double)r->max);
	else
		printf(" %9s %9s", "-", "-");
	printf(" %11.6g %5d", (double)info.scales[0], info.zero_points[0]);
}

static void print_op(const struct work *w, const struct qaccel_comparison *c,
		     const struct qaccel_op_info *op)
{
	uint32_t index = (uint32_t)op->outputs[0];
	struct qaccel_tensor_info info;
	struct qaccel_difference d;

	qaccel_model_tensor(w->real, index, &info);
	printf("%4u  %-17s", op->index, op->name);
	print_tensor(w, index);
	if (c && !qaccel_comparison_tensor(c, index, &d))
		printf(" %6.1f", d.sqnr);
	printf("  %.40s\n", info.name);
}

static void print_table(const struct work *w, const struct qaccel_comparison *c)
{
	struct qaccel_op_info op;

	printf("  op  %-17s %9s %9s %11s %5s%s  tensor\n", "", "min", "max",
	       "scale", "zero", c ? "   SQNR" : "");
	printf("      %-17s", "input");
	print_tensor(w, w->input.index);
	printf("%s  %.40s\n", c ? "       " : "", w->input.name);
	for (uint32_t i = 0; !qaccel_model_op(w->real, i, &op); i++)
		print_op(w, c, &op);
}

static void print_verdicts(const struct work *w,
			   const struct qaccel_comparison *c)
{
	struct qaccel_tensor_info output;
	struct qaccel_difference d;

	if (qaccel_model_output(w->real, 0, &output) ||
	    qaccel_comparison_tensor(c, output.index, &d))
		return;
	printf("%s: SQNR %.1f dB, the largest value in the same place in %llu of %llu examples\n",
	       output.name[0] ? output.name : "output", d.sqnr,
	       (unsigned long long)d.same_largest,
	       (unsigned long long)d.examples);
}

/* Both models on the examples once more, layer by layer. */
static int report(const struct work *w)
{
	struct qaccel_comparison *c = NULL;
	struct qaccel_device *device;
	uint32_t count;
	int ret = TOOL_OK;

	if (!w->cli->examples.num_paths) {
		print_table(w, NULL);
		return TOOL_OK;
	}
	if (qaccel_device_open(NULL, "cpu", &device))
		return tool_library_error();
	if (qaccel_comparison_create(device, w->real, w->model, &c))
		ret = tool_library_error();
	if (!ret)
		ret = examples_read(&w->cli->examples, &w->input, compare_one, c,
				    &count);
	if (!ret) {
		print_table(w, c);
		print_verdicts(w, c);
	}
	qaccel_comparison_destroy(c);
	qaccel_device_close(device);
	return ret;
}

static void print_what(const struct work *w)
{
	printf("%s: %s, %u operators; ranges ", w->cli->output,
	       schemes[w->cli->convert.scheme], qaccel_model_num_ops(w->model));
	if (w->count)
		printf("of %u examples (%s)\n", w->count,
		       observers[w->cli->observer.kind]);
	else
		printf("from training\n");
}

/* --------------------------------------------------------------- command -- */

static int quantize(struct quantize_cli *cli, struct work *w)
{
	int ret;

	ret = open_input(cli, w);
	if (!ret && cli->examples.num_paths && !w->trained)
		ret = calibrate(w);
	if (ret)
		return ret;
	ret = qaccel_convert(w->real, w->ranges, &cli->convert, &w->model);
	if (ret == -ENODATA && !cli->examples.num_paths)
		return tool_error("%s: %s: --calibrate with examples of the input",
				  cli->input, qaccel_last_error());
	if (ret)
		return tool_error("%s: %s", cli->input, qaccel_last_error());
	if (qaccel_model_write(w->model, cli->output))
		return tool_library_error();
	if (cli->quiet)
		return TOOL_OK;
	print_what(w);
	return report(w);
}

int cmd_quantize(int argc, char **argv)
{
	struct quantize_cli cli = {
		.paths = calloc((size_t)argc + 1, sizeof(*cli.paths)),
		.examples = { .max = DEFAULT_COUNT, .low = -1, .high = 1 },
	};
	struct work w = { .cli = &cli };
	int ret;

	if (!cli.paths)
		return tool_error("out of memory");
	cli.examples.paths = cli.paths;
	ret = parse(argc, argv, &cli);
	if (!ret && cli.help)
		fputs(usage, stdout);
	else if (!ret)
		ret = quantize(&cli, &w);
	qaccel_model_destroy(w.real);
	qaccel_model_destroy(w.model);
	free(w.ranges);
	free(cli.paths);
	return ret;
}
