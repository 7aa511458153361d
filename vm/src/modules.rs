//! Modules: compiling, running as the program, importing, evaluating data in an environment.
use crate::compile::hir::Unit;
use crate::compile::lower::{self, EvalEnv, EvalModuleName, LowerOptions};
use crate::compile::types::{self, TypeEnv};
use crate::compile::{codegen, comptime, tools};
use crate::driver::{ImportRequest, LoadError};
use crate::heap::{Gc, Kind};
use crate::interp::Exit;
use crate::native::{R, Stop};
use crate::object::class::ClassObj;
use crate::object::code::SourceRef;
use crate::object::function::Cell;
use crate::object::namespace::{Member, NamespaceObj};
use crate::syntax;
use crate::syntax::diagnostic::{Diagnostic, Severity, Stage};
use crate::syntax::form::{Form, Span};
use crate::syntax::source::Source;
use crate::value::{Sym, Value};
use crate::vm::{Module, Vm};
use bumpalo::Bump;
use std::path::PathBuf;
use std::rc::Rc;

/// A module that could not be compiled.
pub struct LoadFailure {
    pub source: Rc<Source>,
    pub stage: Stage,
    /// In source order, at least one.
    pub errors: Vec<Diagnostic>,
}

impl LoadFailure {
    /// What the compiler or the checker found.
    pub(crate) fn compile(source: Rc<Source>, found: impl IntoIterator<Item = (Span, String)>) -> LoadFailure {
        let error = |(span, message)| Diagnostic { severity: Severity::Error, span, message };
        LoadFailure { source, stage: Stage::Compile, errors: found.into_iter().map(error).collect() }
    }
    fn one(source: Rc<Source>, stage: Stage, span: Span, message: String) -> LoadFailure {
        LoadFailure { source, stage, errors: vec![Diagnostic { severity: Severity::Error, span, message }] }
    }
    /// `file:line:col: text` of the first error.
    pub fn message(&self) -> String {
        self.errors.first().map_or(String::new(), |e| e.located(&self.source))
    }
}

/// How a program ended.
pub enum Outcome {
    /// The main body's value.
    Done(Value),
    /// The uncaught exception.
    Threw(Value),
    /// `(exit n)` or a signal.
    Exit(i32),
}

/// Calls and back-edges that take about as long as compiling the smallest datum.
const EVAL_CHARGES: i64 = 100;
/// Bytes of a compilation's arena that count as one more.
const ARENA_BYTES_PER_CHARGE: usize = 32;

impl Vm {
    /// A module entry for `source`, without variables yet.
    pub fn new_module(&mut self, source: Rc<Source>, dir: Option<PathBuf>, identity: &str) -> u32 {
        let id = self.modules.len() as u32;
        let namespace = self.heap.namespace(None);
        namespace.data().module = Some(id);
        self.modules.push(Module {
            name: identity.to_string(),
            dir,
            namespace,
            vars: Vec::new(),
            source,
            running: false,
            importer: None,
            declared: Vec::new(),
            opened: Vec::new(),
            declarations: Vec::new(),
        });
        id
    }

    /// Compiles `text` into module `id`; gives the closure of its body.
    pub fn compile_text(&mut self, id: u32, internal: bool) -> Result<Value, LoadFailure> {
        let source = self.modules[id as usize].source.clone();
        let arena = Bump::new();
        let forms = match syntax::read(&arena, &source.text) {
            Ok(f) => f,
            Err(e) => return Err(LoadFailure::one(source, Stage::Parse, e.span, e.message)),
        };
        let forms: &[Form] = arena.alloc_slice_copy(&forms);
        let forms = match comptime::expand(self, &arena, forms, &source) {
            Ok(forms) => forms,
            Err(errors) => return Err(self.compile_failure(source, errors)),
        };
        let is_global = |name: &str| {
            name.starts_with('$') || self.symbols.find(name).is_some_and(|s| self.globals.data().find(s).is_some())
        };
        let opts = LowerOptions { is_global: &is_global };
        let mut forms: &[Form] = forms;
        if !internal && (is_global("test") || source.text.contains("testing/")) {
            forms = tools::with_test_bodies(&arena, forms);
        }
        let unit = match lower::lower_module(&arena, forms, &opts) {
            Ok(u) => u,
            Err(errors) => return Err(self.compile_failure(source, errors)),
        };
        let mut warnings = unit.warnings.clone();
        if !internal && self.options.type_check {
            warnings.extend(self.check_types(&unit, id, &source)?);
            warnings.sort_by_key(|(span, _)| span.start);
        }
        self.warn(&warnings, &source);
        self.finish_unit(&unit, id, source, internal)
    }

