//! Run-time types: tests, checks, conversions (2.12, 18.3, 18.4), and enum construction (2.7).
//!
//! A [`Kind::TypeValue`] is the record (text, shape, module, locals, generics). The text is how the type prints. The shape is
//!
//! * a small Int: one of [`Basic`];
//! * a class, enum, interface or other type value: itself;
//! * a Cell: the module variable that holds one of these;
//! * a Symbol: a name looked up when a value comes;
//! * a record that begins with a tag: [`UNION`] members, [`PATH`] root and names, [`LOCAL`] place among the locals, [`APPLIED`]
//!   type and arguments, [`FN`] result and parameters (mark and type each), [`PARAM`] name.
//!
//! `locals` is nil, or the record of what the local names were bound to when the type was made. `generics` is nil, or the record
//! of the parameters of a generic alias, in their order.
use crate::bytecode::{Instr, Op};
use crate::heap::{Gc, Kind, Record};
use crate::native::{R, Stop};
use crate::object::class::ClassObj;
use crate::object::code::Ic;
use crate::object::enums::EnumObj;
use crate::object::function::Cell;
use crate::object::map::Map;
use crate::value::{Sym, Value};
use crate::vm::Vm;

use super::cache::class_key;
use super::{Ctl, call, cold};

pub const UNION: i64 = 0;
pub const PATH: i64 = 1;
pub const LOCAL: i64 = 2;
pub const APPLIED: i64 = 3;
pub const FN: i64 = 4;
pub const PARAM: i64 = 5;

/// Types that are no classes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Basic {
    Any,
    Nil,
    Void,
    Number,
    Fn,
}

impl Basic {
    const ALL: [Basic; 5] = [Basic::Any, Basic::Nil, Basic::Void, Basic::Number, Basic::Fn];

    pub fn value(self) -> Value {
        Value::small(self as i64)
    }
}

/// Which types accept nil.
#[derive(Clone, Copy, PartialEq, Eq)]
enum NilRule {
    All,
    /// `--strict-nil`: Any, Nil, Option, generic parameters, unions with one of them.
    Stated,
    /// For `is`: only types nil is a member of.
    Member,
}

/// Where the names of a type are looked up.
#[derive(Clone, Copy)]
struct Scope {
    module: u32,
    locals: Value,
    nil: NilRule,
}

/// What a leaf of a shape stands for.
enum Leaf {
    Basic(Basic),
    /// A class, enum, interface or type value.
    Value(Value),
    Tagged(i64, Gc<Record>),
}

fn type_parts(ty: Value) -> Option<(Value, u32, Value)> {
    let r = ty.get::<Record>(Kind::TypeValue)?;
    Some((r.slot(1), r.slot(2).as_int().unwrap_or(0) as u32, r.slot(3)))
}

fn is_type_object(v: Value) -> bool {
    matches!(v.heap_kind(), Some(Kind::Class | Kind::Enum | Kind::Interface | Kind::TypeValue))
}

fn unknown(vm: &mut Vm, name: &str) -> Stop {
    vm.exception = Value::UNDEF;
    vm.type_error(&format!("Unknown type {name}"))
}

/// Names are looked up here; what they stand for must be a type.
fn leaf(vm: &mut Vm, shape: Value, scope: Scope) -> Result<Leaf, Stop> {
    if shape.is_small() {
        return Ok(Leaf::Basic(Basic::ALL[shape.small_int() as usize % Basic::ALL.len()]));
    }
    if is_type_object(shape) {
        return Ok(Leaf::Value(shape));
    }
    if let Some(cell) = shape.get::<Cell>(Kind::Cell) {
        let v = cell.value;
        return if is_type_object(v) { Ok(Leaf::Value(v)) } else { Err(unknown_cell(vm, shape, scope.module)) };
    }
    if let Some(name) = shape.as_sym() {
        let v = named(vm, name, scope.module)?;
        return if is_type_object(v) { Ok(Leaf::Value(v)) } else { Err(unknown(vm, vm.sym_name(name))) };
    }
    let Some(r) = shape.get::<Record>(Kind::Record) else { return Ok(Leaf::Basic(Basic::Any)) };
    match r.slot(0).small_int() {
        PATH => {
            let v = path(vm, r, scope)?;
            if is_type_object(v) {
                return Ok(Leaf::Value(v));
            }
            let last = r.slots().last().and_then(|s| s.as_sym()).map_or("", |s| vm.sym_name(s));
            Err(unknown(vm, last))
        }
        LOCAL => {
            let v = local(r, scope);
            if is_type_object(v) { Ok(Leaf::Value(v)) } else { Err(unknown(vm, "of a local variable")) }
        }
        tag => Ok(Leaf::Tagged(tag, r)),
    }
}

