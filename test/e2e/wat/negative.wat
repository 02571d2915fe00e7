;; An index that is negative when sign-extended must not reach below the memory.
(module
  (memory 1)
  (func $peek (param i32) (result i32) (i32.load8_u (i32.sub (local.get 0) (i32.const 1))))
  (func (export "_start") (drop (call $peek (i32.const 0)))))
