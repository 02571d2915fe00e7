/*
 * The code region: placing, compiling at the first call, and leading calls to the code.
 *
 * Order when a function is compiled: all memory that its bookkeeping needs is taken first, then its
 * bytes are published, then it is entered, then its stub and all that referred to the stub is patched.
 * A patch that fails is no harm: the stub still leads to the right place.
 */
#include "wasm/runtime/codecache.h"

#include "wasm/codegen/riscv64/features.h"
#include "wasm/codegen/riscv64/stubs.h"
#include "wasm/compile.h"
#include "wasm/runtime/objects.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

enum {
    GAP_UNITS = 16,   /* random gap before a function: 0..15 times CODE_ALIGN */
    STUB_BATCH = 512, /* lazy stubs published at a time */
};

/* Machine code is rarely larger than this many times the bytecode. */
#define EXPANSION 6u
/* A module whose code is estimated to be larger makes far calls. */
#define NEAR_MODULE_SIZE (700u << 10)

/* ---- places -------------------------------------------------------------------------------- */

static uint32_t next_random(struct codecache *cache) {
    cache->random += 0x9e3779b97f4a7c15ull;
    return (uint32_t)(hash_u64(cache->random) >> 32);
}

static status_t place(struct codecache *cache, uint64_t size, gaddr_t *addr_out) {
    uint64_t at = cache->next + (uint64_t)(next_random(cache) % GAP_UNITS) * CODE_ALIGN;
    at = (at + CODE_ALIGN - 1) / CODE_ALIGN * CODE_ALIGN;
    if (at > LIMIT_CODE_REGION || size > LIMIT_CODE_REGION - at) {
        return STATUS_NO_SPACE;
    }
    cache->next = at + size;
    *addr_out = cache->base + at;
    return STATUS_OK;
}

static status_t reserve_range(struct codecache *cache) {
    bool had = vec_try_reserve(&cache->arena, &cache->ranges, cache->ranges.len + 1);
    return had ? STATUS_OK : STATUS_NO_MEMORY;
}

/* Ranges come in the order of their places. */
static struct code_range *add_range(struct codecache *cache, enum code_kind kind, gaddr_t start,
                                    uint64_t size) {
    assert(cache->ranges.len < cache->ranges.cap);
    struct code_range *range = &cache->ranges.at[cache->ranges.len++];
    *range = (struct code_range){.start = start, .size = (uint32_t)size, .kind = kind};
    return range;
}

