/*
 * Passes by name, so that tests and tools can run them one by one.
 */
#include "wasm/ir/analysis.h"
#include "wasm/opt/opt.h"

#include <string.h>

static const struct {
    const char *name;
    pass_fn run;
} passes[] = {
    {"fold", fold_run},
    {"gvn", gvn_run},
    {"address", address_run},
    {"licm", licm_run},
    {"dce", dce_run},
    {"cfg", cfg_run},
    {"split", func_split_critical_edges},
    {"copies", func_resolve_copies},
    {"analysis", analysis_run},
};

pass_fn pass_find(const char *name, size_t size) {
    for (size_t k = 0; k < sizeof(passes) / sizeof(passes[0]); k++) {
        if (strlen(passes[k].name) == size && memcmp(passes[k].name, name, size) == 0) {
            return passes[k].run;
        }
    }
    return NULL;
}
