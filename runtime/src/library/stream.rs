//! Streams: open files and the standard streams (14.8).
//!
//! Files are read and written in place. Reading standard input suspends the task until there is something to give.
use crate::bridge;
use crate::buffered::Want;
use crate::file_ops::{self, READ, WRITE};
use crate::file_stream::FileStream;
use crate::host::{Host, host};
use gene_vm::def;
use gene_vm::driver::{HostError, HostResult, HostValue};
use gene_vm::library::args::{int, wrong_kind};
use gene_vm::native::{Args, NativeDef, R, Stop, VARIADIC};
use gene_vm::object::foreign::Foreign;
use gene_vm::value::Value;
use gene_vm::vm::Vm;
use std::any::Any;
use std::cell::RefCell;
use std::future::poll_fn;
use std::io::{self, Write};
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};

pub const CLASS: &str = "Stream";

#[derive(Clone)]
pub enum End {
    File(Rc<RefCell<FileStream>>),
    Stdin,
    Stdout,
    Stderr,
}

pub struct Stream {
    /// As given to `File/open`, or `stdin`, `stdout`, `stderr`.
    path: String,
    end: End,
    closed: bool,
    waits: Rc<RefCell<Waits>>,
}

/// The reads of one stream that wait: its end is theirs.
#[derive(Default)]
pub struct Waits {
    closed: bool,
    /// With a sign of life of the read.
    wakers: Vec<(Weak<()>, Waker)>,
}

impl Stream {
    pub fn new(path: &str, end: End) -> Stream {
        Stream { path: path.to_owned(), end, closed: false, waits: Rc::default() }
    }

    /// Whoever waits for the stream gets a ClosedException; what comes in later is left for others.
    fn end_waits(&self) {
        let wakers = {
            let mut waits = self.waits.borrow_mut();
            waits.closed = true;
            std::mem::take(&mut waits.wakers)
        };
        wakers.into_iter().for_each(|(_, w)| w.wake());
    }
}

impl Waits {
    fn poll(&mut self, read: &Rc<()>, cx: &Context) -> Poll<HostError> {
        if self.closed {
            return Poll::Ready(HostError { class: "ClosedException", message: "Stream is closed".to_owned() });
        }
        if !self.wakers.iter().any(|(_, w)| w.will_wake(cx.waker())) {
            self.wakers.retain(|(read, _)| read.strong_count() > 0);
            self.wakers.push((Rc::downgrade(read), cx.waker().clone()));
        }
        Poll::Pending
    }
}

impl Foreign for Stream {
    fn class_name(&self) -> &'static str {
        CLASS
    }
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

/// What a reading method gives.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A String; nil at the end.
    Text,
    /// Bytes; nil at the end.
    Bytes,
    /// Array of Strings.
    Lines,
    /// A String; not_found at the end.
    Element,
    /// Whether the end is reached.
    AtEnd,
}

/// The value of what was read, which came from `path`.
pub fn shaped(path: &str, shape: Shape, got: Result<Option<Vec<u8>>, String>) -> HostResult {
    let fail = |reason: &str| HostError { class: "IOError", message: file_ops::message(READ, path, reason) };
    let got = got.map_err(|reason| fail(&reason))?;
    if shape == Shape::AtEnd {
        return Ok(HostValue::Bool(got.is_none()));
    }
    let Some(bytes) = got else {
        return Ok(if shape == Shape::Element { HostValue::NotFound } else { HostValue::Nil });
    };
    if shape == Shape::Bytes {
        return Ok(HostValue::Bytes(bytes));
    }
    let text = String::from_utf8(bytes).map_err(|_| fail("invalid UTF-8"))?;
    Ok(match shape {
        Shape::Lines => HostValue::List(text.lines().map(|l| HostValue::Str(l.to_owned())).collect()),
        _ => HostValue::Str(text),
    })
}

