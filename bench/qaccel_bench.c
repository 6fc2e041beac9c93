// SPDX-License-Identifier: MIT
/*
 * qaccel-bench: the time of each layer of some well-known networks
 *
 * Prints CSV: peer,version,op,shape,threads,us,GOPS,fraction_of_peak. Each
 * layer is a model of its own with its own weights and buffers, run as a user
 * runs it. SET/TOTAL_sum is the sum over the layers, each measured alone and
 * hot; SET/TOTAL_seq the time of all of them in order.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <qaccel/qaccel.h>

#include "bench.h"

struct options {
	const char *sets;
	const char *isa;
	uint32_t threads;
	struct bench_form form;
	double budget;			/* seconds for a layer */
	bool check, count, machine, list;
};

/* struct bench - what a whole run shares */
struct bench {
	struct options options;
	struct qaccel_device *device;
	struct qaccel_device_info info;
	struct qaccel_device *reference;	/* with check */
	char version[32], op[64];
	bool differs;
};

static int fail(const char *what)
{
	fprintf(stderr, "qaccel-bench: %s: %s\n", what, qaccel_last_error());
	return -1;
}

static int run_session(void *op)
{
	return qaccel_session_run(op) ? fail("run") : 0;
}

static void close_session(void *op)
{
	qaccel_session_destroy(op);
}

static struct qaccel_session *open_layer(struct qaccel_device *device,
					 const struct layer *layer,
					 const struct bench_form *form)
{
	struct qaccel_model *model = layer_model(layer, form);
	struct qaccel_session *session = NULL;
	struct qaccel_tensor_info in;

	if (!model || qaccel_session_create(device, model, NULL, &session) ||
	    qaccel_model_input(model, 0, &in)) {
		fail(layer->name);
		qaccel_model_destroy(model);
		return NULL;
	}
	layer_input(qaccel_session_input(session, 0), in.size);
	qaccel_model_destroy(model);
	return session;
}

static void *open_op(void *arg, const struct layer *layer)
{
	struct bench *b = arg;

	return open_layer(b->device, layer, &b->options.form);
}

/* ---------------------------------------------------------------- check -- */

static int check_layer(void *arg, const char *set, const struct layer *layer,
		       void *op)
{
	struct bench *b = arg;
	struct qaccel_session *session = op;
	struct qaccel_session *reference;
	size_t size = layer_out_size(layer);
	int ret = -1;

	reference = open_layer(b->reference, layer, &b->options.form);
	if (!reference)
		return -1;
	if (qaccel_session_run(session) || qaccel_session_run(reference)) {
		fail(layer->name);
	} else {
		bool equal = !memcmp(qaccel_session_output(session, 0),
				     qaccel_session_output(reference, 0), size);

		printf("check,%s,%s/%s,%zu,%s\n", b->op, set, layer->name, size,
		       equal ? "equal" : "DIFFERS");
		fflush(stdout);
		b->differs |= !equal;
		ret = 0;
	}
	qaccel_session_destroy(reference);
	return ret;
}

/* ----------------------------------------------------------------- main -- */

static const char usage[] =
"usage: qaccel-bench [--set gemm,mv1,rn50,mv2] [--threads N] [--isa NAME]\n"
"                    [--uint8] [--relu] [--check] [--budget SECONDS]\n"
"                    [--count]\n"
"       qaccel-bench --machine | --list\n"
"\n"
"CSV of the time of each layer. --uint8: both operands with zero points, per\n"
"tensor. --relu: outputs clamped at their zero point. --check: compare each\n"
"output with the scalar reference; exit status 1 if one differs. --budget: for\n"
"each layer, 0.08 by default. --count: no times; bench/arm.sh counts\n"
"instructions. --machine: what the machine can do at best.\n"
"--list: the layers, their kind and how often their network has them.\n";

