fn main() {
    let mut a = std::env::args().skip(1);
    let f = a.next().unwrap();
    let mut b = gene::Vm::builder().args(a.collect()).program(f.clone());
    if std::env::var("GC").is_ok() {
        b = b.stress_gc();
    }
    if std::env::var("VIRT").is_ok() {
        b = b.virtual_clock();
    }
    if let Ok(n) = std::env::var("POLL") {
        b = b.poll_interval(n.parse().unwrap());
    }
    let mut vm = b.build();
    let c = vm.run_file(std::path::Path::new(&f));
    std::process::exit(c);
}
