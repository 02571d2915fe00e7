/*
 * Known values of state. See avail.h.
 *
 * Two accesses of memory are apart when they have one root, which is an index before a constant was
 * added to it, and their distances from it differ by enough. The sum wraps at 2^32 while the offset
 * does not, so the difference is looked at both as it is and a turn away.
 */
#include "wasm/opt/avail.h"

#include "wasm/opt/value.h"

static bool is_read(const struct inst *i) {
    return i->op == OP_LOAD || i->op == OP_GLOBAL_GET || i->op == OP_TABLE_GET ||
           i->op == OP_MEMORY_SIZE || i->op == OP_TABLE_SIZE;
}

static void find_root(const struct func *f, struct avail_entry *e) {
    const struct inst *addr = func_inst(f, e->base);
    int64_t c;
    e->root = e->base;
    if (addr->op == OP_ADDR) {
        const struct inst *sum = func_inst(f, func_resolve(f, addr->arg[0]));
        e->root = func_resolve(f, addr->arg[0]);
        if (sum->op == OP_ADD && value_const(f, func_resolve(f, sum->arg[1]), &c)) {
            e->root = func_resolve(f, sum->arg[0]);
            e->distance = (uint32_t)c;
        }
    }
}

/* i32 loads of 32 bits are one thing however they extend. */
static uint8_t canonical_access(enum ir_type type, uint8_t sub) {
    return type == IR_I32 && sub == ACCESS_32U ? ACCESS_32S : sub;
}

static struct avail_entry entry_of_read(const struct func *f, const struct inst *i) {
    struct avail_entry e = {
        .op = i->op,
        .sub = i->sub,
        .type = i->type,
        .aux = i->aux,
        .imm = i->imm,
        .base = i->argc > 0 ? i->arg[0] : 0,
    };
    if (i->op == OP_LOAD) {
        e.sub = canonical_access((enum ir_type)i->type, i->sub);
        find_root(f, &e);
    }
    return e;
}

static bool same_place(const struct avail_entry *x, const struct avail_entry *y) {
    return x->op == y->op && x->sub == y->sub && x->type == y->type && x->aux == y->aux &&
           x->imm == y->imm && x->base == y->base;
}

value_t avail_find(const struct avail *a, const struct func *f, value_t v) {
    const struct inst *i = func_inst(f, v);
    if (!is_read(i)) {
        return 0;
    }
    struct avail_entry wanted = entry_of_read(f, i);
    for (uint32_t k = 0; k < a->len; k++) {
        if (same_place(&a->entry[k], &wanted)) {
            return a->entry[k].value;
        }
    }
    return 0;
}

static void add(struct avail *a, const struct avail_entry *e) {
    if (a->len < AVAIL_CAP) {
        a->entry[a->len++] = *e;
    } else {
        a->entry[a->oldest] = *e;
        a->oldest = (a->oldest + 1) % AVAIL_CAP;
    }
}

static void forget(struct avail *a, uint32_t k) {
    a->entry[k] = a->entry[--a->len];
    a->oldest = 0;
}

/* ---- what writes overwrite */

static bool apart_by(int64_t difference, uint32_t x_size, uint32_t y_size) {
    return difference >= (int64_t)y_size || -difference >= (int64_t)x_size;
}

/* Whether the bytes of the two accesses are surely different ones. */
static bool are_apart(const struct avail_entry *x, const struct avail_entry *y) {
    if (x->root != y->root || x->aux != y->aux) {
        return false; /* two imported memories may be one */
    }
    uint32_t x_size = access_infos[x->sub].size, y_size = access_infos[y->sub].size;
    /* Where x begins, seen from where y does. */
    int64_t turn = (int64_t)(uint32_t)(x->distance - y->distance);
    int64_t difference = turn + x->imm - y->imm;
    return apart_by(difference, x_size, y_size) &&
           apart_by(difference - ((int64_t)1 << 32), x_size, y_size);
}

/* What loading what was stored would give: a load of that type and access, if it is the value. */
static bool entry_of_store(const struct func *f, const struct inst *i, struct avail_entry *e) {
    enum ir_type type = (enum ir_type)func_inst(f, i->arg[1])->type;
    uint32_t bits = access_infos[i->sub].size * 8u;
    *e = (struct avail_entry){
        .op = OP_LOAD,
        .sub = canonical_access(type, i->sub),
        .type = (uint8_t)type,
        .aux = i->aux,
        .imm = i->imm,
        .base = i->arg[0],
        .value = i->arg[1],
    };
    find_root(f, e);
    return bits == type_bits(type) || value_bits(f, i->arg[1]) <= bits;
}

static void note_store(struct avail *a, const struct func *f, const struct inst *i) {
    struct avail_entry stored;
    bool is_known = entry_of_store(f, i, &stored);
    for (uint32_t k = a->len; k-- > 0;) {
        if (a->entry[k].op == OP_LOAD && !are_apart(&a->entry[k], &stored)) {
            forget(a, k);
        }
    }
    if (is_known) {
        add(a, &stored);
    }
}

/* Two imported globals may be one. */
static bool may_be_same_global(const struct func *f, int64_t a, int64_t b) {
    return a == b || !f->module || (a < f->module->global_imports && b < f->module->global_imports);
}

static void note_global_set(struct avail *a, const struct func *f, const struct inst *i) {
    struct avail_entry set = {
        .op = OP_GLOBAL_GET,
        .type = func_inst(f, i->arg[0])->type,
        .imm = i->imm,
        .value = i->arg[0],
    };
    for (uint32_t k = a->len; k-- > 0;) {
        if (a->entry[k].op == OP_GLOBAL_GET && may_be_same_global(f, a->entry[k].imm, set.imm)) {
            forget(a, k);
        }
    }
    add(a, &set);
}

bool avail_note(struct avail *a, const struct func *f, value_t v) {
    const struct inst *i = func_inst(f, v);
    if (i->op == OP_STORE) {
        note_store(a, f, i);
    } else if (i->op == OP_GLOBAL_SET) {
        note_global_set(a, f, i);
    } else if (is_read(i)) {
        struct avail_entry e = entry_of_read(f, i);
        e.value = v;
        add(a, &e);
    } else {
        effects_t written = effects_written(i);
        if (written == 0) {
            return false;
        }
        avail_kill(a, f, written);
    }
    return true;
}

void avail_kill(struct avail *a, const struct func *f, effects_t written) {
    for (uint32_t k = a->len; k-- > 0;) {
        struct inst read = {.op = a->entry[k].op, .imm = a->entry[k].imm};
        if ((effects_read(f, &read) & written) != 0) {
            forget(a, k);
        }
    }
}

void avail_intersect(struct avail *a, const struct avail *b) {
    for (uint32_t k = a->len; k-- > 0;) {
        bool found = false;
        for (uint32_t j = 0; j < b->len && !found; j++) {
            found =
                same_place(&a->entry[k], &b->entry[j]) && a->entry[k].value == b->entry[j].value;
        }
        if (!found) {
            forget(a, k);
        }
    }
}
