//! Functions: parameters, metadata, bodies.

use super::scan::{fn_definition, split_generics};
use super::scope::{Declaration, NameKind};
use super::words::{is_macro_name, is_symbol, name_of, rest_name, starts_upper, symbol, typed_name};
use super::{FuncDraft, Lower, scope, text};
use crate::compile::hir::{Block, Contract, E, ExprKind, FuncId, FuncKind, Key, Param, ParamKind, TypeRef, VarId};
use crate::syntax::form::{Form, FormKind, GeneForm, PathPart, Prop, PropKind, Span};

/// What is known of a function before its body is lowered.
pub(super) struct FnSpec<'a> {
    pub span: Span,
    pub name: Option<&'a str>,
    pub full_name: &'a str,
    pub kind: FuncKind,
    pub generator: bool,
    pub is_async: bool,
    /// Runs later than the code around it.
    pub named: bool,
    /// The class variable of the function around, for `super`.
    pub class: Option<VarId>,
    pub generics: Vec<&'a str>,
    pub params: &'a [Form<'a>],
    pub ret: Option<Form<'a>>,
    pub props: &'a [Prop<'a>],
    pub body: &'a [Form<'a>],
}

/// A parameter list, return type and body, as they follow the name.
pub(super) struct Signature<'a> {
    pub params: &'a [Form<'a>],
    pub ret: Option<Form<'a>>,
    pub body: &'a [Form<'a>],
}

/// A parameter taken from its notation.
struct RawParam<'a> {
    name: &'a str,
    pattern: Option<&'a Form<'a>>,
    kind: ParamKind,
    ty: Option<Form<'a>>,
    default: Option<&'a Form<'a>>,
    span: Span,
}

