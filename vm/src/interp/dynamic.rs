//! Data as code: macros, `eval`, `$caller_eval`, `$render`; fresh copies of quoted data.
use super::cold::constant;
use super::{Ctl, call, evaluated};
use crate::bytecode::{Instr, Op};
use crate::compile::lower::{self, EvalEnv, EvalName};
use crate::compile::unquote::value_to_form;
use crate::heap::{Gc, Kind, Record};
use crate::native::{R, Stop};
use crate::object::array::Array;
use crate::object::function::{Cell, Function};
use crate::object::map::Map;
use crate::object::table::Table;
use crate::syntax::source::Source;
use crate::value::{Sym, Value};
use crate::vm::Vm;
use bumpalo::Bump;
use rustc_hash::FxHashSet;
use std::rc::Rc;

/// A deep mutable copy of quoted data.
pub fn copy_data(vm: &mut Vm, v: Value) -> Value {
    crate::stack::grow(|| match v.heap_kind() {
        Some(Kind::Array) => {
            let a: Gc<Array> = v.gc();
            let out = vm.heap.array_with_capacity(a.size());
            for j in 0..a.size() {
                let x = copy_data(vm, a.as_slice()[j]);
                vm.heap.array_push(out, x);
            }
            keep_frozen(vm, v, out.value())
        }
        Some(Kind::Map) => {
            let entries = vm.map_entries(v.gc());
            let out = vm.map_with_capacity(entries.len());
            for (k, x) in entries {
                let x = copy_data(vm, x);
                vm.map_set(out, k, x);
            }
            keep_frozen(vm, v, out.value())
        }
        Some(Kind::HashMap) => {
            let t: Gc<Table> = v.gc();
            let out = vm.heap.table(Kind::HashMap);
            for (k, x) in t.iter().collect::<Vec<_>>() {
                let (k, x) = (copy_data(vm, k), copy_data(vm, x));
                let _ = vm.table_set(out, k, x);
            }
            keep_frozen(vm, v, out.value())
        }
        Some(k @ (Kind::Gene | Kind::Quote | Kind::InterpData)) => {
            let r: Gc<Record> = v.gc();
            let items: Vec<Value> = r.slots().iter().map(|&x| copy_data(vm, x)).collect();
            let c = vm.heap.record(k, r.header().aux, &items).value();
            keep_frozen(vm, v, c)
        }
        _ => v,
    })
}

/// Ends the copy of one container. A loop around a large literal is a long program, so each of them counts.
fn keep_frozen(vm: &mut Vm, from: Value, to: Value) -> Value {
    let f = from.gc::<Record>().header().frozen();
    to.gc::<Record>().header_mut().set_frozen(f);
    vm.heap.fuel.spend(1);
    to
}

/// The value of a regex literal: compiled when evaluated.
pub fn regex(vm: &mut Vm, v: Value) -> R {
    let r: Gc<Record> = v.gc();
    let text = |i: usize| r.slot(i).as_str();
    crate::library::regex::make_regex(vm, text(0).unwrap_or(""), text(1).unwrap_or(""), text(2))
}

