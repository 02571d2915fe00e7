/*
 * What guests ask of their instance at run time: segments into tables and memories.
 */
#ifndef WASM_RUNTIME_INSTANCE_H
#define WASM_RUNTIME_INSTANCE_H

#include "wasm/runtime/objects.h"

/* table.init and memory.init; a dropped segment is empty. FAULT when out of bounds, with nothing
 * written; NO_MEMORY. */
MUST_CHECK status_t instance_init_table(struct wasm_instance *instance, uint32_t segment,
                                        uint32_t table, uint64_t to, uint64_t from, uint64_t len);
MUST_CHECK status_t instance_init_memory(struct wasm_instance *instance, uint32_t segment,
                                         uint32_t memory, uint64_t to, uint64_t from,
                                         uint64_t size);

#endif
