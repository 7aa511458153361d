//! Stopping a program from outside.
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Asks a VM to stop, from any thread. The program sees it at its next safepoint, or at once when it waits.
#[derive(Clone)]
pub struct InterruptHandle {
    flag: Arc<AtomicU32>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl InterruptHandle {
    pub(crate) fn new(flag: Arc<AtomicU32>, wake: Arc<dyn Fn() + Send + Sync>) -> InterruptHandle {
        InterruptHandle { flag, wake }
    }

    /// Cancels the main task as the signal would: the exit code is 128 and its number (2 for an interrupt, 15 to terminate).
    pub fn interrupt(&self, signal: u32) {
        self.flag.store(signal, Ordering::SeqCst);
        (self.wake)();
    }
}
