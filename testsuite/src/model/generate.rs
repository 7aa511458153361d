//! Makes programs by chance. They need not make sense: what they do is up to the reference model. But tasks share few objects, so
//! that they meet, and times are few and small, so that they fall on the same instants.

use super::program::{
    Arm, ChannelSpec, Combinator, Combine, Form, How, Item, Kind, OnFull, Op, Otherwise, Policy, Program, ScopeSpec,
    Source, Stmt,
};
use crate::mutate::Rng;

/// Statements of a program, about.
const MOST: usize = 60;

/// How deep scopes stand in each other.
const DEEPEST: usize = 4;

/// Kinds of operations.
const KINDS: usize = 11;

pub fn program(seed: u64) -> Program {
    let mut g = Generator { rng: Rng::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5eed), ..Generator::default() };
    g.objects();
    g.program.tasks = 1;
    let body = g.block(0, 2, true);
    let mut spec = g.scope_spec(Form::Concurrent, body);
    // The main task ends in any case.
    spec.rethrow = false;
    let id = g.id();
    // The scope the tasks are in gets its number last, and its body is known by then.
    g.program.body = vec![Stmt { id, kind: Kind::Scope(spec) }];
    // Daemons of the root end with the program, which nothing in a log tells; only what is detached could become one.
    if g.one_in(3) && !detaches(&g.program.body) {
        g.daemons();
    }
    g.program
}

fn detaches(block: &[Stmt]) -> bool {
    block.iter().any(|s| matches!(s.kind, Kind::Op(Op::Detach(_))) || s.kind.blocks().into_iter().any(|b| detaches(b)))
}

fn spawns<'b>(block: &'b mut [Stmt], out: &mut Vec<&'b mut bool>) {
    for s in block {
        match &mut s.kind {
            Kind::Spawn { daemon, body, .. } => {
                out.push(daemon);
                spawns(body, out);
            }
            kind => kind.blocks_mut().into_iter().for_each(|b| spawns(b, out)),
        }
    }
}

#[derive(Default)]
struct Generator {
    rng: Rng,
    program: Program,
    count: usize,
    size: usize,
    /// Numbers of the scopes around.
    scopes: Vec<usize>,
    /// Which kinds of operations this program has.
    flavour: usize,
    /// The most tasks.
    tasks: usize,
}

