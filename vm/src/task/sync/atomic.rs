//! Atomic: a number that is read and changed in one step.
use super::receiver;
use crate::def;
use crate::heap::collect::Marker;
use crate::library::collection::at_most;
use crate::native::{Args, NativeDef, R, Stop};
use crate::object::foreign::Foreign;
use crate::value::{Value, arith};
use crate::vm::Vm;
use std::any::Any;

struct Atomic {
    value: Value,
}

impl Foreign for Atomic {
    fn class_name(&self) -> &'static str {
        "Atomic"
    }
    fn trace(&self, m: &mut Marker) {
        m.value(self.value);
    }
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

fn number(vm: &mut Vm, v: Value) -> R {
    if v.as_number().is_some() {
        return Ok(v);
    }
    let k = vm.kind_name(v);
    Err(vm.type_error(&format!("Atomic expects an Int or a Float, got {k}")))
}

pub fn make(vm: &mut Vm, a: &Args) -> R {
    at_most(vm, a, 1)?;
    let value = number(vm, a.opt(0).unwrap_or(Value::small(0)))?;
    Ok(vm.heap.foreign_of(super::ATOMIC, Box::new(Atomic { value })))
}

fn this<'a>(vm: &mut Vm, a: &Args) -> Result<&'a mut Atomic, Stop> {
    receiver(vm, a.this(), "Atomic")
}

fn get(vm: &mut Vm, a: &Args) -> R {
    Ok(this(vm, a)?.value)
}
fn put(vm: &mut Vm, a: &Args, v: Value) -> R {
    this(vm, a)?.value = v;
    vm.touched(a.this());
    Ok(v)
}
fn set(vm: &mut Vm, a: &Args) -> R {
    let v = number(vm, a.get(0))?;
    put(vm, a, v)
}
fn add(vm: &mut Vm, a: &Args) -> R {
    let n = match a.opt(0) {
        Some(n) => number(vm, n)?,
        None => Value::small(1),
    };
    let old = this(vm, a)?.value;
    let new = arith::add(vm, old, n)?;
    put(vm, a, new)
}
/// Int and Float of the same size are different here: what is compared is what `.get` gave.
fn cas(vm: &mut Vm, a: &Args) -> R {
    let (old, new) = (number(vm, a.get(0))?, number(vm, a.get(1))?);
    let now = this(vm, a)?.value;
    let same = match (now.as_int(), old.as_int()) {
        (Some(x), Some(y)) => x == y,
        (None, None) => now.as_number() == old.as_number(),
        _ => false,
    };
    if same {
        put(vm, a, new)?;
    }
    Ok(Value::bool(same))
}

pub static METHODS: &[NativeDef] = &[
    def!(
        "get",
        get,
        0,
        0,
        "(a .get) -- the number.
        (a .get)"
    ),
    def!(
        "set",
        set,
        1,
        1,
        "(a .set n) -- changes it to n; n.
        (a .set n)"
    ),
    def!(
        "add",
        add,
        0,
        1,
        "(a .add [n]) -- adds n, 1 without; the new number.
        (a .add)"
    ),
    def!(
        "cas",
        cas,
        2,
        2,
        "(a .cas old new) -- changes it to new if it is old: whether it was.
        (a .cas old new)"
    ),
];
