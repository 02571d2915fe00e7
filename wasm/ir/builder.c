/*
 * Function body -> SSA. See builder.h; core 3.0, 3.4 and 4.4 for what the instructions mean.
 *
 * One pass over the bytes with an operand stack of values and a stack of control frames, both
 * explicit. Locals become values in locals.c. A label's block is made when something first goes
 * there; the values that come along each edge are kept in its frame, and when the block starts they
 * are merged, into phis where they differ. Code that cannot be reached is read and left out.
 *
 * The body is valid, so what the validator checked is asserted at most.
 */
#include "wasm/ir/builder.h"

#include "base/reader.h"
#include "wasm/ir/locals.h"
#include "wasm/module/instr.h"

#include <assert.h>

/* How an instruction lowers when opcodes.def says it all: its last two columns. */
enum how {
    HOW_8U = ACCESS_8U,
    HOW_8S = ACCESS_8S,
    HOW_16U = ACCESS_16U,
    HOW_16S = ACCESS_16S,
    HOW_32U = ACCESS_32U,
    HOW_32S = ACCESS_32S,
    HOW_64 = ACCESS_64,
    HOW_F32 = ACCESS_F32,
    HOW_F64 = ACCESS_F64,
    HOW_PLAIN = ACCESS_COUNT,
    HOW_SWAP
};

struct lowering {
    uint8_t op; /* enum ir_op */
    uint8_t how;
};

static const struct lowering lowerings[INSTR_COUNT] = {
#define INSTR(page, code, name, text, sig, imm, feature, lower, how) {OP_##lower, HOW_##how},
#include "wasm/module/opcodes.def"
#undef INSTR
};

_Static_assert((int)IR_I32 == (int)VAL_I32 && (int)IR_I64 == (int)VAL_I64 &&
                   (int)IR_F32 == (int)VAL_F32 && (int)IR_F64 == (int)VAL_F64,
               "kinds of numbers are types of the IR");

enum frame_kind { FRAME_FUNC, FRAME_BLOCK, FRAME_LOOP, FRAME_IF };

struct frame {
    uint8_t kind;                /* enum frame_kind */
    block_id_t label;            /* where branches to it go; BLOCK_NONE: none so far */
    block_id_t other;            /* of an if until its else: where that will be */
    block_id_t origin;           /* current block when it began */
    block_id_t header;           /* of a loop: the innermost one around it */
    uint32_t height;             /* of the operand stack below its parameters */
    const struct type_def *type; /* or NULL: no parameters, and `result` if that is not bottom */
    valtype_t result;
    value_t *params;     /* of an if: for its else */
    VEC(value_t) values; /* that came along each edge to the label, edge by edge */
};

struct builder {
    struct func *f;
    const struct module *module;
    struct arena *arena;
    struct reader reader;
    uint32_t base; /* the body's offset in the module */
    uint32_t pos;  /* of the present instruction in the module */
    struct locals locals;
    VEC(value_t) stack;
    VEC(struct frame) frames;
    block_id_t block;
    block_id_t header; /* of the innermost loop around the present place, or BLOCK_NONE */
    bool is_live;      /* whether the present place can be reached */
    uint32_t skipped;  /* constructs that began since it cannot */
};

static enum ir_type type_of(valtype_t type) {
    enum val_kind kind = valtype_kind(type);
    assert((kind >= VAL_I32 && kind <= VAL_F64) || kind == VAL_REF);
    return kind == VAL_REF ? IR_REF : (enum ir_type)kind;
}

/* ---- emitting */

static value_t emit(struct builder *b, enum ir_op op, enum ir_type type, uint32_t argc) {
    return func_append_inst(b->f, b->block, op, type, argc, b->pos);
}

static struct inst *emit_inst(struct builder *b, enum ir_op op, enum ir_type type, uint32_t argc) {
    return func_inst(b->f, emit(b, op, type, argc));
}

static void push(struct builder *b, value_t v) {
    vec_push(b->arena, &b->stack, v);
}

static value_t pop(struct builder *b) {
    return vec_pop(&b->stack);
}

/* An operation whose arguments are on the stack, first one deepest. */
static value_t emit_popped(struct builder *b, enum ir_op op, enum ir_type type, uint32_t argc) {
    value_t v = emit(b, op, type, argc);
    value_t *args = inst_args(func_inst(b->f, v));
    b->stack.len -= argc;
    for (uint32_t k = 0; k < argc; k++) {
        args[k] = b->stack.at[b->stack.len + k];
    }
    return v;
}

