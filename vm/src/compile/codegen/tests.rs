//! From source text to instructions: the shapes that matter for speed, and programs whose meaning depends on code generation.
use crate::bytecode::disassemble;
use crate::driver::{Driver, HostFuture, HostKey, HostResult, Output};
use crate::heap::Kind;
use crate::modules::Outcome;
use crate::object::code::{CodeObj, Proto};
use crate::object::function::Function;
use crate::value::Value;
use crate::vm::{Options, Vm};
use std::cell::RefCell;
use std::rc::Rc;

struct Still;

impl Driver for Still {
    fn now_us(&self) -> u64 {
        0
    }
    fn wall_us(&self) -> i64 {
        0
    }
    fn start(&mut self, _: HostFuture) -> Result<HostResult, HostKey> {
        Err(HostKey(0))
    }
    fn cancel(&mut self, _: HostKey) {}
    fn pending(&self) -> usize {
        0
    }
    fn poll(&mut self, _: &mut Vec<(HostKey, HostResult)>) {}
    fn park(&mut self, _: Option<u64>, _: &mut Vec<(HostKey, HostResult)>) {}
    fn wake_handle(&self) -> std::sync::Arc<dyn Fn() + Send + Sync> {
        std::sync::Arc::new(|| {})
    }
    fn seed(&mut self) -> u64 {
        1
    }
}

struct Text(Rc<RefCell<String>>);

impl Output for Text {
    fn stdout(&mut self, s: &str) {
        self.0.borrow_mut().push_str(s);
    }
    fn stderr(&mut self, s: &str) {
        self.0.borrow_mut().push_str(s);
    }
    fn flush(&mut self) {}
}

fn vm() -> (Box<Vm>, Rc<RefCell<String>>) {
    let out = Rc::new(RefCell::new(String::new()));
    (Vm::new(Box::new(Still), Box::new(Text(out.clone())), Options::default()), out)
}

fn load(vm: &mut Vm, text: &str) -> Value {
    match vm.load_main("test.gene", text.to_string(), None, "test") {
        Ok(f) => f,
        Err(e) => panic!("{}", e.message()),
    }
}

/// What the program prints, and how it ends if not well.
fn run(text: &str) -> String {
    let (mut vm, out) = vm();
    let f = load(&mut vm, text);
    let end = vm.run_main(f, true);
    let mut printed = out.borrow().clone();
    if let Outcome::Threw(ex) = end {
        let message = ex.get(Kind::Instance).and_then(|m| vm.map_get(m, vm.names.message));
        printed.push_str(&format!("! {}\n", message.and_then(|m| m.as_str()).unwrap_or("?")));
    }
    printed
}

/// The code of the first function inside the module's body, one instruction per line, columns single-spaced.
fn code(text: &str) -> String {
    let (mut vm, _) = vm();
    let f = load(&mut vm, text);
    let body = f.gc::<Function>().proto();
    let inner = inner(body).expect("a function in the module");
    shown(inner)
}

fn inner(p: &Proto) -> Option<&Proto> {
    let v = p.consts.iter().find(|v| v.is_kind(Kind::Code))?;
    // SAFETY: the constant keeps the code object alive.
    Some(unsafe { &*v.gc::<CodeObj>().proto() })
}

fn shown(p: &Proto) -> String {
    let text = disassemble(p);
    let lines = text.lines().map(|l| l.split_whitespace().skip(1).collect::<Vec<_>>().join(" "));
    lines.collect::<Vec<_>>().join("\n")
}
