//! Binding patterns (12.2).
//!
//! Nothing is bound when matching fails, but defaults see the names bound before them. So containers are taken apart first,
//! outside in, then names are bound in order; only a container that comes from a default is taken apart in between.
use super::{Gen, Reg, Res, walk};
use crate::bytecode::Op;
use crate::compile::hir::*;
use crate::syntax::form::Span;
use crate::value::Value;

/// A pattern whose containers have been taken apart.
struct Taken {
    /// The array of the pattern's values, or the first register of an unpacked one.
    reg: Reg,
    unpacked: bool,
    /// By element: the container inside.
    inner: Vec<Option<Taken>>,
}

impl<'a> Gen<'_, '_, 'a> {
    /// Opens the local variables of a pattern.
    pub(super) fn open_pattern(&mut self, p: &BindPat<'a>) -> Res {
        let mut vars = Vec::new();
        walk::bind_vars(p, &mut vars);
        for v in vars {
            if let VarRef::Local(l) = v {
                self.open_var(l)?;
            }
        }
        Ok(())
    }

    /// Binds the names of `p` to the parts of the value in `src`. Local variables are open.
    pub(super) fn destructure(&mut self, p: &BindPat<'a>, src: Reg) -> Res {
        let mark = self.f.top;
        match *p {
            BindPat::Ignore => {}
            BindPat::Var { var, ty } => self.bind_checked(var, ty, src)?,
            BindPat::Array { .. } | BindPat::Map { .. } => {
                let t = self.take(p, src)?;
                self.bind_taken(p, &t)?;
            }
        }
        self.release(mark);
        Ok(())
    }

    fn bind_checked(&mut self, v: VarRef, ty: Option<TypeRef<'a>>, src: Reg) -> Res {
        let Some(ty) = ty else { return self.bind_var(v, src) };
        let t = self.alloc(1)?;
        self.move_to(t, src);
        self.check_type(t, ty)?;
        self.bind_var(v, t)?;
        self.release(t as usize);
        Ok(())
    }

    /// Takes the container in `src` apart; registers stay allocated.
    fn take(&mut self, p: &BindPat<'a>, src: Reg) -> Res<Taken> {
        crate::stack::grow(|| match *p {
            BindPat::Array { elems, span } => self.take_array(elems, span, src),
            BindPat::Map { entries, rest, span } => self.take_map(entries, rest, span, src),
            _ => Ok(Taken { reg: src, unpacked: true, inner: Vec::new() }),
        })
    }

