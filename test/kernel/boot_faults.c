/*
 * What the loader mapped holds: each access that must not work traps, and where it should. Does what
 * the boot arguments say, "WHAT" or "WHAT N" on the hart at index N of boot_info; boot_faults.py tries
 * all of it, and reads the loader's own trap report.
 */
#include "abi/boot.h"
#include "test/support/payload.h"

#include <string.h>

static const char *const constant_pointers[] = {"a", "b"};
static uint32_t data[4] = {0x00008067}; /* ret */

/* Not a loop for the compiler: each call has its own array, and uses it after. */
static __attribute__((noinline)) unsigned recurse(unsigned depth) {
    volatile char local[512];
    local[0] = (char)depth;
    return depth == 0 ? 0 : recurse(depth - 1) + (unsigned)local[0];
}

/* Not NULL itself and nothing that the compiler knows: it has checks of its own. */
static const void *volatile null_page = (const void *)64;

static void announce(const char *what, uint64_t low, uint64_t high) {
    payload_print("# %s: between %016llx and %016llx\n", what, (unsigned long long)low,
                  (unsigned long long)high);
}

static void write_to(const char *what, const void *p) {
    uint64_t at = (uint64_t)(uintptr_t)p & ~UINT64_C(7);
    announce(what, at, at + 8);
    *(volatile uint64_t *)(uintptr_t)at = 1;
}

/* Without a look for the function's type before it, which clang's debug builds have. */
__attribute__((no_sanitize("undefined"))) static void run_at(const char *what, uint64_t at) {
    announce(what, at, at + 4);
    ((void (*)(void))(uintptr_t)at)();
}

static void overflow(const struct boot_hart *hart) {
    announce("stack", hart->stack_low - 3 * 4096, hart->stack_low);
    payload_print("# depth %u\n", recurse(1000000));
}

/* The hart that is meant; the others wait for the end. */
static const struct boot_hart *chosen_hart(const struct boot_info *info, const char *what) {
    size_t len = strlen(what);
    bool numbered = len > 2 && what[len - 2] == ' ';
    uint32_t index = numbered ? (uint32_t)(what[len - 1] - '0') : 0;
    return &info->harts[index < info->hart_count ? index : 0];
}

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    const char *what = (const char *)(uintptr_t)info->bootargs;
    const struct boot_hart *chosen = chosen_hart(info, what);
    while (hart != chosen->id) {
    }
    payload_begin(info);
    uint64_t data_phys = info->payload_phys + ((uint64_t)(uintptr_t)data - info->payload_virt);
    if (strncmp(what, "stack", 5) == 0) {
        overflow(chosen);
    } else if (strcmp(what, "text") == 0) {
        write_to(what, (const void *)(uintptr_t)(uint64_t)(uintptr_t)write_to);
    } else if (strcmp(what, "constant") == 0) {
        write_to(what, "constant text");
    } else if (strcmp(what, "relro") == 0) {
        write_to(what, constant_pointers);
    } else if (strcmp(what, "null") == 0) {
        write_to(what, null_page);
    } else if (strcmp(what, "loader") == 0) {
        write_to(what, (const void *)0x80200000);
    } else if (strcmp(what, "run-data") == 0) {
        run_at(what, (uint64_t)(uintptr_t)data);
    } else if (strcmp(what, "run-physmap") == 0) {
        run_at(what, info->physmap + data_phys);
    } else if (strcmp(what, "run-stack") == 0) {
        run_at(what, chosen->stack_low);
    } else if (strcmp(what, "above-stack") == 0) {
        write_to(what, (const void *)(uintptr_t)chosen->stack_high);
    } else if (strcmp(what, "below-area") == 0) {
        write_to(what, (const void *)(uintptr_t)(chosen->area - 8));
    }
    payload_print("# %s: still alive\n", what);
    payload_exit(1);
}

LOADER_ENTRY(test, .stack_pages = 2, .stack_guard_pages = 3);
