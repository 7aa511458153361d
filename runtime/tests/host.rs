//! Functions of the host, their panics, futures settled from other threads, and event loops of the host's own.
use gene::driver::{RealDriver, VirtualDriver};
use gene::{Completer, Driver, HostError, HostFuture, HostKey, HostResult, HostValue, Vm, completer};
use std::cell::{Cell, RefCell};
use std::future::pending;
use std::rc::Rc;
use std::sync::{Arc, Once};

fn captured() -> Vm {
    Vm::builder().capture_output().build()
}

#[track_caller]
fn prints(vm: &mut Vm, code: &str, expected: &str) {
    let exit = vm.run_source("host.gene", code);
    assert_eq!((vm.captured_stdout().as_str(), vm.captured_stderr().as_str(), exit), (expected, "", 0));
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Panics that are meant to be are not printed.
fn quietly(work: impl FnOnce()) {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                usual(info);
            }
        }));
    });
    QUIET.set(true);
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    QUIET.set(false);
    if let Err(e) = done {
        let text = e.downcast_ref::<String>().cloned().unwrap_or_default();
        panic!("{text}");
    }
}

#[test]
fn arguments_and_results_are_plain_data() {
    let mut vm = captured();
    vm.define("echo", 1, |args| Ok(args[0].clone()));
    prints(
        &mut vm,
        "(println (debug (echo [nil true 1 2.5 \"s\" {^a [1] ^b \"x\"}]))) (println (echo void) (echo 9223372036854775807))",
        "[nil true 1 2.5 \"s\" {^a [1] ^b \"x\"}]\nvoid 9223372036854775807\n",
    );
}

#[test]
fn what_is_no_plain_data_or_not_as_many_is_refused() {
    let mut vm = captured();
    vm.define("one", 1, |_| panic!("never called"));
    prints(
        &mut vm,
        "(for f in [(fn [] (one println)) (fn [] (one)) (fn [] (one 1 2)) (fn [] (var a []) (a .add a) (one a))]
           (try (f) catch * (println (typeof $ex) $ex/message)))",
        "TypeException one: Function is no plain data (nil, numbers, strings, bytes, arrays, maps)
ArgumentException one: Expected 1 arguments, got 0
ArgumentException one: Expected 1 arguments, got 2
ArgumentException one: the argument is nested too deeply
",
    );
}

#[test]
fn errors_are_exceptions_of_the_class_they_name() {
    let mut vm = captured();
    let io = || HostError { class: "IOError", message: "no disk".to_owned() };
    vm.define("now", 0, move |_| Err(io()));
    vm.define_async("later", 0, move |_| async move { Err(io()) });
    prints(
        &mut vm,
        "(try (now) catch IOError (println $ex/message)) (try (await (later)) catch IOError (println $ex/message))",
        "no disk\nno disk\n",
    );
}

