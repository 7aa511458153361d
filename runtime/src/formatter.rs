//! Laying out source text (`gene fmt`, 20.8): only blanks at the beginnings and ends of lines change.
use crate::report::{self, Diagnostics};
use gene_vm::modules::LoadFailure;
use gene_vm::syntax::layout::{Mark, layout};
use gene_vm::syntax::{Diagnostic, Source, Stage, SyntaxError};
use std::ops::Range;
use std::rc::Rc;

/// Columns a form's further lines stand right of the line it begins on.
const STEP: usize = 2;

/// Parts of a form that stand where the form's line does.
const PARTS: [&str; 5] = ["elif", "else", "when", "catch", "finally"];

const BYTE_ORDER_MARK: &str = "\u{feff}";

/// The text laid out. Doing it again changes nothing, and the reader makes the same of both.
///
/// ```
/// assert_eq!(gene::format_source("(if a\r\n b  \n    else\n c)").unwrap(), "(if a\n  b\nelse\n  c)");
/// ```
///
/// # Errors
///
/// Text that cannot be read has no layout.
pub fn format_source(text: &str) -> Result<String, SyntaxError> {
    let (mark, body) = match text.strip_prefix(BYTE_ORDER_MARK) {
        Some(body) => (BYTE_ORDER_MARK, body),
        None => ("", text),
    };
    // The reader is shown the whole text, so that positions of errors are right; blanks stand for the mark, as long as it is.
    let marks = if mark.is_empty() { layout(body)? } else { layout(text).and_then(|_| layout(body))? };
    let mut f = Formatter { text: body, marks: &marks, at: 0, open: Vec::new(), out: mark.to_owned() };
    f.lines();
    Ok(f.out)
}

/// As [`format_source`] for a file's content; `Err`: the report for stderr, with a line end behind it.
pub fn format_bytes(name: &str, content: &[u8], form: Diagnostics, color: bool) -> Result<String, String> {
    let failure = |error: SyntaxError| {
        let source = Source::new(name, String::from_utf8_lossy(content).into_owned());
        let errors = vec![Diagnostic::from(error)];
        report::load_failure(&LoadFailure { source: Rc::new(source), stage: Stage::Parse, errors }, form, color)
    };
    gene_vm::syntax::decode(content).and_then(format_source).map_err(failure)
}

/// An open bracket, as it stands in the result.
struct Open {
    /// Indentation of its line.
    indent: usize,
    /// Column of the first element, where further ones line up with it.
    element: Option<usize>,
}

struct Formatter<'a> {
    text: &'a str,
    marks: &'a [Mark],
    /// The first mark that ends behind the current line's start.
    at: usize,
    open: Vec<Open>,
    out: String,
}

