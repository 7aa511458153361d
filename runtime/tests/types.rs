//! The static type checker and the options that concern types.
use gene::{Vm, VmBuilder};

fn builder() -> VmBuilder {
    Vm::builder().capture_output()
}

/// What checking `code` writes to stderr, without the file name.
#[track_caller]
fn checked(builder: VmBuilder, code: &str) -> (usize, String) {
    let mut vm = builder.build();
    let errors = vm.check_source("a.gene", code.as_bytes());
    (errors, vm.captured_stderr().replace("a.gene:", ""))
}

#[track_caller]
fn warns(code: &str, expected: &[&str]) {
    let (errors, text) = checked(builder(), code);
    let lines: Vec<&str> = text.lines().collect();
    let expected: Vec<String> = expected.iter().map(|line| line.replacen(' ', " Warning: ", 1)).collect();
    assert_eq!((errors, lines), (0, expected.iter().map(String::as_str).collect::<Vec<_>>()), "{code}");
}

#[track_caller]
fn silent(code: &str) {
    warns(code, &[]);
}

#[test]
fn arguments() {
    warns("(fn f [x: Int] x) (f \"s\")", &["1:22: Type error: expected Int, got String in call of f"]);
    warns("(fn f [x: Int ^k: String] x) (f 1 ^k 2)", &["1:38: Type error: expected String, got Int in call of f"]);
    warns("(fn f [a = 1 b: Int] b) (f \"b\")", &["1:28: Type error: expected Int, got String in call of f"]);
    warns("(fn f [xs...: Int] xs) (f 1 \"b\" 2)", &["1:29: Type error: expected Int, got String in call of f"]);
    warns("(fn f [xs... last: Int] xs) (f 1 \"b\")", &["1:34: Type error: expected Int, got String in call of f"]);
    warns("(fn f [x: (Int | Nil)] x) (f [1])", &["1:30: Type error: expected (Int | Nil), got Array in call of f"]);
    warns("(fn f [g: (Fn [Int] Int)] g) (f 5)", &["1:33: Type error: expected (Fn [Int] Int), got Int in call of f"]);
    warns("(var f (fn [x: Int] x)) (f `s)", &["1:28: Type error: expected Int, got Symbol in call of <fn>"]);
    warns(
        "(class A (ctor [n: Int] nil) (method m [s: String] s)) (new A \"x\") ((new A 1) .m 5)",
        &[
            "1:63: Type error: expected Int, got String in call of A",
            "1:82: Type error: expected String, got Int in call of m",
        ],
    );
    warns(
        "(enum S (C r: Float) (P x: Int)) (S/C \"r\") (S/P ^x true)",
        &[
            "1:39: Type error: expected Float, got String in call of S/C",
            "1:52: Type error: expected Int, got Bool in call of S/P",
        ],
    );
}

#[test]
fn arguments_that_may_be_right_are_no_errors() {
    silent("(fn f [x: Int] x) (f 1) (f 2.5) (f nil) (var m {}) (f m/none) (f (f 1))");
    silent("(fn f [x: Float] x) (f 1)");
    silent("(fn f [x: Int] x) (fn g [y] (f y)) (fn h [] \"s\") (f (h))");
    silent("(fn f [x: (Int | String)] x) (f 1) (f \"s\")");
    silent("(fn f [x: Int] x) (fn g [y: (Int | String)] (f y))");
    silent("(fn f [xs: (Array Int)] xs) (f []) (f [1]) (var ys [1]) (ys .push \"a\") (f ys)");
    silent("(fn f [g: (Fn [Int] Int)] g) (f (x -> x)) (f abs) (f Ok) (class C (method call [x] x)) (f (new C))");
    silent("(fn f [x: Object] x) (f 1) (fn g [x: Foo] x) (g 1)");
    silent("(fn f [x: Int y: Int] x) (f [1 2]...) (f 1)");
    silent("(fn f [x: Int] x) (f = (fn [x] x)) (f \"s\")");
    silent("(fn f [x: Function] x) (f f) (f (fn [] 1)) (fn g [c: Class] c) (g Int) (class A) (g A)");
    silent("(fn f [e: Exception] e) (f (new IOError \"x\")) (class Own < IOError) (f (new Own \"y\"))");
    silent("(class A) (class B < A) (fn f [a: A] a) (f (new B)) (fn g [b: B] b) (fn h [a: A] (g a))");
    silent("(enum E X (Y v)) (fn f [e: E] e) (f E/X) (f (E/Y 1))");
    silent(
        "(fn f [o: (Option Int)] o) (f (Some 1)) (f None) (fn g [r: (Result Int String)] r) (g (Ok 1)) (g (Err \"\"))",
    );
    silent("(fn f [x: Symbol] x) (f `s) (fn g [x: Gene] x) (g `(a b)) (fn h [d: Date] d) (h 2024-01-01)");
    silent("(fn f [x: Number] x) (f 1) (f 1.5) (fn g [x: Any] x) (g \"s\") (fn h [x: Void] x) (h void)");
}

