//! The static type checker (18.5): a pass over HIR that finds expressions that will certainly fail a check.
//!
//! # How it works
//!
//! [`program`] finds out what the unit declares. Then every function is walked once ([`expr`]), outer ones first, with what is
//! known of its variables: annotations, initialisers of variables that nobody assigns, and what conditions say
//! ([`narrow`]). The checker never stops a program because of a type, and where it does not know, it is silent. Code in a `try`
//! whose clauses take a `TypeException` is not judged: it may be there for the exception's sake.

mod call;
mod expr;
mod inferred;
mod library;
mod narrow;
mod operator;
mod pattern;
mod program;

#[cfg(test)]
mod tests;

use rustc_hash::FxHashMap;
use std::rc::Rc;

use super::hir::*;
use crate::syntax::form::Span;
use inferred::{ClassId, Ty};
use program::{Def, Parent, Program, Root};

/// What the checker asks its surroundings.
pub struct TypeEnv<'e> {
    /// Is there a library class of this name?
    pub is_class: &'e dyn Fn(&str) -> bool,
    /// Is the one class below the other?
    pub related: &'e dyn Fn(&str, &str) -> bool,
    /// Has the class this method, ancestors included?
    pub has_method: &'e dyn Fn(&str, &str) -> bool,
    pub strict_nil: bool,
    /// The unit is the program: nobody imports it.
    pub main: bool,
}

/// A type error.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    pub span: Span,
    pub message: String,
}

/// More than this, nobody reads.
const MAX_FINDINGS: usize = 100;

/// Checks a module. The findings are in source order.
pub fn check<'a>(unit: &Unit<'a>, env: &TypeEnv<'_>) -> Vec<Finding> {
    let mut checker = Checker {
        unit,
        env,
        program: Program::new(unit),
        findings: Vec::new(),
        func: 0,
        types: FxHashMap::default(),
        narrowed: FxHashMap::default(),
        assigned: Vec::new(),
        quiet: false,
        todo: vec![(0, false)],
        seen: vec![false; unit.funcs.len()],
        depth: std::cell::Cell::new(0),
    };
    while let Some((id, quiet)) = checker.todo.pop() {
        checker.function(id, quiet);
    }
    let mut findings = checker.findings;
    findings.sort_by_key(|f| (f.span.start, f.span.end));
    findings.dedup();
    findings.truncate(MAX_FINDINGS);
    findings
}

struct Checker<'u, 'a> {
    unit: &'u Unit<'a>,
    env: &'u TypeEnv<'u>,
    program: Program<'a>,
    findings: Vec<Finding>,
    /// The function being walked.
    func: FuncId,
    /// What variables hold for good.
    types: FxHashMap<Root, Ty<'a>>,
    /// What is known of variables at this point on top of that.
    narrowed: FxHashMap<Root, Ty<'a>>,
    /// Variables assigned so far in this function, oldest first.
    assigned: Vec<Root>,
    /// Findings are not reported.
    quiet: bool,
    /// Functions to walk, and whether quietly.
    todo: Vec<(FuncId, bool)>,
    seen: Vec<bool>,
    /// How deep the annotation being read is nested.
    depth: std::cell::Cell<u32>,
}

