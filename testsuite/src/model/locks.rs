//! The reference model of mutexes, semaphores, RwLocks and barriers (concurrency.md 4.11).

use super::objects::{Step, now, registration};
use super::program::{How, Index};
use super::state::{Answer, Ex, On, Registration, State};

impl State<'_> {
    pub fn lock(&mut self, t: Index, m: Index, how: How) -> Result<Step, Ex> {
        self.checkpoint(t)?;
        if self.mutexes[m].broken {
            return self.fail("BrokenException");
        }
        let taken = if matches!(how, How::Plain(_)) { "nil" } else { "true" };
        if self.mutexes[m].owner.is_none() {
            self.mutexes[m].owner = Some(t);
            return now(taken);
        }
        let (limit, expired) = match how {
            How::Try => return now("false"),
            How::Within(d) => (Some(d), Ok(vec!["false".to_owned()])),
            How::Plain(d) | How::Result(d) => (d, Err(self.timeout())),
        };
        if self.mutexes[m].owner == Some(t) || limit.is_none() && self.closes_circle(t, On::Mutex(m)) {
            return self.fail("DeadlockException");
        }
        if limit == Some(0) {
            return Ok(Step::Now(expired));
        }
        self.mutexes[m].waiting.push(registration(t, how));
        self.park(t, On::Mutex(m), limit, expired)
    }

    pub fn unlock(&mut self, t: Index, m: Index) -> Result<Step, Ex> {
        if self.mutexes[m].broken {
            return self.fail("BrokenException");
        }
        if self.mutexes[m].owner != Some(t) {
            return self.fail("ConcurrencyException");
        }
        let next = self.mutexes[m].waiting.first().cloned();
        self.mutexes[m].owner = next.as_ref().map(|r| r.task);
        if let Some(r) = next {
            let text = if matches!(r.how, Answer::Op(How::Within(_))) { "true" } else { "nil" };
            self.wake(r.task, Ok(vec![text.to_owned()]));
        }
        now("nil")
    }

    pub fn acquire(&mut self, t: Index, s: Index, permits: usize, how: How) -> Result<Step, Ex> {
        if permits > self.semaphores[s].permits {
            return self.fail("ArgumentException");
        }
        self.checkpoint(t)?;
        let semaphore = &mut self.semaphores[s];
        let free = semaphore.waiting.is_empty() && semaphore.available >= permits;
        if free {
            semaphore.available -= permits;
        }
        let limit = match how {
            How::Try => return now(free.to_string()),
            How::Plain(d) | How::Result(d) => d,
            How::Within(d) => Some(d),
        };
        if free {
            return now("nil");
        }
        let expired = Err(self.timeout());
        if limit == Some(0) {
            return Ok(Step::Now(expired));
        }
        self.semaphores[s].waiting.push(Registration { amount: permits, ..registration(t, how) });
        self.park(t, On::Semaphore(s), limit, expired)
    }

    pub fn release(&mut self, s: Index, permits: usize) -> Result<Step, Ex> {
        let semaphore = &mut self.semaphores[s];
        if permits > semaphore.permits {
            return self.fail("ArgumentException");
        }
        if semaphore.available + permits > semaphore.permits {
            return self.fail("ConcurrencyException");
        }
        semaphore.available += permits;
        self.pass_semaphore(s);
        now("nil")
    }

    /// In order of arrival, as long as there is enough for the first.
    pub fn pass_semaphore(&mut self, s: Index) {
        while let Some(r) = self.semaphores[s].waiting.first().cloned()
            && r.amount <= self.semaphores[s].available
        {
            self.semaphores[s].available -= r.amount;
            self.semaphores[s].waiting.remove(0);
            self.wake(r.task, Ok(vec!["nil".to_owned()]));
        }
    }

    fn rwlock_fits(&self, l: Index, write: bool) -> bool {
        self.rwlocks[l].writer.is_none() && (!write || self.rwlocks[l].readers.is_empty())
    }

    fn rwlock_give(&mut self, l: Index, t: Index, write: bool) {
        match write {
            true => self.rwlocks[l].writer = Some(t),
            false => self.rwlocks[l].readers.push(t),
        }
    }

    pub fn enter(&mut self, t: Index, l: Index, write: bool, how: How) -> Result<Step, Ex> {
        self.checkpoint(t)?;
        if self.rwlocks[l].broken {
            return self.fail("BrokenException");
        }
        let fits = self.rwlocks[l].waiting.is_empty() && self.rwlock_fits(l, write);
        if fits {
            self.rwlock_give(l, t, write);
        }
        let limit = match how {
            How::Try => return now(fits.to_string()),
            How::Plain(d) | How::Result(d) => d,
            How::Within(d) => Some(d),
        };
        if fits {
            return now("nil");
        }
        let held = self.rwlocks[l].writer == Some(t) || self.rwlocks[l].readers.contains(&t);
        if held || limit.is_none() && self.closes_circle(t, On::RwLock(l)) {
            return self.fail("DeadlockException");
        }
        let expired = Err(self.timeout());
        if limit == Some(0) {
            return Ok(Step::Now(expired));
        }
        self.rwlocks[l].waiting.push(Registration { amount: write as usize, ..registration(t, how) });
        self.park(t, On::RwLock(l), limit, expired)
    }

    pub fn release_rw(&mut self, t: Index, l: Index) -> Result<Step, Ex> {
        let lock = &mut self.rwlocks[l];
        if lock.writer == Some(t) {
            lock.writer = None;
        } else if let Some(i) = lock.readers.iter().position(|&r| r == t) {
            lock.readers.remove(i);
        } else {
            return self.fail("ConcurrencyException");
        }
        self.pass_rwlock(l);
        now("nil")
    }

    /// In order of arrival: a writer alone, readers up to the next writer.
    pub fn pass_rwlock(&mut self, l: Index) {
        while !self.rwlocks[l].broken
            && let Some(r) = self.rwlocks[l].waiting.first().cloned()
            && self.rwlock_fits(l, r.amount == 1)
        {
            self.rwlock_give(l, r.task, r.amount == 1);
            self.rwlocks[l].waiting.remove(0);
            self.wake(r.task, Ok(vec!["nil".to_owned()]));
        }
    }

    /// Locks that a task holds at its end are broken.
    pub fn break_locks(&mut self, t: Index) {
        let ex = self.exception("BrokenException");
        for m in 0..self.mutexes.len() {
            if self.mutexes[m].owner == Some(t) {
                self.mutexes[m].owner = None;
                self.mutexes[m].broken = true;
                while let Some(r) = self.mutexes[m].waiting.first().cloned() {
                    self.wake(r.task, Err(ex.clone()));
                }
            }
        }
        for l in 0..self.limiters.len() {
            if self.limiters[l].holders.contains(&t) {
                self.limiters[l].holders.retain(|&h| h != t);
                self.pass_limiter(l);
            }
        }
        for l in 0..self.rwlocks.len() {
            let lock = &mut self.rwlocks[l];
            if lock.writer == Some(t) || lock.readers.contains(&t) {
                lock.writer = lock.writer.filter(|&w| w != t);
                lock.readers.retain(|&r| r != t);
                lock.broken = true;
                while let Some(r) = self.rwlocks[l].waiting.first().cloned() {
                    self.wake(r.task, Err(ex.clone()));
                }
            }
        }
    }

    pub fn barrier(&mut self, t: Index, b: Index, limit: Option<u64>) -> Result<Step, Ex> {
        self.checkpoint(t)?;
        let barrier = &self.barriers[b];
        if barrier.broken {
            return self.fail("BrokenException");
        }
        let index = barrier.waiting.len();
        if index + 1 == barrier.parties {
            for (i, r) in barrier.waiting.clone().into_iter().enumerate() {
                self.wake(r.task, Ok(vec![i.to_string()]));
            }
            return now(index.to_string());
        }
        let expired = Err(self.timeout());
        if limit == Some(0) {
            self.break_barrier(b);
            return Ok(Step::Now(expired));
        }
        self.barriers[b].waiting.push(registration(t, How::Plain(limit)));
        self.park(t, On::Barrier(b), limit, expired)
    }

    /// One that gave up breaks it for all.
    pub fn break_barrier(&mut self, b: Index) {
        self.barriers[b].broken = true;
        let ex = self.exception("BrokenException");
        while let Some(r) = self.barriers[b].waiting.first().cloned() {
            self.wake(r.task, Err(ex.clone()));
        }
    }
}
