// SPDX-License-Identifier: MIT
/* The sets of layers, run on a target: a row for each layer, two for totals. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

const char bench_header[] =
	"peer,version,op,shape,threads,us,GOPS,fraction_of_peak";

const char count_header[] = "peer,version,op,shape,times,instructions";

static void print_row(const struct target *t, const char *set,
		      const char *shape, double seconds, double macs)
{
	double gops = 2e-9 * macs / seconds;

	printf("%s,%s,%s,%s/%s,%u,%.2f,%.1f,", t->peer, t->version, t->op, set,
	       shape, t->threads, seconds * 1e6, gops);
	if (t->peak > 0)
		printf("%.3f", macs / seconds / t->peak / t->threads);
	putchar('\n');
	fflush(stdout);
}

/* struct job - one layer on a target */
struct job {
	const struct target *target;
	void *op;
};

static int run_job(void *arg)
{
	const struct job *job = arg;

	return job->target->run(job->op);
}

/* struct sequence - the layers of a set, each as often as it occurs */
struct sequence {
	struct job *jobs;
	size_t count;
};

static int run_sequence(void *arg)
{
	const struct sequence *s = arg;

	for (size_t i = 0; i < s->count; i++)
		if (run_job(&s->jobs[i]))
			return -1;
	return 0;
}

static void close_sequence(struct sequence *s)
{
	for (size_t i = 0; i < s->count; i++)
		s->jobs[i].target->close(s->jobs[i].op);
	free(s->jobs);
}

/* Instances of a layer share nothing: weights come from memory, as in life. */
static int open_instances(const struct target *t, const struct layer *layer,
			  struct sequence *s)
{
	size_t want = s->count + (size_t)layer->count;
	struct job *more = realloc(s->jobs, want * sizeof(*more));

	if (!more)
		return -1;
	s->jobs = more;
	while (s->count < want) {
		void *op = t->open(t->arg, layer);

		if (!op)
			return -1;
		s->jobs[s->count++] = (struct job){ t, op };
	}
	return 0;
}

static int bench_layer(const struct target *t, const struct layer_set *set,
		       const struct layer *layer, struct sequence *s,
		       double *sum)
{
	struct job *job;
	double seconds;

	if (open_instances(t, layer, s))
		return -1;
	job = &s->jobs[s->count - 1];
	if (t->check && t->check(t->arg, set->name, layer, job->op))
		return -1;
	seconds = time_run(run_job, job, t->threads, t->budget);
	if (seconds < 0)
		return -1;
	print_row(t, set->name, layer->name, seconds, layer_macs(layer));
	*sum += seconds * layer->count;
	return 0;
}

/* The first run touches its memory for the first time. */
static int count_layer(const struct target *t, const struct layer_set *set,
		       const struct layer *layer)
{
	void *op = t->open(t->arg, layer);
	int ret;

	if (!op)
		return -1;
	ret = t->check ? t->check(t->arg, set->name, layer, op) : t->run(op);
	if (!ret) {
		count_mark();
		ret = t->run(op);
		count_mark();
		printf("%s,%s,%s,%s/%s,%d,\n", t->peer, t->version, t->op,
		       set->name, layer->name, layer->count);
	}
	t->close(op);
	return ret;
}

static int count_set(const struct target *t, const struct layer_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		if (count_layer(t, set, &set->layers[i])) {
			fprintf(stderr, "%s: %s/%s failed\n", t->peer,
				set->name, set->layers[i].name);
			return -1;
		}
	return 0;
}

static int bench_set(const struct target *t, const struct layer_set *set)
{
	struct sequence s = { 0 };
	double sum = 0, macs = 0, seconds;
	int ret = 0;

	for (size_t i = 0; i < set->count && !ret; i++) {
		ret = bench_layer(t, set, &set->layers[i], &s, &sum);
		if (ret)
			fprintf(stderr, "%s: %s/%s failed\n", t->peer,
				set->name, set->layers[i].name);
		macs += layer_macs(&set->layers[i]) * set->layers[i].count;
	}
	/* Unrelated products have no total. */
	if (!ret && strcmp(set->name, "gemm")) {
		print_row(t, set->name, "TOTAL_sum", sum, macs);
		seconds = time_run(run_sequence, &s, t->threads,
				   12 * t->budget);
		if (seconds < 0)
			ret = -1;
		else
			print_row(t, set->name, "TOTAL_seq", seconds, macs);
	}
	close_sequence(&s);
	return ret;
}

static bool listed(const char *list, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = list; (at = strstr(at, name)); at += length)
		if ((at == list || at[-1] == ',') &&
		    (at[length] == ',' || !at[length]))
			return true;
	return false;
}

int bench_sets(const struct target *target, const char *names)
{
	int ret = 0;

	for (const struct layer_set *s = layer_sets; s->name && !ret; s++)
		if (!names || listed(names, s->name))
			ret = target->count ? count_set(target, s) :
			      bench_set(target, s);
	return ret;
}
