//! `case` and its patterns (12.3-12.5): tests that jump to the next branch when they fail.
use super::emit::Label;
use super::operator::int_literal;
use super::{Dest, Gen, Reg, Res, walk};
use crate::bytecode::Op;
use crate::compile::hir::*;
use crate::object::namespace::Member;
use crate::value::{Sym, Value};

impl<'a> Gen<'_, '_, 'a> {
    pub(super) fn case(
        &mut self,
        subject: E<'a>,
        arms: &'a [Arm<'a>],
        other: Option<E<'a>>,
        exhaustive: bool,
        d: Dest,
    ) -> Res {
        let stable = match subject.kind {
            ExprKind::Var(VarRef::Local(v)) => !self.f.func.vars[v as usize].assigned,
            _ => false,
        };
        let s = if stable { self.operand(subject)? } else { self.temp(subject)? };
        let end = self.label();
        for arm in arms {
            let (mark, span) = (self.f.top, self.f.span);
            self.f.span = arm.span;
            let next = self.label();
            self.open_case_vars(arm.pat)?;
            self.test(arm.pat, s, next)?;
            if let Some(g) = arm.guard {
                self.open_declared(g)?;
                self.jump_if(g, false, next)?;
            }
            self.open_declared(arm.body)?;
            self.expr(arm.body, d)?;
            if d != Dest::Tail && self.reachable() {
                self.jmp(end);
            }
            self.bind(next);
            self.f.span = span;
            self.release(mark);
        }
        match other {
            Some(e) => {
                self.open_declared(e)?;
                self.expr(e, d)?;
            }
            None if exhaustive => self.emit(Op::NoMatch, s, 0, 0, 0),
            None => self.nil(d)?,
        }
        self.bind(end);
        Ok(())
    }

    fn open_case_vars(&mut self, p: &CasePat<'a>) -> Res {
        let mut vars = Vec::new();
        walk::case_vars(p, &mut vars);
        let mut seen = Vec::new();
        for v in vars {
            if let VarRef::Local(l) = v
                && !seen.contains(&l)
            {
                seen.push(l);
                self.open_var_reg(l)?;
            }
        }
        Ok(())
    }

    /// Tests the value in `s`; jumps to `no` when it does not match, goes on with the names bound when it does.
    fn test(&mut self, p: &CasePat<'a>, s: Reg, no: Label) -> Res {
        let mark = self.f.top;
        let done = crate::stack::grow(|| self.test_kind(p, s, no));
        self.release(mark);
        done
    }

    fn test_kind(&mut self, p: &CasePat<'a>, s: Reg, no: Label) -> Res {
        match *p {
            CasePat::Any => Ok(()),
            CasePat::Bind(v) => self.bind_var(v, s),
            CasePat::Literal(e) | CasePat::Equal(e) => {
                if let Some(i) = int_literal(e).and_then(|i| i16::try_from(i).ok()) {
                    let (lo, hi) = Self::imm16(i);
                    self.jump(Op::JnEqI, s, lo, hi, no);
                } else {
                    let r = self.operand(e)?;
                    self.jump(Op::JnEq, s, r, 0, no);
                }
                Ok(())
            }
            CasePat::Value(e) => self.test_value(e, s, no),
            CasePat::Unit { name, value } => {
                let v = self.alloc(1)?;
                let (other, yes) = (self.label(), self.label());
                let x = self.site(name, Vec::new());
                self.emit(Op::VariantOf, v, s, 1, x);
                self.jump(Op::JmpUndef, v, 0, 0, if value.is_some() { other } else { no });
                self.jump(Op::JnEq, s, v, 0, no);
                if let Some(e) = value {
                    self.jmp(yes);
                    self.bind(other);
                    self.test_value(e, s, no)?;
                    self.bind(yes);
                }
                Ok(())
            }
            CasePat::UnitOrBind { name, var } => {
                let v = self.alloc(1)?;
                if name == "None" {
                    self.builtin(name, v);
                    self.jump(Op::JnEq, s, v, 0, no);
                    return Ok(());
                }
                let (bind, yes) = (self.label(), self.label());
                let x = self.site(name, Vec::new());
                self.emit(Op::VariantOf, v, s, 1, x);
                self.jump(Op::JmpUndef, v, 0, 0, bind);
                self.jump(Op::JnEq, s, v, 0, no);
                self.jmp(yes);
                self.bind(bind);
                self.bind_var(var, s)?;
                self.bind(yes);
                Ok(())
            }
            CasePat::Variant { name, path, fields } => self.test_variant(name, path, fields, s, no),
            CasePat::Array { items, rest } => self.test_items(items, rest, s, no),
            CasePat::Map { entries, rest } => {
                self.jump(Op::TestMap, s, 0, 0, no);
                self.test_members(entries, rest, s, no)
            }
            CasePat::Gene { ty, entries, rest_props, items, rest } => {
                self.jump(Op::TestGene, s, 0, 0, no);
                if !matches!(ty, GeneType::Any) {
                    let mark = self.f.top;
                    let t = self.alloc(1)?;
                    self.emit(Op::GeneType, t, s, 0, 0);
                    let k = match ty {
                        GeneType::Literal(f) => {
                            let k = self.alloc(1)?;
                            let v = self.data(&f);
                            self.load_const(k, v);
                            k
                        }
                        GeneType::Value(e) => self.operand(e)?,
                        GeneType::Any => t,
                    };
                    self.jump(Op::JnEq, t, k, 0, no);
                    self.release(mark);
                }
                self.test_members(entries, rest_props, s, no)?;
                let t = self.alloc(1)?;
                self.emit(Op::GeneItems, t, s, 0, 0);
                self.test_items(items, rest, t, no)
            }
            CasePat::Or(alternatives) => {
                let yes = self.label();
                for (i, a) in alternatives.iter().enumerate() {
                    if i + 1 == alternatives.len() {
                        self.test(a, s, no)?;
                    } else {
                        let next = self.label();
                        self.test(a, s, next)?;
                        self.jmp(yes);
                        self.bind(next);
                    }
                }
                if alternatives.is_empty() {
                    self.jmp(no);
                }
                self.bind(yes);
                Ok(())
            }
            CasePat::As(v, p) => {
                self.test(p, s, no)?;
                self.bind_var(v, s)
            }
            CasePat::Is { ty, bind } => {
                let t = self.alloc(1)?;
                let k = self.operand(ty)?;
                self.emit(Op::Is, t, s, k, 0);
                self.jump(Op::JmpF, t, 0, 0, no);
                match bind {
                    Some(v) => self.bind_var(v, s),
                    None => Ok(()),
                }
            }
            CasePat::Not(p) => {
                let differs = self.label();
                self.test(p, s, differs)?;
                self.jmp(no);
                self.bind(differs);
                Ok(())
            }
        }
    }

    fn test_value(&mut self, e: E<'a>, s: Reg, no: Label) -> Res {
        let mark = self.f.top;
        let t = self.alloc(1)?;
        let k = self.operand(e)?;
        self.emit(Op::Matches, t, s, k, 0);
        self.jump(Op::JmpF, t, 0, 0, no);
        self.release(mark);
        Ok(())
    }

    /// One of the four predefined variants, whatever the name means in the program.
    fn builtin(&mut self, name: &str, dst: Reg) {
        let s = self.vm.sym(name);
        match self.vm.globals.data().find(s) {
            Some(Member::Value(v)) => self.load_const(dst, v),
            _ => {
                let x = self.site(name, Vec::new());
                self.emit(Op::GetGlobal, dst, 0, 0, x);
            }
        }
    }

    fn test_variant(&mut self, name: &str, path: Option<E<'a>>, fields: VariantFields<'a>, s: Reg, no: Label) -> Res {
        let mark = self.f.top;
        let v = match path {
            Some(e) => self.operand(e)?,
            None => {
                let v = self.alloc(1)?;
                let x = self.site(name, Vec::new());
                self.emit(Op::VariantOf, v, s, 0, x);
                self.jump(Op::JmpUndef, v, 0, 0, no);
                v
            }
        };
        let count = match fields {
            VariantFields::Positional(ps) if ps.len() < 255 => ps.len() as Reg,
            VariantFields::Positional(_) => return self.error("pattern has too many elements"),
            VariantFields::Named(_) => 255,
        };
        self.jump(Op::TestVariant, s, v, count, no);
        self.release(mark);
        match fields {
            VariantFields::Positional(ps) => {
                for (i, p) in ps.iter().enumerate() {
                    self.part(p, no, |g, r| g.emit(Op::Payload, r, s, i as Reg, 0))?;
                }
            }
            VariantFields::Named(ps) => {
                for (k, p) in ps {
                    let x = self.k_sym(k);
                    self.member(p, no, |g, r| g.emit(Op::PayloadNamed, r, s, 0, x))?;
                }
            }
        }
        Ok(())
    }

    /// Tests a part that is certainly there; `fetch` gets it.
    fn part(&mut self, p: &CasePat<'a>, no: Label, fetch: impl FnOnce(&mut Self, Reg)) -> Res {
        match *p {
            CasePat::Any => return Ok(()),
            CasePat::Bind(v) => {
                if let Some(r) = self.var_reg(v) {
                    fetch(self, r);
                    return Ok(());
                }
            }
            _ => {}
        }
        let mark = self.f.top;
        let r = self.alloc(1)?;
        fetch(self, r);
        self.test(p, r, no)?;
        self.release(mark);
        Ok(())
    }

    /// As [`Gen::part`]; the part must be there for a match.
    fn member(&mut self, p: &CasePat<'a>, no: Label, fetch: impl FnOnce(&mut Self, Reg)) -> Res {
        let mark = self.f.top;
        let r = self.alloc(1)?;
        fetch(self, r);
        self.jump(Op::JmpUndef, r, 0, 0, no);
        self.test(p, r, no)?;
        self.release(mark);
        Ok(())
    }

    fn test_members(&mut self, entries: &'a [(&'a str, CasePat<'a>)], rest: Option<VarRef>, s: Reg, no: Label) -> Res {
        for (k, p) in entries {
            let x = self.k_sym(k);
            self.member(p, no, |g, r| g.emit(Op::GetKey, r, s, 0, x))?;
        }
        if let Some(v) = rest {
            let names: Vec<Sym> = entries.iter().map(|e| self.vm.sym(e.0)).collect();
            let x = self.k_names(names);
            let r = self.alloc(1)?;
            self.emit(Op::RestKeys, r, s, 0, x);
            self.bind_var(v, r)?;
        }
        Ok(())
    }

    /// The elements of an array in `s`.
    fn test_items(&mut self, items: &'a [CasePat<'a>], rest: Option<CaseRest>, s: Reg, no: Label) -> Res {
        let Ok(n) = Reg::try_from(items.len()) else { return self.error("pattern has too many elements") };
        self.jump(Op::TestArray, s, rest.is_none() as Reg, n, no);
        let at = rest.map_or(items.len(), |r| (r.at as usize).min(items.len()));
        for (i, p) in items.iter().enumerate() {
            let x = if i < at { i as i32 } else { i as i32 - items.len() as i32 };
            self.part(p, no, |g, r| g.emit(Op::Item, r, s, 0, x))?;
        }
        if let Some(v) = rest.and_then(|r| r.var) {
            let r = self.alloc(1)?;
            self.emit(Op::RestItems, r, s, at as Reg, (items.len() - at) as i32);
            self.bind_var(v, r)?;
        }
        Ok(())
    }

    /// A value that is undefined for scripts.
    pub(super) fn load_undef(&mut self, r: Reg) {
        self.load_special(r, Value::UNDEF);
    }
}
