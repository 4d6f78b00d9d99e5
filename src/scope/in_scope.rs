//! The proof that something may leave. This is the only file that builds one.
//!
//! **Invariant:** an [`InScope`] names at least one clause.

use super::ClauseSet;

/// Proof that `T` may leave, with the clauses that let it out.
///
/// Nothing outside the gate can make one:
///
/// ```compile_fail,E0451
/// fn forge(clauses: extract::scope::ClauseSet) -> extract::scope::InScope<Vec<u8>> {
///     extract::scope::InScope { item: b"secret".to_vec(), clauses }
/// }
/// ```
/// ```compile_fail,E0624
/// fn forge(clauses: extract::scope::ClauseSet) -> Option<extract::scope::InScope<Vec<u8>>> {
///     extract::scope::InScope::new(b"secret".to_vec(), clauses)
/// }
/// ```
/// and one proof is not two:
/// ```compile_fail,E0382
/// fn twice(item: extract::scope::InScope<Vec<u8>>) -> (Vec<u8>, Vec<u8>) {
///     (item.into_item(), item.into_item())
/// }
/// ```
/// What compiles is to use one up:
/// ```
/// fn once(item: extract::scope::InScope<Vec<u8>>) -> Vec<u8> {
///     item.into_item()
/// }
/// ```
#[derive(Debug)]
pub struct InScope<T> {
    item: T,
    clauses: ClauseSet,
}

impl<T> InScope<T> {
    /// None where no clause admits it.
    pub(in crate::scope) fn new(item: T, clauses: ClauseSet) -> Option<Self> {
        (!clauses.is_empty()).then_some(Self { item, clauses })
    }

    /// The clauses that let it out.
    pub fn clauses(&self) -> ClauseSet {
        self.clauses
    }

    /// What may leave.
    pub fn item(&self) -> &T {
        &self.item
    }

    /// What may leave, used up.
    pub fn into_item(self) -> T {
        self.item
    }
}
