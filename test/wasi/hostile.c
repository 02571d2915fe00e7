/*
 * Pointers, lengths and counts that no honest program passes: an errno each, and the program goes on.
 * The functions are declared with plain numbers, as the machine sees them.
 */
#include "test/wasi/check.h"

#define IMPORT(name, ...)                                                                          \
    __attribute__((import_module("wasi_snapshot_preview1"),                                        \
                   import_name(#name))) uint32_t raw_##name(__VA_ARGS__);
typedef uint32_t u32;
typedef uint64_t u64;
IMPORT(args_get, u32, u32)
IMPORT(args_sizes_get, u32, u32)
IMPORT(environ_get, u32, u32)
IMPORT(environ_sizes_get, u32, u32)
IMPORT(clock_res_get, u32, u32)
IMPORT(clock_time_get, u32, u64, u32)
IMPORT(fd_fdstat_get, u32, u32)
IMPORT(fd_filestat_get, u32, u32)
IMPORT(fd_pread, u32, u32, u32, u64, u32)
IMPORT(fd_prestat_get, u32, u32)
IMPORT(fd_prestat_dir_name, u32, u32, u32)
IMPORT(fd_pwrite, u32, u32, u32, u64, u32)
IMPORT(fd_read, u32, u32, u32, u32)
IMPORT(fd_readdir, u32, u32, u32, u64, u32)
IMPORT(fd_seek, u32, u64, u32, u32)
IMPORT(fd_tell, u32, u32)
IMPORT(fd_write, u32, u32, u32, u32)
IMPORT(path_create_directory, u32, u32, u32)
IMPORT(path_filestat_get, u32, u32, u32, u32, u32)
IMPORT(path_filestat_set_times, u32, u32, u32, u32, u64, u64, u32)
IMPORT(path_link, u32, u32, u32, u32, u32, u32, u32)
IMPORT(path_open, u32, u32, u32, u32, u32, u64, u64, u32, u32)
IMPORT(path_readlink, u32, u32, u32, u32, u32, u32)
IMPORT(path_remove_directory, u32, u32, u32)
IMPORT(path_rename, u32, u32, u32, u32, u32, u32)
IMPORT(path_symlink, u32, u32, u32, u32, u32)
IMPORT(path_unlink_file, u32, u32, u32)
IMPORT(poll_oneoff, u32, u32, u32, u32)
IMPORT(random_get, u32, u32)

static u32 out[16];
static char text[] = "f\0g";
static __wasi_iovec_t v[2000];

#define FAR   0xfffffff0u
#define AT(p) ((u32)(uintptr_t)(p))

int main(void) {
    __wasi_fd_t tmp = preopened("/tmp"), fd;
    GOOD(open_at(tmp, "f", __WASI_OFLAGS_CREAT, WRITE_RIGHTS, &fd));
    BAD(FAULT, raw_args_get(FAR, AT(out)));
    BAD(FAULT, raw_args_get(AT(out), FAR));
    BAD(FAULT, raw_args_sizes_get(FAR, AT(out)));
    BAD(FAULT, raw_args_sizes_get(AT(out), FAR));
    BAD(FAULT, raw_environ_get(FAR, AT(out)));
    BAD(FAULT, raw_environ_get(AT(out), FAR));
    BAD(FAULT, raw_environ_sizes_get(FAR, AT(out)));
    BAD(FAULT, raw_environ_sizes_get(AT(out), FAR));
    BAD(FAULT, raw_clock_res_get(1, FAR));
    BAD(FAULT, raw_clock_time_get(1, 1, FAR));
    BAD(FAULT, raw_fd_fdstat_get(fd, FAR));
    BAD(FAULT, raw_fd_filestat_get(fd, FAR));
    BAD(FAULT, raw_fd_prestat_get(tmp, FAR));
    BAD(FAULT, raw_fd_prestat_dir_name(tmp, FAR, 100));
    BAD(FAULT, raw_fd_prestat_dir_name(tmp, AT(out), 0xffffffff));
    BAD(FAULT, raw_fd_read(fd, FAR, 1, AT(out)));
    BAD(FAULT, raw_fd_write(fd, FAR, 2, AT(out)));
    BAD(INVAL, raw_fd_write(fd, AT(v), 0xffffffff, AT(out)));
    BAD(INVAL, raw_fd_read(fd, AT(v), 2000, AT(out)));
    BAD(INVAL, raw_fd_read(fd, AT(v), 0xffffffff, AT(out)));
    BAD(INVAL, raw_fd_pread(fd, AT(v), 0xffffffff, 0, AT(out)));
    BAD(INVAL, raw_fd_pwrite(fd, AT(v), 0xffffffff, 0, AT(out)));
    v[0] = (__wasi_iovec_t){(uint8_t *)text, 2};
    v[1] = (__wasi_iovec_t){(uint8_t *)FAR, 100};
    BAD(FAULT, raw_fd_write(fd, AT(v), 2, AT(out)));
    BAD(FAULT, raw_fd_pwrite(fd, AT(v), 2, 0, AT(out)));
    BAD(FAULT, raw_fd_read(fd, AT(v), 2, AT(out)));
    BAD(FAULT, raw_fd_pread(fd, AT(v), 2, 0, AT(out)));
    v[1] = (__wasi_iovec_t){(uint8_t *)text, 0xffffffff};
    BAD(FAULT, raw_fd_write(fd, AT(v), 2, AT(out)));
    BAD(FAULT, raw_fd_write(fd, AT(v), 1, FAR));
    BAD(FAULT, raw_fd_read(fd, AT(v), 1, FAR));
    BAD(INVAL, raw_fd_pread(fd, AT(v), 1, (u64)-1, AT(out)));
    BAD(INVAL, raw_fd_pwrite(fd, AT(v), 1, (u64)-1, AT(out)));
    BAD(FAULT, raw_fd_seek(fd, 0, 0, FAR));
    BAD(FAULT, raw_fd_tell(fd, FAR));
    BAD(FAULT, raw_fd_readdir(tmp, FAR, 100, 0, AT(out)));
    BAD(FAULT, raw_fd_readdir(tmp, AT(out), 0xffffffff, 0, AT(out)));
    BAD(FAULT, raw_fd_readdir(tmp, AT(out), 8, 0, FAR));
    BAD(FAULT, raw_path_create_directory(tmp, FAR, 100));
    BAD(FAULT, raw_path_create_directory(tmp, AT(text), 0xffffffff));
    BAD(NAMETOOLONG, raw_path_create_directory(tmp, 0, 65536));
    BAD(INVAL, raw_path_create_directory(tmp, AT(text), 3)); /* a NUL inside */
    BAD(INVAL, raw_path_open(tmp, 0, AT(text), 3, 1, 0, 0, 0, AT(out)));
    BAD(INVAL, raw_path_filestat_get(tmp, 0, AT(text), 3, AT(out)));
    BAD(INVAL, raw_path_link(tmp, 0, AT(text), 1, tmp, AT(text), 3));
    BAD(INVAL, raw_path_symlink(AT(text), 1, tmp, AT(text), 3));
    BAD(INVAL, raw_path_symlink(AT(text), 3, tmp, AT(text), 2));
    BAD(INVAL, raw_path_rename(tmp, AT(text), 1, tmp, AT(text), 3));
    BAD(INVAL, raw_path_readlink(tmp, AT(text), 3, AT(out), 4, AT(out)));
    BAD(INVAL, raw_path_unlink_file(tmp, AT(text), 3));
    BAD(INVAL, raw_path_remove_directory(tmp, AT(text), 3));
    BAD(FAULT, raw_path_filestat_get(tmp, 0, FAR, 100, AT(out)));
    BAD(FAULT, raw_path_filestat_get(tmp, 0, AT(text), 1, FAR));
    BAD(INVAL, raw_path_filestat_get(tmp, 77, AT(text), 1, AT(out)));
    BAD(FAULT, raw_path_filestat_set_times(tmp, 0, FAR, 100, 0, 0, 0));
    BAD(INVAL, raw_path_filestat_set_times(tmp, 0, AT(text), 1, 0, 0, 0x100));
    BAD(FAULT, raw_path_link(tmp, 0, FAR, 100, tmp, AT(text), 1));
    BAD(FAULT, raw_path_link(tmp, 0, AT(text), 1, tmp, FAR, 100));
    BAD(FAULT, raw_path_open(tmp, 0, FAR, 100, 0, 0, 0, 0, AT(out)));
    BAD(FAULT, raw_path_open(tmp, 0, AT(text), 1, 0, 0, 0, 0, FAR));
    BAD(NOTCAPABLE, raw_path_open(tmp, 0, AT(text), 1, 0, (u64)-1, 0, 0, AT(out)));
    BAD(FAULT, raw_path_readlink(tmp, FAR, 100, AT(out), 4, AT(out)));
    BAD(FAULT, raw_path_readlink(tmp, AT(text), 1, FAR, 100, AT(out)));
    BAD(FAULT, raw_path_remove_directory(tmp, FAR, 100));
    BAD(FAULT, raw_path_rename(tmp, FAR, 100, tmp, AT(text), 1));
    BAD(FAULT, raw_path_rename(tmp, AT(text), 1, tmp, FAR, 100));
    BAD(FAULT, raw_path_symlink(FAR, 100, tmp, AT(text), 1));
    BAD(FAULT, raw_path_symlink(AT(text), 1, tmp, FAR, 100));
    BAD(FAULT, raw_path_unlink_file(tmp, FAR, 100));
    BAD(FAULT, raw_poll_oneoff(FAR, AT(out), 1, AT(out)));
    BAD(FAULT, raw_poll_oneoff(AT(out), FAR, 1, AT(out)));
    BAD(FAULT, raw_poll_oneoff(AT(out), AT(out), 1, FAR));
    BAD(INVAL, raw_poll_oneoff(AT(out), AT(out), 0xffffffff, AT(out)));
    BAD(FAULT, raw_random_get(FAR, 100));
    BAD(FAULT, raw_random_get(AT(out), 0xffffffff));
    /* Reading over the vectors themselves, and unaligned. */
    v[0] = (__wasi_iovec_t){(uint8_t *)"0123456789abcdef0123456789abcdef", 32};
    GOOD(raw_fd_pwrite(fd, AT(v), 1, 0, AT(out)));
    for (u32 i = 0; i < 4; i++) {
        v[i] = (__wasi_iovec_t){(uint8_t *)v, 8};
    }
    GOOD(raw_fd_pread(fd, AT(v), 4, 0, AT(out)));
    SAME(out[0], 32);
    /* Vectors that lie over each other, from and to the guest; the result over them. */
    static char over[] = "abcdef";
    v[0] = (__wasi_iovec_t){(uint8_t *)over, 4};
    v[1] = (__wasi_iovec_t){(uint8_t *)over + 2, 4};
    GOOD(raw_fd_pwrite(fd, AT(v), 2, 0, AT(out)));
    memset(over, 0, 6);
    GOOD(raw_fd_pread(fd, AT(v), 2, 0, AT(v)));
    u32 moved;
    memcpy(&moved, v, sizeof(moved));
    SAME(moved, 8);
    SAME(memcmp(over, "abcdef", 6), 0);
    GOOD(raw_fd_tell(fd, AT(out) + 1));
    GOOD(__wasi_fd_close(fd));
    GOOD(__wasi_path_unlink_file(tmp, "f"));
    return check_sum();
}
