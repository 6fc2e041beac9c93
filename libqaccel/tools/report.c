// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

static double element(const struct qaccel_tensor_info *info, const void *data,
		      size_t i)
{
	double scale = info->num_scales == 1 ? info->scales[0] : 1;
	int32_t zero_point = info->num_scales == 1 ? info->zero_points[0] : 0;

	switch (info->type) {
	case QACCEL_TYPE_UINT8:
		return scale * (((const uint8_t *)data)[i] - zero_point);
	case QACCEL_TYPE_INT8:
		return scale * (((const int8_t *)data)[i] - zero_point);
	case QACCEL_TYPE_INT16:
		return scale * (((const int16_t *)data)[i] - zero_point);
	case QACCEL_TYPE_INT32:
		return ((const int32_t *)data)[i];
	case QACCEL_TYPE_FLOAT32:
		return ((const float *)data)[i];
	}
	return 0;
}

/* Insertion into a short sorted list; of equals the first stays ahead. */
size_t report_top(const struct qaccel_tensor_info *info, const void *data,
		  struct top_entry *top, size_t k)
{
	size_t count = info->size / qaccel_type_size(info->type), used = 0;

	for (size_t i = 0; i < count; i++) {
		double value = element(info, data, i);
		size_t at = used;

		while (at > 0 && value > top[at - 1].value)
			at--;
		if (at >= k)
			continue;
		if (used < k)
			used++;
		memmove(top + at + 1, top + at, (used - at - 1) * sizeof(*top));
		top[at] = (struct top_entry){i, value};
	}
	return used;
}

const char *report_shape(const struct qaccel_tensor_info *info, char text[96])
{
	size_t used = 1;

	strcpy(text, "[");
	for (uint32_t d = 0; d < info->rank; d++)
		used += (size_t)snprintf(text + used, 96 - used, "%s%d",
					 d ? ", " : "", info->dims[d]);
	snprintf(text + used, 96 - used, "]");
	return text;
}

cJSON *report_tensor_json(const struct qaccel_tensor_info *info)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddNumberToObject(json, "tensor", info->index);
	cJSON_AddStringToObject(json, "name", info->name);
	cJSON_AddStringToObject(json, "type", qaccel_type_name(info->type));
	cJSON_AddItemToObject(json, "shape",
			      cJSON_CreateIntArray(info->dims, (int)info->rank));
	if (info->num_scales == 1) {
		cJSON_AddNumberToObject(json, "scale", info->scales[0]);
		cJSON_AddNumberToObject(json, "zero_point", info->zero_points[0]);
	}
	return json;
}

cJSON *report_device_json(const struct qaccel_device *device)
{
	struct qaccel_device_info info;
	cJSON *json = cJSON_CreateObject();

	qaccel_device_get_info(device, &info);
	cJSON_AddStringToObject(json, "name", info.name);
	if (info.is_cpu) {
		cJSON_AddStringToObject(json, "isa", info.isa);
		cJSON_AddNumberToObject(json, "threads", info.threads);
		return json;
	}
	cJSON_AddNumberToObject(json, "engines", info.engines);
	cJSON_AddNumberToObject(json, "mac_rows", info.mac_rows);
	cJSON_AddNumberToObject(json, "mac_columns", info.mac_columns);
	cJSON_AddNumberToObject(json, "clock_khz", info.clock_khz);
	cJSON_AddNumberToObject(json, "dma_bytes_per_cycle",
				info.dma_bytes_per_cycle);
	return json;
}

static void add_delta(cJSON *json, const char *name, uint64_t before,
		      uint64_t after)
{
	cJSON_AddNumberToObject(json, name, (double)(after - before));
}

cJSON *report_counters_json(const struct qaccel_counters *before,
			    const struct qaccel_counters *after)
{
	cJSON *json = cJSON_CreateObject();

	add_delta(json, "submits", before->submits, after->submits);
	add_delta(json, "doorbells", before->doorbells, after->doorbells);
	add_delta(json, "interrupts", before->interrupts, after->interrupts);
	add_delta(json, "jobs", before->jobs, after->jobs);
	add_delta(json, "commands", before->commands, after->commands);
	add_delta(json, "faults", before->faults, after->faults);
	add_delta(json, "cycles", before->cycles, after->cycles);
	add_delta(json, "macs", before->macs, after->macs);
	add_delta(json, "bytes_read", before->bytes_read, after->bytes_read);
	add_delta(json, "bytes_written", before->bytes_written,
		  after->bytes_written);
	return json;
}

cJSON *report_stats_json(const struct qaccel_run_stats *stats)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddNumberToObject(json, "elapsed_ns", (double)stats->elapsed_ns);
	cJSON_AddNumberToObject(json, "commands", stats->commands);
	cJSON_AddNumberToObject(json, "macs", (double)stats->macs);
	cJSON_AddNumberToObject(json, "cycles", (double)stats->cycles);
	cJSON_AddNumberToObject(json, "bytes_read", (double)stats->bytes_read);
	cJSON_AddNumberToObject(json, "bytes_written",
				(double)stats->bytes_written);
	cJSON_AddNumberToObject(json, "utilization", stats->utilization);
	return json;
}

void report_print_json(cJSON *json)
{
	char *text = cJSON_Print(json);

	puts(text ? text : "{}");
	cJSON_free(text);
	cJSON_Delete(json);
}
