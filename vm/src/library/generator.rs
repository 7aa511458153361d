//! Generators (language 11.2). Their lazy and eager combinators are in `prelude/generator.gene`.
use super::args::{int, string};
use super::collection::wrong;
use crate::def;
use crate::heap::{Gc, Kind};
use crate::interp::iterate::{self, Wants};
use crate::native::{Args, NativeDef, R, Stop};
use crate::object::fiber::{Fiber, Status};
use crate::value::Value;
use crate::vm::Vm;

pub fn install(vm: &mut Vm) {
    vm.add_methods(vm.classes.generator, DEFS);
    vm.add_globals(HELPERS);
}

/// For the prelude: what a lazy method can't use is refused when it is called, not when the first element is drawn.
/// `(%failed ex)`, for `with`: a generator that is closed has not failed.
static HELPERS: &[NativeDef] = &[
    def!("_expect_int", expect_int, 2, 2, ""),
    def!("_callback", expect_callback, 2, 3, ""),
    def!("%failed", |vm, a| Ok(Value::bool(a.get(0) != vm.generator_exit)), 1, 1, ""),
];

/// `(_callback name f [optional])`; see the build script.
fn expect_callback(vm: &mut Vm, a: &Args) -> R {
    let f = a.get(1);
    let left_out = f.is_void() && a.len() == 3;
    if !f.is_kind(Kind::Function) && !left_out {
        let name = string(vm, "_callback", a.get(0))?;
        vm.expect_callable(name, f)?;
    }
    Ok(Value::NIL)
}

fn expect_int(vm: &mut Vm, a: &Args) -> R {
    let name = string(vm, "_expect_int", a.get(0))?;
    int(vm, name, a.get(1)).map(|_| Value::NIL)
}

#[rustfmt::skip]
static DEFS: &[NativeDef] = &[
    def!("next", |vm, a| resume(vm, a, Wants::Next), 0, 0, "(g .next) -- next yielded value, not_found at the end
        (((1 .. 2) .lazy) .next) => 1"),
    def!("has_next", |vm, a| resume(vm, a, Wants::HasNext), 0, 0, "(g .has_next) -- is there another value?
        (((1 .. 2) .lazy) .has_next) => true"),
    def!("next_pair", |vm, a| resume(vm, a, Wants::Pair), 0, 0, "(g .next_pair) -- next value as [key value] or [index value]
        (((5 .. 6) .lazy) .next_pair) => [0 5]"),
    def!("send", |vm, a| resume(vm, a, Wants::Next), 1, 1, "(g .send v) -- as next; the suspended yield gives v
        (do (fn g* [] (var x (yield 1)) (yield (x * 2))) (var it (g*)) (it .next) (it .send 5)) => 10"),
    def!("close", |vm, a| resume(vm, a, Wants::Close), 0, 0, "(g .close) -- ends it, running its finally parts
        (do (fn g* [] (yield 1)) (var it (g*)) (it .next) (it .close) (it .has_next)) => false"),
    def!("iter", |_, a| Ok(a.this()), 0, 0, "(g .iter) -- the generator itself
        (do (fn g* [] (yield 1)) (var it (g*)) ((it .iter) == it)) => true"),
    def!("result", result, 0, 0, r#"(g .result) -- the body's value after it ended, else nil
        (do (fn g* [] (yield 1) "end") (var it (g*)) (for x in it) (it .result)) => "end""#),
];

fn this(vm: &mut Vm, args: &Args) -> Result<Gc<Fiber>, Stop> {
    match args.this().as_generator() {
        Some(g) => Ok(g),
        None => Err(wrong(vm, "method", "Generator", args.this())),
    }
}

fn resume(vm: &mut Vm, args: &Args, wants: Wants) -> R {
    let g = this(vm, args)?;
    iterate::resume(vm, g, args.get(0), wants)
}

fn result(vm: &mut Vm, args: &Args) -> R {
    let g = this(vm, args)?;
    Ok(if g.status == Status::Done { g.result } else { Value::NIL })
}
