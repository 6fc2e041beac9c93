/* SPDX-License-Identifier: MIT */
/* The public handle of a network. */
#ifndef QACCEL_TRAIN_HANDLE_H
#define QACCEL_TRAIN_HANDLE_H

#include <qaccel/train.h>

#include "net.h"

struct qaccel_net {
	struct net *net;
	char *text;			/* canonical */
	struct qaccel_simulation simulation;
};

/* A new network from an architecture's text. name: for messages. */
int handle_create(const char *name, const char *text, size_t size,
		  struct qaccel_net **handle);

/* -EINVAL: bits out of range, or a reserved field is not zero. */
int handle_check_simulation(const struct qaccel_simulation *s);

/* Forward pass as the simulation has it, with the running statistics. */
struct net_pass handle_pass(const struct qaccel_simulation *s);

/* 0: as many as there are processors. */
uint32_t handle_threads(uint32_t threads);

#endif /* QACCEL_TRAIN_HANDLE_H */