impl<'a> Checker<'_, 'a> {
    // --- findings

    fn report(&mut self, span: Span, message: String) {
        if !self.quiet && self.findings.len() < 10 * MAX_FINDINGS {
            self.findings.push(Finding { span, message: format!("Type error: {message}") });
        }
    }

    /// Reports a value that a place of type `expected` will refuse. `written` is the type as messages show it.
    fn expect(&mut self, span: Span, expected: &Ty<'a>, written: &str, got: &Ty<'a>, place: &str) {
        if !self.accepts(expected, got) {
            let got = self.show(got);
            self.report(span, format!("expected {written}, got {got} in {place}"));
        }
    }

    // --- functions

    fn function(&mut self, id: FuncId, quiet: bool) {
        let unit = self.unit;
        let Some(func) = unit.funcs.get(id as usize) else { return };
        if std::mem::replace(&mut self.seen[id as usize], true) {
            return;
        }
        self.func = id;
        self.quiet = quiet;
        self.narrowed.clear();
        self.assigned.clear();
        if let (Some(v), Some(class)) = (func.self_var, self.program.method_of.get(&id)) {
            self.types.insert(Root::Local(id, v), Ty::Class { id: *class, exact: false });
        }
        for param in func.params {
            if let (Some(default), Some(ty)) = (param.default, param.ty) {
                let got = self.infer(default);
                let expected = self.ty_of(id, ty.ty);
                self.expect(default.span, &expected, &ty.ty.to_string(), &got, param.name);
            } else if let Some(default) = param.default {
                self.infer(default);
            }
        }
        for contract in func.pre.iter().chain(func.post) {
            self.infer(contract.cond);
        }
        match func.ret.filter(|_| !func.generator && func.kind != FuncKind::Ctor) {
            Some(ret) => self.result(func.body, ret),
            None => {
                self.infer(func.body);
            }
        }
    }

    /// Walks an inner function later, when more is known of the variables it uses.
    fn later(&mut self, id: FuncId) {
        self.todo.push((id, self.quiet));
    }

    // --- variables

    fn root(&self, var: VarRef) -> Option<Root> {
        self.program.root_in(self.func, var, self.unit)
    }

    fn info(&self, root: Root) -> Option<&VarInfo<'a>> {
        match root {
            Root::Local(f, v) => self.unit.funcs.get(f as usize)?.vars.get(v as usize),
            Root::Module(_) => None,
        }
    }

    /// The annotation of a variable.
    fn annotation(&self, root: Root) -> Option<(FuncId, TypeRef<'a>)> {
        match root {
            Root::Local(f, _) => Some((f, self.info(root)?.ty?)),
            Root::Module(slot) => Some((0, self.unit.module_vars.get(slot as usize)?.ty?)),
        }
    }

    /// Nobody assigns the variable after its declaration.
    fn is_stable(&self, root: Root) -> bool {
        match root {
            Root::Local(..) => self.info(root).is_some_and(|info| !info.assigned && (!info.cell || !self.unit.dynamic)),
            Root::Module(slot) => self.unit.module_vars.get(slot as usize).is_some_and(|v| v.stable),
        }
    }

    /// Nobody assigns the variable behind the back of the running function.
    fn is_private(&self, root: Root) -> bool {
        match root {
            Root::Local(f, _) => f == self.func && self.info(root).is_some_and(|info| !info.cell),
            Root::Module(_) => false,
        }
    }

    fn var_type(&self, root: Root) -> Ty<'a> {
        if let Some(ty) = self.narrowed.get(&root) {
            return ty.clone();
        }
        self.declared_type(root)
    }

    fn declared_type(&self, root: Root) -> Ty<'a> {
        if let Some((func, ty)) = self.annotation(root) {
            return self.ty_of(func, ty.ty);
        }
        match self.program.defs.get(&root) {
            Some(Def::Func(id)) if self.unit.funcs[*id as usize].kind == FuncKind::Macro => Ty::Any,
            Some(Def::Func(id)) => Ty::Func(*id),
            Some(Def::Class(id)) => Ty::ClassObject(*id),
            Some(Def::Enum(id)) => Ty::EnumObject(*id),
            None => self.types.get(&root).cloned().unwrap_or(Ty::Any),
        }
    }

    fn forget(&mut self, root: Root) {
        self.narrowed.remove(&root);
        self.assigned.push(root);
    }

    // --- types

    /// What an annotation that stands in `func` says.
    fn ty_of(&self, func: FuncId, ty: Type<'a>) -> Ty<'a> {
        crate::stack::grow(|| match ty {
            Type::Any => Ty::Any,
            Type::Nil => Ty::Nil,
            Type::Void => Ty::Void,
            Type::Number => Ty::number(),
            Type::Param(name) => Ty::Param(name),
            // Where a parameter is concerned, anything goes.
            Type::Union(members) => Ty::union(members.iter().map(|m| self.ty_of(func, *m))),
            Type::Fn(None) => Ty::Callable(Rc::new(Ty::Any)),
            Type::Fn(Some(of)) => Ty::Callable(Rc::new(self.ty_of(func, of.ret))),
            Type::Named(named) => self.named_type(func, named),
        })
    }

    fn named_type(&self, func: FuncId, named: &NamedType<'a>) -> Ty<'a> {
        if !named.path.is_empty() {
            return Ty::Any;
        }
        // Arguments of arguments of arguments are nobody's business.
        let args = || {
            let depth = self.depth.replace(self.depth.get() + 1);
            let known = named.args.iter().filter(|_| depth < 8);
            let args = known.map(|arg| self.ty_of(func, *arg)).collect::<Rc<[Ty<'a>]>>();
            self.depth.set(depth);
            args
        };
        match named.root {
            TypeRoot::Global("Object") => Ty::Any,
            TypeRoot::Global("Result") => Ty::Enum(program::RESULT, args()),
            TypeRoot::Global("Option") => Ty::Enum(program::OPTION, args()),
            TypeRoot::Global(name) if (self.env.is_class)(name) => Ty::Lib(name, args()),
            TypeRoot::Var(var) => {
                match self.program.root_in(func, var, self.unit).and_then(|r| self.program.defs.get(&r)) {
                    Some(Def::Class(id)) if !self.program.classes[*id as usize].object => {
                        Ty::Class { id: *id, exact: false }
                    }
                    Some(Def::Enum(id)) => Ty::Enum(*id, args()),
                    _ => Ty::Any,
                }
            }
            _ => Ty::Any,
        }
    }

    // --- classes

    /// The class and its ancestors in this unit, nearest first; how the last one goes on.
    fn chain(&self, id: ClassId) -> (Vec<ClassId>, Parent<'a>) {
        let mut chain = vec![id];
        let mut at = id;
        loop {
            match self.program.classes[at as usize].parent {
                Parent::Class(parent) if !chain.contains(&parent) => {
                    chain.push(parent);
                    at = parent;
                }
                Parent::Class(_) => return (chain, Parent::Unknown),
                other => return (chain, other),
            }
        }
    }

    /// May `id` be a subclass of `of`?
    fn below(&self, id: ClassId, of: ClassId) -> bool {
        let (chain, end) = self.chain(id);
        chain.contains(&of) || end == Parent::Unknown
    }

    fn surely_below(&self, id: ClassId, of: ClassId) -> bool {
        self.chain(id).0.contains(&of)
    }

    /// May instances of the class belong to the library class `name`?
    fn open_parent(&self, id: ClassId, name: &str) -> bool {
        match self.chain(id).1 {
            Parent::Object | Parent::Class(_) => false,
            Parent::Lib(parent) => parent == name || (self.env.related)(parent, name),
            Parent::Unknown => true,
        }
    }

    /// The declared type of a field.
    fn field_type(&self, id: ClassId, name: &str) -> Option<(Ty<'a>, Type<'a>)> {
        self.chain(id).0.iter().find_map(|class| {
            let info = &self.program.classes[*class as usize];
            let ty = (*info.fields.get(name)?)?;
            Some((self.ty_of(info.func, ty), ty))
        })
    }
}
