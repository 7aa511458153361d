//! Reading, binding and assigning variables.
use super::register::Place;
use super::{Dest, Gen, Reg, Res, walk};
use crate::bytecode::Op;
use crate::compile::hir::*;

/// Captures up to this one are named by an operand of one byte.
pub(super) const NEAR_CAPTURES: u32 = 250;

impl<'a> Gen<'_, '_, 'a> {
    fn place_of(&self, v: VarId) -> Res<Place> {
        match self.f.places[v as usize] {
            Place::None => {
                let name = self.f.func.vars[v as usize].name;
                self.error(format!("internal error: variable {name} used outside of its scope"))
            }
            p => Ok(p),
        }
    }

    fn is_cell(&self, v: VarId) -> bool {
        self.f.func.vars[v as usize].cell
    }

    /// The cell was made when the block was entered.
    pub(super) fn is_early(&self, v: VarId) -> bool {
        self.f.func.vars[v as usize].early
    }

    /// The register a variable can be used in without a move.
    pub(super) fn var_reg(&self, v: VarRef) -> Option<Reg> {
        match v {
            VarRef::Local(v) if !self.is_cell(v) => match self.f.places[v as usize] {
                Place::Reg(r) => Some(r),
                _ => None,
            },
            VarRef::Captured(i) => self.f.loaded.iter().find(|l| l.0 == i).map(|l| l.1),
            _ => None,
        }
    }

    pub(super) fn module_cell(&mut self, s: SlotId) -> Res<i32> {
        match self.cells.get(s as usize) {
            Some(&c) => Ok(self.k(c)),
            None => self.error("internal error: module variable without a cell"),
        }
    }

    pub(super) fn load_var(&mut self, v: VarRef, dst: Reg) -> Res {
        match v {
            VarRef::Local(v) => match self.place_of(v)? {
                Place::Reg(r) if !self.is_cell(v) => self.move_to(dst, r),
                Place::Reg(r) => {
                    let info = &self.f.func.vars[v as usize];
                    if info.checked {
                        let x = self.k_sym(info.name);
                        self.emit(Op::GetCellK, dst, r, 0, x);
                    } else {
                        self.emit(Op::GetCell, dst, r, 0, 0);
                    }
                }
                Place::Far(word) => {
                    self.emit(Op::LoadRegs, dst, 0, 1, word as i32);
                    let info = &self.f.func.vars[v as usize];
                    if info.cell && info.checked {
                        let x = self.k_sym(info.name);
                        self.emit(Op::GetCellK, dst, dst, 0, x);
                    } else if info.cell {
                        self.emit(Op::GetCell, dst, dst, 0, 0);
                    }
                }
                Place::Cell(x) => self.emit(Op::GetMod, dst, 0, 0, x),
                Place::None => {}
            },
            VarRef::Captured(i) => {
                if let Some(r) = self.var_reg(v) {
                    self.move_to(dst, r);
                    return Ok(());
                }
                let Some(c) = self.f.func.captures.get(i as usize) else {
                    return self.error("internal error: capture");
                };
                let (b, cell, checked, name) = (i as Reg, c.cell, c.checked, c.name);
                if i > NEAR_CAPTURES {
                    self.emit(Op::GetFarCap, dst, 0, 0, i as i32);
                    if cell && checked {
                        let x = self.k_sym(name);
                        self.emit(Op::GetCellK, dst, dst, 0, x);
                    } else if cell {
                        self.emit(Op::GetCell, dst, dst, 0, 0);
                    }
                } else if !cell {
                    self.emit(Op::GetCap, dst, b, 0, 0);
                } else if checked {
                    let x = self.k_sym(name);
                    self.emit(Op::GetCapCellK, dst, b, 0, x);
                } else {
                    self.emit(Op::GetCapCell, dst, b, 0, 0);
                }
            }
            VarRef::Module(s) => {
                let x = self.module_cell(s)?;
                self.emit(Op::GetMod, dst, 0, 0, x);
            }
        }
        Ok(())
    }