/// An environment: record (names Array, constants Array, cells Array, self, ex, caller, module, top of it, how many of
/// the first names come from data that was evaluated here). Cells of variables that are
/// plain values are made on the spot.
fn make_env(vm: &mut Vm, r: *mut Value, i: Instr) -> Value {
    let d: Gc<Record> = constant(vm, i).gc();
    let source = |vm: &mut Vm, s: Value| -> Value {
        if s.is_kind(Kind::Cell) {
            return s;
        }
        let Some(n) = s.as_int() else { return Value::NIL };
        // SAFETY: registers and captures of the running frame.
        unsafe {
            if n >= 0 {
                *super::cold::word(r, n as usize)
            } else {
                let _ = &vm;
                *(*r.sub(3)).gc::<Function>().captures().add((-1 - n) as usize)
            }
        }
    };
    let vars: Gc<Record> = d.slot(0).gc();
    let names = vm.heap.array_with_capacity(vars.len());
    let consts = vm.heap.array_with_capacity(vars.len());
    let cells = vm.heap.array_with_capacity(vars.len());
    for v in vars.slots() {
        let v: Gc<Record> = v.gc();
        let mut c = source(vm, v.slot(2));
        if !c.is_kind(Kind::Cell) {
            c = vm.heap.cell(c).value();
        }
        // What data declared hides what the scope had before.
        if let Some(kept) = evaluated(vm, v.slot(0), c) {
            for entry in kept.as_slice().chunks_exact(3) {
                vm.heap.array_push(names, entry[0]);
                vm.heap.array_push(consts, entry[1]);
                vm.heap.array_push(cells, entry[2]);
            }
        }
        vm.heap.array_push(names, v.slot(0));
        vm.heap.array_push(consts, v.slot(1));
        vm.heap.array_push(cells, c);
    }
    let value_of = |v: Value| if v.is_kind(Kind::Cell) { v.gc::<Cell>().value } else { v };
    let (s, e, c) = (d.slot(1), d.slot(2), d.slot(3));
    let (s, e, c) = (source(vm, s), source(vm, e), source(vm, c));
    let module = call::running(vm).source.module;
    let items = [
        names.value(),
        consts.value(),
        cells.value(),
        if d.slot(1).is_nil() { Value::UNDEF } else { value_of(s) },
        if d.slot(2).is_nil() { Value::UNDEF } else { value_of(e) },
        if d.slot(3).is_nil() { Value::UNDEF } else { value_of(c) },
        Value::small(module as i64),
        d.slot(4),
        Value::small(0),
    ];
    vm.heap.record(Kind::Env, 0, &items).value()
}

/// The names, constness and cells that data declared in the scope whose variable for that is called `name` and lives in `cell`.
fn evaluated(vm: &Vm, name: Value, cell: Value) -> Option<Gc<Array>> {
    if !is_evaluated(vm, name) {
        return None;
    }
    cell.get::<Cell>(Kind::Cell)?.value.get(Kind::Array)
}

fn is_evaluated(vm: &Vm, name: Value) -> bool {
    name.as_sym().is_some_and(|s| vm.sym_name(s).starts_with(lower::EVALUATED))
}

/// Keeps the first `own` names of an environment, which data has just declared, for the next data evaluated in the same scope.
fn keep_evaluated(vm: &mut Vm, env: Gc<Record>, own: usize) {
    let list = |i: usize| env.slot(i).gc::<Array>();
    let (names, consts, cells) = (list(0), list(1), list(2));
    let Some(at) = (0..names.size()).find(|&i| is_evaluated(vm, names.as_slice()[i])) else { return };
    let keeper = cells.as_slice()[at];
    let mut kept: Vec<Value> = Vec::new();
    for i in 0..own {
        kept.extend([names.as_slice()[i], consts.as_slice()[i], cells.as_slice()[i]]);
    }
    if let Some(before) = evaluated(vm, names.as_slice()[at], keeper) {
        let old = before.as_slice().chunks_exact(3).filter(|e| !names.as_slice()[..own].contains(&e[0]));
        kept.extend(old.flatten());
    }
    let kept = vm.array(&kept);
    let mut cell: Gc<Cell> = keeper.gc();
    cell.value = kept;
    vm.heap.barrier(cell);
}

