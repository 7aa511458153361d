//! Searching, splitting and replacing in Strings, by texts and by regexes. The same functions serve `(s .m re)` and `(re .m s)`.
use super::args::{Text, int, this_string, wrong_kind};
use super::regex::{self, Matches};
use super::string::{check_len, new_string, position, words_of};
use crate::def;
use crate::heap::{Gc, Kind, Record};
use crate::native::{Args, NativeDef, R, Stop};
use crate::object::array::Array;
use crate::object::string::Str;
use crate::value::Value;
use crate::vm::{PendingCall, Vm};
use memchr::memmem;

/// A searching operation: string, pattern, further argument.
pub type Search = fn(&mut Vm, Gc<Str>, Value, Option<Value>) -> R;

/// What is searched for.
enum Pattern<'a> {
    Text(Text<'a>),
    Regex(Gc<Record>),
}

impl Pattern<'_> {
    /// Fuel for so many bytes searched.
    fn spend(&self, vm: &mut Vm, bytes: usize) {
        match self {
            Pattern::Text(_) => vm.heap.fuel.spend_on_bytes(bytes),
            Pattern::Regex(_) => vm.heap.fuel.spend_on(bytes),
        }
    }

    /// The same while the search goes on, so that a long one can be ended.
    fn work(&self, vm: &mut Vm, bytes: usize) -> Result<(), Stop> {
        self.spend(vm, bytes);
        vm.work(0)
    }
}

fn pattern<'a>(vm: &mut Vm, name: &str, p: Value) -> Result<Pattern<'a>, Stop> {
    if let Some(t) = Text::of(p) {
        return Ok(Pattern::Text(t));
    }
    match p.get(Kind::Regex) {
        Some(re) => Ok(Pattern::Regex(re)),
        None => Err(wrong_kind(vm, name, "String or Regex", p)),
    }
}

fn regex_only(vm: &mut Vm, name: &str, p: Value) -> Result<Gc<Record>, Stop> {
    match p.get(Kind::Regex) {
        Some(re) => Ok(re),
        None => Err(wrong_kind(vm, name, "Regex", p)),
    }
}

/// Bytes searched between two looks at limits and interrupts.
pub const STRETCH: usize = 4096;

/// Calls `f` with the byte range of every match from left to right, until it gives false. An empty text matches before every
/// character and at the end.
fn each_match(
    vm: &mut Vm,
    s: &str,
    p: &Pattern,
    mut f: impl FnMut(&mut Vm, usize, usize) -> Result<bool, Stop>,
) -> Result<(), Stop> {
    let mut searched = s.len();
    let mut charged = 0;
    let mut f = |vm: &mut Vm, a, b| -> Result<bool, Stop> {
        if b - charged >= STRETCH {
            p.work(vm, b - charged)?;
            charged = b;
        }
        let more = f(vm, a, b)?;
        if !more {
            searched = b;
        }
        Ok(more)
    };
    match p {
        Pattern::Text(t) if t.is_empty() => {
            for (i, _) in s.char_indices().chain([(s.len(), ' ')]) {
                if !f(vm, i, i)? {
                    break;
                }
            }
        }
        Pattern::Text(t) if t.len() == 1 => {
            for i in memchr::memchr_iter(t.as_bytes()[0], s.as_bytes()) {
                if !f(vm, i, i + 1)? {
                    break;
                }
            }
        }
        Pattern::Text(t) => {
            for i in memmem::find_iter(s.as_bytes(), t.as_bytes()) {
                if !f(vm, i, i + t.len())? {
                    break;
                }
            }
        }
        Pattern::Regex(re) => {
            let c = regex::compiled(vm, *re)?;
            for (a, b) in Matches::new(&c, s) {
                if !f(vm, a, b)? {
                    break;
                }
            }
        }
    }
    p.work(vm, searched.saturating_sub(charged))
}

