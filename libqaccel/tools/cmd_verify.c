// SPDX-License-Identifier: MIT
/* qaccel verify: every tensor of a model against a list of hashes. */
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

/* struct verdict - the comparison so far */
struct verdict {
	unsigned int compared;
	unsigned int different;
	int first_op;			/* operator of the first that differs, or -1 */
	int first_tensor;
	char first_name[64];
};

static cJSON *load_expectation(const char *path)
{
	size_t size;
	char *text = file_read(path, &size);
	cJSON *json;

	if (!text)
		return NULL;
	json = cJSON_ParseWithLength(text, size);
	free(text);
	if (!cJSON_IsArray(cJSON_GetObjectItem(json, "ops"))) {
		tool_error("%s: no list \"ops\" of operators", path);
		cJSON_Delete(json);
		return NULL;
	}
	return json;
}

/* Without --input: the files that the expectation names, beside it. */
static int inputs_from(const cJSON *expect, struct tool_options *options,
		       char paths[TOOL_MAX_FILES][4096])
{
	const cJSON *list = cJSON_GetObjectItem(expect, "inputs"), *name;
	char *copy = strdup(options->expect);
	const char *dir;
	int ret = TOOL_OK;

	if (!copy)
		return tool_error("out of memory");
	dir = dirname(copy);
	cJSON_ArrayForEach(name, list) {
		unsigned int i = options->num_inputs;

		if (i == TOOL_MAX_FILES || !cJSON_IsString(name) ||
		    snprintf(paths[i], 4096, "%s/%s", dir,
			     name->valuestring) >= 4096) {
			ret = tool_error("%s: bad list of inputs",
					 options->expect);
			break;
		}
		options->inputs[options->num_inputs++] = paths[i];
	}
	free(copy);
	return ret;
}

static int compare_tensor(const cJSON *op, const cJSON *tensor,
			  struct tool_run *run, struct verdict *verdict)
{
	const cJSON *index = cJSON_GetObjectItem(tensor, "tensor");
	const cJSON *hash = cJSON_GetObjectItem(tensor, "sha256");
	const cJSON *name = cJSON_GetObjectItem(op, "op");
	struct qaccel_tensor_info info;
	const void *data;
	char hex[65];

	if (!cJSON_IsNumber(index) || !cJSON_IsString(hash) ||
	    !cJSON_IsString(name) || index->valuedouble < 0)
		return tool_error("operator without tensor, sha256 or name");
	data = qaccel_session_tensor(run->session, (uint32_t)index->valuedouble);
	if (!data || qaccel_model_tensor(run->model,
					 (uint32_t)index->valuedouble, &info))
		return tool_error("the model computes no tensor %d",
				  index->valueint);
	sha256_hex(data, info.size, hex);
	verdict->compared++;
	if (!strcmp(hex, hash->valuestring))
		return TOOL_OK;
	if (!verdict->different++) {
		const cJSON *number = cJSON_GetObjectItem(op, "index");

		verdict->first_op = cJSON_IsNumber(number) ? number->valueint : 0;
		verdict->first_tensor = index->valueint;
		snprintf(verdict->first_name, sizeof(verdict->first_name), "%s",
			 name->valuestring);
	}
	return TOOL_OK;
}

static int compare_all(const cJSON *expect, struct tool_run *run,
		       struct verdict *verdict)
{
	const cJSON *op, *tensor;
	int ret = TOOL_OK;

	cJSON_ArrayForEach(op, cJSON_GetObjectItem(expect, "ops"))
		cJSON_ArrayForEach(tensor, cJSON_GetObjectItem(op, "outputs"))
			if (!ret)
				ret = compare_tensor(op, tensor, run, verdict);
	return ret;
}

/* The fused plan shares memory and skips tensors: its outputs must not change. */
static int compare_fused(const struct tool_options *options,
			 struct tool_run *kept, bool *same)
{
	struct qaccel_tensor_info info;
	struct tool_run run;
	int ret = tool_open(options, NULL, &run);

	if (!ret)
		ret = tool_fill_inputs(options, &run);
	if (!ret && qaccel_session_run(run.session))
		ret = tool_library_error();
	*same = true;
	for (uint32_t i = 0; !ret && !qaccel_model_output(run.model, i, &info); i++)
		*same &= !memcmp(qaccel_session_output(run.session, i),
				 qaccel_session_output(kept->session, i),
				 info.size);
	tool_close(&run);
	return ret;
}

static void print_verdict(const struct tool_options *options,
			  const struct verdict *verdict, bool fused_same)
{
	if (options->json) {
		cJSON *json = cJSON_CreateObject();

		cJSON_AddStringToObject(json, "model", options->model);
		cJSON_AddNumberToObject(json, "compared", verdict->compared);
		cJSON_AddNumberToObject(json, "different", verdict->different);
		cJSON_AddBoolToObject(json, "fused_equal", fused_same);
		if (verdict->different) {
			cJSON_AddNumberToObject(json, "first_op",
						verdict->first_op);
			cJSON_AddNumberToObject(json, "first_tensor",
						verdict->first_tensor);
		}
		report_print_json(json);
		return;
	}
	if (verdict->different)
		printf("DIFFERS: operator %d (%s), tensor %d is the first of %u of %u tensors that differ\n",
		       verdict->first_op, verdict->first_name,
		       verdict->first_tensor, verdict->different,
		       verdict->compared);
	else if (!fused_same)
		printf("DIFFERS: all %u tensors are equal, but the fused plan's outputs are not\n",
		       verdict->compared);
	else
		printf("EQUAL: all %u tensors, and the fused plan's outputs\n",
		       verdict->compared);
}

static int verify(const struct tool_options *options, const cJSON *expect)
{
	struct qaccel_session_options keep = {.keep_tensors = true};
	struct verdict verdict = {.first_op = -1};
	bool fused_same = true;
	struct tool_run run;
	int ret = tool_open(options, &keep, &run);

	if (!ret)
		ret = tool_fill_inputs(options, &run);
	if (!ret && qaccel_session_run(run.session))
		ret = tool_library_error();
	if (!ret)
		ret = compare_all(expect, &run, &verdict);
	if (!ret && !verdict.compared)
		ret = tool_error("%s: no tensors to compare", options->expect);
	if (!ret)
		ret = compare_fused(options, &run, &fused_same);
	if (!ret) {
		print_verdict(options, &verdict, fused_same);
		ret = verdict.different || !fused_same ? TOOL_DIFFERS : TOOL_OK;
	}
	tool_close(&run);
	return ret;
}

int cmd_verify(const struct tool_options *given)
{
	static char paths[TOOL_MAX_FILES][4096];
	struct tool_options options = *given;
	cJSON *expect;
	int ret = TOOL_OK;

	if (!options.expect)
		return tool_error("verify needs --expect FILE");
	expect = load_expectation(options.expect);
	if (!expect)
		return TOOL_FAILED;
	if (!options.num_inputs && !options.image)
		ret = inputs_from(expect, &options, paths);
	if (!ret)
		ret = verify(&options, expect);
	cJSON_Delete(expect);
	return ret;
}
