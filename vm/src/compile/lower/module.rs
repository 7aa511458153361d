//! Modules: `export`, `import`, `ns`.

use super::Lower;
use super::scope::{Declaration, NameKind, Target};
use super::words::{is_symbol, name_of, symbol};
use crate::compile::hir::{Block, E, ExprKind, Import, ImportItem, Key, NsDef, VarRef};
use crate::syntax::form::{Form, FormKind, GeneForm, PathPart, Prop, Span};

impl<'a> Lower<'a, '_> {
    // --- export

    /// Takes note of all `(export ...)` forms before anything else is looked at.
    pub(super) fn collect_exports(&mut self, forms: &'a [Form<'a>]) {
        for form in forms {
            if let FormKind::Gene(gene) = form.kind
                && gene.head.as_ref().and_then(symbol) == Some("export")
            {
                for child in gene.children {
                    if let Some(name) = symbol(child) {
                        self.exports.entry(name).or_insert(child.span);
                    }
                }
            }
        }
    }

    /// Makes module variables for exported names that nothing declares; their being undefined is found at the module's end.
    pub(super) fn check_exports(&mut self) {
        for slot in self.module_vars.iter_mut().filter(|slot| self.exports.contains_key(slot.name)) {
            slot.exported = true;
            slot.must_define = self.exports.get(slot.name).copied();
        }
        let missing = |(name, span): (&&'a str, &Span)| {
            (!self.module_vars.iter().any(|slot| slot.name == *name)).then_some((span.start, *name))
        };
        let mut missing: Vec<(u32, &'a str)> = self.exports.iter().filter_map(missing).collect();
        missing.sort_unstable();
        for (_, name) in missing {
            self.new_slot(name, true);
        }
    }

    pub(super) fn export(&mut self, span: Span, gene: &'a GeneForm<'a>) -> E<'a> {
        if !self.in_module_scope() {
            return self.error(span, "export is only allowed at module top level");
        }
        for child in gene.children {
            if symbol(child).is_none() {
                self.error(child.span, "export: invalid name");
            }
        }
        self.nil(span)
    }

    // --- import

    pub(super) fn import(&mut self, span: Span, gene: &'a GeneForm<'a>) -> E<'a> {
        if !self.in_module_scope() || self.data {
            return self.error(span, "import is only allowed at module top level");
        }
        let (mut package, mut path) = (None, None);
        for prop in gene.props {
            let slot = match prop.key {
                "pkg" => &mut package,
                "path" => &mut path,
                key => return self.error(prop.key_span, format!("import: unexpected property ^{key}")),
            };
            match prop.value.kind {
                FormKind::Str(text) => *slot = Some(text),
                _ => return self.error(prop.value.span, format!("import: ^{} must be a String", prop.key)),
            }
        }
        let end = gene.children.iter().position(|child| is_symbol(child, "from")).unwrap_or(gene.children.len());
        let (specs, rest) = gene.children.split_at(end);
        let from = match rest {
            [] => None,
            [_, Form { kind: FormKind::Str(from), .. }] => Some(*from),
            [_, Form { kind: FormKind::Str(from), .. }, of, Form { kind: FormKind::Str(name), .. }]
                if is_symbol(of, "of") && package.is_none() =>
            {
                package = Some(*name);
                Some(*from)
            }
            [_, Form { kind: FormKind::Str(_), .. }, of, ..] if is_symbol(of, "of") => {
                return self.error(span, "import: invalid package");
            }
            _ => return self.error(span, "import: invalid module"),
        };
        if from.is_none() && (package.is_some() || path.is_some()) {
            return self.error(span, "import: missing module");
        }
        let mut items = Vec::new();
        let mut specs = specs.iter();
        while let Some(spec) = specs.next() {
            match spec.kind {
                FormKind::Symbol("*") if from.is_some() => {
                    items.push(ImportItem { path: &[], target: None, span: spec.span })
                }
                FormKind::Symbol(text) if from.is_some() || text != "*" => {
                    self.import_item(&[], text, spec.span, &mut items)
                }
                FormKind::Path(parts) => self.import_path(parts, spec.span, &mut specs, &mut items),
                _ => {
                    self.error(spec.span, "import: invalid name");
                }
            }
        }
        if items.is_empty() && from.is_none() {
            return self.error(span, "import: missing name");
        }
        let items = self.slice(&items);
        self.e(span, ExprKind::Import(self.arena.alloc(Import { from, package, path, items, span })))
    }

    /// `($dep "acme/kit" "*" ^path "../kit")` at the top of a program that has no manifest.
    pub(super) fn dep(&mut self, span: Span, gene: &'a GeneForm<'a>) -> E<'a> {
        if !self.in_module_scope() {
            return self.error(span, "$dep is only allowed at module top level");
        }
        let (name, path) = match (gene.children, gene.props) {
            (
                [Form { kind: FormKind::Str(name), .. }]
                | [Form { kind: FormKind::Str(name), .. }, Form { kind: FormKind::Str(_), .. }],
                [Prop { key: "path", value: Form { kind: FormKind::Str(path), .. }, .. }],
            ) => (*name, *path),
            _ => return self.error(span, "$dep: expects a name, a version and ^path"),
        };
        self.dependencies.push((name, path));
        self.nil(span)
    }

    /// `n/f:g`, `n/[p q:r]`
    fn import_path(
        &mut self,
        parts: &'a [PathPart<'a>],
        span: Span,
        specs: &mut std::slice::Iter<'a, Form<'a>>,
        items: &mut Vec<ImportItem<'a>>,
    ) {
        let name = |part: &PathPart<'a>| match part {
            PathPart::Name(name) => Some(*name),
            _ => None,
        };
        let Some(names) = parts.iter().map(name).collect::<Option<Vec<&'a str>>>() else {
            self.error(span, "import: invalid name");
            return;
        };
        let Some((last, path)) = names.split_last() else { return };
        if !last.is_empty() {
            self.import_item(path, last, span, items);
            return;
        }
        let Some(Form { kind: FormKind::Array { items: members, .. }, .. }) = specs.next() else {
            self.error(span, "import: invalid name");
            return;
        };
        for member in *members {
            match symbol(member) {
                Some(text) => self.import_item(path, text, member.span, items),
                None => {
                    self.error(member.span, "import: invalid name");
                }
            }
        }
    }

    /// `name` or `name:alias` under `path`.
    fn import_item(&mut self, path: &[&'a str], text: &'a str, span: Span, items: &mut Vec<ImportItem<'a>>) {
        let (name, alias) = match text.split_once(':') {
            Some((name, alias)) if !name.is_empty() && !alias.is_empty() => (name, alias),
            _ => (text, text),
        };
        let mut full = path.to_vec();
        full.push(name);
        let declaration = Declaration { constant: true, ..Declaration::new(NameKind::Import) };
        let target = match self.declare(alias, span, declaration) {
            Target::Var(var) => var,
            Target::Member(_) => return,
        };
        items.push(ImportItem { path: self.slice(&full), target: Some(target), span });
    }

    // --- ns

    pub(super) fn ns(&mut self, span: Span, gene: &'a GeneForm<'a>) -> E<'a> {
        let [target, forms @ ..] = gene.children else {
            return self.error(span, "ns: missing name");
        };
        let name = match target.kind {
            FormKind::Path([.., PathPart::Name(name)]) => *name,
            _ => match name_of(target) {
                Some(name) => name,
                None => return self.error(target.span, "ns: invalid name"),
            },
        };
        // At the top of a module and in front of private names, the namespace is the value of a variable.
        let variable = match target.kind {
            FormKind::Path(parts) => self.in_module_scope() && self.defines_by_path(parts),
            _ => true,
        };
        if variable {
            let existing = self.declared_here(name);
            let exported = matches!(target.kind, FormKind::Path(_));
            let declaration = Declaration { exported, ..Declaration::new(NameKind::Ns) };
            if self.in_module_scope() {
                let def = self.ns_body(
                    span,
                    name,
                    Some(name.to_owned()),
                    None,
                    existing,
                    Some((target.span, declaration)),
                    forms,
                );
                return self.e(span, ExprKind::Namespace(def));
            }
            let def = self.ns_body(span, name, None, None, existing, None, forms);
            let value = self.e(span, ExprKind::Namespace(def));
            return self.declare_as(span, name, target.span, declaration, value);
        }
        let FormKind::Path(parts) = target.kind else { return self.nil(span) };
        let path = self.ns_path(parts);
        if self.defines_by_path(parts) {
            // `/name` in the body of a namespace.
            let declaration = Declaration { exported: true, ..Declaration::new(NameKind::Ns) };
            self.declare(name, target.span, declaration);
        }
        let Some((base, key)) = self.path_target(target.span, parts) else { return self.nil(span) };
        let Key::Name { name, .. } = key else { return self.error(target.span, "ns: invalid name") };
        let def = self.ns_body(span, name, path, Some(base), None, None, forms);
        self.e(span, ExprKind::Namespace(def))
    }

    /// The path from the module to the namespace that is written so here.
    fn ns_path(&mut self, parts: &[PathPart<'a>]) -> Option<String> {
        let (start, rest) = match parts {
            [PathPart::SelfRef, rest @ ..] => (Some(self.scope().ns_path.clone()?), rest),
            rest => (None, rest),
        };
        let name = |part: &PathPart<'a>| match part {
            PathPart::Name(name) => Some((*name).to_owned()),
            _ => None,
        };
        let names = rest.iter().map(name).collect::<Option<Vec<String>>>()?;
        Some(start.into_iter().chain(names).collect::<Vec<String>>().join("/"))
    }

    /// The variable that `name` names in the innermost scope by now.
    fn declared_here(&mut self, name: &str) -> Option<VarRef> {
        let scope = self.scopes.len() as u32 - 1;
        let binding = self.find(name).filter(|binding| binding.scope == scope)?;
        if binding.constant {
            return None;
        }
        match self.resolve(name)?.target {
            Target::Var(var) => Some(var),
            Target::Member(_) => None,
        }
    }

    /// The body may use the namespace by its name. With `bind` it begins by binding the name; otherwise the name means the
    /// hidden variable there.
    #[allow(clippy::too_many_arguments)]
    fn ns_body(
        &mut self,
        span: Span,
        name: &'a str,
        path: Option<String>,
        parent: Option<E<'a>>,
        existing: Option<VarRef>,
        bind: Option<(Span, Declaration<'a>)>,
        forms: &'a [Form<'a>],
    ) -> &'a NsDef<'a> {
        self.push_scope();
        let self_var = self.bind_hidden(super::scope::SELF);
        self.scope().ns = Some(self_var);
        if let Some(path) = path {
            self.bind_members(self_var, &path);
            self.scope().ns_path = Some(path);
        }
        if bind.is_none() && parent.is_none() && !self.scan.assigned.contains(name) {
            self.bind_alias(name, self_var, NameKind::Ns);
        }
        let bound = bind.map(|(name_span, declaration)| {
            let value = self.var_at(span, VarRef::Local(self_var));
            self.outside(|lower| lower.declare_as(span, name, name_span, declaration, value))
        });
        let parts = self.statements(forms, span);
        self.note_members();
        let cells = self.pop_scope();
        let inner = self.e(span, ExprKind::Block(Block { cells, hoisted: parts.hoisted, body: parts.body }));
        let body = match bound {
            Some(bound) => {
                let body = self.slice(&[bound, inner]);
                self.e(span, ExprKind::Block(Block { cells: &[], hoisted: &[], body }))
            }
            None => inner,
        };
        self.arena.alloc(NsDef { name, parent, self_var, body, existing })
    }
}
