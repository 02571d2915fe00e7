/*
 * Where the compilers' checks for undefined behaviour end in sanitized kernels (MODE=san): a panic that
 * names the place. The names are theirs, and of what they hand over all that is read is the place, which
 * comes first in each of their records.
 */
#if K23_SANITIZE

#include "kernel/panic.h"

#include <stdint.h>

struct place {
    const char *file;
    uint32_t line, column;
};

#define HANDLER(name, text)                                                                        \
    _Noreturn void __ubsan_handle_##name(const struct place *place);                               \
    _Noreturn void __ubsan_handle_##name(const struct place *place) {                              \
        panic("undefined behaviour: " text " (%s:%u:%u)", place->file, place->line,                \
              place->column);                                                                      \
    }

HANDLER(add_overflow, "overflow of an addition")
HANDLER(sub_overflow, "overflow of a subtraction")
HANDLER(mul_overflow, "overflow of a multiplication")
HANDLER(negate_overflow, "overflow of a negation")
HANDLER(divrem_overflow, "division by zero, or its overflow")
HANDLER(pointer_overflow, "overflow of a pointer")
HANDLER(shift_out_of_bounds, "shift by more than a type has, or of a negative number")
HANDLER(out_of_bounds, "index beyond an array")
HANDLER(type_mismatch_v1,
        "access by a null pointer, one that is not aligned, or to too small an object")
HANDLER(vla_bound_not_positive, "array of no elements")
HANDLER(load_invalid_value, "value that its type does not have")
HANDLER(invalid_builtin, "zero for a function that counts zeros")
HANDLER(nonnull_arg, "null pointer for an argument that may not be")
HANDLER(nonnull_return_v1, "null pointer returned where it may not be")
HANDLER(builtin_unreachable, "a place that cannot be reached")
HANDLER(missing_return, "end of a function without a value")
HANDLER(float_cast_overflow, "conversion that overflows")
HANDLER(alignment_assumption, "pointer that is not aligned as promised")

#endif
