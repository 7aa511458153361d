//! Paths as text: `/` separates, and nothing here looks at the file system.

/// Joins parts; an absolute part starts anew, empty ones are skipped.
pub fn join<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut out = String::new();
    for part in parts {
        if part.is_empty() {
            continue;
        }
        if part.starts_with('/') {
            out.clear();
        } else if !out.is_empty() && !out.ends_with('/') {
            out.push('/');
        }
        out.push_str(part);
    }
    out
}

/// Without `.`, `..` (as far as possible) and doubled or trailing separators; `.` when nothing is left.
pub fn normalize(path: &str) -> String {
    let absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => match parts.last() {
                Some(&last) if last != ".." => {
                    parts.pop();
                }
                _ if absolute => {}
                _ => parts.push(".."),
            },
            name => parts.push(name),
        }
    }
    let body = parts.join("/");
    match (absolute, body.is_empty()) {
        (true, _) => format!("/{body}"),
        (false, true) => ".".to_owned(),
        (false, false) => body,
    }
}

/// The path from the root, normalized.
pub fn absolute(path: &str, cwd: &str) -> String {
    normalize(&join([cwd, path]))
}

/// The last component; empty for the root.
pub fn basename(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    path.rsplit('/').next().unwrap_or("")
}

/// All but the last component: `.` when there is only one, `/` at the root.
pub fn dirname(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    match trimmed.rfind('/') {
        Some(at) => match trimmed[..at].trim_end_matches('/') {
            "" => "/",
            dir => dir,
        },
        None if path.starts_with('/') => "/",
        None => ".",
    }
}

/// Where the extension of a name begins. A leading dot makes a hidden file, not an extension.
fn dot(name: &str) -> usize {
    match name.rfind('.') {
        Some(at) if at > 0 && name != ".." => at,
        _ => name.len(),
    }
}

/// The extension with its dot, or nothing.
pub fn extension(path: &str) -> &str {
    let name = basename(path);
    &name[dot(name)..]
}

/// The last component without its extension.
pub fn stem(path: &str) -> &str {
    let name = basename(path);
    &name[..dot(name)]
}

/// The components; the first is `/` for absolute paths.
pub fn split(path: &str) -> Vec<&str> {
    let root = path.starts_with('/').then_some("/");
    root.into_iter().chain(path.split('/').filter(|p| !p.is_empty())).collect()
}

/// How to get from `base` to `path`; `.` when they are the same.
pub fn relative(path: &str, base: &str, cwd: &str) -> String {
    let (path, base) = (absolute(path, cwd), absolute(base, cwd));
    let (path, base) = (split(&path), split(&base));
    let common = path.iter().zip(&base).take_while(|(a, b)| a == b).count();
    let mut parts = vec![".."; base.len() - common];
    parts.extend(&path[common..]);
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn join_starts_anew_at_an_absolute_part() {
        assert_eq!(join(["a", "b.txt"]), "a/b.txt");
        assert_eq!(join(["a/", "b"]), "a/b");
        assert_eq!(join(["a", "/b", "", "c"]), "/b/c");
        assert_eq!(join([]), "");
    }

    #[test]
    fn normalize_keeps_the_meaning() {
        for (path, normal) in [
            ("", "."),
            (".", "."),
            ("a/./b//c/", "a/b/c"),
            ("a/../b", "b"),
            ("a/..", "."),
            ("../a/../..", "../.."),
            ("/..", "/"),
            ("/a/../../b", "/b"),
        ] {
            assert_eq!(normalize(path), normal, "{path}");
        }
    }

    #[test]
    fn parts_of_paths() {
        for (path, dir, base, stem_, ext) in [
            ("/x/y/a.tar.gz", "/x/y", "a.tar.gz", "a.tar", ".gz"),
            ("a", ".", "a", "a", ""),
            ("a/b/", "a", "b", "b", ""),
            ("/a", "/", "a", "a", ""),
            ("/", "/", "", "", ""),
            ("", ".", "", "", ""),
            (".bashrc", ".", ".bashrc", ".bashrc", ""),
            ("a/..", "a", "..", "..", ""),
            ("d.x/f", "d.x", "f", "f", ""),
            ("f.", ".", "f.", "f", "."),
        ] {
            assert_eq!((dirname(path), basename(path), stem(path), extension(path)), (dir, base, stem_, ext), "{path}");
        }
        assert_eq!(split("/a//b/"), ["/", "a", "b"]);
        assert_eq!(split("a/b"), ["a", "b"]);
    }

    #[test]
    fn relative_goes_up_and_down() {
        assert_eq!(relative("/a/b/c", "/a/x", "/"), "../b/c");
        assert_eq!(relative("b", "b", "/w"), ".");
        assert_eq!(relative("b/c", ".", "/w"), "b/c");
        assert_eq!(relative("/", "/a/b", "/"), "../..");
        assert_eq!(absolute("../x", "/w/v"), "/w/x");
    }
}
