//! The commands around programs: fmt, pipe, test, run-examples, deser, doc, and packages given by `--pkg` (chapter 20).
mod support;

use support::Case;

mod fmt {
    use super::*;

    #[test]
    fn files_are_rewritten() {
        let case = Case::new().file("a.gene", "(fn f [a]\r\n(g a\r\n  b))  \r\n").file("b.gene", "(ok)\n");
        case.run(&["fmt", "a.gene", "b.gene"]).prints("");
        assert_eq!(case.read("a.gene"), "(fn f [a]\n  (g a\n    b))\n");
        case.run(&["format", "a.gene"]).prints("");
        assert_eq!(case.read("a.gene"), "(fn f [a]\n  (g a\n    b))\n");
    }

    #[test]
    fn check_lists_files_and_changes_nothing() {
        let case = Case::new().file("a.gene", " (a)\n").file("b.gene", "(ok)\n").file("c.gene", "(a\nb)");
        case.run(&["fmt", "--check", "a.gene", "b.gene", "c.gene"]).expect(1, "a.gene\nc.gene\n", "");
        assert_eq!(case.read("a.gene"), " (a)\n");
        case.run(&["fmt", "--check", "b.gene"]).prints("");
    }

    #[test]
    fn stdin_goes_to_stdout() {
        let case = Case::new();
        case.run_with(&["fmt", "-"], "(if a\nb\nelse\nc)").prints("(if a\n  b\nelse\n  c)");
        case.run_with(&["fmt", "-"], "").prints("");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_is_replaced_at_one_stroke_and_keeps_its_permissions() {
        use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
        let case = Case::new().file("real/a.gene", "  (a)\n").file("real/b.gene", "(b)\n");
        let file = |name: &str| case.dir.join(name);
        std::fs::set_permissions(file("real/a.gene"), std::fs::Permissions::from_mode(0o751)).unwrap();
        symlink(file("real/a.gene"), file("link.gene")).unwrap();
        let before = std::fs::metadata(file("real/a.gene")).unwrap();
        let mut reader = std::fs::File::open(file("real/a.gene")).unwrap();
        let unchanged = std::fs::metadata(file("real/b.gene")).unwrap().ino();
        case.run(&["fmt", "link.gene", "real/b.gene"]).prints("");
        assert_eq!(case.read("real/a.gene"), "(a)\n");
        let after = std::fs::metadata(file("real/a.gene")).unwrap();
        assert_eq!(after.mode() & 0o777, 0o751);
        assert!(std::fs::symlink_metadata(file("link.gene")).unwrap().is_symlink());
        // Who has it open goes on reading the old content, and what was right is not touched.
        assert_ne!(after.ino(), before.ino());
        let mut old = String::new();
        std::io::Read::read_to_string(&mut reader, &mut old).unwrap();
        assert_eq!(old, "  (a)\n");
        assert_eq!(std::fs::metadata(file("real/b.gene")).unwrap().ino(), unchanged);
        assert_eq!(std::fs::read_dir(file("real")).unwrap().count(), 2);
    }

    #[test]
    fn what_cannot_be_read_stays() {
        let case = Case::new().file("a.gene", "  (a\n").file("b.gene", "  (b)\n");
        let ran = case.run(&["fmt", "a.gene", "b.gene"]);
        ran.expect(1, "", "Error: a.gene:1:3: EOF while reading list, expected ')'\n   1 |   (a\n     |   ^\n");
        assert_eq!((case.read("a.gene"), case.read("b.gene")), ("  (a\n".to_owned(), "(b)\n".to_owned()));
        std::fs::write(case.dir.join("c.gene"), b"\xff").unwrap();
        assert!(case.run(&["fmt", "c.gene"]).err.starts_with("Error: c.gene:1:1: Invalid UTF-8"));
    }
}

mod pipe {
    use super::*;

    const LINES: &str = "3\n4\n";

