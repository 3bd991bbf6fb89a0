//! What became of a message, as its author sees it: the author alone, so both fields of a message ask for the viewer.

use async_graphql::{Context, Enum, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entities::chats::{self, SentMessage};

use super::loaders::{WithUser, load_receipts, load_recipients};
use crate::list::List;
use crate::{error::Result, price::list_size, request::viewer, users::UserRef};

/// For the cost of `recipients`: more than most chats have, and less than a chat can have.
const USUAL_RECIPIENTS: i32 = 50;

/// How far a message has come.
#[derive(Enum, Debug, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "chats::MessageState")]
pub(crate) enum MessageState {
    /// The message was sent, and not all recipients have received it.
    Sent,
    /// All recipients have received the message, and not all of them have seen it.
    Delivered,
    /// All recipients have seen the message.
    Seen,
}

pub(crate) struct MessageReceipts {
    message: SentMessage,
    counts: chats::MessageReceipts,
}

/// What became of a message that you sent. Its recipients are the other members of the chat, without those who joined after it.
#[Object]
impl MessageReceipts {
    /// The number of recipients.
    async fn recipient_count(&self) -> i64 {
        self.counts.recipients
    }

    /// The number of recipients who have received the message, including those who have seen it.
    async fn delivered_count(&self) -> i64 {
        self.counts.delivered
    }

    /// The number of recipients who have seen the message.
    async fn seen_count(&self) -> i64 {
        self.counts.seen
    }

    /// The recipients, at most 499, in the order in which they joined the chat.
    #[graphql(directive = list_size::apply(USUAL_RECIPIENTS))]
    async fn recipients(&self, ctx: &Context<'_>) -> Result<List<MessageReceipt>> {
        let recipients = load_recipients(ctx, self.message).await?.into_iter();
        Ok(recipients.map(MessageReceipt::from).collect())
    }
}

/// What became of a message for one of its recipients.
#[derive(SimpleObject)]
pub(crate) struct MessageReceipt {
    /// The recipient.
    user: UserRef,
    /// How far the message has come to this recipient.
    state: MessageState,
    /// When the recipient received the message. Null when they have not, and when the time is unknown, as it is for messages
    /// from before times were kept.
    delivered_at: Option<DateTime<Utc>>,
    /// When the recipient saw the message. Null when they have not, and when the time is unknown.
    seen_at: Option<DateTime<Utc>>,
}

impl From<WithUser<chats::MessageReceipt>> for MessageReceipt {
    fn from((receipt, user): WithUser<chats::MessageReceipt>) -> Self {
        Self {
            user: UserRef::new(receipt.user_id, user),
            state: receipt.state.into(),
            delivered_at: receipt.delivered_at,
            seen_at: receipt.seen_at,
        }
    }
}

/// Returns what became of the message, if the viewer is its author.
pub(super) async fn find(
    ctx: &Context<'_>,
    message: SentMessage,
) -> Result<Option<MessageReceipts>> {
    if viewer(ctx)?.user_id() != Some(message.author_id) {
        return Ok(None);
    }
    let counts = load_receipts(ctx, message).await?;
    Ok(Some(MessageReceipts { message, counts }))
}

impl MessageReceipts {
    pub(super) fn state(&self) -> MessageState {
        self.counts.state().into()
    }
}
