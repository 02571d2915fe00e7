/*
 * Why a boot was refused: one line that names the fault and where it is. The functions that look at
 * something from outside take a struct refusal, fill it once and return the status; nobody prints on
 * the way, so the same code runs in the loader, in unit tests and under a fuzzer.
 */
#ifndef BOOT_REFUSAL_H
#define BOOT_REFUSAL_H

#include "base/status.h"
#include "boot/limits.h"

struct refusal {
    char text[REFUSAL_TEXT_SIZE];
};

/* Writes the text and returns `status`, so that `return refusal_set(...)` reads well. */
status_t refusal_set(struct refusal *why, status_t status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