    fn take_array(&mut self, elems: &'a [BindElem<'a>], span: Span, src: Reg) -> Res<Taken> {
        let outer = std::mem::replace(&mut self.f.span, span);
        let plain = elems.len() <= 32 && elems.iter().all(|e| matches!(e, BindElem::One { default: None, .. }));
        let reg;
        if plain {
            reg = self.alloc(elems.len().max(1))?;
            self.emit(Op::Unpack, reg, src, elems.len() as Reg, 0);
        } else {
            reg = self.alloc(1)?;
            let mut items = Vec::with_capacity(elems.len());
            for e in elems {
                items.push(match *e {
                    BindElem::One { default, .. } => Value::small(default.is_some() as i64),
                    BindElem::Rest(_) => Value::small(2),
                    BindElem::PropRest(_) => Value::small(3),
                    BindElem::Prop { name, default: None, .. } => self.sym(name),
                    BindElem::Prop { name, default: Some(_), .. } => self.optional_name(name),
                });
            }
            let x = self.k_record(&items);
            self.emit(Op::Destructure, reg, src, 0, x);
        }
        self.f.span = outer;
        let mut inner = Vec::with_capacity(elems.len());
        for (i, e) in elems.iter().enumerate() {
            inner.push(match e {
                BindElem::One { pat: pat @ (BindPat::Array { .. } | BindPat::Map { .. }), default } => {
                    Some(self.take_inner(pat, reg, plain, i, default.is_some())?)
                }
                _ => None,
            });
        }
        Ok(Taken { reg, unpacked: plain, inner })
    }

    fn take_map(&mut self, entries: &'a [BindEntry<'a>], rest: Option<VarRef>, span: Span, src: Reg) -> Res<Taken> {
        let outer = std::mem::replace(&mut self.f.span, span);
        let reg = self.alloc(1)?;
        let mut items = Vec::with_capacity(entries.len() + 1);
        for e in entries {
            items.push(if e.default.is_some() { self.optional_name(e.key) } else { self.sym(e.key) });
        }
        if rest.is_some() {
            items.push(Value::small(3));
        }
        let x = self.k_record(&items);
        self.emit(Op::DestructureMap, reg, src, 0, x);
        self.f.span = outer;
        let mut inner = Vec::with_capacity(entries.len());
        for (i, e) in entries.iter().enumerate() {
            inner.push(match e.pat {
                BindPat::Array { .. } | BindPat::Map { .. } => {
                    Some(self.take_inner(&e.pat, reg, false, i, e.default.is_some())?)
                }
                _ => None,
            });
        }
        Ok(Taken { reg, unpacked: false, inner })
    }

    fn optional_name(&mut self, name: &str) -> Value {
        let s = self.sym(name);
        self.vm.heap.record(crate::heap::Kind::Record, 0, &[s]).value()
    }

    /// Takes element `i` apart, now if it is there.
    fn take_inner(&mut self, p: &BindPat<'a>, reg: Reg, unpacked: bool, i: usize, optional: bool) -> Res<Taken> {
        let src = if unpacked {
            reg + i as Reg
        } else {
            let t = self.alloc(1)?;
            self.emit(Op::Item, t, reg, 0, i as i32);
            t
        };
        if !optional {
            return self.take(p, src);
        }
        let absent = self.label();
        self.jump(Op::JmpUndef, src, 0, 0, absent);
        let t = self.take(p, src)?;
        self.bind(absent);
        Ok(t)
    }

    fn bind_taken(&mut self, p: &BindPat<'a>, t: &Taken) -> Res {
        crate::stack::grow(|| match *p {
            BindPat::Array { elems, .. } => {
                for (i, e) in elems.iter().enumerate() {
                    let inner = t.inner.get(i).and_then(|t| t.as_ref());
                    match *e {
                        BindElem::One { ref pat, default } => self.bind_element(pat, default, t, i, inner)?,
                        BindElem::Rest(None) => {}
                        BindElem::Rest(Some(v)) | BindElem::PropRest(v) => {
                            self.bind_element(&BindPat::Var { var: v, ty: None }, None, t, i, None)?;
                        }
                        BindElem::Prop { var, default, .. } => {
                            self.bind_element(&BindPat::Var { var, ty: None }, default, t, i, None)?;
                        }
                    }
                }
                Ok(())
            }
            BindPat::Map { entries, rest, .. } => {
                for (i, e) in entries.iter().enumerate() {
                    let inner = t.inner.get(i).and_then(|t| t.as_ref());
                    self.bind_element(&e.pat, e.default, t, i, inner)?;
                }
                match rest {
                    Some(v) => self.bind_element(&BindPat::Var { var: v, ty: None }, None, t, entries.len(), None),
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        })
    }

    fn bind_element(
        &mut self,
        p: &BindPat<'a>,
        default: Option<E<'a>>,
        t: &Taken,
        i: usize,
        inner: Option<&Taken>,
    ) -> Res {
        if matches!(p, BindPat::Ignore) && default.is_none() {
            return Ok(());
        }
        let mark = self.f.top;
        match (inner, default) {
            (Some(inner), None) => self.bind_taken(p, inner)?,
            (Some(inner), Some(e)) => {
                let r = self.element(t, i)?;
                let (absent, end) = (self.label(), self.label());
                self.jump(Op::JmpUndef, r, 0, 0, absent);
                self.bind_taken(p, inner)?;
                self.jmp(end);
                self.bind(absent);
                self.expr(e, super::Dest::Reg(r))?;
                self.destructure(p, r)?;
                self.bind(end);
            }
            (None, default) => {
                let r = self.element(t, i)?;
                if let Some(e) = default {
                    let given = self.label();
                    self.jump(Op::JmpNotUndef, r, 0, 0, given);
                    self.expr(e, super::Dest::Reg(r))?;
                    self.bind(given);
                }
                self.destructure(p, r)?;
            }
        }
        self.release(mark);
        Ok(())
    }

    /// The register of element `i`.
    fn element(&mut self, t: &Taken, i: usize) -> Res<Reg> {
        if t.unpacked {
            return Ok(t.reg + i as Reg);
        }
        let r = self.alloc(1)?;
        self.emit(Op::Item, r, t.reg, 0, i as i32);
        Ok(r)
    }
}
