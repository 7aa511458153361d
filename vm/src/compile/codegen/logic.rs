//! Conditions as jumps, logical operators as values.
use super::emit::Label;
use super::operator::int_literal;
use super::{Dest, Gen, Reg, Res, walk};
use crate::bytecode::Op;
use crate::compile::hir::*;
use crate::syntax::form::FormKind;

/// The fused instructions of a comparison: on two registers, and with an immediate.
struct Fused {
    unless: (Op, Op),
    when: (Op, Op),
    repeat: (Op, Op),
}

fn fused(op: BinOp) -> Option<Fused> {
    let f = |unless, when, repeat| Some(Fused { unless, when, repeat });
    match op {
        BinOp::Lt => f((Op::JnLt, Op::JnLtI), (Op::JLt, Op::JLtI), (Op::LoopLt, Op::LoopLtI)),
        BinOp::Le => f((Op::JnLe, Op::JnLeI), (Op::JLe, Op::JLeI), (Op::LoopLe, Op::LoopLeI)),
        BinOp::Gt => f((Op::JnGt, Op::JnGtI), (Op::JGt, Op::JGtI), (Op::LoopGt, Op::LoopGtI)),
        BinOp::Ge => f((Op::JnGe, Op::JnGeI), (Op::JGe, Op::JGeI), (Op::LoopGe, Op::LoopGeI)),
        BinOp::Eq => f((Op::JnEq, Op::JnEqI), (Op::JEq, Op::JEqI), (Op::LoopEq, Op::LoopEqI)),
        BinOp::Ne => f((Op::JnNe, Op::JnNeI), (Op::JNe, Op::JNeI), (Op::LoopNe, Op::LoopNeI)),
        _ => None,
    }
}

/// What a comparison does with its result.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Branch {
    Unless,
    When,
    /// A back-edge, taken when true.
    Repeat,
}

/// The truth of a literal.
fn literal_truth(e: E<'_>) -> Option<bool> {
    match e.kind {
        ExprKind::Const(f) => Some(!matches!(f.kind, FormKind::False | FormKind::Nil | FormKind::Void)),
        _ => None,
    }
}

impl<'a> Gen<'_, '_, 'a> {
    /// Jumps to `to` if the truth of `e` is `when`, else goes on.
    pub(super) fn jump_if(&mut self, e: E<'a>, when: bool, to: Label) -> Res {
        let (mark, span) = (self.f.top, self.f.span);
        self.f.span = e.span;
        let done = crate::stack::grow(|| self.jump_kind(e, when, to));
        self.f.span = span;
        self.release(mark);
        done
    }

    fn jump_kind(&mut self, e: E<'a>, when: bool, to: Label) -> Res {
        if let Some(t) = literal_truth(e) {
            if t == when {
                self.jmp(to);
            }
            return Ok(());
        }
        match e.kind {
            ExprKind::Not(a) => self.jump_if(a, !when, to),
            ExprKind::Bang(a) if walk::is_bool(a) => self.jump_if(a, !when, to),
            ExprKind::And(a, b) => self.jump_both(a, b, when, to),
            ExprKind::Or(a, b) => self.jump_either(a, b, when, to),
            // With a Bool on either side `&&` has the truth of `and`. `||` has that of `or` with a Bool on the left; one on the
            // right would have to be evaluated for an Int on the left.
            ExprKind::Amp(a, b) if walk::is_bool(a) || walk::is_bool(b) => self.jump_both(a, b, when, to),
            ExprKind::Bar(a, b) if walk::is_bool(a) => self.jump_either(a, b, when, to),
            ExprKind::Binary(op, a, b) if walk::is_comparison(op) => {
                let left = self.operand_before(a, &[b])?;
                self.compare(op, left, b, if when { Branch::When } else { Branch::Unless }, to)?;
                Ok(())
            }
            ExprKind::Chain { first, rest } => self.jump_chain(first, rest, when, to),
            ExprKind::Block(b) if b.cells.is_empty() && b.hoisted.is_empty() && b.body.len() == 1 => {
                self.open_declared(b.body[0])?;
                self.jump_if(b.body[0], when, to)
            }
            _ => {
                let r = self.operand(e)?;
                self.jump(if when { Op::JmpT } else { Op::JmpF }, r, 0, 0, to);
                Ok(())
            }
        }
    }

