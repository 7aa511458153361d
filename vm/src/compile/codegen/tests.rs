//! From source text to instructions: the shapes that matter for speed, and programs whose meaning depends on code generation.
use crate::bytecode::disassemble;
use crate::driver::{Driver, HostFuture, HostKey, HostResult, Output};
use crate::heap::Kind;
use crate::modules::Outcome;
use crate::object::code::{CodeObj, Proto};
use crate::object::function::Function;
use crate::value::Value;
use crate::vm::{Options, Vm};
use std::cell::RefCell;
use std::rc::Rc;

struct Still;

impl Driver for Still {
    fn now_us(&self) -> u64 {
        0
    }
    fn wall_us(&self) -> i64 {
        0
    }
    fn start(&mut self, _: HostFuture) -> Result<HostResult, HostKey> {
        Err(HostKey(0))
    }
    fn cancel(&mut self, _: HostKey) {}
    fn pending(&self) -> usize {
        0
    }
    fn poll(&mut self, _: &mut Vec<(HostKey, HostResult)>) {}
    fn park(&mut self, _: Option<u64>, _: &mut Vec<(HostKey, HostResult)>) {}
    fn wake_handle(&self) -> std::sync::Arc<dyn Fn() + Send + Sync> {
        std::sync::Arc::new(|| {})
    }
    fn seed(&mut self) -> u64 {
        1
    }
}

struct Text(Rc<RefCell<String>>);

impl Output for Text {
    fn stdout(&mut self, s: &str) {
        self.0.borrow_mut().push_str(s);
    }
    fn stderr(&mut self, s: &str) {
        self.0.borrow_mut().push_str(s);
    }
    fn flush(&mut self) {}
}

fn vm() -> (Box<Vm>, Rc<RefCell<String>>) {
    let out = Rc::new(RefCell::new(String::new()));
    (Vm::new(Box::new(Still), Box::new(Text(out.clone())), Options::default()), out)
}

fn load(vm: &mut Vm, text: &str) -> Value {
    match vm.load_main("test.gene", text.to_string(), None, "test") {
        Ok(f) => f,
        Err(e) => panic!("{}", e.message()),
    }
}

/// What the program prints, and how it ends if not well.
fn run(text: &str) -> String {
    let (mut vm, out) = vm();
    let f = load(&mut vm, text);
    let end = vm.run_main(f, true);
    let mut printed = out.borrow().clone();
    if let Outcome::Threw(ex) = end {
        let message = ex.get(Kind::Instance).and_then(|m| vm.map_get(m, vm.names.message));
        printed.push_str(&format!("! {}\n", message.and_then(|m| m.as_str()).unwrap_or("?")));
    }
    printed
}

/// The code of the first function inside the module's body, one instruction per line, columns single-spaced.
fn code(text: &str) -> String {
    let (mut vm, _) = vm();
    let f = load(&mut vm, text);
    let body = f.gc::<Function>().proto();
    let inner = inner(body).expect("a function in the module");
    shown(inner)
}

fn inner(p: &Proto) -> Option<&Proto> {
    let v = p.consts.iter().find(|v| v.is_kind(Kind::Code))?;
    // SAFETY: the constant keeps the code object alive.
    Some(unsafe { &*v.gc::<CodeObj>().proto() })
}

fn shown(p: &Proto) -> String {
    let text = disassemble(p);
    let lines = text.lines().map(|l| l.split_whitespace().skip(1).collect::<Vec<_>>().join(" "));
    lines.collect::<Vec<_>>().join("\n")
}

#[track_caller]
fn prints(text: &str, expected: &str) {
    assert_eq!(run(text), expected);
}

#[track_caller]
fn has_code(text: &str, expected: &str) {
    let expected: Vec<&str> = expected.trim().lines().map(str::trim).collect();
    assert_eq!(code(text), expected.join("\n"));
}

// --- shapes

#[test]
fn conditions_are_fused() {
    has_code(
        "(fn f [n] (if (n < 2) n else (n + 1)))",
        "JnLtI 0 2 0 1
         Ret 0 0 0 0
         AddI 1 0 0 1
         Ret 1 0 0 0",
    );
    has_code(
        "(fn f [a b c] (if ((a < b) && (b < c) || (! (a == 3))) 1 else 2))",
        "JnLt 0 1 0 1
         JLt 1 2 0 1
         JEqI 0 3 0 2
         LoadI 3 0 0 1
         Ret 3 0 0 0
         LoadI 3 0 0 2
         Ret 3 0 0 0",
    );
}

