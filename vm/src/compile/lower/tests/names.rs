//! Which variable a name means, and where it lives.

use super::*;

#[test]
fn top_level_variables_are_locals_unless_functions_use_them() {
    assert_body("(var a 1) (var b 2) (fn f [] b) a", "{hoist f$ fn1; (var a 1); (var b$ 2); a}");
    assert_eq!(func("(var b 2) (fn f [] b)", 1), "b$");
    // A name that only means something else inside functions does not matter where speed does.
    assert_body("(var i 0) (fn f [i] i) (loop i)", "{hoist f$ fn1; (var i 0); (loop0 i)}");
}

#[test]
fn many_top_level_variables_overflow_into_the_module() {
    let source: String = (0..300).map(|at| format!("(var v{at} {at}) ")).collect();
    let lines = hir(&source);
    assert!(lines[0].contains("(var v179 179)") && lines[0].contains("(var v180$ 180)"));
    assert_eq!(lines.len(), 1 + 120);
}

#[test]
fn definitions_are_exported() {
    let lines = hir(
        "(fn f [] 1) (class C) (enum E A) (ns n) (object O) (let x 1) (var y 2) (fn g [] [x y]) (fn f2 [] 1) (f2 = 3)",
    );
    let module: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix("module ")).collect();
    assert_eq!(
        module,
        [
            "f exported fn",
            "C exported",
            "E exported",
            "n exported",
            "O exported",
            "x constant",
            "y",
            "g exported fn",
            "f2 exported"
        ]
    );
}

#[test]
fn only_functions_bound_once_are_known_functions() {
    let known = |source: &str| hir(source).contains(&"module f exported fn".to_owned());
    assert!(known("(fn f [] 1)"));
    assert!(!known("(fn f [] 1) (fn f [] 2)"));
    assert!(!known("(fn f [] 1) (var f 2)"));
    assert!(!known("(fn f [] 1) (fn g [] (f = 2))"));
    assert!(!known("(fn f [] 1) ($ns/f = 2)"));
}

#[test]
fn inner_scopes_shadow_outer_ones() {
    assert_body("(var x 1) (do (var x 2) (x = 3)) x", "{(var x 1); {(var x#1 2); (= x#1 3)}; x}");
    assert_body("(var x 1) (var x (x + 1)) x", "{(var x 1); (var x (Add x 1)); x}");
    assert_body("x (var x 1)", "{?x; (var x 1)}");
}

#[test]
fn closures_copy_what_never_changes() {
    assert_eq!(header("(fn f [a] (fn [] a))", 1), "1 Fn f [a]");
    assert_eq!(header("(fn f [a] (fn [] a))", 2), "2 Fn <fn> captures(a)");
    assert_eq!(header("(fn f [] (var a 1) (fn [] a))", 2), "2 Fn <fn> captures(a)");
}

#[test]
fn captured_and_assigned_variables_are_cells() {
    assert_eq!(header("(fn f [a] (fn [] (a = 1)))", 1), "1 Fn f [a] vars(a cell assigned)");
    assert_eq!(header("(fn f [a] (a = 1) (fn [] a))", 2), "2 Fn <fn> captures(a cell)");
    assert_eq!(header("(fn f [a] (fn [] a) (a += 1))", 2), "2 Fn <fn> captures(a cell)");
    // Assigned but not captured: a register.
    assert_eq!(header("(fn f [a] (a = 1))", 1), "1 Fn f [a] vars(a assigned)");
}

#[test]
fn captures_pass_through_functions_between() {
    let lines = hir("(fn f [a] (fn [] (fn [] (fn [] (a = 1)))))");
    assert!(lines[2].starts_with("2 Fn <fn> captures(a cell)"));
    assert!(lines[3].starts_with("3 Fn <fn> captures(a@0 cell)"));
    assert!(lines[4].ends_with("captures(a@0 cell): (= a@0 1)"));
}

#[test]
fn functions_see_what_their_block_declares_later() {
    let lines = hir("(fn f [] (var g (fn [] x)) (var x 1) (g))");
    assert_eq!(lines[1], "1 Fn f vars(x cell early checked): {cells x; (var g fn2); (var x 1); (call g)}");
    assert_eq!(lines[2], "2 Fn <fn> captures(x cell checked): x@0");
    // But an outer variable that is there already, if they are anonymous.
    assert_eq!(func("(fn f [x] (do (var g (fn [] x)) (var x 1) (g)))", 2), "x@0");
    assert_eq!(header("(fn f [x] (do (var g (fn [] x)) (var x 1) (g)))", 2), "2 Fn <fn> captures(x)");
}

#[test]
fn declarations_in_operands_may_not_run() {
    assert_eq!(
        hir("(fn f [a] (a && (var x 1)) x)")[1],
        "1 Fn f [a] vars(x cell early checked): {cells x; (&& a (var x 1)); x}"
    );
    assert_eq!(hir("(fn f [a] (g (var x 1)) x)")[1], "1 Fn f [a]: {(call ?g (var x 1)); x}");
}

#[test]
fn loop_variables_are_fresh() {
    assert_body("(for i in a (f (fn [] i)))", "{(for0 i in ?a {(call ?f fn1)})}");
    assert_eq!(
        hir("(for i in a (f (fn [] (i += 1))))")[0],
        "0 Module <module> vars(i cell assigned): {(for0 i in ?a {(call ?f fn1)})}"
    );
}

#[test]
fn types_are_kept() {
    assert_eq!(hir("(var x: Int 1) (x = 2)")[0], "0 Module <module> vars(x assigned:Int): {(var x:Int 1); (= x 2)}");
    assert!(hir("(let x: (Array Int) 1) (fn [] x)").contains(&"module x constant : (Array Int)".to_owned()));
    assert_eq!(header("(fn f [x: Int] (fn [] (x = 1)))", 1), "1 Fn f [x:Int] vars(x cell assigned:Int)");
    assert_body("(var x) (let _ 5) (var y: Int)", "{(var x nil); 5; (var y:Int nil)}");
}
