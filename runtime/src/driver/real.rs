//! The driver of ordinary programs.
//!
//! # Implementation
//!
//! The reactor (`async-io`: one helper thread and one epoll instance per process) comes to life with the first future that needs
//! it. A VM that only sleeps parks its thread; a VM that waits for host futures does so inside `async_io::block_on`, where its
//! own thread polls the reactor. While the VM is busy the helper thread does that, and wakers raise a flag that the VM reads at
//! its safepoints. The reactor is never ticked with short `block_on`s: they do nothing while the helper thread holds it.
//!
//! After a `fork` the child has the parent's epoll instance and none of its threads. There every host operation, pending or new,
//! fails with an error that says so; timers and tasks go on, as they need neither.
use super::futures::HostFutures;
use super::seed::{Seeds, system_seed};
use super::virtual_time::{QUIET, VIRTUAL_EPOCH_US};
use crate::pool;
use futures_lite::FutureExt;
use gene_vm::driver::{Driver, HostError, HostFuture, HostKey, HostResult};
use parking::Parker;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub struct RealDriver {
    start: Instant,
    /// Microseconds the clock is ahead of the time since `start`, from jumps.
    ahead: u64,
    /// While the clock is virtual: where it stands, and where it stood at first.
    stands: Option<(u64, u64)>,
    futures: HostFutures,
    parker: Parker,
    parker_waker: Waker,
    seeds: Seeds,
    /// The process whose reactor and threads these are.
    process: u32,
}

fn forked() -> HostError {
    let message = "the event loop cannot be used in a forked child process: it belongs to the parent".to_owned();
    HostError { class: "RuntimeException", message }
}

impl Default for RealDriver {
    fn default() -> Self {
        RealDriver::new(None)
    }
}

impl RealDriver {
    /// `seed`: what `(random)` starts from; `None` lets the system choose.
    pub fn new(seed: Option<u64>) -> RealDriver {
        let parker = Parker::new();
        let parker_waker = Waker::from(parker.unparker());
        let seeds = Seeds::new(seed.unwrap_or_else(system_seed));
        RealDriver {
            start: Instant::now(),
            ahead: 0,
            stands: None,
            futures: HostFutures::new(),
            parker,
            parker_waker,
            seeds,
            process: std::process::id(),
        }
    }

    /// As if made by process `id`, for tests of what a forked child sees.
    pub fn of_process(mut self, id: u32) -> RealDriver {
        self.process = id;
        self
    }

    fn is_forked(&self) -> bool {
        std::process::id() != self.process
    }

    /// The instant of a deadline; `None` when it is too far away to be reached.
    fn instant(&self, deadline: u64) -> Option<Instant> {
        self.start.checked_add(Duration::from_micros(deadline.saturating_sub(self.ahead)))
    }

    fn real_us(&self) -> u64 {
        self.start.elapsed().as_micros() as u64 + self.ahead
    }

    /// As [`RealDriver::park`] with a clock that jumps (see [`super::VirtualDriver`]).
    fn park_virtually(&mut self, deadline: Option<u64>, done: &mut Vec<(HostKey, HostResult)>) {
        let before = done.len();
        loop {
            self.futures.poll(done);
            let woken = self.futures.ready().take_woken();
            if woken || done.len() > before || deadline.is_some_and(|d| self.now_us() >= d) {
                return;
            }
            match deadline {
                None if self.futures.is_empty() => self.sleep(None),
                None => self.react(None),
                Some(at) if self.futures.is_empty() => self.jump(at),
                Some(at) => {
                    self.react(Instant::now().checked_add(QUIET));
                    self.futures.poll(done);
                    if done.len() == before && pool::jobs() == 0 {
                        self.jump(at);
                    }
                }
            }
        }
    }

    fn jump(&mut self, at: u64) {
        if let Some((now, _)) = &mut self.stands {
            *now = at;
        }
    }

    /// Waits without the reactor: nothing that is pending could need it.
    fn sleep(&self, deadline: Option<Instant>) {
        let ready = self.futures.ready();
        if ready.poll_parked(&self.parker_waker).is_pending() {
            match deadline {
                Some(at) => {
                    self.parker.park_deadline(at);
                }
                None => self.parker.park(),
            }
        }
        ready.unpark();
    }

    /// Waits in the reactor.
    fn react(&self, deadline: Option<Instant>) {
        let ready = self.futures.ready();
        let raised = poll_fn(|cx| ready.poll_parked(cx.waker()));
        match deadline {
            Some(at) => async_io::block_on(raised.or(async {
                async_io::Timer::at(at).await;
            })),
            None => async_io::block_on(raised),
        }
        ready.unpark();
    }
}

impl Driver for RealDriver {
    fn now_us(&self) -> u64 {
        self.stands.map_or_else(|| self.real_us(), |(now, _)| now)
    }

    fn wall_us(&self) -> i64 {
        if let Some((now, first)) = self.stands {
            return VIRTUAL_EPOCH_US.saturating_add_unsigned(now - first);
        }
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => since.as_micros() as i64,
            Err(before) => -(before.duration().as_micros() as i64),
        }
    }

    fn start(&mut self, f: HostFuture) -> Result<HostResult, HostKey> {
        if self.is_forked() {
            return Ok(Err(forked()));
        }
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
        if !self.futures.is_empty() && self.is_forked() {
            return self.futures.abandon(&forked(), done);
        }
        if self.stands.is_some() {
            return self.park_virtually(deadline, done);
        }
        let before = done.len();
        let at = deadline.and_then(|d| self.instant(d));
        loop {
            self.futures.poll(done);
            let woken = self.futures.ready().take_woken();
            if woken || done.len() > before || deadline.is_some_and(|d| self.now_us() >= d) {
                return;
            }
            if self.futures.is_empty() { self.sleep(at) } else { self.react(at) }
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
        self.stands.is_some()
    }

    fn set_virtual(&mut self, on: bool) {
        let now = self.now_us();
        self.stands = on.then_some((now, now));
        self.ahead += now.saturating_sub(self.real_us());
    }
}
