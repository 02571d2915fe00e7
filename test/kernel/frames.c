/*
 * The frame allocator and the heap on the real memory of the machine: everything can be taken, and
 * everything given back joins to what it was.
 *
 * QEMU: -m 64M
 * QEMU: -m 300M -smp 4
 */
#include "abi/boot.h"
#include "init/machine.h"
#include "kernel/arch.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/quota.h"
#include "test/support/payload.h"

#include <string.h>

/* How many blocks of this order can be had; they are all given back. */
static size_t count_blocks(unsigned order) {
    paddr_t first = 0;
    paddr_t block;
    size_t count = 0;
    while (frame_alloc(order, NULL, &block) == STATUS_OK) {
        memcpy(frame_pointer(block), &first, sizeof(first));
        first = block;
        count++;
    }
    while (first) {
        block = first;
        memcpy(&first, frame_pointer(block), sizeof(first));
        frame_free(block, order);
    }
    return count;
}

static void test_exhaustion(void) {
    size_t before = frame_free_count();
    size_t large = count_blocks(8);
    PAYLOAD_CHECK_EQ(frame_free_count(), before);
    size_t small = count_blocks(0);
    PAYLOAD_CHECK_EQ(small, before);
    PAYLOAD_CHECK_EQ(frame_free_count(), before);
    PAYLOAD_CHECK_EQ(count_blocks(8), large);
}

static void test_runs(void) {
    size_t before = frame_free_count();
    struct quota *quota;
    PAYLOAD_CHECK_EQ(quota_new(quota_limit(100), NULL, &quota), STATUS_OK);
    paddr_t run, pages;
    PAYLOAD_CHECK_EQ(frame_alloc_run(37, quota, &run), STATUS_OK);
    PAYLOAD_CHECK_EQ(frame_alloc_pages(21, quota, &pages), STATUS_OK);
    PAYLOAD_CHECK_EQ(quota_used(quota), 58 * PAGE_SIZE);
    PAYLOAD_CHECK_EQ(frame_free_count(), before - 58);
    PAYLOAD_CHECK_EQ(frame_alloc(6, quota, &(paddr_t){0}), STATUS_NO_MEMORY);
    memset(frame_pointer(run), 1, 37 * PAGE_SIZE);
    memset(frame_pointer(pages), 2, 21 * PAGE_SIZE);
    PAYLOAD_CHECK_EQ(*(char *)frame_pointer(run + 37 * PAGE_SIZE - 1), 1);
    for (size_t i = 0; i < 37; i++) {
        frame_free(run + (i * 11 % 37) * PAGE_SIZE, 0);
    }
    frame_free_pages(pages);
    PAYLOAD_CHECK_EQ(quota_used(quota), 0);
    quota_close(quota);
    PAYLOAD_CHECK_EQ(frame_free_count(), before);
    PAYLOAD_CHECK_EQ(frame_alloc(FRAME_MAX_ORDER + 1, NULL, &run), STATUS_NO_MEMORY);
    PAYLOAD_CHECK_EQ(frame_alloc_run((size_t)1 << 40, NULL, &run), STATUS_NO_MEMORY);
}

static bool is_zero(const char *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (bytes[i]) {
            return false;
        }
    }
    return true;
}

/* Zeroed frames are zero, whoever had them before; the pool gives all back when frames run out. */
static void test_zeroed(void) {
    enum { LEN = 8 };
    paddr_t frames[LEN];
    struct frame_stats stats;
    size_t before = frame_free_count(), len = 0;
    for (int i = 0; i < LEN; i++) {
        PAYLOAD_CHECK_EQ(frame_alloc(0, NULL, &frames[i]), STATUS_OK);
        memset(frame_pointer(frames[i]), 0x55, PAGE_SIZE);
    }
    for (int i = 0; i < LEN; i++) {
        frame_free(frames[i], 0);
    }
    irq_state_t irq = arch_irq_save();
    while (frame_prezero()) {
    }
    arch_irq_restore(irq);
    frame_stats(&stats);
    PAYLOAD_CHECK(stats.zeroed >= 512 && stats.zeroed <= FRAME_ZEROED_MAX);
    PAYLOAD_CHECK_EQ(frame_free_count(), before);
    for (int round = 0; round < 2; round++) { /* the second time from a pool that is empty */
        PAYLOAD_CHECK_EQ(frame_alloc_some(LEN, NULL, frames, &len), STATUS_OK);
        PAYLOAD_CHECK_EQ(len, LEN);
        bool zero = true;
        for (size_t i = 0; i < len; i++) {
            zero = zero && is_zero(frame_pointer(frames[i]), PAGE_SIZE);
            frame_free(frames[i], 0);
        }
        PAYLOAD_CHECK(zero);
        PAYLOAD_CHECK_EQ(count_blocks(0), before);
    }
    PAYLOAD_CHECK_EQ(frame_free_count(), before);
}

