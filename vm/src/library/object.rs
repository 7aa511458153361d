//! Methods of every value, of classes and of namespaces (language 7.12, 8.2), and the core globals about kinds.
use super::collection::{tail_method, wrong};
use crate::def;
use crate::heap::{Gc, Kind};
use crate::interp::{call, types};
use crate::native::{Args, NativeDef, R, Stop, VARIADIC};
use crate::object::class::ClassObj;
use crate::object::function::Function;
use crate::object::interface::{Adapter, Interface};
use crate::object::map::Map;
use crate::object::namespace::NamespaceObj;
use crate::value::{Sym, Value, arith};
use crate::vm::{PendingCall, Vm};

pub fn install(vm: &mut Vm) {
    vm.add_methods(vm.classes.object, DEFS);
    let c = vm.classes.by_kind[Kind::Class as usize];
    vm.add_methods(c, CLASS);
    let c = vm.classes.by_kind[Kind::Namespace as usize];
    vm.add_methods(c, NAMESPACE);
    let c = vm.classes.by_kind[Kind::Interface as usize];
    vm.add_methods(c, INTERFACE);
}

#[rustfmt::skip]
static DEFS: &[NativeDef] = &[
    def!("class", class, 0, 0, "(v .class) -- class (enum for enum values)
        (5 .class) => <Class Int>"),
    def!("is", is, 1, 1, "(v .is T) -- does v belong to the type?
        (5 .is Int) => true"),
    def!("to", to, 1, 1, r#"(v .to T) -- v converted to Int, Float, String or Bool; itself when it is a T already
        (5 .to String) => "5""#),
    def!("to_s", to_s, 0, 0, r#"(v .to_s) -- text
        (5 .to_s) => "5""#),
    def!("to_bool", to_bool, 0, 0, "(v .to_bool) -- truth
        (nil .to_bool) => false"),
    def!("inspect", inspect, 0, 0, r#"(v .inspect) -- debug form
        ("a" .inspect) => "\"a\"""#),
    def!("dup", dup, 0, 0, "(v .dup) -- shallow copy of an instance; other values as they are
        (5 .dup) => 5"),
    def!("hash", hash, 0, 0, "(v .hash) -- hash, equal for equal values
        ((5 .hash) == (5 .hash)) => true"),
    def!("respond_to?", responds, 1, 1, r#"(v .respond_to? m) -- has its class the method?
        ("a" .respond_to? "split") => true"#),
    def!("fields", fields, 0, 0, r#"(v .fields) -- names of the present fields in order of creation
        ((new Exception "no") .fields) => ["message" "cause"]"#),
    def!("method", method, 1, 1, r#"(v .method m) -- the method as a function bound to v
        (("a-b" .method "split") "-") => ["a" "b"]"#),
];

#[rustfmt::skip]
static CLASS: &[NativeDef] = &[
    def!("name", class_name, 0, 0, r#"(C .name) -- name
        (Int .name) => "Int""#),
    def!("parent", parent, 0, 0, "(C .parent) -- parent class, nil for Object
        (IOError .parent) => <Class Exception>"),
    def!("methods", methods, 0, 0, r#"(C .methods) -- names of its own methods
        ((Char .methods) .include? "code") => true"#),
    def!("has_method?", has_method, 1, 1, r#"(C .has_method? m) -- has it or an ancestor the method?
        (Int .has_method? "even?") => true"#),
    def!("ancestors", ancestors, 0, 0, "(C .ancestors) -- parent, its parent, and so on up to Object
        (IOError .ancestors) => [<Class Exception> <Class Object>]"),
    def!("method_intent", method_intent, 1, 1, r#"(C .method_intent m) -- ^intent of the method, or nil
        (Int .method_intent "even?") => nil"#),
    def!("instance_method", instance_method, 1, 1, r#"(C .instance_method m) -- the method as a function of the receiver
        ((String .instance_method "size") "abc") => 3"#),
];

#[rustfmt::skip]
static NAMESPACE: &[NativeDef] = &[
    def!("name", namespace_name, 0, 0, r#"(n .name) -- name
        (math .name) => "math""#),
    def!("members", members, 0, 0, r#"(n .members) -- names of the members
        ((math .members) .include? "sin") => true"#),
    def!("has?", has_member, 1, 1, r#"(n .has? m) -- has it the member?
        (math .has? "sin") => true"#),
    def!("on_member_missing", on_member_missing, 1, 1, r#"(.on_member_missing f) -- (f name) answers for missing members
        (ns colours (.on_member_missing (fn [name] #"no colour #{name}")))"#),
];

#[rustfmt::skip]
static INTERFACE: &[NativeDef] = &[
    def!("name", interface_name, 0, 0, "(I .name) -- name
        (Shape .name)"),
];

/// Globals.
#[rustfmt::skip]
pub static GLOBALS: &[NativeDef] = &[
    def!("typeof", typeof_, 1, 1, r#"(typeof v) -- name of the kind
        (typeof 5) => "Int""#),
    def!("len", len, 1, 1, r#"(len v) -- size of a String or collection
        (len "abc") => 3"#),
    def!("freeze", super::freeze::freeze, 1, 1, "(freeze v) -- deep immutable copy
        (freeze [1 [2]]) => #[1 #[2]]"),
];

fn symbol_arg(vm: &mut Vm, method: &str, v: Value) -> Result<Sym, Stop> {
    match vm.map_key(v) {
        Some(s) => Ok(s),
        None => Err(wrong(vm, method, "String", v)),
    }
}

#[cold]
fn no_method(vm: &mut Vm, name: Sym, on: &str) -> Stop {
    let m = format!("Method {} not found on {on}", vm.sym_name(name));
    vm.type_error(&m)
}

// --- every value

fn class(vm: &mut Vm, args: &Args) -> R {
    let v = args.this();
    if let Some((e, _)) = v.enum_of() {
        return Ok(e.value());
    }
    if let Some(i) = Adapter::of(v).and_then(Adapter::interface) {
        return Ok(i.value());
    }
    Ok(vm.class_of(v).value())
}

fn is(vm: &mut Vm, args: &Args) -> R {
    Ok(Value::bool(types::is_type(vm, args.this(), args.get(0))?))
}

fn to(vm: &mut Vm, args: &Args) -> R {
    let (v, t) = (args.this(), args.get(0));
    if !matches!(
        t.heap_kind(),
        Some(Kind::Class | Kind::Interface | Kind::Enum | Kind::TypeValue | Kind::Variant | Kind::EnumValue)
    ) {
        return Err(super::args::wrong_kind(vm, "to", "a type", t));
    }
    if types::is_type(vm, v, t)? {
        return Ok(v);
    }
    let c = &vm.classes;
    if t == c.float.value()
        && let Some(i) = v.as_int()
    {
        return Ok(Value::float(i as f64));
    }
    if t == c.int.value()
        && let Some(f) = v.as_float()
        && let Some(i) = arith::float_to_int(f)
    {
        if f.fract() != 0.0 {
            let text = vm.to_text(v)?;
            vm.output.stderr(&format!("Warning: Lossy conversion Float -> Int for value: {text} -> {i}\n"));
        }
        return Ok(vm.int(i));
    }
    if t == c.by_kind[Kind::Str as usize].value() {
        return to_s(vm, args);
    }
    if t == c.bool.value() {
        return Ok(Value::bool(v.truthy()));
    }
    let name = match t.get::<ClassObj>(Kind::Class) {
        Some(c) => vm.sym_name(c.data().name).to_string(),
        None => vm.to_text(t)?,
    };
    let m = format!("Type error: cannot convert {} to {name}", vm.kind_name(v));
    Err(vm.type_error(&m))
}

fn to_s(vm: &mut Vm, args: &Args) -> R {
    let v = args.this();
    if v.is_str() {
        return Ok(v);
    }
    let s = vm.to_text(v)?;
    Ok(vm.str(&s))
}

fn to_bool(_: &mut Vm, args: &Args) -> R {
    Ok(Value::bool(args.this().truthy()))
}

fn inspect(vm: &mut Vm, args: &Args) -> R {
    let s = vm.to_debug(args.this())?;
    Ok(vm.str(&s))
}

fn dup(vm: &mut Vm, args: &Args) -> R {
    let Some(m) = args.this().get::<Map>(Kind::Instance) else { return Ok(args.this()) };
    let class = vm.instance_class(m);
    let copy = vm.instance(class);
    for (k, v) in vm.map_entries(m) {
        vm.map_set(copy, k, v);
    }
    Ok(copy.value())
}

fn hash(vm: &mut Vm, args: &Args) -> R {
    Ok(Value::small(vm.hash_value(args.this())? as i64))
}

/// Names of the VM's own, which scripts don't get to see.
fn hidden(name: &str) -> bool {
    name.starts_with(['_', '%'])
}

fn responds(vm: &mut Vm, args: &Args) -> R {
    let s = symbol_arg(vm, "respond_to?", args.get(0))?;
    Ok(Value::bool(call::find_method(vm, args.this(), s).is_some()))
}

fn fields(vm: &mut Vm, args: &Args) -> R {
    let a = vm.heap.array_with_capacity(0);
    if let Some(m) = args.this().get::<Map>(Kind::Instance) {
        for (k, _) in vm.map_entries(m) {
            if !vm.sym_name(k).starts_with('%') {
                let s = vm.sym_string(k);
                vm.heap.array_push(a, s);
            }
        }
    }
    Ok(a.value())
}

fn method(vm: &mut Vm, args: &Args) -> R {
    let s = symbol_arg(vm, "method", args.get(0))?;
    match call::find_method(vm, args.this(), s) {
        Some(f) => Ok(vm.heap.bound_method(args.this(), f)),
        None => {
            let on = vm.kind_name(args.this());
            Err(no_method(vm, s, on))
        }
    }
}

// --- classes

fn this_class(vm: &mut Vm, args: &Args) -> Result<Gc<ClassObj>, Stop> {
    match args.this().get(Kind::Class) {
        Some(c) => Ok(c),
        None => Err(wrong(vm, "method", "Class", args.this())),
    }
}

fn class_name(vm: &mut Vm, args: &Args) -> R {
    let c = this_class(vm, args)?;
    Ok(vm.sym_string(c.data().name))
}

fn parent(vm: &mut Vm, args: &Args) -> R {
    Ok(this_class(vm, args)?.data().parent)
}

/// Strings of names.
fn strings(vm: &mut Vm, names: impl Iterator<Item = Sym>) -> R {
    let a = vm.heap.array_with_capacity(0);
    for n in names {
        let s = vm.sym_string(n);
        vm.heap.array_push(a, s);
    }
    Ok(a.value())
}

fn methods(vm: &mut Vm, args: &Args) -> R {
    let c = this_class(vm, args)?;
    let builtin = c.data().builtin;
    let names: Vec<Sym> =
        c.data().method_order.iter().copied().filter(|&n| !builtin || !hidden(vm.sym_name(n))).collect();
    strings(vm, names.into_iter())
}

fn has_method(vm: &mut Vm, args: &Args) -> R {
    let c = this_class(vm, args)?;
    let s = symbol_arg(vm, "has_method?", args.get(0))?;
    Ok(Value::bool(vm.class_find(c, s).is_some()))
}

fn ancestors(vm: &mut Vm, args: &Args) -> R {
    let mut c = this_class(vm, args)?.data().parent;
    let a = vm.heap.array_with_capacity(0);
    while let Some(p) = c.get::<ClassObj>(Kind::Class) {
        vm.heap.array_push(a, c);
        c = p.data().parent;
    }
    Ok(a.value())
}

fn class_method(vm: &mut Vm, args: &Args, what: &str) -> R {
    let c = this_class(vm, args)?;
    let s = symbol_arg(vm, what, args.get(0))?;
    match vm.class_find(c, s) {
        Some(f) => Ok(f),
        None => {
            let on = vm.sym_name(c.data().name);
            Err(no_method(vm, s, on))
        }
    }
}

fn method_intent(vm: &mut Vm, args: &Args) -> R {
    let f = class_method(vm, args, "method_intent")?;
    Ok(f.get::<Function>(Kind::Function).and_then(|f| f.proto().intent).unwrap_or(Value::NIL))
}

static UNBOUND: NativeDef = def!("", call_unbound, 1, VARIADIC, ["*"], "");

fn instance_method(vm: &mut Vm, args: &Args) -> R {
    let f = class_method(vm, args, "instance_method")?;
    Ok(vm.heap.native(&UNBOUND, f))
}

/// The method is the bound data; the first argument becomes its receiver.
fn call_unbound(vm: &mut Vm, args: &Args) -> R {
    let kw = args.keyword_names().iter().enumerate().map(|(i, &k)| (k, args.kw_value(i))).collect();
    vm.pending = Some(PendingCall { callee: args.data, args: args.rest().to_vec(), kw, method: true });
    Err(Stop::Call)
}

// --- namespaces

fn this_namespace(vm: &mut Vm, args: &Args) -> Result<Gc<NamespaceObj>, Stop> {
    match args.this().get(Kind::Namespace) {
        Some(n) => Ok(n),
        None => Err(wrong(vm, "method", "Namespace", args.this())),
    }
}

fn namespace_name(vm: &mut Vm, args: &Args) -> R {
    let n = this_namespace(vm, args)?;
    Ok(match n.data().name {
        Some(s) => vm.sym_string(s),
        None => vm.str(""),
    })
}

fn members(vm: &mut Vm, args: &Args) -> R {
    let n = this_namespace(vm, args)?;
    let names: Vec<Sym> = n.data().members.iter().map(|m| m.0).collect();
    let present: Vec<Sym> =
        names.into_iter().filter(|&s| vm.namespace_get(n, s).is_some_and(|v| !v.is_undef())).collect();
    strings(vm, present.into_iter())
}

fn has_member(vm: &mut Vm, args: &Args) -> R {
    let n = this_namespace(vm, args)?;
    let s = symbol_arg(vm, "has?", args.get(0))?;
    Ok(Value::bool(vm.namespace_get(n, s).is_some_and(|v| !v.is_undef())))
}

fn on_member_missing(vm: &mut Vm, args: &Args) -> R {
    let n = this_namespace(vm, args)?;
    vm.expect_callable("on_member_missing", args.get(0))?;
    n.data().on_missing = Some(args.get(0));
    vm.heap.barrier(n);
    Ok(Value::NIL)
}

// --- interfaces

fn interface_name(vm: &mut Vm, args: &Args) -> R {
    match Interface::of(args.this()) {
        Some(i) => Ok(vm.sym_string(i.name())),
        None => Err(wrong(vm, "name", "Interface", args.this())),
    }
}

// --- globals

fn typeof_(vm: &mut Vm, args: &Args) -> R {
    let name = vm.kind_name(args.get(0));
    let s = vm.symbols.intern_static(name);
    Ok(vm.sym_string(s))
}

fn len(vm: &mut Vm, args: &Args) -> R {
    let v = args.get(0);
    match v.heap_kind() {
        Some(Kind::Array) => Ok(Value::small(v.gc::<crate::object::array::Array>().size() as i64)),
        Some(Kind::Str) => Ok(Value::small(v.gc::<crate::object::string::Str>().char_len() as i64)),
        Some(Kind::Bytes) => Ok(Value::small(v.as_bytes().map_or(0, <[u8]>::len) as i64)),
        Some(Kind::Map | Kind::HashMap | Kind::HashSet | Kind::Range | Kind::Gene) => tail_method(vm, v, "size", &[]),
        _ => Err(wrong(vm, "len", "a String or collection", v)),
    }
}
