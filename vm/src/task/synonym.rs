//! What other languages call the operations of tasks and channels, for error messages: `Method put not found on Channel; use .send`.

/// The method of `kind` that does what somebody expects of `name`.
#[cold]
pub fn method(kind: &str, name: &str) -> Option<&'static str> {
    Some(match (kind, name) {
        ("Channel", "push" | "put" | "write" | "emit" | "offer" | "add") => ".send",
        ("Channel", "get" | "take" | "receive" | "pop" | "read" | "next") => ".recv",
        ("Channel", "poll" | "get_nowait" | "receive_nowait") => ".try_recv",
        ("Channel", "put_nowait" | "send_nowait") => ".try_send",
        ("Channel", "cancel" | "shutdown") => ".close",
        ("Future" | "Task", "result" | "wait" | "await" | "unwrap") => "(await f)",
        ("Future", "join") => "(await f)",
        ("Future" | "Task", "done" | "is_done" | "completed?" | "finished?" | "settled?") => ".done?",
        ("Future" | "Task", "cancelled?" | "failed?" | "pending?" | "active?" | "is_cancelled") => ".state",
        ("Future" | "Task", "exception") => ".error",
        ("Future", "resolve" | "set_result" | "set" | "send") => ".complete",
        ("Future", "reject" | "set_exception" | "complete_exceptionally") => ".fail",
        ("Task", "kill" | "abort" | "stop" | "interrupt" | "terminate") => ".cancel",
        ("Future" | "Task", "add_done_callback" | "on_complete" | "on_done") => ".on_settle",
        ("Mutex" | "ReentrantMutex", "acquire" | "enter") => ".lock",
        ("Mutex" | "ReentrantMutex", "release" | "leave" | "exit") => ".unlock",
        ("RwLock", "unlock") => ".release",
        ("RwLock", "read_lock" | "rlock") => ".read",
        ("RwLock", "lock" | "write_lock") => ".write",
        ("Semaphore" | "Limiter", "lock" | "wait" | "down" | "take") => ".acquire",
        ("Semaphore" | "Limiter", "unlock" | "signal" | "up" | "post" | "give") => ".release",
        ("Condition", "signal") => ".notify",
        ("Condition", "broadcast" | "signal_all") => ".notify_all",
        ("Scope", "start" | "start_soon" | "launch" | "fork" | "create_task" | "async") => ".spawn",
        _ => return None,
    })
}

/// What does the work of a name that Gene does not have.
#[cold]
pub fn form(name: &str) -> Option<&'static str> {
    Some(match name {
        "go" | "launch" | "create_task" | "gene/async/spawn" | "gene/async/create_task" => "(spawn f args...)",
        "Promise" | "Deferred" | "gene/Promise" | "gene/async/Future" => "(new gene/Future)",
        "chan" | "make_channel" | "gene/Channel" | "gene/async/channel" => "(channel n)",
        "wait_for" | "with_timeout" | "move_on_after" | "gene/async/timeout" | "gene/async/wait_for" => {
            "(timeout d body...)"
        }
        "gene/async/gather" => "(gather a b...)",
        "gene/async/sleep" | "gene/time/sleep" | "gene/sleep" | "delay" => "(sleep d)",
        "WaitGroup" | "gene/sync/WaitGroup" | "TaskGroup" | "nursery" | "open_nursery" | "coroutine_scope" => {
            "(concurrent body...)"
        }
        "Mutex" | "Lock" | "gene/sync/Lock" => "(new gene/sync/Mutex)",
        "Semaphore" => "(new gene/sync/Semaphore n)",
        _ => return None,
    })
}
