//! Operators as functions: `([1 2 3] .reduce 0 +)`.
use crate::def;
use crate::native::{Args, NativeDef, R};
use crate::value::arith::{self, CmpOp};
use crate::value::Value;
use crate::vm::Vm;

type Binary = fn(&mut Vm, Value, Value) -> R;

/// An operator method of the left operand's class goes first.
fn apply(vm: &mut Vm, name: &'static str, op: Binary, x: Value, y: Value) -> R {
    if x.is_kind(crate::heap::Kind::Instance) {
        let s = vm.symbols.intern_static(name);
        let c = vm.instance_class(x.gc());
        if vm.class_find(c, s).is_some() {
            return vm.call_method_sync(x, s, &[y]);
        }
    }
    op(vm, x, y)
}

fn fold(vm: &mut Vm, a: &Args, name: &'static str, op: Binary, empty: Option<i64>, one: Option<Binary>) -> R {
    match a.rest() {
        [] => match empty {
            Some(v) => Ok(Value::small(v)),
            None => Err(vm.argument_error("Expected at least 1 arguments, got 0")),
        },
        [x] => match one {
            Some(f) => f(vm, *x, *x),
            None => Ok(*x),
        },
        [first, rest @ ..] => {
            let mut acc = *first;
            for &y in rest {
                acc = apply(vm, name, op, acc, y)?;
            }
            Ok(acc)
        }
    }
}

fn add(vm: &mut Vm, a: &Args) -> R {
    fold(vm, a, "+", arith::add, Some(0), None)
}
fn sub(vm: &mut Vm, a: &Args) -> R {
    fold(vm, a, "-", arith::sub, None, Some(|vm, x, _| arith::neg(vm, x)))
}
fn mul(vm: &mut Vm, a: &Args) -> R {
    fold(vm, a, "*", arith::mul, Some(1), None)
}
fn div(vm: &mut Vm, a: &Args) -> R {
    fold(vm, a, "/", arith::div, None, Some(|vm, x, _| arith::div(vm, Value::small(1), x)))
}
fn rem(vm: &mut Vm, a: &Args) -> R {
    fold(vm, a, "%", arith::rem, None, None)
}
fn pow(vm: &mut Vm, a: &Args) -> R {
    apply(vm, "**", arith::pow, a.get(0), a.get(1))
}
fn concat(vm: &mut Vm, a: &Args) -> R {
    fold(vm, a, "++", arith::concat, None, None)
}
fn shl(vm: &mut Vm, a: &Args) -> R {
    apply(vm, "<<", arith::shl, a.get(0), a.get(1))
}
fn shr(vm: &mut Vm, a: &Args) -> R {
    apply(vm, ">>", arith::shr, a.get(0), a.get(1))
}
fn xor(vm: &mut Vm, a: &Args) -> R {
    arith::bit_xor(vm, a.get(0), a.get(1))
}

fn bitwise(x: Value, y: Value) -> bool {
    use crate::heap::Kind::Bytes;
    (x.is_int() && y.is_int()) || (x.is_kind(Bytes) && y.is_kind(Bytes))
}
fn amp(vm: &mut Vm, a: &Args) -> R {
    let (x, y) = (a.get(0), a.get(1));
    if bitwise(x, y) { arith::bit_and(vm, x, y) } else { Ok(if x.truthy() { y } else { x }) }
}
fn bar(vm: &mut Vm, a: &Args) -> R {
    let (x, y) = (a.get(0), a.get(1));
    if bitwise(x, y) { arith::bit_or(vm, x, y) } else { Ok(if x.truthy() { x } else { y }) }
}

/// All neighbours must compare.
fn chain(vm: &mut Vm, a: &Args, test: fn(&mut Vm, Value, Value) -> Result<bool, crate::native::Stop>) -> R {
    for w in a.rest().windows(2) {
        if !test(vm, w[0], w[1])? {
            return Ok(Value::FALSE);
        }
    }
    Ok(Value::TRUE)
}
fn less(vm: &mut Vm, name: &'static str, op: CmpOp, x: Value, y: Value) -> Result<bool, crate::native::Stop> {
    if x.is_kind(crate::heap::Kind::Instance) {
        let s = vm.symbols.intern_static(name);
        let c = vm.instance_class(x.gc());
        if vm.class_find(c, s).is_some() {
            return Ok(vm.call_method_sync(x, s, &[y])?.truthy());
        }
    }
    arith::compare(vm, op, x, y)
}
fn lt(vm: &mut Vm, a: &Args) -> R {
    chain(vm, a, |vm, x, y| less(vm, "<", CmpOp::Lt, x, y))
}
fn le(vm: &mut Vm, a: &Args) -> R {
    chain(vm, a, |vm, x, y| less(vm, "<=", CmpOp::Le, x, y))
}
fn gt(vm: &mut Vm, a: &Args) -> R {
    chain(vm, a, |vm, x, y| less(vm, ">", CmpOp::Gt, x, y))
}
fn ge(vm: &mut Vm, a: &Args) -> R {
    chain(vm, a, |vm, x, y| less(vm, ">=", CmpOp::Ge, x, y))
}
fn eq(vm: &mut Vm, a: &Args) -> R {
    chain(vm, a, Vm::equal)
}
fn ne(vm: &mut Vm, a: &Args) -> R {
    let e = vm.equal(a.get(0), a.get(1))?;
    Ok(Value::bool(!e))
}
fn not(_vm: &mut Vm, a: &Args) -> R {
    Ok(Value::bool(!a.get(0).truthy()))
}

static DEFS: &[NativeDef] = &[
    def!("+", add, 0, 255, "(+ a...) -- sum; 0 without operands."),
    def!("-", sub, 1, 255, "(- a b...) -- difference; negation of one operand."),
    def!("*", mul, 0, 255, "(* a...) -- product; 1 without operands."),
    def!("/", div, 1, 255, "(/ a b...) -- quotient; reciprocal of one operand."),
    def!("%", rem, 2, 255, "(% a b) -- remainder with the sign of a."),
    def!("**", pow, 2, 2, "(** a b) -- power."),
    def!("++", concat, 1, 255, "(++ a b) -- concatenation of Strings or Arrays."),
    def!("<<", shl, 2, 2, "(<< a n) -- shift left."),
    def!(">>", shr, 2, 2, "(>> a n) -- shift right."),
    def!("&|&", xor, 2, 2, "(&|& a b) -- exclusive or."),
    def!("&&", amp, 2, 2, "(&& a b) -- bitwise or logical and."),
    def!("||", bar, 2, 2, "(|| a b) -- bitwise or logical or."),
    def!("<", lt, 1, 255, "(< a b...) -- each smaller than the next."),
    def!("<=", le, 1, 255, "(<= a b...) -- each at most the next."),
    def!(">", gt, 1, 255, "(> a b...) -- each greater than the next."),
    def!(">=", ge, 1, 255, "(>= a b...) -- each at least the next."),
    def!("==", eq, 1, 255, "(== a b...) -- all equal."),
    def!("!=", ne, 2, 2, "(!= a b) -- not equal."),
    def!("not", not, 1, 1, "(not a) -- logical negation."),
    def!("!", not, 1, 1, "(! a) -- logical negation."),
];

pub fn install(vm: &mut Vm) {
    vm.add_globals(DEFS);
}
