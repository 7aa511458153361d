//! Help texts: the doc strings of all builtins, found by name.
//!
//! A doc string is `SIGNATURE -- sentence`; each further line is an example, `EXPRESSION => VALUE` where the value is always the
//! same. A test evaluates the examples.
use super::args::string;
use crate::def;
use crate::heap::{Gc, Kind};
use crate::native::{Args, NativeDef, PRELUDE, R};
use crate::object::class::ClassObj;
use crate::object::function::Function;
use crate::object::namespace::{Member, NamespaceObj};
use crate::prelude;
use crate::value::{Sym, Value};
use crate::vm::Vm;
use std::fmt::Write;

/// What a builtin belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Home {
    Global,
    /// A method of the class.
    Class(&'static str),
    /// A static member of the class.
    Static(&'static str),
    /// A member of the namespace, which is given by its path.
    Namespace(String),
}

/// One builtin.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    pub home: Home,
    pub name: &'static str,
    pub doc: &'static str,
}

impl Entry {
    /// As people write it: `println`, `String.split`, `File/open`, `math/sin`.
    pub fn full_name(&self) -> String {
        match &self.home {
            Home::Global => self.name.to_owned(),
            Home::Class(class) => format!("{class}.{}", self.name),
            Home::Static(class) => format!("{class}/{}", self.name),
            Home::Namespace(path) => format!("{path}/{}", self.name),
        }
    }

    pub fn signature(&self) -> &'static str {
        self.head().0
    }

    /// The first line, taken apart.
    fn head(&self) -> (&'static str, &'static str) {
        let line = self.doc.lines().next().unwrap_or("");
        let parts = line.split_once(" -- ").or_else(|| line.split_once("): ").map(|(s, t)| (&line[..=s.len()], t)));
        parts.map_or((line, ""), |(signature, text)| (signature, text.trim()))
    }

    /// With a capital letter and a full stop.
    pub fn sentence(&self) -> String {
        let text = self.head().1;
        let mut chars = text.chars();
        let Some(first) = chars.next() else { return String::new() };
        // A name stays as it is: `nil`, or what the signature calls an argument.
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let name = text.split(|c| !word(c)).next().unwrap_or("");
        let is_name = matches!(name, "nil" | "true" | "false" | "void")
            || self.signature().split(|c| !word(c)).skip(1).any(|w| w == name && w != "a");
        let mut sentence: String = if is_name { first.to_string() } else { first.to_uppercase().collect() };
        sentence.push_str(chars.as_str());
        if !sentence.ends_with(['.', '?', '!']) {
            sentence.push('.');
        }
        sentence
    }

    /// Expressions, each with its value in debug form unless that varies.
    pub fn examples(&self) -> impl Iterator<Item = (&'static str, Option<&'static str>)> {
        self.doc.lines().skip(1).map(str::trim).filter(|l| !l.is_empty()).map(|line| match line.rsplit_once(" => ") {
            Some((expression, value)) => (expression.trim(), Some(value.trim())),
            None => (line, None),
        })
    }

    /// For a terminal.
    pub fn text(&self) -> String {
        let mut out = format!("{}\n    {}\n    {}\n", self.full_name(), self.signature(), self.sentence());
        for (expression, value) in self.examples() {
            let _ = match value {
                Some(value) => writeln!(out, "      {expression}  =>  {value}"),
                None => writeln!(out, "      {expression}"),
            };
        }
        out
    }
}

/// Names of the library's own helpers, which nobody calls directly.
fn is_internal(name: &str) -> bool {
    name.starts_with('%') || (name.starts_with('_') && name.len() > 1)
}

/// Every builtin function and method, sorted.
pub fn entries(vm: &Vm) -> Vec<Entry> {
    let mut out = Vec::new();
    let mut seen = Vec::new();
    namespace(vm, vm.globals, "", &mut seen, &mut out);
    out.sort();
    out.dedup();
    out
}

fn namespace(vm: &Vm, ns: Gc<NamespaceObj>, path: &str, seen: &mut Vec<Value>, out: &mut Vec<Entry>) {
    seen.push(ns.value());
    for &(name, member) in &ns.data().members {
        let text = vm.sym_name(name);
        let Member::Value(v) = member else { continue };
        if is_internal(text) {
            continue;
        }
        if let Some(doc) = doc_of(vm, v) {
            // The functions of namespace `gene` are the globals.
            let copy = path == "gene" && vm.globals.data().find(name).is_some();
            if !copy {
                let home = if path.is_empty() { Home::Global } else { Home::Namespace(path.to_owned()) };
                out.push(Entry { home, name: text, doc });
            }
        } else if let Some(inner) = v.get::<NamespaceObj>(Kind::Namespace) {
            if !seen.contains(&v) {
                let path = if path.is_empty() { text.to_owned() } else { format!("{path}/{text}") };
                namespace(vm, inner, &path, seen, out);
            }
        } else if let Some(c) = v.get::<ClassObj>(Kind::Class)
            && !seen.contains(&v)
        {
            seen.push(v);
            class(vm, c, out);
        }
    }
}

