//! Scenarios of the timing suite that a program can't show by itself: what `gene test` says of things left behind.

mod support;

use support::Case;

/// What a test leaves behind fails it, and the report says where that was made. One test per kind.
mod left_behind {
    use super::*;

    /// The results of a test file, in its schedule and under ten seeds.
    #[track_caller]
    fn results(text: &str, expected: &str) {
        let case = Case::new().file("t_test.gene", text);
        let failed = expected.contains("FAIL");
        case.run(&["test", "--virtual-time", "t_test.gene"]).expect(failed as i32, expected, "");
        let shaken = case.run(&["test", "--virtual-time", "--shake", "10", "t_test.gene"]);
        assert_eq!(shaken.code, failed as i32, "{}{}", shaken.out, shaken.err);
    }

    #[test]
    fn tasks() {
        results(
            "(test \"parked\"\n  (spawn ^name \"sleeper\" (sleep 1h))\n  (sleep 1))
(test \"never started\"\n  (spawn (sleep 1)))
(test \"in an async body\"\n  (async (sleep 1h)))
(test \"ended\" (concurrent (spawn (sleep 1h))) (await (spawn (sleep 1))))
(test \"a daemon\" (spawn ^daemon true (sleep 1h)) (sleep 1))
(test \"cancelled\" ((spawn (sleep 1h)) .cancel))",
            "FAIL t_test.gene: parked
  Leaked: task #3 \"sleeper\" (sleep), spawned t_test.gene:2:3
FAIL t_test.gene: never started
  Leaked: task #5 (ready), spawned t_test.gene:5:3
FAIL t_test.gene: in an async body
  Leaked: task #7 (sleep), spawned t_test.gene:7:3
ok t_test.gene: ended
ok t_test.gene: a daemon
ok t_test.gene: cancelled
3 passed, 3 failed, 0 skipped
",
        );
    }

    #[test]
    fn timers() {
        results(
            "(test \"a call\"\n  (gene/time/after 1h (fn [] nil)))
(test \"calls\"\n  (gene/time/interval 2s (fn [] nil))\n  (gene/time/after 1s (fn [] nil))\n  (sleep 3))
(test \"a future\"\n  (gene/sleep_async 1h))
(test \"over\" (gene/time/after 1 (fn [] nil)) (gene/sleep_async 1) (sleep 2))
(test \"cancelled\" ((gene/time/after 1h (fn [] nil)) .cancel))
(test \"not waited for\" ((gene/time/after 1h (fn [] nil)) .unref))
(test \"pulled\" (gene/time/interval 1h) (gene/time/after 1h))",
            "FAIL t_test.gene: a call
  Leaked: a timer that is still set, made t_test.gene:2:3
FAIL t_test.gene: calls
  Leaked: a timer that is still set, made t_test.gene:5:3
  Leaked: a timer that is still set, made t_test.gene:4:3
FAIL t_test.gene: a future
  Leaked: a timer that is still set, made t_test.gene:8:3
ok t_test.gene: over
ok t_test.gene: cancelled
ok t_test.gene: not waited for
ok t_test.gene: pulled
4 passed, 3 failed, 0 skipped
",
        );
    }

    #[test]
    fn channels_with_parked_waiters() {
        results(
            "(test \"a receiver\"\n  (var jobs (channel ^name \"jobs\"))\n  (spawn (jobs .recv))\n  (sleep 1))
(test \"a sender\"\n  (var full (channel 1))\n  (spawn (repeat 2 (full .send 1)))\n  (sleep 1))
(test \"in a select\"\n  (spawn (select when v from (channel) v))\n  (sleep 1))
(test \"closed\" (var ch (channel)) (spawn (ch .recv)) (sleep 1) (ch .close) (sleep 1))",
            "FAIL t_test.gene: a receiver
  Leaked: task #3 (recv  channel #1 \"jobs\" (cap 0, empty, receivers waiting)), spawned t_test.gene:3:3
FAIL t_test.gene: a sender
  Leaked: task #5 (send  channel #2 (cap 1, full, 0 receivers)), spawned t_test.gene:7:3
FAIL t_test.gene: in a select
  Leaked: task #7 (select  channel #3 (cap 0, empty, receivers waiting)), spawned t_test.gene:10:3
ok t_test.gene: closed
1 passed, 3 failed, 0 skipped
",
        );
    }

    #[test]
    fn unhandled_failures() {
        results(
            "(test \"of a task\"\n  (spawn (throw \"boom\"))\n  (sleep 1))
(test \"of a future\"\n  (async (throw \"lost\"))\n  (sleep 1))
(test \"of a future that waited\"\n  (async (do (sleep 1) (throw \"later\")))\n  (sleep 2))
(test \"of a callback\"\n  (var f (async 1))\n  (f .on_success (fn [v] (throw \"in it\")))\n  (sleep 1))
(test \"handled\" (try (await (async (throw \"x\"))) catch * nil))
(test \"ignored\" ((async (throw \"x\")) .ignore) (sleep 1))",
            "FAIL t_test.gene: of a task
  Error: a task of the test failed
  Error: unhandled failure of task #3: Exception: boom
    at <fn> (t_test.gene:2:10)
    spawned t_test.gene:2:3
FAIL t_test.gene: of a future
  Leaked: a failure that nobody observed
  Warning: the failure of a future was never observed: Exception: lost
    at <fn> (t_test.gene:5:10)
    spawned t_test.gene:5:3
FAIL t_test.gene: of a future that waited
  Leaked: a failure that nobody observed
  Warning: the failure of a future was never observed: Exception: later
    at <fn> (t_test.gene:8:24)
    spawned t_test.gene:8:3
FAIL t_test.gene: of a callback
  Error: a task of the test failed
  Error: unhandled failure of task #10: Exception: in it
    at <fn> (t_test.gene:12:26)
ok t_test.gene: handled
ok t_test.gene: ignored
2 passed, 4 failed, 0 skipped
",
        );
    }
}
