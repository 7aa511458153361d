//! Running one test file, once or under several seeds.
use super::headers::Headers;
use crate::options::{self, Common, Test};
use crate::repl;
use gene::{TestFailure, TestFile, Verdict};
use similar::{ChangeTag, TextDiff};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Equal lines shown around a difference.
const CONTEXT: usize = 2;

/// Seeds of `--shake` are neighbours, and the first one is this unless `--seed` names another.
const FIRST_SEED: u64 = 1;

/// What is reported: a case, or a file without cases.
#[derive(Clone)]
pub struct TestResult {
    pub file: PathBuf,
    pub name: Option<String>,
    pub verdict: Verdict,
    pub output: String,
    pub time: Duration,
    /// The schedule it failed under.
    pub seed: Option<u64>,
    /// The clock was made virtual by an option: without it the seed means another run.
    pub virtual_time: bool,
}

impl TestResult {
    fn failed(&self) -> bool {
        matches!(self.verdict, Verdict::Failed(_))
    }
}

pub fn file(o: &Test, path: &Path) -> Vec<TestResult> {
    let headers = std::fs::read(path)
        .map_err(|e| gene::file_ops::message(gene::file_ops::READ, &path.to_string_lossy(), &gene::reason(&e)));
    let headers = headers.and_then(|text| Headers::parse(&String::from_utf8_lossy(&text)));
    let headers = match headers {
        Ok(headers) => headers,
        Err(reason) => {
            let verdict = Verdict::Failed(failure(format!("Error: {reason}\n")));
            return vec![whole(path, verdict, String::new(), Duration::ZERO)];
        }
    };
    let Some(count) = o.shake.or(headers.shake) else { return once(o, path, &headers, o.common.seed) };
    let first = o.common.seed.unwrap_or(FIRST_SEED);
    let mut results: Vec<TestResult> = Vec::new();
    for seed in (first..).take(count as usize) {
        for mut result in once(o, path, &headers, Some(seed)) {
            if result.failed() {
                result.seed = Some(seed);
                result.virtual_time = o.common.virtual_time;
            }
            match results.iter_mut().find(|r| r.name == result.name) {
                // The first failing schedule is the one to look at.
                Some(known) if known.failed() => {}
                Some(known) => {
                    let time = known.time + result.time;
                    *known = TestResult { time, ..result };
                }
                None => results.push(result),
            }
        }
        if !results.is_empty() && results.iter().all(TestResult::failed) {
            break;
        }
    }
    results
}

fn once(o: &Test, path: &Path, headers: &Headers, seed: Option<u64>) -> Vec<TestResult> {
    let start = Instant::now();
    let (common, args) = match options::common_of(&o.common, &headers.args) {
        Ok(parsed) => parsed,
        Err(message) => {
            let verdict = Verdict::Failed(failure(format!("Error: {message}\n")));
            return vec![whole(path, verdict, String::new(), start.elapsed())];
        }
    };
    let common =
        Common { seed: seed.or(common.seed), virtual_time: common.virtual_time || headers.virtual_clock, ..common };
    // The options were accepted when the command began.
    let Ok(builder) = common.builder() else { return Vec::new() };
    let program = path.to_string_lossy().into_owned();
    // Who wants to look around needs the terminal.
    let builder = if common.repl_on_error { builder } else { builder.capture_output() };
    let mut vm = builder.args(args).program(program.clone()).build();
    let wanted = |name: &str| o.filter.as_ref().is_none_or(|text| name.contains(text.as_str()));
    let run = vm.run_test_file(path, &wanted);
    let (out, err) = (vm.captured_stdout(), vm.captured_stderr());
    if common.repl_on_error && vm.enter_failing_scope() {
        repl::session(&mut vm);
        vm.flush();
    }
    if common.debug {
        eprintln!("{program}: {}", vm.statistics());
    }
    if run.registered == 0 {
        let printed = (!common.repl_on_error).then_some(out.as_str());
        let verdict = judge(headers, &run, printed, &err);
        return if wanted(&program) { vec![whole(path, verdict, out, start.elapsed())] } else { Vec::new() };
    }
    if run.code != 0 {
        let verdict = Verdict::Failed(failure(ended(run.code, &err)));
        return vec![whole(path, verdict, out, start.elapsed())];
    }
    let cases = run.cases.into_iter().map(|case| TestResult {
        file: path.to_path_buf(),
        name: Some(case.name),
        verdict: explained(case.verdict),
        output: case.output,
        time: case.time,
        seed: None,
        virtual_time: false,
    });
    cases.collect()
}

