//! `gene fmt`.
use crate::input;
use crate::options::{self, Fmt};
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

pub fn run(o: &Fmt) -> i32 {
    let mut status = 0;
    for file in &o.files {
        status = status.max(format(o, file));
    }
    status
}

fn format(o: &Fmt, file: &OsStr) -> i32 {
    let input = match input::read(file) {
        Ok(input) => input,
        Err(code) => return code,
    };
    let diagnostics = match options::diagnostics(o.diagnostics) {
        Ok(form) => form,
        Err(code) => return code,
    };
    let formatted = match gene::format_bytes(&input.name, &input.text, diagnostics, options::color()) {
        Ok(text) => text,
        Err(report) => {
            eprint!("{report}");
            return 1;
        }
    };
    let changed = formatted.as_bytes() != input.text;
    if o.check {
        if changed {
            println!("{}", input.name);
        }
        return i32::from(changed);
    }
    let written = match file == "-" {
        true => io::stdout().lock().write_all(formatted.as_bytes()),
        false if changed => replace(Path::new(file), formatted.as_bytes()),
        false => Ok(()),
    };
    match written {
        Ok(()) => 0,
        // Who reads has read enough.
        Err(e) if file == "-" && e.kind() == ErrorKind::BrokenPipe => 0,
        Err(e) if file == "-" => {
            eprintln!("Error: Failed to write to stdout: {}", gene::reason(&e));
            1
        }
        Err(e) => {
            let message = gene::file_ops::message(gene::file_ops::WRITE, &input.name, &gene::reason(&e));
            eprintln!("Error: {message}");
            1
        }
    }
}

/// Gives the file this content at one stroke: whatever happens in between, it has the old one or the new one. A link stays a link,
/// and permissions stay.
fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    // Renaming asks for the folder's permission only.
    let old = OpenOptions::new().write(true).open(&path)?;
    let (temporary, mut new) = match beside(&path) {
        Ok(made) => made,
        // No file can be made there, but this one can be written.
        Err(e) if e.kind() == ErrorKind::PermissionDenied => return fs::write(&path, content),
        Err(e) => return Err(e),
    };
    let written = new
        .write_all(content)
        .and_then(|()| new.set_permissions(old.metadata()?.permissions()))
        .and_then(|()| new.sync_all())
        .and_then(|()| fs::rename(&temporary, &path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// A new file in the same folder.
fn beside(path: &Path) -> io::Result<(PathBuf, File)> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut n = 0;
    loop {
        let temporary = path.with_file_name(format!(".{name}.{}-{n}", std::process::id()));
        match OpenOptions::new().write(true).create_new(true).open(&temporary) {
            Err(e) if e.kind() == ErrorKind::AlreadyExists && n < 100 => n += 1,
            made => return made.map(|file| (temporary, file)),
        }
    }
}
