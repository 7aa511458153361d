//! Modules from the file system (8.4).
use crate::path;
use gene_vm::driver::{LoadError, LoadedModule, ModuleLoader};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

const EXTENSION: &str = ".gene";

/// Finds modules beside the importing file, then in the directory the program was started in.
pub struct FsLoader {
    /// Working directory at start: a later `cd` does not change what an import means.
    start: String,
}

impl Default for FsLoader {
    fn default() -> Self {
        FsLoader::new()
    }
}

impl FsLoader {
    pub fn new() -> FsLoader {
        let start = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
        FsLoader { start: start.to_string_lossy().into_owned() }
    }

    /// As positions show it: relative to where the program was started, if below.
    fn shown(&self, file: &str) -> String {
        match file.strip_prefix(&self.start).and_then(|rest| rest.strip_prefix('/')) {
            Some(rest) if !rest.is_empty() => rest.to_owned(),
            _ => file.to_owned(),
        }
    }

    /// The files an import may mean, in order.
    fn candidates(&self, spec: &str, dir: Option<&Path>) -> Vec<String> {
        let name = if spec.ends_with(EXTENSION) { spec.to_owned() } else { format!("{spec}{EXTENSION}") };
        let beside = match dir {
            Some(dir) => path::absolute(&dir.to_string_lossy(), &self.start),
            None => self.start.clone(),
        };
        let mut files = vec![path::absolute(&name, &beside)];
        let relative = spec.starts_with("./") || spec.starts_with("../") || spec.starts_with('/');
        if !relative && beside != self.start {
            files.push(path::absolute(&name, &self.start));
        }
        files
    }
}

impl ModuleLoader for FsLoader {
    fn load(&mut self, spec: &str, dir: Option<&Path>) -> Result<LoadedModule, LoadError> {
        let searched = self.candidates(spec, dir);
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
        FsLoader { start: "/w".to_owned() }
    }

    #[test]
    fn plain_names_are_looked_for_in_two_places() {
        let l = loader();
        assert_eq!(l.candidates("m", Some(Path::new("/p/q"))), ["/p/q/m.gene", "/w/m.gene"]);
        assert_eq!(l.candidates("a/m.gene", Some(Path::new("q"))), ["/w/q/a/m.gene", "/w/a/m.gene"]);
        assert_eq!(l.candidates("m", Some(Path::new(""))), ["/w/m.gene"]);
        assert_eq!(l.candidates("m", None), ["/w/m.gene"]);
    }

    #[test]
    fn explicit_paths_are_looked_for_in_one() {
        let l = loader();
        assert_eq!(l.candidates("./m", Some(Path::new("/p/q"))), ["/p/q/m.gene"]);
        assert_eq!(l.candidates("../m", Some(Path::new("/p/q"))), ["/p/m.gene"]);
        assert_eq!(l.candidates("/x/m", Some(Path::new("/p/q"))), ["/x/m.gene"]);
    }

    #[test]
    fn names_are_short_below_the_start() {
        let l = loader();
        assert_eq!(l.shown("/w/a/m.gene"), "a/m.gene");
        assert_eq!(l.shown("/wide/m.gene"), "/wide/m.gene");
    }
}
