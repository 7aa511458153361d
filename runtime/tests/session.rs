//! A session evaluates any number of inputs: none of them stays behind.
use gene::Vm;

/// Bytes of memory of this process.
fn resident() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    Some(text.split_whitespace().nth(1)?.parse::<usize>().ok()? * 4096)
}

/// What the process grows by while `input` is evaluated again and again, after it has been often enough for all to be warm.
fn growth(before: &str, rounds: usize, input: impl Fn(usize) -> String) -> usize {
    let mut vm = Vm::builder().capture_output().build();
    vm.eval(before).unwrap();
    for i in 0..rounds / 4 {
        vm.eval(&input(i)).unwrap();
    }
    let Some(start) = resident() else { return 0 };
    for i in 0..rounds {
        vm.eval(&input(i)).unwrap();
    }
    resident().map_or(0, |end| end.saturating_sub(start))
}

#[test]
fn inputs_leave_nothing_behind() {
    type Input = fn(usize) -> String;
    let kinds: [(&str, &str, usize, Input); 4] = [
        ("expressions", "(var x 1)", 100_000, |_| "(x += 1)".into()),
        ("functions", "1", 40_000, |i| format!("(fn f [a] (a + {i})) (var m {{^a {i}}}) (f m/a)")),
        ("quoted data", "(var q nil)", 40_000, |i| format!("(q = `(a (b {i}) \"{i}\")) ($parse \"(a {i})\")")),
        ("tasks", "1", 20_000, |_| "(fn f [x] (x * 2)) (await (spawn (f 2))) (try (throw \"x\") catch * 1)".into()),
    ];
    for (what, before, rounds, input) in kinds {
        let bytes = growth(before, rounds, input);
        assert!(bytes / rounds < 60, "{what}: {bytes} bytes more after {rounds} inputs");
    }
}
