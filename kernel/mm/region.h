/*
 * The ordered tree of regions of an address space: a treap by address, with a list in the same
 * order. Lookup, insertion and removal cost the logarithm of the count. Knows nothing of pages.
 *
 * Locks: the space's.
 */
#ifndef KERNEL_MM_REGION_H
#define KERNEL_MM_REGION_H

#include "base/list.h"
#include "kernel/types.h"

#include <stdint.h>

enum region_kind {
    REGION_ZERO,   /* zero-fill on first touch */
    REGION_CODE,   /* written by space_publish_code() alone */
    REGION_OBJECT, /* a memory object's */
};

struct object;

struct region {
    vaddr_t start, end;
    uint8_t prot;          /* without PROT_USER */
    uint8_t kind;          /* enum region_kind */
    uint8_t window;        /* pages that the last fault made */
    uint32_t priority;     /* heap order of the treap */
    vaddr_t next;          /* the page after them */
    uint64_t run;          /* pages made one after the other, up to `next` */
    struct object *object; /* mapped here, or NULL */
    uint64_t offset;       /* of `start` in it */
    struct region *parent, *left, *right;
    struct list node; /* in region_tree.order */
};

struct region_tree {
    struct region *root;
    struct list order; /* by address */
    uint32_t len;
};

void region_tree_init(struct region_tree *tree);

/* start, end, prot and kind are set; it must not overlap another. */
void region_insert(struct region_tree *tree, struct region *region);
void region_remove(struct region_tree *tree, struct region *region);

/* The first region that ends after addr: the one that holds it, or the next one. NULL: none. */
struct region *region_at_or_after(const struct region_tree *tree, vaddr_t addr);

/* Neighbours in order, NULL at the ends. */
struct region *region_next(const struct region_tree *tree, const struct region *region);
struct region *region_prev(const struct region_tree *tree, const struct region *region);

#endif
