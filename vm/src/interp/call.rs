//! Calls of every kind of callee, argument binding, returns, and delivery of results.
use super::{Ctl, Exit, FRAME_BOTTOM, FRAME_NEW, FRAME_OP, SCRATCH, Start, cache, run, unwind};
use crate::bytecode::{Instr, Op};
use crate::heap::{Gc, Kind, Record};
use crate::native::{Args, NativeDef, R, Stop, VARIADIC};
use crate::object::class::ClassObj;
use crate::object::code::Proto;
use crate::object::fiber::{FRAME_HEAD, Fiber, Role, Status};
use crate::object::function::{Function, NOT_SIMPLE, STATIC};
use crate::value::{Sym, Value};
use crate::vm::{PendingCall, Vm};

/// Nested runs on the native stack; more is runaway recursion through `to_s`, `==` or `hash`.
const MAX_NESTING: u32 = 150;
/// `ret` word for calls whose result goes by the calling instruction.
pub const RET_OP: u64 = FRAME_OP >> 32;

#[inline]
fn offset(vm: &Vm, w: *mut Value) -> usize {
    (w as usize - vm.cur.stack as usize) >> 3
}
#[inline]
fn at(vm: &Vm, off: usize) -> *mut Value {
    // SAFETY: offsets are below the fiber's capacity.
    unsafe { vm.cur.stack.add(off) }
}

/// Room for words up to `end`; raises `Stack overflow` when there can't be.
pub fn ensure(vm: &mut Vm, end: usize) -> Result<(), Stop> {
    let f = vm.cur;
    if end <= f.cap as usize || vm.heap.fiber_grow(f, end) { Ok(()) } else { Err(vm.runtime_error("Stack overflow")) }
}

/// Calls what stands at window `w` with `n` positional arguments and keywords `kw` behind them. `ret`: destination register and
/// flags. `method`: the first argument is `self`.
#[inline(never)]
pub fn call(vm: &mut Vm, w: *mut Value, n: usize, kw: &[Sym], ret: u64, method: bool) -> Ctl {
    // SAFETY: the window lies in the running fiber's stack with `SCRATCH` words of room behind the arguments.
    unsafe {
        let callee = *w;
        let total = n + kw.len();
        let Some(kind) = callee.heap_kind() else { return not_callable(vm, callee) };
        match kind {
            Kind::Function => {
                let f: Gc<Function> = callee.gc();
                let p = f.proto();
                if p.is_macro {
                    let name = p.name.map_or("macro", |s| vm.sym_name(s));
                    return fail(
                        vm,
                        Vm::type_error,
                        &format!("{name} is a macro and was called where its arguments had been evaluated already"),
                    );
                }
                let mut n = n;
                if method && !p.has_self {
                    // A plain function called as a method (a field that holds one): `self` is dropped.
                    for j in 0..total - 1 {
                        *w.add(3 + j) = *w.add(4 + j);
                    }
                    n -= 1;
                }
                call_function(vm, w, f, n, kw, ret)
            }
            Kind::Native => {
                let (def, data) = callee.as_native().unwrap();
                call_native(vm, w, def, data, n, kw, ret, method)
            }
            Kind::BoundMethod | Kind::Instance | Kind::Adapter if !crate::stack::has_room() => {
                fail(vm, Vm::runtime_error, "Stack overflow")
            }
            Kind::BoundMethod => {
                let b: Gc<Record> = callee.gc();
                let (recv, func) = (b.slot(0), b.slot(1));
                let skip = method as usize;
                let w = match insert_arg(vm, w, total, skip) {
                    Ok(w) => w,
                    Err(_) => return Ctl::Throw,
                };
                *w = func;
                *w.add(3) = recv;
                call(vm, w, n + 1 - skip, kw, ret, true)
            }
            Kind::Variant => {
                let skip = method as usize;
                let args: Vec<Value> = (skip..n).map(|j| *w.add(3 + j)).collect();
                let kwv: Vec<(Sym, Value)> = kw.iter().enumerate().map(|(j, &s)| (s, *w.add(3 + n + j))).collect();
                let v = super::types::construct_variant(vm, callee, &args, &kwv);
                finish(vm, v, ret)
            }
            Kind::Class if callee == vm.classes.by_kind[Kind::Class as usize].value() => {
                let kwv: Vec<(Sym, Value)> = kw.iter().enumerate().map(|(j, &s)| (s, *w.add(3 + n + j))).collect();
                let v = super::define::dynamic_class(vm, n - method as usize, &kwv);
                finish(vm, v, ret)
            }
            Kind::Class => fail(vm, Vm::type_error, "Class is not callable; use new"),
            Kind::Interface => super::interface::adapt(vm, w, n, kw, ret, method),
            Kind::Instance | Kind::Adapter | Kind::Selector => {
                let class = vm.class_of(callee);
                let name = vm.names.call;
                let Some(m) = vm.class_find(class, name) else {
                    let c = vm.sym_name(class.data().name);
                    return fail(vm, Vm::type_error, &format!("Instance of {c} is not callable (no 'call' method)"));
                };
                let skip = method as usize;
                let w = match insert_arg(vm, w, total, skip) {
                    Ok(w) => w,
                    Err(_) => return Ctl::Throw,
                };
                *w = m;
                *w.add(3) = callee;
                call(vm, w, n + 1 - skip, kw, ret, true)
            }
            _ => not_callable(vm, callee),
        }
    }
}

