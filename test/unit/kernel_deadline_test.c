/*
 * kernel/deadline.c against a plain array: what is first is the earliest, the heap is in the form that its head
 * describes after every step, and no step looks at more deadlines than the logarithm allows, in orders
 * that other heaps and lists dislike.
 */
#include "kernel/deadline.h"
#include "kernel/panic.h"
#include "test/support/check.h"

enum { LEN = 4096, STEPS = 200000 };

static struct deadline all[LEN];
static struct deadlines set;

void panic(const char *format, ...) {
    puts(format);
    abort();
}

static uint64_t roll(void) {
    static uint64_t seed = 1;
    seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    return seed >> 33;
}

static void begin(void) {
    memset(all, 0, sizeof(all));
    set.first = NULL;
}

static void add(unsigned i, uint64_t at) {
    all[i].at = at;
    deadline_add(&set, &all[i]);
}

static uint64_t earliest(void) {
    uint64_t at = UINT64_MAX;
    for (unsigned i = 0; i < LEN; i++) {
        at = deadline_is_set(&all[i]) && all[i].at < at ? all[i].at : at;
    }
    return at;
}

static uint32_t rank_of(const struct deadline *deadline) {
    return deadline ? deadline->rank : 0;
}

/* One node beside those around it. */
static void check_node(const struct deadline *node) {
    CHECK(!node->left || (node->left->parent == node && node->left->at >= node->at));
    CHECK(!node->right || (node->right->parent == node && node->right->at >= node->at));
    CHECK(rank_of(node->left) >= rank_of(node->right));
    CHECK_EQ(node->rank, rank_of(node->right) + 1);
    CHECK(node->parent ? node->parent->left == node || node->parent->right == node
                       : set.first == node);
}

static void check_all(unsigned len) {
    unsigned found = 0;
    for (unsigned i = 0; i < LEN; i++) {
        if (deadline_is_set(&all[i])) {
            check_node(&all[i]);
            found++;
        }
    }
    CHECK_EQ(found, len);
    CHECK_EQ(set.first ? set.first->at : UINT64_MAX, earliest());
    /* So many steps has the longest way that anything takes. */
    CHECK((1ul << rank_of(set.first)) <= len + 1ul);
}

/* Takes the first out until none is left. */
static void drain(unsigned len) {
    uint64_t last = 0;
    for (unsigned i = 0; i < len; i++) {
        CHECK(set.first && set.first->at >= last);
        last = set.first->at;
        deadline_remove(&set, set.first);
    }
    CHECK(!set.first);
}

TEST(random_steps) {
    unsigned len = 0;
    begin();
    for (unsigned step = 0; step < STEPS; step++) {
        unsigned i = (unsigned)roll() % LEN;
        if (roll() % 8 == 0 && set.first) {
            deadline_remove(&set, set.first);
            len--;
        } else if (deadline_is_set(&all[i])) {
            deadline_remove(&set, &all[i]);
            len--;
        } else {
            add(i, roll() % (step % 3 ? 1000 : UINT64_C(1) << 31));
            len++;
        }
        if (step % 500 == 0) {
            check_all(len);
        }
    }
    check_all(len);
    drain(len);
}

TEST(rising_falling_and_equal) {
    for (unsigned order = 0; order < 4; order++) {
        begin();
        for (unsigned i = 0; i < LEN; i++) {
            add(i, order == 0 ? i : order == 1 ? LEN - i : order == 2 ? 7 : i % 2 ? i : LEN - i);
        }
        check_all(LEN);
        for (unsigned i = 0; i < LEN; i += 2) {
            deadline_remove(&set, &all[i]);
        }
        check_all(LEN / 2);
        drain(LEN / 2);
    }
}

/* Every one of a small set, from every form that it takes. */
TEST(any_one_out) {
    for (unsigned len = 1; len <= 32; len++) {
        for (unsigned out = 0; out < len; out++) {
            begin();
            for (unsigned i = 0; i < len; i++) {
                add(i, roll() % 16);
            }
            deadline_remove(&set, &all[out]);
            CHECK(!deadline_is_set(&all[out]));
            check_all(len - 1);
            drain(len - 1);
        }
    }
}

CHECK_MAIN
