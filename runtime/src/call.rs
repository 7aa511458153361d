//! Running one function of a program as its main task, so that it may wait.
use crate::vm::Vm;
use gene_vm::modules::Outcome;
use gene_vm::syntax::source::Source;
use gene_vm::value::Value;
use std::rc::Rc;

/// Calls what the tool put there. Its frame is the machine's own and shows in no trace.
const CALLER: &str = "($_call/0 $_call/1...)";

/// Member of the globals that `$_call` reads.
pub(crate) const TARGET: &str = "%call";

impl Vm {
    /// The outcome of `f` called with the arguments. With `drain`, tasks it started and left are waited for.
    pub(crate) fn call(&mut self, f: Value, args: &[Value], drain: bool) -> Outcome {
        let vm = &mut *self.inner;
        let args = vm.array(args);
        let target = vm.array(&[f, args]);
        let name = vm.symbols.intern_static(TARGET);
        vm.heap.namespace_set(vm.globals, name, target);
        let body = match self.caller {
            Some(body) => body,
            None => {
                let id = vm.new_module(Rc::new(Source::new("<call>", CALLER)), None, "<call>");
                match vm.compile_text(id, true) {
                    Ok(body) => {
                        vm.heap.permanent.push(body);
                        self.caller = Some(body);
                        body
                    }
                    Err(failure) => {
                        let _ = vm.runtime_error(&failure.message());
                        return Outcome::Threw(std::mem::replace(&mut vm.exception, Value::UNDEF));
                    }
                }
            }
        };
        self.inner.run_main(body, drain)
    }

    /// As [`Vm::call`] for the function at a path of builtin namespaces, such as `gene/serdes/deserialize`.
    pub(crate) fn call_builtin(&mut self, path: &str, args: &[Value]) -> Outcome {
        match self.builtin(path) {
            Some(f) => self.call(f, args, true),
            None => {
                let _ = self.inner.runtime_error(&format!("{path} is not defined"));
                Outcome::Threw(std::mem::replace(&mut self.inner.exception, Value::UNDEF))
            }
        }
    }

    fn builtin(&mut self, path: &str) -> Option<Value> {
        use gene_vm::heap::Kind;
        use gene_vm::object::namespace::NamespaceObj;
        let vm = &mut *self.inner;
        let mut v = vm.globals.value();
        for name in path.split('/') {
            let ns = v.get::<NamespaceObj>(Kind::Namespace)?;
            let name = vm.symbols.intern(name);
            v = vm.namespace_get(ns, name)?;
        }
        Some(v)
    }
}
