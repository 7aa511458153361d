//! The value word: one 64-bit NaN box.
//!
//! ```text
//! double            raw bits, any word <= 0xFFF8_0000_0000_0000
//! 0xFFFB  special   nil false void true not_found undefined; bit 32 set: a Char
//! 0xFFFC  pointer   48-bit address of a heap object
//! 0xFFFD  symbol    interned id
//! 0xFFFF  int       48-bit signed
//! ```
//!
//! An Int that fits 48 bits is never boxed, so equality of small ints is a bit compare. `nil`, `false` and `void` are the three
//! smallest specials: truth is one subtraction and one comparison.
pub mod arith;
pub mod equal;
pub mod float;
pub mod hash;

use crate::heap::{Gc, Header, Kind};

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Value(pub u64);

impl Default for Value {
    fn default() -> Value {
        Value::NIL
    }
}

/// The largest word that is a double.
pub const FLOAT_MAX: u64 = 0xFFF8_0000_0000_0000;
pub const TAG_SPECIAL: u64 = 0xFFFB_0000_0000_0000;
pub const TAG_PTR: u64 = 0xFFFC_0000_0000_0000;
pub const TAG_SYM: u64 = 0xFFFD_0000_0000_0000;
pub const TAG_INT: u64 = 0xFFFF_0000_0000_0000;
pub const PAYLOAD: u64 = 0x0000_FFFF_FFFF_FFFF;
const CHAR_BIT: u64 = 1 << 32;

/// The Ints that need no box: `-2^47 ..= 2^47 - 1`.
pub const SMALL_MIN: i64 = -(1 << 47);
pub const SMALL_MAX: i64 = (1 << 47) - 1;

/// An interned name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[repr(transparent)]
pub struct Sym(pub u32);

impl Value {
    pub const NIL: Value = Value(TAG_SPECIAL);
    pub const FALSE: Value = Value(TAG_SPECIAL | 1);
    pub const VOID: Value = Value(TAG_SPECIAL | 2);
    pub const TRUE: Value = Value(TAG_SPECIAL | 3);
    pub const NOT_FOUND: Value = Value(TAG_SPECIAL | 4);
    /// Never seen by scripts: a variable before its declaration ran, a missing optional argument, a deleted table entry.
    pub const UNDEF: Value = Value(TAG_SPECIAL | 5);

    #[inline(always)]
    pub const fn bool(b: bool) -> Value {
        Value(TAG_SPECIAL | 1 | ((b as u64) << 1))
    }
    #[inline(always)]
    pub fn truthy(self) -> bool {
        self.0.wrapping_sub(TAG_SPECIAL) > 2
    }
    #[inline(always)]
    pub fn is_nil(self) -> bool {
        self == Value::NIL
    }
    #[inline(always)]
    pub fn is_void(self) -> bool {
        self == Value::VOID
    }
    #[inline(always)]
    pub fn is_undef(self) -> bool {
        self == Value::UNDEF
    }
    pub fn is_bool(self) -> bool {
        self == Value::TRUE || self == Value::FALSE
    }

    // --- numbers
    /// An Int that is known to fit 48 bits.
    #[inline(always)]
    pub const fn small(i: i64) -> Value {
        Value(TAG_INT | (i as u64 & PAYLOAD))
    }
    #[inline(always)]
    pub const fn fits_small(i: i64) -> bool {
        i >= SMALL_MIN && i <= SMALL_MAX
    }
    /// True for unboxed Ints only; see [`Value::as_int`] for both.
    #[inline(always)]
    pub const fn is_small(self) -> bool {
        self.0 >= TAG_INT
    }
    #[inline(always)]
    pub const fn both_small(a: Value, b: Value) -> bool {
        (a.0 & b.0) >= TAG_INT
    }
    #[inline(always)]
    pub const fn small_int(self) -> i64 {
        ((self.0 << 16) as i64) >> 16
    }
    #[inline(always)]
    pub const fn is_float(self) -> bool {
        self.0 <= FLOAT_MAX
    }
    #[inline(always)]
    pub fn float_unchecked(self) -> f64 {
        f64::from_bits(self.0)
    }
    /// NaNs are made canonical only where a foreign bit pattern can come in; the VM's own arithmetic gives the x86 default.
    #[inline(always)]
    pub fn float(f: f64) -> Value {
        if f.is_nan() { Value(0x7FF8_0000_0000_0000) } else { Value(f.to_bits()) }
    }
    pub fn as_float(self) -> Option<f64> {
        if self.is_float() { Some(f64::from_bits(self.0)) } else { None }
    }
    /// An Int, boxed or not.
    pub fn as_int(self) -> Option<i64> {
        if self.is_small() {
            Some(self.small_int())
        } else if self.is_kind(Kind::BoxedInt) {
            Some(self.gc::<BoxedInt>().value)
        } else {
            None
        }
    }
    pub fn is_int(self) -> bool {
        self.is_small() || self.is_kind(Kind::BoxedInt)
    }
    pub fn is_number(self) -> bool {
        self.is_int() || self.is_float()
    }
    /// Int or Float as a double.
    pub fn as_number(self) -> Option<f64> {
        if self.is_float() { Some(f64::from_bits(self.0)) } else { self.as_int().map(|i| i as f64) }
    }

