//! Namespace `math` and its functions that are global.
use super::string::check_len;
use crate::def;
use crate::heap::Kind;
use crate::native::{Args, NativeDef, R, Stop, VARIADIC};
use crate::object::array::Array;
use crate::value::Value;
use crate::value::arith::{self, CmpOp};
use crate::vm::Vm;

#[cold]
#[inline(never)]
fn not_numeric(vm: &mut Vm, name: &str) -> Stop {
    vm.argument_error(&format!("{name} requires a numeric argument"))
}

fn number(vm: &mut Vm, name: &str, v: Value) -> Result<f64, Stop> {
    match v.as_number() {
        Some(f) => Ok(f),
        None => Err(not_numeric(vm, name)),
    }
}

fn int(vm: &mut Vm, name: &str, v: Value) -> Result<i64, Stop> {
    match v.as_int() {
        Some(i) => Ok(i),
        None => Err(not_numeric(vm, name)),
    }
}

/// Absolute value of a number.
pub fn abs_of(vm: &mut Vm, v: Value) -> R {
    if let Some(f) = v.as_float() {
        return Ok(Value::float(f.abs()));
    }
    match int(vm, "abs", v)?.checked_abs() {
        Some(i) => Ok(vm.int(i)),
        None => Err(vm.runtime_error("Integer overflow in abs")),
    }
}

fn abs(vm: &mut Vm, a: &Args) -> R {
    abs_of(vm, a.get(0))
}

/// Int stays Int, Float gives Float.
fn whole(vm: &mut Vm, a: &Args, name: &str, f: fn(f64) -> f64) -> R {
    let v = a.get(0);
    if let Some(x) = v.as_float() {
        return Ok(Value::float(f(x)));
    }
    if v.is_int() { Ok(v) } else { Err(not_numeric(vm, name)) }
}

fn round(vm: &mut Vm, a: &Args) -> R {
    round_value(vm, a.get(0), a.opt(1))
}

/// Rounds to `digits` decimals (negative: to tens, hundreds), halves away from zero.
pub fn round_value(vm: &mut Vm, v: Value, digits: Option<Value>) -> R {
    let digits = match digits {
        None => 0,
        Some(d) => int(vm, "round", d)?,
    };
    if let Some(f) = v.as_float() {
        return Ok(Value::float(round_float(f, digits)));
    }
    let i = int(vm, "round", v)?;
    if digits >= 0 {
        return Ok(v);
    }
    match round_int(i, digits.unsigned_abs()) {
        Some(i) => Ok(vm.int(i)),
        None => Err(vm.runtime_error("Integer overflow in round")),
    }
}

fn round_int(i: i64, zeros: u64) -> Option<i64> {
    let Some(unit) = u32::try_from(zeros).ok().and_then(|z| 10i128.checked_pow(z)) else { return Some(0) };
    let up = (i as i128 + i.signum() as i128 * (unit / 2)) / unit * unit;
    i64::try_from(up).ok()
}

fn round_float(f: f64, digits: i64) -> f64 {
    if digits == 0 || !f.is_finite() {
        return f.round();
    }
    if digits > 340 {
        return f;
    }
    if digits < -308 {
        return 0.0 * f;
    }
    if digits < 0 {
        let unit = 10f64.powi(-digits as i32);
        return (f / unit).round() * unit;
    }
    let digits = digits as usize;
    let scale = 10f64.powi(digits as i32);
    let scaled = f * scale;
    let far_from_tie = ((scaled - scaled.floor()) - 0.5).abs() > 1e-4;
    if digits <= 22 && scaled.abs() < 1e15 && far_from_tie {
        // Both are exact: the quotient is the double nearest to the decimal.
        return scaled.round() / scale;
    }
    // Near a tie the product above may have rounded; the decimal expansion decides.
    let exact = format!("{f:.*}", digits + 30);
    let tie = exact[exact.len() - 30..].trim_end_matches('0') == "5";
    let text = if tie {
        // Formatting sends ties to even digits: cut them off and move away from zero instead.
        let kept = &exact[..exact.len() - 30];
        let nudged = format!("{kept}9");
        return round_up_last(&nudged).parse().unwrap_or(f);
    } else {
        format!("{f:.digits$}")
    };
    text.parse().unwrap_or(f)
}