/// Opens a place for one more argument in front (unless `skip` of them may be overwritten); the window may move.
unsafe fn insert_arg(vm: &mut Vm, w: *mut Value, total: usize, skip: usize) -> Result<*mut Value, Stop> {
    if skip == 1 {
        return Ok(w);
    }
    let off = offset(vm, w);
    ensure(vm, off + FRAME_HEAD + total + 1 + SCRATCH)?;
    let w = at(vm, off);
    // SAFETY: room ensured.
    unsafe { std::ptr::copy(w.add(3), w.add(4), total) };
    Ok(w)
}

pub fn not_callable(vm: &mut Vm, callee: Value) -> Ctl {
    let k = vm.kind_name(callee);
    let mut m = format!("{k} is not callable");
    if callee == Value::VOID
        && let Some(path) = super::trace::called_path(vm.cur)
    {
        m.push_str(&undefined(&path));
    }
    let c = fail(vm, Vm::type_error, &m);
    let ex = vm.exception;
    vm.set_detail(ex, "callee", callee);
    c
}

/// What to add to a message about a path that leads nowhere.
pub fn undefined(path: &str) -> String {
    match crate::task::synonym::form(path) {
        Some(form) => format!(": {path} is not defined; use {form}"),
        None => format!(": {path} is not defined"),
    }
}

/// Raises and says so.
#[cold]
pub fn fail(vm: &mut Vm, raise: fn(&mut Vm, &str) -> Stop, message: &str) -> Ctl {
    let _ = raise(vm, message);
    Ctl::Throw
}

/// Stores a native's result for destination `ret`, or goes on with its stop.
pub fn finish(vm: &mut Vm, result: R, ret: u64) -> Ctl {
    match result {
        Ok(v) => deliver(vm, v, ret),
        Err(s) => stop(vm, s, ret),
    }
}

/// Puts a result where `ret` says, in the running frame.
fn deliver(vm: &mut Vm, v: Value, ret: u64) -> Ctl {
    if ret << 32 & FRAME_BOTTOM != 0 {
        return fiber_done(vm, v);
    }
    if ret << 32 & FRAME_OP != 0 {
        return deliver_op(vm, v);
    }
    // SAFETY: the destination is a register of the running frame.
    unsafe { *vm.cur.stack.add(vm.cur.base as usize + (ret & 0xff) as usize) = v };
    Ctl::Load
}

/// From the fast path of a native call.
#[inline(never)]
pub fn native_stop(vm: &mut Vm, s: Stop, dst: usize) -> Ctl {
    if s == Stop::Park { crate::task::scheduler::park(vm) } else { stop(vm, s, dst as u64) }
}

pub fn stop(vm: &mut Vm, s: Stop, ret: u64) -> Ctl {
    match s {
        Stop::Throw => Ctl::Throw,
        Stop::Call => {
            let Some(p) = vm.pending.take() else { return fail(vm, Vm::runtime_error, "no pending call") };
            pending_call(vm, p, ret)
        }
        Stop::Switch => Ctl::Load,
        Stop::Park => crate::task::parked(vm),
    }
}

