//! Cuts `src/prelude/*.gene` into a table of functions, so that at startup only names are registered and each function is
//! compiled when first called.
//!
//! Top-level forms, comments between them ignored:
//!
//! ```text
//! (method CLASS NAME [params] body...)      CLASS or NAME may be a list in brackets: one entry per combination
//! (function NAME [params] body...)          a global, or a member of a namespace: NAME is `ns/name`
//! ```
//!
//! Of the comment right before a form, the lines from the first one on that starts with `## (` are its documentation: signature
//! and sentence, separated by ` -- `, then examples.
//!
//! A parameter named `f` is a callback: it is checked when the function is called, so that what cannot be called is refused even
//! where there is no element to call it with. Exempt are names that begin with `_`, whose callers have checked, generator
//! functions, whose body starts later, and `..._result`, whose errors are values.
//!
//! The entry's source is `(method NAME [params] body...)` or `(fn NAME [params] body...)`. Of several names the first one stands
//! in the source of all, though not in its String literals, as errors name the alias; a `!` at its end is left out there, since the
//! compiler refuses methods that look like macros.
use std::fmt::Write;
use std::path::Path;

fn main() {
    let dir = Path::new("src/prelude");
    println!("cargo:rerun-if-changed=src/prelude");
    println!("cargo:rerun-if-changed=build.rs");
    let mut files: Vec<_> = std::fs::read_dir(dir)
        .expect("src/prelude")
        .map(|e| e.expect("directory entry").path())
        .filter(|p| p.extension().is_some_and(|x| x == "gene"))
        .collect();
    files.sort();
    let mut out = String::from("pub static ENTRIES: &[PreludeEntry] = &[\n");
    for path in files {
        let text = std::fs::read_to_string(&path).expect("prelude file");
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Splitter { text: &text, file: &file, pos: 0, gap: 0 }.run(&mut out);
    }
    out.push_str("];\n");
    let target = Path::new(&std::env::var_os("OUT_DIR").expect("OUT_DIR")).join("prelude.rs");
    std::fs::write(target, out).expect("prelude table");
}

struct Splitter<'a> {
    text: &'a str,
    file: &'a str,
    pos: usize,
    /// Where the blanks and comments before the current form begin.
    gap: usize,
}

impl<'a> Splitter<'a> {
    fn run(mut self, out: &mut String) {
        loop {
            self.gap = self.pos;
            self.blanks();
            if self.pos == self.text.len() {
                return;
            }
            let start = self.pos;
            self.form();
            let form = &self.text[start..self.pos];
            self.entries(form, start, out);
        }
    }

    fn fail(&self, at: usize, message: &str) -> ! {
        let line = self.line(at);
        panic!("src/prelude/{}:{line}: {message}", self.file);
    }

    fn line(&self, at: usize) -> usize {
        self.text[..at].matches('\n').count() + 1
    }

    fn peek(&self) -> u8 {
        self.text.as_bytes().get(self.pos).copied().unwrap_or(0)
    }

    /// Skips blanks and line comments.
    fn blanks(&mut self) {
        loop {
            match self.peek() {
                b' ' | b'\n' | b'\t' | b'\r' | b',' => self.pos += 1,
                b'#' if matches!(self.text.as_bytes().get(self.pos + 1), None | Some(b' ' | b'\n' | b'#' | b'!')) => {
                    while self.pos < self.text.len() && self.peek() != b'\n' {
                        self.pos += 1;
                    }
                }
                _ => return,
            }
        }
    }

