//! Reading and writing members: paths (3.9) and path assignment (3.7).
use super::cache::{SHAPE_MASK, WRITE_MASK, header_word};
use super::{Ctl, call};
use crate::bytecode::{Instr, Op};
use crate::heap::{Gc, Kind, Record};
use crate::native::{R, Stop};
use crate::object::array::Array;
use crate::object::class::ClassObj;
use crate::object::code::Ic;
use crate::object::function::{Cell, STATIC};
use crate::object::map::{Map, SLOTS_AT};
use crate::object::namespace::{Member, NamespaceObj};
use crate::object::string::Str;
use crate::object::table::Table;
use crate::value::{Sym, Value};
use crate::vm::Vm;

fn ic_mut(vm: &Vm, i: Instr) -> &'static mut Ic {
    let p = call::running(vm);
    // SAFETY: cache indices were checked by the verifier; the code outlives the instruction; single-threaded.
    unsafe { &mut *(p.ics.as_ptr() as *mut Ic).add(i.ux()) }
}

fn site_name(vm: &Vm, i: Instr) -> Sym {
    call::running(vm).sites[i.ux()].name
}

/// Stores a member read's result, or goes on with its stop.
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

impl Vm {
    /// A namespace's own member.
    pub fn namespace_get(&self, ns: Gc<NamespaceObj>, name: Sym) -> Option<Value> {
        match ns.data().find(name)? {
            Member::Value(v) => Some(v),
            Member::Cell(c) => Some(c.gc::<Cell>().value).filter(|v| !v.is_undef()),
        }
    }
}

/// Global lookup: members and variables the module got at run time, what it imported with `*`, then the globals.
#[cold]
#[inline(never)]
pub fn get_global(vm: &mut Vm, r: *mut Value, i: Instr) -> Ctl {
    let name = site_name(vm, i);
    let module = call::running(vm).source.module;
    match lookup_global(vm, module, name) {
        Ok((v, cacheable)) => {
            if cacheable {
                let key = vm.globals.data().version as u64 + 1;
                *ic_mut(vm, i) = Ic { key, target: v.0 };
            }
            // SAFETY: register of the running frame.
            unsafe { *r.add(i.a()) = v };
            Ctl::Next
        }
        Err(_) => Ctl::Throw,
    }
}

pub fn lookup_global(vm: &mut Vm, module: u32, name: Sym) -> Result<(Value, bool), Stop> {
    if let Some(m) = vm.modules.get(module as usize) {
        if let Some(v) = vm.namespace_get(m.namespace, name) {
            return Ok((v, false));
        }
        // Data that was evaluated at the top of the module defined it.
        if let Some(v) = vm.module_var(module, name) {
            return Ok((v, false));
        }
        for ns in m.opened.iter().filter(|_| !vm.sym_name(name).starts_with('_')) {
            if let Some(v) = vm.namespace_get(ns.gc(), name) {
                return Ok((v, false));
            }
        }
    }
    let text = vm.sym_name(name);
    if let Some(rest) = text.strip_prefix('$')
        && let Some(v) = vm.dollar(rest, module)
    {
        return v.map(|v| (v, false));
    }
    if let Some(v) = vm.namespace_get(vm.globals, name) {
        return Ok((v, true));
    }
    let mut m = format!("{text} is not defined");
    if let Some(form) = crate::task::synonym::form(text) {
        m.push_str(&format!("; use {form}"));
    }
    Err(vm.runtime_error(&m))
}

/// r[a] = r[b].name
#[cold]
#[inline(never)]
pub fn get_prop(vm: &mut Vm, r: *mut Value, i: Instr) -> Ctl {
    let name = site_name(vm, i);
    // SAFETY: register of the running frame.
    let o = unsafe { *r.add(i.b()) };
    if let Some(offset) = inline_slot(vm, o, name) {
        *ic_mut(vm, i) = Ic { key: header_word(o) & SHAPE_MASK, target: offset };
    }
    let v = get_member(vm, o, name);
    put(vm, r, i, v)
}