/// Byte range of the first match at or after byte `from`.
fn first(vm: &mut Vm, s: &str, p: &Pattern, from: usize) -> Result<Option<(usize, usize)>, Stop> {
    let found = match p {
        Pattern::Text(t) => memmem::find(&s.as_bytes()[from..], t.as_bytes()).map(|i| (from + i, from + i + t.len())),
        Pattern::Regex(re) => regex::compiled(vm, *re)?.find_at(s, from).map(|m| (m.start(), m.end())),
    };
    p.spend(vm, found.map_or(s.len(), |(_, end)| end) - from);
    Ok(found)
}

/// Byte range of the last match.
fn last(vm: &mut Vm, s: &str, p: &Pattern) -> Result<Option<(usize, usize)>, Stop> {
    match p {
        Pattern::Text(t) => {
            let found = memmem::rfind(s.as_bytes(), t.as_bytes()).map(|i| (i, i + t.len()));
            p.spend(vm, s.len() - found.map_or(0, |(start, _)| start));
            Ok(found)
        }
        Pattern::Regex(_) => {
            let mut found = None;
            each_match(vm, s, p, |_, a, b| {
                found = Some((a, b));
                Ok(true)
            })?;
            Ok(found)
        }
    }
}

// --- finding

pub fn match_first(vm: &mut Vm, s: Gc<Str>, p: Value, _: Option<Value>) -> R {
    let re = regex_only(vm, "match", p)?;
    regex::first_match(vm, s, re)
}

pub fn match_all(vm: &mut Vm, s: Gc<Str>, p: Value, _: Option<Value>) -> R {
    let re = regex_only(vm, "match_all", p)?;
    let found = regex::all_matches(vm, s, re, usize::MAX)?;
    Ok(vm.array(&found))
}

pub fn is_match(vm: &mut Vm, s: Gc<Str>, p: Value, _: Option<Value>) -> R {
    let found = match pattern(vm, "match?", p)? {
        p @ Pattern::Regex(re) => {
            let found = regex::compiled(vm, re)?.is_match(s.as_str());
            p.spend(vm, s.byte_len());
            found
        }
        p => first(vm, s.as_str(), &p, 0)?.is_some(),
    };
    Ok(Value::bool(found))
}

pub fn find(vm: &mut Vm, s: Gc<Str>, p: Value, _: Option<Value>) -> R {
    let p = pattern(vm, "find", p)?;
    let text = s.as_str();
    Ok(first(vm, text, &p, 0)?.map_or(Value::NIL, |(a, b)| vm.str(&text[a..b])))
}

pub fn find_all(vm: &mut Vm, s: Gc<Str>, p: Value, _: Option<Value>) -> R {
    let p = pattern(vm, "find_all", p)?;
    let text = s.as_str();
    let mut found = Vec::new();
    each_match(vm, text, &p, |vm, a, b| {
        found.push(vm.str(&text[a..b]));
        Ok(true)
    })?;
    Ok(vm.array(&found))
}

fn index(vm: &mut Vm, s: Gc<Str>, p: Value, from: Option<Value>) -> R {
    let p = pattern(vm, "index", p)?;
    let n = s.char_len();
    let from = match from {
        None => 0,
        Some(v) => position(int(vm, "index", v)?, n).max(0),
    };
    if from > n as i64 {
        return Ok(Value::small(-1));
    }
    let from = vm.str_offset(s, from as usize);
    Ok(match first(vm, s.as_str(), &p, from)? {
        Some((at, _)) => Value::small(vm.str_index(s, at) as i64),
        None => Value::small(-1),
    })
}

fn rindex(vm: &mut Vm, s: Gc<Str>, p: Value, _: Option<Value>) -> R {
    let p = pattern(vm, "rindex", p)?;
    Ok(match last(vm, s.as_str(), &p)? {
        Some((at, _)) => Value::small(vm.str_index(s, at) as i64),
        None => Value::small(-1),
    })
}

fn count(vm: &mut Vm, s: Gc<Str>, p: Value, _: Option<Value>) -> R {
    let p = pattern(vm, "count", p)?;
    let n = match &p {
        Pattern::Text(t) if t.is_empty() => s.char_len() + 1,
        Pattern::Text(t) if t.len() == 1 => {
            p.spend(vm, s.byte_len());
            memchr::memchr_iter(t.as_bytes()[0], s.as_str().as_bytes()).count()
        }
        p => {
            let mut n = 0;
            each_match(vm, s.as_str(), p, |_, _, _| {
                n += 1;
                Ok(true)
            })?;
            n
        }
    };
    Ok(Value::small(n as i64))
}

