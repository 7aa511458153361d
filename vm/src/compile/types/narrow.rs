//! What conditions say about variables.

use rustc_hash::FxHashMap;

use super::inferred::Ty;
use super::{Checker, Root};
use crate::compile::hir::*;
use crate::syntax::form::FormKind;

/// What was known before a branch, and how many assignments there had been.
pub type Before<'a> = (FxHashMap<Root, Ty<'a>>, usize);

/// Conditions nested deeper than this say nothing.
const MAX_DEPTH: u32 = 32;

type Facts<'a> = Vec<(Root, Ty<'a>)>;

impl<'a> Checker<'_, 'a> {
    /// Walks a condition; gives what holds when it is true and when it is false.
    pub(super) fn condition(&mut self, cond: E<'a>) -> (Facts<'a>, Facts<'a>) {
        self.infer(cond);
        (self.facts(cond, true), self.facts(cond, false))
    }

    pub(super) fn narrow(&mut self, facts: &[(Root, Ty<'a>)]) {
        for (root, ty) in facts {
            self.narrowed.insert(*root, ty.clone());
        }
    }

    /// What holds of variables when `e` is `truth`.
    pub(super) fn facts(&mut self, e: E<'a>, truth: bool) -> Facts<'a> {
        // Every operand of a long chain asks what those before it say.
        self.facts_within(e, truth, MAX_DEPTH)
    }

    fn facts_within(&mut self, e: E<'a>, truth: bool, depth: u32) -> Facts<'a> {
        use ExprKind::*;
        let Some(depth) = depth.checked_sub(1) else { return Vec::new() };
        match e.kind {
            Not(a) | Bang(a) => self.facts_within(a, !truth, depth),
            And(a, b) | Amp(a, b) if truth => self.both(a, b, truth, depth),
            Or(a, b) | Bar(a, b) if !truth => self.both(a, b, truth, depth),
            ExprKind::Block(crate::compile::hir::Block { hoisted: [], body: [only], .. }) => {
                self.facts_within(only, truth, depth)
            }
            Binary(BinOp::Eq, a, b) => self.nil_facts(a, b, truth),
            Binary(BinOp::Ne, a, b) => self.nil_facts(a, b, !truth),
            Binary(BinOp::Is, a, b) => self.type_facts(a, b, truth),
            Method { recv, name: "is", args: Args { items: [Arg::One(ty)], props: [], .. } } => {
                self.type_facts(recv, ty, truth)
            }
            Var(_) if truth => match self.subject(e) {
                Some(root) => vec![(root, self.var_type(root).without_nil())],
                None => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    fn both(&mut self, a: E<'a>, b: E<'a>, truth: bool, depth: u32) -> Facts<'a> {
        let mut facts = self.facts_within(a, truth, depth);
        let before = self.branch_start(&facts);
        facts.extend(self.facts_within(b, truth, depth));
        self.branch_end(before);
        facts
    }

    /// The variable, if what is known of it can't change behind the function's back.
    pub(super) fn subject(&self, e: E<'a>) -> Option<Root> {
        let ExprKind::Var(var) = e.kind else { return None };
        self.root(var).filter(|root| self.is_private(*root) || self.is_stable(*root))
    }

    fn nil_facts(&mut self, a: E<'a>, b: E<'a>, equal: bool) -> Facts<'a> {
        let nil = |e: E<'a>| matches!(e.kind, ExprKind::Const(form) if matches!(form.kind, FormKind::Nil));
        let of = if nil(b) {
            a
        } else if nil(a) {
            b
        } else {
            return Vec::new();
        };
        let Some(root) = self.subject(of) else { return Vec::new() };
        let ty = if equal { Ty::Nil } else { self.var_type(root).without_nil() };
        vec![(root, ty)]
    }

    fn type_facts(&mut self, of: E<'a>, ty: E<'a>, truth: bool) -> Facts<'a> {
        let (Some(root), Some(ty)) = (self.subject(of), self.operand_type(ty)) else { return Vec::new() };
        let now = self.var_type(root);
        let ty = if truth { self.restrict(&now, &ty) } else { self.minus(&now, &ty) };
        vec![(root, ty)]
    }

    /// The type that the right side of `is` stands for.
    pub(super) fn operand_type(&self, e: E<'a>) -> Option<Ty<'a>> {
        let ty = match e.kind {
            ExprKind::TypeValue(ty, _) => Some(self.ty_of(self.func, ty)),
            ExprKind::Var(var) => self.instance_of(&self.var_type(self.root(var)?)),
            ExprKind::Global("Number") => Some(Ty::number()),
            ExprKind::Global("Nil") => Some(Ty::Nil),
            ExprKind::Global(name) => self.instance_of(&self.global_type(name)),
            _ => None,
        };
        ty.filter(|ty| !matches!(ty, Ty::Any | Ty::Param(_)))
    }

    fn global_type(&self, name: &'a str) -> Ty<'a> {
        use super::program::{OPTION, RESULT};
        match name {
            "Result" => Ty::EnumObject(RESULT),
            "Option" => Ty::EnumObject(OPTION),
            _ if (self.env.is_class)(name) => Ty::LibClass(name),
            _ => Ty::Any,
        }
    }

    /// The values of `ty` that belong to `to`.
    pub(super) fn restrict(&self, ty: &Ty<'a>, to: &Ty<'a>) -> Ty<'a> {
        let mut found = Vec::new();
        for member in ty.members() {
            for t in to.members() {
                if matches!(member, Ty::Any | Ty::Param(_) | Ty::Never) {
                    found.push(t.clone());
                } else if self.within(member, t) {
                    found.push(member.clone());
                } else if self.overlaps(member, t) {
                    found.push(t.clone());
                }
            }
        }
        match Ty::union(found) {
            // It can't be so: nothing is known of code that does not run.
            Ty::Never => Ty::Any,
            ty => ty,
        }
    }

    /// The values of `ty` that do not belong to `to`.
    pub(super) fn minus(&self, ty: &Ty<'a>, to: &Ty<'a>) -> Ty<'a> {
        let stays = |member: &&Ty<'a>| !to.members().iter().any(|t| self.within(member, t));
        match Ty::union(ty.members().iter().filter(stays).cloned()) {
            Ty::Never => Ty::Any,
            ty => ty,
        }
    }
}
