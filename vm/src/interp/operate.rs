//! Operators off the fast path: mixed and boxed numbers, other kinds, operator methods of instances.
use super::{Ctl, call};
use crate::bytecode::{Instr, Op};
use crate::heap::Kind;
use crate::native::R;
use crate::value::Value;
use crate::value::arith::{self, CmpOp};
use crate::vm::Vm;

fn put(vm: &mut Vm, r: *mut Value, i: Instr, v: R) -> Ctl {
    match v {
        Ok(v) => {
            // SAFETY: register of the running frame.
            unsafe { *r.add(i.a()) = v };
            Ctl::Next
        }
        Err(s) => call::stop(vm, s, call::RET_OP),
    }
}

/// The method `name` of an instance's class.
fn operator(vm: &mut Vm, x: Value, name: &'static str) -> Option<Value> {
    if !x.is_kind(Kind::Instance) {
        return None;
    }
    let s = vm.symbols.intern_static(name);
    let c = vm.instance_class(x.gc());
    vm.class_find(c, s)
}

fn name_of(op: Op) -> &'static str {
    match op {
        Op::Add | Op::AddI | Op::AddK => "+",
        Op::Sub | Op::SubI | Op::SubK => "-",
        Op::Mul | Op::MulK => "*",
        Op::Div | Op::DivK => "/",
        Op::Mod | Op::ModK => "%",
        Op::Pow => "**",
        Op::Concat => "++",
        Op::Shl | Op::ShlI => "<<",
        Op::Shr | Op::ShrI => ">>",
        _ => "",
    }
}

#[cold]
#[inline(never)]
pub fn arith(vm: &mut Vm, r: *mut Value, i: Instr, x: Value, y: Value) -> Ctl {
    let op = i.op();
    // `(2.0 * x)`: the constant is the left operand.
    let (x, y) = if matches!(op, Op::AddK | Op::MulK) && i.c() == 1 { (y, x) } else { (x, y) };
    let name = name_of(op);
    if !name.is_empty()
        && let Some(m) = operator(vm, x, name)
    {
        return call::call_op(vm, m, &[x, y], true);
    }
    let v = match op {
        Op::Add | Op::AddI | Op::AddK => arith::add(vm, x, y),
        Op::Sub | Op::SubI | Op::SubK => arith::sub(vm, x, y),
        Op::Mul | Op::MulK => arith::mul(vm, x, y),
        Op::Div | Op::DivK => arith::div(vm, x, y),
        Op::Mod | Op::ModK => arith::rem(vm, x, y),
        Op::Pow => arith::pow(vm, x, y),
        Op::Concat => arith::concat(vm, x, y),
        Op::Shl | Op::ShlI => arith::shl(vm, x, y),
        Op::Shr | Op::ShrI => arith::shr(vm, x, y),
        Op::Xor => arith::bit_xor(vm, x, y),
        // The left operand was true and neither Int nor Bytes, or it is one and the right operand is not.
        Op::BitAnd | Op::BitAndK => {
            if (x.is_int() && y.is_int()) || (x.is_kind(Kind::Bytes) && y.is_kind(Kind::Bytes)) {
                arith::bit_and(vm, x, y)
            } else {
                Ok(if x.truthy() { y } else { x })
            }
        }
        _ => {
            if (x.is_int() && y.is_int()) || (x.is_kind(Kind::Bytes) && y.is_kind(Kind::Bytes)) {
                arith::bit_or(vm, x, y)
            } else {
                Ok(if x.truthy() { x } else { y })
            }
        }
    };
    put(vm, r, i, v)
}

#[cold]
#[inline(never)]
pub fn unary(vm: &mut Vm, r: *mut Value, i: Instr, x: Value) -> Ctl {
    let v = match i.op() {
        Op::Neg => arith::neg(vm, x),
        _ if x.is_int() || x.is_kind(Kind::Bytes) => arith::bit_not(vm, x),
        _ => Ok(Value::bool(!x.truthy())),
    };
    put(vm, r, i, v)
}

/// `(a .div b)`: anything but two Ints is the ordinary method call.
#[cold]
#[inline(never)]
pub fn floor_div(vm: &mut Vm, r: *mut Value, i: Instr, x: Value, y: Value) -> Ctl {
    let _ = r;
    let name = call::running(vm).sites[i.ux()].name;
    match call::find_method(vm, x, name) {
        Some(m) => call::call_op(vm, m, &[x, y], true),
        None => {
            let off = call::scratch_offset(vm);
            if call::ensure(vm, off + 8).is_err() {
                return Ctl::Throw;
            }
            // SAFETY: room ensured.
            unsafe {
                let w = vm.cur.stack.add(off);
                *w.add(3) = x;
                *w.add(4) = y;
                call::method_named(vm, w, name, 1, &[], call::RET_OP)
            }
        }
    }
}

enum Test {
    Is(bool),
    Call(Ctl),
}

fn cmp_op(op: Op) -> Option<CmpOp> {
    use Op::*;
    Some(match op {
        Lt | JnLt | JnLtI | JLt | JLtI | LoopLt | LoopLtI => CmpOp::Lt,
        Le | JnLe | JnLeI | JLe | JLeI | LoopLe | LoopLeI => CmpOp::Le,
        Gt | JnGt | JnGtI | JGt | JGtI | LoopGt | LoopGtI => CmpOp::Gt,
        Ge | JnGe | JnGeI | JGe | JGeI | LoopGe | LoopGeI => CmpOp::Ge,
        _ => return None,
    })
}

