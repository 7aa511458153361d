//! One function: entry code, body, epilogue, and the finished [`Proto`].
use super::emit::{Label, Target};
use super::kinds::Kinds;
use super::register::{Place, VAR_REGS};
use super::unwind::{Guard, LoopState};
use super::{Dest, Gen, Reg, Res};
use crate::bytecode::{Instr, Op, Site};
use crate::compile::hir::*;
use crate::object::code::{FAR, Handler, Ic, Local, ParamInfo, Proto};
use crate::object::fiber::FRAME_HEAD;
use crate::object::function::NOT_SIMPLE;
use crate::syntax::form::Span;
use crate::value::{Sym, Value};
use rustc_hash::{FxHashMap, FxHashSet};

/// What is known about the function being compiled.
pub(super) struct State<'u, 'a> {
    pub func: &'u Func<'a>,
    pub code: Vec<Instr>,
    pub spans: Vec<(u32, Span)>,
    /// Position of the instructions being emitted.
    pub span: Span,
    pub consts: Vec<Value>,
    pub const_index: FxHashMap<u64, i32>,
    pub str_index: FxHashMap<&'a str, i32>,
    pub names_index: FxHashMap<Vec<Sym>, i32>,
    pub sites: Vec<Site>,
    pub labels: Vec<Target>,
    /// The last place that some jump or handler leads to.
    pub landing: u32,
    pub fixups: Vec<(u32, Label)>,
    /// First free register.
    pub top: usize,
    /// Words of the frame, registers and others.
    pub nregs: usize,
    /// Words of the frame that are no registers.
    pub words: usize,
    /// First free word behind the registers.
    pub far: usize,
    /// Registers below this one are read by places that jumps out of the running expression lead to: handlers, loops.
    pub floor: usize,
    /// Registers from this one on can be moved while a nested expression needs room: those below are the entry's.
    pub base: usize,
    /// Registers that belong to a variable: not to be written before the value is complete.
    pub holds_var: [bool; 256],
    /// Variables whose scope is open, with their registers, in order of opening.
    pub open_vars: Vec<(VarId, u8)>,
    pub places: Vec<Place>,
    /// Expressions that are known to declare nothing.
    pub bare: FxHashSet<*const Expr<'a>>,
    pub guards: Vec<Guard>,
    pub loops: Vec<LoopState>,
    pub handlers: Vec<Handler>,
    /// Ranges of bodies that do not see cancellation.
    pub cleanups: Vec<crate::object::code::Cleanup>,
    /// Handlers of generic loops, written behind the function's code: ranges, iterator state, exception register, position.
    pub closers: Vec<Closer>,
    /// Returning means storing here and jumping there.
    pub epilogue: Option<(Reg, Label)>,
    pub tail_calls: bool,
    pub locals: Vec<Local>,
    /// Those of `locals` that have their register still.
    pub open_locals: Vec<usize>,
    /// Captured values kept in registers: capture, register.
    pub loaded: Vec<(u32, Reg)>,
    /// Copies of parameters as bound, when postconditions have to show them.
    pub bound: Vec<(VarId, Reg)>,
    /// What variables that nobody assigns are bound to.
    pub kinds: FxHashMap<VarId, Kinds>,
    /// Where calls whose arguments are known to pass the checks begin.
    pub checked_entry: u32,
}

pub(super) struct Closer {
    pub ranges: Vec<(u32, u32)>,
    pub state: Reg,
    pub exception: Reg,
    pub span: Span,
    /// Handlers registered before this one was due: it must stand before those of the guards around it.
    pub at: usize,
}

impl<'u, 'a> State<'u, 'a> {
    pub fn new(func: &'u Func<'a>) -> State<'u, 'a> {
        State {
            func,
            code: Vec::new(),
            spans: Vec::new(),
            span: func.span,
            consts: Vec::new(),
            const_index: FxHashMap::default(),
            str_index: FxHashMap::default(),
            names_index: FxHashMap::default(),
            sites: Vec::new(),
            labels: Vec::new(),
            landing: u32::MAX,
            fixups: Vec::new(),
            top: 0,
            nregs: 0,
            words: 0,
            far: FAR,
            floor: 0,
            base: usize::MAX,
            holds_var: [false; 256],
            open_vars: Vec::new(),
            places: vec![Place::None; func.vars.len()],
            bare: FxHashSet::default(),
            guards: Vec::new(),
            loops: Vec::new(),
            handlers: Vec::new(),
            cleanups: Vec::new(),
            closers: Vec::new(),
            epilogue: None,
            tail_calls: false,
            locals: Vec::new(),
            open_locals: Vec::new(),
            loaded: Vec::new(),
            bound: Vec::new(),
            kinds: FxHashMap::default(),
            checked_entry: 0,
        }
    }
}

