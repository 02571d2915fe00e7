/*
 * Loading a module: module_load(), its errors, the gate for features, and the small things that all
 * sections are made of. The way through: sections_decode() reads section after section and
 * validates each against what came before (core 3.0, chapters 3 and 5); function bodies go to
 * validate_body().
 */
#include "wasm/module/internal.h"

#include "wasm/limits.h"

#include <assert.h>
#include <setjmp.h>
#include <string.h>

/* ---- errors */

static void append_place(struct loader *ld, size_t offset) {
    struct wasm_error *e = ld->error;
    size_t len = strlen(e->text);
    char *rest = e->text + len;
    size_t cap = sizeof(e->text) - len;
    if (ld->func != INDEX_NONE && ld->instr) {
        fmt_text(rest, cap, " (function %u, %s, offset 0x%zx)", ld->func, ld->instr, offset);
    } else if (ld->func != INDEX_NONE) {
        fmt_text(rest, cap, " (function %u, offset 0x%zx)", ld->func, offset);
    } else {
        fmt_text(rest, cap, " (offset 0x%zx)", offset);
    }
}

void load_fail(struct loader *ld, status_t status, size_t offset, const char *format, ...) {
    struct wasm_error *e = ld->error;
    if (e->status != STATUS_OK) {
        return;
    }
    e->status = status;
    e->offset = offset;
    va_list args;
    va_start(args, format);
    fmt_vtext(e->text, sizeof(e->text), format, args);
    va_end(args);
    append_place(ld, offset);
}

void load_check_reader(struct loader *ld, const struct reader *r) {
    if (r->fault) {
        load_fail(ld, STATUS_BAD_FORMAT, r->fault_offset, "%s", r->fault);
    }
}

bool load_need(struct loader *ld, enum wasm_feature feature, size_t offset, const char *what) {
    if (wasm_features_has(ld->features, feature)) {
        return true;
    }
    if (load_ok(ld)) {
        ld->error->feature = wasm_feature_text(feature);
    }
    load_fail(ld, STATUS_UNSUPPORTED, offset, "unsupported feature: %s: %s",
              wasm_feature_text(feature), what);
    return false;
}

/* ---- counts and names */

uint32_t load_count(struct loader *ld, uint32_t limit, const char *what) {
    size_t offset = reader_offset(&ld->r);
    uint32_t count = reader_leb_u32(&ld->r);
    load_check_reader(ld, &ld->r);
    if (count > limit) {
        load_fail(ld, STATUS_LIMIT, offset, "too many %s: %u, the limit is %u", what, count, limit);
    } else if (count > reader_left(&ld->r)) {
        load_fail(ld, STATUS_BAD_FORMAT, offset, "unexpected end: %u %s", count, what);
    }
    return load_ok(ld) ? count : 0;
}

static bool is_continuation(uint8_t byte) {
    return (byte & 0xc0) == 0x80;
}

/* Bytes of the well-formed character at `at` (Unicode 15, table 3-7), or 0. */
static uint32_t utf8_length(const uint8_t *at, uint32_t left) {
    uint8_t lead = at[0];
    if (lead < 0x80) {
        return 1;
    }
    uint32_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || left < length) {
        return 0;
    }
    for (uint32_t i = 1; i < length; i++) {
        if (!is_continuation(at[i])) {
            return 0;
        }
    }
    bool is_overlong = (lead == 0xe0 && at[1] < 0xa0) || (lead == 0xf0 && at[1] < 0x90);
    bool is_surrogate = lead == 0xed && at[1] >= 0xa0;
    bool is_too_large = lead == 0xf4 && at[1] >= 0x90;
    return is_overlong || is_surrogate || is_too_large ? 0 : length;
}

bool load_is_utf8(const uint8_t *at, uint32_t size) {
    while (size > 0) {
        uint32_t length = utf8_length(at, size);
        if (length == 0) {
            return false;
        }
        at += length;
        size -= length;
    }
    return true;
}

struct name load_name(struct loader *ld, struct reader *r) {
    size_t offset = reader_offset(r);
    uint32_t size = reader_leb_u32(r);
    const uint8_t *at = reader_bytes(r, size);
    load_check_reader(ld, r);
    if (!at) {
        return (struct name){"", 0};
    }
    arena_poll(&ld->scratch);
    if (size > LIMIT_NAME) {
        load_fail(ld, STATUS_LIMIT, offset, "name too long: %u bytes, the limit is %u", size,
                  LIMIT_NAME);
    } else if (!load_is_utf8(at, size)) {
        load_fail(ld, STATUS_BAD_FORMAT, offset, "malformed UTF-8 encoding");
    }
    return (struct name){(const char *)at, size};
}

/* ---- types */

/* The feature that brought a type. */
static enum wasm_feature feature_of_type(valtype_t type) {
    switch (valtype_kind(type)) {
    case VAL_V128:
        return WASM_FEATURE_SIMD;
    case VAL_I8:
    case VAL_I16:
        return WASM_FEATURE_GC;
    case VAL_REF:
        break;
    default:
        return WASM_FEATURE_CORE;
    }
    switch (valtype_heap(type)) {
    case HEAP_FUNC:
    case HEAP_EXTERN:
        return valtype_is_nullable(type) ? WASM_FEATURE_REFERENCE_TYPES
                                         : WASM_FEATURE_FUNCTION_REFERENCES;
    case HEAP_EXN:
    case HEAP_NOEXN:
        return WASM_FEATURE_EXCEPTIONS;
    default:
        return valtype_heap(type) >= HEAP_CONCRETE ? WASM_FEATURE_FUNCTION_REFERENCES
                                                   : WASM_FEATURE_GC;
    }
}

