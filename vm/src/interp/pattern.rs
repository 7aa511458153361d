//! Taking values apart: binding patterns (12.2), case patterns (12.3-12.5), contracts.
use super::cold::{constant, names};
use super::{Ctl, call, iterate, member, types};
use crate::bytecode::{Instr, Op};
use crate::heap::{Gc, Kind, Record};
use crate::native::Stop;
use crate::object::array::Array;
use crate::object::map::Map;
use crate::object::table::Table;
use crate::value::{Sym, Value};
use crate::vm::Vm;

fn jump(vm: &mut Vm, i: Instr) -> Ctl {
    // SAFETY: jump targets are inside the function.
    vm.cur.pc = unsafe { vm.cur.pc.offset(i.x() as isize) };
    Ctl::Load
}

/// The positional values of something an array pattern accepts.
fn positional(vm: &mut Vm, v: Value) -> Result<Vec<Value>, Stop> {
    Ok(match v.heap_kind() {
        Some(Kind::Array) => v.gc::<Array>().as_slice().to_vec(),
        Some(Kind::Gene) => {
            v.gc::<Record>().slot(2).get::<Array>(Kind::Array).map_or(Vec::new(), |a| a.as_slice().to_vec())
        }
        Some(Kind::Range) => {
            let r: Gc<Record> = v.gc();
            let n = iterate::range_len(r.slot(0), r.slot(1), r.slot(2));
            (0..n).filter_map(|j| iterate::range_at(vm, r, j)).collect()
        }
        Some(Kind::HashSet) => v.gc::<Table>().iter().map(|e| e.0).collect(),
        Some(Kind::EnumValue) => v.gc::<Record>().slots()[1..].to_vec(),
        Some(Kind::Variant) if v.enum_of().is_some() => Vec::new(),
        _ => {
            let k = vm.kind_name(v);
            return Err(vm.type_error(&format!("Cannot destructure {k} as an array")));
        }
    })
}

fn mismatch(vm: &mut Vm, min: usize, max: Option<usize>, got: usize) -> Stop {
    let what = match max {
        Some(m) if m == min => format!("{min}"),
        Some(m) => format!("{min} to {m}"),
        None => format!("at least {min}"),
    };
    vm.argument_error(&format!("Destructuring pattern mismatch: Expected {what} values, got {got}"))
}

fn missing_key(vm: &mut Vm, s: Sym) -> Stop {
    let k = vm.sym_name(s);
    vm.argument_error(&format!("Destructuring pattern mismatch: Missing key {k}"))
}

/// The named members of a value: Map entries, Gene properties, fields.
fn named(vm: &mut Vm, v: Value) -> Option<Vec<(Sym, Value)>> {
    match v.heap_kind()? {
        Kind::Map | Kind::Instance => {
            let all = vm.map_entries(v.gc());
            Some(all.into_iter().filter(|(s, _)| !vm.sym_name(*s).starts_with('%')).collect())
        }
        Kind::Gene => Some(v.gc::<Record>().slot(1).get::<Map>(Kind::Map).map_or(Vec::new(), |m| vm.map_entries(m))),
        _ => None,
    }
}

fn member_or_undef(vm: &mut Vm, v: Value, s: Sym) -> Value {
    match v.heap_kind() {
        Some(Kind::Map) => vm.map_get(v.gc(), s).unwrap_or(Value::UNDEF),
        Some(Kind::Instance) => match vm.map_get(v.gc(), s) {
            Some(v) => v,
            None => match member::get_member(vm, v, s) {
                Ok(x) if !x.is_void() => x,
                _ => Value::UNDEF,
            },
        },
        Some(Kind::Gene) => {
            v.gc::<Record>().slot(1).get::<Map>(Kind::Map).and_then(|m| vm.map_get(m, s)).unwrap_or(Value::UNDEF)
        }
        _ => Value::UNDEF,
    }
}

