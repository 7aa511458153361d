//! Interfaces and adapters (7.10): who satisfies what, making adapters, their fields.
use super::{Ctl, FRAME_NEW, call, define, member, types};
use crate::def;
use crate::heap::{Gc, Kind};
use crate::native::{Args, NativeDef, R, Stop, VARIADIC};
use crate::object::class::ClassObj;
use crate::object::interface::{Adapter, Interface};
use crate::object::map::Map;
use crate::value::{Sym, Value};
use crate::vm::{PendingCall, Vm};

/// The class and its ancestors.
fn chain(class: Gc<ClassObj>) -> impl Iterator<Item = Gc<ClassObj>> {
    std::iter::successors(Some(class), |c| c.data().parent.get::<ClassObj>(Kind::Class))
}

fn implements_inline(class: Gc<ClassObj>, interface: Interface) -> bool {
    chain(class).any(|c| c.data().implements.contains(&interface.value()))
}

/// `(v is I)`
pub fn satisfies(vm: &Vm, v: Value, interface: Value) -> bool {
    let Some(interface) = Interface::of(interface) else { return false };
    match Adapter::of(v) {
        Some(a) => a.interface() == Some(interface),
        None => implements_inline(vm.class_of(v), interface),
    }
}

/// The finished class has every method of the interfaces it declares.
pub fn check_class(vm: &mut Vm, class: Gc<ClassObj>) -> Result<(), Stop> {
    if class.data().implements.is_empty() || chain(class).any(|c| !c.data().on_missing.is_nil()) {
        return Ok(());
    }
    for interface in class.data().implements.clone().into_iter().filter_map(Interface::of) {
        let missing = interface.methods().find(|&m| vm.class_find(class, m).is_none());
        if let Some(m) = missing {
            let (c, i, m) = (vm.sym_name(class.data().name), vm.sym_name(interface.name()), vm.sym_name(m));
            return Err(vm.type_error(&format!("{c} does not implement {i}.{m}")));
        }
    }
    Ok(())
}

// --- external implementations

/// The class of the adapters for values of `class`.
pub fn new_implementation(vm: &mut Vm, interface: Value, class: Value) -> Result<Gc<ClassObj>, Stop> {
    let Some(interface) = Interface::of(interface) else {
        let k = vm.kind_name(interface);
        return Err(vm.type_error(&format!("implement expects an interface, got {k}")));
    };
    if !matches!(class.heap_kind(), Some(Kind::Class | Kind::Enum)) {
        let k = vm.kind_name(class);
        return Err(vm.type_error(&format!("implement expects a class, got {k}")));
    }
    let c = vm.make_class(interface.name(), vm.classes.object.value(), 0);
    c.data().builtin = true;
    c.data().adapts = interface.value();
    c.data().adapted = class;
    vm.heap.barrier(c);
    Ok(c)
}

static FORWARD: NativeDef = def!("", forward, 0, VARIADIC, ["*"], "");

/// A declared method that the implementation leaves to the wrapped value.
fn forward(vm: &mut Vm, args: &Args) -> R {
    let Some(a) = Adapter::of(args.this()) else { return Ok(Value::NIL) };
    let mut all = vec![a.wrapped()];
    all.extend_from_slice(args.rest());
    let kw = args.keyword_names().iter().enumerate().map(|(i, &k)| (k, args.kw_value(i))).collect();
    vm.pending = Some(PendingCall { callee: args.data, args: all, kw, method: true });
    Err(Stop::Call)
}

/// Puts the complete implementation in the place of an earlier one for the same class; gives the interface.
pub fn register(vm: &mut Vm, class: Gc<ClassObj>) -> R {
    let d = class.data();
    let Some(interface) = Interface::of(d.adapts) else { return Ok(Value::NIL) };
    let declared: Vec<Sym> = interface.methods().collect();
    d.methods.retain(|name, _| declared.contains(name));
    d.method_order.retain(|name| declared.contains(name));
    for name in declared {
        if !class.data().methods.contains_key(&name) {
            let f = vm.heap.native(&FORWARD, Value::sym(name));
            vm.class_define(class, name, f);
        }
    }
    vm.table_set(interface.table(), class.data().adapted, class.value())?;
    Ok(interface.value())
}

