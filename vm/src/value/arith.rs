//! What the arithmetic, comparison and bit operators mean: the reference semantics (language 2.4, 3.4 to 3.6).
//!
//! The interpreter handles small Ints and Floats itself; everything else (overflow of 48 bits, mixed operands, Durations,
//! Strings, Bytes, errors) comes here.
use crate::heap::{Kind, Record};
use crate::library::args::wrong_kind;
use crate::native::{R, Stop};
use crate::object::string;
use crate::object::temporal;
use crate::value::Value;
use crate::vm::Vm;
use std::cmp::Ordering;

/// An ordering operator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CmpOp {
    Lt,
    Le,
    Gt,
    Ge,
}

impl CmpOp {
    pub fn symbol(self) -> &'static str {
        match self {
            CmpOp::Lt => "<",
            CmpOp::Le => "<=",
            CmpOp::Gt => ">",
            CmpOp::Ge => ">=",
        }
    }
    #[inline]
    pub fn holds(self, o: Ordering) -> bool {
        match self {
            CmpOp::Lt => o == Ordering::Less,
            CmpOp::Le => o != Ordering::Greater,
            CmpOp::Gt => o == Ordering::Greater,
            CmpOp::Ge => o != Ordering::Less,
        }
    }
}

/// Two numbers, as far as they are alike.
enum Numbers {
    Ints(i64, i64),
    Floats(f64, f64),
}

#[inline(always)]
fn numbers(a: Value, b: Value) -> Option<Numbers> {
    match (a.as_int(), b.as_int()) {
        (Some(x), Some(y)) => Some(Numbers::Ints(x, y)),
        _ => Some(Numbers::Floats(a.as_number()?, b.as_number()?)),
    }
}

#[cold]
#[inline(never)]
fn overflow(vm: &mut Vm, what: &str) -> Stop {
    vm.runtime_error(&format!("Integer overflow in {what}"))
}

/// `Cannot VERB K and K`.
#[cold]
#[inline(never)]
fn unsupported(vm: &mut Vm, verb: &str, a: Value, b: Value) -> Stop {
    let m = format!("Cannot {verb} {} and {}", vm.kind_name(a), vm.kind_name(b));
    vm.type_error(&m)
}

fn checked(vm: &mut Vm, r: Option<i64>, what: &str) -> R {
    match r {
        Some(i) => Ok(vm.int(i)),
        None => Err(overflow(vm, what)),
    }
}

pub fn add(vm: &mut Vm, a: Value, b: Value) -> R {
    match numbers(a, b) {
        Some(Numbers::Ints(x, y)) => checked(vm, x.checked_add(y), "addition"),
        Some(Numbers::Floats(x, y)) => Ok(Value::float(x + y)),
        None => match temporal::add(vm, a, b)? {
            Some(v) => Ok(v),
            None => Err(unsupported(vm, "add", a, b)),
        },
    }
}

pub fn sub(vm: &mut Vm, a: Value, b: Value) -> R {
    match numbers(a, b) {
        Some(Numbers::Ints(x, y)) => checked(vm, x.checked_sub(y), "subtraction"),
        Some(Numbers::Floats(x, y)) => Ok(Value::float(x - y)),
        None => match temporal::sub(vm, a, b)? {
            Some(v) => Ok(v),
            None => Err(unsupported(vm, "subtract", a, b)),
        },
    }
}

pub fn mul(vm: &mut Vm, a: Value, b: Value) -> R {
    match numbers(a, b) {
        Some(Numbers::Ints(x, y)) => checked(vm, x.checked_mul(y), "multiplication"),
        Some(Numbers::Floats(x, y)) => Ok(Value::float(x * y)),
        None => match temporal::mul(vm, a, b)? {
            Some(v) => Ok(v),
            None => Err(unsupported(vm, "multiply", a, b)),
        },
    }
}

pub fn div(vm: &mut Vm, a: Value, b: Value) -> R {
    match numbers(a, b) {
        Some(Numbers::Ints(_, 0)) => Err(vm.runtime_error("Division by zero")),
        Some(Numbers::Ints(x, y)) => Ok(Value::float(x as f64 / y as f64)),
        Some(Numbers::Floats(x, y)) => Ok(Value::float(x / y)),
        None => match temporal::div(vm, a, b)? {
            Some(v) => Ok(v),
            None => Err(unsupported(vm, "divide", a, b)),
        },
    }
}

