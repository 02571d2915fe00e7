/*
 * Stores: making and ending one, and what the host defines in it.
 *
 * Names are found by a hash of both parts; definitions with the same hash form a chain, newest
 * first, so that a later definition of a name hides an earlier one. The hash is seeded, because
 * names come from modules.
 */
#include "wasm/runtime/store.h"

#include "wasm/codegen/riscv64/abi.h"
#include "wasm/runtime/call.h"
#include "wasm/runtime/global.h"
#include "wasm/runtime/memory.h"
#include "wasm/runtime/table.h"

#include <string.h>

/* Room for what the host defines is taken in steps of this size. */
#define GUEST_STEP (4 * PLAT_PAGE_SIZE)

static status_t init(struct wasm_store *store) {
    store->types = types_new(&store->types_arena, store->hash_seed);
    if (!store->types) {
        return STATUS_NO_MEMORY;
    }
    TRY(plat_space_new(&store->space));
    TRY(codecache_init(store));
    return call_init_stack(store);
}

status_t wasm_store_new(const struct wasm_config *config, struct wasm_store **store_out) {
    struct arena arena;
    arena_init(&arena, plat_arena_source());
    struct wasm_store *store = arena_new(&arena, struct wasm_store);
    if (!store) {
        return STATUS_NO_MEMORY;
    }
    store->config = *config;
    store->arena = arena; /* which holds the store itself: freed last */
    arena_init(&store->types_arena, plat_arena_source());
    arena_init(&store->scratch, plat_arena_source());
    arena_init(&store->code.arena, plat_arena_source());
    plat_entropy(&store->hash_seed, sizeof(store->hash_seed));
    map_init(&store->definition_by_hash, &store->arena, store->hash_seed);
    status_t status = init(store);
    if (status != STATUS_OK) {
        wasm_store_free(store);
        return status;
    }
    *store_out = store;
    return STATUS_OK;
}

void wasm_store_free(struct wasm_store *store) {
    if (!store) {
        return;
    }
    for (struct wasm_module *module = store->modules, *next; module; module = next) {
        next = module->next;
        for (struct wasm_instance *instance = module->instances, *sibling; instance;
             instance = sibling) {
            sibling = instance->sibling;
            struct arena arena = instance->arena;
            arena_fini(&arena);
        }
        module_free(module->decoded);
        struct arena arena = module->arena;
        arena_fini(&arena);
    }
    codecache_fini(store);
    if (store->space) {
        plat_space_free(store->space); /* with every reservation in it */
    }
    arena_fini(&store->scratch);
    arena_fini(&store->types_arena);
    struct arena arena = store->arena;
    arena_fini(&arena);
}

void wasm_store_stats(const struct wasm_store *store, struct wasm_stats *stats_out) {
    *stats_out = (struct wasm_stats){
        .compiled_bytes = store->code.compiled_bytes,
        .compiled_functions = store->code.compiled_funcs,
        .machine_bytes = store->code.machine_bytes,
        .compile_instret = store->code.instret,
        .compile_ns = store->code.ns,
    };
    for (const struct wasm_module *m = store->modules; m; m = m->next) {
        stats_out->code_section_bytes += m->decoded->code_size;
        stats_out->functions += m->decoded->func_count - m->decoded->func_imports;
    }
}

/* ---- names -------------------------------------------------------------------------------- */

static uint64_t hash_names(const struct wasm_store *store, struct name module, struct name field) {
    uint64_t hash = hash_bytes(module.at, module.size, store->hash_seed);
    return hash_bytes(field.at, field.size, hash);
}

static bool names_equal(struct name a, struct name b) {
    return a.size == b.size && (a.size == 0 || memcmp(a.at, b.at, a.size) == 0);
}

const struct wasm_extern *store_find(const struct wasm_store *store, struct name module,
                                     struct name field) {
    uint32_t next;
    if (!map_get(&store->definition_by_hash, hash_names(store, module, field), &next)) {
        return NULL;
    }
    while (next != 0) {
        const struct definition *d = &store->definitions.at[next - 1];
        if (names_equal(d->module, module) && names_equal(d->field, field)) {
            return &d->object;
        }
        next = d->older;
    }
    return NULL;
}

static status_t copy_name(struct wasm_store *store, struct name *name) {
    name->at = arena_strndup(&store->arena, name->size ? name->at : "", name->size);
    return name->at ? STATUS_OK : STATUS_NO_MEMORY;
}

/* Names that outlive the store are kept, others must have been copied. */
static status_t define(struct wasm_store *store, struct name module, struct name field,
                       struct wasm_extern object) {
    struct definition d = {.module = module, .field = field, .object = object};
    uint64_t hash = hash_names(store, module, field);
    (void)map_get(&store->definition_by_hash, hash, &d.older);
    TRY_PUSH(&store->arena, &store->definitions, d);
    if (!map_put(&store->definition_by_hash, hash, store->definitions.len)) {
        store->definitions.len--;
        return STATUS_NO_MEMORY;
    }
    return STATUS_OK;
}

static status_t define_by_text(struct wasm_store *store, const char *module, const char *field,
                               enum extern_kind kind, void *object) {
    struct name m = {module, (uint32_t)strlen(module)}, f = {field, (uint32_t)strlen(field)};
    TRY(copy_name(store, &m));
    TRY(copy_name(store, &f));
    return define(store, m, f, (struct wasm_extern){kind, object});
}

/* ---- definitions -------------------------------------------------------------------------- */

