/*
 * Validation of function bodies and constant expressions: the algorithm of core 3.0, appendix
 * "Validation Algorithm", over the whole type system. The stacks are in validator.h.
 *
 * An instruction that its signature describes is done by check_shape() from tables; the others have
 * a function each, chosen by one switch in check_rare(), but for those on structures and arrays,
 * which are in aggregate.c. There is no recursion.
 */
#include "wasm/module/validator.h"

#include "wasm/limits.h"

/* ---- indices */

static const struct func_decl *func_at(struct validator *v, uint32_t index) {
    if (index >= v->m->func_count) {
        validator_unknown(v, "function", index);
        return NULL;
    }
    return &v->m->funcs[index];
}

static const struct table_decl *table_at(struct validator *v, uint32_t index) {
    if (index >= v->m->table_count) {
        validator_unknown(v, "table", index);
        return NULL;
    }
    return &v->m->tables[index];
}

static const struct memory_decl *memory_at(struct validator *v, uint32_t index) {
    if (index >= v->m->memory_count) {
        validator_unknown(v, "memory", index);
        return NULL;
    }
    return &v->m->memories[index];
}

static valtype_t address_type(struct limits limits) {
    return limits.is_64 ? VALTYPE_I64 : VALTYPE_I32;
}

/* The type of a size that must be good for both. */
static valtype_t size_type(struct limits a, struct limits b) {
    return a.is_64 && b.is_64 ? VALTYPE_I64 : VALTYPE_I32;
}

/* ---- instructions that a signature describes */

static void check_memory(struct validator *v) {
    const struct memory_decl *memory = memory_at(v, v->in.index);
    if (memory) {
        v->address = address_type(memory->limits);
    }
}

static bool check_lane(struct validator *v, uint32_t lanes) {
    if (v->in.mem.lane >= lanes) {
        validator_invalid(v, "invalid lane index");
        return false;
    }
    return true;
}

/* Of the kinds MEM8 to LANE_MEM64. */
static bool check_access(struct validator *v, const struct instr_info *info) {
    const struct memory_decl *memory = memory_at(v, v->in.index);
    if (!memory) {
        return false;
    }
    bool has_lane = info->imm >= IMM_LANE_MEM8;
    unsigned natural_log2 = info->imm - (unsigned)(has_lane ? IMM_LANE_MEM8 : IMM_MEM8);
    unsigned align_log2 = v->in.mem.align_log2;
    if (align_log2 > natural_log2) {
        validator_invalid(v, "alignment must not be larger than natural");
        return false;
    }
    if (align_log2 != natural_log2 && info->feature == WASM_FEATURE_THREADS) {
        validator_invalid(v, "alignment must be natural");
        return false;
    }
    if (v->in.mem.offset > UINT32_MAX && !memory->limits.is_64) {
        validator_invalid(v, "offset out of range");
        return false;
    }
    v->address = address_type(memory->limits);
    return !has_lane || check_lane(v, 16u >> natural_log2);
}

static void check_shuffle(struct validator *v) {
    for (unsigned i = 0; i < 16; i++) {
        if (v->in.bytes[i] >= 32) {
            validator_invalid(v, "invalid lane index");
        }
    }
}

/* Of the other kinds. */
static bool check_immediate(struct validator *v, const struct instr_info *info) {
    switch ((enum imm_kind)info->imm) {
    case IMM_LANE16:
    case IMM_LANE8:
    case IMM_LANE4:
    case IMM_LANE2:
        check_lane(v, 16u >> (info->imm - IMM_LANE16));
        break;
    case IMM_SHUFFLE:
        check_shuffle(v);
        break;
    case IMM_MEMORY:
        check_memory(v);
        break;
    case IMM_MEMORY_INIT:
        check_memory(v);
        validator_check_data(v, v->in.index2);
        break;
    case IMM_DATA:
        validator_check_data(v, v->in.index);
        break;
    case IMM_ELEM:
        validator_elem(v, v->in.index);
        break;
    default:
        break;
    }
    return validator_ok(v);
}