static value_t emit_unary(struct builder *b, enum ir_op op, enum ir_type type, value_t arg) {
    value_t v = emit(b, op, type, 1);
    func_inst(b->f, v)->arg[0] = arg;
    return v;
}

static value_t emit_iconst(struct builder *b, enum ir_type type, int64_t value) {
    value_t v = emit(b, OP_ICONST, type, 0);
    func_inst(b->f, v)->imm = value;
    return v;
}

/* ---- blocks and edges */

/* `origin` dominates it: the block before, or the one where the construct that ends here began. */
static void start_block(struct builder *b, block_id_t block, block_id_t origin) {
    const struct block *node = &b->f->blocks.at[block];
    b->block = block;
    b->is_live = true;
    locals_start(&b->locals, block, node->preds.len == 1 ? node->preds.at[0] : origin, b->header);
}

/* The present block ends here; its edges are to be added in the order of its successors. */
static value_t end_block(struct builder *b, enum ir_op op, uint32_t argc) {
    value_t v = emit(b, op, IR_NONE, argc);
    locals_finish(&b->locals);
    b->is_live = false;
    return v;
}

static uint32_t param_count(const struct frame *fr) {
    return fr->type ? fr->type->param_count : 0;
}

static uint32_t result_count(const struct frame *fr) {
    return fr->type ? fr->type->result_count : fr->result != VAL_BOTTOM;
}

/* How many values a branch to the frame's label takes along, and of which types. */
static uint32_t label_arity(const struct frame *fr) {
    return fr->kind == FRAME_LOOP ? param_count(fr) : result_count(fr);
}

static enum ir_type label_type(const struct frame *fr, uint32_t k) {
    if (fr->kind == FRAME_LOOP) {
        return type_of(fr->type->params[k]);
    }
    return type_of(fr->type ? fr->type->results[k] : fr->result);
}

static struct frame *frame_at(struct builder *b, uint32_t depth) {
    return &b->frames.at[b->frames.len - 1 - depth];
}

/* The next edge of the present block: to the frame's label, with the topmost values. */
static void add_label_edge(struct builder *b, struct frame *fr) {
    if (fr->label == BLOCK_NONE) {
        fr->label = func_add_block(b->f);
    }
    func_add_edge(b->f, b->block, fr->label);
    uint32_t arity = label_arity(fr);
    for (uint32_t k = 0; k < arity; k++) {
        vec_push(b->arena, &fr->values, b->stack.at[b->stack.len - arity + k]);
    }
}

static void jump_to(struct builder *b, struct frame *fr) {
    end_block(b, OP_JUMP, 0);
    add_label_edge(b, fr);
}

static void emit_return(struct builder *b) {
    uint32_t count = b->f->results.len;
    value_t v = end_block(b, OP_RET, count);
    for (uint32_t k = 0; k < count; k++) {
        inst_args(func_inst(b->f, v))[k] = b->stack.at[b->stack.len - count + k];
    }
}

/* The k-th value of a label's block from what came along its edges: a phi, `phi` if that is there
 * already, unless it is always one value. */
static value_t merge_values(struct builder *b, const struct frame *fr, uint32_t k, value_t phi) {
    uint32_t arity = label_arity(fr);
    uint32_t edges = fr->values.len / arity;
    value_t single = 0;
    bool differ = false;
    for (uint32_t e = 0; e < edges; e++) {
        value_t v = func_resolve(b->f, fr->values.at[e * arity + k]);
        differ |= v != phi && single && v != single;
        single = v != phi ? v : single;
    }
    if (!differ) {
        if (phi) {
            func_replace(b->f, phi, single);
        }
        return single;
    }
    if (!phi) {
        phi = emit(b, OP_PHI, label_type(fr, k), edges);
    } else {
        func_set_argc(b->f, phi, edges);
    }
    for (uint32_t e = 0; e < edges; e++) {
        inst_args(func_inst(b->f, phi))[e] = fr->values.at[e * arity + k];
    }
    return phi;
}

/* ---- constructs */

