//! The reference model of scopes, cancellation and the ends of tasks (concurrency.md 4.3 to 4.6).

use super::program::{Form, Index, Policy, ScopeSpec};
use super::state::{Answer, Cause, Due, Ex, Failure, Frame, On, Outcome, ROOT, Ready, Scope, State, Status, Timer};

impl<'p> State<'p> {
    pub fn exception(&mut self, text: &str) -> Ex {
        self.count += 1;
        Ex { text: text.to_owned(), own: false, silent: false, object: self.count }
    }

    fn own(&mut self, text: &str, silent: bool) -> Ex {
        Ex { own: true, silent, ..self.exception(text) }
    }

    pub fn add_timer(&mut self, at: u64, due: Due) {
        self.count += 1;
        let bound = match due {
            Due::Wait(t) => self.tasks[t].wait.as_ref().is_none_or(|w| w.on != On::Sleep),
            Due::Future(_) => false,
            _ => true,
        };
        self.timers.push(Timer { at, number: self.count, due, bound });
    }

    // --- where a task is

    pub fn is_cancelled(&self, t: Index) -> bool {
        let task = &self.tasks[t];
        let scope = &self.scopes[task.scope];
        scope.cancelled || task.cancelled && scope.owner != Some(t)
    }

    pub fn in_cleanup(&self, t: Index) -> bool {
        self.tasks[t].cleaning || self.tasks[t].frames.iter().any(|f| matches!(f, Frame::Cleanup { .. }))
    }

    fn grace_end(&self, t: Index) -> Option<u64> {
        let of_scope = self.scopes[self.tasks[t].scope].grace_end;
        [of_scope, self.tasks[t].grace_end].into_iter().flatten().min()
    }

    /// What operations that may wait begin with.
    pub fn checkpoint(&mut self, t: Index) -> Result<(), Ex> {
        if !self.is_cancelled(t) {
            return Ok(());
        }
        if self.in_cleanup(t) {
            if self.grace_end(t).is_none_or(|end| self.now < end) {
                return Ok(());
            }
            return Err(self.own("grace", true));
        }
        Err(self.own_cancellation(t))
    }

    fn own_cancellation(&mut self, t: Index) -> Ex {
        self.tasks[t].told = true;
        let mut k = self.tasks[t].scope;
        loop {
            let scope = &mut self.scopes[k];
            if scope.cancelled || scope.owner == Some(t) {
                scope.delivered = true;
            }
            if scope.cause.is_some() || scope.shield || scope.parent == k {
                break;
            }
            k = scope.parent;
        }
        self.own("own", false)
    }

    // --- waking

    /// Ends a wait: the task leaves all queues and is ready.
    pub fn wake(&mut self, t: Index, outcome: Outcome) {
        assert_eq!(self.tasks[t].status, Status::Parked, "the model wakes who does not wait");
        let failed = outcome.is_err();
        let wait = self.tasks[t].wait.take();
        self.tasks[t].status = Status::Ready;
        self.tasks[t].woken = Some(outcome);
        self.timers.retain(|timer| timer.due != Due::Wait(t) && timer.due != Due::Fail(t));
        self.leave_queues(t);
        self.make_ready(t);
        match wait.map(|w| w.on) {
            Some(On::RwLock(l)) => self.pass_rwlock(l),
            Some(On::Semaphore(s)) => self.pass_semaphore(s),
            Some(On::Limiter(l)) => self.pass_limiter(l),
            Some(On::Barrier(b)) if failed => self.break_barrier(b),
            _ => {}
        }
    }

    fn leave_queues(&mut self, t: Index) {
        for queue in self.queues() {
            queue.retain(|r| r.task != t);
        }
    }

    fn make_ready(&mut self, t: Index) {
        self.ready.push(Ready { task: t, spread: self.spread });
    }

    // --- cancelling

