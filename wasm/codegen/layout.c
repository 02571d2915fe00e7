/*
 * Where the things of an instance lie: computed from the module alone, so that code compiled before
 * any instance exists fits all of them. Own memories and tables lie in the area, imported ones are
 * reached through a pointer; of functions, only imports and those whose reference may escape have
 * a record.
 */
#include "wasm/codegen/layout.h"

static uint32_t take(struct layout *layout, size_t size) {
    uint32_t at = layout->size;
    layout->size += (uint32_t)size;
    return at;
}

static void place_memories(struct layout *layout, struct arena *arena, const struct module *m) {
    layout->memories = arena_array(arena, uint32_t, m->memory_count);
    for (uint32_t i = 0; i < m->memory_count; i++) {
        bool imported = i < m->memory_imports;
        layout->memories[i] = take(layout, imported ? 8 : sizeof(struct memory_area));
    }
}

static void place_tables(struct layout *layout, struct arena *arena, const struct module *m) {
    layout->tables = arena_array(arena, uint32_t, m->table_count);
    for (uint32_t i = 0; i < m->table_count; i++) {
        bool imported = i < m->table_imports;
        layout->tables[i] = take(layout, imported ? 8 : sizeof(struct table_area));
    }
}

static void place_records(struct layout *layout, struct arena *arena, const struct module *m) {
    layout->records = arena_array(arena, uint32_t, m->func_count);
    for (uint32_t i = 0; i < m->func_count; i++) {
        bool has_record = i < m->func_imports || m->funcs[i].is_escaping;
        layout->records[i] = has_record ? take(layout, sizeof(struct func_record)) : UINT32_MAX;
        layout->record_count += has_record;
    }
}

struct layout *layout_new(struct arena *arena, const struct module *module) {
    struct layout *layout = arena_new(arena, struct layout);
    layout->size = sizeof(struct instance_area);
    place_memories(layout, arena, module);
    place_tables(layout, arena, module);
    layout->globals = arena_array(arena, uint32_t, module->global_count);
    for (uint32_t i = 0; i < module->global_count; i++) {
        layout->globals[i] = take(layout, 8);
    }
    place_records(layout, arena, module);
    return layout;
}
