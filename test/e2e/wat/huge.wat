;; Asks for more memory at its start than the machine has.
(module
  (memory 60000)
  (func (export "_start")))
