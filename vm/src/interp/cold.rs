//! Instructions executed out of line.
use super::{Ctl, FRAME_BOTTOM, FRAME_NEW, SCRATCH, call, define, dynamic, iterate, member, pattern, types};
use crate::bytecode::{Instr, Op};
use crate::heap::{Gc, Kind, Record};
use crate::native::{R, Stop};
use crate::object::array::Array;
use crate::object::class::ClassObj;
use crate::object::code::FAR;
use crate::object::fiber::{FRAME_HEAD, Fiber, Role, Status};
use crate::object::function::{Cell, Function};
use crate::object::map::Map;
use crate::value::{Sym, Value};
use crate::vm::Vm;

/// Constant x of the running function.
pub fn constant(vm: &Vm, i: Instr) -> Value {
    call::running(vm).consts[i.ux()]
}

/// Checks and converts the elements of an array in place.
fn check_elements(vm: &mut Vm, array: Value, ty: Value, place: &str) -> Ctl {
    let a: Gc<Array> = array.gc();
    for j in 0..a.size() {
        match types::check(vm, a.as_slice()[j], ty, place) {
            Ok(v) => vm.heap.array_set(a, j, v),
            Err(_) => return Ctl::Throw,
        }
    }
    Ctl::Next
}

/// Names in a record of symbols.
pub fn names(v: Value) -> Vec<Sym> {
    v.get::<Record>(Kind::Record).map_or(Vec::new(), |r| r.slots().iter().filter_map(|v| v.as_sym()).collect())
}

#[cold]
#[inline(never)]
pub fn undefined_module_var(vm: &mut Vm, _r: *mut Value, i: Instr) -> Ctl {
    let cell = constant(vm, i);
    let module = call::running(vm).source.module;
    let name = vm
        .modules
        .get(module as usize)
        .and_then(|m| m.vars.iter().find(|v| v.1 == cell))
        .map_or("name", |v| vm.symbols.name(v.0));
    call::fail(vm, Vm::runtime_error, &format!("{name} is not defined"))
}

fn undefined(vm: &mut Vm, name: Value) -> Ctl {
    let n = name.as_sym().map_or("name", |s| vm.sym_name(s));
    call::fail(vm, Vm::runtime_error, &format!("{n} is not defined"))
}

#[inline(never)]
pub fn new_map(vm: &mut Vm, r: *mut Value, i: Instr) -> Ctl {
    let keys: Gc<Record> = constant(vm, i).gc();
    let n = keys.len();
    let m = vm.map_with_capacity(n);
    for j in 0..n {
        // SAFETY: values stand from b.
        let v = unsafe { *r.add(i.b() + j) };
        if let Some(k) = keys.slot(j).as_sym() {
            vm.map_set(m, k, v);
        }
    }
    // SAFETY: register.
    unsafe { *r.add(i.a()) = m.value() };
    Ctl::Next
}

/// Register `n` of the frame at `r`, or its word of that number.
///
/// # Safety
/// `r` is the base of a frame, and `n` one of its numbers.
pub unsafe fn word(r: *mut Value, n: usize) -> *mut Value {
    // SAFETY: by the contract; the frame's function stands in its head.
    unsafe {
        match n.checked_sub(FAR) {
            None => r.add(n),
            Some(n) => r.sub(FRAME_HEAD + (*r.sub(FRAME_HEAD)).gc::<Function>().proto().words as usize).add(n),
        }
    }
}

/// Moves the running frame, head and registers, by `n` words. Its caller made sure that it fits.
fn move_frame(vm: &mut Vm, r: *mut Value, n: isize) -> Ctl {
    let p = call::running(vm);
    let regs = (p.nregs - p.words) as usize;
    let mut cur = vm.cur;
    // SAFETY: calls ensure room for all of `nregs`; the stack is a whole, and scanned as one.
    unsafe {
        let head = r.sub(FRAME_HEAD);
        std::ptr::copy(head, head.offset(n), FRAME_HEAD + regs);
        let back = r.offset(n).sub(1);
        // The lower half is the distance to the frame below.
        (*back).0 = ((*back).0).wrapping_add_signed(n as i64);
    }
    cur.base = (cur.base as isize + n) as u32;
    Ctl::Load
}