/// `%`: the sign is that of the left operand.
pub fn rem(vm: &mut Vm, a: Value, b: Value) -> R {
    match numbers(a, b) {
        Some(Numbers::Ints(_, 0)) => Err(vm.runtime_error("Modulo by zero")),
        Some(Numbers::Ints(x, y)) => Ok(vm.int(x.wrapping_rem(y))),
        Some(Numbers::Floats(x, y)) => Ok(Value::float(x % y)),
        None => Err(unsupported(vm, "compute modulo of", a, b)),
    }
}

pub fn pow(vm: &mut Vm, a: Value, b: Value) -> R {
    match numbers(a, b) {
        Some(Numbers::Ints(x, y)) if y >= 0 => checked(vm, int_pow(x, y), "power"),
        Some(Numbers::Ints(x, y)) => Ok(Value::float((x as f64).powf(y as f64))),
        Some(Numbers::Floats(x, y)) => Ok(Value::float(x.powf(y))),
        None => Err(unsupported(vm, "raise", a, b)),
    }
}

/// `x ** y` for `y >= 0`.
fn int_pow(x: i64, y: i64) -> Option<i64> {
    match u32::try_from(y) {
        Ok(y) => x.checked_pow(y),
        Err(_) => match x {
            0 | 1 => Some(x),
            -1 => Some(if y % 2 == 0 { 1 } else { -1 }),
            _ => None,
        },
    }
}

/// Floored quotient (`.div`); `b` must be a number too.
pub fn floor_div(vm: &mut Vm, a: Value, b: Value) -> R {
    match numbers(a, b) {
        Some(Numbers::Ints(_, 0)) => Err(vm.runtime_error("Division by zero")),
        Some(Numbers::Ints(x, y)) => checked(vm, floor_div_int(x, y), "division"),
        Some(Numbers::Floats(_, 0.0)) => Err(vm.runtime_error("Division by zero")),
        Some(Numbers::Floats(x, y)) => float_quotient(vm, (x / y).floor()),
        None => Err(wrong_kind(vm, "div", "Int or Float", b)),
    }
}

/// Remainder of [`floor_div`]: the sign is that of `b`.
pub fn floor_mod(vm: &mut Vm, a: Value, b: Value) -> R {
    match numbers(a, b) {
        Some(Numbers::Ints(_, 0)) => Err(vm.runtime_error("Modulo by zero")),
        Some(Numbers::Ints(x, y)) => Ok(vm.int(floor_mod_int(x, y))),
        Some(Numbers::Floats(x, y)) => Ok(Value::float(floor_mod_float(x, y))),
        None => Err(wrong_kind(vm, "mod", "Int or Float", b)),
    }
}

/// Truncated quotient (`.quo`).
pub fn trunc_div(vm: &mut Vm, a: Value, b: Value) -> R {
    match numbers(a, b) {
        Some(Numbers::Ints(_, 0)) => Err(vm.runtime_error("Division by zero")),
        Some(Numbers::Ints(x, y)) => checked(vm, x.checked_div(y), "division"),
        Some(Numbers::Floats(_, 0.0)) => Err(vm.runtime_error("Division by zero")),
        Some(Numbers::Floats(x, y)) => float_quotient(vm, (x / y).trunc()),
        None => Err(wrong_kind(vm, "quo", "Int or Float", b)),
    }
}

fn float_quotient(vm: &mut Vm, q: f64) -> R {
    match float_to_int(q) {
        Some(i) => Ok(vm.int(i)),
        None => Err(vm.argument_error("Float out of Int range")),
    }
}

/// `None` on overflow.
pub fn floor_div_int(x: i64, y: i64) -> Option<i64> {
    let q = x.checked_div(y)?;
    Some(if x.wrapping_rem(y) != 0 && (x < 0) != (y < 0) { q - 1 } else { q })
}

pub fn floor_mod_int(x: i64, y: i64) -> i64 {
    let r = x.wrapping_rem(y);
    if r != 0 && (r < 0) != (y < 0) { r + y } else { r }
}

