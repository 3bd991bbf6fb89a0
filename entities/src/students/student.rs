//! The student and its table. The model stays inside this crate's domain code; the API wraps it.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    cache::CachedRow,
    text::{email, fold},
};

/// Where a student stands.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    EnumIter,
    DeriveActiveEnum,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[sea_orm(rs_type = "String", db_type = "Text")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StudentStatus {
    /// Has applied for a place.
    #[sea_orm(string_value = "APPLICANT")]
    Applicant,
    /// Studies.
    #[sea_orm(string_value = "ENROLLED")]
    Enrolled,
    /// Is away for a while.
    #[sea_orm(string_value = "ON_LEAVE")]
    OnLeave,
    /// Has finished.
    #[sea_orm(string_value = "GRADUATED")]
    Graduated,
    /// Has left without finishing.
    #[sea_orm(string_value = "WITHDRAWN")]
    Withdrawn,
}

/// A student as stored, and as events and answers carry it.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize, JsonSchema)]
#[sea_orm(table_name = "student")]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Student")]
pub struct Model {
    /// Its id, uuid v7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// As people write it.
    pub name: String,
    /// As it was entered.
    pub email: String,
    /// The address in lower case, by which it is unique: see `text::email`.
    #[serde(skip)]
    pub email_key: String,
    /// What the address is compared by in place of that, if it was stored before addresses were brought into one form.
    #[serde(skip)]
    pub address_key: Option<String>,
    /// What the school calls the student, as it was entered.
    pub student_number: Option<String>,
    /// The number without case, by which it is unique.
    #[serde(skip)]
    pub number_key: Option<String>,
    /// What is studied.
    pub course: String,
    /// The course without case.
    #[serde(skip)]
    pub course_key: String,
    /// Which year of it.
    pub year: i32,
    /// Where the student stands.
    pub status: StudentStatus,
    /// Name, address, number and course as they are searched: see `text::fold`.
    #[serde(skip)]
    pub search_text: String,
    /// Grows by one with every event.
    pub version: i64,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
    /// When it was deleted, if it is.
    pub deleted_at: Option<DateTime<Utc>>,
}

impl ActiveModelBehavior for ActiveModel {}

/// A student.
pub type Student = Model;

impl Model {
    /// Sets what is derived from other fields.
    pub(crate) fn derive_keys(&mut self) {
        self.email_key = self.email.to_lowercase();
        self.number_key = self.student_number.as_deref().map(fold);
        self.course_key = fold(&self.course);
        let number = self.number_key.as_deref().unwrap_or_default();
        let (name, email) = (fold(&self.name), fold(&email::spellings(&self.email)));
        self.search_text = [&name, &email, number, &self.course_key].join("\n");
    }
}

impl CachedRow for Student {
    const STREAM: &'static str = super::STREAM;
    const SHAPE: u16 = 1;
    const ENDED_BY: &'static [&'static str] = &["StudentDeleted"];

    fn restore(&mut self) {
        self.derive_keys();
    }
}
