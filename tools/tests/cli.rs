//! The `gene` command as a user meets it: chapter 20, row by row.
mod support;

use std::process::{Command, Stdio};
use support::{Case, Ran};

mod commands {
    use super::*;

    #[test]
    fn usage_is_printed_without_a_command() {
        let case = Case::new();
        let usage = case.run(&[]);
        assert!(usage.code == 0 && usage.out.starts_with("Usage: gene <command> [options] [args]\n"));
        for name in ["help", "h", "--help", "-h"] {
            case.run(&[name]).prints(&usage.out);
        }
    }

    const COMMANDS: [&str; 14] = [
        "run",
        "eval",
        "repl",
        "pipe",
        "parse",
        "fmt",
        "format",
        "test",
        "run-examples",
        "deser",
        "deserialize",
        "check",
        "doc",
        "deps",
    ];

    #[test]
    fn every_command_has_a_help_text() {
        let case = Case::new();
        let usage = case.run(&[]).out;
        for command in COMMANDS {
            let help = case.run(&["help", command]);
            assert!(help.code == 0 && help.out.contains("Usage: gene "), "{command}: {}", help.out);
            case.run(&[command, "--help"]).prints(&help.out);
            assert!(usage.contains(command), "{command}");
        }
    }

    #[test]
    fn every_command_refuses_what_it_does_not_know() {
        let case = Case::new();
        for command in COMMANDS {
            case.run(&[command, "--zz", "x"]).expect(2, "", "Error: Unknown option: --zz\n");
            case.run(&[command, "--zz=1"]).expect(2, "", "Error: Unknown option: --zz\n");
        }
        for (command, word) in [
            ("run", "FILE"),
            ("pipe", "CODE"),
            ("parse", "FILE"),
            ("fmt", "FILE"),
            ("format", "FILE"),
            ("run-examples", "FILE"),
            ("check", "FILE"),
            ("deps", "install|update|verify|gc|clean"),
        ] {
            case.run(&[command]).expect(2, "", &format!("Error: Missing argument: {word}\n"));
        }
        for (command, option) in
            [("parse", "--format"), ("deser", "--format"), ("run", "--diagnostics"), ("eval", "--contracts")]
        {
            case.run(&[command, option, "zz"]).expect(2, "", &format!("Error: Invalid value for {option}: zz\n"));
            case.run(&[command, option]).expect(2, "", &format!("Error: Missing value for {option}\n"));
        }
    }

    #[test]
    fn help_shows_one_command() {
        let case = Case::new();
        let help = case.run(&["help", "run"]);
        assert!(help.code == 0 && help.out.contains("--strict-nil"));
        case.run(&["run", "--help"]).prints(&help.out);
        let unknown = case.run(&["help", "x"]);
        assert!(unknown.code == 2 && unknown.err.starts_with("Error: Unknown command: x\n"));
    }

    #[test]
    fn version_is_printed() {
        Case::new().run(&["--version"]).prints(&format!("gene {}\n", env!("CARGO_PKG_VERSION")));
    }

    #[test]
    fn an_unknown_command_is_wrong_usage() {
        let case = Case::new();
        let ran = case.run(&["x"]);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""));
        assert!(ran.err.starts_with("Error: Unknown command: x\nUsage: "));
    }

    #[test]
    fn an_unknown_option_is_wrong_usage() {
        let case = Case::new().file("a.gene", "1");
        for command in COMMANDS {
            case.run(&[command, "--x", "a.gene"]).expect(2, "", "Error: Unknown option: --x\n");
            case.run(&[command, "--x=1", "a.gene"]).expect(2, "", "Error: Unknown option: --x\n");
        }
        case.run(&["--x"]).expect(2, "", "Error: Unknown option: --x\n");
        case.run(&["run", "-x", "a.gene"]).expect(2, "", "Error: Unknown option: -x\n");
    }

    #[test]
    fn bad_values_are_wrong_usage() {
        let case = Case::new().file("a.gene", "1");
        case.run(&["run"]).expect(2, "", "Error: Missing argument: FILE\n");
        case.run(&["run", "--contracts", "no", "a.gene"]).expect(2, "", "Error: Invalid value for --contracts: no\n");
        case.run(&["run", "--seed"]).expect(2, "", "Error: Missing value for --seed\n");
        case.run(&["run", "--strict-nil=1", "a.gene"]).expect(2, "", "Error: --strict-nil takes no value\n");
    }

    #[test]
    fn a_missing_file_is_an_error() {
        let case = Case::new();
        for command in ["run", "parse", "check", "fmt", "run-examples", "deser", "test"] {
            case.run(&[command, "no.gene"]).expect(1, "", "Error: File not found: no.gene\n");
        }
    }
}

