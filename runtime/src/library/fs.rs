//! Files and directories: `gene/fs`, `Dir`, the working directory (14.8).
use super::io::{in_pool, on_path};
use crate::{bridge, file_ops, glob};
use gene_vm::def;
use gene_vm::library::args::string;
use gene_vm::native::{Args, NativeDef, R};
use gene_vm::object::temporal::{Clock, DAY, SHOW_SECONDS, UTC};
use gene_vm::value::Value;
use gene_vm::vm::Vm;

on_path!(file_ops::exists, exists, "exists", exists_async, "exists_async");
on_path!(file_ops::is_file, is_file, "is_file", is_file_async, "is_file_async");
on_path!(file_ops::is_dir, is_dir, "is_dir", is_dir_async, "is_dir_async");
on_path!(file_ops::list, list, "list", list_async, "list_async");
on_path!(file_ops::walk, walk, "walk", walk_async, "walk_async");
on_path!(file_ops::remove, remove, "remove", remove_async, "remove_async");
on_path!(file_ops::remove_all, remove_all, "remove_all", remove_all_async, "remove_all_async");
on_path!(file_ops::mkdir, mkdir, "mkdir", mkdir_async, "mkdir_async");
on_path!(file_ops::mkdirs, mkdirs, "mkdirs", mkdirs_async, "mkdirs_async");

/// The two natives of an operation on two paths.
macro_rules! on_two_paths {
    ($op:path, $sync:ident, $sync_name:literal, $async:ident, $async_name:literal) => {
        fn $sync(vm: &mut Vm, a: &Args) -> R {
            let from = string(vm, $sync_name, a.get(0))?;
            let to = string(vm, $sync_name, a.get(1))?;
            bridge::finish(vm, $op(from, to))
        }
        fn $async(vm: &mut Vm, a: &Args) -> R {
            let from = string(vm, $async_name, a.get(0))?.to_owned();
            let to = string(vm, $async_name, a.get(1))?.to_owned();
            in_pool(vm, move || $op(&from, &to))
        }
    };
}

on_two_paths!(file_ops::rename, rename, "rename", rename_async, "rename_async");
on_two_paths!(file_ops::copy, copy, "copy", copy_async, "copy_async");

fn stat(vm: &mut Vm, a: &Args) -> R {
    let path = string(vm, "stat", a.get(0))?;
    let s = match file_ops::stat(path) {
        Ok(s) => s,
        Err(e) => return bridge::finish(vm, Err(e)),
    };
    let m = vm.map_with_capacity(5);
    let kind = vm.str(s.kind);
    let (modified, accessed) = (utc(vm, s.modified), utc(vm, s.accessed));
    let (size, mode) = (vm.int(s.size), vm.int(s.mode));
    for (key, v) in [("size", size), ("type", kind), ("modified", modified), ("accessed", accessed), ("mode", mode)] {
        let key = vm.symbols.intern_static(key);
        vm.map_set(m, key, v);
    }
    Ok(m.value())
}

/// A DateTime in UTC; nil where the system doesn't know.
fn utc(vm: &mut Vm, micros: Option<i64>) -> Value {
    match micros {
        None => Value::NIL,
        Some(us) => {
            let clock = Clock {
                micros: us.rem_euclid(DAY),
                offset: Value::small(0),
                zone: Value::NIL,
                flags: SHOW_SECONDS | UTC,
            };
            vm.date_time(us.div_euclid(DAY), clock)
        }
    }
}

fn glob_paths(vm: &mut Vm, a: &Args) -> R {
    let pattern = string(vm, "glob", a.get(0))?;
    match glob::glob(pattern) {
        Ok(found) => {
            let list = vm.heap.array_with_capacity(found.len());
            for p in found {
                let p = vm.str(&p);
                vm.heap.array_push(list, p);
            }
            Ok(list.value())
        }
        Err(m) => Err(vm.argument_error(&m)),
    }
}

fn temporary(vm: &mut Vm, a: &Args, name: &str, dir: bool) -> R {
    let prefix = match a.opt(0) {
        Some(p) => string(vm, name, p)?,
        None => "gene",
    };
    bridge::finish(vm, file_ops::temporary(prefix, dir))
}

fn temp_file(vm: &mut Vm, a: &Args) -> R {
    temporary(vm, a, "temp_file", false)
}

fn temp_dir(vm: &mut Vm, a: &Args) -> R {
    temporary(vm, a, "temp_dir", true)
}

