//! The global method cache behind the inline caches: (class key, name) to method.
use crate::value::{Sym, Value};

#[derive(Clone, Copy)]
struct Entry {
    key: u32,
    name: u32,
    epoch: u32,
    target: Value,
}

const SIZE: usize = 512;

/// Direct-mapped. Entries of older epochs are misses; methods are kept alive by their classes.
pub struct MethodCache {
    entries: [Entry; SIZE],
}

impl Default for MethodCache {
    fn default() -> Self {
        MethodCache { entries: [Entry { key: 0, name: 0, epoch: u32::MAX, target: Value::NIL }; SIZE] }
    }
}

#[inline(always)]
fn place(key: u32, name: Sym) -> usize {
    (key.wrapping_mul(0x9E37_79B9) >> 16 ^ name.0) as usize & (SIZE - 1)
}

impl MethodCache {
    #[inline(always)]
    pub fn get(&self, key: u32, name: Sym, epoch: u32) -> Option<Value> {
        let e = &self.entries[place(key, name)];
        if e.key == key && e.name == name.0 && e.epoch == epoch { Some(e.target) } else { None }
    }
    pub fn set(&mut self, key: u32, name: Sym, epoch: u32, target: Value) {
        self.entries[place(key, name)] = Entry { key, name: name.0, epoch, target };
    }
}
