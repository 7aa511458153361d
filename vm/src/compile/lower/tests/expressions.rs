//! Literals, operators, assignment, paths, calls.

use super::*;

#[test]
fn operators_bind_by_their_level() {
    assert_body("(2 + 3 * 4)", "{(Add 2 (Mul 3 4))}");
    assert_body("(2 ** 3 ** 2)", "{(Pow 2 (Pow 3 2))}");
    assert_body("(7 - 2 - 1)", "{(Sub (Sub 7 2) 1)}");
    assert_body("(1 + 1 == 2 && 3 > 2)", "{(&& (Eq (Add 1 1) 2) (Gt 3 2))}");
    assert_body("(a or b and c || d &|& e)", "{(|| (or ?a (and ?b ?c)) (Xor ?d ?e))}");
    assert_body("(1 << 2 + 3)", "{(Shl 1 (Add 2 3))}");
    assert_body("(1 .. n - 1)", "{(range 1 (Sub ?n 1) -)}");
}

#[test]
fn comparisons_chain() {
    assert_body("(a < b)", "{(Lt ?a ?b)}");
    assert_body("(a < b + 1 <= c)", "{(chain ?a Lt (Add ?b 1) Le ?c)}");
    assert_body("(v is Int)", "{(Is ?v ?Int)}");
    assert_body("(v is (Int | String))", "{(Is ?v (type (Int | String)))}");
    assert_body("(v is (Array Int))", "{(Is ?v (type (Array Int)))}");
    assert_body("(v is (kind_of x))", "{(Is ?v (call ?kind_of ?x))}");
}

#[test]
fn operators_stand_in_front_too() {
    assert_body(
        "[(+) (*) (- 4) (/ 2) (+ 1 2 3) (/ 12 2 3)]",
        "{[0 1 (Neg 4) (Div 1 2) (Add (Add 1 2) 3) (Div (Div 12 2) 3)]}",
    );
    assert_body("[(! x) (not x) (and 1 2) (|| 1 2) (== 1 2)]", "{[(! ?x) (not ?x) (and 1 2) (|| 1 2) (Eq 1 2)]}");
    assert_body("(xs .reduce 0 +)", "{(.reduce ?xs 0 ?+)}");
    assert_body("(+ xs...)", "{(call ?+ ?xs...)}");
    assert_body("(fn + [a b] 1) (+ 1 2)", "{hoist +$ fn1; (call +$ 1 2)}");
}

#[test]
fn assignment_to_names() {
    assert_body(
        "(var x 1) (x = 2) (x += 3) (x ||= 4) (x &&= 5)",
        "{(var x 1); (= x 2); (= x (Add x 3)); (||= x 4); (&&= x 5)}",
    );
    assert_body("(y = 1) (y ++= 2)", "{(= ?y 1); (= ?y (Concat ?y 2))}");
    assert_body("(y ||= 1) (y &&= 2)", "{(or ?y (= ?y 1)); (and ?y (= ?y 2))}");
}

#[test]
fn assignment_to_members() {
    assert_body("(a/b = 1)", "{(set ?a b 1)}");
    assert_body("(a/0/-1 += 2)", "{(update Op(Add) (get ?a 0) -1 2)}");
    assert_body("(a/<k> ||= 2)", "{(update OrElse ?a <?k> 2)}");
    assert_body("(/x = 1)", "{(set $ns x 1)}");
    assert_body("($ns/x = 1)", "{(set $ns x 1)}");
}

#[test]
fn paths_read_members() {
    assert_body("a/b/0/.m/!/<c/d>", "{(get (not_nil (.m (get (get ?a b) 0))) <(get ?c d)>)}");
    assert_body("(a/b 1)", "{(call (get ?a b) 1)}");
    assert_body("[$ns/a $args/0]", "{[(get $ns a) (get ?$args 0)]}");
}