fn destructure(vm: &mut Vm, pat: Gc<Record>, v: Value) -> Result<Value, Stop> {
    let values = positional(vm, v)?;
    let code = |e: &Value| e.as_int();
    let req = pat.slots().iter().filter(|e| code(e) == Some(0)).count();
    let opt = pat.slots().iter().filter(|e| code(e) == Some(1)).count();
    let rest = pat.slots().iter().any(|e| code(e) == Some(2));
    if values.len() < req || (!rest && values.len() > req + opt) {
        return Err(mismatch(vm, req, (!rest).then_some(req + opt), values.len()));
    }
    let surplus = values.len() - req;
    let (mut optional, surplus) = (surplus.min(opt), surplus.saturating_sub(opt));
    let mut next = values.into_iter();
    let out = vm.heap.array_with_capacity(pat.len());
    let mut used: Vec<Sym> = Vec::new();
    for e in pat.slots() {
        let x = match code(e) {
            Some(0) => next.next().unwrap_or(Value::NIL),
            Some(1) if optional > 0 => {
                optional -= 1;
                next.next().unwrap_or(Value::NIL)
            }
            Some(1) => Value::UNDEF,
            Some(2) => {
                let items: Vec<Value> = next.by_ref().take(surplus).collect();
                vm.array(&items)
            }
            Some(_) => {
                let m = vm.map();
                for (k, x) in named(vm, v).unwrap_or_default() {
                    if !used.contains(&k) {
                        vm.map_set(m, k, x);
                    }
                }
                m.value()
            }
            None => match e.as_sym() {
                Some(s) => {
                    used.push(s);
                    let x = member_or_undef(vm, v, s);
                    if x.is_undef() {
                        return Err(missing_key(vm, s));
                    }
                    x
                }
                None => {
                    let s = e.gc::<Record>().slot(0).as_sym().unwrap_or(Sym(0));
                    used.push(s);
                    member_or_undef(vm, v, s)
                }
            },
        };
        vm.heap.array_push(out, x);
    }
    Ok(out.value())
}

fn destructure_map(vm: &mut Vm, pat: Gc<Record>, v: Value) -> Result<Value, Stop> {
    if !matches!(v.heap_kind(), Some(Kind::Map | Kind::Instance | Kind::Gene)) {
        let k = vm.kind_name(v);
        return Err(vm.type_error(&format!("Cannot destructure {k} as a map")));
    }
    let out = vm.heap.array_with_capacity(pat.len());
    let mut used: Vec<Sym> = Vec::new();
    for e in pat.slots() {
        let x = if let Some(s) = e.as_sym() {
            used.push(s);
            let x = member_or_undef(vm, v, s);
            if x.is_undef() {
                return Err(missing_key(vm, s));
            }
            x
        } else if e.is_int() {
            let m = vm.map();
            for (k, x) in named(vm, v).unwrap_or_default() {
                if !used.contains(&k) {
                    vm.map_set(m, k, x);
                }
            }
            m.value()
        } else {
            let s = e.gc::<Record>().slot(0).as_sym().unwrap_or(Sym(0));
            used.push(s);
            member_or_undef(vm, v, s)
        };
        vm.heap.array_push(out, x);
    }
    Ok(out.value())
}

fn put(r: *mut Value, i: Instr, v: Result<Value, Stop>) -> Ctl {
    match v {
        Ok(v) => {
            // SAFETY: register.
            unsafe { *r.add(i.a()) = v };
            Ctl::Next
        }
        Err(_) => Ctl::Throw,
    }
}

/// `(e ?)`
pub fn unwrap(vm: &mut Vm, r: *mut Value, i: Instr) -> Ctl {
    // SAFETY: registers.
    unsafe {
        let v = *r.add(i.b());
        *r.add(i.a()) = v;
        let Some((e, index)) = v.enum_of() else { return jump(vm, i) };
        let builtin = e.value() == vm.builtin_enums[0] || e.value() == vm.builtin_enums[1];
        if !builtin {
            return jump(vm, i);
        }
        if index == 0 {
            *r.add(i.a()) = v.gc::<Record>().slot(1);
            return jump(vm, i);
        }
        Ctl::Next
    }
}

