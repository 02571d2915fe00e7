/*
 * Helpers, one function each. Indices of memories, tables and segments are constants of validated
 * code; all else is what the guest computed, and is checked here.
 */
#include "wasm/runtime/helpers.h"

#include "wasm/runtime/instance.h"
#include "wasm/runtime/memory.h"
#include "wasm/runtime/table.h"

#include <assert.h>

typedef enum trap (*helper_fn)(struct wasm_instance *instance, const uint64_t *args,
                               uint64_t *result);

static enum trap trap_of(status_t status, enum trap bounds) {
    return status == STATUS_OK ? TRAP_NONE : status == STATUS_FAULT ? bounds : TRAP_OUT_OF_MEMORY;
}

static struct wasm_memory *memory_of(struct wasm_instance *instance, uint64_t arg) {
    assert((uint32_t)arg < instance->module->decoded->memory_count);
    return instance->memories[(uint32_t)arg];
}

static struct wasm_table *table_of(struct wasm_instance *instance, uint64_t arg) {
    assert((uint32_t)arg < instance->module->decoded->table_count);
    return instance->tables[(uint32_t)arg];
}

static enum trap do_memory_grow(struct wasm_instance *instance, const uint64_t *args,
                                uint64_t *result) {
    int32_t old = memory_grow(instance->store, memory_of(instance, args[0]), (uint32_t)args[1]);
    *result = (uint64_t)(int64_t)old;
    return TRAP_NONE;
}

static enum trap do_memory_copy(struct wasm_instance *instance, const uint64_t *args,
                                uint64_t *result) {
    (void)result;
    return trap_of(memory_copy(instance->store, memory_of(instance, args[0]), (uint32_t)args[2],
                               memory_of(instance, args[1]), (uint32_t)args[3], (uint32_t)args[4]),
                   TRAP_MEMORY_BOUNDS);
}

static enum trap do_memory_fill(struct wasm_instance *instance, const uint64_t *args,
                                uint64_t *result) {
    (void)result;
    return trap_of(memory_fill(instance->store, memory_of(instance, args[0]), (uint32_t)args[1],
                               (uint8_t)args[2], (uint32_t)args[3]),
                   TRAP_MEMORY_BOUNDS);
}

static enum trap do_memory_init(struct wasm_instance *instance, const uint64_t *args,
                                uint64_t *result) {
    (void)result;
    assert((uint32_t)args[0] < instance->module->decoded->data_count);
    return trap_of(instance_init_memory(instance, (uint32_t)args[0], (uint32_t)args[1],
                                        (uint32_t)args[2], (uint32_t)args[3], (uint32_t)args[4]),
                   TRAP_MEMORY_BOUNDS);
}

static enum trap do_data_drop(struct wasm_instance *instance, const uint64_t *args,
                              uint64_t *result) {
    (void)result;
    assert((uint32_t)args[0] < instance->module->decoded->data_count);
    bitset_add(&instance->data_dropped, (uint32_t)args[0]);
    return TRAP_NONE;
}

static enum trap do_table_grow(struct wasm_instance *instance, const uint64_t *args,
                               uint64_t *result) {
    int32_t old =
        table_grow(instance->store, table_of(instance, args[0]), args[1], (uint32_t)args[2]);
    *result = (uint64_t)(int64_t)old;
    return TRAP_NONE;
}

static enum trap do_table_fill(struct wasm_instance *instance, const uint64_t *args,
                               uint64_t *result) {
    (void)result;
    return trap_of(table_fill(instance->store, table_of(instance, args[0]), (uint32_t)args[1],
                              args[2], (uint32_t)args[3]),
                   TRAP_TABLE_BOUNDS);
}

static enum trap do_table_copy(struct wasm_instance *instance, const uint64_t *args,
                               uint64_t *result) {
    (void)result;
    return trap_of(table_copy(instance->store, table_of(instance, args[0]), (uint32_t)args[2],
                              table_of(instance, args[1]), (uint32_t)args[3], (uint32_t)args[4]),
                   TRAP_TABLE_BOUNDS);
}

static enum trap do_table_init(struct wasm_instance *instance, const uint64_t *args,
                               uint64_t *result) {
    (void)result;
    assert((uint32_t)args[0] < instance->module->decoded->elem_count);
    return trap_of(instance_init_table(instance, (uint32_t)args[0], (uint32_t)args[1],
                                       (uint32_t)args[2], (uint32_t)args[3], (uint32_t)args[4]),
                   TRAP_TABLE_BOUNDS);
}

static enum trap do_elem_drop(struct wasm_instance *instance, const uint64_t *args,
                              uint64_t *result) {
    (void)result;
    assert((uint32_t)args[0] < instance->module->decoded->elem_count);
    bitset_add(&instance->elem_dropped, (uint32_t)args[0]);
    return TRAP_NONE;
}

static const helper_fn helpers[HELPER_COUNT] = {
    [HELPER_MEMORY_GROW] = do_memory_grow, [HELPER_MEMORY_COPY] = do_memory_copy,
    [HELPER_MEMORY_FILL] = do_memory_fill, [HELPER_MEMORY_INIT] = do_memory_init,
    [HELPER_DATA_DROP] = do_data_drop,     [HELPER_TABLE_GROW] = do_table_grow,
    [HELPER_TABLE_FILL] = do_table_fill,   [HELPER_TABLE_COPY] = do_table_copy,
    [HELPER_TABLE_INIT] = do_table_init,   [HELPER_ELEM_DROP] = do_elem_drop,
};

enum trap helpers_run(struct wasm_instance *instance, enum helper helper,
                      const uint64_t args[HELPER_MAX_ARGS], uint64_t *result_out) {
    assert(helper < HELPER_COUNT && helpers[helper]);
    return helpers[helper](instance, args, result_out);
}
