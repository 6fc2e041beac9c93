// SPDX-License-Identifier: MIT
/* The qaccel command: options, and which function does the work. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool.h"

static const char usage_text[] =
"usage: qaccel info [MODEL] [--device NAME] [--json]\n"
"       qaccel run MODEL --input FILE... [--output FILE...] [--dump DIR]\n"
"       qaccel run MODEL --image FILE [--labels FILE] [--top N] [--show]\n"
"       qaccel verify MODEL [--input FILE...] --expect FILE\n"
"       qaccel bench MODEL [--runs N] [--profile]\n"
"       qaccel eval MODEL --images FILE --labels FILE [--predictions FILE]\n"
"       qaccel train ... | qaccel quantize ...   see qaccel-train(1)\n"
"\n"
"MODEL is a quantized .tflite file. Inputs and outputs are raw tensor bytes;\n"
"pictures are PNG, JPEG or BMP.\n"
"\n"
"  --device NAME   auto (default), cpu, or a node such as /dev/accel/accel0\n"
"  --threads N     CPU threads (default: all cores)\n"
"  --isa NAME      CPU kernels: ref, avx2, ... (default: the best)\n"
"  --json          machine-readable output\n"
"  --dump DIR      write every tensor that an operator produces as DIR/t<i>.bin\n"
"  --expect FILE   what each operator's tensors must hash to\n"
"  --show[=FORM]   the picture too, as blocks or text (default: as the output can)\n"
"  --top N         largest N values of the output (default 5)\n"
"  --runs N        bench: how often (default 20)\n"
"  --profile       counters of each operator\n"
"  --images FILE   eval: pictures, an idx file, perhaps compressed by gzip\n"
"  --labels FILE   run: names of classes, one a line; eval: labels, an idx file\n"
"  --names FILE    eval: names of classes, one a line\n"
"  --count N       eval: the first N pictures only\n"
"  --predictions FILE   eval: write the class of each picture, one a line\n"
"  --help          this text\n"
"  --version       version of the library\n"
"\n"
"Exit status: 0 fine, 1 results differ (verify), 2 it could not be done.\n"
"See qaccel(1).\n";

enum {
	OPT_INPUT = 256, OPT_OUTPUT, OPT_DUMP, OPT_EXPECT, OPT_IMAGE, OPT_LABELS,
	OPT_TOP, OPT_DEVICE, OPT_THREADS, OPT_ISA, OPT_RUNS, OPT_PROFILE,
	OPT_JSON, OPT_IMAGES, OPT_NAMES, OPT_COUNT, OPT_PREDICTIONS, OPT_SHOW,
	OPT_HELP, OPT_VERSION
};

static const struct option long_options[] = {
	{"input", required_argument, NULL, OPT_INPUT},
	{"output", required_argument, NULL, OPT_OUTPUT},
	{"dump", required_argument, NULL, OPT_DUMP},
	{"expect", required_argument, NULL, OPT_EXPECT},
	{"image", required_argument, NULL, OPT_IMAGE},
	{"labels", required_argument, NULL, OPT_LABELS},
	{"top", required_argument, NULL, OPT_TOP},
	{"device", required_argument, NULL, OPT_DEVICE},
	{"threads", required_argument, NULL, OPT_THREADS},
	{"isa", required_argument, NULL, OPT_ISA},
	{"runs", required_argument, NULL, OPT_RUNS},
	{"profile", no_argument, NULL, OPT_PROFILE},
	{"json", no_argument, NULL, OPT_JSON},
	{"images", required_argument, NULL, OPT_IMAGES},
	{"names", required_argument, NULL, OPT_NAMES},
	{"count", required_argument, NULL, OPT_COUNT},
	{"predictions", required_argument, NULL, OPT_PREDICTIONS},
	{"show", optional_argument, NULL, OPT_SHOW},
	{"help", no_argument, NULL, OPT_HELP},
	{"version", no_argument, NULL, OPT_VERSION},
	{NULL, 0, NULL, 0},
};

static const struct command {
	const char *name;
	int (*run)(const struct tool_options *options);
	bool needs_model;
} commands[] = {
	{"info", cmd_info, false},
	{"run", cmd_run, true},
	{"verify", cmd_verify, true},
	{"bench", cmd_bench, true},
	{"eval", cmd_eval, true},
};

/*
 * --input a b c takes all that follows up to the next option. getopt_long()
 * has moved past the first; it counts what is skipped here as taken.
 */
static int take_files(const char *option, int argc, char **argv,
		      const char **files, unsigned int *count)
{
	const char *file = optarg;

	for (;;) {
		if (*count == TOOL_MAX_FILES)
			return tool_error("%s takes at most %d files", option,
					  TOOL_MAX_FILES);
		files[(*count)++] = file;
		if (optind >= argc || argv[optind][0] == '-')
			return TOOL_OK;
		file = argv[optind++];
	}
}

