//! Methods of functions, and the globals that make functions of functions (language 5.6, 5.7). What calls several functions in
//! turn is in `prelude/function.gene`.
use super::collection::wrong;
use crate::def;
use crate::heap::{Gc, Kind, Record};
use crate::native::{Args, NativeDef, R, VARIADIC};
use crate::object::array::Array;
use crate::object::code::Proto;
use crate::object::function::Function;
use crate::object::map::Map;
use crate::value::{Sym, Value};
use crate::vm::Vm;

pub fn install(vm: &mut Vm) {
    let c = vm.classes.by_kind[Kind::Function as usize];
    vm.add_methods(c, DEFS);
}

#[rustfmt::skip]
static DEFS: &[NativeDef] = &[
    def!("call", call, 0, VARIADIC, ["*"], r#"(f .call args...) -- calls f
        (len .call "abc") => 3"#),
    def!("name", name, 0, 0, r#"(f .name) -- name, empty for anonymous functions
        (len .name) => "len""#),
    def!("arity", arity, 0, 0, "(f .arity) -- number of required positional parameters
        ((fn [a b] a) .arity) => 2"),
    def!("params", params, 0, 0, r#"(f .params) -- names of the parameters
        ((fn [a b] a) .params) => ["a" "b"]"#),
    def!("intent", intent_method, 0, 0, r#"(f .intent) -- its ^intent, or nil
        ((fn [n] ^intent "doubles" (n * 2)) .intent) => "doubles""#),
    def!("examples", examples_method, 0, 0, "(f .examples) -- its ^examples as data
        ((fn [n] ^examples [[1] -> 2] (n * 2)) .examples) => [[1] -> 2]"),
    def!("partial", partial_method, 0, VARIADIC, ["*"], "(f .partial a...) -- f with its first arguments and keywords given
        ((max .partial 3) 2) => 3"),
    def!("flip", flip, 0, 0, "(f .flip) -- f with its first two arguments exchanged
        ((pow .flip) 2 3) => 9.0"),
    def!("curry", curry, 0, 0, "(f .curry) -- takes the arguments of f one by one
        ((((fn [a b] [a b]) .curry) 1) 2) => [1 2]"),
];

/// Globals.
#[rustfmt::skip]
pub static GLOBALS: &[NativeDef] = &[
    def!("identity", identity, 1, 1, "(identity v) -- v
        (identity 5) => 5"),
    def!("constantly", constantly, 1, 1, r#"(constantly v) -- a function that gives v whatever its arguments
        ((constantly 5) "any") => 5"#),
    def!("partial", partial, 1, VARIADIC, ["*"], "(partial f a...) -- f with its first arguments and keywords given
        ((partial max 3) 2) => 3"),
    def!("function_intent", intent, 1, 1, r#"(function_intent f) -- its ^intent, or nil
        (function_intent (fn [n] ^intent "doubles" (n * 2))) => "doubles""#),
    def!("function_examples", examples, 1, 1, "(function_examples f) -- its ^examples as data
        (function_examples (fn [n] ^examples [[1] -> 2] (n * 2))) => [[1] -> 2]"),
];

// Functions made here carry their parts as bound data.
static CONSTANT: NativeDef = def!("", call_constant, 0, VARIADIC, ["*"], "");
static PARTIAL: NativeDef = def!("", call_partial, 0, VARIADIC, ["*"], "");
static FLIPPED: NativeDef = def!("", call_flipped, 2, VARIADIC, ["*"], "");
static CURRIED: NativeDef = def!("", call_curried, 0, VARIADIC, "");

fn keywords(args: &Args) -> Vec<(Sym, Value)> {
    args.keyword_names().iter().enumerate().map(|(i, &k)| (k, args.kw_value(i))).collect()
}

/// The compiled function behind a function value; `None` for natives and constructors.
fn proto<'a>(v: Value) -> Option<&'a Proto> {
    match v.heap_kind()? {
        Kind::Function => Some(v.gc::<Function>().proto()),
        Kind::BoundMethod => proto(v.gc::<Record>().slot(1)),
        _ => None,
    }
}

fn call(vm: &mut Vm, args: &Args) -> R {
    vm.tail_call_kw(args.this(), args.rest(), keywords(args))
}

fn name(vm: &mut Vm, args: &Args) -> R {
    let n = vm.function_name(args.this()).unwrap_or("");
    Ok(vm.str(n))
}

/// Required positional parameters.
fn required(v: Value) -> usize {
    if let Some(p) = proto(v) {
        return p.params.required();
    }
    match v.heap_kind() {
        Some(Kind::Native) => v.as_native().map_or(0, |(d, _)| d.min as usize),
        Some(Kind::BoundMethod) => required(v.gc::<Record>().slot(1)),
        Some(Kind::Variant) => {
            v.variant_of().and_then(|(e, i)| e.data().variants[i].fields.as_ref().map(Vec::len)).unwrap_or(0)
        }
        _ => 0,
    }
}

fn arity(_: &mut Vm, args: &Args) -> R {
    Ok(Value::small(required(args.this()) as i64))
}

fn params(vm: &mut Vm, args: &Args) -> R {
    let names: Vec<Sym> = match proto(args.this()) {
        Some(p) => p.params.names.clone(),
        None => match args.this().variant_of() {
            Some((e, i)) => e.data().variants[i].fields.iter().flatten().map(|f| f.0).collect(),
            None => Vec::new(),
        },
    };
    let a = vm.heap.array_with_capacity(names.len());
    for n in names {
        let s = vm.sym_string(n);
        vm.heap.array_push(a, s);
    }
    Ok(a.value())
}

fn is_function(v: Value) -> bool {
    matches!(v.heap_kind(), Some(Kind::Function | Kind::Native | Kind::BoundMethod | Kind::Variant))
}

fn intent_of(v: Value) -> Value {
    proto(v).and_then(|p| p.intent).unwrap_or(Value::NIL)
}

fn examples_of(vm: &mut Vm, v: Value) -> Value {
    let items = proto(v).and_then(|p| p.examples).and_then(|x| x.get::<Array>(Kind::Array));
    match items {
        Some(a) => crate::interp::dynamic::copy_data(vm, a.value()),
        None => vm.array(&[]),
    }
}

fn intent_method(_: &mut Vm, args: &Args) -> R {
    Ok(intent_of(args.this()))
}

fn examples_method(vm: &mut Vm, args: &Args) -> R {
    Ok(examples_of(vm, args.this()))
}

fn intent(vm: &mut Vm, args: &Args) -> R {
    if !is_function(args.get(0)) {
        return Err(wrong(vm, "function_intent", "Function", args.get(0)));
    }
    Ok(intent_of(args.get(0)))
}

fn examples(vm: &mut Vm, args: &Args) -> R {
    if !is_function(args.get(0)) {
        return Err(wrong(vm, "function_examples", "Function", args.get(0)));
    }
    Ok(examples_of(vm, args.get(0)))
}

fn identity(_: &mut Vm, args: &Args) -> R {
    Ok(args.get(0))
}

fn constantly(vm: &mut Vm, args: &Args) -> R {
    Ok(vm.heap.native(&CONSTANT, args.get(0)))
}

fn call_constant(_: &mut Vm, args: &Args) -> R {
    Ok(args.data)
}

/// `f` with arguments and keywords given: data is a record (f, arguments Array, keywords Map).
fn make_partial(vm: &mut Vm, f: Value, first: &[Value], kw: Vec<(Sym, Value)>) -> R {
    vm.expect_callable("partial", f)?;
    let m = vm.map_with_capacity(kw.len());
    for (k, v) in kw {
        vm.map_set(m, k, v);
    }
    let a = vm.array(first);
    let data = vm.heap.record(Kind::Record, 0, &[f, a, m.value()]).value();
    Ok(vm.heap.native(&PARTIAL, data))
}

fn partial_method(vm: &mut Vm, args: &Args) -> R {
    make_partial(vm, args.this(), args.rest(), keywords(args))
}

fn partial(vm: &mut Vm, args: &Args) -> R {
    make_partial(vm, args.get(0), &args.rest()[1..], keywords(args))
}

fn call_partial(vm: &mut Vm, args: &Args) -> R {
    let data: Gc<Record> = args.data.gc();
    let mut all = data.slot(1).gc::<Array>().as_slice().to_vec();
    all.extend_from_slice(args.rest());
    // Keywords of the call come last and win.
    let mut kw: Vec<(Sym, Value)> = vm.map_entries(data.slot(2).gc::<Map>());
    for (k, v) in keywords(args) {
        match kw.iter_mut().find(|e| e.0 == k) {
            Some(e) => e.1 = v,
            None => kw.push((k, v)),
        }
    }
    vm.tail_call_kw(data.slot(0), &all, kw)
}

fn flip(vm: &mut Vm, args: &Args) -> R {
    Ok(vm.heap.native(&FLIPPED, args.this()))
}

fn call_flipped(vm: &mut Vm, args: &Args) -> R {
    let mut all = args.rest().to_vec();
    all.swap(0, 1);
    vm.tail_call_kw(args.data, &all, keywords(args))
}

/// Data: record (f, number of arguments wanted, Array of those so far).
fn make_curried(vm: &mut Vm, f: Value, wanted: Value, so_far: &[Value]) -> Value {
    let a = vm.array(so_far);
    let data = vm.heap.record(Kind::Record, 0, &[f, wanted, a]).value();
    vm.heap.native(&CURRIED, data)
}

fn curry(vm: &mut Vm, args: &Args) -> R {
    let n = Value::small(required(args.this()) as i64);
    Ok(make_curried(vm, args.this(), n, &[]))
}

fn call_curried(vm: &mut Vm, args: &Args) -> R {
    let data: Gc<Record> = args.data.gc();
    let mut all = data.slot(2).gc::<Array>().as_slice().to_vec();
    all.extend_from_slice(args.rest());
    if all.len() as i64 >= data.slot(1).small_int() {
        return vm.tail_call(data.slot(0), &all);
    }
    Ok(make_curried(vm, data.slot(0), data.slot(1), &all))
}