impl<'a> Lower<'a, '_> {
    // --- forms

    /// `(fn ...)` as an expression: anonymous, a member of something, or named where no block has bound it beforehand.
    pub(super) fn fn_form(&mut self, form: &'a Form<'a>, gene: &'a GeneForm<'a>, star: bool) -> E<'a> {
        let span = form.span;
        if star {
            if let [name, Form { kind: FormKind::Array { .. }, .. }, ..] = gene.children
                && let Some(name) = symbol(name)
            {
                let message = format!("fn*: has no name; a generator with one is (fn {name}* [...] ...)");
                return self.error(span, message);
            }
            return self.literal(form);
        }
        if let Some((name, spelling)) = fn_definition(form)
            && self.defines_name(spelling)
        {
            let exported = spelling != super::scan::Spelling::Plain;
            let Some(func) = self.named_function(form) else { return self.nil(span) };
            let value = self.e(span, ExprKind::Fn(func));
            let declaration = Declaration { exported, ..Declaration::new(NameKind::Fn) };
            return self.declare_as(span, name, span, declaration, value);
        }
        match gene.children.first().map(|child| child.kind) {
            Some(FormKind::Path(parts)) => {
                let Some((base, key)) = self.path_target(span, parts) else { return self.nil(span) };
                let Key::Name { .. } = key else { return self.error(span, "fn: invalid name") };
                let Some(func) = self.named_function(form) else { return self.nil(span) };
                let value = self.e(span, ExprKind::Fn(func));
                self.e(span, ExprKind::Set { base, key, value })
            }
            Some(FormKind::Array { .. }) => self.literal(form),
            _ => self.error(span, "fn: missing parameter list"),
        }
    }

    fn literal(&mut self, form: &'a Form<'a>) -> E<'a> {
        match self.function_literal(form, FuncKind::Fn) {
            Some(func) => self.e(form.span, ExprKind::Fn(func)),
            None => self.nil(form.span),
        }
    }

    /// `(fn [..] ..)` or `(fn* [..] ..)`, without a name.
    pub(super) fn function_literal(&mut self, form: &'a Form<'a>, kind: FuncKind) -> Option<FuncId> {
        let FormKind::Gene(gene) = form.kind else { return None };
        let star = gene.head.as_ref().and_then(symbol) == Some("fn*");
        self.check_props(gene, if star { "fn*" } else { "fn" }, super::properties::FUNCTION);
        let signature = self.signature(form.span, "fn", gene.children)?;
        Some(self.function(FnSpec {
            span: form.span,
            name: None,
            full_name: "<fn>",
            kind,
            generator: star || has_flag(gene.props, "generator"),
            is_async: has_flag(gene.props, "async"),
            named: false,
            class: None,
            generics: Vec::new(),
            params: signature.params,
            ret: signature.ret,
            props: gene.props,
            body: signature.body,
        }))
    }

    /// `(fn name [..] ..)`, where the name may be a path; binding it is the caller's business.
    pub(super) fn named_function(&mut self, form: &'a Form<'a>) -> Option<FuncId> {
        let FormKind::Gene(gene) = form.kind else { return None };
        self.check_props(gene, "fn", super::properties::FUNCTION);
        let [target, rest @ ..] = gene.children else {
            self.error(form.span, "fn: missing parameter list");
            return None;
        };
        let full = match target.kind {
            FormKind::Path([.., PathPart::Name(name)]) => name,
            _ => name_of(target)?,
        };
        let (name, generics) = self.generic_head(full, target.span, false);
        let signature = self.signature(form.span, "fn", rest)?;
        let kind = if is_macro_name(name) { FuncKind::Macro } else { FuncKind::Fn };
        Some(self.function(FnSpec {
            span: form.span,
            name: Some(name),
            full_name: name,
            kind,
            generator: is_generator_name(name) || has_flag(gene.props, "generator"),
            is_async: has_flag(gene.props, "async"),
            named: true,
            class: None,
            generics,
            params: signature.params,
            ret: signature.ret,
            props: gene.props,
            body: signature.body,
        }))
    }

    /// `(x -> body...)`
    pub(super) fn lambda(&mut self, form: &'a Form<'a>, gene: &'a GeneForm<'a>) -> E<'a> {
        let Some(head) = gene.head.as_ref().filter(|head| name_of(head).is_some()) else {
            return self.error(form.span, "lambda: expects one parameter name");
        };
        self.check_props(gene, "lambda", &["intent", "examples", "pre", "post"]);
        let func = self.function(FnSpec {
            span: form.span,
            name: None,
            full_name: "<fn>",
            kind: FuncKind::Fn,
            generator: false,
            is_async: false,
            named: false,
            class: None,
            generics: Vec::new(),
            params: std::slice::from_ref(head),
            ret: None,
            props: gene.props,
            body: &gene.children[1..],
        });
        self.e(form.span, ExprKind::Fn(func))
    }

    /// Splits `name:T:U` and checks the generic parameters. Enums have their own text for duplicates.
    pub(super) fn generic_head(&mut self, full: &'a str, span: Span, is_enum: bool) -> (&'a str, Vec<&'a str>) {
        let (name, generics) = split_generics(full);
        let mut known = Vec::new();
        for generic in generics.into_iter().flat_map(|text| text.split(':')) {
            if known.contains(&generic) && is_enum {
                self.error(span, format!("enum {name} has duplicate generic parameter {generic}"));
            } else if !starts_upper(generic) || known.contains(&generic) {
                self.error(span, format!("invalid generic parameter {generic}"));
            } else {
                known.push(generic);
            }
        }
        (name, known)
    }

    /// Parameter list, return type with effects, body.
    pub(super) fn signature(&mut self, span: Span, word: &str, forms: &'a [Form<'a>]) -> Option<Signature<'a>> {
        let [Form { kind: FormKind::Array { items, .. }, .. }, rest @ ..] = forms else {
            self.error(span, format!("{word}: missing parameter list"));
            return None;
        };
        let (ret, body) = match rest {
            [arrow, ty, rest @ ..] if is_symbol(arrow, "->") => (Some(*ty), rest),
            [arrow] if is_symbol(arrow, "->") => {
                self.error(arrow.span, format!("{word}: missing return type"));
                (None, &[][..])
            }
            _ => (None, rest),
        };
        let body = match body {
            [mark, Form { kind: FormKind::Array { .. }, .. }, rest @ ..] if ret.is_some() && is_symbol(mark, "!") => {
                rest
            }
            _ => body,
        };
        Some(Signature { params: items, ret, body })
    }

    // --- functions

    pub(super) fn function(&mut self, spec: FnSpec<'a>) -> FuncId {
        super::with_stack(|| self.function_here(spec))
    }

    fn function_here(&mut self, spec: FnSpec<'a>) -> FuncId {
        let outer_generics = self.generics.len();
        self.generics.extend_from_slice(&spec.generics);
        let id = self.enter_function(spec.kind, spec.named, None);
        self.cx().class = spec.class;
        self.cx().generator = spec.generator && !spec.is_async;
        self.push_scope();
        let receiver = matches!(spec.kind, FuncKind::Method | FuncKind::Ctor | FuncKind::Thunk);
        let self_var = receiver.then(|| self.bind_hidden(scope::SELF));
        let env_var = (spec.kind == FuncKind::Macro).then(|| self.bind_hidden(scope::CALLER));
        let params = self.params(spec.params);
        let pre = self.contracts(spec.props, "pre");
        let ret = spec.ret.map(|form| self.type_ref(form, &format!("return value of {}", spec.full_name)));
        let (intent, examples) = self.metadata(spec.props);
        let (result_var, post, body, ret) = if spec.is_async {
            let (func, post, result_var) = self.async_body(&spec, ret);
            // The postconditions belong to the inner function.
            debug_assert!(post.is_empty() || result_var.is_some());
            let body = self.e(spec.span, ExprKind::Async { func, raw: false });
            self.pop_scope();
            (None, &[][..], body, None)
        } else {
            let (result_var, post) = self.postconditions(spec.props);
            (result_var, post, self.function_body(spec.body, spec.span), ret)
        };
        let cx = self.leave_function();
        self.generics.truncate(outer_generics);
        self.funcs[id as usize] = Some(FuncDraft {
            name: spec.name,
            params,
            self_var,
            env_var,
            ret,
            pre,
            post,
            result_var,
            intent,
            examples,
            ..FuncDraft::new(cx, spec.full_name, spec.span, body)
        });
        id
    }

    /// The body in the scope that holds the parameters, which is left then.
    fn function_body(&mut self, forms: &'a [Form<'a>], span: Span) -> E<'a> {
        let params = self.scope().vars.len();
        let parts = self.statements(forms, span);
        let declares = self.scope().vars.len() > params;
        let cells = self.pop_scope();
        match (parts.body, parts.hoisted) {
            ([], []) => self.nil(span),
            ([only], []) if !declares => only,
            _ => self.e(span, ExprKind::Block(Block { cells, hoisted: parts.hoisted, body: parts.body })),
        }
    }

    /// The body of a `^^async` function: a task body that checks the result.
    fn async_body(
        &mut self,
        spec: &FnSpec<'a>,
        ret: Option<TypeRef<'a>>,
    ) -> (FuncId, &'a [Contract<'a>], Option<VarId>) {
        let id = self.enter_function(FuncKind::Async, false, None);
        self.push_scope();
        let (result_var, post) = self.postconditions(spec.props);
        let body = self.function_body(spec.body, spec.span);
        let cx = self.leave_function();
        let draft = FuncDraft { ret, post, result_var, ..FuncDraft::new(cx, spec.full_name, spec.span, body) };
        self.funcs[id as usize] = Some(draft);
        (id, post, result_var)
    }

    /// An expression evaluated later with `self`, such as a field's default.
    pub(super) fn thunk(&mut self, form: &'a Form<'a>, full_name: &'a str) -> FuncId {
        let id = self.enter_function(FuncKind::Thunk, true, Some("return used outside of a function"));
        self.push_scope();
        let self_var = self.bind_hidden(scope::SELF);
        let body = self.function_body(std::slice::from_ref(form), form.span);
        let cx = self.leave_function();
        let draft = FuncDraft { self_var: Some(self_var), ..FuncDraft::new(cx, full_name, form.span, body) };
        self.funcs[id as usize] = Some(draft);
        id
    }

    // --- metadata

    fn contracts(&mut self, props: &'a [Prop<'a>], key: &str) -> &'a [Contract<'a>] {
        let Some(prop) = props.iter().find(|prop| prop.key == key) else { return &[] };
        let FormKind::Array { items, .. } = prop.value.kind else {
            self.error(prop.value.span, format!("^{key} expects an array of conditions"));
            return &[];
        };
        let mut contracts = Vec::with_capacity(items.len());
        for item in items {
            // What a condition declares is its own.
            let cond = self.block(std::slice::from_ref(item), item.span);
            contracts.push(Contract { cond, text: self.text(&text::debug(item)) });
        }
        self.slice(&contracts)
    }

    fn postconditions(&mut self, props: &'a [Prop<'a>]) -> (Option<VarId>, &'a [Contract<'a>]) {
        if !props.iter().any(|prop| prop.key == "post") {
            return (None, &[]);
        }
        self.push_scope();
        let result = self.bind_local("result", Span::default(), None);
        let post = self.contracts(props, "post");
        self.pop_scope();
        (Some(result), post)
    }

    fn metadata(&mut self, props: &'a [Prop<'a>]) -> (Option<&'a str>, Option<Form<'a>>) {
        let mut examples = None;
        if let Some(prop) = props.iter().find(|prop| prop.key == "examples") {
            if !are_examples(&prop.value) {
                self.error(prop.value.span, "Invalid ^examples");
            }
            examples = Some(prop.value);
        }
        (intent(props), examples)
    }

    // --- parameters

    fn params(&mut self, items: &'a [Form<'a>]) -> &'a [Param<'a>] {
        let raw = self.raw_params(items);
        let mut params = Vec::with_capacity(raw.len());
        for param in &raw {
            let ty = param.ty.map(|form| self.type_ref(form, param.name));
            // The type of a rest parameter is that of its elements.
            let var = self.new_var(param.name, ty.filter(|_| param.kind != ParamKind::Rest));
            params.push(Param {
                var,
                name: param.name,
                kind: param.kind,
                default: None,
                pat: None,
                ty,
                span: param.span,
            });
        }
        // Defaults see what is bound before them: positional parameters come first, then keywords.
        let keyword = |kind: ParamKind| matches!(kind, ParamKind::Keyword | ParamKind::KeywordRest);
        let (keywords, positional): (Vec<usize>, Vec<usize>) = (0..raw.len()).partition(|at| keyword(raw[*at].kind));
        for at in positional.into_iter().chain(keywords) {
            let RawParam { name, pattern, default, span, .. } = raw[at];
            params[at].default = default.map(|form| self.block(std::slice::from_ref(form), form.span));
            match pattern {
                Some(pattern) => {
                    let pat = self.bind_pattern(pattern, false);
                    params[at].pat = Some(self.arena.alloc(pat));
                }
                None if name == "_" => {}
                None => self.bind_local_to(name, span, params[at].var),
            }
        }
        self.slice(&params)
    }

    fn raw_params(&mut self, items: &'a [Form<'a>]) -> Vec<RawParam<'a>> {
        let mut params: Vec<RawParam<'a>> = Vec::with_capacity(items.len());
        let mut rest = items;
        while let [item, after @ ..] = rest {
            rest = after;
            let mut param = RawParam {
                name: "_",
                pattern: None,
                kind: ParamKind::Positional,
                ty: None,
                default: None,
                span: item.span,
            };
            let mut typed = false;
            match item.kind {
                FormKind::Array { .. } | FormKind::Map { .. } => param.pattern = Some(item),
                _ => match name_of(item).filter(|name| !matches!(*name, "..." | "=" | "...:")) {
                    None => {
                        self.error(item.span, "Invalid parameter");
                        continue;
                    }
                    Some(full) => {
                        let (name, keyword) = match full.strip_prefix('^') {
                            Some(name) if !name.is_empty() && !name.starts_with('^') => (name, true),
                            _ => (full, false),
                        };
                        typed = typed_name(name).is_some();
                        let name = typed_name(name).unwrap_or(name);
                        let mut surplus = rest_name(name).is_some();
                        param.name = rest_name(name).unwrap_or(name);
                        if full.starts_with('^') && (!keyword || param.name.is_empty() || name == "...") || name == ":"
                        {
                            self.error(item.span, "Invalid parameter");
                            continue;
                        }
                        if let [mark @ Form { kind: FormKind::Symbol("..." | "...:"), .. }, after @ ..] = rest {
                            surplus = true;
                            typed |= is_symbol(mark, "...:");
                            rest = after;
                        }
                        param.kind = match (keyword, surplus) {
                            (false, false) => ParamKind::Positional,
                            (false, true) => ParamKind::Rest,
                            (true, false) => ParamKind::Keyword,
                            (true, true) => ParamKind::KeywordRest,
                        };
                    }
                },
            }
            if typed {
                let [ty, after @ ..] = rest else {
                    self.error(item.span, "Invalid parameter");
                    continue;
                };
                param.ty = Some(*ty);
                rest = after;
            }
            if let [equals, after @ ..] = rest
                && is_symbol(equals, "=")
            {
                let [default, after @ ..] = after else {
                    self.error(equals.span, "Invalid parameter");
                    break;
                };
                param.default = Some(default);
                rest = after;
            }
            self.check_param(&param, &params);
            params.push(param);
        }
        params
    }

    fn check_param(&mut self, param: &RawParam<'a>, before: &[RawParam<'a>]) {
        let same_kind = before.iter().any(|other| other.kind == param.kind);
        match param.kind {
            ParamKind::Rest | ParamKind::KeywordRest if same_kind => {
                self.error(param.span, "more than one rest parameter");
            }
            ParamKind::Rest | ParamKind::KeywordRest if param.default.is_some() => {
                self.error(param.span, "Invalid parameter");
            }
            _ => {}
        }
        if param.name != "_" && before.iter().any(|other| other.name == param.name) {
            self.error(param.span, format!("duplicate parameter {}", param.name));
        }
    }

    // --- generators

    pub(super) fn yield_(&mut self, span: Span, gene: &'a GeneForm<'a>) -> E<'a> {
        let value = match gene.children {
            [] => None,
            [value] => Some(self.expr(value)),
            children => return self.count_error(span, "yield", "0 or 1 arguments", children.len()),
        };
        if !self.cx().generator {
            return self.error(span, "yield used outside of a generator");
        }
        self.warn_open_scope(span);
        if !self.cx().bound_locals.is_empty() {
            return self.yield_unbound(span, value);
        }
        self.e(span, ExprKind::Yield(value))
    }

    /// Only the task and scope that resumed the generator first can resume it again (4.5).
    fn warn_open_scope(&mut self, span: Span) {
        if self.cx().open_scopes > 0 {
            self.warn(span, "yield inside an open scope: the generator can go on in that scope only".to_string());
        }
    }

    pub(super) fn yield_star(&mut self, span: Span, gene: &'a GeneForm<'a>) -> E<'a> {
        let Some(value) = self.only_child(span, "yield*", gene) else { return self.nil(span) };
        let value = self.expr(value);
        if !self.cx().generator {
            return self.error(span, "yield used outside of a generator");
        }
        self.warn_open_scope(span);
        self.e(span, ExprKind::YieldStar(value))
    }
}

