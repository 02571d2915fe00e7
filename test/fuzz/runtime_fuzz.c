/*
 * Any bytes as a module, as far as a host can take it that runs no RISC-V: decoded, validated,
 * compiled whole with every verifier on, linked against a host module, instantiated up to its start
 * function. A verifier that refuses what the compiler made is a bug found.
 *
 *     make fuzz, or build/fuzz/runtime_fuzz CORPUS SEEDS...
 */
#include "test/spec/spectest.h"
#include "test/support/platform_linux.h"
#include "wasm/wasm.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_compiled(status_t status, const struct wasm_error *error) {
    if (status == STATUS_FAULT || strncmp(error->text, "module's code: invalid", 22) == 0) {
        abort();
    }
}

static void run(struct wasm_store *store, const uint8_t *bytes, size_t size) {
    struct wasm_error error = {0};
    static struct wasm_trap trap;
    struct wasm_module *module;
    struct wasm_instance *instance;
    status_t status = spectest_define(store);
    if (status == STATUS_OK) {
        status = wasm_module_load(store, bytes, size, &module, &error);
        check_compiled(status, &error);
    }
    if (status == STATUS_OK && wasm_module_decoded(module)->start == INDEX_NONE) {
        status = wasm_instantiate(store, module, &instance, &error, &trap);
        (void)status;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static const struct wasm_config config = {
        .eager = true, .verify = true, .max_memory = (uint64_t)64 << 20};
    struct wasm_store *store;
    if (wasm_store_new(&config, &store) != STATUS_OK) {
        abort();
    }
    run(store, bytes, size);
    wasm_store_free(store);
    if (platform_held() != 0) {
        abort();
    }
    return 0;
}