    fn jump_both(&mut self, a: E<'a>, b: E<'a>, when: bool, to: Label) -> Res {
        if when {
            let no = self.label();
            self.jump_if(a, false, no)?;
            self.jump_if(b, true, to)?;
            self.bind(no);
            Ok(())
        } else {
            self.jump_if(a, false, to)?;
            self.jump_if(b, false, to)
        }
    }

    fn jump_either(&mut self, a: E<'a>, b: E<'a>, when: bool, to: Label) -> Res {
        if when {
            self.jump_if(a, true, to)?;
            self.jump_if(b, true, to)
        } else {
            let yes = self.label();
            self.jump_if(a, true, yes)?;
            self.jump_if(b, false, to)?;
            self.bind(yes);
            Ok(())
        }
    }

    /// Compares register `left` with `b` and branches.
    fn compare(&mut self, op: BinOp, left: Reg, b: E<'a>, branch: Branch, to: Label) -> Res {
        let Some(f) = fused(op) else {
            let right = self.operand(b)?;
            return self.compare_is(left, right, branch, to);
        };
        let ops = match branch {
            Branch::Unless => f.unless,
            Branch::When => f.when,
            Branch::Repeat => f.repeat,
        };
        if let Some(i) = int_literal(b).and_then(|i| i16::try_from(i).ok()) {
            let (lo, hi) = Self::imm16(i);
            self.jump(ops.1, left, lo, hi, to);
        } else {
            let right = self.operand(b)?;
            self.jump(ops.0, left, right, 0, to);
        }
        Ok(())
    }

    fn compare_is(&mut self, left: Reg, right: Reg, branch: Branch, to: Label) -> Res {
        let t = self.alloc(1)?;
        self.emit(Op::Is, t, left, right, 0);
        let op = match branch {
            Branch::Unless => Op::JmpF,
            Branch::When => Op::JmpT,
            Branch::Repeat => Op::LoopT,
        };
        self.jump(op, t, 0, 0, to);
        Ok(())
    }

    /// Branches on two registers.
    fn compare_regs(&mut self, op: BinOp, left: Reg, right: Reg, when: bool, to: Label) -> Res {
        let branch = if when { Branch::When } else { Branch::Unless };
        match fused(op) {
            Some(f) => {
                let ops = if when { f.when } else { f.unless };
                self.jump(ops.0, left, right, 0, to);
                Ok(())
            }
            None => self.compare_is(left, right, branch, to),
        }
    }