/// Builds a window above the running frame and calls.
pub fn pending_call(vm: &mut Vm, p: PendingCall, ret: u64) -> Ctl {
    // A native that goes on with a native, and so on (functions made of functions), is the one chain of calls on the native
    // stack whose length a script decides.
    if !crate::stack::has_room() {
        return fail(vm, Vm::runtime_error, "Stack overflow");
    }
    let off = scratch_offset(vm);
    if ensure(vm, off + FRAME_HEAD + p.args.len() + p.kw.len() + SCRATCH).is_err() {
        return Ctl::Throw;
    }
    let w = at(vm, off);
    let mut names = [Sym(0); 16];
    let mut long = Vec::new();
    let kw: &[Sym] = if p.kw.len() <= 16 {
        for (j, (s, _)) in p.kw.iter().enumerate() {
            names[j] = *s;
        }
        &names[..p.kw.len()]
    } else {
        long.extend(p.kw.iter().map(|k| k.0));
        &long
    };
    // SAFETY: room ensured.
    unsafe {
        *w = p.callee;
        for (j, &v) in p.args.iter().enumerate() {
            *w.add(3 + j) = v;
        }
        for (j, (_, v)) in p.kw.iter().enumerate() {
            *w.add(3 + p.args.len() + j) = *v;
        }
    }
    match p.callee.as_sym() {
        Some(name) if p.method => method_named(vm, w, name, p.args.len() - 1, kw, ret),
        _ => call(vm, w, p.args.len(), kw, ret, p.method),
    }
}

/// First free word above the running frame.
pub fn scratch_offset(vm: &Vm) -> usize {
    let f = vm.cur;
    // SAFETY: the frame's closure stands below its base.
    unsafe {
        let c = *f.stack.add(f.base as usize - FRAME_HEAD);
        let n = c.get::<Function>(Kind::Function).map_or(0, |c| c.proto().nregs as usize);
        f.base as usize + n
    }
}

/// Calls `callee` with `args` from inside an instruction; the result goes by that instruction.
pub fn call_op(vm: &mut Vm, callee: Value, args: &[Value], method: bool) -> Ctl {
    pending_call(vm, PendingCall { callee, args: args.to_vec(), kw: Vec::new(), method }, RET_OP)
}

#[allow(clippy::too_many_arguments)]
fn call_native(
    vm: &mut Vm,
    w: *mut Value,
    def: &'static NativeDef,
    data: Value,
    n: usize,
    kw: &[Sym],
    ret: u64,
    method: bool,
) -> Ctl {
    let given = n - method as usize;
    if !def.takes(given) {
        let m = arity_message(def.min as usize, (def.max != VARIADIC).then_some(def.max as usize), given);
        return fail(vm, Vm::argument_error, &m);
    }
    if !kw.is_empty() && def.keywords != ["*"] {
        for s in kw {
            let name = vm.sym_name(*s);
            if !def.keywords.contains(&name) {
                return fail(vm, Vm::argument_error, &format!("Unexpected keyword argument: {name}"));
            }
        }
    }
    // SAFETY: arguments follow the frame head.
    let args = Args { base: unsafe { w.add(3) }, n, keywords: kw as *const [Sym], method, data };
    let r = (def.f)(vm, &args);
    if r == Err(Stop::Throw) {
        vm.thrown_in = Some(def.name);
    }
    finish(vm, r, ret)
}

/// `Expected 2 arguments, got 1` and its variants (5.3).
pub fn arity_message(min: usize, max: Option<usize>, got: usize) -> String {
    match max {
        Some(m) if m == min => format!("Expected {min} arguments, got {got}"),
        Some(m) => format!("Expected {min} to {m} arguments, got {got}"),
        None => format!("Expected at least {min} arguments, got {got}"),
    }
}

/// `n` counts `self` for functions that have one.
fn call_function(vm: &mut Vm, w: *mut Value, f: Gc<Function>, n: usize, kw: &[Sym], ret: u64) -> Ctl {
    let p = f.proto();
    let s = p.has_self as usize;
    if n < s {
        let m = arity_message(p.params.required() + s, None, n);
        return fail(vm, Vm::argument_error, &m);
    }
    let off = offset(vm, w);
    if ensure(vm, off + FRAME_HEAD + p.nregs as usize + n + kw.len() + SCRATCH).is_err() {
        return Ctl::Throw;
    }
    let w = at(vm, off);
    if !(kw.is_empty() && f.header().aux != NOT_SIMPLE && n - s == f.header().aux as usize) {
        // SAFETY: room for all registers and arguments ensured.
        if let Err(m) = unsafe { bind(vm, w.add(FRAME_HEAD + s), p, n - s, kw) } {
            return fail(vm, Vm::argument_error, &m);
        }
    }
    push_frame(vm, off, p, ret)
}

