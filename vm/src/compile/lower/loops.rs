//! Loops, `break` and `continue`.

use super::Lower;
use super::scope::LoopInfo;
use super::words::{is_symbol, name_of, symbol};
use crate::compile::hir::{BindTarget, E, ExprKind, ForTarget, LoopId, VarRef};
use crate::syntax::form::{Form, FormKind, GeneForm, PropKind, Span};

impl<'a> Lower<'a, '_> {
    /// Begins a loop: until [`Lower::leave_loop`], `break` and `continue` find it.
    fn enter_loop(&mut self, gene: &'a GeneForm<'a>) -> LoopId {
        let mut label = None;
        for prop in gene.props.iter().filter(|prop| prop.key == "name") {
            label = symbol(&prop.value);
            if label.is_none() {
                self.error(prop.value.span, "Invalid loop name");
            }
        }
        let cx = self.cx();
        let id = cx.next_loop;
        cx.next_loop += 1;
        cx.loops.push(LoopInfo { id, label });
        id
    }

    fn leave_loop(&mut self) {
        self.cx().loops.pop();
    }

    pub(super) fn while_(&mut self, span: Span, gene: &'a GeneForm<'a>) -> E<'a> {
        let [cond, forms @ ..] = gene.children else {
            return self.error(span, "while: missing condition");
        };
        let id = self.enter_loop(gene);
        // It stands outside of the body's scope: what it declares is seen there, and behind the loop.
        let cond = self.expr(cond);
        let body = self.block(forms, span);
        self.leave_loop();
        self.e(span, ExprKind::While { id, cond, body })
    }

    pub(super) fn loop_(&mut self, span: Span, gene: &'a GeneForm<'a>) -> E<'a> {
        let id = self.enter_loop(gene);
        let body = self.block(gene.children, span);
        self.leave_loop();
        self.e(span, ExprKind::Loop { id, body })
    }

    pub(super) fn repeat(&mut self, span: Span, gene: &'a GeneForm<'a>) -> E<'a> {
        let (target, rest) = match gene.children {
            [target, word, rest @ ..] if is_symbol(word, "in") => (Some(target), rest),
            rest => (None, rest),
        };
        let [count, forms @ ..] = rest else {
            return self.error(span, "repeat: missing count");
        };
        let count = self.expr(count);
        let id = self.enter_loop(gene);
        self.push_scope();
        let var = match target.map(|target| (target, name_of(target))) {
            None | Some((_, Some("_"))) => None,
            Some((target, Some(name))) => Some(self.bind_local(name, target.span, None)),
            Some((target, None)) => {
                self.error(target.span, "repeat: invalid name");
                None
            }
        };
        let body = self.rest_of_scope(forms, span);
        self.leave_loop();
        self.e(span, ExprKind::Repeat { id, count, var, body })
    }

    pub(super) fn for_(&mut self, span: Span, gene: &'a GeneForm<'a>) -> E<'a> {
        let (targets, rest) = match gene.children {
            [_, word, rest @ ..] if is_symbol(word, "in") => (&gene.children[..1], rest),
            [_, _, word, rest @ ..] if is_symbol(word, "in") => (&gene.children[..2], rest),
            _ => return self.error(span, "for: missing in"),
        };
        let [iter, forms @ ..] = rest else {
            return self.error(span, "for: missing value");
        };
        let iter = self.expr(iter);
        let id = self.enter_loop(gene);
        self.push_scope();
        let target = match targets {
            [one] => ForTarget::One(self.for_target(one)),
            [first, second, ..] => {
                let first = self.for_target(first);
                ForTarget::Two(first, self.for_target(second))
            }
            [] => ForTarget::One(BindTarget::Ignore),
        };
        let body = self.rest_of_scope(forms, span);
        self.leave_loop();
        let awaiting = gene.props.iter().any(|prop| prop.key == "await" && prop.kind == PropKind::Flag);
        self.e(span, ExprKind::For { id, target, iter, body, awaiting })
    }

    fn for_target(&mut self, target: &'a Form<'a>) -> BindTarget<'a> {
        match target.kind {
            FormKind::Array { .. } | FormKind::Map { .. } => {
                let pat = self.bind_pattern(target, false);
                BindTarget::Pattern(self.arena.alloc(pat))
            }
            _ => match name_of(target) {
                Some("_") => BindTarget::Ignore,
                Some(name) => BindTarget::Var(VarRef::Local(self.bind_local(name, target.span, None))),
                None => {
                    self.error(target.span, "for: invalid name");
                    BindTarget::Ignore
                }
            },
        }
    }

    pub(super) fn break_(&mut self, span: Span, gene: &'a GeneForm<'a>) -> E<'a> {
        let value = match gene.children {
            [] => None,
            [value] => Some(self.expr(value)),
            children => return self.count_error(span, "break", "0 or 1 arguments", children.len()),
        };
        match self.loop_of(span, gene, "break") {
            Some(id) => self.e(span, ExprKind::Break { id, value }),
            None => self.nil(span),
        }
    }

    pub(super) fn continue_(&mut self, span: Span, gene: &'a GeneForm<'a>) -> E<'a> {
        if !gene.children.is_empty() {
            return self.count_error(span, "continue", "0 arguments", gene.children.len());
        }
        match self.loop_of(span, gene, "continue") {
            Some(id) => self.e(span, ExprKind::Continue { id }),
            None => self.nil(span),
        }
    }

    /// The loop that `break` or `continue` means; `None` and an error if there is none.
    fn loop_of(&mut self, span: Span, gene: &'a GeneForm<'a>, word: &str) -> Option<LoopId> {
        let from = gene.props.iter().find(|prop| prop.key == "from");
        let loops = &self.cx().loops;
        if loops.is_empty() {
            self.error(span, format!("{word} used outside of a loop"));
            return None;
        }
        let Some(from) = from else { return loops.last().map(|info| info.id) };
        let label = symbol(&from.value);
        let found = loops.iter().rev().find(|info| label.is_some() && info.label == label).map(|info| info.id);
        if found.is_none() {
            self.error(from.value.span, format!("no enclosing loop named {}", label.unwrap_or("?")));
        }
        found
    }
}
