//! Scenarios of the timing suite that a program can't show by itself: traces, signals, what polling costs, long runs, and what
//! `gene test` says of things left behind. They carry the names the contract gives them.

mod support;

use std::path::PathBuf;

use support::Case;

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

mod traces {
    use super::*;

    /// Every kind of wait, with random times and as many ready tasks as the seed can order.
    const MIXED: &str = r#"
        (var ch (channel 2))
        (var m (new gene/sync/Mutex))
        (var log [])
        (concurrent
          (repeat p in 4 (spawn ^name #"producer #{p}" (repeat i in 5 (sleep (math/random_int 3)) (ch .send [p i]))))
          (repeat c in 3
            (spawn ^name #"consumer #{c}" ^daemon true
              (loop
                (select
                  when v from ch (with_lock m (log .add [c v]) (sleep 1))
                  when timeout 2 (log .add [c "idle"])))))
          (spawn (try (timeout 3 (await (new gene/Future))) catch TimeoutException (log .add "late"))))
        (println log)"#;

    #[test]
    fn trace_replay_same_seed_identical() {
        let case = Case::new().file("mixed.gene", MIXED);
        let run = |seed: &str, trace: &str| {
            let ran = case.run(&["run", "--virtual-time", "--seed", seed, "--trace", trace, "mixed.gene"]);
            assert_eq!((ran.code, ran.err.as_str()), (0, ""));
            (ran.out, case.read(trace))
        };
        let mut traces = Vec::new();
        for seed in ["1", "2", "3", "4", "5"] {
            let first = run(seed, &format!("{seed}.json"));
            let again = run(seed, &format!("{seed}-again.json"));
            assert!(first.1.lines().count() > 50, "{}", first.1);
            assert_eq!(first, again, "--seed {seed}");
            traces.push(first.1);
        }
        // Equal traces would mean little if all schedules looked alike.
        traces.sort();
        traces.dedup();
        assert_eq!(traces.len(), 5);
    }

    #[test]
    fn a_run_without_a_seed_repeats_itself_on_virtual_time() {
        let case = Case::new().file("mixed.gene", &MIXED.replace("(math/random_int 3)", "((p * i) % 3)"));
        let first = case.run(&["run", "--virtual-time", "--trace", "1.json", "mixed.gene"]);
        case.run(&["run", "--virtual-time", "--trace", "2.json", "mixed.gene"]).prints(&first.out);
        assert_eq!(case.read("1.json"), case.read("2.json"));
    }
}

#[cfg(unix)]
mod signals {
    use super::*;
    use std::io::{BufRead, BufReader, Read};
    use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};

    /// A program that runs. Signals are sent when it has said how far it is, never after a pause.
    struct Running {
        _case: Case,
        child: Child,
        out: BufReader<ChildStdout>,
        err: BufReader<ChildStderr>,
    }

    impl Running {
        fn start(text: &str) -> Running {
            let case = Case::new().file("app.gene", text);
            let mut command = case.command(&["app.gene"]);
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = command.spawn().unwrap();
            let out = BufReader::new(child.stdout.take().unwrap());
            let err = BufReader::new(child.stderr.take().unwrap());
            Running { _case: case, child, out, err }
        }

        fn signal(&self, name: &str) {
            let pid = self.child.id().to_string();
            assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
        }

        #[track_caller]
        fn says(&mut self, line: &str) {
            let mut got = String::new();
            self.out.read_line(&mut got).unwrap();
            assert_eq!(got.trim_end(), line);
        }

        /// The next lines of stderr.
        fn complains(&mut self, lines: usize) -> String {
            let mut got = String::new();
            for _ in 0..lines {
                self.err.read_line(&mut got).unwrap();
            }
            got
        }

        /// What it still prints, and its exit code.
        fn end(mut self) -> (i32, String, String) {
            let (mut out, mut err) = (String::new(), String::new());
            self.out.read_to_string(&mut out).unwrap();
            self.err.read_to_string(&mut err).unwrap();
            (self.child.wait().unwrap().code().unwrap_or(-1), out, err)
        }
    }

    const TREE: &str = r#"(var jobs (channel 1 ^name "jobs"))
(var db (new gene/sync/Mutex ^name "db"))
(spawn ^name "producer" (do (db .lock) (jobs .send 1) (jobs .send 2)))
(spawn ^name "consumer" (do (sleep 1) (db .lock)))
(fn nap [] (sleep 60000))
(spawn ^name "sleeper" (nap))
(concurrent ^name "inner"
  (spawn ^name "chooser" (select when x from (channel) x when timeout 60s 1))
  (spawn ^name "waiter" (await (new gene/Future)))
  (sleep 20)
  (println "ready")
  (flush)
  (await (new gene/Future)))
"#;

    const TREE_DUMP: &str = r#"6 live tasks
#1 main  parked  await  a future
  at <module> (app.gene:13:3)
#2 producer  parked  send  channel #1 "jobs" (cap 1, full, 0 receivers)  child of #1  spawned app.gene:3:1
  at <fn> (app.gene:3:55)
#3 consumer  parked  lock  Mutex "db" held by #2 since app.gene:3:29  child of #1  spawned app.gene:4:1
  at <fn> (app.gene:4:39)
#4 sleeper  parked  sleep  child of #1  spawned app.gene:6:1
  at nap (app.gene:5:12)
  at <fn> (app.gene:6:24)
#5 chooser  parked  select  channel #3 (cap 0, empty, receivers waiting)  child of #1  spawned app.gene:8:3
  at <fn> (app.gene:8:26)
#6 waiter  parked  await  a future  child of #1  spawned app.gene:9:3
  at <fn> (app.gene:9:25)
"#;

    #[test]
    fn sigquit_tree_dump_golden() {
        let mut program = Running::start(TREE);
        program.says("ready");
        // The main task may still be on its way from the line it printed to the wait behind it: only then is another dump asked for.
        let mut dump = String::new();
        for _ in 0..100 {
            program.signal("QUIT");
            dump = program.complains(TREE_DUMP.lines().count());
            if !dump.contains("running") {
                break;
            }
        }
        assert_eq!(dump, TREE_DUMP);
        // It went on all the same, and each dump was complete.
        program.signal("INT");
        assert_eq!(program.end(), (130, String::new(), String::new()));
    }

    #[test]
    fn sigint_grace_then_130() {
        let mut program = Running::start(
            r#"(try (println "go") (flush) (sleep 1h)
               finally (println "cleaning") (flush) (sleep 20) (println "clean") (flush))"#,
        );
        program.says("go");
        program.signal("INT");
        program.says("cleaning");
        assert_eq!(program.end(), (130, "clean\n".to_owned(), String::new()));
    }

