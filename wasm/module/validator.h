/*
 * The state of validating one body or constant expression: the two stacks of core 3.0, appendix
 * "Validation Algorithm". validate.c and aggregate.c are written in terms of these.
 *
 * The operand stack holds types; the control stack a frame for each open block, which remembers the
 * height of the operand stack at its start. After an instruction that does not fall through the
 * rest of the block is unreachable: pops below the height then give VAL_BOTTOM. Errors stick as in
 * internal.h: everything here may be called after one.
 */
#ifndef WASM_MODULE_VALIDATOR_H
#define WASM_MODULE_VALIDATOR_H

#include "wasm/module/internal.h"

#define VALIDATOR_MANY 100u /* types that one instruction takes or gives: see validator_poll() */

struct type_list {
    const valtype_t *at;
    uint32_t len;
};

struct frame {
    const struct type_def *type; /* or NULL: no parameters and */
    bool has_result;             /* at most one result */
    bool is_unreachable;
    enum instr_op op; /* BLOCK, LOOP, IF, ELSE, TRY_TABLE; BLOCK for the body itself */
    valtype_t result;
    uint32_t height;     /* of the operand stack */
    uint32_t set_height; /* of set_in_body */
    uint32_t checked_by; /* offset of the br_table that has seen it already */
};

struct validator {
    struct loader *ld;
    const struct wasm_error *error; /* the loader's */
    struct module *m;
    struct validator_stacks *s;
    struct reader r;
    struct instr in;
    uint32_t floor;      /* height of the innermost frame */
    uint32_t set_locals; /* locals below are near and have a value, from the start */
    valtype_t address;   /* of the memory named by the instruction, if it names one */
    uint8_t free;        /* instructions of the features below it may stand here */
    bool is_unreachable; /* of the innermost frame */
    bool is_const;       /* a constant expression */
    bool is_done;        /* the outermost frame is closed */
};

static inline bool validator_ok(const struct validator *v) {
    return v->error->status == STATUS_OK;
}

/* INVALID at the present instruction. */
void validator_invalid(struct validator *v, const char *format, ...)
    __attribute__((format(printf, 2, 3), cold));
void validator_mismatch(struct validator *v, valtype_t expected, valtype_t found)
    __attribute__((cold));
void validator_unknown(struct validator *v, const char *what, uint32_t index) __attribute__((cold));

/* ---- operands */

/* All of these: false after an error. */
bool validator_push_growing(struct validator *v, valtype_t type);
bool validator_pop_subtype(struct validator *v, valtype_t expected);

static inline bool validator_push(struct validator *v, valtype_t type) {
    struct validator_stacks *s = v->s;
    if (s->operands.len == s->operands.cap) {
        return validator_push_growing(v, type);
    }
    s->operands.at[s->operands.len++] = type;
    return true;
}

/* A subtype of `expected`. */
static inline bool validator_expect(struct validator *v, valtype_t expected) {
    struct validator_stacks *s = v->s;
    if (s->operands.len > v->floor && s->operands.at[s->operands.len - 1] == expected) {
        s->operands.len--;
        return true;
    }
    return validator_pop_subtype(v, expected);
}

/* Any type; VAL_BOTTOM in unreachable code and after an error. */
valtype_t validator_pop(struct validator *v);

/* A reference of any type, or VAL_BOTTOM. */
valtype_t validator_pop_ref(struct validator *v);

/* For an instruction that looks at `len` types: one of two bytes may be about a thousand. */
static inline void validator_poll(const struct validator *v, uint32_t len) {
    if (len >= VALIDATOR_MANY) {
        arena_poll(&v->ld->scratch);
    }
}

static inline void validator_push_list(struct validator *v, struct type_list list) {
    validator_poll(v, list.len);
    for (uint32_t i = 0; i < list.len; i++) {
        validator_push(v, list.at[i]);
    }
}

static inline void validator_pop_list(struct validator *v, struct type_list list) {
    validator_poll(v, list.len);
    for (uint32_t i = list.len; i > 0 && validator_ok(v); i--) {
        validator_expect(v, list.at[i - 1]);
    }
}

/* ---- frames */

static inline struct type_list frame_params(const struct frame *frame) {
    if (frame->type) {
        return (struct type_list){frame->type->params, frame->type->param_count};
    }
    return (struct type_list){NULL, 0};
}

/* Good until a frame is pushed. */
static inline struct type_list frame_results(const struct frame *frame) {
    if (frame->type) {
        return (struct type_list){frame->type->results, frame->type->result_count};
    }
    return (struct type_list){&frame->result, frame->has_result ? 1 : 0};
}

/* What a branch to the frame takes along. */
static inline struct type_list frame_label(const struct frame *frame) {
    return frame->op == INSTR_LOOP ? frame_params(frame) : frame_results(frame);
}

/* Opens a block; its parameters become the first operands in it. */
void validator_push_frame(struct validator *v, const struct frame *frame);
/* Closes the innermost block: checks that exactly its results are there and takes them. The frame is good
 * until one is pushed. */
const struct frame *validator_pop_frame(struct validator *v);
static inline struct frame *validator_top(struct validator *v) {
    return &vec_last(&v->s->frames);
}
/* The rest of the block is not reached. */
void validator_set_unreachable(struct validator *v);
/* The frame of a relative depth, or NULL and an error. */
static inline struct frame *validator_label(struct validator *v, uint32_t depth) {
    uint32_t len = v->s->frames.len;
    if (depth >= len) {
        validator_unknown(v, "label", depth);
        return NULL;
    }
    return &v->s->frames.at[len - 1 - depth];
}
/* Checks that a branch to `depth` may take its list with `last` as its last type; false and an
 * error if not, else *rest_out is the list without the last. */
bool validator_label_takes(struct validator *v, uint32_t depth, valtype_t last,
                           struct type_list *rest_out);

/* ---- indices */

const struct elem_segment *validator_elem(struct validator *v, uint32_t index);
void validator_check_data(struct validator *v, uint32_t index);

/* The same reference, known not to be null. */
static inline valtype_t validator_non_null(valtype_t ref) {
    return ref == VAL_BOTTOM ? VALTYPE_REF(HEAP_BOTTOM, false) : ref & ~VALTYPE_NULLABLE;
}

/* aggregate.c: structures, arrays, casts: the instructions that came with garbage collection. */
void aggregate_check(struct validator *v);

#endif
