/*
 * Addresses from addresses: an access beside an earlier one uses that one's address and a distance.
 *
 * Needs: nothing; best after gvn. Gives: of accesses to root + c1, root + c2, ..., the ones that another
 * dominates use its ADDR, with the difference in the offset. Breaks: nothing; leaves dead ADDRs.
 *
 * WebAssembly adds indices modulo 2^32, so base + (x + d) is base + x + d only when x + d does not wrap.
 * Two things make it so. No memory is larger than LIMIT_MEMORY_PAGES, less than 4 GiB by more than MAX_DISTANCE:
 * an access at x that did not trap shows that x + d stays below 2^32. And below every memory lies a
 * guard: where x + d is negative, the access traps, as it would at 2^32 + x + d, past any memory. That
 * holds for offset 0 alone, since an offset could bring the sum back up into the memory.
 */
#include "wasm/ir/analysis.h"
#include "wasm/limits.h"
#include "wasm/opt/opt.h"
#include "wasm/opt/value.h"

enum {
    MIN_DISTANCE = IR_MIN_OFFSET,
    MAX_DISTANCE = 2047, /* what an access has room for */
    MAX_LOOKS = 8,       /* addresses of one root that are tried */
};

_Static_assert(((uint64_t)65536 - LIMIT_MEMORY_PAGES) * 65536 > MAX_DISTANCE,
               "an address in a memory plus a distance does not wrap");

/* An address that has been accessed. */
struct accessed {
    value_t addr;
    uint32_t distance; /* from the root */
    uint32_t memory;
    block_id_t block; /* where */
    uint32_t next;    /* of the same root, older; 0: none */
};

struct addresses {
    struct func *f;
    uint32_t *newest; /* by root */
    VEC(struct accessed) accessed;
};

/* An ADDR's index is root + distance. */
static value_t root_of(const struct func *f, value_t addr, uint32_t *distance_out) {
    value_t index = func_resolve(f, func_inst(f, addr)->arg[0]);
    const struct inst *sum = func_inst(f, index);
    int64_t c;
    *distance_out = 0;
    if (sum->op == OP_ADD && value_const(f, func_resolve(f, sum->arg[1]), &c)) {
        *distance_out = (uint32_t)c;
        return func_resolve(f, sum->arg[0]);
    }
    return index;
}

static bool can_use(const struct func *f, const struct accessed *a, uint32_t distance,
                    const struct inst *access) {
    int64_t d = (int32_t)(distance - a->distance);
    int64_t offset = access->imm + d;
    return a->memory == access->aux && offset >= MIN_DISTANCE && offset <= MAX_DISTANCE &&
           (d >= 0 || access->imm == 0) && block_dominates(f, a->block, access->block);
}

static void visit(struct addresses *s, value_t v) {
    struct func *f = s->f;
    struct inst *access = func_inst(f, v);
    value_t addr = func_resolve(f, access->arg[0]);
    if (func_inst(f, addr)->op != OP_ADDR || access->imm < 0) {
        return;
    }
    uint32_t distance;
    value_t root = root_of(f, addr, &distance);
    uint32_t at = s->newest[root];
    for (uint32_t looks = 0; at != 0 && looks < MAX_LOOKS; looks++) {
        const struct accessed *a = &s->accessed.at[at];
        if (can_use(f, a, distance, access)) {
            access->arg[0] = a->addr;
            access->imm += (int32_t)(distance - a->distance);
            return;
        }
        at = a->next;
    }
    struct accessed made = {addr, distance, access->aux, access->block, s->newest[root]};
    s->newest[root] = s->accessed.len;
    vec_push(f->arena, &s->accessed, made);
}

void address_run(struct func *f) {
    struct addresses s = {.f = f, .newest = arena_array(f->arena, uint32_t, f->insts.len)};
    vec_resize(f->arena, &s.accessed, 1);
    analysis_run(f);
    const block_id_t *order = analysis_dom_order(f);
    for (uint32_t n = 0; n < f->order.len; n++) {
        for (value_t v = f->blocks.at[order[n]].first; v; v = func_inst(f, v)->next) {
            if (func_inst(f, v)->op == OP_LOAD || func_inst(f, v)->op == OP_STORE) {
                visit(&s, v);
            }
        }
    }
}
