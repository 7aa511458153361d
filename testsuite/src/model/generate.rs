//! Makes programs by chance. They need not make sense: what they do is up to the reference model. But tasks share few objects, so
//! that they meet, and times are few and small, so that they fall on the same instants.

use super::program::{Arm, ChannelSpec, Form, How, Kind, OnFull, Op, Otherwise, Policy, Program, ScopeSpec, Stmt};
use crate::mutate::Rng;

/// Statements of a program, about.
const MOST: usize = 60;

/// How deep scopes stand in each other.
const DEEPEST: usize = 4;

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
    g.program
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
        self.flavour = self.below(8);
        self.tasks = 2 + self.below(7);
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
            self.program.channels.push(ChannelSpec { capacity, on_full });
        }
        self.program.mutexes = 1 + self.below(2);
        self.program.semaphores = vec![1 + self.below(3)];
        self.program.rwlocks = 1;
        self.program.barriers = vec![1 + self.below(3)];
        self.program.futures = 1 + self.below(2);
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
        if self.program.tasks > self.tasks {
            return None;
        }
        let task = self.program.tasks;
        self.program.tasks += 1;
        let id = self.id();
        let body = self.block(depth + 1, 2, false);
        Some(Stmt { id, kind: Kind::Spawn { task, body } })
    }

    fn stmt(&mut self, depth: usize, spawns: bool) -> Stmt {
        self.size += 1;
        let id = self.id();
        let kind = match self.below(20) {
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
        let kind = if self.one_in(2) { self.below(8) } else { self.flavour };
        match kind {
            0..=2 => self.channel_op(),
            3 => self.select(),
            4 | 5 => self.lock_op(),
            6 => self.task_op(),
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
            .map(|_| match self.below(8) {
                0 => Arm::Task(self.task()),
                1 => Arm::Future(self.future()),
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
        match self.below(12) {
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
            _ => Op::AwaitFuture(future),
        }
    }
}
