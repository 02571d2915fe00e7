/*
 * The loop around a guest.
 *
 * Nothing that the guest's registers say is believed: the program counter is looked up among the
 * places where an exit instruction was put, the instance register among the store's instances, and
 * stack addresses only go to plat_copy_in() and plat_copy_out().
 */
#include "wasm/runtime/call.h"

#include "wasm/codegen/riscv64/abi.h"
#include "wasm/codegen/riscv64/stubs.h"
#include "wasm/runtime/global.h"
#include "wasm/runtime/helpers.h"
#include "wasm/runtime/memory.h"
#include "wasm/runtime/store.h"
#include "wasm/runtime/trap.h"

#include <assert.h>
#include <string.h>

status_t call_init_stack(struct wasm_store *store) {
    gaddr_t base;
    TRY(plat_reserve(store->space, LIMIT_STACK_GUARD + LIMIT_STACK_SIZE, PLAT_PAGE_SIZE, &base));
    TRY(plat_commit(store->space, base + LIMIT_STACK_GUARD, LIMIT_STACK_SIZE));
    store->stack_low = base + LIMIT_STACK_GUARD;
    store->stack_high = store->stack_low + LIMIT_STACK_SIZE;
    return STATUS_OK;
}

/* ---- values in registers and on the stack -------------------------------------------------- */

static bool is_float(valtype_t type) {
    return valtype_kind(type) == VAL_F32 || valtype_kind(type) == VAL_F64;
}

static status_t put_bits(struct wasm_store *store, struct plat_regs *regs, gaddr_t sp,
                         struct abi_place place, uint64_t bits) {
    switch (place.kind) {
    case ABI_INT:
        regs->x[place.reg] = bits;
        return STATUS_OK;
    case ABI_FLOAT:
        plat_sync(regs);
        regs->f[place.reg] = bits;
        return STATUS_OK;
    default:
        return plat_copy_out(store->space, sp + place.offset, &bits, sizeof(bits));
    }
}

static status_t get_bits(struct wasm_store *store, struct plat_regs *regs, gaddr_t sp,
                         struct abi_place place, uint64_t *bits_out) {
    switch (place.kind) {
    case ABI_INT:
        *bits_out = regs->x[place.reg];
        return STATUS_OK;
    case ABI_FLOAT:
        plat_sync(regs);
        *bits_out = regs->f[place.reg];
        return STATUS_OK;
    default:
        return plat_copy_in(store->space, bits_out, sp + place.offset, sizeof(*bits_out));
    }
}

/* Parameters, then results, take their places from one walk: see abi.h. */
static status_t put_values(struct wasm_store *store, struct plat_regs *regs, gaddr_t sp,
                           struct abi_walk *walk, const valtype_t *types, uint32_t count,
                           const struct wasm_value *values) {
    for (uint32_t i = 0; i < count; i++) {
        struct abi_place place = abi_next(walk, is_float(types[i]));
        TRY(put_bits(store, regs, sp, place, value_to_bits(&values[i])));
    }
    *walk = (struct abi_walk){.slots = walk->slots};
    return STATUS_OK;
}

static status_t get_values(struct wasm_store *store, struct plat_regs *regs, gaddr_t sp,
                           struct abi_walk *walk, const valtype_t *types, uint32_t count,
                           struct wasm_value *values_out) {
    for (uint32_t i = 0; i < count; i++) {
        uint64_t bits;
        TRY(get_bits(store, regs, sp, abi_next(walk, is_float(types[i])), &bits));
        values_out[i] = value_from_bits(types[i], bits);
    }
    *walk = (struct abi_walk){.slots = walk->slots};
    return STATUS_OK;
}

/* ---- exits --------------------------------------------------------------------------------- */

void wasm_caller_init(struct wasm_caller *caller, struct wasm_store *store,
                      struct wasm_instance *instance) {
    const struct wasm_memory *memory = instance ? instance->memory : NULL;
    *caller = (struct wasm_caller){
        .store = store,
        .instance = instance,
        .space = store->space,
        .memory_base = memory ? memory->base : 0,
        .memory_size = memory ? memory_size(memory) : 0,
        .trap = TRAP_HOST,
    };
}

