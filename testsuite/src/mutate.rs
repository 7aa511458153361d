//! Damages programs for the fuzzer: at the level of bytes, of tokens and of bracketed forms.
//!
//! Byte mutations find faults in the reader; token and form mutations keep enough structure to get into the compiler
//! and the VM; nesting bombs look for recursion without a limit. Everything is decided by a seed, so a finding is
//! reproduced from two numbers.

use std::ops::Range;

/// Larger results are cut: beyond this a mutation only costs time.
const MAX_LENGTH: usize = 64 * 1024;

/// Deepest pile of brackets; twice what the reader accepts (10,000 levels).
const MAX_NESTING: u64 = 20_000;

/// Bytes and pieces that mean something to the reader.
const FRAGMENTS: &[&str] = &[
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "{{",
    "}}",
    "#(",
    "#[",
    "#{",
    "#{{",
    "#<",
    ">#",
    "#\"",
    "\"",
    "\"\"\"",
    "#r\"",
    "'",
    "`",
    "%",
    "%_",
    "^",
    "^^",
    "^!",
    "...",
    ";",
    "/",
    "./",
    "@",
    "\\",
    "\\u",
    "#/",
    "0x",
    "0#",
    "0*",
    "~",
    "-",
    ".",
    "..",
    "?",
    "!",
    "$",
    "->",
    "=",
    "\u{0}",
    "\u{feff}",
    "\u{10ffff}",
    "é",
    "\r",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "140737488355328",
    "1e400",
    "nil",
    "void",
    "not_found",
    "self",
    "super",
    "yield",
    "return",
    "break",
    "continue",
    "await",
    "async",
    "spawn",
    "$caller_eval",
    "$render",
    "fn",
    "fn*",
    "class",
    "case",
    "when",
    "catch",
    "finally",
    "throw",
    "import",
    "ns",
    "enum",
    "var",
    "let",
    "for",
    "in",
    "_",
];

/// Pseudo-random numbers by splitmix64: small, seeded, and the same on every machine.
#[derive(Default, Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Rng {
        Rng(seed)
    }

    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 when `bound` is 0. The slight bias does not matter here.
    pub fn below(&mut self, bound: usize) -> usize {
        if bound == 0 { 0 } else { (self.next_u64() % bound as u64) as usize }
    }

    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.below(items.len()))
    }
}

/// A damaged copy of `source`; some mutations take parts from `other`. One to four mutations are applied.
pub fn mutate(source: &[u8], other: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut text = source.to_vec();
    for _ in 0..=rng.below(4) {
        let mutation = MUTATIONS[rng.below(MUTATIONS.len())];
        mutation(&mut text, other, rng);
        text.truncate(MAX_LENGTH);
    }
    text
}

type Mutation = fn(&mut Vec<u8>, &[u8], &mut Rng);

/// Form mutations stand twice: they are the ones that reach furthest.
const MUTATIONS: &[Mutation] = &[
    change_byte,
    insert_fragment,
    delete_bytes,
    repeat_bytes,
    delete_token,
    swap_tokens,
    replace_token,
    splice,
    delete_form,
    duplicate_form,
    swap_forms,
    transplant_form,
    delete_form,
    duplicate_form,
    swap_forms,
    transplant_form,
    wrap_form,
    wrap_form,
    rename,
    nest,
];

fn change_byte(text: &mut Vec<u8>, _other: &[u8], rng: &mut Rng) {
    let index = rng.below(text.len());
    if let Some(&byte) = text.get(index) {
        let changed = if rng.below(2) == 0 { byte ^ (1 << rng.below(8)) } else { rng.next_u64() as u8 };
        text.splice(index..=index, [changed]);
    }
}

fn insert_fragment(text: &mut Vec<u8>, _other: &[u8], rng: &mut Rng) {
    let at = rng.below(text.len() + 1);
    if let Some(fragment) = rng.pick(FRAGMENTS) {
        text.splice(at..at, fragment.bytes());
    }
}

fn delete_bytes(text: &mut Vec<u8>, _other: &[u8], rng: &mut Rng) {
    let range = small_range(text, rng);
    text.drain(range);
}

