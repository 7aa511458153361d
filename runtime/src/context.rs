//! The package a command works in: `--pkg`, and where its tests are.
use bumpalo::Bump;
use gene_vm::syntax;
use gene_vm::syntax::form::{FormKind, Prop};
use std::path::{Path, PathBuf};

/// Marks the root of a package.
const MANIFEST: &str = "package.gene";

/// Directories to look for packages in, separated by colons.
const PACKAGE_PATH: &str = "GENE_PACKAGE_PATH";

/// The nearest package root at or above a directory.
pub fn package_root(dir: &Path) -> Option<PathBuf> {
    dir.ancestors().find(|d| d.join(MANIFEST).is_file()).map(Path::to_path_buf)
}

/// The root of the package that `--pkg` names by directory or name, as seen from the directory `start`.
pub fn find_package(package: &str, start: &Path) -> Option<PathBuf> {
    let dir = start.join(package);
    if dir.is_dir() {
        let dir = std::fs::canonicalize(&dir).unwrap_or(dir);
        return Some(package_root(&dir).unwrap_or(dir));
    }
    let own = package_root(start);
    if let Some(root) = &own
        && property(root, "name").as_deref() == Some(package)
    {
        return own;
    }
    let installed = own.iter().flat_map(|root| versions(&root.join(".gene/deps").join(package)));
    let listed = std::env::var(PACKAGE_PATH).unwrap_or_default();
    let listed = listed.split(':').filter(|d| !d.is_empty()).map(|d| Path::new(d).join(package)).collect::<Vec<_>>();
    let beside = own.as_deref().unwrap_or(start).parent().map(directories).unwrap_or_default();
    let beside = beside.into_iter().filter(|d| property(d, "name").as_deref() == Some(package));
    installed.chain(listed).chain(beside).find(|d| d.join(MANIFEST).is_file())
}

/// Where the tests of the package at `root` are.
pub fn test_dir(root: &Path) -> PathBuf {
    root.join(property(root, "test-dir").as_deref().unwrap_or("tests"))
}

/// The versions of an installed package.
fn versions(dir: &Path) -> Vec<PathBuf> {
    let mut versions = directories(dir);
    versions.reverse();
    versions
}

fn directories(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let mut found: Vec<PathBuf> = entries.flatten().map(|e| e.path()).filter(|p| p.is_dir()).collect();
    found.sort();
    found
}

/// A String of the manifest: bare properties, one map, or one gene.
fn property(root: &Path, key: &str) -> Option<String> {
    let text = std::fs::read_to_string(root.join(MANIFEST)).ok()?;
    let arena = Bump::new();
    let wrapped = format!("{{\n{text}\n}}");
    let forms = syntax::read(&arena, &text).or_else(|_| syntax::read(&arena, &wrapped)).ok()?;
    let props: &[Prop<'_>] = match forms.first()?.kind {
        FormKind::Map { entries, .. } => entries,
        FormKind::Gene(gene) => gene.props,
        _ => return None,
    };
    props.iter().find(|p| p.key == key).and_then(|p| match p.value.kind {
        FormKind::Str(text) => Some(text.to_owned()),
        _ => None,
    })
}
