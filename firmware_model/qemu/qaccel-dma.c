/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The accelerator's way into guest memory
 *
 * Engines are threads outside of the BQL. What they may do, and why:
 *
 * - Everything goes through the function's bus master address space, so the bus
 *   master bit and a vIOMMU count. An access is translated under the RCU read
 *   lock; the memory region is referenced until unmap, so RAM that is unplugged
 *   meanwhile stays allocated.
 * - Only RAM. An access to a device's registers would take the BQL (and could
 *   come back to this very device); it fails, and the guest gets
 *   QACCEL_ERR_BUS. This is why address_space_map() and _rw() are not used here:
 *   they decide the same, but then make the MMIO access.
 * - address_space_unmap() is safe without the BQL for RAM: it marks pages dirty
 *   and drops translated code with atomics and page locks, as for an iothread.
 * - Not safe without the BQL: an IOMMU's translate(). intel_iommu locks its own
 *   tables, but a fault sends the guest an interrupt (with TCG cpu_interrupt()
 *   asserts the BQL), and the first pass-through translation takes the BQL with
 *   the IOMMU's lock held, the other way round than its register writes. So
 *   when the address space has an IOMMU region in it at that moment, the engine
 *   asks a thread with the BQL to translate and waits for that.
 *
 * Somebody who holds the BQL and waits for engines (reset, stop, unplug) could
 * then wait forever. Such a wait does the engines' translations itself:
 * qaccel_pci_dma_drain() gives the waiting to a thread of its own. Unlocking the BQL
 * instead would let the rest of QEMU see a device in the middle of its reset or
 * of its removal.
 */
#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "qemu/lockable.h"
#include "qemu/rcu.h"
#include "qaccel-pci.h"
#include "trace.h"

/* QaccelTranslation - from a DMA address to a host pointer */
struct QaccelTranslation {
    hwaddr addr;
    hwaddr size; /* wanted, then how much is contiguous */
    bool write;
    void *host; /* NULL: not RAM */
    bool done;
    QSIMPLEQ_ENTRY(QaccelTranslation) next;
};

static void unregister_thread(gpointer data)
{
    rcu_unregister_thread();
}

void qaccel_pci_dma_enter(void)
{
    static GPrivate registered = G_PRIVATE_INIT(unregister_thread);

    /* Threads that ever hold the BQL are QEMU's, and registered. */
    if (!bql_locked() && !g_private_get(&registered)) {
        rcu_register_thread();
        g_private_set(&registered, &registered);
    }
}

static bool range_is_iommu(Int128 start, Int128 len, const MemoryRegion *mr,
                           hwaddr offset_in_region, void *opaque)
{
    bool *found = opaque;

    *found = memory_region_is_iommu((MemoryRegion *)mr);
    return *found;
}

static bool needs_bql(FlatView *view)
{
    bool found = false;

    flatview_for_each_range(view, range_is_iommu, &found);
    return found;
}

static bool is_plain_ram(MemoryRegion *mr, bool write)
{
    return memory_region_is_ram(mr) && !memory_region_is_ram_device(mr) &&
           !(write && memory_region_is_rom(mr));
}

/* Called with the RCU read lock. */
static void translate(FlatView *view, QaccelTranslation *t)
{
    const MemTxAttrs attrs = MEMTXATTRS_UNSPECIFIED;
    hwaddr offset, next, len, done = t->size;
    MemoryRegion *mr;

    mr = flatview_translate(view, t->addr, &offset, &done, t->write, attrs);
    if (!is_plain_ram(mr, t->write)) {
        return;
    }
    while (done < t->size) {
        len = t->size - done;
        if (flatview_translate(view, t->addr + done, &next, &len, t->write,
                               attrs) != mr || next != offset + done) {
            break;
        }
        done += len;
    }
    memory_region_ref(mr);
    t->host = memory_region_get_ram_ptr(mr) + offset;
    t->size = done;
}

/*
 * False: this needs the BQL. The check and the translation see the same view,
 * so an IOMMU that is just being enabled does not slip in between.
 */
static bool try_translate(QaccelState *s, QaccelTranslation *t)
{
    FlatView *view;

    RCU_READ_LOCK_GUARD();
    view = address_space_to_flatview(pci_get_address_space(PCI_DEVICE(s)));
    if (!bql_locked() && needs_bql(view)) {
        return false;
    }
    translate(view, t);
    return true;
}

/* Called with the BQL and s->lock. */
static void serve_translations(QaccelState *s)
{
    QaccelTranslation *t;

    while ((t = QSIMPLEQ_FIRST(&s->translations))) {
        QSIMPLEQ_REMOVE_HEAD(&s->translations, next);
        try_translate(s, t);
        t->done = true;
    }
    qemu_cond_broadcast(&s->cond);
}

static void translate_bh(void *opaque)
{
    QaccelState *s = opaque;

    QEMU_LOCK_GUARD(&s->lock);
    serve_translations(s);
}

