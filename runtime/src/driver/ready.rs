//! What other threads may touch: the queue of futures to poll again, and the way to wake the VM.
use concurrent_queue::ConcurrentQueue;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Wake, Waker};

/// Shared between one driver and the wakers of its futures.
pub(super) struct Ready {
    queue: ConcurrentQueue<u64>,
    /// Something happened since the VM looked last. The VM reads this alone while it is busy.
    raised: AtomicBool,
    /// Somebody used the wake handle: the next park returns even if no future is done.
    woken: AtomicBool,
    /// The VM is about to wait, or waits. Written before `raised` is read for the last time, and read by wakers after they
    /// wrote `raised`: with sequential consistency one of both sides sees the other, so no wake is lost.
    parked: AtomicBool,
    /// How to end the wait.
    idle: Mutex<Option<Waker>>,
}

impl Ready {
    pub fn new() -> Arc<Ready> {
        Arc::new(Ready {
            queue: ConcurrentQueue::unbounded(),
            raised: AtomicBool::new(false),
            woken: AtomicBool::new(false),
            parked: AtomicBool::new(false),
            idle: Mutex::new(None),
        })
    }

    #[inline]
    pub fn raised(&self) -> bool {
        self.raised.load(Ordering::Relaxed)
    }

    /// Takes the flag back. What was pushed before is visible afterwards.
    pub fn lower(&self) {
        self.raised.swap(false, Ordering::SeqCst);
    }

    pub fn raise(&self) {
        self.raised.store(true, Ordering::SeqCst);
        if self.parked.load(Ordering::SeqCst) {
            let waker = self.idle.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }

    pub fn wake_vm(&self) {
        self.woken.store(true, Ordering::SeqCst);
        self.raise();
    }

    pub fn take_woken(&self) -> bool {
        // The load keeps the common case free of a locked instruction.
        self.woken.load(Ordering::Relaxed) && self.woken.swap(false, Ordering::SeqCst)
    }

    pub fn len(&self) -> usize {
        self.queue.len()
    }

    pub fn pop(&self) -> Option<u64> {
        self.queue.pop().ok()
    }

    /// Announces that the VM is going to wait and can be woken with `waker`. Ready when there is no need to wait.
    pub fn poll_parked(&self, waker: &Waker) -> Poll<()> {
        {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            match &*idle {
                Some(old) if old.will_wake(waker) => {}
                _ => *idle = Some(waker.clone()),
            }
        }
        self.parked.store(true, Ordering::SeqCst);
        if self.raised.load(Ordering::SeqCst) { Poll::Ready(()) } else { Poll::Pending }
    }

    /// The wait is over.
    pub fn unpark(&self) {
        self.parked.store(false, Ordering::SeqCst);
    }
}

/// The one waker of one pending future: made when the future starts and cloned by whatever it waits for, so that
/// `Waker::will_wake` stays true and nothing is registered twice.
pub(super) struct EntryWaker {
    key: u64,
    /// In the queue already.
    queued: AtomicBool,
    ready: Arc<Ready>,
}

impl EntryWaker {
    pub fn new(key: u64, ready: &Arc<Ready>) -> Arc<EntryWaker> {
        Arc::new(EntryWaker { key, queued: AtomicBool::new(false), ready: ready.clone() })
    }

    /// Call before polling: wakes from here on count again.
    pub fn dequeued(&self) {
        self.queued.store(false, Ordering::SeqCst);
    }
}

impl Wake for EntryWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }
    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::SeqCst) {
            // The queue is unbounded and never closed: pushing can't fail.
            let _ = self.ready.queue.push(self.key);
            self.ready.raise();
        }
    }
}
