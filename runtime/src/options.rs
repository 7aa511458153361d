//! Command-line options of scripts (`system/parse_args`).

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OptionType {
    Flag,
    Int,
    Float,
    String,
    /// A string option that may be given several times.
    List,
}

impl OptionType {
    pub fn from_name(name: &str) -> Option<OptionType> {
        Some(match name {
            "flag" => OptionType::Flag,
            "int" => OptionType::Int,
            "float" => OptionType::Float,
            "string" => OptionType::String,
            "list" => OptionType::List,
            _ => return None,
        })
    }
}

/// One option a script understands.
pub struct OptionSpec {
    pub name: String,
    pub kind: OptionType,
    pub short: Option<String>,
}

#[derive(Clone, PartialEq, Debug)]
pub enum OptionValue {
    Flag(bool),
    Int(i64),
    Float(f64),
    String(String),
    List(Vec<String>),
}

/// What was given: one entry per spec, in its order, and the other arguments.
#[derive(PartialEq, Debug)]
pub struct Parsed {
    pub values: Vec<Option<OptionValue>>,
    pub rest: Vec<String>,
}

/// # Errors
///
/// The message for the user.
pub fn parse(specs: &[OptionSpec], args: &[String]) -> Result<Parsed, String> {
    let mut parsed = Parsed { values: specs.iter().map(|_| None).collect(), rest: Vec::new() };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if arg == "--" {
            parsed.rest.extend(args.cloned());
            break;
        }
        // A negative number and a lone dash are arguments.
        let option = arg.starts_with('-') && arg.len() > 1 && (arg.starts_with("--") || arg.parse::<f64>().is_err());
        if !option {
            parsed.rest.push(arg.clone());
            continue;
        }
        let (name, inline) = match arg.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (arg.as_str(), None),
        };
        let (at, negated) = find(specs, name).ok_or_else(|| format!("Unknown option: {name}"))?;
        let spec = &specs[at];
        if spec.kind == OptionType::Flag {
            let value = match inline {
                None => !negated,
                Some("true") if !negated => true,
                Some("false") if !negated => false,
                Some(v) => return Err(format!("Invalid value for --{}: {v}", spec.name)),
            };
            parsed.values[at] = Some(OptionValue::Flag(value));
            continue;
        }
        let text = match inline {
            Some(v) => v.to_owned(),
            None => args.next().cloned().ok_or_else(|| format!("Missing value for --{}", spec.name))?,
        };
        let invalid = || format!("Invalid value for --{}: {text}", spec.name);
        parsed.values[at] = Some(match spec.kind {
            OptionType::Int => OptionValue::Int(text.parse().map_err(|_| invalid())?),
            OptionType::Float => OptionValue::Float(text.parse().map_err(|_| invalid())?),
            OptionType::List => {
                let mut list = match parsed.values[at].take() {
                    Some(OptionValue::List(list)) => list,
                    _ => Vec::new(),
                };
                list.push(text);
                OptionValue::List(list)
            }
            OptionType::String | OptionType::Flag => OptionValue::String(text),
        });
    }
    Ok(parsed)
}

/// The option a word names, and whether it is a flag's `--no-` form.
fn find(specs: &[OptionSpec], word: &str) -> Option<(usize, bool)> {
    if let Some(name) = word.strip_prefix("--") {
        if let Some(at) = specs.iter().position(|s| s.name == name) {
            return Some((at, false));
        }
        let name = name.strip_prefix("no-")?;
        return specs.iter().position(|s| s.name == name && s.kind == OptionType::Flag).map(|at| (at, true));
    }
    let short = word.strip_prefix('-')?;
    specs.iter().position(|s| s.short.as_deref() == Some(short)).map(|at| (at, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(args: &[&str]) -> Result<Parsed, String> {
        let spec = |name: &str, kind, short: &str| OptionSpec {
            name: name.to_owned(),
            kind,
            short: (!short.is_empty()).then(|| short.to_owned()),
        };
        let specs = [
            spec("count", OptionType::Int, "c"),
            spec("v", OptionType::Flag, "v"),
            spec("x", OptionType::Float, ""),
            spec("name", OptionType::String, "n"),
            spec("tag", OptionType::List, "t"),
        ];
        parse(&specs, &args.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn all_forms_of_options() {
        let p = run(&[
            "-c",
            "3",
            "in.txt",
            "--v",
            "--x=2.5",
            "-t",
            "a",
            "--tag=b=c",
            "-7",
            "-",
            "--name",
            "--",
            "--",
            "--v",
        ]);
        let p = p.unwrap();
        assert_eq!(
            p.values,
            [
                Some(OptionValue::Int(3)),
                Some(OptionValue::Flag(true)),
                Some(OptionValue::Float(2.5)),
                Some(OptionValue::String("--".to_owned())),
                Some(OptionValue::List(vec!["a".to_owned(), "b=c".to_owned()])),
            ]
        );
        assert_eq!(p.rest, ["in.txt", "-7", "-", "--v"]);
        assert_eq!(run(&["--no-v"]).unwrap().values[1], Some(OptionValue::Flag(false)));
        assert_eq!(run(&[]).unwrap().values, [None, None, None, None, None]);
    }

    #[test]
    fn errors_name_the_option() {
        assert_eq!(run(&["--y"]).unwrap_err(), "Unknown option: --y");
        assert_eq!(run(&["--y=1"]).unwrap_err(), "Unknown option: --y");
        assert_eq!(run(&["--no-count"]).unwrap_err(), "Unknown option: --no-count");
        assert_eq!(run(&["-q"]).unwrap_err(), "Unknown option: -q");
        assert_eq!(run(&["--count"]).unwrap_err(), "Missing value for --count");
        assert_eq!(run(&["-c", "abc"]).unwrap_err(), "Invalid value for --count: abc");
        assert_eq!(run(&["--v=maybe"]).unwrap_err(), "Invalid value for --v: maybe");
    }
}
