;; For --preload: writes through WASI from its own memory, and imports a preload before it.
(module $speaker
  (import "counter" "next" (func $next (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "n = 0\n")
  (func (export "speak")
    (i32.store (i32.const 0) (i32.const 16))
    (i32.store (i32.const 4) (i32.const 6))
    (i32.store8 (i32.const 20) (i32.add (i32.const 48) (i32.sub (call $next) (i32.const 40))))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
