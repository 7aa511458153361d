//! 1.4.10, 1.7, 1.8: containers, properties, prefixes and chains.

use super::{check, check_error};

#[test]
fn containers() {
    check(
        "[] [1 [2]] {} {^a 1} {{}} {{1 2 [3] {^a 4}}} () (a) (a b)",
        "[] [1 [2]] {} {^a 1} {{}} {{1 2 [3] {^a 4}}} () (a) (a b)",
    );
    check("{{{{1 2}} {{}}}}", "{{{{1 2}} {{}}}}");
    check("{{{^a 1} {^b {^c 2}}}}", "{{{^a 1} {^b {^c 2}}}}");
    check("{^a {{1 2}}}", "{^a {{1 2}}}");
}

#[test]
fn immutable_containers() {
    check(
        "#[] #[1 {^a 2}] #{^x 1} #{} #{{1 2}} #(t 1 ^a 2) #()",
        "#[] #[1 {^a 2}] #{^x 1} #{} #{{1 2}} #(t 1 ^a 2) #()",
    );
    check("#[[1]] #{^a^b 1}", "#[[1]] #{^a {^b 1}}");
}

#[test]
fn properties_stand_in_one_group_anywhere_after_the_head() {
    check("(f ^a 1 ^b 2 x y)", "(f ^a 1 ^b 2 x y)");
    check("(f x ^a 1 ^b 2 y)", "(f x ^a 1 ^b 2 y)");
    check("(f x y ^a 1 # c\n ^b 2)", "(f x y ^a 1 ^b 2)");
    check_error("(f ^a 1 x ^b 2)", "1:11: properties found in wrong place");
    check_error("(f ^^a x ^b 2)", "1:10: properties found in wrong place");
    check_error("(^a 1 f)", "1:2: properties found in wrong place");
}

#[test]
fn a_property_outside_of_its_places_is_an_error() {
    check_error("^a 1", "1:1: properties found in wrong place");
    check_error("{{^a 1}}", "1:3: properties found in wrong place");
    check_error("(f `^a)", "1:5: properties found in wrong place");
    check_error("#@ ^a b", "1:4: properties found in wrong place");
}

#[test]
fn in_an_array_a_caret_begins_a_symbol() {
    check("[^a 1 ^b = 2 ^^c ^d... ^e^f ^ `^g]", "[^a 1 ^b = 2 ^^c ^d... ^e^f ^ '^g]");
    check("(fn opts [n ^width ^fill = (n * 2) ^extra...])", "(fn opts [n ^width ^fill = (n * 2) ^extra...])");
    check("[^a: Int]", "[^a: Int]");
}

#[test]
fn property_shortcuts() {
    check("{^^on ^!off}", "{^^on <true> ^!off <nil>}");
    check("(f ^^on ^!off x)", "(f ^^on <true> ^!off <nil> x)");
    check("{^a^b 1}", "{^a {^b 1}}");
    check("{^a^^b}", "{^a {^^b <true>}}");
    check("{^a^!b}", "{^a {^!b <nil>}}");
    check("{^a^b^c 1}", "{^a {^b {^c 1}}}");
}

#[test]
fn nested_properties_merge() {
    check(
        "{^^on ^!off ^net^host \"h\" ^net^port 80 ^net^^tls}",
        "{^^on <true> ^!off <nil> ^net {^host \"h\" ^port 80 ^^tls <true>}}",
    );
    check("(f ^a^b 1 ^c 2 ^a^d^e 3 ^a^d^f 4 x)", "(f ^a {^b 1 ^d {^e 3 ^f 4}} ^c 2 x)");
    check("{^a^b {^a^b 1 ^a^c {^x^y 2}} ^a^c 3}", "{^a {^b {^a {^b 1 ^c {^x {^y 2}}}} ^c 3}}");
}

#[test]
fn rest_markers_take_no_value() {
    check("{^name n ^rest...}", "{^name n ^rest...}");
    check("`(row ^more... x)", "'(row ^more... x)");
    check("{^a^rest...}", "{^a {^rest...}}");
}

#[test]
fn spread_properties_take_a_value() {
    check("{^... m ^k 1}", "{^... m ^k 1}");
    check("(f ^... a ^... b)", "(f ^... a ^... b)");
    check("{^a^... m ^a^... n}", "{^a {^... m ^... n}}");
    check_error("{^...}", "1:6: Expect value for ...");
}

