//! Methods of Int and Float.
use super::args::{int, wrong_kind};
use super::char::from_code;
use super::math;
use crate::def;
use crate::heap::Kind;
use crate::native::{Args, NativeDef, R, Stop};
use crate::value::Value;
use crate::value::arith;
use crate::vm::Vm;

/// The receiver of an Int method.
fn this(vm: &mut Vm, a: &Args) -> Result<i64, Stop> {
    match a.this().as_int() {
        Some(i) => Ok(i),
        None => Err(wrong_kind(vm, "Int method", "Int", a.this())),
    }
}

/// The receiver of a Float method.
fn this_float(vm: &mut Vm, a: &Args) -> Result<f64, Stop> {
    match a.this().as_float() {
        Some(f) => Ok(f),
        None => Err(wrong_kind(vm, "Float method", "Float", a.this())),
    }
}

fn number(vm: &mut Vm, name: &str, v: Value) -> Result<f64, Stop> {
    match v.as_number() {
        Some(f) => Ok(f),
        None => Err(wrong_kind(vm, name, "Int or Float", v)),
    }
}

#[cold]
fn overflow(vm: &mut Vm, what: &str) -> Stop {
    vm.runtime_error(&format!("Integer overflow in {what}"))
}

fn checked(vm: &mut Vm, r: Option<i64>, what: &str) -> R {
    match r {
        Some(i) => Ok(vm.int(i)),
        None => Err(overflow(vm, what)),
    }
}

// --- conversions

fn int_to_s(vm: &mut Vm, a: &Args) -> R {
    let i = this(vm, a)?;
    let Some(base) = a.opt(0) else {
        let text = i.to_string();
        return Ok(vm.str(&text));
    };
    let base = int(vm, "to_s", base)?;
    if !(2..=36).contains(&base) {
        return Err(vm.argument_error(&format!("to_s base must be in 2..36, got {base}")));
    }
    let text = in_base(i, base as u64);
    Ok(vm.str(&text))
}

/// Digits in a base from 2 to 36.
pub fn in_base(i: i64, base: u64) -> String {
    let mut digits = [0u8; 65];
    let mut at = digits.len();
    let mut n = i.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b"0123456789abcdefghijklmnopqrstuvwxyz"[(n % base) as usize];
        n /= base;
        if n == 0 {
            break;
        }
    }
    if i < 0 {
        at -= 1;
        digits[at] = b'-';
    }
    digits[at..].iter().map(|&b| b as char).collect()
}

fn float_to_i(vm: &mut Vm, a: &Args) -> R {
    match arith::float_to_int(this_float(vm, a)?) {
        Some(i) => Ok(vm.int(i)),
        None => Err(vm.argument_error("Float out of Int range")),
    }
}

fn to_f(vm: &mut Vm, a: &Args) -> R {
    Ok(Value::float(number(vm, "to_f", a.this())?))
}

fn itself(_: &mut Vm, a: &Args) -> R {
    Ok(a.this())
}

fn yes(_: &mut Vm, _: &Args) -> R {
    Ok(Value::TRUE)
}

fn no(_: &mut Vm, _: &Args) -> R {
    Ok(Value::FALSE)
}

// --- arithmetic

fn neg(vm: &mut Vm, a: &Args) -> R {
    arith::neg(vm, a.this())
}

fn abs(vm: &mut Vm, a: &Args) -> R {
    math::abs_of(vm, a.this())
}

fn sign(vm: &mut Vm, a: &Args) -> R {
    let x = number(vm, "sign", a.this())?;
    Ok(Value::small((x > 0.0) as i64 - (x < 0.0) as i64))
}

fn quotient(vm: &mut Vm, a: &Args) -> R {
    arith::floor_div(vm, a.this(), a.get(0))
}

fn modulo(vm: &mut Vm, a: &Args) -> R {
    arith::floor_mod(vm, a.this(), a.get(0))
}

fn truncated_quotient(vm: &mut Vm, a: &Args) -> R {
    arith::trunc_div(vm, a.this(), a.get(0))
}

