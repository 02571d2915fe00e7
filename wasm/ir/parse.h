/*
 * Text -> func: the inverse of print.h, for tests and tools.
 *
 * It reads any bytes without harm and checks the form alone; whether the function makes sense is
 * verify_run()'s to say, and must be asked before anything else looks at the function.
 */
#ifndef WASM_IR_PARSE_H
#define WASM_IR_PARSE_H

#include "base/status.h"
#include "wasm/ir/ir.h"

#include <stddef.h>

struct parse_error {
    uint32_t line; /* from 1 */
    char text[120];
};

/* The first function in `text`. *size_out, if given, is how much of the text was read. BAD_FORMAT
 * with *error_out, or NO_MEMORY where the arena has no other way out. */
MUST_CHECK status_t parse_func(struct arena *arena, const struct module *module, const char *text,
                               size_t size, struct func **func_out, size_t *size_out,
                               struct parse_error *error_out);

#endif