fn whole(path: &Path, verdict: Verdict, output: String, time: Duration) -> TestResult {
    TestResult { file: path.to_path_buf(), name: None, verdict, output, time, seed: None, virtual_time: false }
}

fn failure(report: String) -> TestFailure {
    TestFailure { report, comparison: None }
}

fn ended(code: i32, stderr: &str) -> String {
    if stderr.is_empty() { format!("Error: exit code {code}, expected 0\n") } else { stderr.to_owned() }
}

/// A file without cases does what its headers say. Output that was not captured is not looked at.
fn judge(headers: &Headers, run: &TestFile, stdout: Option<&str>, stderr: &str) -> Verdict {
    let mut report = String::new();
    if run.code != headers.exit_code {
        if headers.exit_code == 0 {
            report.push_str(&ended(run.code, stderr));
        } else {
            report.push_str(&format!("Error: exit code {}, expected {}\n{stderr}", run.code, headers.exit_code));
        }
    }
    if let Some(stdout) = stdout.filter(|_| !headers.expected.is_empty()) {
        let expected = solid(&headers.expected.join("\n"));
        let actual = solid(stdout);
        if expected != actual {
            report.push_str("Error: the output differs (- expected, + got)\n");
            report.push_str(&difference(&expected, &actual));
        }
    }
    for leak in &run.leaks {
        report.push_str(leak);
        report.push('\n');
    }
    if report.is_empty() { Verdict::Passed } else { Verdict::Failed(failure(report)) }
}

/// The lines that are not blank, without blanks at their ends.
fn solid(text: &str) -> String {
    let lines = text.lines().map(str::trim_end).filter(|line| !line.is_empty());
    lines.map(|line| format!("{line}\n")).collect()
}

/// Adds what differs to values that are too long to compare by eye.
fn explained(verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::Failed(TestFailure { mut report, comparison: Some((expected, actual)) })
            if expected.contains('\n') || actual.contains('\n') =>
        {
            report.push_str("Difference (- expected, + got):\n");
            report.push_str(&difference(&format!("{expected}\n"), &format!("{actual}\n")));
            Verdict::Failed(failure(report))
        }
        other => other,
    }
}

fn difference(expected: &str, actual: &str) -> String {
    let diff = TextDiff::from_lines(expected, actual);
    let mut out = String::new();
    for (i, group) in diff.grouped_ops(CONTEXT).iter().enumerate() {
        if i > 0 {
            out.push_str("  ...\n");
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            out.push_str(match change.tag() {
                ChangeTag::Delete => "- ",
                ChangeTag::Insert => "+ ",
                ChangeTag::Equal => "  ",
            });
            out.push_str(change.value().trim_end_matches('\n'));
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_lines_do_not_count() {
        assert_eq!(solid("a  \n\n \nb"), "a\nb\n");
    }

    #[test]
    fn distant_differences_are_separated() {
        let expected: String = (0..20).map(|n| format!("{n}\n")).collect();
        let actual = expected.replace("0\n1\n", "first\n1\n") + "more\n";
        assert_eq!(difference(&expected, &actual), "- 0\n+ first\n  1\n  2\n  ...\n  18\n  19\n+ more\n");
    }
}
