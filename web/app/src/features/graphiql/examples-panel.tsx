// The GraphiQL plugin that lists the examples. A click opens one in a tab of its own, with its
// variables and headers filled in; it never runs it, since some of them write.
import { type GraphiQLPlugin, pick, useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { Link } from '@tanstack/react-router';
import { useEffect } from 'react';
import { useSession } from '../../lib/session';
import { groups, headersText, variablesText } from './examples';
import type { Example } from './examples/example';
import { readSeen } from './seen';

function ExamplesPanel() {
  const { addTab, stop } = useGraphiQLActions();
  const { state } = useSession();
  const { queryEditor, variableEditor, headerEditor, activeTabIndex } = useGraphiQL(
    pick('queryEditor', 'variableEditor', 'headerEditor', 'activeTabIndex'),
  );

  // The row of tabs scrolls, and GraphiQL leaves a tab that is added at its end out of view.
  useEffect(() => {
    document
      .getElementById(`graphiql-session-tab-${activeTabIndex}`)
      ?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [activeTabIndex]);

  function open(example: Example) {
    // A running subscription would go on writing its events into the new tab.
    stop();
    addTab();
    variableEditor?.setValue(variablesText(example, readSeen()));
    headerEditor?.setValue(headersText(example, readSeen()));
    queryEditor?.setValue(example.query.trim());
    queryEditor?.focus();
  }

  return (
    <section className="examples" aria-labelledby="examples-title">
      <h2 id="examples-title">Examples</h2>
      <p>Each opens in a new tab. Run it with Ctrl-Enter.</p>
      {state === 'out' && (
        <p className="examples-notice">
          Most of them need to know who you are.{' '}
          <Link to="/sign-in" search={{ next: '/graphiql' } as never}>
            Sign in
          </Link>
        </p>
      )}
      {groups.map((group) => (
        <section key={group.title} aria-labelledby={`examples-${group.title}`}>
          <h3 id={`examples-${group.title}`}>{group.title}</h3>
          <ul>
            {group.examples.map((example) => (
              <li key={example.title}>
                <button
                  type="button"
                  className="examples-open"
                  onClick={() => open(example)}
                  disabled={!queryEditor}
                >
                  <span className="examples-name">
                    <span>{example.title}</span>
                    {example.live && <span className="examples-live">live</span>}
                  </span>
                  <span className="examples-sentence">{example.sentence}</span>
                </button>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </section>
  );
}

function ExamplesIcon() {
  return (
    <svg viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.5" aria-hidden="true">
      <path d="M1.5 3h2M1.5 8h2M1.5 13h2M6 3h8.5M6 8h8.5M6 13h8.5" strokeLinecap="round" />
    </svg>
  );
}

export const examplesPlugin: GraphiQLPlugin = {
  title: 'Examples',
  icon: ExamplesIcon,
  content: ExamplesPanel,
};
