/*
 * What the C library asks of its host: where a failed assertion ends. wasm/ asserts by <assert.h>, as
 * it also builds on Linux; on the machine that is a panic with a backtrace.
 */
#include "kernel/panic.h"

#include <stdlib.h>

_Noreturn void __assert_func(const char *file, int line, const char *function, const char *expr);

_Noreturn void __assert_func(const char *file, int line, const char *function, const char *expr) {
    panic("assertion failed: %s (%s:%d, %s)", expr, file, line, function);
}

_Noreturn void abort(void) {
    panic("abort");
}
