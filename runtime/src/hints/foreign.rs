//! What people write who come from other languages, and the words hints choose from.

pub const DOLLAR: [&str; 17] = [
    "$ex",
    "$env",
    "$args",
    "$program",
    "$cwd",
    "$ns",
    "$pkg",
    "$app",
    "$is_main",
    "$line",
    "$duration",
    "$duration_start",
    "$parse",
    "$parse_all",
    "$render",
    "$caller_eval",
    "$set",
];

pub const OPERATORS: [&str; 20] =
    ["**", "*", "/", "%", "+", "-", "++", "<<", ">>", "<", "<=", ">", ">=", "==", "!=", "is", "&&", "and", "||", "or"];

/// A name that is none here.
pub fn name(name: &str) -> Option<&'static str> {
    Some(match name {
        "=" => "(a == b) compares, (name = value) assigns",
        "===" => "(a == b) compares",
        "!==" | "/=" => "(a != b) compares",
        "this" => "the receiver is self; its field x is /x",
        "null" | "None" | "undefined" | "nothing" | "NULL" => "did you mean nil?",
        "True" => "did you mean true?",
        "False" => "did you mean false?",
        "def" | "define" => "(var name value) defines a variable, (fn name [a b] body) a function",
        "defn" | "defun" | "function" | "func" | "lambda" | "fun" => "a function is (fn name [a b] body)",
        "defmacro" => "a macro is a function whose name ends in !: (fn name! [a b] body)",
        "const" => "did you mean let?",
        "switch" | "cond" => "(case value when pattern result ... else result), or (if a b elif c d else e)",
        "foreach" => "(for x in xs body)",
        "unless" => "did you mean if_not?",
        "begin" | "progn" => "did you mean do?",
        "set!" | "setq" => "(name = value) assigns",
        "require" | "include" => "(import name from \"./file\")",
        "raise" => "did you mean throw?",
        "printf" | "puts" | "echo" | "console.log" | "display" => "did you mean println?",
        "int" | "float" => "(s .to_i) and (s .to_f) read numbers",
        "--" => "a comment begins with # and a blank",
        "struct" | "record" => "(class Name (ctor [x] (/x = x))), or an enum with fields",
        "str" | "string" => "(v .to_s), or #\"text #{v}\"",
        "list" => "[a b c] is an Array",
        "dict" => "{^a 1} is a Map, {{k v}} a HashMap",
        "elsif" | "elseif" => "did you mean elif?",
        "extends" => "(class Name < Parent member...)",
        "except" | "rescue" => "(try a catch Class b finally c)",
        "if" => "if stands first in parentheses, (if c a else b); another condition of it follows elif",
        "&" => "(a && b) of Ints is the bitwise and",
        "|" => "(a || b) of Ints is the bitwise or",
        "~" => "(! n) of an Int is its bitwise complement",
        "?" => "(if a b else c) has the value of the branch taken",
        "=>" => "a function of one argument is (x -> body)",
        "xor" => "the exclusive or is &|&",
        _ => return None,
    })
}

/// A method by its name elsewhere; only where there is such a method.
pub fn method(name: &str) -> Option<&'static str> {
    Some(match name {
        "toString" | "to_string" | "to_str" | "str" => "to_s",
        "to_int" | "toInt" | "parseInt" => "to_i",
        "to_float" | "toFloat" => "to_f",
        "forEach" | "foreach" => "each",
        "len" => "size",
        "collect" => "map",
        "select" => "filter",
        "inject" | "fold" => "reduce",
        "detect" => "find",
        "items" => "pairs",
        "includes" | "in?" => "include?",
        "push_back" => "push",
        "prepend" => "unshift",
        "substring" => "slice",
        "remove" => "del",
        "put" => "set",
        "to_list" | "to_a" | "toArray" => "to_array",
        _ => return None,
    })
}

/// A type by its name elsewhere.
pub fn type_name(name: &str) -> Option<&'static str> {
    Some(match name {
        "Integer" | "int" | "integer" | "I64" | "i64" | "Long" => "Int",
        "float" | "Double" | "double" | "f64" => "Float",
        "string" | "Str" | "str" => "String",
        "Boolean" | "bool" | "boolean" => "Bool",
        "List" | "Vec" | "Vector" | "list" => "Array",
        "Dict" | "dict" => "Map",
        "Set" | "set" => "HashSet",
        "None" | "Null" | "nil" => "Nil",
        "any" => "Any",
        "Func" | "Callable" => "Function",
        _ => return None,
    })
}
