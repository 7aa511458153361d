//! The driver of tests: time stands still while code runs and jumps when nothing can.
//!
//! Time is part of the program's behaviour then: `(sleep 1000)` takes no wall time and exactly 1000 milliseconds, and the same
//! seed gives the same run. Host operations stay real. While some are pending the clock waits for them: always for file
//! operations (they end by themselves), and for as long as [`QUIET`] for anything that may stay silent for ever, such as a
//! listener nobody connects to or standard input.
use super::futures::HostFutures;
use super::seed::Seeds;
use crate::pool;
use futures_lite::FutureExt;
use gene_vm::driver::{Driver, HostFuture, HostKey, HostResult};
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

/// 2000-01-01T00:00:00Z, when virtual time begins.
pub const VIRTUAL_EPOCH_US: i64 = 946_684_800_000_000;

/// Real time without any event after which pending host futures no longer hold the clock back.
pub(super) const QUIET: Duration = Duration::from_millis(100);

pub struct VirtualDriver {
    now: u64,
    futures: HostFutures,
    seeds: Seeds,
}

impl VirtualDriver {
    pub fn new(seed: u64) -> VirtualDriver {
        VirtualDriver { now: 0, futures: HostFutures::new(), seeds: Seeds::new(seed) }
    }

    /// Waits for an event, at most `limit` of real time. False when the limit passed.
    fn wait(&self, limit: Option<Duration>) -> bool {
        let ready = self.futures.ready();
        let raised = async {
            poll_fn(|cx| ready.poll_parked(cx.waker())).await;
            true
        };
        let raised = match limit {
            None => async_io::block_on(raised),
            Some(limit) => async_io::block_on(raised.or(async {
                async_io::Timer::after(limit).await;
                false
            })),
        };
        ready.unpark();
        raised
    }
}

impl Driver for VirtualDriver {
    fn now_us(&self) -> u64 {
        self.now
    }

    fn wall_us(&self) -> i64 {
        VIRTUAL_EPOCH_US.saturating_add_unsigned(self.now)
    }

    fn start(&mut self, f: HostFuture) -> Result<HostResult, HostKey> {
        self.futures.start(f)
    }

    fn cancel(&mut self, key: HostKey) {
        self.futures.cancel(key);
    }

    fn pending(&self) -> usize {
        self.futures.len()
    }

    #[inline]
    fn poll(&mut self, done: &mut Vec<(HostKey, HostResult)>) {
        self.futures.poll(done);
    }

    fn park(&mut self, deadline: Option<u64>, done: &mut Vec<(HostKey, HostResult)>) {
        let before = done.len();
        loop {
            self.futures.poll(done);
            let woken = self.futures.ready().take_woken();
            if woken || done.len() > before || deadline.is_some_and(|d| self.now >= d) {
                return;
            }
            match deadline {
                None => {
                    self.wait(None);
                }
                Some(at) if self.futures.is_empty() => self.now = at,
                Some(at) => {
                    if !self.wait(Some(QUIET)) && pool::jobs() == 0 {
                        self.now = at;
                    }
                }
            }
        }
    }

    fn wake_handle(&self) -> Arc<dyn Fn() + Send + Sync> {
        let ready = self.futures.ready().clone();
        Arc::new(move || ready.wake_vm())
    }

    fn seed(&mut self) -> u64 {
        self.seeds.next()
    }

    fn is_virtual(&self) -> bool {
        true
    }
}
