;; Gives WASI pointers that lie outside its memory; exits with 0 if each call says EFAULT (21), or
;; EINVAL (28) for counts that cannot be.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\ff\ff\ff\ff\10\00\00\00")      ;; a vector at the end of the address space
  (data (i32.const 32) "\00\00\00\00\ff\ff\ff\ff")      ;; a vector of 4 GiB
  (func $expect (param $got i32) (param $wanted i32) (param $number i32)
    (if (i32.ne (local.get $got) (local.get $wanted)) (then (call $exit (local.get $number)))))
  (func (export "_start")
    (call $expect (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 0)) (i32.const 21) (i32.const 1))
    (call $expect (call $write (i32.const 1) (i32.const 32) (i32.const 1) (i32.const 0)) (i32.const 21) (i32.const 2))
    (call $expect (call $write (i32.const 1) (i32.const -4) (i32.const 1) (i32.const 0)) (i32.const 21) (i32.const 3))
    (call $expect (call $write (i32.const 1) (i32.const 0) (i32.const -1) (i32.const 0)) (i32.const 28) (i32.const 4))
    (call $expect (call $read (i32.const 0) (i32.const 65532) (i32.const 1) (i32.const 0)) (i32.const 21) (i32.const 5))
    (call $expect (call $random (i32.const 65000) (i32.const 1000)) (i32.const 21) (i32.const 6))
    (call $expect (call $args (i32.const -8) (i32.const 0)) (i32.const 21) (i32.const 7))
    (call $expect (call $clock (i32.const 0) (i64.const 0) (i32.const 65530)) (i32.const 21) (i32.const 8))
    (call $expect (call $clock (i32.const 99) (i64.const 0) (i32.const 0)) (i32.const 28) (i32.const 9))
    (call $expect (call $write (i32.const 77) (i32.const 0) (i32.const 0) (i32.const 0)) (i32.const 8) (i32.const 10))
    (call $expect (call $write (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 65534)) (i32.const 21) (i32.const 11))))