    #[test]
    fn code_runs_for_every_line() {
        let case = Case::new();
        case.run_with(&["pipe", "($line/.to_i * 10)"], LINES).prints("30\n40\n");
        case.run_with(&["pipe", "#\"#{$n}: #{$line}\""], "a\n\nlast").prints("1: a\n2: \n3: last\n");
        case.run_with(&["pipe", "$line"], "").prints("");
        case.run_with(&["pipe", "(println \"once\")"], "").prints("");
    }

    #[test]
    fn a_missing_file_is_not_taken_for_code() {
        let case = Case::new().file("dir/there.gene", "$line");
        for name in ["missing.gene", "dir/missing.gene"] {
            for input in ["", LINES] {
                case.run_with(&["pipe", name], input).expect(1, "", &format!("Error: File not found: {name}\n"));
            }
        }
        case.run_with(&["pipe", "dir/there.gene"], LINES).prints(LINES);
        let ran = case.run_with(&["pipe", "missing"], LINES);
        assert!(ran.code == 1 && ran.err.starts_with("Error: RuntimeException: missing is not defined\n"));
    }

    #[test]
    fn nil_prints_nothing_and_an_empty_string_an_empty_line() {
        Case::new().run_with(&["pipe", "(if ($line == \"a\") nil else \"\")"], "a\nb\n").prints("\n");
    }

    #[test]
    fn strings_may_be_quoted() {
        let case = Case::new();
        case.run_with(&["pipe", "--quote-str", "$line"], "a b\n").prints("\"a b\"\n");
        case.run_with(&["pipe", "--quote-str", "[$line 1]"], "a\n").prints("[a 1]\n");
    }

    #[test]
    fn lines_are_filtered() {
        Case::new().run_with(&["pipe", "--filter", "($line/.to_i > 3)"], "3\n4\n5\n").prints("4\n5\n");
    }

    #[test]
    fn module_variables_persist() {
        let case = Case::new();
        let code = "(fn add [s] (/total = ((if /total /total else 0) + s/.to_i))) (add $line)";
        case.run_with(&["pipe", code], LINES).prints("3\n7\n");
        let code = "(if ($n > 1) (println \"before:\" (last))) (var kept $line) (fn last [] kept)";
        case.run_with(&["pipe", code], LINES).prints("3\nbefore: 3\n4\n");
        case.run_with(&["pipe", "($ns/seen = (($ns/seen || []) ++ [$line]))"], LINES).prints("[3]\n[3 4]\n");
    }

    #[test]
    fn imports_and_functions_take_effect_once() {
        let case = Case::new().file("m.gene", "(println \"loaded\") (fn twice [s] (s ++ s))");
        case.run_with(&["pipe", "(import twice from \"m\") (println \"line\") (twice $line)"], LINES)
            .prints("loaded\nline\n33\nline\n44\n");
    }

    #[test]
    fn code_may_be_in_a_file() {
        let case = Case::new().file("ten.gene", "#!/usr/bin/env gene pipe\n($line/.to_i * 10)\n");
        case.run_with(&["pipe", "ten.gene"], LINES).prints("30\n40\n");
        let case = case.file("pkg/package.gene", "^name \"a/b\"").file("pkg/in.gene", "(import f from \"f\") (f)");
        let case = case.file("pkg/f.gene", "(fn f [] \"from the package\")");
        case.run_with(&["pipe", "--pkg", "pkg", "in.gene"], "1\n").prints("from the package\n");
    }

    #[test]
    fn exceptions_and_errors_end_it() {
        let case = Case::new();
        let ran = case.run_with(&["pipe", "$line/.to_i"], "1\nx\n2\n");
        assert_eq!((ran.code, ran.out.as_str()), (1, "1\n"));
        assert!(ran.err.starts_with("Error: ArgumentException: "), "{}", ran.err);
        assert!(ran.err.contains("\n  at <module> (<pipe>:1:1)\n<pipe>:1:1\n"), "{}", ran.err);
        case.run_with(&["pipe", "(break)"], "1\n").expect(
            1,
            "",
            "Error: <pipe>:1:1: break used outside of a loop\n   1 | (break)\n     | ^\n",
        );
        case.run_with(&["pipe", "(exit 4)"], "1\n2\n").expect(4, "", "");
        case.run(&["pipe"]).expect(2, "", "Error: Missing argument: CODE\n");
    }

