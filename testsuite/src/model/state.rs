//! The state of the reference model: plain lists and numbers. Who waits for what is a list of registrations in order of arrival;
//! whoever is woken is taken out of all of them by looking through everything.

use super::combine::Combining;
use super::program::{How, Index, OnFull, Op, Policy, Program, Source, Stmt};

/// An exception, as far as a program can tell.
#[derive(Clone, Debug)]
pub struct Ex {
    /// What the log shows.
    pub text: String,
    /// The task's own cancellation, or the end of its grace: wildcards do not catch it.
    pub own: bool,
    /// The end of the grace: no handler of the program catches it.
    pub silent: bool,
    /// Which object it is.
    pub object: u64,
}

/// States that differ in the numbers of exceptions alone do the same.
impl PartialEq for Ex {
    fn eq(&self, other: &Ex) -> bool {
        (&self.text, self.own) == (&other.text, other.own)
    }
}

/// How a wait ends: any of these texts, or an exception.
pub type Outcome = Result<Vec<String>, Ex>;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// Not spawned yet.
    Unborn,
    /// Spawned; waits for a place in a scope with a limit.
    Queued,
    /// Spawned and not started.
    New,
    Ready,
    Running,
    Parked,
    Done,
}

/// What a parked task waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum On {
    Nothing,
    Sleep,
    Channel,
    Task(Index),
    Future(Index),
    Mutex(Index),
    RwLock(Index),
    Semaphore(Index),
    Barrier(Index),
    Limiter(Index),
    /// A mutex that is taken back behind a Condition; cancellation does not reach this wait.
    Relock(Index),
    /// The children of a scope; cancellation does not reach this wait.
    ScopeExit(usize),
}

#[derive(Clone, PartialEq, Debug)]
pub struct Wait {
    pub on: On,
    /// What happens when its time is over; `None` without a limit.
    pub expired: Option<Outcome>,
    /// Its deadlock was reported.
    pub stuck: bool,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Frame<'p> {
    Block {
        stmts: &'p [Stmt],
        at: usize,
    },
    /// The operation that waits.
    Op(&'p Stmt, &'p Op),
    Scope {
        stmt: &'p Stmt,
        scope: usize,
    },
    Repeat {
        stmt: &'p Stmt,
        left: usize,
    },
    Finally {
        stmt: &'p Stmt,
    },
    Cleanup {
        after: Option<Ex>,
    },
    Each {
        stmt: &'p Stmt,
        left: usize,
    },
    /// The mutex of a Condition is taken back; what the wait came to.
    Relock {
        stmt: &'p Stmt,
        outcome: Outcome,
    },
    /// A broadcast with the channels that have not got the value yet.
    Broadcast {
        stmt: &'p Stmt,
        value: u64,
        rest: Vec<Index>,
    },
    /// The task of a combinator.
    Combine(Box<Combining>),
    /// A function that a combinator calls has slept.
    Slept(Result<String, Ex>),
}

#[derive(Clone, PartialEq, Debug)]
pub struct Task<'p> {
    pub status: Status,
    /// Spawned as the how manyth.
    pub number: u64,
    pub body: &'p [Stmt],
    pub home: usize,
    /// The innermost scope it is in.
    pub scope: usize,
    /// Else it is an `async` body.
    pub spawned: bool,
    pub daemon: bool,
    /// It belongs to the root; nobody may join it.
    pub detached: bool,
    /// The variable has it.
    pub named: bool,
    /// Somebody looks at how it ends.
    pub observed: bool,
    /// Started by a cleanup, on itself.
    pub cleaning: bool,
    /// When its result was there, in the order of all results.
    pub settled: u64,
    /// By `.cancel`, and when its cleanups must be over then.
    pub cancelled: bool,
    pub grace_end: Option<u64>,
    /// It has seen its own cancellation.
    pub told: bool,
    pub joined: bool,
    pub frames: Vec<Frame<'p>>,
    pub wait: Option<Wait>,
    /// What it goes on with.
    pub woken: Option<Outcome>,
    pub result: Option<Result<String, Ex>>,
    pub waiters: Vec<Registration>,
}

