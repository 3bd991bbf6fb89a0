// In place of the demonstration, where there are no demo data to show it with: the same in code.
import classes from './page.module.css';

const text = `import { createClient } from '@millrace/client'

const client = createClient({ url: '${location.origin}/graphql' })
await client.signIn({ email, password })

const query = \`subscription ($after: String) {
  customerChanged(after: $after) { type customer { id name } }
}\`
for await (const { data } of client.subscribe({ query }))
  console.log(data.customerChanged)`;

export function Code() {
  return (
    <figure className={classes.code}>
      <pre>
        <code>{text}</code>
      </pre>
      <figcaption>
        Cut the line, restart the gateway, let the token expire: the loop goes on behind the last
        event.
      </figcaption>
    </figure>
  );
}
