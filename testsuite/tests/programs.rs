//! Runs every program below `programs/` in every mode, and under the seeds it asks for. Folders whose name starts with `_` hold imported modules.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use gene_testsuite::headers::Headers;
use gene_testsuite::run::{Ending, Mode};
use gene_testsuite::{discover, judge, run};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let folder = discover::suite_root().join("programs");
    let files = match discover::files(&folder, "gene") {
        Ok(files) => files,
        Err(error) => {
            eprintln!("cannot list {}: {error}", folder.display());
            return ExitCode::FAILURE;
        }
    };
    let trials = files.into_iter().flat_map(|path| trials(path, &folder)).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// One trial per mode; a program that cannot be read becomes one failing trial.
fn trials(path: PathBuf, folder: &Path) -> Vec<Trial> {
    let name = discover::display_name(&path, folder);
    let headers = fs::read_to_string(&path)
        .map_err(|error| error.to_string())
        .and_then(|source| Headers::parse(&source).map_err(|error| error.to_string()));
    match headers {
        Ok(headers) => {
            let mut trials: Vec<Trial> =
                headers.modes.iter().map(|&mode| trial(&name, &path, &headers, mode)).collect();
            if headers.shake > 0 {
                trials.push(shaken(&name, &path));
            }
            trials
        }
        Err(error) => vec![Trial::test(format!("{name} [headers]"), move || Err(Failed::from(error)))],
    }
}

fn trial(name: &str, path: &Path, headers: &Headers, mode: Mode) -> Trial {
    let (path, headers) = (path.to_owned(), headers.clone());
    Trial::test(format!("{name} [{}]", mode.name()), move || {
        let result = run::run_program(&path, &headers, mode).map_err(|error| error.to_string())?;
        Ok(judge::check(&headers, &result)?)
    })
}

/// The program under many schedules: one process for all of them.
fn shaken(name: &str, path: &Path) -> Trial {
    let path = path.to_owned();
    Trial::test(format!("{name} [shake]"), move || {
        let result = run::shake(Path::new(env!("CARGO_BIN_EXE_shake")), &path).map_err(|error| error.to_string())?;
        if result.ending == Ending::Exit(0) {
            return Ok(());
        }
        let at = result.stdout.lines().last().unwrap_or("before the first run").to_owned();
        Err(Failed::from(format!("{:?} at {at}\n{}", result.ending, result.stderr)))
    })
}
