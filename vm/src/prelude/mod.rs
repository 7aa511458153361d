//! The part of the library written in Gene: methods and functions that call back into script code, compiled one by one when
//! first called. At startup only their names are registered.
use crate::heap::Kind;
use crate::native::{PRELUDE, R};
use crate::syntax::source::Source;
use crate::value::Value;
use crate::vm::Vm;
use std::rc::Rc;

/// One method or function of `prelude/*.gene`, cut out by the build script.
pub struct PreludeEntry {
    /// Class the method belongs to; empty for global functions.
    pub class: &'static str,
    pub name: &'static str,
    /// `(method name [params] body...)` or `(fn name [params] body...)`.
    pub source: &'static str,
    /// File and line it comes from.
    pub line: u32,
}

pub static ENTRIES: &[PreludeEntry] = &[];

/// The module all prelude code is compiled in.
#[derive(Default)]
pub struct Prelude {
    module: Option<u32>,
    /// Compiled entries.
    functions: Vec<Value>,
}

impl Prelude {
    pub(crate) fn roots(&self, out: &mut Vec<Value>) {
        out.extend(&self.functions);
    }
}

pub fn install(vm: &mut Vm) {
    vm.prelude.functions = vec![Value::NIL; ENTRIES.len()];
    for (i, e) in ENTRIES.iter().enumerate() {
        let f = vm.heap.native(&PRELUDE, Value::small(i as i64));
        let s = vm.symbols.intern_static(e.name);
        if e.class.is_empty() {
            let g = vm.globals;
            vm.heap.namespace_set(g, s, f);
        } else {
            let c = vm.symbols.intern_static(e.class);
            let Some(c) =
                vm.namespace_get(vm.globals, c).and_then(|v| v.get::<crate::object::class::ClassObj>(Kind::Class))
            else {
                continue;
            };
            vm.class_define(c, s, f);
        }
    }
}

/// The function behind a prelude stub; compiles it the first time and puts it in the stub's place.
pub fn compile(vm: &mut Vm, data: Value) -> R {
    let i = data.small_int() as usize;
    let done = vm.prelude.functions[i];
    if !done.is_nil() {
        return Ok(done);
    }
    let e = &ENTRIES[i];
    let text = if e.class.is_empty() { e.source.to_string() } else { format!("(extend {} {})", e.class, e.source) };
    let source = Rc::new(Source::new("<prelude>", text));
    let id = match vm.prelude.module {
        Some(id) => {
            vm.modules[id as usize].source = source;
            vm.modules[id as usize].vars.clear();
            id
        }
        None => {
            let id = vm.new_module(source, None, "<prelude>");
            vm.prelude.module = Some(id);
            id
        }
    };
    let body = match vm.compile_text(id, true) {
        Ok(b) => b,
        Err(f) => return Err(vm.runtime_error(&format!("prelude {}: {}", e.name, f.message()))),
    };
    let s = vm.symbols.intern_static(e.name);
    vm.call_sync(body, &[])?;
    let f = if e.class.is_empty() {
        match vm.module_var(id, s) {
            Some(f) => f,
            None => return Err(vm.runtime_error(&format!("prelude {}: not defined", e.name))),
        }
    } else {
        let c = vm.symbols.intern_static(e.class);
        let Some(c) =
            vm.namespace_get(vm.globals, c).and_then(|v| v.get::<crate::object::class::ClassObj>(Kind::Class))
        else {
            return Err(vm.runtime_error(&format!("prelude: no class {}", e.class)));
        };
        c.data().methods[&s]
    };
    if e.class.is_empty() {
        let g = vm.globals;
        vm.heap.namespace_set(g, s, f);
        g.data().version = g.data().version.wrapping_add(1);
    }
    vm.prelude.functions[i] = f;
    Ok(f)
}