/* `size` bytes of zeroed guest memory, 8-aligned, for as long as the store lives. */
static status_t guest_alloc(struct wasm_store *store, uint64_t size, gaddr_t *addr_out) {
    if (store->guest_end - store->guest_next < size) {
        gaddr_t addr;
        TRY(plat_reserve(store->space, GUEST_STEP, PLAT_PAGE_SIZE, &addr));
        status_t status = plat_commit(store->space, addr, GUEST_STEP);
        if (status != STATUS_OK) {
            plat_release(store->space, addr, GUEST_STEP);
            return status;
        }
        store->guest_next = addr;
        store->guest_end = addr + GUEST_STEP;
    }
    *addr_out = store->guest_next;
    store->guest_next += (size + 7) / 8 * 8;
    return STATUS_OK;
}

static bool all_integers(const valtype_t *types, uint32_t count, uint32_t most) {
    for (uint32_t i = 0; i < count; i++) {
        if (types[i] != VALTYPE_I32 && types[i] != VALTYPE_I64) {
            return false;
        }
    }
    return count <= most;
}

status_t wasm_define_func(struct wasm_store *store, const char *module, const char *name,
                          const valtype_t *params, uint32_t param_count, const valtype_t *results,
                          uint32_t result_count, wasm_host_fn fn, void *ctx) {
    if (param_count > LIMIT_PARAMS || result_count > LIMIT_RESULTS ||
        store->host_func_count >= LIMIT_HOST_FUNCS) {
        return STATUS_LIMIT;
    }
    struct type_def def = {.kind = TYPE_FUNC,
                           .is_final = true,
                           .super = TYPE_ID_NONE,
                           .param_count = param_count,
                           .result_count = result_count,
                           .params = params,
                           .results = results};
    struct wasm_func *func = arena_new(&store->arena, struct wasm_func);
    struct host_func *host = arena_new(&store->arena, struct host_func);
    if (!func || !host) {
        return STATUS_NO_MEMORY;
    }
    *host = (struct host_func){.fn = fn,
                               .ctx = ctx,
                               .store = store,
                               .in_registers = all_integers(params, param_count, ABI_ARG_REGS) &&
                                               all_integers(results, result_count, 1),
                               .gives_i32 = result_count > 0 && results[0] == VALTYPE_I32};
    func->host = host;
    TRY(types_intern(store->types, &def, 1, &func->type));
    TRY(codecache_add_host(store, func));
    store->host_func_count++;
    return define_by_text(store, module, name, EXTERN_FUNC, func);
}

static bool fits_quick(const struct type_def *type) {
    return all_integers(type->params, type->param_count, PLAT_QUICK_ARGS) &&
           all_integers(type->results, type->result_count, PLAT_QUICK_ARGS);
}

status_t wasm_define_quick(struct wasm_store *store, const char *module, const char *name,
                           wasm_quick_fn quick, void *ctx) {
    struct name m = {module, (uint32_t)strlen(module)}, f = {name, (uint32_t)strlen(name)};
    const struct wasm_extern *found = store_find(store, m, f);
    struct wasm_func *func = found && found->kind == EXTERN_FUNC ? found->object : NULL;
    if (!func || !func->host) {
        return STATUS_NOT_FOUND;
    }
    if (!fits_quick(types_get(store->types, func->type))) {
        return STATUS_BAD_ARGUMENT;
    }
    return codecache_add_quick(store, func, quick, ctx);
}

status_t wasm_define_global(struct wasm_store *store, const char *module, const char *name,
                            bool is_mutable, struct wasm_value value) {
    struct wasm_global *global = arena_new(&store->arena, struct wasm_global);
    if (!global) {
        return STATUS_NO_MEMORY;
    }
    *global = (struct wasm_global){.type = value.type, .is_mutable = is_mutable};
    TRY(guest_alloc(store, sizeof(uint64_t), &global->addr));
    TRY(global_write(store, global, value_to_bits(&value)));
    return define_by_text(store, module, name, EXTERN_GLOBAL, global);
}

status_t wasm_define_table(struct wasm_store *store, const char *module, const char *name,
                           valtype_t elem, struct limits limits) {
    gaddr_t area;
    struct wasm_table *table = arena_new(&store->arena, struct wasm_table);
    if (!table) {
        return STATUS_NO_MEMORY;
    }
    TRY(guest_alloc(store, sizeof(struct table_area), &area));
    TRY(table_init(store, table, elem, &limits, 0, area));
    return define_by_text(store, module, name, EXTERN_TABLE, table);
}

status_t wasm_define_memory(struct wasm_store *store, const char *module, const char *name,
                            struct limits limits) {
    gaddr_t area;
    struct wasm_memory *memory = arena_new(&store->arena, struct wasm_memory);
    if (!memory) {
        return STATUS_NO_MEMORY;
    }
    TRY(guest_alloc(store, sizeof(struct memory_area), &area));
    TRY(memory_init(store, memory, &limits, area));
    return define_by_text(store, module, name, EXTERN_MEMORY, memory);
}

status_t wasm_define_instance(struct wasm_store *store, const char *module,
                              struct wasm_instance *instance) {
    const struct module *decoded = instance->module->decoded;
    struct name name = {module, (uint32_t)strlen(module)};
    TRY(copy_name(store, &name));
    for (uint32_t i = 0; i < decoded->export_count; i++) {
        const struct export *e = &decoded->exports[i];
        TRY(define(store, name, e->name, store_export(instance, e)));
    }
    return STATUS_OK;
}
