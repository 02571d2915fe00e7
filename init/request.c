/*
 * Parses RUN_FILE: records "KEY=VALUE" that end in NUL. Arguments and environment variables are
 * gathered, each kind in its order, into two blocks of strings.
 */
#include "init/request.h"

#include "abi/run.h"
#include "kernel/mm/heap.h"

#include <stdlib.h>
#include <string.h>

static void append(struct wasi_strings *strings, char *block, const char *value) {
    size_t size = strlen(value) + 1;
    memcpy(block + strings->size, value, size);
    strings->bytes = block;
    strings->size += (uint32_t)size;
    strings->count++;
}

/* If the record has this key, its value; else NULL. */
static const char *value_of(const char *record, const char *key) {
    size_t len = strlen(key);
    return strncmp(record, key, len) == 0 && record[len] == '=' ? record + len + 1 : NULL;
}

struct parse {
    struct request *request;
    char *arg_block, *env_block; /* as large as the whole file */
    const char *module;
};

/* Cuts "SOURCE:NAME:GUEST" in place: the record is in our copy of the file. */
static bool take_dir(struct request *r, char *value) {
    char *name = strchr(value, ':');
    char *guest = name ? strchr(name + 1, ':') : NULL;
    if (!guest || guest[1] == '\0' || r->dir_count == RUN_MAX_DIRS) {
        return false;
    }
    *name = *guest = '\0';
    r->dirs[r->dir_count++] = (struct request_dir){value, name + 1, guest + 1};
    return true;
}

/* Cuts "NAME:FILE" at the last colon, since the name may have some. */
static bool take_preload(struct request *r, char *value) {
    char *file = strrchr(value, ':');
    if (!file || file == value || r->preload_count == RUN_MAX_PRELOADS) {
        return false;
    }
    *file = '\0';
    r->preloads[r->preload_count++] = (struct request_preload){.name = value, .file = file + 1};
    return true;
}

static bool take_record(struct parse *p, char *record) {
    struct request *r = p->request;
    const char *value;
    if ((value = value_of(record, "arg"))) {
        append(&r->args, p->arg_block, value);
    } else if ((value = value_of(record, "env"))) {
        append(&r->environ, p->env_block, value);
    } else if ((value = value_of(record, "dir"))) {
        return take_dir(r, record + (value - record));
    } else if ((value = value_of(record, "preload"))) {
        return take_preload(r, record + (value - record));
    } else if ((value = value_of(record, "module"))) {
        p->module = value;
    } else if ((value = value_of(record, "mem-max"))) {
        r->max_memory = strtoull(value, NULL, 10);
    } else if ((value = value_of(record, "shell"))) {
        r->shell = *value == '1';
    } else if ((value = value_of(record, "serial"))) {
        r->serial = *value == '1';
    } else if ((value = value_of(record, "columns"))) {
        r->columns = (uint32_t)strtoul(value, NULL, 10);
    } else if ((value = value_of(record, "umask"))) {
        r->umask = (uint32_t)strtoul(value, NULL, 8) & 0777;
    } else if ((value = value_of(record, "invoke"))) {
        r->invoke = value;
    } else if ((value = value_of(record, "counted"))) {
        r->counted = *value == '1';
    } else if ((value = value_of(record, "eager"))) {
        r->eager = *value == '1';
    } else if ((value = value_of(record, "tty")) && strlen(value) == 3) {
        for (int i = 0; i < 3; i++) {
            r->is_terminal[i] = value[i] == '1';
        }
    } else {
        return false;
    }
    return true;
}

status_t request_read(const struct initrd *initrd, struct request *out, const char **why_out) {
    struct initrd_entry file;
    memset(out, 0, sizeof(*out));
    out->umask = 022;
    *why_out = "the initrd has no file " RUN_FILE;
    TRY(initrd_find(initrd, RUN_FILE, &file));
    *why_out = RUN_FILE " is too large";
    if (file.size == 0 || file.size > RUN_MAX_SIZE) {
        return STATUS_LIMIT;
    }
    *why_out = "out of memory";
    char *copy = heap_alloc(3 * file.size);
    if (!copy) {
        return STATUS_NO_MEMORY;
    }
    memcpy(copy, file.bytes, file.size);
    struct parse p = {
        .request = out, .arg_block = copy + file.size, .env_block = copy + 2 * file.size};
    *why_out = RUN_FILE " has a malformed record";
    if (copy[file.size - 1] != '\0') {
        return STATUS_BAD_FORMAT;
    }
    for (char *at = copy, *next; at < copy + file.size; at = next) {
        next = at + strlen(at) + 1; /* the record may be cut */
        if (!take_record(&p, at)) {
            return STATUS_BAD_FORMAT;
        }
    }
    if (out->shell) {
        return STATUS_OK;
    }
    *why_out = RUN_FILE " names no module of the initrd";
    if (!p.module) {
        return STATUS_BAD_FORMAT;
    }
    for (uint32_t i = 0; i < out->preload_count; i++) {
        TRY(initrd_find(initrd, out->preloads[i].file, &out->preloads[i].module));
    }
    return initrd_find(initrd, p.module, &out->module);
}