#[test]
fn generic_parameters_are_inferred_per_call() {
    let id = "(fn id:T [x: T] -> T x) (fn f [x: Int] x)";
    silent(&format!("{id} (f (id 3))"));
    warns(&format!("{id} (f (id \"x\"))"), &["1:46: Type error: expected Int, got String in call of f"]);
    silent("(fn either:T [xs: (Array T) d: T] -> T d) (fn f [x: Int] x) (f (either [1] \"s\")) (f (either [] 1))");
    silent("(enum Box:T (Full v: T)) (fn f [x: Int] x) (fn g [b: (Box Int)] (case b when (Full v) (f v)))");
    warns(
        "(enum Box:T (Full v: T)) (fn f [x: Int] x) (fn g [b: (Box String)] (case b when (Full v) (f v)))",
        &["1:93: Type error: expected Int, got String in call of f"],
    );
}

#[test]
fn variables_fields_and_results() {
    warns("(var x: Int \"s\")", &["1:13: Type error: expected Int, got String in variable x"]);
    warns("(var x: Int 1) (x = \"s\")", &["1:21: Type error: expected Int, got String in variable x"]);
    warns("(var x: String \"\") (x += 1)", &["1:21: Type error: expected Number, got String in +"]);
    warns("(fn f [] -> Int \"s\")", &["1:17: Type error: expected Int, got String in return value of f"]);
    warns(
        "(fn f [c] -> Int (if c (return \"s\")) 1)",
        &["1:32: Type error: expected Int, got String in return value of f"],
    );
    warns(
        "(fn f [c] -> Int (if c 1 else \"s\"))",
        &["1:31: Type error: expected Int, got String in return value of f"],
    );
    warns(
        "(fn f* [] -> Int (yield 1) (yield \"s\"))",
        &["1:35: Type error: expected Int, got String in return value of f*"],
    );
    warns(
        "(class A (field n: Int) (method set [] (/n = \"s\")))",
        &["1:46: Type error: expected Int, got String in field n"],
    );
    warns(
        "(class A ^fields {^n Int} (method set [] (/n = \"s\")))",
        &["1:48: Type error: expected Int, got String in field n"],
    );
    silent("(var x 1) (x = \"s\") (fn f [y: String] y) (f x)");
    silent("(fn f [] -> Int) (fn g [] -> Int (throw \"x\")) (fn h [c] -> Int (if c 1))");
    silent("(fn f* [] -> Int (yield 1) \"the end\")");
    silent("(var x 1) (fn f [] (x = \"s\")) (fn g [y: String] y) (f) (g x)");
    silent("(fn sw! [a] ($caller_eval a)) (fn g [y: String] y) (fn h [] (var x 1) (sw! (x = \"s\")) (g x))");
    silent("(for x in [1 2] (var y x) (fn g [z: String] z) (if (y is String) (g y)))");
}

#[test]
fn operators() {
    warns("(1 + \"a\")", &["1:6: Type error: expected Number, got String in +"]);
    warns("(\"a\" * 2)", &["1:2: Type error: expected Number, got String in *"]);
    warns("(\"a\" ++ 1)", &["1:9: Type error: expected String, got Int in ++"]);
    warns("(\"a\" < 1)", &["1:8: Type error: expected String, got Int in <"]);
    warns("(- \"a\")", &["1:4: Type error: expected Number, got String in -"]);
    warns("(fn f [s: String] (s - 1))", &["1:20: Type error: expected Number, got String in -"]);
    warns("(((\"abc\" .length) ++ \"x\"))", &["1:3: Type error: expected String, got Int in ++"]);
    silent("(1 + 2.5) (\"a\" ++ \"b\") ([1] ++ [2]) ('a' < 'b') (1 == \"a\") (2024-01-01 + 1h) (1h * 2) (nil == 1)");
    silent("(class V (method \"+\" [o] o)) ((new V) + 1) (fn f [v: V] (v + \"a\"))");
    silent("(fn f [x: (Int | String)] (x + 1))");
}

