/*
 * Selection of memory accesses, and of what lies in the instance area.
 *
 * A memory is reserved whole: 4 GiB, and MEMORY_GUARD behind it. So base + zero-extended index +
 * an offset below MEMORY_GUARD needs no check. Offsets up to 2047 stand in the access. For a larger one its
 * upper part makes a page: base plus a constant, made once and out of loops, to which the index
 * is then added instead of to the base, by as many instructions. What every access may take for its base
 * is written down once more, independently, in sandbox.c.
 */
#include "wasm/codegen/riscv64/select.h"

#include <assert.h>

#define MEMORY_GUARD ((uint64_t)2 << 30)
/* Offsets from here on are checked; an access at the end of the last page must stay in the guard. */
#define OFFSET_CHECKED (MEMORY_GUARD - 8192)

struct access_ops {
    uint16_t load_i32, load_i64, store;
    uint8_t size;
};
static const struct access_ops accesses[ACCESS_COUNT] = {
    [ACCESS_8U] = {RV_LBU, RV_LBU, RV_SB, 1},   [ACCESS_8S] = {RV_LB, RV_LB, RV_SB, 1},
    [ACCESS_16U] = {RV_LHU, RV_LHU, RV_SH, 2},  [ACCESS_16S] = {RV_LH, RV_LH, RV_SH, 2},
    [ACCESS_32U] = {RV_LW, RV_LWU, RV_SW, 4},   [ACCESS_32S] = {RV_LW, RV_LW, RV_SW, 4},
    [ACCESS_64] = {RV_LD, RV_LD, RV_SD, 8},     [ACCESS_F32] = {RV_FLW, RV_FLW, RV_FSW, 4},
    [ACCESS_F64] = {RV_FLD, RV_FLD, RV_FSD, 8},
};

static bool is_imported_memory(const struct select *s) {
    return s->f->module != NULL && s->f->module->memory_imports != 0;
}

/* ---- addresses ----------------------------------------------------------------------------- */

/* rd = base + zero-extended index. */
static void add_index(struct select *s, vreg_t rd, value_t index, struct source base) {
    if (select_has(s, FEATURE_ZBA)) {
        const struct inst *shl = select_fold(s, index, OP_SHL);
        int64_t k;
        if (shl != NULL && select_is_const(s, shl->arg[1], &k) && k >= 1 && k <= 3 &&
            select_bound(s, shl->arg[0], 4) <= (uint64_t)INT32_MAX >> k) {
            static const uint16_t ops[] = {RV_SH1ADD_UW, RV_SH2ADD_UW, RV_SH3ADD_UW};
            select_put2(s, (enum rv_op)ops[k - 1], rd, select_reg(s, shl->arg[0]), base, 0);
            return;
        }
        select_put2(s, RV_ADD_UW, rd, select_low(s, index), base, 0);
        return;
    }
    struct source high = select_make1(s, RV_SLLI, select_low(s, index), 32);
    select_put2(s, RV_ADD, rd, select_make1(s, RV_SRLI, high, 32), base, 0);
}

static struct source page(struct select *s, uint32_t page_number) {
    return source_vreg(select_constant(s, RV_PAGE, page_number));
}

/* The ADDR itself: what loads and stores asked for on the way here. */
void select_addr(struct select *s, value_t v) {
    value_t index = select_inst(s, v)->arg[0];
    assert(select_inst(s, v)->aux == 0); /* one memory: the validator sees to it */
    if (s->vreg[v] != 0) {
        add_index(s, s->vreg[v], index, source_pin(ABI_REG_MEMORY));
    }
    for (uint32_t i = s->page_head[v]; i != 0; i = s->page_addrs.at[i].next) {
        add_index(s, s->page_addrs.at[i].vreg, index, page(s, s->page_addrs.at[i].page));
    }
}

#define PAGE_TRIES 16u /* pages of one index that are looked at for the one that is wanted */

static struct source page_addr(struct select *s, value_t addr, uint32_t page_number) {
    uint32_t tries = 0;
    for (uint32_t i = s->page_head[addr]; i != 0 && tries < PAGE_TRIES;
         i = s->page_addrs.at[i].next, tries++) {
        if (s->page_addrs.at[i].page == page_number) {
            return source_vreg(s->page_addrs.at[i].vreg);
        }
    }
    struct page_addr made = {.addr = addr,
                             .page = page_number,
                             .vreg = select_new(s, REG_INT),
                             .next = s->page_head[addr]};
    s->page_head[addr] = s->page_addrs.len;
    vec_push(s->arena, &s->page_addrs, made);
    return source_vreg(made.vreg);
}

