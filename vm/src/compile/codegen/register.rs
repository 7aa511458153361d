//! Registers: parameters, then variables of the open blocks, then temporaries.
use super::{Dest, Gen, Reg, Res};
use crate::compile::hir::{E, FuncKind, VarId};
use crate::object::code::Local;
use crate::value::{Sym, Value};

/// Registers a frame may have.
pub(super) const MAX_REGS: usize = 250;
/// Top-level variables of a module beyond this many live in constant cells: a module's body may declare any number.
const MODULE_LOCALS: usize = 120;

/// Where a local variable lives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// Its scope is not open.
    None,
    /// In a register; the register holds the cell when the variable is one.
    Reg(Reg),
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
        let r = self.alloc(1)?;
        self.place_var(v, r);
        Ok(())
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
