//! Where a program's text goes: the process's standard streams, or memory.
use gene_vm::driver::Output;
use std::cell::RefCell;
use std::fs::File;
use std::io::{ErrorKind, IsTerminal, Write};
use std::rc::Rc;

/// Bytes of stdout collected before they are written.
const BUFFER: usize = 64 << 10;

/// The process's stdout and stderr.
///
/// A reader that went away (`gene run x | head -1`) ends the process silently: there is nobody left to tell.
pub struct StdOutput {
    /// A descriptor of our own: the library's handle would look for line ends once more.
    out: Option<File>,
    buffer: Vec<u8>,
    /// Not buffered: somebody is watching.
    terminal: bool,
}

impl Default for StdOutput {
    fn default() -> Self {
        StdOutput::new()
    }
}

impl StdOutput {
    pub fn new() -> StdOutput {
        StdOutput { out: own_stdout(), buffer: Vec::new(), terminal: std::io::stdout().is_terminal() }
    }

    fn write_out(&mut self, bytes: &[u8]) {
        let result = match &mut self.out {
            Some(out) => out.write_all(bytes),
            None => {
                let mut out = std::io::stdout().lock();
                out.write_all(bytes).and_then(|()| out.flush())
            }
        };
        match result {
            Ok(()) => {}
            Err(e) if e.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
            Err(e) => {
                let reason = crate::reason(&e);
                let _ = writeln!(std::io::stderr(), "Error: Failed to write to stdout: {reason}");
                std::process::exit(1);
            }
        }
    }
}

#[cfg(unix)]
fn own_stdout() -> Option<File> {
    use std::os::fd::AsFd;
    std::io::stdout().as_fd().try_clone_to_owned().ok().map(File::from)
}

#[cfg(not(unix))]
fn own_stdout() -> Option<File> {
    None
}

impl Output for StdOutput {
    fn stdout(&mut self, s: &str) {
        if self.buffer.len() + s.len() > BUFFER {
            self.flush();
        }
        if s.len() >= BUFFER {
            self.write_out(s.as_bytes());
            return;
        }
        self.buffer.extend_from_slice(s.as_bytes());
        if self.terminal {
            self.flush();
        }
    }

    fn stderr(&mut self, s: &str) {
        self.flush();
        // A closed stderr is no reason to stop.
        let _ = std::io::stderr().lock().write_all(s.as_bytes());
    }

    fn flush(&mut self) {
        if !self.buffer.is_empty() {
            let buffer = std::mem::take(&mut self.buffer);
            self.write_out(&buffer);
            self.buffer = buffer;
            self.buffer.clear();
        }
    }
}

impl Drop for StdOutput {
    fn drop(&mut self) {
        self.flush();
    }
}

/// What a program wrote.
#[derive(Default, Debug)]
pub struct Captured {
    pub stdout: String,
    pub stderr: String,
}

/// Keeps the text in memory, for tests and embedders.
#[derive(Default, Clone)]
pub struct CaptureOutput(pub Rc<RefCell<Captured>>);

impl Output for CaptureOutput {
    fn stdout(&mut self, s: &str) {
        self.0.borrow_mut().stdout.push_str(s);
    }
    fn stderr(&mut self, s: &str) {
        self.0.borrow_mut().stderr.push_str(s);
    }
    fn flush(&mut self) {}
}
