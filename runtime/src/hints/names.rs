//! The names a program uses, and which of them someone may have meant.
use gene_vm::syntax::form::{Form, FormKind, PathPart, Prop};

/// Shorter names are too much like each other.
const MIN_LENGTH: usize = 3;

/// What forms bind by being written in front of these.
const BINDERS: [&str; 14] = [
    "var",
    "let",
    "fn",
    "fn*",
    "class",
    "object",
    "enum",
    "type",
    "interface",
    "ns",
    "import",
    "for",
    "field",
    "static",
];

/// Names of a source text by what they are the names of.
#[derive(Default)]
pub struct Names {
    pub bound: Vec<String>,
    pub methods: Vec<String>,
    pub keywords: Vec<String>,
    /// Variants with the names of their enums.
    pub variants: Vec<(String, String)>,
    /// `x` of `/x`.
    pub fields: Vec<String>,
}

impl Names {
    pub fn of(forms: &[Form]) -> Names {
        let mut names = Names::default();
        // Forms nest deeper than the native stack may.
        let mut open: Vec<Form> = forms.to_vec();
        while let Some(form) = open.pop() {
            names.look_at(form);
            parts(form, &mut open);
        }
        names
    }

    fn look_at(&mut self, form: Form) {
        match form.kind {
            FormKind::Path([PathPart::SelfRef, PathPart::Name(name), ..]) => self.fields.push((*name).to_owned()),
            FormKind::Array { items, .. } => items.iter().for_each(|item| self.bind(*item)),
            FormKind::Gene(gene) => match gene.head.map(|h| h.kind) {
                Some(FormKind::Symbol("method")) => {
                    let name = gene.children.first().map(|c| c.kind);
                    if let Some(FormKind::Symbol(name) | FormKind::Str(name)) = name {
                        self.methods.push(plain(name));
                    }
                }
                Some(FormKind::Symbol("enum")) => {
                    let mut owner = None;
                    for child in gene.children {
                        let named = match child.kind {
                            FormKind::Gene(variant) => variant.head,
                            _ => Some(*child),
                        };
                        let Some(named) = named else { continue };
                        self.bind(named);
                        if let FormKind::Symbol(name) = named.kind {
                            match &owner {
                                None => owner = Some(plain(name)),
                                Some(owner) => self.variants.push((plain(name), owner.clone())),
                            }
                        }
                    }
                }
                Some(FormKind::Symbol(head @ ("for" | "import"))) => {
                    let end = if head == "for" { "in" } else { "from" };
                    let before =
                        gene.children.iter().take_while(|c| !matches!(c.kind, FormKind::Symbol(s) if s == end));
                    before.for_each(|c| self.bind(*c));
                }
                Some(FormKind::Symbol(head)) if BINDERS.contains(&head) => {
                    gene.children.first().into_iter().for_each(|c| self.bind(*c));
                }
                _ => {}
            },
            _ => {}
        }
    }

    fn bind(&mut self, form: Form) {
        match form.kind {
            FormKind::Symbol(name) => match name.trim_start_matches('^') {
                "" | "_" | "..." | "=" => {}
                key if key.len() < name.len() => {
                    self.keywords.push(plain(key));
                    self.bound.push(plain(key));
                }
                name => self.bound.push(plain(name)),
            },
            // `/name` and `ns/name` define members.
            FormKind::Path(path) => {
                if let Some(PathPart::Name(name)) = path.last() {
                    self.bound.push(plain(name));
                }
            }
            _ => {}
        }
    }
}

/// The name in `name:`, `name:T`, `name...` and `name:alias`.
fn plain(name: &str) -> String {
    let name = name.strip_suffix("...").unwrap_or(name);
    name.split(':').next().unwrap_or(name).to_owned()
}

/// Puts the forms directly inside a form on the stack.
pub fn parts<'a>(form: Form<'a>, stack: &mut Vec<Form<'a>>) {
    let values = |props: &'a [Prop<'a>], stack: &mut Vec<Form<'a>>| stack.extend(props.iter().map(|p| p.value));
    match form.kind {
        FormKind::Array { items, .. } | FormKind::HashMap { items, .. } => stack.extend_from_slice(items),
        FormKind::Map { entries, .. } => values(entries, stack),
        FormKind::Gene(gene) => {
            stack.extend(gene.head);
            values(gene.props, stack);
            stack.extend_from_slice(gene.children);
        }
        FormKind::Quote(inner) => stack.push(*inner),
        FormKind::Unquote(unquote) => stack.push(unquote.form),
        _ => {}
    }
}

/// The candidate that a name was probably meant to be: another case or spelling, or one or two slips away.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let snake = snake_case(name);
    let length = name.chars().count();
    if length < MIN_LENGTH {
        return None;
    }
    let limit = if length < 6 { 1 } else { 2 };
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates.filter(|c| *c != name && c.len() >= MIN_LENGTH - 1) {
        let bare = candidate.trim_end_matches(['?', '!']);
        let away = if snake == candidate || snake == bare || snake.strip_prefix("is_") == Some(bare) {
            0
        } else if candidate.len().abs_diff(name.len()) > limit * 4 {
            continue;
        } else {
            distance(name, candidate)
        };
        let better = best.is_none_or(|(d, known)| away < d || (away == d && candidate < known));
        if away <= limit && better {
            best = Some((away, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

fn snake_case(name: &str) -> String {
    let mut out = String::new();
    for (i, c) in name.chars().enumerate() {
        if c.is_uppercase() && i > 0 && !out.ends_with('_') {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}

/// How many characters are wrong, missing, too many, or swapped with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = usize::from(a[i - 1] != b[j - 1]);
            let mut d = (rows[i - 1][j] + 1).min(row[j - 1] + 1).min(rows[i - 1][j - 1] + change);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                d = d.min(rows[i - 2][j - 2] + 1);
            }
            row.push(d);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found() {
        let near = |name, list: &[&'static str]| nearest(name, list.iter().copied());
        assert_eq!(near("conut", &["count", "cost"]), Some("count"));
        assert_eq!(near("toUpper", &["to_upper"]), Some("to_upper"));
        assert_eq!(near("isEmpty", &["empty", "empty?"]), Some("empty"));
        assert_eq!(near("dog", &["Dog"]), Some("Dog"));
        assert_eq!(near("ab", &["abc"]), None);
        assert_eq!(near("tree", &["three", "graph"]), Some("three"));
        assert_eq!(near("alpha", &["omega"]), None);
    }

    #[test]
    fn what_a_program_binds_is_known() {
        let arena = bumpalo::Bump::new();
        let text = "(/f1 = 2) (var a 1) (fn f [x ^key = 2 rest...] (for i v in x (g y))) (class C (method go [n: Int] n)) \
                    (enum E red (Box w)) (import p:q n/r from \"m\") (var [h {^k w}] 1) (fn g:T [] 1)";
        let names = Names::of(&gene_vm::syntax::read(&arena, text).unwrap());
        for name in ["a", "f", "x", "key", "rest", "i", "v", "C", "n", "E", "red", "Box", "p", "r", "h", "g"] {
            assert!(names.bound.iter().any(|b| b == name), "{name}: {:?}", names.bound);
        }
        assert!(!names.bound.iter().any(|b| b == "y"));
        assert_eq!(names.fields, ["f1"]);
        assert_eq!((names.methods, names.keywords), (vec!["go".to_owned()], vec!["key".to_owned()]));
    }
}
