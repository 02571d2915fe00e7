/*
 * The runtime's public face: all that init/, wasi/ and test runners may include of wasm/.
 *
 * A store is a domain: one address space with its instances, their shared type registry and the
 * names that imports are found under. Modules are loaded into a store, instantiated in it, and
 * their exports called. Everything dies with the store. A store has one thread at a time.
 *
 *     wasm_store_new -> wasm_define_func... -> wasm_module_load -> wasm_instantiate -> wasm_call
 */
#ifndef WASM_WASM_H
#define WASM_WASM_H

#include "base/status.h"
#include "wasm/limits.h"
#include "wasm/module/module.h"
#include "wasm/platform.h"
#include "wasm/trap.h"

struct wasm_store;
struct wasm_module; /* a loaded module with what the store keeps about it */
struct wasm_instance;

/* A value and its type. Floats by their bits; references: 0 is null, functions are the guest
 * address of their record, external ones whatever the embedder chose (not 0). */
struct wasm_value {
    valtype_t type;
    union {
        uint32_t i32;
        uint64_t i64;
        uint32_t f32;
        uint64_t f64;
        uint64_t ref;
    };
};

/* Something that can be imported and exported. Valid as long as its store. */
struct wasm_extern {
    enum extern_kind kind;
    void *object;
};

struct wasm_frame {
    struct name module; /* size 0 if it has no name */
    struct name func;   /* size 0 if it has no name */
    uint32_t func_index;
    uint32_t offset; /* byte offset in the module's bytes */
};

/* How a call ended when not by returning. */
struct wasm_trap {
    enum trap kind;
    uint32_t frame_count; /* innermost first; more_frames were left out */
    uint32_t more_frames;
    struct wasm_frame frames[LIMIT_BACKTRACE];
};

struct wasm_config {
    bool eager; /* compile everything at load, not at the first call, */
    void (*progress)(void *ctx, uint64_t done, uint64_t total); /* told of bytecode; or NULL */
    void *progress_ctx;
    bool verify;         /* run the compiler's verifiers */
    uint64_t max_memory; /* bytes that linear memories of the store may commit; 0: no limit */
};

/* What `-v` prints. */
struct wasm_stats {
    uint64_t code_section_bytes,
        compiled_bytes; /* of bytecode: in all, and of compiled functions */
    uint64_t functions, compiled_functions;
    uint64_t machine_bytes;
    uint64_t compile_instret, compile_ns;
};

MUST_CHECK status_t wasm_store_new(const struct wasm_config *config, struct wasm_store **store_out);
void wasm_store_free(struct wasm_store *store);
void wasm_store_stats(const struct wasm_store *store, struct wasm_stats *stats_out);

/* ---- definitions by the host --------------------------------------------------------------- */

/* A host function. `values` holds the arguments, a slot each, and takes the results: integers and
 * floats by their bits, of which i32 and f32 are the lower half and the upper half means nothing;
 * references as in struct wasm_value. There are slots for whichever are more, 8 at least. It may use
 * wasm_memory_* on `caller`. Returns OK; TRAPPED to end the call with TRAP_HOST (or what
 * wasm_caller_set_trap() chose), EXITED to end it without a trap. */
struct wasm_caller {
    struct wasm_store *store;
    struct wasm_instance *instance; /* that imported the function; NULL: the host itself called */
    struct plat_space *space;
    gaddr_t memory_base; /* of the caller's memory 0, if it has one */
    uint64_t memory_size;
    enum trap trap; /* how the call ends if it fails: wasm_caller_set_trap() */
    bool is_quick;  /* nothing may sleep: see wasm_quick_caller() */
};
/* A caller that the host makes up, to look at an instance's memory. */
void wasm_caller_init(struct wasm_caller *caller, struct wasm_store *store,
                      struct wasm_instance *instance);
typedef status_t (*wasm_host_fn)(void *ctx, struct wasm_caller *caller, uint64_t *values);

/* The quick way of a host function: runs in the middle of the guest's trap, with interrupts off, and
 * either does what the function does, or changes nothing that the guest could see and returns false to
 * have the function called. Values are in wasm_quick_values(), where it leaves its result, an i32
 * sign-extended. */
typedef bool (*wasm_quick_fn)(void *ctx, uint64_t *regs);

/* The last quick call's caller, while that is all still so: its instance's area is in register tp. */
struct wasm_quick {
    gaddr_t area; /* or 0 */
    struct wasm_caller caller;
};
struct wasm_quick *wasm_store_quick(struct wasm_store *store);

/* Defines MODULE.NAME for later imports. params/results: valtypes; copied. */
MUST_CHECK status_t wasm_define_func(struct wasm_store *store, const char *module, const char *name,
                                     const valtype_t *params, uint32_t param_count,
                                     const valtype_t *results, uint32_t result_count,
                                     wasm_host_fn fn, void *ctx);
/* Gives the host function MODULE.NAME a quick way, for instances made from now on. For functions of at
 * most 4 parameters and results, all integers. NOT_FOUND, LIMIT, BAD_ARGUMENT for another type. */
MUST_CHECK status_t wasm_define_quick(struct wasm_store *store, const char *module,
                                      const char *name, wasm_quick_fn quick, void *ctx);