#[inline(never)]
pub fn closure(vm: &mut Vm, r: *mut Value, i: Instr) -> Ctl {
    let code = constant(vm, i);
    // SAFETY: registers and captures of the running frame, as the code generator laid them out.
    unsafe {
        let p = &*code.gc::<crate::object::code::CodeObj>().proto();
        let f = vm.heap.function(code, p.captures.len());
        let outer = (*r.sub(3)).gc::<Function>();
        for (j, &(from_capture, n)) in p.captures.iter().enumerate() {
            *f.captures().add(j) = match from_capture {
                true => *outer.captures().add(n as usize),
                false => *word(r, n as usize),
            };
        }
        *r.add(i.a()) = f.value();
    }
    Ctl::Next
}

fn put(vm: &mut Vm, r: *mut Value, i: Instr, v: R) -> Ctl {
    match v {
        Ok(v) => {
            // SAFETY: register.
            unsafe { *r.add(i.a()) = v };
            Ctl::Next
        }
        Err(s) => call::stop(vm, s, call::RET_OP),
    }
}

fn unit(r: Result<(), Stop>) -> Ctl {
    if r.is_ok() { Ctl::Next } else { Ctl::Throw }
}

fn jump(vm: &mut Vm, i: Instr) -> Ctl {
    // SAFETY: jump targets are inside the function.
    vm.cur.pc = unsafe { vm.cur.pc.offset(i.x() as isize) };
    Ctl::Load
}

fn jump_if(vm: &mut Vm, i: Instr, t: bool) -> Ctl {
    if t { jump(vm, i) } else { Ctl::Next }
}

