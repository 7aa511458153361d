//! Registers: parameters, then variables of the open blocks, then temporaries.
//!
//! Instructions name 250 registers. A frame may have more words: below its head live the variables of functions with very many,
//! and, while an expression nested very deeply is evaluated, the registers of those around it, moved by `SaveRegs` and `LoadRegs`.
//! They are below because the frames of callees stand above. The function makes room for them when it begins (`Op::Room`), and
//! gives it back before a tail call.
use super::unwind::GuardKind;
use super::{Dest, Gen, Reg, Res, walk};
use crate::bytecode::Op;
use crate::compile::hir::{E, ExprKind, FuncKind, VarId};
use crate::object::code::{FAR, Local};
use crate::value::{Sym, Value};

/// Registers that instructions may name.
pub(super) const MAX_REGS: usize = 250;
/// Variables are not given registers beyond this one: the others are for temporaries and call windows.
pub(super) const VAR_REGS: usize = 100;
/// Words a frame may have: 8 MB.
const MAX_WORDS: usize = 1_000_000;
/// With more registers in use than this an expression first saves temporaries, if they are at least so many.
const CROWDED: usize = 130;
const WORTH_SAVING: usize = 30;
/// What an expression may take for itself before it comes to the next one inside, beyond one register for each of these.
const ROOM: usize = 60;
/// Top-level variables of a module beyond this many live in constant cells: a module's body may declare any number.
const MODULE_LOCALS: usize = 120;

/// Where a local variable lives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// Its scope is not open.
    None,
    /// In a register; the register holds the cell when the variable is one.
    Reg(Reg),
    /// In that word of the frame, below the registers; the word holds the cell when the variable is one.
    Far(u32),
    /// In the cell that is this constant (only in module bodies, which run once).
    Cell(i32),
}

/// Variables whose registers have been moved to words of the frame.
struct MovedVars {
    vars: Vec<(VarId, Reg)>,
    /// Their entries among the named locals.
    locals: Vec<usize>,
    from: usize,
    words: usize,
}

impl<'a> Gen<'_, '_, 'a> {
    /// The next `n` registers.
    pub(super) fn alloc(&mut self, n: usize) -> Res<Reg> {
        let at = self.f.top;
        if at + n > MAX_REGS {
            return self.error("function needs too many registers");
        }
        self.f.top = at + n;
        self.f.nregs = self.f.nregs.max(self.f.top);
        Ok(at as Reg)
    }

    /// Gives back the registers from `mark` on.
    pub(super) fn release(&mut self, mark: usize) {
        for r in mark..self.f.top {
            self.f.holds_var[r] = false;
        }
        self.f.top = mark;
        while self.f.open_vars.last().is_some_and(|v| v.1 as usize >= mark) {
            self.f.open_vars.pop();
        }
        while let Some(&at) = self.f.open_locals.last()
            && self.f.locals[at].reg as usize >= mark
        {
            self.f.open_locals.pop();
            self.f.locals[at].end = self.f.code.len() as u32;
        }
    }

    /// Opens a variable: gives it a register (or, for the many of a big module, a cell).
    pub(super) fn open_var(&mut self, v: VarId) -> Res {
        let info = &self.f.func.vars[v as usize];
        if self.f.func.kind == FuncKind::Module && !info.cell && self.f.top >= MODULE_LOCALS {
            let cell = self.vm.heap.cell(Value::UNDEF).value();
            let x = self.k(cell);
            self.f.places[v as usize] = Place::Cell(x);
            return Ok(());
        }
        self.open_local(v)
    }

    /// As [`Gen::open_var`] for a variable that must not live in a cell of the constants.
    pub(super) fn open_local(&mut self, v: VarId) -> Res {
        if self.f.top < VAR_REGS {
            return self.open_var_reg(v).map(|_| ());
        }
        let word = self.alloc_far(1)?;
        self.f.places[v as usize] = Place::Far(word as u32);
        Ok(())
    }

    /// The next `n` words that are no registers.
    pub(super) fn alloc_far(&mut self, n: usize) -> Res<usize> {
        let at = self.f.far;
        if at + n > MAX_WORDS {
            return self.error("function has too many variables");
        }
        self.f.far = at + n;
        self.f.words = self.f.words.max(self.f.far - FAR);
        Ok(at)
    }

