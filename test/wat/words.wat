;; What each name says, done to the low word of an i64 whose high word is not zero: the compiler may leave the
;; high word where it is, the instruction may not look at it. That the low word is the argument it cannot know.
(module
  (memory 1)
  (data (i32.const 4) "\00\ef\cd\ab")
  (func (export "clz") (param i32) (result i32)
    (i32.clz (i32.wrap_i64
      (i64.add (i64.load (i32.const 0)) (i64.extend_i32_u (local.get 0))))))
  (func (export "ctz") (param i32) (result i32)
    (i32.ctz (i32.wrap_i64
      (i64.add (i64.load (i32.const 0)) (i64.extend_i32_u (local.get 0))))))
  (func (export "popcnt") (param i32) (result i32)
    (i32.popcnt (i32.wrap_i64
      (i64.add (i64.load (i32.const 0)) (i64.extend_i32_u (local.get 0))))))
  (func (export "is_zero") (param i32) (result i32)
    (i32.eqz (i32.wrap_i64
      (i64.add (i64.load (i32.const 0)) (i64.extend_i32_u (local.get 0))))))
  (func (export "shl") (param i32) (result i32)
    (i32.shl (i32.wrap_i64
      (i64.add (i64.load (i32.const 0)) (i64.extend_i32_u (local.get 0)))) (i32.const 3)))
  (func (export "shr_s") (param i32) (result i32)
    (i32.shr_s (i32.wrap_i64
      (i64.add (i64.load (i32.const 0)) (i64.extend_i32_u (local.get 0)))) (i32.const 3)))
  (func (export "shr_u") (param i32) (result i32)
    (i32.shr_u (i32.wrap_i64
      (i64.add (i64.load (i32.const 0)) (i64.extend_i32_u (local.get 0)))) (i32.const 3)))
  (func (export "rotl") (param i32) (result i32)
    (i32.rotl (i32.wrap_i64
      (i64.add (i64.load (i32.const 0)) (i64.extend_i32_u (local.get 0)))) (i32.const 3)))
  (func (export "mul") (param i32) (result i32)
    (i32.mul (i32.wrap_i64
      (i64.add (i64.load (i32.const 0)) (i64.extend_i32_u (local.get 0)))) (i32.const 7)))
  (func (export "div_s") (param i32) (result i32)
    (i32.div_s (i32.wrap_i64
      (i64.add (i64.load (i32.const 0)) (i64.extend_i32_u (local.get 0)))) (i32.const 7)))
  (func (export "rem_u") (param i32) (result i32)
    (i32.rem_u (i32.wrap_i64
      (i64.add (i64.load (i32.const 0)) (i64.extend_i32_u (local.get 0)))) (i32.const 7)))
  (func (export "extend8") (param i32) (result i32)
    (i32.extend8_s (i32.wrap_i64
      (i64.add (i64.load (i32.const 0)) (i64.extend_i32_u (local.get 0))))))
  (func (export "extend16") (param i32) (result i32)
    (i32.extend16_s (i32.wrap_i64
      (i64.add (i64.load (i32.const 0)) (i64.extend_i32_u (local.get 0))))))
  (func (export "below") (param i32) (result i32)
    (i32.lt_u (i32.wrap_i64
      (i64.add (i64.load (i32.const 0)) (i64.extend_i32_u (local.get 0)))) (i32.const 100)))
  (func (export "convert") (param i32) (result i32)
    (i32.reinterpret_f32 (f32.convert_i32_u (i32.wrap_i64
      (i64.add (i64.load (i32.const 0)) (i64.extend_i32_u (local.get 0))))))))
