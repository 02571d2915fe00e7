/*
 * What codegen gives: one function's machine code, position-independent but for calls, with all
 * that the runtime needs to place it and to explain a fault in it. The bytes hold constants and jump
 * tables behind the instructions and must be placed at a multiple of CODE_ALIGN.
 */
#ifndef WASM_CODEGEN_CODE_H
#define WASM_CODEGEN_CODE_H

#include "wasm/trap.h"

#include <stdint.h>

#define CODE_ALIGN 16u

/* A direct call to a function of the same module, to be pointed at its code or its lazy stub. */
struct code_reloc {
    uint32_t offset; /* of the instruction(s) in the code */
    uint32_t callee; /* function index */
    uint8_t kind;    /* enum code_reloc_kind */
};
enum code_reloc_kind {
    CODE_RELOC_NEAR, /* one `jal ra`, reach 1 MiB, 4-aligned so that it can be patched atomically */
    CODE_RELOC_FAR   /* `auipc ra; jalr ra`, reach 2 GiB */
};

/* One row for each instruction that may trap and each return address, by ascending offset. */
struct code_site {
    uint32_t offset; /* of the trapping instruction, or return address */
    uint32_t pos;    /* byte offset in the module */
    uint8_t trap;    /* enum trap; TRAP_NONE for a return address */
};

struct code {
    uint32_t func;
    uint8_t *bytes;
    uint32_t size;
    uint32_t frame_size; /* bytes sp goes down, 16-aligned */
    uint32_t frame_set;  /* offset after which sp is down; a pc at or before has the caller's sp */
    uint32_t ra_saved;   /* offset from which ra lies at sp + frame_size - 8; UINT32_MAX: never */
    uint32_t site_count;
    struct code_site *sites;
    uint32_t reloc_count;
    struct code_reloc *relocs;
};

#endif
