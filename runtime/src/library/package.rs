//! `$pkg` and `$app`, and what they tell (8.8).
use super::hidden;
use crate::host::Host;
use crate::package::{Dependency, Manifest};
use crate::path;
use gene_vm::def;
use gene_vm::driver::LoadError;
use gene_vm::heap::{Gc, Kind, Record};
use gene_vm::native::{Args, NativeDef, R, Stop};
use gene_vm::object::map::Map;
use gene_vm::value::Value;
use gene_vm::vm::Vm;
use std::path::Path;

/// Member of the globals that holds the packages seen so far, by root. No script can write the name.
const PACKAGES: &str = "%packages";
const APPLICATION: &str = "%application";

/// The package of module `module`.
pub fn current(vm: &mut Vm, host: &Host, module: u32) -> R {
    let dir = vm.modules.get(module as usize).and_then(|m| m.dir.clone());
    let dir = dir.unwrap_or_else(|| host.start_dir.clone().into());
    let dir = path::absolute(&dir.to_string_lossy(), &host.start_dir);
    let root = host.packages.borrow_mut().root_of(Path::new(&dir));
    let (root, manifest) = match root {
        Some(root) => {
            let manifest = host.packages.borrow_mut().manifest(&root);
            match manifest {
                Ok(m) => (root.to_string_lossy().into_owned(), (*m).clone()),
                Err(e) => return Err(raise(vm, e)),
            }
        }
        None => {
            // In no package: the script's directory stands for one.
            let main = host.packages.borrow().program_dir().map(|dir| dir.to_string_lossy().into_owned());
            (path::absolute(&main.unwrap_or_default(), &host.start_dir), Manifest::default())
        }
    };
    let seen = match hidden(vm, PACKAGES).and_then(|v| v.get::<Map>(Kind::Map)) {
        Some(m) => m,
        None => {
            let m = vm.map();
            let name = vm.symbols.intern_static(PACKAGES);
            vm.heap.namespace_set(vm.globals, name, m.value());
            m
        }
    };
    let key = vm.sym(&root);
    if let Some(package) = vm.map_get(seen, key) {
        return Ok(package);
    }
    let package = package_value(vm, &root, &manifest);
    vm.map_set(seen, key, package);
    Ok(package)
}

/// The program, with its package.
pub fn application(vm: &mut Vm, host: &Host) -> R {
    if let Some(app) = hidden(vm, APPLICATION) {
        return Ok(app);
    }
    let main = vm.main_module;
    let package = current(vm, host, main)?;
    let app = vm.heap.record(Kind::Application, 0, &[package]).value();
    let name = vm.symbols.intern_static(APPLICATION);
    vm.heap.namespace_set(vm.globals, name, app);
    Ok(app)
}

fn raise(vm: &mut Vm, e: LoadError) -> Stop {
    match e {
        LoadError::Malformed { message } => vm.parse_error(&message),
        LoadError::Package { message } => vm.runtime_error(&message),
        LoadError::Unreadable { path, reason } => {
            vm.io_error(&crate::file_ops::message(crate::file_ops::READ, &path, &reason))
        }
        LoadError::NotFound { .. } => vm.runtime_error("package not found"),
    }
}

fn opt(vm: &mut Vm, text: Option<&String>) -> Value {
    match text {
        Some(text) => vm.str(text),
        None => Value::NIL,
    }
}

fn package_value(vm: &mut Vm, root: &str, m: &Manifest) -> Value {
    let dependencies = vm.heap.array_with_capacity(m.dependencies.len());
    for d in &m.dependencies {
        let d = dependency_value(vm, d);
        vm.heap.array_push(dependencies, d);
    }
    let (source_dir, test_dir) = (path::absolute(&m.source_dir, root), path::absolute(&m.test_dir, root));
    let items = [
        opt(vm, m.name.as_ref()),
        opt(vm, m.version.as_ref()),
        opt(vm, m.license.as_ref()),
        opt(vm, m.homepage.as_ref()),
        vm.str(root),
        vm.str(&source_dir),
        vm.str(&m.main_module),
        vm.str(&test_dir),
        dependencies.value(),
    ];
    vm.heap.record(Kind::Package, 0, &items).value()
}

