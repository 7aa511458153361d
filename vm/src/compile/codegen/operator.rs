//! Arithmetic, comparisons as values, ranges, members.
use super::{Dest, Gen, Reg, Res, walk};
use crate::bytecode::Op;
use crate::compile::hir::*;
use crate::syntax::form::FormKind;
use crate::value::Value;

/// The Int literal `e` is, if any.
pub(super) fn int_literal(e: E<'_>) -> Option<i64> {
    match e.kind {
        ExprKind::Const(f) => match f.kind {
            FormKind::Int(i) => Some(i),
            _ => None,
        },
        _ => None,
    }
}

/// The number literal `e` is, if any.
fn number_literal(e: E<'_>) -> Option<Result<i64, f64>> {
    match e.kind {
        ExprKind::Const(f) => match f.kind {
            FormKind::Int(i) => Some(Ok(i)),
            FormKind::Float(x) => Some(Err(x)),
            _ => None,
        },
        _ => None,
    }
}

fn register_op(op: BinOp) -> Op {
    match op {
        BinOp::Add => Op::Add,
        BinOp::Sub => Op::Sub,
        BinOp::Mul => Op::Mul,
        BinOp::Div => Op::Div,
        BinOp::Mod => Op::Mod,
        BinOp::Pow => Op::Pow,
        BinOp::Concat => Op::Concat,
        BinOp::Shl => Op::Shl,
        BinOp::Shr => Op::Shr,
        BinOp::Xor => Op::Xor,
        BinOp::Lt => Op::Lt,
        BinOp::Le => Op::Le,
        BinOp::Gt => Op::Gt,
        BinOp::Ge => Op::Ge,
        BinOp::Eq => Op::Eq,
        BinOp::Ne => Op::Ne,
        BinOp::Is | BinOp::Select => Op::Is,
    }
}

impl<'a> Gen<'_, '_, 'a> {
    pub(super) fn binary(&mut self, op: BinOp, a: E<'a>, b: E<'a>, d: Dest) -> Res {
        if op == BinOp::Select {
            return self.call_global("./", &[a, b], d);
        }
        let r = self.target(d)?;
        if matches!(a.kind, ExprKind::Const(_)) && number_literal(b).is_none() {
            // A constant holds no register while the right side is evaluated, and that can use the destination.
            let own = matches!(b.kind, ExprKind::Var(_) | ExprKind::TypeValue(..))
                || self.f.holds_var[r as usize]
                || r as usize >= self.f.top;
            let y = if own {
                self.operand(b)?
            } else {
                self.expr(b, Dest::Reg(r))?;
                r
            };
            // On the left of `+` or `*` a number is part of the instruction, marked as swapped for the slow path.
            let swapped = match op {
                BinOp::Add => Some(Op::AddK),
                BinOp::Mul => Some(Op::MulK),
                _ => None,
            };
            if let (Some(konst), Some(n)) = (swapped, number_literal(a)) {
                let v = match n {
                    Ok(i) => self.vm.int(i),
                    Err(f) => Value::float(f),
                };
                let x = self.k(v);
                self.emit(konst, r, y, 1, x);
            } else {
                let x = self.operand(a)?;
                self.emit(register_op(op), r, x, y, 0);
            }
        } else {
            // A chain `a + b + c ...` is computed in one register, however long it is.
            let own = self.f.holds_var[r as usize] || r as usize >= self.f.top;
            let x = if matches!(a.kind, ExprKind::Binary(..)) && !own {
                self.expr(a, Dest::Reg(r))?;
                r
            } else {
                self.operand_before(a, &[b])?
            };
            self.apply(op, r, x, b)?;
        }
        self.finish(d, r);
        Ok(())
    }

