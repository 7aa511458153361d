//! Methods of String: sizes, cases, trimming, padding, parts by position, conversions. Searching is in `search`.
use super::args::{Text, int, text, this_string};
use super::char::{Test, is_digit};
use super::collection::{look, selection};
use super::parse_number::{parse_float, parse_int};
use crate::def;
use crate::heap::{Gc, Kind};
use crate::native::{Args, NativeDef, R, Stop, VARIADIC};
use crate::object::string::{MAX_LEN, Str};
use crate::value::Value;
use crate::vm::Vm;

/// A new String from a built text.
pub fn new_string(vm: &mut Vm, s: &str) -> R {
    check_len(vm, s.len())?;
    Ok(vm.str(s))
}

/// Call before building a text whose length a script chooses. Only what is beyond the memory limit whatever a collection might
/// free is refused here; the next safepoint sees to the rest.
pub fn check_len(vm: &mut Vm, bytes: usize) -> Result<(), Stop> {
    if bytes > MAX_LEN {
        return Err(vm.runtime_error("String too long"));
    }
    if let Some(limit) = vm.heap.limit
        && vm.heap.live.saturating_add(bytes) > limit
    {
        return Err(vm.throw(vm.classes.memory_limit, &format!("Memory limit of {limit} bytes exceeded")));
    }
    Ok(())
}

fn this(vm: &mut Vm, a: &Args) -> Result<Gc<Str>, Stop> {
    this_string(vm, a.this())
}

/// The receiver's text, which will be looked at character by character.
fn scanned<'a>(vm: &mut Vm, a: &Args) -> Result<&'a str, Stop> {
    let s = this(vm, a)?.as_str();
    vm.heap.fuel.spend_on(s.len());
    Ok(s)
}

/// A position that may count from the end; below 0: before the start.
pub fn position(i: i64, n: usize) -> i64 {
    if i < 0 { i.saturating_add(n as i64) } else { i }
}

fn clamped(i: i64, n: usize) -> usize {
    position(i, n).clamp(0, n as i64) as usize
}

// --- sizes and tests

fn size(vm: &mut Vm, a: &Args) -> R {
    Ok(Value::small(this(vm, a)?.char_len() as i64))
}

fn byte_size(vm: &mut Vm, a: &Args) -> R {
    Ok(Value::small(this(vm, a)?.byte_len() as i64))
}

fn is_empty(vm: &mut Vm, a: &Args) -> R {
    Ok(Value::bool(this(vm, a)?.byte_len() == 0))
}

fn is_not_empty(vm: &mut Vm, a: &Args) -> R {
    Ok(Value::bool(this(vm, a)?.byte_len() != 0))
}

fn is_blank(vm: &mut Vm, a: &Args) -> R {
    Ok(Value::bool(scanned(vm, a)?.chars().all(char::is_whitespace)))
}

fn every(vm: &mut Vm, a: &Args, t: Test) -> R {
    let s = scanned(vm, a)?;
    Ok(Value::bool(!s.is_empty() && s.chars().all(t)))
}

fn starts_with(vm: &mut Vm, a: &Args, name: &str) -> R {
    let (s, t) = (this(vm, a)?, text(vm, name, a.get(0))?);
    vm.heap.fuel.spend_on_bytes(t.len());
    Ok(Value::bool(s.as_str().starts_with(&*t)))
}

fn ends_with(vm: &mut Vm, a: &Args, name: &str) -> R {
    let (s, t) = (this(vm, a)?, text(vm, name, a.get(0))?);
    vm.heap.fuel.spend_on_bytes(t.len());
    Ok(Value::bool(s.as_str().ends_with(&*t)))
}

// --- case

fn upper(vm: &mut Vm, a: &Args) -> R {
    let t = scanned(vm, a)?.to_uppercase();
    new_string(vm, &t)
}

fn lower(vm: &mut Vm, a: &Args) -> R {
    let t = scanned(vm, a)?.to_lowercase();
    new_string(vm, &t)
}

fn push_capitalized(out: &mut String, s: &str) {
    let mut chars = s.chars();
    if let Some(c) = chars.next() {
        out.extend(c.to_uppercase());
        out.push_str(chars.as_str());
    }
}

