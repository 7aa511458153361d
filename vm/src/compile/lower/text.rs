//! Forms printed as data (19.2, 19.4), for the conditions in messages of contracts.

use std::fmt::Write;

use crate::syntax::form::{DateLit, Form, FormKind, GeneForm, InterpPart, PathPart, Prop, PropKind, RegexLit, TimeLit};
use crate::syntax::quote::{quote_char, quote_str};

/// The debug form of the data.
pub(in crate::compile) fn debug(form: &Form<'_>) -> String {
    let mut out = String::new();
    push(&mut out, form);
    out
}

fn push(out: &mut String, form: &Form<'_>) {
    super::with_stack(|| push_here(out, form));
}

fn push_here(out: &mut String, form: &Form<'_>) {
    match form.kind {
        FormKind::Nil => out.push_str("nil"),
        FormKind::Void => out.push_str("void"),
        FormKind::True => out.push_str("true"),
        FormKind::False => out.push_str("false"),
        FormKind::NotFound => out.push_str("not_found"),
        FormKind::Int(value) => show(out, format_args!("{value}")),
        FormKind::Float(value) => float(out, value),
        FormKind::Char(value) => quote_char(out, value),
        FormKind::Str(text) => quote_str(out, text),
        FormKind::Interp(parts) => interp(out, parts),
        FormKind::Bytes(bytes) => {
            out.push_str("0#");
            bytes.iter().for_each(|byte| show(out, format_args!("{byte:02x}")));
        }
        FormKind::Date(value) => date(out, value),
        FormKind::Time(value) => time(out, &value),
        FormKind::DateTime(day, value) => {
            date(out, day);
            out.push('T');
            time(out, &value);
        }
        FormKind::Duration(micros) => duration(out, micros),
        FormKind::Regex(regex) => self::regex(out, regex),
        FormKind::Symbol(name) => out.push_str(name),
        FormKind::Path(parts) => path(out, parts),
        FormKind::Selector(parts) => {
            out.push_str("@(");
            path(out, parts);
            out.push(')');
        }
        FormKind::Array { items, frozen } => {
            out.push_str(if frozen { "#[" } else { "[" });
            list(out, items, false);
            out.push(']');
        }
        FormKind::Map { entries, frozen } => {
            out.push_str(if frozen { "#{" } else { "{" });
            props(out, entries, false);
            out.push('}');
        }
        FormKind::HashMap { items, frozen } => {
            out.push_str(if frozen { "#{{" } else { "{{" });
            list(out, items, false);
            out.push_str("}}");
        }
        FormKind::Gene(value) => gene(out, value),
        FormKind::Quote(inner) => {
            out.push('`');
            push(out, inner);
        }
        FormKind::Unquote(unquote) => {
            out.push_str(if unquote.discard { "%_" } else { "%" });
            push(out, &unquote.form);
            if unquote.splice {
                out.push_str("...");
            }
        }
    }
}

/// Writing to a String cannot fail.
fn show(out: &mut String, args: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(args);
}

