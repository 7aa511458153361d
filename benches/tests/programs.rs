//! Every benchmark program computes what its peers compute: at the small inputs of `expected.tsv` it prints exactly the text
//! given there. The time of a program that is wrong means nothing.

use std::fs;
use std::path::{Path, PathBuf};

/// One line of `expected.tsv`.
struct Case {
    program: String,
    argument: String,
    output: String,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("programs")
}

fn cases() -> Vec<Case> {
    let table = fs::read_to_string(folder().join("expected.tsv")).expect("expected.tsv is readable");
    table
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| {
            let mut cells = line.splitn(3, '\t').map(str::to_owned);
            let mut cell = || cells.next().unwrap_or_else(|| panic!("three cells in: {line}"));
            Case { program: cell(), argument: cell(), output: cell() }
        })
        .collect()
}

/// What the program prints, or what went wrong.
fn run(case: &Case) -> Result<String, String> {
    let mut vm = gene::Vm::builder().capture_output().args(vec![case.argument.clone()]).build();
    match vm.run_file(&folder().join(&case.program).with_extension("gene")) {
        0 => Ok(vm.captured_stdout().trim_end().to_owned()),
        code => Err(format!("exit code {code}: {}", vm.captured_stderr())),
    }
}

#[test]
fn programs_print_what_is_expected() {
    let mut failures = Vec::new();
    for case in cases() {
        let result = run(&case);
        if result.as_ref() != Ok(&case.output) {
            failures.push(format!("{} {}: expected {:?}, got {result:?}", case.program, case.argument, case.output));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_program_has_an_expected_output() {
    let cases = cases();
    for entry in fs::read_dir(folder()).expect("programs/ is a folder") {
        let path = entry.expect("entry of programs/").path();
        if path.extension().is_some_and(|extension| extension == "gene") {
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            assert!(cases.iter().any(|case| case.program == name), "expected.tsv has no line for {name}");
        }
    }
}