#[test]
fn loops_are_tested_at_the_bottom() {
    has_code(
        "(fn f [n] (var s 0) (var i 0) (while (i < n) (s += i) (i += 1)) s)",
        "LoadI 1 0 0 0
         LoadI 2 0 0 0
         JnLt 2 0 0 3
         Add 1 1 2 0
         AddI 2 2 0 1
         LoopLt 2 0 0 -3
         Ret 1 0 0 0",
    );
}

#[test]
fn counting_loops() {
    has_code(
        "(fn f [n] (var t 0) (for i in (1 .. n) (t += i)) t)",
        "LoadI 1 0 0 0
         LoadI 2 0 0 1
         Move 3 0 0 0
         LoadS 4 0 0 0
         ForPrep 2 2 0 2
         Add 1 1 2 0
         ForLoop 2 2 0 -2
         Ret 1 0 0 0",
    );
    // A variable that is assigned is not the counter, one that is captured gets a cell each time.
    has_code(
        "(fn f [xs] (repeat i in 3 (i += 1) (xs .add (fn [] i))) 1)",
        "LoadI 2 0 0 3
         RepeatPrep 1 6 0 8
         MakeCell 6 0 0 0
         GetCell 8 6 0 0
         AddI 7 8 0 1
         SetCell 6 7 0 0
         Move 10 0 0 0
         Closure 11 0 0 0
         Method 7 1 7 0
         ForLoop 1 6 0 -8
         LoadI 1 0 0 1
         Ret 1 0 0 0",
    );
}

#[test]
fn calls_in_tail_position() {
    has_code(
        "(fn f [a b] (if (b == 0) a else (f b (a % b))))",
        "JnEqI 1 0 0 1
         Ret 0 0 0 0
         Move 5 1 0 0
         Mod 6 0 1 0
         TailMod 2 2 0 0",
    );
    has_code(
        "(fn f [o] (return (o .m 1)))",
        "Move 4 0 0 0
         LoadI 5 0 0 1
         TailMethod 1 1 0 0",
    );
    // Not with a checked result.
    has_code(
        "(fn f [g] -> Int (g))",
        "Move 1 0 0 0
         Call 1 0 1 0
         CheckInt 1 255 255 0
         Ret 1 0 0 0",
    );
}

#[test]
fn locals_are_operands() {
    has_code("(fn f [a b] (a * b))", "Mul 2 0 1 0\nRet 2 0 0 0");
    has_code("(fn f [x] (x = (x + 1)) x)", "AddI 0 0 0 1\nRet 0 0 0 0");
    // Not when a later operand assigns the variable.
    has_code(
        "(fn f [x] (x + (x = 5)))",
        "Move 2 0 0 0
         LoadI 0 0 0 5
         Move 3 0 0 0
         Add 1 2 3 0
         Ret 1 0 0 0",
    );
}

#[test]
fn captured_values_stay_in_registers_over_loops() {
    let (mut vm, _) = vm();
    let f = load(&mut vm, "(fn f [a n] (fn [x] (repeat n (a .add x)) a))");
    let f = inner(f.gc::<Function>().proto()).unwrap();
    assert_eq!(
        shown(inner(f).unwrap()).lines().collect::<Vec<_>>(),
        [
            "GetCap 1 0 0 0",
            "GetCap 2 1 0 0",
            "Move 4 1 0 0",
            "RepeatPrep 3 3 0 4",
            "Move 11 2 0 0",
            "Move 12 0 0 0",
            "Method 8 1 8 0",
            "ForLoop 3 3 0 -4",
            "Ret 2 0 0 0"
        ]
    );
}

// --- meaning

#[test]
fn operands_keep_their_values() {
    prints(
        "(fn f [x] [(x + (x = 5)) x (x - (do (x = 1) x)) [x (x = 2) x]])
         (println (f 1))
         (fn g [a i] (a/<i> = (do (a = nil) (i = 9) 7)))
         (var l [1 2])
         (println (g l 1) l)
         (fn h [x] (if (x < (do (x = 9) x) < 10) x else -1))
         (println (h 1) (h 20))",
        "[6 5 4 [1 2 2]]\n7 [1 7]\n9 -1\n",
    );
}

