/*
 * What a sanitized kernel (MODE=san) finds: each of these accesses ends in a report that names it. In
 * other kernels there is nothing to see. The host's half, panic_kasan.py, boots it once for each.
 */
#include "abi/boot.h"
#include "init/machine.h"
#include "kernel/harts.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/heap.h"
#include "test/support/payload.h"

#include <string.h>

static int table[5];
static void *volatile kept; /* so that no compiler knows who reads it, or its size */
static volatile unsigned five = 5, forty = 40;

static void heap_beyond(void) {
    kept = heap_alloc(13);
    char *p = kept;
    p[forty - 27] = 1;
}

static void heap_next(void) {
    kept = heap_alloc(64); /* the whole of its class */
    long *p = kept;
    p[forty / 5] = 1;
}

static void heap_freed(void) {
    int *p = heap_alloc(100);
    heap_free(p);
    payload_print("%d\n", *(volatile int *)p);
}

static void heap_twice(void) {
    int *volatile p = heap_alloc(100);
    heap_free(p);
    heap_free(p);
}

static void frame_freed(void) {
    paddr_t frame;
    if (frame_alloc(3, NULL, &frame) == STATUS_OK) {
        frame_free(frame, 3);
        memset(frame_pointer(frame) + 5000, 0, 100);
    }
}

static void global_beyond(void) {
    int *volatile p = table;
    p[five] = 1;
}

static void shift_far(void) {
    payload_print("%d\n", 1 << forty);
}

static void misaligned(void) {
    payload_print("%d\n", *(volatile int *)((char *)table + five));
}

static void index_far(void) {
    payload_print("%d\n", table[forty]);
}

static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {
    {"heap_beyond", heap_beyond}, {"heap_next", heap_next},     {"heap_freed", heap_freed},
    {"heap_twice", heap_twice},   {"frame_freed", frame_freed}, {"global_beyond", global_beyond},
    {"shift_far", shift_far},     {"misaligned", misaligned},   {"index_far", index_far},
};

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    machine_init(hart, info);
    payload_begin(info);
    const char *wanted = (const char *)harts_boot_info.bootargs;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (strstr(wanted, cases[i].name)) {
            cases[i].run();
        }
    }
    payload_print("nothing was seen\n");
    payload_exit(0);
}

LOADER_ENTRY(test, .stack_pages = 16);