/* The type of one kind in a signature. */
static inline valtype_t kind_type(const struct validator *v, uint8_t kind) {
    return kind == SIG_KIND_ADDRESS ? v->address : kind;
}

/* Whether the operands are there with exactly the types of the signature: nearly always. */
static inline bool has_operands(const struct validator *v, const struct instr_shape *shape) {
    const struct validator_stacks *s = v->s;
    unsigned count = shape->param_count;
    if (s->operands.len - v->floor < count) {
        return false;
    }
    const valtype_t *params = s->operands.at + (s->operands.len - count);
    return (count < 1 || params[0] == kind_type(v, shape->params[0])) &&
           (count < 2 || params[1] == kind_type(v, shape->params[1])) &&
           (count < 3 || params[2] == kind_type(v, shape->params[2]));
}

static bool check_shape(struct validator *v, const struct instr_info *info) {
    if (info->imm >= IMM_MEM8 && info->imm <= IMM_LANE_MEM64) {
        if (!check_access(v, info)) {
            return false;
        }
    } else if (info->imm != IMM_NONE && info->imm != IMM_I32 && !check_immediate(v, info)) {
        return false;
    }
    const struct instr_shape *shape = &instr_shapes[info->sig];
    if (has_operands(v, shape)) {
        v->s->operands.len -= shape->param_count;
    } else {
        for (unsigned i = shape->param_count; i > 0; i--) {
            validator_expect(v, kind_type(v, shape->params[i - 1]));
        }
        if (!validator_ok(v)) {
            return false;
        }
    }
    return shape->result == SIG_KIND_NONE || validator_push(v, kind_type(v, shape->result));
}

/* ---- control instructions */

/* Its parameters or its result from the type of the block; false and an error. */
static bool set_frame_type(struct validator *v, struct frame *frame) {
    const struct block_type *type = &v->in.block;
    if (type->has_index) {
        load_need(v->ld, WASM_FEATURE_MULTI_VALUE, v->in.offset, "block with a function type");
        frame->type = load_func_type(v->ld, type->index, v->in.offset);
    } else {
        frame->has_result = true;
        frame->result = load_resolve(v->ld, type->result, v->in.offset);
    }
    return validator_ok(v);
}

static void check_block(struct validator *v) {
    if (v->in.op == INSTR_IF) {
        validator_expect(v, VALTYPE_I32);
    }
    struct frame frame = {.op = v->in.op};
    bool has_type = v->in.block.has_index || v->in.block.has_result;
    if (!has_type || set_frame_type(v, &frame)) {
        validator_pop_list(v, frame_params(&frame));
        validator_push_frame(v, &frame);
    }
}

static void check_else(struct validator *v) {
    if (validator_top(v)->op != INSTR_IF) {
        validator_invalid(v, "else does not follow an if");
        return;
    }
    struct frame frame = *validator_pop_frame(v);
    frame.op = INSTR_ELSE;
    frame.is_unreachable = false;
    validator_push_frame(v, &frame);
}

static void check_end(struct validator *v) {
    if (validator_top(v)->op == INSTR_IF) {
        check_else(v); /* a missing else hands the parameters on */
    }
    if (!validator_ok(v)) {
        return;
    }
    const struct frame *frame = validator_pop_frame(v);
    if (!v->is_done) {
        validator_push_list(v, frame_results(frame));
    }
}

static void check_br(struct validator *v) {
    const struct frame *target = validator_label(v, v->in.index);
    if (target) {
        validator_pop_list(v, frame_label(target));
        validator_set_unreachable(v);
    }
}

static void check_br_if(struct validator *v) {
    validator_expect(v, VALTYPE_I32);
    const struct frame *target = validator_label(v, v->in.index);
    if (target) {
        validator_pop_list(v, frame_label(target));
        validator_push_list(v, frame_label(target));
    }
}