/// `($dep name version ^option text ...)` as data.
fn dependency_value(vm: &mut Vm, d: &Dependency) -> Value {
    let props = vm.map();
    let git = d.git.as_ref();
    let options = [
        ("path", d.path.as_ref()),
        ("subdir", d.subdir.as_ref()),
        ("git", git.map(|g| &g.url)),
        ("commit", git.and_then(|g| g.commit.as_ref())),
        ("tag", git.and_then(|g| g.tag.as_ref())),
        ("branch", git.and_then(|g| g.branch.as_ref())),
    ];
    for (name, text) in options {
        if let Some(text) = text {
            let (key, text) = (vm.symbols.intern_static(name), vm.str(text));
            vm.map_set(props, key, text);
        }
    }
    let ty = Value::sym(vm.symbols.intern_static("$dep"));
    let children = [vm.str(&d.name), vm.str(&d.version)];
    let children = vm.array(&children);
    vm.heap.record(Kind::Gene, 0, &[ty, props.value(), children, Value::NIL]).value()
}

/// Element of the receiver's record that the running method gives: its place is the data bound to it.
fn part(_: &mut Vm, a: &Args) -> R {
    let record: Option<Gc<Record>> = a.this().get(Kind::Package).or_else(|| a.this().get(Kind::Application));
    let at = a.data.as_int().unwrap_or(0) as usize;
    Ok(record.filter(|r| at < r.len()).map_or(Value::NIL, |r| r.slot(at)))
}

/// In the order of the elements of a package record.
static PACKAGE: [NativeDef; 9] = [
    def!(
        "name",
        part,
        0,
        0,
        r#"($pkg .name) -- "parent/pkg", nil outside of packages.
        ($pkg .name)"#
    ),
    def!(
        "version",
        part,
        0,
        0,
        "($pkg .version) -- as the manifest has it, or nil.
        ($pkg .version)"
    ),
    def!(
        "license",
        part,
        0,
        0,
        "($pkg .license) -- as the manifest has it, or nil.
        ($pkg .license)"
    ),
    def!(
        "homepage",
        part,
        0,
        0,
        "($pkg .homepage) -- as the manifest has it, or nil.
        ($pkg .homepage)"
    ),
    def!(
        "dir",
        part,
        0,
        0,
        "($pkg .dir) -- the directory with the manifest.
        ($pkg .dir)"
    ),
    def!(
        "source_dir",
        part,
        0,
        0,
        "($pkg .source_dir) -- where its modules are.
        ($pkg .source_dir)"
    ),
    def!(
        "main_module",
        part,
        0,
        0,
        r#"($pkg .main_module) -- what importing "index" means for others.
        ($pkg .main_module)"#
    ),
    def!(
        "test_dir",
        part,
        0,
        0,
        "($pkg .test_dir) -- where its tests are.
        ($pkg .test_dir)"
    ),
    def!(
        "dependencies",
        part,
        0,
        0,
        "($pkg .dependencies) -- ($dep ...) data.
        ($pkg .dependencies)"
    ),
];

static APP: [NativeDef; 1] = [def!(
    "pkg",
    part,
    0,
    0,
    "($app .pkg) -- the package of the program.
        (($app .pkg) .name)"
)];

pub fn install(vm: &mut Vm, _: Value) {
    for (kind, defs) in [(Kind::Package, &PACKAGE[..]), (Kind::Application, &APP[..])] {
        let class = vm.classes.by_kind[kind as usize];
        for (at, def) in defs.iter().enumerate() {
            let name = vm.symbols.intern_static(def.name);
            let f = vm.heap.native(def, Value::small(at as i64));
            vm.class_define(class, name, f);
        }
    }
}
