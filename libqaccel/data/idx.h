/* SPDX-License-Identifier: MIT */
/*
 * idx files: the format of MNIST's and Fashion-MNIST's pictures and labels
 *
 * Big-endian: two zero bytes, the type of the elements, the rank, the dimensions
 * as 32-bit numbers, the elements, and nothing after them; as it is or in a
 * gzip file. Only bytes (type 8) are read here.
 */
#ifndef QACCEL_DATA_IDX_H
#define QACCEL_DATA_IDX_H

#include <stddef.h>
#include <stdint.h>

#define IDX_MAX_RANK	4
#define IDX_MAX_SIZE	(1u << 30)	/* bytes of elements */

struct idx {
	uint32_t rank;			/* 1 to 4 */
	uint32_t dims[IDX_MAX_RANK];	/* positive; 1 beyond rank */
	size_t size;			/* their product */
	uint8_t *values;		/* outermost dimension first */
};

/*
 * Reads a whole file. -ENOENT, -EACCES, -EIO ...: it can't be read. -EBADMSG:
 * not an idx file, cut off, too long, or its gzip data are broken. -EOPNOTSUPP:
 * of other elements. -EFBIG: over IDX_MAX_SIZE. -ENOMEM. The last error names
 * the file. idx is left as it was.
 */
int idx_open(const char *path, struct idx *idx);
/* NULL, or an idx that is zero or closed, is fine. */
void idx_close(struct idx *idx);

#endif /* QACCEL_DATA_IDX_H */