fn capitalize(vm: &mut Vm, a: &Args) -> R {
    let s = this(vm, a)?.as_str();
    let mut out = String::with_capacity(s.len() + 4);
    push_capitalized(&mut out, s);
    new_string(vm, &out)
}

fn title(vm: &mut Vm, a: &Args) -> R {
    let s = scanned(vm, a)?;
    let mut out = String::with_capacity(s.len() + 4);
    for word in s.split_inclusive(char::is_whitespace) {
        push_capitalized(&mut out, word);
    }
    new_string(vm, &out)
}

fn swap_case(vm: &mut Vm, a: &Args) -> R {
    let s = scanned(vm, a)?;
    let mut out = String::with_capacity(s.len());
    for c in s.chars() {
        if c.is_uppercase() {
            out.extend(c.to_lowercase());
        } else {
            out.extend(c.to_uppercase());
        }
    }
    new_string(vm, &out)
}

// --- building

fn reverse(vm: &mut Vm, a: &Args) -> R {
    let s = this(vm, a)?;
    let mut bytes = s.as_str().as_bytes().to_vec();
    if !s.is_ascii() {
        // Reversing all bytes reverses those inside a character again.
        let mut at = 0;
        for c in s.as_str().chars() {
            let end = at + c.len_utf8();
            bytes[at..end].reverse();
            at = end;
        }
    }
    bytes.reverse();
    Ok(vm.str(&String::from_utf8(bytes).unwrap_or_default()))
}

fn append(vm: &mut Vm, a: &Args) -> R {
    let s = this(vm, a)?;
    let mut parts = Vec::with_capacity(a.len());
    let mut len = s.byte_len();
    for &v in a.rest() {
        let t = text(vm, "append", v)?;
        len += t.len();
        parts.push(t);
    }
    check_len(vm, len)?;
    if let [t] = &parts[..] {
        return Ok(vm.heap.string_append(s, &[t]).value());
    }
    let parts: Vec<&str> = parts.iter().map(|t| &**t).collect();
    Ok(vm.heap.string_append(s, &parts).value())
}

fn repeat(vm: &mut Vm, a: &Args) -> R {
    let s = this(vm, a)?;
    let n = int(vm, "repeat", a.get(0))?;
    if n < 0 {
        return Err(vm.argument_error("repeat count must not be negative"));
    }
    let n = n as usize;
    check_len(vm, s.byte_len().saturating_mul(n))?;
    let out = if s.byte_len() == 0 { String::new() } else { s.as_str().repeat(n) };
    Ok(vm.str(&out))
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Left,
    Right,
    Both,
}

fn trim_with(vm: &mut Vm, a: &Args, name: &str, side: Side) -> R {
    let s = this(vm, a)?;
    let all = s.as_str();
    let rest = match a.opt(0) {
        None => match side {
            Side::Left => all.trim_start(),
            Side::Right => all.trim_end(),
            Side::Both => all.trim(),
        },
        Some(v) => {
            let set = text(vm, name, v)?;
            let within = |c: char| set.contains(c);
            match side {
                Side::Left => all.trim_start_matches(within),
                Side::Right => all.trim_end_matches(within),
                Side::Both => all.trim_matches(within),
            }
        }
    };
    vm.heap.fuel.spend_on(all.len() - rest.len());
    Ok(if rest.len() == all.len() { s.value() } else { vm.str(rest) })
}

/// Fills up to `n` code points on the sides where `side` says.
fn pad(vm: &mut Vm, a: &Args, name: &str, side: Side) -> R {
    let s = this(vm, a)?;
    let width = int(vm, name, a.get(0))?;
    let fill = match a.opt(1) {
        None => Text::Str(" "),
        Some(v) => text(vm, name, v)?,
    };
    if fill.chars().count() != 1 {
        return Err(vm.argument_error(&format!("{name} requires one fill character")));
    }
    let Some(missing) = width.checked_sub(s.char_len() as i64).filter(|&m| m > 0) else {
        return Ok(s.value());
    };
    let missing = missing as usize;
    check_len(vm, missing.saturating_mul(fill.len()).saturating_add(s.byte_len()))?;
    let left = match side {
        Side::Left => missing,
        Side::Right => 0,
        Side::Both => missing / 2,
    };
    let mut out = String::with_capacity(s.byte_len() + missing * fill.len());
    out.extend(std::iter::repeat_n(&*fill, left));
    out.push_str(s.as_str());
    out.extend(std::iter::repeat_n(&*fill, missing - left));
    Ok(vm.str(&out))
}

