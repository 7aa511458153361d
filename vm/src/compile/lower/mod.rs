//! Lowering: forms to [HIR](super::hir). Names are resolved, special forms understood, and every compile error is found here.
//!
//! # How it works
//!
//! One recursive walk ([`expr`](self) and one file per group of forms) makes expressions in the arena while [`scope`] keeps track
//! of names. What an expression needs to know beforehand is found out by [`scan`]: the names a block declares, where a function
//! must be bound at the latest, which top-level variables functions use. What is known only afterwards (cells) is not part of
//! expressions but of the functions' variables, which are put together at the end.
//!
//! Nested forms grow the native stack in chunks on the heap, so no input overflows it.

use bumpalo::Bump;
use rustc_hash::{FxHashMap, FxHashSet};

use super::hir::{
    Block, Contract, E, Expr, ExprKind, Func, FuncId, FuncKind, ModuleVar, Param, SlotId, TypeRef, Unit, VarId,
};
use crate::syntax::form::{Form, Span};

mod binding;
mod block;
mod call;
mod case;
mod class;
mod concurrent;
mod control;
mod enums;
mod exception;
mod expr;
mod function;
mod infix;
mod interface;
mod loops;
mod macros;
mod module;
mod path;
mod pattern;
mod properties;
mod scan;
mod scope;
mod selector;
mod task;
pub(in crate::compile) mod text;
mod types;
mod words;

pub use words::RESERVED;

#[cfg(test)]
mod tests;

use enums::EnumInfo;
use scan::ModuleScan;
pub use scope::EVALUATED;
use scope::{Binding, CaptureDraft, FnCx, NameKind, Place, Scope, State, Var};
use types::AliasInfo;

/// At most this many compile errors are reported per unit.
const MAX_ERRORS: usize = 20;

/// Runs `f` with enough native stack for one level of nesting.
pub(super) fn with_stack<T>(f: impl FnOnce() -> T) -> T {
    crate::stack::grow(f)
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileError {
    pub span: Span,
    pub message: String,
}

/// What the lowering asks its surroundings.
#[derive(Clone, Copy)]
pub struct LowerOptions<'o> {
    /// Whether a global of this name exists. It decides how bare names in `when` are understood (12.4); everywhere else an
    /// unbound name is looked up when it is evaluated.
    pub is_global: &'o dyn Fn(&str) -> bool,
}

impl Default for LowerOptions<'_> {
    /// Every name may be a global.
    fn default() -> Self {
        LowerOptions { is_global: &|_| true }
    }
}

/// The surroundings of data that is evaluated as code.
#[derive(Clone, Default)]
pub struct EvalEnv<'o> {
    /// Visible variables, inner ones first. Entry `i` is `CaptureSource::Env(i)`; `self`, `$ex` and the caller environment
    /// follow as the next entries, as far as they exist.
    pub names: Vec<EvalName>,
    /// So many of them, the first ones, are what the forms declare in their own scope. Other data that is evaluated here later sees
    /// them.
    pub own: usize,
    pub has_self: bool,
    pub has_ex: bool,
    pub has_caller: bool,
    /// The names of the module's variables, later ones winning over earlier ones.
    pub module_names: Vec<EvalModuleName>,
    /// How many module variables there are: new ones get the slots from here on.
    pub module_slots: u32,
    /// The enums that visible names hold; `None` when they are not known. See [`EvalEnum`].
    pub enums: Option<Vec<EvalEnum>>,
    /// The forms stand at the top of a module, as the input of a session does: what they define there stays, as new module
    /// variables.
    pub repl: bool,
    /// They are data: there is nothing around them to leave, and no place for an import.
    pub data: bool,
    pub options: LowerOptions<'o>,
}

#[derive(Clone, Debug)]
pub struct EvalName {
    pub name: String,
    pub constant: bool,
}

#[derive(Clone, Debug)]
pub struct EvalModuleName {
    pub name: String,
    pub slot: SlotId,
    pub constant: bool,
    /// Its value is the key of a task-local.
    pub task_local: bool,
}

/// An enum visible under `name`: its variants in order, with the field names of those that have a payload. They are used to
/// check patterns.
#[derive(Clone, Debug)]
pub struct EvalEnum {
    pub name: String,
    pub variants: Vec<(String, Option<Vec<String>>)>,
}