MUST_CHECK status_t wasm_define_global(struct wasm_store *store, const char *module,
                                       const char *name, bool is_mutable, struct wasm_value value);
MUST_CHECK status_t wasm_define_table(struct wasm_store *store, const char *module,
                                      const char *name, valtype_t elem, struct limits limits);
MUST_CHECK status_t wasm_define_memory(struct wasm_store *store, const char *module,
                                       const char *name, struct limits limits);
/* All exports of an instance, under a module name (later definitions hide earlier ones). */
MUST_CHECK status_t wasm_define_instance(struct wasm_store *store, const char *module,
                                         struct wasm_instance *instance);

/* ---- modules and instances ----------------------------------------------------------------- */

/* Decodes and validates. `bytes` must outlive the store. */
MUST_CHECK status_t wasm_module_load(struct wasm_store *store, const void *bytes, size_t size,
                                     struct wasm_module **module_out, struct wasm_error *error_out);
const struct module *wasm_module_decoded(const struct wasm_module *module);

/* Core 3.0, 4.5.4: resolves imports (UNLINKABLE, with the import's name in error_out), allocates,
 * runs active segments and the start function (TRAPPED, with *trap_out filled; EXITED). What a failed
 * instantiation wrote into imported tables and memories stays, as the specification says. */
MUST_CHECK status_t wasm_instantiate(struct wasm_store *store, struct wasm_module *module,
                                     struct wasm_instance **instance_out,
                                     struct wasm_error *error_out, struct wasm_trap *trap_out);

/* NOT_FOUND when there is no export of that name and kind. */
MUST_CHECK status_t wasm_export(const struct wasm_instance *instance, const char *name, size_t size,
                                struct wasm_extern *extern_out);
const struct type_def *wasm_func_type(const struct wasm_extern *func);

/* Calls a function: args as its type says, results filled. TRAPPED with *trap_out, or EXITED. */
MUST_CHECK status_t wasm_call(struct wasm_store *store, const struct wasm_extern *func,
                              const struct wasm_value *args, struct wasm_value *results,
                              struct wasm_trap *trap_out);
MUST_CHECK status_t wasm_global_get(struct wasm_store *store, const struct wasm_extern *global,
                                    struct wasm_value *value_out);

/* ---- for host functions -------------------------------------------------------------------- */

static inline bool wasm_memory_has(const struct wasm_caller *caller, uint64_t addr, uint64_t size) {
    return size <= caller->memory_size && addr <= caller->memory_size - size;
}

/* In a quick call: its values, and who calls. */
static inline uint64_t *wasm_quick_values(uint64_t *regs) {
    return &regs[10];
}
struct wasm_caller *wasm_quick_find(struct wasm_quick *quick, gaddr_t area);
static inline struct wasm_caller *wasm_quick_caller(struct wasm_quick *last, const uint64_t *regs) {
    return last->area == regs[4] ? &last->caller : wasm_quick_find(last, regs[4]);
}

/* A word of its memory, wherever it is. False: it is not there, or not yet. */
static inline struct plat_word wasm_quick_load8(const struct wasm_caller *caller, uint32_t addr) {
    return (uint64_t)addr + sizeof(uint64_t) <= caller->memory_size
               ? plat_try_load8(caller->memory_base + addr)
               : (struct plat_word){0};
}
static inline bool wasm_quick_store4(const struct wasm_caller *caller, uint32_t addr,
                                     uint32_t value) {
    return (uint64_t)addr + sizeof(value) <= caller->memory_size &&
           plat_try_store4(caller->memory_base + addr, value);
}

/* Bytes of the caller's memory 0; FAULT when out of its bounds. In a quick call WOULD_BLOCK where the
 * page is not there yet, and some of the bytes may have been copied. */
MUST_CHECK static inline status_t wasm_memory_read(const struct wasm_caller *caller, uint32_t addr,
                                                   void *to, size_t size) {
    if (!wasm_memory_has(caller, addr, size)) {
        return STATUS_FAULT;
    }
    gaddr_t from = caller->memory_base + addr;
    if (caller->is_quick) {
        return plat_try_copy_in(caller->space, to, from, size) ? STATUS_OK : STATUS_WOULD_BLOCK;
    }
    return plat_copy_in(caller->space, to, from, size);
}

MUST_CHECK static inline status_t wasm_memory_write(const struct wasm_caller *caller, uint32_t addr,
                                                    const void *from, size_t size) {
    if (!wasm_memory_has(caller, addr, size)) {
        return STATUS_FAULT;
    }
    gaddr_t to = caller->memory_base + addr;
    if (caller->is_quick) {
        return plat_try_copy_out(caller->space, to, from, size) ? STATUS_OK : STATUS_WOULD_BLOCK;
    }
    return plat_copy_out(caller->space, to, from, size);
}

void wasm_caller_set_trap(struct wasm_caller *caller, enum trap trap);

/* "trap: unreachable" and its backtrace, a line each, into sink. */
struct sink;
void wasm_trap_print(const struct wasm_trap *trap, struct sink *sink);

/* For a host that is going down in the middle of a call: prints the guest's functions of those calls
 * into the store whose frames on the host's own stack lie between the addresses. Takes no lock. */
void wasm_store_print_stack(const struct wasm_store *store, uintptr_t from, uintptr_t below,
                            struct sink *sink);

#endif
