//! Regular expressions: the values, their matches, replacement templates, and the methods of Regexp and RegexMatch.
//!
//! A Regex is a record (pattern, flags, replacement or nil). A RegexMatch is a record (searched String, Regex,
//! start, end, then byte offsets of the groups, -1 for those that took no part); start and end count code points.
use super::args::{string, text, wrong_kind};
use super::search;
use crate::def;
use crate::heap::{Gc, Kind, Record};
use crate::interp::call::arity_message;
use crate::native::{Args, NativeDef, R, Stop};
use crate::object::string::Str;
use crate::value::Value;
use crate::vm::Vm;
use regex::{CaptureLocations, Regex, RegexBuilder};
use rustc_hash::FxHashMap;
use std::rc::Rc;

/// Compiled patterns.
#[derive(Default)]
pub struct RegexCache {
    /// By `flags/pattern`.
    compiled: FxHashMap<String, Rc<Regex>>,
    /// Those of the Regex values used last, by address.
    recent: [Option<Recent>; RECENT],
}

/// Patterns kept. Programs that make more of them at run time start over.
const CACHE_SIZE: usize = 256;
const RECENT: usize = 16;

struct Recent {
    /// Address of the Regex and number of collections so far: between two collections no address is used again.
    addr: usize,
    collections: u64,
    re: Rc<Regex>,
}

const PATTERN: usize = 0;
const FLAGS: usize = 1;
const REPLACEMENT: usize = 2;

const INPUT: usize = 0;
const REGEX: usize = 1;
const START: usize = 2;
const END: usize = 3;
const GROUPS: usize = 4;

// --- making regexes

/// A Regex value. `flags` in any order; an invalid pattern is a ParseException.
pub fn make_regex(vm: &mut Vm, pattern: &str, flags: &str, replacement: Option<&str>) -> R {
    let flags: String = "imsx".chars().filter(|&c| flags.contains(c)).collect();
    compile(vm, pattern, &flags)?;
    let items = [vm.str(pattern), vm.str(&flags), replacement.map_or(Value::NIL, |r| vm.str(r))];
    Ok(vm.heap.record(Kind::Regex, 0, &items).value())
}

fn compile(vm: &mut Vm, pattern: &str, flags: &str) -> Result<Rc<Regex>, Stop> {
    let key = format!("{flags}/{pattern}");
    if let Some(re) = vm.library.regexes.compiled.get(&key) {
        return Ok(re.clone());
    }
    match build(pattern, flags) {
        Ok(re) => {
            let re = Rc::new(re);
            let cache = &mut vm.library.regexes.compiled;
            if cache.len() >= CACHE_SIZE {
                cache.clear();
            }
            cache.insert(key, re.clone());
            Ok(re)
        }
        Err(reason) => Err(vm.parse_error(&format!("Invalid regex: {reason}"))),
    }
}

fn build(pattern: &str, flags: &str) -> Result<Regex, String> {
    let verbose = flags.contains('x');
    RegexBuilder::new(&translate(pattern, verbose))
        .case_insensitive(flags.contains('i'))
        .multi_line(flags.contains('m'))
        .dot_matches_new_line(flags.contains('s'))
        .ignore_whitespace(verbose)
        .build()
        .map_err(|e| {
            // Syntax errors come with the pattern and a marker on lines of their own; the last line says what is wrong.
            let text = e.to_string();
            let last = text.lines().rfind(|l| !l.trim().is_empty()).unwrap_or("");
            last.trim().trim_start_matches("error: ").to_string()
        })
}

/// The pattern in the syntax of the `regex` crate, which gives meaning to a few more texts than the language does: set
/// operations and nested classes inside `[...]`, and `\<`, `\>`.
fn translate(pattern: &str, verbose: bool) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => push_escape(&mut out, chars.next()),
            '#' if verbose => {
                out.push(c);
                for c in chars.by_ref() {
                    out.push(c);
                    if c == '\n' {
                        break;
                    }
                }
            }
            '[' => {
                out.push(c);
                out.extend(chars.next_if_eq(&'^'));
                // A bracket that comes first is a member.
                if chars.next_if_eq(&']').is_some() {
                    out.push_str("\\]");
                }
                while let Some(c) = chars.next() {
                    match c {
                        '\\' => push_escape(&mut out, chars.next()),
                        ']' => {
                            out.push(c);
                            break;
                        }
                        '[' if chars.peek() == Some(&':') => {
                            out.push(c);
                            while let Some(c) = chars.next() {
                                out.push(c);
                                if c == ':' && chars.peek() == Some(&']') {
                                    out.extend(chars.next());
                                    break;
                                }
                            }
                        }
                        '[' => out.push_str("\\["),
                        '&' | '~' | '-' if chars.peek() == Some(&c) => {
                            chars.next();
                            out.extend([c, '\\', c]);
                        }
                        c => out.push(c),
                    }
                }
            }
            c => out.push(c),
        }
    }
    out
}

