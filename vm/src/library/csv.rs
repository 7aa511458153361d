//! Namespace `gene/csv` (language 15.4): RFC 4180.
use super::args::{Text, string, wrong_kind};
use super::string::new_string;
use crate::def;
use crate::heap::{Gc, Kind};
use crate::native::{Args, NativeDef, R, Stop};
use crate::object::array::Array;
use crate::object::map::Map;
use crate::value::{Sym, Value};
use crate::vm::Vm;
use memchr::{memchr, memchr3};

const QUOTE: u8 = b'"';

/// The separator: one character, `,` by default.
fn separator(vm: &mut Vm, a: &Args) -> Result<char, Stop> {
    let Some(v) = a.kw(vm, "sep").filter(|v| !v.is_nil()) else { return Ok(',') };
    let Some(text) = Text::of(v) else { return Err(wrong_kind(vm, "sep", "String", v)) };
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) if !matches!(c, '"' | '\n' | '\r') => Ok(c),
        _ => Err(vm.argument_error("sep must be one character, and no quote or line end")),
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    line: usize,
    separator: char,
}

/// How a field ended.
#[derive(PartialEq)]
enum End {
    Separator,
    Line,
}

impl<'t> Reader<'t> {
    fn fail<T>(&self, line: usize, reason: &str) -> Result<T, String> {
        Err(format!("Invalid CSV: line {line}: {reason}"))
    }

    /// A line end (or the end of the text) that stands here is taken.
    fn line_end(&mut self) -> bool {
        let rest = &self.text.as_bytes()[self.at..];
        let n = match rest {
            [] => return true,
            [b'\n', ..] => 1,
            [b'\r', b'\n', ..] => 2,
            _ => return false,
        };
        self.at += n;
        self.line += 1;
        true
    }

    fn separator(&mut self) -> bool {
        let here = self.text[self.at..].starts_with(self.separator);
        self.at += if here { self.separator.len_utf8() } else { 0 };
        here
    }

    fn end(&mut self) -> Option<End> {
        if self.separator() {
            return Some(End::Separator);
        }
        self.line_end().then_some(End::Line)
    }

    /// The next field; `scratch` holds it when quotes had to be taken out.
    fn field<'a>(&mut self, scratch: &'a mut String) -> Result<(&'a str, End), String>
    where
        't: 'a,
    {
        if self.text.as_bytes().get(self.at) == Some(&QUOTE) {
            return self.quoted(scratch);
        }
        let text = self.text;
        let start = self.at;
        let bytes = text.as_bytes();
        // The first byte of the separator is enough to look at: what is none of the three ends goes on.
        let first = self.separator.encode_utf8(&mut [0; 4]).as_bytes()[0];
        loop {
            self.at = match memchr3(first, b'\n', QUOTE, &bytes[self.at..]) {
                Some(n) => self.at + n,
                None => bytes.len(),
            };
            let mut stop = self.at;
            match bytes.get(self.at) {
                Some(&QUOTE) => return self.fail(self.line, "quote inside a field that is not quoted"),
                // CR LF is found at its LF.
                Some(b'\n') if self.at > start && bytes[self.at - 1] == b'\r' => stop -= 1,
                _ => {}
            }
            match self.end() {
                Some(end) => return Ok((&text[start..stop], end)),
                None => self.at += 1,
            }
        }
    }

    fn quoted<'a>(&mut self, scratch: &'a mut String) -> Result<(&'a str, End), String>
    where
        't: 'a,
    {
        let opened = self.line;
        scratch.clear();
        self.at += 1;
        loop {
            let rest = &self.text[self.at..];
            let Some(n) = memchr(QUOTE, rest.as_bytes()) else {
                return self.fail(opened, "unterminated quoted field");
            };
            scratch.push_str(&rest[..n]);
            self.line += memchr::memchr_iter(b'\n', &rest.as_bytes()[..n]).count();
            self.at += n + 1;
            if self.text.as_bytes().get(self.at) != Some(&QUOTE) {
                break;
            }
            scratch.push('"');
            self.at += 1;
        }
        match self.end() {
            Some(end) => Ok((scratch, end)),
            None => self.fail(self.line, "text after a quoted field"),
        }
    }

    /// The fields of the next record; `None` at the end. Empty lines are no records.
    fn record(&mut self, vm: &mut Vm, fields: &mut Vec<Value>) -> Result<Option<usize>, String> {
        fields.clear();
        while self.at < self.text.len() {
            if !self.line_end() {
                break;
            }
        }
        if self.at >= self.text.len() {
            return Ok(None);
        }
        let line = self.line;
        let mut scratch = String::new();
        loop {
            let (field, end) = self.field(&mut scratch)?;
            fields.push(vm.str(field));
            if end == End::Line {
                return Ok(Some(line));
            }
        }
    }
}

fn parse(vm: &mut Vm, a: &Args) -> R {
    let text = string(vm, "parse", a.get(0))?;
    let separator = separator(vm, a)?;
    let header = a.flag(vm, "header");
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader { text, at: 0, line: 1, separator };
    match rows(vm, &mut reader, header) {
        Ok(rows) => Ok(rows.value()),
        Err(m) => Err(vm.parse_error(&m)),
    }
}