fn strip_prefix(vm: &mut Vm, a: &Args) -> R {
    let (s, t) = (this(vm, a)?, text(vm, "strip_prefix", a.get(0))?);
    match s.as_str().strip_prefix(&*t) {
        Some(rest) => Ok(vm.str(rest)),
        None => Ok(s.value()),
    }
}

fn strip_suffix(vm: &mut Vm, a: &Args) -> R {
    let (s, t) = (this(vm, a)?, text(vm, "strip_suffix", a.get(0))?);
    match s.as_str().strip_suffix(&*t) {
        Some(rest) => Ok(vm.str(rest)),
        None => Ok(s.value()),
    }
}

/// The white space a line starts with.
fn indentation(line: &str) -> &str {
    &line[..line.len() - line.trim_start().len()]
}

fn is_blank_line(line: &str) -> bool {
    line.chars().all(char::is_whitespace)
}

/// What all of `a` and `b` start with.
fn common_prefix<'a>(a: &'a str, b: &str) -> &'a str {
    let n = a.char_indices().zip(b.chars()).find(|((_, x), y)| x != y).map(|((i, _), _)| i);
    &a[..n.unwrap_or(a.len().min(b.len()))]
}

fn lstrip_margin(vm: &mut Vm, a: &Args) -> R {
    let s = scanned(vm, a)?;
    let lines = || s.split_inclusive('\n');
    let margin =
        lines().filter(|l| !is_blank_line(l)).map(indentation).reduce(|m, l| common_prefix(m, l)).unwrap_or("");
    let mut out = String::with_capacity(s.len());
    for line in lines() {
        // A blank line loses as much of the margin as it has.
        let keep = match line.strip_prefix(margin) {
            Some(rest) => rest,
            None if is_blank_line(line) => &line[line.trim_end_matches(['\n', '\r']).len()..],
            None => line,
        };
        out.push_str(keep);
    }
    Ok(vm.str(&out))
}

// --- parts by position

fn char_at(vm: &mut Vm, a: &Args) -> R {
    let s = this(vm, a)?;
    let i = position(int(vm, "char_at", a.get(0))?, s.char_len());
    match usize::try_from(i).ok().and_then(|i| vm.str_char_at(s, i)) {
        Some(c) => Ok(Value::char(c)),
        None => Err(vm.argument_error("char_at index out of bounds")),
    }
}

fn get(vm: &mut Vm, a: &Args) -> R {
    let s = this(vm, a)?;
    let i = position(int(vm, "get", a.get(0))?, s.char_len());
    Ok(match usize::try_from(i).ok().and_then(|i| vm.str_char_at(s, i)) {
        Some(c) => Value::char(c),
        None => a.get(1),
    })
}

/// `from..=to`.
fn substr(vm: &mut Vm, a: &Args) -> R {
    let s = this(vm, a)?;
    let n = s.char_len();
    let from = clamped(int(vm, "substr", a.get(0))?, n);
    let end = match a.opt(1) {
        None => n,
        Some(v) => position(int(vm, "substr", v)?, n).saturating_add(1).clamp(0, n as i64) as usize,
    };
    Ok(vm.str_slice(s, from, end))
}

fn slice(vm: &mut Vm, a: &Args) -> R {
    let s = this(vm, a)?;
    let n = s.char_len();
    if a.get(0).is_kind(Kind::Range) {
        return slice_range(vm, a, s);
    }
    let from = clamped(int(vm, "slice", a.get(0))?, n);
    let to = match a.opt(1) {
        None => n,
        Some(v) => clamped(int(vm, "slice", v)?, n),
    };
    Ok(vm.str_slice(s, from, to))
}

