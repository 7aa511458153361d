//! Rust functions that scripts call.
//!
//! Arguments and results are plain data ([`HostValue`]): a function of the host never sees the heap, so it cannot keep a value the
//! collector does not know of. What panics in it is a RuntimeException where it was called; the machine goes on.
use crate::bridge;
use crate::vm::Vm;
use gene_vm::driver::{HostError, HostFuture, HostResult, HostValue};
use gene_vm::heap::Kind;
use gene_vm::interp;
use gene_vm::native::{Args, NativeDef, R, Stop, VARIADIC};
use gene_vm::object::array::Array;
use gene_vm::object::foreign::Foreign;
use gene_vm::object::map::Map;
use gene_vm::value::Value;
use gene_vm::vm::Vm as Machine;
use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Levels of nesting of an argument: data that contains itself has more.
const DEPTH: usize = 200;

enum Body {
    Now(Box<dyn Fn(Vec<HostValue>) -> HostResult>),
    Later(Box<dyn Fn(Vec<HostValue>) -> HostFuture>),
}

/// What the native value of a function of the host is bound to.
struct HostFunction {
    name: String,
    arguments: usize,
    body: Body,
}

impl Foreign for HostFunction {
    fn class_name(&self) -> &'static str {
        "HostFunction"
    }
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

impl Vm {
    /// Makes a Rust function callable by every script of this machine, under a plain name. Calls give its result; an error is thrown
    /// as the class it names, and a panic as a RuntimeException.
    ///
    /// ```
    /// use gene::HostValue;
    /// let mut vm = gene::Vm::builder().build();
    /// vm.define("shout", 1, |args| match &args[0] {
    ///     HostValue::Str(s) => Ok(HostValue::Str(s.to_uppercase())),
    ///     _ => Err(gene::HostError { class: "TypeException", message: "shout expects a String".to_owned() }),
    /// });
    /// let v = vm.eval("(shout \"tea\")").unwrap();
    /// assert_eq!(vm.as_string(&v).as_deref(), Some("TEA"));
    /// ```
    pub fn define(&mut self, name: &str, arguments: usize, f: impl Fn(&[HostValue]) -> HostResult + 'static) {
        self.define_as(name, arguments, Body::Now(Box::new(move |args| f(&args))));
    }

    /// As [`Vm::define`] for a function whose result comes later: a call gives a Future at once. Rust's future is polled on this
    /// thread, and dropped when the scope the call was made in is cancelled. A panic in it makes the Future fail, and nothing else.
    ///
    /// ```
    /// use gene::HostValue;
    /// let mut vm = gene::Vm::builder().build();
    /// vm.define_async("answer", 0, |_| async { Ok(HostValue::Int(42)) });
    /// let v = vm.eval("(await (answer))").unwrap();
    /// assert_eq!(vm.as_int(&v), Some(42));
    /// ```
    pub fn define_async<F>(&mut self, name: &str, arguments: usize, f: impl Fn(Vec<HostValue>) -> F + 'static)
    where
        F: Future<Output = HostResult> + 'static,
    {
        self.define_as(name, arguments, Body::Later(Box::new(move |args| Box::pin(f(args)))));
    }

    fn define_as(&mut self, name: &str, arguments: usize, body: Body) {
        let vm = &mut *self.inner;
        let data = vm.heap.foreign(Box::new(HostFunction { name: name.to_owned(), arguments, body }));
        let f = vm.heap.native(&CALL, data);
        let name = vm.symbols.intern(name);
        vm.heap.namespace_set(vm.globals, name, f);
    }
}

static CALL: NativeDef = NativeDef { name: "host function", f: call, min: 0, max: VARIADIC, keywords: &[], doc: "" };

fn call(vm: &mut Machine, a: &Args) -> R {
    let Some(f) = a.data.foreign::<HostFunction>() else { return Err(vm.runtime_error("no function of the host")) };
    if a.len() != f.arguments {
        let m = interp::arity_message(f.arguments, Some(f.arguments), a.len());
        return Err(vm.argument_error(&format!("{}: {m}", f.name)));
    }
    let mut args = Vec::with_capacity(a.len());
    for &v in a.rest() {
        args.push(plain(vm, &f.name, v, 0)?);
    }
    let done = match &f.body {
        Body::Now(f) => catch_unwind(AssertUnwindSafe(|| f(args))).map(Ok),
        Body::Later(f) => catch_unwind(AssertUnwindSafe(|| f(args))).map(Err),
    };
    match done {
        Ok(Ok(result)) => bridge::finish(vm, result),
        Ok(Err(future)) => Ok(vm.host_future(future)),
        Err(panic) => {
            let e = panicked(&*panic);
            Err(vm.runtime_error(&format!("{}: {}", f.name, e.message)))
        }
    }
}

/// What a script sees of a panic in Rust code.
pub(crate) fn panicked(payload: &(dyn Any + Send)) -> HostError {
    let text = payload.downcast_ref::<&str>().copied().or(payload.downcast_ref::<String>().map(String::as_str));
    let message = match text {
        Some(text) => format!("native code panicked: {text}"),
        None => "native code panicked".to_owned(),
    };
    HostError { class: "RuntimeException", message }
}

/// A value as plain data.
fn plain(vm: &mut Machine, name: &str, v: Value, depth: usize) -> Result<HostValue, Stop> {
    if depth > DEPTH {
        return Err(vm.argument_error(&format!("{name}: the argument is nested too deeply")));
    }
    if v.is_nil() {
        return Ok(HostValue::Nil);
    }
    if v == Value::VOID {
        return Ok(HostValue::Void);
    }
    if v == Value::NOT_FOUND {
        return Ok(HostValue::NotFound);
    }
    if v == Value::TRUE || v == Value::FALSE {
        return Ok(HostValue::Bool(v == Value::TRUE));
    }
    if let Some(i) = v.as_int() {
        return Ok(HostValue::Int(i));
    }
    if let Some(x) = v.as_float() {
        return Ok(HostValue::Float(x));
    }
    if let Some(s) = v.as_str() {
        return Ok(HostValue::Str(s.to_owned()));
    }
    if let Some(b) = v.as_bytes() {
        return Ok(HostValue::Bytes(b.to_vec()));
    }
    if let Some(a) = v.get::<Array>(Kind::Array) {
        let mut items = Vec::with_capacity(a.size());
        for &x in a.as_slice() {
            items.push(plain(vm, name, x, depth + 1)?);
        }
        return Ok(HostValue::List(items));
    }
    if let Some(m) = v.get::<Map>(Kind::Map) {
        let mut entries = Vec::new();
        for (k, x) in vm.map_entries(m) {
            entries.push((vm.sym_name(k).to_owned(), plain(vm, name, x, depth + 1)?));
        }
        return Ok(HostValue::Map(entries));
    }
    let kind = vm.kind_name(v);
    Err(vm.type_error(&format!("{name}: {kind} is no plain data (nil, numbers, strings, bytes, arrays, maps)")))
}
