//! Things that can be called: closures, natives, bound methods.
use super::code::Proto;
use crate::heap::{Gc, Header, Heap, Kind, Record};
use crate::native::NativeDef;
use crate::value::Value;

/// `header.aux`: number of arguments when the function takes exactly that many, all required and positional, with no work at
/// entry beyond pushing a frame; else [`NOT_SIMPLE`]. `header.word`: number of words after the header (code, proto, captures).
#[repr(C)]
pub struct Function {
    pub header: Header,
    /// The [`super::code::CodeObj`] that owns `proto`.
    pub code: Value,
    pub proto: *mut Proto,
    // captures follow: values or cells
}

pub const NOT_SIMPLE: u16 = 0xFFFF;
/// `header.aux` of a [`Kind::BoundMethod`] that is a static function of a class.
pub const STATIC: u16 = 1;
pub const CAPTURES_AT: usize = 24;

impl Gc<Function> {
    #[inline(always)]
    pub fn captures(self) -> *mut Value {
        (self.as_ptr() as usize + CAPTURES_AT) as *mut Value
    }
    #[inline(always)]
    pub fn proto<'a>(self) -> &'a Proto {
        // SAFETY: the code object owns it and is reachable from the function.
        unsafe { &*(*self.as_ptr()).proto }
    }
    pub fn capture_count(self) -> usize {
        self.header().word as usize - 2
    }
}

impl Heap {
    /// A closure with `n` captures, all nil.
    pub fn function(&mut self, code: Value, n: usize) -> Gc<Function> {
        let proto = code.gc::<super::code::CodeObj>().proto();
        // SAFETY: owned by the code object.
        let simple = unsafe { (*proto).simple_args };
        let mut f: Gc<Function> = self.alloc_sized(Kind::Function, simple, 2 + n as u32, CAPTURES_AT + n * 8);
        f.code = code;
        f.proto = proto;
        for i in 0..n {
            // SAFETY: room for n captures.
            unsafe { *f.captures().add(i) = Value::NIL };
        }
        f
    }

    /// A native function. Its record: pointer to the definition, bound data.
    pub fn native(&mut self, def: &'static NativeDef, data: Value) -> Value {
        self.record(Kind::Native, 0, &[Value(def as *const NativeDef as u64), data]).value()
    }

    /// `func` with `self` fixed.
    pub fn bound_method(&mut self, recv: Value, func: Value) -> Value {
        self.record(Kind::BoundMethod, 0, &[recv, func]).value()
    }

    /// A static function, with the class it is asked of as `self`.
    pub fn static_method(&mut self, class: Value, func: Value) -> Value {
        self.record(Kind::BoundMethod, STATIC, &[class, func]).value()
    }

    pub fn cell(&mut self, v: Value) -> Gc<Cell> {
        let mut c: Gc<Cell> = self.alloc(Kind::Cell, 0, 1);
        c.value = v;
        c
    }
}

/// A captured variable.
#[repr(C)]
pub struct Cell {
    pub header: Header,
    pub value: Value,
}

impl Value {
    pub fn as_native<'a>(self) -> Option<(&'a NativeDef, Value)> {
        let r = self.get::<Record>(Kind::Native)?;
        // SAFETY: natives are made by `Heap::native` alone, from a static definition.
        Some((unsafe { &*(r.slot(0).0 as *const NativeDef) }, r.slot(1)))
    }

    /// As [`Value::as_native`].
    ///
    /// # Safety
    /// The value must be a native.
    #[inline(always)]
    pub unsafe fn native_unchecked<'a>(self) -> (&'a NativeDef, Value) {
        let r = self.gc::<Record>();
        // SAFETY: as above; natives have two words.
        unsafe { (&*((*r.slots_ptr()).0 as *const NativeDef), *r.slots_ptr().add(1)) }
    }
}
