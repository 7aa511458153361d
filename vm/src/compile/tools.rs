//! Forms of the development tools, made into ordinary calls before anything else looks at them: `(test "name" form...)` and
//! `(suite "name" form...)` in test files, `(doc name)` in sessions.

use bumpalo::Bump;

use crate::syntax::form::{Form, FormKind, GeneForm, PathPart, Span};

/// `(test "name" form...)` becomes `(test "name" (fn [] form...))`, and the same for `suite`, wherever they are called by plain
/// name or in namespace `testing`. A module that defines a function of such a name means its own.
pub fn with_test_bodies<'a>(arena: &'a Bump, forms: &'a [Form<'a>]) -> &'a [Form<'a>] {
    let own = |name: &str| forms.iter().any(|form| defines(form, name));
    let plain = Plain { test: !own("test"), suite: !own("suite") };
    rewrite_all(arena, forms, plain)
}

#[derive(Clone, Copy)]
struct Plain {
    test: bool,
    suite: bool,
}

fn defines(form: &Form<'_>, name: &str) -> bool {
    let FormKind::Gene(gene) = form.kind else { return false };
    let definition = matches!(gene.head.map(|h| h.kind), Some(FormKind::Symbol("fn" | "var" | "let" | "import")));
    definition && gene.children.iter().any(|child| matches!(child.kind, FormKind::Symbol(s) if s == name))
}

fn rewrite_all<'a>(arena: &'a Bump, forms: &'a [Form<'a>], plain: Plain) -> &'a [Form<'a>] {
    // Most lists hold no test: these are kept as they are.
    let mut out: Option<Vec<Form<'a>>> = None;
    for (i, form) in forms.iter().enumerate() {
        let new = rewrite(arena, form, plain);
        if let (None, Some(_)) = (&out, &new) {
            out = Some(forms[..i].to_vec());
        }
        if let Some(out) = &mut out {
            out.push(new.unwrap_or(*form));
        }
    }
    out.map_or(forms, |out| arena.alloc_slice_copy(&out))
}

/// `None`: nothing to change. Tests are looked for in calls only, as deep as people write them.
fn rewrite<'a>(arena: &'a Bump, form: &Form<'a>, plain: Plain) -> Option<Form<'a>> {
    let FormKind::Gene(gene) = form.kind else { return None };
    if gene.frozen {
        return None;
    }
    let children = crate::compile::lower::with_stack(|| rewrite_all(arena, gene.children, plain));
    let is_case = is_case(gene, plain);
    if !is_case && std::ptr::eq(children, gene.children) {
        return None;
    }
    let children = match children.split_first() {
        Some((name, body)) if is_case => {
            let function = function(arena, form.span, body);
            arena.alloc_slice_copy(&[*name, function])
        }
        _ => children,
    };
    let props_at = gene.props_at.min(children.len() as u32);
    let gene = arena.alloc(GeneForm { children, props_at, ..*gene });
    Some(Form { span: form.span, kind: FormKind::Gene(gene) })
}

fn is_case(gene: &GeneForm<'_>, plain: Plain) -> bool {
    match gene.head.map(|head| head.kind) {
        Some(FormKind::Symbol("test")) => plain.test,
        Some(FormKind::Symbol("suite")) => plain.suite,
        Some(FormKind::Path([PathPart::Name("testing"), PathPart::Name("test" | "suite")])) => true,
        _ => false,
    }
}

/// `(fn [] body...)`
fn function<'a>(arena: &'a Bump, span: Span, body: &[Form<'a>]) -> Form<'a> {
    let params = Form { span, kind: FormKind::Array { items: &[], frozen: false } };
    let mut children = vec![params];
    children.extend_from_slice(body);
    call(arena, span, "fn", &children)
}

fn call<'a>(arena: &'a Bump, span: Span, name: &'a str, children: &[Form<'a>]) -> Form<'a> {
    let head = Some(Form { span, kind: FormKind::Symbol(name) });
    let children = arena.alloc_slice_copy(children);
    let gene = GeneForm { head, props: &[], props_at: 0, children, frozen: false };
    Form { span, kind: FormKind::Gene(arena.alloc(gene)) }
}

/// `(doc name)` becomes `(doc "name")`, or `(doc "name" name)` when the session itself knows the name.
pub fn with_quoted_names<'a>(arena: &'a Bump, forms: &'a [Form<'a>], is_own: &dyn Fn(&str) -> bool) -> &'a [Form<'a>] {
    let quoted = forms.iter().map(|form| quote_name(arena, form, is_own).unwrap_or(*form));
    arena.alloc_slice_fill_iter(quoted.collect::<Vec<_>>())
}

fn quote_name<'a>(arena: &'a Bump, form: &Form<'a>, is_own: &dyn Fn(&str) -> bool) -> Option<Form<'a>> {
    let FormKind::Gene(gene) = form.kind else { return None };
    let (Some(FormKind::Symbol("doc")), [name]) = (gene.head.map(|head| head.kind), gene.children) else { return None };
    let text = match name.kind {
        FormKind::Str(_) => return None,
        FormKind::Symbol(text) => text,
        _ => arena.alloc_str(&crate::compile::lower::text::debug(name)),
    };
    let mut children = vec![Form { span: name.span, kind: FormKind::Str(text) }];
    if is_own(text) {
        children.push(*name);
    }
    Some(call(arena, form.span, "doc", &children))
}
