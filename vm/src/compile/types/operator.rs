//! Operators: results, and operands that they refuse.

use super::inferred::Ty;
use super::{Checker, library};
use crate::compile::hir::*;
use crate::syntax::form::Span;

/// What an operator makes of two kinds.
enum Outcome {
    Gives(&'static str),
    /// A value of some kind.
    Unknown,
    /// It certainly raises; what the right operand should have been, or the left one.
    Right(&'static str),
    Left(&'static str),
}

impl<'a> Checker<'_, 'a> {
    pub(super) fn binary(&mut self, op: BinOp, a: E<'a>, b: E<'a>) -> Ty<'a> {
        let left = self.infer(a);
        let right = self.infer(b);
        match op {
            BinOp::Eq | BinOp::Ne | BinOp::Is => return Ty::lib("Bool"),
            BinOp::Select => return Ty::Any,
            _ => {}
        }
        let mut results = Vec::new();
        let mut fault = None;
        for l in left.members() {
            for r in right.members() {
                match outcome(op, l, r) {
                    Outcome::Gives(name) => results.push(Ty::lib(name)),
                    Outcome::Unknown => results.push(Ty::Any),
                    Outcome::Right(expected) => fault = fault.or(Some((b.span, expected, true))),
                    Outcome::Left(expected) => fault = fault.or(Some((a.span, expected, false))),
                }
            }
        }
        if results.is_empty() {
            if let Some((span, expected, at_right)) = fault {
                let got = if at_right { &right } else { &left };
                self.refuse(span, expected, got, symbol(op));
            }
            return Ty::Any;
        }
        if is_comparison(op) { Ty::lib("Bool") } else { Ty::union(results) }
    }

    fn refuse(&mut self, span: Span, expected: &str, got: &Ty<'a>, op: &str) {
        let got = self.show(got);
        self.report(span, format!("expected {expected}, got {got} in {op}"));
    }

    pub(super) fn negate(&mut self, a: E<'a>) -> Ty<'a> {
        let ty = self.infer(a);
        match ty {
            Ty::Lib("Int" | "Float" | "Duration", _) => ty,
            Ty::Lib(name, _) if library::CLOSED.contains(&name) => {
                self.refuse(a.span, "Number", &ty, "-");
                Ty::Any
            }
            _ => Ty::Any,
        }
    }
}

fn is_comparison(op: BinOp) -> bool {
    matches!(op, BinOp::Lt | BinOp::Le | BinOp::Gt | BinOp::Ge)
}

fn symbol(op: BinOp) -> &'static str {
    match op {
        BinOp::Add => "+",
        BinOp::Sub => "-",
        BinOp::Mul => "*",
        BinOp::Div => "/",
        BinOp::Mod => "%",
        BinOp::Pow => "**",
        BinOp::Concat => "++",
        BinOp::Shl => "<<",
        BinOp::Shr => ">>",
        BinOp::Xor => "&|&",
        BinOp::Lt => "<",
        BinOp::Le => "<=",
        BinOp::Gt => ">",
        BinOp::Ge => ">=",
        BinOp::Eq => "==",
        BinOp::Ne => "!=",
        BinOp::Is => "is",
        BinOp::Select => "./",
    }
}

/// Kinds that operators know nothing of beyond what stands here.
fn plain<'a>(ty: &Ty<'a>) -> Option<&'a str> {
    match ty {
        Ty::Lib(name, _) if library::CLOSED.contains(name) => Some(name),
        _ => None,
    }
}

fn outcome(op: BinOp, left: &Ty<'_>, right: &Ty<'_>) -> Outcome {
    let (Some(l), Some(r)) = (plain(left), plain(right)) else { return Outcome::Unknown };
    let number = |name: &str| matches!(name, "Int" | "Float");
    match op {
        BinOp::Add | BinOp::Sub | BinOp::Mul | BinOp::Div | BinOp::Mod | BinOp::Pow => match (l, r) {
            ("Int", "Int") => match op {
                BinOp::Div => Outcome::Gives("Float"),
                BinOp::Pow => Outcome::Unknown,
                _ => Outcome::Gives("Int"),
            },
            _ if number(l) && number(r) => Outcome::Gives("Float"),
            _ if number(l) => Outcome::Right("Number"),
            _ => Outcome::Left("Number"),
        },
        BinOp::Concat => match (l, r) {
            ("String", "String") => Outcome::Gives("String"),
            ("Array", "Array") => Outcome::Gives("Array"),
            ("String", _) => Outcome::Right("String"),
            ("Array", _) => Outcome::Right("Array"),
            _ => Outcome::Left("String"),
        },
        BinOp::Lt | BinOp::Le | BinOp::Gt | BinOp::Ge => match (l, r) {
            _ if number(l) && number(r) => Outcome::Gives("Bool"),
            ("String", "String") | ("Char", "Char") => Outcome::Gives("Bool"),
            _ if number(l) => Outcome::Right("Number"),
            ("String", _) => Outcome::Right("String"),
            ("Char", _) => Outcome::Right("Char"),
            _ => Outcome::Left("Number"),
        },
        _ => Outcome::Unknown,
    }
}