fn implementation(vm: &mut Vm, interface: Interface, v: Value) -> Result<Option<Gc<ClassObj>>, Stop> {
    let table = interface.table();
    if let Some((e, _)) = v.enum_of()
        && let Some(c) = vm.table_get(table, e.value())?
    {
        return Ok(c.get(Kind::Class));
    }
    for c in chain(vm.class_of(v)) {
        if let Some(found) = vm.table_get(table, c.value())? {
            return Ok(found.get(Kind::Class));
        }
    }
    Ok(None)
}

/// `(I v args...)`; window as for [`call::call`].
pub fn adapt(vm: &mut Vm, w: *mut Value, n: usize, kw: &[Sym], ret: u64, method: bool) -> Ctl {
    // An interface in a field was called as a method: the receiver is no argument.
    let skip = method as usize;
    // SAFETY: callee and arguments stand in the window.
    let callee = unsafe { *w };
    let Some(interface) = Interface::of(callee) else { return call::not_callable(vm, callee) };
    if n == skip {
        let m = call::arity_message(1, None, 0);
        return call::fail(vm, Vm::argument_error, &m);
    }
    // SAFETY: there is an argument.
    let v = unsafe { *w.add(3 + skip) };
    if satisfies(vm, v, callee) {
        return call::finish(vm, Ok(v), ret);
    }
    let class = match implementation(vm, interface, v) {
        Ok(Some(c)) => c,
        Ok(None) => {
            let m = format!("{} does not implement {}", vm.kind_name(v), vm.sym_name(interface.name()));
            return call::fail(vm, Vm::type_error, &m);
        }
        Err(_) => return Ctl::Throw,
    };
    let own = if class.data().fields.is_empty() { Value::NIL } else { vm.map().value() };
    let adapter = vm.heap.adapter(class, v, own);
    // SAFETY: as above; the adapter takes the value's place, where the collector sees it.
    unsafe { *w.add(3 + skip) = adapter.value() };
    let ctor = class.data().ctor;
    let defaults = define::defaults(class);
    if !defaults.is_empty() {
        // SAFETY: arguments stand behind the value, keyword values behind them.
        let rest = unsafe { std::slice::from_raw_parts(w.add(4 + skip), n - skip - 1 + kw.len()) }.to_vec();
        return adapt_with_defaults(vm, interface, adapter, &defaults, ctor, &rest, kw, ret);
    }
    if ctor.is_nil() {
        let given = n - skip + kw.len();
        if given > 1 {
            let m = call::arity_message(1, Some(1), given);
            return call::fail(vm, Vm::argument_error, &m);
        }
        return call::finish(vm, Ok(adapter.value()), ret);
    }
    // SAFETY: the arguments move over the receiver, if there is one.
    unsafe {
        if skip == 1 {
            std::ptr::copy(w.add(4), w.add(3), n - 1 + kw.len());
        }
        *w = ctor;
    }
    call::call(vm, w, n - skip, kw, ret | FRAME_NEW >> 32, true)
}

static UNBOUND: NativeDef = def!("", call_unbound, 1, VARIADIC, ["*"], "");

/// The bound function with its first argument as `self`.
fn call_unbound(vm: &mut Vm, args: &Args) -> R {
    let kw = args.keyword_names().iter().enumerate().map(|(i, &k)| (k, args.kw_value(i))).collect();
    vm.pending = Some(PendingCall { callee: args.data, args: args.rest().to_vec(), kw, method: true });
    Err(Stop::Call)
}

static SET_OWN: NativeDef = def!("", call_set_own, 3, 3, "");

/// Field of an adapter, name, value.
fn call_set_own(vm: &mut Vm, args: &Args) -> R {
    if let (Some(a), Some(name)) = (Adapter::of(args.get(0)), args.get(1).as_sym()) {
        set_own(vm, a, name, args.get(2))?;
    }
    Ok(Value::NIL)
}

