// Mounts GraphiQL with the gateway's transport, the examples and the live status line.
import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import './page.css';
import { HISTORY_PLUGIN } from '@graphiql/plugin-history';
import { GraphiQL } from 'graphiql';
import { createRoot } from 'react-dom/client';
import { examplesPlugin } from './ExamplesPanel';
import { examples, variablesText } from './examples';
import { FirstTab } from './FirstTab';
import { LiveStatus } from './LiveStatus';
import { readSession } from './session';
import { fetcher } from './transport';

// GraphiQL compares these by identity: they must not be made anew by a render.
const plugins = [examplesPlugin, HISTORY_PLUGIN];
const firstTabs = examples.slice(0, 3).map((example) => ({
  query: example.query.trim(),
  variables: variablesText(example, readSession()),
}));

function Page() {
  return (
    <GraphiQL
      fetcher={fetcher}
      plugins={plugins}
      visiblePlugin={examplesPlugin}
      defaultTabs={firstTabs}
      defaultEditorToolsVisibility="variables"
      inputValueDeprecation
      schemaDescription
    >
      <GraphiQL.Logo>
        <h1 className="page-name">Millrace</h1>
      </GraphiQL.Logo>
      <GraphiQL.Footer>
        <LiveStatus />
        <FirstTab />
      </GraphiQL.Footer>
    </GraphiQL>
  );
}

const root = document.getElementById('graphiql');
if (!root) throw new Error('graphiql.html has no #graphiql element');
createRoot(root).render(<Page />);