#[test]
fn a_panic_in_a_native_function_is_an_exception_where_it_was_called() {
    quietly(|| {
        let mut vm = captured();
        vm.define("boom", 1, |args| panic!("cannot take {args:?}"));
        vm.define("bare", 0, |_| std::panic::panic_any(5));
        prints(
            &mut vm,
            "(var other (spawn (do (sleep 1) \"fine\")))
             (try (boom 3) catch RuntimeException (println $ex/message))
             (try (bare) catch * (println (typeof $ex) $ex/message))
             (try ([1 2] .map boom) catch * (println \"in a callback:\" (typeof $ex)))
             (var t (spawn boom 4))
             (println (typeof ((t .join_result) .error)))
             (println (await other))",
            "boom: native code panicked: cannot take [Int(3)]
RuntimeException bare: native code panicked
in a callback: RuntimeException
RuntimeException
fine
",
        );
    });
}

#[test]
fn a_panic_in_a_native_async_function_fails_its_future_and_nothing_else() {
    quietly(|| {
        let mut vm = captured();
        vm.define_async("at_once", 0, |_| async { panic!("at once") });
        vm.define_async("later", 0, |_| async {
            futures_lite::future::yield_now().await;
            panic!("later")
        });
        vm.define_async("before", 0, |_| -> std::future::Ready<HostResult> { panic!("before") });
        prints(
            &mut vm,
            "(var other (spawn (do (sleep 2) \"fine\")))
             (for f in [at_once later]
               (var future (f))
               (try (await future) catch * (println (typeof $ex) $ex/message future/.state)))
             (try (before) catch * (println (typeof $ex) $ex/message))
             (try (concurrent (spawn (await (later))) (sleep 10000)) catch * (println \"the scope:\" $ex/message))
             (println (await other))",
            "RuntimeException native code panicked: at once failure
RuntimeException native code panicked: later failure
RuntimeException before: native code panicked: before
the scope: native code panicked: later
fine
",
        );
    });
}

#[test]
fn a_panic_in_the_destructor_of_a_finished_future_is_kept_away() {
    struct Mine;
    impl Drop for Mine {
        fn drop(&mut self) {
            if !std::thread::panicking() {
                panic!("in a destructor");
            }
        }
    }
    quietly(|| {
        let mut vm = captured();
        vm.define_async("done", 0, |_| {
            let mine = Mine;
            let mut polls = 0;
            std::future::poll_fn(move |cx| {
                let _ = &mine;
                polls += 1;
                cx.waker().wake_by_ref();
                if polls < 3 { std::task::Poll::Pending } else { std::task::Poll::Ready(Ok(HostValue::Int(1))) }
            })
        });
        vm.define_async("never", 0, |_| {
            let mine = Mine;
            async move {
                let _mine = mine;
                pending().await
            }
        });
        prints(
            &mut vm,
            "(println (await (done))) (try (timeout 5 (await (never))) catch TimeoutException (println \"late\"))",
            "1\nlate\n",
        );
    });
}

/// The completers of futures that a script waits for, by their numbers.
fn with_completers(vm: &mut Vm) -> Rc<RefCell<Vec<Option<Completer>>>> {
    let all: Rc<RefCell<Vec<Option<Completer>>>> = Rc::default();
    let list = all.clone();
    vm.define_async("pending", 0, move |_| {
        let (completer, completion) = completer();
        list.borrow_mut().push(Some(completer));
        completion
    });
    all
}

#[test]
fn futures_completed_by_another_thread_arrive_in_the_order_of_their_sender() {
    for virtual_clock in [false, true] {
        let builder = Vm::builder().capture_output();
        let mut vm = if virtual_clock { builder.virtual_clock() } else { builder }.build();
        let all = with_completers(&mut vm);
        // Two threads, each with 400 of its own: the order within one is kept, whatever the interleaving.
        vm.define("complete_all", 0, move |_| {
            let mut own: [Vec<(i64, Completer)>; 2] = Default::default();
            for (i, c) in all.borrow_mut().drain(..).enumerate() {
                own[i % 2].push((i as i64, c.expect("not used yet")));
            }
            for (sender, own) in own.into_iter().enumerate() {
                std::thread::spawn(move || {
                    // Backwards, so that the order of making is not the order of completion.
                    for (i, c) in own.into_iter().rev() {
                        c.complete(HostValue::List(vec![HostValue::Int(sender as i64), HostValue::Int(i)]));
                        if i % 64 == 0 {
                            std::thread::yield_now();
                        }
                    }
                });
            }
            Ok(HostValue::Nil)
        });
        prints(
            &mut vm,
            "(var futures [])
             (repeat 800 (futures .add (pending)))
             (var got [[] []])
             (var waiters (futures .map (f -> (spawn (do (var [sender i] (await f)) ((got .get sender) .add i))))))
             (sleep 0)
             (complete_all)
             (for w in waiters (await w))
             (for list in got (println (list .size) (list == ((list .sort) .reverse))))",
            "400 true\n400 true\n",
        );
    }
}

#[test]
fn a_future_whose_completer_is_dropped_is_broken() {
    let mut vm = captured();
    let all = with_completers(&mut vm);
    vm.define("drop_it", 0, move |_| {
        all.borrow_mut().clear();
        Ok(HostValue::Nil)
    });
    prints(
        &mut vm,
        "(var f (pending)) (drop_it) (try (await f) catch BrokenException (println $ex/message $ex/code))",
        "the completer of the future was dropped GENE.ASYNC.BROKEN\n",
    );
}

#[test]
fn a_completer_knows_that_nobody_waits_any_more() {
    let mut vm = captured();
    let all = with_completers(&mut vm);
    vm.define("abandoned", 0, move |_| {
        Ok(HostValue::Bool(all.borrow()[0].as_ref().is_some_and(Completer::is_abandoned)))
    });
    prints(
        &mut vm,
        "(var t (spawn (concurrent (await (pending))))) (sleep 1) (print (abandoned) \"\") (t .cancel) (try (await t) catch * nil)
         (println (abandoned))",
        "false true\n",
    );
}

/// A clock that is late: whenever the machine waits for a deadline, it wakes so much after it, like a laptop that slept.
struct Late {
    inner: VirtualDriver,
    by: u64,
    ahead: u64,
}

impl Driver for Late {
    fn now_us(&self) -> u64 {
        self.inner.now_us() + self.ahead
    }
    fn wall_us(&self) -> i64 {
        self.inner.wall_us() + self.ahead as i64
    }
    fn start(&mut self, f: HostFuture) -> Result<HostResult, HostKey> {
        self.inner.start(f)
    }
    fn cancel(&mut self, key: HostKey) {
        self.inner.cancel(key)
    }
    fn pending(&self) -> usize {
        self.inner.pending()
    }
    fn poll(&mut self, done: &mut Vec<(HostKey, HostResult)>) {
        self.inner.poll(done)
    }
    fn park(&mut self, deadline: Option<u64>, done: &mut Vec<(HostKey, HostResult)>) {
        self.inner.park(deadline.map(|d| d.saturating_sub(self.ahead)), done);
        // Once: the lid is closed for the first wait only.
        self.ahead += std::mem::take(&mut self.by);
    }
    fn wake_handle(&self) -> Arc<dyn Fn() + Send + Sync> {
        self.inner.wake_handle()
    }
    fn seed(&mut self) -> u64 {
        self.inner.seed()
    }
    fn is_virtual(&self) -> bool {
        true
    }
}

fn late_by(ms: u64) -> Vm {
    let driver = Late { inner: VirtualDriver::new(0), by: ms * 1000, ahead: 0 };
    Vm::builder().capture_output().driver(Box::new(driver)).build()
}

#[test]
fn after_a_jump_of_the_clock_each_timer_fires_once_in_the_order_of_deadlines() {
    prints(
        &mut late_by(3_600_000),
        "(var log [])
         (concurrent
           (spawn (do (sleep 30) (log .add \"thirty\")))
           (spawn (do (sleep 10) (log .add \"ten\")))
           (gene/time/after 20 (fn [] (log .add \"twenty\")))
           (sleep 10) (log .add (gene/time/monotonic)) (sleep 5) (log .add (gene/time/monotonic)))
         (println log)",
        "[3600010 ten twenty thirty 3600015]\n",
    );
}

#[test]
fn an_interval_that_slept_over_ticks_follows_its_policy() {
    // 1005 ms are slept over: burst makes up for all of them, skip and delay for one.
    let program = |policy: &str| {
        format!(
            "(var ticks 0) (var at []) (var t0 (gene/time/monotonic))
             (var clock (gene/time/interval 100 ^on_late \"{policy}\"))
             (for due in clock
               (ticks += 1)
               (at .add ((gene/time/monotonic) - t0))
               (if (ticks == 13) (clock .cancel)))
             (println at)"
        )
    };
    let late = "1105 ".repeat(11);
    prints(&mut late_by(1005), &program("burst"), &format!("[{late}1200 1300]\n"));
    let skip: Vec<String> =
        std::iter::once(1105).chain((12..24).map(|i| i * 100)).map(|n: u64| n.to_string()).collect();
    prints(&mut late_by(1005), &program("skip"), &format!("[{}]\n", skip.join(" ")));
    let delay: Vec<String> = (0..13).map(|i| (1105 + i * 100u64).to_string()).collect();
    prints(&mut late_by(1005), &program("delay"), &format!("[{}]\n", delay.join(" ")));
}

#[test]
fn a_result_that_is_as_late_as_its_limit_is_in_time() {
    // Both are overdue when the machine wakes up: what is done at the instant of a limit was in time.
    prints(
        &mut late_by(3_600_000),
        "(println (timeout 500 (sleep 100) \"done\" else \"late\"))
         (println (timeout 500 (sleep 1000) \"done\" else \"late\"))",
        "done\nlate\n",
    );
}

/// What a child process sees after `fork`: this driver says it was made by another process.
fn forked() -> Vm {
    let driver = RealDriver::new(Some(1)).of_process(std::process::id() ^ 1);
    let mut vm = Vm::builder().capture_output().driver(Box::new(driver)).build();
    vm.define_async("read_socket", 0, |_| async { Ok(HostValue::Int(1)) });
    vm
}

const FORKED: &str = "the event loop cannot be used in a forked child process: it belongs to the parent";

#[test]
fn in_a_forked_child_host_operations_fail_and_all_else_goes_on() {
    prints(
        &mut forked(),
        "(try (await (read_socket)) catch RuntimeException (println $ex/message))
         (try (await (gene/io/read_async \"x\")) catch * (println (typeof $ex)))
         (println (gather (do (sleep 2) 1) (do (sleep 1) 2)))",
        &format!("{FORKED}\nRuntimeException\n[1 2]\n"),
    );
}

#[test]
fn what_was_pending_when_the_process_forked_fails_in_the_child() {
    let mut driver = RealDriver::new(Some(1));
    let key = driver.start(Box::pin(pending())).expect_err("it is pending");
    let mut driver = driver.of_process(std::process::id() ^ 1);
    let mut done = Vec::new();
    driver.park(None, &mut done);
    assert_eq!((done.len(), done[0].0, driver.pending()), (1, key, 0));
    assert!(matches!(&done[0].1, Err(e) if e.message == FORKED));
}
