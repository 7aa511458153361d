//! Between host results and the VM.
use gene_vm::driver::{HostFuture, HostResult};
use gene_vm::heap::{Gc, Kind};
use gene_vm::native::{NativeDef, R};
use gene_vm::object::class::ClassObj;
use gene_vm::object::namespace::{Member, NamespaceObj};
use gene_vm::value::Value;
use gene_vm::vm::Vm;

/// Defines functions in a namespace, bound to `data`.
pub fn functions(vm: &mut Vm, ns: Gc<NamespaceObj>, data: Value, defs: &'static [NativeDef]) {
    for d in defs {
        let name = vm.symbols.intern_static(d.name);
        let f = vm.heap.native(d, data);
        vm.heap.namespace_set(ns, name, f);
    }
}

/// As [`functions`], visible by plain name and in `gene`.
pub fn globals(vm: &mut Vm, data: Value, defs: &'static [NativeDef]) {
    functions(vm, vm.globals, data, defs);
    functions(vm, vm.gene_ns, data, defs);
}

pub fn methods(vm: &mut Vm, class: Gc<ClassObj>, data: Value, defs: &'static [NativeDef]) {
    for d in defs {
        let name = vm.symbols.intern_static(d.name);
        let f = vm.heap.native(d, data);
        vm.class_define(class, name, f);
    }
}

pub fn statics(vm: &mut Vm, class: Gc<ClassObj>, data: Value, defs: &'static [NativeDef]) {
    for d in defs {
        let name = vm.symbols.intern_static(d.name);
        let f = vm.heap.native(d, data);
        class.data().statics.insert(name, f);
        vm.heap.barrier(class);
    }
}

/// The exception class of a global name, else RuntimeException.
fn exception_class(vm: &mut Vm, name: &'static str) -> Gc<ClassObj> {
    let s = vm.symbols.intern_static(name);
    match vm.globals.data().find(s) {
        Some(Member::Value(v)) => v.get(Kind::Class).unwrap_or(vm.classes.runtime_exception),
        _ => vm.classes.runtime_exception,
    }
}

/// The value of a finished host operation, or its exception.
pub fn finish(vm: &mut Vm, result: HostResult) -> R {
    match result {
        Ok(v) => Ok(vm.host_value(v)),
        Err(e) => {
            let class = exception_class(vm, e.class);
            Err(vm.throw(class, &e.message))
        }
    }
}

/// Suspends the running task until the operation is done; its value is the native's. Given up when the task is cancelled.
pub fn wait(vm: &mut Vm, future: HostFuture) -> R {
    vm.host_wait(future)
}
