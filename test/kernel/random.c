/*
 * Random numbers in the kernel: bytes that look random, on every hart others; large requests; and device
 * interrupts go into the pool.
 *
 * QEMU: -smp 4
 * QEMU: -smp 1 -icount shift=0
 */
#include "kernel/random.h"
#include "abi/boot.h"
#include "init/machine.h"
#include "kernel/harts.h"
#include "kernel/limits.h"
#include "kernel/thread.h"
#include "kernel/time.h"
#include "test/support/payload.h"
#include "test/support/stats.h"

#include <string.h>

enum { SAMPLE_SIZE = 1 << 18, BLOCK = 16, MAX_THREADS = 4 };

static uint8_t samples[MAX_THREADS][SAMPLE_SIZE];

/* Requests of many sizes, empty ones and those over several buffers among them. */
static void fill(void *arg) {
    uint8_t *to = arg;
    for (size_t at = 0, size = 0; at < SAMPLE_SIZE; at += size, size = (size * 7 + 3) % 2000) {
        size = size < SAMPLE_SIZE - at ? size : SAMPLE_SIZE - at;
        random_bytes(to + at, size);
    }
}

static void test_harts(void) {
    struct thread *threads[MAX_THREADS];
    unsigned len = harts_count() < MAX_THREADS ? harts_count() : MAX_THREADS;
    for (unsigned i = 0; i < len; i++) {
        PAYLOAD_CHECK_EQ(thread_start("fill", fill, samples[i], NULL, &threads[i]), STATUS_OK);
        thread_set_harts(threads[i], UINT64_C(1) << i);
    }
    for (unsigned i = 0; i < len; i++) {
        thread_join(threads[i]);
        const char *fault = stats_fault(samples[i], SAMPLE_SIZE);
        payload_print("# hart %u: %s\n", i, fault ? fault : "looks random");
        PAYLOAD_CHECK(fault == NULL);
    }
    /* No hart says what another one, or itself, has said at that place of its stream. */
    unsigned same = 0;
    for (unsigned i = 0; i < len; i++) {
        for (unsigned j = 0; j < len; j++) {
            for (size_t at = 0; at + BLOCK <= SAMPLE_SIZE; at += 480) {
                same += (i != j || at != 0) && !memcmp(samples[i], samples[j] + at, BLOCK);
            }
        }
    }
    PAYLOAD_CHECK_EQ(same, 0);
}

/* The pool is added to when interrupts have gathered enough, and by whoever has something. */
static void test_pool(void) {
    uint64_t before = random_epoch();
    random_add("x", 1);
    PAYLOAD_CHECK_EQ(random_epoch(), before + 1);
    for (int i = 0; i < RANDOM_MOMENTS; i++) {
        irq_state_t irq = arch_irq_save();
        random_stir(1);
        arch_irq_restore(irq);
    }
    /* They may be of several harts. */
    for (int i = 0; i < 4 * RANDOM_MOMENTS && random_epoch() == before + 1; i++) {
        irq_state_t irq = arch_irq_save();
        random_stir(1);
        arch_irq_restore(irq);
        random_u64();
    }
    PAYLOAD_CHECK(random_epoch() > before + 1);
}

/* Right under -icount. */
static void measure(void) {
    enum { ROUNDS = 6000 };
    uint64_t start = thread_instret();
    for (int i = 0; i < ROUNDS; i++) {
        random_u64();
    }
    uint64_t numbers = thread_instret() - start;
    start = thread_instret();
    uint32_t ones = 0;
    for (int i = 0; i < ROUNDS; i++) {
        ones += (uint32_t)__builtin_popcount(random_weak_u32());
    }
    payload_print("# random_weak_u32: %llu instructions\n",
                  (unsigned long long)((thread_instret() - start) / ROUNDS));
    PAYLOAD_CHECK(stats_near(ones, ROUNDS * 16, ROUNDS * 8));
    start = thread_instret();
    random_bytes(samples[0], SAMPLE_SIZE);
    payload_print("# random_u64: %llu instructions; a KiB: %llu\n",
                  (unsigned long long)(numbers / ROUNDS),
                  (unsigned long long)((thread_instret() - start) / (SAMPLE_SIZE / 1024)));
}

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    machine_init(hart, info);
    payload_begin(info);
    test_harts();
    test_pool();
    measure();
    payload_end();
}

LOADER_ENTRY(test, .stack_pages = 16);
