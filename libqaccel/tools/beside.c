// SPDX-License-Identifier: MIT
/* Commands that are programs of their own. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "tool.h"

/* The program of that name in this program's folder; false: no telling. */
static bool path_beside(const char *program, char path[PATH_MAX])
{
	ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);
	char *slash;

	if (length <= 0)
		return false;
	path[length] = '\0';
	slash = strrchr(path, '/');
	if (!slash || (size_t)(slash + 1 - path) + strlen(program) >= PATH_MAX)
		return false;
	strcpy(slash + 1, program);
	return true;
}

int tool_run_beside(const char *program, char **argv)
{
	const char *command = argv[1];
	char path[PATH_MAX];

	argv[0] = (char *)program;
	if (path_beside(program, path))
		execv(path, argv);
	execvp(program, argv);
	return tool_error("qaccel %s is done by the program %s, which is neither beside qaccel nor in PATH: %s",
			  command, program, strerror(errno));
}
