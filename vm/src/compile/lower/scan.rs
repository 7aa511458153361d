//! Questions about source text that must be answered before it is lowered: which names occur where, and what a block declares.
//!
//! All walks keep their own stack, so nesting costs no native stack. Their answers may be too wide (a name in quoted data
//! counts as an occurrence): that costs speed, never correctness.

use rustc_hash::FxHashSet;

use super::words::{assign_op, is_macro_name, name_of, rest_name, symbol, typed_name};
use crate::syntax::form::{Form, FormKind, GeneForm, InterpPart, PathPart, Prop, PropKind};

/// Pushes the forms directly inside `form`, last one first.
fn push_inner<'a>(form: &'a Form<'a>, mut push: impl FnMut(&'a Form<'a>)) {
    let props = |entries: &'a [Prop<'a>], push: &mut dyn FnMut(&'a Form<'a>)| {
        entries.iter().rev().for_each(|entry| push(&entry.value));
    };
    match form.kind {
        FormKind::Array { items, .. } | FormKind::HashMap { items, .. } => items.iter().rev().for_each(push),
        FormKind::Map { entries, .. } => props(entries, &mut push),
        FormKind::Gene(gene) => {
            gene.children.iter().rev().for_each(&mut push);
            props(gene.props, &mut push);
            if let Some(head) = &gene.head {
                push(head);
            }
        }
        FormKind::Quote(inner) => push(inner),
        FormKind::Unquote(unquote) => push(&unquote.form),
        FormKind::Interp(parts) => {
            for part in parts.iter().rev() {
                if let InterpPart::Form(form) = part {
                    push(form);
                }
            }
        }
        FormKind::Path(parts) | FormKind::Selector(parts) => {
            for part in parts.iter().rev() {
                if let PathPart::Dynamic(form) = part {
                    push(form);
                }
            }
        }
        _ => {}
    }
}

/// The names that stand in `form` itself, not in forms inside it. Markers are taken off.
fn own_names<'a>(form: &Form<'a>, mut visit: impl FnMut(&'a str)) {
    match form.kind {
        FormKind::Symbol(name) => {
            if let Some(inner) = name.strip_prefix(".<").and_then(|rest| rest.strip_suffix('>')) {
                // A dynamic method name: the path inside has not been taken apart.
                inner.split(['/', '<', '>']).for_each(visit);
            } else {
                visit(rest_name(name).unwrap_or(name));
            }
        }
        FormKind::Path(parts) | FormKind::Selector(parts) => {
            for part in parts {
                if let PathPart::Name(name) = part {
                    visit(name);
                }
            }
        }
        _ => {}
    }
}

/// Calls `visit` with `form` and every form inside it.
pub(super) fn walk<'a>(form: &'a Form<'a>, mut visit: impl FnMut(&'a Form<'a>)) {
    let mut stack = vec![form];
    while let Some(form) = stack.pop() {
        visit(form);
        push_inner(form, |inner| stack.push(inner));
    }
}

/// Calls `visit` with every name that occurs in `form`.
pub(super) fn names_in<'a>(form: &'a Form<'a>, mut visit: impl FnMut(&'a str)) {
    walk(form, |form| own_names(form, &mut visit));
}

/// Whether a place that mentions this name may see all variables: a macro call, `eval`, `$render`, `$caller_eval`.
pub(super) fn sees_everything(name: &str) -> bool {
    matches!(name, "eval" | "$render" | "$caller_eval") || is_macro_name(name)
}

/// What has to be known of a whole module first.
#[derive(Default)]
pub(super) struct ModuleScan<'a> {
    /// Names that occur inside functions: top-level variables of these names may be captured.
    pub captured: FxHashSet<&'a str>,
    /// There is a loop outside functions: the speed of top-level variables matters.
    pub top_loop: bool,
    /// Names assigned somewhere.
    pub assigned: FxHashSet<&'a str>,
    /// Somewhere all variables may be visible to code that is made at run time.
    pub all_visible: bool,
    /// A macro may be the value of an ordinary variable.
    pub macro_values: bool,
    /// The module has imports, so it does not know every enum.
    pub imports: bool,
}

