//! Expressions: dispatch, and the small ones.
use super::unwind::Exit;
use super::{Dest, Gen, Reg, Res, walk};
use crate::bytecode::{Instr, Op};
use crate::compile::hir::*;
use crate::syntax::form::{Form, FormKind};
use crate::value::Value;

impl<'a> Gen<'_, '_, 'a> {
    /// Compiles `e`; its value goes to `d`. Temporaries are released at the end.
    pub(super) fn expr(&mut self, e: E<'a>, d: Dest) -> Res {
        let (mark, span) = (self.f.top, self.f.span);
        self.f.span = e.span;
        let done = crate::stack::grow(|| match self.crowded(e, d) {
            Some(done) => done,
            None => self.kind(e, d),
        });
        self.f.span = span;
        self.release(mark);
        done
    }

    /// A register that holds the value of `e`: a variable's own one, else a fresh temporary, which stays allocated.
    pub(super) fn operand(&mut self, e: E<'a>) -> Res<Reg> {
        if let ExprKind::Var(v) = e.kind
            && let Some(r) = self.var_reg(v)
        {
            return Ok(r);
        }
        let r = self.alloc(1)?;
        self.expr(e, Dest::Reg(r))?;
        Ok(r)
    }

    /// As [`Gen::operand`], for a value that must stay the same while `later` are evaluated.
    pub(super) fn operand_before(&mut self, e: E<'a>, later: &[E<'a>]) -> Res<Reg> {
        if let ExprKind::Var(VarRef::Local(v)) = e.kind
            && self.f.func.vars[v as usize].assigned
            && later.iter().any(|l| walk::may_assign(l, v))
        {
            let r = self.alloc(1)?;
            self.expr(e, Dest::Reg(r))?;
            return Ok(r);
        }
        self.operand(e)
    }

    /// The first register of `operands` when they are variables that stand in registers one behind the other.
    fn side_by_side(&self, operands: &[E<'a>]) -> Option<Reg> {
        let reg = |e: E<'a>| match e.kind {
            ExprKind::Var(v) => self.var_reg(v),
            _ => None,
        };
        let first = reg(operands.first()?)?;
        operands.iter().enumerate().all(|(n, e)| reg(e) == first.checked_add(n as Reg)).then_some(first)
    }

    /// A temporary that holds the value of `e`.
    pub(super) fn temp(&mut self, e: E<'a>) -> Res<Reg> {
        let r = self.alloc(1)?;
        self.expr(e, Dest::Reg(r))?;
        Ok(r)
    }

    /// One instruction `op dst, src` on the value of `e`.
    fn unary(&mut self, op: Op, e: E<'a>, d: Dest) -> Res {
        let r = self.target(d)?;
        let s = self.operand(e)?;
        self.emit(op, r, s, 0, 0);
        self.finish(d, r);
        Ok(())
    }

    pub(super) fn kind(&mut self, e: E<'a>, d: Dest) -> Res {
        use ExprKind::*;
        match e.kind {
            Const(f) => self.constant(&f, d),
            Regex(f) => {
                let r = self.target(d)?;
                let v = self.data(&f);
                let x = self.k(v);
                self.emit(Op::Regex, r, 0, 0, x);
                self.finish(d, r);
                Ok(())
            }
            Var(v) => match (d, self.var_reg(v)) {
                (Dest::Effect, Some(_)) => Ok(()),
                (_, Some(r)) => {
                    self.finish(d, r);
                    Ok(())
                }
                (_, None) => {
                    let r = self.target(d)?;
                    self.load_var(v, r)?;
                    self.finish(d, r);
                    Ok(())
                }
            },
            Global(name) => {
                let r = self.target(d)?;
                let x = self.site(name, Vec::new());
                self.emit(Op::GetGlobal, r, 0, 0, x);
                self.finish(d, r);
                Ok(())
            }
            ModuleNs => {
                let r = self.target(d)?;
                self.emit(Op::ModuleNs, r, 0, 0, 0);
                self.finish(d, r);
                Ok(())
            }
            Select { flags, operands } => {
                let r = self.target(d)?;
                let mark = self.f.top;
                let first = match self.side_by_side(operands) {
                    Some(first) => first,
                    None => {
                        for e in operands {
                            self.temp(e)?;
                        }
                        mark as Reg
                    }
                };
                self.emit(Op::Select, first, operands.len() as Reg, r, flags as i32);
                self.release(mark);
                self.finish(d, r);
                Ok(())
            }
            SelectTaken { open } => {
                let r = self.target(d)?;
                let here = self.pc();
                match self.f.code.last_mut() {
                    // Openness and value in one.
                    Some(last) if last.op() == Op::SelectTaken && last.c() == 1 && !open && self.f.landing != here => {
                        *last = Instr::new(Op::SelectTaken, last.a() as Reg, r, 2, 0);
                    }
                    _ => self.emit(Op::SelectTaken, r, 0, open as u8, 0),
                }
                self.finish(d, r);
                Ok(())
            }
            Interp(parts) => self.interp(parts, d),
            Quote(f) => self.quote(&f, d),
            TypeValue(ty, generics) => self.type_value(ty, generics, d),
            Array { items, frozen } => self.array(items, frozen, d),
            Map { entries, frozen } => self.map(entries, frozen, d),
            HashMap { items, frozen } => self.hash_map(items, frozen, d),
            Gene { ty, args, frozen } => self.gene(ty, args, frozen, d),
            Fn(id) => {
                let r = self.target(d)?;
                self.closure(id, r)?;
                self.finish(d, r);
                Ok(())
            }
            Block(b) => self.block(b, d),
            If { cond, then, other } => self.if_(cond, then, other, d),
            Switch { on, arms } => self.switch(on, arms, d),
            Amp(a, b) => self.amp(a, b, d),
            Bar(a, b) => self.bar(a, b, d),
            And(a, b) => self.and_or(a, b, false, d),
            Or(a, b) => self.and_or(a, b, true, d),
            Not(a) => self.unary(Op::Not, a, d),
            Bang(a) => self.unary(if walk::is_bool(a) { Op::Not } else { Op::Bang }, a, d),
            Neg(a) => self.unary(Op::Neg, a, d),
            Loop { id, body } => self.loop_(id, body, d),
            While { id, cond, body } => self.while_(id, cond, body, d),
            Repeat { id, count, var, body } => self.repeat(id, count, var, body, d),
            For { id, target, iter, body, awaiting } => self.for_(id, target, iter, body, awaiting, d),
            Break { id, value } => self.break_(id, value),
            Continue { id } => {
                self.leave(Exit::Continue(id));
                Ok(())
            }
            Return(v) => self.return_(v),
            Case { subject, arms, other, exhaustive } => self.case(subject, arms, other, exhaustive, d),
            Try { body, catches, finally, cleanup } => self.try_(body, catches, finally, cleanup, d),
            Throw(v) => {
                let r = self.operand(v)?;
                self.emit(Op::Throw, r, 0, 0, 0);
                Ok(())
            }
            ThrowNew { class, args } => {
                let r = self.alloc(1)?;
                self.new_(class, args, Dest::Reg(r))?;
                self.emit(Op::Throw, r, 0, 0, 0);
                Ok(())
            }
            Unwrap(v) => {
                let r = self.early_target(d)?;
                let s = self.operand(v)?;
                let go_on = self.label();
                self.jump(Op::Unwrap, r, s, 0, go_on);
                self.leave(Exit::Return(r));
                self.bind(go_on);
                self.finish(d, r);
                Ok(())
            }
            Assert { cond, message } => {
                let ok = self.label();
                self.jump_if(cond, true, ok)?;
                let r = self.alloc(1)?;
                match message {
                    Some(m) => self.expr(m, Dest::Reg(r))?,
                    None => self.load_special(r, Value::UNDEF),
                }
                self.emit(Op::AssertFail, r, 0, 0, 0);
                self.bind(ok);
                self.nil(d)
            }
            Yield(v) => self.yield_(v, d),
            YieldStar(v) => self.yield_star(v, d),
            Declare { var, value, ty } => self.declare(var, value, ty, d),
            DeclarePattern { pat, value } => {
                let s = self.operand(value)?;
                self.destructure(pat, s)?;
                self.finish(d, s);
                Ok(())
            }
            Assign { var, value } => self.assign(var, value, d),
            AssignGlobal { name, value } => {
                let s = self.operand(value)?;
                let x = self.k_sym(name);
                self.emit(Op::AssignGlobal, s, 0, 0, x);
                self.finish(d, s);
                Ok(())
            }
            AssignLogical { var, value, or } => self.assign_logical(var, value, or, d),
            Get { base, key } => self.get(base, key, d),
            Set { base, key, value } => self.set(base, key, value, d),
            Update { base, key, op, value } => self.update(base, key, op, value, d),
            NotNil(v) => {
                let s = self.operand(v)?;
                self.emit(Op::NotNil, s, 0, 0, 0);
                self.finish(d, s);
                Ok(())
            }
            Binary(op, a, b) => self.binary(op, a, b, d),
            Chain { first, rest } => self.chain(first, rest, d),
            Range { start, end, step } => self.range(start, end, step, d),
            Call { callee, args } => self.call(callee, args, d),
            CallMaybeMacro { callee, args, site } => self.call_maybe_macro(callee, args, site, d),
            CallMacro { callee, site } => {
                let f = self.operand(callee)?;
                self.macro_call(f, site, d)
            }
            Method { recv, name, args } => self.method(recv, name, args, d),
            MethodDyn { recv, name, args } => self.method_dyn(recv, name, args, d),
            Super { self_, class, name, args } => self.super_(self_, class, Some(name), args, d),
            SuperCtor { self_, class, args } => self.super_(self_, class, None, args, d),
            New { class, args } => self.new_(class, args, d),
            Eval { data, env } => self.eval(data, env, d),
            CallerEval { data, env } => self.caller_eval(data, env, d),
            Render { data, env } => self.render(data, env, d),
            Class(c) => self.class(c, d),
            Extend { class, class_var, members } => self.extend(class, class_var, members, d),
            Interface(def) => self.interface(def, d),
            Implement { interface, class, class_var, members } => {
                self.implement(interface, class, class_var, members, d)
            }
            Enum(def) => self.enum_(def, d),
            Namespace(n) => self.namespace(n, d),
            Import(i) => self.import(i, d),
            Async { func, raw } => {
                let r = self.target(d)?;
                let f = self.alloc(1)?;
                self.closure(func, f)?;
                self.emit(Op::Async, r, f, raw as Reg, 0);
                self.finish(d, r);
                Ok(())
            }
            Await { values, listed, timeout } => self.await_(values, listed, timeout, d),
            Spawn { callee, args } => self.spawn(callee, args, d),
        }
    }

    /// `nil` for `d`.
    pub(super) fn nil(&mut self, d: Dest) -> Res {
        match d {
            Dest::Reg(r) => self.load_nil(r),
            Dest::Effect => {}
            Dest::Tail if self.f.epilogue.is_none() => self.emit(Op::RetNil, 0, 0, 0, 0),
            Dest::Tail => {
                let r = self.alloc(1)?;
                self.load_nil(r);
                self.emit_return(r);
            }
        }
        Ok(())
    }

    fn constant(&mut self, f: &Form<'a>, d: Dest) -> Res {
        match (f.kind, d) {
            (_, Dest::Effect) => return Ok(()),
            (FormKind::Nil, _) => return self.nil(d),
            _ => {}
        }
        let r = self.target(d)?;
        match f.kind {
            FormKind::Void => self.load_special(r, Value::VOID),
            FormKind::True => self.load_special(r, Value::TRUE),
            FormKind::False => self.load_special(r, Value::FALSE),
            FormKind::NotFound => self.load_special(r, Value::NOT_FOUND),
            FormKind::Int(i) => self.load_int(r, i),
            FormKind::Str(s) => {
                let x = self.k_str(s);
                self.emit(Op::LoadK, r, 0, 0, x);
            }
            _ => {
                let v = self.data(f);
                self.load_const(r, v);
            }
        }
        self.finish(d, r);
        Ok(())
    }

    fn return_(&mut self, v: Option<E<'a>>) -> Res {
        if self.f.func.kind == FuncKind::Ctor && self.f.epilogue.is_none() {
            if let Some(v) = v {
                self.expr(v, Dest::Effect)?;
            }
            if self.unguarded() {
                self.emit(Op::RetNil, 0, 0, 0, 0);
                return Ok(());
            }
            let r = self.alloc(1)?;
            self.load_nil(r);
            self.leave(Exit::Return(r));
            return Ok(());
        }
        if self.unguarded() {
            return match v {
                Some(v) => self.expr(v, Dest::Tail),
                None => self.nil(Dest::Tail),
            };
        }
        let r = match v {
            Some(v) => self.operand(v)?,
            None => {
                let r = self.alloc(1)?;
                self.load_nil(r);
                r
            }
        };
        self.leave(Exit::Return(r));
        Ok(())
    }

    fn yield_(&mut self, v: Option<E<'a>>, d: Dest) -> Res {
        let r = self.target(d)?;
        let ty = self.f.func.ret;
        let s = match v {
            Some(v) if ty.is_some() => self.temp(v)?,
            Some(v) => self.operand(v)?,
            None => {
                let s = self.alloc(1)?;
                self.load_nil(s);
                s
            }
        };
        if let Some(ty) = ty {
            self.check_type(s, ty)?;
        }
        self.emit(Op::Yield, r, s, 0, 0);
        self.finish(d, r);
        Ok(())
    }
}