impl Formatter<'_> {
    fn lines(&mut self) {
        let mut start = 0;
        while start < self.text.len() {
            let rest = &self.text[start..];
            let length = rest.find(['\n', '\r']).unwrap_or(rest.len());
            let end = start + length;
            let terminator = match rest.as_bytes().get(length..) {
                Some([b'\r', b'\n', ..]) => 2,
                Some([_, ..]) => 1,
                _ => 0,
            };
            self.line(start..end);
            let next = end + terminator;
            if terminator > 0 {
                match self.opaque_around(end) {
                    // A line end inside a string is part of its value.
                    Some(Mark::Opaque { comment: false, .. }) => self.out.push_str(&self.text[end..next]),
                    _ => self.out.push('\n'),
                }
            }
            start = next;
            while self.marks.get(self.at).is_some_and(|m| m.span().end as usize <= start) {
                self.at += 1;
            }
        }
    }

    /// The literal or block comment that the offset lies inside.
    fn opaque_around(&self, offset: usize) -> Option<Mark> {
        let inside = |m: &&Mark| (m.span().start as usize) < offset && offset < m.span().end as usize;
        let near = self.marks[self.at..].iter().take_while(|m| (m.span().start as usize) < offset);
        near.filter(|m| matches!(m, Mark::Opaque { .. })).find(inside).copied()
    }

    /// Marks that begin on the line.
    fn marks_on(&self, line: &Range<usize>) -> impl Iterator<Item = Mark> {
        let (start, end) = (line.start, line.end);
        let from_here = self.marks[self.at..].iter().skip_while(move |m| (m.span().start as usize) < start);
        from_here.take_while(move |m| (m.span().start as usize) < end).copied()
    }

    fn line(&mut self, line: Range<usize>) {
        let whole = &self.text[line.clone()];
        let blanks = whole.len() - whole.trim_start_matches([' ', '\t']).len();
        let continued = self.opaque_around(line.start).is_some();
        let first = line.start + blanks;
        let (indent, from) = if continued || self.is_comment_line(&line, first) || first == line.end {
            (blanks, line.start)
        } else {
            (self.indent(&line, first), first)
        };
        if from == first {
            self.out.extend(std::iter::repeat_n(' ', indent));
        }
        self.out.push_str(&self.text[from..self.visible_end(&line)]);
        let column = |offset: usize| {
            if from == first {
                indent + self.text[first..offset].chars().count()
            } else {
                self.text[line.start..offset].chars().count()
            }
        };
        let mut open = std::mem::take(&mut self.open);
        for mark in self.marks_on(&line) {
            match mark {
                Mark::Open { span, lines_up } => {
                    let element = if lines_up { self.element(&line, span.end as usize) } else { None };
                    open.push(Open { indent, element: element.map(column) });
                }
                Mark::Close { .. } => {
                    open.pop();
                }
                Mark::Comment { .. } | Mark::Opaque { .. } => {}
            }
        }
        self.open = open;
    }

    /// Where the line ends without its trailing blanks. Those of a literal stay.
    fn visible_end(&self, line: &Range<usize>) -> usize {
        if self.opaque_around(line.end).is_some() {
            return line.end;
        }
        let visible = line.start + self.text[line.clone()].trim_end_matches([' ', '\t']).len();
        let marks = self.marks[self.at..].iter().take_while(|m| (m.span().start as usize) < line.end);
        let literal = marks.filter(|m| matches!(m, Mark::Opaque { comment: false, .. })).map(|m| m.span().end as usize);
        literal.last().map_or(visible, |end| visible.max(end.min(line.end)))
    }

    /// Nothing but a comment stands on the line.
    fn is_comment_line(&self, line: &Range<usize>, first: usize) -> bool {
        match self.marks_on(line).next() {
            Some(Mark::Comment { span }) => span.start as usize == first,
            Some(Mark::Opaque { span, comment: true }) if span.start as usize == first => {
                let end = span.end as usize;
                end >= line.end || self.text[end..line.end].trim_matches([' ', '\t']).is_empty()
            }
            _ => false,
        }
    }

    fn indent(&self, line: &Range<usize>, first: usize) -> usize {
        let mut closers = 0;
        let mut at = first;
        for mark in self.marks_on(line) {
            let span = mark.span();
            if !matches!(mark, Mark::Close { .. }) || span.start as usize != at {
                break;
            }
            closers += 1;
            at = span.end as usize;
            at += self.text[at..line.end].len() - self.text[at..line.end].trim_start_matches([' ', '\t', ',']).len();
        }
        if closers > 0 {
            return self.open.len().checked_sub(closers).map_or(0, |i| self.open[i].indent);
        }
        let Some(innermost) = self.open.last() else { return 0 };
        let word = self.text[first..line.end].split([' ', '\t', ',', '(', ')', '[', ']', '{', '}', '"', '`', '%', ';']);
        if word.take(1).any(|w| PARTS.contains(&w)) {
            return innermost.indent;
        }
        innermost.element.unwrap_or(innermost.indent + STEP)
    }

    /// Where the first element behind a bracket begins, if it does on the line.
    fn element(&self, line: &Range<usize>, mut at: usize) -> Option<usize> {
        loop {
            let rest = &self.text[at..line.end];
            at += rest.len() - rest.trim_start_matches([' ', '\t', ',']).len();
            if at >= line.end {
                return None;
            }
            let mark = self.marks_on(line).find(|m| m.span().start as usize == at);
            match mark {
                Some(Mark::Comment { .. } | Mark::Close { .. }) => return None,
                Some(Mark::Opaque { span, comment: true }) if span.end as usize >= line.end => return None,
                Some(Mark::Opaque { span, comment: true }) => at = span.end as usize,
                _ => return Some(at),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let once = format_source(text).unwrap();
        assert_eq!(once, expected);
        assert_eq!(format_source(&once).unwrap(), once, "formatting again changes it");
    }

    #[test]
    fn line_ends_and_trailing_blanks_are_put_right() {
        check("(a)  \r\n(b)\t\r(c)", "(a)\n(b)\n(c)");
        check("", "");
        check("\n", "\n");
        check("a", "a");
        check("a\n \n\nb\n", "a\n\n\nb\n");
    }

    #[test]
    fn forms_are_indented_by_their_first_line() {
        check("   (fn f [a]\n(g a\nb))", "(fn f [a]\n  (g a\n    b))");
        check("(a (b (c\nd)))", "(a (b (c\n  d)))");
    }

    #[test]
    fn elements_line_up_with_the_first_one() {
        check("(var x [1\n2\n3])", "(var x [1\n        2\n        3])");
        check("(var x {^a 1\n^b 2})", "(var x {^a 1\n        ^b 2})");
        check("(f {{1 2\n3 4}})", "(f {{1 2\n     3 4}})");
        check("(var x [\n1\n2\n])", "(var x [\n  1\n  2\n])");
        check("[ # c\n1]", "[ # c\n  1]");
        check("[ é 1\n2]", "[ é 1\n  2]");
        check("(f é [a\nb])", "(f é [a\n      b])");
    }

    #[test]
    fn closers_stand_where_their_line_begins() {
        check("(a\n  [b\n    (c\n    d\n )] e)", "(a\n  [b\n   (c\n     d\n  )] e)");
        check("(a\n  [b\n    (c\n    d\n ) ] )", "(a\n  [b\n   (c\n     d\n) ] )");
        check("(a\n (b\n c\n )\n )", "(a\n  (b\n    c\n  )\n)");
    }

    #[test]
    fn parts_of_a_form_stand_where_it_does() {
        check("  (if a\nb\n elif c\nd\nelse\n  e)", "(if a\n  b\nelif c\n  d\nelse\n  e)");
        check("(f\n(try\na\ncatch E\nb\nfinally\nc))", "(f\n  (try\n    a\n  catch E\n    b\n  finally\n    c))");
        check("(case x\nwhen 1 \"a\"\nelse_what)", "(case x\nwhen 1 \"a\"\n  else_what)");
        check("else\n", "else\n");
    }

    #[test]
    fn comments_and_strings_stay() {
        check(
            "#!/usr/bin/env gene\n(a\n      # far  \n\"x\n  y  \n\"\nz)",
            "#!/usr/bin/env gene\n(a\n      # far\n  \"x\n  y  \n\"\n  z)",
        );
        check("(a   # one  \nb)", "(a   # one\n  b)");
        check("(a\n    #< x  \n y >#\nb)", "(a\n    #< x  \n y >#\n  b)");
        check("(a\n    #< x >#  b\nc)", "(a\n  #< x >#  b\n  c)");
        check("(a #\"\n  #{(b\n c)}\n\"\nd)", "(a #\"\n  #{(b\n c)}\n\"\n  d)");
    }

    #[test]
    fn what_the_reader_reads_is_kept() {
        check("\"a\r\nb\"\r\nc\r\n", "\"a\r\nb\"\nc\n");
        check("a\\ \n", "a\\ \n");
        check("' '", "' '");
        check("\u{feff}  (a\nb)", "\u{feff}(a\n  b)");
    }

    #[test]
    fn text_that_cannot_be_read_is_refused() {
        assert_eq!(format_source("(a").unwrap_err().message, "EOF while reading list, expected ')'");
        assert_eq!(format_source("\u{feff}a )").unwrap_err().span.start, 5);
    }
}
