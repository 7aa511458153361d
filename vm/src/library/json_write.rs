//! Values to JSON (language 15.1).
use super::bytes::base64;
use super::json_read::{MAX_DEPTH, plain_prefix};
use crate::heap::{Gc, Kind, Record};
use crate::native::Stop;
use crate::object::array::Array;
use crate::object::map::Map;
use crate::object::table::Table;
use crate::value::{Sym, Value};
use crate::vm::Vm;

/// How `stringify` writes.
#[derive(Clone, Copy, Default)]
pub struct Style {
    /// Blanks per level; `None`: all on one line.
    pub indent: Option<usize>,
    pub sort_keys: bool,
    /// Kinds JSON lacks are marked, so that reading gives them back (15.2).
    pub tagged: bool,
}

/// What the strings that stand for other kinds start with.
pub const TAG: &str = "#GENE#";

/// The JSON text of a value.
pub fn stringify(vm: &mut Vm, v: Value, style: Style) -> Result<String, Stop> {
    let mut w = Writer { vm, out: String::new(), style, open: Vec::new(), stand_ins: 0 };
    w.value(v)?;
    Ok(w.out)
}

struct Writer<'a> {
    vm: &'a mut Vm,
    out: String,
    style: Style,
    /// Containers being written, outermost first. Compared only: the frames that write them keep them alive.
    open: Vec<Value>,
    /// How many of them are instances that only stand for what their `to_json_value` gave.
    stand_ins: usize,
}

type W = Result<(), Stop>;

