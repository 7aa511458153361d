//! Paths as expressions (3.9).

use super::Lower;
use super::scope::{NameKind, Target};
use crate::compile::hir::{Args, E, ExprKind, Key, VarRef};
use crate::syntax::form::{PathPart, Span};

impl<'a> Lower<'a, '_> {
    pub(super) fn path(&mut self, span: Span, parts: &'a [PathPart<'a>]) -> E<'a> {
        let [first, rest @ ..] = parts else { return self.nil(span) };
        let (mut value, rest) = match (self.environment_variable(span, parts), rest) {
            (Some(value), [_, rest @ ..]) => (value, rest),
            _ => (self.path_base(span, first), rest),
        };
        for part in rest {
            value = self.path_step(span, value, part);
        }
        value
    }

    /// `$env/NAME` is one variable: the Map of all of them would be made for nothing.
    fn environment_variable(&mut self, span: Span, parts: &'a [PathPart<'a>]) -> Option<E<'a>> {
        match parts {
            [PathPart::Name("$env"), PathPart::Name(name), ..]
                if !name.is_empty() && self.find("$env").is_none() && self.find(name).is_none() =>
            {
                let whole = self.arena.alloc_str(&format!("$env/{name}"));
                Some(self.word(span, whole))
            }
            _ => None,
        }
    }

    /// What a path starts from.
    fn path_base(&mut self, span: Span, part: &'a PathPart<'a>) -> E<'a> {
        match part {
            PathPart::SelfRef => self.self_(span),
            PathPart::Name(name) => self.head_name(span, name).unwrap_or_else(|| self.word(span, name)),
            _ => self.error(span, "Invalid path"),
        }
    }

    pub(super) fn path_step(&mut self, span: Span, base: E<'a>, part: &'a PathPart<'a>) -> E<'a> {
        let kind = match *part {
            PathPart::Name("") => return self.error(span, "Invalid path"),
            PathPart::Name(name) => {
                let fallback = if is_internal(base) { None } else { self.key_variable(name) };
                ExprKind::Get { base, key: Key::Name { name, fallback } }
            }
            PathPart::Index(index) => ExprKind::Get { base, key: Key::Index(index) },
            PathPart::Dynamic(form) => {
                let key = self.expr(form);
                ExprKind::Get { base, key: Key::Dynamic(key) }
            }
            PathPart::Method(name) => ExprKind::Method { recv: base, name, args: Args::default() },
            PathPart::NotNil => ExprKind::NotNil(base),
            PathPart::SelfRef => return self.error(span, "Invalid path"),
            PathPart::Values | PathPart::Entries | PathPart::Collect | PathPart::CollectMap => {
                return self.error(span, "Invalid path");
            }
        };
        self.e(span, kind)
    }

    /// The variable whose value serves as a key when the name finds nothing. Names of functions, classes, enums and namespaces
    /// are no variables: their values are never keys.
    fn key_variable(&mut self, name: &str) -> Option<VarRef> {
        if !matches!(self.find(name)?.kind, NameKind::Var | NameKind::Import) {
            return None;
        }
        match self.resolve(name)?.target {
            Target::Var(var) => Some(var),
            Target::Member(_) => None,
        }
    }

    /// `(fn a/b/f ..)`: namespace `a/b`, if it is known, has a member `f`.
    fn note_member(&mut self, first: &PathPart<'a>, middle: &[PathPart<'a>], name: &'a str) {
        let part = |part: &PathPart<'a>| match part {
            PathPart::Name(name) => Some(*name),
            _ => None,
        };
        let Some(path) = std::iter::once(first).chain(middle).map(part).collect::<Option<Vec<&str>>>() else { return };
        if let Some(known) = self.ns_members.get_mut(&path.join("/"))
            && !known.contains(&name)
        {
            known.push(name);
        }
    }

    /// The container and key that an assignment to the path means; `None` (and an error) if it cannot be assigned.
    pub(super) fn path_target(&mut self, span: Span, parts: &'a [PathPart<'a>]) -> Option<(E<'a>, Key<'a>)> {
        let [first, middle @ .., last] = parts else { return None };
        let mut base = self.path_base(span, first);
        for part in middle {
            base = self.path_step(span, base, part);
        }
        let key = match *last {
            PathPart::Name(name) if !name.is_empty() => {
                // The rule holds for paths of at least three parts.
                let fallback = if middle.is_empty() || is_internal(base) { None } else { self.key_variable(name) };
                if !self.ns_members.is_empty() {
                    self.note_member(first, middle, name);
                }
                if matches!(base.kind, ExprKind::ModuleNs) {
                    self.namespace_assigned.insert(name);
                }
                Key::Name { name, fallback }
            }
            PathPart::Index(index) => Key::Index(index),
            PathPart::Dynamic(form) => Key::Dynamic(self.expr(form)),
            _ => {
                self.error(span, "Invalid assignment target");
                return None;
            }
        };
        Some((base, key))
    }
}

/// The map an adapter keeps its state in. Its keys are written out: `(/_geneinternal/scale = scale)` means the name, though a
/// variable is called so.
fn is_internal(base: E<'_>) -> bool {
    matches!(base.kind, ExprKind::Get { key: Key::Name { name: "_geneinternal", .. }, .. })
}
