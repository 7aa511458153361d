//! `package.gene`: bare properties, one map, or one `(Package ^name ...)`.
use super::{MANIFEST, Malformed, malformed, property, text};
use bumpalo::Bump;
use gene_vm::syntax::form::{Form, FormKind, GeneForm, Prop, Span};
use gene_vm::syntax::source::Source;
use std::io;
use std::path::Path;

/// What a package says about itself. Unknown properties mean nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    pub name: Option<String>,
    pub version: Option<String>,
    pub license: Option<String>,
    pub homepage: Option<String>,
    /// Relative to the root, as are the next two.
    pub source_dir: String,
    pub main_module: String,
    pub test_dir: String,
    pub dependencies: Vec<Dependency>,
    /// No two versions of it may be in one program.
    pub singleton: bool,
}

impl Default for Manifest {
    fn default() -> Self {
        Manifest {
            name: None,
            version: None,
            license: None,
            homepage: None,
            source_dir: "src".to_owned(),
            main_module: "index".to_owned(),
            test_dir: "tests".to_owned(),
            dependencies: Vec::new(),
            singleton: false,
        }
    }
}

/// `($dep "acme/kit" "*" ^path "../kit")`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dependency {
    pub name: String,
    /// `*`, or what the version must be.
    pub version: String,
    pub path: Option<String>,
    pub subdir: Option<String>,
    pub git: Option<Git>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Git {
    pub url: String,
    /// At most one of these.
    pub commit: Option<String>,
    pub tag: Option<String>,
    pub branch: Option<String>,
}

/// Why there is no manifest.
#[derive(Debug)]
pub enum ReadError {
    Io(io::Error),
    Malformed(Malformed),
}

impl Manifest {
    /// Reads the manifest of the package at `root`; `shown` is its name in messages.
    pub fn read(root: &Path, shown: &str) -> Result<Manifest, ReadError> {
        let bytes = std::fs::read(root.join(MANIFEST)).map_err(ReadError::Io)?;
        Manifest::parse(shown, &String::from_utf8_lossy(&bytes)).map_err(ReadError::Malformed)
    }

    pub fn parse(file: &str, source_text: &str) -> Result<Manifest, Malformed> {
        let source_text = source_text.trim_start_matches('\u{feff}');
        // Bare properties are those of a map; the brackets stand on lines of their own, so that lines stay what they are.
        let bare = begins_with_property(source_text);
        let wrapped = if bare { format!("{{{source_text}\n}}") } else { source_text.to_owned() };
        let shift = u32::from(bare);
        let source = Source::new(file, source_text);
        let end = source_text.len() as u32;
        let at = |span: Span| Span {
            start: span.start.saturating_sub(shift).min(end),
            end: span.end.saturating_sub(shift).min(end),
        };
        let fail = |span: Span, message: String| malformed(&source, at(span), message);
        let arena = Bump::new();
        let forms = gene_vm::syntax::read(&arena, &wrapped).map_err(|e| match bare && e.span.start > end {
            // The bracket that closes the map met one that is still open.
            true => fail(e.span, "EOF while reading properties: a value or a bracket is missing".to_owned()),
            false => fail(e.span, e.message),
        })?;
        let props = match forms[..] {
            [] => &[][..],
            [Form { kind: FormKind::Map { entries, .. }, .. }] => entries,
            [Form { kind: FormKind::Gene(gene), .. }] if is_package(gene) => gene.props,
            [form, ..] => return Err(fail(form.span, "expected properties, a map or (Package ...)".to_owned())),
        };
        let string = |key: &str| -> Result<Option<String>, Malformed> {
            match property(props, key) {
                None => Ok(None),
                Some(prop) => match prop.value.kind {
                    FormKind::Nil => Ok(None),
                    _ => match text(&prop.value) {
                        Some(text) => Ok(Some(text)),
                        None => Err(fail(prop.value.span, format!("^{key} must be a String"))),
                    },
                },
            }
        };
        let mut manifest = Manifest {
            name: string("name")?,
            version: string("version")?,
            license: string("license")?,
            homepage: string("homepage")?,
            ..Manifest::default()
        };
        for (key, slot) in [
            ("source-dir", &mut manifest.source_dir),
            ("main-module", &mut manifest.main_module),
            ("test-dir", &mut manifest.test_dir),
        ] {
            if let Some(text) = string(key)? {
                *slot = text;
            }
        }
        if let Some(prop) = property(props, "singleton") {
            manifest.singleton = match prop.value.kind {
                FormKind::True => true,
                FormKind::False | FormKind::Nil => false,
                _ => return Err(fail(prop.value.span, "^singleton must be a Bool".to_owned())),
            };
        }
        if let Some(prop) = property(props, "dependencies") {
            let items = match prop.value.kind {
                FormKind::Array { items, .. } => items,
                FormKind::Nil => &[],
                _ => return Err(fail(prop.value.span, "^dependencies must be an Array".to_owned())),
            };
            for item in items {
                manifest.dependencies.push(dependency(item).map_err(|(span, message)| fail(span, message))?);
            }
        }
        Ok(manifest)
    }

