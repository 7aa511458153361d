//! Data as code: macros, `eval`, `$caller_eval`, `$render`.
use super::register::Place;
use super::{Dest, Gen, Reg, Res};
use crate::bytecode::Op;
use crate::compile::hir::*;
use crate::heap::Kind;
use crate::value::Value;

impl<'a> Gen<'_, '_, 'a> {
    /// The environment of a point in the program, in a fresh register.
    fn env(&mut self, env: &Env<'a>) -> Res<Reg> {
        let mut vars = Vec::with_capacity(env.vars.len());
        for v in env.vars {
            let name = self.sym(v.name);
            let source = self.source(Some(v.var))?;
            if source.is_nil() {
                // Its declaration is still to come.
                continue;
            }
            vars.push(self.vm.heap.record(Kind::Record, 0, &[name, Value::bool(v.constant), source]).value());
        }
        let vars = self.vm.heap.record(Kind::Record, 0, &vars).value();
        let items =
            [vars, self.source(env.self_)?, self.source(env.ex)?, self.source(env.caller)?, Value::bool(env.top)];
        let x = self.k_record(&items);
        let r = self.alloc(1)?;
        self.emit(Op::MakeEnv, r, 0, 0, x);
        Ok(r)
    }

    /// Where an environment finds a variable: see `Op::MakeEnv`.
    fn source(&mut self, v: Option<VarRef>) -> Res<Value> {
        Ok(match v {
            None => Value::NIL,
            Some(VarRef::Local(v)) => match self.f.places[v as usize] {
                Place::Reg(r) => Value::small(r as i64),
                Place::Far(word) => Value::small(word as i64),
                Place::Cell(x) => self.f.consts[x as usize],
                Place::None => Value::NIL,
            },
            Some(VarRef::Captured(i)) => Value::small(-1 - i as i64),
            Some(VarRef::Module(s)) => match self.cells.get(s as usize) {
                Some(&c) => c,
                None => return self.error("internal error: module variable without a cell"),
            },
        })
    }

    /// Calls the macro in `f`.
    pub(super) fn macro_call(&mut self, f: Reg, site: &'a MacroSite<'a>, d: Dest) -> Res {
        let r = self.target(d)?;
        let env = self.env(site.env)?;
        let children: Vec<Value> = site.children.iter().map(|c| self.data(c)).collect();
        let names: Vec<Value> = site.props.iter().map(|p| self.sym(p.0)).collect();
        let values: Vec<Value> = site.props.iter().map(|p| self.data(&p.1)).collect();
        let parts = [children, names, values].map(|v| self.vm.heap.record(Kind::Record, 0, &v).value());
        let x = self.k_record(&parts);
        self.emit(Op::CallMacro, r, f, env, x);
        self.finish(d, r);
        Ok(())
    }

    pub(super) fn call_maybe_macro(&mut self, callee: E<'a>, args: Args<'a>, site: &'a MacroSite<'a>, d: Dest) -> Res {
        let w = self.window(d)?;
        self.expr(callee, Dest::Reg(w))?;
        let (plain, end) = (self.label(), self.label());
        self.jump(Op::IsMacro, w, 0, 0, plain);
        let mark = self.f.top;
        self.macro_call(w, site, d)?;
        self.release(mark);
        if d != Dest::Tail {
            self.jmp(end);
        }
        self.bind(plain);
        self.call_window(w, &args, d)?;
        self.bind(end);
        Ok(())
    }

    pub(super) fn eval(&mut self, data: E<'a>, env: &'a Env<'a>, d: Dest) -> Res {
        let r = self.target(d)?;
        let list = self.alloc(1)?;
        self.expr(data, Dest::Reg(list))?;
        let env = self.env(env)?;
        self.emit(Op::Eval, r, list, env, 0);
        self.finish(d, r);
        Ok(())
    }

    pub(super) fn caller_eval(&mut self, data: E<'a>, env: VarRef, d: Dest) -> Res {
        let r = self.target(d)?;
        let s = self.operand(data)?;
        let e = self.alloc(1)?;
        self.load_var(env, e)?;
        self.emit(Op::CallerEval, r, s, e, 0);
        self.finish(d, r);
        Ok(())
    }

    pub(super) fn render(&mut self, data: E<'a>, env: &'a Env<'a>, d: Dest) -> Res {
        let r = self.target(d)?;
        let s = self.operand(data)?;
        let e = self.env(env)?;
        self.emit(Op::Render, r, s, e, 0);
        self.finish(d, r);
        Ok(())
    }
}