fn test(vm: &mut Vm, op: Op, x: Value, y: Value) -> Test {
    let Some(c) = cmp_op(op) else {
        // Equality: `==` of an instance's class decides, `!=` is its negation (see `deliver_op`).
        if let Some(m) = operator(vm, x, "==") {
            return Test::Call(call::call_op(vm, m, &[x, y], true));
        }
        let eq = match vm.equal(x, y) {
            Ok(b) => b,
            Err(_) => return Test::Call(Ctl::Throw),
        };
        use Op::*;
        let negate = matches!(op, Ne | JnNe | JnNeI | JNe | JNeI | LoopNe | LoopNeI);
        return Test::Is(eq != negate);
    };
    if x.is_kind(Kind::Instance) {
        let (name, swapped, opposite) = match c {
            CmpOp::Lt => ("<", ">", ">="),
            CmpOp::Le => ("<=", "", ">"),
            CmpOp::Gt => (">", "<", "<="),
            CmpOp::Ge => (">=", "", "<"),
        };
        if let Some(m) = operator(vm, x, name) {
            return Test::Call(call::call_op(vm, m, &[x, y], true));
        }
        // Fallbacks need both operands to be of one class; they may not suspend.
        if y.is_kind(Kind::Instance) && vm.instance_class(x.gc()) == vm.instance_class(y.gc()) {
            if !swapped.is_empty()
                && let Some(m) = operator(vm, y, swapped)
            {
                return Test::Call(call::call_op(vm, m, &[y, x], true));
            }
            if let Some(m) = operator(vm, x, opposite) {
                return match vm.call_sync_method(m, &[x, y]) {
                    Ok(v) => Test::Is(!v.truthy()),
                    Err(_) => Test::Call(Ctl::Throw),
                };
            }
            // `<=` through `<` with swapped operands: not (y < x).
            if c == CmpOp::Le
                && let Some(m) = operator(vm, y, "<")
            {
                return match vm.call_sync_method(m, &[y, x]) {
                    Ok(v) => Test::Is(!v.truthy()),
                    Err(_) => Test::Call(Ctl::Throw),
                };
            }
        }
    }
    match arith::compare(vm, c, x, y) {
        Ok(b) => Test::Is(b),
        Err(_) => Test::Call(Ctl::Throw),
    }
}

/// r[a] = r[b] op r[c]
#[cold]
#[inline(never)]
pub fn compare(vm: &mut Vm, r: *mut Value, i: Instr, x: Value, y: Value) -> Ctl {
    match test(vm, i.op(), x, y) {
        Test::Is(b) => {
            // SAFETY: register of the running frame.
            unsafe { *r.add(i.a()) = Value::bool(b) };
            Ctl::Next
        }
        Test::Call(c) => c,
    }
}

/// Compare and branch, loop forms included.
#[cold]
#[inline(never)]
pub fn compare_jump(vm: &mut Vm, _r: *mut Value, i: Instr, x: Value, y: Value) -> Ctl {
    use Op::*;
    let op = i.op();
    match test(vm, op, x, y) {
        Test::Is(b) => {
            let sense =
                !matches!(op, JnLt | JnLe | JnGt | JnGe | JnEq | JnNe | JnLtI | JnLeI | JnGtI | JnGeI | JnEqI | JnNeI);
            if b == sense {
                // SAFETY: jump targets are inside the function.
                vm.cur.pc = unsafe { vm.cur.pc.offset(i.x() as isize) };
                if i.x() < 0 {
                    vm.heap.fuel.left -= 1;
                    if vm.heap.fuel.left < 0 {
                        return super::safepoint::back_edge(vm, i);
                    }
                }
            }
            Ctl::Load
        }
        Test::Call(c) => c,
    }
}

/// r[a] = text of r[b]
#[inline(never)]
pub fn to_str(vm: &mut Vm, r: *mut Value, i: Instr) -> Ctl {
    // SAFETY: register of the running frame.
    let v = unsafe { *r.add(i.b()) };
    if v.is_kind(Kind::Instance)
        && let Some(m) = vm.user_to_s(v)
    {
        return call::call_op(vm, m, &[v], true);
    }
    let text = if v.is_small() {
        let mut b = itoa::Buffer::new();
        let s = b.format(v.small_int());
        Ok(vm.str(s))
    } else {
        match vm.to_text(v) {
            Ok(s) => Ok(vm.str(&s)),
            Err(s) => Err(s),
        }
    };
    put(vm, r, i, text)
}

/// r[a] = concatenation of c Strings from r[b]
#[inline(never)]
pub fn join(vm: &mut Vm, r: *mut Value, i: Instr) -> Ctl {
    // SAFETY: registers of the running frame.
    let parts = unsafe { std::slice::from_raw_parts(r.add(i.b()), i.c()) };
    let mut texts = [""; 16];
    let mut long = Vec::new();
    let strs: &[&str] = if parts.len() <= 16 {
        for (t, p) in texts.iter_mut().zip(parts) {
            *t = p.as_str().unwrap_or("");
        }
        &texts[..parts.len()]
    } else {
        long.extend(parts.iter().map(|p| p.as_str().unwrap_or("")));
        &long
    };
    let total: usize = strs.iter().map(|s| s.len()).sum();
    if total > crate::object::string::MAX_LEN {
        return call::fail(vm, Vm::runtime_error, "String too long");
    }
    // A long first part is being built up: append to it in place when it is the end of its buffer.
    let s = if strs.first().is_some_and(|f| f.len() >= 256) {
        let first = parts[0].gc();
        vm.heap.string_append(first, &strs[1..])
    } else {
        vm.heap.string_concat(strs)
    };
    // SAFETY: register of the running frame.
    unsafe { *r.add(i.a()) = s.value() };
    Ctl::Next
}