static void push_frame(struct builder *b, enum frame_kind kind, const struct block_type *type) {
    struct frame fr = {
        .kind = (uint8_t)kind,
        .label = BLOCK_NONE,
        .other = BLOCK_NONE,
        .origin = b->block,
        .header = b->header,
        .result = type->has_result ? type->result : VAL_BOTTOM,
    };
    if (type->has_index) {
        fr.type = types_get(b->module->types, b->module->type_ids[type->index]);
    }
    fr.height = b->stack.len - param_count(&fr);
    vec_push(b->arena, &b->frames, fr);
}

static void begin_loop(struct builder *b, const struct block_type *type) {
    push_frame(b, FRAME_LOOP, type);
    struct frame *fr = frame_at(b, 0);
    jump_to(b, fr);
    b->header = fr->label;
    start_block(b, fr->label, fr->origin);
    for (uint32_t k = 0; k < param_count(fr); k++) {
        b->stack.at[fr->height + k] = emit(b, OP_PHI, label_type(fr, k), 0);
    }
    if (param_count(fr) > 0) {
        fr->params =
            arena_copy(b->arena, &b->stack.at[fr->height], param_count(fr) * sizeof(value_t));
    }
}

static void begin_if(struct builder *b, const struct block_type *type) {
    value_t cond = pop(b);
    push_frame(b, FRAME_IF, type);
    struct frame *fr = frame_at(b, 0);
    if (param_count(fr) > 0) {
        fr->params =
            arena_copy(b->arena, &b->stack.at[fr->height], param_count(fr) * sizeof(value_t));
    }
    value_t br = end_block(b, OP_BR, 1);
    func_inst(b->f, br)->arg[0] = cond;
    block_id_t then = func_add_block(b->f);
    fr->other = func_add_block(b->f);
    func_add_edge(b->f, b->block, then);
    func_add_edge(b->f, b->block, fr->other);
    start_block(b, then, fr->origin);
}

static void restore_params(struct builder *b, const struct frame *fr) {
    b->stack.len = fr->height;
    for (uint32_t k = 0; k < param_count(fr); k++) {
        push(b, fr->params[k]);
    }
}

static void begin_else(struct builder *b) {
    struct frame *fr = frame_at(b, 0);
    if (b->is_live) {
        jump_to(b, fr);
    }
    start_block(b, fr->other, fr->origin);
    fr->other = BLOCK_NONE;
    restore_params(b, fr);
}

/* An if that ends without an else: the arm that is not there leaves its parameters as results. */
static void end_lone_if(struct builder *b, struct frame *fr) {
    if (fr->label == BLOCK_NONE) {
        /* Nothing branches out: the place after the if is where the other arm would have been. */
        fr->label = fr->other;
        for (uint32_t k = 0; k < param_count(fr); k++) {
            vec_push(b->arena, &fr->values, fr->params[k]);
        }
    } else {
        if (b->is_live) {
            jump_to(b, fr);
        }
        start_block(b, fr->other, fr->origin);
        restore_params(b, fr);
    }
}

static void end_loop(struct builder *b, struct frame *fr) {
    locals_seal(&b->locals, fr->label);
    b->header = fr->header;
    if (b->is_live) {
        locals_leave_loop(&b->locals, fr->header);
    }
    for (uint32_t k = 0; k < param_count(fr); k++) {
        merge_values(b, fr, k, fr->params[k]);
    }
}

/* Where a construct's end is reached in more than one way, or by branches alone. */
static void start_label(struct builder *b, struct frame *fr) {
    if (b->is_live) {
        jump_to(b, fr);
    }
    if (fr->label == BLOCK_NONE) {
        return;
    }
    start_block(b, fr->label, fr->origin);
    b->stack.len = fr->height;
    for (uint32_t k = 0; k < result_count(fr); k++) {
        push(b, merge_values(b, fr, k, 0));
    }
}

static void end_construct(struct builder *b) {
    struct frame *fr = frame_at(b, 0);
    if (fr->kind == FRAME_LOOP) {
        end_loop(b, fr);
    } else {
        if (fr->other != BLOCK_NONE) {
            end_lone_if(b, fr);
        }
        if (fr->label != BLOCK_NONE) {
            start_label(b, fr);
        }
        if (fr->kind == FRAME_FUNC && b->is_live) {
            emit_return(b);
        }
    }
    b->frames.len--;
}

/* ---- branches */

