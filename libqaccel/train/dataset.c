// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "dataset.h"
#include "error.h"
#include "idx.h"

/* More than any picture here; keeps all products far from overflow. */
#define MAX_SIDE	4096
#define MAX_CHANNELS	1024
#define MAX_COUNT	((size_t)1 << 31)

static void describe(struct qaccel_dataset *d)
{
	const uint32_t sizes[] = {d->shape.h, d->shape.w, d->shape.c};

	for (size_t i = 0; i < d->count; i++)
		if (d->labels[i] > d->max_label)
			d->max_label = d->labels[i];
	d->crc = (uint32_t)crc32_z(0, (const Bytef *)sizes, sizeof(sizes));
	d->crc = (uint32_t)crc32_z(d->crc, d->images,
				   d->count * dataset_picture_size(d));
	d->crc = (uint32_t)crc32_z(d->crc, d->labels, d->count);
}

int qaccel_dataset_create(const uint8_t *images, const uint8_t *labels,
			  size_t count, uint32_t height, uint32_t width,
			  uint32_t channels, struct qaccel_dataset **dataset)
{
	struct qaccel_dataset *d;
	size_t size;

	if (!height || !width || !channels || !count || height > MAX_SIDE ||
	    width > MAX_SIDE || channels > MAX_CHANNELS || count > MAX_COUNT)
		return qaccel_error(EINVAL, "%zu pictures of %u x %u x %u", count,
				    height, width, channels);
	d = calloc(1, sizeof(*d));
	if (!d)
		return qaccel_error(ENOMEM, "out of memory");
	d->shape = (struct net_shape){height, width, channels};
	d->count = count;
	if (__builtin_mul_overflow(count, dataset_picture_size(d), &size))
		size = SIZE_MAX;
	d->images = size < SIZE_MAX / 2 ? malloc(size) : NULL;
	d->labels = malloc(count);
	if (!d->images || !d->labels) {
		qaccel_dataset_destroy(d);
		return qaccel_error(ENOMEM, "out of memory");
	}
	memcpy(d->images, images, size);
	memcpy(d->labels, labels, count);
	describe(d);
	*dataset = d;
	return 0;
}

void qaccel_dataset_destroy(struct qaccel_dataset *dataset)
{
	if (!dataset)
		return;
	free(dataset->images);
	free(dataset->labels);
	free(dataset);
}

size_t qaccel_dataset_count(const struct qaccel_dataset *dataset)
{
	return dataset->count;
}

int qaccel_dataset_slice(const struct qaccel_dataset *whole, size_t first,
			 size_t count, struct qaccel_dataset **dataset)
{
	if (!count || first > whole->count || count > whole->count - first)
		return qaccel_error(ERANGE, "pictures %zu + %zu of %zu", first,
				    count, whole->count);
	return qaccel_dataset_create(
		whole->images + first * dataset_picture_size(whole),
		whole->labels + first, count, whole->shape.h, whole->shape.w,
		whole->shape.c, dataset);
}

int dataset_check(const struct qaccel_dataset *d, const struct net *net)
{
	if (d->shape.h != net->in.h || d->shape.w != net->in.w ||
	    d->shape.c != net->in.c)
		return qaccel_error(EINVAL, "pictures of %u x %u x %u for a network of %u x %u x %u",
				    d->shape.h, d->shape.w, d->shape.c,
				    net->in.h, net->in.w, net->in.c);
	if (d->max_label >= net->classes)
		return qaccel_error(EINVAL, "a label %u, but the network has %u classes",
				    d->max_label, net->classes);
	return 0;
}

void dataset_pictures(const struct qaccel_dataset *d, size_t first,
		      size_t count, float *pictures)
{
	size_t size = dataset_picture_size(d);
	const uint8_t *bytes = d->images + first * size;

	for (size_t i = 0; i < count * size; i++)
		pictures[i] = (float)bytes[i] / 255;
}

/* ------------------------------------------------------------------ files -- */

static int create_from(const char *images_path, const struct idx *images,
		       const char *labels_path, const struct idx *labels,
		       struct qaccel_dataset **dataset)
{
	if (images->rank < 3)
		return qaccel_error(EINVAL, "%s: rank %u, pictures have 3 or 4",
				    images_path, images->rank);
	if (labels->rank != 1)
		return qaccel_error(EINVAL, "%s: rank %u, labels have 1",
				    labels_path, labels->rank);
	if (images->dims[0] != labels->dims[0])
		return qaccel_error(EINVAL, "%u pictures in %s, but %u labels in %s",
				    images->dims[0], images_path,
				    labels->dims[0], labels_path);
	/* Dimensions beyond the rank are 1: grey pictures have one channel. */
	return qaccel_dataset_create(images->values, labels->values,
				     images->dims[0], images->dims[1],
				     images->dims[2], images->dims[3], dataset);
}

int qaccel_dataset_load(const char *images, const char *labels,
			struct qaccel_dataset **dataset)
{
	struct idx pictures = {0}, names = {0};
	int err;

	err = idx_open(images, &pictures);
	if (!err)
		err = idx_open(labels, &names);
	if (!err)
		err = create_from(images, &pictures, labels, &names, dataset);
	idx_close(&pictures);
	idx_close(&names);
	return err;
}