fn push_escape(out: &mut String, escaped: Option<char>) {
    match escaped {
        Some(c @ ('<' | '>')) => out.push(c),
        Some(c) => out.extend(['\\', c]),
        None => out.push('\\'),
    }
}

/// The compiled form of a [`Kind::Regex`] record.
pub fn compiled(vm: &mut Vm, re: Gc<Record>) -> Result<Rc<Regex>, Stop> {
    let addr = re.as_ptr() as usize;
    let place = addr / 32 % RECENT;
    let collections = vm.collections();
    if let Some(r) = &vm.library.regexes.recent[place]
        && r.addr == addr
        && r.collections == collections
    {
        return Ok(r.re.clone());
    }
    let compiled = compile(vm, source(re), flags(re))?;
    vm.library.regexes.recent[place] = Some(Recent { addr, collections, re: compiled.clone() });
    Ok(compiled)
}

pub fn source<'a>(re: Gc<Record>) -> &'a str {
    re.slot(PATTERN).as_str().unwrap_or("")
}

pub fn flags<'a>(re: Gc<Record>) -> &'a str {
    re.slot(FLAGS).as_str().unwrap_or("")
}

pub fn replacement<'a>(re: Gc<Record>) -> Option<&'a str> {
    re.slot(REPLACEMENT).as_str()
}

// --- finding

/// Byte ranges of the matches in `s`, from left to right. After an empty match the search goes on one code point further.
pub struct Matches<'a> {
    re: &'a Regex,
    s: &'a str,
    at: Option<usize>,
}

impl<'a> Matches<'a> {
    pub fn new(re: &'a Regex, s: &'a str) -> Matches<'a> {
        Matches { re, s, at: Some(0) }
    }
}

/// Where to search after a match, if anywhere.
fn after_match(s: &str, start: usize, end: usize) -> Option<usize> {
    if start < end { Some(end) } else { s[end..].chars().next().map(|c| end + c.len_utf8()) }
}

impl Iterator for Matches<'_> {
    type Item = (usize, usize);
    fn next(&mut self) -> Option<(usize, usize)> {
        let m = self.re.find_at(self.s, self.at?);
        match m {
            Some(m) => {
                self.at = after_match(self.s, m.start(), m.end());
                Some((m.start(), m.end()))
            }
            None => {
                self.at = None;
                None
            }
        }
    }
}

fn match_value(vm: &mut Vm, s: Gc<Str>, re: Gc<Record>, loc: &CaptureLocations) -> Value {
    let whole = loc.get(0).unwrap_or((0, 0));
    let start = vm.str_index(s, whole.0);
    let end = vm.str_index(s, whole.1);
    let mut items = vec![s.value(), re.value(), Value::small(start as i64), Value::small(end as i64)];
    for i in 0..loc.len() {
        let (from, to) = loc.get(i).map_or((-1, -1), |(a, b)| (a as i64, b as i64));
        items.push(Value::small(from));
        items.push(Value::small(to));
    }
    vm.heap.record(Kind::RegexMatch, 0, &items).value()
}

/// The RegexMatch of the first match, or nil.
pub fn first_match(vm: &mut Vm, s: Gc<Str>, re: Gc<Record>) -> R {
    let c = compiled(vm, re)?;
    vm.heap.fuel.spend_on(s.byte_len());
    let mut loc = c.capture_locations();
    Ok(match c.captures_read(&mut loc, s.as_str()) {
        Some(_) => match_value(vm, s, re, &loc),
        None => Value::NIL,
    })
}