/// All instructions the dispatch loop doesn't know.
#[inline(never)]
pub fn execute(vm: &mut Vm, r: *mut Value, i: Instr) -> Ctl {
    use Op::*;
    // SAFETY: register operands are below `nregs` (verifier).
    let reg = |n: usize| unsafe { *r.add(n) };
    // SAFETY: as above.
    let set = |n: usize, v: Value| unsafe { *r.add(n) = v };
    match i.op() {
        GetCellK => {
            let v = reg(i.b()).gc::<Cell>().value;
            if v.is_undef() {
                return undefined(vm, constant(vm, i));
            }
            set(i.a(), v);
            Ctl::Next
        }
        GetCapCellK => {
            // SAFETY: captures of the running closure.
            let c = unsafe { *(*r.sub(3)).gc::<Function>().captures().add(i.b()) };
            let v = if c.is_kind(Kind::Cell) { c.gc::<Cell>().value } else { c };
            if v.is_undef() {
                return undefined(vm, constant(vm, i));
            }
            set(i.a(), v);
            Ctl::Next
        }
        Pow | Concat => super::operate::arith(vm, r, i, reg(i.b()), reg(i.c())),
        RepeatPrep => repeat_prep(vm, r, i),
        PushAll => push_all(vm, r, i),
        IterClose => iterate::close(vm, r, i),
        Room => move_frame(vm, r, i.x() as isize),
        Unroom => move_frame(vm, r, -i.x() as isize),
        // SAFETY: registers and words of the frame.
        SaveRegs => unsafe {
            std::ptr::copy_nonoverlapping(r.add(i.a()), r.offset(i.x() as isize), i.c());
            Ctl::Next
        },
        // SAFETY: as above.
        LoadRegs => unsafe {
            std::ptr::copy_nonoverlapping(r.offset(i.x() as isize), r.add(i.a()), i.c());
            Ctl::Next
        },
        GetFarCap => {
            // SAFETY: captures of the running function, as the code generator counted them.
            let v = unsafe { *(*r.sub(FRAME_HEAD)).gc::<Function>().captures().add(i.ux()) };
            set(i.a(), v);
            Ctl::Next
        }
        CallKw => {
            let kw = names(constant(vm, i));
            // SAFETY: window.
            call::call(vm, unsafe { r.add(i.a()) }, i.b(), &kw, i.c() as u64, false)
        }
        TailKw => {
            let kw = names(constant(vm, i));
            // SAFETY: window.
            call::tail_call(vm, unsafe { r.add(i.a()) }, i.b(), &kw, false)
        }
        CallSpread => spread_call(vm, reg(i.a()), &[], reg(i.a() + 3), reg(i.a() + 4), i.c() as u64, false),
        MethodSpread => {
            let name = call::running(vm).sites[i.ux()].name;
            method_spread(vm, r, i, name)
        }
        MethodDyn => match vm.map_key(reg(i.a())) {
            Some(name) => {
                let kw = call::running(vm).sites[i.ux()].keywords.clone();
                // SAFETY: window.
                call::method_named(vm, unsafe { r.add(i.a()) }, name, i.b(), &kw, i.c() as u64)
            }
            None => bad_name(vm, reg(i.a())),
        },
        MethodDynSpread => match vm.map_key(reg(i.a())) {
            Some(name) => method_spread(vm, r, i, name),
            None => bad_name(vm, reg(i.a())),
        },
        Super | SuperSpread | SuperCtor | SuperCtorSpread => super_call(vm, r, i),
        New | NewSpread => define::new(vm, r, i),
        Throw => {
            vm.exception = vm.exception_from(reg(i.a()));
            Ctl::Throw
        }
        Rethrow => {
            vm.exception = reg(i.a());
            Ctl::Throw
        }
        IsException => match reg(i.c()).get::<ClassObj>(Kind::Class) {
            Some(c) => {
                let ex = reg(i.b());
                let own = vm.is_own_cancellation(ex);
                let (cancel, fuel) = (vm.classes.cancellation, vm.classes.fuel);
                let named = || vm.subclass_of(c, cancel) || vm.subclass_of(c, fuel);
                let yes = vm.is_exception(ex, c) && (!own || named() && ex != vm.generator_exit);
                set(i.a(), Value::bool(yes));
                Ctl::Next
            }
            None => {
                let k = vm.kind_name(reg(i.c()));
                call::fail(vm, Vm::type_error, &format!("catch expects an exception class, got {k}"))
            }
        },
        JmpOwnCancel => {
            let own = vm.is_own_cancellation(reg(i.a()));
            jump_if(vm, i, own)
        }
        Is | IsNot => {
            let v = types::is_type(vm, reg(i.b()), reg(i.c()));
            put(vm, r, i, v.map(|b| Value::bool(b == (i.op() == Is))))
        }
        CheckInt | CheckFloat | CheckType | CheckClass => types::check_slow(vm, r, i),
        CheckTypes => {
            let k: Gc<Record> = constant(vm, i).gc();
            check_elements(vm, reg(i.a()), k.slot(0), k.slot(1).as_str().unwrap_or(""))
        }
        CheckBound => {
            let place = constant(vm, i).as_str().unwrap_or("");
            if i.c() == 1 {
                return check_elements(vm, reg(i.a()), reg(i.b()), place);
            }
            let v = types::check(vm, reg(i.a()), reg(i.b()), place);
            put(vm, r, i, v)
        }
        BindType => types::bind_type(vm, r, i),
        AssertFail => {
            let m = reg(i.a());
            let text = if m.is_undef() {
                "Assertion failed".to_string()
            } else {
                match vm.to_text(m) {
                    Ok(t) => t,
                    Err(_) => return Ctl::Throw,
                }
            };
            let c = vm.classes.assertion_exception;
            let _ = vm.throw(c, &text);
            Ctl::Throw
        }
        MakeGen => make_generator(vm, r),
        Yield => iterate::yield_value(vm, reg(i.b())),
        YieldStar => yield_star(vm, r, i),
        Await | AwaitAll => {
            let timeout = if i.x() == 1 {
                match vm.duration_us(reg(i.c())) {
                    Ok(t) => t,
                    Err(_) => return Ctl::Throw,
                }
            } else {
                None
            };
            let v = if i.op() == Await {
                vm.await_value(reg(i.b()), timeout)
            } else {
                let items = reg(i.b()).gc::<Array>().as_slice().to_vec();
                vm.await_all(&items, timeout)
            };
            put(vm, r, i, v)
        }
        Async => vm.start_eager(reg(i.b()), i.c() == 1),
        SpawnSpread => {
            let args = reg(i.a() + 3).get::<Array>(Kind::Array).map_or(Vec::new(), |a| a.as_slice().to_vec());
            let kw = reg(i.a() + 4).get::<Map>(Kind::Map).map_or(Vec::new(), |m| vm.map_entries(m));
            spawn(vm, r, i, reg(i.a()), &args, kw)
        }
        NewRange => {
            let (start, end, step) = (reg(i.b()), reg(i.b() + 1), reg(i.b() + 2));
            match iterate::check_range(vm, start, end, step) {
                Ok(step) => {
                    set(i.a(), vm.heap.record(Kind::Range, 0, &[start, end, step]).value());
                    Ctl::Next
                }
                Err(_) => Ctl::Throw,
            }
        }
        RangeLast => match crate::library::range::last_of(vm, reg(i.b())) {
            Ok(last) => {
                set(i.a(), last);
                Ctl::Next
            }
            Err(_) => Ctl::Throw,
        },
        NewHashMap => {
            let t = vm.heap.table(Kind::HashMap);
            // Kept in the destination while keys are hashed: their methods may run.
            let pairs: Vec<(Value, Value)> = (0..i.c()).map(|j| (reg(i.b() + 2 * j), reg(i.b() + 2 * j + 1))).collect();
            for (k, v) in pairs {
                if vm.table_set(t, k, v).is_err() {
                    return Ctl::Throw;
                }
            }
            set(i.a(), t.value());
            Ctl::Next
        }
        HashSetAt => unit(vm.table_set(reg(i.a()).gc(), reg(i.b()), reg(i.c())).map(|_| ())),
        MapSet => {
            if let Some(k) = constant(vm, i).as_sym() {
                vm.map_set(reg(i.a()).gc(), k, reg(i.b()));
            }
            Ctl::Next
        }
        MapSpread => {
            let skip = names(constant(vm, i));
            match reg(i.b()).get::<Map>(Kind::Map) {
                Some(m) => {
                    for (k, v) in vm.map_entries(m) {
                        if !skip.contains(&k) {
                            vm.map_set(reg(i.a()).gc(), k, v);
                        }
                    }
                    Ctl::Next
                }
                None => cannot_spread(vm, reg(i.b())),
            }
        }
        Freeze => {
            reg(i.a()).gc::<Record>().header_mut().set_frozen(true);
            Ctl::Next
        }
        NewGene => {
            let items = [reg(i.b()), reg(i.b() + 1), reg(i.b() + 2), Value::NIL];
            // A quoted type is data already; the record is a fresh Gene.
            let g = vm.heap.record(Kind::Gene, 0, &items);
            g.header_mut().set_frozen(i.c() == 1);
            set(i.a(), g.value());
            Ctl::Next
        }
        Quote => {
            let v = dynamic::copy_data(vm, constant(vm, i));
            set(i.a(), v);
            Ctl::Next
        }
        Regex => {
            let v = dynamic::regex(vm, constant(vm, i));
            put(vm, r, i, v)
        }
        NotNil => {
            let v = reg(i.a());
            if v.is_void() {
                call::fail(vm, Vm::runtime_error, "Selector did not match (VOID)")
            } else if v.is_nil() {
                call::fail(vm, Vm::runtime_error, "Selector did not match (NIL)")
            } else {
                Ctl::Next
            }
        }
        Unwrap => pattern::unwrap(vm, r, i),
        AssignGlobal => {
            let Some(name) = constant(vm, i).as_sym() else { return Ctl::Next };
            let module = call::running(vm).source.module;
            let Some(m) = vm.modules.get(module as usize) else { return undefined(vm, Value::sym(name)) };
            let ns = m.namespace;
            if ns.data().find(name).is_none() {
                if let Some(&(_, cell, constant)) = m.vars.iter().rev().find(|v| v.0 == name) {
                    if constant {
                        let m = format!("Cannot reassign 'let' binding '{}'", vm.sym_name(name));
                        return call::fail(vm, Vm::runtime_error, &m);
                    }
                    let mut cell: Gc<Cell> = cell.gc();
                    if cell.value.is_undef() {
                        return undefined(vm, Value::sym(name));
                    }
                    cell.value = reg(i.a());
                    vm.heap.barrier(cell);
                    return Ctl::Next;
                }
                let imported = !vm.sym_name(name).starts_with('_')
                    && m.opened.iter().any(|ns| vm.namespace_get(ns.gc(), name).is_some());
                if imported {
                    let m = format!("Cannot reassign 'let' binding '{}'", vm.sym_name(name));
                    return call::fail(vm, Vm::runtime_error, &m);
                }
                return undefined(vm, Value::sym(name));
            }
            unit(member::set_member(vm, ns.value(), name, reg(i.a())))
        }
        ModuleNs => {
            let module = call::running(vm).source.module;
            set(i.a(), vm.modules.get(module as usize).map_or(Value::NIL, |m| m.namespace.value()));
            Ctl::Next
        }
        ClassNew | ClassOpen | ClassMethod | ClassCtor | ClassField | ClassStatic | ClassMissing | ClassImplements
        | ClassDone | InterfaceNew | ImplementNew | ImplementDone | EnumNew | NsNew | Import | ExportCheck => {
            define::execute(vm, r, i)
        }
        Unpack | Destructure | DestructureMap | Item | TestArray | TestMap | TestGene | GetKey | RestKeys
        | RestItems | GeneType | GeneItems | VariantOf | TestVariant | Payload | PayloadNamed | Matches | NoMatch
        | Contract => pattern::execute(vm, r, i),
        MakeEnv | IsMacro | CallMacro | Eval | CallerEval | Render => dynamic::execute(vm, r, i),
        Nop => Ctl::Next,
        other => call::fail(vm, Vm::runtime_error, &format!("unknown instruction {other:?}")),
    }
}

