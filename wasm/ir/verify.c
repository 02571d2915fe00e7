/*
 * The IR's verifier. See verify.h; the rules are those at the head of ir.h and the rows of ops.def.
 *
 * Order matters: the lists are checked first, then the edges, so that the analysis may rely on them,
 * then types and dominance. The first fault ends the check.
 */
#include "wasm/ir/verify.h"

#include "base/fmt.h"
#include "base/map.h"
#include "wasm/ir/analysis.h"
#include "wasm/ir/print.h"

struct verifier {
    struct func *f;
    char *fault;        /* the first one, or NULL */
    uint32_t *position; /* of an instruction in its block, by value */
};

#define FAULT_CAP 400
static struct text_sink begin_fault(struct verifier *v) {
    v->fault = arena_alloc(v->f->arena, FAULT_CAP);
    return fmt_open_text(v->fault, FAULT_CAP);
}

static void fault_at(struct verifier *v, value_t at, const char *what) {
    if (!v->fault) {
        struct text_sink out = begin_fault(v);
        fmt_print(&out.sink, "%s: b%u: ", what, func_inst(v->f, at)->block);
        print_inst(&out.sink, v->f, at);
    }
}

static void fault_block(struct verifier *v, block_id_t b, const char *what) {
    if (!v->fault) {
        struct text_sink out = begin_fault(v);
        fmt_print(&out.sink, "%s: b%u", what, b);
    }
}

/* ---- lists and edges */

static void check_list(struct verifier *v, block_id_t id) {
    const struct func *f = v->f;
    const struct block *b = &f->blocks.at[id];
    value_t prev = 0;
    bool past_phis = false;
    uint32_t position = 0;
    for (value_t at = b->first; at && !v->fault; at = func_inst(f, at)->next) {
        const struct inst *i = func_inst(f, at);
        if (i->block != id || i->prev != prev || v->position[at] != 0) {
            fault_at(v, at, "broken list");
            return;
        }
        v->position[at] = ++position;
        if (i->op == OP_NONE || i->op >= OP_COUNT) {
            fault_at(v, at, "no operation");
        } else if (i->op == OP_PHI && past_phis) {
            fault_at(v, at, "phi after another instruction");
        } else if (i->op == OP_PARAM && id != 0) {
            fault_at(v, at, "param outside the entry");
        } else if (inst_has(i, IR_ENDS) != (i->next == 0)) {
            fault_at(v, at, i->next ? "end inside a block" : "block without an end");
        }
        past_phis |= i->op != OP_PHI;
        prev = at;
    }
    if (!v->fault && b->last != prev) {
        fault_block(v, id, "broken list");
    }
    if (!b->first && (b->preds.len || b->succs.len || id == 0)) {
        fault_block(v, id, "dead block with edges");
    }
}

static void check_succs(struct verifier *v, block_id_t id) {
    const struct func *f = v->f;
    const struct block *b = &f->blocks.at[id];
    const struct inst *end = func_inst(f, b->last);
    bool fits = end->op == OP_JUMP     ? b->succs.len == 1
                : end->op == OP_BR     ? b->succs.len == 2
                : end->op == OP_SWITCH ? b->succs.len >= 1
                                       : b->succs.len == 0;
    if (!fits) {
        fault_at(v, b->last, "wrong number of successors");
    }
    for (uint32_t k = 0; k < b->succs.len; k++) {
        if (b->succs.at[k] >= f->blocks.len || !f->blocks.at[b->succs.at[k]].first) {
            fault_at(v, b->last, "successor does not exist");
        }
    }
    for (uint32_t k = 0; k < b->preds.len; k++) {
        if (b->preds.at[k] >= f->blocks.len || !f->blocks.at[b->preds.at[k]].first) {
            fault_block(v, id, "predecessor does not exist");
        }
    }
}