#[test]
fn visible_variables_serve_as_keys() {
    assert_body("(var i 0) a/i", "{(var i 0); (get ?a i|i)}");
    assert_body("(var i 0) [i/i a/b/i]", "{(var i 0); [(get i i|i) (get (get ?a b) i|i)]}");
    // Assignment: the last part of at least three.
    assert_body(
        "(var i 0) (a/i = 1) (a/b/i = 2) (a/i/b = 3)",
        "{(var i 0); (set ?a i 1); (set (get ?a b) i|i 2); (set (get ?a i|i) b 3)}",
    );
    assert_eq!(
        func("(class A (method m [k] /k (/items/k = 1) (/k = 2)))", 1),
        "{(get self k|k); (set (get self items) k|k 1); (set self k 2)}"
    );
    // Definitions are no variables.
    assert_body("(fn size [] 1) a/size", "{hoist size$ fn1; (get ?a size)}");
    assert_eq!(func("(var k 1) (fn f [m] m/k)", 1), "(get m k|k$)");
}

#[test]
fn arguments_keep_their_order() {
    assert_body("(f 1 ^k 2 3)", "{(call ?f 1 ^k 2 3)}");
    assert_body("(f ^k 2 1)", "{(call ?f ^k 2 1)}");
    assert_body("(f 1 ^k 2)", "{(call ?f 1 ^k 2)}");
    assert_body("(o .m 1 ^k 2 3)", "{(.m ?o 1 ^k 2 3)}");
    assert_body("(o .m ^k 2)", "{(.m ?o ^k 2)}");
}

#[test]
fn spreads_are_marked() {
    assert_body("(f xs... 1 (g) ... ^... m ^k 2)", "{(call ?f ?xs... 1 (call ?g)... ^... ?m ^k 2)}");
    assert_body("[a/b... 1]", "{[(get ?a b)... 1]}");
    assert_body("{^... m ^k 1}", "{{ ^... ?m ^k 1 }}");
    assert_error("xs...", "Invalid spread: xs...");
}

#[test]
fn methods_are_called_by_dots() {
    assert_body("(a .b; .c 1; d)", "{(call (.c (.b ?a) 1) ?d)}");
    assert_body("(.m 1)", "{(.m $ns 1)}");
    assert_body("(o .<k> 1)", "{(.<?k> ?o 1)}");
    assert_body("(o .<a/b>)", "{(.<(get ?a b)> ?o)}");
    assert_body("(o .< 1)", "{(.< ?o 1)}");
}

#[test]
fn genes_are_built_from_literal_heads() {
    assert_body("(_ 1 v)", "{(gene `_ 1 ?v)}");
    assert_body("(`point ^x v 2)", "{(gene `point ^x ?v 2)}");
    assert_body("(\"label\" v)", "{(gene \"label\" ?v)}");
    assert_body("#(f 1)", "{#(gene ?f 1)}");
    assert_body("()", "{nil}");
}

#[test]
fn literals_evaluate_to_themselves() {
    assert_body("[1 #[2] {{a 1}} #{^a 1} `(a b) `5 \"s\"]", "{[1 #[2] (hash_map ?a 1) #{ ^a 1 } `(a b) 5 \"s\"]}");
    assert_body("#\"a#{b}#{c + 1}\"", "{(interp \"a\" ?b (Add ?c 1))}");
    assert_body("%x", "{(throw (new ?RuntimeException \"unquote outside $render\"))}");
}

#[test]
fn ranges_and_assertions_have_expressions_of_their_own() {
    assert_body(
        "[(range 3) (range 1 2) (range 1 2 3) (1 .. 2)]",
        "{[(range - 3 -) (range 1 2 -) (range 1 2 3) (range 1 2 -)]}",
    );
    assert_body("(range xs...)", "{(call ?range ?xs...)}");
    assert_body("(var range 1) (range 2)", "{(var range 1); (call range 2)}");
    assert_body("(assert a) (assert a b)", "{(assert ?a); (assert ?a ?b)}");
    assert_body("(ok ?)", "{(? ?ok)}");
    assert_body("(new A 1 ^k 2)", "{(new ?A 1 ^k 2)}");
}

#[test]
fn special_names_have_their_meaning() {
    assert_body("[self $ns $ex $args]", "{[$ns $ns nil ?$args]}");
}
