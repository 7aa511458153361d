//! Classes, instances, enums, namespaces, imports.
use super::cold::{constant, names};
use super::{Ctl, FRAME_NEW, call, interface};
use crate::bytecode::{Instr, Op};
use crate::heap::{Gc, Kind, Record};
use crate::native::{Args, Stop};
use crate::object::array::Array;
use crate::object::class::{ClassObj, FieldDecl};
use crate::object::enums::VariantDecl;
use crate::object::map::Map;
use crate::object::namespace::NamespaceObj;
use crate::value::{Sym, Value};
use crate::vm::Vm;

/// The nearest constructor.
pub fn find_ctor(vm: &Vm, class: Gc<ClassObj>) -> Option<Value> {
    let _ = vm;
    let mut c = class;
    loop {
        if !c.data().ctor.is_nil() {
            return Some(c.data().ctor);
        }
        c = c.data().parent.get::<ClassObj>(Kind::Class)?;
    }
}

/// `(Class ^name "N" ^parent P ^methods {^m f ...} ^fields {...})` (7.12). `^fields` is metadata.
pub fn dynamic_class(vm: &mut Vm, positional: usize, kw: &[(Sym, Value)]) -> crate::native::R {
    if positional > 0 {
        let m = call::arity_message(0, Some(0), positional);
        return Err(vm.argument_error(&m));
    }
    let (mut name, mut parent, mut methods) = (None, vm.classes.object.value(), None);
    for &(k, v) in kw {
        match vm.sym_name(k) {
            "name" => name = vm.map_key(v),
            "parent" => parent = v,
            "methods" => methods = Some(v),
            "fields" => {}
            other => return Err(vm.argument_error(&format!("Unexpected keyword argument: {other}"))),
        }
    }
    let Some(name) = name else { return Err(vm.argument_error("Missing keyword argument: name")) };
    check_parent(vm, parent)?;
    let c = vm.make_class(name, parent, 0);
    if let Some(m) = methods {
        let Some(m) = m.get::<Map>(Kind::Map) else {
            let k = vm.kind_name(m);
            return Err(vm.type_error(&format!("^methods expects Map, got {k}")));
        };
        for (k, f) in vm.map_entries(m) {
            vm.class_define(c, k, f);
        }
    }
    Ok(c.value())
}

/// Only classes of scripts, `Object` and exceptions can be extended.
fn check_parent(vm: &mut Vm, parent: Value) -> Result<(), Stop> {
    let Some(p) = parent.get::<ClassObj>(Kind::Class) else {
        let kind = vm.kind_name(parent);
        return Err(vm.type_error(&format!("Cannot extend {kind} value")));
    };
    if p.data().builtin {
        let n = vm.sym_name(p.data().name);
        return Err(vm.type_error(&format!("Cannot extend {n}")));
    }
    Ok(())
}

