/*
 * A small interpreter: a stack machine with sixteen operations and two programs for it, Fibonacci
 * by recursion and primes by a sieve. `interp [N]`. What it measures is a switch in a loop, calls
 * through memory, and loads and stores with computed addresses.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum op {
    PUSH,
    ADD,
    SUB,
    LESS,
    JUMP,
    JUMPZ,
    CALL,
    RET,
    ARG,
    LOAD,
    STORE,
    DUP,
    POP,
    PRINT,
    SWAP,
    HALT
};

struct insn {
    uint8_t op;
    int32_t value;
};

struct machine {
    int32_t stack[1024];
    uint32_t frames[256]; /* return address, and base of the arguments, in turn */
    int32_t memory[10000];
    uint64_t steps;
};

static void run(struct machine *m, const struct insn *code) {
    int32_t *sp = m->stack; /* next free */
    uint32_t *fp = m->frames;
    const struct insn *pc = code;
    int32_t *base = m->stack;
    for (;;) {
        m->steps++;
        struct insn i = *pc++;
        switch ((enum op)i.op) {
        case PUSH:
            *sp++ = i.value;
            break;
        case ADD:
            sp--;
            sp[-1] += sp[0];
            break;
        case SUB:
            sp--;
            sp[-1] -= sp[0];
            break;
        case LESS:
            sp--;
            sp[-1] = sp[-1] < sp[0];
            break;
        case JUMP:
            pc = code + i.value;
            break;
        case JUMPZ:
            if (*--sp == 0) {
                pc = code + i.value;
            }
            break;
        case CALL:
            *fp++ = (uint32_t)(pc - code);
            *fp++ = (uint32_t)(base - m->stack);
            base = sp - 1;
            pc = code + i.value;
            break;
        case RET: {
            int32_t result = sp[-1];
            sp = base;
            *sp++ = result;
            base = m->stack + *--fp;
            pc = code + *--fp;
            break;
        }
        case ARG:
            *sp++ = base[0];
            break;
        case LOAD:
            sp[-1] = m->memory[sp[-1]];
            break;
        case STORE:
            sp -= 2;
            m->memory[sp[1]] = sp[0];
            break;
        case DUP:
            sp[0] = sp[-1];
            sp++;
            break;
        case POP:
            sp--;
            break;
        case PRINT:
            printf("%d\n", (int)*--sp);
            break;
        case SWAP: {
            int32_t t = sp[-1];
            sp[-1] = sp[-2];
            sp[-2] = t;
            break;
        }
        case HALT:
            return;
        }
    }
}

/* fib(n) = n < 2 ? n : fib(n - 1) + fib(n - 2) */
static void run_fib(struct machine *m, int32_t n) {
    const struct insn code[] = {
        {PUSH, n},   {CALL, 4}, {PRINT, 0}, {HALT, 0}, {ARG, 0},  {PUSH, 2}, {LESS, 0},
        {JUMPZ, 10}, {ARG, 0},  {RET, 0},   {ARG, 0},  {PUSH, 1}, {SUB, 0},  {CALL, 4},
        {ARG, 0},    {PUSH, 2}, {SUB, 0},   {CALL, 4}, {ADD, 0},  {RET, 0},
    };
    run(m, code);
}

/* Primes below n: memory[k] is 1 when k has a divisor; memory[9998], [9999]: k and the count. */
static void run_sieve(struct machine *m, int32_t n) {
    enum { K = 9998, COUNT = 9999, J = 9997 };
    const struct insn code[] = {
        {PUSH, 2},
        {PUSH, K},
        {STORE, 0},
        /* 3: while k < n */
        {PUSH, K},
        {LOAD, 0},
        {PUSH, n},
        {LESS, 0},
        {JUMPZ, 44},
        /* 8: if memory[k] == 0 */
        {PUSH, K},
        {LOAD, 0},
        {LOAD, 0},
        {JUMPZ, 13},
        {JUMP, 37},
        /* 13: count++, j = k + k */
        {PUSH, COUNT},
        {LOAD, 0},
        {PUSH, 1},
        {ADD, 0},
        {PUSH, COUNT},
        {STORE, 0},
        {PUSH, K},
        {LOAD, 0},
        {DUP, 0},
        {ADD, 0},
        {PUSH, J},
        {STORE, 0},
        /* 25: while j < n: memory[j] = 1, j += k */
        {PUSH, J},
        {LOAD, 0},
        {PUSH, n},
        {LESS, 0},
        {JUMPZ, 37},
        {PUSH, 1},
        {PUSH, J},
        {LOAD, 0},
        {STORE, 0},
        {JUMP, 46},
        {HALT, 0},
        {HALT, 0},
        /* 37: k++ */
        {PUSH, K},
        {LOAD, 0},
        {PUSH, 1},
        {ADD, 0},
        {PUSH, K},
        {STORE, 0},
        {JUMP, 3},
        /* 44 */
        {JUMP, 53},
        {HALT, 0},
        /* 46 */
        {PUSH, J},
        {LOAD, 0},
        {PUSH, K},
        {LOAD, 0},
        {ADD, 0},
        {PUSH, J},
        {JUMP, 56},
        /* 53 */
        {PUSH, COUNT},
        {LOAD, 0},
        {JUMP, 58},
        /* 56 */
        {STORE, 0},
        {JUMP, 25},
        /* 58 */
        {PRINT, 0},
        {HALT, 0},
    };
    run(m, code);
}

int main(int argc, char **argv) {
    static struct machine m;
    int n = argc > 1 ? atoi(argv[1]) : 20;
    run_fib(&m, n);
    run_sieve(&m, 9000);
    printf("%llu steps\n", (unsigned long long)m.steps);
    return 0;
}
