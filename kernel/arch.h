/*
 * What the kernel asks of a machine, in neutral words; kernel/riscv64/ answers. CSR names,
 * encodings and assembly stay behind this header.
 *
 * User mode is a function call: user_enter() loads the registers it is given, runs the guest, and
 * returns when the guest traps, with the registers as the trap left them. So everything about a
 * guest is plain C around one function, and the kernel owns no frames on the guest's stack.
 */
#ifndef KERNEL_ARCH_H
#define KERNEL_ARCH_H

#include "base/status.h"
#include "kernel/types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct boot_info;
struct quota;
struct hart;
struct pagetable;
struct thread;

/* ---- Interrupts on this hart ---- */

static inline irq_state_t arch_irq_save(void); /* turns them off */
static inline void arch_irq_restore(irq_state_t state);
static inline void arch_irq_on(void);
static inline void arch_irq_off(void);
static inline bool arch_irq_enabled(void);

/* Sleep until an interrupt is pending. Called with interrupts off; returns with one pending and
 * not yet taken, so no wake-up is lost between the caller's check and the sleep. */
static inline void arch_wait_for_interrupt(void);

/* ---- Harts ---- */

/* This hart's struct; valid after arch_hart_init(). */
static inline struct hart *hart_self(void);

/* The thread that runs on this hart, in one instruction: right even if the caller may be moved. */
static inline struct thread *arch_current(void);

/* This hart's counters (kernel/counters.h): right enough if the caller may be moved. */
static inline uint64_t *arch_counters(void);

/* A hint inside a spinning loop. */
static inline void arch_relax(void);

/* For a loop that has waited for long for another hart, interrupts off: this one rests for about `ticks`.
 * Where a machine has more harts than its host has processors, the other one gets on meanwhile. */
void arch_rest(uint64_t ticks);

/* Readies this hart: its pointer, trap vector, counters, interrupt sources. Interrupts stay off. */
void arch_hart_init(struct hart *hart);

/* Sleeps until *flag is not 0; its setter then sends this hart an IPI. For a hart that has neither struct
 * nor trap vector yet. */
void arch_hart_wait(const uint32_t *flag);

/* Learns from boot_info what the machine can do (extensions, paging). Once, before all else. */
void arch_init(const struct boot_info *info);

/* One line about what arch_init() found, for the log. */
const char *arch_describe(void);

/* Interrupts the harts of the mask (bit = hart index) so that they look at their queues. */
void arch_ipi(uint64_t hart_mask);

/* From now on arch_ipi() reaches that hart by storing `identity` there. */
void arch_ipi_use(uint32_t hart_index, volatile uint32_t *doorbell, uint32_t identity);

/* Makes code just written through the physical map visible to instruction fetch on every hart that runs
 * in pt from now on; those that run in it now are interrupted. */
void arch_icache_publish(struct pagetable *pt);

/* Orders memory and device registers against each other, both ways. */
static inline void arch_io_fence(void);

/* Whether a device register of 1 or 4 bytes can be read at all. */
bool arch_probe_device(const volatile void *address, size_t width);

/* Stops this hart for ever, interrupts off. */
_Noreturn void arch_halt(void);

/* Firmware's way to power off or reset, for machines without a test device. Returns on failure. */
void arch_firmware_poweroff(bool failure);
void arch_firmware_reboot(void);

/* ---- Message-signalled interrupts, where a hart has a file of them ---- */

/* Every hart has one. */
bool arch_msi_present(void);

/* This hart takes identities 1 to `last`; those below go first. */
void arch_msi_init(uint32_t last);

/* The pending identity of this hart that goes first, pending no more; 0: none. */
uint32_t arch_msi_claim(void);

/* ---- Time and counters ---- */

static inline uint64_t arch_ticks(void);   /* of the timebase */
static inline uint64_t arch_instret(void); /* instructions retired by this hart */

/* The timer interrupt of this hart at `ticks`; UINT64_MAX: none. Replaces the earlier one. */
void arch_timer_set(uint64_t ticks);