    fn compile_failure(&self, source: Rc<Source>, errors: Vec<lower::CompileError>) -> LoadFailure {
        LoadFailure::compile(source, errors.into_iter().map(|e| (e.span, e.message)))
    }

    /// The class that a global name stands for.
    fn library_class(&self, name: &str) -> Option<Gc<ClassObj>> {
        let member = self.symbols.find(name).and_then(|s| self.globals.data().find(s));
        member.and_then(|m| m.plain()).and_then(|v| v.get::<ClassObj>(Kind::Class))
    }

    /// Has the library class a method of this name? `None`: there is no such class.
    pub(crate) fn library_method(&self, class: &str, name: &str) -> Option<bool> {
        let class = self.library_class(class)?;
        Some(self.symbols.find(name).is_some_and(|s| self.class_find(class, s).is_some()))
    }

    /// The static type checker (18.5).
    fn check_types(&self, unit: &Unit, id: u32, source: &Rc<Source>) -> Result<Vec<(Span, String)>, LoadFailure> {
        if !self.options.warnings && !self.options.strict_types {
            return Ok(Vec::new());
        }
        let findings = self.type_findings(unit, id == self.main_module);
        if self.options.strict_types && !findings.is_empty() {
            return Err(LoadFailure::compile(source.clone(), findings));
        }
        Ok(findings)
    }

    /// What the checker says of a unit. `main`: nothing can be added to it from outside.
    pub(crate) fn type_findings(&self, unit: &Unit, main: bool) -> Vec<(Span, String)> {
        let env = TypeEnv {
            is_class: &|name| self.library_class(name).is_some(),
            related: &|a, b| match (self.library_class(a), self.library_class(b)) {
                (Some(a), Some(b)) => self.subclass_of(a, b) || self.subclass_of(b, a),
                _ => true,
            },
            has_method: &|class, name| self.library_method(class, name).unwrap_or(true),
            strict_nil: self.options.strict_nil,
            main,
        };
        types::check(unit, &env).into_iter().map(|f| (f.span, f.message)).collect()
    }

    pub(crate) fn warn(&mut self, warnings: &[(Span, String)], source: &Source) {
        if self.options.warnings {
            for (span, text) in warnings {
                let d = Diagnostic { severity: Severity::Warning, span: *span, message: text.clone() };
                let line = match self.options.data_warnings {
                    true => d.render_data(source, Stage::Compile, None),
                    false => d.render(source),
                };
                self.output.stderr(&format!("{}\n", line.trim_end()));
            }
        }
    }

    /// Makes cells for the unit's new module variables and generates its code.
    fn finish_unit(&mut self, unit: &Unit, id: u32, source: Rc<Source>, internal: bool) -> Result<Value, LoadFailure> {
        let owned = |(name, path): &(&str, &str)| (name.to_string(), path.to_string());
        self.modules[id as usize].declared.extend(unit.dependencies.iter().map(owned));
        let have = self.modules[id as usize].vars.len();
        for v in unit.module_vars.iter().skip(have) {
            let s = self.symbols.intern(v.name);
            // A global of this name is not meant any more.
            if self.globals.data().find(s).is_some() {
                self.globals.data().version = self.globals.data().version.wrapping_add(1);
            }
            let cell = self.heap.cell(Value::UNDEF).value();
            let m = &mut self.modules[id as usize];
            m.vars.push((s, cell, v.constant));
            if v.exported {
                m.namespace.data().set(s, Member::Cell(cell));
                self.heap.barrier(m.namespace);
            }
        }
        let cells: Vec<Value> = self.modules[id as usize].vars.iter().map(|v| v.1).collect();
        let number = self.sources.number(&source);
        let sref = Rc::new(SourceRef { source: source.clone(), internal, module: id, id: number });
        match codegen::generate(self, unit, sref, &cells) {
            Ok(code) => Ok(self.heap.function(code, 0).value()),
            Err(e) => Err(LoadFailure::one(source, Stage::Compile, e.span, e.message)),
        }
    }

