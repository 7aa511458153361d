//! Namespace `gene/json` and `.to_json`.
use super::args::{string, wrong_kind};
use super::json_read::parse;
use super::json_write::{Style, stringify};
use super::string::new_string;
use crate::def;
use crate::heap::Kind;
use crate::native::{Args, NativeDef, R, Stop};
use crate::value::Value;
use crate::vm::Vm;

fn style(vm: &mut Vm, a: &Args) -> Result<Style, Stop> {
    let indent = match a.kw(vm, "indent") {
        None | Some(Value::NIL) => None,
        Some(v) => match v.as_int() {
            Some(n @ 0..=100) => Some(n as usize),
            Some(n) => return Err(vm.argument_error(&format!("indent must be in 0..100, got {n}"))),
            None => return Err(wrong_kind(vm, "indent", "Int", v)),
        },
    };
    Ok(Style { indent, sort_keys: a.flag(vm, "sort_keys"), tagged: false })
}

fn json_parse(vm: &mut Vm, a: &Args) -> R {
    let text = string(vm, "parse", a.get(0))?;
    parse(vm, text, false)
}

fn json_stringify(vm: &mut Vm, a: &Args) -> R {
    let style = style(vm, a)?;
    let text = stringify(vm, a.get(0), style)?;
    new_string(vm, &text)
}

fn to_json(vm: &mut Vm, a: &Args) -> R {
    let style = style(vm, a)?;
    let text = stringify(vm, a.this(), style)?;
    new_string(vm, &text)
}

fn serialize(vm: &mut Vm, a: &Args) -> R {
    let text = stringify(vm, a.get(0), Style { tagged: true, ..Style::default() })?;
    new_string(vm, &text)
}

fn deserialize(vm: &mut Vm, a: &Args) -> R {
    let text = string(vm, "deserialize", a.get(0))?;
    parse(vm, text, true)
}

#[rustfmt::skip]
pub static FUNCTIONS: &[NativeDef] = &[
    def!("parse", json_parse, 1, 1, r#"(gene/json/parse s) -- The value of a JSON text.
        (gene/json/parse "{\"a\": [1, null]}") => {^a [1 nil]}"#),
    def!("stringify", json_stringify, 1, 1, ["indent", "sort_keys"], r#"(gene/json/stringify v [^indent n] [^sort_keys true]) -- The JSON text of a value.
        (gene/json/stringify {^a [1 nil]}) => "{\"a\":[1,null]}""#),
    def!("serialize", serialize, 1, 1, "(gene/json/serialize v) -- JSON that keeps Symbols, Chars, Bytes, dates and Genes apart.
        (gene/json/serialize `go) => \"\\\"#GENE#go\\\"\""),
    def!("deserialize", deserialize, 1, 1, "(gene/json/deserialize s) -- The value of tagged JSON.
        (gene/json/deserialize \"[1]\") => [1]"),
];

#[rustfmt::skip]
pub static METHODS: &[NativeDef] = &[
    def!("to_json", to_json, 0, 0, ["indent", "sort_keys"], r#"(v .to_json) -- The JSON text of the value.
        ([1 "two"] .to_json) => "[1,\"two\"]""#),
];

pub fn install(vm: &mut Vm) {
    let gene = vm.gene_ns;
    let ns = vm.sub_namespace(gene, "json");
    vm.add_functions(ns, FUNCTIONS);
    for kind in [Kind::Str, Kind::Array, Kind::Map, Kind::HashMap, Kind::HashSet, Kind::Gene] {
        let class = vm.classes.by_kind[kind as usize];
        vm.add_methods(class, METHODS);
    }
    let (int, float, bool) = (vm.classes.int, vm.classes.float, vm.classes.bool);
    for class in [int, float, bool] {
        vm.add_methods(class, METHODS);
    }
}
