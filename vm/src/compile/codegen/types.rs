//! Types as the run time sees them, and the instructions that check.
use super::{Dest, Gen, Reg, Res};
use crate::bytecode::{Instr, Op};
use crate::compile::hir::*;
use crate::heap::Kind;
use crate::interp::types::{self, Basic};
use crate::value::Value;

impl<'a> Gen<'_, '_, 'a> {
    /// Checks and converts the value in `r`.
    pub(super) fn check_type(&mut self, r: Reg, ty: TypeRef<'a>) -> Res {
        self.check(r, ty, false)
    }

    /// The same for every element of the array in `r`.
    pub(super) fn check_elements(&mut self, r: Reg, ty: TypeRef<'a>) -> Res {
        self.check(r, ty, true)
    }

    fn check(&mut self, r: Reg, ty: TypeRef<'a>, elements: bool) -> Res {
        if ty.ty.accepts_all() {
            return Ok(());
        }
        let mut locals = Vec::new();
        let object = self.type_object(ty.ty, &mut locals);
        let place = self.vm.str(ty.place);
        if locals.is_empty() {
            let module_class = match ty.ty {
                Type::Named(NamedType { root: TypeRoot::Var(VarRef::Module(slot)), path: [], .. }) => {
                    self.cells.get(*slot as usize).copied()
                }
                _ => None,
            };
            let op = match ty.ty {
                _ if elements => Op::CheckTypes,
                _ if is_basic(ty.ty, "Int") => Op::CheckInt,
                _ if is_basic(ty.ty, "Float") => Op::CheckFloat,
                _ => Op::CheckType,
            };
            // The inline cache is named by 16 bits; without one, every check takes the long way.
            let cached = op == Op::CheckType && self.f.sites.len() <= i16::MAX as usize;
            let site = if cached { self.site("", Vec::new()) as i16 } else { -1 };
            let (low, high) = Self::imm16(site);
            if op == Op::CheckFloat {
                self.skip_check(r);
            }
            match module_class.filter(|_| cached) {
                Some(class) => {
                    let record = self.vm.heap.record(Kind::Record, 0, &[object, place]).value();
                    let x = self.k_pair(class, record);
                    self.emit(Op::CheckClass, r, low, high, x);
                }
                None => {
                    let x = self.k_record(&[object, place]);
                    self.emit(op, r, low, high, x);
                }
            }
            return Ok(());
        }
        let mark = self.f.top;
        let bound = self.bind_type(object, &locals)?;
        let x = self.k(place);
        self.emit(Op::CheckBound, r, bound, elements as Reg, x);
        self.release(mark);
        Ok(())
    }

    /// A check that stands directly behind the read of a member is passed over where it can be seen to hold.
    fn skip_check(&mut self, r: Reg) {
        if self.f.landing != self.pc()
            && let Some(last) = self.f.code.last_mut()
            && last.op() == Op::GetProp
            && last.a() == r as usize
        {
            *last = Instr::new(Op::GetPropFloat, r, last.b() as u8, last.c() as u8, last.x());
        }
    }

    /// A fresh register with the type `object`, its local names bound to what the variables hold.
    fn bind_type(&mut self, object: Value, locals: &[VarRef]) -> Res<Reg> {
        let base = self.alloc(locals.len().max(1))?;
        for (at, &var) in locals.iter().enumerate() {
            self.load_var_raw(var, base + at as Reg)?;
        }
        let x = self.k(object);
        self.emit(Op::BindType, base, base, locals.len() as Reg, x);
        self.release(base as usize + 1);
        Ok(base)
    }

    /// The annotation of a field: a constant, or a register that holds the type.
    pub(super) fn field_type(&mut self, ty: Type<'a>) -> Res<Result<Value, Reg>> {
        let mut locals = Vec::new();
        let object = self.type_object(ty, &mut locals);
        if locals.is_empty() { Ok(Ok(object)) } else { self.bind_type(object, &locals).map(Err) }
    }

    /// A type expression as a value; `generics` are the parameters of an alias.
    pub(super) fn type_value(&mut self, ty: Type<'a>, generics: &[&str], d: Dest) -> Res {
        let r = self.target(d)?;
        let mut locals = Vec::new();
        let generics: Vec<Value> = generics.iter().map(|name| self.sym(name)).collect();
        let generics =
            if generics.is_empty() { Value::NIL } else { self.vm.heap.record(Kind::Record, 0, &generics).value() };
        let object = self.type_object_with(ty, generics, &mut locals);
        let value = if locals.is_empty() { Ok(object) } else { self.bind_type(object, &locals).map(Err)? };
        match value {
            Ok(object) => self.load_const(r, object),
            Err(bound) => self.move_to(r, bound),
        }
        self.finish(d, r);
        Ok(())
    }

