//! The reference model of what tasks tell each other with: events, latches, limiters, conditions and watches (concurrency.md 4.7, 4.11).

use super::objects::{Step, now, registration};
use super::program::{How, Index, Op};
use super::state::{Ex, On, Outcome, Registration, State};

impl State<'_> {
    pub fn signal(&mut self, t: Index, op: &Op) -> Result<Step, Ex> {
        match *op {
            Op::SetEvent(e) => {
                self.events[e].set = true;
                while let Some(r) = self.events[e].waiting.first().cloned() {
                    self.wake(r.task, Ok(vec!["nil".to_owned()]));
                }
                now("nil")
            }
            Op::ClearEvent(e) => {
                self.events[e].set = false;
                now("nil")
            }
            Op::WaitEvent(e, limit) => {
                self.checkpoint(t)?;
                if self.events[e].set {
                    return now("nil");
                }
                self.wait(t, On::Nothing, limit, |s| &mut s.events[e].waiting)
            }
            Op::CountDown(l, n) => {
                self.latches[l].count = self.latches[l].count.saturating_sub(n);
                while self.latches[l].count == 0
                    && let Some(r) = self.latches[l].waiting.first().cloned()
                {
                    self.wake(r.task, Ok(vec!["nil".to_owned()]));
                }
                now(self.latches[l].count.to_string())
            }
            Op::WaitLatch(l, limit) => {
                self.checkpoint(t)?;
                if self.latches[l].count == 0 {
                    return now("nil");
                }
                self.wait(t, On::Nothing, limit, |s| &mut s.latches[l].waiting)
            }
            Op::TakeToken(l, how) => self.take_token(t, l, how),
            Op::ReturnToken(l) => {
                if !self.limiters[l].holders.contains(&t) {
                    return self.fail("ConcurrencyException");
                }
                self.limiters[l].holders.retain(|&h| h != t);
                self.pass_limiter(l);
                now("nil")
            }
            Op::SetTokens(l, n) => {
                self.limiters[l].total = n;
                self.pass_limiter(l);
                now(n.to_string())
            }
            Op::WaitCondition(c, limit) => {
                self.must_own(t, 0)?;
                self.checkpoint(t)?;
                self.unlock(t, 0)?;
                self.wait(t, On::Nothing, limit, |s| &mut s.conditions[c])
            }
            Op::Notify { condition, all } => {
                self.must_own(t, 0)?;
                while let Some(r) = self.conditions[condition].first().cloned() {
                    self.wake(r.task, Ok(vec!["nil".to_owned()]));
                    if !all {
                        break;
                    }
                }
                now("nil")
            }
            Op::SetWatch(w, v) => {
                self.watches[w].value = v;
                while let Some(r) = self.watches[w].waiting.first().cloned() {
                    self.wake(r.task, Ok(vec![v.to_string()]));
                }
                now(v.to_string())
            }
            Op::GetWatch(w) => now(self.watches[w].value.to_string()),
            Op::WatchChanged(w, limit) => {
                self.checkpoint(t)?;
                self.wait(t, On::Nothing, limit, |s| &mut s.watches[w].waiting)
            }
            _ => unreachable!("{op:?} is no signal"),
        }
    }

    fn wait(
        &mut self,
        t: Index,
        on: On,
        limit: Option<u64>,
        queue: impl FnOnce(&mut Self) -> &mut Vec<Registration>,
    ) -> Result<Step, Ex> {
        let expired = Err(self.timeout());
        if limit == Some(0) {
            return Ok(Step::Now(expired));
        }
        queue(self).push(registration(t, How::Plain(limit)));
        self.park(t, on, limit, expired)
    }

    // --- limiters

    fn take_token(&mut self, t: Index, l: Index, how: How) -> Result<Step, Ex> {
        self.checkpoint(t)?;
        let limiter = &mut self.limiters[l];
        if limiter.holders.contains(&t) {
            return self.fail("DeadlockException");
        }
        let free = limiter.waiting.is_empty() && limiter.holders.len() < limiter.total;
        if free {
            limiter.holders.push(t);
        }
        match how {
            How::Try => now(free.to_string()),
            _ if free => now("nil"),
            How::Plain(d) | How::Result(d) => self.wait(t, On::Limiter(l), d, |s| &mut s.limiters[l].waiting),
            How::Within(d) => self.wait(t, On::Limiter(l), Some(d), |s| &mut s.limiters[l].waiting),
        }
    }

    /// In order of arrival, as long as there are tokens.
    pub fn pass_limiter(&mut self, l: Index) {
        while self.limiters[l].holders.len() < self.limiters[l].total
            && let Some(r) = self.limiters[l].waiting.first().cloned()
        {
            self.limiters[l].holders.push(r.task);
            self.limiters[l].waiting.remove(0);
            self.wake(r.task, Ok(vec!["nil".to_owned()]));
        }
    }

    // --- conditions

    fn must_own(&mut self, t: Index, m: Index) -> Result<(), Ex> {
        if self.mutexes[m].broken {
            return self.fail("BrokenException");
        }
        if self.mutexes[m].owner != Some(t) {
            return self.fail("ConcurrencyException");
        }
        Ok(())
    }

    /// Behind the wait for a condition, whatever it came to, its mutex is taken back. `None`: the task waits for it.
    pub fn relock(&mut self, t: Index, outcome: Outcome) -> Option<Outcome> {
        if self.mutexes[0].broken {
            return Some(self.fail("BrokenException"));
        }
        if self.mutexes[0].owner.is_none() {
            self.mutexes[0].owner = Some(t);
            return Some(outcome);
        }
        self.mutexes[0].waiting.push(registration(t, How::Plain(None)));
        let _ = self.park(t, On::Relock(0), None, Ok(Vec::new()));
        None
    }
}
