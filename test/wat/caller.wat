;; Calls functions of the module nest, directly and through a table, each with its own memory.
(module
  (import "nest" "divide" (func $divide (param i32) (result i32)))
  (import "nest" "poke" (func $poke (param i32)))
  (memory 1)
  (table 2 funcref)
  (elem (i32.const 0) func $divide $poke)
  (type $p (func (param i32)))
  (func (export "call") (param i32) (result i32)
     (i32.store (i32.const 16) (i32.const 5))
     (call $poke (i32.const 0))
     (call_indirect (type $p) (i32.const 4) (i32.const 1))
     (i32.add (i32.load (i32.const 16)) (call $divide (local.get 0)))))
