//! The interpreter: one dispatch loop over heap-allocated frames.
//!
//! Script calls never recurse on the native stack. Whatever can interrupt straight-line execution leaves the loop with its state
//! in the fiber, and the loop goes on from any fiber.
pub mod cache;
pub(crate) mod call;
pub(crate) mod cold;
pub(crate) mod define;
pub(crate) mod dynamic;
pub(crate) mod evaluated;
pub(crate) mod interface;
pub(crate) mod iterate;
pub(crate) mod member;
pub(crate) mod operate;
pub(crate) mod pattern;
pub(crate) mod run;
pub(crate) mod safepoint;
pub mod trace;
pub(crate) mod types;
pub(crate) mod unwind;

use crate::value::Value;
pub use call::arity_message;

/// Words above a frame's registers that the interpreter may use to build a call of its own (operator methods, `to_s`, `next`).
pub const SCRATCH: usize = 12;

/// Flags in a frame's `base[-1]`, above the destination register. Any of them sends a return through the slow path.
///
/// The frame is a constructor's: its result is `self`.
pub const FRAME_NEW: u64 = 1 << 40;
/// What happens with the result depends on the instruction that made the call.
pub const FRAME_OP: u64 = 1 << 41;
/// The bottom frame of a fiber.
pub const FRAME_BOTTOM: u64 = 1 << 42;

/// What a slow path asks the loop to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ctl {
    /// Go on with the locals as they are.
    Next,
    /// Frames or fiber changed: read the state again.
    Load,
    /// As `Load`, and a safepoint is due.
    Safepoint,
    /// `vm.exception` is to be thrown at the running instruction.
    Throw,
    /// The running task parked or ended: back to the scheduler.
    Idle,
    /// A nested run ended; its value is in `vm.ret`.
    Done,
}

/// How a run ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    Idle,
    Done,
    /// A nested run ended with `vm.exception`.
    Threw,
}

/// How a run begins.
#[derive(Clone, Copy, Debug)]
pub enum Start {
    /// At the saved pc; resume values have been delivered.
    Resume,
    /// By throwing `vm.exception` there.
    Throw,
    /// By returning a value from the frame on top.
    Return(Value),
}
