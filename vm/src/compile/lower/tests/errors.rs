//! The texts of compile errors, as the reference gives them.

use super::*;

#[test]
fn errors_come_in_source_order_and_at_most_twenty() {
    assert_eq!(
        errors("(var x (break)) (fn f [] (continue)) (var if 1)"),
        ["break used outside of a loop", "continue used outside of a loop", "Cannot bind reserved word 'if'"]
    );
    assert_eq!(errors(&"(break) ".repeat(30)).len(), 20);
}

#[test]
fn an_error_knows_its_place() {
    let arena = Bump::new();
    let found = lower_module(&arena, read(&arena, "(println 1)\n(let x 1) (x = 2)"), &OPTIONS).err().unwrap();
    assert_eq!((found[0].span.start, found[0].span.end), (22, 29));
}

#[test]
fn reserved_words_cannot_be_bound() {
    assert_error("(var if 1)", "Cannot bind reserved word 'if'");
    assert_error("(let await 1)", "Cannot bind reserved word 'await'");
    assert_error("(fn f [class] 1)", "Cannot bind reserved word 'class'");
    assert_error("(fn when [] 1)", "Cannot bind reserved word 'when'");
    assert_error("(var [a or] [1 2])", "Cannot bind reserved word 'or'");
    assert_error("(var nil 1)", "Cannot bind reserved word 'nil'");
    assert_error("(for in in [1] 1)", "Cannot bind reserved word 'in'");
    assert_error("(self -> 1)", "Cannot bind reserved word 'self'");
    assert_error("(var $x 1)", "Cannot bind reserved word '$x'");
    assert_error("(case 1 when [do] 1)", "Cannot bind reserved word 'do'");
    assert_error("(try 1 catch if 2)", "Cannot bind reserved word 'if'");
    assert_error("(class try)", "Cannot bind reserved word 'try'");
}

#[test]
fn let_names_stay() {
    let message = "Cannot reassign 'let' binding 'x'";
    assert_error("(let x 1) (x = 2)", message);
    assert_error("(let x 1) (x += 2)", message);
    assert_error("(let x 1) (x ||= 2)", message);
    assert_error("(let x 1) (let x 2)", message);
    assert_error("(do (let x 1) (var x 2))", message);
    assert_error("(let x 1) (fn [] (x = 2))", message);
    assert_error("(let x 1) (fn x [] 2)", message);
    assert_error("(let [x] [1]) (x = 2)", message);
    assert_error("(import x from \"m\") (x = 2)", message);
    assert_error("(ns a (let /x 1) (x = 2))", message);
    assert!(lowered("(let x 1) (do (var x 2) (x = 3))").is_ok());
    assert!(lowered("(var x 1) (let x 2)").is_ok());
}

#[test]
fn words_of_other_forms_are_refused() {
    assert_error("(else 1)", "else used outside of if or case");
    assert_error("(elif 1)", "elif used outside of if");
    assert_error("(when 1)", "when used outside of case");
    assert_error("(catch 1)", "catch used outside of try");
    assert_error("(in 1)", "in used outside of for");
    assert_error("(method m [] 1)", "method used outside of a class");
    assert_error("(ctor [] 1)", "ctor used outside of a class");
    assert_error("(field x)", "field used outside of a class");
    assert_error("(static x = 1)", "static used outside of a class");
    assert_error("(on_method_missing [n] 1)", "on_method_missing used outside of a class");
    assert_error("(match 1 2)", "(match ...) was removed: use (var pattern value) or (case ...)");
    assert!(lowered("(fn match [a b] a) (match 1 2)").is_ok());
}