    #[test]
    fn a_second_interrupt_takes_the_grace() {
        let mut program = Running::start(
            r#"(try (println "go") (flush) (sleep 1h)
               finally
                 (println "cleaning") (flush)
                 (try (sleep 1h) (println "never") finally (println "cut")))"#,
        );
        program.says("go");
        program.signal("INT");
        program.says("cleaning");
        program.signal("INT");
        let (code, out, _) = program.end();
        assert_eq!((code, out.as_str()), (130, "cut\n"));
    }

    #[test]
    fn an_interrupted_cleanup_ends_with_its_grace() {
        let mut program = Running::start(
            r#"(concurrent ^grace 20
                 (try (println "go") (flush) (sleep 1h)
                 finally (try (sleep 1h) (println "never") finally (println "cut"))))"#,
        );
        program.says("go");
        program.signal("TERM");
        let (code, out, _) = program.end();
        assert_eq!((code, out.as_str()), (143, "cut\n"));
    }

    #[test]
    fn every_task_is_interrupted() {
        let mut program = Running::start(
            r#"(var n 0)
               (repeat 3 (spawn (try (sleep 1h) finally (n += 1))))
               (spawn (do (sleep 1) (println "go") (flush)))
               (try (await (new gene/Future)) finally (sleep 5) (println n))"#,
        );
        program.says("go");
        program.signal("INT");
        assert_eq!(program.end(), (130, "3\n".to_owned(), String::new()));
    }
}

mod costs {
    use super::*;
    use std::process::Command;

    /// Instructions of a run as callgrind counts them.
    fn instructions(program: &str, n: &str, interval: &str) -> f64 {
        let mut command = Command::new("valgrind");
        command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null", env!("CARGO_BIN_EXE_gene"), "run"]);
        command.args(["--poll-interval", interval]).arg(repository().join("benches/programs").join(program)).arg(n);
        let output = command.output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        let count = text.lines().find_map(|line| line.split_once("Collected : "));
        count.and_then(|(_, n)| n.trim().parse().ok()).unwrap_or_else(|| panic!("{program} under callgrind: {text}"))
    }

