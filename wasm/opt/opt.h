/*
 * The optimizer: passes over one function, each in the file of its name, whose head says what it
 * needs, gives and breaks. Any may be left out; compile.c has the order.
 */
#ifndef WASM_OPT_OPT_H
#define WASM_OPT_OPT_H

#include "wasm/ir/ir.h"

void fold_run(struct func *f);
void gvn_run(struct func *f);
void address_run(struct func *f);
void licm_run(struct func *f);
void dce_run(struct func *f);
void cfg_run(struct func *f);

/* Passes by name, for tests and tools; NULL when there is none of that name. */
typedef void (*pass_fn)(struct func *f);
pass_fn pass_find(const char *name, size_t size);

#endif
