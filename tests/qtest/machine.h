/* SPDX-License-Identifier: MIT */
/*
 * A QEMU without CPUs that run, driven over its qtest socket
 *
 * The test plays the CPU: it reads and writes guest memory, MMIO and ports, and
 * sends QMP commands. Any failure of QEMU or of a socket ends the test.
 */
#ifndef MACHINE_H
#define MACHINE_H

#include <stddef.h>
#include <stdint.h>

/* Starts QEMU; options: further words of its command line, NULL at the end. */
void machine_start(const char *qemu, const char *const options[]);
/* Quits and checks that QEMU ended well. */
void machine_stop(void);

uint64_t machine_read(uint64_t addr, unsigned int size);
void machine_write(uint64_t addr, uint64_t value, unsigned int size);
void machine_load(uint64_t addr, const void *data, size_t size);
void machine_store(uint64_t addr, void *data, size_t size);
uint32_t machine_in32(uint16_t port);
void machine_out32(uint16_t port, uint32_t value);

/*
 * Sends a QMP command and returns its answer, valid until the next call; events
 * before it are skipped. JSON of a command without arguments: its name.
 */
const char *machine_qmp(const char *command);

_Noreturn void machine_fail(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

#endif /* MACHINE_H */