    /// See [`types`] for the layout. Names that live in registers or captures are added to `locals`.
    pub(super) fn type_object(&mut self, ty: Type<'a>, locals: &mut Vec<VarRef>) -> Value {
        self.type_object_with(ty, Value::NIL, locals)
    }

    fn type_object_with(&mut self, ty: Type<'a>, generics: Value, locals: &mut Vec<VarRef>) -> Value {
        let text = self.vm.str(&ty.to_string());
        let shape = self.type_shape(ty, locals);
        let module = Value::small(self.source.module as i64);
        self.vm.heap.record(Kind::TypeValue, 0, &[text, shape, module, Value::NIL, generics]).value()
    }

    fn type_shape(&mut self, ty: Type<'a>, locals: &mut Vec<VarRef>) -> Value {
        crate::stack::grow(|| match ty {
            Type::Any => Basic::Any.value(),
            Type::Nil => Basic::Nil.value(),
            Type::Void => Basic::Void.value(),
            Type::Number => Basic::Number.value(),
            Type::Fn(None) => Basic::Fn.value(),
            Type::Param(name) => {
                let name = self.sym(name);
                self.shape(types::PARAM, &[name])
            }
            Type::Union(members) => {
                let members: Vec<Value> = members.iter().map(|m| self.type_shape(*m, locals)).collect();
                self.shape(types::UNION, &members)
            }
            Type::Fn(Some(of)) => {
                let mut parts = vec![self.type_shape(of.ret, locals)];
                for param in of.params {
                    let (mark, ty) = match *param {
                        FnParam::One(ty) => (Value::NIL, ty),
                        FnParam::Rest(ty) => (Value::TRUE, ty),
                        FnParam::Keyword(name, ty) => (self.sym(name), ty),
                    };
                    let ty = self.type_shape(ty, locals);
                    parts.extend([mark, ty]);
                }
                self.shape(types::FN, &parts)
            }
            Type::Named(named) => {
                let root = self.type_root(named, locals);
                let base = if named.path.is_empty() {
                    root
                } else {
                    let mut parts = vec![root];
                    parts.extend(named.path.iter().map(|name| self.sym(name)));
                    self.shape(types::PATH, &parts)
                };
                if named.args.is_empty() {
                    return base;
                }
                let mut parts = vec![base];
                for arg in named.args {
                    let arg = self.type_shape(*arg, locals);
                    parts.push(arg);
                }
                self.shape(types::APPLIED, &parts)
            }
        })
    }

    fn type_root(&mut self, named: &NamedType<'a>, locals: &mut Vec<VarRef>) -> Value {
        match named.root {
            TypeRoot::Global(name) => {
                // Classes of the library can be meant at once.
                let s = self.vm.sym(name);
                match self.vm.globals.data().find(s).and_then(|m| m.plain()) {
                    Some(class) if self.vm.is_builtin_type(class) => class,
                    _ => self.sym(name),
                }
            }
            TypeRoot::Var(VarRef::Module(slot)) => match self.cells.get(slot as usize) {
                Some(&cell) => cell,
                None => self.sym(named.name),
            },
            TypeRoot::Var(var) => self.local_root(var, locals),
            TypeRoot::Member(ns, name) => {
                let root = match ns {
                    VarRef::Module(slot) => self.cells.get(slot as usize).copied().unwrap_or(Value::NIL),
                    var => self.local_root(var, locals),
                };
                let name = self.sym(name);
                self.shape(types::PATH, &[root, name])
            }
        }
    }

    fn local_root(&mut self, var: VarRef, locals: &mut Vec<VarRef>) -> Value {
        let at = locals.iter().position(|known| *known == var).unwrap_or_else(|| {
            locals.push(var);
            locals.len() - 1
        });
        self.shape(types::LOCAL, &[Value::small(at as i64)])
    }

    fn shape(&mut self, tag: i64, parts: &[Value]) -> Value {
        let mut items = vec![Value::small(tag)];
        items.extend_from_slice(parts);
        self.vm.heap.record(Kind::Record, 0, &items).value()
    }
}

/// Is it this class of the library?
pub(super) fn is_basic(ty: Type<'_>, name: &str) -> bool {
    matches!(ty, Type::Named(named) if named.name == name && matches!(named.root, TypeRoot::Global(_)))
}
