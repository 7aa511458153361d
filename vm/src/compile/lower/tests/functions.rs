//! Parameters, metadata, macros.

use super::*;

#[test]
fn parameters_of_every_kind() {
    assert_eq!(
        header("(fn f [a b = a rest... last ^k ^w: Int = k ^o...] 1)", 1),
        "1 Fn f [a b=a rest... last ^k ^w:Int=k ^o...] vars(w:Int)"
    );
    assert_eq!(header("(fn f [a ... b] 1)", 1), "1 Fn f [a... b]");
    assert_eq!(header("(fn f [xs...: Int _] 1)", 1), "1 Fn f [xs...:Int _]");
    assert_eq!(hir("(fn f [[x y] {^k z} = d] (x + z))")[1], "1 Fn f [_~[x y] _~{^k z }=?d]: (Add x z)");
}

#[test]
fn defaults_see_the_parameters_before_them() {
    assert_eq!(header("(fn f [^k a = k] a)", 1), "1 Fn f [^k a=?k]");
    assert_eq!(header("(fn f [a = b b] a)", 1), "1 Fn f [a=?b b]");
    assert_eq!(header("(fn f [a b = (fn [] a)] a)", 1), "1 Fn f [a b=fn2]");
}

#[test]
fn lambdas_and_anonymous_functions() {
    assert_body("[(x -> x 1) (_ -> 2) (fn [] 3) (fn* [] (yield 1))]", "{[fn1 fn2 fn3 fn4]}");
    assert_eq!(hir("(x -> x 1)")[1], "1 Fn <fn> [x]: {x; 1}");
    assert_eq!(hir("(fn* [] (yield))")[1], "1 Fn <fn> generator: (yield)");
    assert_eq!(hir("(fn ^^generator [a] (yield a))")[1], "1 Fn <fn> generator [a]: (yield a)");
    assert_eq!(hir("(fn g* [a] (yield* a))")[1], "1 Fn g* generator [a]: (yield* a)");
    assert_eq!(hir("(fn f [])")[1], "1 Fn f: nil");
}

#[test]
fn types_and_contracts() {
    assert_eq!(
        hir(
            "(fn shrink:T [n: Int by: T] -> (Int | Nil) ! [io] ^pre [(n > 0) (by < n)] ^post [(result >= 0)] (n - by))"
        )[1],
        "1 Fn shrink [n:Int by:T] -> (Int | Nil) vars(n:Int, by:T) pre\"(n > 0)\" (Gt n 0) pre\"(by < n)\" (Lt by n) \
         post\"(result >= 0)\" (Ge result 0): (Sub n by)"
    );
    // Conditions do not see the body's variables.
    assert_eq!(hir("(fn f [] ^pre [x] (var x 1))")[1], "1 Fn f pre\"x\" ?x: {(var x 1)}");
}

#[test]
fn functions_may_be_members() {
    assert_body("(fn a/f [] 1)", "{(set ?a f fn1)}");
    assert_body("(fn $ns/f [] 1) (f)", "{hoist f$ fn1; (call f$)}");
    assert_body("(fn /f [] 1) (f)", "{hoist f$ fn1; (call f$)}");
    assert_eq!(hir("(fn a/f [] 1)")[1], "1 Fn f: 1");
}

#[test]
fn macros_get_their_arguments_as_data() {
    let lines = hir("(var x 1) (fn m! [e] ($caller_eval e)) (m! (x + 1) ^k x)");
    assert_eq!(lines[0], "0 Module <module>: {hoist m!$ fn1; (var x$ 1); (macro m!$ `[(x + 1) ^k x]{m!$ x$})}");
    assert_eq!(lines[1], "1 Macro m! [e]: (caller_eval e caller environment)");
}

#[test]
fn a_macro_call_sees_every_variable() {
    let lines = hir("(fn f [a] (var b 1) (do (let a 2) (m! a)) (var c 3))");
    assert_eq!(
        lines[1],
        "1 Fn f [a] vars(b cell, a cell): {(var b 1); {(var a#3 2); (macro ?m! `[a]{a#3! b f$})}; (var c 3)}"
    );
    let lines = hir("(class A (method m [x] (fn [] (try 1 catch * (m! 1)))))");
    assert_eq!(
        lines[2],
        "2 Fn <fn> captures(x cell, self): (try 1 catch * as $ex {(macro ?m! `[1]{x@0 A$ self=self@1 ex=$ex})})"
    );
}

#[test]
fn nested_functions_of_macros_know_the_caller() {
    let lines = hir("(fn m! [e] (fn [] ($caller_eval e)))");
    assert_eq!(lines[2], "2 Fn <fn> captures(caller environment, e): (caller_eval e@1 caller environment@0)");
}

#[test]
fn macros_may_be_values_where_the_module_uses_them_so() {
    assert_body(
        "(fn m! [e] e) (var f m!) (f (g 1))",
        "{hoist m!$ fn1; (var f$ m!$); (maybe_macro f$ (call ?g 1) `[(g 1)]{f$ m!$})}",
    );
    assert!(body("(fn h [] m!) (var f 1) (f 2)").contains("(maybe_macro f$"));
    // Known functions and globals stay plain calls.
    assert_body("(var f m!) (fn h [] 1) (h) (println 1)", "{hoist h$ fn1; (var f$ ?m!); (call h$); (call ?println 1)}");
    assert_body("(var f 1) (f 2) (f! 3)", "{(var f$ 1); (call f$ 2); (macro ?f! `[3]{f$})}");
}

#[test]
fn data_becomes_code() {
    assert_body("(var b 1) (eval `(b + 1) 2)", "{(var b$ 1); (eval [`(b + 1) 2]){b$}}");
    assert_body("(var b 1) ($render `(a %b))", "{(var b$ 1); (render `(a %b)){b$}}");
    assert_body("($parse \"1\")", "{(call ?$parse \"1\")}");
    assert_eq!(header("(fn f [a] (eval a))", 1), "1 Fn f [a] vars(a cell, %evaluated0 cell early)");
}
