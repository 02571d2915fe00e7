;; A start that gives something: nobody is there to take it.
(module (func (export "_start") (result i32) (i32.const 3)))
