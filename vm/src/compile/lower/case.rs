//! `case` and its patterns (12.3 to 12.5).

use super::Lower;
use super::enums::{BUILTIN, VariantInfo, builtin_variant};
use super::scope::NameKind;
use super::words::{
    assign_op, infix_op, is_reserved, is_symbol, method_name, name_of, rest_name, starts_upper, symbol,
};
use crate::compile::hir::{Arm, CasePat, CaseRest, E, ExprKind, GeneType, Type, VarRef, VariantFields};
use crate::syntax::form::{Form, FormKind, GeneForm, PathPart, Prop, PropKind, Span};

/// An enum the compiler knows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    Declared(u32),
    Builtin(usize),
}

/// What a subject is annotated with.
struct Annotated<'a> {
    ty: Type<'a>,
    enums: Vec<Known>,
    nil: bool,
}

/// A variant the compiler knows.
struct KnownVariant<'a> {
    owner: &'a str,
    name: &'a str,
    fields: usize,
}

/// What is known while the pattern of one arm is lowered.
struct PatternCx<'a> {
    /// The enum the subject is annotated with.
    subject: Option<Known>,
    /// Variables bound so far, for alternatives that bind the same names.
    vars: Vec<(&'a str, VarRef)>,
    /// Every name bound, in order.
    bound: Vec<&'a str>,
}

/// Where a pattern stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Position {
    Top,
    Nested,
    /// Inside a quoted gene: genes there are patterns for genes.
    Quoted,
}

/// An arm before it is lowered.
struct ArmForms<'a> {
    pattern: &'a Form<'a>,
    guard: Option<&'a Form<'a>>,
    forms: &'a [Form<'a>],
}

