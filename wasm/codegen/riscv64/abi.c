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