#[test]
fn operators_need_their_operands() {
    assert_error("(1 + 2 +)", "Incomplete infix expression");
    assert_error("(1 +)", "Incomplete infix expression");
    assert_error("(1 + 2 3)", "Invalid infix expression");
    assert_error("(1 + 2 3 4)", "Invalid infix expression");
    assert_error("(1 + ^k 2 3)", "Invalid infix expression");
    assert_error("(x = 1 2)", "Invalid assignment");
    assert_error("(x =)", "Invalid assignment");
    assert_error("(5 = 1)", "Invalid assignment target");
    assert_error("(a/.m = 1)", "Invalid assignment target");
    assert_error("(self = 1)", "Invalid assignment target");
    assert_error("(not 1 2)", "not: expects 1 argument, got 2");
}

#[test]
fn conditions_have_their_parts() {
    assert_error("(if)", "if: missing condition");
    assert_error("(if then 1)", "if: missing condition");
    assert_error("(if 1 2 elif)", "if: missing condition");
    assert_error("(if true 1 else 2 elif true 3)", "if: misplaced elif");
    assert_error("(if true 1 else 2 else 3)", "if: duplicate else");
    assert_error("(if true 1 then 2)", "if: misplaced then");
    assert_error("(if_not true 1 else 2)", "if_not: else branches are not supported");
    assert_error("(if_not)", "if_not: missing condition");
    assert_error("(ifel 1 2 3 4)", "ifel: expects 2 or 3 arguments, got 4");
    assert_error("(ifel 1)", "ifel: expects 2 or 3 arguments, got 1");
    assert_error("(case)", "case: missing value");
    assert_error("(case 1 2)", "case: expects when");
    assert_error("(case 1 when)", "case: missing pattern");
    assert_error("(case 1 when 2 if)", "case: missing guard");
    assert_error("(case 1 else 2 else 3)", "case: duplicate else");
    assert_error("(case 1 else 2 when 3 4)", "case: misplaced when");
}

#[test]
fn transfers_need_their_targets() {
    assert_error("(break)", "break used outside of a loop");
    assert_error("(fn f [] (continue))", "continue used outside of a loop");
    assert_error("(for x in [1] (fn [] (break)))", "break used outside of a loop");
    assert_error("(for x in [1] (break ^from outer))", "no enclosing loop named outer");
    assert_error("(loop ^name a (fn [] (loop (break ^from a))))", "no enclosing loop named a");
    assert_error("(fn f [] (yield 1))", "yield used outside of a generator");
    assert_error("(fn g* [] (fn [] (yield 1)))", "yield used outside of a generator");
    assert_error("(fn g* [] (async (yield 1)))", "yield used outside of a generator");
    assert_error("(fn f [] (yield* [1]))", "yield used outside of a generator");
    assert_error("(fn f [] (async (return 1)))", "return cannot leave an async body");
    assert_error("(loop (async (break)))", "break used outside of a loop");
    assert_error("(loop (spawn (do (continue))))", "continue used outside of a loop");
    assert_error("(class A (field x = (return 1)))", "return used outside of a function");
    assert_error("(super .m)", "super used outside of a method");
    assert_error("(class A (static f [] (super .f)))", "super used outside of a method");
    assert_error("(fn f [e] ($caller_eval e))", "$caller_eval is only allowed in a macro");
    assert_error("(async 1 2)", "use (do …)");
    assert_error("(await)", "await: expects at least 1 argument, got 0");
}

#[test]
fn functions_are_well_formed() {
    assert_error("(fn f)", "fn: missing parameter list");
    assert_error("(fn)", "fn: missing parameter list");
    assert_error("(fn 5 [] 1)", "fn: missing parameter list");
    assert_error("(fn* gen [n] (yield n))", "fn*: has no name; a generator with one is (fn gen* [...] ...)");
    assert_error("(fn f [a a] 1)", "duplicate parameter a");
    assert_error("(fn f [a... b...] 1)", "more than one rest parameter");
    assert_error("(fn f [a = ] 1)", "Invalid parameter");
    assert_error("(fn f [5] 1)", "Invalid parameter");
    assert_error("(fn f:t [a] 1)", "invalid generic parameter t");
    assert_error("(fn f:T:T [a] 1)", "invalid generic parameter T");
    assert_error("(fn f [n] ^examples [[2] 4] n)", "Invalid ^examples");
    assert_error("(fn f [n] ^examples [[2] -> ] n)", "Invalid ^examples");
    assert_error("(fn f [n] ^examples [2 -> 4] n)", "Invalid ^examples");
    assert_error("(fn f [n] ^examples 4 n)", "Invalid ^examples");
    assert!(lowered("(fn f [n] ^examples [[2] -> 4 [0] throws E [] -> _] n)").is_ok());
    assert_error("([a b] -> 1)", "lambda: expects one parameter name");
}