/// Where a map or instance holds member `name` inside the object, as a byte offset.
fn inline_slot(vm: &Vm, o: Value, name: Sym) -> Option<u64> {
    if !matches!(o.heap_kind(), Some(Kind::Instance | Kind::Map)) {
        return None;
    }
    let m: Gc<Map> = o.gc();
    let s = vm.shapes.get(m.shape());
    let slot = if s.dict { None } else { s.slot(name) }?;
    (slot < m.inline_slots()).then_some((SLOTS_AT + slot * 8) as u64)
}

/// Member `name` of any value; `void` when there is none.
pub fn get_member(vm: &mut Vm, o: Value, name: Sym) -> R {
    let Some(kind) = o.heap_kind() else {
        return Ok(if o.is_nil() { Value::NIL } else { Value::VOID });
    };
    Ok(match kind {
        Kind::Map => vm.map_get(o.gc(), name).unwrap_or(Value::VOID),
        Kind::Instance => match vm.map_get(o.gc(), name) {
            Some(v) => v,
            None if vm.instance_class(o.gc()).data().is_exception => super::trace::exception_member(vm, o, name)?,
            None => Value::VOID,
        },
        Kind::HashMap => {
            let t: Gc<Table> = o.gc();
            if let Some(v) = vm.table_get(t, Value::sym(name))? {
                return Ok(v);
            }
            let s = vm.sym_string(name);
            vm.table_get(t, s)?.unwrap_or(Value::VOID)
        }
        Kind::Gene => {
            let text = vm.sym_name(name);
            let g: Gc<Record> = o.gc();
            match g.slot(1).get::<Map>(Kind::Map).and_then(|m| vm.map_get(m, name)) {
                Some(v) => v,
                None if text.starts_with('.') => Value::VOID,
                None => Value::VOID,
            }
        }
        Kind::Namespace => {
            let v = namespace_member(vm, o, name)?;
            if crate::task::local::is_key(v) { vm.local_value(v) } else { v }
        }
        Kind::Class => static_member(vm, o, name),
        Kind::Enum => {
            let e = o.gc::<crate::object::enums::EnumObj>().data();
            match e.variants.iter().position(|v| v.name == name) {
                Some(i) => e.values[i],
                None => Value::VOID,
            }
        }
        Kind::EnumValue => enum_field(vm, o, name).unwrap_or(Value::VOID),
        Kind::RegexMatch => {
            let n = vm.sym_name(name);
            crate::library::regex::match_member(vm, o.gc(), n).unwrap_or(Value::VOID)
        }
        Kind::Adapter => super::interface::get_field(vm, o, name)?,
        Kind::Record if crate::task::local::is_key(o) => {
            let v = vm.local_value(o);
            return get_member(vm, v, name);
        }
        Kind::Package | Kind::Application | Kind::Foreign | Kind::Future => {
            // Builtin objects whose members are methods without arguments.
            let class = vm.class_of(o);
            match vm.class_find(class, name) {
                Some(f) => {
                    vm.pending =
                        Some(crate::vm::PendingCall { callee: f, args: vec![o], kw: Vec::new(), method: true });
                    return Err(Stop::Call);
                }
                None => Value::VOID,
            }
        }
        _ => Value::VOID,
    })
}

/// A static function has the class it is asked of as `self`, also when an ancestor defines it.
fn static_member(vm: &mut Vm, class: Value, name: Sym) -> Value {
    let Some(v) = vm.class_static(class.gc(), name) else { return Value::VOID };
    match v.get::<Record>(Kind::BoundMethod) {
        Some(b) if b.header().aux == STATIC && b.slot(0) != class => vm.heap.static_method(class, b.slot(1)),
        _ => v,
    }
}