static void translate_by_bql(QaccelState *s, QaccelTranslation *t)
{
    trace_qaccel_map_by_bql(s, t->addr);
    QEMU_LOCK_GUARD(&s->lock);
    QSIMPLEQ_INSERT_TAIL(&s->translations, t, next);
    qemu_bh_schedule(s->translate_bh); /* the main loop, or */
    qemu_cond_broadcast(&s->cond);     /* who drains */
    while (!t->done) {
        qemu_cond_wait(&s->cond, &s->lock);
    }
}

static void *bus_map(void *opaque, uint64_t addr, uint64_t *size, bool write)
{
    QaccelState *s = opaque;
    QaccelTranslation t = { .addr = addr, .size = *size, .write = write };

    qaccel_pci_dma_enter();
    if (!try_translate(s, &t)) {
        translate_by_bql(s, &t);
    }
    if (!t.host) {
        trace_qaccel_map_refused(s, addr, write);
        return NULL;
    }
    *size = t.size;
    trace_qaccel_map(s, addr, t.size, write);
    return t.host;
}

static void bus_unmap(void *opaque, void *host, uint64_t size, bool written)
{
    QaccelState *s = opaque;

    qaccel_pci_dma_enter();
    address_space_unmap(pci_get_address_space(PCI_DEVICE(s)), host, size,
                        written, size);
}

/* A fence is read by CPUs while it is written. */
static bool is_atomic(const void *host, uint64_t size)
{
    return size == sizeof(uint64_t) && QEMU_PTR_IS_ALIGNED(host, sizeof(uint64_t));
}

static void copy_out(void *data, void *host, uint64_t size)
{
    uint64_t value;

    if (is_atomic(host, size)) {
        value = qatomic_read_u64((uint64_t *)host);
        memcpy(data, &value, sizeof(value));
    } else {
        memcpy(data, host, size);
    }
}

static void copy_in(void *host, const void *data, uint64_t size)
{
    uint64_t value;

    smp_wmb(); /* writes reach memory in their order: record, then fence */
    if (is_atomic(host, size)) {
        memcpy(&value, data, sizeof(value));
        qatomic_set_u64((uint64_t *)host, value);
    } else {
        memcpy(host, data, size);
    }
}

static bool bus_read(void *opaque, uint64_t addr, void *data, uint64_t size)
{
    uint64_t len;
    void *host;

    for (; size; size -= len, addr += len, data += len) {
        len = size;
        host = bus_map(opaque, addr, &len, false);
        if (!host) {
            return false;
        }
        copy_out(data, host, len);
        bus_unmap(opaque, host, len, false);
    }
    return true;
}

static bool bus_write(void *opaque, uint64_t addr, const void *data,
                      uint64_t size)
{
    uint64_t len;
    void *host;

    for (; size; size -= len, addr += len, data += len) {
        len = size;
        host = bus_map(opaque, addr, &len, true);
        if (!host) {
            return false;
        }
        copy_in(host, data, len);
        bus_unmap(opaque, host, len, true);
    }
    return true;
}

static void *drainer(void *opaque)
{
    QaccelState *s = opaque;
    QaccelOp op;

    qemu_mutex_lock(&s->lock);
    do {
        while (!s->op) {
            qemu_cond_wait(&s->cond, &s->lock);
        }
        op = s->op;
        qemu_mutex_unlock(&s->lock);
        op(s->core);
        qemu_mutex_lock(&s->lock);
        s->op = NULL;
        qemu_cond_broadcast(&s->cond);
    } while (op != qaccel_device_destroy);
    qemu_mutex_unlock(&s->lock);
    return NULL;
}

void qaccel_pci_dma_drain(QaccelState *s, QaccelOp op)
{
    QEMU_LOCK_GUARD(&s->lock);
    s->op = op;
    qemu_cond_broadcast(&s->cond);
    while (s->op) {
        serve_translations(s);
        qemu_cond_wait(&s->cond, &s->lock);
    }
}

void qaccel_pci_dma_init(QaccelState *s, struct qaccel_bus *bus)
{
    bus->map = bus_map;
    bus->unmap = bus_unmap;
    bus->read = bus_read;
    bus->write = bus_write;
    bus->opaque = s;

    qemu_mutex_init(&s->lock);
    qemu_cond_init(&s->cond);
    QSIMPLEQ_INIT(&s->translations);
    s->translate_bh = qemu_bh_new_guarded(translate_bh, s,
                                          &DEVICE(s)->mem_reentrancy_guard);
    qemu_thread_create(&s->drainer, "qaccel-drain", drainer, s,
                       QEMU_THREAD_JOINABLE);
}

/* destroy() of no core is how the drainer is told to end. */
void qaccel_pci_dma_finish(QaccelState *s)
{
    qaccel_pci_dma_drain(s, qaccel_device_destroy);
    s->core = NULL;
    qemu_thread_join(&s->drainer);
    qemu_bh_delete(s->translate_bh);
    qemu_cond_destroy(&s->cond);
    qemu_mutex_destroy(&s->lock);
}
