//! Enums, and what the compiler knows of them.

use super::scope::{Declaration, NameKind};
use super::words::{name_of, symbol, typed_name};
use super::{EvalEnum, Lower};
use crate::compile::hir::{E, EnumDef, EnumField, ExprKind, Key, Variant};
use crate::syntax::form::{Form, FormKind, GeneForm, PathPart, Span};

/// An enum whose declaration the compiler has seen.
pub(super) struct EnumInfo<'a> {
    pub name: &'a str,
    pub variants: Vec<VariantInfo<'a>>,
}

pub(super) struct VariantInfo<'a> {
    pub name: &'a str,
    /// `None` for a unit variant.
    pub fields: Option<Vec<&'a str>>,
}

/// `Ok`, `Err`, `Some` have one field; they and `None` mean the predefined variants wherever they stand alone.
pub(super) const BUILTIN: &[(&str, &[(&str, bool)])] =
    &[("Result", &[("Ok", true), ("Err", true)]), ("Option", &[("Some", true), ("None", false)])];

pub(super) fn builtin_variant(name: &str) -> Option<(&'static str, bool)> {
    let of = |(owner, variants): &(&'static str, &'static [(&'static str, bool)])| {
        variants.iter().find(|(variant, _)| *variant == name).map(|(_, payload)| (*owner, *payload))
    };
    BUILTIN.iter().find_map(of)
}

impl<'a> Lower<'a, '_> {
    /// Takes note of an enum's variants; errors are found when the form is lowered.
    pub(super) fn know_enum(&mut self, form: &'a Form<'a>) -> u32 {
        let mut info = EnumInfo { name: "?", variants: Vec::new() };
        if let FormKind::Gene(gene) = form.kind
            && let Some(target) = gene.children.first()
        {
            if let Some(full) = definition_name(target) {
                info.name = super::scan::split_generics(full).0;
            }
            for variant in self.variant_forms(gene) {
                if let Some((name, fields)) = variant_parts(variant) {
                    let fields = fields.map(|fields| field_names(fields).collect());
                    info.variants.push(VariantInfo { name, fields });
                }
            }
        }
        self.enums.push(info);
        self.enums.len() as u32 - 1
    }

    /// An enum that exists already where data is evaluated.
    pub(super) fn know_eval_enum(&mut self, known: &EvalEnum) {
        let arena = self.arena;
        let variant = |(name, fields): &(String, Option<Vec<String>>)| VariantInfo {
            name: arena.alloc_str(name),
            fields: fields.as_ref().map(|fields| fields.iter().map(|field| &*arena.alloc_str(field)).collect()),
        };
        let name = arena.alloc_str(&known.name);
        let variants = known.variants.iter().map(variant).collect();
        self.enums.push(EnumInfo { name, variants });
        let index = self.enums.len() as u32 - 1;
        if let Some(binding) = self.names.get_mut(&*name).and_then(|list| list.last_mut()) {
            binding.kind = NameKind::Enum(index);
        }
    }

    /// The forms that declare variants: the children, or the array of `^values`.
    fn variant_forms(&self, gene: &'a GeneForm<'a>) -> Vec<&'a Form<'a>> {
        let mut forms: Vec<&'a Form<'a>> = gene.children.iter().skip(1).collect();
        for prop in gene.props.iter().filter(|prop| prop.key == "values") {
            match prop.value.kind {
                FormKind::Array { items, .. } => forms.extend(items),
                _ => forms.push(&prop.value),
            }
        }
        forms
    }

    pub(super) fn enum_(&mut self, span: Span, gene: &'a GeneForm<'a>) -> E<'a> {
        let Some((target, full)) = gene.children.first().and_then(|form| Some((form, definition_name(form)?))) else {
            return self.error(span, "enum: missing name");
        };
        let (name, generics) = self.generic_head(full, target.span, true);
        let outer_generics = self.generics.len();
        self.generics.extend_from_slice(&generics);
        let generics = self.slice(&generics);
        let mut variants: Vec<Variant<'a>> = Vec::new();
        for form in self.variant_forms(gene) {
            let Some((variant, fields)) = variant_parts(form) else {
                self.error(form.span, "invalid enum variant");
                continue;
            };
            if variants.iter().any(|other| other.name == variant) {
                self.error(form.span, format!("enum {name} has duplicate variant {variant}"));
            }
            let fields = fields.map(|fields| self.enum_fields(name, variant, fields));
            variants.push(Variant { name: variant, fields });
        }
        self.generics.truncate(outer_generics);
        let variants = self.slice(&variants);
        let value = self.e(span, ExprKind::Enum(self.arena.alloc(EnumDef { name, generics, variants })));
        if let FormKind::Path(parts) = target.kind
            && !self.defines_by_path(parts)
        {
            let Some((base, _)) = self.path_target(target.span, parts) else { return self.nil(span) };
            return self.e(span, ExprKind::Set { base, key: Key::Name { name, fallback: None }, value });
        }
        let exported = matches!(target.kind, FormKind::Path(_));
        let kind = NameKind::Enum(self.known_enum(name, gene));
        self.declare_as(span, name, target.span, Declaration { exported, ..Declaration::new(kind) }, value)
    }

    /// The entry made when the block was entered, or a new one.
    fn known_enum(&mut self, name: &str, gene: &'a GeneForm<'a>) -> u32 {
        let scope = self.scopes.len() as u32 - 1;
        let pending = |binding: &&super::Binding<'a>| binding.scope == scope && binding.state == super::State::Pending;
        let pending = self.names.get(name).and_then(|list| list.last()).filter(pending);
        match pending.map(|binding| binding.kind) {
            Some(NameKind::Enum(index)) => index,
            _ => {
                let form = Form { span: Span::default(), kind: FormKind::Gene(gene) };
                self.know_enum(self.arena.alloc(form))
            }
        }
    }

    fn enum_fields(&mut self, name: &str, variant: &str, forms: &'a [Form<'a>]) -> &'a [EnumField<'a>] {
        let mut fields: Vec<EnumField<'a>> = Vec::with_capacity(forms.len());
        let mut rest = forms;
        while let [form, after @ ..] = rest {
            rest = after;
            let Some(full) = name_of(form) else {
                self.error(form.span, "invalid enum field");
                continue;
            };
            let field = typed_name(full).unwrap_or(full);
            let mut ty = None;
            if typed_name(full).is_some() {
                let [form, after @ ..] = rest else {
                    self.error(form.span, "invalid enum field");
                    break;
                };
                ty = Some(self.type_ref(*form, &format!("{name}/{variant}.{field}")));
                rest = after;
            }
            if fields.iter().any(|other| other.name == field) {
                self.error(form.span, format!("enum variant {name}/{variant} has duplicate field {field}"));
            }
            fields.push(EnumField { name: field, ty });
        }
        self.slice(&fields)
    }
}

/// The last name of a definition's target.
fn definition_name<'a>(target: &Form<'a>) -> Option<&'a str> {
    match target.kind {
        FormKind::Path([.., PathPart::Name(name)]) => Some(name),
        _ => name_of(target),
    }
}

/// Name of the variant, and its fields if it is no unit variant.
fn variant_parts<'a>(form: &'a Form<'a>) -> Option<(&'a str, Option<&'a [Form<'a>]>)> {
    match form.kind {
        FormKind::Gene(gene) => {
            let name = gene.head.as_ref().and_then(name_of)?;
            if gene.frozen || !gene.props.is_empty() {
                return None;
            }
            Some((name, (!gene.children.is_empty()).then_some(gene.children)))
        }
        _ => Some((name_of(form)?, None)),
    }
}

fn field_names<'a>(forms: &'a [Form<'a>]) -> impl Iterator<Item = &'a str> {
    let mut rest = forms.iter();
    std::iter::from_fn(move || {
        let name = symbol(rest.next()?)?;
        match typed_name(name) {
            Some(name) => {
                rest.next();
                Some(name)
            }
            None => Some(name),
        }
    })
}
