/*
 * Flattened device tree (Devicetree Specification 0.4, chapter 5), read in place: no allocation, no
 * recursion, no state beyond the values handed out here. The bytes may come from anywhere: fdt_open()
 * walks the whole structure block once and refuses a tree with a token, a name, a nesting or a length
 * that does not fit, so that afterwards every node and property can be read without looking again.
 *
 * A node is an offset into the structure block, valid as long as the tree's bytes are.
 *
 *     fdt_each_child(&fdt, fdt_root(&fdt), node) { ... }
 */
#ifndef BASE_FDT_H
#define BASE_FDT_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FDT_HEADER_SIZE = 40,
    FDT_MAX_SIZE = 4 << 20, /* bytes of a whole tree */
    FDT_MAX_DEPTH = 16,     /* nodes inside each other, the root is the first */
};

struct fdt {
    const uint8_t *bytes;
    uint32_t size;                      /* totalsize */
    uint32_t structure, structure_size; /* offsets from `bytes` */
    uint32_t strings, strings_size;
    uint32_t reservations;     /* offset of the memory reservation block */
    uint32_t reservations_len; /* entries without the terminator */
    const char *error;         /* set by a fdt_open() that refused: why */
};

struct fdt_node {
    uint32_t offset; /* of its FDT_BEGIN_NODE token in the structure block */
};

#define FDT_NONE ((struct fdt_node){UINT32_MAX})

struct fdt_prop {
    const char *name; /* terminated; in the strings block */
    const uint8_t *bytes;
    uint32_t size;
};

struct fdt_range {
    uint64_t base, size;
};

/* Checks the `size` bytes at `bytes` (the tree may be shorter, as its header says) and fills `fdt`.
 * BAD_FORMAT with fdt->error set if it is no well-formed tree, LIMIT if it is too large or deep. */
MUST_CHECK status_t fdt_open(struct fdt *fdt, const void *bytes, size_t size);

/* The size the header at `bytes` claims (FDT_HEADER_SIZE bytes must be readable), 0 if that is no
 * header. For a caller that holds only an address; the claim is not checked further. */
size_t fdt_claimed_size(const void *bytes);

/* --- nodes ---------------------------------------------------------------------------------- */

static inline bool fdt_exists(struct fdt_node node) {
    return node.offset != UINT32_MAX;
}

struct fdt_node fdt_root(const struct fdt *fdt);

/* "memory@80000000", "" for the root. */
const char *fdt_name(const struct fdt *fdt, struct fdt_node node);

/* FDT_NONE at the end. fdt_next() walks all nodes in order and keeps *depth (0 at the root) if it is
 * given. */
struct fdt_node fdt_first_child(const struct fdt *fdt, struct fdt_node node);
struct fdt_node fdt_next_sibling(const struct fdt *fdt, struct fdt_node node);
struct fdt_node fdt_next(const struct fdt *fdt, struct fdt_node node, unsigned *depth);
struct fdt_node fdt_parent(const struct fdt *fdt, struct fdt_node node);

#define fdt_each_child(fdt, parent, node)                                                          \
    for (struct fdt_node node = fdt_first_child((fdt), (parent)); fdt_exists(node);                \
         node = fdt_next_sibling((fdt), node))
#define fdt_each_node(fdt, node)                                                                   \
    for (struct fdt_node node = fdt_root(fdt); fdt_exists(node); node = fdt_next((fdt), node, NULL))

/* "/cpus/cpu@0"; a component without "@" also matches a node with any unit address. A trailing
 * ":115200n8" as in stdout-path is ignored; a path without a leading "/" starts with an alias. */
struct fdt_node fdt_find(const struct fdt *fdt, const char *path);

struct fdt_node fdt_by_phandle(const struct fdt *fdt, uint32_t phandle);

/* The first node after `from` (FDT_NONE: from the start) whose `compatible` lists the name. */
struct fdt_node fdt_find_compatible(const struct fdt *fdt, struct fdt_node from,
                                    const char *compatible);

/* No status property, or "okay" or "ok". */
bool fdt_enabled(const struct fdt *fdt, struct fdt_node node);

/* --- properties ----------------------------------------------------------------------------- */

bool fdt_get(const struct fdt *fdt, struct fdt_node node, const char *name,
             struct fdt_prop *prop_out);

/* Properties in order: *cursor is 0 at first; false at the end. */
bool fdt_next_prop(const struct fdt *fdt, struct fdt_node node, uint32_t *cursor,
                   struct fdt_prop *prop_out);

/* One big-endian number of the property's size 4 or 8. */
bool fdt_get_u32(const struct fdt *fdt, struct fdt_node node, const char *name, uint32_t *out);
bool fdt_get_u64(const struct fdt *fdt, struct fdt_node node, const char *name, uint64_t *out);

/* The property as one terminated string, or NULL if it is absent or has no terminator. */
const char *fdt_get_text(const struct fdt *fdt, struct fdt_node node, const char *name);

/* The i-th 32-bit cell of a property; false past its end. */
bool fdt_prop_cell(const struct fdt_prop *prop, uint32_t i, uint32_t *out);

/* The i-th string of a string list, NULL past the end or where no terminator follows. */
const char *fdt_prop_string(const struct fdt_prop *prop, uint32_t i);
bool fdt_prop_has_string(const struct fdt_prop *prop, const char *text);

/* The i-th range of `reg`, with the cells of the parent. False past the end, where a number is wider
 * than 64 bits, or where base + size wraps. Addresses are not translated through `ranges`. */
bool fdt_reg(const struct fdt *fdt, struct fdt_node node, uint32_t i, struct fdt_range *out);

/* The i-th entry of the memory reservation block. */
bool fdt_reservation(const struct fdt *fdt, uint32_t i, struct fdt_range *out);

/* --- change in place ------------------------------------------------------------------------ */

/* Overwrites a property's bytes with zeros and keeps its size, for secrets such as rng-seed. `bytes`
 * is the tree that `fdt` was opened over, writable. False if there is no such property. */
bool fdt_wipe(const struct fdt *fdt, void *bytes, struct fdt_node node, const char *name);

#endif
