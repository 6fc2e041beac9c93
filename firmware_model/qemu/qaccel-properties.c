/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The accelerator's properties
 *
 * Sizes and the timing model are fixed when the device is realized. The fault
 * knobs (x-*) may be set at any time, with qom-set.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#if __has_include("hw/qdev-properties.h")
#include "hw/qdev-properties.h"
#else
#include "hw/core/qdev-properties.h"
#endif
#include "qaccel-pci.h"

/* These arrays are constant since they have no terminator, QEMU 10.0. */
#ifdef DEFINE_PROP_END_OF_LIST
#define QACCEL_PROPERTY Property
#else
#define QACCEL_PROPERTY const Property
#endif

static QACCEL_PROPERTY qaccel_properties[] = {
    DEFINE_PROP_UINT32("queues", QaccelState, config.queues, QACCEL_DEFAULT_QUEUES),
    DEFINE_PROP_UINT32("engines", QaccelState, config.engines, QACCEL_DEFAULT_ENGINES),
    DEFINE_PROP_UINT32("vectors", QaccelState, config.vectors, 0),
    DEFINE_PROP_SIZE("local-mem", QaccelState, config.local_mem, QACCEL_DEFAULT_LOCAL_MEM),
    DEFINE_PROP_UINT32("mac-rows", QaccelState, config.timing.mac_rows, 32),
    DEFINE_PROP_UINT32("mac-columns", QaccelState, config.timing.mac_columns, 32),
    DEFINE_PROP_UINT32("clock-khz", QaccelState, config.timing.clock_khz, 1000000),
    DEFINE_PROP_UINT32("dma-bytes-per-cycle", QaccelState,
                       config.timing.dma_bytes_per_cycle, 16),
    DEFINE_PROP_STRING("isa", QaccelState, isa),
#ifdef DEFINE_PROP_END_OF_LIST
    DEFINE_PROP_END_OF_LIST(),
#endif
};

static const char *const qaccel_descriptions[][2] = {
    { "queues", "hardware queues (1 to 32)" },
    { "engines", "engines, a host thread each (1 to 16)" },
    { "vectors", "MSI-X vectors (1 to 33, 0: one for errors and one a queue)" },
    { "local-mem", "on-chip buffer of an engine (1M to 1G)" },
    { "mac-rows", "timing model: reduction lanes of the MAC array" },
    { "mac-columns", "timing model: output channels of the MAC array" },
    { "clock-khz", "timing model: clock frequency" },
    { "dma-bytes-per-cycle", "timing model: memory bandwidth" },
    { "isa", "host instruction set of the kernels (unset: the best)" },
};

#define KNOB(name, field, text) \
    { name, offsetof(struct qaccel_fault_knobs, field), text }
static const struct QaccelKnob {
    const char *name;
    size_t offset;
    const char *text;
} qaccel_knobs[] = {
    KNOB("x-hang-tag", hang_tag, "commands with this tag never end (0: off)"),
    KNOB("x-slow-tag", slow_tag, "commands with this tag take x-slow-us longer (0: off)"),
    KNOB("x-slow-us", slow_us, "microseconds for x-slow-tag"),
    KNOB("x-corrupt-tag", corrupt_tag, "jobs with such a command report status 0xff (0: off)"),
    KNOB("x-dma-error-tag", dma_error_tag, "operands of such commands are bus errors (0: off)"),
    KNOB("x-drop-irq", drop_irq, "swallow the next n interrupt messages"),
    KNOB("x-reset-stuck", reset_stuck, "the next n engine resets hang until a device reset"),
};
#undef KNOB

/* The core counts some of them down. */
static struct qaccel_fault_knobs *qaccel_load_knobs(QaccelState *s)
{
    if (s->core) {
        qaccel_device_get_knobs(s->core, &s->knobs);
    }
    return &s->knobs;
}

static void qaccel_store_knobs(QaccelState *s)
{
    if (s->core) {
        qaccel_device_set_knobs(s->core, &s->knobs);
    }
}

static void qaccel_get_knob(Object *obj, Visitor *v, const char *name,
                            void *opaque, Error **errp)
{
    const struct QaccelKnob *knob = opaque;
    void *field = (void *)qaccel_load_knobs(QACCEL(obj)) + knob->offset;

    visit_type_uint32(v, name, field, errp);
}

static void qaccel_set_knob(Object *obj, Visitor *v, const char *name,
                            void *opaque, Error **errp)
{
    const struct QaccelKnob *knob = opaque;
    uint32_t value;

    if (visit_type_uint32(v, name, &value, errp)) {
        *(uint32_t *)((void *)qaccel_load_knobs(QACCEL(obj)) + knob->offset) = value;
        qaccel_store_knobs(QACCEL(obj));
    }
}

static bool qaccel_get_gone(Object *obj, Error **errp)
{
    return QACCEL(obj)->knobs.gone;
}

static void qaccel_set_gone(Object *obj, bool value, Error **errp)
{
    qaccel_load_knobs(QACCEL(obj))->gone = value;
    qaccel_store_knobs(QACCEL(obj));
}

void qaccel_pci_class_properties(ObjectClass *oc)
{
    const struct QaccelKnob *knob;
    int i;

    device_class_set_props(DEVICE_CLASS(oc), qaccel_properties);
    for (i = 0; i < ARRAY_SIZE(qaccel_descriptions); i++) {
        object_class_property_set_description(oc, qaccel_descriptions[i][0],
                                              qaccel_descriptions[i][1]);
    }
    for (i = 0; i < ARRAY_SIZE(qaccel_knobs); i++) {
        knob = &qaccel_knobs[i];
        object_class_property_add(oc, knob->name, "uint32", qaccel_get_knob,
                                  qaccel_set_knob, NULL, (void *)knob);
        object_class_property_set_description(oc, knob->name, knob->text);
    }
    object_class_property_add_bool(oc, "x-gone", qaccel_get_gone, qaccel_set_gone);
    object_class_property_set_description(oc, "x-gone",
        "surprise removal: reads are all ones, writes do nothing");
}
