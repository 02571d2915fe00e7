/*
 * Address spaces: the user half of one program's memory. A space is an ordered, balanced tree of
 * regions, each with one protection; pages inside come into being when they are first touched. So
 * 8 GiB reserved cost one region and nothing a page.
 *
 * Addresses are chosen at random by space_reserve() and never in the lowest 64 KiB. Kinds of memory:
 * zero-fill (the default), code (written by the kernel through the physical map, readable and
 * executable for the guest, never writable), wired (committed at once on contiguous frames that
 * the kernel may touch by a pointer of its own), and memory objects, which other spaces may map too.
 *
 * All calls but space_copy_try_*() take the space's mutex and may sleep: thread context, no spinlock held. All addresses
 * and sizes given to reserve, commit, protect, decommit and unmap are multiples of PAGE_SIZE.
 *
 * Nothing here panics for lack of memory: NO_MEMORY says that the frame quota or the machine is
 * spent, NO_SPACE that no range of addresses is free, LIMIT that SPACE_MAX_REGIONS are in use.
 */
#ifndef KERNEL_MM_SPACE_H
#define KERNEL_MM_SPACE_H

#include "base/status.h"
#include "kernel/arch.h"
#include "kernel/types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct object;
struct space;

/* Once, after the heap and arch_paging_init(). */
void space_init(void);

/* An empty space that may hold frame_limit frames, page tables included; `quota` pays, else the caller's program. */
status_t space_new(uint64_t frame_limit, struct space **out) MUST_CHECK;
status_t space_new_for(struct quota *quota, uint64_t frame_limit, struct space **out) MUST_CHECK;

/* Gives every frame back. No thread may run in it. NULL is allowed. */
void space_free(struct space *space);

/* A free range at a random place, aligned to `align` (a power of two, 0 means a page), PROT_NONE. */
status_t space_reserve(struct space *space, size_t size, size_t align, vaddr_t *out) MUST_CHECK;

/* space_reserve() and space_protect() in one: a range at a random place with this protection. */
status_t space_allocate(struct space *space, size_t size, unsigned prot, vaddr_t *out) MUST_CHECK;

/* space_reserve() at a fixed place; EXISTS if any of it is in use. */
status_t space_reserve_at(struct space *space, vaddr_t addr, size_t size) MUST_CHECK;

/* The protection of a reserved range, which may span regions but no hole (BAD_RANGE). Pages that
 * hold data keep it, also through PROT_NONE. `prot` is PROT_NONE, PROT_READ, or
 * PROT_READ | PROT_WRITE; PROT_USER is implied. Code ranges are made by space_publish_code() alone.
 * A memory grows by protecting more of its reservation to PROT_READ | PROT_WRITE: no page is
 * allocated before it is touched. */
status_t space_protect(struct space *space, vaddr_t addr, size_t size, unsigned prot) MUST_CHECK;

/* As space_protect(), and commits every page now, so that later touches neither fault nor fail. */
status_t space_commit(struct space *space, vaddr_t addr, size_t size, unsigned prot) MUST_CHECK;

/* Contiguous frames under a reserved, untouched range, mapped with `prot` for the guest and
 * reachable for the kernel at *kernel_out until unmapped. Zeroed. */
status_t space_commit_wired(struct space *space, vaddr_t addr, size_t size, unsigned prot,
                            void **kernel_out) MUST_CHECK;

/* Maps [offset, offset + size) of a memory object at a random place, until it is unmapped; the mapping holds a
 * count. `prot` is PROT_READ or PROT_READ | PROT_WRITE and stays what it is: space_protect() and
 * space_decommit() refuse such ranges. Errors as those of object_map(); BAD_ARGUMENT. */
status_t space_map(struct space *space, struct object *object, uint64_t offset, size_t size,
                   unsigned prot, vaddr_t *addr_out) MUST_CHECK;

/* Frees the pages of a range and keeps it reserved, PROT_NONE; they are zero when touched again. */
status_t space_decommit(struct space *space, vaddr_t addr, size_t size) MUST_CHECK;

/* Frees pages and addresses. Holes inside are allowed. */
status_t space_unmap(struct space *space, vaddr_t addr, size_t size) MUST_CHECK;

/* Copies `size` bytes of code to addr (any alignment, inside a reserved range), mapped readable and
 * executable from then on; then every hart fetches the new bytes. The pages touched become code
 * pages for good; bytes of them not written so far are zero. */
status_t space_publish_code(struct space *space, vaddr_t addr, const void *code,
                            size_t size) MUST_CHECK;

/* Between kernel and guest memory, at any addresses; commits lazy pages as a guest's access would.
 * FAULT if any page in between does not allow it (bytes before it may have been copied). Works for
 * any space; a few instructions for that of the calling thread. Others may unmap the range meanwhile: a page is
 * copied before it goes or not at all. No call hands out a pointer to a guest's page, but for wired memory. */
status_t space_copy_in(struct space *space, void *to, vaddr_t from, size_t size) MUST_CHECK;
status_t space_copy_out(struct space *space, vaddr_t to, const void *from, size_t size) MUST_CHECK;

/* The same for the space of the calling thread in any context, interrupts off included: never sleeps,
 * takes no lock and makes no page. False, with some bytes copied or none: space_copy_in() or
 * space_copy_out() will make the pages or say what is wrong. */
bool space_copy_try_in(const struct space *space, void *to, vaddr_t from, size_t size) MUST_CHECK;
bool space_copy_try_out(const struct space *space, vaddr_t to, const void *from,
                        size_t size) MUST_CHECK;

/* A guest's fault at addr with the access PROT_READ, PROT_WRITE or PROT_EXECUTE: OK when the page
 * is there now, FAULT when the guest had no right to it, NO_MEMORY. */
status_t space_fault(struct space *space, vaddr_t addr, unsigned access) MUST_CHECK;

/* The protection at addr (without PROT_USER) and the bounds of its region. NOT_FOUND in a hole. */
status_t space_query(struct space *space, vaddr_t addr, unsigned *prot_out, vaddr_t *start_out,
                     vaddr_t *end_out) MUST_CHECK;

/* What a byte of memory is called so that all who can reach it mean the same: by the memory object that it is part
 * of and the offset in it, or by the space and the address where it is nobody else's. Of a hole, the latter. */
struct space_place {
    uint64_t owner; /* object_id(), or the space */
    uint64_t at;
};
struct space_place space_find_place(struct space *space, vaddr_t addr);

/* The same in any context of a thread; false while somebody changes the space. */
bool space_try_place(struct space *space, vaddr_t addr, struct space_place *out) MUST_CHECK;

/* The beginning of every space, for a look without a call. */
struct space_head {
    uint32_t objects; /* regions of memory objects */
};

/* Whether places need to be looked up at all: where no object is mapped they are the space's own. */
static inline bool space_maps_objects(const struct space *space) {
    return __atomic_load_n(&((const struct space_head *)space)->objects, __ATOMIC_RELAXED) != 0;
}
static inline struct space_place space_own_place(const struct space *space, vaddr_t addr) {
    return (struct space_place){.owner = (uint64_t)space, .at = addr};
}

/* Frames held, page tables included. */
uint64_t space_frames(const struct space *space);

/* How many bytes of addresses a guest can have in one range on this machine, by paging mode. */
uint64_t space_max_size(void);

/* For arch_pagetable_use(). NULL for NULL. */
struct pagetable *space_table(struct space *space);

#endif