fn namespace_member(vm: &mut Vm, o: Value, name: Sym) -> R {
    let ns: Gc<NamespaceObj> = o.gc();
    if let Some(v) = vm.namespace_get(ns, name) {
        return Ok(v);
    }
    if ns == vm.gene_ns
        && let Some(v) = vm.namespace_get(vm.globals, name)
    {
        return Ok(v);
    }
    if let Some(h) = ns.data().on_missing {
        let s = vm.sym_string(name);
        return vm.tail_call(h, &[s]);
    }
    Ok(Value::VOID)
}

pub fn enum_field(vm: &Vm, o: Value, name: Sym) -> Option<Value> {
    let _ = vm;
    let (e, i) = o.enum_of()?;
    let at = e.data().variants[i].fields.as_ref()?.iter().position(|f| f.0 == name)?;
    Some(o.gc::<Record>().slot(1 + at))
}

/// Element `index` of any value; `void` when there is none.
pub fn get_index(vm: &mut Vm, o: Value, index: i64) -> R {
    let Some(kind) = o.heap_kind() else {
        return Ok(if o.is_nil() { Value::NIL } else { Value::VOID });
    };
    let pick = |n: usize| -> Option<usize> {
        let i = if index < 0 { index + n as i64 } else { index };
        usize::try_from(i).ok().filter(|&i| i < n)
    };
    Ok(match kind {
        Kind::Array => {
            let a: Gc<Array> = o.gc();
            pick(a.size()).map_or(Value::VOID, |i| a.as_slice()[i])
        }
        Kind::Gene => match o.gc::<Record>().slot(2).get::<Array>(Kind::Array) {
            Some(a) => pick(a.size()).map_or(Value::VOID, |i| a.as_slice()[i]),
            None => Value::VOID,
        },
        Kind::Str => {
            let s: Gc<Str> = o.gc();
            pick(s.char_len()).and_then(|i| vm.str_char_at(s, i)).map_or(Value::VOID, Value::char)
        }
        Kind::Bytes => {
            let b = o.as_bytes().unwrap_or(&[]);
            pick(b.len()).map_or(Value::VOID, |i| Value::small(b[i] as i64))
        }
        Kind::Range => {
            let g: Gc<Record> = o.gc();
            let n = super::iterate::range_len(g.slot(0), g.slot(1), g.slot(2));
            match pick(n) {
                Some(i) => super::iterate::range_at(vm, g, i).unwrap_or(Value::VOID),
                None => Value::VOID,
            }
        }
        Kind::Map => {
            let key = index.to_string();
            match vm.symbols.find(&key) {
                Some(s) => vm.map_get(o.gc(), s).unwrap_or(Value::VOID),
                None => Value::VOID,
            }
        }
        Kind::HashMap => {
            let k = vm.int(index);
            vm.table_get(o.gc(), k)?.unwrap_or(Value::VOID)
        }
        Kind::EnumValue => {
            let r: Gc<Record> = o.gc();
            pick(r.len() - 1).map_or(Value::VOID, |i| r.slot(i + 1))
        }
        Kind::RegexMatch => crate::library::regex::match_group(vm, o.gc(), index),
        _ => Value::VOID,
    })
}

/// Member named by a value: Int index, String or Symbol name, anything on a HashMap.
pub fn get_key(vm: &mut Vm, o: Value, key: Value) -> R {
    if let Some(t) = o.get::<Table>(Kind::HashMap) {
        return Ok(vm.table_get(t, key)?.unwrap_or(Value::VOID));
    }
    if let Some(i) = key.as_int() {
        return get_index(vm, o, i);
    }
    match vm.find_map_key(key) {
        Some(Some(s)) => get_member(vm, o, s),
        Some(None) => match o.heap_kind() {
            // Names nobody interned: only a handler can know them.
            Some(Kind::Namespace) => {
                let s = vm.map_key(key).unwrap_or(vm.names.empty);
                get_member(vm, o, s)
            }
            _ if o.is_nil() => Ok(Value::NIL),
            _ => Ok(Value::VOID),
        },
        None if o.is_nil() => Ok(Value::NIL),
        None => Err(invalid_key(vm, key)),
    }
}

