;; Stores with the largest index and the largest offset: 8 GiB past the base.
(module
  (memory 1)
  (func $poke (param i32) (i32.store offset=0xffffffff (local.get 0) (i32.const 7)))
  (func (export "_start") (call $poke (i32.const -1))))
