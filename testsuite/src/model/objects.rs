//! The reference model of channels, select, locks and futures (concurrency.md 4.2, 4.4, 4.7, 4.8, 4.11).

use super::program::{Arm, How, Index, OnFull, Op, Otherwise};
use super::state::{Answer, Due, Ex, On, Outcome, Registration, State, Status, Wait};

/// How an operation goes: an answer at once, or the task is parked.
pub enum Step {
    Now(Outcome),
    Parked,
}

fn now(text: impl Into<String>) -> Result<Step, Ex> {
    Ok(Step::Now(Ok(vec![text.into()])))
}

/// What a receive finds.
enum Taken {
    Value(u64),
    End,
    Empty,
}

impl State<'_> {
    pub fn queues(&mut self) -> impl Iterator<Item = &mut Vec<Registration>> {
        let channels = self.channels.iter_mut().flat_map(|c| [&mut c.receivers, &mut c.senders]);
        channels
            .chain(self.mutexes.iter_mut().map(|m| &mut m.waiting))
            .chain(self.semaphores.iter_mut().map(|s| &mut s.waiting))
            .chain(self.rwlocks.iter_mut().map(|l| &mut l.waiting))
            .chain(self.barriers.iter_mut().map(|b| &mut b.waiting))
            .chain(self.futures.iter_mut().map(|f| &mut f.waiters))
            .chain(self.tasks.iter_mut().map(|t| &mut t.waiters))
    }

    fn park(&mut self, t: Index, on: On, limit: Option<u64>, expired: Outcome) -> Result<Step, Ex> {
        self.tasks[t].status = Status::Parked;
        self.tasks[t].wait = Some(Wait { on, expired: limit.map(|_| expired), stuck: false });
        if let Some(d) = limit {
            self.add_timer(self.now + d, Due::Wait(t));
        }
        Ok(Step::Parked)
    }

    pub fn park_for_children(&mut self, t: Index, scope: usize) {
        self.tasks[t].status = Status::Parked;
        self.tasks[t].wait = Some(Wait { on: On::ScopeExit(scope), expired: None, stuck: false });
    }

    fn fail<T>(&mut self, text: &str) -> Result<T, Ex> {
        Err(self.exception(text))
    }

    fn timeout(&mut self) -> Ex {
        self.exception("TimeoutException")
    }

    /// Carries an operation out.
    pub fn step(&mut self, t: Index, op: &Op, next_line: &str) -> Result<Step, Ex> {
        match op {
            Op::Send(c, how) => {
                self.messages += 1;
                let value = self.messages;
                self.send(t, *c, *how, value)
            }
            Op::Recv(c, how) => self.recv(t, *c, *how),
            Op::Close { channel, error } => {
                self.close(*channel, *error);
                now("nil")
            }
            Op::Select { arms, otherwise, biased, skip_closed } => {
                self.select(t, arms, *otherwise, *biased, *skip_closed, next_line)
            }
            Op::Lock(m, how) => self.lock(t, *m, *how),
            Op::Unlock(m) => self.unlock(t, *m),
            Op::Acquire { semaphore, permits, how } => self.acquire(t, *semaphore, *permits, *how),
            Op::Release { semaphore, permits } => self.release(*semaphore, *permits),
            Op::Read(l, how) => self.enter(t, *l, false, *how),
            Op::Write(l, how) => self.enter(t, *l, true, *how),
            Op::ReleaseRw(l) => self.release_rw(t, *l),
            Op::Barrier(b, limit) => self.barrier(t, *b, *limit),
            Op::Sleep(d) => {
                self.checkpoint(t)?;
                let limit = if *d == 0 { None } else { Some(*d) };
                let step = self.park(t, On::Sleep, limit, Ok(vec!["nil".to_owned()]));
                if *d == 0 {
                    self.wake(t, Ok(vec!["nil".to_owned()]));
                }
                step
            }
            Op::Yield => {
                self.checkpoint(t)?;
                let step = self.park(t, On::Nothing, None, Ok(Vec::new()));
                self.wake(t, Ok(vec!["nil".to_owned()]));
                step
            }
            Op::Checkpoint => {
                self.checkpoint(t)?;
                now("nil")
            }
            Op::Await(other) => self.await_task(t, *other),
            Op::Join(other, limit) => self.join(t, *other, *limit),
            Op::CancelTask(other) => {
                self.cancel_task(*other);
                now("nil")
            }
            Op::CancelScope(stmt) => {
                if let Some(k) = self.scopes.iter().rposition(|s| s.stmt == *stmt)
                    && self.scopes[k].open
                {
                    self.cancel_scope(k, super::state::Cause::Request);
                }
                now("nil")
            }
            Op::Complete(f) => self.settle(*f, |_| Ok(format!("F{f}"))),
            Op::FailFuture(f) => self.settle(*f, |s| Err(s.exception(&format!("no{f}")))),
            Op::CancelFuture(f) => self.settle(*f, |s| Err(s.exception("CancellationException"))),
            Op::AwaitFuture(f) => {
                self.checkpoint(t)?;
                if let Some(result) = self.futures[*f].result.clone() {
                    return Ok(Step::Now(result.map(|v| vec![v])));
                }
                let r = registration(t, How::Plain(None));
                self.futures[*f].waiters.push(r);
                self.park(t, On::Nothing, None, Ok(Vec::new()))
            }
        }
    }

    // --- channels

    fn send(&mut self, t: Index, c: Index, how: How, value: u64) -> Result<Step, Ex> {
        self.checkpoint(t)?;
        if self.channels[c].closed && matches!(how, How::Result(_)) {
            return now("(Result/Err closed)");
        }
        let channel = &self.channels[c];
        let full = channel.receivers.is_empty() && channel.buffer.len() >= channel.capacity;
        if full && !channel.closed && channel.on_full == OnFull::Error {
            match how {
                How::Result(_) => return now("(Result/Err busy)"),
                How::Try => return now("false"),
                _ => {}
            }
        }
        let taken = match how {
            How::Result(_) => "(Result/Ok nil)",
            How::Plain(_) => "nil",
            _ => "true",
        };
        if self.offer(c, value)? {
            return now(taken);
        }
        let (limit, expired) = match how {
            How::Try => return now("false"),
            How::Within(d) => (Some(d), Ok(vec!["false".to_owned()])),
            How::Result(d) => (d, Ok(vec!["(Result/Err timeout)".to_owned()])),
            How::Plain(d) => (d, Err(self.timeout())),
        };
        if limit == Some(0) {
            return Ok(Step::Now(expired));
        }
        self.channels[c].senders.push(Registration { value, ..registration(t, how) });
        self.park(t, On::Channel, limit, expired)
    }

    /// Whether a value went to a receiver, into the buffer, or away by policy.
    fn offer(&mut self, c: Index, value: u64) -> Result<bool, Ex> {
        if self.channels[c].closed {
            return self.fail("ChannelClosedException");
        }
        if let Some(r) = self.channels[c].receivers.first().cloned() {
            self.give(c, r, value);
            return Ok(true);
        }
        let channel = &mut self.channels[c];
        if channel.buffer.len() < channel.capacity {
            channel.buffer.push(value);
            return Ok(true);
        }
        match channel.on_full {
            OnFull::Block => Ok(false),
            OnFull::DropNewest => Ok(true),
            OnFull::DropOldest => {
                channel.buffer.remove(0);
                channel.buffer.push(value);
                Ok(true)
            }
            OnFull::Error => self.fail("BusyException"),
        }
    }

    /// To the first receiver; of several arms of one `select` on the channel, to any.
    fn give(&mut self, c: Index, r: Registration, value: u64) {
        let texts = match r.how {
            Answer::Op(How::Result(_)) => vec![format!("(Result/Ok {value})")],
            Answer::Op(_) | Answer::Join => vec![value.to_string()],
            Answer::Arm { .. } => {
                arms_of(&self.channels[c].receivers, r.task).map(|arm| format!("arm{arm}:{value}:true")).collect()
            }
        };
        self.wake(r.task, Ok(texts));
    }

    /// A waiting sender's value was taken.
    fn sent(&mut self, r: &Registration) {
        let text = match r.how {
            Answer::Op(How::Result(_)) => "(Result/Ok nil)".to_owned(),
            Answer::Op(How::Plain(_)) => "nil".to_owned(),
            Answer::Op(_) | Answer::Join => "true".to_owned(),
            Answer::Arm { arm, .. } => format!("arm{arm}:sent"),
        };
        self.wake(r.task, Ok(vec![text]));
    }

    fn take(&mut self, c: Index) -> Taken {
        let channel = &mut self.channels[c];
        let first = (!channel.buffer.is_empty()).then(|| channel.buffer.remove(0));
        let sender = channel.senders.first().cloned();
        if let Some(sender) = &sender {
            if first.is_some() {
                // Room: the first sender's value moves up.
                channel.buffer.push(sender.value);
            }
            self.sent(sender);
        }
        match (first, sender) {
            (Some(value), _) => Taken::Value(value),
            (None, Some(sender)) => Taken::Value(sender.value),
            (None, None) if self.channels[c].closed => Taken::End,
            _ => Taken::Empty,
        }
    }

    /// What a receiver gets from a closed and drained channel.
    fn end_of(&self, c: Index, how: Answer) -> Outcome {
        let error = self.channels[c].error.clone();
        match (how, error) {
            (Answer::Op(How::Result(_)), None) => Ok(vec!["(Result/Err closed)".to_owned()]),
            (Answer::Op(How::Result(_)), Some(ex)) => Ok(vec![format!("(Result/Err Exception: {})", ex.text)]),
            (_, Some(ex)) => Err(ex),
            (Answer::Op(_) | Answer::Join, None) => Ok(vec!["nil".to_owned()]),
            (Answer::Arm { arm, .. }, None) => Ok(vec![format!("arm{arm}:nil:false")]),
        }
    }

    fn recv(&mut self, t: Index, c: Index, how: How) -> Result<Step, Ex> {
        self.checkpoint(t)?;
        match self.take(c) {
            Taken::Value(v) if matches!(how, How::Result(_)) => return now(format!("(Result/Ok {v})")),
            Taken::Value(v) => return now(v.to_string()),
            Taken::End => return Ok(Step::Now(self.end_of(c, Answer::Op(how)))),
            Taken::Empty => {}
        }
        let (limit, expired) = match how {
            How::Try => return now("nil"),
            How::Result(Some(0)) => return now("(Result/Err empty)"),
            How::Within(d) => (Some(d), Ok(vec!["nil".to_owned()])),
            How::Result(d) => (d, Ok(vec!["(Result/Err timeout)".to_owned()])),
            How::Plain(d) => (d, Err(self.timeout())),
        };
        if limit == Some(0) {
            return Ok(Step::Now(expired));
        }
        self.channels[c].receivers.push(registration(t, how));
        self.park(t, On::Channel, limit, expired)
    }

    fn close(&mut self, c: Index, error: bool) {
        if self.channels[c].closed {
            return;
        }
        self.channels[c].closed = true;
        if error {
            self.channels[c].error = Some(self.exception(&format!("bad{c}")));
        }
        let refusal = self.exception("ChannelClosedException");
        while let Some(r) = self.channels[c].receivers.first().cloned() {
            if let Answer::Arm { skip_closed: true, .. } = r.how {
                // The arm is out; the last one of a select without a time limit ends it.
                self.channels[c].receivers.remove(0);
                let limited = self.tasks[r.task].wait.as_ref().is_some_and(|w| w.expired.is_some());
                if !limited && !self.queues().any(|q| q.iter().any(|other| other.task == r.task)) {
                    self.wake(r.task, Err(refusal.clone()));
                }
                continue;
            }
            let outcome = match r.how {
                Answer::Arm { .. } if self.channels[c].error.is_none() => {
                    Ok(arms_of(&self.channels[c].receivers, r.task).map(|arm| format!("arm{arm}:nil:false")).collect())
                }
                how => self.end_of(c, how),
            };
            self.wake(r.task, outcome);
        }
        while let Some(r) = self.channels[c].senders.first().cloned() {
            let outcome = match r.how {
                Answer::Op(How::Result(_)) => Ok(vec!["(Result/Err closed)".to_owned()]),
                _ => Err(refusal.clone()),
            };
            self.wake(r.task, outcome);
        }
    }

    // --- select

    /// All arms at one instant. Which of several ready ones was taken, the log says.
    fn select(
        &mut self,
        t: Index,
        arms: &[Arm],
        otherwise: Otherwise,
        biased: bool,
        skip_closed: bool,
        next_line: &str,
    ) -> Result<Step, Ex> {
        let mut values = Vec::new();
        for arm in arms {
            if let Arm::Send(_) = arm {
                self.messages += 1;
            }
            values.push(self.messages);
        }
        self.checkpoint(t)?;
        let mut ready: Vec<usize> = (0..arms.len()).filter(|&i| self.arm_is_ready(arms[i], skip_closed)).collect();
        if biased {
            ready.truncate(1);
        }
        // Each ready arm is tried on a copy.
        let mut first = None;
        for &i in &ready {
            let mut copy = self.clone();
            let outcome = copy.commit(arms[i], i, values[i]);
            let line = match &outcome {
                Ok(texts) => texts[0].clone(),
                Err(ex) => ex.text.clone(),
            };
            if i == ready[ready.len() - 1] || next_line == line {
                first = Some((copy, outcome));
                break;
            }
        }
        if let Some((copy, outcome)) = first {
            *self = copy;
            return Ok(Step::Now(outcome));
        }
        let limit = match otherwise {
            Otherwise::Else => return now("else"),
            Otherwise::Timeout(0) => return now("late"),
            Otherwise::Timeout(d) => Some(d),
            Otherwise::Wait => None,
        };
        let closed = |arm: &Arm| matches!(arm, Arm::Recv(c) if self.channels[*c].closed);
        if skip_closed && !arms.is_empty() && arms.iter().all(closed) {
            return self.fail("ChannelClosedException");
        }
        for (i, arm) in arms.iter().enumerate() {
            let r = Registration { task: t, how: Answer::Arm { arm: i, skip_closed }, value: values[i], amount: 0 };
            match *arm {
                Arm::Recv(c) => self.channels[c].receivers.push(r),
                Arm::Send(c) => self.channels[c].senders.push(r),
                // In place of a task that is not there yet stands a future that never settles.
                Arm::Task(other) if self.tasks[other].status == Status::Unborn => {
                    if let Some(never) = self.futures.last_mut() {
                        never.waiters.push(r);
                    }
                }
                Arm::Task(other) => self.tasks[other].waiters.push(r),
                Arm::Future(f) => self.futures[f].waiters.push(r),
            }
        }
        self.park(t, On::Nothing, limit, Ok(vec!["late".to_owned()]))
    }

    fn arm_is_ready(&self, arm: Arm, skip_closed: bool) -> bool {
        match arm {
            Arm::Recv(c) => {
                let c = &self.channels[c];
                !c.buffer.is_empty() || !c.senders.is_empty() || c.closed && !skip_closed
            }
            Arm::Send(c) => {
                let c = &self.channels[c];
                c.closed || !c.receivers.is_empty() || c.buffer.len() < c.capacity || c.on_full != OnFull::Block
            }
            Arm::Task(t) => self.tasks[t].result.is_some(),
            Arm::Future(f) => self.futures[f].result.is_some(),
        }
    }

    fn commit(&mut self, arm: Arm, i: usize, value: u64) -> Outcome {
        let settled = |result: Option<Result<String, Ex>>| match result {
            Some(Ok(v)) => Ok(vec![format!("arm{i}:{v}")]),
            Some(Err(ex)) => Err(ex),
            None => Ok(Vec::new()),
        };
        match arm {
            Arm::Send(c) => self.offer(c, value).map(|_| vec![format!("arm{i}:sent")]),
            Arm::Recv(c) => match self.take(c) {
                Taken::Value(v) => Ok(vec![format!("arm{i}:{v}:true")]),
                _ => self.end_of(c, Answer::Arm { arm: i, skip_closed: false }),
            },
            Arm::Task(t) => settled(self.tasks[t].result.clone()),
            Arm::Future(f) => settled(self.futures[f].result.clone()),
        }
    }

    // --- futures and tasks

    /// Somebody waits for what has settled now.
    pub fn wake_for_result(&mut self, r: &Registration, result: &Result<String, Ex>) {
        let outcome = match (result, r.how) {
            (Ok(v), Answer::Op(_) | Answer::Join) => Ok(vec![v.clone()]),
            (Ok(v), Answer::Arm { .. }) => {
                // The same source may stand in several arms.
                let arms: Vec<usize> = self.arms_waiting(r.task, r);
                Ok(arms.into_iter().map(|arm| format!("arm{arm}:{v}")).collect())
            }
            (Err(ex), _) => Err(ex.clone()),
        };
        self.wake(r.task, outcome);
    }

    fn arms_waiting(&mut self, task: Index, r: &Registration) -> Vec<usize> {
        self.queues().filter(|q| q.contains(r)).flat_map(|q| arms_of(q, task).collect::<Vec<_>>()).collect()
    }

    fn settle(&mut self, f: Index, result: impl FnOnce(&mut Self) -> Result<String, Ex>) -> Result<Step, Ex> {
        if self.futures[f].result.is_some() {
            return self.fail("AlreadyTerminalException");
        }
        let result = result(self);
        self.futures[f].result = Some(result.clone());
        while let Some(r) = self.futures[f].waiters.first().cloned() {
            self.wake_for_result(&r, &result);
        }
        now("nil")
    }

    fn await_task(&mut self, t: Index, other: Index) -> Result<Step, Ex> {
        self.checkpoint(t)?;
        if self.tasks[other].status == Status::Unborn {
            return now("nil");
        }
        if let Some(result) = self.tasks[other].result.clone() {
            return Ok(Step::Now(result.map(|v| vec![v])));
        }
        if self.closes_circle(t, On::Task(other)) {
            return self.fail("DeadlockException");
        }
        self.tasks[other].waiters.push(registration(t, How::Plain(None)));
        self.park(t, On::Task(other), None, Ok(Vec::new()))
    }

    /// The result is handed out once; a join that got none leaves it for others.
    fn join(&mut self, t: Index, other: Index, limit: Option<u64>) -> Result<Step, Ex> {
        if self.tasks[other].status == Status::Unborn {
            return now("nil");
        }
        self.checkpoint(t)?;
        let waits = self.tasks[other].waiters.iter().any(|r| r.how == Answer::Join);
        if self.tasks[other].joined || waits {
            return self.fail("ClosedException");
        }
        if let Some(result) = self.tasks[other].result.clone() {
            self.tasks[other].joined = true;
            return Ok(Step::Now(result.map(|v| vec![v])));
        }
        if limit == Some(0) {
            return Err(self.timeout());
        }
        if self.closes_circle(t, On::Task(other)) {
            return self.fail("DeadlockException");
        }
        self.tasks[other].waiters.push(Registration { how: Answer::Join, ..registration(t, How::Plain(limit)) });
        let expired = Err(self.timeout());
        self.park(t, On::Task(other), limit, expired)
    }

    // --- locks

    fn lock(&mut self, t: Index, m: Index, how: How) -> Result<Step, Ex> {
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

    fn unlock(&mut self, t: Index, m: Index) -> Result<Step, Ex> {
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

    fn acquire(&mut self, t: Index, s: Index, permits: usize, how: How) -> Result<Step, Ex> {
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

    fn release(&mut self, s: Index, permits: usize) -> Result<Step, Ex> {
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

    fn enter(&mut self, t: Index, l: Index, write: bool, how: How) -> Result<Step, Ex> {
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

    fn release_rw(&mut self, t: Index, l: Index) -> Result<Step, Ex> {
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

    fn barrier(&mut self, t: Index, b: Index, limit: Option<u64>) -> Result<Step, Ex> {
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

fn registration(task: Index, how: How) -> Registration {
    Registration { task, how: Answer::Op(how), value: 0, amount: 0 }
}

/// The arms with which a task stands in a queue.
fn arms_of(queue: &[Registration], task: Index) -> impl Iterator<Item = usize> {
    queue.iter().filter(move |r| r.task == task).filter_map(|r| match r.how {
        Answer::Arm { arm, .. } => Some(arm),
        Answer::Op(_) | Answer::Join => None,
    })
}
