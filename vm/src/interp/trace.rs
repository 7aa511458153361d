//! Stack traces of exceptions: captured as (closure, pc) pairs when thrown, given names and positions when read.
use crate::bytecode::Instr;
use crate::heap::{Gc, Kind};
use crate::native::R;
use crate::object::array::Array;
use crate::object::fiber::{FRAME_HEAD, Fiber, Role};
use crate::object::function::{Cell, Function};
use crate::object::map::Map;
use crate::syntax::form::Span;
use crate::syntax::source::Source;
use crate::value::{Sym, Value};
use crate::vm::Vm;
use std::rc::Rc;

/// Frames kept; the rest is counted.
const MAX_FRAMES: usize = 100;

/// One line of a stack trace.
pub struct TraceFrame {
    pub name: String,
    /// `None` for native functions.
    pub position: Option<(Rc<Source>, u32, u32)>,
}

/// Frames walked at the price of one call.
const FRAMES_PER_CHARGE: i64 = 16;

/// Gives `vm.exception` its stack, unless it has one. The walk takes fuel, as a program may throw at every level of a
/// deep recursion.
pub fn capture(vm: &mut Vm) {
    let ex = vm.exception;
    let Some(m) = ex.get::<Map>(Kind::Instance) else { return };
    let key = vm.names.trace;
    if ex == vm.generator_exit || vm.map_get(m, key).is_some() {
        return;
    }
    if vm.subclass_of(vm.instance_class(m), vm.classes.concurrency_exception) {
        let (task, scope) = (vm.current_task(), vm.current_scope());
        vm.belongs_to(ex, task, scope);
    }
    let mut items = [Value::NIL; MAX_FRAMES * 2 + 2];
    let mut n = 2;
    let mut total = 0i64;
    let mut scopes = Vec::new();
    if let Some(name) = vm.thrown_in.take() {
        items[0] = Value::sym(vm.symbols.intern_static(name));
    }
    let mut f = vm.cur;
    'fibers: loop {
        let (mut base, mut pc) = (f.base as usize, f.pc as usize);
        loop {
            // SAFETY: frames of a fiber are well formed down to its bottom.
            let (closure, ret, word) = unsafe {
                let b = f.stack.add(base);
                (*b.sub(3), (*b.sub(2)).0, (*b.sub(1)).0)
            };
            if let Some(func) = closure.get::<Function>(Kind::Function) {
                total += 1;
                if vm.options.keep_scopes && !func.proto().source.internal {
                    let body = func.proto().trace_name == vm.names.module;
                    if scopes.is_empty() || body {
                        scopes.push((f, base, func, pc));
                    }
                }
                if n + 1 < items.len() {
                    let start = func.proto().code.as_ptr() as usize;
                    let at = pc.wrapping_sub(start) / std::mem::size_of::<Instr>();
                    items[n] = closure;
                    items[n + 1] = Value::small(at.saturating_sub(1) as i64 & 0xffff_ffff);
                    n += 2;
                }
            }
            if base == FRAME_HEAD || word & super::FRAME_BOTTOM != 0 || closure.is_nil() {
                break;
            }
            base -= word as u32 as usize;
            pc = ret as usize;
            if total > 100_000 {
                break 'fibers;
            }
        }
        // A task's trace ends with the task; generators and nested runs go on in whoever runs them.
        if f.role == Role::Task {
            break;
        }
        match f.caller.get::<Fiber>(Kind::Fiber) {
            Some(c) => f = c,
            None => break,
        }
    }
    items[1] = Value::small(total);
    vm.heap.fuel.spend(total / FRAMES_PER_CHARGE);
    let trace = vm.array(&items[..n]);
    vm.map_set(m, key, trace);
    if !scopes.is_empty() {
        keep_scopes(vm, m, &scopes);
    }
}

