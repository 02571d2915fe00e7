/*
 * Many spaces, few address-space identifiers: what a hart remembers of one space never shows in another,
 * and a change is seen by every hart, through many generations of identifiers.
 *
 * QEMU: -smp 1
 * QEMU: -smp 4
 * TIMEOUT: 60
 */
#include "abi/boot.h"
#include "init/machine.h"
#include "kernel/harts.h"
#include "kernel/limits.h"
#include "kernel/mm/space.h"
#include "kernel/riscv64/asm.h"
#include "kernel/sync.h"
#include "kernel/thread.h"
#include "test/support/payload.h"

enum { SPACES = 24, THREADS = 4, ROUNDS = 400, PAGES = 3, RW = PROT_READ | PROT_WRITE };
#define AT 0x100000ul

/* Of each space, the word that all its pages begin with; guarded by its mutex. */
static struct {
    struct space *space;
    struct mutex mutex;
    uint64_t word;
} worlds[SPACES];

static unsigned wrong;

/* Reads by the hart's own translations, and at times puts new pages in place of the old. */
static unsigned visit(unsigned i, uint64_t round) {
    unsigned bad = 0;
    mutex_lock(&worlds[i].mutex);
    thread_set_space(worlds[i].space);
    for (unsigned page = 0; page < PAGES; page++) {
        uint64_t word = 0;
        bad += space_copy_in(worlds[i].space, &word, AT + page * PAGE_SIZE, 8) != STATUS_OK;
        bad += word != worlds[i].word;
    }
    if (round % 3 == 0) {
        worlds[i].word += SPACES;
        bad += space_decommit(worlds[i].space, AT, PAGES * PAGE_SIZE) != STATUS_OK;
        bad += space_copy_in(worlds[i].space, &round, AT, 8) != STATUS_FAULT;
        bad += space_protect(worlds[i].space, AT, PAGES * PAGE_SIZE, RW) != STATUS_OK;
        for (unsigned page = 0; page < PAGES; page++) {
            bad += space_copy_out(worlds[i].space, AT + page * PAGE_SIZE, &worlds[i].word, 8) !=
                   STATUS_OK;
        }
    }
    thread_set_space(NULL);
    mutex_unlock(&worlds[i].mutex);
    return bad;
}

static void travel(void *arg) {
    unsigned bad = 0;
    uint64_t seed = (uint64_t)arg;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        bad += visit((unsigned)(seed >> 33) % SPACES, round);
    }
    __atomic_fetch_add(&wrong, bad, __ATOMIC_RELAXED);
}

/* A new program for each identifier and more, one after the other. */
static void test_short_lives(void) {
    uint64_t word;
    for (uint64_t i = 0; i < 40; i++) {
        struct space *space;
        PAYLOAD_CHECK_EQ(space_new(100, &space), STATUS_OK);
        PAYLOAD_CHECK_EQ(space_reserve_at(space, AT, PAGE_SIZE), STATUS_OK);
        PAYLOAD_CHECK_EQ(space_protect(space, AT, PAGE_SIZE, RW), STATUS_OK);
        thread_set_space(space);
        word = 1;
        PAYLOAD_CHECK_EQ(space_copy_in(space, &word, AT, 8), STATUS_OK);
        PAYLOAD_CHECK_EQ(word, 0);
        PAYLOAD_CHECK_EQ(space_copy_out(space, AT, &i, 8), STATUS_OK);
        thread_set_space(NULL);
        space_free(space);
    }
}

/* As few as the harts allow, and fewer than there are spaces. */
static uint32_t few_numbers(void) {
    return (uint32_t)harts_count() + 4;
}

/* No two of one generation have the same number, and all are within the limit. */
static void test_numbers(void) {
    enum { TABLES = 20 };
    static struct pagetable tables[TABLES];
    uint32_t limit = few_numbers();
    unsigned bad = 0;
    uint64_t seed = 1;
    irq_state_t irq = arch_irq_save();
    for (unsigned round = 0; round < 5000; round++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        unsigned i = (unsigned)(seed >> 33) % TABLES;
        uint32_t number = asid_enter(&tables[i]);
        bad += number == 0 || number >= limit || asid_of(&tables[i]) != number;
        for (unsigned k = 0; k < TABLES; k++) {
            bad += k != i && tables[k].context == tables[i].context;
        }
    }
    arch_irq_restore(irq);
    PAYLOAD_CHECK_EQ(bad, 0);
}

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    struct thread *threads[THREADS];
    machine_init(hart, info);
    payload_begin(info);
    asid_limit(few_numbers());
    for (unsigned i = 0; i < SPACES; i++) {
        worlds[i].word = i;
        mutex_init(&worlds[i].mutex, LOCK_FILES);
        PAYLOAD_CHECK_EQ(space_new(100, &worlds[i].space), STATUS_OK);
        PAYLOAD_CHECK_EQ(space_reserve_at(worlds[i].space, AT, PAGES * PAGE_SIZE), STATUS_OK);
        PAYLOAD_CHECK_EQ(space_protect(worlds[i].space, AT, PAGES * PAGE_SIZE, RW), STATUS_OK);
        for (unsigned page = 0; page < PAGES; page++) {
            PAYLOAD_CHECK_EQ(
                space_copy_out(worlds[i].space, AT + page * PAGE_SIZE, &worlds[i].word, 8),
                STATUS_OK);
        }
    }
    for (uint64_t i = 0; i < THREADS; i++) {
        PAYLOAD_CHECK_EQ(thread_start("traveller", travel, (void *)(i + 1), NULL, &threads[i]),
                         STATUS_OK);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        thread_join(threads[i]);
    }
    PAYLOAD_CHECK_EQ(wrong, 0);
    for (unsigned i = 0; i < SPACES; i++) {
        space_free(worlds[i].space);
    }
    test_short_lives();
    test_numbers();
    payload_end();
}

LOADER_ENTRY(test, .stack_pages = 16);
