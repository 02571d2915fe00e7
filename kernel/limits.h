/*
 * Every count the kernel limits, by name.
 */
#ifndef KERNEL_LIMITS_H
#define KERNEL_LIMITS_H

#define PAGE_SHIFT         12
#define PAGE_SIZE          4096ul
#define PAGE_ALIGN_DOWN(x) ((x) & ~(PAGE_SIZE - 1))
#define PAGE_ALIGN_UP(x)   (((x) + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1))

#define KERNEL_MAX_HARTS         64          /* bits in a hart mask */
#define QUOTA_MAX                4096        /* quotas at once, of programs and spaces */
#define FRAME_CACHE_LEN          32          /* free frames that a hart keeps for itself */
#define FRAME_FILL_ORDER         4           /* it takes blocks of up to this order at once */
#define FRAME_ZEROED_MAX         1024        /* free frames zeroed beforehand */
#define FRAME_ZEROED_PART        16          /* and at most this part of all */
#define FRAME_MAX_ORDER          18          /* largest run of frames: 2^18 pages, 1 GiB */
#define HEAP_MAX_SIZE            (1ul << 30) /* one allocation */
#define SPACE_MAX_REGIONS        65536       /* in one address space */
#define SPACE_AROUND_MAX         16          /* pages that one fault makes */
#define OBJECT_MAX_LEVELS        3           /* of tables of a memory object */
#define OBJECT_MAX_SIZE          (1ul << 39) /* of a memory object: what they hold */
#define OBJECT_MAX_DEPTH         8           /* clones of clones */
#define SPACE_PLACE_TRIES        16          /* random places tried before a search in order */
#define THREAD_MAX               4096        /* threads alive, by their stack slots */
#define THREAD_STACK_PAGES       16          /* of a kernel stack, guard pages besides */
#define THREAD_NAME_SIZE         24
#define PROGRAM_MAX              256 /* programs at once, ended ones that nobody waited for too */
#define PROGRAM_PID_MAX          0x3fffffffu /* the largest number */
#define PROGRAM_NAME_SIZE        THREAD_NAME_SIZE
#define SCHED_WEIGHT             1024u      /* of an ordinary thread */
#define SCHED_ROUND_NS           20000000ul /* in which all who wait on a hart run once, if possible */
#define SCHED_SLICE_MIN_NS       1000000ul
#define SCHED_SLICE_MAX_NS       10000000ul
#define SCHED_SERVICE_WEIGHT     (8 * SCHED_WEIGHT)
#define SCHED_SERVICE_CREDIT_NS  30000000ul /* of virtual time, that a service saves up asleep */
#define SCHED_SPREAD_NS          200000ul   /* who waits longer may go to an idle hart */
#define SCHED_ROTATE_SLICES      5          /* after so many, an odd thread moves to another hart */
#define SPINLOCK_SPINS           200        /* rounds of waiting for a lock, and then a rest */
#define SPINLOCK_REST_NS         50000ul
#define WATCHDOG_NS              1000000000ul /* with interrupts off for longer, a hart is told of */
#define INTERRUPT_GAP_NS         20000ul      /* between two of a driver in user mode, at least */
#define FUTEX_GROUPS             32           /* of the hash table, by owner: a power of two */
#define FUTEX_LISTS              64           /* in a group, by place: a power of two */
#define IRQ_MAX_SOURCES          1024         /* of one interrupt controller */
#define IRQ_MAX_VAIN             1000         /* interrupts in a row whose device did not ask */
#define HANDLE_MAX               4096         /* in one program's table */
#define HANDLE_MAX_DEPTH         8            /* of handles derived from derived ones */
#define NATIVE_MAX_THREADS       64           /* of a domain, besides the first */
#define RANDOM_MOMENTS           64           /* interrupts gathered before they go into the pool */
#define LOG_RING_SIZE            65536        /* bytes, a power of two */
#define LOG_LINE_SIZE            256          /* longest line, longer ones are cut */
#define LOG_MODULE_SIZE          16           /* bytes of a module's name, its end included */
#define LOG_MAX_FILTERS          16           /* modules with a level of their own */
#define PANIC_MAX_FRAMES         32           /* of a backtrace */
#define PANIC_LOG_LINES          20           /* shown after it */
#define PANIC_STOP_MS            5            /* for other harts to stop */
#define VIRTIO_MAX_DEVICES       32
#define VIRTIO_CONSOLE_MAX_PORTS 8
#define VIRTIO_CONSOLE_NAME_SIZE 32
#define VIRTIO_9P_MAX_DEVICES    8
#define VIRTIO_9P_TAG_SIZE       32             /* of a mount tag, terminated */
#define VIRTIO_9P_REQUESTS       16             /* under way at once, a device */
#define VIRTIO_9P_KILLED_NS      1000000000ul   /* who is killed waits no longer for an answer */
#define VIRTIO_9P_TIMEOUT_NS     120000000000ul /* a server that says nothing for so long is dead */

#endif