    #[test]
    fn arguments_follow_the_code() {
        Case::new().run_with(&["pipe", "$args", "--filter", "x"], "1\n").prints("[--filter x]\n");
    }

    #[test]
    fn a_line_may_wait_and_tasks_have_their_time() {
        let case = Case::new();
        case.run_with(&["pipe", "(spawn (do (sleep 20) (println \"late\" $n))) (sleep 1) $n"], "a\nb\n")
            .prints("1\n2\nlate 2\nlate 2\n");
    }
}

mod run_examples {
    use super::*;

    #[test]
    fn every_example_is_checked_in_source_order() {
        let case = Case::new().file(
            "a.gene",
            "(fn double [n]\n  ^examples [[2] -> 4 [3] -> 7 [\"a\"] -> _]\n  (n * 2))\n\
             (fn fails [kind] ^examples [[] throws ArgumentException [1] throws Exception [2] throws IOError]\n  (throw \"no\"))\n\
             (fn waits [] ^examples [[] -> [1 {^a nil}]] (sleep 1) [1 {^a nil}])\n\
             (fn gen* [] ^examples [[] -> 1] 1)\n(println \"loaded\")\n",
        );
        case.run(&["run-examples", "a.gene"]).expect(
            1,
            "loaded\n\
             PASS double example 1: [2] -> 4\n\
             FAIL double example 2: [3] -> 7\n  expected: return 7\n  actual: return 6\n  location: a.gene:1:1\n\
             FAIL double example 3: [\"a\"] -> _\n  expected: return _\n  \
             actual: throw TypeException: Cannot multiply String and Int\n  location: a.gene:1:1\n\
             PASS fails example 1: [] throws ArgumentException\n\
             PASS fails example 2: [1] throws Exception\n\
             FAIL fails example 3: [2] throws IOError\n  expected: throw IOError\n  actual: throw Exception: no\n  \
             location: a.gene:4:1\n\
             PASS waits example 1: [] -> [1 {^a nil}]\n\
             Examples run: 7, passed: 4, failed: 3, functions: 3\n",
            "",
        );
    }

    #[test]
    fn all_well_or_nothing_to_do() {
        let case = Case::new().file("a.gene", "(fn f [] ^examples [[] -> 1] 1)").file("b.gene", "(fn f [] 1)");
        case.run(&["run-examples", "a.gene"])
            .prints("PASS f example 1: [] -> 1\nExamples run: 1, passed: 1, failed: 0, functions: 1\n");
        case.run(&["run-examples", "b.gene"]).prints("No examples found in b.gene\n");
    }

    #[test]
    fn malformed_examples_are_found_before_anything_runs() {
        for bad in ["[1 -> 1]", "[[1] 1]", "[[1] ->]", "[[1] throws]"] {
            let case = Case::new().file("a.gene", &format!("(println 1)\n(fn f [n]\n  ^examples {bad}\n  n)\n"));
            let ran = case.run(&["run-examples", "a.gene"]);
            assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{bad}");
            assert!(ran.err.starts_with("Error: a.gene:3:13: Invalid ^examples\n"), "{}", ran.err);
        }
    }
}

mod testing {
    use super::*;

