//! Calls, arguments, construction of instances.

use super::Lower;
use super::scope::NameKind;
use super::words::{infix_op, is_macro_name, is_symbol, method_name, rest_name, symbol};
use crate::compile::hir::{Arg, Args, E, ExprKind, FuncKind, MacroSite, PropArg};
use crate::syntax::dynamic_method;
use crate::syntax::form::{Form, FormKind, GeneForm, PathPart, Prop, PropKind, Span};

impl<'a> Lower<'a, '_> {
    /// A form that is no special shape. Words that lexical scope may shadow get their meaning here.
    pub(super) fn call(&mut self, form: &'a Form<'a>, gene: &'a GeneForm<'a>, head: &'a Form<'a>) -> E<'a> {
        let span = form.span;
        if let Some(name) = symbol(head) {
            if self.find(name).is_none()
                && let Some(special) = self.global_form(form, gene, name)
            {
                return special;
            }
            if is_macro_name(name) {
                let callee = self.head(head);
                let site = self.macro_site(gene);
                return self.e(span, ExprKind::CallMacro { callee, site });
            }
        }
        if let FormKind::Path([PathPart::Name("gene"), PathPart::Name("test"), PathPart::Name("virtual")]) = head.kind
            && self.find("gene").is_none()
        {
            return self.virtual_form(span, gene);
        }
        if let FormKind::Path([.., PathPart::Name(name)]) = head.kind
            && is_macro_name(name)
        {
            let callee = self.head(head);
            let site = self.macro_site(gene);
            return self.e(span, ExprKind::CallMacro { callee, site });
        }
        let may_be_macro = self.scan.macro_values && self.may_be_macro(head);
        let callee = self.head(head);
        let args = self.args(gene.children, gene.props, gene.props_at as usize);
        if may_be_macro {
            let site = self.macro_site(gene);
            return self.e(span, ExprKind::CallMaybeMacro { callee, args, site });
        }
        self.e(span, ExprKind::Call { callee, args })
    }

    fn may_be_macro(&self, head: &Form<'_>) -> bool {
        match head.kind {
            FormKind::Symbol(name) => match self.find(name) {
                None => false,
                Some(binding) => match binding.kind {
                    NameKind::Fn | NameKind::Class | NameKind::Enum(_) | NameKind::Alias(_) => {
                        self.scan.assigned.contains(name)
                    }
                    _ => true,
                },
            },
            FormKind::Path(_) => true,
            FormKind::Gene(gene) => !matches!(gene.head.as_ref().and_then(symbol), Some("fn" | "fn*")),
            _ => false,
        }
    }

    /// Forms of names that are not reserved; `None` for an ordinary call.
    fn global_form(&mut self, form: &'a Form<'a>, gene: &'a GeneForm<'a>, name: &'a str) -> Option<E<'a>> {
        let span = form.span;
        let result = match name {
            _ if infix_op(name).is_some() => return self.prefix_operator(form, gene, name),
            "range" => return self.range(span, gene),
            "assert" => return self.assert(span, gene),
            "eval" => self.eval_form(span, gene),
            "spawn" => self.spawn(span, gene),
            "match" => self.error(span, "(match ...) was removed: use (var pattern value) or (case ...)"),
            "concurrent" | "timeout" | "shield" | "gather" | "detach" | "select" | "tasklocal" | "with_local"
            | "with_lock" | "with_read" | "with_write" | "with_permit" => {
                return self.concurrent_form(span, gene, name);
            }
            "Class" => return self.dynamic_class(span, gene),
            _ => return None,
        };
        Some(result)
    }

    /// The parts of a macro call as data.
    fn macro_site(&mut self, gene: &'a GeneForm<'a>) -> &'a MacroSite<'a> {
        let props: Vec<(&'a str, Form<'a>)> = gene.props.iter().map(|prop| (prop.key, prop.value)).collect();
        let props = self.slice(&props);
        let env = self.visible();
        self.arena.alloc(MacroSite { children: gene.children, props, env })
    }

    // --- arguments

    /// Children and properties in source order; `props_at` children stand before the properties.
    pub(super) fn args(&mut self, children: &'a [Form<'a>], props: &'a [Prop<'a>], props_at: usize) -> Args<'a> {
        let (before, after) = children.split_at(props_at.min(children.len()));
        let mut items = Vec::with_capacity(children.len());
        // A spread marker that stands alone may have got separated from its form by the properties.
        let split = after.first().is_some_and(|child| is_symbol(child, "...")) && !before.is_empty();
        let (before, after) = if split { children.split_at(props_at + 1) } else { (before, after) };
        self.push_items(before, &mut items);
        let props_at = items.len() as u32;
        let props = self.prop_args(props);
        self.push_items(after, &mut items);
        Args { items: self.slice(&items), props, props_at }
    }

    /// Elements of an array.
    pub(super) fn items(&mut self, forms: &'a [Form<'a>]) -> &'a [Arg<'a>] {
        let mut items = Vec::with_capacity(forms.len());
        self.push_items(forms, &mut items);
        self.slice(&items)
    }

    fn push_items(&mut self, forms: &'a [Form<'a>], items: &mut Vec<Arg<'a>>) {
        let mut at = 0;
        while let Some(form) = forms.get(at) {
            at += 1;
            if forms.get(at).is_some_and(|next| is_symbol(next, "...")) && !is_symbol(form, "...") {
                at += 1;
                items.push(Arg::Spread(self.expr(form)));
            } else if let Some(name) = symbol(form).and_then(rest_name) {
                items.push(Arg::Spread(self.word(form.span, name)));
            } else {
                items.push(Arg::One(self.expr(form)));
            }
        }
    }

    pub(super) fn prop_args(&mut self, props: &'a [Prop<'a>]) -> &'a [PropArg<'a>] {
        let mut args = Vec::with_capacity(props.len());
        for prop in props {
            match prop.kind {
                PropKind::Value | PropKind::Flag | PropKind::Negated => {
                    let value = self.expr(&prop.value);
                    args.push(PropArg::Key(prop.key, value));
                }
                PropKind::Spread => args.push(PropArg::Spread(self.expr(&prop.value))),
                PropKind::Rest => {
                    self.error(prop.key_span, format!("^{} is only allowed in parameter lists and patterns", prop.key));
                }
            }
        }
        self.slice(&args)
    }

    // --- methods

    /// `skip` children have been used up.
    pub(super) fn method_call(
        &mut self,
        span: Span,
        recv: E<'a>,
        method: &'a str,
        gene: &'a GeneForm<'a>,
        skip: usize,
    ) -> E<'a> {
        let place = if skip == 0 { gene.head.as_ref() } else { gene.children.first() };
        let dynamic = place.and_then(|form| dynamic_method(self.arena, symbol(form)?, form.span));
        match dynamic {
            None if method == "is"
                && gene.children.len() == skip + 1
                && gene.props.is_empty()
                && !has_spread(&gene.children[skip..]) =>
            {
                let ty = self.type_operand(&gene.children[skip]);
                let args = Args { items: self.slice(&[Arg::One(ty)]), ..Args::default() };
                self.e(span, ExprKind::Method { recv, name: method, args })
            }
            None => {
                let args = self.args_after(gene, skip);
                self.e(span, ExprKind::Method { recv, name: method, args })
            }
            Some(Ok(name)) => {
                let name = self.arena.alloc(name);
                let name = self.expr(name);
                let args = self.args_after(gene, skip);
                self.e(span, ExprKind::MethodDyn { recv, name, args })
            }
            Some(Err(error)) => self.error(error.span, error.message),
        }
    }

    /// The arguments behind the first `skip` children.
    pub(super) fn args_after(&mut self, gene: &'a GeneForm<'a>, skip: usize) -> Args<'a> {
        let props_at = (gene.props_at as usize).saturating_sub(skip);
        self.args(gene.children.get(skip..).unwrap_or_default(), gene.props, props_at)
    }

    pub(super) fn new_(&mut self, span: Span, gene: &'a GeneForm<'a>) -> E<'a> {
        let Some(class) = gene.children.first() else {
            return self.error(span, "new: missing class");
        };
        let class = self.expr(class);
        let args = self.args_after(gene, 1);
        self.e(span, ExprKind::New { class, args })
    }

    pub(super) fn super_call(&mut self, span: Span, gene: &'a GeneForm<'a>) -> E<'a> {
        let method = gene.children.first().and_then(symbol).and_then(method_name);
        if method.is_some_and(is_macro_name) {
            return self.error(span, "macro-like methods are not supported");
        }
        let running = self.stack.iter().rposition(|cx| matches!(cx.kind, FuncKind::Method | FuncKind::Ctor));
        let class = running.and_then(|level| Some((level, self.stack[level].class?)));
        let Some((level, class)) = class else {
            return self.error(span, "super used outside of a method");
        };
        let Some(name) = method else {
            return self.error(span, "super: missing method name");
        };
        let class = self.local_var(level as u32 - 1, class, super::State::Declared);
        let class = self.var_at(span, class);
        let self_ = self.self_(span);
        let args = self.args_after(gene, 1);
        let kind = match name {
            "ctor" => ExprKind::SuperCtor { self_, class, args },
            _ => ExprKind::Super { self_, class, name, args },
        };
        self.e(span, kind)
    }

    // --- words that look like functions

    /// `(range n)`, `(range a b)`, `(range a b step)`; `None` for other argument lists, which the function refuses.
    fn range(&mut self, span: Span, gene: &'a GeneForm<'a>) -> Option<E<'a>> {
        if !gene.props.is_empty() || has_spread(gene.children) {
            return None;
        }
        let children = gene.children;
        if !(1..=3).contains(&children.len()) {
            return None;
        }
        let operands: Vec<E<'a>> = children.iter().map(|child| self.expr(child)).collect();
        let (start, end, step) = match operands[..] {
            [end] => (None, end, None),
            [start, end] => (Some(start), end, None),
            [start, end, step] => (Some(start), end, Some(step)),
            _ => return None,
        };
        Some(self.e(span, ExprKind::Range { start, end, step }))
    }

    fn assert(&mut self, span: Span, gene: &'a GeneForm<'a>) -> Option<E<'a>> {
        if !gene.props.is_empty() || has_spread(gene.children) {
            return None;
        }
        let (cond, message) = match gene.children {
            [cond] => (cond, None),
            [cond, message] => (cond, Some(message)),
            children => return Some(self.count_error(span, "assert", "1 or 2 arguments", children.len())),
        };
        let cond = self.expr(cond);
        let message = message.map(|message| self.conditionally(|lower| lower.expr(message)));
        Some(self.e(span, ExprKind::Assert { cond, message }))
    }

    /// `(Class ^methods {^m (fn ...)} ...)`: function literals among the methods have a `self` of their own.
    fn dynamic_class(&mut self, span: Span, gene: &'a GeneForm<'a>) -> Option<E<'a>> {
        let methods = gene.props.iter().find(|prop| prop.key == "methods")?;
        let FormKind::Map { entries, .. } = methods.value.kind else { return None };
        let callee = self.e(span, ExprKind::Global("Class"));
        let mut props = Vec::new();
        for prop in gene.props {
            if prop.kind == PropKind::Value && prop.key == "methods" {
                let entries: Vec<PropArg<'a>> = entries.iter().flat_map(|entry| self.method_entry(entry)).collect();
                let entries = self.slice(&entries);
                let map = self.e(prop.value.span, ExprKind::Map { entries, frozen: false });
                props.push(PropArg::Key(prop.key, map));
            } else {
                props.extend_from_slice(self.prop_args(std::slice::from_ref(prop)));
            }
        }
        let items = self.items(gene.children);
        let args = Args { items, props: self.slice(&props), props_at: 0 };
        Some(self.e(span, ExprKind::Call { callee, args }))
    }

    fn method_entry(&mut self, entry: &'a Prop<'a>) -> Vec<PropArg<'a>> {
        if let FormKind::Gene(gene) = entry.value.kind
            && matches!(gene.head.as_ref().and_then(symbol), Some("fn" | "fn*"))
            && let Some(func) = self.function_literal(&entry.value, FuncKind::Method)
        {
            let value = self.e(entry.value.span, ExprKind::Fn(func));
            return vec![PropArg::Key(entry.key, value)];
        }
        self.prop_args(std::slice::from_ref(entry)).to_vec()
    }
}

/// Whether some argument is spread, so that their number is not known.
pub(super) fn has_spread(children: &[Form<'_>]) -> bool {
    children.iter().filter_map(symbol).any(|name| name == "..." || rest_name(name).is_some())
}