    /// Opens a variable that must have a register.
    pub(super) fn open_var_reg(&mut self, v: VarId) -> Res<Reg> {
        let r = self.alloc(1)?;
        self.place_var(v, r);
        Ok(r)
    }

    /// Variable `v` lives in register `r`.
    pub(super) fn place_var(&mut self, v: VarId, r: Reg) {
        self.f.places[v as usize] = Place::Reg(r);
        self.f.open_vars.push((v, r));
        self.f.holds_var[r as usize] = true;
        let name = self.f.func.vars[v as usize].name;
        if !name.is_empty() {
            let s: Sym = self.vm.sym(name);
            let start = self.f.code.len() as u32;
            self.f.open_locals.push(self.f.locals.len());
            self.f.locals.push(Local { reg: r, name: s, start, end: u32::MAX });
        }
    }

    /// Evaluates `e` with the temporaries in use saved, when they leave little room for its own. Nothing in `e` reads them, and
    /// control cannot leave it for a place that does: they were all made after the innermost loop or handler was opened.
    pub(super) fn crowded(&mut self, e: E<'a>, d: Dest) -> Option<Res> {
        let top = self.f.top;
        if top <= CROWDED || matches!(e.kind, ExprKind::Const(_) | ExprKind::Var(_) | ExprKind::Global(_)) {
            return None;
        }
        let vars = self.f.holds_var[..top].iter().rposition(|&v| v).map_or(0, |r| r + 1);
        let from = vars.max(self.f.floor);
        if top - from.min(top) >= WORTH_SAVING {
            return Some(self.with_saved(from, e, d));
        }
        let mut inside = Vec::new();
        walk::children(e, &mut inside);
        let base = self.f.base;
        let full = top + inside.len().min(super::call::MAX_ARGS) + ROOM > MAX_REGS;
        (full && top >= base.saturating_add(WORTH_SAVING)).then(|| self.with_moved(base, e, d))
    }

    fn with_saved(&mut self, from: usize, e: E<'a>, d: Dest) -> Res {
        let (top, far) = (self.f.top, self.f.far);
        let n = (top - from) as Reg;
        let words = self.alloc_far(top - from)?;
        self.emit(Op::SaveRegs, from as Reg, 0, n, words as i32);
        self.f.top = from;
        let r = self.alloc(1)?;
        self.expr(e, Dest::Reg(r))?;
        self.f.top = top;
        let value = self.alloc(1)?;
        self.move_to(value, r);
        self.emit(Op::LoadRegs, from as Reg, 0, n, words as i32);
        self.f.far = far;
        self.finish(d, value);
        Ok(())
    }

    /// Evaluates `e` with all registers from `from` on moved out of the way, those of variables, loops and handlers too. They are
    /// taken back whichever way `e` is left: a guard does it, as other guards close iterators. In tail position nothing but a jump
    /// to a loop outside ever needs them again.
    fn with_moved(&mut self, from: usize, e: E<'a>, d: Dest) -> Res {
        let (top, far, tail) = (self.f.top, self.f.far, d == Dest::Tail);
        if top >= MAX_REGS {
            return self.error("function needs too many registers");
        }
        let n = (top - from) as Reg;
        let words = self.alloc_far(top - from)?;
        self.f.nregs = self.f.nregs.max(top + 1);
        self.emit(Op::SaveRegs, from as Reg, 0, n, words as i32);
        let outside = self.move_vars(from, words);
        let held = self.f.holds_var;
        self.f.holds_var[from..].fill(false);
        self.f.top = from;
        self.guard(GuardKind::Moved { from: from as Reg, n, words, tail });

        let (r, inner) = match d {
            Dest::Reg(_) => (self.alloc(1)?, Dest::Reg(from as Reg)),
            _ => (0, d),
        };
        self.kind(e, inner)?;

        let (_, ranges) = self.unguard();
        self.f.holds_var = held;
        self.f.top = top;
        let value = self.alloc(1)?;
        if !tail {
            let end = self.label();
            if self.reachable() {
                if d != Dest::Effect {
                    self.move_to(value, r);
                }
                self.emit(Op::LoadRegs, from as Reg, 0, n, words as i32);
                self.jmp(end);
            }
            self.handler(&ranges, value, true);
            self.emit(Op::LoadRegs, from as Reg, 0, n, words as i32);
            self.emit(Op::Rethrow, value, 0, 0, 0);
            self.bind(end);
        }
        self.take_vars_back(outside);
        self.f.far = far;
        match d {
            Dest::Reg(_) => self.finish(d, value),
            Dest::Effect | Dest::Tail => {}
        }
        Ok(())
    }

