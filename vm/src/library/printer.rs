//! Text, debug and display forms of all values (language 19).
//!
//! A user-defined `to_s` may run script code and change what is being printed: containers are walked by position, looking at
//! the present size each time, and nothing of a container is held across the printing of an element.
use super::regex;
use crate::heap::{Gc, Kind, Record};
use crate::native::{PRELUDE, Stop};
use crate::object::array::Array;
use crate::object::class::ClassObj;
use crate::object::enums::EnumObj;
use crate::object::function::Function;
use crate::object::interface::{Adapter, Interface};
use crate::object::map::Map;
use crate::object::namespace::NamespaceObj;
use crate::object::table::Table;
use crate::object::temporal;
use crate::prelude::ENTRIES;
use crate::value::{Sym, Value};
use crate::vm::Vm;
use std::fmt::Write;

/// Which of the three forms is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Style {
    /// Strings and Chars bare; inside containers as [`Style::Debug`].
    Text,
    /// Strings and Chars quoted.
    Debug,
    /// Strings and Chars bare, inside collections too.
    Display,
}

/// Containers inside each other before the printer gives up with `...`.
const MAX_DEPTH: usize = 1000;

impl Vm {
    /// What `.to_s` and interpolation give.
    pub fn to_text(&mut self, v: Value) -> Result<String, Stop> {
        let mut out = String::new();
        self.write_value(&mut out, v, Style::Text)?;
        Ok(out)
    }
    /// What `(debug v)` gives.
    pub fn to_debug(&mut self, v: Value) -> Result<String, Stop> {
        let mut out = String::new();
        self.write_value(&mut out, v, Style::Debug)?;
        Ok(out)
    }
    /// What `print` writes.
    pub fn to_display(&mut self, v: Value) -> Result<String, Stop> {
        let mut out = String::new();
        self.write_value(&mut out, v, Style::Display)?;
        Ok(out)
    }

    /// Appends one form of `v`.
    pub fn write_value(&mut self, out: &mut String, v: Value, style: Style) -> Result<(), Stop> {
        let before = out.len();
        Printer { vm: self, out, open: Vec::new() }.value(v, style)?;
        self.heap.fuel.spend_on(out.len() - before);
        Ok(())
    }
}

/// Bytes of text that a structure may always become.
const MAX_TEXT: usize = 1 << 28;

/// How many times the size of the heap a longer text may have.
const TEXT_PER_HEAP: usize = 16;

/// For walks that write a structure as text, before each container: parts that are shared are written each time they are met, so
/// a small structure can have a text that no memory holds, and that would take forever to write.
pub fn check_growth(vm: &mut Vm, written: usize) -> Result<(), Stop> {
    vm.work(1)?;
    if written >= MAX_TEXT && written / TEXT_PER_HEAP > vm.heap.in_use() {
        return Err(vm.runtime_error("Text too long: shared parts of the structure are written again and again"));
    }
    super::string::check_len(vm, written)
}

/// Appends `s` in quotes `q`, with the escapes of 19.3.
pub fn write_quoted(out: &mut String, s: &str, q: char) {
    out.push(q);
    for c in s.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0' => out.push_str("\\0"),
            '\u{1b}' => out.push_str("\\e"),
            c if c == q => {
                out.push('\\');
                out.push(c);
            }
            c if (c as u32) < 0x20 || c as u32 == 0x7f => {
                let _ = write!(out, "\\u{:04X}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push(q);
}

/// Appends `^key`, a `\` before each character that would end the token. Is a value to follow? A rest marker (`^more...`) has
/// none; a key that only looks like one is told apart by a `\` before its dots.
pub fn write_key(out: &mut String, key: &str, value: Value) -> bool {
    let marker = key.ends_with("...") && key.len() > 3;
    out.push('^');
    for (at, c) in key.char_indices() {
        if marker && !value.is_nil() && at == key.len() - 3 {
            out.push('\\');
        }
        if c.is_whitespace()
            || matches!(c, '(' | ')' | '[' | ']' | '{' | '}' | '"' | '`' | '%' | ';' | ',' | '\\' | '^')
        {
            out.push('\\');
        }
        out.push(c);
    }
    !(marker && value.is_nil())
}

pub fn write_bytes(out: &mut String, b: &[u8]) {
    out.push_str("0#");
    for x in b {
        let _ = write!(out, "{x:02x}");
    }
}

/// The value in a one-word wrapper record.
fn unwrapped(v: Value) -> Value {
    v.get::<Record>(Kind::Record).map_or(v, |r| r.slot(0))
}

/// The reader takes `\/` for `/` and `\\` for `\`, and leaves every other backslash alone: only what it would change is escaped.
fn write_regex_part(out: &mut String, s: &str) {
    let mut chars = s.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('/', _) => out.push_str("\\/"),
            ('\\', Some('\\')) => {
                chars.next();
                out.push_str("\\\\\\\\");
            }
            ('\\', None | Some('/')) => out.push_str("\\\\"),
            _ => out.push(c),
        }
    }
}

