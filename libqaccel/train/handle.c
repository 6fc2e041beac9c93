// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arch.h"
#include "error.h"
#include "handle.h"

#define MAX_THREADS 256

/* net_create() names the layer, this the file. */
static int create_net(const char *name, const struct arch *arch,
		      struct net **net)
{
	char reason[320];
	int err;

	err = net_create(arch->in, arch->layers, arch->num_layers, net);
	if (err != -EINVAL)
		return err;
	snprintf(reason, sizeof(reason), "%s", qaccel_last_error());
	return qaccel_error(EINVAL, "%s: %s", name, reason);
}

int handle_create(const char *name, const char *text, size_t size,
		  struct qaccel_net **handle)
{
	struct qaccel_net *h;
	struct arch *arch;
	int err;

	err = arch_parse(name, text, size, &arch);
	if (err)
		return err;
	h = calloc(1, sizeof(*h));
	if (h)
		h->text = arch_write(arch);
	err = h && h->text ? create_net(name, arch, &h->net) :
	      qaccel_error(ENOMEM, "out of memory");
	free(arch);
	if (err) {
		qaccel_net_destroy(h);
		return err;
	}
	*handle = h;
	return 0;
}

int qaccel_net_create(const char *name, const char *text, size_t size,
		      struct qaccel_net **net)
{
	return handle_create(name, text, size, net);
}

int qaccel_net_create_file(const char *path, struct qaccel_net **net)
{
	/* One byte more than allowed: arch_parse() then says so. */
	char *text = malloc(ARCH_MAX_SIZE + 1);
	FILE *file = fopen(path, "rb");
	size_t size;
	int err;

	if (!file || !text) {
		err = file ? ENOMEM : errno;
		err = qaccel_error(err, "%s: %s", path, strerror(err));
	} else {
		errno = EIO;
		size = fread(text, 1, ARCH_MAX_SIZE + 1, file);
		err = ferror(file) ?
		      qaccel_error(errno, "%s: %s", path, strerror(errno)) :
		      handle_create(path, text, size, net);
	}
	if (file)
		fclose(file);
	free(text);
	return err;
}

void qaccel_net_destroy(struct qaccel_net *net)
{
	if (!net)
		return;
	net_destroy(net->net);
	free(net->text);
	free(net);
}

void qaccel_net_get_info(const struct qaccel_net *net,
			 struct qaccel_net_info *info)
{
	const struct net *n = net->net;

	*info = (struct qaccel_net_info){
		.height = n->in.h,
		.width = n->in.w,
		.channels = n->in.c,
		.classes = n->classes,
		.layers = n->num_layers,
		.parameters = net_num_weights(n),
		.macs = net_macs(n),
	};
}

const char *qaccel_net_architecture(const struct qaccel_net *net)
{
	return net->text;
}

/* ----------------------------------------------------------- simulation -- */

static int check_bits(const char *what, uint32_t bits)
{
	if (bits == 1 || bits > 8)
		return qaccel_error(EINVAL, "%u bits of %s: 2 to 8, or 0 for float",
				    bits, what);
	return 0;
}

int handle_check_simulation(const struct qaccel_simulation *s)
{
	static const bool no_pad[sizeof(s->pad)];
	int err;

	err = check_bits("weights", s->weight_bits);
	if (!err)
		err = check_bits("activations", s->activation_bits);
	if (err)
		return err;
	if (s->per_channel && s->asymmetric)
		return qaccel_error(EINVAL, "weights per channel have no zero point");
	if (memcmp(s->pad, no_pad, sizeof(no_pad)) || s->reserved[0] ||
	    s->reserved[1])
		return qaccel_error(EINVAL, "a reserved option is not zero");
	return 0;
}

int qaccel_net_simulate(struct qaccel_net *net,
			const struct qaccel_simulation *simulation)
{
	int err = handle_check_simulation(simulation);

	if (err)
		return err;
	net->simulation = *simulation;
	for (uint32_t i = 0; i < net->net->num_layers; i++) {
		struct net_layer *layer = &net->net->layers[i];

		if (layer->desc.keep_float)
			continue;
		layer->quant = (struct net_quant){
			.weight_bits = simulation->weight_bits,
			.activation_bits = simulation->activation_bits,
			.per_channel = simulation->per_channel,
			.asymmetric = simulation->asymmetric,
		};
	}
	return 0;
}

void qaccel_net_get_simulation(const struct qaccel_net *net,
			       struct qaccel_simulation *simulation)
{
	*simulation = net->simulation;
}

struct net_pass handle_pass(const struct qaccel_simulation *s)
{
	return (struct net_pass){
		/* The integers' order of operations; in float it is the same. */
		.fold = s->weight_bits || s->activation_bits,
		.quantize_weights = s->weight_bits != 0,
		.quantize_activations = s->activation_bits != 0,
	};
}

uint32_t handle_threads(uint32_t threads)
{
	long n = threads ? (long)threads : sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n > MAX_THREADS ? MAX_THREADS : (uint32_t)n;
}
