//! Modules from the file system (8.4), of packages too (8.8).
use crate::package::{self, Packages};
use crate::path;
use gene_vm::driver::{ImportRequest, LoadError, LoadedModule, ModuleLoader};
use std::cell::RefCell;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::rc::Rc;

const EXTENSION: &str = ".gene";

/// Finds modules beside the importing file, in its package, then in the directory the program was started in.
pub struct FsLoader {
    /// Working directory at start: a later `cd` does not change what an import means.
    start: String,
    packages: Rc<RefCell<Packages>>,
}

impl Default for FsLoader {
    fn default() -> Self {
        FsLoader::new()
    }
}

impl FsLoader {
    pub fn new() -> FsLoader {
        let search = std::env::var("GENE_PACKAGE_PATH").ok();
        FsLoader::with_packages(Rc::new(RefCell::new(Packages::new(search.as_deref()))))
    }

    pub(crate) fn with_packages(packages: Rc<RefCell<Packages>>) -> FsLoader {
        let start = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
        FsLoader { start: start.to_string_lossy().into_owned(), packages }
    }

    /// As positions show it: relative to where the program was started, if below.
    fn shown(&self, file: &str) -> String {
        match file.strip_prefix(&self.start).and_then(|rest| rest.strip_prefix('/')) {
            Some(rest) if !rest.is_empty() => rest.to_owned(),
            _ => file.to_owned(),
        }
    }

    /// The directory from the root.
    fn directory(&self, dir: Option<&Path>) -> String {
        match dir {
            Some(dir) => path::absolute(&dir.to_string_lossy(), &self.start),
            None => self.start.clone(),
        }
    }

    /// The files an import may mean, in order.
    fn candidates(&self, spec: &str, dir: Option<&Path>) -> Result<Vec<String>, LoadError> {
        let name = file_name(spec);
        let beside = self.directory(dir);
        let mut dirs = vec![beside.clone()];
        if !is_explicit(spec) {
            let mut packages = self.packages.borrow_mut();
            if let Some(root) = packages.root_of(Path::new(&beside)) {
                let more = packages.module_dirs(&root)?;
                dirs.extend(more.iter().map(|dir| path::normalize(&dir.to_string_lossy())));
            }
            dirs.push(self.start.clone());
        }
        let mut files: Vec<String> = Vec::with_capacity(dirs.len());
        for dir in &dirs {
            let file = path::absolute(&name, dir);
            if !files.contains(&file) {
                files.push(file);
            }
        }
        Ok(files)
    }

    /// The files an import from another package may mean.
    fn package_candidates(&self, request: &ImportRequest) -> Result<Vec<String>, LoadError> {
        let (dir, main_dir) = (self.directory(request.dir), self.directory(request.main_dir.or(request.dir)));
        let name = request.package.or(request.path).unwrap_or_default();
        let mut packages = self.packages.borrow_mut();
        let found = packages.find(name, request.path, request.declared, Path::new(&dir), Path::new(&main_dir))?;
        let spec = if request.spec == "index" { found.manifest.main_module.as_str() } else { request.spec };
        let file = file_name(spec);
        let root = found.root.to_string_lossy();
        let leaves = spec.starts_with("../") || spec.starts_with('/');
        let dirs = if leaves { vec![found.root.clone()] } else { packages.module_dirs(&found.root)? };
        let files: Vec<String> = dirs
            .iter()
            .map(|dir| path::absolute(&file, &dir.to_string_lossy()))
            .filter(|file| package::is_inside(Path::new(file), &found.root))
            .collect();
        if files.is_empty() || files.len() < dirs.len() && files.iter().all(|file| !Path::new(file).is_file()) {
            let spec = request.spec;
            let message = format!("[GENE.PACKAGE.BOUNDARY] Module '{spec}' is outside of package '{name}' ({root})");
            return Err(LoadError::Package { message });
        }
        Ok(files)
    }
}

fn file_name(spec: &str) -> String {
    if spec.ends_with(EXTENSION) { spec.to_owned() } else { format!("{spec}{EXTENSION}") }
}

/// Says itself where the file is.
fn is_explicit(spec: &str) -> bool {
    spec.starts_with("./") || spec.starts_with("../") || spec.starts_with('/')
}

impl ModuleLoader for FsLoader {
    fn load(&mut self, request: &ImportRequest) -> Result<LoadedModule, LoadError> {
        let searched = match (request.package, request.path) {
            (None, None) => self.candidates(request.spec, request.dir)?,
            _ => self.package_candidates(request)?,
        };
        for file in &searched {
            match std::fs::read(file) {
                Ok(text) => {
                    let identity =
                        std::fs::canonicalize(file).map_or_else(|_| file.clone(), |p| p.to_string_lossy().into_owned());
                    let dir = Path::new(file).parent().map(Path::to_path_buf);
                    return Ok(LoadedModule { identity, name: self.shown(file), dir, text });
                }
                // A directory of that name is no module.
                Err(e)
                    if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::IsADirectory | ErrorKind::NotADirectory) => {
                }
                Err(e) => return Err(LoadError::Unreadable { path: self.shown(file), reason: crate::reason(&e) }),
            }
        }
        Err(LoadError::NotFound { searched })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loader() -> FsLoader {
        FsLoader { start: "/w".to_owned(), packages: Rc::default() }
    }

    fn candidates(spec: &str, dir: Option<&str>) -> Vec<String> {
        match loader().candidates(spec, dir.map(Path::new)) {
            Ok(files) => files,
            Err(_) => panic!("no package has a manifest"),
        }
    }

    #[test]
    fn plain_names_are_looked_for_in_two_places() {
        assert_eq!(candidates("m", Some("/p/q")), ["/p/q/m.gene", "/w/m.gene"]);
        assert_eq!(candidates("a/m.gene", Some("q")), ["/w/q/a/m.gene", "/w/a/m.gene"]);
        assert_eq!(candidates("m", Some("")), ["/w/m.gene"]);
        assert_eq!(candidates("m", None), ["/w/m.gene"]);
    }

    #[test]
    fn explicit_paths_are_looked_for_in_one() {
        assert_eq!(candidates("./m", Some("/p/q")), ["/p/q/m.gene"]);
        assert_eq!(candidates("../m", Some("/p/q")), ["/p/m.gene"]);
        assert_eq!(candidates("/x/m", Some("/p/q")), ["/x/m.gene"]);
    }

    #[test]
    fn names_are_short_below_the_start() {
        let l = loader();
        assert_eq!(l.shown("/w/a/m.gene"), "a/m.gene");
        assert_eq!(l.shown("/wide/m.gene"), "/wide/m.gene");
    }
}
