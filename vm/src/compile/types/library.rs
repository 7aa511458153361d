//! What library functions and methods give, where that does not depend on their arguments.

use super::inferred::Ty;

/// Library kinds whose methods and operators are all in the library.
pub const CLOSED: &[&str] = &["Int", "Float", "String", "Char", "Bool", "Symbol", "Array"];

/// The class of a method's result.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Gives {
    Lib(&'static str),
    /// The receiver's, elements included.
    Same,
}

/// Class, class of the result (`self`: the receiver's), methods. A method that may give nil, void or several classes is not here.
pub(super) const METHODS: &[(&str, &str, &str)] = &[
    ("String", "Int", "length size bytesize count levenshtein compare index rindex hash"),
    (
        "String",
        "Bool",
        "empty? empty not_empty? blank? start_with? starts_with end_with? ends_with include? contain contains",
    ),
    ("String", "Bool", "numeric? alpha? digit? upper? lower? space? match? to_bool"),
    (
        "String",
        "String",
        "to_upper to_uppercase upcase upper to_lower to_lowercase downcase lower capitalize title swap_case",
    ),
    (
        "String",
        "String",
        "reverse append repeat trim strip lstrip trim_start rstrip trim_end pad_left pad_right center",
    ),
    ("String", "String", "strip_prefix strip_suffix substr slice to_s inspect format lstrip_margin to_json"),
    ("String", "Array", "chars codes lines words split partition rpartition find_all"),
    ("String", "Bytes", "bytes to_bytes byteslice byte_slice"),
    ("String", "Char", "char_at"),
    ("String", "Symbol", "to_sym"),
    ("String", "Int", "to_i"),
    ("String", "Float", "to_f"),
    ("Char", "Int", "code to_i"),
    ("Char", "String", "to_s"),
    ("Char", "Char", "to_upper to_lower"),
    ("Char", "Bool", "numeric? alpha? digit? upper? lower? space?"),
    ("Symbol", "String", "name to_s"),
    ("Symbol", "Int", "size"),
    ("Int", "Int", "to_i abs neg sign div mod quo rem gcd lcm floor ceil trunc band bor bxor bnot shl shr ushr"),
    ("Int", "Int", "bit_count bit_length wrapping_add wrapping_sub wrapping_mul isqrt"),
    ("Int", "Float", "to_f sqrt"),
    ("Int", "String", "to_s"),
    ("Int", "Char", "chr"),
    ("Int", "Array", "digits"),
    ("Int", "Bool", "to_bool even? odd? prime? nan? infinite? finite? integer? zero? positive? negative?"),
    ("Int", "Range", "up_to down_to"),
    ("Float", "Int", "to_i sign"),
    ("Float", "Float", "to_f abs neg floor ceil round trunc sqrt"),
    ("Float", "String", "to_s"),
    ("Float", "Bool", "to_bool nan? infinite? finite? integer? zero? positive? negative?"),
    ("Bool", "String", "to_s"),
    ("Array", "Int", "size length"),
    ("Array", "Bool", "empty? include? any? all? none?"),
    ("Array", "String", "join to_s to_json"),
    ("Array", "Array", "map filter reject zip flatten sort sort_by take drop concat"),
    ("Array", "self", "reverse uniq shuffle"),
    ("Map", "Int", "size length"),
    ("Map", "Bool", "empty?"),
    ("Map", "Array", "keys values"),
    ("Map", "String", "to_s to_json"),
    ("HashMap", "Int", "size length"),
    ("HashMap", "Bool", "empty?"),
    ("HashMap", "Array", "keys values"),
    ("HashSet", "Int", "size length"),
    ("HashSet", "Bool", "empty?"),
    ("Range", "Int", "size length"),
    ("Bytes", "Int", "size length"),
    ("Bytes", "Bool", "empty?"),
    ("Bytes", "Array", "to_array"),
    ("Bytes", "String", "to_s to_text to_hex to_base64"),
    ("Date", "Int", "year month day weekday yearday week days_in_month"),
    ("Date", "Bool", "leap_year?"),
    ("Date", "String", "month_name weekday_name format"),
    ("Time", "Int", "hour minute second microsecond"),
    ("DateTime", "Int", "year month day hour minute second microsecond unix to_us to_i"),
    ("Duration", "Float", "days hours minutes seconds ms"),
    ("Duration", "Int", "us"),
    ("Duration", "String", "to_iso"),
];

/// Global functions by the class of their result.
const FUNCTIONS: &[(&str, &str)] = &[
    ("Int", "len"),
    ("Float", "sqrt pow random"),
    ("String", "typeof format"),
    ("Nil", "print println eprint eprintln flush assert sleep"),
    ("Bool", "types_equivalent"),
];

pub fn method(class: &str, name: &str) -> Option<Gives> {
    let row = METHODS.iter().find(|(of, _, names)| *of == class && names.split(' ').any(|n| n == name))?;
    Some(if row.1 == "self" { Gives::Same } else { Gives::Lib(row.1) })
}

pub fn function<'a>(name: &str) -> Option<Ty<'a>> {
    let row = FUNCTIONS.iter().find(|(_, names)| names.split(' ').any(|n| n == name))?;
    Some(if row.0 == "Nil" { Ty::Nil } else { Ty::lib(row.0) })
}
