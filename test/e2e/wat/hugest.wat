;; Asks for the whole 4 GiB, one page more than a memory may have (LIMIT_MEMORY_PAGES).
(module
  (memory 65536)
  (func (export "_start")))