    #[test]
    fn cases_run_in_order_after_the_module() {
        let case = Case::new().file(
            "a_test.gene",
            "(println \"loading\")\n(var log [])\n(test \"one\" (log .add 1))\n(test \"two\" (var x 5) (assert_eq log [1]) (assert_eq x 5))\n\
             (suite \"outer\" (test \"three\" (sleep 1) (assert_true true)) (suite \"inner\" (test \"four\" (assert_ne 1 2))))\n\
             (for i in [5 6] (test #\"number #{i}\" (assert_true (i > 4))))\n",
        );
        case.run(&["test"]).prints(
            "ok a_test.gene: one\nok a_test.gene: two\nok a_test.gene: outer > three\nok a_test.gene: outer > inner > four\n\
             ok a_test.gene: number 5\nok a_test.gene: number 6\n6 passed, 0 failed, 0 skipped\n",
        );
    }

    #[test]
    fn a_failure_shows_its_report_and_output() {
        let case = Case::new()
            .file("a_test.gene", "(test \"sum\"\n  (println \"seen\")\n  (assert_eq (1 + 3) 3))\n(test \"next\" 1)\n");
        case.run(&["test"]).expect(
            1,
            "FAIL a_test.gene: sum\n  Error: AssertionException: expected 3, got 4\n    at assert_eq (native)\n    \
             at <fn> (a_test.gene:3:3)\n  a_test.gene:3:3\n     3 |   (assert_eq (1 + 3) 3))\n       |   ^\n  Output:\n    seen\n\
             ok a_test.gene: next\n1 passed, 1 failed, 0 skipped\n",
            "",
        );
    }

    #[test]
    fn long_values_are_compared_line_by_line() {
        let long = "\"a long text that fills a line of its own, more or less\"";
        let case = Case::new()
            .file("a_test.gene", &format!("(test \"list\" (assert_eq [{long} {long} 1] [{long} {long} 2]))"));
        let out = case.run(&["test"]).out;
        let expected = "  Difference (- expected, + got):\n      \"a long";
        assert!(out.contains(expected), "{out}");
        assert!(out.contains("\n  -   2\n  +   1\n    ]\n"), "{out}");
    }

    #[test]
    fn assertions_say_what_was_expected() {
        for (form, message) in [
            ("(assert_eq \"a\" nil)", "expected nil, got \"a\""),
            ("(assert_ne [1] [1])", "expected anything but [1]"),
            ("(assert_true nil)", "expected true, got nil"),
            ("(assert_throws IOError (fn [] 1))", "expected IOError, got no exception"),
            ("(assert_throws IOError (fn [] (throw \"x\")))", "expected IOError, got Exception: x"),
            ("(testing/assert_true false)", "expected true, got false"),
        ] {
            let case = Case::new().file("a_test.gene", &format!("(test \"t\" {form})"));
            let ran = case.run(&["test"]);
            let head = format!("FAIL a_test.gene: t\n  Error: AssertionException: {message}\n");
            assert!(ran.code == 1 && ran.out.starts_with(&head), "{form}: {}", ran.out);
        }
    }

    #[test]
    fn an_expected_exception_is_the_value() {
        let body =
            "(var e (assert_throws RuntimeException (fn [] (nope)))) (assert_eq e/message \"nope is not defined\")";
        Case::new()
            .file("a_test.gene", &format!("(test \"t\" {body})"))
            .run(&["test"])
            .prints("ok a_test.gene: t\n1 passed, 0 failed, 0 skipped\n");
    }

    #[test]
    fn tests_may_be_skipped() {
        let case = Case::new().file("a_test.gene", "(test \"a\" (skip \"no net\") (throw \"x\")) (test \"b\" (skip))");
        case.run(&["test"])
            .prints("skip a_test.gene: a (no net)\nskip a_test.gene: b\n0 passed, 0 failed, 2 skipped\n");
    }

    #[test]
    fn files_are_found_by_name_below_the_paths() {
        let case = Case::new()
            .file("t/a_test.gene", "")
            .file("t/deep/test_b.gene", "")
            .file("t/.hidden/c_test.gene", "(throw 1)")
            .file("t/helper.gene", "(throw 1)")
            .file("u/d_test.gene", "");
        case.run(&["test", "t"]).prints("ok t/a_test.gene\nok t/deep/test_b.gene\n2 passed, 0 failed, 0 skipped\n");
        case.run(&["test", "u", "t/a_test.gene", "u/d_test.gene"])
            .prints("ok u/d_test.gene\nok t/a_test.gene\n2 passed, 0 failed, 0 skipped\n");
        assert!(case.run(&["test", "t/helper.gene"]).out.starts_with("FAIL t/helper.gene\n  Error: "));
    }