pub(super) fn scan_module<'a>(forms: &'a [Form<'a>]) -> ModuleScan<'a> {
    let mut scan = ModuleScan::default();
    // The form, whether it stands in a function, and whether a macro name in it is being called or defined.
    let mut stack: Vec<(&'a Form<'a>, bool, bool)> = forms.iter().rev().map(|form| (form, false, false)).collect();
    while let Some((form, inside, head)) = stack.pop() {
        own_names(form, |name| {
            if inside {
                scan.captured.insert(name);
            }
            if sees_everything(name) {
                scan.all_visible = true;
                scan.macro_values |= !head && is_macro_name(name);
            }
        });
        let FormKind::Gene(gene) = form.kind else {
            push_inner(form, |inner| stack.push((inner, inside, false)));
            continue;
        };
        let head_name = gene.head.as_ref().and_then(symbol);
        let inside = inside || is_function(gene, head_name);
        scan.top_loop |= !inside && matches!(head_name, Some("while" | "loop" | "for" | "repeat"));
        if let (Some(target), Some(op)) = (&gene.head, gene.children.first().and_then(symbol))
            && assign_op(op).is_some()
            && let Some(name) = symbol(target)
        {
            scan.assigned.insert(name);
        }
        // `(import a! from ...)` and `(fn a! ...)` name a macro without making it a value; renaming hides what it is.
        let definitions = match head_name {
            Some("fn") => 1,
            Some("import" | "export") => gene.children.len(),
            _ => 0,
        };
        if head_name == Some("import") {
            scan.imports = true;
            scan.macro_values |= gene.children.iter().filter_map(symbol).any(renames_macro);
        }
        for (at, child) in gene.children.iter().enumerate().rev() {
            stack.push((child, inside, at < definitions));
        }
        gene.props.iter().rev().for_each(|prop| stack.push((&prop.value, inside, false)));
        if let Some(head) = &gene.head {
            stack.push((head, inside, true));
        }
    }
    scan
}

/// `a!:b` in an import.
fn renames_macro(symbol: &str) -> bool {
    symbol.split_once(':').is_some_and(|(name, alias)| is_macro_name(name) && !is_macro_name(alias))
}

/// Whether code inside the form runs in a function of its own.
fn is_function(gene: &GeneForm<'_>, head: Option<&str>) -> bool {
    let heads = matches!(
        head,
        Some(
            "fn" | "fn*"
                | "async"
                | "spawn"
                | "detach"
                | "gather"
                | "method"
                | "ctor"
                | "static"
                | "on_method_missing"
                | "field"
                | "class"
                | "object"
                | "extend"
                | "implement"
        )
    );
    heads || gene.children.first().and_then(symbol) == Some("->")
}

/// A name without the markers `^` in front, `:` and `...` behind.
fn plain(name: &str) -> &str {
    let name = name.strip_prefix('^').unwrap_or(name);
    let name = typed_name(name).unwrap_or(name);
    rest_name(name).unwrap_or(name)
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum DeclKind {
    Var,
    /// `(tasklocal name default)`
    Local,
    Fn,
    Class,
    Enum,
    Ns,
    Import,
    Type,
}

/// How a definition names what it defines.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Spelling {
    /// `name`
    Plain,
    /// `/name`: a member of the module or namespace whose body it stands in.
    Slash,
    /// `$ns/name`: a member of the module.
    Ns,
}

/// A name that a block binds.
#[derive(Clone, Copy)]
pub(super) struct Decl<'a> {
    pub name: &'a str,
    pub kind: DeclKind,
    pub spelling: Spelling,
    /// Bound by `let`.
    pub constant: bool,
    /// The defining form.
    pub form: &'a Form<'a>,
}

/// Everything the forms of a block declare in the block's own scope: direct definitions and those inside calls, operators and
/// literals, but not those in forms that make a scope.
pub(super) fn declarations<'a>(forms: &'a [Form<'a>]) -> Vec<Decl<'a>> {
    let mut found = Vec::new();
    let mut stack: Vec<&'a Form<'a>> = forms.iter().rev().collect();
    while let Some(form) = stack.pop() {
        let gene = match form.kind {
            FormKind::Gene(gene) => gene,
            FormKind::Quote(_) | FormKind::Unquote(_) => continue,
            _ => {
                push_inner(form, |inner| stack.push(inner));
                continue;
            }
        };
        let head = gene.head.as_ref().and_then(symbol).filter(|_| !gene.frozen);
        let kind = match head {
            Some("var" | "let") => DeclKind::Var,
            Some("tasklocal") => DeclKind::Local,
            Some("fn") => DeclKind::Fn,
            Some("class" | "object" | "interface") => DeclKind::Class,
            Some("enum") => DeclKind::Enum,
            Some("ns") => DeclKind::Ns,
            Some("type") => DeclKind::Type,
            Some(
                "do" | "if" | "ifel" | "if_not" | "case" | "loop" | "while" | "for" | "repeat" | "try" | "with" | "fn*"
                | "async" | "spawn" | "concurrent" | "timeout" | "shield" | "detach" | "gather" | "select"
                | "with_local" | "with_lock" | "with_read" | "with_write" | "with_permit" | "extend" | "implement"
                | "comptime" | "export" | "method" | "ctor" | "field" | "static" | "on_method_missing",
            ) => continue,
            Some("import") => {
                imported_names(gene, |name| {
                    found.push(Decl { name, kind: DeclKind::Import, spelling: Spelling::Plain, constant: false, form });
                });
                continue;
            }
            Some(name) if is_macro_name(name) => continue,
            _ if gene.children.first().and_then(symbol) == Some("->") => continue,
            _ => {
                push_inner(form, |inner| stack.push(inner));
                continue;
            }
        };
        if let Some(target) = gene.children.first() {
            declared_by(target, kind, form, &mut found);
        }
        if matches!(kind, DeclKind::Var | DeclKind::Local) {
            gene.children.iter().skip(1).rev().for_each(|child| stack.push(child));
        }
    }
    found
}

fn declared_by<'a>(target: &'a Form<'a>, kind: DeclKind, form: &'a Form<'a>, found: &mut Vec<Decl<'a>>) {
    let constant = matches!(form.kind, FormKind::Gene(gene) if gene.head.as_ref().and_then(symbol) == Some("let"));
    let mut add = |name, spelling| found.push(Decl { name, kind, spelling, constant, form });
    match target.kind {
        FormKind::Path(parts) => {
            if let Some((name, spelling)) = member_name(parts) {
                add(bare(name, kind), spelling);
            }
        }
        FormKind::Array { .. } | FormKind::Map { .. } if kind == DeclKind::Var => {
            pattern_names(target, &mut |name| add(name, Spelling::Plain));
        }
        _ => {
            if let Some(name) = name_of(target)
                && name != "_"
            {
                add(bare(name, kind), Spelling::Plain);
            }
        }
    }
}

