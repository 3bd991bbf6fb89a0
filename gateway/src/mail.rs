//! Mails to users, over SMTP; in development, where there is no mail server, to the log. Called by the domain of users, which decides who
//! gets which.

use std::time::Duration;

use clap::Args;
use entities::users::{AccountMail, EmailPurpose, Mailer, Secret, Undelivered};
use futures::FutureExt;
use futures::future::BoxFuture;
use lettre::message::Mailbox;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use crate::sign_in::secret;

/// How long connecting to a mail server may take; a third of what all of it may.
const PATIENCE: Duration = Duration::from_secs(10);
const PLACE: &str = "{token}";

/// Settings of mails.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Mail")]
pub struct MailSettings {
    /// The mail server, `smtps://user:password@host:465`, or `smtp://…:587?tls=required` for STARTTLS; without it mails are written to the
    /// log, and with --production there are none
    #[arg(long, env = "MILLRACE_SMTP_URL", hide_env_values = true, value_parser = secret)]
    pub smtp_url: Option<Secret>,
    /// Whom mails are from, such as `Millrace <no-reply@example.org>`; required with a mail server
    #[arg(long, env = "MILLRACE_MAIL_FROM")]
    pub mail_from: Option<Mailbox>,
    /// The page on which a user sets a new password, with {token} in it; without it the mail has the token alone
    #[arg(long, env = "MILLRACE_PASSWORD_RESET_URL", value_parser = link)]
    pub password_reset_url: Option<String>,
    /// The page on which a user shows that an address is theirs, with {token} in it
    #[arg(long, env = "MILLRACE_EMAIL_VERIFICATION_URL", value_parser = link)]
    pub email_verification_url: Option<String>,
}

impl Default for MailSettings {
    fn default() -> Self {
        workers::settings::defaults()
    }
}

fn link(text: &str) -> Result<String, String> {
    let is_link = ["https://", "http://"]
        .iter()
        .any(|it| text.starts_with(it));
    match is_link && text.contains(PLACE) {
        true => Ok(text.to_owned()),
        false => Err(format!("expected https://… with {PLACE} in it")),
    }
}

/// The pages that mails lead to.
#[derive(Clone, Debug)]
struct Links {
    reset: Option<String>,
    verify: Option<String>,
}

/// Hands mails to a mail server.
#[derive(Clone, Debug)]
struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    links: Links,
}

/// Writes mails, with their tokens, to the log.
#[derive(Debug)]
struct Logged(Links);

impl MailSettings {
    /// Returns what delivers mails, if anything does. It must be called within a runtime.
    ///
    /// # Errors
    /// When the mail server's URL cannot be read, or nobody is named whom mails are from. The text has no part of the URL.
    pub fn mailer(
        &self,
        is_production: bool,
    ) -> Result<Option<std::sync::Arc<dyn Mailer>>, String> {
        let links = Links {
            reset: self.password_reset_url.clone(),
            verify: self.email_verification_url.clone(),
        };
        let Some(url) = &self.smtp_url else {
            return match is_production {
                true => Ok(None),
                false => Ok(Some(std::sync::Arc::new(Logged(links)))),
            };
        };
        let from = self.mail_from.clone();
        let from = from.ok_or("MILLRACE_SMTP_URL needs MILLRACE_MAIL_FROM, whom mails are from")?;
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.reveal());
        let builder = builder.map_err(|_| {
            "MILLRACE_SMTP_URL cannot be read: expected smtps://user:password@host:465, or \
             smtp://user:password@host:587?tls=required, with special characters of the password encoded (# as %23)"
        })?;
        let transport = builder.timeout(Some(PATIENCE)).build();
        Ok(Some(std::sync::Arc::new(Smtp {
            transport,
            from,
            links,
        })))
    }
}

