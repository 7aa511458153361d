//! Run-time type tests and checks (2.12, 18.3, 18.4), enum construction (2.7).
use crate::heap::{Gc, Kind, Record};
use crate::native::{R, Stop};
use crate::object::array::Array;
use crate::object::class::ClassObj;
use crate::object::enums::EnumObj;
use crate::object::map::Map;
use crate::value::{Sym, Value};
use crate::vm::Vm;

/// A type annotation as data, its generic parameters and module. The record is (form, place, generics, module); without module
/// it belongs to the running function.
fn parts(vm: &Vm, ty: Value) -> Option<(Value, Value, u32)> {
    let r = ty.get::<Record>(Kind::Record)?;
    let module =
        if r.len() > 3 { r.slot(3).as_int().unwrap_or(0) as u32 } else { super::call::running(vm).source.module };
    Some((r.slot(0), r.slot(2), module))
}

/// Checks `v` against a typed place, converting where 18.4 says so.
pub fn check(vm: &mut Vm, v: Value, ty: Value, place: &str) -> R {
    let Some((form, generics, module)) = parts(vm, ty) else { return Ok(v) };
    if accepts(vm, form, generics, module, v)? {
        return Ok(v);
    }
    if let Some(c) = convert(vm, form, v, place)? {
        return Ok(c);
    }
    let expected = vm.to_debug(form)?;
    let got = vm.kind_name(v);
    let mut m = format!("Type error [GENE_TYPE_MISMATCH]: expected {expected}, got {got} in {place}");
    if vm.options.strict_nil && v.is_nil() {
        m.push_str(" (nil is only accepted by Any, Nil, Option and unions containing Nil)");
    }
    Err(vm.type_error(&m))
}

fn union_members(vm: &Vm, form: Value) -> Option<Vec<Value>> {
    let g = form.get::<Record>(Kind::Gene)?;
    let kids = g.slot(2).get::<Array>(Kind::Array)?;
    let bar = |v: Value| v.as_sym().is_some_and(|s| vm.sym_name(s) == "|");
    if !kids.as_slice().first().is_some_and(|v| bar(*v)) {
        return None;
    }
    let mut out = vec![g.slot(0)];
    out.extend(kids.as_slice().iter().copied().filter(|v| !bar(*v)));
    Some(out)
}

fn convert(vm: &mut Vm, form: Value, v: Value, place: &str) -> Result<Option<Value>, Stop> {
    if let Some(ms) = union_members(vm, form) {
        for m in ms {
            if let Some(c) = convert(vm, m, v, place)? {
                return Ok(Some(c));
            }
        }
        return Ok(None);
    }
    let name = form.as_sym().map_or("", |s| vm.sym_name(s));
    if name == "Float"
        && let Some(i) = v.as_int()
    {
        return Ok(Some(Value::float(i as f64)));
    }
    if name == "Int"
        && let Some(f) = v.as_float()
    {
        if f.is_nan() || !(-9223372036854775808.0..9223372036854775808.0).contains(&f) {
            return Ok(None);
        }
        let i = f.trunc() as i64;
        if f.fract() != 0.0 && vm.options.warnings {
            let shown = vm.to_text(v)?;
            let what = match place.split_once(' ') {
                Some(("return", _)) => "return value",
                Some((_, n)) => n,
                None => place,
            };
            vm.output.stderr(&format!("Warning: Lossy conversion Float -> Int for {what}: {shown} -> {i}\n"));
        }
        return Ok(Some(vm.int(i)));
    }
    Ok(None)
}

/// Does `v` belong to the type written as `form`?
pub fn accepts(vm: &mut Vm, form: Value, generics: Value, module: u32, v: Value) -> Result<bool, Stop> {
    if v.is_nil() && !vm.options.strict_nil {
        return Ok(true);
    }
    if let Some(ms) = union_members(vm, form) {
        for m in ms {
            if accepts(vm, m, generics, module, v)? {
                return Ok(true);
            }
        }
        return Ok(false);
    }
    let head = match form.get::<Record>(Kind::Gene) {
        Some(g) => g.slot(0),
        None => form,
    };
    let Some(s) = head.as_sym() else {
        // A path naming a class.
        let t = resolve_path(vm, head, module)?;
        return member_of(vm, v, t);
    };
    let name = vm.sym_name(s);
    if generics.get::<Array>(Kind::Array).is_some_and(|g| g.as_slice().contains(&head)) {
        return Ok(true);
    }
    Ok(match name {
        "Any" => true,
        "Void" => v.is_void(),
        "Nil" => v.is_nil(),
        "Number" => v.is_number(),
        "Fn" => vm.is_callable(v),
        "Option" if v.is_nil() => true,
        "Self" => true,
        _ => {
            let t = match super::member::lookup_global(vm, module, s) {
                Ok((t, _)) => t,
                Err(_) => match vm.module_var(module, s) {
                    Some(t) => t,
                    None => {
                        vm.exception = Value::UNDEF;
                        return Err(vm.type_error(&format!("Unknown type {name}")));
                    }
                },
            };
            // A module's own class of that name wins over the global one.
            let t = vm.module_var(module, s).unwrap_or(t);
            return member_of(vm, v, t);
        }
    })
}

fn resolve_path(vm: &mut Vm, path: Value, module: u32) -> R {
    let Some(r) = path.get::<Record>(Kind::Path) else { return Ok(path) };
    let parts: Vec<Value> = r.slot(1).get::<Array>(Kind::Array).map_or(Vec::new(), |a| a.as_slice().to_vec());
    let mut v = Value::VOID;
    for (i, p) in parts.iter().enumerate() {
        let Some(s) = p.as_sym() else { continue };
        v = if i == 0 {
            match vm.module_var(module, s) {
                Some(v) => v,
                None => super::member::lookup_global(vm, module, s)?.0,
            }
        } else {
            super::member::get_member(vm, v, s)?
        };
    }
    Ok(v)
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
        Some(Kind::Variant | Kind::EnumValue) => Ok(false),
        _ => Err(vm.type_error("is requires a type")),
    }
}

/// `(v is T)`: T is a class, enum, or a type expression as data.
pub fn is_type(vm: &mut Vm, v: Value, t: Value, module: u32) -> Result<bool, Stop> {
    if t.is_kind(Kind::Gene) || t.is_sym() || t.is_kind(Kind::Path) {
        if v.is_nil() {
            // `is` asks for the value itself: nil is only Nil.
            if let Some(ms) = union_members(vm, t) {
                for m in ms {
                    if is_type(vm, v, m, module)? {
                        return Ok(true);
                    }
                }
                return Ok(false);
            }
            let n = t.as_sym().map_or("", |s| vm.sym_name(s));
            return Ok(matches!(n, "Nil" | "Any" | "Object"));
        }
        return accepts(vm, t, Value::NIL, module, v);
    }
    member_of(vm, v, t)
}

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
        Some(cell.gc::<crate::object::function::Cell>().value).filter(|v| !v.is_undef())
    }

    /// The exception belongs to class `c`.
    pub fn is_exception(&self, ex: Value, c: Gc<ClassObj>) -> bool {
        ex.get::<Map>(Kind::Instance).is_some_and(|m| self.subclass_of(self.instance_class(m), c))
    }
}