fn invalid_key(vm: &mut Vm, key: Value) -> Stop {
    let k = vm.kind_name(key);
    vm.type_error(&format!("Invalid member key: {k}"))
}

#[inline(never)]
pub fn get_dyn(vm: &mut Vm, r: *mut Value, i: Instr) -> Ctl {
    // SAFETY: registers of the running frame.
    let (o, key) = unsafe { (*r.add(i.b()), *r.add(i.c())) };
    let v = get_key(vm, o, key);
    put(vm, r, i, v)
}

#[cold]
#[inline(never)]
pub fn get_idx(vm: &mut Vm, r: *mut Value, i: Instr) -> Ctl {
    // SAFETY: register of the running frame.
    let o = unsafe { *r.add(i.b()) };
    let v = get_index(vm, o, i.x() as i64);
    put(vm, r, i, v)
}

/// The literal name first; when it finds nothing, the variable's value is the key.
#[cold]
#[inline(never)]
pub fn get_prop_var(vm: &mut Vm, r: *mut Value, i: Instr) -> Ctl {
    let name = site_name(vm, i);
    // SAFETY: registers of the running frame.
    let (o, key) = unsafe { (*r.add(i.b()), *r.add(i.c())) };
    if let Some(offset) = inline_slot(vm, o, name) {
        *ic_mut(vm, i) = Ic { key: header_word(o) & SHAPE_MASK, target: offset };
    }
    let v = match get_member(vm, o, name) {
        Ok(v) if v.is_void() && !matches!(o.heap_kind(), Some(Kind::Namespace | Kind::Class | Kind::Enum)) => {
            if key.is_undef() { Ok(v) } else { get_key(vm, o, key) }
        }
        v => v,
    };
    put(vm, r, i, v)
}

// --- writing

fn frozen(vm: &mut Vm, o: Value) -> Stop {
    let k = match o.heap_kind() {
        Some(Kind::Array) => "Array",
        Some(Kind::Map) => "Map",
        Some(Kind::HashMap) => "HashMap",
        Some(Kind::HashSet) => "HashSet",
        Some(Kind::Gene) => "Gene",
        _ => "value",
    };
    vm.type_error(&format!("Cannot modify immutable {k}"))
}

impl Vm {
    /// Raises when a container is immutable. For natives that change their receiver.
    pub fn check_mutable(&mut self, o: Value) -> Result<(), Stop> {
        if o.is_ptr() && o.gc::<Record>().header().frozen() { Err(frozen(self, o)) } else { Ok(()) }
    }
}

#[cold]
#[inline(never)]
pub fn set_prop(vm: &mut Vm, r: *mut Value, i: Instr) -> Ctl {
    let name = site_name(vm, i);
    // SAFETY: registers of the running frame.
    let (o, v) = unsafe { (*r.add(i.a()), *r.add(i.b())) };
    let before = if o.is_ptr() { header_word(o) } else { 0 };
    if set_member(vm, o, name, v).is_err() {
        return Ctl::Throw;
    }
    // Cache plain stores into slots inside the object, adding ones included.
    if matches!(o.heap_kind(), Some(Kind::Instance | Kind::Map)) {
        let m: Gc<Map> = o.gc();
        let ty = match o.is_kind(Kind::Instance) {
            true => field_decl(vm, vm.instance_class(m), name).map(|f| f.0),
            false => None,
        };
        if let Some(offset) = inline_slot(vm, o, name) {
            // A value that was not converted shows by its class which others pass.
            let passes = match ty {
                Some(ty) if vm.map_get(m, name) == Some(v) => super::types::passing_key(v, ty),
                Some(_) => return Ctl::Next,
                None => Some(0),
            };
            let Some(passes) = passes else { return Ctl::Next };
            let after = header_word(o) & SHAPE_MASK;
            let mut target = offset;
            if after != before & SHAPE_MASK {
                target |= (m.shape().0 as u64) << 16;
            }
            let op = match ty {
                None => Op::SetProp,
                Some(_) if v.is_float() => Op::SetPropFloat,
                Some(_) => Op::SetPropTyped,
            };
            // SAFETY: a SetProp has two caches (verifier); the saved pc is behind it, and code is changed only by itself.
            unsafe {
                let ic: *mut Ic = ic_mut(vm, i);
                *ic = Ic { key: before & WRITE_MASK, target };
                *ic.add(1) = Ic { key: passes, target: 0 };
                let at = vm.cur.pc.sub(1) as *mut Instr;
                *at = Instr::new(op, i.a() as u8, i.b() as u8, i.c() as u8, i.x());
            }
        }
    }
    Ctl::Next
}

