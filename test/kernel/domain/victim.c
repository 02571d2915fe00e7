/*
 * A domain that has nothing to do with anybody, and looks whether anything of it changes: its memory, its
 * handles, the registers that a compiler keeps. Ends with 0 when the notification h1 is signalled.
 */
#include "test/kernel/domain/riscv64/call.h"

#define PAGES   48ul
#define WORDS   (PAGES * 512)
#define LOOK_NS 2000000ul
#define PATTERN 0x9e3779b97f4a7c15ul

int domain_main(uint64_t arg, uint64_t h1);

static int look(const volatile uint64_t *words, uint64_t seed) {
    for (uint64_t i = 0; i < WORDS; i++) {
        if (words[i] != (seed ^ i) * PATTERN) {
            return 1;
        }
    }
    return 0;
}

int domain_main(uint64_t arg, uint64_t h1) {
    int64_t at = call3(SYSCALL_memory_map, PAGES * 4096, 3, 0);
    int64_t mine = call3(SYSCALL_notification_create, 0, 0, 0);
    volatile uint64_t *words = (volatile uint64_t *)at;
    int64_t error = -SYSCALL_TIMED_OUT;
    uint64_t bits;
    if (at < 0 || mine < 0) {
        return 10;
    }
    for (uint64_t i = 0; i < WORDS; i++) {
        words[i] = (arg ^ i) * PATTERN;
    }
    while (error == -SYSCALL_TIMED_OUT) {
        if (look(words, arg)) {
            return 11;
        }
        /* Nobody else has this one. */
        if (call_wait((uint64_t)mine, 1, &bits) != -SYSCALL_TIMED_OUT) {
            return 12;
        }
        error = call_wait(h1, (uint64_t)call3(SYSCALL_clock, 0, 0, 0) + LOOK_NS, &bits);
    }
    return error == 0 ? look(words, arg) : 13;
}
