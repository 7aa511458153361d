//! Calls: arguments against parameters, results, generic parameters, methods that do not exist.

use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::inferred::{ClassId, EnumId, Ty};
use super::program::{OPTION, Parent, RESULT};
use super::{Checker, library};
use crate::compile::hir::*;
use crate::syntax::form::Span;

/// What generic parameters stand for in one call.
type Bindings<'a> = FxHashMap<&'a str, Ty<'a>>;

/// Arguments by position and by name; `None`: spreads hide which is which.
struct Given<'a> {
    items: Option<Vec<(E<'a>, Ty<'a>)>>,
    props: Vec<(&'a str, E<'a>, Ty<'a>)>,
}

impl<'a> Checker<'_, 'a> {
    fn given(&mut self, args: Args<'a>) -> Given<'a> {
        let mut items = Some(Vec::with_capacity(args.items.len()));
        for item in args.items {
            match (*item, &mut items) {
                (Arg::One(e), Some(_)) => {
                    let ty = self.infer(e);
                    items.as_mut().map(|items| items.push((e, ty))).unwrap_or_default();
                }
                (Arg::One(e), None) => {
                    self.infer(e);
                }
                (Arg::Spread(e), _) => {
                    self.infer(e);
                    items = None;
                }
            }
        }
        let mut props = Vec::with_capacity(args.props.len());
        for prop in args.props {
            match *prop {
                PropArg::Key(name, e) => {
                    let ty = self.infer(e);
                    props.push((name, e, ty));
                }
                PropArg::Spread(e) => {
                    self.infer(e);
                }
            }
        }
        Given { items, props }
    }

    pub(super) fn call(&mut self, callee: E<'a>, args: Args<'a>) -> Ty<'a> {
        let of = self.infer(callee);
        let given = self.given(args);
        match of {
            Ty::Func(id) => {
                let name = self.unit.funcs[id as usize].name.unwrap_or("<fn>");
                self.apply(id, &given, name)
            }
            Ty::Callable(ret) => ret.substitute(&|_| None),
            Ty::Ctor(id, at) => self.construct(id, at as usize, &given),
            Ty::Enum(..) => of,
            _ => match callee.kind {
                ExprKind::Global(name) if !self.program.imports => library::function(name).unwrap_or(Ty::Any),
                _ => Ty::Any,
            },
        }
    }

    /// Checks the arguments of a call of `id`; gives its result.
    fn apply(&mut self, id: FuncId, given: &Given<'a>, label: &str) -> Ty<'a> {
        let unit = self.unit;
        let Some(func) = unit.funcs.get(id as usize) else { return Ty::Any };
        let place = format!("call of {label}");
        let mut bound = Bindings::default();
        for (param, e, ty) in pair(func.params, given) {
            if let Some(annotation) = param.ty {
                let declared = self.ty_of(id, annotation.ty);
                unify(&declared, ty, &mut bound);
                self.expect(e.span, &declared, &annotation.ty.to_string(), ty, &place);
            }
        }
        match func.ret {
            Some(_) if func.generator => Ty::lib("Generator"),
            Some(ret) => self.ty_of(id, ret.ty).substitute(&|name| bound.get(name).cloned()),
            None if func.generator => Ty::lib("Generator"),
            None => Ty::Any,
        }
    }

    /// Checks the payload of a variant.
    fn construct(&mut self, id: EnumId, at: usize, given: &Given<'a>) -> Ty<'a> {
        let info = &self.program.enums[id as usize];
        let variant = &info.variants[at];
        let (func, label) = (info.func, format!("call of {}/{}", info.name, variant.name));
        let generics = info.generics.clone();
        let fields = variant.fields.clone().unwrap_or_default();
        let mut bound = Bindings::default();
        let positional = given.items.iter().flatten().zip(&fields).map(|((e, ty), (_, field))| (*e, ty, *field));
        let named = given.props.iter().filter_map(|(name, e, ty)| {
            let (_, field) = fields.iter().find(|f| f.0 == *name)?;
            Some((*e, ty, *field))
        });
        for (e, ty, field) in positional.chain(named).collect::<Vec<_>>() {
            let declared = self.ty_of(func, field);
            unify(&declared, ty, &mut bound);
            self.expect(e.span, &declared, &field.to_string(), ty, &label);
        }
        let args = generics.iter().map(|name| bound.get(name).cloned().unwrap_or(Ty::Any));
        Ty::Enum(id, args.collect::<Vec<_>>().into())
    }

    pub(super) fn new_(&mut self, class: E<'a>, args: Args<'a>) -> Ty<'a> {
        let of = self.infer(class);
        let given = self.given(args);
        match of {
            Ty::ClassObject(id) => {
                let (chain, _) = self.chain(id);
                let ctor = chain.iter().find_map(|class| self.program.classes[*class as usize].ctor);
                if let Some(ctor) = ctor {
                    let name = self.program.classes[id as usize].name;
                    self.apply(ctor, &given, name);
                }
                Ty::Class { id, exact: true }
            }
            Ty::LibClass(name) => Ty::lib(name),
            _ => Ty::Any,
        }
    }

    // --- methods

    pub(super) fn method(&mut self, span: Span, recv: E<'a>, name: &'a str, args: Args<'a>) -> Ty<'a> {
        let of = self.infer(recv);
        let given = self.given(args);
        match &of {
            Ty::Class { id, exact } => self.class_method(span, *id, *exact, name, &given),
            Ty::Lib(class, elements) => self.library_method(span, class, elements, name),
            Ty::Enum(RESULT | OPTION, args) => match name {
                "unwrap" | "unwrap_or" => args.first().cloned().unwrap_or(Ty::Any),
                "ok?" | "err?" | "some?" | "none?" => Ty::lib("Bool"),
                _ => Ty::Any,
            },
            Ty::ClassObject(id) => {
                let (chain, _) = self.chain(*id);
                let found = chain.iter().find_map(|class| self.program.classes[*class as usize].statics.get(name));
                match found.copied().flatten() {
                    Some(func) => self.apply(func, &given, name),
                    None => Ty::Any,
                }
            }
            Ty::Nil => Ty::Nil,
            _ => Ty::Any,
        }
    }

    fn class_method(&mut self, span: Span, id: ClassId, exact: bool, name: &'a str, given: &Given<'a>) -> Ty<'a> {
        let (chain, end) = self.chain(id);
        let known = |class: &ClassId| &self.program.classes[*class as usize];
        let found = chain.iter().find_map(|class| known(class).methods.get(name)).copied();
        let closed = chain.iter().all(|class| !known(class).open) && !self.program.extends_unknown;
        // A subclass may have another method of that name.
        let certain = exact || !known(&id).subclassed && self.env.main;
        if let Some(func) = found {
            return if certain && closed { self.apply(func, given, name) } else { Ty::Any };
        }
        let object = (self.env.has_method)("Object", name) || self.program.extended.contains("Object");
        let field = self.program.dynamic_members || self.program.member_names.contains(name);
        let declared = chain.iter().any(|class| known(class).fields.contains_key(name));
        if certain && closed && end == Parent::Object && !object && !field && !declared && !self.unit.dynamic {
            let class = known(&id).name;
            self.report(span, format!("unknown method {name} on {class}"));
        }
        Ty::Any
    }

    fn library_method(&mut self, span: Span, class: &'a str, elements: &Rc<[Ty<'a>]>, name: &'a str) -> Ty<'a> {
        if (self.env.has_method)(class, name) {
            let replaced = self.program.extends_unknown || self.program.extended.contains(class);
            return match library::method(class, name) {
                Some(_) if replaced => Ty::Any,
                Some(library::Gives::Same) => Ty::Lib(class, elements.clone()),
                Some(library::Gives::Lib(name)) => Ty::lib(name),
                None => Ty::Any,
            };
        }
        // Other modules may have added methods.
        let closed = library::CLOSED.contains(&class)
            && self.env.main
            && !self.program.imports
            && !self.program.extends_unknown
            && !self.program.extended.contains(class)
            && !self.program.extended.contains("Object")
            && !self.unit.dynamic;
        if closed {
            self.report(span, format!("unknown method {name} on {class}"));
        }
        Ty::Any
    }
}

