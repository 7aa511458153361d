//! 1.1 to 1.4: text, comments, and the literals that are no strings.

use bumpalo::Bump;

use super::{check, check_error};
use crate::syntax::{read_bytes, read_first};

#[test]
fn an_empty_text_has_no_forms() {
    check("", "");
    check(" \t\r\n,,", "");
    check("# only a comment", "");
    assert!(read_first(&Bump::new(), " # nothing").unwrap().is_none());
}

#[test]
fn commas_and_line_ends_are_blanks() {
    check("1,2\t3\r\n4\r5\n6", "1 2 3 4 5 6");
    check("(println [3,4 , 5])", "(println [3 4 5])");
}

#[test]
fn other_white_space_belongs_to_names() {
    check("a\u{a0}b c\u{b}d", "a\u{a0}b c\u{b}d");
}

#[test]
fn a_byte_order_mark_is_skipped() {
    check("\u{feff}1", "1");
    check("\u{feff}#!/usr/bin/env gene\n1", "1");
}

#[test]
fn an_interpreter_line_is_a_comment() {
    check("#!/usr/bin/env gene run\n(a)", "(a)");
}

#[test]
fn line_comments_end_with_the_line() {
    check("1 # two\n3 ## four\r5 #! six\r\n7 #\n8 #\t9\n#", "1 3 5 7 8");
    check("(a # b)\n c)", "(a c)");
}

#[test]
fn block_comments_span_lines_and_do_not_nest() {
    check("1 #< 2\n3 >#4", "1 4");
    check("#< a #< b ># c", "c");
    check("#<>#1", "1");
    check("#< >># still ># 1", "1");
    check("(a #< ) ># b)", "(a b)");
    check("{#< x >#^a 1 # y\n}", "{^a 1}");
}

#[test]
fn a_hash_inside_a_token_is_no_comment() {
    check("a#b c# d", "a#b c# d");
}

#[test]
fn numbers_and_signs() {
    check("1 -5 +5 - 5 0xff 1_000 1.5 -1e3 1.", "1 -5 5 - 5 255 1000 1.5 -1000.0 1.0");
    check("+x -x a-b a+b --5 -.5 .5", "+x -x a-b a+b --5 -.5 .5");
    check("(1 .. 4)", "(1 .. 4)");
    check("[1\"a\"2(b)3`c 4%d;5]".replace(';', ",").as_str(), "[1 \"a\" 2 (b) 3 'c 4 ~d 5]");
}

#[test]
fn wrong_numbers() {
    check_error("(a 12ab)", "1:4: Invalid number: 12ab");
    check_error("1..4", "1:1: Invalid number: 1..4");
    check_error("1#x", "1:1: Invalid number: 1#x");
    check_error("-5/x", "1:1: Invalid number: -5/x");
    check_error("5x\\ y", "1:1: Invalid number: 5x\\ y");
    check_error("5\\", "1:1: Invalid number: 5\\");
    check_error("[9223372036854775808]", "1:2: Integer literal out of range");
}

#[test]
fn constants() {
    check("nil void true false not_found", "<nil> <void> <true> <false> <not_found>");
    check("\\nil nils :nil nil: nil...", "nil nils :nil nil: nil...");
}

#[test]
fn characters() {
    check(
        "'a' 'é' '\u{1f600}' '\\n' '\\'' '\"' '(' ' '",
        "char('a') char('é') char('\u{1f600}') char('\\n') char('\\'') char('\"') char('(') char(' ')",
    );
    check(
        "'\\u0041' '\\u{1F600}' '\\uD83D\\uDE00' '\\x41' '\\\\'",
        "char('A') char('\u{1f600}') char('\u{1f600}') char('A') char('\\\\')",
    );
    check("x' don't ('a')", "x' don't (char('a'))");
}

#[test]
fn a_character_literal_holds_exactly_one_character() {
    check_error("'ab'", "1:3: Expected closing ' in character literal");
    check_error("''", "1:2: Expected closing ' in character literal");
    check_error("(x 'a", "1:4: Expected closing ' in character literal");
    check_error("'", "1:1: Expected closing ' in character literal");
    check_error("'\\", "1:1: Expected closing ' in character literal");
    check_error("'e\u{301}'", "1:3: Expected closing ' in character literal");
    check_error("'\\xg0'", "1:2: Invalid \\x escape");
}

#[test]
fn bytes() {
    check("0#dead~beef 0!1010 0*aGk= 0xff", "bytes:deadbeef bytes:0a bytes:6869 255");
    check("[0#de~ \n ad]", "[bytes:dead]");
    check_error("(f 0#)", "1:4: Invalid bytes literal: 0#");
    check_error("0*a", "1:1: Invalid base64: 0*a");
    check_error("-0#ff", "1:1: Invalid number: -0#ff");
}

#[test]
fn dates_and_times() {
    check("2024-05-06 9:05 23:59:59.5", "2024-05-06 09:05 23:59:59.500000");
    check("2024-05-06T10:20:30.250+02:00", "2024-05-06T10:20:30.250000+120");
    check("2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z");
    check("2024-01-01T00:00", "2024-01-01T00:00");
    check("[2024-05-06[1]]", "[2024-05-06 [1]]");
}

