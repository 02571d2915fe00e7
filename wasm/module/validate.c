/*
 * Validation of function bodies and constant expressions: the algorithm of core 3.0, appendix
 * "Validation Algorithm", over the whole type system.
 *
 * Two stacks and no recursion. The operand stack holds types; the control stack a frame for each
 * open block, which remembers the height of the operand stack at its start. After an instruction
 * that does not fall through the rest of the block is unreachable: pops below the height then give
 * VAL_BOTTOM.
 *
 * An instruction that its signature describes is done by check_shape() from tables; the others have
 * a function each, chosen by one switch in check_special().
 */
#include "wasm/module/internal.h"

#include "wasm/limits.h"

#include <assert.h>
#include <string.h>

struct type_list {
    const valtype_t *at;
    uint32_t len;
};

struct frame {
    enum instr_op op; /* BLOCK, LOOP, IF, ELSE; BLOCK for the body itself */
    bool is_unreachable;
    const struct type_def *type; /* or NULL: no parameters and */
    bool has_result;             /* at most one result */
    valtype_t result;
    uint32_t height;     /* of the operand stack */
    uint32_t set_height; /* of set_in_body */
    uint32_t checked_by; /* offset of the br_table that has seen it already */
};

struct validator {
    struct loader *ld;
    struct module *m;
    struct validator_stacks *s;
    struct reader r;
    struct instr in;
    uint32_t floor;      /* height of the innermost frame */
    bool is_unreachable; /* of the innermost frame */
    bool is_const;       /* a constant expression */
};

/* ---- errors */

__attribute__((format(printf, 2, 3), cold)) static void invalid(struct validator *v,
                                                                const char *format, ...) {
    char text[96];
    va_list args;
    va_start(args, format);
    fmt_vtext(text, sizeof(text), format, args);
    va_end(args);
    v->ld->instr = instr_info(&v->in)->text;
    load_fail(v->ld, STATUS_INVALID, v->in.offset, "%s", text);
}

__attribute__((cold)) static void mismatch(struct validator *v, valtype_t expected,
                                           valtype_t found) {
    char a[32], b[32];
    invalid(v, "type mismatch: expected %s, found %s", types_name(expected, a, sizeof(a)),
            types_name(found, b, sizeof(b)));
}

static bool ok(const struct validator *v) {
    return load_ok(v->ld);
}

static void unknown(struct validator *v, const char *what, uint32_t index) {
    invalid(v, "unknown %s %u", what, index);
}

/* ---- operand stack */

/* The limit is looked at where the stack grows. */
__attribute__((noinline)) static void push_growing(struct validator *v, valtype_t type) {
    if (v->s->operands.len >= LIMIT_OPERAND_DEPTH) {
        load_fail(v->ld, STATUS_LIMIT, v->in.offset, "too many operands: the limit is %u",
                  LIMIT_OPERAND_DEPTH);
        return;
    }
    vec_push(&v->ld->scratch, &v->s->operands, type);
}

static inline void push(struct validator *v, valtype_t type) {
    struct validator_stacks *s = v->s;
    if (s->operands.len == s->operands.cap) {
        push_growing(v, type);
    } else {
        s->operands.at[s->operands.len++] = type;
    }
}

static valtype_t pop(struct validator *v) {
    if (v->s->operands.len > v->floor) {
        return vec_pop(&v->s->operands);
    }
    if (!v->is_unreachable) {
        invalid(v, "type mismatch: operand stack is empty");
    }
    return VAL_BOTTOM;
}

__attribute__((noinline)) static void pop_subtype(struct validator *v, valtype_t expected) {
    valtype_t found = pop(v);
    if (found != expected && !types_is_sub(v->m->types, found, expected)) {
        mismatch(v, expected, found);
    }
}

static inline void pop_expect(struct validator *v, valtype_t expected) {
    struct validator_stacks *s = v->s;
    if (s->operands.len > v->floor && s->operands.at[s->operands.len - 1] == expected) {
        s->operands.len--;
    } else {
        pop_subtype(v, expected);
    }
}

