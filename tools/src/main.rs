//! The `gene` command.
#![forbid(unsafe_code)]
mod check;
mod complete;
mod deps;
mod deser;
mod doc;
mod eval;
mod fmt;
mod input;
mod options;
mod panic;
mod parse;
mod pipe;
mod repl;
mod run;
mod run_examples;
mod signals;
mod test;
mod usage;

use options::{Cli, Command};
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// Wrong usage.
pub const USAGE: i32 = 2;

fn main() {
    panic::install();
    std::process::exit(start(std::env::args_os().collect()))
}

fn start(mut args: Vec<OsString>) -> i32 {
    let first = args.get(1).map(|a| a.to_string_lossy().into_owned());
    match first.as_deref() {
        None => return usage::print(),
        Some("help" | "h" | "--help" | "-h") => return usage::help(args.get(2).and_then(|a| a.to_str())),
        Some("--version" | "-V") => {
            println!("gene {}", gene::VERSION);
            return 0;
        }
        // The commonest calls need no option parser: it takes a tenth of the time an empty program does.
        Some("run") if args.get(2).is_some_and(|a| is_plain(a)) => return run_plain(args.split_off(2)),
        Some("-") => return run_plain(args.split_off(1)),
        Some(name) if usage::is_command(name) => {}
        Some(name) if name.starts_with('-') => {
            eprintln!("Error: Unknown option: {}", name.split('=').next().unwrap_or(name));
            return USAGE;
        }
        Some(name) if Path::new(name).is_file() => return run_plain(args.split_off(1)),
        Some(name) => {
            eprintln!("Error: Unknown command: {name}");
            eprint!("{}", usage::TEXT);
            return USAGE;
        }
    }
    match options::parse(&args) {
        Ok(Cli { command }) => match command {
            Command::Run(o) => run::run(o),
            Command::Eval(o) => eval::run(o),
            Command::Repl(o) => repl::run(o),
            Command::Parse(o) => parse::run(&o),
            Command::Check(o) => check::run(&o),
            Command::Deps(o) => deps::run(&o),
            Command::Pipe(o) => pipe::run(o),
            Command::Fmt(o) => fmt::run(&o),
            Command::Test(o) => test::run(&o),
            Command::RunExamples(o) => run_examples::run(&o),
            Command::Deser(o) => deser::run(&o),
            Command::Doc(o) => doc::run(&o),
        },
        Err(code) => code,
    }
}

/// A file name, not an option.
fn is_plain(word: &OsStr) -> bool {
    word == "-" || !word.as_encoded_bytes().starts_with(b"-")
}

fn run_plain(words: Vec<OsString>) -> i32 {
    run::run(options::Run { common: options::Common::default(), words })
}
