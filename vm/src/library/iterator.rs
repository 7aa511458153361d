//! Iterators of the builtin collections (language 11.4): what `.iter` gives.
//!
//! An iterator is a record with the same three words as a loop's state in the interpreter (source, position, version or count),
//! so both walk a collection with the same step.
use super::collection::{pair, wrong};
use crate::def;
use crate::heap::{Gc, Kind, Record};
use crate::interp::iterate;
use crate::native::{Args, NativeDef, R, Stop};
use crate::object::table::Table;
use crate::value::Value;
use crate::vm::Vm;

/// `header.aux` of an iterator, see [`crate::kinds::ITER_NAMES`].
fn kind_of(source: Kind) -> Option<u16> {
    Some(match source {
        Kind::Array | Kind::Gene => 0,
        Kind::Map => 1,
        Kind::HashMap => 2,
        Kind::HashSet => 3,
        Kind::Str => 4,
        Kind::Bytes => 5,
        Kind::Range => 6,
        _ => return None,
    })
}

pub fn install(vm: &mut Vm) {
    for k in [Kind::Array, Kind::Gene, Kind::Map, Kind::HashMap, Kind::HashSet, Kind::Str, Kind::Bytes, Kind::Range] {
        let c = vm.classes.by_kind[k as usize];
        vm.add_methods(c, SOURCE);
    }
    let c = vm.classes.by_kind[Kind::Iter as usize];
    vm.add_methods(c, DEFS);
}

static SOURCE: &[NativeDef] = &[def!(
    "iter",
    iter,
    0,
    0,
    "(xs .iter) -- an iterator over the elements
        (([7 8] .iter) .next) => 7"
)];

#[rustfmt::skip]
static DEFS: &[NativeDef] = &[
    def!("next", next, 0, 0, "(it .next) -- next element, not_found at the end
        (([7 8] .iter) .next) => 7"),
    def!("has_next", has_next, 0, 0, "(it .has_next) -- is there another element?
        (([] .iter) .has_next) => false"),
    def!("next_pair", next_pair, 0, 0, "(it .next_pair) -- next [index element] or [key value], not_found at the end
        (([7] .iter) .next_pair) => [0 7]"),
    def!("iter", this, 0, 0, "(it .iter) -- the iterator itself
        ((([7] .iter) .iter) .next) => 7"),
];

fn iter(vm: &mut Vm, args: &Args) -> R {
    let mut source = args.this();
    let Some((kind, aux)) = source.heap_kind().and_then(|k| Some((k, kind_of(k)?))) else {
        return Err(wrong(vm, "iter", "a collection", source));
    };
    let version = match kind {
        Kind::Gene => {
            source = source.gc::<Record>().gene_children().value();
            0
        }
        Kind::Map => vm.map_version(source.gc()) as i64,
        Kind::HashMap | Kind::HashSet => {
            if kind == Kind::HashSet {
                vm.table_compact(source.gc());
            }
            source.gc::<Table>().version as i64
        }
        _ => 0,
    };
    Ok(vm.heap.record(Kind::Iter, aux, &[source, Value::small(0), Value::small(version)]).value())
}

fn state(vm: &mut Vm, args: &Args) -> Result<Gc<Record>, Stop> {
    match args.this().get::<Record>(Kind::Iter) {
        Some(r) => Ok(r),
        None => Err(wrong(vm, "method", "Iterator", args.this())),
    }
}

fn next(vm: &mut Vm, args: &Args) -> R {
    let it = state(vm, args)?;
    Ok(iterate::advance(vm, it)?.map_or(Value::NOT_FOUND, |(_, v)| v))
}

fn next_pair(vm: &mut Vm, args: &Args) -> R {
    let it = state(vm, args)?;
    Ok(match iterate::advance(vm, it)? {
        Some((k, v)) => pair(vm, k, v),
        None => Value::NOT_FOUND,
    })
}

fn has_next(vm: &mut Vm, args: &Args) -> R {
    let it = state(vm, args)?;
    Ok(Value::bool(iterate::has_next(vm, it)?))
}

fn this(_: &mut Vm, args: &Args) -> R {
    Ok(args.this())
}
