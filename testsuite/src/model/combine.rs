//! The reference model of `gene/async/{all, race, any, settle}` (concurrency.md 4.4).
//!
//! A combinator is a task of its own, started as an `async` body, with a scope for its time limit; the functions in its list are
//! tasks inside. None of them logs anything.

use std::collections::VecDeque;

use super::objects::{Step, registration};
use super::program::{Combinator, Combine, Form, How, Index, Item, Policy, ScopeSpec};
use super::replay::timeout_of;
use super::state::{Answer, Ex, Frame, On, Outcome, Registration, State, Status, Task};

/// Stands for the statement of a combinator's scope.
const NOWHERE: usize = usize::MAX - 1;

/// What stands in a combinator's list when it is called.
#[derive(Clone, PartialEq, Debug)]
enum Element {
    Task(Index),
    Future(Index),
    Value(String),
    Call { time: u64, fails: bool },
}

/// What a combinator waits for.
#[derive(Clone, PartialEq, Debug)]
enum Known {
    Task(Index),
    Future(Index),
    /// With its place in the order of results.
    Value(String, u64),
}

#[derive(Clone, PartialEq, Debug)]
pub struct Combining {
    which: Combinator,
    cancel: bool,
    /// With `^cancel`, what is started belongs to a scope of its own; else only the waits have a limit.
    scope: Option<usize>,
    deadline: Option<u64>,
    /// What is under way at a time.
    limit: usize,
    /// What has not had its turn.
    todo: VecDeque<Element>,
    list: Vec<Known>,
    /// Places in the list that are still open.
    window: Vec<usize>,
    /// What came of those that are not.
    outcomes: Vec<Option<Result<String, Ex>>>,
    /// Only the tasks of the scope are left.
    leaving: bool,
}

impl Combining {
    /// It takes what settles first, not what stands first.
    fn windowed(&self) -> bool {
        self.limit != usize::MAX || matches!(self.which, Combinator::Race | Combinator::Any)
    }
}

