//! File name patterns: `*`, `?`, `[a-z]`, `[!a-z]`, `**` for directories at any depth, `{a,b}`; `\` takes the next character
//! literally. As in shells, wildcards do not match a leading dot.
use std::collections::BTreeSet;
use std::path::Path;

/// Alternatives one pattern may expand to: braces multiply.
const MAX_PATTERNS: usize = 4096;
/// Directories below each other that `**` looks into.
const MAX_DEPTH: usize = 256;

/// The existing paths that match, sorted. Directories that can't be read match nothing.
///
/// # Errors
///
/// When the braces expand to too many patterns.
pub fn glob(pattern: &str) -> Result<Vec<String>, String> {
    let mut found = BTreeSet::new();
    for pattern in expand_braces(pattern)? {
        let (root, rest) = match pattern.strip_prefix('/') {
            Some(rest) => ("/", rest),
            None => ("", pattern.as_str()),
        };
        let segments: Vec<&str> = rest.split('/').filter(|s| !s.is_empty()).collect();
        if !segments.is_empty() {
            walk(root, &segments, 0, &mut found);
        }
    }
    Ok(found.into_iter().collect())
}

fn walk(dir: &str, segments: &[&str], depth: usize, found: &mut BTreeSet<String>) {
    let Some((&first, rest)) = segments.split_first() else {
        found.insert(dir.to_owned());
        return;
    };
    if first == "**" {
        if rest.is_empty() {
            // At the end `**` is everything below.
            for (name, is_dir) in entries(dir) {
                let path = child(dir, &name);
                if is_dir && depth < MAX_DEPTH {
                    walk(&path, segments, depth + 1, found);
                }
                found.insert(path);
            }
            return;
        }
        walk(dir, rest, depth, found);
        if depth < MAX_DEPTH {
            for (name, is_dir) in entries(dir) {
                if is_dir {
                    walk(&child(dir, &name), segments, depth + 1, found);
                }
            }
        }
        return;
    }
    if !first.contains(['*', '?', '[', '\\']) {
        let path = child(dir, first);
        if rest.is_empty() {
            if Path::new(&path).symlink_metadata().is_ok() {
                found.insert(path);
            }
        } else if Path::new(&path).is_dir() {
            walk(&path, rest, depth, found);
        }
        return;
    }
    let pattern: Vec<char> = first.chars().collect();
    let Ok(list) = std::fs::read_dir(if dir.is_empty() { "." } else { dir }) else { return };
    for entry in list.flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        if name.starts_with('.') && pattern[0] != '.' {
            continue;
        }
        if matches(&pattern, &name.chars().collect::<Vec<_>>()) {
            let path = child(dir, &name);
            if rest.is_empty() {
                found.insert(path);
            } else if Path::new(&path).is_dir() {
                walk(&path, rest, depth, found);
            }
        }
    }
}

fn child(dir: &str, name: &str) -> String {
    crate::path::join([dir, name])
}

/// Names in a directory that `**` may visit, and whether they are directories themselves (links are not followed).
fn entries(dir: &str) -> Vec<(String, bool)> {
    let Ok(list) = std::fs::read_dir(if dir.is_empty() { "." } else { dir }) else { return Vec::new() };
    list.flatten()
        .filter_map(|e| Some((e.file_name().into_string().ok()?, e.file_type().is_ok_and(|t| t.is_dir()))))
        .filter(|(name, _)| !name.starts_with('.'))
        .collect()
}