static FS: [NativeDef; 26] = [
    def!(
        "exists",
        exists,
        1,
        1,
        r#"(gene/fs/exists path) -- whether there is such a file or directory.
        (gene/fs/exists "/no/such/file") => false"#
    ),
    def!(
        "is_file",
        is_file,
        1,
        1,
        r#"(gene/fs/is_file path) -- whether it is there and no directory.
        (gene/fs/is_file "/") => false"#
    ),
    def!(
        "is_dir",
        is_dir,
        1,
        1,
        r#"(gene/fs/is_dir path) -- whether it is a directory.
        (gene/fs/is_dir "/") => true"#
    ),
    def!(
        "stat",
        stat,
        1,
        1,
        r#"(gene/fs/stat path) -- Map of size, type, modified, accessed, mode.
        ((gene/fs/stat "notes.txt") .get "size")"#
    ),
    def!(
        "remove",
        remove,
        1,
        1,
        r#"(gene/fs/remove path) -- removes a file.
        (gene/fs/remove "notes.txt")"#
    ),
    def!(
        "remove_all",
        remove_all,
        1,
        1,
        r#"(gene/fs/remove_all path) -- removes a file or a directory with its contents.
        (gene/fs/remove_all "build")"#
    ),
    def!(
        "rename",
        rename,
        2,
        2,
        r#"(gene/fs/rename from to) -- gives a file or directory another name
        (gene/fs/rename "a.txt" "b.txt")"#
    ),
    def!(
        "copy",
        copy,
        2,
        2,
        r#"(gene/fs/copy from to) -- copies a file.
        (gene/fs/copy "a.txt" "b.txt")"#
    ),
    def!(
        "mkdir",
        mkdir,
        1,
        1,
        r#"(gene/fs/mkdir path) -- makes a directory.
        (gene/fs/mkdir "build")"#
    ),
    def!(
        "mkdirs",
        mkdirs,
        1,
        1,
        r#"(gene/fs/mkdirs path) -- makes a directory and its parents.
        (gene/fs/mkdirs "build/cache")"#
    ),
    def!(
        "list",
        list,
        1,
        1,
        r#"(gene/fs/list path) -- sorted names in a directory.
        (gene/fs/list ".")"#
    ),
    def!(
        "walk",
        walk,
        1,
        1,
        r#"(gene/fs/walk path) -- all paths below, depth first.
        (gene/fs/walk ".")"#
    ),
    def!(
        "glob",
        glob_paths,
        1,
        1,
        r#"(gene/fs/glob pattern) -- sorted paths that match.
        (gene/fs/glob "src/**/*.gene")"#
    ),
    def!(
        "temp_file",
        temp_file,
        0,
        1,
        "(gene/fs/temp_file [prefix]) -- path of a new file.
        (gene/fs/temp_file)"
    ),
    def!(
        "temp_dir",
        temp_dir,
        0,
        1,
        "(gene/fs/temp_dir [prefix]) -- path of a new directory.
        (gene/fs/temp_dir)"
    ),
    def!(
        "exists_async",
        exists_async,
        1,
        1,
        r#"(gene/fs/exists_async path) -- a Future of what gene/fs/exists does
        (await (gene/fs/exists_async "/no/such/file")) => false"#
    ),
    def!(
        "is_file_async",
        is_file_async,
        1,
        1,
        r#"(gene/fs/is_file_async path) -- a Future of what gene/fs/is_file does
        (await (gene/fs/is_file_async "/")) => false"#
    ),
    def!(
        "is_dir_async",
        is_dir_async,
        1,
        1,
        r#"(gene/fs/is_dir_async path) -- a Future of what gene/fs/is_dir does
        (await (gene/fs/is_dir_async "/")) => true"#
    ),
    def!(
        "list_async",
        list_async,
        1,
        1,
        r#"(gene/fs/list_async path) -- a Future of what gene/fs/list does
        (await (gene/fs/list_async "."))"#
    ),
    def!(
        "walk_async",
        walk_async,
        1,
        1,
        r#"(gene/fs/walk_async path) -- a Future of what gene/fs/walk does
        (await (gene/fs/walk_async "."))"#
    ),
    def!(
        "remove_async",
        remove_async,
        1,
        1,
        r#"(gene/fs/remove_async path) -- a Future of what gene/fs/remove does
        (await (gene/fs/remove_async "notes.txt"))"#
    ),
    def!(
        "remove_all_async",
        remove_all_async,
        1,
        1,
        r#"(gene/fs/remove_all_async path) -- a Future of what gene/fs/remove_all does
        (await (gene/fs/remove_all_async "build"))"#
    ),
    def!(
        "mkdir_async",
        mkdir_async,
        1,
        1,
        r#"(gene/fs/mkdir_async path) -- a Future of what gene/fs/mkdir does
        (await (gene/fs/mkdir_async "build"))"#
    ),
    def!(
        "mkdirs_async",
        mkdirs_async,
        1,
        1,
        r#"(gene/fs/mkdirs_async path) -- a Future of what gene/fs/mkdirs does
        (await (gene/fs/mkdirs_async "build/cache"))"#
    ),
    def!(
        "rename_async",
        rename_async,
        2,
        2,
        r#"(gene/fs/rename_async from to) -- a Future of what gene/fs/rename does
        (await (gene/fs/rename_async "a.txt" "b.txt"))"#
    ),
    def!(
        "copy_async",
        copy_async,
        2,
        2,
        r#"(gene/fs/copy_async from to) -- a Future of what gene/fs/copy does
        (await (gene/fs/copy_async "a.txt" "b.txt"))"#
    ),
];

