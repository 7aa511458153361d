//! Deep and long inputs: nesting up to the limit reads on a small stack, beyond it fails at once.

use std::time::{Duration, Instant};

use bumpalo::Bump;

use super::{check_error, failure, located};
use crate::syntax::{MAX_DEPTH, read};

const MAX: usize = MAX_DEPTH as usize;

/// On a thread with the stack that programs get.
fn on_small_stack(run: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(2 << 20).spawn(run).unwrap().join().unwrap();
}

/// Reads at `count` levels and fails at one more. The texts around and in the middle belong to the levels given.
fn check_limit(open: &str, middle: &str, close: &str, count: usize) {
    let nested = |count: usize| format!("{}{middle}{}", open.repeat(count), close.repeat(count));
    let arena = Bump::new();
    assert!(read(&arena, &nested(count)).is_ok(), "{open}");
    assert_eq!(failure(&nested(count + 1)).message, "Nesting too deep", "{open}");
}

#[test]
fn ten_thousand_levels_can_be_read() {
    on_small_stack(|| {
        check_limit("(", "", ")", MAX);
        check_limit("[", "1", "]", MAX);
        check_limit("#[", "", "]", MAX);
        check_limit("(a ", "", ")", MAX);
        check_limit("(a ^k ", "1", ")", MAX);
        check_limit("{^a ", "1", "}", MAX);
        check_limit("{{ 1 ", "2", " }}", MAX);
        check_limit("`", "a", "", MAX);
        check_limit("%", "a", "", MAX);
        check_limit("%_", "a", "", MAX);
        check_limit("#@a ", "b", "", MAX);
        check_limit("#@", "a b", " c", MAX);
        check_limit("`[", "a", "]", MAX / 2);
        check_limit("#\"#{", "a", "}\"", MAX / 2);
        check_limit("#\"#(", "a", ")\"", MAX / 2);
        check_limit("(a ", "", ";b)", MAX / 2);
    });
}

#[test]
fn a_level_too_many_is_blamed_on_its_bracket() {
    assert_eq!(located(&"(".repeat(MAX + 5)), format!("1:{}: Nesting too deep", MAX + 1));
    assert_eq!(located(&format!("{}{{^a 1}}", "[".repeat(MAX))), format!("1:{}: Nesting too deep", MAX + 1));
}

#[test]
fn shortcuts_count_as_levels() {
    on_small_stack(|| {
        let arena = Bump::new();
        let nested = |count: usize, value: &str| format!("{{{} {value}}}", "^a".repeat(count));
        assert!(read(&arena, &nested(MAX, "1")).is_ok());
        assert!(read(&arena, &nested(MAX - 1, "[]")).is_ok());
        assert_eq!(failure(&nested(MAX + 1, "1")).message, "Nesting too deep");
        assert_eq!(failure(&nested(MAX, "[]")).message, "Nesting too deep");
        let flags = |count: usize| format!("{{{}^^b}}", "^a".repeat(count));
        assert!(read(&arena, &flags(MAX - 1)).is_ok());
        assert_eq!(failure(&flags(MAX)).message, "Nesting too deep");
    });
}

#[test]
fn shortcuts_close_with_their_value() {
    let text = format!("{{{} 1 ^b {}{}}}", "^a".repeat(MAX - 10), "[".repeat(MAX - 10), "]".repeat(MAX - 10));
    assert!(read(&Bump::new(), &text).is_ok());
}

#[test]
fn chains_count_as_levels() {
    on_small_stack(|| {
        let arena = Bump::new();
        assert!(read(&arena, &format!("(a{})", ";b".repeat(MAX - 1))).is_ok());
        assert_eq!(failure(&format!("(a{})", ";b".repeat(MAX))).message, "Nesting too deep");
        // The first segment is the deepest; the last ones are not deeper than their bracket.
        let deep = |count: usize| format!("(a {}{}{})", "(".repeat(count), ")".repeat(count), ";b".repeat(MAX / 2));
        assert!(read(&arena, &deep(MAX / 2 - 1)).is_ok());
        assert_eq!(failure(&deep(MAX / 2)).message, "Nesting too deep");
        let late = format!("(a{};{}{})", ";b".repeat(MAX / 2), "(".repeat(MAX - 10), ")".repeat(MAX - 10));
        assert!(read(&arena, &late).is_ok());
        assert_eq!(failure(&format!("#\"#{{a{}}}\"", ";b".repeat(MAX))).message, "Nesting too deep");
    });
}

