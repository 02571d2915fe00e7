/*
 * Places of parameters and results; the convention is written down in abi.h.
 */
#include "wasm/codegen/riscv64/abi.h"

struct abi_place abi_next(struct abi_walk *walk, bool is_float) {
    uint32_t *used = is_float ? &walk->floats : &walk->ints;
    struct abi_place place = {.kind = ABI_STACK};
    if (*used < ABI_ARG_REGS) {
        place.kind = is_float ? ABI_FLOAT : ABI_INT;
        place.reg = (uint8_t)(ABI_REG_ARG + (*used)++);
    } else {
        place.offset = 8 * walk->slots++;
    }
    return place;
}

uint32_t abi_assign(const valtype_t *types, uint32_t n, uint32_t first_slot,
                    struct abi_place *places_out) {
    struct abi_walk walk = {.slots = first_slot};
    for (uint32_t i = 0; i < n; i++) {
        enum val_kind kind = valtype_kind(types[i]);
        places_out[i] = abi_next(&walk, kind == VAL_F32 || kind == VAL_F64);
    }
    return walk.slots;
}