/// A decimal text without its last digit, rounded away from zero.
fn round_up_last(text: &str) -> String {
    let mut digits: Vec<u8> = text[..text.len() - 1].bytes().collect();
    for i in (0..digits.len()).rev() {
        match digits[i] {
            b'9' => digits[i] = b'0',
            b'0'..=b'8' => {
                digits[i] += 1;
                return digits.into_iter().map(char::from).collect();
            }
            b'-' => {
                digits.insert(1, b'1');
                return digits.into_iter().map(char::from).collect();
            }
            _ => {}
        }
    }
    digits.insert(0, b'1');
    digits.into_iter().map(char::from).collect()
}

fn clamp(vm: &mut Vm, a: &Args) -> R {
    for i in 0..3 {
        number(vm, "clamp", a.get(i))?;
    }
    clamp_value(vm, a.get(0), a.get(1), a.get(2))
}

/// One of three numbers.
pub fn clamp_value(vm: &mut Vm, v: Value, lo: Value, hi: Value) -> R {
    if arith::compare(vm, CmpOp::Gt, lo, hi)? {
        return Err(vm.argument_error("clamp requires lo <= hi"));
    }
    Ok(if arith::compare(vm, CmpOp::Lt, v, lo)? {
        lo
    } else if arith::compare(vm, CmpOp::Gt, v, hi)? {
        hi
    } else {
        v
    })
}

fn extreme(vm: &mut Vm, a: &Args, name: &str, op: CmpOp) -> R {
    let array = a.get(0).get::<Array>(Kind::Array);
    let items = match array {
        Some(xs) if a.len() == 1 => xs.as_slice(),
        _ => a.rest(),
    };
    let Some((&first, rest)) = items.split_first() else {
        return Err(vm.argument_error(&format!("{name} requires at least one argument")));
    };
    number(vm, name, first)?;
    let mut best = first;
    for &v in rest {
        number(vm, name, v)?;
        if arith::compare(vm, op, v, best)? {
            best = v;
        }
    }
    Ok(best)
}

fn log(vm: &mut Vm, a: &Args) -> R {
    let x = number(vm, "log", a.get(0))?;
    let base = match a.opt(1) {
        None => return Ok(Value::float(x.ln())),
        Some(b) => number(vm, "log", b)?,
    };
    Ok(Value::float(if base == 2.0 {
        x.log2()
    } else if base == 10.0 {
        x.log10()
    } else {
        x.ln() / base.ln()
    }))
}

fn two(vm: &mut Vm, a: &Args, name: &str, f: fn(f64, f64) -> f64) -> R {
    let (x, y) = (number(vm, name, a.get(0))?, number(vm, name, a.get(1))?);
    Ok(Value::float(f(x, y)))
}

fn factorial(vm: &mut Vm, a: &Args) -> R {
    let n = int(vm, "factorial", a.get(0))?;
    if n < 0 {
        return Err(vm.argument_error("factorial requires a non-negative Int"));
    }
    let r = if n > 20 { None } else { (2..=n).try_fold(1i64, |p, i| p.checked_mul(i)) };
    match r {
        Some(i) => Ok(vm.int(i)),
        None => Err(vm.runtime_error("Integer overflow in factorial")),
    }
}

// --- randomness

fn random(vm: &mut Vm, _: &Args) -> R {
    Ok(Value::float(vm.rng.next_f64()))
}

fn random_int(vm: &mut Vm, a: &Args) -> R {
    let first = int(vm, "random_int", a.get(0))?;
    let (lo, hi) = match a.opt(1) {
        None if first < 1 => return Err(vm.argument_error("random_int requires a positive limit")),
        None => (0, first - 1),
        Some(v) => (first, int(vm, "random_int", v)?),
    };
    if lo > hi {
        return Err(vm.argument_error("random_int requires a <= b"));
    }
    let span = hi.wrapping_sub(lo) as u64;
    let r = if span == u64::MAX { vm.rng.next_u64() } else { vm.rng.below(span + 1) };
    Ok(vm.int(lo.wrapping_add(r as i64)))
}

fn seed(vm: &mut Vm, a: &Args) -> R {
    let n = int(vm, "seed", a.get(0))?;
    vm.rng = super::random::Rng::new(n as u64);
    Ok(Value::NIL)
}

