//! Environment variables as one VM sees them.
use std::collections::BTreeMap;

/// The process's environment with the changes a program made. They stay inside the VM (and the processes it starts): changing
/// the real environment is not sound while other threads may read it.
#[derive(Default, Debug)]
pub struct Environment {
    /// `None`: removed.
    changes: BTreeMap<String, Option<String>>,
    /// Changes so far.
    pub version: u64,
}

impl Environment {
    pub fn get(&self, name: &str) -> Option<String> {
        match self.changes.get(name) {
            Some(change) => change.clone(),
            // `var_os` panics on names no variable can have.
            None if !is_name(name) => None,
            None => std::env::var_os(name).map(|v| v.to_string_lossy().into_owned()),
        }
    }

    /// False when no variable can have this name or value.
    pub fn set(&mut self, name: &str, value: &str) -> bool {
        if !is_name(name) || value.contains('\0') {
            return false;
        }
        self.changes.insert(name.to_owned(), Some(value.to_owned()));
        self.version += 1;
        true
    }

    pub fn unset(&mut self, name: &str) {
        self.changes.insert(name.to_owned(), None);
        self.version += 1;
    }

    /// All variables, sorted by name.
    pub fn all(&self) -> BTreeMap<String, String> {
        let mut all: BTreeMap<String, String> = std::env::vars_os()
            .map(|(k, v)| (k.to_string_lossy().into_owned(), v.to_string_lossy().into_owned()))
            .collect();
        for (name, change) in &self.changes {
            match change {
                Some(value) => all.insert(name.clone(), value.clone()),
                None => all.remove(name),
            };
        }
        all
    }

    /// For child processes: what differs from the process's own environment.
    pub fn changes(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.changes.iter().map(|(k, v)| (k.as_str(), v.as_deref()))
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_cover_the_process_environment() {
        let mut env = Environment::default();
        assert!(env.get("PATH").is_some());
        assert!(env.set("GENE_TEST_A", "1"));
        assert_eq!(env.get("GENE_TEST_A").as_deref(), Some("1"));
        assert_eq!(env.all().get("GENE_TEST_A").map(String::as_str), Some("1"));
        env.unset("GENE_TEST_A");
        env.unset("PATH");
        assert_eq!((env.get("GENE_TEST_A"), env.get("PATH")), (None, None));
        assert!(!env.all().contains_key("PATH"));
        assert!(std::env::var_os("PATH").is_some());
    }

    #[test]
    fn impossible_names_are_refused_without_a_panic() {
        let mut env = Environment::default();
        assert_eq!(env.get(""), None);
        assert_eq!(env.get("a=b"), None);
        assert_eq!(env.get("a\0"), None);
        assert!(!env.set("", "v") && !env.set("a=b", "v") && !env.set("a", "v\0"));
    }
}
