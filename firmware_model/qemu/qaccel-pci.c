/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qaccel, an int8 neural network accelerator: the PCI function
 *
 * The hardware is docs/hardware.md of qaccel. Its registers, queues and engines
 * are in libqaccel_device; this file gives them a BAR, MSI-X, power management,
 * reset and properties, and qaccel-dma.c gives them memory.
 */
#include "qemu/osdep.h"
#include "qemu/host-utils.h"
#include "qemu/log.h"
#include "qemu/module.h"
#include "qapi/error.h"
#include "hw/pci/msix.h"
#include "hw/pci/pcie.h"
#include "migration/vmstate.h"
#include "qaccel-config.h"
#include "qaccel-pci.h"
#include "trace.h"

/* ---------------------------------------------------------- registers -- */

/*
 * A CPU can get here just after exit: it looked up the region before that and
 * then waited for the BQL.
 */
static uint64_t qaccel_read(void *opaque, hwaddr offset, unsigned size)
{
    QaccelState *s = opaque;
    uint64_t value = s->core ? qaccel_device_read(s->core, offset, size) : -1;

    trace_qaccel_read(s, offset, size, value);
    return value;
}

static void qaccel_write(void *opaque, hwaddr offset, uint64_t value,
                         unsigned size)
{
    QaccelState *s = opaque;

    if (offset >= QACCEL_DOORBELL(0)) {
        trace_qaccel_doorbell(s, (offset - QACCEL_DOORBELL(0)) /
                              (QACCEL_DOORBELL(1) - QACCEL_DOORBELL(0)), value);
    } else {
        trace_qaccel_write(s, offset, size, value);
    }
    if (s->core) {
        qaccel_device_write(s->core, offset, value, size);
    }
}

/*
 * Every access goes to the core, also those that it refuses: they read as zero
 * on every machine then, and are logged.
 */
static const MemoryRegionOps qaccel_ops = {
    .read = qaccel_read,
    .write = qaccel_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
    .impl = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
};

/* --------------------------------------------- from the core, any thread -- */

/* Under the core's lock, so the message itself is left to the main loop. */
static void qaccel_interrupt(void *opaque, unsigned int vector)
{
    QaccelState *s = opaque;

    trace_qaccel_interrupt(s, vector);
    set_bit_atomic(vector, s->irq_pending);
    qemu_bh_schedule(s->irq_bh);
}

static void qaccel_irq_bh(void *opaque)
{
    QaccelState *s = opaque;
    PCIDevice *pdev = PCI_DEVICE(s);
    bool enabled = msix_enabled(pdev);
    unsigned long bits;
    unsigned i, vector;

    for (i = 0; i < ARRAY_SIZE(s->irq_pending); i++) {
        for (bits = qatomic_xchg(&s->irq_pending[i], 0); bits; bits &= bits - 1) {
            vector = i * BITS_PER_LONG + ctzl(bits);
            trace_qaccel_msix(s, vector, enabled);
            if (enabled) {
                msix_notify(pdev, vector);
            }
        }
    }
}

static void qaccel_event(void *opaque, enum qaccel_event event, uint64_t a,
                         uint64_t b)
{
    QaccelState *s = opaque;
    uint32_t hi = a >> 32, lo = a;

    qaccel_pci_dma_enter(); /* the log is under RCU */
    switch (event) {
    case QACCEL_EVENT_BAD_ACCESS:
        trace_qaccel_bad_access(s, a, b);
        qemu_log_mask(LOG_GUEST_ERROR, "qaccel: bad access of %" PRIu64
                      " bytes at register offset 0x%" PRIx64 "\n", b, a);
        break;
    case QACCEL_EVENT_BAD_DOORBELL:
        trace_qaccel_bad_doorbell(s, a, b);
        qemu_log_mask(LOG_GUEST_ERROR, "qaccel: bad doorbell value %" PRIu64
                      " for queue %" PRIu64 "\n", b, a);
        break;
    case QACCEL_EVENT_QUEUE_HALT:
        trace_qaccel_queue_halt(s, a, b);
        break;
    case QACCEL_EVENT_JOB_START:
        trace_qaccel_job_start(s, hi, lo, b);
        break;
    case QACCEL_EVENT_JOB_DONE:
        trace_qaccel_job_done(s, hi, lo, b);
        break;
    case QACCEL_EVENT_FAULT:
        trace_qaccel_fault(s, hi, lo, b);
        break;
    case QACCEL_EVENT_COMMAND:
        trace_qaccel_command(s, hi, lo, b);
        break;
    case QACCEL_EVENT_TLB_INVALIDATE:
        trace_qaccel_tlb_invalidate(s, a, b);
        break;
    case QACCEL_EVENT_ENGINE_RESET:
        trace_qaccel_engine_reset(s, a);
        break;
    case QACCEL_EVENT_RESET:
        trace_qaccel_reset(s);
        break;
    }
}

