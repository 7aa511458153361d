//! `(comptime ...)`: evaluation while a module is compiled (16).
//!
//! Before a module is lowered, its comptime forms are found in source order. The forms inside one are checked against what 16.2
//! allows and written in terms of ordinary code: a definition becomes a call that notes "emit number n", an unknown name
//! becomes code that raises. That code runs in a hidden module, one for all comptime forms of a module, so operators and
//! control flow mean exactly what they mean at run time. In the end each comptime form is replaced by what it emitted: at the
//! top of a module in place, elsewhere inside a `comptime` form that the lowering opens where statements are expected.
use super::lower::{CompileError, EvalEnv, text};
use crate::heap::Kind;
use crate::interp::trace;
use crate::native::{Args, NativeDef, R};
use crate::syntax::form::{Form, FormKind, GeneForm, InterpPart, PathPart, Prop, Span, UnquoteForm};
use crate::syntax::source::Source;
use crate::value::Value;
use crate::vm::Vm;
use crate::{def, stack};
use bumpalo::Bump;
use rustc_hash::{FxHashMap, FxHashSet};
use std::rc::Rc;

/// Names that no program can write.
const EMIT: &str = "%emit";
const UNDEFINED: &str = "%undefined";

static NATIVES: [NativeDef; 2] = [def!(EMIT, emit, 1, 1, ""), def!(UNDEFINED, undefined, 1, 1, "")];

fn emit(vm: &mut Vm, args: &Args) -> R {
    if let Some(n) = args.get(0).as_int() {
        vm.emitted.push(n as u32);
    }
    Ok(Value::NIL)
}

fn undefined(vm: &mut Vm, args: &Args) -> R {
    let name = args.get(0).as_str().unwrap_or("name").to_owned();
    Err(vm.runtime_error(&format!("{name} is not defined")))
}

fn head_name<'a>(form: &Form<'a>) -> Option<&'a str> {
    match form.kind {
        FormKind::Gene(GeneForm { head: Some(Form { kind: FormKind::Symbol(name), .. }), frozen: false, .. }) => {
            Some(name)
        }
        _ => None,
    }
}

fn symbol<'a>(form: &Form<'a>) -> Option<&'a str> {
    match form.kind {
        FormKind::Symbol(name) => Some(name),
        _ => None,
    }
}

/// Replaces the comptime forms of a module, or of data given to `eval`.
pub fn expand<'a>(
    vm: &mut Vm,
    arena: &'a Bump,
    forms: &'a [Form<'a>],
    source: &Rc<Source>,
) -> Result<&'a [Form<'a>], Vec<CompileError>> {
    if !mentions_comptime(forms) {
        return Ok(forms);
    }
    let mut c = Comptime {
        vm,
        arena,
        source,
        module: None,
        known: FxHashSet::default(),
        emitted: FxHashMap::default(),
        errors: Vec::new(),
    };
    c.evaluate_all(forms);
    if c.errors.is_empty() { Ok(c.list(forms, true)) } else { Err(c.errors) }
}

