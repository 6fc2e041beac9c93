// SPDX-License-Identifier: MIT
/* qaccel eval: a classifier on a set of labelled pictures. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval.h"

/* Labels are bytes. */
#define MAX_LABELS	256
/* A table that is wider than a terminal tells nobody anything. */
#define MAX_TABLE	16

struct score {
	uint32_t count;
	uint32_t correct;
	double seconds;
	uint32_t rows, columns;		/* labels, predictions */
	uint32_t *confusion;		/* rows x columns */
	struct labels names;
};

/* ---------------------------------------------------------------- input -- */

static int check_sets(const struct tool_options *options,
		      const struct idx *images, const struct idx *labels)
{
	if (images->rank != 3 && images->rank != 4)
		return tool_error("%s: rank %u; pictures are count x height x width, and maybe channels",
				  options->images, images->rank);
	if (labels->rank != 1)
		return tool_error("%s: rank %u; labels are a list",
				  options->labels, labels->rank);
	if (images->dims[0] != labels->dims[0])
		return tool_error("%u pictures, but %u labels", images->dims[0],
				  labels->dims[0]);
	if (options->count > images->dims[0])
		return tool_error("%s: %u pictures, not %u", options->images,
				  images->dims[0], options->count);
	return TOOL_OK;
}

static int check_labels(const struct tool_options *options,
			const struct idx *labels, uint32_t classes)
{
	for (uint32_t i = 0; i < labels->dims[0]; i++)
		if (labels->values[i] >= classes)
			return tool_error("%s: label %u is %u, but the model has %u classes",
					  options->labels, i, labels->values[i],
					  classes);
	return TOOL_OK;
}

/* ---------------------------------------------------------------- score -- */

static int count_up(const uint32_t *predictions, const uint8_t *labels,
		    const struct eval *eval, struct score *score)
{
	score->count = eval->count;
	score->columns = eval->classes;
	score->rows = eval->classes < MAX_LABELS ? eval->classes : MAX_LABELS;
	score->confusion = calloc((size_t)score->rows * score->columns,
				  sizeof(*score->confusion));
	if (!score->confusion)
		return tool_error("out of memory");
	for (uint32_t i = 0; i < score->count; i++) {
		score->correct += predictions[i] == labels[i];
		score->confusion[(size_t)labels[i] * score->columns +
				 predictions[i]]++;
	}
	return TOOL_OK;
}

static int write_predictions(const char *path, const uint32_t *predictions,
			     uint32_t count)
{
	/* Ten digits and a newline. */
	char *text = malloc((size_t)count * 11 + 1);
	size_t used = 0;
	int ret;

	if (!text)
		return tool_error("out of memory");
	for (uint32_t i = 0; i < count; i++)
		used += (size_t)sprintf(text + used, "%u\n", predictions[i]);
	ret = file_write(path, text, used);
	free(text);
	return ret;
}

static const char *name_of(const struct score *score, uint32_t label)
{
	return label < score->names.count ? score->names.lines[label] : "";
}

static void print_row(const struct score *score, uint32_t label)
{
	const uint32_t *row = score->confusion + (size_t)label * score->columns;
	uint32_t sum = 0;

	printf("%5u", label);
	for (uint32_t c = 0; c < score->columns; c++) {
		printf(" %5u", row[c]);
		sum += row[c];
	}
	if (sum)
		printf("  %5.1f %%", 100. * row[label] / sum);
	else
		printf("  %7s", "");
	printf("  %s\n", name_of(score, label));
}

static void print_human(const struct tool_options *options,
			const struct qaccel_device *device,
			const struct score *score)
{
	struct qaccel_device_info info;

	qaccel_device_get_info(device, &info);
	if (score->columns <= MAX_TABLE) {
		printf("Rows are labels, columns are predictions:\n%5s", "");
		for (uint32_t c = 0; c < score->columns; c++)
			printf(" %5u", c);
		printf("\n");
		for (uint32_t r = 0; r < score->rows; r++)
			print_row(score, r);
	}
	printf("%s on %s%s%s: %u of %u correct, accuracy %.2f %%; %.1f pictures per second\n",
	       options->model, info.name, info.is_cpu ? " " : "", info.isa,
	       score->correct, score->count,
	       100. * score->correct / score->count,
	       score->count / score->seconds);
}

