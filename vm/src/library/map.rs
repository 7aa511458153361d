//! Maps: the methods that call no function (language 6.4).
use super::collection::{mutable, pair, this_map, wrong};
use crate::def;
use crate::heap::{Gc, Kind};
use crate::native::{Args, NativeDef, R, Stop, VARIADIC};
use crate::object::array::Array;
use crate::object::map::Map;
use crate::object::table::Table;
use crate::value::{Sym, Value};
use crate::vm::Vm;

pub fn install(vm: &mut Vm) {
    let c = vm.classes.by_kind[Kind::Map as usize];
    vm.add_methods(c, DEFS);
}

#[rustfmt::skip]
static DEFS: &[NativeDef] = &[
    def!("size", size, 0, 0, "(m .size) -- number of entries
        ({^a 1} .size) => 1"),
    def!("length", size, 0, 0, "(m .length) -- number of entries
        ({^a 1} .length) => 1"),
    def!("empty?", is_empty, 0, 0, "(m .empty?) -- has it no entries?
        ({} .empty?) => true"),
    def!("empty", is_empty, 0, 0, "(m .empty) -- has it no entries?
        ({} .empty) => true"),
    def!("not_empty?", not_empty, 0, 0, "(m .not_empty?) -- has it entries?
        ({^a 1} .not_empty?) => true"),
    def!("get", get, 1, 2, r#"(m .get k [d]) -- value of the key, else d or nil
        ({^a 1} .get "b" 0) => 0"#),
    def!("set", set, 2, 2, r#"(m .set k v) -- sets the key; the receiver
        ({^a 1} .set "b" 2) => {^a 1 ^b 2}"#),
    def!("has", has, 1, 1, r#"(m .has k) -- is the key present?
        ({^a 1} .has "a") => true"#),
    def!("contains", has, 1, 1, r#"(m .contains k) -- is the key present?
        ({^a 1} .contains "b") => false"#),
    def!("has_key?", has, 1, 1, r#"(m .has_key? k) -- is the key present?
        ({^a 1} .has_key? "a") => true"#),
    def!("del", del, 1, 1, r#"(m .del k) -- removes the key; its old value, or nil
        ({^a 1} .del "a") => 1"#),
    def!("delete", del, 1, 1, r#"(m .delete k) -- removes the key; its old value, or nil
        ({^a 1} .delete "b") => nil"#),
    def!("clear", clear, 0, 0, "(m .clear) -- removes all entries; the receiver
        ({^a 1} .clear) => {}"),
    def!("keys", keys, 0, 0, r#"(m .keys) -- the keys as Strings
        ({^a 1 ^b 2} .keys) => ["a" "b"]"#),
    def!("values", values, 0, 0, "(m .values) -- the values
        ({^a 1 ^b 2} .values) => [1 2]"),
    def!("pairs", pairs, 0, 0, r#"(m .pairs) -- array of [key value]
        ({^a 1} .pairs) => [["a" 1]]"#),
    def!("entries", pairs, 0, 0, r#"(m .entries) -- array of [key value]
        ({^a 1} .entries) => [["a" 1]]"#),
    def!("to_array", pairs, 0, 0, r#"(m .to_array) -- array of [key value]
        ({^a 1} .to_array) => [["a" 1]]"#),
    def!("merge", merge, 1, 1, "(m .merge other) -- adds the entries of other, which win; the receiver
        ({^a 1} .merge {^b 2}) => {^a 1 ^b 2}"),
    def!("merged", merged, 0, VARIADIC, "(m .merged other...) -- a new Map of all entries, later ones win
        ({^a 1} .merged {^a 2}) => {^a 2}"),
    def!("key_of", key_of, 1, 1, r#"(m .key_of v) -- key of the first value equal to v, or nil
        ({^a 1} .key_of 1) => "a""#),
    def!("invert", invert, 0, 0, r#"(m .invert) -- HashMap from value to key
        ({^a 1} .invert) => {{1 "a"}}"#),
    def!("pick", pick, 0, VARIADIC, r#"(m .pick k...) -- a new Map with these keys only
        ({^a 1 ^b 2} .pick "a") => {^a 1}"#),
    def!("omit", omit, 0, VARIADIC, r#"(m .omit k...) -- a new Map without these keys
        ({^a 1 ^b 2} .omit "a") => {^b 2}"#),
    def!("sort_keys", sort_keys, 0, 0, "(m .sort_keys) -- a new Map ordered by key
        ({^b 2 ^a 1} .sort_keys) => {^a 1 ^b 2}"),
    def!("to_map", dup, 0, 0, "(m .to_map) -- mutable copy
        ({^a 1} .to_map) => {^a 1}"),
    def!("to_hash_map", to_hash_map, 0, 0, r#"(m .to_hash_map) -- HashMap with the same entries
        ({^a 1} .to_hash_map) => {{"a" 1}}"#),
    def!("dup", dup, 0, 0, "(m .dup) -- mutable copy
        ({^a 1} .dup) => {^a 1}"),
    def!("immutable?", is_immutable, 0, 0, "(m .immutable?) -- can it not be changed?
        (#{^a 1} .immutable?) => true"),
    def!("_mutable", check_mutable, 0, 0, ""),
];

/// The key a String or Symbol names; raises for other kinds. Interns.
pub fn key(vm: &mut Vm, v: Value) -> Result<Sym, Stop> {
    match vm.map_key(v) {
        Some(k) => Ok(k),
        None => Err(bad_key(vm, v)),
    }
}

/// As [`key`] for lookups: `None` when no map can have the key.
pub fn find_key(vm: &mut Vm, v: Value) -> Result<Option<Sym>, Stop> {
    match vm.find_map_key(v) {
        Some(k) => Ok(k),
        None => Err(bad_key(vm, v)),
    }
}

#[cold]
fn bad_key(vm: &mut Vm, v: Value) -> Stop {
    let m = format!("Map key must be a String or Symbol, got {}", vm.kind_name(v));
    vm.type_error(&m)
}

/// The keys as Strings.
pub fn keys_of(vm: &mut Vm, m: Gc<Map>) -> Gc<Array> {
    let a = vm.heap.array_with_capacity(vm.map_len(m));
    let mut at = 0;
    while let Some((k, _)) = vm.map_next(m, &mut at) {
        let s = vm.sym_string(k);
        vm.heap.array_push(a, s);
    }
    a
}

pub fn values_of(vm: &mut Vm, m: Gc<Map>) -> Gc<Array> {
    let a = vm.heap.array_with_capacity(vm.map_len(m));
    let mut at = 0;
    while let Some((_, v)) = vm.map_next(m, &mut at) {
        vm.heap.array_push(a, v);
    }
    a
}

/// `[key value]` arrays, keys as Strings.
pub fn pairs_of(vm: &mut Vm, m: Gc<Map>) -> Gc<Array> {
    let a = vm.heap.array_with_capacity(vm.map_len(m));
    let mut at = 0;
    while let Some((k, v)) = vm.map_next(m, &mut at) {
        let s = vm.sym_string(k);
        let p = pair(vm, s, v);
        vm.heap.array_push(a, p);
    }
    a
}

/// Adds the entries of a Map or HashMap to `to`.
pub fn add_entries(vm: &mut Vm, to: Gc<Map>, from: Value, method: &str) -> Result<(), Stop> {
    if let Some(m) = vm.as_map(from) {
        vm.heap.fuel.spend((vm.map_len(m) / 4) as i64);
        for (k, v) in vm.map_entries(m) {
            vm.map_set(to, k, v);
        }
        return Ok(());
    }
    let Some(t) = from.get::<Table>(Kind::HashMap) else { return Err(wrong(vm, method, "Map", from)) };
    vm.heap.fuel.spend((t.size() / 4) as i64);
    for (k, v) in t.iter() {
        let k = key(vm, k)?;
        vm.map_set(to, k, v);
    }
    Ok(())
}

fn size(vm: &mut Vm, args: &Args) -> R {
    let m = this_map(vm, args)?;
    Ok(Value::small(vm.map_len(m) as i64))
}

fn is_empty(vm: &mut Vm, args: &Args) -> R {
    let m = this_map(vm, args)?;
    Ok(Value::bool(vm.map_len(m) == 0))
}

fn not_empty(vm: &mut Vm, args: &Args) -> R {
    let m = this_map(vm, args)?;
    Ok(Value::bool(vm.map_len(m) != 0))
}

fn find(vm: &mut Vm, m: Gc<Map>, k: Value) -> Result<Option<Value>, Stop> {
    let k = find_key(vm, k)?;
    Ok(k.and_then(|k| vm.map_get(m, k)))
}

fn get(vm: &mut Vm, args: &Args) -> R {
    let m = this_map(vm, args)?;
    Ok(find(vm, m, args.get(0))?.unwrap_or(args.get(1)))
}

fn set(vm: &mut Vm, args: &Args) -> R {
    let m = this_map(vm, args)?;
    mutable(vm, m)?;
    let k = key(vm, args.get(0))?;
    vm.map_set(m, k, args.get(1));
    Ok(args.this())
}

fn has(vm: &mut Vm, args: &Args) -> R {
    let m = this_map(vm, args)?;
    Ok(Value::bool(find(vm, m, args.get(0))?.is_some()))
}

fn del(vm: &mut Vm, args: &Args) -> R {
    let m = this_map(vm, args)?;
    mutable(vm, m)?;
    let k = find_key(vm, args.get(0))?;
    Ok(k.and_then(|k| vm.map_del(m, k)).unwrap_or(Value::NIL))
}

fn clear(vm: &mut Vm, args: &Args) -> R {
    let m = this_map(vm, args)?;
    mutable(vm, m)?;
    vm.map_clear(m);
    Ok(args.this())
}

fn keys(vm: &mut Vm, args: &Args) -> R {
    let m = this_map(vm, args)?;
    Ok(keys_of(vm, m).value())
}

fn values(vm: &mut Vm, args: &Args) -> R {
    let m = this_map(vm, args)?;
    Ok(values_of(vm, m).value())
}

fn pairs(vm: &mut Vm, args: &Args) -> R {
    let m = this_map(vm, args)?;
    Ok(pairs_of(vm, m).value())
}

fn merge(vm: &mut Vm, args: &Args) -> R {
    let m = this_map(vm, args)?;
    mutable(vm, m)?;
    add_entries(vm, m, args.get(0), "merge")?;
    Ok(args.this())
}

fn merged(vm: &mut Vm, args: &Args) -> R {
    let m = this_map(vm, args)?;
    let c = vm.map_copy(m);
    for &o in args.rest() {
        add_entries(vm, c, o, "merged")?;
    }
    Ok(c.value())
}

fn key_of(vm: &mut Vm, args: &Args) -> R {
    let m = this_map(vm, args)?;
    let mut at = 0;
    vm.heap.fuel.spend_on(vm.map_len(m));
    while let Some((k, v)) = vm.map_next(m, &mut at) {
        if vm.equal(v, args.get(0))? {
            return Ok(vm.sym_string(k));
        }
    }
    Ok(Value::NIL)
}

fn invert(vm: &mut Vm, args: &Args) -> R {
    let m = this_map(vm, args)?;
    let t = vm.heap.table(Kind::HashMap);
    let mut at = 0;
    while let Some((k, v)) = vm.map_next(m, &mut at) {
        let s = vm.sym_string(k);
        vm.table_set(t, v, s)?;
    }
    Ok(t.value())
}

/// The keys given as arguments; an Array stands for its elements.
fn key_args(vm: &mut Vm, args: &Args) -> Result<Vec<Sym>, Stop> {
    let mut out = Vec::with_capacity(args.len());
    for &v in args.rest() {
        match vm.as_array(v) {
            Some(a) => {
                for &x in a.as_slice() {
                    out.extend(find_key(vm, x)?);
                }
            }
            None => out.extend(find_key(vm, v)?),
        }
    }
    Ok(out)
}

fn pick(vm: &mut Vm, args: &Args) -> R {
    let m = this_map(vm, args)?;
    let keys = key_args(vm, args)?;
    let out = vm.map_with_capacity(keys.len());
    for k in keys {
        if let Some(v) = vm.map_get(m, k) {
            vm.map_set(out, k, v);
        }
    }
    Ok(out.value())
}

fn omit(vm: &mut Vm, args: &Args) -> R {
    let m = this_map(vm, args)?;
    let keys = key_args(vm, args)?;
    let out = vm.map();
    let mut at = 0;
    while let Some((k, v)) = vm.map_next(m, &mut at) {
        if !keys.contains(&k) {
            vm.map_set(out, k, v);
        }
    }
    Ok(out.value())
}

fn sort_keys(vm: &mut Vm, args: &Args) -> R {
    let m = this_map(vm, args)?;
    let mut entries = vm.map_entries(m);
    entries.sort_by_key(|(k, _)| vm.sym_name(*k));
    let out = vm.map_with_capacity(entries.len());
    for (k, v) in entries {
        vm.map_set(out, k, v);
    }
    Ok(out.value())
}

fn to_hash_map(vm: &mut Vm, args: &Args) -> R {
    let m = this_map(vm, args)?;
    let t = vm.heap.table(Kind::HashMap);
    let mut at = 0;
    while let Some((k, v)) = vm.map_next(m, &mut at) {
        let s = vm.sym_string(k);
        vm.table_set(t, s, v)?;
    }
    Ok(t.value())
}

fn dup(vm: &mut Vm, args: &Args) -> R {
    let m = this_map(vm, args)?;
    Ok(vm.map_copy(m).value())
}

fn is_immutable(vm: &mut Vm, args: &Args) -> R {
    Ok(Value::bool(this_map(vm, args)?.header().frozen()))
}

fn check_mutable(vm: &mut Vm, args: &Args) -> R {
    let m = this_map(vm, args)?;
    mutable(vm, m)?;
    Ok(args.this())
}
