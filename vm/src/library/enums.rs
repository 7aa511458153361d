//! Methods of enums and enum values (language 2.7), the predefined enums' helpers included.
//!
//! A field of the value whose name equals a method's hides the method.
use super::collection::{tail_method, wrong};
use crate::def;
use crate::heap::{Gc, Kind, Record};
use crate::interp::member::enum_field;
use crate::native::{Args, NativeDef, R, Stop, VARIADIC};
use crate::object::enums::EnumObj;
use crate::value::{Sym, Value};
use crate::vm::Vm;

pub fn install(vm: &mut Vm) {
    let c = vm.classes.by_kind[Kind::Enum as usize];
    vm.add_methods(c, ENUM);
    let c = vm.classes.by_kind[Kind::EnumValue as usize];
    vm.add_methods(c, VALUE);
}

#[rustfmt::skip]
static ENUM: &[NativeDef] = &[
    def!("name", enum_name, 0, 0, r#"(E .name) -- name
        (Option .name) => "Option""#),
    def!("variants", variants, 0, 0, r#"(E .variants) -- names of the variants
        (Option .variants) => ["Some" "None"]"#),
    def!("members", members, 0, 0, "(E .members) -- the unit values
        (Option .members) => [Option/None]"),
];

#[rustfmt::skip]
static VALUE: &[NativeDef] = &[
    def!("variant", variant, 0, 0, r#"(v .variant) -- name of its variant
        ((Some 1) .variant) => "Some""#),
    def!("index", index, 0, 0, "(v .index) -- position of its variant in the declaration
        ((Some 1) .index) => 0"),
    def!("payload", payload, 0, 0, "(v .payload) -- array of its fields' values
        ((Some 1) .payload) => [1]"),
    def!("to_map", to_map, 0, 0, "(v .to_map) -- Map from field name to value
        ((Some 1) .to_map) => {^value 1}"),
    def!("ok?", |vm, a| is_full(vm, a, "ok?"), 0, 0, "(r .ok?) -- is it Ok or Some?
        ((Ok 1) .ok?) => true"),
    def!("some?", |vm, a| is_full(vm, a, "some?"), 0, 0, "(o .some?) -- is it Ok or Some?
        ((Some 1) .some?) => true"),
    def!("err?", |vm, a| is_failed(vm, a, "err?"), 0, 0, r#"(r .err?) -- is it Err or None?
        ((Err "no") .err?) => true"#),
    def!("none?", |vm, a| is_failed(vm, a, "none?"), 0, 0, "(o .none?) -- is it Err or None?
        (None .none?) => true"),
    def!("unwrap", unwrap, 0, 0, "(r .unwrap) -- payload of Ok or Some; raises otherwise
        ((Ok 1) .unwrap) => 1"),
    def!("unwrap_or", unwrap_or, 0, VARIADIC, "(r .unwrap_or d) -- payload of Ok or Some, else d
        (None .unwrap_or 0) => 0"),
    def!("map", map, 0, VARIADIC, "(r .map f) -- Ok or Some of (f payload); else the receiver
        ((Some 2) .map (n -> (n * 10))) => (Option/Some 20)"),
    def!("and_then", and_then, 0, VARIADIC, "(r .and_then f) -- (f payload) for Ok and Some; else the receiver
        ((Some 2) .and_then (n -> (Some (n * 10)))) => (Option/Some 20)"),
    def!("_with_payload", with_payload, 1, 1, ""),
];

fn this_enum(vm: &mut Vm, args: &Args) -> Result<Gc<EnumObj>, Stop> {
    match args.this().get(Kind::Enum) {
        Some(e) => Ok(e),
        None => Err(wrong(vm, "method", "Enum", args.this())),
    }
}

fn enum_name(vm: &mut Vm, args: &Args) -> R {
    let e = this_enum(vm, args)?;
    Ok(vm.sym_string(e.data().name))
}

fn variants(vm: &mut Vm, args: &Args) -> R {
    let e = this_enum(vm, args)?;
    let names: Vec<Sym> = e.data().variants.iter().map(|v| v.name).collect();
    let a = vm.heap.array_with_capacity(names.len());
    for n in names {
        let s = vm.sym_string(n);
        vm.heap.array_push(a, s);
    }
    Ok(a.value())
}

fn members(vm: &mut Vm, args: &Args) -> R {
    let e = this_enum(vm, args)?;
    let d = e.data();
    let a = vm.heap.array_with_capacity(0);
    for (v, decl) in d.values.iter().zip(&d.variants) {
        if decl.fields.is_none() {
            vm.heap.array_push(a, *v);
        }
    }
    Ok(a.value())
}

/// What the field that hides method `name` gives: its value, or with arguments a call of it. `None`: nothing hides the method.
fn hiding(vm: &mut Vm, args: &Args, name: &str) -> Option<R> {
    let s = vm.symbols.find(name)?;
    let v = enum_field(vm, args.this(), s)?;
    Some(if args.is_empty() { Ok(v) } else { vm.tail_call(v, args.rest()) })
}

fn this_value(vm: &mut Vm, args: &Args) -> Result<(Gc<EnumObj>, usize), Stop> {
    match args.this().variant_of() {
        Some(x) => Ok(x),
        None => Err(wrong(vm, "method", "enum value", args.this())),
    }
}

fn fields_of(v: Value) -> &'static [Value] {
    match v.get::<Record>(Kind::EnumValue) {
        Some(r) => &r.slots()[1..],
        None => &[],
    }
}

fn variant(vm: &mut Vm, args: &Args) -> R {
    if let Some(v) = hiding(vm, args, "variant") {
        return v;
    }
    let (e, i) = this_value(vm, args)?;
    Ok(vm.sym_string(e.data().variants[i].name))
}

fn index(vm: &mut Vm, args: &Args) -> R {
    if let Some(v) = hiding(vm, args, "index") {
        return v;
    }
    let (_, i) = this_value(vm, args)?;
    Ok(Value::small(i as i64))
}

fn payload(vm: &mut Vm, args: &Args) -> R {
    if let Some(v) = hiding(vm, args, "payload") {
        return v;
    }
    Ok(vm.array(fields_of(args.this())))
}

fn to_map(vm: &mut Vm, args: &Args) -> R {
    if let Some(v) = hiding(vm, args, "to_map") {
        return v;
    }
    let (e, i) = this_value(vm, args)?;
    let m = vm.map();
    for ((name, _), &v) in e.data().variants[i].fields.iter().flatten().zip(fields_of(args.this())) {
        vm.map_set(m, *name, v);
    }
    Ok(m.value())
}

/// For methods that take one: their declared arity is open, since a hiding field may be called with any number.
fn one_argument(vm: &mut Vm, args: &Args) -> Result<(), Stop> {
    match args.len() {
        1 => Ok(()),
        n => Err(vm.argument_error(&format!("Expected 1 arguments, got {n}"))),
    }
}

/// For a value of `Option` or `Result`: the payload of `Some` and `Ok`, `None` for the other variants. Other enums don't have
/// these methods.
fn carried(vm: &mut Vm, args: &Args, method: &str) -> Result<Option<Value>, Stop> {
    let (e, i) = this_value(vm, args)?;
    if !vm.builtin_enums.contains(&e.value()) {
        let m = format!("Method {method} not found on {}", vm.kind_name(args.this()));
        return Err(vm.type_error(&m));
    }
    Ok(if i == 0 { fields_of(args.this()).first().copied() } else { None })
}

fn is_full(vm: &mut Vm, args: &Args, method: &str) -> R {
    Ok(Value::bool(carried(vm, args, method)?.is_some()))
}

fn is_failed(vm: &mut Vm, args: &Args, method: &str) -> R {
    Ok(Value::bool(carried(vm, args, method)?.is_none()))
}

fn unwrap(vm: &mut Vm, args: &Args) -> R {
    if let Some(v) = hiding(vm, args, "unwrap") {
        return v;
    }
    match carried(vm, args, "unwrap")? {
        Some(v) => Ok(v),
        None => {
            let m = format!("unwrap on {}", vm.to_debug(args.this())?);
            Err(vm.runtime_error(&m))
        }
    }
}

fn unwrap_or(vm: &mut Vm, args: &Args) -> R {
    if let Some(v) = hiding(vm, args, "unwrap_or") {
        return v;
    }
    one_argument(vm, args)?;
    Ok(carried(vm, args, "unwrap_or")?.unwrap_or(args.get(0)))
}

fn map(vm: &mut Vm, args: &Args) -> R {
    if let Some(v) = hiding(vm, args, "map") {
        return v;
    }
    one_argument(vm, args)?;
    vm.expect_callable("map", args.get(0))?;
    match carried(vm, args, "map")? {
        Some(v) => tail_method(vm, args.this(), "_map", &[args.get(0), v]),
        None => Ok(args.this()),
    }
}

fn and_then(vm: &mut Vm, args: &Args) -> R {
    if let Some(v) = hiding(vm, args, "and_then") {
        return v;
    }
    one_argument(vm, args)?;
    vm.expect_callable("and_then", args.get(0))?;
    match carried(vm, args, "and_then")? {
        Some(v) => vm.tail_call(args.get(0), &[v]),
        None => Ok(args.this()),
    }
}

/// `(r ._with_payload v)`: the same variant around another value.
fn with_payload(vm: &mut Vm, args: &Args) -> R {
    let Some(r) = args.this().get::<Record>(Kind::EnumValue) else { return Ok(args.this()) };
    Ok(vm.heap.enum_value(r.slot(0), &[args.get(0)]))
}
