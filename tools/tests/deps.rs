//! `gene deps`, the lock file and `--pkg` (8.8, 20.2, 20.9).
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs, process};

/// A directory with packages.
struct Work(PathBuf);

impl Drop for Work {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Work {
    fn new() -> Work {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = env::temp_dir().join(format!("gene-deps-{}-{n}", process::id()));
        fs::create_dir_all(&dir).unwrap();
        Work(fs::canonicalize(&dir).unwrap())
    }

    fn file(&self, name: &str, text: &str) -> &Work {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }

    fn has(&self, name: &str) -> bool {
        self.0.join(name).exists()
    }

    fn remove(&self, name: &str) {
        fs::remove_dir_all(self.0.join(name)).unwrap();
    }

    /// Exit code, stdout and stderr of `gene` in `dir`; the name of the directory of this test is left out.
    fn gene(&self, dir: &str, args: &[&str]) -> (i32, String, String) {
        self.gene_with(dir, args, &[])
    }

    fn gene_with(&self, dir: &str, args: &[&str], vars: &[(&str, &Path)]) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gene"));
        command.args(args).current_dir(self.0.join(dir)).env_remove("GENE_PACKAGE_PATH");
        command.envs(vars.iter().copied());
        let o = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&*self.0.to_string_lossy(), "W");
        (o.status.code().unwrap_or(-1), text(&o.stdout), text(&o.stderr))
    }

    #[track_caller]
    fn prints(&self, dir: &str, args: &[&str], out: &str) {
        assert_eq!(self.gene(dir, args), (0, out.to_owned(), String::new()));
    }

    #[track_caller]
    fn fails(&self, dir: &str, args: &[&str], err: &str) {
        let (code, _, text) = self.gene(dir, args);
        assert_eq!((code, text.as_str()), (1, err));
    }

    fn git(&self, dir: &str, args: &[&str]) {
        let fixed = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"];
        let o = Command::new("git").args(fixed).args(args).current_dir(self.0.join(dir)).output().unwrap();
        assert!(o.status.success(), "{}", String::from_utf8_lossy(&o.stderr));
    }
}

/// An app that depends on `acme/kit`, which depends on `acme/util` beside the app.
fn app() -> Work {
    let w = Work::new();
    w.file("app/package.gene", "^name \"acme/app\" ^dependencies [($dep \"acme/kit\" \"*\" ^path \"parts/kit\")]")
        .file("app/main.gene", "(import v from \"index\" of \"acme/kit\") (println v)")
        .file(
            "app/parts/kit/package.gene",
            "{^name \"acme/kit\" ^version \"1.0.0\" ^dependencies [($dep \"acme/util\" \"*\" ^path \"../../../util\")]}",
        )
        .file("app/parts/kit/src/index.gene", "(import u from \"index\" of \"acme/util\") (var /v #\"kit+#{u}\")")
        .file("util/package.gene", "(Package ^name \"acme/util\")")
        .file("util/index.gene", "(var /u \"util\")");
    w
}

const INSTALLED: &str = "Installed acme/kit@1.0.0\nInstalled acme/util@0.0.0\n";

#[test]
fn install_copies_dependencies_and_writes_the_lock() {
    let w = app();
    w.prints("app", &["deps", "install"], INSTALLED);
    let lock = w.read("app/package.gene.lock");
    assert!(
        lock.starts_with("{^lock_version 1\n ^root_dependencies {^acme/kit \"acme/kit@1.0.0\"}\n ^packages {"),
        "{lock}"
    );
    for part in [
        "^acme/kit@1.0.0 {^name \"acme/kit\" ^resolved \"1.0.0\" ^node_id \"acme/kit@1.0.0\" ^dir \".gene/deps/acme/kit/1.0.0\"",
        "^source {^type \"path\" ^path \"./parts/kit\"}",
        "^source {^type \"path\" ^path \"../util\"}",
        "^singleton false ^dependencies {^acme/util \"acme/util@0.0.0\"}}",
    ] {
        assert!(lock.contains(part), "{part} in {lock}");
    }
    assert_eq!(w.read("app/.gene/deps/acme/util/0.0.0/index.gene"), "(var /u \"util\")");
    // Nothing is left to do.
    w.prints("app", &["deps", "install"], "");
    w.prints("app", &["deps", "verify"], "");
    assert_eq!(w.read("app/package.gene.lock"), lock);
}

