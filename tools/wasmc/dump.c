/*
 * wasmc dump: a function after any pass of the compiler, or its machine code.
 *
 *     wasmc dump [--after=PASS] [--func=N|NAME] [--isa=ISA] FILE
 *     wasmc --dump-after=PASS ...                                 the same
 *     wasmc disassemble [--func=N|NAME] [--isa=ISA] FILE          the same as --after=code
 *
 * PASS is a row of compile_passes[], "all" of them (the default), or "code" for the disassembly. Without
 * --func every function is shown. ISA is as in a device tree; rv64gc_zba_zbb_zbs if none is given.
 */
#include "test/support/heap.h"
#include "tools/wasmc/wasmc.h"
#include "wasm/codegen/riscv64/features.h"
#include "wasm/compile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct dump {
    const char *after;
    const char *func;
    const char *path;
    uint64_t features;
};

static void write_stdout(struct sink *sink, const char *text, size_t len) {
    (void)sink;
    fwrite(text, 1, len, stdout);
}

static bool is_pass(const char *name) {
    for (const char *const *pass = compile_passes; *pass; pass++) {
        if (strcmp(*pass, name) == 0) {
            return true;
        }
    }
    return strcmp(name, "all") == 0 || strcmp(name, "code") == 0;
}

static bool parse_arguments(int argc, char **argv, struct dump *d) {
    *d = (struct dump){.after = "all", .features = features_parse("rv64gc_zba_zbb_zbs")};
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--after=", 8) == 0 || strncmp(argv[i], "--dump-after=", 13) == 0) {
            d->after = strchr(argv[i], '=') + 1;
        } else if (strncmp(argv[i], "--func=", 7) == 0) {
            d->func = argv[i] + 7;
        } else if (strncmp(argv[i], "--isa=", 6) == 0) {
            d->features = features_parse(argv[i] + 6);
        } else if (argv[i][0] == '-' || d->path) {
            return false;
        } else {
            d->path = argv[i];
        }
    }
    if (!is_pass(d->after)) {
        fprintf(stderr, "wasmc: no pass %s; there are:", d->after);
        for (const char *const *pass = compile_passes; *pass; pass++) {
            fprintf(stderr, " %s", *pass);
        }
        fputs(" all code\n", stderr);
        return false;
    }
    return d->path != NULL;
}

static bool is_wanted(const struct dump *d, const struct module *m, uint32_t index) {
    if (!d->func) {
        return true;
    }
    const struct name *name = &m->funcs[index].name;
    if (name->size == strlen(d->func) && memcmp(name->at, d->func, name->size) == 0) {
        return true;
    }
    char *end;
    unsigned long number = strtoul(d->func, &end, 10);
    return *end == '\0' && end != d->func && number == index;
}

static void print_code(const struct code *code) {
    char line[80];
    for (uint32_t at = 0; at < code->size;) {
        uint32_t size =
            target_riscv64.disassemble(code->bytes + at, code->size - at, at, line, sizeof(line));
        printf("%6x  %s\n", at, line);
        at += size > 0 ? size : 2;
    }
}

static int dump_func(const struct dump *d, const struct module *m, uint32_t index,
                     const struct layout *layout) {
    struct sink out = {write_stdout};
    struct compile_options options = {
        .target = &target_riscv64,
        .target_options = {.features = d->features},
        .verify = true,
        .dump_after = d->after,
        .dump = &out,
    };
    struct arena arena;
    arena_init(&arena, &heap_source);
    struct code *code;
    const struct name *name = &m->funcs[index].name;
    printf("; function %u %.*s\n", index, (int)name->size, name->at);
    status_t status = compile_func(m, index, layout, &options, &arena, &code);
    if (status != STATUS_OK) {
        fprintf(stderr, "wasmc: %s: function %u: %s\n", d->path, index, status_text(status));
    } else if (strcmp(d->after, "code") == 0) {
        print_code(code);
    }
    arena_fini(&arena);
    return status == STATUS_OK ? EXIT_OK : EXIT_BAD_INPUT;
}

static int dump_module(const struct dump *d, const struct module *m) {
    struct arena arena;
    arena_init(&arena, &heap_source);
    const struct layout *layout = layout_new(&arena, m);
    int status = EXIT_OK;
    bool is_found = false;
    for (uint32_t k = m->func_imports; k < m->func_count && status == EXIT_OK; k++) {
        if (is_wanted(d, m, k)) {
            is_found = true;
            status = dump_func(d, m, k, layout);
        }
    }
    if (d->func && !is_found) {
        fprintf(stderr, "wasmc: %s: no function %s\n", d->path, d->func);
        status = EXIT_BAD_INPUT;
    }
    arena_fini(&arena);
    return status;
}

static int dump_file(const struct dump *d) {
    struct input input;
    struct wasm_error error;
    int status = EXIT_BAD_INPUT;
    if (input_open(&input, d->path, wasm_features_enabled, &error)) {
        if (input.module) {
            status = dump_module(d, input.module);
        } else {
            input_report(&input, &error);
        }
    }
    input_close(&input);
    return status;
}

int command_dump(int argc, char **argv) {
    struct dump d;
    return parse_arguments(argc, argv, &d) ? dump_file(&d) : EXIT_BAD_USAGE;
}

int command_disassemble(int argc, char **argv) {
    struct dump d;
    if (!parse_arguments(argc, argv, &d)) {
        return EXIT_BAD_USAGE;
    }
    d.after = "code";
    return dump_file(&d);
}
