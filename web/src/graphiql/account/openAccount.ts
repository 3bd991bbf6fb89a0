// Shows the account panel from anywhere on the page, ready to type. By GraphiQL's own button in the
// sidebar: its action `setVisiblePlugin` leaves a panel hidden that was closed before.

export function openAccount(): void {
  document.querySelector<HTMLElement>('button[aria-label="Show Account"]')?.click();
  // Once the panel is there.
  setTimeout(() => document.querySelector<HTMLElement>('.account-form [name=email]')?.focus());
}
