//! Natives called from Rust, without the compiler. What needs script code is tested by the suite.
use crate::driver::{Driver, HostFuture, HostKey, HostResult, Output};
use crate::heap::Kind;
use crate::native::{Args, R, Stop};
use crate::object::array::Array;
use crate::value::Value;
use crate::vm::{Options, Vm};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

struct Idle;

impl Driver for Idle {
    fn now_us(&self) -> u64 {
        0
    }
    fn wall_us(&self) -> i64 {
        0
    }
    fn start(&mut self, _: HostFuture) -> Result<HostResult, HostKey> {
        Err(HostKey(0))
    }
    fn cancel(&mut self, _: HostKey) {}
    fn pending(&self) -> usize {
        0
    }
    fn poll(&mut self, _: &mut Vec<(HostKey, HostResult)>) {}
    fn park(&mut self, _: Option<u64>, _: &mut Vec<(HostKey, HostResult)>) {}
    fn wake_handle(&self) -> Arc<dyn Fn() + Send + Sync> {
        Arc::new(|| {})
    }
    fn seed(&mut self) -> u64 {
        7
    }
}

#[derive(Clone, Default)]
struct Memory(Rc<RefCell<String>>);

impl Output for Memory {
    fn stdout(&mut self, s: &str) {
        self.0.borrow_mut().push_str(s);
    }
    fn stderr(&mut self, s: &str) {
        self.0.borrow_mut().push_str(&format!("<{s}>"));
    }
    fn flush(&mut self) {}
}

struct Test {
    vm: Box<Vm>,
    out: Memory,
}

impl Test {
    fn new() -> Test {
        let out = Memory::default();
        Test { vm: Vm::new(Box::new(Idle), Box::new(out.clone()), Options::default()), out }
    }

    fn invoke(&mut self, f: Value, words: &[Value], method: bool) -> R {
        let (def, data) = f.as_native().expect("a native");
        let n = words.len() - method as usize;
        assert!(n >= def.min as usize && (n <= def.max as usize), "arity of {}", def.name);
        let args = Args { base: words.as_ptr(), n: words.len(), keywords: &[], method, data };
        (def.f)(&mut self.vm, &args)
    }

    fn call(&mut self, recv: Value, name: &str, args: &[Value]) -> R {
        let s = self.vm.sym(name);
        let class = self.vm.class_of(recv);
        let f = self.vm.class_find(class, s).unwrap_or_else(|| panic!("no method {name}"));
        let mut words = vec![recv];
        words.extend_from_slice(args);
        self.invoke(f, &words, true)
    }

    fn global(&mut self, name: &str, args: &[Value]) -> R {
        let s = self.vm.sym(name);
        let g = self.vm.globals;
        let f = self.vm.namespace_get(g, s).expect("a global");
        self.invoke(f, args, false)
    }

    /// Display form of the result, or the message raised.
    fn show(&mut self, r: R) -> String {
        match r {
            Ok(v) => self.vm.to_display(v).expect("text"),
            Err(Stop::Throw) => {
                let ex = std::mem::replace(&mut self.vm.exception, Value::UNDEF);
                self.vm.to_display(ex).expect("text")
            }
            Err(Stop::Call) => {
                let p = self.vm.pending.take().expect("a call");
                format!("-> {}", self.vm.function_name(p.callee).unwrap_or("?"))
            }
            Err(s) => format!("{s:?}"),
        }
    }

    fn get(&mut self, recv: Value, name: &str, args: &[Value]) -> String {
        let r = self.call(recv, name, args);
        self.show(r)
    }

    fn ints(&mut self, v: &[i64]) -> Value {
        let items: Vec<Value> = v.iter().map(|&i| self.vm.int(i)).collect();
        self.vm.array(&items)
    }

    fn map(&mut self, entries: &[(&str, Value)]) -> Value {
        let m = self.vm.map();
        for (k, v) in entries {
            let k = self.vm.sym(k);
            self.vm.map_set(m, k, *v);
        }
        m.value()
    }
}

fn i(n: i64) -> Value {
    Value::small(n)
}

/// One line per call: receiver method args = expected.
macro_rules! check {
    ($t:expr, $recv:expr, $($name:literal ($($arg:expr),*) = $want:expr;)*) => {
        $( {
            let args = [$($arg),*];
            assert_eq!($t.get($recv, $name, &args), $want, "{}", $name);
        } )*
    };
}