impl Mailer for Smtp {
    fn deliver(&self, mail: AccountMail) -> BoxFuture<'static, Result<(), Undelivered>> {
        let (smtp, (subject, text)) = (self.clone(), written(&mail, &self.links));
        let not_now = |text: &str| Err(Undelivered::NotNow(text.to_owned()));
        let never = |text: &str| Undelivered::Never(text.to_owned());
        async move {
            let address = mail.address.parse();
            let address = address.map_err(|_| never("the address of the user is none for mail"))?;
            let message = Message::builder()
                .from(smtp.from)
                .to(Mailbox::new(Some(mail.name), address))
                .subject(subject)
                .header(lettre::message::header::ContentType::TEXT_PLAIN)
                .body(text)
                .map_err(|error| never(&error.to_string()))?;
            // The answer of a server may name the address.
            let sent = tokio::time::timeout(PATIENCE * 3, smtp.transport.send(message)).await;
            match sent {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(error)) if error.is_permanent() => Err(never("the mail server refuses it")),
                Ok(Err(error)) if error.is_timeout() => not_now("the mail server is silent"),
                Ok(Err(_)) => not_now("the mail server does not take it now"),
                Err(_) => not_now("the mail server is slow"),
            }
        }
        .boxed()
    }
}

impl Mailer for Logged {
    fn deliver(&self, mail: AccountMail) -> BoxFuture<'static, Result<(), Undelivered>> {
        let (subject, text) = written(&mail, &self.0);
        tracing::info!(
            "a mail to {}, as there is no mail server (--smtp-url): {subject}\n{text}",
            mail.address
        );
        std::future::ready(Ok(())).boxed()
    }
}

/// Returns the subject and the text of a mail.
fn written(mail: &AccountMail, links: &Links) -> (&'static str, String) {
    let (subject, ask, link) = match mail.purpose {
        EmailPurpose::ResetPassword => (
            "Set a new password",
            "Somebody, probably you, asked to set a new password for your account.",
            &links.reset,
        ),
        EmailPurpose::VerifyAddress => (
            "Is this your address?",
            "Somebody, probably you, has an account with this address. Please confirm that it is yours.",
            &links.verify,
        ),
    };
    let token = mail.token.reveal();
    let how = match link {
        Some(link) => format!("Open this page:\n\n{}", link.replace(PLACE, token)),
        None => format!("Enter this token:\n\n{token}"),
    };
    let hours = mail.lifetime.as_secs() / 3_600;
    let until = match hours {
        1 => "an hour".to_owned(),
        hours => format!("{hours} hours"),
    };
    let text = format!(
        "Hello {},\n\n{ask}\n\n{how}\n\nIt works once, within {until}. If it was not you, ignore this mail; nothing changes.\n",
        mail.name
    );
    (subject, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(url: Option<&str>, from: Option<&str>) -> MailSettings {
        MailSettings {
            smtp_url: url.map(Secret::new),
            mail_from: from.map(|from| from.parse().expect("a mailbox")),
            password_reset_url: None,
            email_verification_url: None,
        }
    }

    #[tokio::test]
    async fn a_mail_server_is_named_in_full_and_production_has_no_mails_in_the_log() {
        let from = Some("Millrace <no-reply@example.org>");
        let mailer = |url, from, production| settings(url, from).mailer(production);
        assert!(mailer(None, None, true).is_ok_and(|it| it.is_none()));
        assert!(mailer(None, None, false).is_ok_and(|it| it.is_some()));
        assert!(mailer(Some("smtps://u:p@mail.example.org"), from, true).is_ok());
        let url = Some("smtps://u:secret@mail.example.org");
        let missing = mailer(url, None, true).expect_err("no sender");
        assert!(!missing.contains("secret"), "{missing}");
        let wrong = mailer(Some("mail:secret"), from, true).err();
        assert!(wrong.is_some_and(|text| !text.contains("secret")));
    }

    #[test]
    fn a_mail_leads_to_a_page_if_there_is_one() {
        let mail = AccountMail {
            address: "ada@example.org".to_owned(),
            name: "Ada".to_owned(),
            purpose: EmailPurpose::ResetPassword,
            token: Secret::new("abc-123"),
            lifetime: Duration::from_secs(3_600),
        };
        let none = Links {
            reset: None,
            verify: None,
        };
        let (_, text) = written(&mail, &none);
        assert!(text.contains("\n\nabc-123\n\n") && text.contains("within an hour"));
        let links = Links {
            reset: link("https://app.example.org/reset?token={token}").ok(),
            ..none
        };
        let (_, text) = written(&mail, &links);
        assert!(text.contains("https://app.example.org/reset?token=abc-123"));
        assert!(link("https://app.example.org/reset").is_err());
    }
}
