// SPDX-License-Identifier: MIT
/* qaccel info: the devices of this machine, or what is in a model. */
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tool.h"

/* ------------------------------------------------------------ devices -- */

static void print_device(const struct qaccel_device *device)
{
	struct qaccel_device_info info;

	qaccel_device_get_info(device, &info);
	if (info.is_cpu)
		printf("%-20s %s kernels, %u threads\n", info.name, info.isa,
		       info.threads);
	else
		printf("%-20s hardware %u.%u, %u engines of %u x %u MACs at %u MHz, %u bytes/cycle\n",
		       info.name, info.hw_version >> 16,
		       info.hw_version & 0xffff, info.engines, info.mac_rows,
		       info.mac_columns, info.clock_khz / 1000,
		       info.dma_bytes_per_cycle);
}

/* A node that cannot be opened is shown with the reason: often a permission. */
static void show_device(const char *name, const struct tool_options *options,
			cJSON *list)
{
	struct qaccel_device_options device_options = {
		.threads = options->threads,
		.isa = options->isa,
	};
	struct qaccel_device *device;

	if (qaccel_device_open(&device_options, name, &device)) {
		if (!list)
			printf("%-20s %s\n", name, qaccel_last_error());
		return;
	}
	if (list)
		cJSON_AddItemToArray(list, report_device_json(device));
	else
		print_device(device);
	qaccel_device_close(device);
}

static int show_devices(const struct tool_options *options)
{
	uint32_t version = qaccel_version();
	cJSON *json = NULL, *list = NULL;
	glob_t nodes;

	if (options->json) {
		json = cJSON_CreateObject();
		list = cJSON_AddArrayToObject(json, "devices");
	} else {
		printf("libqaccel %u.%u.%u\n", version >> 16,
		       version >> 8 & 0xff, version & 0xff);
	}
	if (options->device) {
		show_device(options->device, options, list);
	} else {
		show_device("cpu", options, list);
		if (!glob("/dev/accel/accel*", 0, NULL, &nodes)) {
			for (size_t i = 0; i < nodes.gl_pathc; i++)
				show_device(nodes.gl_pathv[i], options, list);
			globfree(&nodes);
		}
	}
	if (json)
		report_print_json(json);
	return TOOL_OK;
}

/* -------------------------------------------------------------- model -- */

static void print_tensor(const char *what, uint32_t i,
			 const struct qaccel_tensor_info *info)
{
	char shape[96];

	printf("%s %u: %s %s", what, i, qaccel_type_name(info->type),
	       report_shape(info, shape));
	if (info->num_scales == 1)
		printf(", scale %g, zero point %d", info->scales[0],
		       info->zero_points[0]);
	printf(", %s\n", info->name);
}

static void print_op(const struct qaccel_model *model,
		     const struct qaccel_op_info *op)
{
	struct qaccel_tensor_info info;
	char shape[96];

	if (qaccel_model_tensor(model, (uint32_t)op->outputs[0], &info))
		return;
	printf("%4u  %-18s %-20s %-8s %12" PRIu64 "\n", op->index, op->name,
	       report_shape(&info, shape), qaccel_type_name(info.type),
	       op->macs);
}

static void print_model(const struct tool_options *options,
			const struct tool_run *run)
{
	const struct qaccel_model *model = run->model;
	struct qaccel_session_info plan;
	struct qaccel_tensor_info info;
	struct qaccel_op_info op;
	uint64_t macs = 0;

	printf("%s: %s\n", options->model, qaccel_model_description(model));
	for (uint32_t i = 0; !qaccel_model_input(model, i, &info); i++)
		print_tensor("input", i, &info);
	for (uint32_t i = 0; !qaccel_model_output(model, i, &info); i++)
		print_tensor("output", i, &info);
	printf("\n  op  %-18s %-20s %-8s %12s\n", "operator", "output", "type",
	       "MACs");
	for (uint32_t i = 0; !qaccel_model_op(model, i, &op); i++) {
		print_op(model, &op);
		macs += op.macs;
	}
	qaccel_session_get_info(run->session, &plan);
	printf("\n%u operators, %" PRIu64 " MACs, %u commands\n",
	       qaccel_model_num_ops(model), macs, plan.commands);
	printf("packed weights %" PRIu64 " bytes, activations %" PRIu64
	       " bytes (%" PRIu64 " without sharing), stream %" PRIu64 " bytes\n",
	       plan.weights, plan.arena, plan.arena_unshared, plan.stream);
}

static cJSON *op_json(const struct qaccel_op_info *op)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddNumberToObject(json, "index", op->index);
	cJSON_AddStringToObject(json, "op", op->name);
	cJSON_AddItemToObject(json, "inputs",
			      cJSON_CreateIntArray(op->inputs,
						   (int)op->num_inputs));
	cJSON_AddItemToObject(json, "outputs",
			      cJSON_CreateIntArray(op->outputs,
						   (int)op->num_outputs));
	cJSON_AddNumberToObject(json, "macs", (double)op->macs);
	return json;
}

static void print_model_json(const struct tool_options *options,
			     const struct tool_run *run)
{
	cJSON *json = cJSON_CreateObject(), *list, *plan;
	struct qaccel_session_info session;
	struct qaccel_tensor_info info;
	struct qaccel_op_info op;

	cJSON_AddStringToObject(json, "model", options->model);
	cJSON_AddStringToObject(json, "description",
				qaccel_model_description(run->model));
	list = cJSON_AddArrayToObject(json, "inputs");
	for (uint32_t i = 0; !qaccel_model_input(run->model, i, &info); i++)
		cJSON_AddItemToArray(list, report_tensor_json(&info));
	list = cJSON_AddArrayToObject(json, "outputs");
	for (uint32_t i = 0; !qaccel_model_output(run->model, i, &info); i++)
		cJSON_AddItemToArray(list, report_tensor_json(&info));
	list = cJSON_AddArrayToObject(json, "ops");
	for (uint32_t i = 0; !qaccel_model_op(run->model, i, &op); i++)
		cJSON_AddItemToArray(list, op_json(&op));
	qaccel_session_get_info(run->session, &session);
	plan = cJSON_AddObjectToObject(json, "plan");
	cJSON_AddNumberToObject(plan, "commands", session.commands);
	cJSON_AddNumberToObject(plan, "weights", (double)session.weights);
	cJSON_AddNumberToObject(plan, "arena", (double)session.arena);
	cJSON_AddNumberToObject(plan, "arena_unshared",
				(double)session.arena_unshared);
	cJSON_AddNumberToObject(plan, "stream", (double)session.stream);
	report_print_json(json);
}

int cmd_info(const struct tool_options *options)
{
	struct tool_run run;

	if (!options->model)
		return show_devices(options);
	if (tool_open(options, NULL, &run))
		return TOOL_FAILED;
	if (options->json)
		print_model_json(options, &run);
	else
		print_model(options, &run);
	tool_close(&run);
	return TOOL_OK;
}