impl Task<'_> {
    pub fn unborn<'p>() -> Task<'p> {
        Task {
            status: Status::Unborn,
            number: 0,
            body: &[],
            home: ROOT,
            scope: ROOT,
            spawned: true,
            daemon: false,
            detached: false,
            named: false,
            observed: false,
            cleaning: false,
            settled: 0,
            cancelled: false,
            grace_end: None,
            told: false,
            joined: false,
            frames: Vec::new(),
            wait: None,
            woken: None,
            result: None,
            waiters: Vec::new(),
        }
    }
}

/// A place in a queue.
#[derive(Clone, PartialEq, Debug)]
pub struct Registration {
    pub task: Index,
    pub how: Answer,
    /// What a sender brings along.
    pub value: u64,
    /// Permits, or 1 for a writer.
    pub amount: usize,
}

/// What a waiter makes of what it gets.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Answer {
    Op(How),
    Join,
    /// One of several, all of which it needs.
    All,
    /// The first of several, however it settles: its place among them.
    First(usize),
    /// A loop over a channel.
    Next,
    /// An arm of `select`.
    Arm {
        arm: usize,
        skip_closed: bool,
    },
}

#[derive(Clone, PartialEq, Debug)]
pub struct Channel {
    pub capacity: usize,
    pub on_full: OnFull,
    /// Closes with its first value.
    pub once: bool,
    /// Belongs to a broadcast that still knows it.
    pub subscribed: Option<Index>,
    pub buffer: Vec<u64>,
    pub receivers: Vec<Registration>,
    pub senders: Vec<Registration>,
    pub closed: bool,
    pub error: Option<Ex>,
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct Mutex {
    pub owner: Option<Index>,
    pub waiting: Vec<Registration>,
    pub broken: bool,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Semaphore {
    pub permits: usize,
    pub available: usize,
    pub waiting: Vec<Registration>,
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct RwLock {
    pub writer: Option<Index>,
    /// One entry for each time a task reads.
    pub readers: Vec<Index>,
    pub waiting: Vec<Registration>,
    pub broken: bool,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Barrier {
    pub parties: usize,
    pub waiting: Vec<Registration>,
    pub broken: bool,
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct Event {
    pub set: bool,
    pub waiting: Vec<Registration>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Latch {
    pub count: usize,
    pub waiting: Vec<Registration>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Limiter {
    pub total: usize,
    pub holders: Vec<Index>,
    pub waiting: Vec<Registration>,
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct Watch {
    pub value: u64,
    pub waiting: Vec<Registration>,
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct Future {
    pub settled: u64,
    pub result: Option<Result<String, Ex>>,
    pub waiters: Vec<Registration>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    Timeout,
    Request,
    Failure,
    Grace,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Failure {
    pub ex: Ex,
    /// The number of the task, 0 for the body.
    pub task: u64,
    pub at: u64,
    /// It had seen its cancellation before it failed.
    pub late: bool,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Scope {
    pub open: bool,
    pub stmt: usize,
    pub parent: usize,
    pub owner: Option<Index>,
    pub policy: Policy,
    pub limit: usize,
    pub grace: u64,
    /// Outer cancellation is not seen inside.
    pub shield: bool,
    pub cancelled: bool,
    pub cause: Option<Cause>,
    /// Somebody inside was told of the cancellation.
    pub delivered: bool,
    pub grace_end: Option<u64>,
    pub deadline: Option<u64>,
    pub failures: Vec<Failure>,
    /// `async` bodies that failed before anybody looked.
    pub unobserved: Vec<Index>,
    /// How the body ended, and when.
    pub result: Option<Result<String, Ex>>,
    pub ended_at: u64,
    /// All daemons have been told that nobody needs them.
    pub dismissed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Due {
    Wait(Index),
    Deadline(usize),
    Grace(usize),
    GraceOf(Index),
    /// Completes a future.
    Future(Index),
    /// Fails what a task awaits.
    Fail(Index),
}

#[derive(Clone, PartialEq, Debug)]
pub struct Timer {
    pub at: u64,
    /// In order of creation.
    pub number: u64,
    pub due: Due,
    /// It bounds something else, and comes last of its instant.
    pub bound: bool,
}

/// A place in the ready queue.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Ready {
    pub task: Index,
    /// Tasks woken by one cancellation go on in any order; 0: by anything else.
    pub spread: u64,
}

#[derive(Clone, PartialEq, Debug)]
pub struct State<'p> {
    pub program: &'p Program,
    /// Ready tasks and timers of one instant come in any order.
    pub shaken: bool,
    pub now: u64,
    pub tasks: Vec<Task<'p>>,
    pub scopes: Vec<Scope>,
    pub channels: Vec<Channel>,
    pub mutexes: Vec<Mutex>,
    pub semaphores: Vec<Semaphore>,
    pub rwlocks: Vec<RwLock>,
    pub barriers: Vec<Barrier>,
    pub events: Vec<Event>,
    pub latches: Vec<Latch>,
    pub limiters: Vec<Limiter>,
    /// Who waits for each condition.
    pub conditions: Vec<Vec<Registration>>,
    pub watches: Vec<Watch>,
    /// Broadcasts that are closed.
    pub ended: Vec<bool>,
    pub futures: Vec<Future>,
    pub ready: Vec<Ready>,
    pub timers: Vec<Timer>,
    pub messages: u64,
    pub spawned: u64,
    pub settled: u64,
    /// The main task is over, and what is left is told to end.
    pub ending: bool,
    pub count: u64,
    /// The cancellation that is being spread.
    pub spread: u64,
    /// How many lines of the log it has explained.
    pub at: usize,
}

impl PartialEq for Program {
    fn eq(&self, other: &Program) -> bool {
        std::ptr::eq(self, other)
    }
}

impl PartialEq for Stmt {
    fn eq(&self, other: &Stmt) -> bool {
        self.id == other.id
    }
}

/// The scope around everything.
pub const ROOT: usize = 0;

/// Milliseconds for cleanups, unless a scope says otherwise.
pub const GRACE: u64 = 5000;

impl<'p> State<'p> {
    pub fn new(program: &'p Program, shaken: bool) -> State<'p> {
        let mut tasks = vec![Task::unborn(); program.tasks];
        tasks[0].status = Status::New;
        tasks[0].named = true;
        tasks[0].body = &program.body;
        let root = Scope {
            open: true,
            stmt: usize::MAX,
            parent: ROOT,
            owner: None,
            policy: Policy::Supervise,
            limit: 0,
            grace: GRACE,
            shield: false,
            cancelled: false,
            cause: None,
            delivered: false,
            grace_end: None,
            deadline: None,
            failures: Vec::new(),
            unobserved: Vec::new(),
            result: None,
            ended_at: 0,
            dismissed: false,
        };
        State {
            program,
            shaken,
            now: 0,
            tasks,
            scopes: vec![root],
            channels: program
                .channels
                .iter()
                .map(|c| Channel {
                    capacity: c.capacity.unwrap_or(usize::MAX),
                    on_full: c.on_full,
                    once: c.source == Source::Oneshot,
                    subscribed: if let Source::Subscription(b) = c.source { Some(b) } else { None },
                    buffer: Vec::new(),
                    receivers: Vec::new(),
                    senders: Vec::new(),
                    closed: false,
                    error: None,
                })
                .collect(),
            mutexes: vec![Mutex::default(); program.mutexes],
            semaphores: program
                .semaphores
                .iter()
                .map(|&n| Semaphore { permits: n, available: n, waiting: Vec::new() })
                .collect(),
            rwlocks: vec![RwLock::default(); program.rwlocks],
            barriers: program
                .barriers
                .iter()
                .map(|&n| Barrier { parties: n, waiting: Vec::new(), broken: false })
                .collect(),
            events: vec![Event::default(); program.events],
            latches: program.latches.iter().map(|&count| Latch { count, waiting: Vec::new() }).collect(),
            limiters: program
                .limiters
                .iter()
                .map(|&total| Limiter { total, holders: Vec::new(), waiting: Vec::new() })
                .collect(),
            conditions: vec![Vec::new(); program.conditions],
            watches: vec![Watch::default(); program.watches],
            ended: vec![false; program.broadcasts],
            // The last one never settles; those of timers come behind it.
            futures: vec![Future::default(); program.futures + 1],
            ready: vec![Ready { task: 0, spread: 0 }],
            timers: Vec::new(),
            messages: 0,
            spawned: 0,
            settled: 0,
            ending: false,
            count: 0,
            spread: 0,
            at: 0,
        }
    }
}
