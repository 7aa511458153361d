//! Deeply nested forms: 10,000 levels, which is what the reader accepts, on a small native stack.

use super::*;

const DEPTH: usize = 9_990;

/// Lowers (and prints) on a thread with a stack of 2 MiB.
fn survives(source: String) {
    let run = move || lowered(&source).map(|text| text.len()).map_err(|errors| errors[0].clone());
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(run).unwrap();
    assert!(thread.join().unwrap().is_ok());
}

fn nested(open: &str, inner: &str, close: &str) -> String {
    format!("{}{inner}{}", open.repeat(DEPTH), close.repeat(DEPTH))
}

#[test]
fn calls_nest_deeply() {
    survives(nested("(f ", "1", ")"));
}

#[test]
fn operators_nest_deeply() {
    survives(nested("(1 + ", "1", ")"));
    survives(nested("(1 && ", "1", ")"));
    survives(format!("(1 {})", "** 2 ".repeat(DEPTH)));
}

#[test]
fn long_operator_chains_are_no_problem() {
    survives(format!("(1 {})", "+ 2 ".repeat(50_000)));
    survives(format!("(if 1 2 {})", "elif 3 4 ".repeat(20_000)));
}

#[test]
fn arrays_and_maps_nest_deeply() {
    survives(nested("[", "1", "]"));
    survives(nested("{^a ", "1", "}"));
}

#[test]
fn blocks_nest_deeply() {
    survives(nested("(do (var x 1) ", "x", ")"));
    survives(nested("(if x ", "x", ")"));
}

#[test]
fn functions_nest_deeply_and_pass_captures_on() {
    survives(format!("(do (var q 1) {})", nested("(fn [] ", "q", ")")));
    survives(nested("(fn f [] ", "1", ")"));
}

#[test]
fn patterns_nest_deeply() {
    survives(format!("(var {} 1)", nested("[", "x", "]")));
    survives(format!("(case v when {} x)", nested("[", "x", "]")));
    survives(format!("(case v when {} x)", nested("(or 1 ", "2", ")")));
}

#[test]
fn classes_and_contracts_nest_deeply() {
    survives(format!("(fn f [n] ^pre [{}] n)", nested("(n ", "n", ")")));
    survives(nested("(try ", "1", ")"));
}