/// Defaults may wait, and so may the constructor after them: a function of the prelude calls them in turn.
#[allow(clippy::too_many_arguments)]
fn adapt_with_defaults(
    vm: &mut Vm,
    interface: Interface,
    adapter: Adapter,
    defaults: &[(Sym, Value)],
    ctor: Value,
    rest: &[Value],
    kw: &[Sym],
    ret: u64,
) -> Ctl {
    let positional = rest.len() - kw.len();
    if ctor.is_nil() && !rest.is_empty() {
        let m = call::arity_message(1, Some(1), 1 + rest.len());
        return call::fail(vm, Vm::argument_error, &m);
    }
    let fields = vm.heap.array_with_capacity(defaults.len());
    for &(name, thunk) in defaults {
        let thunk = vm.heap.native(&UNBOUND, thunk);
        let pair = vm.array(&[Value::sym(name), thunk]);
        vm.heap.array_push(fields, pair);
    }
    let ctor = if ctor.is_nil() { ctor } else { vm.heap.native(&UNBOUND, ctor) };
    let set = vm.heap.native(&SET_OWN, Value::NIL);
    let args = vm.array(&rest[..positional]);
    let keywords = vm.map_with_capacity(kw.len());
    for (&k, &v) in kw.iter().zip(&rest[positional..]) {
        vm.map_set(keywords, k, v);
    }
    let all = [interface.value(), adapter.value(), fields.value(), set, ctor, args, keywords.value()];
    let callee = Value::sym(vm.symbols.intern_static("_adapt"));
    call::pending_call(vm, PendingCall { callee, args: all.to_vec(), kw: Vec::new(), method: true }, ret)
}

// --- fields

fn internal(vm: &mut Vm, a: Adapter) -> Value {
    match a.internal() {
        Some(m) => m,
        None => {
            let m = vm.map();
            a.set_internal(&mut vm.heap, m);
            m.value()
        }
    }
}

/// Does the implementation declare the field?
fn declares(a: Adapter, name: Sym) -> bool {
    a.class().data().fields.iter().any(|f| f.name == name)
}

/// The value of a field that the interface declares, if there is one.
pub fn declared_field(vm: &mut Vm, o: Value, name: Sym) -> Option<Value> {
    Adapter::of(o)?.interface()?.field(name)?;
    get_field(vm, o, name).ok().filter(|v| !v.is_void())
}

pub fn get_field(vm: &mut Vm, o: Value, name: Sym) -> R {
    let Some(a) = Adapter::of(o) else { return Ok(Value::VOID) };
    match vm.sym_name(name) {
        "_genevalue" => return Ok(a.wrapped()),
        "_geneinternal" => return Ok(internal(vm, a)),
        _ => {}
    }
    if a.interface().and_then(|i| i.field(name)).is_none() {
        return Ok(Value::VOID);
    }
    if declares(a, name) {
        return Ok(a.own().and_then(|m| vm.map_get(m, name)).unwrap_or(Value::VOID));
    }
    member::get_member(vm, a.wrapped(), name)
}

/// Assigns where [`get_field`] reads.
pub fn set_field(vm: &mut Vm, o: Value, name: Sym, v: Value) -> Result<(), Stop> {
    let Some(a) = Adapter::of(o) else { return Ok(()) };
    let readonly = a.interface().and_then(|i| i.field(name));
    let (n, kind) = (vm.sym_name(name), vm.kind_name(o));
    match readonly {
        None => Err(vm.type_error(&format!("Cannot set member {n} on {kind}"))),
        Some(true) => Err(vm.type_error(&format!("Field {n} of {kind} is read-only"))),
        Some(false) if declares(a, name) => set_own(vm, a, name, v),
        Some(false) => member::set_member(vm, a.wrapped(), name, v),
    }
}

fn set_own(vm: &mut Vm, a: Adapter, name: Sym, v: Value) -> Result<(), Stop> {
    let Some(m): Option<Gc<Map>> = a.own() else { return Ok(()) };
    let v = match member::field_decl(vm, a.class(), name) {
        Some((ty, place)) => types::check(vm, v, ty, &place)?,
        None => v,
    };
    vm.map_set(m, name, v);
    Ok(())
}
