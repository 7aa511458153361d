//! Finds files below the suite and the repository.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The folder of this crate.
pub fn suite_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The root of the repository.
pub fn repository_root() -> &'static Path {
    suite_root().parent().unwrap_or(suite_root())
}

/// All files below `folder` with this extension, sorted by path. Folders whose name starts with `_` or `.` are left
/// out: they hold what programs import; manifests of packages are no programs. A missing folder holds no files.
pub fn files(folder: &Path, extension: &str) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    if folder.is_dir() {
        collect(folder, extension, &mut found)?;
    }
    found.sort();
    Ok(found)
}

fn collect(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(['_', '.']));
        if path.is_dir() && !hidden {
            collect(&path, extension, found)?;
        } else if path.is_file()
            && path.extension().is_some_and(|ext| ext == extension)
            && path.file_name().is_none_or(|name| name != "package.gene")
        {
            found.push(path);
        }
    }
    Ok(())
}

/// `path` below `base`, without its extension, for test names.
pub fn display_name(path: &Path, base: &Path) -> String {
    path.strip_prefix(base).unwrap_or(path).with_extension("").to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn module_folders_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let area = folder.path().join("08-modules");
        fs::create_dir_all(area.join("_modules")).unwrap();
        for name in ["b.gene", "a.gene", "notes.md", "package.gene", "_modules/m.gene"] {
            fs::write(area.join(name), "").unwrap();
        }
        let names: Vec<String> =
            files(folder.path(), "gene").unwrap().iter().map(|path| display_name(path, folder.path())).collect();
        assert_eq!(names, ["08-modules/a", "08-modules/b"]);
    }

    #[test]
    fn a_missing_folder_holds_nothing() {
        assert!(files(Path::new("/nonexistent/folder"), "gene").unwrap().is_empty());
    }
}
