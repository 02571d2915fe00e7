/*
 * Clock, console and reset through CSRs and SBI (boot/arch.h).
 */
#include "boot/arch.h"

#include "boot/limits.h"
#include "boot/riscv64/sbi.h"

#include <stdbool.h>
#include <string.h>

extern const char handoff_begin[], handoff_end[];
extern const char handoff_arrive[], handoff_put[], handoff_exit[], handoff_go[];
extern const char handoff_test_device[];

/* As handoff.S has it. */
_Static_assert(sizeof(struct arch_entry) == 64 && offsetof(struct arch_entry, state) == 0 &&
                   offsetof(struct arch_entry, root) == 8 &&
                   offsetof(struct arch_entry, handoff) == 16 &&
                   offsetof(struct arch_entry, entry) == 24 &&
                   offsetof(struct arch_entry, stack) == 32 &&
                   offsetof(struct arch_entry, area) == 40 &&
                   offsetof(struct arch_entry, hart) == 48 &&
                   offsetof(struct arch_entry, info) == 56 && ARCH_ENTRY_WAITED_FOR == 1 &&
                   ARCH_ENTRY_ARRIVED == 2,
               "handoff.S knows these");

uint64_t arch_time(void) {
    uint64_t n;
    __asm__ volatile("rdtime %0" : "=r"(n));
    return n;
}

uint64_t arch_instret(void) {
    uint64_t n;
    __asm__ volatile("rdinstret %0" : "=r"(n));
    return n;
}

uint64_t probe_seed(void);

/* The seed CSR gives 16 bits at a time, and says in its two highest bits (of 32) whether it did. */
bool arch_seed(uint8_t *out, size_t size) {
    enum { STATE_SHIFT = 30, STATE_GOOD = 2, STATE_DEAD = 3, MAX_TRIES = 10000 };
    size_t made = 0;
    for (int i = 0; i < MAX_TRIES && made < size; i++) {
        uint64_t n = probe_seed();
        uint64_t state = n >> STATE_SHIFT; /* all ones when the firmware does not let us */
        if (state == STATE_GOOD) {
            memcpy(out + made, &n, 2);
            made += 2;
        } else if (state >= STATE_DEAD) {
            break;
        }
    }
    return made == size;
}

static struct sbi_result call(uint64_t extension, uint64_t function, uint64_t arg0, uint64_t arg1,
                              uint64_t arg2) {
    register uint64_t a0 __asm__("a0") = arg0;
    register uint64_t a1 __asm__("a1") = arg1;
    register uint64_t a2 __asm__("a2") = arg2;
    register uint64_t a6 __asm__("a6") = function;
    register uint64_t a7 __asm__("a7") = extension;
    __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a6), "r"(a7) : "memory");
    return (struct sbi_result){(int64_t)a0, a1};
}

void arch_pause(uint64_t ticks) {
    enum { SET_TIMER = 0, STIE = 1 << 5 };
    call(SBI_TIME, SET_TIMER, arch_time() + ticks, 0, 0);
    __asm__ volatile("csrw sie, %0\n\twfi\n\tcsrw sie, zero" : : "r"((uint64_t)STIE) : "memory");
    call(SBI_TIME, SET_TIMER, UINT64_MAX, 0, 0);
}

static bool has_extension(uint64_t extension) {
    enum { PROBE_EXTENSION = 3 };
    struct sbi_result r = call(SBI_BASE, PROBE_EXTENSION, extension, 0, 0);
    return r.error == 0 && r.value != 0;
}

void arch_console_write(const char *text, size_t len) {
    if (!has_extension(SBI_DBCN)) {
        for (size_t i = 0; i < len; i++) {
            call(SBI_LEGACY_PUTCHAR, 0, (uint8_t)text[i], 0, 0);
        }
        return;
    }
    while (len > 0) {
        struct sbi_result r = call(SBI_DBCN, 0, len, (uint64_t)(uintptr_t)text, 0);
        if (r.error != 0 || r.value == 0 || r.value > len) {
            return;
        }
        text += r.value;
        len -= r.value;
    }
}

void arch_shutdown(void) {
    enum { SHUTDOWN = 0, REASON_SYSTEM_FAILURE = 1 };
    call(SBI_SRST, 0, SHUTDOWN, REASON_SYSTEM_FAILURE, 0);
}

_Noreturn void arch_halt(void) {
    for (;;) {
        __asm__ volatile("wfi");
    }
}

static uint64_t offset_of(const char *label) {
    return (uint64_t)(label - handoff_begin);
}

struct arch_handoff arch_handoff_make(uint64_t phys, uint64_t virt, uint64_t test_device) {
    char *page = (char *)(uintptr_t)phys;
    memset(page, 0, BOOT_PAGE_SIZE);
    memcpy(page, handoff_begin, offset_of(handoff_end));
    memcpy(page + offset_of(handoff_test_device), &test_device, sizeof(test_device));
    return (struct arch_handoff){phys, virt, virt + offset_of(handoff_put),
                                 virt + offset_of(handoff_exit)};
}

int64_t arch_start_hart(const struct arch_handoff *handoff, struct arch_entry *entry) {
    enum { HART_START = 0 };
    __atomic_store_n(&entry->state, ARCH_ENTRY_WAITED_FOR, __ATOMIC_SEQ_CST);
    return call(SBI_HSM, HART_START, entry->hart, handoff->phys + offset_of(handoff_arrive),
                (uint64_t)(uintptr_t)entry)
        .error;
}

bool arch_has_stopped(const struct arch_entry *entry) {
    enum { HART_GET_STATUS = 2, STOPPED = 1 };
    struct sbi_result r = call(SBI_HSM, HART_GET_STATUS, entry->hart, 0, 0);
    return r.error == 0 && r.value == STOPPED;
}

bool arch_has_arrived(const struct arch_entry *entry) {
    return __atomic_load_n(&entry->state, __ATOMIC_ACQUIRE) == ARCH_ENTRY_ARRIVED;
}

bool arch_leave_out(struct arch_entry *entry) {
    uint64_t expected = ARCH_ENTRY_WAITED_FOR;
    return __atomic_compare_exchange_n(&entry->state, &expected, ARCH_ENTRY_LEFT_OUT, false,
                                       __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

void arch_open(const struct arch_handoff *handoff) {
    uint32_t *go = (uint32_t *)(uintptr_t)(handoff->phys + offset_of(handoff_go));
    __atomic_store_n(go, 1, __ATOMIC_SEQ_CST);
}

void arch_wake(uint64_t hart) {
    enum { SEND_IPI = 0 };
    call(SBI_IPI, SEND_IPI, 1, hart, 0);
}

/* This hart goes the way of the others, and finds that it need not wait. */
_Noreturn void arch_enter(const struct arch_handoff *handoff, struct arch_entry *entry) {
    entry->state = ARCH_ENTRY_WAITED_FOR;
    register uint64_t a1 __asm__("a1") = (uint64_t)(uintptr_t)entry;
    __asm__ volatile("fence.i\n\tjr %0"
                     :
                     : "r"(handoff->phys + offset_of(handoff_arrive)), "r"(a1)
                     : "memory");
    __builtin_unreachable();
}
