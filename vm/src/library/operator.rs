//! Operators as function values (language 1.10): `(xs .reduce 0 +)`. Operator forms are compiled and don't come here.
use crate::def;
use crate::heap::Kind;
use crate::interp::types;
use crate::native::{Args, NativeDef, R, Stop, VARIADIC};
use crate::value::Value;
use crate::value::arith::{self, CmpOp};
use crate::vm::{PendingCall, Vm};

#[rustfmt::skip]
pub static GLOBALS: &[NativeDef] = &[
    def!("+", |vm, a| fold(vm, a, "+", arith::add, Some(0)), 0, VARIADIC, "(+ a...) -- sum
        (1 + 2) => 3"),
    def!("-", subtract, 1, VARIADIC, "(- a b...) -- difference; (- a) negates
        (5 - 2) => 3"),
    def!("*", |vm, a| fold(vm, a, "*", arith::mul, Some(1)), 0, VARIADIC, "(* a...) -- product
        (2 * 3) => 6"),
    def!("/", divide, 1, VARIADIC, "(/ a b...) -- quotient; (/ a) is (1 / a)
        (7 / 2) => 3.5"),
    def!("%", |vm, a| fold(vm, a, "%", arith::rem, None), 2, VARIADIC, "(% a b) -- remainder
        (7 % 3) => 1"),
    def!("**", |vm, a| fold(vm, a, "**", arith::pow, None), 2, 2, "(** a b) -- power
        (2 ** 10) => 1024"),
    def!("++", |vm, a| fold(vm, a, "++", arith::concat, None), 1, VARIADIC, r#"(++ a b...) -- concatenation
        ("a" ++ "b") => "ab""#),
    def!("<<", |vm, a| fold(vm, a, "<<", arith::shl, None), 2, 2, "(<< a n) -- a shifted left
        (1 << 4) => 16"),
    def!(">>", |vm, a| fold(vm, a, ">>", arith::shr, None), 2, 2, "(>> a n) -- a shifted right
        (16 >> 2) => 4"),
    def!("&&", |vm, a| arith::bit_and(vm, a.get(0), a.get(1)), 2, 2, "(&& a b) -- bitwise or logical and
        (6 && 3) => 2"),
    def!("||", |vm, a| arith::bit_or(vm, a.get(0), a.get(1)), 2, 2, "(|| a b) -- bitwise or logical or
        (nil || 5) => 5"),
    def!("&|&", |vm, a| arith::bit_xor(vm, a.get(0), a.get(1)), 2, 2, "(&|& a b) -- bitwise or logical exclusive or
        (6 &|& 3) => 5"),
    def!("!", |vm, a| arith::bit_not(vm, a.get(0)), 1, 1, "(! a) -- complement or logical negation
        (! 5) => -6"),
    def!("not", |_, a| Ok(Value::bool(!a.get(0).truthy())), 1, 1, "(not a) -- logical negation
        (not nil) => true"),
    def!("and", |_, a| Ok(if a.get(0).truthy() { a.get(1) } else { a.get(0) }), 2, 2, "(and a b) -- logical and
        (1 and nil) => nil"),
    def!("or", |_, a| Ok(if a.get(0).truthy() { a.get(0) } else { a.get(1) }), 2, 2, "(or a b) -- logical or
        (nil or 2) => 2"),
    def!("<", |vm, a| chain(vm, a, CmpOp::Lt), 2, VARIADIC, "(< a b...) -- is each less than the next?
        (1 < 2) => true"),
    def!("<=", |vm, a| chain(vm, a, CmpOp::Le), 2, VARIADIC, "(<= a b...) -- is each at most the next?
        (2 <= 2) => true"),
    def!(">", |vm, a| chain(vm, a, CmpOp::Gt), 2, VARIADIC, "(> a b...) -- is each greater than the next?
        (1 > 2) => false"),
    def!(">=", |vm, a| chain(vm, a, CmpOp::Ge), 2, VARIADIC, "(>= a b...) -- is each at least the next?
        (2 >= 2) => true"),
    def!("==", equal, 2, VARIADIC, "(== a b...) -- are neighbours equal?
        (1 == 1.0) => true"),
    def!("!=", |vm, a| Ok(Value::bool(!vm.equal(a.get(0), a.get(1))?)), 2, 2, "(!= a b) -- are they unequal?
        (1 != 2) => true"),
    def!("is", |vm, a| Ok(Value::bool(types::is_type(vm, a.get(0), a.get(1))?)), 2, 2, "(is v T) -- does v belong to T?
        (5 is Int) => true"),
];

/// The operator method of an instance's class.
fn method(vm: &mut Vm, v: Value, op: &'static str) -> Option<Value> {
    let m = v.get(Kind::Instance)?;
    let s = vm.symbols.intern_static(op);
    vm.class_find(vm.instance_class(m), s)
}

/// Folds from the left. `unit` is the value without operands; a lone operand is given as it is.
fn fold(vm: &mut Vm, args: &Args, op: &'static str, f: fn(&mut Vm, Value, Value) -> R, unit: Option<i64>) -> R {
    if let (2, Some(m)) = (args.len(), method(vm, args.get(0), op)) {
        let args = vec![args.get(0), args.get(1)];
        vm.pending = Some(PendingCall { callee: m, args, kw: Vec::new(), method: true });
        return Err(Stop::Call);
    }
    let mut acc = match (args.opt(0), unit) {
        (Some(v), _) => v,
        (None, u) => return Ok(Value::small(u.unwrap_or(0))),
    };
    for i in 1..args.len() {
        let x = args.get(i);
        acc = match method(vm, acc, op) {
            Some(m) => vm.call_sync_method(m, &[acc, x])?,
            None => f(vm, acc, x)?,
        };
    }
    Ok(acc)
}

fn subtract(vm: &mut Vm, args: &Args) -> R {
    if args.len() == 1 { arith::neg(vm, args.get(0)) } else { fold(vm, args, "-", arith::sub, None) }
}

fn divide(vm: &mut Vm, args: &Args) -> R {
    if args.len() == 1 {
        return arith::div(vm, Value::small(1), args.get(0));
    }
    fold(vm, args, "/", arith::div, None)
}

fn equal(vm: &mut Vm, args: &Args) -> R {
    for i in 1..args.len() {
        if !vm.equal(args.get(i - 1), args.get(i))? {
            return Ok(Value::FALSE);
        }
    }
    Ok(Value::TRUE)
}

fn chain(vm: &mut Vm, args: &Args, op: CmpOp) -> R {
    for i in 1..args.len() {
        if !compare(vm, op, args.get(i - 1), args.get(i))? {
            return Ok(Value::FALSE);
        }
    }
    Ok(Value::TRUE)
}

/// One comparison, with the operator methods of instances (7.9).
fn compare(vm: &mut Vm, op: CmpOp, a: Value, b: Value) -> Result<bool, Stop> {
    if a.is_kind(Kind::Instance) {
        if let Some(m) = method(vm, a, op.symbol()) {
            return Ok(vm.call_sync_method(m, &[a, b])?.truthy());
        }
        let one_class = b.is_kind(Kind::Instance) && vm.instance_class(a.gc()) == vm.instance_class(b.gc());
        let (opposite, swapped) = match op {
            CmpOp::Lt => (">=", Some(">")),
            CmpOp::Le => (">", None),
            CmpOp::Gt => ("<=", Some("<")),
            CmpOp::Ge => ("<", None),
        };
        if one_class {
            if let Some(m) = swapped.and_then(|s| method(vm, b, s)) {
                return Ok(vm.call_sync_method(m, &[b, a])?.truthy());
            }
            if let Some(m) = method(vm, a, opposite) {
                return Ok(!vm.call_sync_method(m, &[a, b])?.truthy());
            }
        }
    }
    arith::compare(vm, op, a, b)
}
