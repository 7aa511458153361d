//! 1.4.3, 1.4.4: strings of all kinds.

use super::{check, check_error};

#[test]
fn a_string_may_hold_anything() {
    check("\"\" \"a b\" \"a\nb\" \"é#<x># #{y} (\"", r##""" "a b" "a\nb" "é#<x># #{y} (""##);
}

#[test]
fn escapes() {
    check(r#""\n\r\t\b\f\0\e""#, r#""\n\r\t\u{8}\u{c}\0\u{1b}""#);
    check(r#""\"\\\#\q\'\é""#, r##""\"\\#q'é""##);
    check(r#""a\tb" "\u0041\u{42}" "say \"hi\"""#, r#""a\tb" "AB" "say \"hi\"""#);
    check(r#""\x41\xe9" "\u{1F600}" "\u{10ffff}""#, "\"Aé\" \"\u{1f600}\" \"\\u{10ffff}\"");
    check("\"a\\\nb\"", r#""a\nb""#);
}

#[test]
fn surrogate_halves_combine() {
    check(r#""\uD83D\uDE00\ud83d\ude01""#, "\"\u{1f600}\u{1f601}\"");
}

#[test]
fn malformed_escapes() {
    for text in [
        r#""a\u12g4""#,
        r#""a\u{}""#,
        r#""a\u{110000}""#,
        r#""a\u{1234567}""#,
        r#""a\u{12""#,
        r#""a\u{d800}""#,
        r#""a\ud83d""#,
        r#""a\ud83d\n""#,
        r#""a\ud83d\u0041""#,
        r#""a\ude00""#,
    ] {
        check_error(text, "1:3: Invalid \\u escape");
    }
    check_error(r#""a\x4g""#, "1:3: Invalid \\x escape");
    check_error(r#"#"a#{b}\xé""#, "1:8: Invalid \\x escape");
}

#[test]
fn an_open_string_is_blamed_on_its_opening() {
    check_error("(a \"b\\\"c)", "1:4: Unterminated string");
    check_error("\"\"\"a\"\"", "1:1: Unterminated string");
    check_error("(a\n #r\"b", "2:2: Unterminated string");
    check_error("#r\"\"\"a\"\"", "1:1: Unterminated string");
    check_error("#\"a#{b}c", "1:1: Unterminated string");
    check_error("\"a\\", "1:1: Unterminated string");
    check_error("\"a\\u00", "1:1: Unterminated string");
    check_error("\"a\\u{00", "1:1: Unterminated string");
    check_error("\"a\\ud83d\\", "1:1: Unterminated string");
}

#[test]
fn triple_quotes_keep_quotes() {
    check("\"\"\"say \"hi\" and ''\"\"\"", "\"say \\\"hi\\\" and ''\"");
    check("\"\"\"one\ntwo\"\"\"", "\"one\\ntwo\"");
    check("\"\"\"a\\\"\"\"\"", "\"a\\\"\"");
    check("\"\"\"\"\"\"", "\"\"");
}

#[test]
fn blank_first_and_last_lines_lose_their_blanks() {
    check("\"\"\" \t\n  a\n  b \n \t\"\"\"", "\"\\n  a\\n  b \\n\"");
    check("\"\"\"  a\n b  \"\"\"", "\"  a\\n b  \"");
    check("\"\"\"  \r\na\r\n  \"\"\"", "\"\\r\\na\\r\\n\"");
    check("\"\"\"   \"\"\"", "\"\"");
    check("\"\"\"\\t\n\\ \"\"\"", "\"\\t\\n \"");
    check("\"\"\"a\\n  \"\"\"", "\"a\\n  \"");
}

#[test]
fn plain_strings_keep_all_blanks() {
    check("\" \n \"", "\" \\n \"");
}

#[test]
fn raw_strings_are_taken_as_they_stand() {
    check(r##"#r"C:\new\table #{x}" #r"\""##, r##""C:\\new\\table #{x}" "\\""##);
    check("#r\"\"\" \n a\"b\\\n \"\"\"", "\" \\n a\\\"b\\\\\\n \"");
    check("#r\"\" #r\"\"\"\"\"\"", "\"\" \"\"");
}

#[test]
fn an_interpolated_string_without_forms_is_plain() {
    check("#\"abc\" #\"\" #\"a#<b>#c\"", "\"abc\" \"\" \"ac\"");
}

#[test]
fn interpolation() {
    check("#\"n=#{n}!\"", "text(\"n=\" n \"!\")");
    check("#\"#{n}#{m}\"", "text(n m)");
    check("#\"#{a + 1}\"", "text((a + 1))");
    check("#\"#{f ^k 1}\"", "text((f ^k 1))");
    check("#\"#{a .b; .c}\"", "text(((a .b) .c))");
    check("#\"#{a;}\"", "text(((a)))");
    check("#\"#(n + n)\"", "text((n + n))");
    check(
        "#\"n=#{n} next=#{n + 1} list=#{[n \"q\"]} sum=#(n + n) \\#{n}\"",
        "text(\"n=\" n \" next=\" (n + 1) \" list=\" [n \"q\"] \" sum=\" (n + n) \" #{n}\")",
    );
}

#[test]
fn a_hash_before_anything_else_is_text() {
    check("#\"a#b #[c] ## # #@d#\"", "\"a#b #[c] ## # #@d#\"");
}

#[test]
fn braces_inside_an_embedded_form_are_its_own() {
    check("#\"#{{^a 1}}\"", "text({^a 1})");
    check("#\"#{{{1 2}}}\"", "text({{1 2}})");
    check("#\"#{ {{1 2}} }}\"", "text({{1 2}} \"}\")");
}

#[test]
fn interpolations_nest() {
    check("#\"a#{#\"b#{c}\"}d\"", "text(\"a\" text(\"b\" c) \"d\")");
    check("#\"#{f \"}\" '\"'}\"", "text((f \"}\" char('\"')))");
}

#[test]
fn an_escape_in_an_embedded_string_stays_there() {
    check(r##"#"[#{f "x\"y"}]""##, r##"text("[" (f "x\"y") "]")"##);
}

#[test]
fn comments_in_interpolated_strings_contribute_nothing() {
    check("#\"a#< b # \" >#c#{d # e\n}f\"", "text(\"ac\" d \"f\")");
    check_error("(a #\"b #<c\")", "1:8: Unterminated block comment");
}

#[test]
fn triple_quoted_interpolation() {
    check("#\"\"\"  \n a \"#{b}\"\n  \"\"\"", "text(\"\\n a \\\"\" b \"\\\"\\n\")");
    check("#\"\"\"#{a}  \"\"\"", "text(a \"  \")");
    check("#\"\"\"a\n#{b}  \"\"\"", "text(\"a\\n\" b \"  \")");
    check("#\"\"\"\n  #<c>#\"\"\"", "\"\\n  \"");
    check("#\"\"\"a\n  \"\"\"", "\"a\\n\"");
}

#[test]
fn wrong_embedded_forms() {
    check_error("#\"a#{}\"", "1:4: Expect form in #{}");
    check_error("#\"a#{b", "1:4: EOF while reading list, expected '}'");
    check_error("#\"a#(b", "1:5: EOF while reading list, expected ')'");
    check_error("#\"a#{b)", "1:7: Unmatched delimiter: )");
    check_error("#\"a#{^b 1}", "1:6: properties found in wrong place");
}
