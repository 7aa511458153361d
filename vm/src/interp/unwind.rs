//! Exceptions: handler search through the frames' saved pcs. Nothing unwinds natively.
use super::{Ctl, Exit, FRAME_BOTTOM, trace};
use crate::bytecode::Instr;
use crate::object::code::Cleanup;
use crate::object::fiber::{FRAME_HEAD, Role, Status};
use crate::object::function::Function;
use crate::value::Value;
use crate::vm::Vm;

/// Carries out what a slow path asked for beyond [`Ctl::Next`]. `None`: read the state and go on.
#[inline(never)]
pub fn settle(vm: &mut Vm, c: Ctl) -> Option<Exit> {
    let mut c = c;
    loop {
        match c {
            Ctl::Next | Ctl::Load => return None,
            Ctl::Safepoint => c = super::safepoint::slow(vm),
            Ctl::Idle => match crate::task::scheduler::switch(vm) {
                Some(next) => c = next,
                None => return Some(Exit::Idle),
            },
            Ctl::Done => return Some(Exit::Done),
            Ctl::Throw => match throw(vm) {
                Ok(next) => c = next,
                Err(exit) => return exit,
            },
        }
    }
}

/// Looks for a handler: what to do next, or that control is at one or leaves the interpreter.
#[inline(never)]
fn throw(vm: &mut Vm) -> Result<Ctl, Option<Exit>> {
    vm.heap.fuel.left -= 4;
    trace::capture(vm);
    match unwind(vm) {
        // Handlers that throw again pass no safepoint.
        Unwound::Handler => super::safepoint::check_limit(vm).ok_or(None),
        Unwound::Exit(e) => Err(Some(e)),
        Unwound::Ctl(next) => Ok(next),
    }
}

enum Unwound {
    Handler,
    Exit(Exit),
    Ctl(Ctl),
}

fn unwind(vm: &mut Vm) -> Unwound {
    let ex = vm.exception;
    let own = vm.is_own_cancellation(ex);
    let fatal = vm.fatal;
    loop {
        let mut f = vm.cur;
        let base = f.base as usize;
        // SAFETY: frames of the fiber are well formed down to the bottom one.
        let closure = unsafe { *f.stack.add(base - FRAME_HEAD) };
        if let Some(func) = closure.get::<Function>(crate::heap::Kind::Function) {
            let p = func.proto();
            let at = (f.pc as usize).wrapping_sub(p.code.as_ptr() as usize) / std::mem::size_of::<Instr>();
            let pc = at.wrapping_sub(1) as u32;
            // Innermost handlers stand first.
            let h = p.handlers.iter().find(|h| h.start <= pc && pc < h.end && (h.all || !own) && !fatal);
            if !p.cleanups.is_empty() {
                // Cleanups that are left on the way are over.
                let within = |at: u32| p.cleanups.iter().filter(move |c| c.start <= at && at < c.end);
                let stay = h.map_or(0, |h| within(h.target).count());
                f.cleanup -= (within(pc).count().saturating_sub(stay) as u16).min(f.cleanup);
                let left = |c: &&Cleanup| h.is_none_or(|h| h.target < c.start || c.end <= h.target);
                for (kind, value) in within(pc).filter(left).filter_map(|c| c.pending) {
                    // SAFETY: registers of the frame, written before its cleanup began.
                    let (kind, value) =
                        unsafe { (*f.stack.add(base + kind as usize), *f.stack.add(base + value as usize)) };
                    if kind == Value::small(1) && !own && value != vm.generator_exit && vm.is_own_cancellation(value) {
                        // What a `finally` part throws wins over the cancellation it was entered by.
                        vm.add_suppressed(ex, &[value]);
                    }
                }
            }
            if let Some(h) = h {
                // SAFETY: handler registers and targets were checked by the verifier.
                unsafe {
                    *f.stack.add(base + h.reg as usize) = ex;
                    f.pc = p.code.as_ptr().add(h.target as usize);
                }
                vm.exception = Value::UNDEF;
                vm.thrown_in = None;
                return Unwound::Handler;
            }
        }
        // SAFETY: as above.
        let (word, ret) = unsafe { ((*f.stack.add(base - 1)).0, (*f.stack.add(base - 2)).0) };
        if base == FRAME_HEAD || word & FRAME_BOTTOM != 0 {
            match f.role {
                Role::Nested => {
                    f.status = Status::Done;
                    return Unwound::Exit(Exit::Threw);
                }
                Role::Generator => {
                    f.status = Status::Done;
                    match super::iterate::generator_failed(vm, f) {
                        Ctl::Throw => continue,
                        c => return Unwound::Ctl(c),
                    }
                }
                Role::Task => {
                    let c = crate::task::ended(vm, Err(ex));
                    return match c {
                        Ctl::Throw => Unwound::Ctl(Ctl::Throw),
                        c => Unwound::Ctl(c),
                    };
                }
            }
        }
        f.base = (base as u64 - (word & 0xffff_ffff)) as u32;
        f.pc = ret as *const Instr;
    }
}
