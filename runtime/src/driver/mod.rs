//! The event loop's two faces: [`RealDriver`] on the system's clock and `async-io`'s reactor, [`VirtualDriver`] on a clock that
//! jumps. Both keep pending host futures in a slotmap ([`futures`]) and are woken through a lock-free queue ([`ready`]).
mod futures;
mod ready;
mod real;
mod seed;
mod virtual_time;

pub use real::RealDriver;
pub use virtual_time::{VIRTUAL_EPOCH_US, VirtualDriver};
