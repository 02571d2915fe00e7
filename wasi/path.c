/*
 * Functions on names: path_*, and what they share with fd_filestat_*. Every path goes through
 * fs/path.h, which does not leave the directory it starts from.
 */
#include "wasi/internal.h"

#include <string.h>

/* A path of the call: resolved, with the walk that must be ended. */
struct place {
    struct path_walk *walk;
    struct path_target target;
};

/* Fetches and resolves the path whose pointer is argument `arg`, below `file`. `which`: 0 or 1, the
 * call's first or second path. */
static enum wasi_errno find(struct wasi_call *call, const struct wasi_file *file, unsigned arg,
                            bool follow, unsigned which, struct place *out) {
    char *path = call->wasi->paths[which];
    uint32_t len = wasi_arg(call, arg + 1);
    if (len > FS_PATH_MAX) {
        return WASI_ENAMETOOLONG;
    }
    WASI_TRY(wasi_get(call, wasi_arg(call, arg), path, len));
    out->walk = &call->wasi->walks[which];
    return wasi_from_status(path_resolve(out->walk, file->node, path, len, follow, &out->target));
}

static void done(struct place *place) {
    path_end(place->walk, &place->target);
}

/* `follow` as an argument of the program has it. */
static enum wasi_errno get_follow(const struct wasi_call *call, unsigned arg, bool *out) {
    *out = wasi_arg(call, arg) & LOOKUP_FOLLOW;
    return wasi_arg(call, arg) & ~LOOKUP_FOLLOW ? WASI_EINVAL : WASI_SUCCESS;
}

/* ---- attributes ------------------------------------------------------------------------------ */

static enum wasi_errno put_filestat(struct wasi_call *call, struct node *node, uint32_t addr) {
    struct node_attr attr;
    WASI_TRY_STATUS(node_get_attr(node, &attr));
    uint8_t filetype = (uint8_t)wasi_filetype(attr.type);
    if (call->unstable) {
        struct filestat_unstable stat = {attr.device,   attr.inode,           filetype,
                                         {0},           (uint32_t)attr.links, attr.size,
                                         attr.atime_ns, attr.mtime_ns,        attr.ctime_ns};
        return wasi_put(call, addr, &stat, sizeof(stat));
    }
    struct filestat stat = {attr.device, attr.inode,    filetype,      {0},          attr.links,
                            attr.size,   attr.atime_ns, attr.mtime_ns, attr.ctime_ns};
    return wasi_put(call, addr, &stat, sizeof(stat));
}

enum wasi_errno wasi_fd_filestat_get(struct wasi_call *call) {
    return put_filestat(call, call->file->node, wasi_arg(call, 1));
}

enum wasi_errno wasi_path_filestat_get(struct wasi_call *call) {
    struct place place;
    bool follow;
    WASI_TRY(get_follow(call, 1, &follow));
    WASI_TRY(find(call, call->file, 2, follow, 0, &place));
    struct node *node = place.target.node;
    enum wasi_errno error = node ? put_filestat(call, node, wasi_arg(call, 4)) : WASI_ENOENT;
    done(&place);
    return error;
}

/* Times and flags in three arguments from `arg` on. */
static enum wasi_errno get_times(const struct wasi_call *call, unsigned arg,
                                 struct node_times *out) {
    uint32_t flags = wasi_arg(call, arg + 2);
    uint64_t now = call->wasi->system->realtime_ns();
    bool both_a = (flags & FSTFLAG_ATIM) && (flags & FSTFLAG_ATIM_NOW);
    bool both_m = (flags & FSTFLAG_MTIM) && (flags & FSTFLAG_MTIM_NOW);
    if (both_a || both_m || (flags & ~FSTFLAGS_ALL)) {
        return WASI_EINVAL;
    }
    *out = (struct node_times){
        .set_atime = flags & (FSTFLAG_ATIM | FSTFLAG_ATIM_NOW),
        .set_mtime = flags & (FSTFLAG_MTIM | FSTFLAG_MTIM_NOW),
        .atime_ns = flags & FSTFLAG_ATIM_NOW ? now : wasi_arg64(call, arg),
        .mtime_ns = flags & FSTFLAG_MTIM_NOW ? now : wasi_arg64(call, arg + 1),
    };
    return WASI_SUCCESS;
}