/// The characters whose positions are in the range; negative bounds count from the end.
fn slice_range(vm: &mut Vm, a: &Args, s: Gc<Str>) -> R {
    let selected = selection(vm, a, s.char_len())?;
    if selected.step == 1 {
        return Ok(vm.str_slice(s, selected.from, selected.from + selected.count));
    }
    let chars: Vec<char> = s.as_str().chars().collect();
    let at = |i: usize| selected.from as i64 + i as i64 * selected.step;
    let text: String = (0..selected.count).filter_map(|i| chars.get(usize::try_from(at(i)).ok()?)).collect();
    Ok(vm.str(&text))
}

fn chars(vm: &mut Vm, a: &Args) -> R {
    let s = this(vm, a)?;
    let items = vm.heap.array_with_capacity(s.char_len());
    for c in s.as_str().chars() {
        vm.heap.array_push(items, Value::char(c));
    }
    Ok(items.value())
}

fn codes(vm: &mut Vm, a: &Args) -> R {
    let s = this(vm, a)?;
    let items = vm.heap.array_with_capacity(s.char_len());
    for c in s.as_str().chars() {
        vm.heap.array_push(items, Value::small(c as i64));
    }
    Ok(items.value())
}

fn lines(vm: &mut Vm, a: &Args) -> R {
    let s = this(vm, a)?.as_str();
    vm.heap.fuel.spend_on_bytes(s.len());
    let items: Vec<Value> = memchr_lines(s).map(|l| vm.str(l)).collect();
    Ok(vm.array(&items))
}

/// Lines without their ends (LF or CR LF).
fn memchr_lines(s: &str) -> impl Iterator<Item = &str> {
    let body = s.strip_suffix('\n').unwrap_or(s);
    let mut ends = memchr::memchr_iter(b'\n', body.as_bytes()).chain([body.len()]);
    let mut start = 0;
    let last = body.len();
    let whole = s.len();
    std::iter::from_fn(move || {
        if whole == 0 {
            return None;
        }
        let end = ends.next()?;
        let line = &body[start..end];
        start = end + 1;
        // The last line has an end only if one was cut off.
        let ended = end < last || last < whole;
        Some(if ended { line.strip_suffix('\r').unwrap_or(line) } else { line })
    })
}

fn words(vm: &mut Vm, a: &Args) -> R {
    let s = this(vm, a)?;
    words_of(vm, s)
}

/// The parts between white space.
pub fn words_of(vm: &mut Vm, s: Gc<Str>) -> R {
    vm.heap.fuel.spend_on(s.byte_len());
    let mut items = Vec::new();
    each_word(s, |w| {
        items.push(vm.str(w));
        look(vm, items.len())
    })?;
    Ok(vm.array(&items))
}

fn each_word(s: Gc<Str>, mut f: impl FnMut(&str) -> Result<(), Stop>) -> Result<(), Stop> {
    let text = s.as_str();
    if !s.is_ascii() {
        return text.split_whitespace().try_for_each(f);
    }
    let b = text.as_bytes();
    let space = |c: u8| c == b' ' || (c.wrapping_sub(9) < 5);
    let mut i = 0;
    loop {
        while i < b.len() && space(b[i]) {
            i += 1;
        }
        if i == b.len() {
            return Ok(());
        }
        let start = i;
        while i < b.len() && !space(b[i]) {
            i += 1;
        }
        f(&text[start..i])?;
    }
}

// --- bytes

fn bytes(vm: &mut Vm, a: &Args) -> R {
    let s = this(vm, a)?;
    Ok(vm.heap.bytes(s.as_str().as_bytes()).value())
}

fn byte_at(vm: &mut Vm, a: &Args) -> R {
    let b = this(vm, a)?.as_str().as_bytes();
    let i = position(int(vm, "byte_at", a.get(0))?, b.len());
    Ok(usize::try_from(i).ok().and_then(|i| b.get(i)).map_or(Value::NIL, |&b| Value::small(b as i64)))
}

fn byte_slice(vm: &mut Vm, a: &Args, method: &str) -> R {
    let b = this(vm, a)?.as_str().as_bytes();
    let from = clamped(int(vm, method, a.get(0))?, b.len());
    let n = int(vm, method, a.get(1))?.clamp(0, (b.len() - from) as i64) as usize;
    Ok(vm.heap.bytes(&b[from..from + n]).value())
}

