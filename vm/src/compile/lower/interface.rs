//! `interface`, and `implement` outside of classes (7.10).

use super::class::ClassBody;
use super::scope::{self, Declaration, NameKind};
use super::words::{is_symbol, name_of, symbol, typed_name};
use super::{Lower, scan};
use crate::compile::hir::{E, ExprKind, InterfaceDef, Key, Member};
use crate::syntax::form::{Form, FormKind, GeneForm, PathPart, Span};

impl<'a> Lower<'a, '_> {
    pub(super) fn interface(&mut self, span: Span, gene: &'a GeneForm<'a>) -> E<'a> {
        let [target, members @ ..] = gene.children else {
            return self.error(span, "interface: missing name");
        };
        let full = match target.kind {
            FormKind::Path([.., PathPart::Name(name)]) => *name,
            _ => match name_of(target) {
                Some(name) => name,
                None => return self.error(target.span, "interface: invalid name"),
            },
        };
        let (name, _) = self.generic_head(full, target.span, false);
        let base = match target.kind {
            FormKind::Path(parts) if !self.defines_by_path(parts) => match self.path_target(target.span, parts) {
                Some((base, _)) => Some(base),
                None => return self.nil(span),
            },
            _ => None,
        };
        let (mut methods, mut fields) = (Vec::new(), Vec::new());
        for member in members {
            self.interface_member(member, &mut methods, &mut fields);
        }
        let def = InterfaceDef { name, methods: self.slice(&methods), fields: self.slice(&fields) };
        let value = self.e(span, ExprKind::Interface(self.arena.alloc(def)));
        match base {
            Some(base) => self.e(span, ExprKind::Set { base, key: Key::Name { name, fallback: None }, value }),
            None => {
                let exported = matches!(target.kind, FormKind::Path(_));
                let declaration = Declaration { exported, ..Declaration::new(NameKind::Class) };
                self.declare_as(span, name, target.span, declaration, value)
            }
        }
    }

    /// `(method name [params] -> T)`, `(field name T ^readonly true)`: only names and `^readonly` mean something.
    fn interface_member(&mut self, form: &'a Form<'a>, methods: &mut Vec<&'a str>, fields: &mut Vec<(&'a str, bool)>) {
        let FormKind::Gene(gene) = form.kind else {
            self.error(form.span, "interface: only methods and fields are allowed");
            return;
        };
        let target = gene.children.first();
        match gene.head.as_ref().and_then(symbol) {
            Some("method") => {
                self.check_props(gene, "method", super::properties::FUNCTION);
                let name = match target.map(|target| target.kind) {
                    Some(FormKind::Str(name)) => Some(name),
                    _ => target.and_then(name_of).map(|full| scan::split_generics(full).0),
                };
                let Some(name) = name else {
                    self.error(form.span, "method: missing name");
                    return;
                };
                let rest = match gene.children {
                    [_, Form { kind: FormKind::Array { .. }, .. }, rest @ ..] | [_, rest @ ..] => rest,
                    [] => &[],
                };
                if rest.first().is_some_and(|next| !is_symbol(next, "->")) {
                    self.error(form.span, "interface: methods have no body");
                }
                if !methods.contains(&name) {
                    methods.push(name);
                }
            }
            Some("field") => {
                self.check_props(gene, "field", &["readonly"]);
                let Some(name) = target.and_then(name_of) else {
                    self.error(form.span, "field: missing name");
                    return;
                };
                let name = typed_name(name).unwrap_or(name);
                let readonly = gene
                    .props
                    .iter()
                    .any(|prop| prop.key == "readonly" && !matches!(prop.value.kind, FormKind::False | FormKind::Nil));
                match fields.iter_mut().find(|field| field.0 == name) {
                    Some(field) => field.1 = readonly,
                    None => fields.push((name, readonly)),
                }
            }
            _ => {
                self.error(form.span, "interface: only methods and fields are allowed");
            }
        }
    }

    /// `(implement I for C members...)`
    pub(super) fn implement(&mut self, span: Span, gene: &'a GeneForm<'a>) -> E<'a> {
        let (interface, class, rest) = match gene.children {
            [interface, word, class, rest @ ..] if is_symbol(word, "for") => (interface, class, rest),
            [] => return self.error(span, "implement: missing interface"),
            _ => return self.error(span, "implement: expects for and a class"),
        };
        let name = match interface.kind {
            FormKind::Path([.., PathPart::Name(name)]) => *name,
            _ => symbol(interface).unwrap_or("?"),
        };
        let interface = self.expr(interface);
        let class = self.expr(class);
        self.push_scope();
        let class_var = self.bind_hidden(scope::SELF);
        let body = ClassBody::adapter(name, class_var);
        let mut members: Vec<Member<'a>> = Vec::with_capacity(rest.len());
        self.members(&body, rest, &mut members);
        let members = self.slice(&members);
        let cells = self.pop_scope();
        let value = self.e(span, ExprKind::Implement { interface, class, class_var, members });
        self.with_cells(span, cells, value)
    }
}
