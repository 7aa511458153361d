//! The collector against a model: random graphs of arrays, strings and maps are mutated and collected, and what is reachable
//! must keep its contents.
use gene_vm::heap::collect::Marker;
use gene_vm::heap::cycle::Advance;
use gene_vm::heap::{Gc, Heap, Kind};
use gene_vm::object::array::Array;
use gene_vm::value::Value;

struct Rng(u64);
impl Rng {
    fn next(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }
}

#[derive(Clone)]
enum Model {
    Int(i64),
    Text(String),
    Node(usize),
}

fn check(v: Value, m: &Model, arrays: &[Value]) {
    match m {
        Model::Int(i) => assert_eq!(v.as_int(), Some(*i)),
        Model::Text(s) => assert_eq!(v.as_str(), Some(s.as_str())),
        Model::Node(n) => assert_eq!(v, arrays[*n]),
    }
}

fn run(seed: u64, stress: bool) {
    let mut heap = Heap::new();
    heap.stress = stress;
    let mut rng = Rng(seed | 1);
    let mut model: Vec<Vec<Model>> = vec![Vec::new(); 40];
    let mut roots: Vec<Value> = (0..40).map(|_| heap.array(&[]).value()).collect();
    for round in 0..4000 {
        let n = rng.next(40);
        let a: Gc<Array> = roots[n].gc();
        match rng.next(10) {
            0..=3 => {
                let (v, m) = match rng.next(4) {
                    0 => {
                        let i = (rng.next(usize::MAX) as i64) << rng.next(16);
                        (heap.int(i), Model::Int(i))
                    }
                    1 => {
                        let s = "añ".repeat(rng.next(400));
                        (heap.string(&s).value(), Model::Text(s))
                    }
                    2 => {
                        let mut s = heap.string("x");
                        let mut t = String::from("x");
                        for _ in 0..rng.next(40) {
                            s = heap.string_append(s, &["0123456789", "é"]);
                            t.push_str("0123456789é");
                        }
                        (s.value(), Model::Text(t))
                    }
                    _ => {
                        let k = rng.next(40);
                        (roots[k], Model::Node(k))
                    }
                };
                heap.array_push(a, v);
                model[n].push(m);
            }
            4 if a.size() > 0 => {
                a.pop();
                model[n].pop();
            }
            5 if a.size() > 0 => {
                a.shift();
                model[n].remove(0);
            }
            6 => {
                // Garbage of many sizes.
                for _ in 0..rng.next(50) {
                    heap.array_with_capacity(rng.next(600));
                }
            }
            7 => {
                let roots = &mut roots;
                heap.collect(rng.next(3) == 0, &mut |m| m.values(roots));
                heap.verify().unwrap();
            }
            8 => {
                roots[n] = heap.array(&[]).value();
                for row in model.iter_mut() {
                    // References to the old array stay what they were: the model forgets them.
                    row.retain(|m| !matches!(m, Model::Node(k) if *k == n));
                }
                for (k, row) in model.iter().enumerate() {
                    let keep: Vec<Value> = roots[k]
                        .gc::<Array>()
                        .as_slice()
                        .iter()
                        .copied()
                        .filter(|v| !v.is_kind(Kind::Array) || roots.contains(v))
                        .collect();
                    if k != n {
                        let a = roots[k].gc::<Array>();
                        a.truncate(0);
                        heap.array_extend(a, &keep);
                        assert_eq!(a.size(), row.len());
                    }
                }
                model[n].clear();
            }
            _ => {}
        }
        if round % 50 == 0 {
            for (row, v) in model.iter().zip(&roots) {
                let a: Gc<Array> = v.gc();
                assert_eq!(a.size(), row.len());
                for (x, m) in a.as_slice().iter().zip(row) {
                    check(*x, m, &roots);
                }
            }
        }
    }
}

#[test]
fn random_graphs_survive_minor_and_full_collections() {
    for seed in 1..30 {
        run(seed * 7919, false);
    }
}

#[test]
fn random_graphs_survive_when_dead_cells_are_poisoned() {
    for seed in 1..10 {
        run(seed * 104729, true);
    }
}

/// Slices of the cycle under way, as safepoints make them.
fn go_on(heap: &mut Heap, roots: &[Value]) {
    let mut mark = |m: &mut Marker| m.values(roots);
    match heap.advance() {
        Advance::Wait => {}
        Advance::Roots => heap.mark_roots(&mut mark),
        Advance::End => heap.collect(false, &mut mark),
    }
}

