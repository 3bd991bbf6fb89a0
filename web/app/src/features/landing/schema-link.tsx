// The way to the schema's text, where the gateway serves it: in production it does not.
import { useEffect, useState } from 'react';

const address = '/schema.graphql';

export function SchemaLink() {
  const [isServed, setServed] = useState(false);
  useEffect(() => {
    const leaving = new AbortController();
    fetch(address, { method: 'HEAD', signal: leaving.signal }).then(
      ({ ok }) => setServed(ok),
      () => {
        // Nobody knows, so nothing leads there.
      },
    );
    return () => leaving.abort();
  }, []);
  return isServed && <a href={address}>Schema</a>;
}