    /// `dst = left op b`, with an immediate or a constant where the right side is one.
    pub(super) fn apply(&mut self, op: BinOp, dst: Reg, left: Reg, b: E<'a>) -> Res {
        let small = int_literal(b).and_then(|i| i32::try_from(i).ok());
        let imm = match op {
            BinOp::Add => Some(Op::AddI),
            BinOp::Sub => Some(Op::SubI),
            BinOp::Shl => Some(Op::ShlI),
            BinOp::Shr => Some(Op::ShrI),
            _ => None,
        };
        if let (Some(imm), Some(i)) = (imm, small) {
            self.emit(imm, dst, left, 0, i);
            return Ok(());
        }
        let konst = match op {
            BinOp::Add => Some(Op::AddK),
            BinOp::Sub => Some(Op::SubK),
            BinOp::Mul => Some(Op::MulK),
            BinOp::Div => Some(Op::DivK),
            BinOp::Mod => Some(Op::ModK),
            _ => None,
        };
        if let (Some(konst), Some(n)) = (konst, number_literal(b)) {
            let v = match n {
                Ok(i) => self.vm.int(i),
                Err(f) => Value::float(f),
            };
            let x = self.k(v);
            self.emit(konst, dst, left, 0, x);
            return Ok(());
        }
        let right = self.operand(b)?;
        self.emit(register_op(op), dst, left, right, 0);
        Ok(())
    }