    #[test]
    fn polling_overhead_instructions_under_1_percent() {
        if Command::new("valgrind").arg("--version").output().is_err() {
            eprintln!("SKIPPED: valgrind is not installed, so instructions are not counted here");
            return;
        }
        for (program, n) in [("fib.gene", "21"), ("loop_sum.gene", "60000"), ("method_calls.gene", "20000")] {
            // The start of the process does not count: it would hide what polling costs.
            let start = instructions(program, "1", "0");
            let without = instructions(program, n, "0") - start;
            let with = instructions(program, n, "10000") - start;
            let overhead = (with / without - 1.0) * 100.0;
            assert!(without > 2e6, "{program} {n} is too short to tell: {without} instructions");
            assert!(overhead < 1.0, "{program}: polling costs {overhead:.3} % ({with} instead of {without})");
        }
    }

    #[test]
    fn polls_are_as_rare_as_the_interval_says() {
        // The portable half of the above: what a poll costs is multiplied by how often there is one.
        let case = Case::new().file("loop.gene", "(var i 0) (while (i < 1000000) (i += 1))");
        let polls = |interval: &str| -> u64 {
            let ran = case.run(&["run", "-d", "--poll-interval", interval, "loop.gene"]);
            let count = ran.err.rsplit_once("polls ").map(|(_, n)| n.trim().parse());
            count.and_then(Result::ok).unwrap_or_else(|| panic!("{}", ran.err))
        };
        let (none, usual, often) = (polls("0"), polls("10000"), polls("1000"));
        assert!(none <= 2, "{none} polls though they are switched off");
        assert!((95..=105).contains(&usual), "{usual} polls in a million back-edges");
        assert!((950..=1050).contains(&often), "{often} polls in a million back-edges");
    }

    /// The soak program of the suite for so many seconds of its clock, in a heap that has no room for what rounds forget.
    fn soak(seconds: u64, options: &[&str]) {
        let program = repository().join("testsuite/programs/10-concurrency-timing/ten_minutes_soak_no_growth.gene");
        let program = std::fs::canonicalize(program).unwrap();
        let (program, seconds) = (program.to_str().unwrap(), seconds.to_string());
        let mut arguments = vec!["run", "-d", "--memory-limit", "16000000"];
        arguments.extend(options);
        arguments.extend([program, &seconds]);
        let ran = Case::new().run(&arguments);
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert_eq!(ran.out, "[570 20 7 30 12]\nall rounds, nothing wrong\n[0 0 0 0 0 0] true\n");
        // What the last collection found alive: the program itself is some 80 kB.
        let live = ran.err.split_once("live ").and_then(|(_, rest)| rest.split(' ').next()?.parse::<u64>().ok());
        assert!(live.is_some_and(|live| live < 400_000), "{}", ran.err);
    }

    #[test]
    fn a_soak_on_virtual_time_no_growth() {
        soak(100, &["--virtual-time"]);
        soak(20, &["--virtual-time", "--seed", "7"]);
    }

    #[test]
    fn a_short_soak_on_the_real_clock_no_growth() {
        soak(2, &[]);
    }

    /// `cargo test -p gene-cli --test concurrency -- --ignored ten_minutes`, every night.
    #[test]
    #[ignore = "takes ten minutes"]
    fn ten_minutes_soak_no_growth() {
        soak(600, &[]);
    }
}

/// What waits for a descriptor when it is closed.
mod descriptors {
    use super::*;
    use std::io::{Read, Write};
    use std::process::Stdio;