/// Which argument goes to which parameter (5.3).
fn pair<'p, 'a>(params: &'a [Param<'a>], given: &'p Given<'a>) -> Vec<(&'a Param<'a>, E<'a>, &'p Ty<'a>)> {
    let mut pairs = Vec::new();
    if let Some(items) = &given.items {
        let positional: Vec<&Param<'a>> = params.iter().filter(|p| p.kind == ParamKind::Positional).collect();
        let required = positional.iter().filter(|p| p.default.is_none()).count();
        let rest = params.iter().position(|p| p.kind == ParamKind::Rest);
        // Required parameters are served first, then optional ones from left to right; what is left goes to the rest.
        let mut optional = items.len().saturating_sub(required);
        let mut surplus = items.len().saturating_sub(positional.len());
        let mut next = items.iter();
        if items.len() >= required {
            for (at, param) in params.iter().enumerate() {
                match param.kind {
                    ParamKind::Positional => {
                        if param.default.is_some() {
                            if optional == 0 {
                                continue;
                            }
                            optional -= 1;
                        }
                        if let Some((e, ty)) = next.next() {
                            pairs.push((param, *e, ty));
                        }
                    }
                    ParamKind::Rest if rest == Some(at) => {
                        for _ in 0..std::mem::take(&mut surplus) {
                            if let Some((e, ty)) = next.next() {
                                pairs.push((param, *e, ty));
                            }
                        }
                    }
                    _ => {}
                }
            }
        }
    }
    for (name, e, ty) in &given.props {
        if let Some(param) = params.iter().find(|p| p.kind == ParamKind::Keyword && p.name == *name) {
            pairs.push((param, *e, ty));
        }
    }
    pairs
}

/// Notes what the parameters in `declared` stand for, given an argument of type `ty`.
fn unify<'a>(declared: &Ty<'a>, ty: &Ty<'a>, bound: &mut Bindings<'a>) {
    match (declared, ty) {
        (Ty::Param(name), ty) => {
            let all = bound.get(name).into_iter().chain([ty]).cloned();
            let all = Ty::union(all);
            bound.insert(name, all);
        }
        (Ty::Lib(a, xs), Ty::Lib(b, ys)) if a == b => xs.iter().zip(ys.iter()).for_each(|(x, y)| unify(x, y, bound)),
        (Ty::Enum(a, xs), Ty::Enum(b, ys)) if a == b => xs.iter().zip(ys.iter()).for_each(|(x, y)| unify(x, y, bound)),
        _ => {}
    }
}
