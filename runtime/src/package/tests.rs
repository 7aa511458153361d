use super::{Dependency, Git, Lock, Manifest, Node, is_valid_name, lock};

fn manifest(text: &str) -> Manifest {
    match Manifest::parse("m", text) {
        Ok(manifest) => manifest,
        Err(e) => panic!("{e}"),
    }
}

#[test]
fn a_manifest_has_three_spellings() {
    let expected = Manifest { name: Some("a/b".to_owned()), version: Some("1".to_owned()), ..Manifest::default() };
    for text in [
        "^name \"a/b\" ^version \"1\"",
        "# a comment\n#< another\n >#\n\n^name \"a/b\"\n^version \"1\" # the end",
        "{^name \"a/b\" ^version \"1\"}",
        "(Package ^name \"a/b\" ^version \"1\")",
        "^name a/b ^version \"1\" ^other [1 (x)]",
        "\u{feff}^name \"a/b\" ^version \"1\"",
    ] {
        assert_eq!(manifest(text), expected, "{text}");
    }
    assert_eq!(manifest(""), Manifest::default());
    assert_eq!(manifest("# nothing\n"), Manifest::default());
    assert_eq!(manifest("{^name nil}"), Manifest::default());
}

#[test]
fn properties_replace_the_defaults() {
    let m = manifest("^source-dir \"lib\" ^main-module \"start\" ^test-dir \"t\" ^^singleton");
    assert_eq!((m.source_dir.as_str(), m.main_module.as_str(), m.test_dir.as_str()), ("lib", "start", "t"));
    assert!(m.singleton);
}

#[test]
fn dependencies_have_options() {
    let m = manifest(
        "^dependencies [($dep \"a/b\" \"*\" ^path \"../b\" ^subdir \"s\") ($dep \"c/d\" \"1\" ^git \"u\" ^branch \"x\") ($dep e/f)]",
    );
    let names = |d: &Dependency| (d.name.clone(), d.version.clone());
    let text = str::to_owned;
    assert_eq!(
        m.dependencies.iter().map(names).collect::<Vec<_>>(),
        [(text("a/b"), text("*")), (text("c/d"), text("1")), (text("e/f"), text("*"))]
    );
    assert_eq!(m.dependency("a/b").and_then(|d| d.subdir.as_deref()), Some("s"));
    let git = Git { url: text("u"), branch: Some(text("x")), ..Git::default() };
    assert_eq!(m.dependency("c/d").and_then(|d| d.git.clone()), Some(git));
    assert_eq!(m.dependency("x/y"), None);
}

#[test]
fn what_is_malformed_is_named_with_its_place() {
    for (text, error) in [
        ("^name", "m:1:6: EOF while reading properties: a value or a bracket is missing"),
        ("^name \"a\"\n^version [1", "m:2:12: EOF while reading properties: a value or a bracket is missing"),
        ("{^name 5}", "m:1:8: ^name must be a String"),
        ("^name 5", "m:1:7: ^name must be a String"),
        ("x", "m:1:1: expected properties, a map or (Package ...)"),
        ("(Package 1)", "m:1:1: expected properties, a map or (Package ...)"),
        ("^singleton 5", "m:1:12: ^singleton must be a Bool"),
        ("^dependencies {}", "m:1:15: ^dependencies must be an Array"),
        ("^dependencies [(dep \"a/b\")]", "m:1:16: expected ($dep name version)"),
        ("^dependencies [($dep \"a/b\" \"1\" ^path 5)]", "m:1:38: ^path must be a String"),
        ("^dependencies [($dep \"a/b\" ^tag \"1\")]", "m:1:16: ^commit, ^tag and ^branch belong to ^git"),
        ("^dependencies [($dep \"a/b\" ^git \"u\" ^path \"p\")]", "m:1:38: a dependency has either ^path or ^git"),
    ] {
        assert_eq!(Manifest::parse("m", text).map_err(|e| e.to_string()), Err(error.to_owned()), "{text}");
    }
}

#[test]
fn a_lock_reads_back_as_it_was_written() {
    let mut l = Lock { version: lock::VERSION, ..Lock::default() };
    assert_eq!(Lock::parse("l", &l.render()), Ok(l.clone()));
    l.root.insert("a/b".to_owned(), "a/b@1.0.0".to_owned());
    for (name, version, commit) in [("a/b", "1.0.0", None), ("c/d", "2-x", Some("abc".to_owned()))] {
        let node = Node {
            name: name.to_owned(),
            resolved: version.to_owned(),
            dir: lock::node_dir(name, version),
            source: lock::Source {
                kind: if commit.is_some() { "git" } else { "path" }.to_owned(),
                place: "./with \"quotes\"".to_owned(),
                commit,
                subdir: Some("sub".to_owned()),
            },
            sha256: "00".to_owned(),
            singleton: name == "c/d",
            dependencies: l.root.clone(),
        };
        l.packages.insert(lock::node_id(name, version), node);
    }
    assert_eq!(Lock::parse("l", &l.render()), Ok(l));
}

#[test]
fn a_lock_never_leads_outside() {
    let text = "{^lock_version 1 ^root_dependencies {} ^packages {^a/b@1 {^name \"a/b\" ^resolved \"1\" ^dir DIR ^source {^type \"path\" ^path \"x\"} ^sha256 \"\" ^dependencies {}}}}";
    assert!(Lock::parse("l", &text.replace("DIR", "\".gene/deps/a/b/1\"")).is_ok());
    for dir in ["\"/etc\"", "\".gene/deps/a/b/../b/1\"", "\"..\""] {
        let error = Lock::parse("l", &text.replace("DIR", dir)).map_err(|e| e.to_string());
        assert_eq!(error, Err("l:1:58: invalid package directory".to_owned()), "{dir}");
    }
}

#[test]
fn names_of_packages_are_two_directories() {
    for name in ["a/b", "acme-2/kit_x", "a.b/c.d"] {
        assert!(is_valid_name(name), "{name}");
    }
    for name in ["", "a", "a/b/c", "/a", "a/", "../a", "a/..", "a/.b", "a b/c", "é/b"] {
        assert!(!is_valid_name(name), "{name}");
    }
}
