//! Class `File`: a file by name, and `File/open` (14.8).
use super::stream::{End, Stream};
use crate::bridge;
use crate::file_ops::{self, OPEN};
use crate::file_stream::{FileStream, Mode};
use crate::host::host;
use gene_vm::def;
use gene_vm::driver::HostResult;
use gene_vm::heap::Kind;
use gene_vm::library::args::{string, text, wrong_kind};
use gene_vm::native::{Args, NativeDef, R, Stop};
use gene_vm::object::map::Map;
use gene_vm::value::Value;
use gene_vm::vm::Vm;
use std::cell::RefCell;
use std::rc::Rc;

fn open(vm: &mut Vm, a: &Args) -> R {
    let path = string(vm, "open", a.get(0))?;
    let mode = match a.opt(1) {
        Some(m) => string(vm, "open", m)?,
        None => "r",
    };
    let Some(mode) = Mode::from_name(mode) else {
        return Err(vm.argument_error(&format!("Unknown file mode: {mode}")));
    };
    match FileStream::open(path, mode) {
        Ok(file) => {
            let file = Rc::new(RefCell::new(file));
            if mode != Mode::Read {
                host(vm, a)?.track(&file);
            }
            Ok(vm.heap.foreign(Box::new(Stream::new(path, End::File(file)))))
        }
        Err(e) => Err(vm.io_error(&file_ops::message(OPEN, path, &crate::reason(&e)))),
    }
}

fn exists(vm: &mut Vm, a: &Args) -> R {
    let path = string(vm, "exists", a.get(0))?;
    bridge::finish(vm, file_ops::is_file(path))
}

static STATICS: [NativeDef; 2] = [
    def!(
        "open",
        open,
        1,
        2,
        r#"(File/open path [mode]) -- a stream; modes are r, w, a and r+.
        (with [f (File/open "notes.txt")] (for line in f (println line)))"#
    ),
    def!(
        "exists",
        exists,
        1,
        1,
        r#"(File/exists path) -- whether it is there and no directory.
        (File/exists "/no/such/file") => false"#
    ),
];

fn ctor(vm: &mut Vm, a: &Args) -> R {
    string(vm, "File", a.get(0))?;
    let Some(this) = a.this().get::<Map>(Kind::Instance) else {
        return Err(wrong_kind(vm, "File", "File", a.this()));
    };
    let key = vm.symbols.intern_static("path");
    vm.map_set(this, key, a.get(0));
    Ok(a.this())
}

/// The path of a File. Its field can be changed to anything.
fn path_of<'a>(vm: &mut Vm, a: &Args) -> Result<&'a str, Stop> {
    let Some(this) = a.this().get::<Map>(Kind::Instance) else {
        return Err(wrong_kind(vm, "File method", "File", a.this()));
    };
    let key = vm.symbols.intern_static("path");
    let path = vm.map_get(this, key).unwrap_or(Value::NIL);
    string(vm, "File", path)
}

fn on(vm: &mut Vm, a: &Args, op: fn(&str) -> HostResult) -> R {
    let path = path_of(vm, a)?;
    bridge::finish(vm, op(path))
}

fn path(vm: &mut Vm, a: &Args) -> R {
    let path = path_of(vm, a)?;
    Ok(vm.str(path))
}

fn read(vm: &mut Vm, a: &Args) -> R {
    on(vm, a, file_ops::read)
}

fn write(vm: &mut Vm, a: &Args) -> R {
    let path = path_of(vm, a)?;
    let s = text(vm, "write", a.get(0))?;
    bridge::finish(vm, file_ops::write(path, s.as_bytes()))
}

fn is_there(vm: &mut Vm, a: &Args) -> R {
    on(vm, a, file_ops::is_file)
}

fn delete(vm: &mut Vm, a: &Args) -> R {
    on(vm, a, file_ops::remove)
}

fn size(vm: &mut Vm, a: &Args) -> R {
    on(vm, a, file_ops::size)
}

static METHODS: [NativeDef; 6] = [
    def!(
        "path",
        path,
        0,
        0,
        r#"(f .path) -- the path it was made with
        ((new File "notes.txt") .path) => "notes.txt""#
    ),
    def!(
        "read",
        read,
        0,
        0,
        r#"(f .read) -- the whole file as a String.
        ((new File "notes.txt") .read)"#
    ),
    def!(
        "write",
        write,
        1,
        1,
        r#"(f .write text) -- creates or truncates the file.
        ((new File "notes.txt") .write "text")"#
    ),
    def!(
        "exists",
        is_there,
        0,
        0,
        r#"(f .exists) -- whether it is there and no directory.
        ((new File "/no/such/file") .exists) => false"#
    ),
    def!(
        "delete",
        delete,
        0,
        0,
        r#"(f .delete) -- removes it.
        ((new File "notes.txt") .delete)"#
    ),
    def!(
        "size",
        size,
        0,
        0,
        r#"(f .size) -- bytes.
        ((new File "notes.txt") .size)"#
    ),
];

static CTOR: NativeDef = def!(
    "File",
    ctor,
    1,
    1,
    r#"(new File path) -- names a file.
        ((new File "notes.txt") .path) => "notes.txt""#
);

pub fn install(vm: &mut Vm, data: Value) {
    let name = vm.symbols.intern_static("File");
    let parent = vm.classes.object.value();
    let class = vm.make_class(name, parent, 1);
    class.data().ctor = vm.heap.native(&CTOR, data);
    vm.heap.barrier(class);
    bridge::statics(vm, class, data, &STATICS);
    bridge::methods(vm, class, data, &METHODS);
    vm.heap.namespace_set(vm.globals, name, class.value());
    vm.heap.namespace_set(vm.gene_ns, name, class.value());
}
