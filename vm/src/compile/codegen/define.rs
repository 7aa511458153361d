//! Classes, enums, namespaces, imports.
use super::{Dest, Gen, Reg, Res};
use crate::bytecode::Op;
use crate::compile::hir::*;
use crate::heap::Kind;
use crate::value::Value;

impl<'a> Gen<'_, '_, 'a> {
    pub(super) fn class(&mut self, c: &'a ClassDef<'a>, d: Dest) -> Res {
        let cls = self.alloc(1)?;
        let has_parent = c.parent.is_some();
        let parent = match c.parent {
            Some(p) => self.operand(p)?,
            None => cls,
        };
        let name = self.sym(c.name);
        let intent = c.intent.map_or(Value::NIL, |t| self.vm.str(t));
        let x = self.k_record(&[name, Value::small(c.field_hint as i64), intent]);
        self.emit(Op::ClassNew, cls, parent, has_parent as Reg, x);
        self.release(cls as usize + 1);
        self.open_var_reg(c.class_var)?;
        self.bind_var(VarRef::Local(c.class_var), cls)?;
        self.members(cls, c.members)?;
        self.emit(Op::ClassDone, cls, 0, 0, 0);
        if c.object {
            let w = self.alloc(4)?;
            self.move_to(w, cls);
            let x = self.site("ctor", Vec::new());
            self.emit(Op::New, w, 0, cls, x);
        }
        self.finish(d, cls);
        Ok(())
    }

    pub(super) fn extend(&mut self, class: E<'a>, class_var: VarId, members: &'a [Member<'a>], d: Dest) -> Res {
        let cls = self.temp(class)?;
        self.emit(Op::ClassOpen, cls, 0, 0, 0);
        self.open_var_reg(class_var)?;
        self.bind_var(VarRef::Local(class_var), cls)?;
        self.members(cls, members)?;
        self.finish(d, cls);
        Ok(())
    }

    fn members(&mut self, cls: Reg, members: &'a [Member<'a>]) -> Res {
        for m in members {
            let mark = self.f.top;
            match *m {
                Member::Ctor(id) => {
                    let r = self.fresh_closure(id)?;
                    self.emit(Op::ClassCtor, cls, r, 0, 0);
                }
                Member::Method { name, func } => {
                    let r = self.fresh_closure(func)?;
                    let x = self.k_sym(name);
                    self.emit(Op::ClassMethod, cls, r, 0, x);
                }
                Member::Field { name, ty, default } => {
                    let r = self.alloc(2)?;
                    if let Some(id) = default {
                        self.closure_at(id, r)?;
                    }
                    let mut flags = default.is_some() as Reg;
                    let ty = match ty.filter(|ty| !ty.ty.accepts_all()) {
                        None => Value::NIL,
                        Some(ty) => match self.field_type(ty.ty)? {
                            Ok(ty) => ty,
                            Err(bound) => {
                                self.move_to(r + 1, bound);
                                flags |= 2;
                                Value::NIL
                            }
                        },
                    };
                    let name = self.sym(name);
                    let x = self.k_record(&[name, ty]);
                    self.emit(Op::ClassField, cls, r, flags, x);
                }
                Member::StaticFn { name, func } => {
                    let r = self.fresh_closure(func)?;
                    let x = self.k_sym(name);
                    self.emit(Op::ClassStatic, cls, r, 0, x);
                }
                Member::StaticValue { name, value } => {
                    let r = self.operand(value)?;
                    let x = self.k_sym(name);
                    self.emit(Op::ClassStatic, cls, r, 0, x);
                }
                Member::OnMissing(id) => {
                    let r = self.fresh_closure(id)?;
                    self.emit(Op::ClassMissing, cls, r, 0, 0);
                }
                Member::Implements(e) => {
                    let r = self.operand(e)?;
                    self.emit(Op::ClassImplements, cls, r, 0, 0);
                }
                Member::Other(e) => {
                    // Its variables belong to the class body.
                    self.open_declared(e)?;
                    let below = self.f.top;
                    self.expr(e, Dest::Effect)?;
                    self.release(below);
                    continue;
                }
            }
            self.release(mark);
        }
        Ok(())
    }

    fn fresh_closure(&mut self, id: FuncId) -> Res<Reg> {
        let r = self.alloc(1)?;
        self.closure_at(id, r)?;
        Ok(r)
    }

    fn closure_at(&mut self, id: FuncId, r: Reg) -> Res {
        let unit = self.unit;
        let span = self.f.span;
        if let Some(f) = unit.funcs.get(id as usize) {
            self.f.span = f.span;
        }
        self.closure(id, r)?;
        self.f.span = span;
        Ok(())
    }

