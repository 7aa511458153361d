//! 1.5, 1.6, 17.1: symbols, paths and selectors.

use bumpalo::Bump;

use super::{check, check_error, show};
use crate::syntax::form::Span;
use crate::syntax::{dynamic_method, read};

#[test]
fn symbols_keep_their_markers() {
    check(
        "name! name* name? $name :name name: xs... Name:T:U _ ... ..",
        "name! name* name? $name :name name: xs... Name:T:U _ ... ..",
    );
    check(
        "a.b a-b a+b + - * ** ++ && || &|& <= == != -> => . ! ? @ @@",
        "a.b a-b a+b + - * ** ++ && || &|& <= == != -> => . ! ? @ @@",
    );
    check(".m .m? .5 .+ .< .<= .<< (x .m 1)", ".m .m? .5 .+ .< .<= .<< (x .m 1)");
    check("größe 数 a#b a^b x'y", "größe 数 a#b a^b x'y");
}

#[test]
fn an_escape_takes_the_next_character_literally() {
    check("a\\/b a\\ b \\(x\\) \\5 \\é\\\\ \\; a\\\nb", "a/b a b (x) 5 é\\ ; a\nb");
    check("\\. \\@a \\^b \\%c \\'d", ". @a ^b %c 'd");
    check_error("(a b\\", "1:5: Incomplete escape at end of input");
    check_error("(a ^b\\", "1:6: Incomplete escape at end of input");
}

#[test]
fn slash_operators_are_symbols() {
    check("(a / b) (x /= 2) (v ./ 0) (/ 1 2) \\/", "(a / b) (x /= 2) (v ./ 0) (/ 1 2) /");
}

