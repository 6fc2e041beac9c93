// SPDX-License-Identifier: MIT
#include <string.h>

#include "batch.h"
#include "random.h"

/* Streams below 2^32 belong to the weights' initialisation. */
static void seed_for(struct random *r, uint64_t seed, uint32_t epoch,
		     uint32_t index)
{
	random_seed(r, seed, ((uint64_t)epoch + 1) << 32 | index);
}

/* 0 to n - 1; the bias, below n / 2^32, is of no matter here. */
static uint32_t below(struct random *r, uint32_t n)
{
	return (uint32_t)((uint64_t)random_u32(r) * n >> 32);
}

void batch_order(uint64_t seed, uint32_t epoch, uint32_t *order, size_t count)
{
	struct random r;

	/* No picture has this number: a data set is smaller. */
	seed_for(&r, seed, epoch, UINT32_MAX);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t j = below(&r, i + 1);

		order[i] = order[j];
		order[j] = i;
	}
}

/* Reads the picture through a shift and a flip; outside of it are zeros. */
static void move_picture(const struct qaccel_dataset *d, const uint8_t *in,
			 bool flip, int64_t dy, int64_t dx, float *out)
{
	const struct net_shape *s = &d->shape;

	for (int64_t y = 0; y < s->h; y++)
		for (int64_t x = 0; x < s->w; x++, out += s->c) {
			int64_t from_y = y - dy, from_x = x - dx;
			const uint8_t *pixel;

			if (from_y < 0 || from_y >= s->h || from_x < 0 ||
			    from_x >= s->w) {
				memset(out, 0, s->c * sizeof(*out));
				continue;
			}
			if (flip)
				from_x = s->w - 1 - from_x;
			pixel = in + (from_y * s->w + from_x) * s->c;
			for (uint32_t c = 0; c < s->c; c++)
				out[c] = (float)pixel[c] / 255;
		}
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* The square lies inside of the picture. */
static void erase_square(const struct qaccel_dataset *d, struct random *r,
			 uint32_t side, float *out)
{
	const struct net_shape *s = &d->shape;
	uint32_t h = smaller(side, s->h), w = smaller(side, s->w);
	uint32_t top = below(r, s->h - h + 1), left = below(r, s->w - w + 1);

	for (uint32_t y = top; y < top + h; y++)
		memset(out + ((size_t)y * s->w + left) * s->c, 0,
		       (size_t)w * s->c * sizeof(*out));
}

void batch_picture(const struct batch_options *options, uint32_t epoch,
		   const struct qaccel_dataset *d, uint32_t index,
		   float *picture)
{
	const uint8_t *in = d->images + index * dataset_picture_size(d);
	uint32_t places = 2 * options->shift + 1;
	int64_t dy, dx;
	struct random r;
	bool flip;

	seed_for(&r, options->seed, epoch, index);
	/* All are drawn, so that one option doesn't change what another does. */
	flip = random_u32(&r) >> 31;
	dy = (int64_t)below(&r, places) - options->shift;
	dx = (int64_t)below(&r, places) - options->shift;
	move_picture(d, in, flip && options->flip, dy, dx, picture);
	if (options->erase)
		erase_square(d, &r, options->erase, picture);
}
