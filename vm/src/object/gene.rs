//! Genes: type, properties, children. A record (type, Map or nil, Array, source position as an Int or nil).
//!
//! Properties and children belong to the gene alone: `.props` and `.children` hand out copies. That is why only the gene's own
//! frozen flag counts, and why a missing property map can stay nil.
use super::array::Array;
use super::map::Map;
use crate::heap::{Gc, Kind, Record};
use crate::value::{Sym, Value};
use crate::vm::Vm;

impl Value {
    pub fn as_gene(self) -> Option<Gc<Record>> {
        self.get(Kind::Gene)
    }
}

impl Gc<Record> {
    /// Of a [`Kind::Gene`] record: its type.
    pub fn gene_type(self) -> Value {
        self.slot(0)
    }
    /// Of a [`Kind::Gene`] record: its properties, if it ever had one.
    pub fn gene_props(self) -> Option<Gc<Map>> {
        self.slot(1).get(Kind::Map)
    }
    /// Of a [`Kind::Gene`] record: its children.
    pub fn gene_children(self) -> Gc<Array> {
        self.slot(2).gc()
    }
}

impl Vm {
    /// A new gene that owns `props` (a Map or nil) and `children`.
    pub fn gene(&mut self, ty: Value, props: Value, children: Gc<Array>) -> Gc<Record> {
        self.heap.record(Kind::Gene, 0, &[ty, props, children.value(), Value::NIL])
    }

    pub fn gene_get_prop(&self, g: Gc<Record>, key: Sym) -> Option<Value> {
        self.map_get(g.gene_props()?, key)
    }

    pub fn gene_set_prop(&mut self, g: Gc<Record>, key: Sym, v: Value) {
        let m = match g.gene_props() {
            Some(m) => m,
            None => {
                let m = self.map();
                g.set_slot(&mut self.heap, 1, m.value());
                m
            }
        };
        self.map_set(m, key, v);
    }

    pub fn gene_props_len(&self, g: Gc<Record>) -> usize {
        g.gene_props().map_or(0, |m| self.map_len(m))
    }

    /// A mutable copy; properties and children are copied, their values shared.
    pub fn gene_copy(&mut self, g: Gc<Record>) -> Gc<Record> {
        let props = match g.gene_props() {
            Some(m) => self.map_copy(m).value(),
            None => Value::NIL,
        };
        let children = self.heap.array(g.gene_children().as_slice());
        self.gene(g.gene_type(), props, children)
    }
}
