/*
 * A payload that only says that it ran. boot_refuse.py damages its image and wants it not to.
 */
#include "abi/boot.h"
#include "test/support/payload.h"

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    (void)hart;
    payload_begin(info);
    payload_print("payload: entered\n");
    payload_exit(0);
}

LOADER_ENTRY(test);