#[test]
fn unknown_methods() {
    let a = "(class A (method m [] 1))";
    warns(&format!("{a} ((new A) .jj)"), &["1:27: Type error: unknown method jj on A"]);
    warns(&format!("{a} (fn f [a: A] (a .jj))"), &["1:40: Type error: unknown method jj on A"]);
    warns("(\"abc\" .zork)", &["1:1: Type error: unknown method zork on String"]);
    silent(&format!("{a} ((new A) .m) ((new A) .to_s) ((new A) .is A)"));
    silent("(class A (on_method_missing [n args...] n)) ((new A) .jj)");
    silent(&format!("{a} (extend A (method jj [] 2)) ((new A) .jj)"));
    silent(&format!("{a} (class B < A (method jj [] 2)) (fn f [a: A] (a .jj))"));
    silent("(class A (ctor [] (/jj = 5))) ((new A) .jj)");
    silent("(class A (field jj)) ((new A) .jj)");
    silent("(class A) (var a (new A)) (a/jj = 5) (a .jj)");
    silent("(class A) (fn put [o k v] (o/<k> = v)) ((new A) .jj)");
    silent("(class E < Exception) ((new E \"m\") .full_message)");
    silent("(import zork from \"x\") (\"abc\" .zork)");
    silent("(extend String (method zork [] 1)) (\"abc\" .zork)");
    silent("(var x nil) (x .zork)");
}

#[test]
fn narrowing() {
    let fs = "(fn i [x: Int] x) (fn s [x: String] x)";
    for code in [
        "(fn f [x: (Int | String)] (if (x is Int) (i x) else (s x)))",
        "(fn f [x: (Int | String)] (if (x .is Int) (i x) else (s x)))",
        "(fn f [x: (Int | String)] (if (not (x is Int)) (s x) else (i x)))",
        "(fn f [x: (Int | String) y: (Int | String)] (if ((x is Int) && (y is String)) (do (i x) (s y))))",
        "(fn f [x: (Int | String)] (if ((x is Int) and (x > 1)) (i x)))",
        "(fn f [x: (Int | Nil)] (if (x != nil) (i x)) (if (x == nil) 0 else (i x)) (if x (i x)))",
        "(fn f [x: (Int | String)] (case x when (is Int n) (i n) when String (s x) else 0))",
        "(fn f [x: (Int | String)] (case x when Int (i x) else (s x)))",
        "(fn f [x: (Int | String)] (if (x is Int) (x = \"a\")) (s x))",
        "(fn f [x: (Int | String)] (while (x is Int) (i x) (x = \"a\")) (s x))",
        "(fn f [x] (if (x is Int) (i x)) (if (x is String) (s x)))",
        "(fn f [x: (Int | String)] (var g (fn [] (x = \"a\"))) (if (x is Int) (do (g) (s x))))",
        "(class A) (class B < A) (fn b [x: B] x) (fn f [x: A] (if (x is B) (b x)))",
    ] {
        silent(&format!("{fs} {code}"));
    }
    let loud = |code: &str, at: &str| {
        let expected = format!("1:{}: {at}", fs.len() + 2 + code.find('@').unwrap_or(0));
        warns(&format!("{fs} {}", code.replacen('@', "", 1)), &[&expected]);
    };
    loud("(fn f [x: (Int | String)] (if (x is Int) (s @x)))", "Type error: expected String, got Int in call of s");
    loud(
        "(fn f [x: (Int | String)] (if (x is Int) 1 else (i @x)))",
        "Type error: expected Int, got String in call of i",
    );
    loud("(fn f [x] (if ((x is Int) && (x > 1)) (s @x)))", "Type error: expected String, got Int in call of s");
    loud(
        "(fn f [x: (Int | String | Nil)] (case x when nil 0 when Int 1 else (i @x)))",
        "Type error: expected Int, got String in call of i",
    );
    loud("(fn f [x: (Int | String)] (if_not (x is Int) (i @x)))", "Type error: expected Int, got String in call of i");
}

#[test]
fn code_that_catches_the_exception_is_not_judged() {
    silent("(fn f [x: Int] x) (try (f \"s\") catch TypeException nil) (try (1 + \"a\") catch * nil)");
    silent("(fn f [x: Int] x) (try (f \"s\") catch e nil) (try [(fn [] (f \"s\"))] catch Exception nil)");
    warns(
        "(fn f [x: Int] x) (try (f \"s\") catch IOError nil)",
        &["1:27: Type error: expected Int, got String in call of f"],
    );
    warns(
        "(fn f [x: Int] x) (try nil catch * (f \"s\"))",
        &["1:39: Type error: expected Int, got String in call of f"],
    );
}

