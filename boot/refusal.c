/*
 * The text of a refusal (boot/refusal.h).
 */
#include "boot/refusal.h"

#include "base/fmt.h"

status_t refusal_set(struct refusal *why, status_t status, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fmt_vtext(why->text, sizeof(why->text), format, args);
    va_end(args);
    return status;
}