#[test]
fn a_failed_assignment_changes_nothing() {
    prints(
        "(fn f [x]
           (try (x = (x + \"s\")) catch * nil)
           (try (x = (x and (throw 1))) catch * nil)
           (try (x = (do (try 8 finally (throw 2)))) catch * nil)
           (try (x = [1 2 (throw 3)]) catch * nil)
           (try (x = (loop (break (throw 4)))) catch * nil)
           x)
         (println (f 1))
         (fn g [x] (x = (x or x)) (x = (x && x)) (x = (nil || x)) x)
         (println (g 6))",
        "1\n6\n",
    );
}

#[test]
fn every_way_through_finally() {
    prints(
        "(fn f [how]
           (var log [])
           (var r (loop
             (for i in [1 2 3]
               (try
                 (try
                   (if (how == 1) (break i))
                   (if (how == 2) (continue))
                   (if (how == 3) (return [\"ret\" i log]))
                   (if (how == 4) (throw \"oops\"))
                   (log .add i)
                 finally (log .add \"inner\"))
               finally (log .add \"outer\")))
             (break \"end\")))
           [r log])
         (println (f 0))
         (println (f 1))
         (println (f 2))
         (println (f 3))
         (try (f 4) catch * (println $ex/message))",
        "[end [1 inner outer 2 inner outer 3 inner outer]]\n[end [inner outer]]\n[end [inner outer inner outer inner outer]]\n\
         [ret 1 [inner outer]]\noops\n",
    );
    prints(
        "(fn a [] (try (return 1) finally (return 2)))
         (fn b [] (loop (try (break 1) finally (break 2))))
         (fn c [] (try (throw \"x\") finally (return 3)))
         (fn d [] (var n 0) (while (n < 3) (n += 1) (try (continue) finally (if (n == 2) (break \"two\")))))
         (fn e [] (try (try (throw 1) catch * (throw 2) finally (print \"f \")) catch * $ex/message))
         (fn f [] (try 1 finally 2))
         (println (a) (b) (c) (d) (e) (f))",
        "f 2 2 3 two 2 1\n",
    );
}

#[test]
fn leaving_iterators_closes_them() {
    prints(
        "(fn gen* [n] (try (for i in (1 .. n) (yield i)) finally (print \"closed\" n \"\")))
         (fn a [] (for x in (gen* 3) (if (x == 2) (break x))))
         (fn b [] (for x in (gen* 4) (for y in (gen* 5) (return [x y]))))
         (fn c [] (try (for x in (gen* 6) (throw \"t\")) catch * $ex/message))
         (fn d [] (try (for x in (gen* 7) (try (throw \"u\") finally (print \"fin \"))) catch * $ex/message))
         (fn e [] (for x in (gen* 2) (continue)))
         (println (a) (b) (c) (d) (e))",
        "closed 3 closed 5 closed 4 closed 6 fin closed 7 closed 2 2 [1 1] t u nil\n",
    );
}

#[test]
fn parameters_are_bound_in_order() {
    prints(
        "(fn f [a b = (a + 1) [c d = b] = [b] ^k = (c + d) ^rest...] [a b c d k rest])
         (println (f 1) (f 1 5) (f 1 5 [6 7]) (f 1 ^k 0 ^z 2))
         (fn g [x: Float rest...: Int] [x rest])
         (println (g 1 2 3.0))
         (try (g 1 \"s\") catch * (println $ex/message))
         (fn h [a = (b2)] a)
         (fn b2 [] 7)
         (println (h))
         (fn gen* [n: Int] (yield n))
         (try (gen* \"s\") catch TypeException (println \"at once\"))",
        "[1 2 2 2 4 {}] [1 5 5 5 10 {}] [1 5 6 7 13 {}] [1 2 2 2 0 {^z 2}]\n[1.0 [2 3]]\n\
         Type error [GENE_TYPE_MISMATCH]: expected Int, got String in rest\n7\nat once\n",
    );
}

#[test]
fn patterns_bind_all_or_nothing() {
    prints(
        "(fn f [v]
           (var a 1)
           (try (do (var [x [y z]] v) (a = [x y z])) catch * (print $ex/message \"\"))
           a)
         (println (f [1 [2 3]]) (f [1 [2]]))
         (var [p = 1 [q r] = [p p] rest...] [])
         (println p q r rest)
         (var {^a {^b [c d]} ^e (= f 5) ^o...} {^a {^b [1 2]} ^z 3})
         (println c d f o)",
        "Destructuring pattern mismatch: Expected 2 values, got 1 [1 2 3] 1\n1 1 1 []\n1 2 5 {^z 3}\n",
    );
}

#[test]
fn cells_are_fresh_each_time() {
    prints(
        "(var fs [])
         (for [i j] in [[1 2] [3 4]] (fs .add (fn [] (i += j))))
         (for i in (1 .. 2) (var k i) (fs .add (fn [] (k += 1))))
         (var n 0)
         (while (n < 2) (var m n) (fs .add (fn [] (m += 10))) (n += 1))
         (println (fs/0) (fs/0) (fs/1) (fs/2) (fs/3) (fs/4) (fs/5))",
        "3 5 7 2 3 10 11\n",
    );
}

#[test]
fn many_of_everything() {
    // More top-level variables than registers.
    let mut text = String::new();
    for i in 0..400 {
        text.push_str(&format!("(var v{i} {i})\n"));
    }
    text.push_str("(v399 += v0) (var [q w] [v398 v399]) (println v0 v119 v120 v399 q w)\n");
    text.push_str("(for i in (1 .. 2) (v300 += i)) (println v300)");
    prints(&text, "0 119 120 399 398 399\n303\n");
    // Long literals and argument lists.
    let items: Vec<String> = (0..1000).map(|i| i.to_string()).collect();
    let calls: Vec<String> = (0..300).map(|i| format!("(id {i})")).collect();
    let keys: Vec<String> = (0..300).map(|i| format!("^k{i} (id {i})")).collect();
    let (items, calls, keys) = (items.join(" "), calls.join(" "), keys.join(" "));
    prints(
        &format!(
            "(fn id [x] x) (fn f [a...] (a .size)) (fn g [^all...] (all .size))
             (println ([{items}] .size) (f {calls}) ([{calls}] .size) ({{{keys}}} .size) (f {items}) (g {keys})
               (#\"{}\" .size))",
            (0..200).map(|i| format!("#{{id {i}}}-")).collect::<String>().replace("#{id", "#{(id").replace("}-", ")}-")
        ),
        "1000 300 300 300 1000 300 690\n",
    );
    // Deep nesting does not overflow the native stack.
    let deep = format!("(println {}1{})", "(1 + ".repeat(3000).as_str(), ")".repeat(3000));
    prints(&deep, "3001\n");
    let chain = format!(
        "(fn id [x] x) (println (1 {}) {}2{})",
        ".to_i; ".repeat(300) + ".to_i",
        "(id ".repeat(200),
        ")".repeat(200)
    );
    prints(&chain, "1 2\n");
}

#[test]
fn contracts_show_arguments_as_bound() {
    prints(
        "(fn f [n k = 2] ^pre [(n > 0)] ^post [(result > n)] (n = 0) (n - k))
         (try (f -1) catch * (println $ex/message))
         (try (f 5) catch * (println $ex/message))",
        "ContractViolation: f precondition #1 failed: (n > 0) | args=[n=-1 k=2]\n\
         ContractViolation: f postcondition #1 failed: (result > n) | args=[n=5 k=2] | result=-2\n",
    );
}

#[test]
fn members_and_updates() {
    prints(
        "(var a [1 2 3])
         (fn f [] (var i 2) (a/0 += 10) (a/<i> *= (do (i = 0) 5)) (a/-1 -= 1) a)
         (println (f))
         (var m {^n nil})
         (println (m/n ||= 4) (m/n ||= 5) (m/n &&= 6) (m/z &&= 7) m)
         (fn g [] (var i 1) (a/<i> = 9) a/i)
         (println (g) a)",
        "[11 2 14]\n4 4 6 void {^n 6}\n9 [11 9 14]\n",
    );
}

#[test]
fn logic_values() {
    prints(
        "(fn f [a b] [(a && b) (a || b) (a and b) (a or b) (! a) (not a)])
         (println (f 12 10) (f nil 1) (f false true) (f 0 nil))
         (fn g [a] [(a && 10) (a && nil) (a || 3)])
         (println (g 12) (g nil) (g \"s\"))
         (fn noisy [x] (print \"n \") x)
         (fn h [a] (if (a || (noisy true)) 1 else 2))
         (println (h 1) (h nil) (h \"t\"))",
        "[8 14 10 12 -13 false] [nil 1 nil 1 true true] [false true false true true true] [nil 0 nil 0 -1 false]\n\
         [8 nil 15] [nil nil 3] [10 nil s]\nn n 1 1 1\n",
    );
}

#[test]
fn case_patterns() {
    prints(
        "(enum Tree Leaf (Node l v r))
         (fn f [x]
           (case x
             when 1 \"one\"
             when \"s\" \"str\"
             when Tree/Leaf \"leaf\"
             when (Node Leaf v Leaf) if (v > 5) #\"big #{v}\"
             when (Node _ v _) #\"node #{v}\"
             when [a b] (fn [] (+ a b))
             when [a _ rest... z] [a rest z]
             when {^k (or 1 2) ^rest...} rest
             when `(g ^p q c) [q c]
             when (is Int n) (- n)
             when (not String) \"other\"
             else \"string\"))
         (println (f 1) (f \"s\") (f Tree/Leaf) (f (Tree/Node Tree/Leaf 9 Tree/Leaf)) (f (Tree/Node Tree/Leaf 2 Tree/Leaf)))
         (println ((f [3 4])) (f [1 2 3 4 5]) (f {^k 2 ^z 1}) (f `(g ^p 1 2)) (f 77) (f 1.5) (f \"t\"))",
        "one str leaf big 9 node 2\n7 [1 [3 4] 5] {^z 1} [1 2] -77 other string\n",
    );
}

/// Development aid: runs the examples of the language specification named by `GENE_SPEC` (a directory) and reports differences.
#[test]
#[ignore = "needs the specification"]
fn specification_examples() {
    let dir = std::env::var("GENE_SPEC").expect("GENE_SPEC");
    let only = std::env::var("GENE_ONLY").unwrap_or_default();
    let mut files: Vec<_> = std::fs::read_dir(dir).unwrap().flatten().map(|f| f.path()).collect();
    files.sort();
    let (mut good, mut bad) = (0, 0);
    for f in files {
        let name = f.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&f).unwrap();
        for (n, part) in text.split("```gene\n").skip(1).enumerate() {
            let id = format!("{name}#{n}");
            let Some((program, rest)) = part.split_once("```\n") else { continue };
            let Some(expected) = rest.strip_prefix("```text\n").and_then(|r| r.split_once("```")).map(|r| r.0) else {
                continue;
            };
            if !id.contains(&only) {
                continue;
            }
            let program = program.to_string();
            let got = std::panic::catch_unwind(move || run(&program))
                .unwrap_or_else(|e| format!("panic: {}", e.downcast_ref::<String>().map_or("?", |s| s.as_str())));
            if got.trim_end() == expected.trim_end() {
                good += 1;
            } else {
                bad += 1;
                println!("=== {id}\n--- expected\n{expected}--- got\n{got}");
            }
        }
    }
    println!("{good} good, {bad} bad");
}

/// Development aid: prints the code of the program in `GENE_FILE`.
#[test]
#[ignore = "prints"]
fn print_code() {
    let text = std::fs::read_to_string(std::env::var("GENE_FILE").expect("GENE_FILE")).unwrap();
    let (mut vm, _) = vm();
    let f = load(&mut vm, &text);
    let mut todo = vec![f.gc::<Function>().proto()];
    while let Some(p) = todo.pop() {
        println!("--- {} nregs {}", vm.sym_name(p.trace_name), p.nregs);
        for (i, k) in p.consts.iter().enumerate() {
            print!(" k{i}={k:?}");
        }
        println!("\n{}", disassemble(p));
        for v in &p.consts {
            if v.is_kind(Kind::Code) {
                // SAFETY: as above.
                todo.push(unsafe { &*v.gc::<CodeObj>().proto() });
            }
        }
    }
}
