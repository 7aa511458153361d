//! Data evaluated in an environment, and input of a session.

use super::super::{EvalEnum, EvalModuleName, EvalName};
use super::*;

fn eval_in(source: &str, env: &EvalEnv<'_>) -> Vec<String> {
    let arena = Bump::new();
    match lower_eval(&arena, read(&arena, source), env) {
        Ok(unit) => print(&unit).lines().map(str::to_owned).collect(),
        Err(errors) => errors.into_iter().map(|error| error.message).collect(),
    }
}

fn env<'a>() -> EvalEnv<'a> {
    let name = |name: &str, constant| EvalName { name: name.into(), constant };
    EvalEnv {
        names: vec![name("a", false), name("b", true)],
        module_names: vec![EvalModuleName { name: "m".into(), slot: 1, constant: false, task_local: false }],
        module_slots: 2,
        options: OPTIONS,
        ..EvalEnv::default()
    }
}

#[test]
fn names_of_the_environment_are_captures() {
    assert_eq!(eval_in("(a = (m + z))", &env())[0], "0 Eval <eval> captures(a@env0 cell): {(= a@0 (Add m$ ?z))}");
    assert_eq!(eval_in("(b = 1)", &env()), ["Cannot reassign 'let' binding 'b'"]);
    let lines = eval_in("(fn [] (a = 1))", &env());
    assert_eq!(lines[0], "0 Eval <eval> captures(a@env0 cell): {fn1}");
    assert_eq!(lines[1], "1 Fn <fn> captures(a@0 cell): (= a@0 1)");
}

#[test]
fn self_and_exceptions_come_from_the_environment() {
    let env = EvalEnv { has_self: true, has_ex: true, has_caller: true, ..env() };
    assert_eq!(
        eval_in("[/x $ex ($caller_eval a)]", &env)[0],
        "0 Eval <eval> captures(self@env2, $ex@env3, caller environment@env4, a@env0 cell): \
         {[(get self@0 x) $ex@1 (caller_eval a@3 caller environment@2)]}"
    );
    let env = EvalEnv { has_ex: true, ..self::env() };
    assert_eq!(eval_in("[self $ex]", &env)[0], "0 Eval <eval> captures($ex@env2): {[$ns $ex@0]}");
}

#[test]
fn new_variables_are_local_to_the_evaluation() {
    assert_eq!(eval_in("(var a 1) (fn f [] a) (f)", &env())[0], "0 Eval <eval>: {(var a 1); (var f fn1); (call f)}");
    assert_eq!(eval_in("(var a 1) (fn f [] a) (f)", &env())[1], "1 Fn f captures(a): a@0");
}

#[test]
fn macros_in_evaluated_data_see_the_environment() {
    assert_eq!(
        eval_in("(var c 1) (x! 1)", &env())[0],
        "0 Eval <eval> vars(c cell) captures(a@env0 cell, b@env1 cell): {(var c 1); (macro ?x! `[1]{c a@0 b@1! m$})}"
    );
}

#[test]
fn transfers_cannot_leave_an_evaluation() {
    assert_eq!(eval_in("(return 1)", &env()), ["return used outside of a function"]);
    assert_eq!(eval_in("(break)", &env()), ["break used outside of a loop"]);
    assert_eq!(eval_in("(yield 1)", &env()), ["yield used outside of a generator"]);
    assert_eq!(eval_in("(import x from \"m\")", &env()), ["import is only allowed at module top level"]);
}

#[test]
fn enums_of_the_environment_are_known() {
    let variants = vec![("Flat".to_owned(), Some(vec!["w".to_owned(), "h".to_owned()])), ("Empty".to_owned(), None)];
    let parcel = EvalEnum { name: "m".into(), variants };
    let env = EvalEnv { enums: Some(vec![parcel]), ..env() };
    assert_eq!(eval_in("(case v when (m/Flat w) w)", &env), ["m/Flat pattern expects 2 binders, got 1"]);
    assert_eq!(eval_in("(case v when (Foo x) 1)", &env), ["unknown enum variant Foo"]);
    assert!(eval_in("(case v when (Foo x) 1)", &self::env())[0].starts_with("0 Eval"));
}

#[test]
fn a_session_keeps_its_definitions() {
    let env = EvalEnv { repl: true, ..env() };
    let lines = eval_in("(var a 1) (let x 2) (m = 3) (fn f [] x) (do (var y 1) y) (return 5)", &env);
    assert_eq!(
        lines,
        [
            "0 Eval <eval>: {hoist f$ fn1; (var a$ 1); (var x$ 2); (= m$ 3); {(var y 1); y}; (return 5)}",
            "1 Fn f: x$",
            "module ",
            "module m",
            "module a",
            "module x constant",
            "module f exported fn",
        ]
    );
}

#[test]
fn a_session_redefines_in_place() {
    let env = EvalEnv { repl: true, ..env() };
    assert_eq!(eval_in("(var m: Int 1)", &env), ["0 Eval <eval>: {(var m$:Int 1)}", "module ", "module m : Int"]);
    let constant = EvalModuleName { name: "m".into(), slot: 1, constant: true, task_local: false };
    let env = EvalEnv { module_names: vec![constant], ..env };
    assert_eq!(eval_in("(var m 1)", &env), ["Cannot reassign 'let' binding 'm'"]);
}
