/*
 * k23 boot IMAGE: a signed payload, whatever it is, in a machine of its own.
 */
#ifndef TOOLS_K23_BOOT_H
#define TOOLS_K23_BOOT_H

#include <stdbool.h>

struct boot_config {
    const char *loader;               /* one without an image inside */
    const char *image;                /* a signed image, or an archive whose first member is one */
    const char *cpu, *memory, *harts; /* in QEMU's words */
    const char *bootargs;             /* NULL: none */
    bool exact;                       /* count instructions: -icount */
};

/* Does not return unless the machine cannot be started; then the reason is on stderr. */
int boot_run(const struct boot_config *config);

#endif