/// `(new C args...)`
pub fn new(vm: &mut Vm, r: *mut Value, i: Instr) -> Ctl {
    // SAFETY: window.
    let class = unsafe { *r.add(i.a()) };
    let Some(c) = class.get::<ClassObj>(Kind::Class) else {
        let k = vm.kind_name(class);
        let mut m = format!("new requires a class, got {k}");
        if class == Value::VOID
            && let Some(path) = super::trace::called_path(vm.cur)
        {
            m.push_str(&call::undefined(&path));
        }
        return call::fail(vm, Vm::type_error, &m);
    };
    let spread = i.op() == Op::NewSpread;
    let mut n = i.b();
    let mut w_off = (r as usize - vm.cur.stack as usize) / 8 + i.a();
    let mut kw: Vec<Sym> = Vec::new();
    if spread {
        // SAFETY: window.
        let (args, m) = unsafe { (*r.add(i.a() + 4), *r.add(i.a() + 5)) };
        let items = args.get::<Array>(Kind::Array).map_or(Vec::new(), |a| a.as_slice().to_vec());
        let entries = m.get::<Map>(Kind::Map).map_or(Vec::new(), |m| vm.map_entries(m));
        w_off = call::scratch_offset(vm);
        if call::ensure(vm, w_off + 8 + items.len() + entries.len() + super::SCRATCH).is_err() {
            return Ctl::Throw;
        }
        n = items.len();
        // SAFETY: room ensured.
        unsafe {
            let w = vm.cur.stack.add(w_off);
            for (j, &v) in items.iter().chain(entries.iter().map(|e| &e.1)).enumerate() {
                *w.add(4 + j) = v;
            }
        }
        kw.extend(entries.iter().map(|e| e.0));
    } else {
        kw.extend_from_slice(&call::running(vm).sites[i.ux()].keywords);
    }
    let ret = i.c() as u64;
    // SAFETY: the window lies in the running fiber's stack.
    let w = unsafe { vm.cur.stack.add(w_off) };
    if let Some(construct) = c.data().construct {
        // SAFETY: arguments stand behind the place of the instance.
        let args =
            Args { base: unsafe { w.add(4) }, n, keywords: &*kw as *const [Sym], method: false, data: Value::NIL };
        let v = construct(vm, &args);
        return call::finish(vm, v, ret);
    }
    if c.data().builtin {
        let name = vm.sym_name(c.data().name);
        return call::fail(vm, Vm::type_error, &format!("Cannot create {name} with new"));
    }
    let obj = vm.instance(c).value();
    // SAFETY: window.
    unsafe {
        *w.add(3) = obj;
        if !spread {
            *w.add(1) = Value::NIL;
        }
    }
    if c.data().is_exception {
        let empty = vm.str("");
        let (m, cause) = (vm.names.message, vm.names.cause);
        vm.map_set(obj.gc(), m, empty);
        vm.map_set(obj.gc(), cause, Value::NIL);
    }
    if c.data().has_fields {
        if spread {
            // The window lies where calls build theirs: defaults run on a stack of their own.
            for f in defaults(c) {
                if init_field(vm, f, obj).is_err() {
                    return Ctl::Throw;
                }
            }
        } else {
            // Progress through the defaults is kept in the window: they may suspend.
            // SAFETY: window.
            unsafe { *w.add(1) = Value::small(0) };
            return next_default(vm, i, None);
        }
    }
    construct_with(vm, w_off, c, obj, n, &kw, ret)
}

/// Goes on with field defaults of the instruction's new instance; `done`: the value of the one that ran last.
pub fn next_default(vm: &mut Vm, i: Instr, done: Option<Value>) -> Ctl {
    // SAFETY: the window of the running `New`.
    unsafe {
        let w_off = vm.cur.base as usize + i.a();
        let w = vm.cur.stack.add(w_off);
        let (c, obj): (Gc<ClassObj>, Value) = ((*w).gc(), *w.add(3));
        let mut at = (*w.add(1)).small_int() as usize;
        let all = defaults(c);
        if let Some(v) = done {
            let (name, _) = all[at];
            if super::member::set_member(vm, obj, name, v).is_err() {
                return Ctl::Throw;
            }
            at += 1;
        }
        if let Some(&(_, thunk)) = all.get(at) {
            *w.add(1) = Value::small(at as i64);
            return call::call_op(vm, thunk, &[obj], true);
        }
        *w.add(1) = Value::NIL;
        let kw = call::running(vm).sites[i.ux()].keywords.clone();
        construct_with(vm, w_off, c, obj, i.b(), &kw, i.c() as u64)
    }
}

/// Field names and default closures, parents first.
pub(super) fn defaults(c: Gc<ClassObj>) -> Vec<(Sym, Value)> {
    let mut chain = vec![c];
    let mut at = c;
    while let Some(p) = at.data().parent.get::<ClassObj>(Kind::Class) {
        chain.push(p);
        at = p;
    }
    let fields = chain.iter().rev().flat_map(|c| c.data().fields.iter());
    fields.filter(|f| !f.default.is_nil()).map(|f| (f.name, f.default)).collect()
}

