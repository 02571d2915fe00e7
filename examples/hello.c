/*
 * Says hello, and shows its arguments. With --env, an environment variable GREETING changes the
 * word; `hello --exit N` ends with status N.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
    const char *greeting = getenv("GREETING");
    printf("%s from WebAssembly on k23!\n", greeting ? greeting : "Hello");
    for (int i = 1; i < argc; i++) {
        printf("argument %d: %s\n", i, argv[i]);
    }
    if (argc == 3 && strcmp(argv[1], "--exit") == 0) {
        return atoi(argv[2]);
    }
    return 0;
}
