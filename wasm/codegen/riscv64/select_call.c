/*
 * Selection of calls, parameters and results, by the convention in abi.h.
 *
 * Register arguments are fixed operands of the call, stack arguments are stored at sp before it and
 * stack results loaded from there after it. A call that may enter another instance is one
 * pseudo-instruction: emission puts the switch around it.
 */
#include "wasm/codegen/riscv64/select.h"

#include <assert.h>

static bool is_float_value(const struct select *s, value_t v) {
    return select_is_float(select_inst(s, v)->type);
}

/* Where each argument of a call is to be when it is made. */
struct argument {
    struct abi_place place;
    vreg_t vreg;
};

static void store_stack_argument(struct select *s, value_t v, uint32_t offset) {
    bool is_float = is_float_value(s, v);
    struct source value = select_reg(s, v);
    select_put2(s, is_float ? RV_FSD : RV_SD, 0, source_pin(SP), value, offset);
}

/* Stores the stack arguments and finds registers for the others. */
static struct argument *prepare_arguments(struct select *s, value_t call, uint32_t first,
                                          struct abi_walk *walk) {
    uint32_t argc = select_inst(s, call)->argc;
    struct argument *arguments = arena_array_raw(s->arena, struct argument, argc);
    for (uint32_t i = first; i < argc; i++) {
        value_t v = select_arg(s, call, i);
        arguments[i].place = abi_next(walk, is_float_value(s, v));
        if (arguments[i].place.kind == ABI_STACK) {
            store_stack_argument(s, v, arguments[i].place.offset);
        }
    }
    for (uint32_t i = first; i < argc; i++) {
        if (arguments[i].place.kind != ABI_STACK) {
            arguments[i].vreg = select_fresh(s, select_arg(s, call, i));
        }
    }
    return arguments;
}

/* The k-th result's value: the call itself or a RESULT behind it; 0 if it is not there. */
static value_t result_value(const struct select *s, value_t call, uint32_t k, value_t *at) {
    if (k == 0) {
        return select_inst(s, call)->type != IR_NONE ? call : 0;
    }
    value_t next = *at;
    const struct inst *inst = select_inst(s, next);
    if (next == 0 || inst->op != OP_RESULT || inst->imm != k) {
        return 0;
    }
    *at = inst->next;
    return next;
}

/* The types of a call's results, as far as they must be known to place those that are used. */
struct results {
    uint32_t count;
    const valtype_t *types;
};

static struct results results_of(const struct select *s, value_t call) {
    const struct inst *inst = select_inst(s, call);
    const struct module *m = s->f->module;
    if (inst->op == OP_HELPER || m == NULL) {
        return (struct results){0};
    }
    const struct type_def *type = inst->op == OP_CALL ? module_func_type(m, (uint32_t)inst->imm)
                                                      : types_get(m->types, inst->aux);
    return (struct results){type->result_count, type->results};
}

/* Operands for results in registers, loads for those on the stack. */
static void take_results(struct select *s, value_t call, struct abi_walk *arguments) {
    const struct inst *inst = select_inst(s, call);
    struct results results = results_of(s, call);
    struct abi_walk walk = {.slots = arguments->slots};
    uint32_t count = results.types != NULL ? results.count : inst->type != IR_NONE ? 1 : 0;
    struct abi_place *places = arena_array_raw(s->arena, struct abi_place, count);
    value_t *values = arena_array_raw(s->arena, value_t, count);
    value_t at = inst->next;
    for (uint32_t k = 0; k < count; k++) {
        enum val_kind kind = results.types != NULL ? valtype_kind(results.types[k]) : VAL_BOTTOM;
        bool is_float = results.types != NULL ? kind == VAL_F32 || kind == VAL_F64
                                              : select_is_float(inst->type);
        places[k] = abi_next(&walk, is_float);
        values[k] = result_value(s, call, k, &at);
        vreg_t vreg = values[k] != 0 ? s->vreg[values[k]] : 0;
        if (places[k].kind != ABI_STACK && vreg != 0) {
            select_operand(s, vreg, OPERAND_DEF, OPERAND_FIXED, places[k].reg);
        }
    }
    for (uint32_t k = 0; k < count; k++) {
        vreg_t vreg = values[k] != 0 ? s->vreg[values[k]] : 0;
        if (places[k].kind == ABI_STACK && vreg != 0) {
            bool is_float = is_float_value(s, values[k]);
            select_put1(s, is_float ? RV_FLD : RV_LD, vreg, source_pin(SP), places[k].offset);
        }
    }
    if (8 * walk.slots > s->m->outgoing_size) {
        s->m->outgoing_size = 8 * walk.slots;
    }
}