    /// The open variables in registers from `from` on live in `words` now.
    fn move_vars(&mut self, from: usize, words: usize) -> MovedVars {
        let (moved, kept) = std::mem::take(&mut self.f.open_vars).into_iter().partition(|v| v.1 as usize >= from);
        self.f.open_vars = kept;
        let vars: Vec<(VarId, Reg)> = moved;
        for &(v, r) in &vars {
            if self.f.places[v as usize] == Place::Reg(r) {
                self.f.places[v as usize] = Place::Far((words + r as usize - from) as u32);
            }
        }
        let end = self.f.code.len() as u32;
        let open = std::mem::take(&mut self.f.open_locals);
        let (locals, kept): (Vec<_>, Vec<_>) = open.into_iter().partition(|&l| self.f.locals[l].reg as usize >= from);
        self.f.open_locals = kept;
        for &l in &locals {
            self.f.locals[l].end = end;
        }
        MovedVars { vars, locals, from, words }
    }

    fn take_vars_back(&mut self, moved: MovedVars) {
        for &(v, r) in &moved.vars {
            if self.f.places[v as usize] == Place::Far((moved.words + r as usize - moved.from) as u32) {
                self.f.places[v as usize] = Place::Reg(r);
            }
        }
        self.f.open_vars.extend(moved.vars);
        let start = self.f.code.len() as u32;
        for l in moved.locals {
            let Local { reg, name, .. } = self.f.locals[l];
            self.f.open_locals.push(self.f.locals.len());
            self.f.locals.push(Local { reg, name, start, end: u32::MAX });
        }
    }

    /// A register for a value on its way to `d`.
    pub(super) fn target(&mut self, d: Dest) -> Res<Reg> {
        match d {
            Dest::Reg(r) => Ok(r),
            Dest::Effect | Dest::Tail => self.alloc(1),
        }
    }

    /// As [`Gen::target`], for code that writes the register before it is finished: never a variable.
    pub(super) fn early_target(&mut self, d: Dest) -> Res<Reg> {
        match d {
            Dest::Reg(r) if !self.f.holds_var[r as usize] => Ok(r),
            _ => self.alloc(1),
        }
    }

    /// The value for `d` is in `r`.
    pub(super) fn finish(&mut self, d: Dest, r: Reg) {
        match d {
            Dest::Reg(to) => self.move_to(to, r),
            Dest::Effect => {}
            Dest::Tail => self.emit_return(r),
        }
    }

    /// Evaluates `e` into the fourth register of the window that will be opened next for `d`, with that window's registers
    /// still free for temporaries: a chain of calls takes no more registers than one call. Only for expressions that write
    /// their destination last. The window follows at once.
    pub(super) fn first_of_window(&mut self, e: E<'a>, d: Dest) -> Res {
        let top = self.f.top;
        let base = match d {
            Dest::Reg(r) if r as usize + 1 == top && !self.f.holds_var[r as usize] => r as usize,
            _ => top,
        };
        if base + 4 > MAX_REGS {
            return self.error("function needs too many registers");
        }
        self.f.top = base;
        let done = self.expr(e, Dest::Reg(base as Reg + 3));
        self.f.top = top;
        done
    }

    /// A register for a call window: the destination itself when it is the topmost temporary.
    pub(super) fn window(&mut self, d: Dest) -> Res<Reg> {
        match d {
            Dest::Reg(r) if r as usize + 1 == self.f.top && !self.f.holds_var[r as usize] => {
                self.alloc(2)?;
                Ok(r)
            }
            _ => self.alloc(3),
        }
    }
}
