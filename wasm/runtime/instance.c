/*
 * Modules and instances (core 3.0, 4.5.4).
 *
 * Instantiation goes in the specification's order: resolve imports (may refuse, nothing touched),
 * allocate (may run out, all given back), initial values, active element segments, active data
 * segments, start function. From the first segment on the instance stays, even if it traps: others
 * may hold references to its functions by then.
 */
#include "wasm/runtime/instance.h"

#include "base/fmt.h"
#include "wasm/runtime/call.h"
#include "wasm/runtime/constexpr.h"
#include "wasm/runtime/global.h"
#include "wasm/runtime/link.h"
#include "wasm/runtime/memory.h"
#include "wasm/runtime/store.h"
#include "wasm/runtime/table.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

/* ---- modules ------------------------------------------------------------------------------ */

static status_t fail(struct wasm_error *error_out, status_t status, const char *what) {
    *error_out = (struct wasm_error){.status = status};
    fmt_text(error_out->text, sizeof(error_out->text), "%s: %s", what, status_text(status));
    return status;
}

static status_t prepare(struct wasm_store *store, struct wasm_module *module) {
    module->layout = layout_new(&module->arena, module->decoded);
    if (!module->layout) {
        return STATUS_NO_MEMORY;
    }
    return codecache_add_module(store, module);
}

status_t wasm_module_load(struct wasm_store *store, const void *bytes, size_t size,
                          struct wasm_module **module_out, struct wasm_error *error_out) {
    struct arena arena;
    arena_init(&arena, plat_arena_source());
    struct wasm_module *module = arena_new(&arena, struct wasm_module);
    if (!module) {
        return fail(error_out, STATUS_NO_MEMORY, "module");
    }
    module->arena = arena;
    module->store = store;
    status_t status =
        module_load(&module->decoded, plat_arena_source(), store->types, bytes, size, error_out);
    if (status == STATUS_OK) {
        status = prepare(store, module);
        if (status == STATUS_OK) {
            module->next = store->modules;
            store->modules = module;
            *module_out = module;
            return STATUS_OK;
        }
        (void)fail(error_out, status, "module's code");
        module_free(module->decoded);
    }
    arena = module->arena;
    arena_fini(&arena);
    return status;
}

const struct module *wasm_module_decoded(const struct wasm_module *module) {
    return module->decoded;
}

/* ---- allocation ---------------------------------------------------------------------------- */

static uint64_t area_pages_size(const struct layout *layout) {
    return ((uint64_t)layout->size + PLAT_PAGE_SIZE - 1) / PLAT_PAGE_SIZE * PLAT_PAGE_SIZE;
}

static status_t write_area(struct wasm_instance *instance, uint64_t offset, const void *from,
                           size_t size) {
    return plat_copy_out(instance->store->space, instance->area + offset, from, size);
}

static status_t write_pointer(struct wasm_instance *instance, uint64_t offset, gaddr_t pointer) {
    return write_area(instance, offset, &pointer, sizeof(pointer));
}

/* The runtime's own descriptions: all the memory that the instance will take from its arena. */
static status_t allocate_objects(struct wasm_instance *instance) {
    const struct module *m = instance->module->decoded;
    struct arena *arena = &instance->arena;
    instance->func_imports = arena_array(arena, struct wasm_func *, m->func_imports);
    instance->own_funcs = arena_array(arena, struct wasm_func, m->func_count - m->func_imports);
    instance->memories = arena_array(arena, struct wasm_memory *, m->memory_count);
    instance->tables = arena_array(arena, struct wasm_table *, m->table_count);
    instance->globals = arena_array(arena, struct wasm_global *, m->global_count);
    struct wasm_memory *memories =
        arena_array(arena, struct wasm_memory, m->memory_count - m->memory_imports);
    struct wasm_table *tables =
        arena_array(arena, struct wasm_table, m->table_count - m->table_imports);
    struct wasm_global *globals = arena_array(arena, struct wasm_global, m->global_count);
    instance->elem_dropped = bitset_new(arena, m->elem_count);
    instance->data_dropped = bitset_new(arena, m->data_count);
    if (!instance->func_imports || !instance->own_funcs || !instance->memories ||
        !instance->tables || !instance->globals || !memories || !tables || !globals ||
        !instance->elem_dropped.words || !instance->data_dropped.words) {
        return STATUS_NO_MEMORY;
    }
    for (uint32_t i = m->memory_imports; i < m->memory_count; i++) {
        instance->memories[i] = &memories[i - m->memory_imports];
    }
    for (uint32_t i = m->table_imports; i < m->table_count; i++) {
        instance->tables[i] = &tables[i - m->table_imports];
    }
    for (uint32_t i = 0; i < m->global_count; i++) {
        instance->globals[i] = &globals[i];
    }
    for (uint32_t i = m->func_imports; i < m->func_count; i++) {
        instance->own_funcs[i - m->func_imports] =
            (struct wasm_func){.type = m->funcs[i].type, .index = i, .instance = instance};
    }
    return STATUS_OK;
}

