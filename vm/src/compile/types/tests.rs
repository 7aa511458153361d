//! The table of results against the library.
use super::library::METHODS;
use crate::library::testing;

#[test]
fn every_method_in_the_table_exists() {
    let vm = testing::vm();
    // Calendar values are still to get theirs.
    for (class, gives, methods) in METHODS.iter().filter(|row| !matches!(row.0, "Date" | "Time" | "DateTime")) {
        for name in methods.split(' ') {
            assert_eq!(vm.library_method(class, name), Some(true), "{class} has no method {name}");
        }
        assert!(*gives == "self" || vm.library_method(gives, "to_s").is_some(), "no class {gives}");
    }
}
