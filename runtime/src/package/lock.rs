//! `package.gene.lock`: which package every dependency of every package is (20.9).
use super::{DEPS, Malformed, is_valid_name, malformed, property, text};
use bumpalo::Bump;
use gene_vm::syntax::form::{Form, FormKind, Prop};
use gene_vm::syntax::source::Source as Text;
use std::collections::BTreeMap;
use std::fmt::Write;

/// The version of the format.
pub const VERSION: i64 = 1;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    pub version: i64,
    /// Name to node, for the root package.
    pub root: BTreeMap<String, String>,
    /// By node id.
    pub packages: BTreeMap<String, Node>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    pub name: String,
    /// The version.
    pub resolved: String,
    /// Relative to the root package.
    pub dir: String,
    pub source: Source,
    pub sha256: String,
    pub singleton: bool,
    /// Name to node.
    pub dependencies: BTreeMap<String, String>,
}

/// Where the files of a node come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// `path` or `git`.
    pub kind: String,
    /// The path (relative to the root package) or URL.
    pub place: String,
    /// The commit of a `git` source.
    pub commit: Option<String>,
    pub subdir: Option<String>,
}

/// `NAME@VERSION`
pub fn node_id(name: &str, version: &str) -> String {
    format!("{name}@{version}")
}

/// Where a version of a package is installed.
pub fn node_dir(name: &str, version: &str) -> String {
    format!("{DEPS}/{name}/{version}")
}

/// A version that can be the name of a directory.
pub fn is_valid_version(version: &str) -> bool {
    !version.is_empty()
        && !version.starts_with('.')
        && version.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+'))
}

impl Lock {
    pub fn parse(file: &str, lock_text: &str) -> Result<Lock, Malformed> {
        let source = Text::new(file, lock_text);
        let arena = Bump::new();
        let forms =
            gene_vm::syntax::read(&arena, lock_text).map_err(|e| malformed(&source, e.span, e.message.clone()))?;
        let Some(&form) = forms.first() else {
            return Err(malformed(&source, Default::default(), "expected a map"));
        };
        let reader = Reader { source: &source };
        let props = reader.map(&form)?;
        let mut lock = Lock { version: reader.int(&form, props, "lock_version")?, ..Lock::default() };
        if lock.version != VERSION {
            // What another version means is not known.
            return Ok(lock);
        }
        lock.root = reader.names(&form, props, "root_dependencies")?;
        for prop in reader.map(&reader.needed(&form, props, "packages")?.value)? {
            let node = reader.node(&prop.value)?;
            let names = is_valid_name(&node.name) && is_valid_version(&node.resolved);
            if !names || node.dir != node_dir(&node.name, &node.resolved) {
                return Err(malformed(&source, prop.value.span, "invalid package directory"));
            }
            lock.packages.insert(prop.key.to_owned(), node);
        }
        Ok(lock)
    }

    /// The file's text: sorted, so that equal locks are equal files.
    pub fn render(&self) -> String {
        let mut out =
            format!("{{^lock_version {}\n ^root_dependencies {}\n ^packages {{", self.version, map(&self.root));
        for (at, (id, n)) in self.packages.iter().enumerate() {
            let separator = if at == 0 { "" } else { "\n   " };
            let mut source = format!("{{^type {} ^{} {}", quote(&n.source.kind), n.source.kind, quote(&n.source.place));
            for (key, value) in [("commit", &n.source.commit), ("subdir", &n.source.subdir)] {
                if let Some(value) = value {
                    let _ = write!(source, " ^{key} {}", quote(value));
                }
            }
            source.push('}');
            let _ = write!(
                out,
                "{separator}^{id} {{^name {} ^resolved {} ^node_id {} ^dir {}\n     ^source {source} ^sha256 {} ^singleton {} ^dependencies {}}}",
                quote(&n.name),
                quote(&n.resolved),
                quote(id),
                quote(&n.dir),
                quote(&n.sha256),
                n.singleton,
                map(&n.dependencies),
            );
        }
        out.push_str("}}\n");
        out
    }
}

fn quote(text: &str) -> String {
    let mut out = String::new();
    gene_vm::syntax::quote::quote_str(&mut out, text);
    out
}

fn map(names: &BTreeMap<String, String>) -> String {
    let entries: Vec<String> = names.iter().map(|(name, id)| format!("^{name} {}", quote(id))).collect();
    format!("{{{}}}", entries.join(" "))
}

struct Reader<'s> {
    source: &'s Text,
}

impl Reader<'_> {
    fn map<'a>(&self, form: &Form<'a>) -> Result<&'a [Prop<'a>], Malformed> {
        match form.kind {
            FormKind::Map { entries, .. } => Ok(entries),
            // `{{...}}` without entries.
            FormKind::HashMap { items: [], .. } => Ok(&[]),
            _ => Err(malformed(self.source, form.span, "expected a map")),
        }
    }

    fn needed<'f, 'a>(&self, form: &Form<'a>, props: &'f [Prop<'a>], key: &str) -> Result<&'f Prop<'a>, Malformed> {
        property(props, key).ok_or_else(|| malformed(self.source, form.span, format!("^{key} is missing")))
    }

    fn string<'a>(&self, form: &Form<'a>, props: &[Prop<'a>], key: &str) -> Result<String, Malformed> {
        let prop = self.needed(form, props, key)?;
        text(&prop.value).ok_or_else(|| malformed(self.source, prop.value.span, format!("^{key} must be a String")))
    }

    fn int<'a>(&self, form: &Form<'a>, props: &[Prop<'a>], key: &str) -> Result<i64, Malformed> {
        let prop = self.needed(form, props, key)?;
        match prop.value.kind {
            FormKind::Int(value) => Ok(value),
            _ => Err(malformed(self.source, prop.value.span, format!("^{key} must be an Int"))),
        }
    }

    /// A map from names to node ids.
    fn names<'a>(&self, form: &Form<'a>, props: &[Prop<'a>], key: &str) -> Result<BTreeMap<String, String>, Malformed> {
        let mut out = BTreeMap::new();
        let entries = self.map(&self.needed(form, props, key)?.value)?;
        for entry in entries {
            out.insert(entry.key.to_owned(), self.string(form, std::slice::from_ref(entry), entry.key)?);
        }
        Ok(out)
    }

    fn node(&self, form: &Form<'_>) -> Result<Node, Malformed> {
        let props = self.map(form)?;
        let source = self.needed(form, props, "source")?;
        let inner = self.map(&source.value)?;
        let kind = self.string(&source.value, inner, "type")?;
        if !matches!(kind.as_str(), "path" | "git") {
            return Err(malformed(self.source, source.value.span, format!("unknown source type {kind}")));
        }
        let optional = |key: &str| property(inner, key).and_then(|prop| text(&prop.value));
        Ok(Node {
            name: self.string(form, props, "name")?,
            resolved: self.string(form, props, "resolved")?,
            dir: self.string(form, props, "dir")?,
            source: Source {
                place: self.string(&source.value, inner, &kind)?,
                commit: optional("commit"),
                subdir: optional("subdir"),
                kind,
            },
            sha256: self.string(form, props, "sha256")?,
            singleton: property(props, "singleton").is_some_and(|prop| matches!(prop.value.kind, FormKind::True)),
            dependencies: self.names(form, props, "dependencies")?,
        })
    }
}
