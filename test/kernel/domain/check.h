/*
 * What native domains say of themselves: the end that a check which fails makes of them.
 */
#ifndef TEST_KERNEL_DOMAIN_CHECK_H
#define TEST_KERNEL_DOMAIN_CHECK_H

/* Ends the domain with the number of the line where it went wrong, as far as a status holds it. */
#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            return __LINE__ % 255 + 1;                                                             \
        }                                                                                          \
    } while (0)

#endif
