//! Options that concern types, from the command line.
use std::process::{Command, Output};

fn gene(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gene")).args(args).env("NO_COLOR", "1").output().expect("gene runs")
}

fn stderr(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

const CODE: &str = "(fn f [x: Int] x) (println 1) (if false (f \"s\"))";
const FOUND: &str = "<eval>:1:44: Warning: Type error: expected Int, got String in call of f\n";

#[test]
fn findings_are_warnings() {
    let out = gene(&["eval", CODE]);
    assert_eq!((out.status.code(), &out.stdout[..], stderr(&out)), (Some(0), &b"1\n"[..], FOUND.to_owned()));
}

#[test]
fn the_checker_can_be_turned_off() {
    for option in ["--no-type-check", "--no-typecheck", "--no-warnings"] {
        let out = gene(&["eval", option, CODE]);
        assert_eq!((out.status.code(), stderr(&out)), (Some(0), String::new()), "{option}");
    }
}

#[test]
fn strict_types_end_the_program_before_it_runs() {
    let out = gene(&["eval", "--strict-types", CODE]);
    assert_eq!((out.status.code(), &out.stdout[..]), (Some(1), &b""[..]));
    assert!(stderr(&out).starts_with("Error: <eval>:1:44: Type error: expected Int, got String in call of f\n   1 | "));
}

#[test]
fn check_reports_the_same() {
    let file = std::env::temp_dir().join(format!("gene-types-{}.gene", std::process::id()));
    std::fs::write(&file, CODE).unwrap();
    let path = file.to_str().unwrap();
    let (loose, strict) = (gene(&["check", path]), gene(&["check", "--strict-types", path]));
    std::fs::remove_file(&file).unwrap();
    assert_eq!(loose.status.code(), Some(0));
    assert!(stderr(&loose).ends_with(":1:44: Warning: Type error: expected Int, got String in call of f\n"));
    assert_eq!(strict.status.code(), Some(1));
    assert!(stderr(&strict).contains(":1:44: Type error: expected Int, got String in call of f\n"));
}

fn with_stdin(args: &[&str], input: &str) -> Output {
    use std::io::Write;
    use std::process::Stdio;
    let mut child = Command::new(env!("CARGO_BIN_EXE_gene"))
        .args(args)
        .env("NO_COLOR", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("gene runs");
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn an_input_of_a_session_is_judged_by_what_earlier_ones_declared() {
    let session = "(fn f [x: Int] x)\n(enum E A B)\n(var n: Int 1)\n(if false (f \"s\"))\n(if false (n = \"s\"))\n\
                   (fn g [e: E] (case e when A 1))\n";
    let out = with_stdin(&["repl"], session);
    assert_eq!(
        stderr(&out),
        "<repl>:1:14: Warning: Type error: expected Int, got String in call of f\n\
         <repl>:1:16: Warning: Type error: expected Int, got String in variable n\n\
         <repl>:1:14: Warning: non-exhaustive case over E; missing variants: B\n"
    );
}

#[test]
fn declarations_lead_to_declarations() {
    let session = "(type Id (Int | String))\n(class A (method m [] 1))\n(extend A (method n [] 2))\n\
                   (fn make [] -> A (new A))\n(fn take [x: Id] x)\n\
                   (fn f [] (try ((make) .n) catch IOError 0))\n(if false (take [1]))\n";
    let out = with_stdin(&["repl"], session);
    assert_eq!(stderr(&out), "<repl>:1:17: Warning: Type error: expected (Int | String), got Array in call of take\n");
}

#[test]
fn a_session_forgets_what_no_longer_holds() {
    for change in ["(fn f [x: String] x)", "(var f nil)", "(f = nil)", "(do (f = nil))", "(fn g [] (f = nil))"] {
        let out = with_stdin(&["repl"], &format!("(fn f [x: Int] x)\n{change}\n(if false (f \"s\"))\n"));
        assert_eq!(stderr(&out), "", "{change}");
    }
}

#[test]
fn strict_types_refuse_an_input_and_the_session_goes_on() {
    let out = with_stdin(&["repl", "--strict-types"], "(fn f [x: Int] x)\n(do (println \"no\") (f \"s\"))\n(f 5)\n");
    assert!(stderr(&out).starts_with("Error: <repl>:1:23: Type error: expected Int, got String in call of f\n"));
    assert_eq!(String::from_utf8_lossy(&out.stdout), "<Function f>\n5\n");
}

#[test]
fn the_code_of_a_pipe_is_checked_once() {
    let code = "(fn f [x: Int] x) (if ($line == \"z\") (f \"s\")) $line";
    let out = with_stdin(&["pipe", code], "a\nb\n");
    assert_eq!(stderr(&out), "<pipe>:1:41: Warning: Type error: expected Int, got String in call of f\n");
    assert_eq!((out.status.code(), &out.stdout[..]), (Some(0), &b"a\nb\n"[..]));
    let out = with_stdin(&["pipe", "--strict-types", code], "a\nb\n");
    assert_eq!((out.status.code(), &out.stdout[..]), (Some(1), &b""[..]));
}

#[test]
fn warnings_are_data_where_reports_are() {
    let out = gene(&["eval", "--diagnostics", "data", CODE]);
    assert_eq!(
        stderr(&out),
        "Warning: {^message \"Type error: expected Int, got String in call of f\" ^code \"GENE.COMPILE.WARNING\" \
         ^severity \"warning\" ^stage \"compile\" ^span {^file \"<eval>\" ^line 1 ^column 44} ^hints [] \
         ^repair_tags [\"runtime\"]}\n"
    );
}