    fn jump_chain(&mut self, first: E<'a>, rest: &'a [(BinOp, E<'a>)], when: bool, to: Label) -> Res {
        let no = if when { self.label() } else { to };
        let later: Vec<E<'a>> = rest.iter().map(|c| c.1).collect();
        let mut left = self.operand_before(first, &later)?;
        for (i, &(op, e)) in rest.iter().enumerate() {
            let last = i + 1 == rest.len();
            if last {
                let branch = if when { Branch::When } else { Branch::Unless };
                self.compare(op, left, e, branch, to)?;
            } else {
                let right = self.operand_before(e, &later[i + 1..])?;
                self.compare_regs(op, left, right, false, no)?;
                left = right;
            }
        }
        if when {
            self.bind(no);
        }
        Ok(())
    }

    /// The end of a loop: back to `start` while `e` is true, else on (or to `end`).
    pub(super) fn loop_while(&mut self, e: E<'a>, start: Label, end: Label) -> Res {
        let (mark, span) = (self.f.top, self.f.span);
        self.f.span = e.span;
        let done = crate::stack::grow(|| self.loop_kind(e, start, end));
        self.f.span = span;
        self.release(mark);
        done
    }

    fn loop_kind(&mut self, e: E<'a>, start: Label, end: Label) -> Res {
        if let Some(t) = literal_truth(e) {
            if t {
                self.jump(Op::Loop, 0, 0, 0, start);
            }
            return Ok(());
        }
        match e.kind {
            ExprKind::And(a, b) => {
                self.jump_if(a, false, end)?;
                self.loop_while(b, start, end)
            }
            ExprKind::Amp(a, b) if walk::is_bool(a) || walk::is_bool(b) => {
                self.jump_if(a, false, end)?;
                self.loop_while(b, start, end)
            }
            ExprKind::Binary(op, a, b) if walk::is_comparison(op) => {
                let left = self.operand_before(a, &[b])?;
                self.compare(op, left, b, Branch::Repeat, start)
            }
            ExprKind::Not(_) | ExprKind::Bang(_) | ExprKind::Or(..) | ExprKind::Bar(..) | ExprKind::Chain { .. } => {
                self.jump_if(e, false, end)?;
                self.jump(Op::Loop, 0, 0, 0, start);
                Ok(())
            }
            _ => {
                let r = self.operand(e)?;
                self.jump(Op::LoopT, r, 0, 0, start);
                Ok(())
            }
        }
    }

    // --- as values

    pub(super) fn and_or(&mut self, a: E<'a>, b: E<'a>, or: bool, d: Dest) -> Res {
        let end = self.label();
        if d == Dest::Effect {
            self.jump_if(a, or, end)?;
            self.expr(b, Dest::Effect)?;
            self.bind(end);
            return Ok(());
        }
        let r = self.early_target(d)?;
        self.expr(a, Dest::Reg(r))?;
        self.jump(if or { Op::JmpT } else { Op::JmpF }, r, 0, 0, end);
        if d == Dest::Tail && self.f.tail_calls {
            // The right side is what the function returns.
            self.expr(b, Dest::Tail)?;
            self.bind(end);
            self.emit_return(r);
            return Ok(());
        }
        self.expr(b, Dest::Reg(r))?;
        self.bind(end);
        self.finish(d, r);
        Ok(())
    }

    /// Evaluated when the other operand is there already, `e` can't fail or have an effect.
    fn is_plain(&self, e: E<'a>) -> bool {
        match e.kind {
            ExprKind::Const(_) => true,
            ExprKind::Var(v) => self.var_reg(v).is_some(),
            _ => false,
        }
    }

    pub(super) fn amp(&mut self, a: E<'a>, b: E<'a>, d: Dest) -> Res {
        if walk::is_bool(a) || walk::is_bool(b) {
            return self.and_or(a, b, false, d);
        }
        if let Some(i) = int_literal(b) {
            let r = self.target(d)?;
            let x = self.operand(a)?;
            let v = self.vm.int(i);
            let k = self.k(v);
            self.emit(Op::BitAndK, r, x, 0, k);
            self.finish(d, r);
            return Ok(());
        }
        self.bitwise(a, b, Op::AmpTest, Op::BitAnd, d)
    }

    pub(super) fn bar(&mut self, a: E<'a>, b: E<'a>, d: Dest) -> Res {
        if walk::is_bool(a) {
            return self.and_or(a, b, true, d);
        }
        self.bitwise(a, b, Op::BarTest, Op::BitOr, d)
    }

    fn bitwise(&mut self, a: E<'a>, b: E<'a>, test: Op, op: Op, d: Dest) -> Res {
        if self.is_plain(b) {
            let r = self.target(d)?;
            let x = self.operand(a)?;
            let y = self.operand(b)?;
            self.emit(op, r, x, y, 0);
            self.finish(d, r);
            return Ok(());
        }
        let r = self.early_target(d)?;
        let end = self.label();
        self.expr(a, Dest::Reg(r))?;
        self.jump(test, r, 0, 0, end);
        let y = self.operand(b)?;
        self.emit(op, r, r, y, 0);
        self.bind(end);
        self.finish(d, r);
        Ok(())
    }
}
