/* SPDX-License-Identifier: MIT */
/* smmla: ARMv8.2 with FEAT_I8MM, on top of the dot product. */
#ifndef QK_I8MM_H
#define QK_I8MM_H

#include "qk.h"

void qk_init_i8mm(struct qk_table *table);

#endif /* QK_I8MM_H */
