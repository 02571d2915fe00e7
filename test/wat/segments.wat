;; A second element segment that does not fit: the first stays, the data never comes.
(module
  (import "env" "memory" (memory 1))
  (import "env" "table" (table 10 funcref))
  (func $f)
  (elem (i32.const 0) func $f)
  (elem (i32.const 9) func $f $f)
  (data (i32.const 0) "never"))
