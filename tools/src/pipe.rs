//! `gene pipe`.
use crate::options::{Pipe, texts};
use crate::{input, repl, signals};
use gene::PipeOutput;
use std::path::Path;

pub fn run(o: Pipe) -> i32 {
    let mut words = texts(&o.words);
    let code = words.remove(0);
    let builder = match o.common.builder() {
        Ok(b) => b,
        Err(code) => return code,
    };
    let output = match (o.filter, o.quote_str) {
        (true, _) => PipeOutput::Matching,
        (false, true) => PipeOutput::QuotedResult,
        (false, false) => PipeOutput::Result,
    };
    let path = match o.common.file(&code) {
        Ok(path) => path,
        Err(code) => return code,
    };
    let (name, text, dir) = if path.is_file() {
        match input::read(path.as_os_str()) {
            Ok(input) => (input.name, input.text, path.parent().map(Path::to_path_buf)),
            Err(code) => return code,
        }
    } else if is_file_name(&code) {
        eprintln!("Error: File not found: {code}");
        return 1;
    } else {
        ("<pipe>".to_owned(), code.into_bytes(), None)
    };
    let mut vm = builder.args(words).build();
    signals::watch(vm.interrupt_handle());
    let status = vm.pipe(&name, &text, dir, output);
    let status = o.common.written(&mut vm, status);
    if status != 0 && o.common.repl_on_error {
        vm.enter_failing_scope();
        repl::session(&mut vm);
    }
    if o.common.debug {
        vm.write_stderr(&format!("{}\n", vm.statistics()));
    }
    std::mem::forget(vm);
    status
}

/// One word that ends in `.gene` is a name that no code can define.
fn is_file_name(code: &str) -> bool {
    code.ends_with(".gene") && !code.contains(|c: char| c.is_whitespace() || "()[]{}\"'`#;%@$<>".contains(c))
}

#[cfg(test)]
mod tests {
    use super::is_file_name;

    #[test]
    fn file_names_are_no_code() {
        for name in ["a.gene", "dir/a.gene", "../é-1.gene", "/tmp/x.y.gene", "-.gene"] {
            assert!(is_file_name(name), "{name}");
        }
        for code in [
            "$line",
            "x.gen",
            "(f a.gene",
            "\"a.gene\"",
            "$line/a.gene",
            "'.gene",
            "`a.gene",
            "a b.gene",
            "@a.gene",
            "",
        ] {
            assert!(!is_file_name(code), "{code}");
        }
    }
}
