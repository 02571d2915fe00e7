/*
 * The machine code of a domain: where it lies, what each address of it is, and how calls find it.
 *
 * One region of LIMIT_CODE_REGION bytes a domain, filled upwards with random gaps:
 *
 *     | domain stubs | host stubs | lazy stubs of module A | code of A.7 | lazy stubs of B | A.3 ...
 *
 * Every function of a module has a lazy stub, 8 bytes. At first it is an exit instruction, and its
 * address tells which function was called: the function is compiled, its stub becomes a jump to the
 * code, and its records and all direct calls to it that exist are pointed at the code. A direct
 * call made later is placed with the right target at once.
 *
 * Invariant: ranges are sorted by address, disjoint, and never removed while the store lives.
 */
#ifndef WASM_RUNTIME_CODECACHE_H
#define WASM_RUNTIME_CODECACHE_H

#include "base/arena.h"
#include "base/status.h"
#include "base/vec.h"
#include "wasm/codegen/code.h"
#include "wasm/codegen/layout.h"
#include "wasm/platform.h"

#include <stdbool.h>
#include <stdint.h>

struct stubs;
struct wasm_func;
struct wasm_module;
struct wasm_store;

enum code_kind {
    CODE_DOMAIN, /* the domain's stubs (wasm/codegen/riscv64/stubs.h) */
    CODE_HOST,   /* one host function's stub; host */
    CODE_LAZY,   /* the lazy stubs of `module` */
    CODE_FUNC    /* the code of function code->func of `module` */
};

struct code_range {
    gaddr_t start;
    uint32_t size;
    enum code_kind kind;
    struct wasm_module *module;
    union {
        const struct wasm_func *host;
        const struct code *code; /* without its bytes and relocs */
        const struct stubs *stubs;
    };
};

/* A place in guest memory that leads to a function's lazy stub until the function is compiled. */
struct code_ref {
    gaddr_t at;
    uint8_t kind; /* enum code_reloc_kind, or CODE_REF_RECORD */
    struct code_ref *next;
};
#define CODE_REF_RECORD 0xff /* the `code` field of a func_record */

struct func_code {
    gaddr_t entry; /* 0: not compiled */
    struct code_ref *refs;
};

struct module_code {
    gaddr_t stubs;
    bool far_calls;
    uint32_t imports;        /* functions that have neither stub nor code */
    struct func_code *funcs; /* by function index less the imports */
};

#define CODE_RECENT 16

struct codecache {
    struct arena arena;
    gaddr_t base;
    uint64_t next;     /* offset of the free part */
    uint64_t random;   /* state of the generator of gaps */
    uint64_t features; /* of the machine, for the compiler */
    VEC(struct code_range) ranges;
    uint32_t recent[CODE_RECENT]; /* by a hash of the pc: the range that it was in */
    struct plat_quick *quick;     /* of host functions, or NULL */
    uint32_t quick_len;
    gaddr_t return_stub;
    gaddr_t helpers[HELPER_COUNT];      /* entry points */
    gaddr_t helper_exits[HELPER_COUNT]; /* where they leave user mode */
    uint64_t compiled_funcs, compiled_bytes, machine_bytes, instret, ns;
};

/* Reserves the region and places the domain's stubs. */
MUST_CHECK status_t codecache_init(struct wasm_store *store);
void codecache_fini(struct wasm_store *store);

/* Places the stub of a host function. */
MUST_CHECK status_t codecache_add_host(struct wasm_store *store, struct wasm_func *func);

/* Places another stub, which tries `quick` first (struct plat_quick). LIMIT. */
MUST_CHECK status_t codecache_add_quick(struct wasm_store *store, struct wasm_func *func,
                                        bool (*quick)(void *ctx, uint64_t *regs), void *ctx);

/* Places a module's lazy stubs, and with config.eager compiles all of it. */
MUST_CHECK status_t codecache_add_module(struct wasm_store *store, struct wasm_module *module);

/* Where to call function `index` (not an import): its code, or its lazy stub. */
gaddr_t codecache_entry(const struct wasm_module *module, uint32_t index);

/* Compiles a function unless it is, and leads all callers to it. */
MUST_CHECK status_t codecache_compile(struct wasm_store *store, struct wasm_module *module,
                                      uint32_t index, gaddr_t *entry_out);

/* Keeps the `code` field of a function record up to date (which holds codecache_entry() now). */
MUST_CHECK status_t codecache_add_record(struct wasm_store *store, struct wasm_module *module,
                                         uint32_t index, gaddr_t record);

/* What lies at pc, or NULL. */
const struct code_range *codecache_find(const struct wasm_store *store, gaddr_t pc);

/* The same, quicker for what is looked for again and again: the stubs of host functions. */
const struct code_range *codecache_find_again(struct wasm_store *store, gaddr_t pc);

/* The function whose lazy stub lies at pc, which is in a CODE_LAZY range. */
uint32_t codecache_lazy_func(const struct code_range *range, gaddr_t pc);

/* The row for an instruction that may trap, or else for a return address, in any kind of range;
 * NULL if there is none. */
const struct code_site *codecache_site(const struct code_range *range, gaddr_t pc, bool is_return);

#endif
