;; A program that has the kernel keep things for it: directories, links, names, descriptors, pages of files, a poll,
;; and memory of its own. Descriptor 3 is a directory with a file "text" that begins with "k23", 4 one
;; to write to. Exit status: 0, the errno of the first call that failed, or 200 for what reads wrongly.
(module
  (import "wasi_snapshot_preview1" "path_create_directory"
    (func $mkdir (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_symlink"
    (func $symlink (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_link"
    (func $link (param i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_rename"
    (func $rename (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_pwrite"
    (func $pwrite (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_pread"
    (func $pread (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_allocate" (func $allocate (param i32 i64 i64) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff"
    (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 3)
  (data (i32.const 0) "sub")
  (data (i32.const 8) "link")
  (data (i32.const 16) "link/fA") ;; the last byte changes
  (data (i32.const 24) "text")
  (data (i32.const 32) "sub/one")
  (data (i32.const 40) "sub/two")
  (data (i32.const 64) "\00\00\01\00\40\9c\00\00") ;; 40000 bytes at 65536
  (data (i32.const 72) "\18\00\00\00\04\00\00\00") ;; 4 bytes at 24
  (data (i32.const 80) "\60\00\00\00\03\00\00\00") ;; 3 bytes at 96
  (data (i32.const 144) "\01") ;; subscription 0 at 128: the monotonic clock
  (data (i32.const 152) "\64") ;; in 100 ns
  (data (i32.const 184) "\01") ;; subscription 1 at 176: to read from descriptor 0

  (func $need (param $errno i32)
    (if (local.get $errno) (then (call $exit (local.get $errno)))))
  (func $open (param $dir i32) (param $path i32) (param $size i32) (param $flags i32)
    (param $rights i64) (result i32)
    (call $need (call $path_open (local.get $dir) (i32.const 1) (local.get $path) (local.get $size)
      (local.get $flags) (local.get $rights) (i64.const 0) (i32.const 0) (i32.const 100)))
    (i32.load (i32.const 100)))

  (func (export "_start") (local $fd i32) (local $i i32)
    (call $need (call $mkdir (i32.const 4) (i32.const 0) (i32.const 3)))
    (call $need (call $symlink (i32.const 0) (i32.const 3) (i32.const 4) (i32.const 8) (i32.const 4)))
    ;; twenty files by the link
    (loop $more
      (i32.store8 (i32.const 22) (i32.add (i32.const 65) (local.get $i)))
      (local.set $fd (call $open (i32.const 4) (i32.const 16) (i32.const 7) (i32.const 1)
        (i64.const 0x146)))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $more (i32.lt_u (local.get $i) (i32.const 20))))
    ;; the last one of them gets bytes, a page far behind, and room between
    (call $need (call $write (local.get $fd) (i32.const 64) (i32.const 1) (i32.const 100)))
    (if (i32.ne (i32.load (i32.const 100)) (i32.const 40000)) (then (call $exit (i32.const 51))))
    (call $need (call $pwrite (local.get $fd) (i32.const 72) (i32.const 1) (i64.const 0x10000000)
      (i32.const 100)))
    (call $need (call $allocate (local.get $fd) (i64.const 0x100000) (i64.const 0x3000)))
    (call $need (call $link (i32.const 4) (i32.const 1) (i32.const 16) (i32.const 7) (i32.const 4)
      (i32.const 32) (i32.const 7)))
    (call $need (call $rename (i32.const 4) (i32.const 32) (i32.const 7) (i32.const 4) (i32.const 40)
      (i32.const 7)))
    ;; more descriptors than there is room for at first
    (local.set $i (i32.const 0))
    (loop $more
      (local.set $fd (call $open (i32.const 3) (i32.const 24) (i32.const 4) (i32.const 0)
        (i64.const 6)))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $more (i32.lt_u (local.get $i) (i32.const 60))))
    (call $need (call $pread (local.get $fd) (i32.const 80) (i32.const 1) (i64.const 0) (i32.const 104)))
    (if (i32.ne (i32.load (i32.const 96)) (i32.const 0x33326b)) (then (call $exit (i32.const 200))))
    ;; wait
    (call $need (call $poll (i32.const 128) (i32.const 256) (i32.const 2) (i32.const 104)))
    (if (i32.ne (i32.load (i32.const 104)) (i32.const 1)) (then (call $exit (i32.const 200))))
    ;; memory: 48 is ENOMEM
    (if (i32.eq (memory.grow (i32.const 4)) (i32.const -1)) (then (call $exit (i32.const 48))))
    (i32.store (i32.const 400000) (i32.const 1))
    (call $need (call $write (i32.const 1) (i32.const 72) (i32.const 1) (i32.const 100)))))