/* An imported constant is copied into the importer's area, a variable stays where it is. */
static status_t import_global(struct wasm_instance *instance, uint32_t index,
                              struct wasm_global *from) {
    uint64_t offset = instance->module->layout->globals[index];
    if (from->is_mutable) {
        instance->globals[index] = from;
        return write_pointer(instance, offset, from->addr);
    }
    struct wasm_global *copy = instance->globals[index];
    uint64_t bits;
    *copy = (struct wasm_global){.type = from->type, .addr = instance->area + offset};
    TRY(global_read(instance->store, from, &bits));
    return global_write(instance->store, copy, bits);
}

static status_t import_objects(struct wasm_instance *instance, const struct wasm_extern *objects) {
    const struct module *m = instance->module->decoded;
    const struct layout *layout = instance->module->layout;
    for (uint32_t i = 0; i < m->import_count; i++) {
        uint32_t index = m->imports[i].index;
        void *object = objects[i].object;
        switch (m->imports[i].kind) {
        case EXTERN_FUNC:
            instance->func_imports[index] = object;
            break;
        case EXTERN_TABLE:
            instance->tables[index] = object;
            TRY(write_pointer(instance, layout->tables[index], instance->tables[index]->area));
            break;
        case EXTERN_MEMORY:
            instance->memories[index] = object;
            TRY(write_pointer(instance, layout->memories[index], instance->memories[index]->area));
            break;
        case EXTERN_GLOBAL:
            TRY(import_global(instance, index, object));
            break;
        case EXTERN_TAG:
            return STATUS_UNSUPPORTED;
        }
    }
    return STATUS_OK;
}

static status_t make_memories(struct wasm_instance *instance) {
    const struct module *m = instance->module->decoded;
    for (uint32_t i = m->memory_imports; i < m->memory_count; i++) {
        TRY(memory_init(instance->store, instance->memories[i], &m->memories[i].limits,
                        instance->area + instance->module->layout->memories[i]));
    }
    instance->memory = m->memory_count > 0 ? instance->memories[0] : NULL;
    return STATUS_OK;
}

static status_t make_globals(struct wasm_instance *instance) {
    const struct module *m = instance->module->decoded;
    for (uint32_t i = m->global_imports; i < m->global_count; i++) {
        uint64_t bits;
        *instance->globals[i] =
            (struct wasm_global){.type = m->globals[i].type,
                                 .is_mutable = m->globals[i].is_mutable,
                                 .addr = instance->area + instance->module->layout->globals[i]};
        TRY(constexpr_eval(instance, &m->globals[i].init, &bits));
        TRY(global_write(instance->store, instance->globals[i], bits));
    }
    return STATUS_OK;
}

static status_t make_tables(struct wasm_instance *instance) {
    const struct module *m = instance->module->decoded;
    for (uint32_t i = m->table_imports; i < m->table_count; i++) {
        const struct table_decl *decl = &m->tables[i];
        uint64_t value = 0;
        if (decl->init.size > 0) {
            TRY(constexpr_eval(instance, &decl->init, &value));
        }
        TRY(table_init(instance->store, instance->tables[i], decl->elem, &decl->limits, value,
                       instance->area + instance->module->layout->tables[i]));
    }
    return STATUS_OK;
}

