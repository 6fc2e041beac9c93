// SPDX-License-Identifier: MIT
/* The qaccel-train program: the commands that need OpenBLAS. */
#include <stdio.h>
#include <string.h>

#include "train_tool.h"

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
	{"train", cmd_train},
	{"quantize", cmd_quantize},
};

static const char usage_text[] =
"usage: qaccel-train train ...\n"
"       qaccel-train quantize ...\n"
"\n"
"'qaccel-train COMMAND --help' says more; see qaccel-train(1).\n";

int main(int argc, char **argv)
{
	if (argc < 2) {
		fputs(usage_text, stderr);
		return TOOL_FAILED;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	if (!strcmp(argv[1], "--help")) {
		fputs(usage_text, stdout);
		return TOOL_OK;
	}
	if (!strcmp(argv[1], "--version")) {
		uint32_t v = qaccel_version();

		printf("qaccel %u.%u.%u\n", v >> 16, v >> 8 & 0xff, v & 0xff);
		return TOOL_OK;
	}
	return tool_error("'%s' is not a command; try 'qaccel-train --help'",
			  argv[1]);
}