on_path!(file_ops::list_paths, dir_list, "list", dir_list_async, "list_async");

fn dir_exists(vm: &mut Vm, a: &Args) -> R {
    let path = string(vm, "exists", a.get(0))?;
    bridge::finish(vm, file_ops::is_dir(path))
}

fn dir_create(vm: &mut Vm, a: &Args) -> R {
    let path = string(vm, "create", a.get(0))?;
    bridge::finish(vm, file_ops::mkdirs(path))
}

fn dir_delete(vm: &mut Vm, a: &Args) -> R {
    let path = string(vm, "delete", a.get(0))?;
    let result = if a.flag(vm, "recursive") { file_ops::remove_all(path) } else { file_ops::remove_dir(path) };
    bridge::finish(vm, result)
}

static DIR: [NativeDef; 5] = [
    def!(
        "exists",
        dir_exists,
        1,
        1,
        r#"(Dir/exists path) -- whether it is a directory.
        (Dir/exists "/") => true"#
    ),
    def!(
        "list",
        dir_list,
        1,
        1,
        r#"(Dir/list path) -- sorted full paths of what is in it.
        (Dir/list ".")"#
    ),
    def!(
        "list_async",
        dir_list_async,
        1,
        1,
        r#"(Dir/list_async path) -- a Future of what Dir/list does
        (await (Dir/list_async "."))"#
    ),
    def!(
        "create",
        dir_create,
        1,
        1,
        r#"(Dir/create path) -- makes the directory and its parents.
        (Dir/create "build")"#
    ),
    def!(
        "delete",
        dir_delete,
        1,
        1,
        ["recursive"],
        r#"(Dir/delete path ^^recursive) -- removes an empty directory, or all of it.
        (Dir/delete "build")"#
    ),
];

fn cwd(vm: &mut Vm, _: &Args) -> R {
    match std::env::current_dir() {
        Ok(dir) => Ok(vm.str(&dir.to_string_lossy())),
        Err(e) => Err(vm.io_error(&file_ops::message(file_ops::STAT, ".", &crate::reason(&e)))),
    }
}

fn cd(vm: &mut Vm, a: &Args) -> R {
    let path = string(vm, "cd", a.get(0))?;
    match std::env::set_current_dir(path) {
        Ok(()) => Ok(Value::NIL),
        Err(e) => Err(vm.io_error(&file_ops::message(file_ops::CHANGE_TO, path, &crate::reason(&e)))),
    }
}

static DIRECTORY: [NativeDef; 2] = [
    def!(
        "cwd",
        cwd,
        0,
        0,
        "(cwd) -- the working directory.
        (cwd)"
    ),
    def!(
        "cd",
        cd,
        1,
        1,
        r#"(cd path) -- changes the working directory.
        (cd "src")"#
    ),
];

pub fn install(vm: &mut Vm, data: Value) {
    let fs = vm.sub_namespace(vm.gene_ns, "fs");
    bridge::functions(vm, fs, data, &FS);
    let dir = vm.global_namespace("Dir");
    bridge::functions(vm, dir, data, &DIR);
    bridge::globals(vm, data, &DIRECTORY);
    let system = vm.global_namespace("system");
    bridge::functions(vm, system, data, &DIRECTORY);
}