/* A reference of any type, or VAL_BOTTOM. */
static valtype_t pop_ref(struct validator *v) {
    valtype_t found = pop(v);
    if (found != VAL_BOTTOM && !valtype_is_ref(found)) {
        char name[32];
        invalid(v, "type mismatch: expected a reference, found %s",
                types_name(found, name, sizeof(name)));
    }
    return found;
}

static void push_list(struct validator *v, struct type_list list) {
    for (uint32_t i = 0; i < list.len; i++) {
        push(v, list.at[i]);
    }
}

static void pop_list(struct validator *v, struct type_list list) {
    for (uint32_t i = list.len; i > 0 && ok(v); i--) {
        pop_expect(v, list.at[i - 1]);
    }
}

/* ---- control stack */

static struct frame *top(struct validator *v) {
    return &vec_last(&v->s->frames);
}

static struct type_list params_of(const struct frame *frame) {
    if (frame->type) {
        return (struct type_list){frame->type->params, frame->type->param_count};
    }
    return (struct type_list){NULL, 0};
}

/* Good until a frame is pushed. */
static struct type_list results_of(const struct frame *frame) {
    if (frame->type) {
        return (struct type_list){frame->type->results, frame->type->result_count};
    }
    return (struct type_list){&frame->result, frame->has_result ? 1 : 0};
}

/* What a branch to the frame takes along. */
static struct type_list label_of(const struct frame *frame) {
    return frame->op == INSTR_LOOP ? params_of(frame) : results_of(frame);
}

/* The frame's parameters are pushed as the first operands in it. */
static void push_frame(struct validator *v, struct frame frame) {
    if (v->s->frames.len >= LIMIT_CONTROL_DEPTH) {
        load_fail(v->ld, STATUS_LIMIT, v->in.offset, "blocks nested too deep: the limit is %u",
                  LIMIT_CONTROL_DEPTH);
        return;
    }
    frame.height = v->s->operands.len;
    frame.set_height = v->s->set_in_body.len;
    vec_push(&v->ld->scratch, &v->s->frames, frame);
    v->floor = frame.height;
    v->is_unreachable = false;
    push_list(v, params_of(top(v)));
}

/* Locals that the ending block gave a value have none again, if they need one. */
static void unset_locals(struct validator *v, uint32_t set_height) {
    while (v->s->set_in_body.len > set_height) {
        uint32_t local = vec_pop(&v->s->set_in_body);
        v->s->is_set.at[local] = 0;
    }
}

/* Checks that exactly the results are there; they are gone after. The frame's contents are copied,
 * its list is not. */
static struct frame pop_frame(struct validator *v) {
    struct frame frame = *top(v);
    pop_list(v, results_of(&frame));
    if (ok(v) && v->s->operands.len != v->floor) {
        invalid(v, "type mismatch: values remaining on stack at end of block");
    }
    unset_locals(v, frame.set_height);
    (void)vec_pop(&v->s->frames);
    if (v->s->frames.len > 0) {
        v->floor = top(v)->height;
        v->is_unreachable = top(v)->is_unreachable;
    }
    return frame;
}

static void set_unreachable(struct validator *v) {
    v->s->operands.len = v->floor;
    v->is_unreachable = true;
    top(v)->is_unreachable = true;
}

/* The frame of a relative depth, or NULL and an error. */
static struct frame *label(struct validator *v, uint32_t depth) {
    if (depth >= v->s->frames.len) {
        unknown(v, "label", depth);
        return NULL;
    }
    return &v->s->frames.at[v->s->frames.len - 1 - depth];
}

/* ---- indices */

static const struct func_decl *func_at(struct validator *v, uint32_t index) {
    if (index >= v->m->func_count) {
        unknown(v, "function", index);
        return NULL;
    }
    return &v->m->funcs[index];
}

static const struct table_decl *table_at(struct validator *v, uint32_t index) {
    if (index >= v->m->table_count) {
        unknown(v, "table", index);
        return NULL;
    }
    return &v->m->tables[index];
}

static const struct memory_decl *memory_at(struct validator *v, uint32_t index) {
    if (index >= v->m->memory_count) {
        unknown(v, "memory", index);
        return NULL;
    }
    return &v->m->memories[index];
}