    /// The declared dependency called `name`.
    pub fn dependency(&self, name: &str) -> Option<&Dependency> {
        self.dependencies.iter().find(|d| d.name == name)
    }
}

fn is_package(gene: &GeneForm<'_>) -> bool {
    matches!(gene.head, Some(Form { kind: FormKind::Symbol("Package"), .. })) && gene.children.is_empty()
}

/// Is `^` the first thing that is neither blank nor comment?
fn begins_with_property(text: &str) -> bool {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        if let Some(after) = rest.strip_prefix("#<") {
            match after.find(">#") {
                Some(end) => rest = &after[end + 2..],
                None => return false,
            }
        } else if is_line_comment(rest) {
            rest = rest.split_once('\n').map_or("", |(_, after)| after);
        } else {
            return rest.starts_with('^');
        }
    }
}

fn is_line_comment(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next() == Some('#') && chars.next().is_none_or(|c| c.is_whitespace() || matches!(c, '!' | '#'))
}

type Wrong = (Span, String);

fn dependency(form: &Form<'_>) -> Result<Dependency, Wrong> {
    let FormKind::Gene(gene) = form.kind else {
        return Err((form.span, "expected ($dep name version)".to_owned()));
    };
    let children: Option<Vec<String>> = gene.children.iter().map(text).collect();
    let (name, version) = match (gene.head.as_ref().map(|head| head.kind), children.as_deref()) {
        (Some(FormKind::Symbol("$dep")), Some([name])) => (name.clone(), "*".to_owned()),
        (Some(FormKind::Symbol("$dep")), Some([name, version])) => (name.clone(), version.clone()),
        _ => return Err((form.span, "expected ($dep name version)".to_owned())),
    };
    let string = |key: &str| -> Result<Option<String>, Wrong> {
        match property(gene.props, key) {
            None => Ok(None),
            Some(Prop { value, .. }) => match text(value) {
                Some(text) => Ok(Some(text)),
                None => Err((value.span, format!("^{key} must be a String"))),
            },
        }
    };
    let mut found = Dependency { name, version, path: string("path")?, subdir: string("subdir")?, git: None };
    let git = Git {
        url: string("git")?.unwrap_or_default(),
        commit: string("commit")?,
        tag: string("tag")?,
        branch: string("branch")?,
    };
    let refs = [&git.commit, &git.tag, &git.branch].iter().filter(|r| r.is_some()).count();
    let span = |key: &str| property(gene.props, key).map_or(form.span, |prop| prop.key_span);
    if refs > 1 {
        return Err((form.span, "^git takes only one of ^commit, ^tag and ^branch".to_owned()));
    }
    if refs > 0 && git.url.is_empty() {
        return Err((form.span, "^commit, ^tag and ^branch belong to ^git".to_owned()));
    }
    if !git.url.is_empty() {
        if found.path.is_some() {
            return Err((span("path"), "a dependency has either ^path or ^git".to_owned()));
        }
        found.git = Some(git);
    }
    Ok(found)
}