// --- splitting

/// The most parts a split may give.
fn max_parts(vm: &mut Vm, max: Option<Value>) -> Result<usize, Stop> {
    let Some(v) = max else { return Ok(usize::MAX) };
    match int(vm, "split", v)? {
        n if n > 0 => Ok(n as usize),
        _ => Err(vm.argument_error("split limit must be positive")),
    }
}

pub fn split(vm: &mut Vm, s: Gc<Str>, p: Value, max: Option<Value>) -> R {
    let p = pattern(vm, "split", p)?;
    let max = max_parts(vm, max)?;
    let text = s.as_str();
    let mut parts = Vec::new();
    let mut start = 0;
    if max > 1 {
        each_match(vm, text, &p, |vm, a, b| {
            // Empty matches at either end separate nothing.
            if a == b && (a == 0 || a == text.len()) {
                return Ok(true);
            }
            parts.push(vm.str(&text[start..a]));
            start = b;
            Ok(parts.len() + 1 < max)
        })?;
    }
    // Splitting "" into characters gives none.
    if !(text.is_empty() && matches!(&p, Pattern::Text(t) if t.is_empty())) {
        parts.push(vm.str(&text[start..]));
    }
    Ok(vm.array(&parts))
}

fn three(vm: &mut Vm, parts: [&str; 3]) -> R {
    let parts = parts.map(|p| vm.str(p));
    Ok(vm.array(&parts))
}

fn partition(vm: &mut Vm, s: Gc<Str>, p: Value, _: Option<Value>) -> R {
    let p = pattern(vm, "partition", p)?;
    let text = s.as_str();
    match first(vm, text, &p, 0)? {
        Some((a, b)) => three(vm, [&text[..a], &text[a..b], &text[b..]]),
        None => three(vm, [text, "", ""]),
    }
}

fn rpartition(vm: &mut Vm, s: Gc<Str>, p: Value, _: Option<Value>) -> R {
    let p = pattern(vm, "rpartition", p)?;
    let text = s.as_str();
    match last(vm, text, &p)? {
        Some((a, b)) => three(vm, [&text[..a], &text[a..b], &text[b..]]),
        None => three(vm, ["", "", text]),
    }
}

// --- replacing

pub fn replace_first(vm: &mut Vm, s: Gc<Str>, p: Value, r: Option<Value>) -> R {
    replace(vm, s, p, r, false)
}

pub fn replace_all(vm: &mut Vm, s: Gc<Str>, p: Value, r: Option<Value>) -> R {
    replace(vm, s, p, r, true)
}

fn replace(vm: &mut Vm, s: Gc<Str>, p: Value, r: Option<Value>, all: bool) -> R {
    let pat = pattern(vm, "replace", p)?;
    let own = match &pat {
        Pattern::Regex(re) => regex::replacement(*re),
        Pattern::Text(_) => None,
    };
    let with = match (r, own) {
        (Some(v), _) => match Text::of(v) {
            Some(t) => t,
            None if vm.is_callable(v) => return replace_by_calls(vm, s, p, v, all),
            None => return Err(wrong_kind(vm, "replace", "String or Function", v)),
        },
        (None, Some(t)) => Text::Str(t),
        (None, None) => return Err(vm.argument_error("replacement required")),
    };
    match pat {
        Pattern::Regex(re) => regex::replace(vm, s, re, &with, all),
        pat => replace_text(vm, s, &pat, &with, all),
    }
}

fn replace_text(vm: &mut Vm, s: Gc<Str>, p: &Pattern, with: &str, all: bool) -> R {
    let text = s.as_str();
    if all
        && let Pattern::Text(t) = p
        && let ([from], [to]) = (t.as_bytes(), with.as_bytes())
    {
        return replace_byte(vm, s, *from, *to);
    }
    let mut out = String::new();
    let mut copied = 0;
    let mut found = false;
    each_match(vm, text, p, |vm, a, b| {
        if !found {
            found = true;
            out.reserve(text.len() + with.len());
        }
        out.push_str(&text[copied..a]);
        out.push_str(with);
        copied = b;
        check_len(vm, out.len())?;
        Ok(all)
    })?;
    if !found {
        return Ok(s.value());
    }
    out.push_str(&text[copied..]);
    new_string(vm, &out)
}