fn remainder(vm: &mut Vm, a: &Args) -> R {
    number(vm, "rem", a.get(0))?;
    arith::rem(vm, a.this(), a.get(0))
}

fn divmod(vm: &mut Vm, a: &Args) -> R {
    number(vm, "divmod", a.get(0))?;
    let q = arith::floor_div(vm, a.this(), a.get(0))?;
    let r = arith::floor_mod(vm, a.this(), a.get(0))?;
    Ok(vm.array(&[q, r]))
}

fn pow(vm: &mut Vm, a: &Args) -> R {
    number(vm, "pow", a.get(0))?;
    arith::pow(vm, a.this(), a.get(0))
}

fn sqrt(vm: &mut Vm, a: &Args) -> R {
    Ok(Value::float(number(vm, "sqrt", a.this())?.sqrt()))
}

fn isqrt(vm: &mut Vm, a: &Args) -> R {
    match this(vm, a)?.checked_isqrt() {
        Some(r) => Ok(vm.int(r)),
        None => Err(vm.argument_error("isqrt requires a non-negative Int")),
    }
}

fn gcd_of(a: u64, b: u64) -> u64 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn gcd(vm: &mut Vm, a: &Args) -> R {
    let (x, y) = (this(vm, a)?, int(vm, "gcd", a.get(0))?);
    checked(vm, i64::try_from(gcd_of(x.unsigned_abs(), y.unsigned_abs())).ok(), "gcd")
}

fn lcm(vm: &mut Vm, a: &Args) -> R {
    let (x, y) = (this(vm, a)?.unsigned_abs(), int(vm, "lcm", a.get(0))?.unsigned_abs());
    if x == 0 || y == 0 {
        return Ok(Value::small(0));
    }
    let r = (x / gcd_of(x, y)).checked_mul(y).and_then(|r| i64::try_from(r).ok());
    checked(vm, r, "lcm")
}

/// Deterministic Miller-Rabin: these bases decide every 64-bit number.
fn is_prime(n: u64) -> bool {
    const SMALL: [u64; 12] = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];
    if n < 2 {
        return false;
    }
    if let Some(p) = SMALL.iter().find(|&&p| n.is_multiple_of(p)) {
        return n == *p;
    }
    let mul = |a: u64, b: u64| (a as u128 * b as u128 % n as u128) as u64;
    let power = |base: u64, mut e: u64| {
        let (mut r, mut b) = (1, base);
        while e > 0 {
            if e & 1 == 1 {
                r = mul(r, b);
            }
            b = mul(b, b);
            e >>= 1;
        }
        r
    };
    let twos = (n - 1).trailing_zeros();
    let odd = (n - 1) >> twos;
    SMALL.iter().all(|&base| {
        let mut x = power(base, odd);
        if x == 1 || x == n - 1 {
            return true;
        }
        for _ in 1..twos {
            x = mul(x, x);
            if x == n - 1 {
                return true;
            }
        }
        false
    })
}

fn prime(vm: &mut Vm, a: &Args) -> R {
    Ok(Value::bool(u64::try_from(this(vm, a)?).is_ok_and(is_prime)))
}

fn even(vm: &mut Vm, a: &Args) -> R {
    Ok(Value::bool(this(vm, a)? & 1 == 0))
}

fn odd(vm: &mut Vm, a: &Args) -> R {
    Ok(Value::bool(this(vm, a)? & 1 == 1))
}

fn test(vm: &mut Vm, a: &Args, t: fn(f64) -> bool) -> R {
    Ok(Value::bool(t(number(vm, "test", a.this())?)))
}

fn round(vm: &mut Vm, a: &Args) -> R {
    math::round_value(vm, a.this(), a.opt(0))
}

fn clamp(vm: &mut Vm, a: &Args) -> R {
    number(vm, "clamp", a.get(0))?;
    number(vm, "clamp", a.get(1))?;
    math::clamp_value(vm, a.this(), a.get(0), a.get(1))
}

// --- sequences

fn range_to(vm: &mut Vm, a: &Args, name: &str, step: i64) -> R {
    number(vm, name, a.get(0))?;
    Ok(vm.heap.record(Kind::Range, 0, &[a.this(), a.get(0), Value::small(step)]).value())
}

