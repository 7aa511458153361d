//! The `gene` command.
#![forbid(unsafe_code)]
mod check;
mod eval;
mod options;
mod panic;
mod parse;
mod repl;
mod run;
mod signals;
mod usage;

use options::{Cli, Command};
use std::ffi::OsString;
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
        Some(name) if usage::is_command(name) => {}
        Some(name) if usage::is_planned(name) => {
            eprintln!("Error: '{name}' is not supported yet");
            return USAGE;
        }
        Some(name) if name.starts_with('-') && name != "-" => {
            eprintln!("Error: Unknown option: {}", name.split('=').next().unwrap_or(name));
            return USAGE;
        }
        Some(name) if name != "-" && Path::new(name).is_file() => args.insert(1, "run".into()),
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
        },
        Err(code) => code,
    }
}