static void lower_br(struct builder *b, uint32_t depth) {
    struct frame *fr = frame_at(b, depth);
    if (fr->kind == FRAME_FUNC) {
        emit_return(b);
    } else {
        jump_to(b, fr);
    }
}

/* A branch when `cond` is not zero; goes on in a new block. */
static void branch_if(struct builder *b, value_t cond, uint32_t depth) {
    value_t br = end_block(b, OP_BR, 1);
    func_inst(b->f, br)->arg[0] = cond;
    add_label_edge(b, frame_at(b, depth));
    block_id_t next = func_add_block(b->f);
    func_add_edge(b->f, b->block, next);
    start_block(b, next, b->block);
}

static void lower_br_table(struct builder *b, const struct instr *in) {
    value_t index = pop(b);
    value_t v = end_block(b, OP_SWITCH, 1);
    func_inst(b->f, v)->arg[0] = index;
    struct reader list = in->list;
    for (uint32_t k = 0; k <= in->count; k++) {
        add_label_edge(b, frame_at(b, reader_leb_u32(&list)));
    }
}

/* With a null reference goes to the label without it, else on with it; or the other way round. */
static void lower_br_on_null(struct builder *b, const struct instr *in) {
    value_t ref = pop(b);
    value_t cond = emit_unary(b, OP_EQZ, IR_I32, ref);
    if (in->op == INSTR_BR_ON_NULL) {
        branch_if(b, cond, in->index);
        push(b, ref);
        return;
    }
    push(b, ref);
    branch_if(b, emit_unary(b, OP_EQZ, IR_I32, cond), in->index);
    pop(b);
}

/* ---- calls */

static void emit_call(struct builder *b, enum ir_op op, const struct type_def *type, value_t callee,
                      int64_t imm, uint32_t aux) {
    uint32_t extra = callee != 0;
    enum ir_type result = type->result_count > 0 ? type_of(type->results[0]) : IR_NONE;
    value_t call = emit(b, op, result, type->param_count + extra);
    struct inst *i = func_inst(b->f, call);
    i->imm = imm;
    i->aux = aux;
    value_t *args = inst_args(i);
    if (callee) {
        args[0] = callee;
    }
    b->stack.len -= type->param_count;
    for (uint32_t k = 0; k < type->param_count; k++) {
        args[k + extra] = b->stack.at[b->stack.len + k];
    }
    if (result != IR_NONE) {
        push(b, call);
    }
    for (uint32_t k = 1; k < type->result_count; k++) {
        value_t v = emit_unary(b, OP_RESULT, type_of(type->results[k]), call);
        func_inst(b->f, v)->imm = k;
        push(b, v);
    }
}

static void lower_call(struct builder *b, uint32_t func) {
    emit_call(b, OP_CALL, module_func_type(b->module, func), 0, func, 0);
}

static void emit_call_ref(struct builder *b, value_t ref, type_id_t type) {
    value_t checked = emit_unary(b, OP_FUNC_CHECK, IR_REF, ref);
    func_inst(b->f, checked)->aux = type;
    emit_call(b, OP_CALL_REF, types_get(b->module->types, type), checked, 0, type);
}

static value_t emit_table_get(struct builder *b, uint32_t table, enum trap trap) {
    value_t ref = emit_popped(b, OP_TABLE_GET, IR_REF, 1);
    func_inst(b->f, ref)->aux = table;
    func_inst(b->f, ref)->imm = trap;
    return ref;
}

static void lower_call_indirect(struct builder *b, const struct instr *in) {
    value_t ref = emit_table_get(b, in->index2, TRAP_UNDEFINED_ELEMENT);
    emit_call_ref(b, ref, b->module->type_ids[in->index]);
}

static void check_not_null(struct builder *b, value_t ref) {
    struct inst *i =
        func_inst(b->f, emit_unary(b, OP_TRAP_IF, IR_NONE, emit_unary(b, OP_EQZ, IR_I32, ref)));
    i->imm = TRAP_NULL_REFERENCE;
}

static void lower_call_ref(struct builder *b, uint32_t type) {
    value_t ref = pop(b);
    check_not_null(b, ref);
    emit_call_ref(b, ref, b->module->type_ids[type]);
}

