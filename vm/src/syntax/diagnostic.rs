//! Errors and warnings about source text, and how they are shown.

use std::fmt;

use super::error::SyntaxError;
use super::form::Span;
use super::quote::quote_str;
use super::source::Source;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    Error,
    Warning,
}

impl Severity {
    /// As the word in front of a report.
    fn label(self) -> &'static str {
        match self {
            Severity::Error => "Error",
            Severity::Warning => "Warning",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

/// Which pass found it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Parse,
    Compile,
}

impl Stage {
    fn name(self) -> &'static str {
        match self {
            Stage::Parse => "parse",
            Stage::Compile => "compile",
        }
    }

    fn code(self) -> &'static str {
        match self {
            Stage::Parse => "GENE.PARSE.ERROR",
            Stage::Compile => "GENE.COMPILE.ERROR",
        }
    }
}

/// One finding of the reader or the compiler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub severity: Severity,
    pub span: Span,
    pub message: String,
}

impl Diagnostic {
    pub fn error(span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic { severity: Severity::Error, span, message: message.into() }
    }

    pub fn warning(span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic { severity: Severity::Warning, span, message: message.into() }
    }

    /// `FILE:LINE:COL: TEXT`, the message of the exception that carries the finding.
    pub fn located(&self, source: &Source) -> String {
        let (line, col) = source.line_col(self.span.start);
        format!("{}:{line}:{col}: {}", source.name, self.message)
    }

    /// The report for people, without a line end behind it: for an error
    ///
    /// ```text
    /// Error: FILE:LINE:COL: TEXT
    ///    3 | (var x (1 + 2)
    ///      | ^
    /// ```
    ///
    /// and for a warning `FILE:LINE:COL: Warning: TEXT`.
    pub fn render(&self, source: &Source) -> String {
        let (line, col) = source.line_col(self.span.start);
        let name = &source.name;
        let message = self.message.replace('\n', "\n  ");
        match self.severity {
            Severity::Warning => format!("{name}:{line}:{col}: Warning: {message}"),
            Severity::Error => {
                let mut report = format!("Error: {name}:{line}:{col}: {message}");
                let excerpt = source.excerpt(line, col);
                if !excerpt.is_empty() {
                    report.push('\n');
                    report.push_str(&excerpt);
                }
                report
            }
        }
    }

    /// The report for programs, one line without its end.
    pub fn render_data(&self, source: &Source, stage: Stage, hint: Option<&str>) -> String {
        let (line, column) = source.line_col(self.span.start);
        DataReport {
            severity: self.severity,
            message: &self.message,
            code: match self.severity {
                Severity::Error => stage.code(),
                Severity::Warning => "GENE.COMPILE.WARNING",
            },
            stage: stage.name(),
            file: &source.name,
            line,
            column,
            hint,
        }
        .to_string()
    }
}

impl From<SyntaxError> for Diagnostic {
    fn from(error: SyntaxError) -> Diagnostic {
        Diagnostic::error(error.span, error.message)
    }
}

/// A report as a Gene map, for any stage: `Error: {^message "..." ^code "..." ...}`.
#[derive(Clone, Copy, Debug)]
pub struct DataReport<'a> {
    pub severity: Severity,
    pub message: &'a str,
    pub code: &'a str,
    pub stage: &'a str,
    pub file: &'a str,
    pub line: u32,
    pub column: u32,
    /// What may help.
    pub hint: Option<&'a str>,
}

impl fmt::Display for DataReport<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |text: &str| {
            let mut out = String::new();
            quote_str(&mut out, text);
            out
        };
        write!(
            f,
            "{}: {{^message {} ^code {} ^severity {} ^stage {} ^span {{^file {} ^line {} ^column {}}} \
             ^hints [{}] ^repair_tags [\"runtime\"]}}",
            self.severity.label(),
            quoted(self.message),
            quoted(self.code),
            quoted(self.severity.name()),
            quoted(self.stage),
            quoted(self.file),
            self.line,
            self.column,
            self.hint.map(quoted).unwrap_or_default(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::read;

    fn source() -> Source {
        Source::new("sq.gene", "1\n2\n(var x (1 + 2)\n")
    }

    #[test]
    fn an_error_shows_its_line() {
        let source = source();
        let error = read(&bumpalo::Bump::new(), &source.text).unwrap_err();
        assert_eq!(
            Diagnostic::from(error).render(&source),
            "Error: sq.gene:3:1: EOF while reading list, expected ')'\n   3 | (var x (1 + 2)\n     | ^"
        );
    }

    #[test]
    fn a_warning_is_one_line() {
        let warning = Diagnostic::warning(Span::new(5, 6), "odd");
        assert_eq!(warning.render(&source()), "sq.gene:3:2: Warning: odd");
    }

    #[test]
    fn a_located_message_has_no_excerpt() {
        assert_eq!(Diagnostic::error(Span::new(2, 3), "bad").located(&source()), "sq.gene:2:1: bad");
    }

    #[test]
    fn further_lines_of_a_message_are_indented() {
        let error = Diagnostic::error(Span::new(0, 1), "a\nb");
        assert_eq!(error.render(&source()), "Error: sq.gene:1:1: a\n  b\n   1 | 1\n     | ^");
    }

    #[test]
    fn a_data_report_is_a_map_the_reader_reads() {
        let source = source();
        let error = Diagnostic::error(Span::new(4, 5), "no \"x\"\n");
        let report = error.render_data(&source, Stage::Compile, Some("a \"b\""));
        assert_eq!(
            report,
            "Error: {^message \"no \\\"x\\\"\\n\" ^code \"GENE.COMPILE.ERROR\" ^severity \"error\" ^stage \"compile\" \
             ^span {^file \"sq.gene\" ^line 3 ^column 1} ^hints [\"a \\\"b\\\"\"] ^repair_tags [\"runtime\"]}"
        );
        let arena = bumpalo::Bump::new();
        assert_eq!(read(&arena, report.strip_prefix("Error: ").unwrap()).unwrap().len(), 1);
        assert!(
            error
                .render_data(&source, Stage::Parse, None)
                .contains("^code \"GENE.PARSE.ERROR\" ^severity \"error\" ^stage \"parse\"")
        );
    }
}