#[test]
fn a_zone_name_stands_in_brackets() {
    check("07:00[Europe/Rome]", "07:00[Europe/Rome]");
    check("(a 07:00Z[Etc/UTC])", "(a 07:00Z[Etc/UTC])");
    check("2024-05-06T10:20+02:00[Europe/Rome] x", "2024-05-06T10:20+120[Europe/Rome] x");
}

#[test]
fn wrong_dates_and_times() {
    check_error("(a 2024-13-01)", "1:9: Invalid month: 13");
    check_error("2024-02-30", "1:9: Invalid day: 30");
    check_error("24-01-02", "1:1: Date literal requires 4-digit year, got: 24");
    check_error("10:61", "1:4: Invalid minute: 61");
    check_error("-10:00", "1:1: Invalid number: -10:00");
    check_error("07:00[Foo]", "1:7: IANA timezone name must contain '/': Foo");
    check_error("07:00[]", "1:7: IANA timezone name must contain '/': ");
    check_error("[07:00[1 2]]", "1:8: IANA timezone name must contain '/': 1");
    check_error("07:00[a/b c]", "1:7: Invalid timezone name: a/b");
    check_error("07:00[a/b]x", "1:7: Invalid timezone name: a/b");
    check_error("07:00[a/é]", "1:7: Invalid timezone name: a/é");
    check_error("07:00[a/b", "1:6: EOF while reading list, expected ']'");
    check_error("2024-05-06T10:20[Europe/Rome]", "1:17: Datetime literal requires Z or an offset before [name]");
}

#[test]
fn durations() {
    check("500ms 2s 1.5s 1h30m -2d", "500000us 2000000us 1500000us 5400000000us -172800000000us");
    check_error("(a 1m1h)", "1:4: Invalid duration: 1m1h");
    check_error("+2d", "1:1: Invalid number: +2d");
}

#[test]
fn regexes() {
    check("#/a+/ #/a\\/b\\d/im #//", "regex(a+;) regex(a/b\\d;im) regex(;)");
    check("#/\\d\\\\d\\./", "regex(\\d\\d\\.;)");
    check("#/x/xsmi (#/a/ b)", "regex(x;imsx) (regex(a;) b)");
    check("#/a b\nc/x", "regex(a b\nc;x)");
    check("#/a\"(`/", "regex(a\"(`;)");
}

#[test]
fn a_regex_replacement_ends_at_another_slash() {
    check("#/(\\d)/[\\1]/", "regex((\\d) -> [\\1];)");
    check("#/a/b/i", "regex(a -> b;i)");
    check("#/a/i/", "regex(a -> i;)");
    check("#/a//", "regex(a -> ;)");
    check("#/a/b\\/c\\\\d\\n/", "regex(a -> b/c\\d\\n;)");
    check("[#/a/)x/]", "[regex(a -> )x;)]");
}

#[test]
fn a_replacement_needs_its_slash_before_a_blank() {
    check("(#/a/i / b)", "(regex(a;i) / b)");
    check("(#/a/\n/b)", "(regex(a;) path(self \"b\"))");
    check("(f #/,\\s*/) a/b", "(f regex(,\\s*;)) path(\"a\" \"b\")");
}

#[test]
fn flags_closed_by_brackets_are_no_replacement() {
    check("#\"#{#/a/i}/b\"", "text(regex(a;i) \"/b\")");
    check("#\"#{(s .m #/a/)}/b\"", "text((s .m regex(a;)) \"/b\")");
}

#[test]
fn wrong_regexes() {
    check_error("(a #/bc", "1:4: Unterminated regex");
    check_error("#/a\\/", "1:1: Unterminated regex");
    check_error("#/a/g", "1:5: Invalid regex flag: g");
    check_error("#/a/ié", "1:6: Invalid regex flag: é");
    check_error("[#/a/,#/b/]", "1:9: Invalid regex flag: b");
}

#[test]
fn an_unknown_dispatch_character_is_an_error() {
    check_error("(a #b)", "1:4: Invalid dispatch character: #b");
    check_error("#é", "1:1: Invalid dispatch character: #é");
    check_error("#,", "1:1: Invalid dispatch character: #,");
    check_error("#)", "1:1: Invalid dispatch character: #)");
    check_error("#rx", "1:1: Invalid dispatch character: #r");
    check_error("{#x}", "1:2: Expect ^key in map");
}

#[test]
fn invalid_utf8_is_an_error_at_its_first_byte() {
    let arena = Bump::new();
    assert_eq!(read_bytes(&arena, "(é)".as_bytes()).unwrap().len(), 1);
    for (content, at) in [(&b"(a \xff)"[..], 3), (b"\"ab\xc3", 3), (b"\xed\xa0\x80", 0), (b"a\xf0\x9f\x98", 1)] {
        let error = read_bytes(&arena, content).unwrap_err();
        assert_eq!((error.message.as_str(), error.span.start), ("Invalid UTF-8 byte sequence", at));
    }
}

#[test]
fn read_first_looks_at_nothing_behind_the_first_form() {
    let arena = Bump::new();
    for text in ["(a b) )", "(a b) \"", "(a b)(", "(a b);"] {
        let form = read_first(&arena, text).unwrap().unwrap();
        assert_eq!((form.span.start, form.span.end), (0, 5));
    }
    assert!(read_first(&arena, "(a").is_err());
}
