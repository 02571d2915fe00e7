/*
 * What the runtime asks of its host: an address space for guest code, a way to run it, and a few
 * services. init/platform.c implements it over the kernel, test/support/platform_linux.c over
 * Linux. Nothing in wasm/ knows more of the world than this.
 *
 * Guest addresses (gaddr_t) are addresses in a domain's address space in user mode. The runtime
 * never dereferences one; it copies in and out.
 */
#ifndef WASM_PLATFORM_H
#define WASM_PLATFORM_H

#include "base/arena.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t gaddr_t;

struct wasm_store;
struct plat_space; /* the user half of one domain */

/* Memory for the runtime's own arenas. Also says whether the program is to end, to which loading and
 * compiling look now and then: they return KILLED. */
const struct arena_source *plat_arena_source(void);

/* ---- address space ------------------------------------------------------------------------ */

/* An empty domain, and its end: every page and reservation of it is given back. */
MUST_CHECK status_t plat_space_new(struct plat_space **space_out);
void plat_space_free(struct plat_space *space);

/* Reserves `size` bytes of address space aligned to `align` (both multiples of the page size) at a
 * random place. No access until committed. NO_SPACE. */
MUST_CHECK status_t plat_reserve(struct plat_space *space, uint64_t size, uint64_t align,
                                 gaddr_t *addr_out);
/* Makes [addr, addr + size), page-aligned and inside one reservation, readable and writable,
 * zero-filled at first touch. Already committed parts keep their contents. NO_MEMORY when the
 * domain's quota cannot bear it. */
MUST_CHECK status_t plat_commit(struct plat_space *space, gaddr_t addr, uint64_t size);
/* Gives a whole reservation back. */
void plat_release(struct plat_space *space, gaddr_t addr, uint64_t size);

/* Places code: the bytes are written through another mapping, the guest sees them read-only and
 * executable, and every hart that may run them fetches them afresh. Inside one reservation;
 * neighbouring pages may hold code already. */
MUST_CHECK status_t plat_publish(struct plat_space *space, gaddr_t addr, const void *bytes,
                                 size_t size);

/* Between guest memory and the runtime's; FAULT when any byte is not accessible to the guest
 * (nothing is guaranteed of the bytes before it). */
MUST_CHECK status_t plat_copy_in(struct plat_space *space, void *to, gaddr_t from, size_t size);
MUST_CHECK status_t plat_copy_out(struct plat_space *space, gaddr_t to, const void *from,
                                  size_t size);

/* plat_copy_in() and plat_copy_out() for the domain that the calling thread runs, of what is there
 * already: takes no lock, makes no page; interrupts may be off. */
bool plat_try_copy_in(struct plat_space *space, void *to, gaddr_t from, size_t size);
bool plat_try_copy_out(struct plat_space *space, gaddr_t to, const void *from, size_t size);

/* The same of one word. */
struct plat_word {
    uint64_t value;
    bool there;
};
struct plat_word plat_try_load8(gaddr_t from);
bool plat_try_store4(gaddr_t to, uint32_t value);

/* ---- running ------------------------------------------------------------------------------ */

/* Host functions that are done in a few instructions, cannot fail and never wait. A guest calls one
 * by an exit instruction at `pc` with the entry's offset in the table in t0; the host then calls fn at
 * once, in the middle of the trap, with interrupts off: x are the guest's registers as in struct
 * plat_regs, of which ra, sp, tp and a0 to a3 are there. When it returns true a0 to a3 are results, and
 * the guest goes on at its ra; a4 to a7 and t0 to t6 are lost. When it returns
 * false, x as it was, or pc is another, plat_run() returns as for any call. A host may always do that. */
struct plat_quick {
    gaddr_t pc; /* 0: no entry */
    bool (*fn)(void *ctx, uint64_t *x);
    void *ctx;
    uint64_t reserved;
};
#define PLAT_QUICK_LEN  64u
#define PLAT_QUICK_ARGS 4u

/* The guest's registers, by their RISC-V numbers. All zero before the first plat_run(). The host runs
 * the guest from this very struct; it stays the host's until plat_sync(). */
struct plat_regs {
    uint64_t x[32]; /* x[0] unused */
    uint64_t pc;
    uint64_t host[4];               /* the host's own */
    const struct plat_quick *quick; /* PLAT_QUICK_LEN entries, or NULL */
    uint64_t f[32];                 /* see plat_sync() */
    uint64_t fcsr;
    uint64_t host_more[4];
};

enum plat_exit {
    PLAT_EXIT_CALL,      /* pc is at the exit instruction */
    PLAT_EXIT_ILLEGAL,   /* illegal instruction at pc: an explicit trap */
    PLAT_EXIT_FAULT,     /* load, store or fetch that may not be, at `fault_addr` */
    PLAT_EXIT_NO_MEMORY, /* as FAULT, but the page could not be had */
    PLAT_EXIT_KILLED     /* the program is to end */
};

/* Runs the guest on the calling thread from *regs until it leaves user mode for good; *regs holds
 * its registers then. Interrupts and faults on committed pages are dealt with inside. */
enum plat_exit plat_run(struct plat_space *space, struct plat_regs *regs, gaddr_t *fault_addr_out);

/* f and fcsr are the guest's from here to the next plat_run(), which costs time and is left out where
 * nobody looks at them. Before they are read or written after a plat_run(), and before the struct
 * goes away. */
void plat_sync(struct plat_regs *regs);

/* From now on the calling thread is in calls into this store (NULL: into none), as far as the host's own
 * backtraces go. Returns what was said before. */
const struct wasm_store *plat_set_store(const struct wasm_store *store);

/* The 4-byte instruction by which guest stubs leave (PLAT_EXIT_CALL). */
uint32_t plat_exit_instruction(void);

/* ---- services ------------------------------------------------------------------------------ */

/* The ISA string of the harts that run guests ("rv64imafdc_zba_..."), lower case. */
const char *plat_isa(void);
uint64_t plat_time_ns(void);       /* monotonic */
uint64_t plat_instret(void);       /* instructions retired on this hart, or 0 where unknown */
uint64_t plat_guest_instret(void); /* those of the calling thread in user mode, or 0 */
void plat_entropy(void *to, size_t size);
/* A function was compiled, into so many bytes of machine code: for the host's statistics. */
void plat_count_compile(uint64_t machine_bytes);
void plat_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define PLAT_PAGE_SIZE 4096u

#endif
