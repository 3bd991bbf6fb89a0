//! `dead-letters list | show | replay | discard`. Prints tables and sentences for people, or one JSON document with `--json`.

use clap::{Args, Subcommand};
use entities::{
    CommandContext, Edge, PageRequest, SortKey,
    access::Viewer,
    id,
    operations::{LetterId, NO_LETTER, OperationError, Operations},
};
use events::{DeadLetter, LetterFilter, LetterKind, Which};
use serde_json::{Value, json};

use super::{ACTOR, OperatingError, Outcome, table};

/// The number of characters of an error that a table shows.
const SHOWN_ERROR: usize = 70;

/// What to do with dead letters.
#[derive(Subcommand, Debug, Clone, PartialEq, Eq)]
pub enum DeadLettersCommand {
    /// List them, oldest first
    List {
        /// Only those of this follower or handler
        #[arg(long)]
        consumer: Option<String>,
        /// Only those with this fingerprint
        #[arg(long)]
        fingerprint: Option<String>,
        /// Only those of this stream, such as post_01h455vb4pex5vsknk084sn02q
        #[arg(long)]
        stream: Option<String>,
        /// Only those after this letter: the last one of the previous list
        #[arg(long)]
        after: Option<String>,
        /// Maximum number of letters
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=1_000))]
        limit: u64,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show one, with its errors and its event
    Show {
        /// Its id
        id: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Try them again
    ///
    /// A follower applies the letters of a stream in order, each exactly once, with those that wait behind them. Exits with 3 when
    /// some remain.
    Replay(Selection),
    /// Give them up for good
    ///
    /// Letters that wait behind them in their streams are applied.
    Discard(Selection),
}

/// Which letters to replay or discard.
#[derive(Args, Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    #[command(flatten)]
    which: WhichLetters,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug, Clone, PartialEq, Eq)]
#[group(required = true, multiple = false)]
struct WhichLetters {
    /// The letter with this id
    id: Option<String>,
    /// All with this fingerprint
    #[arg(long)]
    fingerprint: Option<String>,
    /// All letters
    #[arg(long)]
    all: bool,
}

impl WhichLetters {
    fn which(&self) -> Result<Which, OperatingError> {
        match (&self.id, &self.fingerprint) {
            (Some(id), _) => Ok(Which::One(letter_id(id)?.uuid())),
            (None, fingerprint) => Ok(Which::matching(LetterFilter {
                fingerprint: fingerprint.clone(),
                ..LetterFilter::default()
            })),
        }
    }
}

fn letter_id(text: &str) -> Result<LetterId, OperatingError> {
    let parsed = text.parse();
    parsed.map_err(|_| OperatingError::NotAnId(text.to_owned(), "letter"))
}

pub(super) async fn run(
    operations: &Operations,
    command: &DeadLettersCommand,
) -> Result<Outcome, OperatingError> {
    match command {
        DeadLettersCommand::List {
            consumer,
            fingerprint,
            stream,
            after,
            limit,
            json,
        } => {
            let stream = stream.as_ref().map(|stream| {
                let parsed = id::decode(stream);
                parsed.ok_or_else(|| OperatingError::NotAnId(stream.clone(), "stream"))
            });
            let filter = LetterFilter {
                consumer: consumer.clone(),
                fingerprint: fingerprint.clone(),
                stream: stream.transpose()?,
            };
            let after = after.as_deref().map(letter_id).transpose()?;
            let page = PageRequest {
                after: after.map(|id| Edge {
                    key: SortKey::Number(0),
                    id: id.uuid(),
                }),
                before: None,
                limit: *limit,
                from_end: false,
            };
            list(operations, &filter, &page, *json).await?;
            Ok(Outcome::Done)
        }
        DeadLettersCommand::Show { id, json } => {
            show(operations, letter_id(id)?, *json).await?;
            Ok(Outcome::Done)
        }
        DeadLettersCommand::Replay(selection) => replay(operations, selection).await,
        DeadLettersCommand::Discard(selection) => discard(operations, selection).await,
    }
}

async fn list(
    operations: &Operations,
    filter: &LetterFilter,
    page: &PageRequest,
    is_json: bool,
) -> Result<(), OperatingError> {
    let viewer = Viewer::Process(ACTOR);
    let page = operations.list_letters(&viewer, filter, page).await?;
    let letters: Vec<_> = page.items.into_iter().map(|(_, letter)| letter).collect();
    if is_json {
        let letters: Vec<Value> = letters.iter().map(into_json).collect();
        crate::say!("{}", serde_json::to_string_pretty(&letters)?);
        return Ok(());
    }
    let total = operations.count_letters(&viewer, filter).await?;
    if total == 0 {
        crate::say!("no dead letters");
        return Ok(());
    }
    let row = |letter: &DeadLetter| {
        vec![
            LetterId::from_uuid(letter.id).to_string(),
            letter.consumer.clone(),
            letter.event_type.clone(),
            format!(
                "{} v{}",
                id::encode(&letter.stream, letter.stream_id),
                letter.version
            ),
            letter.attempts.to_string(),
            letter.last_at.format("%Y-%m-%d %H:%M:%SZ").to_string(),
            letter.fingerprint.clone().unwrap_or_default(),
            match &letter.error {
                Some(error) => table::shortened(error, SHOWN_ERROR),
                None => "waits behind an earlier one of its stream".to_owned(),
            },
        ]
    };
    let head = [
        "LETTER",
        "CONSUMER",
        "EVENT",
        "STREAM",
        "ATTEMPTS",
        "LAST TRIED",
        "FINGERPRINT",
        "ERROR",
    ];
    table::print(&head, &letters.iter().map(row).collect::<Vec<_>>());
    crate::say!("{} of {total} shown", letters.len());
    Ok(())
}

