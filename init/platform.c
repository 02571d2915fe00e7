/*
 * wasm/platform.h over the kernel: a domain is a space, and a guest runs on the calling thread.
 *
 * A space may hold what the quota of the calling thread's program allows; without one, all frames that
 * are free when it is made.
 */
#include "wasm/platform.h"

#include "kernel/arch.h"
#include "kernel/counters.h"
#include "kernel/harts.h"
#include "kernel/log.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/space.h"
#include "kernel/panic.h"
#include "kernel/program.h"
#include "kernel/random.h"
#include "kernel/thread.h"
#include "kernel/time.h"

#include "wasm/wasm.h"

#include <stdarg.h>
#include <string.h>

struct plat_space {
    struct space *space;
};

/* A thread that is to end leaves a long compile at once: there it is asked now and then, and gets no more
 * memory. */
static bool is_killed(void *ctx) {
    (void)ctx;
    return thread_killed();
}

static void *get_chunk(void *ctx, size_t size) {
    (void)ctx;
    return thread_killed() ? NULL : heap_alloc_raw(program_quota(), size);
}

static void put_chunk(void *ctx, void *p, size_t size) {
    (void)ctx;
    (void)size;
    heap_free(p);
}

static const struct arena_source arena_source = {
    .get = get_chunk, .put = put_chunk, .is_killed = is_killed};

const struct arena_source *plat_arena_source(void) {
    return &arena_source;
}

/* ---- address space -------------------------------------------------------------------------- */

status_t plat_space_new(struct plat_space **space_out) {
    struct plat_space *plat = heap_new_for(program_quota(), struct plat_space);
    if (!plat) {
        return STATUS_NO_MEMORY;
    }
    status_t status = space_new(frame_free_count(), &plat->space);
    if (status != STATUS_OK) {
        heap_free(plat);
        return status;
    }
    *space_out = plat;
    return STATUS_OK;
}

void plat_space_free(struct plat_space *space) {
    if (thread_current()->space == space->space) {
        thread_set_space(NULL);
    }
    space_free(space->space);
    heap_free(space);
}

status_t plat_reserve(struct plat_space *space, uint64_t size, uint64_t align, gaddr_t *addr_out) {
    vaddr_t addr;
    TRY(space_reserve(space->space, size, align, &addr));
    *addr_out = addr;
    return STATUS_OK;
}

status_t plat_commit(struct plat_space *space, gaddr_t addr, uint64_t size) {
    return space_protect(space->space, addr, size, PROT_READ | PROT_WRITE);
}

void plat_release(struct plat_space *space, gaddr_t addr, uint64_t size) {
    status_t status = space_unmap(space->space, addr, size);
    if (status != STATUS_OK) { /* it goes with the space, then */
        log_warn("wasm", "release of 0x%llx: %s", (unsigned long long)addr, status_text(status));
    }
}

status_t plat_publish(struct plat_space *space, gaddr_t addr, const void *bytes, size_t size) {
    return space_publish_code(space->space, addr, bytes, size);
}

status_t plat_copy_in(struct plat_space *space, void *to, gaddr_t from, size_t size) {
    return space_copy_in(space->space, to, from, size);
}

bool plat_try_copy_in(struct plat_space *space, void *to, gaddr_t from, size_t size) {
    return space_copy_try_in(space->space, to, from, size);
}

status_t plat_copy_out(struct plat_space *space, gaddr_t to, const void *from, size_t size) {
    return space_copy_out(space->space, to, from, size);
}

bool plat_try_copy_out(struct plat_space *space, gaddr_t to, const void *from, size_t size) {
    return space_copy_try_out(space->space, to, from, size);
}

struct plat_word plat_try_load8(gaddr_t from) {
    struct plat_word word;
    word.there = arch_load8(from, &word.value);
    return word;
}

bool plat_try_store4(gaddr_t to, uint32_t value) {
    return arch_store4(to, value);
}

/* ---- running --------------------------------------------------------------------------------- */

