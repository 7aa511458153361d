//! Packages (8.8): manifests, lock files, and where modules of packages are.
pub mod lock;
pub mod manifest;
mod resolve;

pub use lock::{Lock, Node};
pub use manifest::{Dependency, Git, Manifest};
pub use resolve::{Packages, is_inside};

use gene_vm::driver::LoadError;
use gene_vm::syntax::diagnostic::{Diagnostic, Severity};
use gene_vm::syntax::form::{Form, FormKind, PathPart, Prop, Span};
use gene_vm::syntax::source::Source;
use std::fmt;
use std::path::{Path, PathBuf};

/// Name of the manifest: a directory that has one is a package root.
pub const MANIFEST: &str = "package.gene";
/// Name of the lock file, beside the manifest of the root package.
pub const LOCK: &str = "package.gene.lock";
/// Where dependencies are installed, below the root package.
pub const DEPS: &str = ".gene/deps";

/// A manifest or lock file that does not say what it should; shown as `file:line:col: text`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed(pub String);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Malformed {}

pub(crate) fn malformed(source: &Source, span: Span, message: impl Into<String>) -> Malformed {
    let diagnostic = Diagnostic { severity: Severity::Error, span, message: message.into() };
    Malformed(diagnostic.located(source))
}

/// The nearest directory with a manifest, from `dir` upwards.
pub fn find_root(dir: &Path) -> Option<PathBuf> {
    dir.ancestors().find(|dir| dir.join(MANIFEST).is_file()).map(Path::to_path_buf)
}

/// The root of a package given as a directory, or by a name that an import from the working directory would find.
pub fn locate(wanted: &str) -> Result<PathBuf, String> {
    let here = std::env::current_dir().map_err(|e| crate::reason(&e))?;
    let dir = here.join(wanted);
    if let Ok(dir) = std::fs::canonicalize(&dir)
        && dir.is_dir()
    {
        return find_root(&dir).ok_or_else(|| format!("No {MANIFEST} in {}", dir.display()));
    }
    let search = std::env::var("GENE_PACKAGE_PATH").ok();
    match Packages::new(search.as_deref()).find(wanted, None, &[], &here, &here) {
        Ok(found) => Ok(found.root),
        Err(LoadError::Malformed { message } | LoadError::Package { message }) => Err(message),
        Err(_) => Err(format!("Package '{wanted}' was not found")),
    }
}

/// `parent/pkg`: what a package that others depend on is called. Both parts are names of directories, too.
pub fn is_valid_name(name: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    matches!(name.split_once('/'), Some((parent, pkg)) if part(parent) && part(pkg))
}

/// A String, or a name written without quotes.
fn text(form: &Form<'_>) -> Option<String> {
    match form.kind {
        FormKind::Str(text) | FormKind::Symbol(text) => Some(text.to_owned()),
        FormKind::Path(parts) => {
            let part = |part: &PathPart<'_>| match part {
                PathPart::SelfRef => Some(String::new()),
                PathPart::Name(name) => Some((*name).to_owned()),
                PathPart::Index(index) => Some(index.to_string()),
                _ => None,
            };
            Some(parts.iter().map(part).collect::<Option<Vec<_>>>()?.join("/"))
        }
        _ => None,
    }
}

/// The properties of a file that is one map: `entries` finds them among the forms.
fn property<'f, 'a>(props: &'f [Prop<'a>], key: &str) -> Option<&'f Prop<'a>> {
    props.iter().rev().find(|prop| prop.key == key)
}

#[cfg(test)]
mod tests;
