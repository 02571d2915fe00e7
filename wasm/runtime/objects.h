/*
 * What a store holds: the runtime's own descriptions of modules, instances, and the things they
 * import and export.
 *
 * Values that compiled code works on (memory, table elements, globals, function records) lie in the
 * guest's address space at the places that wasm/codegen/layout.h draws. The structs here describe
 * them and are never visible to a guest; whatever the runtime has to believe, such as the size of a
 * memory, is kept here and only told to the guest.
 *
 * Lifetimes: everything dies with its store. A module and an instance have an arena each; what the
 * host defines lives in the store's. One thread at a time uses a store, so there are no locks.
 */
#ifndef WASM_RUNTIME_OBJECTS_H
#define WASM_RUNTIME_OBJECTS_H

#include "base/bitset.h"
#include "base/map.h"
#include "base/vec.h"
#include "wasm/codegen/layout.h"
#include "wasm/codegen/target.h"
#include "wasm/runtime/codecache.h"
#include "wasm/wasm.h"

struct host_func {
    wasm_host_fn fn;
    void *ctx;
    gaddr_t stub;      /* the exit instruction that stands for it */
    bool in_registers; /* arguments and results are integers, none of them on the stack */
    bool gives_i32;    /* the first result is one */
    struct wasm_store *store;
};

struct wasm_func {
    type_id_t type;
    uint32_t index;                 /* in its instance */
    struct wasm_instance *instance; /* NULL: a host function */
    struct host_func *host;         /* NULL: a WebAssembly function */
};

struct wasm_memory {
    struct limits limits;      /* pages, as declared */
    uint64_t pages;            /* now */
    uint64_t max_pages;        /* that it may ever have */
    gaddr_t reservation, base; /* base: byte 0, behind the guard below */
    gaddr_t area;              /* its struct memory_area */
};

struct wasm_table {
    valtype_t elem;
    struct limits limits; /* elements, as declared */
    uint64_t len;         /* now */
    uint64_t max_len;     /* that it may ever have; reserved */
    uint64_t written;     /* elements from here on were never anything but null */
    gaddr_t base;
    gaddr_t area; /* its struct table_area */
};

struct wasm_global {
    valtype_t type;
    bool is_mutable;
    gaddr_t addr; /* of its 8 bytes */
};

struct wasm_instance {
    struct arena arena;
    struct wasm_store *store;
    struct wasm_module *module;
    struct wasm_instance *sibling; /* the next instance of the module */
    gaddr_t area;                  /* its struct instance_area and what follows */
    uint64_t area_size;
    struct wasm_func **func_imports; /* by function index, imports only */
    struct wasm_func *own_funcs;     /* by function index less the imports */
    struct wasm_memory **memories;
    struct wasm_memory *memory; /* the first, or NULL */
    struct wasm_table **tables;
    struct wasm_global **globals;
    struct bitset elem_dropped, data_dropped;
};

struct wasm_module {
    struct arena arena;
    struct wasm_store *store;
    struct wasm_module *next; /* in the store */
    struct module *decoded;
    struct layout *layout;
    struct wasm_instance *instances;
    struct module_code code;
};

/* MODULE.FIELD, as imports find it. */
struct definition {
    struct name module, field;
    struct wasm_extern object;
    uint32_t older; /* the next with the same hash, + 1; 0: none */
};

struct wasm_store {
    struct wasm_config config;
    struct plat_space *space;
    struct arena arena; /* definitions and what the host defined */
    struct arena types_arena;
    struct arena scratch; /* values on their way; used as a stack */
    struct types *types;
    uint64_t hash_seed;

    VEC(struct definition) definitions;
    struct map definition_by_hash; /* hash of both names -> newest definition + 1 */
    uint32_t host_func_count;
    gaddr_t guest_next, guest_end; /* room for areas of what the host defined */

    struct wasm_module *modules;
    VEC(struct wasm_instance *) instances; /* by ascending area */
    uint64_t memory_committed;             /* bytes of all linear memories */

    struct codecache code;
    struct wasm_quick quick;       /* forgotten when a memory grows */
    struct activation *activation; /* the innermost call in progress (call.c) */
    gaddr_t stack_low, stack_high; /* the guest's stack; below stack_low is the guard */
};

static inline struct wasm_func *instance_func(const struct wasm_instance *instance,
                                              uint32_t index) {
    uint32_t imports = instance->module->decoded->func_imports;
    return index < imports ? instance->func_imports[index] : &instance->own_funcs[index - imports];
}

/* The base of memory 0, or 0. */
static inline gaddr_t instance_memory_base(const struct wasm_instance *instance) {
    return instance->memory ? instance->memory->base : 0;
}

/* vec_push that may run out of memory. */
#define TRY_PUSH(arena, v, elem)                                                                   \
    do {                                                                                           \
        if (!vec_try_reserve((arena), (v), (v)->len + 1)) {                                        \
            return STATUS_NO_MEMORY;                                                               \
        }                                                                                          \
        (v)->at[(v)->len++] = (elem);                                                              \
    } while (0)

#endif
