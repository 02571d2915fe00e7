/*
 * The compiler as a list of passes: one validated function in, machine code out.
 */
#ifndef WASM_COMPILE_H
#define WASM_COMPILE_H

#include "base/fmt.h"
#include "wasm/codegen/target.h"

struct compile_options {
    const struct target *target;
    struct target_options target_options;
    bool verify;            /* run the verifiers between passes */
    const char *dump_after; /* name of a pass, "all", or NULL */
    struct sink *dump;      /* where dumps go */
};

/* Compiles function `index` (not an import) of `module`. The code lives in `arena`, all else is
 * gone when this returns. NO_MEMORY, KILLED when the arena's user is to end, or LIMIT when the frame would
 * be too large. */
MUST_CHECK status_t compile_func(const struct module *module, uint32_t index,
                                 const struct layout *layout, const struct compile_options *options,
                                 struct arena *arena, struct code **code_out);

/* The stubs of a domain (wasm/codegen/riscv64/stubs.h), in `arena`. NO_MEMORY. */
struct stubs;
MUST_CHECK status_t compile_stubs(uint32_t exit_instruction, struct arena *arena,
                                  struct stubs **stubs_out);

/* The names of the passes in order, NULL-terminated. */
extern const char *const compile_passes[];

#endif