const struct code_range *codecache_find(const struct wasm_store *store, gaddr_t pc) {
    const struct codecache *cache = &store->code;
    uint32_t low = 0, high = cache->ranges.len;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct code_range *range = &cache->ranges.at[middle];
        if (pc < range->start) {
            high = middle;
        } else if (pc - range->start < range->size) {
            return range;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}

const struct code_range *codecache_find_again(struct wasm_store *store, gaddr_t pc) {
    struct codecache *cache = &store->code;
    uint32_t *recent = &cache->recent[pc / STUBS_EXIT_SIZE % CODE_RECENT];
    const struct code_range *range = &cache->ranges.at[*recent]; /* there is always one */
    if (pc - range->start < range->size) {
        return range;
    }
    range = codecache_find(store, pc);
    if (range) {
        *recent = (uint32_t)(range - cache->ranges.at);
    }
    return range;
}

const struct code_site *codecache_site(const struct code_range *range, gaddr_t pc, bool is_return) {
    bool is_func = range->kind == CODE_FUNC, is_domain = range->kind == CODE_DOMAIN;
    const struct code_site *sites = is_func     ? range->code->sites
                                    : is_domain ? range->stubs->sites
                                                : NULL;
    uint32_t count = is_func ? range->code->site_count : is_domain ? range->stubs->site_count : 0;
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (sites[middle].offset < pc - range->start) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    /* An instruction that traps may stand where a call returns to. */
    for (; low < count && sites[low].offset == pc - range->start; low++) {
        if ((sites[low].trap == TRAP_NONE) == is_return) {
            return &sites[low];
        }
    }
    return NULL;
}

/* ---- stubs --------------------------------------------------------------------------------- */

static status_t place_domain_stubs(struct wasm_store *store) {
    struct codecache *cache = &store->code;
    struct stubs *stubs;
    gaddr_t start;
    TRY(compile_stubs(plat_exit_instruction(), &cache->arena, &stubs));
    TRY(reserve_range(cache));
    TRY(place(cache, stubs->size, &start));
    TRY(plat_publish(store->space, start, stubs->bytes, stubs->size));
    add_range(cache, CODE_DOMAIN, start, stubs->size)->stubs = stubs;
    cache->return_stub = start + stubs->leave_return;
    for (uint32_t i = 0; i < HELPER_COUNT; i++) {
        cache->helpers[i] = start + stubs->helper[i];
        cache->helper_exits[i] = start + stubs->leave[i];
    }
    return STATUS_OK;
}

status_t codecache_init(struct wasm_store *store) {
    struct codecache *cache = &store->code;
    plat_entropy(&cache->random, sizeof(cache->random));
    cache->features = features_parse(plat_isa());
    TRY(plat_reserve(store->space, LIMIT_CODE_REGION, PLAT_PAGE_SIZE, &cache->base));
    return place_domain_stubs(store);
}

void codecache_fini(struct wasm_store *store) {
    arena_fini(&store->code.arena);
}

status_t codecache_add_host(struct wasm_store *store, struct wasm_func *func) {
    struct codecache *cache = &store->code;
    uint8_t bytes[STUBS_HOST_SIZE];
    gaddr_t start;
    stubs_write_host(bytes, plat_exit_instruction());
    TRY(reserve_range(cache));
    TRY(place(cache, sizeof(bytes), &start));
    TRY(plat_publish(store->space, start, bytes, sizeof(bytes)));
    add_range(cache, CODE_HOST, start, sizeof(bytes))->host = func;
    func->host->stub = start;
    return STATUS_OK;
}

status_t codecache_add_quick(struct wasm_store *store, struct wasm_func *func,
                             bool (*quick)(void *ctx, uint64_t *regs), void *ctx) {
    struct codecache *cache = &store->code;
    uint8_t bytes[STUBS_QUICK_SIZE];
    gaddr_t start;
    if (!cache->quick) {
        cache->quick = arena_array(&cache->arena, struct plat_quick, PLAT_QUICK_LEN);
    }
    if (!cache->quick || cache->quick_len == PLAT_QUICK_LEN) {
        return cache->quick ? STATUS_LIMIT : STATUS_NO_MEMORY;
    }
    struct plat_quick *entry = &cache->quick[cache->quick_len];
    stubs_write_quick(bytes, plat_exit_instruction(), cache->quick_len * (uint32_t)sizeof(*entry));
    TRY(reserve_range(cache));
    TRY(place(cache, sizeof(bytes), &start));
    TRY(plat_publish(store->space, start, bytes, sizeof(bytes)));
    add_range(cache, CODE_HOST, start, sizeof(bytes))->host = func;
    *entry = (struct plat_quick){.pc = start + STUBS_QUICK_EXIT, .fn = quick, .ctx = ctx};
    cache->quick_len++;
    func->host->stub = start;
    return STATUS_OK;
}

static status_t publish_lazy_stubs(struct wasm_store *store, gaddr_t start, uint32_t count) {
    uint8_t bytes[STUB_BATCH * STUBS_LAZY_SIZE];
    for (uint32_t i = 0; i < STUB_BATCH; i++) {
        stubs_write_lazy(bytes + i * STUBS_LAZY_SIZE, plat_exit_instruction());
    }
    for (uint32_t done = 0; done < count;) {
        uint32_t n = count - done < STUB_BATCH ? count - done : STUB_BATCH;
        TRY(plat_publish(store->space, start + (uint64_t)done * STUBS_LAZY_SIZE, bytes,
                         (size_t)n * STUBS_LAZY_SIZE));
        done += n;
    }
    return STATUS_OK;
}

static gaddr_t lazy_stub(const struct wasm_module *module, uint32_t index) {
    return module->code.stubs + (uint64_t)(index - module->code.imports) * STUBS_LAZY_SIZE;
}

uint32_t codecache_lazy_func(const struct code_range *range, gaddr_t pc) {
    return range->module->code.imports + (uint32_t)((pc - range->start) / STUBS_LAZY_SIZE);
}

static struct func_code *func_code(const struct wasm_module *module, uint32_t index) {
    assert(index >= module->code.imports && index < module->decoded->func_count);
    return &module->code.funcs[index - module->code.imports];
}

gaddr_t codecache_entry(const struct wasm_module *module, uint32_t index) {
    gaddr_t entry = func_code(module, index)->entry;
    return entry != 0 ? entry : lazy_stub(module, index);
}

static status_t compile_all(struct wasm_store *store, struct wasm_module *module) {
    const struct wasm_config *config = &store->config;
    uint64_t before = store->code.compiled_bytes;
    gaddr_t entry;
    for (uint32_t i = module->code.imports; i < module->decoded->func_count; i++) {
        TRY(codecache_compile(store, module, i, &entry));
        if (config->progress) {
            config->progress(config->progress_ctx, store->code.compiled_bytes - before,
                             module->decoded->code_size);
        }
    }
    return STATUS_OK;
}

status_t codecache_add_module(struct wasm_store *store, struct wasm_module *module) {
    struct codecache *cache = &store->code;
    struct module_code *code = &module->code;
    uint32_t count = module->decoded->func_count - module->decoded->func_imports;
    uint64_t size = (uint64_t)count * STUBS_LAZY_SIZE;
    code->imports = module->decoded->func_imports;
    code->far_calls = module->decoded->code_size * EXPANSION + size > NEAR_MODULE_SIZE;
    code->funcs = arena_array(&module->arena, struct func_code, count);
    if (!code->funcs) {
        return STATUS_NO_MEMORY;
    }
    if (count == 0) {
        return STATUS_OK;
    }
    TRY(reserve_range(cache));
    TRY(place(cache, size, &code->stubs));
    TRY(publish_lazy_stubs(store, code->stubs, count));
    uint32_t range = cache->ranges.len;
    add_range(cache, CODE_LAZY, code->stubs, size)->module = module;
    status_t status = store->config.eager ? compile_all(store, module) : STATUS_OK;
    if (status != STATUS_OK) {
        cache->ranges.len = range; /* the module goes away; its places stay unused */
    }
    return status;
}

/* ---- references ---------------------------------------------------------------------------- */

static status_t add_ref(struct wasm_module *module, struct func_code *callee, gaddr_t at,
                        uint8_t kind) {
    struct code_ref *ref = arena_new(&module->arena, struct code_ref);
    if (!ref) {
        return STATUS_NO_MEMORY;
    }
    *ref = (struct code_ref){.at = at, .kind = kind, .next = callee->refs};
    callee->refs = ref;
    return STATUS_OK;
}

status_t codecache_add_record(struct wasm_store *store, struct wasm_module *module, uint32_t index,
                              gaddr_t record) {
    (void)store;
    struct func_code *callee = func_code(module, index);
    return callee->entry != 0 ? STATUS_OK
                              : add_ref(module, callee, record + offsetof(struct func_record, code),
                                        CODE_REF_RECORD);
}

static status_t write_record_code(struct wasm_store *store, gaddr_t at, gaddr_t entry) {
    return plat_copy_out(store->space, at, &entry, sizeof(entry));
}

/* Each of these may fail without harm; see the head of the file. */
static void redirect(struct wasm_store *store, struct wasm_module *module, uint32_t index) {
    struct func_code *callee = func_code(module, index);
    gaddr_t stub = lazy_stub(module, index);
    uint8_t bytes[STUBS_LAZY_SIZE];
    uint32_t size = stubs_write_jump(bytes, stub, callee->entry);
    status_t ignored = plat_publish(store->space, stub, bytes, size);
    for (struct code_ref *ref = callee->refs; ref; ref = ref->next) {
        if (ref->kind == CODE_REF_RECORD) {
            ignored = write_record_code(store, ref->at, callee->entry);
        } else if ((size = stubs_write_call(bytes, ref->kind, ref->at, callee->entry)) > 0) {
            ignored = plat_publish(store->space, ref->at, bytes, size);
        }
    }
    callee->refs = NULL;
    uint32_t record = module->layout->records[index];
    for (struct wasm_instance *i = module->instances; i && record != UINT32_MAX; i = i->sibling) {
        ignored = write_record_code(store, i->area + record + offsetof(struct func_record, code),
                                    callee->entry);
    }
    (void)ignored;
}

/* ---- compiling ----------------------------------------------------------------------------- */

struct log_sink {
    struct sink sink;
    size_t len;
    char line[160];
};

/* Points the calls in the code, which will lie at `entry`, at code or stubs of their callees. */
static bool relocate(struct wasm_module *module, struct code *code, gaddr_t entry) {
    for (uint32_t i = 0; i < code->reloc_count; i++) {
        const struct code_reloc *reloc = &code->relocs[i];
        gaddr_t at = entry + reloc->offset;
        gaddr_t callee =
            reloc->callee == code->func ? entry : codecache_entry(module, reloc->callee);
        uint8_t bytes[STUBS_LAZY_SIZE];
        uint32_t size = stubs_write_call(bytes, reloc->kind, at, callee);
        if (size == 0) {
            size = stubs_write_call(bytes, reloc->kind, at, lazy_stub(module, reloc->callee));
        }
        if (size == 0) {
            return false;
        }
        memcpy(code->bytes + reloc->offset, bytes, size);
    }
    return true;
}

static status_t add_refs(struct wasm_module *module, const struct code *code, gaddr_t entry) {
    for (uint32_t i = 0; i < code->reloc_count; i++) {
        const struct code_reloc *reloc = &code->relocs[i];
        struct func_code *callee = func_code(module, reloc->callee);
        if (callee->entry == 0 && reloc->callee != code->func) {
            TRY(add_ref(module, callee, entry + reloc->offset, reloc->kind));
        }
    }
    return STATUS_OK;
}

/* What is needed of the code once its bytes are placed. */
static struct code *keep(struct arena *arena, const struct code *code) {
    struct code *kept = arena_copy(arena, code, sizeof(*code));
    if (!kept) {
        return NULL;
    }
    kept->bytes = NULL;
    kept->relocs = NULL;
    kept->sites = arena_copy(arena, code->sites, sizeof(*code->sites) * code->site_count);
    return kept->sites ? kept : NULL;
}

/* What the compiler says of a function that it gives up, a line at a time. */
static void log_text(struct sink *sink, const char *text, size_t len) {
    struct log_sink *log = (struct log_sink *)sink;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\n' || log->len == sizeof(log->line)) {
            plat_log("%.*s", (int)log->len, log->line);
            log->len = 0;
        }
        if (text[i] != '\n') {
            log->line[log->len++] = text[i];
        }
    }
}

