//! Rust values inside the heap: regexes, streams, host objects.
use crate::heap::collect::Marker;
use crate::heap::{Gc, Header, Heap, Kind};
use crate::task::wait::Queue;
use crate::value::Value;
use std::any::Any;

/// Rust data owned by a heap object.
pub trait Foreign: Any {
    /// Name of the class the object shows as.
    fn class_name(&self) -> &'static str;
    /// Marks the values inside. Storing a value into the data afterwards needs `heap.barrier(object)`.
    fn trace(&self, _m: &mut Marker) {}
    fn as_any(&mut self) -> &mut dyn Any;
    /// The object's wait queues.
    fn queue(&mut self, _side: u8) -> Option<&mut Queue> {
        None
    }
    /// What `task` waits for, for reports: a noun, and details.
    fn describe(&self) -> String {
        self.class_name().to_string()
    }
}

/// A type whose objects carry the number of their class in the header, so that it is known without asking the data.
pub trait Numbered: Foreign {
    /// Never 0; one number for one type (see `Vm::numbered_classes`).
    const NUMBER: u16;
}

#[repr(C)]
pub struct ForeignObj {
    pub header: Header,
    data: *mut dyn Foreign,
}

impl Heap {
    pub fn foreign(&mut self, data: Box<dyn Foreign>) -> Value {
        self.foreign_of(0, data)
    }

    /// An object whose type is told by its number; its method calls are cached.
    pub fn numbered<T: Numbered>(&mut self, data: T) -> Value {
        self.foreign_of(T::NUMBER, Box::new(data))
    }

    /// As [`Heap::numbered`]. `class` must be the number of the data's type, or 0.
    pub(crate) fn foreign_of(&mut self, class: u16, data: Box<dyn Foreign>) -> Value {
        let mut o: Gc<ForeignObj> = self.alloc_owner(Kind::Foreign);
        o.header_mut().aux = class;
        o.data = Box::into_raw(data);
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

/// Queue `side` of a foreign object.
pub(crate) fn queue_of<'a>(v: Value, side: u8) -> Option<&'a mut Queue> {
    let o = v.get::<ForeignObj>(Kind::Foreign)?;
    // SAFETY: the object owns the data; the VM is single-threaded and queues are looked at one at a time.
    unsafe {
        let data = o.data;
        (*data).queue(side)
    }
}

impl Value {
    /// The Rust data of a numbered type. At most one such reference may be in use at a time.
    #[inline]
    pub fn numbered<'a, T: Numbered>(self) -> Option<&'a mut T> {
        let o = self.get::<ForeignObj>(Kind::Foreign)?;
        if o.header().aux != T::NUMBER {
            return None;
        }
        // SAFETY: objects with this number were made from a `T`, which they own; the VM is single-threaded and natives hold one
        // reference at a time.
        Some(unsafe { &mut *(o.data as *mut T) })
    }
    /// What a foreign object says of itself in reports.
    pub fn foreign_text(self) -> Option<String> {
        let o = self.get::<ForeignObj>(Kind::Foreign)?;
        // SAFETY: as for `foreign`.
        Some(unsafe { (*o.data).describe() })
    }
    /// The Rust data of type `T` inside a foreign object. At most one such reference may be in use at a time.
    pub fn foreign<'a, T: Foreign>(self) -> Option<&'a mut T> {
        let o = self.get::<ForeignObj>(Kind::Foreign)?;
        // SAFETY: the object owns the data; the VM is single-threaded and natives hold one reference at a time.
        unsafe {
            let data = o.data;
            (*data).as_any().downcast_mut::<T>()
        }
    }
    pub fn foreign_class(self) -> Option<&'static str> {
        let o = self.get::<ForeignObj>(Kind::Foreign)?;
        // SAFETY: as above.
        Some(unsafe { (*o.data).class_name() })
    }
}
