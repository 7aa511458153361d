//! Exceptions (9.3) and reading text as data (`$parse`).
use crate::def;
use crate::heap::Kind;
use crate::native::{Args, NativeDef, R};
use crate::object::class::ClassObj;
use crate::object::map::Map;
use crate::syntax;
use crate::syntax::source::Source;
use crate::value::Value;
use crate::vm::Vm;
use bumpalo::Bump;
use std::rc::Rc;

/// `(new Exception message ^cause c)`; a subclass with a constructor of its own may call it through `super`.
fn ctor(vm: &mut Vm, a: &Args) -> R {
    let m: crate::heap::Gc<Map> = match a.this().get(Kind::Instance) {
        Some(m) => m,
        None => return Ok(Value::NIL),
    };
    if let Some(text) = a.opt(0) {
        let k = vm.names.message;
        vm.map_set(m, k, text);
    }
    if let Some(c) = a.kw(vm, "cause") {
        let k = vm.names.cause;
        vm.map_set(m, k, c);
    }
    Ok(Value::NIL)
}

fn member(vm: &mut Vm, a: &Args, name: &'static str) -> R {
    let s = vm.symbols.intern_static(name);
    crate::interp::member::get_member(vm, a.this(), s)
}
fn message(vm: &mut Vm, a: &Args) -> R {
    member(vm, a, "message")
}
fn cause(vm: &mut Vm, a: &Args) -> R {
    member(vm, a, "cause")
}
fn stack(vm: &mut Vm, a: &Args) -> R {
    member(vm, a, "stack")
}

/// Messages of the exception and its causes, outermost first.
fn full_message(vm: &mut Vm, a: &Args) -> R {
    let mut parts = Vec::new();
    let mut ex = a.this();
    for _ in 0..100 {
        parts.push(vm.exception_message(ex));
        let k = vm.names.cause;
        match ex.get::<Map>(Kind::Instance).and_then(|m| vm.map_get(m, k)) {
            Some(c) if c.is_kind(Kind::Instance) && vm.instance_class(c.gc()).data().is_exception => ex = c,
            Some(c) if !c.is_nil() => {
                let text = vm.to_text(c)?;
                parts.push(text);
                break;
            }
            _ => break,
        }
    }
    Ok(vm.str(&parts.join(": ")))
}

/// A new exception of class `C` whose cause is the receiver.
fn wrap(vm: &mut Vm, a: &Args) -> R {
    let Some(c) = a.get(0).get::<ClassObj>(Kind::Class).filter(|c| c.data().is_exception) else {
        let k = vm.kind_name(a.get(0));
        return Err(vm.type_error(&format!("wrap expects an exception class, got {k}")));
    };
    let m = match a.opt(1) {
        Some(m) => m,
        None => vm.str(""),
    };
    Ok(vm.make_exception(c, m, a.this()))
}

fn text_of<'a>(vm: &mut Vm, a: &Args, name: &str) -> Result<&'a str, crate::native::Stop> {
    match a.get(0).as_str() {
        Some(s) => Ok(s),
        None => {
            let k = vm.kind_name(a.get(0));
            Err(vm.type_error(&format!("{name} expects String, got {k}")))
        }
    }
}

fn syntax_error(vm: &mut Vm, text: &str, e: syntax::SyntaxError) -> crate::native::Stop {
    let source = Source::new("<parse>", text.to_string());
    let (l, c) = source.line_col(e.span.start);
    vm.parse_error(&format!("<parse>:{l}:{c}: {}", e.message))
}

/// Positions of parsed data point into a source of its own.
fn source_id(vm: &mut Vm, text: &str) -> u32 {
    vm.sources.push(Rc::new(Source::new("<parse>", text.to_string())));
    vm.sources.len() as u32 - 1
}

fn parse(vm: &mut Vm, a: &Args) -> R {
    let text = text_of(vm, a, "$parse")?;
    let arena = Bump::new();
    match syntax::read_first(&arena, text) {
        Ok(Some(f)) => {
            let id = source_id(vm, text);
            Ok(crate::compile::quote::form_to_value(vm, &f, id))
        }
        Ok(None) => Ok(Value::NIL),
        Err(e) => Err(syntax_error(vm, text, e)),
    }
}

fn parse_all(vm: &mut Vm, a: &Args) -> R {
    let text = text_of(vm, a, "$parse_all")?;
    let arena = Bump::new();
    match syntax::read(&arena, text) {
        Ok(forms) => {
            let id = source_id(vm, text);
            let out = vm.heap.array_with_capacity(forms.len());
            for f in &forms {
                let v = crate::compile::quote::form_to_value(vm, f, id);
                vm.heap.array_push(out, v);
            }
            Ok(out.value())
        }
        Err(e) => Err(syntax_error(vm, text, e)),
    }
}

static CTOR: NativeDef = def!("Exception", ctor, 0, 1, ["cause"], "(new Exception message ^cause c)");

static METHODS: &[NativeDef] = &[
    def!("message", message, 0, 0, "(e .message) -- the message."),
    def!("cause", cause, 0, 0, "(e .cause) -- the cause: an exception, any value, or nil."),
    def!("stack", stack, 0, 0, "(e .stack) -- active calls at the throw, innermost first."),
    def!("full_message", full_message, 0, 0, "(e .full_message) -- message and causes joined by \": \"."),
    def!("wrap", wrap, 1, 2, "(e .wrap C text) -- a new C whose cause is the receiver."),
];

static GLOBALS: &[NativeDef] = &[
    def!("$parse", parse, 1, 1, "($parse s) -- the first form of the text as data."),
    def!("$parse_all", parse_all, 1, 1, "($parse_all s) -- all forms of the text as data."),
];

pub fn install(vm: &mut Vm) {
    let c = vm.classes.exception;
    vm.add_methods(c, METHODS);
    c.data().ctor = vm.heap.native(&CTOR, Value::NIL);
    vm.add_globals(GLOBALS);
}
