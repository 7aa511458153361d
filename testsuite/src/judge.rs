//! Decides whether a run did what was asked of it, and says what differs.

use std::fmt::Write;

use crate::diff;
use crate::headers::Headers;
use crate::run::{Ending, RunResult};

/// `Err` carries a report for people.
pub fn check(headers: &Headers, result: &RunResult) -> Result<(), String> {
    let mut report = String::new();
    if let Some(difference) = diff::line_diff(&headers.expected, &diff::lines(&result.stdout)) {
        let _ = write!(report, "stdout differs (- expected, + printed):\n{difference}");
    }
    for text in headers.expected_errors.iter().filter(|text| !result.stderr.contains(text.as_str())) {
        let _ = writeln!(report, "stderr lacks: {text}");
    }
    match result.ending {
        Ending::Exit(code) if code == headers.exit_code => {}
        Ending::Exit(code) => {
            let _ = writeln!(report, "exit code {code}, expected {}", headers.exit_code);
        }
        Ending::Signal(signal) => {
            let _ = writeln!(report, "killed by signal {signal}");
        }
        Ending::TimedOut(limit) => {
            let _ = writeln!(report, "still running after {} s", limit.as_secs());
        }
    }
    if result.stderr.contains("panicked at") {
        report.push_str("the process panicked\n");
    }
    if report.is_empty() {
        return Ok(());
    }
    if !result.stderr.is_empty() {
        let _ = write!(report, "stderr:\n{}", result.stderr);
    }
    Err(report)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn result(stdout: &str, stderr: &str, ending: Ending) -> RunResult {
        RunResult { stdout: stdout.to_owned(), stderr: stderr.to_owned(), ending }
    }

    #[test]
    fn a_run_that_does_what_was_asked_passes() {
        let headers = Headers::parse("# Expected: a\n# ExpectedError: bo\n# ExitCode: 1\n").unwrap();
        assert_eq!(check(&headers, &result("a\n", "Error: boom", Ending::Exit(1))), Ok(()));
    }

    #[test]
    fn every_difference_is_reported() {
        let headers = Headers::parse("# Expected: a\n# ExpectedError: bo\n").unwrap();
        let report = check(&headers, &result("b\n", "oops\n", Ending::Exit(1))).unwrap_err();
        assert_eq!(
            report,
            "stdout differs (- expected, + printed):\n- a\n+ b\nstderr lacks: bo\nexit code 1, expected 0\n\
             stderr:\noops\n"
        );
    }

    #[test]
    fn a_hanging_a_killed_and_a_panicking_program_fail() {
        let headers = Headers::default();
        let hung = result("", "", Ending::TimedOut(Duration::from_secs(60)));
        assert_eq!(check(&headers, &hung), Err("still running after 60 s\n".to_owned()));
        assert_eq!(check(&headers, &result("", "", Ending::Signal(11))), Err("killed by signal 11\n".to_owned()));
        assert!(check(&headers, &result("", "thread 'main' panicked at x", Ending::Exit(0))).is_err());
    }
}
