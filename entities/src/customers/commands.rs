//! The commands: each changes the row and appends its event in one transaction, or does nothing. A row is locked before
//! it is changed, so of concurrent updates each sees the one before it; `expected_version` turns that into a conflict.

use ::events::{StreamKey, Tx, now};
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel, QuerySelect};
use uuid::Uuid;

use super::{
    Customer, CustomerError, CustomerEventKind, CustomerStatus, Customers, STREAM,
    customer::{ActiveModel, Entity},
    events::{CustomerData, new_event},
    rules,
};
use crate::{
    CommandContext,
    access::{Action, authorize},
    boxed, idempotency,
};

type Result<T, E = CustomerError> = std::result::Result<T, E>;

/// Input of `create_customer`.
#[derive(Debug, Clone)]
pub struct CreateCustomer {
    /// 1 to 200 characters.
    pub name: String,
    /// Unique among the customers that are not deleted.
    pub email: String,
    /// A telephone number.
    pub phone: Option<String>,
    /// The first status.
    pub status: CustomerStatus,
}

/// Input of `update_customer`: what is `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct UpdateCustomer {
    /// A new name.
    pub name: Option<String>,
    /// A new address.
    pub email: Option<String>,
    /// A new telephone number, or none.
    pub phone: Option<Option<String>>,
    /// A new status.
    pub status: Option<CustomerStatus>,
}

/// Which customer to change, and in which version the caller saw it.
#[derive(Debug, Clone, Copy)]
pub struct ChangeCustomer {
    /// Its id.
    pub id: Uuid,
    /// Fails with a conflict when the customer is at another version.
    pub expected_version: Option<i64>,
}

impl Customers {
    /// Creates a customer.
    #[boxed]
    pub async fn create_customer(
        &self,
        context: CommandContext,
        input: CreateCustomer,
    ) -> Result<Customer> {
        authorize(&context.viewer, Action::WriteCustomers)?;
        let input = rules::check_new(input).map_err(CustomerError::Invalid)?;
        self.log
            .write(move |tx| {
                let (context, input) = (context.clone(), input.clone());
                Box::pin(async move {
                    idempotency::once(tx, &context, create_in_tx(tx, &context, input)).await
                })
            })
            .await
    }