    /// Skips one form.
    fn form(&mut self) {
        self.blanks();
        let start = self.pos;
        match self.peek() {
            b'(' | b'[' | b'{' => {
                self.pos += 1;
                loop {
                    self.blanks();
                    match self.peek() {
                        b')' | b']' | b'}' => {
                            self.pos += 1;
                            return;
                        }
                        b';' => self.pos += 1,
                        0 => self.fail(start, "unclosed form"),
                        _ => self.form(),
                    }
                }
            }
            b'"' => {
                self.pos += 1;
                while self.peek() != b'"' {
                    if self.pos >= self.text.len() {
                        self.fail(start, "unclosed string");
                    }
                    self.pos += if self.peek() == b'\\' { 2 } else { 1 };
                }
                self.pos += 1;
            }
            b'#' => {
                self.pos += 1;
                self.form();
            }
            0 => self.fail(start, "form expected"),
            _ => {
                while !matches!(
                    self.peek(),
                    0 | b' ' | b'\n' | b'\t' | b'\r' | b',' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'"' | b';'
                ) {
                    self.pos += 1;
                }
                if self.pos == start {
                    self.fail(start, "unexpected character");
                }
            }
        }
    }

    /// A name, or the names in brackets.
    fn names(&mut self) -> Vec<&'a str> {
        self.blanks();
        let start = self.pos;
        self.form();
        let text = &self.text[start..self.pos];
        match text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
            Some(list) => list.split_whitespace().collect(),
            None => vec![text],
        }
    }

    /// The documentation in the comment that ends right before `start`.
    fn doc(&self, start: usize) -> String {
        let gap = &self.text[self.gap..start];
        let lines: Vec<&str> = gap.lines().collect();
        let comment = lines.iter().rposition(|l| !l.starts_with('#')).map_or(0, |i| i + 1);
        let doc = lines[comment..].iter().skip_while(|l| !l.starts_with("## ("));
        doc.map(|l| l.trim_start_matches('#').trim()).collect::<Vec<_>>().join("\n")
    }

    /// What is put behind the parameter list `rest` begins with: the check of a callback, or nothing.
    fn callback_check(&self, name: &str, rest: &str) -> String {
        if name.starts_with('_') || name.ends_with("_result") || !rest.starts_with('[') {
            return String::new();
        }
        let list = &rest[1..rest.find(']').unwrap_or(rest.len())];
        let words: Vec<&str> = list.split_whitespace().collect();
        let Some(at) = words.iter().position(|word| *word == "f") else { return String::new() };
        let name = name.rsplit('/').next().filter(|n| !n.is_empty()).unwrap_or(name);
        let optional = if words.get(at + 1) == Some(&"=") { " true" } else { "" };
        format!(" (_callback {name:?} f{optional})")
    }

    /// Appends the entries of the form that starts at `start`.
    fn entries(&mut self, form: &'a str, start: usize, out: &mut String) {
        let end = self.pos;
        let doc = self.doc(start);
        let (keyword, is_method) = if form.starts_with("(method ") {
            ("method", true)
        } else if form.starts_with("(function ") {
            ("fn", false)
        } else {
            self.fail(start, "(method ...) or (function ...) expected");
        };
        self.pos = start + form.find(' ').unwrap_or(0);
        let classes = if is_method { self.names() } else { vec![""] };
        let names = self.names();
        let rest = self.text[self.pos..end].trim_start();
        if !rest.trim_start_matches("^^generator").trim_start().starts_with('[') {
            self.fail(start, "parameter list expected");
        }
        let (params, body) = match self.callback_check(names[0], rest).is_empty() {
            true => (rest, ""),
            false => {
                self.form();
                rest.split_at(self.pos - (end - rest.len()))
            }
        };
        // Operators contain slashes too.
        let plain = names[0].rsplit('/').next().filter(|n| !n.is_empty()).unwrap_or(names[0]).trim_end_matches('!');
        let line = self.line(start);
        for class in &classes {
            for name in &names {
                // An alias is documented under its own name.
                let doc = doc.replace(&format!(".{}", names[0]), &format!(".{name}"));
                // So do its errors.
                let [params, body] =
                    [params, body].map(|t| t.replace(&format!("{:?}", names[0]), &format!("{name:?}")));
                let check = self.callback_check(name, rest);
                let source = format!("({keyword} {plain} {params}{check}{body}");
                let _ = writeln!(
                    out,
                    "PreludeEntry {{ class: {class:?}, name: {name:?}, source: {source:?}, line: {line}, doc: {doc:?} }},"
                );
            }
        }
        self.pos = end;
    }
}