/* Checks the operands against a label without taking them: the i-th from the top, or VAL_BOTTOM. */
static void match_label(struct validator *v, struct type_list list) {
    uint32_t there = v->s->operands.len - v->floor;
    validator_poll(v, list.len);
    if (there < list.len && !v->is_unreachable) {
        validator_invalid(v, "type mismatch: operand stack is empty");
        return;
    }
    for (uint32_t i = 0; i < list.len && i < there; i++) {
        valtype_t found = v->s->operands.at[v->s->operands.len - 1 - i];
        valtype_t expected = list.at[list.len - 1 - i];
        if (found != expected && !types_is_sub(v->m->types, found, expected)) {
            validator_mismatch(v, expected, found);
            return;
        }
    }
}

static void check_br_table(struct validator *v) {
    validator_expect(v, VALTYPE_I32);
    struct reader list = v->in.list;
    uint32_t arity = 0;
    for (uint32_t i = 0; i <= v->in.count && validator_ok(v); i++) {
        struct frame *target = validator_label(v, reader_leb_u32(&list));
        if (!target || target->checked_by == v->in.offset) {
            continue; /* each label once: tables are long and repeat themselves */
        }
        target->checked_by = v->in.offset;
        struct type_list types = frame_label(target);
        if (i > 0 && types.len != arity) {
            validator_invalid(v, "type mismatch: labels of different arity");
        }
        arity = types.len;
        match_label(v, types);
    }
    if (validator_ok(v)) {
        validator_set_unreachable(v);
    }
}

static void check_return(struct validator *v) {
    validator_pop_list(v, frame_results(&v->s->frames.at[0]));
    validator_set_unreachable(v);
}

static void call_type(struct validator *v, const struct type_def *type) {
    validator_pop_list(v, (struct type_list){type->params, type->param_count});
    validator_push_list(v, (struct type_list){type->results, type->result_count});
}

/* A call whose results are the caller's. */
static void tail_call_type(struct validator *v, const struct type_def *type) {
    struct type_list wanted = frame_results(&v->s->frames.at[0]);
    validator_pop_list(v, (struct type_list){type->params, type->param_count});
    validator_poll(v, wanted.len);
    if (type->result_count != wanted.len) {
        validator_invalid(v, "type mismatch: results of the callee and the caller");
        return;
    }
    for (uint32_t i = 0; i < wanted.len; i++) {
        if (!types_is_sub(v->m->types, type->results[i], wanted.at[i])) {
            validator_mismatch(v, wanted.at[i], type->results[i]);
        }
    }
    validator_set_unreachable(v);
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
        validator_mismatch(v, VALTYPE_FUNCREF, table->elem);
        return;
    }
    validator_expect(v, address_type(table->limits));
    apply_call(v, type, is_tail);
}

static void check_call_ref(struct validator *v, bool is_tail) {
    const struct type_def *type = load_func_type(v->ld, v->in.index, v->in.offset);
    if (type) {
        type_id_t id = v->m->type_ids[v->in.index];
        validator_expect(v, VALTYPE_REF(HEAP_CONCRETE + id, true));
        apply_call(v, type, is_tail);
    }
}

/* ---- parametric instructions and variables */

static bool is_numeric(valtype_t type) {
    return !valtype_is_ref(type);
}

static void check_select(struct validator *v) {
    validator_expect(v, VALTYPE_I32);
    valtype_t a = validator_pop(v), b = validator_pop(v);
    if (!is_numeric(a) || !is_numeric(b)) {
        validator_invalid(v, "type mismatch: select of references needs a type");
    } else if (a != b && a != VAL_BOTTOM && b != VAL_BOTTOM) {
        validator_mismatch(v, b, a);
    }
    validator_push(v, a == VAL_BOTTOM ? b : a);
}

