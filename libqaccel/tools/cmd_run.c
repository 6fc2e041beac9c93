// SPDX-License-Identifier: MIT
/* qaccel run: one inference, its outputs and what it cost. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tool.h"

/* struct outcome - what a run left behind besides its outputs */
struct outcome {
	struct qaccel_counters before, after;
	struct qaccel_run_stats stats;
	struct labels labels;
};

static int run_once(struct tool_run *run, struct outcome *outcome)
{
	if (qaccel_device_get_counters(run->device, &outcome->before) ||
	    qaccel_session_run(run->session) ||
	    qaccel_device_get_counters(run->device, &outcome->after))
		return tool_library_error();
	qaccel_session_stats(run->session, &outcome->stats);
	return TOOL_OK;
}

static int write_outputs(const struct tool_options *options,
			 struct tool_run *run)
{
	struct qaccel_tensor_info info;
	int ret = TOOL_OK;

	if (options->num_outputs > qaccel_model_num_outputs(run->model))
		return tool_error("the model has %u outputs, but %u --output files are given",
				  qaccel_model_num_outputs(run->model),
				  options->num_outputs);
	for (uint32_t i = 0; i < options->num_outputs && !ret; i++) {
		if (qaccel_model_output(run->model, i, &info))
			return tool_library_error();
		ret = file_write(options->outputs[i],
				 qaccel_session_output(run->session, i),
				 info.size);
	}
	return ret;
}

static int dump_tensor(const char *dir, struct tool_run *run, uint32_t index)
{
	const void *data = qaccel_session_tensor(run->session, index);
	struct qaccel_tensor_info info;
	char path[4096];

	if (!data || qaccel_model_tensor(run->model, index, &info))
		return tool_error("tensor %u is not there", index);
	if (snprintf(path, sizeof(path), "%s/t%u.bin", dir, index) >=
	    (int)sizeof(path))
		return tool_error("%s: name too long", dir);
	return file_write(path, data, info.size);
}

static int dump_tensors(const char *dir, struct tool_run *run)
{
	struct qaccel_op_info op;
	int ret = TOOL_OK;

	if (mkdir(dir, 0777) && errno != EEXIST)
		return tool_error("%s: %s", dir, strerror(errno));
	for (uint32_t i = 0; !ret && !qaccel_model_op(run->model, i, &op); i++)
		for (uint32_t o = 0; o < op.num_outputs && !ret; o++)
			ret = dump_tensor(dir, run, (uint32_t)op.outputs[o]);
	return ret;
}

/* ------------------------------------------------------------- people -- */

static void print_top(const struct tool_options *options, struct tool_run *run,
		      uint32_t output, const struct labels *labels)
{
	struct top_entry *top = calloc(options->top, sizeof(*top));
	struct qaccel_tensor_info info;
	size_t count;

	if (!top || qaccel_model_output(run->model, output, &info)) {
		free(top);
		return;
	}
	count = report_top(&info, qaccel_session_output(run->session, output),
			   top, options->top);
	for (size_t i = 0; i < count; i++)
		printf("%10.6f  %5zu  %s\n", top[i].value, top[i].index,
		       top[i].index < labels->count
			       ? labels->lines[top[i].index] : "");
	free(top);
}

static void print_cost(struct tool_run *run, const struct outcome *outcome)
{
	const struct qaccel_run_stats *stats = &outcome->stats;
	struct qaccel_device_info info;

	qaccel_device_get_info(run->device, &info);
	printf("%s%s%s: %.3f ms, %u commands, %" PRIu64 " MACs\n", info.name,
	       info.is_cpu ? ", " : "", info.isa,
	       (double)stats->elapsed_ns / 1e6, stats->commands, stats->macs);
	if (info.is_cpu)
		return;
	printf("  %" PRIu64 " cycles (%.3f ms at %u MHz), utilization %.1f %%\n",
	       stats->cycles, (double)stats->cycles / info.clock_khz,
	       info.clock_khz / 1000, 100 * stats->utilization);
	printf("  %" PRIu64 " bytes read, %" PRIu64 " written\n",
	       stats->bytes_read, stats->bytes_written);
	printf("  %" PRIu64 " submit, %" PRIu64 " doorbell, %" PRIu64
	       " interrupt\n",
	       outcome->after.submits - outcome->before.submits,
	       outcome->after.doorbells - outcome->before.doorbells,
	       outcome->after.interrupts - outcome->before.interrupts);
}

static void print_commands(struct tool_run *run)
{
	struct qaccel_op_stats s;

	printf("  op  command       time us        cycles          MACs       bytes\n");
	for (uint32_t i = 0; !qaccel_session_op_stats(run->session, i, &s); i++)
		printf("%4u  %-11s %9.1f %13" PRIu64 " %13" PRIu64 " %11" PRIu64
		       "\n", s.op, s.command, (double)s.elapsed_ns / 1e3,
		       s.cycles, s.macs, s.bytes_read + s.bytes_written);
}

