//! Selectors (language chapter 17): a record whose one word is the Array of parts, encoded as [`crate::compile::quote`] says;
//! functions stand among the parts as they are.
//!
//! A walk is in one of three modes: one value, a stream of values, a stream of entries. Streams are heap Arrays (keys apart from
//! values), since comparing keys may run script code. A walk that meets a function, a method or a member that script code
//! computes is made again from its start by `prelude/selector.gene`; nothing has happened by then.
use super::collection::{self, position, tail_method, wrong};
use super::map;
use crate::def;
use crate::heap::{Gc, Kind, Record};
use crate::interp::member;
use crate::native::{Args, NativeDef, R, Stop, VARIADIC};
use crate::object::array::Array;
use crate::object::map::Map;
use crate::object::namespace::{Member, NamespaceObj};
use crate::object::table::Table;
use crate::value::{Sym, Value};
use crate::vm::Vm;

pub fn install(vm: &mut Vm) {
    let c = vm.classes.by_kind[Kind::Selector as usize];
    vm.add_methods(c, DEFS);
    vm.add_globals(GLOBALS);
}

#[rustfmt::skip]
static DEFS: &[NativeDef] = &[
    def!("call", call, 1, 2, "(s .call v [d]) -- what the walk from v finds; d for void
        (@a/0 .call {^a [5 6]}) => 5"),
    def!("parts", parts, 0, 0, r#"(s .parts) -- Array of its parts; symbols are the marks *, **, @, @@, !
        (@a/0 .parts) => ["a" 0]"#),
    def!("join", join, 1, 1, "(s .join t) -- one walk after the other
        ((@a .join @b) {^a {^b 1}}) => 1"),
    def!("_op", op, 1, 1, ""),
    def!("_part", part, 1, 1, ""),
    def!("_count", count, 0, 0, ""),
    def!("_member", member_of, 2, 2, ""),
    def!("_mark", apply_mark, 4, 4, ""),
    def!("_result", result, 4, 4, ""),
    def!("_set_last", set_last, 2, 2, ""),
    def!("_delete_last", delete_last, 1, 1, ""),
];

#[rustfmt::skip]
static GLOBALS: &[NativeDef] = &[
    def!("%selector", make, 1, VARIADIC, ""),
    def!("./", select, 2, 3, r#"(./ v p [d]) -- what one part (name, index or selector) finds in v; d for void
        (./ {^a 1} "a") => 1"#),
    def!("$set", set, 3, 3, "($set v sel new) -- stores new where the selector leads, and gives it
        (do (var m {^a 1}) ($set m @a 2) m) => {^a 2}"),
    def!("$update", update, 3, 3, "($update v sel f) -- stores and gives (f old)
        (do (var m {^a 1}) ($update m @a (n -> (n + 1))) m) => {^a 2}"),
    def!("$delete", delete, 2, 2, "($delete v sel) -- removes what the selector leads to; the old value or nil
        (do (var m {^a 1 ^b 2}) ($delete m @a) m) => {^b 2}"),
];

// --- parts

/// What a part does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Op {
    /// A name or an index.
    Member = 0,
    Function = 1,
    Method = 2,
    Values = 3,
    Entries = 4,
    Collect = 5,
    CollectMap = 6,
    NotNil = 7,
}

fn op_of(vm: &mut Vm, part: Value) -> Result<Op, Stop> {
    if part.is_sym() || part.is_int() {
        return Ok(Op::Member);
    }
    let Some(r) = part.get::<Record>(Kind::Record) else { return Ok(Op::Function) };
    Ok(match mark_name(vm, r) {
        "." => Op::Method,
        "*" => Op::Values,
        "**" => Op::Entries,
        "@" => Op::Collect,
        "@@" => Op::CollectMap,
        "!" => Op::NotNil,
        _ => return Err(vm.type_error("Invalid selector part: quoted path")),
    })
}

fn mark_name(vm: &Vm, r: Gc<Record>) -> &'static str {
    r.slot(0).as_sym().map_or("", |s| vm.sym_name(s))
}

/// The Array of parts.
pub fn parts_of(selector: Value) -> Option<Gc<Array>> {
    selector.get::<Record>(Kind::Selector)?.slot(0).get(Kind::Array)
}

fn selector(vm: &mut Vm, name: &str, v: Value) -> Result<Gc<Array>, Stop> {
    match parts_of(v) {
        Some(parts) => Ok(parts),
        None => Err(wrong(vm, name, "Selector", v)),
    }
}

fn this(vm: &mut Vm, a: &Args) -> Result<Gc<Array>, Stop> {
    selector(vm, "method", a.this())
}

fn new_selector(vm: &mut Vm, parts: &[Value]) -> Value {
    let parts = vm.array(parts);
    vm.heap.record(Kind::Selector, 0, &[parts]).value()
}

/// A value that names a part: String, Symbol, Int or a callable.
fn part_from(vm: &mut Vm, v: Value) -> R {
    if v.is_int() || v.is_sym() {
        return Ok(v);
    }
    if v.is_str() {
        return Ok(vm.map_key(v).map_or(Value::NIL, Value::sym));
    }
    if vm.is_callable(v) {
        return Ok(v);
    }
    let m = format!("Invalid selector part: {}", vm.kind_name(v));
    Err(vm.type_error(&m))
}

/// `(%selector template v...)`: the values take the places of the dynamic parts.
fn make(vm: &mut Vm, a: &Args) -> R {
    let template = selector(vm, "@", a.get(0))?;
    let mut out = Vec::with_capacity(template.size());
    let mut next = 1;
    for i in 0..template.size() {
        let part = template.as_slice()[i];
        let dynamic = part.get::<Record>(Kind::Record).filter(|&r| mark_name(vm, r) == "<>");
        let Some(place) = dynamic else {
            out.push(part);
            continue;
        };
        let v = a.get(next);
        next += 1;
        // An Array in the template stands for a spread.
        match (place.slot(1).is_kind(Kind::Array), v.get::<Array>(Kind::Array)) {
            (true, Some(items)) => {
                for &v in items.as_slice() {
                    out.push(part_from(vm, v)?);
                }
            }
            _ => out.push(part_from(vm, v)?),
        }
    }
    Ok(new_selector(vm, &out))
}

fn parts(vm: &mut Vm, a: &Args) -> R {
    let parts = this(vm, a)?;
    let out = vm.heap.array_with_capacity(parts.size());
    for &p in parts.as_slice() {
        let shown = match p.get::<Record>(Kind::Record) {
            Some(r) if mark_name(vm, r) == "." => {
                let name = format!(".{}", r.slot(1).as_sym().map_or("", |s| vm.sym_name(s)));
                Value::sym(vm.sym(&name))
            }
            Some(r) => r.slot(0),
            None => match p.as_sym() {
                Some(s) => vm.sym_string(s),
                None => p,
            },
        };
        vm.heap.array_push(out, shown);
    }
    Ok(out.value())
}

fn join(vm: &mut Vm, a: &Args) -> R {
    let mut all = this(vm, a)?.as_slice().to_vec();
    all.extend_from_slice(selector(vm, "join", a.get(0))?.as_slice());
    Ok(new_selector(vm, &all))
}

// --- walking

#[derive(Clone, Copy)]
enum Walk {
    One(Value),
    Values(Gc<Array>),
    /// Keys and values.
    Entries(Gc<Array>, Gc<Array>),
}

/// Member of `v` that a name or index part reads.
fn read(vm: &mut Vm, part: Value, v: Value) -> R {
    match (part.as_int(), part.as_sym()) {
        (Some(i), _) => member::get_index(vm, v, i),
        (_, Some(name)) => member::get_member(vm, v, name),
        _ => Ok(Value::VOID),
    }
}

/// The values `v` becomes under `*`.
fn values(vm: &mut Vm, v: Value) -> Result<Option<Gc<Array>>, Stop> {
    match v.heap_kind() {
        Some(Kind::Array | Kind::HashSet | Kind::Range | Kind::Gene | Kind::Map | Kind::HashMap) => {
            collection::items(vm, v)
        }
        _ => Ok(None),
    }
}

/// Adds the entries `v` becomes under `**`. Gives false when script code has to be asked for one.
fn add_entries(vm: &mut Vm, v: Value, keys: Gc<Array>, vals: Gc<Array>) {
    let names: Vec<(Sym, Value)> = match v.heap_kind() {
        Some(Kind::Map) => vm.map_entries(v.gc()),
        Some(Kind::Instance) => vm.map_entries(v.gc()),
        Some(Kind::Gene) => match v.gc::<Record>().gene_props() {
            Some(m) => vm.map_entries(m),
            None => return,
        },
        Some(Kind::Namespace) => {
            let ns = v.gc::<NamespaceObj>();
            let names: Vec<Sym> = ns.data().members.iter().map(|m| m.0).collect();
            names.into_iter().filter_map(|n| Some((n, vm.namespace_get(ns, n)?))).collect()
        }
        Some(Kind::HashMap) => {
            for (k, x) in v.gc::<Table>().iter() {
                vm.heap.array_push(keys, k);
                vm.heap.array_push(vals, x);
            }
            return;
        }
        _ => return,
    };
    for (name, x) in names {
        if vm.sym_name(name).starts_with('%') {
            continue;
        }
        let key = vm.sym_string(name);
        vm.heap.array_push(keys, key);
        vm.heap.array_push(vals, x);
    }
}

/// What the elements of a stream become under `step`; void ones go, and their keys with them.
fn each(
    vm: &mut Vm,
    keys: Option<Gc<Array>>,
    vals: Gc<Array>,
    mut step: impl FnMut(&mut Vm, Value) -> R,
) -> Result<Walk, Stop> {
    let new_keys = vm.heap.array_with_capacity(0);
    let out = vm.heap.array_with_capacity(vals.size());
    let mut i = 0;
    while let Some(x) = vals.at(i) {
        let v = step(vm, x)?;
        if !v.is_void() {
            vm.heap.array_push(out, v);
            if let Some(k) = keys.and_then(|k| k.at(i)) {
                vm.heap.array_push(new_keys, k);
            }
        }
        i += 1;
    }
    Ok(if keys.is_some() { Walk::Entries(new_keys, out) } else { Walk::Values(out) })
}

/// A walk of one value as the values of a stream of one.
fn stream_values(vm: &mut Vm, w: Walk) -> Gc<Array> {
    match w {
        Walk::One(v) => vm.heap.array(&[v]),
        Walk::Values(vals) | Walk::Entries(_, vals) => vals,
    }
}

fn did_not_match(vm: &mut Vm, what: &str) -> Stop {
    vm.runtime_error(&format!("Selector did not match ({what})"))
}

/// A part that is neither a member nor calls script code.
fn mark(vm: &mut Vm, op: Op, w: Walk) -> Result<Walk, Stop> {
    Ok(match op {
        Op::Values => {
            let from = stream_values(vm, w);
            let out = vm.heap.array_with_capacity(0);
            let mut i = 0;
            while let Some(x) = from.at(i) {
                if let Some(items) = values(vm, x)? {
                    super::array::room(vm, out, items.size())?;
                    vm.heap.array_extend(out, items.as_slice());
                }
                i += 1;
            }
            Walk::Values(out)
        }
        Op::Entries => {
            let from = stream_values(vm, w);
            let (keys, vals) = (vm.heap.array_with_capacity(0), vm.heap.array_with_capacity(0));
            let mut i = 0;
            while let Some(x) = from.at(i) {
                add_entries(vm, x, keys, vals);
                i += 1;
            }
            Walk::Entries(keys, vals)
        }
        Op::Collect => match w {
            Walk::Values(vals) => Walk::One(vm.array(vals.as_slice())),
            _ => return Err(vm.runtime_error("@ requires a value stream")),
        },
        Op::CollectMap => match w {
            Walk::Entries(keys, vals) => Walk::One(collect_map(vm, keys, vals)?),
            _ => return Err(vm.runtime_error("@@ requires an entry stream")),
        },
        _ => {
            match w {
                Walk::One(Value::VOID) => return Err(did_not_match(vm, "VOID")),
                Walk::One(Value::NIL) => return Err(did_not_match(vm, "NIL")),
                Walk::Values(vals) | Walk::Entries(_, vals) if vals.size() == 0 => {
                    return Err(did_not_match(vm, "EMPTY"));
                }
                _ => {}
            }
            w
        }
    })
}

/// A Map; a HashMap when some key is no name.
fn collect_map(vm: &mut Vm, keys: Gc<Array>, vals: Gc<Array>) -> R {
    if keys.as_slice().iter().all(|k| k.is_str() || k.is_sym()) {
        let m = vm.map_with_capacity(keys.size());
        for (&k, &v) in keys.as_slice().iter().zip(vals.as_slice()) {
            let k = map::key(vm, k)?;
            vm.map_set(m, k, v);
        }
        return Ok(m.value());
    }
    let t = vm.heap.table(Kind::HashMap);
    let mut i = 0;
    while let (Some(k), Some(v)) = (keys.at(i), vals.at(i)) {
        vm.table_set(t, k, v)?;
        i += 1;
    }
    Ok(t.value())
}

/// The whole walk; `None` when it takes script code.
fn walk(vm: &mut Vm, parts: Gc<Array>, v: Value) -> Result<Option<Walk>, Stop> {
    let mut w = Walk::One(v);
    for i in 0..parts.size() {
        let part = parts.as_slice()[i];
        let next = match op_of(vm, part)? {
            Op::Member => match w {
                Walk::One(v) => read(vm, part, v).map(Walk::One),
                Walk::Values(vals) => each(vm, None, vals, |vm, x| read(vm, part, x)),
                Walk::Entries(keys, vals) => each(vm, Some(keys), vals, |vm, x| read(vm, part, x)),
            },
            Op::Function | Op::Method => return Ok(None),
            op => mark(vm, op, w),
        };
        w = match next {
            Ok(w) => w,
            Err(Stop::Call) => {
                vm.pending = None;
                return Ok(None);
            }
            Err(stop) => return Err(stop),
        };
    }
    Ok(Some(w))
}

/// What a walk gives in the end.
fn end(vm: &mut Vm, w: Walk, default: Option<Value>) -> Value {
    match w {
        Walk::One(v) => default.filter(|_| v.is_void()).unwrap_or(v),
        Walk::Values(vals) => vals.value(),
        Walk::Entries(keys, vals) => {
            let out = vm.heap.array_with_capacity(keys.size());
            for (&k, &v) in keys.as_slice().iter().zip(vals.as_slice()) {
                let pair = collection::pair(vm, k, v);
                vm.heap.array_push(out, pair);
            }
            out.value()
        }
    }
}

fn apply(vm: &mut Vm, selector: Value, parts: Gc<Array>, v: Value, default: Option<Value>) -> R {
    match walk(vm, parts, v)? {
        // A stream may still be the very Array that was walked.
        Some(Walk::Values(vals)) => Ok(vm.array(vals.as_slice())),
        Some(w) => Ok(end(vm, w, default)),
        None => tail_method(vm, selector, "__walk", &[v, default.unwrap_or(Value::VOID)]),
    }
}

fn call(vm: &mut Vm, a: &Args) -> R {
    let parts = this(vm, a)?;
    apply(vm, a.this(), parts, a.get(0), a.opt(1))
}

/// `(./ v p [d])`
fn select(vm: &mut Vm, a: &Args) -> R {
    let (v, p) = (a.get(0), a.get(1));
    if let Some(parts) = parts_of(p) {
        return apply(vm, p, parts, v, a.opt(2));
    }
    if !(p.is_int() || p.is_sym() || p.is_str()) {
        let m = format!("Invalid selector part: {}", vm.kind_name(p));
        return Err(vm.type_error(&m));
    }
    let part = part_from(vm, p)?;
    match (read(vm, part, v), a.opt(2)) {
        (Ok(Value::VOID), Some(d)) => Ok(d),
        // Script code computes the member: the default is looked at afterwards.
        (Err(Stop::Call), Some(d)) => {
            vm.pending = None;
            let selector = new_selector(vm, &[part]);
            tail_method(vm, selector, "__walk", &[v, d])
        }
        (r, _) => r,
    }
}

// --- what the walk in Gene is made of; its state is a mode (0 one value, 1 values, 2 entries), the value or values, and the keys

fn raw_part(vm: &mut Vm, a: &Args) -> R {
    let parts = this(vm, a)?;
    let i = collection::int(vm, "part", a.get(0))?;
    Ok(usize::try_from(i).ok().and_then(|i| parts.at(i)).unwrap_or(Value::NIL))
}

fn op(vm: &mut Vm, a: &Args) -> R {
    let part = raw_part(vm, a)?;
    let op = op_of(vm, part)?;
    Ok(Value::small(op as i64))
}

/// A function, or the name of a method.
fn part(vm: &mut Vm, a: &Args) -> R {
    let p = raw_part(vm, a)?;
    match p.get::<Record>(Kind::Record) {
        Some(r) if mark_name(vm, r) == "." => Ok(r.slot(1)),
        _ => Ok(p),
    }
}

fn count(vm: &mut Vm, a: &Args) -> R {
    Ok(Value::small(this(vm, a)?.size() as i64))
}

/// `(s ._member i v)`
fn member_of(vm: &mut Vm, a: &Args) -> R {
    let p = part(vm, a)?;
    read(vm, p, a.get(1))
}

fn state(mode: Value, v: Value, keys: Value) -> Walk {
    let array = |v: Value| v.get::<Array>(Kind::Array);
    match (mode.as_int(), array(v), array(keys)) {
        (Some(1), Some(vals), _) => Walk::Values(vals),
        (Some(2), Some(vals), Some(keys)) => Walk::Entries(keys, vals),
        _ => Walk::One(v),
    }
}

/// `(s ._mark i mode v keys)`: the new state as an Array.
fn apply_mark(vm: &mut Vm, a: &Args) -> R {
    let part = raw_part(vm, a)?;
    let op = op_of(vm, part)?;
    let items = match mark(vm, op, state(a.get(1), a.get(2), a.get(3)))? {
        Walk::One(v) => [Value::small(0), v, Value::NIL],
        Walk::Values(vals) => [Value::small(1), vals.value(), Value::NIL],
        Walk::Entries(keys, vals) => [Value::small(2), vals.value(), keys.value()],
    };
    Ok(vm.array(&items))
}

/// `(s ._result mode v keys default)`
fn result(vm: &mut Vm, a: &Args) -> R {
    let w = state(a.get(0), a.get(1), a.get(2));
    Ok(end(vm, w, Some(a.get(3))))
}

// --- updating

/// Only names, indices and (before the last part) `!` lead to one place.
fn check_target(vm: &mut Vm, name: &str, parts: Gc<Array>) -> Result<(), Stop> {
    let last = parts.size() - 1;
    for i in 0..parts.size() {
        let part = parts.as_slice()[i];
        let refused = match op_of(vm, part)? {
            Op::Member => continue,
            Op::NotNil if i < last => continue,
            Op::Function => "functions".to_string(),
            Op::Method => "methods".to_string(),
            _ => part.get::<Record>(Kind::Record).map_or(String::new(), |r| mark_name(vm, r).to_string()),
        };
        return Err(vm.argument_error(&format!("{name} does not allow {refused} in its selector")));
    }
    Ok(())
}

/// What holds the selected member; `None` when finding it takes script code.
fn container(vm: &mut Vm, parts: Gc<Array>, v: Value) -> Result<Option<Value>, Stop> {
    let before = vm.heap.array(&parts.as_slice()[..parts.size() - 1]);
    Ok(match walk(vm, before, v)? {
        Some(Walk::One(v)) => Some(v),
        _ => None,
    })
}

fn last_part(parts: Gc<Array>) -> Value {
    parts.as_slice().last().copied().unwrap_or(Value::NIL)
}

fn store(vm: &mut Vm, part: Value, v: Value, new: Value) -> R {
    match part.as_int() {
        Some(i) => member::set_index(vm, v, i, new)?,
        None => member::set_member(vm, v, part.as_sym().unwrap_or(vm.names.empty), new)?,
    }
    Ok(new)
}

fn remove(vm: &mut Vm, part: Value, v: Value) -> R {
    if v.is_ptr() {
        vm.check_mutable(v)?;
    }
    let old = match (v.heap_kind(), part.as_int(), part.as_sym()) {
        (Some(Kind::Array), Some(i), _) => remove_at(v.gc(), i),
        (Some(Kind::Gene), Some(i), _) => remove_at(v.gc::<Record>().gene_children(), i),
        (Some(Kind::Gene), _, Some(name)) => match v.gc::<Record>().gene_props() {
            Some(m) => vm.map_del(m, name),
            None => None,
        },
        (Some(Kind::Map | Kind::Instance), _, Some(name)) => vm.map_del(v.gc::<Map>(), name),
        (Some(Kind::Map), Some(i), _) => match vm.symbols.find(&i.to_string()) {
            Some(name) => vm.map_del(v.gc::<Map>(), name),
            None => None,
        },
        (Some(Kind::HashMap), Some(_), _) => vm.table_del(v.gc::<Table>(), part)?.map(|e| e.1),
        (Some(Kind::HashMap), _, Some(name)) => match vm.table_del(v.gc::<Table>(), part)? {
            Some(e) => Some(e.1),
            None => {
                let name = vm.sym_string(name);
                vm.table_del(v.gc::<Table>(), name)?.map(|e| e.1)
            }
        },
        (Some(Kind::Namespace), _, Some(name)) => return remove_member(vm, v.gc(), name),
        _ => {
            let name = match part.as_sym() {
                Some(s) => vm.sym_name(s).to_string(),
                None => part.as_int().unwrap_or(0).to_string(),
            };
            let m = format!("Cannot delete member {name} on {}", vm.kind_name(v));
            return Err(vm.type_error(&m));
        }
    };
    Ok(old.unwrap_or(Value::NIL))
}

fn remove_at(a: Gc<Array>, i: i64) -> Option<Value> {
    position(i, a.size()).map(|p| a.remove(p))
}

/// Members that are variables of a module stay: code reads them without the namespace.
fn remove_member(vm: &mut Vm, ns: Gc<NamespaceObj>, name: Sym) -> R {
    match ns.data().find(name) {
        None => Ok(Value::NIL),
        Some(Member::Value(v)) => {
            ns.data().remove(name);
            vm.globals.data().version = vm.globals.data().version.wrapping_add(1);
            Ok(v)
        }
        Some(Member::Cell(_)) => {
            let m = format!("Cannot delete member {} on Namespace", vm.sym_name(name));
            Err(vm.type_error(&m))
        }
    }
}

fn set(vm: &mut Vm, a: &Args) -> R {
    let parts = selector(vm, "$set", a.get(1))?;
    check_target(vm, "$set", parts)?;
    match container(vm, parts, a.get(0))? {
        Some(c) => store(vm, last_part(parts), c, a.get(2)),
        None => tail_method(vm, a.get(1), "_set", &[a.get(0), a.get(2)]),
    }
}

fn update(vm: &mut Vm, a: &Args) -> R {
    let parts = selector(vm, "$update", a.get(1))?;
    check_target(vm, "$update", parts)?;
    vm.expect_callable("$update", a.get(2))?;
    tail_method(vm, a.get(1), "_update", &[a.get(0), a.get(2)])
}

fn delete(vm: &mut Vm, a: &Args) -> R {
    let parts = selector(vm, "$delete", a.get(1))?;
    check_target(vm, "$delete", parts)?;
    match container(vm, parts, a.get(0))? {
        Some(c) => remove(vm, last_part(parts), c),
        None => tail_method(vm, a.get(1), "_delete", &[a.get(0)]),
    }
}

/// `(s ._set_last container new)`
fn set_last(vm: &mut Vm, a: &Args) -> R {
    let parts = this(vm, a)?;
    store(vm, last_part(parts), a.get(0), a.get(1))
}

fn delete_last(vm: &mut Vm, a: &Args) -> R {
    let parts = this(vm, a)?;
    remove(vm, last_part(parts), a.get(0))
}
