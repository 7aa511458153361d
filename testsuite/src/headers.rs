//! The comment lines at the top of a test program that say what running it must do.
//!
//! ```text
//! # Expected: 1 2          one line of stdout; repeated, in order. Without any, nothing may be printed
//! # ExpectedError: text    stderr contains this; repeatable
//! # ExitCode: 1            default 0
//! # Args: a b              command-line arguments, separated by blanks
//! # Options: --strict-nil  options of `gene run`, separated by blanks
//! # Stdin: one\ntwo\n      standard input; the escapes \n \t \r \0 \\ are understood
//! # Clock: virtual         waiting takes no wall time and exactly the time asked for
//! # Modes: normal poll     only these modes; for programs too long for the others
//! # Shake: 100             the same under the schedules of seeds 1 to 100 (a tenth of them in each other mode)
//! ```
//!
//! Other comment lines may stand between them, as long as they do not look like a header: a misspelt header that was
//! ignored would make a test pass for the wrong reason.

use std::fmt;

use crate::run::Mode;

/// What a program needs and what it must do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headers {
    /// The lines of stdout.
    pub expected: Vec<String>,
    /// Texts that stderr contains.
    pub expected_errors: Vec<String>,
    pub exit_code: i32,
    pub args: Vec<String>,
    pub options: Vec<String>,
    pub stdin: String,
    pub virtual_clock: bool,
    pub modes: Vec<Mode>,
    /// Seeds whose schedules must not change what the program does.
    pub shake: u64,
}

impl Default for Headers {
    fn default() -> Headers {
        Headers {
            expected: Vec::new(),
            expected_errors: Vec::new(),
            exit_code: 0,
            args: Vec::new(),
            options: Vec::new(),
            stdin: String::new(),
            virtual_clock: false,
            modes: Mode::ALL.to_vec(),
            shake: 0,
        }
    }
}

/// A header line that means nothing, with its 1-based line number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderError {
    pub line: usize,
    pub text: String,
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.text)
    }
}

impl std::error::Error for HeaderError {}

impl Headers {
    /// Reads the headers of a program: those in its leading block of comments and empty lines.
    pub fn parse(source: &str) -> Result<Headers, HeaderError> {
        let mut headers = Headers::default();
        let mut in_head = true;
        for (index, line) in source.lines().enumerate() {
            let at = |text: String| HeaderError { line: index + 1, text };
            let Some(comment) = line.strip_prefix('#') else {
                in_head &= line.trim().is_empty();
                continue;
            };
            let Some((name, value)) = split_header(comment) else { continue };
            if in_head {
                headers.set(name, value).map_err(at)?;
            } else if name.starts_with("Expected") {
                return Err(at(format!("`# {name}:` after the first form is not read")));
            }
        }
        Ok(headers)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "Expected" => self.expected.push(value.to_owned()),
            "ExpectedError" => self.expected_errors.push(value.to_owned()),
            "ExitCode" => self.exit_code = value.parse().map_err(|_| format!("not an exit code: {value}"))?,
            "Args" => self.args = value.split_whitespace().map(str::to_owned).collect(),
            "Options" => self.options = value.split_whitespace().map(str::to_owned).collect(),
            "Stdin" => self.stdin = unescape(value)?,
            "Clock" => {
                self.virtual_clock = match value {
                    "virtual" => true,
                    "real" => false,
                    other => return Err(format!("not a clock: {other}")),
                }
            }
            "Modes" => {
                self.modes = value
                    .split_whitespace()
                    .map(|name| Mode::named(name).ok_or_else(|| format!("not a mode: {name}")))
                    .collect::<Result<_, _>>()?;
            }
            "Shake" => {
                self.shake = value.parse().map_err(|_| format!("not a number of seeds: {value}"))?;
            }
            other => return Err(format!("unknown header `{other}`")),
        }
        Ok(())
    }
}

/// ` Name: value` as name and value. A header's name is one capitalised word, so that prose rarely looks like one.
fn split_header(comment: &str) -> Option<(&str, &str)> {
    let (name, value) = comment.strip_prefix(' ')?.split_once(':')?;
    let is_name = name.starts_with(|c: char| c.is_ascii_uppercase()) && name.chars().all(|c| c.is_ascii_alphanumeric());
    // One blank belongs to the header, further ones to the value: output may be indented.
    is_name.then(|| (name, value.strip_prefix(' ').unwrap_or(value).trim_end()))
}

fn unescape(text: &str) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        out.push(match chars.next() {
            Some('n') => '\n',
            Some('t') => '\t',
            Some('r') => '\r',
            Some('0') => '\0',
            Some('\\') => '\\',
            other => return Err(format!("unknown escape \\{}", other.map(String::from).unwrap_or_default())),
        });
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_without_headers_expects_silence_and_success() {
        assert_eq!(Headers::parse("(var x 1)\n").unwrap(), Headers::default());
    }

    #[test]
    fn every_header_is_read() {
        let headers = Headers::parse(
            "#!/usr/bin/env gene\n# Section 3.4, about something\n# Expected: 1 2\n# Expected:\n#\n\n\
             # Expected:   indented  \n# ExpectedError: boom\n# ExitCode: 3\n# Args: a  b\n\
             # Options: --strict-nil\n# Stdin: one\\ntwo\\\\\n# Clock: virtual\n# Modes: normal gc\n# Shake: 20\n(println 1)\n",
        )
        .unwrap();
        assert_eq!(headers.expected, ["1 2", "", "  indented"]);
        assert_eq!(headers.expected_errors, ["boom"]);
        assert_eq!(headers.exit_code, 3);
        assert_eq!(headers.args, ["a", "b"]);
        assert_eq!(headers.options, ["--strict-nil"]);
        assert_eq!(headers.stdin, "one\ntwo\\");
        assert!(headers.virtual_clock);
        assert_eq!(headers.modes, [Mode::Normal, Mode::Gc]);
        assert_eq!(headers.shake, 20);
    }

    #[test]
    fn a_value_may_contain_colons_and_hashes() {
        let headers = Headers::parse("# Expected: a: b # c\n").unwrap();
        assert_eq!(headers.expected, ["a: b # c"]);
    }

    #[test]
    fn a_misspelt_header_is_an_error() {
        let error = Headers::parse("# Expected: 1\n# Expceted: 2\n").unwrap_err();
        assert_eq!(error.to_string(), "line 2: unknown header `Expceted`");
    }

    #[test]
    fn prose_is_not_a_header() {
        assert!(Headers::parse("# What follows: nothing special\n## Title: x\n#Tight: x\n# lower: x\n").is_ok());
    }

    #[test]
    fn an_expectation_after_code_is_an_error() {
        let error = Headers::parse("(println 1)\n# Expected: 1\n").unwrap_err();
        assert_eq!(error.line, 2);
    }

    #[test]
    fn bad_values_are_errors() {
        for source in
            ["# ExitCode: one", "# Clock: wall", "# Modes: fast", "# Shake: some", "# Stdin: \\q", "# Stdin: \\"]
        {
            assert!(Headers::parse(source).is_err(), "{source}");
        }
    }
}