#[test]
fn the_hash_is_over_paths_and_contents() {
    let w = Work::new();
    w.file("app/package.gene", "^dependencies [($dep \"a/b\" \"*\" ^path \"b\")]").file("app/b/package.gene", "");
    w.file("app/b/x/y.txt", "hi").file("app/b/.git/HEAD", "no part of it").file("app/b/.gene/z", "neither");
    w.prints("app", &["deps", "install"], "Installed a/b@0.0.0\n");
    // printf 'package.gene\0000\000x/y.txt\0002\000hi' | sha256sum
    let expected = "91386038a1d24ad5";
    let lock = w.read("app/package.gene.lock");
    let hash = lock.split("^sha256 \"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    assert_eq!((hash.len(), &hash[..16]), (64, expected));
    assert!(!w.has("app/.gene/deps/a/b/0.0.0/.git") && !w.has("app/.gene/deps/a/b/0.0.0/.gene"));
}

#[test]
fn programs_use_what_is_installed() {
    let w = app();
    w.prints("app", &["deps", "install"], INSTALLED);
    // The edges of the lock lead to the copies, for the dependency's own imports too.
    w.remove("util");
    w.file("app/parts/kit/src/index.gene", "(var /v \"changed\")");
    w.prints("app", &["run", "main.gene"], "kit+util\n");
}

#[test]
fn install_restores_what_the_lock_says() {
    let w = app();
    w.prints("app", &["deps", "install"], INSTALLED);
    w.remove("app/.gene");
    w.prints("app", &["deps", "install"], INSTALLED);
    w.remove("app/.gene");
    w.file("util/index.gene", "(var /u \"other\")");
    let (code, out, err) = w.gene("app", &["deps", "install"]);
    assert_eq!((code, out.as_str()), (1, "Installed acme/kit@1.0.0\n"));
    assert!(err.starts_with("Error: acme/util@0.0.0: ../util is not what was locked (sha256 "), "{err}");
}

#[test]
fn update_resolves_anew() {
    let w = app();
    w.prints("app", &["deps", "install"], INSTALLED);
    w.file("util/index.gene", "(var /u \"other\")");
    w.prints("app", &["deps", "update"], "Installed acme/util@0.0.0\n");
    w.prints("app", &["run", "main.gene"], "kit+other\n");
    w.prints("app", &["deps", "verify"], "");
}

#[test]
fn verify_names_every_difference() {
    let w = app();
    w.fails("app", &["deps", "verify"], "Error: No package.gene.lock in W/app: run gene deps install\n");
    w.prints("app", &["deps", "install"], INSTALLED);
    w.file("app/.gene/deps/acme/kit/1.0.0/src/index.gene", "changed");
    w.remove("app/.gene/deps/acme/util");
    let (code, out, err) = w.gene("app", &["deps", "verify"]);
    let lines: Vec<&str> = out.lines().collect();
    assert!(code == 1 && err.is_empty() && lines.len() == 2, "{out}{err}");
    assert!(lines[0].starts_with("acme/kit@1.0.0: .gene/deps/acme/kit/1.0.0 has sha256 "), "{out}");
    assert_eq!(lines[1], "acme/util@0.0.0: .gene/deps/acme/util/0.0.0 is missing");
    // What was changed is not overwritten silently.
    let (code, _, err) = w.gene("app", &["deps", "install"]);
    assert!(code == 1 && err.contains("was changed"), "{err}");
}

#[test]
fn verify_checks_versions_and_edges() {
    let w = app();
    w.prints("app", &["deps", "install"], INSTALLED);
    let lock = w.read("app/package.gene.lock");
    w.file(
        "app/package.gene.lock",
        &lock.replace("^dependencies {^acme/util \"acme/util@0.0.0\"}", "^dependencies {^acme/util \"acme/util@9\"}"),
    );
    let (code, out, _) = w.gene("app", &["deps", "verify"]);
    assert_eq!((code, out.as_str()), (1, "acme/kit@1.0.0: no package acme/util@9 for dependency acme/util\n"));
    w.file("app/package.gene.lock", &lock.replace("^lock_version 1", "^lock_version 2"));
    w.fails("app", &["deps", "verify"], "Error: Lock version 2 is not supported, expected 1\n");
    w.file("app/package.gene.lock", &lock.replace(".gene/deps/acme/kit/1.0.0", "../../elsewhere"));
    let (code, _, err) = w.gene("app", &["deps", "gc"]);
    assert!(code == 1 && err.ends_with("invalid package directory\n"), "{err}");
    w.file("app/package.gene.lock", "{^lock_version");
    let (code, _, err) = w.gene("app", &["deps", "verify"]);
    assert!(code == 1 && err.starts_with("Error: W/app/package.gene.lock:1:"), "{err}");
}

#[test]
fn gc_removes_what_the_lock_does_not_mention() {
    let w = app();
    w.prints("app", &["deps", "install"], INSTALLED);
    w.file("app/.gene/deps/acme/old/1.0.0/x", "").file("app/.gene/deps/acme/kit/0.9.0/x", "");
    w.prints("app", &["deps", "gc"], "Removed .gene/deps/acme/kit/0.9.0\nRemoved .gene/deps/acme/old/1.0.0\n");
    assert!(!w.has("app/.gene/deps/acme/old") && w.has("app/.gene/deps/acme/kit/1.0.0"));
    w.prints("app", &["deps", "verify"], "");
}

#[test]
fn clean_removes_all_of_them() {
    let w = app();
    w.prints("app", &["deps", "install"], INSTALLED);
    w.prints("app", &["deps", "clean"], "Removed .gene/deps\n");
    assert!(!w.has("app/.gene/deps") && w.has("app/package.gene.lock"));
    w.prints("app", &["deps", "clean"], "");
}

#[test]
fn the_package_is_the_nearest_one_or_the_given_one() {
    let w = app();
    w.prints("app/parts", &["deps", "install"], INSTALLED);
    w.prints("util", &["deps", "verify", "--root", "../app"], "");
    w.fails("util", &["deps", "verify", "--root", "../app/parts"], "Error: No package.gene in W/app/parts\n");
    assert_eq!(w.gene("app", &["deps", "polish"]).0, 2);
    assert_eq!(w.gene("app", &["deps"]).0, 2);
}

#[test]
fn git_dependencies_are_pinned_to_a_commit() {
    let w = Work::new();
    w.file(
        "repo/package.gene",
        "^name \"acme/git\" ^version \"2.0.0\" ^dependencies [($dep \"acme/sub\" \"*\" ^path \"sub\")]",
    )
    .file("repo/src/index.gene", "(import s from \"index\" of \"acme/sub\") (var /v s)")
    .file("repo/sub/package.gene", "^name \"acme/sub\"")
    .file("repo/sub/index.gene", "(var /s \"first\")");
    w.git("repo", &["init", "--quiet"]);
    w.git("repo", &["add", "-A"]);
    w.git("repo", &["commit", "--quiet", "-m", "1"]);
    w.git("repo", &["tag", "v1"]);
    w.file("repo/sub/index.gene", "(var /s \"second\")");
    w.git("repo", &["commit", "--quiet", "-a", "-m", "2"]);
    let manifest = |options: &str| format!("^dependencies [($dep \"acme/git\" \"2\" ^git \"../repo\" {options})]");
    w.file("app/main.gene", "(import v from \"index\" of \"acme/git\") (println v)");
    for (options, expected) in [("^tag \"v1\"", "first\n"), ("", "second\n"), ("^branch \"main\"", "second\n")] {
        w.file("app/package.gene", &manifest(options));
        assert_eq!(w.gene("app", &["deps", "update"]).0, 0, "{options}");
        w.prints("app", &["run", "main.gene"], expected);
    }
    let lock = w.read("app/package.gene.lock");
    assert!(lock.contains("^source {^type \"git\" ^git \"") && lock.contains("^subdir \"sub\"}"), "{lock}");
    // A new commit changes nothing until the next update.
    w.file("repo/sub/index.gene", "(var /s \"third\")");
    w.git("repo", &["commit", "--quiet", "-a", "-m", "3"]);
    w.remove("app/.gene");
    w.prints("app", &["deps", "install"], "Installed acme/git@2.0.0\nInstalled acme/sub@0.0.0\n");
    w.prints("app", &["run", "main.gene"], "second\n");
    let leftover: Vec<_> = fs::read_dir(w.0.join("app/.gene")).unwrap().flatten().map(|e| e.file_name()).collect();
    assert_eq!(leftover, ["deps"]);
    w.file("app/package.gene", &manifest("^tag \"v9\""));
    w.fails("app", &["deps", "update"], "Error: No v9 in W/repo\n");
}

#[test]
fn dependencies_must_make_sense() {
    let w = Work::new();
    w.file("kit/package.gene", "^name \"acme/kit\" ^version \"1.2.0\"");
    for (dependency, error) in [
        ("($dep \"kit\" \"*\" ^path \"../kit\")", "Invalid package name: kit"),
        ("($dep \"a/b/c\" \"*\" ^path \"../kit\")", "Invalid package name: a/b/c"),
        ("($dep \"../kit\" \"*\" ^path \"../kit\")", "Invalid package name: ../kit"),
        ("($dep \"acme/other\" \"*\" ^path \"../kit\")", "../kit is called acme/kit, not acme/other"),
        ("($dep \"acme/kit\" \"2.0\" ^path \"../kit\")", "acme/kit 1.2.0 is not 2.0"),
        ("($dep \"acme/kit\" \"*\")", "acme/kit has neither ^path nor ^git"),
        (
            "($dep \"acme/kit\" \"*\" ^git \"x\" ^tag \"a\" ^branch \"b\")",
            "W/app/package.gene:1:16: ^git takes only one of ^commit, ^tag and ^branch",
        ),
        ("($dep \"acme/kit\" \"*\" ^path \"../none\")", "Failed to read 'W/app/../none': No such file or directory"),
        ("5", "W/app/package.gene:1:16: expected ($dep name version)"),
    ] {
        w.file("app/package.gene", &format!("^dependencies [{dependency}]"));
        w.fails("app", &["deps", "update"], &format!("Error: {error}\n"));
        assert!(!w.has("app/package.gene.lock"));
    }
}

#[test]
fn two_versions_of_one_package_get_two_nodes() {
    let w = Work::new();
    w.file("app/package.gene", "^dependencies [($dep \"a/x\" \"*\" ^path \"x1\") ($dep \"a/y\" \"*\" ^path \"y\")]")
        .file(
            "app/main.gene",
            "(import v from \"index\" of \"a/x\") (import w from \"index\" of \"a/y\") (println v w)",
        )
        .file("app/x1/package.gene", "^name \"a/x\" ^version \"1.0.0\"")
        .file("app/x1/index.gene", "(var /v 1)")
        .file("app/x2/package.gene", "^name \"a/x\" ^version \"2.0.0\"")
        .file("app/x2/index.gene", "(var /v 2)")
        .file("app/y/package.gene", "^name \"a/y\" ^dependencies [($dep \"a/x\" \"*\" ^path \"../x2\")]")
        .file("app/y/index.gene", "(import v from \"index\" of \"a/x\") (var /w v)");
    assert_eq!(w.gene("app", &["deps", "install"]).0, 0);
    w.prints("app", &["run", "main.gene"], "1 2\n");
    w.file("app/x2/package.gene", "^name \"a/x\" ^version \"2.0.0\" ^^singleton");
    w.fails("app", &["deps", "update"], "Error: a/x is a singleton but is needed as 1.0.0 and 2.0.0\n");
}

#[test]
fn packages_that_need_each_other_are_installed_once() {
    let w = Work::new();
    w.file("app/package.gene", "^dependencies [($dep \"a/x\" \"*\" ^path \"x\")]")
        .file("app/x/package.gene", "^name \"a/x\" ^dependencies [($dep \"a/y\" \"*\" ^path \"../y\")]")
        .file("app/y/package.gene", "^name \"a/y\" ^dependencies [($dep \"a/x\" \"*\" ^path \"../x\")]");
    w.prints("app", &["deps", "install"], "Installed a/x@0.0.0\nInstalled a/y@0.0.0\n");
    w.prints("app", &["deps", "verify"], "");
}

#[test]
fn packages_are_found_in_the_package_path_and_beside_the_root() {
    let w = Work::new();
    w.file("app/package.gene", "^name \"acme/app\"")
        .file("app/main.gene", "(import v from \"index\" of \"acme/kit\") (println v)")
        .file("else/acme/kit/index.gene", "(var /v \"path\")");
    let path = w.0.join("else");
    let vars = [("GENE_PACKAGE_PATH", Path::new("/none")), ("GENE_PACKAGE_PATH", path.as_path())];
    assert_eq!(w.gene_with("app", &["run", "main.gene"], &vars[..1]).0, 1);
    assert_eq!(w.gene_with("app", &["run", "main.gene"], &vars[1..]).1, "path\n");
    w.file("beside/package.gene", "^name \"acme/kit\"").file("beside/index.gene", "(var /v \"sibling\")");
    w.prints("app", &["run", "main.gene"], "sibling\n");
    // An installed version comes before both, the greatest one first.
    for version in ["1.9.0", "1.10.0"] {
        w.file(&format!("app/.gene/deps/acme/kit/{version}/index.gene"), &format!("(var /v \"{version}\")"));
    }
    w.prints("app", &["run", "main.gene"], "1.10.0\n");
}

#[test]
fn pkg_gives_the_context_of_a_package() {
    let w = app();
    w.file("app/src/inner.gene", "(var /i \"inner\")")
        .file("app/p.gene", "(import i from \"inner\") (println i $pkg $args)");
    let code = "(import i from \"inner\") (println i $pkg/.name $app/.pkg ($cwd .ends_with \"util\"))";
    w.prints("util", &["eval", "--pkg", "../app", code], "inner acme/app <Package acme/app> true\n");
    w.prints("util", &["run", "--pkg", "../app", "p.gene", "x"], "inner <Package acme/app> [x]\n");
    w.prints("app", &["eval", "--pkg", "acme/kit", "(println $pkg/.version)"], "1.0.0\n");
    w.fails(
        "util",
        &["eval", "--pkg", "acme/none", "1"],
        "Error: [GENE.PACKAGE.NOT_FOUND] Package 'acme/none' was not found\n",
    );
}
