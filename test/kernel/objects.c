/*
 * Memory objects: what one space writes another reads, rights are those of the mapping, clones see what was
 * and keep what they write, and all frames come back.
 *
 * QEMU: -smp 2 -m 64M
 */
#include "abi/boot.h"
#include "init/machine.h"
#include "kernel/arch.h"
#include "kernel/harts.h"
#include "kernel/limits.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/object.h"
#include "kernel/mm/quota.h"
#include "kernel/mm/space.h"
#include "kernel/thread.h"
#include "test/support/payload.h"

#include <string.h>

enum { RW = PROT_READ | PROT_WRITE };

static struct space *one, *two;
static struct quota *quota;

static uint64_t get(struct space *space, vaddr_t addr) {
    uint64_t word = 0;
    PAYLOAD_CHECK_EQ(space_copy_in(space, &word, addr, sizeof(word)), STATUS_OK);
    return word;
}

static status_t put(struct space *space, vaddr_t addr, uint64_t word) {
    return space_copy_out(space, addr, &word, sizeof(word));
}

static void test_shared(void) {
    struct object *object;
    vaddr_t a, b;
    uint64_t word = 7;
    PAYLOAD_CHECK_EQ(object_new(quota, 12, &object), STATUS_BAD_ARGUMENT);
    PAYLOAD_CHECK_EQ(object_new(quota, 1ul << 40, &object), STATUS_BAD_ARGUMENT);
    PAYLOAD_CHECK_EQ(object_new(quota, 1ul << 32, &object), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_map(one, object, 0, 1ul << 32, RW, &a), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_map(two, object, 1ul << 20, 1ul << 20, PROT_READ, &b), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_map(two, object, 1ul << 32, PAGE_SIZE, RW, &b), STATUS_BAD_RANGE);
    PAYLOAD_CHECK_EQ(space_map(two, object, 5, PAGE_SIZE, RW, &b), STATUS_BAD_ARGUMENT);
    PAYLOAD_CHECK_EQ(space_map(two, object, 0, PAGE_SIZE, RW | PROT_EXECUTE, &b),
                     STATUS_BAD_ARGUMENT);
    PAYLOAD_CHECK_EQ(put(one, a + (1ul << 20) + 8, 42), STATUS_OK);
    PAYLOAD_CHECK_EQ(get(two, b + 8), 42);
    PAYLOAD_CHECK_EQ(get(two, b + PAGE_SIZE), 0); /* made by the reader */
    PAYLOAD_CHECK_EQ(put(one, a + (1ul << 20) + PAGE_SIZE, 43), STATUS_OK);
    PAYLOAD_CHECK_EQ(get(two, b + PAGE_SIZE), 43);
    PAYLOAD_CHECK_EQ(put(two, b, 1), STATUS_FAULT);
    PAYLOAD_CHECK_EQ(space_fault(two, b, PROT_EXECUTE), STATUS_FAULT);
    PAYLOAD_CHECK_EQ(object_write(object, (1ul << 32) - 4, &word, 8), STATUS_BAD_RANGE);
    PAYLOAD_CHECK_EQ(object_write(object, (1ul << 32) - 8, &word, 8), STATUS_OK);
    PAYLOAD_CHECK_EQ(get(one, a + (1ul << 32) - 8), 7);
    PAYLOAD_CHECK_EQ(object_read(object, (1ul << 20) + PAGE_SIZE - 8, &word, 8), STATUS_OK);
    PAYLOAD_CHECK_EQ(word, 0);
    /* By the guest's own addresses too. */
    thread_set_space(two);
    PAYLOAD_CHECK_EQ(get(two, b + PAGE_SIZE), 43);
    PAYLOAD_CHECK_EQ(put(two, b + PAGE_SIZE, 1), STATUS_FAULT);
    thread_set_space(NULL);
    PAYLOAD_CHECK_EQ(space_protect(one, a, PAGE_SIZE, PROT_READ), STATUS_BAD_RANGE);
    PAYLOAD_CHECK_EQ(space_decommit(one, a, PAGE_SIZE), STATUS_BAD_RANGE);
    PAYLOAD_CHECK_EQ(space_publish_code(one, a, "code", 4), STATUS_BAD_RANGE);
    /* A hole in the middle; the object lives by its mappings alone. */
    object_put(object);
    PAYLOAD_CHECK_EQ(space_unmap(one, a + PAGE_SIZE, 1ul << 20), STATUS_OK);
    PAYLOAD_CHECK_EQ(put(one, a + PAGE_SIZE, 1), STATUS_FAULT);
    PAYLOAD_CHECK_EQ(get(one, a + (1ul << 20) + PAGE_SIZE), 43);
    PAYLOAD_CHECK_EQ(space_unmap(one, a, 1ul << 32), STATUS_OK);
    PAYLOAD_CHECK_EQ(object_count(), 1);
    PAYLOAD_CHECK_EQ(get(two, b + 8), 42);
    PAYLOAD_CHECK_EQ(space_unmap(two, b, 1ul << 20), STATUS_OK);
    PAYLOAD_CHECK_EQ(object_count(), 0);
    PAYLOAD_CHECK_EQ(quota_used(quota), 0);
}

