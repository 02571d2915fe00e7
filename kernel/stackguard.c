/*
 * The guard value and where a smashed stack ends. What the compilers call has names of theirs.
 */
#include "kernel/stackguard.h"

#include "kernel/harts.h"
#include "kernel/panic.h"
#include "kernel/random.h"

extern uintptr_t __stack_chk_guard; /* clang's */
uintptr_t __stack_chk_guard;

_Noreturn void __stack_chk_fail(void);

_Noreturn void __stack_chk_fail(void) {
    panic("stack smashed: a function wrote past an array of its own");
}

STACKGUARD_NONE void stackguard_init(void) {
    /* A zero byte first in memory, which text that runs over cannot reproduce. */
    uint64_t guard = random_u64() & ~UINT64_C(0xff);
    __stack_chk_guard = guard;
    for (uint32_t i = 0; i < harts_count(); i++) {
        harts_at(i)->guard = guard;
    }
}