impl State<'_> {
    /// The combinator starts, and `t` awaits it.
    pub fn combine(&mut self, t: Index, combine: &Combine) -> Result<Step, Ex> {
        if combine.which == Combinator::Race && combine.items.is_empty() {
            return self.fail("ArgumentException");
        }
        let c = self.start_silent(t);
        let spec = ScopeSpec {
            form: Form::Timeout { other: false },
            policy: Policy::Cancel,
            timeout: combine.timeout,
            limit: 0,
            grace: None,
            rethrow: true,
            body: Vec::new(),
        };
        let scope = combine.cancel.then(|| self.open_scope(c, NOWHERE, &spec));
        let deadline = combine.timeout.map(|d| self.now + d).filter(|_| !combine.cancel);
        let limit = combine.limit.unwrap_or(usize::MAX);
        // The first outcome ends a race, so what has no place at once never gets one.
        let few = if combine.which == Combinator::Race { limit } else { usize::MAX };
        let combining = Combining {
            which: combine.which,
            cancel: combine.cancel,
            scope,
            deadline,
            limit,
            todo: combine.items.iter().enumerate().take(few).map(|(i, item)| self.element(i, *item)).collect(),
            window: Vec::new(),
            outcomes: Vec::new(),
            list: Vec::new(),
            leaving: false,
        };
        self.go_on(c, combining);
        self.checkpoint(t)?;
        self.await_known(t, c, None)
    }

    fn start_silent(&mut self, by: Index) -> Index {
        let t = self.tasks.len();
        self.tasks.push(Task::unborn());
        self.start_async(t, by);
        t
    }

    fn element(&self, i: usize, item: Item) -> Element {
        match item {
            Item::Task(t) if self.tasks[t].named => Element::Task(t),
            Item::Task(_) => Element::Value("none".to_owned()),
            Item::Future(f) => Element::Future(f),
            Item::Value => Element::Value(format!("v{i}")),
            Item::Call { time, fails } => Element::Call { time, fails },
        }
    }

    /// Those that have a place get under way.
    fn start_some(&mut self, c: Index, combining: &mut Combining) {
        while combining.window.len() < combining.limit
            && let Some(element) = combining.todo.pop_front()
        {
            let i = combining.list.len();
            let known = self.known(c, i, element);
            combining.list.push(known);
            combining.window.push(i);
            combining.outcomes.push(None);
        }
    }

    fn known(&mut self, c: Index, i: usize, element: Element) -> Known {
        match element {
            Element::Task(t) => Known::Task(t),
            Element::Future(f) => Known::Future(f),
            Element::Value(text) => {
                self.settled += 1;
                Known::Value(text, self.settled)
            }
            Element::Call { time, fails } => {
                let t = self.start_silent(c);
                let result = if fails { Err(self.exception(&format!("bad{i}"))) } else { Ok(format!("c{i}")) };
                match self.sleep(t, time) {
                    Ok(_) => self.tasks[t].frames.push(Frame::Slept(result)),
                    Err(ex) => self.task_ended(t, Err(ex)),
                }
                Known::Task(t)
            }
        }
    }

    /// A task without statements goes on.
    pub fn resume_silent(&mut self, t: Index, outcome: Outcome) {
        self.tasks[t].status = Status::Running;
        match self.tasks[t].frames.pop() {
            Some(Frame::Slept(result)) => self.task_ended(t, outcome.and(result)),
            Some(Frame::Combine(combining)) if combining.leaving => {
                let result = outcome.map(|mut texts| texts.pop().unwrap_or_default());
                self.combined(t, result);
            }
            Some(Frame::Combine(combining)) => self.combine_woken(t, *combining, outcome),
            other => unreachable!("{other:?} is no frame of a silent task"),
        }
    }

    fn combine_woken(&mut self, c: Index, mut combining: Combining, outcome: Outcome) {
        match (outcome, combining.which) {
            (Err(ex), _) if combining.windowed() => return self.combine_over(c, combining, Err(ex)),
            (Ok(texts), _) if combining.windowed() => {
                if let Some(result) = texts[0].parse().ok().and_then(|place| self.took(c, &mut combining, place)) {
                    return self.combine_over(c, combining, result);
                }
            }
            // With a deadline, this was only the wait.
            (Ok(_), Combinator::Settle) if combining.deadline.is_some() => {}
            (Err(ex), Combinator::Settle) if combining.deadline.is_some() => {
                return self.combine_over(c, combining, Err(ex));
            }
            (Err(ex), Combinator::Settle) if !ex.own => self.note_outcome(&mut combining, 0, Err(ex)),
            (Err(ex), _) => return self.combine_over(c, combining, Err(ex)),
            (Ok(texts), Combinator::Settle) => self.note_outcome(&mut combining, 0, Ok(texts[0].clone())),
            // All are there, and that is seen again below.
            (Ok(_), _) => {
                let result = self.all_of(&combining).unwrap_or(Ok(String::new()));
                return self.combine_over(c, combining, result);
            }
        }
        self.go_on(c, combining);
    }

    fn go_on(&mut self, c: Index, mut combining: Combining) {
        self.start_some(c, &mut combining);
        let step = match combining.which {
            _ if combining.windowed() => self.await_first(c, &mut combining),
            Combinator::All => self.await_all(c, &combining),
            _ => self.await_each(c, &mut combining),
        };
        match step {
            Some(result) => self.combine_over(c, combining, result),
            None => self.tasks[c].frames.push(Frame::Combine(Box::new(combining))),
        }
    }

    fn note_outcome(&mut self, combining: &mut Combining, place: usize, outcome: Result<String, Ex>) {
        let i = combining.window.remove(place);
        combining.outcomes[i] = Some(outcome);
    }

    fn result_of(&self, known: &Known) -> Option<(u64, Result<String, Ex>)> {
        match known {
            Known::Task(t) => self.tasks[*t].result.clone().map(|r| (self.tasks[*t].settled, r)),
            Known::Future(f) => self.futures[*f].result.clone().map(|r| (self.futures[*f].settled, r)),
            Known::Value(text, order) => Some((*order, Ok(text.clone()))),
        }
    }

    fn watch_for(&mut self, known: &Known, r: Registration) {
        match known {
            Known::Task(t) => self.tasks[*t].waiters.push(r),
            Known::Future(f) => self.futures[*f].waiters.push(r),
            Known::Value(..) => {}
        }
    }

    fn observe_all(&mut self, list: &[Known]) {
        for known in list {
            if let Known::Task(t) = known {
                self.tasks[*t].observed = true;
            }
        }
    }

    /// The first failure in the order of the list, or all values; `None`: some are not there.
    fn all_of(&self, combining: &Combining) -> Option<Result<String, Ex>> {
        let results: Vec<_> = combining.list.iter().map(|known| self.result_of(known)).collect();
        if let Some((_, Err(ex))) = results.iter().flatten().find(|(_, r)| r.is_err()) {
            return Some(Err(ex.clone()));
        }
        let values: Option<Vec<String>> = results.into_iter().map(|r| r.and_then(|(_, r)| r.ok())).collect();
        values.map(|v| Ok(v.join("+")))
    }

    fn await_all(&mut self, c: Index, combining: &Combining) -> Option<Result<String, Ex>> {
        if let Err(ex) = self.checkpoint(c) {
            return Some(Err(ex));
        }
        self.observe_all(&combining.list);
        if let Some(result) = self.all_of(combining) {
            return Some(result);
        }
        if combining.deadline.is_some_and(|at| at <= self.now) {
            return Some(Err(self.timeout()));
        }
        let pending: Vec<&Known> = combining.list.iter().filter(|k| self.result_of(k).is_none()).collect();
        for known in &pending {
            if let Known::Task(t) = known
                && self.closes_circle(c, On::Task(*t))
            {
                return Some(self.fail("DeadlockException"));
            }
        }
        for (place, known) in pending.into_iter().enumerate() {
            // The place tells them apart.
            let r = Registration { how: Answer::All, value: place as u64, ..registration(c, How::Plain(None)) };
            self.watch_for(known, r);
        }
        self.park_until(c, combining.deadline);
        None
    }

    fn park_until(&mut self, c: Index, deadline: Option<u64>) {
        let expired = Err(self.timeout());
        let _ = self.park(c, On::Nothing, deadline.map(|at| at - self.now), expired);
    }

    /// One after the other.
    fn await_each(&mut self, c: Index, combining: &mut Combining) -> Option<Result<String, Ex>> {
        while let Some(&i) = combining.window.first() {
            if let Some(at) = combining.deadline {
                // It settles first, or the time is over.
                if let Err(ex) = self.checkpoint(c) {
                    return Some(Err(ex));
                }
                let known = combining.list[i].clone();
                self.observe_all(std::slice::from_ref(&known));
                if self.result_of(&known).is_none() {
                    if at <= self.now {
                        return Some(Err(self.timeout()));
                    }
                    self.watch_for(&known, Registration { how: Answer::First(0), ..registration(c, How::Plain(None)) });
                    self.park_until(c, combining.deadline);
                    return None;
                }
            }
            let step = match combining.list[i] {
                Known::Value(ref text, _) => {
                    let text = text.clone();
                    self.checkpoint(c).map(|()| Step::Now(Ok(vec![text])))
                }
                Known::Task(t) => self.checkpoint(c).and_then(|()| self.await_known(c, t, None)),
                Known::Future(f) => self.await_future(c, f, None),
            };
            let outcome = match step {
                Ok(Step::Parked) => return None,
                Ok(Step::Now(outcome)) => outcome.map(|texts| texts[0].clone()),
                Err(ex) => Err(ex),
            };
            match outcome {
                Err(ex) if ex.own => return Some(Err(ex)),
                outcome => self.note_outcome(combining, 0, outcome),
            }
        }
        Some(Ok(told(combining)))
    }

    /// The first that settles, as long as that does not decide.
    fn await_first(&mut self, c: Index, combining: &mut Combining) -> Option<Result<String, Ex>> {
        loop {
            self.start_some(c, combining);
            if combining.window.is_empty() && matches!(combining.which, Combinator::All | Combinator::Settle) {
                return Some(Ok(told(combining)));
            }
            if combining.window.is_empty() {
                let texts = combining.outcomes.iter().flatten().filter_map(|o| o.as_ref().err());
                let text = texts.map(|ex| ex.text.as_str()).collect::<Vec<_>>().join("+");
                return Some(self.fail(&text));
            }
            if let Err(ex) = self.checkpoint(c) {
                return Some(Err(ex));
            }
            self.observe_all(&combining.list);
            let settled = combining
                .window
                .iter()
                .enumerate()
                .filter_map(|(place, &i)| self.result_of(&combining.list[i]).map(|(order, _)| (order, place)));
            let Some((_, place)) = settled.min() else { break };

            if let Some(result) = self.took(c, combining, place) {
                return Some(result);
            }
        }
        if combining.deadline.is_some_and(|at| at <= self.now) {
            return Some(Err(self.timeout()));
        }
        for (place, &i) in combining.window.iter().enumerate() {
            let r = Registration { how: Answer::First(place), ..registration(c, How::Plain(None)) };
            self.watch_for(&combining.list[i].clone(), r);
        }
        self.park_until(c, combining.deadline);
        None
    }

    /// The one at `place` of the window has settled. `Some`: that decides.
    fn took(&mut self, c: Index, combining: &mut Combining, place: usize) -> Option<Result<String, Ex>> {
        let (_, result) = self.result_of(&combining.list[combining.window[place]])?;
        let result = match combining.which {
            // These are awaited once more, which is a checkpoint.
            Combinator::Race => return Some(self.checkpoint(c).and(result)),
            Combinator::All => self.checkpoint(c).and(result),
            _ => result,
        };
        let decides = match combining.which {
            Combinator::All => result.is_err(),
            Combinator::Any => result.is_ok(),
            _ => false,
        };
        if decides {
            return Some(result);
        }
        self.note_outcome(combining, place, result);
        None
    }

    /// The outcome is known: the losers are told, and the scope is left.
    fn combine_over(&mut self, c: Index, combining: Combining, result: Result<String, Ex>) {
        self.observe_all(&combining.list);
        for known in &combining.list {
            if let Known::Task(t) = known
                && combining.cancel
            {
                self.cancel_task(*t);
            }
        }
        let Some(scope) = combining.scope else { return self.combined(c, result) };
        match self.leave_scope(c, scope, result) {
            Some(result) => self.combined(c, result),
            None => {
                self.park_for_children(c, scope);
                self.tasks[c].frames.push(Frame::Combine(Box::new(Combining { leaving: true, ..combining })));
            }
        }
    }

    fn combined(&mut self, c: Index, result: Result<String, Ex>) {
        let result = result.map_err(|ex| match ex.text == timeout_of(NOWHERE) {
            true => Ex { text: "TimeoutException".to_owned(), ..ex },
            false => ex,
        });
        self.task_ended(c, result);
    }
}

/// All outcomes in the order of the list.
fn told(combining: &Combining) -> String {
    let texts = combining.outcomes.iter().flatten().map(|o| match o {
        Ok(v) => v.as_str(),
        Err(ex) => ex.text.as_str(),
    });
    texts.collect::<Vec<_>>().join("+")
}
