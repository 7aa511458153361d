//! Which properties the forms of the language take: any other one is an error, as a misspelt option would else change nothing.

use super::Lower;
use crate::syntax::form::{GeneForm, PropKind};

/// What functions, methods and constructors take behind their parameters.
pub(super) const FUNCTION: &[&str] = &["intent", "examples", "pre", "post", "generator", "async"];

/// The properties of a special form; `None` where they are arguments, or are looked at elsewhere.
fn of_special(name: &str) -> Option<&'static [&'static str]> {
    Some(match name {
        "while" | "loop" | "repeat" => &["name"],
        "for" => &["name", "await"],
        "break" | "continue" => &["from"],
        "case" => &["exhaustive"],
        "class" | "object" => &["fields", "intent"],
        "enum" => &["values"],
        "async" => &["raw"],
        "await" => &["timeout"],
        "do" | "if" | "ifel" | "if_not" | "return" | "with" | "try" | "var" | "let" | "yield" | "yield*" | "extend"
        | "ns" | "export" | "!" | "not" | "$render" | "$caller_eval" | "type" | "interface" | "implement"
        | "comptime" => &[],
        _ => return None,
    })
}

impl<'a> Lower<'a, '_> {
    pub(super) fn check_special(&mut self, gene: &'a GeneForm<'a>, name: &str) {
        if !gene.props.is_empty()
            && let Some(known) = of_special(name)
        {
            self.check_props(gene, name, known);
        }
    }

    /// Properties other than `known` are errors.
    pub(super) fn check_props(&mut self, gene: &'a GeneForm<'a>, word: &str, known: &[&str]) {
        for prop in gene.props {
            if !known.contains(&prop.key) || matches!(prop.kind, PropKind::Spread | PropKind::Rest) {
                let hint = match (nearest(prop.key, known), known) {
                    (Some(name), _) => format!("did you mean ^{name}?"),
                    (None, []) => "it takes none".to_string(),
                    (None, _) => format!("it takes ^{}", known.join(", ^")),
                };
                self.error(prop.key_span, format!("{word}: unknown option ^{}; {hint}", prop.key));
            }
        }
    }
}

/// The name that was probably meant: one at a distance of at most two changes, and of less than its length.
fn nearest<'n>(given: &str, known: &[&'n str]) -> Option<&'n str> {
    // Longer ones are none of ours, and the table below grows with the product.
    if given.len() > 32 {
        return None;
    }
    let near = known.iter().map(|name| (distance(given, name), *name));
    near.filter(|(d, name)| *d > 0 && *d <= 2 && *d < name.len()).min().map(|(_, name)| name)
}

/// Levenshtein's, over bytes.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let change = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
