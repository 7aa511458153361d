//! The compiler of hot functions. **Nothing is compiled yet**: this crate holds the place in the dependency line
//! (`vm` <- `jit` <- `runtime`) and the facts a later issue builds on.
//!
//! What the VM prepares for it: frames live in heap stacks with closure and pc always recoverable
//! ([`gene_vm::object::fiber`]), inline caches record shapes and methods ([`gene_vm::object::code::Ic`]), every call and
//! back-edge charges one counter ([`gene_vm::heap::Fuel`]), and slow paths answer with [`gene_vm::interp::Ctl`].
#![forbid(unsafe_code)]
