//! Names: what they mean where, and what closures capture.
//!
//! Every name has a stack of bindings, innermost last. A block's declarations are known beforehand (see [`super::scan`]) and
//! are *pending* until they are lowered: code of the same function does not see them yet, functions inside the block do.
//! Whether a variable needs a cell is known once its scope has been left, so nothing is decided before the unit's end.

use rustc_hash::FxHashMap;

use super::Lower;
use super::scan::{Decl, DeclKind, Spelling, declarations};
use super::words::is_reserved;
use crate::compile::hir::{
    Capture, CaptureSource, Env, EnvVar, FuncId, FuncKind, LoopId, SlotId, Type, TypeRef, VarId, VarInfo, VarRef,
};
use crate::syntax::form::{Form, Span};

/// Bindings that are no names of the program. The reader makes no symbols with blanks in them.
pub(super) const SELF: &str = "self";
pub(super) const EX: &str = "$ex";
/// The caller environment of a macro.
pub(super) const CALLER: &str = "caller environment";

/// How the names of hidden variables begin that keep what evaluated data declared in a scope, for the next data evaluated there.
/// Environments list them as ordinary names: see `interp::dynamic`.
pub const EVALUATED: &str = "%evaluated";

/// More local variables than this at the top of a module become module variables: a frame has 250 registers.
const MAX_TOP_LOCALS: u32 = 180;

/// A variable of a function being lowered.
pub(super) struct Var<'a> {
    pub name: &'a str,
    pub ty: Option<TypeRef<'a>>,
    pub captured: bool,
    pub assigned: bool,
    pub early: bool,
    pub checked: bool,
    /// A cell whatever else holds: code made at run time may see it, or its declaration may be skipped.
    pub forced: bool,
}

impl Var<'_> {
    pub fn is_cell(&self) -> bool {
        self.forced || (self.captured && (self.assigned || self.early))
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Root {
    /// Position on the stack of functions and variable.
    Var(u32, VarId),
    Env(u32),
}

#[derive(Clone, Copy)]
pub(super) struct CaptureDraft<'a> {
    pub name: &'a str,
    pub source: CaptureSource,
    /// The variable captured in the end.
    pub root: CaptureRoot,
}

#[derive(Clone, Copy)]
pub(super) enum CaptureRoot {
    Var(FuncId, VarId),
    Env { cell: bool },
}

pub(super) struct LoopInfo<'a> {
    pub id: LoopId,
    pub label: Option<&'a str>,
}

/// A function being lowered.
pub(super) struct FnCx<'a> {
    pub id: FuncId,
    pub kind: FuncKind,
    pub generator: bool,
    /// Named functions and methods run later than the code around them: they see what the block declares after them.
    pub named: bool,
    /// The compile error of `return` in it, if it may not stand there.
    pub no_return: Option<&'static str>,
    /// For methods and constructors: the class variable in the function around.
    pub class: Option<VarId>,
    pub vars: Vec<Var<'a>>,
    pub captures: Vec<CaptureDraft<'a>>,
    pub capture_index: FxHashMap<Root, u32>,
    pub loops: Vec<LoopInfo<'a>>,
    pub next_loop: LoopId,
    /// Scopes (`concurrent`, `timeout`, ...) around the place that is being lowered.
    pub open_scopes: u32,
    /// `with_local` forms around it, the outermost first.
    pub bound_locals: Vec<BoundLocal>,
}

/// The hidden variables of a `with_local` form: key, value, and the bindings before.
#[derive(Clone, Copy)]
pub(super) struct BoundLocal {
    pub key: VarRef,
    pub value: VarRef,
    pub old: VarRef,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    /// Declared further on in its block.
    Pending,
    /// A function of the group that is just being bound.
    Grouped,
    Declared,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Local(VarId),
    Module(SlotId),
    /// Entry of the environment of an evaluation.
    Env(u32),
    /// Member of the namespace that the variable holds: a `/name` definition seen by its plain name.
    Member(VarId),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum NameKind {
    Var,
    /// A named function that is no macro.
    Fn,
    Class,
    /// Index into the known enums.
    Enum(u32),
    /// Index into the known aliases.
    Alias(u32),
    Ns,
    Import,
    /// A task-local: reading it looks for the running task's binding.
    TaskLocal,
    Hidden,
}

#[derive(Clone, Copy)]
pub(super) struct Binding<'a> {
    pub scope: u32,
    /// Position of its function on the stack of functions.
    pub level: u32,
    pub place: Place,
    pub state: State,
    pub constant: bool,
    pub kind: NameKind,
    pub ty: Option<Type<'a>>,
}

