//! From the manifest's dependencies, and theirs, to nodes with files.
use super::{Failure, Result, fail, git, io_failure, tree, version};
use gene::package::lock::Source;
use gene::package::manifest::ReadError;
use gene::package::{self, Dependency, Git, Lock, Manifest, Node, lock};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Files of a package, before they are installed.
pub struct Fetched {
    pub dir: PathBuf,
    /// What was made for it; removed with it.
    scratch: Option<PathBuf>,
}

impl Drop for Fetched {
    fn drop(&mut self) {
        if let Some(dir) = &self.scratch {
            let _ = fs::remove_dir_all(dir);
        }
    }
}

pub struct Resolution {
    pub lock: Lock,
    /// The files of each node.
    pub dirs: BTreeMap<String, PathBuf>,
    /// Keeps clones until they have been copied.
    _fetched: Vec<Fetched>,
}

/// A directory of its own below the root package, for a clone.
fn scratch(root: &Path) -> Result<PathBuf> {
    let base = root.join(".gene");
    fs::create_dir_all(&base).map_err(io_failure("create", &base))?;
    let free = (0..).map(|n| base.join(format!("clone-{}-{n}", std::process::id()))).find(|dir| !dir.exists());
    Ok(free.unwrap_or(base))
}

fn subdirectory(dir: &Path, subdir: Option<&str>) -> Result<PathBuf> {
    let found = dir.join(subdir.unwrap_or(""));
    match fs::canonicalize(&found) {
        Ok(found) if found.is_dir() && package::is_inside(&found, dir) => Ok(found),
        Ok(_) => fail(format!("{} is not a directory of the package", found.display())),
        Err(e) => Err(io_failure("read", &found)(e)),
    }
}

fn clone(root: &Path, source: &Git, subdir: Option<&str>) -> Result<(Fetched, String)> {
    let dir = scratch(root)?;
    let mut fetched = Fetched { dir: dir.clone(), scratch: Some(dir.clone()) };
    let commit = git::checkout(source, &dir)?;
    fetched.dir = subdirectory(&dir, subdir)?;
    Ok((fetched, commit))
}

/// Gets the files of a locked node.
pub fn fetch(root: &Path, source: &Source) -> Result<Fetched> {
    if source.kind == "path" {
        let dir = subdirectory(&root.join(&source.place), source.subdir.as_deref())?;
        return Ok(Fetched { dir, scratch: None });
    }
    let from = Git { url: source.place.clone(), commit: source.commit.clone(), ..Git::default() };
    clone(root, &from, source.subdir.as_deref()).map(|(fetched, _)| fetched)
}

/// `path` as seen from the root package.
fn from_root(root: &Path, path: &Path) -> String {
    let shown = gene::path::relative(&path.to_string_lossy(), &root.to_string_lossy(), "/");
    if shown.starts_with("..") { shown } else { format!("./{shown}") }
}

fn manifest(dir: &Path) -> Result<Manifest> {
    let file = dir.join(package::MANIFEST);
    match Manifest::read(dir, &file.to_string_lossy()) {
        Ok(manifest) => Ok(manifest),
        Err(ReadError::Malformed(e)) => fail(e.to_string()),
        Err(ReadError::Io(e)) => Err(io_failure("read", &file)(e)),
    }
}

struct Resolver<'r> {
    root: &'r Path,
    resolution: Resolution,
    /// Node of each source met so far. Their dependencies may still be looked for, so cycles end here.
    known: BTreeMap<Source, String>,
}

/// A package whose dependencies are looked at.
struct Package {
    /// None for the root package.
    id: Option<String>,
    dir: PathBuf,
    /// The clone it is in, and where that came from.
    clone: Option<(PathBuf, Source)>,
}

/// Looks at everything the package at `root` depends on.
pub fn resolve(root: &Path) -> Result<Resolution> {
    let lock = Lock { version: lock::VERSION, ..Lock::default() };
    let resolution = Resolution { lock, dirs: BTreeMap::new(), _fetched: Vec::new() };
    let mut resolver = Resolver { root, resolution, known: BTreeMap::new() };
    let mut todo = vec![Package { id: None, dir: root.to_path_buf(), clone: None }];
    while let Some(package) = todo.pop() {
        let mut edges = BTreeMap::new();
        for dependency in manifest(&package.dir)?.dependencies {
            let (node, new) = resolver.node(&dependency, &package)?;
            todo.extend(new);
            edges.insert(dependency.name, node);
        }
        match package.id {
            None => resolver.resolution.lock.root = edges,
            Some(id) => {
                if let Some(node) = resolver.resolution.lock.packages.get_mut(&id) {
                    node.dependencies = edges;
                }
            }
        }
    }
    resolver.check_singletons()?;
    Ok(resolver.resolution)
}