/// A script's answer for an out-of-line instruction.
pub fn delivered(vm: &mut Vm, i: Instr, v: Value) -> Ctl {
    let f = vm.cur;
    // SAFETY: registers of the running frame.
    let r = unsafe { f.stack.add(f.base as usize) };
    match i.op() {
        Op::YieldStar => {
            // SAFETY: state registers of the instruction.
            unsafe {
                if v == Value::NOT_FOUND {
                    let src = *r.add(i.b());
                    *r.add(i.a()) = src.as_generator().map_or(Value::NIL, |g| g.result);
                    return jump(vm, i);
                }
                *r.add(i.a()) = v;
            }
            Ctl::Load
        }
        Op::Import => define::import_done(vm, r, i),
        Op::Matches => {
            // SAFETY: register.
            unsafe { *r.add(i.a()) = Value::bool(v.truthy()) };
            Ctl::Load
        }
        _ => {
            // SAFETY: register.
            unsafe { *r.add(i.a()) = v };
            Ctl::Load
        }
    }
}

fn bad_name(vm: &mut Vm, v: Value) -> Ctl {
    let k = vm.kind_name(v);
    call::fail(vm, Vm::type_error, &format!("method name must be a String or Symbol, got {k}"))
}

#[inline(never)]
pub fn select(vm: &mut Vm, r: *mut Value, i: Instr) -> Ctl {
    // SAFETY: the operands stand in registers of the running frame, which stay in place.
    let operands = unsafe { std::slice::from_raw_parts(r.add(i.a()), i.b()) };
    if let Some(arm) = crate::task::select::quick(vm, i.x() as i64, operands) {
        // SAFETY: verified code of the running frame.
        return unsafe { committed(vm, r, i, Value::small(arm as i64)) };
    }
    select_whole(vm, r, i, operands)
}