fn digits(vm: &mut Vm, a: &Args) -> R {
    let text = this(vm, a)?.unsigned_abs().to_string();
    let items: Vec<Value> = text.bytes().map(|b| Value::small((b - b'0') as i64)).collect();
    Ok(vm.array(&items))
}

fn chr(vm: &mut Vm, a: &Args) -> R {
    from_code(vm, "chr", a.this())
}

// --- bits

fn bits(vm: &mut Vm, a: &Args, name: &str, f: fn(i64, i64) -> i64) -> R {
    let (x, y) = (this(vm, a)?, int(vm, name, a.get(0))?);
    Ok(vm.int(f(x, y)))
}

fn shift(vm: &mut Vm, a: &Args, name: &str, f: fn(i64, i64) -> i64) -> R {
    let (x, n) = (this(vm, a)?, int(vm, name, a.get(0))?);
    if !(0..64).contains(&n) {
        return Err(vm.argument_error(&format!("Shift count out of range: {n}")));
    }
    Ok(vm.int(f(x, n)))
}

fn bit_not(vm: &mut Vm, a: &Args) -> R {
    let x = this(vm, a)?;
    Ok(vm.int(!x))
}

fn bit_count(vm: &mut Vm, a: &Args) -> R {
    Ok(Value::small(this(vm, a)?.count_ones() as i64))
}

fn bit_length(vm: &mut Vm, a: &Args) -> R {
    Ok(Value::small(64 - this(vm, a)?.unsigned_abs().leading_zeros() as i64))
}

