//! Classes.
use super::map::Map;
use super::shape::ShapeId;
use crate::heap::collect::Marker;
use crate::heap::{Gc, Header, Kind};
use crate::value::{Sym, Value};
use crate::vm::Vm;
use rustc_hash::FxHashMap;

pub struct FieldDecl {
    pub name: Sym,
    /// Type descriptor, or nil.
    pub ty: Value,
    pub place: Rc<str>,
    /// Closure giving the default, called with `self`; nil without one.
    pub default: Value,
}

use std::rc::Rc;

pub struct ClassData {
    pub name: Sym,
    /// Nil for `Object`.
    pub parent: Value,
    pub methods: FxHashMap<Sym, Value>,
    /// Names in definition order.
    pub method_order: Vec<Sym>,
    pub statics: FxHashMap<Sym, Value>,
    /// Nil: inherited.
    pub ctor: Value,
    pub fields: Vec<FieldDecl>,
    /// `on_method_missing`, or nil.
    pub on_missing: Value,
    /// Shape of a new instance. Its class is this one.
    pub root_shape: ShapeId,
    dict_shape: Option<ShapeId>,
    /// Slots to allocate in an instance.
    pub inline: u16,
    /// `Exception` or a subclass.
    pub is_exception: bool,
    /// Instances are values of the VM (Int, String, ...), not objects made by `new`.
    pub builtin: bool,
    /// The class, or one of its ancestors, declares fields or defaults.
    pub has_fields: bool,
    pub intent: Value,
    /// Builtin classes that `new` can make: the constructor of the whole value.
    pub construct: Option<crate::native::NativeFn>,
    /// The module whose code made it.
    pub module: Option<u32>,
    /// A method of this class may sit in a cache: changes must bump the epoch.
    pub cached: bool,
    /// Interfaces the class itself satisfies.
    pub implements: Vec<Value>,
    /// For classes of adapters: the interface, else nil.
    pub adapts: Value,
    /// For classes of adapters: what they are for.
    pub adapted: Value,
}

#[repr(C)]
pub struct ClassObj {
    pub header: Header,
    data: *mut ClassData,
}

impl ClassObj {
    pub(crate) fn trace(o: Gc<ClassObj>, m: &mut Marker) {
        let c = o.data();
        m.value(c.parent);
        for v in c.methods.values().chain(c.statics.values()) {
            m.value(*v);
        }
        for f in &c.fields {
            m.value(f.ty);
            m.value(f.default);
        }
        m.values(&[c.ctor, c.on_missing, c.intent, c.adapts, c.adapted]);
        m.values(&c.implements);
    }
    pub(crate) fn drop_data(o: Gc<ClassObj>) {
        // SAFETY: called once, when the object dies.
        drop(unsafe { Box::from_raw(o.data) });
    }
}

impl Gc<ClassObj> {
    #[allow(clippy::mut_from_ref)]
    pub fn data<'a>(self) -> &'a mut ClassData {
        // SAFETY: the object owns its data; the VM is single-threaded and keeps no two references at work at once.
        unsafe {
            let data = self.data;
            &mut *data
        }
    }
}

/// Slots an instance can have inside the object.
const MAX_INLINE: u16 = 32;

impl Vm {
    /// A new class. Classes are kept for the life of the VM (shapes refer to them).
    pub fn make_class(&mut self, name: Sym, parent: Value, hint: u32) -> Gc<ClassObj> {
        let mut inline = hint.min(MAX_INLINE as u32) as u16;
        let (mut is_exception, mut has_fields) = (false, false);
        if let Some(p) = parent.get::<ClassObj>(Kind::Class) {
            inline = (inline + p.data().inline).min(MAX_INLINE);
            is_exception = p.data().is_exception;
            has_fields = p.data().has_fields;
        }
        let mut o: Gc<ClassObj> = self.heap.alloc_owner(Kind::Class);
        let v = o.value();
        let root_shape = self.shapes.root(v, inline, false);
        o.data = Box::into_raw(Box::new(ClassData {
            name,
            parent,
            methods: FxHashMap::default(),
            method_order: Vec::new(),
            statics: FxHashMap::default(),
            ctor: Value::NIL,
            fields: Vec::new(),
            on_missing: Value::NIL,
            root_shape,
            dict_shape: None,
            inline,
            is_exception,
            builtin: false,
            has_fields,
            intent: Value::NIL,
            construct: None,
            module: None,
            cached: false,
            implements: Vec::new(),
            adapts: Value::NIL,
            adapted: Value::NIL,
        }));
        self.heap.permanent.push(v);
        o
    }

    pub(crate) fn class_dict_shape(&mut self, class: Value) -> ShapeId {
        let c = class.gc::<ClassObj>().data();
        match c.dict_shape {
            Some(s) => s,
            None => {
                let s = self.shapes.root(class, 0, true);
                c.dict_shape = Some(s);
                s
            }
        }
    }

    /// An instance without fields.
    #[inline]
    pub fn instance(&mut self, class: Gc<ClassObj>) -> Gc<Map> {
        let c = class.data();
        self.shaped_object(Kind::Instance, c.root_shape, c.inline)
    }

    /// Adds or replaces a method. All method caches become invalid.
    pub fn class_define(&mut self, class: Gc<ClassObj>, name: Sym, f: Value) {
        let c = class.data();
        if c.methods.insert(name, f).is_none() {
            c.method_order.push(name);
        }
        if c.cached {
            // Caches hold 16 bits of epoch; the last value means "cache nothing", so that old entries never come back.
            self.method_epoch = (self.method_epoch + 1).min(0xFFFF);
        }
        self.heap.barrier(class);
    }

    /// The method `name` of `class` or the nearest ancestor.
    pub fn class_find(&self, class: Gc<ClassObj>, name: Sym) -> Option<Value> {
        let mut c = class;
        loop {
            if let Some(&m) = c.data().methods.get(&name) {
                return Some(m);
            }
            c = c.data().parent.get::<ClassObj>(Kind::Class)?;
        }
    }

    /// The static member `name` of `class` or the nearest ancestor.
    pub fn class_static(&self, class: Gc<ClassObj>, name: Sym) -> Option<Value> {
        let mut c = class;
        loop {
            if let Some(&m) = c.data().statics.get(&name) {
                return Some(m);
            }
            c = c.data().parent.get::<ClassObj>(Kind::Class)?;
        }
    }

    /// Is `c` the class `of` or below it?
    pub fn subclass_of(&self, c: Gc<ClassObj>, of: Gc<ClassObj>) -> bool {
        let mut c = c;
        loop {
            if c == of {
                return true;
            }
            match c.data().parent.get::<ClassObj>(Kind::Class) {
                Some(p) => c = p,
                None => return false,
            }
        }
    }

    /// The class of an instance.
    #[inline]
    pub fn instance_class(&self, m: Gc<Map>) -> Gc<ClassObj> {
        self.shapes.get(m.shape()).class.gc()
    }
}