/// Will [`bind`] succeed? `n` counts `self` for functions that have one.
fn takes(f: Gc<Function>, n: usize, kw: &[Sym]) -> bool {
    let p = f.proto();
    let s = p.has_self as usize;
    if n < s {
        return false;
    }
    let n = n - s;
    if kw.is_empty() && f.header().aux != NOT_SIMPLE && n == f.header().aux as usize {
        return true;
    }
    let info = &p.params;
    (info.required()..=if info.rest.is_some() { usize::MAX } else { info.positional.len() }).contains(&n)
        && info.keywords.iter().all(|(name, required)| !required || kw.contains(name))
        && (info.keyword_rest || kw.iter().all(|k| info.keywords.iter().any(|(name, _)| name == k)))
}

fn push_frame(vm: &mut Vm, off: usize, p: &Proto, ret: u64) -> Ctl {
    let mut cur = vm.cur;
    let base = off + FRAME_HEAD;
    let delta = base as u64 - cur.base as u64;
    // SAFETY: room ensured by the caller.
    unsafe {
        *cur.stack.add(base - 2) = Value(cur.pc as u64);
        *cur.stack.add(base - 1) = Value(delta | ret << 32);
    }
    cur.base = base as u32;
    cur.pc = p.code.as_ptr();
    vm.heap.fuel.left -= 1;
    // A program may go on by such calls alone.
    if vm.heap.fuel.left < 0 { Ctl::Safepoint } else { Ctl::Load }
}

/// Turns arguments at `r` into parameters: 5.3. Gives the message of an ArgumentException.
///
/// # Safety
/// `r` must have room for all parameters and arguments.
unsafe fn bind(vm: &mut Vm, r: *mut Value, p: &Proto, n: usize, kw: &[Sym]) -> Result<(), String> {
    let info = &p.params;
    let (req, all) = (info.required(), info.positional.len());
    if n < req || (n > all && info.rest.is_none()) {
        let max = if info.rest.is_some() { None } else { Some(all) };
        return Err(arity_message(req, max, n));
    }
    // SAFETY: by the contract.
    let args: Vec<Value> = unsafe { std::slice::from_raw_parts(r, n + kw.len()) }.to_vec();
    let mut next = args[..n].iter().copied();
    let mut spare = n - req;
    let mut out = 0;
    let mut put = |v: Value| {
        // SAFETY: as many registers as parameters.
        unsafe { *r.add(out) = v };
        out += 1;
    };
    let optional = all - req;
    let surplus = spare.saturating_sub(optional);
    spare -= surplus;
    for i in 0..=all {
        if info.rest == Some(i) {
            let items: Vec<Value> = next.by_ref().take(surplus).collect();
            put(vm.heap.array(&items).value());
        }
        if i == all {
            break;
        }
        if !info.positional[i] {
            put(next.next().unwrap_or(Value::NIL));
        } else if spare > 0 {
            spare -= 1;
            put(next.next().unwrap_or(Value::NIL));
        } else {
            put(Value::UNDEF);
        }
    }
    let mut used = vec![false; kw.len()];
    for &(name, required) in &info.keywords {
        // The last of equal keywords wins (a spread one stands before explicit ones).
        match kw.iter().rposition(|&k| k == name) {
            Some(j) => {
                put(args[n + j]);
                kw.iter().zip(&mut used).filter(|(k, _)| **k == name).for_each(|(_, u)| *u = true);
            }
            None if required => return Err(format!("Missing keyword argument: {}", vm.sym_name(name))),
            None => put(Value::UNDEF),
        }
    }
    if info.keyword_rest {
        let m = vm.map_with_capacity(kw.len());
        for (j, &k) in kw.iter().enumerate() {
            if !used[j] {
                vm.map_set(m, k, args[n + j]);
            }
        }
        put(m.value());
    } else if let Some(j) = used.iter().position(|u| !u) {
        return Err(format!("Unexpected keyword argument: {}", vm.sym_name(kw[j])));
    }
    Ok(())
}

/// Looks the method of a `Method` instruction up and calls it.
#[inline(never)]
pub fn method(vm: &mut Vm, w: *mut Value, i: Instr, ret: u64) -> Ctl {
    // SAFETY: the saved pc is inside the running function.
    let p = running(vm);
    let site = &p.sites[i.ux()];
    // SAFETY: the window holds the receiver.
    let recv = unsafe { *w.add(3) };
    let kw: *const [Sym] = &*site.keywords;
    let name = site.name;
    let key = cache::class_key(recv);
    let found = find_method(vm, recv, name);
    if let Some(f) = found {
        if key != 0 && vm.method_epoch < 0xFFFF && cacheable(recv) {
            vm.method_cache.set(key, name, vm.method_epoch, f);
            // The fast path passes positional arguments only, and counts them no more: other sites keep an empty entry.
            if site.keywords.is_empty()
                && let Some(target) = cache::method_target(f, i.b(), vm.method_epoch)
            {
                // SAFETY: cache index checked by the verifier.
                let ic = unsafe { &mut *(p.ics.as_ptr() as *mut crate::object::code::Ic).add(i.ux()) };
                (ic.key, ic.target) = (key, target);
            }
        }
        // SAFETY: window in the stack; site names live in the proto.
        unsafe {
            *w = f;
            return call(vm, w, i.b() + 1, &*kw, ret, true);
        }
    }
    // SAFETY: as above.
    missing_method(vm, w, name, i.b(), unsafe { &*kw }, ret)
}

