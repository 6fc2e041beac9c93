/* SPDX-License-Identifier: MIT */
/* The one place where libqaccel's version stands; CMakeLists.txt reads it from here. */
#ifndef QACCEL_VERSION_H
#define QACCEL_VERSION_H

#define QACCEL_VERSION_MAJOR	0
#define QACCEL_VERSION_MINOR	1
#define QACCEL_VERSION_PATCH	0

#endif /* QACCEL_VERSION_H */
