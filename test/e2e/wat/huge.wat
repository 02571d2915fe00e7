;; Asks for more memory at its start than the machine has.
(module
  (memory 65536)
  (func (export "_start")))