fn repeat_bytes(text: &mut Vec<u8>, _other: &[u8], rng: &mut Rng) {
    let range = small_range(text, rng);
    let times = 1 + rng.below(64);
    let piece = text[range.clone()].repeat(times);
    text.splice(range.end..range.end, piece);
}

fn small_range(text: &[u8], rng: &mut Rng) -> Range<usize> {
    let start = rng.below(text.len());
    let length = rng.below(16);
    start..(start + length).min(text.len())
}

fn delete_token(text: &mut Vec<u8>, _other: &[u8], rng: &mut Rng) {
    if let Some(token) = rng.pick(&tokens(text)) {
        text.drain(token.clone());
    }
}

fn swap_tokens(text: &mut Vec<u8>, _other: &[u8], rng: &mut Rng) {
    let tokens = tokens(text);
    swap_ranges(text, &tokens, rng);
}

fn replace_token(text: &mut Vec<u8>, other: &[u8], rng: &mut Rng) {
    let Some(token) = rng.pick(&tokens(text)).cloned() else { return };
    let replacement = match rng.pick(&tokens(other)) {
        Some(range) if rng.below(2) == 0 => &other[range.clone()],
        _ => rng.pick(FRAGMENTS).map_or(&b""[..], |fragment| fragment.as_bytes()),
    };
    text.splice(token, replacement.iter().copied());
}

/// The beginning of one program followed by the end of another, cut at tokens.
fn splice(text: &mut Vec<u8>, other: &[u8], rng: &mut Rng) {
    let cut = rng.pick(&tokens(text)).map_or(0, |token| token.start);
    let from = rng.pick(&tokens(other)).map_or(0, |token| token.start);
    text.truncate(cut);
    text.extend_from_slice(&other[from..]);
}

fn delete_form(text: &mut Vec<u8>, _other: &[u8], rng: &mut Rng) {
    if let Some(form) = rng.pick(&forms(text)) {
        text.drain(form.clone());
    }
}

fn duplicate_form(text: &mut Vec<u8>, _other: &[u8], rng: &mut Rng) {
    let forms = forms(text);
    let (Some(form), Some(place)) = (rng.pick(&forms), rng.pick(&forms)) else { return };
    let mut copy = text[form.clone()].to_vec();
    copy.push(b' ');
    text.splice(place.start..place.start, copy);
}

fn swap_forms(text: &mut Vec<u8>, _other: &[u8], rng: &mut Rng) {
    let forms = forms(text);
    swap_ranges(text, &forms, rng);
}

/// A form of the other program in place of one of this.
fn transplant_form(text: &mut Vec<u8>, other: &[u8], rng: &mut Rng) {
    let (Some(place), Some(form)) = (rng.pick(&forms(text)).cloned(), rng.pick(&forms(other)).cloned()) else { return };
    text.splice(place, other[form].iter().copied());
}

/// What a form can be put into; `@` stands for it, `&` for a form of the other program.
const WRAPPERS: &[&str] = &[
    "(do & @)",
    "(if & @ else &)",
    "((fn [] @))",
    "((fn [x = @] (return &)))",
    "((fn* [] (yield @) (yield* &)) .next)",
    "(for x in @ &)",
    "(for [a b] in & @)",
    "(while & @ (break &))",
    "(loop @ (break))",
    "(repeat 2 @)",
    "(try @ catch * & finally &)",
    "(try (throw @) catch X & catch * (throw) finally (return @))",
    "(case @ when & & when [a b...] @ else &)",
    "(await (async @))",
    "(await (spawn (@)) &)",
    "(macro m! [x] @)",
    "(m! @)",
    "`(a %@ %_@ &)",
    "(eval `@)",
    "($caller_eval @)",
    "($render `(@ %&))",
    "(class A < & (field x: Int = @) (ctor [] &) (method m [] @))",
    "(ns n @ &)",
    "(fn f [x y... ^z = @] @)",
    "(var x @)",
    "(let x @)",
    "(x = @)",
    "(@ += &)",
    "(var [a b... ^c] @)",
    "[@ &...]",
    "{^a @ ... &}",
    "{{@ &}}",
    "#[@]",
    "`(& ^a @ &)",
    "#\"a#{@}b\"",
    "(@ .map (x -> &))",
    "(@ .each (x -> @))",
    "(@ ...)",
    "(@ ?)",
    "(@ is &)",
    "(@ == &)",
    "(@ < & <= &)",
    "(@ .to_s)",
    "(@ .hash)",
    "(@ .freeze)",
    "(not @)",
    "(yield @)",
    "(return @)",
    "(super @)",
    "(@ .new &)",
    "(@ & &... ^k &)",
];

