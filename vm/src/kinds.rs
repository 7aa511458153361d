//! Classes and names of kinds.
use crate::heap::{Gc, Kind, Record};
use crate::native::Stop;
use crate::object::class::ClassObj;
use crate::object::fiber::Role;
use crate::object::function::Function;
use crate::object::map::Map;
use crate::value::Value;
use crate::vm::Vm;

impl Vm {
    /// The class of any value.
    pub fn class_of(&self, v: Value) -> Gc<ClassObj> {
        let c = &self.classes;
        if v.is_small() {
            return c.int;
        }
        if v.is_float() {
            return c.float;
        }
        if let Some(k) = v.heap_kind() {
            return match k {
                Kind::Instance => self.instance_class(v.gc::<Map>()),
                Kind::BoxedInt => c.int,
                Kind::Adapter => v.gc::<Record>().slot(0).gc(),
                Kind::Function if v.gc::<Function>().proto().is_macro => c.macro_,
                Kind::Fiber if v.as_fiber().is_some_and(|f| f.role == Role::Generator) => c.generator,
                Kind::Future if crate::task::future::shows_as_task(v) => c.task,
                Kind::Variant if v.gc::<Record>().header().aux == 1 => c.by_kind[Kind::Function as usize],
                Kind::Foreign if v.gc::<Record>().header().aux != 0 => {
                    self.numbered_classes[v.gc::<Record>().header().aux as usize - 1]
                }
                Kind::Foreign => self.foreign_classes.get(v.foreign_class().unwrap_or("")).copied().unwrap_or(c.object),
                _ => c.by_kind[k as usize],
            };
        }
        if v.is_sym() {
            return c.symbol;
        }
        if v.is_char() {
            return c.char;
        }
        match v {
            Value::NIL => c.nil,
            Value::VOID => c.void,
            Value::TRUE | Value::FALSE => c.bool,
            _ => c.not_found,
        }
    }

    /// `(typeof v)`: the name used in messages too.
    pub fn kind_name(&self, v: Value) -> &'static str {
        if let Some((e, _)) = v.enum_of() {
            return self.sym_name(e.data().name);
        }
        if v.is_kind(Kind::Iter) {
            return iter_name(v.gc::<Record>().header().aux);
        }
        self.sym_name(self.class_of(v).data().name)
    }

    /// Refuses what `name` was given in place of a callback.
    pub fn expect_callable(&mut self, name: &str, v: Value) -> Result<(), Stop> {
        if self.is_callable(v) {
            return Ok(());
        }
        let k = self.kind_name(v);
        Err(self.type_error(&format!("{name} expects a function, got {k}")))
    }

    /// Whether `(v ...)` calls something: functions of every kind, instances with a `call` method, `Class` itself.
    pub fn is_callable(&self, v: Value) -> bool {
        match v.heap_kind() {
            Some(Kind::Function | Kind::Native | Kind::BoundMethod | Kind::Selector | Kind::Interface) => true,
            Some(Kind::Variant) => true,
            Some(Kind::Instance | Kind::Adapter) => {
                let c = self.class_of(v);
                self.class_find(c, self.names.call).is_some()
            }
            Some(Kind::Class) => v == self.classes.by_kind[Kind::Class as usize].value(),
            _ => false,
        }
    }
}

/// Kinds of iterators, in `header.aux` of a [`Kind::Iter`].
pub const ITER_NAMES: &[&str] = &[
    "ArrayIterator",
    "MapIterator",
    "HashMapIterator",
    "HashSetIterator",
    "StringIterator",
    "BytesIterator",
    "RangeIterator",
];

pub fn iter_name(aux: u16) -> &'static str {
    ITER_NAMES.get(aux as usize).copied().unwrap_or("Iterator")
}
