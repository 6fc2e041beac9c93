// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A plugin of QEMU that counts the guest's instructions between two marks: a
 * system call that no kernel has (bench/count.c). Writes a line for each pair.
 */
#include <inttypes.h>
#include <stdio.h>

#include <qemu-plugin.h>

#define COUNT_MARK	0x71acc

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

static uint64_t instructions, start;
static bool open;

static void executed(unsigned int vcpu, void *count)
{
	(void)vcpu;
	instructions += (uintptr_t)count;
}

/*
 * A block's instructions count as it is entered; a system call ends a block.
 * Counting inline would be faster, but each version of QEMU has it otherwise.
 */
static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	uintptr_t count = qemu_plugin_tb_n_insns(tb);

	(void)id;
	qemu_plugin_register_vcpu_tb_exec_cb(tb, executed,
					     QEMU_PLUGIN_CB_NO_REGS,
					     (void *)count);
}

static void called(qemu_plugin_id_t id, unsigned int vcpu, int64_t number,
		   uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
		   uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8)
{
	char line[32];

	(void)id, (void)vcpu;
	(void)a1, (void)a2, (void)a3, (void)a4;
	(void)a5, (void)a6, (void)a7, (void)a8;
	if (number != COUNT_MARK)
		return;
	if (open) {
		snprintf(line, sizeof(line), "%" PRIu64 "\n",
			 instructions - start);
		qemu_plugin_outs(line);
	}
	start = instructions;
	open = !open;
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id,
					   const qemu_info_t *info, int argc,
					   char **argv)
{
	(void)info, (void)argc, (void)argv;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_vcpu_syscall_cb(id, called);
	return 0;
}
