//! Blocks: scopes, and when their functions are bound.
//!
//! A function that is a direct element of a block can be called before its definition. It is bound just before the first form
//! that mentions it, directly or through another such function: nothing can tell that from binding it at the block's entry,
//! and variables declared before that form are then certainly there for the function to copy.

use rustc_hash::FxHashMap;

use super::Lower;
use super::scan::{Spelling, fn_definition, names_in, sees_everything, split_generics};
use super::scope::{Declaration, NameKind, State, Target};
use super::words::{assign_op, infix_op, is_symbol, symbol};
use crate::compile::hir::{Block, E, ExprKind, FuncId, Key, VarRef};
use crate::syntax::form::{Form, FormKind, PathPart, Span};

pub(super) struct Statements<'a> {
    pub hoisted: &'a [(VarRef, FuncId)],
    pub body: &'a [E<'a>],
}

/// A function that is an element of a block.
pub(super) struct Definition<'a> {
    name: &'a str,
    exported: bool,
    /// Its place among the forms.
    pub index: usize,
    /// The form before which it is bound.
    bound_at: usize,
}

impl<'a> Lower<'a, '_> {
    /// The forms in a scope of their own.
    pub(super) fn block(&mut self, forms: &'a [Form<'a>], span: Span) -> E<'a> {
        self.push_scope();
        self.rest_of_scope(forms, span)
    }

    /// The forms in the innermost scope, which is left then.
    pub(super) fn rest_of_scope(&mut self, forms: &'a [Form<'a>], span: Span) -> E<'a> {
        let parts = self.statements(forms, span);
        let declares = !self.scope().vars.is_empty();
        let cells = self.pop_scope();
        match (parts.body, parts.hoisted) {
            ([], []) => self.nil(span),
            ([only], []) if !declares => only,
            _ => self.e(span, ExprKind::Block(Block { cells, hoisted: parts.hoisted, body: parts.body })),
        }
    }

    /// Several expressions made by the compiler, in the innermost scope, which is left then.
    pub(super) fn sequence(&mut self, body: &[E<'a>], span: Span) -> E<'a> {
        let cells = self.pop_scope();
        let body = self.slice(body);
        self.e(span, ExprKind::Block(Block { cells, hoisted: &[], body }))
    }

    /// Lowers forms in the innermost scope.
    pub(super) fn statements(&mut self, forms: &'a [Form<'a>], span: Span) -> Statements<'a> {
        let forms = self.opened(forms);
        self.predeclare(forms);
        let definitions = self.plan(forms);
        let mut hoisted = Vec::new();
        let mut body = Vec::with_capacity(forms.len());
        let mut groups: FxHashMap<usize, Vec<usize>> = FxHashMap::default();
        for (at, definition) in definitions.iter().enumerate() {
            groups.entry(definition.bound_at).or_default().push(at);
        }
        // Aliases of a module may be used before their definition.
        let early = self.in_module_scope();
        if early {
            let aliases = forms.iter().filter(|form| is_alias(form));
            body.extend(aliases.map(|form| self.expr(form)).collect::<Vec<_>>());
        }
        let mut own = definitions.iter().peekable();
        for (index, form) in forms.iter().enumerate() {
            if let Some(group) = groups.get(&index) {
                self.bind_group(group, &definitions, forms, &mut hoisted, &mut body);
            }
            let definition = own.next_if(|definition| definition.index == index);
            if let Some(definition) = definition {
                self.refuse_constant(definition.name, form.span);
            }
            match definition {
                None if early && is_alias(form) => {
                    if let Some(name) = alias_name(form).filter(|_| index + 1 == forms.len()) {
                        body.push(self.name(form.span, name));
                    }
                }
                None => {
                    if index + 1 < forms.len() {
                        self.warn_of_operator(form);
                    }
                    body.push(self.expr(form))
                }
                // The function is bound already; its value only matters as the block's.
                Some(definition) if index + 1 == forms.len() => body.push(self.name(form.span, definition.name)),
                Some(_) => {}
            }
        }
        if body.is_empty() && !forms.is_empty() {
            body.push(self.nil(span));
        }
        Statements { hoisted: self.slice(&hoisted), body: self.slice(&body) }
    }

    /// `(x -> x * 2)` has a body of three forms, which is hardly meant.
    fn warn_of_operator(&mut self, form: &Form<'a>) {
        if let Some(word) = symbol(form).filter(|word| infix_op(word).is_some() || assign_op(word).is_some()) {
            self.warn(
                form.span,
                format!("{word} stands alone: its operands need parentheses around them, (a {word} b)"),
            );
        }
    }

    /// The forms, with those that a comptime form emitted in its place.
    pub(super) fn opened(&self, forms: &'a [Form<'a>]) -> &'a [Form<'a>] {
        let emitted = |form: &Form<'a>| match form.kind {
            FormKind::Gene(gene) if gene.head.is_some_and(|head| is_symbol(&head, "comptime")) => Some(gene.children),
            _ => None,
        };
        if !forms.iter().any(|form| emitted(form).is_some()) {
            return forms;
        }
        let mut out = Vec::with_capacity(forms.len());
        for form in forms {
            match emitted(form) {
                Some(children) => out.extend_from_slice(children),
                None => out.push(*form),
            }
        }
        self.slice(&out)
    }

    fn bind_group(
        &mut self,
        group: &[usize],
        definitions: &[Definition<'a>],
        forms: &'a [Form<'a>],
        hoisted: &mut Vec<(VarRef, FuncId)>,
        body: &mut Vec<E<'a>>,
    ) {
        for &at in group {
            self.set_state(definitions[at].name, State::Grouped);
        }
        for &at in group {
            let definition = &definitions[at];
            let form = &forms[definition.index];
            let Some(func) = self.named_function(form) else { continue };
            let declaration =
                Declaration { exported: definition.exported, hoisted: true, ..Declaration::new(NameKind::Fn) };
            let target = self.declare(definition.name, form.span, declaration);
            let value = self.e(form.span, ExprKind::Fn(func));
            match target {
                Target::Var(var) if definition.bound_at == 0 => hoisted.push((var, func)),
                Target::Var(var) => body.push(self.e(form.span, ExprKind::Declare { var, value, ty: None })),
                Target::Member(ns) => {
                    let base = self.var_at(form.span, ns);
                    let key = Key::Name { name: definition.name, fallback: None };
                    body.push(self.e(form.span, ExprKind::Set { base, key, value }));
                }
            }
        }
    }

    /// What binds the functions that are to be bound before the form at `index`, in a scope that is no block.
    pub(super) fn bind_planned(
        &mut self,
        definitions: &[Definition<'a>],
        index: usize,
        forms: &'a [Form<'a>],
    ) -> Vec<E<'a>> {
        let group: Vec<usize> = (0..definitions.len()).filter(|&at| definitions[at].bound_at == index).collect();
        let (mut hoisted, mut body) = (Vec::new(), Vec::new());
        self.bind_group(&group, definitions, forms, &mut hoisted, &mut body);
        let declare = |(var, func): (VarRef, FuncId)| {
            let span = forms[index].span;
            let value = self.e(span, ExprKind::Fn(func));
            self.e(span, ExprKind::Declare { var, value, ty: None })
        };
        hoisted.into_iter().map(declare).chain(body).collect()
    }

    /// Finds the functions among the forms, and where each has to be bound.
    pub(super) fn plan(&self, forms: &'a [Form<'a>]) -> Vec<Definition<'a>> {
        let here = |(index, form): (usize, &'a Form<'a>)| {
            let (name, spelling) = fn_definition(form)?;
            self.defines_name(spelling).then_some(Definition {
                name,
                exported: spelling != Spelling::Plain,
                index,
                bound_at: index,
            })
        };
        let mut definitions: Vec<Definition<'a>> = forms.iter().enumerate().filter_map(here).collect();
        // Alone, a function is needed by the forms before it; several may need each other.
        let scanned = match &definitions[..] {
            [] => return definitions,
            [only] => only.index,
            [.., last] => last.index + 1,
        };
        if self.in_module_scope() {
            // Module variables cost the same wherever they are bound.
            definitions.iter_mut().for_each(|definition| definition.bound_at = 0);
            return definitions;
        }
        let mut by_name: FxHashMap<&str, Vec<usize>> = FxHashMap::default();
        for (at, definition) in definitions.iter().enumerate() {
            by_name.entry(definition.name).or_default().push(at);
        }
        // Which functions each form mentions, up to the last definition.
        let mut uses: Vec<(usize, usize)> = Vec::new();
        for (index, form) in forms[..scanned].iter().enumerate() {
            let mut everything = false;
            let mut mentioned = Vec::new();
            names_in(form, |name| {
                everything |= sees_everything(name);
                if let Some(ats) = by_name.get(name) {
                    mentioned.extend_from_slice(ats);
                }
            });
            if everything {
                mentioned = (0..definitions.len()).collect();
            }
            mentioned.sort_unstable();
            mentioned.dedup();
            uses.extend(mentioned.into_iter().map(|at| (index, at)));
        }
        let defines: FxHashMap<usize, usize> = definitions.iter().enumerate().map(|(at, d)| (d.index, at)).collect();
        loop {
            let mut changed = false;
            for &(index, at) in &uses {
                // A form that defines a function needs what it mentions when that function is bound.
                let needed = defines.get(&index).map_or(index, |user| definitions[*user].bound_at);
                if needed < definitions[at].bound_at {
                    definitions[at].bound_at = needed;
                    changed = true;
                }
            }
            if !changed {
                return definitions;
            }
        }
    }
}

/// `(type Name T)`, at the top of a module.
fn is_alias(form: &Form<'_>) -> bool {
    matches!(form.kind, FormKind::Gene(gene) if !gene.frozen && gene.head.as_ref().and_then(symbol) == Some("type"))
}

fn alias_name<'a>(form: &Form<'a>) -> Option<&'a str> {
    let FormKind::Gene(gene) = form.kind else { return None };
    let name = match gene.children.first()?.kind {
        FormKind::Symbol(name) => name,
        FormKind::Path([.., PathPart::Name(name)]) => *name,
        _ => return None,
    };
    Some(split_generics(name).0)
}
