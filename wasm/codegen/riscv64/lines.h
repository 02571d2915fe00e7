/*
 * Machine code on its way to bytes: a list of lines, each an instruction, a branch to a label, a
 * piece of data. Sizes are settled at the end: every branch starts in its shortest form and grows
 * until all reach (it never shrinks again, so this ends), then bytes are written.
 *
 * Branches: c.beqz, b<cond>, inverted b<cond> over jal, the same over a far jump. Jumps: c.j, jal,
 * auipc + jalr by t5. Everything else has its size from the start; alignment is settled last.
 */
#ifndef WASM_CODEGEN_RISCV64_LINES_H
#define WASM_CODEGEN_RISCV64_LINES_H

#include "base/arena.h"
#include "base/vec.h"
#include "wasm/codegen/code.h"
#include "wasm/codegen/riscv64/encode.h"

#include <stdint.h>

typedef uint32_t label_t;

enum line_kind {
    LINE_WORD,     /* an instruction, compressed if it can be */
    LINE_WORD4,    /* an instruction of exactly 4 bytes */
    LINE_HALF,     /* 2 bytes as they are */
    LINE_BRANCH,   /* to `label` if x cond y; word: cond, x << 8, y << 16 */
    LINE_JUMP,     /* to `label` */
    LINE_LA,       /* auipc + addi: rd (word) = address of `label` */
    LINE_POOL,     /* auipc t5 + load: word is the load with base t5; label: index in the pool */
    LINE_CALL,     /* jal ra of a function (label), on a 4-byte boundary */
    LINE_CALL_FAR, /* auipc ra + jalr ra */
    LINE_ALIGN,    /* to a multiple of `word`, a power of two, with zeros */
    LINE_OFFSET    /* 4 bytes: address of `label` minus that of the label `word` */
};

struct line {
    uint32_t word;
    uint32_t label;
    uint32_t offset; /* settled at the end */
    uint8_t kind;    /* enum line_kind */
    uint8_t size;
    uint8_t pad; /* bytes of padding before it */
};

struct line_site {
    uint32_t line; /* the address of this line... */
    uint32_t pos;
    uint8_t trap;
};

struct lines {
    struct arena *arena;
    uint32_t pos; /* bytecode offset for sites made from here on */
    VEC(struct line) list;
    VEC(uint32_t) branches; /* lines that are branches or jumps, */
    VEC(uint32_t) calls;    /*   or calls */
    VEC(uint32_t) labels;   /* label -> line it stands before */
    VEC(struct line_site) sites;
    VEC(uint64_t) pool;
};

void lines_init(struct lines *lines, struct arena *arena);

label_t lines_label(struct lines *lines);            /* a new one, not placed */
void lines_bind(struct lines *lines, label_t label); /* here */
label_t lines_here(struct lines *lines);             /* both */

void lines_put(struct lines *lines, uint32_t word);
void lines_put4(struct lines *lines, uint32_t word);
void lines_branch(struct lines *lines, enum cond cond, reg_t x, reg_t y, label_t to);
void lines_jump(struct lines *lines, label_t to);
void lines_call(struct lines *lines, uint32_t callee, bool is_far);
void lines_la(struct lines *lines, reg_t rd, label_t of);
/* rd = a constant, by the cheapest sequence; uses no other register but t5 for the pool. */
void lines_li(struct lines *lines, reg_t rd, int64_t value);
/* The same from the pool: op is RV_LD, RV_FLD, or RV_FLW. */
void lines_load_const(struct lines *lines, enum rv_op op, reg_t rd, uint64_t bits);
void lines_align(struct lines *lines, uint32_t to);
void lines_offset(struct lines *lines, label_t of, label_t base);
/* A load, store or addi with an offset of any size; t5 is lost when it is large. */
void lines_access(struct lines *lines, enum rv_op op, reg_t r, reg_t base, int64_t offset);

/* How many instructions lines_li() takes. */
uint32_t lines_li_cost(int64_t value);

/* The next line may trap / the last line was a call. */
void lines_site(struct lines *lines, uint8_t trap);
void lines_site_return(struct lines *lines);
/* The 2-byte illegal instruction, with its site. */
void lines_trap(struct lines *lines, uint8_t trap);

/* Settles sizes and writes all: bytes, size, sites, relocs of `code`, in `arena`. Lines' offsets are
 * valid then. */
void lines_finish(struct lines *lines, struct arena *arena, struct code *code);
uint32_t lines_offset_of(const struct lines *lines, label_t label);

#endif