#[test]
fn array_reading() {
    let mut t = Test::new();
    let a = t.ints(&[3, 1, 2]);
    let s = t.vm.str("d");
    check! { t, a,
        "size"() = "3";
        "length"() = "3";
        "empty?"() = "false";
        "not_empty?"() = "true";
        "get"(i(0)) = "3";
        "get"(i(-1)) = "2";
        "get"(i(9)) = "nil";
        "get"(i(9), s) = "d";
        "get"(s) = "TypeException: get expects Int, got String";
        "first"() = "3";
        "last"() = "2";
        "first"(i(2)) = "[3 1]";
        "last"(i(2)) = "[1 2]";
        "last"(i(9)) = "[3 1 2]";
        "index_of"(i(2)) = "2";
        "index_of"(Value::float(1.0)) = "1";
        "index_of"(i(7)) = "-1";
        "last_index_of"(i(3)) = "0";
        "contains"(i(1)) = "true";
        "include?"(i(5)) = "false";
        "count"() = "3";
        "count"(i(3)) = "1";
        "reverse"() = "[2 1 3]";
        "slice"(i(1)) = "[1 2]";
        "slice"(i(0), i(-1)) = "[3 1]";
        "slice"(i(2), i(1)) = "[]";
        "slice"(s) = "TypeException: slice expects Int arguments";
        "take"(i(2)) = "[3 1]";
        "take"(i(-2)) = "[]";
        "drop"(i(1)) = "[1 2]";
        "skip"(i(9)) = "[]";
        "sum"() = "6";
        "product"() = "6";
        "mean"() = "2.0";
        "min"() = "1";
        "max"() = "3";
        "min_max"() = "[1 3]";
        "sort"() = "[1 2 3]";
        "rotate"(i(1)) = "[1 2 3]";
        "rotate"(i(-1)) = "[2 3 1]";
        "join"() = "312";
        "join"(s) = "3d1d2";
        "enumerate"() = "[[0 3] [1 1] [2 2]]";
        "keys"() = "[0 1 2]";
        "chunk"(i(2)) = "[[3 1] [2]]";
        "chunk"(i(0)) = "ArgumentException: chunk size must be positive";
        "windows"(i(2)) = "[[3 1] [1 2]]";
        "windows"(i(4)) = "[]";
        "combinations"(i(2)) = "[[3 1] [3 2] [1 2]]";
        "combinations"(i(0)) = "[[]]";
        "combinations"(i(4)) = "[]";
        "permutations"() = "[[3 1 2] [3 2 1] [1 3 2] [1 2 3] [2 3 1] [2 1 3]]";
        "to_map"() = "ArgumentException: to_map expects [key value] pairs";
        "immutable?"() = "false";
        "sort"(a) = "TypeException: sort expects a function, got Array";
    }
    assert_eq!(t.vm.to_debug(a).unwrap(), "[3 1 2]");
}

#[test]
fn array_writing() {
    let mut t = Test::new();
    let a = t.ints(&[1, 2]);
    check! { t, a,
        "add"(i(3)) = "[1 2 3]";
        "push"(i(4)) = "4";
        "pop"() = "4";
        "shift"() = "1";
        "unshift"(i(9)) = "[9 2 3]";
        "insert"(i(1), i(7)) = "[9 7 2 3]";
        "insert"(i(4), i(8)) = "[9 7 2 3 8]";
        "insert"(i(6), i(8)) = "ArgumentException: Array index out of bounds: 6 (len=5)";
        "remove_at"(i(-1)) = "8";
        "del"(i(9)) = "nil";
        "remove"(i(7)) = "true";
        "remove"(i(7)) = "false";
        "set"(i(-1), i(0)) = "[9 2 0]";
        "set"(i(7), i(0)) = "ArgumentException: Array index out of bounds: 7 (len=3)";
        "extend"(a) = "[9 2 0 9 2 0]";
        "reverse!"() = "[0 2 9 0 2 9]";
        "fill"(i(1)) = "[1 1 1 1 1 1]";
        "clear"() = "[]";
        "pop"() = "nil";
        "shift"() = "nil";
    }
    a.gc::<Array>().header_mut().set_frozen(true);
    for (name, n) in [("add", 1), ("pop", 0), ("clear", 0), ("set", 2), ("fill", 1), ("extend", 1), ("shuffle!", 0)] {
        let args = vec![i(0); n];
        assert_eq!(t.get(a, name, &args), "TypeException: Cannot modify immutable Array", "{name}");
    }
}