    /// Compiles a program; gives the closure of its body. Run it with [`Vm::run_main`].
    pub fn load_main(
        &mut self,
        name: &str,
        text: String,
        dir: Option<PathBuf>,
        identity: &str,
    ) -> Result<Value, LoadFailure> {
        crate::stack::mark();
        let source = Rc::new(Source::new(name, text));
        let id = self.new_module(source, dir, identity);
        self.compile_text(id, false)
    }

    /// Runs a program's body as the main task until nothing is left to do.
    pub fn run_main(&mut self, body: Value, drain: bool) -> Outcome {
        crate::stack::mark();
        let here = 0usize;
        let base = &here as *const usize as usize;
        let old = self.native_base;
        self.native_base = base.max(old);
        self.heap.fuel.left = self.slice();
        self.tasks.main_result = None;
        let out = match crate::task::start_main(self, body) {
            Ok(fut) => {
                self.heap.permanent.push(fut);
                // The module stays reachable while the program runs.
                let exit = self.run_loop(drain);
                debug_assert!(exit != Exit::Threw);
                let outcome = self.finish_main(fut);
                // A session runs many bodies: what is over is not kept.
                if let Some(at) = self.heap.permanent.iter().rposition(|v| *v == fut) {
                    self.heap.permanent.remove(at);
                }
                outcome
            }
            Err(_) => Outcome::Threw(self.exception),
        };
        self.native_base = old;
        out
    }

    fn finish_main(&mut self, fut: Value) -> Outcome {
        if self.fatal {
            // The exception that nothing can catch left the main task, or the task that ran when the limit was reached.
            return match self.tasks.main_result.take() {
                Some(Err(ex)) => Outcome::Threw(ex),
                _ => self.limit_reached(),
            };
        }
        if let Some(code) = self.exit_code {
            return Outcome::Exit(code);
        }
        self.tasks.failed.retain(|f| *f != fut);
        self.report_unobserved();
        match self.tasks.main_result.take() {
            Some(Ok(v)) => Outcome::Done(v),
            Some(Err(ex)) => {
                // A circle is found where it closes, before nothing can run any more: the same end.
                self.deadlocked = self.is_exception(ex, self.classes.deadlock);
                Outcome::Threw(ex)
            }
            None => Outcome::Threw(self.deadlock_exception),
        }
    }

    fn limit_reached(&mut self) -> Outcome {
        match self.options.instruction_limit {
            Some(limit) if self.used_fuel >= limit => {
                let _ = self.fuel_error(&format!("Instruction limit of {limit} reached"));
            }
            _ => {
                let limit = self.options.memory_limit.unwrap_or(0);
                let _ = self.throw(self.classes.memory_limit, &format!("Memory limit of {limit} bytes exceeded"));
            }
        }
        Outcome::Threw(std::mem::replace(&mut self.exception, Value::UNDEF))
    }

    /// `$name` values of the language itself; the embedder's come from its hook.
    pub(crate) fn dollar(&mut self, name: &str, module: u32) -> Option<R> {
        Some(Ok(match name {
            "args" => {
                if self.args_value.is_undef() {
                    let args = self.options.args.clone();
                    let a = self.heap.array_with_capacity(args.len());
                    for s in &args {
                        let s = self.str(s);
                        self.heap.array_push(a, s);
                    }
                    self.args_value = a.value();
                    self.heap.permanent.push(a.value());
                }
                self.args_value
            }
            "program" => {
                let p = self.options.program.clone();
                self.str(&p)
            }
            "is_main" => Value::bool(module == self.main_module),
            "ns" => self.modules.get(module as usize)?.namespace.value(),
            "ex" => Value::NIL,
            _ => return self.dollar_hook.and_then(|h| h(self, name, module)),
        }))
    }

