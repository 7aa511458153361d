//! Reading text as data: `$parse`, `$parse_all`.
use crate::def;
use crate::heap::Kind;
use crate::interp::{dynamic, trace};
use crate::native::{Args, NativeDef, R, Stop, VARIADIC};
use crate::object::function::Function;
use crate::syntax;
use crate::syntax::source::Source;
use crate::value::Value;
use crate::vm::{PendingCall, Vm};
use bumpalo::Bump;
use std::rc::Rc;

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
    vm.sources.number(&Rc::new(Source::new("<parse>", text.to_string())))
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

/// `eval` as a value: nothing is known of where it is called but the module.
fn eval(vm: &mut Vm, a: &Args) -> R {
    let data = a.rest().to_vec();
    if data.is_empty() {
        return Ok(Value::NIL);
    }
    let caller = trace::innermost(vm.cur).and_then(|(f, _)| f.get::<Function>(Kind::Function));
    let module = caller.map_or(vm.main_module, |f| f.proto().source.module);
    let callee = dynamic::compile_at_top(vm, &data, module)?;
    vm.pending = Some(PendingCall { callee, args: Vec::new(), kw: Vec::new(), method: false });
    Err(Stop::Call)
}

fn parse_all(vm: &mut Vm, a: &Args) -> R {
    let text = text_of(vm, a, "$parse_all")?;
    let arena = Bump::new();
    match syntax::read_printed(&arena, text) {
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

pub static GLOBALS: &[NativeDef] = &[
    def!(
        "eval",
        eval,
        0,
        VARIADIC,
        "(eval data...) -- evaluates data as code, here; as a value, at the top of the module
        (eval `(1 + 2) `(3 + 4)) => 7"
    ),
    def!(
        "$parse",
        parse,
        1,
        1,
        r#"($parse s) -- the first form of the text as data
        ($parse "(f 1)") => (f 1)"#
    ),
    def!(
        "$parse_all",
        parse_all,
        1,
        1,
        r#"($parse_all s) -- all forms of the text as data
        ($parse_all "a (b)") => [a (b)]"#
    ),
];