static const struct elem_segment *elem_at(struct validator *v, uint32_t index) {
    if (index >= v->m->elem_count) {
        unknown(v, "elem segment", index);
        return NULL;
    }
    return &v->m->elems[index];
}

static void check_data(struct validator *v, uint32_t index) {
    if (!v->ld->has_data_count) {
        load_fail(v->ld, STATUS_BAD_FORMAT, v->in.offset, "data count section required");
    } else if (index >= v->m->data_count) {
        unknown(v, "data segment", index);
    }
}

static valtype_t address_type(struct limits limits) {
    return limits.is_64 ? VALTYPE_I64 : VALTYPE_I32;
}

/* The type of a size that must be good for both. */
static valtype_t size_type(struct limits a, struct limits b) {
    return a.is_64 && b.is_64 ? VALTYPE_I64 : VALTYPE_I32;
}

/* ---- instructions that a signature describes */

static void check_memarg(struct validator *v, uint32_t natural_log2) {
    const struct memory_decl *memory = memory_at(v, v->in.index);
    if (!memory) {
        return;
    }
    uint32_t align = v->in.mem.align_log2;
    bool is_atomic = instr_info(&v->in)->feature == WASM_FEATURE_THREADS;
    if (align > natural_log2) {
        invalid(v, "alignment must not be larger than natural");
    } else if (is_atomic && align != natural_log2) {
        invalid(v, "alignment must be natural");
    }
    if (!memory->limits.is_64 && v->in.mem.offset > UINT32_MAX) {
        invalid(v, "offset out of range");
    }
}

static void check_lane(struct validator *v, uint32_t lanes) {
    if (v->in.mem.lane >= lanes) {
        invalid(v, "invalid lane index");
    }
}

static void check_shuffle(struct validator *v) {
    for (unsigned i = 0; i < 16; i++) {
        if (v->in.bytes[i] >= 32) {
            invalid(v, "invalid lane index");
        }
    }
}

static void check_immediate(struct validator *v, enum imm_kind imm) {
    switch (imm) {
    case IMM_MEM8:
    case IMM_MEM16:
    case IMM_MEM32:
    case IMM_MEM64:
    case IMM_MEM128:
        check_memarg(v, (uint32_t)(imm - IMM_MEM8));
        break;
    case IMM_LANE_MEM8:
    case IMM_LANE_MEM16:
    case IMM_LANE_MEM32:
    case IMM_LANE_MEM64:
        check_memarg(v, (uint32_t)(imm - IMM_LANE_MEM8));
        check_lane(v, 16u >> (imm - IMM_LANE_MEM8));
        break;
    case IMM_LANE16:
    case IMM_LANE8:
    case IMM_LANE4:
    case IMM_LANE2:
        check_lane(v, 16u >> (imm - IMM_LANE16));
        break;
    case IMM_SHUFFLE:
        check_shuffle(v);
        break;
    case IMM_MEMORY:
        memory_at(v, v->in.index);
        break;
    case IMM_MEMORY_INIT:
        memory_at(v, v->in.index);
        check_data(v, v->in.index2);
        break;
    case IMM_DATA:
        check_data(v, v->in.index);
        break;
    case IMM_ELEM:
        elem_at(v, v->in.index);
        break;
    default:
        break;
    }
}

/* The type of one kind in a signature. */
static valtype_t kind_type(const struct validator *v, uint8_t kind) {
    if (kind == SIG_KIND_ADDRESS) {
        return address_type(v->m->memories[v->in.index].limits);
    }
    return kind;
}

static void check_shape(struct validator *v, const struct instr_info *info) {
    if (info->imm != IMM_NONE) {
        check_immediate(v, (enum imm_kind)info->imm);
        if (!ok(v)) {
            return;
        }
    }
    const struct instr_shape *shape = &instr_shapes[info->sig];
    for (unsigned i = shape->param_count; i > 0; i--) {
        pop_expect(v, kind_type(v, shape->params[i - 1]));
    }
    if (shape->result != SIG_KIND_NONE) {
        push(v, kind_type(v, shape->result));
    }
}

/* ---- control instructions */

