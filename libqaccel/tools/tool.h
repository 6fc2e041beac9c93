/* SPDX-License-Identifier: MIT */
/* What the parts of the qaccel command share. */
#ifndef QACCEL_TOOL_H
#define QACCEL_TOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>
#include <qaccel/qaccel.h>

/* Exit statuses; documented in qaccel(1). */
enum tool_exit {
	TOOL_OK = 0,
	TOOL_DIFFERS = 1,	/* the run was fine, the comparison was not */
	TOOL_FAILED = 2,	/* bad arguments, files, models, devices */
};

#define TOOL_MAX_FILES 32

enum show_form {
	SHOW_NOT = 0,
	SHOW_BLOCKS,		/* in colour, for a terminal with UTF-8 */
	SHOW_TEXT,
};

/* struct tool_options - every option of every command; a command takes some */
struct tool_options {
	const char *model;
	const char *inputs[TOOL_MAX_FILES];
	unsigned int num_inputs;
	const char *outputs[TOOL_MAX_FILES];
	unsigned int num_outputs;
	const char *dump;
	const char *expect;
	const char *image;
	const char *labels;
	const char *images;
	const char *names;
	const char *predictions;
	const char *device;
	const char *isa;
	uint32_t threads;
	uint32_t runs;
	uint32_t top;
	uint32_t count;
	enum show_form show;
	bool profile;
	bool json;
};

int cmd_info(const struct tool_options *options);
int cmd_run(const struct tool_options *options);
int cmd_verify(const struct tool_options *options);
int cmd_bench(const struct tool_options *options);
int cmd_eval(const struct tool_options *options);

/* Prints "qaccel: <text>" to stderr and returns TOOL_FAILED. */
int tool_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same with the library's last error. */
int tool_library_error(void);

/*
 * beside.c: becomes another program, beside this one or in PATH, with the same
 * arguments; returns only if it can't.
 */
int tool_run_beside(const char *program, char **argv);

/* struct tool_run - a model on a device, opened together and closed together */
struct tool_run {
	struct qaccel_device *device;
	struct qaccel_model *model;
	struct qaccel_session *session;
};

/* 0, or TOOL_FAILED with everything closed again and the reason printed. */
int tool_open(const struct tool_options *options,
	      const struct qaccel_session_options *session_options,
	      struct tool_run *run);
void tool_close(struct tool_run *run);
/* Fills the session's inputs from --input or --image; TOOL_FAILED when it can't. */
int tool_fill_inputs(const struct tool_options *options, struct tool_run *run);

/* file.c: whole files; the caller frees what read returns. */
void *file_read(const char *path, size_t *size);
int file_write(const char *path, const void *data, size_t size);

/* sha256.c: lower-case hex. */
void sha256_hex(const void *data, size_t size, char hex[65]);

/* image.c: PNG, JPEG and BMP, told apart by their first bytes. */
struct image {
	uint32_t width, height;
	uint8_t *rgb;		/* height * width * 3 */
};

int image_load(const char *path, struct image *image);
void image_free(struct image *image);
/*
 * Fills a picture input {1, h, w, 1 or 3}: bilinear resize to h x w, then the
 * pixel p of 0..255 as p (UINT8), p - 128 (INT8), or p / 127.5 - 1 (FLOAT32).
 */
int image_to_tensor(const struct image *image,
		    const struct qaccel_tensor_info *info, void *data);

/* show.c: a picture on the standard output. */
int show_picture(const char *path, enum show_form form);

/* labels.c: one label a line. */
struct labels {
	char *text;
	char **lines;
	size_t count;
};

int labels_load(const char *path, struct labels *labels);
void labels_free(struct labels *labels);

/* report.c */
struct top_entry {
	size_t index;
	double value;
};

/* The k largest elements of a tensor, as real values; returns how many. */
size_t report_top(const struct qaccel_tensor_info *info, const void *data,
		  struct top_entry *top, size_t k);
cJSON *report_tensor_json(const struct qaccel_tensor_info *info);
cJSON *report_device_json(const struct qaccel_device *device);
cJSON *report_counters_json(const struct qaccel_counters *before,
			    const struct qaccel_counters *after);
cJSON *report_stats_json(const struct qaccel_run_stats *stats);
/* Prints and frees. */
void report_print_json(cJSON *json);
/* "[1, 224, 224, 3]" into text; returns text. */
const char *report_shape(const struct qaccel_tensor_info *info, char text[96]);

#endif /* QACCEL_TOOL_H */
