;; Imports, exports, globals with extended constants, segments: nothing that runs.
(module
  (import "env" "twice" (func $twice (param i32) (result i32)))
  (import "env" "base" (global $base i32))
  (memory (export "memory") 1 3)
  (table (export "table") 4 8 funcref)
  (global (export "sum") i32 (i32.add (global.get $base) (i32.const 5)))
  (global (export "wide") (mut i64) (i64.const -7))
  (func $f (export "f") (result i32) (call $twice (i32.const 21)))
  (elem (i32.const 1) func $f $twice)
  (data (i32.const 8) "hello")
  (data "passive"))
