//! Namespace `testing`: what `test` and `suite` register, and `skip`. The helpers themselves are in `prelude/testing.gene`; who
//! runs the cases is the embedder's affair.
use super::args::string;
use crate::def;
use crate::heap::{Gc, Kind};
use crate::native::{Args, NativeDef, R};
use crate::object::array::Array;
use crate::object::class::ClassObj;
use crate::value::Value;
use crate::vm::Vm;

/// Between the names of suites and their cases.
const SEPARATOR: &str = " > ";

/// The cases of one VM.
#[derive(Default)]
pub struct Cases {
    /// Names of the open suites.
    suites: Vec<String>,
    /// An Array of `[name function]`, once there is one.
    list: Option<Value>,
    /// Cases run: there can be no further ones.
    pub closed: bool,
    skipped: Option<Gc<ClassObj>>,
}

#[rustfmt::skip]
static FUNCTIONS: &[NativeDef] = &[
    def!("_case", case, 2, 2, ""),
    def!("_enter", enter, 1, 1, ""),
    def!("_leave", leave, 0, 0, ""),
    def!("skip", skip, 0, 1, r#"(skip [reason]) -- ends the running test, which counts as skipped
        (skip "needs a network")"#),
];

pub fn install(vm: &mut Vm) {
    let ns = vm.global_namespace("testing");
    vm.add_functions(ns, FUNCTIONS);
}

fn case(vm: &mut Vm, a: &Args) -> R {
    let name = string(vm, "test", a.get(0))?.to_owned();
    if vm.library.cases.closed {
        return Err(vm.runtime_error(&format!("test '{name}' inside a test")));
    }
    let suites = &vm.library.cases.suites;
    let name = suites.iter().map(String::as_str).chain([name.as_str()]).collect::<Vec<_>>().join(SEPARATOR);
    let name = vm.str(&name);
    let case = vm.array(&[name, a.get(1)]);
    let list = match vm.library.cases.list {
        Some(list) => list,
        None => {
            let list = vm.array(&[]);
            vm.heap.permanent.push(list);
            vm.library.cases.list = Some(list);
            list
        }
    };
    vm.heap.array_push(list.gc::<Array>(), case);
    Ok(Value::NIL)
}

fn enter(vm: &mut Vm, a: &Args) -> R {
    let name = string(vm, "suite", a.get(0))?.to_owned();
    vm.library.cases.suites.push(name);
    Ok(Value::NIL)
}

fn leave(vm: &mut Vm, _: &Args) -> R {
    vm.library.cases.suites.pop();
    Ok(Value::NIL)
}

fn skip(vm: &mut Vm, a: &Args) -> R {
    let reason = match a.opt(0) {
        Some(v) => vm.to_display(v)?,
        None => String::new(),
    };
    let class = skipped(vm);
    Err(vm.throw(class, &reason))
}

/// What `skip` raises.
fn skipped(vm: &mut Vm) -> Gc<ClassObj> {
    match vm.library.cases.skipped {
        Some(class) => class,
        None => {
            let name = vm.symbols.intern_static("SkippedTest");
            // Classes live as long as the VM.
            let class = vm.make_class(name, vm.classes.exception.value(), 0);
            vm.library.cases.skipped = Some(class);
            class
        }
    }
}

impl Vm {
    /// The registered cases in order: name, function.
    pub fn test_cases(&self) -> Vec<(String, Value)> {
        let Some(list) = self.library.cases.list.and_then(|v| v.get::<Array>(Kind::Array)) else { return Vec::new() };
        let pairs = list.as_slice().iter().filter_map(|case| case.get::<Array>(Kind::Array));
        pairs.filter_map(|pair| Some((pair.at(0)?.as_str()?.to_owned(), pair.at(1)?))).collect()
    }

    /// Whether the exception comes from `skip`.
    pub fn is_skip(&self, exception: Value) -> bool {
        let class = self.library.cases.skipped;
        class.is_some_and(|c| exception.is_kind(Kind::Instance) && self.instance_class(exception.gc()) == c)
    }

    /// Makes the members of namespace `testing` visible by plain name.
    pub fn open_testing(&mut self) {
        let ns = self.global_namespace("testing");
        for (name, member) in ns.data().members.clone() {
            if let crate::object::namespace::Member::Value(v) = member
                && !self.sym_name(name).starts_with('_')
            {
                self.heap.namespace_set(self.globals, name, v);
            }
        }
    }
}
