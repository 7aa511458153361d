//! Random damage to good sources: whatever comes out, the reader ends with forms or an error inside the text.

use bumpalo::Bump;

use crate::syntax::form::*;
use crate::syntax::{Diagnostic, Source, Stage, read, read_bytes, read_first};

const SAMPLES: [&str; 4] = [
    r##"#!/usr/bin/env gene
(fn opts [n ^width ^fill = (n * 2) ^extra...] ^intent "t" [n width fill extra]) # comment
(println (opts 5 ^z 0 ^width 2 ^fill 3) [xs... 9] {^... m ^^on ^!off ^a^b^c 1 ^a^b^d 2} {{1 2 "k" [3]}})
#< block
>#
(var m {^n {^v 1.5e3 ^w -0xff}}) (m/n/v **= 3) (./ m "n") (m .@n/<k/0>/* x) (obj .<m/n> %a... %_b `c)"##,
    r##"#"n=#{n} next=#{n + 1; .to_s} list=#{[n "q" '\u{41}']} sum=#(n + n) \#{n} #<c># #[x]"
"""  
 triple "quoted" \u0041\uD83D\uDE00
  """ #r"raw\" #r"""a"b""" #"""
 #{x} """ "\n\t\x41\q""##,
    r##"2024-05-06T10:20:30.250+02:00[Europe/Rome] 9:05 07:00[A/B] 1h30m 500ms -2d 0#dead~ beef 0!1010 0*aGk=
#/a\/b(\d)/[\1]/imsx
#/x/ 'c' '\'' 1_000 9223372036854775807 nil void true false not_found
#@a #@b (c ^k 1; d; e ^k 2) #(a b) #[1] #{^a 1} #{{1 2}}"##,
    "é数 \u{1f600}/ü/<ö> \"ß\\é\" \r\n\t,, {^größe '\u{1f600}'} #\"#{ä}\" @a/0/** \\/ a\\ b \
     .. ... /x/.m/! (import n/[p q:r] from \"m\")",
];

struct Xorshift(u64);

impl Xorshift {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % below.max(1)
    }
}

fn mutate(text: &mut Vec<char>, random: &mut Xorshift) {
    let special: Vec<char> = "()[]{}\"'`%;#^/\\.@<>!*_~ \n\r\t,:-+09exTZuré\u{1f600}\0\u{feff}".chars().collect();
    let at = random.next(text.len() + 1);
    match random.next(5) {
        0 => text.insert(at, special[random.next(special.len())]),
        1 if at < text.len() => text[at] = special[random.next(special.len())],
        2 if at < text.len() => {
            text.remove(at);
        }
        3 => text.truncate(at),
        _ => {
            let from = random.next(text.len());
            let part: Vec<char> = text.iter().skip(from).take(random.next(12)).copied().collect();
            text.splice(at..at, part);
        }
    }
}

/// Every span lies in the text, at character boundaries.
fn check_spans(text: &str, form: &Form) {
    assert!(text.get(form.span.start as usize..form.span.end as usize).is_some(), "{text}\n{form:?}");
    let props = |props: &[Prop]| {
        for prop in props {
            assert!(text.get(prop.key_span.start as usize..prop.key_span.end as usize).is_some());
            check_spans(text, &prop.value);
        }
    };
    match form.kind {
        FormKind::Array { items, .. } | FormKind::HashMap { items, .. } => {
            items.iter().for_each(|form| check_spans(text, form));
        }
        FormKind::Map { entries, .. } => props(entries),
        FormKind::Gene(gene) => {
            assert!(gene.props_at as usize <= gene.children.len());
            gene.head.iter().chain(gene.children).for_each(|form| check_spans(text, form));
            props(gene.props);
        }
        FormKind::Quote(form) => check_spans(text, form),
        FormKind::Unquote(unquote) => check_spans(text, &unquote.form),
        FormKind::Interp(parts) => parts.iter().for_each(|part| {
            if let InterpPart::Form(form) = part {
                check_spans(text, form);
            }
        }),
        FormKind::Path(parts) => assert!(parts.len() >= 2),
        FormKind::Selector(parts) => assert!(!parts.is_empty()),
        _ => {}
    }
}

fn check_text(text: &str) {
    let arena = Bump::new();
    match read(&arena, text) {
        Ok(forms) => {
            forms.iter().for_each(|form| check_spans(text, form));
            let first = read_first(&arena, text).unwrap();
            assert_eq!(first.map(|form| form.span), forms.first().map(|form| form.span));
        }
        Err(error) => {
            assert!(error.span.start as usize <= text.len() && error.span.start <= error.span.end, "{text}\n{error:?}");
            assert!(text.is_char_boundary(error.span.start as usize), "{text}\n{error:?}");
            let source = Source::new("s", text);
            let diagnostic = Diagnostic::from(error);
            assert!(diagnostic.render(&source).lines().count() >= 3);
            assert!(!diagnostic.render_data(&source, Stage::Parse, None).contains('\n'));
        }
    }
}

#[test]
fn samples_can_be_read() {
    for sample in SAMPLES {
        super::shown(sample);
        check_text(sample);
    }
}

#[test]
fn every_beginning_of_a_sample_ends_well() {
    for sample in SAMPLES {
        for (end, _) in sample.char_indices() {
            check_text(&sample[..end]);
            check_text(&sample[end..]);
        }
    }
}

#[test]
fn damaged_sources_end_well() {
    let mut random = Xorshift(0x2545_f491_4f6c_dd1d);
    for round in 0..20_000 {
        let mut text: Vec<char> = SAMPLES[round % SAMPLES.len()].chars().collect();
        for _ in 0..=random.next(4) {
            mutate(&mut text, &mut random);
        }
        check_text(&text.iter().collect::<String>());
    }
}

#[test]
fn damaged_bytes_end_well() {
    let mut random = Xorshift(7);
    for round in 0..2_000 {
        let mut content = SAMPLES[round % SAMPLES.len()].as_bytes().to_vec();
        let at = random.next(content.len());
        content[at] = random.next(256) as u8;
        let arena = Bump::new();
        if let Err(error) = read_bytes(&arena, &content) {
            let source = Source::new("s", String::from_utf8_lossy(&content));
            source.line_col(error.span.start);
        }
    }
}
