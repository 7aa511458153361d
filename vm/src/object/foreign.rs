//! Rust values inside the heap: regexes, streams, host objects.
use crate::heap::collect::Marker;
use crate::heap::{Gc, Header, Heap, Kind};
use crate::value::Value;
use std::any::Any;

/// Rust data owned by a heap object.
pub trait Foreign: Any {
    /// Name of the class the object shows as.
    fn class_name(&self) -> &'static str;
    /// Marks the values inside. Storing a value into the data afterwards needs `heap.barrier(object)`.
    fn trace(&self, _m: &mut Marker) {}
    fn as_any(&mut self) -> &mut dyn Any;
}

#[repr(C)]
pub struct ForeignObj {
    pub header: Header,
    data: *mut Box<dyn Foreign>,
}

impl Heap {
    pub fn foreign(&mut self, data: Box<dyn Foreign>) -> Value {
        let mut o: Gc<ForeignObj> = self.alloc_owner(Kind::Foreign);
        o.data = Box::into_raw(Box::new(data));
        o.value()
    }
}

impl ForeignObj {
    pub(crate) fn trace(o: Gc<ForeignObj>, m: &mut Marker) {
        // SAFETY: the object owns its data.
        unsafe { (*o.data).trace(m) }
    }
    pub(crate) fn drop_data(o: Gc<ForeignObj>) {
        // SAFETY: called once, when the object dies.
        drop(unsafe { Box::from_raw(o.data) });
    }
}

impl Value {
    /// The Rust data of type `T` inside a foreign object. At most one such reference may be in use at a time.
    pub fn foreign<'a, T: Foreign>(self) -> Option<&'a mut T> {
        let o = self.get::<ForeignObj>(Kind::Foreign)?;
        // SAFETY: the object owns the data; the VM is single-threaded and natives hold one reference at a time.
        unsafe {
            let data = o.data;
            (**data).as_any().downcast_mut::<T>()
        }
    }
    pub fn foreign_class(self) -> Option<&'static str> {
        let o = self.get::<ForeignObj>(Kind::Foreign)?;
        // SAFETY: as above.
        Some(unsafe { (**o.data).class_name() })
    }
}