pub fn floor_mod_float(x: f64, y: f64) -> f64 {
    let r = x % y;
    if r != 0.0 && (r < 0.0) != (y < 0.0) { r + y } else { r }
}

/// Truncates; `None` for NaN, infinities and values outside the Int range.
pub fn float_to_int(f: f64) -> Option<i64> {
    // -2^63 is a double, 2^63 is the first value too large.
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&f) { Some(f as i64) } else { None }
}

/// Unary minus.
pub fn neg(vm: &mut Vm, a: Value) -> R {
    if let Some(i) = a.as_int() {
        return checked(vm, i.checked_neg(), "negation");
    }
    if let Some(f) = a.as_float() {
        return Ok(Value::float(-f));
    }
    if a.is_kind(Kind::Duration) {
        return match temporal::micros(a).checked_neg() {
            Some(us) => Ok(vm.duration(us)),
            None => Err(vm.runtime_error("Duration overflow")),
        };
    }
    let m = format!("Cannot negate {}", vm.kind_name(a));
    Err(vm.type_error(&m))
}

/// `++`.
pub fn concat(vm: &mut Vm, a: Value, b: Value) -> R {
    if let (Some(x), Some(y)) = (vm.as_string(a), b.as_str()) {
        if x.byte_len() + y.len() > string::MAX_LEN {
            return Err(vm.runtime_error("String too long"));
        }
        return Ok(if y.is_empty() { a } else { vm.heap.string_append(x, &[y]).value() });
    }
    if let (Some(x), Some(y)) = (vm.as_array(a), vm.as_array(b)) {
        if x.size() + y.size() > crate::object::array::MAX_LEN {
            return Err(vm.runtime_error("Array too long"));
        }
        let c = vm.heap.array_with_capacity(x.size() + y.size());
        vm.heap.array_extend(c, x.as_slice());
        vm.heap.array_extend(c, y.as_slice());
        return Ok(c.value());
    }
    Err(vm.type_error("++ expects String arguments"))
}

// --- bits

fn shift_count(vm: &mut Vm, n: i64, ok: bool) -> Result<(), Stop> {
    if ok { Ok(()) } else { Err(vm.argument_error(&format!("Shift count out of range: {n}"))) }
}

pub fn shl(vm: &mut Vm, a: Value, b: Value) -> R {
    shift(vm, a, b, true)
}

pub fn shr(vm: &mut Vm, a: Value, b: Value) -> R {
    shift(vm, a, b, false)
}

fn shift(vm: &mut Vm, a: Value, b: Value, left: bool) -> R {
    if let Some(n) = b.as_int() {
        if let Some(x) = a.as_int() {
            shift_count(vm, n, (0..64).contains(&n))?;
            return Ok(vm.int(if left { x << n } else { x >> n }));
        }
        if let Some(bytes) = a.as_bytes() {
            shift_count(vm, n, n >= 0)?;
            let shifted = shift_bytes(bytes, n as u64, left);
            return Ok(vm.heap.bytes(&shifted).value());
        }
    }
    Err(unsupported(vm, "shift", a, b))
}

/// Big-endian shift within the same length; zeros come in.
fn shift_bytes(b: &[u8], n: u64, left: bool) -> Vec<u8> {
    let len = b.len();
    let mut out = vec![0; len];
    let (skip, bits) = (n / 8, (n % 8) as u32);
    if skip >= len as u64 {
        return out;
    }
    let skip = skip as usize;
    for (i, o) in out.iter_mut().enumerate() {
        *o = if left {
            let at = |j: usize| b.get(j).copied().unwrap_or(0) as u16;
            ((at(i + skip) << 8 | at(i + skip + 1)) << bits >> 8) as u8
        } else {
            let at = |j: Option<usize>| j.map_or(0, |j| b[j]) as u16;
            ((at(i.checked_sub(skip + 1)) << 8 | at(i.checked_sub(skip))) >> bits) as u8
        };
    }
    out
}

fn bitwise_bytes(vm: &mut Vm, a: &[u8], b: &[u8], f: fn(u8, u8) -> u8) -> R {
    if a.len() != b.len() {
        return Err(vm.argument_error(&format!("Bytes length mismatch: {} and {}", a.len(), b.len())));
    }
    let out: Vec<u8> = a.iter().zip(b).map(|(&x, &y)| f(x, y)).collect();
    Ok(vm.heap.bytes(&out).value())
}

