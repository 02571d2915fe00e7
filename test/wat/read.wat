;; A program that reads its standard input to the end and exits with the number of bytes.
(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\40\00\00\00\00\10\00\00") ;; 4096 bytes at 64
  (func (export "_start")
    (local $sum i32)
    (loop $again
      (if (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8))
        (then (call $exit (i32.const 255))))
      (local.set $sum (i32.add (local.get $sum) (i32.load (i32.const 8))))
      (br_if $again (i32.load (i32.const 8))))
    (call $exit (local.get $sum))))
