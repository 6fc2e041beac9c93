// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "machine.h"

#define MAX_ARGS	40
#define ANSWER_TIMEOUT	60	/* seconds, for a slow machine under load */

struct channel {
	int fd;		/* to QEMU */
	FILE *from;
};

static struct {
	char dir[32];
	struct channel qtest;
	struct channel qmp;
	pid_t pid;
	char line[65536];
} vm;

void machine_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	if (vm.pid > 0)
		kill(vm.pid, SIGKILL);
	exit(1);
}

/* ------------------------------------------------------------- sockets -- */

static void socket_path(char *path, size_t size, const char *name)
{
	snprintf(path, size, "%s/%s", vm.dir, name);
}

static int listen_at(const char *name)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	socket_path(addr.sun_path, sizeof(addr.sun_path), name);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(fd, 1))
		machine_fail("cannot listen at %s: %s", addr.sun_path,
			     strerror(errno));
	return fd;
}

/* QEMU may end before it connects, hence the timeout. */
static struct channel accept_at(int listener, const char *name)
{
	struct timeval limit = { .tv_sec = ANSWER_TIMEOUT };
	struct channel channel;
	char path[64];

	setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	channel.fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (channel.fd < 0)
		machine_fail("QEMU does not connect to %s", name);
	setsockopt(channel.fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	close(listener);
	socket_path(path, sizeof(path), name);
	unlink(path);
	channel.from = fdopen(channel.fd, "r");
	if (!channel.from)
		machine_fail("fdopen: %s", strerror(errno));
	return channel;
}

static char *receive(const struct channel *channel)
{
	if (!fgets(vm.line, sizeof(vm.line), channel->from))
		machine_fail("QEMU does not answer");
	return vm.line;
}

static void send_line(const struct channel *channel, const char *line)
{
	if (dprintf(channel->fd, "%s\n", line) < 0)
		machine_fail("QEMU does not listen");
}

/* --------------------------------------------------------------- qtest -- */

static const char *ask(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

static const char *ask(const char *format, ...)
{
	char request[8300];
	va_list args;

	va_start(args, format);
	vsnprintf(request, sizeof(request), format, args);
	va_end(args);
	send_line(&vm.qtest, request);
	if (strncmp(receive(&vm.qtest), "OK", 2))
		machine_fail("qtest: %.60s: %s", request, vm.line);
	return vm.line + 2;
}

static char width(unsigned int size)
{
	return size == 1 ? 'b' : size == 2 ? 'w' : size == 4 ? 'l' : 'q';
}

uint64_t machine_read(uint64_t addr, unsigned int size)
{
	return strtoull(ask("read%c 0x%" PRIx64, width(size), addr), NULL, 0);
}

void machine_write(uint64_t addr, uint64_t value, unsigned int size)
{
	ask("write%c 0x%" PRIx64 " 0x%" PRIx64, width(size), addr, value);
}

void machine_load(uint64_t addr, const void *data, size_t size)
{
	const unsigned char *byte = data;
	char hex[2 * 4096 + 1];

	if (size > 4096)
		machine_fail("too much for one load");
	for (size_t i = 0; i < size; i++)
		sprintf(hex + 2 * i, "%02x", byte[i]);
	ask("write 0x%" PRIx64 " 0x%zx 0x%s", addr, size, hex);
}

void machine_store(uint64_t addr, void *data, size_t size)
{
	const char *hex = strchr(ask("read 0x%" PRIx64 " 0x%zx", addr, size), 'x');
	unsigned char *byte = data;

	for (size_t i = 0; i < size; i++)
		sscanf(hex + 1 + 2 * i, "%2hhx", &byte[i]);
}

uint32_t machine_in32(uint16_t port)
{
	return (uint32_t)strtoul(ask("inl 0x%x", port), NULL, 0);
}

void machine_out32(uint16_t port, uint32_t value)
{
	ask("outl 0x%x 0x%x", port, value);
}

/* ----------------------------------------------------------------- QMP -- */

const char *machine_qmp(const char *command)
{
	char json[256];

	if (*command != '{') {
		snprintf(json, sizeof(json), "{\"execute\":\"%s\"}", command);
		command = json;
	}
	send_line(&vm.qmp, command);
	while (strncmp(receive(&vm.qmp), "{\"return\"", 9) &&
	       strncmp(vm.line, "{\"error\"", 8))
		continue;
	return vm.line;
}

/* ------------------------------------------------------- start and end -- */

static void run(const char *qemu, const char *const options[])
{
	char qtest[64], qmp[64];
	const char *args[MAX_ARGS] = {
		qemu, "-machine", "q35", "-accel", "qtest", "-m", "64",
		"-nodefaults", "-display", "none",
		"-L", "/usr/share/qemu", "-L", "/usr/share/seabios",
		"-qtest-log", "/dev/null", "-qtest", qtest, "-qmp", qmp,
	};
	size_t n = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);	/* no orphan of a test that hangs */
	snprintf(qtest, sizeof(qtest), "unix:%s/qtest", vm.dir);
	snprintf(qmp, sizeof(qmp), "unix:%s/qmp", vm.dir);
	while (args[n])
		n++;
	while (*options && n < MAX_ARGS - 1)
		args[n++] = *options++;
	execv(qemu, (char **)args);
	_exit(127);
}

void machine_start(const char *qemu, const char *const options[])
{
	int qtest, qmp;

	strcpy(vm.dir, "/tmp/qaccel-qtest.XXXXXX");
	if (!mkdtemp(vm.dir))
		machine_fail("mkdtemp: %s", strerror(errno));
	signal(SIGPIPE, SIG_IGN);
	qtest = listen_at("qtest");
	qmp = listen_at("qmp");
	vm.pid = fork();
	if (!vm.pid)
		run(qemu, options);
	vm.qtest = accept_at(qtest, "qtest");
	vm.qmp = accept_at(qmp, "qmp");
	rmdir(vm.dir);
	receive(&vm.qmp);	/* the greeting */
	machine_qmp("qmp_capabilities");
}

void machine_stop(void)
{
	int status;

	machine_qmp("quit");
	if (waitpid(vm.pid, &status, 0) != vm.pid || !WIFEXITED(status) ||
	    WEXITSTATUS(status))
		machine_fail("QEMU ended with wait status 0x%x", status);
	vm.pid = 0;
	fclose(vm.qtest.from);
	fclose(vm.qmp.from);
}
