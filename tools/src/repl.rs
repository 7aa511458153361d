//! `gene repl`: input by input in one module.
use crate::complete::Names;
use crate::options::{Repl, texts};
use crate::signals;
use gene::{Error, Vm};
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{CompletionType, Editor};
use std::cell::RefCell;
use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Instant;

const PROMPT: &str = "gene> ";
const CONTINUATION: &str = "....> ";
const HISTORY_SIZE: usize = 10_000;

const HELP: &str = "\
Enter code; it is evaluated as soon as all brackets and strings are closed, and its value is shown.
$0 is the last value, $1, $2 ... name the earlier ones.
  (doc NAME)   what a function or method does: (doc println), (doc String.split), (doc .map), (doc math)
  :help        this text
  :load FILE   evaluate a file in this session
  :time EXPR   show how long an evaluation takes
  :quit        leave (also :exit, or the end of input)
";

pub fn run(o: Repl) -> i32 {
    let common = o.common;
    let mut vm = match common.builder() {
        Ok(b) => b.args(texts(&o.words)).build(),
        Err(code) => return code,
    };
    signals::watch(vm.interrupt_handle());
    let code = session(&mut vm);
    vm.flush();
    let code = common.written(&mut vm, code);
    std::mem::forget(vm);
    code
}

/// Where lines come from.
enum Lines {
    Terminal(Box<Editor<Names, FileHistory>>, Option<PathBuf>),
    Plain,
}

enum Line {
    Text(String),
    /// Ctrl-C: what was typed so far is dropped.
    Interrupted,
    End,
}

/// Runs a session in the machine; the exit code.
pub fn session(vm: &mut Vm) -> i32 {
    vm.enable_doc();
    let names = Rc::new(RefCell::new(Vec::new()));
    let mut lines = Lines::open(names.clone());
    let mut count = 0;
    let mut input = String::new();
    loop {
        if matches!(lines, Lines::Terminal(..)) {
            *names.borrow_mut() = vm.names();
        }
        vm.flush();
        match lines.next(if input.is_empty() { PROMPT } else { CONTINUATION }) {
            Line::Text(line) => {
                if input.is_empty() && line.trim_start().starts_with(':') {
                    lines.remember(&line);
                    if let Some(code) = command(vm, line.trim(), &mut count) {
                        return code;
                    }
                    continue;
                }
                input.push_str(&line);
                input.push('\n');
                if gene::is_incomplete(&input) {
                    continue;
                }
            }
            Line::Interrupted => {
                input.clear();
                continue;
            }
            // An unfinished input is reported as what it is.
            Line::End if input.trim().is_empty() => return 0,
            Line::End => {}
        }
        let text = std::mem::take(&mut input);
        if text.trim().is_empty() {
            continue;
        }
        lines.remember(text.trim_end());
        if let Some(code) = evaluate(vm, "<repl>", &text, &mut count) {
            return code;
        }
    }
}

/// A line starting with a colon. `Some`: leave with this code.
fn command(vm: &mut Vm, line: &str, count: &mut usize) -> Option<i32> {
    let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    match name {
        ":quit" | ":exit" => return Some(0),
        ":help" => vm.write_stdout(HELP),
        ":load" if rest.is_empty() => vm.write_stderr("Error: :load needs a file\n"),
        ":load" => match std::fs::read_to_string(rest) {
            Ok(text) => return evaluate(vm, rest, &text, count),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                vm.write_stderr(&format!("Error: File not found: {rest}\n"))
            }
            Err(e) => {
                let message = gene::file_ops::message(gene::file_ops::READ, rest, &gene::reason(&e));
                vm.write_stderr(&format!("Error: {message}\n"));
            }
        },
        ":time" => {
            let start = Instant::now();
            let code = evaluate(vm, "<repl>", rest, count);
            vm.write_stdout(&format!("{:.3} ms\n", start.elapsed().as_secs_f64() * 1000.0));
            return code;
        }
        _ => vm.write_stderr(&format!("Error: Unknown command: {name}\n")),
    }
    None
}

/// Evaluates one input and shows its value. `Some`: leave with this code.
fn evaluate(vm: &mut Vm, name: &str, text: &str, count: &mut usize) -> Option<i32> {
    match vm.eval_as(name, text) {
        Ok(value) => {
            *count += 1;
            vm.record_result(*count, &value);
            if !vm.is_nil(&value) {
                match vm.debug(&value) {
                    Ok(shown) => vm.write_stdout(&format!("{shown}\n")),
                    Err(e) => vm.write_stderr(&format!("{e}\n")),
                }
            }
            None
        }
        Err(Error::Load { report } | Error::Exception { report, .. }) => {
            vm.write_stderr(&report);
            None
        }
        // Ctrl-C ends the evaluation, not the session.
        Err(Error::Exit(130)) => {
            vm.write_stderr("Interrupted\n");
            vm.resume();
            None
        }
        Err(Error::Exit(code)) => Some(code),
    }
}

impl Lines {
    fn open(names: Rc<RefCell<Vec<String>>>) -> Lines {
        if !std::io::stdin().is_terminal() {
            return Lines::Plain;
        }
        let config = rustyline::Config::builder().max_history_size(HISTORY_SIZE);
        let config = config.map(|c| c.completion_type(CompletionType::List).build());
        let editor = config.and_then(Editor::with_config);
        let Ok(mut editor) = editor else { return Lines::Plain };
        editor.set_helper(Some(Names(names)));
        let file = history_file();
        if let Some(file) = &file {
            // A first session has no history.
            let _ = editor.load_history(file);
        }
        Lines::Terminal(Box::new(editor), file)
    }

    fn next(&mut self, prompt: &str) -> Line {
        match self {
            Lines::Terminal(editor, _) => match editor.readline(prompt) {
                Ok(line) => Line::Text(line),
                Err(ReadlineError::Interrupted) => Line::Interrupted,
                Err(_) => Line::End,
            },
            Lines::Plain => {
                let mut line = Vec::new();
                match std::io::stdin().lock().read_until(b'\n', &mut line) {
                    Ok(0) | Err(_) => Line::End,
                    Ok(_) => Line::Text(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned()),
                }
            }
        }
    }

    fn remember(&mut self, input: &str) {
        if let Lines::Terminal(editor, file) = self {
            let _ = editor.add_history_entry(input);
            if let Some(file) = file {
                let _ = editor.save_history(file);
            }
        }
    }
}

fn history_file() -> Option<PathBuf> {
    std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".gene_history"))
}
