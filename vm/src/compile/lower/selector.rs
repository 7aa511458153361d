//! Selectors (chapter 17): values that describe a walk, their application, and updates through them. All of them become calls
//! of natives; the constant parts are a quoted template.

use super::Lower;
use super::call::has_spread;
use super::words::{infix_op, is_symbol, symbol};
use crate::compile::hir::{Arg, Args, E, ExprKind};
use crate::syntax::form::{Form, FormKind, GeneForm, PathPart, Span};

/// Takes the template and the values of its dynamic parts; no script can write the name.
const MAKE: &str = "%selector";
/// Selector application.
const APPLY: &str = "./";

impl<'a> Lower<'a, '_> {
    fn call_native(&mut self, span: Span, name: &'a str, args: &[Arg<'a>]) -> E<'a> {
        let callee = self.e(span, ExprKind::Global(name));
        let args = Args { items: self.slice(args), ..Args::default() };
        self.e(span, ExprKind::Call { callee, args })
    }

    /// `@a/0/<b>`
    pub(super) fn selector(&mut self, span: Span, parts: &'a [PathPart<'a>]) -> E<'a> {
        let mut values = Vec::new();
        for part in parts {
            if let PathPart::Dynamic(form) = part {
                values.push(Arg::One(self.expr(form)));
            }
        }
        self.selector_of(span, parts, &values)
    }

    fn selector_of(&mut self, span: Span, parts: &'a [PathPart<'a>], values: &[Arg<'a>]) -> E<'a> {
        let template = Form { span, kind: FormKind::Selector(parts) };
        let template = self.e(span, ExprKind::Quote(template));
        if values.is_empty() {
            return template;
        }
        let mut args = vec![Arg::One(template)];
        args.extend_from_slice(values);
        self.call_native(span, MAKE, &args)
    }

    /// `(@ p1 p2 ...)`
    pub(super) fn selector_form(&mut self, span: Span, gene: &'a GeneForm<'a>) -> E<'a> {
        if !gene.props.is_empty() {
            return self.error(span, "@: properties are not allowed");
        }
        self.selector_from(span, gene.children)
    }

    fn selector_from(&mut self, span: Span, forms: &'a [Form<'a>]) -> E<'a> {
        if forms.is_empty() {
            return self.error(span, "@: expects at least 1 argument, got 0");
        }
        let mut parts = Vec::with_capacity(forms.len());
        let mut values = Vec::new();
        let mut at = 0;
        while let Some(form) = forms.get(at) {
            at += 1;
            let spread = forms.get(at).is_some_and(|next| is_symbol(next, "..."));
            let part = match form.kind {
                FormKind::Str(name) => PathPart::Name(name),
                FormKind::Int(index) => PathPart::Index(index),
                FormKind::Symbol("*") => PathPart::Values,
                FormKind::Symbol("**") => PathPart::Entries,
                FormKind::Symbol("@") => PathPart::Collect,
                FormKind::Symbol("@@") => PathPart::CollectMap,
                FormKind::Symbol("!") => PathPart::NotNil,
                FormKind::Quote(Form { kind: FormKind::Symbol(name), .. }) => PathPart::Name(name),
                _ => {
                    let items = if spread { &forms[at - 1..at + 1] } else { &forms[at - 1..at] };
                    let several = spread || has_spread(items);
                    // A spread is one Array among the values; its place in the template says so.
                    let value = match several {
                        true => {
                            let items = self.items(items);
                            self.e(form.span, ExprKind::Array { items, frozen: false })
                        }
                        false => self.expr(form),
                    };
                    if spread {
                        at += 1;
                    }
                    values.push(Arg::One(value));
                    let kind = match several {
                        true => FormKind::Array { items: &[], frozen: false },
                        false => FormKind::Nil,
                    };
                    PathPart::Dynamic(self.arena.alloc(Form { span: form.span, kind }))
                }
            };
            parts.push(part);
        }
        let parts = self.slice(&parts);
        self.selector_of(span, parts, &values)
    }

    /// `(v .@a/b)`, `(v .@ p1 p2 ...)`; `rest` is what follows the `.@`.
    pub(super) fn select_method(&mut self, span: Span, value: E<'a>, rest: &'a [Form<'a>], props: bool) -> E<'a> {
        if props {
            return self.error(span, "@: properties are not allowed");
        }
        let selector = match rest {
            [Form { kind: FormKind::Selector(parts), span }] => self.selector(*span, parts),
            _ => self.selector_from(span, rest),
        };
        self.call_native(span, APPLY, &[Arg::One(value), Arg::One(selector)])
    }

    /// `(v ./ p [default])` is no infix expression when nothing but the operands is there.
    pub(super) fn is_selection(gene: &GeneForm<'_>) -> bool {
        match gene.children {
            [_, _] => true,
            [_, _, last] => symbol(last).and_then(infix_op).is_none(),
            _ => false,
        }
    }

    pub(super) fn select(&mut self, span: Span, head: &'a Form<'a>, gene: &'a GeneForm<'a>) -> E<'a> {
        let value = self.expr(head);
        let args = self.args_after(gene, 1);
        let mut items = vec![Arg::One(value)];
        items.extend_from_slice(args.items);
        let args = Args { items: self.slice(&items), ..args };
        let callee = self.e(span, ExprKind::Global(APPLY));
        self.e(span, ExprKind::Call { callee, args })
    }

    /// `(./ v p [default])`, `($set v sel new)` and their kind: calls of the natives of that name.
    pub(super) fn selector_call(&mut self, span: Span, name: &'a str, gene: &'a GeneForm<'a>) -> E<'a> {
        let (least, most) = match name {
            "./" => (2, 3),
            "$delete" => (2, 2),
            _ => (3, 3),
        };
        let given = gene.children.len();
        if !has_spread(gene.children) && !(least..=most).contains(&given) {
            let what =
                if least == most { format!("{least} arguments") } else { format!("{least} or {most} arguments") };
            return self.count_error(span, name, &what, given);
        }
        let callee = self.e(span, ExprKind::Global(name));
        let args = self.args(gene.children, gene.props, gene.props_at as usize);
        self.e(span, ExprKind::Call { callee, args })
    }
}
