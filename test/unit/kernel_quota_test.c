/*
 * kernel/mm/quota.c: limits up the tree, entries that live on until all has come back, and two harts that
 * free the same one, in the order that once freed the next owner's.
 */
#include "kernel/mm/quota.h"
#include "kernel/sync.h"
#include "test/support/check.h"
#include "test/support/meanwhile.h"

enum { AMOUNT = 4096 };

struct hart *machine_hart;
uint64_t machine_ticks;

struct thread *machine_current(void) {
    return NULL;
}

uint64_t *machine_counters(void) {
    static uint64_t none[1];
    return none;
}

void machine_wait(void) {
    abort();
}

void panic(const char *format, ...) {
    puts(format);
    abort();
}

void spinlock_wait(struct spinlock *lock, uint32_t ticket) {
    (void)lock, (void)ticket;
    abort(); /* no lock is contended */
}

static struct quota *must_new(uint64_t limit, struct quota *parent) {
    struct quota *quota = NULL;
    CHECK_EQ(quota_new(limit, parent, &quota), STATUS_OK);
    return quota;
}

/* What another hart does before this one looks at a word. */
static const void *stop_at;
static void (*other_hart)(void);

void meanwhile(const void *word) {
    if (word == stop_at) {
        stop_at = NULL;
        other_hart();
    }
}

TEST(limits) {
    struct quota *outer = must_new(4 * AMOUNT, NULL), *inner = must_new(UINT64_MAX, outer);
    CHECK_EQ(quota_charge(inner, 3 * AMOUNT), STATUS_OK);
    CHECK_EQ(quota_charge(inner, 2 * AMOUNT), STATUS_NO_MEMORY);
    CHECK_EQ(quota_charge(outer, 2 * AMOUNT), STATUS_NO_MEMORY);
    CHECK_EQ(quota_charge(outer, UINT64_MAX), STATUS_NO_MEMORY);
    CHECK(quota_used(inner) == 3 * AMOUNT && quota_used(outer) == 3 * AMOUNT);
    quota_credit(inner, 3 * AMOUNT);
    CHECK_EQ(quota_charge(outer, 4 * AMOUNT), STATUS_OK);
    quota_credit(outer, 4 * AMOUNT);
    quota_close(inner);
    quota_close(outer);
    CHECK_EQ(quota_count(), 0);
}

TEST(lives_on_until_all_has_come_back) {
    struct quota *outer = must_new(UINT64_MAX, NULL), *inner = must_new(UINT64_MAX, outer);
    CHECK_EQ(quota_charge(inner, AMOUNT), STATUS_OK);
    quota_close(outer);
    quota_close(inner);
    CHECK(quota_count() == 2 && quota_of(quota_id(inner)) == inner);
    quota_credit(inner, AMOUNT);
    CHECK_EQ(quota_count(), 0);
}

TEST(table_is_full) {
    struct quota *all[QUOTA_MAX], *more;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < QUOTA_MAX; i++) {
            all[i] = must_new(1, i % 2 ? all[i - 1] : NULL);
        }
        CHECK_EQ(quota_new(1, NULL, &more), STATUS_LIMIT);
        for (int i = 0; i < QUOTA_MAX; i++) {
            quota_close(all[i]);
        }
        CHECK_EQ(quota_count(), 0);
    }
}

/* ---- two harts free the same entry ---- */

static struct quota *parent, *shared, *fillers[QUOTA_MAX];
static unsigned fillers_len;

/* The last piece comes back, which frees the entry; and it is given out again, below the same quota. */
static void free_and_take_again(void) {
    quota_credit(shared, AMOUNT);
    struct quota *quota = must_new(UINT64_MAX, NULL);
    while (quota != shared) {
        fillers[fillers_len++] = quota;
        quota = must_new(UINT64_MAX, NULL);
    }
    quota_close(quota);
    for (unsigned i = 0; i < fillers_len; i++) {
        quota_close(fillers[i]);
    }
    CHECK_EQ(quota_count(), 1); /* the parent */
    do {
        quota = must_new(UINT64_MAX, parent);
        if (quota != shared) {
            quota_close(quota);
        }
    } while (quota != shared);
}

static void check_late(bool now_paid) {
    fillers_len = 0;
    parent = must_new(UINT64_MAX, NULL);
    shared = must_new(UINT64_MAX, parent);
    CHECK_EQ(quota_charge(shared, AMOUNT), STATUS_OK);
    stop_at = now_paid ? (const void *)&shared->used : &shared->holds;
    other_hart = free_and_take_again;
    quota_close(shared); /* holds nothing any more, and is held up */
    CHECK(stop_at == NULL);
    CHECK_EQ(quota_count(), 2);
    CHECK_EQ(parent->holds, 2);
    quota_close(parent);
    CHECK_EQ(quota_count(), 2);
    CHECK_EQ(quota_charge(shared, AMOUNT), STATUS_OK);
    CHECK_EQ(quota_used(parent), AMOUNT);
    quota_credit(shared, AMOUNT);
    quota_close(shared);
    CHECK_EQ(quota_count(), 0);
}

TEST(who_frees_late_frees_nobody_else) {
    check_late(false);
    check_late(true);
}

CHECK_MAIN