/* The frame of a block by its type; false and an error. */
static bool make_frame(struct validator *v, struct frame *frame) {
    const struct block_type *type = &v->in.block;
    *frame = (struct frame){.op = v->in.op};
    if (type->has_index) {
        load_need(v->ld, WASM_FEATURE_MULTI_VALUE, v->in.offset, "block with a function type");
        frame->type = load_func_type(v->ld, type->index, v->in.offset);
    } else if (type->has_result) {
        frame->has_result = true;
        frame->result = load_resolve(v->ld, type->result, v->in.offset);
    }
    return ok(v);
}

static void check_block(struct validator *v) {
    if (v->in.op == INSTR_IF) {
        pop_expect(v, VALTYPE_I32);
    }
    struct frame frame;
    if (make_frame(v, &frame)) {
        pop_list(v, params_of(&frame));
        push_frame(v, frame);
    }
}

static void check_else(struct validator *v) {
    if (top(v)->op != INSTR_IF) {
        invalid(v, "else does not follow an if");
        return;
    }
    struct frame frame = pop_frame(v);
    frame.op = INSTR_ELSE;
    frame.is_unreachable = false;
    push_frame(v, frame);
}

static void check_end(struct validator *v) {
    if (top(v)->op == INSTR_IF) {
        check_else(v); /* a missing else hands the parameters on */
    }
    if (!ok(v)) {
        return;
    }
    struct frame frame = pop_frame(v);
    if (v->s->frames.len > 0) {
        push_list(v, results_of(&frame));
    }
}

static void check_br(struct validator *v) {
    const struct frame *target = label(v, v->in.index);
    if (target) {
        pop_list(v, label_of(target));
        set_unreachable(v);
    }
}

static void check_br_if(struct validator *v) {
    pop_expect(v, VALTYPE_I32);
    const struct frame *target = label(v, v->in.index);
    if (target) {
        pop_list(v, label_of(target));
        push_list(v, label_of(target));
    }
}

/* Checks the operands against a label without taking them: the i-th from the top, or VAL_BOTTOM. */
static void match_label(struct validator *v, struct type_list list) {
    uint32_t there = v->s->operands.len - v->floor;
    if (there < list.len && !v->is_unreachable) {
        invalid(v, "type mismatch: operand stack is empty");
        return;
    }
    for (uint32_t i = 0; i < list.len && i < there; i++) {
        valtype_t found = v->s->operands.at[v->s->operands.len - 1 - i];
        valtype_t expected = list.at[list.len - 1 - i];
        if (found != expected && !types_is_sub(v->m->types, found, expected)) {
            mismatch(v, expected, found);
            return;
        }
    }
}

static void check_br_table(struct validator *v) {
    pop_expect(v, VALTYPE_I32);
    struct reader list = v->in.list;
    uint32_t arity = 0;
    for (uint32_t i = 0; i <= v->in.count && ok(v); i++) {
        struct frame *target = label(v, reader_leb_u32(&list));
        if (!target || target->checked_by == v->in.offset) {
            continue; /* each label once: tables are long and repeat themselves */
        }
        target->checked_by = v->in.offset;
        target->checked_by = v->in.offset;
        struct type_list types = label_of(target);
        if (i > 0 && types.len != arity) {
            invalid(v, "type mismatch: labels of different arity");
        }
        arity = types.len;
        match_label(v, types);
    }
    if (ok(v)) {
        set_unreachable(v);
    }
}

static void check_return(struct validator *v) {
    pop_list(v, results_of(&v->s->frames.at[0]));
    set_unreachable(v);
}

static void call_type(struct validator *v, const struct type_def *type) {
    pop_list(v, (struct type_list){type->params, type->param_count});
    push_list(v, (struct type_list){type->results, type->result_count});
}

/* A call whose results are the caller's. */
static void tail_call_type(struct validator *v, const struct type_def *type) {
    struct type_list wanted = results_of(&v->s->frames.at[0]);
    pop_list(v, (struct type_list){type->params, type->param_count});
    if (type->result_count != wanted.len) {
        invalid(v, "type mismatch: results of the callee and the caller");
        return;
    }
    for (uint32_t i = 0; i < wanted.len; i++) {
        if (!types_is_sub(v->m->types, type->results[i], wanted.at[i])) {
            mismatch(v, wanted.at[i], type->results[i]);
        }
    }
    set_unreachable(v);
}