/// May what [`find_method`] finds be kept by [`cache::class_key`]? Not where one kind has many tables.
fn cacheable(recv: Value) -> bool {
    !matches!(recv.heap_kind(), Some(Kind::Class | Kind::Namespace | Kind::Adapter))
}

/// The method of a value's class (statics first on classes); marks the classes as cached.
pub fn find_method(vm: &mut Vm, recv: Value, name: Sym) -> Option<Value> {
    if let Some(c) = recv.get::<ClassObj>(Kind::Class)
        && let Some(f) = vm.class_static(c, name)
        && vm.is_callable(f)
    {
        return Some(match f.get::<Record>(Kind::BoundMethod) {
            Some(b) if b.header().aux == STATIC => b.slot(1),
            _ => f,
        });
    }
    let class = vm.class_of(recv);
    let mut c = class;
    loop {
        let d = c.data();
        d.cached = true;
        if let Some(&m) = d.methods.get(&name) {
            return Some(m);
        }
        c = d.parent.get::<ClassObj>(Kind::Class)?;
    }
}

/// 7.4: nil-safe navigation, `on_method_missing`, fields, enum members, then the error. `n` arguments without receiver.
fn missing_method(vm: &mut Vm, w: *mut Value, name: Sym, n: usize, kw: &[Sym], ret: u64) -> Ctl {
    // SAFETY: the window holds receiver and arguments.
    unsafe {
        let recv = *w.add(3);
        if recv.is_nil() {
            return deliver(vm, Value::NIL, ret);
        }
        let class = vm.class_of(recv);
        let mut c = class;
        let missing = loop {
            let d = c.data();
            if !d.on_missing.is_nil() {
                break Some(d.on_missing);
            }
            match d.parent.get::<ClassObj>(Kind::Class) {
                Some(p) => c = p,
                None => break None,
            }
        };
        if let Some(h) = missing {
            let off = offset(vm, w);
            let total = n + 1 + kw.len();
            if ensure(vm, off + FRAME_HEAD + total + 1 + SCRATCH).is_err() {
                return Ctl::Throw;
            }
            let w = at(vm, off);
            std::ptr::copy(w.add(4), w.add(5), total - 1);
            *w = h;
            *w.add(4) = vm.sym_string(name);
            return call(vm, w, n + 2, kw, ret, true);
        }
        let field = match recv.heap_kind() {
            Some(Kind::Instance) => vm.map_get(recv.gc(), name),
            Some(Kind::EnumValue) => super::member::enum_field(vm, recv, name),
            // As on an instance of a class that implements the interface itself.
            Some(Kind::Adapter) => super::interface::declared_field(vm, recv, name),
            Some(Kind::Class) => vm.class_static(recv.gc(), name),
            Some(Kind::Namespace) => vm.namespace_get(recv.gc(), name),
            Some(Kind::RegexMatch) => super::member::get_member(vm, recv, name).ok().filter(|v| !v.is_void()),
            _ => None,
        };
        if let Some(v) = field {
            if n == 0 && kw.is_empty() && !recv.is_kind(Kind::Namespace) {
                return deliver(vm, v, ret);
            }
            if vm.is_callable(v) {
                *w = v;
                return if v.get::<Function>(Kind::Function).is_some_and(|f| f.proto().has_self) {
                    call(vm, w, n + 1, kw, ret, true)
                } else {
                    std::ptr::copy(w.add(4), w.add(3), n + kw.len());
                    call(vm, w, n, kw, ret, false)
                };
            }
        }
        let kind = vm.kind_name(recv);
        let mut m = format!("Method {} not found on {kind}", vm.sym_name(name));
        if let Some(use_this) = crate::task::synonym::method(kind, vm.sym_name(name)) {
            m.push_str(&format!("; use {use_this}"));
        }
        fail(vm, Vm::type_error, &m)
    }
}