static status_t compile_and_place(struct wasm_store *store, struct wasm_module *module,
                                  uint32_t index, struct code **code_out, gaddr_t *entry_out) {
    struct log_sink log = {.sink = {log_text}};
    struct compile_options options = {
        .target = &target_riscv64,
        .target_options = {.features = store->code.features, .far_calls = module->code.far_calls},
        .verify = store->config.verify,
        .dump = &log.sink,
    };
    TRY(compile_func(module->decoded, index, module->layout, &options, &store->scratch, code_out));
    TRY(place(&store->code, (*code_out)->size, entry_out));
    if (!relocate(module, *code_out, *entry_out)) {
        if (module->code.far_calls) {
            return STATUS_NO_SPACE;
        }
        module->code.far_calls = true; /* the estimate was wrong; from here on calls reach */
        return compile_and_place(store, module, index, code_out, entry_out);
    }
    return STATUS_OK;
}

static status_t compile(struct wasm_store *store, struct wasm_module *module, uint32_t index) {
    struct codecache *cache = &store->code;
    struct code *code;
    gaddr_t entry;
    TRY(compile_and_place(store, module, index, &code, &entry));
    TRY(reserve_range(cache));
    struct code *kept = keep(&module->arena, code);
    if (!kept) {
        return STATUS_NO_MEMORY;
    }
    TRY(add_refs(module, code, entry));
    TRY(plat_publish(store->space, entry, code->bytes, code->size));
    struct code_range *range = add_range(cache, CODE_FUNC, entry, code->size);
    range->module = module;
    range->code = kept;
    func_code(module, index)->entry = entry;
    cache->compiled_funcs++;
    cache->compiled_bytes += module->decoded->funcs[index].body_size;
    cache->machine_bytes += code->size;
    plat_count_compile(code->size);
    return STATUS_OK;
}

status_t codecache_compile(struct wasm_store *store, struct wasm_module *module, uint32_t index,
                           gaddr_t *entry_out) {
    struct func_code *func = func_code(module, index);
    if (func->entry == 0) {
        uint64_t start = plat_instret(), start_ns = plat_time_ns();
        struct arena_mark mark = arena_mark(&store->scratch);
        status_t status = compile(store, module, index);
        arena_reset(&store->scratch, mark);
        store->code.instret += plat_instret() - start;
        store->code.ns += plat_time_ns() - start_ns;
        if (status != STATUS_OK) {
            return status;
        }
        redirect(store, module, index);
    }
    *entry_out = func->entry;
    return STATUS_OK;
}
