//! A watchdog for programs that run in this process: one that never ends can't be stopped, but it can be named.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{process, thread};

/// Exit code of a process whose program hangs.
pub const HANGS: i32 = 3;

struct Run {
    number: u64,
    since: Instant,
    /// What to say when it hangs.
    what: String,
}

static RUNNING: Mutex<(u64, Vec<Run>)> = Mutex::new((0, Vec::new()));

fn running() -> std::sync::MutexGuard<'static, (u64, Vec<Run>)> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A program that runs until this is dropped.
pub struct Watched(u64);

impl Drop for Watched {
    fn drop(&mut self) {
        running().1.retain(|run| run.number != self.0);
    }
}

pub fn watched(what: String) -> Watched {
    let mut runs = running();
    runs.0 += 1;
    let number = runs.0;
    runs.1.push(Run { number, since: Instant::now(), what });
    Watched(number)
}

/// What has run for longer than `limit`.
fn overdue(limit: Duration) -> Option<String> {
    running().1.iter().find(|run| run.since.elapsed() > limit).map(|run| run.what.clone())
}

/// From now on a program that runs for longer than `limit` of real time is written to stderr and ends the process.
pub fn start(limit: Duration) {
    thread::spawn(move || {
        loop {
            thread::sleep(limit.min(Duration::from_millis(500)));
            if let Some(what) = overdue(limit) {
                eprintln!("no end after {} s: {what}", limit.as_secs());
                process::exit(HANGS);
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_for_too_long_is_told_until_it_ends() {
        let run = watched("(loop nil) of this test".to_owned());
        thread::sleep(Duration::from_millis(30));
        assert_eq!(overdue(Duration::from_millis(10)).as_deref(), Some("(loop nil) of this test"));
        assert_eq!(overdue(Duration::from_secs(3600)), None);
        drop(run);
        assert_eq!(overdue(Duration::from_millis(10)), None);
    }
}