#[test]
fn classes_are_well_formed() {
    let message = "macro-like methods are not supported";
    assert_error("(class A (method m! [e] e))", message);
    assert_error("(class A (ctor! [e] e))", message);
    assert_error("(new! A 1)", message);
    assert_error("(class A (method m [] (super .m! 1)))", message);
    let message = "extend: only methods and static members are allowed";
    assert_error("(extend A (ctor [] 1))", message);
    assert_error("(extend A (field x))", message);
    assert_error("(extend A (println 1))", message);
    assert_error("(class A (method m))", "method: missing parameter list");
}

#[test]
fn enums_are_well_formed() {
    assert_error("(enum Parcel A B A)", "enum Parcel has duplicate variant A");
    assert_error("(enum Parcel (A x y x))", "enum variant Parcel/A has duplicate field x");
    assert_error("(enum Parcel:T:T A)", "enum Parcel has duplicate generic parameter T");
    assert_error("(enum Parcel 5)", "invalid enum variant");
    assert_error("(enum Parcel (A 5))", "invalid enum field");
    assert_error("(enum Parcel (A x:))", "invalid enum field");
    assert_error("(type (Parcel T) (A x))", "use enum to declare algebraic types");
}

#[test]
fn patterns_are_well_formed() {
    let message = "pattern has more than one rest binding";
    assert_error("(var [a... b...] [1 2])", message);
    assert_error("(var [a ... b ...] [1 2])", message);
    assert_error("(var [...] [1 2])", message);
    assert_error("(fn f [[a... b...]] a)", message);
    assert_error("(case 1 when [a... b...] 1)", message);
    assert_error("(case 1 when (or [a] [b]) 1)", "or pattern alternatives must bind the same names");
    assert_error("(var [5] 1)", "Invalid pattern");
}

#[test]
fn variants_must_exist() {
    assert_error("(enum E (V x)) (case (E/V 1) when (Foo x) 1)", "unknown enum variant Foo");
    assert_error("(enum E (V x)) (case (E/V 1) when Foo 1)", "unknown enum variant Foo");
    assert_error("(enum E (V x)) (case 1 when (E/W x) 1)", "unknown enum variant E/W");
    assert!(lowered("(import * from \"m\") (case v when (Foo x) 1)").is_ok());
    assert!(lowered("(var foo 1) (case v when foo 1)").is_ok());
    assert!(lowered("(case v when Int 1)").is_ok());
    let message = "Parcel/Flat pattern expects 2 binders, got 1";
    let parcel = "(enum Parcel (Flat w h) Empty)";
    assert_error(&format!("{parcel} (case v when (Parcel/Flat w) w)"), message);
    assert_error(&format!("{parcel} (case v when (Flat w) w)"), message);
    assert_error("(case v when (Ok) 1)", "Result/Ok pattern expects 1 binders, got 0");
    // Two enums declare it: the subject decides.
    assert!(lowered(&format!("{parcel} (enum Other (Flat x)) (case v when (Flat w) w)")).is_ok());
    assert!(lowered(&format!("{parcel} (case v when (Flat ^w w) w)")).is_ok());
}

