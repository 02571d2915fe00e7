/*
 * The checking of what programs pass, made from the rows of preview1.def: check_NAME(call) for each
 * function. All of it is inlined into one function a row, where the letters are constants; what is left
 * is the comparisons that the row asks for.
 */
#ifndef WASI_CHECK_H
#define WASI_CHECK_H

#include "wasi/internal.h"

#define EXPANDED static inline __attribute__((always_inline))

/* The part of a row that checks. */
struct check_row {
    const char *params;
    uint32_t len;
    uint64_t rights, rights2;
};

/* How many bytes a pointer of that letter leads to. */
EXPANDED uint32_t check_result_size(const struct wasi_call *call, char letter) {
    switch (letter) {
    case '2':
        return 2;
    case '4':
        return 4;
    case '8':
        return 8;
    case 't':
        return sizeof(struct fdstat);
    case 's':
        return call->unstable ? sizeof(struct filestat_unstable) : sizeof(struct filestat);
    default:
        return 0;
    }
}

EXPANDED uint32_t check_width(char letter) {
    return letter == 'p' || letter == 'b' || letter == 'v' ? 2 : 1;
}

EXPANDED bool check_is_descriptor(char letter) {
    return letter == 'f' || letter == 'd';
}

EXPANDED enum wasi_errno check_descriptor(struct wasi_call *call, uint32_t fd, char letter,
                                          uint64_t rights, struct wasi_file **file_out) {
    struct wasi_file *file = wasi_file(call->wasi, fd);
    if (!file) {
        return WASI_EBADF;
    }
    *file_out = file;
    if (letter == 'd' && file->node->type != NODE_DIRECTORY) {
        return WASI_ENOTDIR;
    }
    return rights ? wasi_file_need(file, rights) : WASI_SUCCESS;
}

EXPANDED enum wasi_errno check_range(const struct wasi_call *call, uint64_t addr, uint64_t size) {
    return addr + size <= call->caller->memory_size ? WASI_SUCCESS : WASI_EFAULT;
}

/* One letter that is no descriptor, whose first argument is number `i`. */
EXPANDED enum wasi_errno check_param(const struct wasi_call *call, char letter, uint32_t i) {
    switch (letter) {
    case 'i':
    case 'I':
        return WASI_SUCCESS;
    case 'p':
    case 'b':
        return check_range(call, wasi_arg(call, i), wasi_arg(call, i + 1));
    case 'v':
        if (wasi_arg(call, i + 1) > WASI_MAX_VECTORS) {
            return WASI_EINVAL;
        }
        return check_range(call, wasi_arg(call, i),
                           sizeof(struct iovec) * (uint64_t)wasi_arg(call, i + 1));
    default:
        return check_range(call, wasi_arg(call, i), check_result_size(call, letter));
    }
}

/* Letter `n`, if there is one; *arg is its first argument, *files how many descriptors came before. */
EXPANDED enum wasi_errno check_letter(struct wasi_call *call, struct check_row row, uint32_t n,
                                      uint32_t *arg, uint32_t *files) {
    if (n >= row.len) {
        return WASI_SUCCESS;
    }
    char letter = row.params[n];
    uint32_t i = *arg;
    *arg += check_width(letter);
    if (!check_is_descriptor(letter)) {
        return check_param(call, letter, i);
    }
    bool second = (*files)++ > 0;
    return check_descriptor(call, wasi_arg(call, i), letter, second ? row.rights2 : row.rights,
                            second ? &call->file2 : &call->file);
}

#define CHECK_LETTERS 8

EXPANDED enum wasi_errno check_all(struct wasi_call *call, struct check_row row) {
    uint32_t arg = 0, files = 0;
    WASI_TRY(check_letter(call, row, 0, &arg, &files));
    WASI_TRY(check_letter(call, row, 1, &arg, &files));
    WASI_TRY(check_letter(call, row, 2, &arg, &files));
    WASI_TRY(check_letter(call, row, 3, &arg, &files));
    WASI_TRY(check_letter(call, row, 4, &arg, &files));
    WASI_TRY(check_letter(call, row, 5, &arg, &files));
    WASI_TRY(check_letter(call, row, 6, &arg, &files));
    return check_letter(call, row, 7, &arg, &files);
}

#define WASI(name, params, rights, rights2)                                                        \
    _Static_assert(sizeof(params) - 1 <= CHECK_LETTERS, #name);                                    \
    EXPANDED enum wasi_errno check_##name(struct wasi_call *call) {                                \
        return check_all(call, (struct check_row){params, sizeof(params) - 1, rights, rights2});   \
    }
#include "wasi/preview1.def"
#undef WASI

#undef EXPANDED
#endif
