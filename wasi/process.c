/*
 * Arguments, environment, clocks, random numbers, scheduling, exit
 * and signals (WASI preview 1: args_*, environ_*, clock_*, random_get, sched_yield, proc_exit, proc_raise).
 */
#include "wasi/internal.h"

/* An array of pointers at `pointers`, and the strings they point to at `bytes`. */
static enum wasi_errno put_strings(struct wasi_call *call, const struct wasi_strings *strings,
                                   uint32_t pointers, uint32_t bytes) {
    WASI_TRY(wasi_put(call, bytes, strings->bytes, strings->size));
    uint32_t offset = 0;
    for (uint32_t i = 0; i < strings->count; i++) {
        WASI_TRY(wasi_put_u32(call, pointers + 4 * i, bytes + offset));
        while (strings->bytes[offset++] != '\0') {
        }
    }
    return WASI_SUCCESS;
}

static enum wasi_errno put_sizes(struct wasi_call *call, const struct wasi_strings *strings) {
    WASI_TRY(wasi_put_u32(call, wasi_arg(call, 0), strings->count));
    return wasi_put_u32(call, wasi_arg(call, 1), strings->size);
}

enum wasi_errno wasi_args_get(struct wasi_call *call) {
    return put_strings(call, &call->wasi->args, wasi_arg(call, 0), wasi_arg(call, 1));
}

enum wasi_errno wasi_args_sizes_get(struct wasi_call *call) {
    return put_sizes(call, &call->wasi->args);
}

enum wasi_errno wasi_environ_get(struct wasi_call *call) {
    return put_strings(call, &call->wasi->environ, wasi_arg(call, 0), wasi_arg(call, 1));
}

enum wasi_errno wasi_environ_sizes_get(struct wasi_call *call) {
    return put_sizes(call, &call->wasi->environ);
}

/* ---- clocks -------------------------------------------------------------------------------- */

enum wasi_errno wasi_clock_res_get(struct wasi_call *call) {
    if (wasi_arg(call, 0) > CLOCK_THREAD_CPUTIME) {
        return WASI_EINVAL;
    }
    return wasi_put_u64(call, wasi_arg(call, 1), call->wasi->system->resolution_ns());
}

enum wasi_errno wasi_clock_time_get(struct wasi_call *call) {
    const struct wasi_system *system = call->wasi->system;
    uint64_t now;
    switch (wasi_arg(call, 0)) {
    case CLOCK_REALTIME:
        now = system->realtime_ns();
        break;
    case CLOCK_MONOTONIC:
        now = system->monotonic_ns();
        break;
    case CLOCK_PROCESS_CPUTIME:
    case CLOCK_THREAD_CPUTIME:
        now = system->cpu_ns();
        break;
    default:
        return WASI_EINVAL;
    }
    return wasi_put_u64(call, wasi_arg(call, 2), now);
}

/* ---- the rest ------------------------------------------------------------------------------ */

enum wasi_errno wasi_random_get(struct wasi_call *call) {
    uint32_t addr = wasi_arg(call, 0), left = wasi_arg(call, 1);
    if (call->quick && left > WASI_QUICK_MAX) {
        return WASI_EAGAIN;
    }
    while (left > 0) {
        uint32_t n = left < WASI_BUFFER_SIZE ? left : WASI_BUFFER_SIZE;
        call->wasi->system->random(call->wasi->buffer, n);
        WASI_TRY(wasi_put(call, addr, call->wasi->buffer, n));
        addr += n;
        left -= n;
    }
    return WASI_SUCCESS;
}

enum wasi_errno wasi_sched_yield(struct wasi_call *call) {
    call->wasi->system->yield();
    return WASI_SUCCESS;
}

enum wasi_errno wasi_proc_exit(struct wasi_call *call) {
    call->wasi->exit_code = wasi_arg(call, 0);
    call->exits = true;
    return WASI_SUCCESS;
}

/* There is nobody who could catch, stop or continue a program: a signal either ends it, with the status that
 * a shell shows, or is one that programs ignore if they do not ask for it. */
enum wasi_errno wasi_proc_raise(struct wasi_call *call) {
    enum { CHLD = 16, CONT = 17, STOP = 18, TTOU = 21, URG = 22, WINCH = 27, LAST = 30 };
    uint32_t signal = wasi_arg(call, 0);
    if (signal > LAST) {
        return WASI_EINVAL;
    }
    if (signal == 0 || signal == CHLD || signal == CONT || signal == URG || signal == WINCH) {
        return WASI_SUCCESS;
    }
    if (signal >= STOP && signal <= TTOU) {
        return WASI_ENOTSUP;
    }
    call->wasi->exit_code = 128 + signal;
    call->exits = true;
    return WASI_SUCCESS;
}