/// Names of generator functions end in `*`; the operators `*` and `**` are none.
pub(super) fn is_generator_name(name: &str) -> bool {
    name.ends_with('*') && !matches!(name, "*" | "**")
}

pub(super) fn has_flag(props: &[Prop<'_>], key: &str) -> bool {
    let set = |prop: &Prop<'_>| {
        prop.key == key && prop.kind != PropKind::Negated && matches!(prop.value.kind, FormKind::True)
    };
    props.iter().any(set)
}

/// The text of `^intent`.
pub(super) fn intent<'a>(props: &[Prop<'a>]) -> Option<&'a str> {
    props.iter().find_map(|prop| match (prop.key, prop.value.kind) {
        ("intent", FormKind::Str(text)) => Some(text),
        _ => None,
    })
}

/// `[args...] -> result` and `[args...] throws Class`, any number of times.
fn are_examples(form: &Form<'_>) -> bool {
    let FormKind::Array { items, .. } = form.kind else { return false };
    let case = |case: &[Form<'_>]| match case {
        [Form { kind: FormKind::Array { .. }, .. }, word, result] => match symbol(word) {
            Some("->") => true,
            Some("throws") => matches!(result.kind, FormKind::Symbol(_) | FormKind::Path(_)),
            _ => false,
        },
        _ => false,
    };
    items.chunks(3).all(case)
}