/* The record by which `func` is called through a reference or an import. */
static struct func_record make_record(const struct wasm_instance *importer,
                                      const struct wasm_func *func) {
    struct func_record record = {.type = func->type, .index = func->index};
    /* A host function runs with its importer's registers: it learns from them who called it. */
    const struct wasm_instance *home = func->host ? importer : func->instance;
    record.code =
        func->host ? func->host->stub : codecache_entry(func->instance->module, func->index);
    record.instance = home->area;
    record.memory_base = instance_memory_base(home);
    return record;
}

static status_t make_records(struct wasm_instance *instance) {
    const struct module *m = instance->module->decoded;
    const uint32_t *records = instance->module->layout->records;
    for (uint32_t i = 0; i < m->func_count; i++) {
        if (records[i] == UINT32_MAX) {
            continue;
        }
        const struct wasm_func *func = instance_func(instance, i);
        struct func_record record = make_record(instance, func);
        TRY(write_area(instance, records[i], &record, sizeof(record)));
    }
    return STATUS_OK;
}

static status_t make_head(struct wasm_instance *instance) {
    struct instance_area head = {.memory_base = instance_memory_base(instance)};
    if (instance->memory) {
        head.memory_area = instance->memory->area;
    }
    memcpy(head.helpers, instance->store->code.helpers, sizeof(head.helpers));
    return write_area(instance, 0, &head, sizeof(head));
}

/* All that may fail and has no effect outside of the instance. *part_out says what could not be had. */
static status_t allocate(struct wasm_instance *instance, const struct wasm_extern *objects,
                         const char **part_out) {
    struct plat_space *space = instance->store->space;
    *part_out = "instance";
    TRY(allocate_objects(instance));
    instance->area_size = area_pages_size(instance->module->layout);
    TRY(plat_reserve(space, instance->area_size, PLAT_PAGE_SIZE, &instance->area));
    TRY(plat_commit(space, instance->area, instance->area_size));
    TRY(import_objects(instance, objects));
    *part_out = "memories";
    TRY(make_memories(instance));
    *part_out = "globals";
    TRY(make_globals(instance));
    *part_out = "tables";
    TRY(make_tables(instance));
    *part_out = "functions";
    TRY(make_records(instance));
    return make_head(instance);
}

static void give_back(struct wasm_instance *instance) {
    const struct module *m = instance->module->decoded;
    struct wasm_store *store = instance->store;
    store->quick.area = 0;
    if (instance->area != 0) { /* else there are no objects, or not all of them */
        for (uint32_t i = m->memory_imports; i < m->memory_count; i++) {
            memory_fini(store, instance->memories[i]);
        }
        for (uint32_t i = m->table_imports; i < m->table_count; i++) {
            table_fini(store, instance->tables[i]);
        }
        plat_release(store->space, instance->area, instance->area_size);
    }
    struct arena arena = instance->arena;
    arena_fini(&arena);
}

static struct wasm_instance *new_instance(struct wasm_store *store, struct wasm_module *module) {
    struct arena arena;
    arena_init(&arena, plat_arena_source());
    struct wasm_instance *instance = arena_new(&arena, struct wasm_instance);
    if (instance) {
        instance->arena = arena;
        instance->store = store;
        instance->module = module;
    }
    return instance;
}

/* Registers the instance with the store, the module, and the functions that it imports. */
static status_t enter(struct wasm_instance *instance) {
    struct wasm_store *store = instance->store;
    const struct module *m = instance->module->decoded;
    TRY_PUSH(&store->arena, &store->instances, instance);
    uint32_t at = store->instances.len - 1;
    for (; at > 0 && store->instances.at[at - 1]->area > instance->area; at--) {
        store->instances.at[at] = store->instances.at[at - 1];
    }
    store->instances.at[at] = instance;
    instance->sibling = instance->module->instances;
    instance->module->instances = instance;
    for (uint32_t i = 0; i < m->func_imports; i++) {
        const struct wasm_func *func = instance->func_imports[i];
        uint32_t record = instance->module->layout->records[i];
        if (!func->host && record != UINT32_MAX) {
            /* Without it the import goes through the lazy stub, which is right but slower. */
            status_t ignored = codecache_add_record(store, func->instance->module, func->index,
                                                    instance->area + record);
            (void)ignored;
        }
    }
    return STATUS_OK;
}