fn class(vm: &Vm, c: Gc<ClassObj>, out: &mut Vec<Entry>) {
    let class = vm.sym_name(c.data().name);
    let mut add = |home: Home, name: Sym, v: Value| {
        let name = vm.sym_name(name);
        if let Some(doc) = doc_of(vm, v).filter(|_| !is_internal(name)) {
            out.push(Entry { home, name, doc });
        }
    };
    for (&name, &v) in &c.data().methods {
        add(Home::Class(class), name, v);
    }
    for (&name, &v) in &c.data().statics {
        add(Home::Static(class), name, v);
    }
}

/// The doc string of a builtin, perhaps empty; `None` for other values.
fn doc_of(vm: &Vm, v: Value) -> Option<&'static str> {
    match v.as_native() {
        Some((def, data)) if std::ptr::eq(def, &raw const PRELUDE) => Some(prelude::doc(data)),
        Some((def, _)) => Some(def.doc),
        None => prelude::doc_of(vm, v),
    }
}

/// The builtins a name means: `String.split`, `math/sin`, a plain name or `.name` wherever it occurs, and all members of a class
/// or namespace. None: the nearest names.
pub fn find(vm: &Vm, query: &str) -> Result<Vec<Entry>, Vec<String>> {
    let all = entries(vm);
    let matches =
        |wanted: &dyn Fn(&Entry) -> bool| -> Vec<Entry> { all.iter().filter(|e| wanted(e)).cloned().collect() };
    let method = query.strip_prefix('.').filter(|m| !m.is_empty());
    let query = query.strip_prefix("gene/").filter(|rest| !rest.contains('/')).unwrap_or(query);
    let steps: [&dyn Fn(&Entry) -> bool; 3] = [
        &|e| e.full_name() == query,
        &|e| match method {
            Some(name) => e.name == name && matches!(e.home, Home::Class(_)),
            None => e.name == query,
        },
        &|e| match &e.home {
            Home::Global => false,
            Home::Class(home) | Home::Static(home) => *home == query,
            Home::Namespace(path) => path == query,
        },
    ];
    for step in steps {
        let found = matches(step);
        if !found.is_empty() {
            return Ok(found);
        }
    }
    let plain = query.rsplit(['.', '/']).next().unwrap_or(query).to_lowercase();
    let near = all.iter().filter(|e| !plain.is_empty() && e.name.to_lowercase().contains(&plain));
    let mut names: Vec<String> = near.map(Entry::full_name).collect();
    names.truncate(20);
    Err(names)
}

/// What `(doc name)` and `gene doc name` show.
pub fn lookup(vm: &Vm, query: &str) -> Result<String, String> {
    match find(vm, query) {
        Ok(found) => Ok(found.iter().map(Entry::text).collect::<Vec<_>>().join("\n")),
        Err(near) if near.is_empty() => Err(format!("No documentation for {query}\n")),
        Err(near) => Err(format!("No documentation for {query}; there are {}\n", near.join(", "))),
    }
}

static DOC: NativeDef = def!(
    "doc",
    doc,
    1,
    2,
    "(doc name) -- shows what a function or method does; in sessions only
        (doc String.split)"
);

fn doc(vm: &mut Vm, a: &Args) -> R {
    let name = string(vm, "doc", a.get(0))?;
    let text = match a.opt(1).and_then(|v| own_function(vm, name, v)) {
        Some(text) => text,
        None => lookup(vm, name).unwrap_or_else(|missing| missing),
    };
    vm.output.stdout(&text);
    Ok(Value::NIL)
}

/// A function of the session: its parameters and `^intent`.
fn own_function(vm: &Vm, name: &str, v: Value) -> Option<String> {
    let p = v.get::<Function>(Kind::Function)?.proto();
    let params: Vec<&str> = p.params.names.iter().map(|&s| vm.sym_name(s)).collect();
    let intent = p.intent.and_then(Value::as_str).map_or(String::new(), |text| format!("    {text}\n"));
    Some(format!("({}) -- a function of this session\n{intent}", [&[name], &params[..]].concat().join(" ")))
}

impl Vm {
    /// Defines `doc`, for interactive sessions.
    pub fn open_doc(&mut self) {
        let name = self.symbols.intern_static(DOC.name);
        let f = self.heap.native(&DOC, Value::NIL);
        self.heap.namespace_set(self.globals, name, f);
    }
}
