;; A program that writes lines to its standard output for ever.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\40\00\00\00\c0\03\00\00") ;; 960 bytes at 64
  (data (i32.const 64) "water water water water\n")
  (func (export "_start")
    (local $i i32)
    (loop $fill
      (memory.copy (i32.add (i32.const 88) (local.get $i)) (i32.const 64) (i32.const 24))
      (local.set $i (i32.add (local.get $i) (i32.const 24)))
      (br_if $fill (i32.lt_u (local.get $i) (i32.const 936))))
    (loop $again
      (br_if $again (i32.eqz (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))))
