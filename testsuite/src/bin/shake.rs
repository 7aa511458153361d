//! `shake PROGRAM`: runs a program of the suite under the schedules of seeds 1 to N of its `# Shake:` header, and a tenth of
//! them in each of its other modes. Stops at the first seed that changes what the program does. The last line printed names the
//! seed of a run that hangs or dies.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::{env, fs, io};

use gene_testsuite::headers::Headers;
use gene_testsuite::run::Mode;
use gene_testsuite::{judge, run};

fn main() -> ExitCode {
    match env::args_os().nth(1).map(PathBuf::from).ok_or_else(|| "usage: shake PROGRAM".to_owned()).and_then(shake) {
        Ok(()) => ExitCode::SUCCESS,
        Err(report) => {
            eprintln!("{report}");
            ExitCode::FAILURE
        }
    }
}

fn shake(path: PathBuf) -> Result<(), String> {
    let source = fs::read_to_string(&path).map_err(|error| error.to_string())?;
    let headers = Headers::parse(&source).map_err(|error| error.to_string())?;
    for &mode in &headers.modes {
        let seeds = if mode == Mode::Normal { headers.shake } else { headers.shake.div_ceil(10) };
        for seed in 1..=seeds {
            let mut out = io::stdout().lock();
            let _ = writeln!(out, "[{}] --seed {seed}", mode.name());
            let _ = out.flush();
            let result = run::run_seeded(&path, &headers, mode, seed);
            judge::check(&headers, &result)
                .map_err(|report| format!("with --seed {seed} in mode {}:\n{report}", mode.name()))?;
        }
    }
    Ok(())
}
