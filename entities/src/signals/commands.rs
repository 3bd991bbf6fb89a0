//! Submits a signal: the row and its first event in one transaction. The row of the source is locked until the commit, so a
//! source's numbers have no gaps, and a reader that sees a signal sees all of its source's smaller numbers: what is computed
//! from those never changes. Signals of other sources do not wait.

use ::events::{Tx, sql::query_one_as};
use chrono::TimeDelta;
use sea_orm::{EntityTrait, IntoActiveModel};

use super::{
    Signal, SignalEvent, SignalId, SignalStatus, Signals, SignalsConfig,
    advancing::database_now,
    rules,
    tables::{row_of, signal},
};
use crate::{
    CommandContext, CommandError,
    access::{Action, authorize},
    boxed, idempotency,
};

/// The input of `submit_signal`.
#[derive(Debug, Clone)]
pub struct SubmitSignal {
    /// The name of the source: 1 to 100 characters.
    pub source: String,
    /// The measured value.
    pub value: f64,
}

impl Signals {
    /// Submits a signal, which is then pending.
    #[boxed]
    pub async fn submit_signal(
        &self,
        context: CommandContext,
        input: SubmitSignal,
    ) -> Result<Signal, CommandError> {
        authorize(&context.viewer, Action::SubmitSignals)?;
        let input = rules::check_new(input)?;
        let config = self.config;
        self.log
            .write(move |tx| {
                let (context, input) = (context.clone(), input.clone());
                Box::pin(async move {
                    let work = submit_in_tx(tx, &context, input, config);
                    idempotency::once(tx, &context, work).await
                })
            })
            .await
    }
}

async fn submit_in_tx(
    tx: &Tx<'_>,
    context: &CommandContext,
    input: SubmitSignal,
    config: SignalsConfig,
) -> Result<Signal, CommandError> {
    let number = next_number(tx, &input.source).await?;
    let at = database_now(&**tx).await?;
    let deadline = TimeDelta::from_std(config.deadline).unwrap_or(TimeDelta::MAX);
    let signal = Signal {
        id: SignalId::generate(),
        source: input.source,
        number,
        value: input.value,
        status: SignalStatus::Pending,
        results: Vec::new(),
        missing: Vec::new(),
        version: 1,
        submitted_by: context.viewer.actor(),
        submitted_at: at,
        deadline_at: at + deadline,
        completed_at: None,
        notification: None,
        delivered_at: None,
    };
    let row = row_of(&signal)?.into_active_model();
    signal::Entity::insert(row)
        .exec_without_returning(&**tx)
        .await?;
    let event = SignalEvent::submitted(signal.clone());
    event.append(tx, at, &context.meta()).await?;
    Ok(signal)
}

async fn next_number(tx: &Tx<'_>, source: &str) -> Result<i64, CommandError> {
    let sql = "insert into signal_source (source, last_number) values ($1, 1)
               on conflict (source) do update set last_number = signal_source.last_number + 1
               returning last_number";
    let number = query_one_as(&**tx, sql, vec![source.into()]).await?;
    Ok(number.ok_or_else(|| sea_orm::DbErr::RecordNotFound("the source's number".to_owned()))?)
}
