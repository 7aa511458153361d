//! Binding patterns and case patterns.

use super::*;

#[test]
fn binding_patterns() {
    assert_body("(var [a [b _] rest... last] e)", "{(var [a [b _] rest... last] ?e)}");
    assert_body("(var [x = 10 y: Int = x _...] e)", "{(var [x=10 y:Int=x _...] ?e)}");
    assert_body(
        "(var {^name who ^tags [t more ...] ^age (= years 0) ^rest...} e)",
        "{(var {^name who ^tags [t more...] ^age years=0 rest...} ?e)}",
    );
    assert_body("(let [^id kind = 1 ^k = 2 ^more...] e)", "{(var [^id:id kind=1 ^k:k=2 ^more...] ?e)}");
}

#[test]
fn pattern_variables_are_captured_like_others() {
    assert_eq!(header("(fn f [[a b]] (fn [] (a = b)))", 2), "2 Fn <fn> captures(a cell, b)");
}

fn case(pattern: &str) -> String {
    let text = body(&format!("(case v when {pattern} 1)"));
    let text = text.strip_prefix("{(case ?v when ").and_then(|text| text.strip_suffix(")}"));
    let text = text.map(str::to_owned).unwrap_or_default();
    text.strip_suffix(" then 1").or(text.strip_suffix(" then {1}")).map(str::to_owned).unwrap_or(text)
}

#[test]
fn patterns_at_the_top() {
    assert_eq!(case("_"), "_");
    assert_eq!(case("5"), "5");
    assert_eq!(case("nil"), "nil");
    assert_eq!(case("Int"), "(unit Int ?Int)");
    assert_eq!(case("None"), "(equal ?None)");
    assert_eq!(case("a/b"), "(value (get ?a b))");
    assert_eq!(case("(4 .. 9)"), "(value (range 4 9 -))");
    assert_eq!(case("#/a/"), "(value #/a/)");
    assert_eq!(case("(is Int n)"), "(is ?Int:n)");
    assert_eq!(case("(is (Int | String))"), "(is (type (Int | String)))");
    assert_eq!(case("(as all [_ _])"), "(as all [ _ _])");
    assert_eq!(case("(or 1 2)"), "(or 1 2)");
    assert_eq!(case("(or [1 x] [x 2])"), "(or [ 1 bind x] [ bind x 2])");
    assert_eq!(case("(not 1)"), "(not 1)");
    assert_eq!(case("%x"), "(equal ?x)");
    assert_eq!(case("`sym"), "`sym");
    assert_eq!(case("(println 3)"), "(value (call ?println 3))");
    assert_eq!(case("\"s\" if a"), "\"s\" if ?a");
    assert_eq!(body("(var x 1) (case v when x 2)"), "{(var x 1); (case ?v when (unit x x) then 2)}");
}

#[test]
fn patterns_inside_others() {
    assert_eq!(case("[a _ \"s\" %x rest... Up]"), "[ bind a _ \"s\" (equal ?x) rest... (unit_or_bind Up Up)]");
    assert_eq!(case("[_... a]"), "[ _... bind a]");
    assert_eq!(case("{^a 1 ^b {^c x} ^rest...}"), "{ ^a 1 ^b { ^c bind x} rest...}");
    assert_eq!(case("`(add a 1 rest...)"), "(gene add bind a 1 rest...)");
    assert_eq!(case("`(_ ^unit \"km\" ^o... n)"), "(gene _ ^unit \"km\" ^o... bind n)");
    assert_eq!(case("`(%t (neg a) (or 1 2) `(x))"), "(gene %?t (gene neg bind a) (or 1 2) (gene x))");
    assert_eq!(case("[(1 .. 2) a/b]"), "[ (value (range 1 2 -)) (value (get ?a b))]");
}

#[test]
fn variants() {
    assert_eq!(case("(Ok x)"), "(variant Ok at ?Ok bind x)");
    assert_eq!(case("(Err \"e\")"), "(variant Err at ?Err \"e\")");
    assert_eq!(case("(e/V x)"), "(variant V at (get ?e V) bind x)");
    let source = |pattern: &str| {
        body(&format!("(enum T Leaf (Node l r)) (case v when {pattern} 1)"))
            .split_once("when ")
            .map(|(_, text)| text.split(" then").next().unwrap_or_default().to_owned())
            .unwrap_or_default()
    };
    assert_eq!(source("Leaf"), "(unit Leaf)");
    assert_eq!(source("T/Leaf"), "(value (get T$ Leaf))");
    assert_eq!(source("(Node Leaf x)"), "(variant Node (unit_or_bind Leaf Leaf) bind x)");
    assert_eq!(source("(Node ^r x)"), "(variant Node ^r bind x)");
    assert_eq!(source("(T/Node a b)"), "(variant Node at (get T$ Node) bind a bind b)");
}

#[test]
fn enums_keep_fields_and_types() {
    assert_body(
        "(enum Signal:T off (Level db: Int) (Pair left right: T))",
        "{(var Signal$ (enum Signal off Level(db:Int) Pair(left right:T)))}",
    );
    assert_body("(enum E ^values [a b])", "{(var E$ (enum E a b))}");
}