    /// `(a < b <= c)`.
    pub(super) fn chain(&mut self, first: E<'a>, rest: &'a [(BinOp, E<'a>)], d: Dest) -> Res {
        let r = self.early_target(d)?;
        let end = self.label();
        let later: Vec<E<'a>> = rest.iter().map(|c| c.1).collect();
        let mut left = self.operand_before(first, &later)?;
        for (i, &(op, e)) in rest.iter().enumerate() {
            let right = match later.get(i + 1..) {
                Some(more) if !more.is_empty() => self.operand_before(e, more)?,
                _ => self.operand(e)?,
            };
            self.emit(register_op(op), r, left, right, 0);
            if i + 1 < rest.len() {
                self.jump(Op::JmpF, r, 0, 0, end);
            }
            left = right;
        }
        self.bind(end);
        self.finish(d, r);
        Ok(())
    }

    /// Start, end and step of a range in three registers from the one returned; `extra` more are allocated behind them.
    pub(super) fn bounds(&mut self, start: Option<E<'a>>, end: E<'a>, step: Option<E<'a>>, extra: usize) -> Res<Reg> {
        let w = self.alloc(3 + extra)?;
        match start {
            Some(s) => {
                self.expr(s, Dest::Reg(w))?;
                self.expr(end, Dest::Reg(w + 1))?;
            }
            None => {
                // `(range n)` is `(0 .. n-1)`.
                self.load_int(w, 0);
                match int_literal(end).map(|n| n.saturating_sub(1).max(-1)) {
                    Some(last) => self.load_int(w + 1, last),
                    None => {
                        let mark = self.f.top;
                        let n = self.operand(end)?;
                        self.emit(Op::RangeLast, w + 1, n, 0, 0);
                        self.release(mark);
                    }
                }
            }
        }
        match step {
            Some(s) => self.expr(s, Dest::Reg(w + 2))?,
            None => self.load_nil(w + 2),
        }
        Ok(w)
    }

    pub(super) fn range(&mut self, start: Option<E<'a>>, end: E<'a>, step: Option<E<'a>>, d: Dest) -> Res {
        let r = self.target(d)?;
        let w = self.bounds(start, end, step, 0)?;
        self.emit(Op::NewRange, r, w, 0, 0);
        self.finish(d, r);
        Ok(())
    }

    // --- members

    pub(super) fn get(&mut self, base: E<'a>, key: Key<'a>, d: Dest) -> Res {
        let r = self.target(d)?;
        let o = match key {
            Key::Dynamic(k) => self.operand_before(base, &[k])?,
            _ => self.operand(base)?,
        };
        let key = self.member_key(key)?;
        self.read_member(r, o, &key);
        self.finish(d, r);
        Ok(())
    }

    /// Evaluates what a member's key needs; the registers stay allocated.
    fn member_key(&mut self, key: Key<'a>) -> Res<MemberKey<'a>> {
        Ok(match key {
            Key::Name { name, fallback: None } => MemberKey::Name(name),
            Key::Name { name, fallback: Some(v) } => {
                let r = match self.var_reg(v) {
                    Some(r) => r,
                    None => {
                        let r = self.alloc(1)?;
                        self.load_var_raw(v, r)?;
                        r
                    }
                };
                MemberKey::NameOr(name, r)
            }
            Key::Index(i) => match i32::try_from(i) {
                Ok(i) => MemberKey::Index(i),
                Err(_) => {
                    let r = self.alloc(1)?;
                    self.load_int(r, i);
                    MemberKey::Dynamic(r)
                }
            },
            Key::Dynamic(e) => MemberKey::Dynamic(self.operand(e)?),
        })
    }

    fn read_member(&mut self, dst: Reg, base: Reg, key: &MemberKey<'a>) {
        match *key {
            MemberKey::Name(n) => {
                let x = self.site(n, Vec::new());
                self.emit(Op::GetProp, dst, base, 0, x);
            }
            MemberKey::NameOr(n, k) => {
                let x = self.site(n, Vec::new());
                self.emit(Op::GetPropVar, dst, base, k, x);
            }
            MemberKey::Index(i) => self.emit(Op::GetIdx, dst, base, 0, i),
            MemberKey::Dynamic(k) => self.emit(Op::GetDyn, dst, base, k, 0),
        }
    }

    fn write_member(&mut self, base: Reg, key: &MemberKey<'a>, v: Reg) {
        match *key {
            MemberKey::Name(n) => {
                let x = self.site(n, Vec::new());
                // For typed fields: what passes.
                self.site("", Vec::new());
                self.emit(Op::SetProp, base, v, 0, x);
            }
            MemberKey::NameOr(n, k) => {
                let x = self.site(n, Vec::new());
                self.emit(Op::SetPropVar, base, v, k, x);
            }
            MemberKey::Index(i) => self.emit(Op::SetIdx, base, v, 0, i),
            MemberKey::Dynamic(k) => self.emit(Op::SetDyn, base, k, v, 0),
        }
    }

    /// Container and key of an assignment, stable while `value` is evaluated.
    fn member_target(&mut self, base: E<'a>, key: Key<'a>, value: E<'a>) -> Res<(Reg, MemberKey<'a>)> {
        let o = match key {
            Key::Dynamic(k) => self.operand_before(base, &[k, value])?,
            _ => self.operand_before(base, &[value])?,
        };
        let key = match key {
            Key::Dynamic(k) => MemberKey::Dynamic(self.operand_before(k, &[value])?),
            Key::Name { name, fallback: Some(VarRef::Local(v)) } if walk::may_assign(value, v) => {
                let r = self.alloc(1)?;
                self.load_var_raw(VarRef::Local(v), r)?;
                MemberKey::NameOr(name, r)
            }
            k => self.member_key(k)?,
        };
        Ok((o, key))
    }

    pub(super) fn set(&mut self, base: E<'a>, key: Key<'a>, value: E<'a>, d: Dest) -> Res {
        let (o, key) = self.member_target(base, key, value)?;
        let v = self.operand(value)?;
        self.write_member(o, &key, v);
        self.finish(d, v);
        Ok(())
    }

    pub(super) fn update(&mut self, base: E<'a>, key: Key<'a>, op: UpdateOp, value: E<'a>, d: Dest) -> Res {
        let (o, key) = self.member_target(base, key, value)?;
        let t = self.alloc(1)?;
        self.read_member(t, o, &key);
        match op {
            UpdateOp::Op(op) => {
                self.apply(op, t, t, value)?;
                self.write_member(o, &key, t);
            }
            UpdateOp::OrElse | UpdateOp::AndThen => {
                let kept = self.label();
                let test = if op == UpdateOp::OrElse { Op::JmpT } else { Op::JmpF };
                self.jump(test, t, 0, 0, kept);
                self.expr(value, Dest::Reg(t))?;
                self.write_member(o, &key, t);
                self.bind(kept);
            }
        }
        self.finish(d, t);
        Ok(())
    }
}

/// A member's key, evaluated.
enum MemberKey<'a> {
    Name(&'a str),
    NameOr(&'a str, Reg),
    Index(i32),
    Dynamic(Reg),
}
