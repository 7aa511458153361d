//! Operations on files and directories, without a VM: natives call them in place or on the blocking pool.
use crate::path;
use gene_vm::driver::{HostError, HostResult, HostValue};
use gene_vm::object::string::MAX_LEN;
use std::fs::{self, OpenOptions};
use std::hash::{BuildHasher, Hasher};
use std::io::{self, ErrorKind, Write};
use std::time::UNIX_EPOCH;

pub const READ: &str = "read file";
pub const WRITE: &str = "write file";
pub const OPEN: &str = "open";
pub const CHANGE_TO: &str = "change to directory";
pub const LIST: &str = "list directory";
pub const CREATE_DIR: &str = "create directory";
pub const REMOVE: &str = "remove";
pub const RENAME: &str = "rename";
pub const COPY: &str = "copy";
pub const STAT: &str = "stat";

/// `Failed to OP 'PATH': REASON`.
pub fn message(op: &str, path: &str, reason: &str) -> String {
    format!("Failed to {op} '{path}': {reason}")
}

fn failure(op: &str, path: &str, reason: &str) -> HostError {
    HostError { class: "IOError", message: message(op, path, reason) }
}

fn done<T>(op: &str, path: &str, result: io::Result<T>) -> Result<T, HostError> {
    result.map_err(|e| failure(op, path, &crate::reason(&e)))
}

fn nil<T>(op: &str, path: &str, result: io::Result<T>) -> HostResult {
    done(op, path, result).map(|_| HostValue::Nil)
}

fn read_text(path: &str) -> Result<String, HostError> {
    text(path, fs::read(path))
}

fn text(path: &str, content: io::Result<Vec<u8>>) -> Result<String, HostError> {
    let bytes = done(READ, path, content)?;
    if bytes.len() > MAX_LEN {
        return Err(failure(READ, path, "file too large"));
    }
    String::from_utf8(bytes).map_err(|_| failure(READ, path, "invalid UTF-8"))
}

pub fn read(path: &str) -> HostResult {
    read_text(path).map(HostValue::Str)
}

pub fn read_bytes(path: &str) -> HostResult {
    done(READ, path, fs::read(path)).map(HostValue::Bytes)
}

/// Lines without their ends; a final line end makes no empty line.
pub fn read_lines(path: &str) -> HostResult {
    let text = read_text(path)?;
    Ok(HostValue::List(text.lines().map(|l| HostValue::Str(l.to_owned())).collect()))
}

pub fn write(path: &str, content: &[u8]) -> HostResult {
    nil(WRITE, path, fs::write(path, content))
}

pub fn append(path: &str, content: &[u8]) -> HostResult {
    let file = OpenOptions::new().append(true).create(true).open(path);
    nil(WRITE, path, file.and_then(|mut f| f.write_all(content)))
}

pub async fn read_async(path: String) -> HostResult {
    let content = async_fs::read(&path).await;
    text(&path, content).map(HostValue::Str)
}

pub async fn read_bytes_async(path: String) -> HostResult {
    let content = async_fs::read(&path).await;
    done(READ, &path, content).map(HostValue::Bytes)
}

pub async fn write_async(path: String, content: Vec<u8>) -> HostResult {
    let written = async_fs::write(&path, content).await;
    nil(WRITE, &path, written)
}

