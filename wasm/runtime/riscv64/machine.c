/*
 * Calls and jumps as the runtime patches them: `jal` for what is near, else `auipc` and `jalr`
 * (RISC-V unprivileged specification, 2.5).
 */
#include "wasm/runtime/riscv64/machine.h"

#include "wasm/codegen/code.h"
#include "wasm/codegen/riscv64/encode.h"
#include "wasm/codegen/riscv64/features.h"

#include <assert.h>
#include <string.h>

#define NEAR_BITS 21u /* of the signed offset of jal */

uint64_t machine_features(void) {
    return features_parse(plat_isa());
}

static void put_near(uint8_t *out, reg_t link, int64_t offset) {
    uint32_t words[2] = {encode_JAL(link, offset), 0};
    memcpy(out, words, sizeof(words));
}

/* All code of a domain is in one region, far smaller than what the pair reaches. */
static void put_far(uint8_t *out, reg_t link, reg_t scratch, int64_t offset) {
    assert(encode_fits(offset, 31));
    uint32_t words[2] = {encode_AUIPC(scratch, encode_hi(offset)),
                         encode_JALR(link, scratch, encode_lo(offset))};
    memcpy(out, words, sizeof(words));
}

bool machine_call(uint8_t kind, gaddr_t from, gaddr_t to, uint8_t out[MACHINE_PATCH_MAX],
                  size_t *size_out) {
    int64_t offset = (int64_t)(to - from);
    if (kind == CODE_RELOC_FAR) {
        put_far(out, RA, RA, offset);
        *size_out = 8;
        return true;
    }
    put_near(out, RA, offset);
    *size_out = 4;
    return encode_fits(offset, NEAR_BITS);
}

void machine_jump(gaddr_t from, gaddr_t to, uint8_t out[MACHINE_LAZY_STUB_SIZE]) {
    int64_t offset = (int64_t)(to - from);
    if (encode_fits(offset, NEAR_BITS)) {
        put_near(out, ZERO, offset);
    } else {
        put_far(out, ZERO, T5, offset);
    }
}
