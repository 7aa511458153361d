//! Runs every examples/NAME.gene that has a NAME.expected beside it, from the root of the repository, and compares its
//! output. `# Args:`, `# Stdin:`, `# Clock:` and `# ExitCode:` lines at the top of an example are honoured.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{fs, io};

use gene_testsuite::headers::Headers;
use gene_testsuite::run::{Job, Mode};
use gene_testsuite::{diff, discover, judge, run};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    match trials() {
        Ok(trials) => libtest_mimic::run(&arguments, trials).exit_code(),
        Err(error) => {
            eprintln!("cannot read the examples: {error}");
            ExitCode::FAILURE
        }
    }
}

fn trials() -> io::Result<Vec<Trial>> {
    let root = discover::repository_root();
    let mut trials = Vec::new();
    for path in discover::files(&root.join("examples"), "gene")? {
        if !path.with_extension("expected").is_file() {
            continue;
        }
        let headers = Headers::parse(&fs::read_to_string(&path)?)
            .map_err(|error| io::Error::other(format!("{}: {error}", path.display())))?;
        for &mode in &headers.modes {
            trials.push(trial(&path, &headers, mode));
        }
    }
    Ok(trials)
}

fn trial(path: &Path, headers: &Headers, mode: Mode) -> Trial {
    let name = discover::display_name(path, discover::repository_root());
    let (path, headers) = (path.to_owned(), headers.clone());
    Trial::test(format!("{name} [{}]", mode.name()), move || run_example(path, headers, mode).map_err(Failed::from))
}

fn run_example(path: PathBuf, mut headers: Headers, mode: Mode) -> Result<(), String> {
    let expected = fs::read_to_string(path.with_extension("expected")).map_err(|error| error.to_string())?;
    headers.expected = diff::lines(&expected).into_iter().map(str::to_owned).collect();
    let job = Job {
        program: &path,
        args: &headers.args,
        options: &headers.options,
        stdin: &headers.stdin,
        virtual_clock: headers.virtual_clock,
        mode,
        working_directory: discover::repository_root(),
    };
    let result = run::run(&job).map_err(|error| error.to_string())?;
    judge::check(&headers, &result)
}