static status_t call_host(struct wasm_store *store, const struct wasm_func *func,
                          struct wasm_instance *instance, uint64_t *values, enum trap *trap_out) {
    struct wasm_caller caller;
    wasm_caller_init(&caller, store, instance);
    status_t status = func->host->fn(func->host->ctx, &caller, values);
    if (status == STATUS_OK || status == STATUS_EXITED) {
        return status;
    }
    *trap_out = caller.trap;
    return STATUS_TRAPPED;
}

/* Slots for the values of a call: most have few, and the stack is quicker than the arena. */
enum { FEW_VALUES = 12 };

static uint64_t *value_slots(struct wasm_store *store, const struct type_def *type, uint64_t *few) {
    uint32_t count =
        type->param_count > type->result_count ? type->param_count : type->result_count;
    return count <= FEW_VALUES ? few : arena_array(&store->scratch, uint64_t, count);
}

/* The call of a function that has values on the stack or in float registers. */
static status_t call_host_anyhow(struct wasm_store *store, struct plat_regs *regs,
                                 const struct wasm_func *func, struct wasm_instance *instance,
                                 enum trap *trap_out) {
    const struct type_def *type = types_get(store->types, func->type);
    gaddr_t sp = regs->x[ABI_REG_SP];
    uint64_t few[FEW_VALUES];
    uint64_t *values = value_slots(store, type, few);
    if (!values) {
        *trap_out = TRAP_OUT_OF_MEMORY;
        return STATUS_TRAPPED;
    }
    struct abi_walk walk = {0};
    *trap_out = TRAP_INTERNAL; /* when the guest's stack cannot be read or written */
    for (uint32_t i = 0; i < type->param_count; i++) {
        struct abi_place place = abi_next(&walk, is_float(type->params[i]));
        if (get_bits(store, regs, sp, place, &values[i]) != STATUS_OK) {
            return STATUS_TRAPPED;
        }
    }
    TRY(call_host(store, func, instance, values, trap_out));
    walk = (struct abi_walk){.slots = walk.slots};
    for (uint32_t i = 0; i < type->result_count; i++) {
        struct wasm_value value = value_from_bits(type->results[i], values[i]);
        struct abi_place place = abi_next(&walk, is_float(type->results[i]));
        if (put_bits(store, regs, sp, place, value_to_bits(&value)) != STATUS_OK) {
            return STATUS_TRAPPED;
        }
    }
    return STATUS_OK;
}

static status_t exit_to_host(struct wasm_store *store, struct activation *a,
                             const struct wasm_func *func, enum trap *trap_out) {
    const struct host_func *host = func->host;
    struct plat_regs *regs = &a->regs;
    uint64_t *values = &regs->x[ABI_REG_ARG];
    struct wasm_instance *instance = store_find_instance(store, regs->x[ABI_REG_INSTANCE]);
    if (host->in_registers) {
        TRY(call_host(store, func, instance, values, trap_out));
        values[0] = host->gives_i32 ? (uint64_t)(int32_t)values[0] : values[0];
    } else {
        struct arena_mark mark = arena_mark(&store->scratch);
        status_t status = call_host_anyhow(store, regs, func, instance, trap_out);
        arena_reset(&store->scratch, mark);
        TRY(status);
    }
    regs->pc += STUBS_EXIT_SIZE; /* to the stub's return */
    return STATUS_OK;
}

static status_t exit_to_helper(struct wasm_store *store, struct activation *a,
                               enum trap *trap_out) {
    struct plat_regs *regs = &a->regs;
    struct wasm_instance *instance = store_find_instance(store, regs->x[ABI_REG_INSTANCE]);
    uint32_t helper = 0;
    while (helper < HELPER_COUNT && store->code.helper_exits[helper] != regs->pc) {
        helper++;
    }
    *trap_out = TRAP_INTERNAL;
    if (helper < HELPER_COUNT && instance) {
        *trap_out = helpers_run(instance, (enum helper)helper, &regs->x[ABI_REG_ARG],
                                &regs->x[ABI_REG_ARG]);
    }
    if (*trap_out != TRAP_NONE) {
        return STATUS_TRAPPED;
    }
    regs->pc += STUBS_EXIT_SIZE; /* to the stub's return */
    return STATUS_OK;
}

