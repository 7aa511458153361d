//! Standard input.
//!
//! A terminal or pipe is read by a thread of its own, one chunk each time somebody asks for more than is there: a read that
//! never returns parks the asking task, and neither the VM nor its exit waits for it. A regular file can't block and is read in
//! place.
use crate::buffered::{Buffered, Got, Want};
use std::fs::File;
use std::io::Read;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Bytes asked of the system at once.
const CHUNK: usize = 64 << 10;

#[derive(Default)]
struct State {
    buffered: Buffered,
    /// Tasks waiting for bytes.
    wakers: Vec<Waker>,
    /// Somebody asked for more.
    wanted: bool,
    /// The reading thread exists.
    started: bool,
    /// Why reading failed; reported once, then input is at its end.
    error: Option<String>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    more: Condvar,
}

enum Source {
    Unopened,
    /// Read in place.
    File(File),
    /// Read by the thread, or given as text.
    Shared,
}

/// The standard input of one VM.
pub struct Input {
    shared: Arc<Shared>,
    source: Source,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reader of an [`Input`], to be polled off the VM.
#[derive(Clone)]
pub struct InputReader(Arc<Shared>);

impl InputReader {
    /// `Err`: the reason why reading failed.
    pub fn poll(&self, want: Want, cx: &Context) -> Poll<Result<Option<Vec<u8>>, String>> {
        let mut state = self.0.lock();
        match state.take(want) {
            Poll::Ready(result) => Poll::Ready(result),
            Poll::Pending => {
                if !state.wakers.iter().any(|w| w.will_wake(cx.waker())) {
                    state.wakers.push(cx.waker().clone());
                }
                state.wanted = true;
                if !state.started {
                    state.started = true;
                    let shared = self.0.clone();
                    // Without a thread there is no input.
                    if std::thread::Builder::new().name("gene-stdin".to_owned()).spawn(move || serve(&shared)).is_err()
                    {
                        state.end(Some("cannot start the reading thread".to_owned()));
                        return state.take(want);
                    }
                }
                self.0.more.notify_one();
                Poll::Pending
            }
        }
    }
}

impl State {
    fn take(&mut self, want: Want) -> Poll<Result<Option<Vec<u8>>, String>> {
        match self.buffered.take(want) {
            Got::Bytes(bytes) => match self.error.take() {
                Some(error) if bytes.is_empty() => Poll::Ready(Err(error)),
                error => {
                    self.error = error;
                    Poll::Ready(Ok(Some(bytes)))
                }
            },
            Got::End => Poll::Ready(match self.error.take() {
                Some(error) => Err(error),
                None => Ok(None),
            }),
            Got::More => Poll::Pending,
        }
    }

    fn end(&mut self, error: Option<String>) {
        self.buffered.ended = true;
        self.error = error;
    }
}

fn serve(shared: &Shared) {
    let mut chunk = vec![0; CHUNK];
    loop {
        {
            let mut state = shared.lock();
            while !state.wanted {
                state = shared.more.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            state.wanted = false;
        }
        let read = std::io::stdin().lock().read(&mut chunk);
        let mut state = shared.lock();
        match read {
            Ok(0) => state.end(None),
            Ok(n) => state.buffered.push(&chunk[..n]),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => state.wanted = true,
            Err(e) => state.end(Some(crate::reason(&e))),
        }
        let ended = state.buffered.ended;
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        for waker in wakers {
            waker.wake();
        }
        if ended {
            return;
        }
    }
}

impl Default for Input {
    fn default() -> Self {
        Input { shared: Arc::default(), source: Source::Unopened }
    }
}

impl Input {
    /// The process's standard input.
    pub fn standard() -> Input {
        Input::default()
    }

    pub fn text(text: String) -> Input {
        let state = State { buffered: Buffered::text(text), ..State::default() };
        Input { shared: Arc::new(Shared { state: Mutex::new(state), more: Condvar::new() }), source: Source::Shared }
    }

    /// What can be had at once; `None`: wait with [`Input::reader`].
    pub fn try_read(&mut self, want: Want) -> Option<Result<Option<Vec<u8>>, String>> {
        if let Source::Unopened = self.source {
            self.source = regular_file().map_or(Source::Shared, Source::File);
        }
        let mut state = self.shared.lock();
        loop {
            if let Poll::Ready(result) = state.take(want) {
                return Some(result);
            }
            let Source::File(file) = &mut self.source else { return None };
            let mut chunk = vec![0; CHUNK];
            match file.read(&mut chunk) {
                Ok(0) => state.end(None),
                Ok(n) => state.buffered.push(&chunk[..n]),
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => state.end(Some(crate::reason(&e))),
            }
        }
    }

    pub fn reader(&self) -> InputReader {
        InputReader(self.shared.clone())
    }
}

/// Standard input as a file when it is one. The copy shares its position with the original, so children go on where we stopped
/// reading.
#[cfg(unix)]
fn regular_file() -> Option<File> {
    use std::os::fd::AsFd;
    let file = File::from(std::io::stdin().as_fd().try_clone_to_owned().ok()?);
    file.metadata().is_ok_and(|m| m.is_file()).then_some(file)
}

#[cfg(not(unix))]
fn regular_file() -> Option<File> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_given_text_never_waits() {
        let mut input = Input::text("a\nb".to_owned());
        assert_eq!(input.try_read(Want::Line), Some(Ok(Some(b"a".to_vec()))));
        assert_eq!(input.try_read(Want::Rest), Some(Ok(Some(b"b".to_vec()))));
        assert_eq!(input.try_read(Want::Line), Some(Ok(None)));
        assert_eq!(input.try_read(Want::Rest), Some(Ok(Some(Vec::new()))));
    }
}
