//! The debug form of strings and characters: quoted so that the reader reads them back.

use std::fmt::Write;

/// Appends `text` in double quotes.
pub fn quote_str(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        push_escaped(out, c, '"');
    }
    out.push('"');
}

/// Appends `c` in single quotes.
pub fn quote_char(out: &mut String, c: char) {
    out.push('\'');
    push_escaped(out, c, '\'');
    out.push('\'');
}

fn push_escaped(out: &mut String, c: char, quote: char) {
    let escape = match c {
        '\\' => '\\',
        '\n' => 'n',
        '\r' => 'r',
        '\t' => 't',
        '\u{8}' => 'b',
        '\u{c}' => 'f',
        '\0' => '0',
        '\u{1b}' => 'e',
        _ if c == quote => c,
        '\0'..='\u{1f}' | '\u{7f}' => {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\u{:04X}", c as u32);
            return;
        }
        _ => {
            out.push(c);
            return;
        }
    };
    out.push('\\');
    out.push(escape);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::{form::FormKind, read};

    fn quoted(text: &str) -> String {
        let mut out = String::new();
        quote_str(&mut out, text);
        out
    }

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(quoted("a\"b\\c\n\r\t\u{8}\u{c}\0\u{1b}"), r#""a\"b\\c\n\r\t\b\f\0\e""#);
        assert_eq!(quoted("\u{1}\u{1f}\u{7f}é'"), "\"\\u0001\\u001F\\u007Fé'\"");
    }

    #[test]
    fn a_char_escapes_its_own_quote() {
        let mut out = String::new();
        quote_char(&mut out, '\'');
        quote_char(&mut out, '"');
        assert_eq!(out, r#"'\'''"'"#);
    }

    #[test]
    fn a_quoted_string_reads_back() {
        let text: String = (0..0x180).filter_map(char::from_u32).chain(['\u{1f600}']).collect();
        let arena = bumpalo::Bump::new();
        let forms = read(&arena, &quoted(&text)).unwrap();
        assert!(matches!(forms[0].kind, FormKind::Str(read) if read == text));
    }
}
