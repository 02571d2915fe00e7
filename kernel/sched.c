/*
 * The scheduler: a ready queue a hart, ordered by virtual time, a heap of deadlines, one timer for
 * both. docs/sched.md states the algorithm and its bounds.
 *
 * Invariant: under a hart's queue lock, the thread that runs is in no queue; the timer is set to the
 * earlier of the first deadline and the end of the slice, and the slice ends only if somebody
 * waits; and while a thread runs, to a beat of four in WATCHDOG_NS. So a hart whose threads all sleep takes no
 * timer interrupt before the first deadline.
 *
 * A thread's registers are saved only after it was queued or went to sleep: `on_hart` is true until
 * then, and no other hart runs it before. hart->current is who runs next from the choice on, not from the
 * switch: under the lock it never names a thread that may be gone. A hart that finds no work says so in
 * idle_mask, looks once more, and waits for an interrupt; who makes a thread ready looks at the mask afterwards.
 * A thread goes to a hart that is idle after it has waited for SCHED_SPREAD_NS: those that wake each other in
 * turn stay together.
 *
 * Locks: hart->queue_lock guards ready, timers, vtime, current and the state of the hart's home threads.
 * thread->hart changes only under the lock of the hart it names. No two queue locks are held at once.
 */
#include "kernel/sched.h"

#include "base/bits.h"
#include "kernel/assert.h"
#include "kernel/harts.h"
#include "kernel/lockcheck.h"
#include "kernel/log.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/space.h"
#include "kernel/switch.h"
#include "kernel/time.h"
#include "kernel/watchdog.h"

static uint64_t idle_mask; /* harts that have nothing to run */

static struct {
    uint64_t round, slice_min, slice_max, service_credit, spread; /* SCHED_*_NS in ticks */
} times;

void sched_init(void) {
    times.round = time_ticks_from_ns(SCHED_ROUND_NS);
    times.slice_min = time_ticks_from_ns(SCHED_SLICE_MIN_NS);
    times.slice_max = time_ticks_from_ns(SCHED_SLICE_MAX_NS);
    times.service_credit = time_ticks_from_ns(SCHED_SERVICE_CREDIT_NS);
    times.spread = time_ticks_from_ns(SCHED_SPREAD_NS);
}

static uint64_t bit_of(const struct hart *hart) {
    return UINT64_C(1) << hart->index;
}

/* ---- time ---- */

/* When a hart that runs somebody takes an interrupt at the latest: one that does not is known by that. */
static uint64_t beat_of(struct hart *hart) {
    if (hart->beat_at <= hart->charged_at) {
        hart->beat_at = hart->charged_at + watchdog_limit / 4;
    }
    return hart->beat_at;
}

/* Under the queue lock of this hart. */
static void set_timer(struct hart *hart) {
    uint64_t at = hart->slice_end, beat = hart->current == hart->idle ? at : beat_of(hart);
    const struct deadline *first = hart->timers.first;
    at = beat < at ? beat : at;
    at = first && first->at < at ? first->at : at;
    if (at != hart->timer_at) {
        hart->timer_at = at;
        arch_timer_set(at);
    }
}

/* A slice is a part of the round for each that wants the hart, within bounds. */
static uint64_t slice_of(const struct hart *hart) {
    uint64_t ticks = times.round / (hart->ready_len + 1);
    ticks = ticks > times.slice_min ? ticks : times.slice_min;
    return ticks < times.slice_max ? ticks : times.slice_max;
}

/* From the last charge on. Who waits here while another hart is idle is better off there, but only if it must
 * wait for long. */
static void start_slice(struct hart *hart) {
    hart->slice_end = hart->fair_until = UINT64_MAX;
    if (!list_empty(&hart->ready)) {
        hart->spreading = (__atomic_load_n(&idle_mask, __ATOMIC_RELAXED) & ~bit_of(hart)) != 0;
        hart->slice_end = hart->charged_at + (hart->spreading ? times.spread : slice_of(hart));
        hart->fair_until = hart->slice_end + times.slice_min;
    }
}

