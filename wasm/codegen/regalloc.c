/*
 * Register allocation: linear scan over SSA form with live-range splitting (after Wimmer and
 * Moessenboeck, "Optimized interval splitting in a linear scan register allocator", 2005, and Wimmer
 * and Franz, "Linear scan register allocation on SSA form", 2010).
 *
 * Needs: mir.h's contract. Gives: loc of every operand, moves, slot_count, used_regs.
 * Breaks: nothing; the instructions stay as they are. docs/regalloc.md tells how it decides.
 * Everything is in the function's arena and near-linear in the size of the code.
 */
#include "wasm/codegen/regalloc.h"

#include <assert.h>

void regalloc_run(struct mfunc *m, const struct target *target) {
    struct regalloc ra = {.m = m, .target = target, .arena = m->arena};
    assert(m->insts.len < REGALLOC_INST_MAX);
    regalloc_live_build(&ra);
    arena_poll(ra.arena);
    regalloc_scan_run(&ra);
    arena_poll(ra.arena);
    regalloc_slots_assign(&ra);
    regalloc_moves_build(&ra);
    m->used_regs[REG_INT] = (uint32_t)ra.used;
    m->used_regs[REG_FP] = (uint32_t)(ra.used >> 32);
}