    // --- import

    /// The namespace of the module `spec` names, loading and running it the first time. Its body runs through
    /// [`Stop::Call`], so it may suspend.
    pub fn import_module(
        &mut self,
        spec: &str,
        package: Option<&str>,
        path: Option<&str>,
        from: u32,
    ) -> Result<(u32, Option<Value>), Stop> {
        let importer = self.modules.get(from as usize).map_or(String::new(), |m| m.source.name.clone());
        let not_found = |searched: &[String]| {
            let list = searched.join(" ");
            format!(
                "[GENE.MODULE.NOT_FOUND] Module '{spec}' was not found (importer={importer}; specifier={spec}; searched=[{list}])"
            )
        };
        let Some(mut loader) = self.loader.take() else { return Err(self.runtime_error(&not_found(&[]))) };
        let dir = |id: u32| self.modules.get(id as usize).and_then(|m| m.dir.as_deref());
        let request = ImportRequest {
            spec,
            dir: dir(from),
            main_dir: dir(self.main_module),
            package,
            path,
            declared: self.modules.get(from as usize).map_or(&[], |m| &m.declared),
        };
        let loaded = loader.load(&request);
        self.loader = Some(loader);
        let loaded = match loaded {
            Ok(l) => l,
            Err(LoadError::NotFound { searched }) => return Err(self.runtime_error(&not_found(&searched))),
            Err(LoadError::Unreadable { path, reason }) => {
                return Err(self.io_error(&format!("Failed to read file '{path}': {reason}")));
            }
            Err(LoadError::Package { message }) => return Err(self.runtime_error(&message)),
            Err(LoadError::Malformed { message }) => return Err(self.parse_error(&message)),
        };
        if let Some(id) = self.modules.iter().position(|m| m.name == loaded.identity) {
            // A module whose body threw is no module: the next import, of a session say, loads it again.
            if !self.modules[id].running || is_loading_for(self, id as u32, from) {
                return Ok((id as u32, None));
            }
            self.modules[id].name = String::from("\0failed");
        }
        let text = match syntax::decode(&loaded.text) {
            Ok(t) => t.to_string(),
            Err(e) => {
                let text = String::from_utf8_lossy(&loaded.text).into_owned();
                let source = Rc::new(Source::new(&loaded.name, text));
                let f = LoadFailure::one(source, Stage::Parse, e.span, e.message);
                return Err(self.parse_error(&f.message()));
            }
        };
        let source = Rc::new(Source::new(&loaded.name, text));
        let id = self.new_module(source, loaded.dir, &loaded.identity);
        self.modules[id as usize].importer = Some(from);
        match self.compile_text(id, false) {
            Ok(body) => Ok((id, Some(body))),
            Err(f) => {
                self.modules[id as usize].name = String::from("\0failed");
                Err(self.parse_error(&f.message()))
            }
        }
    }

    // --- data as code

    /// Compiles forms for evaluation in an environment: names of its cells, and the module they belong to.
    pub fn compile_eval<'a>(
        &mut self,
        forms: &[Form<'a>],
        arena: &'a Bump,
        env: &EvalEnv,
        module: u32,
        source: Rc<Source>,
    ) -> Result<Value, LoadFailure> {
        let forms = match comptime::expand(self, arena, arena.alloc_slice_copy(forms), &source) {
            Ok(forms) => forms,
            Err(errors) => return Err(self.compile_failure(source, errors)),
        };
        self.compile_forms(forms, arena, env, module, source)
    }

