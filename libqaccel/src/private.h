/* SPDX-License-Identifier: MIT */
#ifndef QACCEL_PRIVATE_H
#define QACCEL_PRIVATE_H

/*
 * Marks what libqaccel lends to its sister libqaccel-train and to nobody else:
 * no header of it is installed, and libqaccel-private.symbols lists the names.
 * The two libraries are of one version; this part of the interface may change
 * with any.
 */
#define QACCEL_PRIVATE_API	__attribute__((visibility("default")))

#endif /* QACCEL_PRIVATE_H */
