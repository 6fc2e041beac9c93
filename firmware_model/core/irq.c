// SPDX-License-Identifier: MIT
/*
 * Interrupts
 *
 * A message goes out when a bit becomes set and enabled; *_sent remembers that
 * until software clears the bit. Completions that coalescing holds back have
 * not set their bit yet.
 */
#include "device.h"

#define NS_PER_US	UINT64_C(1000)

static void send(struct qaccel_device *dev, uint32_t vector)
{
	if (vector >= dev->config.vectors)
		vector = 0;
	if (dev->knobs.gone)
		return;
	if (dev->knobs.drop_irq) {
		dev->knobs.drop_irq--;
		return;
	}
	qaccel_count(dev, QACCEL_REG_CNT_IRQS, 1);
	dev->config.bus.interrupt(dev->config.bus.opaque, vector);
}

static uint32_t queue_vector(struct qaccel_device *dev, unsigned int q)
{
	return *qaccel_reg(dev->queues[q].regs, QACCEL_REG_QUEUE_VECTOR);
}

void qaccel_irq_update(struct qaccel_device *dev)
{
	uint32_t done = *qaccel_reg(dev->regs, QACCEL_REG_IRQ_DONE);
	uint32_t error = *qaccel_reg(dev->regs, QACCEL_REG_IRQ_ERROR);
	uint32_t send_done, send_error;

	dev->irq_done_sent &= done;
	dev->irq_error_sent &= error;
	send_done = done & ~dev->irq_done_sent &
		    *qaccel_reg(dev->regs, QACCEL_REG_IRQ_DONE_ENABLE);
	send_error = error & ~dev->irq_error_sent &
		     *qaccel_reg(dev->regs, QACCEL_REG_IRQ_ERROR_ENABLE);
	dev->irq_done_sent |= send_done;
	dev->irq_error_sent |= send_error;
	for (unsigned int q = 0; q < dev->config.queues; q++) {
		if (send_error & (1u << q))
			send(dev, 0);
		if (send_done & (1u << q))
			send(dev, queue_vector(dev, q));
	}
}

void qaccel_irq_error(struct qaccel_device *dev, unsigned int q)
{
	*qaccel_reg(dev->regs, QACCEL_REG_IRQ_ERROR) |= 1u << q;
	qaccel_irq_update(dev);
}

void qaccel_irq_flush(struct qaccel_device *dev, unsigned int q)
{
	if (!dev->queues[q].waiting)
		return;
	dev->queues[q].waiting = 0;
	*qaccel_reg(dev->regs, QACCEL_REG_IRQ_DONE) |= 1u << q;
	qaccel_irq_update(dev);
}

static uint64_t deadline(struct qaccel_queue *queue)
{
	uint32_t coalesce = *qaccel_reg(queue->regs, QACCEL_REG_QUEUE_COALESCE);

	return queue->oldest_ns + (coalesce >> 16) * NS_PER_US;
}

static bool due(struct qaccel_queue *queue, uint64_t now)
{
	uint32_t coalesce = *qaccel_reg(queue->regs, QACCEL_REG_QUEUE_COALESCE);

	return queue->waiting >= (coalesce & 0xffff) || now >= deadline(queue);
}

void qaccel_irq_complete(struct qaccel_device *dev, unsigned int q)
{
	struct qaccel_queue *queue = &dev->queues[q];
	uint64_t now = qaccel_now_ns();

	if (!queue->waiting++)
		queue->oldest_ns = now;
	if (due(queue, now))
		qaccel_irq_flush(dev, q);
	else
		pthread_cond_signal(&dev->timer);
}

void qaccel_irq_coalesce_written(struct qaccel_device *dev)
{
	pthread_cond_signal(&dev->timer);
}

/* Ends what has waited long enough; returns the next deadline, or 0. */
static uint64_t check_deadlines(struct qaccel_device *dev)
{
	uint64_t now = qaccel_now_ns(), next = 0;

	for (unsigned int q = 0; q < dev->config.queues; q++) {
		struct qaccel_queue *queue = &dev->queues[q];
		uint64_t when;

		if (!queue->waiting)
			continue;
		when = deadline(queue);
		if (due(queue, now))
			qaccel_irq_flush(dev, q);
		else if (!next || when < next)
			next = when;
	}
	return next;
}

void *qaccel_irq_timer(void *device)
{
	struct qaccel_device *dev = device;

	pthread_mutex_lock(&dev->lock);
	while (!dev->stop) {
		uint64_t next = dev->paused ? 0 : check_deadlines(dev);

		if (next)
			qaccel_wait_until(&dev->timer, &dev->lock, next);
		else
			pthread_cond_wait(&dev->timer, &dev->lock);
	}
	pthread_mutex_unlock(&dev->lock);
	return NULL;
}