pub fn execute(vm: &mut Vm, r: *mut Value, i: Instr) -> Ctl {
    // SAFETY: register operands are below `nregs` (verifier).
    let reg = |n: usize| unsafe { *r.add(n) };
    // SAFETY: as above.
    let set = |n: usize, v: Value| unsafe { *r.add(n) = v };
    match i.op() {
        Op::Unpack => {
            let v = reg(i.b());
            let items = match positional(vm, v) {
                Ok(x) => x,
                Err(_) => return Ctl::Throw,
            };
            if items.len() != i.c() {
                let _ = mismatch(vm, i.c(), Some(i.c()), items.len());
                return Ctl::Throw;
            }
            for (j, x) in items.into_iter().enumerate() {
                set(i.a() + j, x);
            }
        }
        Op::Destructure => {
            let pat = constant(vm, i).gc();
            let v = destructure(vm, pat, reg(i.b()));
            return put(r, i, v);
        }
        Op::DestructureMap => {
            let pat = constant(vm, i).gc();
            let v = destructure_map(vm, pat, reg(i.b()));
            return put(r, i, v);
        }
        Op::Item => {
            let a: Gc<Array> = reg(i.b()).gc();
            let n = i.x() as i64;
            let n = if n < 0 { n + a.size() as i64 } else { n };
            set(i.a(), a.at(n as usize).unwrap_or(Value::UNDEF));
        }
        Op::TestArray => {
            let ok = reg(i.a())
                .get::<Array>(Kind::Array)
                .is_some_and(|a| if i.b() == 1 { a.size() == i.c() } else { a.size() >= i.c() });
            if !ok {
                return jump(vm, i);
            }
        }
        Op::TestMap if !matches!(reg(i.a()).heap_kind(), Some(Kind::Map | Kind::Instance)) => {
            return jump(vm, i);
        }
        Op::TestGene if !reg(i.a()).is_kind(Kind::Gene) => {
            return jump(vm, i);
        }
        Op::GetKey => {
            let s = constant(vm, i).as_sym().unwrap_or(Sym(0));
            let v = member_or_undef(vm, reg(i.b()), s);
            set(i.a(), v);
        }
        Op::RestKeys => {
            let used = names(constant(vm, i));
            let m = vm.map();
            for (k, x) in named(vm, reg(i.b())).unwrap_or_default() {
                if !used.contains(&k) {
                    vm.map_set(m, k, x);
                }
            }
            set(i.a(), m.value());
        }
        Op::RestItems => {
            let a: Gc<Array> = reg(i.b()).gc();
            let end = a.size().saturating_sub(i.x() as usize).max(i.c());
            let items = a.as_slice().get(i.c()..end).unwrap_or(&[]).to_vec();
            set(i.a(), vm.array(&items));
        }
        Op::GeneType => set(i.a(), reg(i.b()).gc::<Record>().slot(0)),
        Op::GeneItems => {
            let c = reg(i.b()).gc::<Record>().slot(2);
            set(i.a(), if c.is_ptr() { c } else { vm.array(&[]) });
        }
        Op::VariantOf => {
            let name = call::running(vm).sites[i.ux()].name;
            let v = match reg(i.b()).enum_of() {
                Some((e, _)) => {
                    let d = e.data();
                    d.variants
                        .iter()
                        .position(|v| v.name == name && (i.c() == 0 || v.fields.is_none()))
                        .map_or(Value::UNDEF, |n| d.values[n])
                }
                None => Value::UNDEF,
            };
            set(i.a(), v);
        }
        Op::TestVariant => {
            let variant = reg(i.b());
            let Some((e, n)) = variant.variant_of() else { return jump(vm, i) };
            if i.c() != 255 {
                let d = e.data();
                let have = d.variants[n].fields.as_ref().map_or(0, |f| f.len());
                if have != i.c() {
                    let full = format!("{}/{}", vm.sym_name(d.name), vm.sym_name(d.variants[n].name));
                    let got = i.c();
                    let m = format!("{full} pattern expects {have} binders, got {got}");
                    return call::fail(vm, Vm::type_error, &m);
                }
            }
            if !reg(i.a()).enum_of().is_some_and(|(e2, n2)| e2 == e && n2 == n) {
                return jump(vm, i);
            }
        }
        Op::Payload => set(i.a(), reg(i.b()).gc::<Record>().slot(1 + i.c())),
        Op::PayloadNamed => {
            let s = constant(vm, i).as_sym().unwrap_or(Sym(0));
            set(i.a(), member::enum_field(vm, reg(i.b()), s).unwrap_or(Value::UNDEF));
        }
        Op::Matches => return matches(vm, r, i),
        Op::NoMatch => {
            let text = match vm.to_debug(reg(i.a())) {
                Ok(t) => t,
                Err(_) => return Ctl::Throw,
            };
            return call::fail(vm, Vm::runtime_error, &format!("No case matched: {text}"));
        }
        Op::Contract => return contract(vm, r, i),
        _ => {}
    }
    Ctl::Next
}

