/*
 * Operands, frames and errors of the validator. See validator.h.
 */
#include "wasm/module/validator.h"

#include "wasm/limits.h"

/* ---- errors */

void validator_invalid(struct validator *v, const char *format, ...) {
    char text[96];
    va_list args;
    va_start(args, format);
    fmt_vtext(text, sizeof(text), format, args);
    va_end(args);
    v->ld->instr = instr_info(&v->in)->text;
    load_fail(v->ld, STATUS_INVALID, v->in.offset, "%s", text);
}

void validator_mismatch(struct validator *v, valtype_t expected, valtype_t found) {
    char a[32], b[32];
    validator_invalid(v, "type mismatch: expected %s, found %s", types_name(expected, a, sizeof(a)),
                      types_name(found, b, sizeof(b)));
}

void validator_unknown(struct validator *v, const char *what, uint32_t index) {
    validator_invalid(v, "unknown %s %u", what, index);
}

/* ---- operand stack */

/* The limit is looked at where the stack grows. */
bool validator_push_growing(struct validator *v, valtype_t type) {
    if (v->s->operands.len >= LIMIT_OPERAND_DEPTH) {
        load_fail(v->ld, STATUS_LIMIT, v->in.offset, "too many operands: the limit is %u",
                  LIMIT_OPERAND_DEPTH);
        return false;
    }
    vec_push(&v->ld->scratch, &v->s->operands, type);
    return validator_ok(v);
}

valtype_t validator_pop(struct validator *v) {
    if (v->s->operands.len > v->floor) {
        return vec_pop(&v->s->operands);
    }
    if (!v->is_unreachable) {
        validator_invalid(v, "type mismatch: operand stack is empty");
    }
    return VAL_BOTTOM;
}

bool validator_pop_subtype(struct validator *v, valtype_t expected) {
    valtype_t found = validator_pop(v);
    if (found != expected && !types_is_sub(v->m->types, found, expected)) {
        validator_mismatch(v, expected, found);
    }
    return validator_ok(v);
}

valtype_t validator_pop_ref(struct validator *v) {
    valtype_t found = validator_pop(v);
    if (found != VAL_BOTTOM && !valtype_is_ref(found)) {
        char name[32];
        validator_invalid(v, "type mismatch: expected a reference, found %s",
                          types_name(found, name, sizeof(name)));
    }
    return found;
}

/* ---- control stack */

void validator_push_frame(struct validator *v, const struct frame *frame) {
    struct validator_stacks *s = v->s;
    if (s->frames.len >= LIMIT_CONTROL_DEPTH) {
        load_fail(v->ld, STATUS_LIMIT, v->in.offset, "blocks nested too deep: the limit is %u",
                  LIMIT_CONTROL_DEPTH);
        return;
    }
    vec_push(&v->ld->scratch, &s->frames, *frame);
    struct frame *top = validator_top(v);
    top->height = s->operands.len;
    top->set_height = s->set_in_body.len;
    v->floor = top->height;
    v->is_unreachable = false;
    validator_push_list(v, frame_params(frame));
}

/* Locals that the ending block gave a value have none again, if they need one. */
static void unset_locals(struct validator *v, uint32_t set_height) {
    while (v->s->set_in_body.len > set_height) {
        uint32_t local = vec_pop(&v->s->set_in_body);
        v->s->is_set.at[local] = 0;
    }
}

const struct frame *validator_pop_frame(struct validator *v) {
    struct validator_stacks *s = v->s;
    const struct frame *frame = validator_top(v);
    validator_pop_list(v, frame_results(frame));
    if (validator_ok(v) && s->operands.len != v->floor) {
        validator_invalid(v, "type mismatch: values remaining on stack at end of block");
    }
    unset_locals(v, frame->set_height);
    s->frames.len--;
    if (s->frames.len > 0) {
        v->floor = validator_top(v)->height;
        v->is_unreachable = validator_top(v)->is_unreachable;
    } else {
        v->is_done = true;
    }
    return frame;
}

void validator_set_unreachable(struct validator *v) {
    v->s->operands.len = v->floor;
    v->is_unreachable = true;
    validator_top(v)->is_unreachable = true;
}

bool validator_label_takes(struct validator *v, uint32_t depth, valtype_t last,
                           struct type_list *rest_out) {
    const struct frame *target = validator_label(v, depth);
    if (!target) {
        return false;
    }
    *rest_out = frame_label(target);
    if (rest_out->len == 0 || !types_is_sub(v->m->types, last, rest_out->at[rest_out->len - 1])) {
        validator_invalid(v, "type mismatch: the label does not take the reference");
        return false;
    }
    rest_out->len--;
    return true;
}

/* ---- indices */

const struct elem_segment *validator_elem(struct validator *v, uint32_t index) {
    if (index >= v->m->elem_count) {
        validator_unknown(v, "elem segment", index);
        return NULL;
    }
    return &v->m->elems[index];
}

void validator_check_data(struct validator *v, uint32_t index) {
    if (!v->ld->has_data_count) {
        load_fail(v->ld, STATUS_BAD_FORMAT, v->in.offset, "data count section required");
    } else if (index >= v->m->data_count) {
        validator_unknown(v, "data segment", index);
    }
}