    #[test]
    fn a_daemon_that_reads_standard_input_does_not_keep_the_program() {
        let text = "(spawn ^daemon true (loop (stdin .read_line))) (spawn ^daemon true (timeout 1h (readline))) (sleep 5) (println 1)";
        let case = Case::new().file("app.gene", text);
        let mut command = case.command(&["app.gene"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let input = child.stdin.take().unwrap();
        let mut out = String::new();
        child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        assert_eq!((child.wait().unwrap().code(), out.as_str()), (Some(0), "1\n"));
        drop(input);
    }

    #[test]
    fn closing_a_stream_ends_the_waits_for_it_and_nothing_else() {
        let text = r#"
            (fn reader [name] (try (stdin .read_line) catch ClosedException (println name (typeof $ex) $ex/message $ex/code)))
            (println "first:" (stdin .read_line))
            (var ts [(spawn reader "a") (spawn reader "b") (spawn (try (for line in stdin nil) catch ClosedException (println "c loop")))])
            (var other (spawn (do (sleep 20) (println "others go on"))))
            (sleep 5)
            (println "waiting" ((ts .map (t -> t/.status)) .join " "))
            (stdin .close)
            (for t in ts (await t))
            (try (stdin .read_line) catch IOError (println $ex/message))"#;
        let case = Case::new().file("app.gene", text);
        let mut command = case.command(&["app.gene"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // It stays open to the end: nothing but the program itself ends the waits.
        let mut input = child.stdin.take().unwrap();
        input.write_all(b"hello\n").unwrap();
        let (mut out, mut err) = (String::new(), String::new());
        child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        assert_eq!((child.wait().unwrap().code(), err.as_str()), (Some(0), ""));
        drop(input);
        let closed = "ClosedException Stream is closed GENE.ASYNC.CLOSED";
        let expected = format!(
            "first: hello\nwaiting parked parked parked\na {closed}\nb {closed}\nc loop\nStream is closed\nothers go on\n"
        );
        assert_eq!(out, expected);
    }
}

/// What a test leaves behind fails it, and the report says where that was made. One test per kind.
mod left_behind {
    use super::*;

    /// The results of a test file, in its schedule and under ten seeds.
    #[track_caller]
    fn results(text: &str, expected: &str) {
        let case = Case::new().file("t_test.gene", text);
        let failed = expected.contains("FAIL");
        case.run(&["test", "--virtual-time", "t_test.gene"]).expect(failed as i32, expected, "");
        let shaken = case.run(&["test", "--virtual-time", "--shake", "10", "t_test.gene"]);
        assert_eq!(shaken.code, failed as i32, "{}{}", shaken.out, shaken.err);
    }

    #[test]
    fn tasks() {
        results(
            "(test \"parked\"\n  (spawn ^name \"sleeper\" (sleep 1h))\n  (sleep 1))
(test \"never started\"\n  (spawn (sleep 1)))
(test \"in an async body\"\n  (async (sleep 1h)))
(test \"ended\" (concurrent (spawn (sleep 1h))) (await (spawn (sleep 1))))
(test \"a daemon\" (spawn ^daemon true (sleep 1h)) (sleep 1))
(test \"cancelled\" ((spawn (sleep 1h)) .cancel))",
            "FAIL t_test.gene: parked
  Leaked: task #3 \"sleeper\" (sleep), spawned t_test.gene:2:3
FAIL t_test.gene: never started
  Leaked: task #5 (ready), spawned t_test.gene:5:3
FAIL t_test.gene: in an async body
  Leaked: task #7 (sleep), spawned t_test.gene:7:3
ok t_test.gene: ended
ok t_test.gene: a daemon
ok t_test.gene: cancelled
3 passed, 3 failed, 0 skipped
",
        );
    }

    #[test]
    fn timers() {
        results(
            "(test \"a call\"\n  (gene/time/after 1h (fn [] nil)))
(test \"calls\"\n  (gene/time/interval 2s (fn [] nil))\n  (gene/time/after 1s (fn [] nil))\n  (sleep 3))
(test \"a future\"\n  (gene/sleep_async 1h))
(test \"over\" (gene/time/after 1 (fn [] nil)) (gene/sleep_async 1) (sleep 2))
(test \"cancelled\" ((gene/time/after 1h (fn [] nil)) .cancel))
(test \"not waited for\" ((gene/time/after 1h (fn [] nil)) .unref))
(test \"pulled\" (gene/time/interval 1h) (gene/time/after 1h))",
            "FAIL t_test.gene: a call
  Leaked: a timer that is still set, made t_test.gene:2:3
FAIL t_test.gene: calls
  Leaked: a timer that is still set, made t_test.gene:5:3
  Leaked: a timer that is still set, made t_test.gene:4:3
FAIL t_test.gene: a future
  Leaked: a timer that is still set, made t_test.gene:8:3
ok t_test.gene: over
ok t_test.gene: cancelled
ok t_test.gene: not waited for
ok t_test.gene: pulled
4 passed, 3 failed, 0 skipped
",
        );
    }

    #[test]
    fn channels_with_parked_waiters() {
        results(
            "(test \"a receiver\"\n  (var jobs (channel ^name \"jobs\"))\n  (spawn (jobs .recv))\n  (sleep 1))
(test \"a sender\"\n  (var full (channel 1))\n  (spawn (repeat 2 (full .send 1)))\n  (sleep 1))
(test \"in a select\"\n  (spawn (select when v from (channel) v))\n  (sleep 1))
(test \"closed\" (var ch (channel)) (spawn (ch .recv)) (sleep 1) (ch .close) (sleep 1))",
            "FAIL t_test.gene: a receiver
  Leaked: task #3 (recv  channel #1 \"jobs\" (cap 0, empty, receivers waiting)), spawned t_test.gene:3:3
FAIL t_test.gene: a sender
  Leaked: task #5 (send  channel #2 (cap 1, full, 0 receivers)), spawned t_test.gene:7:3
FAIL t_test.gene: in a select
  Leaked: task #7 (select  channel #3 (cap 0, empty, receivers waiting)), spawned t_test.gene:10:3
ok t_test.gene: closed
1 passed, 3 failed, 0 skipped
",
        );
    }

    #[test]
    fn unhandled_failures() {
        results(
            "(test \"of a task\"\n  (spawn (throw \"boom\"))\n  (sleep 1))
(test \"of a future\"\n  (async (throw \"lost\"))\n  (sleep 1))
(test \"of a future that waited\"\n  (async (do (sleep 1) (throw \"later\")))\n  (sleep 2))
(test \"of a callback\"\n  (var f (async 1))\n  (f .on_success (fn [v] (throw \"in it\")))\n  (sleep 1))
(test \"handled\" (try (await (async (throw \"x\"))) catch * nil))
(test \"ignored\" ((async (throw \"x\")) .ignore) (sleep 1))",
            "FAIL t_test.gene: of a task
  Error: a task of the test failed
  Error: unhandled failure of task #3: Exception: boom
    at <fn> (t_test.gene:2:10)
    spawned t_test.gene:2:3
FAIL t_test.gene: of a future
  Leaked: a failure that nobody observed
  Warning: the failure of a future was never observed: Exception: lost
    at <fn> (t_test.gene:5:10)
    spawned t_test.gene:5:3
FAIL t_test.gene: of a future that waited
  Leaked: a failure that nobody observed
  Warning: the failure of a future was never observed: Exception: later
    at <fn> (t_test.gene:8:24)
    spawned t_test.gene:8:3
FAIL t_test.gene: of a callback
  Error: a task of the test failed
  Error: unhandled failure of task #10: Exception: in it
    at <fn> (t_test.gene:12:26)
ok t_test.gene: handled
ok t_test.gene: ignored
2 passed, 4 failed, 0 skipped
",
        );
    }
}

mod schedules {
    use super::*;

    /// Without a seed timers of one instant go off in the order of their making (`timer_same_instant_order.gene`).
    #[test]
    fn timer_same_instant_order_varies_with_the_seed() {
        let text = "(var order []) (concurrent (repeat i in 5 (spawn (do (sleep 10) (order .add i))))) (println order)";
        let case = Case::new().file("a.gene", text);
        let mut orders: Vec<String> = (1..=20)
            .map(|seed| case.run(&["run", "--virtual-time", "--seed", &seed.to_string(), "a.gene"]).out)
            .collect();
        orders.sort();
        orders.dedup();
        assert!(orders.len() > 5, "{orders:?}");
        case.run(&["run", "--virtual-time", "a.gene"]).prints("[0 1 2 3 4]\n");
    }

    /// `never_awaited_failure_warns_once_exit0.gene` says what else there is; this counts.
    #[test]
    fn never_awaited_failure_warns_once_exit0() {
        let text = "(var f (async (throw \"nobody looks\")))\n(sleep 1)\n(repeat 100000 [])\n(println \"after\")";
        let case = Case::new().file("a.gene", text);
        for options in
            [&["run"][..], &["run", "--stress-gc"], &["run", "--poll-interval", "1"], &["run", "--seed", "3"]]
        {
            let ran = case.run(&[options, &["a.gene"]].concat());
            assert_eq!((ran.code, ran.out.as_str()), (0, "after\n"), "{}", ran.err);
            assert_eq!(ran.err.matches("nobody looks").count(), 1, "{}", ran.err);
            assert!(ran.err.contains("a.gene:1:15"), "{}", ran.err);
        }
    }
}
