//! One virtual machine: heap, names, classes, modules, tasks.
use crate::driver::{Driver, Output};
use crate::heap::{Gc, Heap, Kind};
use crate::native::{NativeDef, R, Stop};
use crate::object::array::Array;
use crate::object::class::ClassObj;
use crate::object::fiber::Fiber;
use crate::object::map::Map;
use crate::object::namespace::NamespaceObj;
use crate::object::shape::Shapes;
use crate::object::string::Str;
use crate::object::symbol::Symbols;
use crate::task::Tasks;
use crate::value::{Sym, Value};
use std::rc::Rc;

/// Behaviour of a VM that its creator chooses.
pub struct Options {
    /// Instructions (calls and back-edges) between two polls of the event loop. 0: never while code runs.
    pub poll_interval: u32,
    pub contracts: bool,
    pub strict_nil: bool,
    pub warnings: bool,
    /// Warnings about source text are Gene maps, as reports of errors are.
    pub data_warnings: bool,
    /// Modules go through the static type checker.
    pub type_check: bool,
    /// What the checker finds stops a module from being loaded.
    pub strict_types: bool,
    /// Bytes.
    pub memory_limit: Option<usize>,
    /// Calls and back-edges after which the run ends with a FuelException that scripts can't catch.
    pub instruction_limit: Option<u64>,
    /// Ready tasks, timers of one instant and arms of `select` are ordered by this seed; the same one gives the same run on the
    /// virtual clock. `None`: in order of creation.
    pub seed: Option<u64>,
    /// Collect at every safepoint.
    pub stress_gc: bool,
    /// Exceptions keep the variables of the function that threw them, to be looked at.
    pub keep_scopes: bool,
    pub args: Vec<String>,
    /// Path of the program as given.
    pub program: String,
}

/// Calls and back-edges between two polls; see ARCHITECTURE.md for the measurement.
pub const DEFAULT_POLL_INTERVAL: u32 = 10_000;

impl Default for Options {
    fn default() -> Self {
        Options {
            poll_interval: DEFAULT_POLL_INTERVAL,
            contracts: true,
            strict_nil: false,
            warnings: true,
            data_warnings: false,
            type_check: true,
            strict_types: false,
            memory_limit: None,
            instruction_limit: None,
            seed: None,
            stress_gc: false,
            keep_scopes: false,
            args: Vec::new(),
            program: String::new(),
        }
    }
}

/// A loaded module.
pub struct Module {
    pub name: String,
    /// Directory for relative imports.
    pub dir: Option<std::path::PathBuf>,
    pub namespace: Gc<NamespaceObj>,
    /// Name, cell, constant: slots of the compiled unit. Cells are shared with importers.
    pub vars: Vec<(Sym, Value, bool)>,
    pub source: Rc<crate::syntax::source::Source>,
    pub running: bool,
    /// The module whose import loaded it.
    pub importer: Option<u32>,
    /// Packages declared by `$dep`, and where they are.
    pub declared: Vec<(String, String)>,
    /// Namespaces whose members are visible by plain name (`import *`).
    pub opened: Vec<Value>,
    /// Sessions only: what the inputs so far say about types.
    pub declarations: Vec<crate::session::Declaration>,
}

/// Classes of builtin kinds and of exceptions, by role.
pub struct Classes {
    pub by_kind: Vec<Gc<ClassObj>>,
    pub object: Gc<ClassObj>,
    pub nil: Gc<ClassObj>,
    pub void: Gc<ClassObj>,
    pub bool: Gc<ClassObj>,
    pub int: Gc<ClassObj>,
    pub float: Gc<ClassObj>,
    pub char: Gc<ClassObj>,
    pub symbol: Gc<ClassObj>,
    pub not_found: Gc<ClassObj>,
    pub macro_: Gc<ClassObj>,
    pub generator: Gc<ClassObj>,
    pub task: Gc<ClassObj>,
    pub exception: Gc<ClassObj>,
    pub runtime_exception: Gc<ClassObj>,
    pub type_exception: Gc<ClassObj>,
    pub argument_exception: Gc<ClassObj>,
    pub io_error: Gc<ClassObj>,
    pub parse_exception: Gc<ClassObj>,
    pub assertion_exception: Gc<ClassObj>,
    pub memory_limit: Gc<ClassObj>,
    pub fuel: Gc<ClassObj>,
    pub concurrency_exception: Gc<ClassObj>,
    pub timeout: Gc<ClassObj>,
    pub cancellation: Gc<ClassObj>,
    pub deadlock: Gc<ClassObj>,
    pub already_terminal: Gc<ClassObj>,
    pub cannot_suspend: Gc<ClassObj>,
    pub invalid_duration: Gc<ClassObj>,
    pub closed: Gc<ClassObj>,
    pub channel_closed: Gc<ClassObj>,
    pub scope_closed: Gc<ClassObj>,
    pub busy: Gc<ClassObj>,
    pub broken: Gc<ClassObj>,
    pub not_sendable: Gc<ClassObj>,
    pub group: Gc<ClassObj>,
}

