//! Symbols and the constants that look like them.

use bumpalo::Bump;

use super::form::FormKind;

/// The form of a token that is neither a number nor a path. An escape anywhere makes it a symbol: `\nil` is no constant.
pub(super) fn parse<'a>(arena: &'a Bump, token: &str, escaped: bool) -> FormKind<'a> {
    match token {
        "nil" => FormKind::Nil,
        "void" => FormKind::Void,
        "true" => FormKind::True,
        "false" => FormKind::False,
        "not_found" => FormKind::NotFound,
        _ => FormKind::Symbol(name(arena, token, escaped)),
    }
}

/// The text with its escapes resolved: `\c` is `c`.
pub(super) fn name<'a>(arena: &'a Bump, text: &str, escaped: bool) -> &'a str {
    if !escaped {
        return arena.alloc_str(text);
    }
    let mut name = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        name.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    arena.alloc_str(&name)
}

/// Whether the text ends in a marker `...` after something else. An escaped dot makes no marker.
pub(super) fn has_marker(text: &str) -> bool {
    text.strip_suffix("...").is_some_and(|rest| !rest.is_empty() && !ends_in_escape(rest))
}

/// Whether the last backslash escapes what follows the text.
pub(super) fn ends_in_escape(text: &str) -> bool {
    text.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_resolved() {
        let arena = Bump::new();
        assert_eq!(name(&arena, r"a\/b\\\é", true), r"a/b\é");
    }

    #[test]
    fn constants_are_no_symbols() {
        let arena = Bump::new();
        assert!(matches!(parse(&arena, "nil", false), FormKind::Nil));
        assert!(matches!(parse(&arena, "void", false), FormKind::Void));
        assert!(matches!(parse(&arena, "true", false), FormKind::True));
        assert!(matches!(parse(&arena, "false", false), FormKind::False));
        assert!(matches!(parse(&arena, "not_found", false), FormKind::NotFound));
        assert!(matches!(parse(&arena, r"\nil", true), FormKind::Symbol("nil")));
        assert!(matches!(parse(&arena, "Nil", false), FormKind::Symbol("Nil")));
    }

    #[test]
    fn a_marker_needs_something_before_it() {
        assert!(has_marker("xs..."));
        assert!(has_marker(r"a\\..."));
        assert!(!has_marker("..."));
        assert!(!has_marker(r"xs\..."));
        assert!(!has_marker("xs.."));
    }
}