struct address {
    struct source base;
    int64_t offset; /* 12 bits */
};

/* An address that cannot be reached without a check, with its check. */
static struct address checked_address(struct select *s, value_t addr, uint64_t offset,
                                      uint32_t size) {
    vreg_t rd = select_new(s, REG_INT);
    int64_t imm = checked_pack(offset, is_imported_memory(s), size, s->layout->memories[0]);
    struct minst *put = select_put1(s, RV_CHECKED_ADDR, rd, select_reg(s, addr), imm);
    put->trap = TRAP_MEMORY_BOUNDS;
    return (struct address){source_vreg(rd), 0};
}

/* A constant address: from the base, or from a page. */
static struct address fixed_address(struct select *s, uint64_t at) {
    if (at < 2048) {
        return (struct address){source_pin(ABI_REG_MEMORY), (int64_t)at};
    }
    return (struct address){page(s, (uint32_t)encode_hi((int64_t)at)), encode_lo((int64_t)at)};
}

static struct address address_of(struct select *s, value_t addr, int64_t signed_offset,
                                 uint32_t size) {
    const struct inst *inst = select_inst(s, addr);
    uint64_t offset = (uint64_t)signed_offset;
    int64_t c;
    if (signed_offset < 0) { /* at least IR_MIN_OFFSET */
        return (struct address){select_reg(s, addr), signed_offset};
    }
    if (offset >= OFFSET_CHECKED) {
        return checked_address(s, addr, offset, size);
    }
    if (inst->op == OP_ADDR && select_is_const(s, inst->arg[0], &c) &&
        (uint32_t)c + offset < OFFSET_CHECKED) {
        return fixed_address(s, (uint32_t)c + offset);
    }
    if (offset < 2048) {
        return (struct address){select_reg(s, addr), (int64_t)offset};
    }
    uint32_t page_number = (uint32_t)encode_hi((int64_t)offset);
    int64_t low = encode_lo((int64_t)offset);
    if (inst->op == OP_ADDR) {
        return (struct address){page_addr(s, addr, page_number), low};
    }
    struct source high = select_li(s, (int64_t)page_number << 12);
    return (struct address){select_make2(s, RV_ADD, select_reg(s, addr), high), low};
}

/* ---- accesses ------------------------------------------------------------------------------ */

void select_load(struct select *s, value_t v, vreg_t rd) {
    const struct inst *inst = select_inst(s, v);
    const struct access_ops *access = &accesses[inst->sub];
    struct address a = address_of(s, inst->arg[0], inst->imm, access->size);
    bool wide = select_is_wide(inst->type) || (s->facts[v] & FACT_ZERO_LOAD) != 0;
    uint32_t op = wide ? access->load_i64 : access->load_i32;
    if ((s->facts[v] & FACT_ZERO_LOAD) != 0) {
        op = RV_LWU;
    }
    struct minst *put = select_put1(s, (enum rv_op)op, rd, a.base, a.offset);
    put->flags |= MINST_MEMORY;
    put->trap = TRAP_MEMORY_BOUNDS;
}

void select_store(struct select *s, value_t v) {
    const struct inst *inst = select_inst(s, v);
    const struct access_ops *access = &accesses[inst->sub];
    bool whole = inst->sub == ACCESS_64 || inst->sub == ACCESS_F32 || inst->sub == ACCESS_F64;
    struct address a = address_of(s, inst->arg[0], inst->imm, access->size);
    struct source value = whole ? select_reg(s, inst->arg[1]) : select_low(s, inst->arg[1]);
    struct minst *put = select_put2(s, (enum rv_op)access->store, 0, a.base, value, a.offset);
    put->flags |= MINST_MEMORY;
    put->trap = TRAP_MEMORY_BOUNDS;
}

/* ---- the instance area --------------------------------------------------------------------- */

static struct source instance(void) {
    return source_pin(ABI_REG_INSTANCE);
}

/* rd = 8 bytes at `offset` of the instance area. */
static struct source load_instance(struct select *s, uint32_t offset) {
    return select_make1(s, RV_LD, instance(), offset);
}

