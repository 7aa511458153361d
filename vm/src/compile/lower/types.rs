//! Type expressions: annotations, `(type Name T)`, the right side of `is`.
//!
//! Aliases are expanded here, so what follows never sees one of this module by name; an imported one is a value like a class.

use super::Lower;
use super::enums::BUILTIN;
use super::scan::split_generics;
use super::scope::{Declaration, NameKind, Place, State, Target};
use super::words::{infix_op, is_symbol, name_of, rest_name, starts_upper, symbol};
use crate::compile::hir::{E, ExprKind, FnParam, FnType, Key, NamedType, Type, TypeRef, TypeRoot, VarRef};
use crate::syntax::form::{Form, FormKind, GeneForm, PathPart, Span};

/// A type has at most this many parts, aliases expanded.
const MAX_PARTS: u32 = 10_000;

/// A `(type Name T)` form.
pub(super) struct AliasInfo<'a> {
    name: &'a str,
    generics: Vec<&'a str>,
    form: Option<&'a Form<'a>>,
    /// It is being expanded: meeting it again means a cycle.
    open: bool,
}

impl<'a> Lower<'a, '_> {
    // --- aliases

    /// Takes note of an alias; errors are found when its form is lowered.
    pub(super) fn know_alias(&mut self, form: &'a Form<'a>) -> u32 {
        let mut info = AliasInfo { name: "?", generics: Vec::new(), form: None, open: false };
        if let FormKind::Gene(gene) = form.kind
            && let [target, ty] = gene.children
            && let Some(full) = target_name(target)
        {
            let (name, generics) = split_generics(full);
            info.name = name;
            info.generics = generics.into_iter().flat_map(|text| text.split(':')).collect();
            info.form = Some(ty);
        }
        self.aliases.push(info);
        self.aliases.len() as u32 - 1
    }

    /// `(type Name T)`
    pub(super) fn type_form(&mut self, form: &'a Form<'a>, gene: &'a GeneForm<'a>) -> E<'a> {
        let span = form.span;
        let target = match gene.children {
            [Form { kind: FormKind::Gene(_), .. }, ..] => {
                return self.error(span, "use enum to declare algebraic types");
            }
            [target, _] => target,
            [] => return self.error(span, "type: missing name"),
            children => return self.count_error(span, "type", "a name and a type", children.len()),
        };
        let Some(full) = target_name(target) else { return self.error(target.span, "type: invalid name") };
        let (name, _) = self.generic_head(full, target.span, false);
        let alias = match self.alias_named(name) {
            Some(alias) if self.aliases[alias as usize].form.is_some_and(|ty| ty.span == gene.children[1].span) => {
                alias
            }
            _ => self.know_alias(form),
        };
        self.type_parts = 0;
        let ty = self.expand(alias, &[], span, true);
        let generics = self.aliases[alias as usize].generics.clone();
        let generics = self.arena.alloc_slice_copy(&generics);
        let value = self.e(span, ExprKind::TypeValue(ty, generics));
        if let FormKind::Path(parts) = target.kind
            && !self.defines_by_path(parts)
        {
            let Some((base, _)) = self.path_target(target.span, parts) else { return self.nil(span) };
            return self.e(span, ExprKind::Set { base, key: Key::Name { name, fallback: None }, value });
        }
        let exported = matches!(target.kind, FormKind::Path(_));
        let declaration = Declaration { exported, ..Declaration::new(NameKind::Alias(alias)) };
        self.declare_as(span, name, target.span, declaration, value)
    }

    /// The alias that the name stands for here, declared or yet to come.
    fn alias_named(&self, name: &str) -> Option<u32> {
        match self.names.get(name)?.last()?.kind {
            NameKind::Alias(alias) => Some(alias),
            _ => None,
        }
    }

    /// The type behind an alias. Errors in it are reported where it is defined, not at every use.
    fn expand(&mut self, alias: u32, args: &'a [Type<'a>], span: Span, definition: bool) -> Type<'a> {
        if definition {
            self.defined_alias = Some(alias);
            self.alias_is_cyclic = false;
        }
        let info = &mut self.aliases[alias as usize];
        let Some(form) = info.form.filter(|_| !info.open) else {
            self.alias_is_cyclic |= info.open && self.defined_alias == Some(alias);
            return Type::Any;
        };
        info.open = true;
        let (name, own) = (info.name, info.generics.clone());
        let outer = std::mem::replace(&mut self.generics, own.clone());
        let before = self.errors.len();
        let ty = super::with_stack(|| self.type_of(form));
        // Found again where it is used, unless nothing but its size is wrong.
        if !definition && self.type_parts <= MAX_PARTS {
            self.errors.truncate(before);
        }
        self.generics = outer;
        self.aliases[alias as usize].open = false;
        if definition {
            self.defined_alias = None;
            if self.alias_is_cyclic {
                self.error(span, format!("cyclic type alias {name}"));
                return Type::Any;
            }
        }
        if args.is_empty() {
            return ty;
        }
        if args.len() != own.len() {
            self.error(span, format!("type {name} expects {} type arguments, got {}", own.len(), args.len()));
            return Type::Any;
        }
        let arg = |param: &str| own.iter().position(|other| *other == param).map(|at| args[at]);
        ty.substitute(self.arena, &arg)
    }

    // --- annotations

    /// A type annotation; `place` is named in the error of a failing check.
    pub(super) fn type_ref(&mut self, form: Form<'a>, place: &str) -> TypeRef<'a> {
        let place = self.text(place);
        let ty = self.whole_type(&form);
        TypeRef { form, place, ty }
    }

    /// A type expression that is no part of another one.
    pub(super) fn whole_type(&mut self, form: &Form<'a>) -> Type<'a> {
        self.type_parts = 0;
        self.type_of(form)
    }

    fn type_of(&mut self, form: &Form<'a>) -> Type<'a> {
        // Aliases of aliases grow without end when each names the one before twice.
        self.type_parts += 1;
        if self.type_parts > MAX_PARTS {
            if self.type_parts == MAX_PARTS + 1 {
                self.error(form.span, "type is too large");
            }
            return Type::Any;
        }
        super::with_stack(|| match form.kind {
            FormKind::Symbol(name) => self.type_name(name, name, &[], &[], form.span),
            FormKind::Nil => Type::Nil,
            FormKind::Void => Type::Void,
            FormKind::Path(parts) => self.type_path(parts, &[], form.span),
            FormKind::Gene(gene) if !gene.frozen && gene.props.is_empty() => self.type_gene(gene, form.span),
            _ => self.invalid_type(form.span),
        })
    }

    fn invalid_type(&mut self, span: Span) -> Type<'a> {
        self.error(span, "invalid type");
        Type::Any
    }

    fn type_gene(&mut self, gene: &'a GeneForm<'a>, span: Span) -> Type<'a> {
        let Some(head) = &gene.head else { return self.invalid_type(span) };
        if gene.children.first().is_some_and(|form| is_symbol(form, "|")) {
            let mut members = vec![self.type_of(head)];
            for pair in gene.children.chunks(2) {
                match pair {
                    [bar, member] if is_symbol(bar, "|") => members.push(self.type_of(member)),
                    _ => return self.invalid_type(span),
                }
            }
            return Type::Union(self.slice(&members));
        }
        if is_symbol(head, "Fn") && self.find("Fn").is_none() {
            return self.fn_type(gene, span);
        }
        let args: Vec<Type<'a>> = gene.children.iter().map(|form| self.type_of(form)).collect();
        let args = self.slice(&args);
        match head.kind {
            FormKind::Symbol(name) => self.type_name(name, name, &[], args, span),
            FormKind::Path(parts) => self.type_path(parts, args, span),
            _ => self.invalid_type(span),
        }
    }

    /// `(Fn [A ^k B C...] R ! [effect])`
    fn fn_type(&mut self, gene: &'a GeneForm<'a>, span: Span) -> Type<'a> {
        let (items, ret, effects) = match gene.children {
            [Form { kind: FormKind::Array { items, .. }, .. }, ret] => (*items, ret, None),
            [
                Form { kind: FormKind::Array { items, .. }, .. },
                ret,
                mark,
                Form { kind: FormKind::Array { items: effects, .. }, .. },
            ] if is_symbol(mark, "!") => (*items, ret, Some(*effects)),
            _ => return self.invalid_type(span),
        };
        let mut params = Vec::with_capacity(items.len());
        let mut rest = items;
        while let [item, after @ ..] = rest {
            rest = after;
            if let Some(name) = symbol(item).and_then(|text| text.strip_prefix('^')) {
                let [ty, after @ ..] = rest else { return self.invalid_type(item.span) };
                rest = after;
                params.push(FnParam::Keyword(name, self.type_of(ty)));
            } else if let Some(name) = symbol(item).and_then(rest_name) {
                params.push(FnParam::Rest(self.type_name(name, name, &[], &[], item.span)));
            } else if let [mark, after @ ..] = rest
                && is_symbol(mark, "...")
            {
                rest = after;
                params.push(FnParam::Rest(self.type_of(item)));
            } else {
                params.push(FnParam::One(self.type_of(item)));
            }
        }
        let effects = effects.map(|effects| {
            let names: Vec<&'a str> = effects.iter().filter_map(symbol).collect();
            self.slice(&names)
        });
        let ret = self.type_of(ret);
        let params = self.slice(&params);
        Type::Fn(Some(self.arena.alloc(FnType { params, ret, effects })))
    }

    fn type_path(&mut self, parts: &'a [PathPart<'a>], args: &'a [Type<'a>], span: Span) -> Type<'a> {
        let name = |part: &PathPart<'a>| match part {
            PathPart::Name(name) => Some(*name),
            _ => None,
        };
        let Some(names) = parts.iter().map(name).collect::<Option<Vec<&'a str>>>() else {
            return self.invalid_type(span);
        };
        let [root, path @ ..] = &names[..] else { return self.invalid_type(span) };
        let path = self.slice(path);
        let full = self.text(&names.join("/"));
        self.type_name(full, root, path, args, span)
    }

    /// A name, or a path from a name.
    fn type_name(
        &mut self,
        full: &'a str,
        name: &'a str,
        path: &'a [&'a str],
        args: &'a [Type<'a>],
        span: Span,
    ) -> Type<'a> {
        if path.is_empty() {
            if self.generics.contains(&name) {
                return Type::Param(name);
            }
            if let Some(alias) = self.alias_named(name) {
                return self.expand(alias, args, span, false);
            }
            if self.names.get(name).is_none_or(Vec::is_empty) {
                match name {
                    "Any" => return Type::Any,
                    "Nil" => return Type::Nil,
                    "Void" => return Type::Void,
                    "Number" => return Type::Number,
                    "Fn" => return Type::Fn(None),
                    "Self" => return Type::Param(name),
                    _ => {}
                }
            }
        }
        if infix_op(name).is_some() || name == "..." || rest_name(name).is_some() || name.starts_with('^') {
            return self.invalid_type(span);
        }
        let known = if path.is_empty() { self.enum_index(name) } else { None };
        let root = self.type_root(name);
        Type::Named(self.arena.alloc(NamedType { name: full, root, path, args, known_enum: known }))
    }

    fn type_root(&mut self, name: &'a str) -> TypeRoot<'a> {
        if let Some(found) = self.resolve(name) {
            return match found.target {
                Target::Var(var) => TypeRoot::Var(var),
                Target::Member(ns) => TypeRoot::Member(ns, name),
            };
        }
        // A definition further on at the top of the module, or the one whose form this is: it is there when a value comes.
        let pending = self.names.get(name).and_then(|list| list.last()).copied();
        match pending.filter(|binding| binding.state == State::Pending).map(|binding| binding.place) {
            Some(Place::Module(slot)) => {
                self.module_vars[slot as usize].captured = true;
                TypeRoot::Var(VarRef::Module(slot))
            }
            _ => TypeRoot::Global(name),
        }
    }

    /// The enum that the name stands for, if the compiler knows it.
    fn enum_index(&self, name: &str) -> Option<Result<u32, usize>> {
        match self.names.get(name).and_then(|list| list.last()) {
            Some(binding) => match binding.kind {
                NameKind::Enum(index) => Some(Ok(index)),
                _ => None,
            },
            None => BUILTIN.iter().position(|(builtin, _)| *builtin == name).map(Err),
        }
    }

    // --- `is`

    /// The right side of `is`: an inline type expression, or an expression that gives a type.
    pub(super) fn type_operand(&mut self, form: &'a Form<'a>) -> E<'a> {
        if !is_type_expression(form) {
            return self.expr(form);
        }
        let ty = self.whole_type(form);
        self.e(form.span, ExprKind::TypeValue(ty, &[]))
    }
}

/// The last name of the target of a definition.
fn target_name<'a>(target: &Form<'a>) -> Option<&'a str> {
    match target.kind {
        FormKind::Path([.., PathPart::Name(name)]) => Some(name),
        _ => name_of(target),
    }
}

/// `(A | B)`, `(Array T)`, `(Fn [..] T)`.
pub(super) fn is_type_expression(form: &Form<'_>) -> bool {
    let FormKind::Gene(gene) = form.kind else { return false };
    let Some(head) = &gene.head else { return false };
    if gene.frozen || gene.children.is_empty() || !gene.props.is_empty() {
        return false;
    }
    let first = gene.children.first().and_then(symbol);
    if first == Some("|") {
        return true;
    }
    let named = match head.kind {
        FormKind::Symbol(name) => starts_upper(name),
        FormKind::Path([.., PathPart::Name(name)]) => starts_upper(name),
        _ => false,
    };
    named && !first.is_some_and(|word| word.starts_with('.') || infix_op(word).is_some())
}
