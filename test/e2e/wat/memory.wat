;; Reads past the end of its memory.
(module
  (memory 1)
  (func $peek (param i32) (result i32) (i32.load offset=4 (local.get 0)))
  (func (export "_start") (drop (call $peek (i32.const 65535)))))
