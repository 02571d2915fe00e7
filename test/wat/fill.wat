;; A program that takes all the memory that it gets, touches it, and exits with 0 if it got some.
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 0)
  (func (export "_start")
    (local $at i32)
    (loop $again
      (if (i32.ne (memory.grow (i32.const 1)) (i32.const -1))
        (then
          (local.set $at (i32.shl (i32.sub (memory.size) (i32.const 1)) (i32.const 16)))
          (memory.fill (local.get $at) (i32.const 0x5a) (i32.const 0x10000))
          (br $again))))
    (call $exit (i32.eqz (memory.size)))))