/// Gives the exception the variables of the first frame, and of the body of its module if that is running: the module's number,
/// then names and values, inner ones first.
#[cold]
fn keep_scopes(vm: &mut Vm, ex: Gc<Map>, frames: &[(Gc<Fiber>, usize, Gc<Function>, usize)]) {
    let module = frames[0].2.proto().source.module;
    let mut items = vec![Value::small(i64::from(module))];
    for &(fiber, base, func, pc) in frames {
        let p = func.proto();
        if p.source.module != module {
            continue;
        }
        let at = pc.wrapping_sub(p.code.as_ptr() as usize) / std::mem::size_of::<Instr>();
        let at = at.saturating_sub(1) as u32;
        for local in p.locals.iter().rev().filter(|l| l.start <= at && at < l.end) {
            // SAFETY: the frame's registers; what was never written is found out by `checked`.
            let v = unsafe { *fiber.stack.add(base + local.reg as usize) };
            let v = vm.heap.checked(v);
            let v = v.get::<Cell>(Kind::Cell).map_or(v, |cell| vm.heap.checked(cell.value));
            if !items[1..].iter().step_by(2).any(|&name| name == Value::sym(local.name)) {
                items.extend([Value::sym(local.name), v]);
            }
        }
    }
    let items = vm.array(&items);
    let key = vm.names.scope;
    vm.map_set(ex, key, items);
}

/// What [`keep_scopes`] kept: the module and the variables.
pub fn scope(vm: &mut Vm, ex: Value) -> Option<(u32, Vec<(Sym, Value)>)> {
    let m = ex.get::<Map>(Kind::Instance)?;
    let key = vm.names.scope;
    let items = vm.map_get(m, key)?.get::<Array>(Kind::Array)?;
    let items = items.as_slice();
    let variables = items[1..].chunks_exact(2).filter_map(|pair| Some((pair[0].as_sym()?, pair[1]))).collect();
    Some((items.first()?.as_int()? as u32, variables))
}

/// The innermost frame of the task that runs `f` which shows in traces: function and pc.
#[inline]
pub fn innermost_quick(f: Gc<Fiber>) -> Option<(Value, u32)> {
    // SAFETY: frames of a fiber are well formed, with the function below the base.
    let closure = unsafe { *f.stack.add(f.base as usize - FRAME_HEAD) };
    if let Some(func) = closure.get::<Function>(Kind::Function) {
        let p = func.proto();
        let at = (f.pc as usize).wrapping_sub(p.code.as_ptr() as usize) / std::mem::size_of::<Instr>();
        if !f.pc.is_null() && !p.source.internal {
            return Some((closure, at.saturating_sub(1) as u32));
        }
    }
    innermost(f)
}

/// Function and pc of the innermost frame that is not the library's.
#[inline(never)]
pub fn innermost(f: Gc<Fiber>) -> Option<(Value, u32)> {
    let mut found = None;
    walk(f, &mut |closure, pc| {
        let internal = closure.get::<Function>(Kind::Function).is_some_and(|f| f.proto().source.internal);
        found = Some((closure, pc));
        internal
    });
    found
}

/// The path after the opening bracket of the form that fiber `f` is executing: `a/b` of `(a/b 1)`, and of `(new a/b)`.
pub fn called_path(f: Gc<Fiber>) -> Option<String> {
    let mut first = None;
    walk(f, &mut |closure, pc| {
        first = Some((closure, pc));
        false
    });
    let (closure, pc) = first?;
    let p = closure.get::<Function>(Kind::Function)?.proto();
    if p.source.internal {
        return None;
    }
    let text = p.source.source.text.get(p.span_at(pc as usize).start as usize..)?.strip_prefix('(')?;
    let text = text.strip_prefix("new ").unwrap_or(text).trim_start();
    let end = text.find(|c: char| c.is_whitespace() || "()[]{}\"';,".contains(c))?;
    let path = &text[..end];
    let plain = path.starts_with(|c: char| c.is_alphabetic()) && path.contains('/') && !path.contains("/.");
    plain.then(|| path.to_string())
}