fn init_field(vm: &mut Vm, (name, thunk): (Sym, Value), obj: Value) -> Result<(), Stop> {
    let v = vm.call_sync_method(thunk, &[obj])?;
    super::member::set_member(vm, obj, name, v)
}

/// Calls the constructor on the instance; arguments stand in the window.
fn construct_with(vm: &mut Vm, w_off: usize, c: Gc<ClassObj>, obj: Value, n: usize, kw: &[Sym], ret: u64) -> Ctl {
    // SAFETY: the window lies in the running fiber's stack.
    let w = unsafe { vm.cur.stack.add(w_off) };
    match find_ctor(vm, c) {
        Some(f) => {
            // SAFETY: window; field defaults ran on another fiber, so the stack is where it was.
            unsafe { *w = f };
            if f.is_kind(Kind::Native) {
                // A native constructor gives nothing of interest; the result is the instance.
                return match native_ctor(vm, f, w, n, kw) {
                    Ok(()) => call::finish(vm, Ok(obj), ret),
                    Err(s) => call::finish(vm, Err(s), ret),
                };
            }
            call::call(vm, w, n + 1, kw, ret | FRAME_NEW >> 32, true)
        }
        None if n + kw.len() > 0 => {
            let m = call::arity_message(0, Some(0), n + kw.len());
            call::fail(vm, Vm::argument_error, &m)
        }
        None => call::finish(vm, Ok(obj), ret),
    }
}

fn native_ctor(vm: &mut Vm, f: Value, w: *mut Value, n: usize, kw: &[Sym]) -> Result<(), Stop> {
    let Some((def, data)) = f.as_native() else { return Ok(()) };
    if n < def.min as usize || (n > def.max as usize && def.max != crate::native::VARIADIC) {
        let m = call::arity_message(def.min as usize, Some(def.max as usize), n);
        return Err(vm.argument_error(&m));
    }
    for s in kw {
        let name = vm.sym_name(*s);
        if !def.keywords.contains(&name) {
            return Err(vm.argument_error(&format!("Unexpected keyword argument: {name}")));
        }
    }
    // SAFETY: self and arguments stand from w + 3.
    let args = Args { base: unsafe { w.add(3) }, n: n + 1, keywords: kw as *const [Sym], method: true, data };
    (def.f)(vm, &args).map(|_| ())
}

