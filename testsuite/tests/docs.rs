//! Runs the programs inside README.md and docs/ (or, with `GENE_DOC_DIRS=a:b`, inside the Markdown files of those
//! folders instead) and compares what they print with the text shown below them.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs, io};

use gene_testsuite::headers::Headers;
use gene_testsuite::markdown::{self, Example};
use gene_testsuite::run::{Job, Mode};
use gene_testsuite::{discover, judge, run};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    match trials() {
        Ok(trials) => libtest_mimic::run(&arguments, trials).exit_code(),
        Err(error) => {
            eprintln!("cannot read the documentation: {error}");
            ExitCode::FAILURE
        }
    }
}

fn trials() -> io::Result<Vec<Trial>> {
    let mut trials = Vec::new();
    for (path, base) in documents()? {
        let name = path.strip_prefix(&base).unwrap_or(&path).to_string_lossy().into_owned();
        for example in markdown::examples(&fs::read_to_string(&path)?) {
            trials.extend(Mode::ALL.map(|mode| trial(&name, &example, mode)));
        }
    }
    Ok(trials)
}

/// The Markdown files, each with the folder its name is relative to.
fn documents() -> io::Result<Vec<(PathBuf, PathBuf)>> {
    let mut documents = Vec::new();
    let mut add_folder = |folder: &Path, base: &Path| -> io::Result<()> {
        documents.extend(discover::files(folder, "md")?.into_iter().map(|path| (path, base.to_owned())));
        Ok(())
    };
    if let Some(folders) = env::var_os("GENE_DOC_DIRS") {
        for folder in env::split_paths(&folders) {
            add_folder(&folder, &folder)?;
        }
        return Ok(documents);
    }
    let root = discover::repository_root();
    add_folder(&root.join("docs"), root)?;
    let readme = root.join("README.md");
    if readme.is_file() {
        documents.push((readme, root.to_owned()));
    }
    Ok(documents)
}

fn trial(document: &str, example: &Example, mode: Mode) -> Trial {
    let example = example.clone();
    Trial::test(format!("{document}:{} [{}]", example.line, mode.name()), move || {
        run_example(&example, mode).map_err(Failed::from)
    })
}

fn run_example(example: &Example, mode: Mode) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let program = folder.path().join("doc.gene");
    fs::write(&program, &example.code).map_err(|error| error.to_string())?;
    let job = Job {
        program: &program,
        args: &[],
        options: &[],
        stdin: "",
        virtual_clock: false,
        mode,
        working_directory: folder.path(),
    };
    let result = run::run(&job).map_err(|error| error.to_string())?;
    // Without a text block any output will do.
    let expected = match &example.output {
        Some(lines) => lines.clone(),
        None => result.stdout.lines().map(str::to_owned).collect(),
    };
    judge::check(&Headers { expected, ..Headers::default() }, &result)
}
