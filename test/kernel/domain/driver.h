/*
 * What the payload driver and its domains agree on.
 */
#ifndef TEST_KERNEL_DOMAIN_DRIVER_H
#define TEST_KERNEL_DOMAIN_DRIVER_H

/* What a domain does with its handles (registers of the clock, its interrupt, notifications from and to it), in the lower eight
 * bits of its argument; the others are a count. Each exits with 0, or with the number of the check that
 * failed. */
enum part {
    PART_DRIVER,  /* so many alarms, and all that may be done wrong in between */
    PART_REFUSED, /* finds the interrupt bound */
    PART_ARMED,   /* binds, sets an alarm for the next century, says so and waits; is killed */
    PART_LOSER,   /* binds, says so, waits, and has a dead handle then */
    PART_BUSY,    /* binds, says so, and takes and acknowledges for ever; is killed */
};

/* Bits of notifications: from the domain, to it, and of its own. */
enum { BIT_READY = 1, BIT_GO_ON = 2, BIT_ALARM = 4 };

#endif
