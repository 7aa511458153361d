//! The machine as a Rust program uses it.
use gene::{Diagnostics, Error, Print, Vm};
use std::path::Path;
use std::time::{Duration, Instant};

fn captured() -> Vm {
    Vm::builder().capture_output().build()
}

#[test]
fn output_is_captured() {
    let mut vm = captured();
    assert_eq!(vm.run_source("a.gene", "(println 1) (eprintln 2)"), 0);
    assert_eq!((vm.captured_stdout(), vm.captured_stderr()), ("1\n".to_owned(), "2\n".to_owned()));
}

#[test]
fn standard_input_is_given() {
    let mut vm = Vm::builder().capture_output().stdin("a\nb".to_owned()).build();
    assert_eq!(vm.run_source("a.gene", "(for l in stdin (println l))"), 0);
    assert_eq!(vm.captured_stdout(), "a\nb\n");
}

#[test]
fn failures_are_reported_in_the_chosen_form() {
    let mut vm = captured();
    assert_eq!(vm.run_source("a.gene", "(throw \"x\")"), 1);
    assert!(vm.captured_stderr().starts_with("Error: x\n  at <module> (a.gene:1:1)\n"));
    let mut vm = Vm::builder().capture_output().diagnostics(Diagnostics::Data).build();
    assert_eq!(vm.run_source("a.gene", "(throw \"x\")"), 1);
    assert!(vm.captured_stderr().starts_with("Error: {^message \"x\" "));
}

#[test]
fn a_missing_file_is_reported() {
    let mut vm = captured();
    assert_eq!(vm.run_file(Path::new("/no/such.gene")), 1);
    assert_eq!(vm.captured_stderr(), "Error: File not found: /no/such.gene\n");
}

#[test]
fn the_last_value_can_be_printed() {
    for (print, expected) in
        [(Print::Nothing, ""), (Print::Debug, "[\"a\"]\n"), (Print::Display, "[a]\n"), (Print::Json, "[\"a\"]\n")]
    {
        let mut vm = captured();
        assert_eq!(vm.run_source_printing("a.gene", b"[\"a\"]", print), 0);
        assert_eq!(vm.captured_stdout(), expected);
    }
}

#[test]
fn evaluations_share_a_session() {
    let mut vm = captured();
    vm.eval("(var n 20) (fn twice [x] (x * 2))").unwrap();
    let v = vm.eval("(twice (n + 1))").unwrap();
    assert_eq!((vm.as_int(&v), vm.debug(&v).as_deref()), (Some(42), Ok("42")));
    let s = vm.eval("\"text\"").unwrap();
    assert_eq!((vm.as_string(&s).as_deref(), vm.as_int(&s), vm.is_nil(&s)), (Some("text"), None, false));
    // Handles keep their values through collections, and their places are used again.
    vm.eval("(var junk []) (for i in (0 .. 99999) (junk = [i junk/0]))").unwrap();
    assert_eq!(vm.display(&s).as_deref(), Ok("text"));
    drop(v);
    let w = vm.eval("1.5").unwrap();
    assert_eq!((vm.as_float(&w), vm.as_string(&s).as_deref()), (Some(1.5), Some("text")));
}