pub fn execute(vm: &mut Vm, r: *mut Value, i: Instr) -> Ctl {
    // SAFETY: register operands are below `nregs` (verifier).
    let reg = |n: usize| unsafe { *r.add(n) };
    // SAFETY: as above.
    let set = |n: usize, v: Value| unsafe { *r.add(n) = v };
    match i.op() {
        Op::ClassNew => {
            let k: Gc<Record> = constant(vm, i).gc();
            let name = k.slot(0).as_sym().unwrap_or(vm.names.empty);
            let parent = if i.c() == 1 { reg(i.b()) } else { vm.classes.object.value() };
            if check_parent(vm, parent).is_err() {
                return Ctl::Throw;
            }
            let c = vm.make_class(name, parent, k.slot(1).as_int().unwrap_or(0) as u32);
            c.data().intent = k.slot(2);
            c.data().module = Some(call::running(vm).source.module);
            set(i.a(), c.value());
        }
        Op::ClassOpen if !reg(i.a()).is_kind(Kind::Class) => {
            let k = vm.kind_name(reg(i.a()));
            return call::fail(vm, Vm::type_error, &format!("extend expects a class, got {k}"));
        }
        Op::ClassMethod => {
            if let Some(name) = constant(vm, i).as_sym() {
                vm.class_define(reg(i.a()).gc(), name, reg(i.b()));
            }
        }
        Op::ClassCtor => {
            let c: Gc<ClassObj> = reg(i.a()).gc();
            c.data().ctor = reg(i.b());
            vm.heap.barrier(c);
        }
        Op::ClassField => {
            let c: Gc<ClassObj> = reg(i.a()).gc();
            let k: Gc<Record> = constant(vm, i).gc();
            let name = k.slot(0).as_sym().unwrap_or(vm.names.empty);
            let place = format!("field {}", vm.sym_name(name)).into();
            let ty = if i.c() & 2 != 0 { reg(i.b() + 1) } else { k.slot(1) };
            let default = if i.c() & 1 != 0 { reg(i.b()) } else { Value::NIL };
            c.data().fields.push(FieldDecl { name, ty, place, default });
            c.data().has_fields = true;
            vm.heap.barrier(c);
        }
        Op::ClassStatic => {
            if let Some(name) = constant(vm, i).as_sym() {
                let c: Gc<ClassObj> = reg(i.a()).gc();
                let mut v = reg(i.b());
                if v.get::<crate::object::function::Function>(Kind::Function).is_some_and(|f| f.proto().has_self) {
                    // `Cls/name` is called with the class as `self`; through `(Cls .name)` the receiver is.
                    v = vm.heap.static_method(c.value(), v);
                }
                c.data().statics.insert(name, v);
                vm.heap.barrier(c);
            }
        }
        Op::ClassMissing => {
            let c: Gc<ClassObj> = reg(i.a()).gc();
            c.data().on_missing = reg(i.b());
            vm.heap.barrier(c);
        }
        Op::ClassImplements => {
            let v = reg(i.b());
            if !v.is_kind(Kind::Interface) {
                let k = vm.kind_name(v);
                return call::fail(vm, Vm::type_error, &format!("implements expects an interface, got {k}"));
            }
            let c: Gc<ClassObj> = reg(i.a()).gc();
            if !c.data().implements.contains(&v) {
                c.data().implements.push(v);
                vm.heap.barrier(c);
            }
        }
        Op::ClassDone if interface::check_class(vm, reg(i.a()).gc()).is_err() => return Ctl::Throw,
        Op::InterfaceNew => {
            let k: Gc<Record> = constant(vm, i).gc();
            let v = vm.heap.interface(k.slot(0), k.slot(1), k.slot(2));
            set(i.a(), v.value());
        }
        Op::ImplementNew => match interface::new_implementation(vm, reg(i.b()), reg(i.c())) {
            Ok(c) => set(i.a(), c.value()),
            Err(_) => return Ctl::Throw,
        },
        Op::ImplementDone => match interface::register(vm, reg(i.a()).gc()) {
            Ok(v) => set(i.a(), v),
            Err(_) => return Ctl::Throw,
        },
        Op::EnumNew => {
            let k: Gc<Record> = constant(vm, i).gc();
            let mut variants = Vec::new();
            for v in &k.slots()[1..] {
                match v.as_sym() {
                    Some(name) => variants.push(VariantDecl { name, fields: None }),
                    None => {
                        let d: Gc<Record> = v.gc();
                        let fields = d.slots()[1..]
                            .chunks(2)
                            .map(|f| {
                                // A type that knows local names stands in a register.
                                let ty = if f[1].is_small() { reg(i.b() + f[1].small_int() as usize) } else { f[1] };
                                (f[0].as_sym().unwrap_or(Sym(0)), ty)
                            })
                            .collect();
                        variants.push(VariantDecl { name: d.slot(0).as_sym().unwrap_or(Sym(0)), fields: Some(fields) });
                    }
                }
            }
            let e = vm.heap.make_enum(k.slot(0).as_sym().unwrap_or(Sym(0)), variants);
            e.data().module = Some(call::running(vm).source.module);
            set(i.a(), e.value());
        }
        Op::NsNew => {
            let name = constant(vm, i).as_sym().unwrap_or(vm.names.empty);
            let parent = reg(i.b());
            let existing = if parent.is_undef() {
                reg(i.b() + 1)
            } else if let Some(p) = parent.get::<NamespaceObj>(Kind::Namespace) {
                vm.namespace_get(p, name).unwrap_or(Value::UNDEF)
            } else {
                let k = vm.kind_name(parent);
                let n = vm.sym_name(name);
                return call::fail(vm, Vm::type_error, &format!("Cannot set member {n} on {k}"));
            };
            let ns = if existing.is_kind(Kind::Namespace) {
                existing
            } else {
                let ns = vm.heap.namespace(Some(name)).value();
                if !parent.is_undef() && super::member::set_member(vm, parent, name, ns).is_err() {
                    return Ctl::Throw;
                }
                ns
            };
            set(i.a(), ns);
        }
        Op::Import => return import(vm, r, i),
        Op::ExportCheck if reg(i.a()).is_undef() => {
            let n = constant(vm, i).as_sym().map_or("", |s| vm.sym_name(s));
            return call::fail(vm, Vm::runtime_error, &format!("Exported name {n} is not defined"));
        }
        _ => {}
    }
    Ctl::Next
}