#[inline(never)]
fn select_whole(vm: &mut Vm, r: *mut Value, i: Instr, operands: &[Value]) -> Ctl {
    match crate::task::select::of_operands(vm, i.x() as i64, operands) {
        // SAFETY: as above.
        Ok(arm) => unsafe { committed(vm, r, i, arm) },
        Err(crate::native::Stop::Park) => crate::task::scheduler::park(vm),
        Err(s) => call::stop(vm, s, i.c() as u64),
    }
}

/// Goes on at the arm, as the `Switch` and the `SelectTaken` behind a `Select` would.
///
/// # Safety
/// `i` is a `Select` of the running frame with the registers `r`, whose program counter was saved.
#[inline(always)]
unsafe fn committed(vm: &mut Vm, r: *mut Value, i: Instr, arm: Value) -> Ctl {
    // SAFETY: the caller's promise. Code is verified: registers are the frame's, a `Switch` stands before its table, and each jump
    // leads to an instruction.
    unsafe {
        *r.add(i.c()) = arm;
        let next = *vm.cur.pc;
        if next.op() == Op::Switch && next.a() == i.c() {
            let n = (arm.small_int() as usize).min(next.ux());
            let entry = vm.cur.pc.add(n + 1);
            let to = entry.offset(1 + (*entry).x() as isize);
            if (*to).op() == Op::SelectTaken && (*to).c() == 2 {
                let (v, open) = vm.tasks.given;
                *r.add((*to).a()) = Value::bool(open);
                *r.add((*to).b()) = v;
                vm.cur.pc = to.add(1);
                return Ctl::Load;
            }
        }
        vm.keep_given();
        Ctl::Next
    }
}

