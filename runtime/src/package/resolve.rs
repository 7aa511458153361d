//! From names of packages and modules to files.
use super::{DEPS, LOCK, Lock, MANIFEST, Malformed, Manifest, find_root, is_valid_name, lock, manifest::ReadError};
use gene_vm::driver::LoadError;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::SystemTime;

/// What is known of the packages of one VM.
#[derive(Default)]
pub struct Packages {
    /// By directory: the nearest root.
    roots: HashMap<PathBuf, Option<PathBuf>>,
    /// By root.
    manifests: HashMap<PathBuf, Rc<Manifest>>,
    locks: HashMap<PathBuf, Option<Rc<Lock>>>,
    /// `GENE_PACKAGE_PATH`
    search: Vec<PathBuf>,
    /// The package whose context was asked for, and the program's directory, which counts as a part of it.
    context: Option<PathBuf>,
    program_dir: Option<PathBuf>,
}

/// A package that was asked for.
pub struct Found {
    pub root: PathBuf,
    pub manifest: Rc<Manifest>,
}

fn read_error(e: ReadError, shown: &str) -> LoadError {
    match e {
        ReadError::Malformed(Malformed(message)) => LoadError::Malformed { message },
        ReadError::Io(e) => LoadError::Unreadable { path: shown.to_owned(), reason: crate::reason(&e) },
    }
}

/// Is `file` below `root`, symbolic links followed as far as they exist?
pub fn is_inside(file: &Path, root: &Path) -> bool {
    let real = |path: &Path| {
        let known = path.ancestors().find_map(|a| Some((std::fs::canonicalize(a).ok()?, path.strip_prefix(a).ok()?)));
        known.map_or_else(|| path.to_path_buf(), |(known, rest)| known.join(rest))
    };
    real(file).starts_with(real(root))
}

impl Packages {
    /// `search`: the value of `GENE_PACKAGE_PATH`.
    pub fn new(search: Option<&str>) -> Packages {
        // A later `cd` does not change what the variable means.
        let absolute = |dir: &str| std::path::absolute(dir).unwrap_or_else(|_| PathBuf::from(dir));
        let search = search.unwrap_or_default().split(':').filter(|dir| !dir.is_empty()).map(absolute).collect();
        Packages { search, ..Packages::default() }
    }

    /// The program, and code in no package, belong to the package at `root`.
    pub fn set_context(&mut self, root: PathBuf) {
        self.context = Some(root);
    }

    pub fn context(&self) -> Option<&Path> {
        self.context.as_deref()
    }

    pub fn set_program_dir(&mut self, dir: &Path) {
        self.program_dir = Some(dir.to_path_buf());
    }

    pub fn program_dir(&self) -> Option<&Path> {
        self.program_dir.as_deref()
    }

    /// The root of the package that files in `dir` belong to.
    pub fn root_of(&mut self, dir: &Path) -> Option<PathBuf> {
        if self.context.is_some() && self.program_dir.as_deref() == Some(dir) {
            return self.context.clone();
        }
        if let Some(known) = self.roots.get(dir) {
            return known.clone();
        }
        let root = find_root(dir).or_else(|| self.context.clone());
        self.roots.insert(dir.to_path_buf(), root.clone());
        root
    }

    /// The manifest of the package at `root`; that of a directory without one is empty.
    pub fn manifest(&mut self, root: &Path) -> Result<Rc<Manifest>, LoadError> {
        if let Some(known) = self.manifests.get(root) {
            return Ok(known.clone());
        }
        let manifest = if root.join(MANIFEST).is_file() {
            let shown = root.join(MANIFEST).to_string_lossy().into_owned();
            Manifest::read(root, &shown).map_err(|e| read_error(e, &shown))?
        } else {
            Manifest::default()
        };
        let manifest = Rc::new(manifest);
        self.manifests.insert(root.to_path_buf(), manifest.clone());
        Ok(manifest)
    }

    fn lock(&mut self, root: &Path) -> Result<Option<Rc<Lock>>, LoadError> {
        if let Some(known) = self.locks.get(root) {
            return Ok(known.clone());
        }
        let file = root.join(LOCK);
        let shown = file.to_string_lossy().into_owned();
        let lock = match std::fs::read(&file) {
            Ok(bytes) => match Lock::parse(&shown, &String::from_utf8_lossy(&bytes)) {
                Ok(lock) if lock.version == lock::VERSION => Some(Rc::new(lock)),
                Ok(lock) => {
                    let message = format!("{shown}:1:1: lock version {} is not supported", lock.version);
                    return Err(LoadError::Malformed { message });
                }
                Err(Malformed(message)) => return Err(LoadError::Malformed { message }),
            },
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
            Err(e) => return Err(LoadError::Unreadable { path: shown, reason: crate::reason(&e) }),
        };
        self.locks.insert(root.to_path_buf(), lock.clone());
        Ok(lock)
    }

