/* SPDX-License-Identifier: MIT */
/*
 * Architecture files: a network as a short text, one layer a line
 *
 * docs/training.md describes the language. A checkpoint holds the text that
 * arch_write() makes, which arch_parse() reads back to the same layers.
 */
#ifndef QACCEL_TRAIN_ARCH_H
#define QACCEL_TRAIN_ARCH_H

#include <stddef.h>
#include <stdint.h>

#include "net.h"

#define ARCH_MAX_SIZE	(64 * 1024)	/* bytes of a text */
#define ARCH_MAX_LINE	200		/* bytes of a line */
#define ARCH_MAX_VALUE	65535		/* numbers: 1 to this */

struct arch {
	struct net_shape in;
	uint32_t num_layers;
	struct net_layer_desc layers[NET_MAX_LAYERS];
};

/*
 * text: any bytes, size of them. name: of the file, for messages. -EINVAL with
 * "name:line: reason" as the last error. What only net_create() can tell, such
 * as shapes that don't fit, isn't checked. The caller frees arch.
 */
int arch_parse(const char *name, const char *text, size_t size,
	       struct arch **arch);

/* The canonical text, to be freed by the caller; NULL: out of memory. */
char *arch_write(const struct arch *arch);

#endif /* QACCEL_TRAIN_ARCH_H */