valtype_t load_resolve(struct loader *ld, valtype_t raw, size_t offset) {
    enum wasm_feature feature = feature_of_type(raw);
    if (feature != WASM_FEATURE_CORE) {
        char name[32];
        if (!load_need(ld, feature, offset, types_name(raw, name, sizeof(name)))) {
            return VAL_BOTTOM;
        }
    }
    if (!valtype_is_ref(raw) || valtype_heap(raw) < HEAP_CONCRETE) {
        return raw;
    }
    uint32_t index = valtype_heap(raw) - HEAP_CONCRETE;
    if (index >= ld->m->type_count) {
        load_fail(ld, STATUS_INVALID, offset, "unknown type %u", index);
        return VAL_BOTTOM;
    }
    return module_resolve(ld->m, raw);
}

valtype_t load_valtype(struct loader *ld, struct reader *r) {
    size_t offset = reader_offset(r);
    valtype_t raw = instr_read_valtype(r);
    load_check_reader(ld, r);
    return load_resolve(ld, raw, offset);
}

valtype_t load_reftype(struct loader *ld, struct reader *r) {
    size_t offset = reader_offset(r);
    valtype_t raw = instr_read_reftype(r);
    load_check_reader(ld, r);
    return load_resolve(ld, raw, offset);
}

const struct type_def *load_func_type(struct loader *ld, uint32_t type_index, size_t offset) {
    if (type_index >= ld->m->type_count) {
        load_fail(ld, STATUS_INVALID, offset, "unknown type %u", type_index);
        return NULL;
    }
    const struct type_def *type = types_get(ld->m->types, ld->m->type_ids[type_index]);
    if (type->kind != TYPE_FUNC) {
        load_fail(ld, STATUS_INVALID, offset, "type mismatch: type %u is not a function type",
                  type_index);
        return NULL;
    }
    return type;
}

/* ---- the entry */

/* Where both arenas go when there is no more memory, or no more use for any. */
static void out_of_memory(void *ctx) {
    longjmp(*(jmp_buf *)ctx, 1);
}

static void set_exhausted(struct arena *arena, jmp_buf *to) {
    arena->exhausted = to ? out_of_memory : NULL;
    arena->exhausted_ctx = to;
}

/* Its own function so that no variable of it lives across the jump. */
static void load(struct loader *ld) {
    jmp_buf exhausted;
    if (setjmp(exhausted) != 0) {
        if (arena_is_killed(&ld->scratch)) {
            load_fail(ld, STATUS_KILLED, 0, "killed");
        } else {
            load_fail(ld, STATUS_NO_MEMORY, 0, "out of memory for the module");
        }
        return;
    }
    set_exhausted(&ld->m->arena, &exhausted);
    set_exhausted(&ld->scratch, &exhausted);
    struct reader r;
    reader_init(&r, ld->m->bytes, ld->m->size);
    sections_decode(ld, &r);
    if (load_ok(ld)) {
        names_decode(ld);
    }
}

/* An empty module at the start of its own arena. */
static struct module *new_module(const struct arena_source *source, struct types *types) {
    struct arena arena;
    arena_init(&arena, source);
    struct module *m = arena_new(&arena, struct module);
    if (m) {
        m->arena = arena;
        m->start = INDEX_NONE;
        m->types = types;
        map_init(&m->export_map, &m->arena, types_seed(types));
    }
    return m;
}

status_t module_load_with(struct module **module_out, const struct arena_source *source,
                          struct types *types, const void *bytes, size_t size,
                          wasm_features_t features, struct wasm_error *error_out) {
    *error_out = (struct wasm_error){.status = STATUS_OK};
    struct loader ld = {.features = features, .error = error_out, .func = INDEX_NONE};
    ld.m = new_module(source, types);
    if (!ld.m) {
        load_fail(&ld, STATUS_NO_MEMORY, 0, "out of memory for the module");
        return error_out->status;
    }
    ld.m->bytes = bytes;
    ld.m->size = size;
    arena_init(&ld.scratch, source);
    if (size > LIMIT_MODULE_SIZE) {
        load_fail(&ld, STATUS_LIMIT, 0, "module too large: the limit is %u bytes",
                  LIMIT_MODULE_SIZE);
    } else {
        load(&ld);
    }
    arena_fini(&ld.scratch);
    set_exhausted(&ld.m->arena, NULL);
    if (!load_ok(&ld)) {
        module_free(ld.m);
        return error_out->status;
    }
    *module_out = ld.m;
    return STATUS_OK;
}

status_t module_load(struct module **module_out, const struct arena_source *source,
                     struct types *types, const void *bytes, size_t size,
                     struct wasm_error *error_out) {
    return module_load_with(module_out, source, types, bytes, size, wasm_features_enabled,
                            error_out);
}

void module_free(struct module *module) {
    struct arena arena = module->arena; /* the module lives in it */
    arena_fini(&arena);
}