#[rustfmt::skip]
pub static INT: &[NativeDef] = &[
    def!("to_i", itself, 0, 0, "(n .to_i) -- Itself.
        (5 .to_i) => 5"),
    def!("to_s", int_to_s, 0, 1, r#"(n .to_s [base]) -- Digits in a base from 2 to 36, 10 by default.
        (255 .to_s 16) => "ff""#),
    def!("even?", even, 0, 0, "(n .even?) -- Is it divisible by 2?
        (4 .even?) => true"),
    def!("odd?", odd, 0, 0, "(n .odd?) -- Is it not divisible by 2?
        (4 .odd?) => false"),
    def!("prime?", prime, 0, 0, "(n .prime?) -- Is it a prime number?
        (7 .prime?) => true"),
    def!("gcd", gcd, 1, 1, "(n .gcd m) -- Greatest common divisor.
        (12 .gcd 18) => 6"),
    def!("lcm", lcm, 1, 1, "(n .lcm m) -- Least common multiple.
        (4 .lcm 6) => 12"),
    def!("isqrt", isqrt, 0, 0, "(n .isqrt) -- The square root, rounded down.
        (17 .isqrt) => 4"),
    def!("digits", digits, 0, 0, "(n .digits) -- Decimal digits, most significant first.
        (407 .digits) => [4 0 7]"),
    def!("chr", chr, 0, 0, "(n .chr) -- The Char with this code point.
        (97 .chr) => 'a'"),
    def!("band", |vm, a| bits(vm, a, "band", |x, y| x & y), 1, 1, "(n .band m) -- Bitwise and.
        (6 .band 3) => 2"),
    def!("bor", |vm, a| bits(vm, a, "bor", |x, y| x | y), 1, 1, "(n .bor m) -- Bitwise or.
        (6 .bor 3) => 7"),
    def!("bxor", |vm, a| bits(vm, a, "bxor", |x, y| x ^ y), 1, 1, "(n .bxor m) -- Bitwise exclusive or.
        (6 .bxor 3) => 5"),
    def!("bnot", bit_not, 0, 0, "(n .bnot) -- Bitwise complement.
        (5 .bnot) => -6"),
    def!("shl", |vm, a| shift(vm, a, "shl", |x, n| x << n), 1, 1, "(n .shl k) -- Shifted left by k bits.
        (1 .shl 4) => 16"),
    def!("shr", |vm, a| shift(vm, a, "shr", |x, n| x >> n), 1, 1, "(n .shr k) -- Shifted right by k bits, keeping the sign.
        (-16 .shr 2) => -4"),
    def!("ushr", |vm, a| shift(vm, a, "ushr", |x, n| ((x as u64) >> n) as i64), 1, 1, "(n .ushr k) -- Shifted right by k bits, zeros coming in.
        (-1 .ushr 60) => 15"),
    def!("bit_count", bit_count, 0, 0, "(n .bit_count) -- Number of one bits.
        (7 .bit_count) => 3"),
    def!("bit_length", bit_length, 0, 0, "(n .bit_length) -- Bits needed for the absolute value.
        (255 .bit_length) => 8"),
    def!("wrapping_add", |vm, a| bits(vm, a, "wrapping_add", i64::wrapping_add), 1, 1, "(n .wrapping_add m) -- Sum modulo 2^64.
        (9223372036854775807 .wrapping_add 1) => -9223372036854775808"),
    def!("wrapping_sub", |vm, a| bits(vm, a, "wrapping_sub", i64::wrapping_sub), 1, 1, "(n .wrapping_sub m) -- Difference modulo 2^64.
        (3 .wrapping_sub 5) => -2"),
    def!("wrapping_mul", |vm, a| bits(vm, a, "wrapping_mul", i64::wrapping_mul), 1, 1, "(n .wrapping_mul m) -- Product modulo 2^64.
        (4611686018427387904 .wrapping_mul 2) => -9223372036854775808"),
    def!("floor", itself, 0, 0, "(n .floor) -- Itself.
        (5 .floor) => 5"),
    def!("ceil", itself, 0, 0, "(n .ceil) -- Itself.
        (5 .ceil) => 5"),
    def!("trunc", itself, 0, 0, "(n .trunc) -- Itself.
        (5 .trunc) => 5"),
    def!("nan?", no, 0, 0, "(n .nan?) -- false.
        (5 .nan?) => false"),
    def!("infinite?", no, 0, 0, "(n .infinite?) -- false.
        (5 .infinite?) => false"),
    def!("finite?", yes, 0, 0, "(n .finite?) -- true.
        (5 .finite?) => true"),
    def!("integer?", yes, 0, 0, "(n .integer?) -- true.
        (5 .integer?) => true"),
];

#[rustfmt::skip]
pub static FLOAT: &[NativeDef] = &[
    def!("to_i", float_to_i, 0, 0, "(x .to_i) -- The whole part as an Int.
        (2.7 .to_i) => 2"),
    def!("to_s", |vm, a| { let t = crate::value::float::text(this_float(vm, a)?); Ok(vm.str(&t)) }, 0, 0, r#"(x .to_s) -- Its text.
        (2.5 .to_s) => "2.5""#),
    def!("floor", |vm, a| Ok(Value::float(this_float(vm, a)?.floor())), 0, 0, "(x .floor) -- The nearest whole Float below.
        (2.7 .floor) => 2.0"),
    def!("ceil", |vm, a| Ok(Value::float(this_float(vm, a)?.ceil())), 0, 0, "(x .ceil) -- The nearest whole Float above.
        (2.1 .ceil) => 3.0"),
    def!("trunc", |vm, a| Ok(Value::float(this_float(vm, a)?.trunc())), 0, 0, "(x .trunc) -- The nearest whole Float towards zero.
        (-2.7 .trunc) => -2.0"),
    def!("nan?", |vm, a| test(vm, a, f64::is_nan), 0, 0, "(x .nan?) -- Is it not a number?
        (math/NAN .nan?) => true"),
    def!("infinite?", |vm, a| test(vm, a, f64::is_infinite), 0, 0, "(x .infinite?) -- Is it an infinity?
        (math/INF .infinite?) => true"),
    def!("finite?", |vm, a| test(vm, a, f64::is_finite), 0, 0, "(x .finite?) -- Is it neither NaN nor infinite?
        (2.5 .finite?) => true"),
    def!("integer?", |vm, a| test(vm, a, |x| x.is_finite() && x.fract() == 0.0), 0, 0, "(x .integer?) -- Has it no fraction?
        (2.0 .integer?) => true"),
];

/// For both classes.
#[rustfmt::skip]
pub static NUMBER: &[NativeDef] = &[
    def!("to_f", to_f, 0, 0, "(n .to_f) -- As a Float.
        (5 .to_f) => 5.0"),
    def!("to_bool", yes, 0, 0, "(n .to_bool) -- true.
        (0 .to_bool) => true"),
    def!("abs", abs, 0, 0, "(n .abs) -- Absolute value.
        (-5 .abs) => 5"),
    def!("neg", neg, 0, 0, "(n .neg) -- Negation.
        (5 .neg) => -5"),
    def!("sign", sign, 0, 0, "(n .sign) -- -1, 0 or 1.
        (-5 .sign) => -1"),
    def!("div", quotient, 1, 1, "(n .div b) -- Quotient rounded down, an Int.
        (-7 .div 2) => -4"),
    def!("mod", modulo, 1, 1, "(n .mod b) -- Remainder of div, with the sign of b.
        (-7 .mod 2) => 1"),
    def!("quo", truncated_quotient, 1, 1, "(n .quo b) -- Quotient rounded towards zero, an Int.
        (-7 .quo 2) => -3"),
    def!("rem", remainder, 1, 1, "(n .rem b) -- Remainder of quo, with the sign of n.
        (-7 .rem 2) => -1"),
    def!("divmod", divmod, 1, 1, "(n .divmod b) -- [div mod].
        (7 .divmod 2) => [3 1]"),
    def!("pow", pow, 1, 1, "(n .pow b) -- n ** b.
        (2 .pow 10) => 1024"),
    def!("sqrt", sqrt, 0, 0, "(n .sqrt) -- Square root, a Float.
        (9 .sqrt) => 3.0"),
    def!("round", round, 0, 1, "(n .round [digits]) -- Rounded, halves away from zero.
        (2.345 .round 2) => 2.35"),
    def!("clamp", clamp, 2, 2, "(n .clamp lo hi) -- The nearest number in lo..hi.
        (12 .clamp 0 10) => 10"),
    def!("zero?", |vm, a| test(vm, a, |x| x == 0.0), 0, 0, "(n .zero?) -- Is it zero?
        (0 .zero?) => true"),
    def!("positive?", |vm, a| test(vm, a, |x| x > 0.0), 0, 0, "(n .positive?) -- Is it above zero?
        (5 .positive?) => true"),
    def!("negative?", |vm, a| test(vm, a, |x| x < 0.0), 0, 0, "(n .negative?) -- Is it below zero?
        (5 .negative?) => false"),
    def!("up_to", |vm, a| range_to(vm, a, "up_to", 1), 1, 1, "(n .up_to m) -- The Range n..m.
        (1 .up_to 3) => 1..3"),
    def!("down_to", |vm, a| range_to(vm, a, "down_to", -1), 1, 1, "(n .down_to m) -- The Range from n down to m.
        (3 .down_to 1) => 3..1 step -1"),
];

pub fn install(vm: &mut Vm) {
    let (int_class, float_class) = (vm.classes.int, vm.classes.float);
    vm.add_methods(int_class, NUMBER);
    vm.add_methods(float_class, NUMBER);
    vm.add_methods(int_class, INT);
    vm.add_methods(float_class, FLOAT);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_in_a_base() {
        assert_eq!(in_base(255, 16), "ff");
        assert_eq!(in_base(-5, 2), "-101");
        assert_eq!(in_base(0, 36), "0");
        assert_eq!(in_base(i64::MIN, 2), format!("-1{}", "0".repeat(63)));
    }

    #[test]
    fn primes() {
        let small: Vec<u64> = (0..60).filter(|&n| is_prime(n)).collect();
        assert_eq!(small, [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59]);
        assert!(is_prime(9_223_372_036_854_775_783));
        assert!(!is_prime(3_215_031_751)); // a strong pseudoprime to 2, 3, 5 and 7
        assert!(!is_prime(9_223_372_036_854_775_807));
    }
}
