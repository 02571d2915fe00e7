/*
 * How fast a file of 64 MiB is written, written over, read and copied, by blocks of 64 KiB, in the
 * directory given: for test/bench/files, which runs the same C natively. Prints microseconds.
 */
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK = 65536, BLOCKS = 1024 };

static char block[BLOCK];

static long long now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (long long)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Moves all blocks from one to the other; -1: there is none. */
static int transfer(int from, int to) {
    for (int i = 0; i < BLOCKS; i++) {
        if ((from >= 0 && read(from, block, BLOCK) != BLOCK) ||
            (to >= 0 && write(to, block, BLOCK) != BLOCK)) {
            return 1;
        }
    }
    return 0;
}

static int timed(const char *what, int from, int to) {
    if ((from >= 0 && lseek(from, 0, SEEK_SET) != 0) || (to >= 0 && lseek(to, 0, SEEK_SET) != 0)) {
        return 1;
    }
    long long start = now_us();
    int failed = transfer(from, to);
    printf("%s %lld\n", what, now_us() - start);
    return failed;
}

int main(int argc, char **argv) {
    if (argc < 2 || chdir(argv[1]) != 0) {
        return 2;
    }
    int a = open("k23-transfer-a", O_RDWR | O_CREAT | O_TRUNC, 0600);
    int b = open("k23-transfer-b", O_RDWR | O_CREAT | O_TRUNC, 0600);
    int failed = a < 0 || b < 0 || timed("write", -1, a) || timed("overwrite", -1, a) ||
                 timed("read", a, -1) || timed("copy", a, b);
    unlink("k23-transfer-a");
    unlink("k23-transfer-b");
    return failed;
}
