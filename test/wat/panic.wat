;; Guests on the stack of a kernel that panics: outer calls middle calls the host, which calls again.
(module $guilty
  (import "host" "fail" (func $fail (param i32)))
  (func $leaf (param i32) (call $fail (local.get 0)) (call $fail (i32.const -1)))
  (func $middle (param i32) (call $leaf (i32.add (local.get 0) (i32.const 1))) (call $fail (i32.const -1)))
  (func $outer (export "outer") (param i32) (call $middle (local.get 0)) (call $fail (i32.const -1))))
