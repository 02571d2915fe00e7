/*
 * Import resolution and matching, and the text that says what is wrong.
 *
 * What an import is declared as and what was found for it are both brought into one shape, struct
 * external, so that matching and printing exist once. A memory or table is found with its present
 * size as its minimum, as the specification has it.
 */
#include "wasm/runtime/link.h"

#include "base/fmt.h"
#include "wasm/runtime/store.h"

struct external {
    enum extern_kind kind;
    type_id_t func;       /* EXTERN_FUNC */
    valtype_t type;       /* of a global, or of a table's elements */
    bool is_mutable;      /* EXTERN_GLOBAL */
    struct limits limits; /* EXTERN_TABLE, EXTERN_MEMORY */
};

static const char *const kind_names[] = {
    [EXTERN_FUNC] = "function", [EXTERN_TABLE] = "table", [EXTERN_MEMORY] = "memory",
    [EXTERN_GLOBAL] = "global", [EXTERN_TAG] = "tag",
};

static struct external declared(const struct module *m, const struct import *import) {
    struct external e = {.kind = import->kind};
    switch (import->kind) {
    case EXTERN_FUNC:
        e.func = m->funcs[import->index].type;
        break;
    case EXTERN_TABLE:
        e.type = m->tables[import->index].elem;
        e.limits = m->tables[import->index].limits;
        break;
    case EXTERN_MEMORY:
        e.limits = m->memories[import->index].limits;
        break;
    case EXTERN_GLOBAL:
        e.type = m->globals[import->index].type;
        e.is_mutable = m->globals[import->index].is_mutable;
        break;
    case EXTERN_TAG:
        break;
    }
    return e;
}

static struct external found(const struct wasm_extern *object) {
    struct external e = {.kind = object->kind};
    const struct wasm_table *table = object->object;
    const struct wasm_memory *memory = object->object;
    const struct wasm_global *global = object->object;
    switch (object->kind) {
    case EXTERN_FUNC:
        e.func = ((const struct wasm_func *)object->object)->type;
        break;
    case EXTERN_TABLE:
        e.type = table->elem;
        e.limits = table->limits;
        e.limits.min = table->len;
        break;
    case EXTERN_MEMORY:
        e.limits = memory->limits;
        e.limits.min = memory->pages;
        break;
    case EXTERN_GLOBAL:
        e.type = global->type;
        e.is_mutable = global->is_mutable;
        break;
    case EXTERN_TAG:
        break;
    }
    return e;
}

static bool limits_match(const struct limits *actual, const struct limits *wanted) {
    if (actual->is_64 != wanted->is_64 || actual->is_shared != wanted->is_shared ||
        actual->min < wanted->min) {
        return false;
    }
    return !wanted->has_max || (actual->has_max && actual->max <= wanted->max);
}

static bool types_equal(const struct types *types, valtype_t a, valtype_t b) {
    return types_is_sub(types, a, b) && types_is_sub(types, b, a);
}

static bool matches(const struct types *types, const struct external *actual,
                    const struct external *wanted) {
    if (actual->kind != wanted->kind) {
        return false;
    }
    switch (wanted->kind) {
    case EXTERN_FUNC:
        return types_is_sub_def(types, actual->func, wanted->func);
    case EXTERN_TABLE:
        return types_equal(types, actual->type, wanted->type) &&
               limits_match(&actual->limits, &wanted->limits);
    case EXTERN_MEMORY:
        return limits_match(&actual->limits, &wanted->limits);
    case EXTERN_GLOBAL:
        return actual->is_mutable == wanted->is_mutable &&
               (wanted->is_mutable ? types_equal(types, actual->type, wanted->type)
                                   : types_is_sub(types, actual->type, wanted->type));
    case EXTERN_TAG:
        break;
    }
    return false;
}

/* ---- texts -------------------------------------------------------------------------------- */

static void print_valtypes(struct sink *out, const valtype_t *types, uint32_t count) {
    char name[32];
    fmt_print(out, "(");
    for (uint32_t i = 0; i < count && i < LIMIT_PARAMS; i++) {
        fmt_print(out, "%s%s", i ? " " : "", types_name(types[i], name, sizeof(name)));
    }
    fmt_print(out, ")");
}

static void print_limits(struct sink *out, const struct limits *limits) {
    fmt_print(out, " %llu..", (unsigned long long)limits->min);
    if (limits->has_max) {
        fmt_print(out, "%llu", (unsigned long long)limits->max);
    }
}

static void print_external(struct sink *out, const struct types *types, const struct external *e) {
    char name[32];
    fmt_print(out, "%s", kind_names[e->kind]);
    switch (e->kind) {
    case EXTERN_FUNC: {
        const struct type_def *def = types_get(types, e->func);
        fmt_print(out, " ");
        print_valtypes(out, def->params, def->param_count);
        fmt_print(out, " -> ");
        print_valtypes(out, def->results, def->result_count);
        break;
    }
    case EXTERN_TABLE:
        fmt_print(out, " of %s", types_name(e->type, name, sizeof(name)));
        print_limits(out, &e->limits);
        break;
    case EXTERN_MEMORY:
        print_limits(out, &e->limits);
        break;
    case EXTERN_GLOBAL:
        fmt_print(out, " %s%s", e->is_mutable ? "mutable " : "",
                  types_name(e->type, name, sizeof(name)));
        break;
    case EXTERN_TAG:
        break;
    }
}

static status_t refuse(const struct types *types, const struct import *import,
                       const struct external *wanted, const struct external *actual,
                       struct wasm_error *error_out) {
    *error_out = (struct wasm_error){.status = STATUS_UNLINKABLE};
    struct text_sink text = fmt_open_text(error_out->text, sizeof(error_out->text));
    struct sink *out = &text.sink;
    fmt_print(out, "%s: \"%.*s\" \"%.*s\": expected ",
              actual ? "incompatible import type" : "unknown import", (int)import->module.size,
              import->module.at, (int)import->field.size, import->field.at);
    print_external(out, types, wanted);
    if (actual) {
        fmt_print(out, ", found ");
        print_external(out, types, actual);
    }
    return STATUS_UNLINKABLE;
}

status_t link_resolve(const struct wasm_store *store, const struct module *module,
                      struct wasm_extern *objects_out, struct wasm_error *error_out) {
    for (uint32_t i = 0; i < module->import_count; i++) {
        const struct import *import = &module->imports[i];
        struct external wanted = declared(module, import);
        const struct wasm_extern *object = store_find(store, import->module, import->field);
        if (!object) {
            return refuse(store->types, import, &wanted, NULL, error_out);
        }
        struct external actual = found(object);
        if (!matches(store->types, &actual, &wanted)) {
            return refuse(store->types, import, &wanted, &actual, error_out);
        }
        objects_out[i] = *object;
    }
    return STATUS_OK;
}
