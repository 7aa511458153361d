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
  pipe <code|file>       process stdin line by line
  parse <file>           show the reader's result
  fmt <file>...          format sources (also: format)
  test [path...]         run tests
  run-examples <file>    execute ^examples
  deser [file]           show serialized data (also: deserialize)
  check <file>...        compile and report, without running
  doc [name...]          show the documentation of builtins
  deps <sub>             package dependencies: install, update, verify, gc, clean
  help [command]         this text, or that of one command

Options:
  --version              print the version

Options of a command stand before the file or code; everything after it belongs to the program.
";

const COMMANDS: [&str; 14] = [
    "run",
    "eval",
    "repl",
    "pipe",
    "parse",
    "fmt",
    "format",
    "test",
    "run-examples",
    "deser",
    "deserialize",
    "check",
    "doc",
    "deps",
];

pub fn is_command(name: &str) -> bool {
    COMMANDS.contains(&name)
}

pub fn print() -> i32 {
    print!("{TEXT}");
    0
}

pub fn help(command: Option<&str>) -> i32 {
    match command {
        None | Some("help" | "h") => print(),
        Some(name) if is_command(name) => {
            print!("{}", options::help(name));
            0
        }
        Some(name) => {
            eprintln!("Error: Unknown command: {name}");
            eprint!("{TEXT}");
            USAGE
        }
    }
}