/// The typed declaration of a field, looked for up the classes.
pub(super) fn field_decl(vm: &Vm, class: Gc<ClassObj>, name: Sym) -> Option<(Value, std::rc::Rc<str>)> {
    if !class.data().has_fields {
        return None;
    }
    let _ = vm;
    let mut c = class;
    loop {
        if let Some(f) = c.data().fields.iter().rev().find(|f| f.name == name) {
            return if f.ty.is_nil() { None } else { Some((f.ty, f.place.clone())) };
        }
        c = c.data().parent.get::<ClassObj>(Kind::Class)?;
    }
}

/// Sets or adds a member (3.7).
pub fn set_member(vm: &mut Vm, o: Value, name: Sym, v: Value) -> Result<(), Stop> {
    let kind = o.heap_kind();
    match kind {
        Some(Kind::Map) => {
            vm.check_mutable(o)?;
            vm.map_set(o.gc(), name, v);
        }
        Some(Kind::Instance) => {
            let m: Gc<Map> = o.gc();
            let class = vm.instance_class(m);
            let v = match field_decl(vm, class, name) {
                Some((ty, place)) => super::types::check(vm, v, ty, &place)?,
                None => v,
            };
            vm.map_set(m, name, v);
        }
        Some(Kind::HashMap) => {
            vm.check_mutable(o)?;
            let k = vm.sym_string(name);
            vm.table_set(o.gc(), k, v)?;
        }
        Some(Kind::Gene) => {
            vm.check_mutable(o)?;
            let g: Gc<Record> = o.gc();
            let props = match g.slot(1).get::<Map>(Kind::Map) {
                Some(m) => m,
                None => {
                    let m = vm.map();
                    g.set_slot(&mut vm.heap, 1, m.value());
                    m
                }
            };
            vm.map_set(props, name, v);
        }
        Some(Kind::Namespace) => {
            let ns: Gc<NamespaceObj> = o.gc();
            match ns.data().find(name) {
                Some(Member::Cell(c)) => {
                    let mut c = c.gc::<Cell>();
                    c.value = v;
                    vm.heap.barrier(c);
                }
                _ => {
                    vm.heap.namespace_set(ns, name, v);
                    // Global lookups cached by version may have missed this name before.
                    vm.globals.data().version = vm.globals.data().version.wrapping_add(1);
                }
            }
        }
        Some(Kind::Class) => {
            let c: Gc<ClassObj> = o.gc();
            c.data().statics.insert(name, v);
            vm.heap.barrier(c);
        }
        Some(Kind::EnumValue | Kind::Variant) => return Err(vm.type_error("Cannot modify enum value")),
        Some(Kind::Adapter) => super::interface::set_field(vm, o, name, v)?,
        Some(Kind::Future | Kind::Foreign) if vm.set_builtin(o, name, v)? => {}
        _ => {
            let k = vm.kind_name(o);
            let n = vm.sym_name(name);
            return Err(vm.type_error(&format!("Cannot set member {n} on {k}")));
        }
    }
    Ok(())
}