static void put_call(struct select *s, value_t v, struct source ref) {
    const struct inst *inst = select_inst(s, v);
    const struct module *m = s->f->module;
    bool is_import = m != NULL && inst->imm < m->func_imports;
    switch (inst->op) {
    case OP_HELPER:
        select_put(s, RV_CALL_HELPER, 0, NULL, 0, inst->imm);
        break;
    case OP_CALL_REF:
        select_put1(s, RV_CALL_REF, 0, ref, 0);
        break;
    default:
        if (is_import) {
            assert(s->layout->records[inst->imm] != UINT32_MAX);
            select_put(s, RV_CALL_IMPORT, 0, NULL, 0, s->layout->records[inst->imm]);
        } else {
            select_put(s, RV_CALL, 0, NULL, 0, inst->imm);
        }
        break;
    }
    vec_last(&s->forward).flags |= MINST_CALL;
}

void select_call(struct select *s, value_t v) {
    const struct inst *inst = select_inst(s, v);
    uint32_t first = inst->op == OP_CALL_REF ? 1 : 0;
    struct abi_walk walk = {0};
    struct source ref = {0};
    if (first != 0) {
        ref = source_vreg(select_vreg(s, select_arg(s, v, 0)));
    }
    struct argument *arguments = prepare_arguments(s, v, first, &walk);
    put_call(s, v, ref);
    for (uint32_t i = first; i < inst->argc; i++) {
        if (arguments[i].place.kind != ABI_STACK) {
            select_operand(s, arguments[i].vreg, OPERAND_USE, OPERAND_FIXED,
                           arguments[i].place.reg);
        }
    }
    take_results(s, v, &walk);
    s->m->has_calls = true;
}

void select_ret(struct select *s, value_t v) {
    const struct inst *inst = select_inst(s, v);
    struct abi_walk walk = {.slots = s->param_slots};
    struct argument *values = arena_array_raw(s->arena, struct argument, inst->argc);
    for (uint32_t i = 0; i < inst->argc; i++) {
        value_t x = select_arg(s, v, i);
        values[i].place = abi_next(&walk, is_float_value(s, x));
        if (values[i].place.kind == ABI_STACK) {
            enum rv_op op = is_float_value(s, x) ? RV_RESULT_FSD : RV_RESULT_SD;
            select_put1(s, op, 0, select_reg(s, x), values[i].place.offset);
        }
    }
    for (uint32_t i = 0; i < inst->argc; i++) {
        if (values[i].place.kind != ABI_STACK) {
            values[i].vreg = select_fresh(s, select_arg(s, v, i));
        }
    }
    select_put(s, RV_RET, 0, NULL, 0, 0);
    for (uint32_t i = 0; i < inst->argc; i++) {
        if (values[i].place.kind != ABI_STACK) {
            select_operand(s, values[i].vreg, OPERAND_USE, OPERAND_FIXED, values[i].place.reg);
        }
    }
}

void select_params(struct select *s) {
    const struct func *f = s->f;
    value_t *params = arena_array(s->arena, value_t, f->params.len);
    for (value_t v = f->blocks.at[0].first; v != 0; v = select_inst(s, v)->next) {
        if (select_inst(s, v)->op == OP_PARAM) {
            params[select_inst(s, v)->imm] = v;
        }
    }
    select_put(s, RV_PARAMS, 0, NULL, 0, 0);
    struct abi_walk walk = {0};
    struct abi_place *places = arena_array_raw(s->arena, struct abi_place, f->params.len);
    for (uint32_t i = 0; i < f->params.len; i++) {
        places[i] = abi_next(&walk, select_is_float((uint8_t)f->params.at[i]));
        if (places[i].kind != ABI_STACK && s->vreg[params[i]] != 0) {
            select_operand(s, s->vreg[params[i]], OPERAND_DEF, OPERAND_FIXED, places[i].reg);
        }
    }
    for (uint32_t i = 0; i < f->params.len; i++) {
        if (places[i].kind == ABI_STACK && s->vreg[params[i]] != 0) {
            bool is_float = select_is_float((uint8_t)f->params.at[i]);
            select_put(s, is_float ? RV_ARG_FLD : RV_ARG_LD, s->vreg[params[i]], NULL, 0,
                       places[i].offset)
                ->flags |= MINST_REMAT;
        }
    }
}
