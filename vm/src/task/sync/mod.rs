//! Synchronisation between the tasks of one VM.
use crate::value::Value;
use crate::vm::Vm;

/// The task that holds the lock `v`, if it is a lock that one task holds.
pub fn holder(_v: Value) -> Option<Value> {
    None
}

pub fn install(_vm: &mut Vm) {}

impl Vm {
    /// A task ended: the locks it still holds are broken.
    pub(super) fn break_locks(&mut self, _f: Value) {}
    /// A wait timed out; a Barrier breaks with it.
    pub(super) fn broken_wait(&mut self, _key: super::TaskKey) {}
    /// The innermost function called by a native.
    pub(super) fn native_below(&self) -> &'static str {
        use crate::heap::Kind;
        use crate::object::fiber::{FRAME_HEAD, Fiber, Role};
        let mut f = self.cur;
        loop {
            if f.role == Role::Nested {
                let mut name = "native";
                // SAFETY: frames of a fiber are well formed down to its bottom.
                unsafe {
                    let mut base = f.base as usize;
                    loop {
                        let b = f.stack.add(base);
                        if let Some(func) = (*b.sub(3)).get::<crate::object::function::Function>(Kind::Function) {
                            name = self.sym_name(func.proto().trace_name);
                        }
                        let word = (*b.sub(1)).0;
                        if base == FRAME_HEAD || word & crate::interp::FRAME_BOTTOM != 0 {
                            break;
                        }
                        base -= word as u32 as usize;
                    }
                }
                return name;
            }
            match f.caller.get::<Fiber>(Kind::Fiber) {
                Some(c) => f = c,
                None => return "native",
            }
        }
    }
}
