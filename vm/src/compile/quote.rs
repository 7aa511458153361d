//! Forms as data: what a quote evaluates to, what `$parse` gives, and the literals among constants.
//!
//! Layouts of data that only quotes make (`Kind::Record` unless said otherwise):
//!
//! ```text
//! Gene        type, properties Map or nil, children Array, position
//! Path        text, Array of parts           Selector    Array of parts
//! Quote       form; aux 0 quote, 1 unquote, 2 discarding unquote, 3 splicing unquote
//! InterpData  Array of parts: Strings are text, a record (form) is an expression
//! Regex       pattern, flags, replacement or nil
//! ```
//!
//! A part of a Path or Selector is a Symbol (name), an Int (index), nil (the leading `/`), or a record whose first element is a
//! Symbol: `.` and the method's name, `<>` and the form, `!`, `*`, `**`, `@`, `@@`.
//!
//! A position is `file << 32 | offset` as a small Int: `file` is the text's number in `Vm::sources`.
use crate::heap::Kind;
use crate::object::temporal::{self, Clock};
use crate::syntax::form::{DateLit, Form, FormKind, GeneForm, InterpPart, PathPart, Prop, TimeLit};
use crate::value::Value;
use crate::vm::Vm;

/// `UnquoteForm` kinds in the `aux` of a [`Kind::Quote`] record.
pub const QUOTE: u16 = 0;
pub const UNQUOTE: u16 = 1;
pub const DISCARD: u16 = 2;
pub const SPLICE: u16 = 3;

/// For data that remembers no positions.
pub const NO_SOURCE: u32 = u32::MAX;

/// The form as data. Allocates only; nothing is collected meanwhile.
pub fn form_to_value(vm: &mut Vm, form: &Form<'_>, file_id: u32) -> Value {
    Data { vm, file: file_id }.value(form)
}

/// The Date, Time or DateTime whose literal `text` is, all of it.
pub fn temporal_literal(vm: &mut Vm, text: &str) -> Option<Value> {
    let arena = bumpalo::Bump::new();
    let forms = crate::syntax::read_printed(&arena, text).ok()?;
    match forms[..] {
        [form] if form.span.start == 0 && form.span.end as usize == text.len() => match form.kind {
            FormKind::Date(_) | FormKind::Time(_) | FormKind::DateTime(..) => Some(form_to_value(vm, &form, NO_SOURCE)),
            _ => None,
        },
        _ => None,
    }
}

struct Data<'v> {
    vm: &'v mut Vm,
    file: u32,
}