fn list(out: &mut String, items: &[Form<'_>], space: bool) {
    for (at, item) in items.iter().enumerate() {
        if space || at > 0 {
            out.push(' ');
        }
        push(out, item);
    }
}

fn props(out: &mut String, entries: &[Prop<'_>], space: bool) {
    for (at, entry) in entries.iter().enumerate() {
        if space || at > 0 {
            out.push(' ');
        }
        out.push('^');
        for c in entry.key.chars() {
            if c.is_whitespace() || "()[]{}\"`%;,".contains(c) {
                out.push('\\');
            }
            out.push(c);
        }
        if entry.kind != PropKind::Rest {
            out.push(' ');
            push(out, &entry.value);
        }
    }
}

fn gene(out: &mut String, gene: &GeneForm<'_>) {
    out.push_str(if gene.frozen { "#(" } else { "(" });
    if let Some(head) = &gene.head {
        push(out, head);
        props(out, gene.props, true);
        list(out, gene.children, true);
    }
    out.push(')');
}

fn path(out: &mut String, parts: &[PathPart<'_>]) {
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            out.push('/');
        }
        match part {
            PathPart::SelfRef => {}
            PathPart::Name(name) => out.push_str(name),
            PathPart::Index(index) => show(out, format_args!("{index}")),
            PathPart::Method(name) => show(out, format_args!(".{name}")),
            PathPart::Dynamic(form) => {
                out.push('<');
                push(out, form);
                out.push('>');
            }
            PathPart::NotNil => out.push('!'),
            PathPart::Values => out.push('*'),
            PathPart::Entries => out.push_str("**"),
            PathPart::Collect => out.push('@'),
            PathPart::CollectMap => out.push_str("@@"),
        }
    }
}

fn interp(out: &mut String, parts: &[InterpPart<'_>]) {
    out.push_str("#\"");
    for part in parts {
        match part {
            InterpPart::Text(text) => {
                let mut quoted = String::new();
                quote_str(&mut quoted, text);
                out.push_str(&quoted[1..quoted.len() - 1].replace("#{", "\\#{").replace("#(", "\\#("));
            }
            InterpPart::Form(form) => {
                out.push_str("#{");
                push(out, form);
                out.push('}');
            }
        }
    }
    out.push('"');
}

fn regex(out: &mut String, regex: &RegexLit<'_>) {
    let part = |out: &mut String, text: &str| {
        for c in text.chars() {
            match c {
                '/' => out.push_str("\\/"),
                _ => out.push(c),
            }
        }
        out.push('/');
    };
    out.push_str("#/");
    part(out, regex.pattern);
    if let Some(replacement) = regex.replacement {
        part(out, replacement);
    }
    out.push_str(regex.flags);
}

fn date(out: &mut String, date: DateLit) {
    show(out, format_args!("{:04}-{:02}-{:02}", date.year, date.month, date.day));
}

fn time(out: &mut String, time: &TimeLit<'_>) {
    show(out, format_args!("{:02}:{:02}", time.hour, time.minute));
    if time.second.is_some() || time.micros != 0 || (time.zone.is_some() && time.offset.is_none() && !time.utc) {
        show(out, format_args!(":{:02}", time.second.unwrap_or(0)));
    }
    if time.micros != 0 {
        let digits = format!("{:06}", time.micros);
        show(out, format_args!(".{}", digits.trim_end_matches('0')));
    }
    match (time.utc, time.offset) {
        (true, _) => out.push('Z'),
        (false, Some(offset)) => {
            let sign = if offset < 0 { '-' } else { '+' };
            let minutes = offset.unsigned_abs();
            show(out, format_args!("{sign}{:02}:{:02}", minutes / 60, minutes % 60));
        }
        (false, None) => {}
    }
    if let Some(zone) = time.zone {
        show(out, format_args!("[{zone}]"));
    }
}

fn duration(out: &mut String, micros: i64) {
    if micros == 0 {
        return out.push_str("0s");
    }
    if micros < 0 {
        out.push('-');
    }
    let mut rest = micros.unsigned_abs();
    for (unit, size) in [("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000)] {
        if rest >= size {
            show(out, format_args!("{}{unit}", rest / size));
            rest %= size;
        }
    }
    if rest >= 1_000_000 {
        show(out, format_args!("{}", rest / 1_000_000));
        let fraction = rest % 1_000_000;
        if fraction != 0 {
            let digits = format!("{fraction:06}");
            show(out, format_args!(".{}", digits.trim_end_matches('0')));
        }
        out.push('s');
    } else if rest > 0 {
        if rest >= 1000 {
            show(out, format_args!("{}ms", rest / 1000));
        }
        let micros = rest % 1000;
        if micros != 0 {
            show(out, format_args!("{micros}us"));
        }
    }
}

/// 19.5: shortest digits, plain for exponents from -4 to 15.
fn float(out: &mut String, value: f64) {
    let text = format!("{value:e}");
    let Some((digits, exponent)) = text.split_once('e') else {
        return out.push_str(if value.is_nan() { "nan" } else { &text });
    };
    let Ok(exponent) = exponent.parse::<i32>() else { return out.push_str(&text) };
    if (-4..16).contains(&exponent) {
        let plain = format!("{value}");
        out.push_str(&plain);
        if !plain.contains('.') {
            out.push_str(".0");
        }
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        show(out, format_args!("{digits}e{sign}{:02}", exponent.unsigned_abs()));
    }
}

#[cfg(test)]
mod tests {
    use super::debug;

    #[test]
    fn data_prints_as_it_is_written() {
        let source = r#"(by < n) [1 2.0 "a\n" 'c' nil] {^a 1 ^b {{2 3}}} `(f ^k 1 x %y %_z %w...) #/a\/b/i a/0/.m/<k> 1h30m 250ms
            2024-01-02T03:04:05.5Z 10:20 0#0aff #"a#{b}c" 1e20 1e-5 0.5 #[1] /x ()"#;
        let arena = bumpalo::Bump::new();
        let forms = crate::syntax::read(&arena, source).unwrap();
        let texts: Vec<String> = forms.iter().map(debug).collect();
        let expected = r#"(by < n)|[1 2.0 "a\n" 'c' nil]|{^a 1 ^b {{2 3}}}|`(f ^k 1 x %y %_z %w...)|#/a\/b/i|a/0/.m/<k>|1h30m|250ms|2024-01-02T03:04:05.5Z|10:20|0#0aff|#"a#{b}c"|1e+20|1e-05|0.5|#[1]|/x|()"#;
        assert_eq!(texts.join("|"), expected);
    }
}