    #[test]
    fn a_package_says_where_its_tests_are() {
        let case = Case::new()
            .file("p/package.gene", "^name \"a/b\" ^test-dir \"checks\"")
            .file("p/checks/a_test.gene", "")
            .file("q/package.gene", "{^name \"c/d\"}")
            .file("q/tests/b_test.gene", "");
        case.run(&["test", "--pkg", "p"]).prints("ok p/checks/a_test.gene\n1 passed, 0 failed, 0 skipped\n");
        case.run(&["test", "--pkg", "q"]).prints("ok q/tests/b_test.gene\n1 passed, 0 failed, 0 skipped\n");
        let missing = case.run(&["test", "--pkg", "no/such"]);
        assert!(missing.code == 1 && missing.err.ends_with("Package 'no/such' was not found\n"), "{}", missing.err);
    }

    #[test]
    fn a_filter_chooses_by_name() {
        let case = Case::new().file("a_test.gene", "(suite \"s\" (test \"x\" 1)) (test \"y\" (throw 1))");
        case.run(&["test", "-k", "s > "]).prints("ok a_test.gene: s > x\n1 passed, 0 failed, 0 skipped\n");
        case.run(&["test", "-k", "zzz"]).prints("0 passed, 0 failed, 0 skipped\n");
    }

    #[test]
    fn every_file_has_a_machine_of_its_own() {
        let text = "(test \"t\" (assert_true (void == ($ns .name))) (extend Int (method mark [] 1)))";
        let probe = "(test \"clean\" (assert_throws TypeException (fn [] (1 .mark))))";
        let case = Case::new().file("a_test.gene", text).file("b_test.gene", probe);
        let out = case.run(&["test", "b_test.gene", "a_test.gene"]).out;
        assert!(out.starts_with("ok b_test.gene: clean\n"), "{out}");
        let case = Case::new().file("a_test.gene", "(extend Int (method mark [] 1))").file("b_test.gene", probe);
        case.run(&["test"]).prints("ok a_test.gene\nok b_test.gene: clean\n2 passed, 0 failed, 0 skipped\n");
    }

    #[test]
    fn a_file_without_cases_does_what_its_headers_say() {
        let case = Case::new()
            .file("a_test.gene", "# Expected: 1 2\n# Expected: 3\n\n(println 1 2)\n(println)\n(println 3)")
            .file("b_test.gene", "# ExitCode: 4\n(exit 4)")
            .file("c_test.gene", "# ExitCode: 1\n# Args: --contracts=off --strict-nil x y\n# Expected: [x y] -1\n(fn f [n] ^pre [(n > 0)] n) (println $args (f -1)) (throw \"x\")")
            .file("d_test.gene", "# Clock: virtual\n(sleep 3600000)");
        case.run(&["test"])
            .prints("ok a_test.gene\nok b_test.gene\nok c_test.gene\nok d_test.gene\n4 passed, 0 failed, 0 skipped\n");
    }

    #[test]
    fn headers_that_are_not_met_fail() {
        let case = Case::new()
            .file("a_test.gene", "# Expected: 1\n(println 2)")
            .file("b_test.gene", "# ExitCode: 3\n1")
            .file("c_test.gene", "# Clock: fast\n1")
            .file("d_test.gene", "# Args: --nope\n1")
            .file("e_test.gene", "(");
        let ran = case.run(&["test"]);
        assert_eq!(ran.code, 1);
        for part in [
            "FAIL a_test.gene\n  Error: the output differs (- expected, + got)\n  - 1\n  + 2\n",
            "FAIL b_test.gene\n  Error: exit code 0, expected 3\n",
            "FAIL c_test.gene\n  Error: Invalid header: # Clock: fast\n",
            "FAIL d_test.gene\n  Error: Unknown option: --nope\n",
            "FAIL e_test.gene\n  Error: e_test.gene:1:1: EOF while reading list",
            "0 passed, 5 failed, 0 skipped\n",
        ] {
            assert!(ran.out.contains(part), "{part}\n{}", ran.out);
        }
    }

