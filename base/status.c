/*
 * Texts of the status table.
 */
#include "base/status.h"

static const char *const texts[] = {
#define X(name, text) [STATUS_##name] = (text),
    STATUS_TABLE(X)
#undef X
};

const char *status_text(status_t status) {
    unsigned i = (unsigned)status;
    return i < STATUS_COUNT ? texts[i] : "unknown status";
}