/* A helper's call: up to two indices, then `popped` values from the stack. */
static void emit_helper(struct builder *b, enum helper helper, enum ir_type result,
                        uint32_t index_count, const uint32_t *indices, uint32_t popped) {
    value_t args[5];
    assert(index_count + popped <= 5);
    b->stack.len -= popped;
    for (uint32_t k = 0; k < popped; k++) {
        args[index_count + k] = b->stack.at[b->stack.len + k];
    }
    for (uint32_t k = 0; k < index_count; k++) {
        args[k] = emit_iconst(b, IR_I32, (int32_t)indices[k]);
    }
    value_t v = emit(b, OP_HELPER, result, index_count + popped);
    struct inst *i = func_inst(b->f, v);
    i->imm = helper;
    for (uint32_t k = 0; k < i->argc; k++) {
        inst_args(i)[k] = args[k];
    }
    if (result != IR_NONE) {
        push(b, v);
    }
}

/* ---- one instruction */

/* What the columns of opcodes.def describe. */
static void lower_plain(struct builder *b, const struct instr *in, struct lowering lower) {
    const struct instr_shape *shape = &instr_shapes[instr_info(in)->sig];
    value_t v =
        emit_popped(b, (enum ir_op)lower.op, (enum ir_type)shape->result, shape->param_count);
    if (lower.how == HOW_SWAP) {
        struct inst *i = func_inst(b->f, v);
        value_t first = i->arg[0];
        i->arg[0] = i->arg[1];
        i->arg[1] = first;
    }
    push(b, v);
}

static value_t emit_addr(struct builder *b, value_t index, uint32_t memory) {
    value_t addr = emit_unary(b, OP_ADDR, IR_PTR, index);
    func_inst(b->f, addr)->aux = memory;
    return addr;
}

static void lower_access(struct builder *b, const struct instr *in, struct lowering lower) {
    bool is_store = lower.op == OP_STORE;
    value_t stored = is_store ? pop(b) : 0;
    value_t addr = emit_addr(b, pop(b), in->index);
    enum ir_type type = (enum ir_type)instr_shapes[instr_info(in)->sig].result;
    value_t v = emit(b, (enum ir_op)lower.op, is_store ? IR_NONE : type, is_store ? 2 : 1);
    struct inst *i = func_inst(b->f, v);
    i->arg[0] = addr;
    i->arg[1] = stored;
    i->sub = lower.how;
    i->aux = in->index;
    i->imm = (int64_t)in->mem.offset;
    if (!is_store) {
        push(b, v);
    }
}

static void lower_select(struct builder *b) {
    value_t cond = pop(b), if_zero = pop(b), if_not = pop(b);
    enum ir_type type = (enum ir_type)func_inst(b->f, if_not)->type;
    value_t v = emit(b, OP_SELECT, type, 3);
    struct inst *i = func_inst(b->f, v);
    i->arg[0] = cond;
    i->arg[1] = if_not;
    i->arg[2] = if_zero;
    push(b, v);
}

static void lower_const(struct builder *b, const struct instr *in, enum ir_op op,
                        enum ir_type type) {
    value_t v = emit(b, op, type, 0);
    func_inst(b->f, v)->imm = in->value;
    push(b, v);
}

static void lower_table_set(struct builder *b, uint32_t table) {
    struct inst *i = func_inst(b->f, emit_popped(b, OP_TABLE_SET, IR_NONE, 2));
    i->aux = table;
    i->imm = TRAP_TABLE_BOUNDS;
}

static void lower_unreachable(struct builder *b) {
    value_t v = end_block(b, OP_TRAP, 0);
    func_inst(b->f, v)->imm = TRAP_UNREACHABLE;
}