/// The RegexMatches of all matches.
pub fn all_matches(vm: &mut Vm, s: Gc<Str>, re: Gc<Record>, limit: usize) -> Result<Vec<Value>, Stop> {
    let c = compiled(vm, re)?;
    let mut loc = c.capture_locations();
    let mut found = Vec::new();
    let mut at = Some(0);
    let mut charge = Charge { bytes: s.byte_len(), charged: 0 };
    while let Some(from) = at.filter(|_| found.len() < limit) {
        charge.up_to(vm, from)?;
        let Some(m) = c.captures_read_at(&mut loc, s.as_str(), from) else { break };
        at = after_match(s.as_str(), m.start(), m.end());
        found.push(match_value(vm, s, re, &loc));
    }
    charge.rest(vm);
    Ok(found)
}

/// Takes the fuel for a search while it goes on, so that a long one can be ended.
struct Charge {
    bytes: usize,
    charged: usize,
}

impl Charge {
    fn up_to(&mut self, vm: &mut Vm, at: usize) -> Result<(), Stop> {
        if at - self.charged < search::STRETCH {
            return Ok(());
        }
        vm.heap.fuel.spend_on(at - self.charged);
        self.charged = at;
        vm.work(0)
    }
    fn rest(self, vm: &mut Vm) {
        vm.heap.fuel.spend_on(self.bytes - self.charged);
    }
}

// --- replacing

enum Piece<'a> {
    Text(&'a str),
    Group(usize),
    Named(&'a str),
}

/// Splits a replacement at `\0`..`\9`, `\k<name>` and `\\`; other backslashes stand for themselves.
fn parse_template(r: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut start, mut at) = (0, 0);
    let b = r.as_bytes();
    while let Some(i) = memchr::memchr(b'\\', &b[at..]).map(|i| at + i) {
        let (piece, next) = match b.get(i + 1) {
            Some(d @ b'0'..=b'9') => (Piece::Group((d - b'0') as usize), i + 2),
            Some(b'\\') => (Piece::Text("\\"), i + 2),
            Some(b'k') if b.get(i + 2) == Some(&b'<') && r[i + 3..].contains('>') => {
                let name = r[i + 3..].split('>').next().unwrap_or("");
                (Piece::Named(name), i + 4 + name.len())
            }
            _ => {
                at = i + 1;
                continue;
            }
        };
        pieces.push(Piece::Text(&r[start..i]));
        pieces.push(piece);
        start = next;
        at = next;
    }
    pieces.push(Piece::Text(&r[start..]));
    pieces
}

/// `s` with the first or all matches replaced by the template `r`.
pub fn replace(vm: &mut Vm, s: Gc<Str>, re: Gc<Record>, r: &str, all: bool) -> R {
    let c = compiled(vm, re)?;
    let pieces = parse_template(r);
    let input = s.as_str();
    let mut out = String::new();
    let mut copied = 0;
    let mut at = Some(0);
    let needs_groups = pieces.iter().any(|p| !matches!(p, Piece::Text(_) | Piece::Group(0)));
    let mut loc = c.capture_locations();
    let mut charge = Charge { bytes: input.len(), charged: 0 };
    while let Some(from) = at {
        charge.up_to(vm, from)?;
        let found = if needs_groups { c.captures_read_at(&mut loc, input, from) } else { c.find_at(input, from) };
        let Some(m) = found else { break };
        out.push_str(&input[copied..m.start()]);
        for p in &pieces {
            match p {
                Piece::Text(t) => out.push_str(t),
                Piece::Group(0) => out.push_str(m.as_str()),
                Piece::Group(i) => out.push_str(loc.get(*i).map_or("", |(a, b)| &input[a..b])),
                Piece::Named(n) => {
                    let i = c.capture_names().position(|name| name == Some(n));
                    out.push_str(i.and_then(|i| loc.get(i)).map_or("", |(a, b)| &input[a..b]));
                }
            }
        }
        super::string::check_len(vm, out.len())?;
        copied = m.end();
        at = if all { after_match(input, m.start(), m.end()) } else { None };
    }
    charge.rest(vm);
    if copied == 0 && out.is_empty() {
        return Ok(s.value());
    }
    out.push_str(&input[copied..]);
    super::string::new_string(vm, &out)
}

// --- class Regexp

fn this(vm: &mut Vm, a: &Args) -> Result<Gc<Record>, Stop> {
    match a.this().get(Kind::Regex) {
        Some(r) => Ok(r),
        None => Err(wrong_kind(vm, "Regexp method", "Regex", a.this())),
    }
}