/* What the thread that runs weighs, by what it pays; for others too, without the lock. */
static uint32_t running_share(const struct hart *hart) {
    uint64_t pace = __atomic_load_n(&hart->pace, __ATOMIC_RELAXED);
    uint32_t share = (uint32_t)(SCHED_WEIGHT * SCHED_WEIGHT / pace);
    return share > 0 ? share : 1;
}

/* Under the queue lock: the hart's virtual time, for who comes or goes: that of its last charge, or of the one who
 * is alone here after exchanges, which do not count for the hart; and what has passed since, by the weight of all
 * who want the hart. The one who runs has had all of that, but he is not the measure: who comes to a hart that is
 * held up would pay for that, and long. */
static uint64_t vtime_now(const struct hart *hart) {
    if (hart->current == hart->idle) {
        return hart->vtime;
    }
    uint64_t alone = hart->ready_len == 0 ? hart->current->vtime : hart->vtime;
    uint64_t vtime = (int64_t)(alone - hart->vtime) > 0 ? alone : hart->vtime;
    return vtime +
           (arch_ticks() - hart->charged_at) * SCHED_WEIGHT / (hart->load + running_share(hart));
}

static bool before(const struct thread *a, const struct thread *b) {
    return (int64_t)(a->vtime - b->vtime) < 0;
}

static struct thread *first_of(const struct hart *hart) {
    return list_entry(hart->ready.next, struct thread, run_node);
}

/* ---- shares ---- */

/* Becomes ready or running, or is not any more: with each change of its state, under the queue lock that guards
 * that, so the number is exact. */
static inline void count(struct thread *thread) {
    (void)__atomic_fetch_add(thread->sharers, 1, __ATOMIC_RELAXED);
}

static inline void discount(struct thread *thread) {
    (void)__atomic_fetch_sub(thread->sharers, 1, __ATOMIC_RELAXED);
}

/* Idle threads are not counted. */
static inline uint32_t sharers_of(const struct thread *thread) {
    uint64_t sharers = __atomic_load_n(thread->sharers, __ATOMIC_RELAXED) - SCHED_NO_SHARERS;
    return sharers > 0 ? (uint32_t)sharers : 1;
}

static uint32_t share_of(const struct thread *thread) {
    uint32_t share = __atomic_load_n(&thread->weight, __ATOMIC_RELAXED) / sharers_of(thread);
    return share > 0 ? share : 1;
}

/* Under the queue lock: what the thread that runs pays up to the next charge is settled now. Those that will wake
 * in the meantime, and so end it, have not been there for most of it. */
static void set_pace(struct hart *hart) {
    const struct thread *self = hart->current;
    __atomic_store_n(&hart->pace, (uint64_t)self->pace * sharers_of(self), __ATOMIC_RELAXED);
}

/* Under the queue lock. Virtual time passes for the thread that runs, the slower the heavier it is and the faster
 * the more share its weight, and for the hart as for the one that has had least. */
static inline void charge_thread(struct hart *hart, struct thread *self, uint64_t now) {
    uint64_t ran = now - hart->charged_at;
    hart->charged_at = now;
    self->ran += ran;
    self->vtime += ran * hart->pace / SCHED_WEIGHT;
}

/* A thread keeps the hart beyond its slice when the hart was held up, by others whose locks it waited for with
 * interrupts off, or by a host that did not run it. The thread has had that time, but does not pay for it
 * with turns to come. */
static inline void forgive_delay(struct hart *hart, uint64_t now) {
    uint64_t from = hart->charged_at > hart->fair_until ? hart->charged_at : hart->fair_until;
    if (now > from) {
        hart->current->ran += now - from;
        hart->charged_at += now - from;
    }
}

static inline void charge(struct hart *hart, uint64_t now) {
    struct thread *self = hart->current;
    forgive_delay(hart, now);
    charge_thread(hart, self, now);
    if (self == hart->idle) {
        return;
    }
    uint64_t least = self->vtime;
    if (!list_empty(&hart->ready) && before(first_of(hart), self)) {
        least = first_of(hart)->vtime;
    }
    if ((int64_t)(least - hart->vtime) > 0) {
        hart->vtime = least;
    }
}

/* ---- queues ---- */

