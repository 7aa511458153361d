//! `gene test` (20.11).
mod discover;
mod headers;
mod report;
mod run;

use crate::USAGE;
use crate::options::{Test, TestFormat};
use report::{Junit, Reporter, Tap, Text};
use std::path::PathBuf;

pub fn run(o: &Test) -> i32 {
    if o.common.trace.is_some() {
        eprintln!("Error: --trace is for one program, not for tests");
        return USAGE;
    }
    // A bad option is found before anything runs.
    if let Err(code) = o.common.builder() {
        return code;
    }
    let files = match files(o) {
        Ok(files) => files,
        Err(code) => return code,
    };
    let mut reporter: Box<dyn Reporter> = match o.format {
        TestFormat::Text => Box::new(Text::new()),
        TestFormat::Junit => Box::new(Junit::default()),
        TestFormat::Tap => Box::new(Tap::default()),
    };
    for file in &files {
        for result in run::file(o, file) {
            reporter.result(&result);
        }
    }
    i32::from(!reporter.finish())
}

fn files(o: &Test) -> Result<Vec<PathBuf>, i32> {
    let given: Vec<PathBuf> =
        o.paths.iter().map(|p| o.common.file(&p.to_string_lossy())).collect::<Result<_, i32>>()?;
    let paths = if given.is_empty() { vec![o.common.test_dir()?] } else { given };
    let mut files = Vec::new();
    for path in &paths {
        if !path.exists() {
            eprintln!("Error: File not found: {}", path.display());
            return Err(1);
        }
        if let Err(e) = discover::tests(path, &mut files) {
            eprintln!("Error: {}: {}", path.display(), gene::reason(&e));
            return Err(1);
        }
    }
    // A file found twice is run once.
    let mut seen = std::collections::HashSet::new();
    files.retain(|f| seen.insert(f.clone()));
    Ok(files)
}
