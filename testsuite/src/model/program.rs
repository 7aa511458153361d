//! Small concurrent programs in the abstract: what the generator makes, the renderer writes down and the reference model runs.
//!
//! A statement stands in exactly one task and has a number of its own, so that a line of the log says which statement of which
//! task it is about.

/// Channels, locks and tasks are named by their index.
pub type Index = usize;

/// What a full channel does to a send.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OnFull {
    Block,
    DropOldest,
    DropNewest,
    Error,
}

/// Where a channel comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    Channel,
    /// `gene/async/oneshot`: closes with its first value.
    Oneshot,
    /// A subscription to a broadcast.
    Subscription(Index),
}

#[derive(Clone, Debug)]
pub struct ChannelSpec {
    pub source: Source,
    /// `None`: no limit.
    pub capacity: Option<usize>,
    pub on_full: OnFull,
}

#[derive(Clone, Debug, Default)]
pub struct Program {
    pub channels: Vec<ChannelSpec>,
    pub mutexes: usize,
    /// Permits of each.
    pub semaphores: Vec<usize>,
    pub rwlocks: usize,
    /// Parties of each.
    pub barriers: Vec<usize>,
    pub events: usize,
    /// What each is to be counted down from.
    pub latches: Vec<usize>,
    /// Tokens of each.
    pub limiters: Vec<usize>,
    /// Each belongs to the first mutex.
    pub conditions: usize,
    pub watches: usize,
    pub broadcasts: usize,
    /// Futures that are completed by hand.
    pub futures: usize,
    /// Number 0 is the main task.
    pub tasks: usize,
    pub body: Vec<Stmt>,
}

#[derive(Clone, Debug)]
pub struct Stmt {
    pub id: usize,
    pub kind: Kind,
}

