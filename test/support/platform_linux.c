/*
 * wasm/platform.h over Linux, for tests: the guest's address space is this process's own.
 *
 * Reservations are PROT_NONE mappings, committed by mprotect. The first publication into one makes
 * it a code reservation: a memory file as large as it, written through one mapping and seen by the
 * guest through another, read-only and executable. Mapping a page again after each write is what
 * tells QEMU's user mode, which does not watch aliases, that its translations are stale.
 *
 * One thread. A copy that faults comes back as FAULT by way of the signal handler in riscv64/guest.c.
 */
#include "test/support/platform_linux.h"

#include "wasm/platform.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

struct reservation {
    gaddr_t addr;
    uint64_t size;
    int fd;         /* of a code reservation, else -1 */
    uint8_t *alias; /* its writable mapping */
};

struct plat_space {
    struct reservation *reservations;
    size_t len, cap;
};

static int calls_left = -1;
static int looks_left = -1;
static int held;

void platform_limit(int calls) {
    calls_left = calls;
}

void platform_kill(int looks) {
    looks_left = looks;
}

int platform_held(void) {
    return held;
}

static bool may_call(void) {
    if (calls_left == 0) {
        return false;
    }
    calls_left -= calls_left > 0;
    return true;
}

static bool is_killed(void *ctx) {
    (void)ctx;
    looks_left -= looks_left > 0;
    return looks_left == 0;
}

static void *get_chunk(void *ctx, size_t size) {
    (void)ctx;
    void *chunk = looks_left != 0 && may_call() ? malloc(size) : NULL;
    held += chunk != NULL;
    return chunk;
}

static void put_chunk(void *ctx, void *p, size_t size) {
    (void)ctx;
    (void)size;
    held--;
    free(p);
}

const struct arena_source *plat_arena_source(void) {
    static const struct arena_source source = {
        .get = get_chunk, .put = put_chunk, .is_killed = is_killed};
    return &source;
}

/* ---- reservations --------------------------------------------------------------------------- */

static void *pointer(gaddr_t addr) {
    return (void *)(uintptr_t)addr;
}

static struct reservation *find(const struct plat_space *space, gaddr_t addr, uint64_t size) {
    for (size_t i = space->len; i > 0; i--) {
        struct reservation *r = &space->reservations[i - 1];
        if (addr >= r->addr && addr - r->addr <= r->size && size <= r->size - (addr - r->addr)) {
            return r;
        }
    }
    return NULL;
}

static void unmap(struct reservation *r) {
    held--;
    munmap(pointer(r->addr), r->size);
    if (r->fd >= 0) {
        munmap(r->alias, r->size);
        close(r->fd);
    }
}

status_t plat_space_new(struct plat_space **space_out) {
    guest_init();
    *space_out = may_call() ? calloc(1, sizeof(**space_out)) : NULL;
    return *space_out ? STATUS_OK : STATUS_NO_MEMORY;
}

void plat_space_free(struct plat_space *space) {
    for (size_t i = 0; i < space->len; i++) {
        unmap(&space->reservations[i]);
    }
    free(space->reservations);
    free(space);
}

static status_t make_room(struct plat_space *space) {
    if (space->len < space->cap) {
        return STATUS_OK;
    }
    size_t cap = space->cap ? space->cap * 2 : 16;
    struct reservation *grown = realloc(space->reservations, cap * sizeof(*grown));
    if (!grown) {
        return STATUS_NO_MEMORY;
    }
    space->reservations = grown;
    space->cap = cap;
    return STATUS_OK;
}

/* Linux places mappings at random already; what is over for the alignment is cut off. */
status_t plat_reserve(struct plat_space *space, uint64_t size, uint64_t align, gaddr_t *addr_out) {
    TRY(make_room(space));
    uint64_t whole = size + align;
    if (!may_call()) {
        return STATUS_NO_SPACE;
    }
    void *mapped = mmap(NULL, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED) {
        return STATUS_NO_SPACE;
    }
    gaddr_t start = (gaddr_t)(uintptr_t)mapped;
    gaddr_t addr = (start + align - 1) / align * align;
    if (addr > start) {
        munmap(mapped, addr - start);
    }
    munmap(pointer(addr + size), start + whole - (addr + size));
    space->reservations[space->len++] = (struct reservation){.addr = addr, .size = size, .fd = -1};
    held++;
    *addr_out = addr;
    return STATUS_OK;
}