static int parse(int argc, char **argv, struct options *o)
{
	static const struct option options[] = {
		{ "set", required_argument, NULL, 's' },
		{ "threads", required_argument, NULL, 't' },
		{ "isa", required_argument, NULL, 'i' },
		{ "budget", required_argument, NULL, 'b' },
		{ "uint8", no_argument, NULL, 'u' },
		{ "relu", no_argument, NULL, 'r' },
		{ "check", no_argument, NULL, 'c' },
		{ "count", no_argument, NULL, 'n' },
		{ "machine", no_argument, NULL, 'm' },
		{ "list", no_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 's')
			o->sets = optarg;
		else if (c == 't')
			o->threads = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 'i')
			o->isa = optarg;
		else if (c == 'b')
			o->budget = strtod(optarg, NULL);
		else if (c == 'u')
			o->form.uint8 = true;
		else if (c == 'r')
			o->form.relu = true;
		else if (c == 'c')
			o->check = true;
		else if (c == 'n')
			o->count = true;
		else if (c == 'm')
			o->machine = true;
		else if (c == 'l')
			o->list = true;
		else
			return fputs(usage, c == 'h' ? stdout : stderr), c;
	}
	if (optind < argc || !o->threads || o->budget <= 0)
		return fputs(usage, stderr), '?';
	return 0;
}

static int open_devices(struct bench *b)
{
	struct qaccel_device_options fast = {
		.threads = b->options.threads,
		.isa = b->options.isa,
	};
	/* More threads would still spin when the measurement begins. */
	struct qaccel_device_options slow = { .threads = 1, .isa = "ref" };

	if (qaccel_device_open(&fast, "cpu", &b->device) ||
	    (b->options.check &&
	     qaccel_device_open(&slow, "cpu", &b->reference)))
		return fail("cpu");
	qaccel_device_get_info(b->device, &b->info);
	snprintf(b->version, sizeof(b->version), "%d.%d.%d", QACCEL_VERSION_MAJOR,
		 QACCEL_VERSION_MINOR, QACCEL_VERSION_PATCH);
	snprintf(b->op, sizeof(b->op), "%s_%s%s", b->info.isa,
		 b->options.form.uint8 ? "u8" : "s8",
		 b->options.form.relu ? "_relu" : "");
	return 0;
}

/* What a roofline needs: of one core, and memory at three distances. */
static void print_machine(void)
{
	static const struct {
		const char *name;
		size_t size;
	} levels[] = {
		{ "L2", 512 << 10 }, { "L3", 8 << 20 }, { "memory", 256 << 20 },
	};

	printf("peak,%s,%.1f,GOPS\n", peak_isa(), 2e-9 * peak_macs(peak_isa()));
	for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++)
		printf("read,%s,%.1f,GB/s\n", levels[i].name,
		       1e-9 * peak_read(levels[i].size));
}

static const char *kind_of(const struct layer *l)
{
	if (l->kind == DEPTHWISE)
		return "depthwise";
	if (l->kind == GEMM)
		return "fully connected";
	if (l->in_channels == 3)
		return "first";
	return l->filter == 1 ? "1x1" : "3x3";
}

static void print_list(void)
{
	for (const struct layer_set *s = layer_sets; s->name; s++)
		for (size_t i = 0; i < s->count; i++)
			printf("%s/%s,%s,%d\n", s->name, s->layers[i].name,
			       kind_of(&s->layers[i]), s->layers[i].count);
}

int main(int argc, char **argv)
{
	struct bench b = { .options = { .threads = 1, .budget = 0.08 } };
	int ret = parse(argc, argv, &b.options);
	struct target target;

	if (ret)
		return ret == 'h' ? 0 : 2;
	if (b.options.machine)
		return print_machine(), 0;
	if (b.options.list)
		return print_list(), 0;
	ret = open_devices(&b);
	if (!ret) {
		target = (struct target){
			.peer = "qaccel",
			.version = b.version,
			.op = b.op,
			.threads = b.options.threads,
			.budget = b.options.budget,
			.count = b.options.count,
			.arg = &b,
			.open = open_op,
			.run = run_session,
			.close = close_session,
			.check = b.options.check ? check_layer : NULL,
		};
		if (!target.count)
			target.peak = peak_macs(b.info.isa);
		puts(target.count ? count_header : bench_header);
		ret = bench_sets(&target, b.options.sets);
	}
	qaccel_device_close(b.reference);
	qaccel_device_close(b.device);
	return ret ? 2 : b.differs;
}
