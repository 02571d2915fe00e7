/*
 * Flattened device tree. fdt_open() makes one pass over the structure block with every check; all else
 * relies on what that pass has shown:
 *
 *     - the block is a sequence of whole tokens, nodes are nested properly and end with FDT_END;
 *     - node names are terminated inside the block, property names inside the strings block, which
 *       ends with a terminator;
 *     - property values lie inside the block.
 */
#include "base/fdt.h"

#include <string.h>

enum token {
    BEGIN_NODE = 1,
    END_NODE = 2,
    PROP = 3,
    NOP = 4,
    END = 9,
};

enum {
    MAGIC = (int)0xd00dfeed,
    LAST_COMPATIBLE_MIN = 16, /* we read the layout of version 17, which is compatible to 16 */
    VERSION_MIN = 17,
};

/* Word offsets in the header. */
enum {
    H_MAGIC = 0,
    H_TOTALSIZE = 4,
    H_STRUCTURE = 8,
    H_STRINGS = 12,
    H_RESERVATIONS = 16,
    H_VERSION = 20,
    H_LAST_COMPATIBLE = 24,
    H_STRINGS_SIZE = 32,
    H_STRUCTURE_SIZE = 36,
};

static uint32_t be32(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint64_t be64(const uint8_t *p) {
    return (uint64_t)be32(p) << 32 | be32(p + 4);
}

static uint32_t align4(uint32_t x) {
    return (x + 3) & ~3u;
}

static const uint8_t *at(const struct fdt *fdt, uint32_t offset) {
    return fdt->bytes + fdt->structure + offset;
}

static enum token token_at(const struct fdt *fdt, uint32_t offset) {
    return (enum token)be32(at(fdt, offset));
}

/* The offset behind the token at `offset`, all checks done before. */
static uint32_t skip(const struct fdt *fdt, uint32_t offset) {
    switch (token_at(fdt, offset)) {
    case BEGIN_NODE:
        return align4(offset + 4 + (uint32_t)strlen((const char *)at(fdt, offset + 4)) + 1);
    case PROP:
        return align4(offset + 12 + be32(at(fdt, offset + 4)));
    default:
        return offset + 4;
    }
}

/* --- the one pass of checks ------------------------------------------------------------------- */

static status_t refuse(struct fdt *fdt, status_t status, const char *why) {
    fdt->error = why;
    return status;
}

static bool inside(uint32_t offset, uint32_t size, uint32_t whole) {
    return size <= whole && offset <= whole - size;
}

static status_t check_header(struct fdt *fdt, size_t size) {
    const uint8_t *h = fdt->bytes;
    if (size < FDT_HEADER_SIZE || be32(h + H_MAGIC) != (uint32_t)MAGIC) {
        return refuse(fdt, STATUS_BAD_FORMAT, "no device tree here");
    }
    if (be32(h + H_VERSION) < VERSION_MIN || be32(h + H_LAST_COMPATIBLE) > VERSION_MIN ||
        be32(h + H_LAST_COMPATIBLE) < LAST_COMPATIBLE_MIN) {
        return refuse(fdt, STATUS_BAD_FORMAT, "device tree of an unknown version");
    }
    fdt->size = be32(h + H_TOTALSIZE);
    if (fdt->size > FDT_MAX_SIZE) {
        return refuse(fdt, STATUS_LIMIT, "device tree too large");
    }
    if (fdt->size < FDT_HEADER_SIZE || fdt->size > size) {
        return refuse(fdt, STATUS_BAD_FORMAT, "device tree is cut off");
    }
    fdt->structure = be32(h + H_STRUCTURE);
    fdt->structure_size = be32(h + H_STRUCTURE_SIZE);
    fdt->strings = be32(h + H_STRINGS);
    fdt->strings_size = be32(h + H_STRINGS_SIZE);
    fdt->reservations = be32(h + H_RESERVATIONS);
    if (!inside(fdt->structure, fdt->structure_size, fdt->size) || fdt->structure % 4 != 0 ||
        !inside(fdt->strings, fdt->strings_size, fdt->size) || fdt->reservations % 8 != 0) {
        return refuse(fdt, STATUS_BAD_FORMAT, "device tree block out of the tree");
    }
    if (fdt->strings_size > 0 && fdt->bytes[fdt->strings + fdt->strings_size - 1] != '\0') {
        return refuse(fdt, STATUS_BAD_FORMAT, "device tree strings not terminated");
    }
    return STATUS_OK;
}

static status_t check_reservations(struct fdt *fdt) {
    for (uint32_t i = 0;; i++) {
        uint32_t offset = fdt->reservations + i * 16; /* i is at most size / 16 */
        if (!inside(offset, 16, fdt->size)) {
            return refuse(fdt, STATUS_BAD_FORMAT, "device tree reservations without an end");
        }
        if (be64(fdt->bytes + offset) == 0 && be64(fdt->bytes + offset + 8) == 0) {
            fdt->reservations_len = i;
            return STATUS_OK;
        }
    }
}

static const char *begin_fault(const struct fdt *fdt, uint32_t offset) {
    uint32_t room = fdt->structure_size - offset - 4;
    return memchr(at(fdt, offset + 4), '\0', room) ? NULL : "device tree node name not terminated";
}

static const char *prop_fault(const struct fdt *fdt, uint32_t offset) {
    if (!inside(offset, 12, fdt->structure_size) ||
        !inside(offset + 12, be32(at(fdt, offset + 4)), fdt->structure_size)) {
        return "device tree property out of the tree";
    }
    return be32(at(fdt, offset + 8)) < fdt->strings_size
               ? NULL
               : "device tree property name out of the strings";
}

/* Nodes: one root, properties before children, all ended. */
static status_t check_structure(struct fdt *fdt) {
    uint32_t offset = 0;
    unsigned depth = 0;
    bool props_allowed = false, seen_root = false;
    for (;;) {
        if (!inside(offset, 4, fdt->structure_size)) {
            return refuse(fdt, STATUS_BAD_FORMAT, "device tree structure without an end");
        }
        const char *fault = NULL;
        switch (token_at(fdt, offset)) {
        case BEGIN_NODE:
            fault =
                depth == 0 && seen_root ? "device tree with two roots" : begin_fault(fdt, offset);
            if (++depth > FDT_MAX_DEPTH) {
                return refuse(fdt, STATUS_LIMIT, "device tree nested too deep");
            }
            props_allowed = seen_root = true;
            break;
        case END_NODE:
            fault = depth == 0 ? "device tree node ended twice" : NULL;
            depth -= depth > 0;
            props_allowed = false;
            break;
        case PROP:
            fault =
                !props_allowed ? "device tree property in a wrong place" : prop_fault(fdt, offset);
            break;
        case NOP:
            break;
        case END:
            if (depth > 0 || !seen_root) {
                return refuse(fdt, STATUS_BAD_FORMAT, "device tree ends inside a node");
            }
            return STATUS_OK;
        default:
            fault = "device tree with an unknown token";
            break;
        }
        if (fault) {
            return refuse(fdt, STATUS_BAD_FORMAT, fault);
        }
        offset = skip(fdt, offset);
    }
}

status_t fdt_open(struct fdt *fdt, const void *bytes, size_t size) {
    *fdt = (struct fdt){.bytes = bytes};
    TRY(check_header(fdt, size));
    TRY(check_reservations(fdt));
    return check_structure(fdt);
}

size_t fdt_claimed_size(const void *bytes) {
    const uint8_t *h = bytes;
    return be32(h + H_MAGIC) == (uint32_t)MAGIC ? be32(h + H_TOTALSIZE) : 0;
}

/* --- nodes -------------------------------------------------------------------------------------- */

/* Past NOPs. */
static uint32_t skip_nops(const struct fdt *fdt, uint32_t offset) {
    while (token_at(fdt, offset) == NOP) {
        offset += 4;
    }
    return offset;
}

/* The first token behind the node's properties: a child's begin or the node's end. */
static uint32_t behind_props(const struct fdt *fdt, struct fdt_node node) {
    uint32_t offset = skip_nops(fdt, skip(fdt, node.offset));
    while (token_at(fdt, offset) == PROP) {
        offset = skip_nops(fdt, skip(fdt, offset));
    }
    return offset;
}

/* Behind the node's end. */
static uint32_t behind(const struct fdt *fdt, struct fdt_node node) {
    uint32_t offset = node.offset;
    unsigned depth = 0;
    do {
        enum token token = token_at(fdt, offset);
        depth += token == BEGIN_NODE;
        depth -= token == END_NODE;
        offset = skip(fdt, offset);
    } while (depth > 0);
    return skip_nops(fdt, offset);
}

static struct fdt_node node_at(const struct fdt *fdt, uint32_t offset) {
    return token_at(fdt, offset) == BEGIN_NODE ? (struct fdt_node){offset} : FDT_NONE;
}

struct fdt_node fdt_root(const struct fdt *fdt) {
    return node_at(fdt, skip_nops(fdt, 0));
}

const char *fdt_name(const struct fdt *fdt, struct fdt_node node) {
    return (const char *)at(fdt, node.offset + 4);
}

struct fdt_node fdt_first_child(const struct fdt *fdt, struct fdt_node node) {
    return node_at(fdt, behind_props(fdt, node));
}

struct fdt_node fdt_next_sibling(const struct fdt *fdt, struct fdt_node node) {
    return node_at(fdt, behind(fdt, node));
}

struct fdt_node fdt_next(const struct fdt *fdt, struct fdt_node node, unsigned *depth) {
    uint32_t offset = behind_props(fdt, node);
    unsigned ends = 0;
    while (token_at(fdt, offset) == END_NODE) {
        offset = skip_nops(fdt, offset + 4);
        ends++;
    }
    struct fdt_node next = node_at(fdt, offset);
    if (depth && fdt_exists(next)) {
        *depth = *depth + 1 - ends;
    }
    return next;
}

struct fdt_node fdt_parent(const struct fdt *fdt, struct fdt_node node) {
    struct fdt_node path[FDT_MAX_DEPTH];
    unsigned depth = 0;
    for (struct fdt_node i = fdt_root(fdt); fdt_exists(i); i = fdt_next(fdt, i, &depth)) {
        path[depth] = i;
        if (i.offset == node.offset) {
            return depth > 0 ? path[depth - 1] : FDT_NONE;
        }
    }
    return FDT_NONE;
}

/* "cpu@0" as "cpu@0"; "cpu" as "cpu" and "cpu@0". */
static bool name_matches(const char *name, const char *want, size_t len) {
    if (strncmp(name, want, len) != 0) {
        return false;
    }
    return name[len] == '\0' || (name[len] == '@' && !memchr(want, '@', len));
}

static struct fdt_node child_named(const struct fdt *fdt, struct fdt_node parent, const char *name,
                                   size_t len) {
    fdt_each_child(fdt, parent, child) {
        if (name_matches(fdt_name(fdt, child), name, len)) {
            return child;
        }
    }
    return FDT_NONE;
}

/* Up to a "/" or the end of the path. */
static size_t component(const char *path) {
    size_t len = 0;
    while (path[len] && path[len] != '/' && path[len] != ':') {
        len++;
    }
    return len;
}

/* From `node` along "a/b/c". */
static struct fdt_node walk(const struct fdt *fdt, struct fdt_node node, const char *path) {
    while (fdt_exists(node)) {
        while (*path == '/') {
            path++;
        }
        size_t len = component(path);
        if (len == 0) {
            break;
        }
        node = child_named(fdt, node, path, len);
        path += len;
    }
    return node;
}

/* The node that /aliases gives for a name; an alias is a whole path, never an alias again. */
static struct fdt_node find_alias(const struct fdt *fdt, const char *name, size_t len) {
    struct fdt_node aliases = child_named(fdt, fdt_root(fdt), "aliases", 7);
    struct fdt_prop prop;
    uint32_t cursor = 0;
    while (fdt_exists(aliases) && fdt_next_prop(fdt, aliases, &cursor, &prop)) {
        const char *path = fdt_prop_string(&prop, 0);
        if (strncmp(prop.name, name, len) == 0 && prop.name[len] == '\0' && path && *path == '/') {
            return walk(fdt, fdt_root(fdt), path);
        }
    }
    return FDT_NONE;
}

struct fdt_node fdt_find(const struct fdt *fdt, const char *path) {
    if (*path == '/') {
        return walk(fdt, fdt_root(fdt), path);
    }
    size_t len = component(path);
    struct fdt_node start = len > 0 ? find_alias(fdt, path, len) : FDT_NONE;
    return walk(fdt, start, path + len);
}

struct fdt_node fdt_by_phandle(const struct fdt *fdt, uint32_t phandle) {
    fdt_each_node(fdt, node) {
        uint32_t value;
        if (fdt_get_u32(fdt, node, "phandle", &value) && value == phandle) {
            return node;
        }
    }
    return FDT_NONE;
}

struct fdt_node fdt_find_compatible(const struct fdt *fdt, struct fdt_node from,
                                    const char *compatible) {
    struct fdt_node node = fdt_exists(from) ? fdt_next(fdt, from, NULL) : fdt_root(fdt);
    for (; fdt_exists(node); node = fdt_next(fdt, node, NULL)) {
        struct fdt_prop prop;
        if (fdt_get(fdt, node, "compatible", &prop) && fdt_prop_has_string(&prop, compatible)) {
            return node;
        }
    }
    return FDT_NONE;
}

bool fdt_enabled(const struct fdt *fdt, struct fdt_node node) {
    struct fdt_prop prop;
    return !fdt_get(fdt, node, "status", &prop) || fdt_prop_has_string(&prop, "okay") ||
           fdt_prop_has_string(&prop, "ok");
}

/* --- properties --------------------------------------------------------------------------------- */

static struct fdt_prop prop_at(const struct fdt *fdt, uint32_t offset) {
    return (struct fdt_prop){
        .name = (const char *)fdt->bytes + fdt->strings + be32(at(fdt, offset + 8)),
        .bytes = at(fdt, offset + 12),
        .size = be32(at(fdt, offset + 4)),
    };
}

bool fdt_next_prop(const struct fdt *fdt, struct fdt_node node, uint32_t *cursor,
                   struct fdt_prop *prop_out) {
    uint32_t offset = *cursor ? *cursor : skip(fdt, node.offset);
    offset = skip_nops(fdt, offset);
    if (token_at(fdt, offset) != PROP) {
        return false;
    }
    *prop_out = prop_at(fdt, offset);
    *cursor = skip(fdt, offset);
    return true;
}

bool fdt_get(const struct fdt *fdt, struct fdt_node node, const char *name,
             struct fdt_prop *prop_out) {
    uint32_t cursor = 0;
    while (fdt_next_prop(fdt, node, &cursor, prop_out)) {
        if (strcmp(prop_out->name, name) == 0) {
            return true;
        }
    }
    return false;
}

bool fdt_get_u32(const struct fdt *fdt, struct fdt_node node, const char *name, uint32_t *out) {
    struct fdt_prop prop;
    return fdt_get(fdt, node, name, &prop) && prop.size == 4 && fdt_prop_cell(&prop, 0, out);
}

bool fdt_get_u64(const struct fdt *fdt, struct fdt_node node, const char *name, uint64_t *out) {
    struct fdt_prop prop;
    if (!fdt_get(fdt, node, name, &prop) || (prop.size != 4 && prop.size != 8)) {
        return false;
    }
    *out = prop.size == 4 ? be32(prop.bytes) : be64(prop.bytes);
    return true;
}

const char *fdt_get_text(const struct fdt *fdt, struct fdt_node node, const char *name) {
    struct fdt_prop prop;
    return fdt_get(fdt, node, name, &prop) ? fdt_prop_string(&prop, 0) : NULL;
}

bool fdt_prop_cell(const struct fdt_prop *prop, uint32_t i, uint32_t *out) {
    if (i >= prop->size / 4) {
        return false;
    }
    *out = be32(prop->bytes + (size_t)i * 4);
    return true;
}

const char *fdt_prop_string(const struct fdt_prop *prop, uint32_t i) {
    const uint8_t *text = prop->bytes, *end = prop->bytes + prop->size;
    for (;; i--) {
        const uint8_t *terminator = text < end ? memchr(text, '\0', (size_t)(end - text)) : NULL;
        if (!terminator) {
            return NULL;
        }
        if (i == 0) {
            return (const char *)text;
        }
        text = terminator + 1;
    }
}

bool fdt_prop_has_string(const struct fdt_prop *prop, const char *text) {
    size_t size = strlen(text) + 1;
    const uint8_t *p = prop->bytes, *end = prop->bytes + prop->size;
    while (size <= (size_t)(end - p)) {
        if (memcmp(p, text, size) == 0) {
            return true;
        }
        const uint8_t *terminator = memchr(p, '\0', (size_t)(end - p));
        if (!terminator) {
            return false;
        }
        p = terminator + 1;
    }
    return false;
}

/* What holds for the children of `node`: that property of it, or `value`. */
static uint32_t cells(const struct fdt *fdt, struct fdt_node node, const char *name,
                      uint32_t value) {
    (void)fdt_get_u32(fdt, node, name, &value);
    return value;
}

/* A number of `len` cells; false if it has bits above the 64th. */
static bool take_cells(const uint8_t *p, uint32_t len, uint64_t *out) {
    *out = 0;
    for (uint32_t i = 0; i < len; i++) {
        if (*out >> 32) {
            return false;
        }
        *out = *out << 32 | be32(p + (size_t)i * 4);
    }
    return true;
}

bool fdt_reg(const struct fdt *fdt, struct fdt_node node, uint32_t i, struct fdt_range *out) {
    enum { MAX_CELLS = 4 };
    struct fdt_node parent = fdt_parent(fdt, node);
    struct fdt_prop prop;
    if (!fdt_exists(parent) || !fdt_get(fdt, node, "reg", &prop)) {
        return false;
    }
    uint32_t address = cells(fdt, parent, "#address-cells", 2);
    uint32_t size = cells(fdt, parent, "#size-cells", 1);
    if (address > MAX_CELLS || size > MAX_CELLS || address + size == 0) {
        return false;
    }
    uint32_t entry = (address + size) * 4;
    if (i >= prop.size / entry) {
        return false;
    }
    const uint8_t *p = prop.bytes + (size_t)i * entry;
    return take_cells(p, address, &out->base) &&
           take_cells(p + (size_t)address * 4, size, &out->size) &&
           out->base + out->size >= out->base;
}

bool fdt_reservation(const struct fdt *fdt, uint32_t i, struct fdt_range *out) {
    if (i >= fdt->reservations_len) {
        return false;
    }
    const uint8_t *p = fdt->bytes + fdt->reservations + (size_t)i * 16;
    *out = (struct fdt_range){be64(p), be64(p + 8)};
    return out->base + out->size >= out->base;
}

bool fdt_wipe(const struct fdt *fdt, void *bytes, struct fdt_node node, const char *name) {
    struct fdt_prop prop;
    if (!fdt_get(fdt, node, name, &prop)) {
        return false;
    }
    memset((uint8_t *)bytes + (prop.bytes - fdt->bytes), 0, prop.size);
    return true;
}
