/*
 * A leftist heap. No parent is later than its children, and the right child's way to a missing child is
 * nowhere longer than the left one's: so the way to the right from any node has at most log2(n + 1)
 * steps, and all that is done is done along such ways.
 */
#include "kernel/deadline.h"

#include "kernel/assert.h"

#include <stddef.h>

static uint32_t rank_of(const struct deadline *deadline) {
    return deadline ? deadline->rank : 0;
}

/* After one child of `at` has changed. */
static void settle(struct deadline *at) {
    if (rank_of(at->left) < rank_of(at->right)) {
        struct deadline *left = at->left;
        at->left = at->right;
        at->right = left;
    }
    at->rank = rank_of(at->right) + 1;
}

/* Two heaps become one. Its first one's parent is as it was. */
static struct deadline *merge(struct deadline *a, struct deadline *b) {
    if (!a || !b) {
        return a ? a : b;
    }
    struct deadline *root = b->at < a->at ? b : a, *at = root;
    struct deadline *rest = b->at < a->at ? a : b;
    while (rest) {
        struct deadline *next = at->right;
        if (!next || rest->at < next->at) {
            at->right = rest;
            rest->parent = at;
            rest = next;
        }
        at = at->right;
    }
    while (at != root) {
        at = at->parent;
        settle(at);
    }
    return root;
}

void deadline_add(struct deadlines *set, struct deadline *deadline) {
    assert(deadline->rank == 0);
    deadline->left = deadline->right = deadline->parent = NULL;
    deadline->rank = 1;
    set->first = merge(set->first, deadline);
    set->first->parent = NULL;
}

/* From `at` upwards, as long as ranks change. The way to a missing child bounds both: to the right it is short, and
 * ranks that shrink do so to one more than the last. */
static void settle_up(struct deadline *at) {
    for (bool changed = true; at && changed; at = at->parent) {
        uint32_t rank = at->rank;
        settle(at);
        changed = at->rank != rank;
    }
}

void deadline_remove(struct deadlines *set, struct deadline *deadline) {
    struct deadline *parent = deadline->parent;
    struct deadline *rest = merge(deadline->left, deadline->right);
    assert(deadline->rank != 0);
    if (rest) {
        rest->parent = parent;
    }
    if (!parent) {
        assert(set->first == deadline);
        set->first = rest;
    } else if (parent->left == deadline) {
        parent->left = rest;
    } else {
        parent->right = rest;
    }
    settle_up(parent);
    deadline->rank = 0;
}
