;; A second data segment that does not fit.
(module
  (import "env" "memory" (memory 1))
  (data (i32.const 0) "first")
  (data (i32.const 65530) "too far"))
