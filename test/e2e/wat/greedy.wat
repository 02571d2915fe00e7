;; Asks for all the memory there can be, and touches every page of it.
(module
  (memory 1)
  (func (export "_start") (local $at i32)
    (drop (memory.grow (i32.const 65535)))
    (loop $next
      (i32.store (local.get $at) (i32.const 1))
      (local.set $at (i32.add (local.get $at) (i32.const 4096)))
      (br_if $next (i32.lt_u (local.get $at) (i32.const 0xfffff000))))))
