//! Random concurrent programs do what the reference model says (see `gene_testsuite::model`).

use gene_testsuite::model;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// Programs, each under several schedules.
const SEEDS: u64 = 2500;

#[test]
fn random_programs_do_what_the_reference_model_says() {
    model::watch::start(Duration::from_secs(120));
    let next = AtomicU64::new(1);
    let found = Mutex::new(None);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed > SEEDS || found.lock().is_ok_and(|f| f.is_some()) {
                        break;
                    }
                    if let Some(finding) = model::try_seed(seed)
                        && let Ok(mut found) = found.lock()
                    {
                        *found = Some(finding);
                    }
                }
            });
        }
    });
    if let Ok(Some(finding)) = found.into_inner() {
        panic!("{finding}");
    }
}
