;; memory.copy and memory.fill with all that they take.
(module
  (memory (export "memory") 1 2)
  (func (export "copy") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
  (func (export "fill") (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
  (func (export "grow") (param i32 i32 i32) (drop (memory.grow (i32.const 1)))))
