;; A function of WASI that is not there links, and returns ENOSYS (52), with which this exits.
(module
  (import "wasi_snapshot_preview1" "path_create_directory" (func $mkdir (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start") (call $exit (call $mkdir (i32.const 3) (i32.const 0) (i32.const 1)))))