/* Under the queue lock of its home so far, unless it is in no queue. */
static inline void set_home(struct thread *thread, struct hart *home) {
    thread->astray = !(thread->harts & bit_of(home));
    __atomic_store_n(&thread->hart, home, __ATOMIC_RELEASE);
}

/* Under the queue lock: behind all with the same virtual time. */
static void enqueue(struct hart *hart, struct thread *thread) {
    struct list *after = hart->ready.prev;
    while (after != &hart->ready && before(thread, list_entry(after, struct thread, run_node))) {
        after = after->prev;
    }
    thread->state = THREAD_READY;
    list_insert(after, &thread->run_node);
    thread->share = share_of(thread);
    __atomic_store_n(&hart->load, hart->load + thread->share, __ATOMIC_RELAXED);
    __atomic_store_n(&hart->ready_len, hart->ready_len + 1, __ATOMIC_RELAXED);
}

static void dequeue(struct hart *hart, struct thread *thread) {
    list_remove(&thread->run_node);
    __atomic_store_n(&hart->load, hart->load - thread->share, __ATOMIC_RELAXED);
    __atomic_store_n(&hart->ready_len, hart->ready_len - 1, __ATOMIC_RELAXED);
}

static uint32_t ready_len(const struct hart *hart) {
    return __atomic_load_n(&hart->ready_len, __ATOMIC_RELAXED);
}

/* The first that this hart may run; `from` is on it already. NULL: none. */
static struct thread *first_runnable(struct hart *queue, const struct thread *from,
                                     uint64_t hart_mask) {
    list_each(node, &queue->ready) {
        struct thread *thread = list_entry(node, struct thread, run_node);
        if ((thread->harts & hart_mask) &&
            (thread == from || !__atomic_load_n(&thread->on_hart, __ATOMIC_ACQUIRE))) {
            return thread;
        }
    }
    return NULL;
}

/* ---- other harts ---- */

/* What all who want the hart weigh. One that is called to work but still idle has somebody soon. */
static uint32_t load_of(const struct hart *hart) {
    uint32_t load = __atomic_load_n(&hart->load, __ATOMIC_RELAXED);
    bool idle = (__atomic_load_n(&idle_mask, __ATOMIC_RELAXED) & bit_of(hart)) != 0;
    return idle ? load : load + running_share(hart);
}

/* The first of the mask, which is not empty, after `index`; and so on from 0. */
static uint32_t next_in(uint64_t mask, uint32_t index) {
    uint64_t later = mask & (UINT64_MAX << index << 1);
    return bits_lowest(later ? later : mask);
}

/* The hart with the least to do of those the thread may run on; `hart` if it is one of them, else in turns
 * those that follow the last one. */
static struct hart *least_loaded(struct hart *hart, const struct thread *thread) {
    struct hart *best = NULL;
    uint64_t mask = thread->harts & harts_online_mask();
    if (mask & bit_of(hart)) {
        best = hart;
    }
    for (uint32_t index = hart->last_to; mask; mask &= ~(UINT64_C(1) << index)) {
        index = next_in(mask, index);
        struct hart *other = harts_at(index);
        if (!best || load_of(other) < load_of(best)) {
            best = other;
        }
    }
    if (best && best != hart) {
        hart->last_to = best->index;
    }
    return best ? best : hart;
}

/* Wakes one idle hart that may run the thread, if there is one. */
static bool rouse(const struct thread *thread) {
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    uint64_t mask = __atomic_load_n(&idle_mask, __ATOMIC_RELAXED) & thread->harts;
    while (mask) {
        uint64_t bit = mask & -mask;
        if (__atomic_fetch_and(&idle_mask, ~bit, __ATOMIC_SEQ_CST) & bit) {
            arch_ipi(bit);
            return true;
        }
        mask &= ~bit;
    }
    return false;
}

