//! The reference model of channels, select, locks and futures (concurrency.md 4.2, 4.4, 4.7, 4.8, 4.11).

use super::program::{Arm, How, Index, OnFull, Op, Otherwise};
use super::state::{Answer, Due, Ex, On, Outcome, Registration, State, Status, Wait};

/// How an operation goes: an answer at once, or the task is parked.
pub enum Step {
    Now(Outcome),
    Parked,
}

pub fn now(text: impl Into<String>) -> Result<Step, Ex> {
    Ok(Step::Now(Ok(vec![text.into()])))
}

/// What a receive finds.
pub enum Taken {
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
            .chain(self.events.iter_mut().map(|e| &mut e.waiting))
            .chain(self.latches.iter_mut().map(|l| &mut l.waiting))
            .chain(self.limiters.iter_mut().map(|l| &mut l.waiting))
            .chain(self.conditions.iter_mut())
            .chain(self.watches.iter_mut().map(|w| &mut w.waiting))
            .chain(self.futures.iter_mut().map(|f| &mut f.waiters))
            .chain(self.tasks.iter_mut().map(|t| &mut t.waiters))
    }

    pub fn park(&mut self, t: Index, on: On, limit: Option<u64>, expired: Outcome) -> Result<Step, Ex> {
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

    pub fn fail<T>(&mut self, text: &str) -> Result<T, Ex> {
        Err(self.exception(text))
    }

    pub fn timeout(&mut self) -> Ex {
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
                let error = error.then(|| self.exception(&format!("bad{channel}")));
                self.close(*channel, error);
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
            Op::Sleep(d) => self.sleep(t, *d),
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
            Op::Await(other) => self.await_task(t, *other, None),
            Op::AwaitWithin(other, d) => self.await_task(t, *other, Some(*d)),
            Op::Join(other, limit) => self.join(t, *other, *limit),
            Op::CancelTask(other) => {
                if self.tasks[*other].named {
                    self.cancel_task(*other);
                }
                now("nil")
            }
            Op::Detach(other) => {
                if self.tasks[*other].named {
                    self.detach(*other);
                }
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
            Op::AwaitFuture(f) => self.await_future(t, *f, None),
            Op::AwaitFutureWithin(f, d) => self.await_future(t, *f, Some(*d)),
            Op::AwaitTimer(d) => {
                let f = self.timer_future(*d);
                self.await_future(t, f, None)
            }
            Op::Combine(combine) => self.combine(t, combine),
            Op::SetEvent(_)
            | Op::ClearEvent(_)
            | Op::WaitEvent(..)
            | Op::CountDown(..)
            | Op::WaitLatch(..)
            | Op::TakeToken(..)
            | Op::ReturnToken(_)
            | Op::SetTokens(..)
            | Op::WaitCondition(..)
            | Op::Notify { .. }
            | Op::SetWatch(..)
            | Op::GetWatch(_)
            | Op::WatchChanged(..) => self.signal(t, op),
            // It may wait more than once: the replay does it send by send.
            Op::Broadcast(_) => unreachable!("a broadcast is several sends"),
            Op::CloseBroadcast { broadcast, error } => {
                let error = error.then(|| self.exception(&format!("bye{broadcast}")));
                self.ended[*broadcast] = true;
                for c in 0..self.channels.len() {
                    if self.channels[c].subscribed == Some(*broadcast) {
                        self.channels[c].subscribed = None;
                        self.close(c, error.clone());
                    }
                }
                now("nil")
            }
        }
    }

    pub fn sleep(&mut self, t: Index, d: u64) -> Result<Step, Ex> {
        self.checkpoint(t)?;
        let limit = if d == 0 { None } else { Some(d) };
        let step = self.park(t, On::Sleep, limit, Ok(vec!["nil".to_owned()]));
        if d == 0 {
            self.wake(t, Ok(vec!["nil".to_owned()]));
        }
        step
    }

    // --- channels

    pub fn send(&mut self, t: Index, c: Index, how: How, value: u64) -> Result<Step, Ex> {
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
            if self.channels[c].once {
                self.close(c, None);
            }
            return Ok(true);
        }
        if self.channels[c].once {
            self.channels[c].buffer.push(value);
            self.close(c, None);
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
            Answer::Op(_) | Answer::Join | Answer::All | Answer::First(_) | Answer::Next => vec![value.to_string()],
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
            Answer::Arm { arm, .. } => format!("arm{arm}:sent"),
            _ => "true".to_owned(),
        };
        self.wake(r.task, Ok(vec![text]));
    }

    pub fn take(&mut self, c: Index) -> Taken {
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
            (Answer::Arm { arm, .. }, None) => Ok(vec![format!("arm{arm}:nil:false")]),
            (Answer::Next, None) => Ok(vec!["over".to_owned()]),
            (_, None) => Ok(vec!["nil".to_owned()]),
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

    /// What a loop over a channel gets next.
    pub fn next(&mut self, t: Index, c: Index) -> Result<Step, Ex> {
        self.checkpoint(t)?;
        match self.take(c) {
            Taken::Value(v) => return now(v.to_string()),
            Taken::End => return Ok(Step::Now(self.end_of(c, Answer::Next))),
            Taken::Empty => {}
        }
        self.channels[c].receivers.push(Registration { how: Answer::Next, ..registration(t, How::Plain(None)) });
        self.park(t, On::Channel, None, Ok(Vec::new()))
    }

    fn close(&mut self, c: Index, error: Option<Ex>) {
        if self.channels[c].closed {
            return;
        }
        self.channels[c].closed = true;
        self.channels[c].error = error;
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
            values.push(match arm {
                Arm::Send(_) => {
                    self.messages += 1;
                    self.messages
                }
                Arm::Timer(d) => self.timer_future(*d) as u64,
                _ => 0,
            });
        }
        self.checkpoint(t)?;
        for arm in arms {
            if let Arm::Task(other) = arm {
                self.tasks[*other].observed |= self.tasks[*other].named;
            }
        }
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
                Arm::Task(other) if !self.tasks[other].named => {
                    let never = self.program.futures;
                    self.futures[never].waiters.push(r);
                }
                Arm::Task(other) => self.tasks[other].waiters.push(r),
                Arm::Future(f) => self.futures[f].waiters.push(r),
                Arm::Timer(_) => self.futures[values[i] as usize].waiters.push(r),
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
            Arm::Task(t) => self.tasks[t].named && self.tasks[t].result.is_some(),
            Arm::Future(f) => self.futures[f].result.is_some(),
            // No timer is done at once.
            Arm::Timer(_) => false,
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
            Arm::Timer(_) => settled(None),
        }
    }

    // --- futures and tasks

    /// Somebody waits for what has settled now.
    pub fn wake_for_result(&mut self, r: &Registration, result: &Result<String, Ex>) {
        let outcome = match (result, r.how) {
            (_, Answer::First(place)) => Ok(vec![place.to_string()]),
            (Ok(_), Answer::All) => {
                // One less to wait for.
                self.leave_queue(r);
                if self.queues().any(|q| q.iter().any(|other| other.task == r.task)) {
                    return;
                }
                Ok(Vec::new())
            }
            (Ok(v), Answer::Op(_) | Answer::Join | Answer::Next) => Ok(vec![v.clone()]),
            (Ok(v), Answer::Arm { .. }) => {
                // The same source may stand in several arms.
                let arms: Vec<usize> = self.arms_waiting(r.task, r);
                Ok(arms.into_iter().map(|arm| format!("arm{arm}:{v}")).collect())
            }
            (Err(ex), _) => Err(ex.clone()),
        };
        self.wake(r.task, outcome);
    }

    /// One registration is gone.
    fn leave_queue(&mut self, r: &Registration) {
        for queue in self.queues() {
            if queue.first() == Some(r) {
                queue.remove(0);
                return;
            }
        }
    }

    fn arms_waiting(&mut self, task: Index, r: &Registration) -> Vec<usize> {
        self.queues().filter(|q| q.contains(r)).flat_map(|q| arms_of(q, task).collect::<Vec<_>>()).collect()
    }

    fn settle(&mut self, f: Index, result: impl FnOnce(&mut Self) -> Result<String, Ex>) -> Result<Step, Ex> {
        if self.futures[f].result.is_some() {
            return self.fail("AlreadyTerminalException");
        }
        let result = result(self);
        self.settle_future(f, result);
        now("nil")
    }

    pub fn settle_future(&mut self, f: Index, result: Result<String, Ex>) {
        self.settled += 1;
        self.futures[f].settled = self.settled;
        self.futures[f].result = Some(result.clone());
        while let Some(r) = self.futures[f].waiters.first().cloned() {
            self.wake_for_result(&r, &result);
        }
    }

    /// A future that a timer completes.
    fn timer_future(&mut self, d: u64) -> Index {
        self.futures.push(Default::default());
        let f = self.futures.len() - 1;
        self.add_timer(self.now + d, Due::Future(f));
        f
    }

    /// With a limit, what is awaited fails when it is over.
    pub fn await_future(&mut self, t: Index, f: Index, limit: Option<u64>) -> Result<Step, Ex> {
        self.checkpoint(t)?;
        if let Some(result) = self.futures[f].result.clone() {
            return Ok(Step::Now(result.map(|v| vec![v])));
        }
        if limit == Some(0) {
            let ex = self.timeout();
            self.settle_future(f, Err(ex.clone()));
            return Err(ex);
        }
        self.futures[f].waiters.push(registration(t, How::Plain(None)));
        self.park_to_fail(t, On::Future(f), limit)
    }

    fn park_to_fail(&mut self, t: Index, on: On, limit: Option<u64>) -> Result<Step, Ex> {
        let step = self.park(t, on, None, Ok(Vec::new()));
        if let Some(d) = limit {
            if let Some(wait) = &mut self.tasks[t].wait {
                wait.expired = Some(Ok(Vec::new()));
            }
            self.add_timer(self.now + d, Due::Fail(t));
        }
        step
    }

    /// The time of an `await ^timeout` is over: what it awaits fails, and so the wait.
    pub fn fail_awaited(&mut self, t: Index) {
        let ex = self.timeout();
        match self.tasks[t].wait.as_ref().map(|w| w.on) {
            Some(On::Future(f)) => self.settle_future(f, Err(ex)),
            Some(On::Task(other)) => self.fail_task(other, ex),
            _ => {}
        }
    }

    fn await_task(&mut self, t: Index, other: Index, limit: Option<u64>) -> Result<Step, Ex> {
        self.checkpoint(t)?;
        if !self.tasks[other].named {
            return now("nil");
        }
        self.await_known(t, other, limit)
    }

    /// As [`State::await_task`] behind the checkpoint, for a task that has been started.
    pub fn await_known(&mut self, t: Index, other: Index, limit: Option<u64>) -> Result<Step, Ex> {
        if let Some(result) = self.tasks[other].result.clone() {
            self.tasks[other].observed = true;
            return Ok(Step::Now(result.map(|v| vec![v])));
        }
        // A wait that is refused tells nothing of how the other one ends.
        if self.closes_circle(t, On::Task(other)) {
            return self.fail("DeadlockException");
        }
        self.tasks[other].observed = true;
        if limit == Some(0) {
            let ex = self.timeout();
            self.fail_task(other, ex.clone());
            return Err(ex);
        }
        self.tasks[other].waiters.push(registration(t, How::Plain(None)));
        self.park_to_fail(t, On::Task(other), limit)
    }

    /// The result is handed out once; a join that got none leaves it for others.
    fn join(&mut self, t: Index, other: Index, limit: Option<u64>) -> Result<Step, Ex> {
        if !self.tasks[other].named {
            return now("nil");
        }
        self.checkpoint(t)?;
        let waits = self.tasks[other].waiters.iter().any(|r| r.how == Answer::Join);
        if self.tasks[other].joined || self.tasks[other].detached || waits {
            return self.fail("ClosedException");
        }
        if let Some(result) = self.tasks[other].result.clone() {
            self.tasks[other].joined = true;
            self.tasks[other].observed = true;
            return Ok(Step::Now(result.map(|v| vec![v])));
        }
        if limit == Some(0) {
            return Err(self.timeout());
        }
        if self.closes_circle(t, On::Task(other)) {
            return self.fail("DeadlockException");
        }
        self.tasks[other].observed = true;
        self.tasks[other].waiters.push(Registration { how: Answer::Join, ..registration(t, How::Plain(limit)) });
        let expired = Err(self.timeout());
        self.park(t, On::Task(other), limit, expired)
    }
}

pub fn registration(task: Index, how: How) -> Registration {
    Registration { task, how: Answer::Op(how), value: 0, amount: 0 }
}

/// The arms with which a task stands in a queue.
fn arms_of(queue: &[Registration], task: Index) -> impl Iterator<Item = usize> {
    queue.iter().filter(move |r| r.task == task).filter_map(|r| match r.how {
        Answer::Arm { arm, .. } => Some(arm),
        _ => None,
    })
}