/* The runtime's structs are the kernel's under other names: nothing is copied. */
#define SAME_PLACE(theirs, ours)                                                                   \
    _Static_assert(offsetof(struct plat_regs, theirs) == offsetof(struct user_regs, ours), #ours)
SAME_PLACE(x, x);
SAME_PLACE(pc, pc);
SAME_PLACE(host, kernel_sp);
SAME_PLACE(quick, quick);
SAME_PLACE(f, f);
SAME_PLACE(fcsr, fcsr);
_Static_assert(sizeof(struct plat_regs) == sizeof(struct user_regs), "the host's part");
_Static_assert(sizeof(struct plat_quick) == sizeof(struct user_quick) &&
                   offsetof(struct plat_quick, fn) == offsetof(struct user_quick, fn) &&
                   offsetof(struct plat_quick, ctx) == offsetof(struct user_quick, ctx) &&
                   PLAT_QUICK_LEN == USER_QUICK_LEN,
               "the table of quick calls");

static struct user_regs *user_regs_of(struct plat_regs *regs) {
    return (struct user_regs *)regs;
}

void plat_sync(struct plat_regs *regs) {
    thread_sync_user(user_regs_of(regs));
}

enum plat_exit plat_run(struct plat_space *space, struct plat_regs *regs, gaddr_t *fault_addr_out) {
    struct thread *self = thread_current();
    if (self->space != space->space) {
        thread_set_space(space->space);
    }
    struct user_regs *user = user_regs_of(regs);
    if (user->status == 0) {
        user_regs_start(user);
    }
    enum user_exit exit = thread_run_user(user);
    *fault_addr_out = user->fault_addr;
    switch (exit) {
    case USER_EXIT_CALL:
        regs->pc -= sizeof(uint32_t); /* back at the exit instruction */
        return PLAT_EXIT_CALL;
    case USER_EXIT_ILLEGAL:
    case USER_EXIT_BREAKPOINT:
        return PLAT_EXIT_ILLEGAL;
    case USER_EXIT_NO_MEMORY:
        return PLAT_EXIT_NO_MEMORY;
    case USER_EXIT_KILLED:
        return PLAT_EXIT_KILLED;
    default:
        return PLAT_EXIT_FAULT;
    }
}

static void print_guest(const void *guest, uint64_t from, uint64_t below, struct sink *sink) {
    wasm_store_print_stack(guest, from, below, sink);
}

/* Who has a guest makes it known to panics, so that a kernel without guests need not link the runtime. */
const struct wasm_store *plat_set_store(const struct wasm_store *store) {
    struct thread *self = thread_current();
    const struct wasm_store *before = self->guest;
    self->guest = store;
    panic_set_guest_printer(print_guest);
    return before;
}

uint32_t plat_exit_instruction(void) {
    return arch_user_call_instruction();
}

/* ---- services -------------------------------------------------------------------------------- */

/* Guests move between harts, so code is made for what all harts have. */
const char *plat_isa(void) {
    const char *isa = harts_at(0)->boot->isa;
    for (uint32_t i = 1; i < harts_count(); i++) {
        if (strcmp(isa, harts_at(i)->boot->isa) != 0) {
            return "rv64imafdc";
        }
    }
    return isa;
}

uint64_t plat_time_ns(void) {
    return time_now_ns();
}

uint64_t plat_instret(void) {
    return thread_instret();
}

uint64_t plat_guest_instret(void) {
    return thread_current()->guest_instret;
}

void plat_entropy(void *to, size_t size) {
    random_bytes(to, size);
}

void plat_count_compile(uint64_t machine_bytes) {
    counters_add(COUNTER_COMPILES, 1);
    counters_add(COUNTER_COMPILED_BYTES, machine_bytes);
}

void plat_log(const char *format, ...) {
    char line[LOG_LINE_SIZE];
    va_list args;
    va_start(args, format);
    fmt_vtext(line, sizeof(line), format, args);
    va_end(args);
    log_info("wasm", "%s", line);
}