pub(super) struct Scope<'a> {
    /// One entry per binding made in it.
    pub names: Vec<&'a str>,
    pub vars: Vec<VarId>,
    /// How many conditionally evaluated operands there were around when it was entered.
    conditional: u32,
    pub module: bool,
    /// `ns` body: the variable that holds the namespace.
    pub ns: Option<VarId>,
    /// Its path from the module, if it has one.
    pub ns_path: Option<String>,
}

/// What a name means at a place.
#[derive(Clone, Copy)]
pub(super) struct Found {
    pub target: Target,
    pub constant: bool,
}

#[derive(Clone, Copy)]
pub(super) enum Target {
    Var(VarRef),
    /// Member of this namespace.
    Member(VarRef),
}

impl<'a> Lower<'a, '_> {
    pub(super) fn level(&self) -> usize {
        self.stack.len() - 1
    }

    pub(super) fn cx(&mut self) -> &mut FnCx<'a> {
        let level = self.level();
        &mut self.stack[level]
    }

    // --- scopes

    pub(super) fn push_scope(&mut self) {
        self.scopes.push(Scope {
            names: Vec::new(),
            vars: Vec::new(),
            conditional: self.conditional,
            module: false,
            ns: None,
            ns_path: None,
        });
    }

    /// Leaves the innermost scope; gives the cells to be made at its entry.
    pub(super) fn pop_scope(&mut self) -> &'a [VarId] {
        let Some(scope) = self.scopes.pop() else { return &[] };
        for name in scope.names.iter().rev() {
            if let Some(bindings) = self.names.get_mut(name) {
                bindings.pop();
            }
        }
        let vars = &self.stack[self.level()].vars;
        let early = scope.vars.iter().copied().filter(|var| vars[*var as usize].early && vars[*var as usize].is_cell());
        let early: Vec<VarId> = early.collect();
        self.arena.alloc_slice_copy(&early)
    }

    /// Lowers something in the scope around the innermost one.
    pub(super) fn outside<T>(&mut self, lower: impl FnOnce(&mut Self) -> T) -> T {
        let inner = self.scopes.pop();
        let value = lower(self);
        self.scopes.extend(inner);
        value
    }

    pub(super) fn scope(&mut self) -> &mut Scope<'a> {
        let last = self.scopes.len() - 1;
        &mut self.scopes[last]
    }

    pub(super) fn in_module_scope(&self) -> bool {
        self.scopes.last().is_some_and(|scope| scope.module)
    }

    /// Lowers an operand that may not be evaluated: what it declares is not certainly declared.
    pub(super) fn conditionally<T>(&mut self, lower: impl FnOnce(&mut Self) -> T) -> T {
        self.conditional += 1;
        let value = lower(self);
        self.conditional -= 1;
        value
    }

    // --- variables

    pub(super) fn new_var(&mut self, name: &'a str, ty: Option<TypeRef<'a>>) -> VarId {
        let vars = &mut self.cx().vars;
        let id = vars.len() as VarId;
        vars.push(Var { name, ty, captured: false, assigned: false, early: false, checked: false, forced: false });
        self.scope().vars.push(id);
        id
    }

    fn var(&mut self, level: u32, var: VarId) -> &mut Var<'a> {
        &mut self.stack[level as usize].vars[var as usize]
    }

    pub(super) fn bind(&mut self, name: &'a str, binding: Binding<'a>) {
        self.names.entry(name).or_default().push(binding);
        self.scope().names.push(name);
    }

    fn binding(&self, place: Place, state: State, kind: NameKind) -> Binding<'a> {
        let scope = self.scopes.len() as u32 - 1;
        Binding { scope, level: self.level() as u32, place, state, constant: false, kind, ty: None }
    }

    /// A variable the program cannot name, visible as one of the hidden names.
    pub(super) fn bind_hidden(&mut self, name: &'static str) -> VarId {
        let var = self.new_var(name, None);
        self.bind_hidden_to(name, var);
        var
    }

    pub(super) fn bind_hidden_to(&mut self, name: &'static str, var: VarId) {
        let binding = self.binding(Place::Local(var), State::Declared, NameKind::Hidden);
        self.bind(name, binding);
    }

    /// Makes `name` mean a hidden variable in the innermost scope.
    pub(super) fn bind_alias(&mut self, name: &'a str, var: VarId, kind: NameKind) {
        let binding = self.binding(Place::Local(var), State::Declared, kind);
        self.bind(name, binding);
    }

    /// Binds a new local variable right away: parameters, loop variables, pattern variables.
    pub(super) fn bind_local(&mut self, name: &'a str, span: Span, ty: Option<TypeRef<'a>>) -> VarId {
        let var = self.new_var(name, ty);
        self.bind_local_to(name, span, var);
        var
    }

    pub(super) fn bind_local_to(&mut self, name: &'a str, span: Span, var: VarId) {
        self.check_name(name, span);
        let mut binding = self.binding(Place::Local(var), State::Declared, NameKind::Var);
        binding.ty = self.var(binding.level, var).ty.map(|ty| ty.ty);
        self.bind(name, binding);
    }

    /// Members that the namespace got before its body is opened again.
    pub(super) fn bind_members(&mut self, ns: VarId, path: &str) {
        for name in self.ns_members.get(path).cloned().unwrap_or_default() {
            let binding = self.binding(Place::Member(ns), State::Declared, NameKind::Var);
            self.bind(name, binding);
        }
    }

    /// Notes the members that the innermost scope, a namespace's body, has defined.
    pub(super) fn note_members(&mut self) {
        let Some(path) = self.scope().ns_path.clone() else { return };
        let scope = self.scopes.len() as u32 - 1;
        let names = self.scope().names.clone();
        let member = |name: &&'a str| {
            let last = self.names.get(name).and_then(|list| list.last());
            last.is_some_and(|b| b.scope == scope && matches!(b.place, Place::Member(_)))
        };
        let members: Vec<&'a str> = names.into_iter().filter(member).collect();
        let known = self.ns_members.entry(path).or_default();
        for name in members {
            if !known.contains(&name) {
                known.push(name);
            }
        }
    }

    /// Refuses reserved words.
    pub(super) fn check_name(&mut self, name: &str, span: Span) {
        if is_reserved(name) {
            self.error(span, format!("Cannot bind reserved word '{name}'"));
        }
    }

    // --- declarations

    /// Makes everything the forms declare known as pending in the innermost scope.
    pub(super) fn predeclare(&mut self, forms: &'a [Form<'a>]) {
        for decl in declarations(forms) {
            self.predeclare_one(decl);
        }
    }

    fn predeclare_one(&mut self, decl: Decl<'a>) {
        let scope = self.scopes.len() as u32 - 1;
        if !self.defines_name(decl.spelling) {
            return;
        }
        let exported = decl.spelling != Spelling::Plain;
        let pending = |b: &&mut Binding<'a>| b.scope == scope && b.state == State::Pending;
        let kind = match decl.kind {
            DeclKind::Var => NameKind::Var,
            DeclKind::Local => NameKind::TaskLocal,
            DeclKind::Fn => NameKind::Fn,
            DeclKind::Class => NameKind::Class,
            DeclKind::Ns => NameKind::Ns,
            DeclKind::Import => NameKind::Import,
            DeclKind::Enum => NameKind::Enum(self.know_enum(decl.form)),
            DeclKind::Type => NameKind::Alias(self.know_alias(decl.form)),
        };
        if let Some(known) = self.names.get_mut(decl.name).and_then(|list| list.last_mut()).filter(pending) {
            if known.kind == NameKind::Var {
                known.kind = kind;
            }
            if let (Place::Module(slot), true) = (known.place, exported) {
                self.module_vars[slot as usize].exported = true;
            }
            return;
        }
        if self.in_module_scope() && self.slot_of(decl.name).is_some() {
            // The REPL knows the name already.
            return;
        }
        let place = match self.scope().ns {
            Some(ns) if exported => Place::Member(ns),
            _ => self.new_place(decl.name, kind, exported),
        };
        let mut binding = self.binding(place, State::Pending, kind);
        // Functions that stand before a `let` must not assign its name either.
        binding.constant = decl.constant;
        self.bind(decl.name, binding);
    }

    /// Whether a definition spelled like this binds a name in the innermost scope. In a method, say, `/name` is just a member
    /// of `self`.
    pub(super) fn defines_name(&self, spelling: Spelling) -> bool {
        match spelling {
            Spelling::Plain => true,
            Spelling::Slash => self.in_module_scope() || self.scopes.last().is_some_and(|scope| scope.ns.is_some()),
            Spelling::Ns => self.in_module_scope(),
        }
    }

    /// The slot a name of the module scope has.
    pub(super) fn slot_of(&self, name: &str) -> Option<SlotId> {
        let bindings = self.names.get(name)?;
        bindings.iter().find_map(|binding| match binding.place {
            Place::Module(slot) => Some(slot),
            _ => None,
        })
    }

    /// Where a new variable of the innermost scope lives: at the top of a module possibly in a module variable.
    fn new_place(&mut self, name: &'a str, kind: NameKind, exported: bool) -> Place {
        if !self.in_module_scope() {
            return Place::Local(self.new_var(name, None));
        }
        let definition = !matches!(kind, NameKind::Var | NameKind::Import | NameKind::Hidden);
        let exported = exported || definition || self.exports.contains_key(name);
        let slot = exported
            || kind == NameKind::Import
            || self.repl
            || self.scan.all_visible
            || self.scan.captured.contains(name)
            || self.scope().vars.len() as u32 >= MAX_TOP_LOCALS;
        if slot { Place::Module(self.new_slot(name, exported)) } else { Place::Local(self.new_var(name, None)) }
    }

    /// Declares a name in the innermost scope, after its value has been lowered. The result is where to bind the value.
    pub(super) fn declare(&mut self, name: &'a str, span: Span, decl: Declaration<'a>) -> Target {
        self.check_name(name, span);
        let scope = self.scopes.len() as u32 - 1;
        let conditional = self.conditional > self.scope().conditional;
        let last = self.names.get(name).and_then(|list| list.last()).copied().filter(|binding| binding.scope == scope);
        let mut binding = match last {
            Some(old) if old.state == State::Declared => {
                // A session may import again what it has imported, or tried to.
                let again = self.repl && decl.kind == NameKind::Import;
                if old.constant && !again {
                    self.error(span, format!("Cannot reassign 'let' binding '{name}'"));
                }
                match old.place {
                    Place::Local(var) => {
                        let known = &self.stack[old.level as usize].vars[var as usize];
                        let reusable = !known.captured && !known.forced && known.ty.is_none() && decl.ty.is_none();
                        if reusable {
                            self.var(old.level, var).assigned = true;
                            old
                        } else {
                            let place = self.new_place(name, decl.kind, decl.exported);
                            let new = Binding { place, ..old };
                            self.bind(name, new);
                            new
                        }
                    }
                    _ => old,
                }
            }
            Some(pending) => pending,
            None => {
                let place = match self.scope().ns {
                    Some(ns) if decl.exported => Place::Member(ns),
                    _ => self.new_place(name, decl.kind, decl.exported),
                };
                let new = self.binding(place, State::Pending, decl.kind);
                self.bind(name, new);
                new
            }
        };
        let again = binding.state == State::Declared;
        binding.state = State::Declared;
        binding.constant = decl.constant;
        binding.kind = decl.kind;
        binding.ty = decl.ty.map(|ty| ty.ty);
        let target = match binding.place {
            Place::Local(var) => {
                let known = self.var(binding.level, var);
                known.ty = decl.ty;
                if conditional {
                    (known.early, known.checked, known.forced) = (true, true, true);
                }
                Target::Var(VarRef::Local(var))
            }
            Place::Module(slot) => {
                let known = &mut self.module_vars[slot as usize];
                known.ty = decl.ty;
                known.constant = decl.constant;
                known.exported |= decl.exported;
                if decl.hoisted && !again {
                    known.fn_bindings += 1;
                } else {
                    known.other_bindings += 1;
                }
                Target::Var(VarRef::Module(slot))
            }
            Place::Env(entry) => Target::Var(self.env_entry(name, entry, true)),
            Place::Member(ns) => Target::Member(self.local_var(binding.level, ns, State::Declared)),
        };
        if let Some(slot) = self.names.get_mut(name).and_then(|list| list.last_mut()) {
            *slot = binding;
        }
        target
    }

    /// Changes the state of the binding that the innermost scope has for `name`.
    pub(super) fn set_state(&mut self, name: &str, state: State) {
        let scope = self.scopes.len() as u32 - 1;
        if let Some(binding) = self.names.get_mut(name).and_then(|list| list.last_mut())
            && binding.scope == scope
        {
            binding.state = state;
        }
    }

    // --- references

    /// What `name` means here; `None` when nothing in the module binds it.
    pub(super) fn resolve(&mut self, name: &str) -> Option<Found> {
        let binding = self.find(name)?;
        let found = |target| Found { target, constant: binding.constant };
        Some(match binding.place {
            Place::Module(slot) => {
                if self.level() > 0 {
                    self.module_vars[slot as usize].captured = true;
                }
                found(Target::Var(VarRef::Module(slot)))
            }
            Place::Local(var) => found(Target::Var(self.local_var(binding.level, var, binding.state))),
            Place::Member(ns) => found(Target::Member(self.local_var(binding.level, ns, State::Declared))),
            Place::Env(entry) => {
                let name = self.arena.alloc_str(name);
                found(Target::Var(self.env_entry(name, entry, binding.kind != NameKind::Hidden)))
            }
        })
    }

    /// A hidden name as a variable.
    pub(super) fn resolve_hidden(&mut self, name: &'static str) -> Option<VarRef> {
        match self.resolve(name)?.target {
            Target::Var(var) => Some(var),
            Target::Member(_) => None,
        }
    }

    /// The binding `name` refers to, without referring to it.
    pub(super) fn find(&self, name: &str) -> Option<Binding<'a>> {
        let level = self.level() as u32;
        let mut pending = None;
        for binding in self.names.get(name)?.iter().rev() {
            match binding.state {
                State::Declared => return Some(pending.unwrap_or(*binding)),
                State::Grouped if binding.level < level => return Some(*binding),
                State::Pending if binding.level < level && pending.is_none() => {
                    if self.stack[binding.level as usize + 1].named {
                        return Some(*binding);
                    }
                    // An anonymous function means what is declared by now, if there is such a thing.
                    pending = self.declared_outside(name, binding).is_none().then_some(*binding);
                }
                _ => {}
            }
        }
        pending
    }

    fn declared_outside(&self, name: &str, inner: &Binding<'a>) -> Option<&Binding<'a>> {
        let bindings = self.names.get(name)?;
        bindings.iter().rev().find(|binding| binding.scope < inner.scope && binding.state == State::Declared)
    }

    /// A reference to a variable of this or an outer function.
    pub(super) fn local_var(&mut self, level: u32, var: VarId, state: State) -> VarRef {
        if level as usize == self.level() {
            return VarRef::Local(var);
        }
        let known = self.var(level, var);
        known.captured = true;
        known.early |= state != State::Declared;
        known.checked |= state == State::Pending;
        let name = known.name;
        let root = CaptureRoot::Var(self.stack[level as usize].id, var);
        self.capture(
            level as usize + 1,
            Root::Var(level, var),
            CaptureDraft { name, source: CaptureSource::Local(var), root },
        )
    }

    fn env_entry(&mut self, name: &'a str, entry: u32, cell: bool) -> VarRef {
        let draft = CaptureDraft { name, source: CaptureSource::Env(entry), root: CaptureRoot::Env { cell } };
        self.capture(0, Root::Env(entry), draft)
    }

    /// Passes a variable on through the functions from `first` to the innermost one.
    fn capture(&mut self, first: usize, root: Root, draft: CaptureDraft<'a>) -> VarRef {
        let mut draft = draft;
        let mut index = 0;
        for cx in &mut self.stack[first..] {
            index = *cx.capture_index.entry(root).or_insert_with(|| {
                cx.captures.push(draft);
                cx.captures.len() as u32 - 1
            });
            draft.source = CaptureSource::Captured(index);
        }
        VarRef::Captured(index)
    }

    /// Notes that the variable is assigned after its declaration.
    pub(super) fn note_assigned(&mut self, name: &str) {
        let Some(binding) = self.find(name) else { return };
        match binding.place {
            Place::Local(var) => self.var(binding.level, var).assigned = true,
            Place::Module(slot) => self.module_vars[slot as usize].assigned = true,
            Place::Env(_) | Place::Member(_) => {}
        }
    }

    // --- environments

    /// Gives the innermost scope its variable for what evaluated data declares. At the top of a module that is the module, and
    /// data that is evaluated by other data declares where that is evaluated.
    pub(super) fn keep_evaluated(&mut self) {
        let level = self.level();
        let top_of_data = self.scopes.len() == 3 && self.stack[level].kind == FuncKind::Eval;
        let keeps = |scope: &Scope<'_>| scope.names.iter().any(|name| name.starts_with(EVALUATED));
        if self.in_module_scope() || self.scope().ns.is_some() || keeps(self.scope()) {
            return;
        }
        if top_of_data && keeps(&self.scopes[1]) {
            return;
        }
        let free = |n: &usize| self.names.get(&*format!("{EVALUATED}{n}")).is_none_or(|list| list.is_empty());
        let Some(n) = (0..).find(free) else { return };
        let name = self.text(&format!("{EVALUATED}{n}"));
        let var = self.new_var(name, None);
        let kept = self.var(level as u32, var);
        (kept.captured, kept.forced, kept.early) = (true, true, true);
        self.bind_alias(name, var, NameKind::Var);
    }

    /// All variables visible here, all of them made cells or module variables.
    pub(super) fn visible(&mut self) -> &'a Env<'a> {
        let mut seen = rustc_hash::FxHashSet::default();
        let mut names = Vec::new();
        for scope in self.scopes.iter().rev() {
            names.extend(scope.names.iter().rev().copied().filter(|name| seen.insert(*name)));
        }
        let mut vars = Vec::new();
        for name in names {
            let Some(binding) = self.find(name).filter(|binding| binding.kind != NameKind::Hidden) else { continue };
            if let Place::Local(var) = binding.place {
                let known = self.var(binding.level, var);
                (known.captured, known.forced) = (true, true);
            }
            if let Some(Found { target: Target::Var(var), constant, .. }) = self.resolve(name) {
                vars.push(EnvVar { name, var, constant });
            }
        }
        let vars = self.arena.alloc_slice_copy(&vars);
        let self_ = self.resolve_hidden(SELF);
        let ex = self.resolve_hidden(EX);
        let caller = self.resolve_hidden(CALLER);
        let top = self.in_module_scope();
        self.arena.alloc(Env { vars, self_, ex, caller, top })
    }
}

