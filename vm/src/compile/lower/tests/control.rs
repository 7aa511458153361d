//! Conditions, loops, exceptions, tasks.

use super::*;

#[test]
fn conditions() {
    assert_body("(if a then 1 elif b 2 else 3)", "{(if ?a 1 (if ?b 2 3))}");
    assert_body("(if a)", "{(if ?a nil)}");
    assert_body("(if a 1 2)", "{(if ?a {1; 2})}");
    assert_body("(if_not a 1)", "{(if (not ?a) 1)}");
    assert_body("(ifel a 1 2)", "{(if ?a 1 2)}");
    assert_body("(if a (var x 1))", "{(if ?a {(var x 1)})}");
}

#[test]
fn loops() {
    assert_body("(while a 1 2)", "{(while0 ?a {1; 2})}");
    assert_body("(loop (break 1))", "{(loop0 (break0 1))}");
    assert_body("(repeat 3 (continue))", "{(repeat0 3 (continue0))}");
    assert_body("(repeat i in 3 i)", "{(repeat0 i in 3 {i})}");
    assert_body("(for x in a x)", "{(for0 x in ?a {x})}");
    assert_body("(for k [p _] in a p)", "{(for0 k [p _] in ?a {p})}");
    assert_body("(for _ {^a b} in a b)", "{(for0 _ {^a b } in ?a {b})}");
    assert_body("(for ^^await x in a x)", "{(for0 await x in ?a {x})}");
    assert_body("(loop ^name o (loop (break ^from o 1) (break)))", "{(loop0 (loop1 {(break0 1); (break1)}))}");
}

#[test]
fn return_leaves_functions_and_modules() {
    assert_body("(return) (return 1)", "{(return); (return 1)}");
    assert_eq!(func("(fn f [] (return 1))", 1), "(return 1)");
}

#[test]
fn exceptions() {
    assert_body("(try 1)", "{1}");
    assert_body("(try a catch * $ex)", "{(try ?a catch * as $ex {$ex})}");
    assert_body("(try a catch e e finally 2)", "{(try ?a catch *:e as $ex {e} finally 2)}");
    assert_body("(try a catch n/IOError 1)", "{(try ?a catch (get ?n IOError) as $ex {1})}");
    assert_body("(try a catch (Exception e) e)", "{(try ?a catch ?Exception:e as $ex {e})}");
    assert_body(
        "(try a catch {^message m} m catch [b] b)",
        "{(try ?a catch {^message m } as $ex {m} catch [b] as $ex#2 {b})}",
    );
    assert_body("(throw 1) (throw) (throw E \"m\" ^k 1)", "{(throw 1); (throw \"nil\"); (throw_new ?E \"m\" ^k 1)}");
    assert_body("(try a catch * (throw))", "{(try ?a catch * as $ex {(throw $ex)})}");
    assert_eq!(hir("(try a catch * (fn [] $ex))")[1], "1 Fn <fn> captures($ex): $ex@0");
}

#[test]
fn resources_are_closed_whatever_happens() {
    assert_body(
        "(with [a (f)] a)",
        "{{(var resource (call ?f)); (var a resource); (var failed false); \
         (try a catch really as $ex {(= failed (call ?%failed $ex)); (throw $ex)} \
         finally (if failed (try (.close resource) catch really as $ex#4 {nil}) (.close resource)))}}",
    );
}

#[test]
fn tasks() {
    assert_body("(async (f 1)) (async ^^raw a)", "{(async fn1); (async_raw fn2)}");
    assert_eq!(hir("(async (f 1))")[1], "1 Async <fn>: (call ?f 1)");
    assert_body("(await a) (await a b ^timeout 5)", "{(await ?a); (await ?a ?b)^timeout 5}");
    assert_body("(spawn (f 1))", "{(spawn fn1)}");
    assert_eq!(hir("(spawn (f 1))")[1], "1 Async <fn>: (call ?f 1)");
    assert_body(
        "(spawn f) (spawn a/b) (spawn (fn [] 1)) (spawn f 1 ^k 2)",
        "{(spawn ?f); (spawn (get ?a b)); (spawn fn1); (spawn ?f 1 ^k 2)}",
    );
    assert_body("(spawn ^name \"w\" (f))", "{(spawn fn1 ^name \"w\")}");
    assert_body("(fn spawn [x] x) (spawn (f))", "{hoist spawn$ fn1; (call spawn$ (call ?f))}");
}

#[test]
fn async_functions_return_a_future() {
    let lines = hir("(fn load ^^async [p: Int] -> Int (return p))");
    assert_eq!(lines[1], "1 Fn load [p:Int] vars(p:Int): (async fn2)");
    assert_eq!(lines[2], "2 Async load -> Int captures(p): (return p@0)");
}