/* Each edge as often in one list as in the other: counted up by successors, down by predecessors. */
static void check_edges(struct verifier *v) {
    struct func *f = v->f;
    struct map count;
    map_init(&count, f->arena, f->module ? types_seed(f->module->types) : 0);
    for (block_id_t b = 0; b < f->blocks.len; b++) {
        for (uint32_t k = 0; k < f->blocks.at[b].succs.len; k++) {
            uint64_t key = (uint64_t)b << 32 | f->blocks.at[b].succs.at[k];
            uint32_t n = 0;
            (void)map_get(&count, key, &n);
            map_put(&count, key, n + 1);
        }
    }
    for (block_id_t b = 0; b < f->blocks.len; b++) {
        for (uint32_t k = 0; k < f->blocks.at[b].preds.len; k++) {
            uint64_t key = (uint64_t)f->blocks.at[b].preds.at[k] << 32 | b;
            uint32_t n = 0;
            if (!map_get(&count, key, &n) || n == 0) {
                fault_block(v, b, "predecessor without that successor");
                return;
            }
            map_put(&count, key, n - 1);
        }
    }
    for (uint32_t e = 0; e < count.cap; e++) {
        if (count.entries[e].used && count.entries[e].value != 0) {
            fault_block(v, (block_id_t)(count.entries[e].key >> 32),
                        "successor without that predecessor");
        }
    }
    if (f->blocks.at[0].preds.len > 0) {
        fault_block(v, 0, "entry with a predecessor");
    }
}

/* ---- types */

#define BIT(type) (1u << (type))
enum {
    INT = BIT(IR_I32) | BIT(IR_I64),
    FLOAT = BIT(IR_F32) | BIT(IR_F64),
    VALUE = INT | FLOAT | BIT(IR_REF),
};

/* What an operation asks of its arguments and its own type: sets of enum ir_type. */
struct rule {
    uint32_t arg[3];
    uint32_t own; /* of the result when the row says OWN */
    bool same;    /* arguments 0 and 1 have one type */
};