/// Is there a comptime form outside of quoted data?
fn mentions_comptime(forms: &[Form<'_>]) -> bool {
    let mut todo: Vec<&Form<'_>> = forms.iter().collect();
    while let Some(form) = todo.pop() {
        match form.kind {
            FormKind::Gene(gene) => {
                if head_name(form) == Some("comptime") {
                    return true;
                }
                todo.extend(gene.head.as_ref());
                todo.extend(gene.children);
                todo.extend(gene.props.iter().map(|prop| &prop.value));
            }
            FormKind::Array { items, .. } | FormKind::HashMap { items, .. } => todo.extend(items),
            FormKind::Map { entries, .. } => todo.extend(entries.iter().map(|entry| &entry.value)),
            FormKind::Interp(parts) => todo.extend(parts.iter().filter_map(|part| match part {
                InterpPart::Form(form) => Some(form),
                InterpPart::Text(_) => None,
            })),
            _ => {}
        }
    }
    false
}

struct Comptime<'v, 'a> {
    vm: &'v mut Vm,
    arena: &'a Bump,
    source: &'v Rc<Source>,
    /// Where comptime variables live.
    module: Option<u32>,
    /// Names that some comptime form so far declares.
    known: FxHashSet<&'a str>,
    /// What each comptime form emitted. Forms stay where they are in the arena.
    emitted: FxHashMap<*const Form<'a>, Vec<Form<'a>>>,
    errors: Vec<CompileError>,
}

/// Code inside runs in a function of its own.
fn is_function(form: &Form<'_>) -> bool {
    let FormKind::Gene(gene) = form.kind else { return false };
    let word = matches!(
        head_name(form),
        Some("fn" | "fn*" | "async" | "spawn" | "method" | "ctor" | "static" | "on_method_missing" | "field")
    );
    word || gene.children.first().and_then(symbol) == Some("->")
}

impl<'a> Comptime<'_, 'a> {
    fn error(&mut self, span: Span, message: impl Into<String>) {
        self.errors.push(CompileError { span, message: message.into() });
    }

    fn slice<T: Copy>(&self, items: &[T]) -> &'a [T] {
        self.arena.alloc_slice_copy(items)
    }

    // --- looking for comptime forms

    /// Evaluates all comptime forms in source order. Code runs while this walk has put nothing on the native stack.
    fn evaluate_all(&mut self, forms: &'a [Form<'a>]) {
        let mut todo: Vec<(&'a Form<'a>, bool)> = forms.iter().rev().map(|form| (form, false)).collect();
        while let Some((form, in_function)) = todo.pop() {
            if head_name(form) == Some("comptime") {
                if in_function {
                    self.error(form.span, "comptime is not allowed in a function");
                } else {
                    let emitted = self.evaluate(form);
                    self.emitted.insert(std::ptr::from_ref(form), emitted);
                }
                continue;
            }
            let inside = in_function || is_function(form);
            let start = todo.len();
            match form.kind {
                FormKind::Gene(gene) => {
                    let (before, after) = gene.children.split_at((gene.props_at as usize).min(gene.children.len()));
                    let props = gene.props.iter().map(|prop| &prop.value);
                    let all = gene.head.iter().chain(before).chain(props).chain(after);
                    todo.extend(all.map(|form| (form, inside)));
                }
                FormKind::Array { items, .. } | FormKind::HashMap { items, .. } => {
                    todo.extend(items.iter().map(|item| (item, inside)));
                }
                FormKind::Map { entries, .. } => todo.extend(entries.iter().map(|entry| (&entry.value, inside))),
                FormKind::Interp(parts) => todo.extend(parts.iter().filter_map(|part| match part {
                    InterpPart::Form(form) => Some((form, inside)),
                    InterpPart::Text(_) => None,
                })),
                _ => {}
            }
            todo[start..].reverse();
        }
    }

    /// `top`: these are the forms of a module, in which emitted ones take their place.
    fn list(&mut self, forms: &'a [Form<'a>], top: bool) -> &'a [Form<'a>] {
        let mut out = Vec::with_capacity(forms.len());
        for form in forms {
            if head_name(form) == Some("comptime") && top {
                out.extend(self.emitted_by(form));
            } else {
                out.push(self.form(form));
            }
        }
        self.slice(&out)
    }

    /// What the form emitted, and nil.
    fn emitted_by(&mut self, form: &'a Form<'a>) -> Vec<Form<'a>> {
        let mut emitted = self.emitted.remove(&std::ptr::from_ref(form)).unwrap_or_default();
        emitted.push(Form { span: form.span, kind: FormKind::Nil });
        emitted
    }

    fn form(&mut self, form: &'a Form<'a>) -> Form<'a> {
        stack::grow(|| self.form_here(form))
    }

    fn form_here(&mut self, form: &'a Form<'a>) -> Form<'a> {
        let span = form.span;
        let kind = match form.kind {
            FormKind::Gene(gene) if head_name(form) == Some("comptime") => {
                let children = self.emitted_by(form);
                let children = self.slice(&children);
                FormKind::Gene(self.arena.alloc(GeneForm {
                    head: gene.head,
                    props: &[],
                    props_at: 0,
                    children,
                    frozen: false,
                }))
            }
            FormKind::Gene(gene) => {
                let head = gene.head.as_ref().map(|head| self.form(head));
                let children = self.list(gene.children, false);
                let props = self.props(gene.props, Self::form);
                FormKind::Gene(self.arena.alloc(GeneForm { head, props, children, ..*gene }))
            }
            FormKind::Array { items, frozen } => FormKind::Array { items: self.list(items, false), frozen },
            FormKind::HashMap { items, frozen } => FormKind::HashMap { items: self.list(items, false), frozen },
            FormKind::Map { entries, frozen } => FormKind::Map { entries: self.props(entries, Self::form), frozen },
            FormKind::Interp(parts) => FormKind::Interp(self.parts(parts, Self::form)),
            kind => kind,
        };
        Form { span, kind }
    }

    fn props(
        &mut self,
        props: &'a [Prop<'a>],
        mut each: impl FnMut(&mut Self, &'a Form<'a>) -> Form<'a>,
    ) -> &'a [Prop<'a>] {
        let props: Vec<Prop<'a>> = props.iter().map(|prop| Prop { value: each(self, &prop.value), ..*prop }).collect();
        self.slice(&props)
    }

    fn parts(
        &mut self,
        parts: &'a [InterpPart<'a>],
        mut each: impl FnMut(&mut Self, &'a Form<'a>) -> Form<'a>,
    ) -> &'a [InterpPart<'a>] {
        let part = |part: &'a InterpPart<'a>| match part {
            InterpPart::Text(text) => InterpPart::Text(text),
            InterpPart::Form(form) => InterpPart::Form(each(self, form)),
        };
        let parts: Vec<InterpPart<'a>> = parts.iter().map(part).collect();
        self.slice(&parts)
    }

    // --- one comptime form

    /// Runs the form; gives what it emitted.
    fn evaluate(&mut self, form: &'a Form<'a>) -> Vec<Form<'a>> {
        let FormKind::Gene(gene) = form.kind else { return Vec::new() };
        let before = self.errors.len();
        let mut code = Code { c: self, emitted: Vec::new() };
        let children = code.all(gene.children);
        let candidates = code.emitted;
        if self.errors.len() > before {
            return Vec::new();
        }
        let outer = std::mem::take(&mut self.vm.emitted);
        let failed = self.run(children, form.span);
        let numbers = std::mem::replace(&mut self.vm.emitted, outer);
        if let Some(error) = failed {
            self.errors.push(error);
            return Vec::new();
        }
        numbers.iter().filter_map(|&n| candidates.get(n as usize).copied()).collect()
    }

    fn hidden_module(&mut self) -> u32 {
        if let Some(id) = self.module {
            return id;
        }
        let id = self.vm.new_module(self.source.clone(), None, "<comptime>");
        let globals = self.vm.globals;
        self.vm.add_functions(globals, &NATIVES);
        self.module = Some(id);
        id
    }

    /// `Some`: why it ended early.
    #[inline(never)]
    fn run(&mut self, forms: &'a [Form<'a>], span: Span) -> Option<CompileError> {
        let module = self.hidden_module();
        let env = EvalEnv {
            module_names: self.vm.module_names(module),
            module_slots: self.vm.modules[module as usize].vars.len() as u32,
            repl: true,
            ..EvalEnv::default()
        };
        let body = match self.vm.compile_forms(forms, self.arena, &env, module, self.source.clone()) {
            Ok(body) => body,
            Err(failure) => {
                let first = failure.errors.first();
                let at = first.map_or(span, |e| e.span);
                return Some(CompileError { span: at, message: first.map_or(String::new(), |e| e.message.clone()) });
            }
        };
        // The collector sees the native stack from here on.
        let here = 0usize;
        let base = std::ptr::from_ref(std::hint::black_box(&here)).addr();
        let old = self.vm.native_base;
        self.vm.native_base = base.max(old);
        let result = self.vm.call_sync(body, &[]);
        self.vm.native_base = old;
        result.err()?;
        let ex = std::mem::replace(&mut self.vm.exception, Value::UNDEF);
        if !ex.is_kind(Kind::Instance) {
            return Some(CompileError { span, message: "comptime: evaluation was stopped".to_owned() });
        }
        let message = self.vm.exception_message(ex);
        let at = trace::position_in(self.vm, ex, self.source).unwrap_or(span);
        Some(CompileError { span: at, message: format!("comptime: {message}") })
    }
}