/// Lowers a module. Function 0 of the unit is its body.
pub fn lower_module<'a>(
    arena: &'a Bump,
    forms: &'a [Form<'a>],
    options: &LowerOptions<'_>,
) -> Result<Unit<'a>, Vec<CompileError>> {
    let mut scan = scan::scan_module(forms);
    // The scan takes any name inside a function for a captured one. Where that matters, a first run tells the truth.
    if scan.top_loop && !scan.all_visible {
        let declares_captured =
            |decl: &scan::Decl<'_>| decl.kind == scan::DeclKind::Var && scan.captured.contains(decl.name);
        if scan::declarations(forms).iter().any(declares_captured) {
            let mut trial = Lower::new(arena, scan, options);
            trial.module(forms);
            if !trial.errors.is_empty() {
                return Err(trial.sorted_errors());
            }
            scan = trial.scan;
            scan.captured = trial.module_vars.iter().filter(|slot| slot.captured).map(|slot| slot.name).collect();
        }
    }
    let mut lower = Lower::new(arena, scan, options);
    lower.module(forms);
    lower.finish()
}

/// Lowers data given to `eval` or `$caller_eval`, or input of a session. Function 0 is of kind [`FuncKind::Eval`]. The unit's
/// module variables are the existing ones (as far as the environment tells) followed by new ones.
pub fn lower_eval<'a>(
    arena: &'a Bump,
    forms: &'a [Form<'a>],
    env: &EvalEnv<'_>,
) -> Result<Unit<'a>, Vec<CompileError>> {
    let scan = scan::scan_module(forms);
    let mut lower = Lower::new(arena, scan, &env.options);
    lower.eval(forms, env);
    lower.finish()
}

/// Calls `visit` with the names that occur in a form, those of types included.
pub fn mentioned_names<'a>(form: &'a Form<'a>, mut visit: impl FnMut(&'a str)) {
    scan::names_in(form, |name| name.split(':').filter(|part| !part.is_empty()).for_each(&mut visit));
}

/// What forms of data declare in the scope they are evaluated in: name, and whether it is a constant.
pub fn eval_declarations<'a>(forms: &'a [Form<'a>]) -> Vec<(String, bool)> {
    let lasts = |kind| !matches!(kind, scan::DeclKind::Local | scan::DeclKind::Import);
    let plain = scan::declarations(forms).into_iter().filter(|d| d.spelling == scan::Spelling::Plain && lasts(d.kind));
    plain.map(|d| (d.name.to_owned(), d.constant)).collect()
}

/// A module variable while the unit is being lowered.
struct ModuleSlot<'a> {
    name: &'a str,
    exported: bool,
    constant: bool,
    must_define: Option<Span>,
    ty: Option<TypeRef<'a>>,
    /// How often it is bound by a hoisted function, and by anything else.
    fn_bindings: u32,
    other_bindings: u32,
    assigned: bool,
    /// A function refers to it.
    captured: bool,
}

/// A lowered function whose cells are not decided yet.
struct FuncDraft<'a> {
    name: Option<&'a str>,
    full_name: &'a str,
    kind: FuncKind,
    generator: bool,
    span: Span,
    params: &'a [Param<'a>],
    self_var: Option<VarId>,
    env_var: Option<VarId>,
    vars: Vec<Var<'a>>,
    captures: Vec<CaptureDraft<'a>>,
    body: E<'a>,
    ret: Option<TypeRef<'a>>,
    pre: &'a [Contract<'a>],
    post: &'a [Contract<'a>],
    result_var: Option<VarId>,
    intent: Option<&'a str>,
    examples: Option<Form<'a>>,
}

struct Lower<'a, 'o> {
    arena: &'a Bump,
    options: LowerOptions<'o>,
    scan: ModuleScan<'a>,
    /// Top-level definitions become module variables, whatever they are.
    repl: bool,
    /// See [`EvalEnv::data`].
    data: bool,
    /// All enums that code here can know are among `enums`.
    enums_known: bool,
    errors: Vec<CompileError>,
    warnings: Vec<(Span, String)>,
    dependencies: Vec<(&'a str, &'a str)>,
    funcs: Vec<Option<FuncDraft<'a>>>,
    /// The functions being lowered, outermost first.
    stack: Vec<FnCx<'a>>,
    scopes: Vec<Scope<'a>>,
    names: FxHashMap<&'a str, Vec<Binding<'a>>>,
    /// How many conditionally evaluated operands are around.
    conditional: u32,
    module_vars: Vec<ModuleSlot<'a>>,
    /// Names of `(export ...)` forms, and where.
    exports: FxHashMap<&'a str, Span>,
    /// Members of the module's namespace that are assigned by path.
    namespace_assigned: FxHashSet<&'a str>,
    /// Members that namespaces of the module got so far, by path: a body that reopens one sees them by their plain names.
    ns_members: FxHashMap<String, Vec<&'a str>>,
    enums: Vec<EnumInfo<'a>>,
    aliases: Vec<AliasInfo<'a>>,
    /// The alias whose definition is being lowered, and whether it has been met inside itself.
    defined_alias: Option<u32>,
    alias_is_cyclic: bool,
    /// Parts of the type being read so far.
    type_parts: u32,
    /// Generic parameters of the functions and classes around.
    generics: Vec<&'a str>,
}

