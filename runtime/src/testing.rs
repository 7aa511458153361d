//! Running test files (`gene test`, 20.11): one VM per file, each registered case as a main task of its own.
use crate::report::{Diagnostics, Report};
use crate::vm::Vm;
use gene_vm::heap::Kind;
use gene_vm::modules::Outcome;
use gene_vm::object::map::Map;
use gene_vm::value::Value;
use std::path::Path;
use std::time::{Duration, Instant};

/// What became of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Passed,
    /// The reason, perhaps empty.
    Skipped(String),
    Failed(TestFailure),
}

/// Why a case failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TestFailure {
    /// For people; lines, the last one with its end.
    pub report: String,
    /// What `assert_eq` expected and got, laid out over lines when long.
    pub comparison: Option<(String, String)>,
}

impl TestFailure {
    fn because(report: impl Into<String>) -> TestFailure {
        TestFailure { report: report.into(), comparison: None }
    }
}

#[derive(Clone, Debug)]
pub struct TestCase {
    /// With the names of the suites it is in.
    pub name: String,
    pub verdict: Verdict,
    /// What it wrote, if output is captured.
    pub output: String,
    pub time: Duration,
}

/// What running a test file gave.
#[derive(Clone, Debug)]
pub struct TestFile {
    /// Exit code of the file as a program. Not zero: no case has run.
    pub code: i32,
    /// Cases it registered, before the filter.
    pub registered: usize,
    pub cases: Vec<TestCase>,
    /// What is left behind by a file without cases.
    pub leaks: Vec<String>,
}

impl Vm {
    /// Loads the file, whose cases may use the helpers of namespace `testing` by plain name, and runs those that `wanted` names.
    pub fn run_test_file(&mut self, path: &Path, wanted: &dyn Fn(&str) -> bool) -> TestFile {
        self.inner.open_testing();
        let code = self.run_file(path);
        let cases = self.inner.test_cases();
        let mut file = TestFile { code, registered: cases.len(), cases: Vec::new(), leaks: Vec::new() };
        if code != 0 || self.inner.exit_code.is_some() {
            return file;
        }
        if cases.is_empty() {
            file.leaks = check_leaks(self);
        }
        self.inner.library.cases.closed = true;
        for (name, body) in cases {
            if wanted(&name) {
                // Registered cases stay in the VM's list, which keeps their bodies.
                file.cases.push(self.on_stack(|vm| vm.run_case(name, body)));
            }
        }
        file
    }

    fn run_case(&mut self, name: String, body: Value) -> TestCase {
        let written = self.captured_stdout().len();
        let warned = self.captured_stderr().len();
        let start = Instant::now();
        let unhandled = self.inner.tasks.stats.unhandled;
        let outcome = self.call(body, &[], false);
        let time = start.elapsed();
        let failed = self.inner.tasks.failed_code.take().is_some();
        let lost = self.inner.tasks.stats.unhandled - unhandled;
        // They say what failed, where, and who started it.
        let warnings = self.captured_stderr().split_off(warned);
        let mut verdict = match outcome {
            Outcome::Done(_) if failed => {
                Verdict::Failed(TestFailure::because(format!("Error: a task of the test failed\n{warnings}")))
            }
            Outcome::Done(_) => Verdict::Passed,
            Outcome::Exit(code) => Verdict::Failed(TestFailure::because(format!("Error: exit {code} in a test\n"))),
            Outcome::Threw(ex) if self.inner.is_skip(ex) => Verdict::Skipped(self.inner.exception_message(ex)),
            Outcome::Threw(ex) => Verdict::Failed(self.failure(ex)),
        };
        self.inner.exit_code = None;
        let mut leaks = check_leaks(self);
        if lost > 0 {
            let noun = if lost == 1 { "a failure" } else { "failures" };
            leaks.push(format!("Leaked: {noun} that nobody observed\n{warnings}").trim_end().to_owned());
        }
        self.resume();
        // The next case has the whole of its limits.
        self.inner.fatal = false;
        self.inner.used_fuel = 0;
        if verdict == Verdict::Passed && !leaks.is_empty() {
            verdict = Verdict::Failed(TestFailure::because(leaks.join("\n") + "\n"));
        }
        self.flush();
        let output = self.captured_stdout().split_off(written);
        TestCase { name, verdict, output, time }
    }

    fn failure(&mut self, ex: Value) -> TestFailure {
        self.keep_failure(ex);
        let report = Report::of(&mut self.inner, ex).render(Diagnostics::Text, self.color);
        let comparison = self.comparison(ex);
        TestFailure { report, comparison }
    }

    fn comparison(&mut self, ex: Value) -> Option<(String, String)> {
        let fields = ex.get::<Map>(Kind::Instance)?;
        let vm = &mut *self.inner;
        let mut text = |name: &'static str| {
            let key = vm.symbols.intern_static(name);
            let v = vm.map_get(fields, key)?;
            let shown = match v.as_str() {
                Some(s) if s.contains('\n') => Ok(s.to_owned()),
                _ => vm.to_pretty(v),
            };
            shown.map_err(|_| vm.exception = Value::UNDEF).ok()
        };
        Some((text("expected")?, text("actual")?))
    }
}

/// What the running test left behind, one line each: tasks, timers, channels with parked waiters. Called at the end of each case.
/// Ends them too.
pub(crate) fn check_leaks(vm: &mut Vm) -> Vec<String> {
    vm.on_stack(|vm| {
        let lines = vm.inner.leftovers();
        vm.inner.end_leftovers();
        lines
    })
}
