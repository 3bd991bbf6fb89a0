// E-mail address and password, to sign in or to register. What the gateway says against it is shown
// beside the button and announced.
import { type FormEvent, useState } from 'react';
import { Refused, register, signIn } from './account';

type Props = {
  /** Why nobody is signed in any more. */
  notice: string | undefined;
  onDone: () => void;
};

export function SignInForm({ notice, onDone }: Props) {
  const [isNew, setIsNew] = useState(false);
  const [isBusy, setIsBusy] = useState(false);
  const [problems, setProblems] = useState<string[]>([]);

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const text = (name: string) => String(fields.get(name) ?? '');
    const credentials = { email: text('email'), password: text('password') };
    setIsBusy(true);
    setProblems([]);
    try {
      await (isNew ? register({ ...credentials, name: text('name') }) : signIn(credentials));
      onDone();
    } catch (cause) {
      setProblems(explain(cause));
      setIsBusy(false);
    }
  }

  return (
    <form className="account-form" onSubmit={submit}>
      {notice && <p role="status">{notice}</p>}
      <p>
        {isNew
          ? 'A new user is a member: chats are open to them, customers are not.'
          : "The gateway's first start prints an administrator's password; “millrace admin” makes another."}
      </p>
      {isNew && (
        <label>
          Name
          <input name="name" autoComplete="name" required />
        </label>
      )}
      <label>
        Email
        <input name="email" type="email" autoComplete="username" required />
      </label>
      <label>
        Password
        <input
          name="password"
          type="password"
          autoComplete={isNew ? 'new-password' : 'current-password'}
          required
        />
      </label>
      <button type="submit" disabled={isBusy}>
        {isNew ? 'Register' : 'Sign in'}
      </button>
      <div role="alert">
        {problems.map((problem) => (
          <p key={problem}>{problem}</p>
        ))}
      </div>
      <button type="button" className="account-link" onClick={() => setIsNew(!isNew)}>
        {isNew ? 'I have an account' : 'Register a new user'}
      </button>
    </form>
  );
}

function explain(cause: unknown): string[] {
  if (!(cause instanceof Refused)) return [`The gateway did not answer: ${String(cause)}`];
  const { violations, retryAfterSeconds } = cause.refusal ?? {};
  if (violations?.length) return violations.map(({ field, message }) => `${field} ${message}`);
  const message = cause.message.charAt(0).toUpperCase() + cause.message.slice(1);
  return retryAfterSeconds ? [`${message} (in ${retryAfterSeconds} s)`] : [message];
}