static void check_select_typed(struct validator *v) {
    if (v->in.count != 1) {
        validator_invalid(v, "invalid result arity");
        return;
    }
    valtype_t type = load_resolve(v->ld, v->in.type, v->in.offset);
    validator_expect(v, VALTYPE_I32);
    validator_expect(v, type);
    validator_expect(v, type);
    validator_push(v, type);
}

/* The type of the local at in.index, by binary search for its run. */
__attribute__((noinline)) static valtype_t far_local_type(const struct validator *v) {
    const struct local_run *runs = v->s->runs.at;
    uint32_t low = 0, high = v->s->runs.len - 1;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (runs[middle].end > v->in.index) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return runs[low].type;
}

/* The local's type, or VAL_BOTTOM and an error. */
static valtype_t local_type(struct validator *v) {
    if (v->in.index >= v->s->local_count) {
        validator_unknown(v, "local", v->in.index);
        return VAL_BOTTOM;
    }
    return v->in.index < NEAR_LOCALS ? v->s->near_locals[v->in.index] : far_local_type(v);
}

static bool is_set(const struct validator *v) {
    return v->s->is_set.len == 0 || v->s->is_set.at[v->in.index];
}

static bool check_any_local_get(struct validator *v) {
    valtype_t type = local_type(v);
    if (validator_ok(v) && !is_set(v)) {
        validator_invalid(v, "uninitialized local %u", v->in.index);
    }
    validator_push(v, type);
    return validator_ok(v);
}

static inline bool check_local_get(struct validator *v) {
    if (v->in.index < v->set_locals) {
        return validator_push(v, v->s->near_locals[v->in.index]);
    }
    return check_any_local_get(v);
}

static bool check_any_local_set(struct validator *v, bool is_tee) {
    valtype_t type = local_type(v);
    if (!validator_ok(v)) {
        return false;
    }
    validator_expect(v, type);
    if (!is_set(v)) {
        v->s->is_set.at[v->in.index] = 1;
        vec_push(&v->ld->scratch, &v->s->set_in_body, v->in.index);
    }
    if (is_tee) {
        validator_push(v, type);
    }
    return validator_ok(v);
}

static inline bool check_local_set(struct validator *v, bool is_tee) {
    if (v->in.index >= v->set_locals) {
        return check_any_local_set(v, is_tee);
    }
    valtype_t type = v->s->near_locals[v->in.index];
    return validator_expect(v, type) && (!is_tee || validator_push(v, type));
}

static const struct global_decl *global_at(struct validator *v) {
    if (v->in.index >= v->m->global_count) {
        validator_unknown(v, "global", v->in.index);
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
        validator_invalid(v, "constant expression required: global %u is mutable", v->in.index);
    }
    if (v->is_const && v->in.index >= v->m->global_imports) {
        load_need(v->ld, WASM_FEATURE_EXTENDED_CONST, v->in.offset,
                  "global.get of a defined global");
    }
    validator_push(v, global->type);
}

static void check_global_set(struct validator *v) {
    const struct global_decl *global = global_at(v);
    if (!global) {
        return;
    }
    if (!global->is_mutable) {
        validator_invalid(v, "immutable global %u", v->in.index);
    }
    validator_expect(v, global->type);
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
        validator_expect(v, address);
        validator_push(v, table->elem);
        break;
    case INSTR_TABLE_SET:
        validator_expect(v, table->elem);
        validator_expect(v, address);
        break;
    case INSTR_TABLE_SIZE:
        validator_push(v, address);
        break;
    case INSTR_TABLE_GROW:
        validator_expect(v, address);
        validator_expect(v, table->elem);
        validator_push(v, address);
        break;
    default: /* INSTR_TABLE_FILL */
        validator_expect(v, address);
        validator_expect(v, table->elem);
        validator_expect(v, address);
    }
}

