//! SIGINT and SIGTERM: the first cancels the program's main scope, the second takes its grace, the third ends the process at once.
//! SIGQUIT: the tasks are shown on stderr and the program goes on.
use gene::InterruptHandle;

#[cfg(unix)]
pub fn watch(handle: InterruptHandle) {
    use signal_hook::consts::{SIGINT, SIGQUIT, SIGTERM};
    use signal_hook::iterator::Signals;

    // Without a watcher the signals keep their usual meaning: they end the process.
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM, SIGQUIT]) else { return };
    let watcher = move || {
        let mut seen = 0;
        for signal in signals.forever() {
            if signal != SIGQUIT {
                seen += 1;
                if seen > 2 {
                    signal_hook::low_level::exit(128 + signal);
                }
            }
            handle.interrupt(signal as u32);
        }
    };
    // The thread waits in a read: a small stack does.
    let _ = std::thread::Builder::new().name("gene-signals".to_owned()).stack_size(64 << 10).spawn(watcher);
}

#[cfg(not(unix))]
pub fn watch(_: InterruptHandle) {}
