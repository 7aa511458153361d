//! Forms to expressions: literals, names, and which kind of form a gene is (1.9).

use super::words::{assign_op, infix_op, is_symbol, method_name, rest_name, symbol};
use super::{Lower, scope, with_stack};
use crate::compile::hir::{Arg, Args, E, ExprKind, Interp, Key, VarRef};
use crate::syntax::form::{Form, FormKind, GeneForm, InterpPart, PathPart, Span};

use super::scope::{Found, Target};

impl<'a> Lower<'a, '_> {
    pub(super) fn expr(&mut self, form: &'a Form<'a>) -> E<'a> {
        with_stack(|| self.expr_here(form))
    }

    fn expr_here(&mut self, form: &'a Form<'a>) -> E<'a> {
        let span = form.span;
        let kind = match form.kind {
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
            | FormKind::Duration(_) => ExprKind::Const(*form),
            FormKind::Regex(_) => ExprKind::Regex(*form),
            FormKind::Interp(parts) => {
                let parts: Vec<Interp<'a>> = parts.iter().map(|part| self.interp_part(part)).collect();
                ExprKind::Interp(self.slice(&parts))
            }
            FormKind::Symbol(name) => return self.symbol(span, name),
            FormKind::Path(parts) => return self.path(span, parts),
            FormKind::Selector(parts) => return self.selector(span, parts),
            FormKind::Array { items, frozen } => ExprKind::Array { items: self.items(items), frozen },
            FormKind::Map { entries, frozen } => ExprKind::Map { entries: self.prop_args(entries), frozen },
            FormKind::HashMap { items, frozen } => {
                let items: Vec<E<'a>> = items.iter().map(|item| self.expr(item)).collect();
                ExprKind::HashMap { items: self.slice(&items), frozen }
            }
            FormKind::Gene(gene) => return self.gene(form, gene),
            FormKind::Quote(inner) => return self.quote(span, inner),
            FormKind::Unquote(_) => return self.raise(span, "RuntimeException", "unquote outside $render"),
        };
        self.e(span, kind)
    }

    fn interp_part(&mut self, part: &'a InterpPart<'a>) -> Interp<'a> {
        match part {
            InterpPart::Text(text) => Interp::Text(text),
            InterpPart::Form(form) => Interp::Expr(self.expr(form)),
        }
    }

    // --- small expressions

    pub(super) fn nil(&self, span: Span) -> E<'a> {
        self.constant(span, FormKind::Nil)
    }

    pub(super) fn constant(&self, span: Span, kind: FormKind<'a>) -> E<'a> {
        self.e(span, ExprKind::Const(Form { span, kind }))
    }

    pub(super) fn var_at(&self, span: Span, var: VarRef) -> E<'a> {
        self.e(span, ExprKind::Var(var))
    }

    /// Literals quote to themselves.
    pub(super) fn quote(&mut self, span: Span, inner: &'a Form<'a>) -> E<'a> {
        match inner.kind {
            FormKind::Nil
            | FormKind::Void
            | FormKind::True
            | FormKind::False
            | FormKind::NotFound
            | FormKind::Int(_)
            | FormKind::Float(_)
            | FormKind::Char(_)
            | FormKind::Str(_) => self.e(span, ExprKind::Const(*inner)),
            _ => self.e(span, ExprKind::Quote(*inner)),
        }
    }

    /// An expression that raises an exception of a predefined class.
    pub(super) fn raise(&mut self, span: Span, class: &'static str, message: &'a str) -> E<'a> {
        let class = self.e(span, ExprKind::Global(class));
        let message = self.constant(span, FormKind::Str(message));
        let args = Args { items: self.slice(&[Arg::One(message)]), ..Args::default() };
        let exception = self.e(span, ExprKind::New { class, args });
        self.e(span, ExprKind::Throw(exception))
    }

    pub(super) fn symbol(&mut self, span: Span, name: &'a str) -> E<'a> {
        match name {
            "self" => self.self_(span),
            "$ex" => match self.resolve_hidden(scope::EX) {
                Some(ex) => self.var_at(span, ex),
                None => self.nil(span),
            },
            "$ns" => self.e(span, ExprKind::ModuleNs),
            "super" => self.error(span, "super used outside of a method"),
            _ if name == "..." || rest_name(name).is_some() => self.error(span, format!("Invalid spread: {name}")),
            _ => self.name(span, name),
        }
    }

    /// The name at the beginning of a longer token, where the reader leaves constants to us: `nil/x`, `nil...`.
    pub(super) fn word(&mut self, span: Span, name: &'a str) -> E<'a> {
        match name {
            "nil" => self.constant(span, FormKind::Nil),
            "void" => self.constant(span, FormKind::Void),
            "true" => self.constant(span, FormKind::True),
            "false" => self.constant(span, FormKind::False),
            "not_found" => self.constant(span, FormKind::NotFound),
            _ => self.symbol(span, name),
        }
    }

    /// A name that is no special word.
    pub(super) fn name(&mut self, span: Span, name: &'a str) -> E<'a> {
        match self.resolve(name) {
            Some(found) => {
                let value = self.found(span, name, found);
                match self.find(name).map(|binding| binding.kind) {
                    Some(scope::NameKind::TaskLocal) => self.read_local(span, value, "%local_get"),
                    // What the other module exports under the name is known only when it runs.
                    Some(scope::NameKind::Import) if name.starts_with(|c: char| c.is_lowercase()) => {
                        self.read_local(span, value, "%local_value")
                    }
                    _ => value,
                }
            }
            None => self.e(span, ExprKind::Global(name)),
        }
    }

    /// What is called, or what a path starts from. An imported name is taken as it is: functions and namespaces are read often, and
    /// a task-local that turns up here is opened where it is used.
    pub(super) fn head(&mut self, form: &'a Form<'a>) -> E<'a> {
        match symbol(form) {
            Some(name) => self.head_name(form.span, name).unwrap_or_else(|| self.expr(form)),
            None => self.expr(form),
        }
    }

    pub(super) fn head_name(&mut self, span: Span, name: &'a str) -> Option<E<'a>> {
        if self.find(name)?.kind != scope::NameKind::Import {
            return None;
        }
        let found = self.resolve(name)?;
        Some(self.found(span, name, found))
    }

    /// The running task's value of a task-local.
    fn read_local(&mut self, span: Span, key: E<'a>, how: &'static str) -> E<'a> {
        let callee = self.e(span, ExprKind::Global(how));
        let args = Args { items: self.slice(&[Arg::One(key)]), ..Args::default() };
        self.e(span, ExprKind::Call { callee, args })
    }

    pub(super) fn found(&mut self, span: Span, name: &'a str, found: Found) -> E<'a> {
        match found.target {
            Target::Var(var) => self.var_at(span, var),
            Target::Member(ns) => {
                let base = self.var_at(span, ns);
                self.e(span, ExprKind::Get { base, key: Key::Name { name, fallback: None } })
            }
        }
    }

    pub(super) fn self_(&mut self, span: Span) -> E<'a> {
        match self.resolve_hidden(scope::SELF) {
            Some(var) => self.var_at(span, var),
            None => self.e(span, ExprKind::ModuleNs),
        }
    }

    // --- genes

    /// `(f)/0` is two forms, which is hardly meant.
    fn warn_of_path(&mut self, head: &Form<'a>, children: &[Form<'a>]) {
        let mut before = head;
        for form in children {
            if let FormKind::Path([PathPart::SelfRef, ..]) = form.kind
                && let FormKind::Gene(_) | FormKind::Array { .. } | FormKind::Map { .. } | FormKind::HashMap { .. } =
                    before.kind
                && before.span.end == form.span.start
            {
                self.warn(
                    form.span,
                    "a path behind a bracket is a form of its own, of self; one into its value is (value ./ 0) or (value ./ \"name\")".to_owned(),
                );
            }
            before = form;
        }
    }

    fn gene(&mut self, form: &'a Form<'a>, gene: &'a GeneForm<'a>) -> E<'a> {
        let span = form.span;
        let Some(head) = &gene.head else {
            return if gene.frozen { self.construct(span, gene) } else { self.nil(span) };
        };
        if gene.frozen {
            return self.construct(span, gene);
        }
        self.warn_of_path(head, gene.children);
        if let Some(name) = symbol(head)
            && let Some(special) = self.special(form, gene, name)
        {
            return special;
        }
        if let Some(word) = gene.children.first().and_then(symbol) {
            if let Some(op) = assign_op(word) {
                return self.assign(span, gene, op);
            }
            if let Some(method) = method_name(word) {
                let recv = self.expr(head);
                return self.method_call(span, recv, method, gene, 1);
            }
            if word == "./" && Self::is_selection(gene) {
                return self.select(span, head, gene);
            }
            if word == ".@" {
                let value = self.expr(head);
                return self.select_method(span, value, &gene.children[1..], !gene.props.is_empty());
            }
            if infix_op(word).is_some() {
                return self.infix(span, gene);
            }
            if word == "?" && gene.children.len() == 1 {
                let value = self.expr(head);
                return self.e(span, ExprKind::Unwrap(value));
            }
            if word == "->" {
                return self.lambda(form, gene);
            }
        }
        match head.kind {
            FormKind::Symbol(name) if method_name(name).is_some() => {
                let recv = self.self_(head.span);
                self.method_call(span, recv, method_name(name).unwrap_or(name), gene, 0)
            }
            FormKind::Symbol(".@") => {
                let value = self.self_(head.span);
                self.select_method(span, value, gene.children, !gene.props.is_empty())
            }
            FormKind::Symbol("_") | FormKind::Quote(_) | FormKind::Str(_) | FormKind::Interp(_) => {
                self.construct(span, gene)
            }
            _ => self.call(form, gene, head),
        }
    }

    /// Special forms whose names cannot be bound.
    fn special(&mut self, form: &'a Form<'a>, gene: &'a GeneForm<'a>, name: &'a str) -> Option<E<'a>> {
        let span = form.span;
        self.check_special(gene, name);
        let result = match name {
            "do" => self.block(gene.children, span),
            "if" => self.if_(span, gene.children),
            "ifel" => self.ifel(span, gene.children),
            "if_not" => self.if_not(span, gene.children),
            "while" => self.while_(span, gene),
            "loop" => self.loop_(span, gene),
            "repeat" => self.repeat(span, gene),
            "for" => self.for_(span, gene),
            "break" => self.break_(span, gene),
            "continue" => self.continue_(span, gene),
            "return" => self.return_(span, gene),
            "case" => self.case(span, gene),
            "with" => self.with(span, gene),
            "try" => self.try_(span, gene),
            "throw" => self.throw(span, gene),
            "var" => self.var_form(span, gene, false),
            "let" => self.var_form(span, gene, true),
            "fn" | "fn*" => self.fn_form(form, gene, name == "fn*"),
            "yield" => self.yield_(span, gene),
            "yield*" => self.yield_star(span, gene),
            "new" => self.new_(span, gene),
            "super" => self.super_call(span, gene),
            "class" | "object" => self.class(span, gene, name == "object"),
            "extend" => self.extend(span, gene),
            "enum" => self.enum_(span, gene),
            "ns" => self.ns(span, gene),
            "import" => self.import(span, gene),
            "export" => self.export(span, gene),
            "async" => self.async_(span, gene),
            "await" => self.await_(span, gene),
            "!" => match gene.children {
                [operand] => {
                    let operand = self.expr(operand);
                    self.e(span, ExprKind::Bang(operand))
                }
                children => self.count_error(span, "!", "1 argument", children.len()),
            },
            "not" => match gene.children {
                [operand] => {
                    let operand = self.expr(operand);
                    self.e(span, ExprKind::Not(operand))
                }
                children => self.count_error(span, "not", "1 argument", children.len()),
            },
            "and" | "or" | "is" if !gene.children.first().is_some_and(|child| assign_op_or_infix(child)) => {
                self.prefix_operator(form, gene, name)?
            }
            "$render" => self.render(span, gene),
            "$caller_eval" => self.caller_eval(span, gene),
            "$dep" => self.dep(span, gene),
            "@" => self.selector_form(span, gene),
            "$set" | "$update" | "$delete" | "./" => self.selector_call(span, name, gene),
            "type" => self.type_form(form, gene),
            "interface" => self.interface(span, gene),
            "implement" => self.implement(span, gene),
            // Evaluated already: what it emitted stands in it (see `compile::comptime`).
            "comptime" => self.block(gene.children, span),
            "ctor!" | "new!" if self.resolve(name).is_none() => {
                self.error(span, "macro-like methods are not supported")
            }
            "elif" | "then" => self.error(span, format!("{name} used outside of if")),
            "else" => self.error(span, "else used outside of if or case"),
            "when" => self.error(span, "when used outside of case"),
            "catch" | "finally" => self.error(span, format!("{name} used outside of try")),
            "in" => self.error(span, "in used outside of for"),
            "method" | "ctor" | "field" | "static" => self.error(span, format!("{name} used outside of a class")),
            "on_method_missing" if self.resolve(name).is_none() => {
                self.error(span, "on_method_missing used outside of a class")
            }
            _ => return None,
        };
        Some(result)
    }

    /// Gene construction: the head is the type, used unquoted.
    fn construct(&mut self, span: Span, gene: &'a GeneForm<'a>) -> E<'a> {
        let ty = match &gene.head {
            None => self.nil(span),
            Some(head) => match head.kind {
                FormKind::Quote(inner) => self.quote(head.span, inner),
                FormKind::Symbol("_") => self.e(head.span, ExprKind::Quote(*head)),
                _ => self.expr(head),
            },
        };
        let args = self.args(gene.children, gene.props, gene.props_at as usize);
        self.e(span, ExprKind::Gene { ty, args, frozen: gene.frozen })
    }

    /// `NAME: expects WHAT, got N`
    pub(super) fn count_error(&mut self, span: Span, name: &str, what: &str, got: usize) -> E<'a> {
        self.error(span, format!("{name}: expects {what}, got {got}"))
    }

    /// The one operand of a form, or an error.
    pub(super) fn only_child(&mut self, span: Span, name: &str, gene: &'a GeneForm<'a>) -> Option<&'a Form<'a>> {
        match gene.children {
            [only] => Some(only),
            children => {
                self.count_error(span, name, "1 argument", children.len());
                None
            }
        }
    }
}

fn assign_op_or_infix(child: &Form<'_>) -> bool {
    is_symbol(child, "->") || symbol(child).is_some_and(|word| assign_op(word).is_some() || method_name(word).is_some())
}
