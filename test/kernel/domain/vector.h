/*
 * What test/kernel/vector.c and its domain (test/kernel/domain/vector.c) agree on.
 */
#ifndef TEST_KERNEL_DOMAIN_VECTOR_H
#define TEST_KERNEL_DOMAIN_VECTOR_H

/* The domain's argument is one of these and a seed << 8. */
enum vector_part {
    VECTOR_NOTHING, /* ends at once, with no vector instruction */
    VECTOR_ROUNDS,  /* writes all registers, lets others run, and looks whether they are the same */
    VECTOR_THREADS, /* the same, by as many threads */
    VECTOR_DIRTY,   /* writes all, signals the notification h1, and goes on writing for ever */
    VECTOR_HANDLER, /* faults between writing and looking */
};

/* How it ends when something is wrong. */
enum vector_exit {
    VECTOR_EXIT_NOT_ZERO = 1, /* the registers when they were used first */
    VECTOR_EXIT_CHANGED,
    VECTOR_EXIT_FAILED, /* a call */
};

enum { VECTOR_ROUNDS_LEN = 24, VECTOR_THREADS_LEN = 3 };

#endif
