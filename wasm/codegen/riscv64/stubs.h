/*
 * The code that every domain has beside that of its modules: helpers and the ways out of user mode.
 *
 * A stub that leaves is one exit instruction, 4 bytes and given by the platform; its address says
 * which stub it was. The runtime finds the arguments in the saved registers (abi.h), puts results
 * there too and lets the guest go on at pc + 4, where a `ret` stands. memory.copy and memory.fill of memory 0 do
 * their work in user mode and leave only when there is something odd about it.
 */
#ifndef WASM_CODEGEN_RISCV64_STUBS_H
#define WASM_CODEGEN_RISCV64_STUBS_H

#include "base/arena.h"
#include "wasm/codegen/code.h"
#include "wasm/ir/ir.h"

#include <stdint.h>

#define STUBS_EXIT_SIZE  4u  /* the exit instruction */
#define STUBS_HOST_SIZE  8u  /* a host function's stub: exit, ret */
#define STUBS_QUICK_SIZE 12u /* one with a quick way: offset in t0, exit, ret */
#define STUBS_QUICK_EXIT 4u  /* where in it the exit is */
#define STUBS_LAZY_SIZE  8u  /* a lazy stub: exit, room for a far jump later */

/* Offsets in `bytes`, which are position-independent and to be placed at a multiple of CODE_ALIGN. */
struct stubs {
    uint8_t *bytes;
    uint32_t size;
    uint32_t helper[HELPER_COUNT]; /* entry points, for instance_area.helpers */
    uint32_t leave[HELPER_COUNT];  /* where the helper's exit instruction is */
    uint32_t leave_return;         /* ra of a call from the host: an exit instruction */
    uint32_t site_count;           /* instructions that trap; pos is 0 */
    struct code_site *sites;
};

/* In `arena`; all of it depends on the exit instruction alone. */
struct stubs *stubs_new(struct arena *arena, uint32_t exit_instruction);

/* The bytes of one host function's stub and of one function's lazy stub. The runtime knows which
 * function it is by the address. */
void stubs_write_host(uint8_t bytes[STUBS_HOST_SIZE], uint32_t exit_instruction);
void stubs_write_quick(uint8_t bytes[STUBS_QUICK_SIZE], uint32_t exit_instruction, uint32_t offset);
void stubs_write_lazy(uint8_t bytes[STUBS_LAZY_SIZE], uint32_t exit_instruction);

/* A jump from a lazy stub at `from` to code at `to`, STUBS_LAZY_SIZE bytes: one 4-byte instruction if
 * it is within 1 MiB, so that it can be stored over the exit instruction in one piece. Returns how
 * many bytes of `bytes` are to be written: 4, or 8 when it is further (up to 2 GiB; t5 is lost). */
uint32_t stubs_write_jump(uint8_t bytes[STUBS_LAZY_SIZE], uint64_t from, uint64_t to);

/* The words of a direct call at `from` to `to`: kind is enum code_reloc_kind. Returns the size, or
 * 0 when it is out of reach. */
uint32_t stubs_write_call(uint8_t bytes[8], uint8_t kind, uint64_t from, uint64_t to);

#endif
