// SPDX-License-Identifier: MIT
/* Sizes and made-up contents of layers: the same for every program. */
#include <math.h>
#include <stdlib.h>

#include "bench.h"

static uint32_t next(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

int32_t layer_out(const struct layer *l, int32_t size)
{
	return (size + l->stride - 1) / l->stride;
}

static double products(const struct layer *l)
{
	return (double)l->filter * l->filter *
	       (l->kind == DEPTHWISE ? 1 : l->in_channels);
}

size_t layer_in_size(const struct layer *l)
{
	return (size_t)l->h * (size_t)l->w * (size_t)l->in_channels;
}

size_t layer_out_size(const struct layer *l)
{
	return (size_t)layer_out(l, l->h) * (size_t)layer_out(l, l->w) *
	       (size_t)l->out_channels;
}

double layer_macs(const struct layer *l)
{
	return (double)layer_out_size(l) * products(l);
}

double layer_bytes(const struct layer *l)
{
	return (double)layer_in_size(l) + (double)layer_out_size(l) +
	       products(l) * l->out_channels;
}

void layer_input(void *data, size_t size)
{
	uint32_t state = 12345;

	for (size_t i = 0; i < size; i++)
		((uint8_t *)data)[i] = (uint8_t)next(&state);
}

/*
 * Scales that spread the results over some 2.5 standard deviations, so that
 * few are clamped; those of every other channel are powers of two, whose
 * results tie often.
 */
bool layer_parts(const struct layer *l, bool per_tensor, float in_scale,
		 float out_scale, struct layer_parts *p)
{
	double want = 40 / (sqrt(products(l)) * 74 * 74);
	double power = exp2(floor(log2(want)));
	uint32_t state = 1;
	size_t channels = (size_t)l->out_channels;

	p->size = (size_t)products(l) * channels;
	p->weights = malloc(p->size);
	p->bias = malloc(channels * sizeof(*p->bias));
	p->scales = malloc(channels * sizeof(*p->scales));
	if (!p->weights || !p->bias || !p->scales)
		return false;
	for (size_t i = 0; i < p->size; i++)
		p->weights[i] = (int8_t)((int)(next(&state) % 255) - 127);
	for (size_t i = 0; i < channels; i++) {
		double m = per_tensor || i % 2 == 0 ? power :
			   want * (0.5 + (next(&state) & 0xffff) / 65536.0);

		p->scales[i] = (float)(m * out_scale / in_scale);
		p->bias[i] = (int32_t)(next(&state) % 20001) - 10000;
	}
	return true;
}

void layer_parts_free(struct layer_parts *p)
{
	free(p->weights);
	free(p->bias);
	free(p->scales);
}