/* ----------------------------------------------------- power and reset -- */

static bool qaccel_in_d0(QaccelState *s)
{
    uint8_t *pm_ctrl = PCI_DEVICE(s)->config + s->pm_cap + PCI_PM_CTRL;

    return !(pci_get_word(pm_ctrl) & PCI_PM_CTRL_STATE_MASK);
}

/* Engines run while the machine does and the function is in D0. */
static void qaccel_update_running(QaccelState *s)
{
    bool running = s->vm_running && qaccel_in_d0(s);

    if (!s->core || running == s->running) {
        return;
    }
    s->running = running;
    trace_qaccel_running(s, running);
    if (running) {
        qaccel_device_resume(s->core);
    } else {
        qaccel_pci_dma_drain(s, qaccel_device_pause);
    }
}

static void qaccel_vm_state(void *opaque, bool running, RunState state)
{
    QaccelState *s = opaque;

    s->vm_running = running;
    qaccel_update_running(s);
}

/* Of the machine, of the bus, and by FLR. PCI's own part follows in the core. */
static void qaccel_power_on_reset(DeviceState *dev)
{
    QaccelState *s = QACCEL(dev);
    PCIDevice *pdev = PCI_DEVICE(dev);

    trace_qaccel_power_on_reset(s);
    if (!s->core) {
        return;
    }
    qaccel_pci_dma_drain(s, qaccel_device_reset);
    /* Messages of before the reset. */
    qemu_bh_cancel(s->irq_bh);
    bitmap_zero(s->irq_pending, QACCEL_MAX_VECTORS);
    pci_word_test_and_clear_mask(pdev->config + s->pm_cap + PCI_PM_CTRL,
                                 PCI_PM_CTRL_STATE_MASK);
    qaccel_update_running(s);
}

/* ------------------------------------------------------- config space -- */

static uint32_t qaccel_config_read(PCIDevice *pdev, uint32_t addr, int len)
{
    if (QACCEL(pdev)->knobs.gone) {
        return UINT32_MAX >> (32 - 8 * len);
    }
    return pci_default_read_config(pdev, addr, len);
}

static void qaccel_config_write(PCIDevice *pdev, uint32_t addr, uint32_t value,
                                int len)
{
    QaccelState *s = QACCEL(pdev);

    if (s->knobs.gone) {
        return;
    }
    pci_default_write_config(pdev, addr, value, len);
    pcie_cap_flr_write_config(pdev, addr, value, len);
    qaccel_update_running(s);
}

static bool qaccel_add_capabilities(QaccelState *s, Error **errp)
{
    PCIDevice *pdev = PCI_DEVICE(s);
    int pos;

    if (pcie_endpoint_cap_init(pdev, 0) < 0) {
        error_setg(errp, "qaccel: no room for the PCI Express capability");
        return false;
    }
    pcie_cap_flr_init(pdev);

    pos = pci_add_capability(pdev, PCI_CAP_ID_PM, 0, PCI_PM_SIZEOF, errp);
    if (pos < 0) {
        return false;
    }
    s->pm_cap = pos;
    pci_set_word(pdev->config + pos + PCI_PM_PMC, PCI_PM_CAP_VER_1_2);
    pci_set_word(pdev->config + pos + PCI_PM_CTRL, PCI_PM_CTRL_NO_SOFT_RESET);
    pci_set_word(pdev->wmask + pos + PCI_PM_CTRL, PCI_PM_CTRL_STATE_MASK);
    return true;
}

/* ------------------------------------------------------- life and death -- */

static bool qaccel_init_msix(QaccelState *s, Error **errp)
{
    PCIDevice *pdev = PCI_DEVICE(s);
    unsigned i;

    if (!s->config.vectors) {
        s->config.vectors = MIN(s->config.queues, QACCEL_MAX_QUEUES) + 1;
    }
    if (s->config.vectors > QACCEL_MAX_VECTORS) {
        error_setg(errp, "vectors must be at most %d", QACCEL_MAX_VECTORS);
        return false;
    }
    if (msix_init_exclusive_bar(pdev, s->config.vectors, QACCEL_PCI_BAR_MSIX,
                                errp)) {
        return false;
    }
    for (i = 0; i < s->config.vectors; i++) {
        msix_vector_use(pdev, i);
    }
    return true;
}