    /// As [`Gen::load_var`]; a variable that is not defined yet gives "undefined" instead of an exception.
    pub(super) fn load_var_raw(&mut self, v: VarRef, dst: Reg) -> Res {
        match v {
            VarRef::Local(l) => match self.place_of(l)? {
                Place::Reg(r) if self.is_cell(l) => self.emit(Op::GetCell, dst, r, 0, 0),
                Place::Far(word) if self.is_cell(l) => {
                    self.emit(Op::LoadRegs, dst, 0, 1, word as i32);
                    self.emit(Op::GetCell, dst, dst, 0, 0);
                }
                Place::Cell(x) => self.load_cell_const(dst, x),
                _ => self.load_var(v, dst)?,
            },
            VarRef::Captured(i) if self.f.func.captures.get(i as usize).is_some_and(|c| c.cell) => {
                if i > NEAR_CAPTURES {
                    self.emit(Op::GetFarCap, dst, 0, 0, i as i32);
                    self.emit(Op::GetCell, dst, dst, 0, 0);
                } else {
                    self.emit(Op::GetCapCell, dst, i as Reg, 0, 0);
                }
            }
            VarRef::Captured(_) => self.load_var(v, dst)?,
            VarRef::Module(s) => {
                let x = self.module_cell(s)?;
                self.load_cell_const(dst, x);
            }
        }
        Ok(())
    }

    fn load_cell_const(&mut self, dst: Reg, x: i32) {
        self.emit(Op::LoadK, dst, 0, 0, x);
        self.emit(Op::GetCell, dst, dst, 0, 0);
    }

    /// A declaration: the variable gets its value (and its cell).
    pub(super) fn bind_var(&mut self, v: VarRef, src: Reg) -> Res {
        let VarRef::Local(l) = v else { return self.store_var(v, src) };
        if self.f.places[l as usize] == Place::None {
            self.open_var(l)?;
        }
        match self.place_of(l)? {
            Place::Reg(r) if self.is_early(l) => self.emit(Op::SetCell, r, src, 0, 0),
            Place::Reg(r) => {
                self.move_to(r, src);
                if self.is_cell(l) {
                    self.emit(Op::MakeCell, r, 0, 0, 0);
                }
            }
            Place::Far(word) if self.is_cell(l) && !self.is_early(l) => {
                let t = self.alloc(1)?;
                self.move_to(t, src);
                self.emit(Op::MakeCell, t, 0, 0, 0);
                self.emit(Op::SaveRegs, t, 0, 1, word as i32);
                self.release(t as usize);
            }
            Place::Far(_) | Place::Cell(_) | Place::None => self.store_var(v, src)?,
        }
        Ok(())
    }

    /// Stores into a variable that is bound.
    fn store_var(&mut self, v: VarRef, src: Reg) -> Res {
        match v {
            VarRef::Local(v) => match self.place_of(v)? {
                Place::Reg(r) if self.is_cell(v) => self.emit(Op::SetCell, r, src, 0, 0),
                Place::Reg(r) => self.move_to(r, src),
                Place::Far(word) if self.is_cell(v) => {
                    let t = self.alloc(1)?;
                    self.emit(Op::LoadRegs, t, 0, 1, word as i32);
                    self.emit(Op::SetCell, t, src, 0, 0);
                    self.release(t as usize);
                }
                Place::Far(word) => self.emit(Op::SaveRegs, src, 0, 1, word as i32),
                Place::Cell(x) => self.emit(Op::SetMod, src, 0, 0, x),
                Place::None => {}
            },
            VarRef::Captured(i) if i > NEAR_CAPTURES => {
                let t = self.alloc(1)?;
                self.emit(Op::GetFarCap, t, 0, 0, i as i32);
                self.emit(Op::SetCell, t, src, 0, 0);
                self.release(t as usize);
            }
            VarRef::Captured(i) => self.emit(Op::SetCapCell, src, i as Reg, 0, 0),
            VarRef::Module(s) => {
                let x = self.module_cell(s)?;
                self.emit(Op::SetMod, src, 0, 0, x);
            }
        }
        Ok(())
    }