/// Calls `each` with function and pc of the frames of a task, innermost first, while it answers true.
pub fn walk(f: Gc<Fiber>, each: &mut dyn FnMut(Value, u32) -> bool) {
    let mut f = f;
    loop {
        let (mut base, mut pc) = (f.base as usize, f.pc as usize);
        loop {
            // SAFETY: frames of a fiber are well formed down to its bottom.
            let (closure, ret, word) = unsafe {
                let b = f.stack.add(base);
                (*b.sub(3), (*b.sub(2)).0, (*b.sub(1)).0)
            };
            if let Some(func) = closure.get::<Function>(Kind::Function)
                && pc != 0
            {
                let start = func.proto().code.as_ptr() as usize;
                let at = pc.wrapping_sub(start) / std::mem::size_of::<Instr>();
                if !each(closure, at.saturating_sub(1) as u32) {
                    return;
                }
            }
            if base == FRAME_HEAD || word & super::FRAME_BOTTOM != 0 || closure.is_nil() {
                break;
            }
            base -= word as u32 as usize;
            pc = ret as usize;
        }
        if f.role == Role::Task {
            return;
        }
        match f.caller.get::<Fiber>(Kind::Fiber) {
            Some(c) => f = c,
            None => return,
        }
    }
}

/// `file:line:col` of instruction `pc` of a function.
pub fn place(function: Value, pc: u32) -> Option<String> {
    let p = function.get::<Function>(Kind::Function)?.proto();
    if p.source.internal {
        return None;
    }
    let (line, col) = p.source.source.line_col(p.span_at(pc as usize).start);
    Some(format!("{}:{line}:{col}", p.source.source.name))
}

/// Natives that only the compiler (`%...`) or functions of the prelude (`_...`) call: the form or the function around them is what
/// the reader knows.
fn is_hidden(name: &str) -> bool {
    name.is_empty() || name.starts_with(['%', '_'])
}

/// The frames of an exception's stack, innermost first, and how many were left out.
pub fn frames(vm: &mut Vm, ex: Value) -> (Vec<TraceFrame>, usize) {
    let mut out = Vec::new();
    let Some(m) = ex.get::<Map>(Kind::Instance) else { return (out, 0) };
    let key = vm.names.trace;
    let Some(a) = vm.map_get(m, key).and_then(|v| v.get::<Array>(Kind::Array)) else { return (out, 0) };
    let items = a.as_slice();
    if let Some(s) = items[0].as_sym().filter(|s| !is_hidden(vm.sym_name(*s))) {
        out.push(TraceFrame { name: vm.sym_name(s).to_string(), position: None });
    }
    let mut kept = 0;
    // The last line is one of prelude frames, and whether its name is one that scripts can call.
    let mut library: Option<bool> = None;
    for pair in items[2..].chunks(2) {
        let f: Gc<Function> = pair[0].gc();
        let p = f.proto();
        kept += 1;
        if p.source.internal {
            // The body of internal code is nobody's function.
            if p.trace_name == vm.names.module {
                continue;
            }
            // Several prelude frames in a row are one library function: the outermost that scripts can call.
            let (name, public) = library_name(&p.source.source.text);
            if name.starts_with('_') {
                continue;
            }
            match library {
                None => {
                    library = Some(public);
                    out.push(TraceFrame { name, position: None });
                }
                Some(before) if public || !before => {
                    library = Some(public);
                    if let Some(last) = out.last_mut() {
                        last.name = name;
                    }
                }
                Some(_) => {}
            }
            continue;
        }
        library = None;
        let name = vm.sym_name(p.trace_name).to_string();
        let span = p.span_at(pair[1].small_int() as usize);
        let (line, col) = p.source.source.line_col(span.start);
        out.push(TraceFrame { name, position: Some((p.source.source.clone(), line, col)) });
    }
    let total = items[1].as_int().unwrap_or(0) as usize;
    (out, total.saturating_sub(kept))
}