static void check_table_init(struct validator *v) {
    const struct table_decl *table = table_at(v, v->in.index);
    const struct elem_segment *elem = table ? validator_elem(v, v->in.index2) : NULL;
    if (!elem) {
        return;
    }
    if (!types_is_sub(v->m->types, elem->type, table->elem)) {
        validator_mismatch(v, table->elem, elem->type);
    }
    validator_expect(v, VALTYPE_I32);
    validator_expect(v, VALTYPE_I32);
    validator_expect(v, address_type(table->limits));
}

static void check_table_copy(struct validator *v) {
    const struct table_decl *to = table_at(v, v->in.index);
    const struct table_decl *from = to ? table_at(v, v->in.index2) : NULL;
    if (!from) {
        return;
    }
    if (!types_is_sub(v->m->types, from->elem, to->elem)) {
        validator_mismatch(v, to->elem, from->elem);
    }
    validator_expect(v, size_type(to->limits, from->limits));
    validator_expect(v, address_type(from->limits));
    validator_expect(v, address_type(to->limits));
}

static void check_memory_copy(struct validator *v) {
    const struct memory_decl *to = memory_at(v, v->in.index);
    const struct memory_decl *from = to ? memory_at(v, v->in.index2) : NULL;
    if (from) {
        validator_expect(v, size_type(to->limits, from->limits));
        validator_expect(v, address_type(from->limits));
        validator_expect(v, address_type(to->limits));
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
        validator_invalid(v, "undeclared function reference %u", v->in.index);
    }
    validator_push(v, VALTYPE_REF(HEAP_CONCRETE + func->type, false));
}

static void check_br_on_null(struct validator *v) {
    valtype_t ref = validator_pop_ref(v);
    const struct frame *target = validator_label(v, v->in.index);
    if (target) {
        validator_pop_list(v, frame_label(target));
        validator_push_list(v, frame_label(target));
        validator_push(v, validator_non_null(ref));
    }
}

static void check_br_on_non_null(struct validator *v) {
    valtype_t ref = validator_pop_ref(v);
    struct type_list rest;
    if (validator_label_takes(v, v->in.index, validator_non_null(ref), &rest)) {
        validator_pop_list(v, rest);
        validator_push_list(v, rest);
    }
}

/* ---- exceptions */

static const struct type_def *tag_type(struct validator *v, uint32_t index) {
    if (index >= v->m->tag_count) {
        validator_unknown(v, "tag", index);
        return NULL;
    }
    return types_get(v->m->types, v->m->tags[index].type);
}

static void check_throw(struct validator *v) {
    const struct type_def *type = tag_type(v, v->in.index);
    if (type) {
        validator_pop_list(v, (struct type_list){type->params, type->param_count});
        validator_set_unreachable(v);
    }
}

/* The label must take the tag's parameters, then the exception where it is caught as one. */
static void check_catch(struct validator *v, struct catch_clause clause) {
    bool has_tag = clause.kind == CATCH || clause.kind == CATCH_REF;
    bool has_ref = clause.kind == CATCH_REF || clause.kind == CATCH_ALL_REF;
    const struct type_def *type = has_tag ? tag_type(v, clause.tag) : NULL;
    const struct frame *target = validator_label(v, clause.label);
    if (!validator_ok(v)) {
        return;
    }
    struct type_list wanted = frame_label(target);
    validator_poll(v, wanted.len);
    if (has_ref) {
        valtype_t exception = VALTYPE_REF(HEAP_EXN, false);
        if (!validator_label_takes(v, clause.label, exception, &wanted)) {
            return;
        }
    }
    if (wanted.len != (type ? type->param_count : 0)) {
        validator_invalid(v, "type mismatch: the label does not take what is caught");
        return;
    }
    for (uint32_t i = 0; i < wanted.len; i++) {
        if (!types_is_sub(v->m->types, type->params[i], wanted.at[i])) {
            validator_mismatch(v, wanted.at[i], type->params[i]);
        }
    }
}

static void check_try_table(struct validator *v) {
    struct reader list = v->in.list;
    for (uint32_t i = 0; i < v->in.count && validator_ok(v); i++) {
        check_catch(v, instr_read_catch(&list));
    }
    check_block(v);
}

