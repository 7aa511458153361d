//! Values to Gene text that the reader reads back (language 15.3).
//!
//! Where the debug form would not read back, another form stands in its place: `(Range from to step)`, `(Bytes)` for no bytes at
//! all, `(Regex pattern flags replacement)` for a replacement the reader can't tell from what follows, `(Map k v ...)` and
//! `(Gene type {props} [children])` for names the reader has no spelling for. What could be mistaken for one of the marked forms is
//! `(Quoted ...)`.
use super::printer::{write_bytes, write_quoted};
use super::serdes::{self, Places};
use crate::compile::quote::{DISCARD, QUOTE, SPLICE};
use crate::heap::{Gc, Kind, Record};
use crate::native::Stop;
use crate::object::array::Array;
use crate::object::map::Map;
use crate::object::table::Table;
use crate::syntax::form::FormKind;
use crate::value::{Sym, Value};
use crate::vm::Vm;
use bumpalo::Bump;
use rustc_hash::FxHashSet;

/// Types of genes that stand for something else.
pub const MARKS: [&str; 14] = [
    "ClassRef",
    "FunctionRef",
    "NamespaceRef",
    "EnumRef",
    "EnumValue",
    "InstanceRef",
    "Instance",
    "Quoted",
    "HashSet",
    "Range",
    "Bytes",
    "Regex",
    "Map",
    "Gene",
];

/// Symbols that stand for Floats.
pub const SPECIAL_FLOATS: [(&str, f64); 3] = [("nan", f64::NAN), ("inf", f64::INFINITY), ("-inf", f64::NEG_INFINITY)];

/// Containers inside each other; the reader takes no more.
const MAX_DEPTH: usize = crate::syntax::MAX_DEPTH as usize - 10;

type Done = (Gc<Table>, Gc<Array>);

/// The text of a value. `done` holds the results of `serialize` methods; without it `None` says that some are needed.
pub fn write(vm: &mut Vm, v: Value, done: Option<Done>) -> Result<Option<String>, Stop> {
    let mut w = Writer { vm, out: "(gene/serialization ".to_owned(), open: FxHashSet::default(), places: None, done };
    match w.value(v) {
        Ok(()) => {
            w.out.push(')');
            Ok(Some(w.out))
        }
        Err(Fault::NeedsCall) => Ok(None),
        Err(Fault::Stop(s)) => Err(s),
    }
}

/// Appends the form of a value that has no parts: it reads back alone and inside other forms.
pub fn write_atom(vm: &mut Vm, out: &mut String, v: Value) -> Result<(), Stop> {
    if let Some(s) = v.as_sym() {
        write_symbol(out, vm.sym_name(s));
        return Ok(());
    }
    let text = vm.to_debug(v)?;
    out.push_str(&text);
    Ok(())
}

/// Whether a character may stand anywhere in a name.
fn is_plain(c: char) -> bool {
    c.is_alphanumeric()
        || matches!(c, '_' | '-' | '?' | '!' | '+' | '*' | '<' | '>' | '=' | '&' | '|' | '$' | ':' | '.')
}

/// A symbol; with a `\` before each character when the reader would take the bare name for something else.
fn write_symbol(out: &mut String, name: &str) {
    let plain = name.chars().all(is_plain) && !name.ends_with("...") && reads_as_symbol(name);
    for c in name.chars() {
        if !plain {
            out.push('\\');
        }
        out.push(c);
    }
}

fn reads_as_symbol(name: &str) -> bool {
    // Names of letters, the usual case, need no trial.
    let word = |name: &str| name.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_');
    if word(name) && !name.is_empty() {
        return !matches!(name, "nil" | "void" | "true" | "false" | "not_found");
    }
    let arena = Bump::new();
    match crate::syntax::read(&arena, name) {
        Ok(forms) => matches!(forms[..], [f] if matches!(f.kind, FormKind::Symbol(s) if s == name)),
        Err(_) => false,
    }
}

/// Whether a name can be written as a property.
fn is_plain_key(name: &str) -> bool {
    !name.is_empty()
        && name.chars().all(|c| is_plain(c) || c == '/')
        && !name.starts_with('!')
        && !name.ends_with("...")
}

pub fn is_marked(vm: &Vm, ty: Value) -> bool {
    ty.as_sym().is_some_and(|s| MARKS.contains(&vm.sym_name(s)))
}

fn serialize_method(vm: &mut Vm, v: Value) -> Option<Value> {
    let class = vm.instance_class(v.get::<Map>(Kind::Instance)?);
    let name = vm.symbols.intern_static("serialize");
    vm.class_find(class, name)
}