/// Reads standard input, suspending the task if need be. `waits`: of the stream it is read through.
pub fn read_stdin(vm: &mut Vm, host: &mut Host, waits: Rc<RefCell<Waits>>, want: Want, shape: Shape) -> R {
    if let Some(got) = host.input.try_read(want) {
        return bridge::finish(vm, shaped("stdin", shape, got));
    }
    // Whoever is to type should see what was printed so far.
    vm.output.flush();
    let reader = host.input.reader();
    let life = Rc::new(());
    let read = poll_fn(move |cx| match waits.borrow_mut().poll(&life, cx) {
        Poll::Ready(closed) => Poll::Ready(Err(closed)),
        Poll::Pending => reader.poll(want, cx).map(|got| shaped("stdin", shape, got)),
    });
    bridge::wait(vm, Box::pin(read))
}

/// The open stream a method is called on.
fn this<'a>(vm: &mut Vm, a: &Args) -> Result<&'a mut Stream, Stop> {
    match a.this().foreign::<Stream>() {
        None => Err(wrong_kind(vm, "Stream method", CLASS, a.this())),
        Some(s) if s.closed => Err(vm.io_error("Stream is closed")),
        Some(s) => Ok(s),
    }
}

fn failed(vm: &mut Vm, op: &str, path: &str, e: &io::Error) -> Stop {
    vm.io_error(&file_ops::message(op, path, &crate::reason(e)))
}

fn unsupported(vm: &mut Vm, op: &str, path: &str, reason: &str) -> Stop {
    vm.io_error(&file_ops::message(op, path, reason))
}

const BAD: &str = "Bad file descriptor";
const NO_SEEK: &str = "Illegal seek";

fn read_as(vm: &mut Vm, a: &Args, want: Want, shape: Shape) -> R {
    let s = this(vm, a)?;
    match &s.end {
        End::File(file) => {
            let got = file.borrow_mut().read(want).map_err(|e| crate::reason(&e));
            bridge::finish(vm, shaped(&s.path, shape, got))
        }
        End::Stdin => {
            let waits = s.waits.clone();
            let host = host(vm, a)?;
            read_stdin(vm, host, waits, want, shape)
        }
        End::Stdout | End::Stderr => Err(unsupported(vm, READ, &s.path, BAD)),
    }
}

fn count(vm: &mut Vm, name: &str, v: Value) -> Result<usize, Stop> {
    let n = int(vm, name, v)?;
    usize::try_from(n).map_err(|_| vm.argument_error(&format!("{name} expects a count, got {n}")))
}

fn read(vm: &mut Vm, a: &Args) -> R {
    match a.opt(0) {
        None => read_as(vm, a, Want::Rest, Shape::Text),
        Some(n) => {
            let n = count(vm, "read", n)?;
            read_as(vm, a, Want::Chars(n), Shape::Text)
        }
    }
}

fn read_bytes(vm: &mut Vm, a: &Args) -> R {
    match a.opt(0) {
        None => read_as(vm, a, Want::Rest, Shape::Bytes),
        Some(n) => {
            let n = count(vm, "read_bytes", n)?;
            read_as(vm, a, Want::Bytes(n), Shape::Bytes)
        }
    }
}

fn read_line(vm: &mut Vm, a: &Args) -> R {
    read_as(vm, a, Want::Line, Shape::Text)
}

fn read_lines(vm: &mut Vm, a: &Args) -> R {
    read_as(vm, a, Want::Rest, Shape::Lines)
}

fn next(vm: &mut Vm, a: &Args) -> R {
    read_as(vm, a, Want::Line, Shape::Element)
}

fn iter(vm: &mut Vm, a: &Args) -> R {
    this(vm, a)?;
    Ok(a.this())
}

fn at_end(vm: &mut Vm, a: &Args) -> R {
    let s = this(vm, a)?;
    match &s.end {
        End::File(file) => match file.borrow_mut().at_end() {
            Ok(end) => Ok(Value::bool(end)),
            Err(e) => Err(failed(vm, READ, &s.path, &e)),
        },
        _ => read_as(vm, a, Want::Peek, Shape::AtEnd),
    }
}