fn byte_array(vm: &mut Vm, a: &Args) -> R {
    let b = this(vm, a)?.as_str().as_bytes();
    let items: Vec<Value> = b.iter().map(|&b| Value::small(b as i64)).collect();
    Ok(vm.array(&items))
}

// --- conversions

fn base(vm: &mut Vm, name: &str, v: Option<Value>) -> Result<u32, Stop> {
    match v {
        None => Ok(10),
        Some(v) => {
            let b = int(vm, name, v)?;
            if (2..=36).contains(&b) {
                Ok(b as u32)
            } else {
                Err(vm.argument_error(&format!("{name} base must be in 2..36, got {b}")))
            }
        }
    }
}

fn to_i(vm: &mut Vm, a: &Args) -> R {
    let s = scanned(vm, a)?;
    let base = base(vm, "to_i", a.opt(0))?;
    match parse_int(s, base) {
        Some(i) => Ok(vm.int(i)),
        None => Err(vm.argument_error("to_i requires a numeric string")),
    }
}

fn try_to_i(vm: &mut Vm, a: &Args) -> R {
    let s = scanned(vm, a)?;
    let base = base(vm, "to_i?", a.opt(0))?;
    Ok(parse_int(s, base).map_or(Value::NIL, |i| vm.int(i)))
}

fn to_f(vm: &mut Vm, a: &Args) -> R {
    match parse_float(scanned(vm, a)?) {
        Some(f) => Ok(Value::float(f)),
        None => Err(vm.argument_error("to_f requires a numeric string")),
    }
}

fn try_to_f(vm: &mut Vm, a: &Args) -> R {
    Ok(parse_float(scanned(vm, a)?).map_or(Value::NIL, Value::float))
}

fn to_sym(vm: &mut Vm, a: &Args) -> R {
    let s = this(vm, a)?.as_str();
    vm.heap.fuel.spend_on_bytes(s.len());
    Ok(Value::sym(vm.sym(s)))
}

fn itself(_: &mut Vm, a: &Args) -> R {
    Ok(a.this())
}

fn compare(vm: &mut Vm, a: &Args) -> R {
    let s = this(vm, a)?.as_str();
    let t = super::args::string(vm, "compare", a.get(0))?;
    vm.heap.fuel.spend_on_bytes(s.len().min(t.len()));
    Ok(Value::small(s.cmp(t) as i64))
}

fn hash(vm: &mut Vm, a: &Args) -> R {
    Ok(Value::small(this(vm, a)?.hash() as i64))
}

/// Cells of the table behind [`levenshtein_distance`] at the price of one call.
const CELLS_PER_CHARGE: i64 = 16;

/// Edits (insert, delete, replace one code point) from one text to the other.
/// `row_begins` is told the length of each row before it is computed, and may end it.
fn levenshtein_distance<E>(a: &str, b: &str, mut row_begins: impl FnMut(usize) -> Result<(), E>) -> Result<usize, E> {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        row_begins(b.len())?;
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + (x != y) as usize;
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    Ok(row[b.len()])
}

fn levenshtein(vm: &mut Vm, a: &Args) -> R {
    let (s, t) = (this(vm, a)?.as_str(), text(vm, "levenshtein", a.get(0))?);
    let distance = levenshtein_distance(s, &t, |cells| vm.work(1 + cells as i64 / CELLS_PER_CHARGE))?;
    Ok(Value::small(distance as i64))
}

