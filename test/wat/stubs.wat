;; memory.copy and memory.fill against byte loops, over every alignment, distance and size that
;; choose another way through the stubs. Bytes under test at 0, the model's at 1024, staging at 2048.
(module
  (memory 1)
  (global $window i32 (i32.const 192))

  (func $prepare (local $i i32)
    (loop $next
      (i32.store8 (local.get $i) (i32.add (i32.mul (local.get $i) (i32.const 167)) (i32.const 13)))
      (i32.store8 offset=1024 (local.get $i) (i32.load8_u (local.get $i)))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
                             (global.get $window)))))

  (func $move_byte (param $to i32) (param $from i32)
    (i32.store8 (local.get $to) (i32.load8_u (local.get $from))))

  ;; By way of the staging area, so that overlap does not matter.
  (func $model_copy (param $to i32) (param $from i32) (param $size i32) (local $i i32)
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $i) (local.get $size)))
        (call $move_byte (i32.add (local.get $i) (i32.const 2048))
                         (i32.add (i32.add (local.get $from) (local.get $i)) (i32.const 1024)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next)))
    (local.set $i (i32.const 0))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $i) (local.get $size)))
        (call $move_byte (i32.add (i32.add (local.get $to) (local.get $i)) (i32.const 1024))
                         (i32.add (local.get $i) (i32.const 2048)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next))))

  (func $model_fill (param $to i32) (param $value i32) (param $size i32) (local $i i32)
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $i) (local.get $size)))
        (i32.store8 offset=1024 (i32.add (local.get $to) (local.get $i)) (local.get $value))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next))))

  (func $differs (result i32) (local $i i32)
    (loop $next
      (if (i64.ne (i64.load (local.get $i)) (i64.load offset=1024 (local.get $i)))
        (then (return (i32.const 1))))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 8)))
                             (global.get $window))))
    (i32.const 0))

  ;; Sizes 0 to 90 of the given parity, all pairs of places from 8 to 25.
  (func (export "copies") (param $size i32) (result i32)
        (local $to i32) (local $from i32) (local $wrong i32)
    (loop $sizes
      (local.set $to (i32.const 8))
      (loop $tos
        (local.set $from (i32.const 8))
        (loop $froms
          (call $prepare)
          (call $model_copy (local.get $to) (local.get $from) (local.get $size))
          (memory.copy (local.get $to) (local.get $from) (local.get $size))
          (local.set $wrong (i32.add (local.get $wrong) (call $differs)))
          (br_if $froms (i32.le_u (local.tee $from (i32.add (local.get $from) (i32.const 1)))
                                  (i32.const 25))))
        (br_if $tos (i32.le_u (local.tee $to (i32.add (local.get $to) (i32.const 1)))
                              (i32.const 25))))
      (br_if $sizes (i32.le_u (local.tee $size (i32.add (local.get $size) (i32.const 3)))
                              (i32.const 90))))
    (local.get $wrong))

  (func (export "fills") (param $size i32) (result i32) (local $to i32) (local $wrong i32)
    (loop $sizes
      (local.set $to (i32.const 8))
      (loop $tos
        (call $prepare)
        (call $model_fill (local.get $to) (i32.const 0x1a5) (local.get $size))
        (memory.fill (local.get $to) (i32.const 0x1a5) (local.get $size))
        (local.set $wrong (i32.add (local.get $wrong) (call $differs)))
        (br_if $tos (i32.le_u (local.tee $to (i32.add (local.get $to) (i32.const 1)))
                              (i32.const 25))))
      (br_if $sizes (i32.le_u (local.tee $size (i32.add (local.get $size) (i32.const 1)))
                              (i32.const 90))))
    (local.get $wrong))

  ;; 16 bytes at the given place.
  (func (export "copy_to") (param i32)
    (memory.copy (local.get 0) (i32.const 0) (i32.const 16)))
  (func (export "copy_from") (param i32)
    (memory.copy (i32.const 0) (local.get 0) (i32.const 16)))
  (func (export "copy_size") (param i32)
    (memory.copy (i32.const 0) (i32.const 1) (local.get 0)))
  (func (export "fill_to") (param i32)
    (memory.fill (local.get 0) (i32.const 1) (i32.const 16)))
  (func (export "last") (result i32) (i32.load8_u (i32.const 65535))))
