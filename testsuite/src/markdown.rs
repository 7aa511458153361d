//! Programs inside documentation: a fenced `gene` block is a program, the `text` block right after it its output.

/// One program of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// 1-based line of the fence that opens the program.
    pub line: usize,
    pub code: String,
    /// The lines of the `text` block that follows; without one only success is asked for.
    pub output: Option<Vec<String>>,
}

struct Block<'a> {
    line: usize,
    info: &'a str,
    content: Vec<&'a str>,
    /// Nothing but blank lines since the previous block.
    adjacent: bool,
}

/// The programs of a Markdown text. Blocks marked `gene ignore`, or anything but exactly `gene`, are not programs.
pub fn examples(text: &str) -> Vec<Example> {
    let blocks = blocks(text);
    let mut examples = Vec::new();
    for (index, block) in blocks.iter().enumerate().filter(|(_, block)| block.info == "gene") {
        let output = blocks.get(index + 1).filter(|next| next.adjacent && next.info == "text");
        examples.push(Example {
            line: block.line,
            code: block.content.iter().flat_map(|line| [line, "\n"]).collect(),
            output: output.map(|next| next.content.iter().map(|&line| line.to_owned()).collect()),
        });
    }
    examples
}

fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut open: Option<&str> = None;
    let mut adjacent = false;
    for (index, line) in text.lines().enumerate() {
        let body = line.trim_start_matches(' ');
        let fence = fence_of(body);
        match (open, fence) {
            // A fence is closed by one at least as long, with nothing behind it.
            (Some(opening), Some(closing))
                if closing.starts_with(opening) && body[closing.len()..].trim().is_empty() =>
            {
                open = None;
                adjacent = true;
            }
            (Some(_), _) => blocks.last_mut().into_iter().for_each(|block| block.content.push(line)),
            (None, Some(opening)) => {
                open = Some(opening);
                blocks.push(Block {
                    line: index + 1,
                    info: body[opening.len()..].trim(),
                    content: Vec::new(),
                    adjacent,
                });
            }
            (None, None) => adjacent &= body.trim().is_empty(),
        }
    }
    blocks
}

/// The run of three or more backticks a line starts with.
fn fence_of(line: &str) -> Option<&str> {
    let length = line.bytes().take_while(|&byte| byte == b'`').count();
    (length >= 3).then(|| &line[..length])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_paired_with_the_text_right_after_it() {
        let found = examples("# T\n```gene\n(println 1)\n(println)\n```\n```text\n1\n\n```\n");
        assert_eq!(
            found,
            [Example {
                line: 2,
                code: "(println 1)\n(println)\n".to_owned(),
                output: Some(vec!["1".to_owned(), String::new()])
            }]
        );
    }

    #[test]
    fn an_empty_text_block_means_no_output() {
        let found = examples("```gene\n(var x 1)\n```\n\n```text\n```\n");
        assert_eq!(found[0].output, Some(vec![]));
    }

    #[test]
    fn prose_between_the_blocks_separates_them() {
        let found = examples("```gene\n1\n```\nprints\n```text\n1\n```\n");
        assert_eq!(found[0].output, None);
    }

    #[test]
    fn other_languages_and_ignored_blocks_are_skipped() {
        assert!(examples("```gene ignore\n(boom)\n```\n```rust\nfn f() {}\n```\n```\nplain\n```\n").is_empty());
    }

    #[test]
    fn a_longer_fence_may_contain_a_shorter_one() {
        let found = examples("````markdown\n```gene\n1\n```\n````\n```gene\n2\n```\n");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].code, "2\n");
    }

    #[test]
    fn a_program_follows_another() {
        let found = examples("```gene\n1\n```\n```gene\n2\n```\n```text\n2\n```\n");
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].output, None);
        assert_eq!(found[1].output.as_deref(), Some(&["2".to_owned()][..]));
    }
}