/* Bulk operations and growth: calls of the runtime. */
static void lower_helper(struct builder *b, const struct instr *in) {
    uint32_t indices[2] = {in->index, in->index2};
    uint32_t swapped[2] = {in->index2, in->index}; /* segment first */
    switch (in->op) {
    case INSTR_MEMORY_GROW:
        emit_helper(b, HELPER_MEMORY_GROW, IR_I32, 1, indices, 1);
        break;
    case INSTR_MEMORY_COPY:
        emit_helper(b, HELPER_MEMORY_COPY, IR_NONE, 2, indices, 3);
        break;
    case INSTR_MEMORY_FILL:
        emit_helper(b, HELPER_MEMORY_FILL, IR_NONE, 1, indices, 3);
        break;
    case INSTR_MEMORY_INIT:
        emit_helper(b, HELPER_MEMORY_INIT, IR_NONE, 2, swapped, 3);
        break;
    case INSTR_DATA_DROP:
        emit_helper(b, HELPER_DATA_DROP, IR_NONE, 1, indices, 0);
        break;
    case INSTR_TABLE_GROW:
        emit_helper(b, HELPER_TABLE_GROW, IR_I32, 1, indices, 2);
        break;
    case INSTR_TABLE_FILL:
        emit_helper(b, HELPER_TABLE_FILL, IR_NONE, 1, indices, 3);
        break;
    case INSTR_TABLE_COPY:
        emit_helper(b, HELPER_TABLE_COPY, IR_NONE, 2, indices, 3);
        break;
    case INSTR_TABLE_INIT:
        emit_helper(b, HELPER_TABLE_INIT, IR_NONE, 2, swapped, 3);
        break;
    case INSTR_ELEM_DROP:
        emit_helper(b, HELPER_ELEM_DROP, IR_NONE, 1, indices, 0);
        break;
    default:
        assert(in->op == INSTR_NOP);
        break;
    }
}

/* Variables, references, memories and tables: all that has neither a signature nor an edge. */
static void lower_data(struct builder *b, const struct instr *in) {
    value_t v;
    switch (in->op) {
    case INSTR_LOCAL_SET:
        locals_set(&b->locals, in->index, pop(b));
        break;
    case INSTR_LOCAL_TEE:
        locals_set(&b->locals, in->index, vec_last(&b->stack));
        break;
    case INSTR_GLOBAL_GET:
        v = emit(b, OP_GLOBAL_GET, type_of(b->module->globals[in->index].type), 0);
        func_inst(b->f, v)->imm = in->index;
        push(b, v);
        break;
    case INSTR_GLOBAL_SET:
        v = emit_popped(b, OP_GLOBAL_SET, IR_NONE, 1);
        func_inst(b->f, v)->imm = in->index;
        break;
    case INSTR_I32_CONST:
        lower_const(b, in, OP_ICONST, IR_I32);
        break;
    case INSTR_I64_CONST:
        lower_const(b, in, OP_ICONST, IR_I64);
        break;
    case INSTR_F32_CONST:
        lower_const(b, in, OP_FCONST, IR_F32);
        break;
    case INSTR_F64_CONST:
        lower_const(b, in, OP_FCONST, IR_F64);
        break;
    case INSTR_MEMORY_SIZE:
        emit_inst(b, OP_MEMORY_SIZE, IR_I32, 0)->aux = in->index;
        push(b, b->f->insts.len - 1);
        break;
    case INSTR_TABLE_SIZE:
        emit_inst(b, OP_TABLE_SIZE, IR_I32, 0)->aux = in->index;
        push(b, b->f->insts.len - 1);
        break;
    case INSTR_TABLE_GET:
        push(b, emit_table_get(b, in->index, TRAP_TABLE_BOUNDS));
        break;
    case INSTR_TABLE_SET:
        lower_table_set(b, in->index);
        break;
    case INSTR_REF_NULL:
        push(b, emit_iconst(b, IR_REF, 0));
        break;
    case INSTR_REF_IS_NULL:
        push(b, emit_unary(b, OP_EQZ, IR_I32, pop(b)));
        break;
    case INSTR_REF_FUNC:
        emit_inst(b, OP_REF_FUNC, IR_REF, 0)->imm = in->index;
        push(b, b->f->insts.len - 1);
        break;
    case INSTR_REF_AS_NON_NULL:
        check_not_null(b, vec_last(&b->stack));
        break;
    default:
        lower_helper(b, in);
        break;
    }
}

static void lower_special(struct builder *b, const struct instr *in) {
    switch (in->op) {
    case INSTR_UNREACHABLE:
        lower_unreachable(b);
        break;
    case INSTR_BLOCK:
        push_frame(b, FRAME_BLOCK, &in->block);
        break;
    case INSTR_LOOP:
        begin_loop(b, &in->block);
        break;
    case INSTR_IF:
        begin_if(b, &in->block);
        break;
    case INSTR_ELSE:
        begin_else(b);
        break;
    case INSTR_END:
        end_construct(b);
        break;
    case INSTR_BR:
        lower_br(b, in->index);
        break;
    case INSTR_BR_IF:
        branch_if(b, pop(b), in->index);
        break;
    case INSTR_BR_TABLE:
        lower_br_table(b, in);
        break;
    case INSTR_BR_ON_NULL:
    case INSTR_BR_ON_NON_NULL:
        lower_br_on_null(b, in);
        break;
    case INSTR_RETURN:
        emit_return(b);
        break;
    case INSTR_CALL:
        lower_call(b, in->index);
        break;
    case INSTR_CALL_INDIRECT:
        lower_call_indirect(b, in);
        break;
    case INSTR_CALL_REF:
        lower_call_ref(b, in->index);
        break;
    case INSTR_DROP:
        pop(b);
        break;
    case INSTR_SELECT:
    case INSTR_SELECT_T:
        lower_select(b);
        break;
    default:
        lower_data(b, in);
        break;
    }
}