/// Makes variables of an environment for what data declares that is going to be evaluated there; they become its first names. How
/// many they are.
fn declare_in(vm: &mut Vm, env: Gc<Record>, declared: &[(String, bool)]) -> usize {
    let mut own: Vec<(Value, Value)> = Vec::new();
    for (name, constant) in declared {
        let name = Value::sym(vm.sym(name));
        if !own.iter().any(|(other, _)| *other == name) {
            own.push((name, Value::bool(*constant)));
        }
    }
    if own.is_empty() {
        return 0;
    }
    let old = |i: usize| env.slot(i).gc::<Array>().as_slice().to_vec();
    let (names, consts, cells) = (old(0), old(1), old(2));
    let added = env.slot(8).small_int() as usize;
    // A new variable takes the place of one that other data declared, but its value may still be computed from that one.
    let is_replaced = |i: usize| i < added && own.iter().any(|(n, _)| *n == names[i]) && names[..i].contains(&names[i]);
    let kept: Vec<usize> = (0..names.len()).filter(|i| !is_replaced(*i)).collect();
    let fresh: Vec<Value> = own.iter().map(|_| vm.heap.cell(Value::NIL).value()).collect();
    let joined = |first: Vec<Value>, rest: &[Value]| {
        first.into_iter().chain(kept.iter().map(|i| rest[*i])).collect::<Vec<Value>>()
    };
    let lists = [
        joined(own.iter().map(|(n, _)| *n).collect(), &names),
        joined(own.iter().map(|(_, c)| *c).collect(), &consts),
        joined(fresh, &cells),
    ];
    let added = own.len() + kept.iter().filter(|i| **i < added).count();
    for (i, list) in lists.iter().enumerate() {
        let list = vm.array(list);
        env.set_slot(&mut vm.heap, i, list);
    }
    env.set_slot(&mut vm.heap, 8, Value::small(added as i64));
    own.len()
}

/// As [`compile_in`], at the top of a module.
pub fn compile_at_top(vm: &mut Vm, data: &[Value], module: u32) -> R {
    let none = [vm.array(&[]), vm.array(&[]), vm.array(&[])];
    let items = [Value::UNDEF, Value::UNDEF, Value::UNDEF, Value::small(module as i64), Value::TRUE, Value::small(0)];
    let env = vm.heap.record(Kind::Env, 0, &[&none[..], &items[..]].concat());
    compile_in(vm, data, env)
}

/// Compiles data in an environment: a closure without parameters.
pub fn compile_in(vm: &mut Vm, data: &[Value], env: Gc<Record>) -> R {
    Ok(compile_counting(vm, data, env)?.0)
}

/// As [`compile_in`], with the number of names that the data declares.
fn compile_counting(vm: &mut Vm, data: &[Value], env: Gc<Record>) -> Result<(Value, usize), Stop> {
    // At the top of a module, definitions become new variables of it each time.
    let key = if env.slot(7).truthy() { None } else { evaluated::key(vm, data, env) };
    if let Some(body) = key.as_ref().and_then(|key| vm.evaluated.find(key)) {
        return Ok((close_over(vm, body.gc(), env), 0));
    }
    let arena = Bump::new();
    let mut forms = Vec::new();
    let mut first_pos = None;
    for &d in data {
        let (f, pos) = value_to_form(vm, &arena, d)?;
        first_pos = first_pos.or(pos);
        forms.push(f);
    }
    // All that is visible at the top of a module are its variables.
    let top = env.slot(7).truthy();
    let own = if top { Vec::new() } else { lower::eval_declarations(&forms) };
    let own = declare_in(vm, env, &own);
    let names: Gc<Array> = env.slot(0).gc();
    let consts: Gc<Array> = env.slot(1).gc();
    let module = env.slot(6).as_int().unwrap_or(0) as u32;
    let has = |i: usize| !env.slot(i).is_undef();
    let shown = if top { 0 } else { names.size() };
    let ee = EvalEnv {
        names: names
            .as_slice()
            .iter()
            .zip(consts.as_slice())
            .take(shown)
            .map(|(n, c)| EvalName {
                name: n.as_sym().map_or(String::new(), |s| vm.sym_name(s).to_string()),
                constant: c.truthy(),
            })
            .collect(),
        own,
        has_self: has(3),
        has_ex: has(4),
        has_caller: has(5),
        module_names: vm.module_names(module),
        module_slots: vm.modules[module as usize].vars.len() as u32,
        repl: top,
        data: true,
        ..EvalEnv::default()
    };
    // Positions of data that came from a source point into it; other data has none.
    let source = match first_pos.and_then(|p| vm.source_by_id(p)) {
        Some(s) => s,
        None => Rc::new(Source::new("<eval>", String::new())),
    };
    let body = match vm.compile_eval(&forms, &arena, &ee, module, source) {
        Ok(b) => b,
        Err(f) => return Err(vm.parse_error(&f.message())),
    };
    if let Some(key) = key.filter(|_| own == 0) {
        vm.evaluated.keep(key, body);
    }
    Ok((close_over(vm, body.gc(), env), own))
}

