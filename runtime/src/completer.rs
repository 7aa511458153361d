//! Settling a script's future from any thread.
use gene_vm::driver::{HostError, HostResult, HostValue};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

#[derive(Default)]
struct Slot {
    result: Option<HostResult>,
    /// Who polls the future.
    waker: Option<Waker>,
    /// A result was given, or the completer is gone.
    over: bool,
}

#[derive(Default)]
struct Shared(Mutex<Slot>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// False, and nothing happened, when it was settled before.
    fn settle(&self, result: HostResult) -> bool {
        let waker = {
            let mut slot = self.lock();
            if slot.over {
                return false;
            }
            slot.over = true;
            slot.result = Some(result);
            slot.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }
}

/// The half that settles, once. It can be sent to another thread; what one thread completes arrives in the order in which it did so.
///
/// Dropped without a result it fails the future with a BrokenException: nobody waits for ever for a thread that is gone.
///
/// ```
/// use gene::HostValue;
/// let mut vm = gene::Vm::builder().build();
/// vm.define_async("compute", 1, |args| {
///     let (completer, completion) = gene::completer();
///     std::thread::spawn(move || completer.complete(args[0].clone()));
///     completion
/// });
/// let v = vm.eval("(await (compute 7))").unwrap();
/// assert_eq!(vm.as_int(&v), Some(7));
/// ```
pub struct Completer(Arc<Shared>);

impl Completer {
    /// Settles the future with a value.
    pub fn complete(self, value: HostValue) {
        self.0.settle(Ok(value));
    }

    /// Makes the future fail with an exception of a predefined class, such as `IOError`.
    pub fn fail(self, class: &'static str, message: &str) {
        self.0.settle(Err(HostError { class, message: message.to_owned() }));
    }

    /// Nobody waits for the future any more: it was cancelled.
    pub fn is_abandoned(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }
}

impl Drop for Completer {
    fn drop(&mut self) {
        let message = "the completer of the future was dropped".to_owned();
        self.0.settle(Err(HostError { class: "BrokenException", message }));
    }
}

/// The half that waits: what a function given to [`crate::Vm::define_async`] returns.
pub struct Completion(Arc<Shared>);

impl Future for Completion {
    type Output = HostResult;
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<HostResult> {
        let mut slot = self.0.lock();
        match slot.result.take() {
            Some(result) => Poll::Ready(result),
            None => {
                slot.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// A future, and what settles it from any thread.
pub fn completer() -> (Completer, Completion) {
    let shared = Arc::new(Shared::default());
    (Completer(shared.clone()), Completion(shared))
}
