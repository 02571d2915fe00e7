/*
 * The parser of the IR's text form. See print.h for the form.
 *
 * Sticky like the readers of base/: after the first fault everything reads as nothing, and the
 * caller looks once. Values and blocks keep the numbers that the text gives them; instructions that
 * define no value come after all those that do.
 */
#include "wasm/ir/parse.h"

#include "wasm/ir/print.h"

#include <string.h>

enum {
    MAX_NUMBER = 1 << 20, /* of a value or block, so that a text of one line is not gigabytes */
};

struct parser {
    const char *at, *end;
    uint32_t line;
    struct parse_error *error;
    bool failed;
    struct arena *arena;
    struct func *f;
    VEC(bool) has_preds; /* by block: whether the text named its predecessors */
    VEC(bool) has_text;  /* by block: whether it stood in the text */
};

static void fail(struct parser *p, const char *what) {
    if (!p->failed) {
        p->failed = true;
        p->error->line = p->line;
        int shown = p->end - p->at < 20 ? (int)(p->end - p->at) : 20;
        fmt_text(p->error->text, sizeof(p->error->text), "%s at '%.*s'", what, shown, p->at);
        p->at = p->end;
    }
}

/* ---- tokens */

static void skip_space(struct parser *p) {
    while (p->at < p->end) {
        if (*p->at == ';') {
            while (p->at < p->end && *p->at != '\n') {
                p->at++;
            }
        } else if (*p->at == ' ' || *p->at == '\t' || *p->at == '\n' || *p->at == '\r') {
            p->line += *p->at == '\n';
            p->at++;
        } else {
            return;
        }
    }
}

static bool accept(struct parser *p, const char *text) {
    skip_space(p);
    size_t size = strlen(text);
    if ((size_t)(p->end - p->at) >= size && memcmp(p->at, text, size) == 0) {
        p->at += size;
        return true;
    }
    return false;
}

static void expect(struct parser *p, const char *text) {
    if (!accept(p, text)) {
        fail(p, text);
    }
}

static bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.';
}

struct word {
    const char *at;
    size_t size;
};

static struct word read_word(struct parser *p) {
    skip_space(p);
    struct word word = {p->at, 0};
    while (p->at < p->end && is_word(*p->at)) {
        p->at++;
    }
    word.size = (size_t)(p->at - word.at);
    return word;
}

static bool word_is(struct word word, const char *text) {
    return strlen(text) == word.size && memcmp(text, word.at, word.size) == 0;
}

/* The position of the word in a table of names, or `len`. */
static uint32_t find_word(struct word word, const char *const *names, uint32_t len) {
    uint32_t k = 0;
    while (k < len && !word_is(word, names[k])) {
        k++;
    }
    return k;
}