/// Captured values kept in registers, at most.
const MAX_LOADED: usize = 16;

fn has_self(f: &Func<'_>) -> bool {
    f.self_var.is_some() || matches!(f.kind, FuncKind::Method | FuncKind::Ctor | FuncKind::Thunk)
}

/// Takes one positional argument as it is; the type knows no local names.
pub(super) fn is_plain(p: &Param<'_>) -> bool {
    p.kind == ParamKind::Positional
        && p.default.is_none()
        && p.pat.is_none()
        && !p.ty.is_some_and(|ty| has_locals(ty.ty))
}

/// Does the type name variables of functions?
pub(super) fn has_locals(ty: Type<'_>) -> bool {
    let mut todo = vec![ty];
    while let Some(ty) = todo.pop() {
        match ty {
            Type::Union(members) => todo.extend(members),
            Type::Named(named) => {
                if let TypeRoot::Var(var) | TypeRoot::Member(var, _) = named.root
                    && !matches!(var, VarRef::Module(_))
                {
                    return true;
                }
                todo.extend(named.args);
            }
            Type::Fn(Some(of)) => {
                todo.push(of.ret);
                todo.extend(of.params.iter().map(|p| match *p {
                    FnParam::One(ty) | FnParam::Keyword(_, ty) | FnParam::Rest(ty) => ty,
                }));
            }
            _ => {}
        }
    }
    false
}

/// Parameters in register order: positional ones with the rest parameter in its place, keywords, keyword rest.
fn ordered<'a>(params: &'a [Param<'a>]) -> impl Iterator<Item = &'a Param<'a>> + Clone {
    let rank = |p: &Param<'_>| match p.kind {
        ParamKind::Positional | ParamKind::Rest => 0,
        ParamKind::Keyword => 1,
        ParamKind::KeywordRest => 2,
    };
    (0..3).flat_map(move |n| params.iter().filter(move |p| rank(p) == n))
}