/// Names in a directory, sorted.
fn names(dir: &str) -> io::Result<Vec<String>> {
    let mut names = fs::read_dir(dir)?
        .map(|e| e.map(|e| e.file_name().to_string_lossy().into_owned()))
        .collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

fn strings(list: Vec<String>) -> HostValue {
    HostValue::List(list.into_iter().map(HostValue::Str).collect())
}

pub fn list(dir: &str) -> HostResult {
    done(LIST, dir, names(dir)).map(strings)
}

/// As [`list`], with the directory in front.
pub fn list_paths(dir: &str) -> HostResult {
    let names = done(LIST, dir, names(dir))?;
    Ok(strings(names.iter().map(|n| path::join([dir, n])).collect()))
}

/// All paths below a directory, each directory before what is in it. Links are not followed.
pub fn walk(dir: &str) -> HostResult {
    let mut found = Vec::new();
    // Paths still to visit, the next one last.
    let mut todo: Vec<String> = done(LIST, dir, names(dir))?.iter().rev().map(|n| path::join([dir, n])).collect();
    while let Some(p) = todo.pop() {
        if fs::symlink_metadata(&p).is_ok_and(|m| m.is_dir()) {
            // A directory that vanishes or can't be read meanwhile ends the walk: half a list would look complete.
            todo.extend(done(LIST, &p, names(&p))?.iter().rev().map(|n| path::join([p.as_str(), n])));
        }
        found.push(p);
    }
    Ok(strings(found))
}

pub fn exists(path: &str) -> HostResult {
    Ok(HostValue::Bool(fs::metadata(path).is_ok()))
}

/// Anything but a directory.
pub fn is_file(path: &str) -> HostResult {
    Ok(HostValue::Bool(fs::metadata(path).is_ok_and(|m| !m.is_dir())))
}

pub fn is_dir(path: &str) -> HostResult {
    Ok(HostValue::Bool(fs::metadata(path).is_ok_and(|m| m.is_dir())))
}

pub fn mkdir(path: &str) -> HostResult {
    nil(CREATE_DIR, path, fs::create_dir(path))
}

pub fn mkdirs(path: &str) -> HostResult {
    nil(CREATE_DIR, path, fs::create_dir_all(path))
}

pub fn remove(path: &str) -> HostResult {
    nil(REMOVE, path, fs::remove_file(path))
}

pub fn remove_dir(path: &str) -> HostResult {
    nil(REMOVE, path, fs::remove_dir(path))
}

/// A file, or a directory with everything in it; a missing one is fine.
pub fn remove_all(path: &str) -> HostResult {
    let result = match fs::symlink_metadata(path) {
        Ok(m) if m.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
        Err(e) => Err(e),
    };
    nil(REMOVE, path, result)
}

pub fn rename(from: &str, to: &str) -> HostResult {
    nil(RENAME, from, fs::rename(from, to))
}

pub fn copy(from: &str, to: &str) -> HostResult {
    nil(COPY, from, fs::copy(from, to))
}

pub fn size(path: &str) -> HostResult {
    done(STAT, path, fs::metadata(path)).map(|m| HostValue::Int(m.len() as i64))
}

/// What `gene/fs/stat` tells. Times are microseconds since 1970.
pub struct Stat {
    pub size: i64,
    pub kind: &'static str,
    pub modified: Option<i64>,
    pub accessed: Option<i64>,
    pub mode: i64,
}

pub fn stat(path: &str) -> Result<Stat, HostError> {
    let m = done(STAT, path, fs::symlink_metadata(path))?;
    let micros = |t: io::Result<std::time::SystemTime>| {
        Some(match t.ok()?.duration_since(UNIX_EPOCH) {
            Ok(d) => i64::try_from(d.as_micros()).ok()?,
            Err(e) => -i64::try_from(e.duration().as_micros()).ok()?,
        })
    };
    let kind = match m.file_type() {
        t if t.is_symlink() => "link",
        t if t.is_dir() => "dir",
        t if t.is_file() => "file",
        _ => "other",
    };
    Ok(Stat {
        size: m.len() as i64,
        kind,
        modified: micros(m.modified()),
        accessed: micros(m.accessed()),
        mode: mode(&m),
    })
}

#[cfg(unix)]
fn mode(m: &fs::Metadata) -> i64 {
    use std::os::unix::fs::PermissionsExt;
    i64::from(m.permissions().mode() & 0o7777)
}

#[cfg(not(unix))]
fn mode(m: &fs::Metadata) -> i64 {
    if m.permissions().readonly() { 0o444 } else { 0o644 }
}

/// Makes a file or directory nobody else knows; only its owner may use it.
pub fn temporary(prefix: &str, dir: bool) -> HostResult {
    let op = if dir { CREATE_DIR } else { OPEN };
    let base = std::env::temp_dir();
    let base = base.to_string_lossy();
    if prefix.contains('/') {
        return Err(failure(op, prefix, "prefix contains a separator"));
    }
    loop {
        let bits = std::hash::RandomState::new().build_hasher().finish();
        let path = path::join([&*base, &format!("{prefix}-{bits:016x}")]);
        match create_private(&path, dir) {
            Ok(()) => return Ok(HostValue::Str(path)),
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
            Err(e) => return Err(failure(op, &path, &crate::reason(&e))),
        }
    }
}

fn create_private(path: &str, dir: bool) -> io::Result<()> {
    if dir {
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path)
    } else {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(r: HostResult) -> String {
        match r {
            Ok(HostValue::Str(s)) => s,
            other => panic!("{other:?}"),
        }
    }

    fn list_of(r: HostResult) -> Vec<String> {
        match r {
            Ok(HostValue::List(l)) => l.into_iter().map(|s| text(Ok(s))).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn files_are_written_listed_and_removed() {
        let dir = text(temporary("ops", true));
        let at = |name: &str| path::join([dir.as_str(), name]);
        write(&at("a.txt"), b"one\ntwo\n").unwrap();
        append(&at("a.txt"), b"three").unwrap();
        assert_eq!(list_of(read_lines(&at("a.txt"))), ["one", "two", "three"]);
        mkdirs(&at("d/e")).unwrap();
        copy(&at("a.txt"), &at("d/e/b")).unwrap();
        rename(&at("d/e/b"), &at("d/c")).unwrap();
        assert_eq!(list_of(list(&dir)), ["a.txt", "d"]);
        assert_eq!(list_of(walk(&dir)), [at("a.txt"), at("d"), at("d/c"), at("d/e")]);
        assert_eq!(crate::glob::glob(&at("**/{c,*.txt}")).unwrap(), [at("a.txt"), at("d/c")]);
        assert_eq!(crate::glob::glob(&at("*/*")).unwrap(), [at("d/c"), at("d/e")]);
        let s = stat(&at("a.txt")).unwrap();
        assert_eq!((s.size, s.kind), (13, "file"));
        assert_eq!(stat(&dir).unwrap().mode, 0o700);
        remove_all(&dir).unwrap();
        remove_all(&dir).unwrap();
        assert!(matches!(exists(&dir), Ok(HostValue::Bool(false))));
    }

    #[test]
    fn failures_name_operation_path_and_reason() {
        let m = |r: HostResult| r.unwrap_err().message;
        assert_eq!(m(read("/nowhere/x")), "Failed to read file '/nowhere/x': No such file or directory");
        assert_eq!(m(read("/")), "Failed to read file '/': Is a directory");
        assert_eq!(m(list("/nowhere")), "Failed to list directory '/nowhere': No such file or directory");
        assert_eq!(m(remove_dir("/nowhere")), "Failed to remove '/nowhere': No such file or directory");
        let file = text(temporary("bad", false));
        write(&file, &[0xff]).unwrap();
        assert_eq!(m(read(&file)), format!("Failed to read file '{file}': invalid UTF-8"));
        assert_eq!(m(mkdir(&file)), format!("Failed to create directory '{file}': File exists"));
        remove(&file).unwrap();
    }
}