/// `(spawn callee argument...)`
#[inline(never)]
pub fn spawn_call(vm: &mut Vm, r: *mut Value, i: Instr) -> Ctl {
    let w = i.a();
    // SAFETY: the callee and the arguments stand in the window; making a task calls nothing and moves no stack.
    let (callee, args) = unsafe { (*r.add(w), std::slice::from_raw_parts(r.add(w + 3), i.b())) };
    if i.x() < 0 && callee.is_kind(Kind::Function) {
        let home = vm.current_scope();
        return match vm.spawn_task(callee, args, home, 0, Value::NIL) {
            Ok(f) => {
                // SAFETY: register.
                unsafe { *r.add(i.c()) = f };
                Ctl::Next
            }
            Err(_) => Ctl::Throw,
        };
    }
    let mut kwargs = Vec::new();
    if i.x() >= 0 {
        let kw = names(constant(vm, i));
        // SAFETY: as above, the values of keywords behind the arguments.
        kwargs.extend(kw.iter().enumerate().map(|(j, &s)| (s, unsafe { *r.add(w + 3 + i.b() + j) })));
    }
    spawn(vm, r, i, callee, args, kwargs)
}

fn spawn(vm: &mut Vm, r: *mut Value, i: Instr, callee: Value, args: &[Value], kw: Vec<(Sym, Value)>) -> Ctl {
    let home = vm.current_scope();
    match vm.spawn_with(callee, args, kw, home, 0) {
        Ok(f) => match vm.start_spawned(f) {
            Some(c) => c,
            None => {
                // SAFETY: register.
                unsafe { *r.add(i.c()) = f };
                Ctl::Next
            }
        },
        Err(_) => Ctl::Throw,
    }
}

