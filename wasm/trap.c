/* Names of traps. See trap.h. */
#include "wasm/trap.h"

const char *trap_text(enum trap trap) {
    static const char *const texts[TRAP_COUNT] = {
#define X(name, text) text,
        TRAP_TABLE(X)
#undef X
    };
    return (unsigned)trap < TRAP_COUNT ? texts[trap] : "unknown trap";
}
