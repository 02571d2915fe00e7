/*
 * What the payload races and its domain agree on: what the domain does, by the lower eight bits of its argument; the
 * others are for how many milliseconds. It exits with 0, or with the number of the check that failed.
 */
#ifndef TEST_KERNEL_DOMAIN_RACES_H
#define TEST_KERNEL_DOMAIN_RACES_H

enum race {
    RACE_READ,  /* pages that the kernel reads are unmapped meanwhile */
    RACE_WRITE, /* and pages that it writes */
    RACE_KEEP,  /* a handle is closed before the call that makes it returns */
};

#endif
