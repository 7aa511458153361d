//! Making a VM: classes, namespaces, the library.
use crate::driver::{Driver, ModuleLoader, Output};
use crate::heap::{Gc, Heap, KIND_COUNT, Kind};
use crate::library::random::Rng;
use crate::object::class::ClassObj;
use crate::object::fiber::{FRAME_HEAD, Role, Status};
use crate::object::shape::Shapes;
use crate::object::symbol::Symbols;
use crate::task::Tasks;
use crate::value::Value;
use crate::vm::{Classes, Names, Options, Vm};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

/// Class names by kind; kinds without a name of their own show as `Object`.
const KIND_CLASSES: &[(Kind, &str)] = &[
    (Kind::Bytes, "Bytes"),
    (Kind::Str, "String"),
    (Kind::Array, "Array"),
    (Kind::Map, "Map"),
    (Kind::HashMap, "HashMap"),
    (Kind::HashSet, "HashSet"),
    (Kind::Class, "Class"),
    (Kind::Namespace, "Namespace"),
    (Kind::Enum, "Enum"),
    (Kind::Function, "Function"),
    (Kind::Range, "Range"),
    (Kind::Gene, "Gene"),
    (Kind::Path, "Path"),
    (Kind::Date, "Date"),
    (Kind::Time, "Time"),
    (Kind::DateTime, "DateTime"),
    (Kind::Duration, "Duration"),
    (Kind::Regex, "Regex"),
    (Kind::RegexMatch, "RegexMatch"),
    (Kind::Future, "Future"),
    (Kind::Selector, "Selector"),
    (Kind::Interface, "Interface"),
    (Kind::Package, "Package"),
    (Kind::Application, "Application"),
    (Kind::EnumValue, "EnumValue"),
    (Kind::Iter, "Iterator"),
    (Kind::TypeValue, "Type"),
];

impl Vm {
    /// A VM with the whole library of this crate. The embedder adds what needs the operating system.
    pub fn new(driver: Box<dyn Driver>, output: Box<dyn Output>, options: Options) -> Box<Vm> {
        let mut heap = Heap::new();
        heap.stress = options.stress_gc;
        heap.limit = options.memory_limit;
        let mut symbols = Symbols::default();
        let names = Names {
            message: symbols.intern_static("message"),
            cause: symbols.intern_static("cause"),
            call: symbols.intern_static("call"),
            to_s: symbols.intern_static("to_s"),
            next: symbols.intern_static("next"),
            iter: symbols.intern_static("iter"),
            next_pair: symbols.intern_static("next_pair"),
            eq: symbols.intern_static("=="),
            hash: symbols.intern_static("hash"),
            close: symbols.intern_static("close"),
            empty: symbols.intern_static(""),
            module: symbols.intern_static("<module>"),
            anon: symbols.intern_static("<fn>"),
            trace: symbols.intern_static("%trace"),
            scope: symbols.intern_static("%scope"),
            of: symbols.intern_static("%of"),
        };
        let globals = heap.namespace(None);
        let gene = symbols.intern_static("gene");
        let gene_ns = heap.namespace(Some(gene));
        let mut cur = heap.fiber(Role::Nested, 16);
        cur.status = Status::Waiting;
        // SAFETY: the new stack has more than a frame head.
        unsafe {
            for j in 0..FRAME_HEAD {
                *cur.stack.add(j) = Value::NIL;
            }
        }
        heap.permanent.push(cur.value());
        let dummy: Gc<ClassObj> = Gc::from_addr(16);
        let mut vm = Box::new(Vm {
            heap,
            cur,
            shapes: Shapes::new(),
            symbols,
            method_epoch: 1,
            exception: Value::UNDEF,
            ret: Value::NIL,
            thrown_in: None,
            fatal: false,
            generator_exit: Value::NIL,
            pending: None,
            classes: Box::new(Classes::all(dummy)),
            names,
            globals,
            gene_ns,
            modules: Vec::new(),
            tasks: Tasks::default(),
            driver,
            output,
            options,
            native_base: 0,
            nesting: 0,
            in_callback: false,
            switches: 0,
            polling_fibers: Vec::new(),
            method_cache: Box::default(),
            foreign_classes: Default::default(),
            numbered_classes: Vec::new(),
            interrupt: Arc::new(AtomicU32::new(0)),
            loader: None,
            rng: Rng::new(0),
            library: Default::default(),
            exit_code: None,
            prelude: Default::default(),
            evaluated: Default::default(),
            polls: 0,
            used_fuel: 0,
            dollar_hook: None,
            eval_count: 0,
            emitted: Vec::new(),
            sources: Default::default(),
            builtin_enums: [Value::NIL; 2],
            deadlocked: false,
            deadlock_exception: Value::UNDEF,
            main_module: 0,
            args_value: Value::UNDEF,
            functions: 0,
        });
        vm.make_classes();
        let seed = vm.driver.seed();
        vm.rng = Rng::new(seed);
        match vm.options.seed {
            Some(seed) => vm.order_by(seed),
            None => vm.tasks.rng = Some(Rng::new(vm.driver.seed() ^ 0x5EED_0F0D)),
        }
        let s = vm.symbols.intern_static("gene");
        let g = vm.gene_ns.value();
        vm.heap.namespace_set(globals, s, g);
        vm.make_enums();
        vm.make_types();
        crate::library::install(&mut vm);
        crate::task::library::install(&mut vm);
        crate::prelude::install(&mut vm);
        vm.heap.fuel.left = vm.slice();
        vm
    }

