use super::*;

#[test]
fn exports_are_module_variables() {
    let lines = hir("(export a b) (var a 1) (var /c 2) (let /d 3) (var e 4)");
    let module: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix("module ")).collect();
    assert_eq!(module, ["a exported must_define", "c exported", "d exported constant", "b exported must_define"]);
}

#[test]
fn imports_bind_constants() {
    let lines = hir("(import a b:c n/f:g n/[p q:r] * from \"m\") (import lib/part) (fn f2 [] [c part])");
    assert_eq!(
        lines[0],
        "0 Module <module>: {hoist f2$ fn1; (import a:a$ b:c$ n/f:g$ n/p:p$ n/q:r$ * from Some(\"m\")); (import lib/part:part$ from None); f2$}"
    );
    // As values they may be task-locals of the other module.
    assert_eq!(lines[1], "1 Fn f2: [(call ?%local_value c$) (call ?%local_value part$)]");
    assert!(lines.contains(&"module c constant".to_owned()));
    let lines = hir("(import a b from \"m\") (fn f2 [] (a b/c))");
    assert_eq!(lines[1], "1 Fn f2: (call a$ (get b$ c))");
}

#[test]
fn namespaces_hold_members() {
    let lines = hir("(ns a (var /x 1) (var y 2) (fn /f [] (x + y)) (class /C) (f))");
    assert_eq!(
        lines[0],
        "0 Module <module>: {(ns a as self {(var a$ self); {(set self x 1); (var y 2); (set self f fn1); (set self C (class C as self#2)); (call (get self f))}})}"
    );
    assert_eq!(lines[1], "1 Fn f captures(self, y): (Add (get self@0 x) y@1)");
    assert_body(
        "(ns a) (ns a 1)",
        "{(ns a as self {(var a$ self); {}}); (ns a was a$ as self#1 {(var a$ self#1); {1}})}",
    );
    assert_body("(ns a/b 1)", "{(ns b in ?a as self {1})}");
    assert_body("(ns a (ns /b 1))", "{(ns a as self {(var a$ self); {(ns b in self as self#1 {1})}})}");
    assert_body("(ns a (ns b 1))", "{(ns a as self {(var a$ self); {(var b (ns b as self#2 {1}))}})}");
}

#[test]
fn members_may_be_assigned_by_their_plain_name() {
    assert_body(
        "(ns a (var /x 1) (x = 2) (x += 3))",
        "{(ns a as self {(var a$ self); {(set self x 1); (set self x 2); (update Op(Add) self x 3)}})}",
    );
    assert_body("(var a/x 1)", "{(set ?a x 1)}");
}