#[test]
fn arrays_of_arrays_and_sets() {
    let mut t = Test::new();
    let (x, y) = (t.ints(&[1, 2]), t.ints(&[3, 2]));
    let nested = t.vm.array(&[x, y]);
    let deep = t.vm.array(&[nested, i(5), x]);
    let dup = t.ints(&[4, 1, 4, 1]);
    check! { t, nested, "transpose"() = "[[1 3] [2 2]]"; "flatten"() = "[1 2 3 2]"; "zip"(x) = "[[[1 2] 1] [[3 2] 2]]"; }
    check! { t, deep, "flatten"() = "[1 2 3 2 5 1 2]"; "flatten"(i(1)) = "[[1 2] [3 2] 5 1 2]"; }
    check! { t, x,
        "union"(y) = "[1 2 3]";
        "intersect"(y) = "[2]";
        "diff"(y) = "[1]";
        "concat"(y, x) = "[1 2 3 2 1 2]";
        "concat"(i(1)) = "TypeException: concat expects Array, got Int";
    }
    check! { t, dup, "uniq"() = "[4 1]"; "tally"() = "{{4 2 1 2}}"; "to_set"() = "(HashSet 4 1)"; }
    t.vm.heap.array_push(x.gc(), x);
    check! { t, x, "flatten"() = "RuntimeException: Cannot flatten cyclic structure"; }
}

#[test]
fn sums_of_other_kinds() {
    let mut t = Test::new();
    let big = t.ints(&[i64::MAX, 1]);
    let mixed = t.vm.array(&[i(1), Value::float(0.5)]);
    let s = t.vm.str("x");
    let bad = t.vm.array(&[i(1), s]);
    let empty = t.vm.array(&[]);
    check! { t, big, "sum"() = "RuntimeException: Integer overflow in addition"; "max"() = "9223372036854775807"; }
    check! { t, mixed, "sum"() = "1.5"; "sort"() = "[0.5 1]"; "min"() = "0.5"; }
    check! { t, bad, "sum"() = "TypeException: Cannot add Int and String"; "min"() = "-> _min"; }
    check! { t, empty, "sum"() = "0"; "product"() = "1"; "mean"() = "nil"; "max"() = "nil"; "sort"() = "[]"; "sample"() = "nil"; }
}

#[test]
fn maps() {
    let mut t = Test::new();
    let m = t.map(&[("b", i(2)), ("a", i(1)), ("c", Value::NIL)]);
    let other = t.map(&[("a", i(5)), ("d", i(6))]);
    let (a, b, q, sym) = (t.vm.str("a"), t.vm.str("b"), t.vm.str("q"), t.vm.sym("a"));
    check! { t, m,
        "size"() = "3";
        "keys"() = "[b a c]";
        "values"() = "[2 1 nil]";
        "pairs"() = "[[b 2] [a 1] [c nil]]";
        "get"(a) = "1";
        "get"(Value::sym(sym)) = "1";
        "get"(q) = "nil";
        "get"(q, i(9)) = "9";
        "get"(i(1)) = "TypeException: Map key must be a String or Symbol, got Int";
        "has"(a) = "true";
        "has_key?"(q) = "false";
        "del"(b) = "2";
        "del"(b) = "nil";
        "merge"(other) = "{^a 5 ^c nil ^d 6}";
        "set"(b, i(1)) = "{^a 5 ^c nil ^d 6 ^b 1}";
        "pick"(a, q) = "{^a 5}";
        "omit"(a, q) = "{^c nil ^d 6 ^b 1}";
        "sort_keys"() = "{^a 5 ^b 1 ^c nil ^d 6}";
        "key_of"(i(6)) = "d";
        "invert"() = "{{5 a nil c 6 d 1 b}}";
        "to_hash_map"() = "{{a 5 c nil d 6 b 1}}";
        "merge"(i(1)) = "TypeException: merge expects Map, got Int";
        "clear"() = "{}";
    }
}