/// The closure of evaluated code. Its captures are cells of the environment, then self, $ex, the caller's environment.
fn close_over(vm: &mut Vm, body: Gc<Function>, env: Gc<Record>) -> Value {
    let p = body.proto();
    let shown = if env.slot(7).truthy() { 0 } else { env.slot(0).gc::<Array>().size() };
    let cells: Gc<Array> = env.slot(2).gc();
    let hidden: Vec<Value> = (3..6).map(|k| env.slot(k)).filter(|v| !v.is_undef()).collect();
    let g = vm.heap.function(body.code, p.captures.len());
    for (j, &(_, n)) in p.captures.iter().enumerate() {
        let n = n as usize;
        let v = if n < shown { cells.as_slice()[n] } else { hidden[n - shown] };
        // SAFETY: the function was made with room for its captures.
        unsafe { *g.captures().add(j) = v };
    }
    g.value()
}

pub fn execute(vm: &mut Vm, r: *mut Value, i: Instr) -> Ctl {
    // SAFETY: register operands are below `nregs` (verifier).
    let reg = |n: usize| unsafe { *r.add(n) };
    // SAFETY: as above.
    let set = |n: usize, v: Value| unsafe { *r.add(n) = v };
    match i.op() {
        Op::MakeEnv => {
            let e = make_env(vm, r, i);
            set(i.a(), e);
            Ctl::Next
        }
        Op::IsMacro => {
            let m = is_macro(reg(i.a()));
            if !m {
                // SAFETY: jump targets are inside the function.
                vm.cur.pc = unsafe { vm.cur.pc.offset(i.x() as isize) };
                return Ctl::Load;
            }
            Ctl::Next
        }
        Op::CallMacro => call_macro(vm, reg(i.b()), reg(i.c()), constant(vm, i)),
        Op::Eval => {
            let data = reg(i.b()).gc::<Array>().as_slice().to_vec();
            if data.is_empty() {
                set(i.a(), Value::NIL);
                return Ctl::Next;
            }
            match compile_counting(vm, &data, reg(i.c()).gc()) {
                Ok((f, own)) => {
                    if own > 0 {
                        keep_evaluated(vm, reg(i.c()).gc(), own);
                    }
                    call::call_op(vm, f, &[], false)
                }
                Err(_) => Ctl::Throw,
            }
        }
        Op::CallerEval => {
            let env = reg(i.c());
            if !env.is_kind(Kind::Env) {
                return call::fail(vm, Vm::runtime_error, "$caller_eval is only allowed in a macro");
            }
            match compile_in(vm, &[reg(i.b())], env.gc()) {
                Ok(f) => call::call_op(vm, f, &[], false),
                Err(_) => Ctl::Throw,
            }
        }
        _ => match render(vm, reg(i.b()), reg(i.c()).gc()) {
            Ok(v) => {
                set(i.a(), v);
                Ctl::Next
            }
            Err(ctl) => ctl,
        },
    }
}

fn is_macro(v: Value) -> bool {
    v.get::<Function>(Kind::Function).is_some_and(|f| f.proto().is_macro)
}

