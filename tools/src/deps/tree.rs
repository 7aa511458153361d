//! Trees of files: hashing, copying, removing.
use super::{Failure, Result, fail, io_failure};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// Directories that are no part of a package.
const SKIPPED: [&str; 2] = [".git", ".gene"];

/// All files below `dir` by relative path, sorted. Links to files count as files, links to directories are refused: they may
/// lead anywhere.
fn files(dir: &Path) -> Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    let mut todo = vec![(String::new(), dir.to_path_buf())];
    while let Some((prefix, dir)) = todo.pop() {
        for entry in fs::read_dir(&dir).map_err(io_failure("read", &dir))? {
            let entry = entry.map_err(io_failure("read", &dir))?;
            let path = entry.path();
            let Ok(name) = entry.file_name().into_string() else {
                return fail(format!("{}: the name is no text", path.display()));
            };
            let relative = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
            let kind = entry.file_type().map_err(io_failure("read", &path))?;
            if kind.is_dir() {
                if !SKIPPED.contains(&name.as_str()) {
                    todo.push((relative, path));
                }
            } else if path.is_dir() {
                return fail(format!("{}: links to directories are not supported", path.display()));
            } else if !(prefix.is_empty() && name == ".git") {
                found.push((relative, path));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Over path, NUL, length in decimal, NUL and bytes of each file.
pub fn sha256(dir: &Path) -> Result<String> {
    let mut hash = Sha256::new();
    for (relative, path) in files(dir)? {
        let bytes = fs::read(&path).map_err(io_failure("read", &path))?;
        hash.update(relative.as_bytes());
        hash.update([0]);
        hash.update(bytes.len().to_string().as_bytes());
        hash.update([0]);
        hash.update(&bytes);
    }
    let mut hex = String::new();
    for byte in hash.finalize() {
        let _ = write!(hex, "{byte:02x}");
    }
    Ok(hex)
}

/// Makes `to` a copy of `from`: beside its place first, so that what is there is whole at any time.
pub fn replace(from: &Path, to: &Path) -> Result<()> {
    let Some(parent) = to.parent() else { return fail(format!("{}: no directory", to.display())) };
    fs::create_dir_all(parent).map_err(io_failure("create", parent))?;
    let name = to.file_name().map_or_else(Default::default, |name| name.to_string_lossy().into_owned());
    let staged = parent.join(format!(".{name}.{}", std::process::id()));
    let copied = copy(from, &staged).and_then(|()| {
        if to.exists() {
            remove(to)?;
        }
        fs::rename(&staged, to).map_err(io_failure("create", to))
    });
    if copied.is_err() {
        let _ = fs::remove_dir_all(&staged);
    }
    copied
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).map_err(io_failure("create", to))?;
    for (relative, path) in files(from)? {
        let target = to.join(&relative);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(io_failure("create", parent))?;
        }
        fs::copy(&path, &target).map_err(io_failure("copy", &path))?;
    }
    Ok(())
}

pub fn remove(dir: &Path) -> Result<()> {
    fs::remove_dir_all(dir).map_err(io_failure("remove", dir))
}

/// Writes a file at once, or not at all.
pub fn write(file: &Path, text: &str) -> Result<()> {
    let staged = file.with_extension(format!("lock.{}", std::process::id()));
    fs::write(&staged, text).map_err(io_failure("write", &staged))?;
    fs::rename(&staged, file).map_err(|e| {
        let _ = fs::remove_file(&staged);
        Failure(format!("Failed to write '{}': {}", file.display(), gene::reason(&e)))
    })
}
