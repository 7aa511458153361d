//! `(freeze v)`: deep immutable copies (language 2.11).
//!
//! Copies are made first and filled from a work list, so nesting is limited by memory only, shared parts stay shared and cycles
//! stay cycles.
use crate::heap::{Gc, Kind, Record};
use crate::native::{Args, R, Stop};
use crate::object::array::Array;
use crate::object::map::Map;
use crate::object::table::Table;
use crate::value::Value;
use crate::vm::Vm;
use rustc_hash::FxHashMap;

pub fn freeze(vm: &mut Vm, args: &Args) -> R {
    vm.freeze(args.get(0))
}

/// Copies made so far by address of the original, and those not filled yet. No script runs meanwhile, so no collection either.
#[derive(Default)]
struct Work {
    copies: FxHashMap<usize, Value>,
    todo: Vec<(Value, Value)>,
}

impl Vm {
    /// A deep immutable copy; values that are immutable already are given as they are.
    pub fn freeze(&mut self, v: Value) -> R {
        let mut work = Work::default();
        let result = self.frozen(&mut work, v)?;
        while let Some((from, to)) = work.todo.pop() {
            self.fill_frozen(&mut work, from, to)?;
        }
        Ok(result)
    }

    /// The immutable counterpart of `v`, perhaps to be filled later.
    fn frozen(&mut self, work: &mut Work, v: Value) -> R {
        let Some(kind) = v.heap_kind() else { return Ok(v) };
        match kind {
            Kind::Array | Kind::Map | Kind::HashMap | Kind::HashSet | Kind::Gene => {
                if v.gc::<Record>().header().frozen() {
                    return Ok(v);
                }
            }
            Kind::EnumValue if v.gc::<Record>().len() > 1 => {}
            Kind::BoxedInt
            | Kind::Bytes
            | Kind::Str
            | Kind::Range
            | Kind::Path
            | Kind::Date
            | Kind::Time
            | Kind::DateTime
            | Kind::Duration
            | Kind::Regex
            | Kind::Variant
            | Kind::EnumValue
            | Kind::Selector => return Ok(v),
            Kind::Quote | Kind::InterpData => {}
            _ => return Err(self.cannot_freeze(v)),
        }
        if let Some(&c) = work.copies.get(&v.addr()) {
            return Ok(c);
        }
        let copy = match kind {
            Kind::Array => self.heap.array_with_capacity(v.gc::<Array>().size()).value(),
            Kind::Map => {
                let n = self.map_len(v.gc());
                self.map_with_capacity(n).value()
            }
            // The entries keep their places: keys and values are replaced when the copy is filled, and equal keys hash alike.
            Kind::HashMap | Kind::HashSet => self.heap.table_copy(v.gc(), kind).value(),
            Kind::Gene => self.gene_copy(v.gc()).value(),
            _ => {
                let r: Gc<Record> = v.gc();
                self.heap.record(kind, r.header().aux, r.slots()).value()
            }
        };
        work.copies.insert(v.addr(), copy);
        work.todo.push((v, copy));
        Ok(copy)
    }

    fn fill_frozen(&mut self, work: &mut Work, from: Value, to: Value) -> Result<(), Stop> {
        match from.heap_kind() {
            Some(Kind::Array) => {
                for &x in from.gc::<Array>().as_slice() {
                    let x = self.frozen(work, x)?;
                    self.heap.array_push(to.gc(), x);
                }
            }
            Some(Kind::Map) => self.fill_frozen_map(work, from.gc(), to.gc())?,
            Some(Kind::HashMap | Kind::HashSet) => {
                let (a, b): (Gc<Table>, Gc<Table>) = (from.gc(), to.gc());
                for i in 0..b.used as usize {
                    let (k, v) = (a.key_at(i), a.value_at(i));
                    if !k.is_undef() {
                        let (k, v) = (self.frozen(work, k)?, self.frozen(work, v)?);
                        self.heap.table_replace_at(b, i, k, v);
                    }
                }
            }
            Some(Kind::Gene) => {
                let (a, b): (Gc<Record>, Gc<Record>) = (from.gc(), to.gc());
                let ty = self.frozen(work, a.gene_type())?;
                b.set_slot(&mut self.heap, 0, ty);
                for i in 0..b.gene_children().size() {
                    let x = self.frozen(work, a.gene_children().as_slice()[i])?;
                    self.heap.array_set(b.gene_children(), i, x);
                }
                if let (Some(m), Some(n)) = (a.gene_props(), b.gene_props()) {
                    self.fill_frozen_map(work, m, n)?;
                }
            }
            _ => {
                let r: Gc<Record> = to.gc();
                for i in 0..r.len() {
                    let x = self.frozen(work, r.slot(i))?;
                    r.set_slot(&mut self.heap, i, x);
                }
            }
        }
        to.gc::<Record>().header_mut().set_frozen(true);
        Ok(())
    }

    fn fill_frozen_map(&mut self, work: &mut Work, from: Gc<Map>, to: Gc<Map>) -> Result<(), Stop> {
        for (k, v) in self.map_entries(from) {
            let v = self.frozen(work, v)?;
            self.map_set(to, k, v);
        }
        Ok(())
    }

    #[cold]
    fn cannot_freeze(&mut self, v: Value) -> Stop {
        let m = format!("Cannot freeze {}", self.kind_name(v));
        self.type_error(&m)
    }
}
