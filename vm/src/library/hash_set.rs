//! HashSets: the methods that call no function (language 6.5). Members are keys of a table whose values are nil.
use super::collection::{is_function, items, look, mutable, set_of, table_keys, tail_method, this_hash_set, wrong};
use crate::def;
use crate::heap::{Gc, Kind};
use crate::native::{Args, NativeDef, R, Stop};
use crate::object::array::Array;
use crate::object::table::Table;
use crate::value::Value;
use crate::vm::Vm;

pub fn install(vm: &mut Vm) {
    let c = vm.classes.by_kind[Kind::HashSet as usize];
    vm.add_methods(c, DEFS);
    vm.add_methods(c, super::order::DEFS);
    vm.add_statics(c, STATICS);
    c.data().construct = Some(construct);
}

#[rustfmt::skip]
static DEFS: &[NativeDef] = &[
    def!("size", size, 0, 0, "(s .size) -- number of members
        ((HashSet/of [1 2]) .size) => 2"),
    def!("length", size, 0, 0, "(s .length) -- number of members
        ((HashSet/of [1 2]) .length) => 2"),
    def!("empty?", is_empty, 0, 0, "(s .empty?) -- has it no members?
        ((new HashSet) .empty?) => true"),
    def!("empty", is_empty, 0, 0, "(s .empty) -- has it no members?
        ((new HashSet) .empty) => true"),
    def!("not_empty?", not_empty, 0, 0, "(s .not_empty?) -- has it members?
        ((HashSet/of [1]) .not_empty?) => true"),
    def!("add", add, 1, 1, "(s .add v) -- adds a member; the receiver
        ((HashSet/of [1]) .add 2) => (HashSet 1 2)"),
    def!("has", has, 1, 1, "(s .has v) -- is v a member?
        ((HashSet/of [1]) .has 1) => true"),
    def!("contains", has, 1, 1, "(s .contains v) -- is v a member?
        ((HashSet/of [1]) .contains 2) => false"),
    def!("include?", has, 1, 1, "(s .include? v) -- is v a member?
        ((HashSet/of [1]) .include? 1) => true"),
    def!("delete", delete, 1, 1, "(s .delete v) -- removes a member and gives it, nil when absent
        ((HashSet/of [1]) .delete 1) => 1"),
    def!("del", delete, 1, 1, "(s .del v) -- removes a member and gives it, nil when absent
        ((HashSet/of [1]) .del 2) => nil"),
    def!("clear", clear, 0, 0, "(s .clear) -- removes all members; the receiver
        ((HashSet/of [1]) .clear) => (HashSet)"),
    def!("union", union, 1, 1, "(s .union t) -- members of either
        ((HashSet/of [1 2]) .union (HashSet/of [2 3])) => (HashSet 1 2 3)"),
    def!("intersect", intersect, 1, 1, "(s .intersect t) -- members of both
        ((HashSet/of [1 2]) .intersect (HashSet/of [2 3])) => (HashSet 2)"),
    def!("diff", diff, 1, 1, "(s .diff t) -- members that are not in t
        ((HashSet/of [1 2]) .diff (HashSet/of [2])) => (HashSet 1)"),
    def!("sym_diff", sym_diff, 1, 1, "(s .sym_diff t) -- members of exactly one
        ((HashSet/of [1 2]) .sym_diff (HashSet/of [2 3])) => (HashSet 1 3)"),
    def!("subset?", is_subset, 1, 1, "(s .subset? t) -- are all members in t?
        ((HashSet/of [1]) .subset? (HashSet/of [1 2])) => true"),
    def!("superset?", is_superset, 1, 1, "(s .superset? t) -- are all members of t in the receiver?
        ((HashSet/of [1 2]) .superset? (HashSet/of [1])) => true"),
    def!("disjoint?", is_disjoint, 1, 1, "(s .disjoint? t) -- have they no member in common?
        ((HashSet/of [1]) .disjoint? (HashSet/of [2])) => true"),
    def!("count", count, 0, 1, "(s .count [v]) -- size, whether v is a member as 0 or 1, or members for which the function v is true
        ((HashSet/of [1 2 3]) .count (n -> (n > 1))) => 2"),
    def!("join", join, 0, 1, r#"(s .join [sep]) -- texts of the members joined
        ((HashSet/of [1 2]) .join ",") => "1,2""#),
    def!("first", first, 0, 0, "(s .first) -- the oldest member, nil when empty
        ((HashSet/of [1 2]) .first) => 1"),
    def!("to_array", to_array, 0, 0, "(s .to_array) -- members in order of insertion
        ((HashSet/of [1 2]) .to_array) => [1 2]"),
    def!("to_set", dup, 0, 0, "(s .to_set) -- mutable copy
        ((HashSet/of [1 2]) .to_set) => (HashSet 1 2)"),
    def!("dup", dup, 0, 0, "(s .dup) -- mutable copy
        ((HashSet/of [1 2]) .dup) => (HashSet 1 2)"),
    def!("immutable?", is_immutable, 0, 0, "(s .immutable?) -- can it not be changed?
        ((HashSet/of [1]) .immutable?) => false"),
];

#[rustfmt::skip]
static STATICS: &[NativeDef] = &[
    def!("of", of, 1, 1, "(HashSet .of xs) -- HashSet of the elements of an iterable
        (HashSet/of [1 2 1]) => (HashSet 1 2)"),
];

/// `(new HashSet v ...)`.
pub fn construct(vm: &mut Vm, args: &Args) -> R {
    super::collection::no_keywords(vm, args)?;
    let t = vm.heap.table(Kind::HashSet);
    for &v in args.rest() {
        vm.table_set(t, v, Value::NIL)?;
    }
    Ok(t.value())
}

fn of(vm: &mut Vm, args: &Args) -> R {
    let v = args.get(0);
    match items(vm, v)? {
        Some(a) => Ok(set_of(vm, a)?.value()),
        None => {
            let t = vm.heap.table(Kind::HashSet);
            tail_method(vm, t.value(), "_of_of", &[v])
        }
    }
}

fn size(vm: &mut Vm, args: &Args) -> R {
    Ok(Value::small(this_hash_set(vm, args)?.size() as i64))
}

fn is_empty(vm: &mut Vm, args: &Args) -> R {
    Ok(Value::bool(this_hash_set(vm, args)?.size() == 0))
}

fn not_empty(vm: &mut Vm, args: &Args) -> R {
    Ok(Value::bool(this_hash_set(vm, args)?.size() != 0))
}

fn add(vm: &mut Vm, args: &Args) -> R {
    let t = this_hash_set(vm, args)?;
    mutable(vm, t)?;
    vm.table_set(t, args.get(0), Value::NIL)?;
    Ok(args.this())
}

fn has(vm: &mut Vm, args: &Args) -> R {
    let t = this_hash_set(vm, args)?;
    Ok(Value::bool(vm.table_has(t, args.get(0))?))
}

fn delete(vm: &mut Vm, args: &Args) -> R {
    let t = this_hash_set(vm, args)?;
    mutable(vm, t)?;
    Ok(vm.table_del(t, args.get(0))?.map_or(Value::NIL, |(k, _)| k))
}

fn clear(vm: &mut Vm, args: &Args) -> R {
    let t = this_hash_set(vm, args)?;
    mutable(vm, t)?;
    vm.heap.table_clear(t);
    Ok(args.this())
}

/// The argument as a set: itself, or a new one of an iterable's elements.
/// The members of the other set, which may be any collection.
fn members_arg(vm: &mut Vm, args: &Args, method: &str) -> Result<Gc<Array>, Stop> {
    match items(vm, args.get(0))? {
        Some(a) => Ok(a),
        None => Err(wrong(vm, method, "HashSet", args.get(0))),
    }
}

fn set_arg(vm: &mut Vm, args: &Args, method: &str) -> Result<Gc<Table>, Stop> {
    if let Some(t) = args.get(0).get::<Table>(Kind::HashSet) {
        return Ok(t);
    }
    let a = members_arg(vm, args, method)?;
    set_of(vm, a)
}

fn copy(vm: &mut Vm, t: Gc<Table>) -> Gc<Table> {
    vm.heap.table_copy(t, Kind::HashSet)
}

fn union(vm: &mut Vm, args: &Args) -> R {
    let t = this_hash_set(vm, args)?;
    let o = members_arg(vm, args, "union")?;
    let out = copy(vm, t);
    for i in 0..o.size() {
        let Some(v) = o.at(i) else { break };
        vm.table_set(out, v, Value::NIL)?;
        look(vm, i)?;
    }
    Ok(out.value())
}

/// Adds to `out` the members of `from` whose presence in `other` is `wanted`.
fn select(vm: &mut Vm, out: Gc<Table>, from: Gc<Array>, other: Gc<Table>, wanted: bool) -> Result<(), Stop> {
    for i in 0..from.size() {
        let v = from.as_slice()[i];
        if vm.table_has(other, v)? == wanted {
            vm.table_set(out, v, Value::NIL)?;
        }
        look(vm, i)?;
    }
    Ok(())
}

fn intersect(vm: &mut Vm, args: &Args) -> R {
    let t = this_hash_set(vm, args)?;
    let (other, out) = (set_arg(vm, args, "intersect")?, vm.heap.table(Kind::HashSet));
    let members = table_keys(vm, t);
    select(vm, out, members, other, true)?;
    Ok(out.value())
}

fn diff(vm: &mut Vm, args: &Args) -> R {
    let t = this_hash_set(vm, args)?;
    let (other, out) = (set_arg(vm, args, "diff")?, vm.heap.table(Kind::HashSet));
    let members = table_keys(vm, t);
    select(vm, out, members, other, false)?;
    Ok(out.value())
}

fn sym_diff(vm: &mut Vm, args: &Args) -> R {
    let t = this_hash_set(vm, args)?;
    let (other, out) = (set_arg(vm, args, "sym_diff")?, vm.heap.table(Kind::HashSet));
    let (members, others) = (table_keys(vm, t), table_keys(vm, other));
    select(vm, out, members, other, false)?;
    select(vm, out, others, t, false)?;
    Ok(out.value())
}

/// Are all members of `a` in `b`?
fn within(vm: &mut Vm, a: Gc<Table>, b: Gc<Table>) -> R {
    if a.size() > b.size() {
        return Ok(Value::FALSE);
    }
    let members = table_keys(vm, a);
    for i in 0..members.size() {
        if !vm.table_has(b, members.as_slice()[i])? {
            return Ok(Value::FALSE);
        }
        look(vm, i)?;
    }
    Ok(Value::TRUE)
}

fn is_subset(vm: &mut Vm, args: &Args) -> R {
    let t = this_hash_set(vm, args)?;
    let other = set_arg(vm, args, "subset?")?;
    within(vm, t, other)
}

fn is_superset(vm: &mut Vm, args: &Args) -> R {
    let t = this_hash_set(vm, args)?;
    let other = set_arg(vm, args, "superset?")?;
    within(vm, other, t)
}

fn is_disjoint(vm: &mut Vm, args: &Args) -> R {
    let t = this_hash_set(vm, args)?;
    let other = set_arg(vm, args, "disjoint?")?;
    let members = table_keys(vm, t);
    for i in 0..members.size() {
        if vm.table_has(other, members.as_slice()[i])? {
            return Ok(Value::FALSE);
        }
        look(vm, i)?;
    }
    Ok(Value::TRUE)
}

fn count(vm: &mut Vm, args: &Args) -> R {
    match args.opt(0) {
        None => size(vm, args),
        Some(f) if is_function(f) => tail_method(vm, args.this(), "_count", args.rest()),
        Some(_) => Ok(Value::small(has(vm, args)?.truthy() as i64)),
    }
}

fn join(vm: &mut Vm, args: &Args) -> R {
    let t = this_hash_set(vm, args)?;
    let a = table_keys(vm, t);
    super::array::join_items(vm, a, args.opt(0))
}

fn first(vm: &mut Vm, args: &Args) -> R {
    let t = this_hash_set(vm, args)?;
    Ok(t.next_entry(0).map_or(Value::NIL, |i| t.key_at(i)))
}

fn to_array(vm: &mut Vm, args: &Args) -> R {
    let t = this_hash_set(vm, args)?;
    Ok(table_keys(vm, t).value())
}

fn dup(vm: &mut Vm, args: &Args) -> R {
    let t = this_hash_set(vm, args)?;
    Ok(copy(vm, t).value())
}

fn is_immutable(vm: &mut Vm, args: &Args) -> R {
    Ok(Value::bool(this_hash_set(vm, args)?.header().frozen()))
}