mod run {
    use super::*;

    #[test]
    fn a_program_runs_without_printing_its_value() {
        let case = Case::new().file("a.gene", "(println \"hi\") 42");
        case.run(&["run", "a.gene"]).prints("hi\n");
        case.run(&["a.gene"]).prints("hi\n");
    }

    #[test]
    fn any_existing_file_runs() {
        Case::new().file("script", "#!/usr/bin/env gene\n(println $args)").run(&["script", "x"]).prints("[x]\n");
    }

    #[test]
    fn arguments_reach_the_program_unchanged() {
        let case = Case::new().file("a.gene", "(println $args $program)");
        case.run(&["run", "a.gene", "--seed", "1", "-x", "--", "y"]).prints("[--seed 1 -x -- y] a.gene\n");
        case.run(&["run", "--seed=1", "--", "a.gene", "--z"]).prints("[--z] a.gene\n");
        case.run(&["a.gene", "--help", "-d"]).prints("[--help -d] a.gene\n");
    }

    #[test]
    fn options_may_be_repeated() {
        Case::new().file("a.gene", "(println 1)").run(&["run", "--seed", "1", "--seed=2", "a.gene"]).prints("1\n");
    }

    #[test]
    fn a_dash_is_stdin() {
        let case = Case::new();
        case.run_with(&["run", "-", "x"], "(println $args $is_main)").prints("[x] true\n");
        case.run_with(&["-", "x"], "(println $args)").prints("[x]\n");
        let ran = case.run_with(&["run", "-"], "\n(nope)");
        assert_eq!((ran.code, ran.err.lines().nth(1)), (1, Some("  at <module> (<stdin>:2:2)")));
    }

    #[test]
    fn exit_codes() {
        let case = Case::new()
            .file("exit.gene", "(println 1) (exit 7) (println 2)")
            .file("now.gene", "(print 1) (try (system/exit 8) finally (println 2))")
            .file("finally.gene", "(try (exit 9) finally (println \"f\"))")
            .file("throw.gene", "(print 1) (throw \"x\")")
            .file("void.gene", "(exit)");
        case.run(&["exit.gene"]).expect(7, "1\n", "");
        case.run(&["now.gene"]).expect(8, "1", "");
        case.run(&["finally.gene"]).expect(9, "f\n", "");
        assert_eq!(case.run(&["throw.gene"]).code, 1);
        case.run(&["void.gene"]).prints("");
    }

    #[test]
    fn contracts_can_be_switched_off() {
        let case = Case::new().file("a.gene", "(fn f [n] ^pre [(n > 0)] n) (println (f -1))");
        assert_eq!(case.run(&["run", "--contracts", "on", "a.gene"]).code, 1);
        case.run(&["run", "--contracts=off", "a.gene"]).prints("-1\n");
    }

    #[test]
    fn imports_are_found_beside_the_file() {
        let case = Case::new()
            .file("sub/a.gene", "(import f from \"b\") (import g from \"./c/d\") (println (f) (g))")
            .file("sub/b.gene", "(fn f [] 1)")
            .file("sub/c/d.gene", "(import h from \"../b2\") (fn g [] (h))")
            .file("sub/b2.gene", "(fn h [] 2)")
            .file("top.gene", "(fn t [] 3)")
            .file("sub/e.gene", "(import t from \"top\") (println (t))");
        case.run(&["sub/a.gene"]).prints("1 2\n");
        case.run(&["sub/e.gene"]).prints("3\n");
    }

    #[test]
    fn a_missing_module_is_reported() {
        let case = Case::new().file("a.gene", "(import x from \"nope\")");
        let ran = case.run(&["a.gene"]);
        assert_eq!(ran.code, 1);
        let start = "Error: RuntimeException: [GENE.MODULE.NOT_FOUND] Module 'nope' was not found (importer=a.gene; specifier=nope; searched=[";
        assert!(ran.err.starts_with(start), "{}", ran.err);
    }