/// One ASCII character by another everywhere.
fn replace_byte(vm: &mut Vm, s: Gc<Str>, from: u8, to: u8) -> R {
    let bytes = s.as_str().as_bytes();
    vm.heap.fuel.spend_on_bytes(bytes.len());
    if memchr::memchr(from, bytes).is_none() {
        return Ok(s.value());
    }
    check_len(vm, bytes.len())?;
    Ok(vm.heap.string_with_byte(s.as_str(), from, to).value())
}

/// Lets the part written in Gene call the function: `(s ._replace_of p f all)`.
fn replace_by_calls(vm: &mut Vm, s: Gc<Str>, p: Value, f: Value, all: bool) -> R {
    let class = vm.classes.by_kind[Kind::Str as usize];
    let name = vm.sym("_replace_of");
    let Some(callee) = vm.class_find(class, name) else {
        return Err(vm.runtime_error("replace with a function is not available"));
    };
    let args = vec![s.value(), p, f, Value::bool(all)];
    vm.pending = Some(PendingCall { callee, args, kw: Vec::new(), method: true });
    Err(Stop::Call)
}

/// `(s ._split_matches p all)`: the texts around the matches with the matches between them (RegexMatches, or matched texts).
fn split_matches(vm: &mut Vm, s: Gc<Str>, p: Value, all: Option<Value>) -> R {
    let pat = pattern(vm, "replace", p)?;
    let limit = if all.is_some_and(Value::truthy) { usize::MAX } else { 1 };
    let text = s.as_str();
    let mut ranges = Vec::new();
    let mut matches = Vec::new();
    each_match(vm, text, &pat, |_, a, b| {
        ranges.push((a, b));
        Ok(ranges.len() < limit)
    })?;
    if let Pattern::Regex(re) = pat {
        matches = regex::all_matches(vm, s, re, limit)?;
    }
    let mut parts = Vec::with_capacity(ranges.len() * 2 + 1);
    let mut copied = 0;
    for (i, &(a, b)) in ranges.iter().enumerate() {
        parts.push(vm.str(&text[copied..a]));
        parts.push(match matches.get(i) {
            Some(&m) => m,
            None => vm.str(&text[a..b]),
        });
        copied = b;
    }
    parts.push(vm.str(&text[copied..]));
    Ok(vm.array(&parts))
}

/// `(s ._join_replaced parts)`: the parts as one String; a replacement that is no text is an error.
fn join_replaced(vm: &mut Vm, a: &Args) -> R {
    let Some(parts) = a.get(0).get::<Array>(Kind::Array) else {
        return Err(wrong_kind(vm, "replace", "Array", a.get(0)));
    };
    let mut out = String::new();
    for &v in parts.as_slice() {
        let Some(t) = Text::of(v) else {
            let k = vm.kind_name(v);
            return Err(vm.type_error(&format!("the replacement function must return a String, got {k}")));
        };
        out.push_str(&t);
        check_len(vm, out.len())?;
    }
    new_string(vm, &out)
}

// --- methods

/// Methods with several names share a function: the pattern is checked here, where the name is known.
/// The second argument of the methods that replace.
pub fn replacement_kind(vm: &mut Vm, a: &Args, name: &str) -> Result<(), Stop> {
    match a.opt(1) {
        Some(v)
            if matches!(name, "replace" | "sub" | "replace_all" | "gsub")
                && Text::of(v).is_none()
                && !vm.is_callable(v) =>
        {
            Err(wrong_kind(vm, name, "String or Function", v))
        }
        _ => Ok(()),
    }
}

fn on_string(vm: &mut Vm, a: &Args, name: &str, f: Search) -> R {
    let s = this_string(vm, a.this())?;
    match name {
        "match" | "match_all" => regex_only(vm, name, a.get(0)).map(drop)?,
        _ => pattern(vm, name, a.get(0)).map(drop)?,
    }
    replacement_kind(vm, a, name)?;
    f(vm, s, a.get(0), a.opt(1))
}