#[test]
fn keys_are_taken_literally() {
    check(
        "{^if 1 ^nil 2 ^5 3 ^a/b 4 ^c\\/d 5 ^e\\ f 6 ^g: 7 ^.h 8 ^#i 9}",
        "{^if 1 ^nil 2 ^5 3 ^a/b 4 ^c/d 5 ^e f 6 ^g: 7 ^.h 8 ^#i 9}",
    );
    check("{^\\!a 1 ^b\\^c 2}", "{^!a 1 ^b^c 2}");
    check("{^a\\... 1}", "{^a... 1}");
    check("{^k(f)^l[1]}", "{^k (f) ^l [1]}");
    check("{^k\"v\"}", "{^k \"v\"}");
    check("{^acme/kit@1.0.0 {^name \"acme/kit\"}}", "{^acme/kit@1.0.0 {^name \"acme/kit\"}}");
}

#[test]
fn a_key_given_twice_is_an_error() {
    check_error("{^k 1 ^k 2}", "1:7: Duplicate key: k");
    check_error("(f ^k 1 ^^k)", "1:9: Duplicate key: k");
    check_error("{^a 1 ^a^b 2}", "1:7: Duplicate key: a");
    check_error("{^a^b 1 ^a 2}", "1:9: Duplicate key: a");
    check_error("{^a^b 1 ^a^b 2}", "1:11: Duplicate key: b");
    check_error("{^a^b 1 ^a^b^c 2}", "1:11: Duplicate key: b");
    check_error("{^a/b 1 ^a\\/b 2}", "1:9: Duplicate key: a/b");
    check_error("{^r... ^r...}", "1:8: Duplicate key: r...");
    check("{^a {^k 1} ^b {^k 2} ^c^k 3 ^k 4}", "{^a {^k 1} ^b {^k 2} ^c {^k 3} ^k 4}");
}

#[test]
fn duplicates_are_found_among_many_keys() {
    let many: String = (0..40).map(|i| format!("^k{i} (f ^k{i} {i}) ^n^k{i} {i} ")).collect();
    assert!(super::shown(&format!("{{{many}}}")).contains(" ^k38 38 ^k39 39} ^k1 (f ^k1 1) ^k2 (f"));
    let text = format!("{{{many}^k7 1}}");
    assert!(super::located(&text).ends_with(": Duplicate key: k7"));
    let text = format!("{{{many}^n^k20 1}}");
    assert!(super::located(&text).ends_with(": Duplicate key: k20"));
    check(&format!("[{{{many}}} {{^k7 1}}]"), &super::shown(&format!("[{{{many}}} {{^k7 1}}]")));
}

#[test]
fn many_nested_keys_keep_their_order() {
    let text: String = (0..30).map(|i| format!("^a{}^b{i} {i} ", i % 3)).collect();
    let expected: Vec<String> = (0..3)
        .map(|a| {
            let inner: Vec<String> = (0..30).filter(|i| i % 3 == a).map(|i| format!("^b{i} {i}")).collect();
            format!("^a{a} {{{}}}", inner.join(" "))
        })
        .collect();
    check(&format!("{{{text}}}"), &format!("{{{}}}", expected.join(" ")));
}

#[test]
fn a_key_needs_a_value() {
    check_error("{^k}", "1:4: Expect value for k");
    check_error("(f ^k)", "1:6: Expect value for k");
    check_error("(f ^k ^j 1)", "1:7: Expect value for k");
    check_error("(f ^k; g)", "1:6: Expect value for k");
    check_error("{^a^b}", "1:6: Expect value for b");
    check_error("{^a ^^b}", "1:5: Expect value for a");
}

#[test]
fn malformed_properties() {
    check_error("{^ a}", "1:3: Expect key after ^");
    check_error("(f ^)", "1:5: Expect key after ^");
    check_error("(f ^^)", "1:6: Expect key after ^");
    check_error("(f ^! x)", "1:6: Expect key after ^");
    check_error("{^^^a}", "1:4: Expect key after ^");
    check_error("{^^a^b 1}", "1:2: Invalid property: ^^a^b");
    check_error("{^!a^b 1}", "1:2: Invalid property: ^!a^b");
    check_error("{^r...^b 1}", "1:2: Invalid property: ^r...^b");
    check_error("{^^r...}", "1:2: Invalid property: ^^r...");
    check_error("{^^...}", "1:2: Invalid property: ^^...");
    check_error("{^...^a 1}", "1:6: Expect value for ...");
}