enum Fault {
    Stop(Stop),
    /// A method of a script has to be called first.
    NeedsCall,
}

impl From<Stop> for Fault {
    fn from(s: Stop) -> Fault {
        Fault::Stop(s)
    }
}

type W = Result<(), Fault>;

struct Writer<'v> {
    vm: &'v mut Vm,
    out: String,
    /// Containers being written, by identity; the frames that write them keep them alive.
    open: FxHashSet<u64>,
    /// Made when the first reference is met.
    places: Option<Places>,
    done: Option<Done>,
}

impl Writer<'_> {
    fn value(&mut self, v: Value) -> W {
        if let Some(f) = v.as_float() {
            crate::value::float::write(&mut self.out, f);
            return Ok(());
        }
        if let Some(s) = v.as_sym() {
            let name = self.vm.sym_name(s);
            if name.is_empty() {
                self.out.push_str("(Quoted \"\")");
            } else if SPECIAL_FLOATS.iter().any(|f| f.0 == name) {
                self.out.push_str("(Quoted ");
                write_symbol(&mut self.out, name);
                self.out.push(')');
            } else {
                write_symbol(&mut self.out, name);
            }
            return Ok(());
        }
        if let Some(s) = v.as_str() {
            write_quoted(&mut self.out, s, '"');
            return Ok(());
        }
        let Some(kind) = v.heap_kind() else {
            return Ok(write_atom(self.vm, &mut self.out, v)?);
        };
        match kind {
            Kind::BoxedInt
            | Kind::Date
            | Kind::Time
            | Kind::DateTime
            | Kind::Duration
            | Kind::Path
            | Kind::InterpData => Ok(write_atom(self.vm, &mut self.out, v)?),
            Kind::Bytes => {
                match v.as_bytes() {
                    Some(b) if !b.is_empty() => write_bytes(&mut self.out, b),
                    _ => self.out.push_str("(Bytes)"),
                }
                Ok(())
            }
            Kind::Range => self.slots("(Range", v.gc()),
            Kind::Regex => {
                let hidden = |c: char| c.is_whitespace() || ",()[]{}".contains(c);
                let r: Gc<Record> = v.gc();
                match r.slot(2).as_str() {
                    Some(replacement) if replacement.contains(hidden) => self.slots("(Regex", r),
                    _ => Ok(write_atom(self.vm, &mut self.out, v)?),
                }
            }
            Kind::Array
            | Kind::Map
            | Kind::HashMap
            | Kind::HashSet
            | Kind::Gene
            | Kind::Quote
            | Kind::EnumValue
            | Kind::Instance => self.container(v, kind),
            Kind::Variant => self.variant(v),
            Kind::Class | Kind::Function | Kind::Native | Kind::Namespace | Kind::Enum => self.reference(v),
            _ => Err(self.unsupported(v)),
        }
    }

    #[cold]
    fn unsupported(&mut self, v: Value) -> Fault {
        let m = format!("Value of kind {} is not serializable", self.vm.kind_name(v));
        Fault::Stop(self.vm.type_error(&m))
    }

    fn slots(&mut self, head: &str, r: Gc<Record>) -> W {
        self.out.push_str(head);
        for i in 0..3 {
            self.out.push(' ');
            self.value(r.slot(i))?;
        }
        self.out.push(')');
        Ok(())
    }

    fn container(&mut self, v: Value, kind: Kind) -> W {
        if !self.open.insert(v.0) {
            return Err(Fault::Stop(self.vm.type_error("Cannot serialize cyclic structure")));
        }
        if self.open.len() > MAX_DEPTH {
            return Err(Fault::Stop(self.vm.runtime_error("Nesting too deep")));
        }
        super::printer::check_growth(self.vm, self.out.len())?;
        crate::stack::grow(|| match kind {
            Kind::Array => self.array(v.gc()),
            Kind::Map => self.map(v.gc()),
            Kind::HashMap => self.hash_map(v.gc()),
            Kind::HashSet => self.hash_set(v.gc()),
            Kind::Gene => self.gene(v.gc()),
            Kind::Quote => self.quote(v.gc()),
            Kind::EnumValue => self.enum_value(v),
            _ => self.instance(v),
        })?;
        self.open.remove(&v.0);
        Ok(())
    }

    fn mark_frozen<T>(&mut self, o: Gc<T>) {
        if o.header().frozen() {
            self.out.push('#');
        }
    }

    fn items(&mut self, a: Gc<Array>, mut first: bool) -> W {
        for i in 0..a.size() {
            if !std::mem::replace(&mut first, false) {
                self.out.push(' ');
            }
            self.value(a.as_slice()[i])?;
        }
        Ok(())
    }

    fn entries(&mut self, entries: &[(Sym, Value)], mut first: bool) -> W {
        for &(k, v) in entries {
            if !std::mem::replace(&mut first, false) {
                self.out.push(' ');
            }
            self.out.push('^');
            self.out.push_str(self.vm.sym_name(k));
            self.out.push(' ');
            self.value(v)?;
        }
        Ok(())
    }

    fn plain_keys(&self, entries: &[(Sym, Value)]) -> bool {
        entries.iter().all(|e| is_plain_key(self.vm.sym_name(e.0)))
    }

    fn array(&mut self, a: Gc<Array>) -> W {
        self.mark_frozen(a);
        self.out.push('[');
        self.items(a, true)?;
        self.out.push(']');
        Ok(())
    }

    fn map(&mut self, m: Gc<Map>) -> W {
        let entries = self.vm.map_entries(m);
        self.mark_frozen(m);
        if self.plain_keys(&entries) {
            self.out.push('{');
            self.entries(&entries, true)?;
            self.out.push('}');
            return Ok(());
        }
        self.out.push_str("(Map");
        for (k, v) in entries {
            self.out.push(' ');
            write_quoted(&mut self.out, self.vm.sym_name(k), '"');
            self.out.push(' ');
            self.value(v)?;
        }
        self.out.push(')');
        Ok(())
    }

    fn hash_map(&mut self, t: Gc<Table>) -> W {
        self.mark_frozen(t);
        self.out.push_str("{{");
        let mut at = 0;
        while let Some(i) = t.next_entry(at) {
            if at > 0 {
                self.out.push(' ');
            }
            at = i + 1;
            self.value(t.key_at(i))?;
            self.out.push(' ');
            self.value(t.value_at(i))?;
        }
        self.out.push_str("}}");
        Ok(())
    }

    fn hash_set(&mut self, t: Gc<Table>) -> W {
        self.mark_frozen(t);
        self.out.push_str("(HashSet");
        let mut at = 0;
        while let Some(i) = t.next_entry(at) {
            at = i + 1;
            self.out.push(' ');
            self.value(t.key_at(i))?;
        }
        self.out.push(')');
        Ok(())
    }

    fn gene(&mut self, g: Gc<Record>) -> W {
        let entries = g.gene_props().map_or(Vec::new(), |m| self.vm.map_entries(m));
        if !self.plain_keys(&entries) {
            self.mark_frozen(g);
            self.out.push_str("(Gene ");
            self.value(g.gene_type())?;
            self.out.push(' ');
            match g.gene_props() {
                Some(m) => self.map(m)?,
                None => self.out.push_str("{}"),
            }
            self.out.push_str(" [");
            self.items(g.gene_children(), true)?;
            self.out.push_str("])");
            return Ok(());
        }
        let quoted = is_marked(self.vm, g.gene_type());
        if quoted {
            self.out.push_str("(Quoted ");
        }
        self.mark_frozen(g);
        self.out.push('(');
        self.value(g.gene_type())?;
        self.entries(&entries, false)?;
        self.items(g.gene_children(), false)?;
        self.out.push(')');
        if quoted {
            self.out.push(')');
        }
        Ok(())
    }

    fn quote(&mut self, r: Gc<Record>) -> W {
        self.out.push_str(match r.header().aux {
            QUOTE => "`",
            DISCARD => "%_",
            _ => "%",
        });
        self.value(r.slot(0))?;
        if r.header().aux == SPLICE {
            self.out.push_str("...");
        }
        Ok(())
    }

    fn place(&mut self, v: Value) -> Option<serdes::Place> {
        if let Some(place) = serdes::prelude_place(v) {
            return Some(place);
        }
        let places = self.places.get_or_insert_with(|| serdes::places(self.vm));
        places.get(&v.0).cloned()
    }

    fn write_reference(&mut self, kind: &str, place: &serdes::Place, variant: Option<&str>) {
        self.out.push('(');
        self.out.push_str(kind);
        self.out.push_str(" ^module ");
        write_quoted(&mut self.out, &place.module, '"');
        self.out.push_str(" ^path ");
        match variant {
            Some(name) => write_quoted(&mut self.out, &format!("{}/{name}", place.path), '"'),
            None => write_quoted(&mut self.out, &place.path, '"'),
        }
        self.out.push(')');
    }

    fn reference(&mut self, v: Value) -> W {
        let kind = match v.heap_kind() {
            Some(Kind::Class) => "ClassRef",
            Some(Kind::Namespace) => "NamespaceRef",
            Some(Kind::Enum) => "EnumRef",
            _ => "FunctionRef",
        };
        match self.place(v) {
            Some(place) => {
                self.write_reference(kind, &place, None);
                Ok(())
            }
            None => Err(self.unsupported(v)),
        }
    }

    /// A unit value, or the constructor of a payload variant.
    fn variant(&mut self, v: Value) -> W {
        let Some((e, i)) = v.variant_of() else { return Err(self.unsupported(v)) };
        let name = self.vm.sym_name(e.data().variants[i].name);
        match self.place(e.value()) {
            Some(place) => {
                self.write_reference("EnumRef", &place, Some(name));
                Ok(())
            }
            None => Err(self.unsupported(v)),
        }
    }

    fn enum_value(&mut self, v: Value) -> W {
        let r: Gc<Record> = v.gc();
        self.out.push_str("(EnumValue ");
        self.variant(r.slot(0))?;
        for i in 1..r.len() {
            self.out.push(' ');
            self.value(r.slot(i))?;
        }
        self.out.push(')');
        Ok(())
    }

    fn instance(&mut self, v: Value) -> W {
        if let Some(place) = self.place(v) {
            self.write_reference("InstanceRef", &place, None);
            return Ok(());
        }
        if serialize_method(self.vm, v).is_none() {
            return Err(self.unsupported(v));
        }
        let Some((done, results)) = self.done else { return Err(Fault::NeedsCall) };
        let key = identity(self.vm, v);
        let Some(n) = self.vm.table_get(done, key)?.and_then(Value::as_int) else { return Err(Fault::NeedsCall) };
        let Some(result) = usize::try_from(n).ok().and_then(|n| results.at(n)) else { return Err(Fault::NeedsCall) };
        let class = self.vm.instance_class(v.gc());
        self.out.push_str("(Instance ");
        self.reference(class.value())?;
        self.out.push(' ');
        self.value(result)?;
        self.out.push(')');
        Ok(())
    }
}