/// Calls a macro: the parts of the call are bound as data by the rules of 5.3; the environment goes behind the parameters.
fn call_macro(vm: &mut Vm, callee: Value, env: Value, site: Value) -> Ctl {
    if !is_macro(callee) {
        let k = vm.kind_name(callee);
        return call::fail(vm, Vm::type_error, &format!("{k} is not a macro"));
    }
    let d: Gc<Record> = site.gc();
    let args: Vec<Value> = d.slot(0).gc::<Record>().slots().iter().map(|&x| copy_data(vm, x)).collect();
    let names = super::cold::names(d.slot(1));
    let kw: Vec<(Sym, Value)> =
        names.iter().zip(d.slot(2).gc::<Record>().slots()).map(|(&k, &v)| (k, copy_data(vm, v))).collect();
    call::call_macro(vm, callee.gc(), &args, &kw, env)
}

/// Containers that one `$render` copies: parts that are shared are copied each time they are met.
const MAX_RENDERED: usize = 1 << 21;

/// A walk over the data of a `$render`.
#[derive(Default)]
struct Walk {
    /// The containers around: one that is met again would have an endless copy.
    open: FxHashSet<usize>,
    copied: usize,
}

impl Walk {
    fn enter(&mut self, vm: &mut Vm, v: Value) -> Result<(), Stop> {
        if !self.open.insert(v.addr()) {
            return Err(vm.runtime_error("Cannot render cyclic structure"));
        }
        vm.work(1)?;
        self.copied += 1;
        if self.copied > MAX_RENDERED {
            return Err(vm.runtime_error("Data too large to render"));
        }
        Ok(())
    }
    fn leave(&mut self, v: Value) {
        self.open.remove(&v.addr());
    }
}

/// `$render`: a copy of the data with unquotes replaced by their values. The values are those of one function, which is called
/// from the prelude: it may suspend.
fn render(vm: &mut Vm, data: Value, env: Gc<Record>) -> Result<Value, Ctl> {
    let mut unquotes = Vec::new();
    if collect(vm, data, &mut Walk::default(), &mut unquotes).is_err() {
        return Err(Ctl::Throw);
    }
    if unquotes.is_empty() {
        return filled(vm, data, &[]).map_err(|_| Ctl::Throw);
    }
    let all = vm.array(&unquotes);
    let Ok(values) = compile_in(vm, &[all], env) else { return Err(Ctl::Throw) };
    let name = vm.sym("__render");
    let class = vm.class_of(values);
    let Some(callee) = vm.class_find(class, name) else {
        return Err(call::fail(vm, Vm::runtime_error, "$render is not available"));
    };
    Err(call::call_op(vm, callee, &[values, data], true))
}

/// The forms of the unquotes, in the order in which their values are taken.
fn collect(vm: &mut Vm, v: Value, open: &mut Walk, out: &mut Vec<Value>) -> Result<(), Stop> {
    if let Some(q) = v.get::<Record>(Kind::Quote) {
        if q.header().aux != 0 {
            out.push(q.slot(0));
        }
        return Ok(());
    }
    let inner: Vec<Value> = match v.heap_kind() {
        Some(Kind::Array) => v.gc::<Array>().as_slice().to_vec(),
        Some(Kind::Map) => vm.map_entries(v.gc()).into_iter().map(|(_, x)| x).collect(),
        Some(Kind::HashMap) => v.gc::<Table>().iter().flat_map(|(k, x)| [k, x]).collect(),
        Some(Kind::Gene) => v.gc::<Record>().slots()[..3].to_vec(),
        _ => return Ok(()),
    };
    open.enter(vm, v)?;
    let result = crate::stack::grow(|| inner.into_iter().try_for_each(|x| collect(vm, x, open, out)));
    open.leave(v);
    result
}