static int take_number(const char *option, const char *text, uint32_t *value)
{
	unsigned long number;
	char *end;

	errno = 0;
	number = strtoul(text, &end, 10);
	if (errno || *end || end == text || *text == '-' || !number ||
	    number > 1000000)
		return tool_error("%s takes a number from 1 to 1000000, not '%s'",
				  option, text);
	*value = (uint32_t)number;
	return TOOL_OK;
}

static int take_form(const char *text, enum show_form *form)
{
	if (text && strcmp(text, "blocks") && strcmp(text, "text"))
		return tool_error("--show takes blocks or text, not '%s'", text);
	if (text)
		*form = *text == 'b' ? SHOW_BLOCKS : SHOW_TEXT;
	else
		*form = isatty(STDOUT_FILENO) ? SHOW_BLOCKS : SHOW_TEXT;
	return TOOL_OK;
}

static int take_option(int option, int argc, char **argv,
		       struct tool_options *options)
{
	switch (option) {
	case OPT_INPUT:
		return take_files("--input", argc, argv, options->inputs,
				  &options->num_inputs);
	case OPT_OUTPUT:
		return take_files("--output", argc, argv, options->outputs,
				  &options->num_outputs);
	case OPT_TOP:
		return take_number("--top", optarg, &options->top);
	case OPT_THREADS:
		return take_number("--threads", optarg, &options->threads);
	case OPT_RUNS:
		return take_number("--runs", optarg, &options->runs);
	case OPT_COUNT:
		return take_number("--count", optarg, &options->count);
	case OPT_SHOW:
		return take_form(optarg, &options->show);
	case OPT_DUMP:
		options->dump = optarg;
		break;
	case OPT_EXPECT:
		options->expect = optarg;
		break;
	case OPT_IMAGE:
		options->image = optarg;
		break;
	case OPT_LABELS:
		options->labels = optarg;
		break;
	case OPT_IMAGES:
		options->images = optarg;
		break;
	case OPT_NAMES:
		options->names = optarg;
		break;
	case OPT_PREDICTIONS:
		options->predictions = optarg;
		break;
	case OPT_DEVICE:
		options->device = optarg;
		break;
	case OPT_ISA:
		options->isa = optarg;
		break;
	case OPT_PROFILE:
		options->profile = true;
		break;
	case OPT_JSON:
		options->json = true;
		break;
	default:
		return tool_error("try 'qaccel --help'");
	}
	return TOOL_OK;
}

/* Everything but the command's name; exits for --help and --version. */
static int parse_options(int argc, char **argv, struct tool_options *options)
{
	int option, ret = TOOL_OK;

	while (!ret && (option = getopt_long(argc, argv, "", long_options,
					     NULL)) != -1) {
		if (option == OPT_HELP) {
			fputs(usage_text, stdout);
			exit(TOOL_OK);
		}
		if (option == OPT_VERSION) {
			uint32_t v = qaccel_version();

			printf("qaccel %u.%u.%u\n", v >> 16, v >> 8 & 0xff,
			       v & 0xff);
			exit(TOOL_OK);
		}
		ret = take_option(option, argc, argv, options);
	}
	if (!ret && optind < argc)
		options->model = argv[optind++];
	if (!ret && optind < argc)
		ret = tool_error("'%s' is one argument too many; try 'qaccel --help'",
				 argv[optind]);
	return ret;
}

int main(int argc, char **argv)
{
	struct tool_options options = {.top = 5, .runs = 20};
	const struct command *command = NULL;
	const char *name = argc > 1 ? argv[1] : "--help";

	/* They need OpenBLAS, which this program does without. */
	if (!strcmp(name, "train") || !strcmp(name, "quantize"))
		return tool_run_beside("qaccel-train", argv);
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (!strcmp(name, commands[i].name))
			command = &commands[i];
	if (!command && strncmp(name, "--", 2))
		return tool_error("'%s' is not a command; try 'qaccel --help'",
				  name);
	/* Without a command only --help and --version make sense. */
	if (!command) {
		if (argc < 2) {
			fputs(usage_text, stderr);
			return TOOL_FAILED;
		}
		if (parse_options(argc, argv, &options))
			return TOOL_FAILED;
		return tool_error("which command? try 'qaccel --help'");
	}
	if (parse_options(argc - 1, argv + 1, &options))
		return TOOL_FAILED;
	if (command->needs_model && !options.model)
		return tool_error("qaccel %s needs a MODEL; try 'qaccel --help'",
				  name);
	return command->run(&options);
}