#[rustfmt::skip]
pub static STRING: &[NativeDef] = &[
    def!("length", size, 0, 0, r#"(s .length) -- Number of code points.
        ("né" .length) => 2"#),
    def!("size", size, 0, 0, r#"(s .size) -- Number of code points.
        ("né" .size) => 2"#),
    def!("bytesize", byte_size, 0, 0, r#"(s .bytesize) -- Number of UTF-8 bytes.
        ("né" .bytesize) => 3"#),
    def!("empty?", is_empty, 0, 0, r#"(s .empty?) -- Has it no characters?
        ("" .empty?) => true"#),
    def!("empty", is_empty, 0, 0, r#"(s .empty) -- Has it no characters?
        ("" .empty) => true"#),
    def!("not_empty?", is_not_empty, 0, 0, r#"(s .not_empty?) -- Has it characters?
        ("a" .not_empty?) => true"#),
    def!("blank?", is_blank, 0, 0, r#"(s .blank?) -- Has it no characters but white space?
        (" \t" .blank?) => true"#),
    def!("to_upper", upper, 0, 0, r#"(s .to_upper) -- In upper case.
        ("straße" .to_upper) => "STRASSE""#),
    def!("to_uppercase", upper, 0, 0, r#"(s .to_uppercase) -- In upper case.
        ("ab" .to_uppercase) => "AB""#),
    def!("upcase", upper, 0, 0, r#"(s .upcase) -- In upper case.
        ("ab" .upcase) => "AB""#),
    def!("upper", upper, 0, 0, r#"(s .upper) -- In upper case.
        ("ab" .upper) => "AB""#),
    def!("to_lower", lower, 0, 0, r#"(s .to_lower) -- In lower case.
        ("ÄB" .to_lower) => "äb""#),
    def!("to_lowercase", lower, 0, 0, r#"(s .to_lowercase) -- In lower case.
        ("AB" .to_lowercase) => "ab""#),
    def!("downcase", lower, 0, 0, r#"(s .downcase) -- In lower case.
        ("AB" .downcase) => "ab""#),
    def!("lower", lower, 0, 0, r#"(s .lower) -- In lower case.
        ("AB" .lower) => "ab""#),
    def!("capitalize", capitalize, 0, 0, r#"(s .capitalize) -- The first character in upper case, the rest as it is.
        ("ab cd" .capitalize) => "Ab cd""#),
    def!("title", title, 0, 0, r#"(s .title) -- Every word capitalised.
        ("ab cd" .title) => "Ab Cd""#),
    def!("swap_case", swap_case, 0, 0, r#"(s .swap_case) -- Upper case to lower and lower to upper.
        ("aB" .swap_case) => "Ab""#),
    def!("reverse", reverse, 0, 0, r#"(s .reverse) -- Code points in reverse order.
        ("abc" .reverse) => "cba""#),
    def!("append", append, 0, VARIADIC, r#"(s .append text...) -- The receiver followed by the texts.
        ("a" .append "b" "c") => "abc""#),
    def!("repeat", repeat, 1, 1, r#"(s .repeat n) -- n times the text.
        ("ab" .repeat 3) => "ababab""#),
    def!("trim", |vm, a| trim_with(vm, a, "trim", Side::Both), 0, 1, r#"(s .trim [chars]) -- Without white space (or these characters) at both ends.
        ("  ab " .trim) => "ab""#),
    def!("strip", |vm, a| trim_with(vm, a, "strip", Side::Both), 0, 1, r#"(s .strip [chars]) -- Without white space (or these characters) at both ends.
        ("  ab " .strip) => "ab""#),
    def!("trim_start", |vm, a| trim_with(vm, a, "trim_start", Side::Left), 0, 1, r#"(s .trim_start [chars]) -- As trim, at the start only.
        ("  ab " .trim_start) => "ab ""#),
    def!("lstrip", |vm, a| trim_with(vm, a, "lstrip", Side::Left), 0, 1, r#"(s .lstrip [chars]) -- As trim, at the start only.
        ("xxab" .lstrip "x") => "ab""#),
    def!("trim_end", |vm, a| trim_with(vm, a, "trim_end", Side::Right), 0, 1, r#"(s .trim_end [chars]) -- As trim, at the end only.
        ("  ab " .trim_end) => "  ab""#),
    def!("rstrip", |vm, a| trim_with(vm, a, "rstrip", Side::Right), 0, 1, r#"(s .rstrip [chars]) -- As trim, at the end only.
        ("abxx" .rstrip "x") => "ab""#),
    def!("pad_left", |vm, a| pad(vm, a, "pad_left", Side::Left), 1, 2, r#"(s .pad_left n [c]) -- Filled with c on the left to n code points.
        ("7" .pad_left 3 "0") => "007""#),
    def!("pad_right", |vm, a| pad(vm, a, "pad_right", Side::Right), 1, 2, r#"(s .pad_right n [c]) -- Filled with c on the right to n code points.
        ("7" .pad_right 3 ".") => "7..""#),
    def!("center", |vm, a| pad(vm, a, "center", Side::Both), 1, 2, r#"(s .center n [c]) -- Filled with c on both sides to n code points.
        ("ab" .center 6 "*") => "**ab**""#),
    def!("start_with?", |vm, a| starts_with(vm, a, "start_with?"), 1, 1, r#"(s .start_with? t) -- Does it start with t?
        ("abc" .start_with? "ab") => true"#),
    def!("starts_with", |vm, a| starts_with(vm, a, "starts_with"), 1, 1, r#"(s .starts_with t) -- Does it start with t?
        ("abc" .starts_with "b") => false"#),
    def!("end_with?", |vm, a| ends_with(vm, a, "end_with?"), 1, 1, r#"(s .end_with? t) -- Does it end with t?
        ("abc" .end_with? "bc") => true"#),
    def!("ends_with", |vm, a| ends_with(vm, a, "ends_with"), 1, 1, r#"(s .ends_with t) -- Does it end with t?
        ("abc" .ends_with "b") => false"#),
    def!("strip_prefix", strip_prefix, 1, 1, r#"(s .strip_prefix t) -- Without t at the start, if present.
        ("abc" .strip_prefix "ab") => "c""#),
    def!("strip_suffix", strip_suffix, 1, 1, r#"(s .strip_suffix t) -- Without t at the end, if present.
        ("abc" .strip_suffix "c") => "ab""#),
    def!("lstrip_margin", lstrip_margin, 0, 0, r#"(s .lstrip_margin) -- Without the indentation all non-blank lines share.
        ("  a\n    b" .lstrip_margin) => "a\n  b""#),
    def!("char_at", char_at, 1, 1, r#"(s .char_at i) -- The Char at position i, which must exist.
        ("abc" .char_at 1) => 'b'"#),
    def!("get", get, 1, 2, r#"(s .get i [default]) -- The Char at position i, else the default.
        ("abc" .get -1) => 'c'"#),
    def!("substr", substr, 1, 2, r#"(s .substr from [to]) -- From position from to position to, both inclusive.
        ("abcdef" .substr 1 3) => "bcd""#),
    def!("slice", slice, 1, 2, r#"(s .slice from [to]) -- From position from up to, excluding, to; or the positions in a Range.
        ("abcdef" .slice 1 3) => "bc""#),
    def!("chars", chars, 0, 0, r#"(s .chars) -- Array of Chars.
        ("né" .chars) => ['n' 'é']"#),
    def!("codes", codes, 0, 0, r#"(s .codes) -- Array of code points as Ints.
        ("né" .codes) => [110 233]"#),
    def!("lines", lines, 0, 0, r#"(s .lines) -- Array of lines without their ends.
        ("a\nb\n" .lines) => ["a" "b"]"#),
    def!("words", words, 0, 0, r#"(s .words) -- The parts between white space.
        (" to be  or " .words) => ["to" "be" "or"]"#),
    def!("bytes", bytes, 0, 0, r#"(s .bytes) -- UTF-8 as Bytes.
        ("né" .bytes) => 0#6ec3a9"#),
    def!("to_bytes", bytes, 0, 0, r#"(s .to_bytes) -- UTF-8 as Bytes.
        ("né" .to_bytes) => 0#6ec3a9"#),
    def!("byte_array", byte_array, 0, 0, r#"(s .byte_array) -- UTF-8 as an Array of Ints.
        ("né" .byte_array) => [110 195 169]"#),
    def!("byte_at", byte_at, 1, 1, r#"(s .byte_at i) -- Byte i as an Int, or nil.
        ("né" .byte_at 1) => 195"#),
    def!("byteslice", |vm, a| byte_slice(vm, a, "byteslice"), 2, 2, r#"(s .byteslice i n) -- n bytes from byte i on.
        ("abc" .byteslice 1 2) => 0#6263"#),
    def!("byte_slice", |vm, a| byte_slice(vm, a, "byte_slice"), 2, 2, r#"(s .byte_slice i n) -- n bytes from byte i on.
        ("abc" .byte_slice 1 2) => 0#6263"#),
    def!("to_i", to_i, 0, 1, r#"(s .to_i [base]) -- The Int it spells.
        ("42" .to_i) => 42"#),
    def!("to_f", to_f, 0, 0, r#"(s .to_f) -- The Float it spells.
        ("2.5" .to_f) => 2.5"#),
    def!("to_i?", try_to_i, 0, 1, r#"(s .to_i? [base]) -- The Int it spells, or nil.
        ("x" .to_i?) => nil"#),
    def!("to_f?", try_to_f, 0, 0, r#"(s .to_f?) -- The Float it spells, or nil.
        ("2.5" .to_f?) => 2.5"#),
    def!("to_sym", to_sym, 0, 0, r#"(s .to_sym) -- The Symbol named so.
        ("abc" .to_sym) => abc"#),
    def!("to_s", itself, 0, 0, r#"(s .to_s) -- Itself.
        ("abc" .to_s) => "abc""#),
    def!("to_bool", |_, _| Ok(Value::TRUE), 0, 0, r#"(s .to_bool) -- true.
        ("" .to_bool) => true"#),
    def!("numeric?", |vm, a| every(vm, a, char::is_numeric), 0, 0, r#"(s .numeric?) -- Is every character a number?
        ("-2.5" .numeric?) => false"#),
    def!("alpha?", |vm, a| every(vm, a, char::is_alphabetic), 0, 0, r#"(s .alpha?) -- Is every character a letter?
        ("né" .alpha?) => true"#),
    def!("digit?", |vm, a| every(vm, a, is_digit), 0, 0, r#"(s .digit?) -- Is every character a decimal digit?
        ("42" .digit?) => true"#),
    def!("upper?", |vm, a| every(vm, a, char::is_uppercase), 0, 0, r#"(s .upper?) -- Is every character upper case?
        ("AB" .upper?) => true"#),
    def!("lower?", |vm, a| every(vm, a, char::is_lowercase), 0, 0, r#"(s .lower?) -- Is every character lower case?
        ("AB" .lower?) => false"#),
    def!("space?", |vm, a| every(vm, a, char::is_whitespace), 0, 0, r#"(s .space?) -- Is every character white space?
        (" \t" .space?) => true"#),
    def!("compare", compare, 1, 1, r#"(s .compare t) -- -1, 0 or 1 by code points.
        ("a" .compare "b") => -1"#),
    def!("levenshtein", levenshtein, 1, 1, r#"(s .levenshtein t) -- Number of single-character edits between the two.
        ("kitten" .levenshtein "sitting") => 3"#),
    def!("hash", hash, 0, 0, r#"(s .hash) -- Equal for equal strings.
        (("a" .hash) == ("a" .hash)) => true"#),
];

pub fn install(vm: &mut Vm) {
    let class = vm.classes.by_kind[Kind::Str as usize];
    vm.add_methods(class, STRING);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_no_ends() {
        let lines = |s| memchr_lines(s).collect::<Vec<_>>();
        assert_eq!(lines("l1\nl2\n"), ["l1", "l2"]);
        assert_eq!(lines("a\r\n\r\nb"), ["a", "", "b"]);
        assert_eq!(lines("\n"), [""]);
        assert_eq!(lines("a\r"), ["a\r"]);
        assert_eq!(lines("a\r\n"), ["a"]);
        assert!(lines("").is_empty());
    }

    #[test]
    fn edit_distance() {
        let free = |_| Ok::<(), ()>(());
        assert_eq!(levenshtein_distance("kitten", "sitting", free), Ok(3));
        assert_eq!(levenshtein_distance("", "né", free), Ok(2));
        assert_eq!(levenshtein_distance("a", "a", free), Ok(0));
    }

    #[test]
    fn common_prefixes_end_at_character_boundaries() {
        assert_eq!(common_prefix("  \t", "  x"), "  ");
        assert_eq!(common_prefix("  ", "    "), "  ");
        assert_eq!(common_prefix("    ", "  "), "  ");
        assert_eq!(common_prefix("é", "è"), "");
    }
}
