//! Source texts by name, and the lines and columns in them.

use std::sync::OnceLock;

use unicode_width::UnicodeWidthChar;

/// Lines wider than this are shown in part.
const MAX_COLUMNS: usize = 160;
const CUT: &str = "...";

/// A source text and the name reports give it: a file path, `<eval>`, `<parse>`.
#[derive(Debug, Default)]
pub struct Source {
    pub name: String,
    pub text: String,
    /// Offset of the first character of each line. Most sources are never asked for a position.
    line_starts: OnceLock<Vec<u32>>,
}

impl Source {
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Source {
        Source { name: name.into(), text: text.into(), line_starts: OnceLock::new() }
    }

    fn line_starts(&self) -> &[u32] {
        self.line_starts.get_or_init(|| {
            let bytes = self.text.as_bytes();
            // A byte-order mark takes no column.
            let mut starts = vec![if self.text.starts_with('\u{feff}') { 3 } else { 0 }];
            for (at, &byte) in bytes.iter().enumerate() {
                let ends = byte == b'\n' || (byte == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
                if ends {
                    let Ok(next) = u32::try_from(at + 1) else { break };
                    starts.push(next);
                }
            }
            starts
        })
    }

    /// Line and column of a byte offset, both from 1. Columns count code points; an offset inside one belongs to it, and an
    /// offset behind the text is its end.
    pub fn line_col(&self, offset: u32) -> (u32, u32) {
        let starts = self.line_starts();
        let line = starts.partition_point(|start| *start <= offset).max(1);
        let end = (offset as usize).min(self.text.len());
        let start = (starts[line - 1] as usize).min(end);
        let mut before = self.text.as_bytes()[start..end].iter().filter(|byte| is_first_byte(**byte)).count();
        if self.text.as_bytes().get(end).is_some_and(|byte| !is_first_byte(*byte)) {
            before = before.saturating_sub(1);
        }
        (line as u32, before as u32 + 1)
    }

    /// The text of a line (from 1) without its end; `None` behind the last one.
    pub fn line(&self, line: u32) -> Option<&str> {
        let starts = self.line_starts();
        let index = (line as usize).checked_sub(1)?;
        let start = *starts.get(index)? as usize;
        let end = starts.get(index + 1).map_or(self.text.len(), |next| *next as usize);
        Some(self.text[start..end].trim_end_matches(['\r', '\n']))
    }

    /// The line with its number, and below it a caret under the column:
    ///
    /// ```text
    ///   12 | (println (f 1 "a"))
    ///      |          ^
    /// ```
    ///
    /// Without a line end behind the caret; empty if there is no such line.
    pub fn excerpt(&self, line: u32, col: u32) -> String {
        let Some(text) = self.line(line) else { return String::new() };
        let (shown, caret) = window(text, col.saturating_sub(1) as usize);
        // A terminal gives some characters two columns, and accents none of their own.
        let before: usize = shown.chars().take(caret).map(|c| c.width().unwrap_or(1)).sum();
        let before = before + caret.saturating_sub(shown.chars().count());
        format!("{line:>4} | {shown}\n{:>4} | {:before$}^", "", "")
    }
}

/// The columns of the line to show, and the column of the caret among them. Tabs and other control characters are shown as
/// blanks: they would move the caret away from its place, or the terminal's cursor.
fn window(line: &str, caret: usize) -> (String, usize) {
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    if line.chars().nth(MAX_COLUMNS).is_none() {
        return (line.chars().map(clean).collect(), caret);
    }
    let width = line.chars().count();
    let caret = caret.min(width);
    let start = caret.saturating_sub(MAX_COLUMNS / 2).min(width - MAX_COLUMNS);
    let mut shown: String = line.chars().skip(start).take(MAX_COLUMNS).map(clean).collect();
    if start > 0 {
        let cut: usize = shown.chars().take(CUT.len()).map(char::len_utf8).sum();
        shown.replace_range(..cut, CUT);
    }
    if start + MAX_COLUMNS < width {
        let cut: usize = shown.chars().rev().take(CUT.len()).map(char::len_utf8).sum();
        shown.truncate(shown.len() - cut);
        shown.push_str(CUT);
    }
    (shown, caret - start)
}

fn is_first_byte(byte: u8) -> bool {
    byte & 0b1100_0000 != 0b1000_0000
}

/// Names one source of a [`SourceMap`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SourceId(u32);

/// All sources read so far. They stay as long as the map, since any code made from them may need a position.
#[derive(Debug, Default)]
pub struct SourceMap {
    sources: Vec<Source>,
}

impl SourceMap {
    pub fn new() -> SourceMap {
        SourceMap::default()
    }

    pub fn add(&mut self, source: Source) -> SourceId {
        self.sources.push(source);
        SourceId(self.sources.len() as u32 - 1)
    }