fn write_all(vm: &mut Vm, a: &Args, bytes: &[u8]) -> R {
    let s = this(vm, a)?;
    match &s.end {
        End::File(file) => {
            if let Err(e) = file.borrow_mut().write(bytes) {
                return Err(failed(vm, WRITE, &s.path, &e));
            }
        }
        End::Stdin => return Err(unsupported(vm, WRITE, &s.path, BAD)),
        end @ (End::Stdout | End::Stderr) => {
            let out = matches!(end, End::Stdout);
            match std::str::from_utf8(bytes) {
                Ok(text) if out => vm.output.stdout(text),
                Ok(text) => vm.output.stderr(text),
                Err(_) => raw(vm, a, out, bytes)?,
            }
        }
    }
    Ok(Value::NIL)
}

/// Bytes that are no text go past the VM's output, which takes text only.
fn raw(vm: &mut Vm, a: &Args, out: bool, bytes: &[u8]) -> Result<(), Stop> {
    if host(vm, a)?.captured {
        let text = String::from_utf8_lossy(bytes);
        if out {
            vm.output.stdout(&text)
        } else {
            vm.output.stderr(&text)
        }
        return Ok(());
    }
    vm.output.flush();
    let result = if out {
        let mut stdout = io::stdout().lock();
        stdout.write_all(bytes).and_then(|()| stdout.flush())
    } else {
        io::stderr().lock().write_all(bytes)
    };
    result.map_err(|e| failed(vm, WRITE, if out { "stdout" } else { "stderr" }, &e))
}

/// Strings and Bytes as they are, other values in display form; nothing between them.
fn write_values(vm: &mut Vm, a: &Args, line: bool) -> R {
    this(vm, a)?;
    let mut out = Vec::new();
    for &v in a.rest() {
        if let Some(b) = v.as_bytes() {
            out.extend_from_slice(b);
        } else if let Some(s) = v.as_str() {
            out.extend_from_slice(s.as_bytes());
        } else {
            out.extend_from_slice(vm.to_display(v)?.as_bytes());
        }
    }
    if line {
        out.push(b'\n');
    }
    write_all(vm, a, &out)
}

fn write(vm: &mut Vm, a: &Args) -> R {
    write_values(vm, a, false)
}

fn write_line(vm: &mut Vm, a: &Args) -> R {
    write_values(vm, a, true)
}

fn flush(vm: &mut Vm, a: &Args) -> R {
    let s = this(vm, a)?;
    match &s.end {
        End::File(file) => {
            if let Err(e) = file.borrow_mut().flush() {
                return Err(failed(vm, WRITE, &s.path, &e));
            }
        }
        End::Stdout => vm.output.flush(),
        End::Stdin | End::Stderr => {}
    }
    Ok(Value::NIL)
}

fn seek(vm: &mut Vm, a: &Args) -> R {
    let s = this(vm, a)?;
    let n = count(vm, "seek", a.get(0))?;
    match &s.end {
        End::File(file) => match file.borrow_mut().seek(n as u64) {
            Ok(()) => Ok(Value::NIL),
            Err(e) => Err(failed(vm, "seek", &s.path, &e)),
        },
        _ => Err(unsupported(vm, "seek", &s.path, NO_SEEK)),
    }
}

fn tell(vm: &mut Vm, a: &Args) -> R {
    let s = this(vm, a)?;
    match &s.end {
        End::File(file) => match file.borrow_mut().tell() {
            Ok(n) => Ok(vm.int(n as i64)),
            Err(e) => Err(failed(vm, "seek", &s.path, &e)),
        },
        _ => Err(unsupported(vm, "seek", &s.path, NO_SEEK)),
    }
}

/// Closing twice is fine.
fn close(vm: &mut Vm, a: &Args) -> R {
    let Some(s) = a.this().foreign::<Stream>() else {
        return Err(wrong_kind(vm, "Stream method", CLASS, a.this()));
    };
    if !s.closed {
        flush(vm, a)?;
        s.closed = true;
        s.end_waits();
        // The descriptor goes with the last reference.
        s.end = End::Stdin;
    }
    Ok(Value::NIL)
}

fn is_closed(vm: &mut Vm, a: &Args) -> R {
    match a.this().foreign::<Stream>() {
        Some(s) => Ok(Value::bool(s.closed)),
        None => Err(wrong_kind(vm, "Stream method", CLASS, a.this())),
    }
}