/* After `thread` became ready on `home`, under its lock: who looks at the queue, and when. */
static void notice_ready(struct hart *home, const struct thread *thread) {
    bool remote = home != hart_self();
    bool idle = (__atomic_load_n(&idle_mask, __ATOMIC_SEQ_CST) & bit_of(home)) != 0;
    if (remote) {
        if (idle || home->slice_end == UINT64_MAX || before(thread, home->current)) {
            __atomic_fetch_and(&idle_mask, ~bit_of(home), __ATOMIC_SEQ_CST);
            arch_ipi(bit_of(home));
        }
        return;
    }
    if (home->current == home->idle || before(thread, home->current)) {
        home->need_switch = true;
    }
    if (home->slice_end == UINT64_MAX) {
        charge(home, arch_ticks());
        set_pace(home);
        start_slice(home);
    }
    set_timer(home);
}

/* Takes the first thread that waits elsewhere and makes it run here. NULL: there is none. */
static struct thread *steal(struct hart *self) {
    uint32_t count = harts_count();
    for (uint32_t i = 1; i < count; i++) {
        struct hart *victim = harts_at((self->index + i) % count);
        if (ready_len(victim) == 0) {
            continue;
        }
        spinlock_lock(&victim->queue_lock);
        struct thread *thread = first_runnable(victim, NULL, bit_of(self));
        if (thread) {
            dequeue(victim, thread);
            thread->vtime += self->vtime - vtime_now(victim);
            thread->on_hart = true;
            thread->state = THREAD_RUNNING;
            set_home(thread, self);
        }
        spinlock_unlock(&victim->queue_lock);
        if (thread) {
            counters_add(COUNTER_STEALS, 1);
            return thread;
        }
    }
    return NULL;
}

/* Where few threads are, the one that came last would be the next to leave: its turn comes as soon as the next one
 * to go round is due. It waits for a while for another one to go. */
static bool has_just_come(const struct hart *hart, const struct thread *thread) {
    return thread == hart->newest && hart->ready_len < SCHED_ROTATE_SLICES &&
           hart->rounds < 2 * SCHED_ROTATE_SLICES;
}

/* Whether the thread whose slice is over goes to a hart with less to do: if that has less even with the thread
 * (by more than rounding makes). Where it is nearer to what this one has, the turn to share goes round. */
static struct hart *elsewhere(struct hart *hart, const struct thread *thread) {
    if (!(thread->harts & bit_of(hart))) {
        return least_loaded(hart, thread);
    }
    if (!hart->slice_over || list_empty(&hart->ready)) {
        return NULL;
    }
    struct hart *other = least_loaded(hart, thread);
    uint32_t share = share_of(thread), mine = hart->load + share, theirs = load_of(other);
    if (other == hart || theirs + share / 2 > mine) {
        return NULL;
    }
    if (theirs + share + share / 8 < mine) {
        return other;
    }
    if (++hart->rounds < SCHED_ROTATE_SLICES || has_just_come(hart, thread)) {
        return NULL;
    }
    hart->rounds = 0;
    return other;
}

/* ---- switching ---- */

/* A thread that belongs to no queue comes to `to`; its virtual time is relative. */
static void arrive(struct hart *to, struct thread *thread) {
    spinlock_lock(&to->queue_lock);
    set_home(thread, to);
    thread->vtime += vtime_now(to);
    to->newest = thread;
    enqueue(to, thread);
    notice_ready(to, thread);
    spinlock_unlock(&to->queue_lock);
}

/* Under the queue lock: the current thread waits here, or moves once it is off this hart. */
static void put_back(struct hart *hart, struct thread *from) {
    struct hart *other = elsewhere(hart, from);
    if (other) {
        from->state = THREAD_READY;
        from->vtime -= hart->vtime; /* relative, until it arrives */
        hart->leaving = from;
        hart->moving_to = other;
    } else {
        enqueue(hart, from);
    }
}

/* Under the queue lock: what goes with any choice of who is next. */
static void begin_run(struct hart *hart, struct thread *to) {
    to->on_hart = true;
    to->state = THREAD_RUNNING;
    hart->current = to;
    set_pace(hart);
    hart->need_switch = false;
    hart->slice_over = false;
    start_slice(hart);
    set_timer(hart);
}

static void leave_idle(const struct hart *hart) {
    if (__atomic_load_n(&idle_mask, __ATOMIC_RELAXED) & bit_of(hart)) {
        __atomic_fetch_and(&idle_mask, ~bit_of(hart), __ATOMIC_SEQ_CST);
    }
}

