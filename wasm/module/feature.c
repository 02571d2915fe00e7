/* Names of features. See feature.h. */
#include "wasm/module/feature.h"

const char *wasm_feature_text(enum wasm_feature feature) {
    static const char *const texts[WASM_FEATURE_COUNT] = {
#define X(name, text, enabled) text,
        WASM_FEATURE_TABLE(X)
#undef X
    };
    return texts[feature];
}
