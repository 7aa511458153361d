//! Tasks, futures, timers.

/// All tasks of one VM.
#[derive(Default)]
pub struct Tasks {}