status_t plat_commit(struct plat_space *space, gaddr_t addr, uint64_t size) {
    assert(find(space, addr, size));
    bool committed = may_call() && mprotect(pointer(addr), size, PROT_READ | PROT_WRITE) == 0;
    return committed ? STATUS_OK : STATUS_NO_MEMORY;
}

void plat_release(struct plat_space *space, gaddr_t addr, uint64_t size) {
    struct reservation *r = find(space, addr, size);
    assert(r && r->addr == addr && r->size == size);
    unmap(r);
    *r = space->reservations[--space->len];
}

/* ---- code ------------------------------------------------------------------------------------ */

static status_t make_code(struct reservation *r) {
    int fd = memfd_create("code", MFD_CLOEXEC);
    if (fd < 0) {
        return STATUS_NO_MEMORY;
    }
    void *alias = MAP_FAILED;
    if (ftruncate(fd, (off_t)r->size) == 0) {
        alias = mmap(NULL, r->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    if (alias == MAP_FAILED) {
        close(fd);
        return STATUS_NO_MEMORY;
    }
    r->fd = fd;
    r->alias = alias;
    return STATUS_OK;
}

status_t plat_publish(struct plat_space *space, gaddr_t addr, const void *bytes, size_t size) {
    struct reservation *r = find(space, addr, size);
    assert(r);
    if (!may_call()) {
        return STATUS_NO_MEMORY;
    }
    if (r->fd < 0) {
        TRY(make_code(r));
    }
    memcpy(r->alias + (addr - r->addr), bytes, size);
    gaddr_t first = addr / PLAT_PAGE_SIZE * PLAT_PAGE_SIZE;
    gaddr_t end = (addr + size + PLAT_PAGE_SIZE - 1) / PLAT_PAGE_SIZE * PLAT_PAGE_SIZE;
    void *mapped = mmap(pointer(first), end - first, guest_code_protection(),
                        MAP_SHARED | MAP_FIXED, r->fd, (off_t)(first - r->addr));
    if (mapped == MAP_FAILED) {
        return STATUS_NO_MEMORY;
    }
    guest_sync_code(pointer(addr), size);
    return STATUS_OK;
}

/* ---- copying --------------------------------------------------------------------------------- */

status_t plat_copy_in(struct plat_space *space, void *to, gaddr_t from, size_t size) {
    bool copied = find(space, from, size) && guest_copy(to, pointer(from), size);
    return copied ? STATUS_OK : STATUS_FAULT;
}

status_t plat_copy_out(struct plat_space *space, gaddr_t to, const void *from, size_t size) {
    bool copied = find(space, to, size) && guest_copy(pointer(to), from, size);
    return copied ? STATUS_OK : STATUS_FAULT;
}

bool plat_try_copy_in(struct plat_space *space, void *to, gaddr_t from, size_t size) {
    return plat_copy_in(space, to, from, size) == STATUS_OK;
}

bool plat_try_copy_out(struct plat_space *space, gaddr_t to, const void *from, size_t size) {
    return plat_copy_out(space, to, from, size) == STATUS_OK;
}

/* There are no quick calls here. */
struct plat_word plat_try_load8(gaddr_t from) {
    (void)from;
    return (struct plat_word){0};
}

bool plat_try_store4(gaddr_t to, uint32_t value) {
    (void)to, (void)value;
    return false;
}

const struct wasm_store *plat_set_store(const struct wasm_store *store) {
    static _Thread_local const struct wasm_store *current;
    const struct wasm_store *before = current;
    current = store;
    return before;
}

/* ---- services -------------------------------------------------------------------------------- */

/* What emitted code may use. QEMU's default processor has the three; K23_ISA says otherwise. */
const char *plat_isa(void) {
    const char *isa = getenv("K23_ISA");
    return isa ? isa : "rv64imafdc_zba_zbb_zbs";
}

uint64_t plat_time_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* QEMU's user mode counts no instructions. */
uint64_t plat_instret(void) {
    return 0;
}

uint64_t plat_guest_instret(void) {
    return 0;
}

void plat_entropy(void *to, size_t size) {
    if (getrandom(to, size, 0) != (ssize_t)size) {
        abort();
    }
}

void plat_count_compile(uint64_t machine_bytes) {
    (void)machine_bytes;
}

void plat_log(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fputs("runtime: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}