impl Generator {
    fn below(&mut self, n: usize) -> usize {
        self.rng.below(n)
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn id(&mut self) -> usize {
        self.count += 1;
        self.count
    }

    fn time(&mut self) -> u64 {
        [0, 1, 1, 2, 2, 3, 5, 10][self.below(8)]
    }

    fn objects(&mut self) {
        self.flavour = self.below(KINDS);
        self.tasks = 2 + self.below(8);
        for _ in 0..1 + self.below(3) {
            let capacity = match self.below(6) {
                5 => None,
                4 => Some(0),
                n => Some(n),
            };
            let on_full = match self.below(8) {
                0 if capacity != Some(0) => OnFull::DropOldest,
                1 => OnFull::DropNewest,
                2 => OnFull::Error,
                _ => OnFull::Block,
            };
            self.program.channels.push(ChannelSpec { source: Source::Channel, capacity, on_full });
        }
        if self.one_in(4) {
            self.program.channels.push(ChannelSpec {
                source: Source::Oneshot,
                capacity: Some(1),
                on_full: OnFull::Block,
            });
        }
        if self.one_in(3) {
            self.program.broadcasts = 1;
            let capacity = Some(1 + self.below(2));
            let on_full = [OnFull::Block, OnFull::Error, OnFull::DropNewest, OnFull::DropOldest][self.below(4)];
            for _ in 0..1 + self.below(2) {
                self.program.channels.push(ChannelSpec { source: Source::Subscription(0), capacity, on_full });
            }
        }
        self.program.events = 1;
        self.program.latches = vec![1 + self.below(3)];
        self.program.limiters = vec![1 + self.below(2)];
        self.program.conditions = 1;
        self.program.watches = 1;
        self.program.mutexes = 1 + self.below(2);
        self.program.semaphores = vec![1 + self.below(3)];
        self.program.rwlocks = 1;
        self.program.barriers = vec![1 + self.below(3)];
        self.program.futures = 1 + self.below(2);
    }

    /// Some of the tasks become daemons.
    fn daemons(&mut self) {
        let mut body = std::mem::take(&mut self.program.body);
        let mut all = Vec::new();
        spawns(&mut body, &mut all);
        for daemon in all {
            *daemon = self.one_in(3);
        }
        self.program.body = body;
    }

    /// `spawns`: tasks may be started here.
    fn block(&mut self, depth: usize, least: usize, spawns: bool) -> Vec<Stmt> {
        let mut block = Vec::new();
        if spawns {
            let more = if depth == 0 { 2 + self.below(self.tasks) } else { self.below(3) };
            for _ in 0..more {
                block.extend(self.spawn(depth));
            }
        }
        for _ in 0..least + self.below(4) {
            if self.size > MOST {
                break;
            }
            let stmt = self.stmt(depth, spawns);
            block.push(stmt);
        }
        block
    }

    fn spawn(&mut self, depth: usize) -> Option<Stmt> {
        self.start(depth, |task, body| Kind::Spawn { task, daemon: false, body })
    }

    fn start(&mut self, depth: usize, kind: impl FnOnce(usize, Vec<Stmt>) -> Kind) -> Option<Stmt> {
        if self.program.tasks > self.tasks {
            return None;
        }
        let task = self.program.tasks;
        self.program.tasks += 1;
        let id = self.id();
        let body = self.block(depth + 1, 2, false);
        Some(Stmt { id, kind: kind(task, body) })
    }

    fn stmt(&mut self, depth: usize, spawns: bool) -> Stmt {
        self.size += 1;
        let id = self.id();
        let kind = match self.below(22) {
            0 | 1 if depth < DEEPEST => {
                let form = match self.below(5) {
                    0 => Form::Timeout { other: true },
                    1 => Form::Timeout { other: false },
                    2 => Form::Shield,
                    _ => Form::Concurrent,
                };
                // Only these have a name to be cancelled by.
                let named = form == Form::Concurrent;
                if named {
                    self.scopes.push(id);
                }
                let body = self.block(depth + 1, 1, true);
                if named {
                    self.scopes.pop();
                }
                Kind::Scope(self.scope_spec(form, body))
            }
            2 if depth < DEEPEST => {
                let body = self.block(depth + 1, 1, false);
                let cleanup = self.block(depth + 2, 1, false);
                Kind::Finally { body, cleanup }
            }
            3 if depth < DEEPEST => Kind::Repeat { times: 2 + self.below(3), body: self.operations() },
            4 if self.one_in(3) => Kind::Fail,
            5 if spawns => match self.spawn(depth) {
                Some(stmt) => return stmt,
                None => Kind::Op(self.op()),
            },
            6 | 7 if depth < DEEPEST => match self.start(depth, |task, body| Kind::Async { task, body }) {
                Some(stmt) => return stmt,
                None => Kind::Op(self.op()),
            },
            8 => {
                let body = if self.one_in(2) { Vec::new() } else { self.operations() };
                Kind::Each { channel: self.channel(), most: 1 + self.below(4), body }
            }
            _ => Kind::Op(self.op()),
        };
        Stmt { id, kind }
    }

    fn operations(&mut self) -> Vec<Stmt> {
        (0..1 + self.below(3))
            .map(|_| {
                self.size += 2;
                Stmt { id: self.id(), kind: Kind::Op(self.op()) }
            })
            .collect()
    }

    fn scope_spec(&mut self, form: Form, body: Vec<Stmt>) -> ScopeSpec {
        let plain = form == Form::Concurrent;
        let timeout = match form {
            Form::Timeout { .. } => Some(self.time()),
            _ if self.one_in(4) => Some(self.time()),
            _ => None,
        };
        ScopeSpec {
            form,
            policy: match self.below(5) {
                0 if plain => Policy::Collect,
                1 if plain => Policy::Supervise,
                _ => Policy::Cancel,
            },
            timeout,
            limit: if plain && self.one_in(4) { 1 + self.below(2) } else { 0 },
            grace: if self.one_in(4) { Some(self.time()) } else { None },
            rethrow: self.one_in(2),
            body,
        }
    }

    fn how(&mut self) -> How {
        match self.below(8) {
            0 => How::Try,
            1 => How::Within(self.time()),
            2 => How::Result(None),
            3 => How::Result(Some(self.time())),
            4 => How::Plain(Some(self.time())),
            _ => How::Plain(None),
        }
    }

    /// For locks without `_result` and `_timeout`.
    fn held(&mut self) -> How {
        match self.below(5) {
            0 => How::Try,
            1 => How::Plain(Some(self.time())),
            _ => How::Plain(None),
        }
    }

    fn op(&mut self) -> Op {
        // Half of the operations are of the program's flavour.
        let kind = if self.one_in(2) { self.below(KINDS) } else { self.flavour };
        match kind {
            0..=2 => self.channel_op(),
            3 => self.select(),
            4 | 5 => self.lock_op(),
            6 => self.task_op(),
            8 => self.signal(),
            9 => self.group_op(),
            10 => self.combine(),
            _ => match self.below(6) {
                0 => Op::Yield,
                1 => Op::Checkpoint,
                _ => Op::Sleep(self.time()),
            },
        }
    }

    fn channel(&mut self) -> usize {
        let n = self.program.channels.len();
        self.below(n)
    }

    fn channel_op(&mut self) -> Op {
        let channel = self.channel();
        match self.below(12) {
            0 => Op::Close { channel, error: self.one_in(3) },
            1 => self.select(),
            n if n % 2 == 0 => Op::Send(channel, self.how()),
            _ => Op::Recv(channel, self.how()),
        }
    }

    fn select(&mut self) -> Op {
        let mut arms: Vec<Arm> = (0..1 + self.below(3))
            .map(|_| match self.below(16) {
                0 | 1 => Arm::Task(self.task()),
                2 | 3 => Arm::Future(self.future()),
                4 => Arm::Timer(self.some_time()),
                n if n % 2 == 0 => Arm::Send(self.channel()),
                _ => Arm::Recv(self.channel()),
            })
            .collect();
        // Which value of two on one channel goes, a log does not always tell.
        for i in (0..arms.len()).rev() {
            if matches!(arms[i], Arm::Send(_)) && arms[..i].contains(&arms[i]) {
                arms.remove(i);
            }
        }
        let otherwise = match self.below(5) {
            0 => Otherwise::Else,
            1 | 2 => Otherwise::Timeout(self.time()),
            _ => Otherwise::Wait,
        };
        Op::Select { arms, otherwise, biased: self.one_in(4), skip_closed: self.one_in(4) }
    }

    /// Not at once.
    fn some_time(&mut self) -> u64 {
        self.time().max(1)
    }

    fn limit(&mut self) -> Option<u64> {
        if self.one_in(3) { Some(self.time()) } else { None }
    }

    /// Objects that tasks wait for each other with.
    fn signal(&mut self) -> Op {
        let (event, latch, limiter, condition) = (0, 0, 0, 0);
        match self.below(18) {
            0 => Op::SetEvent(event),
            1 => Op::ClearEvent(event),
            2 | 3 => Op::WaitEvent(event, self.limit()),
            4 | 5 => Op::CountDown(latch, 1 + self.below(2)),
            6 => Op::WaitLatch(latch, self.limit()),
            7 | 8 => Op::TakeToken(limiter, self.held()),
            9 | 10 => Op::ReturnToken(limiter),
            11 => Op::SetTokens(limiter, 1 + self.below(3)),
            12 | 13 => Op::WaitCondition(condition, self.limit()),
            14 | 15 => Op::Notify { condition, all: self.one_in(2) },
            16 => Op::Lock(0, self.held()),
            _ => Op::Unlock(0),
        }
    }

    /// Objects that tell several tasks.
    fn group_op(&mut self) -> Op {
        let (watch, broadcast) = (0, 0);
        match self.below(8) {
            0 => Op::SetWatch(watch, self.count as u64),
            1 => Op::GetWatch(watch),
            2 => Op::WatchChanged(watch, self.limit()),
            3 if self.program.broadcasts > 0 => Op::CloseBroadcast { broadcast, error: self.one_in(3) },
            4 | 5 if self.program.broadcasts > 0 => Op::Broadcast(broadcast),
            _ => self.channel_op(),
        }
    }

    fn combine(&mut self) -> Op {
        let which = [Combinator::All, Combinator::Race, Combinator::Any, Combinator::Settle][self.below(4)];
        let least = if which == Combinator::Race && self.one_in(8) { 0 } else { 1 };
        let items = (0..least + self.below(4) * least)
            .map(|_| match self.below(6) {
                0 | 1 => Item::Task(self.task()),
                2 => Item::Future(self.future()),
                3 => Item::Value,
                _ => Item::Call { time: self.time(), fails: self.one_in(3) },
            })
            .collect();
        let timeout = if self.one_in(4) { Some(self.time()) } else { None };
        let limit = if self.one_in(3) { Some(1 + self.below(3)) } else { None };
        Op::Combine(Combine { which, items, timeout, limit, cancel: !self.one_in(5) })
    }

    fn lock_op(&mut self) -> Op {
        let (mutex, semaphore, lock, barrier) = (self.below(self.program.mutexes), 0, 0, 0);
        let most = self.program.semaphores[0];
        let permits = if self.one_in(20) { most + 1 } else { 1 + self.below(most) };
        match self.below(14) {
            0 | 1 => {
                let how = match self.below(4) {
                    0 => How::Within(self.time()),
                    _ => self.held(),
                };
                Op::Lock(mutex, how)
            }
            2 | 3 => Op::Unlock(mutex),
            4 | 5 => Op::Acquire { semaphore, permits, how: self.held() },
            6 | 7 => Op::Release { semaphore, permits },
            8 => Op::Read(lock, self.held()),
            9 => Op::Write(lock, self.held()),
            10 | 11 => Op::ReleaseRw(lock),
            12 => Op::Barrier(barrier, None),
            _ => Op::Barrier(barrier, Some(self.time())),
        }
    }

    /// Any but the main task, also one that comes later.
    fn task(&mut self) -> usize {
        let n = self.program.tasks.max(2);
        1 + self.below(n - 1)
    }

    fn future(&mut self) -> usize {
        let n = self.program.futures;
        self.below(n)
    }

    fn task_op(&mut self) -> Op {
        let (task, future) = (self.task(), self.future());
        match self.below(19) {
            0 | 1 => Op::Await(task),
            2 => Op::Join(task, None),
            3 => Op::Join(task, Some(self.time())),
            4 | 5 => Op::CancelTask(task),
            6 if !self.scopes.is_empty() => {
                let i = self.below(self.scopes.len());
                Op::CancelScope(self.scopes[i])
            }
            6 | 7 => Op::Complete(future),
            8 => Op::FailFuture(future),
            9 => Op::CancelFuture(future),
            10 | 11 => Op::AwaitWithin(task, self.time()),
            12 => Op::AwaitFutureWithin(future, self.time()),
            13 => Op::AwaitTimer(self.some_time()),
            14 | 15 => Op::Detach(task),
            16 => self.combine(),
            _ => Op::AwaitFuture(future),
        }
    }
}