/// `&&` with both operands evaluated.
pub fn bit_and(vm: &mut Vm, a: Value, b: Value) -> R {
    if let (Some(x), Some(y)) = (a.as_int(), b.as_int()) {
        return Ok(vm.int(x & y));
    }
    if let (Some(x), Some(y)) = (a.as_bytes(), b.as_bytes()) {
        return bitwise_bytes(vm, x, y, |x, y| x & y);
    }
    Ok(if a.truthy() { b } else { a })
}

/// `||` with both operands evaluated.
pub fn bit_or(vm: &mut Vm, a: Value, b: Value) -> R {
    if let (Some(x), Some(y)) = (a.as_int(), b.as_int()) {
        return Ok(vm.int(x | y));
    }
    if let (Some(x), Some(y)) = (a.as_bytes(), b.as_bytes()) {
        return bitwise_bytes(vm, x, y, |x, y| x | y);
    }
    Ok(if a.truthy() { a } else { b })
}

/// `&|&`.
pub fn bit_xor(vm: &mut Vm, a: Value, b: Value) -> R {
    if let (Some(x), Some(y)) = (a.as_int(), b.as_int()) {
        return Ok(vm.int(x ^ y));
    }
    if let (Some(x), Some(y)) = (a.as_bytes(), b.as_bytes()) {
        return bitwise_bytes(vm, x, y, |x, y| x ^ y);
    }
    Ok(Value::bool(a.truthy() != b.truthy()))
}

/// `!`.
pub fn bit_not(vm: &mut Vm, a: Value) -> R {
    if let Some(x) = a.as_int() {
        return Ok(vm.int(!x));
    }
    if let Some(x) = a.as_bytes() {
        let out: Vec<u8> = x.iter().map(|b| !b).collect();
        return Ok(vm.heap.bytes(&out).value());
    }
    Ok(Value::bool(!a.truthy()))
}

// --- order

/// Compares by mathematical value; `None` when the double is NaN.
pub fn cmp_int_float(i: i64, f: f64) -> Option<Ordering> {
    if f.is_nan() {
        return None;
    }
    if f >= 9_223_372_036_854_775_808.0 {
        return Some(Ordering::Less);
    }
    if f < -9_223_372_036_854_775_808.0 {
        return Some(Ordering::Greater);
    }
    // The whole part fits; when the whole parts are equal the fraction decides.
    let whole = f.trunc();
    Some(i.cmp(&(whole as i64)).then_with(|| 0.0_f64.partial_cmp(&(f - whole)).unwrap_or(Ordering::Equal)))
}

/// The order of two values; `Err(())` when their kinds have none, `Ok(None)` when a NaN takes part.
#[allow(clippy::result_unit_err)]
pub fn order(a: Value, b: Value) -> Result<Option<Ordering>, ()> {
    if Value::both_small(a, b) {
        return Ok(Some(a.small_int().cmp(&b.small_int())));
    }
    match (a.as_int(), b.as_int(), a.as_float(), b.as_float()) {
        (Some(x), Some(y), _, _) => return Ok(Some(x.cmp(&y))),
        (Some(x), _, _, Some(y)) => return Ok(cmp_int_float(x, y)),
        (_, Some(y), Some(x), _) => return Ok(cmp_int_float(y, x).map(Ordering::reverse)),
        (_, _, Some(x), Some(y)) => return Ok(x.partial_cmp(&y)),
        _ => {}
    }
    if let (Some(x), Some(y)) = (a.as_char(), b.as_char()) {
        return Ok(Some(x.cmp(&y)));
    }
    match (a.heap_kind(), b.heap_kind()) {
        // UTF-8 sorts as its code points do.
        (Some(Kind::Str), Some(Kind::Str)) => Ok(Some(a.as_str().cmp(&b.as_str()))),
        (Some(Kind::Bytes), Some(Kind::Bytes)) => Ok(Some(a.as_bytes().cmp(&b.as_bytes()))),
        (Some(k @ (Kind::Date | Kind::Time | Kind::DateTime | Kind::Duration)), Some(l)) if k == l => {
            Ok(Some(temporal::compare(a.gc::<Record>(), b.gc::<Record>())))
        }
        _ => Err(()),
    }
}