static void apply_call(struct validator *v, const struct type_def *type, bool is_tail) {
    if (is_tail) {
        tail_call_type(v, type);
    } else {
        call_type(v, type);
    }
}

static void check_call(struct validator *v, bool is_tail) {
    const struct func_decl *func = func_at(v, v->in.index);
    if (func) {
        apply_call(v, types_get(v->m->types, func->type), is_tail);
    }
}

static void check_call_indirect(struct validator *v, bool is_tail) {
    const struct table_decl *table = table_at(v, v->in.index2);
    const struct type_def *type = table ? load_func_type(v->ld, v->in.index, v->in.offset) : NULL;
    if (!type) {
        return;
    }
    if (!types_is_sub(v->m->types, table->elem, VALTYPE_FUNCREF)) {
        mismatch(v, VALTYPE_FUNCREF, table->elem);
        return;
    }
    pop_expect(v, address_type(table->limits));
    apply_call(v, type, is_tail);
}

static void check_call_ref(struct validator *v, bool is_tail) {
    const struct type_def *type = load_func_type(v->ld, v->in.index, v->in.offset);
    if (type) {
        type_id_t id = v->m->type_ids[v->in.index];
        pop_expect(v, VALTYPE_REF(HEAP_CONCRETE + id, true));
        apply_call(v, type, is_tail);
    }
}

/* ---- parametric instructions and variables */

static bool is_numeric(valtype_t type) {
    return !valtype_is_ref(type);
}

static void check_select(struct validator *v) {
    pop_expect(v, VALTYPE_I32);
    valtype_t a = pop(v), b = pop(v);
    if (!is_numeric(a) || !is_numeric(b)) {
        invalid(v, "type mismatch: select of references needs a type");
    } else if (a != b && a != VAL_BOTTOM && b != VAL_BOTTOM) {
        mismatch(v, b, a);
    }
    push(v, a == VAL_BOTTOM ? b : a);
}

static void check_select_typed(struct validator *v) {
    if (v->in.count != 1) {
        invalid(v, "invalid result arity");
        return;
    }
    valtype_t type = load_resolve(v->ld, v->in.type, v->in.offset);
    pop_expect(v, VALTYPE_I32);
    pop_expect(v, type);
    pop_expect(v, type);
    push(v, type);
}

/* The local's type, or VAL_BOTTOM and an error. */
static valtype_t local_type(struct validator *v) {
    if (v->in.index >= v->s->locals.len) {
        unknown(v, "local", v->in.index);
        return VAL_BOTTOM;
    }
    return v->s->locals.at[v->in.index];
}

static void check_local_get(struct validator *v) {
    valtype_t type = local_type(v);
    if (ok(v) && !v->s->is_set.at[v->in.index]) {
        invalid(v, "uninitialized local %u", v->in.index);
    }
    push(v, type);
}

static void check_local_set(struct validator *v, bool is_tee) {
    valtype_t type = local_type(v);
    if (!ok(v)) {
        return;
    }
    pop_expect(v, type);
    if (!v->s->is_set.at[v->in.index]) {
        v->s->is_set.at[v->in.index] = 1;
        vec_push(&v->ld->scratch, &v->s->set_in_body, v->in.index);
    }
    if (is_tee) {
        push(v, type);
    }
}

static const struct global_decl *global_at(struct validator *v) {
    if (v->in.index >= v->m->global_count) {
        unknown(v, "global", v->in.index);
        return NULL;
    }
    return &v->m->globals[v->in.index];
}

static void check_global_get(struct validator *v) {
    const struct global_decl *global = global_at(v);
    if (!global) {
        return;
    }
    if (v->is_const && global->is_mutable) {
        invalid(v, "constant expression required: global %u is mutable", v->in.index);
    }
    if (v->is_const && v->in.index >= v->m->global_imports) {
        load_need(v->ld, WASM_FEATURE_EXTENDED_CONST, v->in.offset,
                  "global.get of a defined global");
    }
    push(v, global->type);
}