static void test_fixed(void) {
    struct object *wired, *device;
    vaddr_t a, b;
    PAYLOAD_CHECK_EQ(object_new_wired(quota, 1ul << 40, &wired), STATUS_BAD_ARGUMENT);
    PAYLOAD_CHECK_EQ(object_new_wired(quota, 1ul << 38, &wired), STATUS_NO_MEMORY);
    PAYLOAD_CHECK_EQ(object_new_wired(quota, 20 * PAGE_SIZE, &wired), STATUS_OK);
    PAYLOAD_CHECK_EQ(quota_used(quota) / PAGE_SIZE, 20);
    uint64_t *words = object_pointer(wired);
    PAYLOAD_CHECK_EQ(words[19 * 512], 0);
    words[19 * 512] = 5;
    PAYLOAD_CHECK_EQ(space_map(one, wired, 0, 20 * PAGE_SIZE, RW, &a), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_map(two, wired, 10 * PAGE_SIZE, 10 * PAGE_SIZE, RW, &b), STATUS_OK);
    thread_set_space(one);
    uint64_t word = 0;
    PAYLOAD_CHECK(space_copy_try_in(one, &word, a + 19 * PAGE_SIZE, 8)); /* no fault needed */
    thread_set_space(NULL);
    PAYLOAD_CHECK_EQ(word, 5);
    PAYLOAD_CHECK_EQ(put(two, b, 6), STATUS_OK);
    PAYLOAD_CHECK_EQ(words[10 * 512], 6);
    object_put(wired);
    PAYLOAD_CHECK_EQ(space_unmap(one, a, 20 * PAGE_SIZE), STATUS_OK);
    PAYLOAD_CHECK_EQ(get(two, b + 9 * PAGE_SIZE), 5);
    PAYLOAD_CHECK_EQ(space_unmap(two, b, 10 * PAGE_SIZE), STATUS_OK);
    PAYLOAD_CHECK_EQ(quota_used(quota), 0);
    paddr_t memory = frame_address(words);
    PAYLOAD_CHECK_EQ(object_new_device(quota, memory, PAGE_SIZE, &device), STATUS_DENIED);
    PAYLOAD_CHECK_EQ(object_new_device(quota, 0, 1ul << 38, &device), STATUS_DENIED);
    PAYLOAD_CHECK_EQ(object_new_device(quota, 0x100000, PAGE_SIZE, &device), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_map(one, device, 0, PAGE_SIZE, PROT_READ, &a), STATUS_OK);
    PAYLOAD_CHECK_EQ(object_read(device, 0, &word, 8), STATUS_FAULT);
    object_put(device);
    PAYLOAD_CHECK_EQ(space_unmap(one, a, PAGE_SIZE), STATUS_OK);
}

