//! Showing results: text, TAP, JUnit.
use super::run::TestResult;
use gene::Verdict;
use std::fmt::Write;

/// Gets every result as soon as it is there.
pub trait Reporter {
    fn result(&mut self, result: &TestResult);
    /// Whether all is well.
    fn finish(&mut self) -> bool;
}

#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl Tally {
    fn count(&mut self, verdict: &Verdict) {
        *match verdict {
            Verdict::Passed => &mut self.passed,
            Verdict::Skipped(_) => &mut self.skipped,
            Verdict::Failed(_) => &mut self.failed,
        } += 1;
    }

    fn total(&self) -> usize {
        self.passed + self.failed + self.skipped
    }
}

/// `FILE: name`, or `FILE`.
fn title(r: &TestResult) -> String {
    match &r.name {
        Some(name) => format!("{}: {name}", r.file.display()),
        None => r.file.display().to_string(),
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("  {line}\n") }).collect()
}

/// The report, the seed to see it again with, and what the test wrote.
fn details(r: &TestResult) -> String {
    let Verdict::Failed(failure) = &r.verdict else { return String::new() };
    let mut out = failure.report.clone();
    if let Some(seed) = r.seed {
        let clock = if r.virtual_time { "--virtual-time " } else { "" };
        let _ = writeln!(out, "Seed: {seed}, again with: gene test {clock}--seed {seed} {}", r.file.display());
    }
    if !r.output.is_empty() {
        let _ = write!(out, "Output:\n{}", indented(&r.output));
    }
    out
}

pub struct Text {
    tally: Tally,
}

impl Text {
    pub fn new() -> Text {
        Text { tally: Tally::default() }
    }
}

impl Reporter for Text {
    fn result(&mut self, r: &TestResult) {
        self.tally.count(&r.verdict);
        match &r.verdict {
            Verdict::Passed => println!("ok {}", title(r)),
            Verdict::Skipped(reason) if reason.is_empty() => println!("skip {}", title(r)),
            Verdict::Skipped(reason) => println!("skip {} ({reason})", title(r)),
            Verdict::Failed(_) => print!("FAIL {}\n{}", title(r), indented(&details(r))),
        }
    }

    fn finish(&mut self) -> bool {
        let Tally { passed, failed, skipped } = self.tally;
        println!("{passed} passed, {failed} failed, {skipped} skipped");
        failed == 0
    }
}

/// Test Anything Protocol, version 13.
#[derive(Default)]
pub struct Tap {
    tally: Tally,
}

impl Reporter for Tap {
    fn result(&mut self, r: &TestResult) {
        if self.tally.total() == 0 {
            println!("TAP version 13");
        }
        self.tally.count(&r.verdict);
        let n = self.tally.total();
        // A `#` begins a directive.
        let title = title(r).replace('#', "\\#").replace('\n', " ");
        match &r.verdict {
            Verdict::Passed => println!("ok {n} - {title}"),
            Verdict::Skipped(reason) => println!("ok {n} - {title} # SKIP {}", reason.replace('\n', " ")),
            Verdict::Failed(_) => {
                println!("not ok {n} - {title}");
                print!("  ---\n  message: |\n{}  ...\n", indented(&indented(&details(r))));
            }
        }
    }

    fn finish(&mut self) -> bool {
        if self.tally.total() == 0 {
            println!("TAP version 13");
        }
        println!("1..{}", self.tally.total());
        self.tally.failed == 0
    }
}

/// The XML that build servers read.
#[derive(Default)]
pub struct Junit {
    tally: Tally,
    cases: String,
    seconds: f64,
}

impl Reporter for Junit {
    fn result(&mut self, r: &TestResult) {
        self.tally.count(&r.verdict);
        let seconds = r.time.as_secs_f64();
        self.seconds += seconds;
        let file = escape(&r.file.display().to_string());
        let name = escape(r.name.as_deref().unwrap_or(&r.file.display().to_string()));
        let _ = write!(self.cases, "  <testcase classname=\"{file}\" name=\"{name}\" time=\"{seconds:.3}\"");
        let inner = match &r.verdict {
            Verdict::Passed => String::new(),
            Verdict::Skipped(reason) => format!("    <skipped message=\"{}\"/>\n", escape(reason)),
            Verdict::Failed(failure) => {
                let message = failure.report.lines().next().unwrap_or("");
                format!("    <failure message=\"{}\">{}</failure>\n", escape(message), escape(&details(r)))
            }
        };
        if inner.is_empty() {
            self.cases.push_str("/>\n");
        } else {
            let _ = write!(self.cases, ">\n{inner}  </testcase>\n");
        }
    }

    fn finish(&mut self) -> bool {
        let Tally { failed, skipped, .. } = self.tally;
        println!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"gene\" tests=\"{}\" failures=\"{failed}\" errors=\"0\" \
             skipped=\"{skipped}\" time=\"{:.3}\">\n{}</testsuite>",
            self.tally.total(),
            self.seconds,
            self.cases
        );
        failed == 0
    }
}

/// Text for XML 1.0, which has no way to write most control characters.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            c if c < ' ' || c == '\u{fffe}' || c == '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_made_fit_for_xml() {
        assert_eq!(escape("a<b> & \"c\"\u{1}\n"), "a&lt;b&gt; &amp; &quot;c&quot;\u{fffd}&#10;");
    }
}