impl Data<'_> {
    fn value(&mut self, f: &Form<'_>) -> Value {
        crate::stack::grow(|| self.kind(f))
    }

    fn kind(&mut self, f: &Form<'_>) -> Value {
        match f.kind {
            FormKind::Nil => Value::NIL,
            FormKind::Void => Value::VOID,
            FormKind::True => Value::TRUE,
            FormKind::False => Value::FALSE,
            FormKind::NotFound => Value::NOT_FOUND,
            FormKind::Int(i) => self.vm.int(i),
            FormKind::Float(x) => Value::float(x),
            FormKind::Char(c) => Value::char(c),
            FormKind::Str(s) => self.vm.str(s),
            FormKind::Bytes(b) => self.vm.heap.bytes(b).value(),
            FormKind::Date(d) => self.vm.date(days(d)),
            FormKind::Time(t) => {
                let c = self.clock(&t);
                self.vm.time(c)
            }
            FormKind::DateTime(d, t) => {
                let c = self.clock(&t);
                self.vm.date_time(days(d), c)
            }
            FormKind::Duration(us) => self.vm.duration(us),
            FormKind::Regex(r) => {
                let items = [self.vm.str(r.pattern), self.vm.str(r.flags), self.opt_str(r.replacement)];
                self.vm.heap.record(Kind::Regex, 0, &items).value()
            }
            FormKind::Symbol(s) => self.sym(s),
            FormKind::Path(parts) => {
                let text = path_text(parts);
                let items = [self.vm.str(&text), self.parts(parts)];
                self.vm.heap.record(Kind::Path, 0, &items).value()
            }
            FormKind::Selector(parts) => {
                let items = [self.parts(parts)];
                self.vm.heap.record(Kind::Selector, 0, &items).value()
            }
            FormKind::Interp(parts) => {
                let mut items = Vec::with_capacity(parts.len());
                for p in parts {
                    items.push(match p {
                        InterpPart::Text(t) => self.vm.str(t),
                        InterpPart::Form(f) => {
                            let v = self.value(f);
                            self.record(&[v])
                        }
                    });
                }
                let items = [self.vm.array(&items)];
                self.vm.heap.record(Kind::InterpData, 0, &items).value()
            }
            FormKind::Array { items, frozen } => {
                let values: Vec<Value> = items.iter().map(|i| self.value(i)).collect();
                let a = self.vm.heap.array(&values);
                a.header_mut().set_frozen(frozen);
                a.value()
            }
            FormKind::Map { entries, frozen } => {
                let m = self.props(entries);
                m.gc::<crate::heap::Record>().header_mut().set_frozen(frozen);
                m
            }
            FormKind::HashMap { items, frozen } => {
                let t = self.vm.heap.table(Kind::HashMap);
                for pair in items.chunks_exact(2) {
                    let (k, v) = (self.value(&pair[0]), self.value(&pair[1]));
                    // Data can be hashed and compared without calling anything; a key nested too deeply is left out.
                    if self.vm.table_set(t, k, v).is_err() {
                        self.vm.exception = Value::UNDEF;
                    }
                }
                t.header_mut().set_frozen(frozen);
                t.value()
            }
            FormKind::Gene(g) => self.gene(g, f.span.start),
            FormKind::Quote(inner) => self.quoted(inner, QUOTE),
            FormKind::Unquote(u) => {
                let aux = if u.discard {
                    DISCARD
                } else if u.splice {
                    SPLICE
                } else {
                    UNQUOTE
                };
                self.quoted(&u.form, aux)
            }
        }
    }

    fn record(&mut self, items: &[Value]) -> Value {
        self.vm.heap.record(Kind::Record, 0, items).value()
    }

    fn quoted(&mut self, f: &Form<'_>, aux: u16) -> Value {
        let v = self.value(f);
        self.vm.heap.record(Kind::Quote, aux, &[v]).value()
    }

    fn sym(&mut self, s: &str) -> Value {
        Value::sym(self.vm.sym(s))
    }

    fn opt_str(&mut self, s: Option<&str>) -> Value {
        s.map_or(Value::NIL, |s| self.vm.str(s))
    }

    fn gene(&mut self, g: &GeneForm<'_>, offset: u32) -> Value {
        let ty = g.head.map_or(Value::NIL, |h| self.value(&h));
        let props = if g.props.is_empty() { Value::NIL } else { self.props(g.props) };
        let children: Vec<Value> = g.children.iter().map(|c| self.value(c)).collect();
        let children = self.vm.array(&children);
        let pos = match self.file {
            NO_SOURCE => Value::NIL,
            file => Value::small((file as i64 & 0x7FFF) << 32 | offset as i64),
        };
        let r = self.vm.heap.record(Kind::Gene, 0, &[ty, props, children, pos]);
        r.header_mut().set_frozen(g.frozen);
        r.value()
    }

    fn props(&mut self, entries: &[Prop<'_>]) -> Value {
        let m = self.vm.map_with_capacity(entries.len());
        for e in entries {
            let key = self.vm.sym(e.key);
            let v = self.value(&e.value);
            self.vm.map_set(m, key, v);
        }
        m.value()
    }

    fn parts(&mut self, parts: &[PathPart<'_>]) -> Value {
        let mut items = Vec::with_capacity(parts.len());
        for p in parts {
            items.push(match p {
                PathPart::SelfRef => Value::NIL,
                PathPart::Name(n) => self.sym(n),
                PathPart::Index(i) => self.vm.int(*i),
                PathPart::Method(m) => {
                    let parts = [self.sym("."), self.sym(m)];
                    self.record(&parts)
                }
                PathPart::Dynamic(f) => {
                    let parts = [self.sym("<>"), self.value(f)];
                    self.record(&parts)
                }
                PathPart::NotNil => self.mark("!"),
                PathPart::Values => self.mark("*"),
                PathPart::Entries => self.mark("**"),
                PathPart::Collect => self.mark("@"),
                PathPart::CollectMap => self.mark("@@"),
            });
        }
        self.vm.array(&items)
    }

    fn mark(&mut self, s: &str) -> Value {
        let s = self.sym(s);
        self.record(&[s])
    }

    fn clock(&mut self, t: &TimeLit<'_>) -> Clock {
        let seconds = t.hour as i64 * 3600 + t.minute as i64 * 60 + t.second.unwrap_or(0) as i64;
        let shown = if t.second.is_some() { temporal::SHOW_SECONDS } else { 0 };
        Clock {
            micros: seconds * 1_000_000 + t.micros as i64,
            offset: t.offset.map_or(Value::NIL, |o| Value::small(o as i64)),
            zone: self.opt_str(t.zone),
            flags: shown | if t.utc { temporal::UTC } else { 0 },
        }
    }
}

fn days(d: DateLit) -> i64 {
    temporal::days_from_civil(d.year as i64, d.month as i64, d.day as i64)
}

/// The path as written.
pub fn path_text(parts: &[PathPart<'_>]) -> String {
    let mut out = String::new();
    for (i, p) in parts.iter().enumerate() {
        if i > 0 {
            out.push('/');
        }
        match p {
            PathPart::SelfRef => {}
            PathPart::Name(n) => out.push_str(&n.replace('/', "\\/")),
            PathPart::Index(n) => out.push_str(&n.to_string()),
            PathPart::Method(m) => {
                out.push('.');
                out.push_str(m);
            }
            PathPart::Dynamic(f) => {
                out.push('<');
                match f.kind {
                    FormKind::Symbol(s) => out.push_str(s),
                    FormKind::Path(parts) => out.push_str(&path_text(parts)),
                    _ => {}
                }
                out.push('>');
            }
            PathPart::NotNil => out.push('!'),
            PathPart::Values => out.push('*'),
            PathPart::Entries => out.push_str("**"),
            PathPart::Collect => out.push('@'),
            PathPart::CollectMap => out.push_str("@@"),
        }
    }
    out
}