/// The names an import binds.
fn imported_names<'a>(gene: &'a GeneForm<'a>, mut visit: impl FnMut(&'a str)) {
    let alias = |text: &'a str| match text.split_once(':') {
        Some((name, alias)) if !name.is_empty() && !alias.is_empty() => alias,
        _ => text,
    };
    for spec in gene.children.iter().take_while(|spec| symbol(spec) != Some("from")) {
        match spec.kind {
            FormKind::Symbol(text) if text != "*" => visit(alias(text)),
            FormKind::Path([.., PathPart::Name(text)]) if !text.is_empty() => visit(alias(text)),
            FormKind::Array { items, .. } => items.iter().filter_map(symbol).for_each(|text| visit(alias(text))),
            _ => {}
        }
    }
}

/// The name in `/name` and `$ns/name`.
pub(super) fn member_name<'a>(parts: &[PathPart<'a>]) -> Option<(&'a str, Spelling)> {
    match *parts {
        [PathPart::SelfRef, PathPart::Name(name)] => Some((name, Spelling::Slash)),
        [PathPart::Name("$ns"), PathPart::Name(name)] => Some((name, Spelling::Ns)),
        _ => None,
    }
}

/// The name without type marker or generic parameters.
fn bare(name: &str, kind: DeclKind) -> &str {
    if kind == DeclKind::Var { typed_name(name).unwrap_or(name) } else { split_generics(name).0 }
}

/// `name:T:U` is `name` and `T:U`.
pub(super) fn split_generics(name: &str) -> (&str, Option<&str>) {
    match name.char_indices().skip(1).find(|(_, c)| *c == ':') {
        Some((at, _)) => (&name[..at], Some(&name[at + 1..])),
        None => (name, None),
    }
}

/// The names a binding pattern binds.
fn pattern_names<'a>(pattern: &'a Form<'a>, visit: &mut dyn FnMut(&'a str)) {
    let mut stack = vec![pattern];
    while let Some(form) = stack.pop() {
        match form.kind {
            FormKind::Symbol(name) if !matches!(name, "_" | "=" | "...") => visit(plain(name)),
            FormKind::Array { items, .. } => {
                let mut at = 0;
                while let Some(item) = items.get(at) {
                    stack.push(item);
                    // What follows `name:` is a type, what follows `=` a default.
                    let skips = symbol(item).is_some_and(|name| name == "=" || typed_name(name).is_some());
                    if symbol(item) == Some("=") {
                        stack.pop();
                    }
                    at += if skips { 2 } else { 1 };
                }
            }
            FormKind::Map { entries, .. } => {
                for entry in entries {
                    match entry.kind {
                        PropKind::Rest => visit(rest_name(entry.key).unwrap_or(entry.key)),
                        _ => stack.push(&entry.value),
                    }
                }
            }
            // `(= p default)`
            FormKind::Gene(gene) => stack.extend(gene.children.first()),
            _ => {}
        }
    }
}

/// The name a `(fn name ...)` form defines, if it is not a member of something else.
pub(super) fn fn_definition<'a>(form: &'a Form<'a>) -> Option<(&'a str, Spelling)> {
    let FormKind::Gene(gene) = form.kind else { return None };
    if gene.frozen || gene.head.as_ref().and_then(symbol) != Some("fn") {
        return None;
    }
    let (name, spelling) = match gene.children.first()?.kind {
        FormKind::Path(parts) => member_name(parts)?,
        _ => (name_of(gene.children.first()?)?, Spelling::Plain),
    };
    Some((split_generics(name).0, spelling))
}
