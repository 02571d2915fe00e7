;; Uses two preloads, the second of which uses the first.
(module $linked
  (import "counter" "next" (func $next (result i32)))
  (import "speaker" "speak" (func $speak))
  (memory (export "memory") 1)
  (func (export "_start") (call $speak) (drop (call $next)) (call $speak)))