fn rows(vm: &mut Vm, reader: &mut Reader, header: bool) -> Result<Gc<Array>, String> {
    let out = vm.heap.array_with_capacity(0);
    let mut fields = Vec::new();
    let mut names: Vec<Sym> = Vec::new();
    if header && let Some(line) = reader.record(vm, &mut fields)? {
        for name in &fields {
            let name = vm.map_key(*name).unwrap_or(vm.names.empty);
            if names.contains(&name) {
                return reader.fail(line, &format!("column {} is named twice", vm.sym_name(name)));
            }
            names.push(name);
        }
    }
    while let Some(line) = reader.record(vm, &mut fields)? {
        let row = if header {
            if fields.len() != names.len() {
                let reason = format!("expected {} fields, got {}", names.len(), fields.len());
                return reader.fail(line, &reason);
            }
            let m = vm.map_with_capacity(names.len());
            for (&name, &v) in names.iter().zip(&fields) {
                vm.map_set(m, name, v);
            }
            m.value()
        } else {
            vm.array(&fields)
        };
        vm.heap.array_push(out, row);
    }
    Ok(out)
}

// --- writing

fn write_field(out: &mut String, text: &str, separator: char, alone: bool) {
    let quoted = text.contains(['"', '\n', '\r', separator]) || (alone && text.is_empty());
    if !quoted {
        out.push_str(text);
        return;
    }
    out.push('"');
    for (i, part) in text.split('"').enumerate() {
        if i > 0 {
            out.push_str("\"\"");
        }
        out.push_str(part);
    }
    out.push('"');
}

/// One line. A lone empty field is quoted, as an empty line would be no record.
fn write_row(vm: &mut Vm, out: &mut String, fields: &[Value], separator: char) -> Result<(), Stop> {
    for (i, &v) in fields.iter().enumerate() {
        if i > 0 {
            out.push(separator);
        }
        let alone = fields.len() == 1;
        match v.as_str() {
            Some(s) => write_field(out, s, separator, alone),
            None if v.is_nil() || v.is_void() => write_field(out, "", separator, alone),
            None => {
                let text = vm.to_text(v)?;
                write_field(out, &text, separator, alone);
            }
        }
    }
    out.push('\n');
    super::string::check_len(vm, out.len())
}

/// The names of the columns: as given, or those of the first Map.
fn header(vm: &mut Vm, a: &Args, rows: Gc<Array>) -> Result<Option<Vec<Sym>>, Stop> {
    let names = match a.kw(vm, "header").filter(|v| v.truthy()) {
        Some(v) => match v.get::<Array>(Kind::Array) {
            Some(names) => names,
            None => return Err(wrong_kind(vm, "header", "Array", v)),
        },
        None => {
            let first = rows.at(0).and_then(|v| v.get::<Map>(Kind::Map));
            return Ok(first.map(|m| vm.map_entries(m).into_iter().map(|e| e.0).collect()));
        }
    };
    let mut out = Vec::with_capacity(names.size());
    for &name in names.as_slice() {
        out.push(super::map::key(vm, name)?);
    }
    Ok(Some(out))
}

fn stringify(vm: &mut Vm, a: &Args) -> R {
    let Some(rows) = a.get(0).get::<Array>(Kind::Array) else {
        return Err(wrong_kind(vm, "stringify", "Array", a.get(0)));
    };
    let separator = separator(vm, a)?;
    let names = header(vm, a, rows)?;
    let mut out = String::new();
    if let Some(names) = &names {
        let fields: Vec<Value> = names.iter().map(|&n| vm.sym_string(n)).collect();
        write_row(vm, &mut out, &fields, separator)?;
    }
    let mut i = 0;
    while let Some(row) = rows.at(i) {
        i += 1;
        // The fields stay reachable in a heap Array: their `to_s` may run script code.
        let fields = match (row.get::<Array>(Kind::Array), row.get::<Map>(Kind::Map), &names) {
            (Some(row), ..) => vm.heap.array(row.as_slice()),
            (_, Some(m), Some(names)) => {
                let fields = vm.heap.array_with_capacity(names.len());
                for &n in names {
                    let v = vm.map_get(m, n).unwrap_or(Value::NIL);
                    vm.heap.array_push(fields, v);
                }
                fields
            }
            _ => return Err(wrong_kind(vm, "stringify", "Array rows", row)),
        };
        write_row(vm, &mut out, fields.as_slice(), separator)?;
    }
    new_string(vm, &out)
}

#[rustfmt::skip]
static FUNCTIONS: &[NativeDef] = &[
    def!("parse", parse, 1, 1, ["header", "sep"], r#"(gene/csv/parse s [^header true] [^sep ","]) -- Array of rows: Arrays of Strings, or Maps by the names in the first line.
        (gene/csv/parse "a,b\n1,2" ^header true) => [{^a "1" ^b "2"}]"#),
    def!("stringify", stringify, 1, 1, ["header", "sep"], r#"(gene/csv/stringify rows [^sep ","] [^header [names]]) -- The CSV text of rows.
        (gene/csv/stringify [["x" 1] ["y,z" nil]]) => "x,1\n\"y,z\",\n""#),
];

pub fn install(vm: &mut Vm) {
    let gene = vm.gene_ns;
    let ns = vm.sub_namespace(gene, "csv");
    vm.add_functions(ns, FUNCTIONS);
}
