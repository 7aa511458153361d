//! HashMaps: the methods that call no function (language 6.5).
use super::collection::{mutable, pair, table_keys, table_values, tail_method, this_hash_map, wrong};
use super::sort;
use crate::def;
use crate::heap::{Gc, Kind};
use crate::native::{Args, NativeDef, R, Stop, VARIADIC};
use crate::object::array::Array;
use crate::object::table::Table;
use crate::value::Value;
use crate::vm::Vm;

pub fn install(vm: &mut Vm) {
    let c = vm.classes.by_kind[Kind::HashMap as usize];
    vm.add_methods(c, DEFS);
    c.data().construct = Some(construct);
}

#[rustfmt::skip]
static DEFS: &[NativeDef] = &[
    def!("size", size, 0, 0, r#"(h .size) -- number of entries
        ({{1 "a"}} .size) => 1"#),
    def!("length", size, 0, 0, r#"(h .length) -- number of entries
        ({{1 "a"}} .length) => 1"#),
    def!("empty?", is_empty, 0, 0, "(h .empty?) -- has it no entries?
        ({{}} .empty?) => true"),
    def!("empty", is_empty, 0, 0, "(h .empty) -- has it no entries?
        ({{}} .empty) => true"),
    def!("not_empty?", not_empty, 0, 0, r#"(h .not_empty?) -- has it entries?
        ({{1 "a"}} .not_empty?) => true"#),
    def!("get", get, 1, 2, r#"(h .get k [d]) -- value of the key, else d or nil
        ({{1 "a"}} .get 2 "none") => "none""#),
    def!("set", set, 2, 2, r#"(h .set k v) -- sets the key; the receiver
        ({{1 "a"}} .set 2 "b") => {{1 "a" 2 "b"}}"#),
    def!("has", has, 1, 1, r#"(h .has k) -- is the key present?
        ({{1 "a"}} .has 1) => true"#),
    def!("contains", has, 1, 1, r#"(h .contains k) -- is the key present?
        ({{1 "a"}} .contains 1) => true"#),
    def!("has_key?", has, 1, 1, r#"(h .has_key? k) -- is the key present?
        ({{1 "a"}} .has_key? 2) => false"#),
    def!("del", del, 1, 1, r#"(h .del k) -- removes the key; its old value, or nil
        ({{1 "a"}} .del 1) => "a""#),
    def!("delete", del, 1, 1, r#"(h .delete k) -- removes the key; its old value, or nil
        ({{1 "a"}} .delete 2) => nil"#),
    def!("clear", clear, 0, 0, r#"(h .clear) -- removes all entries; the receiver
        ({{1 "a"}} .clear) => {{}}"#),
    def!("keys", keys, 0, 0, r#"(h .keys) -- the keys
        ({{1 "a"}} .keys) => [1]"#),
    def!("values", values, 0, 0, r#"(h .values) -- the values
        ({{1 "a"}} .values) => ["a"]"#),
    def!("pairs", pairs, 0, 0, r#"(h .pairs) -- array of [key value]
        ({{1 "a"}} .pairs) => [[1 "a"]]"#),
    def!("entries", pairs, 0, 0, r#"(h .entries) -- array of [key value]
        ({{1 "a"}} .entries) => [[1 "a"]]"#),
    def!("to_array", pairs, 0, 0, r#"(h .to_array) -- array of [key value]
        ({{1 "a"}} .to_array) => [[1 "a"]]"#),
    def!("merge", merge, 1, 1, r#"(h .merge other) -- adds the entries of other, which win; the receiver
        ({{1 "a"}} .merge {{2 "b"}}) => {{1 "a" 2 "b"}}"#),
    def!("merged", merged, 0, VARIADIC, r#"(h .merged other...) -- a new HashMap of all entries, later ones win
        ({{1 "a"}} .merged {{1 "b"}}) => {{1 "b"}}"#),
    def!("key_of", key_of, 1, 1, r#"(h .key_of v) -- key of the first value equal to v, or nil
        ({{1 "a"}} .key_of "a") => 1"#),
    def!("invert", invert, 0, 0, r#"(h .invert) -- HashMap from value to key
        ({{1 "a"}} .invert) => {{"a" 1}}"#),
    def!("pick", pick, 0, VARIADIC, r#"(h .pick k...) -- a new HashMap with these keys only
        ({{1 "a" 2 "b"}} .pick 1) => {{1 "a"}}"#),
    def!("omit", omit, 0, VARIADIC, r#"(h .omit k...) -- a new HashMap without these keys
        ({{1 "a" 2 "b"}} .omit 1) => {{2 "b"}}"#),
    def!("sort_keys", sort_keys, 0, 0, r#"(h .sort_keys) -- a new HashMap ordered by key
        ({{2 "b" 1 "a"}} .sort_keys) => {{1 "a" 2 "b"}}"#),
    def!("to_map", to_map, 0, 0, r#"(h .to_map) -- Map with the same entries; keys must be Strings or Symbols
        ({{"k" 1}} .to_map) => {^k 1}"#),
    def!("to_hash_map", dup, 0, 0, r#"(h .to_hash_map) -- mutable copy
        ({{1 "a"}} .to_hash_map) => {{1 "a"}}"#),
    def!("dup", dup, 0, 0, r#"(h .dup) -- mutable copy
        ({{1 "a"}} .dup) => {{1 "a"}}"#),
    def!("immutable?", is_immutable, 0, 0, r#"(h .immutable?) -- can it not be changed?
        ({{1 "a"}} .immutable?) => false"#),
    def!("_mutable", check_mutable, 0, 0, ""),
    def!("_push", push, 2, 2, ""),
];

/// `(new HashMap k v ...)`.
pub fn construct(vm: &mut Vm, args: &Args) -> R {
    super::collection::no_keywords(vm, args)?;
    let t = vm.heap.table(Kind::HashMap);
    if args.len() % 2 == 1 {
        return Err(vm.argument_error("HashMap requires an even number of arguments"));
    }
    for kv in args.rest().chunks_exact(2) {
        vm.table_set(t, kv[0], kv[1])?;
    }
    Ok(t.value())
}

fn size(vm: &mut Vm, args: &Args) -> R {
    Ok(Value::small(this_hash_map(vm, args)?.size() as i64))
}

fn is_empty(vm: &mut Vm, args: &Args) -> R {
    Ok(Value::bool(this_hash_map(vm, args)?.size() == 0))
}

fn not_empty(vm: &mut Vm, args: &Args) -> R {
    Ok(Value::bool(this_hash_map(vm, args)?.size() != 0))
}

fn get(vm: &mut Vm, args: &Args) -> R {
    let t = this_hash_map(vm, args)?;
    Ok(vm.table_get(t, args.get(0))?.unwrap_or(args.get(1)))
}

fn set(vm: &mut Vm, args: &Args) -> R {
    let t = this_hash_map(vm, args)?;
    mutable(vm, t)?;
    vm.table_set(t, args.get(0), args.get(1))?;
    Ok(args.this())
}

fn has(vm: &mut Vm, args: &Args) -> R {
    let t = this_hash_map(vm, args)?;
    Ok(Value::bool(vm.table_has(t, args.get(0))?))
}

fn del(vm: &mut Vm, args: &Args) -> R {
    let t = this_hash_map(vm, args)?;
    mutable(vm, t)?;
    Ok(vm.table_del(t, args.get(0))?.map_or(Value::NIL, |(_, v)| v))
}

fn clear(vm: &mut Vm, args: &Args) -> R {
    let t = this_hash_map(vm, args)?;
    mutable(vm, t)?;
    vm.heap.table_clear(t);
    Ok(args.this())
}

fn keys(vm: &mut Vm, args: &Args) -> R {
    let t = this_hash_map(vm, args)?;
    Ok(table_keys(vm, t).value())
}

fn values(vm: &mut Vm, args: &Args) -> R {
    let t = this_hash_map(vm, args)?;
    Ok(table_values(vm, t).value())
}

/// `[key value]` arrays.
pub fn pairs_of(vm: &mut Vm, t: Gc<Table>) -> Gc<Array> {
    let a = vm.heap.array_with_capacity(t.size());
    for (k, v) in t.iter() {
        let p = pair(vm, k, v);
        vm.heap.array_push(a, p);
    }
    a
}

fn pairs(vm: &mut Vm, args: &Args) -> R {
    let t = this_hash_map(vm, args)?;
    Ok(pairs_of(vm, t).value())
}

/// Adds the entries of a HashMap or Map to `to`.
fn add_entries(vm: &mut Vm, to: Gc<Table>, from: Value, method: &str) -> Result<(), Stop> {
    let entries = if let Some(t) = from.get::<Table>(Kind::HashMap) {
        pairs_of(vm, t)
    } else if let Some(m) = vm.as_map(from) {
        super::map::pairs_of(vm, m)
    } else {
        return Err(wrong(vm, method, "HashMap", from));
    };
    add_pairs(vm, to, entries)
}

fn add_pairs(vm: &mut Vm, to: Gc<Table>, entries: Gc<Array>) -> Result<(), Stop> {
    for i in 0..entries.size() {
        let p = entries.as_slice()[i].gc::<Array>();
        vm.table_set(to, p.as_slice()[0], p.as_slice()[1])?;
    }
    Ok(())
}

fn merge(vm: &mut Vm, args: &Args) -> R {
    let t = this_hash_map(vm, args)?;
    mutable(vm, t)?;
    add_entries(vm, t, args.get(0), "merge")?;
    Ok(args.this())
}

fn copy(vm: &mut Vm, t: Gc<Table>) -> Gc<Table> {
    vm.heap.table_copy(t, Kind::HashMap)
}

fn merged(vm: &mut Vm, args: &Args) -> R {
    let t = this_hash_map(vm, args)?;
    let c = copy(vm, t);
    for &o in args.rest() {
        add_entries(vm, c, o, "merged")?;
    }
    Ok(c.value())
}

fn key_of(vm: &mut Vm, args: &Args) -> R {
    let t = this_hash_map(vm, args)?;
    let mut at = 0;
    vm.heap.fuel.spend_on(t.size());
    while let Some(i) = t.next_entry(at) {
        at = i + 1;
        let k = t.key_at(i);
        if vm.equal(t.value_at(i), args.get(0))? {
            return Ok(k);
        }
    }
    Ok(Value::NIL)
}

fn invert(vm: &mut Vm, args: &Args) -> R {
    let t = this_hash_map(vm, args)?;
    let entries = pairs_of(vm, t);
    let out = vm.heap.table(Kind::HashMap);
    for i in 0..entries.size() {
        let p = entries.as_slice()[i].gc::<Array>();
        vm.table_set(out, p.as_slice()[1], p.as_slice()[0])?;
    }
    Ok(out.value())
}

fn pick(vm: &mut Vm, args: &Args) -> R {
    let t = this_hash_map(vm, args)?;
    let out = vm.heap.table(Kind::HashMap);
    for &k in args.rest() {
        if let Some(v) = vm.table_get(t, k)? {
            vm.table_set(out, k, v)?;
        }
    }
    Ok(out.value())
}

fn omit(vm: &mut Vm, args: &Args) -> R {
    let t = this_hash_map(vm, args)?;
    let out = copy(vm, t);
    for &k in args.rest() {
        vm.table_del(out, k)?;
    }
    Ok(out.value())
}

fn sort_keys(vm: &mut Vm, args: &Args) -> R {
    let t = this_hash_map(vm, args)?;
    let entries = pairs_of(vm, t);
    let keys = table_keys(vm, t);
    let Some(bytes) = sort::sort_by_keys(entries.as_mut_slice(), keys.as_slice()) else {
        return tail_method(vm, args.this(), "_sort_keys", &[]);
    };
    vm.heap.fuel.spend_on(sort::steps(keys.size()));
    vm.heap.fuel.spend_on_bytes(bytes);
    let out = vm.heap.table(Kind::HashMap);
    add_pairs(vm, out, entries)?;
    Ok(out.value())
}

fn to_map(vm: &mut Vm, args: &Args) -> R {
    let m = vm.map();
    super::map::add_entries(vm, m, args.this(), "to_map")?;
    Ok(m.value())
}

fn dup(vm: &mut Vm, args: &Args) -> R {
    let t = this_hash_map(vm, args)?;
    Ok(copy(vm, t).value())
}

fn is_immutable(vm: &mut Vm, args: &Args) -> R {
    Ok(Value::bool(this_hash_map(vm, args)?.header().frozen()))
}

fn check_mutable(vm: &mut Vm, args: &Args) -> R {
    let t = this_hash_map(vm, args)?;
    mutable(vm, t)?;
    Ok(args.this())
}

/// `(h ._push k v)` of `group_by`: appends v to the array of key k, made when missing.
fn push(vm: &mut Vm, args: &Args) -> R {
    let t = this_hash_map(vm, args)?;
    let (k, v) = (args.get(0), args.get(1));
    match vm.table_get(t, k)?.and_then(|a| vm.as_array(a)) {
        Some(a) => vm.heap.array_push(a, v),
        None => {
            let a = vm.array(&[v]);
            vm.table_set(t, k, a)?;
        }
    }
    Ok(Value::NIL)
}
