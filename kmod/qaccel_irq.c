// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupts.
 *
 * With enough vectors, each ring has one of its own and vector 0 is for errors.
 * Otherwise vector 0 is for everything. The handlers run in hard interrupt
 * context: there is little to do, and a thread would cost more than that.
 *
 * A message is sent again only after the bit in IRQ_DONE was cleared, so it is
 * cleared first and the memory is read after that. A ring has one job at a
 * time, which is what makes it safe not to wait for the write to arrive: until
 * this handler has seen the completion there cannot be another one.
 */
#include <linux/interrupt.h>

#include "qaccel_device.h"
#include "qaccel_job.h"

static irqreturn_t ring_irq(int irq, void *data)
{
	struct qaccel_ring *ring = data;

	qaccel_write(ring->qdev, QACCEL_REG_IRQ_DONE, BIT(ring->id));

	return qaccel_ring_complete(ring) ? IRQ_HANDLED : IRQ_NONE;
}

/* The timeout handler sorts out what happened to a queue that has halted. */
static bool handle_errors(struct qaccel_device *qdev)
{
	u32 errors = qaccel_read(qdev, QACCEL_REG_IRQ_ERROR);
	unsigned int i;

	if (!errors || errors == ~0u)
		return false;

	qaccel_write(qdev, QACCEL_REG_IRQ_ERROR, errors);
	for (i = 0; i < qdev->num_rings; i++)
		if (errors & BIT(i))
			drm_sched_fault(&qdev->rings[i].sched);

	return true;
}

static irqreturn_t error_irq(int irq, void *data)
{
	return handle_errors(data) ? IRQ_HANDLED : IRQ_NONE;
}

static irqreturn_t shared_irq(int irq, void *data)
{
	struct qaccel_device *qdev = data;
	bool handled;
	unsigned int i;

	qaccel_write(qdev, QACCEL_REG_IRQ_DONE, GENMASK(qdev->num_rings - 1, 0));

	/* Reading a register waits for the write, which is for all rings here. */
	handled = handle_errors(qdev);
	for (i = 0; i < qdev->num_rings; i++)
		handled |= qaccel_ring_complete(&qdev->rings[i]);

	return handled ? IRQ_HANDLED : IRQ_NONE;
}

void qaccel_irq_enable(struct qaccel_device *qdev)
{
	u32 rings = GENMASK(qdev->num_rings - 1, 0);

	qaccel_write(qdev, QACCEL_REG_IRQ_DONE_ENABLE, rings);
	qaccel_write(qdev, QACCEL_REG_IRQ_ERROR_ENABLE, rings);
}

/* On return no handler runs, and none will. */
void qaccel_irq_disable(struct qaccel_device *qdev)
{
	unsigned int i;

	qaccel_write(qdev, QACCEL_REG_IRQ_DONE_ENABLE, 0);
	qaccel_write(qdev, QACCEL_REG_IRQ_ERROR_ENABLE, 0);
	/* Not before the device knows: a read comes back after the writes. */
	qaccel_read(qdev, QACCEL_REG_IRQ_ERROR_ENABLE);

	for (i = 0; i < qdev->num_vectors; i++)
		synchronize_irq(pci_irq_vector(qdev->pdev, i));
}

static int request_vectors(struct qaccel_device *qdev)
{
	struct device *dev = qdev->drm.dev;
	unsigned int i;
	int ret;

	ret = devm_request_irq(dev, pci_irq_vector(qdev->pdev, 0),
			       qdev->num_vectors > 1 ? error_irq : shared_irq, 0,
			       "qaccel", qdev);

	for (i = 1; !ret && i < qdev->num_vectors; i++) {
		struct qaccel_ring *ring = &qdev->rings[i - 1];

		ret = devm_request_irq(dev, pci_irq_vector(qdev->pdev, i), ring_irq, 0,
				       ring->name, ring);
	}

	return ret;
}

int qaccel_irq_init(struct qaccel_device *qdev)
{
	unsigned int wanted = qdev->num_rings + 1;
	int ret;

	if (qaccel_irq_vectors && qaccel_irq_vectors < wanted)
		wanted = 1;

	ret = pci_alloc_irq_vectors(qdev->pdev, wanted, wanted, PCI_IRQ_MSIX);
	if (ret < 0 && wanted > 1) {
		wanted = 1;
		ret = pci_alloc_irq_vectors(qdev->pdev, 1, 1, PCI_IRQ_MSIX);
	}
	if (ret < 0)
		return ret;
	qdev->num_vectors = wanted;

	/* If this fails, probe does, and devres takes back what there is. */
	return request_vectors(qdev);
}

void qaccel_irq_fini(struct qaccel_device *qdev)
{
	unsigned int i;

	for (i = 0; i < qdev->num_vectors; i++)
		devm_free_irq(qdev->drm.dev, pci_irq_vector(qdev->pdev, i),
			      i ? (void *)&qdev->rings[i - 1] : qdev);
	pci_free_irq_vectors(qdev->pdev);
	qdev->num_vectors = 0;
}
