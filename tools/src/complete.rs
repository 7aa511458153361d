//! Completion in a session.
use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::Validator;
use rustyline::{Context, Helper};
use std::cell::RefCell;
use std::rc::Rc;

/// Lines that are not code.
pub const COMMANDS: [&str; 5] = [":exit", ":help", ":load", ":quit", ":time"];

/// Completes what can be written in the session.
pub struct Names(pub Rc<RefCell<Vec<String>>>);

impl Completer for Names {
    type Candidate = String;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let typed = line[..pos].trim_start();
        if typed.starts_with(':') {
            let fits = COMMANDS.iter().filter(|c| c.starts_with(typed));
            return Ok((pos - typed.len(), fits.map(|&c| c.to_owned()).collect()));
        }
        let start = word_start(&line[..pos]);
        Ok((start, candidates(&self.0.borrow(), &line[start..pos])))
    }
}

/// Where the name begins that ends where the text does. A method of a path (`a/.b`) is a name of its own.
fn word_start(text: &str) -> usize {
    let is_part = |c: char| !c.is_whitespace() && !"()[]{}\"'`%;,#@<>".contains(c);
    let start = text.rfind(|c| !is_part(c)).map_or(0, |at| at + text[at..].chars().next().map_or(1, char::len_utf8));
    text[start..].rfind("/.").map_or(start, |at| start + at + 1)
}

/// Names that begin with the word. Members of namespaces come up once the namespace is written.
fn candidates(names: &[String], word: &str) -> Vec<String> {
    if word.is_empty() {
        return Vec::new();
    }
    let deeper = |name: &str| name[word.len()..].contains('/');
    let fits = |name: &&String| name.starts_with(word) && !deeper(name);
    names.iter().filter(fits).cloned().collect()
}

impl Hinter for Names {
    type Hint = String;
}
impl Highlighter for Names {}
impl Validator for Names {}
impl Helper for Names {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_completed_step_by_step() {
        let names = ["gene", "gene/json", "gene/json/parse", "map", "math", "math/sin", "math/sqrt", ".map", ".max"];
        let names = names.map(str::to_owned);
        assert_eq!(candidates(&names, "ma"), ["map", "math"]);
        assert_eq!(candidates(&names, "math/s"), ["math/sin", "math/sqrt"]);
        assert_eq!(candidates(&names, ".ma"), [".map", ".max"]);
        assert_eq!(candidates(&names, "gene/j"), ["gene/json"]);
        assert_eq!(candidates(&names, "gene/json/"), ["gene/json/parse"]);
        assert!(candidates(&names, "").is_empty());
    }

    #[test]
    fn a_word_begins_behind_brackets_quotes_and_the_slash_of_a_method() {
        for (text, word) in [
            ("(prin", "prin"),
            ("(s .ma", ".ma"),
            ("s/.ma", ".ma"),
            ("(a/b/.c; .d", ".d"),
            ("[gene/js", "gene/js"),
            ("#\"#{é.x", "é.x"),
            ("`sym", "sym"),
            ("@a/b", "a/b"),
            ("", ""),
            ("(f é", "é"),
        ] {
            assert_eq!(&text[word_start(text)..], word, "{text}");
        }
    }
}