static void qaccel_realize(PCIDevice *pdev, Error **errp)
{
    QaccelState *s = QACCEL(pdev);
    const char *error = NULL;

    memory_region_init_io(&s->regs, OBJECT(s), &qaccel_ops, s, "qaccel-regs",
                          QACCEL_BAR_REGS_SIZE);
    pci_register_bar(pdev, QACCEL_PCI_BAR_REGS,
                     PCI_BASE_ADDRESS_SPACE_MEMORY | PCI_BASE_ADDRESS_MEM_TYPE_64,
                     &s->regs);
    if (!qaccel_add_capabilities(s, errp)) {
        goto no_caps;
    }
    if (!qaccel_init_msix(s, errp)) {
        goto no_caps;
    }

    s->irq_bh = qemu_bh_new_guarded(qaccel_irq_bh, s,
                                    &DEVICE(s)->mem_reentrancy_guard);
    s->config.isa = s->isa;
    s->config.bus.interrupt = qaccel_interrupt;
    s->config.bus.event = qaccel_event;
    qaccel_pci_dma_init(s, &s->config.bus);
    s->core = qaccel_device_create(&s->config, &error);
    if (!s->core) {
        error_setg(errp, "qaccel: %s", error ? error : "cannot create the device");
        goto no_core;
    }
    qaccel_device_set_knobs(s->core, &s->knobs);
    s->running = true;
    s->vm_running = runstate_is_running();
    qaccel_update_running(s);
    s->vm_state = qdev_add_vm_change_state_handler(DEVICE(s), qaccel_vm_state, s);
    return;

no_core:
    qaccel_pci_dma_finish(s);
    qemu_bh_delete(s->irq_bh);
    msix_uninit_exclusive_bar(pdev);
no_caps:
    if (pdev->exp.exp_cap) {
        pcie_cap_exit(pdev);
    }
}

static void qaccel_exit(PCIDevice *pdev)
{
    QaccelState *s = QACCEL(pdev);

    qemu_del_vm_change_state_handler(s->vm_state);
    qaccel_pci_dma_finish(s);
    qemu_bh_delete(s->irq_bh);
    msix_uninit_exclusive_bar(pdev);
    pcie_cap_exit(pdev);
}

/* ---------------------------------------------------------------- type -- */

/*
 * Blocks migration and savevm. A job is in the middle of a host function on an
 * engine's thread, with pointers into guest memory: there is nothing of it to
 * put in a stream. Unplug the device before.
 */
static const VMStateDescription qaccel_vmstate = {
    .name = TYPE_QACCEL,
    .unmigratable = 1,
};

static void qaccel_class_init(ObjectClass *oc, QACCEL_CLASS_DATA *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);
    PCIDeviceClass *pc = PCI_DEVICE_CLASS(oc);

    pc->realize = qaccel_realize;
    pc->exit = qaccel_exit;
    pc->config_read = qaccel_config_read;
    pc->config_write = qaccel_config_write;
    pc->vendor_id = QACCEL_PCI_VENDOR_ID;
    pc->device_id = QACCEL_PCI_DEVICE_ID;
    pc->revision = QACCEL_HW_VERSION_MAJOR << 4 | QACCEL_HW_VERSION_MINOR;
    pc->class_id = QACCEL_PCI_CLASS;

    dc->desc = "int8 neural network accelerator";
    dc->vmsd = &qaccel_vmstate;
    set_bit(DEVICE_CATEGORY_MISC, dc->categories);
#ifdef QACCEL_HAVE_SET_LEGACY_RESET
    device_class_set_legacy_reset(dc, qaccel_power_on_reset);
#else
    dc->reset = qaccel_power_on_reset;
#endif
    qaccel_pci_class_properties(oc);
}

static const TypeInfo qaccel_type = {
    .name = TYPE_QACCEL,
    .parent = TYPE_PCI_DEVICE,
    .instance_size = sizeof(QaccelState),
    .class_init = qaccel_class_init,
    .interfaces = (InterfaceInfo[]) { { INTERFACE_PCIE_DEVICE }, { } },
};

static void qaccel_register_types(void)
{
    type_register_static(&qaccel_type);
}

type_init(qaccel_register_types)