static void check_global_set(struct validator *v) {
    const struct global_decl *global = global_at(v);
    if (!global) {
        return;
    }
    if (!global->is_mutable) {
        invalid(v, "immutable global %u", v->in.index);
    }
    pop_expect(v, global->type);
}

/* ---- tables and memories with operands of their own types */

static void check_table_access(struct validator *v) {
    const struct table_decl *table = table_at(v, v->in.index);
    if (!table) {
        return;
    }
    valtype_t address = address_type(table->limits);
    switch (v->in.op) {
    case INSTR_TABLE_GET:
        pop_expect(v, address);
        push(v, table->elem);
        break;
    case INSTR_TABLE_SET:
        pop_expect(v, table->elem);
        pop_expect(v, address);
        break;
    case INSTR_TABLE_SIZE:
        push(v, address);
        break;
    case INSTR_TABLE_GROW:
        pop_expect(v, address);
        pop_expect(v, table->elem);
        push(v, address);
        break;
    default: /* INSTR_TABLE_FILL */
        pop_expect(v, address);
        pop_expect(v, table->elem);
        pop_expect(v, address);
    }
}

static void check_table_init(struct validator *v) {
    const struct table_decl *table = table_at(v, v->in.index);
    const struct elem_segment *elem = table ? elem_at(v, v->in.index2) : NULL;
    if (!elem) {
        return;
    }
    if (!types_is_sub(v->m->types, elem->type, table->elem)) {
        mismatch(v, table->elem, elem->type);
    }
    pop_expect(v, VALTYPE_I32);
    pop_expect(v, VALTYPE_I32);
    pop_expect(v, address_type(table->limits));
}

static void check_table_copy(struct validator *v) {
    const struct table_decl *to = table_at(v, v->in.index);
    const struct table_decl *from = to ? table_at(v, v->in.index2) : NULL;
    if (!from) {
        return;
    }
    if (!types_is_sub(v->m->types, from->elem, to->elem)) {
        mismatch(v, to->elem, from->elem);
    }
    pop_expect(v, size_type(to->limits, from->limits));
    pop_expect(v, address_type(from->limits));
    pop_expect(v, address_type(to->limits));
}

static void check_memory_copy(struct validator *v) {
    const struct memory_decl *to = memory_at(v, v->in.index);
    const struct memory_decl *from = to ? memory_at(v, v->in.index2) : NULL;
    if (from) {
        pop_expect(v, size_type(to->limits, from->limits));
        pop_expect(v, address_type(from->limits));
        pop_expect(v, address_type(to->limits));
    }
}

/* ---- references */

static void check_ref_func(struct validator *v) {
    if (!func_at(v, v->in.index)) {
        return;
    }
    struct func_decl *func = &v->m->funcs[v->in.index];
    if (v->is_const) {
        func->is_escaping = true; /* which declares it (core 3.0, 3.4.1: C.refs) */
    } else if (!func->is_escaping) {
        invalid(v, "undeclared function reference %u", v->in.index);
    }
    push(v, VALTYPE_REF(HEAP_CONCRETE + func->type, false));
}

/* The same reference, known not to be null. */
static valtype_t non_null(valtype_t ref) {
    return ref == VAL_BOTTOM ? VALTYPE_REF(HEAP_BOTTOM, false) : ref & ~VALTYPE_NULLABLE;
}

static void check_br_on_null(struct validator *v) {
    valtype_t ref = pop_ref(v);
    const struct frame *target = label(v, v->in.index);
    if (target) {
        pop_list(v, label_of(target));
        push_list(v, label_of(target));
        push(v, non_null(ref));
    }
}

static void check_br_on_non_null(struct validator *v) {
    valtype_t ref = pop_ref(v);
    const struct frame *target = label(v, v->in.index);
    if (!target) {
        return;
    }
    struct type_list types = label_of(target);
    if (types.len == 0 || !types_is_sub(v->m->types, non_null(ref), types.at[types.len - 1])) {
        invalid(v, "type mismatch: the label does not take the reference");
        return;
    }
    types.len--;
    pop_list(v, types);
    push_list(v, types);
}

/* ---- one instruction */

