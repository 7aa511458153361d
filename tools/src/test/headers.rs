//! Comment lines at the top of a test file that say how to run it and, for a file without cases, what it has to do:
//!
//! ```text
//! # Expected: a line of output      repeatable, in order; without any, the output is not looked at
//! # ExitCode: 1                     default 0
//! # Args: --strict-nil a b          options, then the program's arguments
//! # Clock: virtual                  waiting takes no time
//! # Shake: 20                       under so many schedules, unless the command says how many
//! ```

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Headers {
    pub expected: Vec<String>,
    pub exit_code: i32,
    pub args: Vec<String>,
    pub virtual_clock: bool,
    pub shake: Option<u32>,
}

impl Headers {
    /// `Err` says which header has a bad value.
    pub fn parse(text: &str) -> Result<Headers, String> {
        let mut headers = Headers::default();
        for line in text.lines().take_while(|line| line.trim().is_empty() || line.starts_with('#')) {
            let Some((name, value)) = line.strip_prefix("# ").and_then(|rest| rest.split_once(':')) else { continue };
            let value = value.strip_prefix(' ').unwrap_or(value).trim_end();
            let bad = || format!("Invalid header: # {name}: {value}");
            match name {
                "Expected" => headers.expected.push(value.to_owned()),
                "ExitCode" => headers.exit_code = value.parse().map_err(|_| bad())?,
                "Args" => headers.args.extend(value.split_whitespace().map(str::to_owned)),
                "Clock" => {
                    headers.virtual_clock = match value {
                        "virtual" => true,
                        "real" => false,
                        _ => return Err(bad()),
                    }
                }
                "Shake" => headers.shake = Some(value.parse().ok().filter(|&n| n > 0).ok_or_else(bad)?),
                _ => {}
            }
        }
        Ok(headers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_from_the_leading_comments() {
        let text = "#!/usr/bin/env gene\n# Section 1: prose\n\n# Expected: a: b\n# Expected:\n# ExitCode: 3\n# Args: --x  y\n\
                    # Clock: virtual\n# Shake: 5\n(f)\n# Expected: no\n";
        let headers = Headers::parse(text).unwrap();
        assert_eq!(headers.expected, ["a: b", ""]);
        assert_eq!((headers.exit_code, headers.virtual_clock, headers.shake), (3, true, Some(5)));
        assert_eq!(headers.args, ["--x", "y"]);
    }

    #[test]
    fn bad_values_are_named() {
        for line in ["# ExitCode: x", "# Clock: fast", "# Shake: 0", "# Shake: many"] {
            assert_eq!(Headers::parse(line), Err(format!("Invalid header: {line}")));
        }
    }
}
