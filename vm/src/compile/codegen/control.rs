//! Blocks, `if`, loops, `try`.
use super::emit::Label;
use super::register::{Place, VAR_REGS};
use super::unwind::{Exit, GuardKind, LoopState};
use super::{Dest, Gen, Reg, Res, walk};
use crate::bytecode::Op;
use crate::compile::hir::*;
use crate::object::code::Cleanup;
use crate::value::Value;

impl<'a> Gen<'_, '_, 'a> {
    /// Opens the variables that `e`, an element of a block, declares in the block's scope. They stand below its temporaries.
    pub(super) fn open_declared(&mut self, e: E<'a>) -> Res {
        if matches!(e.kind, ExprKind::Block(_) | ExprKind::Const(_) | ExprKind::Var(_)) {
            return Ok(());
        }
        let mut vars = Vec::new();
        walk::declared(e, &mut vars, &mut self.f.bare);
        for v in vars {
            // A name declared again in its scope is the same variable: it keeps its place.
            let open = self.f.open_vars.iter().any(|o| o.0 == v)
                || matches!(self.f.places[v as usize], Place::Cell(_) | Place::Far(_));
            if !self.is_early(v) && !open {
                self.open_var(v)?;
            }
        }
        Ok(())
    }

    pub(super) fn block(&mut self, b: Block<'a>, d: Dest) -> Res {
        for &v in b.cells {
            self.open_local(v)?;
            let mark = self.f.top;
            let (r, far) = match self.f.places[v as usize] {
                Place::Reg(r) => (r, None),
                Place::Far(word) => (self.alloc(1)?, Some(word)),
                Place::Cell(_) | Place::None => continue,
            };
            self.load_special(r, Value::UNDEF);
            self.emit(Op::MakeCell, r, 0, 0, 0);
            if let Some(word) = far {
                self.emit(Op::SaveRegs, r, 0, 1, word as i32);
                self.release(mark);
            }
        }
        for &(v, id) in b.hoisted {
            match v {
                // Not made with the block's cells: nothing captures it before it is bound.
                VarRef::Local(l) if !self.is_early(l) && self.f.top < VAR_REGS => {
                    let r = self.open_var_reg(l)?;
                    self.closure(id, r)?;
                    if self.f.func.vars[l as usize].cell {
                        self.emit(Op::MakeCell, r, 0, 0, 0);
                    }
                }
                _ => {
                    if let VarRef::Local(l) = v
                        && !self.is_early(l)
                    {
                        self.open_local(l)?;
                    }
                    let r = self.alloc(1)?;
                    self.closure(id, r)?;
                    self.bind_var(v, r)?;
                    self.release(r as usize);
                }
            }
        }
        let Some((last, before)) = b.body.split_last() else { return self.nil(d) };
        for e in before {
            self.open_declared(e)?;
            self.expr(e, Dest::Effect)?;
        }
        self.open_declared(last)?;
        self.expr(last, d)
    }

    pub(super) fn if_(&mut self, cond: E<'a>, then: E<'a>, other: Option<E<'a>>, d: Dest) -> Res {
        let no = self.label();
        self.jump_if(cond, false, no)?;
        self.expr(then, d)?;
        if other.is_none() && d == Dest::Effect {
            self.bind(no);
            return Ok(());
        }
        let end = self.label();
        if d != Dest::Tail && self.reachable() {
            self.jmp(end);
        }
        self.bind(no);
        match other {
            Some(e) => self.expr(e, d)?,
            None => self.nil(d)?,
        }
        self.bind(end);
        Ok(())
    }