    pub(super) fn interface(&mut self, def: &'a InterfaceDef<'a>, d: Dest) -> Res {
        let r = self.target(d)?;
        let name = self.sym(def.name);
        let methods: Vec<Value> = def.methods.iter().map(|m| self.sym(m)).collect();
        let fields: Vec<Value> = def.fields.iter().flat_map(|f| [self.sym(f.0), Value::bool(f.1)]).collect();
        let methods = self.vm.heap.record(Kind::Record, 0, &methods).value();
        let fields = self.vm.heap.record(Kind::Record, 0, &fields).value();
        let x = self.k_record(&[name, methods, fields]);
        self.emit(Op::InterfaceNew, r, 0, 0, x);
        self.finish(d, r);
        Ok(())
    }

    pub(super) fn implement(
        &mut self,
        interface: E<'a>,
        class: E<'a>,
        class_var: VarId,
        members: &'a [Member<'a>],
        d: Dest,
    ) -> Res {
        let cls = self.alloc(1)?;
        let mark = self.f.top;
        let interface = self.temp(interface)?;
        let class = self.operand(class)?;
        self.emit(Op::ImplementNew, cls, interface, class, 0);
        self.release(mark);
        self.open_var_reg(class_var)?;
        self.bind_var(VarRef::Local(class_var), cls)?;
        self.members(cls, members)?;
        self.emit(Op::ImplementDone, cls, 0, 0, 0);
        self.finish(d, cls);
        Ok(())
    }

    pub(super) fn enum_(&mut self, def: &'a EnumDef<'a>, d: Dest) -> Res {
        let r = self.target(d)?;
        let mark = self.f.top;
        // Types that know local names, in registers of their own.
        let bound = def.variants.iter().flat_map(|v| v.fields.unwrap_or_default()).filter_map(|f| f.ty);
        let bound: Vec<Type<'a>> = bound.map(|ty| ty.ty).collect();
        let mut types = Vec::with_capacity(bound.len());
        let mut registers = Vec::new();
        for ty in bound {
            types.push(match self.field_type(ty)? {
                _ if ty.accepts_all() => Value::NIL,
                Ok(object) => object,
                Err(r) => {
                    registers.push(r);
                    Value::small(registers.len() as i64 - 1)
                }
            });
        }
        let base = self.alloc(registers.len().max(1))?;
        for (at, from) in registers.iter().enumerate() {
            self.move_to(base + at as Reg, *from);
        }
        let mut types = types.into_iter();
        let mut items = vec![self.sym(def.name)];
        for v in def.variants {
            let name = self.sym(v.name);
            items.push(match v.fields {
                None => name,
                Some(fields) => {
                    let mut parts = vec![name];
                    for f in fields {
                        parts.push(self.sym(f.name));
                        parts.push(f.ty.and_then(|_| types.next()).unwrap_or(Value::NIL));
                    }
                    self.vm.heap.record(Kind::Record, 0, &parts).value()
                }
            });
        }
        let x = self.k_record(&items);
        self.emit(Op::EnumNew, r, base, registers.len() as Reg, x);
        self.release(mark);
        self.finish(d, r);
        Ok(())
    }

    pub(super) fn namespace(&mut self, n: &'a NsDef<'a>, d: Dest) -> Res {
        let ns = self.alloc(1)?;
        let w = self.alloc(2)?;
        match n.parent {
            Some(p) => self.expr(p, Dest::Reg(w))?,
            None => self.load_undef(w),
        }
        match n.existing {
            Some(v) => self.load_var_raw(v, w + 1)?,
            None => self.load_undef(w + 1),
        }
        let x = self.k_sym(n.name);
        self.emit(Op::NsNew, ns, w, 0, x);
        self.release(w as usize);
        self.open_var_reg(n.self_var)?;
        self.bind_var(VarRef::Local(n.self_var), ns)?;
        self.open_declared(n.body)?;
        self.expr(n.body, Dest::Effect)?;
        self.finish(d, ns);
        Ok(())
    }

    pub(super) fn import(&mut self, i: &'a Import<'a>, d: Dest) -> Res {
        let list = self.alloc(1)?;
        let mut items: Vec<Value> =
            [i.from, i.package, i.path].iter().map(|s| s.map_or(Value::NIL, |s| self.vm.str(s))).collect();
        for item in i.items {
            let path: Vec<Value> = item.path.iter().map(|p| self.sym(p)).collect();
            items.push(self.vm.heap.record(Kind::Record, 0, &path).value());
        }
        let x = self.k_record(&items);
        let span = std::mem::replace(&mut self.f.span, i.span);
        self.emit(Op::Import, list, 0, 0, x);
        self.f.span = span;
        for (n, item) in i.items.iter().enumerate() {
            if let Some(v) = item.target {
                let r = self.alloc(1)?;
                self.emit(Op::Item, r, list, 0, n as i32);
                self.bind_var(v, r)?;
                self.release(r as usize);
            }
        }
        self.nil(d)
    }
}
