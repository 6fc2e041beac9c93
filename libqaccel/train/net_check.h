/* SPDX-License-Identifier: MIT */
#ifndef QACCEL_TRAIN_NET_CHECK_H
#define QACCEL_TRAIN_NET_CHECK_H

#include "net.h"

/*
 * Checks the descriptions and works the layers' shapes out: desc, in, out,
 * pad_top, pad_left and weights_count of layers[num_layers], zeroed, are set.
 * A pool's size 0 becomes the picture's.
 */
int net_check(struct net_shape in, const struct net_layer_desc *descs,
	      uint32_t num_layers, struct net_layer *layers);

#endif /* QACCEL_TRAIN_NET_CHECK_H */