/// How [`Lower::declare`] binds a name.
#[derive(Clone, Copy)]
pub(super) struct Declaration<'a> {
    pub kind: NameKind,
    pub constant: bool,
    pub exported: bool,
    /// Bound at the entry of its block.
    pub hoisted: bool,
    pub ty: Option<TypeRef<'a>>,
}

impl Declaration<'_> {
    pub(super) fn new(kind: NameKind) -> Self {
        Declaration { kind, constant: false, exported: false, hoisted: false, ty: None }
    }
}

/// The final form of a function's variables.
pub(super) fn var_infos<'a>(vars: &[Var<'a>]) -> Vec<VarInfo<'a>> {
    let info = |var: &Var<'a>| {
        let cell = var.is_cell();
        VarInfo {
            name: var.name,
            cell,
            checked: var.checked && cell,
            assigned: var.assigned,
            early: var.early && cell,
            ty: var.ty,
        }
    };
    vars.iter().map(info).collect()
}

/// The final form of a function's captures; `vars` are the finished variables of all functions.
pub(super) fn captures<'a>(drafts: &[CaptureDraft<'a>], vars: &[Vec<VarInfo<'a>>]) -> Vec<Capture<'a>> {
    let capture = |draft: &CaptureDraft<'a>| {
        let (cell, checked, ty) = match draft.root {
            CaptureRoot::Env { cell } => (cell, false, None),
            CaptureRoot::Var(func, var) => {
                let var = &vars[func as usize][var as usize];
                (var.cell, var.checked, var.ty)
            }
        };
        Capture { name: draft.name, source: draft.source, cell, checked, ty }
    };
    drafts.iter().map(capture).collect()
}
