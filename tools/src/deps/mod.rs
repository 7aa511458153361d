//! `gene deps`: resolving, installing and checking the packages a package depends on (20.9).
mod git;
mod resolve;
mod tree;
mod version;

use crate::options::{Deps, DepsAction};
use gene::package::{self, LOCK, Lock, Node, lock};
use std::path::{Path, PathBuf};
use std::{fs, io};

/// What went wrong, as one line for the user.
pub struct Failure(String);

type Result<T> = std::result::Result<T, Failure>;

fn fail<T>(message: impl Into<String>) -> Result<T> {
    Err(Failure(message.into()))
}

/// Puts the name of what was worked on in front of the system's reason.
fn io_failure(what: &str, path: &Path) -> impl Fn(io::Error) -> Failure {
    let text = format!("Failed to {what} '{}'", path.display());
    move |e| Failure(format!("{text}: {}", gene::reason(&e)))
}

pub fn run(o: &Deps) -> i32 {
    let root = match root(o) {
        Ok(root) => root,
        Err(Failure(message)) => {
            eprintln!("Error: {message}");
            return 1;
        }
    };
    let done = match o.action {
        DepsAction::Install => install(&root),
        DepsAction::Update => update(&root),
        DepsAction::Verify => verify(&root),
        DepsAction::Gc => gc(&root),
        DepsAction::Clean => clean(&root),
    };
    match done {
        Ok(code) => code,
        Err(Failure(message)) => {
            eprintln!("Error: {message}");
            1
        }
    }
}

/// The package to work on.
fn root(o: &Deps) -> Result<PathBuf> {
    let start = match &o.root {
        Some(dir) => PathBuf::from(dir),
        None => std::env::current_dir().map_err(io_failure("read", Path::new(".")))?,
    };
    let start = fs::canonicalize(&start).map_err(io_failure("read", &start))?;
    match package::find_root(&start) {
        Some(root) if o.root.is_none() || root == start => Ok(root),
        _ => fail(format!("No {} in {}", package::MANIFEST, start.display())),
    }
}

fn read_lock(root: &Path) -> Result<Option<Lock>> {
    let file = root.join(LOCK);
    match fs::read(&file) {
        Ok(bytes) => match Lock::parse(&file.to_string_lossy(), &String::from_utf8_lossy(&bytes)) {
            Ok(lock) => Ok(Some(lock)),
            Err(e) => fail(e.to_string()),
        },
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(io_failure("read", &file)(e)),
    }
}

fn needed_lock(root: &Path) -> Result<Lock> {
    match read_lock(root)? {
        Some(lock) => Ok(lock),
        None => fail(format!("No {LOCK} in {}: run gene deps install", root.display())),
    }
}

fn check_version(lock: &Lock) -> Result<()> {
    if lock.version == lock::VERSION {
        return Ok(());
    }
    fail(format!("Lock version {} is not supported, expected {}", lock.version, lock::VERSION))
}

fn install(root: &Path) -> Result<i32> {
    let Some(lock) = read_lock(root)? else { return update(root) };
    check_version(&lock)?;
    for (id, node) in &lock.packages {
        materialise(root, id, node)?;
    }
    Ok(0)
}

/// Makes what the lock says of one package true.
fn materialise(root: &Path, id: &str, node: &Node) -> Result<()> {
    let dir = root.join(&node.dir);
    if dir.is_dir() {
        let found = tree::sha256(&dir)?;
        if found != node.sha256 {
            return fail(format!("{id}: {} was changed (sha256 {found}, expected {})", node.dir, node.sha256));
        }
        return Ok(());
    }
    let fetched = resolve::fetch(root, &node.source)?;
    let found = tree::sha256(&fetched.dir)?;
    if found != node.sha256 {
        return fail(format!(
            "{id}: {} is not what was locked (sha256 {found}, expected {})",
            node.source.place, node.sha256
        ));
    }
    tree::replace(&fetched.dir, &dir)?;
    println!("Installed {id}");
    Ok(())
}

fn update(root: &Path) -> Result<i32> {
    let resolution = resolve::resolve(root)?;
    for (id, dir) in &resolution.dirs {
        let node = &resolution.lock.packages[id];
        let target = root.join(&node.dir);
        let current = target.is_dir() && tree::sha256(&target)? == node.sha256;
        if !current {
            tree::replace(dir, &target)?;
            println!("Installed {id}");
        }
    }
    tree::write(&root.join(LOCK), &resolution.lock.render())?;
    Ok(0)
}

/// Says what differs, one line each.
fn verify(root: &Path) -> Result<i32> {
    let lock = needed_lock(root)?;
    check_version(&lock)?;
    let mut differences = Vec::new();
    let known = |from: &str, name: &str, id: &String| match lock.packages.get(id) {
        Some(node) if node.name == name => None,
        _ => Some(format!("{from}: no package {id} for dependency {name}")),
    };
    differences.extend(lock.root.iter().filter_map(|(name, id)| known("root", name, id)));
    for (id, node) in &lock.packages {
        differences.extend(node.dependencies.iter().filter_map(|(name, to)| known(id, name, to)));
        let dir = root.join(&node.dir);
        if !dir.is_dir() {
            differences.push(format!("{id}: {} is missing", node.dir));
            continue;
        }
        let found = tree::sha256(&dir)?;
        if found != node.sha256 {
            differences.push(format!("{id}: {} has sha256 {found}, expected {}", node.dir, node.sha256));
        }
    }
    for line in &differences {
        println!("{line}");
    }
    Ok(i32::from(!differences.is_empty()))
}

/// Directories below [`package::DEPS`] that hold a package, as `parent/pkg/version`.
fn installed(root: &Path) -> Result<Vec<String>> {
    let mut found = vec![String::new()];
    for _ in 0..3 {
        let mut next = Vec::new();
        for prefix in &found {
            let dir = root.join(package::DEPS).join(prefix);
            let entries = match fs::read_dir(&dir) {
                Ok(entries) => entries,
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                Err(e) => return Err(io_failure("read", &dir)(e)),
            };
            for entry in entries.flatten().filter(|entry| entry.path().is_dir()) {
                let name = entry.file_name().to_string_lossy().into_owned();
                next.push(if prefix.is_empty() { name } else { format!("{prefix}/{name}") });
            }
        }
        next.sort();
        found = next;
    }
    Ok(found)
}

fn gc(root: &Path) -> Result<i32> {
    let lock = needed_lock(root)?;
    check_version(&lock)?;
    for dir in installed(root)? {
        let dir = format!("{}/{dir}", package::DEPS);
        if !lock.packages.values().any(|node| node.dir == dir) {
            tree::remove(&root.join(&dir))?;
            println!("Removed {dir}");
        }
    }
    // What holds no package any more goes too; the rest refuses to be removed.
    for entry in fs::read_dir(root.join(package::DEPS)).into_iter().flatten().flatten() {
        for inner in fs::read_dir(entry.path()).into_iter().flatten().flatten() {
            let _ = fs::remove_dir(inner.path());
        }
        let _ = fs::remove_dir(entry.path());
    }
    Ok(0)
}

fn clean(root: &Path) -> Result<i32> {
    let dir = root.join(package::DEPS);
    if dir.is_dir() {
        tree::remove(&dir)?;
        println!("Removed {}", package::DEPS);
    }
    Ok(0)
}