enum wasi_errno wasi_fd_filestat_set_times(struct wasi_call *call) {
    struct node_times times;
    WASI_TRY(get_times(call, 1, &times));
    return wasi_from_status(node_set_times(call->file->node, &times));
}

enum wasi_errno wasi_path_filestat_set_times(struct wasi_call *call) {
    struct place place;
    struct node_times times;
    bool follow;
    WASI_TRY(get_follow(call, 1, &follow));
    WASI_TRY(get_times(call, 4, &times));
    WASI_TRY(find(call, call->file, 2, follow, 0, &place));
    struct node *node = place.target.node;
    status_t status = node ? node_set_times(node, &times) : STATUS_NOT_FOUND;
    done(&place);
    return wasi_from_status(status);
}

/* ---- opening --------------------------------------------------------------------------------- */

struct open_how {
    bool follow;
    uint32_t oflags, fdflags;
    uint64_t rights, inheriting; /* as asked for */
};

/* What the directory must have, and hand on, for this. */
static enum wasi_errno check_rights(const struct wasi_file *dir, const struct open_how *how) {
    uint64_t need = 0, inherited = how->rights | how->inheriting;
    need |= how->oflags & OFLAG_CREAT ? RIGHT_PATH_CREATE_FILE : 0;
    need |= how->oflags & OFLAG_TRUNC ? RIGHT_PATH_FILESTAT_SET_SIZE : 0;
    inherited |= how->fdflags & FDFLAG_DSYNC ? RIGHT_FD_DATASYNC : 0;
    inherited |= how->fdflags & (FDFLAG_SYNC | FDFLAG_RSYNC) ? RIGHT_FD_SYNC : 0;
    WASI_TRY(wasi_file_need(dir, need));
    return inherited & ~dir->inheriting ? WASI_ENOTCAPABLE : WASI_SUCCESS;
}

static enum wasi_errno get_how(const struct wasi_call *call, struct open_how *how) {
    *how = (struct open_how){.oflags = wasi_arg(call, 4),
                             .rights = wasi_arg64(call, 5),
                             .inheriting = wasi_arg64(call, 6),
                             .fdflags = wasi_arg(call, 7)};
    WASI_TRY(get_follow(call, 1, &how->follow));
    bool both = (how->oflags & OFLAG_CREAT) && (how->oflags & OFLAG_DIRECTORY);
    if (both || (how->oflags & ~OFLAGS_ALL) || (how->fdflags & ~FDFLAGS_ALL)) {
        return WASI_EINVAL;
    }
    if ((how->oflags & OFLAG_CREAT) && (how->oflags & OFLAG_EXCL)) {
        how->follow = false; /* a link is a file that is there */
    }
    return check_rights(call->file, how);
}

/* Makes the file when that was asked for; *out is the place's. */
static enum wasi_errno find_or_create(struct place *place, const struct open_how *how) {
    struct path_target *target = &place->target;
    if (target->node) {
        bool exclusive = (how->oflags & OFLAG_CREAT) && (how->oflags & OFLAG_EXCL);
        return exclusive ? WASI_EEXIST : WASI_SUCCESS;
    }
    if (!(how->oflags & OFLAG_CREAT)) {
        return WASI_ENOENT;
    }
    if (target->slash) {
        return WASI_EISDIR;
    }
    status_t status = node_create(target->dir, target->name, &target->node);
    if (status == STATUS_EXISTS && !(how->oflags & OFLAG_EXCL)) { /* somebody was faster */
        status = node_lookup(target->dir, target->name, &target->node);
    }
    return wasi_from_status(status);
}

