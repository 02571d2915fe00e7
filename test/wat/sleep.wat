;; A program that sleeps for an hour, again and again.
(module
  (import "wasi_snapshot_preview1" "poll_oneoff"
    (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\01") ;; clock: monotonic
  (data (i32.const 24) "\00\a0\b8\30\46\03\00\00") ;; 3600 * 10^9 ns
  (func (export "_start")
    (loop $again
      (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))
      (br $again))))
