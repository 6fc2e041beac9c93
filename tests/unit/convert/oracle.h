/* SPDX-License-Identifier: MIT */
/* TensorFlow Lite on a model of ours: the program that QACCEL_ORACLE names. */
#ifndef ORACLE_H
#define ORACLE_H

#include <stdbool.h>

#include <qaccel/qaccel.h>

bool oracle_there(void);

/*
 * Writes the model, runs it on the inputs (one pointer each) with the reference
 * kernels; false: it did not take it. Then the tensors can be had.
 */
bool oracle_run(const struct qaccel_model *model, const void *const *inputs);

/* A tensor that an operator produced, to be freed; NULL: it is not size bytes. */
void *oracle_tensor(uint32_t index, size_t size);

/* Removes what the run left. */
void oracle_end(void);

/*
 * Runs the model on made-up inputs on the CPU and in TensorFlow Lite, and fails
 * the test where any byte of a tensor that an operator produces differs.
 */
void oracle_check(const struct qaccel_model *model);

#endif /* ORACLE_H */
