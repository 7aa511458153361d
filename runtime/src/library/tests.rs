//! Natives called as the interpreter calls them, without a program around them.
use crate::vm::Vm;
use gene_vm::heap::Kind;
use gene_vm::object::array::Array;
use gene_vm::object::namespace::{Member, NamespaceObj};
use gene_vm::value::Value;

struct Machine(Vm);

impl Machine {
    fn new() -> Machine {
        Machine(Vm::builder().capture_output().stdin("one\ntwo".to_owned()).args(vec!["a".to_owned()]).build())
    }

    fn find(&mut self, path: &str) -> Value {
        let vm = &mut *self.0.inner;
        let mut v = vm.globals.value();
        for part in path.split('/') {
            let s = vm.sym(part);
            v = match v.get::<NamespaceObj>(Kind::Namespace) {
                Some(ns) => match ns.data().find(s) {
                    Some(Member::Value(v)) => v,
                    _ => panic!("{path}: no {part}"),
                },
                None => *v.gc::<gene_vm::object::class::ClassObj>().data().statics.get(&s).unwrap(),
            };
        }
        v
    }

    /// Display form of the result, or class and message of the exception.
    fn call(&mut self, path: &str, args: &[&str]) -> String {
        let f = self.find(path);
        let vm = &mut *self.0.inner;
        let args: Vec<Value> = args.iter().map(|s| vm.str(s)).collect();
        let r = vm.call_sync(f, &args);
        self.shown(r)
    }

    fn method(&mut self, this: Value, name: &str, args: &[Value]) -> String {
        let r = self.method_value(this, name, args);
        self.shown(r)
    }

    fn method_value(&mut self, this: Value, name: &str, args: &[Value]) -> gene_vm::native::R {
        let vm = &mut *self.0.inner;
        let s = vm.sym(name);
        let class = vm.class_of(this);
        let f = vm.class_find(class, s).unwrap();
        let mut all = vec![this];
        all.extend_from_slice(args);
        vm.call_sync_method(f, &all)
    }

    fn shown(&mut self, r: gene_vm::native::R) -> String {
        let vm = &mut *self.0.inner;
        match r {
            Ok(v) => vm.to_display(v).unwrap(),
            Err(stop) => {
                assert_eq!(stop, gene_vm::native::Stop::Throw);
                let ex = std::mem::replace(&mut vm.exception, Value::UNDEF);
                format!("{}: {}", vm.exception_class_name(ex), vm.exception_message(ex))
            }
        }
    }

    fn str(&mut self, s: &str) -> Value {
        self.0.inner.str(s)
    }
}

#[test]
fn files_are_read_and_written() {
    let mut m = Machine::new();
    let dir = m.call("gene/fs/temp_dir", &["natives"]);
    let p = m.call("io/path_join", &[&dir, "a.txt"]);
    assert_eq!(m.call("gene/io/write", &[&p, "one\ntwo\n"]), "nil");
    assert_eq!(m.call("gene/io/append", &[&p, "three"]), "nil");
    assert_eq!(m.call("gene/io/read_lines", &[&p]), "[one two three]");
    assert_eq!(m.call("io/read", &[&p]), "one\ntwo\nthree");
    assert_eq!(m.call("File/exists", &[&p]), "true");
    assert_eq!(m.call("File/exists", &[&dir]), "false");
    assert_eq!(m.call("Dir/exists", &[&dir]), "true");
    assert_eq!(m.call("gene/fs/list", &[&dir]), "[a.txt]");
    assert_eq!(m.call("Dir/list", &[&dir]), format!("[{p}]"));
    let stat = m.call("gene/fs/stat", &[&p]);
    assert!(stat.starts_with("{^size 13 ^type file ^modified 20"), "{stat}");
    assert!(stat.contains("Z ^accessed 20"), "{stat}");
    assert_eq!(m.call("gene/fs/remove_all", &[&dir]), "nil");
    assert_eq!(m.call("gene/io/read", &[&p]), format!("IOError: Failed to read file '{p}': No such file or directory"));
}

#[test]
fn wrong_kinds_are_type_errors() {
    let mut m = Machine::new();
    let f = m.find("gene/io/read");
    let r = m.0.inner.call_sync(f, &[Value::small(1)]);
    assert_eq!(m.shown(r), "TypeException: read expects String, got Int");
}