    /// As [`Vm::compile_eval`], for forms without comptime.
    pub(crate) fn compile_forms<'a>(
        &mut self,
        forms: &'a [Form<'a>],
        arena: &'a Bump,
        env: &EvalEnv,
        module: u32,
        source: Rc<Source>,
    ) -> Result<Value, LoadFailure> {
        let unit = lower::lower_eval(arena, forms, env);
        // Compiling is work like that of natives; what it needs in memory grows with the forms.
        self.heap.fuel.spend(EVAL_CHARGES + (arena.allocated_bytes() / ARENA_BYTES_PER_CHARGE) as i64);
        let unit = match unit {
            Ok(u) => u,
            Err(errors) => return Err(self.compile_failure(source, errors)),
        };
        self.finish_unit(&unit, module, source, false)
    }

    /// The names of a module's variables, as an evaluation environment sees them.
    pub fn module_names(&self, module: u32) -> Vec<EvalModuleName> {
        self.modules[module as usize]
            .vars
            .iter()
            .enumerate()
            .map(|(i, v)| EvalModuleName {
                name: self.sym_name(v.0).to_string(),
                slot: i as u32,
                constant: v.2,
                task_local: v.1.get::<Cell>(Kind::Cell).is_some_and(|c| crate::task::local::is_key(c.value)),
            })
            .collect()
    }

    /// One more input of an interactive session in module `module`: definitions become module variables.
    pub fn load_repl(&mut self, module: u32, text: String, name: &str) -> Result<Value, LoadFailure> {
        crate::stack::mark();
        let source = Rc::new(Source::new(name, text));
        let arena = Bump::new();
        let forms = match syntax::read(&arena, &source.text) {
            Ok(f) => f,
            Err(e) => return Err(LoadFailure::one(source, Stage::Parse, e.span, e.message)),
        };
        let own = &self.modules[module as usize].vars;
        let is_own = |name: &str| own.iter().any(|v| self.sym_name(v.0) == name);
        let forms = tools::with_quoted_names(&arena, arena.alloc_slice_copy(&forms), &is_own);
        let env = EvalEnv {
            module_names: self.module_names(module),
            module_slots: self.modules[module as usize].vars.len() as u32,
            repl: true,
            ..EvalEnv::default()
        };
        let checked = self.check_input(module, &source)?;
        let body = self.compile_eval(forms, &arena, &env, module, source.clone())?;
        self.accept_input(module, &source, checked);
        Ok(body)
    }
}

/// Binds what an import names, once its module has run.
pub fn bind_import(vm: &mut Vm, ns: Gc<NamespaceObj>, spec: &str, path: &[Sym], importer: u32) -> R {
    let mut v = ns.value();
    for (i, &s) in path.iter().enumerate() {
        let found = match v.get::<NamespaceObj>(Kind::Namespace) {
            Some(n) => vm.namespace_get(n, s),
            None => None,
        };
        match found {
            Some(x) => v = x,
            // `(import m from "m")` binds the namespace itself when the module has no such member.
            None if i == 0
                && path.len() == 1
                && spec.rsplit('/').next().map(|l| l.trim_end_matches(".gene")) == Some(vm.sym_name(s)) =>
            {
                return Ok(ns.value());
            }
            None => {
                let x = vm.sym_name(s);
                let cycle = match import_cycle(vm, ns, importer) {
                    Some(files) => format!(" (import cycle: {})", files.join(" -> ")),
                    None => String::new(),
                };
                return Err(vm.runtime_error(&format!(
                    "[GENE.MODULE.MEMBER_NOT_FOUND] Module '{spec}' has no member '{x}'{cycle}"
                )));
            }
        }
    }
    Ok(v)
}

/// Does `importer` run because `target`, or a module that it imports, imports it?
fn is_loading_for(vm: &Vm, target: u32, importer: u32) -> bool {
    std::iter::successors(Some(importer), |&id| vm.modules.get(id as usize)?.importer).any(|id| id == target)
}

/// The files from the module of `ns` through whoever imports whom back to it, if `importer` is being loaded for it.
fn import_cycle(vm: &Vm, ns: Gc<NamespaceObj>, importer: u32) -> Option<Vec<String>> {
    let target = vm.modules.iter().position(|m| m.namespace == ns)? as u32;
    let name = |id: u32| vm.modules[id as usize].source.name.clone();
    let mut files = vec![name(target)];
    let mut at = importer;
    loop {
        files.push(name(at));
        if at == target {
            files.reverse();
            return Some(files);
        }
        at = vm.modules.get(at as usize)?.importer?;
    }
}
