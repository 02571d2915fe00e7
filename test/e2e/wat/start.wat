;; Traps in its start function.
(module
  (func $broken unreachable)
  (start $broken)
  (func (export "_start")))
