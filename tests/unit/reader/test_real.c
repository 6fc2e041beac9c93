// SPDX-License-Identifier: MIT
/* Loads each of the files named and prints a line about it. */
#include <inttypes.h>
#include <stdio.h>

#include <qaccel/qaccel.h>

static uint64_t count_macs(const struct qaccel_model *model)
{
	struct qaccel_op_info op;
	uint64_t macs = 0;

	for (uint32_t i = 0; i < qaccel_model_num_ops(model); i++)
		if (!qaccel_model_op(model, i, &op))
			macs += op.macs;
	return macs;
}

int main(int argc, char **argv)
{
	struct qaccel_model *model;
	int failures = argc < 2;

	for (int i = 1; i < argc; i++) {
		if (qaccel_model_load_file(NULL, argv[i], &model)) {
			fprintf(stderr, "%s\n", qaccel_last_error());
			failures++;
			continue;
		}
		printf("%s: %u tensors, %u operators, %" PRIu64 " MACs\n",
		       argv[i], qaccel_model_num_tensors(model),
		       qaccel_model_num_ops(model), count_macs(model));
		qaccel_model_destroy(model);
	}
	return failures != 0;
}
