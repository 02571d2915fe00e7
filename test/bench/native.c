/*
 * An example of examples/ compiled for the bare machine by GCC, as a payload: what k23's figures are
 * measured against. The example's main() is called bench_main() here; its arguments are the boot
 * arguments. What it prints goes to the console, and the instructions that it retired, from its first to
 * its last, come after it as a line "instructions N".
 */
#include "abi/boot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int bench_main(int argc, char **argv);

/* In riscv64/native.S. */
void native_enable_fpu(void);
uint64_t native_instret(void);
void native_putc(int c);
_Noreturn void native_poweroff(void);

static int put(char c, FILE *file) {
    (void)file;
    native_putc((unsigned char)c);
    return (unsigned char)c;
}

/* Output is kept until the end, so that the console's cost is not the example's. */
static char output[65536];
static size_t output_size;

static int keep(char c, FILE *file) {
    (void)file;
    if (output_size < sizeof(output)) {
        output[output_size++] = c;
    }
    return (unsigned char)c;
}

static FILE stream = FDEV_SETUP_STREAM(keep, NULL, NULL, _FDEV_SETUP_WRITE);
FILE *const stdout = &stream;
FILE *const stderr = &stream;
FILE *const stdin = &stream;

enum { MAX_ARGS = 8 };

static void native_main(size_t hart, const struct boot_info *info) __attribute__((noreturn));
static void native_main(size_t hart, const struct boot_info *info) {
    static char text[256];
    char *argv[MAX_ARGS + 1] = {"native"};
    int argc = 1;
    (void)hart;
    strncpy(text, (const char *)info->bootargs, sizeof(text) - 1);
    for (char *arg = strtok(text, " "); arg && argc < MAX_ARGS; arg = strtok(NULL, " ")) {
        argv[argc++] = arg;
    }
    native_enable_fpu();
    uint64_t start = native_instret();
    int status = bench_main(argc, argv);
    uint64_t instructions = native_instret() - start;
    for (size_t i = 0; i < output_size; i++) {
        put(output[i], stdout);
    }
    output_size = 0;
    printf("instructions %llu status %d\n", (unsigned long long)instructions, status);
    for (size_t i = 0; i < output_size; i++) {
        put(output[i], stdout);
    }
    native_poweroff();
}

LOADER_ENTRY(native_main, .stack_pages = 64, .harts = 1);
