//! Doc strings of builtins: complete, their examples true, the reference page current.
use gene::{Entry, Vm};
use std::path::Path;

fn entries() -> Vec<Entry> {
    Vm::builder().build().builtins()
}

#[test]
fn every_builtin_has_a_signature_and_a_sentence() {
    let incomplete: Vec<String> = entries()
        .iter()
        .filter(|e| {
            let signature = e.signature();
            let named = signature.contains(e.name) || signature.starts_with("(new ");
            !named || !signature.ends_with(')') || e.sentence().is_empty()
        })
        .map(|e| format!("{}: {:?}", e.full_name(), e.doc))
        .collect();
    assert!(incomplete.is_empty(), "{} incomplete:\n{}", incomplete.len(), incomplete.join("\n"));
}

#[test]
fn every_builtin_has_an_example() {
    let entries = entries();
    let without: Vec<String> = entries.iter().filter(|e| e.examples().next().is_none()).map(Entry::full_name).collect();
    assert!(without.is_empty(), "{} lack an example:\n{}", without.len(), without.join("\n"));
}

#[test]
fn examples_give_what_they_say() {
    let mut wrong = Vec::new();
    let mut checked = 0;
    for e in entries() {
        for (expression, value) in e.examples() {
            let Some(expected) = value else { continue };
            let mut vm = Vm::builder().capture_output().virtual_clock().seed(1).build();
            let shown = vm.eval(expression).and_then(|v| vm.debug(&v)).unwrap_or_else(|error| error.to_string());
            checked += 1;
            if shown != expected {
                wrong.push(format!("{}: {expression} => {expected}, but gives {shown}", e.full_name()));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {checked} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(checked > 600, "only {checked} examples have values");
}

#[test]
fn examples_without_a_value_can_be_read() {
    for e in entries() {
        for (expression, _) in e.examples() {
            assert!(!gene::is_incomplete(expression), "{}: {expression}", e.full_name());
        }
    }
}

/// `GENE_BLESS=1` writes the page; so does `gene doc --markdown > docs/reference/builtins.md`.
#[test]
fn the_reference_page_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference/builtins.md");
    let page = Vm::builder().build().builtins_page();
    if std::env::var_os("GENE_BLESS").is_some() {
        std::fs::write(&path, page).unwrap();
        return;
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "run: gene doc --markdown > docs/reference/builtins.md");
}

#[test]
fn builtins_are_found_by_several_names() {
    let vm = Vm::builder().build();
    for name in
        ["println", "gene/println", "String.split", "math/sin", ".split", "split", "HashSet/of", "gene/json/parse"]
    {
        assert!(vm.documentation(name).is_ok(), "{name}");
    }
    assert!(vm.documentation("String").unwrap().contains("String.trim\n"));
    assert!(vm.documentation("math").unwrap().contains("math/sin\n"));
    let all = vm.documentation("map").unwrap();
    assert!(all.contains("Array.map\n") && all.contains("Map.map\n") && !all.contains("flat_map"));
    assert_eq!(vm.documentation("prntln"), Err("No documentation for prntln\n".to_owned()));
    assert_eq!(
        vm.documentation("String.levensht"),
        Err("No documentation for String.levensht; there are String.levenshtein\n".to_owned())
    );
}