/// Objects do not move.
fn identity(vm: &mut Vm, v: Value) -> Value {
    vm.int(v.addr() as i64)
}

// --- finding the instances that have to be asked

/// Instances in `v` whose `serialize` is still to be called. They get their numbers in `done`.
pub fn instances(vm: &mut Vm, v: Value, done: Gc<Table>) -> Result<Gc<Array>, Stop> {
    let found = vm.heap.array_with_capacity(0);
    let places = serdes::places(vm);
    let mut seen = FxHashSet::default();
    let mut todo = vec![v];
    while let Some(v) = todo.pop() {
        let Some(kind) = v.heap_kind() else { continue };
        let parts = match kind {
            Kind::Array | Kind::Map | Kind::HashMap | Kind::HashSet | Kind::Gene | Kind::EnumValue => {
                if !seen.insert(v.0) {
                    continue;
                }
                parts(vm, v, kind)
            }
            Kind::Instance => {
                let key = identity(vm, v);
                if !places.contains_key(&v.0) && serialize_method(vm, v).is_some() && vm.table_get(done, key)?.is_none()
                {
                    let n = Value::small(done.size() as i64);
                    vm.table_set(done, key, n)?;
                    vm.heap.array_push(found, v);
                }
                continue;
            }
            _ => continue,
        };
        // The first part is looked at first.
        todo.extend(parts.into_iter().rev());
    }
    Ok(found)
}

fn parts(vm: &Vm, v: Value, kind: Kind) -> Vec<Value> {
    let map = |m: Gc<Map>| vm.map_entries(m).into_iter().map(|e| e.1);
    match kind {
        Kind::Array => v.gc::<Array>().as_slice().to_vec(),
        Kind::Map => map(v.gc()).collect(),
        Kind::HashMap | Kind::HashSet => v.gc::<Table>().iter().flat_map(|(k, v)| [k, v]).collect(),
        Kind::Gene => {
            let g: Gc<Record> = v.gc();
            let props = g.gene_props().into_iter().flat_map(map);
            std::iter::once(g.gene_type()).chain(props).chain(g.gene_children().as_slice().iter().copied()).collect()
        }
        _ => v.gc::<Record>().slots()[1..].to_vec(),
    }
}
