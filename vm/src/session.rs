//! Static checks of what a session evaluates (18.5): each input is judged together with what earlier ones declared.
//!
//! An input is compiled against the cells of its module, which says nothing of types. For the check alone, the texts of the
//! declarations so far stand in front of the input, and the whole is lowered as a module; findings in the input count. What can't
//! be lowered that way is not judged: a warning that is missing does less harm than one that is wrong. So a declaration is
//! forgotten as soon as something else binds or assigns its name. Only declarations that the input leads to are taken, so that a
//! long session does not make its inputs slow.
use crate::compile::lower::{self, LowerOptions};
use crate::modules::LoadFailure;
use crate::syntax;
use crate::syntax::form::{Form, FormKind, Span};
use crate::syntax::source::Source;
use crate::vm::Vm;
use bumpalo::Bump;
use rustc_hash::{FxHashMap, FxHashSet};
use std::rc::Rc;

/// A form that says something about types.
pub struct Declaration {
    /// The name it binds; `None` for those that add to something.
    name: Option<String>,
    text: String,
    /// Names in it.
    uses: Vec<String>,
    /// Its variants are known by their bare names.
    is_enum: bool,
}

/// What the check of an input found.
#[derive(Default)]
pub struct Checked {
    pub warnings: Vec<(Span, String)>,
    /// Names that no longer hold what was declared.
    lost: Vec<String>,
}

impl Vm {
    /// Warnings about an input of the session in `module`. `Err` where type errors are fatal.
    pub fn check_input(&mut self, module: u32, source: &Rc<Source>) -> Result<Checked, LoadFailure> {
        if !self.options.warnings && !self.options.strict_types {
            return Ok(Checked::default());
        }
        let arena = Bump::new();
        let Ok(input) = syntax::read(&arena, &source.text) else { return Ok(Checked::default()) };
        let bound: Vec<&str> = input.iter().filter_map(bound_name).collect();
        let mut text = String::new();
        for d in needed(&self.modules[module as usize].declarations, &input, &bound) {
            text.push_str(&d.text);
            text.push('\n');
        }
        let start = text.len() as u32;
        text.push_str(&source.text);
        let text = arena.alloc_str(&text);
        let Ok(forms) = syntax::read(&arena, text) else { return Ok(Checked::default()) };
        // What comptime emits is known when it is evaluated, which happens once.
        let forms = forms.iter().copied().filter(|form| head(form) != Some("comptime")).collect::<Vec<_>>();
        let is_global = |name: &str| {
            name.starts_with('$') || self.symbols.find(name).is_some_and(|s| self.globals.data().find(s).is_some())
        };
        let unit = match lower::lower_module(
            &arena,
            arena.alloc_slice_copy(&forms),
            &LowerOptions { is_global: &is_global },
        ) {
            Ok(unit) => unit,
            Err(_) => return Ok(Checked::default()),
        };
        let own = |(span, message): (Span, String)| {
            (span.start >= start).then(|| (Span { start: span.start - start, end: span.end - start }, message))
        };
        let mut warnings: Vec<(Span, String)> = unit.warnings.iter().cloned().filter_map(own).collect();
        if self.options.type_check {
            let found = self.type_findings(&unit, false).into_iter().filter_map(own);
            let found: Vec<(Span, String)> = found.collect();
            if self.options.strict_types && !found.is_empty() {
                return Err(LoadFailure::compile(source.clone(), found));
            }
            warnings.extend(found);
            warnings.sort_by_key(|(span, _)| span.start);
        }
        let lost = unit.module_vars.iter().filter(|v| !unit.dynamic && !v.stable && v.ty.is_none());
        Ok(Checked { warnings, lost: lost.map(|v| v.name.to_owned()).collect() })
    }

