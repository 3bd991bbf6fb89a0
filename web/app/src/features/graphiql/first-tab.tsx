// Shows the variables of the first tab. GraphiQL fills its editors from the previous visit only, so
// on a first visit the variables editor would stay empty beside a tab that has some. Both editors
// are set: GraphiQL stores what changes in them, and takes a lone half for a tab of its own.
import { pick, useGraphiQL } from '@graphiql/react';
import { useEffect, useRef } from 'react';

export function FirstTab() {
  const { tabs, activeTabIndex, queryEditor, variableEditor } = useGraphiQL(
    pick('tabs', 'activeTabIndex', 'queryEditor', 'variableEditor'),
  );
  const isDone = useRef(false);

  useEffect(() => {
    if (!queryEditor || !variableEditor || isDone.current) return;
    isDone.current = true;
    const tab = tabs[activeTabIndex];
    if (!tab?.variables || variableEditor.getValue()) return;
    queryEditor.setValue(tab.query ?? '');
    variableEditor.setValue(tab.variables);
  }, [tabs, activeTabIndex, queryEditor, variableEditor]);

  return null;
}