    #[test]
    fn virtual_time_takes_none() {
        let case = Case::new().file("a_test.gene", "(test \"t\" (sleep 3600000))");
        let start = std::time::Instant::now();
        case.run(&["test", "--virtual-time"]).prints("ok a_test.gene: t\n1 passed, 0 failed, 0 skipped\n");
        assert!(start.elapsed().as_secs() < 60);
    }

    #[test]
    fn shaking_names_the_failing_seed() {
        let text = "(test \"luck\" (assert_true ((math/random_int 4) > 0))) (test \"sure\" 1)";
        let case = Case::new().file("a_test.gene", text);
        let ran = case.run(&["test", "--shake", "50"]);
        assert_eq!(ran.code, 1);
        let seed = ran.out.split("--seed ").nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap().to_owned();
        assert!(ran.out.contains(&format!("  Seed: {seed}, again with: gene test --seed {seed} a_test.gene\n")));
        assert!(ran.out.ends_with("ok a_test.gene: sure\n1 passed, 1 failed, 0 skipped\n"), "{}", ran.out);
        let ran = case.run(&["test", "--shake", "50", "--virtual-time"]);
        assert!(ran.out.contains("again with: gene test --virtual-time --seed "), "{}", ran.out);
        let again = case.run(&["test", "--seed", &seed, "a_test.gene"]);
        assert!(again.out.starts_with("FAIL a_test.gene: luck\n"), "{}", again.out);
        let case = Case::new().file("a_test.gene", &format!("# Shake: 50\n{text}"));
        assert!(case.run(&["test"]).out.contains("  Seed: "));
        case.run(&["test", "--shake", "0"]).expect(2, "", "Error: Invalid value for --shake: 0\n");
    }

    #[test]
    fn ends_and_nested_tests_are_failures() {
        let case = Case::new().file(
            "a_test.gene",
            "(test \"exits\" (exit 0)) (test \"nests\" (test \"x\" 1)) (test \"goes on\" 1) (test \"task\" (spawn (do (sleep 1) (throw \"lost\"))) 1)",
        );
        let out = case.run(&["test"]).out;
        assert!(out.contains("FAIL a_test.gene: exits\n  Error: exit 0 in a test\n"), "{out}");
        assert!(out.contains("FAIL a_test.gene: nests\n  Error: RuntimeException: test 'x' inside a test\n"), "{out}");
        assert!(out.contains("ok a_test.gene: goes on\n"), "{out}");
        assert!(out.contains("FAIL a_test.gene: task\n"), "{out}");
    }

    #[test]
    fn a_case_that_cannot_end_does_not_hinder_the_next() {
        let case = Case::new().file(
            "a_test.gene",
            "(test \"waits\" (await (new Future))) (test \"loops\" (while true 1)) (test \"after\" (sleep 1))",
        );
        let out = case.run(&["test", "--instruction-limit", "1000000"]).out;
        assert!(out.starts_with("FAIL a_test.gene: waits\n  Error: DeadlockException: "), "{out}");
        assert!(out.contains("FAIL a_test.gene: loops\n  Error: FuelException: "), "{out}");
        assert!(out.ends_with("ok a_test.gene: after\n1 passed, 2 failed, 0 skipped\n"), "{out}");
    }