    /// What is done inside wakes tasks in an order that is nobody's business.
    fn in_any_order<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let outer = self.spread;
        if outer == 0 {
            self.count += 1;
            self.spread = self.count;
        }
        let result = work(self);
        self.spread = outer;
        result
    }

    pub fn cancel_scope(&mut self, k: usize, cause: Cause) {
        self.scopes[k].cause.get_or_insert(cause);
        if self.scopes[k].cancelled {
            return;
        }
        let end = self.now + self.scopes[k].grace;
        self.timers.retain(|timer| timer.due != Due::Deadline(k));
        self.in_any_order(|s| s.cancel_inside(k, end));
        if self.scopes[k].open && !self.timers.iter().any(|timer| timer.due == Due::Grace(k)) {
            self.add_timer(end, Due::Grace(k));
        }
    }

    /// Marks a scope and those inside, up to shields, and tells who waits there. Those that never start end when all have been told:
    /// whoever is cancelled with them sees that and not their end.
    fn cancel_inside(&mut self, k: usize, end: u64) {
        let mut unstarted = Vec::new();
        self.tell_inside(k, end, &mut unstarted);
        for t in unstarted {
            self.tell(t);
        }
    }

    fn tell_inside(&mut self, k: usize, end: u64, unstarted: &mut Vec<Index>) {
        if self.scopes[k].cancelled || !self.scopes[k].open {
            return;
        }
        let scope = &mut self.scopes[k];
        scope.cancelled = true;
        scope.grace_end = Some(scope.grace_end.map_or(end, |e| e.min(end)));
        for t in self.inside(k) {
            match self.tasks[t].status {
                Status::New | Status::Queued if self.tasks[t].scope == k => unstarted.push(t),
                Status::Parked if self.tasks[t].scope == k => self.interrupt(t),
                _ => {}
            }
        }
        for inner in 0..self.scopes.len() {
            let scope = &self.scopes[inner];
            if inner != k && scope.open && scope.parent == k && !scope.shield {
                self.tell_inside(inner, end, unstarted);
            }
        }
    }

    fn is_live(&self, t: Index) -> bool {
        !matches!(self.tasks[t].status, Status::Unborn | Status::Done)
    }

    fn tell(&mut self, t: Index) {
        match self.tasks[t].status {
            Status::New | Status::Queued => {
                let ex = self.exception("CancellationException");
                self.never_starts(t, ex);
            }
            Status::Parked => self.interrupt(t),
            _ => {}
        }
    }

    /// It waits, and cancellation reaches this wait.
    fn may_be_woken(&self, t: Index) -> bool {
        let on = self.tasks[t].wait.as_ref().map(|w| w.on);
        self.tasks[t].status == Status::Parked && !matches!(on, Some(On::ScopeExit(_) | On::Relock(_)))
    }

    fn interrupt(&mut self, t: Index) {
        if self.may_be_woken(t) && !self.in_cleanup(t) {
            let ex = self.own_cancellation(t);
            self.wake(t, Err(ex));
        }
    }

    /// Ends before its first instruction.
    fn never_starts(&mut self, t: Index, ex: Ex) {
        let home = self.tasks[t].home;
        self.scopes[home].delivered |= self.scopes[home].cancelled;
        self.ready.retain(|r| r.task != t);
        let started = self.tasks[t].status == Status::New && self.takes_place(t);
        self.tasks[t].status = Status::Done;
        self.settle_task(t, Err(ex));
        self.child_ended(home, started);
    }

    pub fn cancel_task(&mut self, t: Index) {
        match self.tasks[t].status {
            Status::Unborn | Status::Done => return,
            // It has failed from outside, and was told to end then.
            _ if self.tasks[t].result.is_some() => return,
            Status::New | Status::Queued => {
                let ex = self.exception("CancellationException");
                return self.never_starts(t, ex);
            }
            _ => {}
        }
        self.tasks[t].cancelled = true;
        let end = self.now + self.scopes[self.tasks[t].scope].grace;
        if self.tasks[t].grace_end.is_none() {
            self.tasks[t].grace_end = Some(end);
            self.add_timer(end, Due::GraceOf(t));
        }
        // The outermost scope it has opened.
        let mut top = None;
        let mut k = self.tasks[t].scope;
        while self.scopes[k].owner == Some(t) {
            top = Some(k);
            k = self.scopes[k].parent;
        }
        self.in_any_order(|s| match top {
            None => s.interrupt(t),
            Some(top) if !s.scopes[top].shield => s.cancel_inside(top, end),
            Some(_) => {}
        });
    }

    /// Its future fails, and it is to end.
    pub fn fail_task(&mut self, t: Index, ex: Ex) {
        self.tasks[t].observed = true;
        match self.tasks[t].status {
            Status::New | Status::Queued => self.never_starts(t, ex),
            _ => {
                self.cancel_task(t);
                self.settle_task(t, Err(ex));
            }
        }
    }

    pub fn grace_ended(&mut self, k: usize) {
        self.in_any_order(|s| s.end_grace(k));
    }

    fn end_grace(&mut self, k: usize) {
        self.scopes[k].grace_end = Some(self.now);
        for t in self.inside(k) {
            self.cut_in(t, k);
        }
        // As they stood when it ended: a cleanup's own scope ends with it, the shields of the program stay.
        for inner in 0..self.scopes.len() {
            let scope = &self.scopes[inner];
            if inner == k || !scope.open || scope.parent != k {
                continue;
            }
            match (scope.shield, scope.stmt) {
                (true, stmt) if !self.shield_form(stmt) => self.cancel_scope(inner, Cause::Grace),
                (true, _) => {}
                _ => self.end_grace(inner),
            }
        }
    }

    /// The tasks a scope has to do with: its owner, then its children by age.
    fn inside(&self, k: usize) -> Vec<Index> {
        let owner = self.scopes[k].owner;
        let mut all: Vec<Index> = (0..self.tasks.len()).filter(|&t| Some(t) != owner).collect();
        all.sort_by_key(|&t| self.tasks[t].number);
        owner.into_iter().chain(all).collect()
    }

    fn cut_in(&mut self, t: Index, k: usize) {
        if self.is_live(t) && self.tasks[t].scope == k {
            self.cut(t);
        }
    }

    fn shield_form(&self, stmt: usize) -> bool {
        super::find(&self.program.body, stmt)
            .is_some_and(|s| matches!(&s.kind, super::program::Kind::Scope(spec) if spec.form == Form::Shield))
    }

    pub fn cut(&mut self, t: Index) {
        if self.may_be_woken(t) && self.in_cleanup(t) {
            let ex = self.own("grace", true);
            self.wake(t, Err(ex));
        }
    }

    // --- scopes

    pub fn open_scope(&mut self, t: Index, stmt: usize, spec: &ScopeSpec) -> usize {
        let parent = self.tasks[t].scope;
        let shield = spec.form == Form::Shield;
        let cleaning = self.in_cleanup(t);
        let cancelled = !shield && !cleaning && self.is_cancelled(t);
        let grace_end = if cancelled { self.grace_end(t) } else { None };
        // A cleanup whose time is over opens no scope that would outlast it.
        let over = !shield && cleaning && self.is_cancelled(t) && self.grace_end(t).is_some_and(|end| end <= self.now);
        let k = self.scopes.len();
        self.scopes.push(Scope {
            open: true,
            stmt,
            parent,
            owner: Some(t),
            policy: spec.policy,
            limit: spec.limit,
            grace: spec.grace.unwrap_or(self.scopes[parent].grace),
            shield: shield || cleaning,
            cancelled,
            cause: None,
            delivered: false,
            grace_end,
            deadline: spec.timeout.map(|d| self.now + d),
            failures: Vec::new(),
            unobserved: Vec::new(),
            result: None,
            ended_at: 0,
            dismissed: false,
        });
        self.tasks[t].scope = k;
        match spec.timeout {
            Some(0) => self.cancel_scope(k, Cause::Timeout),
            Some(d) => self.add_timer(self.now + d, Due::Deadline(k)),
            None => {}
        }
        if over {
            self.cancel_scope(k, Cause::Grace);
        }
        k
    }

    fn children(&self, k: usize) -> Vec<Index> {
        let mut all: Vec<Index> =
            (1..self.tasks.len()).filter(|&t| self.tasks[t].home == k && self.is_live(t)).collect();
        all.sort_by_key(|&t| self.tasks[t].number);
        all
    }

    fn has_children(&self, k: usize) -> bool {
        !self.children(k).is_empty()
    }

    fn only_daemons(&self, k: usize) -> bool {
        self.children(k).iter().all(|&t| self.tasks[t].daemon)
    }

    /// Nobody needs the daemons any more.
    fn dismiss(&mut self, k: usize) {
        if !std::mem::replace(&mut self.scopes[k].dismissed, true) {
            for t in self.children(k) {
                self.cancel_task(t);
            }
        }
    }

    /// The body is over. `None`: children are not.
    pub fn leave_scope(&mut self, t: Index, k: usize, result: Result<String, Ex>) -> Option<Result<String, Ex>> {
        let failed = result.as_ref().err().cloned();
        self.scopes[k].result = Some(result);
        self.scopes[k].ended_at = self.now;
        if let Some(ex) = failed.filter(|ex| !ex.own) {
            let at = self.now;
            self.scopes[k].failures.push(Failure { ex, task: 0, at, late: false });
            if self.scopes[k].policy != Policy::Collect {
                self.cancel_scope(k, Cause::Failure);
            }
        }
        if self.has_children(k) && self.only_daemons(k) {
            self.dismiss(k);
        }
        if self.has_children(k) {
            return None;
        }
        self.tasks[t].scope = self.scopes[k].parent;
        Some(self.close_scope(t, k))
    }

    /// The owner may go on when nobody is left.
    pub fn scope_settled(&mut self, k: usize) {
        let Some(owner) = self.scopes[k].owner else { return };
        let waits = self.tasks[owner].wait.as_ref().is_some_and(|w| w.on == On::ScopeExit(k));
        if !waits || !self.only_daemons(k) {
            return;
        }
        if self.has_children(k) {
            return self.dismiss(k);
        }
        self.tasks[owner].scope = self.scopes[k].parent;
        let outcome = self.close_scope(owner, k);
        self.wake(owner, outcome.map(|v| vec![v]));
    }

    fn close_scope(&mut self, t: Index, k: usize) -> Result<String, Ex> {
        let outside = self.is_cancelled(t) && !self.in_cleanup(t);
        self.scopes[k].open = false;
        self.timers.retain(|timer| timer.due != Due::Deadline(k) && timer.due != Due::Grace(k));
        let scope = self.scopes[k].clone();
        let mut failures = scope.failures;
        for child in scope.unobserved {
            if let Some(Err(ex)) = self.tasks[child].result.clone().filter(|_| !self.tasks[child].observed) {
                self.tasks[child].observed = true;
                failures.push(Failure { ex, task: self.tasks[child].number, at: self.now, late: false });
            }
        }
        // Of failures at one instant, before anybody was told to stop, the oldest task's is the first.
        if let Some(first) = failures.first().cloned()
            && first.task != 0
        {
            let same = failures.iter().take_while(|f| f.at == first.at && !f.late && f.task != 0).count();
            failures[..same].sort_by_key(|f| f.task);
        }
        let mut seen = Vec::new();
        failures.retain(|f| {
            let fresh = !seen.contains(&f.ex.object);
            seen.push(f.ex.object);
            fresh
        });
        if let Some(first) = failures.first() {
            if scope.policy == Policy::Collect {
                let text = failures.iter().map(|f| f.ex.text.as_str()).collect::<Vec<_>>().join("+");
                return Err(self.exception(&text));
            }
            return Err(first.ex.clone());
        }
        match scope.result.unwrap_or(Ok(String::new())) {
            Err(ex) if outside && !scope.shield => Err(ex),
            Err(ex) => match scope.cause {
                Some(Cause::Timeout) => Err(self.scope_timeout(scope.stmt)),
                Some(Cause::Request) => Ok("nil".to_owned()),
                _ => Err(ex),
            },
            Ok(_) if outside && !scope.shield && scope.delivered => Err(self.own_cancellation(t)),
            // A value from before the expiry stays; one that came later, out of a shield, is too late.
            Ok(_)
                if scope.cause == Some(Cause::Timeout)
                    && (scope.delivered || scope.deadline.is_some_and(|d| scope.ended_at > d)) =>
            {
                Err(self.scope_timeout(scope.stmt))
            }
            Ok(v) => Ok(v),
        }
    }

    /// Named after the scope, so that the `else` part of the form knows its own.
    fn scope_timeout(&mut self, stmt: usize) -> Ex {
        self.exception(&super::replay::timeout_of(stmt))
    }

    // --- tasks

    pub fn spawn(&mut self, t: Index, by: Index, daemon: bool) {
        let home = self.tasks[by].scope;
        self.spawned += 1;
        let program: &'p super::program::Program = self.program;
        let body = super::task_body(&program.body, t).unwrap_or(&[]);
        let running = (0..self.tasks.len())
            .filter(|&i| self.tasks[i].home == home && self.is_live(i) && i != 0)
            .filter(|&i| self.tasks[i].status != Status::Queued && self.takes_place(i))
            .count();
        let number = self.spawned;
        let task = &mut self.tasks[t];
        task.number = number;
        task.home = home;
        task.scope = home;
        task.body = body;
        task.named = true;
        task.daemon = daemon;
        if daemon {
            self.scopes[home].dismissed = false;
        }
        let limit = self.scopes[home].limit;
        if self.scopes[home].cancelled {
            self.tasks[t].status = Status::Queued;
            let ex = self.exception("CancellationException");
            self.never_starts(t, ex);
        } else if limit > 0 && running >= limit && !daemon {
            self.tasks[t].status = Status::Queued;
        } else {
            self.tasks[t].status = Status::New;
            self.make_ready(t);
        }
    }

    /// It counts against the limit of its scope.
    fn takes_place(&self, t: Index) -> bool {
        self.tasks[t].spawned && !self.tasks[t].daemon
    }

    /// An `async` body runs on its starter from here on.
    pub fn start_async(&mut self, t: Index, by: Index) {
        self.spawned += 1;
        let (number, home, cleaning) = (self.spawned, self.tasks[by].scope, self.in_cleanup(by));
        let task = &mut self.tasks[t];
        task.status = Status::Running;
        task.number = number;
        task.home = home;
        task.scope = home;
        task.spawned = false;
        task.cleaning = cleaning;
    }

    /// From here on it belongs to the root, with all scopes it has opened.
    pub fn detach(&mut self, t: Index) {
        self.tasks[t].detached = true;
        let home = self.tasks[t].home;
        if self.tasks[t].result.is_some() || home == ROOT {
            return;
        }
        self.tasks[t].home = ROOT;
        let mut top = None;
        let mut k = self.tasks[t].scope;
        while self.scopes[k].owner == Some(t) {
            top = Some(k);
            k = self.scopes[k].parent;
        }
        match top {
            Some(top) => self.scopes[top].parent = ROOT,
            None => self.tasks[t].scope = ROOT,
        }
        let queued = self.tasks[t].status == Status::Queued;
        if queued {
            // The root has no limit.
            self.tasks[t].status = Status::New;
            self.make_ready(t);
        }
        self.child_ended(home, self.tasks[t].spawned && !queued);
    }

    /// A task of scope `home` is over; its place, if it had one, goes to the next in the queue.
    fn child_ended(&mut self, home: usize, had_place: bool) {
        if had_place && self.scopes[home].limit > 0 {
            let next = (0..self.tasks.len())
                .filter(|&i| self.tasks[i].home == home && self.tasks[i].status == Status::Queued)
                .min_by_key(|&i| self.tasks[i].number);
            if let Some(next) = next {
                self.tasks[next].status = Status::New;
                self.make_ready(next);
            }
        }
        self.scope_settled(home);
    }

    pub fn task_ended(&mut self, t: Index, result: Result<String, Ex>) {
        let home = self.tasks[t].home;
        self.tasks[t].status = Status::Done;
        self.timers.retain(|timer| timer.due != Due::GraceOf(t));
        self.in_any_order(|s| s.break_locks(t));
        let (result, failure) = match result {
            Ok(v) => (Ok(v), None),
            // Seen by others it is an ordinary exception.
            Err(ex) if ex.own => (Err(self.exception("CancellationException")), None),
            Err(ex) => (Err(ex.clone()), Some(ex)),
        };
        let late = self.tasks[t].result.is_some();
        self.settle_task(t, result);
        let spawned = self.tasks[t].spawned;
        // Under supervise nobody gets it: it is reported.
        let reported = home == ROOT || self.scopes[home].policy == Policy::Supervise;
        if !spawned && failure.is_some() && !late && !self.tasks[t].observed && !reported {
            self.scopes[home].unobserved.push(t);
        }
        if let Some(ex) = failure.filter(|_| spawned) {
            let (task, at, late) = (self.tasks[t].number, self.now, self.tasks[t].told);
            if self.scopes[home].policy != Policy::Supervise {
                self.scopes[home].failures.push(Failure { ex, task, at, late });
            }
            if self.scopes[home].policy == Policy::Cancel {
                self.cancel_scope(home, Cause::Failure);
            }
        }
        self.child_ended(home, self.takes_place(t));
    }

    fn settle_task(&mut self, t: Index, result: Result<String, Ex>) {
        if self.tasks[t].result.is_some() {
            return;
        }
        self.settled += 1;
        self.tasks[t].settled = self.settled;
        self.tasks[t].result = Some(result.clone());
        while let Some(r) = self.tasks[t].waiters.first().cloned() {
            self.tasks[t].joined |= r.how == Answer::Join;
            self.wake_for_result(&r, &result);
        }
    }

    // --- deadlock

    /// Whether waiting for `on` closes a circle of tasks that wait for each other without a time limit.
    pub fn closes_circle(&self, me: Index, on: On) -> bool {
        let mut next = self.holder(on);
        for _ in 0..self.tasks.len() + 1 {
            match next {
                None => return false,
                Some(t) if t == me => return true,
                Some(t) => {
                    next = match &self.tasks[t].wait {
                        Some(w) if self.tasks[t].status == Status::Parked && w.expired.is_none() => self.holder(w.on),
                        _ => None,
                    }
                }
            }
        }
        false
    }

    fn holder(&self, on: On) -> Option<Index> {
        match on {
            On::Task(t) => Some(t),
            On::Mutex(m) | On::Relock(m) => self.mutexes[m].owner,
            On::RwLock(l) => {
                let lock = &self.rwlocks[l];
                let mut readers = lock.readers.clone();
                readers.sort_unstable();
                readers.dedup();
                if readers.len() == 1 { Some(readers[0]) } else { lock.writer }
            }
            _ => None,
        }
    }

    /// Nothing can ever run again: the main task is told, once for each of its waits.
    pub fn deadlock(&mut self) -> bool {
        if self.tasks[0].status == Status::Done {
            // What is left of the program is told to end.
            let stuck = (0..self.tasks.len()).any(|t| self.is_live(t));
            if stuck && !self.ending {
                self.ending = true;
                self.cancel_scope(ROOT, Cause::Request);
                return true;
            }
            return false;
        }
        match &mut self.tasks[0].wait {
            Some(wait) if !wait.stuck => wait.stuck = true,
            _ => return false,
        }
        let ex = self.exception("DeadlockException");
        match self.tasks[0].wait.as_ref().map(|w| w.on) {
            Some(On::ScopeExit(k)) => {
                self.scopes[k].failures.push(Failure { ex, task: 0, at: 0, late: false });
                self.cancel_scope(k, Cause::Failure);
                self.scope_settled(k);
            }
            _ => self.wake(0, Err(ex)),
        }
        true
    }
}