#[derive(Clone, Debug)]
pub enum Kind {
    Op(Op),
    Spawn {
        task: Index,
        /// Ends with the other children of its scope.
        daemon: bool,
        body: Vec<Stmt>,
    },
    /// `(async ...)`: runs at once, on its starter, until it waits.
    Async {
        task: Index,
        body: Vec<Stmt>,
    },
    /// `for` over a channel, at most so many times.
    Each {
        channel: Index,
        most: usize,
        body: Vec<Stmt>,
    },
    Scope(ScopeSpec),
    /// Throws an exception that only the end of a scope or of the task catches.
    Fail,
    /// The cleanup runs however the body is left, and may wait.
    Finally {
        body: Vec<Stmt>,
        cleanup: Vec<Stmt>,
    },
    Repeat {
        times: usize,
        body: Vec<Stmt>,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    Concurrent,
    /// With an `else` part or without.
    Timeout {
        other: bool,
    },
    Shield,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Policy {
    Cancel,
    Collect,
    Supervise,
}

#[derive(Clone, Debug)]
pub struct ScopeSpec {
    pub form: Form,
    pub policy: Policy,
    pub timeout: Option<u64>,
    /// Children that run at a time, 0: all.
    pub limit: usize,
    pub grace: Option<u64>,
    /// An exception goes on behind the scope; else it is logged and dropped.
    pub rethrow: bool,
    pub body: Vec<Stmt>,
}

/// The forms of an operation that may have to wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum How {
    /// With `^timeout`, if there is one.
    Plain(Option<u64>),
    /// `try_...`.
    Try,
    /// `..._timeout d`, which answers instead of throwing.
    Within(u64),
    /// `..._result`, with `^timeout` if there is one.
    Result(Option<u64>),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arm {
    Recv(Index),
    Send(Index),
    Task(Index),
    Future(Index),
    /// A future that a timer completes.
    Timer(u64),
}

/// What stands in the list of a combinator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Item {
    /// A task that has not been started yet is a plain value.
    Task(Index),
    Future(Index),
    Value,
    /// A function that sleeps and then returns or fails.
    Call {
        time: u64,
        fails: bool,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Combinator {
    All,
    Race,
    Any,
    Settle,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Combine {
    pub which: Combinator,
    pub items: Vec<Item>,
    pub timeout: Option<u64>,
    /// Items that are under way at a time.
    pub limit: Option<usize>,
    /// The losers are cancelled.
    pub cancel: bool,
}

/// What a `select` does when no arm is ready.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Otherwise {
    Wait,
    Else,
    Timeout(u64),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Op {
    Send(Index, How),
    Recv(Index, How),
    Close {
        channel: Index,
        error: bool,
    },
    Select {
        arms: Vec<Arm>,
        otherwise: Otherwise,
        biased: bool,
        skip_closed: bool,
    },
    Lock(Index, How),
    Unlock(Index),
    Acquire {
        semaphore: Index,
        permits: usize,
        how: How,
    },
    Release {
        semaphore: Index,
        permits: usize,
    },
    Read(Index, How),
    Write(Index, How),
    ReleaseRw(Index),
    Barrier(Index, Option<u64>),
    Sleep(u64),
    Yield,
    Checkpoint,
    Await(Index),
    Join(Index, Option<u64>),
    CancelTask(Index),
    CancelScope(usize),
    Complete(Index),
    FailFuture(Index),
    CancelFuture(Index),
    AwaitFuture(Index),
    /// `await ^timeout`, which fails what it awaits when the time is over.
    AwaitWithin(Index, u64),
    AwaitFutureWithin(Index, u64),
    /// A future that a timer completes.
    AwaitTimer(u64),
    Detach(Index),
    SetEvent(Index),
    ClearEvent(Index),
    WaitEvent(Index, Option<u64>),
    CountDown(Index, usize),
    WaitLatch(Index, Option<u64>),
    TakeToken(Index, How),
    ReturnToken(Index),
    SetTokens(Index, usize),
    WaitCondition(Index, Option<u64>),
    Notify {
        condition: Index,
        all: bool,
    },
    SetWatch(Index, u64),
    GetWatch(Index),
    WatchChanged(Index, Option<u64>),
    Broadcast(Index),
    CloseBroadcast {
        broadcast: Index,
        error: bool,
    },
    Combine(Combine),
}

impl Kind {
    /// The statement lists inside.
    pub fn blocks(&self) -> Vec<&Vec<Stmt>> {
        match self {
            Kind::Op(_) | Kind::Fail => vec![],
            Kind::Spawn { body, .. }
            | Kind::Async { body, .. }
            | Kind::Each { body, .. }
            | Kind::Repeat { body, .. } => {
                vec![body]
            }
            Kind::Scope(scope) => vec![&scope.body],
            Kind::Finally { body, cleanup } => vec![body, cleanup],
        }
    }

    pub fn blocks_mut(&mut self) -> Vec<&mut Vec<Stmt>> {
        match self {
            Kind::Op(_) | Kind::Fail => vec![],
            Kind::Spawn { body, .. }
            | Kind::Async { body, .. }
            | Kind::Each { body, .. }
            | Kind::Repeat { body, .. } => {
                vec![body]
            }
            Kind::Scope(scope) => vec![&mut scope.body],
            Kind::Finally { body, cleanup } => vec![body, cleanup],
        }
    }
}

impl Program {
    /// The channels that get what a broadcast sends, in order.
    pub fn subscriptions(&self, broadcast: Index) -> impl Iterator<Item = Index> {
        let all = self.channels.iter().enumerate();
        all.filter(move |(_, c)| c.source == Source::Subscription(broadcast)).map(|(i, _)| i)
    }

    /// How many statements it has.
    pub fn size(&self) -> usize {
        fn count(block: &[Stmt]) -> usize {
            block.iter().map(|s| 1 + s.kind.blocks().into_iter().map(|b| count(b)).sum::<usize>()).sum()
        }
        count(&self.body)
    }
}