struct wasm_instance *store_find_instance(const struct wasm_store *store, gaddr_t area) {
    uint32_t low = 0, high = store->instances.len;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (store->instances.at[middle]->area < area) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool is_there = low < store->instances.len && store->instances.at[low]->area == area;
    return is_there ? store->instances.at[low] : NULL;
}

/* ---- segments ------------------------------------------------------------------------------ */

static status_t elem_item(struct wasm_instance *instance, const struct elem_segment *segment,
                          uint32_t i, uint64_t *ref_out) {
    if (segment->funcs) {
        *ref_out = constexpr_func_ref(instance, segment->funcs[i]);
        return STATUS_OK;
    }
    return constexpr_eval(instance, &segment->exprs[i], ref_out);
}

status_t instance_init_table(struct wasm_instance *instance, uint32_t segment_index,
                             uint32_t table_index, uint64_t to, uint64_t from, uint64_t len) {
    const struct elem_segment *segment = &instance->module->decoded->elems[segment_index];
    struct wasm_table *table = instance->tables[table_index];
    uint64_t count = bitset_has(&instance->elem_dropped, segment_index) ? 0 : segment->count;
    if (from > count || len > count - from || !table_has(table, to, len)) {
        return STATUS_FAULT;
    }
    uint64_t refs[64];
    for (uint64_t done = 0; done < len;) {
        uint64_t n = len - done < 64 ? len - done : 64;
        for (uint64_t i = 0; i < n; i++) {
            TRY(elem_item(instance, segment, (uint32_t)(from + done + i), &refs[i]));
        }
        TRY(table_write(instance->store, table, to + done, refs, n));
        done += n;
    }
    return STATUS_OK;
}

status_t instance_init_memory(struct wasm_instance *instance, uint32_t segment_index,
                              uint32_t memory_index, uint64_t to, uint64_t from, uint64_t size) {
    const struct data_segment *segment = &instance->module->decoded->datas[segment_index];
    struct wasm_memory *memory = instance->memories[memory_index];
    uint64_t available = bitset_has(&instance->data_dropped, segment_index) ? 0 : segment->size;
    if (from > available || size > available - from || !memory_has(memory, to, size)) {
        return STATUS_FAULT;
    }
    return memory_write(instance->store, memory, to, segment->bytes + from, size);
}

/* An offset of an active segment: an unsigned 32-bit index in a 32-bit table or memory. */
static status_t eval_offset(struct wasm_instance *instance, const struct const_expr *expr,
                            bool is_64, uint64_t *offset_out) {
    TRY(constexpr_eval(instance, expr, offset_out));
    if (!is_64) {
        *offset_out = (uint32_t)*offset_out;
    }
    return STATUS_OK;
}

static status_t run_elem_segment(struct wasm_instance *instance, uint32_t i) {
    const struct elem_segment *segment = &instance->module->decoded->elems[i];
    uint64_t to;
    if (segment->mode == SEGMENT_ACTIVE) {
        bool is_64 = instance->tables[segment->table]->limits.is_64;
        TRY(eval_offset(instance, &segment->offset, is_64, &to));
        TRY(instance_init_table(instance, i, segment->table, to, 0, segment->count));
    }
    if (segment->mode != SEGMENT_PASSIVE) {
        bitset_add(&instance->elem_dropped, i);
    }
    return STATUS_OK;
}

static status_t run_data_segment(struct wasm_instance *instance, uint32_t i) {
    const struct data_segment *segment = &instance->module->decoded->datas[i];
    uint64_t to;
    if (segment->mode == SEGMENT_ACTIVE) {
        bool is_64 = instance->memories[segment->memory]->limits.is_64;
        TRY(eval_offset(instance, &segment->offset, is_64, &to));
        TRY(instance_init_memory(instance, i, segment->memory, to, 0, segment->size));
        bitset_add(&instance->data_dropped, i);
    }
    return STATUS_OK;
}

/* A trap before any code ran has no frames. */
static status_t trap_without_frames(status_t status, enum trap bounds, struct wasm_trap *trap_out) {
    *trap_out = (struct wasm_trap){.kind = status == STATUS_FAULT ? bounds : TRAP_OUT_OF_MEMORY};
    return STATUS_TRAPPED;
}

