//! Blocking work off the VM's thread.
//!
//! One job does all of one operation (open, read, close), so the number of threads also bounds the open files: a thousand reads
//! at once queue up behind a few threads instead of exhausting descriptors.
use std::future::Future;
use std::num::NonZeroUsize;
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Environment variable of the `blocking` crate; it wins over [`thread_limit`].
const LIMIT_VARIABLE: &str = "BLOCKING_MAX_THREADS";

static JOBS: AtomicUsize = AtomicUsize::new(0);

/// Threads the pool may have: four per core, as jobs mostly wait for the disk.
pub fn thread_limit() -> NonZeroUsize {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    NonZeroUsize::new(cores * 4).unwrap_or(NonZeroUsize::MIN)
}

/// Jobs of this process whose result is still awaited.
pub fn jobs() -> usize {
    JOBS.load(Ordering::SeqCst)
}

/// Counts a job until its result was taken or its future dropped. (Not until the work ended: a virtual clock must not jump
/// between the end of the work and the moment its VM hears of it.)
struct Job;

impl Job {
    fn new() -> Job {
        JOBS.fetch_add(1, Ordering::SeqCst);
        Job
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        JOBS.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Runs `work` on a thread of the pool. Dropping the future cancels work that has not started; work that has runs to its end
/// unobserved.
pub fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> impl Future<Output = T> {
    counted(blocking::unblock(work))
}

/// An operation of async-fs, whose jobs run on the same threads. Counts as one job.
pub fn counted<F: Future>(operation: F) -> impl Future<Output = F::Output> {
    static LIMIT: Once = Once::new();
    LIMIT.call_once(|| {
        if std::env::var_os(LIMIT_VARIABLE).is_none() {
            blocking::set_max_blocking_threads(thread_limit());
        }
    });
    let job = Job::new();
    async move {
        let _job = job;
        operation.await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_jobs_share_a_few_threads() {
        let names = std::sync::Arc::new(std::sync::Mutex::new(std::collections::HashSet::new()));
        let jobs: Vec<_> = (0..1000)
            .map(|i| {
                let names = names.clone();
                run(move || {
                    names.lock().unwrap().insert(std::thread::current().id());
                    i
                })
            })
            .collect();
        let sum = futures_lite::future::block_on(async {
            let mut sum = 0;
            for job in jobs {
                sum += job.await;
            }
            sum
        });
        assert_eq!(sum, 499_500);
        assert!(names.lock().unwrap().len() <= thread_limit().get());
    }
}