#[test]
fn paths() {
    check(
        "a/b $args/0/.to_i a/-1 $ns/x",
        "path(\"a\" \"b\") path(\"$args\" 0 .to_i) path(\"a\" -1) path(\"$ns\" \"x\")",
    );
    check("/x /0 /.m /x/! /!", "path(self \"x\") path(self 0) path(self .m) path(self \"x\" !) path(self !)");
    check("math/* a/** b/@", r#"path("math" "*") path("a" "**") path("b" "@")"#);
    check("c/+ d/- e/<= f/<", r#"path("c" "+") path("d" "-") path("e" "<=") path("f" "<")"#);
    check("g/1x h/a.b i/$x", r#"path("g" "1x") path("h" "a.b") path("i" "$x")"#);
    check(
        "n/f:g x/y: `a/b a/nil nil/a",
        "path(\"n\" \"f:g\") path(\"x\" \"y:\") 'path(\"a\" \"b\") path(\"a\" \"nil\") path(\"nil\" \"a\")",
    );
    check("(a/.size + 1) {^k a/b}", "(path(\"a\" .size) + 1) {^k path(\"a\" \"b\")}");
}

#[test]
fn escapes_in_paths() {
    check(
        "a\\/b/c a/\\0 a/\\! a/\\.m a/\\<b> a/.m\\/n",
        "path(\"a/b\" \"c\") path(\"a\" \"0\") path(\"a\" \"!\") path(\"a\" \".m\") path(\"a\" \"<b>\") path(\"a\" .m/n)",
    );
}

#[test]
fn dynamic_parts() {
    check("a/<b> d/<key>/x", "path(\"a\" <b>) path(\"d\" <key> \"x\")");
    check("a/<b/c> a/</i>", "path(\"a\" <path(\"b\" \"c\")>) path(\"a\" <path(self \"i\")>)");
    check("a/<b/<c>/0>/<d>", "path(\"a\" <path(\"b\" <c> 0)> <d>)");
    check("a/<b\\>c> a/<b\\/c> a/<nil>", "path(\"a\" <b>c>) path(\"a\" <b/c>) path(\"a\" <<nil>>)");
    check("/<x>", "path(self <x>)");
}

#[test]
fn wrong_paths() {
    for path in ["a//b", "a/", "//", "//a", ".m/x", "./x", "../x", "a/.", "a/..", "a/...x", "<a>/b"] {
        check_error(&format!("(f {path})"), &format!("1:4: Invalid path: {path}"));
    }
    for path in [
        "a/<b", "a/<>", "a/<b>c", "a/<b/>", "a/<0>", "a/<.m>", "a/<b>>", "a/<<b>>", "a/.<b>", "a/</>", "a/<b/",
        "a/<@b>",
    ] {
        check_error(&format!("(f {path})"), &format!("1:4: Invalid path: {path}"));
    }
    check_error("a/<b c>", "1:1: Invalid path: a/<b");
    check_error("x/99999999999999999999", "1:3: Integer literal out of range");
}

#[test]
fn a_path_before_an_array_may_end_in_a_slash() {
    check("(import n/f:g n/[p q:r] from \"m\")", "(import path(\"n\" \"f:g\") path(\"n\" \"\") [p q:r] from \"m\")");
    check("(import a/b/[c])", "(import path(\"a\" \"b\" \"\") [c])");
    check_error("(import n/ [p])", "1:9: Invalid path: n/");
}

#[test]
fn a_spread_path_is_followed_by_its_marker() {
    check(
        "(f a/b... 1) [a/0...] [x/.items... @a...]",
        "(f path(\"a\" \"b\") ... 1) [path(\"a\" 0) ...] [path(\"x\" .items) ... sel(\"a\") ...]",
    );
    check("#\"#{f a/b...}\"", "text((f path(\"a\" \"b\") ...))");
    check("[1]... (f (g)...)", "[1] ... (f (g) ...)");
    check_error("{^k a/b...}", "1:5: Invalid path: a/b...");
    check_error("`a/b...", "1:2: Invalid path: a/b...");
}

#[test]
fn selectors() {
    check("@a/0/b @a @0 @-1 @!", "sel(\"a\" 0 \"b\") sel(\"a\") sel(0) sel(-1) sel(!)");
    check(
        "@rows/*/t/* @opt/** @rows/*/v/@/0 @a/**/@@ @*",
        "sel(\"rows\" * \"t\" *) sel(\"opt\" **) sel(\"rows\" * \"v\" @ 0) sel(\"a\" ** @@) sel(*)",
    );
    check("@items/<i>/n @<i> @items/<a/*>", "sel(\"items\" <i> \"n\") sel(<i>) sel(\"items\" <path(\"a\" \"*\")>)");
    check("@a\\/b/c @a/.m @/x".strip_suffix(" @/x").unwrap(), "sel(\"a/b\" \"c\") sel(\"a\" .m)");
    check("(@ \"opt\" ** @@)", "(@ \"opt\" ** @@)");
    check("@@@", "sel(@@)");
}

#[test]
fn wrong_selectors() {
    for selector in ["@/a", "@a/", "@a//b", "@a/<b", "@a/<>", "@a/<b>c", "@.", "@<a>b"] {
        check_error(&format!("(f {selector})"), &format!("1:4: Invalid selector: {selector}"));
    }
    check_error("@a/[b]", "1:1: Invalid selector: @a/");
}

#[test]
fn a_method_selector_is_two_items() {
    check(
        "(v .@a/b) (v .@ p1 p2) (.@a) (v; .@a/0)",
        "(v .@ sel(\"a\" \"b\")) (v .@ p1 p2) (.@ sel(\"a\")) ((v) .@ sel(\"a\" 0))",
    );
    check("#\"#{v .@a}\"", "text((v .@ sel(\"a\")))");
    for text in [".@a", "[.@a]", "`.@a", "{^k .@a}", "(f ^k .@a)"] {
        let col = text.find('.').unwrap() + 1;
        check_error(text, &format!("1:{col}: Invalid symbol: .@a"));
    }
    check_error("(v .@a/)", "1:5: Invalid selector: @a/");
}

#[test]
fn dynamic_method_names_are_symbols() {
    check("(t .<m>) (t .<a/b> 1) (t .</x>) (t .<a\\>b>)", "(t .<m>) (t .<a/b> 1) (t .</x>) (t .<a\\>b>)");
    check_error("(t .<m)", "1:4: Invalid symbol: .<m");
    check_error("(t .<>)", "1:4: Invalid symbol: .<>");
    check_error("(t .<a b>)", "1:4: Invalid symbol: .<a");
    check_error("(t .<a/>)", "1:6: Invalid path: a/");
    check_error("(t .<a//b>)", "1:6: Invalid path: a//b");
}

#[test]
fn the_form_in_a_dynamic_method_name_can_be_read() {
    let arena = Bump::new();
    let inside = |name| {
        dynamic_method(&arena, name, Span::new(10, 20)).map(|form| form.map(|form| (show::form(&form), form.span)))
    };
    assert_eq!(inside(".<m>"), Some(Ok(("m".into(), Span::new(12, 13)))));
    assert_eq!(inside(".<a/0>"), Some(Ok(("path(\"a\" 0)".into(), Span::new(12, 15)))));
    assert_eq!(inside(".<a\\/b>"), Some(Ok(("a/b".into(), Span::new(12, 16)))));
    for name in [".m", ".<", ".<=", ".<<", ".<>", "<m>"] {
        assert_eq!(inside(name), None, "{name}");
    }
    assert_eq!(inside(".<a b>").map(|form| form.is_err()), Some(true));
}

#[test]
fn every_name_is_copied_out_of_the_text() {
    let arena = Bump::new();
    let forms = {
        let text = String::from("(a b/c ^k \"s\" #/r/ 0#ff 07:00[A/B] #\"t#{u}\" @v .<w>)");
        read(&arena, &text).unwrap()
    };
    assert_eq!(
        show::forms(&forms),
        "(a path(\"b\" \"c\") ^k \"s\" regex(r;) bytes:ff 07:00[A/B] text(\"t\" u) sel(\"v\") .<w>)"
    );
}