/* An instruction where none is reached: only what begins and ends constructs counts. */
static void skip(struct builder *b, const struct instr *in) {
    switch (in->op) {
    case INSTR_BLOCK:
    case INSTR_LOOP:
    case INSTR_IF:
    case INSTR_TRY_TABLE:
        b->skipped++;
        break;
    case INSTR_ELSE:
        if (b->skipped == 0) {
            begin_else(b);
        }
        break;
    case INSTR_END:
        if (b->skipped == 0) {
            end_construct(b);
        } else {
            b->skipped--;
        }
        break;
    default:
        break;
    }
}

static void lower(struct builder *b, const struct instr *in) {
    struct lowering row = lowerings[in->op];
    b->pos = b->base + in->offset;
    if (!b->is_live) {
        skip(b, in);
    } else if (in->op == INSTR_LOCAL_GET) { /* before all: every third one is */
        push(b, locals_get(&b->locals, in->index));
    } else if (row.op == OP_LOAD || row.op == OP_STORE) {
        lower_access(b, in, row);
    } else if (row.op != OP_NONE) {
        lower_plain(b, in, row);
    } else {
        lower_special(b, in);
    }
}

/* ---- the function */

static void read_locals(struct builder *b, const struct type_def *type) {
    VEC(uint8_t) types = {0};
    for (uint32_t k = 0; k < type->param_count; k++) {
        vec_push(b->arena, &types, (uint8_t)type_of(type->params[k]));
    }
    for (uint32_t groups = reader_leb_u32(&b->reader); groups > 0; groups--) {
        uint32_t count = reader_leb_u32(&b->reader);
        enum ir_type of_group = type_of(instr_read_valtype(&b->reader));
        for (; count > 0; count--) {
            vec_push(b->arena, &types, (uint8_t)of_group);
        }
    }
    locals_init(&b->locals, b->f, types.len, types.at);
}

static void set_signature(struct builder *b, const struct type_def *type) {
    for (uint32_t k = 0; k < type->param_count; k++) {
        vec_push(b->arena, &b->f->params, type_of(type->params[k]));
    }
    for (uint32_t k = 0; k < type->result_count; k++) {
        vec_push(b->arena, &b->f->results, type_of(type->results[k]));
    }
}

static void begin_function(struct builder *b, const struct type_def *type) {
    set_signature(b, type);
    read_locals(b, type);
    start_block(b, func_add_block(b->f), BLOCK_NONE);
    for (uint32_t k = 0; k < b->f->params.len; k++) {
        value_t v = emit(b, OP_PARAM, b->f->params.at[k], 0);
        func_inst(b->f, v)->imm = k;
        locals_set(&b->locals, k, v);
    }
    struct frame fr = {
        .kind = FRAME_FUNC,
        .label = BLOCK_NONE,
        .other = BLOCK_NONE,
        .origin = b->block,
        .type = type,
    };
    vec_push(b->arena, &b->frames, fr);
}

struct func *builder_run(struct arena *arena, const struct module *module, uint32_t index) {
    const struct func_decl *decl = &module->funcs[index];
    struct builder b = {
        .module = module, .arena = arena, .base = decl->body_offset, .header = BLOCK_NONE};
    b.f = func_new(arena, module, index);
    vec_reserve(arena, &b.f->insts, decl->body_size / 2 + 16);
    reader_init(&b.reader, decl->body, decl->body_size);
    begin_function(&b, module_func_type(module, index));
    struct instr in;
    while (b.frames.len > 0 && instr_read(&b.reader, &in)) {
        lower(&b, &in);
    }
    assert(b.frames.len == 0);
    func_resolve_copies(b.f);
    return b.f;
}
