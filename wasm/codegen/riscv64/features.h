/*
 * ISA extensions that change what code is made; everything in RV64GC is taken for granted.
 */
#ifndef WASM_CODEGEN_RISCV64_FEATURES_H
#define WASM_CODEGEN_RISCV64_FEATURES_H

#include <stdint.h>

#define FEATURE_TABLE(X)                                                                           \
    X(ZBA, "zba")       /* shift-and-add, unsigned words */                                        \
    X(ZBB, "zbb")       /* bit counting, rotation, min and max */                                  \
    X(ZBS, "zbs")       /* single bits */                                                          \
    X(ZICOND, "zicond") /* conditional zero */                                                     \
    X(ZFA, "zfa")       /* rounding, NaN-propagating min and max */

enum feature_index {
#define X(name, text) FEATURE_INDEX_##name,
    FEATURE_TABLE(X)
#undef X
        FEATURE_COUNT
};

enum feature {
#define X(name, text) FEATURE_##name = 1 << FEATURE_INDEX_##name,
    FEATURE_TABLE(X)
#undef X
};

/* The extensions that an ISA string ("rv64imafdc_zba_zbb", any case) names; what it does not know
 * it passes over. */
uint64_t features_parse(const char *isa);

#endif