#[test]
fn dynamic_parts_count_as_levels() {
    on_small_stack(|| {
        let arena = Bump::new();
        let nested = |count: usize| format!("{}x{}", "a/<".repeat(count), ">".repeat(count));
        assert!(read(&arena, &nested(MAX)).is_ok());
        assert_eq!(failure(&nested(MAX + 1)).message, "Nesting too deep");
        assert_eq!(failure(&format!("[{}]", nested(MAX))).message, "Nesting too deep");
        assert_eq!(failure(&format!("[.<{}>]", nested(MAX - 1))).message, "Nesting too deep");
        assert_eq!(failure(&format!("[@{}", "a/<".repeat(MAX + 1))).message, "Nesting too deep");
    });
}

#[test]
fn levels_beside_each_other_do_not_add_up() {
    let text = "(a [b] {^c^d 1} `e #@f g #\"#{h}\" (i; j) k/<l>)".repeat(MAX);
    assert!(read(&Bump::new(), &text).is_ok());
}

#[test]
fn endless_openings_fail_at_once() {
    let started = Instant::now();
    for open in ["(", "[", "{{", "`", "%", "%_", "#@", "#(", "#\"#{", "#\"#(", "{^a ", "(a ^a", "(a", "[`", "{{{^a "] {
        let text = open.repeat((16 << 20) / open.len());
        assert_eq!(failure(&text).message, "Nesting too deep", "{open}");
    }
    let text = format!("(a {}", "^a".repeat(8 << 20));
    assert_eq!(failure(&text).message, "Nesting too deep");
    let text = format!("(a {}", "; b".repeat(4 << 20));
    assert_eq!(failure(&text).message, "Nesting too deep");
    let text = "a/<".repeat(4 << 20);
    assert_eq!(failure(&text).message, "Nesting too deep");
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

#[test]
fn long_tokens_take_linear_time() {
    let started = Instant::now();
    let long = "x".repeat(4 << 20);
    let arena = Bump::new();
    for text in [
        format!("\"{long}\""),
        format!("\"{}\"", "\\n".repeat(2 << 20)),
        format!("\"\"\"{}\"\"\"", "\"\" ".repeat(1 << 20)),
        format!("#\"{}\"", "# ".repeat(2 << 20)),
        format!("#\"{}\"", "#{a}".repeat(1 << 20)),
        format!("#<{long}>#"),
        format!("#<{}>#", ">> ".repeat(1 << 20)),
        format!("# {long}"),
        long.clone(),
        "\\x".repeat(2 << 20),
        format!("a{}", "/b".repeat(1 << 20)),
        format!("0#{}", "a~".repeat(1 << 20)) + "b",
        format!("0#{}", "a~ ".repeat(1 << 20)) + "b",
        format!("#/{long}/"),
        format!("[{}]", "#/a/ ".repeat(1 << 19)),
        format!("[{}]", "1 ".repeat(1 << 20)),
        format!("{{{}}}", (0..200_000).map(|i| format!("^k{i} 1 ")).collect::<String>()),
        format!("{{{}}}", (0..200_000).map(|i| format!("^k^j{i} 1 ")).collect::<String>()),
        format!("{{{}}}", (0..200_000).map(|i| format!("^k{i}^j^l 1 ")).collect::<String>()),
    ] {
        assert!(read(&arena, &text).is_ok(), "{}", &text[..20]);
    }
    for text in [
        "9".repeat(4 << 20),
        format!("1{long}"),
        format!("2024-{}", "1".repeat(1 << 20)),
        format!("{}d", "1d".repeat(1 << 20)),
    ] {
        assert!(failure(&text).message.len() < 200);
    }
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

#[test]
fn messages_stay_short() {
    let long = "x".repeat(1 << 20);
    for text in [
        format!("{long}/"),
        format!("@{long}/"),
        format!("{{^{long} 1 ^{long} 2}}"),
        format!("{{^{long}}}"),
        format!("(a ^^{long}^b)"),
    ] {
        assert!(failure(&text).message.len() < 200);
    }
    check_error(&format!("{}/", "x".repeat(100)), &format!("1:1: Invalid path: {}...", "x".repeat(100)));
}