impl<'a> Lower<'a, '_> {
    pub(super) fn case(&mut self, span: Span, gene: &'a GeneForm<'a>) -> E<'a> {
        let Some(subject) = gene.children.first().filter(|form| part_word(form).is_none()) else {
            return self.error(span, "case: missing value");
        };
        let Some((arms, other)) = self.case_parts(span, &gene.children[1..]) else { return self.nil(span) };
        let exhaustive = super::function::has_flag(gene.props, "exhaustive");
        let annotated = self.annotated_enums(subject);
        let known = annotated.as_ref().and_then(|found| match found.enums[..] {
            [only] => Some(only),
            _ => None,
        });
        let value = self.expr(subject);
        let mut lowered = Vec::with_capacity(arms.len());
        for arm in &arms {
            lowered.push(self.arm(arm, known));
        }
        let arms_slice = self.slice(&lowered);
        if let (Some(annotated), None) = (&annotated, other) {
            self.check_exhaustive(span, annotated, &arms, exhaustive);
        }
        let other = other.map(|forms| self.block(forms, span));
        self.e(span, ExprKind::Case { subject: value, arms: arms_slice, other, exhaustive })
    }

    /// Takes the arms and the `else` part apart; `None` after an error.
    fn case_parts(&mut self, span: Span, forms: &'a [Form<'a>]) -> Option<(Vec<ArmForms<'a>>, Option<&'a [Form<'a>]>)> {
        let mut arms = Vec::new();
        let mut other = None;
        let mut rest = forms;
        while let [word, after @ ..] = rest {
            match part_word(word) {
                Some("when") if other.is_none() => {
                    let Some(pattern) = after.first().filter(|form| part_word(form).is_none()) else {
                        self.error(word.span, "case: missing pattern");
                        return None;
                    };
                    let (mut forms, after) = split_part(&after[1..]);
                    let mut guard = None;
                    if forms.first().is_some_and(|form| is_symbol(form, "if")) {
                        let [_, cond, rest @ ..] = forms else {
                            self.error(forms[0].span, "case: missing guard");
                            return None;
                        };
                        guard = Some(cond);
                        forms = rest;
                    }
                    arms.push(ArmForms { pattern, guard, forms });
                    rest = after;
                }
                Some("else") if other.is_none() => {
                    let (forms, after) = split_part(after);
                    other = Some(forms);
                    rest = after;
                }
                Some(text) => {
                    let what = if text == "else" { "duplicate" } else { "misplaced" };
                    self.error(word.span, format!("case: {what} {text}"));
                    return None;
                }
                None => {
                    self.error(span, "case: expects when");
                    return None;
                }
            }
        }
        Some((arms, other))
    }

    fn arm(&mut self, arm: &ArmForms<'a>, subject: Option<Known>) -> Arm<'a> {
        let span = arm.pattern.span;
        self.push_scope();
        let mut cx = PatternCx { subject, vars: Vec::new(), bound: Vec::new() };
        let pat = self.case_pattern(arm.pattern, Position::Top, &mut cx);
        let pat = self.arena.alloc(pat);
        let guard = arm.guard.map(|guard| self.block(std::slice::from_ref(guard), guard.span));
        let body = self.rest_of_scope(arm.forms, span);
        Arm { pat, guard, body, span }
    }

    // --- patterns

    fn case_pattern(&mut self, form: &'a Form<'a>, position: Position, cx: &mut PatternCx<'a>) -> CasePat<'a> {
        super::with_stack(|| self.case_pattern_here(form, position, cx))
    }

    fn case_pattern_here(&mut self, form: &'a Form<'a>, position: Position, cx: &mut PatternCx<'a>) -> CasePat<'a> {
        let span = form.span;
        match form.kind {
            FormKind::Nil
            | FormKind::Void
            | FormKind::True
            | FormKind::False
            | FormKind::NotFound
            | FormKind::Int(_)
            | FormKind::Float(_)
            | FormKind::Char(_)
            | FormKind::Str(_)
            | FormKind::Bytes(_)
            | FormKind::Date(_)
            | FormKind::Time(_)
            | FormKind::DateTime(..)
            | FormKind::Duration(_) => CasePat::Literal(self.expr(form)),
            FormKind::Symbol("_") => CasePat::Any,
            FormKind::Symbol(name) => self.symbol_pattern(span, name, position, cx),
            FormKind::Array { items, .. } => {
                let (items, rest) = self.item_patterns(items, Position::Nested, cx);
                CasePat::Array { items, rest }
            }
            FormKind::Map { entries, .. } => {
                let (entries, rest) = self.entry_patterns(entries, Position::Nested, cx);
                CasePat::Map { entries, rest }
            }
            FormKind::Quote(inner) => match inner.kind {
                FormKind::Gene(gene) if gene.head.is_some() => self.gene_pattern(gene, cx),
                _ => CasePat::Literal(self.expr(form)),
            },
            FormKind::Unquote(unquote) if !unquote.discard && !unquote.splice => {
                CasePat::Equal(self.expr(&unquote.form))
            }
            FormKind::Gene(gene) => self.form_pattern(form, gene, position, cx),
            _ => CasePat::Value(self.expr(form)),
        }
    }

    fn symbol_pattern(&mut self, span: Span, name: &'a str, position: Position, cx: &mut PatternCx<'a>) -> CasePat<'a> {
        if name == "..." || rest_name(name).is_some() {
            self.error(span, "Invalid pattern");
            return CasePat::Any;
        }
        if name == "None" {
            return CasePat::Equal(self.e(span, ExprKind::Global(name)));
        }
        if position != Position::Top {
            if name == "self" || name.starts_with('$') {
                return CasePat::Value(self.symbol(span, name));
            }
            let var = self.case_var(name, span, cx);
            return if starts_upper(name) { CasePat::UnitOrBind { name, var } } else { CasePat::Bind(var) };
        }
        if builtin_variant(name).is_some() || name == "self" || name.starts_with('$') {
            return CasePat::Value(self.symbol(span, name));
        }
        let value = match self.resolve(name) {
            Some(found) => Some(self.found(span, name, found)),
            None if (self.options.is_global)(name) => Some(self.e(span, ExprKind::Global(name))),
            None => None,
        };
        if value.is_none() && self.enums_known && !self.some_enum_declares(name) {
            self.error(span, format!("unknown enum variant {name}"));
        }
        CasePat::Unit { name, value }
    }

    /// The variable a pattern binds.
    fn case_var(&mut self, name: &'a str, span: Span, cx: &mut PatternCx<'a>) -> VarRef {
        cx.bound.push(name);
        if let Some((_, var)) = cx.vars.iter().find(|(known, _)| *known == name) {
            return *var;
        }
        let var = VarRef::Local(self.bind_local(name, span, None));
        cx.vars.push((name, var));
        var
    }

    /// Patterns of elements, at most one of which takes the rest.
    fn item_patterns(
        &mut self,
        forms: &'a [Form<'a>],
        position: Position,
        cx: &mut PatternCx<'a>,
    ) -> (&'a [CasePat<'a>], Option<CaseRest>) {
        let mut items = Vec::with_capacity(forms.len());
        let mut found = None;
        let mut rest = forms;
        while let [form, after @ ..] = rest {
            rest = after;
            let mark = rest.first().is_some_and(|next| is_symbol(next, "..."));
            let name = symbol(form).and_then(rest_name).or(if mark { symbol(form) } else { None });
            let Some(name) = name.filter(|name| *name != "...") else {
                items.push(self.case_pattern(form, position, cx));
                continue;
            };
            if mark {
                rest = &rest[1..];
            }
            if found.is_some() {
                self.error(form.span, "pattern has more than one rest binding");
            }
            let var = (name != "_").then(|| self.case_var(name, form.span, cx));
            found = Some(CaseRest { at: items.len() as u32, var });
        }
        (self.slice(&items), found)
    }

    fn entry_patterns(
        &mut self,
        props: &'a [Prop<'a>],
        position: Position,
        cx: &mut PatternCx<'a>,
    ) -> (&'a [(&'a str, CasePat<'a>)], Option<VarRef>) {
        let mut entries = Vec::with_capacity(props.len());
        let mut rest = None;
        for prop in props {
            match prop.kind {
                PropKind::Rest => {
                    if rest.is_some() {
                        self.error(prop.key_span, "pattern has more than one rest binding");
                    }
                    let name = rest_name(prop.key).unwrap_or(prop.key);
                    rest = Some(self.case_var(name, prop.key_span, cx));
                }
                PropKind::Spread => {
                    self.error(prop.key_span, "Invalid pattern");
                }
                PropKind::Value | PropKind::Flag | PropKind::Negated => {
                    entries.push((prop.key, self.case_pattern(&prop.value, position, cx)));
                }
            }
        }
        (self.slice(&entries), rest)
    }

    /// A quoted gene.
    fn gene_pattern(&mut self, gene: &'a GeneForm<'a>, cx: &mut PatternCx<'a>) -> CasePat<'a> {
        let ty = match gene.head {
            None => GeneType::Any,
            Some(head) => match head.kind {
                FormKind::Symbol("_") => GeneType::Any,
                FormKind::Unquote(unquote) => GeneType::Value(self.expr(&unquote.form)),
                _ => GeneType::Literal(head),
            },
        };
        let (entries, rest_props) = self.entry_patterns(gene.props, Position::Quoted, cx);
        let (items, rest) = self.item_patterns(gene.children, Position::Quoted, cx);
        CasePat::Gene { ty, entries, rest_props, items, rest }
    }

    /// A gene as a pattern: a combination, a variant, or an expression.
    fn form_pattern(
        &mut self,
        form: &'a Form<'a>,
        gene: &'a GeneForm<'a>,
        position: Position,
        cx: &mut PatternCx<'a>,
    ) -> CasePat<'a> {
        let span = form.span;
        let Some(head) = gene.head.as_ref().filter(|_| !gene.frozen) else {
            return CasePat::Value(self.expr(form));
        };
        let combination = symbol(head).filter(|_| !is_operator_form(gene));
        match (combination, gene.children) {
            (Some("or"), [_, ..]) => return self.or_pattern(span, gene.children, position, cx),
            (Some("as"), [name, pattern]) => {
                let Some(name) = name_of(name) else { return self.invalid_pattern(span) };
                let var = self.case_var(name, span, cx);
                let pattern = self.case_pattern(pattern, position, cx);
                return CasePat::As(var, self.arena.alloc(pattern));
            }
            (Some("is"), [ty]) => return CasePat::Is { ty: self.type_operand(ty), bind: None },
            (Some("is"), [ty, name]) => {
                let ty = self.type_operand(ty);
                let Some(name) = name_of(name) else { return self.invalid_pattern(span) };
                let bind = (name != "_").then(|| self.case_var(name, span, cx));
                return CasePat::Is { ty, bind };
            }
            (Some("not"), [pattern]) => {
                // What it binds is seen nowhere.
                self.push_scope();
                let mut inner = PatternCx { subject: cx.subject, vars: Vec::new(), bound: Vec::new() };
                let pattern = self.case_pattern(pattern, position, &mut inner);
                self.pop_scope();
                return CasePat::Not(self.arena.alloc(pattern));
            }
            (Some("or" | "as" | "is" | "not"), _) => return self.invalid_pattern(span),
            _ => {}
        }
        if self.is_variant_pattern(gene, head, position) {
            return self.variant_pattern(span, gene, head, cx);
        }
        if position == Position::Quoted && symbol(head).is_some() && !is_operator_form(gene) {
            return self.gene_pattern(gene, cx);
        }
        CasePat::Value(self.expr(form))
    }

    fn invalid_pattern(&mut self, span: Span) -> CasePat<'a> {
        self.error(span, "Invalid pattern");
        CasePat::Any
    }

    fn or_pattern(
        &mut self,
        span: Span,
        forms: &'a [Form<'a>],
        position: Position,
        cx: &mut PatternCx<'a>,
    ) -> CasePat<'a> {
        let mut patterns = Vec::with_capacity(forms.len());
        let mut first: Option<Vec<&'a str>> = None;
        for form in forms {
            let start = cx.bound.len();
            patterns.push(self.case_pattern(form, position, cx));
            let mut names = cx.bound[start..].to_vec();
            names.sort_unstable();
            names.dedup();
            match &first {
                None => first = Some(names),
                Some(first) if *first != names => {
                    self.error(span, "or pattern alternatives must bind the same names");
                }
                Some(_) => {}
            }
        }
        CasePat::Or(self.slice(&patterns))
    }

    // --- variants

    /// Whether the gene means a variant rather than an expression to evaluate.
    fn is_variant_pattern(&self, gene: &GeneForm<'a>, head: &Form<'a>, position: Position) -> bool {
        if is_operator_form(gene) {
            return false;
        }
        match head.kind {
            FormKind::Symbol(name) => {
                if is_reserved(name) || name == "_" || infix_op(name).is_some() || method_name(name).is_some() {
                    return false;
                }
                let unknown = || self.find(name).is_none() && !(self.options.is_global)(name);
                starts_upper(name) || self.some_enum_declares(name) || (position != Position::Quoted && unknown())
            }
            FormKind::Path([PathPart::Name(owner), PathPart::Name(name)]) => {
                starts_upper(name) || self.enum_named(owner).is_some()
            }
            FormKind::Path([PathPart::Name(_), .., PathPart::Name(name)]) => starts_upper(name),
            _ => false,
        }
    }

    fn variant_pattern(
        &mut self,
        span: Span,
        gene: &'a GeneForm<'a>,
        head: &'a Form<'a>,
        cx: &mut PatternCx<'a>,
    ) -> CasePat<'a> {
        let (name, path, known) = match head.kind {
            FormKind::Path(parts) => {
                let Some(PathPart::Name(name)) = parts.last() else { return self.invalid_pattern(span) };
                let known = match parts {
                    [PathPart::Name(owner), _] => self.known_variant_of(owner, name, span),
                    _ => None,
                };
                (*name, Some(self.expr(head)), known)
            }
            _ => {
                let Some(name) = symbol(head) else { return self.invalid_pattern(span) };
                match builtin_variant(name) {
                    Some((owner, payload)) => {
                        let known = KnownVariant { owner, name, fields: payload as usize };
                        (name, Some(self.e(head.span, ExprKind::Global(name))), Some(known))
                    }
                    None => (name, None, self.known_bare_variant(name, span, cx)),
                }
            }
        };
        if !gene.props.is_empty() {
            if !gene.children.is_empty() {
                return self.invalid_pattern(span);
            }
            let (entries, rest) = self.entry_patterns(gene.props, Position::Nested, cx);
            if rest.is_some() {
                return self.invalid_pattern(span);
            }
            return CasePat::Variant { name, path, fields: VariantFields::Named(entries) };
        }
        if let Some(known) = known
            && known.fields != gene.children.len()
        {
            let (owner, variant, fields, got) = (known.owner, known.name, known.fields, gene.children.len());
            self.error(span, format!("{owner}/{variant} pattern expects {fields} binders, got {got}"));
        }
        let items: Vec<CasePat<'a>> =
            gene.children.iter().map(|child| self.case_pattern(child, Position::Nested, cx)).collect();
        CasePat::Variant { name, path, fields: VariantFields::Positional(self.slice(&items)) }
    }

    /// The variant `owner/name`, if the enum is known.
    fn known_variant_of(&mut self, owner: &'a str, name: &'a str, span: Span) -> Option<KnownVariant<'a>> {
        let known = self.enum_named(owner)?;
        let fields = self.fields_of(known, name);
        if fields.is_none() {
            self.error(span, format!("unknown enum variant {owner}/{name}"));
        }
        Some(KnownVariant { owner: self.enum_name(known), name, fields: fields? })
    }

    /// The variant a bare name means, if that is certain.
    fn known_bare_variant(&mut self, name: &'a str, span: Span, cx: &PatternCx<'a>) -> Option<KnownVariant<'a>> {
        if let Some(subject) = cx.subject
            && let Some(fields) = self.fields_of(subject, name)
        {
            return Some(KnownVariant { owner: self.enum_name(subject), name, fields });
        }
        let declaring: Vec<Known> =
            self.visible_enums().into_iter().filter(|known| self.fields_of(*known, name).is_some()).collect();
        if !self.enums_known {
            return None;
        }
        match declaring[..] {
            [] => {
                self.error(span, format!("unknown enum variant {name}"));
                None
            }
            [only] => Some(KnownVariant { owner: self.enum_name(only), name, fields: self.fields_of(only, name)? }),
            _ => None,
        }
    }

    // --- known enums

    fn enum_named(&self, name: &str) -> Option<Known> {
        match self.find(name) {
            Some(binding) => match binding.kind {
                NameKind::Enum(index) => Some(Known::Declared(index)),
                _ => None,
            },
            None => BUILTIN.iter().position(|(builtin, _)| *builtin == name).map(Known::Builtin),
        }
    }

    fn visible_enums(&self) -> Vec<Known> {
        let mut found = Vec::new();
        for bindings in self.names.values() {
            for binding in bindings {
                if let NameKind::Enum(index) = binding.kind {
                    found.push(Known::Declared(index));
                }
            }
        }
        found
    }

    fn some_enum_declares(&self, variant: &str) -> bool {
        self.visible_enums().into_iter().any(|known| self.fields_of(known, variant).is_some())
    }

    fn enum_name(&self, known: Known) -> &'a str {
        match known {
            Known::Declared(index) => self.enums[index as usize].name,
            Known::Builtin(index) => BUILTIN[index].0,
        }
    }

    /// The number of fields of a variant, if the enum has it.
    fn fields_of(&self, known: Known, variant: &str) -> Option<usize> {
        match known {
            Known::Declared(index) => {
                let variants = &self.enums[index as usize].variants;
                let found = variants.iter().find(|info: &&VariantInfo<'_>| info.name == variant)?;
                Some(found.fields.as_ref().map_or(0, Vec::len))
            }
            Known::Builtin(index) => {
                let found = BUILTIN[index].1.iter().find(|(name, _)| *name == variant)?;
                Some(found.1 as usize)
            }
        }
    }

    /// Whether the enum has a unit variant of that name.
    fn has_unit(&self, known: Known, variant: &str) -> bool {
        match known {
            Known::Declared(index) => {
                self.enums[index as usize].variants.iter().any(|info| info.name == variant && info.fields.is_none())
            }
            Known::Builtin(index) => BUILTIN[index].1.iter().any(|(name, payload)| *name == variant && !payload),
        }
    }

    // --- exhaustiveness

    /// The enums that the subject, a variable, is annotated with: one, or a union of nothing else (and perhaps Nil).
    fn annotated_enums(&self, subject: &Form<'a>) -> Option<Annotated<'a>> {
        let ty = self.find(symbol(subject)?)?.ty?;
        let mut found = Annotated { ty, enums: Vec::new(), nil: false };
        let mut todo = vec![ty];
        while let Some(ty) = todo.pop() {
            match ty {
                Type::Nil => found.nil = true,
                Type::Union(members) => todo.extend(members.iter().rev()),
                Type::Named(named) => found.enums.push(match named.known_enum? {
                    Ok(index) => Known::Declared(index),
                    Err(index) => Known::Builtin(index),
                }),
                _ => return None,
            }
        }
        (!found.enums.is_empty()).then_some(found)
    }

    fn check_exhaustive(&mut self, span: Span, subject: &Annotated<'a>, arms: &[ArmForms<'a>], exhaustive: bool) {
        let mut missing: Vec<&str> = Vec::new();
        let unguarded = || arms.iter().filter(|arm| arm.guard.is_none()).map(|arm| arm.pattern);
        for &known in &subject.enums {
            let mut covered: Vec<&str> = Vec::new();
            let mut all = false;
            for pattern in unguarded() {
                all |= self.covers(pattern, known, &mut covered);
            }
            let names: Vec<&str> = match known {
                Known::Declared(index) => self.enums[index as usize].variants.iter().map(|info| info.name).collect(),
                Known::Builtin(index) => BUILTIN[index].1.iter().map(|(name, _)| *name).collect(),
            };
            missing.extend(names.into_iter().filter(|name| !all && !covered.contains(name)));
        }
        if subject.nil && !unguarded().any(covers_nil) {
            missing.push("nil");
        }
        if missing.is_empty() {
            return;
        }
        let over = match subject.enums[..] {
            [only] if !subject.nil => self.enum_name(only).to_owned(),
            _ => subject.ty.to_string(),
        };
        let message = format!("non-exhaustive case over {over}; missing variants: {}", missing.join(" "));
        if exhaustive {
            self.error(span, message);
        } else {
            self.warn(span, message);
        }
    }

    /// Adds the variants that the pattern certainly matches; true if it matches everything.
    fn covers(&self, form: &'a Form<'a>, known: Known, covered: &mut Vec<&'a str>) -> bool {
        super::with_stack(|| match form.kind {
            FormKind::Symbol("_") => true,
            FormKind::Symbol(name) => {
                if self.has_unit(known, name) {
                    covered.push(name);
                }
                self.enum_named(name) == Some(known)
            }
            FormKind::Path([PathPart::Name(owner), PathPart::Name(name)]) => {
                if self.enum_named(owner) == Some(known) && self.has_unit(known, name) {
                    covered.push(name);
                }
                false
            }
            FormKind::Gene(gene) if !is_operator_form(gene) => {
                let Some(head) = &gene.head else { return false };
                let name = match head.kind {
                    FormKind::Symbol("or") => {
                        return gene.children.iter().any(|form| self.covers(form, known, covered));
                    }
                    FormKind::Symbol("as") => {
                        return gene.children.get(1).is_some_and(|form| self.covers(form, known, covered));
                    }
                    FormKind::Symbol("is") => {
                        let ty = gene.children.first().and_then(symbol);
                        return ty.is_some_and(|name| self.enum_named(name) == Some(known));
                    }
                    FormKind::Symbol(name) => name,
                    FormKind::Path([PathPart::Name(owner), PathPart::Name(name)])
                        if self.enum_named(owner) == Some(known) =>
                    {
                        name
                    }
                    _ => return false,
                };
                let parts = gene.children.iter().chain(gene.props.iter().map(|prop| &prop.value));
                if self.fields_of(known, name).is_some() && parts.into_iter().all(|part| self.always_matches(part)) {
                    covered.push(name);
                }
                false
            }
            _ => false,
        })
    }

    /// A name that binds, or `_`.
    fn always_matches(&self, form: &Form<'_>) -> bool {
        let Some(name) = symbol(form) else { return false };
        let tests = name == "None"
            || (starts_upper(name) && self.visible_enums().into_iter().any(|known| self.has_unit(known, name)));
        !tests
    }
}