fn is_terminal(vm: &mut Vm, a: &Args) -> R {
    use std::io::IsTerminal;
    let s = this(vm, a)?;
    let captured = host(vm, a)?.captured;
    Ok(Value::bool(match &s.end {
        End::File(file) => file.borrow().is_terminal(),
        End::Stdin => !captured && io::stdin().is_terminal(),
        End::Stdout => !captured && io::stdout().is_terminal(),
        End::Stderr => !captured && io::stderr().is_terminal(),
    }))
}

fn path(vm: &mut Vm, a: &Args) -> R {
    match a.this().foreign::<Stream>() {
        Some(s) => Ok(vm.str(&s.path)),
        None => Err(wrong_kind(vm, "Stream method", CLASS, a.this())),
    }
}

static METHODS: [NativeDef; 17] = [
    def!(
        "read",
        read,
        0,
        1,
        "(s .read [n]) -- the rest, or n characters; nil at the end.
        (f .read)"
    ),
    def!(
        "read_bytes",
        read_bytes,
        0,
        1,
        "(s .read_bytes [n]) -- the rest, or at most n bytes; nil at the end.
        (f .read_bytes 16)"
    ),
    def!(
        "read_line",
        read_line,
        0,
        0,
        "(s .read_line) -- the next line without its end; nil at the end.
        (f .read_line)"
    ),
    def!(
        "read_lines",
        read_lines,
        0,
        0,
        "(s .read_lines) -- Array of the remaining lines.
        (f .read_lines)"
    ),
    def!(
        "next",
        next,
        0,
        0,
        "(s .next) -- the next line; not_found at the end.
        (f .next)"
    ),
    def!(
        "iter",
        iter,
        0,
        0,
        "(s .iter) -- the stream itself, which gives lines.
        (for line in f (println line))"
    ),
    def!(
        "eof?",
        at_end,
        0,
        0,
        "(s .eof?) -- whether everything is read.
        (f .eof?)"
    ),
    def!(
        "write",
        write,
        0,
        VARIADIC,
        r#"(s .write v...) -- the display forms; Bytes as they are.
        (f .write "a" 1)"#
    ),
    def!(
        "write_line",
        write_line,
        0,
        VARIADIC,
        r#"(s .write_line v...) -- as write, with a line end.
        (f .write_line "a")"#
    ),
    def!(
        "flush",
        flush,
        0,
        0,
        "(s .flush) -- hands everything written to the system.
        (f .flush)"
    ),
    def!(
        "seek",
        seek,
        1,
        1,
        "(s .seek n) -- goes to byte n.
        (f .seek 0)"
    ),
    def!(
        "tell",
        tell,
        0,
        0,
        "(s .tell) -- the position in bytes.
        (f .tell)"
    ),
    def!(
        "close",
        close,
        0,
        0,
        "(s .close) -- flushes and closes the stream
        (f .close)"
    ),
    def!(
        "closed?",
        is_closed,
        0,
        0,
        "(s .closed?) -- whether it has been closed
        (f .closed?)"
    ),
    def!(
        "isatty?",
        is_terminal,
        0,
        0,
        "(s .isatty?) -- whether it is a terminal.
        (stdout .isatty?)"
    ),
    def!(
        "path",
        path,
        0,
        0,
        "(f .path) -- the path it was made with
        (f .path)"
    ),
    def!(
        "name",
        path,
        0,
        0,
        "(s .name) -- the path it was opened with.
        (f .name)"
    ),
];

pub fn install(vm: &mut Vm, data: Value) {
    let name = vm.symbols.intern_static(CLASS);
    let parent = vm.classes.object.value();
    let class = vm.make_class(name, parent, 0);
    bridge::methods(vm, class, data, &METHODS);
    vm.foreign_classes.insert(CLASS, class);
    let io = vm.sub_namespace(vm.gene_ns, "io");
    vm.heap.namespace_set(io, name, class.value());
    for (name, end) in [("stdin", End::Stdin), ("stdout", End::Stdout), ("stderr", End::Stderr)] {
        let stream = vm.heap.foreign(Box::new(Stream::new(name, end)));
        let name = vm.symbols.intern_static(name);
        vm.heap.namespace_set(vm.globals, name, stream);
        vm.heap.namespace_set(vm.gene_ns, name, stream);
    }
}
