//! usage: conc_tokio <bench> <N> [dir]     RT=ct (default, current_thread) | mt (2 workers)
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

type R = (u64, Vec<String>);

async fn spawn_join(n: u64) -> R {
    let tasks: Vec<_> = (0..n).map(|i| tokio::spawn(async move { i })).collect();
    let mut sum = 0;
    for t in tasks {
        sum += t.await.unwrap();
    }
    (sum, vec![])
}

async fn pingpong(n: u64) -> R {
    let (atx, mut arx) = mpsc::channel::<u64>(1);
    let (btx, mut brx) = mpsc::channel::<u64>(1);
    let t = tokio::spawn(async move {
        for _ in 0..n {
            let v = arx.recv().await.unwrap();
            btx.send(v + 1).await.unwrap();
        }
    });
    let mut sum = 0;
    for i in 0..n {
        atx.send(i).await.unwrap();
        sum += brx.recv().await.unwrap();
    }
    t.await.unwrap();
    (sum, vec![])
}

async fn ring(n: u64) -> R {
    let size = 1000;
    let (mut txs, mut rxs): (Vec<_>, Vec<_>) = (0..size).map(|_| mpsc::channel::<u64>(1)).unzip();
    let (done_tx, mut done_rx) = mpsc::channel::<u64>(1);
    let first = txs[0].clone();
    txs.rotate_left(1); // txs[i] now feeds task i+1
    for (i, (out, mut inp)) in txs.into_iter().zip(rxs.drain(..)).enumerate() {
        let done = done_tx.clone();
        tokio::spawn(async move {
            while let Some(v) = inp.recv().await {
                if v == 0 {
                    let _ = done.send(i as u64 + 1).await;
                    return;
                }
                if out.send(v - 1).await.is_err() {
                    return;
                }
            }
        });
    }
    first.send(n).await.unwrap();
    (done_rx.recv().await.unwrap(), vec![])
}

async fn channel_throughput(n: u64) -> R {
    let (tx, mut rx) = mpsc::channel::<u64>(100);
    tokio::spawn(async move {
        for i in 0..n {
            tx.send(i).await.unwrap();
        }
    });
    let mut sum = 0;
    while let Some(v) = rx.recv().await {
        sum += v;
    }
    (sum, vec![])
}

async fn fan_in_select(n: u64) -> R {
    let mut rxs = Vec::new();
    for p in 0..4 {
        let (tx, rx) = mpsc::channel::<u64>(1);
        rxs.push(rx);
        tokio::spawn(async move {
            for i in 0..n / 4 {
                tx.send(i * 4 + p).await.unwrap();
            }
        });
    }
    let mut it = rxs.into_iter();
    let (mut r0, mut r1, mut r2, mut r3) =
        (it.next().unwrap(), it.next().unwrap(), it.next().unwrap(), it.next().unwrap());
    let mut sum = 0;
    loop {
        // a closed channel yields None, which disables its branch for that select
        tokio::select! {
            Some(v) = r0.recv() => sum += v,
            Some(v) = r1.recv() => sum += v,
            Some(v) = r2.recv() => sum += v,
            Some(v) = r3.recv() => sum += v,
            else => break,
        }
    }
    (sum, vec![])
}

async fn sleepers(n: u64) -> R {
    let tasks: Vec<_> = (0..n)
        .map(|_| {
            tokio::spawn(async {
                tokio::time::sleep(Duration::from_secs(1)).await;
                1u64
            })
        })
        .collect();
    let mut sum = 0;
    for t in tasks {
        sum += t.await.unwrap();
    }
    (sum, vec![])
}

async fn timers(n: u64) -> R {
    let mut seed = 42u64;
    let mut tasks = Vec::new();
    for _ in 0..n {
        seed = (seed * 3877 + 29573) % 139968;
        let d = Duration::from_millis(1 + seed % 100);
        tasks.push(tokio::spawn(async move {
            let t0 = Instant::now();
            tokio::time::sleep(d).await;
            t0.elapsed().as_secs_f64() * 1e6 - d.as_secs_f64() * 1e6
        }));
    }
    let mut late = Vec::new();
    for t in tasks {
        late.push(t.await.unwrap());
    }
    late.sort_by(f64::total_cmp);
    let l = late.len();
    (n, vec![
        format!("late_p50_us={:.0}", late[l / 2]),
        format!("late_p99_us={:.0}", late[l * 99 / 100]),
        format!("late_max_us={:.0}", late[l - 1]),
    ])
}

