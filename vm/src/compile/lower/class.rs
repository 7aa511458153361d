//! Classes, objects, `extend`.

use rustc_hash::FxHashSet;

use super::function::{self, FnSpec, has_flag, intent};
use super::scan::names_in;
use super::scope::{Declaration, NameKind};
use super::words::{is_macro_name, is_symbol, name_of, symbol, typed_name};
use super::{Lower, scope};
use crate::compile::hir::{Block, ClassDef, E, ExprKind, FuncId, FuncKind, Key, Member, Type, VarId, VarRef};
use crate::syntax::form::{Form, FormKind, GeneForm, PathPart, Prop, Span};

/// Whose members are being lowered.
pub(super) struct ClassBody<'a> {
    name: &'a str,
    var: VarId,
    kind: BodyKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum BodyKind {
    Class,
    /// Only methods and static members.
    Extend,
    /// `implement` outside of a class: only methods, fields and a constructor.
    Adapter,
}

impl BodyKind {
    /// What is wrong with a member of kind `word`, if anything.
    fn refuses(self, word: &str) -> Option<&'static str> {
        match self {
            BodyKind::Extend if !matches!(word, "method" | "static") => {
                Some("extend: only methods and static members are allowed")
            }
            BodyKind::Adapter if !matches!(word, "method" | "field" | "ctor" | "on_method_missing") => {
                Some("implement: only methods, fields and a constructor are allowed")
            }
            _ => None,
        }
    }
}

impl<'a> ClassBody<'a> {
    pub(super) fn adapter(name: &'a str, var: VarId) -> Self {
        ClassBody { name, var, kind: BodyKind::Adapter }
    }
}

