//! Writes a program of the model down as Gene source that logs what happens.
//!
//! Every line of the log is `WHAT NUMBER [OUTCOME] TIME`: `b` before an operation and `e` behind it, `o` and `x` around a scope,
//! `s`, `d` and `z` at the start and end of a task (`z` however it ends), `v` for a value that a loop got, `f` before a failure, `c`
//! at the start of a cleanup and `q` behind each of its operations, however it ends. A task runs from one wait to the next without
//! another one in between, so the order of the lines is the order of events. What combinators start for themselves logs nothing.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::program::{
    Arm, Combinator, Combine, Form, How, Item, Kind, OnFull, Op, Otherwise, Policy, Program, ScopeSpec, Source, Stmt,
};

const HEAD: &str = r##"(fn now [] (gene/time/monotonic))
(fn show [v] #"#{v}")
(fn why [ex]
  (var kind ((ex .class) .name))
  (if (kind == "Exception") ex/message elif (kind == "ExceptionGroup") ((ex/exceptions .map (fn [e] (why e))) .join "+")
    else kind))
(fn own [ex] (if ex/own? "own" else "CancellationException"))
(fn out [r] (case r when (Ok v) v when (Err ex) (why ex)))
(var msg 0)
(var fut_none (new gene/Future))
(fn next_msg [] (msg += 1) msg)
"##;

pub fn source(program: &Program) -> String {
    let mut out = Renderer { text: HEAD.to_owned(), depth: 0, cleanup: false };
    for (i, channel) in program.channels.iter().enumerate() {
        let capacity = channel.capacity.map_or("inf".to_owned(), |n| n.to_string());
        let capacity = if capacity == "inf" { "(1.0 / 0.0)".to_owned() } else { capacity };
        let on_full = match channel.on_full {
            OnFull::Block => "block",
            OnFull::DropOldest => "drop_oldest",
            OnFull::DropNewest => "drop_newest",
            OnFull::Error => "error",
        };
        let made = match channel.source {
            Source::Channel => format!("(channel {capacity} ^on_full \"{on_full}\")"),
            Source::Oneshot => "(gene/async/oneshot)".to_owned(),
            Source::Subscription(b) => {
                // All subscriptions have the same room, as the broadcast says.
                if !out.text.contains(&format!("(var b{b} ")) {
                    out.line(&format!("(var b{b} (gene/async/broadcast {capacity} ^on_lag \"{on_full}\"))"));
                }
                format!("(b{b} .subscribe)")
            }
        };
        out.line(&format!("(var ch{i} {made})"));
    }
    for i in 0..program.mutexes {
        out.line(&format!("(var m{i} (new gene/sync/Mutex))"));
    }
    for (i, n) in program.semaphores.iter().enumerate() {
        out.line(&format!("(var sem{i} (new gene/sync/Semaphore {n}))"));
    }
    for i in 0..program.rwlocks {
        out.line(&format!("(var rw{i} (new gene/sync/RwLock))"));
    }
    for (i, n) in program.barriers.iter().enumerate() {
        out.line(&format!("(var bar{i} (new gene/sync/Barrier {n}))"));
    }
    for i in 0..program.events {
        out.line(&format!("(var ev{i} (new gene/sync/Event))"));
    }
    for (i, n) in program.latches.iter().enumerate() {
        out.line(&format!("(var la{i} (new gene/sync/Latch {n}))"));
    }
    for (i, n) in program.limiters.iter().enumerate() {
        out.line(&format!("(var lim{i} (new gene/sync/Limiter {n}))"));
    }
    for i in 0..program.conditions {
        out.line(&format!("(var co{i} (new gene/sync/Condition m0))"));
    }
    for i in 0..program.watches {
        out.line(&format!("(var w{i} (gene/async/watch 0))"));
    }
    for i in 0..program.futures {
        out.line(&format!("(var fut{i} (new gene/Future))"));
        // Its failure is nobody's: a warning at the end would only be noise.
        out.line(&format!("(fut{i} .ignore)"));
    }
    for i in 0..program.tasks {
        out.line(&format!("(var t{i} nil)"));
    }
    let mut named = BTreeSet::new();
    scopes(&program.body, &mut named);
    for id in named {
        out.line(&format!("(var s{id} nil)"));
    }
    out.block(&program.body);
    out.line("(println \"d\" 0 \"ok\" (now))");
    // What is left in the buffers.
    for i in 0..program.channels.len() {
        out.line(&format!("(repeat ch{i}/.len (println \"left\" {i} (ch{i} .recv) (now)))"));
    }
    out.line("(println \"end\" 0 (now))");
    out.text
}

/// The scopes that have a variable: those there are, and those that operations name.
fn scopes(block: &[Stmt], named: &mut BTreeSet<usize>) {
    for stmt in block {
        match stmt.kind {
            Kind::Scope(_) => named.insert(stmt.id),
            Kind::Op(Op::CancelScope(id)) => named.insert(id),
            _ => false,
        };
        for inner in stmt.kind.blocks() {
            scopes(inner, named);
        }
    }
}

struct Renderer {
    text: String,
    depth: usize,
    /// In a cleanup, where the end of the grace throws what no handler sees.
    cleanup: bool,
}

impl Renderer {
    fn line(&mut self, text: &str) {
        let _ = writeln!(self.text, "{:1$}{text}", "", self.depth * 2);
    }

    fn inside(&mut self, work: impl FnOnce(&mut Renderer)) {
        self.depth += 1;
        work(self);
        self.depth -= 1;
    }

    fn block(&mut self, block: &[Stmt]) {
        for stmt in block {
            self.stmt(stmt);
        }
        if block.is_empty() {
            self.line("nil");
        }
    }

    fn stmt(&mut self, stmt: &Stmt) {
        let id = stmt.id;
        match &stmt.kind {
            Kind::Op(op) => {
                if self.cleanup {
                    self.line("(try");
                }
                self.line("(try");
                self.inside(|r| {
                    r.line(&format!("(println \"b\" {id} (now))"));
                    r.line(&format!("(println \"e\" {id} (show {}) (now))", expression(op)));
                });
                self.handlers("e", id, false);
                if self.cleanup {
                    self.line(&format!("finally (println \"q\" {id} (now)))"));
                }
            }
            Kind::Fail => {
                self.line(&format!("(println \"f\" {id} (now))"));
                self.line(&format!("(throw \"boom{id}\")"));
            }
            Kind::Spawn { task, body, .. } | Kind::Async { task, body } => {
                let spawned = matches!(stmt.kind, Kind::Spawn { .. });
                let word = match stmt.kind {
                    Kind::Spawn { daemon: true, .. } => "spawn ^daemon true",
                    Kind::Spawn { .. } => "spawn",
                    _ => "async",
                };
                self.line(&format!("(t{task} = ({word} (try"));
                self.inside(|r| {
                    r.line(&format!("(println \"s\" {task} (now))"));
                    let outer = r.cleanup;
                    // What a cleanup starts on itself is part of it.
                    r.cleanup &= !spawned;
                    r.block(body);
                    r.cleanup = outer;
                    r.line(&format!("(println \"d\" {task} \"ok\" (now))"));
                    r.line(&format!("\"T{task}\""));
                });
                self.line("catch CancellationException");
                self.line(&format!("  (println \"d\" {task} (own $ex) (now)) (throw $ex)"));
                self.line("catch *");
                self.line(&format!("  (println \"d\" {task} (why $ex) (now)) (throw $ex)"));
                self.line(&format!("finally (println \"z\" {task} (now)))))"));
            }
            Kind::Scope(scope) => self.scope(id, scope),
            Kind::Finally { body, cleanup } => {
                self.line("(try");
                self.inside(|r| r.block(body));
                self.line("finally");
                self.inside(|r| {
                    r.line(&format!("(println \"c\" {id} (now))"));
                    let outer = std::mem::replace(&mut r.cleanup, true);
                    r.block(cleanup);
                    r.cleanup = outer;
                });
                self.line(")");
            }
            Kind::Each { channel, most, body } => {
                if self.cleanup {
                    self.line("(try");
                }
                self.line("(try");
                self.inside(|r| {
                    r.line(&format!("(println \"b\" {id} (now))"));
                    r.line(&format!("(var n{id} 0)"));
                    r.line(&format!("(for v in ch{channel}"));
                    r.inside(|r| {
                        r.line(&format!("(println \"v\" {id} v (now))"));
                        r.block(body);
                        r.line(&format!("(n{id} += 1)"));
                        r.line(&format!("(if (n{id} == {most}) (break)))"));
                    });
                    r.line(&format!("(println \"e\" {id} \"over\" (now))"));
                });
                self.handlers("e", id, false);
                if self.cleanup {
                    self.line(&format!("finally (println \"q\" {id} (now)))"));
                }
            }
            Kind::Repeat { times, body } => {
                self.line(&format!("(repeat {times}"));
                self.inside(|r| r.block(body));
                self.line(")");
            }
        }
    }

    fn scope(&mut self, id: usize, scope: &ScopeSpec) {
        self.line("(try");
        self.inside(|r| {
            r.line(&format!("(println \"o\" {id} (now))"));
            let grace = scope.grace.map_or(String::new(), |d| format!(" ^grace {d}"));
            let timeout = scope.timeout.map_or(String::new(), |d| format!(" ^timeout {d}"));
            r.line(&format!("(println \"x\" {id} (show"));
            match scope.form {
                Form::Concurrent => {
                    let policy = match scope.policy {
                        Policy::Cancel => "cancel",
                        Policy::Collect => "collect",
                        Policy::Supervise => "supervise",
                    };
                    let limit = if scope.limit > 0 { format!(" ^limit {}", scope.limit) } else { String::new() };
                    r.line(&format!("(concurrent ^as s ^on_error \"{policy}\"{timeout}{limit}{grace}"));
                    r.line(&format!("  (s{id} = s)"));
                }
                Form::Timeout { .. } => r.line(&format!("(timeout{grace} {}", scope.timeout.unwrap_or(0))),
                Form::Shield => r.line(&format!("(shield{timeout}{grace}")),
            }
            r.inside(|r| {
                r.block(&scope.body);
                r.line(&format!("\"S{id}\""));
            });
            let other = if scope.form == (Form::Timeout { other: true }) { " else \"else\"" } else { "" };
            r.line(&format!("{other})) (now))"));
        });
        self.handlers("x", id, scope.rethrow);
    }

    fn handlers(&mut self, what: &str, id: usize, rethrow: bool) {
        self.line("catch CancellationException");
        let condition = if rethrow { "true" } else { "$ex/own?" };
        self.line(&format!("  (println \"{what}\" {id} (own $ex) (now)) (if {condition} (throw $ex))"));
        self.line("catch *");
        let throw = if rethrow { " (throw $ex)" } else { "" };
        self.line(&format!("  (println \"{what}\" {id} (why $ex) (now)){throw})"));
    }
}

fn limit(d: &Option<u64>) -> String {
    d.map_or(String::new(), |d| format!(" ^timeout {d}"))
}

/// `try_` or `_timeout` variants of a method, or the plain one with `^timeout`.
fn held(object: String, name: &str, how: &How, argument: &str) -> String {
    match how {
        How::Plain(d) | How::Result(d) => format!("({object} .{name}{argument}{})", limit(d)),
        How::Try => format!("({object} .try_{name}{argument})"),
        How::Within(d) => format!("({object} .{name}_timeout{argument} {d})"),
    }
}

fn expression(op: &Op) -> String {
    match op {
        Op::Send(c, how) => match how {
            How::Result(d) => format!("(ch{c} .send_result (next_msg){})", limit(d)),
            _ => held(format!("ch{c}"), "send", how, " (next_msg)"),
        },
        Op::Recv(c, how) => match how {
            How::Result(d) => format!("(ch{c} .recv_result{})", limit(d)),
            _ => held(format!("ch{c}"), "recv", how, ""),
        },
        Op::Close { channel, error } => {
            let error = if *error { format!(" \"bad{channel}\"") } else { String::new() };
            format!("(ch{channel} .close{error})")
        }
        Op::Select { arms, otherwise, biased, skip_closed } => {
            let mut text = "(select".to_owned();
            if *biased {
                text.push_str(" ^^biased");
            }
            if *skip_closed {
                text.push_str(" ^^skip_closed");
            }
            for (i, arm) in arms.iter().enumerate() {
                let arm = match arm {
                    Arm::Recv(c) => format!(" when [v ok] from ch{c} #\"arm{i}:#{{v}}:#{{ok}}\""),
                    Arm::Send(c) => format!(" when (ch{c} .send (next_msg)) \"arm{i}:sent\""),
                    Arm::Task(t) => format!(" when v from (if t{t} t{t} else fut_none) #\"arm{i}:#{{v}}\""),
                    Arm::Future(f) => format!(" when v from fut{f} #\"arm{i}:#{{v}}\""),
                    Arm::Timer(d) => format!(" when v from (gene/sleep_async {d}) #\"arm{i}:#{{v}}\""),
                };
                text.push_str(&arm);
            }
            match otherwise {
                Otherwise::Wait => {}
                Otherwise::Else => text.push_str(" else \"else\""),
                Otherwise::Timeout(d) => {
                    let _ = write!(text, " when timeout {d} \"late\"");
                }
            }
            text + ")"
        }
        Op::Lock(m, how) => held(format!("m{m}"), "lock", how, ""),
        Op::Unlock(m) => format!("(m{m} .unlock)"),
        Op::Acquire { semaphore, permits, how } => {
            held(format!("sem{semaphore}"), "acquire", how, &format!(" {permits}"))
        }
        Op::Release { semaphore, permits } => format!("(sem{semaphore} .release {permits})"),
        Op::Read(l, how) => held(format!("rw{l}"), "read", how, ""),
        Op::Write(l, how) => held(format!("rw{l}"), "write", how, ""),
        Op::ReleaseRw(l) => format!("(rw{l} .release)"),
        Op::Barrier(b, d) => format!("(bar{b} .wait{})", limit(d)),
        Op::Sleep(d) => format!("(sleep {d})"),
        Op::Yield => "(yield_now)".to_owned(),
        Op::Checkpoint => "(gene/async/checkpoint)".to_owned(),
        Op::Await(t) => format!("(await t{t})"),
        Op::Join(t, None) => format!("(if t{t} (t{t} .join) else nil)"),
        Op::Join(t, Some(d)) => format!("(if t{t} (t{t} .join_timeout {d}) else nil)"),
        Op::CancelTask(t) => format!("(if t{t} (do (t{t} .cancel) nil) else nil)"),
        Op::CancelScope(s) => format!("(if s{s} (do (s{s} .cancel) nil) else nil)"),
        Op::Complete(f) => format!("(do (fut{f} .complete \"F{f}\") nil)"),
        Op::FailFuture(f) => format!("(do (fut{f} .fail \"no{f}\") nil)"),
        Op::CancelFuture(f) => format!("(do (fut{f} .cancel) nil)"),
        Op::AwaitFuture(f) => format!("(await fut{f})"),
        Op::AwaitWithin(t, d) => format!("(await ^timeout {d} t{t})"),
        Op::AwaitFutureWithin(f, d) => format!("(await ^timeout {d} fut{f})"),
        Op::AwaitTimer(d) => format!("(await (gene/sleep_async {d}))"),
        Op::Detach(t) => format!("(if t{t} (do (t{t} .detach) nil) else nil)"),
        Op::SetEvent(e) => format!("(ev{e} .set)"),
        Op::ClearEvent(e) => format!("(ev{e} .clear)"),
        Op::WaitEvent(e, d) => format!("(ev{e} .wait{})", limit(d)),
        Op::CountDown(l, n) => format!("(la{l} .count_down {n})"),
        Op::WaitLatch(l, d) => format!("(la{l} .wait{})", limit(d)),
        Op::TakeToken(l, how) => held(format!("lim{l}"), "acquire", how, ""),
        Op::ReturnToken(l) => format!("(lim{l} .release)"),
        Op::SetTokens(l, n) => format!("(lim{l} .set_total {n})"),
        Op::WaitCondition(c, d) => format!("(co{c} .wait{})", limit(d)),
        Op::Notify { condition, all } => {
            let name = if *all { "notify_all" } else { "notify" };
            format!("(co{condition} .{name})")
        }
        Op::SetWatch(w, v) => format!("(w{w} .set {v})"),
        Op::GetWatch(w) => format!("(w{w} .get)"),
        Op::WatchChanged(w, d) => format!("(w{w} .changed{})", limit(d)),
        Op::Broadcast(b) => format!("(b{b} .send (next_msg))"),
        Op::CloseBroadcast { broadcast, error } => {
            let error = if *error { format!(" \"bye{broadcast}\"") } else { String::new() };
            format!("(b{broadcast} .close{error})")
        }
        Op::Combine(combine) => combination(combine),
    }
}

fn combination(combine: &Combine) -> String {
    let items: Vec<String> = combine
        .items
        .iter()
        .enumerate()
        .map(|(i, item)| match item {
            Item::Task(t) => format!("(if t{t} t{t} else \"none\")"),
            Item::Future(f) => format!("fut{f}"),
            Item::Value => format!("\"v{i}\""),
            Item::Call { time, fails: false } => format!("(fn [] (sleep {time}) \"c{i}\")"),
            Item::Call { time, fails: true } => format!("(fn [] (sleep {time}) (throw \"bad{i}\"))"),
        })
        .collect();
    let name = match combine.which {
        Combinator::All => "all",
        Combinator::Race => "race",
        Combinator::Any => "any",
        Combinator::Settle => "settle",
    };
    let cancel = if combine.cancel { "" } else { " ^cancel false" };
    let at_a_time = combine.limit.map_or(String::new(), |n| format!(" ^limit {n}"));
    let timeout = limit(&combine.timeout);
    let call = format!("(await (gene/async/{name} [{}]{timeout}{at_a_time}{cancel}))", items.join(" "));
    match combine.which {
        Combinator::All => format!("({call} .join \"+\")"),
        Combinator::Settle => format!("(({call} .map out) .join \"+\")"),
        Combinator::Race | Combinator::Any => call,
    }
}