    /// The annotation of a variable.
    fn var_type(&self, v: VarRef) -> Option<TypeRef<'a>> {
        match v {
            VarRef::Local(v) => self.f.func.vars[v as usize].ty,
            // Local names in it would mean variables of the function where it stands.
            VarRef::Captured(i) => {
                let capture = self.f.func.captures.get(i as usize);
                capture.and_then(|c| c.ty).filter(|ty| !super::function::has_locals(ty.ty))
            }
            VarRef::Module(s) => self.unit.module_vars.get(s as usize).and_then(|v| v.ty),
        }
    }

    /// The register where a declared variable may be computed at once: a plain one, or one whose cell is made from it.
    fn declare_reg(&self, v: VarRef) -> Option<Reg> {
        let VarRef::Local(l) = v else { return None };
        match self.f.places[l as usize] {
            Place::Reg(r) if !self.is_early(l) => Some(r),
            _ => None,
        }
    }

    pub(super) fn declare(&mut self, v: VarRef, value: E<'a>, ty: Option<TypeRef<'a>>, d: Dest) -> Res {
        if let VarRef::Local(l) = v
            && self.f.places[l as usize] == Place::None
        {
            self.open_var(l)?;
        }
        let ty = ty.filter(|ty| !self.proves(value, ty.ty));
        let kinds = self.kinds_of(value);
        self.note_kinds(v, kinds);
        // A register that holds the cell of an earlier run must not be clobbered before the value is there; closures made
        // then keep the cell itself, so overwriting is fine. Within the value the new variable can't be seen.
        if let Some(r) = self.declare_reg(v) {
            self.expr_early(value, r)?;
            if let Some(ty) = ty {
                self.check_type(r, ty)?;
            }
            match d {
                Dest::Effect => {}
                Dest::Reg(to) => self.move_to(to, r),
                Dest::Tail => {
                    // The variable's scope ends here.
                    self.emit_return(r);
                    return Ok(());
                }
            }
            if let VarRef::Local(l) = v
                && self.is_cell(l)
            {
                self.emit(Op::MakeCell, r, 0, 0, 0);
            }
            return Ok(());
        }
        let t = if ty.is_some() {
            let t = self.alloc(1)?;
            self.expr(value, Dest::Reg(t))?;
            t
        } else {
            self.operand(value)?
        };
        if let Some(ty) = ty {
            self.check_type(t, ty)?;
        }
        self.bind_var(v, t)?;
        self.finish(d, t);
        Ok(())
    }

    /// Evaluates into `r`, which nothing reads meanwhile although it belongs to a variable.
    fn expr_early(&mut self, e: E<'a>, r: Reg) -> Res {
        let held = std::mem::replace(&mut self.f.holds_var[r as usize], false);
        let done = self.expr(e, Dest::Reg(r));
        self.f.holds_var[r as usize] = held;
        done
    }

    pub(super) fn assign(&mut self, v: VarRef, value: E<'a>, d: Dest) -> Res {
        let ty = self.var_type(v).filter(|ty| !self.proves(value, ty.ty));
        if let (Some(r), None) = (self.var_reg(v), ty) {
            if walk::writes_last(value) {
                self.expr(value, Dest::Reg(r))?;
            } else {
                let t = self.alloc(1)?;
                self.expr(value, Dest::Reg(t))?;
                self.move_to(r, t);
            }
            self.finish(d, r);
            return Ok(());
        }
        let t = if ty.is_some() {
            let t = self.alloc(1)?;
            self.expr(value, Dest::Reg(t))?;
            t
        } else {
            self.operand(value)?
        };
        if !walk::reads_first(value, v) {
            self.check_defined(v)?;
        }
        if let Some(ty) = ty {
            self.check_type(t, ty)?;
        }
        self.store_var(v, t)?;
        self.finish(d, t);
        Ok(())
    }

    /// A name must be bound before it can be assigned; only functions can come too early.
    fn check_defined(&mut self, v: VarRef) -> Res {
        let early = match v {
            VarRef::Local(l) => self.is_cell(l) && self.f.func.vars[l as usize].checked,
            VarRef::Captured(i) => self.f.func.captures.get(i as usize).is_some_and(|c| c.checked),
            VarRef::Module(_) => self.f.func.kind != FuncKind::Module,
        };
        if early {
            let t = self.alloc(1)?;
            self.load_var(v, t)?;
        }
        Ok(())
    }

    /// `x ||= e`, `x &&= e`.
    pub(super) fn assign_logical(&mut self, v: VarRef, value: E<'a>, or: bool, d: Dest) -> Res {
        let test = if or { Op::JmpT } else { Op::JmpF };
        let (end, ty) = (self.label(), self.var_type(v).filter(|ty| !self.proves(value, ty.ty)));
        if let (Some(r), None) = (self.var_reg(v), ty) {
            self.jump(test, r, 0, 0, end);
            if walk::writes_last(value) {
                self.expr(value, Dest::Reg(r))?;
            } else {
                let t = self.alloc(1)?;
                self.expr(value, Dest::Reg(t))?;
                self.move_to(r, t);
            }
            self.bind(end);
            self.finish(d, r);
            return Ok(());
        }
        let t = self.early_target(d)?;
        self.load_var(v, t)?;
        self.jump(test, t, 0, 0, end);
        self.expr(value, Dest::Reg(t))?;
        if let Some(ty) = ty {
            self.check_type(t, ty)?;
        }
        self.store_var(v, t)?;
        self.bind(end);
        self.finish(d, t);
        Ok(())
    }
}