/// Arrays of arrays, mutated in every way while a cycle is under way. Under stress the end of each cycle marks once more in one go
/// and compares.
#[test]
fn what_moves_between_slices_of_marking_survives() {
    let mut cycles = 0;
    for seed in 1..40 {
        let mut heap = Heap::new();
        heap.stress = true;
        let mut rng = Rng(seed * 7919);
        let mut roots: Vec<Value> = Vec::new();
        let mut model: Vec<Vec<i64>> = Vec::new();
        let leaf = |heap: &mut Heap, n: i64| heap.array(&[Value::small(n)]).value();
        for k in 0..20 {
            let a = heap.array(&[]);
            let mut row = Vec::new();
            for n in 0..if k == 0 { 20_000 } else { 30 } {
                let v = leaf(&mut heap, n);
                heap.array_push(a, v);
                row.push(n);
            }
            roots.push(a.value());
            model.push(row);
        }
        for step in 0..600 {
            let k = if rng.next(2) == 0 { 0 } else { rng.next(20) };
            let a: Gc<Array> = roots[k].gc();
            match rng.next(7) {
                0 | 1 => {
                    let v = leaf(&mut heap, step);
                    heap.array_push(a, v);
                    model[k].push(step);
                }
                2 if a.size() > 0 => {
                    let i = rng.next(a.size());
                    a.remove(i);
                    model[k].remove(i);
                }
                3 if a.size() > 0 => {
                    // From one array to another, the last reference at every moment.
                    let (i, to) = (rng.next(a.size()), rng.next(20));
                    let v = a.remove(i);
                    heap.array_push(roots[to].gc(), v);
                    let n = model[k].remove(i);
                    model[to].push(n);
                }
                4 if a.size() > 1 => {
                    let (i, j) = (rng.next(a.size()), rng.next(a.size()));
                    a.as_mut_slice().swap(i, j);
                    heap.barrier(a);
                    model[k].swap(i, j);
                }
                5 => {
                    let v = leaf(&mut heap, step);
                    let i = rng.next(a.size() + 1);
                    heap.array_insert(a, i, v);
                    model[k].insert(i, step);
                }
                _ if a.size() > 0 => {
                    a.shift();
                    model[k].remove(0);
                }
                _ => {}
            }
            let was = heap.in_cycle();
            if was {
                go_on(&mut heap, &roots);
            } else {
                heap.collect(rng.next(20) == 0, &mut |m| m.values(&roots));
            }
            cycles += u64::from(was && !heap.in_cycle());
        }
        for (row, v) in model.iter().zip(&roots) {
            let found: Vec<i64> =
                v.gc::<Array>().as_slice().iter().map(|x| x.gc::<Array>().at(0).unwrap().as_int().unwrap()).collect();
            assert_eq!(&found, row);
        }
    }
    assert!(cycles > 100, "{cycles} cycles");
}

#[test]
fn a_large_heap_is_marked_in_slices_of_bounded_work() {
    let mut heap = Heap::new();
    let all = heap.array(&[]);
    let mut roots = vec![all.value()];
    let collect_if_due = |heap: &mut Heap, roots: &[Value]| {
        if !heap.collect_requested {
            return false;
        }
        if heap.in_cycle() {
            go_on(heap, roots)
        } else {
            heap.collect(false, &mut |m| m.values(roots))
        }
        true
    };
    for n in 0..600_000 {
        let v = heap.array_with_capacity(10).value();
        heap.array_push(all, v);
        if n % 100 == 0 {
            collect_if_due(&mut heap, &roots);
        }
    }
    roots.push(heap.array(&[]).value());
    // From here on all is garbage, but for what was built: cycles pass, and none of them in one go.
    let (mut slices, mut in_slices, full) = (0, 0, heap.stats.full);
    while heap.stats.full < full + 2 {
        heap.array_with_capacity(10);
        in_slices += u64::from(collect_if_due(&mut heap, &roots) && heap.in_cycle());
        slices = slices.max(in_slices);
    }
    assert!(slices > 15, "{slices} slices");
    // In slices as much is found as in one go.
    let live = heap.live;
    heap.collect(true, &mut |m| m.values(&roots));
    assert_eq!(heap.live, live);
}

#[test]
fn a_full_collection_asked_for_in_a_cycle_starts_anew() {
    let mut heap = Heap::new();
    heap.stress = true;
    let keep = heap.array(&[]);
    let lose = heap.array(&[keep.value()]).value();
    while !heap.in_cycle() {
        heap.collect(false, &mut |m| m.values(&[keep.value(), lose]));
    }
    let live = heap.live;
    heap.collect(true, &mut |m| m.value(keep.value()));
    assert!(!heap.in_cycle());
    assert!(heap.live < live, "{} bytes of {live}", heap.live);
}

#[test]
fn memory_of_garbage_is_used_again() {
    let mut heap = Heap::new();
    for _ in 0..200 {
        for _ in 0..2000 {
            heap.array_with_capacity(20);
        }
        heap.collect(false, &mut |_| {});
    }
    assert!(heap.stats.block_bytes < 4 << 20, "{} bytes of blocks", heap.stats.block_bytes);
    assert_eq!(heap.live, 0);
}

#[test]
fn appending_to_a_string_does_not_copy_it_every_time() {
    let mut heap = Heap::new();
    let mut s = heap.string("");
    for _ in 0..100_000 {
        s = heap.string_append(s, &["0123456789"]);
    }
    assert_eq!(s.byte_len(), 1_000_000);
    // Doubling buffers: a few megabytes in all, not the 50 GB of copying.
    assert!(heap.allocated < 16 << 20, "{} bytes", heap.allocated);
}

#[test]
fn an_array_of_a_million_ints_takes_about_its_words() {
    let mut heap = Heap::new();
    let a = heap.array(&[]);
    for i in 0..1_000_000 {
        heap.array_push(a, Value::small(i));
    }
    heap.collect(true, &mut |m| m.value(a.value()));
    assert!(heap.live <= 9_000_000, "{} bytes", heap.live);
}

#[test]
fn a_stale_pointer_into_a_released_block_names_no_object() {
    let mut heap = Heap::new();
    let stale: Vec<u64> = (0..50_000).map(|_| heap.array_with_capacity(8).value().0).collect();
    // A full collection with no roots gives the empty blocks back.
    heap.collect(true, &mut |_| {});
    heap.collect(true, &mut |m| {
        let p = stale.as_ptr();
        // SAFETY: the range is the vector.
        unsafe { m.conservative(p, p.add(stale.len())) };
    });
    assert_eq!(heap.live, 0);
}
