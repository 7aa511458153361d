//! Data back to forms: what `eval`, `$caller_eval` and macros give the compiler.
use crate::heap::{Gc, Kind, Record};
use crate::native::Stop;
use crate::object::array::Array;
use crate::object::map::Map;
use crate::object::table::Table;
use crate::syntax::form::{Form, FormKind, GeneForm, PathPart, Prop, PropKind, RegexLit, Span, UnquoteForm};
use crate::value::Value;
use crate::vm::Vm;
use bumpalo::Bump;
use rustc_hash::FxHashSet;

struct Unquoter<'v, 'a> {
    vm: &'v mut Vm,
    arena: &'a Bump,
    /// Source of the first gene that has a position; forms from other sources get its position.
    source: Option<u32>,
    span: Span,
    /// The containers being turned into forms: one that is met again contains itself, and no form does.
    open: FxHashSet<usize>,
    /// How many there were.
    containers: usize,
}

/// Containers in what is evaluated at once: several times the size of any program.
const MAX_CONTAINERS: usize = 1 << 21;

/// The form of a datum, and the source its positions point into.
pub fn value_to_form<'a>(vm: &mut Vm, arena: &'a Bump, v: Value) -> Result<(Form<'a>, Option<u32>), Stop> {
    let mut u = Unquoter { vm, arena, source: None, span: Span::default(), open: FxHashSet::default(), containers: 0 };
    let f = u.form(v)?;
    Ok((f, u.source))
}

fn is_plain_selector(v: Value) -> bool {
    let parts = v.gc::<Record>().slot(0).gc::<Array>();
    parts.as_slice().iter().all(|p| p.is_sym() || p.is_int() || p.is_kind(Kind::Record))
}