/* Under the queue lock: everybody who waits has had less. */
static void give_way(const struct hart *hart, struct thread *from) {
    if (!list_empty(&hart->ready)) {
        if (before(from, first_of(hart))) {
            from->vtime = first_of(hart)->vtime;
        }
    }
}

/* Under the queue lock, which it gives back. */
static void switch_locked(struct hart *hart) {
    struct thread *from = hart->current;
    uint64_t now = arch_ticks();
    charge(hart, now);
    if (from->state == THREAD_RUNNING && from != hart->idle) {
        put_back(hart, from);
    } else if (from->state == THREAD_EXITED) {
        discount(from);
    }
    /* READY: woken between going to sleep and here, and in the queue already. */
    struct thread *to = first_runnable(hart, from, bit_of(hart));
    if (to) {
        dequeue(hart, to);
        leave_idle(hart);
    } else {
        to = hart->idle;
    }
    begin_run(hart, to);
    spinlock_unlock(&hart->queue_lock);
    if (to != from) {
        switch_to(from, to);
    }
}

void sched_switch(void) {
    struct hart *hart = hart_self();
    lockcheck_irq_off("a switch of threads");
    spinlock_lock(&hart->queue_lock);
    switch_locked(hart);
}

void sched_move(struct thread *thread, struct hart *to) {
    counters_add(COUNTER_MOVES, 1);
    arrive(to, thread);
}

bool sched_alone(void) {
    return list_empty(&hart_self()->ready);
}

void sched_yield(void) {
    lockcheck_sleep(NULL);
    irq_state_t irq = arch_irq_save();
    struct hart *hart = hart_self();
    spinlock_lock(&hart->queue_lock);
    charge(hart, arch_ticks());
    give_way(hart, hart->current);
    switch_locked(hart);
    arch_irq_restore(irq);
}

void sched_preempt(void) {
    if (hart_self()->need_switch) {
        irq_state_t irq = arch_irq_save();
        sched_switch();
        arch_irq_restore(irq);
    }
}

/* ---- sleeping and waking ---- */

void sched_adopt(struct thread *thread) {
    struct hart *hart = hart_self();
    thread->state = THREAD_RUNNING;
    thread->on_hart = true;
    count(thread);
    hart->current = thread;
    hart->charged_at = arch_ticks();
    set_pace(hart);
}

void sched_add(struct thread *thread) {
    irq_state_t irq = arch_irq_save();
    struct hart *home = hart_self();
    if (home->ready_len > 0 || !(thread->harts & bit_of(home))) {
        home = least_loaded(home, thread);
    }
    spinlock_lock(&home->queue_lock);
    set_home(thread, home);
    thread->vtime = vtime_now(home);
    count(thread);
    enqueue(home, thread);
    notice_ready(home, thread);
    spinlock_unlock(&home->queue_lock);
    arch_irq_restore(irq);
}

/* Who comes at that virtual time has not saved up more than a slice, or what a service may. */
static inline void limit_credit(struct thread *thread, uint64_t vtime) {
    if ((int64_t)(thread->vtime - (vtime - thread->credit)) < 0) {
        thread->vtime = vtime - thread->credit;
    }
}

/* Under the queue lock of its home, whose virtual time is `vtime`: what ended the sleep. */
static inline void end_sleep(struct hart *home, struct thread *thread, uint64_t vtime,
                             status_t why) {
    if (deadline_is_set(&thread->deadline)) {
        deadline_remove(&home->timers, &thread->deadline);
    }
    thread->woke = why;
    count(thread);
    limit_credit(thread, vtime);
}

static inline bool is_asleep(const struct thread *thread) {
    return thread->state == THREAD_SLEEPING || thread->state == THREAD_WAITING;
}

/* Before unlock_home(). */
static void make_ready(struct hart *home, struct thread *thread, status_t why) {
    end_sleep(home, thread, vtime_now(home), why);
    if (!thread->astray) {
        enqueue(home, thread);
        notice_ready(home, thread);
    } else {
        thread->state = THREAD_READY;
        list_push_back(&home->strays, &thread->run_node);
    }
}