/* ---- User mode ---- */

/* A host call that is made in the middle of the trap, without leaving user_enter(), if the guest
 * calls from `pc` with the entry's offset in the table in t0. fn runs with interrupts off and must
 * leave them so; x are the guest's registers by number, of which ra, sp, tp and a0 to a3 are there, and
 * a4 to a7 and t0 to t6 are lost. True: a0 to a3 are the results, and the guest goes on at its ra.
 * False, with x as it was: user_enter() returns as for any other call. */
struct user_quick {
    vaddr_t pc; /* 0: no entry */
    bool (*fn)(void *ctx, uint64_t *x);
    void *ctx;
    uint64_t reserved;
};
#define USER_QUICK_LEN 64

/* Registers of a guest. x and f are indexed by the machine's numbers. The layout is known to
 * assembly (kernel/riscv64/offsets.h). */
struct user_regs {
    uint64_t x[32]; /* x[0] unused */
    uint64_t pc;
    uint64_t kernel_sp;  /* of the user_enter() in progress */
    uint64_t cause;      /* machine's code of the trap */
    uint64_t fault_addr; /* address or instruction that the trap concerns */
    uint64_t status;     /* machine's status word, floating-point state within */
    const struct user_quick
        *quick; /* USER_QUICK_LEN entries; user_regs_start() takes NULL for none */
    uint64_t f[32];
    uint64_t fcsr;
    uint64_t instret; /* retired by this guest in user mode and in quick calls, in all */
    /* Makes this guest a native one: each of its calls that is no quick one runs this in the middle of
     * the trap, with interrupts off and with arch_user_args() as arguments and results; it may sleep.
     * True: the guest goes on after the call, without t0 to t6. False: user_enter() returns
     * USER_EXIT_CALL. NULL: user_enter() returns for every call. Set before user_regs_start(). Such a
     * guest gets the floating-point registers when it first asks, and its instret is not counted. */
    bool (*syscall)(struct user_regs *regs);
    uint32_t live; /* USER_LIVE_*: those that are in the hart's registers */
    uint32_t reserved;
    void *vectors; /* where its vector registers are kept; see USER_EXIT_VECTORS */
};
enum { USER_LIVE_FLOATS = 1, USER_LIVE_VECTORS = 2 };

/* Why a guest stopped. */
enum user_exit {
    USER_EXIT_INTERRUPT,  /* an interrupt is pending; the arch has not handled it yet */
    USER_EXIT_CALL,       /* the guest made a host call; pc is after it */
    USER_EXIT_READ_FAULT, /* no readable page at fault_addr */
    USER_EXIT_WRITE_FAULT,
    USER_EXIT_EXECUTE_FAULT,
    USER_EXIT_ILLEGAL, /* illegal instruction */
    USER_EXIT_BREAKPOINT,
    USER_EXIT_MISALIGNED,
    USER_EXIT_ACCESS_FAULT, /* physical access refused by the machine */
    USER_EXIT_NO_MEMORY,    /* a lazy page could not be had: quota or machine exhausted */
    USER_EXIT_KILLED,       /* thread_kill() */
    /* It wants vector registers: `vectors` is to be arch_vectors_size() zeroed bytes, which remain the
     * caller's. It goes on where it was. */
    USER_EXIT_VECTORS,
};

/* What a guest's vector registers take. */
size_t arch_vectors_size(void);

/* The eight argument registers. */
uint64_t *arch_user_args(struct user_regs *regs);

/* All registers zero but pc and the stack pointer. */
void user_regs_init(struct user_regs *regs, vaddr_t pc, vaddr_t sp);

/* Readies a struct whose registers somebody else has set and that is zero but for them. */
void user_regs_start(struct user_regs *regs);

/* Runs the guest until it traps. Interrupts must be off and are off again on return. The current
 * address space must be the guest's. */
enum user_exit user_enter(struct user_regs *regs);

/* Takes the pending interrupt that user_enter() returned for. Interrupts off. */
void arch_take_interrupt(const struct user_regs *regs);

