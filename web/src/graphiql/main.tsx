// Mounts GraphiQL with the gateway's transport, the account, the examples and the live status line.
import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import './page.css';
import './account/account.css';
import { HISTORY_PLUGIN } from '@graphiql/plugin-history';
import { GraphiQL } from 'graphiql';
import { createRoot } from 'react-dom/client';
import { AccessHint } from './account/AccessHint';
import { AccountButton } from './account/AccountButton';
import { accountPlugin } from './account/AccountPanel';
import { readAccount } from './account/store';
import { examplesPlugin } from './ExamplesPanel';
import { variablesText } from './examples';
import { customers } from './examples/customers';
import { users } from './examples/users';
import { FirstTab } from './FirstTab';
import { LiveStatus } from './LiveStatus';
import { readSession } from './session';
import { storage } from './storage';
import { fetcher } from './transport';

// GraphiQL compares these by identity: they must not be made anew by a render.
const plugins = [accountPlugin, examplesPlugin, HISTORY_PLUGIN];
const firstPlugin = readAccount().state === 'signedOut' ? accountPlugin : examplesPlugin;
const firstTabs = [...users.slice(0, 1), ...customers.slice(0, 3)].map((example) => ({
  query: example.query.trim(),
  variables: variablesText(example, readSession()),
}));

function Page() {
  return (
    <GraphiQL
      fetcher={fetcher}
      plugins={plugins}
      storage={storage}
      visiblePlugin={firstPlugin}
      defaultTabs={firstTabs}
      defaultEditorToolsVisibility="variables"
      inputValueDeprecation
      schemaDescription
    >
      <GraphiQL.Logo>
        <div className="page-head">
          <h1 className="page-name">Millrace</h1>
          <AccountButton />
        </div>
      </GraphiQL.Logo>
      <GraphiQL.Footer>
        <AccessHint />
        <LiveStatus />
        <FirstTab />
      </GraphiQL.Footer>
    </GraphiQL>
  );
}

const root = document.getElementById('graphiql');
if (!root) throw new Error('graphiql.html has no #graphiql element');
createRoot(root).render(<Page />);