/// A method call by name from Rust or a cold instruction: window `w` holds receiver and arguments.
pub fn method_named(vm: &mut Vm, w: *mut Value, name: Sym, n: usize, kw: &[Sym], ret: u64) -> Ctl {
    // SAFETY: as `call`.
    unsafe {
        let recv = *w.add(3);
        match find_method(vm, recv, name) {
            Some(f) => {
                *w = f;
                call(vm, w, n + 1, kw, ret, true)
            }
            None => missing_method(vm, w, name, n, kw, ret),
        }
    }
}

/// A call by the name of a known function that has not been called from here yet, or that has been replaced.
#[cold]
#[inline(never)]
pub fn call_checked(vm: &mut Vm, w: *mut Value, i: Instr) -> Ctl {
    let p = running(vm);
    let at = i.ux() + 1;
    // SAFETY: the window holds the callee, arguments behind it.
    let f = unsafe { *w };
    let takes = |f: Gc<Function>| f.proto().number == p.consts[at] && f.proto().simple_args as usize == i.b();
    if f.get::<Function>(Kind::Function).is_some_and(takes) {
        // The constant is compared by identity from now on: the function must not make room for another one.
        vm.heap.permanent.push(f);
        // SAFETY: in range; constants of a live function are changed by its own instructions only.
        unsafe { *(p.consts.as_ptr() as *mut Value).add(at) = f };
    }
    call(vm, w, i.b(), &[], i.c() as u64, false)
}

/// The function of the running frame.
#[inline]
pub fn running<'a>(vm: &Vm) -> &'a Proto {
    let f = vm.cur;
    // SAFETY: a running fiber's frame has its closure below the base.
    unsafe { (*f.stack.add(f.base as usize - FRAME_HEAD)).gc::<Function>().proto() }
}

/// Tail call: the callee takes the place of the running frame.
#[inline(never)]
pub fn tail_call(vm: &mut Vm, w: *mut Value, n: usize, kw: &[Sym], method: bool) -> Ctl {
    // SAFETY: window in the stack.
    let callee = unsafe { *w };
    let mut cur = vm.cur;
    // Arguments that do not fit are this frame's mistake: it must still stand when the exception tells where.
    if callee.is_kind(Kind::Function) && takes(callee.gc(), n, kw) {
        // Move the window down over the running frame, then call as its caller would have.
        let base = cur.base as usize;
        // SAFETY: the window lies above the base.
        let (word, ret_pc) = unsafe { ((*cur.stack.add(base - 1)).0, (*cur.stack.add(base - 2)).0) };
        unsafe { std::ptr::copy(w, cur.stack.add(base - FRAME_HEAD), n + kw.len() + FRAME_HEAD) };
        let off = base - FRAME_HEAD;
        if word & FRAME_BOTTOM != 0 {
            // The bottom frame has no caller: it is its own base.
            return call(vm, at(vm, off), n, kw, word >> 32, method);
        }
        cur.base = (base as u64 - (word & 0xffff_ffff)) as u32;
        cur.pc = ret_pc as *const Instr;
        return call(vm, at(vm, off), n, kw, word >> 32, method);
    }
    // Anything else runs as an ordinary call whose result is returned (see `deliver_op`).
    call(vm, w, n, kw, RET_OP, method)
}

/// Tail method call.
#[inline(never)]
pub fn tail_method(vm: &mut Vm, w: *mut Value, i: Instr) -> Ctl {
    let p = running(vm);
    let site = &p.sites[i.ux()];
    // SAFETY: the window holds the receiver.
    let recv = unsafe { *w.add(3) };
    let name = site.name;
    let key = cache::class_key(recv);
    let f = match vm.method_cache.get(key, name, vm.method_epoch).filter(|_| key != 0) {
        Some(f) => Some(f),
        None => find_method(vm, recv, name),
    };
    match f {
        Some(f) if site.keywords.is_empty() => {
            if key != 0 && vm.method_epoch < 0xFFFF && cacheable(recv) {
                vm.method_cache.set(key, name, vm.method_epoch, f);
            }
            // SAFETY: window in the stack.
            unsafe { *w = f };
            tail_call(vm, w, i.b() + 1, &[], true)
        }
        _ => {
            let kw: *const [Sym] = &*site.keywords;
            // SAFETY: names live in the proto.
            method_named(vm, w, name, i.b(), unsafe { &*kw }, RET_OP)
        }
    }
}

