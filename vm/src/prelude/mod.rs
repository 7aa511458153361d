//! The part of the library written in Gene: methods and functions that call back into script code, compiled one by one when
//! first called. At startup only their names are registered.
use crate::heap::{Gc, Kind};
use crate::native::{PRELUDE, R};
use crate::object::class::ClassObj;
use crate::object::namespace::NamespaceObj;
use crate::syntax::source::Source;
use crate::value::{Sym, Value};
use crate::vm::Vm;
use std::rc::Rc;

/// One method or function of `prelude/*.gene`, cut out by the build script.
pub struct PreludeEntry {
    /// Class the method belongs to, by its path; empty for functions.
    pub class: &'static str,
    pub name: &'static str,
    /// `(method name [params] body...)` or `(fn name [params] body...)`.
    pub source: &'static str,
    /// File and line it comes from.
    pub line: u32,
    /// Signature and sentence, then examples; as [`crate::native::NativeDef::doc`].
    pub doc: &'static str,
}

impl PreludeEntry {
    /// Where a function is a member, and its plain name there.
    fn place(&self, vm: &mut Vm) -> (Gc<NamespaceObj>, Sym) {
        let mut ns = vm.globals;
        let mut parts = self.name.split('/').peekable();
        while let Some(part) = parts.next() {
            if parts.peek().is_none() || part.is_empty() {
                return (ns, vm.symbols.intern_static(part));
            }
            ns = vm.sub_namespace(ns, part);
        }
        (ns, vm.symbols.intern_static(self.name))
    }
}

include!(concat!(env!("OUT_DIR"), "/prelude.rs"));

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
        if e.class.is_empty() {
<<<<<<< HEAD
            let (ns, s) = e.place(vm);
=======
            let (ns, s) = place(vm, e.name);
>>>>>>> sync
            vm.heap.namespace_set(ns, s, f);
        } else {
            let s = vm.symbols.intern_static(e.name);
            let Some(c) = class(vm, e.class) else { continue };
            vm.class_define(c, s, f);
        }
    }
}

<<<<<<< HEAD
/// The documentation of the entry a stub's data names.
pub fn doc(data: Value) -> &'static str {
    ENTRIES.get(data.small_int() as usize).map_or("", |e| e.doc)
}

/// The documentation of a compiled entry.
pub fn doc_of(vm: &Vm, f: Value) -> Option<&'static str> {
    let at = vm.prelude.functions.iter().position(|&v| v == f && !v.is_nil())?;
    Some(ENTRIES[at].doc)
=======
/// The namespace a path like `gene/async/all` leads to, made when missing, and the last name.
fn place(vm: &mut Vm, path: &'static str) -> (Gc<NamespaceObj>, Sym) {
    let mut ns = vm.globals;
    let mut rest = path;
    while let Some((name, more)) = rest.split_once('/').filter(|(name, more)| !name.is_empty() && !more.is_empty()) {
        ns = if ns == vm.globals && name == "gene" { vm.gene_ns } else { vm.sub_namespace(ns, name) };
        rest = more;
    }
    (ns, vm.symbols.intern_static(rest))
}

fn class(vm: &mut Vm, path: &'static str) -> Option<Gc<ClassObj>> {
    let (ns, s) = place(vm, path);
    vm.namespace_get(ns, s)?.get(Kind::Class)
>>>>>>> sync
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
    let f = if e.class.is_empty() {
<<<<<<< HEAD
        let (g, s) = e.place(vm);
=======
        let (ns, s) = place(vm, e.name);
>>>>>>> sync
        vm.call_sync(body, &[])?;
        let Some(f) = vm.module_var(id, s) else {
            return Err(vm.runtime_error(&format!("prelude {}: not defined", e.name)));
        };
<<<<<<< HEAD
        vm.heap.namespace_set(g, s, f);
=======
        vm.heap.namespace_set(ns, s, f);
        let g = vm.globals;
>>>>>>> sync
        g.data().version = g.data().version.wrapping_add(1);
        f
    } else {
        define_method(vm, e, body)?
    };
    vm.prelude.functions[i] = f;
    Ok(f)
}

/// Runs the `extend` form of an entry. Aliases are written under another name than they are registered by: what the class had
/// under that name stays.
fn define_method(vm: &mut Vm, e: &PreludeEntry, body: Value) -> R {
    let Some(c) = class(vm, e.class) else {
        return Err(vm.runtime_error(&format!("prelude: no class {}", e.class)));
    };
    let s = vm.symbols.intern_static(e.name);
    let written = vm.symbols.intern_static(e.source.split_whitespace().nth(1).unwrap_or(e.name));
    let before = c.data().methods.get(&written).copied();
    vm.call_sync(body, &[])?;
    let Some(&f) = c.data().methods.get(&written) else {
        return Err(vm.runtime_error(&format!("prelude {}: not defined", e.name)));
    };
    if written != s {
        match before {
            Some(m) => vm.class_define(c, written, m),
            None => {
                c.data().methods.remove(&written);
                c.data().method_order.retain(|&n| n != written);
            }
        }
        vm.class_define(c, s, f);
    }
    Ok(f)
}
