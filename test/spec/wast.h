/*
 * Runs converted scripts of the official WebAssembly suite: folders with commands.json and N.wasm.
 *
 * Every command counts once, as passed, failed or skipped. Skipped is what needs a feature that is
 * not there (by the feature's name), what depends on such a module, and what tests a text parser
 * ("text format"). Each script has a store of its own, freed at its end.
 *
 *     i32: 372 passed, 0 failed, 90 skipped (text format: 90)
 */
#ifndef TEST_SPEC_WAST_H
#define TEST_SPEC_WAST_H

#include "base/arena.h"
#include "base/fmt.h"
#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

/* Where the folders are. */
struct wast_files {
    /* The file "FOLDER/NAME", valid until `arena` is gone. */
    status_t (*read)(void *ctx, const char *path, struct arena *arena, const uint8_t **bytes_out,
                     size_t *size_out);
    void *ctx;
};

struct wast_totals {
    uint32_t passed, failed, skipped;
};

/* Runs one folder, prints its failures and its line, and adds to *totals. */
void wast_run(const struct wast_files *files, const char *folder, struct sink *out,
              struct wast_totals *totals);

/* The last line: "N passed, N failed, N skipped". */
void wast_print_totals(const struct wast_totals *totals, struct sink *out);

#endif