static void test_quotas(void) {
    struct quota *program, *space, *other;
    paddr_t frames[4], run;
    size_t len;
    uint32_t count = quota_count();
    PAYLOAD_CHECK_EQ(quota_new(quota_limit(10), NULL, &program), STATUS_OK);
    PAYLOAD_CHECK_EQ(quota_new(quota_limit(8), program, &space), STATUS_OK);
    PAYLOAD_CHECK_EQ(quota_new(UINT64_MAX, program, &other), STATUS_OK);
    PAYLOAD_CHECK_EQ(frame_alloc_run(6, space, &run), STATUS_OK);
    PAYLOAD_CHECK_EQ(quota_used(program), 6 * PAGE_SIZE);
    /* The space may have two more, and the program four. */
    PAYLOAD_CHECK_EQ(frame_alloc_some(4, space, frames, &len), STATUS_OK);
    PAYLOAD_CHECK_EQ(len, 2);
    PAYLOAD_CHECK_EQ(frame_alloc(0, space, &frames[2]), STATUS_NO_MEMORY);
    PAYLOAD_CHECK(heap_alloc_for(space, 16) == NULL);
    void *small = heap_alloc_for(other, 100), *large = heap_alloc_for(other, PAGE_SIZE);
    PAYLOAD_CHECK(small && large);
    PAYLOAD_CHECK_EQ(quota_used(other), PAGE_SIZE + 128);
    PAYLOAD_CHECK(heap_alloc_for(other, PAGE_SIZE) == NULL);
    PAYLOAD_CHECK_EQ(quota_used(other), PAGE_SIZE + 128);
    PAYLOAD_CHECK_EQ(quota_used(program), 9 * PAGE_SIZE + 128);
    /* What is left outlives the quota that paid for it, and the one above. */
    quota_close(program);
    quota_close(other);
    heap_free(large);
    PAYLOAD_CHECK_EQ(quota_used(program), 8 * PAGE_SIZE + 128);
    heap_free(small);
    PAYLOAD_CHECK_EQ(quota_count(), count + 2);
    frame_free(frames[0], 0);
    frame_free(frames[1], 0);
    quota_close(space);
    for (size_t i = 0; i < 6; i++) {
        PAYLOAD_CHECK_EQ(quota_count(), count + 2);
        frame_free(run + i * PAGE_SIZE, 0);
    }
    PAYLOAD_CHECK_EQ(quota_count(), count);
}

static void test_heap(void) {
    enum { COUNT = 600 };
    static char *objects[COUNT];
    size_t before = frame_free_count() + heap_frames();
    bool zero = true, aligned = true, intact = true;
    for (int round = 0; round < 3; round++) {
        for (unsigned i = 0; i < COUNT; i++) {
            size_t size = i * 7 % 5000;
            objects[i] = heap_alloc(size);
            zero = zero && objects[i] && is_zero(objects[i], size);
            aligned = aligned && (uintptr_t)objects[i] % 16 == 0;
            memset(objects[i], (int)i, size);
        }
        for (unsigned i = 0; i < COUNT; i++) {
            unsigned k = i * 257 % COUNT;
            size_t size = k * 7 % 5000;
            for (size_t j = 0; j < size; j++) {
                intact = intact && objects[k][j] == (char)k;
            }
            heap_free(objects[k]);
        }
    }
    PAYLOAD_CHECK(zero);
    PAYLOAD_CHECK(aligned);
    PAYLOAD_CHECK(intact);
    PAYLOAD_CHECK_EQ(frame_free_count() + heap_frames(), before);
    PAYLOAD_CHECK(heap_alloc(HEAP_MAX_SIZE + 1) == NULL);
    PAYLOAD_CHECK(heap_alloc(HEAP_MAX_SIZE) == NULL || frame_total_count() > 1 << 18);
}

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    machine_init(hart, info);
    payload_begin(info);
    payload_print("# %zu frames, %zu free\n", frame_total_count(), frame_free_count());
    test_exhaustion();
    test_runs();
    test_zeroed();
    test_quotas();
    test_heap();
    payload_end();
}

LOADER_ENTRY(test, .stack_pages = 16);
