//! What the code generator can prove of values, so that checks of annotations cost nothing.
//!
//! Unlike the static checker, which guesses on the side of silence, this may only say what is certain: an annotated variable
//! holds values its type accepts, because every store is checked; arithmetic gives numbers or raises.
//!
//! One thing is taken on trust: a call by the name of a function of this module gives what that function promises. Whoever
//! replaces the function from outside (`(m/f = g)`) replaces the promise with it.
use super::Gen;
use crate::compile::hir::*;
use crate::syntax::form::FormKind;

/// A set of kinds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Kinds(u8);

impl Kinds {
    pub const NONE: Kinds = Kinds(0);
    pub const INT: Kinds = Kinds(1);
    pub const FLOAT: Kinds = Kinds(2);
    pub const BOOL: Kinds = Kinds(4);
    pub const STRING: Kinds = Kinds(8);
    pub const NIL: Kinds = Kinds(16);
    /// Anything else.
    pub const OTHER: Kinds = Kinds(32);
    pub const ALL: Kinds = Kinds(63);

    pub fn or(self, other: Kinds) -> Kinds {
        Kinds(self.0 | other.0)
    }
    pub fn within(self, other: Kinds) -> bool {
        self.0 & !other.0 == 0
    }
    fn without(self, other: Kinds) -> Kinds {
        Kinds(self.0 & !other.0)
    }
    fn is_number(self) -> bool {
        self.without(Kinds::NIL).within(Kinds::INT.or(Kinds::FLOAT))
    }
}

impl<'a> Gen<'_, '_, 'a> {
    /// Is every value of `e` accepted by `ty` as it is?
    pub(super) fn proves(&self, e: E<'a>, ty: Type<'a>) -> bool {
        ty.accepts_all() || self.kinds_of(e).within(self.accepted(ty))
    }

    /// Kinds that a place of the type takes for certain.
    fn accepted(&self, ty: Type<'a>) -> Kinds {
        let nil = if self.vm.options.strict_nil { Kinds::NONE } else { Kinds::NIL };
        self.type_kinds(ty, false).or(nil)
    }

    /// Kinds of the values that a place of the type may hold.
    fn held(&self, ty: Type<'a>) -> Kinds {
        let nil = if self.vm.options.strict_nil { Kinds::NONE } else { Kinds::NIL };
        self.type_kinds(ty, true).or(nil)
    }

    /// Kinds of a type's values: all that may be (`wide`), or only those all of which are.
    fn type_kinds(&self, ty: Type<'a>, wide: bool) -> Kinds {
        crate::stack::grow(|| match ty {
            Type::Any | Type::Param(_) => Kinds::ALL,
            Type::Nil => Kinds::NIL,
            Type::Number => Kinds::INT.or(Kinds::FLOAT),
            Type::Union(members) => members.iter().map(|m| self.type_kinds(*m, wide)).fold(Kinds::NONE, Kinds::or),
            Type::Named(NamedType { name, root: TypeRoot::Global(_), path: [], .. }) => match *name {
                "Int" => Kinds::INT,
                "Float" => Kinds::FLOAT,
                "Bool" => Kinds::BOOL,
                "String" => Kinds::STRING,
                "Object" => Kinds::ALL,
                _ if wide => Kinds::ALL,
                _ => Kinds::NONE,
            },
            _ if wide => Kinds::ALL,
            _ => Kinds::NONE,
        })
    }

    pub(super) fn kinds_of(&self, e: E<'a>) -> Kinds {
        // Long chains of operators lean to the left; what is deeper than this is not worth proving.
        self.kinds(e, 64)
    }

    fn kinds(&self, e: E<'a>, left: u32) -> Kinds {
        use ExprKind::*;
        let Some(left) = left.checked_sub(1) else { return Kinds::ALL };
        match e.kind {
            Const(form) => match form.kind {
                FormKind::Int(_) => Kinds::INT,
                FormKind::Float(_) => Kinds::FLOAT,
                FormKind::True | FormKind::False => Kinds::BOOL,
                FormKind::Str(_) => Kinds::STRING,
                FormKind::Nil => Kinds::NIL,
                _ => Kinds::OTHER,
            },
            Interp(_) => Kinds::STRING,
            Array { .. } | Map { .. } | HashMap { .. } | Fn(_) | Range { .. } => Kinds::OTHER,
            Not(_) | Chain { .. } => Kinds::BOOL,
            Var(VarRef::Local(v)) => self.variable(v),
            Var(VarRef::Captured(i)) => match self.f.func.captures.get(i as usize) {
                Some(Capture { cell: false, ty: Some(ty), .. }) => self.held(ty.ty),
                _ => Kinds::ALL,
            },
            Binary(op, a, b) => self.binary_kinds(op, a, b, left),
            Neg(a) => match self.kinds(a, left) {
                k if k.is_number() => k.without(Kinds::NIL),
                _ => Kinds::ALL,
            },
            Block(b) => b.body.last().map_or(Kinds::NIL, |last| self.kinds(last, left)),
            If { then, other, .. } => {
                self.kinds(then, left).or(other.map_or(Kinds::NIL, |other| self.kinds(other, left)))
            }
            Switch { arms, .. } => arms.iter().fold(Kinds::NONE, |all, arm| all.or(self.kinds(arm, left))),
            Throw(_) | ThrowNew { .. } | Return(_) | Break { .. } | Continue { .. } => Kinds::NONE,
            Call { callee, .. } => match self.known_callee(callee).and_then(|id| self.unit.funcs.get(id as usize)) {
                Some(func) if !func.generator && func.kind == FuncKind::Fn => {
                    func.ret.map_or(Kinds::ALL, |ret| self.held(ret.ty))
                }
                _ => Kinds::ALL,
            },
            _ => Kinds::ALL,
        }
    }