/// Whether the form is an operator expression, an assignment, a method call: never a pattern of its own.
fn is_operator_form(gene: &GeneForm<'_>) -> bool {
    let Some(word) = gene.children.first().and_then(symbol) else { return false };
    infix_op(word).is_some()
        || assign_op(word).is_some()
        || method_name(word).is_some()
        || matches!(word, "./" | "->" | "?")
}

/// Whether the pattern certainly matches nil.
fn covers_nil(form: &Form<'_>) -> bool {
    match form.kind {
        FormKind::Nil | FormKind::Symbol("_" | "Nil") => true,
        FormKind::Gene(gene) => match gene.head.as_ref().and_then(symbol) {
            Some("or") => gene.children.iter().any(covers_nil),
            Some("is") => gene.children.first().is_some_and(|ty| is_symbol(ty, "Nil")),
            Some("as") => gene.children.get(1).is_some_and(covers_nil),
            _ => false,
        },
        _ => false,
    }
}

fn part_word<'a>(form: &Form<'a>) -> Option<&'a str> {
    symbol(form).filter(|word| matches!(*word, "when" | "else"))
}

/// The forms up to the next `when` or `else`.
fn split_part<'a>(forms: &'a [Form<'a>]) -> (&'a [Form<'a>], &'a [Form<'a>]) {
    let end = forms.iter().position(|form| part_word(form).is_some()).unwrap_or(forms.len());
    forms.split_at(end)
}
