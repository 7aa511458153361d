//! Binding patterns (12.2).

use super::Lower;
use super::scope::{Declaration, NameKind, Target};
use super::words::{is_symbol, name_of, rest_name, symbol, typed_name};
use crate::compile::hir::{BindElem, BindEntry, BindPat, E, TypeRef, VarRef};
use crate::syntax::form::{Form, FormKind, Prop, PropKind, Span};

impl<'a> Lower<'a, '_> {
    /// Declares the names of a pattern in the innermost scope.
    pub(super) fn bind_pattern(&mut self, pattern: &'a Form<'a>, constant: bool) -> BindPat<'a> {
        super::with_stack(|| self.pattern_here(pattern, None, constant))
    }

    fn pattern_here(&mut self, pattern: &'a Form<'a>, ty: Option<Form<'a>>, constant: bool) -> BindPat<'a> {
        let span = pattern.span;
        match pattern.kind {
            FormKind::Array { items, .. } => {
                let elems = self.pattern_elems(items, constant);
                BindPat::Array { elems, span }
            }
            FormKind::Map { entries, .. } => self.map_pattern(span, entries, constant),
            _ => match name_of(pattern) {
                Some("_") => BindPat::Ignore,
                Some(name) => {
                    let name = typed_name(name).filter(|_| ty.is_some()).unwrap_or(name);
                    let ty = ty.map(|form| self.type_ref(form, &format!("variable {name}")));
                    BindPat::Var { var: self.pattern_var(name, span, ty, constant), ty }
                }
                None => {
                    self.error(span, "Invalid pattern");
                    BindPat::Ignore
                }
            },
        }
    }

    fn pattern_var(&mut self, name: &'a str, span: Span, ty: Option<TypeRef<'a>>, constant: bool) -> VarRef {
        let declaration = Declaration { constant, ty, ..Declaration::new(NameKind::Var) };
        match self.declare(name, span, declaration) {
            Target::Var(var) | Target::Member(var) => var,
        }
    }

    fn pattern_elems(&mut self, items: &'a [Form<'a>], constant: bool) -> &'a [BindElem<'a>] {
        let mut elems = Vec::with_capacity(items.len());
        let (mut has_rest, mut has_prop_rest) = (false, false);
        let mut rest = items;
        while let [item, after @ ..] = rest {
            rest = after;
            let span = item.span;
            let text = symbol(item).unwrap_or_default();
            if text == "..." || text == "=" {
                self.error(
                    span,
                    if text == "..." { "pattern has more than one rest binding" } else { "Invalid pattern" },
                );
                continue;
            }
            if let Some(name) = text.strip_prefix('^').filter(|name| !name.is_empty()) {
                if let Some(name) = rest_name(name) {
                    self.only_rest(&mut has_prop_rest, span);
                    elems.push(BindElem::PropRest(self.pattern_var(name, span, None, constant)));
                } else {
                    let default = self.pattern_default(&mut rest);
                    let var = self.pattern_var(name, span, None, constant);
                    elems.push(BindElem::Prop { name, var, default });
                }
                continue;
            }
            let mark = rest.first().is_some_and(|next| is_symbol(next, "..."));
            if mark || rest_name(text).is_some() {
                if mark {
                    rest = &rest[1..];
                }
                self.only_rest(&mut has_rest, span);
                let name = rest_name(text).or(name_of(item));
                let Some(name) = name else {
                    self.error(span, "Invalid pattern");
                    continue;
                };
                let var = (name != "_").then(|| self.pattern_var(name, span, None, constant));
                elems.push(BindElem::Rest(var));
                continue;
            }
            let mut ty = None;
            if typed_name(text).is_some() {
                let [form, after @ ..] = rest else {
                    self.error(span, "Invalid pattern");
                    break;
                };
                ty = Some(*form);
                rest = after;
            }
            let default = self.pattern_default(&mut rest);
            let pat = super::with_stack(|| self.pattern_here(item, ty, constant));
            elems.push(BindElem::One { pat, default });
        }
        self.slice(&elems)
    }

    fn only_rest(&mut self, seen: &mut bool, span: Span) {
        if *seen {
            self.error(span, "pattern has more than one rest binding");
        }
        *seen = true;
    }

    /// `= default`, if it comes next. What the default declares is its own.
    fn pattern_default(&mut self, rest: &mut &'a [Form<'a>]) -> Option<E<'a>> {
        let [equals, after @ ..] = *rest else { return None };
        if !is_symbol(equals, "=") {
            return None;
        }
        let [default, after @ ..] = after else {
            self.error(equals.span, "Invalid pattern");
            *rest = after;
            return None;
        };
        *rest = after;
        Some(self.block(std::slice::from_ref(default), default.span))
    }

    fn map_pattern(&mut self, span: Span, props: &'a [Prop<'a>], constant: bool) -> BindPat<'a> {
        let mut entries = Vec::with_capacity(props.len());
        let mut rest = None;
        for prop in props {
            match prop.kind {
                PropKind::Rest => {
                    if rest.is_some() {
                        self.error(prop.key_span, "pattern has more than one rest binding");
                    }
                    let name = rest_name(prop.key).unwrap_or(prop.key);
                    rest = Some(self.pattern_var(name, prop.key_span, None, constant));
                }
                PropKind::Spread => {
                    self.error(prop.key_span, "pattern has more than one rest binding");
                }
                PropKind::Value | PropKind::Flag | PropKind::Negated => {
                    let (target, default) = optional(&prop.value);
                    let default = default.map(|form| self.block(std::slice::from_ref(form), form.span));
                    let pat = self.bind_pattern(target, constant);
                    entries.push(BindEntry { key: prop.key, pat, default });
                }
            }
        }
        BindPat::Map { entries: self.slice(&entries), rest, span }
    }
}

/// `(= p default)` is an optional `p`.
fn optional<'a>(form: &'a Form<'a>) -> (&'a Form<'a>, Option<&'a Form<'a>>) {
    if let FormKind::Gene(gene) = form.kind
        && gene.head.is_some_and(|head| is_symbol(&head, "="))
        && let [target, default] = gene.children
    {
        return (target, Some(default));
    }
    (form, None)
}
