/*
 * What Liburing.java is generated from; liburing.includes says which of its names are taken.
 *
 * liburing.h brings its own copy of the kernel's io_uring.h, which shuts out the one in linux/. It is the
 * newest where it matters but lacks a few names that the kernel's has: those are added below, each as in
 * linux/io_uring.h, and only until liburing's copy has them.
 */
#define _GNU_SOURCE
#include <liburing.h>

#ifndef IORING_NOP_FILE
#define IORING_NOP_FILE (1U << 1)
#define IORING_NOP_FIXED_FILE (1U << 2)
#define IORING_NOP_FIXED_BUFFER (1U << 3)
#define IORING_NOP_TW (1U << 4)
#endif

#ifndef IORING_URING_CMD_MULTISHOT
#define IORING_URING_CMD_MULTISHOT (1U << 1)
#endif

/* Enumerators in linux/io_uring.h, which #ifndef cannot see: remove them when they are defined twice. */
enum gyre_napi {
	IO_URING_NAPI_REGISTER_OP = 0,
	IO_URING_NAPI_STATIC_ADD_ID = 1,
	IO_URING_NAPI_STATIC_DEL_ID = 2,
	IO_URING_NAPI_TRACKING_DYNAMIC = 0,
	IO_URING_NAPI_TRACKING_STATIC = 1,
	IO_URING_NAPI_TRACKING_INACTIVE = 255,
};