/// Builds a window from `head`, array and map, and calls.
fn spread_call(vm: &mut Vm, callee: Value, head: &[Value], args: Value, kw: Value, ret: u64, method: bool) -> Ctl {
    let mut all = head.to_vec();
    if let Some(a) = args.get::<Array>(Kind::Array) {
        all.extend_from_slice(a.as_slice());
    }
    let kw = kw.get::<Map>(Kind::Map).map_or(Vec::new(), |m| vm.map_entries(m));
    call::pending_call(vm, crate::vm::PendingCall { callee, args: all, kw, method }, ret)
}

fn method_spread(vm: &mut Vm, r: *mut Value, i: Instr, name: Sym) -> Ctl {
    // SAFETY: window.
    let (recv, args, kw) = unsafe { (*r.add(i.a() + 3), *r.add(i.a() + 4), *r.add(i.a() + 5)) };
    let items = args.get::<Array>(Kind::Array).map_or(Vec::new(), |a| a.as_slice().to_vec());
    let kw = kw.get::<Map>(Kind::Map).map_or(Vec::new(), |m| vm.map_entries(m));
    let off = call::scratch_offset(vm);
    if call::ensure(vm, off + FRAME_HEAD + items.len() + kw.len() + 1 + SCRATCH).is_err() {
        return Ctl::Throw;
    }
    let names: Vec<Sym> = kw.iter().map(|k| k.0).collect();
    // SAFETY: room ensured.
    unsafe {
        let w = vm.cur.stack.add(off);
        *w.add(3) = recv;
        for (j, &v) in items.iter().chain(kw.iter().map(|k| &k.1)).enumerate() {
            *w.add(4 + j) = v;
        }
        call::method_named(vm, w, name, items.len(), &names, i.c() as u64)
    }
}

fn super_call(vm: &mut Vm, r: *mut Value, i: Instr) -> Ctl {
    let op = i.op();
    // SAFETY: window.
    let (class, self_) = unsafe { (*r.add(i.a()), *r.add(i.a() + 3)) };
    let site = call::running(vm).sites[i.ux()].clone();
    let ctor = matches!(op, Op::SuperCtor | Op::SuperCtorSpread);
    let parent = class.get::<ClassObj>(Kind::Class).and_then(|c| c.data().parent.get::<ClassObj>(Kind::Class));
    let target = match parent {
        Some(p) if ctor => define::find_ctor(vm, p),
        Some(p) => vm.class_find(p, site.name),
        None => None,
    };
    let Some(f) = target else {
        if ctor {
            // No constructor above: nothing to run.
            // SAFETY: register.
            unsafe { *r.add(i.c()) = Value::NIL };
            return Ctl::Next;
        }
        let n = vm.sym_name(site.name);
        return call::fail(vm, Vm::type_error, &format!("No super method {n}"));
    };
    if matches!(op, Op::SuperSpread | Op::SuperCtorSpread) {
        // SAFETY: window.
        let (args, kw) = unsafe { (*r.add(i.a() + 4), *r.add(i.a() + 5)) };
        return spread_call(vm, f, &[self_], args, kw, i.c() as u64, true);
    }
    // SAFETY: window.
    unsafe {
        let w = r.add(i.a());
        *w = f;
        call::call(vm, w, i.b() + 1, &site.keywords, i.c() as u64, true)
    }
}

fn repeat_prep(vm: &mut Vm, r: *mut Value, i: Instr) -> Ctl {
    // SAFETY: five registers from a belong to the loop.
    unsafe {
        let w = r.add(i.a());
        let Some(n) = (*w.add(1)).as_int() else {
            return call::fail(vm, Vm::type_error, "repeat requires an Int count");
        };
        *w = Value::small(0);
        *w.add(1) = vm.int(n.saturating_sub(1));
        *w.add(2) = Value::small(1);
        *w.add(3) = Value::small(0);
        *w.add(4) = Value::small(0);
        *r.add(i.b()) = Value::small(0);
        jump_if(vm, i, n <= 0)
    }
}