static status_t run_segments(struct wasm_instance *instance, struct wasm_trap *trap_out) {
    const struct module *m = instance->module->decoded;
    for (uint32_t i = 0; i < m->elem_count; i++) {
        status_t status = run_elem_segment(instance, i);
        if (status != STATUS_OK) {
            return trap_without_frames(status, TRAP_TABLE_BOUNDS, trap_out);
        }
    }
    for (uint32_t i = 0; i < m->data_count; i++) {
        status_t status = run_data_segment(instance, i);
        if (status != STATUS_OK) {
            return trap_without_frames(status, TRAP_MEMORY_BOUNDS, trap_out);
        }
    }
    return STATUS_OK;
}

/* ---- instantiation ------------------------------------------------------------------------- */

static status_t run_start(struct wasm_instance *instance, struct wasm_trap *trap_out) {
    uint32_t start = instance->module->decoded->start;
    if (start == INDEX_NONE) {
        return STATUS_OK;
    }
    struct wasm_extern func = {EXTERN_FUNC, instance_func(instance, start)};
    struct wasm_value none[1];
    return wasm_call(instance->store, &func, none, none, trap_out);
}

/* Links and allocates; the instance is whole and entered, but has run nothing. */
static status_t make(struct wasm_store *store, struct wasm_module *module,
                     struct wasm_instance **instance_out, struct wasm_error *error_out) {
    if (store->instances.len >= LIMIT_INSTANCES) {
        return fail(error_out, STATUS_LIMIT, "instances of the store");
    }
    struct arena_mark mark = arena_mark(&store->scratch);
    struct wasm_extern *objects =
        arena_array(&store->scratch, struct wasm_extern, module->decoded->import_count);
    status_t status = objects ? link_resolve(store, module->decoded, objects, error_out)
                              : fail(error_out, STATUS_NO_MEMORY, "instance");
    if (status == STATUS_OK) {
        const char *part = "instance";
        struct wasm_instance *instance = new_instance(store, module);
        status = instance ? allocate(instance, objects, &part) : STATUS_NO_MEMORY;
        if (status == STATUS_OK) {
            status = enter(instance);
        }
        if (status != STATUS_OK) {
            (void)fail(error_out, status, part);
            if (instance) {
                give_back(instance);
            }
        }
        *instance_out = instance;
    }
    arena_reset(&store->scratch, mark);
    return status;
}

status_t wasm_instantiate(struct wasm_store *store, struct wasm_module *module,
                          struct wasm_instance **instance_out, struct wasm_error *error_out,
                          struct wasm_trap *trap_out) {
    struct wasm_instance *instance = NULL;
    TRY(make(store, module, &instance, error_out));
    TRY(run_segments(instance, trap_out));
    TRY(run_start(instance, trap_out));
    *instance_out = instance;
    return STATUS_OK;
}

/* ---- exports ------------------------------------------------------------------------------- */

struct wasm_extern store_export(const struct wasm_instance *instance, const struct export *export) {
    struct wasm_extern object = {.kind = export->kind};
    switch (export->kind) {
    case EXTERN_FUNC:
        object.object = instance_func(instance, export->index);
        break;
    case EXTERN_TABLE:
        object.object = instance->tables[export->index];
        break;
    case EXTERN_MEMORY:
        object.object = instance->memories[export->index];
        break;
    case EXTERN_GLOBAL:
        object.object = instance->globals[export->index];
        break;
    case EXTERN_TAG:
        break;
    }
    return object;
}

status_t wasm_export(const struct wasm_instance *instance, const char *name, size_t size,
                     struct wasm_extern *extern_out) {
    const struct export *export = module_find_export(instance->module->decoded, name, size);
    if (!export) {
        return STATUS_NOT_FOUND;
    }
    *extern_out = store_export(instance, export);
    return STATUS_OK;
}

const struct type_def *wasm_func_type(const struct wasm_extern *func) {
    const struct wasm_func *object = func->object;
    return object->host ? types_get(object->host->store->types, object->type)
                        : types_get(object->instance->store->types, object->type);
}