impl<'u, 'a> Gen<'_, 'u, 'a> {
    /// Compiles function `id`; gives its code object. `captures` says what its closure takes from the function around.
    pub(super) fn function(&mut self, id: FuncId, captures: Vec<(bool, u32)>) -> Res<Value> {
        let unit: &'u Unit<'a> = self.unit;
        let Some(func) = unit.funcs.get(id as usize) else { return self.error("internal error: no such function") };
        let outer = std::mem::replace(&mut self.f, State::new(func));
        let made = crate::stack::grow(|| self.function_code(func));
        let state = std::mem::replace(&mut self.f, outer);
        made?;
        self.finish_proto(id, state, captures)
    }

    fn function_code(&mut self, func: &'u Func<'a>) -> Res {
        if func.captures.len() > u16::MAX as usize {
            return self.error("function captures too many variables");
        }
        let contracts = self.vm.options.contracts;
        let post = if contracts { func.post } else { &[] };
        let must_define =
            func.kind == FuncKind::Module && self.unit.module_vars.iter().any(|v| v.must_define.is_some());
        self.entry(func, !post.is_empty())?;
        let unchecked =
            |ret: TypeRef<'a>| func.generator || func.post.is_empty() && self.proves_result(func.body, ret.ty);
        let checked_return = func.ret.is_some_and(|ret| !unchecked(ret));
        if checked_return || !post.is_empty() || must_define {
            let r = self.alloc(1)?;
            let l = self.label();
            self.f.epilogue = Some((r, l));
        }
        if contracts {
            self.contracts(func.pre, false)?;
        }
        if func.generator {
            self.emit(Op::MakeGen, 0, 0, 0, 0);
        }
        self.f.tail_calls = self.f.epilogue.is_none()
            && !func.generator
            && matches!(func.kind, FuncKind::Fn | FuncKind::Macro | FuncKind::Method);
        self.f.base = self.f.top;
        match self.f.epilogue {
            Some((r, l)) => {
                self.expr(func.body, Dest::Reg(r))?;
                self.bind(l);
                self.f.epilogue = None;
                if let (Some(ty), true) = (func.ret, checked_return) {
                    self.check_type(r, ty)?;
                }
                if !post.is_empty() {
                    if let Some(v) = func.result_var {
                        self.bind_var(VarRef::Local(v), r)?;
                    }
                    self.contracts(post, true)?;
                }
                if must_define {
                    self.export_checks()?;
                }
                self.emit(Op::Ret, r, 0, 0, 0);
            }
            None if func.kind == FuncKind::Ctor => {
                self.expr(func.body, Dest::Effect)?;
                self.emit(Op::RetNil, 0, 0, 0, 0);
            }
            None => {
                self.expr(func.body, Dest::Tail)?;
                if self.reachable() {
                    self.emit(Op::RetNil, 0, 0, 0, 0);
                }
            }
        }
        self.write_closers();
        self.link();
        self.make_room();
        Ok(())
    }

    /// Registers of the parameters, then what happens to each of them in order: default, type, pattern, cell.
    fn entry(&mut self, func: &'u Func<'a>, keep_bound: bool) -> Res {
        if has_self(func) {
            let r = self.alloc(1)?;
            if let Some(v) = func.self_var {
                self.place_var(v, r);
            }
        }
        let params = func.params;
        let mut words: Vec<Option<VarId>> = ordered(params).map(|p| Some(p.var)).collect();
        if func.kind == FuncKind::Macro {
            words.push(func.env_var);
        }
        self.place_params(&words)?;
        // Checks that stand before everything else can be left out by calls that need none.
        let near = params.iter().all(|p| matches!(self.f.places[p.var as usize], Place::Reg(_)));
        let checks_first = near && params.iter().all(is_plain) && params.iter().any(|p| p.ty.is_some());
        if checks_first {
            for p in params {
                if let (Some(ty), Place::Reg(r)) = (p.ty, self.f.places[p.var as usize]) {
                    self.f.span = p.span;
                    self.check_type(r, ty)?;
                }
            }
            self.f.checked_entry = self.pc();
        }
        for v in [func.self_var, func.env_var].into_iter().flatten() {
            self.make_param_cell(v);
        }
        self.load_captures(func)?;
        // Until its own code has run, a parameter's register holds the bare argument.
        for p in ordered(params) {
            let mark = self.f.top;
            let (r, far) = match self.f.places[p.var as usize] {
                Place::Reg(r) => (r, None),
                Place::Far(word) => {
                    let r = self.alloc(1)?;
                    self.emit(Op::LoadRegs, r, 0, 1, word as i32);
                    (r, Some(word))
                }
                Place::Cell(_) | Place::None => continue,
            };
            self.f.span = p.span;
            if let Some(e) = p.default {
                let given = self.label();
                self.jump(Op::JmpNotUndef, r, 0, 0, given);
                self.expr(e, Dest::Reg(r))?;
                self.bind(given);
            }
            if let Some(ty) = p.ty.filter(|_| !checks_first) {
                if p.kind == ParamKind::Rest {
                    self.check_elements(r, ty)?;
                } else {
                    self.check_type(r, ty)?;
                }
            }
            if let Some(pat) = p.pat {
                self.open_pattern(pat)?;
                self.destructure(pat, r)?;
            }
            match far {
                None => self.make_param_cell(p.var),
                Some(word) => {
                    if func.vars[p.var as usize].cell {
                        self.emit(Op::MakeCell, r, 0, 0, 0);
                    }
                    self.emit(Op::SaveRegs, r, 0, 1, word as i32);
                    if p.pat.is_none() {
                        self.release(mark);
                    }
                }
            }
        }
        self.f.span = func.span;
        if keep_bound {
            for p in ordered(params) {
                let info = &func.vars[p.var as usize];
                if info.assigned {
                    let r = self.alloc(1)?;
                    self.load_var(VarRef::Local(p.var), r)?;
                    self.f.bound.push((p.var, r));
                }
            }
        }
        Ok(())
    }

    /// Where the parameters are: the first in registers, those beyond [`VAR_REGS`] in words.
    fn place_params(&mut self, words: &[Option<VarId>]) -> Res {
        let first = self.f.top;
        let near = words.len().min(VAR_REGS);
        for &v in &words[..near] {
            let r = self.alloc(1)?;
            if let Some(v) = v {
                self.place_var(v, r);
            }
        }
        let rest = &words[near..];
        if rest.is_empty() {
            return Ok(());
        }
        // The frame moves up by its words, so they begin where its head was, and the arguments stay where they arrived.
        let at = self.alloc_far(FRAME_HEAD + first + words.len())? + FRAME_HEAD + first + near;
        for (&v, word) in rest.iter().zip(at..) {
            if let Some(v) = v {
                self.f.places[v as usize] = Place::Far(word as u32);
            }
        }
        Ok(())
    }

    /// Captured values that loops read are taken into registers once.
    fn load_captures(&mut self, func: &'u Func<'a>) -> Res {
        if func.captures.is_empty() {
            return Ok(());
        }
        let read = super::walk::captures_in_loops(func.body);
        let near = |i: &u32| *i <= super::variable::NEAR_CAPTURES;
        for i in read
            .into_iter()
            .filter(near)
            .filter(|&i| func.captures.get(i as usize).is_some_and(|c| !c.cell))
            .take(MAX_LOADED)
        {
            let r = self.alloc(1)?;
            self.emit(Op::GetCap, r, i as Reg, 0, 0);
            self.f.holds_var[r as usize] = true;
            self.f.loaded.push((i, r));
        }
        Ok(())
    }

    fn make_param_cell(&mut self, v: VarId) {
        if self.f.func.vars[v as usize].cell
            && let Place::Reg(r) = self.f.places[v as usize]
        {
            self.emit(Op::MakeCell, r, 0, 0, 0);
        }
    }

    /// 9.8. Each condition that is false raises.
    fn contracts(&mut self, list: &'a [Contract<'a>], post: bool) -> Res {
        let func = self.f.func;
        let span = self.f.span;
        for (i, c) in list.iter().enumerate() {
            let mark = self.f.top;
            let ok = self.label();
            self.jump_if(c.cond, true, ok)?;
            self.f.span = c.cond.span;
            let mut items =
                vec![self.vm.str(func.full_name), Value::bool(post), Value::small(i as i64 + 1), self.vm.str(c.text)];
            let n = func.params.len();
            let base = self.alloc(n.max(1))?;
            for (j, p) in func.params.iter().enumerate() {
                items.push(self.sym(p.name));
                let r = base + j as Reg;
                match self.f.bound.iter().find(|b| post && b.0 == p.var) {
                    Some(&(_, from)) => self.move_to(r, from),
                    None => self.load_var(VarRef::Local(p.var), r)?,
                }
            }
            let result = match func.result_var {
                Some(v) if post => {
                    let r = self.alloc(1)?;
                    self.load_var(VarRef::Local(v), r)?;
                    r
                }
                _ => base,
            };
            let x = self.k_record(&items);
            self.emit(Op::Contract, base, result, n as Reg, x);
            self.bind(ok);
            self.f.span = span;
            self.release(mark);
        }
        Ok(())
    }

    /// Names exported by `(export x)` must be defined when the module ends.
    fn export_checks(&mut self) -> Res {
        let unit: &'u Unit<'a> = self.unit;
        for (i, v) in unit.module_vars.iter().enumerate() {
            let Some(span) = v.must_define else { continue };
            self.f.span = span;
            let mark = self.f.top;
            let r = self.alloc(1)?;
            self.load_var_raw(VarRef::Module(i as SlotId), r)?;
            let x = self.k_sym(v.name);
            self.emit(Op::ExportCheck, r, 0, 0, x);
            self.release(mark);
        }
        Ok(())
    }

    /// The handlers of unguarded generic loops (see [`Gen::close_loop`]), behind everything else; their table entries stand
    /// where they would if they had been written at the end of their loop.
    fn write_closers(&mut self) {
        let closers = std::mem::take(&mut self.f.closers);
        let mut shift = 0;
        for c in closers {
            self.f.span = c.span;
            let target = self.pc();
            for &(start, end) in &c.ranges {
                let h = Handler { start, end, target, reg: c.exception, all: true };
                self.f.handlers.insert(c.at + shift, h);
                shift += 1;
            }
            self.emit(Op::IterClose, c.state, 0, 0, 0);
            self.emit(Op::Rethrow, c.exception, 0, 0, 0);
        }
    }

    /// For a function that turned out to need words: moves its frame up when it begins and back down before tail calls, and says
    /// where the words are.
    fn make_room(&mut self) {
        let n = self.f.words as i32;
        if n == 0 {
            return;
        }
        let s = &mut self.f;
        for i in &mut s.code {
            if matches!(i.op(), Op::SaveRegs | Op::LoadRegs) {
                *i = i.with_x(i.x() - FAR as i32 - FRAME_HEAD as i32 - n);
            }
        }
        // Jumps are relative, so all of them bear an instruction more in front.
        s.code.insert(0, Instr::new(Op::Room, 0, 0, 0, n));
        let first = s.spans.first().map_or(s.func.span, |f| f.1);
        for at in &mut s.spans {
            at.0 += 1;
        }
        s.spans.insert(0, (0, first));
        for h in &mut s.handlers {
            (h.start, h.end, h.target) = (h.start + 1, h.end + 1, h.target + 1);
        }
        for c in &mut s.cleanups {
            (c.start, c.end) = (c.start + 1, c.end + 1);
        }
        for l in &mut s.locals {
            (l.start, l.end) = (l.start + 1, l.end.saturating_add(1));
        }
        s.checked_entry = 0;
        for pc in 0..s.code.len() {
            let i = s.code[pc];
            if matches!(i.op(), Op::TailCall | Op::TailMod | Op::TailMethod | Op::TailKw) {
                let at = s.code.len();
                let entry = s.spans.partition_point(|e| e.0 as usize <= pc) - 1;
                s.spans.push((at as u32, s.spans[entry].1));
                s.code.extend([Instr::new(Op::Unroom, 0, 0, 0, n), i]);
                s.code[pc] = Instr::new(Op::Jmp, 0, 0, 0, (at - pc - 1) as i32);
            }
        }
    }

    fn finish_proto(&mut self, id: FuncId, s: State<'u, 'a>, captures: Vec<(bool, u32)>) -> Res<Value> {
        let func = s.func;
        let simple = !func.generator
            && func.kind != FuncKind::Macro
            && func.params.iter().all(|p| p.kind == ParamKind::Positional && p.default.is_none() && p.pat.is_none());
        let mut info = ParamInfo::default();
        for p in ordered(func.params) {
            let name = self.vm.sym(p.name);
            info.names.push(name);
            match p.kind {
                ParamKind::Positional => info.positional.push(p.default.is_some()),
                ParamKind::Rest => info.rest = Some(info.positional.len()),
                ParamKind::Keyword => info.keywords.push((name, p.default.is_none())),
                ParamKind::KeywordRest => info.keyword_rest = true,
            }
        }
        let name = func.name.map(|n| self.vm.sym(n));
        let trace = match (func.kind, func.name) {
            (FuncKind::Module | FuncKind::Eval, _) => "<module>",
            (FuncKind::Ctor, None) => "ctor",
            (_, Some(n)) => n,
            (_, None) => "<fn>",
        };
        let trace_name = self.vm.sym(trace);
        let intent = func.intent.map(|t| self.vm.str(t));
        let examples = func.examples.map(|f| self.data(&f));
        let proto = Proto {
            code: s.code.into(),
            consts: s.consts.into(),
            ics: vec![Ic::default(); s.sites.len()].into(),
            sites: s.sites.into(),
            captures: captures.into(),
            nregs: (s.nregs + s.words) as u32,
            words: s.words as u32,
            simple_args: if simple { func.params.len() as u16 } else { NOT_SIMPLE },
            has_self: has_self(func),
            generator: func.generator,
            is_macro: func.kind == FuncKind::Macro,
            is_async: func.kind == FuncKind::Async,
            params: info,
            handlers: s.handlers.into(),
            cleanups: s.cleanups.into(),
            spans: s.spans.into(),
            name,
            trace_name,
            source: self.source.clone(),
            span: func.span,
            intent,
            examples,
            locals: s.locals.into(),
            hotness: 0,
            number: self.function_number(id),
            checked_entry: s.checked_entry,
        };
        if cfg!(debug_assertions)
            && let Err(m) = crate::compile::verify::verify(&proto)
        {
            let text = crate::bytecode::disassemble(&proto);
            return Err(crate::compile::error::CompileError::new(func.span, format!("internal error: {m}\n{text}")));
        }
        Ok(self.vm.heap.code(proto))
    }

    /// A closure of function `id` in `dst`.
    pub(super) fn closure(&mut self, id: FuncId, dst: Reg) -> Res {
        let unit: &'u Unit<'a> = self.unit;
        let Some(func) = unit.funcs.get(id as usize) else { return self.error("internal error: no such function") };
        let mark = self.f.top;
        let mut captures = Vec::with_capacity(func.captures.len());
        for c in &func.captures {
            captures.push(match c.source {
                CaptureSource::Captured(i) => (true, i),
                CaptureSource::Env(i) => (true, i),
                CaptureSource::Local(v) => match self.f.places[v as usize] {
                    Place::Reg(r) => (false, r as u32),
                    Place::Far(word) => (false, word),
                    Place::Cell(_) => {
                        let r = self.alloc(1)?;
                        self.load_var(VarRef::Local(v), r)?;
                        (false, r as u32)
                    }
                    Place::None => {
                        return self.error(format!("internal error: {} captured outside of its scope", c.name));
                    }
                },
            });
        }
        let code = self.function(id, captures)?;
        let x = self.k(code);
        self.emit(Op::Closure, dst, 0, 0, x);
        self.release(mark);
        Ok(())
    }
}