/// Appends the elements of an iterable.
fn push_all(vm: &mut Vm, r: *mut Value, i: Instr) -> Ctl {
    // SAFETY: registers.
    let (out, src) = unsafe { ((*r.add(i.a())).gc::<Array>(), *r.add(i.b())) };
    match src.heap_kind() {
        Some(Kind::Array) => {
            let items = src.gc::<Array>().as_slice().to_vec();
            vm.heap.array_extend(out, &items);
            Ctl::Next
        }
        Some(Kind::Range | Kind::HashSet) => {
            let mut w = [src, Value::small(0), Value::small(0)];
            if let Some(t) = src.get::<crate::object::table::Table>(Kind::HashSet) {
                w[2] = Value::small(t.version as i64);
            }
            loop {
                // SAFETY: a state as `init` makes it.
                match unsafe { iterate::step(vm, w.as_mut_ptr()) } {
                    Ok(Some((_, v))) => vm.heap.array_push(out, v),
                    Ok(None) => return Ctl::Next,
                    Err(_) => return Ctl::Throw,
                }
            }
        }
        // The elements come from script code: the prelude appends them and gives the array back.
        Some(Kind::Fiber | Kind::Iter | Kind::Instance | Kind::Foreign) if iterate::is_iterable(vm, src) => {
            let name = vm.symbols.intern_static("_extend");
            let class = vm.class_of(out.value());
            match vm.class_find(class, name) {
                Some(f) => call::call_op(vm, f, &[out.value(), src], true),
                None => cannot_spread(vm, src),
            }
        }
        _ => cannot_spread(vm, src),
    }
}

fn cannot_spread(vm: &mut Vm, v: Value) -> Ctl {
    let k = vm.kind_name(v);
    call::fail(vm, Vm::type_error, &format!("Cannot spread {k}"))
}

/// Turns the running frame into a generator: see [`Op::MakeGen`].
fn make_generator(vm: &mut Vm, r: *mut Value) -> Ctl {
    let p = call::running(vm);
    let n = p.nregs as usize;
    let mut g = vm.heap.fiber(Role::Generator, FRAME_HEAD + n + SCRATCH);
    // SAFETY: the frame has n registers and a head; the new stack has room for them.
    unsafe {
        let words = p.words as usize;
        std::ptr::copy_nonoverlapping(r.sub(FRAME_HEAD + words), g.stack, FRAME_HEAD + n);
        let head = g.stack.add(words);
        *head.add(1) = Value(0);
        *head.add(2) = Value(FRAME_BOTTOM);
        // The function, for the generator's text: it must outlive the frame.
        g.owner = *head;
        g.base = (words + FRAME_HEAD) as u32;
    }
    g.pc = vm.cur.pc;
    g.status = Status::New;
    call::return_value(vm, g.value())
}

fn yield_star(vm: &mut Vm, r: *mut Value, i: Instr) -> Ctl {
    // SAFETY: state registers of the instruction.
    unsafe {
        let w = r.add(i.b());
        let src = *w;
        match src.heap_kind() {
            Some(Kind::Fiber) => {
                let send = *r.add(i.c());
                let res = iterate::resume(vm, src.gc::<Fiber>(), send, iterate::Wants::Next);
                match res {
                    Ok(v) => call::deliver_op(vm, v),
                    Err(s) => call::stop(vm, s, call::RET_OP),
                }
            }
            Some(Kind::Instance | Kind::Iter | Kind::Foreign) => {
                let name = vm.names.next;
                let c = vm.class_of(src);
                match vm.class_find(c, name) {
                    Some(m) => call::call_op(vm, m, &[src], true),
                    None => iterate::not_iterable(vm, src),
                }
            }
            _ => match iterate::step(vm, w) {
                Ok(Some((_, v))) => {
                    *r.add(i.a()) = v;
                    Ctl::Next
                }
                Ok(None) => {
                    *r.add(i.a()) = Value::NIL;
                    jump(vm, i)
                }
                Err(_) => Ctl::Throw,
            },
        }
    }
}

const _: u64 = FRAME_NEW;
