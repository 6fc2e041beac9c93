/* SPDX-License-Identifier: MIT */
/* Examples of a model's input, from files: pictures, idx files, raw floats. */
#ifndef QACCEL_EXAMPLES_H
#define QACCEL_EXAMPLES_H

#include <qaccel/qaccel.h>

/* struct examples - where they come from */
struct examples {
	const char *const *paths;	/* files and folders */
	unsigned int num_paths;
	uint32_t max;			/* so many at most, the first ones */
	float low, high;		/* what bytes 0 and 255 stand for */
};

/* An example, of the size of the input. TOOL_OK, or what ends the reading. */
typedef int examples_fn(void *context, const float *values);

/*
 * Shows each to fn, in the order of the paths and of the names in a folder;
 * *count: how many there were. TOOL_FAILED with the reason printed, also if
 * there was none.
 */
int examples_read(const struct examples *examples,
		  const struct qaccel_tensor_info *input, examples_fn *fn,
		  void *context, uint32_t *count);

#endif /* QACCEL_EXAMPLES_H */