impl Resolver<'_> {
    /// The node of a dependency of `user`; with the package when it is met the first time.
    fn node(&mut self, d: &Dependency, user: &Package) -> Result<(String, Option<Package>)> {
        if !package::is_valid_name(&d.name) {
            return fail(format!("Invalid package name: {}", d.name));
        }
        let (source, fetched) = self.source(d, user)?;
        if let Some(id) = self.known.get(&source) {
            self.check_version(d, id)?;
            return Ok((id.to_owned(), None));
        }
        let manifest = manifest(&fetched.dir)?;
        if let Some(name) = manifest.name.as_ref().filter(|name| **name != d.name) {
            return fail(format!("{} is called {name}, not {}", source.place, d.name));
        }
        let resolved = manifest.version.unwrap_or_else(|| "0.0.0".to_owned());
        if !lock::is_valid_version(&resolved) {
            return fail(format!("Invalid version of {}: {resolved}", d.name));
        }
        let id = lock::node_id(&d.name, &resolved);
        if self.resolution.lock.packages.contains_key(&id) {
            return fail(format!("{id} comes from two places; one of them is {}", source.place));
        }
        let node = Node {
            name: d.name.clone(),
            dir: lock::node_dir(&d.name, &resolved),
            resolved,
            sha256: tree::sha256(&fetched.dir)?,
            source: source.clone(),
            singleton: manifest.singleton,
            dependencies: BTreeMap::new(),
        };
        self.resolution.lock.packages.insert(id.clone(), node);
        self.resolution.dirs.insert(id.clone(), fetched.dir.clone());
        self.check_version(d, &id)?;
        let clone = match (&fetched.scratch, &user.clone) {
            (Some(root), _) => Some((root.clone(), source.clone())),
            (None, Some(clone)) => Some(clone.clone()),
            (None, None) => None,
        };
        self.known.insert(source, id.clone());
        let package = Package { id: Some(id.clone()), dir: fetched.dir.clone(), clone };
        self.resolution._fetched.push(fetched);
        Ok((id, Some(package)))
    }

    fn check_version(&self, d: &Dependency, id: &str) -> Result<()> {
        let have = self.resolution.lock.packages.get(id).map_or("", |node| node.resolved.as_str());
        if version::satisfies(have, &d.version) {
            return Ok(());
        }
        fail(format!("{} {have} is not {}", d.name, d.version))
    }

    fn source(&self, d: &Dependency, user: &Package) -> Result<(Source, Fetched)> {
        let subdir = d.subdir.clone();
        let dir = &user.dir;
        if let Some(path) = &d.path {
            let full = dir.join(path);
            let full = fs::canonicalize(&full).map_err(io_failure("read", &full))?;
            if let Some((root, from)) = &user.clone {
                // A path in a repository leads to another directory of the same commit.
                let dir = subdirectory(&full, subdir.as_deref())?;
                let Ok(inside) = dir.strip_prefix(root) else {
                    return fail(format!("{}: ^path leaves the repository {}", d.name, from.place));
                };
                let subdir = Some(inside.to_string_lossy().into_owned()).filter(|text| !text.is_empty());
                return Ok((Source { subdir, ..from.clone() }, Fetched { dir, scratch: None }));
            }
            let place = from_root(self.root, &full);
            let fetched = Fetched { dir: subdirectory(&full, subdir.as_deref())?, scratch: None };
            return Ok((Source { kind: "path".to_owned(), place, commit: None, subdir }, fetched));
        }
        let Some(git) = &d.git else {
            return Err(Failure(format!("{} has neither ^path nor ^git", d.name)));
        };
        // A repository beside the package may be named by its path.
        let local = dir.join(&git.url);
        let url = match fs::canonicalize(&local) {
            Ok(local) if local.is_dir() => local.to_string_lossy().into_owned(),
            _ => git.url.clone(),
        };
        let (fetched, commit) = clone(self.root, &Git { url: url.clone(), ..git.clone() }, subdir.as_deref())?;
        Ok((Source { kind: "git".to_owned(), place: url, commit: Some(commit), subdir }, fetched))
    }

    fn check_singletons(&self) -> Result<()> {
        let packages = &self.resolution.lock.packages;
        for node in packages.values().filter(|node| node.singleton) {
            let versions: Vec<&str> = packages
                .values()
                .filter(|other| other.name == node.name)
                .map(|other| other.resolved.as_str())
                .collect();
            if versions.len() > 1 {
                return fail(format!("{} is a singleton but is needed as {}", node.name, versions.join(" and ")));
            }
        }
        Ok(())
    }
}
