//! The last resort: a bug in this program, not in the user's.

/// Exit code after an internal error.
const INTERNAL: i32 = 101;

pub fn install() {
    std::panic::set_hook(Box::new(|info| {
        let message = info.payload_as_str().unwrap_or("unknown");
        let place = info.location().map(|l| format!(" ({}:{})", l.file(), l.line())).unwrap_or_default();
        eprintln!("gene: internal error, please report: {message}{place}");
        std::process::exit(INTERNAL);
    }));
}