/* Goes on in the function's code, as if the stub had jumped there. */
static status_t exit_to_compiler(struct wasm_store *store, struct activation *a,
                                 const struct code_range *range, enum trap *trap_out) {
    struct wasm_module *module = range->module;
    uint32_t func = codecache_lazy_func(range, a->regs.pc);
    gaddr_t entry;
    status_t status = codecache_compile(store, module, func, &entry);
    if (status == STATUS_KILLED) {
        *trap_out = TRAP_KILLED;
        return STATUS_TRAPPED;
    }
    if (status != STATUS_OK) {
        plat_log("function %u could not be compiled: %s", func, status_text(status));
        *trap_out = status == STATUS_NO_MEMORY ? TRAP_OUT_OF_MEMORY : TRAP_COMPILE;
        return STATUS_TRAPPED;
    }
    a->regs.pc = entry;
    return STATUS_OK;
}

/* TRAPPED with the kind, EXITED, or OK: the guest can go on. */
static status_t handle_exit(struct wasm_store *store, struct activation *a, enum trap *trap_out) {
    const struct code_range *range = codecache_find_again(store, a->regs.pc);
    if (range && range->kind == CODE_HOST) {
        return exit_to_host(store, a, range->host, trap_out);
    }
    if (range && range->kind == CODE_LAZY) {
        return exit_to_compiler(store, a, range, trap_out);
    }
    return exit_to_helper(store, a, trap_out);
}

