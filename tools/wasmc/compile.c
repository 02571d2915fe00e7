/*
 * wasmc compile: every function of modules through the whole compiler, and what it came to.
 *
 *     wasmc compile [--verify] [--isa=ISA] FILE...
 *
 * One line a file: functions, bytes of bytecode, bytes of machine code, and a hash of the latter (FNV-1a):
 * equal before and after a change that only makes the compiler quicker. --verify runs the verifiers
 * between the passes. What a pass costs is for a profiler to say, over this command.
 */
#include "wasm/compile.h"
#include "test/support/heap.h"
#include "tools/wasmc/wasmc.h"
#include "wasm/codegen/riscv64/features.h"

#include <stdio.h>
#include <string.h>

struct totals {
    uint32_t functions;
    uint64_t bytecode, machine_code;
    uint64_t hash; /* of the machine code */
};

static uint64_t hash_more(uint64_t hash, const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ bytes[i]) * 0x100000001b3;
    }
    return hash;
}

/* Code is dropped as soon as it is counted. */
static status_t compile_one(const struct module *m, uint32_t index, const struct layout *layout,
                            const struct compile_options *options, struct totals *totals) {
    struct arena arena;
    struct code *code;
    arena_init(&arena, &heap_source);
    status_t status = compile_func(m, index, layout, options, &arena, &code);
    if (status == STATUS_OK) {
        totals->functions++;
        totals->bytecode += m->funcs[index].body_size;
        totals->machine_code += code->size;
        totals->hash = hash_more(totals->hash, code->bytes, code->size);
    }
    arena_fini(&arena);
    return status;
}

static int compile_module(const struct input *input, const struct compile_options *options) {
    const struct module *m = input->module;
    struct totals totals = {.hash = 0xcbf29ce484222325};
    struct arena arena;
    status_t status = STATUS_OK;
    arena_init(&arena, &heap_source);
    const struct layout *layout = layout_new(&arena, m);
    for (uint32_t i = m->func_imports; i < m->func_count && status == STATUS_OK; i++) {
        status = compile_one(m, i, layout, options, &totals);
        if (status != STATUS_OK) {
            fprintf(stderr, "wasmc: %s: function %u: %s\n", input->path, i, status_text(status));
        }
    }
    arena_fini(&arena);
    printf("%s: %u functions, %llu bytes of bytecode, %llu of machine code, hash %016llx\n",
           input->path, totals.functions, (unsigned long long)totals.bytecode,
           (unsigned long long)totals.machine_code, (unsigned long long)totals.hash);
    return status == STATUS_OK ? EXIT_OK : EXIT_BAD_INPUT;
}

static int compile_file(const char *path, const struct compile_options *options) {
    struct input input;
    struct wasm_error error;
    int status = EXIT_BAD_INPUT;
    if (input_open(&input, path, wasm_features_enabled, &error)) {
        if (input.module) {
            status = compile_module(&input, options);
        } else {
            input_report(&input, &error);
        }
    }
    input_close(&input);
    return status;
}

int command_compile(int argc, char **argv) {
    struct compile_options options = {
        .target = &target_riscv64,
        .target_options = {.features = features_parse("rv64gc_zba_zbb_zbs")},
    };
    int i = 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "--verify") == 0) {
            options.verify = true;
        } else if (strncmp(argv[i], "--isa=", 6) == 0) {
            options.target_options.features = features_parse(argv[i] + 6);
        } else {
            return EXIT_BAD_USAGE;
        }
    }
    if (i == argc) {
        return EXIT_BAD_USAGE;
    }
    int status = EXIT_OK;
    for (; i < argc; i++) {
        int file_status = compile_file(argv[i], &options);
        status = file_status == EXIT_OK ? status : file_status;
    }
    return status;
}