    /// The directories in which modules of the package at `root` are, in order.
    pub fn module_dirs(&mut self, root: &Path) -> Result<Vec<PathBuf>, LoadError> {
        let manifest = self.manifest(root)?;
        let mut dirs = vec![root.join(&manifest.source_dir), root.to_path_buf(), root.join("lib"), root.join("build")];
        // `^source-dir "."` names the root itself.
        dirs.dedup_by(|a, b| a.components().eq(b.components()));
        Ok(dirs)
    }

    /// The package called `name`, for a module in `dir` of a program in `main_dir`. `path`: where the import says it is;
    /// `declared`: where the module says it is.
    pub fn find(
        &mut self,
        name: &str,
        path: Option<&str>,
        declared: &[(String, String)],
        dir: &Path,
        main_dir: &Path,
    ) -> Result<Found, LoadError> {
        match self.candidate(name, path, declared, dir, main_dir)? {
            Some(root) => {
                let root = std::fs::canonicalize(&root).unwrap_or(root);
                Ok(Found { manifest: self.manifest(&root)?, root })
            }
            None => {
                Err(LoadError::Package { message: format!("[GENE.PACKAGE.NOT_FOUND] Package '{name}' was not found") })
            }
        }
    }

    fn candidate(
        &mut self,
        name: &str,
        path: Option<&str>,
        declared: &[(String, String)],
        dir: &Path,
        main_dir: &Path,
    ) -> Result<Option<PathBuf>, LoadError> {
        let importer = self.root_of(dir);
        // The root package: that of the program, else that of the importing module.
        let root = self.root_of(main_dir).or_else(|| importer.clone());
        let root = root.unwrap_or_else(|| main_dir.to_path_buf());
        if let Some(lock) = self.lock(&root)?
            && let Some(found) = locked(&lock, &root, importer.as_deref().unwrap_or(&root), name)
        {
            return Ok(Some(found));
        }
        let existing = |dir: PathBuf| dir.is_dir().then_some(dir);
        if let Some(found) = path.and_then(|path| existing(dir.join(path))) {
            return Ok(Some(found));
        }
        if let Some((_, path)) = declared.iter().rev().find(|(known, _)| known == name)
            && let Some(found) = existing(dir.join(path))
        {
            return Ok(Some(found));
        }
        if let Some(importer) = &importer {
            let manifest = self.manifest(importer)?;
            if let Some(dependency) = manifest.dependency(name)
                && let Some(path) = &dependency.path
                && let Some(found) = existing(importer.join(path).join(dependency.subdir.as_deref().unwrap_or("")))
            {
                return Ok(Some(found));
            }
        }
        // The rest takes the name as a path.
        if !is_valid_name(name) {
            return self.sibling(&root, name);
        }
        if let Some(found) = newest(&root.join(DEPS).join(name)) {
            return Ok(Some(found));
        }
        if let Some(found) = self.search.iter().find_map(|dir| existing(dir.join(name))) {
            return Ok(Some(found));
        }
        self.sibling(&root, name)
    }

    /// A directory beside the root package whose manifest has that name.
    fn sibling(&mut self, root: &Path, name: &str) -> Result<Option<PathBuf>, LoadError> {
        let Some(Ok(entries)) = root.parent().map(std::fs::read_dir) else { return Ok(None) };
        let mut dirs: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        dirs.retain(|dir| dir != root && dir.join(MANIFEST).is_file());
        dirs.sort();
        for dir in dirs {
            // A broken manifest of somebody else's is no reason to fail.
            if self.manifest(&dir).is_ok_and(|m| m.name.as_deref() == Some(name)) {
                return Ok(Some(dir));
            }
        }
        Ok(None)
    }
}

/// What the lock says `name` means in the package at `importer`.
fn locked(lock: &Lock, root: &Path, importer: &Path, name: &str) -> Option<PathBuf> {
    let same = |dir: &Path| match (std::fs::canonicalize(dir), std::fs::canonicalize(importer)) {
        (Ok(a), Ok(b)) => a == b,
        _ => dir == importer,
    };
    let edges = if same(root) {
        &lock.root
    } else {
        &lock.packages.values().find(|node| same(&root.join(&node.dir)))?.dependencies
    };
    let node = lock.packages.get(edges.get(name)?)?;
    let dir = root.join(&node.dir);
    dir.is_dir().then_some(dir)
}

/// The installed version with the greatest number; of equals the one installed last.
fn newest(versions: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(versions).ok()?;
    let key = |dir: &PathBuf| {
        let name = dir.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let numbers: Vec<u64> = name.split(['.', '-', '+']).map_while(|part| part.parse().ok()).collect();
        let installed = dir.metadata().and_then(|m| m.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
        (numbers, installed)
    };
    entries.flatten().map(|entry| entry.path()).filter(|dir| dir.is_dir()).max_by_key(key)
}
