/*
 * The contract between compiled code and the runtime: what lies where in guest-visible memory.
 *
 * Every instance has an area in its domain, readable and writable in user mode, at the address in
 * the instance register. Compiled code trusts it, the kernel does not: it keeps its own copy of
 * whatever it needs to believe.
 *
 *     +0    fixed head              struct instance_area
 *     ...   memories                struct memory_area [own, imported: a pointer to the owner's]
 *     ...   tables                  struct table_area  [own, imported: a pointer to the owner's]
 *     ...   globals                 8 bytes each: value, or for imported mutable ones the address
 *     ...   function records        struct func_record: imports, then escaping functions
 *
 * A function reference is the address of a func_record; null is 0, which is never mapped, so
 * reading the type of a null reference faults and the trap table gives it its name.
 */
#ifndef WASM_CODEGEN_LAYOUT_H
#define WASM_CODEGEN_LAYOUT_H

#include "wasm/ir/ir.h"

#include <stdint.h>

struct func_record {
    uint64_t code;        /* entry point: machine code, or the lazy stub or host stub */
    uint64_t instance;    /* instance area of the callee */
    uint64_t memory_base; /* of the callee's memory 0, else 0 */
    uint32_t type;        /* canonical type id */
    uint32_t index;       /* function index in its instance, for backtraces */
};

struct memory_area {
    uint64_t base; /* never changes */
    uint64_t size; /* bytes accessible now */
};

struct table_area {
    uint64_t base; /* of 8-byte references; never changes: the maximum is reserved */
    uint64_t len;
};

struct instance_area {
    uint64_t memory_base;           /* of memory 0; also in the memory register */
    uint64_t memory_area;           /* address of memory 0's memory_area (own or owner's), or 0 */
    uint64_t helpers[HELPER_COUNT]; /* entry points of stubs */
};

/* Where each thing of a module's instances lies: offsets from the instance register. */
struct layout {
    uint32_t size; /* of the whole area */
    uint32_t record_count;
    uint32_t *memories; /* offset of memory_area, or of the pointer to it if imported */
    uint32_t *tables;   /* likewise */
    uint32_t *globals;  /* offset of the value, or of the pointer if imported and mutable */
    uint32_t *records;  /* by function index; UINT32_MAX: has no record */
};

/* From the module alone, so that code can be compiled before any instance exists. In `arena`. */
struct layout *layout_new(struct arena *arena, const struct module *module);

#endif
