//! Calls: windows, keyword and spread arguments, tail calls.
use super::{Dest, Gen, Reg, Res, walk};
use crate::bytecode::Op;
use crate::compile::hir::*;
use crate::value::Sym;

/// More arguments than this are passed in an array.
pub(super) const MAX_ARGS: usize = 100;

/// How the arguments stand in a window.
enum Passed {
    /// That many positional ones, then the values of the keywords.
    Plain(Reg, Vec<Sym>),
    /// An array and a map (or nil).
    Spread,
}

impl Passed {
    fn is_positional(&self) -> bool {
        matches!(self, Passed::Plain(_, kw) if kw.is_empty())
    }
}

fn needs_spread(args: &Args<'_>) -> bool {
    args.items.len() + args.props.len() > MAX_ARGS
        || args.items.iter().any(|a| matches!(a, Arg::Spread(_)))
        || args.props.iter().any(|p| matches!(p, PropArg::Spread(_)))
}

impl<'a> Gen<'_, '_, 'a> {
    /// Evaluates the arguments into the registers from the top on.
    fn pass(&mut self, args: &Args<'a>) -> Res<Passed> {
        if needs_spread(args) {
            let w = self.alloc(2)?;
            self.spread_into(w, args)?;
            return Ok(Passed::Spread);
        }
        let n = args.items.len();
        if args.props.is_empty() {
            for a in args.items {
                let (Arg::One(e) | Arg::Spread(e)) = *a;
                let r = self.alloc(1)?;
                self.expr(e, Dest::Reg(r))?;
            }
            return Ok(Passed::Plain(n as Reg, Vec::new()));
        }
        // Properties are evaluated where they are written, so all registers are taken first.
        let w = self.alloc(n + args.props.len())?;
        let at = (args.props_at as usize).min(n);
        let mut names = Vec::with_capacity(args.props.len());
        for i in 0..=n {
            if i == at {
                for (j, p) in args.props.iter().enumerate() {
                    let (name, e) = match *p {
                        PropArg::Key(name, e) => (name, e),
                        PropArg::Spread(e) => ("", e),
                    };
                    names.push(self.vm.sym(name));
                    self.expr(e, Dest::Reg(w + (n + j) as Reg))?;
                }
            }
            if let Some(Arg::One(e) | Arg::Spread(e)) = args.items.get(i) {
                self.expr(e, Dest::Reg(w + i as Reg))?;
            }
        }
        Ok(Passed::Plain(n as Reg, names))
    }

    /// Array of the positional arguments in `w`, map of the others (or nil) in `w + 1`.
    fn spread_into(&mut self, w: Reg, args: &Args<'a>) -> Res {
        let at = if args.props.is_empty() { args.items.len() } else { (args.props_at as usize).min(args.items.len()) };
        let (before, after) = args.items.split_at(at);
        self.build_array(w, before)?;
        if args.props.is_empty() {
            self.load_nil(w + 1);
        } else {
            self.build_map(w + 1, args.props)?;
            self.push_items(w, after)?;
        }
        Ok(())
    }

    /// The register a call's result goes to.
    fn result(d: Dest, window: Reg) -> Reg {
        match d {
            Dest::Reg(r) => r,
            Dest::Effect | Dest::Tail => window,
        }
    }

    /// After a call that was no tail call.
    fn called(&mut self, d: Dest, window: Reg) {
        if d == Dest::Tail {
            self.emit_return(window);
        }
    }

    fn is_tail(&self, d: Dest) -> bool {
        d == Dest::Tail && self.f.tail_calls && self.unguarded()
    }

    /// May a module variable be read after the arguments? Yes when it can't change or be undefined by then, as far as the
    /// arguments could tell.
    fn late_callee(&self, s: SlotId, args: &Args<'a>) -> bool {
        let Some(v) = self.unit.module_vars.get(s as usize) else { return false };
        let plain =
            |e: E<'a>| matches!(e.kind, ExprKind::Const(_) | ExprKind::Var(VarRef::Local(_) | VarRef::Captured(_)));
        v.is_fn
            || args.items.iter().all(|a| matches!(a, Arg::One(e) if plain(e)))
                && args.props.iter().all(|p| matches!(p, PropArg::Key(_, e) if plain(e)))
    }

