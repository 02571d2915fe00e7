/*
 * WASI preview 1, type `errno`: the values that are given here.
 */
#ifndef WASI_ERRNO_H
#define WASI_ERRNO_H

enum wasi_errno {
    WASI_SUCCESS = 0,
    WASI_EBADF = 8,
    WASI_EFAULT = 21,
    WASI_EINVAL = 28,
    WASI_EIO = 29,
    WASI_ENOMEM = 48,
    WASI_ENOSYS = 52,
    WASI_ENOTCAPABLE = 76,
    WASI_EOVERFLOW = 61,
    WASI_ESPIPE = 70
};

#endif
