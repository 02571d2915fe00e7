;; Imports a function that nobody has.
(module
  (import "env" "missing" (func (param i32)))
  (func (export "_start")))