static void memory_size(struct select *s, value_t v, vreg_t rd) {
    uint32_t at = s->layout->memories[select_inst(s, v)->aux];
    struct source bytes;
    if (is_imported_memory(s)) {
        bytes = select_make1(s, RV_LD, load_instance(s, at), offsetof(struct memory_area, size));
    } else {
        bytes = load_instance(s, at + (uint32_t)offsetof(struct memory_area, size));
    }
    select_put1(s, RV_SRLI, rd, bytes, 16);
}

struct global_place {
    struct source base;
    uint32_t offset;
};
static struct global_place global_place(struct select *s, int64_t index) {
    const struct module *m = s->f->module;
    uint32_t at = s->layout->globals[index];
    bool is_pointer = m != NULL && index < m->global_imports && m->globals[index].is_mutable;
    if (is_pointer) {
        return (struct global_place){load_instance(s, at), 0};
    }
    return (struct global_place){instance(), at};
}

static void global_get(struct select *s, value_t v, vreg_t rd) {
    const struct inst *inst = select_inst(s, v);
    struct global_place place = global_place(s, inst->imm);
    enum rv_op op = inst->type == IR_I32   ? RV_LW
                    : inst->type == IR_F32 ? RV_FLW
                    : inst->type == IR_F64 ? RV_FLD
                                           : RV_LD;
    select_put1(s, op, rd, place.base, place.offset);
}

static void global_set(struct select *s, value_t v) {
    const struct inst *inst = select_inst(s, v);
    struct global_place place = global_place(s, inst->imm);
    uint8_t type = select_inst(s, inst->arg[0])->type;
    enum rv_op op = type == IR_I32   ? RV_SW
                    : type == IR_F32 ? RV_FSW
                    : type == IR_F64 ? RV_FSD
                                     : RV_SD;
    struct source value =
        type == IR_I32 ? select_low(s, inst->arg[0]) : select_reg(s, inst->arg[0]);
    select_put2(s, op, 0, place.base, value, place.offset);
}

static bool is_imported_table(const struct select *s, uint32_t table) {
    return s->f->module != NULL && table < s->f->module->table_imports;
}

/* A field of a table's area. */
static struct source table_field(struct select *s, uint32_t table, uint32_t field) {
    uint32_t at = s->layout->tables[table];
    if (is_imported_table(s, table)) {
        return select_make1(s, RV_LD, load_instance(s, at), field);
    }
    return load_instance(s, at + field);
}

/* Address of a table's element, checked. */
static struct source table_entry(struct select *s, uint32_t table, value_t index, enum trap trap) {
    struct source len = table_field(s, table, offsetof(struct table_area, len));
    struct source i = select_reg(s, index);
    /* A negative i32 is sign-extended, so that it is above any length. */
    select_trap_branch(s, (struct compare){COND_GEU, i, len}, trap);
    struct source base = table_field(s, table, offsetof(struct table_area, base));
    if (select_has(s, FEATURE_ZBA)) {
        return select_make2(s, RV_SH3ADD, i, base);
    }
    return select_make2(s, RV_ADD, select_make1(s, RV_SLLI, i, 3), base);
}

void select_instance(struct select *s, value_t v, vreg_t rd) {
    const struct inst *inst = select_inst(s, v);
    struct source entry;
    switch (inst->op) {
    case OP_MEMORY_SIZE:
        memory_size(s, v, rd);
        break;
    case OP_GLOBAL_GET:
        global_get(s, v, rd);
        break;
    case OP_GLOBAL_SET:
        global_set(s, v);
        break;
    case OP_TABLE_GET:
        entry = table_entry(s, inst->aux, inst->arg[0], (enum trap)inst->imm);
        select_put1(s, RV_LD, rd, entry, 0);
        break;
    case OP_TABLE_SET:
        entry = table_entry(s, inst->aux, inst->arg[0], TRAP_TABLE_BOUNDS);
        select_put2(s, RV_SD, 0, entry, select_reg(s, inst->arg[1]), 0);
        break;
    case OP_TABLE_SIZE: {
        struct source len = table_field(s, inst->aux, offsetof(struct table_area, len));
        select_put1(s, RV_ADDIW, rd, len, 0);
        break;
    }
    default: {
        uint32_t at = s->layout->records[inst->imm];
        assert(inst->op == OP_REF_FUNC && at != UINT32_MAX);
        select_put1(s, RV_ADDI, rd, instance(), at);
        break;
    }
    }
}