/// Makes ordinary code of the forms in one comptime form.
struct Code<'c, 'v, 'a> {
    c: &'c mut Comptime<'v, 'a>,
    /// Definitions by number.
    emitted: Vec<Form<'a>>,
}

fn is_operator(name: &str) -> bool {
    matches!(
        name,
        "+" | "-"
            | "*"
            | "/"
            | "%"
            | "**"
            | "++"
            | "<"
            | "<="
            | ">"
            | ">="
            | "=="
            | "!="
            | "&&"
            | "||"
            | "&|&"
            | "and"
            | "or"
            | ".."
    )
}

fn is_assignment(name: &str) -> bool {
    matches!(name, "=" | "+=" | "-=" | "*=" | "/=" | "%=" | "**=" | "++=" | "||=" | "&&=")
}

impl<'a> Code<'_, '_, 'a> {
    fn all(&mut self, forms: &'a [Form<'a>]) -> &'a [Form<'a>] {
        let out: Vec<Form<'a>> = forms.iter().map(|form| self.form(form)).collect();
        self.c.slice(&out)
    }

    fn form(&mut self, form: &'a Form<'a>) -> Form<'a> {
        stack::grow(|| self.form_here(form))
    }

    fn form_here(&mut self, form: &'a Form<'a>) -> Form<'a> {
        let span = form.span;
        let kind = match form.kind {
            FormKind::Symbol("..." | "self" | "super") => return self.unsupported(form),
            FormKind::Symbol(name) if name.starts_with(['$', '.', '^']) => return self.unsupported(form),
            FormKind::Symbol(name) => return self.name(span, name),
            FormKind::Path([PathPart::Name("$env"), PathPart::Name(name)]) => {
                let name = self.text(span, name);
                return self.call(span, "get_env", &[name]);
            }
            FormKind::Path(_) | FormKind::Selector(_) | FormKind::Unquote(_) => return self.unsupported(form),
            FormKind::Interp(parts) => {
                let parts: Vec<InterpPart<'a>> = parts
                    .iter()
                    .map(|part| match part {
                        InterpPart::Text(text) => InterpPart::Text(text),
                        InterpPart::Form(form) => InterpPart::Form(self.form(form)),
                    })
                    .collect();
                FormKind::Interp(self.c.slice(&parts))
            }
            FormKind::Array { items, frozen } => FormKind::Array { items: self.all(items), frozen },
            FormKind::HashMap { items, frozen } => FormKind::HashMap { items: self.all(items), frozen },
            FormKind::Map { entries, frozen } => FormKind::Map { entries: self.props(entries), frozen },
            FormKind::Quote(inner) => {
                let inner = self.quoted(inner);
                let data = Form { span, kind: FormKind::Quote(self.c.arena.alloc(inner)) };
                return self.call(span, "$render", &[data]);
            }
            FormKind::Gene(gene) => return self.gene(form, gene),
            kind => kind,
        };
        Form { span, kind }
    }

    fn props(&mut self, props: &'a [Prop<'a>]) -> &'a [Prop<'a>] {
        let props: Vec<Prop<'a>> = props.iter().map(|prop| Prop { value: self.form(&prop.value), ..*prop }).collect();
        self.c.slice(&props)
    }

    fn text(&self, span: Span, text: &'a str) -> Form<'a> {
        Form { span, kind: FormKind::Str(text) }
    }

    fn call(&self, span: Span, name: &'static str, children: &[Form<'a>]) -> Form<'a> {
        let head = Some(Form { span, kind: FormKind::Symbol(name) });
        let children = self.c.slice(children);
        let gene = GeneForm { head, props: &[], props_at: 0, children, frozen: false };
        Form { span, kind: FormKind::Gene(self.c.arena.alloc(gene)) }
    }

    fn with_children(&self, form: &Form<'a>, gene: &GeneForm<'a>, children: &[Form<'a>]) -> Form<'a> {
        let gene = GeneForm { children: self.c.slice(children), ..*gene };
        Form { span: form.span, kind: FormKind::Gene(self.c.arena.alloc(gene)) }
    }

    fn unsupported(&mut self, form: &Form<'a>) -> Form<'a> {
        let shown = match form.kind {
            FormKind::Gene(GeneForm { head: Some(head), .. }) => format!("({} ...)", text::debug(head)),
            _ => text::debug(form),
        };
        self.c.error(form.span, format!("comptime: unsupported form {shown}"));
        *form
    }

    /// A variable. What is not one raises when it is evaluated.
    fn name(&mut self, span: Span, name: &'a str) -> Form<'a> {
        if self.c.known.contains(name) {
            return Form { span, kind: FormKind::Symbol(name) };
        }
        let name = self.text(span, name);
        self.call(span, UNDEFINED, &[name])
    }

    /// Data: only what stands in unquotes is code.
    fn quoted(&mut self, form: &'a Form<'a>) -> Form<'a> {
        stack::grow(|| {
            let kind = match form.kind {
                FormKind::Unquote(u) => {
                    let form = self.form(&u.form);
                    FormKind::Unquote(self.c.arena.alloc(UnquoteForm { form, ..*u }))
                }
                FormKind::Array { items, frozen } => FormKind::Array { items: self.all_quoted(items), frozen },
                FormKind::HashMap { items, frozen } => FormKind::HashMap { items: self.all_quoted(items), frozen },
                FormKind::Map { entries, frozen } => FormKind::Map { entries: self.quoted_props(entries), frozen },
                FormKind::Gene(gene) => {
                    let head = gene.head.as_ref().map(|head| self.quoted(head));
                    let children = self.all_quoted(gene.children);
                    let props = self.quoted_props(gene.props);
                    FormKind::Gene(self.c.arena.alloc(GeneForm { head, props, children, ..*gene }))
                }
                kind => kind,
            };
            Form { span: form.span, kind }
        })
    }

    fn all_quoted(&mut self, forms: &'a [Form<'a>]) -> &'a [Form<'a>] {
        let out: Vec<Form<'a>> = forms.iter().map(|form| self.quoted(form)).collect();
        self.c.slice(&out)
    }

    fn quoted_props(&mut self, props: &'a [Prop<'a>]) -> &'a [Prop<'a>] {
        let props: Vec<Prop<'a>> = props.iter().map(|p| Prop { value: self.quoted(&p.value), ..*p }).collect();
        self.c.slice(&props)
    }

    // --- genes

    fn gene(&mut self, form: &'a Form<'a>, gene: &'a GeneForm<'a>) -> Form<'a> {
        let span = form.span;
        let Some(head) = gene.head.as_ref().filter(|_| !gene.frozen) else {
            return if gene.frozen { self.unsupported(form) } else { *form };
        };
        let word = gene.children.first().and_then(symbol).unwrap_or_default();
        match head.kind {
            FormKind::Symbol(
                "fn" | "class" | "object" | "ns" | "enum" | "type" | "interface" | "implement" | "import" | "export"
                | "extend" | "$dep",
            ) => {
                let n = self.emitted.len() as i64;
                self.emitted.push(*form);
                let n = Form { span, kind: FormKind::Int(n) };
                return self.call(span, EMIT, &[n]);
            }
            FormKind::Symbol("var") => return self.var(form, gene),
            FormKind::Symbol("if" | "ifel" | "if_not" | "do") => {
                let marker = |child: &Form<'a>| matches!(symbol(child), Some("then" | "elif" | "else"));
                let children: Vec<Form<'a>> =
                    gene.children.iter().map(|child| if marker(child) { *child } else { self.form(child) }).collect();
                return self.with_children(form, gene, &children);
            }
            FormKind::Symbol("case") => return self.case(form, gene),
            FormKind::Symbol("for") => return self.for_(form, gene),
            FormKind::Symbol("range" | "assert" | "get_env") if gene.props.is_empty() => {
                let children = self.all(gene.children);
                return self.with_children(form, gene, children);
            }
            FormKind::Symbol(name @ ("error" | "println" | "$env")) if gene.props.is_empty() => {
                let children = self.all(gene.children);
                let name = match name {
                    "error" => "throw",
                    "println" => "eprintln",
                    _ => "get_env",
                };
                return self.call(span, name, children);
            }
            FormKind::Path([PathPart::Name("system"), PathPart::Name("os" | "arch")]) if gene.children.is_empty() => {
                return *form;
            }
            FormKind::Symbol(name)
                if (is_operator(name) || matches!(name, "!" | "not")) && !is_operator(word) && !is_assignment(word) =>
            {
                let children = self.all(gene.children);
                return self.with_children(form, gene, children);
            }
            FormKind::Symbol(name) if is_assignment(word) => {
                let target = self.name(head.span, name);
                let [_, value] = gene.children else { return self.unsupported(form) };
                let value = self.form(value);
                if symbol(&target).is_none() {
                    return target;
                }
                return self.with_children(form, gene, &[gene.children[0], value]);
            }
            _ => {}
        }
        // Operands and operators alternate.
        if gene.props.is_empty() && is_operator(word) {
            let head = self.form(head);
            let mut children = Vec::with_capacity(gene.children.len());
            for (at, child) in gene.children.iter().enumerate() {
                match symbol(child) {
                    Some(name) if at % 2 == 0 && is_operator(name) => children.push(*child),
                    Some(_) if at % 2 == 0 => return self.unsupported(form),
                    _ => children.push(self.form(child)),
                }
            }
            let children = self.c.slice(&children);
            let gene = GeneForm { head: Some(head), children, ..*gene };
            return Form { span, kind: FormKind::Gene(self.c.arena.alloc(gene)) };
        }
        self.unsupported(form)
    }

    /// `(var x e)`, `(var x: T e)`
    fn var(&mut self, form: &'a Form<'a>, gene: &'a GeneForm<'a>) -> Form<'a> {
        let Some(full) = gene.children.first().and_then(symbol) else { return self.unsupported(form) };
        let name = full.strip_suffix(':').filter(|name| !name.is_empty()).unwrap_or(full);
        let rest = if name.len() < full.len() { gene.children.get(2..) } else { gene.children.get(1..) };
        let value = match rest {
            Some([]) => Form { span: form.span, kind: FormKind::Nil },
            // The value does not see the variable.
            Some([value]) => self.form(value),
            _ => return self.unsupported(form),
        };
        self.c.known.insert(name);
        let target = Form { span: gene.children[0].span, kind: FormKind::Symbol(name) };
        self.with_children(form, gene, &[target, value])
    }

    /// Patterns are values and `_`.
    fn case(&mut self, form: &'a Form<'a>, gene: &'a GeneForm<'a>) -> Form<'a> {
        let mut children = Vec::with_capacity(gene.children.len());
        let mut pattern = false;
        for child in gene.children {
            let word = symbol(child);
            children.push(match word {
                Some("when" | "else" | "if") => *child,
                Some("_") if pattern => *child,
                Some(name) if pattern && self.c.known.contains(name) => *child,
                Some(_) if pattern => self.unsupported(child),
                _ if pattern && matches!(child.kind, FormKind::Array { .. } | FormKind::Map { .. } | FormKind::Unquote(_)) => {
                    self.unsupported(child)
                }
                // A gene would be a pattern of its own.
                _ if pattern && matches!(child.kind, FormKind::Gene(g) if !g.children.first().and_then(symbol).is_some_and(is_operator)) => {
                    self.unsupported(child)
                }
                _ => self.form(child),
            });
            pattern = word == Some("when");
        }
        self.with_children(form, gene, &children)
    }

    /// `(for x in e ...)`
    fn for_(&mut self, form: &'a Form<'a>, gene: &'a GeneForm<'a>) -> Form<'a> {
        let Some(at) = gene.children.iter().position(|child| symbol(child) == Some("in")) else {
            return self.unsupported(form);
        };
        let (targets, rest) = gene.children.split_at(at);
        let names: Option<Vec<&'a str>> = targets.iter().map(symbol).collect();
        let (Some(names), [word, items, body @ ..]) = (names, rest) else { return self.unsupported(form) };
        let mut children = targets.to_vec();
        children.push(*word);
        children.push(self.form(items));
        self.c.known.extend(names);
        children.extend_from_slice(self.all(body));
        self.with_children(form, gene, &children)
    }
}