/// Returns `v` from the running frame, whatever its flags.
#[inline(never)]
pub fn return_value(vm: &mut Vm, v: Value) -> Ctl {
    let mut cur = vm.cur;
    let base = cur.base as usize;
    // SAFETY: the frame head is below the base.
    let (word, ret_pc, first) =
        unsafe { ((*cur.stack.add(base - 1)).0, (*cur.stack.add(base - 2)).0, *cur.stack.add(base)) };
    if word & FRAME_BOTTOM != 0 {
        let v = if word & FRAME_NEW != 0 { first } else { v };
        return fiber_done(vm, v);
    }
    cur.base = (base as u64 - (word & 0xffff_ffff)) as u32;
    cur.pc = ret_pc as *const Instr;
    let v = if word & FRAME_NEW != 0 { first } else { v };
    if word & FRAME_OP != 0 {
        return deliver_op(vm, v);
    }
    // SAFETY: destination register of the caller's frame.
    unsafe { *cur.stack.add(cur.base as usize + (word >> 32 & 0xff) as usize) = v };
    Ctl::Load
}

/// Hands `v` to the instruction before the saved pc of the running fiber: the one that called, awaited or yielded.
pub fn deliver_op(vm: &mut Vm, v: Value) -> Ctl {
    let mut cur = vm.cur;
    if cur.pc.is_null() {
        // The task's function is a native, which has no frame.
        return fiber_done(vm, v);
    }
    // SAFETY: the pc of a suspended frame is behind the instruction it waits in.
    let i = unsafe { *cur.pc.sub(1) };
    let r = |n: usize| at(vm, cur.base as usize + n);
    let jump = |f: &mut Gc<Fiber>| {
        // SAFETY: jump targets are inside the function.
        f.pc = unsafe { f.pc.offset(i.x() as isize) };
    };
    use Op::*;
    // SAFETY: registers of the running frame.
    unsafe {
        match i.op() {
            New if (*r(i.a() + 1)).is_small() => return super::define::next_default(vm, i, Some(v)),
            Call | CallMod | CallChecked | CallKw | CallSpread | Method | MethodSpread | MethodDyn | Select
            | MethodDynSpread | Super | SuperSpread | SuperCtor | SuperCtorSpread | New | NewSpread | Spawn
            | SpawnSpread => *r(i.c()) = v,
            TailCall | TailMod | TailMethod | TailKw => return return_value(vm, v),
            JnLt | JnLe | JnGt | JnGe | JnEq | JnLtI | JnLeI | JnGtI | JnGeI | JnEqI => {
                if !v.truthy() {
                    jump(&mut cur);
                }
            }
            // `!=` is the negation of the method `==`.
            JnNe | JnNeI => {
                if v.truthy() {
                    jump(&mut cur);
                }
            }
            JLt | JLe | JGt | JGe | JEq | JLtI | JLeI | JGtI | JGeI | JEqI | LoopLt | LoopLe | LoopGt | LoopGe
            | LoopEq | LoopLtI | LoopLeI | LoopGtI | LoopGeI | LoopEqI => {
                if v.truthy() {
                    jump(&mut cur);
                }
            }
            JNe | JNeI | LoopNe | LoopNeI => {
                if !v.truthy() {
                    jump(&mut cur);
                }
            }
            Lt | Le | Gt | Ge | Eq => *r(i.a()) = Value::bool(v.truthy()),
            Ne => *r(i.a()) = Value::bool(!v.truthy()),
            ToStr => {
                if !v.is_str() {
                    return fail(vm, Vm::type_error, "to_s must return a String");
                }
                *r(i.a()) = v;
            }
            IterInit | IterNext | IterNext2 => return super::iterate::delivered(vm, i, v),
            SetProp | SetPropTyped | SetPropFloat | SetPropVar | SetDyn | SetIdx | IterClose | Rethrow => {}
            CallMacro | Eval | CallerEval | Render => *r(i.a()) = v,
            _ => return super::cold::delivered(vm, i, v),
        }
    }
    Ctl::Load
}

/// As [`deliver_op`], with short ways for calls and for loops, where tasks wait most.
#[inline(always)]
pub fn deliver_parked(vm: &mut Vm, v: Value) -> Ctl {
    let f = vm.cur;
    if !f.pc.is_null() {
        // SAFETY: as in `deliver_op`.
        unsafe {
            let i = *f.pc.sub(1);
            match i.op() {
                Op::Method => {
                    *f.stack.add(f.base as usize + i.c()) = v;
                    return Ctl::Load;
                }
                Op::IterNext if v != Value::NOT_FOUND => {
                    *f.stack.add(f.base as usize + i.b()) = v;
                    return Ctl::Load;
                }
                _ => {}
            }
        }
    }
    deliver_op(vm, v)
}

