//! Work on several threads, taken in order.
//!
//! **Invariant:** what is taken, and in which order, does not depend on the number of threads; at most [`AHEAD`] items a
//! thread are worked on or wait to be taken.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Items that may be worked on or wait, for each thread.
const AHEAD: usize = 4;

struct State<I, R, E> {
    /// None when this thread does the work itself.
    items: Option<I>,
    /// The number of the next item to be started.
    next: usize,
    /// How many have been taken.
    taken: usize,
    done: BTreeMap<usize, Result<R, E>>,
    abandoned: bool,
}

/// Works on each item and takes the results in the order of the items; stops at the first error.
pub(super) fn in_order<T, I: ExactSizeIterator<Item = T> + Send, R: Send, E: Send>(
    threads: usize,
    items: impl IntoIterator<Item = T, IntoIter = I>,
    work: impl Fn(T) -> Result<R, E> + Sync,
    mut take: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    let mut items = items.into_iter();
    if threads <= 1 {
        return items.try_for_each(|item| take(work(item)?));
    }
    let count = items.len();
    let state = Mutex::new(State { items: Some(items), next: 0, taken: 0, done: BTreeMap::new(), abandoned: false });
    let changed = Condvar::new();
    std::thread::scope(|threads_scope| {
        let started = (0..threads.min(count)).take_while(|_| {
            let worker = || worker(&state, &changed, threads * AHEAD, &work);
            std::thread::Builder::new().spawn_scoped(threads_scope, worker).is_ok()
        });
        // Where the machine gives no thread at all, this one does the work.
        let result = if started.count() > 0 {
            (0..count).try_for_each(|number| take(wait_for(&state, &changed, number)?))
        } else {
            let items = lock(&state).items.take();
            items.into_iter().flatten().try_for_each(|item| take(work(item)?))
        };
        lock(&state).abandoned = true;
        changed.notify_all();
        result
    })
}

fn lock<'s, I, R, E>(state: &'s Mutex<State<I, R, E>>) -> MutexGuard<'s, State<I, R, E>> {
    // A worker that panicked has brought the scope down with it; the state itself is never left half changed.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn worker<T, I: ExactSizeIterator<Item = T>, R, E>(
    state: &Mutex<State<I, R, E>>,
    changed: &Condvar,
    ahead: usize,
    work: &(impl Fn(T) -> Result<R, E> + Sync),
) {
    loop {
        let mut held = lock(state);
        while !held.abandoned
            && held.next >= held.taken + ahead
            && held.items.as_ref().is_some_and(|items| items.len() > 0)
        {
            held = changed.wait(held).unwrap_or_else(PoisonError::into_inner);
        }
        if held.abandoned {
            return;
        }
        let Some(item) = held.items.as_mut().and_then(Iterator::next) else { return };
        let number = held.next;
        held.next += 1;
        drop(held);
        let result = work(item);
        lock(state).done.insert(number, result);
        changed.notify_all();
    }
}

fn wait_for<I, R, E>(state: &Mutex<State<I, R, E>>, changed: &Condvar, number: usize) -> Result<R, E> {
    let mut held = lock(state);
    loop {
        if let Some(result) = held.done.remove(&number) {
            held.taken = number + 1;
            drop(held);
            changed.notify_all();
            return result;
        }
        held = changed.wait(held).unwrap_or_else(PoisonError::into_inner);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_taken_in_the_order_of_the_items() {
        for threads in [1, 2, 7] {
            let mut taken = Vec::new();
            let work = |item: u64| {
                std::thread::sleep(std::time::Duration::from_micros((item * 37) % 11 * 50));
                Ok::<_, ()>(item * 2)
            };
            let take = |result| {
                taken.push(result);
                Ok(())
            };
            in_order(threads, (0..200).collect::<Vec<_>>(), work, take).unwrap();
            assert_eq!(taken, (0..200).map(|item| item * 2).collect::<Vec<_>>(), "{threads} threads");
        }
    }

    #[test]
    fn the_first_error_in_order_ends_it() {
        for threads in [1, 2, 7] {
            let mut taken = 0;
            let work = |item: u64| if item >= 50 { Err(item) } else { Ok(item) };
            let take = |_| {
                taken += 1;
                Ok(())
            };
            assert_eq!(in_order(threads, (0..200).collect::<Vec<_>>(), work, take), Err(50), "{threads} threads");
            assert_eq!(taken, 50);
        }
    }
}
