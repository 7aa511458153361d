//! Equality (2.9).
