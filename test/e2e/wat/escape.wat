;; Imports from a module whose name would colour the user's terminal.
(module
  (import "\1b[31mred\c2\9b" "gr\c3\bcn" (func))
  (func (export "_start")))
