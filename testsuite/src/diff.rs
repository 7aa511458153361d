//! Line differences between what a program should have printed and what it did print.

use similar::{ChangeTag, TextDiff};

/// The lines of an output with the blanks at line ends removed: those are never significant, because editors and
/// headers drop them. The end of the last line may be missing.
pub fn lines(output: &str) -> Vec<&str> {
    output.lines().map(str::trim_end).collect()
}

/// `None` when the lines are equal, else a readable difference: `-` was expected, `+` was printed.
pub fn line_diff<A: AsRef<str>, B: AsRef<str>>(expected: &[A], actual: &[B]) -> Option<String> {
    let expected: Vec<&str> = expected.iter().map(|line| line.as_ref().trim_end()).collect();
    let actual: Vec<&str> = actual.iter().map(|line| line.as_ref().trim_end()).collect();
    if expected == actual {
        return None;
    }
    let diff = TextDiff::from_slices(&expected, &actual);
    let mut text = String::new();
    for (index, group) in diff.grouped_ops(CONTEXT).iter().enumerate() {
        if index > 0 {
            text.push_str("  ...\n");
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            text.push_str(match change.tag() {
                ChangeTag::Delete => "- ",
                ChangeTag::Insert => "+ ",
                ChangeTag::Equal => "  ",
            });
            text.push_str(change.value());
            text.push('\n');
        }
    }
    Some(text)
}

/// Equal lines shown around a difference.
const CONTEXT: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_lines_have_no_difference() {
        assert_eq!(line_diff(&["a", "b"], &["a", "b"]), None);
        assert_eq!(line_diff::<&str, &str>(&[], &[]), None);
    }

    #[test]
    fn blanks_at_line_ends_do_not_count() {
        assert_eq!(line_diff(&["a ", "b"], &lines("a\t\nb  \n")), None);
        assert!(line_diff(&[" a"], &lines("a\n")).is_some());
    }

    #[test]
    fn a_missing_final_line_end_does_not_count_but_an_empty_line_does() {
        assert_eq!(line_diff(&["a"], &lines("a")), None);
        assert!(line_diff(&["a"], &lines("a\n\n")).is_some());
        assert_eq!(line_diff(&["a", ""], &lines("a\n\n")), None);
    }

    #[test]
    fn a_difference_shows_both_sides_with_context() {
        let text = line_diff(&["1", "2", "3", "4", "5", "six"], &["1", "2", "3", "4", "5", "6"]).unwrap();
        assert_eq!(text, "  4\n  5\n- six\n+ 6\n");
    }

    #[test]
    fn distant_differences_are_separated() {
        let expected: Vec<String> = (0..20).map(|n| n.to_string()).collect();
        let mut actual = expected.clone();
        actual[0] = "first".to_owned();
        actual.push("more".to_owned());
        let text = line_diff(&expected, &actual).unwrap();
        assert_eq!(text, "- 0\n+ first\n  1\n  2\n  ...\n  18\n  19\n+ more\n");
    }
}