/// Bytes that are looked at to order two Strings or Bytes, as far as fuel is concerned: short ones are free, as are those that
/// differ early.
pub fn compared_bytes(a: Value, b: Value) -> usize {
    const EARLY: usize = 64;
    let bytes = |v: Value| v.as_str().map(str::as_bytes).or_else(|| v.as_bytes());
    match (bytes(a), bytes(b)) {
        (Some(x), Some(y)) if x.len() > EARLY && y.len() > EARLY && x[..EARLY] == y[..EARLY] => x.len().min(y.len()),
        _ => 0,
    }
}

/// `<`, `<=`, `>`, `>=`.
pub fn compare(vm: &mut Vm, op: CmpOp, a: Value, b: Value) -> Result<bool, Stop> {
    if a.is_ptr() && b.is_ptr() {
        vm.heap.fuel.spend_on_bytes(compared_bytes(a, b));
    }
    match order(a, b) {
        Ok(o) => Ok(o.is_some_and(|o| op.holds(o))),
        Err(()) => {
            let m = format!("Cannot compare {} {} {}", vm.kind_name(a), op.symbol(), vm.kind_name(b));
            Err(vm.type_error(&m))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ints_and_floats_compare_by_value() {
        assert_eq!(cmp_int_float(1, 1.0), Some(Ordering::Equal));
        assert_eq!(cmp_int_float(1, 1.5), Some(Ordering::Less));
        assert_eq!(cmp_int_float(-1, -1.5), Some(Ordering::Greater));
        assert_eq!(cmp_int_float(i64::MAX, i64::MAX as f64), Some(Ordering::Less));
        assert_eq!(cmp_int_float((1 << 53) + 1, (1u64 << 53) as f64), Some(Ordering::Greater));
        assert_eq!(cmp_int_float(i64::MIN, i64::MIN as f64), Some(Ordering::Equal));
        assert_eq!(cmp_int_float(0, f64::NAN), None);
        assert_eq!(cmp_int_float(0, f64::NEG_INFINITY), Some(Ordering::Greater));
    }

    #[test]
    fn floored_division_takes_the_sign_of_the_divisor() {
        assert_eq!(floor_div_int(-7, 2), Some(-4));
        assert_eq!(floor_mod_int(-7, 2), 1);
        assert_eq!(floor_div_int(7, -2), Some(-4));
        assert_eq!(floor_mod_int(7, -2), -1);
        assert_eq!(floor_div_int(i64::MIN, -1), None);
        assert_eq!(floor_mod_int(i64::MIN, -1), 0);
        assert_eq!(floor_mod_float(-7.5, 2.0), 0.5);
    }

    #[test]
    fn powers_of_ints() {
        assert_eq!(int_pow(2, 62), Some(1 << 62));
        assert_eq!(int_pow(2, 63), None);
        assert_eq!(int_pow(-1, 1 << 40), Some(1));
        assert_eq!(int_pow(0, 0), Some(1));
    }

    #[test]
    fn byte_shifts_keep_the_length() {
        assert_eq!(shift_bytes(&[0x01, 0x80], 4, false), [0x00, 0x18]);
        assert_eq!(shift_bytes(&[0x01, 0x80], 4, true), [0x18, 0x00]);
        assert_eq!(shift_bytes(&[0x01, 0x80], 9, true), [0x00, 0x00]);
        assert_eq!(shift_bytes(&[0x01, 0x81], 9, true), [0x02, 0x00]);
        assert_eq!(shift_bytes(&[0x81, 0x80], 8, false), [0x00, 0x81]);
        assert_eq!(shift_bytes(&[0x81, 0x80], 99, false), [0x00, 0x00]);
        assert_eq!(shift_bytes(&[], 3, true), [0u8; 0]);
    }

    #[test]
    fn floats_truncate_to_ints_within_range() {
        assert_eq!(float_to_int(3.99), Some(3));
        assert_eq!(float_to_int(-9_223_372_036_854_775_808.0), Some(i64::MIN));
        assert_eq!(float_to_int(9_223_372_036_854_775_808.0), None);
        assert_eq!(float_to_int(f64::NAN), None);
    }
}
