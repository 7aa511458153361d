//! `try` and `throw`.

use super::words::{is_symbol, name_of, starts_upper, symbol};
use super::{Lower, scope};
use crate::compile::hir::{Args, Catch, CatchKind, E, ExprKind, VarRef};
use crate::syntax::form::{Form, FormKind, GeneForm, PathPart, Span};

impl<'a> Lower<'a, '_> {
    pub(super) fn try_(&mut self, span: Span, gene: &'a GeneForm<'a>) -> E<'a> {
        let (forms, mut rest) = split_part(gene.children);
        let body = self.block(forms, span);
        let mut catches = Vec::new();
        let mut finally = None;
        while let [word, after @ ..] = rest {
            if finally.is_some() {
                let what = if is_symbol(word, "catch") { "misplaced catch" } else { "duplicate finally" };
                return self.error(word.span, format!("try: {what}"));
            }
            if is_symbol(word, "finally") {
                let (forms, after) = split_part(after);
                finally = Some(self.block(forms, word.span));
                rest = after;
                continue;
            }
            let [clause, after @ ..] = after else {
                return self.error(word.span, "try: missing catch clause");
            };
            let (forms, after) = split_part(after);
            catches.push(self.catch(clause, forms));
            rest = after;
        }
        if catches.is_empty() && finally.is_none() {
            return body;
        }
        let catches = self.slice(&catches);
        self.e(span, ExprKind::Try { body, catches, finally, cleanup: true })
    }

    fn catch(&mut self, clause: &'a Form<'a>, forms: &'a [Form<'a>]) -> Catch<'a> {
        let span = clause.span;
        self.push_scope();
        let ex = VarRef::Local(self.bind_hidden(scope::EX));
        let kind = match clause.kind {
            FormKind::Symbol("*" | "_") => CatchKind::All { bind: None },
            FormKind::Symbol(name) if !starts_upper(name) => {
                CatchKind::All { bind: Some(VarRef::Local(self.bind_local(name, span, None))) }
            }
            FormKind::Symbol(_) | FormKind::Path(_) if is_class_path(clause) => {
                CatchKind::Class { class: self.expr(clause), bind: None }
            }
            FormKind::Array { .. } | FormKind::Map { .. } => {
                let pat = self.bind_pattern(clause, false);
                CatchKind::Pattern(self.arena.alloc(pat))
            }
            FormKind::Gene(gene) => match (&gene.head, gene.children) {
                (Some(class), [name]) if is_class_path(class) && gene.props.is_empty() && name_of(name).is_some() => {
                    let class = self.expr(class);
                    let bind = name_of(name).filter(|text| *text != "_");
                    let bind = bind.map(|text| VarRef::Local(self.bind_local(text, name.span, None)));
                    CatchKind::Class { class, bind }
                }
                _ => self.invalid_clause(span),
            },
            _ => match name_of(clause) {
                // A constant: refused as a reserved word.
                Some(name) => {
                    self.check_name(name, span);
                    CatchKind::All { bind: None }
                }
                None => self.invalid_clause(span),
            },
        };
        let body = self.rest_of_scope(forms, span);
        Catch { kind, ex, body, span, cleanup: names_cancellation(clause) }
    }

    fn invalid_clause(&mut self, span: Span) -> CatchKind<'a> {
        self.error(span, "try: invalid catch clause");
        CatchKind::All { bind: None }
    }

    pub(super) fn throw(&mut self, span: Span, gene: &'a GeneForm<'a>) -> E<'a> {
        let value = match gene.children {
            [] if gene.props.is_empty() => match self.resolve_hidden(scope::EX) {
                Some(ex) => self.var_at(span, ex),
                None => self.constant(span, FormKind::Str("nil")),
            },
            [] => return self.count_error(span, "throw", "a value", 0),
            [value] if gene.props.is_empty() => self.expr(value),
            [class, ..] => {
                let class = self.expr(class);
                let args: Args<'a> = self.args_after(gene, 1);
                return self.e(span, ExprKind::ThrowNew { class, args });
            }
        };
        self.e(span, ExprKind::Throw(value))
    }
}

/// A name or path whose last part starts with an uppercase letter.
fn is_class_path(form: &Form<'_>) -> bool {
    match form.kind {
        FormKind::Symbol(name) => starts_upper(name),
        FormKind::Path([.., PathPart::Name(name)]) => starts_upper(name),
        _ => false,
    }
}

/// A clause that catches the task's own cancellation, which needs its name.
fn names_cancellation(clause: &Form<'_>) -> bool {
    match clause.kind {
        FormKind::Symbol(name) => name == "CancellationException",
        FormKind::Path([.., PathPart::Name(name)]) => *name == "CancellationException",
        FormKind::Gene(gene) => gene.head.as_ref().is_some_and(names_cancellation),
        _ => false,
    }
}

/// The forms up to the next `catch` or `finally`.
fn split_part<'a>(forms: &'a [Form<'a>]) -> (&'a [Form<'a>], &'a [Form<'a>]) {
    let word = |form: &Form<'a>| matches!(symbol(form), Some("catch" | "finally"));
    let end = forms.iter().position(word).unwrap_or(forms.len());
    forms.split_at(end)
}
