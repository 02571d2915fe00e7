/*
 * What a thread remembers of its system calls: the call it waits in, the caller it owes an answer.
 * Part of struct thread; kernel/ipc/endpoint.c says how it is used.
 */
#ifndef KERNEL_IPC_STATE_H
#define KERNEL_IPC_STATE_H

#include "base/status.h"
#include "kernel/types.h"

struct domain;
struct endpoint;
struct handle_table;
struct payload;
struct reply;
struct thread;

enum ipc_phase {
    IPC_DONE,      /* in no operation, or it is over: `status` */
    IPC_CALLING,   /* in the endpoint's queue of callers */
    IPC_SERVED,    /* its request was taken; an answer is owed */
    IPC_RECEIVING, /* in the endpoint's queue of servers */
};

/* What a handle was found to be, so that it need not be looked up again: good while neither the table's
 * epoch nor handle_revocations has changed. */
struct ipc_found {
    uint64_t handle;
    uint64_t epoch; /* 0, which no table has: nothing was found */
    uint64_t revocations;
    uint64_t badge;
};

struct ipc_state {
    struct handle_table *handles; /* the program's */
    struct domain *domain;
    uint64_t *args;       /* the guest's argument registers */
    enum ipc_phase phase; /* under the lock of the endpoint that it waits in, as the next two */
    status_t status;
    struct payload *payload; /* more of the message than the registers hold; with its receiver */
    struct endpoint *calls;  /* called last; a reference */
    struct endpoint *serves; /* served last; a reference */
    struct ipc_found calls_by, serves_by;
    struct thread *caller; /* is owed an answer by this one; under the lock of `serves` */
    struct thread *server; /* owes this one an answer; under the lock of `calls`, as the next */
    struct reply *reply;   /* or a handle does */
    vaddr_t fault_handler; /* where it goes on after the next fault; 0: nowhere */
    vaddr_t buffer;        /* where payloads are put, and how much fits */
    uint64_t buffer_size;
};

#endif