#[test]
fn hash_maps_and_sets() {
    let mut t = Test::new();
    let h = t.vm.heap.table(Kind::HashMap).value();
    let (k, arr, arr2) = (t.vm.str("k"), t.ints(&[1, 2]), t.ints(&[1, 2]));
    check! { t, h,
        "set"(i(1), i(10)) = "{{1 10}}";
        "set"(Value::float(1.0), i(11)) = "{{1 11}}";
        "set"(k, i(3)) = "{{1 11 k 3}}";
        "set"(arr, i(4)) = "{{1 11 k 3 [1 2] 4}}";
        "get"(arr2) = "4";
        "get"(Value::NIL) = "nil";
        "has"(k) = "true";
        "keys"() = "[1 k [1 2]]";
        "invert"() = "{{11 1 3 k 4 [1 2]}}";
        "del"(arr2) = "4";
        "del"(arr2) = "nil";
        "size"() = "2";
        "pick"(k) = "{{k 3}}";
        "omit"(k) = "{{1 11}}";
        "to_map"() = "TypeException: Map key must be a String or Symbol, got Int";
    }
    for n in 0..1000 {
        t.call(h, "set", &[i(n), i(n * 2)]).unwrap();
        t.call(h, "set", &[Value::float(n as f64 + 0.5), i(n)]).unwrap();
    }
    for n in 0..1000 {
        assert_eq!(t.get(h, "get", &[Value::float(n as f64)]), (n * 2).to_string());
    }
    for n in 0..990 {
        t.call(h, "del", &[i(n)]).unwrap();
    }
    assert_eq!(t.get(h, "size", &[]), "1011");
    assert_eq!(t.get(h, "get", &[i(995)]), "1990");

    let items = t.ints(&[1, 2, 2, 3]);
    let s = t.call(items, "to_set", &[]).unwrap();
    let items = t.ints(&[9, 1]);
    let o = t.call(items, "to_set", &[]).unwrap();
    check! { t, s,
        "size"() = "3";
        "has"(i(2)) = "true";
        "union"(o) = "(HashSet 1 2 3 9)";
        "intersect"(o) = "(HashSet 1)";
        "diff"(o) = "(HashSet 2 3)";
        "sym_diff"(o) = "(HashSet 2 3 9)";
        "subset?"(s) = "true";
        "subset?"(o) = "false";
        "superset?"(o) = "false";
        "disjoint?"(o) = "false";
        "delete"(i(2)) = "2";
        "delete"(i(2)) = "nil";
        "sum"() = "4";
        "max"() = "3";
        "to_array"() = "[1 3]";
    }
}

#[test]
fn ranges() {
    let mut t = Test::new();
    let r = t.vm.range(i(10), i(1), i(-4)).unwrap();
    check! { t, r,
        "to_array"() = "[10 6 2]";
        "size"() = "3";
        "contains"(i(2)) = "true";
        "contains"(i(3)) = "false";
        "start"() = "10";
        "step"() = "-4";
        "to_s"() = "10..1 step -4";
        "reverse"() = "2..10 step 4";
        "sum"() = "18";
        "take"(i(2)) = "[10 6]";
        "drop"(i(2)) = "[2]";
        "last"() = "2";
        "min"() = "2";
        "get"(i(-1)) = "2";
        "get"(i(3)) = "nil";
    }
    let f = t.vm.range(i(0), i(1), Value::float(0.25)).unwrap();
    check! { t, f, "to_array"() = "[0.0 0.25 0.5 0.75 1.0]"; "sum"() = "2.5"; "contains"(Value::float(0.5)) = "true"; }
    let c = t.vm.range(Value::char('a'), Value::char('e'), i(2)).unwrap();
    check! { t, c, "join"() = "ace"; "size"() = "3"; "contains"(Value::char('d')) = "false"; }
    let e = t.global("range", &[i(0)]).unwrap();
    check! { t, e, "to_array"() = "[]"; "to_s"() = "0..-1"; "first"() = "nil"; }
    let r = t.global("range", &[i(1), i(2), i(0)]);
    assert_eq!(t.show(r), "ArgumentException: range step must not be zero");
    let huge = t.vm.int(i64::MAX);
    let r = t.vm.range(i(1), huge, i(1)).unwrap();
    check! { t, r, "to_array"() = "RuntimeException: Array too large"; "sum"() = "RuntimeException: Integer overflow in addition"; }
}

