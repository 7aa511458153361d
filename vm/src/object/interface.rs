//! Interfaces and adapters (language 7.10).
//!
//! An adapter's methods stand in a class of their own, one per implementation: what the implementation leaves out is a
//! forwarder there. So looking a method up is the same as for any value. Fields go by the interface's list.
use crate::heap::{Gc, Heap, Kind, Record};
use crate::object::class::ClassObj;
use crate::object::map::Map;
use crate::object::table::Table;
use crate::value::{Sym, Value};

/// A record: name, method names, field names and read-only flags, implementations.
const NAME: usize = 0;
const METHODS: usize = 1;
const FIELDS: usize = 2;
/// HashMap from class (or enum) to class of adapters.
const IMPLEMENTATIONS: usize = 3;

/// A record: class of adapters, wrapped value, `_geneinternal` or nil, fields of the implementation.
const CLASS: usize = 0;
const WRAPPED: usize = 1;
const INTERNAL: usize = 2;
const OWN: usize = 3;

#[derive(Clone, Copy, PartialEq)]
pub struct Interface(Gc<Record>);

#[derive(Clone, Copy)]
pub struct Adapter(Gc<Record>);

impl Interface {
    pub fn of(v: Value) -> Option<Interface> {
        v.get::<Record>(Kind::Interface).map(Interface)
    }
    pub fn value(self) -> Value {
        self.0.value()
    }
    pub fn name(self) -> Sym {
        self.0.slot(NAME).as_sym().unwrap_or(Sym(0))
    }
    pub fn methods(self) -> impl Iterator<Item = Sym> {
        let list: Gc<Record> = self.0.slot(METHODS).gc();
        (0..list.len()).filter_map(move |i| list.slot(i).as_sym())
    }
    /// Is the declared field read-only? `None`: not declared.
    pub fn field(self, name: Sym) -> Option<bool> {
        let list: Gc<Record> = self.0.slot(FIELDS).gc();
        list.slots().chunks(2).find(|f| f[0].as_sym() == Some(name)).map(|f| f[1].truthy())
    }
    /// Registered implementations.
    pub fn table(self) -> Gc<Table> {
        self.0.slot(IMPLEMENTATIONS).gc()
    }
}

impl Adapter {
    pub fn of(v: Value) -> Option<Adapter> {
        v.get::<Record>(Kind::Adapter).map(Adapter)
    }
    pub fn value(self) -> Value {
        self.0.value()
    }
    pub fn class(self) -> Gc<ClassObj> {
        self.0.slot(CLASS).gc()
    }
    pub fn interface(self) -> Option<Interface> {
        Interface::of(self.class().data().adapts)
    }
    pub fn wrapped(self) -> Value {
        self.0.slot(WRAPPED)
    }
    pub fn internal(self) -> Option<Value> {
        Some(self.0.slot(INTERNAL)).filter(|v| !v.is_nil())
    }
    pub fn set_internal(self, heap: &mut Heap, m: Gc<Map>) {
        self.0.set_slot(heap, INTERNAL, m.value());
    }
    /// The fields that the implementation declares.
    pub fn own(self) -> Option<Gc<Map>> {
        self.0.slot(OWN).get(Kind::Map)
    }
}

impl Heap {
    /// `methods` and `fields`: records as described above.
    pub fn interface(&mut self, name: Value, methods: Value, fields: Value) -> Interface {
        let table = self.table(Kind::HashMap).value();
        Interface(self.record(Kind::Interface, 0, &[name, methods, fields, table]))
    }

    pub fn adapter(&mut self, class: Gc<ClassObj>, wrapped: Value, own: Value) -> Adapter {
        Adapter(self.record(Kind::Adapter, 0, &[class.value(), wrapped, Value::NIL, own]))
    }
}