    /// The callee, when it is known and all its annotated parameters are known to take the arguments as they are.
    fn checked_callee(&self, callee: E<'a>, args: &Args<'a>) -> Option<FuncId> {
        let id = self.known_callee(callee)?;
        let params = self.unit.funcs.get(id as usize)?.params;
        let passes = |(p, a): (&Param<'a>, &Arg<'a>)| match (p.ty, a) {
            (Some(ty), Arg::One(e)) => self.proves(e, ty.ty),
            (None, Arg::One(_)) => true,
            (_, Arg::Spread(_)) => false,
        };
        let useful = params.iter().any(|p| p.ty.is_some()) && params.iter().all(super::function::is_plain);
        (useful && params.len() == args.items.len() && params.iter().zip(args.items).all(passes)).then_some(id)
    }

    pub(super) fn call(&mut self, callee: E<'a>, args: Args<'a>, d: Dest) -> Res {
        if let ExprKind::Var(VarRef::Module(s)) = callee.kind
            && args.props.is_empty()
            && !needs_spread(&args)
            && self.late_callee(s, &args)
        {
            let x = self.module_cell(s)?;
            let (w, rest) = match args.items {
                [Arg::One(first), rest @ ..] if walk::writes_last(first) => {
                    self.first_of_window(first, d)?;
                    let w = self.window(d)?;
                    self.alloc(1)?;
                    (w, rest)
                }
                all => (self.window(d)?, all),
            };
            self.pass(&Args { items: rest, ..args })?;
            let n = args.items.len() as Reg;
            if self.is_tail(d) {
                self.emit(Op::TailMod, w, n, 0, x);
            } else {
                let (op, x) = match self.checked_callee(callee, &args) {
                    Some(id) => {
                        let number = self.function_number(id);
                        (Op::CallChecked, self.k_pair(self.cells[s as usize], number))
                    }
                    None => (Op::CallMod, x),
                };
                self.emit(op, w, n, Self::result(d, w), x);
                self.called(d, w);
            }
            return Ok(());
        }
        let w = self.window(d)?;
        self.expr(callee, Dest::Reg(w))?;
        self.call_window(w, &args, d)
    }

    /// The callee is in `w`, the top of the registers is behind the window's head.
    pub(super) fn call_window(&mut self, w: Reg, args: &Args<'a>, d: Dest) -> Res {
        let passed = self.pass(args)?;
        let c = Self::result(d, w);
        match passed {
            Passed::Plain(n, kw) if kw.is_empty() => {
                if self.is_tail(d) {
                    self.emit(Op::TailCall, w, n, 0, 0);
                    return Ok(());
                }
                self.emit(Op::Call, w, n, c, 0);
            }
            Passed::Plain(n, kw) => {
                let x = self.k_names(kw);
                if self.is_tail(d) {
                    self.emit(Op::TailKw, w, n, 0, x);
                    return Ok(());
                }
                self.emit(Op::CallKw, w, n, c, x);
            }
            Passed::Spread => self.emit(Op::CallSpread, w, 0, c, 0),
        }
        self.called(d, w);
        Ok(())
    }

