//! When the functions of a block are bound.

use super::*;

#[test]
fn module_functions_are_bound_first() {
    assert_body("(println (f)) (fn f [] 1)", "{hoist f$ fn1; (call ?println (call f$)); f$}");
    assert_body("(fn f [] 1)", "{hoist f$ fn1; f$}");
    assert_body("1 (fn f [] 1)", "{hoist f$ fn1; 1; f$}");
}

#[test]
fn local_functions_are_bound_before_their_first_use() {
    assert_eq!(
        hir("(fn o [n] (var k 1) (fn h [x] (x + k)) (h n))")[1],
        "1 Fn o [n]: {(var k 1); (var h fn2); (call h n)}"
    );
    assert_eq!(header("(fn o [n] (var k 1) (fn h [x] (x + k)) (h n))", 2), "2 Fn h [x] captures(k)");
    assert_eq!(
        hir("(fn o [n] (h n) (var k 1) (fn h [x] (x + k)))")[1],
        "1 Fn o [n] vars(k cell early checked): {cells k; hoist h fn2; (call h n); (var k 1); h}"
    );
}

#[test]
fn local_functions_may_call_themselves_and_each_other() {
    let lines = hir("(fn o [] 1 (fn f [n] (f n)) (f 1))");
    assert_eq!(lines[1], "1 Fn o vars(f cell early): {cells f; 1; (var f fn2); (call f 1)}");
    assert_eq!(lines[2], "2 Fn f [n] captures(f cell): (call f@0 n)");
    let lines = hir("(fn o [] 1 (fn f [n] (g n)) 2 (fn g [n] (f n)) (g 1))");
    assert_eq!(lines[1], "1 Fn o vars(g cell early): {cells g; 1; (var f fn2); (var g fn3); 2; (call g 1)}");
    assert_eq!(lines[2], "2 Fn f [n] captures(g cell): (call g@0 n)");
    assert_eq!(lines[3], "3 Fn g [n] captures(f): (call f@0 n)");
}

#[test]
fn a_use_through_another_function_counts() {
    // `a` is called before `b`'s place, so `b` must be there too.
    let lines = hir("(fn o [] (a) (var k 1) (fn a [] (b)) (fn b [] k))");
    assert_eq!(
        lines[1],
        "1 Fn o vars(k cell early checked, b cell early): {cells k b; hoist a fn2; hoist b fn3; (call a); (var k 1); b}"
    );
}

#[test]
fn named_functions_elsewhere_are_bound_when_they_are_reached() {
    assert_body("(var g (fn f [] (f)))", "{(var g (var f$ fn1))}");
    assert_eq!(
        hir("(fn o [] (g (fn f [] (f))))")[1],
        "1 Fn o vars(f cell early checked): {cells f; (call ?g (var f fn2))}"
    );
}

#[test]
fn blocks_have_values() {
    assert_body("(do)", "{nil}");
    assert_body("(do 1 2)", "{{1; 2}}");
    assert_body("(do 1)", "{1}");
    assert_body("", "{}");
}
