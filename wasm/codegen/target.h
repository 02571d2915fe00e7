/*
 * What a target machine is to the compiler: some register sets and the functions of its folder.
 */
#ifndef WASM_CODEGEN_TARGET_H
#define WASM_CODEGEN_TARGET_H

#include "wasm/codegen/code.h"
#include "wasm/codegen/layout.h"
#include "wasm/codegen/mir.h"

/* What the machine can do beyond its base, and how code is to be made. */
struct target_options {
    uint64_t features; /* bits of the target's own enumeration (riscv64/features.h) */
    bool far_calls;    /* the module's code may not fit within 1 MiB */
};

struct target {
    const char *name;
    uint32_t allocatable[REG_CLASS_COUNT]; /* register masks */
    uint32_t callee_saved[REG_CLASS_COUNT];
    uint32_t clobbers[REG_CLASS_COUNT]; /* destroyed by calls; disjoint from callee_saved */
    uint8_t scratch[REG_CLASS_COUNT];   /* for moves; not allocatable */
    /* Order in which to prefer free registers (compressed encodings first), 0xff-terminated. */
    uint8_t preference[REG_CLASS_COUNT][32];

    /* func -> mfunc. Needs: no critical edges, no COPYs, analysis fresh. */
    struct mfunc *(*select)(struct arena *arena, const struct func *f, const struct layout *layout,
                            const struct target_options *options);
    /* Checks that every guest memory access goes through base + zero-extended index. On a failure
     * returns a text that names it, else NULL. Before allocation. */
    const char *(*check_sandbox)(const struct mfunc *m);
    /* mfunc with registers -> code, in `arena`. */
    MUST_CHECK status_t (*emit)(struct arena *arena, const struct mfunc *m,
                                const struct target_options *options, struct code **code_out);
    void (*print)(struct sink *sink, const struct mfunc *m);
    /* One instruction at `bytes` as text into buf; returns its size in bytes. */
    uint32_t (*disassemble)(const uint8_t *bytes, uint32_t size, uint64_t pc, char *buf,
                            size_t cap);
};

extern const struct target target_riscv64;

/* regalloc.c: fills loc, moves, slot_count, used_regs. */
void regalloc_run(struct mfunc *m, const struct target *target);
/* regalloc_check.c: proves by symbolic execution that every USE gets the value of its vreg and no
 * constraint is broken; returns a text that names the first fault, else NULL. For tests. */
const char *regalloc_check(const struct mfunc *m, const struct target *target);

#endif
