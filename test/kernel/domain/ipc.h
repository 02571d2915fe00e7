/*
 * What the payload ipc and its domains agree on: the parts that the domain of test/kernel/domain/ipc.c
 * plays, by its argument, and the labels of their messages.
 */
#ifndef TEST_KERNEL_DOMAIN_IPC_H
#define TEST_KERNEL_DOMAIN_IPC_H

/* What a domain does with its first handle (second, ...), in the lower eight bits of its argument; the
 * others are a count. Each exits with 0, or with the number of the check that failed. */
enum part {
    PART_SERVER,  /* answers until a call with LABEL_STOP; keeps and answers late by LABEL_KEEP */
    PART_CLIENT,  /* so many calls, each with a check of what came back */
    PART_STOPPER, /* one call with LABEL_STOP */
    PART_LATE_CLIENT, /* so many calls with LABEL_KEEP */
    PART_ABANDONED,   /* calls, and nobody ever answers: PEER_GONE */
    PART_DYING,       /* receives one call and exits */
    PART_FORGETFUL,   /* receives one call, signals, receives a second one and answers that alone */
    PART_SLOW,        /* receives one call, signals, waits, and answers: nobody is there */
    PART_WAITER,      /* calls for ever; is killed */
    PART_DEADLINES,   /* calls and receives that nobody meets */
    PART_RIGHTS,      /* handles: endpoint to send by, to receive by, notification */
    PART_PASSER,      /* passes a notification and bytes, and waits for the signal */
    PART_PASSED,      /* the other side of that */
    PART_REVOKER,     /* serves, gives each caller a handle and revokes it */
    PART_REVOKED,     /* the other side of that */
    PART_SLEEPERS,    /* revokes the handles by which threads of its own sleep */
    PART_THREADS,     /* so many threads that call a server in the same domain */
    PART_FAULT,       /* reads address 0 */
    PART_MEMORY,      /* maps, protects, unmaps */
    PART_SIGNALLER,   /* signals the notification so many times, with bit 0, then with bit 1 */
    PART_SHARER,      /* makes memory, passes it read only, and sees what the other side may do */
    PART_SHARED,      /* the other side of that */
    PART_POOR,        /* as PART_SHARER, of memory that it cannot pay for */
    PART_PATIENT,     /* the other side of that, who looks how much there is */
    PART_UNSERVED,    /* an endpoint, and to send by: who may receive is revoked, and closed */
    PART_FUTEX,       /* two threads that wake each other so many times, and what else there is */
    PART_LISTENER,    /* waits until it has seen bit 1 */
    PART_FIRST,       /* of two domains that wake each other in memory that they share */
    PART_SECOND,      /* which this one has at another offset */
};

enum label { LABEL_ECHO, LABEL_STOP, LABEL_KEEP, LABEL_DONE };

#endif
