/*
 * Every count that files are limited by, by name.
 */
#ifndef FS_LIMITS_H
#define FS_LIMITS_H

#define FS_NAME_MAX    255u  /* bytes of one name */
#define FS_PATH_MAX    4096u /* bytes of a path, and of a symbolic link's target */
#define FS_SYMLINK_MAX 40u   /* symbolic links followed in one resolution */
#define FS_DEPTH_MAX   1024u /* directories between a capability and what it leads to */

#define RAMFS_FILE_MAX    ((uint64_t)1 << 39) /* bytes of one file, holes included */
#define RAMFS_ENTRIES_MAX ((uint32_t)1 << 22) /* of one directory */
#define RAMFS_LINKS_MAX   65535u              /* names of one file */

#define NINEP_FIDS_MAX     65536u            /* of one mounted directory; a node has one to three */
#define NINEP_DATA_MAX     ((size_t)1 << 19) /* bytes of one read or write request */
#define NINEP_LISTING_SIZE 32768u            /* bytes of a directory that are asked for at a time */

#endif