static struct rule rule_of(enum ir_op op) {
    switch (op) {
    case OP_ADD:
    case OP_SUB:
    case OP_MUL:
    case OP_DIV_S:
    case OP_DIV_U:
    case OP_REM_S:
    case OP_REM_U:
    case OP_AND:
    case OP_OR:
    case OP_XOR:
    case OP_SHL:
    case OP_SHR_S:
    case OP_SHR_U:
    case OP_ROTL:
    case OP_ROTR:
    case OP_LT_S:
    case OP_LT_U:
    case OP_LE_S:
    case OP_LE_U:
        return (struct rule){{INT, INT, 0}, 0, true};
    case OP_EQ:
    case OP_NE:
        return (struct rule){{INT | BIT(IR_REF), INT | BIT(IR_REF), 0}, 0, true};
    case OP_EQZ:
        return (struct rule){{INT | BIT(IR_REF), 0, 0}, 0, false};
    case OP_CLZ:
    case OP_CTZ:
    case OP_POPCNT:
    case OP_EXTEND8_S:
    case OP_EXTEND16_S:
        return (struct rule){{INT, 0, 0}, 0, false};
    case OP_EXTEND32_S:
        return (struct rule){{BIT(IR_I64), 0, 0}, 0, false};
    case OP_FADD:
    case OP_FSUB:
    case OP_FMUL:
    case OP_FDIV:
    case OP_FMIN:
    case OP_FMAX:
    case OP_FCOPYSIGN:
    case OP_FEQ:
    case OP_FNE:
    case OP_FLT:
    case OP_FLE:
        return (struct rule){{FLOAT, FLOAT, 0}, 0, true};
    case OP_FABS:
    case OP_FNEG:
    case OP_FSQRT:
    case OP_FCEIL:
    case OP_FFLOOR:
    case OP_FTRUNC:
    case OP_FNEAREST:
        return (struct rule){{FLOAT, 0, 0}, 0, false};
    case OP_WRAP:
        return (struct rule){{BIT(IR_I64), 0, 0}, BIT(IR_I32), false};
    case OP_EXTEND_S:
    case OP_EXTEND_U:
        return (struct rule){{BIT(IR_I32), 0, 0}, BIT(IR_I64), false};
    case OP_TRUNC_S:
    case OP_TRUNC_U:
    case OP_TRUNC_SAT_S:
    case OP_TRUNC_SAT_U:
        return (struct rule){{FLOAT, 0, 0}, INT, false};
    case OP_CONVERT_S:
    case OP_CONVERT_U:
        return (struct rule){{INT, 0, 0}, FLOAT, false};
    case OP_PROMOTE:
        return (struct rule){{BIT(IR_F32), 0, 0}, BIT(IR_F64), false};
    case OP_DEMOTE:
        return (struct rule){{BIT(IR_F64), 0, 0}, BIT(IR_F32), false};
    case OP_REINTERPRET:
        return (struct rule){{INT | FLOAT, 0, 0}, INT | FLOAT, false};
    case OP_ICONST:
        return (struct rule){{0, 0, 0}, INT | BIT(IR_REF), false};
    case OP_FCONST:
        return (struct rule){{0, 0, 0}, FLOAT, false};
    case OP_PHI:
    case OP_COPY:
        return (struct rule){{VALUE | BIT(IR_PTR), 0, 0}, VALUE | BIT(IR_PTR), false};
    case OP_SELECT:
        return (struct rule){{BIT(IR_I32), VALUE, VALUE}, VALUE, false};
    case OP_ADDR:
        return (struct rule){{BIT(IR_I32), 0, 0}, BIT(IR_PTR), false};
    case OP_LOAD:
        return (struct rule){{BIT(IR_PTR), 0, 0}, INT | FLOAT, false};
    case OP_STORE:
        return (struct rule){{BIT(IR_PTR), INT | FLOAT, 0}, 0, false};
    case OP_GLOBAL_SET:
        return (struct rule){{VALUE, 0, 0}, 0, false};
    case OP_MEMORY_SIZE:
    case OP_TABLE_SIZE:
        return (struct rule){{0, 0, 0}, BIT(IR_I32), false};
    case OP_TABLE_GET:
        return (struct rule){{BIT(IR_I32), 0, 0}, BIT(IR_REF), false};
    case OP_TABLE_SET:
        return (struct rule){{BIT(IR_I32), BIT(IR_REF), 0}, 0, false};
    case OP_REF_FUNC:
        return (struct rule){{0, 0, 0}, BIT(IR_REF), false};
    case OP_FUNC_CHECK:
        return (struct rule){{BIT(IR_REF), 0, 0}, BIT(IR_REF), false};
    case OP_CALL:
    case OP_HELPER:
        return (struct rule){{VALUE, VALUE, VALUE}, BIT(IR_NONE) | VALUE, false};
    case OP_CALL_REF:
        return (struct rule){{BIT(IR_REF), VALUE, VALUE}, BIT(IR_NONE) | VALUE, false};
    case OP_TRAP_IF:
    case OP_BR:
    case OP_SWITCH:
        return (struct rule){{BIT(IR_I32), 0, 0}, 0, false};
    default: /* RESULT looks at its call, RET at the function */
        return (struct rule){{VALUE | BIT(IR_NONE), VALUE, VALUE}, VALUE, false};
    }
}

static enum ir_type arg_type(const struct verifier *v, struct inst *i, uint32_t k) {
    return (enum ir_type)func_inst(v->f, inst_args(i)[k])->type;
}

static void check_own_type(struct verifier *v, value_t at, const struct rule *rule) {
    struct inst *i = func_inst(v->f, at);
    bool fits = false;
    switch ((enum ir_result)ir_ops[i->op].result) {
    case IR_RESULT_NONE:
        fits = i->type == IR_NONE;
        break;
    case IR_RESULT_I32:
        fits = i->type == IR_I32;
        break;
    case IR_RESULT_SAME:
        fits = i->type == arg_type(v, i, 0);
        break;
    case IR_RESULT_OWN:
        fits = (BIT(i->type) & rule->own) != 0;
        break;
    }
    if (!fits) {
        fault_at(v, at, "wrong type");
    }
}

static uint32_t width(enum ir_type type) {
    return type == IR_I32 || type == IR_F32 ? 4 : 8;
}

