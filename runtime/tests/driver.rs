//! Host futures, wakes and clocks of both drivers.
use futures_lite::FutureExt;
use futures_lite::future::{pending, ready, yield_now};
use gene::driver::{RealDriver, VIRTUAL_EPOCH_US, VirtualDriver};
use gene::pool;
use gene_vm::driver::{Driver, HostFuture, HostKey, HostResult, HostValue};
use std::cell::Cell;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

fn int(result: HostResult) -> i64 {
    match result {
        Ok(HostValue::Int(i)) => i,
        other => panic!("expected an Int, got {other:?}"),
    }
}

fn both(test: impl Fn(&mut dyn Driver)) {
    test(&mut RealDriver::new(Some(1)));
    test(&mut VirtualDriver::new(1));
}

fn never() -> HostFuture {
    pending().boxed_local()
}

/// Pending until `finish` is called from anywhere.
#[derive(Clone, Default)]
struct Gate(Arc<Mutex<(Option<i64>, Option<Waker>)>>);

impl Gate {
    fn future(&self) -> HostFuture {
        let gate = self.0.clone();
        std::future::poll_fn(move |cx| {
            let mut gate = gate.lock().unwrap();
            match gate.0 {
                Some(i) => Poll::Ready(Ok(HostValue::Int(i))),
                None => {
                    gate.1 = Some(cx.waker().clone());
                    Poll::Pending
                }
            }
        })
        .boxed_local()
    }
    fn finish(&self, i: i64) {
        let waker = {
            let mut gate = self.0.lock().unwrap();
            gate.0 = Some(i);
            gate.1.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

#[test]
fn a_ready_future_never_becomes_pending() {
    both(|driver| {
        let result = driver.start(ready(Ok(HostValue::Int(7))).boxed_local());
        assert_eq!(int(result.ok().unwrap()), 7);
        assert_eq!(driver.pending(), 0);
    });
}

#[test]
fn a_finished_future_is_reported_once() {
    both(|driver| {
        let gate = Gate::default();
        let key = driver.start(gate.future()).err().unwrap();
        let mut done = Vec::new();
        driver.poll(&mut done);
        assert!(done.is_empty());
        gate.finish(3);
        driver.poll(&mut done);
        assert_eq!(done.len(), 1);
        let (reported, result) = done.pop().unwrap();
        assert_eq!((reported, int(result)), (key, 3));
        driver.poll(&mut done);
        assert!(done.is_empty());
        assert_eq!(driver.pending(), 0);
    });
}

#[test]
fn many_wakes_cost_one_poll() {
    both(|driver| {
        let polls = Rc::new(Cell::new(0));
        let waker = Rc::new(Cell::new(None::<Waker>));
        let (p, w) = (polls.clone(), waker.clone());
        let future = std::future::poll_fn(move |cx| {
            p.set(p.get() + 1);
            w.set(Some(cx.waker().clone()));
            Poll::<HostResult>::Pending
        });
        driver.start(future.boxed_local()).err().unwrap();
        let waker = waker.take().unwrap();
        for _ in 0..10 {
            waker.wake_by_ref();
        }
        let mut done = Vec::new();
        driver.poll(&mut done);
        driver.poll(&mut done);
        assert_eq!(polls.get(), 2);
    });
}

#[test]
fn a_future_that_wakes_itself_does_not_block_the_poll() {
    both(|driver| {
        let future = async {
            for _ in 0..5 {
                yield_now().await;
            }
            Ok(HostValue::Int(5))
        };
        driver.start(future.boxed_local()).err().unwrap();
        let mut done = Vec::new();
        let mut polls = 0;
        while done.is_empty() {
            driver.poll(&mut done);
            polls += 1;
        }
        assert_eq!(polls, 5);
    });
}

#[test]
fn a_burst_of_completions_is_delivered_in_batches_without_loss() {
    both(|driver| {
        let gates: Vec<Gate> = (0..1000).map(|_| Gate::default()).collect();
        for gate in &gates {
            driver.start(gate.future()).err().unwrap();
        }
        for (i, gate) in gates.iter().enumerate() {
            gate.finish(i as i64);
        }
        let mut done = Vec::new();
        driver.poll(&mut done);
        assert!(done.len() < 1000);
        while driver.pending() > 0 {
            driver.park(None, &mut done);
        }
        assert_eq!(done.into_iter().map(|(_, r)| int(r)).sum::<i64>(), 499_500);
    });
}

#[test]
fn cancel_drops_the_future() {
    both(|driver| {
        let held = Rc::new(());
        let inside = held.clone();
        let key = driver
            .start(
                async move {
                    pending::<()>().await;
                    drop(inside);
                    Ok(HostValue::Nil)
                }
                .boxed_local(),
            )
            .err()
            .unwrap();
        assert_eq!(Rc::strong_count(&held), 2);
        driver.cancel(key);
        assert_eq!((Rc::strong_count(&held), driver.pending()), (1, 0));
    });
}

#[test]
fn dropping_the_driver_drops_its_futures() {
    let held = Rc::new(());
    let inside = held.clone();
    let mut driver = RealDriver::default();
    driver
        .start(
            async move {
                pending::<()>().await;
                drop(inside);
                Ok(HostValue::Nil)
            }
            .boxed_local(),
        )
        .err()
        .unwrap();
    drop(driver);
    assert_eq!(Rc::strong_count(&held), 1);
}

#[test]
fn a_stale_key_names_nothing() {
    both(|driver| {
        let first = Gate::default();
        let old = driver.start(first.future()).err().unwrap();
        driver.cancel(old);
        let second = Gate::default();
        let new = driver.start(second.future()).err().unwrap();
        assert_ne!(old, new);
        // Neither a second cancel nor a late wake of the first touches the second, which has taken its slot.
        driver.cancel(old);
        driver.cancel(HostKey(0));
        first.finish(1);
        let mut done = Vec::new();
        driver.poll(&mut done);
        assert!(done.is_empty());
        assert_eq!(driver.pending(), 1);
        second.finish(2);
        driver.park(None, &mut done);
        assert_eq!(done.len(), 1);
        assert_eq!(done[0].0, new);
    });
}

#[test]
fn a_parked_vm_hears_a_future_finished_by_another_thread() {
    both(|driver| {
        for round in 0..200 {
            let gate = Gate::default();
            driver.start(gate.future()).err().unwrap();
            let thread = std::thread::spawn(move || {
                if round % 2 == 0 {
                    std::thread::yield_now();
                }
                gate.finish(round);
            });
            let mut done = Vec::new();
            driver.park(None, &mut done);
            assert_eq!(int(done.pop().unwrap().1), round);
            thread.join().unwrap();
        }
    });
}

#[test]
fn the_wake_handle_ends_a_park_from_another_thread() {
    both(|driver| {
        driver.start(never()).err().unwrap();
        for _ in 0..200 {
            let wake = driver.wake_handle();
            let thread = std::thread::spawn(move || wake());
            let mut done = Vec::new();
            driver.park(None, &mut done);
            assert!(done.is_empty());
            thread.join().unwrap();
        }
    });
}

#[test]
fn the_wake_handle_ends_a_park_without_futures() {
    both(|driver| {
        for _ in 0..200 {
            let wake = driver.wake_handle();
            let thread = std::thread::spawn(move || wake());
            driver.park(None, &mut Vec::new());
            thread.join().unwrap();
        }
    });
}

#[test]
fn a_wake_before_the_park_is_not_lost() {
    both(|driver| {
        (driver.wake_handle())();
        driver.park(None, &mut Vec::new());
    });
}

#[test]
fn a_real_park_never_ends_early() {
    let mut driver = RealDriver::default();
    for with_future in [false, true] {
        if with_future {
            driver.start(never()).err().unwrap();
        }
        for us in [0, 1, 100, 1500, 20_000] {
            let deadline = driver.now_us() + us;
            driver.park(Some(deadline), &mut Vec::new());
            assert!(driver.now_us() >= deadline);
        }
    }
}

#[test]
fn a_deadline_in_the_past_does_not_wait() {
    both(|driver| {
        driver.start(never()).err().unwrap();
        driver.park(Some(0), &mut Vec::new());
    });
}

#[test]
fn the_real_wall_clock_is_in_this_century() {
    let driver = RealDriver::default();
    assert!(driver.wall_us() > VIRTUAL_EPOCH_US);
    assert!(!driver.is_virtual());
}

#[test]
fn virtual_time_jumps_to_the_deadline() {
    let mut driver = VirtualDriver::new(0);
    assert_eq!((driver.now_us(), driver.wall_us()), (0, VIRTUAL_EPOCH_US));
    let begin = Instant::now();
    let hour = 3_600_000_000;
    driver.park(Some(hour), &mut Vec::new());
    assert_eq!((driver.now_us(), driver.wall_us()), (hour, VIRTUAL_EPOCH_US + hour as i64));
    assert!(begin.elapsed() < Duration::from_secs(60));
    // It never goes back.
    driver.park(Some(5), &mut Vec::new());
    assert_eq!(driver.now_us(), hour);
}

#[test]
fn virtual_time_waits_for_blocking_work() {
    let mut driver = VirtualDriver::new(0);
    let work = pool::run(|| std::thread::sleep(Duration::from_millis(300)));
    driver
        .start(
            async {
                work.await;
                Ok(HostValue::Int(1))
            }
            .boxed_local(),
        )
        .err()
        .unwrap();
    let mut done = Vec::new();
    driver.park(Some(10), &mut done);
    assert_eq!((done.len(), driver.now_us()), (1, 0));
}

#[test]
fn virtual_time_passes_over_a_silent_future() {
    let mut driver = VirtualDriver::new(0);
    driver.start(never()).err().unwrap();
    let mut done = Vec::new();
    driver.park(Some(10), &mut done);
    assert_eq!((done.len(), driver.now_us(), driver.pending()), (0, 10, 1));
}

#[test]
fn a_seed_gives_one_sequence() {
    let mut driver = VirtualDriver::new(9);
    let first: Vec<u64> = (0..3).map(|_| driver.seed()).collect();
    let mut driver = RealDriver::new(Some(9));
    let second: Vec<u64> = (0..3).map(|_| driver.seed()).collect();
    assert_eq!(first, second);
    assert_ne!(first[0], first[1]);
    assert_ne!(RealDriver::default().seed(), RealDriver::default().seed());
}
