;; Never ends, and never asks for anything.
(module
  (func (export "_start")
    (loop $again (br $again))))