/* Whether a node of that type can be opened so. */
static enum wasi_errno check_type(enum node_type type, const struct open_how *how) {
    bool writes = (how->rights & RIGHT_FD_WRITE) || (how->oflags & OFLAG_TRUNC);
    if (type == NODE_SYMLINK) {
        return WASI_ELOOP;
    }
    if (type == NODE_DIRECTORY) {
        return writes ? WASI_EISDIR : WASI_SUCCESS;
    }
    return how->oflags & OFLAG_DIRECTORY ? WASI_ENOTDIR : WASI_SUCCESS;
}

static enum wasi_errno open_node(struct node *node, const struct open_how *how) {
    unsigned access = 0;
    WASI_TRY(check_type(node->type, how));
    if (node->type == NODE_DIRECTORY) {
        access = NODE_READ;
    } else {
        access |= how->rights & RIGHT_FD_READ ? NODE_READ : 0;
        access |= (how->rights & RIGHTS_WRITING) || (how->oflags & OFLAG_TRUNC) ? NODE_WRITE : 0;
    }
    WASI_TRY_STATUS(node_open(node, access));
    if ((how->oflags & OFLAG_TRUNC) && node->type == NODE_REGULAR) {
        WASI_TRY_STATUS(node_set_size(node, 0));
    }
    return WASI_SUCCESS;
}

static enum wasi_errno open_place(struct wasi_call *call, struct place *place,
                                  const struct open_how *how) {
    uint32_t fd;
    WASI_TRY(find_or_create(place, how));
    struct node *node = place->target.node;
    WASI_TRY(open_node(node, how));
    bool is_dir = node->type == NODE_DIRECTORY;
    struct wasi_file file = {.node = node,
                             .rights = how->rights & wasi_type_rights(node->type),
                             .inheriting = is_dir ? how->inheriting : 0,
                             .flags = (uint16_t)how->fdflags,
                             .filetype = (uint8_t)wasi_filetype(node->type)};
    WASI_TRY(wasi_file_open(call->wasi, &file, &fd));
    place->target.node = NULL; /* the descriptor has it now */
    return wasi_put_u32(call, wasi_arg(call, 8), fd);
}

/* With no descriptor free nothing must be created, so that is looked at first. */
static enum wasi_errno check_descriptors(const struct wasi *wasi) {
    for (uint32_t word = 0; word < WASI_MAX_FILES / 64; word++) {
        if (wasi->free_files[word] != 0) {
            return WASI_SUCCESS;
        }
    }
    return WASI_EMFILE;
}

enum wasi_errno wasi_path_open(struct wasi_call *call) {
    struct place place;
    struct open_how how;
    WASI_TRY(get_how(call, &how));
    WASI_TRY(check_descriptors(call->wasi));
    WASI_TRY(find(call, call->file, 2, how.follow, 0, &place));
    enum wasi_errno error = open_place(call, &place, &how);
    done(&place);
    return error;
}

/* ---- making and removing --------------------------------------------------------------------- */

enum wasi_errno wasi_path_create_directory(struct wasi_call *call) {
    struct place place;
    WASI_TRY(find(call, call->file, 1, false, 0, &place));
    const struct path_target *t = &place.target;
    status_t status = t->node ? STATUS_EXISTS : node_mkdir(t->dir, t->name);
    done(&place);
    return wasi_from_status(status);
}

static status_t remove_directory(const struct path_target *t) {
    if (t->name.len == 0) {
        return STATUS_BAD_ARGUMENT; /* "." and what ends so */
    }
    return t->node ? node_rmdir(t->dir, t->name) : STATUS_NOT_FOUND;
}

enum wasi_errno wasi_path_remove_directory(struct wasi_call *call) {
    struct place place;
    WASI_TRY(find(call, call->file, 1, false, 0, &place));
    status_t status = remove_directory(&place.target);
    done(&place);
    return wasi_from_status(status);
}

static status_t unlink_file(const struct path_target *t) {
    if (!t->node) {
        return STATUS_NOT_FOUND;
    }
    return t->node->type == NODE_DIRECTORY ? STATUS_IS_DIR : node_unlink(t->dir, t->name);
}