impl<'a> Lower<'a, '_> {
    pub(super) fn class(&mut self, span: Span, gene: &'a GeneForm<'a>, object: bool) -> E<'a> {
        let word = if object { "object" } else { "class" };
        let [target, rest @ ..] = gene.children else {
            return self.error(span, format!("{word}: missing name"));
        };
        let full = match target.kind {
            FormKind::Path([.., PathPart::Name(name)]) => *name,
            _ => match name_of(target) {
                Some(name) => name,
                None => return self.error(target.span, format!("{word}: invalid name")),
            },
        };
        let (name, generics) = self.generic_head(full, target.span, false);
        // A member of something else: `(class geo/Box ...)`.
        let member = match target.kind {
            FormKind::Path(parts) if !self.defines_by_path(parts) => match self.path_target(target.span, parts) {
                Some((base, _)) => Some(base),
                None => return self.nil(span),
            },
            _ => None,
        };
        let exported = matches!(target.kind, FormKind::Path(_));
        let (parent, rest) = match rest {
            [less, parent, rest @ ..] if is_symbol(less, "<") => (Some(self.expr(parent)), rest),
            [less] if is_symbol(less, "<") => return self.error(less.span, format!("{word}: missing parent")),
            rest => (None, rest),
        };
        // `implements I J`: the interfaces are names.
        let (interfaces, rest) = match rest {
            [word, rest @ ..] if is_symbol(word, "implements") => {
                let names = |form: &Form<'a>| matches!(form.kind, FormKind::Symbol(_) | FormKind::Path(_));
                rest.split_at(rest.iter().position(|form| !names(form)).unwrap_or(rest.len()))
            }
            rest => rest.split_at(0),
        };
        let interfaces: Vec<E<'a>> = interfaces.iter().map(|form| self.expr(form)).collect();
        let declaration = Declaration { exported, ..Declaration::new(NameKind::Class) };

        let outer_generics = self.generics.len();
        self.generics.extend_from_slice(&generics);
        self.push_scope();
        let class_var = self.bind_hidden(scope::SELF);
        let body = ClassBody { name, var: class_var, kind: BodyKind::Class };
        let mut members: Vec<Member<'a>> = interfaces.into_iter().map(Member::Implements).collect();
        // The body may use the class by its name, which is bound only afterwards. Inside a block the name means the hidden
        // variable there. A module variable is bound first, if code that runs in the body needs it. (An object's name is bound
        // to the instance, which does not exist yet.)
        let named = !object && member.is_none();
        let top = self.scopes.iter().rev().nth(1).is_some_and(|scope| scope.module);
        if named && !top && !self.scan.assigned.contains(name) {
            self.bind_alias(name, class_var, NameKind::Class);
        }
        let early = named && top && rest.iter().any(|form| runs_in_body(form, name));
        if early {
            let class = self.var_at(span, VarRef::Local(class_var));
            let bound = self.outside(|lower| lower.declare_as(span, name, target.span, declaration, class));
            members.push(Member::Other(bound));
        }
        let hint = self.members(&body, rest, &mut members);
        let members = self.slice(&members);
        let stated_fields = self.stated_fields(gene.props);
        let cells = self.pop_scope();
        self.generics.truncate(outer_generics);

        let intent = intent(gene.props);
        let def = ClassDef { name, parent, class_var, members, field_hint: hint, object, intent, stated_fields };
        let value = self.e(span, ExprKind::Class(self.arena.alloc(def)));
        let value = self.with_cells(span, cells, value);
        match member {
            Some(base) => self.e(span, ExprKind::Set { base, key: Key::Name { name, fallback: None }, value }),
            None if early => value,
            None => self.declare_as(span, name, target.span, declaration, value),
        }
    }

    pub(super) fn extend(&mut self, span: Span, gene: &'a GeneForm<'a>) -> E<'a> {
        let [class, rest @ ..] = gene.children else {
            return self.error(span, "extend: missing class");
        };
        let name = match class.kind {
            FormKind::Path([.., PathPart::Name(name)]) => *name,
            _ => symbol(class).unwrap_or("?"),
        };
        let class = self.expr(class);
        self.push_scope();
        let class_var = self.bind_hidden(scope::SELF);
        let body = ClassBody { name, var: class_var, kind: BodyKind::Extend };
        let mut members = Vec::with_capacity(rest.len());
        self.members(&body, rest, &mut members);
        let members = self.slice(&members);
        let cells = self.pop_scope();
        let value = self.e(span, ExprKind::Extend { class, class_var, members });
        self.with_cells(span, cells, value)
    }

    /// `^fields {^n Type ...}`. What is no type there means nothing.
    fn stated_fields(&mut self, props: &'a [Prop<'a>]) -> &'a [(&'a str, Type<'a>)] {
        let Some(FormKind::Map { entries, .. }) = props.iter().find(|prop| prop.key == "fields").map(|p| p.value.kind)
        else {
            return &[];
        };
        let before = self.errors.len();
        let fields: Vec<(&'a str, Type<'a>)> = entries.iter().map(|e| (e.key, self.whole_type(&e.value))).collect();
        self.errors.truncate(before);
        self.slice(&fields)
    }

    /// A body's scope is no block of its own: what it needs at entry is made just before.
    pub(super) fn with_cells(&mut self, span: Span, cells: &'a [VarId], value: E<'a>) -> E<'a> {
        if cells.is_empty() {
            return value;
        }
        let body = self.slice(&[value]);
        self.e(span, ExprKind::Block(Block { cells, hoisted: &[], body }))
    }

    /// Lowers the members in the innermost scope; gives the number of fields the constructor assigns.
    pub(super) fn members(
        &mut self,
        class: &ClassBody<'a>,
        forms: &'a [Form<'a>],
        members: &mut Vec<Member<'a>>,
    ) -> u32 {
        let forms = self.opened(forms);
        self.predeclare(forms);
        let mut fields = FxHashSet::default();
        // Functions of the body can be called before their definition, as in any block.
        let definitions = if class.kind == BodyKind::Class { self.plan(forms) } else { Vec::new() };
        for (index, form) in forms.iter().enumerate() {
            let before = self.bind_planned(&definitions, index, forms);
            members.extend(before.into_iter().map(Member::Other));
            if !definitions.iter().any(|definition| definition.index == index) {
                self.add_members(class, std::slice::from_ref(form), members, &mut fields);
            }
        }
        fields.len() as u32
    }

    fn add_members(
        &mut self,
        class: &ClassBody<'a>,
        forms: &'a [Form<'a>],
        members: &mut Vec<Member<'a>>,
        fields: &mut FxHashSet<&'a str>,
    ) {
        for form in forms {
            let gene = match form.kind {
                FormKind::Gene(gene) if !gene.frozen => gene,
                _ => {
                    members.push(self.other_member(class, form));
                    continue;
                }
            };
            let word = gene.head.as_ref().and_then(symbol).unwrap_or_default();
            if let Some(message) = class.kind.refuses(word) {
                self.error(form.span, message);
                continue;
            }
            let member = match word {
                // `(implement I members...)`: members of the class, which satisfies I itself.
                "implement" if !gene.children.get(1).is_some_and(|child| is_symbol(child, "for")) => {
                    let [interface, rest @ ..] = gene.children else {
                        self.error(form.span, "implement: missing interface");
                        continue;
                    };
                    members.push(Member::Implements(self.expr(interface)));
                    self.add_members(class, rest, members, fields);
                    None
                }
                "ctor" => {
                    assigned_fields(form, fields);
                    self.method_member(class, form, gene, FuncKind::Ctor, Some("ctor"), gene.children).map(Member::Ctor)
                }
                "ctor!" => {
                    self.error(form.span, "macro-like methods are not supported");
                    None
                }
                "method" => self.method(class, form, gene),
                "field" => {
                    let field = self.field(class, form, gene);
                    if let Some(Member::Field { name, .. }) = field {
                        fields.insert(name);
                    }
                    field
                }
                "static" => self.static_(class, form, gene),
                "on_method_missing" => {
                    let name = Some("on_method_missing");
                    let func = self.method_member(class, form, gene, FuncKind::Method, name, gene.children);
                    func.map(Member::OnMissing)
                }
                _ => Some(self.other_member(class, form)),
            };
            members.extend(member);
        }
    }

    fn other_member(&mut self, class: &ClassBody<'a>, form: &'a Form<'a>) -> Member<'a> {
        if let Some(message) = class.kind.refuses("") {
            return Member::Other(self.error(form.span, message));
        }
        Member::Other(self.expr(form))
    }

    fn method(&mut self, class: &ClassBody<'a>, form: &'a Form<'a>, gene: &'a GeneForm<'a>) -> Option<Member<'a>> {
        let [target, rest @ ..] = gene.children else {
            self.error(form.span, "method: missing name");
            return None;
        };
        let full = match target.kind {
            FormKind::Str(name) => name,
            // Operators that read as the beginning of something else.
            FormKind::Path(_) => {
                self.error(target.span, "method: invalid name");
                return None;
            }
            _ => match name_of(target) {
                Some(name) => name,
                None => {
                    self.error(target.span, "method: invalid name");
                    return None;
                }
            },
        };
        let (name, generics) = match target.kind {
            FormKind::Str(_) => (full, Vec::new()),
            _ => self.generic_head(full, target.span, false),
        };
        if is_macro_name(name) {
            self.error(target.span, "macro-like methods are not supported");
            return None;
        }
        let outer_generics = self.generics.len();
        self.generics.extend(generics);
        let func = self.method_member(class, form, gene, FuncKind::Method, Some(name), rest);
        self.generics.truncate(outer_generics);
        func.map(|func| Member::Method { name, func })
    }

    /// A function with `self`; `forms` begin with the parameter list. `name` is `None` for static functions, which know no
    /// `super`.
    fn method_member(
        &mut self,
        class: &ClassBody<'a>,
        form: &'a Form<'a>,
        gene: &'a GeneForm<'a>,
        kind: FuncKind,
        name: Option<&'a str>,
        forms: &'a [Form<'a>],
    ) -> Option<FuncId> {
        let word = gene.head.as_ref().and_then(symbol).unwrap_or("method");
        self.check_props(gene, word, super::properties::FUNCTION);
        let signature = self.signature(form.span, word, forms)?;
        let name = name?;
        let full_name = self.text(&format!("{}.{name}", class.name));
        Some(self.function(FnSpec {
            span: form.span,
            name: Some(name),
            full_name,
            kind,
            generator: function::is_generator_name(name) || has_flag(gene.props, "generator"),
            is_async: has_flag(gene.props, "async"),
            named: true,
            class: (word != "static").then_some(class.var),
            generics: Vec::new(),
            params: signature.params,
            ret: signature.ret,
            props: gene.props,
            body: signature.body,
        }))
    }

    /// `(field x: T = e)`, `(field x T)`
    fn field(&mut self, class: &ClassBody<'a>, form: &'a Form<'a>, gene: &'a GeneForm<'a>) -> Option<Member<'a>> {
        self.check_props(gene, "field", &[]);
        let (name, rest) = match gene.children {
            [target, rest @ ..] => (name_of(target), rest),
            [] => (None, &[][..]),
        };
        let Some(full) = name else {
            self.error(form.span, "field: missing name");
            return None;
        };
        let name = typed_name(full).unwrap_or(full);
        let (ty, rest) = match rest {
            [ty, rest @ ..] if !is_symbol(ty, "=") => (Some(*ty), rest),
            rest => (None, rest),
        };
        let default = match rest {
            [] => None,
            [equals, default] if is_symbol(equals, "=") => Some(default),
            _ => {
                self.error(form.span, "Invalid field");
                return None;
            }
        };
        let ty = ty.map(|form| self.type_ref(form, &format!("field {name}")));
        let full_name = self.text(&format!("{}.{name}", class.name));
        let default = default.map(|default| self.thunk(default, full_name));
        Some(Member::Field { name, ty, default })
    }

    /// `(static name [..] ..)`, `(static name = e)`
    fn static_(&mut self, class: &ClassBody<'a>, form: &'a Form<'a>, gene: &'a GeneForm<'a>) -> Option<Member<'a>> {
        let [target, rest @ ..] = gene.children else {
            self.error(form.span, "static: missing name");
            return None;
        };
        let Some(full) = name_of(target) else {
            self.error(target.span, "static: invalid name");
            return None;
        };
        let (name, generics) = self.generic_head(full, target.span, false);
        if is_macro_name(name) {
            self.error(target.span, "macro-like methods are not supported");
            return None;
        }
        match rest {
            [equals, value] if is_symbol(equals, "=") => {
                self.check_props(gene, "static", &[]);
                let value = self.expr(value);
                Some(Member::StaticValue { name, value })
            }
            _ => {
                let outer_generics = self.generics.len();
                self.generics.extend(generics);
                let func = self.method_member(class, form, gene, FuncKind::Method, Some(name), rest);
                self.generics.truncate(outer_generics);
                func.map(|func| Member::StaticFn { name, func })
            }
        }
    }
}

/// Whether the member runs while the class is made, and mentions `name`.
fn runs_in_body(form: &Form<'_>, name: &str) -> bool {
    if let FormKind::Gene(gene) = form.kind {
        let word = gene.head.as_ref().and_then(symbol).unwrap_or_default();
        if matches!(word, "ctor" | "method" | "field" | "on_method_missing") {
            return false;
        }
        if word == "implement" && !gene.children.get(1).is_some_and(|child| is_symbol(child, "for")) {
            return gene.children.iter().any(|member| runs_in_body(member, name));
        }
        if word == "static" && !gene.children.get(1).is_some_and(|child| is_symbol(child, "=")) {
            return false;
        }
    }
    let mut found = false;
    names_in(form, |other| found |= other == name);
    found
}

/// Collects the names assigned as `/x`.
fn assigned_fields<'a>(form: &'a Form<'a>, fields: &mut FxHashSet<&'a str>) {
    super::scan::walk(form, |form| {
        if let FormKind::Gene(gene) = form.kind
            && gene.children.first().is_some_and(|child| is_symbol(child, "="))
            && let Some(FormKind::Path([PathPart::SelfRef, PathPart::Name(name)])) = gene.head.map(|head| head.kind)
        {
            fields.insert(name);
        }
    });
}