/// What the prelude function of this source text, with all that is written inside, is called in traces, and whether scripts can
/// call it. A helper stands for the function it helps (`_any_of` for `any`), or, as `__as_future`, for none.
fn library_name(text: &str) -> (String, bool) {
    let text = text.split_once("(method ").map_or(text.strip_prefix("(fn ").unwrap_or(text), |(_, rest)| rest);
    let path = text.split([' ', '\n', '[']).next().unwrap_or("");
    let name = path.rsplit('/').next().filter(|n| !n.is_empty()).unwrap_or(path);
    match name.strip_prefix('_').filter(|n| !n.is_empty()) {
        Some(helper) => (helper.strip_suffix("_of").unwrap_or(helper).to_string(), false),
        None => (name.to_string(), true),
    }
}

/// Where in `source` the exception came from: the innermost frame there.
pub fn position_in(vm: &Vm, ex: Value, source: &Rc<Source>) -> Option<Span> {
    let m = ex.get::<Map>(Kind::Instance)?;
    let items = vm.map_get(m, vm.names.trace)?.get::<Array>(Kind::Array)?;
    items.as_slice()[2..].chunks(2).find_map(|pair| {
        let p = pair[0].get::<Function>(Kind::Function)?.proto();
        Rc::ptr_eq(&p.source.source, source).then(|| p.span_at(pair[1].small_int() as usize))
    })
}

/// `name (file:line:col)` or `name (native)`.
pub fn line(f: &TraceFrame) -> String {
    match &f.position {
        Some((s, l, c)) => format!("{} ({}:{l}:{c})", f.name, s.name),
        None => format!("{} (native)", f.name),
    }
}

/// `stack`, `file`, `line`, `column` and the rest of 9.3 that is no field.
pub fn exception_member(vm: &mut Vm, ex: Value, name: Sym) -> R {
    Ok(match vm.sym_name(name) {
        "message" => vm.str(""),
        "cause" => Value::NIL,
        "stack" => {
            let (fs, more) = frames(vm, ex);
            let a = vm.heap.array_with_capacity(fs.len());
            for f in &fs {
                let s = vm.str(&line(f));
                vm.heap.array_push(a, s);
            }
            if more > 0 {
                let s = vm.str(&format!("... {more} more"));
                vm.heap.array_push(a, s);
            }
            a.value()
        }
        "suppressed" | "async_trace" => vm.array(&[]),
        n @ ("file" | "line" | "column") => {
            let (fs, _) = frames(vm, ex);
            match fs.iter().find_map(|f| f.position.as_ref()) {
                Some((s, l, c)) => match n {
                    "file" => vm.str(&s.name),
                    "line" => Value::small(*l as i64),
                    _ => Value::small(*c as i64),
                },
                None => Value::NIL,
            }
        }
        n => return vm.concurrency_member(ex, n),
    })
}

impl Vm {
    /// Message of an exception as text.
    pub fn exception_message(&mut self, ex: Value) -> String {
        let Some(m) = ex.get::<Map>(Kind::Instance) else { return String::new() };
        let key = self.names.message;
        match self.map_get(m, key) {
            Some(v) => match v.as_str() {
                Some(s) => s.to_string(),
                None => self.to_text(v).unwrap_or_default(),
            },
            None => String::new(),
        }
    }

    pub fn exception_class_name(&self, ex: Value) -> &'static str {
        self.kind_name(ex)
    }

    /// The value `(throw v)` raises (9.1).
    pub fn exception_from(&mut self, v: Value) -> Value {
        if v.is_kind(Kind::Instance) && self.instance_class(v.gc()).data().is_exception {
            return v;
        }
        let class = self.classes.exception;
        if v.is_str() {
            return self.make_exception(class, v, Value::NIL);
        }
        let text = match self.to_text(v) {
            Ok(t) => t,
            Err(_) => return std::mem::replace(&mut self.exception, Value::UNDEF),
        };
        let m = self.str(&text);
        self.make_exception(class, m, v)
    }
}