pub fn set_index(vm: &mut Vm, o: Value, index: i64, v: Value) -> Result<(), Stop> {
    match o.heap_kind() {
        Some(Kind::Array) => {
            vm.check_mutable(o)?;
            set_array(vm, o.gc(), index, v, "Array index")
        }
        Some(Kind::Gene) => {
            vm.check_mutable(o)?;
            match o.gc::<Record>().slot(2).get::<Array>(Kind::Array) {
                Some(a) => set_array(vm, a, index, v, "Gene child index"),
                None => Err(vm.argument_error(&format!("Gene child index out of bounds: {index} (len=0)"))),
            }
        }
        Some(Kind::Map) => {
            vm.check_mutable(o)?;
            let s = vm.sym(&index.to_string());
            vm.map_set(o.gc(), s, v);
            Ok(())
        }
        Some(Kind::HashMap) => {
            vm.check_mutable(o)?;
            let k = vm.int(index);
            vm.table_set(o.gc(), k, v).map(|_| ())
        }
        _ => {
            let s = vm.sym(&index.to_string());
            set_member(vm, o, s, v)
        }
    }
}

fn set_array(vm: &mut Vm, a: Gc<Array>, index: i64, v: Value, what: &str) -> Result<(), Stop> {
    let n = a.size() as i64;
    let i = if index < 0 { index + n } else { index };
    if i < 0 || i >= n {
        return Err(vm.argument_error(&format!("{what} out of bounds: {index} (len={n})")));
    }
    vm.heap.array_set(a, i as usize, v);
    Ok(())
}

pub fn set_key(vm: &mut Vm, o: Value, key: Value, v: Value) -> Result<(), Stop> {
    if let Some(t) = o.get::<Table>(Kind::HashMap) {
        vm.check_mutable(o)?;
        return vm.table_set(t, key, v).map(|_| ());
    }
    if let Some(i) = key.as_int() {
        return set_index(vm, o, i, v);
    }
    match vm.map_key(key) {
        Some(s) => set_member(vm, o, s, v),
        None => Err(invalid_key(vm, key)),
    }
}

fn done(r: Result<(), Stop>) -> Ctl {
    if r.is_ok() { Ctl::Next } else { Ctl::Throw }
}

#[inline(never)]
pub fn set_dyn(vm: &mut Vm, r: *mut Value, i: Instr) -> Ctl {
    // SAFETY: registers of the running frame.
    let (o, key, v) = unsafe { (*r.add(i.a()), *r.add(i.b()), *r.add(i.c())) };
    done(set_key(vm, o, key, v))
}

#[cold]
#[inline(never)]
pub fn set_idx(vm: &mut Vm, r: *mut Value, i: Instr) -> Ctl {
    // SAFETY: registers of the running frame.
    let (o, v) = unsafe { (*r.add(i.a()), *r.add(i.b())) };
    done(set_index(vm, o, i.x() as i64, v))
}

/// `a/b/name = v` with a visible variable `name`: the literal member wins when the container has it.
#[cold]
#[inline(never)]
pub fn set_prop_var(vm: &mut Vm, r: *mut Value, i: Instr) -> Ctl {
    let name = site_name(vm, i);
    // SAFETY: registers of the running frame.
    let (o, v, key) = unsafe { (*r.add(i.a()), *r.add(i.b()), *r.add(i.c())) };
    if let Some(offset) = inline_slot(vm, o, name) {
        // The literal member is there; untyped ones may be stored to directly.
        let typed = o.is_kind(Kind::Instance) && field_decl(vm, vm.instance_class(o.gc()), name).is_some();
        if !typed {
            *ic_mut(vm, i) =
                Ic { key: header_word(o) & WRITE_MASK & !((crate::heap::GC_FROZEN as u64) << 8), target: offset };
        }
    }
    let literal = key.is_undef()
        || match o.heap_kind() {
            Some(Kind::Namespace | Kind::Class | Kind::Enum) => true,
            Some(_) => match get_member(vm, o, name) {
                Ok(x) => !x.is_void(),
                Err(_) => return Ctl::Throw,
            },
            None => true,
        };
    done(if literal { set_member(vm, o, name, v) } else { set_key(vm, o, key, v) })
}