static cJSON *row_json(const struct score *score, uint32_t label)
{
	const uint32_t *row = score->confusion + (size_t)label * score->columns;
	cJSON *list = cJSON_CreateArray();

	for (uint32_t c = 0; c < score->columns; c++)
		cJSON_AddItemToArray(list, cJSON_CreateNumber(row[c]));
	return list;
}

static void print_json(const struct tool_options *options,
		       const struct qaccel_device *device,
		       const struct score *score)
{
	cJSON *json = cJSON_CreateObject(), *rows = cJSON_CreateArray();

	cJSON_AddStringToObject(json, "model", options->model);
	cJSON_AddItemToObject(json, "device", report_device_json(device));
	cJSON_AddNumberToObject(json, "pictures", score->count);
	cJSON_AddNumberToObject(json, "correct", score->correct);
	cJSON_AddNumberToObject(json, "accuracy",
				(double)score->correct / score->count);
	cJSON_AddNumberToObject(json, "seconds", score->seconds);
	cJSON_AddNumberToObject(json, "pictures_per_second",
				score->count / score->seconds);
	for (uint32_t r = 0; r < score->rows; r++)
		cJSON_AddItemToArray(rows, row_json(score, r));
	cJSON_AddItemToObject(json, "confusion", rows);
	report_print_json(json);
}

/* -------------------------------------------------------------- command -- */

static int evaluate(struct eval *eval, const struct idx *images,
		    const struct idx *labels, struct score *score)
{
	const struct tool_options *options = eval->options;
	uint32_t count = options->count ? options->count : images->dims[0];
	uint32_t *predictions;
	int ret;

	ret = eval_prepare(eval, images, count);
	if (!ret)
		ret = check_labels(options, labels, eval->classes);
	if (ret)
		return ret;
	predictions = calloc(count, sizeof(*predictions));
	if (!predictions)
		return tool_error("out of memory");
	ret = eval_predict(eval, predictions, &score->seconds);
	if (!ret)
		ret = count_up(predictions, labels->values, eval, score);
	if (!ret && options->predictions)
		ret = write_predictions(options->predictions, predictions, count);
	free(predictions);
	return ret;
}

static int open_and_evaluate(const struct tool_options *options,
			     const struct idx *images, const struct idx *labels,
			     struct score *score)
{
	struct qaccel_device_options device_options = {
		.threads = options->threads,
		.isa = options->isa,
	};
	struct qaccel_device *device = NULL;
	struct qaccel_model *model = NULL;
	struct eval eval = { .options = options };
	int ret;

	if (qaccel_device_open(&device_options, options->device, &device) ||
	    qaccel_model_load_file(NULL, options->model, &model)) {
		ret = tool_library_error();
	} else {
		eval.device = device;
		eval.model = model;
		ret = evaluate(&eval, images, labels, score);
	}
	if (!ret && options->json)
		print_json(options, device, score);
	else if (!ret)
		print_human(options, device, score);
	qaccel_model_destroy(model);
	qaccel_device_close(device);
	return ret;
}

int cmd_eval(const struct tool_options *options)
{
	struct idx images = { 0 }, labels = { 0 };
	struct score score = { 0 };
	int ret = TOOL_OK;

	if (!options->images || !options->labels)
		return tool_error("eval needs --images FILE and --labels FILE");
	if (options->names)
		ret = labels_load(options->names, &score.names);
	if (!ret && (idx_open(options->images, &images) ||
		     idx_open(options->labels, &labels)))
		ret = tool_library_error();
	if (!ret)
		ret = check_sets(options, &images, &labels);
	if (!ret)
		ret = open_and_evaluate(options, &images, &labels, &score);
	free(score.confusion);
	labels_free(&score.names);
	idx_close(&labels);
	idx_close(&images);
	return ret;
}
