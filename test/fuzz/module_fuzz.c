/*
 * Any bytes as a module: with the features that are enabled, with all, and with little memory. What
 * is accepted is then read the way later stages do.
 *
 *     make fuzz, or build/fuzz/module_fuzz CORPUS SEEDS...
 */
#include "base/fmt.h"
#include "test/support/heap.h"
#include "wasm/module/instr.h"
#include "wasm/module/module.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void drop_text(struct sink *sink, const char *text, size_t len) {
    (void)sink;
    (void)text;
    (void)len;
}

/* Past the locals, instruction by instruction to the last `end`. */
static void read_body(const struct func_decl *func) {
    struct sink sink = {drop_text};
    struct reader r;
    struct instr instr = {0};
    reader_init(&r, func->body, func->body_size);
    uint32_t groups = reader_leb_u32(&r);
    for (uint32_t i = 0; i < groups; i++) {
        reader_leb_u32(&r);
        instr_read_valtype(&r);
    }
    while (reader_left(&r) > 0) {
        bool is_read = instr_read(&r, &instr);
        assert(is_read);
        instr_print(&sink, &instr);
    }
    assert(instr.op == INSTR_END && reader_ok(&r));
}

static void read_module(const struct module *m) {
    char name[32];
    for (uint32_t i = 0; i < m->func_count; i++) {
        assert(module_func_type(m, i)->kind == TYPE_FUNC);
        module_func_name(m, i, name, sizeof(name));
        assert(strlen(name) < sizeof(name));
        if (i >= m->func_imports) {
            read_body(&m->funcs[i]);
        }
    }
    for (uint32_t i = 0; i < m->export_count; i++) {
        const struct export *export = &m->exports[i];
        assert(module_find_export(m, export->name.at, export->name.size) == export);
    }
}

static void load(const uint8_t *bytes, size_t size, wasm_features_t features, int chunks) {
    struct heap_limited heap;
    heap_limit(&heap, chunks);
    struct arena types_arena;
    arena_init(&types_arena, &heap.source);
    struct types *types = types_new(&types_arena, 0);
    struct module *m;
    struct wasm_error error;
    if (types) {
        status_t status = module_load_with(&m, &heap.source, types, bytes, size, features, &error);
        assert(status == error.status);
        if (status == STATUS_OK) {
            read_module(m);
            module_free(m);
        } else {
            assert(error.text[0] != '\0');
            assert((status == STATUS_UNSUPPORTED) == (error.feature != NULL));
        }
    }
    arena_fini(&types_arena);
    assert(heap.held == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    load(bytes, size, wasm_features_enabled, 1000);
    load(bytes, size, ~(wasm_features_t)0, 1000);
    load(bytes, size, ~(wasm_features_t)0, size > 0 ? bytes[size - 1] % 8 : 0);
    return 0;
}