/* The 4-byte instruction by which a guest makes a host call. */
uint32_t arch_user_call_instruction(void);

/* Puts the guest's floating-point registers, which it uses, into the hart. */
void arch_user_load(struct user_regs *regs);

/* The machine's status word that the guest in a quick call goes on with, and what it says. */
static inline uint64_t arch_user_status(void);
static inline void arch_set_user_status(uint64_t status);
static inline bool arch_uses_floats(uint64_t status);

/* In a quick call's function, around whatever lets other threads run: the guest's state that is still in the
 * hart is kept, and afterwards is in the hart where the thread runs then. */
static inline void arch_quick_leave(struct user_regs *regs);
static inline void arch_quick_return(struct user_regs *regs);

/* Puts the guest's live floating-point and vector registers back to where they are kept; before another guest
 * runs. */
void arch_user_save(struct user_regs *regs);

/* ---- Kernel threads ---- */

/* Saved state of a thread that is not running: what a call preserves. */
struct arch_context {
    uint64_t pc, sp, s[12];
};

/* A context that calls entry(arg) on the stack that ends at stack_top. entry may not return. */
void arch_context_init(struct arch_context *context, void *stack_top, void (*entry)(void *),
                       void *arg);

/* Saves in *from, goes on in *to; returns when somebody switches back. Interrupts off. */
void arch_switch(struct arch_context *from, const struct arch_context *to);

/* A function on a stack: where it goes on, and where its frame ends: the frames of those it has called
 * lie below. */
struct arch_frame {
    uint64_t pc, end;
};

/* The return addresses on a stack, newest first, at most `cap`. `frame` is the frame pointer to start
 * at (0: the caller's), and `link` the return address in its register there, which is the only place
 * it is in when the innermost function calls nothing (0: it has called). Stops at the first
 * implausible frame. */
size_t arch_backtrace(uint64_t frame, uint64_t link, struct arch_frame *frames, size_t cap);

/* ---- Page tables ---- */

enum prot {
    PROT_NONE = 0,
    PROT_READ = 1,
    PROT_WRITE = 2,   /* only together with PROT_READ */
    PROT_EXECUTE = 4, /* never together with PROT_WRITE */
    PROT_USER = 8,
    PROT_SHARED = 16, /* the frame is somebody else's: unmapping does not free it */
};

struct pagetable {
    paddr_t root;
    uint64_t selector; /* the machine's word for it, but for the number of its context */
    uint64_t context;  /* names its translations (asid.c); 0: no hart has any */
    /* Masks of harts: that may hold translations; that must forget them before they use any. */
    uint64_t ran_on, stale_on;
    uint64_t stale_code_on; /* that must forget what they have fetched */
    paddr_t spares;         /* a table for each large page */
};

/* First address past the user half, and the lowest address that guests may be given. */
vaddr_t arch_user_end(void);
#define ARCH_USER_START 0x10000ul

/* The kernel's own table becomes ready to be shared: all top-level entries of the kernel half exist
 * and the lower half is empty. Needs frames. */
status_t arch_paging_init(const struct boot_info *info) MUST_CHECK;

/* An empty user half over the shared kernel half. Table frames are charged to `quota`. */
status_t arch_pagetable_init(struct pagetable *pt, struct quota *quota) MUST_CHECK;

/* Frees the tables. The user half must be empty (arch_unmap_free over all of it). */
void arch_pagetable_fini(struct pagetable *pt);

/* Maps one page; the entry must be empty. NO_MEMORY when a table cannot be had. */
status_t arch_map(struct pagetable *pt, vaddr_t va, paddr_t pa, unsigned prot,
                  struct quota *quota) MUST_CHECK;

/* The same for up to arch_gap() pages from va on. All are mapped, or none. */
status_t arch_map_some(struct pagetable *pt, vaddr_t va, const paddr_t *frames, size_t len,
                       unsigned prot, struct quota *quota) MUST_CHECK;

