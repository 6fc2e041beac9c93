// SPDX-License-Identifier: MIT
#include <math.h>
#include <stddef.h>

#include "loss.h"

static uint32_t largest(const float *logits, uint32_t classes)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i < classes; i++)
		if (logits[i] > logits[best])
			best = i;
	return best;
}

/* The largest logit is taken off: no exponential is above 1, their sum not below. */
double softmax_loss(const float *logits, const uint8_t *labels, uint32_t batch,
		    uint32_t classes, float *d_logits, uint32_t *correct)
{
	double loss = 0;

	*correct = 0;
	for (uint32_t b = 0; b < batch; b++, logits += classes) {
		uint32_t best = largest(logits, classes);
		double max = (double)logits[best], sum = 0;

		*correct += best == labels[b];
		for (uint32_t i = 0; i < classes; i++)
			sum += exp((double)logits[i] - max);
		loss += log(sum) + max - (double)logits[labels[b]];
		for (uint32_t i = 0; i < classes; i++) {
			double p = exp((double)logits[i] - max) / sum;

			*d_logits++ = (float)((p - (i == labels[b])) / batch);
		}
	}
	return loss / batch;
}
