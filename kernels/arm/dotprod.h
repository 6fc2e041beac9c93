/* SPDX-License-Identifier: MIT */
/* sdot: ARMv8.2 with FEAT_DotProd, on top of NEON. */
#ifndef QK_DOTPROD_H
#define QK_DOTPROD_H

#include "qk.h"

void qk_init_dotprod(struct qk_table *table);

QK_DECL_CONV(qk_dwconv2d_dotprod);

#endif /* QK_DOTPROD_H */