/* A page of ARCH_LARGE_SIZE, both addresses multiples of it, where arch_large_fits(). It behaves as 512
 * small ones; the frames are one block, or PROT_SHARED. */
status_t arch_map_large(struct pagetable *pt, vaddr_t va, paddr_t pa, unsigned prot,
                        struct quota *quota) MUST_CHECK;
bool arch_large_fits(const struct pagetable *pt, vaddr_t va);
#define ARCH_LARGE_SIZE  (1ul << 21)
#define ARCH_LARGE_ORDER 9

/* Page tables in use, of all spaces and the kernel. */
size_t arch_table_count(void);

/* How many of the `len` pages from va on, which is not mapped, one arch_map_some() can make: up to the
 * first that is mapped, and in one table. */
size_t arch_gap(const struct pagetable *pt, vaddr_t va, size_t len);

/* Frame and protection of the page at va. False: there is none. A page that was protected to
 * PROT_NONE keeps its frame and is found with prot PROT_NONE. */
bool arch_lookup(const struct pagetable *pt, vaddr_t va, paddr_t *pa_out, unsigned *prot_out);

/* Protection of every page present in [start, end) becomes prot. Returns how many changed. */
size_t arch_protect(struct pagetable *pt, vaddr_t start, vaddr_t end, unsigned prot);

/* Unmaps [start, end) as arch_tlb_flush() does, and then frees its frames and the
 * tables that became empty, PROT_SHARED ones excepted. Costs time by what is mapped, not by the size of
 * the range. Returns the number of pages. */
size_t arch_unmap_free(struct pagetable *pt, vaddr_t start, vaddr_t end);

/* No hart uses translations of [start, end) any more that were changed before: this hart and those that
 * translate through pt now forget them at once, the others before they do again. For the kernel's own
 * table this hart alone. */
void arch_tlb_flush(struct pagetable *pt, vaddr_t start, vaddr_t end);

/* This hart forgets all translations, or those of one page in all address spaces. */
static inline void arch_tlb_forget(void);
static inline void arch_tlb_forget_page(vaddr_t addr);

/* This hart translates through pt from now on; NULL: the kernel's own table, no user half. */
void arch_pagetable_use(struct pagetable *pt);

/* The same for a hart that was there before is arch_pagetable_try(), which kernel/switch.h has from elsewhere: it looks
 * into struct hart. */

/* Copies *size bytes between the kernel and the user half of the address space that is active on this
 * hart, by the guest's own addresses and with its own rights. False when some are left, which the three
 * then say: the first had no page, or none that allows it, or the range is not one of the user half.
 * Any context, never sleeps, makes no page. */
static inline bool arch_copy_in(void **to, vaddr_t *from, size_t *size);
static inline bool arch_copy_out(vaddr_t *to, const void **from, size_t *size);
/* One word, at any address. */
static inline bool arch_load8(vaddr_t from, uint64_t *out);
static inline bool arch_store4(vaddr_t to, uint32_t word);

/* One word of 4 or 8 bytes, at an address that is a multiple of its size, likewise. */
static inline bool arch_load_word(vaddr_t from, unsigned size, uint64_t *out);

/* Kernel pages, in the one window that kernel stacks are mapped in: first address and size. */
vaddr_t arch_kernel_window(size_t *size_out);
struct pagetable *arch_kernel_pagetable(void);

/* Zeroes a page-aligned page. */
void arch_page_zero(void *page);

#include "kernel/riscv64/inline.h"

/* While a guest runs its `instret` is what it had, less the counter of its hart when it went on. */
static inline void arch_quick_leave(struct user_regs *regs) {
    regs->status = arch_user_status();
    regs->instret += arch_instret();
}

static inline void arch_quick_return(struct user_regs *regs) {
    if (!(regs->live & USER_LIVE_FLOATS) && arch_uses_floats(regs->status)) {
        arch_user_load(regs);
    }
    arch_set_user_status(regs->status);
    *(struct hart **)regs->kernel_sp = hart_self(); /* SAVED_TP */
    regs->instret -= arch_instret();
}

#endif
