/*
 * Device interrupts: which function handles which source of the machine's interrupt controller, and
 * on which hart.
 *
 * Each source belongs to one hart at a time, and only that hart takes it and gives it away; so a claim
 * and its completion always meet the same hart, and no two harts take the same interrupt of a line.
 */
#ifndef KERNEL_IRQ_H
#define KERNEL_IRQ_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

/* When a line asks; the numbers of device trees. */
enum irq_trigger { IRQ_RISING = 1, IRQ_FALLING = 2, IRQ_HIGH = 4, IRQ_LOW = 8 };

struct irq_line {
    uint32_t source; /* 0: none */
    enum irq_trigger trigger;
};

/* What a controller claims in the place of a source when another hart called. */
#define IRQ_IPI UINT32_MAX

/* The controller's driver fills this in. All but claim and complete are called under irq.c's lock. */
struct irq_controller {
    const char *name;
    uint32_t sources;        /* the highest source number */
    uint64_t harts;          /* mask of those it reaches */
    void (*init_hart)(void); /* the calling hart takes part; NULL: nothing to do */
    uint32_t (*claim)(void); /* the calling hart's next pending source, 0: none */
    void (*complete)(uint32_t source);
    void (*add)(struct irq_line line,
                uint32_t hart_index);                   /* masked, also if it was there before */
    void (*move)(uint32_t source, uint32_t hart_index); /* by the hart that has it, not in between
                                                         * claim and complete */
    void (*mask)(uint32_t source);
    void (*unmask)(uint32_t source); /* what asks already is heard */
};

/* A second controller is refused: false. */
bool irq_set_controller(const struct irq_controller *controller);
const char *irq_controller_name(void); /* "none" without */

/* On each hart but the boot hart, once, before it takes interrupts. */
void irq_init_hart(void);

/* Handlers run with interrupts off and may not sleep. They say whether their device had asked at all:
 * a line that keeps asking in vain is masked, with a warning. LIMIT for a source that the
 * controller does not have, EXISTS when it has a handler, NOT_FOUND without controller or source. */
status_t irq_register(struct irq_line line, bool (*handler)(void *ctx), void *ctx) MUST_CHECK;

/* The same for a source that stays masked until irq_unmask(), and that can be given back. */
status_t irq_claim(struct irq_line line, bool (*handler)(void *ctx), void *ctx) MUST_CHECK;

/* Masks a source that was claimed; when it returns its handler runs no more, nor will. Thread context, no lock
 * held. */
void irq_release(uint32_t source);

/* Of a source that was claimed. Any context. After irq_mask() the handler may be called once more, for what was on
 * its way. */
void irq_mask(uint32_t source);
void irq_unmask(uint32_t source);

/* The source goes to that hart from some moment soon on. NOT_FOUND for a source without a handler,
 * BAD_ARGUMENT for a hart that is not online or not reached. */
status_t irq_set_hart(uint32_t source, uint32_t hart_index) MUST_CHECK;

/* Spreads what is registered over the harts that are online; what comes later follows suit. */
void irq_spread(void);

struct irq_stat {
    uint64_t taken; /* times the handler ran */
    uint64_t vain;  /* of those, times the device had not asked */
    uint32_t hart_index;
    bool masked; /* because it asked in vain too often */
};

/* False for a source without a handler. */
bool irq_stat(uint32_t source, struct irq_stat *out);

/* An external interrupt of this hart is pending. */
void irq_dispatch(void);

/* Another hart has interrupted this one. */
void irq_take_ipi(void);

#endif