impl<'a, 'o> Lower<'a, 'o> {
    fn new(arena: &'a Bump, scan: ModuleScan<'a>, options: &LowerOptions<'o>) -> Self {
        Lower {
            arena,
            options: *options,
            enums_known: !scan.imports,
            scan,
            repl: false,
            data: false,
            errors: Vec::new(),
            warnings: Vec::new(),
            dependencies: Vec::new(),
            funcs: Vec::new(),
            stack: Vec::new(),
            scopes: Vec::new(),
            names: FxHashMap::default(),
            conditional: 0,
            module_vars: Vec::new(),
            exports: FxHashMap::default(),
            namespace_assigned: FxHashSet::default(),
            ns_members: FxHashMap::default(),
            enums: Vec::new(),
            aliases: Vec::new(),
            defined_alias: None,
            alias_is_cyclic: false,
            type_parts: 0,
            generics: Vec::new(),
        }
    }

    // --- units

    fn module(&mut self, forms: &'a [Form<'a>]) {
        let span = whole(forms);
        let id = self.enter_function(FuncKind::Module, false, None);
        self.push_scope();
        self.scope().module = true;
        self.collect_exports(forms);
        let body = self.top_level(forms, span);
        self.check_exports();
        let cx = self.leave_function();
        self.funcs[id as usize] = Some(FuncDraft::new(cx, "<module>", span, body));
    }

    fn eval(&mut self, forms: &'a [Form<'a>], env: &EvalEnv<'_>) {
        let arena = self.arena;
        let span = whole(forms);
        (self.repl, self.data) = (env.repl, env.data);
        self.enums_known = env.enums.is_some() && !self.scan.imports;
        let id = self.enter_function(
            FuncKind::Eval,
            false,
            (!env.repl || env.data).then_some("return used outside of a function"),
        );
        self.push_scope();
        self.scope().module = env.repl;
        for _ in 0..env.module_slots {
            self.new_slot("", false);
        }
        for known in &env.module_names {
            let Some(slot) = self.module_vars.get_mut(known.slot as usize) else { continue };
            let name: &'a str = arena.alloc_str(&known.name);
            (slot.name, slot.constant) = (name, known.constant);
            let kind = if known.task_local { NameKind::TaskLocal } else { NameKind::Var };
            self.bind_known(name, Place::Module(known.slot), kind, known.constant);
        }
        if !env.repl {
            self.push_scope();
        }
        for (at, known) in env.names.iter().enumerate().rev() {
            let name = arena.alloc_str(&known.name);
            if at >= env.own {
                self.bind_known(name, Place::Env(at as u32), NameKind::Var, known.constant);
            }
        }
        let hidden = [(scope::SELF, env.has_self), (scope::EX, env.has_ex), (scope::CALLER, env.has_caller)];
        let hidden = hidden.into_iter().filter(|(_, exists)| *exists);
        for (at, (name, _)) in hidden.enumerate() {
            self.bind_known(name, Place::Env((env.names.len() + at) as u32), NameKind::Hidden, true);
        }
        for known in env.enums.iter().flatten() {
            self.know_eval_enum(known);
        }
        if !env.repl {
            self.push_scope();
            for (at, known) in env.names.iter().enumerate().take(env.own) {
                let name = arena.alloc_str(&known.name);
                self.bind_known(name, Place::Env(at as u32), NameKind::Var, false);
                self.set_state(name, State::Pending);
            }
        } else {
            self.collect_exports(forms);
        }
        let body = self.top_level(forms, span);
        if env.repl {
            self.check_exports();
        }
        let cx = self.leave_function();
        self.funcs[id as usize] = Some(FuncDraft::new(cx, "<eval>", span, body));
    }

    /// The forms of function 0, in the innermost scope.
    fn top_level(&mut self, forms: &'a [Form<'a>], span: Span) -> E<'a> {
        let parts = self.statements(forms, span);
        let cells = self.pop_scope();
        self.e(span, ExprKind::Block(Block { cells, hoisted: parts.hoisted, body: parts.body }))
    }

    fn bind_known(&mut self, name: &'a str, place: Place, kind: NameKind, constant: bool) {
        let scope = self.scopes.len() as u32 - 1;
        self.bind(name, Binding { scope, level: 0, place, state: State::Declared, constant, kind, ty: None });
    }

    fn new_slot(&mut self, name: &'a str, exported: bool) -> SlotId {
        let must_define = self.exports.get(name).copied();
        self.module_vars.push(ModuleSlot {
            name,
            exported,
            constant: false,
            must_define,
            ty: None,
            fn_bindings: 0,
            other_bindings: 0,
            assigned: false,
            captured: false,
        });
        self.module_vars.len() as SlotId - 1
    }

    fn sorted_errors(mut self) -> Vec<CompileError> {
        self.errors.sort_by_key(|error| error.span.start);
        self.errors.truncate(MAX_ERRORS);
        self.errors
    }

    fn finish(self) -> Result<Unit<'a>, Vec<CompileError>> {
        if !self.errors.is_empty() {
            return Err(self.sorted_errors());
        }
        let drafts: Vec<FuncDraft<'a>> = self.funcs.into_iter().flatten().collect();
        let mut vars: Vec<_> = drafts.iter().map(|draft| scope::var_infos(&draft.vars)).collect();
        let captures: Vec<_> = drafts.iter().map(|draft| scope::captures(&draft.captures, &vars)).collect();
        let func = |((draft, captures), vars): ((FuncDraft<'a>, _), &mut Vec<_>)| Func {
            name: draft.name,
            kind: draft.kind,
            generator: draft.generator,
            span: draft.span,
            params: draft.params,
            self_var: draft.self_var,
            env_var: draft.env_var,
            vars: std::mem::take(vars),
            captures,
            body: draft.body,
            ret: draft.ret,
            pre: draft.pre,
            post: draft.post,
            result_var: draft.result_var,
            intent: draft.intent,
            examples: draft.examples,
            full_name: draft.full_name,
        };
        let funcs = drafts.into_iter().zip(captures).zip(vars.iter_mut()).map(func).collect();
        let module_var = |slot: ModuleSlot<'a>| ModuleVar {
            name: slot.name,
            exported: slot.exported,
            is_fn: slot.fn_bindings == 1
                && slot.other_bindings == 0
                && !slot.assigned
                && !self.namespace_assigned.contains(slot.name),
            constant: slot.constant,
            stable: !self.scan.all_visible
                && !self.repl
                && slot.fn_bindings + slot.other_bindings == 1
                && !slot.assigned
                && !self.namespace_assigned.contains(slot.name),
            must_define: slot.must_define,
            ty: slot.ty,
        };
        let module_vars = self.module_vars.into_iter().map(module_var).collect();
        Ok(Unit {
            funcs,
            module_vars,
            warnings: self.warnings,
            dynamic: self.scan.all_visible || self.repl,
            dependencies: self.dependencies,
        })
    }

    // --- functions

    /// Begins a function; its body's scope is the caller's business.
    fn enter_function(&mut self, kind: FuncKind, named: bool, no_return: Option<&'static str>) -> FuncId {
        let id = self.funcs.len() as FuncId;
        self.funcs.push(None);
        self.stack.push(FnCx {
            id,
            kind,
            generator: false,
            named,
            no_return,
            class: None,
            vars: Vec::new(),
            captures: Vec::new(),
            capture_index: FxHashMap::default(),
            loops: Vec::new(),
            next_loop: 0,
            open_scopes: 0,
            bound_locals: Vec::new(),
        });
        id
    }

    fn leave_function(&mut self) -> Option<FnCx<'a>> {
        self.stack.pop()
    }

    // --- helpers

    fn e(&self, span: Span, kind: ExprKind<'a>) -> E<'a> {
        self.arena.alloc(Expr { span, kind })
    }

    fn slice<T: Copy>(&self, items: &[T]) -> &'a [T] {
        self.arena.alloc_slice_copy(items)
    }

    fn text(&self, text: &str) -> &'a str {
        self.arena.alloc_str(text)
    }

    /// Notes a compile error; the expression stands in for what is missing.
    fn error(&mut self, span: Span, message: impl Into<String>) -> E<'a> {
        // Errors are sorted at the end, so some more than are shown are kept; but not as many as a hostile text could hold.
        if self.errors.len() < 1000 {
            self.errors.push(CompileError { span, message: message.into() });
        }
        self.nil(span)
    }

    pub(super) fn warn(&mut self, span: Span, message: String) {
        self.warnings.push((span, message));
    }
}

impl<'a> FuncDraft<'a> {
    /// A function without parameters and metadata.
    fn new(cx: Option<FnCx<'a>>, full_name: &'a str, span: Span, body: E<'a>) -> Self {
        let (kind, generator, vars, captures) = match cx {
            Some(cx) => (cx.kind, cx.generator, cx.vars, cx.captures),
            None => (FuncKind::Fn, false, Vec::new(), Vec::new()),
        };
        FuncDraft {
            name: None,
            full_name,
            kind,
            generator,
            span,
            params: &[],
            self_var: None,
            env_var: None,
            vars,
            captures,
            body,
            ret: None,
            pre: &[],
            post: &[],
            result_var: None,
            intent: None,
            examples: None,
        }
    }
}

/// The span of all forms together.
fn whole(forms: &[Form<'_>]) -> Span {
    match forms {
        [first, .., last] => first.span.to(last.span),
        [only] => only.span,
        [] => Span::default(),
    }
}
