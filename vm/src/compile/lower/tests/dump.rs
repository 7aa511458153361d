use super::*;

#[test]
fn dump() {
    let Ok(path) = std::env::var("GENE_DUMP") else { return };
    for path in path.split(',') {
        let text = std::fs::read_to_string(path).unwrap();
        let arena = Bump::new();
        let forms = match crate::syntax::read(&arena, &text) {
            Ok(forms) => arena.alloc_slice_copy(&forms),
            Err(error) => {
                println!("== {path}: read {error}");
                continue;
            }
        };
        match lower_module(&arena, forms, &LowerOptions::default()) {
            Ok(unit) => println!("== {path}\n{}", print(&unit)),
            Err(errors) => println!("== {path}: {errors:?}"),
        }
    }
    let _ = (lower_eval as fn(_, _, &EvalEnv<'_>) -> _,);
}
