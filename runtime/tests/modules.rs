//! Modules in a session that goes on after errors.
use gene::Vm;
use std::path::PathBuf;

/// A directory for one test.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Dir {
        let dir = std::env::temp_dir().join(format!("gene-modules-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        Dir(dir)
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_string_lossy().into_owned()
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn session() -> Vm {
    Vm::builder().capture_output().build()
}

#[test]
fn a_module_that_failed_is_loaded_again() {
    let dir = Dir::new("failed");
    let path = dir.file("m.gene", "(var /early 1) (throw \"not yet\")");
    let mut vm = session();
    assert!(vm.eval(&format!("(import early from \"{path}\")")).is_err());
    dir.file("m.gene", "(println \"loaded\") (var /late 2)");
    let h = vm.eval(&format!("(import late from \"{path}\") late")).unwrap();
    assert_eq!(vm.as_int(&h), Some(2));
    // Once is enough.
    vm.eval(&format!("(import late:again from \"{path}\")")).unwrap();
    assert_eq!(vm.captured_stdout(), "loaded\n");
}

#[test]
fn a_module_that_did_not_compile_is_loaded_again() {
    let dir = Dir::new("broken");
    let path = dir.file("m.gene", "(var /x (");
    let mut vm = session();
    assert!(vm.eval(&format!("(import x from \"{path}\")")).is_err());
    dir.file("m.gene", "(var /x 3)");
    let h = vm.eval(&format!("(import x from \"{path}\") x")).unwrap();
    assert_eq!(vm.as_int(&h), Some(3));
}

#[test]
fn an_import_without_names_runs_the_module_once() {
    let dir = Dir::new("once");
    let path = dir.file("m.gene", "(println \"side effect\")");
    let mut vm = session();
    for _ in 0..2 {
        vm.eval(&format!("(import from \"{path}\")")).unwrap();
    }
    assert_eq!(vm.captured_stdout(), "side effect\n");
}
