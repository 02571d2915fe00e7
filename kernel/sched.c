/*
 * The scheduler of a hart: a ready queue, a list of deadlines, one timer for both.
 *
 * Invariant: under the queue lock, the thread that runs is in no queue; the timer is set to the
 * earlier of the first deadline and the end of the slice, and the slice ends only if somebody
 * waits. So a hart whose threads all sleep takes no timer interrupt before the first deadline.
 *
 * Locks: hart->queue_lock guards ready, timers and the state of the hart's home threads. It is
 * taken with interrupts off like every spinlock, and let go before the switch itself: only this
 * hart picks from its queue, so nobody can run a thread whose registers are not saved yet.
 */
#include "kernel/sched.h"

#include "kernel/assert.h"
#include "kernel/harts.h"
#include "kernel/log.h"
#include "kernel/mm/space.h"
#include "kernel/time.h"

/* Under the queue lock of this hart. */
static void set_timer(struct hart *hart) {
    uint64_t at = hart->slice_end;
    if (!list_empty(&hart->timers)) {
        uint64_t first = list_entry(hart->timers.next, struct thread, timer_node)->deadline;
        at = first < at ? first : at;
    }
    if (at != hart->timer_at) {
        hart->timer_at = at;
        arch_timer_set(at);
    }
}

static void start_slice(struct hart *hart) {
    hart->slice_end =
        list_empty(&hart->ready) ? UINT64_MAX : arch_ticks() + time_ticks_from_ns(SCHED_SLICE_NS);
}

static struct thread *pick(struct hart *hart) {
    if (list_empty(&hart->ready)) {
        return hart->idle;
    }
    struct list *node = hart->ready.next;
    list_remove(node);
    return list_entry(node, struct thread, run_node);
}

void sched_switch(void) {
    struct hart *hart = hart_self();
    struct thread *from = hart->current;
    spinlock_lock(&hart->queue_lock);
    if (from->state == THREAD_RUNNING && from != hart->idle) {
        from->state = THREAD_READY;
        list_push_back(&hart->ready, &from->run_node);
    }
    /* READY: woken between going to sleep and here, and in the queue already. */
    struct thread *to = pick(hart);
    to->state = THREAD_RUNNING;
    hart->need_switch = false;
    start_slice(hart);
    set_timer(hart);
    spinlock_unlock(&hart->queue_lock);
    if (to != from) {
        thread_switch_to(from, to);
    }
}

bool sched_alone(void) {
    return list_empty(&hart_self()->ready);
}

void sched_yield(void) {
    irq_state_t irq = arch_irq_save();
    sched_switch();
    arch_irq_restore(irq);
}

/* Under the queue lock of the home hart. */
static void make_ready(struct hart *home, struct thread *thread) {
    list_remove(&thread->timer_node);
    thread->state = THREAD_READY;
    list_push_back(&home->ready, &thread->run_node);
}

/* After something became ready on `home`, under its lock: who looks at the queue, and when. */
static void notice_ready(struct hart *home) {
    if (home != hart_self()) {
        arch_ipi(UINT64_C(1) << home->index);
        return;
    }
    if (home->current == home->idle) {
        home->need_switch = true;
    } else if (home->slice_end == UINT64_MAX) {
        start_slice(home);
    }
    set_timer(home);
}

void sched_add(struct thread *thread) {
    struct hart *home = thread->hart;
    spinlock_lock(&home->queue_lock);
    make_ready(home, thread);
    notice_ready(home);
    spinlock_unlock(&home->queue_lock);
}

void sched_wake(struct thread *thread) {
    struct hart *home = thread->hart;
    spinlock_lock(&home->queue_lock);
    if (thread->state == THREAD_SLEEPING) {
        make_ready(home, thread);
        notice_ready(home);
    }
    spinlock_unlock(&home->queue_lock);
}

void sched_prepare_sleep(uint64_t deadline_ns) {
    struct hart *hart = hart_self();
    struct thread *self = hart->current;
    spinlock_lock(&hart->queue_lock);
    self->state = THREAD_SLEEPING;
    self->timed_out = false;
    if (deadline_ns != WAIT_FOREVER) {
        self->deadline = time_ticks_at_ns(deadline_ns);
        struct list *after = &hart->timers;
        list_each(node, &hart->timers) {
            if (list_entry(node, struct thread, timer_node)->deadline > self->deadline) {
                break;
            }
            after = node;
        }
        list_insert(after, &self->timer_node);
    }
    spinlock_unlock(&hart->queue_lock);
}

void sched_preempt(void) {
    if (hart_self()->need_switch) {
        irq_state_t irq = arch_irq_save();
        sched_switch();
        arch_irq_restore(irq);
    }
}

void sched_tick(void) {
    struct hart *hart = hart_self();
    spinlock_lock(&hart->queue_lock);
    uint64_t now = arch_ticks();
    while (!list_empty(&hart->timers)) {
        struct thread *thread = list_entry(hart->timers.next, struct thread, timer_node);
        if (thread->deadline > now) {
            break;
        }
        thread->timed_out = true;
        make_ready(hart, thread);
    }
    if (!list_empty(&hart->ready) && (hart->slice_end <= now || hart->current == hart->idle)) {
        hart->need_switch = true;
        hart->slice_end = UINT64_MAX;
    } else if (hart->slice_end == UINT64_MAX) {
        start_slice(hart);
    }
    hart->timer_at = 0; /* it has fired: set it again in any case */
    set_timer(hart);
    spinlock_unlock(&hart->queue_lock);
}

void sched_idle(void) {
    for (;;) {
        log_flush();
        arch_irq_off();
        struct hart *hart = hart_self();
        if (list_empty(&hart->ready)) {
            arch_wait_for_interrupt();
        } else {
            sched_switch();
        }
        arch_irq_on();
    }
}