    /// The input goes to be run: later ones may rely on what it declares.
    pub fn accept_input(&mut self, module: u32, source: &Source, checked: Checked) {
        self.warn(&checked.warnings, source);
        let arena = Bump::new();
        let Ok(input) = syntax::read(&arena, &source.text) else { return };
        let bound: Vec<&str> = input.iter().filter_map(bound_name).collect();
        let declarations = &mut self.modules[module as usize].declarations;
        declarations.retain(|d| !d.name.as_deref().is_some_and(|name| bound.contains(&name)));
        for form in input.iter().filter(|form| declares(form)) {
            let text = source.text.get(form.span.start as usize..form.span.end as usize);
            declarations.extend(text.map(|text| Declaration {
                name: bound_name(form).map(str::to_owned),
                text: text.to_owned(),
                uses: mentioned(std::slice::from_ref(form)).into_iter().map(str::to_owned).collect(),
                is_enum: head(form) == Some("enum"),
            }));
        }
        declarations.retain(|d| !d.name.as_ref().is_some_and(|name| checked.lost.contains(name)));
    }
}

fn mentioned<'a>(forms: &'a [Form<'a>]) -> FxHashSet<&'a str> {
    let mut names = FxHashSet::default();
    for form in forms {
        lower::mentioned_names(form, |name| {
            names.insert(name);
        });
    }
    names
}

/// The declarations that say something about the input, in their order. Names that it binds itself mean something else now.
fn needed<'d>(all: &'d [Declaration], input: &'d [Form<'d>], bound: &[&str]) -> Vec<&'d Declaration> {
    let mut taken = vec![false; all.len()];
    let by_name: FxHashMap<&str, usize> =
        all.iter().enumerate().filter_map(|(at, d)| Some((d.name.as_deref()?, at))).collect();
    let is_bound = |d: &Declaration| d.name.as_deref().is_some_and(|name| bound.contains(&name));
    // What adds to something, and enums, are known by other names than their own.
    let loose = |d: &&Declaration| (d.name.is_none() || d.is_enum) && !is_bound(d);
    let loose: Vec<(usize, &Declaration)> = all.iter().enumerate().filter(|(_, d)| loose(d)).collect();
    let mut known: FxHashSet<&str> = FxHashSet::default();
    let mut todo: Vec<&str> = mentioned(input).into_iter().collect();
    while !todo.is_empty() {
        while let Some(name) = todo.pop() {
            if known.insert(name)
                && !bound.contains(&name)
                && let Some(&at) = by_name.get(name)
                && !std::mem::replace(&mut taken[at], true)
            {
                todo.extend(all[at].uses.iter().map(String::as_str));
            }
        }
        for (at, d) in &loose {
            if !taken[*at] && d.uses.iter().any(|name| known.contains(name.as_str())) {
                taken[*at] = true;
                todo.extend(d.uses.iter().map(String::as_str));
            }
        }
    }
    all.iter().zip(taken).filter(|(_, taken)| *taken).map(|(d, _)| d).collect()
}

fn head<'a>(form: &Form<'a>) -> Option<&'a str> {
    let FormKind::Gene(gene) = form.kind else { return None };
    symbol(gene.head.as_ref()?)
}

fn symbol<'a>(form: &Form<'a>) -> Option<&'a str> {
    match form.kind {
        FormKind::Symbol(name) => Some(name),
        _ => None,
    }
}

/// The name that a form at top level gives a meaning, marks of types and generic parameters taken off.
fn bound_name<'a>(form: &Form<'a>) -> Option<&'a str> {
    let FormKind::Gene(gene) = form.kind else { return None };
    let name = match symbol(gene.head.as_ref()?)? {
        "fn" | "class" | "enum" | "type" | "interface" | "object" | "ns" | "var" | "let" => {
            symbol(gene.children.first()?)?
        }
        name if gene.children.first().and_then(symbol) == Some("=") => name,
        _ => return None,
    };
    Some(name.split(':').next().unwrap_or(name))
}

/// Does the form tell the checker something that lasts? Macros don't: with one in sight, all variables may be anything.
fn declares(form: &Form<'_>) -> bool {
    let FormKind::Gene(gene) = form.kind else { return false };
    let name = bound_name(form);
    match head(form) {
        Some("extend" | "implement") => true,
        Some("fn") => name.is_some_and(|name| !name.ends_with('!')),
        Some("class" | "enum" | "type" | "interface") => name.is_some(),
        Some("var" | "let") => gene.children.first().and_then(symbol).is_some_and(|name| name.ends_with(':')),
        _ => false,
    }
}