#[test]
fn annotated_subjects_are_checked_for_exhaustiveness() {
    let parcel = "(enum Parcel (Flat w h) Empty Tube)";
    let message = "non-exhaustive case over Parcel; missing variants: Empty Tube";
    let case = |arms: &str| format!("{parcel} (fn f [p: Parcel] (case p {arms}))");
    let warning =
        |arms: &str| hir(&case(arms)).into_iter().find_map(|line| Some(line.strip_prefix("warning ")?.to_owned()));
    assert_eq!(warning("when (Flat w h) w").as_deref(), Some(message));
    assert_eq!(
        warning("when (Flat w h) w when Empty if 1 2 when Tube 3").as_deref(),
        Some(&message[..message.len() - 5])
    );
    assert_eq!(
        warning("when (Flat w 1) w when Parcel/Empty 1 when Tube 3").as_deref(),
        Some("non-exhaustive case over Parcel; missing variants: Flat")
    );
    assert_eq!(warning("when (Flat w h) w when (or Empty Tube) 3"), None);
    assert_eq!(warning("when (Flat w h) w else 2"), None);
    assert_eq!(warning("when (Flat w h) w when _ 2"), None);
    assert_eq!(warning("when (Flat ^w w) w when (as x Empty) 2 when (is Parcel) 3"), None);
    let strict = format!("{parcel} (fn f [p: Parcel] (case ^^exhaustive p when (Flat w h) w))");
    assert_error(&strict, message);
    assert!(lowered(&format!("{parcel} (fn f [p] (case ^^exhaustive p when (Flat w h) w))")).is_ok());
    let option = "(var o: (Option Int) None) (case o when (Some x) x)";
    assert!(hir(option).contains(&"warning non-exhaustive case over Option; missing variants: None".to_owned()));
}

#[test]
fn modules_are_well_formed() {
    assert_error("(do (import x from \"m\"))", "import is only allowed at module top level");
    assert_error("(fn f [] (import x from \"m\"))", "import is only allowed at module top level");
    assert_error("(do (export x))", "export is only allowed at module top level");
    assert_error("(import x from 5)", "import: invalid module");
    assert_error("(import x from \"m\" of a)", "import: invalid package");
    assert_error("($dep \"a/b\")", "$dep: expects a name, a version and ^path");
    assert_error("(import x from \"m\" ^pkg a)", "import: ^pkg must be a String");
    assert_error("(import x ^pkg \"a/b\")", "import: missing module");
    assert_error("(do ($dep \"a/b\" ^path \"x\"))", "$dep is only allowed at module top level");
}

#[test]
fn types_are_well_formed() {
    assert_eq!(errors("(type A B) (type B (A | Int)) (type C A)"), ["cyclic type alias A", "cyclic type alias B"]);
    assert_error("(type A (Array A))", "cyclic type alias A");
    assert_error("(type (Option T) Int)", "use enum to declare algebraic types");
    assert_error("(type A)", "type: expects a name and a type, got 1");
    assert_error("(type Pair:T (Array T)) (var x: (Pair Int Int) nil)", "type Pair expects 1 type arguments, got 2");
    let laughs: String = (0..30).map(|n| format!("(type A{n} (A{} | A{}))", n + 1, n + 1)).collect();
    assert!(errors(&format!("{laughs} (type A30 Int)")).contains(&"type is too large".to_owned()));
    assert_error("(fn f [x: 5] x)", "invalid type");
    assert_error("(fn f [x: (Int |)] x)", "invalid type");
    assert_error("(fn f:t [x: t] x)", "invalid generic parameter t");
    assert_error("(class A:T:T)", "invalid generic parameter T");
    assert_error("(type A:t Int)", "invalid generic parameter t");
}

#[test]
fn words_of_concurrency_may_be_shadowed() {
    assert!(lowered("(var channel 1) (channel 2)").is_ok());
    assert!(lowered("(fn select [x] x) (select 2)").is_ok());
}