impl Writer<'_> {
    fn value(&mut self, v: Value) -> W {
        if let Some(i) = v.as_int() {
            self.out.push_str(itoa::Buffer::new().format(i));
            return Ok(());
        }
        if let Some(s) = v.as_str() {
            if self.style.tagged && s.starts_with(TAG) {
                return self.tagged(v);
            }
            write_string(&mut self.out, s);
            return Ok(());
        }
        if self.style.tagged {
            return self.kind_kept(v);
        }
        if let Some(f) = v.as_float() {
            return self.float(f);
        }
        if let Some(c) = v.as_char() {
            write_string(&mut self.out, c.encode_utf8(&mut [0; 4]));
            return Ok(());
        }
        if let Some(s) = v.as_sym() {
            write_string(&mut self.out, self.vm.sym_name(s));
            return Ok(());
        }
        match v.heap_kind() {
            None => {
                self.out.push_str(match v {
                    Value::NIL | Value::VOID => "null",
                    Value::TRUE => "true",
                    Value::FALSE => "false",
                    _ => return Err(self.unsupported(v)),
                });
                Ok(())
            }
            Some(
                Kind::Array | Kind::Map | Kind::HashMap | Kind::HashSet | Kind::Range | Kind::Gene | Kind::Instance,
            ) => self.container(v),
            Some(Kind::Bytes) => {
                let text = base64(v.as_bytes().unwrap_or(&[]));
                write_string(&mut self.out, &text);
                Ok(())
            }
            Some(Kind::Path | Kind::EnumValue | Kind::Date | Kind::Time | Kind::DateTime | Kind::Duration) => {
                self.text(v)
            }
            Some(Kind::Variant) if v.enum_of().is_some() => self.text(v),
            Some(_) => Err(self.unsupported(v)),
        }
    }

    /// As [`Writer::value`] for what is no Int or String, with a mark on what JSON would change.
    fn kind_kept(&mut self, v: Value) -> W {
        if let Some(f) = v.as_float() {
            return self.float(f);
        }
        if v.is_char() || v.is_sym() {
            return self.tagged(v);
        }
        match v.heap_kind() {
            None => {
                self.out.push_str(match v {
                    Value::NIL => "null",
                    Value::TRUE => "true",
                    Value::FALSE => "false",
                    _ => return Err(self.unsupported(v)),
                });
                Ok(())
            }
            Some(Kind::Array | Kind::Map | Kind::Gene) => self.container(v),
            Some(Kind::Bytes | Kind::Path | Kind::Date | Kind::Time | Kind::DateTime) => self.tagged(v),
            Some(_) => Err(self.unsupported(v)),
        }
    }

    fn tagged(&mut self, v: Value) -> W {
        let mut text = String::from(TAG);
        super::serdes_write::write_atom(self.vm, &mut text, v)?;
        write_string(&mut self.out, &text);
        Ok(())
    }

    /// `{"genetype": T, prop: v, ..., "children": [...]}`
    fn tagged_gene(&mut self, g: Gc<Record>) -> W {
        self.out.push('{');
        let mut first = true;
        self.key("genetype", &mut first);
        self.value(g.gene_type())?;
        if let Some(m) = g.gene_props() {
            let mut at = 0;
            while let Some((k, v)) = self.vm.map_next(m, &mut at) {
                let name = self.vm.sym_name(k);
                if matches!(name, "genetype" | "children") {
                    return Err(self.reserved(name));
                }
                self.key(name, &mut first);
                self.value(v)?;
            }
        }
        self.key("children", &mut first);
        self.nested(g.slot(2), |w| w.array(g.gene_children()))?;
        self.close(first, '}');
        Ok(())
    }

    #[cold]
    fn reserved(&mut self, key: &str) -> Stop {
        self.vm.argument_error(&format!("Tagged Gene JSON cannot represent the key {key}"))
    }

    #[cold]
    fn unsupported(&mut self, v: Value) -> Stop {
        let kind = self.vm.kind_name(v);
        if self.style.tagged {
            return self.vm.type_error(&format!("Tagged Gene JSON does not support {kind}"));
        }
        let m = format!("Cannot convert {kind} to JSON");
        self.vm.type_error(&m)
    }

    /// A String with the text of `v`.
    fn text(&mut self, v: Value) -> W {
        let text = self.vm.to_text(v)?;
        write_string(&mut self.out, &text);
        Ok(())
    }

    fn float(&mut self, f: f64) -> W {
        if !f.is_finite() {
            let m = format!("JSON cannot represent {}", crate::value::float::text(f));
            return Err(self.vm.argument_error(&m));
        }
        crate::value::float::write(&mut self.out, f);
        Ok(())
    }

    fn container(&mut self, v: Value) -> W {
        if self.open.contains(&v) {
            return Err(self.vm.argument_error("JSON cannot represent cyclic structure"));
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(self.vm.argument_error("JSON nesting too deep"));
        }
        super::printer::check_growth(self.vm, self.out.len())?;
        self.open.push(v);
        match v.heap_kind() {
            Some(Kind::Array) => self.array(v.gc()),
            Some(Kind::Map) => self.map(v.gc()),
            Some(Kind::HashMap) => self.hash_map(v.gc()),
            Some(Kind::HashSet) => self.hash_set(v.gc()),
            Some(Kind::Range) => self.range(v.gc()),
            Some(Kind::Gene) if self.style.tagged => self.tagged_gene(v.gc()),
            Some(Kind::Gene) => self.gene(v.gc()),
            _ => self.instance(v),
        }?;
        self.open.pop();
        Ok(())
    }

    /// Goes to the place of the next element.
    fn element(&mut self, first: &mut bool) {
        if !std::mem::replace(first, false) {
            self.out.push(',');
        }
        self.line(self.open.len() - self.stand_ins);
    }

    fn line(&mut self, level: usize) {
        if let Some(n) = self.style.indent {
            self.out.push('\n');
            self.out.extend(std::iter::repeat_n(' ', n * level));
        }
    }

    fn close(&mut self, empty: bool, bracket: char) {
        if !empty {
            self.line(self.open.len() - self.stand_ins - 1);
        }
        self.out.push(bracket);
    }

    fn key(&mut self, key: &str, first: &mut bool) {
        self.element(first);
        write_string(&mut self.out, key);
        self.out.push_str(if self.style.indent.is_some() { ": " } else { ":" });
    }

    fn array(&mut self, a: Gc<Array>) -> W {
        self.out.push('[');
        let mut first = true;
        let mut i = 0;
        // Scripts may run in between and change the array.
        while let Some(v) = a.at(i) {
            self.element(&mut first);
            self.value(v)?;
            i += 1;
        }
        self.close(first, ']');
        Ok(())
    }

    fn hash_set(&mut self, t: Gc<Table>) -> W {
        self.out.push('[');
        let mut first = true;
        let mut i = 0;
        while let Some(at) = t.next_entry(i) {
            self.element(&mut first);
            self.value(t.key_at(at))?;
            i = at + 1;
        }
        self.close(first, ']');
        Ok(())
    }

    fn range(&mut self, r: Gc<Record>) -> W {
        self.out.push('[');
        let mut first = true;
        let items = self.vm.range_items(r)?;
        for &v in items.gc::<Array>().as_slice() {
            self.element(&mut first);
            self.value(v)?;
        }
        self.close(first, ']');
        Ok(())
    }

    fn map(&mut self, m: Gc<Map>) -> W {
        if self.style.tagged {
            let key = self.vm.symbols.intern_static("genetype");
            if self.vm.map_get(m, key).is_some() {
                return Err(self.reserved("genetype"));
            }
        }
        self.out.push('{');
        let mut first = true;
        self.members(m, &mut first)?;
        self.close(first, '}');
        Ok(())
    }

    /// The stack of an exception, and what else it keeps, is no field.
    fn is_hidden(&self, key: Sym) -> bool {
        key == self.vm.names.trace || key == self.vm.names.scope || key == self.vm.names.of
    }

    fn members(&mut self, m: Gc<Map>, first: &mut bool) -> W {
        if self.style.sort_keys {
            let mut keys: Vec<Sym> =
                self.vm.map_entries(m).into_iter().map(|e| e.0).filter(|&k| !self.is_hidden(k)).collect();
            keys.sort_by_key(|&k| self.vm.sym_name(k));
            for k in keys {
                if let Some(v) = self.vm.map_get(m, k) {
                    self.key(self.vm.sym_name(k), first);
                    self.value(v)?;
                }
            }
            return Ok(());
        }
        let mut at = 0;
        while let Some((k, v)) = self.vm.map_next(m, &mut at) {
            if self.is_hidden(k) {
                continue;
            }
            self.key(self.vm.sym_name(k), first);
            self.value(v)?;
        }
        Ok(())
    }

    /// The name of a HashMap key.
    fn key_text(&mut self, k: Value) -> Result<String, Stop> {
        if let Some(s) = k.as_str() {
            return Ok(s.to_string());
        }
        if let Some(s) = k.as_sym() {
            return Ok(self.vm.sym_name(s).to_string());
        }
        if let Some(c) = k.as_char() {
            return Ok(c.to_string());
        }
        match k.as_int() {
            Some(i) => Ok(i.to_string()),
            None => {
                let m = format!("JSON cannot represent a key of kind {}", self.vm.kind_name(k));
                Err(self.vm.argument_error(&m))
            }
        }
    }

    fn hash_map(&mut self, t: Gc<Table>) -> W {
        self.out.push('{');
        let mut first = true;
        if self.style.sort_keys {
            // Names with the positions of their entries: values may not wait outside the heap while scripts run.
            let mut names = Vec::new();
            let mut i = 0;
            while let Some(at) = t.next_entry(i) {
                names.push((self.key_text(t.key_at(at))?, at));
                i = at + 1;
            }
            names.sort();
            for (name, at) in names {
                if at < t.used as usize && !t.key_at(at).is_undef() {
                    self.key(&name, &mut first);
                    self.value(t.value_at(at))?;
                }
            }
        } else {
            let mut i = 0;
            while let Some(at) = t.next_entry(i) {
                let (k, v) = (t.key_at(at), t.value_at(at));
                let name = self.key_text(k)?;
                self.key(&name, &mut first);
                self.value(v)?;
                i = at + 1;
            }
        }
        self.close(first, '}');
        Ok(())
    }

    fn gene(&mut self, g: Gc<Record>) -> W {
        self.out.push('{');
        let mut first = true;
        self.key("type", &mut first);
        self.text(g.slot(0))?;
        self.key("props", &mut first);
        match g.slot(1).get::<Map>(Kind::Map) {
            Some(m) => self.nested(g.slot(1), |w| w.map(m))?,
            None => self.out.push_str("{}"),
        }
        self.key("children", &mut first);
        self.nested(g.slot(2), |w| w.array(g.slot(2).gc()))?;
        self.close(first, '}');
        Ok(())
    }

    /// Writes a part of a container one level deeper.
    fn nested(&mut self, part: Value, f: impl FnOnce(&mut Self) -> W) -> W {
        self.open.push(part);
        f(self)?;
        self.open.pop();
        Ok(())
    }

    fn instance(&mut self, v: Value) -> W {
        let m = v.gc::<Map>();
        let class = self.vm.instance_class(m);
        let name = self.vm.symbols.intern_static("to_json_value");
        if let Some(f) = self.vm.class_find(class, name) {
            let v = self.vm.call_sync_method(f, &[v])?;
            self.stand_ins += 1;
            self.value(v)?;
            self.stand_ins -= 1;
            return Ok(());
        }
        self.out.push('{');
        let mut first = true;
        self.members(m, &mut first)?;
        self.close(first, '}');
        Ok(())
    }
}

/// Appends `s` in quotes.
pub fn write_string(out: &mut String, s: &str) {
    out.reserve(s.len() + 2);
    out.push('"');
    let mut rest = s;
    loop {
        let n = plain_prefix(rest.as_bytes());
        out.push_str(&rest[..n]);
        let Some(&c) = rest.as_bytes().get(n) else { break };
        rest = &rest[n + 1..];
        match c {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            8 => out.push_str("\\b"),
            12 => out.push_str("\\f"),
            c => {
                const DIGITS: &[u8; 16] = b"0123456789abcdef";
                out.push_str("\\u00");
                out.push(DIGITS[(c >> 4) as usize] as char);
                out.push(DIGITS[(c & 15) as usize] as char);
            }
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::write_string;

    #[test]
    fn strings_escape_only_what_they_must() {
        let mut s = String::new();
        write_string(&mut s, "a\"b\\c\n\u{1}\u{7f}é/");
        assert_eq!(s, "\"a\\\"b\\\\c\\n\\u0001\u{7f}é/\"");
    }
}