#[test]
fn a_file_stream_gives_lines() {
    let mut m = Machine::new();
    let p = m.call("gene/fs/temp_file", &[]);
    m.call("gene/io/write", &[&p, "one\ntwo\n"]);
    let f = m.find("File/open");
    let (path, mode) = (m.str(&p), m.str("r+"));
    let s = m.0.inner.call_sync(f, &[path, mode]).unwrap();
    assert_eq!(m.method(s, "read_line", &[]), "one");
    assert_eq!(m.method(s, "tell", &[]), "4");
    assert_eq!(m.method(s, "eof?", &[]), "false");
    assert_eq!(m.method(s, "next", &[]), "two");
    assert_eq!(m.method(s, "next", &[]), "not_found");
    assert_eq!(m.method(s, "read_line", &[]), "nil");
    assert_eq!(m.method(s, "write", &[Value::small(7), Value::NIL]), "nil");
    assert_eq!(m.method(s, "seek", &[Value::small(1)]), "nil");
    assert_eq!(m.method(s, "read", &[Value::small(3)]), "ne\n");
    assert_eq!(m.method(s, "read", &[]), "two\n7nil");
    assert_eq!(m.method(s, "close", &[]), "nil");
    assert_eq!(m.method(s, "close", &[]), "nil");
    assert_eq!(m.method(s, "closed?", &[]), "true");
    assert_eq!(m.method(s, "read", &[]), "IOError: Stream is closed");
    m.call("gene/fs/remove", &[&p]);
    assert_eq!(m.call("File/open", &[&p]), format!("IOError: Failed to open '{p}': No such file or directory"));
    assert_eq!(m.call("File/open", &["/"]), "IOError: Failed to open '/': Is a directory");
    assert_eq!(m.call("File/open", &[&p, "q"]), "ArgumentException: Unknown file mode: q");
}

#[test]
fn unflushed_streams_are_written_at_the_end() {
    let mut m = Machine::new();
    let p = m.call("gene/fs/temp_file", &[]);
    let f = m.find("File/open");
    let (path, mode) = (m.str(&p), m.str("w"));
    let s = m.0.inner.call_sync(f, &[path, mode]).unwrap();
    let x = m.str("x");
    m.method(s, "write_line", &[x]);
    assert_eq!(m.call("gene/io/read", &[&p]), "");
    m.0.flush();
    assert_eq!(m.call("gene/io/read", &[&p]), "x\n");
    m.call("gene/fs/remove", &[&p]);
}

#[test]
fn standard_streams() {
    let mut m = Machine::new();
    let (stdin, stdout, stderr) = (m.find("stdin"), m.find("stdout"), m.find("stderr"));
    assert_eq!(m.call("readline", &["? "]), "one");
    assert_eq!(m.method(stdin, "eof?", &[]), "false");
    assert_eq!(m.call("read_all", &[]), "two");
    assert_eq!(m.call("readline", &[]), "nil");
    assert_eq!(m.call("read_all", &[]), "");
    assert_eq!(m.method(stdin, "eof?", &[]), "true");
    let x = m.str("x");
    m.method(stdout, "write_line", &[x]);
    m.method(stderr, "write", &[x]);
    assert_eq!(m.method(stdout, "read", &[]), "IOError: Failed to read file 'stdout': Bad file descriptor");
    assert_eq!(m.method(stdin, "write", &[x]), "IOError: Failed to write file 'stdin': Bad file descriptor");
    assert_eq!(m.method(stdin, "seek", &[Value::small(0)]), "IOError: Failed to seek 'stdin': Illegal seek");
    assert_eq!((m.0.captured_stdout(), m.0.captured_stderr()), ("? x\n".to_owned(), "x".to_owned()));
}

#[test]
fn environment_changes_stay_in_the_machine() {
    let mut m = Machine::new();
    assert_eq!(m.call("set_env", &["DOC_X", "1"]), "nil");
    assert_eq!(m.call("get_env", &["DOC_X"]), "1");
    assert_eq!(m.call("has_env", &["DOC_X"]), "true");
    assert_eq!(m.call("get_env", &["DOC_NONE", "dflt"]), "dflt");
    assert_eq!(m.call("get_env", &["DOC_NONE"]), "nil");
    let env = super::dollar(&mut m.0.inner, "env", 0).unwrap().unwrap();
    assert!(m.0.inner.to_display(env).unwrap().contains("^DOC_X 1"));
    assert_eq!(m.call("unset_env", &["DOC_X"]), "nil");
    assert_eq!(m.call("has_env", &["DOC_X"]), "false");
    assert_eq!(m.call("set_env", &["a=b", "1"]), "ArgumentException: Invalid environment variable");
    assert!(std::env::var_os("DOC_X").is_none());
}

#[test]
fn the_machine_is_described() {
    let mut m = Machine::new();
    assert_eq!(m.call("system/os", &[]), std::env::consts::OS);
    assert_eq!(m.call("system/pid", &[]), std::process::id().to_string());
    assert_eq!(m.call("system/args", &[]), "[a]");
    assert_eq!(m.call("system/version", &[]), crate::VERSION);
    assert!(!m.call("system/hostname", &[]).is_empty());
    assert!(!m.call("system/user", &[]).is_empty());
    assert_ne!(m.call("system/cpu_count", &[]), "0");
    assert_eq!(m.call("cwd", &[]), std::env::current_dir().unwrap().to_str().unwrap());
    assert_eq!(
        m.call("cd", &["/nowhere"]),
        "IOError: Failed to change to directory '/nowhere': No such file or directory"
    );
}