#[test]
fn genes() {
    let mut t = Test::new();
    let ty = t.vm.sym("row");
    let s = t.vm.str("a");
    let (kids, id) = (t.vm.heap.array(&[s, i(2)]), t.vm.str("id"));
    let g = t.vm.gene(Value::sym(ty), Value::NIL, kids).value();
    check! { t, g,
        "set"(id, i(1)) = "(row ^id 1 \"a\" 2)";
        "add_child"(i(3)) = "(row ^id 1 \"a\" 2 3)";
        "ins_child"(i(0), Value::sym(ty)) = "(row ^id 1 row \"a\" 2 3)";
        "size"() = "4";
        "get"(id) = "1";
        "get"(i(1)) = "a";
        "child"(i(-1)) = "3";
        "child"(i(9)) = "nil";
        "del_child"(i(0)) = "row";
        "props"() = "{^id 1}";
        "del"(id) = "1";
        "del"(id) = "nil";
        "has"(id) = "false";
        "set_child"(i(9), i(0)) = "ArgumentException: Gene child index out of bounds: 9 (len=3)";
        "children"() = "[a 2 3]";
        "set_type"(i(1)) = "(1 \"a\" 2 3)";
        "clear"() = "(1)";
        "empty?"() = "true";
    }
}

#[test]
fn iterators() {
    let mut t = Test::new();
    let r = t.vm.range(i(1), i(7), i(3)).unwrap();
    let it = t.call(r, "iter", &[]).unwrap();
    check! { t, it,
        "to_s"() = "<RangeIterator>";
        "has_next"() = "true";
        "next"() = "1";
        "next_pair"() = "[1 4]";
        "next"() = "7";
        "next"() = "not_found";
        "has_next"() = "false";
    }
    let m = t.map(&[("k", i(5)), ("l", i(6))]);
    let it = t.call(m, "iter", &[]).unwrap();
    check! { t, it, "next_pair"() = "[k 5]"; "next"() = "6"; "next"() = "not_found"; }
    let it = t.call(m, "iter", &[]).unwrap();
    let k = t.vm.str("new");
    t.call(m, "set", &[k, i(1)]).unwrap();
    check! { t, it, "next"() = "RuntimeException: Map changed during iteration"; }
    let s = t.vm.str("hé");
    let it = t.call(s, "iter", &[]).unwrap();
    check! { t, it, "next"() = "h"; "next_pair"() = "[1 é]"; "next"() = "not_found"; }
}

#[test]
fn equality_and_hashes() {
    let mut t = Test::new();
    let big = t.vm.int(1 << 60);
    let s = t.vm.str("a");
    let pairs = [
        (i(1), Value::float(1.0), true),
        (big, Value::float((1u64 << 60) as f64), true),
        (Value::float(-0.0), i(0), true),
        (Value::float(f64::NAN), Value::float(f64::NAN), false),
        (s, Value::char('a'), false),
        (Value::NIL, Value::VOID, false),
        (Value::TRUE, i(1), false),
    ];
    for (a, b, want) in pairs {
        assert_eq!(t.vm.equal(a, b).unwrap(), want, "{a:?} {b:?}");
        assert_eq!(t.vm.equal(b, a).unwrap(), want);
        if want {
            assert_eq!(t.vm.hash_value(a).unwrap(), t.vm.hash_value(b).unwrap());
        }
    }
    let (a, b) = (t.map(&[("x", i(1)), ("y", i(2))]), t.map(&[("y", Value::float(2.0)), ("x", i(1))]));
    assert!(t.vm.equal(a, b).unwrap());
    assert_eq!(t.vm.hash_value(a).unwrap(), t.vm.hash_value(b).unwrap());
    let (c, d) = (t.ints(&[1]), t.ints(&[1]));
    t.vm.heap.array_push(c.gc(), c);
    t.vm.heap.array_push(d.gc(), d);
    assert!(t.vm.equal(c, c).unwrap());
    let r = t.vm.equal(c, d).map(Value::bool);
    assert_eq!(t.show(r), "RuntimeException: Comparison of cyclic structure");
}

#[test]
fn printing() {
    let mut t = Test::new();
    let s = t.vm.str("a\"\n\u{1}");
    assert_eq!(t.vm.to_debug(s).unwrap(), "\"a\\\"\\n\\u0001\"");
    assert_eq!(t.vm.to_debug(Value::char('\'')).unwrap(), "'\\''");
    let inner = t.map(&[("k", s), ("a b", i(1))]);
    let a = t.vm.array(&[s, Value::char('b'), inner]);
    assert_eq!(t.vm.to_text(a).unwrap(), "[\"a\\\"\\n\\u0001\" 'b' {^k \"a\\\"\\n\\u0001\" ^a\\ b 1}]");
    assert_eq!(t.vm.to_display(a).unwrap(), "[a\"\n\u{1} b {^k a\"\n\u{1} ^a\\ b 1}]");
    let cyclic = t.ints(&[1]);
    t.vm.heap.array_push(cyclic.gc(), cyclic);
    assert_eq!(t.vm.to_text(cyclic).unwrap(), "[1 [...]]");
    let mut deep = t.ints(&[]);
    for _ in 0..5000 {
        deep = t.vm.array(&[deep]);
    }
    let text = t.vm.to_text(deep).unwrap();
    assert_eq!(text, format!("{}...{}", "[".repeat(1000), "]".repeat(1000)));
    t.global("println", &[i(1), s, Value::NIL]).unwrap();
    t.global("print", &[s]).unwrap();
    t.global("print", &[]).unwrap();
    t.global("println", &[]).unwrap();
    t.global("eprintln", &[i(-5)]).unwrap();
    assert_eq!(*t.out.0.borrow(), "1 a\"\n\u{1} nil\na\"\n\u{1}\n<-5\n>");
}

