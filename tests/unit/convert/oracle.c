// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <qaccel/graph.h>

#include "models.h"
#include "oracle.h"

static char folder[] = "/tmp/qaccel-oracle-XXXXXX";
static bool open_folder;

bool oracle_there(void)
{
	return getenv("QACCEL_ORACLE") != NULL;
}

static void remove_all(const char *path)
{
	struct dirent *entry;
	DIR *dir = opendir(path);
	char name[512];

	while (dir && (entry = readdir(dir))) {
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			unlink(name);
	}
	if (dir)
		closedir(dir);
	rmdir(path);
}

void oracle_end(void)
{
	char out[64];

	if (!open_folder)
		return;
	snprintf(out, sizeof(out), "%s/out", folder);
	remove_all(out);
	remove_all(folder);
	open_folder = false;
}

static void write_input(uint32_t i, const void *data, size_t size)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "%s/in%02u.bin", folder, i);
	file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

bool oracle_run(const struct qaccel_model *model, const void *const *inputs)
{
	struct qaccel_tensor_info info;
	char path[64], command[1024];

	oracle_end();
	strcpy(folder + sizeof(folder) - 7, "XXXXXX");
	assert_non_null(mkdtemp(folder));
	open_folder = true;
	snprintf(path, sizeof(path), "%s/model.tflite", folder);
	if (qaccel_model_write(model, path))
		fail_msg("%s", qaccel_last_error());
	for (uint32_t i = 0; !qaccel_model_input(model, i, &info); i++)
		write_input(i, inputs[i], info.size);
	snprintf(command, sizeof(command),
		 "\"$QACCEL_ORACLE\" %s/model.tflite %s/out --ref %s/in*.bin 2>%s/log || { cat %s/log; exit 1; }",
		 folder, folder, folder, folder, folder);
	return system(command) == 0;
}

void *oracle_tensor(uint32_t index, size_t size)
{
	uint8_t *data = malloc(size + 1);
	char path[64];
	size_t got;
	FILE *file;

	snprintf(path, sizeof(path), "%s/out/t%u.bin", folder, index);
	file = fopen(path, "rb");
	assert_non_null(data);
	if (!file) {
		free(data);
		return NULL;
	}
	got = fread(data, 1, size + 1, file);
	fclose(file);
	if (got == size)
		return data;
	free(data);
	return NULL;
}

static void check_op(const struct qaccel_model *model,
		     const struct qaccel_session *session, uint32_t op)
{
	struct qaccel_tensor_info tensor;
	struct qaccel_op_info info;
	const uint8_t *ours;
	uint8_t *theirs;

	qaccel_model_op(model, op, &info);
	qaccel_model_tensor(model, (uint32_t)info.outputs[0], &tensor);
	ours = qaccel_session_tensor((struct qaccel_session *)session,
				     tensor.index);
	theirs = oracle_tensor(tensor.index, tensor.size);
	assert_non_null(ours);
	if (!theirs || memcmp(ours, theirs, tensor.size))
		fail_msg("%s: operator %u (%s), tensor %u: %s",
			 qaccel_model_description(model), op, info.name,
			 tensor.index, theirs ? "differs" : "is not there");
	free(theirs);
}

void oracle_check(const struct qaccel_model *model)
{
	const struct qaccel_session_options options = { .keep_tensors = true };
	const void *inputs[16];
	struct qaccel_tensor_info info;
	struct qaccel_session *session;
	struct qaccel_device *device;

	assert_int_equal(qaccel_device_open(NULL, "cpu", &device), 0);
	if (qaccel_session_create(device, model, &options, &session))
		fail_msg("%s", qaccel_last_error());
	for (uint32_t i = 0; !qaccel_model_input(model, i, &info); i++) {
		make_input(&info, 1 + i, qaccel_session_input(session, i));
		inputs[i] = qaccel_session_input(session, i);
	}
	if (!oracle_run(model, inputs))
		fail_msg("TensorFlow Lite does not take %s",
			 qaccel_model_description(model));
	assert_int_equal(qaccel_session_run(session), 0);
	for (uint32_t i = 0; i < qaccel_model_num_ops(model); i++)
		check_op(model, session, i);
	oracle_end();
	qaccel_session_destroy(session);
	qaccel_device_close(device);
}
