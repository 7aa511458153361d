//! `var`, `let` and assignment.

use super::Lower;
use super::scan::member_name;
use super::scope::{Declaration, NameKind, State, Target};
use super::words::{AssignOp, is_symbol, name_of, typed_name};
use crate::compile::hir::{BinOp, E, ExprKind, Key, UpdateOp};
use crate::syntax::form::{Form, FormKind, GeneForm, PathPart, Span};

impl<'a> Lower<'a, '_> {
    pub(super) fn var_form(&mut self, span: Span, gene: &'a GeneForm<'a>, constant: bool) -> E<'a> {
        let word = if constant { "let" } else { "var" };
        let [target, rest @ ..] = gene.children else {
            return self.error(span, format!("{word}: missing name"));
        };
        let typed = name_of(target).and_then(typed_name).is_some()
            || matches!(target.kind, FormKind::Path([.., PathPart::Name(name)]) if typed_name(name).is_some());
        let (ty, rest) = match (typed, rest) {
            (true, [ty, rest @ ..]) => (Some(*ty), rest),
            (true, []) => return self.error(span, format!("{word}: missing type")),
            (false, rest) => (None, rest),
        };
        let value = match rest {
            [] => None,
            [value] => Some(value),
            _ => return self.error(span, format!("{word}: expects one value, got {}", rest.len())),
        };
        match target.kind {
            FormKind::Array { .. } | FormKind::Map { .. } => {
                let value = match value {
                    Some(value) => self.expr(value),
                    None => self.nil(span),
                };
                let pat = self.bind_pattern(target, constant);
                let pat = self.arena.alloc(pat);
                self.e(span, ExprKind::DeclarePattern { pat, value })
            }
            FormKind::Path(parts) => self.var_path(span, parts, ty, value, constant),
            _ => match name_of(target) {
                Some("_") => self.value_or_nil(span, value),
                Some(name) => {
                    let name = if typed { typed_name(name).unwrap_or(name) } else { name };
                    let ty = ty.map(|form| self.type_ref(form, &format!("variable {name}")));
                    let value = self.value_or_nil(span, value);
                    let declaration = Declaration { constant, ty, ..Declaration::new(NameKind::Var) };
                    self.declare_as(span, name, target.span, declaration, value)
                }
                None => self.error(target.span, format!("{word}: invalid name")),
            },
        }
    }

    fn value_or_nil(&mut self, span: Span, value: Option<&'a Form<'a>>) -> E<'a> {
        match value {
            Some(value) => self.expr(value),
            None => self.nil(span),
        }
    }

    /// Declares `name` and binds `value` to it.
    pub(super) fn declare_as(
        &mut self,
        span: Span,
        name: &'a str,
        name_span: Span,
        declaration: Declaration<'a>,
        value: E<'a>,
    ) -> E<'a> {
        match self.declare(name, name_span, declaration) {
            Target::Var(var) => self.e(span, ExprKind::Declare { var, value, ty: declaration.ty }),
            Target::Member(ns) => {
                let base = self.var_at(name_span, ns);
                self.e(span, ExprKind::Set { base, key: Key::Name { name, fallback: None }, value })
            }
        }
    }

    /// `(var /x e)` and `(var ns/x e)`.
    fn var_path(
        &mut self,
        span: Span,
        parts: &'a [PathPart<'a>],
        ty: Option<Form<'a>>,
        value: Option<&'a Form<'a>>,
        constant: bool,
    ) -> E<'a> {
        let name = match parts.last() {
            Some(PathPart::Name(name)) => typed_name(name).unwrap_or(name),
            _ => return self.error(span, "Invalid assignment target"),
        };
        let value = |lower: &mut Self| lower.value_or_nil(span, value);
        if self.defines_by_path(parts) {
            let ty = ty.map(|form| self.type_ref(form, &format!("variable {name}")));
            let value = value(self);
            let declaration = Declaration { constant, ty, exported: true, ..Declaration::new(NameKind::Var) };
            return self.declare_as(span, name, span, declaration, value);
        }
        let Some((base, _)) = self.path_target(span, parts) else { return self.nil(span) };
        let value = value(self);
        self.e(span, ExprKind::Set { base, key: Key::Name { name, fallback: None }, value })
    }

    /// Whether the path, as a definition, binds a name in the innermost scope.
    pub(super) fn defines_by_path(&self, parts: &[PathPart<'a>]) -> bool {
        member_name(parts).is_some_and(|(_, spelling)| self.defines_name(spelling))
    }

    /// Refuses to bind or assign a `let` name anew in the innermost scope.
    pub(super) fn refuse_constant(&mut self, name: &str, span: Span) {
        let scope = self.scopes.len() as u32 - 1;
        let constant = |binding: &super::Binding<'a>| {
            binding.scope == scope && binding.constant && binding.state == State::Declared
        };
        if self.names.get(name).and_then(|list| list.last()).is_some_and(constant) {
            self.error(span, format!("Cannot reassign 'let' binding '{name}'"));
        }
    }

    // --- assignment

    /// `(target op e)`
    pub(super) fn assign(&mut self, span: Span, gene: &'a GeneForm<'a>, op: AssignOp) -> E<'a> {
        let (Some(target), [_, value]) = (&gene.head, gene.children) else {
            return self.error(span, "Invalid assignment");
        };
        if !gene.props.is_empty() || is_symbol(value, "...") {
            return self.error(span, "Invalid assignment");
        }
        match target.kind {
            FormKind::Symbol(name) if name != "self" && !name.starts_with('$') => {
                self.assign_name(span, target, name, op, value)
            }
            FormKind::Path(parts) => {
                let Some((base, key)) = self.path_target(target.span, parts) else { return self.nil(span) };
                match op {
                    AssignOp::Plain => {
                        let value = self.expr(value);
                        self.e(span, ExprKind::Set { base, key, value })
                    }
                    AssignOp::Update(op) => {
                        let value = self.update_value(op, value);
                        self.e(span, ExprKind::Update { base, key, op, value })
                    }
                }
            }
            _ => self.error(target.span, "Invalid assignment target"),
        }
    }

    fn update_value(&mut self, op: UpdateOp, value: &'a Form<'a>) -> E<'a> {
        match op {
            UpdateOp::Op(_) => self.expr(value),
            UpdateOp::OrElse | UpdateOp::AndThen => self.conditionally(|lower| lower.expr(value)),
        }
    }

    fn assign_name(
        &mut self,
        span: Span,
        target: &'a Form<'a>,
        name: &'a str,
        op: AssignOp,
        value: &'a Form<'a>,
    ) -> E<'a> {
        let Some(found) = self.resolve(name) else {
            return self.assign_global(span, target.span, name, op, value);
        };
        if found.constant {
            return self.error(span, format!("Cannot reassign 'let' binding '{name}'"));
        }
        self.note_assigned(name);
        let var = match found.target {
            Target::Var(var) => var,
            Target::Member(ns) => {
                let base = self.var_at(target.span, ns);
                let key = Key::Name { name, fallback: None };
                return match op {
                    AssignOp::Plain => {
                        let value = self.expr(value);
                        self.e(span, ExprKind::Set { base, key, value })
                    }
                    AssignOp::Update(op) => {
                        let value = self.update_value(op, value);
                        self.e(span, ExprKind::Update { base, key, op, value })
                    }
                };
            }
        };
        match op {
            AssignOp::Plain => {
                let value = self.expr(value);
                self.e(span, ExprKind::Assign { var, value })
            }
            AssignOp::Update(UpdateOp::Op(op)) => {
                let old = self.var_at(target.span, var);
                let value = self.expr(value);
                let value = self.binary(span, op, old, value);
                self.e(span, ExprKind::Assign { var, value })
            }
            AssignOp::Update(op) => {
                let value = self.update_value(op, value);
                self.e(span, ExprKind::AssignLogical { var, value, or: op == UpdateOp::OrElse })
            }
        }
    }

    fn assign_global(
        &mut self,
        span: Span,
        name_span: Span,
        name: &'a str,
        op: AssignOp,
        value: &'a Form<'a>,
    ) -> E<'a> {
        let old = self.e(name_span, ExprKind::Global(name));
        match op {
            AssignOp::Plain => {
                let value = self.expr(value);
                self.e(span, ExprKind::AssignGlobal { name, value })
            }
            AssignOp::Update(UpdateOp::Op(op)) => {
                let value = self.expr(value);
                let value = self.binary(span, op, old, value);
                self.e(span, ExprKind::AssignGlobal { name, value })
            }
            AssignOp::Update(op) => {
                let value = self.update_value(op, value);
                let assign = self.e(span, ExprKind::AssignGlobal { name, value });
                let kind = if op == UpdateOp::OrElse { ExprKind::Or(old, assign) } else { ExprKind::And(old, assign) };
                self.e(span, kind)
            }
        }
    }

    fn binary(&mut self, span: Span, op: BinOp, left: E<'a>, right: E<'a>) -> E<'a> {
        self.e(span, ExprKind::Binary(op, left, right))
    }
}
