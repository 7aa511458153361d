//! Finding test files.
use std::io;
use std::path::{Path, PathBuf};

/// Appends the file itself, or the test files below the directory in the order of their paths. Hidden directories are left out.
pub fn tests(path: &Path, out: &mut Vec<PathBuf>) -> io::Result<()> {
    if !path.is_dir() {
        out.push(path.to_path_buf());
        return Ok(());
    }
    let mut entries: Vec<PathBuf> = std::fs::read_dir(path)?.map(|e| e.map(|e| e.path())).collect::<io::Result<_>>()?;
    entries.sort();
    for entry in entries {
        let name = entry.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        // A link to a directory above would never end.
        if entry.is_dir() && !entry.is_symlink() && !name.starts_with('.') {
            tests(&entry, out)?;
        } else if entry.is_file() && is_test(&name) {
            // `./a_test.gene` is shown as people write it.
            out.push(entry.strip_prefix(".").map_or(entry.clone(), Path::to_path_buf));
        }
    }
    Ok(())
}

fn is_test(name: &str) -> bool {
    name.strip_suffix(".gene").is_some_and(|stem| stem.ends_with("_test") || stem.starts_with("test_"))
}

#[cfg(test)]
mod tests {
    use super::is_test;

    #[test]
    fn test_files_are_known_by_their_names() {
        assert!(is_test("list_test.gene") && is_test("test_list.gene"));
        assert!(!is_test("list.gene") && !is_test("test.gene") && !is_test("list_test.txt") && !is_test("latest.gene"));
    }
}
