/*
 * HOST[::GUEST][:rw|:ro]. Without an ending the directory is packed; with one the program sees it live, writable or
 * not. What a live directory can be used for is asked of this machine first: QEMU would say less, and later.
 */
#include "tools/k23/dirs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct spec {
    char host[PATH_MAX], guest[PATH_MAX];
    bool live, writable;
};

static bool ends_with(const char *text, const char *end) {
    size_t len = strlen(text), end_len = strlen(end);
    return len > end_len && strcmp(text + len - end_len, end) == 0;
}

static bool parse(const char *text, struct spec *out) {
    char copy[PATH_MAX];
    *out = (struct spec){.writable = ends_with(text, ":rw")};
    out->live = out->writable || ends_with(text, ":ro");
    if (snprintf(copy, sizeof(copy), "%s", text) >= (int)sizeof(copy)) {
        return false;
    }
    if (out->live) {
        copy[strlen(copy) - strlen(":rw")] = '\0';
    }
    char *separator = strstr(copy, "::");
    strcpy(out->guest, separator ? separator + 2 : copy);
    if (separator) {
        *separator = '\0';
    }
    strcpy(out->host, copy);
    for (size_t n = strlen(out->host); n > 1 && out->host[n - 1] == '/'; n--) {
        out->host[n - 1] = '\0';
    }
    return out->host[0] && out->guest[0];
}

/* The reason why the directory cannot be used so, or NULL. */
static const char *check_live(const struct spec *spec) {
    struct stat st;
    int wanted = R_OK | X_OK | (spec->writable ? W_OK : 0);
    if (stat(spec->host, &st) != 0) {
        return strerror(errno);
    }
    if (!S_ISDIR(st.st_mode)) {
        return strerror(ENOTDIR);
    }
    return access(spec->host, wanted) == 0 ? NULL : strerror(errno);
}

static bool add_share(struct dirs *dirs, const struct spec *spec, const char *tag,
                      const char **why_out) {
    *why_out = check_live(spec);
    if (*why_out) {
        return false;
    }
    if (dirs->count == DIRS_MAX_LIVE) {
        *why_out = "no more than 6 directories can be :rw or :ro";
        return false;
    }
    struct dirs_share *share = &dirs->shares[dirs->count++];
    strcpy(share->path, spec->host);
    snprintf(share->tag, sizeof(share->tag), "%s", tag);
    share->read_only = !spec->writable;
    return true;
}

bool dirs_add(struct dirs *dirs, struct cpio *cpio, const char *text, int i,
              char record[PATH_MAX + 64], const char **why_out) {
    struct spec spec;
    char name[16];
    snprintf(name, sizeof(name), "dir%d", i);
    if (!parse(text, &spec)) {
        *why_out = "it is not of the form HOST[::GUEST][:rw|:ro]";
        return false;
    }
    if (spec.live) {
        if (!add_share(dirs, &spec, name, why_out)) {
            return false;
        }
    } else if (cpio_add_tree(cpio, name, spec.host) != 0) {
        *why_out = strerror(errno);
        return false;
    }
    snprintf(record, PATH_MAX + 64, "%s:%s:%s", spec.live ? "9p" : "initrd", name, spec.guest);
    return true;
}