async fn three_reads() -> R {
    async fn op(v: u64) -> u64 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        v
    }
    let (a, b, c) = tokio::join!(op(1), op(2), op(3));
    (a + b + c, vec![])
}

async fn file_reads(n: u64, dir: String) -> R {
    let mut sum = 0;
    for _ in 0..n {
        let mut rd = tokio::fs::read_dir(&dir).await.unwrap();
        let mut tasks = Vec::new();
        while let Some(e) = rd.next_entry().await.unwrap() {
            tasks.push(tokio::spawn(tokio::fs::read(e.path())));
        }
        for t in tasks {
            let b = t.await.unwrap().unwrap();
            sum += b.len() as u64 + b[0] as u64;
        }
    }
    (sum, vec![])
}

async fn tcp_echo(n: u64) -> R {
    const CLIENTS: usize = 100;
    const SIZE: usize = 64;
    let ln = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = ln.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut s, _)) = ln.accept().await {
            tokio::spawn(async move {
                s.set_nodelay(true).unwrap();
                let mut buf = [0u8; 4096];
                loop {
                    match s.read(&mut buf).await {
                        Ok(0) | Err(_) => return,
                        Ok(k) => {
                            if s.write_all(&buf[..k]).await.is_err() {
                                return;
                            }
                        }
                    }
                }
            });
        }
    });
    let clients: Vec<_> = (0..CLIENTS)
        .map(|i| {
            tokio::spawn(async move {
                let mut s = TcpStream::connect(addr).await.unwrap();
                s.set_nodelay(true).unwrap();
                let msg = [b'a' + (i % 26) as u8; SIZE];
                let mut buf = [0u8; SIZE];
                let mut got = 0u64;
                for _ in 0..n {
                    s.write_all(&msg).await.unwrap();
                    got += s.read_exact(&mut buf).await.unwrap() as u64;
                }
                got
            })
        })
        .collect();
    let mut sum = 0;
    for c in clients {
        sum += c.await.unwrap();
    }
    (sum, vec![])
}

#[inline(never)]
fn chunk_sum(n: u64, c: u64) -> u64 {
    let mut s = c;
    for i in 1..=n {
        s = (s * 31 + i) % 1000003;
    }
    s
}

async fn cpu_parallel(n: u64) -> R {
    const CHUNKS: u64 = 8;
    let t0 = Instant::now();
    let seq: u64 = (0..CHUNKS).map(|c| chunk_sum(n, c)).sum();
    let ms1 = t0.elapsed().as_secs_f64() * 1e3;
    let t0 = Instant::now();
    let ws: Vec<_> = (0..2)
        .map(|w| {
            tokio::task::spawn_blocking(move || {
                (w..CHUNKS).step_by(2).map(|c| chunk_sum(n, c)).sum::<u64>()
            })
        })
        .collect();
    let mut par = 0;
    for w in ws {
        par += w.await.unwrap();
    }
    let ms2 = t0.elapsed().as_secs_f64() * 1e3;
    assert_eq!(par, seq);
    (par, vec![format!("ms1={ms1:.1}"), format!("ms2={ms2:.1}"), format!("speedup={:.2}", ms1 / ms2)])
}

fn main() {
    let a: Vec<String> = std::env::args().collect();
    let rt = if std::env::var("RT").as_deref() == Ok("mt") {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()
    } else {
        tokio::runtime::Builder::new_current_thread().enable_all().build()
    }
    .unwrap();
    let n: u64 = a[2].parse().unwrap();
    let dir = a.get(3).cloned().unwrap_or_default();
    let body = async move {
        match a[1].as_str() {
            "spawn_join" => spawn_join(n).await,
            "pingpong" => pingpong(n).await,
            "ring" => ring(n).await,
            "channel_throughput" => channel_throughput(n).await,
            "fan_in_select" => fan_in_select(n).await,
            "sleepers" => sleepers(n).await,
            "timers" => timers(n).await,
            "three_reads" => three_reads().await,
            "file_reads" => file_reads(n, dir).await,
            "tcp_echo" => tcp_echo(n).await,
            "cpu_parallel" => cpu_parallel(n).await,
            other => panic!("unknown bench {other}"),
        }
    };
    let t0 = Instant::now();
    // spawned so that in the mt runtime the main body runs on a worker, not on the block_on thread
    let (cs, extra) = rt.block_on(async { tokio::spawn(body).await.unwrap() });
    let ms = t0.elapsed().as_secs_f64() * 1e3;
    println!("checksum={cs} ms={ms:.2} {}", extra.join(" "));
    std::process::exit(0);
}