static void print_human(const struct tool_options *options,
			struct tool_run *run, const struct outcome *outcome)
{
	if (options->profile)
		print_commands(run);
	for (uint32_t i = 0; i < qaccel_model_num_outputs(run->model); i++)
		print_top(options, run, i, &outcome->labels);
	print_cost(run, outcome);
}

/* ----------------------------------------------------------- machines -- */

static cJSON *top_json(const struct tool_options *options,
		       const struct qaccel_tensor_info *info, const void *data,
		       const struct labels *labels)
{
	struct top_entry *top = calloc(options->top, sizeof(*top));
	cJSON *list = cJSON_CreateArray();
	size_t count = top ? report_top(info, data, top, options->top) : 0;

	for (size_t i = 0; i < count; i++) {
		cJSON *entry = cJSON_CreateObject();

		cJSON_AddNumberToObject(entry, "index", (double)top[i].index);
		cJSON_AddNumberToObject(entry, "value", top[i].value);
		if (top[i].index < labels->count)
			cJSON_AddStringToObject(entry, "label",
						labels->lines[top[i].index]);
		cJSON_AddItemToArray(list, entry);
	}
	free(top);
	return list;
}

static cJSON *outputs_json(const struct tool_options *options,
			   struct tool_run *run, const struct labels *labels)
{
	cJSON *list = cJSON_CreateArray();
	struct qaccel_tensor_info info;

	for (uint32_t i = 0; !qaccel_model_output(run->model, i, &info); i++) {
		const void *data = qaccel_session_output(run->session, i);
		cJSON *json = report_tensor_json(&info);
		char hex[65];

		sha256_hex(data, info.size, hex);
		cJSON_AddStringToObject(json, "sha256", hex);
		cJSON_AddItemToObject(json, "top",
				      top_json(options, &info, data, labels));
		cJSON_AddItemToArray(list, json);
	}
	return list;
}

static cJSON *commands_json(struct tool_run *run)
{
	cJSON *list = cJSON_CreateArray();
	struct qaccel_op_stats s;

	for (uint32_t i = 0; !qaccel_session_op_stats(run->session, i, &s); i++) {
		cJSON *json = cJSON_CreateObject();

		cJSON_AddNumberToObject(json, "op", s.op);
		cJSON_AddStringToObject(json, "command", s.command);
		cJSON_AddNumberToObject(json, "elapsed_ns", (double)s.elapsed_ns);
		cJSON_AddNumberToObject(json, "cycles", (double)s.cycles);
		cJSON_AddNumberToObject(json, "macs", (double)s.macs);
		cJSON_AddNumberToObject(json, "bytes_read", (double)s.bytes_read);
		cJSON_AddNumberToObject(json, "bytes_written",
					(double)s.bytes_written);
		cJSON_AddItemToArray(list, json);
	}
	return list;
}

static void print_json(const struct tool_options *options,
		       struct tool_run *run, const struct outcome *outcome)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddStringToObject(json, "model", options->model);
	cJSON_AddItemToObject(json, "device", report_device_json(run->device));
	cJSON_AddItemToObject(json, "outputs",
			      outputs_json(options, run, &outcome->labels));
	cJSON_AddItemToObject(json, "stats", report_stats_json(&outcome->stats));
	cJSON_AddItemToObject(json, "counters",
			      report_counters_json(&outcome->before,
						   &outcome->after));
	if (options->profile)
		cJSON_AddItemToObject(json, "commands", commands_json(run));
	report_print_json(json);
}

int cmd_run(const struct tool_options *options)
{
	struct qaccel_session_options session_options = {
		.keep_tensors = options->dump != NULL,
		.profile = options->profile,
	};
	struct outcome outcome = {0};
	struct tool_run run;
	int ret;

	if (options->show && !options->image)
		return tool_error("--show needs --image FILE");
	if (options->labels && labels_load(options->labels, &outcome.labels))
		return TOOL_FAILED;
	ret = tool_open(options, &session_options, &run);
	if (!ret)
		ret = tool_fill_inputs(options, &run);
	if (!ret)
		ret = run_once(&run, &outcome);
	if (!ret)
		ret = write_outputs(options, &run);
	if (!ret && options->dump)
		ret = dump_tensors(options->dump, &run);
	if (!ret && options->show && !options->json)
		ret = show_picture(options->image, options->show);
	if (!ret && options->json)
		print_json(options, &run, &outcome);
	else if (!ret)
		print_human(options, &run, &outcome);
	tool_close(&run);
	labels_free(&outcome.labels);
	return ret;
}