fn import(vm: &mut Vm, r: *mut Value, i: Instr) -> Ctl {
    let k: Gc<Record> = constant(vm, i).gc();
    let module = call::running(vm).source.module;
    match k.slot(0).as_str() {
        Some(spec) => match vm.import_module(spec, k.slot(1).as_str(), k.slot(2).as_str(), module) {
            Ok((id, Some(body))) => {
                let ns = vm.modules[id as usize].namespace.value();
                // SAFETY: register; holds the namespace until the body has run.
                unsafe { *r.add(i.a()) = ns };
                vm.modules[id as usize].running = true;
                call::call_op(vm, body, &[], false)
            }
            Ok((id, None)) => {
                let ns = vm.modules[id as usize].namespace.value();
                // SAFETY: register.
                unsafe { *r.add(i.a()) = ns };
                bind_items(vm, r, i)
            }
            Err(_) => Ctl::Throw,
        },
        None => {
            // `(import lib/part)`: from the namespaces loaded already.
            // SAFETY: register.
            unsafe { *r.add(i.a()) = Value::NIL };
            bind_items(vm, r, i)
        }
    }
}

/// The imported module's body has run: r[a] holds its namespace.
pub fn import_done(vm: &mut Vm, r: *mut Value, i: Instr) -> Ctl {
    // SAFETY: register.
    let ns = unsafe { *r.add(i.a()) };
    vm.modules.iter_mut().filter(|m| m.namespace.value() == ns).for_each(|m| m.running = false);
    bind_items(vm, r, i)
}

/// r[a], a namespace or nil, becomes the array of the values that the import binds.
fn bind_items(vm: &mut Vm, r: *mut Value, i: Instr) -> Ctl {
    let k: Gc<Record> = constant(vm, i).gc();
    let module = call::running(vm).source.module;
    // SAFETY: register.
    let ns = unsafe { *r.add(i.a()) };
    let out = vm.heap.array_with_capacity(k.len() - 3);
    for item in &k.slots()[3..] {
        let path = names(*item);
        let v = match ns.get::<NamespaceObj>(Kind::Namespace) {
            Some(n) => {
                if path.is_empty() {
                    vm.modules[module as usize].opened.push(ns);
                    vm.globals.data().version = vm.globals.data().version.wrapping_add(1);
                    Ok(Value::NIL)
                } else {
                    crate::modules::bind_import(vm, n, k.slot(0).as_str().unwrap_or(""), &path, module)
                }
            }
            None => {
                let mut v = match super::member::lookup_global(vm, module, path[0]) {
                    Ok((v, _)) => v,
                    Err(_) => return Ctl::Throw,
                };
                let mut stop = None;
                for &s in &path[1..] {
                    match super::member::get_member(vm, v, s) {
                        Ok(x) => v = x,
                        Err(s) => stop = Some(s),
                    }
                }
                match stop {
                    Some(s) => Err(s),
                    None => Ok(v),
                }
            }
        };
        match v {
            Ok(v) => vm.heap.array_push(out, v),
            Err(_) => return Ctl::Throw,
        }
    }
    // SAFETY: register.
    unsafe { *r.add(i.a()) = out.value() };
    Ctl::Load
}
