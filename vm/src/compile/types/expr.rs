//! Expressions: what they give, and what is wrong inside them.

use super::inferred::Ty;
use super::program::member_functions;
use super::{Checker, Root};
use crate::compile::codegen::walk;
use crate::compile::hir::*;
use crate::syntax::form::{Form, FormKind};

impl<'a> Checker<'_, 'a> {
    pub(super) fn infer(&mut self, e: E<'a>) -> Ty<'a> {
        crate::stack::grow(|| self.infer_here(e))
    }

    fn infer_here(&mut self, e: E<'a>) -> Ty<'a> {
        use ExprKind::*;
        match e.kind {
            Const(form) => literal(&form),
            Regex(_) => Ty::lib("Regex"),
            Quote(form) => quoted(&form),
            Interp(_) => {
                self.inside(e);
                Ty::lib("String")
            }
            Var(var) => self.root(var).map_or(Ty::Any, |root| self.var_type(root)),
            Global(name) => self.global(name),
            Array { items, .. } => self.array(items),
            Map { .. } => {
                self.inside(e);
                Ty::lib("Map")
            }
            HashMap { .. } => {
                self.inside(e);
                Ty::lib("HashMap")
            }
            Gene { .. } => {
                self.inside(e);
                Ty::lib("Gene")
            }
            Fn(id) => {
                self.later(id);
                if self.unit.funcs[id as usize].kind == FuncKind::Macro { Ty::Any } else { Ty::Func(id) }
            }
            Block(block) => self.block(block),
            If { cond, then, other } => {
                let (yes, no) = self.condition(cond);
                let before = self.branch_start(&yes);
                let mut found = vec![self.infer(then)];
                self.branch_end(before);
                let before = self.branch_start(&no);
                found.push(other.map_or(Ty::Nil, |other| self.infer(other)));
                self.branch_end(before);
                Ty::union(found)
            }
            Switch { on, arms } => {
                self.infer(on);
                let mut found = Vec::with_capacity(arms.len());
                for arm in arms {
                    let before = self.branch_start(&[]);
                    found.push(self.infer(arm));
                    self.branch_end(before);
                }
                Ty::union(found)
            }
            And(a, b) | Amp(a, b) => self.logical(e, a, b, true),
            Or(a, b) | Bar(a, b) => self.logical(e, a, b, false),
            Not(_) => {
                self.inside(e);
                Ty::lib("Bool")
            }
            Loop { .. } | While { .. } | Repeat { .. } | For { .. } => self.looping(e),
            Break { .. } | Continue { .. } => {
                self.inside(e);
                Ty::Never
            }
            Throw(_) | ThrowNew { .. } => {
                self.inside(e);
                Ty::Never
            }
            Return(value) => {
                let func = &self.unit.funcs[self.func as usize];
                match (value, func.ret.filter(|_| !func.generator && func.kind != FuncKind::Ctor)) {
                    (Some(value), Some(ret)) => self.result(value, ret),
                    (Some(value), None) => {
                        self.infer(value);
                    }
                    (None, _) => {}
                }
                Ty::Never
            }
            Yield(value) => {
                let ret = self.unit.funcs[self.func as usize].ret;
                match (value, ret) {
                    (Some(value), Some(ret)) => self.result(value, ret),
                    (Some(value), None) => {
                        self.infer(value);
                    }
                    (None, _) => {}
                }
                Ty::Any
            }
            Case { subject, arms, other, .. } => self.case(subject, arms, other, None),
            Try { body, catches, finally, .. } => self.try_(body, catches, finally),
            Unwrap(value) => {
                let ty = self.infer(value);
                match ty {
                    Ty::Enum(super::program::RESULT | super::program::OPTION, args) => {
                        args.first().cloned().unwrap_or(Ty::Any)
                    }
                    Ty::Lib(..) | Ty::Class { .. } => ty,
                    _ => Ty::Any,
                }
            }
            Assert { .. } => {
                self.inside(e);
                Ty::Nil
            }
            Declare { var, value, ty } => self.declare(var, value, ty),
            DeclarePattern { value, .. } => {
                let ty = self.infer(value);
                self.patterns(e, value);
                ty
            }
            Assign { var, value } | AssignLogical { var, value, .. } => self.assign(var, value),
            Get { base, key } => self.get(base, key),
            Set { base, key, value } => self.set(base, key, value),
            NotNil(value) => self.infer(value).without_nil(),
            Binary(op, a, b) => self.binary(op, a, b),
            Neg(a) => self.negate(a),
            Chain { .. } => {
                self.inside(e);
                Ty::lib("Bool")
            }
            Range { .. } => {
                self.inside(e);
                Ty::lib("Range")
            }
            Call { callee, args } => self.call(callee, args),
            Method { recv, name, args } => self.method(e.span, recv, name, args),
            New { class, args } => self.new_(class, args),
            Class(class) => {
                self.members(class.members);
                self.inside(e);
                self.program.class_of(class).filter(|_| !class.object).map_or(Ty::Any, Ty::ClassObject)
            }
            Extend { members, .. } => {
                self.members(members);
                self.inside(e);
                Ty::Any
            }
            Enum(def) => self.program.enum_of(def).map_or(Ty::Any, Ty::EnumObject),
            Async { func, .. } => {
                self.later(func);
                Ty::Any
            }
            _ => {
                self.inside(e);
                Ty::Any
            }
        }
    }

    /// Walks the expressions directly inside `e`, for what is wrong there.
    fn inside(&mut self, e: E<'a>) {
        let mut children = Vec::new();
        walk::children(e, &mut children);
        for child in children {
            self.infer(child);
        }
    }

    /// The defaults in a pattern: everything inside `e` but `done`.
    fn patterns(&mut self, e: E<'a>, done: E<'a>) {
        let mut children = Vec::new();
        walk::children(e, &mut children);
        for child in children {
            if !std::ptr::eq(child, done) {
                self.infer(child);
            }
        }
    }

    fn members(&mut self, members: &'a [Member<'a>]) {
        let mut found = Vec::new();
        member_functions(members, &mut found);
        for id in found {
            self.later(id);
        }
    }

    fn block(&mut self, block: Block<'a>) -> Ty<'a> {
        for &(_, id) in block.hoisted {
            self.later(id);
        }
        let mut last = Ty::Nil;
        for e in block.body {
            last = self.infer(e);
        }
        last
    }

    fn array(&mut self, items: &'a [Arg<'a>]) -> Ty<'a> {
        let mut element = Vec::with_capacity(items.len());
        for item in items {
            element.push(match item {
                Arg::One(e) => self.infer(e),
                Arg::Spread(e) => {
                    self.infer(e);
                    Ty::Any
                }
            });
        }
        let element = if items.is_empty() { Ty::Any } else { Ty::union(element).settled() };
        Ty::Lib("Array", [element].into())
    }

    fn global(&self, name: &'a str) -> Ty<'a> {
        use super::program::{OPTION, RESULT};
        match name {
            "Ok" => Ty::Ctor(RESULT, 0),
            "Err" => Ty::Ctor(RESULT, 1),
            "Some" => Ty::Ctor(OPTION, 0),
            "None" => Ty::Enum(OPTION, [].into()),
            "Result" => Ty::EnumObject(RESULT),
            "Option" => Ty::EnumObject(OPTION),
            _ if (self.env.is_class)(name) => Ty::LibClass(name),
            _ => Ty::Any,
        }
    }

    /// Two operands of which the second is evaluated depending on the first.
    fn logical(&mut self, e: E<'a>, a: E<'a>, b: E<'a>, and: bool) -> Ty<'a> {
        let bits = matches!(e.kind, ExprKind::Amp(..) | ExprKind::Bar(..));
        let left = self.infer(a);
        let facts = self.facts(a, and);
        let before = self.branch_start(&facts);
        let right = self.infer(b);
        self.branch_end(before);
        match (left, right) {
            (l, r) if l.is_lib("Bool") && r.is_lib("Bool") => l,
            (l, r) if bits && l.is_lib("Int") && r.is_lib("Int") => l,
            _ => Ty::Any,
        }
    }

    fn looping(&mut self, e: E<'a>) -> Ty<'a> {
        let (first, body) = match e.kind {
            ExprKind::Loop { body, .. } => (None, body),
            ExprKind::While { cond, body, .. } => (Some(cond), body),
            ExprKind::Repeat { count, body, .. } => (Some(count), body),
            ExprKind::For { iter, body, .. } => (Some(iter), body),
            _ => return Ty::Any,
        };
        // What the body assigns is not known when it runs again.
        self.forget_assigned_in(e);
        let before = self.branch_start(&[]);
        match e.kind {
            ExprKind::While { cond, .. } => {
                let (yes, _) = self.condition(cond);
                self.narrow(&yes);
            }
            ExprKind::For { target, iter, awaiting, .. } => {
                let ty = self.infer(iter);
                if let (ForTarget::One(BindTarget::Var(var)), Ty::Lib("Array", args), false) = (target, ty, awaiting)
                    && let Some(element) = args.first()
                {
                    self.bind_type(var, element.clone());
                }
                self.patterns_of_target(target);
            }
            ExprKind::Repeat { count, var, .. } => {
                self.infer(count);
                if let Some(var) = var {
                    self.bind_type(VarRef::Local(var), Ty::lib("Int"));
                }
            }
            _ => debug_assert!(first.is_none()),
        }
        self.infer(body);
        self.branch_end(before);
        Ty::Any
    }

    fn patterns_of_target(&mut self, target: ForTarget<'a>) {
        let mut found = Vec::new();
        let targets = match target {
            ForTarget::One(t) => vec![t],
            ForTarget::Two(t, u) => vec![t, u],
        };
        for target in targets {
            if let BindTarget::Pattern(pat) = target {
                walk::bind_pattern(pat, &mut found);
            }
        }
        for e in found {
            self.infer(e);
        }
    }

    // --- results

    /// Checks the value of a body against the function's result, branch by branch.
    pub(super) fn result(&mut self, e: E<'a>, ret: TypeRef<'a>) {
        crate::stack::grow(|| match e.kind {
            ExprKind::Block(Block { hoisted, body: [before @ .., last], .. }) => {
                for &(_, id) in hoisted {
                    self.later(id);
                }
                for e in before {
                    self.infer(e);
                }
                self.result(last, ret);
            }
            ExprKind::If { cond, then, other } => {
                let (yes, no) = self.condition(cond);
                let before = self.branch_start(&yes);
                self.result(then, ret);
                self.branch_end(before);
                if let Some(other) = other {
                    let before = self.branch_start(&no);
                    self.result(other, ret);
                    self.branch_end(before);
                }
            }
            ExprKind::Switch { on, arms } => {
                self.infer(on);
                for arm in arms {
                    let before = self.branch_start(&[]);
                    self.result(arm, ret);
                    self.branch_end(before);
                }
            }
            ExprKind::Case { subject, arms, other, .. } => {
                self.case(subject, arms, other, Some(ret));
            }
            _ => {
                let got = self.infer(e);
                let expected = self.ty_of(self.func, ret.ty);
                self.expect(e.span, &expected, &ret.ty.to_string(), &got, ret.place);
            }
        })
    }

    // --- variables and members

    /// A variable without annotation gets its value.
    pub(super) fn bind_type(&mut self, var: VarRef, ty: Ty<'a>) {
        if let Some(root) = self.root(var)
            && self.is_stable(root)
            && self.annotation(root).is_none()
        {
            self.types.insert(root, ty.settled());
        }
    }

    fn declare(&mut self, var: VarRef, value: E<'a>, ty: Option<TypeRef<'a>>) -> Ty<'a> {
        let got = self.infer(value);
        match ty {
            Some(ty) => {
                let expected = self.ty_of(self.func, ty.ty);
                self.expect(value.span, &expected, &ty.ty.to_string(), &got, ty.place);
            }
            None => self.bind_type(var, got.clone()),
        }
        got
    }

    fn assign(&mut self, var: VarRef, value: E<'a>) -> Ty<'a> {
        let got = self.infer(value);
        if let Some(root) = self.root(var) {
            if let Some((func, ty)) = self.annotation(root) {
                let expected = self.ty_of(func, ty.ty);
                self.expect(value.span, &expected, &ty.ty.to_string(), &got, ty.place);
            }
            self.forget(root);
        }
        got
    }

    fn key(&mut self, key: Key<'a>) {
        if let Key::Dynamic(e) = key {
            self.infer(e);
        }
    }

    fn get(&mut self, base: E<'a>, key: Key<'a>) -> Ty<'a> {
        let base = self.infer(base);
        self.key(key);
        match (base, key) {
            (Ty::Class { id, .. }, Key::Name { name, .. }) => self.field_type(id, name).map_or(Ty::Any, |f| f.0),
            (Ty::EnumObject(id), Key::Name { name, .. }) => {
                let variants = &self.program.enums[id as usize].variants;
                match variants.iter().position(|v| v.name == name) {
                    Some(at) if variants[at].fields.is_some() => Ty::Ctor(id, at as u32),
                    Some(_) => Ty::Enum(id, [].into()),
                    None => Ty::Any,
                }
            }
            (Ty::Lib("Array", args), Key::Index(_)) => args.first().cloned().unwrap_or(Ty::Any),
            _ => Ty::Any,
        }
    }

    fn set(&mut self, base: E<'a>, key: Key<'a>, value: E<'a>) -> Ty<'a> {
        let base = self.infer(base);
        self.key(key);
        let got = self.infer(value);
        if let (Ty::Class { id, .. }, Key::Name { name, .. }) = (base, key)
            && let Some((expected, written)) = self.field_type(id, name)
        {
            self.expect(value.span, &expected, &written.to_string(), &got, &format!("field {name}"));
        }
        got
    }

    // --- exceptions

    fn try_(&mut self, body: E<'a>, catches: &'a [Catch<'a>], finally: Option<E<'a>>) -> Ty<'a> {
        let takes = |c: &Catch<'a>| match c.kind {
            CatchKind::All { .. } | CatchKind::Pattern(_) => true,
            CatchKind::Class { class, .. } => {
                !matches!(class.kind, ExprKind::Global(name) if !matches!(name, "TypeException" | "Exception"))
            }
            CatchKind::Really => false,
        };
        let outer = self.quiet;
        self.quiet |= catches.iter().any(takes);
        let before = self.branch_start(&[]);
        let mut found = vec![self.infer(body)];
        self.branch_end(before);
        self.quiet = outer;
        for c in catches {
            if let CatchKind::Class { class, bind } = c.kind {
                let ty = self.infer(class);
                if let (Some(var), Some(ty)) = (bind, self.instance_of(&ty)) {
                    self.bind_type(var, ty);
                }
            }
            let before = self.branch_start(&[]);
            found.push(self.infer(c.body));
            self.branch_end(before);
        }
        if let Some(finally) = finally {
            self.infer(finally);
        }
        Ty::union(found)
    }

    /// What a class or enum as a value says about its instances.
    pub(super) fn instance_of(&self, ty: &Ty<'a>) -> Option<Ty<'a>> {
        match *ty {
            Ty::ClassObject(id) => Some(Ty::Class { id, exact: false }),
            Ty::LibClass("Object") => None,
            Ty::LibClass(name) => Some(Ty::lib(name)),
            Ty::EnumObject(id) => Some(Ty::Enum(id, [].into())),
            _ => None,
        }
    }

    /// Takes note of what code that runs several times assigns.
    pub(super) fn forget_assigned_in(&mut self, e: E<'a>) {
        let mut todo = vec![e];
        while let Some(e) = todo.pop() {
            if let ExprKind::Assign { var, .. } | ExprKind::AssignLogical { var, .. } | ExprKind::Declare { var, .. } =
                e.kind
                && let Some(root) = self.root(var)
            {
                self.forget(root);
            }
            walk::children(e, &mut todo);
        }
    }
}

impl<'a> Checker<'_, 'a> {
    /// Begins code that may not run, in which the facts hold; gives what to restore after it.
    pub(super) fn branch_start(&mut self, facts: &[(Root, Ty<'a>)]) -> super::narrow::Before<'a> {
        let before = (self.narrowed.clone(), self.assigned.len());
        self.narrow(facts);
        before
    }

    /// What was known before, except of what has been assigned meanwhile.
    pub(super) fn branch_end(&mut self, (narrowed, assigned): super::narrow::Before<'a>) {
        self.narrowed = narrowed;
        for root in &self.assigned[assigned..] {
            self.narrowed.remove(root);
        }
    }
}

pub(super) fn literal<'a>(form: &Form<'a>) -> Ty<'a> {
    Ty::lib(match form.kind {
        FormKind::Nil => return Ty::Nil,
        FormKind::Void => return Ty::Void,
        FormKind::True | FormKind::False => "Bool",
        FormKind::Int(_) => "Int",
        FormKind::Float(_) => "Float",
        FormKind::Char(_) => "Char",
        FormKind::Str(_) => "String",
        FormKind::Bytes(_) => "Bytes",
        FormKind::Date(_) => "Date",
        FormKind::Time(_) => "Time",
        FormKind::DateTime(..) => "DateTime",
        FormKind::Duration(_) => "Duration",
        FormKind::Regex(_) => "Regex",
        _ => return Ty::Any,
    })
}

fn quoted<'a>(form: &Form<'a>) -> Ty<'a> {
    match form.kind {
        FormKind::Symbol(_) => Ty::lib("Symbol"),
        FormKind::Gene(_) => Ty::lib("Gene"),
        FormKind::Map { .. } => Ty::lib("Map"),
        FormKind::Array { .. } => Ty::lib("Array"),
        _ => literal(form),
    }
}