static void send_strays(struct hart *home) {
    for (;;) {
        spinlock_lock(&home->queue_lock);
        struct thread *stray = NULL;
        if (!list_empty(&home->strays)) {
            stray = list_entry(home->strays.next, struct thread, run_node);
            list_remove(&stray->run_node);
            stray->vtime -= vtime_now(home);
        }
        spinlock_unlock(&home->queue_lock);
        if (!stray) {
            return;
        }
        arrive(least_loaded(home, stray), stray);
    }
}

/* After threads may have become ready there. */
static void unlock_home(struct hart *home) {
    bool strays = !list_empty(&home->strays);
    spinlock_unlock(&home->queue_lock);
    if (strays) {
        send_strays(home);
    }
}

/* The lock of a thread's home, which may change until it is held. */
static struct hart *lock_home(struct thread *thread) {
    for (;;) {
        struct hart *home = __atomic_load_n(&thread->hart, __ATOMIC_ACQUIRE);
        spinlock_lock(&home->queue_lock);
        if (home == __atomic_load_n(&thread->hart, __ATOMIC_ACQUIRE)) {
            return home;
        }
        spinlock_unlock(&home->queue_lock);
    }
}

void sched_join(struct thread *thread, uint64_t *sharers) {
    if (thread->state == THREAD_NEW) {
        thread->sharers = sharers;
        return;
    }
    irq_state_t irq = arch_irq_save();
    assert(thread == thread_current());
    discount(thread);
    thread->sharers = sharers;
    count(thread);
    arch_irq_restore(irq);
}

void sched_set_weight(struct thread *thread, uint32_t weight) {
    __atomic_store_n(&thread->weight, weight, __ATOMIC_RELAXED);
    __atomic_store_n(&thread->pace, SCHED_WEIGHT * SCHED_WEIGHT / weight, __ATOMIC_RELAXED);
}

void sched_set_class(struct thread *thread, enum thread_class class) {
    bool service = class == THREAD_SERVICE;
    sched_set_weight(thread, service ? SCHED_SERVICE_WEIGHT : SCHED_WEIGHT);
    thread->credit = (uint32_t)(service ? times.service_credit : times.slice_max);
}

void sched_set_harts(struct thread *thread, uint64_t hart_mask) {
    struct hart *home = lock_home(thread);
    while (thread->state == THREAD_READY &&
           (list_empty(&thread->run_node) || !(thread->harts & bit_of(home)) ||
            __atomic_load_n(&thread->on_hart, __ATOMIC_ACQUIRE))) {
        spinlock_unlock(&home->queue_lock); /* between two queues */
        arch_relax();
        home = lock_home(thread);
    }
    thread->harts = hart_mask;
    set_home(thread, home);
    if (thread->state == THREAD_READY && !(hart_mask & bit_of(home))) {
        dequeue(home, thread);
        list_push_back(&home->strays, &thread->run_node);
    } else if (thread->state == THREAD_RUNNING) {
        arch_ipi(bit_of(home));
    }
    unlock_home(home);
}

uint64_t sched_ran(struct thread *thread) {
    struct hart *home = lock_home(thread);
    uint64_t ran = thread->ran;
    if (thread->state == THREAD_RUNNING && home->current == thread) {
        ran += arch_ticks() - home->charged_at;
    }
    spinlock_unlock(&home->queue_lock);
    return ran;
}

void sched_wake(struct thread *thread) {
    struct hart *home = lock_home(thread);
    if (is_asleep(thread)) {
        make_ready(home, thread, STATUS_OK);
    }
    unlock_home(home);
}

void sched_interrupt(struct thread *thread) {
    struct hart *home = lock_home(thread);
    if (thread->state == THREAD_WAITING || (thread->state == THREAD_SLEEPING && thread->killable)) {
        make_ready(home, thread, STATUS_KILLED);
    } else {
        arch_ipi(bit_of(home));
    }
    unlock_home(home);
}

