//! `async`, `await`, `spawn`.

use super::call::has_spread;
use super::words::symbol;
use super::{FuncDraft, Lower};
use crate::compile::hir::{Args, E, ExprKind, FuncId, FuncKind, PropArg};
use crate::syntax::form::{Form, FormKind, GeneForm, Prop, PropKind, Span};

impl<'a> Lower<'a, '_> {
    pub(super) fn async_(&mut self, span: Span, gene: &'a GeneForm<'a>) -> E<'a> {
        let body = match gene.children {
            [body] => body,
            [] => return self.count_error(span, "async", "1 argument", 0),
            _ => return self.error(span, "use (do …)"),
        };
        let raw = gene.props.iter().any(|prop| prop.key == "raw" && prop.kind == PropKind::Flag);
        let func = self.task_body(span, std::slice::from_ref(body), "return cannot leave an async body");
        self.e(span, ExprKind::Async { func, raw })
    }

    pub(super) fn task_body(&mut self, span: Span, forms: &'a [Form<'a>], no_return: &'static str) -> FuncId {
        let id = self.enter_function(FuncKind::Async, false, Some(no_return));
        self.push_scope();
        let body = self.rest_of_scope(forms, span);
        let cx = self.leave_function();
        self.funcs[id as usize] = Some(FuncDraft::new(cx, "<fn>", span, body));
        id
    }

    pub(super) fn await_(&mut self, span: Span, gene: &'a GeneForm<'a>) -> E<'a> {
        if gene.children.is_empty() {
            return self.count_error(span, "await", "at least 1 argument", 0);
        }
        let timeout = gene.props.iter().find(|prop| prop.key == "timeout");
        let before = gene.props_at as usize;
        let mut limit = None;
        if has_spread(gene.children) {
            if before == 0 {
                limit = timeout.map(|prop| self.expr(&prop.value));
            }
            let items = self.items(gene.children);
            let list = self.e(span, ExprKind::Array { items, frozen: false });
            let timeout = limit.or_else(|| timeout.map(|prop| self.expr(&prop.value)));
            let values = self.slice(&[list]);
            return self.e(span, ExprKind::Await { values, listed: true, timeout });
        }
        let mut values = Vec::with_capacity(gene.children.len());
        for (at, child) in gene.children.iter().enumerate() {
            if at == before {
                limit = timeout.map(|prop| self.expr(&prop.value));
            }
            values.push(self.expr(child));
        }
        let timeout = limit.or_else(|| timeout.map(|prop| self.expr(&prop.value)));
        let values = self.slice(&values);
        self.e(span, ExprKind::Await { values, listed: false, timeout })
    }

    /// One call form is the body of the task; one name, path or function literal is called in it; of several children the first
    /// one is called with the others, all evaluated now. But a `concurrent` is no callee: it and what follows it are the body.
    pub(super) fn spawn(&mut self, span: Span, gene: &'a GeneForm<'a>) -> E<'a> {
        let (callee, args) = match gene.children {
            [] => return self.count_error(span, "spawn", "at least 1 argument", 0),
            [body] if is_call(body) => {
                let func = self.task_body(body.span, std::slice::from_ref(body), "return cannot leave a spawn body");
                let callee = self.e(body.span, ExprKind::Fn(func));
                let props = self.body_options(gene);
                (callee, Args { items: &[], props, props_at: 0 })
            }
            [first, ..] if self.is_scope(first) => {
                let func = self.task_body(span, gene.children, "return cannot leave a spawn body");
                let callee = self.e(span, ExprKind::Fn(func));
                let props = self.body_options(gene);
                (callee, Args { items: &[], props, props_at: 0 })
            }
            [callee, ..] => {
                let callee = self.expr(callee);
                (callee, self.args_after(gene, 1))
            }
        };
        self.e(span, ExprKind::Spawn { callee, args })
    }

    /// The options of a `spawn` whose body takes no arguments: there is no callee that other keywords could be for.
    fn body_options(&mut self, gene: &'a GeneForm<'a>) -> &'a [PropArg<'a>] {
        const KNOWN: [&str; 6] = ["name", "on", "start", "fuel", "memory", "daemon"];
        let spread = |p: &&Prop<'_>| matches!(p.kind, PropKind::Spread | PropKind::Rest);
        if !gene.props.iter().any(|p| spread(&p)) {
            self.check_props(gene, "spawn", &KNOWN);
        }
        self.prop_args(gene.props)
    }

    fn is_scope(&self, form: &Form<'_>) -> bool {
        let FormKind::Gene(gene) = form.kind else { return false };
        gene.head.as_ref().and_then(symbol) == Some("concurrent") && !gene.frozen && self.find("concurrent").is_none()
    }
}

/// A gene that is no function literal.
pub(super) fn is_call(form: &Form<'_>) -> bool {
    let FormKind::Gene(gene) = form.kind else { return false };
    let literal = matches!(gene.head.as_ref().and_then(symbol), Some("fn" | "fn*"))
        || gene.children.first().and_then(symbol) == Some("->");
    gene.head.is_some() && !gene.frozen && !literal
}
