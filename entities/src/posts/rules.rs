//! The rules for the texts of posts and comments, without I/O. Texts are stored as they were written, except for their line
//! ends; lengths are in characters of the stored text.

use super::PostCommand;
use crate::{Violations, text::written};

/// The largest number of comments that a post can receive, including removed ones: it bounds what a command has to fold.
pub(super) const COMMENTS: i64 = 10_000;
const MESSAGE_CHARS: usize = 10_000;
const COMMENT_CHARS: usize = 2_000;

/// Returns the command with its text as it is stored.
pub(super) fn checked(mut command: PostCommand) -> Result<PostCommand, Violations> {
    match &mut command {
        PostCommand::Create { message: text } | PostCommand::EditMessage { message: text } => {
            *text = message(text)?;
        }
        PostCommand::AddComment { text, .. } | PostCommand::EditComment { text, .. } => {
            *text = comment(text)?;
        }
        PostCommand::Like
        | PostCommand::Unlike
        | PostCommand::RemoveComment { .. }
        | PostCommand::Delete => {}
    }
    Ok(command)
}

/// Returns a message as it is stored.
pub(super) fn message(text: &str) -> Result<String, Violations> {
    let expected = "must have 1 to 10,000 characters that are not all blank";
    let checked = written::lines_to_see(text, MESSAGE_CHARS, expected);
    checked.map_err(|flaw| Violations(vec![flaw.of("message")]))
}

/// Returns the text of a comment as it is stored.
pub(super) fn comment(text: &str) -> Result<String, Violations> {
    let expected = "must have 1 to 2,000 characters that are not all blank";
    let checked = written::lines_to_see(text, COMMENT_CHARS, expected);
    checked.map_err(|flaw| Violations(vec![flaw.of("text")]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::posts::CommentId;

    fn violated(command: &PostCommand) -> Option<String> {
        let Violations(list) = checked(command.clone()).err()?;
        let [violation] = list.as_slice() else {
            panic!("one violation: {list:?}");
        };
        Some(format!("{}:{}", violation.field, violation.code))
    }

    #[test]
    fn texts_have_limits() {
        let message = |message: String| PostCommand::EditMessage { message };
        let comment = |text: String| PostCommand::AddComment {
            comment_id: CommentId::default(),
            text,
        };
        assert_eq!(violated(&message("é".repeat(10_000))), None);
        let too_long = violated(&message("é".repeat(10_001)));
        assert_eq!(too_long.as_deref(), Some("message:length"));
        assert_eq!(violated(&comment("é".repeat(2_000))), None);
        let too_long = violated(&comment("é".repeat(2_001)));
        assert_eq!(too_long.as_deref(), Some("text:length"));
        let blank = violated(&message(" \n\t".to_owned()));
        assert_eq!(blank.as_deref(), Some("message:length"));
        assert_eq!(violated(&comment("one\r\n\ttwo".to_owned())), None);
        let control = violated(&comment("bell\u{7}".to_owned()));
        assert_eq!(control.as_deref(), Some("text:characters"));
    }
}
