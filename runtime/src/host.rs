//! What the natives of this crate share: the state of one VM's outside.
use crate::environment::Environment;
use crate::file_stream::FileStream;
use crate::input::Input;
use crate::package::Packages;
use gene_vm::native::{Args, Stop};
use gene_vm::object::foreign::Foreign;
use gene_vm::vm::Vm;
use std::any::Any;
use std::cell::RefCell;
use std::rc::{Rc, Weak};

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum LogLevel {
    Debug,
    Info,
    Warn,
    Error,
}

/// Bound to every native as its data.
pub struct Host {
    pub env: Environment,
    /// The version of `env` that the Map of all variables was made of.
    pub env_seen: Option<u64>,
    pub input: Input,
    pub log_level: LogLevel,
    /// Streams that may hold unwritten bytes.
    open: Vec<Weak<RefCell<FileStream>>>,
    /// Output is kept in memory: raw bytes have no way around it, and the process is not ours to end.
    pub captured: bool,
    /// Working directory when the VM was made.
    pub start_dir: String,
    /// Shared with the loader of modules.
    pub packages: Rc<RefCell<Packages>>,
    /// When `$duration_start` was read last.
    pub duration_start: Option<f64>,
}

impl Host {
    pub fn new(input: Input) -> Host {
        Host {
            env: Environment::default(),
            env_seen: None,
            input,
            log_level: LogLevel::Info,
            open: Vec::new(),
            captured: false,
            start_dir: std::env::current_dir().map_or_else(|_| String::new(), |d| d.to_string_lossy().into_owned()),
            packages: Rc::default(),
            duration_start: None,
        }
    }

    /// Remembers a stream for [`Host::flush`].
    pub fn track(&mut self, stream: &Rc<RefCell<FileStream>>) {
        // Doubling keeps the sweep for dead entries cheap.
        if self.open.len() == self.open.capacity() {
            self.open.retain(|s| s.strong_count() > 0);
        }
        self.open.push(Rc::downgrade(stream));
    }

    /// Writes out what open files hold back. Errors have nobody to go to at the end of a program.
    pub fn flush(&mut self) {
        for stream in self.open.drain(..).filter_map(|s| s.upgrade()) {
            if let Ok(mut stream) = stream.try_borrow_mut() {
                let _ = stream.flush();
            }
        }
    }
}

impl Foreign for Host {
    fn class_name(&self) -> &'static str {
        "Host"
    }
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

/// The host state bound to the running native.
pub fn host<'a>(vm: &mut Vm, a: &Args) -> Result<&'a mut Host, Stop> {
    match a.data.foreign::<Host>() {
        Some(h) => Ok(h),
        None => Err(vm.runtime_error("no host")),
    }
}
