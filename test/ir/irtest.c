/*
 * Tests of the compiler's passes, in files of small cases.
 *
 *     irtest [--update] FILE.ir...      cases, each compared with what it expects
 *     irtest --compile FILE.wasm...     every function compiled, all verifiers on
 *
 * A case is a title with the passes to run, a function, and the function expected:
 *
 *     === add of zero: fold dce
 *     func 0 (i32) -> i32 { ... }
 *     ---
 *     func 0 (i32) -> i32 { ... }
 *
 * or, in place of the second function, `fault: TEXT` for what the parser or the verifier must say.
 * The verifier runs before the passes and after each. Before they are compared both functions are
 * renumbered in the order of their blocks, so that only structure counts. --update writes into the file
 * what came out.
 */
#include "base/fmt.h"
#include "test/support/heap.h"
#include "wasm/compile.h"
#include "wasm/ir/analysis.h"
#include "wasm/ir/parse.h"
#include "wasm/ir/print.h"
#include "wasm/ir/verify.h"
#include "wasm/opt/opt.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned number, passed, failed, skipped;

struct text {
    struct sink sink;
    struct arena *arena;
    VEC(char) chars;
};

static void write_text(struct sink *sink, const char *at, size_t len) {
    struct text *t = (struct text *)sink;
    for (size_t k = 0; k < len; k++) {
        vec_push(t->arena, &t->chars, at[k]);
    }
}

static struct text *text_new(struct arena *arena) {
    struct text *t = arena_new(arena, struct text);
    t->sink.write = write_text;
    t->arena = arena;
    return t;
}

static const char *text_end(struct text *t) {
    vec_push(t->arena, &t->chars, '\0');
    return t->chars.at;
}

static void out_of_memory(void *ctx) {
    (void)ctx;
    fputs("irtest: out of memory\n", stderr);
    exit(1);
}

static void arena_open(struct arena *arena) {
    arena_init(arena, &heap_source);
    arena->exhausted = out_of_memory;
}

/* ---- comparing */

/* A copy with values and blocks numbered in the order in which they are printed. */
static struct func *renumber(struct arena *arena, struct func *f) {
    analysis_run(f);
    struct func *g = func_new(arena, f->module, f->index);
    g->params.at = f->params.at;
    g->params.len = f->params.len;
    g->results.at = f->results.at;
    g->results.len = f->results.len;
    value_t *name = arena_array(arena, value_t, f->insts.len);
    block_id_t *block = arena_array(arena, block_id_t, f->blocks.len);
    for (uint32_t n = 0; n < f->order.len; n++) {
        block[f->order.at[n]] = func_add_block(g);
        for (value_t v = f->blocks.at[f->order.at[n]].first; v; v = func_inst(f, v)->next) {
            const struct inst *i = func_inst(f, v);
            name[v] = func_add_inst(g, (enum ir_op)i->op, (enum ir_type)i->type, i->argc);
            func_append(g, n, name[v]);
        }
    }
    for (uint32_t n = 0; n < f->order.len; n++) {
        const struct block *b = &f->blocks.at[f->order.at[n]];
        for (uint32_t k = 0; k < b->succs.len; k++) {
            vec_push(arena, &g->blocks.at[n].succs, block[b->succs.at[k]]);
        }
        for (uint32_t k = 0; k < b->preds.len; k++) {
            vec_push(arena, &g->blocks.at[n].preds, block[b->preds.at[k]]);
        }
        for (value_t v = b->first; v; v = func_inst(f, v)->next) {
            struct inst *from = func_inst(f, v), *to = func_inst(g, name[v]);
            to->sub = from->sub;
            to->aux = from->aux;
            to->imm = from->imm;
            to->pos = from->pos;
            for (uint32_t k = 0; k < from->argc; k++) {
                inst_args(to)[k] = name[func_resolve(f, inst_args(from)[k])];
            }
        }
    }
    analysis_run(g);
    return g;
}

static const char *func_text(struct arena *arena, struct func *f) {
    struct text *t = text_new(arena);
    print_func(&t->sink, renumber(arena, f));
    return text_end(t);
}

/* ---- one case */

struct span {
    const char *at;
    size_t size;
};

