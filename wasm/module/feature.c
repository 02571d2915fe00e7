/* Names of features. See feature.h. */
#include "wasm/module/feature.h"

const char *feature_text(enum feature feature) {
    static const char *const texts[FEATURE_COUNT] = {
#define X(name, text, enabled) text,
        FEATURE_TABLE(X)
#undef X
    };
    return texts[feature];
}