/// The bottom frame of the running fiber returned `v`.
pub fn fiber_done(vm: &mut Vm, v: Value) -> Ctl {
    let mut f = vm.cur;
    match f.role {
        Role::Nested => {
            vm.ret = v;
            f.status = Status::Done;
            Ctl::Done
        }
        Role::Generator => {
            f.status = Status::Done;
            f.result = v;
            vm.heap.barrier(f);
            super::iterate::generator_ended(vm, f)
        }
        Role::Task => crate::task::ended(vm, Ok(v)),
    }
}

impl Vm {
    /// Calls `callee` and waits for its result on the native stack. The callee can't suspend. For the few places where a native
    /// needs a script's answer (`==`, `hash` and `to_s` inside library code).
    pub fn call_sync(&mut self, callee: Value, args: &[Value]) -> R {
        self.call_sync_as(callee, args, false)
    }

    /// As [`Vm::call_sync`]; `args[0]` is `self`.
    pub fn call_method_sync(&mut self, recv: Value, name: Sym, args: &[Value]) -> R {
        let Some(m) = find_method(self, recv, name) else {
            let text = format!("Method {} not found on {}", self.sym_name(name), self.kind_name(recv));
            return Err(self.type_error(&text));
        };
        let mut all = vec![recv];
        all.extend_from_slice(args);
        self.call_sync_as(m, &all, true)
    }

    fn call_sync_as(&mut self, callee: Value, args: &[Value], method: bool) -> R {
        if self.nesting >= MAX_NESTING {
            return Err(self.runtime_error("Stack overflow"));
        }
        let outer = self.cur;
        let mut f = self.heap.fiber(Role::Nested, FRAME_HEAD * 2 + args.len() + SCRATCH + 16);
        f.caller = outer.value();
        f.status = Status::Running;
        // SAFETY: the new stack has room for an empty frame and the window above it.
        unsafe {
            for j in 0..FRAME_HEAD {
                *f.stack.add(j) = Value::NIL;
            }
            let w = f.stack.add(FRAME_HEAD);
            *w = callee;
            for (j, &v) in args.iter().enumerate() {
                *w.add(FRAME_HEAD + j) = v;
            }
        }
        let mut outer_fiber = outer;
        let status = outer.status;
        outer_fiber.status = Status::Waiting;
        self.cur = f;
        self.nesting += 1;
        // SAFETY: as above.
        let c = call(self, unsafe { f.stack.add(FRAME_HEAD) }, args.len(), &[], FRAME_BOTTOM >> 32, method);
        let exit = match c {
            Ctl::Done => Exit::Done,
            Ctl::Next | Ctl::Load => run::run(self, Start::Resume),
            c => match unwind::settle(self, c) {
                Some(e) => e,
                None => run::run(self, Start::Resume),
            },
        };
        self.nesting -= 1;
        self.cur = outer;
        outer_fiber.status = status;
        match exit {
            Exit::Done => Ok(self.ret),
            Exit::Threw => Err(Stop::Throw),
            Exit::Idle => Err(self.runtime_error("a nested run was suspended")),
        }
    }
}

/// Calls a macro with data; the caller's environment goes into the register behind the parameters.
pub fn call_macro(vm: &mut Vm, f: Gc<Function>, args: &[Value], kw: &[(Sym, Value)], env: Value) -> Ctl {
    let p = f.proto();
    let off = scratch_offset(vm);
    let n = args.len() + kw.len();
    if ensure(vm, off + FRAME_HEAD + p.nregs as usize + n + SCRATCH).is_err() {
        return Ctl::Throw;
    }
    let names: Vec<Sym> = kw.iter().map(|k| k.0).collect();
    // SAFETY: room for arguments and registers ensured.
    unsafe {
        let w = at(vm, off);
        *w = f.value();
        for (j, &v) in args.iter().chain(kw.iter().map(|k| &k.1)).enumerate() {
            *w.add(FRAME_HEAD + j) = v;
        }
        if let Err(m) = bind(vm, w.add(FRAME_HEAD), p, args.len(), &names) {
            return fail(vm, Vm::argument_error, &m);
        }
        *w.add(FRAME_HEAD + p.params.names.len()) = env;
    }
    push_frame(vm, off, p, RET_OP)
}

impl Vm {
    /// Calls a function whose first argument is `self`, on the native stack.
    pub fn call_sync_method(&mut self, f: Value, args: &[Value]) -> R {
        self.call_sync_as(f, args, true)
    }
}