impl Classes {
    /// Every role played by one class: the start of booting.
    pub(crate) fn all(c: Gc<ClassObj>) -> Classes {
        Classes {
            by_kind: Vec::new(),
            object: c,
            nil: c,
            void: c,
            bool: c,
            int: c,
            float: c,
            char: c,
            symbol: c,
            not_found: c,
            macro_: c,
            generator: c,
            task: c,
            exception: c,
            runtime_exception: c,
            type_exception: c,
            argument_exception: c,
            io_error: c,
            parse_exception: c,
            assertion_exception: c,
            memory_limit: c,
            fuel: c,
            concurrency_exception: c,
            timeout: c,
            cancellation: c,
            deadlock: c,
            already_terminal: c,
            cannot_suspend: c,
            invalid_duration: c,
            closed: c,
            channel_closed: c,
            scope_closed: c,
            busy: c,
            broken: c,
            not_sendable: c,
            group: c,
        }
    }
}

/// Names the VM itself looks up.
pub struct Names {
    pub message: Sym,
    pub cause: Sym,
    pub call: Sym,
    pub to_s: Sym,
    pub next: Sym,
    pub iter: Sym,
    pub next_pair: Sym,
    pub eq: Sym,
    pub hash: Sym,
    pub close: Sym,
    pub empty: Sym,
    pub module: Sym,
    pub anon: Sym,
    pub trace: Sym,
    /// Variables of the frame an exception was thrown in.
    pub scope: Sym,
    /// Task and scope an exception belongs to.
    pub of: Sym,
}

#[repr(C)]
pub struct Vm {
    pub heap: Heap,
    /// The running fiber.
    pub cur: Gc<Fiber>,
    pub shapes: Shapes,
    pub symbols: Symbols,
    /// Changes whenever a method table does: method caches check it.
    pub method_epoch: u32,
    /// The exception being thrown, or undefined.
    pub exception: Value,
    /// Result of a nested run.
    pub ret: Value,
    /// The native that raised `exception`.
    pub thrown_in: Option<&'static str>,
    /// `exception` can't be caught: the run ends.
    pub fatal: bool,
    /// Thrown into generators that are being closed.
    pub generator_exit: Value,
    /// What [`Stop::Call`] asks for.
    pub pending: Option<PendingCall>,
    pub classes: Box<Classes>,
    pub names: Names,
    /// Namespace `gene` and its globals.
    pub globals: Gc<NamespaceObj>,
    pub gene_ns: Gc<NamespaceObj>,
    pub modules: Vec<Module>,
    pub tasks: Tasks,
    pub driver: Box<dyn Driver>,
    pub output: Box<dyn Output>,
    pub options: Options,
    /// Lowest native stack address in use at the outermost entry into the interpreter.
    pub native_base: usize,
    /// Nested interpreter runs.
    pub nesting: u32,
    /// Callbacks run on top of a polling task: no further ones on top of those.
    pub in_callback: bool,
    /// Task switches so far.
    pub switches: u32,
    /// Fibers interrupted by a poll, whose callbacks run now.
    pub polling_fibers: Vec<Value>,
    pub method_cache: Box<crate::interp::cache::MethodCache>,
    /// Classes that foreign objects show as, by name.
    pub foreign_classes: rustc_hash::FxHashMap<&'static str, Gc<ClassObj>>,
    /// Classes of foreign objects with a number in their header, which counts from 1.
    pub numbered_classes: Vec<Gc<ClassObj>>,
    /// Set by other threads: look at it at the next safepoint.
    pub interrupt: std::sync::Arc<std::sync::atomic::AtomicU32>,
    pub loader: Option<Box<dyn crate::driver::ModuleLoader>>,
    pub rng: crate::library::random::Rng,
    pub library: crate::library::State,
    /// `(exit n)` was called.
    pub exit_code: Option<i32>,
    pub prelude: crate::prelude::Prelude,
    pub(crate) evaluated: crate::interp::evaluated::Evaluated,
    /// Safepoint slow paths taken so far; with the interval it gives the instruction count.
    pub polls: u64,
    pub used_fuel: u64,
    /// `$name` values the embedder provides (`$env`, ...): name without `$`, module it stands in.
    pub dollar_hook: Option<DollarHook>,
    /// Evaluations of data as code, for source names.
    pub eval_count: u32,
    /// Numbers of the definitions that the running comptime form emitted.
    pub emitted: Vec<u32>,
    /// Sources that quoted genes have positions in.
    pub sources: crate::sources::Sources,
    /// `Result` and `Option`.
    pub builtin_enums: [Value; 2],
    /// The program ended because its main task can never go on.
    pub deadlocked: bool,
    /// What the main task was thrown then.
    pub deadlock_exception: Value,
    /// Index of the program's module.
    pub main_module: u32,
    pub args_value: Value,
    /// Functions compiled so far.
    pub functions: u64,
}

