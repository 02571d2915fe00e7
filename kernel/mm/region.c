/*
 * A treap (Seidel and Aragon, 1996): a search tree by address that is a heap by random priority,
 * which keeps it balanced whatever the order of insertions. Rotations only; no recursion.
 */
#include "kernel/mm/region.h"

#include "kernel/assert.h"
#include "kernel/random.h"

#include <stddef.h>

void region_tree_init(struct region_tree *tree) {
    tree->root = NULL;
    tree->len = 0;
    list_init(&tree->order);
}

/* Where the tree points to `region`: its parent's field, or the root. */
static struct region **link_of(struct region_tree *tree, struct region *region) {
    struct region *parent = region->parent;
    if (!parent) {
        return &tree->root;
    }
    return parent->left == region ? &parent->left : &parent->right;
}

/* `child` takes its parent's place and the parent goes below it, order kept. */
static void rotate_up(struct region_tree *tree, struct region *child) {
    struct region *parent = child->parent;
    struct region *moved;
    *link_of(tree, parent) = child;
    child->parent = parent->parent;
    parent->parent = child;
    if (parent->left == child) {
        moved = child->right;
        parent->left = moved;
        child->right = parent;
    } else {
        moved = child->left;
        parent->right = moved;
        child->left = parent;
    }
    if (moved) {
        moved->parent = parent;
    }
}

void region_insert(struct region_tree *tree, struct region *region) {
    struct region *parent = NULL, *before = NULL;
    struct region **link = &tree->root;
    while (*link) {
        parent = *link;
        if (region->start < parent->start) {
            link = &parent->left;
        } else {
            before = parent;
            link = &parent->right;
        }
    }
    assert(!before || before->end <= region->start);
    *link = region;
    region->parent = parent;
    region->left = region->right = NULL;
    region->priority = random_weak_u32();
    list_insert(before ? &before->node : &tree->order, &region->node);
    tree->len++;
    while (region->parent && region->parent->priority < region->priority) {
        rotate_up(tree, region);
    }
}

void region_remove(struct region_tree *tree, struct region *region) {
    while (region->left && region->right) {
        bool left = region->left->priority > region->right->priority;
        rotate_up(tree, left ? region->left : region->right);
    }
    struct region *child = region->left ? region->left : region->right;
    *link_of(tree, region) = child;
    if (child) {
        child->parent = region->parent;
    }
    list_remove(&region->node);
    tree->len--;
}

struct region *region_at_or_after(const struct region_tree *tree, vaddr_t addr) {
    struct region *best = NULL;
    struct region *at = tree->root;
    while (at) {
        if (at->end > addr) {
            best = at;
            at = at->left;
        } else {
            at = at->right;
        }
    }
    return best;
}

struct region *region_next(const struct region_tree *tree, const struct region *region) {
    struct list *next = region->node.next;
    return next == &tree->order ? NULL : list_entry(next, struct region, node);
}

struct region *region_prev(const struct region_tree *tree, const struct region *region) {
    struct list *prev = region->node.prev;
    return prev == &tree->order ? NULL : list_entry(prev, struct region, node);
}