fn wrap_form(text: &mut Vec<u8>, other: &[u8], rng: &mut Rng) {
    let (Some(place), Some(wrapper)) = (rng.pick(&forms(text)).cloned(), rng.pick(WRAPPERS)) else { return };
    let others = forms(other);
    let mut wrapped = Vec::new();
    for &byte in wrapper.as_bytes() {
        match byte {
            b'@' => wrapped.extend_from_slice(&text[place.clone()]),
            b'&' => wrapped.extend_from_slice(rng.pick(&others).map_or(b"nil", |range| &other[range.clone()])),
            byte => wrapped.push(byte),
        }
    }
    text.splice(place, wrapped);
}

/// Every occurrence of one token becomes another token of the same program.
fn rename(text: &mut Vec<u8>, _other: &[u8], rng: &mut Rng) {
    let tokens = tokens(text);
    let (Some(from), Some(to)) = (rng.pick(&tokens).cloned(), rng.pick(&tokens).cloned()) else { return };
    let (from, to) = (text[from].to_vec(), text[to].to_vec());
    for token in tokens.into_iter().rev() {
        if text[token.clone()] == from[..] {
            text.splice(token, to.iter().copied());
        }
    }
}

fn swap_ranges(text: &mut Vec<u8>, ranges: &[Range<usize>], rng: &mut Rng) {
    let (Some(a), Some(b)) = (rng.pick(ranges), rng.pick(ranges)) else { return };
    let (first, second) = if a.start <= b.start { (a, b) } else { (b, a) };
    // Nested or equal ranges cannot be exchanged.
    if first.end > second.start {
        return;
    }
    let mut swapped = text[second.clone()].to_vec();
    swapped.extend_from_slice(&text[first.end..second.start]);
    swapped.extend_from_slice(&text[first.clone()]);
    text.splice(first.start..second.end, swapped);
}

/// Puts a form (or nothing) under thousands of brackets, closed or left open.
fn nest(text: &mut Vec<u8>, _other: &[u8], rng: &mut Rng) {
    const PAIRS: &[(&str, &str)] = &[
        ("(", ")"),
        ("[", "]"),
        ("{^k ", "}"),
        ("{{1 ", "}}"),
        ("(do ", ")"),
        ("(fn [] ", ")"),
        ("(if true ", ")"),
        ("(1 + ", ")"),
        ("#[", "]"),
        ("#\"#{", "}\""),
        ("`", ""),
        ("%", ""),
        ("(try ", " catch * 1)"),
        ("(async ", ")"),
        ("a/", "b"),
    ];
    // Powers of two, so that shallow piles are as frequent as deep ones.
    let depth = (1u64 << rng.below(15)).min(MAX_NESTING) as usize;
    let Some(&(open, close)) = rng.pick(PAIRS) else { return };
    let place = rng.pick(&forms(text)).cloned().unwrap_or(0..0);
    let mut piled = open.repeat(depth).into_bytes();
    piled.extend_from_slice(&text[place.clone()]);
    if rng.below(4) > 0 {
        piled.extend_from_slice(close.repeat(depth).as_bytes());
    }
    text.splice(place, piled);
}

/// The tokens of a text, roughly: brackets, strings, and runs of other characters. Blanks and comments are none.
pub fn tokens(text: &[u8]) -> Vec<Range<usize>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let start = at;
        match text[at] {
            b' ' | b'\t' | b'\r' | b'\n' | b',' => at += 1,
            b'#' if matches!(text.get(at + 1), None | Some(b' ' | b'\n' | b'#' | b'!')) => {
                while at < text.len() && text[at] != b'\n' {
                    at += 1;
                }
            }
            b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'`' | b'%' | b';' => {
                at += 1;
                tokens.push(start..at);
            }
            b'"' => {
                at += 1;
                while at < text.len() && text[at] != b'"' {
                    at += if text[at] == b'\\' { 2 } else { 1 };
                }
                at = (at + 1).min(text.len());
                tokens.push(start..at);
            }
            _ => {
                while at < text.len() && !b" \t\r\n,()[]{}`;\"".contains(&text[at]) {
                    at += 1;
                }
                tokens.push(start..at);
            }
        }
    }
    tokens
}