/// The value of `$name` in a module, if the embedder knows the name.
pub type DollarHook = fn(&mut Vm, &str, u32) -> Option<R>;

/// A call a native asks the interpreter to make in its place.
pub struct PendingCall {
    pub callee: Value,
    pub args: Vec<Value>,
    pub kw: Vec<(Sym, Value)>,
    /// Call `callee` as a method: `args[0]` is `self`. A Symbol then names the method of `self` to call.
    pub method: bool,
}

impl Vm {
    // --- making and reading values
    #[inline]
    pub fn str(&mut self, s: &str) -> Value {
        self.heap.string(s).value()
    }
    #[inline]
    pub fn int(&mut self, i: i64) -> Value {
        self.heap.int(i)
    }
    pub fn array(&mut self, items: &[Value]) -> Value {
        self.heap.array(items).value()
    }
    pub fn sym(&mut self, name: &str) -> Sym {
        self.symbols.intern(name)
    }
    pub fn sym_name(&self, s: Sym) -> &'static str {
        self.symbols.name(s)
    }
    /// The String with a symbol's name (one object per symbol).
    pub fn sym_string(&mut self, s: Sym) -> Value {
        if let Some(v) = self.symbols.string(s) {
            return v;
        }
        let v = self.str(self.symbols.name(s));
        self.heap.permanent.push(v);
        self.symbols.set_string(s, v);
        v
    }
    pub fn as_array(&self, v: Value) -> Option<Gc<Array>> {
        v.get(Kind::Array)
    }
    pub fn as_map(&self, v: Value) -> Option<Gc<Map>> {
        v.get(Kind::Map)
    }
    pub fn as_string(&self, v: Value) -> Option<Gc<Str>> {
        v.get(Kind::Str)
    }
    /// The key a String or Symbol names in a Map; `None` for other kinds. Interns.
    pub fn map_key(&mut self, v: Value) -> Option<Sym> {
        match v.as_sym() {
            Some(s) => Some(s),
            None => v.as_str().map(|s| self.symbols.intern(s)),
        }
    }
    /// As [`Vm::map_key`] without interning: `Some(None)` when no map can have the key.
    pub fn find_map_key(&self, v: Value) -> Option<Option<Sym>> {
        match v.as_sym() {
            Some(s) => Some(Some(s)),
            None => v.as_str().map(|s| self.symbols.find(s)),
        }
    }

    // --- raising exceptions
    /// Stores a new exception of `class` and gives the `Stop` to return.
    #[cold]
    pub fn throw(&mut self, class: Gc<ClassObj>, message: &str) -> Stop {
        let m = self.str(message);
        let ex = self.make_exception(class, m, Value::NIL);
        self.exception = ex;
        Stop::Throw
    }
    #[cold]
    pub fn type_error(&mut self, message: &str) -> Stop {
        self.throw(self.classes.type_exception, message)
    }
    #[cold]
    pub fn argument_error(&mut self, message: &str) -> Stop {
        self.throw(self.classes.argument_exception, message)
    }
    #[cold]
    pub fn runtime_error(&mut self, message: &str) -> Stop {
        self.throw(self.classes.runtime_exception, message)
    }
    #[cold]
    pub fn io_error(&mut self, message: &str) -> Stop {
        self.throw(self.classes.io_error, message)
    }
    #[cold]
    pub fn parse_error(&mut self, message: &str) -> Stop {
        self.throw(self.classes.parse_exception, message)
    }
    /// An exception object of `class` (fields `message` and `cause`), its stack taken from the running fiber when thrown.
    pub fn make_exception(&mut self, class: Gc<ClassObj>, message: Value, cause: Value) -> Value {
        let ex = self.instance(class);
        let (m, c) = (self.names.message, self.names.cause);
        self.map_set(ex, m, message);
        self.map_set(ex, c, cause);
        ex.value()
    }

    pub fn source_by_id(&self, id: u32) -> Option<Rc<crate::syntax::source::Source>> {
        self.sources.get(id)
    }

    /// A global name for a value without literal syntax, for code made of data.
    pub(crate) fn embed_value(&mut self, v: Value) -> String {
        self.eval_count += 1;
        let name = format!("%value{}", self.eval_count);
        let s = self.sym(&name);
        let g = self.globals;
        self.heap.namespace_set(g, s, v);
        name
    }

    /// The `to_s` method a class of scripts gives its instances.
    pub fn user_to_s(&self, v: Value) -> Option<Value> {
        let c = self.instance_class(v.get(Kind::Instance)?);
        let m = self.class_find(c, self.names.to_s)?;
        (!m.is_kind(Kind::Native)).then_some(m)
    }

    // --- calling
    /// Makes the interpreter call `callee` in place of the running native.
    pub fn tail_call(&mut self, callee: Value, args: &[Value]) -> R {
        self.pending = Some(PendingCall { callee, args: args.to_vec(), kw: Vec::new(), method: false });
        Err(Stop::Call)
    }
    pub fn tail_call_kw(&mut self, callee: Value, args: &[Value], kw: Vec<(Sym, Value)>) -> R {
        self.pending = Some(PendingCall { callee, args: args.to_vec(), kw, method: false });
        Err(Stop::Call)
    }

    // --- defining builtins
    /// Adds methods to a builtin class.
    pub fn add_methods(&mut self, class: Gc<ClassObj>, defs: &'static [NativeDef]) {
        let c = class.data();
        c.methods.reserve(defs.len());
        c.method_order.reserve(defs.len());
        for d in defs {
            let s = self.symbols.intern_static(d.name);
            let f = self.heap.native(d, Value::NIL);
            self.class_define(class, s, f);
        }
    }
    /// Adds functions to a namespace.
    pub fn add_functions(&mut self, ns: Gc<NamespaceObj>, defs: &'static [NativeDef]) {
        for d in defs {
            let s = self.symbols.intern_static(d.name);
            let f = self.heap.native(d, Value::NIL);
            self.heap.namespace_set(ns, s, f);
        }
    }
    /// Adds functions that are global and in namespace `gene`.
    pub fn add_globals(&mut self, defs: &'static [NativeDef]) {
        self.add_functions(self.globals, defs);
    }
    /// Namespace `name` at top level, made when missing.
    pub fn global_namespace(&mut self, name: &'static str) -> Gc<NamespaceObj> {
        let s = self.symbols.intern_static(name);
        if let Some(crate::object::namespace::Member::Value(v)) = self.globals.data().find(s)
            && v.is_kind(Kind::Namespace)
        {
            return v.gc();
        }
        let ns = self.heap.namespace(Some(s));
        self.heap.namespace_set(self.globals, s, ns.value());
        ns
    }
    /// Namespace `name` inside `parent`, made when missing.
    pub fn sub_namespace(&mut self, parent: Gc<NamespaceObj>, name: &'static str) -> Gc<NamespaceObj> {
        let s = self.symbols.intern_static(name);
        if let Some(crate::object::namespace::Member::Value(v)) = parent.data().find(s)
            && v.is_kind(Kind::Namespace)
        {
            return v.gc();
        }
        let ns = self.heap.namespace(Some(s));
        self.heap.namespace_set(parent, s, ns.value());
        ns
    }
    /// A static member of a class (`Cls/name`, `(Cls .name)`).
    pub fn add_statics(&mut self, class: Gc<ClassObj>, defs: &'static [NativeDef]) {
        for d in defs {
            let s = self.symbols.intern_static(d.name);
            let f = self.heap.native(d, Value::NIL);
            class.data().statics.insert(s, f);
            self.heap.barrier(class);
        }
    }
}
