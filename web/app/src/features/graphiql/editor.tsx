// GraphiQL with the gateway's transport, the examples, the history, and what came of subscriptions and live queries.
import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import './graphiql.css';
import { HISTORY_PLUGIN } from '@graphiql/plugin-history';
import { useComputedColorScheme } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { GraphiQL } from 'graphiql';
import { useEffect } from 'react';
import { useSession } from '../../lib/session';
import { Arrivals, Status } from './arrivals';
import { editorTheme, useEditorTheme } from './editor-theme';
import { variablesText } from './examples';
import { customers } from './examples/customers';
import { users } from './examples/users';
import { examplesPlugin } from './examples-panel';
import { FirstTab } from './first-tab';
import { Hint } from './hint';
import { forgetSeen, readSeen, updateSeen } from './seen';
import { storage } from './storage';
import { TabRoles } from './tab-roles';
import { fetcher, stopRunning } from './transport';

// GraphiQL compares these by identity: they must not be made anew by a render.
const plugins = [examplesPlugin, HISTORY_PLUGIN];
const firstTabs = [...users.slice(0, 1), ...customers.slice(0, 3)].map((example) => ({
  query: example.query.trim(),
  variables: variablesText(example, readSeen()),
}));

export default function Editor() {
  const { me } = useSession();
  const scheme = useComputedColorScheme('light');
  const isNarrow = useMediaQuery('(max-width: 700px)', undefined, {
    getInitialValueInEffect: false,
  });
  useEditorTheme(scheme);
  useEffect(() => updateSeen({ selfId: me?.id }), [me?.id]);
  useEffect(
    () => () => {
      stopRunning();
      forgetSeen();
    },
    [],
  );
  return (
    <div className="graphiql-place">
      <GraphiQL
        fetcher={fetcher}
        plugins={plugins}
        storage={storage}
        {...(!isNarrow && { visiblePlugin: examplesPlugin })}
        defaultTabs={firstTabs}
        defaultEditorToolsVisibility="variables"
        forcedTheme={scheme}
        editorTheme={editorTheme}
        inputValueDeprecation
        schemaDescription
      >
        <GraphiQL.Logo>{null}</GraphiQL.Logo>
        <GraphiQL.Footer>
          <Hint />
          <Arrivals />
          <Status />
          <FirstTab />
          <TabRoles />
        </GraphiQL.Footer>
      </GraphiQL>
    </div>
  );
}
