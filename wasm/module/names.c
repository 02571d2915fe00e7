/*
 * The name section (core 3.0, appendix on custom sections): the module's name and its functions'.
 * It is for people only, so what is wrong in it ends the reading and is not an error.
 */
#include "wasm/module/internal.h"

#include "wasm/limits.h"

#include <string.h>

enum { NAMES_MODULE = 0, NAMES_FUNCTIONS = 1 };

/* Sticky like its reader: an empty name after a fault. */
static struct name read_name(struct reader *r) {
    uint32_t size = reader_leb_u32(r);
    const uint8_t *at = reader_bytes(r, size);
    if (!at || size > LIMIT_NAME || !load_is_utf8(at, size)) {
        reader_fail(r, "malformed name");
        return (struct name){"", 0};
    }
    return (struct name){(const char *)at, size};
}

static void read_functions(struct module *m, struct reader *r) {
    uint32_t count = reader_leb_u32(r);
    for (uint32_t i = 0; i < count && reader_ok(r); i++) {
        arena_poll_round(&m->arena, i);
        uint32_t index = reader_leb_u32(r);
        struct name name = read_name(r);
        if (index < m->func_count) {
            m->funcs[index].name = name;
        }
    }
}

void names_decode(struct loader *ld) {
    struct reader r = ld->names;
    while (reader_left(&r) > 0) {
        uint8_t id = reader_u8(&r);
        struct reader sub = reader_sub(&r, reader_leb_u32(&r));
        if (id == NAMES_MODULE) {
            ld->m->name = read_name(&sub);
        } else if (id == NAMES_FUNCTIONS) {
            read_functions(ld->m, &sub);
        }
    }
}

/* Names come from the guest: nothing in them may act on a terminal. */
static void copy_printable(char *buf, size_t cap, struct name name) {
    size_t size = name.size < cap - 1 ? name.size : cap - 1;
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)name.at[i];
        buf[i] = c < 0x20 || c == 0x7f ? '?' : (char)c;
    }
    buf[size] = '\0';
}

const char *module_func_name(const struct module *m, uint32_t func, char *buf, size_t cap) {
    if (func < m->func_count && m->funcs[func].name.size > 0) {
        copy_printable(buf, cap, m->funcs[func].name);
        return buf;
    }
    for (uint32_t i = 0; i < m->export_count; i++) {
        if (m->exports[i].kind == EXTERN_FUNC && m->exports[i].index == func &&
            m->exports[i].name.size > 0) {
            copy_printable(buf, cap, m->exports[i].name);
            return buf;
        }
    }
    fmt_text(buf, cap, "func[%u]", func);
    return buf;
}

const struct export *module_find_export(const struct module *m, const char *name, size_t size) {
    uint32_t index;
    uint64_t key = hash_bytes(name, size, types_seed(m->types));
    for (; map_get(&m->export_map, key, &index); key++) {
        const struct export *export = &m->exports[index];
        if (export->name.size == size && memcmp(export->name.at, name, size) == 0) {
            return export;
        }
    }
    return NULL;
}