    fn binary_kinds(&self, op: BinOp, a: E<'a>, b: E<'a>, left: u32) -> Kinds {
        use BinOp::*;
        match op {
            Lt | Le | Gt | Ge | Eq | Ne | Is => return Kinds::BOOL,
            Concat => {
                let string = self.kinds(a, left).within(Kinds::STRING.or(Kinds::NIL));
                return if string { Kinds::STRING } else { Kinds::ALL };
            }
            Add | Sub | Mul | Div | Mod | Pow => {}
            _ => return Kinds::ALL,
        }
        // nil raises; so does everything that is no number, where the left operand is one (but a number times a Duration).
        let x = self.kinds(a, left);
        if !x.is_number() {
            return Kinds::ALL;
        }
        let y = self.kinds(b, left);
        let (x, y) = (x.without(Kinds::NIL), y.without(Kinds::NIL));
        if op == Mul && !y.is_number() {
            return Kinds::ALL;
        }
        match op {
            Div => Kinds::FLOAT,
            _ if x == Kinds::FLOAT || y == Kinds::FLOAT => Kinds::FLOAT,
            Pow => Kinds::INT.or(Kinds::FLOAT),
            _ if x == Kinds::INT && y == Kinds::INT => Kinds::INT,
            _ => Kinds::INT.or(Kinds::FLOAT),
        }
    }

    /// What a variable that only code seen here assigns holds.
    fn variable(&self, v: VarId) -> Kinds {
        let info = &self.f.func.vars[v as usize];
        if info.cell {
            return Kinds::ALL;
        }
        match info.ty {
            Some(ty) => self.held(ty.ty),
            None => self.f.kinds.get(&v).copied().unwrap_or(Kinds::ALL),
        }
    }

    /// Notes what a variable that nobody assigns later is bound to.
    pub(super) fn note_kinds(&mut self, v: VarRef, kinds: Kinds) {
        if let VarRef::Local(v) = v {
            let info = &self.f.func.vars[v as usize];
            if !info.cell && !info.assigned && info.ty.is_none() {
                self.f.kinds.insert(v, kinds);
            }
        }
    }

    /// The function of this module that a callee is the name of.
    pub(super) fn known_callee(&self, callee: E<'a>) -> Option<FuncId> {
        let ExprKind::Var(VarRef::Module(slot)) = callee.kind else { return None };
        let var = self.unit.module_vars.get(slot as usize)?;
        if !var.is_fn || self.unit.dynamic {
            return None;
        }
        self.hoisted.get(&slot).copied()
    }

    /// Do all ways out of the running function give what its result type accepts?
    pub(super) fn proves_result(&self, body: E<'a>, ty: Type<'a>) -> bool {
        let mut ends = vec![body];
        let mut todo = vec![body];
        while let Some(e) = todo.pop() {
            if let ExprKind::Return(value) = e.kind {
                match value {
                    Some(value) => ends.push(value),
                    None if !Kinds::NIL.within(self.accepted(ty)) => return false,
                    None => {}
                }
            }
            super::walk::children(e, &mut todo);
        }
        ends.into_iter().all(|e| self.proves_end(e, ty))
    }

    fn proves_end(&self, e: E<'a>, ty: Type<'a>) -> bool {
        let mut todo = vec![e];
        while let Some(e) = todo.pop() {
            match e.kind {
                // Variables declared inside are not known yet, but those of parameters are.
                ExprKind::Block(Block { body: [.., last], .. }) => todo.push(last),
                ExprKind::If { then, other, .. } => {
                    todo.push(then);
                    match other {
                        Some(other) => todo.push(other),
                        None if !Kinds::NIL.within(self.accepted(ty)) => return false,
                        None => {}
                    }
                }
                ExprKind::Switch { arms, .. } => todo.extend(arms),
                ExprKind::Case { arms, other, .. } => {
                    todo.extend(arms.iter().map(|arm| arm.body));
                    match other {
                        Some(other) => todo.push(other),
                        None if !Kinds::NIL.within(self.accepted(ty)) => return false,
                        None => {}
                    }
                }
                _ if self.proves(e, ty) => {}
                _ => return false,
            }
        }
        true
    }
}
