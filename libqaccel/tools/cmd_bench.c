// SPDX-License-Identifier: MIT
/* qaccel bench: how long a model takes, over many runs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool.h"

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Some bytes that are not all alike; the time doesn't depend on which. */
static void fill_pattern(struct tool_run *run)
{
	struct qaccel_tensor_info info;

	for (uint32_t i = 0; !qaccel_model_input(run->model, i, &info); i++) {
		uint8_t *data = qaccel_session_input(run->session, i);
		uint32_t state = 1;

		/* Random bits would be NaNs and denormals in float inputs. */
		if (info.type == QACCEL_TYPE_FLOAT32) {
			memset(data, 0, info.size);
			continue;
		}
		for (size_t j = 0; j < info.size; j++) {
			state = state * 1664525 + 1013904223;
			data[j] = (uint8_t)(state >> 24);
		}
	}
}

static void show_progress(uint32_t done, uint32_t runs)
{
	if (!isatty(STDERR_FILENO))
		return;
	fprintf(stderr, "\r%u of %u runs", done, runs);
	if (done == runs)
		fprintf(stderr, "\r%40s\r", "");
}

static int measure(const struct tool_options *options, struct tool_run *run,
		   double *ms)
{
	struct qaccel_run_stats stats;

	/* The first run touches memory for the first time: not counted. */
	if (qaccel_session_run(run->session))
		return tool_library_error();
	for (uint32_t i = 0; i < options->runs; i++) {
		if (qaccel_session_run(run->session))
			return tool_library_error();
		qaccel_session_stats(run->session, &stats);
		ms[i] = (double)stats.elapsed_ns / 1e6;
		show_progress(i + 1, options->runs);
	}
	qsort(ms, options->runs, sizeof(*ms), by_value);
	return TOOL_OK;
}

static void print_json(const struct tool_options *options,
		       struct tool_run *run, const double *ms)
{
	struct qaccel_run_stats stats;
	cJSON *json = cJSON_CreateObject();
	uint32_t runs = options->runs;

	qaccel_session_stats(run->session, &stats);
	cJSON_AddStringToObject(json, "model", options->model);
	cJSON_AddItemToObject(json, "device", report_device_json(run->device));
	cJSON_AddNumberToObject(json, "runs", runs);
	cJSON_AddNumberToObject(json, "min_ms", ms[0]);
	cJSON_AddNumberToObject(json, "median_ms", ms[runs / 2]);
	cJSON_AddNumberToObject(json, "p90_ms", ms[runs * 9 / 10]);
	cJSON_AddItemToObject(json, "stats", report_stats_json(&stats));
	report_print_json(json);
}

/* The device has no clock for a command: its timing model's cycles instead. */
static void print_commands(struct tool_run *run)
{
	struct qaccel_device_info info;
	struct qaccel_op_stats s;

	qaccel_device_get_info(run->device, &info);
	printf("  op  command     %11s      GOPS\n",
	       info.is_cpu ? "time us" : "cycles");
	for (uint32_t i = 0; !qaccel_session_op_stats(run->session, i, &s); i++) {
		double ns = info.is_cpu ? (double)s.elapsed_ns :
			    (double)s.cycles * 1e6 / info.clock_khz;

		printf("%4u  %-11s %11.1f %9.1f\n", s.op, s.command,
		       info.is_cpu ? ns / 1e3 : (double)s.cycles,
		       ns > 0 ? 2.0 * (double)s.macs / ns : 0.0);
	}
}

static void print_human(const struct tool_options *options,
			struct tool_run *run, const double *ms)
{
	struct qaccel_device_info info;
	struct qaccel_run_stats stats;
	uint32_t runs = options->runs;

	qaccel_device_get_info(run->device, &info);
	qaccel_session_stats(run->session, &stats);
	if (options->profile)
		print_commands(run);
	printf("%s on %s%s%s: min %.3f ms, median %.3f, p90 %.3f over %u runs; %.1f GOPS at best\n",
	       options->model, info.name, info.is_cpu ? " " : "", info.isa,
	       ms[0], ms[runs / 2], ms[runs * 9 / 10], runs,
	       2.0 * (double)stats.macs / (ms[0] * 1e6));
}

int cmd_bench(const struct tool_options *options)
{
	struct qaccel_session_options session_options = {
		.profile = options->profile,
	};
	double *ms = calloc(options->runs, sizeof(*ms));
	struct tool_run run;
	int ret = TOOL_OK;

	if (!ms)
		return tool_error("out of memory");
	if (tool_open(options, &session_options, &run)) {
		free(ms);
		return TOOL_FAILED;
	}
	if (options->num_inputs || options->image)
		ret = tool_fill_inputs(options, &run);
	else
		fill_pattern(&run);
	if (!ret)
		ret = measure(options, &run, ms);
	if (!ret && options->json)
		print_json(options, &run, ms);
	else if (!ret)
		print_human(options, &run, ms);
	tool_close(&run);
	free(ms);
	return ret;
}
