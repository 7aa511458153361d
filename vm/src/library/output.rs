//! Printing to the standard streams (language 14.1, 19.8).
use super::collection::table_keys;
use super::printer::{Style, write_key};
use crate::def;
use crate::heap::{Gc, Kind, Record};
use crate::native::{Args, NativeDef, R, Stop, VARIADIC};
use crate::object::array::Array;
use crate::object::map::Map;
use crate::object::table::Table;
use crate::value::Value;
use crate::vm::Vm;

/// Globals.
#[rustfmt::skip]
pub static GLOBALS: &[NativeDef] = &[
    def!("print", print, 0, VARIADIC, r#"(print v...) -- writes the display forms, separated by blanks
        (print "no line end")"#),
    def!("println", println, 0, VARIADIC, r#"(println v...) -- as print, with a line end
        (println "a" 1)"#),
    def!("eprint", eprint, 0, VARIADIC, r#"(eprint v...) -- as print, to stderr
        (eprint "to stderr")"#),
    def!("eprintln", eprintln, 0, VARIADIC, r#"(eprintln v...) -- as println, to stderr
        (eprintln "to stderr")"#),
    def!("flush", flush, 0, 0, "(flush) -- writes out what stdout has buffered
        (flush) => nil"),
    def!("debug", debug, 1, 1, r#"(debug v) -- debug form of v, readable back where possible
        (debug "a") => "\"a\"""#),
    def!("pp", pp, 1, 1, "(pp v) -- prints the debug form, over several lines when it is long
        (pp {^a [1 2]})"),
];

/// Decimal digits of `i` at the end of `buf`.
fn digits(i: i64, buf: &mut [u8; 24]) -> &str {
    let mut n = i.unsigned_abs();
    let mut at = buf.len();
    loop {
        at -= 1;
        buf[at] = b'0' + (n % 10) as u8;
        n /= 10;
        if n == 0 {
            break;
        }
    }
    if i < 0 {
        at -= 1;
        buf[at] = b'-';
    }
    std::str::from_utf8(&buf[at..]).unwrap_or("")
}

/// Display forms separated by blanks.
fn line(vm: &mut Vm, args: &Args, out: &mut String) -> Result<(), Stop> {
    for i in 0..args.len() {
        if i > 0 {
            out.push(' ');
        }
        let v = args.get(i);
        if v.is_small() {
            out.push_str(digits(v.small_int(), &mut [0; 24]));
        } else {
            vm.write_value(out, v, Style::Display)?;
        }
    }
    Ok(())
}

/// A lone String or Int goes out as it is.
fn write_plain(vm: &mut Vm, args: &Args) -> bool {
    if args.len() != 1 {
        return false;
    }
    let v = args.get(0);
    if v.is_small() {
        vm.output.stdout(digits(v.small_int(), &mut [0; 24]));
    } else if let Some(s) = v.as_str() {
        vm.output.stdout(s);
    } else {
        return false;
    }
    true
}

fn print(vm: &mut Vm, args: &Args) -> R {
    if !write_plain(vm, args) {
        let mut out = String::new();
        line(vm, args, &mut out)?;
        vm.output.stdout(&out);
    }
    Ok(Value::NIL)
}

fn println(vm: &mut Vm, args: &Args) -> R {
    if write_plain(vm, args) {
        vm.output.stdout("\n");
    } else {
        let mut out = String::new();
        line(vm, args, &mut out)?;
        out.push('\n');
        vm.output.stdout(&out);
    }
    Ok(Value::NIL)
}

fn eprint(vm: &mut Vm, args: &Args) -> R {
    let mut out = String::new();
    line(vm, args, &mut out)?;
    vm.output.stderr(&out);
    Ok(Value::NIL)
}

fn eprintln(vm: &mut Vm, args: &Args) -> R {
    let mut out = String::new();
    line(vm, args, &mut out)?;
    out.push('\n');
    vm.output.stderr(&out);
    Ok(Value::NIL)
}

fn flush(vm: &mut Vm, _: &Args) -> R {
    vm.output.flush();
    Ok(Value::NIL)
}

fn debug(vm: &mut Vm, args: &Args) -> R {
    let s = vm.to_debug(args.get(0))?;
    Ok(vm.str(&s))
}

impl Vm {
    /// The debug form, over several lines when it is long.
    pub fn to_pretty(&mut self, v: Value) -> Result<String, Stop> {
        let mut out = String::new();
        pretty(self, v, 0, 0, &mut out)?;
        Ok(out)
    }
}

fn pp(vm: &mut Vm, args: &Args) -> R {
    let mut out = vm.to_pretty(args.get(0))?;
    out.push('\n');
    vm.output.stdout(&out);
    Ok(Value::NIL)
}

const WIDTH: usize = 80;
/// Levels that are laid out; deeper ones stay on one line.
const MAX_LEVELS: usize = 100;

/// Writes `v` on one line when it fits behind `column`, else with one element per line, indented by two more than `indent`.
fn pretty(vm: &mut Vm, v: Value, indent: usize, column: usize, out: &mut String) -> Result<(), Stop> {
    let flat = vm.to_debug(v)?;
    let parts = if column + flat.chars().count() <= WIDTH || indent / 2 >= MAX_LEVELS { None } else { parts(vm, v)? };
    let Some(parts) = parts else {
        out.push_str(&flat);
        return Ok(());
    };
    out.push_str(&parts.open);
    for (i, lead) in parts.leads.iter().enumerate() {
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', indent + 2));
        out.push_str(lead);
        if lead.starts_with('^') && !lead.ends_with(' ') {
            continue;
        }
        pretty(vm, parts.values.as_slice()[i], indent + 2, indent + 2 + lead.chars().count(), out)?;
    }
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', indent));
    out.push_str(parts.close);
    Ok(())
}

/// A container taken apart.
struct Parts {
    open: String,
    /// What stands before each element: nothing, `^key `, a HashMap's key, or a rest marker without a value.
    leads: Vec<String>,
    /// In an array of their own: a script's `to_s` may change the container while it is printed.
    values: Gc<Array>,
    close: &'static str,
}

impl Parts {
    fn new(vm: &mut Vm, v: Value, open: &str, close: &'static str) -> Parts {
        let frozen = if v.gc::<Record>().header().frozen() { "#" } else { "" };
        Parts { open: format!("{frozen}{open}"), leads: Vec::new(), values: vm.heap.array_with_capacity(0), close }
    }

    fn push(&mut self, vm: &mut Vm, lead: String, v: Value) {
        self.leads.push(lead);
        vm.heap.array_push(self.values, v);
    }

    fn push_items(&mut self, vm: &mut Vm, a: Gc<Array>) {
        for &x in a.as_slice() {
            self.push(vm, String::new(), x);
        }
    }

    fn push_entries(&mut self, vm: &mut Vm, m: Gc<Map>) {
        for (k, x) in vm.map_entries(m) {
            let mut lead = String::new();
            if write_key(&mut lead, vm.sym_name(k), x) {
                lead.push(' ');
            }
            self.push(vm, lead, x);
        }
    }
}

/// `None` for what has no elements.
fn parts(vm: &mut Vm, v: Value) -> Result<Option<Parts>, Stop> {
    let Some(kind) = v.heap_kind() else { return Ok(None) };
    let mut p;
    match kind {
        Kind::Array => {
            p = Parts::new(vm, v, "[", "]");
            p.push_items(vm, v.gc());
        }
        Kind::Map => {
            p = Parts::new(vm, v, "{", "}");
            p.push_entries(vm, v.gc());
        }
        Kind::HashMap => {
            p = Parts::new(vm, v, "{{", "}}");
            let t: Gc<Table> = v.gc();
            let mut at = 0;
            while let Some(i) = t.next_entry(at) {
                at = i + 1;
                let (k, x) = (t.key_at(i), t.value_at(i));
                let lead = vm.to_debug(k)? + " ";
                p.push(vm, lead, x);
            }
        }
        Kind::HashSet => {
            p = Parts::new(vm, v, "(HashSet", ")");
            let members = table_keys(vm, v.gc());
            p.push_items(vm, members);
        }
        Kind::Gene => {
            let g: Gc<Record> = v.gc();
            let ty = vm.to_debug(g.gene_type())?;
            p = Parts::new(vm, v, &format!("({ty}"), ")");
            if let Some(m) = g.gene_props() {
                p.push_entries(vm, m);
            }
            p.push_items(vm, g.gene_children());
        }
        _ => return Ok(None),
    }
    Ok(Some(p))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_extremes() {
        for i in [0, 7, -1, 1234567890, i64::MAX, i64::MIN] {
            assert_eq!(digits(i, &mut [0; 24]), i.to_string());
        }
    }
}
