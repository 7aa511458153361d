//! The outside, as traits: clock, randomness, host futures, output, modules. `gene-vm` does no I/O of its own.
use std::future::Future;
use std::pin::Pin;

/// What a host operation gives back. Plain data: values of the VM never enter host futures.
#[derive(Clone, Debug)]
pub enum HostValue {
    Nil,
    Void,
    /// The end of an iteration.
    NotFound,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(String),
    Bytes(Vec<u8>),
    List(Vec<HostValue>),
    Map(Vec<(String, HostValue)>),
}

/// A failed host operation: name of a predefined exception class (`IOError`), message.
#[derive(Clone, Debug)]
pub struct HostError {
    pub class: &'static str,
    pub message: String,
}

pub type HostResult = Result<HostValue, HostError>;
pub type HostFuture = Pin<Box<dyn Future<Output = HostResult>>>;

/// Identity of a pending host future. Keys carry generations: a stale one names nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct HostKey(pub u64);

/// Owner of the clock, of randomness, and of pending host futures.
pub trait Driver {
    /// Microseconds since the VM started, monotonic.
    fn now_us(&self) -> u64;
    /// Microseconds since 1970.
    fn wall_us(&self) -> i64;
    /// Polls the future once; `Ok` when it is done already, else it is kept and reported by [`Driver::poll`] or
    /// [`Driver::park`].
    fn start(&mut self, f: HostFuture) -> Result<HostResult, HostKey>;
    /// Drops a pending future.
    fn cancel(&mut self, key: HostKey);
    /// Futures pending.
    fn pending(&self) -> usize;
    /// Collects finished futures without waiting. Cheap when nothing happened.
    fn poll(&mut self, done: &mut Vec<(HostKey, HostResult)>);
    /// Waits until a future finished, [`Driver::wake_handle`] was used, or the clock reached `deadline` (microseconds as of
    /// [`Driver::now_us`]; `None`: no limit). A virtual clock jumps to the deadline when no future is pending.
    fn park(&mut self, deadline: Option<u64>, done: &mut Vec<(HostKey, HostResult)>);
    /// Wakes a parked VM from any thread.
    fn wake_handle(&self) -> std::sync::Arc<dyn Fn() + Send + Sync>;
    /// Random bits for `(random)` before `(math/seed n)`.
    fn seed(&mut self) -> u64;
    fn is_virtual(&self) -> bool {
        false
    }
    /// From now on the clock stands still while code runs and jumps when nothing can, or no longer. It never goes back: what it
    /// jumped over stays behind it. Nothing to do for a clock that is virtual anyway.
    fn set_virtual(&mut self, _on: bool) {}
}

/// Standard streams.
pub trait Output {
    fn stdout(&mut self, s: &str);
    /// Flushes stdout first.
    fn stderr(&mut self, s: &str);
    fn flush(&mut self);
}

/// Finds and reads modules.
pub trait ModuleLoader {
    /// Resolves what an import names: the canonical path (or identity), the directory for relative imports inside it, and the
    /// text.
    fn load(&mut self, request: &ImportRequest) -> Result<LoadedModule, LoadError>;
}

/// `(import ... from "spec" ^pkg "pkg" ^path "path")`
pub struct ImportRequest<'r> {
    pub spec: &'r str,
    /// Directory of the importing module.
    pub dir: Option<&'r std::path::Path>,
    /// Directory of the program.
    pub main_dir: Option<&'r std::path::Path>,
    /// The package to look in, and where the import says it is.
    pub package: Option<&'r str>,
    pub path: Option<&'r str>,
    /// Packages the importing module declares with `$dep`, and where they are.
    pub declared: &'r [(String, String)],
}

pub struct LoadedModule {
    /// Two imports of one file have the same identity.
    pub identity: String,
    /// As shown in positions.
    pub name: String,
    pub dir: Option<std::path::PathBuf>,
    pub text: Vec<u8>,
}

pub enum LoadError {
    NotFound {
        searched: Vec<String>,
    },
    Unreadable {
        path: String,
        reason: String,
    },
    /// Something about packages; message of a RuntimeException.
    Package {
        message: String,
    },
    /// A manifest or lock file that can't be read; `file:line:col: text`.
    Malformed {
        message: String,
    },
}
