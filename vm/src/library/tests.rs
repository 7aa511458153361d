//! Natives of this directory, called from Rust.
use super::testing::{function, method, shown, vm};
use crate::value::Value;
use crate::vm::Vm;

fn json(vm: &mut Vm, text: &str) -> String {
    let t = vm.str(text);
    let r = function(vm, "gene/json/parse", &[t], &[]);
    shown(vm, r)
}

fn stringify(vm: &mut Vm, text: &str, kw: &[(&str, Value)]) -> String {
    let t = vm.str(text);
    let v = function(vm, "gene/json/parse", &[t], &[]).unwrap();
    let v = function(vm, "gene/json/stringify", &[v], kw).unwrap();
    v.as_str().unwrap().to_string()
}

#[test]
fn json_values() {
    let vm = &mut vm();
    for (text, shown) in [
        ("null", "nil"),
        (" true ", "true"),
        ("[1, 2.0, null, \"s\"]", "[1 2.0 nil \"s\"]"),
        ("{\"k\": [], \"e\": {}}", "{^k [] ^e {}}"),
        ("{\"a\": 1, \"b\": 2, \"a\": 3}", "{^a 3 ^b 2}"),
        ("-0", "0"),
        ("-0.0", "-0.0"),
        ("0.1", "0.1"),
        ("1e3", "1000.0"),
        ("1E-2", "0.01"),
        ("123456789012345678901", "1.2345678901234568e+20"),
        ("9223372036854775807", "9223372036854775807"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("9223372036854775808", "9.223372036854776e+18"),
        ("1.7976931348623157e308", "1.7976931348623157e+308"),
        ("0.30000000000000004", "0.30000000000000004"),
        ("2.2250738585072014e-308", "2.2250738585072014e-308"),
        ("\"a\\u00e9\\ud83d\\ude00\\n\\/\\\\\\\"\"", "\"aé😀\\n/\\\\\\\"\""),
        ("\"\"", "\"\""),
        ("\"a long string without escapes, é\"", "\"a long string without escapes, é\""),
    ] {
        assert_eq!(json(vm, text), shown, "{text}");
    }
}

#[test]
fn json_faults_have_places() {
    let vm = &mut vm();
    for (text, message) in [
        ("[1,]", "1:4: expected a value"),
        ("", "1:1: unexpected end of input"),
        ("[1", "1:3: unexpected end of input"),
        ("{\"a\" 1}", "1:6: expected :"),
        ("{a: 1}", "1:2: expected a string as key"),
        ("{\"a\": 1,}", "1:9: expected a string as key"),
        ("[1 2]", "1:4: expected , or ]"),
        ("\n [01]", "2:4: invalid number"),
        ("1.", "1:3: unexpected end of input"),
        ("1.x", "1:3: invalid number"),
        ("-", "1:2: unexpected end of input"),
        ("+1", "1:1: expected a value"),
        ("tru", "1:4: unexpected end of input"),
        ("nul1", "1:4: expected a value"),
        ("\"é\u{1}\"", "1:3: control character in a string"),
        ("\"\\x\"", "1:3: invalid escape"),
        ("\"\\ud800\"", "1:4: unpaired surrogate"),
        ("\"\\udc00\"", "1:4: unpaired surrogate"),
        ("\"abc", "1:5: unexpected end of input"),
        ("1 2", "1:3: trailing characters"),
        ("1e999", "1:1: number out of range"),
        ("'a'", "1:1: expected a value"),
        ("[1] // c", "1:5: trailing characters"),
        ("\u{feff}1", "1:1: expected a value"),
    ] {
        assert_eq!(json(vm, text), format!("ParseException: Invalid JSON: {message}"), "{text}");
    }
    assert!(json(vm, &("[".repeat(1000) + &"]".repeat(1000))).starts_with("[["));
    assert!(json(vm, &("[".repeat(1001) + &"]".repeat(1001))).ends_with("1:1001: nesting too deep"));
}

#[test]
fn json_texts() {
    let vm = &mut vm();
    let text = "{\"a\":1,\"b\":[1.0,null,true,\"x\\\"\\n\"],\"c\":{\"d\":\"sym\"},\"e\":[],\"f\":{}}";
    assert_eq!(stringify(vm, text, &[]), text);
    let two = [("indent", Value::small(2))];
    assert_eq!(stringify(vm, "{\"k\":[1,{}],\"e\":[]}", &two), "{\n  \"k\": [\n    1,\n    {}\n  ],\n  \"e\": []\n}");
    let sorted = [("sort_keys", Value::TRUE)];
    assert_eq!(stringify(vm, "{\"b\":1,\"a\":{\"d\":1,\"c\":2}}", &sorted), "{\"a\":{\"c\":2,\"d\":1},\"b\":1}");
    let nan = Value::float(f64::NAN);
    let r = method(vm, nan, "to_json", &[], &[]);
    assert_eq!(shown(vm, r), "ArgumentException: JSON cannot represent nan");
    let a = vm.heap.array(&[Value::NIL]);
    vm.heap.array_set(a, 0, a.value());
    let r = method(vm, a.value(), "to_json", &[], &[]);
    assert_eq!(shown(vm, r), "ArgumentException: JSON cannot represent cyclic structure");
}

#[test]
fn json_objects_of_one_shape() {
    let vm = &mut vm();
    let row = |i| format!("{{\"id\":{i},\"name\":\"n{i}\",\"x\":{{\"id\":{i}}}}}");
    let text = format!("[{}]", (0..50).map(row).collect::<Vec<_>>().join(","));
    assert_eq!(stringify(vm, &text, &[]), text);
    let many = format!("{{{}}}", (0..100).map(|i| format!("\"k{i}\":{i}")).collect::<Vec<_>>().join(","));
    assert_eq!(stringify(vm, &format!("[{many},{many}]"), &[]), format!("[{many},{many}]"));
}

/// Arguments in short form: `"..."` Strings, `'c'` Chars, numbers.
fn arg(vm: &mut Vm, a: &str) -> Value {
    if let Some(s) = a.strip_prefix('"') {
        return vm.str(s.strip_suffix('"').unwrap());
    }
    if let Some(s) = a.strip_prefix('\'') {
        return Value::char(s.chars().next().unwrap());
    }
    if let Some(re) = a.strip_prefix('/') {
        return super::regex::make_regex(vm, re.strip_suffix('/').unwrap(), "", None).unwrap();
    }
    match a {
        "nil" => Value::NIL,
        _ if a.contains('.') => Value::float(a.parse().unwrap()),
        _ => vm.int(a.parse().unwrap()),
    }
}

fn check(cases: &[(&str, &str, &[&str], &str)]) {
    let vm = &mut vm();
    for (recv, name, args, expected) in cases {
        let r = arg(vm, recv);
        let args: Vec<Value> = args.iter().map(|a| arg(vm, a)).collect();
        let got = method(vm, r, name, &args, &[]);
        assert_eq!(&shown(vm, got), expected, "({recv} .{name} ...)");
    }
}

#[test]
fn strings() {
    let s = "\"héllo wörld\"";
    check(&[
        (s, "length", &[], "11"),
        (s, "bytesize", &[], "13"),
        (s, "to_upper", &[], "\"HÉLLO WÖRLD\""),
        (s, "title", &[], "\"Héllo Wörld\""),
        (s, "capitalize", &[], "\"Héllo wörld\""),
        (s, "reverse", &[], "\"dlröw olléh\""),
        (s, "swap_case", &[], "\"HÉLLO WÖRLD\""),
        (s, "index", &["\"l\""], "2"),
        (s, "index", &["\"l\"", "4"], "9"),
        (s, "index", &["\"l\"", "-3"], "9"),
        (s, "index", &["\"l\"", "99"], "-1"),
        (s, "rindex", &["/l/"], "9"),
        (s, "index", &["\"z\""], "-1"),
        (s, "substr", &["1", "3"], "\"éll\""),
        (s, "substr", &["-3"], "\"rld\""),
        (s, "substr", &["5", "2"], "\"\""),
        (s, "substr", &["-99", "99"], s),
        (s, "slice", &["1", "3"], "\"él\""),
        (s, "slice", &["-2"], "\"ld\""),
        (s, "count", &["\"l\""], "3"),
        (s, "char_at", &["1"], "'é'"),
        (s, "char_at", &["-1"], "'d'"),
        (s, "char_at", &["11"], "ArgumentException: char_at index out of bounds"),
        (s, "get", &["99", "7"], "7"),
        (s, "get", &["99"], "nil"),
        ("\"7\"", "pad_left", &["3", "\"0\""], "\"007\""),
        ("\"7\"", "pad_right", &["3"], "\"7  \""),
        ("\"ab\"", "center", &["5", "'*"], "\"*ab**\""),
        ("\"ab\"", "center", &["1"], "\"ab\""),
        ("\"ab\"", "pad_left", &["5", "\"xy\""], "ArgumentException: pad_left requires one fill character"),
        ("\"ab\"", "repeat", &["3"], "\"ababab\""),
        ("\"ab\"", "repeat", &["-1"], "ArgumentException: repeat count must not be negative"),
        ("\"ab\"", "repeat", &["9223372036854775807"], "RuntimeException: String too long"),
        ("\"--x--\"", "trim", &["\"-\""], "\"x\""),
        ("\" \u{a0}x\n\"", "trim", &[], "\"x\""),
        ("\" x \"", "lstrip", &[], "\"x \""),
        ("\"k=v=w\"", "partition", &["\"=\""], "[\"k\" \"=\" \"v=w\"]"),
        ("\"k=v=w\"", "rpartition", &["\"=\""], "[\"k=v\" \"=\" \"w\"]"),
        ("\"k\"", "rpartition", &["\"=\""], "[\"\" \"\" \"k\"]"),
        ("\"a b  c\"", "words", &[], "[\"a\" \"b\" \"c\"]"),
        ("\"a b  c\"", "split", &[], "[\"a\" \"b\" \"c\"]"),
        ("\"a,b,,c\"", "split", &["\",\""], "[\"a\" \"b\" \"\" \"c\"]"),
        ("\"a,b,c\"", "split", &["\",\"", "2"], "[\"a\" \"b,c\"]"),
        ("\"xyz\"", "split", &["\"\""], "[\"x\" \"y\" \"z\"]"),
        ("\"xyz\"", "split", &["\"\"", "2"], "[\"x\" \"yz\"]"),
        ("\"\"", "split", &["\",\""], "[\"\"]"),
        ("\"\"", "split", &["\"\""], "[]"),
        ("\"aXbX\"", "replace", &["\"X\"", "\"-\""], "\"a-bX\""),
        ("\"aXbX\"", "replace_all", &["\"X\"", "'-"], "\"a-b-\""),
        ("\"ab\"", "gsub", &["\"\"", "\"-\""], "\"-a-b-\""),
        ("\"ab\"", "gsub", &["\"a\""], "ArgumentException: replacement required"),
        ("\"ab\"", "gsub", &["1", "\"\""], "TypeException: gsub expects String or Regex, got Int"),
        ("\"ab\"", "append", &["\"c\"", "'d"], "\"abcd\""),
        ("\"ab\"", "append", &["1"], "TypeException: append expects String, got Int"),
        ("\"pre.txt\"", "strip_suffix", &["\".txt\""], "\"pre\""),
        ("\" 42 \"", "to_i", &[], "42"),
        ("\"ff\"", "to_i", &["16"], "255"),
        ("\"4.5\"", "to_i", &[], "ArgumentException: to_i requires a numeric string"),
        ("\"x\"", "to_f", &[], "ArgumentException: to_f requires a numeric string"),
        ("\"1e3\"", "to_f", &[], "1000.0"),
        ("\"x\"", "to_i?", &[], "nil"),
        ("\"A\"", "codes", &[], "[65]"),
        ("\"12\"", "digit?", &[], "true"),
        ("\"\"", "digit?", &[], "false"),
        ("\"a\"", "compare", &["\"b\""], "-1"),
        ("\"a\nb\r\n\"", "lines", &[], "[\"a\" \"b\"]"),
        ("\"  a\n    b\n\n  c\"", "lstrip_margin", &[], "\"a\\n  b\\n\\nc\""),
        ("\"aé\"", "byte_at", &["1"], "195"),
        ("\"aé\"", "byte_at", &["9"], "nil"),
        ("\"aé\"", "byteslice", &["1", "9"], "0#c3a9"),
        ("\"a.b\"", "find", &["\".\""], "\".\""),
        ("\"a.b.\"", "find_all", &["\".\""], "[\".\" \".\"]"),
        ("\"ab\"", "match", &["\"a\""], "TypeException: match expects Regex, got String"),
        ("'A", "code", &[], "65"),
        ("'7", "to_i", &[], "7"),
        ("'x", "to_i", &[], "ArgumentException: to_i requires a digit"),
        ("'ß", "to_upper", &[], "'ß'"),
    ]);
}

#[test]
fn numbers() {
    check(&[
        ("-7", "div", &["2"], "-4"),
        ("-7", "mod", &["2"], "1"),
        ("-7", "quo", &["2"], "-3"),
        ("-7", "rem", &["2"], "-1"),
        ("17", "divmod", &["5"], "[3 2]"),
        ("7.5", "div", &["2"], "3"),
        ("1", "div", &["0"], "RuntimeException: Division by zero"),
        ("1", "mod", &["0"], "RuntimeException: Modulo by zero"),
        ("12", "gcd", &["18"], "6"),
        ("4", "lcm", &["6"], "12"),
        ("3.99", "to_i", &[], "3"),
        ("255", "to_s", &["16"], "\"ff\""),
        ("-1", "ushr", &["60"], "15"),
        ("6", "bxor", &["3"], "5"),
        ("7", "bit_count", &[], "3"),
        ("1", "shl", &["64"], "ArgumentException: Shift count out of range: 64"),
        ("2.5", "round", &[], "3.0"),
        ("3.14159", "round", &["2"], "3.14"),
        ("1250", "round", &["-2"], "1300"),
        ("15", "clamp", &["0", "10"], "10"),
        ("407", "digits", &[], "[4 0 7]"),
        ("9223372036854775807", "wrapping_add", &["1"], "-9223372036854775808"),
        ("-9223372036854775808", "abs", &[], "RuntimeException: Integer overflow in abs"),
        ("-9223372036854775808", "neg", &[], "RuntimeException: Integer overflow in negation"),
        ("1", "up_to", &["3"], "1..3"),
        ("65", "chr", &[], "'A'"),
        ("99", "isqrt", &[], "9"),
        ("2", "pow", &["10"], "1024"),
        ("-2.5", "sign", &[], "-1"),
        ("2.0", "integer?", &[], "true"),
    ]);
    let vm = &mut vm();
    let mut call = |path: &str, args: &[&str]| {
        let args: Vec<Value> = args.iter().map(|a| arg(vm, a)).collect();
        let r = function(vm, path, &args, &[]);
        shown(vm, r)
    };
    assert_eq!(call("min", &["4", "2", "8"]), "2");
    assert_eq!(call("max", &["1", "2.5"]), "2.5");
    assert_eq!(call("min", &[]), "ArgumentException: min requires at least one argument");
    assert_eq!(call("sqrt", &["\"x\""]), "ArgumentException: sqrt requires a numeric argument");
    assert_eq!(call("floor", &["-2.5"]), "-3.0");
    assert_eq!(call("ceil", &["2"]), "2");
    assert_eq!(call("round", &["-2.5"]), "-3.0");
    assert_eq!(call("math/log", &["8", "2"]), "3.0");
    assert_eq!(call("math/log10", &["1000"]), "3.0");
    assert_eq!(call("math/log", &["0"]), "-inf");
    assert_eq!(call("math/factorial", &["5"]), "120");
    assert_eq!(call("math/factorial", &["21"]), "RuntimeException: Integer overflow in factorial");
    assert_eq!(call("math/random_int", &["0"]), "ArgumentException: random_int requires a positive limit");
    assert_eq!(call("math/seed", &["7"]), "nil");
    let first = call("math/random_int", &["1000"]);
    call("math/seed", &["7"]);
    assert_eq!(call("math/random_int", &["1000"]), first);
    assert_eq!(call("gene/base64_encode", &["\"hey?\""]), "\"aGV5Pw==\"");
    assert_eq!(call("gene/base64_decode", &["\"aGV5Pw==\""]), "\"hey?\"");
    assert_eq!(call("gene/base64_decode", &["\"!\""]), "ArgumentException: invalid base64");
    assert_eq!(call("Duration/of", &[]), "0s");
    assert_eq!(call("Duration/minutes", &["90"]), "1h30m");
    assert_eq!(call("Duration/parse", &["\"PT1H30M\""]), "1h30m");
    assert_eq!(call("Duration/parse", &["\"x\""]), "ParseException: Invalid duration: x");
}

#[test]
fn regexes() {
    check(&[
        ("\"1-a 22-b\"", "gsub", &["/(\\d+)-([a-z])/", "\"<\\2 \\1>\""], "\"<a 1> <b 22>\""),
        ("\"a, b,c\"", "split", &["/,\\s*/"], "[\"a\" \"b\" \"c\"]"),
        ("\"abc\"", "split", &["//"], "[\"a\" \"b\" \"c\"]"),
        ("\"aXbX\"", "rindex", &["/X/"], "3"),
        ("\"x\"", "match", &["/\\d/"], "nil"),
        ("\"é12\"", "match", &["/\\d+/"], "<RegexMatch \"12\">"),
        ("/(a)(b)?/", "find_all", &["\"ab a\""], "[\"ab\" \"a\"]"),
        ("/a/", "find", &["1"], "TypeException: find expects String, got Int"),
        ("/a/", "replace", &["\"aa\"", "\"b\""], "\"ba\""),
        ("/a/", "replace", &["\"aa\""], "ArgumentException: replacement required"),
    ]);
    let vm = &mut vm();
    let (s, re) = (vm.str("é: 12-Kg, 7-lb"), vm.str("(\\d+)-(?P<unit>[a-z]+)(!)?"));
    let flag = [("i", Value::TRUE), ("replace", Value::NIL)];
    let names: Vec<_> = flag.iter().map(|f| vm.sym(f.0)).collect();
    let words = [re, flag[0].1, flag[1].1];
    let args =
        crate::native::Args { base: words.as_ptr(), n: 1, keywords: &names[..], method: false, data: Value::NIL };
    let re = super::regex::construct_regexp(vm, &args).unwrap();
    assert_eq!(vm.to_text(re).unwrap(), "#/(\\d+)-(?P<unit>[a-z]+)(!)?/i");
    let m = method(vm, s, "match", &[re], &[]).unwrap();
    for (name, expected) in [
        ("value", "\"12-Kg\""),
        ("captures", "[\"12\" \"Kg\" nil]"),
        ("named_captures", "{^unit \"Kg\"}"),
        ("start", "3"),
        ("end", "8"),
        ("pre_match", "\"é: \""),
        ("post_match", "\", 7-lb\""),
    ] {
        let r = method(vm, m, name, &[], &[]);
        assert_eq!(shown(vm, r), expected);
    }
    let r = method(vm, s, "match_all", &[re], &[]);
    assert_eq!(shown(vm, r), "[<RegexMatch \"12-Kg\"> <RegexMatch \"7-lb\">]");
    let bad = vm.str("(");
    let r = function(vm, "Regexp/escape", &[bad], &[]);
    assert_eq!(shown(vm, r), "\"\\\\(\"");
    assert!(super::regex::make_regex(vm, "(", "", None).is_err());
}

#[test]
fn formats() {
    let vm = &mut vm();
    let t = vm.str("{} {1} {name:>6}|{0:05.1f}|{0:x} {{}}");
    let (b, ab) = (vm.str("b"), vm.str("ab"));
    let r = method(vm, t, "format", &[Value::small(255), b], &[("name", ab)]);
    assert_eq!(shown(vm, r), "\"255 b     ab|255.0|ff {}\"");
    let mut fails = |t: &str| {
        let t = vm.str(t);
        let r = method(vm, t, "format", &[], &[]);
        shown(vm, r)
    };
    assert_eq!(fails("{}"), "ArgumentException: format: missing argument 0");
    assert_eq!(fails("{x}"), "ArgumentException: format: missing argument x");
    assert_eq!(fails("{"), "ArgumentException: format: unmatched {");
    assert_eq!(fails("}"), "ArgumentException: format: unmatched }");
}

#[test]
fn walking_a_long_string_by_index_is_not_quadratic() {
    let vm = &mut vm();
    let text = "é".repeat(200_000);
    let s = vm.heap.string(&text);
    let started = std::time::Instant::now();
    for i in (0..200_000).chain((0..200_000).rev()) {
        assert_eq!(vm.str_char_at(s, i), Some('é'));
    }
    assert!(started.elapsed().as_secs() < 5);
}