struct test_case {
    struct span title, passes, input, expected;
};

static const char *parse_text(struct arena *arena, struct span text, struct func **f_out) {
    struct parse_error error;
    if (parse_func(arena, NULL, text.at, text.size, f_out, NULL, &error) != STATUS_OK) {
        char *fault = arena_alloc(arena, 200);
        fmt_text(fault, 200, "line %u: %s", error.line, error.text);
        return fault;
    }
    const char *fault = verify_run(*f_out);
    if (!fault) {
        /* What is printed reads back as the same. */
        struct text *once = text_new(arena), *twice = text_new(arena);
        struct func *again;
        print_func(&once->sink, *f_out);
        const char *first = text_end(once);
        if (parse_func(arena, NULL, first, strlen(first), &again, NULL, &error) != STATUS_OK) {
            return "what was printed does not parse";
        }
        analysis_run(again);
        print_func(&twice->sink, again);
        if (strcmp(first, text_end(twice)) != 0) {
            return "printing and parsing differ";
        }
    }
    return fault;
}

static const char *run_passes(struct func *f, struct span passes) {
    const char *at = passes.at, *end = passes.at + passes.size;
    while (at < end) {
        const char *from = at;
        while (at < end && *at != ' ') {
            at++;
        }
        if (at > from) {
            pass_fn pass = pass_find(from, (size_t)(at - from));
            if (!pass) {
                return "no such pass";
            }
            pass(f);
            const char *fault = verify_run(f);
            if (fault) {
                return fault;
            }
        }
        at++;
    }
    return NULL;
}

/* What the case comes to: a function's text, or a line `fault: TEXT`. */
static const char *run_case(struct arena *arena, const struct test_case *c) {
    struct func *f;
    const char *fault = parse_text(arena, c->input, &f);
    if (!fault) {
        fault = run_passes(f, c->passes);
    }
    if (!fault) {
        return func_text(arena, f);
    }
    struct text *t = text_new(arena);
    fmt_print(&t->sink, "fault: %s\n", fault);
    return text_end(t);
}

static const char *expected_text(struct arena *arena, const struct test_case *c) {
    struct func *f;
    if (c->expected.size >= 6 && memcmp(c->expected.at, "fault:", 6) == 0) {
        return arena_strndup(arena, c->expected.at, c->expected.size);
    }
    const char *fault = parse_text(arena, c->expected, &f);
    return fault ? fault : func_text(arena, f);
}

static void report(bool is_ok, const char *file, struct span title) {
    passed += is_ok;
    failed += !is_ok;
    printf("%sok %u - %s: %.*s\n", is_ok ? "" : "not ", ++number, file, (int)title.size, title.at);
}

static void check_case(struct arena *arena, const char *file, const struct test_case *c,
                       struct text *update) {
    const char *got = run_case(arena, c);
    if (update) {
        fmt_print(&update->sink, "=== %.*s:%.*s\n%.*s---\n%s\n", (int)c->title.size, c->title.at,
                  (int)c->passes.size, c->passes.at, (int)c->input.size, c->input.at, got);
        return;
    }
    const char *want = expected_text(arena, c);
    bool is_ok = strcmp(got, want) == 0;
    report(is_ok, file, c->title);
    if (!is_ok) {
        printf("# got:\n%s# expected:\n%s", got, want);
    }
}

/* ---- files of cases */

static struct span read_file(struct arena *arena, const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) {
        fprintf(stderr, "irtest: cannot read %s\n", path);
        exit(1);
    }
    struct text *t = text_new(arena);
    char buf[4096];
    size_t size;
    while ((size = fread(buf, 1, sizeof(buf), file)) > 0) {
        write_text(&t->sink, buf, size);
    }
    fclose(file);
    size = t->chars.len;
    return (struct span){text_end(t), size};
}

/* Up to the next line that starts with `mark`, or the end. */
static struct span take_until(struct span *rest, const char *mark) {
    struct span taken = {rest->at, 0};
    while (taken.size < rest->size) {
        const char *line = rest->at + taken.size;
        if (strncmp(line, mark, strlen(mark)) == 0) {
            break;
        }
        const char *end = memchr(line, '\n', rest->size - taken.size);
        taken.size = end ? (size_t)(end + 1 - rest->at) : rest->size;
    }
    rest->at += taken.size;
    rest->size -= taken.size;
    return taken;
}

