//! The mutations of customers.

use async_graphql::{Context, Object, Result, SimpleObject};

use super::{
    inputs::{
        CreateCustomerInput, DeleteCustomerInput, RestoreCustomerInput, UpdateCustomerInput, target,
    },
    object::Customer,
};
use crate::{
    error::from_customers,
    request::{command_context, entities},
};

/// What `createCustomer` answers.
#[derive(SimpleObject)]
pub(crate) struct CreateCustomerPayload {
    /// The new customer.
    customer: Customer,
}

/// What `updateCustomer` answers.
#[derive(SimpleObject)]
pub(crate) struct UpdateCustomerPayload {
    /// The customer with its changes.
    customer: Customer,
}

/// What `deleteCustomer` answers.
#[derive(SimpleObject)]
pub(crate) struct DeleteCustomerPayload {
    /// The customer that was deleted.
    customer: Customer,
}

/// What `restoreCustomer` answers.
#[derive(SimpleObject)]
pub(crate) struct RestoreCustomerPayload {
    /// The customer that is back.
    customer: Customer,
}

#[derive(Default)]
pub(crate) struct CustomersMutation;

#[Object]
impl CustomersMutation {
    /// Creates a customer. CONFLICT when another one has the email address.
    async fn create_customer(
        &self,
        ctx: &Context<'_>,
        input: CreateCustomerInput,
    ) -> Result<Option<CreateCustomerPayload>> {
        let customers = &entities(ctx).customers;
        let customer = customers
            .create_customer(command_context(ctx)?, input.into())
            .await
            .map_err(from_customers)?;
        Ok(Some(CreateCustomerPayload {
            customer: Customer(customer),
        }))
    }

    /// Changes the given fields of a customer. An update that changes nothing succeeds without an event.
    async fn update_customer(
        &self,
        ctx: &Context<'_>,
        input: UpdateCustomerInput,
    ) -> Result<Option<UpdateCustomerPayload>> {
        let (target, update) = input.into_change()?;
        let customers = &entities(ctx).customers;
        let customer = customers
            .update_customer(command_context(ctx)?, target, update)
            .await
            .map_err(from_customers)?;
        Ok(Some(UpdateCustomerPayload {
            customer: Customer(customer),
        }))
    }

    /// Deletes a customer. It can be restored; its email address is free at once.
    async fn delete_customer(
        &self,
        ctx: &Context<'_>,
        input: DeleteCustomerInput,
    ) -> Result<Option<DeleteCustomerPayload>> {
        let target = target(&input.id, input.expected_version)?;
        let customers = &entities(ctx).customers;
        let customer = customers
            .delete_customer(command_context(ctx)?, target)
            .await
            .map_err(from_customers)?;
        Ok(Some(DeleteCustomerPayload {
            customer: Customer(customer),
        }))
    }

    /// Brings a deleted customer back. CONFLICT when its email address was taken since.
    async fn restore_customer(
        &self,
        ctx: &Context<'_>,
        input: RestoreCustomerInput,
    ) -> Result<Option<RestoreCustomerPayload>> {
        let target = target(&input.id, input.expected_version)?;
        let customers = &entities(ctx).customers;
        let customer = customers
            .restore_customer(command_context(ctx)?, target)
            .await
            .map_err(from_customers)?;
        Ok(Some(RestoreCustomerPayload {
            customer: Customer(customer),
        }))
    }
}
