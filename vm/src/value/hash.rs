//! Hashing (2.10).
