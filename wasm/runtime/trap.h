/*
 * From a guest that stopped to the trap that it is, and who called whom.
 */
#ifndef WASM_RUNTIME_TRAP_H
#define WASM_RUNTIME_TRAP_H

#include "wasm/runtime/call.h"

/* The trap for an exit that is not PLAT_EXIT_CALL. INTERNAL, with a line in the log, when no trap
 * of WebAssembly explains it. */
enum trap trap_classify(const struct wasm_store *store, enum plat_exit exit,
                        const struct plat_regs *regs, gaddr_t fault_addr);

/* Fills *trap_out with the kind and the frames of all activations. Reads the guest's stack, believes
 * none of it, and is bounded. */
void trap_fill(struct wasm_store *store, enum trap kind, struct wasm_trap *trap_out);

#endif