fn unknown_cell(vm: &mut Vm, cell: Value, module: u32) -> Stop {
    let var = vm.modules.get(module as usize).and_then(|m| m.vars.iter().find(|v| v.1 == cell));
    let name = var.map_or("", |v| vm.symbols.name(v.0));
    unknown(vm, name)
}

fn named(vm: &mut Vm, name: Sym, module: u32) -> R {
    // A module's own class of that name wins over the global one.
    if let Some(v) = vm.module_var(module, name) {
        return Ok(v);
    }
    match super::member::lookup_global(vm, module, name) {
        Ok((v, _)) => Ok(v),
        Err(_) => {
            let name = vm.sym_name(name);
            Err(unknown(vm, name))
        }
    }
}

fn local(r: Gc<Record>, scope: Scope) -> Value {
    let at = r.slot(1).small_int() as usize;
    scope.locals.get::<Record>(Kind::Record).filter(|l| at < l.len()).map_or(Value::NIL, |l| l.slot(at))
}

fn path(vm: &mut Vm, r: Gc<Record>, scope: Scope) -> R {
    let root = r.slot(1);
    let mut v = if let Some(name) = root.as_sym() {
        named(vm, name, scope.module)?
    } else if let Some(cell) = root.get::<Cell>(Kind::Cell) {
        cell.value
    } else if let Some(inner) = root.get::<Record>(Kind::Record) {
        if inner.slot(0).small_int() == LOCAL { local(inner, scope) } else { path(vm, inner, scope)? }
    } else {
        root
    };
    for part in &r.slots()[2..] {
        if let Some(s) = part.as_sym() {
            v = super::member::get_member(vm, v, s)?;
        }
    }
    Ok(v)
}

/// What a path or a local name in the shape of the type value `of` stands for.
pub fn resolve(vm: &mut Vm, of: Value, shape: Value) -> R {
    let Some((_, module, locals)) = type_parts(of) else { return Ok(Value::NIL) };
    match leaf(vm, shape, Scope { module, locals, nil: NilRule::Member })? {
        Leaf::Value(v) => Ok(v),
        _ => Ok(Value::NIL),
    }
}

