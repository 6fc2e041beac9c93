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

#include "bench.h"

struct options {
	const char *sets;
	const char *isa;
	uint32_t threads;
	struct bench_form form;
	double budget;			/* seconds for a layer */
	bool check;
};

/* struct bench - what a whole run shares */
struct bench {
	struct options options;
	struct qaccel_device *device;
	struct qaccel_device_info info;
	struct qaccel_device *reference;	/* with check */
	double peak;			/* MACs a second of one core, or 0 */
	char op[64];
	bool differs;
};

static int fail(const char *what)
{
	fprintf(stderr, "qaccel-bench: %s: %s\n", what, qaccel_last_error());
	return -1;
}

static void print_row(const struct bench *b, const char *set, const char *shape,
		      double seconds, double macs)
{
	double gops = 2e-9 * macs / seconds;

	printf("qaccel,%d.%d.%d,%s,%s/%s,%u,%.2f,%.1f,", QACCEL_VERSION_MAJOR,
	       QACCEL_VERSION_MINOR, QACCEL_VERSION_PATCH, b->op, set, shape,
	       b->options.threads, seconds * 1e6, gops);
	if (b->peak > 0)
		printf("%.3f", macs / seconds / b->peak / b->options.threads);
	putchar('\n');
	fflush(stdout);
}

static int run_session(void *arg)
{
	return qaccel_session_run(arg);
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

/* ---------------------------------------------------------------- check -- */

static int check_layer(struct bench *b, const char *set,
		       const struct layer *layer,
		       struct qaccel_session *session)
{
	struct qaccel_session *reference;
	size_t size = (size_t)(layer_macs(layer) /
			       (layer->filter * layer->filter *
				(layer->kind == DEPTHWISE ? 1 :
				 layer->in_channels)));
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

/* ----------------------------------------------------------------- sets -- */

/* struct sequence - the sessions of a set, each layer as often as it occurs */
struct sequence {
	struct qaccel_session **sessions;
	size_t count;
};

static int run_sequence(void *arg)
{
	struct sequence *s = arg;

	for (size_t i = 0; i < s->count; i++)
		if (qaccel_session_run(s->sessions[i]))
			return -1;
	return 0;
}

static void close_sequence(struct sequence *s)
{
	for (size_t i = 0; i < s->count; i++)
		qaccel_session_destroy(s->sessions[i]);
	free(s->sessions);
}

/* Instances of a layer share nothing: weights come from memory, as in life. */
static int open_instances(struct bench *b, const struct layer *layer,
			  struct sequence *s)
{
	size_t want = s->count + (size_t)layer->count;
	struct qaccel_session **more = realloc(s->sessions,
					       want * sizeof(*more));

	if (!more)
		return -1;
	s->sessions = more;
	while (s->count < want) {
		more[s->count] = open_layer(b->device, layer, &b->options.form);
		if (!more[s->count])
			return -1;
		s->count++;
	}
	return 0;
}

static int bench_layer(struct bench *b, const struct layer_set *set,
		       const struct layer *layer, struct sequence *s,
		       double *sum)
{
	struct qaccel_session *session;
	double seconds;

	if (open_instances(b, layer, s))
		return -1;
	session = s->sessions[s->count - 1];
	if (b->options.check && check_layer(b, set->name, layer, session))
		return -1;
	seconds = time_run(run_session, session, b->options.threads,
			   b->options.budget);
	if (seconds < 0)
		return fail(layer->name);
	print_row(b, set->name, layer->name, seconds, layer_macs(layer));
	*sum += seconds * layer->count;
	return 0;
}

static int bench_set(struct bench *b, const struct layer_set *set)
{
	struct sequence s = { 0 };
	double sum = 0, macs = 0, seconds;
	int ret = 0;

	for (size_t i = 0; i < set->count && !ret; i++) {
		ret = bench_layer(b, set, &set->layers[i], &s, &sum);
		macs += layer_macs(&set->layers[i]) * set->layers[i].count;
	}
	if (!ret) {
		print_row(b, set->name, "TOTAL_sum", sum, macs);
		seconds = time_run(run_sequence, &s, b->options.threads,
				   12 * b->options.budget);
		if (seconds < 0)
			ret = fail(set->name);
		else
			print_row(b, set->name, "TOTAL_seq", seconds, macs);
	}
	close_sequence(&s);
	return ret;
}

/* ----------------------------------------------------------------- main -- */

static bool listed(const char *list, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = list; (at = strstr(at, name)); at += length)
		if ((at == list || at[-1] == ',') &&
		    (at[length] == ',' || !at[length]))
			return true;
	return false;
}

static const char usage[] =
"usage: qaccel-bench [--set gemm,mv1,rn50,mv2] [--threads N] [--isa NAME]\n"
"                    [--uint8] [--relu] [--check] [--budget SECONDS]\n"
"\n"
"CSV of the time of each layer. --uint8: both operands with zero points, per\n"
"tensor. --relu: outputs clamped at their zero point. --check: compare each\n"
"output with the scalar reference; exit status 1 if one differs. --budget: for\n"
"each layer, 0.08 by default.\n";

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
	struct qaccel_device_options slow = { .isa = "ref" };

	if (qaccel_device_open(&fast, "cpu", &b->device) ||
	    (b->options.check &&
	     qaccel_device_open(&slow, "cpu", &b->reference)))
		return fail("cpu");
	qaccel_device_get_info(b->device, &b->info);
	b->peak = peak_macs(b->info.isa);
	snprintf(b->op, sizeof(b->op), "%s_%s%s", b->info.isa,
		 b->options.form.uint8 ? "u8" : "s8",
		 b->options.form.relu ? "_relu" : "");
	return 0;
}

int main(int argc, char **argv)
{
	struct bench b = { .options = { .threads = 1, .budget = 0.08 } };
	int ret = parse(argc, argv, &b.options);

	if (ret)
		return ret == 'h' ? 0 : 2;
	ret = open_devices(&b);
	if (!ret)
		puts("peer,version,op,shape,threads,us,GOPS,fraction_of_peak");
	for (const struct layer_set *s = layer_sets; s->name && !ret; s++)
		if (!b.options.sets || listed(b.options.sets, s->name))
			ret = bench_set(&b, s);
	qaccel_device_close(b.reference);
	qaccel_device_close(b.device);
	return ret ? 2 : b.differs;
}