/* ---- one instruction */

static void check_rare(struct validator *v) {
    switch (v->in.op) {
    case INSTR_UNREACHABLE:
        validator_set_unreachable(v);
        break;
    case INSTR_LOOP:
    case INSTR_IF:
        check_block(v);
        break;
    case INSTR_ELSE:
        check_else(v);
        break;
    case INSTR_BR:
        check_br(v);
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
        validator_pop(v);
        break;
    case INSTR_SELECT:
        check_select(v);
        break;
    case INSTR_SELECT_T:
        check_select_typed(v);
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
        validator_push(v, load_resolve(v->ld, v->in.type, v->in.offset));
        break;
    case INSTR_REF_IS_NULL:
        validator_pop_ref(v);
        validator_push(v, VALTYPE_I32);
        break;
    case INSTR_REF_FUNC:
        check_ref_func(v);
        break;
    case INSTR_REF_AS_NON_NULL:
        validator_push(v, validator_non_null(validator_pop_ref(v)));
        break;
    case INSTR_BR_ON_NULL:
        check_br_on_null(v);
        break;
    case INSTR_BR_ON_NON_NULL:
        check_br_on_non_null(v);
        break;
    case INSTR_THROW:
        check_throw(v);
        break;
    case INSTR_THROW_REF:
        validator_expect(v, VALTYPE_REF(HEAP_EXN, true));
        validator_set_unreachable(v);
        break;
    case INSTR_TRY_TABLE:
        check_try_table(v);
        break;
    default:
        aggregate_check(v);
    }
}

/* By comparisons: those that programs are made of, which are quicker found so than in a table. */
static bool check_special(struct validator *v) {
    enum instr_op op = v->in.op;
    if (op == INSTR_LOCAL_GET) {
        return check_local_get(v);
    }
    if (op == INSTR_LOCAL_SET || op == INSTR_LOCAL_TEE) {
        return check_local_set(v, op == INSTR_LOCAL_TEE);
    }
    if (op == INSTR_BR_IF) {
        check_br_if(v);
    } else if (op == INSTR_END) {
        check_end(v);
    } else if (op == INSTR_BLOCK) {
        check_block(v);
    } else {
        check_rare(v);
    }
    return !v->is_done && validator_ok(v);
}

/* Core 3.0, 3.4.13, without what check_rare() refuses anyway. */
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

/* Features from the first on that are enabled; all of those together. */
static uint8_t count_free(wasm_features_t features) {
    uint8_t count = 0;
    while (count < WASM_FEATURE_COUNT && wasm_features_has(features, (enum wasm_feature)count)) {
        count++;
    }
    return count;
}

/* Whether the instruction may stand here at all. */
static bool check_gate(struct validator *v, const struct instr_info *info) {
    if (!load_need(v->ld, (enum wasm_feature)info->feature, v->in.offset, info->text)) {
        return false;
    }
    if (v->is_const && !is_constant(v->in.op)) {
        validator_invalid(v, "constant expression required");
        return false;
    }
    return true;
}

/* Runs to the `end` of the frame that is on the stack. */
static void run(struct validator *v) {
    bool goes_on = true;
    while (goes_on) {
        const struct instr_info *info = instr_read(&v->r, &v->in);
        if (!info) {
            load_check_reader(v->ld, &v->r);
            return;
        }
        if (info->feature >= v->free && !check_gate(v, info)) {
            return;
        }
        goes_on = info->sig == SIG_SPECIAL ? check_special(v) : check_shape(v, info);
    }
}

static struct validator start(struct loader *ld, bool is_const) {
    struct validator v = {.ld = ld, .error = ld->error, .m = ld->m, .s = &ld->stacks};
    v.is_const = is_const;
    v.free = is_const ? 0 : count_free(ld->features);
    v.r = ld->r;
    v.in.op = INSTR_BLOCK;
    v.in.offset = (uint32_t)reader_offset(&ld->r);
    vec_clear(&v.s->operands);
    vec_clear(&v.s->frames);
    v.s->local_count = 0;
    vec_clear(&v.s->runs);
    vec_clear(&v.s->is_set);
    vec_clear(&v.s->set_in_body);
    return v;
}

