/*
 * What a test payload needs: a console, checks in TAP form and a verdict by the machine's exit code.
 * It stands on the loader's contract (abi/boot.h) and base alone, so it works with no kernel at all;
 * the UART and the test device are found through the device tree and reached through the physical map.
 *
 *     static _Noreturn void test(size_t hart, const struct boot_info *info) {
 *         payload_begin(info);
 *         PAYLOAD_CHECK(info->hart_count > 0);
 *         payload_end();
 *     }
 *     LOADER_ENTRY(test);
 */
#ifndef TEST_SUPPORT_PAYLOAD_H
#define TEST_SUPPORT_PAYLOAD_H

#include "abi/boot.h"

#include <stdbool.h>

/* Limits on what things cost hold in release builds alone: the others check more. */
#if K23_DEBUG
enum { PAYLOAD_COSTS_COUNT = 0 };
#else
enum { PAYLOAD_COSTS_COUNT = 1 };
#endif

/* First of all; with the kernel, right after machine_init(), since functions with a guarded stack are only
 * for harts that have joined (kernel/stackguard.h). Halts on a machine without a UART or a device tree. */
void payload_begin(const struct boot_info *info);

/* printf to the console, with the conversions of base/fmt. */
void payload_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* One "ok" or "not ok" line. Returns `good`. */
bool payload_check(bool good, const char *what, const char *file, int line);
#define PAYLOAD_CHECK(expr) payload_check((expr), #expr, __FILE__, __LINE__)

/* As PAYLOAD_CHECK of a == b, and prints both as hexadecimal numbers if they differ. */
bool payload_check_equal(uint64_t a, uint64_t b, const char *what, const char *file, int line);
#define PAYLOAD_CHECK_EQ(a, b)                                                                     \
    payload_check_equal((uint64_t)(a), (uint64_t)(b), #a " == " #b, __FILE__, __LINE__)

/* Prints the sum without an end, for a test that ends the machine its own way; returns the failures. */
unsigned payload_sum(void);

/* The sum, "N passed, N failed, 0 skipped", then exit code 0 if nothing failed, else 1. */
_Noreturn void payload_end(void);

/* Ends the machine at once with that exit code. */
_Noreturn void payload_exit(unsigned code);

#endif