#[test]
fn evaluation_errors_are_values() {
    let mut vm = captured();
    match vm.eval("(throw (new IOError \"x\"))").err().unwrap() {
        Error::Exception { class, message, report } => {
            assert_eq!((class.as_str(), message.as_str()), ("IOError", "x"));
            assert!(report.starts_with("Error: IOError: x\n"));
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(vm.eval("(").err().unwrap(), Error::Load { report } if report.starts_with("Error: <eval>:1:1: ")));
    let v = vm.eval("(class Bad (method to_s [] (throw \"no\"))) (new Bad)").unwrap();
    assert!(matches!(vm.debug(&v).unwrap_err(), Error::Exception { message, .. } if message == "no"));
    assert_eq!(vm.eval("(exit 3)").err().unwrap(), Error::Exit(3));
    vm.resume();
    assert_eq!(vm.eval("7").map(|v| vm.as_int(&v)).ok(), Some(Some(7)));
}

#[test]
fn leaving_the_program_does_not_leave_the_process() {
    let mut vm = captured();
    assert_eq!(vm.run_source("a.gene", "(println 1) (system/exit 5)"), 5);
    assert_eq!(vm.captured_stdout(), "1\n");
}

#[test]
fn another_thread_can_interrupt_a_busy_or_waiting_program() {
    for code in ["(while true 1)", "(sleep 60000)", "(readline) (sleep 60000)"] {
        let mut vm = captured();
        let handle = vm.interrupt_handle();
        let thread = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(50));
            handle.interrupt(2);
        });
        let start = Instant::now();
        assert_eq!(vm.run_source("a.gene", code), 130, "{code}");
        assert!(start.elapsed() < Duration::from_secs(20));
        thread.join().unwrap();
    }
}

#[test]
fn limits_hold() {
    let mut vm = Vm::builder().capture_output().instruction_limit(50_000).build();
    assert_eq!(vm.run_source("a.gene", "(try (while true 1) catch * (println 1))"), 1);
    assert!(vm.captured_stderr().starts_with("Error: FuelException: "), "{}", vm.captured_stderr());
    assert_eq!(vm.captured_stdout(), "");
    let mut vm = Vm::builder().capture_output().memory_limit(16 << 20).build();
    assert_eq!(vm.run_source("a.gene", "(var s []) (while true (s .add [1 2 3]))"), 1);
    assert!(vm.captured_stderr().starts_with("Error: MemoryLimitException: "), "{}", vm.captured_stderr());
}

#[test]
fn virtual_time_and_seed_make_a_run_repeatable() {
    let run = || {
        let mut vm = Vm::builder().capture_output().virtual_clock().seed(3).build();
        let code = "(sleep 1500) (println (random) (time/now_us) (gene/time/monotonic))";
        assert_eq!(vm.run_source("a.gene", code), 0);
        vm.captured_stdout()
    };
    let first = run();
    assert!(first.ends_with(" 946684801500000 1500\n"), "{first}");
    assert_eq!(first, run());
}

#[test]
fn file_operations_overlap_under_virtual_time() {
    let mut vm = Vm::builder().capture_output().virtual_clock().build();
    let code = "
        (var d (gene/fs/temp_dir \"emb\")) (var fs [])
        (for i in (0 .. 199) (fs .add (gene/io/write_async (io/path_join d #\"f#{i}\") #\"#{i}\")))
        (for f in fs (await f))
        (println ((gene/fs/list d) .size) (gene/time/monotonic))
        (gene/fs/remove_all d)";
    assert_eq!(vm.run_source("a.gene", code), 0, "{}", vm.captured_stderr());
    assert_eq!(vm.captured_stdout(), "200 0\n");
}

#[test]
fn child_processes_run_at_the_same_time() {
    let mut vm = captured();
    let code = "
        (var ts [])
        (for i in (0 .. 7) (ts .add (spawn (system/exec \"sleep\" \"0.3\"))))
        (for t in ts (await t))
        (println ((gene/time/monotonic) < 2000))";
    assert_eq!(vm.run_source("a.gene", code), 0, "{}", vm.captured_stderr());
    assert_eq!(vm.captured_stdout(), "true\n");
}

#[test]
fn names_for_completion() {
    let mut vm = captured();
    vm.eval("(var my_name 1)").unwrap();
    let names = vm.names();
    for name in ["println", "readline", "File", "my_name"] {
        assert!(names.iter().any(|n| n == name), "{name}");
    }
    assert!(names.iter().all(|n| !n.starts_with('%')));
}

#[test]
fn many_machines_can_be_made_and_dropped() {
    for _ in 0..50 {
        let mut vm = captured();
        assert_eq!(vm.run_source("a.gene", "(spawn (sleep 100000)) (gene/io/read_async \"/\") (exit)"), 0);
    }
}
