/*
 * Expected errors. Every function that can fail for a reason outside the program returns a
 * status_t from this one table and gives its value through an `_out` parameter. A programmer's
 * mistake is an assert instead, and a guest trap is neither (wasm/trap.h).
 */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#define STATUS_TABLE(X)                                                                            \
    X(OK, "ok")                                                                                    \
    X(NO_MEMORY, "out of memory")                                                                  \
    X(NO_SPACE, "out of address space")                                                            \
    X(BAD_ARGUMENT, "bad argument")                                                                \
    X(BAD_RANGE, "address range out of bounds")                                                    \
    X(BAD_FORMAT, "malformed input")                                                               \
    X(INVALID, "invalid module")                                                                   \
    X(UNSUPPORTED, "feature not supported")                                                        \
    X(UNLINKABLE, "import does not match")                                                         \
    X(LIMIT, "limit exceeded")                                                                     \
    X(NOT_FOUND, "not found")                                                                      \
    X(EXISTS, "exists already")                                                                    \
    X(DENIED, "denied")                                                                            \
    X(FAULT, "bad guest address")                                                                  \
    X(TRAPPED, "guest trapped")                                                                    \
    X(EXITED, "program exited")                                                                    \
    X(IO, "input/output error")                                                                    \
    X(UNTRUSTED, "signature or key not accepted")                                                  \
    X(NOT_DIR, "not a directory")                                                                  \
    X(IS_DIR, "is a directory")                                                                    \
    X(NOT_EMPTY, "directory not empty")                                                            \
    X(FULL, "no space left on device")                                                             \
    X(READ_ONLY, "read-only file system")                                                          \
    X(LOOP, "too many symbolic links")                                                             \
    X(NAME_TOO_LONG, "name too long")                                                              \
    X(OUTSIDE, "path leads out of its directory")                                                  \
    X(CROSS_DEVICE, "on another file system")                                                      \
    X(TOO_BIG, "file too large")                                                                   \
    X(TOO_MANY_LINKS, "too many links")                                                            \
    X(NOT_PERMITTED, "operation not permitted")                                                    \
    X(BUSY, "in use")                                                                              \
    X(WOULD_BLOCK, "would have to wait")                                                           \
    X(TIMED_OUT, "timed out")                                                                      \
    X(KILLED, "killed")                                                                            \
    X(PEER_GONE, "the other side is gone")

enum status {
#define X(name, text) STATUS_##name,
    STATUS_TABLE(X)
#undef X
        STATUS_COUNT
};
typedef enum status status_t;

/* The caller must look at the result. */
#define MUST_CHECK __attribute__((warn_unused_result))

/* Hand an error on to the caller. */
#define TRY(expr)                                                                                  \
    do {                                                                                           \
        status_t try_status_ = (expr);                                                             \
        if (try_status_ != STATUS_OK) {                                                            \
            return try_status_;                                                                    \
        }                                                                                          \
    } while (0)

/* The table's text for a status; never NULL. */
const char *status_text(status_t status);

#endif
