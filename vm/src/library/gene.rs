//! Genes: the methods that call no function (language 6.8).
use super::collection::{int, mutable, position, this_gene};
use super::map;
use crate::def;
use crate::heap::{Gc, Kind, Record};
use crate::native::{Args, NativeDef, R, Stop};
use crate::value::Value;
use crate::vm::Vm;

pub fn install(vm: &mut Vm) {
    let c = vm.classes.by_kind[Kind::Gene as usize];
    vm.add_methods(c, DEFS);
}

#[rustfmt::skip]
static DEFS: &[NativeDef] = &[
    def!("type", genetype, 0, 0, "(g .type) -- type
        (`(f 1) .type) => f"),
    def!("genetype", genetype, 0, 0, "(g .genetype) -- type
        (`(f 1) .genetype) => f"),
    def!("props", props, 0, 0, "(g .props) -- new Map of the properties
        (`(f ^k 1 2) .props) => {^k 1}"),
    def!("children", children, 0, 0, "(g .children) -- new Array of the children
        (`(f ^k 1 2) .children) => [2]"),
    def!("to_array", children, 0, 0, "(g .to_array) -- new Array of the children
        (`(f 1 2) .to_array) => [1 2]"),
    def!("size", size, 0, 0, "(g .size) -- number of children
        (`(f 1 2) .size) => 2"),
    def!("length", size, 0, 0, "(g .length) -- number of children
        (`(f 1 2) .length) => 2"),
    def!("get", get, 1, 2, r#"(g .get k [d]) -- property (String, Symbol) or child (Int), else d or nil
        (`(f ^k 1 2) .get "k") => 1"#),
    def!("get_child", |vm, a| get_child(vm, a, "get_child"), 1, 1, "(g .get_child i) -- child i or nil
        (`(f 1 2) .get_child 1) => 2"),
    def!("child", |vm, a| get_child(vm, a, "child"), 1, 1, "(g .child i) -- child i or nil
        (`(f 1 2) .child 0) => 1"),
    def!("has", has, 1, 1, r#"(g .has k) -- is the property (or child, for an Int) present?
        (`(f ^k 1) .has "k") => true"#),
    def!("contains", has, 1, 1, r#"(g .contains k) -- is the property (or child, for an Int) present?
        (`(f ^k 1) .contains "x") => false"#),
    def!("has_child", has_child, 1, 1, "(g .has_child i) -- is there a child i?
        (`(f 1) .has_child 1) => false"),
    def!("keys", keys, 0, 0, r#"(g .keys) -- names of the properties
        (`(f ^k 1) .keys) => ["k"]"#),
    def!("values", values, 0, 0, "(g .values) -- values of the properties
        (`(f ^k 1) .values) => [1]"),
    def!("pairs", pairs, 0, 0, r#"(g .pairs) -- array of [name value] of the properties
        (`(f ^k 1) .pairs) => [["k" 1]]"#),
    def!("set", set, 2, 2, r#"(g .set k v) -- sets a property (or child, for an Int); the receiver
        (`(f 1) .set "k" 2) => (f ^k 2 1)"#),
    def!("set_child", set_child, 2, 2, "(g .set_child i v) -- replaces child i; the receiver
        (`(f 1) .set_child 0 2) => (f 2)"),
    def!("add_child", add_child, 1, 1, "(g .add_child v) -- appends a child; the receiver
        (`(f 1) .add_child 2) => (f 1 2)"),
    def!("ins_child", ins_child, 2, 2, "(g .ins_child i v) -- inserts a child before index i; the receiver
        (`(f 2) .ins_child 0 1) => (f 1 2)"),
    def!("del", del, 1, 1, r#"(g .del k) -- removes a property (or child, for an Int) and gives it, or nil
        (`(f ^k 1) .del "k") => 1"#),
    def!("del_child", del_child, 1, 1, "(g .del_child i) -- removes child i and gives it, or nil
        (`(f 1 2) .del_child 0) => 1"),
    def!("set_genetype", set_genetype, 1, 1, "(g .set_genetype v) -- replaces the type; the receiver
        (`(f 1) .set_genetype `g) => (g 1)"),
    def!("set_type", set_genetype, 1, 1, "(g .set_type v) -- replaces the type; the receiver
        (`(f 1) .set_type `g) => (g 1)"),
    def!("clear", clear, 0, 0, "(g .clear) -- removes properties and children; the receiver
        (`(f ^k 1 2) .clear) => (f)"),
    def!("empty?", is_empty, 0, 0, "(g .empty?) -- has it neither properties nor children?
        (`(f) .empty?) => true"),
    def!("empty", is_empty, 0, 0, "(g .empty) -- has it neither properties nor children?
        (`(f) .empty) => true"),
    def!("not_empty?", not_empty, 0, 0, "(g .not_empty?) -- has it properties or children?
        (`(f 1) .not_empty?) => true"),
    def!("dup", dup, 0, 0, "(g .dup) -- mutable copy
        (`(f 1) .dup) => (f 1)"),
    def!("immutable?", is_immutable, 0, 0, "(g .immutable?) -- can it not be changed?
        (`#(f 1) .immutable?) => true"),
    def!("_with_children", with_children, 1, 1, ""),
];

fn outside(vm: &mut Vm, i: i64, len: usize) -> Stop {
    vm.argument_error(&format!("Gene child index out of bounds: {i} (len={len})"))
}

fn genetype(vm: &mut Vm, args: &Args) -> R {
    Ok(this_gene(vm, args)?.gene_type())
}

fn props(vm: &mut Vm, args: &Args) -> R {
    let g = this_gene(vm, args)?;
    Ok(match g.gene_props() {
        Some(m) => vm.map_copy(m).value(),
        None => vm.map().value(),
    })
}

fn children(vm: &mut Vm, args: &Args) -> R {
    let g = this_gene(vm, args)?;
    Ok(vm.array(g.gene_children().as_slice()))
}

fn size(vm: &mut Vm, args: &Args) -> R {
    Ok(Value::small(this_gene(vm, args)?.gene_children().size() as i64))
}

fn child(g: Gc<Record>, i: i64) -> Option<Value> {
    let c = g.gene_children();
    position(i, c.size()).map(|p| c.as_slice()[p])
}

fn find(vm: &mut Vm, g: Gc<Record>, k: Value) -> Result<Option<Value>, Stop> {
    if let Some(i) = k.as_int() {
        return Ok(child(g, i));
    }
    let k = map::find_key(vm, k)?;
    Ok(k.and_then(|k| vm.gene_get_prop(g, k)))
}

fn get(vm: &mut Vm, args: &Args) -> R {
    let g = this_gene(vm, args)?;
    Ok(find(vm, g, args.get(0))?.unwrap_or(args.get(1)))
}

fn get_child(vm: &mut Vm, args: &Args, method: &str) -> R {
    let g = this_gene(vm, args)?;
    let i = int(vm, method, args.get(0))?;
    Ok(child(g, i).unwrap_or(Value::NIL))
}

fn has(vm: &mut Vm, args: &Args) -> R {
    let g = this_gene(vm, args)?;
    Ok(Value::bool(find(vm, g, args.get(0))?.is_some()))
}

fn has_child(vm: &mut Vm, args: &Args) -> R {
    let g = this_gene(vm, args)?;
    let i = int(vm, "has_child", args.get(0))?;
    Ok(Value::bool(child(g, i).is_some()))
}

fn keys(vm: &mut Vm, args: &Args) -> R {
    let g = this_gene(vm, args)?;
    Ok(match g.gene_props() {
        Some(m) => map::keys_of(vm, m).value(),
        None => vm.array(&[]),
    })
}

fn values(vm: &mut Vm, args: &Args) -> R {
    let g = this_gene(vm, args)?;
    Ok(match g.gene_props() {
        Some(m) => map::values_of(vm, m).value(),
        None => vm.array(&[]),
    })
}

fn pairs(vm: &mut Vm, args: &Args) -> R {
    let g = this_gene(vm, args)?;
    Ok(match g.gene_props() {
        Some(m) => map::pairs_of(vm, m).value(),
        None => vm.array(&[]),
    })
}

fn set(vm: &mut Vm, args: &Args) -> R {
    if args.get(0).is_int() {
        return set_child(vm, args);
    }
    let g = this_gene(vm, args)?;
    mutable(vm, g)?;
    let k = map::key(vm, args.get(0))?;
    vm.gene_set_prop(g, k, args.get(1));
    Ok(args.this())
}

fn set_child(vm: &mut Vm, args: &Args) -> R {
    let g = this_gene(vm, args)?;
    mutable(vm, g)?;
    let i = int(vm, "set_child", args.get(0))?;
    let c = g.gene_children();
    match position(i, c.size()) {
        Some(p) => vm.heap.array_set(c, p, args.get(1)),
        None => return Err(outside(vm, i, c.size())),
    }
    Ok(args.this())
}

fn add_child(vm: &mut Vm, args: &Args) -> R {
    let g = this_gene(vm, args)?;
    mutable(vm, g)?;
    vm.heap.array_push(g.gene_children(), args.get(0));
    Ok(args.this())
}

fn ins_child(vm: &mut Vm, args: &Args) -> R {
    let g = this_gene(vm, args)?;
    mutable(vm, g)?;
    let i = int(vm, "ins_child", args.get(0))?;
    let c = g.gene_children();
    let at = if i < 0 { i + c.size() as i64 } else { i };
    if at < 0 || at > c.size() as i64 {
        return Err(outside(vm, i, c.size()));
    }
    vm.heap.array_insert(c, at as usize, args.get(1));
    Ok(args.this())
}

fn del(vm: &mut Vm, args: &Args) -> R {
    if args.get(0).is_int() {
        return del_child(vm, args);
    }
    let g = this_gene(vm, args)?;
    mutable(vm, g)?;
    let k = map::find_key(vm, args.get(0))?;
    let old = match (k, g.gene_props()) {
        (Some(k), Some(m)) => vm.map_del(m, k),
        _ => None,
    };
    Ok(old.unwrap_or(Value::NIL))
}

fn del_child(vm: &mut Vm, args: &Args) -> R {
    let g = this_gene(vm, args)?;
    mutable(vm, g)?;
    let i = int(vm, "del_child", args.get(0))?;
    let c = g.gene_children();
    Ok(position(i, c.size()).map_or(Value::NIL, |p| c.remove(p)))
}

fn set_genetype(vm: &mut Vm, args: &Args) -> R {
    let g = this_gene(vm, args)?;
    mutable(vm, g)?;
    g.set_slot(&mut vm.heap, 0, args.get(0));
    Ok(args.this())
}

fn clear(vm: &mut Vm, args: &Args) -> R {
    let g = this_gene(vm, args)?;
    mutable(vm, g)?;
    g.gene_children().truncate(0);
    g.set_slot(&mut vm.heap, 1, Value::NIL);
    Ok(args.this())
}

fn bare(vm: &Vm, g: Gc<Record>) -> bool {
    g.gene_children().size() == 0 && vm.gene_props_len(g) == 0
}

fn is_empty(vm: &mut Vm, args: &Args) -> R {
    let g = this_gene(vm, args)?;
    Ok(Value::bool(bare(vm, g)))
}

fn not_empty(vm: &mut Vm, args: &Args) -> R {
    let g = this_gene(vm, args)?;
    Ok(Value::bool(!bare(vm, g)))
}

fn dup(vm: &mut Vm, args: &Args) -> R {
    let g = this_gene(vm, args)?;
    Ok(vm.gene_copy(g).value())
}

fn is_immutable(vm: &mut Vm, args: &Args) -> R {
    Ok(Value::bool(this_gene(vm, args)?.header().frozen()))
}

/// `(g ._with_children array)`: a mutable copy with other children.
fn with_children(vm: &mut Vm, args: &Args) -> R {
    let g = this_gene(vm, args)?;
    let items = vm.as_array(args.get(0)).map_or(&[][..], |a| a.as_slice());
    let children = vm.heap.array(items);
    let props = match g.gene_props() {
        Some(m) => vm.map_copy(m).value(),
        None => Value::NIL,
    };
    Ok(vm.gene(g.gene_type(), props, children).value())
}