async fn show(operations: &Operations, id: LetterId, is_json: bool) -> Result<(), OperatingError> {
    let viewer = Viewer::Process(ACTOR);
    let letter = operations.find_letter(&viewer, id).await?;
    let letter = letter.ok_or(OperationError::Own(NO_LETTER))?;
    let event = operations.event_of_letter(&viewer, &letter).await?;
    let data: Option<Value> = event
        .as_ref()
        .and_then(|event| event.data())
        .map(serde_json::from_str)
        .transpose()?;
    if is_json {
        let mut shown = into_json(&letter);
        shown["event"] = event.as_ref().map_or(Value::Null, |event| {
            json!({
                "actor": event.event().meta.actor,
                "occurredAt": event.event().occurred_at,
                "schemaVersion": event.event().schema_version,
                "data": data,
            })
        });
        crate::say!("{}", serde_json::to_string_pretty(&shown)?);
        return Ok(());
    }
    let kind = match letter.kind {
        LetterKind::Handler => "handler",
        LetterKind::Follower => "follower",
    };
    let mut rows = vec![
        ("letter", LetterId::from_uuid(letter.id).to_string()),
        ("consumer", format!("{} ({kind})", letter.consumer)),
        (
            "event",
            format!("{} at position {}", letter.event_type, letter.position),
        ),
        (
            "stream",
            format!(
                "{}, version {}",
                id::encode(&letter.stream, letter.stream_id),
                letter.version
            ),
        ),
        ("attempts", letter.attempts.to_string()),
        ("first tried", letter.first_at.to_rfc3339()),
        ("last tried", letter.last_at.to_rfc3339()),
    ];
    if let Some(fingerprint) = &letter.fingerprint {
        rows.push(("fingerprint", fingerprint.clone()));
    }
    if letter.is_parked {
        let waits = "for an earlier one of its stream".to_owned();
        rows.push(("waits", waits));
    }
    for (number, line) in letter.error.iter().flat_map(|it| it.lines()).enumerate() {
        let name = if number == 0 { "error" } else { "because" };
        rows.push((name, line.to_owned()));
    }
    match (&event, &data) {
        (None, _) => rows.push(("data", "no longer in the log".to_owned())),
        (Some(_), None) => rows.push(("data", "withheld".to_owned())),
        (Some(event), Some(data)) => {
            rows.push(("actor", event.event().meta.actor.clone()));
            rows.push(("occurred", event.event().occurred_at.to_rfc3339()));
            rows.push(("data", serde_json::to_string_pretty(data)?));
        }
    }
    for (name, text) in rows {
        crate::say!("{name:12} {}", text.replace('\n', "\n             "));
    }
    Ok(())
}

async fn replay(operations: &Operations, selection: &Selection) -> Result<Outcome, OperatingError> {
    let which = selection.which.which()?;
    let context = CommandContext::process(ACTOR);
    let done = operations.replay_letters(context, which).await?;
    match selection.json {
        true => crate::say!(
            "{}",
            json!({ "replayed": done.replayed, "left": done.left })
        ),
        false => crate::say!("{} replayed, {} left", done.replayed, done.left),
    }
    Ok(outcome(done.left))
}

async fn discard(
    operations: &Operations,
    selection: &Selection,
) -> Result<Outcome, OperatingError> {
    let which = selection.which.which()?;
    let context = CommandContext::process(ACTOR);
    let done = operations.discard_letters(context, which).await?;
    match selection.json {
        true => crate::say!(
            "{}",
            json!({ "discarded": done.discarded, "replayed": done.replayed, "left": done.left })
        ),
        false => crate::say!(
            "{} discarded, {} behind them replayed, {} left",
            done.discarded,
            done.replayed,
            done.left
        ),
    }
    Ok(outcome(done.left))
}

fn outcome(left: u64) -> Outcome {
    match left {
        0 => Outcome::Done,
        _ => Outcome::Left,
    }
}

fn into_json(letter: &DeadLetter) -> Value {
    json!({
        "id": LetterId::from_uuid(letter.id).to_string(),
        "consumer": letter.consumer,
        "consumerKind": match letter.kind {
            LetterKind::Handler => "handler",
            LetterKind::Follower => "follower",
        },
        "position": letter.position,
        "stream": letter.stream,
        "streamId": id::encode(&letter.stream, letter.stream_id),
        "version": letter.version,
        "type": letter.event_type,
        "errors": letter.error.iter().flat_map(|it| it.lines()).collect::<Vec<_>>(),
        "fingerprint": letter.fingerprint,
        "attempts": letter.attempts,
        "firstTriedAt": letter.first_at,
        "lastTriedAt": letter.last_at,
        "isParked": letter.is_parked,
    })
}
