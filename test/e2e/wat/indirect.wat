;; Calls through a table: right type, then wrong type.
(module
  (type $none (func))
  (type $one (func (param i32)))
  (table funcref (elem $callee))
  (func $callee)
  (func (export "_start")
    (call_indirect (type $none) (i32.const 0))
    (call_indirect (type $one) (i32.const 5) (i32.const 0))))
