// SPDX-License-Identifier: MIT
/*
 * Every model of a folder, every case that it has inputs for: the hash of each
 * tensor of a plan that keeps them, and the outputs of the fused plan, against
 * what TensorFlow Lite's reference kernels computed; with each ISA that this
 * machine has, with one thread and with two.
 *
 * The folder holds NAME/model.tflite, NAME/in<k>.<j>.bin, NAME/out<k>.<j>.bin
 * and NAME/expect<k>.json. Output is TAP, a line per model, case and ISA.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <nettle/sha2.h>

#include <qaccel/qaccel.h>

#include "qk.h"

#define MAX_PATH	4096

/* What is tested; text for messages. */
struct run {
	const char *folder;		/* of the model */
	unsigned int number;		/* of the case */
	struct qaccel_device *device;
	struct qaccel_model *model;
	struct qaccel_session *session;
	const char *plan;
};

static unsigned int tests, failures;

static bool complain(const struct run *run, const char *what, int64_t number,
		     const char *why)
{
	printf("# case %u, %s: %s %lld: %s\n", run->number, run->plan, what,
	       (long long)number, why);
	return false;
}

static void *read_file(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	void *data = NULL;
	long length;

	if (!file)
		return NULL;
	if (!fseek(file, 0, SEEK_END) && (length = ftell(file)) >= 0) {
		rewind(file);
		*size = (size_t)length;
		data = malloc(*size + 1);
		if (data && fread(data, 1, *size, file) != *size) {
			free(data);
			data = NULL;
		}
	}
	fclose(file);
	return data;
}

/* "FOLDER/in0.1.bin", read; NULL if there is no such file. */
static void *read_tensor(const struct run *run, const char *kind, uint32_t i,
			 size_t *size)
{
	char path[MAX_PATH];

	snprintf(path, sizeof(path), "%s/%s%u.%u.bin", run->folder, kind,
		 run->number, i);
	return read_file(path, size);
}

/* ------------------------------------------------------------ one session -- */

static bool fill_inputs(const struct run *run)
{
	struct qaccel_tensor_info info;

	for (uint32_t i = 0; !qaccel_model_input(run->model, i, &info); i++) {
		size_t size = 0;
		void *data = read_tensor(run, "in", i, &size);
		bool fits = data && size == info.size;

		if (fits)
			memcpy(qaccel_session_input(run->session, i), data,
			       size);
		free(data);
		if (!fits)
			return complain(run, "input", i, "no such bytes");
	}
	return true;
}

static bool check_outputs(const struct run *run)
{
	struct qaccel_tensor_info info;

	for (uint32_t i = 0; !qaccel_model_output(run->model, i, &info); i++) {
		size_t size = 0;
		void *data = read_tensor(run, "out", i, &size);
		bool same = data && size == info.size &&
			    !memcmp(data, qaccel_session_output(run->session, i),
				    size);

		free(data);
		if (!same)
			return complain(run, "output", i, "differs");
	}
	return true;
}

