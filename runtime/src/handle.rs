//! Values held by Rust code.
use gene_vm::heap::{Gc, Kind};
use gene_vm::object::array::Array;
use gene_vm::value::Value;
use gene_vm::vm::Vm;
use std::cell::RefCell;
use std::rc::Rc;

/// Keeps one value alive. Only good with the VM it came from.
pub struct Handle {
    at: usize,
    free: Rc<RefCell<Vec<usize>>>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        // The value itself goes when the place is used again, or with the VM: a handle has no access to the heap.
        self.free.borrow_mut().push(self.at);
    }
}

/// The places handles point to: elements of an Array the collector sees.
pub struct Roots {
    list: Value,
    free: Rc<RefCell<Vec<usize>>>,
}

impl Roots {
    pub fn new(vm: &mut Vm) -> Roots {
        let list = vm.array(&[]);
        vm.heap.permanent.push(list);
        Roots { list, free: Rc::default() }
    }

    fn array(&self) -> Option<Gc<Array>> {
        self.list.get(Kind::Array)
    }

    pub fn hold(&self, vm: &mut Vm, v: Value) -> Handle {
        let free = self.free.borrow_mut().pop();
        let mut at = 0;
        if let Some(list) = self.array() {
            match free {
                Some(i) => {
                    vm.heap.array_set(list, i, v);
                    at = i;
                }
                None => {
                    at = list.size();
                    vm.heap.array_push(list, v);
                }
            }
        }
        Handle { at, free: self.free.clone() }
    }

    /// # Panics
    ///
    /// When the handle belongs to another VM.
    pub fn get(&self, h: &Handle) -> Value {
        assert!(Rc::ptr_eq(&h.free, &self.free), "a handle of another VM");
        self.array().and_then(|l| l.at(h.at)).unwrap_or(Value::NIL)
    }
}
