//! Builtins that need the operating system.
mod env;
mod file;
mod fs;
mod io;
mod log;
mod path;
mod process;
mod stdio;
mod stream;
mod system;

use crate::host::Host;
use gene_vm::vm::Vm;

/// Defines all of them in a new VM.
pub fn install(vm: &mut Vm, host: Host) -> gene_vm::value::Value {
    let data = vm.heap.foreign(Box::new(host));
    vm.heap.permanent.push(data);
    env::install(vm, data);
    io::install(vm, data);
    fs::install(vm, data);
    path::install(vm, data);
    stream::install(vm, data);
    file::install(vm, data);
    stdio::install(vm, data);
    log::install(vm, data);
    process::install(vm, data);
    system::install(vm, data);
    data
}