static void test_clones(void) {
    struct object *base, *clone, *second;
    vaddr_t a, b, c;
    uint64_t word;
    PAYLOAD_CHECK_EQ(object_new(quota, 64 * PAGE_SIZE, &base), STATUS_OK);
    for (uint64_t i = 0; i < 32; i++) {
        PAYLOAD_CHECK_EQ(object_write(base, i * PAGE_SIZE, &i, 8), STATUS_OK);
    }
    PAYLOAD_CHECK_EQ(space_map(one, base, 0, 64 * PAGE_SIZE, RW, &a), STATUS_OK);
    PAYLOAD_CHECK_EQ(object_clone(base, quota, &clone), STATUS_BUSY);
    PAYLOAD_CHECK_EQ(space_unmap(one, a, 64 * PAGE_SIZE), STATUS_OK);
    PAYLOAD_CHECK_EQ(object_clone(base, quota, &clone), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_map(one, base, 0, 64 * PAGE_SIZE, RW, &a), STATUS_DENIED);
    PAYLOAD_CHECK_EQ(space_map(one, base, 0, 64 * PAGE_SIZE, PROT_READ, &a), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_map(two, clone, 0, 64 * PAGE_SIZE, RW, &b), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_map(two, clone, 0, 64 * PAGE_SIZE, RW, &c), STATUS_BUSY);
    uint64_t before = quota_used(quota);
    thread_set_space(two);
    for (uint64_t i = 0; i < 32; i++) {
        PAYLOAD_CHECK_EQ(get(two, b + i * PAGE_SIZE), i);
    }
    PAYLOAD_CHECK_EQ(quota_used(quota), before); /* reading copies nothing */
    for (uint64_t i = 0; i < 64; i += 4) {
        PAYLOAD_CHECK_EQ(put(two, b + i * PAGE_SIZE, 100 + i), STATUS_OK);
    }
    PAYLOAD_CHECK_EQ((quota_used(quota) - before) / PAGE_SIZE, 17); /* and a table */
    for (uint64_t i = 0; i < 64; i++) {
        PAYLOAD_CHECK_EQ(get(one, a + i * PAGE_SIZE), i < 32 ? i : 0);
        PAYLOAD_CHECK_EQ(get(two, b + i * PAGE_SIZE), i % 4 == 0 ? 100 + i : i < 32 ? i : 0);
    }
    thread_set_space(NULL);
    PAYLOAD_CHECK_EQ(object_write(clone, 0, &before, 8), STATUS_BUSY);
    PAYLOAD_CHECK_EQ(space_unmap(two, b, 64 * PAGE_SIZE), STATUS_OK);
    PAYLOAD_CHECK_EQ(object_clone(clone, quota, &second), STATUS_OK);
    object_put(clone);
    object_put(base);
    PAYLOAD_CHECK_EQ(space_unmap(one, a, 64 * PAGE_SIZE), STATUS_OK);
    word = 0;
    PAYLOAD_CHECK_EQ(object_read(second, 4 * PAGE_SIZE, &word, 8), STATUS_OK);
    PAYLOAD_CHECK_EQ(word, 104);
    PAYLOAD_CHECK_EQ(object_read(second, 5 * PAGE_SIZE, &word, 8), STATUS_OK);
    PAYLOAD_CHECK_EQ(word, 5);
    PAYLOAD_CHECK_EQ(object_count(), 3);
    unsigned depth = 2;
    status_t status;
    while ((status = object_clone(second, quota, &clone)) == STATUS_OK) {
        object_put(second);
        second = clone;
        depth++;
    }
    PAYLOAD_CHECK_EQ(status, STATUS_LIMIT);
    PAYLOAD_CHECK_EQ(depth, OBJECT_MAX_DEPTH);
    object_put(second);
    PAYLOAD_CHECK_EQ(object_count(), 0);
    PAYLOAD_CHECK_EQ(quota_used(quota), 0);
}