    pub fn set_loader(&mut self, l: Box<dyn ModuleLoader>) {
        self.loader = Some(l);
    }

    fn builtin(&mut self, name: &'static str, parent: Value) -> Gc<ClassObj> {
        let s = self.symbols.intern_static(name);
        let c = self.make_class(s, parent, 0);
        c.data().builtin = true;
        let g = self.globals;
        self.heap.namespace_set(g, s, c.value());
        c
    }

    fn exception_class(&mut self, name: &'static str, parent: Gc<ClassObj>) -> Gc<ClassObj> {
        let s = self.symbols.intern_static(name);
        let c = self.make_class(s, parent.value(), 0);
        c.data().is_exception = true;
        let g = self.globals;
        self.heap.namespace_set(g, s, c.value());
        c
    }

    fn make_classes(&mut self) {
        let object = self.builtin("Object", Value::NIL);
        object.data().builtin = false;
        let o = object.value();
        let mut by_kind = vec![object; KIND_COUNT];
        for (k, name) in KIND_CLASSES {
            by_kind[*k as usize] = self.builtin(name, o);
        }
        for k in [Kind::Native, Kind::BoundMethod] {
            by_kind[k as usize] = by_kind[Kind::Function as usize];
        }
        by_kind[Kind::Variant as usize] = by_kind[Kind::EnumValue as usize];
        by_kind[Kind::Quote as usize] = by_kind[Kind::Gene as usize];
        let function = by_kind[Kind::Function as usize].value();
        let future = by_kind[Kind::Future as usize].value();
        let int = self.builtin("Int", o);
        by_kind[Kind::BoxedInt as usize] = int;
        let c = Classes {
            by_kind,
            object,
            nil: self.builtin("Nil", o),
            void: self.builtin("Void", o),
            bool: self.builtin("Bool", o),
            int,
            float: self.builtin("Float", o),
            char: self.builtin("Char", o),
            symbol: self.builtin("Symbol", o),
            not_found: self.builtin("NotFound", o),
            macro_: self.builtin("Macro", function),
            generator: self.builtin("Generator", o),
            task: self.builtin("Task", future),
            ..Classes::all(object)
        };
        *self.classes = c;
        let s = self.symbols.intern_static("Exception");
        let exception = self.make_class(s, o, 4);
        exception.data().is_exception = true;
        let g = self.globals;
        self.heap.namespace_set(g, s, exception.value());
        let runtime = self.exception_class("RuntimeException", exception);
        let type_ = self.exception_class("TypeException", exception);
        let argument = self.exception_class("ArgumentException", exception);
        let io = self.exception_class("IOError", exception);
        let parse = self.exception_class("ParseException", exception);
        let assertion = self.exception_class("AssertionException", exception);
        let conc = self.exception_class("ConcurrencyException", exception);
        let resource = self.exception_class("ResourceLimitException", exception);
        self.exception_class("NetworkException", exception);
        self.exception_class("ThreadException", conc);
        let c = &mut *self.classes;
        c.exception = exception;
        c.runtime_exception = runtime;
        c.type_exception = type_;
        c.argument_exception = argument;
        c.io_error = io;
        c.parse_exception = parse;
        c.assertion_exception = assertion;
        c.concurrency_exception = conc;
        let memory = self.exception_class("MemoryLimitException", resource);
        let fuel = self.exception_class("FuelException", resource);
        let timeout = self.exception_class("TimeoutException", conc);
        let cancel = self.exception_class("CancellationException", conc);
        let deadlock = self.exception_class("DeadlockException", conc);
        let terminal = self.exception_class("AlreadyTerminalException", conc);
        let suspend = self.exception_class("CannotSuspendException", conc);
        let duration = self.exception_class("InvalidDurationException", argument);
        let closed = self.exception_class("ClosedException", conc);
        let channel_closed = self.exception_class("ChannelClosedException", closed);
        let scope_closed = self.exception_class("ScopeClosedException", closed);
        self.exception_class("ActorStoppedException", closed);
        self.exception_class("PoolShutdownException", closed);
        let busy = self.exception_class("BusyException", conc);
        let broken = self.exception_class("BrokenException", conc);
        let not_sendable = self.exception_class("NotSendableException", conc);
        let group = self.exception_class("ExceptionGroup", conc);
        self.exception_class("TaskLimitException", resource);
        let s = self.symbols.intern_static("NetworkException");
        if let Some(network) = self.namespace_get(self.globals, s).and_then(|v| v.get(Kind::Class)) {
            for name in ["DnsException", "ConnectException", "TlsException", "ProtocolException"] {
                self.exception_class(name, network);
            }
        }
        let c = &mut *self.classes;
        c.channel_closed = channel_closed;
        c.scope_closed = scope_closed;
        c.busy = busy;
        c.broken = broken;
        c.not_sendable = not_sendable;
        c.group = group;
        c.closed = closed;
        c.memory_limit = memory;
        c.fuel = fuel;
        c.timeout = timeout;
        c.cancellation = cancel;
        c.deadlock = deadlock;
        c.already_terminal = terminal;
        c.cannot_suspend = suspend;
        c.invalid_duration = duration;
        let m = self.str("generator closed");
        self.generator_exit = self.make_exception(cancel, m, Value::NIL);
    }

    /// `Result` and `Option`, and the names bound to their variants.
    fn make_enums(&mut self) {
        use crate::object::enums::VariantDecl;
        let value = self.symbols.intern_static("value");
        let error = self.symbols.intern_static("error");
        let one = |vm: &mut Vm, name: &'static str, variants: [(&'static str, Option<crate::value::Sym>); 2]| {
            let decls = variants
                .iter()
                .map(|(n, f)| VariantDecl {
                    name: vm.symbols.intern_static(n),
                    fields: f.map(|f| vec![(f, Value::NIL)]),
                })
                .collect();
            let s = vm.symbols.intern_static(name);
            let e = vm.heap.make_enum(s, decls);
            let g = vm.globals;
            vm.heap.namespace_set(g, s, e.value());
            for (i, (n, _)) in variants.iter().enumerate() {
                let s = vm.symbols.intern_static(n);
                vm.heap.namespace_set(g, s, e.data().values[i]);
            }
            vm.heap.permanent.push(e.value());
            e.value()
        };
        let r = one(self, "Result", [("Ok", Some(value)), ("Err", Some(error))]);
        let o = one(self, "Option", [("Some", Some(value)), ("None", None)]);
        self.builtin_enums = [r, o];
    }
}
