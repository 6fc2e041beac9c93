/* SPDX-License-Identifier: MIT */
/* sdot: ARMv8.2 with FEAT_DotProd, on top of NEON. */
#ifndef QK_DOTPROD_H
#define QK_DOTPROD_H

#include "qk.h"

void qk_init_dotprod(struct qk_table *table);

struct qk_micros;

/* CONV2D's, for levels above that do better in some cases only. */
extern const struct qk_micros qk_micros_dotprod;

QK_DECL_CONV(qk_dwconv2d_dotprod);

#endif /* QK_DOTPROD_H */