static void check_access(struct verifier *v, value_t at) {
    struct inst *i = func_inst(v->f, at);
    enum ir_type type = i->op == OP_LOAD ? (enum ir_type)i->type : arg_type(v, i, 1);
    bool is_float = i->sub == ACCESS_F32 || i->sub == ACCESS_F64;
    if (i->sub >= ACCESS_COUNT || access_infos[i->sub].size > width(type) ||
        is_float != (type == IR_F32 || type == IR_F64) ||
        (is_float && access_infos[i->sub].size != width(type))) {
        fault_at(v, at, "access does not fit the type");
    }
    if (i->imm < IR_MIN_OFFSET || i->imm > UINT32_MAX) {
        fault_at(v, at, "offset out of range");
    }
}

static void check_ret(struct verifier *v, value_t at) {
    struct inst *i = func_inst(v->f, at);
    if (i->argc != v->f->results.len) {
        fault_at(v, at, "wrong number of results");
        return;
    }
    for (uint32_t k = 0; k < i->argc; k++) {
        if (arg_type(v, i, k) != v->f->results.at[k]) {
            fault_at(v, at, "wrong type of result");
        }
    }
}

/* What no rule says. */
static void check_special(struct verifier *v, value_t at) {
    struct inst *i = func_inst(v->f, at);
    switch (i->op) {
    case OP_PARAM:
        if (i->imm < 0 || i->imm >= v->f->params.len || v->f->params.at[i->imm] != i->type) {
            fault_at(v, at, "no such parameter");
        }
        break;
    case OP_PHI:
        if (i->argc != v->f->blocks.at[i->block].preds.len) {
            fault_at(v, at, "phi does not fit the predecessors");
        }
        for (uint32_t k = 0; k < i->argc; k++) {
            if (arg_type(v, i, k) != i->type) {
                fault_at(v, at, "wrong type of argument");
            }
        }
        break;
    case OP_RESULT: {
        const struct inst *call = func_inst(v->f, i->arg[0]);
        const struct inst *prev = func_inst(v->f, i->prev);
        bool is_next =
            i->prev == i->arg[0] || (i->prev && prev->op == OP_RESULT && prev->arg[0] == i->arg[0]);
        if (!inst_has(call, IR_CALLS) || i->imm < 1 || !is_next) {
            fault_at(v, at, "result not right after its call");
        }
        break;
    }
    case OP_COPY:
        if (i->type != arg_type(v, i, 0)) {
            fault_at(v, at, "wrong type");
        }
        break;
    case OP_SELECT:
        if (i->type != arg_type(v, i, 1) || i->type != arg_type(v, i, 2)) {
            fault_at(v, at, "wrong type");
        }
        break;
    case OP_REINTERPRET:
        if (width((enum ir_type)i->type) != width(arg_type(v, i, 0))) {
            fault_at(v, at, "wrong type");
        }
        break;
    case OP_ICONST:
        if (i->type == IR_I32 && i->imm != (int32_t)i->imm) {
            fault_at(v, at, "constant not sign-extended");
        }
        break;
    case OP_LOAD:
    case OP_STORE:
        check_access(v, at);
        break;
    case OP_RET:
        check_ret(v, at);
        break;
    default:
        break;
    }
}

static void check_types(struct verifier *v, value_t at) {
    struct inst *i = func_inst(v->f, at);
    struct rule rule = rule_of((enum ir_op)i->op);
    for (uint32_t k = 0; k < i->argc && i->op != OP_RET; k++) {
        uint32_t allowed = i->op == OP_PHI ? rule.arg[0] : rule.arg[k < 3 ? k : 2];
        if ((BIT(arg_type(v, i, k)) & allowed) == 0) {
            fault_at(v, at, "wrong type of argument");
            return;
        }
    }
    if (rule.same && arg_type(v, i, 0) != arg_type(v, i, 1)) {
        fault_at(v, at, "arguments of two types");
        return;
    }
    check_own_type(v, at, &rule);
    check_special(v, at);
}

/* ---- dominance */