    #[test]
    fn ordinary_programs_may_use_the_names() {
        let case = Case::new()
            .file("a.gene", "(fn test [name v] [name v]) (println (test \"a\" 1)) (var suite 5) (println suite)")
            .file("b.gene", "(testing/assert_eq 1 1) (println testing/skip/.name)")
            .file("c.gene", "(assert_eq 1 1)");
        case.run(&["a.gene"]).prints("[a 1]\n5\n");
        case.run(&["b.gene"]).prints("skip\n");
        assert!(case.run(&["c.gene"]).err.contains("assert_eq is not defined"));
        let case = Case::new().file("a_test.gene", "(fn test [name v] (println name v)) (test \"own\" 1)");
        case.run(&["test"]).prints("ok a_test.gene\n1 passed, 0 failed, 0 skipped\n");
    }

    #[test]
    fn a_session_may_look_at_the_failure() {
        let case = Case::new()
            .file("a_test.gene", "(test \"one\" (var x 5) (assert_eq x 4)) (test \"two\" (var x 6) (assert_eq x 4))")
            .file("b_test.gene", "(test \"fine\" 1)");
        let ran = case.run_with(&["test", "--repl-on-error"], "(x * 2)\n");
        assert_eq!(ran.code, 1);
        assert!(ran.out.starts_with("10\nFAIL a_test.gene: one\n"), "{}", ran.out);
        assert!(ran.out.ends_with("ok b_test.gene: fine\n1 passed, 2 failed, 0 skipped\n"), "{}", ran.out);
        let ran = case.run(&["test", "-d", "b_test.gene"]);
        assert!(ran.code == 0 && ran.err.starts_with("b_test.gene: collections: "), "{}", ran.err);
    }

    #[test]
    fn results_for_build_servers() {
        let case = Case::new()
            .file("a_test.gene", "(test \"a & b\" 1) (test \"c\" (skip \"why\")) (test \"d # e\" (throw \"<no>\"))");
        let tap = case.run(&["test", "--format", "tap"]);
        assert_eq!(tap.code, 1);
        assert!(
            tap.out.starts_with(
                "TAP version 13\nok 1 - a_test.gene: a & b\nok 2 - a_test.gene: c # SKIP why\nnot ok 3 - a_test.gene: d \\# e\n  ---\n  message: |\n    Error: <no>\n"
            ),
            "{}",
            tap.out
        );
        assert!(tap.out.ends_with("  ...\n1..3\n"), "{}", tap.out);
        let junit = case.run(&["test", "--format=junit"]).out;
        for part in [
            "<testsuite name=\"gene\" tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\"",
            "<testcase classname=\"a_test.gene\" name=\"a &amp; b\" time=\"0.",
            "<skipped message=\"why\"/>",
            "<failure message=\"Error: &lt;no&gt;\">Error: &lt;no&gt;&#10;",
            "</testsuite>\n",
        ] {
            assert!(junit.contains(part), "{part}\n{junit}");
        }
    }

    #[test]
    fn the_tests_of_the_example_pass() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/lru_cache_test.gene");
        let ran = Case::new().run(&["test", "--shake", "5", file]);
        assert!(ran.code == 0 && ran.out.ends_with("17 passed, 0 failed, 0 skipped\n"), "{}", ran.out);
    }
}

mod deser {
    use super::*;

    #[test]
    fn values_are_shown_in_two_forms() {
        let text = "(gene/serialization {^a [1 \"two\" nil] ^d 2024-01-02})";
        let case = Case::new().file("a.txt", text);
        for form in [&["--gene"][..], &["--format", "compact"], &["--format=pretty"], &[]] {
            let mut args = vec!["deser"];
            args.extend(form);
            args.push("a.txt");
            case.run(&args).prints("{^a [1 \"two\" nil] ^d 2024-01-02}\n");
        }
        case.run(&["deserialize", "-e", text]).prints("{^a [1 \"two\" nil] ^d 2024-01-02}\n");
        case.run_with(&["deser"], text).prints("{^a [1 \"two\" nil] ^d 2024-01-02}\n");
        let long = format!("(gene/serialization [{}])", "\"a text of some length\" ".repeat(5));
        let line = "  \"a text of some length\"\n";
        case.run(&["deser", "-e", &long]).prints(&format!("[\n{}]\n", line.repeat(5)));
        assert_eq!(case.run(&["deser", "--gene", "-e", &long]).out.lines().count(), 1);
    }

