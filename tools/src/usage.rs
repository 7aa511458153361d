//! Help texts.
use crate::USAGE;
use crate::options;

pub const TEXT: &str = "\
Usage: gene <command> [options] [args]
       gene FILE [args]

Commands:
  run <file> [args]      execute a program
  eval <code>            execute code given as argument
  repl                   interactive session
  parse <file>           show the reader's result
  check <file>...        compile and report, without running
  deps <sub>             package dependencies: install, update, verify, gc, clean
  help [command]         this text, or that of one command

  pipe, fmt, test, run-examples, deser: not supported yet

Options:
  --version              print the version

Options of a command stand before the file or code; everything after it belongs to the program.
";

/// Commands in the language's reference that this version does not have.
const PLANNED: [&str; 7] = ["pipe", "fmt", "format", "test", "run-examples", "deser", "deserialize"];

pub fn is_command(name: &str) -> bool {
    matches!(name, "run" | "eval" | "repl" | "parse" | "check" | "deps")
}

pub fn is_planned(name: &str) -> bool {
    PLANNED.contains(&name)
}

pub fn print() -> i32 {
    print!("{TEXT}");
    0
}

pub fn help(command: Option<&str>) -> i32 {
    match command {
        None => print(),
        Some(name) if is_command(name) => {
            print!("{}", options::help(name));
            0
        }
        Some(name) if is_planned(name) => {
            eprintln!("Error: '{name}' is not supported yet");
            USAGE
        }
        Some(name) => {
            eprintln!("Error: Unknown command: {name}");
            eprint!("{TEXT}");
            USAGE
        }
    }
}
