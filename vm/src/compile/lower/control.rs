//! `if` and its relatives, `return`, `with`.

use super::Lower;
use super::words::{is_symbol, name_of, symbol};
use crate::compile::hir::{Args, Catch, CatchKind, E, ExprKind, VarRef};
use crate::syntax::form::{Form, FormKind, GeneForm, Span};

/// A condition with its forms.
struct Branch<'a> {
    cond: &'a Form<'a>,
    forms: &'a [Form<'a>],
}

impl<'a> Lower<'a, '_> {
    pub(super) fn if_(&mut self, span: Span, children: &'a [Form<'a>]) -> E<'a> {
        let mut branches: Vec<Branch<'a>> = Vec::new();
        let mut other: Option<&'a [Form<'a>]> = None;
        let mut rest = children;
        loop {
            // A part begins here: a condition.
            let Some(cond) = rest.first().filter(|form| part_word(form).is_none()) else {
                return self.error(span, "if: missing condition");
            };
            rest = &rest[1..];
            if rest.first().is_some_and(|form| is_symbol(form, "then")) {
                rest = &rest[1..];
            }
            let (forms, after) = split_part(rest);
            branches.push(Branch { cond, forms });
            match after {
                [word, after @ ..] if is_symbol(word, "elif") => rest = after,
                [word, after @ ..] if is_symbol(word, "else") => {
                    let (forms, after) = split_part(after);
                    other = Some(forms);
                    if let Some(word) = after.first() {
                        return self.misplaced(word);
                    }
                    break;
                }
                [word, ..] => return self.misplaced(word),
                [] => break,
            }
        }
        self.branches(span, &branches, other)
    }

    fn misplaced(&mut self, word: &Form<'_>) -> E<'a> {
        match symbol(word) {
            Some("else") => self.error(word.span, "if: duplicate else"),
            word_text => self.error(word.span, format!("if: misplaced {}", word_text.unwrap_or("then"))),
        }
    }

    fn branches(&mut self, span: Span, branches: &[Branch<'a>], other: Option<&'a [Form<'a>]>) -> E<'a> {
        // Later conditions may not be evaluated. Source order matters, so they are lowered first and put together afterwards.
        let mut lowered = Vec::with_capacity(branches.len());
        for (at, branch) in branches.iter().enumerate() {
            let cond =
                if at == 0 { self.expr(branch.cond) } else { self.conditionally(|lower| lower.expr(branch.cond)) };
            let then = self.block(branch.forms, span);
            lowered.push((branch.cond.span, cond, then));
        }
        let mut result = other.map(|forms| self.block(forms, span));
        for (at, (cond_span, cond, then)) in lowered.into_iter().enumerate().rev() {
            let span = if at == 0 { span } else { cond_span };
            result = Some(self.e(span, ExprKind::If { cond, then, other: result }));
        }
        result.unwrap_or_else(|| self.nil(span))
    }

    pub(super) fn ifel(&mut self, span: Span, children: &'a [Form<'a>]) -> E<'a> {
        let (cond, then, other) = match children {
            [cond, then] => (cond, then, None),
            [cond, then, other] => (cond, then, Some(other)),
            _ => return self.count_error(span, "ifel", "2 or 3 arguments", children.len()),
        };
        let cond = self.expr(cond);
        let then = self.block(std::slice::from_ref(then), span);
        let other = other.map(|other| self.block(std::slice::from_ref(other), span));
        self.e(span, ExprKind::If { cond, then, other })
    }

    pub(super) fn if_not(&mut self, span: Span, children: &'a [Form<'a>]) -> E<'a> {
        let [cond, forms @ ..] = children else {
            return self.error(span, "if_not: missing condition");
        };
        let forms = match forms {
            [word, rest @ ..] if is_symbol(word, "then") => rest,
            _ => forms,
        };
        if let Some(word) = forms.iter().find(|form| part_word(form).is_some()) {
            return self.error(word.span, "if_not: else branches are not supported");
        }
        let cond = self.expr(cond);
        let then = self.block(forms, span);
        let cond = self.e(cond.span, ExprKind::Not(cond));
        self.e(span, ExprKind::If { cond, then, other: None })
    }

    pub(super) fn return_(&mut self, span: Span, gene: &'a GeneForm<'a>) -> E<'a> {
        let value = match gene.children {
            [] => None,
            [value] => Some(self.expr(value)),
            children => return self.count_error(span, "return", "0 or 1 arguments", children.len()),
        };
        if let Some(message) = self.cx().no_return {
            return self.error(span, message);
        }
        self.e(span, ExprKind::Return(value))
    }

    // --- with

    pub(super) fn with(&mut self, span: Span, gene: &'a GeneForm<'a>) -> E<'a> {
        let [Form { kind: FormKind::Array { items, .. }, .. }, forms @ ..] = gene.children else {
            return self.error(span, "with: missing resources");
        };
        if items.len() % 2 == 1 {
            return self.error(span, "with: expects a value for every name");
        }
        self.with_resources(span, items, forms)
    }

    /// One resource and what is inside it. `(with [a e] ...)` is
    ///
    /// ```text
    /// (do (var resource e) (var a resource) (var failed false)
    ///   (try ... catch <really everything> (failed = (%failed $ex)) (throw $ex)
    ///    finally (if failed (try (resource .close) catch <really everything> nil) else (resource .close))))
    /// ```
    ///
    /// with a copy of the resource, as the name may be assigned. Closing `nil` does nothing by itself.
    fn with_resources(&mut self, span: Span, items: &'a [Form<'a>], forms: &'a [Form<'a>]) -> E<'a> {
        let [target, value, items @ ..] = items else { return self.block(forms, span) };
        let value = self.expr(value);
        self.push_scope();
        let resource = VarRef::Local(self.new_var("resource", None));
        let failed = VarRef::Local(self.new_var("failed", None));
        let mut body = vec![self.declare_hidden(span, resource, value)];
        match name_of(target) {
            Some("_") => {}
            Some(name) => {
                let var = VarRef::Local(self.bind_local(name, target.span, None));
                let value = self.var_at(target.span, resource);
                body.push(self.declare_hidden(target.span, var, value));
            }
            None => {
                self.error(target.span, "with: invalid name");
            }
        }
        let no = self.constant(span, FormKind::False);
        body.push(self.declare_hidden(span, failed, no));
        let inner = super::with_stack(|| self.with_resources(span, items, forms));
        let rethrow = self.note_failure(span, failed);
        let finally = self.close_resource(span, resource, failed);
        let catches = self.slice(&[rethrow]);
        body.push(self.e(span, ExprKind::Try { body: inner, catches, finally: Some(finally), cleanup: true }));
        self.sequence(&body, span)
    }

    fn declare_hidden(&mut self, span: Span, var: VarRef, value: E<'a>) -> E<'a> {
        self.e(span, ExprKind::Declare { var, value, ty: None })
    }

    /// The clause that remembers that the body failed.
    fn note_failure(&mut self, span: Span, failed: VarRef) -> Catch<'a> {
        self.push_scope();
        let ex = VarRef::Local(self.new_var("$ex", None));
        let value = self.var_at(span, ex);
        let yes = self.hidden_call(span, "%failed", &[value], &[]);
        if let VarRef::Local(var) = failed {
            self.cx().vars[var as usize].assigned = true;
        }
        let note = self.e(span, ExprKind::Assign { var: failed, value: yes });
        let value = self.var_at(span, ex);
        let throw = self.e(span, ExprKind::Throw(value));
        let body = self.sequence(&[note, throw], span);
        Catch { kind: CatchKind::Really, ex, body, span, cleanup: false }
    }

    fn close_resource(&mut self, span: Span, resource: VarRef, failed: VarRef) -> E<'a> {
        let close = |lower: &mut Self| {
            let recv = lower.var_at(span, resource);
            lower.e(span, ExprKind::Method { recv, name: "close", args: Args::default() })
        };
        self.push_scope();
        let ex = VarRef::Local(self.new_var("$ex", None));
        let nothing = self.nil(span);
        let body = self.sequence(&[nothing], span);
        let catches = self.slice(&[Catch { kind: CatchKind::Really, ex, body, span, cleanup: false }]);
        let closing = close(self);
        let quietly = self.e(span, ExprKind::Try { body: closing, catches, finally: None, cleanup: false });
        let cond = self.var_at(span, failed);
        let loudly = close(self);
        self.e(span, ExprKind::If { cond, then: quietly, other: Some(loudly) })
    }
}

/// The word if the form begins another part of an `if`.
fn part_word<'a>(form: &Form<'a>) -> Option<&'a str> {
    symbol(form).filter(|word| matches!(*word, "elif" | "else" | "then"))
}

/// The forms up to the next part.
fn split_part<'a>(forms: &'a [Form<'a>]) -> (&'a [Form<'a>], &'a [Form<'a>]) {
    let end = forms.iter().position(|form| part_word(form).is_some()).unwrap_or(forms.len());
    forms.split_at(end)
}
