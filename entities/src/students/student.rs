//! The student and its table.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{id::Id, stored_enum::stored_enum};

stored_enum! {
    /// Where a student stands.
    #[derive(Default)]
    pub enum StudentStatus {
        /// Has applied for a place.
        #[default]
        Applicant,
        /// Studies.
        Enrolled,
        /// Is away for a while.
        OnLeave,
        /// Has finished.
        Graduated,
        /// Has left without finishing.
        Withdrawn,
    }
}

/// A student as stored, and as events and answers carry it.
#[sea_orm::model]
#[derive(Debug, Clone, Default, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "student")]
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Student")]
pub struct Model {
    /// Its id, uuid v7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: StudentId,
    /// The whole name, as people write it.
    pub name: String,
    /// The given names in it; none in events of before version 3.
    #[serde(default)]
    pub given_name: Option<String>,
    /// The family name in it; none in events of before version 3.
    #[serde(default)]
    pub family_name: Option<String>,
    /// What lists are sorted by: see `names::key`.
    #[serde(skip)]
    pub family_key: String,
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

/// A student's id.
pub type StudentId = Id<Student>;