/* Whether the value `used` is there before `at`; or at the end of `in` when that is a block. */
static bool is_defined(const struct verifier *v, value_t used, value_t at, block_id_t in) {
    const struct func *f = v->f;
    block_id_t def = func_inst(f, used)->block;
    if (in != BLOCK_NONE && !block_is_reachable(f, in)) {
        return true; /* an edge that is never taken */
    }
    if (def == BLOCK_NONE || !block_is_reachable(f, def)) {
        return false;
    }
    if (in == BLOCK_NONE) {
        in = func_inst(f, at)->block;
        if (def == in) {
            return v->position[used] < v->position[at];
        }
    }
    return block_dominates(f, def, in);
}

static void check_uses(struct verifier *v, value_t at) {
    const struct func *f = v->f;
    struct inst *i = func_inst(f, at);
    const struct block *b = &f->blocks.at[i->block];
    for (uint32_t k = 0; k < i->argc; k++) {
        value_t used = func_resolve(f, inst_args(i)[k]);
        block_id_t in = i->op == OP_PHI ? b->preds.at[k] : BLOCK_NONE;
        if (!is_defined(v, used, at, in)) {
            fault_at(v, at, "use before definition");
        }
    }
}

static void check_inst(struct verifier *v, value_t at) {
    struct inst *i = func_inst(v->f, at);
    uint8_t arity = ir_ops[i->op].arity;
    if ((arity != IR_VAR && i->argc != arity) || (i->op == OP_CALL_REF && i->argc == 0)) {
        fault_at(v, at, "wrong number of arguments");
        return;
    }
    for (uint32_t k = 0; k < i->argc; k++) {
        value_t arg = inst_args(i)[k];
        if (arg == 0 || arg >= v->f->insts.len || func_inst(v->f, arg)->type == IR_NONE) {
            fault_at(v, at, "argument is no value");
            return;
        }
    }
    check_types(v, at);
    if (!v->fault) {
        check_uses(v, at);
    }
}

/* Every edge that goes back goes to a block that dominates where it comes from. */
static void check_reducible(struct verifier *v) {
    const struct func *f = v->f;
    for (uint32_t n = 0; n < f->order.len; n++) {
        const struct block *b = &f->blocks.at[f->order.at[n]];
        for (uint32_t k = 0; k < b->succs.len; k++) {
            if (f->blocks.at[b->succs.at[k]].rpo <= n &&
                !block_dominates(f, b->succs.at[k], f->order.at[n])) {
                fault_block(v, f->order.at[n], "irreducible edge back");
            }
        }
    }
}

/* Analyses anew. An analysis that claims to be fresh has to have the same dominators. */
static void check_analysis(struct verifier *v) {
    struct func *f = v->f;
    bool was_fresh = f->is_analyzed;
    block_id_t *idoms = arena_array(f->arena, block_id_t, f->blocks.len);
    for (uint32_t n = 0; n < f->order.len; n++) {
        idoms[f->order.at[n]] = f->blocks.at[f->order.at[n]].idom;
    }
    f->is_analyzed = false;
    analysis_run(f);
    for (uint32_t n = 0; n < f->order.len && was_fresh; n++) {
        if (idoms[f->order.at[n]] != f->blocks.at[f->order.at[n]].idom) {
            fault_block(v, f->order.at[n], "analysis is stale");
        }
    }
}

const char *verify_run(struct func *f) {
    struct verifier v = {.f = f, .position = arena_array(f->arena, uint32_t, f->insts.len)};
    for (block_id_t b = 0; b < f->blocks.len && !v.fault; b++) {
        check_list(&v, b);
    }
    for (block_id_t b = 0; b < f->blocks.len && !v.fault; b++) {
        if (f->blocks.at[b].first) {
            check_succs(&v, b);
        }
    }
    if (!v.fault) {
        check_edges(&v);
    }
    if (v.fault) {
        return v.fault;
    }
    check_analysis(&v);
    check_reducible(&v);
    for (uint32_t n = 0; n < f->order.len && !v.fault; n++) {
        value_t at = f->blocks.at[f->order.at[n]].first;
        for (; at && !v.fault; at = func_inst(f, at)->next) {
            check_inst(&v, at);
        }
    }
    return v.fault;
}
