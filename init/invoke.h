/*
 * Calls an exported function with arguments given as text.
 */
#ifndef INIT_INVOKE_H
#define INIT_INVOKE_H

#include "base/fmt.h"
#include "wasm/wasm.h"

#define INVOKE_MAX_VALUES 64

/* Reads one value of `type` from text: integers in decimal or hex with an optional sign, floats as
 * C writes them. BAD_ARGUMENT. */
MUST_CHECK status_t invoke_parse(const char *text, valtype_t type, struct wasm_value *out);

/* Writes a value so that invoke_parse() would read it back. */
void invoke_print(const struct wasm_value *value, struct sink *sink);

#endif