/// One segment against one name. A mismatch goes back to the last `*` only, so the time is at most the product of the lengths.
pub fn matches(pattern: &[char], name: &[char]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        let step = match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
                continue;
            }
            Some('?') => Some(p + 1),
            Some('[') => match class(&pattern[p..], name[n]) {
                Some((len, true)) => Some(p + len),
                Some((_, false)) => None,
                None => (name[n] == '[').then_some(p + 1),
            },
            Some('\\') if p + 1 < pattern.len() => (pattern[p + 1] == name[n]).then_some(p + 2),
            Some(&c) => (c == name[n]).then_some(p + 1),
            None => None,
        };
        match (step, star) {
            (Some(next), _) => {
                p = next;
                n += 1;
            }
            (None, Some((at, from))) => {
                star = Some((at, from + 1));
                p = at + 1;
                n = from + 1;
            }
            (None, None) => return false,
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

/// A bracket expression: its length and whether it has the character; `None` when it is not closed.
fn class(pattern: &[char], c: char) -> Option<(usize, bool)> {
    let negated = matches!(pattern.get(1), Some('!' | '^'));
    let first = 1 + negated as usize;
    let mut i = first;
    let mut hit = false;
    loop {
        let low = *pattern.get(i)?;
        if low == ']' && i > first {
            return Some((i + 1, hit != negated));
        }
        if pattern.get(i + 1) == Some(&'-') && pattern.get(i + 2).is_some_and(|&high| high != ']') {
            hit |= (low..=pattern[i + 2]).contains(&c);
            i += 3;
        } else {
            hit |= low == c;
            i += 1;
        }
    }
}

/// `a{b,c}` to `ab`, `ac`. Braces without a comma or without an end stay as they are.
fn expand_braces(pattern: &str) -> Result<Vec<String>, String> {
    let mut done = Vec::new();
    let mut todo = vec![pattern.to_owned()];
    while let Some(p) = todo.pop() {
        match first_brace(&p) {
            None => done.push(p),
            Some((start, end, parts)) => {
                for part in parts {
                    todo.push(format!("{}{}{}", &p[..start], part, &p[end..]));
                }
            }
        }
        if done.len() + todo.len() > MAX_PATTERNS {
            return Err("Pattern has too many alternatives".to_owned());
        }
    }
    Ok(done)
}

/// Start and end of the first brace group with alternatives, and these.
fn first_brace(p: &str) -> Option<(usize, usize, Vec<&str>)> {
    let bytes = p.as_bytes();
    let mut open = 0;
    while let Some(start) = bytes[open..].iter().position(|&b| b == b'{').map(|i| i + open) {
        let mut depth = 0;
        let mut parts = Vec::new();
        let mut from = start + 1;
        for (i, &b) in bytes.iter().enumerate().skip(start) {
            match b {
                b'{' => depth += 1,
                b',' if depth == 1 => {
                    parts.push(&p[from..i]);
                    from = i + 1;
                }
                b'}' => {
                    depth -= 1;
                    if depth == 0 {
                        if parts.is_empty() {
                            break;
                        }
                        parts.push(&p[from..i]);
                        return Some((start, i + 1, parts));
                    }
                }
                _ => {}
            }
        }
        open = start + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn m(pattern: &str, name: &str) -> bool {
        matches(&pattern.chars().collect::<Vec<_>>(), &name.chars().collect::<Vec<_>>())
    }

    #[test]
    fn segments_match() {
        for (pattern, name, expected) in [
            ("*.gene", "a.gene", true),
            ("*.gene", "a.gen", false),
            ("a?c", "aéc", true),
            ("a?c", "ac", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[]x]", "]", true),
            ("[a", "[a", true),
            ("*a*b*c", "xxaxxbxxc", true),
            ("*a*b*c", "xxaxxcxxb", false),
            ("", "", true),
            ("**", "abc", true),
            (r"\*", "*", true),
            (r"\*", "a", false),
        ] {
            assert_eq!(m(pattern, name), expected, "{pattern} {name}");
        }
        assert!(!m(&"*a".repeat(50), &"a".repeat(49)), "must not take exponential time");
    }

    #[test]
    fn braces_expand() {
        let all = |p: &str| {
            let mut v = expand_braces(p).unwrap();
            v.sort();
            v
        };
        assert_eq!(all("a{b,c}d"), ["abd", "acd"]);
        assert_eq!(all("{a,b{c,d}}"), ["a", "bc", "bd"]);
        assert_eq!(all("{a}{b,c}"), ["{a}b", "{a}c"]);
        assert_eq!(all("{a,"), ["{a,"]);
        assert!(expand_braces(&"{a,b}".repeat(40)).is_err());
    }
}
