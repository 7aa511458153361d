//! Printing to the standard streams (language 14.1, 19.8).
use super::printer::{Style, write_key};
use crate::def;
use crate::heap::{Gc, Kind, Record};
use crate::native::{Args, NativeDef, R, Stop, VARIADIC};
use crate::object::array::Array;
use crate::object::table::Table;
use crate::value::Value;
use crate::vm::Vm;

/// Globals.
#[rustfmt::skip]
pub static GLOBALS: &[NativeDef] = &[
    def!("print", print, 0, VARIADIC, "(print v...) -- writes the display forms, separated by blanks"),
    def!("println", println, 0, VARIADIC, "(println v...) -- as print, with a line end"),
    def!("eprint", eprint, 0, VARIADIC, "(eprint v...) -- as print, to stderr"),
    def!("eprintln", eprintln, 0, VARIADIC, "(eprintln v...) -- as println, to stderr"),
    def!("flush", flush, 0, 0, "(flush) -- writes out what stdout has buffered"),
    def!("debug", debug, 1, 1, "(debug v) -- debug form of v, readable back where possible"),
    def!("pp", pp, 1, 1, "(pp v) -- prints the debug form, over several lines when it is long"),
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

fn pp(vm: &mut Vm, args: &Args) -> R {
    let mut out = String::new();
    pretty(vm, args.get(0), 0, 0, &mut out)?;
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
    let Some((open, entries, close)) = parts else {
        out.push_str(&flat);
        return Ok(());
    };
    out.push_str(&open);
    for (lead, x) in entries {
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', indent + 2));
        out.push_str(&lead);
        pretty(vm, x, indent + 2, indent + 2 + lead.chars().count(), out)?;
    }
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', indent));
    out.push_str(close);
    Ok(())
}

type Parts = (String, Vec<(String, Value)>, &'static str);

/// Opening, elements with what stands before each, closing; `None` for what has no elements. The elements stay reachable through
/// `v`, which the caller holds (a script's `to_s` may run between them).
fn parts(vm: &mut Vm, v: Value) -> Result<Option<Parts>, Stop> {
    let Some(kind) = v.heap_kind() else { return Ok(None) };
    let frozen = if v.gc::<Record>().header().frozen() { "#" } else { "" };
    let key = |vm: &Vm, k| {
        let mut s = String::from("^");
        write_key(&mut s, vm.sym_name(k));
        s.push(' ');
        s
    };
    Ok(Some(match kind {
        Kind::Array => {
            let items = v.gc::<Array>().as_slice().iter().map(|&x| (String::new(), x)).collect();
            (format!("{frozen}["), items, "]")
        }
        Kind::Map => {
            let entries = vm.map_entries(v.gc()).into_iter().map(|(k, x)| (key(vm, k), x)).collect();
            (format!("{frozen}{{"), entries, "}")
        }
        Kind::HashMap => {
            let mut entries = Vec::new();
            let t: Gc<Table> = v.gc();
            let mut at = 0;
            while let Some(i) = t.next_entry(at) {
                at = i + 1;
                let x = t.value_at(i);
                let k = vm.to_debug(t.key_at(i))?;
                entries.push((k + " ", x));
            }
            (format!("{frozen}{{{{"), entries, "}}")
        }
        Kind::HashSet => {
            let items = v.gc::<Table>().iter().map(|(k, _)| (String::new(), k)).collect();
            ("(HashSet".into(), items, ")")
        }
        Kind::Gene => {
            let g: Gc<Record> = v.gc();
            let ty = vm.to_debug(g.gene_type())?;
            let mut items: Vec<(String, Value)> = Vec::new();
            if let Some(m) = g.gene_props() {
                items.extend(vm.map_entries(m).into_iter().map(|(k, x)| (key(vm, k), x)));
            }
            items.extend(g.gene_children().as_slice().iter().map(|&x| (String::new(), x)));
            (format!("{frozen}({ty}"), items, ")")
        }
        _ => return Ok(None),
    }))
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