    pub(super) fn switch(&mut self, on: E<'a>, arms: &[E<'a>], d: Dest) -> Res {
        let mark = self.f.top;
        let r = self.operand(on)?;
        self.release(mark);
        if let [only] = arms {
            return self.expr(only, d);
        }
        self.emit(Op::Switch, r, 0, 0, arms.len() as i32 - 1);
        let starts: Vec<Label> = arms.iter().map(|_| self.label()).collect();
        for &start in &starts {
            self.jmp(start);
        }
        let end = self.label();
        for (&arm, &start) in arms.iter().zip(&starts) {
            self.bind(start);
            self.expr(arm, d)?;
            if d != Dest::Tail && start != starts[starts.len() - 1] && self.reachable() {
                self.jmp(end);
            }
        }
        self.bind(end);
        Ok(())
    }

    // --- loops

    /// Runs `f` with the loop open; then the loop's value is `nil` unless a `break` brought another one.
    fn with_loop(&mut self, id: LoopId, d: Dest, f: impl FnOnce(&mut Self, Label) -> Res) -> Res {
        let dst = match d {
            Dest::Effect => None,
            _ => Some(self.early_target(d)?),
        };
        let (end, next) = (self.label(), self.label());
        let outer = self.f.guards.len();
        self.f.loops.push(LoopState { id, dst, end, next, outer, inner: outer });
        let floor = std::mem::replace(&mut self.f.floor, self.f.top);
        let done = f(self, next);
        self.f.floor = floor;
        self.f.loops.pop();
        done?;
        if let Some(r) = dst {
            if self.reachable() {
                self.load_nil(r);
            }
            self.bind(end);
            self.finish(d, r);
        } else {
            self.bind(end);
        }
        Ok(())
    }

    pub(super) fn loop_(&mut self, id: LoopId, body: E<'a>, d: Dest) -> Res {
        self.with_loop(id, d, |g, next| {
            let start = g.label();
            g.bind(start);
            g.body(body)?;
            g.bind(next);
            g.jump(Op::Loop, 0, 0, 0, start);
            Ok(())
        })
    }

    pub(super) fn while_(&mut self, id: LoopId, cond: E<'a>, body: E<'a>, d: Dest) -> Res {
        self.with_loop(id, d, |g, next| {
            let (start, over) = (g.label(), g.label());
            g.open_declared(cond)?;
            if walk::repeatable(cond) {
                g.jump_if(cond, false, over)?;
            } else {
                g.jmp(next);
            }
            g.bind(start);
            g.body(body)?;
            g.bind(next);
            g.loop_while(cond, start, over)?;
            g.bind(over);
            Ok(())
        })
    }

    /// A loop's body: its variables end with it.
    fn body(&mut self, body: E<'a>) -> Res {
        let mark = self.f.top;
        let floor = std::mem::replace(&mut self.f.floor, mark);
        self.open_declared(body)?;
        let done = self.expr(body, Dest::Effect);
        self.f.floor = floor;
        self.release(mark);
        done
    }

    pub(super) fn break_(&mut self, id: LoopId, value: Option<E<'a>>) -> Res {
        let dst = self.f.loops.iter().rev().find(|l| l.id == id).and_then(|l| l.dst);
        let moved = self.moved_destination(id);
        let to = match (dst, moved) {
            (Some(_), Some(_)) => Dest::Reg(self.alloc(1)?),
            (Some(r), None) => Dest::Reg(r),
            (None, _) => Dest::Effect,
        };
        match value {
            Some(v) => self.expr(v, to)?,
            None => self.nil(to)?,
        }
        if let (Dest::Reg(r), Some(word)) = (to, moved) {
            self.emit(Op::SaveRegs, r, 0, 1, word as i32);
        }
        self.leave(Exit::Break(id));
        Ok(())
    }

    pub(super) fn repeat(&mut self, id: LoopId, count: E<'a>, var: Option<VarId>, body: E<'a>, d: Dest) -> Res {
        self.with_loop(id, d, |g, next| {
            let w = g.alloc(5)?;
            g.expr(count, Dest::Reg(w + 1))?;
            let target = var.map_or(BindTarget::Ignore, |v| BindTarget::Var(VarRef::Local(v)));
            g.counting(Op::RepeatPrep, Op::ForLoop, w, ForTarget::One(target), body, next)
        })
    }

    /// The loop proper, over the five registers from `w`.
    fn counting(&mut self, prep: Op, step: Op, w: Reg, target: ForTarget<'a>, body: E<'a>, next: Label) -> Res {
        let (start, over) = (self.label(), self.label());
        let (index, value) = match target {
            ForTarget::One(t) => (None, t),
            ForTarget::Two(i, t) => (Some(i), t),
        };
        // Where each value is delivered.
        let shown = match value {
            BindTarget::Var(v) => self.counted_var(v, w)?,
            BindTarget::Ignore | BindTarget::Pattern(_) => w,
        };
        let mut counter = None;
        if let Some(i) = index {
            let c = self.alloc(1)?;
            self.load_int(c, -1);
            let shown = match i {
                BindTarget::Var(v) => self.counted_var(v, c)?,
                BindTarget::Ignore | BindTarget::Pattern(_) => c,
            };
            counter = Some((c, i, shown));
        }
        self.jump(prep, w, shown, 0, over);
        self.bind(start);
        if let Some((c, target, shown)) = counter {
            self.emit(Op::AddI, c, c, 0, 1);
            self.move_to(shown, c);
            self.deliver(target, shown)?;
        }
        self.deliver(value, shown)?;
        self.body(body)?;
        self.bind(next);
        self.jump(step, w, shown, 0, start);
        self.bind(over);
        Ok(())
    }

    /// The register that shows the variable of a counting loop: the counter `c` itself when nothing else writes the variable,
    /// else one of its own (a temporary for variables that live elsewhere).
    fn counted_var(&mut self, v: VarRef, c: Reg) -> Res<Reg> {
        match v {
            VarRef::Local(l) if !self.f.func.vars[l as usize].cell && !self.f.func.vars[l as usize].assigned => {
                self.place_var(l, c);
                Ok(c)
            }
            VarRef::Local(l) => self.open_var_reg(l),
            _ => self.alloc(1),
        }
    }

    /// The element is in `r`: makes it the target's value.
    fn deliver(&mut self, t: BindTarget<'a>, r: Reg) -> Res {
        match t {
            BindTarget::Ignore => Ok(()),
            BindTarget::Var(v) if self.var_reg(v) == Some(r) => Ok(()),
            BindTarget::Var(v) => self.bind_var(v, r),
            BindTarget::Pattern(p) => {
                self.open_pattern(p)?;
                self.destructure(p, r)
            }
        }
    }

    pub(super) fn for_(
        &mut self,
        id: LoopId,
        target: ForTarget<'a>,
        iter: E<'a>,
        body: E<'a>,
        awaiting: bool,
        d: Dest,
    ) -> Res {
        if let (ExprKind::Range { start, end, step }, false) = (iter.kind, awaiting) {
            return self.with_loop(id, d, |g, next| {
                let span = std::mem::replace(&mut g.f.span, iter.span);
                let w = g.bounds(start, end, step, 2)?;
                g.f.span = span;
                let one = step.is_none_or(|s| super::operator::int_literal(s) == Some(1));
                g.counting(Op::ForPrep, if one { Op::ForLoop } else { Op::ForStep }, w, target, body, next)
            });
        }
        self.with_loop(id, d, |g, next| {
            let w = g.alloc(3)?;
            let exception = g.alloc(1)?;
            let mark = g.f.top;
            let source = g.operand(iter)?;
            let span = std::mem::replace(&mut g.f.span, iter.span);
            g.emit(Op::IterInit, w, source, 0, 0);
            g.f.span = span;
            g.release(mark);
            let (targets, op) = match target {
                ForTarget::One(t) => ([t, BindTarget::Ignore], Op::IterNext),
                ForTarget::Two(t, u) => ([t, u], Op::IterNext2),
            };
            let n = if op == Op::IterNext { 1 } else { 2 };
            let shown = g.alloc(n)?;
            for (t, r) in targets.into_iter().zip(shown..) {
                if let BindTarget::Var(VarRef::Local(l)) = t {
                    g.place_var(l, r);
                }
            }
            g.bind(next);
            let over = g.label();
            g.jump(op, w, shown, 0, over);
            g.guard(GuardKind::Iterator(w));
            if let Some(l) = g.f.loops.last_mut() {
                l.inner += 1;
            }
            if awaiting {
                let last = shown + n as Reg - 1;
                g.emit(Op::Await, last, last, 0, 0);
            }
            for (t, r) in targets.into_iter().zip(shown..) {
                g.deliver(t, r)?;
            }
            g.body(body)?;
            g.jump(Op::Loop, 0, 0, 0, next);
            g.close_loop(w, exception);
            g.bind(over);
            Ok(())
        })
    }

    // --- try

    pub(super) fn try_(
        &mut self,
        body: E<'a>,
        catches: &'a [Catch<'a>],
        finally: Option<E<'a>>,
        cleanup: bool,
        d: Dest,
    ) -> Res {
        let inner = match d {
            Dest::Effect => Dest::Effect,
            _ => Dest::Reg(self.early_target(d)?),
        };
        match finally {
            Some(f) => self.try_finally(body, catches, f, cleanup, inner)?,
            None => self.try_catch(body, catches, inner)?,
        }
        if let Dest::Reg(r) = inner {
            self.finish(d, r);
        }
        Ok(())
    }

    fn try_catch(&mut self, body: E<'a>, catches: &'a [Catch<'a>], d: Dest) -> Res {
        if catches.is_empty() {
            return self.body_to(body, d);
        }
        let ex = self.alloc(1)?;
        let after = self.label();
        // Clauses that name a class may want the task's own cancellation; the others must let it through.
        let all = catches.iter().any(|c| matches!(c.kind, CatchKind::Class { .. } | CatchKind::Really));
        self.guard(GuardKind::Catch);
        self.body_to(body, d)?;
        let (_, ranges) = self.unguard();
        if self.reachable() {
            self.jmp(after);
        }
        self.handler(&ranges, ex, all);
        let mut open = true;
        for c in catches {
            let (mark, span) = (self.f.top, self.f.span);
            self.f.span = c.span;
            let next = self.label();
            match c.kind {
                CatchKind::Really => open = false,
                CatchKind::All { .. } | CatchKind::Pattern(_) if all => self.jump(Op::JmpOwnCancel, ex, 0, 0, next),
                CatchKind::All { .. } | CatchKind::Pattern(_) => open = false,
                CatchKind::Class { class, .. } => {
                    let t = self.alloc(1)?;
                    let k = self.operand(class)?;
                    self.emit(Op::IsException, t, ex, k, 0);
                    self.jump(Op::JmpF, t, 0, 0, next);
                    self.release(mark);
                }
            }
            self.bind_caught(c.ex, ex)?;
            match c.kind {
                CatchKind::All { bind: Some(v) } | CatchKind::Class { bind: Some(v), .. } => self.bind_caught(v, ex)?,
                CatchKind::Pattern(p) => {
                    self.open_pattern(p)?;
                    if let BindPat::Array { .. } = p {
                        let cause = self.alloc(1)?;
                        let x = self.site("cause", Vec::new());
                        self.emit(Op::GetProp, cause, ex, 0, x);
                        self.destructure(p, cause)?;
                    } else {
                        self.destructure(p, ex)?;
                    }
                }
                _ => {}
            }
            if c.cleanup {
                self.cleanup(c.body, d, None)?
            } else {
                self.body_to(c.body, d)?
            }
            if self.reachable() {
                self.jmp(after);
            }
            self.bind(next);
            self.f.span = span;
            self.release(mark);
            if !open {
                break;
            }
        }
        if open {
            self.emit(Op::Rethrow, ex, 0, 0, 0);
        }
        self.bind(after);
        Ok(())
    }

    /// A body that does not see the cancellation of its task. The count is kept in the fiber; whatever leaves the body by an
    /// exception is told by the ranges in [`crate::object::code::Proto::cleanups`].
    fn cleanup(&mut self, e: E<'a>, d: Dest, pending: Option<(Reg, Reg)>) -> Res {
        self.emit(Op::CleanupIn, 0, 0, 0, 0);
        self.guard(GuardKind::Cleanup);
        self.body_to(e, d)?;
        let (_, ranges) = self.unguard();
        self.f.cleanups.extend(ranges.into_iter().map(|(start, end)| Cleanup { start, end, pending }));
        if self.reachable() {
            self.emit(Op::CleanupOut, 0, 0, 0, 0);
        }
        Ok(())
    }

    fn bind_caught(&mut self, v: VarRef, ex: Reg) -> Res {
        if let VarRef::Local(l) = v {
            self.open_var_reg(l)?;
        }
        self.bind_var(v, ex)
    }

    /// The body or a clause of `try`, in a scope of its own.
    fn body_to(&mut self, e: E<'a>, d: Dest) -> Res {
        let mark = self.f.top;
        self.open_declared(e)?;
        self.expr(e, d)?;
        self.release(mark);
        Ok(())
    }

    /// Every way out of body and clauses leads through the `finally` part: kind of completion and value are recorded, the part
    /// runs unguarded, then control goes on as recorded.
    fn try_finally(&mut self, body: E<'a>, catches: &'a [Catch<'a>], finally: E<'a>, cleanup: bool, d: Dest) -> Res {
        let (kind, value) = (self.alloc(1)?, self.alloc(1)?);
        let (label, end) = (self.label(), self.label());
        self.guard(GuardKind::Finally { kind, value, label, exits: Vec::new() });
        self.try_catch(body, catches, d)?;
        let (guard, ranges) = self.unguard();
        if self.reachable() {
            self.load_int(kind, 0);
            self.jmp(label);
        }
        self.handler(&ranges, value, true);
        self.load_int(kind, 1);
        self.bind(label);
        if cleanup {
            self.cleanup(finally, Dest::Effect, Some((kind, value)))?
        } else {
            self.body_to(finally, Dest::Effect)?
        }
        let Some(GuardKind::Finally { exits, .. }) = guard else { return Ok(()) };
        let (lo, hi) = Self::imm16(0);
        self.jump(Op::JEqI, kind, lo, hi, end);
        for (i, exit) in exits.into_iter().enumerate() {
            let other = self.label();
            let (lo, hi) = Self::imm16(i as i16 + 2);
            self.jump(Op::JnEqI, kind, lo, hi, other);
            self.leave(exit);
            self.bind(other);
        }
        self.emit(Op::Rethrow, value, 0, 0, 0);
        self.bind(end);
        Ok(())
    }
}
