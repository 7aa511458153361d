//! Registers: parameters, then variables of the open blocks, then temporaries.
//!
//! Instructions name 250 registers. A frame may have more words: behind those that can be named live the variables of functions
//! with very many, and the temporaries of expressions nested very deeply, moved by `SaveRegs` and `LoadRegs`.
use super::{Dest, Gen, Reg, Res};
use crate::bytecode::Op;
use crate::compile::hir::{E, ExprKind, FuncKind, VarId};
use crate::value::{Sym, Value};

/// Registers that instructions may name.
pub(super) const MAX_REGS: usize = 250;
/// Variables are not given registers beyond this one: the others are for temporaries and call windows.
pub(super) const VAR_REGS: usize = 100;
/// First word of a frame that belongs to no register.
pub(super) const FAR: usize = 256;
/// Words a frame may have: captures name them with 16 bits.
const MAX_WORDS: usize = 60_000;
/// With more registers in use than this an expression first saves temporaries, if they are at least so many.
const CROWDED: usize = 130;
const WORTH_SAVING: usize = 30;
/// Top-level variables of a module beyond this many live in constant cells: a module's body may declare any number.
const MODULE_LOCALS: usize = 120;

/// Where a local variable lives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// Its scope is not open.
    None,
    /// In a register; the register holds the cell when the variable is one.
    Reg(Reg),
    /// In that word of the frame, behind the registers; the word holds the cell when the variable is one.
    Far(u16),
    /// In the cell that is this constant (only in module bodies, which run once).
    Cell(i32),
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
        self.f.places[v as usize] = Place::Far(word as u16);
        Ok(())
    }

    /// The next `n` words behind the registers.
    pub(super) fn alloc_far(&mut self, n: usize) -> Res<usize> {
        let at = self.f.far;
        if at + n > MAX_WORDS {
            return self.error("function needs too many registers");
        }
        self.f.far = at + n;
        self.f.nregs = self.f.nregs.max(self.f.far);
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
            self.f.locals.push((r, s));
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
        (top - from.min(top) >= WORTH_SAVING).then(|| self.with_saved(from, e, d))
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