    #[test]
    fn a_closed_pipe_ends_silently() {
        let case = Case::new().file("a.gene", "(for i in (0 .. 300000) (println \"line\" i))");
        let mut child = case.command(&["a.gene"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
    }

    #[test]
    fn stdout_comes_before_stderr() {
        let case = Case::new().file("a.gene", "(print \"a\") (eprintln \"b\") (print \"c\") (throw \"d\")");
        let both = std::fs::File::create(case.dir.join("log")).unwrap();
        let status = case.command(&["a.gene"]).stdout(both.try_clone().unwrap()).stderr(both).status().unwrap();
        assert_eq!(status.code(), Some(1));
        let log = std::fs::read_to_string(case.dir.join("log")).unwrap();
        assert!(log.starts_with("ab\ncError: d\n"), "{log}");
    }

    #[test]
    fn stdin_is_read_by_lines() {
        let case =
            Case::new().file("a.gene", "(println (readline)) (println (readline)) (println (read_all) (readline))");
        case.run_with(&["a.gene"], "one\ntwo\r\nthree\nfour").prints("one\ntwo\nthree\nfour nil\n");
        let file = std::fs::File::open(case.dir.join("a.gene")).unwrap();
        let output = case.command(&["eval", "(println ((readline) .size))"]).stdin(file).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "73\n");
    }

    #[test]
    fn lines_of_stdin_are_iterated() {
        let case = Case::new().file("a.gene", "(for line in stdin (println (line .size)))");
        case.run_with(&["a.gene"], "a\nbb\n\nccc").prints("1\n2\n0\n3\n");
    }

    #[test]
    fn waiting_for_stdin_does_not_block_other_tasks_or_the_exit() {
        let case = Case::new().file("a.gene", "(spawn (do (sleep 50) (println \"tick\") (exit 3))) (readline)");
        let mut child = case
            .command(&["a.gene"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let start = std::time::Instant::now();
        let ran = Ran::from(child.wait_with_output().unwrap());
        drop(stdin);
        ran.expect(3, "tick\n", "");
        assert!(start.elapsed().as_secs() < 10);
    }

    #[test]
    fn virtual_time_takes_no_time() {
        let case = Case::new().file(
            "a.gene",
            "(var t (gene/time/monotonic)) (sleep 3600000) (println ((gene/time/monotonic) - t) (time/now_ms))",
        );
        let start = std::time::Instant::now();
        case.run(&["run", "--virtual-time", "a.gene"]).prints("3600000 946688400000\n");
        assert!(start.elapsed().as_secs() < 60);
    }

    #[test]
    fn a_seed_makes_runs_alike() {
        let case = Case::new().file("a.gene", "(println (random) (math/random_int 1000000))");
        let first = case.run(&["run", "--seed", "5", "a.gene"]);
        assert_eq!(first.code, 0, "{}", first.err);
        case.run(&["run", "--seed=5", "a.gene"]).prints(&first.out);
        assert_ne!(case.run(&["run", "--seed=6", "a.gene"]).out, first.out);
    }

    #[test]
    fn polling_can_be_switched_off_and_collections_forced() {
        let case = Case::new().file("a.gene", "(var s []) (for i in (0 .. 99) (s .add [i])) (println (s .size))");
        case.run(&["run", "--poll-interval", "0", "a.gene"]).prints("100\n");
        case.run(&["run", "--stress-gc", "a.gene"]).prints("100\n");
    }

    #[test]
    fn limits_end_the_program() {
        let case = Case::new()
            .file("loop.gene", "(while true 1)")
            .file("grow.gene", "(var s []) (while true (s .add [1 2 3]))");
        let ran = case.run(&["run", "--instruction-limit", "100000", "loop.gene"]);
        assert!(ran.code == 1 && ran.err.starts_with("Error: FuelException: "), "{}", ran.err);
        let ran = case.run(&["run", "--memory-limit", "20000000", "grow.gene"]);
        assert!(ran.code == 1 && ran.err.starts_with("Error: MemoryLimitException: "), "{}", ran.err);
    }

    #[test]
    fn the_end_of_the_body_waits_for_tasks_unless_told_not_to() {
        let case = Case::new().file("a.gene", "(spawn (do (sleep 20) (println \"late\"))) (println \"main\")");
        case.run(&["a.gene"]).prints("main\nlate\n");
        case.run(&["run", "--no-drain", "a.gene"]).prints("main\n");
    }

    #[test]
    fn files_are_read_at_the_same_time() {
        let case = Case::new().file("x.txt", "x").file(
            "a.gene",
            "(var fs []) (for i in (0 .. 999) (fs .add (gene/io/read_async \"x.txt\")))
             (var n 0) (for f in fs (n += ((await f) .size))) (println n)
             (try (await (gene/io/read_async \"nope\")) catch IOError (println $ex/message))
             (await (gene/io/write_async \"y.txt\" \"why\")) (println (gene/io/read \"y.txt\"))",
        );
        case.run(&["a.gene"]).prints("1000\nFailed to read file 'nope': No such file or directory\nwhy\n");
    }

    #[test]
    fn child_processes_see_the_environment() {
        let case = Case::new().env("GENE_CLI_A", "1").file(
            "a.gene",
            "(set_env \"GENE_CLI_B\" \"2\") (unset_env \"GENE_CLI_A\")
             (println (system/exec \"sh\" \"-c\" \"echo $GENE_CLI_A-$GENE_CLI_B\"))
             (println (system/shell \"echo out; echo err >&2; exit 3\"))
             (try (system/exec \"/no/such/program\") catch RuntimeException (println $ex/message))
             (println $env/GENE_CLI_A $env/GENE_CLI_B)",
        );
        case.run(&["a.gene"]).prints(
            "-2\n\n{^output out\nerr\n ^exit_code 3}\nFailed to execute command: No such file or directory\nvoid 2\n",
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_program_that_waits_for_nothing_starts_no_reactor() {
        // The main thread and the one that waits for signals.
        let threads = "(println ((gene/fs/list \"/proc/self/task\") .size))";
        Case::new().run(&["eval", &format!("{threads} (sleep 1) {threads}")]).prints("2\n2\n");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_thousand_reads_use_few_threads() {
        let case = Case::new().file("x.txt", &"x".repeat(4096)).file(
            "a.gene",
            "(var fs []) (for i in (0 .. 999) (fs .add (gene/io/read_async \"x.txt\")))
             (var most ((gene/fs/list \"/proc/self/task\") .size))
             (for f in fs (await f) (most = (max most ((gene/fs/list \"/proc/self/task\") .size))))
             (println (most <= (3 + (4 * (system/cpu_count)))))",
        );
        case.run(&["a.gene"]).prints("true\n");
    }

    #[test]
    fn streams_close_at_the_end_of_with() {
        let case = Case::new().file(
            "a.gene",
            "(with [f (File/open \"x\" \"w\")] (f .write \"a\" 1 \"\\n\") (f .write_line 'b'))
             (with [f (File/open \"x\")] (for line in f (println line)))
             (var f (File/open \"x\" \"a\")) (f .write \"left open\")",
        );
        case.run(&["a.gene"]).prints("a1\nb\n");
        assert_eq!(std::fs::read_to_string(case.dir.join("x")).unwrap(), "a1\nb\nleft open");
    }
}

mod reports {
    use super::*;

    const SQ: &str = "(fn sq [n] (n * n))\n(println (sq $args/0/.to_i))\n";

    #[test]
    fn an_uncaught_exception_shows_class_stack_and_line() {
        let case = Case::new().file("sq.gene", SQ);
        case.run(&["run", "sq.gene", "12"]).prints("144\n");
        case.run(&["run", "sq.gene"]).expect(
            1,
            "",
            "Error: TypeException: Method to_i not found on Void\n  at <module> (sq.gene:2:14)\nsq.gene:2:14\n   2 | (println (sq $args/0/.to_i))\n     |              ^\n",
        );
    }

    #[test]
    fn plain_exceptions_show_their_message_only() {
        let case = Case::new().file("a.gene", "(fn f [] (throw \"one\\ntwo\"))\n(f)\n");
        case.run(&["a.gene"]).expect(
            1,
            "",
            "Error: one\n  two\n  at f (a.gene:1:10)\n  at <module> (a.gene:2:1)\na.gene:1:10\n   1 | (fn f [] (throw \"one\\ntwo\"))\n     |          ^\n",
        );
    }

    #[test]
    fn causes_are_shown() {
        let case = Case::new()
            .file("a.gene", "(try (throw [1 \"x\"])\ncatch * (throw ($ex .wrap IOError \"save failed\")))\n");
        let ran = case.run(&["a.gene"]);
        assert_eq!(ran.code, 1);
        let expected = "Error: IOError: save failed\n  at <module> (a.gene:2:9)\na.gene:2:9\n   2 | catch * (throw ($ex .wrap IOError \"save failed\")))\n     |         ^\nCaused by: [1 \"x\"]\n  at <module> (a.gene:1:6)\nCaused by: [1 \"x\"]\n";
        assert_eq!(ran.err, expected);
    }

    #[test]
    fn long_stacks_are_cut() {
        let case = Case::new().file("a.gene", "(fn f [n] (if (n == 0) (throw \"deep\")) (+ 1 (f (n - 1))))\n(f 50)\n");
        let ran = case.run(&["a.gene"]);
        let at = ran.err.lines().filter(|l| l.starts_with("  at ")).count();
        assert_eq!(at, 20, "{}", ran.err);
        assert!(ran.err.contains("\n  ... 32 more\n"), "{}", ran.err);
    }

    #[test]
    fn data_reports_are_one_line() {
        let case = Case::new()
            .file("a.gene", "\n(nope 1)")
            .file("b.gene", "(fn f [n] ^pre [(n > 0)] n) (f 0)")
            .file("c.gene", "(a\n(b");
        let undefined = "Error: {^message \"nope is not defined\" ^code \"GENE.SCOPE.UNDEFINED_VAR\" ^severity \"error\" ^stage \"runtime\" ^span {^file \"a.gene\" ^line 2 ^column 2} ^hints [] ^repair_tags [\"runtime\"]}\n";
        case.run(&["run", "--diagnostics", "data", "a.gene"]).expect(1, "", undefined);
        let contract = case.run(&["run", "--diagnostics=data", "b.gene"]);
        assert!(
            contract.err.contains("^code \"GENE.RUNTIME.ERROR\"")
                && contract.err.contains("^span {^file \"\" ^line 0 ^column 0}")
        );
        let syntax = case.run(&["run", "--diagnostics=data", "c.gene"]);
        assert!(
            syntax.err.contains("^code \"GENE.PARSE.ERROR\" ^severity \"error\" ^stage \"parse\""),
            "{}",
            syntax.err
        );
        assert!(syntax.err.contains("^span {^file \"c.gene\" ^line 2 ^column 1}"), "{}", syntax.err);
    }

    #[test]
    fn the_environment_chooses_the_form_and_the_option_wins() {
        let case = Case::new().file("a.gene", "(throw \"x\")").env("GENE_DIAGNOSTICS", "data");
        assert!(case.run(&["a.gene"]).err.starts_with("Error: {^message \"x\""));
        assert!(case.run(&["run", "--diagnostics", "text", "a.gene"]).err.starts_with("Error: x\n"));
    }

    #[test]
    fn syntax_errors_stop_everything() {
        let case = Case::new().file("a.gene", "(println 1)\n\n(var x (1 + 2)\n");
        let ran = case.run(&["a.gene"]);
        ran.expect(1, "", "Error: a.gene:3:1: EOF while reading list, expected ')'\n   3 | (var x (1 + 2)\n     | ^\n");
        case.run(&["check", "a.gene"]).expect(1, "", &ran.err);
    }

    #[test]
    fn compile_errors_are_collected() {
        let case = Case::new().file("a.gene", "(println 1)\n(break)\n(fn f [] (continue))\n");
        case.run(&["a.gene"]).expect(
            1,
            "",
            "Error: a.gene:2:1: break used outside of a loop\n   2 | (break)\n     | ^\nError: a.gene:3:10: continue used outside of a loop\n   3 | (fn f [] (continue))\n     |          ^\n",
        );
        let data = case.run(&["check", "--diagnostics", "data", "a.gene"]);
        assert_eq!((data.code, data.err.lines().count()), (1, 2));
        assert!(data.err.contains("^code \"GENE.COMPILE.ERROR\" ^severity \"error\" ^stage \"compile\""));
    }

    #[test]
    fn invalid_text_is_a_syntax_error() {
        let case = Case::new();
        std::fs::write(case.dir.join("a.gene"), b"(println 1)\n\"\xff\"").unwrap();
        let ran = case.run(&["a.gene"]);
        assert!(ran.code == 1 && ran.err.starts_with("Error: a.gene:2:2: "), "{}", ran.err);
    }
}

mod eval {
    use super::*;

    #[test]
    fn nothing_is_printed_unless_asked() {
        let case = Case::new();
        case.run(&["eval", "(1 + 2)"]).prints("");
        for (option, expected) in [
            ("-p", "[1 \"two\"]\n"),
            ("--print-last", "[1 \"two\"]\n"),
            ("--gene", "[1 \"two\"]\n"),
            ("--line", "[1 two]\n"),
        ] {
            case.run(&["eval", option, "[1 \"two\"]"]).prints(expected);
        }
        case.run(&["eval", "--json", "{^a [1 nil]}"]).prints("{\"a\":[1,null]}\n");
    }

    #[test]
    fn rows_are_printed_as_csv() {
        let case = Case::new();
        case.run(&["eval", "--csv", "[[1 \"a,b\"] [2 nil]]"]).prints("1,\"a,b\"\n2,\n");
        case.run(&["eval", "--csv", "[1 2]"]).prints("1,2\n");
    }

    #[test]
    fn code_may_come_from_stdin() {
        Case::new().run_with(&["eval", "-p"], "(var x 20)\n(x + 1)\n").prints("21\n");
    }

    #[test]
    fn arguments_follow_the_code() {
        Case::new().run(&["eval", "(println $args $program)", "-p", "x"]).prints("[-p x] \n");
    }

    #[test]
    fn errors_name_the_module() {
        let ran = Case::new().run(&["eval", "(nope)"]);
        ran.expect(
            1,
            "",
            "Error: RuntimeException: nope is not defined\n  at <module> (<eval>:1:2)\n<eval>:1:2\n   1 | (nope)\n     |  ^\n",
        );
    }
}

mod repl {
    use super::*;

    #[test]
    fn each_input_prints_its_value() {
        let case = Case::new();
        case.run_with(&["repl"], "(var x 20)\nnil\n(x +\n 1)\n\"s\"\n").prints("20\n21\n\"s\"\n");
    }

    #[test]
    fn earlier_results_have_names() {
        Case::new().run_with(&["repl"], "10\n20\n($1 + $2)\n$0\n").prints("10\n20\n30\n30\n");
    }

    #[test]
    fn task_locals_of_earlier_inputs_are_read() {
        let input = "(tasklocal r 5)\nr\n(fn f [] r)\n(with_local r 7 [r (f)])\n";
        Case::new().run_with(&["repl"], input).prints("5\n<Function f>\n[7 7]\n");
    }

    #[test]
    fn errors_do_not_end_the_session() {
        let ran = Case::new().run_with(&["repl"], "(nope)\n)\n(println 1)\n");
        assert_eq!((ran.code, ran.out.as_str()), (0, "1\n"));
        assert!(ran.err.starts_with("Error: RuntimeException: nope is not defined\n"), "{}", ran.err);
        assert!(ran.err.contains("Error: <repl>:1:1: "), "{}", ran.err);
    }

    #[test]
    fn commands_start_with_a_colon() {
        let case = Case::new().file("f.gene", "(fn twice [n] (n * 2)) nil");
        let ran =
            case.run_with(&["repl"], ":load f.gene\n(twice 4)\n:load no\n:bad\n:time 5\n:help\n:quit\n(println 1)\n");
        assert_eq!(ran.err, "Error: File not found: no\nError: Unknown command: :bad\n");
        let mut lines = ran.out.lines();
        assert_eq!((lines.next(), lines.next()), (Some("8"), Some("5")));
        assert!(lines.next().unwrap().ends_with(" ms"));
        assert!(ran.out.contains(":load FILE") && !ran.out.ends_with("1\n"));
    }

    #[test]
    fn exit_leaves_with_its_code() {
        let case = Case::new();
        case.run_with(&["repl"], "(exit 4)\n(println 1)\n").expect(4, "", "");
        case.run_with(&["repl"], ":exit\n(println 1)\n").prints("");
    }

    #[test]
    fn unfinished_input_is_reported_at_the_end() {
        let ran = Case::new().run_with(&["repl"], "(a\n");
        assert_eq!((ran.code, ran.out.as_str()), (0, ""));
        assert!(ran.err.starts_with("Error: <repl>:1:1: EOF while reading list"), "{}", ran.err);
    }

    #[test]
    fn the_session_is_where_the_program_failed() {
        let case = Case::new().file(
            "a.gene",
            "(import scale from \"m\")\n(var top 5)\n(fn f [a] (var b [a]) (do (var gone 1) gone) (var get (fn [] b)) (throw \"x\") (var late 2))\n\
             (f 3)\n",
        );
        let case = case.file("m.gene", "(fn scale [n] (do (var factor 2) (n * \"s\")))");
        let input = "(println a b top)\n(get)\n(a = 4)\n(a + top)\nlate\ngone\n(scale 3)\n(f 1)\n";
        let ran = case.run_with(&["run", "--repl-on-error", "a.gene"], input);
        assert_eq!((ran.code, ran.out.as_str()), (1, "3 [3] 5\n[3]\n4\n9\n"), "{}", ran.err);
        assert!(ran.err.contains("late is not defined") && ran.err.contains("gone is not defined"), "{}", ran.err);
        let case = case.file("b.gene", "(import scale from \"m\")\n(scale 7)\n");
        let ran = case.run_with(&["run", "--repl-on-error", "b.gene"], "(n + factor)\n");
        assert_eq!(ran.out, "9\n", "{}", ran.err);
        let ran = case.run_with(&["eval", "--repl-on-error", "(var x 1) (fn g [y] (nope)) (g 2)"], "[x y]\n");
        assert_eq!(ran.out, "[1 2]\n", "{}", ran.err);
    }

    #[test]
    fn a_failing_program_leaves_a_session_if_wanted() {
        let case = Case::new().file("a.gene", "(var x 5)\n(fn f [] x)\n(nope)");
        let ran = case.run_with(&["run", "--repl-on-error", "a.gene"], "(x + 1)\n(f)\n");
        assert_eq!((ran.code, ran.out.as_str()), (1, "6\n5\n"), "{}", ran.err);
    }
}

mod parse {
    use super::*;

    #[test]
    fn forms_are_shown_as_tagged_json() {
        let case = Case::new().file("a.gene", "(f ^k [1 \"s\"] x) # c\n{}");
        case.run(&["parse", "--format=json", "a.gene"])
            .prints("{\"genetype\":\"#GENE#f\",\"k\":[1,\"s\"],\"children\":[\"#GENE#x\"]}\n{}\n");
    }

    #[test]
    fn forms_are_shown_without_running_them() {
        let case = Case::new().file("a.gene", "(f ^k [1 \"s\"] x) # c\n{}");
        case.run(&["parse", "a.gene"]).prints("(f\n  ^k [\n    1\n    \"s\"\n  ]\n  x\n)\n{}\n");
        case.run(&["parse", "--format", "compact", "a.gene"]).prints("(f ^k [1 \"s\"] x)\n{}\n");
        case.run_with(&["parse", "-"], "#[a]").prints("#[\n  a\n]\n");
    }

    #[test]
    fn syntax_errors_are_reported() {
        let case = Case::new().file("a.gene", "1 (");
        case.run(&["parse", "a.gene"]).expect(
            1,
            "",
            "Error: a.gene:1:3: EOF while reading list, expected ')'\n   1 | 1 (\n     |   ^\n",
        );
    }
}

mod check {
    use super::*;

    #[test]
    fn good_files_are_silent_and_not_run() {
        let case = Case::new().file("a.gene", "(println 1)").file("b.gene", "(fn f [] 1)");
        case.run(&["check", "a.gene", "b.gene"]).prints("");
    }

    #[test]
    fn every_file_is_checked() {
        let case = Case::new().file("a.gene", "(break)").file("b.gene", "(");
        let ran = case.run(&["check", "a.gene", "b.gene"]);
        assert_eq!(ran.code, 1);
        assert!(ran.err.contains("a.gene:1:1: break") && ran.err.contains("b.gene:1:1: EOF"), "{}", ran.err);
    }
}

#[cfg(unix)]
mod signals {
    use super::*;
    use std::io::{BufRead, BufReader};

    fn signal(pid: u32, name: &str) {
        assert!(Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status().unwrap().success());
    }

    /// Runs until the program has printed a line, then sends the signals.
    fn interrupted(text: &str, names: &[&str]) -> Ran {
        let case = Case::new().file("a.gene", text);
        let mut child = case
            .command(&["a.gene"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        for name in names {
            signal(child.id(), name);
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut out, &mut rest).unwrap();
        let mut ran = Ran::from(child.wait_with_output().unwrap());
        ran.out = rest;
        ran
    }

    #[test]
    fn an_interrupt_runs_finally_parts() {
        let ran = interrupted("(try (println \"go\") (flush) (sleep 60000) finally (println \"bye\"))", &["INT"]);
        ran.expect(130, "bye\n", "");
    }

    #[test]
    fn terminate_too() {
        let ran = interrupted("(try (println \"go\") (flush) (while true 1) finally (println \"bye\"))", &["TERM"]);
        ran.expect(143, "bye\n", "");
    }

    #[test]
    fn an_interrupt_ends_a_native_in_the_middle() {
        // Both would take far longer than the signal does to arrive.
        for endless in ["(s .levenshtein t)", "(println a)"] {
            let program = format!(
                "(var s (\"a\" .repeat 400000)) (var t (\"b\" .repeat 400000)) (var a [1]) (repeat 60 (a = [a a])) \
                 (try (println \"go\") (flush) {endless} finally (println \"bye\"))"
            );
            let ran = interrupted(&program, &["INT"]);
            ran.expect(130, "bye\n", "");
        }
        let searches = "(var s (\"ab \" .repeat 20000000)) \
            (try (println \"go\") (flush) (repeat 100 (s .gsub #/b/ \"<\\\\0>\")) finally (println \"bye\"))";
        interrupted(searches, &["INT"]).expect(130, "bye\n", "");
    }

    #[test]
    fn the_third_interrupt_ends_the_process() {
        let ran = interrupted(
            "(println \"go\") (flush) (while true (try (while true 1) catch CancellationException 1))",
            &["INT", "INT", "INT"],
        );
        assert_eq!(ran.code, 130);
    }
}

mod small_things {
    use super::*;

    #[test]
    fn help_knows_itself() {
        let case = Case::new();
        case.run(&["help", "help"]).prints(&case.run(&[]).out);
    }

    #[test]
    fn a_negative_number_is_a_bad_value_and_no_option() {
        let case = Case::new().file("a.gene", "1");
        for option in ["--poll-interval", "--seed", "--memory-limit", "--instruction-limit"] {
            let expected = format!("Error: Invalid value for {option}: -5\n");
            case.run(&["run", option, "-5", "a.gene"]).expect(2, "", &expected);
        }
    }

    #[test]
    fn a_word_too_many_is_no_option() {
        let case = Case::new().file("a.gene", "1");
        case.run(&["parse", "a.gene", "b.gene"]).expect(2, "", "Error: Unexpected argument: b.gene\n");
    }

    #[test]
    fn a_dash_is_stdin_for_check_and_run_examples() {
        let case = Case::new();
        let ran = case.run_with(&["check", "-"], "(println 1)\n(break)");
        assert_eq!((ran.code, ran.err.lines().next()), (1, Some("Error: <stdin>:2:1: break used outside of a loop")));
        case.run_with(&["check", "-"], "(println 1)").prints("");
        case.run_with(&["run-examples", "-"], "(fn twice [n] ^examples [[2] -> 4] (n * 2))")
            .prints("PASS twice example 1: [2] -> 4\nExamples run: 1, passed: 1, failed: 0, functions: 1\n");
    }

    #[test]
    fn the_form_of_reports_in_the_environment_is_checked() {
        let case = Case::new().file("a.gene", "1").env("GENE_DIAGNOSTICS", "xml");
        for command in ["run", "parse", "fmt", "check"] {
            case.run(&[command, "a.gene"]).expect(2, "", "Error: Invalid value for GENE_DIAGNOSTICS: xml\n");
        }
    }

    #[test]
    fn a_timeline_that_cannot_be_written_is_reported_before_the_program_runs() {
        let case = Case::new().file("a.gene", "(println 1)");
        case.run(&["run", "--trace", "no/t.json", "a.gene"]).expect(
            1,
            "",
            "Error: Failed to write file 'no/t.json': No such file or directory\n",
        );
    }

    #[test]
    fn every_command_that_runs_one_program_writes_its_timeline() {
        let case = Case::new();
        for args in
            [["eval", "--trace", "t.json", "1"], ["repl", "--trace", "t.json", "x"], ["pipe", "--trace", "t.json", "1"]]
        {
            let ran = case.run_with(&args, "");
            assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{args:?}");
            let file = case.dir.join("t.json");
            assert!(std::fs::read_to_string(&file).unwrap().contains("traceEvents"), "{args:?}");
            std::fs::remove_file(file).unwrap();
        }
        let ran = case.run(&["test", "--trace", "t.json"]);
        assert_eq!((ran.code, ran.err.as_str()), (2, "Error: --trace is for one program, not for tests\n"));
    }

    #[test]
    fn a_line_of_invalid_utf_8_ends_a_pipe_with_a_plain_report() {
        let case = Case::new();
        let mut child = case.command(&["pipe", "$line"]);
        child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = child.spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"\xff\n").unwrap();
        let ran = Ran::from(child.wait_with_output().unwrap());
        ran.expect(1, "", "Error: IOError: Failed to read file 'stdin': invalid UTF-8\n");
    }

    #[test]
    fn formatting_into_a_closed_pipe_is_silent() {
        let case = Case::new().file("long.gene", &"(println 1)\n".repeat(100_000));
        let mut child = case.command(&["fmt", "-"]);
        child
            .stdin(std::fs::File::open(case.dir.join("long.gene")).unwrap())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = child.spawn().unwrap();
        drop(child.stdout.take());
        Ran::from(child.wait_with_output().unwrap()).expect(0, "", "");
    }
}