#[test]
fn warnings_never_stop_a_program() {
    let mut vm = builder().build();
    assert_eq!(vm.run_source("a.gene", "(fn f [x: Int] x) (println 1) (if false (f \"s\"))"), 0);
    assert_eq!(vm.captured_stdout(), "1\n");
    assert_eq!(vm.captured_stderr(), "a.gene:1:44: Warning: Type error: expected Int, got String in call of f\n");
}

#[test]
fn the_checker_can_be_turned_off() {
    let code = "(fn f [x: Int] x) (println 1) (f \"s\")";
    assert_eq!(checked(builder().type_check(false), code), (0, String::new()));
    assert_eq!(checked(builder().warnings(false), code), (0, String::new()));
    // The check at run time stays.
    let mut vm = builder().type_check(false).build();
    assert_eq!(vm.run_source("a.gene", code), 1);
    assert!(vm.captured_stderr().starts_with("Error: TypeException: Type error [GENE_TYPE_MISMATCH]: expected Int"));
}

#[test]
fn strict_types_are_errors() {
    let code = "(println 1)\n(fn f [x: Int] x)\n(f \"s\")\n(var y: Int [])";
    for warnings in [true, false] {
        let mut vm = builder().strict_types(true).warnings(warnings).build();
        assert_eq!(vm.run_source("a.gene", code), 1);
        assert_eq!(vm.captured_stdout(), "");
        assert_eq!(
            vm.captured_stderr(),
            "Error: a.gene:3:4: Type error: expected Int, got String in call of f\n   3 | (f \"s\")\n     |    ^\n\
             Error: a.gene:4:13: Type error: expected Int, got Array in variable y\n   4 | (var y: Int [])\n     |             ^\n"
        );
    }
    assert_eq!(checked(builder().strict_types(true), code).0, 2);
}

#[test]
fn strict_nil() {
    let code = "(fn f [x: Int] x) (fn g [x: (Option Int)] x) (fn h [x: (Int | Nil)] x) (g nil) (h nil) (f nil)";
    let (_, text) = checked(builder().strict_nil(true), code);
    assert_eq!(text, "1:91: Warning: Type error: expected Int, got Nil in call of f\n");
    let mut vm = builder().strict_nil(true).warnings(false).build();
    let code = "(type Maybe (Nil | Int)) (class C)
      (println ((fn [x: Any] x) nil) ((fn [x: Nil] x) nil) ((fn [x: (Option Int)] x) nil) ((fn [x: Maybe] x) nil))
      (fn report [f] (try (f) catch TypeException (println $ex/message)))
      (report (fn [] ((fn [x: Int] x) nil)))
      (report (fn [] ((fn [x: (Int | String)] x) nil)))
      (report (fn [] (var c: C nil)))
      (report (fn [] ((fn [] -> Int nil))))";
    assert_eq!(vm.run_source("a.gene", code), 0);
    let told = "(nil is only accepted by Any, Nil, Option and unions containing Nil)";
    let expected = [
        "Int, got Nil in x",
        "(Int | String), got Nil in x",
        "C, got Nil in variable c",
        "Int, got Nil in return value of <fn>",
    ];
    let lines: Vec<String> =
        expected.iter().map(|e| format!("Type error [GENE_TYPE_MISMATCH]: expected {e} {told}\n")).collect();
    assert_eq!(vm.captured_stdout(), format!("nil nil nil nil\n{}", lines.concat()));
}

#[test]
fn no_warnings_means_no_lossy_conversions_on_stderr() {
    let mut vm = builder().warnings(false).build();
    assert_eq!(vm.run_source("a.gene", "(println ((fn [n: Int] n) 3.9))"), 0);
    assert_eq!((vm.captured_stdout(), vm.captured_stderr()), ("3\n".to_owned(), String::new()));
}

#[test]
fn a_program_that_is_right_is_right_under_every_option() {
    let code = include_str!("../../testsuite/programs/18-types/a_program_with_annotations_everywhere.gene");
    let mut vm = builder().strict_types(true).strict_nil(true).build();
    assert_eq!(vm.run_source("a.gene", code), 0);
    assert_eq!(vm.captured_stderr(), "");
}
