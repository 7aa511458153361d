//! Namespaces: ordered names to values. A module's namespace reads through to the module's variables.
use crate::heap::collect::Marker;
use crate::heap::{Gc, Header, Heap, Kind};
use crate::value::{Sym, Value};
use rustc_hash::FxHashMap;

#[derive(Default)]
pub struct NamespaceData {
    pub name: Option<Sym>,
    /// Members in definition order; removed ones are undefined.
    pub members: Vec<(Sym, Member)>,
    pub index: FxHashMap<Sym, usize>,
    /// Handler for members not found, or nil.
    pub on_missing: Option<Value>,
    /// For module namespaces: the module's index.
    pub module: Option<u32>,
    /// Changes with every member added: caches of global lookups check it.
    pub version: u32,
}

#[derive(Clone, Copy)]
pub enum Member {
    Value(Value),
    /// A module variable: a [`crate::object::function::Cell`].
    Cell(Value),
}

#[repr(C)]
pub struct NamespaceObj {
    pub header: Header,
    data: *mut NamespaceData,
}

impl NamespaceObj {
    pub(crate) fn trace(o: Gc<NamespaceObj>, m: &mut Marker) {
        let d = o.data();
        for (_, v) in &d.members {
            let (Member::Value(v) | Member::Cell(v)) = v;
            m.value(*v);
        }
        if let Some(v) = d.on_missing {
            m.value(v);
        }
    }
    pub(crate) fn drop_data(o: Gc<NamespaceObj>) {
        // SAFETY: called once, when the object dies.
        drop(unsafe { Box::from_raw(o.data) });
    }
}

impl Gc<NamespaceObj> {
    #[allow(clippy::mut_from_ref)]
    pub fn data<'a>(self) -> &'a mut NamespaceData {
        // SAFETY: owned by the object; single-threaded.
        unsafe {
            let data = self.data;
            &mut *data
        }
    }
}

impl Member {
    /// The value of a member that is no variable.
    pub fn plain(self) -> Option<Value> {
        match self {
            Member::Value(v) => Some(v),
            Member::Cell(_) => None,
        }
    }
}

impl NamespaceData {
    pub fn find(&self, name: Sym) -> Option<Member> {
        self.index.get(&name).map(|&i| self.members[i].1)
    }
    /// Adds or replaces.
    pub fn set(&mut self, name: Sym, m: Member) {
        match self.index.get(&name) {
            Some(&i) => self.members[i].1 = m,
            None => {
                self.index.insert(name, self.members.len());
                self.members.push((name, m));
                self.version = self.version.wrapping_add(1);
            }
        }
    }
    pub fn remove(&mut self, name: Sym) {
        let Some(at) = self.index.remove(&name) else { return };
        self.members.remove(at);
        self.index.values_mut().filter(|i| **i > at).for_each(|i| *i -= 1);
        self.version = self.version.wrapping_add(1);
    }
}

impl Heap {
    pub fn namespace(&mut self, name: Option<Sym>) -> Gc<NamespaceObj> {
        let mut o: Gc<NamespaceObj> = self.alloc_owner(Kind::Namespace);
        o.data = Box::into_raw(Box::new(NamespaceData { name, ..NamespaceData::default() }));
        o
    }

    pub fn namespace_set(&mut self, ns: Gc<NamespaceObj>, name: Sym, v: Value) {
        ns.data().set(name, Member::Value(v));
        self.barrier(ns);
    }
}