/* ---- the two entries */

static bool has_default(valtype_t type) {
    return !valtype_is_ref(type) || valtype_is_nullable(type);
}

/* From the first local without a default on it is kept for each whether it has a value; parameters
 * have one. */
static void add_is_set(struct validator *v, uint32_t count, bool has_value) {
    struct validator_stacks *s = v->s;
    bool is_first = s->is_set.len == 0;
    if (is_first && has_value) {
        return;
    }
    vec_resize(&v->ld->scratch, &s->is_set, s->local_count + count);
    if (is_first) {
        memset(s->is_set.at, 1, s->local_count);
    }
    memset(s->is_set.at + s->local_count, has_value, count);
}

static void add_locals(struct validator *v, uint32_t count, valtype_t type, bool is_param) {
    struct validator_stacks *s = v->s;
    if (count == 0) {
        return;
    }
    add_is_set(v, count, is_param || has_default(type));
    for (uint32_t i = s->local_count; i < s->local_count + count && i < NEAR_LOCALS; i++) {
        s->near_locals[i] = type;
    }
    s->local_count += count;
    struct local_run added = {s->local_count, type};
    vec_push(&v->ld->scratch, &s->runs, added);
}

/* More than 32 bits can count is malformed (core 3.0, 5.5.13), not just above our limit. */
static bool locals_overflow(struct reader r, uint32_t groups) {
    uint64_t total = 0;
    for (uint32_t i = 0; i < groups && reader_ok(&r); i++) {
        total += reader_leb_u32(&r);
        (void)instr_read_valtype(&r);
    }
    return reader_ok(&r) && total > UINT32_MAX;
}

static void read_locals(struct validator *v) {
    uint32_t groups = reader_leb_u32(&v->r);
    if (locals_overflow(v->r, groups)) {
        load_fail(v->ld, STATUS_BAD_FORMAT, reader_offset(&v->r), "too many locals");
    }
    for (uint32_t i = 0; i < groups && reader_ok(&v->r) && validator_ok(v); i++) {
        size_t offset = reader_offset(&v->r);
        uint32_t count = reader_leb_u32(&v->r);
        valtype_t type = load_valtype(v->ld, &v->r);
        if (count > LIMIT_LOCALS - v->s->local_count) {
            load_fail(v->ld, STATUS_LIMIT, offset, "too many locals: the limit is %u",
                      LIMIT_LOCALS);
        } else {
            add_locals(v, count, type, false);
        }
    }
    load_check_reader(v->ld, &v->r);
    uint32_t near = v->s->local_count < NEAR_LOCALS ? v->s->local_count : NEAR_LOCALS;
    v->set_locals = v->s->is_set.len == 0 ? near : 0;
}

void validate_body(struct loader *ld, uint32_t func) {
    const struct type_def *type = module_func_type(ld->m, func);
    struct validator v = start(ld, false);
    for (uint32_t i = 0; i < type->param_count; i++) {
        add_locals(&v, 1, type->params[i], true);
    }
    read_locals(&v);
    if (!validator_ok(&v)) {
        return;
    }
    /* The body is a block without parameters: they are locals. */
    struct frame body = {.op = INSTR_BLOCK, .type = type};
    vec_push(&ld->scratch, &v.s->frames, body);
    run(&v);
    if (validator_ok(&v) && reader_left(&v.r) > 0) {
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
    struct frame frame = {.op = INSTR_BLOCK, .has_result = true, .result = type};
    validator_push_frame(&v, &frame);
    run(&v);
    expr.size = (uint32_t)(v.r.at - ld->r.at);
    ld->r = v.r;
    return expr;
}
