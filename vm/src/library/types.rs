//! Types as values: `types_equivalent` (18.7).
use crate::def;
use crate::heap::{Gc, Kind, Record};
use crate::interp::{call, member, types};
use crate::native::{Args, NativeDef, R, Stop};
use crate::object::array::Array;
use crate::object::function::Cell;
use crate::value::{Sym, Value};
use crate::vm::Vm;

#[rustfmt::skip]
pub static GLOBALS: &[NativeDef] = &[
    def!("types_equivalent", equivalent, 2, 2, "(types_equivalent a b) -- do two aliases, classes or quoted type expressions mean the same type?
        (types_equivalent `(Int | Float) `(Float | Int)) => true"),
];

/// A type with nothing left that does not matter: unions are flat, sorted and without repetitions, aliases are gone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Canon {
    Basic(&'static str),
    /// A class, enum or interface, by identity.
    Value(u64),
    Param(u32),
    Union(Vec<Canon>),
    Applied(Box<Canon>, Vec<Canon>),
    Fn(Box<Canon>, Vec<(u64, Canon)>),
}

fn equivalent(vm: &mut Vm, args: &Args) -> R {
    for v in args.rest() {
        if !is_nested_at_most(MAX_DEPTH, *v) {
            return Err(vm.runtime_error("types_equivalent of cyclic structure"));
        }
    }
    let a = canonical(vm, args.get(0))?;
    let b = canonical(vm, args.get(1))?;
    Ok(Value::bool(a == b))
}

/// Levels of nesting of the data of a type expression; data that contains itself has more.
const MAX_DEPTH: u32 = 2000;

/// Whether genes and arrays, of which quoted type expressions consist, stand in each other to this depth at most.
fn is_nested_at_most(depth: u32, v: Value) -> bool {
    let inside: Vec<Value> = match v.heap_kind() {
        Some(Kind::Array) => v.gc::<Array>().as_slice().to_vec(),
        Some(Kind::Gene) => {
            let g: Gc<Record> = v.gc();
            vec![g.slot(0), g.slot(2)]
        }
        _ => return true,
    };
    depth > 0 && crate::stack::grow(|| inside.iter().all(|x| is_nested_at_most(depth - 1, *x)))
}

fn canonical(vm: &mut Vm, v: Value) -> Result<Canon, Stop> {
    crate::stack::grow(|| match v.heap_kind() {
        Some(Kind::TypeValue) => {
            let r: Gc<Record> = v.gc();
            shape(vm, r.slot(1), v)
        }
        Some(Kind::Class | Kind::Enum | Kind::Interface) => Ok(value(vm, v)),
        Some(Kind::Gene) => gene(vm, v.gc()),
        Some(Kind::Path) => {
            let found = at_path(vm, v)?;
            type_or_error(vm, found)
        }
        None if v.is_nil() => Ok(Canon::Basic("Nil")),
        None if v.is_void() => Ok(Canon::Basic("Void")),
        None if v.is_sym() => match v.as_sym() {
            Some(s) => name(vm, s),
            None => Err(no_type(vm, v)),
        },
        _ => Err(no_type(vm, v)),
    })
}

/// What a quoted path leads to.
fn at_path(vm: &mut Vm, v: Value) -> R {
    let parts = v.gc::<Record>().slot(1).get::<Array>(Kind::Array).map_or(Vec::new(), |a| a.as_slice().to_vec());
    let mut found = Value::VOID;
    for (at, part) in parts.iter().enumerate() {
        let Some(s) = part.as_sym() else { return Err(no_type(vm, v)) };
        found = if at == 0 { global(vm, s)? } else { member::get_member(vm, found, s)? };
    }
    Ok(found)
}

fn no_type(vm: &mut Vm, v: Value) -> Stop {
    let kind = vm.kind_name(v);
    vm.type_error(&format!("types_equivalent expects a type, got {kind}"))
}

fn type_or_error(vm: &mut Vm, v: Value) -> Result<Canon, Stop> {
    if matches!(v.heap_kind(), Some(Kind::Class | Kind::Enum | Kind::Interface | Kind::TypeValue)) {
        return canonical(vm, v);
    }
    Err(no_type(vm, v))
}

/// The classes of nil and void are the types of these names.
fn value(vm: &Vm, v: Value) -> Canon {
    if v == vm.classes.nil.value() {
        return Canon::Basic("Nil");
    }
    if v == vm.classes.void.value() {
        return Canon::Basic("Void");
    }
    Canon::Value(v.0)
}

fn global(vm: &mut Vm, s: Sym) -> R {
    let module = call::running(vm).source.module;
    match vm.module_var(module, s) {
        Some(v) => Ok(v),
        None => match member::lookup_global(vm, module, s) {
            Ok((v, _)) => Ok(v),
            Err(_) => {
                let name = vm.sym_name(s);
                Err(vm.type_error(&format!("Unknown type {name}")))
            }
        },
    }
}

fn name(vm: &mut Vm, s: Sym) -> Result<Canon, Stop> {
    if let "Fn" = vm.sym_name(s) {
        return Ok(Canon::Basic("Fn"));
    }
    let v = global(vm, s)?;
    type_or_error(vm, v)
}

fn union(members: Vec<Canon>) -> Canon {
    let mut flat = Vec::with_capacity(members.len());
    for member in members {
        match member {
            Canon::Union(inner) => flat.extend(inner),
            other => flat.push(other),
        }
    }
    flat.sort();
    flat.dedup();
    match flat.len() {
        1 => flat.remove(0),
        _ => Canon::Union(flat),
    }
}

/// A type expression as data.
fn gene(vm: &mut Vm, g: Gc<Record>) -> Result<Canon, Stop> {
    let kids = g.slot(2).get::<Array>(Kind::Array).map_or(Vec::new(), |a| a.as_slice().to_vec());
    let is = |vm: &Vm, v: Value, text: &str| v.as_sym().is_some_and(|s| vm.sym_name(s) == text);
    if kids.first().is_some_and(|v| is(vm, *v, "|")) {
        let mut members = vec![canonical(vm, g.slot(0))?];
        for pair in kids.chunks(2) {
            let [bar, member] = pair else { return Err(no_type(vm, g.value())) };
            if !is(vm, *bar, "|") {
                return Err(no_type(vm, g.value()));
            }
            members.push(canonical(vm, *member)?);
        }
        return Ok(union(members));
    }
    if is(vm, g.slot(0), "Fn")
        && let [params, ret, ..] = kids[..]
        && let Some(items) = params.get::<Array>(Kind::Array)
    {
        return function(vm, items.as_slice().to_vec(), ret);
    }
    let args = kids.iter().map(|v| canonical(vm, *v)).collect::<Result<Vec<_>, Stop>>()?;
    let head = g.slot(0);
    let named = match head.as_sym() {
        Some(s) if vm.sym_name(s) != "Fn" => global(vm, s)?,
        None if head.is_kind(Kind::Path) => at_path(vm, head)?,
        _ => head,
    };
    applied(vm, head, named, args)
}

/// A type with arguments. `named` is what its name `head` stands for; a generic alias is expanded.
fn applied(vm: &mut Vm, head: Value, named: Value, args: Vec<Canon>) -> Result<Canon, Stop> {
    let base = canonical(vm, head)?;
    let Some(generics) = generics_of(named) else { return Ok(Canon::Applied(Box::new(base), args)) };
    if generics.len() != args.len() {
        let (name, want, got) = (vm.to_text(head)?, generics.len(), args.len());
        return Err(vm.type_error(&format!("type {name} expects {want} type arguments, got {got}")));
    }
    Ok(base.substitute(&|param| generics.iter().position(|g| *g == param).map(|at| args[at].clone())))
}

/// The parameters of a generic alias.
fn generics_of(v: Value) -> Option<Vec<u32>> {
    let list = v.get::<Record>(Kind::TypeValue)?.slot(4).get::<Record>(Kind::Record)?;
    Some(list.slots().iter().map(|s| s.as_sym().map_or(0, |s| s.0)).collect())
}

impl Canon {
    /// Replaces generic parameters.
    fn substitute(self, of: &dyn Fn(u32) -> Option<Canon>) -> Canon {
        let list = |items: Vec<Canon>| items.into_iter().map(|c| c.substitute(of)).collect::<Vec<_>>();
        crate::stack::grow(|| match self {
            Canon::Param(name) => of(name).unwrap_or(Canon::Param(name)),
            Canon::Union(members) => union(list(members)),
            Canon::Applied(base, args) => Canon::Applied(Box::new(base.substitute(of)), list(args)),
            Canon::Fn(ret, params) => {
                let params = params.into_iter().map(|(mark, ty)| (mark, ty.substitute(of))).collect();
                Canon::Fn(Box::new(ret.substitute(of)), params)
            }
            other => other,
        })
    }
}

fn function(vm: &mut Vm, items: Vec<Value>, ret: Value) -> Result<Canon, Stop> {
    let mut params = Vec::new();
    let mut at = 0;
    while let Some(&item) = items.get(at) {
        at += 1;
        let text = item.as_sym().map_or("", |s| vm.sym_name(s));
        if let Some(name) = text.strip_prefix('^') {
            let ty = items.get(at).copied().unwrap_or(Value::NIL);
            at += 1;
            let mark = Value::sym(vm.sym(name)).0;
            params.push((mark, canonical(vm, ty)?));
        } else if let Some(name) = text.strip_suffix("...").filter(|name| !name.is_empty()) {
            let s = vm.sym(name);
            params.push((Value::TRUE.0, self::name(vm, s)?));
        } else if items.get(at).and_then(|v| v.as_sym()).is_some_and(|s| vm.sym_name(s) == "...") {
            at += 1;
            params.push((Value::TRUE.0, canonical(vm, item)?));
        } else {
            params.push((Value::NIL.0, canonical(vm, item)?));
        }
    }
    Ok(Canon::Fn(Box::new(canonical(vm, ret)?), params))
}

/// The shape of the type value `of`; see `interp::types`.
fn shape(vm: &mut Vm, v: Value, of: Value) -> Result<Canon, Stop> {
    crate::stack::grow(|| {
        if v.is_small() {
            return Ok(Canon::Basic(["Any", "Nil", "Void", "Number", "Fn"][v.small_int() as usize % 5]));
        }
        if v.is_kind(Kind::Cell) {
            let held = v.gc::<Cell>().value;
            return type_or_error(vm, held);
        }
        let Some(r) = v.get::<Record>(Kind::Record) else { return canonical(vm, v) };
        let rest = &r.slots()[1..];
        let list = |vm: &mut Vm, items: &[Value]| -> Result<Vec<Canon>, Stop> {
            items.iter().map(|v| shape(vm, *v, of)).collect()
        };
        match r.slot(0).small_int() {
            types::UNION => Ok(union(list(vm, rest)?)),
            types::APPLIED => {
                let base = shape(vm, rest[0], of)?;
                let args = list(vm, &rest[1..])?;
                let named = if rest[0].is_small() { Value::NIL } else { types::resolve(vm, of, rest[0])? };
                match generics_of(named).filter(|generics| generics.len() == args.len()) {
                    Some(generics) => {
                        let arg = |param| generics.iter().position(|g| *g == param).map(|at| args[at].clone());
                        Ok(base.substitute(&arg))
                    }
                    None => Ok(Canon::Applied(Box::new(base), args)),
                }
            }
            types::FN => {
                let ret = shape(vm, rest[0], of)?;
                let params = rest[1..].chunks(2).map(|p| Ok((p[0].0, shape(vm, p[1], of)?)));
                Ok(Canon::Fn(Box::new(ret), params.collect::<Result<Vec<_>, Stop>>()?))
            }
            types::PARAM => Ok(Canon::Param(rest[0].as_sym().map_or(0, |s| s.0))),
            _ => {
                let held = types::resolve(vm, of, v)?;
                type_or_error(vm, held)
            }
        }
    })
}