static struct span take_line(struct span *rest) {
    const char *end = memchr(rest->at, '\n', rest->size);
    struct span line = {rest->at, end ? (size_t)(end - rest->at) : rest->size};
    size_t taken = line.size + (end != NULL);
    rest->at += taken;
    rest->size -= taken;
    return line;
}

static struct test_case take_case(struct span *rest) {
    struct test_case c = {0};
    struct span head = take_line(rest);
    if (head.size < 4) {
        fputs("irtest: a case without a title\n", stderr);
        exit(1);
    }
    const char *colon = memchr(head.at, ':', head.size);
    const char *title_end = colon ? colon : head.at + head.size;
    c.title = (struct span){head.at + 4, (size_t)(title_end - head.at - 4)};
    if (colon) {
        c.passes = (struct span){colon + 1, head.size - (size_t)(colon + 1 - head.at)};
    }
    c.input = take_until(rest, "---");
    (void)take_line(rest);
    c.expected = take_until(rest, "===");
    while (c.expected.size > 1 && c.expected.at[c.expected.size - 2] == '\n') {
        c.expected.size--;
    }
    return c;
}

static void run_file(const char *path, bool is_update) {
    struct arena file_arena;
    arena_open(&file_arena);
    struct span rest = read_file(&file_arena, path);
    struct text *update = is_update ? text_new(&file_arena) : NULL;
    struct span head = take_until(&rest, "===");
    if (update) {
        fmt_print(&update->sink, "%.*s", (int)head.size, head.at);
    }
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    while (rest.size > 0) {
        struct test_case c = take_case(&rest);
        struct arena arena;
        arena_open(&arena);
        check_case(&arena, name, &c, update);
        arena_fini(&arena);
    }
    if (update) {
        FILE *file = fopen(path, "wb");
        if (!file || fwrite(update->chars.at, 1, update->chars.len, file) != update->chars.len) {
            fprintf(stderr, "irtest: cannot write %s\n", path);
            exit(1);
        }
        fclose(file);
    }
    arena_fini(&file_arena);
}

/* ---- modules */

static void write_stdout(struct sink *sink, const char *text, size_t len) {
    (void)sink;
    fwrite(text, 1, len, stdout);
}

static bool compile_all(const struct module *m) {
    struct sink out = {write_stdout};
    struct compile_options options = {.target = &target_riscv64, .verify = true, .dump = &out};
    struct arena arena;
    arena_open(&arena);
    const struct layout *layout = layout_new(&arena, m);
    bool is_ok = true;
    for (uint32_t k = m->func_imports; k < m->func_count; k++) {
        struct arena_mark mark = arena_mark(&arena);
        struct code *code;
        status_t status = compile_func(m, k, layout, &options, &arena, &code);
        if (status != STATUS_OK) {
            printf("# function %u: %s\n", k, status_text(status));
            is_ok = false;
        }
        arena_reset(&arena, mark);
    }
    arena_fini(&arena);
    return is_ok;
}

/* A module that is refused is somebody else's test. */
static void compile_module(const char *path) {
    struct arena arena;
    arena_open(&arena);
    struct span bytes = read_file(&arena, path);
    struct types *types = types_new(&arena, 0);
    struct module *m;
    struct wasm_error error;
    if (module_load(&m, &heap_source, types, bytes.at, bytes.size, &error) == STATUS_OK) {
        report(compile_all(m), path, (struct span){"compiles", 8});
        module_free(m);
    }
    arena_fini(&arena);
}

int main(int argc, char **argv) {
    bool is_update = argc > 1 && strcmp(argv[1], "--update") == 0;
    bool is_compile = argc > 1 && strcmp(argv[1], "--compile") == 0;
    for (int k = 1 + (is_update || is_compile); k < argc; k++) {
        if (is_compile) {
            compile_module(argv[k]);
        } else {
            run_file(argv[k], is_update);
        }
    }
    printf("%u passed, %u failed, %u skipped\n", passed, failed, skipped);
    return failed == 0 ? 0 : 1;
}
