//! Infix expressions (1.10) and operators in front.

use super::Lower;
use super::call::has_spread;
use super::words::{COMPARISON, InfixOp, infix_op, symbol};
use crate::compile::hir::{BinOp, E, ExprKind};
use crate::syntax::form::{Form, FormKind, GeneForm, Span};

/// The rest of an infix expression: operator, operand, operator, operand ...
struct Tail<'a> {
    items: Vec<(InfixOp, &'a Form<'a>)>,
    at: usize,
    span: Span,
}

impl<'a> Lower<'a, '_> {
    /// `(a op b op c ...)`; the first child is known to be an operator.
    pub(super) fn infix(&mut self, span: Span, gene: &'a GeneForm<'a>) -> E<'a> {
        let Some(head) = &gene.head else { return self.nil(span) };
        let mut items = Vec::with_capacity(gene.children.len() / 2);
        for pair in gene.children.chunks(2) {
            match (pair.first().and_then(symbol).and_then(infix_op), pair.get(1)) {
                (Some(op), Some(operand)) => items.push((op, operand)),
                (Some(_), None) => return self.error(span, "Incomplete infix expression"),
                (None, _) => return self.error(span, "Invalid infix expression"),
            }
        }
        if !gene.props.is_empty() {
            return self.error(span, "Invalid infix expression");
        }
        let mut tail = Tail { items, at: 0, span };
        let first = self.expr(head);
        self.climb(first, 0, &mut tail)
    }

    /// Joins `left` with everything that follows and binds at least as tightly as `level`.
    fn climb(&mut self, left: E<'a>, level: u8, tail: &mut Tail<'a>) -> E<'a> {
        let mut left = left;
        while let Some(&(op, operand)) = tail.items.get(tail.at).filter(|(op, _)| op.level() >= level) {
            if op.level() == COMPARISON {
                left = self.comparisons(left, tail);
                continue;
            }
            tail.at += 1;
            let next = if op == InfixOp::Binary(BinOp::Pow) { op.level() } else { op.level() + 1 };
            let right = if is_short_circuit(op) {
                self.conditionally(|lower| lower.operand(operand, next, tail))
            } else {
                self.operand(operand, next, tail)
            };
            left = self.join(tail.span, op, left, right);
        }
        left
    }

    fn operand(&mut self, form: &'a Form<'a>, level: u8, tail: &mut Tail<'a>) -> E<'a> {
        let left = self.expr(form);
        super::with_stack(|| self.climb(left, level, tail))
    }

    /// A run of comparisons: one is an ordinary operator, more are a chain.
    fn comparisons(&mut self, first: E<'a>, tail: &mut Tail<'a>) -> E<'a> {
        let mut rest: Vec<(BinOp, E<'a>)> = Vec::new();
        while let Some(&(InfixOp::Binary(op), operand)) = tail.items.get(tail.at)
            && InfixOp::Binary(op).level() == COMPARISON
        {
            tail.at += 1;
            let mut lower = |lower: &mut Self| {
                let left = if op == BinOp::Is { lower.type_operand(operand) } else { lower.expr(operand) };
                lower.climb(left, COMPARISON + 1, tail)
            };
            let right = if rest.is_empty() { lower(self) } else { self.conditionally(&mut lower) };
            rest.push((op, right));
        }
        match rest[..] {
            [(op, right)] => self.e(tail.span, ExprKind::Binary(op, first, right)),
            _ => {
                let rest = self.slice(&rest);
                self.e(tail.span, ExprKind::Chain { first, rest })
            }
        }
    }

    fn join(&mut self, span: Span, op: InfixOp, left: E<'a>, right: E<'a>) -> E<'a> {
        let kind = match op {
            InfixOp::Binary(op) => ExprKind::Binary(op, left, right),
            InfixOp::Amp => ExprKind::Amp(left, right),
            InfixOp::Bar => ExprKind::Bar(left, right),
            InfixOp::And => ExprKind::And(left, right),
            InfixOp::Or => ExprKind::Or(left, right),
            InfixOp::Range => ExprKind::Range { start: Some(left), end: right, step: None },
        };
        self.e(span, kind)
    }

    /// `(op a b ...)`. `None` where the operator is called as a function: no operands to speak of, spreads, keywords.
    pub(super) fn prefix_operator(
        &mut self,
        form: &'a Form<'a>,
        gene: &'a GeneForm<'a>,
        name: &'a str,
    ) -> Option<E<'a>> {
        let span = form.span;
        let op = infix_op(name)?;
        if !gene.props.is_empty() || has_spread(gene.children) {
            return None;
        }
        if op == InfixOp::Binary(BinOp::Is) {
            let [value, ty] = gene.children else { return None };
            let value = self.expr(value);
            let ty = self.type_operand(ty);
            return Some(self.e(span, ExprKind::Binary(BinOp::Is, value, ty)));
        }
        match (op, gene.children) {
            (InfixOp::Binary(BinOp::Add), []) => return Some(self.constant(span, FormKind::Int(0))),
            (InfixOp::Binary(BinOp::Mul), []) => return Some(self.constant(span, FormKind::Int(1))),
            (InfixOp::Binary(BinOp::Sub), [operand]) => {
                let operand = self.expr(operand);
                return Some(self.e(span, ExprKind::Neg(operand)));
            }
            (InfixOp::Binary(BinOp::Div), [operand]) => {
                let one = self.constant(span, FormKind::Int(1));
                let operand = self.expr(operand);
                return Some(self.e(span, ExprKind::Binary(BinOp::Div, one, operand)));
            }
            (_, [] | [_]) => return None,
            // A comparison of more than two operands and a range of three are the function's business.
            (op, [_, _, _, ..]) if op.level() == COMPARISON || op == InfixOp::Range => return None,
            _ => {}
        }
        let [first, rest @ ..] = gene.children else { return None };
        let mut left = self.expr(first);
        for operand in rest {
            let right =
                if is_short_circuit(op) { self.conditionally(|lower| lower.expr(operand)) } else { self.expr(operand) };
            left = self.join(span, op, left, right);
        }
        Some(left)
    }
}

/// Whether the right operand may stay unevaluated.
fn is_short_circuit(op: InfixOp) -> bool {
    matches!(op, InfixOp::Amp | InfixOp::Bar | InfixOp::And | InfixOp::Or)
}