impl<'a> Unquoter<'_, 'a> {
    fn text(&self, s: &str) -> &'a str {
        self.arena.alloc_str(s)
    }

    fn forms(&mut self, items: &[Value]) -> Result<&'a [Form<'a>], Stop> {
        let mut out = Vec::with_capacity(items.len());
        for &v in items {
            out.push(self.form(v)?);
        }
        Ok(self.arena.alloc_slice_copy(&out))
    }

    fn props(&mut self, m: Gc<Map>) -> Result<&'a [Prop<'a>], Stop> {
        let mut out = Vec::new();
        for (k, v) in self.vm.map_entries(m) {
            let key = self.text(self.vm.sym_name(k));
            let value = self.form(v)?;
            let kind = match key {
                "..." => PropKind::Spread,
                k if k.ends_with("...") => PropKind::Rest,
                _ => PropKind::Value,
            };
            out.push(Prop { key, key_span: self.span, kind, value });
        }
        Ok(self.arena.alloc_slice_copy(&out))
    }

    fn form(&mut self, v: Value) -> Result<Form<'a>, Stop> {
        if !matches!(v.heap_kind(), Some(Kind::Array | Kind::Map | Kind::HashMap | Kind::Gene)) {
            return crate::stack::grow(|| self.form_inner(v));
        }
        if !self.open.insert(v.addr()) {
            return Err(self.vm.runtime_error("Cannot evaluate cyclic structure"));
        }
        // Parts that are shared become forms each time they are met.
        self.vm.work(1)?;
        self.containers += 1;
        if self.containers > MAX_CONTAINERS {
            return Err(self.vm.runtime_error("Data too large to evaluate"));
        }
        let form = crate::stack::grow(|| self.form_inner(v));
        self.open.remove(&v.addr());
        form
    }

    fn form_inner(&mut self, v: Value) -> Result<Form<'a>, Stop> {
        let outer = self.span;
        let kind = self.kind(v)?;
        let span = self.span;
        self.span = outer;
        Ok(Form { span, kind })
    }

    fn kind(&mut self, v: Value) -> Result<FormKind<'a>, Stop> {
        if let Some(i) = v.as_int() {
            return Ok(FormKind::Int(i));
        }
        if let Some(f) = v.as_float() {
            return Ok(FormKind::Float(f));
        }
        if let Some(c) = v.as_char() {
            return Ok(FormKind::Char(c));
        }
        if let Some(s) = v.as_sym() {
            return Ok(FormKind::Symbol(self.text(self.vm.sym_name(s))));
        }
        let Some(kind) = v.heap_kind() else {
            return Ok(match v {
                Value::NIL => FormKind::Nil,
                Value::TRUE => FormKind::True,
                Value::FALSE => FormKind::False,
                Value::NOT_FOUND => FormKind::NotFound,
                _ => FormKind::Void,
            });
        };
        let frozen = v.gc::<Record>().header().frozen();
        Ok(match kind {
            Kind::Str => FormKind::Str(self.text(v.as_str().unwrap_or(""))),
            Kind::Bytes => FormKind::Bytes(self.arena.alloc_slice_copy(v.as_bytes().unwrap_or(&[]))),
            Kind::Array => {
                let items = v.gc::<Array>().as_slice().to_vec();
                FormKind::Array { items: self.forms(&items)?, frozen }
            }
            Kind::Map => FormKind::Map { entries: self.props(v.gc())?, frozen },
            Kind::HashMap => {
                let flat: Vec<Value> = v.gc::<Table>().iter().flat_map(|(k, v)| [k, v]).collect();
                FormKind::HashMap { items: self.forms(&flat)?, frozen }
            }
            Kind::Gene => return self.gene(v.gc(), frozen),
            Kind::Quote => {
                let q: Gc<Record> = v.gc();
                let form = self.form(q.slot(0))?;
                match q.header().aux {
                    0 => FormKind::Quote(self.arena.alloc(form)),
                    n => FormKind::Unquote(self.arena.alloc(UnquoteForm { form, discard: n == 2, splice: n == 3 })),
                }
            }
            Kind::Path => {
                let parts = v.gc::<Record>().slot(1).gc::<Array>().as_slice().to_vec();
                let mut out = Vec::new();
                for p in parts {
                    out.push(self.part(p)?);
                }
                FormKind::Path(self.arena.alloc_slice_copy(&out))
            }
            // With functions among its parts it has no literal form.
            Kind::Selector if is_plain_selector(v) => {
                let parts = v.gc::<Record>().slot(0).gc::<Array>().as_slice().to_vec();
                let mut out = Vec::new();
                for p in parts {
                    out.push(self.part(p)?);
                }
                FormKind::Selector(self.arena.alloc_slice_copy(&out))
            }
            Kind::InterpData => {
                let parts = v.gc::<Record>().slot(0).gc::<Array>().as_slice().to_vec();
                let mut out = Vec::new();
                for p in parts {
                    out.push(match p.as_str() {
                        Some(s) => crate::syntax::form::InterpPart::Text(self.text(s)),
                        None => {
                            // Forms that are String literals are wrapped, to be told from text.
                            let inner = match p.get::<Record>(Kind::Record) {
                                Some(r) => r.slot(0),
                                None => p,
                            };
                            crate::syntax::form::InterpPart::Form(self.form(inner)?)
                        }
                    });
                }
                FormKind::Interp(self.arena.alloc_slice_copy(&out))
            }
            Kind::Duration => FormKind::Duration(v.gc::<Record>().slot(0).as_int().unwrap_or(0)),
            Kind::Regex => {
                let r: Gc<Record> = v.gc();
                let get = |i: usize| r.slot(i).as_str();
                let lit = RegexLit {
                    pattern: self.text(get(0).unwrap_or("")),
                    flags: self.text(get(1).unwrap_or("")),
                    replacement: get(2).map(|s| self.text(s)),
                };
                FormKind::Regex(self.arena.alloc(lit))
            }
            // Values without literal syntax stand for themselves: they are kept by the VM while the code lives.
            _ => {
                let name = self.vm.embed_value(v);
                FormKind::Symbol(self.text(&name))
            }
        })
    }

    /// One part of a path: see `quote::parts` for the encoding.
    fn part(&mut self, p: Value) -> Result<PathPart<'a>, Stop> {
        if let Some(i) = p.as_int() {
            return Ok(PathPart::Index(i));
        }
        if let Some(s) = p.as_sym() {
            return Ok(PathPart::Name(self.text(self.vm.sym_name(s))));
        }
        let Some(r) = p.get::<Record>(Kind::Record) else { return Ok(PathPart::SelfRef) };
        let mark = r.slot(0).as_sym().map_or("", |s| self.vm.sym_name(s));
        Ok(match mark {
            "." => PathPart::Method(self.text(r.slot(1).as_sym().map_or("", |s| self.vm.sym_name(s)))),
            "<>" => {
                let f = self.form(r.slot(1))?;
                PathPart::Dynamic(self.arena.alloc(f))
            }
            "*" => PathPart::Values,
            "**" => PathPart::Entries,
            "@" => PathPart::Collect,
            "@@" => PathPart::CollectMap,
            _ => PathPart::NotNil,
        })
    }

    fn gene(&mut self, g: Gc<Record>, frozen: bool) -> Result<FormKind<'a>, Stop> {
        if let Some(pos) = g.slot(3).as_int() {
            let (file, offset) = ((pos >> 32) as u32, pos as u32);
            if self.source.is_none() || self.source == Some(file) {
                self.source = Some(file);
                self.span = Span { start: offset, end: offset + 1 };
            }
        }
        let kids = g.slot(2).get::<Array>(Kind::Array).map_or(Vec::new(), |a| a.as_slice().to_vec());
        let props = match g.slot(1).get::<Map>(Kind::Map) {
            Some(m) => self.props(m)?,
            None => &[],
        };
        let head =
            if g.slot(0).is_nil() && kids.is_empty() && props.is_empty() { None } else { Some(self.form(g.slot(0))?) };
        let children = self.forms(&kids)?;
        Ok(FormKind::Gene(self.arena.alloc(GeneForm { head, props, props_at: 0, children, frozen })))
    }
}