    /// Creates many customers, all or none.
    #[boxed]
    pub async fn create_customers(
        &self,
        context: CommandContext,
        inputs: Vec<CreateCustomer>,
    ) -> Result<()> {
        authorize(&context.viewer, Action::WriteCustomers)?;
        let inputs = inputs
            .into_iter()
            .map(rules::check_new)
            .collect::<Result<Vec<_>, _>>()
            .map_err(CustomerError::Invalid)?;
        self.log
            .write(move |tx| {
                let (context, inputs) = (context.clone(), inputs.clone());
                Box::pin(async move {
                    for input in inputs {
                        create_in_tx(tx, &context, input).await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    /// Changes the given fields. An update that changes nothing succeeds and appends no event.
    #[boxed]
    pub async fn update_customer(
        &self,
        context: CommandContext,
        target: ChangeCustomer,
        input: UpdateCustomer,
    ) -> Result<Customer> {
        authorize(&context.viewer, Action::WriteCustomers)?;
        let input = rules::check_update(input).map_err(CustomerError::Invalid)?;
        self.change(
            context,
            target,
            CustomerEventKind::Updated,
            move |customer| {
                if customer.deleted_at.is_some() {
                    return Err(CustomerError::NotFound);
                }
                let UpdateCustomer {
                    name,
                    email,
                    phone,
                    status,
                } = input.clone();
                customer.name = name.unwrap_or_else(|| customer.name.clone());
                if let Some(email) = email.filter(|it| *it != customer.email) {
                    customer.email = email;
                    customer.address_key = None;
                }
                customer.phone = phone.unwrap_or_else(|| customer.phone.clone());
                customer.status = status.unwrap_or(customer.status);
                Ok(())
            },
        )
        .await
    }

    /// Deletes a customer; it can be restored, and its address is free.
    #[boxed]
    pub async fn delete_customer(
        &self,
        context: CommandContext,
        target: ChangeCustomer,
    ) -> Result<Customer> {
        self.change(context, target, CustomerEventKind::Deleted, |customer| {
            if customer.deleted_at.is_some() {
                return Err(CustomerError::NotFound);
            }
            customer.deleted_at = Some(now());
            Ok(())
        })
        .await
    }

    /// Undoes a deletion, unless the address was taken since.
    #[boxed]
    pub async fn restore_customer(
        &self,
        context: CommandContext,
        target: ChangeCustomer,
    ) -> Result<Customer> {
        self.change(context, target, CustomerEventKind::Restored, |customer| {
            if customer.deleted_at.take().is_none() {
                return Err(CustomerError::NotDeleted);
            }
            Ok(())
        })
        .await
    }

    async fn change(
        &self,
        context: CommandContext,
        target: ChangeCustomer,
        kind: CustomerEventKind,
        edit: impl Fn(&mut Customer) -> Result<()> + Send + Sync + 'static,
    ) -> Result<Customer> {
        authorize(&context.viewer, Action::WriteCustomers)?;
        let edit = std::sync::Arc::new(edit);
        self.log
            .write(move |tx| {
                let (context, edit) = (context.clone(), edit.clone());
                Box::pin(async move {
                    let work = change_in_tx(tx, &context, target, kind, &*edit);
                    idempotency::once(tx, &context, work).await
                })
            })
            .await
    }
}

async fn create_in_tx(
    tx: &Tx<'_>,
    context: &CommandContext,
    input: CreateCustomer,
) -> Result<Customer> {
    let at = now();
    let mut customer = Customer {
        id: Uuid::now_v7(),
        name: input.name,
        email: input.email,
        email_key: String::new(),
        address_key: None,
        search_text: String::new(),
        phone: input.phone,
        status: input.status,
        version: 1,
        created_at: at,
        updated_at: at,
        deleted_at: None,
    };
    customer.derive_keys();
    let row: ActiveModel = customer.clone().into_active_model();
    Entity::insert(row).exec_without_returning(&**tx).await?;
    append(tx, context, CustomerEventKind::Created, customer, None).await
}

async fn change_in_tx(
    tx: &Tx<'_>,
    context: &CommandContext,
    target: ChangeCustomer,
    kind: CustomerEventKind,
    edit: &(dyn Fn(&mut Customer) -> Result<()> + Send + Sync),
) -> Result<Customer> {
    let before = Entity::find_by_id(target.id)
        .lock_exclusive()
        .one(&**tx)
        .await?
        .ok_or(CustomerError::NotFound)?;
    let mut customer = before.clone();
    edit(&mut customer)?;
    if target
        .expected_version
        .is_some_and(|expected| expected != before.version)
    {
        return Err(CustomerError::VersionConflict {
            current: before.version,
        });
    }
    if customer == before {
        return Ok(before);
    }
    customer.derive_keys();
    customer.version = before.version + 1;
    // Never backwards, whatever the clocks of the processes say.
    customer.updated_at = now().max(before.updated_at);
    let row: ActiveModel = customer.clone().into_active_model().reset_all();
    Entity::update(row).exec(&**tx).await?;
    append(tx, context, kind, customer, Some(before.status)).await
}

async fn append(
    tx: &Tx<'_>,
    context: &CommandContext,
    kind: CustomerEventKind,
    customer: Customer,
    previous_status: Option<CustomerStatus>,
) -> Result<Customer> {
    let stream = StreamKey {
        kind: STREAM,
        id: customer.id,
    };
    let data = CustomerData {
        customer,
        previous_status,
    };
    let event = new_event(kind, &data, data.customer.updated_at);
    let expected = data.customer.version - 1;
    tx.append(stream, expected, event, &context.meta()).await?;
    Ok(data.customer)
}
