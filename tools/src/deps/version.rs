//! What a manifest says a dependency's version must be.

/// The numbers of a version: `1.2.3-beta` is 1, 2, 3.
fn numbers(version: &str) -> Vec<u64> {
    version.split(['.', '-', '+']).map_while(|part| part.parse().ok()).collect()
}

fn part(numbers: &[u64], at: usize) -> u64 {
    numbers.get(at).copied().unwrap_or(0)
}

/// `*` is any version, `1.2` any 1.2.x, `=1.2.3` that one, `>=1.2` that or a later one, `~1.2.3` from there to the next minor
/// version, `^1.2` to the next one that may break something (the first number that is not 0 changes).
pub fn satisfies(version: &str, wanted: &str) -> bool {
    let wanted = wanted.trim();
    let have = numbers(version);
    let at_least = |least: &[u64]| {
        let pair = (0..have.len().max(least.len())).map(|i| (part(&have, i), part(least, i))).find(|(a, b)| a != b);
        pair.is_none_or(|(a, b)| a > b)
    };
    let same = |least: &[u64], upto: usize| (0..upto).all(|i| part(&have, i) == part(least, i));
    if wanted.is_empty() || wanted == "*" {
        true
    } else if let Some(rest) = wanted.strip_prefix(">=") {
        at_least(&numbers(rest.trim()))
    } else if let Some(rest) = wanted.strip_prefix('^') {
        let least = numbers(rest.trim());
        let fixed = least.iter().position(|n| *n != 0).map_or(least.len(), |at| at + 1);
        at_least(&least) && same(&least, fixed)
    } else if let Some(rest) = wanted.strip_prefix('~') {
        let least = numbers(rest.trim());
        at_least(&least) && same(&least, least.len().min(2))
    } else if let Some(rest) = wanted.strip_prefix('=') {
        version == rest.trim()
    } else {
        let least = numbers(wanted);
        version == wanted || (!least.is_empty() && least.len() < 3 && same(&least, least.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::satisfies;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        for (version, wanted, expected) in [
            ("0.0.0", "*", true),
            ("1.2.3", "1.2.3", true),
            ("1.2.3", "1.2", true),
            ("1.20.3", "1.2", false),
            ("1.2.4", "1.2.3", false),
            ("1.2.3", "=1.2.3", true),
            ("1.2.3", "=1.2", false),
            ("1.10.0", ">=1.9", true),
            ("1.8.9", ">= 1.9", false),
            ("1.9.0", "^1.2.3", true),
            ("2.0.0", "^1.2.3", false),
            ("0.2.9", "^0.2.3", true),
            ("0.3.0", "^0.2.3", false),
            ("1.2.9", "~1.2.3", true),
            ("1.3.0", "~1.2.3", false),
            ("nightly", "nightly", true),
            ("nightly", "stable", false),
        ] {
            assert_eq!(satisfies(version, wanted), expected, "{version} {wanted}");
        }
    }
}