static void check_special(struct validator *v) {
    switch (v->in.op) {
    case INSTR_UNREACHABLE:
        set_unreachable(v);
        break;
    case INSTR_BLOCK:
    case INSTR_LOOP:
    case INSTR_IF:
        check_block(v);
        break;
    case INSTR_ELSE:
        check_else(v);
        break;
    case INSTR_END:
        check_end(v);
        break;
    case INSTR_BR:
        check_br(v);
        break;
    case INSTR_BR_IF:
        check_br_if(v);
        break;
    case INSTR_BR_TABLE:
        check_br_table(v);
        break;
    case INSTR_RETURN:
        check_return(v);
        break;
    case INSTR_CALL:
    case INSTR_RETURN_CALL:
        check_call(v, v->in.op == INSTR_RETURN_CALL);
        break;
    case INSTR_CALL_INDIRECT:
    case INSTR_RETURN_CALL_INDIRECT:
        check_call_indirect(v, v->in.op == INSTR_RETURN_CALL_INDIRECT);
        break;
    case INSTR_CALL_REF:
    case INSTR_RETURN_CALL_REF:
        check_call_ref(v, v->in.op == INSTR_RETURN_CALL_REF);
        break;
    case INSTR_DROP:
        pop(v);
        break;
    case INSTR_SELECT:
        check_select(v);
        break;
    case INSTR_SELECT_T:
        check_select_typed(v);
        break;
    case INSTR_LOCAL_GET:
        check_local_get(v);
        break;
    case INSTR_LOCAL_SET:
    case INSTR_LOCAL_TEE:
        check_local_set(v, v->in.op == INSTR_LOCAL_TEE);
        break;
    case INSTR_GLOBAL_GET:
        check_global_get(v);
        break;
    case INSTR_GLOBAL_SET:
        check_global_set(v);
        break;
    case INSTR_TABLE_GET:
    case INSTR_TABLE_SET:
    case INSTR_TABLE_SIZE:
    case INSTR_TABLE_GROW:
    case INSTR_TABLE_FILL:
        check_table_access(v);
        break;
    case INSTR_TABLE_INIT:
        check_table_init(v);
        break;
    case INSTR_TABLE_COPY:
        check_table_copy(v);
        break;
    case INSTR_MEMORY_COPY:
        check_memory_copy(v);
        break;
    case INSTR_REF_NULL:
        push(v, load_resolve(v->ld, v->in.type, v->in.offset));
        break;
    case INSTR_REF_IS_NULL:
        pop_ref(v);
        push(v, VALTYPE_I32);
        break;
    case INSTR_REF_FUNC:
        check_ref_func(v);
        break;
    case INSTR_REF_AS_NON_NULL:
        push(v, non_null(pop_ref(v)));
        break;
    case INSTR_BR_ON_NULL:
        check_br_on_null(v);
        break;
    case INSTR_BR_ON_NON_NULL:
        check_br_on_non_null(v);
        break;
    default:
        /* Rows whose feature has no rules yet: refused whatever is enabled. */
        v->ld->features &= ~((wasm_features_t)1 << instr_info(&v->in)->feature);
        load_need(v->ld, (enum wasm_feature)instr_info(&v->in)->feature, v->in.offset,
                  instr_info(&v->in)->text);
    }
}

/* Core 3.0, 3.4.13, without what the switch above refuses anyway. */
static bool is_constant(enum instr_op op) {
    switch (op) {
    case INSTR_I32_CONST:
    case INSTR_I64_CONST:
    case INSTR_F32_CONST:
    case INSTR_F64_CONST:
    case INSTR_V128_CONST:
    case INSTR_REF_NULL:
    case INSTR_REF_FUNC:
    case INSTR_GLOBAL_GET:
    case INSTR_END:
    case INSTR_I32_ADD:
    case INSTR_I32_SUB:
    case INSTR_I32_MUL:
    case INSTR_I64_ADD:
    case INSTR_I64_SUB:
    case INSTR_I64_MUL:
    case INSTR_STRUCT_NEW:
    case INSTR_STRUCT_NEW_DEFAULT:
    case INSTR_ARRAY_NEW:
    case INSTR_ARRAY_NEW_DEFAULT:
    case INSTR_ARRAY_NEW_FIXED:
    case INSTR_REF_I31:
    case INSTR_ANY_CONVERT_EXTERN:
    case INSTR_EXTERN_CONVERT_ANY:
        return true;
    default:
        return false;
    }
}