#[test]
fn options_of_scripts_are_parsed() {
    let mut m = Machine::new();
    let f = m.find("system/parse_args");
    let vm = &mut *m.0.inner;
    let mut spec = Vec::new();
    for (name, entries) in [
        ("count", vec![("type", "int"), ("short", "c")]),
        ("v", vec![("type", "flag")]),
        ("tags", vec![("type", "list")]),
    ] {
        let map = vm.map();
        for (k, v) in entries {
            let (k, v) = (vm.sym(k), vm.str(v));
            vm.map_set(map, k, v);
        }
        spec.push((vm.sym(name), map.value()));
    }
    let map = vm.map();
    for (k, v) in spec {
        vm.map_set(map, k, v);
    }
    let args: Vec<Value> = ["-c", "3", "in.txt", "--v"].iter().map(|s| vm.str(s)).collect();
    let args = vm.array(&args);
    let r = vm.call_sync(f, &[map.value(), args]);
    assert_eq!(m.shown(r), "{^count 3 ^v true ^tags [] ^rest [in.txt]}");
    let bad = m.str("--x");
    let args = m.0.inner.array(&[bad]);
    let r = m.0.inner.call_sync(f, &[map.value(), args]);
    assert_eq!(m.shown(r), "ArgumentException: Unknown option: --x");
}

#[test]
fn logging_respects_the_level() {
    let mut m = Machine::new();
    m.call("log/debug", &["no"]);
    m.call("log/info", &["a", "b"]);
    m.call("log/level", &["error"]);
    m.call("log/warn", &["no"]);
    m.call("log/error", &["c"]);
    assert_eq!(m.0.captured_stderr(), "INFO a b\nERROR c\n");
    assert_eq!(m.call("log/level", &["loud"]), "ArgumentException: Unknown log level: loud");
}

#[test]
fn a_file_names_a_path() {
    let mut m = Machine::new();
    let p = m.call("gene/fs/temp_file", &[]);
    let class = m.find("File").gc::<gene_vm::object::class::ClassObj>();
    let file = m.0.inner.instance(class).value();
    let path = m.str(&p);
    let ctor = class.data().ctor;
    m.0.inner.call_sync_method(ctor, &[file, path]).unwrap();
    let text = m.str("abc");
    assert_eq!(m.method(file, "write", &[text]), "nil");
    assert_eq!(m.method(file, "read", &[]), "abc");
    assert_eq!(m.method(file, "size", &[]), "3");
    assert_eq!(m.method(file, "path", &[]), p);
    assert_eq!(m.method(file, "exists", &[]), "true");
    assert_eq!(m.method(file, "delete", &[]), "nil");
    assert_eq!(m.method(file, "exists", &[]), "false");
}

#[test]
fn results_are_numbered() {
    let mut m = Machine::new();
    super::record_result(&mut m.0.inner, 1, Value::small(5));
    super::record_result(&mut m.0.inner, 2, Value::small(6));
    let at = |m: &mut Machine, n| super::dollar(&mut m.0.inner, n, 0).map(|r| r.unwrap());
    assert_eq!(at(&mut m, "0"), Some(Value::small(6)));
    assert_eq!(at(&mut m, "1"), Some(Value::small(5)));
    assert_eq!(at(&mut m, "3"), None);
}

#[test]
fn concurrent_reads_use_few_threads() {
    let mut m = Machine::new();
    let p = m.call("gene/fs/temp_file", &[]);
    m.call("gene/io/write", &[&p, &"x".repeat(4096)]);
    let f = m.find("gene/io/read_async");
    let path = m.str(&p);
    let list = m.0.inner.array(&[]);
    m.0.inner.heap.permanent.push(list.to_owned());
    for _ in 0..1000 {
        let future = m.0.inner.call_sync(f, &[path]).unwrap();
        m.0.inner.heap.array_push(list.gc::<Array>(), future);
    }
    let vm = &mut *m.0.inner;
    let mut done = Vec::new();
    let mut finished = 0;
    let mut threads = 0;
    while vm.driver.pending() > 0 {
        vm.driver.park(None, &mut done);
        finished += done.drain(..).filter(|(_, r)| r.is_ok()).count();
        threads = threads.max(std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count));
    }
    assert!(finished <= 1000);
    // The pool, the reactor's thread, and those of the test harness.
    assert!(threads < crate::pool::thread_limit().get() + 40, "{threads}");
    m.call("gene/fs/remove", &[&p]);
}
