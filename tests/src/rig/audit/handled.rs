//! Invariants of handlers: deliveries agree with the log up to the checkpoints of their registration, dead letters with dead
//! deliveries, and signals with their events, results and numbers.

use super::applied;

/// The handlers of each type of signal event.
const WANTED: &str = "(values ('SignalSubmitted', 'signal_orchestrator'), \
    ('SignalProcessingStarted', 'signal_statistics'), ('SignalProcessingStarted', 'signal_trend'), \
    ('SignalProcessingStarted', 'signal_levels'), ('SignalResultRecorded', 'signal_aggregator'), \
    ('SignalCompleted', 'signal_notifier'), ('SignalCompleted', 'signal_webhook')) w (type, handler)";

pub(super) fn checks() -> Vec<(&'static str, String)> {
    let applied = applied("deliveries", "signal");
    let deliveries = format!(
        "with expected as (select w.handler, a.position from ({applied}) a join {WANTED} on w.type = a.type) \
         select count(*) as number from expected x full join delivery d \
         on d.handler = x.handler and d.position = x.position \
         where x.position is null or d.position is null"
    );
    vec![
        ("deliveries and the events that handlers want", deliveries),
        ("dead letters and what is dead", LETTERS.to_owned()),
        ("dead letters that nobody expects", UNEXPECTED.to_owned()),
        (
            "signals, their results and their states",
            SIGNALS.to_owned(),
        ),
        ("numbers of the signals of a source", NUMBERS.to_owned()),
    ]
}

const LETTERS: &str = "select count(*) as number from (select * from dead_letter where kind = 'handler') l \
    full join (select * from delivery where state = 'dead') d \
    on d.handler = l.consumer and d.position = l.position where l.id is null or d.position is null";

/// Faults that cause dead letters have replayed them by the time of the account.
const UNEXPECTED: &str = "select count(*) as number from dead_letter";

const SIGNALS: &str = "with folded as (select stream_id, \
    count(*) filter (where type = 'SignalSubmitted') as submitted, \
    count(*) filter (where type = 'SignalProcessingStarted') as started, \
    count(*) filter (where type = 'SignalResultRecorded') as results, \
    count(*) filter (where type = 'SignalLateResultRecorded') as late, \
    count(*) filter (where type = 'SignalCompleted') as completed, \
    count(*) filter (where type = 'SignalNotified') as notified \
    from event where stream = 'signal' group by stream_id), \
    kept as (select signal_id, count(*) filter (where not is_late) as results, \
    count(*) filter (where is_late) as late from signal_result group by signal_id) \
    select count(*) as number from folded f join signal s on s.id = f.stream_id \
    left join kept k on k.signal_id = s.id \
    where f.submitted <> 1 or f.started > 1 or f.completed > 1 or f.notified > 1 \
    or coalesce(k.results, 0) <> f.results or coalesce(k.late, 0) <> f.late or f.results + f.late > 3 \
    or (s.completed_at is not null) <> (f.completed = 1) or (s.notified_at is not null) <> (f.notified = 1) \
    or (s.status = 'COMPLETED') <> (f.completed = 1 and f.results = 3) \
    or (s.status = 'PARTIAL') <> (f.completed = 1 and f.results < 3)";

const NUMBERS: &str = "select count(*) as number from signal_source s left join \
    (select source, count(*) as rows, max(number) as last from signal group by source) r \
    on r.source = s.source where coalesce(r.rows, 0) <> s.last_number or coalesce(r.last, 0) <> s.last_number";
