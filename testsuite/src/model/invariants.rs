//! What holds of every log, whatever the model says: messages arrive once and in order, locks exclude, scopes end after their tasks.
//!
//! This is a second opinion, so it shares nothing with the model but the programs.

use std::collections::{HashMap, HashSet};

use super::program::{Arm, How, Index, Kind, OnFull, Op, Program, Stmt};

struct Line<'a> {
    what: &'a str,
    number: usize,
    text: String,
}

/// A message that was offered.
struct Sent {
    task: Index,
    /// How the send ended, once it has.
    accepted: Option<bool>,
}

#[derive(Default)]
struct Ledger {
    /// By number and channel: a broadcast sends one message to several.
    messages: HashMap<(u64, Index), Sent>,
    received: HashSet<(u64, Index)>,
    /// The last message a task got from a task over a channel.
    last: HashMap<(Index, Index, Index), u64>,
    /// Who holds each mutex.
    mutexes: HashMap<Index, Index>,
    /// Who waits for a condition, and has its mutex behind that.
    conditions: HashSet<Index>,
    /// Permits whose owners have said so, without those given back.
    taken: HashMap<Index, i64>,
    writers: HashMap<Index, Index>,
    readers: HashMap<Index, Vec<Index>>,
    running: HashSet<Index>,
    /// Some task may have been detached.
    detached: bool,
    count: u64,
}

/// # Errors
///
/// What does not hold.
pub fn check(program: &Program, log: &str) -> Result<(), String> {
    let mut stmts = HashMap::new();
    index(&program.body, 0, &mut stmts);
    let mut ledger = Ledger::default();
    // The messages of the operations that are under way.
    let mut under_way: HashMap<usize, Vec<(u64, Index)>> = HashMap::new();
    for line in log.lines().filter_map(parse) {
        match line.what {
            "b" => {
                if let Some((Kind::Op(Op::Detach(_)), _)) = stmts.get(&line.number) {
                    ledger.detached = true;
                }
                let Some((Kind::Op(op), task)) = stmts.get(&line.number) else { continue };
                under_way.insert(line.number, ledger.begin(program, op, *task));
            }
            "e" => {
                let Some((Kind::Op(op), task)) = stmts.get(&line.number) else { continue };
                let messages = under_way.remove(&line.number).unwrap_or_default();
                ledger.end(program, op, *task, &line.text, &messages)?;
            }
            "v" => {
                let Some((Kind::Each { channel, .. }, task)) = stmts.get(&line.number) else { continue };
                ledger.receive(*channel, *task, line.text.parse().unwrap_or_default())?;
            }
            "left" => {
                let value = line.text.parse().unwrap_or_default();
                ledger.receive(line.number, 0, value)?;
            }
            "s" => {
                ledger.running.insert(line.number);
            }
            "z" => {
                ledger.running.remove(&line.number);
                ledger.task_over(line.number);
            }
            "x" => {
                let Some((Kind::Scope(scope), _)) = stmts.get(&line.number) else { continue };
                let mut inside = HashSet::new();
                tasks(&scope.body, &mut inside);
                // A detached task takes along what was started in it.
                if let Some(t) = ledger.running.intersection(&inside).next().filter(|_| !ledger.detached) {
                    return Err(format!("scope {} ended while t{t}, which was started in it, ran", line.number));
                }
            }
            _ => {}
        }
    }
    // The buffers were emptied at the end, unless somebody went on behind it.
    if !ledger.detached && log.lines().any(|l| l.starts_with("end ")) {
        ledger.nothing_lost(program)?;
    }
    Ok(())
}

fn parse(line: &str) -> Option<Line<'_>> {
    let (what, rest) = line.split_once(' ')?;
    let (number, rest) = rest.split_once(' ')?;
    let text = rest.rsplit_once(' ').map_or("", |r| r.0);
    Some(Line { what, number: number.parse().ok()?, text: text.to_owned() })
}

fn index<'p>(block: &'p [Stmt], task: Index, out: &mut HashMap<usize, (&'p Kind, Index)>) {
    for stmt in block {
        out.insert(stmt.id, (&stmt.kind, task));
        let task = if let Kind::Spawn { task, .. } | Kind::Async { task, .. } = stmt.kind { task } else { task };
        for inner in stmt.kind.blocks() {
            index(inner, task, out);
        }
    }
}

/// The tasks started in a block, apart from those inside scopes of its own tasks: these have scopes that end before.
fn tasks(block: &[Stmt], out: &mut HashSet<Index>) {
    for stmt in block {
        if let Kind::Spawn { task, .. } | Kind::Async { task, .. } = stmt.kind {
            out.insert(task);
        }
        for inner in stmt.kind.blocks() {
            tasks(inner, out);
        }
    }
}

/// The message in a text such as `12`, `(Result/Ok 12)` or `arm1:12:true`.
fn message(text: &str) -> Option<u64> {
    let text = text.strip_prefix("(Result/Ok ").and_then(|t| t.strip_suffix(')')).unwrap_or(text);
    let text = match text.strip_prefix("arm") {
        Some(rest) => rest.split(':').nth(1)?,
        None => text,
    };
    text.parse().ok()
}

fn chosen_arm(text: &str) -> Option<usize> {
    text.strip_prefix("arm")?.split(':').next()?.parse().ok()
}

