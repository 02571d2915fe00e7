/*
 * Checks every invariant of ir.h, so that a pass which breaks one is caught where it does.
 */
#ifndef WASM_IR_VERIFY_H
#define WASM_IR_VERIFY_H

#include "wasm/ir/ir.h"

/* NULL if all holds, else what is wrong and where, in f's arena. Runs the analysis. */
const char *verify_run(struct func *f);

#endif
