//! Whole files: `gene/io` (14.8). The plain forms run in place, as a local file is faster than a thread; the `_async` forms
//! give Futures: whole files through async-fs, what needs more than one step on the threads behind it.
use crate::{bridge, file_ops, pool};
use gene_vm::def;
use gene_vm::driver::HostResult;
use gene_vm::library::args::{string, text, wrong_kind};
use gene_vm::native::{Args, NativeDef, R, Stop};
use gene_vm::value::Value;
use gene_vm::vm::Vm;

/// A Future of blocking work.
pub(super) fn in_pool(vm: &mut Vm, work: impl FnOnce() -> HostResult + Send + 'static) -> R {
    Ok(vm.host_future(Box::pin(pool::run(work))))
}

/// A Future of an operation of async-fs.
fn operation(vm: &mut Vm, operation: impl Future<Output = HostResult> + 'static) -> R {
    Ok(vm.host_future(Box::pin(pool::counted(operation))))
}

fn content(vm: &mut Vm, name: &str, v: Value) -> Result<Vec<u8>, Stop> {
    Ok(text(vm, name, v)?.as_bytes().to_vec())
}

fn bytes<'a>(vm: &mut Vm, name: &str, v: Value) -> Result<&'a [u8], Stop> {
    match v.as_bytes() {
        Some(b) => Ok(b),
        None => Err(wrong_kind(vm, name, "Bytes", v)),
    }
}

/// The two natives of an operation on one path.
macro_rules! on_path {
    ($op:path, $sync:ident, $sync_name:literal, $async:ident, $async_name:literal) => {
        fn $sync(vm: &mut Vm, a: &Args) -> R {
            let path = string(vm, $sync_name, a.get(0))?;
            bridge::finish(vm, $op(path))
        }
        fn $async(vm: &mut Vm, a: &Args) -> R {
            let path = string(vm, $async_name, a.get(0))?.to_owned();
            in_pool(vm, move || $op(&path))
        }
    };
}
pub(super) use on_path;

fn read(vm: &mut Vm, a: &Args) -> R {
    let path = string(vm, "read", a.get(0))?;
    bridge::finish(vm, file_ops::read(path))
}

fn read_bytes(vm: &mut Vm, a: &Args) -> R {
    let path = string(vm, "read_bytes", a.get(0))?;
    bridge::finish(vm, file_ops::read_bytes(path))
}

fn read_async(vm: &mut Vm, a: &Args) -> R {
    let path = string(vm, "read_async", a.get(0))?.to_owned();
    operation(vm, file_ops::read_async(path))
}

fn read_bytes_async(vm: &mut Vm, a: &Args) -> R {
    let path = string(vm, "read_bytes_async", a.get(0))?.to_owned();
    operation(vm, file_ops::read_bytes_async(path))
}

on_path!(file_ops::read_lines, read_lines, "read_lines", read_lines_async, "read_lines_async");

fn write(vm: &mut Vm, a: &Args) -> R {
    let path = string(vm, "write", a.get(0))?;
    let s = text(vm, "write", a.get(1))?;
    bridge::finish(vm, file_ops::write(path, s.as_bytes()))
}

fn append(vm: &mut Vm, a: &Args) -> R {
    let path = string(vm, "append", a.get(0))?;
    let s = text(vm, "append", a.get(1))?;
    bridge::finish(vm, file_ops::append(path, s.as_bytes()))
}

fn write_bytes(vm: &mut Vm, a: &Args) -> R {
    let path = string(vm, "write_bytes", a.get(0))?;
    let b = bytes(vm, "write_bytes", a.get(1))?;
    bridge::finish(vm, file_ops::write(path, b))
}

fn write_async(vm: &mut Vm, a: &Args) -> R {
    let path = string(vm, "write_async", a.get(0))?.to_owned();
    let s = content(vm, "write_async", a.get(1))?;
    operation(vm, file_ops::write_async(path, s))
}

fn append_async(vm: &mut Vm, a: &Args) -> R {
    let path = string(vm, "append_async", a.get(0))?.to_owned();
    let s = content(vm, "append_async", a.get(1))?;
    in_pool(vm, move || file_ops::append(&path, &s))
}

fn write_bytes_async(vm: &mut Vm, a: &Args) -> R {
    let path = string(vm, "write_bytes_async", a.get(0))?.to_owned();
    let b = bytes(vm, "write_bytes_async", a.get(1))?.to_vec();
    operation(vm, file_ops::write_async(path, b))
}

static DEFS: [NativeDef; 12] = [
    def!(
        "read",
        read,
        1,
        1,
        r#"(gene/io/read path) -- the whole file as a String.
        (gene/io/read "notes.txt")"#
    ),
    def!(
        "write",
        write,
        2,
        2,
        r#"(gene/io/write path text) -- creates or truncates the file.
        (gene/io/write "notes.txt" "text")"#
    ),
    def!(
        "append",
        append,
        2,
        2,
        r#"(gene/io/append path text) -- writes at the file's end.
        (gene/io/append "notes.txt" "more")"#
    ),
    def!(
        "read_bytes",
        read_bytes,
        1,
        1,
        r#"(gene/io/read_bytes path) -- the whole file as Bytes.
        (gene/io/read_bytes "picture.png")"#
    ),
    def!(
        "write_bytes",
        write_bytes,
        2,
        2,
        r#"(gene/io/write_bytes path bytes) -- creates or truncates the file.
        (gene/io/write_bytes "data.bin" (Bytes/from [1 2]))"#
    ),
    def!(
        "read_lines",
        read_lines,
        1,
        1,
        r#"(gene/io/read_lines path) -- Array of lines without their ends.
        (gene/io/read_lines "notes.txt")"#
    ),
    def!(
        "read_async",
        read_async,
        1,
        1,
        r#"(gene/io/read_async path) -- Future of the whole file as a String.
        (await (gene/io/read_async "notes.txt"))"#
    ),
    def!(
        "write_async",
        write_async,
        2,
        2,
        r#"(gene/io/write_async path text) -- Future of nil.
        (await (gene/io/write_async "notes.txt" "text"))"#
    ),
    def!(
        "append_async",
        append_async,
        2,
        2,
        r#"(gene/io/append_async path text) -- Future of nil.
        (await (gene/io/append_async "notes.txt" "more"))"#
    ),
    def!(
        "read_bytes_async",
        read_bytes_async,
        1,
        1,
        r#"(gene/io/read_bytes_async path) -- Future of Bytes.
        (await (gene/io/read_bytes_async "picture.png"))"#
    ),
    def!(
        "write_bytes_async",
        write_bytes_async,
        2,
        2,
        r#"(gene/io/write_bytes_async path bytes) -- Future of nil.
        (await (gene/io/write_bytes_async "data.bin" (Bytes/from [1 2])))"#
    ),
    def!(
        "read_lines_async",
        read_lines_async,
        1,
        1,
        r#"(gene/io/read_lines_async path) -- Future of an Array of lines.
        (await (gene/io/read_lines_async "notes.txt"))"#
    ),
];

pub fn install(vm: &mut Vm, data: Value) {
    let io = vm.sub_namespace(vm.gene_ns, "io");
    bridge::functions(vm, io, data, &DEFS);
    // `io/x` and `gene/io/x` are the same.
    let name = vm.symbols.intern_static("io");
    vm.heap.namespace_set(vm.globals, name, io.value());
}