/// A copy of the data with the values for its unquotes, which [`collect`] found in the same order.
pub fn filled(vm: &mut Vm, data: Value, values: &[Value]) -> R {
    let mut left = values.iter().copied();
    let mut depth = Walk::default();
    fill(vm, data, &mut left, &mut depth)
}

type Values<'a> = std::iter::Copied<std::slice::Iter<'a, Value>>;

fn fill(vm: &mut Vm, v: Value, values: &mut Values, open: &mut Walk) -> R {
    if !matches!(v.heap_kind(), Some(Kind::Array | Kind::Map | Kind::HashMap | Kind::Gene)) {
        return fill_one(vm, v, values, open);
    }
    // Computing the values may have changed the data.
    open.enter(vm, v)?;
    let result = crate::stack::grow(|| fill_one(vm, v, values, open));
    open.leave(v);
    result
}

fn next_value(vm: &mut Vm, values: &mut Values) -> R {
    values.next().ok_or_else(|| vm.runtime_error("The data was changed while it was rendered"))
}

fn fill_items(vm: &mut Vm, items: &[Value], values: &mut Values, open: &mut Walk) -> Result<Gc<Array>, Stop> {
    let out = vm.heap.array_with_capacity(items.len());
    for &x in items {
        let Some(q) = x.get::<Record>(Kind::Quote) else {
            let y = fill(vm, x, values, open)?;
            vm.heap.array_push(out, y);
            continue;
        };
        match q.header().aux {
            0 => vm.heap.array_push(out, x),
            2 => {
                next_value(vm, values)?;
            }
            3 => {
                let y = next_value(vm, values)?;
                let Some(a) = y.get::<Array>(Kind::Array) else {
                    let k = vm.kind_name(y);
                    return Err(vm.type_error(&format!("Cannot spread {k}")));
                };
                let items = a.as_slice().to_vec();
                vm.heap.array_extend(out, &items);
            }
            _ => {
                let y = next_value(vm, values)?;
                vm.heap.array_push(out, y);
            }
        }
    }
    Ok(out)
}

fn fill_one(vm: &mut Vm, v: Value, values: &mut Values, open: &mut Walk) -> R {
    Ok(match v.heap_kind() {
        Some(Kind::Quote) => {
            let q: Gc<Record> = v.gc();
            if q.header().aux == 0 { v } else { next_value(vm, values)? }
        }
        Some(Kind::Array) => {
            let items = v.gc::<Array>().as_slice().to_vec();
            let a = fill_items(vm, &items, values, open)?;
            keep_frozen(vm, v, a.value())
        }
        Some(Kind::Map) => {
            let out = vm.map();
            for (k, x) in vm.map_entries(v.gc()) {
                let y = fill(vm, x, values, open)?;
                vm.map_set(out, k, y);
            }
            keep_frozen(vm, v, out.value())
        }
        Some(Kind::HashMap) => {
            let out = vm.heap.table(Kind::HashMap);
            for (k, x) in v.gc::<Table>().iter().collect::<Vec<_>>() {
                let (k, x) = (fill(vm, k, values, open)?, fill(vm, x, values, open)?);
                vm.table_set(out, k, x)?;
            }
            keep_frozen(vm, v, out.value())
        }
        Some(Kind::Gene) => {
            let g: Gc<Record> = v.gc();
            let ty = fill(vm, g.slot(0), values, open)?;
            let props = match g.slot(1).get::<Map>(Kind::Map) {
                Some(m) => fill(vm, m.value(), values, open)?,
                None => Value::NIL,
            };
            let children = match g.slot(2).get::<Array>(Kind::Array) {
                Some(a) => {
                    let items = a.as_slice().to_vec();
                    fill_items(vm, &items, values, open)?.value()
                }
                None => Value::NIL,
            };
            let c = vm.heap.record(Kind::Gene, 0, &[ty, props, children, g.slot(3)]).value();
            keep_frozen(vm, v, c)
        }
        _ => v,
    })
}