impl Ledger {
    /// An operation is about to begin: the messages it offers.
    fn begin(&mut self, program: &Program, op: &Op, task: Index) -> Vec<(u64, Index)> {
        let channels: Vec<Index> = match op {
            Op::Send(c, _) => vec![*c],
            Op::Select { arms, .. } => {
                arms.iter().filter_map(|a| if let Arm::Send(c) = a { Some(*c) } else { None }).collect()
            }
            // What it held is free from here on.
            Op::Unlock(m) if self.mutexes.get(m) == Some(&task) => {
                self.mutexes.remove(m);
                vec![]
            }
            Op::WaitCondition(..) if self.mutexes.get(&0) == Some(&task) => {
                self.mutexes.remove(&0);
                self.conditions.insert(task);
                vec![]
            }
            Op::ReleaseRw(l) => {
                if self.writers.get(l) == Some(&task) {
                    self.writers.remove(l);
                } else if let Some(readers) = self.readers.get_mut(l)
                    && let Some(i) = readers.iter().position(|r| *r == task)
                {
                    readers.remove(i);
                }
                vec![]
            }
            _ => vec![],
        };
        if let Op::Broadcast(b) = op {
            self.count += 1;
            for channel in program.subscriptions(*b) {
                self.messages.insert((self.count, channel), Sent { task, accepted: None });
            }
        }
        channels
            .into_iter()
            .map(|channel| {
                self.count += 1;
                self.messages.insert((self.count, channel), Sent { task, accepted: None });
                (self.count, channel)
            })
            .collect()
    }

    fn end(
        &mut self,
        program: &Program,
        op: &Op,
        task: Index,
        text: &str,
        messages: &[(u64, Index)],
    ) -> Result<(), String> {
        let exclusive = |what: &str, other: Index| Err(format!("t{task} got {what}, which t{other} holds"));
        match op {
            Op::Send(_, _) => self.accept(messages[0], matches!(text, "nil" | "true" | "(Result/Ok nil)"))?,
            Op::Select { arms, .. } => {
                let arm = chosen_arm(text);
                let mut sends = messages.iter();
                for (i, a) in arms.iter().enumerate() {
                    if let Arm::Send(_) = a
                        && let Some(&m) = sends.next()
                    {
                        self.accept(m, arm == Some(i))?;
                    }
                }
                if let Some(Arm::Recv(c)) = arm.and_then(|i| arms.get(i))
                    && let Some(m) = message(text)
                {
                    self.receive(*c, task, m)?;
                }
            }
            Op::Recv(c, _) => {
                if let Some(m) = message(text) {
                    self.receive(*c, task, m)?;
                }
            }
            Op::Lock(m, _) if matches!(text, "nil" | "true") => {
                if let Some(other) = self.mutexes.insert(*m, task) {
                    return exclusive("a mutex", other);
                }
            }
            // Whatever the wait came to, it has the mutex again.
            Op::WaitCondition(..) if self.conditions.remove(&task) => {
                if !matches!(text, "BrokenException" | "DeadlockException")
                    && let Some(other) = self.mutexes.insert(0, task)
                {
                    return exclusive("the mutex of a condition", other);
                }
            }
            Op::Acquire { semaphore, permits, how } => {
                let got = text == if *how == How::Try { "true" } else { "nil" };
                let taken = self.taken.entry(*semaphore).or_default();
                *taken += if got { *permits as i64 } else { 0 };
                if *taken > program.semaphores[*semaphore] as i64 {
                    return Err(format!("{taken} permits of semaphore {semaphore} are out"));
                }
            }
            Op::Release { semaphore, permits } if text == "nil" => {
                *self.taken.entry(*semaphore).or_default() -= *permits as i64;
            }
            Op::Read(l, _) | Op::Write(l, _) if matches!(text, "nil" | "true") => {
                let writes = matches!(op, Op::Write(..));
                if let Some(other) = self.writers.get(l) {
                    return exclusive("a RwLock", *other);
                }
                let readers = self.readers.entry(*l).or_default();
                if writes {
                    if let Some(other) = readers.first() {
                        return exclusive("a RwLock to write", *other);
                    }
                    self.writers.insert(*l, task);
                } else {
                    readers.push(task);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// What a task held at its end is nobody's any more.
    fn task_over(&mut self, task: Index) {
        self.mutexes.retain(|_, t| *t != task);
        self.writers.retain(|_, t| *t != task);
        self.readers.values_mut().for_each(|r| r.retain(|t| *t != task));
    }

    fn accept(&mut self, message: (u64, Index), accepted: bool) -> Result<(), String> {
        if let Some(sent) = self.messages.get_mut(&message) {
            sent.accepted = Some(accepted);
        }
        if !accepted && self.received.contains(&message) {
            return Err(format!("message {} was received, but its send had no effect", message.0));
        }
        Ok(())
    }

    fn receive(&mut self, channel: Index, task: Index, message: u64) -> Result<(), String> {
        let Some(sent) = self.messages.get(&(message, channel)) else {
            return Err(format!("message {message} was received from ch{channel}, but nobody sent it there"));
        };
        if sent.accepted == Some(false) {
            return Err(format!("message {message} was received, but its send had no effect"));
        }
        if !self.received.insert((message, channel)) {
            return Err(format!("message {message} was received twice"));
        }
        let last = self.last.entry((sent.task, task, channel)).or_default();
        if *last > message {
            return Err(format!("t{task} got message {message} of t{} behind {last}", sent.task));
        }
        *last = message;
        Ok(())
    }

    /// Every message that was taken has come out, unless a policy may have dropped it.
    fn nothing_lost(&self, program: &Program) -> Result<(), String> {
        for (message, sent) in &self.messages {
            let policy = program.channels[message.1].on_full;
            let may_go = matches!(policy, OnFull::DropOldest | OnFull::DropNewest);
            if sent.accepted == Some(true) && !may_go && !self.received.contains(message) {
                return Err(format!("message {} on ch{} is lost", message.0, message.1));
            }
        }
        Ok(())
    }
}