struct Printer<'a> {
    vm: &'a mut Vm,
    out: &'a mut String,
    /// Containers being printed, outermost first. Compared by identity only; they are kept alive by the callers' frames.
    open: Vec<Value>,
}

type P = Result<(), Stop>;

impl Printer<'_> {
    fn value(&mut self, v: Value, style: Style) -> P {
        let bare = style != Style::Debug;
        if v.is_small() {
            let _ = write!(self.out, "{}", v.small_int());
            return Ok(());
        }
        if let Some(s) = v.as_str() {
            if bare {
                self.out.push_str(s);
            } else {
                write_quoted(self.out, s, '"');
            }
            return Ok(());
        }
        if let Some(f) = v.as_float() {
            crate::value::float::write(self.out, f);
            return Ok(());
        }
        if let Some(s) = v.as_sym() {
            self.out.push_str(self.vm.sym_name(s));
            return Ok(());
        }
        if let Some(c) = v.as_char() {
            if bare {
                self.out.push(c);
            } else {
                write_quoted(self.out, c.encode_utf8(&mut [0; 4]), '\'');
            }
            return Ok(());
        }
        let Some(kind) = v.heap_kind() else {
            self.out.push_str(match v {
                Value::NIL => "nil",
                Value::VOID => "void",
                Value::TRUE => "true",
                Value::FALSE => "false",
                Value::NOT_FOUND => "not_found",
                // Never seen by scripts.
                _ => "void",
            });
            return Ok(());
        };
        match kind {
            Kind::Array
            | Kind::Map
            | Kind::HashMap
            | Kind::HashSet
            | Kind::Gene
            | Kind::EnumValue
            | Kind::Instance
            | Kind::Adapter => self.container(v, kind, style),
            _ => self.scalar(v, kind),
        }
    }

    // --- containers

    fn container(&mut self, v: Value, kind: Kind, style: Style) -> P {
        if kind == Kind::Instance && self.own_text(v)? {
            return Ok(());
        }
        if self.open.len() >= MAX_DEPTH {
            self.out.push_str("...");
            return Ok(());
        }
        if self.open.contains(&v) {
            self.repeated(v, kind);
            return Ok(());
        }
        check_growth(self.vm, self.out.len())?;
        self.open.push(v);
        let inner = if style == Style::Display { Style::Display } else { Style::Debug };
        match kind {
            Kind::Array => self.array(v.gc(), inner),
            Kind::Map => self.map(v.gc(), inner),
            Kind::HashMap => self.hash_map(v.gc(), inner),
            Kind::HashSet => self.hash_set(v.gc(), inner),
            Kind::Gene => self.gene(v.gc()),
            Kind::EnumValue => self.enum_value(v),
            Kind::Adapter => self.adapter(v),
            _ => self.instance(v.gc()),
        }?;
        self.open.pop();
        Ok(())
    }

    /// A second visit to a container that is being printed.
    fn repeated(&mut self, v: Value, kind: Kind) {
        match kind {
            Kind::Array => self.out.push_str("[...]"),
            Kind::Map => self.out.push_str("{...}"),
            Kind::HashMap => self.out.push_str("{{...}}"),
            Kind::HashSet => self.out.push_str("(HashSet ...)"),
            Kind::Instance => {
                let name = self.class_name(v.gc());
                let _ = write!(self.out, "<{name} ...>");
            }
            _ => self.out.push_str("(...)"),
        }
    }

    fn mark_frozen<T>(&mut self, o: Gc<T>) {
        if o.header().frozen() {
            self.out.push('#');
        }
    }

    /// Elements separated by blanks; `first` when none was written before.
    fn items(&mut self, a: Gc<Array>, style: Style, mut first: bool) -> P {
        let mut i = 0;
        while let Some(x) = a.at(i) {
            if !first {
                self.out.push(' ');
            }
            self.value(x, style)?;
            i += 1;
            // The array belongs to it.
            first = self.is_open_path(x) && a.at(i).is_some_and(|next| next.is_kind(Kind::Array));
        }
        Ok(())
    }

    /// `n/` of `n/[p q]`.
    fn is_open_path(&self, v: Value) -> bool {
        let parts = v.get::<Record>(Kind::Path).and_then(|path| path.slot(1).get::<Array>(Kind::Array));
        let last = parts.and_then(|parts| parts.as_slice().last().copied());
        last.and_then(|part| part.as_sym()).is_some_and(|s| self.vm.sym_name(s).is_empty())
    }

    /// `^key value` entries separated by blanks.
    fn entries(&mut self, m: Gc<Map>, style: Style, mut first: bool) -> P {
        let mut at = 0;
        while let Some((k, x)) = self.vm.map_next(m, &mut at) {
            if !first {
                self.out.push(' ');
            }
            first = false;
            if write_key(self.out, self.vm.sym_name(k), x) {
                self.out.push(' ');
                self.value(x, style)?;
            }
        }
        Ok(())
    }

    fn array(&mut self, a: Gc<Array>, style: Style) -> P {
        self.mark_frozen(a);
        self.out.push('[');
        self.items(a, style, true)?;
        self.out.push(']');
        Ok(())
    }

    fn map(&mut self, m: Gc<Map>, style: Style) -> P {
        self.mark_frozen(m);
        self.out.push('{');
        self.entries(m, style, true)?;
        self.out.push('}');
        Ok(())
    }

    fn hash_map(&mut self, t: Gc<Table>, style: Style) -> P {
        self.mark_frozen(t);
        self.out.push_str("{{");
        let mut at = 0;
        while let Some(i) = t.next_entry(at) {
            if at > 0 {
                self.out.push(' ');
            }
            at = i + 1;
            let (k, x) = (t.key_at(i), t.value_at(i));
            self.value(k, style)?;
            self.out.push(' ');
            self.value(x, style)?;
        }
        self.out.push_str("}}");
        Ok(())
    }

    fn hash_set(&mut self, t: Gc<Table>, style: Style) -> P {
        self.out.push_str("(HashSet");
        let mut at = 0;
        while let Some(i) = t.next_entry(at) {
            at = i + 1;
            self.out.push(' ');
            self.value(t.key_at(i), style)?;
        }
        self.out.push(')');
        Ok(())
    }

    fn gene(&mut self, g: Gc<Record>) -> P {
        self.mark_frozen(g);
        self.out.push('(');
        self.value(g.gene_type(), Style::Debug)?;
        if let Some(m) = g.gene_props() {
            self.entries(m, Style::Debug, false)?;
        }
        self.items(g.gene_children(), Style::Debug, false)?;
        self.out.push(')');
        Ok(())
    }

    fn adapter(&mut self, v: Value) -> P {
        let Some(a) = Adapter::of(v) else { return Ok(()) };
        let _ = write!(self.out, "<{} of ", self.vm.kind_name(v));
        self.value(a.wrapped(), Style::Text)?;
        self.out.push('>');
        Ok(())
    }

    fn variant_name(&mut self, e: Gc<EnumObj>, index: usize) {
        let d = e.data();
        let (name, variant) = (self.vm.sym_name(d.name), self.vm.sym_name(d.variants[index].name));
        self.out.push_str(name);
        self.out.push('/');
        self.out.push_str(variant);
    }

    fn enum_value(&mut self, v: Value) -> P {
        self.out.push('(');
        if let Some((e, i)) = v.variant_of() {
            self.variant_name(e, i);
        }
        let r: Gc<Record> = v.gc();
        for i in 1..r.len() {
            self.out.push(' ');
            self.value(r.slot(i), Style::Debug)?;
        }
        self.out.push(')');
        Ok(())
    }

    // --- instances

    fn class_name(&self, m: Gc<Map>) -> &'static str {
        self.vm.sym_name(self.vm.instance_class(m).data().name)
    }

    /// Writes the result of a `to_s` method the instance's class got from a script; false when it has none.
    fn own_text(&mut self, v: Value) -> Result<bool, Stop> {
        let Some(f) = self.vm.user_to_s(v) else { return Ok(false) };
        let s = self.vm.call_sync_method(f, &[v])?;
        match s.as_str() {
            Some(s) => self.out.push_str(s),
            None => return Err(self.vm.type_error("to_s must return a String")),
        }
        Ok(true)
    }

    fn instance(&mut self, m: Gc<Map>) -> P {
        let class = self.vm.instance_class(m);
        if class.data().is_exception {
            self.out.push_str(self.class_name(m));
            self.out.push_str(": ");
            let message = self.vm.map_get(m, self.vm.names.message);
            return match message {
                Some(x) => self.value(x, Style::Text),
                None => Ok(()),
            };
        }
        self.out.push('<');
        self.out.push_str(self.class_name(m));
        self.entries(m, Style::Debug, false)?;
        self.out.push('>');
        Ok(())
    }

    // --- everything else

    fn scalar(&mut self, v: Value, kind: Kind) -> P {
        match kind {
            Kind::BoxedInt => {
                let _ = write!(self.out, "{}", v.as_int().unwrap_or(0));
            }
            Kind::Bytes => write_bytes(self.out, v.as_bytes().unwrap_or(&[])),
            Kind::Date | Kind::Time | Kind::DateTime | Kind::Duration => temporal::write_text(self.out, v),
            Kind::Range => return self.range(v.gc()),
            Kind::Path => return self.path_parts(v.gc::<Record>().slot(1)),
            Kind::Regex => self.regex(v.gc()),
            Kind::RegexMatch => {
                self.out.push_str("<RegexMatch ");
                write_quoted(self.out, regex::match_text(v.gc()), '"');
                self.out.push('>');
            }
            Kind::Quote => return self.quote(v.gc()),
            Kind::InterpData => return self.interpolation(v.gc()),
            Kind::Variant => {
                if let Some((e, i)) = v.variant_of() {
                    self.variant_name(e, i);
                }
            }
            Kind::Enum => self.out.push_str(self.vm.sym_name(v.gc::<EnumObj>().data().name)),
            Kind::Function | Kind::Native | Kind::BoundMethod => self.function(v),
            Kind::Fiber => self.named("Generator", self.vm.generator_name(v)),
            Kind::Class => {
                let name = self.vm.sym_name(v.gc::<ClassObj>().data().name);
                self.named("Class", Some(name));
            }
            Kind::Namespace => {
                let name = v.gc::<NamespaceObj>().data().name.map(|s| self.vm.sym_name(s));
                self.named("Namespace", name);
            }
            Kind::TypeValue => self.out.push_str(crate::interp::types::type_text(v)),
            Kind::Package => {
                let name = v.gc::<Record>().slot(0).as_str();
                self.named("Package", name);
            }
            Kind::Application => self.out.push_str("<Application>"),
            Kind::Interface => {
                let name = Interface::of(v).map(|i| self.vm.sym_name(i.name()));
                self.named("Interface", name);
            }
            Kind::Selector => {
                self.out.push_str("@(");
                self.path_parts(v.gc::<Record>().slot(0))?;
                self.out.push(')');
            }
            _ => return self.foreign(v),
        }
        Ok(())
    }

    fn named(&mut self, kind: &str, name: Option<&str>) {
        let _ = match name {
            Some(n) if !n.is_empty() => write!(self.out, "<{kind} {n}>"),
            _ => write!(self.out, "<{kind}>"),
        };
    }

    fn function(&mut self, v: Value) {
        let kind = if self.vm.is_macro(v) { "Macro" } else { "Function" };
        let name = self.vm.function_name(v);
        self.named(kind, name);
    }

    fn range(&mut self, r: Gc<Record>) -> P {
        self.value(r.slot(0), Style::Debug)?;
        self.out.push_str("..");
        self.value(r.slot(1), Style::Debug)?;
        if r.slot(2).as_number() != Some(1.0) {
            self.out.push_str(" step ");
            self.value(r.slot(2), Style::Debug)?;
        }
        Ok(())
    }

    fn quote(&mut self, r: Gc<Record>) -> P {
        let mark = r.header().aux;
        // Marks as the compiler numbers them: quote, unquote, discard, splice.
        self.out.push_str(match mark {
            0 => "`",
            2 => "%_",
            _ => "%",
        });
        self.value(r.slot(0), Style::Debug)?;
        if mark == 3 {
            self.out.push_str("...");
        }
        Ok(())
    }

    /// Strings are text; forms that are String literals are wrapped in a record.
    fn interpolation(&mut self, r: Gc<Record>) -> P {
        self.out.push_str("#\"");
        let Some(parts) = r.slot(0).get::<Array>(Kind::Array) else { return Ok(()) };
        let mut i = 0;
        while let Some(part) = parts.at(i) {
            i += 1;
            if let Some(s) = part.as_str() {
                let mut text = String::new();
                write_quoted(&mut text, s, '"');
                self.out.push_str(&text[1..text.len() - 1].replace('#', "\\#"));
                continue;
            }
            self.out.push_str("#{");
            self.value(unwrapped(part), Style::Debug)?;
            self.out.push('}');
        }
        self.out.push('"');
        Ok(())
    }

    /// The parts of a path or selector with slashes between them.
    fn path_parts(&mut self, parts: Value) -> P {
        let Some(parts) = parts.get::<Array>(Kind::Array) else { return Ok(()) };
        let mut i = 0;
        while let Some(part) = parts.at(i) {
            if i > 0 {
                self.out.push('/');
            }
            i += 1;
            if let Some(s) = part.as_sym() {
                self.out.push_str(&self.vm.sym_name(s).replace('/', "\\/"));
            } else if let Some(r) = part.get::<Record>(Kind::Record) {
                let mark = r.slot(0).as_sym().map_or("", |s| self.vm.sym_name(s));
                match mark {
                    "." => {
                        self.out.push('.');
                        self.value(r.slot(1), Style::Text)?;
                    }
                    "<>" => {
                        self.out.push('<');
                        self.value(r.slot(1), Style::Debug)?;
                        self.out.push('>');
                    }
                    mark => self.out.push_str(mark),
                }
            } else if !part.is_nil() {
                // nil is the receiver before a leading `/`.
                self.value(part, Style::Text)?;
            }
        }
        Ok(())
    }

    fn regex(&mut self, r: Gc<Record>) {
        self.out.push_str("#/");
        write_regex_part(self.out, regex::source(r));
        self.out.push('/');
        if let Some(s) = regex::replacement(r) {
            write_regex_part(self.out, s);
            self.out.push('/');
        }
        self.out.push_str(regex::flags(r));
    }

    /// Kinds whose layout other modules own, and what remains.
    fn foreign(&mut self, v: Value) -> P {
        let name = self.vm.kind_name(v);
        let _ = write!(self.out, "<{name}>");
        Ok(())
    }
}