#[test]
fn pretty_printing() {
    let mut t = Test::new();
    let short = t.ints(&[1, 2]);
    t.global("pp", &[short]).unwrap();
    let word = t.vm.str("thirty characters of some text");
    let row = t.vm.array(&[word, word]);
    let m = t.map(&[("rows", row), ("number", i(1))]);
    t.global("pp", &[m]).unwrap();
    assert_eq!(
        *t.out.0.borrow(),
        "[1 2]\n{\n  ^rows [\"thirty characters of some text\" \"thirty characters of some text\"]\n  ^number 1\n}\n"
    );
}

#[test]
fn freezing() {
    let mut t = Test::new();
    let inner = t.ints(&[1, 2]);
    let m = t.map(&[("xs", inner)]);
    let f = t.global("freeze", &[m]).unwrap();
    assert_eq!(t.vm.to_display(f).unwrap(), "#{^xs #[1 2]}");
    assert_eq!(t.vm.to_display(m).unwrap(), "{^xs [1 2]}");
    assert!(t.global("freeze", &[f]).unwrap() == f);
    assert_eq!(t.get(f, "immutable?", &[]), "true");
    let h = t.vm.heap.table(Kind::HashMap).value();
    t.call(h, "set", &[inner, inner]).unwrap();
    let f = t.global("freeze", &[h]).unwrap();
    assert_eq!(t.get(f, "get", &[inner]), "#[1 2]");
    t.vm.heap.array_push(inner.gc(), inner);
    let f = t.global("freeze", &[inner]).unwrap();
    assert_eq!(t.vm.to_display(f).unwrap(), "#[1 2 [...]]");
    let class = t.vm.classes.object.value();
    let bad = t.vm.array(&[class]);
    let r = t.global("freeze", &[bad]);
    assert_eq!(t.show(r), "TypeException: Cannot freeze Class");
}

#[test]
fn objects_and_kinds() {
    let mut t = Test::new();
    let (float, int, string) =
        (t.vm.classes.float.value(), t.vm.classes.int.value(), t.vm.classes.by_kind[Kind::Str as usize].value());
    let s = t.vm.str("12");
    check! { t, i(3), "to"(float) = "3.0"; "to"(string) = "3"; "class"() = "<Class Int>"; "is"(int) = "true"; }
    check! { t, s, "to"(int) = "TypeException: Type error: cannot convert String to Int"; }
    check! { t, Value::float(2.5), "to"(int) = "2"; }
    assert_eq!(*t.out.0.borrow(), "<Warning: Lossy conversion Float -> Int for value: 2.5 -> 2\n>");
    check! { t, int, "name"() = "Int"; "parent"() = "<Class Object>"; "ancestors"() = "[<Class Object>]"; }
    let r = t.global("typeof", &[s]);
    assert_eq!(t.show(r), "String");
    let r = t.global("len", &[i(1)]);
    assert_eq!(t.show(r), "TypeException: len expects a String or collection, got Int");
}

#[test]
fn every_prelude_function_compiles() {
    let mut t = Test::new();
    for (n, e) in crate::prelude::ENTRIES.iter().enumerate() {
        if let Err(s) = crate::prelude::compile(&mut t.vm, i(n as i64)) {
            panic!("{} {}: {}", e.class, e.name, t.show(Err(s)));
        }
    }
    for name in ["sort!", "sort", "map"] {
        let s = t.vm.sym(name);
        let f = t.vm.class_find(t.vm.classes.by_kind[Kind::Array as usize], s).unwrap();
        assert_eq!(f.is_kind(Kind::Native), name == "sort", "{name}");
    }
}