    // --- chars and symbols
    pub const fn char(c: char) -> Value {
        Value(TAG_SPECIAL | CHAR_BIT | c as u64)
    }
    #[inline]
    pub fn as_char(self) -> Option<char> {
        if self.0 >> 32 == (TAG_SPECIAL | CHAR_BIT) >> 32 { char::from_u32(self.0 as u32) } else { None }
    }
    pub fn is_char(self) -> bool {
        self.0 >> 32 == (TAG_SPECIAL | CHAR_BIT) >> 32
    }
    #[inline(always)]
    pub const fn sym(s: Sym) -> Value {
        Value(TAG_SYM | s.0 as u64)
    }
    #[inline(always)]
    pub fn is_sym(self) -> bool {
        self.0 >> 48 == TAG_SYM >> 48
    }
    #[inline(always)]
    pub fn as_sym(self) -> Option<Sym> {
        if self.is_sym() { Some(Sym(self.0 as u32)) } else { None }
    }

    // --- heap objects
    #[inline(always)]
    pub fn is_ptr(self) -> bool {
        self.0 >> 48 == TAG_PTR >> 48
    }
    #[inline(always)]
    pub fn from_addr(addr: usize) -> Value {
        debug_assert!(addr as u64 & !PAYLOAD == 0);
        Value(TAG_PTR | addr as u64)
    }
    #[inline(always)]
    pub fn addr(self) -> usize {
        (self.0 & PAYLOAD) as usize
    }
    /// The kind of a heap object; `None` for immediates.
    #[inline(always)]
    pub fn heap_kind(self) -> Option<Kind> {
        // SAFETY: a pointer-tagged word is only ever made from a live heap object (vm invariant V1, see heap).
        if self.is_ptr() { Some(unsafe { (*(self.addr() as *const Header)).kind() }) } else { None }
    }
    #[inline(always)]
    pub fn is_kind(self, k: Kind) -> bool {
        // SAFETY: as above.
        self.is_ptr() && unsafe { (*(self.addr() as *const Header)).kind_byte() == k as u8 }
    }
    /// The object as `T`. The caller has checked the kind.
    #[inline(always)]
    pub fn gc<T>(self) -> Gc<T> {
        debug_assert!(self.is_ptr());
        Gc::from_addr(self.addr())
    }
    /// The object as `T` when it has kind `k`.
    #[inline(always)]
    pub fn get<T>(self, k: Kind) -> Option<Gc<T>> {
        if self.is_kind(k) { Some(self.gc()) } else { None }
    }
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_small() {
            write!(f, "{}", self.small_int())
        } else if let Some(x) = self.as_float() {
            write!(f, "{x:?}")
        } else if let Some(c) = self.as_char() {
            write!(f, "{c:?}")
        } else if self.is_sym() {
            write!(f, "sym#{}", self.0 as u32)
        } else if self.is_ptr() {
            write!(f, "{:?}@{:x}", self.heap_kind().unwrap(), self.addr())
        } else {
            let names = ["nil", "false", "void", "true", "not_found", "undef"];
            f.write_str(names.get((self.0 & 0xff) as usize).copied().unwrap_or("?"))
        }
    }
}

/// An Int outside the 48-bit range.
#[repr(C)]
pub struct BoxedInt {
    pub header: Header,
    pub value: i64,
}