impl Vm {
    /// The name of a function of any kind; `None` for anonymous ones.
    pub fn function_name(&self, v: Value) -> Option<&'static str> {
        match v.heap_kind()? {
            Kind::Function => v.gc::<Function>().proto().name.map(|s: Sym| self.sym_name(s)),
            Kind::Native => v.as_native().map(|(d, data)| match data.is_small() && std::ptr::eq(d, &PRELUDE) {
                true => ENTRIES[data.small_int() as usize].name,
                false => d.name,
            }),
            Kind::BoundMethod => self.function_name(v.gc::<Record>().slot(1)),
            Kind::Variant => v.variant_of().map(|(e, i)| self.sym_name(e.data().variants[i].name)),
            _ => None,
        }
    }

    pub fn is_macro(&self, v: Value) -> bool {
        v.get::<Function>(Kind::Function).is_some_and(|f| f.proto().is_macro)
    }

    /// The name of the function a generator runs.
    fn generator_name(&self, v: Value) -> Option<&'static str> {
        let name = self.function_name(v.as_generator()?.owner)?;
        // A helper of the prelude stands for the function that scripts call.
        Some(name.strip_prefix('_').filter(|_| self.is_internal(v)).unwrap_or(name))
    }

    fn is_internal(&self, v: Value) -> bool {
        let owner = v.as_generator().and_then(|g| g.owner.get::<Function>(Kind::Function));
        owner.is_some_and(|f| f.proto().source.internal)
    }
}