enum wasi_errno wasi_path_unlink_file(struct wasi_call *call) {
    struct place place;
    WASI_TRY(find(call, call->file, 1, false, 0, &place));
    status_t status = unlink_file(&place.target);
    done(&place);
    return wasi_from_status(status);
}

/* ---- links ----------------------------------------------------------------------------------- */

static enum wasi_errno put_link(struct wasi_call *call, struct node *link) {
    char *text = call->wasi->paths[1];
    uint32_t cap = wasi_arg(call, 4);
    size_t len;
    if (!link) {
        return WASI_ENOENT;
    }
    WASI_TRY_STATUS(node_readlink(link, text, FS_PATH_MAX, &len));
    len = len < cap ? len : cap;
    WASI_TRY(wasi_put(call, wasi_arg(call, 3), text, len));
    return wasi_put_u32(call, wasi_arg(call, 5), (uint32_t)len);
}

enum wasi_errno wasi_path_readlink(struct wasi_call *call) {
    struct place place;
    WASI_TRY(find(call, call->file, 1, false, 0, &place));
    enum wasi_errno error = put_link(call, place.target.node);
    done(&place);
    return error;
}

/* Where a name can be made that no slash follows. */
static status_t check_new(const struct path_target *t) {
    if (t->node) {
        return STATUS_EXISTS;
    }
    return t->slash ? STATUS_NOT_FOUND : STATUS_OK;
}

/* An absolute target would lead a program of the host out of the directory, if not one of ours. */
enum wasi_errno wasi_path_symlink(struct wasi_call *call) {
    struct place place;
    char *text = call->wasi->paths[1];
    uint32_t len = wasi_arg(call, 1);
    if (len == 0 || len > FS_PATH_MAX) {
        return len == 0 ? WASI_ENOENT : WASI_ENAMETOOLONG;
    }
    WASI_TRY(wasi_get(call, wasi_arg(call, 0), text, len));
    if (text[0] == '/') {
        return WASI_ENOTCAPABLE;
    }
    if (memchr(text, '\0', len)) {
        return WASI_EINVAL;
    }
    WASI_TRY(find(call, call->file, 3, false, 0, &place));
    const struct path_target *t = &place.target;
    status_t status = check_new(t);
    if (status == STATUS_OK) {
        status = node_symlink(t->dir, t->name, (struct fs_name){text, len});
    }
    done(&place);
    return wasi_from_status(status);
}

static status_t link_place(const struct path_target *from, const struct path_target *to) {
    TRY(check_new(to));
    return node_link(to->dir, to->name, from->node);
}

enum wasi_errno wasi_path_link(struct wasi_call *call) {
    struct place from, to;
    bool follow;
    WASI_TRY(get_follow(call, 1, &follow));
    WASI_TRY(find(call, call->file, 2, follow, 0, &from));
    enum wasi_errno error =
        from.target.node ? find(call, call->file2, 5, false, 1, &to) : WASI_ENOENT;
    if (error == WASI_SUCCESS) {
        error = wasi_from_status(link_place(&from.target, &to.target));
        done(&to);
    }
    done(&from);
    return error;
}

static status_t rename_place(const struct path_target *from, const struct path_target *to) {
    if (from->name.len == 0 || to->name.len == 0) {
        return STATUS_BUSY; /* "." and what ends so */
    }
    if (to->slash && from->node->type != NODE_DIRECTORY) {
        return STATUS_NOT_DIR;
    }
    return node_rename(from->dir, from->name, to->dir, to->name);
}

enum wasi_errno wasi_path_rename(struct wasi_call *call) {
    struct place from, to;
    WASI_TRY(find(call, call->file, 1, false, 0, &from));
    enum wasi_errno error =
        from.target.node ? find(call, call->file2, 4, false, 1, &to) : WASI_ENOENT;
    if (error == WASI_SUCCESS) {
        error = wasi_from_status(rename_place(&from.target, &to.target));
        done(&to);
    }
    done(&from);
    return error;
}
