/*
 * What the files of this folder share while a module is being loaded.
 *
 * Errors stick: the first load_fail() fills the caller's wasm_error, later ones change nothing,
 * and everybody goes on with harmless values until the next load_ok(). Loops over what the bytes
 * ask for are load_goes_on() every time round. Running out of memory, and being killed, do not come back: the
 * arenas' `exhausted` ends module_load() from wherever it is.
 */
#ifndef WASM_MODULE_INTERNAL_H
#define WASM_MODULE_INTERNAL_H

#include "base/reader.h"
#include "base/vec.h"
#include "wasm/module/feature.h"
#include "wasm/module/instr.h"
#include "wasm/module/module.h"

#include <stdarg.h>

struct frame;

/* Locals of one type beside each other, up to but not including index `end`. */
struct local_run {
    uint32_t end;
    valtype_t type;
};
#define NEAR_LOCALS 64

/* The validator's stacks, kept from one function to the next (validator.h). A few bytes can declare
 * LIMIT_LOCALS locals, so they are kept as runs; the first, nearly all that are used, one by one. */
struct validator_stacks {
    VEC(valtype_t) operands;
    VEC(struct frame) frames;
    uint32_t local_count;
    VEC(struct local_run) runs;
    valtype_t near_locals[NEAR_LOCALS];
    VEC(uint8_t) is_set;       /* a local: has a value; empty if all have one from the start */
    VEC(uint32_t) set_in_body; /* locals set by the body that had no value at its start */
};

struct loader {
    struct module *m;
    wasm_features_t features;
    struct wasm_error *error;
    struct arena scratch; /* gone after loading */
    struct reader r;      /* over the section being read */
    struct reader names;  /* the name section's content, or empty */
    uint32_t func;        /* whose body is validated, for errors; INDEX_NONE */
    const char *instr;    /* the instruction being validated, for errors; or NULL */
    bool has_data_count;
    uint32_t code_count;         /* entries of the code section */
    VEC(struct func_decl) funcs; /* these become the module's arrays */
    VEC(struct table_decl) tables;
    VEC(struct memory_decl) memories;
    VEC(struct global_decl) globals;
    VEC(struct tag_decl) tags;
    VEC(type_id_t) type_ids;
    struct validator_stacks stacks;
};

/* ---- load.c: errors, gates, and what all sections read */

static inline bool load_ok(const struct loader *ld) {
    return ld->error->status == STATUS_OK;
}

/* Whether a loop over what the bytes ask for has an i-th round of `count`. */
static inline bool load_goes_on(const struct loader *ld, uint32_t i, uint32_t count) {
    arena_poll_round(&ld->scratch, i);
    return i < count && load_ok(ld);
}

/* Records the first error, with where it was. */
void load_fail(struct loader *ld, status_t status, size_t offset, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Hands a fault of a reader on as an error. */
void load_check_reader(struct loader *ld, const struct reader *r);

/* The one gate: false and UNSUPPORTED when the feature is not enabled. */
bool load_need(struct loader *ld, enum wasm_feature feature, size_t offset, const char *what);

/* A vector's length; at most `limit`, and no more than there are bytes. 0 after an error. */
uint32_t load_count(struct loader *ld, uint32_t limit, const char *what);

/* A vector of bytes that is a name. */
struct name load_name(struct loader *ld, struct reader *r);
bool load_is_utf8(const uint8_t *at, uint32_t size);

/* Checks that a type's features are enabled and its index is known; gives it resolved. */
valtype_t load_resolve(struct loader *ld, valtype_t raw, size_t offset);
valtype_t load_valtype(struct loader *ld, struct reader *r);
valtype_t load_reftype(struct loader *ld, struct reader *r);

/* The function type of that type index, or NULL and an error. */
const struct type_def *load_func_type(struct loader *ld, uint32_t type_index, size_t offset);

/* ---- the stages */

void rec_decode(struct loader *ld);                        /* rec.c: the type section */
void sections_decode(struct loader *ld, struct reader *r); /* sections.c: the whole module */
void names_decode(struct loader *ld); /* names.c: the name section, never an error */

/* validate.c: a function body, `ld->r` over it; a constant expression at ld->r, skipped. */
void validate_body(struct loader *ld, uint32_t func);
struct const_expr validate_const(struct loader *ld, valtype_t type);

#endif
