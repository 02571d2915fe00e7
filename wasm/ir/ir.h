/*
 * The IR: one function in SSA form.
 *
 * A value is the instruction that defines it, named by its index; index 0 is no value. Blocks hold
 * their instructions in a doubly linked list and end in exactly one ENDS instruction; their
 * successors and predecessors are in the block. A block may stand twice in a list of predecessors
 * (a switch with equal targets): each edge has its own entry, and a PHI one argument an entry, in
 * the same order. Block 0 is the entry and has no predecessor.
 *
 * Invariants, checked by verify_run(): definitions dominate uses; PARAMs are in block 0; PHIs head
 * their block; types fit ops.def; the argument of LOAD and STORE is an ADDR (or a PHI or COPY of
 * them), so that nothing but base plus 32-bit index ever reaches memory; every edge is in both lists;
 * every loop has one header that dominates it (control flow is reducible, as WebAssembly's is). A
 * block without instructions is dead: it has no edges, and nothing mentions it.
 *
 * All of it lives in one arena, freed when the function's code is made.
 */
#ifndef WASM_IR_IR_H
#define WASM_IR_IR_H

#include "base/arena.h"
#include "base/fmt.h"
#include "base/vec.h"
#include "wasm/module/module.h"
#include "wasm/trap.h"

#include <stdbool.h>
#include <stdint.h>

typedef uint32_t value_t;    /* index of an instruction; 0: none */
typedef uint32_t block_id_t; /* index of a block */
#define BLOCK_NONE UINT32_MAX

enum ir_type {
    IR_NONE,
    IR_I32,
    IR_I64,
    IR_F32,
    IR_F64,
    IR_REF, /* reference: 64 bits, 0 is null */
    IR_PTR, /* machine address inside a linear memory's reservation */
    IR_TYPE_COUNT
};

enum ir_op {
    OP_NONE,
#define OP(name, text, arity, result, flags) OP_##name,
#include "wasm/ir/ops.def"
#undef OP
    OP_COUNT
};

enum ir_flags {
    IR_PURE = 1,
    IR_COMM = 2,
    IR_TRAPS = 4,
    IR_READS = 8,
    IR_WRITES = 16,
    IR_CALLS = 32,
    IR_ENDS = 64
};

enum ir_result { IR_RESULT_NONE, IR_RESULT_I32, IR_RESULT_SAME, IR_RESULT_OWN };
#define IR_VAR 0xff /* arity */

struct ir_op_info {
    const char *text;
    uint8_t arity; /* or IR_VAR */
    uint8_t result;
    uint8_t flags;
};
extern const struct ir_op_info ir_ops[OP_COUNT];
extern const char *const ir_type_names[IR_TYPE_COUNT];

/* The least offset of a LOAD or STORE. Below zero it may only be where the access traps whenever the
 * address does not reach into the memory (opt/address.c). */
#define IR_MIN_OFFSET (-2048)

/* How LOAD and STORE touch memory; the value's type is the instruction's (LOAD) or the argument's. */
enum access {
    ACCESS_8U,
    ACCESS_8S,
    ACCESS_16U,
    ACCESS_16S,
    ACCESS_32U,
    ACCESS_32S,
    ACCESS_64,
    ACCESS_F32,
    ACCESS_F64,
    ACCESS_COUNT
};

struct access_info {
    const char *text;
    uint8_t size; /* bytes */
    bool is_signed;
};
extern const struct access_info access_infos[ACCESS_COUNT];

/* What compiled code asks of the runtime by a call through the instance (codegen/layout.h).
 * Arguments and results: see the row. All may trap. */
#define HELPER_TABLE(X)                                                                            \
    X(MEMORY_GROW, "memory.grow") /* (memory i32, delta i32) -> i32 */                             \
    X(MEMORY_COPY, "memory.copy") /* (dst memory, src memory, dst, src, size: all i32) */          \
    X(MEMORY_FILL, "memory.fill") /* (memory, dst, value, size) */                                 \
    X(MEMORY_INIT, "memory.init") /* (segment, memory, dst, src, size) */                          \
    X(DATA_DROP, "data.drop")     /* (segment) */                                                  \
    X(TABLE_GROW, "table.grow")   /* (table, value ref, delta) -> i32 */                           \
    X(TABLE_FILL, "table.fill")   /* (table, dst, value ref, size) */                              \
    X(TABLE_COPY, "table.copy")   /* (dst table, src table, dst, src, size) */                     \
    X(TABLE_INIT, "table.init")   /* (segment, table, dst, src, size) */                           \
    X(ELEM_DROP, "elem.drop")     /* (segment) */

enum helper {
#define X(name, text) HELPER_##name,
    HELPER_TABLE(X)
#undef X
        HELPER_COUNT
};
extern const char *const helper_names[HELPER_COUNT];

