/*
 * WASI preview 1 for one program, over nodes (fs/node.h): wasi_define() makes its functions importable
 * in a store, under "wasi_snapshot_preview1" and, with the layouts of that time, "wasi_unstable".
 *
 *     wasi_init -> wasi_open_stream, wasi_preopen... -> wasi_define -> (the program runs) -> wasi_fini
 *
 * A program is one thread: no locks but those of the file systems. The kernel's services it needs come
 * as functions, so that the same files run over Linux in tests.
 */
#ifndef WASI_WASI_H
#define WASI_WASI_H

#include "base/status.h"
#include "fs/node.h"
#include "fs/path.h"
#include "wasi/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wasm_quick;
struct wasm_store;

/* Strings as the program gets them: each terminated, one after the other. */
struct wasi_strings {
    const char *bytes;
    uint32_t size; /* with the terminators */
    uint32_t count;
};

/* What WASI asks of the system below. Clocks and random are called with interrupts off too. */
struct wasi_system {
    uint64_t (*monotonic_ns)(void);
    uint64_t (*realtime_ns)(void); /* since 1970 */
    uint64_t (*cpu_ns)(void);      /* used by the calling thread */
    uint64_t (*resolution_ns)(void);
    void (*random)(void *to, size_t size);
    void (*yield)(void);
};

#define WASI_FUNCTIONS   46
#define WASI_BUFFER_SIZE 4096u

/* What an import is bound to: a function of the table, for this program. */
struct wasi_binding {
    struct wasi *wasi;
    uint32_t function;
    bool unstable; /* imported from wasi_unstable */
};

/* Sets the program's event: see poll.c. */
struct wasi_watch {
    struct watch watch;
    struct fs_event *event;
};

/* An open descriptor. */
struct wasi_file {
    struct node *node; /* a reference; NULL: closed */
    uint64_t offset;
    uint64_t rights, inheriting;
    const char *preopen; /* the name of a preopened directory, else NULL */
    uint16_t flags;      /* fdflags */
    uint8_t filetype;
    uint8_t awaited; /* enum node_access; by the poll_oneoff in progress, see poll.c */
    struct wasi_watch watch;
    struct wasi_file *next_watched;
};

struct wasi {
    const struct wasi_system *system;
    struct wasm_quick *quick; /* of the store whose guests call */
    struct wasi_strings args, environ;
    struct fs_event *event;                   /* of poll_oneoff; NULL: there was none yet */
    uint32_t exit_code;                       /* of proc_exit and proc_raise */
    uint64_t free_files[WASI_MAX_FILES / 64]; /* a bit for each that is closed */
    struct wasi_file *files; /* file_cap of them: `first`, or memory of fs_alloc() */
    uint32_t file_cap;
    struct wasi_file first[WASI_FIRST_FILES];
    struct wasi_binding bindings[2][WASI_FUNCTIONS];
    struct path_walk walks[2]; /* rename and link resolve two paths */
    char paths[2][FS_PATH_MAX];
    union {
        uint8_t buffer[WASI_BUFFER_SIZE]; /* on the way to or from guest memory */
        uint64_t word;                    /* its first bytes */
    };
};

/* An empty environment with no open descriptors. `system` must outlive it. */
void wasi_init(struct wasi *wasi, const struct wasi_system *system);
/* Closes what is open. */
void wasi_fini(struct wasi *wasi);

/* Makes `node` descriptor `fd`, which must be closed, to be read or written (enum node_access). Takes
 * a reference of its own. */
void wasi_open_stream(struct wasi *wasi, uint32_t fd, struct node *node, unsigned access);

/* The next descriptor is a directory that the program knows as `name`, which must outlive it. LIMIT. */
MUST_CHECK status_t wasi_preopen(struct wasi *wasi, struct node *dir, const char *name);

/* Makes the functions importable; `wasi` must outlive the store. When the program calls proc_exit,
 * the call into it ends with EXITED and the code is in wasi->exit_code. */
MUST_CHECK status_t wasi_define(struct wasi *wasi, struct wasm_store *store);

#endif