/// r[a] = does r[b] match the value r[c]
fn matches(vm: &mut Vm, r: *mut Value, i: Instr) -> Ctl {
    // SAFETY: registers.
    let (s, v) = unsafe { (*r.add(i.b()), *r.add(i.c())) };
    if s.is_kind(Kind::Instance) {
        let c = vm.instance_class(s.gc());
        if let Some(m) = vm.class_find(c, vm.names.eq) {
            // A class as pattern tests membership before `==` is asked.
            if !v.is_kind(Kind::Class) {
                return call::call_op(vm, m, &[s, v], true);
            }
        }
    }
    let eq = match vm.equal(s, v) {
        Ok(b) => b,
        Err(_) => return Ctl::Throw,
    };
    let ok = eq
        || match v.heap_kind() {
            Some(Kind::Class | Kind::Enum | Kind::Interface | Kind::TypeValue) => match types::member_of(vm, s, v) {
                Ok(b) => b,
                Err(_) => return Ctl::Throw,
            },
            Some(Kind::Range) => range_holds(v.gc(), s),
            Some(Kind::Regex) if s.is_str() => match crate::library::regex::compiled(vm, v.gc()) {
                Ok(re) => re.is_match(s.as_str().unwrap_or("")),
                Err(_) => return Ctl::Throw,
            },
            _ => false,
        };
    put(r, i, Ok(Value::bool(ok)))
}

/// Is `v` an element of the range?
pub fn range_holds(range: Gc<Record>, v: Value) -> bool {
    let (start, end, step) = (range.slot(0), range.slot(1), range.slot(2));
    if let (Some(a), Some(b), Some(c), Some(s)) = (start.as_char(), end.as_char(), v.as_char(), step.as_int()) {
        let (a, b, c) = (a as i64, b as i64, c as i64);
        return if s > 0 { a <= c && c <= b } else { b <= c && c <= a } && (c - a) % s == 0;
    }
    if let (Some(a), Some(b), Some(x), Some(s)) = (start.as_int(), end.as_int(), v.as_int(), step.as_int()) {
        let inside = if s > 0 { a <= x && x <= b } else { b <= x && x <= a };
        return inside && (x as i128 - a as i128) % s as i128 == 0;
    }
    let (Some(a), Some(b), Some(x), Some(s)) = (start.as_number(), end.as_number(), v.as_number(), step.as_number())
    else {
        return false;
    };
    if !(if s > 0.0 { a <= x && x <= b } else { b <= x && x <= a }) {
        return false;
    }
    let k = (x - a) / s;
    (k - k.round()).abs() < 1e-9
}

fn contract(vm: &mut Vm, r: *mut Value, i: Instr) -> Ctl {
    let k: Gc<Record> = constant(vm, i).gc();
    let name = k.slot(0).as_str().unwrap_or("<fn>");
    let post = k.slot(1).truthy();
    let n = k.slot(2).as_int().unwrap_or(1);
    let cond = k.slot(3).as_str().unwrap_or("");
    let mut args = Vec::new();
    for (j, p) in k.slots()[4..].iter().enumerate() {
        // SAFETY: registers.
        let v = unsafe { *r.add(i.a() + j) };
        let v = if v.is_kind(Kind::Cell) { v.gc::<crate::object::function::Cell>().value } else { v };
        let text = match vm.to_debug(v) {
            Ok(t) => t,
            Err(_) => return Ctl::Throw,
        };
        args.push(format!("{}={text}", p.as_sym().map_or("", |s| vm.sym_name(s))));
    }
    let what = if post { "postcondition" } else { "precondition" };
    let mut m = format!("ContractViolation: {name} {what} #{n} failed: {cond} | args=[{}]", args.join(" "));
    if post {
        // SAFETY: register.
        let v = unsafe { *r.add(i.b()) };
        match vm.to_debug(v) {
            Ok(t) => m.push_str(&format!(" | result={t}")),
            Err(_) => return Ctl::Throw,
        }
    }
    let c = vm.classes.assertion_exception;
    let _ = vm.throw(c, &m);
    Ctl::Throw
}