fn split_method(vm: &mut Vm, a: &Args) -> R {
    let s = this_string(vm, a.this())?;
    match a.opt(0) {
        None => words_of(vm, s),
        Some(p) => split(vm, s, p, a.opt(1)),
    }
}

macro_rules! searching {
    ($name:literal, $f:expr, $max:expr, $doc:literal) => {
        def!($name, |vm, a| on_string(vm, a, $name, $f), 1, $max, $doc)
    };
}

#[rustfmt::skip]
pub static SEARCH: &[NativeDef] = &[
    searching!("match", match_first, 1, r#"(s .match re) -- The RegexMatch of the first match, or nil.
        (("abbc" .match #/b+/) .value) => "bb""#),
    searching!("match_all", match_all, 1, r#"(s .match_all re) -- RegexMatches of all matches.
        (("1 and 22" .match_all #/\d+/) .size) => 2"#),
    searching!("match?", is_match, 1, r#"(s .match? re) -- Does it match anywhere?
        ("abbc" .match? #/b+/) => true"#),
    searching!("include?", is_match, 1, r#"(s .include? p) -- Does p occur in it?
        ("abc" .include? "bc") => true"#),
    searching!("contain", is_match, 1, r#"(s .contain p) -- Does p occur in it?
        ("abc" .contain "bc") => true"#),
    searching!("contains", is_match, 1, r#"(s .contains p) -- Does p occur in it?
        ("abc" .contains "x") => false"#),
    searching!("find", find, 1, r#"(s .find p) -- The first text that matches, or nil.
        ("abbc" .find #/b+/) => "bb""#),
    searching!("find_all", find_all, 1, r#"(s .find_all p) -- All texts that match, without overlap.
        ("1 and 22" .find_all #/\d+/) => ["1" "22"]"#),
    searching!("scan", find_all, 1, r#"(s .scan p) -- All texts that match, without overlap.
        ("1 and 22" .scan #/\d+/) => ["1" "22"]"#),
    searching!("index", index, 2, r#"(s .index p [from]) -- Position of the first match, or -1.
        ("abcb" .index "b" 2) => 3"#),
    searching!("rindex", rindex, 1, r#"(s .rindex p) -- Position of the last match, or -1.
        ("abcb" .rindex "b") => 3"#),
    searching!("count", count, 1, r#"(s .count t) -- How often t occurs, without overlap.
        ("banana" .count "an") => 2"#),
    def!("split", split_method, 0, 2, r#"(s .split [p [max]]) -- The parts between matches, or the words.
        ("a-b-c" .split "-") => ["a" "b" "c"]"#),
    searching!("partition", partition, 1, r#"(s .partition p) -- [before match after] of the first match.
        ("k=v=w" .partition "=") => ["k" "=" "v=w"]"#),
    searching!("rpartition", rpartition, 1, r#"(s .rpartition p) -- [before match after] of the last match.
        ("k=v=w" .rpartition "=") => ["k=v" "=" "w"]"#),
    searching!("replace", replace_first, 2, r#"(s .replace p [r]) -- The first match replaced.
        ("banana" .replace "a" "o") => "bonana""#),
    searching!("sub", replace_first, 2, r#"(s .sub p [r]) -- The first match replaced.
        ("banana" .sub "a" "o") => "bonana""#),
    searching!("replace_all", replace_all, 2, r#"(s .replace_all p [r]) -- All matches replaced.
        ("banana" .replace_all "a" "o") => "bonono""#),
    searching!("gsub", replace_all, 2, r#"(s .gsub p [r]) -- All matches replaced.
        ("banana" .gsub "a" "o") => "bonono""#),
    searching!("_split_matches", split_matches, 2, "(s ._split_matches p all) -- Texts and matches in turn."),
    def!("_join_replaced", join_replaced, 1, 1, "(s ._join_replaced parts) -- The texts joined."),
];

pub fn install(vm: &mut Vm) {
    let class = vm.classes.by_kind[Kind::Str as usize];
    vm.add_methods(class, SEARCH);
}
