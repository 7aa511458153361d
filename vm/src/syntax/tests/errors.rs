//! 1.11: the errors of brackets, and which of them more input could mend.

use super::{check_error, failure};

#[test]
fn an_open_bracket_is_blamed_on_its_opening() {
    check_error("(a (b)", "1:1: EOF while reading list, expected ')'");
    check_error("(a (b", "1:4: EOF while reading list, expected ')'");
    check_error("a\n [b", "2:2: EOF while reading list, expected ']'");
    check_error("{^a 1", "1:1: EOF while reading list, expected '}'");
    check_error("{{1 2", "1:1: EOF while reading list, expected '}}'");
    check_error("#(a", "1:1: EOF while reading list, expected ')'");
    check_error("#[a", "1:1: EOF while reading list, expected ']'");
    check_error("#{^a 1", "1:1: EOF while reading list, expected '}'");
    check_error("#{{1 2", "1:1: EOF while reading list, expected '}}'");
    check_error("(a; b", "1:1: EOF while reading list, expected ')'");
}

#[test]
fn a_property_cut_off_leaves_its_bracket_open() {
    for text in ["(a ^", "(a ^^", "(a ^k", "(a ^k ", "(a ^k^", "(a ^k^j"] {
        check_error(text, "1:1: EOF while reading list, expected ')'");
    }
}

#[test]
fn a_prefix_cut_off_leaves_its_bracket_open() {
    check_error("(a `", "1:1: EOF while reading list, expected ')'");
    check_error("(a #@b", "1:1: EOF while reading list, expected ')'");
    check_error("`", "1:1: EOF while reading form");
    check_error("a ``", "1:4: EOF while reading form");
    check_error("#@b", "1:1: EOF while reading form");
}

#[test]
fn a_stray_closer_is_unmatched() {
    check_error(")", "1:1: Unmatched delimiter: )");
    check_error("a\n ]", "2:2: Unmatched delimiter: ]");
    check_error("}", "1:1: Unmatched delimiter: }");
    check_error("(a ]", "1:4: Unmatched delimiter: ]");
    check_error("[a )", "1:4: Unmatched delimiter: )");
    check_error("{^a 1)", "1:6: Unmatched delimiter: )");
    check_error("{{1 2})", "1:6: Unmatched delimiter: }");
    check_error("(a `)", "1:5: Unmatched delimiter: )");
    check_error("(a #@b)", "1:7: Unmatched delimiter: )");
    check_error("(a ^k ]", "1:7: Unmatched delimiter: ]");
}

#[test]
fn a_block_comment_must_end() {
    check_error("(a #< b)", "1:4: Unterminated block comment");
    check_error("#<#", "1:1: Unterminated block comment");
    check_error("#<>", "1:1: Unterminated block comment");
    check_error("#< >>#", "1:1: Unterminated block comment");
}

#[test]
fn more_input_could_complete_an_open_form() {
    for text in [
        "(a", "[", "{^a", "{{1", "\"a", "\"\"\"", "#r\"", "#\"a", "#\"a#{", "#\"a#{b", "#/a", "#<", "`", "#@a", "(a ^",
        "\"\\", "\"\\u0", "07:00[A/",
    ] {
        assert!(failure(text).incomplete, "{text}");
    }
}

#[test]
fn more_input_mends_no_other_error() {
    for text in [")", "(a ]", "{^k}", "12ab", "'a", "#b", "{a", "(; ", "a/", "#/a/g", "\"\\xg", "(^a"] {
        assert!(!failure(text).incomplete, "{text}");
    }
}
