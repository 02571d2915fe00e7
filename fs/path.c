/*
 * Resolution, a component at a time. What is left of the path stands at the end of walk->rest, so that
 * the target of a symbolic link can be put before it; it is never longer than FS_PATH_MAX.
 *
 *     rest: | free, at least FS_PATH_MAX | "name/rest/of/path" |
 *                                        ^ at                  ^ sizeof(rest)
 */
#include "fs/path.h"

#include <assert.h>
#include <string.h>

/* One name of the path. */
struct component {
    struct fs_name name;
    bool last;  /* nothing but slashes follow */
    bool slash; /* at least one does */
};

static bool is_text(struct fs_name name, const char *text) {
    return name.len == strlen(text) && memcmp(name.at, text, name.len) == 0;
}

static bool take_component(struct path_walk *walk, struct component *out) {
    const char *at = walk->rest + walk->at, *end = walk->rest + sizeof(walk->rest);
    while (at < end && *at == '/') {
        at++;
    }
    out->name.at = at;
    while (at < end && *at != '/') {
        at++;
    }
    out->name.len = (size_t)(at - out->name.at);
    walk->at = (size_t)(at - walk->rest);
    out->slash = at < end;
    while (at < end && *at == '/') {
        at++;
    }
    out->last = at == end;
    return out->name.len > 0;
}

/* Puts `len` bytes, which may stand at the start of rest, before what is left of the path. */
static status_t put_before(struct path_walk *walk, const char *text, size_t len) {
    size_t left = sizeof(walk->rest) - walk->at;
    if (len == 0) {
        return STATUS_NOT_FOUND;
    }
    if (len + left > FS_PATH_MAX) {
        return STATUS_NAME_TOO_LONG;
    }
    if (memchr(text, '\0', len)) {
        return STATUS_BAD_ARGUMENT;
    }
    if (*text == '/') {
        return STATUS_OUTSIDE;
    }
    walk->at -= len;
    memmove(walk->rest + walk->at, text, len);
    return STATUS_OK;
}

static status_t follow_link(struct path_walk *walk, struct node *link) {
    size_t len;
    if (++walk->links > FS_SYMLINK_MAX) {
        return STATUS_LOOP;
    }
    TRY(node_readlink(link, walk->rest, FS_PATH_MAX, &len));
    return put_before(walk, walk->rest, len);
}

/* Takes over the reference. */
static status_t push(struct path_walk *walk, struct node *dir) {
    if (dir->type != NODE_DIRECTORY || walk->depth == FS_DEPTH_MAX) {
        status_t status = dir->type != NODE_DIRECTORY ? STATUS_NOT_DIR : STATUS_NAME_TOO_LONG;
        node_put(dir);
        return status;
    }
    walk->dirs[walk->depth++] = dir;
    return STATUS_OK;
}

/* "." and "..". */
static status_t step_by_dots(struct path_walk *walk, struct fs_name name) {
    if (name.len == 2) {
        if (walk->depth == 1) {
            return STATUS_OUTSIDE;
        }
        node_put(walk->dirs[--walk->depth]);
    }
    return STATUS_OK;
}

static void drop(struct path_walk *walk) {
    while (walk->depth > 0) {
        node_put(walk->dirs[--walk->depth]);
    }
}

/* The last component, found or not. */
static status_t arrive(struct path_walk *walk, const struct component *c, struct node *node,
                       struct path_target *out) {
    if (node && c->slash && node->type != NODE_DIRECTORY) {
        node_put(node);
        return STATUS_NOT_DIR;
    }
    *out = (struct path_target){
        .dir = walk->dirs[walk->depth - 1], .name = c->name, .node = node, .slash = c->slash};
    return STATUS_OK;
}

/* One component after "." and ".." are dealt with; *arrived when it was the last. */
static status_t step(struct path_walk *walk, const struct component *c, bool follow,
                     struct path_target *out, bool *arrived) {
    struct node *node;
    if (c->name.len > FS_NAME_MAX) {
        return STATUS_NAME_TOO_LONG;
    }
    status_t status = node_lookup(walk->dirs[walk->depth - 1], c->name, &node);
    if (status == STATUS_NOT_FOUND && c->last) {
        *arrived = true;
        return arrive(walk, c, NULL, out);
    }
    TRY(status);
    if (node->type == NODE_SYMLINK && (!c->last || c->slash || follow)) {
        status = follow_link(walk, node);
        node_put(node);
        return status;
    }
    if (c->last) {
        *arrived = true;
        return arrive(walk, c, node, out);
    }
    return push(walk, node);
}

static status_t run(struct path_walk *walk, bool follow, struct path_target *out) {
    bool arrived = false;
    struct component c = {.slash = true};
    while (!arrived) {
        if (!take_component(walk, &c)) {
            break; /* the path ended with a directory */
        }
        if (is_text(c.name, ".") || is_text(c.name, "..")) {
            TRY(step_by_dots(walk, c.name));
        } else {
            TRY(step(walk, &c, follow, out, &arrived));
        }
    }
    if (!arrived) {
        struct node *dir = walk->dirs[walk->depth - 1];
        *out = (struct path_target){.dir = dir, .node = node_get(dir), .slash = true};
    }
    return STATUS_OK;
}

status_t path_resolve(struct path_walk *walk, struct node *start, const char *path, size_t len,
                      bool follow, struct path_target *out) {
    assert(walk->depth == 0);
    *out = (struct path_target){0};
    walk->links = 0;
    walk->at = sizeof(walk->rest);
    TRY(put_before(walk, path, len));
    TRY(push(walk, node_get(start)));
    status_t status = run(walk, follow, out);
    if (status != STATUS_OK) {
        drop(walk);
    }
    return status;
}

void path_end(struct path_walk *walk, struct path_target *target) {
    node_put(target->node);
    target->node = NULL;
    drop(walk);
}
