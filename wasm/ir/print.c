/*
 * Func -> text. See print.h for the form.
 */
#include "wasm/ir/print.h"

#include <string.h>

const char *const print_imm_names[OP_COUNT] = {
    [OP_LOAD] = "offset",    [OP_STORE] = "offset",      [OP_CALL] = "func",
    [OP_REF_FUNC] = "func",  [OP_GLOBAL_GET] = "global", [OP_GLOBAL_SET] = "global",
    [OP_TABLE_GET] = "trap", [OP_TABLE_SET] = "trap",    [OP_TRAP_IF] = "trap",
    [OP_TRAP] = "trap",      [OP_HELPER] = "helper",     [OP_RESULT] = "k",
};

const char *const print_aux_names[OP_COUNT] = {
    [OP_ADDR] = "memory",        [OP_LOAD] = "memory",     [OP_STORE] = "memory",
    [OP_MEMORY_SIZE] = "memory", [OP_TABLE_GET] = "table", [OP_TABLE_SET] = "table",
    [OP_TABLE_SIZE] = "table",   [OP_FUNC_CHECK] = "type", [OP_CALL_REF] = "type",
};

const char *const print_trap_names[TRAP_COUNT] = {
#define X(name, text) [TRAP_##name] = #name,
    TRAP_TABLE(X)
#undef X
};

static void print_imm(struct sink *sink, const struct inst *i, const char *comma) {
    const char *name = print_imm_names[i->op] ? print_imm_names[i->op] : "imm";
    if (strcmp(name, "trap") == 0 && i->imm >= 0 && i->imm < TRAP_COUNT) {
        fmt_print(sink, "%s trap=%s", comma, print_trap_names[i->imm]);
    } else if (strcmp(name, "helper") == 0 && i->imm >= 0 && i->imm < HELPER_COUNT) {
        fmt_print(sink, "%s helper=%s", comma, helper_names[i->imm]);
    } else {
        fmt_print(sink, "%s %s=%lld", comma, name, (long long)i->imm);
    }
}

static void print_attributes(struct sink *sink, const struct inst *i, const char *comma) {
    if (i->op == OP_LOAD || i->op == OP_STORE) {
        fmt_print(sink, "%s as=%s", comma, access_infos[i->sub].text);
        comma = ",";
    }
    /* An operation whose imm is a name of something always shows it. */
    if (i->imm != 0 || (print_imm_names[i->op] && i->op != OP_LOAD && i->op != OP_STORE)) {
        print_imm(sink, i, comma);
        comma = ",";
    }
    if (i->aux != 0) {
        const char *name = print_aux_names[i->op] ? print_aux_names[i->op] : "aux";
        fmt_print(sink, "%s %s=%u", comma, name, i->aux);
    }
}

static void print_operands(struct sink *sink, const struct inst *i) {
    switch (i->op) {
    case OP_ICONST:
    case OP_PARAM:
        fmt_print(sink, " %lld", (long long)i->imm);
        return;
    case OP_FCONST:
        fmt_print(sink, " 0x%llx", (unsigned long long)i->imm);
        return;
    default:
        break;
    }
    const value_t *args = i->argc <= 3 ? i->arg : i->args;
    for (uint32_t k = 0; k < i->argc; k++) {
        fmt_print(sink, "%s v%u", k ? "," : "", args[k]);
    }
    print_attributes(sink, i, i->argc ? "," : "");
}

void print_inst(struct sink *sink, const struct func *f, value_t v) {
    const struct inst *i = func_inst(f, v);
    if (i->type != IR_NONE) {
        fmt_print(sink, "v%u = %s.%s", v, ir_ops[i->op].text, ir_type_names[i->type]);
    } else {
        fmt_print(sink, "%s", ir_ops[i->op].text);
    }
    print_operands(sink, i);
    if (inst_has(i, IR_ENDS) && i->block != BLOCK_NONE) {
        const struct block *b = &f->blocks.at[i->block];
        for (uint32_t k = 0; k < b->succs.len; k++) {
            fmt_print(sink, "%s b%u", k ? "," : " ->", b->succs.at[k]);
        }
    }
    if (i->pos != 0) {
        fmt_print(sink, " @%x", i->pos);
    }
}

static void print_block(struct sink *sink, const struct func *f, block_id_t id) {
    const struct block *b = &f->blocks.at[id];
    fmt_print(sink, "b%u", id);
    for (uint32_t k = 0; k < b->preds.len; k++) {
        fmt_print(sink, "%sb%u", k ? ", " : " (", b->preds.at[k]);
    }
    fmt_print(sink, b->preds.len > 0 ? "):" : ":");
    if (b->loop_depth > 0) {
        fmt_print(sink, " ; loop b%u, depth %u", b->loop_head, b->loop_depth);
    }
    fmt_print(sink, "\n");
    for (value_t v = b->first; v; v = func_inst(f, v)->next) {
        fmt_print(sink, "    ");
        print_inst(sink, f, v);
        fmt_print(sink, "\n");
    }
}

static void print_types(struct sink *sink, const enum ir_type *types, uint32_t len) {
    for (uint32_t k = 0; k < len; k++) {
        fmt_print(sink, "%s%s", k ? ", " : "", ir_type_names[types[k]]);
    }
}

void print_func(struct sink *sink, const struct func *f) {
    fmt_print(sink, "func %u (", f->index);
    print_types(sink, f->params.at, f->params.len);
    fmt_print(sink, f->results.len > 0 ? ") -> " : ")");
    print_types(sink, f->results.at, f->results.len);
    fmt_print(sink, " {\n");
    for (uint32_t n = 0; n < f->order.len; n++) {
        if (f->blocks.at[f->order.at[n]].first) {
            print_block(sink, f, f->order.at[n]);
        }
    }
    for (block_id_t b = 0; b < f->blocks.len; b++) {
        if (f->blocks.at[b].first && (f->order.len == 0 || f->blocks.at[b].rpo == UINT32_MAX)) {
            print_block(sink, f, b);
        }
    }
    fmt_print(sink, "}\n");
}
