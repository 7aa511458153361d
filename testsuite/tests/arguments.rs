//! Calls every builtin with arguments of every kind, in every number. Whatever it is given, a builtin answers with a value or an
//! exception in time, says so when there are too many arguments, and knows its keywords. The calls are chosen by a seed
//! (`GENE_SEED` names another); with `GENE_CALLS=FILE` they are written there with what came of them.
//!
//! Builtins are enumerated from their doc strings, so a new one is covered as soon as it exists; a new class needs a
//! receiver in `RECEIVERS`.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

use gene::{Entry, Error, Home, Vm};
use gene_testsuite::mutate::Rng;

/// Seconds after which one call hangs.
const PATIENCE: u64 = 30;

/// Calls of each builtin with each number of arguments it may have.
const CALLS: usize = 40;

/// Calls that take longer are noted in the log.
const SLOW: Duration = Duration::from_millis(100);

/// Builtins that share a machine: what they leave behind (tasks, timers, streams) is in the way of the next ones.
const PER_VM: usize = 25;

/// What the arguments need. Each is evaluated for each call, so that a call may change or close what it gets.
const SETUP: &str = r#"
(fn loop_array [] (var a [1]) (a .add a) a)
(fn loop_map [] (var m {^k 1}) (m .set "self" m) m)
(fn loop_hash_map [] (var m {{1 2}}) (m .set 3 m) m)
(fn loop_gene [] (var g `(g 1)) (g .add_child g) g)
(fn numbers* [] (yield 1) (yield 2))
(fn closed [] (var g (numbers*)) (g .next) (g .close) g)
(fn started [] (var g (numbers*)) (g .next) g)
(fn failed [] (var f (new gene/Future)) (f .fail (new Exception "f")) f)
(fn done [] (var f (new gene/Future)) (f .complete 5) f)
(fn many [] (array_of 300 7))
(fn deep [] (var a []) (repeat 3000 (a = [a])) a)
(class Thing (ctor [] (/x = 1)))
(class Odd (ctor [] (/x = 1)) (method "==" [o] true) (method hash [] 1) (method to_s [] "odd") (method call [x] x))
(class Wrong (ctor []) (method hash [] "no") (method to_s [] 5))
(class Endless (method iter [] self) (method next [] 1))
(interface Shape (method area []))
(enum Colour red (mix a b))
(var huge (new File "huge"))
"#;

const ARGUMENTS: &[&str] = &[
    "nil",
    "void",
    "true",
    "0",
    "1",
    "-1",
    "2",
    "7",
    "1000",
    "9223372036854775807",
    "-9223372036854775808",
    "140737488355328",
    "1.5",
    "-0.5",
    "1e300",
    "math/NAN",
    "math/INF",
    "(- math/INF)",
    "\"\"",
    "\"abc\"",
    "\"1\"",
    "\"%Y %q\"",
    "\"é😀\\u0000\"",
    "(\"ab\" .repeat 3000)",
    "(\"héß\" .repeat 300)",
    "'c'",
    "'😀'",
    "`sym",
    "`a/b",
    "(Bytes .zeros 0)",
    "0#00ff",
    "[]",
    "[1 2 3]",
    "[\"b\" \"a\"]",
    "[[1 2] [3 4]]",
    "[[\"k\" 1]]",
    "#[1]",
    "(loop_array)",
    "(many)",
    "(deep)",
    "{}",
    "{^a 1 ^b \"x\"}",
    "#{^a 1}",
    "(loop_map)",
    "{{1 2 \"k\" nil}}",
    "(loop_hash_map)",
    "(new HashSet)",
    "(new HashSet 1 \"x\")",
    "(0 .. 3)",
    "(range 5 1 -2)",
    "(range 0)",
    "(range 0.0 1.0 0.25)",
    "('a' .. 'c')",
    "(1 .. 9223372036854775807)",
    "`(g ^p 1 \"c\" 2)",
    "`()",
    "(loop_gene)",
    "#/b(.)?/",
    "#/a*/",
    "#/x/y/",
    "(\"abc\" .match #/b/)",
    "(fn [] nil)",
    "(fn [x] x)",
    "(fn [a b] (a < b))",
    "(fn [a b c] a)",
    "(fn [x] (throw \"f\"))",
    "(fn [xs...] xs)",
    "(fn [x ^k] x)",
    "println",
    "array",
    "(closed)",
    "(started)",
    "(numbers*)",
    "([1 2] .iter)",
    "({^a 1} .iter)",
    "(done)",
    "(failed)",
    "(async 5)",
    "Thing",
    "Int",
    "Exception",
    "(new Thing)",
    "(new Odd)",
    "(new Wrong)",
    "(new Endless)",
    "Shape",
    "Colour",
    "Colour/red",
    "(Colour/mix 1 2)",
    "Colour/mix",
    "(Some 1)",
    "None",
    "(Err \"e\")",
    "math",
    "@a/0",
    "(@ * (fn [x] x))",
    "2024-02-29",
    "10:30",
    "2024-02-29T10:30:00Z",
    "2024-02-29T10:30:00",
    "(Duration .ms 1)",
    "(Duration .days -100000)",
    "not_found",
    "(channel 1)",
    "(new Exception \"m\")",
    "(new gene/sync/Mutex)",
    "huge",
    "stdout",
];

/// Receivers by class. More than one where kinds of receivers take paths of their own.
const RECEIVERS: &[(&str, &[&str])] = &[
    ("Application", &["$app"]),
    ("Array", &["[]", "[3 1 2]", "[\"b\" nil 1.5]", "(loop_array)", "(many)", "#[1 2]", "[[1 2] [3 4]]", "(deep)"]),
    ("Atomic", &["(new gene/sync/Atomic 1)"]),
    ("Barrier", &["(new gene/sync/Barrier 2)"]),
    ("Bool", &["true"]),
    ("Broadcast", &["(gene/async/broadcast 2)"]),
    ("Bytes", &["(Bytes .zeros 0)", "0#00ff41"]),
    ("Channel", &["(channel 1)"]),
    ("Char", &["'c'", "'ß'"]),
    ("Class", &["Thing", "Int"]),
    ("Condition", &["(new gene/sync/Condition (new gene/sync/Mutex))"]),
    ("Date", &["2024-02-29", "(Date .of 1 1 1)", "9999-12-31"]),
    ("DateTime", &["2024-02-29T10:30:00Z", "9999-12-31T23:59:59"]),
    ("Duration", &["(Duration .ms 1500)", "(Duration .us 9223372036854775807)"]),
    ("Enum", &["Colour", "Option"]),
    ("EnumValue", &["(Colour/mix 1 2)", "Colour/red", "(Some 1)", "None", "(Err 1)"]),
    ("Event", &["(new gene/sync/Event)"]),
    ("Exception", &["(new Exception \"m\")"]),
    ("ExceptionGroup", &["(new ExceptionGroup \"m\" [(new Exception \"n\")])"]),
    ("File", &["(new File \"x\")"]),
    ("Float", &["0.0", "-2.5", "1e300", "math/NAN", "math/INF"]),
    ("Function", &["(fn [a b] a)", "(fn [] 1)", "println", "(fn [xs...] xs)"]),
    ("Future", &["(done)", "(failed)", "(new gene/Future)", "(async 5)"]),
    ("FutureGroup", &["(new gene/FutureGroup)", "((new gene/FutureGroup) .add (done))"]),
    ("Gene", &["`(g ^p 1 \"c\" 2)", "(loop_gene)", "(freeze `(g 1))", "`()"]),
    ("Generator", &["(numbers*)", "(closed)", "(started)"]),
    ("HashMap", &["{{}}", "{{1 2 \"k\" nil}}", "(loop_hash_map)", "#{{1 2}}"]),
    ("HashSet", &["(new HashSet)", "(new HashSet 1 \"x\" [2])", "(freeze (new HashSet 1))"]),
    ("Int", &["0", "-7", "9223372036854775807", "-9223372036854775808"]),
    ("Interface", &["Shape"]),
    (
        "Iterator",
        &[
            "([3 1 2] .iter)",
            "({^a 1} .iter)",
            "(\"ab\" .iter)",
            "((0 .. 2) .iter)",
            "([] .iter)",
            "([1] .iter; .map (fn [x] x))",
        ],
    ),
    ("Latch", &["(new gene/sync/Latch 1)"]),
    ("Limiter", &["(new gene/sync/Limiter 1)"]),
    ("Map", &["{}", "{^a 1 ^b \"x\"}", "(loop_map)", "#{^a 1}"]),
    ("Mutex", &["(new gene/sync/Mutex)"]),
    ("Namespace", &["math"]),
    (
        "Object",
        &[
            "(new Thing)",
            "(new Odd)",
            "(new Wrong)",
            "nil",
            "void",
            "5",
            "\"abc\"",
            "[1 2]",
            "(loop_map)",
            "println",
            "Thing",
            "(numbers*)",
        ],
    ),
    ("Once", &["(new gene/sync/Once)"]),
    ("Package", &["$pkg"]),
    ("Range", &["(0 .. 3)", "(range 0)", "(range 5 1 -2)", "(range 0.0 1.0 0.25)", "('a' .. 'c')"]),
    ("ReentrantMutex", &["(new gene/sync/ReentrantMutex)"]),
    ("Regex", &["#/b(.)?/", "#/a*/", "#/x/y/"]),
    ("RegexMatch", &["(\"abc\" .match #/b(?<n>.)/)"]),
    ("RwLock", &["(new gene/sync/RwLock)"]),
    ("Selector", &["@a/0", "(@ * (fn [x] x))"]),
    ("Semaphore", &["(new gene/sync/Semaphore 1)"]),
    ("Stream", &["stdin", "(File/open \"x\" \"w\")", "(do (var s (File/open \"y\" \"w\")) (s .close) s)"]),
    ("String", &["\"\"", "\"abc\"", "\"é😀 ß\\n x\"", "(\"ab\" .repeat 3000)", "\"12\""]),
    ("Symbol", &["`sym"]),
    ("Time", &["10:30", "23:59:59.5+02:00"]),
    ("Timer", &["(gene/time/interval 1)", "(gene/time/after 1)"]),
    ("Watch", &["(gene/async/watch 1)"]),
];

/// What `new` makes, with its parameters.
const CONSTRUCTORS: &[(&str, &str)] = &[
    ("Regexp", "pattern"),
    ("HashMap", "entries..."),
    ("HashSet", "members..."),
    ("File", "path"),
    ("Exception", "message"),
    ("ArgumentException", "message"),
    ("ExceptionGroup", "message exceptions"),
    ("gene/Future", "[v]"),
    ("gene/FutureGroup", ""),
    ("gene/sync/Mutex", ""),
    ("gene/sync/ReentrantMutex", ""),
    ("gene/sync/RwLock", ""),
    ("gene/sync/Semaphore", "n"),
    ("gene/sync/Limiter", "n"),
    ("gene/sync/Latch", "n"),
    ("gene/sync/Barrier", "n"),
    ("gene/sync/Event", ""),
    ("gene/sync/Once", ""),
    ("gene/sync/Atomic", "[n]"),
    ("gene/sync/Condition", "mutex"),
    ("Thing", ""),
];

/// Classes whose values have literals or functions of their own.
const NOT_MADE: &[&str] = &[
    "Int",
    "Array",
    "String",
    "Map",
    "Function",
    "Generator",
    "Class",
    "Namespace",
    "Date",
    "Duration",
    "Bytes",
    "Char",
    "Symbol",
    "Range",
    "Gene",
    "Selector",
    "Float",
    "Bool",
];

/// Builtins that pass keywords on, or name values by them.
const ANY_KEYWORD: &[&str] = &["format", "gene/format", "partial", "call", "then", "tap"];

/// Operators in front are special forms: what is wrong with them is found before they run.
const FORMS: &[&str] = &["and", "or", "not", "is", "select"];

struct Subject {
    /// `(RECEIVER .name` or `(name`: to be followed by arguments.
    calls: Vec<String>,
    name: String,
    signature: String,
}

impl Subject {
    fn of(e: &Entry) -> Subject {
        let calls = match &e.home {
            Home::Class(class) => {
                let found = RECEIVERS.iter().find(|r| r.0 == *class);
                let receivers = found.unwrap_or_else(|| panic!("RECEIVERS has no {class}")).1;
                receivers.iter().map(|r| format!("({r} .{}", e.name)).collect()
            }
            _ => vec![format!("({}", e.full_name())],
        };
        Subject { calls, name: e.full_name(), signature: e.signature().to_owned() }
    }

    fn short_name(&self) -> &str {
        self.name.rsplit(['.', '/']).next().filter(|n| !n.is_empty()).unwrap_or(&self.name)
    }

    fn is_variadic(&self) -> bool {
        self.signature.contains("...")
    }

    /// The most positional arguments that make sense.
    fn most(&self) -> usize {
        let parameters = self.signature.split_whitespace().skip(1).filter(|w| !w.starts_with('.'));
        let mut keyword = false;
        let mut count = 0;
        for word in parameters {
            // A word behind `^name` is its value.
            let value = std::mem::replace(&mut keyword, word.trim_start_matches('[').starts_with('^'));
            count += usize::from(!value && !keyword) + 2 * usize::from(word.contains("..."));
        }
        count
    }

    fn is_form(&self) -> bool {
        let operator = !self.name.contains(char::is_alphanumeric);
        operator || self.name.starts_with('$') || FORMS.contains(&self.name.as_str())
    }
}

thread_local! {
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// The call being made, for the one who waits.
static CURRENT: Mutex<(u64, String)> = Mutex::new((0, String::new()));

fn watch() {
    thread::spawn(|| {
        let (mut last, mut waited) = (0, 0);
        loop {
            thread::sleep(Duration::from_secs(1));
            let (number, call) = CURRENT.lock().expect("never poisoned").clone();
            waited = if number == last { waited + 1 } else { 0 };
            last = number;
            if waited >= PATIENCE {
                eprintln!("hangs: {call}");
                process::abort();
            }
        }
    });
}

fn machine() -> Vm {
    let mut vm = Vm::builder()
        .capture_output()
        .virtual_clock()
        .seed(1)
        .instruction_limit(4_000_000)
        .memory_limit(32 << 20)
        .build();
    if let Err(e) = vm.eval(SETUP) {
        panic!("the setup fails: {e}");
    }
    vm
}

/// What became of a call.
enum Answer {
    Value,
    Exception(String, String),
    /// The machine is no longer of use.
    End(String),
}

struct Caller {
    vm: Option<Vm>,
    log: String,
    faults: Vec<String>,
    count: u64,
}

impl Caller {
    fn call(&mut self, code: &str) -> Answer {
        self.count += 1;
        *CURRENT.lock().expect("never poisoned") = (self.count, code.to_owned());
        let mut vm = self.vm.take().unwrap_or_else(machine);
        PANIC.set(None);
        let start = Instant::now();
        let result = panic::catch_unwind(AssertUnwindSafe(|| vm.eval(code).map(drop)));
        if start.elapsed() > SLOW {
            _ = writeln!(self.log, "{code}\ttook {} ms", start.elapsed().as_millis());
        }
        let answer = match result {
            Err(_) => {
                self.faults.push(format!("{code}: panic: {}", PANIC.take().unwrap_or_default()));
                // Whatever a panic left behind is not fit to be dropped.
                std::mem::forget(vm);
                return Answer::End("panic".to_owned());
            }
            Ok(Ok(())) => Answer::Value,
            Ok(Err(Error::Load { report })) => Answer::Exception("Load".to_owned(), report),
            Ok(Err(Error::Exception { class, message, .. })) => match class.as_str() {
                "FuelException" | "MemoryLimitException" => Answer::End(class),
                _ => Answer::Exception(class, message),
            },
            Ok(Err(Error::Exit(code))) => Answer::End(format!("exit {code}")),
        };
        match &answer {
            Answer::Value => _ = writeln!(self.log, "{code}\t="),
            Answer::Exception(class, message) => {
                _ = writeln!(self.log, "{code}\t{class}\t{}", message.replace('\n', " "))
            }
            Answer::End(why) => _ = writeln!(self.log, "{code}\tends: {why}"),
        }
        if !matches!(answer, Answer::End(_)) {
            self.vm = Some(vm);
        }
        answer
    }

    /// The answer may be anything but nonsense.
    fn check(&mut self, subject: &Subject, code: &str) {
        if let Answer::Exception(class, message) = self.call(code) {
            let fault = match class.as_str() {
                "Load" if !subject.is_form() && subject.short_name() != "is" => "does not compile",
                _ if message.contains("internal") || message.contains("not implemented") => "internal error",
                _ if message.trim().is_empty() && class != "SkippedTest" => "no message",
                _ => return,
            };
            self.faults.push(format!("{code}: {fault}: {class}: {message}"));
        }
    }

    /// The answer must be an ArgumentException that begins in one of these ways.
    fn refuse(&mut self, code: &str, beginnings: &[&str]) {
        match self.call(code) {
            Answer::Exception(class, message)
                if class == "ArgumentException" && beginnings.iter().any(|b| message.starts_with(b)) => {}
            Answer::Exception(class, message) => self.faults.push(format!("{code}: {class}: {message}")),
            Answer::Value => self.faults.push(format!("{code}: accepted")),
            Answer::End(why) => self.faults.push(format!("{code}: {why}")),
        }
    }
}

#[test]
fn every_builtin_answers_whatever_it_is_given() {
    let folder = tempfile::tempdir().expect("a folder for what the builtins write");
    let log = env::var_os("GENE_CALLS").map(std::path::PathBuf::from);
    let only = env::var("GENE_ONLY").unwrap_or_default();
    env::set_current_dir(folder.path()).expect("it exists");
    panic::set_hook(Box::new(|info| {
        let place = info.location().map_or(String::new(), |l| format!("{}:{}: ", l.file(), l.line()));
        PANIC.set(Some(format!("{place}{}", info.payload_as_str().unwrap_or("no message"))));
    }));
    watch();

    let mut subjects: Vec<Subject> = machine().builtins().iter().map(Subject::of).collect();
    subjects.extend(CONSTRUCTORS.iter().map(|(c, parameters)| Subject {
        calls: vec![format!("(new {c}")],
        name: format!("new {c}"),
        signature: format!("new {parameters}"),
    }));
    subjects.extend(NOT_MADE.iter().map(|c| Subject {
        calls: vec![format!("(new {c}")],
        name: format!("new {c}"),
        signature: "(new xs...)".to_owned(),
    }));
    subjects.retain(|s| s.name.contains(&only));
    assert!(!subjects.is_empty());
    let mut caller = Caller { vm: None, log: String::new(), faults: Vec::new(), count: 0 };
    let mut rng = Rng::new(env::var("GENE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(7));
    for (i, subject) in subjects.iter().enumerate() {
        if i % PER_VM == 0 {
            caller.vm = None;
        }
        let mut some = |n: usize| -> String {
            (0..n).map(|_| rng.pick(ARGUMENTS).copied().unwrap_or("nil")).collect::<Vec<_>>().join(" ")
        };
        let mut codes = Vec::new();
        for call in &subject.calls {
            for n in [0, 1, 2, 3, 20] {
                codes.push(format!("{call} {})", some(n)));
            }
            if subject.most() > 0 {
                // Every one for the first receiver, some for the others.
                let every = if codes.len() > ARGUMENTS.len() { 4 } else { 1 };
                codes.extend(ARGUMENTS.iter().skip(codes.len() % every).step_by(every).map(|a| format!("{call} {a})")));
            }
            for n in 2..=subject.most() {
                codes.extend((0..CALLS / subject.calls.len() + 1).map(|_| format!("{call} {})", some(n))));
            }
        }
        for code in &codes {
            caller.check(subject, code);
        }
        let call = &subject.calls[0];
        if !subject.is_variadic() && !subject.is_form() {
            caller.refuse(&format!("{call} {})", vec!["nil"; 20].join(" ")), &["Expected "]);
        }
        if subject.name.strip_prefix("new ").is_some_and(|c| NOT_MADE.contains(&c)) {
            continue;
        }
        if !subject.is_form() && !ANY_KEYWORD.contains(&subject.short_name()) {
            let refusals = &["Unexpected keyword argument: zz", "Expected "];
            caller.refuse(&format!("{call} ^zz 1)"), refusals);
            caller.refuse(&format!("{call} 1 ^zz 1)"), refusals);
            caller.refuse(&format!("{call} 1 2 ^zz 1)"), refusals);
        }
    }
    if let Some(path) = log {
        fs::write(path, &caller.log).expect("the log can be written");
    }
    let _ = panic::take_hook();
    println!("{} calls of {} builtins", caller.count, subjects.len());
    assert!(caller.faults.is_empty(), "{} faults:\n{}", caller.faults.len(), caller.faults.join("\n"));
}