static bool hash_is(const void *data, size_t size, const char *expected)
{
	uint8_t digest[SHA256_DIGEST_SIZE];
	char hex[2 * SHA256_DIGEST_SIZE + 1];
	struct sha256_ctx context;

	sha256_init(&context);
	sha256_update(&context, size, data);
	sha256_digest(&context, sizeof(digest), digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	return !strcmp(hex, expected);
}

static bool check_tensor(const struct run *run, const cJSON *tensor)
{
	const cJSON *number = cJSON_GetObjectItem(tensor, "tensor");
	const cJSON *hash = cJSON_GetObjectItem(tensor, "sha256");
	struct qaccel_tensor_info info;
	const void *data;

	if (!cJSON_IsNumber(number) || !cJSON_IsString(hash))
		return complain(run, "tensor", -1, "not in the expectation");
	data = qaccel_session_tensor(run->session, (uint32_t)number->valueint);
	if (!data || qaccel_model_tensor(run->model,
					 (uint32_t)number->valueint, &info))
		return complain(run, "tensor", number->valueint, "not kept");
	if (!hash_is(data, info.size, hash->valuestring))
		return complain(run, "tensor", number->valueint, "differs");
	return true;
}

/* Operators are in order: the first that differs is where to look. */
static bool check_tensors(const struct run *run, const cJSON *expect)
{
	const cJSON *op, *tensor;

	cJSON_ArrayForEach(op, cJSON_GetObjectItem(expect, "ops"))
		cJSON_ArrayForEach(tensor, cJSON_GetObjectItem(op, "outputs"))
			if (!check_tensor(run, tensor))
				return false;
	return true;
}

/* Twice, as a run must leave the inputs and the plan as they were. */
static bool run_twice(const struct run *run)
{
	if (!fill_inputs(run))
		return false;
	for (int i = 0; i < 2; i++)
		if (qaccel_session_run(run->session))
			return complain(run, "run", i, qaccel_last_error());
	return true;
}

/* expect: NULL for the fused plan. */
static bool test_session(struct run *run, const cJSON *expect)
{
	struct qaccel_session_options options = { .keep_tensors = !!expect };
	bool good;

	run->plan = expect ? "unfused" : "fused";
	if (qaccel_session_create(run->device, run->model, &options,
				  &run->session))
		return complain(run, "session", 0, qaccel_last_error());
	good = run_twice(run) && check_outputs(run) &&
	       (!expect || check_tensors(run, expect));
	qaccel_session_destroy(run->session);
	return good;
}

/* --------------------------------------------------------------- all of them -- */

static void report(const struct run *run, const char *isa, unsigned int threads,
		   bool good)
{
	const char *name = strrchr(run->folder, '/');

	printf("%sok %u - %s case %u, %s, %u thread%s\n", good ? "" : "not ",
	       ++tests, name ? name + 1 : run->folder, run->number, isa, threads,
	       threads == 1 ? "" : "s");
	fflush(stdout);
	failures += !good;
}

static void test_devices(struct run *run, const cJSON *expect)
{
	const struct qk_table *table;

	for (unsigned int i = 0; (table = qk_enumerate(i)); i++)
		for (unsigned int threads = 1; threads <= 2; threads++) {
			struct qaccel_device_options options = {
				.isa = table->name,
				.threads = threads,
			};
			bool good;

			if (qaccel_device_open(&options, "cpu", &run->device)) {
				report(run, table->name, threads, false);
				continue;
			}
			good = test_session(run, expect);
			good = test_session(run, NULL) && good;
			report(run, table->name, threads, good);
			qaccel_device_close(run->device);
		}
}

static cJSON *read_expectation(const struct run *run)
{
	char path[MAX_PATH];
	size_t size = 0;
	char *text;
	cJSON *json;

	snprintf(path, sizeof(path), "%s/expect%u.json", run->folder,
		 run->number);
	text = read_file(path, &size);
	if (!text)
		return NULL;
	json = cJSON_ParseWithLength(text, size);
	free(text);
	return json;
}

static void test_model(const char *folder)
{
	struct run run = { .folder = folder };
	char path[MAX_PATH];
	cJSON *expect;

	snprintf(path, sizeof(path), "%s/model.tflite", folder);
	if (access(path, R_OK))
		return;
	if (qaccel_model_load_file(NULL, path, &run.model)) {
		printf("# %s\n", qaccel_last_error());
		report(&run, "loading", 0, false);
		return;
	}
	for (; (expect = read_expectation(&run)); run.number++) {
		test_devices(&run, expect);
		cJSON_Delete(expect);
	}
	qaccel_model_destroy(run.model);
}

int main(int argc, char **argv)
{
	struct dirent **entries;
	int count;

	if (argc != 2) {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	count = scandir(argv[1], &entries, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		char folder[MAX_PATH / 2];

		snprintf(folder, sizeof(folder), "%s/%s", argv[1],
			 entries[i]->d_name);
		if (entries[i]->d_name[0] != '.')
			test_model(folder);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	if (!tests) {
		printf("1..0 # SKIP no models in %s\n", argv[1]);
		return 77;
	}
	printf("1..%u\n", tests);
	return failures != 0;
}
