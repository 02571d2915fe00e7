/*
 * Why a guest's call ended before its end: the traps of WebAssembly core 3.0, with the texts that
 * the official suite uses. One row a trap; compiled code carries the kind in its trap table.
 */
#ifndef WASM_TRAP_H
#define WASM_TRAP_H

#define TRAP_TABLE(X)                                                                              \
    X(NONE, "none")                                                                                \
    X(UNREACHABLE, "unreachable")                                                                  \
    X(MEMORY_BOUNDS, "out of bounds memory access")                                                \
    X(TABLE_BOUNDS, "out of bounds table access")                                                  \
    X(UNDEFINED_ELEMENT, "undefined element")                                                      \
    X(UNINITIALIZED_ELEMENT, "uninitialized element")                                              \
    X(INDIRECT_CALL_TYPE, "indirect call type mismatch")                                           \
    X(INTEGER_DIVIDE_BY_ZERO, "integer divide by zero")                                            \
    X(INTEGER_OVERFLOW, "integer overflow")                                                        \
    X(INVALID_CONVERSION, "invalid conversion to integer")                                         \
    X(NULL_REFERENCE, "null reference")                                                            \
    X(STACK_EXHAUSTED, "call stack exhausted")                                                     \
    X(OUT_OF_MEMORY, "out of memory")                                                              \
    X(HOST, "host function failed")                                                                \
    X(COMPILE, "function could not be compiled")                                                   \
    X(KILLED, "killed")                                                                            \
    X(INTERNAL, "fault in compiled code")

enum trap {
#define X(name, text) TRAP_##name,
    TRAP_TABLE(X)
#undef X
        TRAP_COUNT
};

/* The table's text; never NULL. */
const char *trap_text(enum trap trap);

#endif
