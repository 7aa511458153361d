//! Byte classes of source text.
//!
//! Every byte the reader treats specially is ASCII, so a table over bytes is enough: the bytes of a longer code point are
//! all ordinary, and slicing at a special byte is always a character boundary.

/// Separates tokens: space, tab, CR, LF, comma.
pub(super) const BLANK: u8 = 1;
/// Ends a token; includes every blank.
pub(super) const DELIMITER: u8 = 2;
pub(super) const SLASH: u8 = 4;
pub(super) const ESCAPE: u8 = 8;

pub(super) static CLASS: [u8; 256] = table();

const fn table() -> [u8; 256] {
    let mut table = [0; 256];
    mark(&mut table, b" \t\r\n,", BLANK | DELIMITER);
    mark(&mut table, b"()[]{}\"`%;", DELIMITER);
    mark(&mut table, b"/", SLASH);
    mark(&mut table, b"\\", ESCAPE);
    table
}

const fn mark(table: &mut [u8; 256], bytes: &[u8], class: u8) {
    let mut i = 0;
    while i < bytes.len() {
        table[bytes[i] as usize] |= class;
        i += 1;
    }
}

pub(super) fn is_blank(byte: u8) -> bool {
    CLASS[byte as usize] & BLANK != 0
}

pub(super) fn is_delimiter(byte: u8) -> bool {
    CLASS[byte as usize] & DELIMITER != 0
}

/// Whether a token may end before offset `at`: a delimiter or the end of the text stands there.
pub(super) fn ends_token(bytes: &[u8], at: usize) -> bool {
    bytes.get(at).is_none_or(|&byte| is_delimiter(byte))
}

pub(super) fn is_line_end(byte: u8) -> bool {
    byte == b'\n' || byte == b'\r'
}

/// The end of the token that starts at `start`, and the classes met in it. An escape hides the byte after it, so the
/// classes tell of *unescaped* slashes only. The end exceeds the text by one when its last byte is a lone escape.
pub(super) fn scan_token(bytes: &[u8], start: usize) -> (usize, u8) {
    let mut at = start;
    let mut seen = 0;
    while let Some(&byte) = bytes.get(at) {
        let class = CLASS[byte as usize];
        if class != 0 {
            if class & DELIMITER != 0 {
                break;
            }
            seen |= class;
            if class == ESCAPE {
                at += 1;
            }
        }
        at += 1;
    }
    (at, seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_ends_at_a_delimiter() {
        for delimiter in " \t\r\n,()[]{}\"`%;".chars() {
            let text = format!("ab'#^:{delimiter}c");
            assert_eq!(scan_token(text.as_bytes(), 0), (6, 0), "{delimiter:?}");
        }
    }

    #[test]
    fn an_escape_hides_the_next_byte() {
        assert_eq!(scan_token(br"a\ b\/c d", 0), (7, ESCAPE));
        assert_eq!(scan_token(b"a/b", 0), (3, SLASH));
        assert_eq!(scan_token(b"a\\", 0), (3, ESCAPE));
    }
}
