use super::*;

#[test]
fn members_in_order() {
    let lines = hir(
        "(class A < B (field x: Int = 1) (ctor [x] (/x = x) (/y = 1)) (method m [] self) (static s [] self) (static v = 2) (on_method_missing [n] n) (f))",
    );
    assert_eq!(
        lines[0],
        "0 Module <module>: {(var A$ (class A < ?B as self fields=2 field x:Int=fn1 ctor=fn2 m=fn3 static s=fn4 static v=2 missing=fn5 (call ?f)))}"
    );
    assert_eq!(lines[1], "1 Thunk A.x: 1");
    assert_eq!(lines[2], "2 Ctor A.ctor [x]: {(set self x x); (set self y 1)}");
    assert_eq!(lines[3], "3 Method A.m: self");
}

#[test]
fn self_belongs_to_the_nearest_method_class_or_namespace() {
    assert_eq!(func("(class A (method m [] (fn [] (.n /x))))", 2), "(.n self@0 (get self@0 x))");
    assert_body("(class A (println self))", "{(var A$ (class A as self (call ?println self)))}");
    assert_body("(ns a (println self))", "{(ns a as self {(var a$ self); {(call ?println self)}})}");
}

#[test]
fn super_knows_the_class_it_stands_in() {
    let lines = hir("(class A (ctor [] (super .ctor 1)) (method m [] (async (super .m ^k 2))))");
    assert_eq!(lines[1], "1 Ctor A.ctor captures(self): (super_ctor self self@0 1)");
    assert_eq!(lines[2], "2 Method A.m captures(self): (async fn3)");
    assert_eq!(lines[3], "3 Async <fn> captures(self@0, self): (super .m self@1 self@0 ^k 2)");
}

#[test]
fn a_class_may_use_itself() {
    assert_eq!(func("(class A (method m [] (new A)))", 1), "(new A$)");
    assert_body("(class A (static one = (new A)))", "{(class A as self (var A$ self) static one=(new A$))}");
    let lines = hir("(fn f [] (class A (method m [] A)))");
    assert_eq!(lines[1], "1 Fn f: {(var A (class A as self m=fn2))}");
    assert_eq!(lines[2], "2 Method A.m captures(self): self@0");
    assert_eq!(
        func("(fn f [] (class A (static one = (new A))))", 1),
        "{(var A (class A as self static one=(new self)))}"
    );
}

#[test]
fn variables_of_a_class_body_are_there_before_its_methods() {
    let lines = hir("(class A (method m [] x) (var x 1))");
    assert_eq!(
        lines[0],
        "0 Module <module> vars(x cell early checked): {(var A$ {cells x; (class A as self m=fn1 (var x 1))})}"
    );
}

#[test]
fn operators_and_strings_name_methods() {
    assert_body(
        "(class A (method \"+\" [o] o) (method == [o] o) (method * [o] o) (method walk* [] (yield 1)))",
        "{(var A$ (class A as self +=fn1 ===fn2 *=fn3 walk*=fn4))}",
    );
    assert_eq!(header("(class A (method walk* [] (yield 1)))", 1), "1 Method A.walk* generator");
    assert_eq!(header("(class A (method * [o] o))", 1), "1 Method A.* [o]");
}

#[test]
fn classes_as_members() {
    assert_body("(class geo/Box (method m [] 1))", "{(set ?geo Box (class Box as self m=fn1))}");
    assert_body("(class /Box) (new Box)", "{(var Box$ (class Box as self)); (new Box$)}");
    assert_body("(object Conf < Base (ctor [] 1))", "{(var Conf$ (object Conf < ?Base as self ctor=fn1))}");
    assert_body("(extend Int (method m [] self) (static s = 1))", "{(extend ?Int as self m=fn1 static s=1)}");
}

#[test]
fn function_literals_among_dynamic_methods_have_their_own_self() {
    let lines = hir("(Class ^name \"N\" ^methods {^hi (fn [n] /x) ^other f})");
    assert_eq!(lines[0], "0 Module <module>: {(call ?Class ^name \"N\" ^methods { ^hi fn1 ^other ?f })}");
    assert_eq!(lines[1], "1 Method <fn> [n]: (get self x)");
}