/* Runs until the return stub, a trap (*trap_out filled) or the end of the program. */
static status_t run(struct wasm_store *store, struct activation *a, struct wasm_trap *trap_out) {
    for (;;) {
        gaddr_t fault_addr = 0;
        enum trap trap = TRAP_NONE;
        status_t status = STATUS_TRAPPED;
        enum plat_exit exit = plat_run(store->space, &a->regs, &fault_addr);
        if (exit != PLAT_EXIT_CALL) {
            trap = trap_classify(store, exit, &a->regs, fault_addr);
        } else if (a->regs.pc == store->code.return_stub) {
            return STATUS_OK;
        } else {
            status = handle_exit(store, a, &trap);
        }
        if (status == STATUS_TRAPPED) {
            trap_fill(store, trap, trap_out);
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
}

/* ---- calls --------------------------------------------------------------------------------- */

static gaddr_t align_down(gaddr_t sp) {
    return sp / 16 * 16;
}

/* Slots that parameters and results together take on the stack. */
static uint32_t stack_slots(const struct type_def *type) {
    struct abi_walk walk = {0};
    for (uint32_t i = 0; i < type->param_count; i++) {
        (void)abi_next(&walk, is_float(type->params[i]));
    }
    walk = (struct abi_walk){.slots = walk.slots};
    for (uint32_t i = 0; i < type->result_count; i++) {
        (void)abi_next(&walk, is_float(type->results[i]));
    }
    return walk.slots;
}

/* Below what the guest that is now in a host function uses, or at the top. */
static gaddr_t free_stack(const struct wasm_store *store) {
    if (!store->activation) {
        return store->stack_high;
    }
    gaddr_t sp = store->activation->regs.x[ABI_REG_SP];
    return sp >= store->stack_low && sp <= store->stack_high ? sp : store->stack_low;
}

static status_t call_guest(struct wasm_store *store, struct activation *a,
                           const struct wasm_func *func, const struct wasm_value *args,
                           struct wasm_value *results, struct wasm_trap *trap_out) {
    const struct type_def *type = types_get(store->types, func->type);
    const struct wasm_instance *callee = func->instance;
    struct plat_regs *regs = &a->regs;
    struct abi_walk walk = {0};
    uint64_t need = (uint64_t)stack_slots(type) * 8 + 16;
    status_t status = STATUS_FAULT;
    gaddr_t sp = a->stack_top;
    if (a->depth <= LIMIT_NESTED_CALLS && sp - store->stack_low >= need) {
        sp = align_down(sp - need);
        regs->pc = codecache_entry(callee->module, func->index);
        regs->x[ABI_REG_RA] = store->code.return_stub;
        regs->x[ABI_REG_SP] = sp;
        regs->x[ABI_REG_INSTANCE] = callee->area;
        regs->x[ABI_REG_MEMORY] = instance_memory_base(callee);
        status = put_values(store, regs, sp, &walk, type->params, type->param_count, args);
    }
    if (status != STATUS_OK) {
        trap_fill(store, TRAP_STACK_EXHAUSTED, trap_out);
        return STATUS_TRAPPED;
    }
    regs->quick = store->code.quick;
    status = run(store, a, trap_out);
    plat_sync(regs);
    TRY(status);
    status = get_values(store, regs, sp, &walk, type->results, type->result_count, results);
    if (status != STATUS_OK) {
        trap_fill(store, TRAP_INTERNAL, trap_out);
        return STATUS_TRAPPED;
    }
    return STATUS_OK;
}

/* The host calls one of its own functions. */
static status_t call_host_directly(struct wasm_store *store, const struct wasm_func *func,
                                   const struct wasm_value *args, struct wasm_value *results,
                                   struct wasm_trap *trap_out) {
    const struct type_def *type = types_get(store->types, func->type);
    struct arena_mark mark = arena_mark(&store->scratch);
    uint64_t few[FEW_VALUES];
    uint64_t *values = value_slots(store, type, few);
    enum trap trap = TRAP_OUT_OF_MEMORY;
    status_t status = STATUS_TRAPPED;
    if (values) {
        for (uint32_t i = 0; i < type->param_count; i++) {
            values[i] = value_to_bits(&args[i]);
        }
        status = call_host(store, func, NULL, values, &trap);
        for (uint32_t i = 0; status == STATUS_OK && i < type->result_count; i++) {
            results[i] = value_from_bits(type->results[i], values[i]);
        }
    }
    arena_reset(&store->scratch, mark);
    if (status == STATUS_TRAPPED) {
        trap_fill(store, trap, trap_out);
    }
    return status;
}

status_t wasm_call(struct wasm_store *store, const struct wasm_extern *extern_func,
                   const struct wasm_value *args, struct wasm_value *results,
                   struct wasm_trap *trap_out) {
    assert(extern_func->kind == EXTERN_FUNC);
    const struct wasm_func *func = extern_func->object;
    if (func->host) {
        return call_host_directly(store, func, args, results, trap_out);
    }
    struct activation a = {
        .outer = store->activation,
        .stack_top = align_down(free_stack(store)),
        .depth = store->activation ? store->activation->depth + 1 : 1,
    };
    store->activation = &a;
    const struct wasm_store *outer = plat_set_store(store);
    status_t status = call_guest(store, &a, func, args, results, trap_out);
    (void)plat_set_store(outer);
    store->activation = a.outer;
    return status;
}

/* ---- for host functions --------------------------------------------------------------------- */

void wasm_caller_set_trap(struct wasm_caller *caller, enum trap trap) {
    caller->trap = trap;
}

_Static_assert(ABI_REG_ARG == 10, "wasm_quick_values()");

_Static_assert(ABI_REG_INSTANCE == 4, "wasm_quick_caller()");

struct wasm_quick *wasm_store_quick(struct wasm_store *store) {
    wasm_caller_init(&store->quick.caller, store, NULL);
    store->quick.caller.is_quick = true;
    return &store->quick;
}

struct wasm_caller *wasm_quick_find(struct wasm_quick *quick, gaddr_t area) {
    struct wasm_store *store = quick->caller.store;
    wasm_caller_init(&quick->caller, store, store_find_instance(store, area));
    quick->caller.is_quick = true;
    quick->area = area;
    return &quick->caller;
}
