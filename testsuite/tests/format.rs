//! `gene fmt` over every program of the repository: what the reader makes of them stays the same, and formatting what is
//! formatted changes nothing.

use std::fs;
use std::path::PathBuf;

use bumpalo::Bump;
use gene_testsuite::discover;
use gene_testsuite::fuzzing::{Action, Corpus};

/// The forms without their positions.
fn shape(text: &str) -> Option<String> {
    let arena = Bump::new();
    let forms = gene_vm::syntax::read(&arena, text).ok()?;
    let shown = format!("{forms:?}");
    let mut shape = String::with_capacity(shown.len());
    let mut rest = shown.as_str();
    while let Some(at) = rest.find("Span {") {
        shape.push_str(&rest[..at]);
        rest = rest[at..].find('}').map_or("", |end| &rest[at + end + 1..]);
    }
    shape.push_str(rest);
    Some(shape)
}

fn programs() -> Vec<PathBuf> {
    let root = discover::repository_root();
    let mut all = Vec::new();
    for folder in ["testsuite/programs", "examples", "vm/src/prelude", "benches"] {
        all.extend(discover::files(&root.join(folder), "gene").unwrap());
    }
    all
}

#[test]
fn every_program_reads_the_same_after_formatting() {
    let (mut checked, mut changed) = (0, 0);
    for path in programs() {
        // Programs about bad text have no layout.
        let Ok(text) = fs::read_to_string(&path) else { continue };
        if !check(&text, &path.display().to_string()) {
            continue;
        }
        let formatted = gene::format_source(&text).unwrap();
        assert_eq!(comments(&formatted), comments(&text), "{}", path.display());
        checked += 1;
        changed += usize::from(formatted != text);
    }
    assert!(checked > 900, "only {checked} programs found");
    println!("{checked} programs, {changed} not formatted yet");
}

/// All comments in order, without what formatting may change about them.
fn comments(text: &str) -> Vec<String> {
    use gene_vm::syntax::layout::{Mark, layout};
    let marks = layout(text).unwrap();
    let comments = marks.iter().filter(|m| matches!(m, Mark::Comment { .. } | Mark::Opaque { comment: true, .. }));
    comments.map(|m| text[m.span().start as usize..m.span().end as usize].trim_end().replace("\r\n", "\n")).collect()
}

/// Formats and compares; `false` when the text cannot be read.
fn check(text: &str, what: &str) -> bool {
    let Some(before) = shape(text) else {
        assert!(gene::format_source(text).is_err(), "{what}");
        return false;
    };
    let formatted = gene::format_source(text).unwrap();
    assert_eq!(shape(&formatted).as_deref(), Some(before.as_str()), "{what}");
    assert_eq!(gene::format_source(&formatted).as_deref(), Ok(formatted.as_str()), "{what}");
    true
}

#[test]
fn badly_laid_out_text_reads_the_same_too() {
    let mut checked = 0;
    for path in programs() {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let Some(before) = shape(&text) else { continue };
        let spoilt: String = text.lines().map(|line| format!("   {}  \r\n", line.trim_start())).collect();
        // Line ends and blanks inside strings belong to their value: such a text has become another program.
        if shape(&spoilt).is_some_and(|shape| shape == before) {
            check(&spoilt, &path.display().to_string());
            checked += 1;
        }
    }
    assert!(checked > 800, "only {checked} programs compared");
}

/// Showing forms that are nested thousands of levels takes much stack.
const STACK: usize = 1 << 30;

#[test]
fn damaged_programs_are_formatted_or_refused() {
    std::thread::Builder::new().stack_size(STACK).spawn(format_damaged_programs).unwrap().join().unwrap();
}

fn format_damaged_programs() {
    let corpus = Corpus::load().unwrap();
    let mut readable = 0;
    for index in 0..4000 {
        let Some(program) = corpus.program(Action::Compile, 20, index) else { continue };
        if let Ok(text) = String::from_utf8(program) {
            readable += usize::from(check(&text, &format!("case {index}:\n{text}")));
        }
    }
    assert!(readable > 500, "only {readable} programs could be read");
}
