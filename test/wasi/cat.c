/*
 * Standard input to standard output, by blocks of the size given.
 */
#include <stdlib.h>
#include <unistd.h>

static char block[65536];

int main(int argc, char **argv) {
    size_t size = argc > 1 ? (size_t)atoi(argv[1]) : sizeof(block);
    ssize_t got;
    while ((got = read(0, block, size)) > 0) {
        for (ssize_t at = 0, done; at < got; at += done) {
            done = write(1, block + at, (size_t)(got - at));
            if (done < 0) {
                return 1;
            }
        }
    }
    return got < 0;
}
