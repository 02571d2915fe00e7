/*
 * WASI preview 1 for one program: arguments, environment, standard streams, clocks, random numbers
 * and exit, over the files it was given. wasi_define() makes it importable in a store under
 * "wasi_snapshot_preview1"; functions that are not there yet link too and return ENOSYS.
 *
 * A program is one thread: no locks. The kernel's services it needs come as functions, so that the
 * same files run over Linux in tests.
 */
#ifndef WASI_WASI_H
#define WASI_WASI_H

#include "base/status.h"
#include "fs/file.h"

#include <stddef.h>
#include <stdint.h>

struct wasm_store;

/* Strings as the program gets them: each terminated, one after the other. */
struct wasi_strings {
    const char *bytes;
    uint32_t size;    /* with the terminators */
    uint32_t count;
};

/* What WASI asks of the system below. */
struct wasi_system {
    uint64_t (*monotonic_ns)(void);
    uint64_t (*realtime_ns)(void);    /* since 1970 */
    uint64_t (*cpu_ns)(void);         /* used by the calling thread */
    void (*random)(void *to, size_t size);
    void (*yield)(void);
};

#define WASI_FUNCTIONS 46
#define WASI_MAX_FILES 64
#define WASI_BUFFER_SIZE 16384u

/* What an import is bound to: a function of the table, for this program. */
struct wasi_binding {
    struct wasi *wasi;
    uint32_t function;
};

struct wasi {
    const struct wasi_system *system;
    struct wasi_strings args, environ;
    struct file *files[WASI_MAX_FILES];   /* by descriptor; NULL: closed. Not owned */
    uint32_t exit_code;                   /* of proc_exit */
    struct wasi_binding bindings[WASI_FUNCTIONS];
    uint8_t buffer[WASI_BUFFER_SIZE];     /* between guest memory and files */
};

/* An empty environment with no open files. `system` must outlive it. */
void wasi_init(struct wasi *wasi, const struct wasi_system *system);

/* Makes the functions importable; `wasi` must outlive the store. When the program calls proc_exit,
 * the call into it ends with EXITED and the code is in wasi->exit_code. */
MUST_CHECK status_t wasi_define(struct wasi *wasi, struct wasm_store *store);

#endif