    #[test]
    fn what_is_not_serialized_is_an_error() {
        let case = Case::new();
        let ran = case.run(&["deser", "-e", "(nope)"]);
        assert!(ran.code == 1 && ran.err.starts_with("Error: ArgumentException: "), "{}", ran.err);
        let ran = case.run(&["deser", "-e", "(gene/serialization"]);
        assert!(ran.code == 1 && ran.err.starts_with("Error: ParseException: "), "{}", ran.err);
        case.run(&["deser", "-e", "1", "a.txt"]).expect(2, "", "Error: -e cannot be combined with [FILE]\n");
    }
}

mod doc {
    use super::*;

    #[test]
    fn builtins_are_shown_by_name() {
        let case = Case::new();
        let split = "String.split\n    (s .split [p [max]])\n    The parts between matches, or the words.\n      \
                     (\"a-b-c\" .split \"-\")  =>  [\"a\" \"b\" \"c\"]\n";
        case.run(&["doc", "String.split"]).prints(split);
        let both = case.run(&["doc", "math/sin", "String.split"]);
        assert!(both.code == 0 && both.out.starts_with("math/sin\n") && both.out.ends_with(&format!("\n\n{split}")));
        let maps = case.run(&["doc", "map"]).out;
        assert!(maps.contains("Array.map\n") && maps.contains("Generator.map\n"), "{maps}");
        assert!(case.run(&["doc"]).out.lines().count() > 800);
    }

    #[test]
    fn unknown_names_are_errors() {
        let case = Case::new();
        case.run(&["doc", "nope"]).expect(1, "", "Error: No documentation for nope\n");
        let near = case.run(&["doc", "levens"]);
        near.expect(1, "", "Error: No documentation for levens; there are String.levenshtein\n");
    }

    #[test]
    fn sessions_show_documentation() {
        let case = Case::new();
        let input = "(doc math/sin)\n(doc .levenshtein)\n(fn f [a b] ^intent \"Adds\" (a + b)) nil\n(doc f)\n(doc nope)\n(doc \"println\")\n";
        let out = case.run_with(&["repl"], input).out;
        for part in [
            "math/sin\n    (math/sin x)\n    Sine; x in radians.\n",
            "String.levenshtein\n",
            "(f a b) -- a function of this session\n    Adds\n",
            "No documentation for nope\n",
            "println\n    (println v...)\n",
        ] {
            assert!(out.contains(part), "{part}\n{out}");
        }
        assert!(case.run(&["eval", "(doc println)"]).err.contains("doc is not defined"));
    }
}

mod packages {
    use super::*;

    #[test]
    fn files_are_looked_up_in_the_package() {
        let case = Case::new()
            .file("p/package.gene", "(Package ^name \"acme/kit\")")
            .file("p/a.gene", "(import f from \"m\") (println (f) ($cwd .ends_with \"/p\"))")
            .file("p/m.gene", "(fn f [] \"m\")")
            .file("sibling/package.gene", "^name \"x/y\"")
            .file("b.gene", "(println \"outside\")");
        case.run(&["run", "--pkg", "p", "a.gene"]).prints("m false\n");
        case.run(&["run", "--pkg", "p", "b.gene"]).prints("outside\n");
        case.run(&["eval", "--pkg=p", "(import f from \"m\") (println (f))"]).prints("m\n");
        case.run_with(&["repl", "--pkg", "p"], "(import f from \"m\") nil\n(f)\n").prints("\"m\"\n");
        case.run(&["check", "--pkg", "p", "a.gene"]).prints("");
        let missing = case.run(&["run", "--pkg", "no", "a.gene"]);
        assert!(missing.code == 1 && missing.err.ends_with("Package 'no' was not found\n"), "{}", missing.err);
    }
}