struct inst {
    uint8_t op;   /* enum ir_op */
    uint8_t type; /* enum ir_type of the value; IR_NONE: defines none */
    uint8_t sub;  /* enum access */
    uint8_t mark; /* free for passes; 0 between them */
    uint32_t argc;
    union {
        struct {
            value_t arg[3]; /* argc <= 3 */
            uint32_t aux;
        };
        value_t *args; /* argc > 3: in the arena; leaves aux alone */
    };
    int64_t imm;
    block_id_t block;
    value_t prev, next; /* in the block; 0 at the ends */
    uint32_t pos;       /* byte offset in the module, for traps and backtraces */
};

_Static_assert(sizeof(struct inst) == 48, "there are many");

struct block {
    value_t first, last;
    VEC(block_id_t) preds;
    VEC(block_id_t) succs;
    /* Filled by analysis_run() (ir/analysis.h), stale after blocks or edges change. Whoever changes
     * them other than by the functions below clears func.is_analyzed. */
    block_id_t idom;
    uint32_t rpo; /* position in reverse post-order; UINT32_MAX: unreachable */
    uint32_t loop_depth;
    block_id_t loop_head;   /* header of the innermost loop that holds it, or BLOCK_NONE */
    block_id_t loop_parent; /* of a header: the header of the loop around it, or BLOCK_NONE */
    uint32_t dom_first;     /* position in a pre-order of the dominator tree, and the last one */
    uint32_t dom_last;      /*   of its subtree */
};

struct func {
    struct arena *arena;
    const struct module *module; /* may be NULL in tests */
    uint32_t index;              /* function index */
    VEC(enum ir_type) params;
    VEC(enum ir_type) results;
    VEC(struct inst) insts; /* [0] unused */
    VEC(struct block) blocks;
    VEC(block_id_t) order; /* reverse post-order, by analysis_run() */
    bool is_analyzed;      /* the analysis is fresh: no block or edge changed since */
    bool has_copies;       /* a COPY may be in use */
};

static inline struct inst *func_inst(const struct func *f, value_t v) {
    return &f->insts.at[v];
}
static inline value_t *inst_args(struct inst *i) {
    return i->argc <= 3 ? i->arg : i->args;
}
static inline bool inst_has(const struct inst *i, enum ir_flags flag) {
    return (ir_ops[i->op].flags & flag) != 0;
}
/* Follows COPYs, and halves the way for whoever comes next. */
static inline value_t func_resolve(const struct func *f, value_t v) {
    while (f->insts.at[v].op == OP_COPY) {
        value_t next = f->insts.at[v].arg[0];
        if (f->insts.at[next].op == OP_COPY) {
            f->insts.at[v].arg[0] = f->insts.at[next].arg[0];
        }
        v = next;
    }
    return v;
}

/* ---- building and editing (ir.c). Pointers to instructions and blocks die when one is added. */

struct func *func_new(struct arena *arena, const struct module *module, uint32_t index);
block_id_t func_add_block(struct func *f);
/* A new instruction, not yet in a block, with room for argc arguments (zeroed). */
value_t func_add_inst(struct func *f, enum ir_op op, enum ir_type type, uint32_t argc);
/* Gives v another number of arguments, keeping the first ones; new ones are 0. */
void func_set_argc(struct func *f, value_t v, uint32_t argc);
void func_append(struct func *f, block_id_t block, value_t v);
/* Both: a new instruction at the end of the block, which comes from `pos` in the module. */
value_t func_append_inst(struct func *f, block_id_t block, enum ir_op op, enum ir_type type,
                         uint32_t argc, uint32_t pos);
void func_insert_before(struct func *f, value_t where, value_t v);
void func_unlink(struct func *f, value_t v);
/* A constant (ICONST, or FCONST for a float type) before `where`. */
value_t func_insert_const(struct func *f, value_t where, enum ir_type type, int64_t bits);
/* Adds an edge: a successor at the end of from's list, a predecessor at the end of to's. */
void func_add_edge(struct func *f, block_id_t from, block_id_t to);
/* Which entry of the successor's predecessors is the edge of successor number `succ` of `from`: the
 * k-th edge between two blocks is the k-th in both lists. */
uint32_t func_pred_index(const struct func *f, block_id_t from, uint32_t succ);
/* Takes away the entries of predecessors that were set to BLOCK_NONE, with the phis' arguments. */
void func_compact_preds(struct func *f, block_id_t block);
/* Makes each of the `len` different blocks named end in a jump to its successor number `succ`; its
 * other edges go. Linear in the size of the CFG for all together. */
struct edge {
    block_id_t from;
    uint32_t succ;
};
void func_fold_branches(struct func *f, const struct edge *kept, uint32_t len);
/* Makes v stand for `with` from here on. v becomes a COPY and leaves its block. */
void func_replace(struct func *f, value_t v, value_t with);
/* Splits every edge from a block with several successors to one with several predecessors. */
void func_split_critical_edges(struct func *f);
/* Rewrites all arguments to what they stand for; afterwards no COPY is in use. */
void func_resolve_copies(struct func *f);
/* The same after a pass that resolved all arguments on its way, dominators first: what a phi brings
 * over a back edge may have become a COPY since. */
void func_resolve_phis(struct func *f);

#endif