static void check_instr(struct validator *v) {
    const struct instr_info *info = instr_info(&v->in);
    if (!wasm_features_has(v->ld->features, (enum wasm_feature)info->feature)) {
        load_need(v->ld, (enum wasm_feature)info->feature, v->in.offset, info->text);
        return;
    }
    if (v->is_const && !is_constant(v->in.op)) {
        invalid(v, "constant expression required");
        return;
    }
    if (info->sig == SIG_SPECIAL) {
        check_special(v);
    } else {
        check_shape(v, info);
    }
}

/* Runs to the `end` of the frame that is on the stack. */
static void run(struct validator *v) {
    while (v->s->frames.len > 0 && ok(v)) {
        if (!instr_read(&v->r, &v->in)) {
            load_check_reader(v->ld, &v->r);
            return;
        }
        check_instr(v);
    }
}

static struct validator start(struct loader *ld, bool is_const) {
    struct validator v = {.ld = ld, .m = ld->m, .s = &ld->stacks, .is_const = is_const};
    v.r = ld->r;
    v.in.op = INSTR_BLOCK;
    v.in.offset = (uint32_t)reader_offset(&ld->r);
    vec_clear(&v.s->operands);
    vec_clear(&v.s->frames);
    vec_clear(&v.s->locals);
    vec_clear(&v.s->is_set);
    vec_clear(&v.s->set_in_body);
    return v;
}

/* ---- the two entries */

/* Parameters have a value; so has every other local whose type has a default. */
static void add_locals(struct validator *v, uint32_t count, valtype_t type, bool is_param) {
    bool is_set = is_param || !valtype_is_ref(type) || valtype_is_nullable(type);
    uint32_t first = v->s->locals.len;
    vec_resize(&v->ld->scratch, &v->s->locals, first + count);
    vec_resize(&v->ld->scratch, &v->s->is_set, first + count);
    for (uint32_t i = first; i < first + count; i++) {
        v->s->locals.at[i] = type;
        v->s->is_set.at[i] = is_set;
    }
}

static void read_locals(struct validator *v) {
    uint32_t groups = reader_leb_u32(&v->r);
    for (uint32_t i = 0; i < groups && reader_ok(&v->r) && ok(v); i++) {
        size_t offset = reader_offset(&v->r);
        uint32_t count = reader_leb_u32(&v->r);
        valtype_t type = load_valtype(v->ld, &v->r);
        if (count > LIMIT_LOCALS - v->s->locals.len) {
            load_fail(v->ld, STATUS_LIMIT, offset, "too many locals: the limit is %u",
                      LIMIT_LOCALS);
        } else {
            add_locals(v, count, type, false);
        }
    }
    load_check_reader(v->ld, &v->r);
}

void validate_body(struct loader *ld, uint32_t func) {
    const struct type_def *type = module_func_type(ld->m, func);
    struct validator v = start(ld, false);
    for (uint32_t i = 0; i < type->param_count; i++) {
        add_locals(&v, 1, type->params[i], true);
    }
    read_locals(&v);
    if (!ok(&v)) {
        return;
    }
    /* The body is a block without parameters: they are locals. */
    struct frame body = {.op = INSTR_BLOCK, .type = type};
    vec_push(&ld->scratch, &v.s->frames, body);
    run(&v);
    if (ok(&v) && reader_left(&v.r) > 0) {
        load_fail(ld, STATUS_BAD_FORMAT, reader_offset(&v.r),
                  "section size mismatch: code after the end of the function");
    }
}

struct const_expr validate_const(struct loader *ld, valtype_t type) {
    struct const_expr expr = {ld->r.at, 0};
    if (!load_ok(ld)) {
        return expr;
    }
    struct validator v = start(ld, true);
    push_frame(&v, (struct frame){.op = INSTR_BLOCK, .has_result = true, .result = type});
    run(&v);
    expr.size = (uint32_t)(v.r.at - ld->r.at);
    ld->r = v.r;
    return expr;
}
