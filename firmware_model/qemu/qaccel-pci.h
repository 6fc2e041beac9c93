/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the PCI glue share: qaccel-pci.c, the PCI function,
 * qaccel-properties.c, and qaccel-dma.c, the device's way into guest memory.
 */
#ifndef HW_MISC_QACCEL_PCI_H
#define HW_MISC_QACCEL_PCI_H

#include "qemu/bitops.h"
#include "qemu/main-loop.h"
#include "qemu/queue.h"
#include "qemu/thread.h"
#include "qom/object.h"
#if __has_include("system/memory.h")
#include "system/memory.h"
#else
#include "exec/memory.h"
#endif
#if __has_include("hw/pci/pci_device.h")
#include "hw/pci/pci_device.h"
#else
#include "hw/pci/pci.h"
#endif
#if __has_include("system/runstate.h")
#include "system/runstate.h"
#else
#include "sysemu/runstate.h"
#endif
#include "qaccel_device.h"

/* The big lock's name since QEMU 9.0. */
#ifndef bql_lock
#define bql_locked qemu_mutex_iothread_locked
#endif

#define TYPE_QACCEL "qaccel"
OBJECT_DECLARE_SIMPLE_TYPE(QaccelState, QACCEL)

typedef struct QaccelTranslation QaccelTranslation;
typedef void (*QaccelOp)(struct qaccel_device *core);

/* Vector 0 is for errors, the others for the queues. */
#define QACCEL_MAX_VECTORS (QACCEL_MAX_QUEUES + 1)

struct QaccelState {
    PCIDevice parent_obj;

    MemoryRegion regs;
    struct qaccel_device *core; /* NULL before realize and after exit */
    struct qaccel_device_config config;
    char *isa;
    struct qaccel_fault_knobs knobs; /* until there is a core; gone: always */

    uint8_t pm_cap;
    bool vm_running;
    bool running; /* the engines are not paused */
    VMChangeStateEntry *vm_state;

    /* Vectors to notify: set by any thread, taken by the bottom half. */
    unsigned long irq_pending[BITS_TO_LONGS(QACCEL_MAX_VECTORS)];
    QEMUBH *irq_bh;

    /* qaccel-dma.c; lock is taken inside the BQL, and inside no other lock. */
    QemuMutex lock; /* protects translations and op */
    QemuCond cond;
    QSIMPLEQ_HEAD(, QaccelTranslation) translations;
    QEMUBH *translate_bh;
    QemuThread drainer;
    QaccelOp op; /* what the drainer does, NULL when it is idle */
};

/* qaccel-properties.c */
void qaccel_pci_class_properties(ObjectClass *oc);

/* qaccel-dma.c */
void qaccel_pci_dma_init(QaccelState *s, struct qaccel_bus *bus);
/* Destroys the core first, if there is one. */
void qaccel_pci_dma_finish(QaccelState *s);

/* Lets a thread that QEMU did not start use RCU; called at each entry. */
void qaccel_pci_dma_enter(void);

/*
 * Runs one of the core's functions that wait for engines. Called with the BQL,
 * which stays locked; still, engines that need it get on.
 */
void qaccel_pci_dma_drain(QaccelState *s, QaccelOp op);

#endif
