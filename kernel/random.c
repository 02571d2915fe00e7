/*
 * The pool and the harts' generators (kernel/random.h).
 *
 *     seed, clock --------------------------> pool --key--> generator of hart 0 --> output
 *     moments of interrupts, gathered a hart --^     `----> generator of hart 1 --> output
 *
 * A generator is used by its own hart alone, with interrupts off, a buffer at a time. It is older than
 * the pool when its epoch is another one; then it absorbs 32 bytes from the pool, and this hart's
 * counters.
 *
 * Locks: one spinlock over the pool. `gathered` of a hart is its own, with interrupts off.
 */
#include "kernel/random.h"

#include "kernel/arch.h"
#include "kernel/drbg.h"
#include "kernel/harts.h"
#include "kernel/limits.h"
#include "kernel/sync.h"

enum { GATHERED_LEN = 4, CHUNK_SIZE = 480 };

struct generator {
    struct drbg drbg;
    uint64_t epoch;                  /* of the pool, when it last took a key there; 0: never */
    uint64_t weak;                   /* state of random_weak_u32() */
    uint64_t gathered[GATHERED_LEN]; /* moments of interrupts, folded */
    uint32_t moments;                /* in there since they last went into the pool */
};

static struct spinlock lock = SPINLOCK_INIT(LOCK_RANDOM);
static struct drbg pool;
static uint64_t epoch;
static struct generator generators[KERNEL_MAX_HARTS];

void random_init(uint8_t *seed, size_t size) {
    uint64_t now[2] = {arch_ticks(), arch_instret()};
    drbg_init(&pool, seed, size);
    random_add(now, sizeof(now));
    drbg_wipe(seed, size);
}

uint64_t random_epoch(void) {
    return __atomic_load_n(&epoch, __ATOMIC_RELAXED);
}

void random_add(const void *bytes, size_t size) {
    spinlock_lock(&lock);
    drbg_absorb(&pool, bytes, size);
    __atomic_store_n(&epoch, epoch + 1, __ATOMIC_RELAXED);
    spinlock_unlock(&lock);
}

void random_stir(uint32_t source) {
    struct generator *self = &generators[hart_self()->index];
    uint64_t *word = &self->gathered[self->moments++ % GATHERED_LEN];
    uint64_t moment = arch_ticks() ^ arch_instret() << 24 ^ (uint64_t)source << 48;
    *word = (*word << 19 | *word >> 45) ^ moment;
}

/* Interrupts off: this hart's generator is as new as the pool. */
static struct generator *fresh(void) {
    struct generator *self = &generators[hart_self()->index];
    if (self->moments >= RANDOM_MOMENTS) {
        self->moments = 0;
        random_add(self->gathered, sizeof(self->gathered));
    }
    uint64_t now = random_epoch();
    if (self->epoch != now) {
        struct {
            uint8_t key[DRBG_KEY_SIZE];
            uint64_t ticks, instret, hart;
        } news = {.ticks = arch_ticks(), .instret = arch_instret(), .hart = hart_self()->id};
        spinlock_lock(&lock);
        drbg_bytes(&pool, news.key, sizeof(news.key));
        spinlock_unlock(&lock);
        drbg_absorb(&self->drbg, &news, sizeof(news));
        drbg_wipe(&news, sizeof(news));
        drbg_bytes(&self->drbg, &self->weak, sizeof(self->weak));
        self->epoch = now;
    }
    return self;
}

void random_bytes(void *out, size_t size) {
    char *to = out;
    while (size > 0) {
        size_t len = size < CHUNK_SIZE ? size : CHUNK_SIZE;
        irq_state_t irq = arch_irq_save();
        drbg_bytes(&fresh()->drbg, to, len);
        arch_irq_restore(irq);
        to += len;
        size -= len;
    }
}

uint64_t random_u64(void) {
    uint64_t result;
    random_bytes(&result, sizeof(result));
    return result;
}

/* A linear congruential generator, of which the upper half is good enough; with Knuth's numbers. */
uint32_t random_weak_u32(void) {
    irq_state_t irq = arch_irq_save();
    struct generator *self = &generators[hart_self()->index];
    if (self->weak == 0) {
        fresh();
    }
    self->weak = self->weak * 6364136223846793005u + 1442695040888963407u;
    uint32_t result = (uint32_t)(self->weak >> 32);
    arch_irq_restore(irq);
    return result;
}