static int digit_value(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static uint64_t read_digits(struct parser *p, uint64_t base) {
    uint64_t value = 0;
    const char *start = p->at;
    for (; p->at < p->end; p->at++) {
        int digit = digit_value(*p->at);
        if (digit < 0 || (uint64_t)digit >= base) {
            break;
        }
        value = value * base + (uint64_t)digit;
    }
    if (p->at == start) {
        fail(p, "number expected");
    }
    return value;
}

static int64_t read_number(struct parser *p) {
    bool negative = accept(p, "-");
    uint64_t value = accept(p, "0x") ? read_digits(p, 16) : read_digits(p, 10);
    return (int64_t)(negative ? 0 - value : value);
}

/* "v12" or "b3": the number after the letter. */
static uint32_t read_index(struct parser *p, const char *letter) {
    expect(p, letter);
    uint64_t index = read_digits(p, 10);
    if (index >= MAX_NUMBER) {
        fail(p, "number too large");
    }
    return p->failed ? 0 : (uint32_t)index;
}

static bool at_index(struct parser *p, char letter) {
    skip_space(p);
    return p->end - p->at >= 2 && p->at[0] == letter && p->at[1] >= '0' && p->at[1] <= '9';
}

/* ---- blocks */

static block_id_t read_block(struct parser *p) {
    block_id_t id = read_index(p, "b");
    while (p->f->blocks.len <= id) {
        func_add_block(p->f);
    }
    vec_resize(p->arena, &p->has_preds, p->f->blocks.len);
    vec_resize(p->arena, &p->has_text, p->f->blocks.len);
    return id;
}

static block_id_t parse_block_head(struct parser *p) {
    block_id_t id = read_block(p);
    if (p->has_text.at[id]) {
        fail(p, "block stands twice");
    }
    p->has_text.at[id] = true;
    if (accept(p, "(")) {
        p->has_preds.at[id] = true;
        do {
            block_id_t pred = read_block(p);
            vec_push(p->arena, &p->f->blocks.at[id].preds, pred);
        } while (accept(p, ","));
        expect(p, ")");
    }
    expect(p, ":");
    return id;
}

static void parse_succs(struct parser *p, block_id_t id) {
    do {
        block_id_t to = read_block(p);
        vec_push(p->arena, &p->f->blocks.at[id].succs, to);
    } while (accept(p, ","));
}

/* ---- instructions */

static enum ir_type read_type(struct parser *p) {
    struct word word = read_word(p);
    uint32_t type = find_word(word, ir_type_names, IR_TYPE_COUNT);
    if (type == IR_NONE || type == IR_TYPE_COUNT) {
        p->at = word.at;
        fail(p, "no such type");
        return IR_I32;
    }
    return (enum ir_type)type;
}

/* "table.get.ref" is operation and type: the part after the last dot is the type when there is a
 * result. */
static enum ir_op read_op(struct parser *p, enum ir_type *type_out) {
    struct word word = read_word(p);
    for (uint32_t op = 1; op < OP_COUNT; op++) {
        size_t size = strlen(ir_ops[op].text);
        if (size > word.size || memcmp(ir_ops[op].text, word.at, size) != 0) {
            continue;
        }
        if (size == word.size) {
            return (enum ir_op)op;
        }
        if (word.at[size] == '.') {
            struct word rest = {word.at + size + 1, word.size - size - 1};
            uint32_t type = find_word(rest, ir_type_names, IR_TYPE_COUNT);
            if (type != IR_TYPE_COUNT) {
                *type_out = (enum ir_type)type;
                return (enum ir_op)op;
            }
        }
    }
    p->at = word.at;
    fail(p, "no such operation");
    return OP_NONE;
}

static int64_t read_imm(struct parser *p, struct word name) {
    if (word_is(name, "trap")) {
        uint32_t trap = find_word(read_word(p), print_trap_names, TRAP_COUNT);
        if (trap == TRAP_COUNT) {
            fail(p, "no such trap");
        }
        return trap;
    }
    if (word_is(name, "helper")) {
        uint32_t helper = find_word(read_word(p), helper_names, HELPER_COUNT);
        if (helper == HELPER_COUNT) {
            fail(p, "no such helper");
        }
        return helper;
    }
    return read_number(p);
}

static uint8_t read_access(struct parser *p) {
    struct word word = read_word(p);
    for (uint8_t k = 0; k < ACCESS_COUNT; k++) {
        if (word_is(word, access_infos[k].text)) {
            return k;
        }
    }
    fail(p, "no such access");
    return 0;
}

static void parse_attribute(struct parser *p, struct inst *i) {
    struct word name = read_word(p);
    const char *imm_name = print_imm_names[i->op] ? print_imm_names[i->op] : "imm";
    const char *aux_name = print_aux_names[i->op] ? print_aux_names[i->op] : "aux";
    expect(p, "=");
    if (word_is(name, "as")) {
        i->sub = read_access(p);
    } else if (word_is(name, imm_name)) {
        i->imm = read_imm(p, name);
    } else if (word_is(name, aux_name)) {
        i->aux = (uint32_t)read_number(p);
    } else {
        p->at = name.at;
        fail(p, "no such attribute");
    }
}

static bool has_bare_imm(enum ir_op op) {
    return op == OP_ICONST || op == OP_FCONST || op == OP_PARAM;
}

static bool at_operand(struct parser *p) {
    skip_space(p);
    return p->at < p->end && is_word(*p->at);
}

struct pending {
    struct inst inst;
    VEC(value_t) args;
    bool has_name;
    value_t name;
};

static void parse_operands(struct parser *p, struct pending *x) {
    if (has_bare_imm((enum ir_op)x->inst.op)) {
        x->inst.imm = read_number(p);
        return;
    }
    do {
        if (at_index(p, 'v')) {
            value_t arg = read_index(p, "v");
            vec_push(p->arena, &x->args, arg);
        } else {
            parse_attribute(p, &x->inst);
        }
    } while (accept(p, ","));
}

/* Puts a parsed instruction in the function at its number, or a fresh one. */
static void place(struct parser *p, const struct pending *x, block_id_t block) {
    struct func *f = p->f;
    value_t v = x->has_name ? x->name : f->insts.len;
    if (v >= f->insts.len) {
        vec_resize(p->arena, &f->insts, v + 1);
    }
    if (func_inst(f, v)->op != OP_NONE || v == 0) {
        fail(p, "value defined twice");
        return;
    }
    struct inst *i = func_inst(f, v);
    *i = x->inst;
    i->block = BLOCK_NONE;
    func_set_argc(f, v, x->args.len);
    if (x->args.len > 0) {
        memcpy(inst_args(func_inst(f, v)), x->args.at, x->args.len * sizeof(value_t));
    }
    func_append(f, block, v);
}

static void parse_inst(struct parser *p, struct pending *x, block_id_t block) {
    x->has_name = at_index(p, 'v');
    uint32_t line = p->line;
    if (x->has_name) {
        x->name = read_index(p, "v");
        expect(p, "=");
    }
    enum ir_type type = IR_NONE;
    x->inst.op = (uint8_t)read_op(p, &type);
    x->inst.type = (uint8_t)type;
    if (x->has_name != (type != IR_NONE)) {
        fail(p, "name without type or type without name");
    }
    /* Operands stand on the operation's line; a word on the next one is another instruction. */
    bool has_operands = at_operand(p) || has_bare_imm((enum ir_op)x->inst.op);
    if (!p->failed && has_operands && p->line == line) {
        parse_operands(p, x);
    }
    if (accept(p, "->")) {
        parse_succs(p, block);
    }
    if (accept(p, "@")) {
        x->inst.pos = (uint32_t)read_digits(p, 16);
    }
}

/* ---- the function */

static void read_types(struct parser *p, bool params) {
    do {
        enum ir_type type = read_type(p);
        if (params) {
            vec_push(p->arena, &p->f->params, type);
        } else {
            vec_push(p->arena, &p->f->results, type);
        }
    } while (accept(p, ","));
}

static void parse_signature(struct parser *p) {
    expect(p, "func");
    skip_space(p);
    p->f->index = (uint32_t)read_digits(p, 10);
    expect(p, "(");
    if (!accept(p, ")")) {
        read_types(p, true);
        expect(p, ")");
    }
    if (accept(p, "->")) {
        read_types(p, false);
    }
}

/* Edges that no list of predecessors named, in the order of the blocks' numbers. */
static void add_preds(struct parser *p) {
    struct func *f = p->f;
    for (block_id_t b = 0; b < f->blocks.len; b++) {
        for (uint32_t k = 0; k < f->blocks.at[b].succs.len; k++) {
            block_id_t to = f->blocks.at[b].succs.at[k];
            if (!p->has_preds.at[to]) {
                vec_push(p->arena, &f->blocks.at[to].preds, b);
            }
        }
    }
}

static void parse_body(struct parser *p) {
    VEC(struct pending) later = {0};
    VEC(block_id_t) later_block = {0};
    block_id_t block = BLOCK_NONE;
    while (!p->failed && !accept(p, "}")) {
        if (p->at == p->end) {
            fail(p, "} expected");
        } else if (at_index(p, 'b')) {
            block = parse_block_head(p);
        } else if (block == BLOCK_NONE) {
            fail(p, "block expected");
        } else {
            struct pending x = {0};
            parse_inst(p, &x, block);
            vec_push(p->arena, &later, x);
            vec_push(p->arena, &later_block, block);
        }
    }
    /* Named ones first, to know which numbers are free; then all in their order. */
    value_t last = 0;
    for (uint32_t k = 0; k < later.len; k++) {
        last = later.at[k].has_name && later.at[k].name > last ? later.at[k].name : last;
    }
    vec_resize(p->arena, &p->f->insts, last + 1);
    for (uint32_t k = 0; k < later.len && !p->failed; k++) {
        place(p, &later.at[k], later_block.at[k]);
    }
    add_preds(p);
    p->f->has_copies = true; /* for all that is known of the text */
}

status_t parse_func(struct arena *arena, const struct module *module, const char *text, size_t size,
                    struct func **func_out, size_t *size_out, struct parse_error *error_out) {
    struct parser p = {
        .at = text,
        .end = text + size,
        .line = 1,
        .error = error_out,
        .arena = arena,
    };
    p.f = func_new(arena, module, 0);
    parse_signature(&p);
    expect(&p, "{");
    parse_body(&p);
    if (!p.failed && (p.f->blocks.len == 0 || !p.f->blocks.at[0].first)) {
        fail(&p, "no entry block");
    }
    if (size_out) {
        *size_out = (size_t)(p.at - text);
    }
    *func_out = p.f;
    return p.failed ? STATUS_BAD_FORMAT : STATUS_OK;
}