#[test]
fn a_map_holds_nothing_but_properties() {
    check_error("{a 1}", "1:2: Expect ^key in map");
    check_error("{^a 1 2}", "1:7: Expect ^key in map");
    check_error("{ {^a 1}}", "1:3: Expect ^key in map");
    check_error("{#[1]}", "1:2: Expect ^key in map");
    check_error("{`a}", "1:2: Expect ^key in map");
}

#[test]
fn a_hash_map_has_as_many_values_as_keys() {
    check_error("{{1 2 3}}", "1:8: HashMap literal requires an even number of items");
    check_error("#{{1}}", "1:5: HashMap literal requires an even number of items");
}

#[test]
fn quotes_wrap_the_next_form() {
    check("`a `(b c) `[1] `\"s\" ``x ` y", "'a '(b c) '[1] '\"s\" ''x 'y");
    check("(f `a ^k `b `c)".replace(" `c", "").as_str(), "(f 'a ^k 'b)");
    check("`(a \"s\" ^k [1 b]) `x/y `:tag", "'(a \"s\" ^k [1 b]) 'path(\"x\" \"y\") ':tag");
}

#[test]
fn unquotes_wrap_the_next_form() {
    check("%a %(b c) %_d %_(e) %%f", "~a ~(b c) ~_d ~_(e) ~~f");
    check("%a... %_a... %(b)... %a/b... %%c... %[1]...", "~a... ~_a... ~(b)... ~path(\"a\" \"b\")... ~~c... ~[1]...");
    check(
        "`(li ^id %n %(label .to_upper) [%_(print \"x\") %n] (ul %kids...))",
        "'(li ^id ~n ~(label .to_upper) [~_(print \"x\") ~n] (ul ~kids...))",
    );
    check("a%b", "a ~b");
    check("%_foo %-5 %\"s\" %`a", "~_foo ~-5 ~\"s\" ~'a");
    check("%(b) ... %c....", "~(b) ... ~c....");
}

#[test]
fn a_lone_percent_is_a_symbol() {
    check("(a % b) (%) [%] (x %= 2) % %", "(a % b) (%) [%] (x %= 2) % %");
    check("{^a %} {{1 %}}", "{^a %} {{1 %}}");
    check("%=x %_ (%_)", "~=x ~_ (~_)");
    check("(%;a)", "((%) a)");
}

#[test]
fn decorators_make_a_gene() {
    check("#@shout \"hey\"", "(shout \"hey\")");
    check("(println #@shout \"hey\")", "(println (shout \"hey\"))");
    check("#@a #@b c", "(a (b c))");
    check("#@(memo ^size 3) (fn f [])", "((memo ^size 3) (fn f []))");
    check("(x ^k #@a b)", "(x ^k (a b))");
    check("#@`a %b", "('a ~b)");
    check("#@\n a # c\n b", "(a b)");
}

#[test]
fn semicolons_chain() {
    check("(a b; c d; e)", "(((a b) c d) e)");
    check("(x; .m)", "((x) .m)");
    check("([5 1 4] .sort; .reverse; .map (fn [x] (x * 10)))", "((([5 1 4] .sort) .reverse) .map (fn [x] (x * 10)))");
    check("(a;)", "((a))");
    check("(a;;b)", "(((a)) b)");
}

#[test]
fn every_segment_of_a_chain_has_its_own_properties() {
    check("(a ^k 1 x; b ^k 2; ^j 3 c)", "(((a ^k 1 x) b ^k 2) ^j 3 c)");
    check("(a x ^k 1; b)", "((a x ^k 1) b)");
    check("(a ^x^y 1; ^x^y 2)", "((a ^x {^y 1}) ^x {^y 2})");
    check_error("(a; ^k 1 b ^j 2)", "1:12: properties found in wrong place");
}

#[test]
fn only_the_whole_of_an_immutable_chain_is_frozen() {
    check("#(a b; c)", "#((a b) c)");
}

#[test]
fn a_semicolon_outside_of_parentheses_is_an_error() {
    check_error("a; b", "1:2: Unexpected ;");
    check_error("[a; b]", "1:3: Unexpected ;");
    check_error("{^a 1; }", "1:6: Unexpected ;");
    check_error("(; a)", "1:2: Unexpected ;");
    check_error("(a `; b)", "1:5: Unexpected ;");
}
