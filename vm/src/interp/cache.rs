//! The global method cache behind the inline caches: (class key, name) to method.
use crate::heap::{GC_FROZEN, Header, Kind};
use crate::value::{Sym, Value};

#[derive(Clone, Copy)]
struct Entry {
    key: u64,
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
fn place(key: u64, name: Sym) -> usize {
    ((key >> 32) as u32 ^ key as u32).wrapping_mul(0x9E37_79B9).wrapping_add(name.0.wrapping_mul(0x85EB_CA6B)) as usize
        >> 20
        & (SIZE - 1)
}

impl MethodCache {
    #[inline(always)]
    pub fn get(&self, key: u64, name: Sym, epoch: u32) -> Option<Value> {
        let e = &self.entries[place(key, name)];
        if e.key == key && e.name == name.0 && e.epoch == epoch { Some(e.target) } else { None }
    }
    pub fn set(&mut self, key: u64, name: Sym, epoch: u32, target: Value) {
        self.entries[place(key, name)] = Entry { key, name: name.0, epoch, target };
    }
}

/// Kind and shape of a header word.
pub const SHAPE_MASK: u64 = 0xFFFF_FFFF_0000_00FF;
/// Kind, shape and the frozen bit: cached writes miss on frozen objects.
pub const WRITE_MASK: u64 = SHAPE_MASK | (GC_FROZEN as u64) << 8;

/// `header.aux == n` and kind Function: see [`crate::object::function::Function`].
pub const SIMPLE_MASK: u64 = 0xFFFF_0000 | 0xFF;
/// In the inline cache of a method call, with the method's address: it is a native. Otherwise it is a simple function.
pub const NATIVE_METHOD: u64 = 1;
/// The same for one that has a quick way.
pub const QUICK_METHOD: u64 = 2;

/// What the inline cache of a call with `n` arguments keeps of method `f`; `None` where that needs a closer look at each call.
#[inline]
pub fn method_target(f: Value, n: usize, epoch: u32) -> Option<u64> {
    let native = match f.as_native() {
        Some((def, _)) if def.takes(n) => NATIVE_METHOD | if def.quick.is_some() { QUICK_METHOD } else { 0 },
        None if f.is_ptr() && header_word(f) & SIMPLE_MASK == Kind::Function as u64 | (n as u64) << 16 => 0,
        _ => return None,
    };
    Some(f.addr() as u64 | native | (epoch as u64) << 48)
}

/// The header of a heap value as one word.
#[inline(always)]
pub fn header_word(v: Value) -> u64 {
    debug_assert!(v.is_ptr());
    const { assert!(std::mem::size_of::<Header>() == 8) };
    // SAFETY: a pointer-tagged value names a live object.
    unsafe { *(v.addr() as *const u64) }
}

/// The bits of a header word that tell classes apart, by kind: no branch, as this is in the way of every method call.
static KEY_BITS: [u64; 256] = key_bits();

const fn key_bits() -> [u64; 256] {
    let mut bits = [0xFF; 256];
    bits[Kind::Instance as usize] = SHAPE_MASK;
    // Kinds that show as more than one class, told apart by the slow path: never cached under one key.
    bits[Kind::Function as usize] = 0;
    bits[Kind::Fiber as usize] = 0;
    bits[Kind::Variant as usize] = 0;
    // Numbered classes have keys of their own; number 0 is any class.
    bits[Kind::Foreign as usize] = 0xFFFF_0000;
    bits
}

/// What a method cache is keyed by: shape of instances, kind or number of other heap values, tag of immediates. 0: by nothing.
#[inline(always)]
pub fn class_key(v: Value) -> u64 {
    if v.is_ptr() {
        let h = header_word(v);
        h & KEY_BITS[h as u8 as usize]
    } else if v.is_small() {
        0x100
    } else if v.is_float() {
        0x101
    } else if v.is_sym() {
        0x102
    } else if v.is_char() {
        0x103
    } else {
        0x104 + (v.0 & 0xff)
    }
}
