//! Code of data that was evaluated before: macros evaluate the same data in the same surroundings again and again.
//!
//! The key of an entry spells out all that compiling looks at: the data with its positions, and the visible names. What is
//! embedded in data as a value of its own (a function, an instance) has no spelling; such data is compiled each time.
use crate::heap::{Gc, Kind, Record};
use crate::object::array::Array;
use crate::object::function::Cell;
use crate::object::table::Table;
use crate::value::Value;
use crate::vm::Vm;
use rustc_hash::FxHashMap;

/// Entries kept. Programs that make more of them start over.
const MAX_ENTRIES: usize = 512;
/// Words of a key. Larger data takes long to compile, but also seldom comes twice.
const MAX_WORDS: usize = 2048;
/// What finding the code costs, where compiling costs some hundred charges and more: this, and a charge for so many words.
const FOUND_CHARGES: i64 = 10;
const WORDS_PER_CHARGE: usize = 16;

#[derive(Default)]
pub struct Evaluated {
    /// Functions as they were compiled, without captures.
    bodies: FxHashMap<Vec<u64>, Value>,
}

impl Evaluated {
    /// Appends what the collector must keep.
    pub fn roots(&self, out: &mut Vec<Value>) {
        out.extend(self.bodies.values());
    }

    pub fn find(&self, key: &[u64]) -> Option<Value> {
        self.bodies.get(key).copied()
    }

    pub fn keep(&mut self, key: Vec<u64>, body: Value) {
        if self.bodies.len() >= MAX_ENTRIES {
            self.bodies.clear();
        }
        self.bodies.insert(key, body);
    }
}

/// The key of data that is evaluated in an environment (see `dynamic::make_env`), unless it has none.
pub fn key(vm: &mut Vm, data: &[Value], env: Gc<Record>) -> Option<Vec<u64>> {
    let mut words = Vec::with_capacity(64);
    let module = env.slot(6).as_int()? as usize;
    // What is visible: names, whether they can be assigned, and the hidden variables.
    for list in [0, 1] {
        let list = env.slot(list).gc::<Array>();
        words.push(list.size() as u64);
        words.extend(list.as_slice().iter().map(|v| v.0));
    }
    let has = |i: usize| u64::from(!env.slot(i).is_undef());
    let vars = &vm.modules[module].vars;
    let locals =
        vars.iter().filter(|v| v.1.get::<Cell>(Kind::Cell).is_some_and(|c| crate::task::local::is_key(c.value)));
    words.extend([module as u64, vars.len() as u64, locals.count() as u64, has(3) | has(4) << 1 | has(5) << 2]);
    let comptime = Value::sym(vm.symbols.intern_static("comptime"));
    for v in data {
        spell(vm, *v, comptime, &mut words)?;
    }
    vm.heap.fuel.spend(FOUND_CHARGES + (words.len() / WORDS_PER_CHARGE) as i64);
    Some(words)
}

fn spell(vm: &Vm, v: Value, comptime: Value, out: &mut Vec<u64>) -> Option<()> {
    if out.len() > MAX_WORDS || v == comptime {
        return None;
    }
    let Some(kind) = v.heap_kind() else {
        out.push(v.0);
        return Some(());
    };
    let mut all = |items: &[Value], mark: u64| {
        out.extend([kind as u64 | mark << 8, items.len() as u64]);
        crate::stack::grow(|| items.iter().try_for_each(|x| spell(vm, *x, comptime, out)))
    };
    let frozen = u64::from(v.gc::<Record>().header().frozen());
    match kind {
        Kind::Array => all(v.gc::<Array>().as_slice(), frozen),
        Kind::Map => {
            let entries = vm.map_entries(v.gc()).into_iter().flat_map(|(k, x)| [Value::sym(k), x]);
            all(&entries.collect::<Vec<_>>(), frozen)
        }
        Kind::HashMap => all(&v.gc::<Table>().iter().flat_map(|(k, x)| [k, x]).collect::<Vec<_>>(), frozen),
        Kind::Gene
        | Kind::Quote
        | Kind::Path
        | Kind::Selector
        | Kind::InterpData
        | Kind::Regex
        | Kind::Duration
        | Kind::Record => {
            let r: Gc<Record> = v.gc();
            all(r.slots(), frozen | (r.header().aux as u64) << 1)
        }
        Kind::BoxedInt => {
            out.extend([kind as u64, v.as_int()? as u64]);
            Some(())
        }
        _ => {
            let text = v.as_str()?;
            out.extend([kind as u64, text.len() as u64]);
            out.extend(text.as_bytes().chunks(8).map(|c| {
                let mut word = [0; 8];
                word[..c.len()].copy_from_slice(c);
                u64::from_le_bytes(word)
            }));
            Some(())
        }
    }
}
