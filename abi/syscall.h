/*
 * What native domains and the kernel agree on: numbers, errors, rights, the form of messages. A
 * WebAssembly domain has none of this.
 *
 * A call is `ecall` with the number in a7. It keeps ra, sp, gp, tp and s0 to s11; t0 to t6 are lost,
 * and a1 to a7 too where a call says that it gives results in them, else kept.
 *
 * A message is four words, a label, at most SYSCALL_MAX_HANDLES handles and at most
 * SYSCALL_MAX_LENGTH bytes. Of the calls that send and receive:
 *
 *     in   a0 handle   a1 info   a2 to a5 words   a6 deadline (ns of clock; SYSCALL_FOREVER)
 *     out  a0 error    a1 info   a2 to a5 words   a6 badge (of a request; 0 for an answer)
 *
 * Info is label | handles << 32 | bytes << 40. When handles or bytes go with a message, a5 is no word
 * but the address of a struct syscall_parcel that says what to send; the receiver's a5 is then 0, and
 * what arrives is put where it said by message_buffer(): a struct syscall_parcel whose bytes follow.
 */
#ifndef ABI_SYSCALL_H
#define ABI_SYSCALL_H

#include <stdint.h>

enum syscall_number {
#define SYSCALL(number, name, kinds) SYSCALL_##name = number,
#include "abi/syscalls.def"
#undef SYSCALL
};

/* Errors, as they are: the result is their negative. */
enum syscall_error {
    SYSCALL_OK = 0,
    SYSCALL_BAD_NUMBER = 1,
    SYSCALL_BAD_ARGUMENT = 2,
    SYSCALL_BAD_ADDRESS = 3,
    SYSCALL_BAD_HANDLE = 4, /* no such handle, of another kind, revoked */
    SYSCALL_DENIED = 5,     /* the handle lacks a right */
    SYSCALL_NO_MEMORY = 6,
    SYSCALL_LIMIT = 7, /* a count that has a limit */
    SYSCALL_TIMED_OUT = 8,
    SYSCALL_PEER_GONE = 9,    /* nobody will answer; there is nobody to answer to */
    SYSCALL_WOULD_BLOCK = 10, /* the futex's word was another one */
    SYSCALL_KILLED = 11,
    SYSCALL_FAILED = 12, /* anything else */
    SYSCALL_EXISTS = 13, /* the interrupt is bound already */
};

/* A thread that has set fault_handler() goes on there once, instead of ending its domain, after a fault: a0
 * says which, a1 the address concerned, a2 the pc; all other registers are as they were. */
enum syscall_fault {
    SYSCALL_FAULT_READ = 1,
    SYSCALL_FAULT_WRITE,
    SYSCALL_FAULT_EXECUTE,
    SYSCALL_FAULT_ILLEGAL,
    SYSCALL_FAULT_BREAKPOINT,
    SYSCALL_FAULT_MISALIGNED,
    SYSCALL_FAULT_ACCESS,
    SYSCALL_FAULT_NO_MEMORY, /* the page is there, but nobody can pay for it: neither it nor who made it */
};

/* What a handle may be used for. */
enum syscall_right {
    RIGHT_SEND = 1, /* call an endpoint, signal a notification */
    RIGHT_RECEIVE =
        2, /* serve an endpoint, wait for a notification, bind and acknowledge an interrupt */
    RIGHT_READ = 4,  /* map memory for reading */
    RIGHT_WRITE = 8, /* and for writing */
    RIGHT_DUPLICATE = 16,
    RIGHT_TRANSFER = 32, /* pass it in a message */
    RIGHT_REVOKE = 64,
    RIGHT_ALL = 127,
};

#define SYSCALL_FOREVER     UINT64_MAX
#define SYSCALL_MAX_HANDLES 4
#define SYSCALL_MAX_LENGTH  1024
#define SYSCALL_WORDS       4
#define SYSCALL_PRINT_MAX   128 /* bytes of a line; more are cut */

#define SYSCALL_INFO(label, handles, bytes)                                                        \
    ((uint64_t)(uint32_t)(label) | (uint64_t)(handles) << 32 | (uint64_t)(bytes) << 40)
#define SYSCALL_INFO_LABEL(info)   ((uint32_t)(info))
#define SYSCALL_INFO_HANDLES(info) ((uint32_t)((info) >> 32 & 0xff))
#define SYSCALL_INFO_BYTES(info)   ((uint64_t)((info) >> 40))

/* Sent: the handles leave the sender, `bytes` is the address of what to copy. Received: the handles
 * are the receiver's own, and `bytes` is the address behind this struct. */
struct syscall_parcel {
    uint64_t bytes;
    uint32_t handles[SYSCALL_MAX_HANDLES];
};

#endif
