//! The pending host futures of one VM.
use super::ready::{EntryWaker, Ready};
use crate::function::panicked;
use gene_vm::driver::{HostError, HostFuture, HostKey, HostResult};
use slotmap::{Key, KeyData, SlotMap, new_key_type};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

new_key_type! {
    struct FutureKey;
}

struct Pending {
    future: HostFuture,
    entry: Arc<EntryWaker>,
    waker: Waker,
}

/// Futures polled in one go. The rest waits until the VM looks again, so a burst of completions can't hold up running tasks.
const BATCH: usize = 256;

pub(super) struct HostFutures {
    pending: SlotMap<FutureKey, Pending>,
    ready: Arc<Ready>,
}

impl HostFutures {
    pub fn new() -> HostFutures {
        HostFutures { pending: SlotMap::with_key(), ready: Ready::new() }
    }

    pub fn ready(&self) -> &Arc<Ready> {
        &self.ready
    }

    pub fn len(&self) -> usize {
        self.pending.len()
    }

    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    pub fn start(&mut self, future: HostFuture) -> Result<HostResult, HostKey> {
        let ready = &self.ready;
        let key = self.pending.insert_with_key(|key| {
            let entry = EntryWaker::new(key.data().as_ffi(), ready);
            let waker = Waker::from(entry.clone());
            Pending { future, entry, waker }
        });
        match self.poll_one(key) {
            Some(result) => Ok(result),
            None => Err(HostKey(key.data().as_ffi())),
        }
    }

    /// Drops the future. A stale key names nothing.
    pub fn cancel(&mut self, key: HostKey) {
        self.discard(KeyData::from_ffi(key.0).into());
    }

    /// Polls the futures that were woken. One comparison when there are none.
    #[inline]
    pub fn poll(&mut self, done: &mut Vec<(HostKey, HostResult)>) {
        if self.ready.raised() {
            self.drain(done);
        }
    }

    #[cold]
    fn drain(&mut self, done: &mut Vec<(HostKey, HostResult)>) {
        self.ready.lower();
        let waiting = self.ready.len();
        // A future that wakes itself while it is polled is for the next time: the count is taken first.
        for _ in 0..waiting.min(BATCH) {
            let Some(id) = self.ready.pop() else { break };
            if let Some(result) = self.poll_one(KeyData::from_ffi(id).into()) {
                done.push((HostKey(id), result));
            }
        }
        if waiting > BATCH {
            self.ready.raise();
        }
    }

    /// `None`: still pending, or cancelled.
    fn poll_one(&mut self, key: FutureKey) -> Option<HostResult> {
        let pending = self.pending.get_mut(key)?;
        pending.entry.dequeued();
        // A panic is the failure of this future; the others go on.
        let mut cx = Context::from_waker(&pending.waker);
        match catch_unwind(AssertUnwindSafe(|| pending.future.as_mut().poll(&mut cx))) {
            Ok(Poll::Pending) => None,
            Ok(Poll::Ready(result)) => {
                self.discard(key);
                Some(result)
            }
            Err(panic) => {
                self.discard(key);
                Some(Err(panicked(&*panic)))
            }
        }
    }

    /// Drops a future. What panics then has nobody to go to.
    fn discard(&mut self, key: FutureKey) {
        let pending = self.pending.remove(key);
        let _ = catch_unwind(AssertUnwindSafe(|| drop(pending)));
    }

    /// Drops all futures: in a child process their wakers and sockets are those of the parent. They fail with `error`.
    pub fn abandon(&mut self, error: &HostError, done: &mut Vec<(HostKey, HostResult)>) {
        for (key, pending) in self.pending.drain() {
            // Nothing is run or dropped of what belongs to threads that this process does not have.
            std::mem::forget(pending);
            done.push((HostKey(key.data().as_ffi()), Err(error.clone())));
        }
    }
}