fn random_bytes(vm: &mut Vm, a: &Args) -> R {
    let n = int(vm, "random_bytes", a.get(0))?;
    let Ok(n) = usize::try_from(n) else {
        return Err(vm.argument_error("random_bytes requires a non-negative count"));
    };
    check_len(vm, n)?;
    let mut bytes = Vec::with_capacity(n + 8);
    while bytes.len() < n {
        bytes.extend_from_slice(&vm.driver.seed().to_le_bytes());
    }
    Ok(vm.heap.bytes(&bytes[..n]).value())
}

macro_rules! float_fn {
    ($name:literal, $f:expr, $doc:literal) => {
        def!(
            $name,
            |vm, a| {
                let f: fn(f64) -> f64 = $f;
                Ok(Value::float(f(number(vm, $name, a.get(0))?)))
            },
            1,
            1,
            $doc
        )
    };
}

/// Global and in `math`.
#[rustfmt::skip]
pub static GLOBALS: &[NativeDef] = &[
    def!("abs", abs, 1, 1, "(abs x) -- Absolute value, of the same kind.
        (abs -5) => 5"),
    float_fn!("sqrt", f64::sqrt, "(sqrt x) -- Square root; NaN for a negative number.
        (sqrt 16) => 4.0"),
    def!("pow", |vm, a| two(vm, a, "pow", f64::powf), 2, 2, "(pow a b) -- Power, always a Float.
        (pow 2 10) => 1024.0"),
    def!("min", |vm, a| extreme(vm, a, "min", CmpOp::Lt), 0, VARIADIC, "(min a b...) -- The least of the arguments, or of one Array.
        (min 3 1 2) => 1"),
    def!("max", |vm, a| extreme(vm, a, "max", CmpOp::Gt), 0, VARIADIC, "(max a b...) -- The greatest of the arguments, or of one Array.
        (max [3 1 2]) => 3"),
    def!("floor", |vm, a| whole(vm, a, "floor", f64::floor), 1, 1, "(floor x) -- The nearest whole number below, of the same kind.
        (floor 2.7) => 2.0"),
    def!("ceil", |vm, a| whole(vm, a, "ceil", f64::ceil), 1, 1, "(ceil x) -- The nearest whole number above, of the same kind.
        (ceil 2.1) => 3.0"),
    def!("trunc", |vm, a| whole(vm, a, "trunc", f64::trunc), 1, 1, "(trunc x) -- The nearest whole number towards zero, of the same kind.
        (trunc -2.7) => -2.0"),
    def!("round", round, 1, 2, "(round x [digits]) -- Rounded, halves away from zero.
        (round 2.345 2) => 2.35"),
    def!("clamp", clamp, 3, 3, "(clamp x lo hi) -- The nearest number in lo..hi.
        (clamp 12 0 10) => 10"),
    def!("random", random, 0, 0, "(random) -- A Float in [0, 1).
        (random)"),
];

#[rustfmt::skip]
pub static MATH: &[NativeDef] = &[
    float_fn!("cbrt", f64::cbrt, "(math/cbrt x) -- Cube root.
        (math/cbrt 27) => 3.0"),
    float_fn!("sin", f64::sin, "(math/sin x) -- Sine; x in radians.
        (math/sin 0) => 0.0"),
    float_fn!("cos", f64::cos, "(math/cos x) -- Cosine; x in radians.
        (math/cos 0) => 1.0"),
    float_fn!("tan", f64::tan, "(math/tan x) -- Tangent; x in radians.
        (math/tan 0) => 0.0"),
    float_fn!("asin", f64::asin, "(math/asin x) -- Arc sine in radians.
        (math/asin 0) => 0.0"),
    float_fn!("acos", f64::acos, "(math/acos x) -- Arc cosine in radians.
        (math/acos 1) => 0.0"),
    float_fn!("atan", f64::atan, "(math/atan x) -- Arc tangent in radians.
        (math/atan 0) => 0.0"),
    float_fn!("sinh", f64::sinh, "(math/sinh x) -- Hyperbolic sine.
        (math/sinh 0) => 0.0"),
    float_fn!("cosh", f64::cosh, "(math/cosh x) -- Hyperbolic cosine.
        (math/cosh 0) => 1.0"),
    float_fn!("tanh", f64::tanh, "(math/tanh x) -- Hyperbolic tangent.
        (math/tanh 0) => 0.0"),
    def!("atan2", |vm, a| two(vm, a, "atan2", f64::atan2), 2, 2, "(math/atan2 y x) -- Angle of the point (x, y) in radians.
        (math/atan2 1 1) => 0.7853981633974483"),
    def!("log", log, 1, 2, "(math/log x [base]) -- Logarithm, natural by default.
        (math/log 8 2) => 3.0"),
    float_fn!("log10", f64::log10, "(math/log10 x) -- Logarithm to base 10.
        (math/log10 1000) => 3.0"),
    float_fn!("log2", f64::log2, "(math/log2 x) -- Logarithm to base 2.
        (math/log2 8) => 3.0"),
    float_fn!("exp", f64::exp, "(math/exp x) -- e to the power x.
        (math/exp 0) => 1.0"),
    def!("hypot", |vm, a| two(vm, a, "hypot", f64::hypot), 2, 2, "(math/hypot a b) -- Square root of a*a + b*b.
        (math/hypot 3 4) => 5.0"),
    float_fn!("radians", f64::to_radians, "(math/radians x) -- Degrees to radians.
        ((math/radians 180) == math/PI) => true"),
    float_fn!("degrees", f64::to_degrees, "(math/degrees x) -- Radians to degrees.
        (math/degrees math/PI) => 180.0"),
    float_fn!("fract", f64::fract, "(math/fract x) -- The part after the decimal point.
        (math/fract 2.5) => 0.5"),
    def!("factorial", factorial, 1, 1, "(math/factorial n) -- Product of 1..n.
        (math/factorial 5) => 120"),
    def!("random_int", random_int, 1, 2, "(math/random_int n) -- An Int in 0..n-1, or between two bounds.
        (math/random_int 6)"),
    def!("seed", seed, 1, 1, "(math/seed n) -- Restarts the generator.
        (math/seed 42)"),
    def!("random_bytes", random_bytes, 1, 1, "(math/random_bytes n) -- n Bytes from the system's source.
        ((math/random_bytes 4) .size) => 4"),
];

const CONSTANTS: [(&str, f64); 6] = [
    ("PI", std::f64::consts::PI),
    ("E", std::f64::consts::E),
    ("TAU", std::f64::consts::TAU),
    ("INF", f64::INFINITY),
    ("NAN", f64::NAN),
    ("EPSILON", f64::EPSILON),
];

pub fn install(vm: &mut Vm) {
    vm.add_globals(GLOBALS);
    let ns = vm.global_namespace("math");
    vm.add_functions(ns, GLOBALS);
    vm.add_functions(ns, MATH);
    for (name, f) in CONSTANTS {
        let s = vm.symbols.intern_static(name);
        vm.heap.namespace_set(ns, s, Value::float(f));
    }
    for (name, i) in [("MAX_INT", i64::MAX), ("MIN_INT", i64::MIN)] {
        let (s, v) = (vm.symbols.intern_static(name), vm.int(i));
        vm.heap.namespace_set(ns, s, v);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_decimal_and_away_from_zero() {
        assert_eq!(round_float(2.5, 0), 3.0);
        assert_eq!(round_float(-2.5, 0), -3.0);
        assert_eq!(round_float(5.14159, 2), 5.14);
        assert_eq!(round_float(0.125, 2), 0.13);
        assert_eq!(round_float(-0.125, 2), -0.13);
        assert_eq!(round_float(9.995, 2), 9.99); // the double is a little below
        assert_eq!(round_float(99.5, 0), 100.0);
        assert_eq!(round_float(9.96875, 4), 9.9688);
        assert_eq!(round_float(0.5, 1), 0.5);
        assert_eq!(round_float(2.675, 2), 2.67);
        assert_eq!(round_float(1e300, 5), 1e300);
        assert_eq!(round_float(1250.0, -2), 1300.0);
        assert_eq!(round_float(1.0, 400), 1.0);
        assert_eq!(round_int(1250, 2), Some(1300));
        assert_eq!(round_int(-1250, 2), Some(-1300));
        assert_eq!(round_int(1249, 2), Some(1200));
        assert_eq!(round_int(i64::MAX, 1), None);
        assert_eq!(round_int(5, 60), Some(0));
    }

    #[test]
    fn rounding_up_carries() {
        assert_eq!(round_up_last("0.129"), "0.13");
        assert_eq!(round_up_last("-9.99x"), "-10.00");
        assert_eq!(round_up_last("99x"), "100");
    }
}
