// SPDX-License-Identifier: MIT
/* Fault knobs; their effects stand where the faults happen. */
#include "device.h"

void qaccel_device_get_knobs(struct qaccel_device *dev,
			     struct qaccel_fault_knobs *knobs)
{
	pthread_mutex_lock(&dev->lock);
	*knobs = dev->knobs;
	pthread_mutex_unlock(&dev->lock);
}

/* A device that is pulled out stops at once, and comes back as new. */
void qaccel_device_set_knobs(struct qaccel_device *dev,
			     const struct qaccel_fault_knobs *knobs)
{
	bool was_gone;

	pthread_mutex_lock(&dev->lock);
	was_gone = dev->knobs.gone;
	dev->knobs = *knobs;
	if (knobs->gone && !was_gone)
		qaccel_reset_start(dev);
	pthread_mutex_unlock(&dev->lock);
}
