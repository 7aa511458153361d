//! `case`: what patterns say about the subject, and what they bind.

use std::rc::Rc;

use super::inferred::{EnumId, Ty};
use super::program::{OPTION, RESULT};
use super::{Checker, Root};
use crate::compile::codegen::walk;
use crate::compile::hir::*;

impl<'a> Checker<'_, 'a> {
    /// With `ret`, the arms are results of the function.
    pub(super) fn case(
        &mut self,
        subject: E<'a>,
        arms: &'a [Arm<'a>],
        other: Option<E<'a>>,
        ret: Option<TypeRef<'a>>,
    ) -> Ty<'a> {
        let mut left = self.infer(subject);
        let root = self.subject(subject);
        let mut found = Vec::with_capacity(arms.len() + 1);
        for arm in arms {
            let matched = self.pattern_type(arm.pat, &left);
            let narrowed = matched.as_ref().map_or_else(|| left.clone(), |ty| self.restrict(&left, ty));
            let facts: Vec<(Root, Ty<'a>)> = root.iter().map(|root| (*root, narrowed.clone())).collect();
            let before = self.branch_start(&facts);
            self.bind_pattern(arm.pat, &narrowed);
            let mut inner = Vec::new();
            walk::case_pattern(arm.pat, &mut inner);
            for e in inner {
                self.infer(e);
            }
            if let Some(guard) = arm.guard {
                let (yes, _) = self.condition(guard);
                self.narrow(&yes);
            }
            found.push(self.arm(arm.body, ret));
            self.branch_end(before);
            if let (None, Some(ty)) = (arm.guard, self.whole_type(arm.pat)) {
                left = self.minus(&left, &ty);
            }
        }
        let facts: Vec<(Root, Ty<'a>)> = root.iter().map(|root| (*root, left.clone())).collect();
        let before = self.branch_start(&facts);
        found.push(other.map_or(Ty::Nil, |other| self.arm(other, ret)));
        self.branch_end(before);
        Ty::union(found)
    }

    fn arm(&mut self, body: E<'a>, ret: Option<TypeRef<'a>>) -> Ty<'a> {
        match ret {
            Some(ret) => {
                self.result(body, ret);
                Ty::Any
            }
            None => self.infer(body),
        }
    }

    /// The type of the values a pattern matches, as far as it tells.
    fn pattern_type(&self, pat: &CasePat<'a>, subject: &Ty<'a>) -> Option<Ty<'a>> {
        match *pat {
            CasePat::Literal(e) => match e.kind {
                // A number is equal to numbers of the other kind too.
                ExprKind::Const(form) => match super::expr::literal(&form) {
                    Ty::Lib("Int" | "Float", _) => Some(Ty::number()),
                    Ty::Any | Ty::Void => None,
                    ty => Some(ty),
                },
                _ => None,
            },
            CasePat::Value(e) | CasePat::Unit { value: Some(e), .. } => self.operand_type(e),
            CasePat::Is { ty, .. } => self.operand_type(ty),
            CasePat::As(_, inner) => self.pattern_type(inner, subject),
            CasePat::Or(items) => {
                let all = items.iter().map(|p| self.pattern_type(p, subject)).collect::<Option<Vec<_>>>()?;
                Some(Ty::union(all)).filter(|ty| !matches!(ty, Ty::Any | Ty::Never))
            }
            CasePat::Variant { .. } => {
                let (id, _) = self.variant(pat, subject)?;
                Some(Ty::Enum(id, Rc::from([])))
            }
            _ => None,
        }
    }

    /// The type all of whose values the pattern matches.
    fn whole_type(&self, pat: &CasePat<'a>) -> Option<Ty<'a>> {
        match *pat {
            CasePat::Literal(e) => match e.kind {
                ExprKind::Const(form) => Some(super::expr::literal(&form)).filter(|ty| *ty == Ty::Nil),
                _ => None,
            },
            CasePat::Is { ty, .. } => self.operand_type(ty),
            CasePat::Value(e) | CasePat::Unit { value: Some(e), .. } => self.operand_type(e),
            CasePat::As(_, inner) => self.whole_type(inner),
            _ => None,
        }
    }

    /// The enum and variant that a variant pattern means.
    fn variant(&self, pat: &CasePat<'a>, subject: &Ty<'a>) -> Option<(EnumId, usize)> {
        let CasePat::Variant { name, path, .. } = *pat else { return None };
        let id = match path.map(|e| e.kind) {
            Some(ExprKind::Global("Ok" | "Err")) => RESULT,
            Some(ExprKind::Global("Some" | "None")) => OPTION,
            Some(ExprKind::Get { base, .. }) => match base.kind {
                ExprKind::Var(var) => match self.var_type(self.root(var)?) {
                    Ty::EnumObject(id) => id,
                    _ => return None,
                },
                _ => return None,
            },
            Some(_) => return None,
            None => subject.members().iter().find_map(|member| match member {
                Ty::Enum(id, _) if self.program.enums[*id as usize].variants.iter().any(|v| v.name == name) => {
                    Some(*id)
                }
                _ => None,
            })?,
        };
        let at = self.program.enums[id as usize].variants.iter().position(|v| v.name == name)?;
        Some((id, at))
    }

    /// Notes what the pattern's names hold when it matches a value of type `ty`.
    fn bind_pattern(&mut self, pat: &CasePat<'a>, ty: &Ty<'a>) {
        crate::stack::grow(|| match *pat {
            CasePat::Bind(var) => self.bind_type(var, ty.clone()),
            CasePat::As(var, inner) => {
                self.bind_type(var, ty.clone());
                self.bind_pattern(inner, ty);
            }
            CasePat::Is { ty: operand, bind: Some(var) } => {
                let narrowed = self.operand_type(operand).map(|to| self.restrict(ty, &to));
                self.bind_type(var, narrowed.unwrap_or(Ty::Any));
            }
            CasePat::Variant { fields, .. } => {
                let Some((id, at)) = self.variant(pat, ty) else { return };
                let args = ty.members().iter().find_map(|member| match member {
                    Ty::Enum(of, args) if *of == id => Some(args.clone()),
                    _ => None,
                });
                let info = &self.program.enums[id as usize];
                let Some(declared) = &info.variants[at].fields else { return };
                let (func, generics) = (info.func, info.generics.clone());
                let declared: Vec<(&'a str, Ty<'a>)> = declared.iter().map(|f| (f.0, self.ty_of(func, f.1))).collect();
                let arg = |name: &str| {
                    let at = generics.iter().position(|g| *g == name)?;
                    args.as_ref()?.get(at).cloned()
                };
                match fields {
                    VariantFields::Positional(items) => {
                        for (item, (_, ty)) in items.iter().zip(&declared) {
                            self.bind_pattern(item, &ty.substitute(&arg));
                        }
                    }
                    VariantFields::Named(items) => {
                        for (name, item) in items {
                            if let Some((_, ty)) = declared.iter().find(|f| f.0 == *name) {
                                self.bind_pattern(item, &ty.substitute(&arg));
                            }
                        }
                    }
                }
            }
            _ => {}
        })
    }
}