/* Under the queue lock of this hart. */
static inline bool fall_asleep(struct hart *hart, uint64_t deadline_ns, bool killable) {
    struct thread *self = hart->current;
    bool sleeps = !killable || !__atomic_load_n(&self->kill, __ATOMIC_RELAXED);
    self->killable = killable;
    self->woke = sleeps ? STATUS_OK : STATUS_KILLED;
    if (!sleeps) {
        self->state = THREAD_RUNNING;
        return false;
    }
    discount(self);
    self->state = killable && deadline_ns == WAIT_FOREVER ? THREAD_WAITING : THREAD_SLEEPING;
    if (deadline_ns != WAIT_FOREVER) {
        uint64_t deadline = time_ticks_at_ns(deadline_ns), now = arch_ticks();
        self->deadline.at = deadline > now ? deadline : now; /* none is overdue: see watchdog.h */
        deadline_add(&hart->timers, &self->deadline);
    }
    return true;
}

bool sched_prepare_sleep(uint64_t deadline_ns, bool killable) {
    struct hart *hart = hart_self();
    lockcheck_irq_off("going to sleep");
    spinlock_lock(&hart->queue_lock);
    bool sleeps = fall_asleep(hart, deadline_ns, killable);
    spinlock_unlock(&hart->queue_lock);
    return sleeps;
}

irq_state_t sched_sleep(struct spinlock *lock, uint64_t deadline_ns, bool killable) {
    struct hart *hart = hart_self();
    lockcheck_sleep(lock);
    spinlock_lock(&hart->queue_lock);
    bool sleeps = fall_asleep(hart, deadline_ns, killable);
    irq_state_t irq = spinlock_unlock_only(lock);
    if (sleeps) {
        switch_locked(hart);
    } else {
        spinlock_unlock(&hart->queue_lock);
    }
    return irq;
}

/* Under the lock of its home: a sleeper that this hart may run. */
static inline bool can_take(const struct hart *hart, const struct thread *to) {
    return is_asleep(to) && (to->harts & bit_of(hart)) &&
           !__atomic_load_n(&to->on_hart, __ATOMIC_ACQUIRE);
}

static inline void begin_taken(struct hart *home, struct thread *to, uint64_t vtime) {
    end_sleep(home, to, vtime, STATUS_OK);
    to->on_hart = true;
    to->state = THREAD_RUNNING;
}

/* A sleeping thread of any hart becomes this hart's, with relative virtual time, or ready where it is. */
static bool take(struct hart *hart, struct thread *to) {
    struct hart *home = lock_home(to);
    bool taken = can_take(hart, to);
    if (taken) {
        uint64_t vtime = vtime_now(home);
        begin_taken(home, to, vtime);
        to->vtime -= vtime;
        set_home(to, hart);
    } else if (is_asleep(to)) {
        make_ready(home, to, STATUS_OK);
    }
    unlock_home(home);
    return taken;
}

/* The one that take() gave runs here next. */
static void run_taken(struct hart *hart, struct thread *to) {
    spinlock_enter(&hart->queue_lock);
    to->vtime += vtime_now(hart);
    hart->current = to;
    set_pace(hart);
    spinlock_leave(&hart->queue_lock);
}

static __attribute__((noinline)) void exchange_any(struct hart *hart, struct thread *to,
                                                   uint64_t deadline_ns, struct spinlock *held) {
    struct thread *self = hart->current;
    spinlock_enter(&hart->queue_lock);
    bool sleeps = fall_asleep(hart, deadline_ns, true);
    charge(hart, arch_ticks());
    set_timer(hart);
    spinlock_leave(&hart->queue_lock);
    bool taken = sleeps && take(hart, to);
    if (!sleeps) {
        sched_wake(to);
    }
    spinlock_leave(held);
    if (taken) {
        run_taken(hart, to);
        switch_to(self, to);
    } else if (sleeps) {
        sched_switch();
    }
}

/* Somebody else has the lock, for which a ticket is drawn. Nothing of the fast way is kept across. */
static __attribute__((noinline)) void exchange_late(struct hart *hart, struct thread *to,
                                                    struct spinlock *held, uint32_t ticket) {
    spinlock_wait(&hart->queue_lock, ticket);
    spinlock_leave(&hart->queue_lock);
    exchange_any(hart, to, WAIT_FOREVER, held);
}

