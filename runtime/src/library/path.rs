//! Paths as text: `io/path_*` (14.8).
use crate::{bridge, path};
use gene_vm::def;
use gene_vm::library::args::string;
use gene_vm::native::{Args, NativeDef, R, Stop, VARIADIC};
use gene_vm::value::Value;
use gene_vm::vm::Vm;

fn working_dir() -> String {
    // Without a working directory relative paths mean nothing; the root at least gives an absolute path.
    std::env::current_dir().map_or_else(|_| "/".to_owned(), |d| d.to_string_lossy().into_owned())
}

fn path_join(vm: &mut Vm, a: &Args) -> R {
    let mut parts = Vec::with_capacity(a.len());
    for &v in a.rest() {
        parts.push(string(vm, "path_join", v)?);
    }
    Ok(vm.str(&path::join(parts)))
}

fn part(vm: &mut Vm, a: &Args, name: &str, f: fn(&str) -> &str) -> R {
    let p = string(vm, name, a.get(0))?;
    Ok(vm.str(f(p)))
}

fn path_basename(vm: &mut Vm, a: &Args) -> R {
    part(vm, a, "path_basename", path::basename)
}

fn path_dirname(vm: &mut Vm, a: &Args) -> R {
    part(vm, a, "path_dirname", path::dirname)
}

fn path_ext(vm: &mut Vm, a: &Args) -> R {
    part(vm, a, "path_ext", path::extension)
}

fn path_stem(vm: &mut Vm, a: &Args) -> R {
    part(vm, a, "path_stem", path::stem)
}

fn path_abs(vm: &mut Vm, a: &Args) -> R {
    let p = string(vm, "path_abs", a.get(0))?;
    Ok(vm.str(&path::absolute(p, &working_dir())))
}

fn path_normalize(vm: &mut Vm, a: &Args) -> R {
    let p = string(vm, "path_normalize", a.get(0))?;
    Ok(vm.str(&path::normalize(p)))
}

fn path_relative(vm: &mut Vm, a: &Args) -> R {
    let p = string(vm, "path_relative", a.get(0))?;
    let base = string(vm, "path_relative", a.get(1))?;
    Ok(vm.str(&path::relative(p, base, &working_dir())))
}

fn path_split(vm: &mut Vm, a: &Args) -> Result<Value, Stop> {
    let p = string(vm, "path_split", a.get(0))?;
    let parts = path::split(p);
    let list = vm.heap.array_with_capacity(parts.len());
    for part in parts {
        let part = vm.str(part);
        vm.heap.array_push(list, part);
    }
    Ok(list.value())
}

static DEFS: [NativeDef; 9] = [
    def!(
        "path_join",
        path_join,
        0,
        VARIADIC,
        r#"(io/path_join a...) -- the parts with separators between them.
        (gene/io/path_join "a" "b.txt") => "a/b.txt""#
    ),
    def!(
        "path_abs",
        path_abs,
        1,
        1,
        r#"(io/path_abs path) -- from the root, normalized.
        (gene/io/path_abs "/a/../b") => "/b""#
    ),
    def!(
        "path_basename",
        path_basename,
        1,
        1,
        r#"(io/path_basename path) -- the last part.
        (gene/io/path_basename "/a/b.txt") => "b.txt""#
    ),
    def!(
        "path_dirname",
        path_dirname,
        1,
        1,
        r#"(io/path_dirname path) -- all but the last part.
        (gene/io/path_dirname "/a/b.txt") => "/a""#
    ),
    def!(
        "path_ext",
        path_ext,
        1,
        1,
        r#"(io/path_ext path) -- the extension with its dot, or "".
        (gene/io/path_ext "/a/b.txt") => ".txt""#
    ),
    def!(
        "path_stem",
        path_stem,
        1,
        1,
        r#"(io/path_stem path) -- the last part without extension.
        (gene/io/path_stem "/a/b.txt") => "b""#
    ),
    def!(
        "path_normalize",
        path_normalize,
        1,
        1,
        r#"(io/path_normalize path) -- without `.`, `..` and doubled separators.
        (gene/io/path_normalize "a/./b/../c") => "a/c""#
    ),
    def!(
        "path_relative",
        path_relative,
        2,
        2,
        r#"(io/path_relative path base) -- how to get from base to path.
        (gene/io/path_relative "/a/b" "/a/c") => "../b""#
    ),
    def!(
        "path_split",
        path_split,
        1,
        1,
        r#"(io/path_split path) -- Array of the parts.
        (gene/io/path_split "/a/b") => ["/" "a" "b"]"#
    ),
];

pub fn install(vm: &mut Vm, data: Value) {
    let io = vm.sub_namespace(vm.gene_ns, "io");
    bridge::functions(vm, io, data, &DEFS);
}