    /// Calls a global function with plain arguments.
    pub(super) fn call_global(&mut self, name: &str, args: &[E<'a>], d: Dest) -> Res {
        let w = self.window(d)?;
        let x = self.site(name, Vec::new());
        self.emit(Op::GetGlobal, w, 0, 0, x);
        for e in args {
            let r = self.alloc(1)?;
            self.expr(e, Dest::Reg(r))?;
        }
        self.emit(Op::Call, w, args.len() as Reg, Self::result(d, w), 0);
        self.called(d, w);
        Ok(())
    }

    pub(super) fn method(&mut self, recv: E<'a>, name: &str, args: Args<'a>, d: Dest) -> Res {
        if let ("div", [Arg::One(b)], []) = (name, args.items, args.props) {
            let r = self.target(d)?;
            let x = self.operand_before(recv, &[b])?;
            let y = self.operand(b)?;
            let site = self.site(name, Vec::new());
            self.emit(Op::FloorDiv, r, x, y, site);
            self.finish(d, r);
            return Ok(());
        }
        let w;
        if walk::writes_last(recv) {
            self.first_of_window(recv, d)?;
            w = self.window(d)?;
            self.alloc(1)?;
        } else {
            w = self.window(d)?;
            let r = self.alloc(1)?;
            self.expr(recv, Dest::Reg(r))?;
        }
        let passed = self.pass(&args)?;
        let tail = self.is_tail(d) && passed.is_positional();
        let c = Self::result(d, w);
        match passed {
            Passed::Plain(n, kw) => {
                let x = self.site(name, kw);
                if tail {
                    self.emit(Op::TailMethod, w, n, 0, x);
                    return Ok(());
                }
                self.emit(Op::Method, w, n, c, x);
            }
            Passed::Spread => {
                let x = self.site(name, Vec::new());
                self.emit(Op::MethodSpread, w, 0, c, x);
            }
        }
        self.called(d, w);
        Ok(())
    }

    pub(super) fn method_dyn(&mut self, recv: E<'a>, name: E<'a>, args: Args<'a>, d: Dest) -> Res {
        let w = self.window(d)?;
        let r = self.alloc(1)?;
        self.expr(recv, Dest::Reg(r))?;
        self.expr(name, Dest::Reg(w))?;
        self.window_call(w, &args, "", Op::MethodDyn, Op::MethodDynSpread, d)
    }

    /// `name` is `None` for the constructor.
    pub(super) fn super_(&mut self, self_: E<'a>, class: E<'a>, name: Option<&str>, args: Args<'a>, d: Dest) -> Res {
        let w = self.window(d)?;
        let r = self.alloc(1)?;
        self.expr(class, Dest::Reg(w))?;
        self.expr(self_, Dest::Reg(r))?;
        match name {
            Some(n) => self.window_call(w, &args, n, Op::Super, Op::SuperSpread, d),
            None => self.window_call(w, &args, "ctor", Op::SuperCtor, Op::SuperCtorSpread, d),
        }
    }

    pub(super) fn new_(&mut self, class: E<'a>, args: Args<'a>, d: Dest) -> Res {
        let w = self.window(d)?;
        self.expr(class, Dest::Reg(w))?;
        self.alloc(1)?;
        self.window_call(w, &args, "ctor", Op::New, Op::NewSpread, d)
    }

    /// The window is filled up to the receiver; arguments and the instruction follow.
    fn window_call(&mut self, w: Reg, args: &Args<'a>, name: &str, plain: Op, spread: Op, d: Dest) -> Res {
        let c = Self::result(d, w);
        match self.pass(args)? {
            Passed::Plain(n, kw) => {
                let x = self.site(name, kw);
                self.emit(plain, w, n, c, x);
            }
            Passed::Spread => {
                let x = self.site(name, Vec::new());
                self.emit(spread, w, 0, c, x);
            }
        }
        self.called(d, w);
        Ok(())
    }

    pub(super) fn spawn(&mut self, callee: E<'a>, args: Args<'a>, d: Dest) -> Res {
        let w = self.window(d)?;
        self.expr(callee, Dest::Reg(w))?;
        let c = Self::result(d, w);
        match self.pass(&args)? {
            Passed::Plain(n, kw) => {
                let x = if kw.is_empty() { -1 } else { self.k_names(kw) };
                self.emit(Op::Spawn, w, n, c, x);
            }
            Passed::Spread => self.emit(Op::SpawnSpread, w, 0, c, 0),
        }
        self.called(d, w);
        Ok(())
    }

    pub(super) fn await_(&mut self, values: &'a [E<'a>], listed: bool, timeout: Option<E<'a>>, d: Dest) -> Res {
        let r = self.target(d)?;
        let t = match timeout {
            Some(t) if values.iter().any(|v| !matches!(v.kind, ExprKind::Var(_) | ExprKind::Const(_))) => {
                self.temp(t)?
            }
            Some(t) => self.operand(t)?,
            None => 0,
        };
        let x = timeout.is_some() as i32;
        if let [v] = values {
            let s = self.operand(v)?;
            self.emit(if listed { Op::AwaitAll } else { Op::Await }, r, s, t, x);
        } else {
            let list = self.alloc(1)?;
            self.build_values(list, values)?;
            self.emit(Op::AwaitAll, r, list, t, x);
        }
        self.finish(d, r);
        Ok(())
    }

    pub(super) fn yield_star(&mut self, v: E<'a>, d: Dest) -> Res {
        let r = self.early_target(d)?;
        let w = self.alloc(3)?;
        let (sent, exception) = (self.alloc(1)?, self.alloc(1)?);
        let s = self.operand(v)?;
        self.emit(Op::IterInit, w, s, 0, 0);
        self.load_nil(sent);
        let (again, ended) = (self.label(), self.label());
        self.bind(again);
        self.jump(Op::YieldStar, r, w, sent, ended);
        // Closing this generator closes the inner one.
        self.guard(super::unwind::GuardKind::Iterator(w));
        self.emit(Op::Yield, sent, r, 0, 0);
        self.jump(Op::Loop, 0, 0, 0, again);
        self.close_loop(w, exception);
        self.bind(ended);
        self.finish(d, r);
        Ok(())
    }
}
