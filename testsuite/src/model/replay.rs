//! Runs the reference model along a log: what the contract leaves open (the order of ready tasks, timers of one instant, the arm
//! of a `select`) is taken from the log, everything else must come out as the log says.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use super::objects::{Step, Taken};
use super::program::{Form, How, Index, Kind, Op, Program, Stmt};
use super::state::{Due, Ex, Frame, Outcome, ROOT, Ready, State, Status};

/// Where a log and the model part.
#[derive(Clone, Debug)]
pub struct Reject {
    /// The line of the log, from 0.
    pub at: usize,
    pub message: String,
}

/// Orders of timers of one instant, and turns of tasks without a word, that are looked into.
const MOST_STATES: usize = 2000;

/// Logs with more than that, which count as explained.
pub static GIVEN_UP: AtomicU64 = AtomicU64::new(0);

pub struct Replay<'p> {
    program: &'p Program,
    log: Vec<&'p str>,
    /// The task of each statement.
    owners: HashMap<usize, Index>,
}

impl<'p> Replay<'p> {
    pub fn new(program: &'p Program, log: &'p str) -> Replay<'p> {
        fn note(block: &[Stmt], task: Index, owners: &mut HashMap<usize, Index>) {
            for stmt in block {
                owners.insert(stmt.id, task);
                let task = match &stmt.kind {
                    Kind::Spawn { task, .. } | Kind::Async { task, .. } => *task,
                    _ => task,
                };
                for inner in stmt.kind.blocks() {
                    note(inner, task, owners);
                }
            }
        }
        let mut owners = HashMap::new();
        note(&program.body, 0, &mut owners);
        Replay { program, log: log.lines().collect(), owners }
    }

    /// # Errors
    ///
    /// Where the best explanation of the log ends.
    pub fn check(&self, shaken: bool) -> Result<(), Reject> {
        let mut todo = vec![State::new(self.program, shaken)];
        let mut best: Option<Reject> = None;
        let mut seen = 0;
        while let Some(state) = todo.pop() {
            seen += 1;
            if seen > MOST_STATES {
                // Too many ways to tell: what was found so far does not count.
                GIVEN_UP.fetch_add(1, Ordering::Relaxed);
                return Ok(());
            }
            match self.advance(state, &mut todo) {
                Ok(()) => return Ok(()),
                Err(reject) if best.as_ref().is_none_or(|b| reject.at > b.at) => best = Some(reject),
                Err(_) => {}
            }
        }
        best.map_or(Ok(()), Err)
    }

    /// Goes on until the end of the log. Other possibilities are left in `todo`.
    fn advance(&self, mut s: State<'p>, todo: &mut Vec<State<'p>>) -> Result<(), Reject> {
        loop {
            if s.ready.is_empty() {
                let over = s.ending && s.scopes[ROOT].grace_end.is_some_and(|end| s.now >= end);
                if !over && let Some(at) = s.timers.iter().map(|t| t.at).min() {
                    s.now = s.now.max(at);
                    let mut all = fire_all(s);
                    let Some(first) = all.pop() else { return Ok(()) };
                    s = first;
                    todo.extend(all);
                    continue;
                }
                if !over && s.deadlock() {
                    continue;
                }
                // Over.
                return match self.log.get(s.at) {
                    None => Ok(()),
                    Some(line) => Err(Reject { at: s.at, message: format!("nobody can do this: {line}") }),
                };
            }
            let line = self.log.get(s.at).copied().unwrap_or("the end of the log");
            let task = self.task_of(line);
            let front = s.ready[0];
            let candidates = s
                .ready
                .iter()
                .take_while(|r| s.shaken || r.task == front.task || front.spread != 0 && r.spread == front.spread);
            // Some go on without a word.
            let mut options: Vec<Ready> =
                candidates.filter(|r| Some(r.task) == task || self.may_be_silent(&s, r.task)).copied().collect();
            options.sort_by_key(|r| Some(r.task) == task);
            let Some(ready) = options.pop() else {
                let ready: Vec<String> = s.ready.iter().map(|r| format!("t{}", r.task)).collect();
                let message = format!("{line}: it is the turn of {} (ready: {})", ready[0], ready.join(", "));
                return Err(Reject { at: s.at, message });
            };
            for other in options {
                let mut copy = s.clone();
                copy.ready.retain(|r| *r != other);
                if self.resume(&mut copy, other.task).is_ok() {
                    todo.push(copy);
                }
            }
            s.ready.retain(|r| *r != ready);
            self.resume(&mut s, ready.task)?;
        }
    }

    fn may_be_silent(&self, s: &State<'p>, t: Index) -> bool {
        let wait = match s.tasks[t].frames.last() {
            Some(Frame::Op(_, op)) => matches!(op, Op::WaitCondition(..)),
            Some(Frame::Broadcast { .. }) => true,
            _ => false,
        };
        t >= self.program.tasks || wait
    }

    fn task_of(&self, line: &str) -> Option<Index> {
        let mut words = line.split(' ');
        let (what, number) = (words.next()?, words.next()?.parse().ok()?);
        match what {
            "s" | "d" | "z" => Some(number),
            "left" | "end" => Some(0),
            _ => self.owners.get(&number).copied(),
        }
    }

    fn emit(&self, s: &mut State<'p>, what: &str, number: usize, text: &str) -> Result<(), Reject> {
        let text = if text.is_empty() { String::new() } else { format!(" {text}") };
        let line = format!("{what} {number}{text} {}", s.now);
        match self.log.get(s.at) {
            Some(actual) if *actual == line => {
                s.at += 1;
                Ok(())
            }
            Some(actual) => Err(Reject { at: s.at, message: format!("expected `{line}`, got `{actual}`") }),
            None => Err(Reject { at: s.at, message: format!("expected `{line}`, got the end") }),
        }
    }

    /// One of several texts.
    fn emit_any(&self, s: &mut State<'p>, what: &str, number: usize, texts: &[String]) -> Result<(), Reject> {
        let mut last = self.emit(s, what, number, &texts[0]);
        for text in &texts[1..] {
            if last.is_err() {
                last = self.emit(s, what, number, text);
            }
        }
        last
    }

    /// What the next line says behind its number.
    fn coming(&self, s: &State<'p>, skip: usize) -> String {
        let line = self.log.get(s.at + skip).copied().unwrap_or_default();
        let words: Vec<&str> = line.split(' ').collect();
        if words.len() < 4 { String::new() } else { words[2..words.len() - 1].join(" ") }
    }

    /// A task runs until it waits or ends.
    fn resume(&self, s: &mut State<'p>, t: Index) -> Result<(), Reject> {
        if t >= self.program.tasks {
            let outcome = s.tasks[t].woken.take().unwrap_or(Ok(Vec::new()));
            s.resume_silent(t, outcome);
            return Ok(());
        }
        let started = s.tasks[t].status == Status::New;
        s.tasks[t].status = Status::Running;
        if started {
            if t != 0 {
                self.emit(s, "s", t, "")?;
            }
            let body = s.tasks[t].body;
            s.tasks[t].frames.push(Frame::Block { stmts: body, at: 0 });
        } else {
            let outcome = s.tasks[t].woken.take().unwrap_or(Ok(Vec::new()));
            match s.tasks[t].frames.pop() {
                Some(Frame::Op(stmt, Op::WaitCondition(..))) => self.relock(s, t, stmt, outcome)?,
                Some(Frame::Op(stmt, _)) => self.op_ended(s, t, stmt, outcome)?,
                Some(Frame::Relock { stmt, outcome: before }) => {
                    self.op_ended(s, t, stmt, outcome.and(before))?;
                }
                Some(Frame::Broadcast { stmt, value, rest }) => match outcome {
                    Err(ex) if ex.text != CLOSED => self.op_ended(s, t, stmt, Err(ex))?,
                    _ => self.broadcast(s, t, stmt, value, rest)?,
                },
                Some(Frame::Each { stmt, left }) => self.each(s, t, stmt, left, outcome)?,
                Some(Frame::Scope { stmt, scope }) => self.scope_ended(s, t, stmt, scope, one(outcome))?,
                other => unreachable!("{other:?} cannot be resumed"),
            }
        }
        self.run(s, t)
    }

    fn run(&self, s: &mut State<'p>, t: Index) -> Result<(), Reject> {
        while s.tasks[t].status == Status::Running {
            match s.tasks[t].frames.last_mut() {
                None => {
                    self.task_over(s, t)?;
                }
                Some(Frame::Block { stmts, at }) => {
                    let stmts: &'p [Stmt] = stmts;
                    if let Some(stmt) = stmts.get(*at) {
                        *at += 1;
                        self.statement(s, t, stmt)?;
                    } else {
                        s.tasks[t].frames.pop();
                        self.block_over(s, t)?;
                    }
                }
                Some(_) => self.block_over(s, t)?,
            }
        }
        Ok(())
    }

    /// What stood around a block that has ended normally.
    fn block_over(&self, s: &mut State<'p>, t: Index) -> Result<(), Reject> {
        match s.tasks[t].frames.last_mut() {
            Some(Frame::Repeat { stmt, left }) => {
                let Kind::Repeat { body, .. } = &stmt.kind else { return Ok(()) };
                if *left > 1 {
                    *left -= 1;
                    s.tasks[t].frames.push(Frame::Block { stmts: body, at: 0 });
                } else {
                    s.tasks[t].frames.pop();
                }
            }
            Some(&mut Frame::Each { stmt, left }) => {
                s.tasks[t].frames.pop();
                if left > 1 {
                    self.next(s, t, stmt, left - 1)?;
                } else {
                    self.op_ended(s, t, stmt, over())?;
                }
            }
            Some(&mut Frame::Scope { stmt, .. }) => self.leave(s, t, Ok(format!("S{}", stmt.id)))?,
            Some(&mut Frame::Finally { stmt }) => self.cleanup(s, t, stmt, None)?,
            Some(Frame::Cleanup { after }) => {
                let after = after.take();
                s.tasks[t].frames.pop();
                if let Some(ex) = after {
                    self.throw(s, t, ex)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn cleanup(&self, s: &mut State<'p>, t: Index, stmt: &'p Stmt, after: Option<Ex>) -> Result<(), Reject> {
        s.tasks[t].frames.pop();
        self.emit(s, "c", stmt.id, "")?;
        if let Kind::Finally { cleanup, .. } = &stmt.kind {
            s.tasks[t].frames.push(Frame::Cleanup { after });
            s.tasks[t].frames.push(Frame::Block { stmts: cleanup, at: 0 });
        }
        Ok(())
    }

    fn statement(&self, s: &mut State<'p>, t: Index, stmt: &'p Stmt) -> Result<(), Reject> {
        match &stmt.kind {
            Kind::Op(Op::Broadcast(b)) => {
                self.emit(s, "b", stmt.id, "")?;
                s.messages += 1;
                let value = s.messages;
                if s.ended[*b] {
                    let refusal = s.exception(CLOSED);
                    return self.op_ended(s, t, stmt, Err(refusal));
                }
                for channel in &mut s.channels {
                    channel.subscribed = channel.subscribed.filter(|_| !channel.closed);
                }
                let known = (0..s.channels.len()).filter(|&c| s.channels[c].subscribed == Some(*b)).collect();
                self.broadcast(s, t, stmt, value, known)?;
            }
            Kind::Op(op) => {
                self.emit(s, "b", stmt.id, "")?;
                let coming = self.coming(s, 0);
                let step = s.step(t, op, &coming);
                let refused = step.is_err();
                let step = step.unwrap_or_else(|ex| Step::Now(Err(ex)));
                match step {
                    // The mutex was let go if there is an outcome, not an exception.
                    Step::Now(outcome) if !refused && matches!(op, Op::WaitCondition(..)) => {
                        self.relock(s, t, stmt, outcome)?;
                    }
                    Step::Now(outcome) => self.op_ended(s, t, stmt, outcome)?,
                    Step::Parked => s.tasks[t].frames.push(Frame::Op(stmt, op)),
                }
            }
            Kind::Fail => {
                self.emit(s, "f", stmt.id, "")?;
                let ex = s.exception(&format!("boom{}", stmt.id));
                self.throw(s, t, ex)?;
            }
            Kind::Spawn { task, daemon, .. } => s.spawn(*task, t, *daemon),
            Kind::Async { task, body } => {
                s.start_async(*task, t);
                self.emit(s, "s", *task, "")?;
                s.tasks[*task].frames.push(Frame::Block { stmts: body, at: 0 });
                self.run(s, *task)?;
                s.tasks[*task].named = true;
            }
            Kind::Each { most, .. } => {
                self.emit(s, "b", stmt.id, "")?;
                self.next(s, t, stmt, *most)?;
            }
            Kind::Scope(spec) => {
                self.emit(s, "o", stmt.id, "")?;
                let scope = s.open_scope(t, stmt.id, spec);
                s.tasks[t].frames.push(Frame::Scope { stmt, scope });
                s.tasks[t].frames.push(Frame::Block { stmts: &spec.body, at: 0 });
            }
            Kind::Finally { body, .. } => {
                s.tasks[t].frames.push(Frame::Finally { stmt });
                s.tasks[t].frames.push(Frame::Block { stmts: body, at: 0 });
            }
            Kind::Repeat { times, body } => {
                if *times > 0 {
                    s.tasks[t].frames.push(Frame::Repeat { stmt, left: *times });
                    s.tasks[t].frames.push(Frame::Block { stmts: body, at: 0 });
                }
            }
        }
        Ok(())
    }

    /// An operation answers or throws; only the task's own cancellation goes on.
    fn op_ended(&self, s: &mut State<'p>, t: Index, stmt: &'p Stmt, outcome: Outcome) -> Result<(), Reject> {
        match &outcome {
            Ok(texts) => self.emit_any(s, "e", stmt.id, texts)?,
            Err(ex) if ex.silent => {}
            Err(ex) => self.emit(s, "e", stmt.id, &ex.text)?,
        }
        if s.in_cleanup(t) {
            self.emit(s, "q", stmt.id, "")?;
        }
        match outcome {
            Err(ex) if ex.own => self.throw(s, t, ex),
            _ => Ok(()),
        }
    }

    /// A loop over a channel wants a value.
    fn next(&self, s: &mut State<'p>, t: Index, stmt: &'p Stmt, left: usize) -> Result<(), Reject> {
        let Kind::Each { channel, .. } = &stmt.kind else { return Ok(()) };
        match s.next(t, *channel) {
            Ok(Step::Parked) => {
                s.tasks[t].frames.push(Frame::Each { stmt, left });
                Ok(())
            }
            Ok(Step::Now(outcome)) => self.each(s, t, stmt, left, outcome),
            Err(ex) => self.op_ended(s, t, stmt, Err(ex)),
        }
    }

    /// It has got one, or is at the end.
    fn each(&self, s: &mut State<'p>, t: Index, stmt: &'p Stmt, left: usize, outcome: Outcome) -> Result<(), Reject> {
        let Kind::Each { body, .. } = &stmt.kind else { return Ok(()) };
        match outcome {
            Ok(texts) if texts != ["over"] => {
                self.emit(s, "v", stmt.id, &texts[0])?;
                s.tasks[t].frames.push(Frame::Each { stmt, left });
                s.tasks[t].frames.push(Frame::Block { stmts: body, at: 0 });
                Ok(())
            }
            outcome => self.op_ended(s, t, stmt, outcome),
        }
    }

    /// The value goes to one subscriber after the other.
    fn broadcast(
        &self,
        s: &mut State<'p>,
        t: Index,
        stmt: &'p Stmt,
        value: u64,
        mut rest: Vec<Index>,
    ) -> Result<(), Reject> {
        while !rest.is_empty() {
            let c = rest.remove(0);
            match s.send(t, c, How::Plain(None), value) {
                Ok(Step::Parked) => {
                    s.tasks[t].frames.push(Frame::Broadcast { stmt, value, rest });
                    return Ok(());
                }
                Ok(Step::Now(Err(ex))) | Err(ex) if ex.text != CLOSED => return self.op_ended(s, t, stmt, Err(ex)),
                _ => {}
            }
        }
        self.op_ended(s, t, stmt, Ok(vec!["nil".to_owned()]))
    }

    fn relock(&self, s: &mut State<'p>, t: Index, stmt: &'p Stmt, outcome: Outcome) -> Result<(), Reject> {
        match s.relock(t, outcome.clone()) {
            Some(outcome) => self.op_ended(s, t, stmt, outcome),
            None => {
                s.tasks[t].frames.push(Frame::Relock { stmt, outcome });
                Ok(())
            }
        }
    }

    /// The body of the innermost scope has ended.
    fn leave(&self, s: &mut State<'p>, t: Index, result: Result<String, Ex>) -> Result<(), Reject> {
        let Some(&Frame::Scope { stmt, scope }) = s.tasks[t].frames.last() else { return Ok(()) };
        match s.leave_scope(t, scope, result) {
            None => {
                s.park_for_children(t, scope);
                Ok(())
            }
            Some(result) => {
                s.tasks[t].frames.pop();
                self.scope_ended(s, t, stmt, scope, result)
            }
        }
    }

    fn scope_ended(
        &self,
        s: &mut State<'p>,
        t: Index,
        stmt: &'p Stmt,
        _scope: usize,
        result: Result<String, Ex>,
    ) -> Result<(), Reject> {
        let Kind::Scope(spec) = &stmt.kind else { return Ok(()) };
        match result {
            Ok(text) => self.emit(s, "x", stmt.id, &text),
            Err(ex) if ex.text == timeout_of(stmt.id) => match spec.form {
                Form::Timeout { other: true } => self.emit(s, "x", stmt.id, "else"),
                _ => {
                    let ex = Ex { text: "TimeoutException".to_owned(), ..ex };
                    self.emit(s, "x", stmt.id, &ex.text)?;
                    if spec.rethrow { self.throw(s, t, ex) } else { Ok(()) }
                }
            },
            Err(ex) => {
                if !ex.silent {
                    self.emit(s, "x", stmt.id, &ex.text)?;
                }
                if ex.own || spec.rethrow { self.throw(s, t, ex) } else { Ok(()) }
            }
        }
    }

    /// Unwinds to the innermost frame that has something to do.
    fn throw(&self, s: &mut State<'p>, t: Index, ex: Ex) -> Result<(), Reject> {
        loop {
            match s.tasks[t].frames.last() {
                Some(Frame::Scope { .. }) => return self.leave(s, t, Err(ex)),
                Some(&Frame::Finally { stmt }) => return self.cleanup(s, t, stmt, Some(ex)),
                Some(&Frame::Each { stmt, .. }) => {
                    s.tasks[t].frames.pop();
                    return self.op_ended(s, t, stmt, Err(ex));
                }
                Some(_) => {
                    s.tasks[t].frames.pop();
                }
                None => {
                    if !ex.silent {
                        self.emit(s, "d", t, &ex.text)?;
                    }
                    if t != 0 {
                        self.emit(s, "z", t, "")?;
                    }
                    s.task_ended(t, Err(ex));
                    return Ok(());
                }
            }
        }
    }

    fn task_over(&self, s: &mut State<'p>, t: Index) -> Result<(), Reject> {
        self.emit(s, "d", t, "ok")?;
        if t == 0 {
            for c in 0..s.channels.len() {
                for _ in 0..s.channels[c].buffer.len() {
                    if let Taken::Value(v) = s.take(c) {
                        self.emit(s, "left", c, &v.to_string())?;
                    }
                }
            }
            self.emit(s, "end", 0, "")?;
        }
        if t != 0 {
            self.emit(s, "z", t, "")?;
        }
        s.task_ended(t, Ok(format!("T{t}")));
        Ok(())
    }
}

/// The text of a scope's own timeout, before the form has looked at it.
pub fn timeout_of(stmt: usize) -> String {
    format!("timeout of {stmt}")
}

/// What a class of exceptions is called that a broadcast does not mind.
const CLOSED: &str = "ChannelClosedException";

/// The end of a loop.
fn over() -> Outcome {
    Ok(vec!["over".to_owned()])
}

fn one(outcome: Outcome) -> Result<String, Ex> {
    outcome.map(|mut texts| texts.pop().unwrap_or_default())
}

/// All that is due at this instant fires before anybody runs; without a seed in order of creation. Time limits come behind all
/// that ends at the same instant, and behind what follows from that.
fn fire_all(s: State<'_>) -> Vec<State<'_>> {
    let limits = !s.timers.iter().any(|t| t.at <= s.now && !t.bound);
    let mut todo = vec![s];
    let mut done: Vec<State<'_>> = Vec::new();
    while let Some(s) = todo.pop() {
        if todo.len() + done.len() > MOST_STATES {
            // More than are looked into: whoever asked gives up.
            done.append(&mut todo);
            done.push(s);
            break;
        }
        let due = s.timers.iter().filter(|t| t.at <= s.now);
        let mut due: Vec<(bool, u64)> = due.map(|t| (t.bound, t.number)).collect();
        due.sort_unstable();
        let first = due.first().is_some_and(|d| d.0);
        due.retain(|d| d.0 == first);
        if due.is_empty() || first && !limits {
            let mut s = s;
            if s.shaken {
                s.ready.sort_unstable();
            }
            if !done.contains(&s) {
                done.push(s);
            }
            continue;
        }
        if !s.shaken {
            due.truncate(1);
        }
        for (_, number) in due {
            let mut s = s.clone();
            fire(&mut s, number);
            if !todo.contains(&s) {
                todo.push(s);
            }
        }
    }
    done
}

fn fire(s: &mut State<'_>, number: u64) {
    let Some(i) = s.timers.iter().position(|t| t.number == number) else { return };
    match s.timers.remove(i).due {
        Due::Wait(t) => {
            if let Some(expired) = s.tasks[t].wait.as_mut().and_then(|w| w.expired.take()) {
                s.wake(t, expired);
            }
        }
        Due::Deadline(k) => s.cancel_scope(k, super::state::Cause::Timeout),
        Due::Grace(k) => s.grace_ended(k),
        Due::GraceOf(t) => s.cut(t),
        Due::Future(f) => s.settle_future(f, Ok("nil".to_owned())),
        Due::Fail(t) => s.fail_awaited(t),
    }
}
