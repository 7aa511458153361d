//! What the spans of forms cover.

use bumpalo::Bump;

use crate::syntax::form::*;
use crate::syntax::read;

/// The text of every form, outer ones first.
fn covered(text: &str) -> Vec<&str> {
    let arena = Bump::new();
    let forms = read(&arena, text).unwrap();
    let mut covered = Vec::new();
    forms.iter().for_each(|form| collect(text, form, &mut covered));
    covered
}

fn collect<'t>(text: &'t str, form: &Form, covered: &mut Vec<&'t str>) {
    let at = |span: Span| &text[span.start as usize..span.end as usize];
    covered.push(at(form.span));
    let props = |props: &[Prop], covered: &mut Vec<&'t str>| {
        for prop in props {
            covered.push(at(prop.key_span));
            collect(text, &prop.value, covered);
        }
    };
    match form.kind {
        FormKind::Array { items, .. } | FormKind::HashMap { items, .. } => {
            items.iter().for_each(|item| collect(text, item, covered));
        }
        FormKind::Map { entries, .. } => props(entries, covered),
        FormKind::Gene(gene) => {
            gene.head.iter().for_each(|form| collect(text, form, covered));
            props(gene.props, covered);
            gene.children.iter().for_each(|form| collect(text, form, covered));
        }
        FormKind::Quote(form) => collect(text, form, covered),
        FormKind::Unquote(unquote) => collect(text, &unquote.form, covered),
        FormKind::Interp(parts) => parts.iter().for_each(|part| {
            if let InterpPart::Form(form) = part {
                collect(text, form, covered);
            }
        }),
        FormKind::Path(parts) | FormKind::Selector(parts) => parts.iter().for_each(|part| {
            if let PathPart::Dynamic(form) = part {
                collect(text, form, covered);
            }
        }),
        _ => {}
    }
}

#[test]
fn a_form_covers_its_text() {
    for text in [
        "abc",
        "-12",
        "\"a b\"",
        "'c'",
        "#\"a\"",
        "#r\"a\"",
        "0#ab~ cd",
        "07:00[A/B]",
        "#/a/b/i",
        "\"\"\" \n \"\"\"",
        "é",
        "@a",
        "1h",
    ] {
        assert_eq!(covered(&format!(" {text} ")), [text]);
    }
}

#[test]
fn brackets_belong_to_their_form() {
    assert_eq!(covered("(a [b] ^k {{1 2}} )"), ["(a [b] ^k {{1 2}} )", "a", "k", "{{1 2}}", "1", "2", "[b]", "b"]);
    assert_eq!(covered("#[a]"), ["#[a]", "a"]);
    assert_eq!(covered("{^a 1 ^^b}"), ["{^a 1 ^^b}", "a", "1", "b", "b"]);
}

#[test]
fn a_prefix_belongs_to_its_form() {
    assert_eq!(covered("`a"), ["`a", "a"]);
    assert_eq!(covered("%_a... %(b)..."), ["%_a...", "a", "%(b)...", "(b)", "b"]);
    assert_eq!(covered("#@a b c"), ["#@a b", "a", "b", "c"]);
}

#[test]
fn a_nested_map_reaches_from_its_first_key_to_its_last_value() {
    assert_eq!(covered("{^a^b 1 ^c 2 ^a^d 3}")[1..4], ["a", "b 1 ^c 2 ^a^d 3", "b"]);
}

#[test]
fn a_chain_starts_where_it_began() {
    assert_eq!(covered("(a b; c; d)"), ["(a b; c; d)", "(a b; c", "(a b", "a", "b", "c", "d"]);
}

#[test]
fn an_embedded_form_is_told_from_its_string() {
    assert_eq!(covered("#\"x#{a}#{b c}#(d)\""), ["#\"x#{a}#{b c}#(d)\"", "a", "b c", "b", "c", "(d)", "d"]);
}

#[test]
fn two_items_of_one_token_split_it() {
    assert_eq!(covered("(v .@a/b c/d...)"), ["(v .@a/b c/d...)", "v", ".@", "@a/b", "c/d", "..."]);
}

#[test]
fn dynamic_parts_know_their_place() {
    assert_eq!(covered("a/<b/<c>>/x"), ["a/<b/<c>>/x", "b/<c>", "c"]);
    assert_eq!(covered("@<a>"), ["@<a>", "a"]);
}
