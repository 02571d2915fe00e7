/*
 * What the runtime knows of the target beyond its compiler: the few instructions that it writes
 * itself when it leads calls to new code. Registers and argument places are in
 * wasm/codegen/riscv64/abi.h.
 */
#ifndef WASM_RUNTIME_RISCV64_MACHINE_H
#define WASM_RUNTIME_RISCV64_MACHINE_H

#include "wasm/platform.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MACHINE_LAZY_STUB_SIZE 8u
#define MACHINE_PATCH_MAX 8u

/* What the harts that run guests can do, for struct target_options. */
uint64_t machine_features(void);

/* A call of CODE_RELOC_NEAR or _FAR at `from`, to `to`; the bytes into out. False: too far. */
bool machine_call(uint8_t kind, gaddr_t from, gaddr_t to, uint8_t out[MACHINE_PATCH_MAX],
                  size_t *size_out);

/* A jump that fits a lazy stub. It may destroy the scratch register of emission. */
void machine_jump(gaddr_t from, gaddr_t to, uint8_t out[MACHINE_LAZY_STUB_SIZE]);

#endif