/// Turns `(re .name s rest...)` into the String method of the same meaning.
fn flipped(vm: &mut Vm, a: &Args, name: &str, f: search::Search) -> R {
    this(vm, a)?;
    let Some(s) = a.get(0).get::<Str>(Kind::Str) else { return Err(wrong_kind(vm, name, "String", a.get(0))) };
    search::replacement_kind(vm, a, name)?;
    f(vm, s, a.this(), a.opt(1))
}

macro_rules! searching {
    ($name:literal, $f:expr, $max:expr, $doc:literal) => {
        def!($name, |vm, a| flipped(vm, a, $name, $f), 1, $max, $doc)
    };
}

#[rustfmt::skip]
pub static REGEX_METHODS: &[NativeDef] = &[
    searching!("match", search::match_first, 1, r#"(re .match s) -- The RegexMatch of the first match, or nil.
        ((#/b+/ .match "abbc") .value) => "bb""#),
    searching!("process", search::match_first, 1, r#"(re .process s) -- The RegexMatch of the first match, or nil.
        ((#/b+/ .process "abbc") .value) => "bb""#),
    searching!("match?", search::is_match, 1, r#"(re .match? s) -- Does it match anywhere?
        (#/b+/ .match? "abbc") => true"#),
    searching!("find", search::find, 1, r#"(re .find s) -- The first matched text, or nil.
        (#/b+/ .find "abbc") => "bb""#),
    searching!("find_all", search::find_all, 1, r#"(re .find_all s) -- All matched texts.
        (#/\d+/ .find_all "1 and 22") => ["1" "22"]"#),
    searching!("scan", search::find_all, 1, r#"(re .scan s) -- All matched texts.
        (#/\d+/ .scan "1 and 22") => ["1" "22"]"#),
    searching!("match_all", search::match_all, 1, r#"(re .match_all s) -- RegexMatches of all matches.
        ((#/\d+/ .match_all "1 and 22") .size) => 2"#),
    searching!("split", search::split, 2, r#"(re .split s [max]) -- The parts between matches.
        (#/,\s*/ .split "a, b,c") => ["a" "b" "c"]"#),
    searching!("replace", search::replace_first, 2, r#"(re .replace s [r]) -- The first match replaced.
        (#/b/ .replace "abb" "x") => "axb""#),
    searching!("sub", search::replace_first, 2, r#"(re .sub s [r]) -- The first match replaced.
        (#/b/ .sub "abb" "x") => "axb""#),
    searching!("replace_all", search::replace_all, 2, r#"(re .replace_all s [r]) -- All matches replaced.
        (#/b/ .replace_all "abb" "x") => "axx""#),
    searching!("gsub", search::replace_all, 2, r#"(re .gsub s [r]) -- All matches replaced.
        (#/b/ .gsub "abb" "x") => "axx""#),
    def!("source", |vm, a| Ok(this(vm, a)?.slot(PATTERN)), 0, 0, r#"(re .source) -- The pattern.
        (#/a+/i .source) => "a+""#),
    def!("flags", |vm, a| Ok(this(vm, a)?.slot(FLAGS)), 0, 0, r#"(re .flags) -- The flags, in the order imsx.
        (#/a+/i .flags) => "i""#),
];

/// `(new Regexp "pattern" ^^i ^replace "r")`.
pub fn construct_regexp(vm: &mut Vm, a: &Args) -> R {
    if a.len() != 1 {
        let m = arity_message(1, Some(1), a.len());
        return Err(vm.argument_error(&m));
    }
    for &k in a.keyword_names() {
        let name = vm.sym_name(k);
        if !matches!(name, "i" | "m" | "s" | "x" | "replace") {
            return Err(vm.argument_error(&format!("Unexpected keyword argument: {name}")));
        }
    }
    let pattern = string(vm, "Regexp", a.get(0))?;
    let flags: String = ["i", "m", "s", "x"].into_iter().filter(|f| a.flag(vm, f)).collect();
    let replacement = match a.kw(vm, "replace") {
        None | Some(Value::NIL) => None,
        Some(v) => Some(string(vm, "Regexp", v)?),
    };
    make_regex(vm, pattern, &flags, replacement)
}

fn escape(vm: &mut Vm, a: &Args) -> R {
    let t = text(vm, "escape", a.get(0))?;
    Ok(vm.str(&regex::escape(&t)))
}

#[rustfmt::skip]
pub static REGEX_STATICS: &[NativeDef] = &[
    def!("escape", escape, 1, 1, r#"(Regexp .escape s) -- A pattern that matches the text s.
        (Regex/escape "a.b") => "a\\.b""#),
];

// --- class RegexMatch

fn this_match(vm: &mut Vm, a: &Args) -> Result<Gc<Record>, Stop> {
    match a.this().get(Kind::RegexMatch) {
        Some(m) => Ok(m),
        None => Err(wrong_kind(vm, "RegexMatch method", "RegexMatch", a.this())),
    }
}

fn group_count(m: Gc<Record>) -> usize {
    (m.len() - GROUPS) / 2
}

/// Byte range of a group that took part.
fn group_range(m: Gc<Record>, i: usize) -> Option<(usize, usize)> {
    let (a, b) = (m.slot(GROUPS + i * 2).small_int(), m.slot(GROUPS + i * 2 + 1).small_int());
    if a < 0 { None } else { Some((a as usize, b as usize)) }
}

fn input<'a>(m: Gc<Record>) -> &'a str {
    m.slot(INPUT).as_str().unwrap_or("")
}

/// The matched text.
pub fn match_text<'a>(m: Gc<Record>) -> &'a str {
    group_range(m, 0).map_or("", |(a, b)| &input(m)[a..b])
}

fn group(vm: &mut Vm, m: Gc<Record>, i: usize) -> Value {
    group_range(m, i).map_or(Value::NIL, |(a, b)| vm.str(&input(m)[a..b]))
}

/// `m/i`: 0 is the whole match; nil for a group that took no part, void when there is no such group.
pub fn match_group(vm: &mut Vm, m: Gc<Record>, i: i64) -> Value {
    match usize::try_from(i) {
        Ok(i) if i < group_count(m) => group(vm, m, i),
        _ => Value::VOID,
    }
}

/// `m/name`, if it is a member of RegexMatches.
pub fn match_member(vm: &mut Vm, m: Gc<Record>, name: &str) -> Option<Value> {
    Some(match name {
        "value" => value(vm, m),
        "captures" => captures(vm, m),
        "named_captures" => named_captures(vm, m),
        "start" => m.slot(START),
        "end" => m.slot(END),
        "pre_match" => pre_match(vm, m),
        "post_match" => post_match(vm, m),
        _ => return None,
    })
}

fn value(vm: &mut Vm, m: Gc<Record>) -> Value {
    vm.str(match_text(m))
}

fn captures(vm: &mut Vm, m: Gc<Record>) -> Value {
    let groups: Vec<Value> = (1..group_count(m)).map(|i| group(vm, m, i)).collect();
    vm.array(&groups)
}

fn named_captures(vm: &mut Vm, m: Gc<Record>) -> Value {
    let map = vm.map();
    // The pattern compiled once, or there would be no match.
    if let Ok(c) = compiled(vm, m.slot(REGEX).gc()) {
        for (i, name) in c.capture_names().enumerate() {
            if let Some(name) = name {
                let (key, v) = (vm.sym(name), group(vm, m, i));
                vm.map_set(map, key, v);
            }
        }
    }
    map.value()
}

fn pre_match(vm: &mut Vm, m: Gc<Record>) -> Value {
    vm.str(&input(m)[..group_range(m, 0).map_or(0, |r| r.0)])
}

fn post_match(vm: &mut Vm, m: Gc<Record>) -> Value {
    vm.str(&input(m)[group_range(m, 0).map_or(0, |r| r.1)..])
}

fn get(vm: &mut Vm, a: &Args) -> R {
    let m = this_match(vm, a)?;
    let i = super::args::int(vm, "get", a.get(0))?;
    Ok(match_group(vm, m, i))
}

#[rustfmt::skip]
pub static MATCH_METHODS: &[NativeDef] = &[
    def!("value", |vm, a| { let m = this_match(vm, a)?; Ok(value(vm, m)) }, 0, 0, r#"(m .value) -- The matched text.
        ((#/b+/ .match "abbc") .value) => "bb""#),
    def!("captures", |vm, a| { let m = this_match(vm, a)?; Ok(captures(vm, m)) }, 0, 0, r#"(m .captures) -- The groups from 1 on; nil for those that took no part.
        ((#/(b)(x)?/ .match "abc") .captures) => ["b" nil]"#),
    def!("named_captures", |vm, a| { let m = this_match(vm, a)?; Ok(named_captures(vm, m)) }, 0, 0, r#"(m .named_captures) -- Map of the named groups.
        ((#/(?<year>\d+)/ .match "in 2024") .named_captures) => {^year "2024"}"#),
    def!("start", |vm, a| Ok(this_match(vm, a)?.slot(START)), 0, 0, r#"(m .start) -- Position of the first matched character.
        ((#/b+/ .match "abbc") .start) => 1"#),
    def!("end", |vm, a| Ok(this_match(vm, a)?.slot(END)), 0, 0, r#"(m .end) -- Position after the last matched character.
        ((#/b+/ .match "abbc") .end) => 3"#),
    def!("pre_match", |vm, a| { let m = this_match(vm, a)?; Ok(pre_match(vm, m)) }, 0, 0, r#"(m .pre_match) -- The text before the match.
        ((#/b+/ .match "abbc") .pre_match) => "a""#),
    def!("post_match", |vm, a| { let m = this_match(vm, a)?; Ok(post_match(vm, m)) }, 0, 0, r#"(m .post_match) -- The text after the match.
        ((#/b+/ .match "abbc") .post_match) => "c""#),
    def!("get", get, 1, 1, r#"(m .get i) -- Group i, 0 being the whole match; nil when it took no part, void when there is none.
        ((#/(b)c/ .match "abc") .get 1) => "b""#),
];

pub fn install(vm: &mut Vm) {
    let class = vm.classes.by_kind[Kind::Regex as usize];
    vm.add_methods(class, REGEX_METHODS);
    vm.add_statics(class, REGEX_STATICS);
    class.data().construct = Some(construct_regexp);
    // Scripts call the class by its older name, too.
    let name = vm.symbols.intern_static("Regexp");
    for ns in [vm.globals, vm.gene_ns] {
        vm.heap.namespace_set(ns, name, class.value());
    }
    let class = vm.classes.by_kind[Kind::RegexMatch as usize];
    vm.add_methods(class, MATCH_METHODS);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, s: &str) -> Vec<(usize, usize)> {
        let re = build(pattern, "").unwrap();
        Matches::new(&re, s).collect()
    }

    #[test]
    fn an_empty_match_advances_by_one_code_point() {
        assert_eq!(matches("a*", "baac"), [(0, 0), (1, 3), (3, 3), (4, 4)]);
        assert_eq!(matches("", "é"), [(0, 0), (2, 2)]);
        assert_eq!(matches("x", ""), []);
    }

    #[test]
    fn classes_have_no_set_operations() {
        assert!(build(r"[[(]", "").unwrap().is_match("["));
        assert!(build(r"[a&&b]", "").unwrap().is_match("&"));
        assert!(build(r"[^\]]", "").unwrap().is_match("a"));
        assert!(build(r"[]x]", "").unwrap().is_match("]"));
        assert!(build(r"[[:digit:]_]+$", "").unwrap().is_match("12_"));
        assert!(!build(r"[[:digit:]_]+$", "").unwrap().is_match(":"));
        assert!(build(r"\<b\>", "").unwrap().is_match("<b>"));
        assert!(build("a # [\n b", "x").unwrap().is_match("ab"));
    }

    #[test]
    fn errors_are_one_line() {
        assert_eq!(build("(", "").unwrap_err(), "unclosed group");
        assert!(build(r"(a)\1", "").unwrap_err().contains("backreferences"));
        assert!(build(r"(?=a)", "").unwrap_err().contains("look-around"));
    }

    #[test]
    fn templates_know_groups_names_and_backslashes() {
        let show = |r: &str| {
            parse_template(r)
                .iter()
                .map(|p| match p {
                    Piece::Text(t) => t.to_string(),
                    Piece::Group(i) => format!("<{i}>"),
                    Piece::Named(n) => format!("<{n}>"),
                })
                .collect::<String>()
        };
        assert_eq!(show(r"a\1b\k<n>\\1\q"), r"a<1>b<n>\1\q");
        assert_eq!(show(r"\k<open"), r"\k<open");
        assert_eq!(show("plain"), "plain");
        assert_eq!(show(r"é\0\"), r"é<0>\");
    }
}