/// The bracketed parts of a text whose brackets match, inner ones first.
pub fn forms(text: &[u8]) -> Vec<Range<usize>> {
    let mut open: Vec<(u8, usize)> = Vec::new();
    let mut forms = Vec::new();
    for token in tokens(text) {
        let closer = match text[token.start] {
            b'(' => b')',
            b'[' => b']',
            b'{' => b'}',
            byte @ (b')' | b']' | b'}') => {
                if let Some(&(expected, start)) = open.last()
                    && expected == byte
                {
                    open.pop();
                    forms.push(start..token.end);
                }
                continue;
            }
            _ => continue,
        };
        open.push((closer, token.start));
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROGRAM: &[u8] = b"# a comment (not a form)\n(var xs [1 \"a)b\" {^k 2}])\n(println xs/0, (xs .map f))\n";

    fn texts(ranges: &[Range<usize>]) -> Vec<&str> {
        ranges.iter().map(|range| std::str::from_utf8(&PROGRAM[range.clone()]).unwrap()).collect()
    }

    #[test]
    fn tokens_leave_out_blanks_and_comments() {
        let tokens = tokens(PROGRAM);
        assert_eq!(
            texts(&tokens),
            [
                "(", "var", "xs", "[", "1", "\"a)b\"", "{", "^k", "2", "}", "]", ")", "(", "println", "xs/0", "(",
                "xs", ".map", "f", ")", ")"
            ]
        );
    }

    #[test]
    fn forms_are_the_matching_brackets() {
        let forms = forms(PROGRAM);
        assert_eq!(
            texts(&forms),
            [
                "{^k 2}",
                "[1 \"a)b\" {^k 2}]",
                "(var xs [1 \"a)b\" {^k 2}])",
                "(xs .map f)",
                "(println xs/0, (xs .map f))"
            ]
        );
    }

    #[test]
    fn unbalanced_text_has_the_forms_that_do_match() {
        assert_eq!(forms(b"(a [b) c]"), vec![Range { start: 3, end: 9 }]);
        assert!(forms(b")))(((").is_empty());
    }

    #[test]
    fn the_same_seed_gives_the_same_result() {
        let run = |seed| mutate(PROGRAM, b"(f 1)", &mut Rng::new(seed));
        assert_eq!(run(7), run(7));
        assert!((0..20).any(|seed| run(seed) != run(seed + 1)));
    }

    #[test]
    fn no_mutation_fails_on_any_text() {
        let texts: [&[u8]; 7] = [b"", b"(", b"\"", b"\"\\", b"\xff\xfe", b"a", PROGRAM];
        let mut rng = Rng::new(1);
        for mutation in MUTATIONS {
            for text in texts {
                for other in texts {
                    for _ in 0..20 {
                        let mut copy = text.to_vec();
                        mutation(&mut copy, other, &mut rng);
                    }
                }
            }
        }
    }

    #[test]
    fn results_stay_small() {
        let mut rng = Rng::new(3);
        let big = PROGRAM.repeat(500);
        for _ in 0..200 {
            assert!(mutate(&big, &big, &mut rng).len() <= MAX_LENGTH);
        }
    }

    #[test]
    fn swapping_keeps_what_is_between() {
        let mut rng = Rng::new(0);
        let mut seen_swap = false;
        for _ in 0..50 {
            let mut text = b"(a) mid (b)".to_vec();
            swap_forms(&mut text, b"", &mut rng);
            seen_swap |= text == b"(b) mid (a)";
            assert!(text == b"(b) mid (a)" || text == b"(a) mid (b)");
        }
        assert!(seen_swap);
    }

    #[test]
    fn nesting_bombs_get_deep() {
        let mut rng = Rng::new(5);
        let deepest = (0..200)
            .map(|_| {
                let mut text = b"(x)".to_vec();
                nest(&mut text, b"", &mut rng);
                text.iter().filter(|&&byte| byte == b'(').count()
            })
            .max();
        assert!(deepest > Some(10_000));
    }
}