/* Under the queue lock: `to` runs instead of `self`. Of one program, at the same pace. */
static inline void pass_share(struct hart *hart, struct thread *self, struct thread *to) {
    uint64_t *sharers = to->sharers;
    if (self->sharers != sharers) {
        discount(self);
        uint64_t len = __atomic_fetch_add(sharers, 1, __ATOMIC_RELAXED); /* see SCHED_NO_SHARERS */
        __atomic_store_n(&hart->pace, to->pace * len, __ATOMIC_RELAXED);
    }
}

/* Under the queue lock: two of this hart that wait without deadlines, of which one does already, and so is on no
 * hart. Their virtual times are all that changes. */
static inline bool exchange_here(struct hart *hart, struct thread *self, struct thread *to) {
    if (to->hart != hart || to->state != THREAD_WAITING || to->astray ||
        __atomic_load_n(&self->kill, __ATOMIC_RELAXED)) {
        return false;
    }
    charge_thread(hart, self, arch_ticks());
    limit_credit(to, hart->vtime);
    self->woke = STATUS_OK; /* as `to` fell asleep with */
    self->state = THREAD_WAITING;
    to->state = THREAD_RUNNING;
    to->on_hart = true;
    hart->current = to;
    pass_share(hart, self, to);
    return true;
}

void sched_exchange(struct thread *to, uint64_t deadline_ns, struct spinlock *held) {
    struct hart *hart = hart_self();
    struct thread *self = hart->current;
    lockcheck_irq_off("going to sleep");
    if (deadline_ns != WAIT_FOREVER) {
        exchange_any(hart, to, deadline_ns, held);
        return;
    }
    uint32_t ticket;
    if (!spinlock_draw(&hart->queue_lock, &ticket)) {
        exchange_late(hart, to, held, ticket);
        return;
    }
    bool done = exchange_here(hart, self, to);
    spinlock_leave(&hart->queue_lock);
    if (done) {
        spinlock_leave(held);
        switch_here(hart, self, to);
    } else {
        exchange_any(hart, to, deadline_ns, held);
    }
}

void sched_tick(void) {
    lockcheck_irq_off("the timer's interrupt");
    struct hart *hart = hart_self();
    spinlock_lock(&hart->queue_lock);
    uint64_t now = arch_ticks();
    charge(hart, now);
    set_pace(hart);
    while (hart->timers.first && hart->timers.first->at <= now) {
        struct thread *thread = list_entry(hart->timers.first, struct thread, deadline);
        make_ready(hart, thread, STATUS_TIMED_OUT);
    }
    if (hart->spreading && hart->slice_end <= now && !list_empty(&hart->ready) &&
        rouse(first_of(hart))) {
        hart->slice_end = UINT64_MAX;
        start_slice(hart);
    } else if (!list_empty(&hart->ready) && hart->slice_end <= now) {
        hart->need_switch = true;
        hart->slice_over = true;
        hart->slice_end = UINT64_MAX;
    } else if (hart->slice_end == UINT64_MAX || hart->slice_end <= now) {
        start_slice(hart);
    }
    hart->timer_at = 0; /* it has fired: set it again in any case */
    set_timer(hart);
    unlock_home(hart);
}

/* ---- nothing to do ---- */

/* From the idle thread, interrupts off. */
static void run_stolen(struct hart *hart, struct thread *to) {
    spinlock_lock(&hart->queue_lock);
    charge(hart, arch_ticks());
    leave_idle(hart);
    begin_run(hart, to);
    spinlock_unlock(&hart->queue_lock);
    switch_to(hart->idle, to);
}

void sched_idle(void) {
    struct hart *hart = hart_self(); /* idle threads do not move */
    for (;;) {
        bool pending = log_idle();
        arch_irq_off();
        __atomic_fetch_or(&idle_mask, bit_of(hart), __ATOMIC_SEQ_CST);
        struct thread *stolen = NULL;
        if (ready_len(hart) > 0) {
            sched_switch();
        } else if ((stolen = steal(hart))) {
            run_stolen(hart, stolen);
        } else if (!pending && !frame_prezero()) {
            arch_wait_for_interrupt();
        }
        arch_irq_on();
    }
}