    /// # Panics
    ///
    /// If the id came from another map.
    pub fn get(&self, id: SourceId) -> &Source {
        &self.sources[id.0 as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_line_end_counts_once() {
        let source = Source::new("s", "a\nb\r\nc\rd");
        let positions: Vec<(u32, u32)> = [0, 2, 5, 7].map(|offset| source.line_col(offset)).to_vec();
        assert_eq!(positions, [(1, 1), (2, 1), (3, 1), (4, 1)]);
        assert_eq!([1, 2, 3, 4, 5].map(|line| source.line(line)), [Some("a"), Some("b"), Some("c"), Some("d"), None]);
        assert_eq!(source.line(0), None);
    }

    #[test]
    fn columns_count_code_points() {
        let source = Source::new("s", "é\tx\u{1f600}y");
        assert_eq!(source.line_col(0), (1, 1));
        assert_eq!(source.line_col(1), (1, 1));
        assert_eq!(source.line_col(2), (1, 2));
        assert_eq!(source.line_col(3), (1, 3));
        assert_eq!(source.line_col(4), (1, 4));
        assert_eq!(source.line_col(6), (1, 4));
        assert_eq!(source.line_col(8), (1, 5));
    }

    #[test]
    fn an_offset_behind_the_text_is_its_end() {
        assert_eq!(Source::new("s", "").line_col(0), (1, 1));
        assert_eq!(Source::new("s", "").line_col(7), (1, 1));
        assert_eq!(Source::new("s", "ab\n").line_col(3), (2, 1));
        assert_eq!(Source::new("s", "ab").line_col(u32::MAX), (1, 3));
    }

    #[test]
    fn a_byte_order_mark_takes_no_column() {
        let source = Source::new("s", "\u{feff}ab");
        assert_eq!(source.line_col(3), (1, 1));
        assert_eq!(source.line_col(0), (1, 1));
        assert_eq!(source.line(1), Some("ab"));
    }

    #[test]
    fn an_excerpt_has_a_caret_under_the_column() {
        let source = Source::new("s", format!("{}(println (f 1 \"a\"))\n", "\n".repeat(11)));
        assert_eq!(source.excerpt(12, 10), "  12 | (println (f 1 \"a\"))\n     |          ^");
        let source = Source::new("s", "\n\n(var x (1 + 2)");
        assert_eq!(source.excerpt(3, 1), "   3 | (var x (1 + 2)\n     | ^");
        assert_eq!(source.excerpt(4, 1), "");
    }

    #[test]
    fn a_tab_is_shown_as_one_blank() {
        let source = Source::new("s", "\ta\u{1b}b");
        assert_eq!(source.excerpt(1, 2), "   1 |  a b\n     |  ^");
    }

    #[test]
    fn wide_characters_take_two_columns_and_accents_none() {
        let source = Source::new("s", "日本🎉x");
        assert_eq!(source.excerpt(1, 4), "   1 | 日本🎉x\n     |       ^");
        let source = Source::new("s", "e\u{301}x");
        assert_eq!(source.excerpt(1, 3), "   1 | e\u{301}x\n     |  ^");
    }

    #[test]
    fn a_long_line_is_cut_around_the_caret() {
        let line: String = (0..1000).map(|i| char::from(b'a' + (i % 26) as u8)).collect();
        let source = Source::new("s", line.clone());
        let shown = |col: u32| {
            let excerpt = source.excerpt(1, col);
            let (text, caret) = excerpt.split_once('\n').unwrap();
            assert_eq!(text.len(), 7 + MAX_COLUMNS);
            assert!(caret.len() - 1 - 7 < MAX_COLUMNS);
            (text[7..].to_owned(), caret.len() - 1 - 7)
        };
        assert_eq!(shown(1), (format!("{}...", &line[..157]), 0));
        let (text, caret) = shown(500);
        assert_eq!(text, format!("...{}...", &line[422..576]));
        assert_eq!(text.as_bytes()[caret], line.as_bytes()[499]);
        let (text, caret) = shown(1000);
        assert_eq!(text, format!("...{}", &line[843..]));
        assert_eq!(text.as_bytes()[caret], line.as_bytes()[999]);
    }

    #[test]
    fn a_line_of_the_full_width_is_shown_whole() {
        let line = "é".repeat(MAX_COLUMNS);
        let source = Source::new("s", line.clone());
        assert!(source.excerpt(1, 1).contains(&line));
        let source = Source::new("s", format!("{line}é"));
        assert!(source.excerpt(1, 161).starts_with("   1 | ...éé"));
    }

    #[test]
    fn a_map_gives_its_sources_back() {
        let mut map = SourceMap::new();
        let first = map.add(Source::new("a", "1"));
        let second = map.add(Source::new("b", "2"));
        assert_eq!((map.get(first).name.as_str(), map.get(second).text.as_str()), ("a", "2"));
    }
}
