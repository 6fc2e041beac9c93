// SPDX-License-Identifier: MIT
/* A model on a device, from the options that all commands share. */
#include <stdlib.h>
#include <string.h>

#include "tool.h"

int tool_open(const struct tool_options *options,
	      const struct qaccel_session_options *session_options,
	      struct tool_run *run)
{
	struct qaccel_device_options device_options = {
		.threads = options->threads,
		.isa = options->isa,
	};

	*run = (struct tool_run){0};
	if (qaccel_device_open(&device_options, options->device, &run->device) ||
	    qaccel_model_load_file(NULL, options->model, &run->model) ||
	    qaccel_session_create(run->device, run->model, session_options,
				  &run->session)) {
		tool_close(run);
		return tool_library_error();
	}
	return TOOL_OK;
}

void tool_close(struct tool_run *run)
{
	qaccel_session_destroy(run->session);
	qaccel_model_destroy(run->model);
	qaccel_device_close(run->device);
	*run = (struct tool_run){0};
}

static int fill_from_image(const char *path, struct tool_run *run)
{
	struct qaccel_tensor_info info;
	struct image image;
	int ret;

	if (qaccel_model_num_inputs(run->model) != 1 ||
	    qaccel_model_input(run->model, 0, &info))
		return tool_error("--image needs a model with one input; this one has %u",
				  qaccel_model_num_inputs(run->model));
	ret = image_load(path, &image);
	if (ret)
		return ret;
	ret = image_to_tensor(&image, &info,
			      qaccel_session_input(run->session, 0));
	image_free(&image);
	return ret;
}

static int fill_from_file(const char *path, struct tool_run *run, uint32_t i)
{
	struct qaccel_tensor_info info;
	int ret = TOOL_OK;
	size_t size;
	void *data;

	if (qaccel_model_input(run->model, i, &info))
		return tool_library_error();
	data = file_read(path, &size);
	if (!data)
		return TOOL_FAILED;
	if (size == info.size)
		memcpy(qaccel_session_input(run->session, i), data, size);
	else
		ret = tool_error("%s: %zu bytes, but input %u takes %zu", path,
				 size, i, info.size);
	free(data);
	return ret;
}

int tool_fill_inputs(const struct tool_options *options, struct tool_run *run)
{
	uint32_t want = qaccel_model_num_inputs(run->model);
	int ret = TOOL_OK;

	if (options->image)
		return fill_from_image(options->image, run);
	if (options->num_inputs != want)
		return tool_error("the model has %u input%s, but %u --input file%s given",
				  want, want == 1 ? "" : "s", options->num_inputs,
				  options->num_inputs == 1 ? " is" : "s are");
	for (uint32_t i = 0; i < want && !ret; i++)
		ret = fill_from_file(options->inputs[i], run, i);
	return ret;
}
