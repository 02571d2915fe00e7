(module
  (import "host" "nothing" (func $nothing))
  (import "host" "add" (func $add (param i32 i64) (result i64)))
  (func (export "calls") (param i32)
    (loop
      (call $nothing)
      (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
  (func (export "loop") (param i32)
    (loop
      (call $empty)
      (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
  (func $empty)
  (func (export "add") (param i32 i64) (result i64)
    (call $add (local.get 0) (local.get 1))))
