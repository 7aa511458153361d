//! SIGINT and SIGTERM: the first cancels the program's main scope, the third ends the process at once.
use gene::InterruptHandle;

#[cfg(unix)]
pub fn watch(handle: InterruptHandle) {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    // Without a watcher the signals keep their usual meaning: they end the process.
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) else { return };
    let watcher = move || {
        for (seen, signal) in signals.forever().enumerate() {
            if seen >= 2 {
                signal_hook::low_level::exit(128 + signal);
            }
            handle.interrupt(signal as u32);
        }
    };
    // The thread waits in a read and handles three signals at most: a small stack does.
    let _ = std::thread::Builder::new().name("gene-signals".to_owned()).stack_size(64 << 10).spawn(watcher);
}

#[cfg(not(unix))]
pub fn watch(_: InterruptHandle) {}