/// Does `v` belong to the type of this shape?
fn accepts(vm: &mut Vm, shape: Value, scope: Scope, v: Value) -> Result<bool, Stop> {
    if v.is_nil() && scope.nil == NilRule::All {
        return Ok(true);
    }
    crate::stack::grow(|| match leaf(vm, shape, scope)? {
        Leaf::Basic(basic) => Ok(match basic {
            Basic::Any => true,
            Basic::Nil => v.is_nil(),
            Basic::Void => v.is_void(),
            Basic::Number => v.is_number(),
            Basic::Fn => vm.is_callable(v),
        }),
        Leaf::Value(t) => {
            if let Some((shape, module, locals)) = type_parts(t) {
                return accepts(vm, shape, Scope { module, locals, ..scope }, v);
            }
            if v.is_nil() && scope.nil == NilRule::Stated {
                return Ok(t == vm.builtin_enums[1] || t == vm.classes.nil.value());
            }
            member_of(vm, v, t)
        }
        Leaf::Tagged(UNION, r) => {
            for member in &r.slots()[1..] {
                if accepts(vm, *member, scope, v)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Leaf::Tagged(APPLIED, r) => accepts(vm, r.slot(1), scope, v),
        Leaf::Tagged(FN, _) => Ok(vm.is_callable(v)),
        Leaf::Tagged(..) => Ok(true),
    })
}

/// To the first member that allows a conversion (18.4).
fn convert(vm: &mut Vm, shape: Value, scope: Scope, v: Value, place: &str) -> Result<Option<Value>, Stop> {
    crate::stack::grow(|| match leaf(vm, shape, scope)? {
        Leaf::Tagged(UNION, r) => {
            for member in &r.slots()[1..] {
                if let Some(c) = convert(vm, *member, scope, v, place)? {
                    return Ok(Some(c));
                }
            }
            Ok(None)
        }
        Leaf::Value(t) => {
            if let Some((shape, module, locals)) = type_parts(t) {
                return convert(vm, shape, Scope { module, locals, ..scope }, v, place);
            }
            if t == vm.classes.float.value()
                && let Some(i) = v.as_int()
            {
                return Ok(Some(Value::float(i as f64)));
            }
            if t == vm.classes.int.value()
                && let Some(f) = v.as_float()
            {
                return truncate(vm, v, f, place);
            }
            Ok(None)
        }
        _ => Ok(None),
    })
}

fn truncate(vm: &mut Vm, v: Value, f: f64, place: &str) -> Result<Option<Value>, Stop> {
    let Some(i) = crate::value::arith::float_to_int(f) else { return Ok(None) };
    if f.fract() != 0.0 && vm.options.warnings {
        let shown = vm.to_text(v)?;
        let what = match place.split_once(' ') {
            Some(("return", _)) => "return value",
            Some((_, name)) => name,
            None => place,
        };
        vm.output.stderr(&format!("Warning: Lossy conversion Float -> Int for {what}: {shown} -> {i}\n"));
    }
    Ok(Some(vm.int(i)))
}

/// Checks `v` against a typed place, converting where 18.4 says so.
pub fn check(vm: &mut Vm, v: Value, ty: Value, place: &str) -> R {
    let Some((shape, module, locals)) = type_parts(ty) else { return Ok(v) };
    let nil = if vm.options.strict_nil { NilRule::Stated } else { NilRule::All };
    let scope = Scope { module, locals, nil };
    if accepts(vm, shape, scope, v)? {
        return Ok(v);
    }
    if let Some(c) = convert(vm, shape, scope, v, place)? {
        return Ok(c);
    }
    // An imported alias is shown by its expansion too.
    let alias = shape.get::<Cell>(Kind::Cell).map(|cell| cell.value).filter(|v| v.is_kind(Kind::TypeValue));
    let expected = type_text(alias.unwrap_or(ty));
    let got = vm.kind_name(v);
    let mut m = format!("Type error [GENE_TYPE_MISMATCH]: expected {expected}, got {got} in {place}");
    if nil == NilRule::Stated && v.is_nil() {
        m.push_str(" (nil is only accepted by Any, Nil, Option and unions containing Nil)");
    }
    Err(vm.type_error(&m))
}

/// How a type value prints.
pub fn type_text<'a>(ty: Value) -> &'a str {
    ty.get::<Record>(Kind::TypeValue).and_then(|r| r.slot(0).as_str()).unwrap_or("?")
}

/// Membership of `v` in a class, enum or type value.
pub fn member_of(vm: &mut Vm, v: Value, t: Value) -> Result<bool, Stop> {
    match t.heap_kind() {
        Some(Kind::Class) => {
            let c: Gc<ClassObj> = t.gc();
            if c == vm.classes.object {
                return Ok(true);
            }
            let of = vm.class_of(v);
            Ok(vm.subclass_of(of, c))
        }
        Some(Kind::Interface) => Ok(super::interface::satisfies(vm, v, t)),
        Some(Kind::Enum) => Ok(v.enum_of().is_some_and(|(e, _)| e.value() == t)),
        Some(Kind::TypeValue) => {
            let Some((shape, module, locals)) = type_parts(t) else { return Ok(false) };
            accepts(vm, shape, Scope { module, locals, nil: NilRule::Member }, v)
        }
        Some(Kind::Variant | Kind::EnumValue) => Ok(false),
        _ => Err(vm.type_error("is requires a type")),
    }
}

/// `(v is T)`
pub fn is_type(vm: &mut Vm, v: Value, t: Value) -> Result<bool, Stop> {
    member_of(vm, v, t)
}

// --- instructions

/// CheckInt, CheckFloat, CheckType, CheckClass, on a value that the inline test has not let through.
#[inline(never)]
pub fn check_slow(vm: &mut Vm, r: *mut Value, i: Instr) -> Ctl {
    let mut k = cold::constant(vm, i);
    let cell = k;
    if i.op() == Op::CheckClass {
        k = call::running(vm).consts[i.ux() + 1];
    }
    let k: Gc<Record> = k.gc();
    let (ty, place) = (k.slot(0), k.slot(1).as_str().unwrap_or(""));
    // SAFETY: register of the running frame.
    let v = unsafe { *r.add(i.a()) };
    match check(vm, v, ty, place) {
        Ok(c) => {
            if c == v && i.bc() >= 0 {
                remember(vm, i, v, ty, cell);
            }
            // SAFETY: as above.
            unsafe { *r.add(i.a()) = c };
            Ctl::Next
        }
        Err(_) => Ctl::Throw,
    }
}

/// The class key of values that pass the type as `v` did, if that can be told by the key.
pub fn passing_key(v: Value, ty: Value) -> Option<u64> {
    let key = class_key(v);
    let told_by_key = !matches!(v.heap_kind(), Some(Kind::EnumValue | Kind::Variant | Kind::Adapter | Kind::TypeValue));
    let (shape, ..) = type_parts(ty)?;
    let held = shape.get::<Cell>(Kind::Cell).is_some_and(|cell| cell.value.is_kind(Kind::Class));
    (key != 0 && told_by_key && (held || is_fixed(shape))).then_some(key)
}

/// Notes in the inline cache that values of this class pass, where that can't change.
fn remember(vm: &mut Vm, i: Instr, v: Value, ty: Value, cell: Value) {
    let Some(key) = passing_key(v, ty) else { return };
    let target = match cell.get::<Cell>(Kind::Cell) {
        // The cache holds as long as the variable does.
        Some(cell) if cell.value.is_kind(Kind::Class) => cell.value.0,
        Some(_) => return,
        None => 0,
    };
    let p = call::running(vm);
    if (i.bc() as usize) < p.ics.len() {
        // SAFETY: the index is in range; caches of a live function are changed in place by its own instructions only.
        unsafe { *(p.ics.as_ptr() as *mut Ic).add(i.bc() as usize) = Ic { key, target } };
    }
}

/// Does the shape mean the same for ever?
fn is_fixed(shape: Value) -> bool {
    if let Some(r) = shape.get::<Record>(Kind::Record) {
        return match r.slot(0).small_int() {
            UNION => crate::stack::grow(|| r.slots()[1..].iter().all(|m| is_fixed(*m))),
            APPLIED => crate::stack::grow(|| is_fixed(r.slot(1))),
            FN | PARAM => true,
            _ => false,
        };
    }
    shape.is_small() || is_type_object(shape)
}

/// r[a] = the type value k[x] with its local names bound to r[b..b+c]
pub fn bind_type(vm: &mut Vm, r: *mut Value, i: Instr) -> Ctl {
    let t: Gc<Record> = cold::constant(vm, i).gc();
    // SAFETY: registers of the running frame.
    let locals: Vec<Value> = (0..i.c()).map(|j| unsafe { *r.add(i.b() + j) }).collect();
    let locals: Vec<Value> = locals.iter().map(|v| if v.is_undef() { Value::NIL } else { *v }).collect();
    let locals = vm.heap.record(Kind::Record, 0, &locals).value();
    let bound = vm.heap.record(Kind::TypeValue, 0, &[t.slot(0), t.slot(1), t.slot(2), locals, t.slot(4)]).value();
    // SAFETY: as above.
    unsafe { *r.add(i.a()) = bound };
    Ctl::Next
}

// --- enums

/// Calls a variant as constructor (2.7).
pub fn construct_variant(vm: &mut Vm, variant: Value, args: &[Value], kw: &[(Sym, Value)]) -> R {
    let Some((e, index)) = variant.variant_of() else { return Err(vm.type_error("enum value is not callable")) };
    let e: Gc<EnumObj> = e;
    let d = e.data();
    let decl = &d.variants[index];
    let full = format!("{}/{}", vm.sym_name(d.name), vm.sym_name(decl.name));
    let Some(fields) = &decl.fields else {
        if args.is_empty() && kw.is_empty() {
            return Ok(variant);
        }
        let n = args.len() + kw.len();
        return Err(vm.argument_error(&format!("{full} expects 0 arguments, got {n}")));
    };
    let mut payload = Vec::with_capacity(fields.len());
    if kw.is_empty() {
        if args.len() != fields.len() {
            let (n, got) = (fields.len(), args.len());
            return Err(vm.argument_error(&format!("{full} expects {n} arguments, got {got}")));
        }
        payload.extend_from_slice(args);
    } else {
        if !args.is_empty() {
            return Err(vm.argument_error(&format!("{full} cannot mix positional and keyword arguments")));
        }
        if let Some((k, _)) = kw.iter().find(|(k, _)| !fields.iter().any(|f| f.0 == *k)) {
            let k = vm.sym_name(*k);
            return Err(vm.argument_error(&format!("{full} unexpected keyword argument: {k}")));
        }
        for (f, _) in fields {
            match kw.iter().rev().find(|(k, _)| k == f) {
                Some((_, v)) => payload.push(*v),
                None => {
                    let f = vm.sym_name(*f);
                    return Err(vm.argument_error(&format!("{full} missing keyword argument: {f}")));
                }
            }
        }
    }
    for (v, (f, ty)) in payload.iter_mut().zip(fields) {
        if !ty.is_nil() {
            let place = format!("{full}.{}", vm.sym_name(*f));
            *v = check(vm, *v, *ty, &place)?;
        }
    }
    Ok(vm.heap.enum_value(variant, &payload))
}

impl Vm {
    /// A variable of a module by name, if defined.
    pub fn module_var(&self, module: u32, name: Sym) -> Option<Value> {
        let m = self.modules.get(module as usize)?;
        let (_, cell, _) = m.vars.iter().rev().find(|v| v.0 == name)?;
        Some(cell.gc::<Cell>().value).filter(|v| !v.is_undef())
    }

    /// The exception belongs to class `c`.
    pub fn is_exception(&self, ex: Value, c: Gc<ClassObj>) -> bool {
        ex.get::<Map>(Kind::Instance).is_some_and(|m| self.subclass_of(self.instance_class(m), c))
    }

    /// A class or enum that the language itself provides.
    pub fn is_builtin_type(&self, v: Value) -> bool {
        match v.get::<ClassObj>(Kind::Class) {
            Some(c) => c.data().builtin || c.data().is_exception || c == self.classes.object,
            None => self.builtin_enums.contains(&v) || v.is_kind(Kind::TypeValue),
        }
    }

    /// Global type values that are no classes: `Number` and `Any`.
    pub(crate) fn make_types(&mut self) {
        for (name, basic) in [("Any", Basic::Any), ("Number", Basic::Number)] {
            let text = self.str(name);
            let parts = [text, basic.value(), Value::small(0), Value::NIL, Value::NIL];
            let ty = self.heap.record(Kind::TypeValue, 0, &parts).value();
            let s = self.symbols.intern_static(name);
            let g = self.globals;
            self.heap.namespace_set(g, s, ty);
        }
    }
}