/* Who made the object pays, whoever touches it. */
static void test_quota(void) {
    struct object *object;
    struct quota *small;
    vaddr_t a;
    PAYLOAD_CHECK_EQ(quota_new(quota_limit(6), NULL, &small), STATUS_OK);
    PAYLOAD_CHECK_EQ(object_new(small, 64 * PAGE_SIZE, &object), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_map(one, object, 0, 64 * PAGE_SIZE, RW, &a), STATUS_OK);
    status_t status = STATUS_OK;
    uint64_t pages = 0;
    for (; status == STATUS_OK && pages < 64; pages++) {
        status = put(one, a + pages * PAGE_SIZE, 1);
    }
    PAYLOAD_CHECK_EQ(status, STATUS_NO_MEMORY);
    PAYLOAD_CHECK_EQ(pages, 5); /* four, and a table; the fifth was refused */
    quota_close(small);
    object_put(object);
    PAYLOAD_CHECK_EQ(space_unmap(one, a, 64 * PAGE_SIZE), STATUS_OK);
}

/* Two threads that write to the same object in two spaces. */
enum { ADDERS = 2, ADD_PAGES = 64 };

struct adder {
    struct space *space;
    vaddr_t at;
    uint64_t which;
};

static void add_on(void *arg) {
    struct adder *adder = arg;
    for (uint64_t i = 0; i < ADD_PAGES; i++) {
        if (put(adder->space, adder->at + i * PAGE_SIZE + adder->which * 8, i + 1) != STATUS_OK) {
            return;
        }
    }
}

static void test_together(void) {
    struct object *object;
    struct adder adders[ADDERS] = {{.space = one}, {.space = two, .which = 1}};
    struct thread *threads[ADDERS];
    PAYLOAD_CHECK_EQ(object_new(quota, ADD_PAGES * PAGE_SIZE, &object), STATUS_OK);
    for (int i = 0; i < ADDERS; i++) {
        PAYLOAD_CHECK_EQ(
            space_map(adders[i].space, object, 0, ADD_PAGES * PAGE_SIZE, RW, &adders[i].at),
            STATUS_OK);
        PAYLOAD_CHECK_EQ(thread_start("adder", add_on, &adders[i], adders[i].space, &threads[i]),
                         STATUS_OK);
    }
    for (int i = 0; i < ADDERS; i++) {
        thread_join(threads[i]);
    }
    bool good = true;
    for (uint64_t i = 0; i < ADD_PAGES; i++) {
        uint64_t words[ADDERS] = {0};
        good = object_read(object, i * PAGE_SIZE, words, sizeof(words)) == STATUS_OK && good;
        good = good && words[0] == i + 1 && words[1] == i + 1;
    }
    PAYLOAD_CHECK(good);
    object_put(object);
}

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    machine_init(hart, info);
    payload_begin(info);
    size_t before = 0;
    uint32_t quotas = quota_count();
    for (int round = 0; round < 2; round++) {
        PAYLOAD_CHECK_EQ(quota_new(UINT64_MAX, NULL, &quota), STATUS_OK);
        PAYLOAD_CHECK_EQ(space_new(UINT64_MAX, &one), STATUS_OK);
        PAYLOAD_CHECK_EQ(space_new(UINT64_MAX, &two), STATUS_OK);
        test_shared();
        test_fixed();
        test_clones();
        test_quota();
        test_together();
        space_free(one);
        space_free(two);
        PAYLOAD_CHECK_EQ(object_count(), 0);
        PAYLOAD_CHECK_EQ(quota_used(quota), 0);
        quota_close(quota);
        PAYLOAD_CHECK_EQ(quota_count(), quotas);
        size_t now = frame_free_count() + heap_frames();
        PAYLOAD_CHECK(round == 0 || now == before);
        before = now;
    }
    payload_end();
}

LOADER_ENTRY(test, .stack_pages = 16);
